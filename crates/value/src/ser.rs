//! The way back: any `Serialize` type as a [`Value`].

use crate::{Error, Value};

/// Writes a typed value as a tree.
///
/// # Errors
/// When the type refuses to be serialized, or has keys that are not strings.
pub fn to_value<T: serde::Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    // Through serde_json's tree: the hot paths build values with `value!` and never come here.
    let tree = serde_json::to_value(value).map_err(|error| Error(error.to_string()))?;
    serde::Deserialize::deserialize(tree).map_err(|error: serde_json::Error| Error(error.to_string()))
}
