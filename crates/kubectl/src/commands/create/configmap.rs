//! `kubectl create configmap`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_value::value;

use super::sources::{self, For};
use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let data = sources::read(inv, io, For::ConfigMap(&name))?;
    let mut object = value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": &name}});
    for (key, bytes) in data {
        match String::from_utf8(bytes) {
            Ok(text) => object["data"].set(key, text),
            Err(error) => object["binaryData"].set(key, STANDARD.encode(error.as_bytes())),
        }
    }
    if inv.flags.bool("append-hash") {
        let data = if object["data"].is_null() { value!({}) } else { object["data"].clone() };
        let mut content = value!({"kind": "ConfigMap", "name": &name, "data": data});
        if !object["binaryData"].is_null() {
            content.set("binaryData", &object["binaryData"]);
        }
        object["metadata"].set("name", format!("{name}-{}", sources::hash(&content)));
    }
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create configmap:")?;
    Ok(Outcome::Done)
}
