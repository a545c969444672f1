//! Rules for `metadata`.

use drydock_value::Value;

use super::Errors;

pub(crate) fn validate(_: &Value, _: bool, _: fn(&str, bool) -> Vec<String>, _: &mut Errors) {}

pub(crate) fn validate_update(_: &Value, _: &Value, _: &mut Errors) {}
