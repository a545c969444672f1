//! `x-kubernetes-validations`: rules in CEL.

use drydock_value::{Value, to_json};

use super::is_true;
use super::validate::{Fault, Reason};
use crate::cel::{self, Program};

/// Checks every rule of a schema against an object and its state before.
pub fn check_rules(schema: &Value, object: &Value, old: Option<&Value>, faults: &mut Vec<Fault>) {
    visit(schema, object, old, "", faults);
}

fn visit(schema: &Value, value: &Value, old: Option<&Value>, path: &str, faults: &mut Vec<Fault>) {
    if value.is_null() {
        return;
    }
    for rule in schema["x-kubernetes-validations"].items() {
        check(rule, value, old, path, faults);
    }
    match value {
        Value::Object(map) => {
            for (key, own, inner, path) in super::fields(schema, map, path) {
                visit(own, inner, old.and_then(|old| old.get(key)), &path, faults);
            }
        }
        Value::Array(items) => {
            let keys = schema["x-kubernetes-list-map-keys"].items();
            for (at, item) in items.iter().enumerate() {
                // Only items of lists with keys have a state before.
                let before = old.filter(|_| !keys.is_empty()).and_then(|old| {
                    let same = |other: &&Value| keys.iter().all(|key| other[key.str()] == item[key.str()]);
                    old.items().iter().find(same)
                });
                visit(&schema["items"], item, before, &format!("{path}[{at}]"), faults);
            }
        }
        _ => {}
    }
}

fn check(rule: &Value, value: &Value, old: Option<&Value>, path: &str, faults: &mut Vec<Fault>) {
    // What does not compile, or needs a function that is not known here, was accepted with the definition: it is let be.
    let text = rule["rule"].str();
    let Ok(program) = Program::compile(text) else { return };
    let optional = is_true(&rule["optionalOldSelf"]);
    if program.uses("oldSelf") && old.is_none() && !optional {
        return;
    }
    let variables = [("self", value.clone()), ("oldSelf", old.cloned().unwrap_or_default())];
    let failure = match program.run(&variables) {
        Ok(Value::Bool(true)) | Err(cel::Error::Unknown(_)) => return,
        Ok(_) => None,
        Err(cel::Error::Failed(why)) => Some(why),
    };
    let own = || {
        let expression = rule["messageExpression"].str();
        let computed = Program::compile(expression).ok().filter(|_| !expression.is_empty());
        let computed = computed.and_then(|program| program.run(&variables).ok());
        match (computed.as_ref().and_then(Value::as_str), rule["message"].str()) {
            (Some(text), _) => text.to_owned(),
            (None, "") => format!("failed rule: {}", text.trim()),
            (None, message) => message.to_owned(),
        }
    };
    let message = match failure {
        Some(why) => format!("rule evaluation failed: {why}"),
        None => own(),
    };
    let mut at = path.to_owned();
    let field = rule["fieldPath"].str();
    if !field.is_empty() {
        at = format!("{path}{field}").trim_start_matches('.').to_owned();
    }
    let (reason, message) = match rule["reason"].str() {
        "FieldValueForbidden" => (Reason::Forbidden, format!("Forbidden: {message}")),
        "FieldValueRequired" => (Reason::Required, format!("Required value: {message}")),
        "FieldValueDuplicate" => (Reason::Duplicate, format!("Duplicate value: {}", shown(value, ""))),
        _ => (Reason::Invalid, format!("Invalid value: {}{message}", shown(value, ": "))),
    };
    faults.push(Fault { path: at, reason, message });
}

/// A scalar as errors show it; objects and lists are left out.
fn shown(value: &Value, after: &str) -> String {
    match value {
        Value::Object(_) | Value::Array(_) => String::new(),
        Value::String(text) => format!("{}{after}", crate::go::quote(text)),
        other => format!("{}{after}", to_json(other)),
    }
}
