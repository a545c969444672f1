//! The cells of additional columns: simple JSON paths.

use drydock_value::{Time, Value};

/// The first value that a path such as `.status.conditions[?(@.type=="Ready")].status` finds.
pub(crate) fn first(object: &Value, path: &str) -> Option<Value> {
    let mut found = vec![object.clone()];
    let mut rest = path;
    while !rest.is_empty() && !found.is_empty() {
        let (step, after) = step(rest)?;
        found = found.iter().flat_map(|value| apply(value, &step)).collect();
        rest = after;
    }
    found.into_iter().next()
}

enum Step<'a> {
    Field(String),
    Index(i64),
    All,
    /// Items whose field has this value; the operator, `==` or `!=`.
    Where(&'a str, bool, String),
}

fn step(text: &str) -> Option<(Step<'_>, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let mut quote = None;
        let end = rest.char_indices().find_map(|(at, c)| match (quote, c) {
            (None, ']') => Some(at),
            (None, '"' | '\'') => {
                quote = Some(c);
                None
            }
            (Some(open), c) if open == c => {
                quote = None;
                None
            }
            _ => None,
        })?;
        let (inside, after) = (&rest[..end], &rest[end + 1..]);
        let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_owned();
        let step = if inside == "*" {
            Step::All
        } else if let Some(filter) = inside.strip_prefix("?(").and_then(|filter| filter.strip_suffix(')')) {
            let (field, equal, value) = match (filter.split_once("=="), filter.split_once("!=")) {
                (Some((field, value)), _) => (field, true, value),
                (_, Some((field, value))) => (field, false, value),
                _ => return None,
            };
            Step::Where(field.trim().trim_start_matches('@'), equal, unquoted(value))
        } else if let Ok(index) = inside.parse() {
            Step::Index(index)
        } else {
            Step::Field(unquoted(inside))
        };
        return Some((step, after));
    }
    let rest = text.strip_prefix('.')?;
    let mut name = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => {
                name.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '.' | '[' => return Some((Step::Field(name), &rest[at..])),
            _ => name.push(c),
        }
    }
    Some((Step::Field(name), ""))
}

fn apply(value: &Value, step: &Step<'_>) -> Vec<Value> {
    match step {
        Step::Field(name) if name == "*" => apply(value, &Step::All),
        // An empty name stands for the value itself, as in `.[0]`.
        Step::Field(name) if name.is_empty() => vec![value.clone()],
        Step::Field(name) => value.get(name).cloned().into_iter().collect(),
        Step::Index(at) => {
            let items = value.items();
            let at = if *at < 0 { items.len() as i64 + at } else { *at };
            usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().into_iter().collect()
        }
        Step::All => match value {
            Value::Object(map) => map.values().cloned().collect(),
            _ => value.items().to_vec(),
        },
        Step::Where(path, equal, wanted) => {
            let is = |item: &Value| {
                first(item, path).is_some_and(|found| (drydock_schema::go::plain(&found) == *wanted) == *equal)
            };
            value.items().iter().filter(|item| is(item)).cloned().collect()
        }
    }
}

/// A cell of a column's type.
pub(crate) fn cell(kind: &str, value: Option<Value>, now: Time) -> Value {
    let Some(value) = value else { return Value::Null };
    match (kind, &value) {
        ("integer", Value::Int(_)) | ("number", Value::Int(_) | Value::Float(_)) | ("boolean", Value::Bool(_)) => value,
        ("integer", Value::Float(number)) => Value::from(*number as i64),
        ("string", Value::String(_)) => value,
        ("string", Value::Null) => Value::Null,
        ("string", other) => drydock_value::to_json(other).into(),
        ("date", Value::String(text)) => match Time::parse_rfc3339(text) {
            Some(time) => crate::types::human(now.since(time)).into(),
            None => "<invalid>".into(),
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn paths_find_the_first_value() {
        let object = value!({"spec": {"crew": [{"name": "ann"}, {"name": "bob"}], "a.b": 1}, "status": {"conditions": [
            {"type": "A", "status": "False"}, {"type": "Ready", "status": "True"}
        ]}});
        let cases = [
            (".spec.crew[*].name", value!("ann")),
            (".spec.crew[1].name", value!("bob")),
            (".spec.crew[-1].name", value!("bob")),
            (".spec['a.b']", value!(1)),
            (".spec.a\\.b", value!(1)),
            (".status.conditions[?(@.type==\"Ready\")].status", value!("True")),
            (".status.conditions[?(@.type != 'A')].status", value!("True")),
        ];
        for (path, wanted) in cases {
            assert_eq!(first(&object, path), Some(wanted), "{path}");
        }
        for path in [".spec.nope", ".spec.crew[7]", "spec", ".spec[", ".spec[?(x)]"] {
            assert_eq!(first(&object, path), None, "{path}");
        }
    }
}
