//! What is wrong with a custom object.

use drydock_value::{Value, to_json};

use super::is_true;

/// What kind of wrong it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is missing.
    Required,
    /// Its value is none of those that may be.
    NotSupported,
    /// It is text that is too long.
    TooLong,
    /// It has too many items.
    TooMany,
    /// It is there twice.
    Duplicate,
    /// It may not be.
    Forbidden,
    /// It has the wrong type.
    Type,
    /// Anything else.
    Invalid,
}

impl Reason {
    /// The reason of a cause in a `Status`.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Required => "FieldValueRequired",
            Reason::NotSupported => "FieldValueNotSupported",
            Reason::TooLong => "FieldValueTooLong",
            Reason::TooMany => "FieldValueTooMany",
            Reason::Duplicate => "FieldValueDuplicate",
            Reason::Forbidden => "FieldValueForbidden",
            Reason::Type => "FieldValueTypeInvalid",
            Reason::Invalid => "FieldValueInvalid",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where, such as `spec.crew[0].name`.
    pub path: String,
    /// What kind of wrong.
    pub reason: Reason,
    /// The words after the path.
    pub message: String,
}

/// Whether a schema has validation rules anywhere.
pub fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            !schema["x-kubernetes-validations"].items().is_empty()
                || map.iter().any(|(key, inner)| match key {
                    "properties" => inner.entries().any(|(_, inner)| has_rules(inner)),
                    "items" | "additionalProperties" => has_rules(inner),
                    _ => false,
                })
        }
        _ => false,
    }
}

/// Whether rules are not looked at because of what is wrong already.
pub fn blocks_rules(faults: &[Fault]) -> bool {
    use Reason::{NotSupported, Required, TooLong, TooMany, Type};
    faults.iter().any(|fault| matches!(fault.reason, NotSupported | Required | TooLong | TooMany | Type))
}

/// What is wrong with an object (or a default, or a part).
pub fn validate(schema: &Value, value: &Value) -> Vec<Fault> {
    validate_update(schema, value, None)
}

/// What is wrong with an object that was another before: parts that have not changed are let be, so that a schema can become
/// stricter.
pub fn validate_update(schema: &Value, value: &Value, old: Option<&Value>) -> Vec<Fault> {
    let mut faults = Vec::new();
    check(schema, value, old, "", &mut faults);
    lists(schema, value, old, "", &mut faults);
    faults
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        _ => None,
    }
}

/// The value as `field.Error` shows it: containers are left out.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => crate::go::quote(text),
        other => to_json(other),
    }
}

struct Place<'a> {
    path: &'a str,
    faults: &'a mut Vec<Fault>,
}

impl Place<'_> {
    fn add(&mut self, reason: Reason, message: String) {
        self.faults.push(Fault { path: self.path.to_owned(), reason, message });
    }

    fn invalid(&mut self, value: &Value, why: &str) {
        let path = self.path;
        self.add(Reason::Invalid, format!("Invalid value: {}: {path} in body {why}", shown(value)));
    }

    fn wrong_type(&mut self, wanted: &str, found: &str) {
        let path = self.path;
        self.add(Reason::Type, format!("Invalid value: {found}: {path} in body must be of type {wanted}: {found}"));
    }

    fn too_many(&mut self, count: usize, most: i64) {
        let s = if most == 1 { "" } else { "s" };
        self.add(Reason::TooMany, format!("Too many: {count}: must have at most {most} item{s}"));
    }
}

fn check(schema: &Value, value: &Value, old: Option<&Value>, path: &str, faults: &mut Vec<Fault>) {
    if value.is_null() && is_true(&schema["nullable"]) || old == Some(value) {
        return;
    }
    let either = is_true(&schema["x-kubernetes-int-or-string"]);
    let wanted = if either { "integer,string" } else { schema["type"].str() };
    let fits = match (wanted, value) {
        ("", _) | ("number", Value::Int(_) | Value::Float(_)) => true,
        ("integer,string", Value::Int(_) | Value::String(_)) => true,
        ("integer", Value::Float(n)) => n.fract() == 0.0,
        _ => wanted == word(value),
    };
    let mut place = Place { path, faults };
    if !fits {
        place.wrong_type(wanted, &format!("\"{}\"", word(value)));
    }
    let values = schema["enum"].items();
    if !values.is_empty() && !values.contains(value) {
        let list: Vec<String> = values.iter().map(to_json).collect();
        place.add(
            Reason::NotSupported,
            format!("Unsupported value: {}: supported values: {}", shown(value), list.join(", ")),
        );
    }
    if !fits {
        return;
    }
    match value {
        Value::Int(_) | Value::Float(_) => numbers(schema, value, &mut place),
        Value::String(text) => texts(schema, value, text, &mut place),
        Value::Array(items) => {
            bounds(schema, "Items", "items", items.len(), &mut place);
            if is_true(&schema["uniqueItems"]) && items.iter().enumerate().any(|(at, item)| items[..at].contains(item))
            {
                place.invalid(&Value::from(""), "shouldn't contain duplicates");
            }
            for (at, item) in items.iter().enumerate() {
                let before = super::item_before(schema, item, old);
                check(&schema["items"], item, before, &format!("{path}[{at}]"), faults);
            }
        }
        Value::Object(map) => {
            bounds(schema, "Properties", "properties", map.len(), &mut place);
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            for (key, own, inner, path) in super::fields(schema, map, path) {
                check(own, inner, old.and_then(|old| old.get(key)), &path, faults);
            }
            for key in schema["required"].items() {
                if !map.contains_key(key.str()) {
                    let message = "Required value".to_owned();
                    faults.push(Fault { path: below(key.str()), reason: Reason::Required, message });
                }
            }
        }
        _ => {}
    }
    combined(schema, value, path, faults);
}

/// `allOf`, `anyOf`, `oneOf`, `not`.
fn combined(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let holds = |inner: &Value| {
        let mut found = Vec::new();
        check(inner, value, None, path, &mut found);
        found.is_empty()
    };
    let mut fault = |why: &str| Place { path, faults }.invalid(&Value::from(""), why);
    let some = |key: &str| schema[key].items();
    if some("allOf").iter().any(|inner| !holds(inner)) {
        fault("must validate all the schemas (allOf)");
    }
    if !some("anyOf").is_empty() && !some("anyOf").iter().any(holds) {
        fault("must validate at least one schema (anyOf)");
    }
    if !some("oneOf").is_empty() {
        match some("oneOf").iter().filter(|inner| holds(inner)).count() {
            1 => {}
            0 => fault("must validate one and only one schema (oneOf). Found none valid"),
            n => fault(&format!("must validate one and only one schema (oneOf). Found {n} valid alternatives")),
        }
    }
    if schema["not"].as_object().is_some() && holds(&schema["not"]) {
        fault("must not validate the schema (not)");
    }
}

fn numbers(schema: &Value, value: &Value, place: &mut Place<'_>) {
    let Some(n) = number(value) else { return };
    for (key, only, over) in [("maximum", "exclusiveMaximum", true), ("minimum", "exclusiveMinimum", false)] {
        let Some(bound) = number(&schema[key]) else { continue };
        let exclusive = is_true(&schema[only]);
        let wrong = match (over, exclusive) {
            (true, false) => n > bound,
            (true, true) => n >= bound,
            (false, false) => n < bound,
            (false, true) => n <= bound,
        };
        if wrong {
            let word = if over { "less" } else { "greater" };
            let equal = if exclusive { "" } else { " or equal to" };
            // `less than 5`, `less than or equal to 5`.
            place.invalid(value, &format!("should be {word} than{equal} {}", crate::go::plain(&schema[key])));
        }
    }
    if let Some(step) = number(&schema["multipleOf"])
        && step != 0.0
        && (n / step).fract() != 0.0
    {
        place.invalid(value, &format!("should be a multiple of {}", crate::go::plain(&schema["multipleOf"])));
    }
}

fn texts(schema: &Value, value: &Value, text: &str, place: &mut Place<'_>) {
    let length = text.chars().count() as i64;
    if let Some(most) = schema["maxLength"].as_i64()
        && length > most
    {
        let s = if most == 1 { "" } else { "s" };
        // A text has one fault at most.
        return place.add(Reason::TooLong, format!("Too long: may not be more than {most} byte{s}"));
    }
    if let Some(least) = schema["minLength"].as_i64()
        && length < least
    {
        return place.invalid(value, &format!("should be at least {least} chars long"));
    }
    let pattern = schema["pattern"].str();
    if !pattern.is_empty() && regex_lite::Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) {
        place.invalid(value, &format!("should match '{pattern}'"));
    }
    let format = schema["format"].str();
    if !format.is_empty() && !has_format(format, text) {
        place.wrong_type(format, &shown(value));
    }
}

fn has_format(format: &str, text: &str) -> bool {
    let number = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let date = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        matches!(parts[..], [y, m, d] if number(y, 4) && number(m, 2) && number(d, 2)
            && matches!(m.parse(), Ok(1..=12)) && matches!(d.parse(), Ok(1..=31)))
    };
    match format {
        "date-time" => crate::time::parse(text).is_ok(),
        "date" => date(text),
        "duration" => crate::duration::parse(text).is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "byte" => crate::base64::decode(text).is_ok(),
        "uuid" => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
                && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
        }
        "email" => text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()),
        _ => true,
    }
}

/// The bounds of a number of items or properties.
fn bounds(schema: &Value, key: &str, word: &str, count: usize, place: &mut Place<'_>) {
    if let Some(most) = schema[format!("max{key}").as_str()].as_i64()
        && count as i64 > most
    {
        place.too_many(count, most);
    }
    if let Some(least) = schema[format!("min{key}").as_str()].as_i64()
        && (count as i64) < least
    {
        place.invalid(&Value::from(count), &format!("should have at least {least} {word}"));
    }
}

/// Lists that are sets or maps have each item once.
fn lists(schema: &Value, value: &Value, old: Option<&Value>, path: &str, faults: &mut Vec<Fault>) {
    if old == Some(value) {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, own, inner, path) in super::fields(schema, map, path) {
                lists(own, inner, old.and_then(|old| old.get(key)), &path, faults);
            }
        }
        Value::Array(items) => {
            let keys = schema["x-kubernetes-list-map-keys"].items();
            let key_of = |item: &Value| match schema["x-kubernetes-list-type"].str() {
                "set" => Some(item.clone()),
                "map" => Some(Value::Object(
                    keys.iter().filter_map(|key| Some((key.str(), item.get(key.str())?.clone()))).collect(),
                )),
                _ => None,
            };
            let mut seen: Vec<Value> = Vec::new();
            for (at, item) in items.iter().enumerate() {
                let place = format!("{path}[{at}]");
                if let Some(key) = key_of(item) {
                    if seen.contains(&key) {
                        let message = format!("Duplicate value: {}", to_json(&key));
                        faults.push(Fault { path: place.clone(), reason: Reason::Duplicate, message });
                    } else {
                        seen.push(key);
                    }
                }
                lists(&schema["items"], item, super::item_before(schema, item, old), &place, faults);
            }
        }
        _ => {}
    }
}
