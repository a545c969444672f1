//! Structural schemas: what a CustomResourceDefinition says of its objects.
//!
//! - [`prune`]: what the schema does not know goes. [`default`]: what it sets is filled in.
//! - [`validate`]: what is wrong with an object, in the API server's words. [`check_rules`]: the same by rules in CEL.
//!
//! A schema is the `openAPIV3Schema` of a version as it was written, a [`Value`].

mod rules;
mod validate;

pub use rules::{CompiledRule, check_rules, compile_rule};
pub use validate::{Fault, Reason, blocks_rules, has_rules, validate, validate_update};

use drydock_value::{Map, Value};

use crate::table::{Schema, TypeRef};

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

/// What an item of a list was before: only items of lists with keys can be told apart.
fn item_before<'a>(schema: &Value, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
    let keys = schema["x-kubernetes-list-map-keys"].items();
    let same = |other: &&Value| keys.iter().all(|key| other[key.str()] == item[key.str()]);
    old.filter(|_| !keys.is_empty())?.items().iter().find(same)
}

fn object_meta() -> Option<TypeRef> {
    Schema::get().by_name("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
}

/// The fields of an object that the schema describes, each with its schema, its value and its path.
fn fields<'a>(
    schema: &'a Value,
    map: &'a Map,
    path: &'a str,
) -> impl Iterator<Item = (&'a str, &'a Value, &'a Value, String)> {
    map.iter().filter_map(move |(key, value)| {
        let own = &schema["properties"][key];
        let own = if own.is_null() { &schema["additionalProperties"] } else { own };
        own.as_object()?;
        let place = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        Some((key, own, value, place))
    })
}

/// Takes out what the schema does not know, and answers what it was, as strict decoding names it.
///
/// # Errors
/// When the metadata cannot be read.
pub fn prune(schema: &Value, object: &Value) -> Result<(Value, Vec<String>), String> {
    let mut unknown = Vec::new();
    let pruned = pruned(schema, object, true, "", &mut unknown)?;
    Ok((pruned, unknown))
}

/// Whether a part of an object has something that its schema does not know.
pub fn has_unknown(schema: &Value, part: &Value) -> bool {
    let mut unknown = Vec::new();
    pruned(schema, part, false, "", &mut unknown).is_err() || !unknown.is_empty()
}

fn pruned(schema: &Value, value: &Value, root: bool, path: &str, unknown: &mut Vec<String>) -> Result<Value, String> {
    match value {
        Value::Object(map) => {
            let resource = root || is_true(&schema["x-kubernetes-embedded-resource"]);
            let keeps = is_true(&schema["x-kubernetes-preserve-unknown-fields"]);
            let mut out = Map::new();
            for (key, value) in map.shared_iter() {
                let place = if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
                let kept = match (key.as_str(), &schema["properties"][key.as_str()], &schema["additionalProperties"]) {
                    ("apiVersion" | "kind", ..) if resource => value.clone(),
                    ("metadata", ..) if resource => match object_meta() {
                        Some(of) => {
                            let decoded = crate::decode(of, value)?;
                            unknown.extend(decoded.unknown.into_iter().map(|text| {
                                text.replacen("unknown field \"", &format!("unknown field \"{place}."), 1)
                            }));
                            decoded.value
                        }
                        None => value.clone(),
                    },
                    (_, inner @ Value::Object(_), _) | (_, _, inner @ Value::Object(_)) => {
                        pruned(inner, value, false, &place, unknown)?
                    }
                    (_, _, Value::Bool(true)) => value.clone(),
                    _ if keeps => value.clone(),
                    _ => {
                        unknown.push(format!("unknown field \"{place}\""));
                        continue;
                    }
                };
                out.insert(key.clone(), kept);
            }
            Ok(Value::Object(out))
        }
        Value::Array(items) => {
            let inner = &schema["items"];
            let mut out = Vec::with_capacity(items.len());
            for (at, item) in items.iter().enumerate() {
                out.push(if inner.is_null() {
                    item.clone()
                } else {
                    pruned(inner, item, false, &format!("{path}[{at}]"), unknown)?
                });
            }
            Ok(Value::from(out))
        }
        other => Ok(other.clone()),
    }
}

/// Takes nulls out that may not be, and that nothing stands in for.
pub fn prune_nulls(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            let mut gone = Vec::new();
            for (key, value) in map.iter_mut() {
                let own = &schema["properties"][key];
                let inner = if own.is_null() { &schema["additionalProperties"] } else { own };
                if value.is_null()
                    && inner.as_object().is_some()
                    && !is_true(&inner["nullable"])
                    && inner["default"].is_null()
                {
                    gone.push(key.to_string());
                } else if matches!(value, Value::Object(_) | Value::Array(_)) {
                    prune_nulls(inner, value);
                }
            }
            for key in gone {
                map.remove(&key);
            }
        }
        Value::Array(_) => value.items_mut().iter_mut().for_each(|item| prune_nulls(&schema["items"], item)),
        _ => {}
    }
}

/// Fills in what the schema sets by default. A null where none may be counts as absent.
pub fn default(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in schema["properties"].entries() {
                let absent = match map.get(key) {
                    None => true,
                    Some(value) => value.is_null() && !is_true(&inner["nullable"]),
                };
                if absent && let Some(default) = inner.get("default") {
                    map.insert(key, default.clone());
                }
                if has_defaults(inner)
                    && let Some(value) = map.get_mut(key)
                {
                    default(inner, value);
                }
            }
            let inner = &schema["additionalProperties"];
            if has_defaults(inner) {
                let own = &schema["properties"];
                for (_, value) in map.iter_mut().filter(|(key, _)| own.get(key).is_none()) {
                    default(inner, value);
                }
            }
        }
        Value::Array(_) if has_defaults(&schema["items"]) => {
            value.items_mut().iter_mut().for_each(|item| default(&schema["items"], item));
        }
        _ => {}
    }
}

fn has_defaults(schema: &Value) -> bool {
    let below = |inner: &Value| inner.as_object().is_some() && (inner.get("default").is_some() || has_defaults(inner));
    schema["properties"].entries().any(|(_, inner)| below(inner))
        || below(&schema["items"])
        || below(&schema["additionalProperties"])
}

#[cfg(test)]
mod tests;
