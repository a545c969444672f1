//! What this crate asks of the schema.

use drydock_api::Status;
use drydock_value::Value;

use crate::client::PatchType;
use crate::kinds::Kind;

/// Completes an object that a component made.
pub(crate) fn decode_trusted(_kind: Kind, object: Value) -> Value {
    object
}

/// Applies a patch to an object.
pub(crate) fn patch(_kind: Kind, _patch_type: PatchType, object: &Value, _patch: &Value) -> Result<Value, Status> {
    Ok(object.clone())
}
