//! Strategic merging as kustomize does it: by the merge keys of the known types, lists with the patch's items first.

use drydock_schema::{Field, Schema, Shape, TypeRef};
use drydock_value::{Map, Value};

const DIRECTIVE: &str = "$patch";

/// Lays a patch over an object. None: the patch deletes the object.
pub(super) fn apply(object: &Value, patch: &Value) -> Option<Value> {
    let of = Schema::get().of(object);
    match patch[DIRECTIVE].as_str() {
        Some("delete") => None,
        Some("replace") => Some(without_directives(patch)),
        _ => Some(merge(object, patch, of.map(Shape::Object), None)),
    }
}

fn merge(current: &Value, patch: &Value, shape: Option<Shape>, field: Option<Field>) -> Value {
    match (current, patch) {
        (Value::Object(old), Value::Object(new)) => Value::Object(merge_maps(old, new, shape)),
        (Value::Array(old), Value::Array(new)) => merge_lists(old, new, shape, field),
        _ => without_directives(patch),
    }
}

fn merge_maps(old: &Map, new: &Map, shape: Option<Shape>) -> Map {
    let of = match shape {
        Some(Shape::Object(of)) => Some(of),
        _ => None,
    };
    let mut out = old.clone();
    for (key, change) in new.iter().filter(|(key, _)| *key != DIRECTIVE) {
        let field = of.and_then(|of: TypeRef| of.field(key));
        let inner = match (field, shape) {
            (Some(field), _) => Some(field.shape),
            (None, Some(Shape::Map(inner))) => Some(inner.get()),
            _ => None,
        };
        match (change, change[DIRECTIVE].as_str()) {
            (Value::Null, _) | (_, Some("delete")) => {
                out.remove(key);
            }
            (_, Some("replace")) => {
                out.insert(key, without_directives(change));
            }
            _ => {
                let merged = match out.get(key) {
                    Some(there) if !there.is_null() => merge(there, change, inner, field),
                    _ => without_directives(change),
                };
                out.insert(key, merged);
            }
        }
    }
    out
}

/// Lists of objects with a merge key are merged by it, what the patch names first; others are replaced.
fn merge_lists(old: &[Value], new: &[Value], shape: Option<Shape>, field: Option<Field>) -> Value {
    if new.iter().any(|item| item[DIRECTIVE].str() == "replace") {
        let kept = new.iter().filter(|item| item[DIRECTIVE].str() != "replace" || item.entries().count() > 1);
        return kept.map(without_directives).collect();
    }
    let Some(keys) = field.map(|field| merge_keys(field, new)).filter(|keys| !keys.is_empty()) else {
        return new.iter().map(without_directives).collect();
    };
    let inner = match shape {
        Some(Shape::List(inner)) => Some(inner.get()),
        _ => None,
    };
    let same = |a: &Value, b: &Value| keys.iter().all(|key| a[*key] == b[*key]);
    let mut out: Vec<Value> = Vec::new();
    for change in new {
        if change[DIRECTIVE].str() == "delete" || out.iter().any(|item| same(item, change)) {
            continue;
        }
        out.push(match old.iter().find(|item| same(item, change)) {
            Some(there) => merge(there, change, inner, None),
            None => without_directives(change),
        });
    }
    out.extend(old.iter().filter(|item| !new.iter().any(|change| same(item, change))).cloned());
    Value::from(out)
}

/// The keys that tell items apart: all of a list map's, where the patch has them, or else the merge key.
fn merge_keys(field: Field, new: &[Value]) -> Vec<&'static str> {
    let all: Vec<&'static str> = field.list_map_keys().collect();
    if all.len() > 1 && new.iter().all(|item| all.iter().all(|key| !item[*key].is_null())) {
        return all;
    }
    let key = field.merge_key().filter(|_| field.patch_merges()).or(all.first().copied());
    key.into_iter().filter(|key| new.iter().all(|item| !item[*key].is_null())).collect()
}

fn without_directives(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map
                .shared_iter()
                .filter(|(key, inner)| key.as_str() != DIRECTIVE && inner[DIRECTIVE].str() != "delete");
            Value::Object(
                kept.filter(|(_, inner)| !inner.is_null())
                    .map(|(key, inner)| (key.clone(), without_directives(inner)))
                    .collect(),
            )
        }
        Value::Array(items) => {
            items.iter().filter(|item| item[DIRECTIVE].str() != "delete").map(without_directives).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn lists_are_merged_by_their_keys() {
        let pod = |spec: Value| value!({"apiVersion": "v1", "kind": "Pod", "spec": spec});
        for (old, patch, want) in [
            (
                value!({"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}),
                value!({"containers": [{"name": "c"}, {"name": "b", "image": "y"}]}),
                value!({"containers": [{"name": "c"}, {"name": "b", "image": "y"}, {"name": "a", "image": "x"}]}),
            ),
            (
                value!({"containers": [{"name": "a"}, {"name": "b"}]}),
                value!({"containers": [{"name": "a", "$patch": "delete"}]}),
                value!({"containers": [{"name": "b"}]}),
            ),
            (
                value!({"containers": [{"name": "a", "args": ["1"]}], "hostname": "h"}),
                value!({"containers": [{"$patch": "replace"}, {"name": "z"}], "hostname": null}),
                value!({"containers": [{"name": "z"}]}),
            ),
            (
                value!({"containers": [{"name": "a", "args": ["1", "2"]}]}),
                value!({"containers": [{"name": "a", "args": ["3"]}]}),
                value!({"containers": [{"name": "a", "args": ["3"]}]}),
            ),
        ] {
            assert_eq!(apply(&pod(old), &pod(patch)), Some(pod(want)));
        }
        assert_eq!(apply(&pod(value!({})), &value!({"$patch": "delete"})), None);
    }
}
