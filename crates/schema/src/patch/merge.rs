//! JSON merge patches (RFC 7386).

use drydock_value::{Map, Value};

/// Lays a patch over a document: objects merge, null deletes, everything else replaces.
pub fn merge_patch(document: &Value, patch: &Value) -> Value {
    match (document, patch) {
        (Value::Object(document), Value::Object(patch)) => {
            let mut out = document.clone();
            for (key, value) in patch.shared_iter() {
                if value.is_null() {
                    if out.contains_key(key) {
                        out.remove(key);
                    }
                    continue;
                }
                let merged = match out.get(key) {
                    Some(current) if !current.is_null() => merge_patch(current, value),
                    _ => without_nulls(value),
                };
                if out.get(key) != Some(&merged) {
                    out.insert(key, merged);
                }
            }
            Value::Object(out)
        }
        (_, Value::Object(_)) => without_nulls(patch),
        _ => patch.clone(),
    }
}

/// A patch's value where there was nothing before.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let pairs = map.shared_iter().filter(|(_, value)| !value.is_null());
            Value::Object(pairs.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The merge patch that turns one document into another.
pub fn create_merge_patch(from: &Value, to: &Value) -> Value {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => Value::Object(difference(from, to)),
        _ => to.clone(),
    }
}

fn difference(from: &Map, to: &Map) -> Map {
    let mut patch = Map::new();
    for (key, new) in to.shared_iter() {
        match (from.get(key), new) {
            (Some(old), new) if old.ptr_eq(new) => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = difference(old, new);
                if !inner.is_empty() {
                    patch.insert(key, inner);
                }
            }
            (Some(old), new) if old == new => {}
            _ => {
                patch.insert(key, new);
            }
        }
    }
    for (key, _) in from.shared_iter().filter(|(key, _)| !to.contains_key(key)) {
        patch.insert(key, Value::Null);
    }
    patch
}

/// What `kubectl apply` sends for kinds whose lists it cannot merge: additions and changes from `current` to `modified`,
/// deletions from `original` to `modified`.
pub fn three_way_merge(original: &Value, modified: &Value, current: &Value) -> Value {
    let changes = nulls(&create_merge_patch(current, modified), false);
    let deletions = nulls(&create_merge_patch(original, modified), true);
    overlay(&deletions, &changes)
}

/// Keeps only the nulls of a patch, or only the rest.
fn nulls(patch: &Value, keep: bool) -> Value {
    let mut out = Map::new();
    for (key, value) in patch.as_object().into_iter().flat_map(Map::shared_iter) {
        match value {
            Value::Null if keep => {
                out.insert(key, Value::Null);
            }
            Value::Null => {}
            Value::Object(map) if !map.is_empty() => {
                let inner = nulls(value, keep);
                if !inner.is_empty() {
                    out.insert(key, inner);
                }
            }
            _ if keep => {}
            // An empty object was set on purpose.
            _ => {
                out.insert(key, value);
            }
        }
    }
    Value::Object(out)
}

fn overlay(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            let mut out = below.clone();
            for (key, value) in above.shared_iter() {
                let merged = below.get(key).map_or_else(|| value.clone(), |below| overlay(below, value));
                out.insert(key, merged);
            }
            Value::Object(out)
        }
        _ => above.clone(),
    }
}
