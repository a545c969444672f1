//! JSON merge patches (RFC 7386).

use drydock_value::{Map, Value};

/// Applies a merge patch: objects merge, null removes, everything else replaces.
pub fn merge_patch(target: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut result = target.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if change.is_null() {
            result.remove(key);
        } else {
            let before = result.get(key).cloned().unwrap_or_default();
            result.insert(key.clone(), merge_patch(&before, change));
        }
    }
    Value::Object(result)
}

/// The merge patch that turns `from` into `to`; an empty object when they are equal.
pub fn create_merge_patch(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let mut patch = Map::new();
    for (key, after) in to {
        match from.get(key) {
            None => {
                patch.insert(key.clone(), after);
            }
            Some(before) if before == after => {}
            Some(before @ Value::Object(_)) if after.as_object().is_some() => {
                patch.insert(key.clone(), create_merge_patch(before, after));
            }
            Some(_) => {
                patch.insert(key.clone(), after);
            }
        }
    }
    for (key, _) in from.iter().filter(|(key, _)| !to.contains_key(key)) {
        patch.insert(key, Value::Null);
    }
    Value::Object(patch)
}

/// What `kubectl apply` sends for kinds whose schema it does not know: what `modified` adds to or changes in `current`,
/// and what was in `original` and no longer is in `modified`, as null.
pub fn three_way_merge(original: &Value, modified: &Value, current: &Value) -> Value {
    let additions = keep(&create_merge_patch(current, modified), false);
    let deletions = keep(&create_merge_patch(original, modified), true);
    union(&deletions, &additions)
}

/// Only the nulls of a merge patch, or only the rest. Objects that have nothing left go.
fn keep(patch: &Value, nulls: bool) -> Value {
    let Value::Object(map) = patch else { return patch.clone() };
    let mut kept = Map::new();
    for (key, change) in map {
        match change {
            Value::Null if nulls => {
                kept.insert(key.clone(), Value::Null);
            }
            Value::Null => {}
            Value::Object(inner) => {
                let inner_kept = keep(change, nulls);
                // An object that is empty by itself is an addition.
                if !inner_kept.is_empty() || (inner.is_empty() && !nulls) {
                    kept.insert(key.clone(), inner_kept);
                }
            }
            other if !nulls => {
                kept.insert(key.clone(), other);
            }
            _ => {}
        }
    }
    Value::Object(kept)
}

/// Two patches as one; the second wins.
fn union(first: &Value, second: &Value) -> Value {
    let (Value::Object(a), Value::Object(b)) = (first, second) else { return second.clone() };
    let mut result = a.clone();
    for (key, change) in b {
        let merged = match result.get(key) {
            Some(before @ Value::Object(_)) if change.as_object().is_some() => union(before, change),
            _ => change.clone(),
        };
        result.insert(key.clone(), merged);
    }
    Value::Object(result)
}
