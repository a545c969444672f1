//! kuberc: a user's preferences. Aliases are commands of the user's own; defaults are values of flags that are not given.

use drydock_sorted::Sort;
use drydock_value::Value;

use crate::env::{Env, Files};
use crate::flags::{Parsed, table};

/// The versions that are read; the first is written.
pub(crate) const VERSIONS: [&str; 2] = ["kubectl.config.k8s.io/v1beta1", "kubectl.config.k8s.io/v1alpha1"];

/// What is known of the file, by where it stands; a `*` is any place of a list.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "apiVersion",
            "kind",
            "defaults",
            "overrides",
            "aliases",
            "credentialPluginPolicy",
            "credentialPluginAllowlist",
        ],
    ),
    ("defaults", &["command", "options"]),
    ("overrides", &["command", "flags"]),
    ("aliases", &["name", "command", "prependArgs", "appendArgs", "options", "flags"]),
    ("options", &["name", "default"]),
    ("flags", &["name", "default"]),
    ("credentialPluginAllowlist", &["command", "name"]),
];

/// Preferences, with what is to be said of their file.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Null when there are none.
    pub preferences: Value,
    /// What everybody is told.
    pub warning: String,
    /// What `-v=5` tells: the place in the source, and the words.
    pub notes: Vec<(&'static str, String)>,
}

/// Whether preferences are switched off for this command line.
pub(crate) fn is_off(env: &Env) -> bool {
    env.var("KUBERC") == "off"
}

/// Whether there is such a thing as preferences.
pub(crate) fn exists(env: &Env) -> bool {
    env.var("KUBECTL_KUBERC") != "false"
}

/// The path that the command line names.
fn named(env: &Env) -> Result<Option<String>, String> {
    let mut words = env.args.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let path = match word.strip_prefix("--kuberc") {
            Some("") => words.next().map(String::as_str),
            Some(rest) if rest.starts_with('=') => Some(&rest[1..]),
            _ => continue,
        };
        return match path.filter(|path| !path.is_empty()) {
            Some(path) => Ok(Some(path.to_owned())),
            None => Err("kuberc file is not found".into()),
        };
    }
    Ok(None)
}

/// Where the preferences are, and whether somebody said so.
fn place(env: &Env) -> Result<(String, bool), String> {
    if let Some(path) = named(env)? {
        return Ok((path, true));
    }
    Ok(match env.var("KUBERC") {
        "" | "off" => (format!("{}/.kube/kuberc", env.home.trim_end_matches('/')), false),
        path => (path.to_owned(), true),
    })
}

/// Whether somebody said where the preferences are.
pub(crate) fn is_named(env: &Env) -> bool {
    place(env).is_ok_and(|(_, explicit)| explicit)
}

/// Where the preferences are.
pub(crate) fn path(env: &Env) -> String {
    place(env).map_or_else(|_| String::new(), |(path, _)| path)
}

/// Reads the preferences.
///
/// # Errors
/// When the file that was asked for is not there, or holds none.
pub(crate) fn load(env: &Env, files: &mut dyn Files) -> Result<Found, String> {
    if !exists(env) {
        return Ok(Found::default());
    }
    if is_off(env) {
        return match named(env)? {
            Some(_) => {
                let why = "disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive";
                Err(format!("kuberc error {why}"))
            }
            None => Ok(Found::default()),
        };
    }
    let (path, explicit) = place(env)?;
    let absolute = env.absolute(&path);
    let text = match files.read(&absolute) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) if !explicit && !files.exists(&absolute) => return Ok(Found::default()),
        Err(errno) => return refuse(explicit, &path, &format!("open {path}: {errno}"), Vec::new()),
    };
    let mut notes = Vec::new();
    let mut entries = 0;
    for document in drydock_yaml::documents(&text) {
        entries += 1;
        let read = document.and_then(drydock_yaml::Document::strict).map_err(|error| error.to_string());
        let read = read.and_then(|value| usable(&value).map(|()| value));
        let preferences = match read {
            Ok(preferences) => preferences,
            Err(why) => {
                let note = format!("kuberc: strict decoding error for entry {entries} in {path}: {why}");
                notes.push(("marshal.go:71", note));
                continue;
            }
        };
        let version = preferences["apiVersion"].str();
        notes.push(("marshal.go:94", format!("kuberc: using entry {entries} ({version}) in {path}")));
        let mut unknown = Vec::new();
        unknown_fields(&preferences, "", "", &mut unknown);
        let mut warning = String::new();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            warning = format!("kuberc: ignoring strict decoding error in {path}: strict decoding error: {unknown}");
        }
        valid(&preferences)?;
        return Ok(Found { preferences, warning, notes });
    }
    if entries > 0 {
        let why = format!("no valid preferences found in {path}, use --v=5 to see details");
        return refuse(explicit, &path, &why, notes);
    }
    notes.push(("marshal.go:103", format!("kuberc: no preferences found in {path}")));
    Ok(Found { notes, ..Found::default() })
}

/// Preferences that somebody asked for must be there; others are only missed.
fn refuse(explicit: bool, path: &str, why: &str, notes: Vec<(&'static str, String)>) -> Result<Found, String> {
    if explicit {
        return Err(format!("kuberc error kuberc: {why}"));
    }
    let warning = format!("kuberc: no preferences loaded from {path}: {why}");
    Ok(Found { preferences: Value::Null, warning, notes })
}

/// Whether a document can be read as preferences at all.
fn usable(value: &Value) -> Result<(), String> {
    let (version, kind) = (value["apiVersion"].str(), value["kind"].str());
    let group = VERSIONS[0].split_once('/').map_or("", |(group, _)| group);
    if kind.is_empty() || version.is_empty() {
        let missing = if kind.is_empty() { "Kind" } else { "apiVersion" };
        return Err(format!("Object '{missing}' is missing in '{}'", drydock_yaml::to_yaml(value)));
    }
    if kind != "Preference" || !VERSIONS.contains(&version) {
        let known = "scheme \"pkg/config/scheme/scheme.go:30\"";
        return Err(if version.starts_with(group) || kind != "Preference" {
            format!("no kind {kind:?} is registered for version {version:?} in {known}")
        } else {
            format!("unexpected GroupVersionKind {version}, Kind={kind}")
        });
    }
    for field in ["defaults", "overrides", "aliases", "credentialPluginAllowlist"] {
        let list = &value[field];
        let fits = list.as_array().is_some() && list.items().iter().all(|entry| entry.as_object().is_some());
        if !list.is_null() && !fits {
            return Err(format!("json: cannot unmarshal into Go struct field Preference.{field}"));
        }
    }
    for entry in value["credentialPluginAllowlist"].items() {
        let (name, command) = (entry["name"].str(), entry["command"].str());
        if !name.is_empty() && !command.is_empty() && name != command {
            return Err("allowlist entry fields \"name\" and \"command\" differ".into());
        }
    }
    Ok(())
}

fn unknown_fields(value: &Value, of: &str, place: &str, unknown: &mut Vec<String>) {
    let Some(map) = value.as_object() else { return };
    let known = FIELDS.iter().find(|(field, _)| *field == of).map_or(&[][..], |(_, known)| known);
    let mut keys: Vec<&str> = map.keys().collect();
    keys.sort_compact();
    for key in keys {
        let path = format!("{place}{key}");
        if known.contains(&key) {
            for (i, item) in map.get(key).map(Value::items).unwrap_or_default().iter().enumerate() {
                unknown_fields(item, key, &format!("{path}[{i}]."), unknown);
            }
        } else {
            unknown.push(format!("unknown field {path:?}"));
        }
    }
}

/// What no preferences may say of the programs that hand out credentials.
fn valid_policy(preferences: &Value) -> Result<(), String> {
    let (policy, allowed) = (preferences["credentialPluginPolicy"].str(), &preferences["credentialPluginAllowlist"]);
    let wrong = "misconfigured credential plugin allowlist";
    match policy {
        "" | "AllowAll" | "DenyAll" if allowed.is_null() => return Ok(()),
        "" | "AllowAll" | "DenyAll" => {
            return Err(format!("{wrong}: plugin policy is {policy:?} but allowlist is non-nil"));
        }
        "Allowlist" => {}
        _ => return Err(format!("unknown plugin policy: {policy:?}")),
    }
    let set = "credential plugin policy set to \"Allowlist\", but allowlist is";
    if allowed.is_null() {
        return Err(format!("{set} unspecified"));
    }
    if allowed.is_empty() {
        return Err(format!("{set} empty; use \"DenyAll\" policy instead"));
    }
    for (number, entry) in allowed.items().iter().enumerate() {
        let command = allowed_command(entry);
        if command.is_empty() {
            return Err(format!("{wrong}: empty allowlist entry #{}", number + 1));
        }
        let clean = clean(command);
        if clean != command {
            return Err(format!("non-normalized file path: {command:?} vs {clean:?}"));
        }
    }
    Ok(())
}

/// The program that an entry allows, under its name of today or the one before.
pub(crate) fn allowed_command(entry: &Value) -> &str {
    [&entry["command"], &entry["name"]].iter().map(|text| text.str()).find(|text| !text.is_empty()).unwrap_or("")
}

/// A path without `.`, `..` and empty steps.
fn clean(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/').filter(|step| !step.is_empty() && *step != ".") {
        match steps.last() {
            Some(last) if step == ".." && *last != ".." => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    root.to_owned() + &steps.join("/")
}

/// What no preferences may hold.
fn valid(preferences: &Value) -> Result<(), String> {
    valid_policy(preferences)?;
    let mut names: Vec<&str> = Vec::new();
    let aliases = preferences["aliases"].items();
    for alias in aliases {
        let name = alias["name"].str();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphabetic()) {
            return Err("invalid alias name, can only include alphabetical characters".into());
        }
        long_names(list(alias, "options", "flags"))?;
        if names.contains(&name) {
            return Err(format!("duplicate alias name {name}"));
        }
        names.push(name);
    }
    for entry in list(preferences, "defaults", "overrides") {
        long_names(list(entry, "options", "flags"))?;
    }
    Ok(())
}

fn long_names(options: &[Value]) -> Result<(), String> {
    match options.iter().map(|option| option["name"].str()).find(|name| name.starts_with('-')) {
        Some(name) => Err(format!("flag name {name} should be in long form without dashes")),
        None => Ok(()),
    }
}

/// A list under its name of today or its name of v1alpha1.
fn list<'v>(value: &'v Value, now: &str, then: &str) -> &'v [Value] {
    if value[now].is_null() { value[then].items() } else { value[now].items() }
}

/// The command line with an alias put in; None when it begins with none.
///
/// # Errors
/// When an alias makes no sense.
pub(crate) fn expand(preferences: &Value, args: &[String]) -> Result<Option<Vec<String>>, String> {
    for alias in preferences["aliases"].items() {
        let name = alias["name"].str();
        let Some(at) = args.iter().position(|word| !word.starts_with('-')).filter(|at| args[*at] == name) else {
            continue;
        };
        if table().child("", name).is_some() {
            continue;
        }
        let texts = |field: &str| alias[field].items().iter().map(|item| item.str().to_owned()).collect::<Vec<_>>();
        let rest = &args[at + 1..];
        let path = alias["command"].str();
        let command = table().command(path).ok_or_else(|| {
            let words = path.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("command {path:?} not found to set alias {name:?}: [{words}]")
        })?;
        let mut words = args[..at].to_vec();
        words.extend(path.split(' ').map(str::to_owned));
        words.extend(texts("prependArgs"));
        for option in list(alias, "options", "flags") {
            let (option, value) = (option["name"].str(), option["default"].str());
            let flag =
                table().flag(command, option).ok_or_else(|| format!("invalid alias flag {option} in alias kubectl"))?;
            let given = rest.iter().take_while(|word| *word != "--").any(|word| {
                word.strip_prefix("--").is_some_and(|long| long.split('=').next() == Some(option))
                    || flag
                        .short
                        .is_some_and(|short| word.strip_prefix('-').is_some_and(|letters| letters.starts_with(short)))
            });
            if !given {
                words.push(format!("--{option}={value}"));
            }
        }
        words.extend(rest.iter().cloned());
        words.extend(texts("appendArgs"));
        return Ok(Some(words));
    }
    Ok(None)
}

/// Sets the flags that were not given to what the user prefers for the command. Commands are known by the last word of
/// their names.
///
/// # Errors
/// A flag that the command does not have, or a value that does not fit.
pub(crate) fn defaults(preferences: &Value, parsed: &mut Parsed, warning: &mut String) -> Result<(), String> {
    let given: Vec<&str> = parsed.flags.names().collect();
    for entry in list(preferences, "defaults", "overrides") {
        let path = entry["command"].str();
        let Some(command) = table().command(path).filter(|_| !path.is_empty()) else {
            *warning += &format!("Warning: command {path:?} not found to set kuberc override\n");
            continue;
        };
        if command.name() != parsed.command.name() {
            continue;
        }
        for option in list(entry, "options", "flags") {
            let (name, value) = (option["name"].str(), option["default"].str());
            let Some(flag) = table().flag(parsed.command, name) else {
                return Err(format!("invalid flag {name} for command {path}"));
            };
            if !given.contains(&name) {
                parsed.flags.set(flag, value).map_err(|why| {
                    let why = flag.refuses(value, &why);
                    format!("could not apply override value {value} to flag {name} in command {path} err: {why}")
                })?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::Fake;
    use drydock_value::value;

    #[test]
    fn aliases_and_defaults() {
        let file = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults:\n- command: get\n  options: [{name: output, default: name}]\naliases:\n- name: getp\n  command: get\n  prependArgs: [pods]\n  options: [{name: output, default: 'jsonpath={.metadata.uid}'}]\n- name: madecm\n  command: create configmap\n  options: [{name: dry-run, default: client}]\n  appendArgs: [--output=name]\n";
        let pod = value!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "default", "uid": "u-1"}});
        for (line, want) in [
            ("getp web", "u-1"),
            ("getp web -o name", "pod/web\n"),
            ("get pod web", "pod/web\n"),
            ("get pod web --kuberc=/other -o jsonpath={.kind}", "Pod"),
            ("madecm x", "configmap/x\n"),
        ] {
            let mut fake = Fake::default().object(&pod).file("/home/.kube/kuberc", file).file("/other", "");
            let ran = fake.line(line);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), (want, ""), "{line}");
        }
        let broken = "---\napiVersion: kubectl.config.k8s.io/none\nkind: Preference\n---\napiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\nwhat: 1\ndefaults:\n- command: get\n  options: [{name: output, default: name, more: x}]\n- command: nothing\n";
        for (file, vars, line, want) in [
            (
                Some(broken),
                "",
                "get pod web --kuberc=/rc",
                "kuberc: ignoring strict decoding error in /rc: strict decoding error: unknown field \"defaults[0].options[0].more\", unknown field \"what\"Warning: command \"nothing\" not found to set kuberc override\npod/web\n",
            ),
            (Some(""), "", "get pod web --kuberc /rc -o name", "pod/web\n"),
            (
                Some("x: y\n"),
                "",
                "get pod web",
                "kuberc: no preferences loaded from /home/.kube/kuberc: no valid preferences found in /home/.kube/kuberc, use --v=5 to see detailsNAME",
            ),
            (
                None,
                "",
                "get pod --kuberc=/rc",
                "error occurred while applying preferences kuberc error kuberc: open /rc: no such file or directory\n",
            ),
            (
                Some(broken),
                "off",
                "get pod --kuberc=/rc",
                "error occurred while applying preferences kuberc error disabling kuberc via KUBERC=off and passing kuberc flag are mutually exclusive\n",
            ),
            (None, "off", "kuberc view", "error: KUBERC is disabled via KUBERC=off environment variable\n"),
            (
                Some(
                    "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\naliases: [{name: a1, command: get}]\n",
                ),
                "",
                "get pod",
                "error occurred while applying preferences invalid alias name, can only include alphabetical characters\n",
            ),
            (
                Some(
                    "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults: [{command: get, options: [{name: no-headers, default: x}]}]\n",
                ),
                "",
                "get pod",
                "error occurred while applying preferences could not apply override value x to flag no-headers in command get err: invalid argument \"x\" for \"--no-headers\" flag: strconv.ParseBool: parsing \"x\": invalid syntax\n",
            ),
        ] {
            let mut fake = Fake::default().object(&pod);
            if let Some(file) = file {
                fake = fake.file("/rc", file).file("/home/.kube/kuberc", file);
            }
            let mut env = crate::Env::of(&line.split(' ').collect::<Vec<_>>());
            env.home = "/home".into();
            env.vars = [("KUBERC".to_owned(), vars.to_owned())].into_iter().collect();
            let ran = fake.run_in(env);
            assert!((ran.err.clone() + &ran.out).starts_with(want), "{line}: {}{}", ran.err, ran.out);
        }
        let head = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ncredentialPlugin";
        let wrong = "misconfigured credential plugin allowlist";
        let list = "credential plugin policy set to \"Allowlist\", but allowlist is";
        for (policy, want) in [
            ("Policy: DenyAll\n", String::new()),
            ("Policy: Allowlist\ncredentialPluginAllowlist: [{command: a}, {name: b}]\n", String::new()),
            ("Policy: Allowlist\n", format!("{list} unspecified\n")),
            (
                "Policy: Allowlist\ncredentialPluginAllowlist: []\n",
                format!("{list} empty; use \"DenyAll\" policy instead\n"),
            ),
            ("Policy: Allowlist\ncredentialPluginAllowlist: [{}]\n", format!("{wrong}: empty allowlist entry #1\n")),
            ("Allowlist: [{command: a}]\n", format!("{wrong}: plugin policy is \"\" but allowlist is non-nil\n")),
            (
                "Policy: Allowlist\ncredentialPluginAllowlist: [{command: a/../b}]\n",
                "non-normalized file path: \"a/../b\" vs \"b\"\n".into(),
            ),
            ("Policy: What\n", "unknown plugin policy: \"What\"\n".into()),
        ] {
            let mut fake = Fake::default().object(&pod).file("/rc", &format!("{head}{policy}"));
            let want = if want.is_empty() { want } else { format!("error occurred while applying preferences {want}") };
            assert_eq!(fake.line("get pod web --kuberc=/rc -o name").err, want, "{policy}");
        }
        let mut fake = Fake::default();
        for (line, err) in [
            ("kuberc set --section=defaults --command=get --option=output=wide", ""),
            (
                "kuberc set --section=defaults --command=get --option=output=yaml",
                "error: defaults for command \"get\" already exist, use --overwrite to replace\n",
            ),
            ("kuberc set --section=defaults --command=get --option=output=yaml --overwrite", ""),
            ("kuberc set --section=aliases --command=get", "error: --name is required when --section=aliases\n"),
            ("kuberc set --section=aliases --command=get --name=getn --prependarg=nodes", ""),
        ] {
            assert_eq!(fake.line(line).err, err, "{line}");
        }
        let text = "aliases:\n- command: get\n  name: getn\n  prependArgs:\n  - nodes\napiVersion: kubectl.config.k8s.io/v1beta1\ndefaults:\n- command: get\n  options:\n  - default: yaml\n    name: output\nkind: Preference\n";
        assert_eq!(fake.line("kuberc view").out, text);
    }
}
