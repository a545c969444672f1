//! `kubectl taint`: sets and removes taints of nodes.

use drydock_api::Body;
use drydock_schema::names;
use drydock_value::{Value, value};

use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{each, patching};
use crate::describe::format::taint as shown;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] =
    &[acts::PRINT, acts::WRITE, acts::VALIDATE, acts::NONE, &["all", "overwrite", "selector"]];

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// `kubectl taint`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let is_taint = |arg: &String| arg.contains(['=', ':']) || arg.ends_with('-');
    let first = inv.args.iter().position(is_taint).unwrap_or(inv.args.len());
    let (resources, specs) = inv.args.split_at(first);
    let (resources, specs) = (resources.to_vec(), specs.to_vec());
    if let Some(late) = specs.iter().find(|arg| !is_taint(arg)) {
        return Err(format!("all resources must be specified before taint changes: {late}").into());
    }
    let Some(kind) = resources.first() else {
        return Err("one or more resources must be specified as <resource> <name>".into());
    };
    if specs.is_empty() {
        return Err("at least one taint update is required".into());
    }
    let (add, remove) = read(&specs).map_err(|words| inv.usage(words))?;
    // What is printed does not tell a dry run.
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let resource = inv.resource(io, kind).map_err(|failure| match failure {
        Failure::Status(_) => failure,
        _ => Failure::no_resource(kind),
    })?;
    if resource.kind != "Node" {
        return Err(format!("invalid resource type {kind}, only node types are supported").into());
    }
    let both: Vec<String> = remove
        .iter()
        .filter(|gone| add.iter().any(|new| same(new, gone) || (gone["effect"].is_null() && new["key"] == gone["key"])))
        .map(|gone| format!("{}={}", gone["key"].str(), gone["effect"].str()))
        .collect();
    if !both.is_empty() {
        let words = "can not both modify and remove the following taint(s) in the same command";
        return Err(format!("{words}: {}", both.join(", ")).into());
    }
    if inv.flags.bool("all") && !inv.flags.str("selector").is_empty() {
        return Err("setting 'all' parameter with a non empty selector is prohibited".into());
    }
    // A selector, or all of them, leaves no room for names.
    let named = !inv.flags.bool("all") && inv.flags.str("selector").is_empty();
    let query = Query { latest: true, ..Query::new(inv, io, if named { &resources } else { &resources[..1] })? };
    let found = builder::find(&query, inv, io)?;
    let overwrite = inv.flags.bool("overwrite");
    let manager = inv.flags.str("field-manager").to_owned();
    each(found, |info| {
        let old = info.object["spec"]["taints"].items();
        if !overwrite {
            let taken: Vec<&str> =
                add.iter().filter(|new| old.iter().any(|old| same(old, new))).map(|new| new["key"].str()).collect();
            if !taken.is_empty() {
                return Err(format!(
                    "node {} already has {} taint(s) with same effect(s) and --overwrite is false",
                    info.name,
                    taken.join(",")
                )
                .into());
            }
        }
        let (taints, operation) = reorganize(old, &add, &remove, overwrite)?;
        let mut changed = info.object.clone();
        changed["spec"].set("taints", taints);
        let mut done = changed.clone();
        if dry_run != DryRun::Client {
            let (content_type, patch) = patching::two_way(&info.object, &changed)?;
            let params = [dry_run.param(), ("fieldManager", manager.as_str())];
            let (client, body) = (inv.client(io)?, Body::Value(patch));
            done = client.patch(io, &info.resource, "", &info.name, content_type, body, &params)?;
        }
        printing.typed(io, &done, operation)
    })?;
    Ok(Outcome::Done)
}

/// A taint as Go prints the struct.
fn as_go(taint: &Value) -> String {
    format!("{{{} {} {} <nil>}}", taint["key"].str(), taint["value"].str(), taint["effect"].str())
}

fn same(a: &Value, b: &Value) -> bool {
    a["key"] == b["key"] && a["effect"] == b["effect"]
}

/// Taints to set and to remove: `key=value:effect`, `key:effect`, and with `-` behind, where `key-` is all effects.
fn read(specs: &[String]) -> Result<(Vec<Value>, Vec<Value>), String> {
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for spec in specs {
        match spec.strip_suffix('-') {
            Some(spec) => remove.push(parse(spec, true)?),
            None => {
                let taint = parse(spec, false)?;
                if add.iter().any(|known| same(known, &taint)) {
                    return Err(format!("duplicated taints with the same key and effect: {}", as_go(&taint)));
                }
                add.push(taint);
            }
        }
    }
    Ok((add, remove))
}

fn parse(spec: &str, removal: bool) -> Result<Value, String> {
    let invalid = || format!("invalid taint spec: {spec}");
    let parts: Vec<&str> = spec.split(':').collect();
    let (pair, effect) = match parts.as_slice() {
        [pair] => (*pair, None),
        [pair, effect] => (*pair, Some(*effect)),
        _ => return Err(invalid()),
    };
    if let Some(effect) = effect
        && !EFFECTS.contains(&effect)
    {
        return Err(format!("invalid taint effect: {effect}, unsupported taint effect"));
    }
    // Without an effect, all of it is a key.
    let parts: Vec<&str> = if effect.is_some() { pair.split('=').collect() } else { vec![pair] };
    let (key, value) = match parts.as_slice() {
        [key] => (*key, None),
        [key, value] => (*key, Some(*value)),
        _ => return Err(invalid()),
    };
    let wrong = names::is_qualified_name(key);
    if !wrong.is_empty() {
        return Err(format!("{}, {}", invalid(), wrong.join("; ")));
    }
    let wrong = value.map_or(Vec::new(), names::is_label_value);
    if !wrong.is_empty() {
        return Err(format!("{}, {}", invalid(), wrong.join("; ")));
    }
    if effect.is_none() && !removal {
        return Err(invalid());
    }
    let mut taint = value!({"key": key});
    if let Some(effect) = effect {
        taint.set("effect", effect);
    }
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        taint.set("value", value);
    }
    Ok(taint)
}

/// The taints of a node after a change, the new ones first, and what was done.
fn reorganize(
    old: &[Value],
    add: &[Value],
    remove: &[Value],
    overwrite: bool,
) -> Result<(Vec<Value>, &'static str), Failure> {
    let mut taints = add.to_vec();
    taints.extend(old.iter().filter(|old| !add.iter().any(|new| same(new, old))).cloned());
    let added = taints.len() != old.len();
    let mut deleted = false;
    let mut failures: Vec<Failure> = Vec::new();
    for gone in remove {
        let before = taints.len();
        taints.retain(|taint| taint["key"] != gone["key"] || !(gone["effect"].is_null() || same(taint, gone)));
        if taints.len() == before {
            failures.push(format!("taint {:?} not found", shown(gone)).into());
        }
        deleted |= taints.len() != before;
    }
    Failure::all(failures)?;
    let operation = match (added, deleted) {
        (true, true) => "modified",
        _ if overwrite => "modified",
        (true, false) => "tainted",
        _ => "untainted",
    };
    Ok((taints, operation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_as_the_command_line_has_them() {
        let cases = [
            ("a=b:NoSchedule", Ok(r#"{"effect":"NoSchedule","key":"a","value":"b"}"#)),
            ("a:NoExecute", Ok(r#"{"effect":"NoExecute","key":"a"}"#)),
            ("a", Err("invalid taint spec: a")),
            ("a=b:Nope", Err("invalid taint effect: Nope, unsupported taint effect")),
        ];
        for (spec, expected) in cases {
            assert_eq!(parse(spec, false).map(|t| t.to_string()), expected.map(str::to_owned).map_err(str::to_owned));
        }
        assert_eq!(parse("a", true).unwrap(), value!({"key": "a"}));
    }

    #[test]
    fn new_taints_come_first() {
        let taint = |key: &str, effect: &str| value!({"key": key, "effect": effect});
        let old = [taint("dedicated", "NoSchedule")];
        let (taints, operation) = reorganize(&old, &[taint("soft", "PreferNoSchedule")], &[], false).unwrap();
        assert_eq!((taints[0]["key"].str(), operation), ("soft", "tainted"));
        let (taints, operation) = reorganize(&old, &[], &[value!({"key": "dedicated"})], false).unwrap();
        assert_eq!((taints.len(), operation), (0, "untainted"));
        let missing = reorganize(&old, &[], &[taint("soft", "NoSchedule")], false).unwrap_err();
        assert_eq!(missing.words(), "taint \"soft:NoSchedule\" not found");
    }
}
