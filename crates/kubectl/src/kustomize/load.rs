//! Folders and files: what a kustomization may read, and from where.

use drydock_value::{Value, value};

use super::resource::{self, Item, Items};
use super::{checks, config, generate, plugins, transform, vars};
use crate::env::{Env, Files};

/// The machine, and what is gathered on the way.
pub(super) struct World<'a> {
    pub env: &'a Env,
    pub files: &'a mut dyn Files,
    /// `--load-restrictor LoadRestrictionsNone`
    pub unrestricted: bool,
    /// `--enable-helm`
    pub helm: bool,
    /// What stands before a line that is logged.
    pub log: String,
    /// Warnings, a line each.
    pub warnings: Vec<String>,
    /// The variables of all layers.
    pub vars: Vec<Value>,
    /// Fields beyond the usual ones in which variables are written out.
    pub var_fields: Vec<Value>,
    /// Fields beyond the usual ones that hold names of other objects.
    pub references: Vec<Value>,
    /// Whether objects tell what transformed them.
    pub annotated: bool,
}

const ROOT_FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A folder that files are read from, below the folders that led to it.
#[derive(Debug, Clone)]
pub(super) struct Loader {
    root: String,
    above: Vec<String>,
}

/// Names the first folder on the way that is not there.
fn missing(world: &mut World<'_>, path: &str, absolute: &str) -> String {
    let ends = absolute.match_indices('/').map(|(at, _)| at).skip(1).chain([absolute.len()]);
    let first = ends.map(|end| &absolute[..end]).find(|folder| !world.files.exists(folder)).unwrap_or(absolute);
    format!("evalsymlink failure on '{path}' : lstat {first}: no such file or directory")
}

fn inside(path: &str, folder: &str) -> bool {
    folder == "/" || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

impl Loader {
    /// At the folder that the command names.
    pub fn start(world: &mut World<'_>, path: &str) -> Result<Loader, String> {
        let root = confirm(world, &world.env.absolute(path), path)?;
        Ok(Loader { root, above: Vec::new() })
    }

    fn join(&self, path: &str) -> String {
        Env { cwd: self.root.clone(), ..Env::default() }.absolute(path)
    }

    /// A path as seen from the first folder.
    pub fn relative(&self, path: &str) -> String {
        let start = self.above.first().unwrap_or(&self.root);
        let absolute = self.join(path);
        let mut ups = 0;
        let mut folder = start.as_str();
        while !inside(&absolute, folder) {
            folder = folder.rsplit_once('/').map_or("/", |(up, _)| if up.is_empty() { "/" } else { up });
            ups += 1;
        }
        let rest = absolute.strip_prefix(folder).unwrap_or(&absolute).trim_start_matches('/');
        "../".repeat(ups) + rest
    }

    /// A file's bytes. Files outside of the folder are not read, unless the command allows it.
    pub fn load(&self, world: &mut World<'_>, path: &str) -> Result<Vec<u8>, String> {
        if path.starts_with("http://") || path.starts_with("https://") {
            return Err(format!("unable to read URL {path:?}: there is no way to the internet from here"));
        }
        let absolute = self.join(path);
        if !world.files.exists(&absolute) {
            return Err(missing(world, &absolute, &absolute));
        }
        if world.files.is_dir(&absolute) {
            return Err(format!("'{absolute}' must resolve to a file"));
        }
        if !world.unrestricted && !inside(&absolute, &self.root) {
            return Err(format!("security; file '{absolute}' is not in or below '{}'", self.root));
        }
        world.files.read(&absolute).map_err(|errno| format!("open {absolute}: {errno}"))
    }

    /// Another folder, which must not lead back to those that led here.
    fn enter(&self, world: &mut World<'_>, path: &str) -> Result<Loader, String> {
        if path.is_empty() {
            return Err("new root cannot be empty".into());
        }
        if path.starts_with('/') {
            return Err(format!("new root '{path}' cannot be absolute"));
        }
        let joined = self.join(path);
        let root = confirm(world, &joined, &joined)?;
        for visited in self.above.iter().chain([&self.root]).rev() {
            if inside(visited, &root) {
                return Err(format!("cycle detected: candidate root '{root}' contains visited root '{visited}'"));
            }
        }
        Ok(Loader { root, above: self.above.iter().cloned().chain([self.root.clone()]).collect() })
    }
}

/// A folder's path, when it is one. `shown` is how errors call it.
fn confirm(world: &mut World<'_>, absolute: &str, shown: &str) -> Result<String, String> {
    let wrong = if !world.files.exists(absolute) {
        format!("not a valid directory: {}", missing(world, shown, absolute))
    } else if world.files.is_dir(absolute) {
        return Ok(absolute.to_owned());
    } else {
        format!("'{shown}': file is not directory")
    };
    Err(format!("must build at directory: {wrong}"))
}

/// The kustomization of a folder.
pub(super) fn kustomization(world: &mut World<'_>, loader: &Loader) -> Result<Value, String> {
    let found: Vec<String> =
        ROOT_FILES.iter().map(|name| loader.join(name)).filter(|path| world.files.exists(path)).collect();
    let path = match found.as_slice() {
        [path] => path,
        [] => {
            let [first, second, third] = ROOT_FILES;
            let names = format!("'{first}', '{second}' or '{third}'");
            return Err(format!("unable to find one of {names} in directory '{}'", loader.root));
        }
        _ => return Err(format!("Found multiple kustomization files under: {}", loader.root)),
    };
    let bytes = world.files.read(path).map_err(|errno| format!("open {path}: {errno}"))?;
    let text = String::from_utf8_lossy(&bytes);
    let value = drydock_yaml::parse_one(&text).map_err(|error| {
        let error = error.to_string();
        format!("invalid Kustomization: {}", error.trim_start_matches("error converting YAML to JSON: "))
    })?;
    let value = checks::check(&value)?;
    world.warnings.extend(checks::deprecations(&value));
    checks::enforce(&value, &loader.root)?;
    helm(world, &value)?;
    match &value["openapi"] {
        Value::Null => {}
        openapi if !openapi["path"].is_empty() => {
            loader.load(world, openapi["path"].str())?;
        }
        openapi if !matches!(openapi["version"].str(), "" | "v1.21.2") => {
            return Err("the specified OpenAPI version is not built in".into());
        }
        _ => {}
    }
    Ok(value)
}

/// Refuses charts: whoever has not asked for them as kustomize does, others as what is not done here.
fn helm(world: &World<'_>, kustomization: &Value) -> Result<(), String> {
    for field in ["helmCharts", "helmChartInflationGenerator"] {
        let Some(chart) = kustomization[field].items().first() else { continue };
        if world.helm {
            return Err(format!("{field} is not supported"));
        }
        let mut config = Value::object();
        let globals = kustomization["helmGlobals"].entries();
        for (key, value) in globals.chain(chart.entries()).filter(|(_, value)| !value.is_empty()) {
            // The older form had other names for some, and some that are passed over.
            let key = match key {
                "chartName" => "name",
                "chartRepoUrl" => "repo",
                "chartVersion" => "version",
                "values" => "valuesFile",
                "valuesLocal" => "valuesInline",
                "helmHome" => "configHome",
                "chartRepoName" | "helmBin" | "releaseNamespace" | "extraArgs" => continue,
                key => key,
            };
            config.set(key, value.clone());
        }
        let config = drydock_yaml::to_yaml(&config);
        return Err(format!(
            "trouble configuring builtin HelmChartInflationGenerator with config: `\n{config}`: must specify --enable-helm"
        ));
    }
    Ok(())
}

/// Everything that a folder's kustomization makes of `items` (which is empty but for components).
pub(super) fn accumulate(
    world: &mut World<'_>,
    loader: &Loader,
    kustomization: &Value,
    items: &mut Items,
) -> Result<(), String> {
    for field in ["resources", "bases"] {
        for path in kustomization[field].items() {
            resource_entry(world, loader, path.str(), items).map_err(|why| format!("accumulating resources: {why}"))?;
        }
    }
    let config = config::read(kustomization, world, loader)?;
    vars::merge(&mut world.vars, &kustomization["vars"])?;
    generate::run(kustomization, world, loader, items)?;
    plugins::generators(world, loader, kustomization, items)?;
    for path in kustomization["components"].items() {
        let wrap =
            |words: &str, why: String| format!("accumulating components: {words} {}", crate::failure::quote(&why));
        let inner = loader.enter(world, path.str()).map_err(|why| wrap("loader.New", why))?;
        folder(world, &inner, true, items).map_err(|why| wrap("accumulateDirectory:", why))?;
    }
    transform::run(kustomization, &config, world, loader, items)?;
    plugins::transformers(world, loader, kustomization, items)?;
    plugins::validators(world, loader, kustomization, items)
}

/// An entry of `resources`: a file, or else a folder.
pub(super) fn resource_entry(
    world: &mut World<'_>,
    loader: &Loader,
    path: &str,
    items: &mut Items,
) -> Result<(), String> {
    let from = |why: &str| format!("accumulating resources from '{path}': {why}");
    let found = loader.load(world, path).and_then(|bytes| documents(&bytes, path)).and_then(|objects| {
        for object in objects {
            let origin = value!({"path": loader.relative(path)});
            let metadata = &object["metadata"]["annotations"];
            let hashed = metadata["kustomize.config.k8s.io/needs-hash"].str() == "true";
            resource::append(items, Item { object, hashed, origin, ..Item::default() })
                .map_err(|why| format!("merging resources from '{path}': {why}"))?;
        }
        Ok(())
    });
    let Err(why) = found else { return Ok(()) };
    let why = if why.starts_with("merging resources from") { why } else { from(&why) };
    // What is not even YAML is surely meant to be a file.
    let malformed = why.contains("MalformedYAMLError");
    let both = |error: String| if malformed { why.clone() } else { format!("accumulation err='{why}': {error}") };
    let inner = loader.enter(world, path).map_err(both)?;
    let mut own = Items::new();
    folder(world, &inner, false, &mut own).map_err(both)?;
    for item in own {
        resource::append(items, item)
            .map_err(|why| both(format!("recursed merging from path '{}': {why}", inner.root)))?;
    }
    Ok(())
}

fn folder(world: &mut World<'_>, loader: &Loader, component: bool, items: &mut Items) -> Result<(), String> {
    let value = kustomization(world, loader)
        .map_err(|why| format!("couldn't make target for path '{}': {why}", loader.root))?;
    let kind = value["kind"].str();
    if component != (kind == "Component") {
        let root = &loader.root;
        return Err(match component {
            true => format!("expected kind 'Component' for path '{root}' but got 'Kustomization'"),
            false => format!("expected kind != 'Component' for path '{root}'"),
        });
    }
    accumulate(world, loader, &value, items)
        .map_err(|why| format!("recursed accumulation of path '{}': {why}", loader.root))
}

/// The objects of a file; lists are taken apart.
pub(super) fn documents(bytes: &[u8], path: &str) -> Result<Vec<Value>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut objects = Vec::new();
    for document in drydock_yaml::documents_of_words(&text) {
        let value = document
            .map_err(|error| {
                // go-yaml counts the first line too when it is asked directly.
                let words = match error.message.strip_prefix("yaml: ") {
                    Some(words) if !words.starts_with("line ") => format!("yaml: line 1: {words}"),
                    _ => error.message,
                };
                format!("MalformedYAMLError: {words} in File: {path}")
            })?
            .value;
        flatten(value, &mut objects)?;
    }
    Ok(objects)
}

fn flatten(value: Value, objects: &mut Vec<Value>) -> Result<(), String> {
    if value.as_object().is_none() {
        return Err("missing Resource metadata".into());
    }
    if value["kind"].str().ends_with("List") && value["items"].as_array().is_some() {
        for item in value["items"].items() {
            flatten(item.clone(), objects)?;
        }
        return Ok(());
    }
    let (version, kind, metadata) = (value["apiVersion"].str(), value["kind"].str(), &value["metadata"]);
    let pairs = |map: &Value| map.entries().map(|(k, v)| format!("{k}:{}", v.str())).collect::<Vec<_>>().join(" ");
    let absent = if kind.is_empty() {
        "missing kind"
    } else if metadata["name"].str().is_empty() {
        "missing metadata.name"
    } else {
        objects.push(value);
        return Ok(());
    };
    Err(format!(
        "{absent} in object {{{{{version} {kind}}} {{{{{} {}}} map[{}] map[{}]}}}}",
        metadata["name"].str(),
        metadata["namespace"].str(),
        pairs(&metadata["labels"]),
        pairs(&metadata["annotations"])
    ))
}
