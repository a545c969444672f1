//! Kubernetes' protobuf: what typed clients send their objects in, and like best to get.
//!
//! The shapes of fields are the schema's; their numbers are in `data/fields.txt`. What a message carries although it is
//! empty (Go's messages always carry what is no pointer) the API server's own decoding leaves out again. What has no
//! message (tables, custom resources, the documents that describe the API) is answered in JSON, as by the real server.

mod read;
mod table;
mod write;

use drydock_schema::{Schema, TypeRef};

pub(crate) use read::decode;
pub(crate) use table::FIELDS;
pub(crate) use write::{encode, frame};

/// The content type.
pub(crate) const MEDIA: &str = "application/vnd.kubernetes.protobuf";
/// The content type of a watch.
pub(crate) const WATCH_MEDIA: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may lie in each other.
const DEPTH_MAX: usize = 64;

/// Whether what is served below a path has messages: only types that are built in do.
pub(crate) fn is_served(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let (group, version) = match segments.next() {
        Some("api") => ("", segments.next().unwrap_or_default()),
        Some("apis") => (segments.next().unwrap_or_default(), segments.next().unwrap_or_default()),
        _ => return false,
    };
    let mut kinds = Schema::get().kinds();
    kinds.any(|(gvk, of)| gvk.group == group && gvk.version == version && table::table().contains_key(of.name()))
}

/// Places in a schema where JSON has one thing or another, and protobuf a message with a field for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Union {
    /// A schema, or a list of them.
    SchemaOrList,
    /// True, false, or a schema for what else there may be.
    SchemaOrBool,
    /// A schema, or names of properties.
    SchemaOrNames,
    /// A message without fields: it is there or it is not.
    Empty,
}

impl Union {
    /// What a field of a type is.
    fn of(of: TypeRef, field: &str) -> Option<Union> {
        match (of.short_name(), field) {
            ("JSONSchemaProps", "items") => Some(Union::SchemaOrList),
            ("JSONSchemaProps", "additionalItems" | "additionalProperties") => Some(Union::SchemaOrBool),
            ("JSONSchemaProps", "dependencies") => Some(Union::SchemaOrNames),
            ("CustomResourceSubresources", "status") => Some(Union::Empty),
            _ => None,
        }
    }
}

/// The type of schemas.
fn schema_type() -> Option<TypeRef> {
    Schema::get().by_name("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps")
}

#[cfg(test)]
mod tests;
