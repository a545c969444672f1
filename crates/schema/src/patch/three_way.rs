//! What `kubectl apply` sends.

use drydock_value::{Map, Value, to_json};

use super::diff::{Want, diff};
use super::{Rule, place};
use crate::TypeRef;

/// The strategic patch from three versions: `original` is what was applied before, `modified` what is applied now,
/// `current` what the server has. What somebody else added to `current` stays. Without `overwrite`, changes by somebody
/// else to fields that this patch changes are an error.
///
/// # Errors
/// When an item of a list lacks its merge key, or (without `overwrite`) on such conflicts.
pub fn three_way_strategic(
    of: TypeRef,
    original: &Value,
    modified: &Value,
    current: &Value,
    overwrite: bool,
) -> Result<Value, String> {
    let changes = diff(of, current, modified, Want { deletions: false, changes: true, order: true })?;
    let deletions = diff(of, original, modified, Want { deletions: true, changes: false, order: true })?;
    let patch = union(&deletions, &changes, Some(of));
    if !overwrite {
        let theirs = diff(of, original, current, Want { deletions: true, changes: true, order: false })?;
        if conflict(&patch, &theirs, Some(of)) {
            return Err(format!(
                "patch:\n{}\nconflicts with changes made from original to current:\n{}\n",
                to_json(&patch),
                to_json(&theirs)
            ));
        }
    }
    Ok(patch)
}

/// Two patches as one. Directives are values here; lists that merge hold the items of both.
fn union(first: &Value, second: &Value, of: Option<TypeRef>) -> Value {
    let (Value::Object(a), Value::Object(b)) = (first, second) else { return second.clone() };
    let mut result: Map = a.clone();
    for (key, change) in b {
        let rule = Rule::of(of, key);
        let merged = match (result.get(key), change) {
            (Some(before @ Value::Object(_)), Value::Object(_)) => union(before, change, rule.inner),
            (Some(Value::Array(before)), Value::Array(after)) if rule.merges && !key.starts_with('$') => {
                union_lists(before, after, rule)
            }
            _ => change.clone(),
        };
        result.insert(key.clone(), merged);
    }
    Value::Object(result)
}

fn union_lists(first: &[Value], second: &[Value], rule: Rule) -> Value {
    let mut items = first.to_vec();
    // The changes come first, deletions after them, as apimachinery's patches have it.
    let mut fresh = Vec::new();
    for item in second {
        match place(&items, item, rule.key) {
            Some(at) => items[at] = union(&items[at], item, rule.inner),
            None => fresh.push(item.clone()),
        }
    }
    fresh.extend(items);
    Value::from(fresh)
}

/// Whether two patches set the same field to different values.
fn conflict(ours: &Value, theirs: &Value, of: Option<TypeRef>) -> bool {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => a.iter().filter(|(key, _)| !key.starts_with('$')).any(|(key, ours)| {
            let rule = Rule::of(of, key);
            b.get(key).is_some_and(|theirs| match (ours, theirs) {
                (Value::Array(ours), Value::Array(theirs)) if rule.merges => ours.iter().any(|item| {
                    place(theirs, item, rule.key).is_some_and(|at| conflict(item, &theirs[at], rule.inner))
                }),
                (ours, theirs) => conflict(ours, theirs, rule.inner),
            })
        }),
        (ours, theirs) => ours != theirs,
    }
}
