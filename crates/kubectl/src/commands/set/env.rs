//! `kubectl set env`: sets, removes and lists environment variables of containers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_schema::names;
use drydock_sorted::Sort;
use drydock_value::{Value, value};

use super::{Setting, unfit};
use crate::builder::{self, Info, Query};
use crate::change::{known_resource, podspec};
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::NONE,
    &["all", "containers", "env", "from", "keys", "list", "local", "overwrite", "prefix", "resolve", "selector"],
];

const NO_RESOURCES: &str = "one or more resources must be specified as <resource> <name> or <resource>/<name>";

/// What to do with variables.
#[derive(Debug, Default)]
struct Variables {
    /// `{"name": ..., "value": ...}` or with `valueFrom`, in order.
    set: Vec<Value>,
    remove: Vec<String>,
}

/// `kubectl set env`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut setting = Setting::new(inv, io, "env updated", "failed to patch env update to pod template:")?;
    let (resources, given) = split(inv)?;
    let flags = &inv.flags;
    if resources.is_empty() && flags.list("filename").is_empty() {
        return Err(NO_RESOURCES.into());
    }
    if flags.bool("list") && !flags.str("output").is_empty() {
        return Err("--list and --output may not be specified together".into());
    }
    if !flags.list("keys").is_empty() && flags.str("from").is_empty() {
        return Err("when specifying --keys, a configmap or secret must be provided with --from".into());
    }
    let streams = [given.as_slice(), flags.list("filename").as_slice()].concat();
    if streams.iter().filter(|name| *name == "-").count() > 1 {
        return Err("standard input cannot be used for multiple arguments".into());
    }
    let mut variables = read(inv, &given)?;
    let from = inv.flags.str("from").to_owned();
    if !from.is_empty() {
        take_from(inv, io, &from, &mut variables)?;
    }
    let prefix = inv.flags.str("prefix").to_owned();
    for variable in &mut variables.set {
        let name = format!("{prefix}{}", variable["name"].str());
        variable.set("name", name);
    }
    let infos = setting.find(inv, io, &resources)?;
    let list = inv.flags.bool("list");
    let mut failures = Vec::new();
    for info in &infos {
        match change(inv, io, info, &variables) {
            Err(why) => failures.push(why),
            Ok(_) if list => {}
            Ok(changed) => failures.extend(setting.apply(inv, io, info, &changed).err()),
        }
    }
    if !list {
        Failure::all(failures)?;
    }
    Ok(Outcome::Done)
}

/// Splits arguments into resources and variables.
fn split(inv: &Invocation) -> Result<(Vec<String>, Vec<String>), Failure> {
    let is_variable = |arg: &str| arg.find('=').is_some_and(|at| at > 0) || arg.ends_with('-');
    let first = inv.args.iter().position(|arg| is_variable(arg)).unwrap_or(inv.args.len());
    let (resources, variables) = inv.args.split_at(first);
    if variables.iter().any(|arg| !is_variable(arg)) {
        let words = inv.args.join(" ");
        return Err(inv.usage(format!("all resources must be specified before environment changes: {words}")));
    }
    let given = inv.flags.list("env").into_iter().chain(variables.iter().cloned()).collect();
    Ok((resources.to_vec(), given))
}

fn read(inv: &Invocation, given: &[String]) -> Result<Variables, Failure> {
    let mut variables = Variables::default();
    let mut pairs: Vec<String> = Vec::new();
    for arg in given {
        if arg == "-" {
            let text = inv.stdin()?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            pairs.extend(lines.map(str::to_owned));
        } else {
            pairs.push(arg.clone());
        }
    }
    for arg in pairs {
        if let Some((name, text)) = arg.split_once('=') {
            let wrong = names::is_strict_env_var_name(name);
            if !wrong.is_empty() {
                return Err(format!("{name:?} is not a valid key name: {}", wrong.join(";")).into());
            }
            let mut variable = value!({"name": name});
            if !text.is_empty() {
                variable.set("value", text);
            }
            variables.set.push(variable);
        } else if let Some(name) = arg.strip_suffix('-') {
            variables.remove.push(name.to_owned());
        } else {
            return Err(format!("unknown environment variable: {arg}").into());
        }
    }
    if variables.remove.iter().any(|name| variables.set.iter().any(|set| set["name"].str() == name)) {
        return Err("can not both modify and remove the same environment variable in the same command".into());
    }
    Ok(variables)
}

/// Adds references to the keys of a config map or secret.
fn take_from(inv: &mut Invocation, io: &mut Io<'_>, from: &str, variables: &mut Variables) -> Result<(), Failure> {
    if inv.flags.bool("local") {
        return Err("unsupported resource specified in --from".into());
    }
    let query = Query { latest: true, ..Query::new(inv, io, &[from.to_owned()])? };
    let query = Query { filenames: Vec::new(), labels: None, ..query };
    let keys = inv.flags.list("keys");
    for info in builder::find(&query, inv, io)?.infos()? {
        let reference = match info.object["kind"].str() {
            "ConfigMap" => "configMapKeyRef",
            "Secret" => "secretKeyRef",
            _ => return Err("unsupported resource specified in --from".into()),
        };
        for (key, _) in info.object["data"].entries() {
            if !keys.is_empty() && !keys.iter().any(|wanted| wanted == key) {
                continue;
            }
            let letter = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
            let name = key.chars().map(letter).collect::<String>().to_uppercase();
            if name != key {
                io.eprintln(format!("Warning: key {key} transferred to {name}"));
            }
            variables.set.push(value!({
                "name": name, "valueFrom": {(reference): {"name": &info.name, "key": key}}
            }));
        }
    }
    Ok(())
}

/// The object with its containers' variables changed; lists them when that is asked for.
fn change(inv: &mut Invocation, io: &mut Io<'_>, info: &Info, variables: &Variables) -> Result<Value, Failure> {
    let mut changed = info.object.clone();
    let spec = podspec::of(&mut changed).map_err(|why| unfit(inv, info, &why))?;
    let pattern = inv.flags.str("containers").to_owned();
    let (overwrite, list) = (inv.flags.bool("overwrite"), inv.flags.bool("list"));
    let (mut found, mut taken) = (0, None);
    let mut shown: Vec<(String, Value)> = Vec::new();
    for containers in ["containers", "initContainers"] {
        found += podspec::each_container(spec, containers, &pattern, |container| {
            if !overwrite && taken.is_none() {
                taken = already_there(&container["env"], variables);
            }
            let after = updated(&container["env"], variables);
            if !(after.is_empty() && container["env"].is_null()) {
                container.set("env", after);
            }
            shown.push((container["name"].str().to_owned(), container["env"].clone()));
        });
    }
    if found == 0 {
        let kind = &info.resource.kind;
        let name = &info.name;
        io.eprintln(format!("Warning: {kind}/{name} does not have any containers matching {pattern:?}"));
        return Ok(info.object.clone());
    }
    if let Some(why) = taken {
        return Err(unfit(inv, info, &why));
    }
    if list {
        for (container, variables) in shown {
            io.println(format!("# {} {}, container {container}", info.resource.kind, info.name));
            show(inv, io, info, &variables)?;
        }
    }
    Ok(changed)
}

fn already_there(existing: &Value, variables: &Variables) -> Option<String> {
    let taken = variables.set.iter().find_map(|variable| existing.find("name", variable["name"].str()))?;
    let (name, value) = (taken["name"].str(), taken["value"].str());
    Some(format!("'{name}' already has a value ({value}), and --overwrite is false"))
}

fn updated(existing: &Value, variables: &Variables) -> Value {
    let mut covered: Vec<&str> = variables.remove.iter().map(String::as_str).collect();
    let mut out = Vec::new();
    for old in existing.items() {
        let name = old["name"].str();
        if covered.contains(&name) {
            continue;
        }
        match variables.set.iter().find(|variable| variable["name"].str() == name) {
            Some(newer) => {
                covered.push(name);
                out.push(newer.clone());
            }
            None => out.push(old.clone()),
        }
    }
    for variable in &variables.set {
        let name = variable["name"].str();
        if !covered.contains(&name) {
            covered.push(name);
            out.push(variable.clone());
        }
    }
    Value::from(out)
}

fn show(inv: &mut Invocation, io: &mut Io<'_>, info: &Info, variables: &Value) -> Result<(), Failure> {
    let resolve = inv.flags.bool("resolve");
    let mut problems = Vec::new();
    for variable in variables.items() {
        let (name, from) = (variable["name"].str(), &variable["valueFrom"]);
        if from.is_null() {
            io.println(format!("{name}={}", variable["value"].str()));
            continue;
        }
        let value = if resolve { resolved(inv, io, info, from).map(Some) } else { Ok(None) };
        match value {
            Ok(Some(value)) => {
                io.println(format!("{name}={value}"));
                continue;
            }
            Ok(None) => {}
            Err(failure) => problems.push(format!("error retrieving reference for {name}: {}", failure.words())),
        }
        io.println(format!("# {name} from {}", reference(from)));
    }
    problems.sort_compact();
    for problem in &problems {
        io.eprintln(problem);
    }
    if problems.is_empty() { Ok(()) } else { Err("failed to retrieve valueFrom references".into()) }
}

/// Where a value comes from, in words.
fn reference(from: &Value) -> String {
    for (field, kind) in [("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")] {
        if let Some(reference) = from.get(field) {
            return format!("{kind} {}, key {}", reference["name"].str(), reference["key"].str());
        }
    }
    if let Some(field) = from.get("fieldRef") {
        return format!("field path {}", field["fieldPath"].str());
    }
    match from.get("resourceFieldRef") {
        Some(resource) => {
            let container = resource["containerName"].str();
            let slash = if container.is_empty() { "" } else { "/" };
            format!("resource field {container}{slash}{}", resource["resource"].str())
        }
        None => "invalid valueFrom".into(),
    }
}

fn resolved(inv: &mut Invocation, io: &mut Io<'_>, info: &Info, from: &Value) -> Result<String, Failure> {
    for (field, plural, kind) in
        [("configMapKeyRef", "configmaps", "config map"), ("secretKeyRef", "secrets", "secret")]
    {
        let Some(reference) = from.get(field) else { continue };
        let (name, key) = (reference["name"].str(), reference["key"].str());
        let resource = known_resource(inv, io, "", plural)?;
        let object = inv.client(io)?.get(io, &resource, &info.namespace, name)?;
        let Some(value) = object["data"].get(key) else {
            return Err(format!("key {key} not found in {kind} {name}").into());
        };
        if kind == "config map" {
            return Ok(value.str().to_owned());
        }
        let bytes = STANDARD.decode(value.str()).unwrap_or_default();
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let object = &info.object;
    match from["fieldRef"]["fieldPath"].str() {
        "metadata.name" => Ok(object["metadata"]["name"].str().to_owned()),
        "metadata.namespace" => Ok(object["metadata"]["namespace"].str().to_owned()),
        "" => Err("invalid valueFrom".into()),
        path => Err(format!("unsupported fieldPath: {path}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_keep_their_places() {
        let existing = value!([{"name": "OLD", "value": "1"}, {"name": "A", "value": "0"}]);
        let variables = Variables {
            set: vec![value!({"name": "A", "value": "1"}), value!({"name": "B"}), value!({"name": "A", "value": "2"})],
            remove: vec!["OLD".into()],
        };
        assert_eq!(updated(&existing, &variables), value!([{"name": "A", "value": "1"}, {"name": "B"}]));
    }
}
