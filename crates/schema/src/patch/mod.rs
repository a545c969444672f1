//! Patches, all four kinds that Kubernetes speaks but server-side apply.
//!
//! - [`json_patch`]: a list of operations (RFC 6902).
//! - [`merge_patch`], [`create_merge_patch`], [`three_way_merge`]: objects laid over objects, null deletes (RFC 7386).
//! - [`strategic_merge`], [`two_way_strategic`], [`three_way_strategic`]: the same with lists merged by key, as the types
//!   say, and with directives (`$patch`, `$retainKeys`, `$setElementOrder/...`, `$deleteFromPrimitiveList/...`).
//!
//! The three-way ones are what `kubectl apply` computes from what was applied before, what is applied now, and what the
//! server has.

mod conflict;
mod diff;
mod json;
mod lists;
mod merge;
mod strategic;

pub use diff::{three_way_strategic, two_way_strategic};
pub use json::{JsonPatchError, json_patch};
pub use merge::{create_merge_patch, merge_patch, three_way_merge};
pub use strategic::strategic_merge;

use drydock_value::Value;

use crate::table::{Shape, TypeRef};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const ORDER_PREFIX: &str = "$setElementOrder";
const DELETE_PREFIX: &str = "$deleteFromPrimitiveList";

const BAD_ORDER_LIST: &str = "invalid patch format of setElementOrder list";
const BAD_DELETE_LIST: &str = "invalid patch format of primitive list";
const BAD_RETAIN_KEYS: &str = "invalid patch format of retainKeys";

/// How a field is patched.
#[derive(Clone, Copy)]
struct Meta {
    shape: Shape,
    merges: bool,
    retains_keys: bool,
    key: Option<&'static str>,
}

/// Looks a field up in the type of the object that holds it.
fn meta(of: Shape, name: &str) -> Result<Meta, String> {
    let plain = |shape| Meta { shape, merges: false, retains_keys: false, key: None };
    match of {
        Shape::Object(of) => match of.field(name) {
            Some(field) => Ok(Meta {
                shape: field.shape,
                merges: field.patch_merges(),
                retains_keys: field.patch_retains_keys(),
                key: field.merge_key(),
            }),
            None => Err(unknown_field(of, name)),
        },
        Shape::Map(inner) => Ok(plain(inner.get())),
        _ => Ok(plain(Shape::Any)),
    }
}

fn unknown_field(of: TypeRef, name: &str) -> String {
    format!("unable to find api field in struct {} for the json field \"{name}\"", of.short_name())
}

/// The shape of a list's items.
fn item(shape: Shape) -> Shape {
    match shape {
        Shape::List(inner) => inner.get(),
        _ => Shape::Any,
    }
}

/// The Go type of an untyped value, as error messages name it.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn same_type(a: &Value, b: &Value) -> bool {
    go_type(a) == go_type(b)
}

fn bad_type(expected: &str, found: &Value) -> String {
    format!("expected a {expected}, but received a {}", go_type(found))
}

fn no_merge_key(map: &Value, key: &str) -> String {
    format!("map: {} does not contain declared merge key: {key}", crate::go::plain(map))
}

#[cfg(test)]
mod tests;
