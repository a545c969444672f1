//! `--overrides`: JSON that is merged into an object that kubectl made up.

use drydock_api::GroupVersionKind;
use drydock_schema::Schema;
use drydock_value::{Value, parse_json};

use super::patching;
use crate::client::patch_type;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Merges what `--overrides` says in the way that `--override-type` says.
///
/// # Errors
/// When it is no JSON, or does not fit.
pub fn apply(inv: &Invocation, object: &mut Value) -> Result<(), Failure> {
    let text = inv.flags.str("overrides");
    if text.is_empty() {
        return Ok(());
    }
    let content_type = match inv.flags.str("override-type") {
        "json" => patch_type::JSON,
        "merge" => patch_type::MERGE,
        "strategic" => patch_type::STRATEGIC,
        other => return Err(format!("invalid override type: {other}").into()),
    };
    let change = parse_json(text).map_err(|_| Failure::from("Invalid JSON Patch"))?;
    let mut merged = patching::apply(content_type, object, &change)?;
    has_fields(&merged)?;
    if let Some(of) = Schema::get().by_kind(&GroupVersionKind::of(&merged)) {
        drydock_schema::decode(of, &merged)?;
    }
    as_typed(&mut merged);
    // What the type does not know is not sent.
    *object = patching::as_go_writes(&merged);
    Ok(())
}

/// Refuses what can have neither version nor kind, in Go's words.
pub(crate) fn has_fields(document: &Value) -> Result<(), String> {
    let kind = match document {
        Value::Object(_) => return Ok(()),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    Err(format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {kind} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    ))
}

/// Fields that Go writes even when nothing was said of them.
fn as_typed(object: &mut Value) {
    let (list, field, value) = match object["kind"].str() {
        "Pod" => ("containers", "resources", Value::object()),
        "Service" => ("ports", "targetPort", Value::from(0)),
        _ => return,
    };
    if object["spec"][list].as_array().is_none() {
        return;
    }
    for item in object["spec"][list].items_mut() {
        if item.as_object().is_some() && item.get(field).is_none() {
            item.set(field, &value);
        }
    }
}
