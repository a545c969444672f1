//! What can be done to objects, whoever asks: the HTTP door and the components' door both end here.
//!
//! Objects come in decoded, defaulted and in their storage version; they go through admission, the kind's strategy and
//! validation into the store. Errors are `Status` objects in Kubernetes' words.

mod bind;
mod create;
mod delete;
mod evict;
mod update;

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds::Kind;
use crate::user::User;

pub(crate) use delete::Deleted;
pub use delete::{DeleteOptions, Propagation};
pub(crate) use update::Part;

/// What a request carries besides its object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cx {
    /// Who asks.
    pub(crate) user: User,
    /// Whether the caller is a part of the cluster: it is not asked what it may do.
    pub(crate) is_component: bool,
    /// Whether the deletion is an eviction, which was looked at as such.
    pub(crate) evicts: bool,
    /// Whether nothing may be kept (`dryRun=All`).
    pub(crate) dry_run: bool,
    /// The name under which a client writes, for `managedFields`.
    pub(crate) manager: String,
    /// The version in which a client speaks.
    pub(crate) served: Option<&'static crate::registry::Served>,
    /// The entries of `managedFields` after the write, where the verb has found them already.
    pub(crate) managed: Option<Value>,
    /// Warnings for the client, in order.
    pub(crate) warnings: Vec<String>,
    /// Notes for the audit log: each key once.
    pub(crate) annotations: Vec<(String, String)>,
}

impl Cx {
    /// The context of a part of the cluster.
    pub(crate) fn component(user: User) -> Cx {
        Cx { user, is_component: true, ..Cx::default() }
    }

    /// Notes something for the audit log, unless it is noted already.
    pub(crate) fn annotate(&mut self, key: impl Into<String>, text: impl Into<String>) {
        let key = key.into();
        if !self.annotations.iter().any(|(known, _)| *known == key) {
            self.annotations.push((key, text.into()));
        }
    }

    /// Adds a warning once.
    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

pub(crate) fn not_found(kind: Kind, name: &str) -> Status {
    Status::not_found(kind.info().group, kind.info().resource, name)
}

/// The name by which an object is told of that may have none yet: plugins that complete objects come before names are
/// generated.
pub(crate) fn told_name(object: &Value) -> &str {
    let metadata = &object["metadata"];
    let names = [metadata["name"].str(), metadata["generateName"].str(), "Unknown"];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

pub(crate) fn forbidden(kind: Kind, name: &str, why: &str) -> Status {
    Status::forbidden(kind.info().group, kind.info().resource, name, why)
}

pub(crate) const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

pub(crate) fn conflict(kind: Kind, name: &str, why: &str) -> Status {
    Status::conflict(kind.info().group, kind.info().resource, name, why)
}

/// Makes the object's namespace that of the request, or refuses.
fn fit_namespace(kind: Kind, namespace: &str, object: &mut Value) -> Result<(), Status> {
    let given = object["metadata"]["namespace"].str();
    if !kind.namespaced() {
        if !given.is_empty() {
            object["metadata"].remove("namespace");
        }
        return Ok(());
    }
    if given.is_empty() {
        object["metadata"].set("namespace", namespace);
    } else if given != namespace {
        return Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

/// Removes a field when it holds nothing.
pub(crate) fn tidy(object: &mut Value, key: &str) {
    if object.get(key).is_some_and(|value| match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null => true,
        _ => false,
    }) {
        object.remove(key);
    }
}

/// The most bytes that etcd takes in a request, and that its client sends.
const STORAGE_TAKES: usize = 3 << 19;
const STORAGE_IS_SENT: usize = 2 << 20;

/// Refuses an object that is too big to be stored. Only what a client sends can be.
pub(crate) fn check_size(object: &Value) -> Result<(), Status> {
    // Close to the size of the protobuf form: what stands in it, and a few bytes for each field.
    fn size(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 3,
            Value::Array(items) => items.iter().map(size).sum(),
            Value::Object(map) => map.iter().map(|(key, value)| size(value) + key.len().min(4)).sum(),
            _ => 4,
        }
    }
    let size = size(object);
    if size > STORAGE_IS_SENT {
        return Err(Status::new(
            500,
            "",
            format!(
                "rpc error: code = ResourceExhausted desc = trying to send message larger than max ({size} vs. \
                 {STORAGE_IS_SENT})"
            ),
        ));
    }
    if size > STORAGE_TAKES {
        return Err(Status::new(500, "", "etcdserver: request is too large"));
    }
    Ok(())
}
