//! Steps into a value, as `fieldsV1` and messages write them.

use drydock_value::{Key, Map, Value, parse_json, to_json};

use super::Type;

/// A step into a value, in the form of `fieldsV1`: `f:NAME`, `k:{KEYS}`, `v:VALUE`.
pub type Element = Key;

pub(super) fn field(name: &str) -> Element {
    // Not by formatting: every write of every object comes here for each of its fields.
    let mut text = String::with_capacity(2 + name.len());
    text.push_str("f:");
    text.push_str(name);
    Element::from(text.as_str())
}

pub(super) fn scalar(value: &Value) -> Element {
    Element::from(format!("v:{}", to_json(value)))
}

/// The step to an item of a list with keys.
///
/// # Errors
/// When the item lacks a key that has no default.
pub(super) fn keyed(of: Type<'_>, item: &Value) -> Result<Element, String> {
    if item.as_object().is_none() {
        return Err("associative list with keys may not have non-map elements".into());
    }
    let mut pairs = Map::new();
    for (key, default) in of.keys() {
        match item.get(key).filter(|value| !value.is_null()).cloned().or(default) {
            Some(value) => pairs.insert(key, value),
            None => {
                return Err(format!(
                    "associative list with keys has an element that omits key field {} (and doesn't have default value)",
                    crate::go::quote(key)
                ));
            }
        };
    }
    Ok(Element::from(format!("k:{}", to_json(&Value::Object(pairs)))))
}

/// A step as messages show it: `.name`, `[name="a"]`, `[="x"]`.
pub fn show(element: &str) -> String {
    let Some((kind, rest)) = element.split_once(':') else { return String::new() };
    match kind {
        "f" => format!(".{rest}"),
        "v" => format!("[={rest}]"),
        "k" => {
            let keys = parse_json(rest).unwrap_or_default();
            let keys: Vec<String> = keys.entries().map(|(key, value)| format!("{key}={}", to_json(value))).collect();
            format!("[{}]", keys.join(","))
        }
        _ => format!("[{rest}]"),
    }
}
