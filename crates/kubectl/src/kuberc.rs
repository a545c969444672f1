//! kuberc: a user's preferences. Aliases are commands of the user's own; defaults are values of flags that are not given.

use drydock_value::Value;

use crate::env::{Env, Files};
use crate::flags::{Parsed, table};

/// The versions that are read; the first is written.
pub(crate) const VERSIONS: [&str; 2] = ["kubectl.config.k8s.io/v1beta1", "kubectl.config.k8s.io/v1alpha1"];

/// Where the preferences are; None when they are switched off.
pub(crate) fn path(env: &Env) -> Option<String> {
    if env.var("KUBECTL_KUBERC") == "false" || env.var("KUBERC") == "off" {
        return None;
    }
    let mut words = env.args.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.strip_prefix("--kuberc") {
            Some("") => return words.next().map(|path| env.absolute(path)),
            Some(rest) if rest.starts_with('=') => return Some(env.absolute(&rest[1..])),
            _ => {}
        }
    }
    match env.var("KUBERC") {
        "" => Some(format!("{}/.kube/kuberc", env.home.trim_end_matches('/'))),
        path => Some(env.absolute(path)),
    }
}

/// The preferences; null when there are none.
///
/// # Errors
/// When the file is there and is not what it should be.
pub(crate) fn load(env: &Env, files: &mut dyn Files) -> Result<Value, String> {
    let Some(path) = path(env).filter(|path| files.exists(path)) else { return Ok(Value::Null) };
    let bytes = files.read(&path).map_err(|errno| format!("kuberc: open {path}: {errno}"))?;
    let value = drydock_yaml::parse_one_strict(&String::from_utf8_lossy(&bytes))
        .map_err(|error| format!("kuberc: invalid file {path}: {error}"))?;
    let version = value["apiVersion"].str();
    if value["kind"].str() != "Preference" || !VERSIONS.contains(&version) {
        let kind = value["kind"].str();
        return Err(format!("kuberc: no kind {kind:?} is registered for version {version:?} in {path}"));
    }
    Ok(value)
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
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphabetic()) {
            return Err("invalid alias name, can only include alphabetical characters".into());
        }
        let Some(at) = args.iter().position(|word| !word.starts_with('-')).filter(|at| args[*at] == name) else {
            continue;
        };
        if table().child("", name).is_some() {
            continue;
        }
        let texts = |field: &str| alias[field].items().iter().map(|item| item.str().to_owned()).collect::<Vec<_>>();
        let rest = &args[at + 1..];
        let path = alias["command"].str();
        let command = table().command(path).ok_or_else(|| format!("invalid command {path} in alias {name}"))?;
        let mut words = args[..at].to_vec();
        words.extend(path.split(' ').map(str::to_owned));
        words.extend(texts("prependArgs"));
        for option in list(alias, "options", "flags") {
            let (option, value) = (option["name"].str(), option["default"].str());
            let flag =
                table().flag(command, option).ok_or_else(|| format!("flag {option} not found in command {path}"))?;
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

/// Sets the flags that were not given to what the user prefers for the command.
///
/// # Errors
/// A flag that the command does not have, or a value that does not fit.
pub(crate) fn defaults(preferences: &Value, parsed: &mut Parsed) -> Result<(), String> {
    for entry in list(preferences, "defaults", "overrides") {
        if entry["command"].str() != parsed.command.path {
            continue;
        }
        for option in list(entry, "options", "flags") {
            let (name, value) = (option["name"].str(), option["default"].str());
            let Some(flag) = table().flag(parsed.command, name) else {
                return Err(format!("flag {name} not found in command {}", parsed.command.path));
            };
            if !parsed.flags.given(name) {
                parsed
                    .flags
                    .set(flag, value)
                    .map_err(|why| format!("could not apply value {value} to flag {name}: {why}"))?;
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
            ("get pod web --kuberc=/none -o jsonpath={.kind}", "Pod"),
            ("madecm x", "configmap/x\n"),
        ] {
            let mut fake = Fake::default().object(&pod).file("/home/.kube/kuberc", file);
            let ran = fake.line(line);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), (want, ""), "{line}");
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
