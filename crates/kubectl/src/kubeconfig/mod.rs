//! The kubeconfig: which server, as whom, in which namespace. The model is clientcmd's: several files merged (the first
//! that has a value wins), contexts that join a cluster and a user, overrides from the command line.

mod checks;
mod connection;
mod fields;
mod inside;
mod property;

use drydock_sorted::SortedMap;

use drydock_value::{Value, value};

use crate::env::{Env, Files};
use crate::failure::{Failure, quote};
use crate::flags::Flags;
use crate::text;

pub use connection::{Asking, Connection, connection};
pub(crate) use inside::within_cluster;
pub use property::{set_property, unset_property};

/// What a kubeconfig says: named clusters, users and contexts, each as its own JSON object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// The context in use; empty when none is.
    pub current: String,
    /// Contexts by name: `cluster`, `user`, `namespace`.
    pub contexts: SortedMap<String, Value>,
    /// Clusters by name: `server`, `certificate-authority` and so on.
    pub clusters: SortedMap<String, Value>,
    /// Users by name: `token`, `client-certificate` and so on.
    pub users: SortedMap<String, Value>,
    /// Preferences; empty mostly.
    pub preferences: Value,
}

/// The named parts of a [`Config`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `clusters`
    Clusters,
    /// `contexts`
    Contexts,
    /// `users`
    Users,
}

impl Section {
    /// The list's key and the key of each entry's content.
    pub fn keys(self) -> (&'static str, &'static str) {
        match self {
            Section::Clusters => ("clusters", "cluster"),
            Section::Contexts => ("contexts", "context"),
            Section::Users => ("users", "user"),
        }
    }
}

impl Config {
    /// A part.
    pub fn section(&self, section: Section) -> &SortedMap<String, Value> {
        match section {
            Section::Clusters => &self.clusters,
            Section::Contexts => &self.contexts,
            Section::Users => &self.users,
        }
    }

    /// A part, for changing.
    pub fn section_mut(&mut self, section: Section) -> &mut SortedMap<String, Value> {
        match section {
            Section::Clusters => &mut self.clusters,
            Section::Contexts => &mut self.contexts,
            Section::Users => &mut self.users,
        }
    }

    /// Reads the file's document.
    pub fn from_value(document: &Value) -> Config {
        let mut config = Config {
            current: document["current-context"].str().to_owned(),
            preferences: document["preferences"].clone(),
            ..Config::default()
        };
        for section in [Section::Clusters, Section::Contexts, Section::Users] {
            let (list, key) = section.keys();
            for entry in document[list].items() {
                let content = match &entry[key] {
                    Value::Object(map) => Value::Object(map.clone()),
                    _ => Value::object(),
                };
                config.section_mut(section).entry(entry["name"].str().to_owned()).or_insert(content);
            }
        }
        config
    }

    /// The document, as written to a file and shown by `config view`: empty parts are null.
    pub fn to_value(&self) -> Value {
        let list = |section: Section| {
            let entries = self.section(section);
            if entries.is_empty() {
                return Value::Null;
            }
            let (_, key) = section.keys();
            let entry =
                |(name, content): (&String, &Value)| value!({"name": name, (key): fields::tidy(section, content)});
            entries.iter().map(entry).collect::<Value>()
        };
        let mut document = value!({
            "apiVersion": "v1", "kind": "Config", "current-context": &self.current,
            "clusters": list(Section::Clusters), "contexts": list(Section::Contexts), "users": list(Section::Users)
        });
        if !self.preferences.is_empty() {
            document.set("preferences", &self.preferences);
        }
        document
    }
}

/// Reads one file.
fn one(path: &str, absolute: &str, files: &mut dyn Files) -> Result<Config, String> {
    let bytes = files.read(absolute).map_err(|errno| format!("open {path}: {errno}"))?;
    let documents = text::parse_yaml(&String::from_utf8_lossy(&bytes))
        .map_err(|why| why.trim_start_matches("error converting YAML to JSON: ").to_owned())?;
    let document = documents.first().unwrap_or(&Value::Null);
    fields::known(document)?;
    fields::check(document)?;
    Ok(Config::from_value(document))
}

/// The files that a kubeconfig comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kubeconfig {
    /// Where: absolute paths with what each holds; None for a file that is not there.
    pub files: Vec<(String, Option<Config>)>,
    /// The same as they were named.
    names: Vec<String>,
    /// Whether `--kubeconfig` named the file.
    pub explicit: bool,
}

impl Kubeconfig {
    /// Reads the files that `--kubeconfig`, `KUBECONFIG` or the home directory name.
    ///
    /// # Errors
    /// When a file is there and is not a kubeconfig.
    pub fn load(flags: &Flags, env: &Env, files: &mut dyn Files) -> Result<Kubeconfig, Failure> {
        let explicit = flags.non_empty("kubeconfig").map(str::to_owned);
        let paths: Vec<String> = match &explicit {
            Some(path) => vec![path.clone()],
            None if env.var("KUBECONFIG").is_empty() => {
                vec![format!("{}/.kube/config", env.home.trim_end_matches('/'))]
            }
            None => {
                let mut paths: Vec<String> = Vec::new();
                for path in env.var("KUBECONFIG").split(':').filter(|path| !path.is_empty()) {
                    if !paths.iter().any(|p| p == path) {
                        paths.push(path.to_owned());
                    }
                }
                paths
            }
        };
        let mut loaded = Kubeconfig { names: paths, explicit: explicit.is_some(), ..Kubeconfig::default() };
        let mut failures = Vec::new();
        for path in &loaded.names {
            let absolute = env.absolute(path);
            let config = match files.exists(&absolute) {
                true => one(path, &absolute, files).map(Some),
                false => Ok(None),
            };
            match config {
                Ok(config) => loaded.files.push((absolute, config)),
                Err(why) => failures.push(format!("error loading config file {}: {why}", quote(path)).into()),
            }
        }
        Failure::all(failures)?;
        Ok(loaded)
    }

    /// All files as one: for every name and for the current context, the first file that has it wins.
    pub fn merged(&self) -> Config {
        let mut merged = Config::default();
        for config in self.files.iter().filter_map(|(_, config)| config.as_ref()) {
            if merged.current.is_empty() {
                merged.current.clone_from(&config.current);
            }
            if merged.preferences.is_empty() {
                merged.preferences.clone_from(&config.preferences);
            }
            for section in [Section::Clusters, Section::Contexts, Section::Users] {
                for (name, content) in config.section(section) {
                    merged.section_mut(section).entry(name.clone()).or_insert_with(|| content.clone());
                }
            }
        }
        merged
    }

    /// The file that new entries go to: the one that `--kubeconfig` names, else the first that is there, else the last.
    pub fn default_path(&self) -> &str {
        let existing = self.files.iter().find(|(_, config)| config.is_some());
        existing.or(self.files.last()).map_or("", |(path, _)| path)
    }

    /// The same as it was named.
    pub fn default_name(&self) -> &str {
        let at = self.files.iter().position(|(path, _)| path == self.default_path());
        at.and_then(|at| self.names.get(at)).map_or(self.default_path(), String::as_str)
    }

    /// Writes what changed between [`Kubeconfig::merged`] and `after`, each entry into the file that it came from.
    ///
    /// # Errors
    /// errno's words when a file can't be written.
    pub fn save(&self, after: &Config, files: &mut dyn Files) -> Result<(), Failure> {
        let before = self.merged();
        let default = self.default_path().to_owned();
        let mut changed: SortedMap<String, Config> = SortedMap::new();
        let holder = |section: Section, name: &str| {
            let has = |config: &Config| config.section(section).contains_key(name);
            let file = self.files.iter().find(|(_, config)| config.as_ref().is_some_and(has));
            file.map_or(default.clone(), |(path, _)| path.clone())
        };
        let original = |path: &str| {
            let file = self.files.iter().find(|(p, _)| p == path);
            file.and_then(|(_, config)| config.clone()).unwrap_or_default()
        };
        for section in [Section::Clusters, Section::Contexts, Section::Users] {
            let (old, new) = (before.section(section), after.section(section));
            for (name, content) in new.iter().filter(|(name, content)| old.get(*name) != Some(content)) {
                let path = holder(section, name);
                let config = changed.entry(path.clone()).or_insert_with(|| original(&path));
                config.section_mut(section).insert(name.clone(), content.clone());
            }
            for name in old.keys().filter(|name| !new.contains_key(*name)) {
                let path = holder(section, name);
                let config = changed.entry(path.clone()).or_insert_with(|| original(&path));
                config.section_mut(section).remove(name);
            }
        }
        if before.preferences != after.preferences {
            let config = changed.entry(default.clone()).or_insert_with(|| original(&default));
            config.preferences.clone_from(&after.preferences);
        }
        if before.current != after.current {
            let holder = self.files.iter().find(|(_, c)| c.as_ref().is_some_and(|c| !c.current.is_empty()));
            // Taking the current context away takes it out of every file, else the next one would show through.
            let path = holder.map_or(default, |(path, _)| path.clone());
            let config = changed.entry(path.clone()).or_insert_with(|| original(&path));
            config.current.clone_from(&after.current);
        }
        for (path, config) in changed {
            if let Some((folder, _)) = path.rsplit_once('/')
                && !folder.is_empty()
                && !files.exists(folder)
            {
                files.mkdir_all(folder).map_err(|errno| format!("mkdir {folder}: {errno}"))?;
            }
            let mut config = config;
            fields::relative_paths(&mut config, &path);
            let document = config.to_value();
            files
                .write(&path, text::to_yaml(&document).as_bytes())
                .map_err(|errno| Failure::Error(format!("open {path}: {errno}")))?;
        }
        Ok(())
    }
}
