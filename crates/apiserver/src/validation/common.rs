//! Rules that many kinds share.

use drydock_value::{Value, to_json};

use super::{Errors, Path, names};

pub(crate) const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
pub(crate) const IMMUTABLE: &str = "field is immutable";

/// A number that must not be below zero. Absent is fine.
pub(crate) fn non_negative(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    if value.as_i64().is_some_and(|number| number < 0) {
        errors.invalid(path, value, NOT_NEGATIVE);
    }
}

/// A field that no update changes.
pub(crate) fn immutable(new: &Value, old: &Value, path: &Path<'_>, errors: &mut Errors) {
    if new != old {
        errors.invalid(path, new, IMMUTABLE);
    }
}

/// One of several words.
pub(crate) fn one_of(value: &Value, words: &[&str], path: &Path<'_>, errors: &mut Errors) {
    if !words.contains(&value.str()) {
        errors.not_supported(path, value.str(), words);
    }
}

/// One of several words, where there is one at all.
pub(crate) fn optional_one_of(value: &Value, words: &[&str], path: &Path<'_>, errors: &mut Errors) {
    if !value.is_null() {
        one_of(value, words, path, errors);
    }
}

/// A text that must not be empty.
pub(crate) fn required(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    if value.str().is_empty() {
        errors.required(path, "");
    }
}

/// A DNS label.
pub(crate) fn dns_label(value: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.all_invalid(path, value, names::dns_label(value));
}

/// A DNS subdomain.
pub(crate) fn dns_subdomain(value: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.all_invalid(path, value, names::dns_subdomain(value));
}

/// A qualified name, such as a label's key.
pub(crate) fn qualified_name(value: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.all_invalid(path, value, names::qualified_name(value));
}

/// A map of labels: every key and every value. All errors are at the map.
pub(crate) fn labels(map: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (key, value) in map.entries() {
        errors.all_invalid(path, key, names::label_key(key));
        errors.all_invalid(path, value.str(), names::label_value(value.str()));
    }
}

/// A map of annotations.
pub(crate) fn annotations(map: &Value, path: &Path<'_>, errors: &mut Errors) {
    const LIMIT: usize = 256 << 10;
    let mut size = 0;
    for (key, value) in map.entries() {
        errors.all_invalid(path, key, names::qualified_name(&key.to_lowercase()));
        size += key.len() + value.str().len();
    }
    if size > LIMIT {
        errors.too_long(path, LIMIT);
    }
}

/// A label selector (`matchLabels` and `matchExpressions`).
pub(crate) fn label_selector(selector: &Value, path: &Path<'_>, errors: &mut Errors) {
    labels(&selector["matchLabels"], &path.field("matchLabels"), errors);
    let list = path.field("matchExpressions");
    for (at, expression) in selector["matchExpressions"].items().iter().enumerate() {
        let path = list.index(at);
        let values = expression["values"].items();
        match expression["operator"].str() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&path.field("values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(
                    &path.field("values"),
                    "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                );
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            other => errors.invalid(&path.field("operator"), other, "not a valid selector operator"),
        }
        errors.all_invalid(&path.field("key"), expression["key"].str(), names::label_key(expression["key"].str()));
        for (at, value) in values.iter().enumerate() {
            errors.all_invalid(&path.field("values").index(at), value.str(), names::label_value(value.str()));
        }
    }
}

/// Whether a selector can be worked with at all: known operators with the values that they need, well-formed keys.
pub(crate) fn selector_is_sound(selector: &Value) -> bool {
    let mut errors = Errors::default();
    label_selector(selector, &Path::new(""), &mut errors);
    errors.is_empty()
}

/// A selector as Go prints it in messages: in the order of its fields.
pub(crate) fn show_selector(selector: &Value) -> String {
    if selector.is_null() {
        return "null".into();
    }
    let mut parts = Vec::new();
    if !selector["matchLabels"].is_empty() {
        parts.push(format!("\"matchLabels\":{}", to_json(&selector["matchLabels"])));
    }
    let expressions: Vec<String> = selector["matchExpressions"]
        .items()
        .iter()
        .map(|e| {
            let values =
                if e["values"].is_empty() { String::new() } else { format!(",\"values\":{}", to_json(&e["values"])) };
            format!("{{\"key\":{},\"operator\":{}{values}}}", quote(&e["key"]), quote(&e["operator"]))
        })
        .collect();
    if !expressions.is_empty() {
        parts.push(format!("\"matchExpressions\":[{}]", expressions.join(",")));
    }
    format!("{{{}}}", parts.join(","))
}

/// A string in JSON; an absent one is empty.
pub(crate) fn quote(value: &Value) -> String {
    to_json(&Value::from(value.str()))
}

/// A value in JSON as Go prints a struct's field: null where it is absent.
pub(crate) fn json(value: &Value) -> String {
    to_json(value)
}

/// A port's number.
pub(crate) fn port_number(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let number = value.int();
    if !(1..=65535).contains(&number) {
        errors.invalid(path, number, "must be between 1 and 65535, inclusive");
    }
}

/// A port by number or by name.
pub(crate) fn port_or_name(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    match value {
        Value::String(name) => errors.all_invalid(path, name, names::port_name(name)),
        number => port_number(number, path, errors),
    }
}

/// A count or a percentage, not below zero.
pub(crate) fn int_or_percent(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    match value {
        Value::Null => {}
        Value::String(text) => errors.all_invalid(path, text, names::percent(text)),
        number => non_negative(number, path, errors),
    }
}

/// A percentage must not exceed 100%.
pub(crate) fn not_over_100_percent(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    if value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok()).is_some_and(|percent| percent > 100)
    {
        errors.invalid(path, value, "must not be greater than 100%");
    }
}

/// The number in a count or a percentage.
pub(crate) fn int_or_percent_number(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.strip_suffix('%').and_then(|number| number.parse().ok()).unwrap_or(0),
        number => number.int(),
    }
}

/// An IP address.
pub(crate) fn ip(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.parse::<std::net::IpAddr>().is_err() {
        errors.invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }
}

/// A network in CIDR notation.
pub(crate) fn cidr(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.parse::<ipnet::IpNet>().is_err() {
        errors.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    }
}

/// A path that stays below where it starts.
pub(crate) fn descending_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.starts_with('/') {
        errors.invalid(path, value, "must be a relative path");
    }
    no_backsteps(value, path, errors);
}

/// A path without `..`.
pub(crate) fn no_backsteps(value: &str, path: &Path<'_>, errors: &mut Errors) {
    if value.split('/').any(|part| part == "..") {
        errors.invalid(path, value, "must not contain '..'");
    }
}

/// A descending path that does not begin like a hidden backstep.
pub(crate) fn local_path(value: &str, path: &Path<'_>, errors: &mut Errors) {
    descending_path(value, path, errors);
    if value.starts_with("..") && !value.starts_with("../") && value != ".." {
        errors.invalid(path, value, "must not start with '..'");
    }
}

/// A `status` of a condition.
pub(crate) const CONDITION_STATUS: [&str; 3] = ["False", "True", "Unknown"];
