//! `kubectl set selector`

use drydock_value::Value;

use super::Setting;
use crate::change::generate;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] =
    &[acts::PRINT, acts::WRITE, acts::NONE, &["all", "filename", "local", "recursive", "resource-version"]];

/// `kubectl set selector`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut setting = Setting::new(inv, io, "selector updated", "")?;
    let (resources, selector) = match inv.args.split_last() {
        Some((selector, resources)) => (resources.to_vec(), generate::label_selector(selector)?),
        None => return Err("one selector is required".into()),
    };
    let infos = setting.find(inv, io, &resources)?;
    let revision = inv.flags.str("resource-version").to_owned();
    let mut failures = Vec::new();
    for mut info in infos {
        let changed = change(&info.object, &selector, &revision);
        if !revision.is_empty() {
            // So that the revision is part of the patch.
            info.object["metadata"].remove("resourceVersion");
        }
        if let Err(failure) = changed.and_then(|changed| setting.apply(inv, io, &info, &changed)) {
            failures.push(failure);
        }
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}

fn change(object: &Value, selector: &Value, revision: &str) -> Result<Value, Failure> {
    if object["kind"] != "Service" {
        return Err("setting a selector is only supported for Services".into());
    }
    let expressions = selector["matchExpressions"].items();
    if !expressions.is_empty() {
        let shown: Vec<String> = expressions
            .iter()
            .map(|e| {
                let values: Vec<&str> = e["values"].items().iter().map(Value::str).collect();
                format!("{{{} {} [{}]}}", e["key"].str(), e["operator"].str(), values.join(" "))
            })
            .collect();
        return Err(format!("match expression [{}] not supported on this object", shown.join(" ")).into());
    }
    let mut changed = object.clone();
    changed["spec"].set("selector", &selector["matchLabels"]);
    if !revision.is_empty() {
        changed["metadata"].set("resourceVersion", revision);
    }
    Ok(changed)
}
