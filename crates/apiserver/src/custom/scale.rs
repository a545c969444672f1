//! The scale subresource of custom resources: numbers at paths that the CRD names.

use drydock_schema::structural::{Fault, Reason};
use drydock_value::Value;

fn steps(path: &str) -> Vec<&str> {
    path.trim_start_matches('.').split('.').collect()
}

/// The value at a path such as `.spec.replicas`.
pub(crate) fn get<'a>(object: &'a Value, path: &str) -> &'a Value {
    if path.is_empty() { &Value::Null } else { object.at(&steps(path)) }
}

/// Sets the value at a path.
pub(crate) fn set(object: &mut Value, path: &str, value: impl Into<Value>) {
    let steps = steps(path);
    if let Some((last, holders)) = steps.split_last() {
        holders.iter().fold(object, |holder, step| &mut holder[*step]).set(*last, value);
    }
}

/// The replicas that an object asks for must be a number, and not less than none.
pub(super) fn validate(scale: &Value, object: &Value, faults: &mut Vec<Fault>) {
    for key in ["specReplicasPath", "statusReplicasPath"] {
        let path = scale[key].str();
        if path.is_empty() {
            continue;
        }
        let mut fault = |message: String| {
            faults.push(Fault { path: path.to_owned(), reason: Reason::Invalid, message });
        };
        let mut holder = object;
        let steps = steps(path);
        let wrong = steps.iter().enumerate().find_map(|(at, step)| {
            let next = match holder {
                Value::Object(map) => map.get(step),
                _ => return Some((holder, "map[string]interface{}")),
            };
            holder = next?;
            (at + 1 == steps.len() && holder.as_i64().is_none() && !holder.is_null()).then_some((holder, "int64"))
        });
        if let Some((found, wanted)) = wrong {
            let word = match found {
                Value::Null => continue,
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Float(_) => "float64",
                Value::Array(_) => "[]interface {}",
                _ => "int64",
            };
            let shown = drydock_schema::go::plain(found);
            fault(format!("Invalid value: 0: {path} accessor error: {shown} is of the type {word}, expected {wanted}"));
            continue;
        }
        if let Some(number) = get(object, path).as_i64().filter(|number| *number < 0) {
            fault(format!("Invalid value: {number}: should be a non-negative integer"));
        }
    }
}
