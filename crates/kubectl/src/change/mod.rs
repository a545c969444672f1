//! What the commands that change objects have in common.
//!
//! - [`each`], [`params`], [`Target`]: going over objects, query parameters, where an object lives.
//! - [`applied`]: the last-applied annotation of `kubectl apply`.
//! - [`patching`]: patches between two or three versions of an object.
//! - [`podspec`]: pod templates inside workloads, and containers chosen by a pattern.
//! - [`deletion`]: deleting and waiting until objects are gone.
//! - [`podwatch`]: waiting for one pod to become as wanted.
//! - [`generate`]: how `create x`, `run`, `expose` and `autoscale` make, send and print an object.
//! - [`printing`]: what was done, or the object with `-o`.
//! - [`overrides`]: what `--overrides` adds to an object. [`pairs`]: `key=value` and `key-` arguments. [`order`]: JSON in the order of Go's structs.
//!
//! Everything here sends through the [`crate::client`] and prints through the [`crate::printers`].

pub mod applied;
pub mod deletion;
pub mod generate;
pub mod order;
pub mod overrides;
pub mod pairs;
pub mod patching;
pub mod podspec;
pub mod podwatch;
pub mod printing;
pub mod record;

use drydock_api::{Resource, Status};
use drydock_value::Value;

use crate::builder::{Found, Info};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// Goes over what was found; a failure does not stop the rest. What was not found is told of last, as it is there that
/// kubectl's visitors have it.
///
/// # Errors
/// All failures together.
pub fn each(found: Found, mut act: impl FnMut(Info) -> Result<(), Failure>) -> Result<(), Failure> {
    let (mut failures, mut unread) = (Vec::new(), Vec::new());
    for item in found.items {
        match item {
            Ok(info) => failures.extend(act(info).err()),
            Err(failure) => unread.push(failure),
        }
    }
    failures.append(&mut unread);
    Failure::all(failures)
}

/// The query parameters of a write: dry-run, who writes, and how strictly fields are checked (when the command has
/// `--validate`).
pub fn params(inv: &Invocation, dry_run: DryRun) -> Result<Vec<(&'static str, &str)>, Failure> {
    let mut params = vec![dry_run.param(), ("fieldManager", inv.flags.str("field-manager"))];
    if inv.command.flag("validate").is_some() {
        params.push(("fieldValidation", inv.field_validation()?));
    }
    Ok(params)
}

/// Where an object lives on the server.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is.
    pub resource: Resource,
    /// Its namespace; empty for cluster-scoped objects.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Target {
    /// Of an object that was found.
    pub fn of(info: &Info) -> Target {
        Target { resource: info.resource.clone(), namespace: info.namespace.clone(), name: info.name.clone() }
    }

    /// `pods/x`: the resource without its group, as some messages have it.
    pub fn short_name(&self) -> String {
        format!("{}/{}", self.resource.id.resource, self.name)
    }
}

/// How error messages describe an object.
pub fn describe_info(info: &Info) -> String {
    let id = &info.resource.id;
    let gv = format!("{}/{}", id.group, id.version);
    format!(
        "Resource: \"{gv}, Resource={}\", GroupVersionKind: \"{gv}, Kind={}\"\nName: {:?}, Namespace: {:?}",
        id.resource, info.resource.kind, info.name, info.namespace
    )
}

/// Whether an error is the server's refusal of an old resourceVersion.
pub fn is_conflict(failure: &Failure) -> bool {
    failure.is("Conflict")
}

/// Gets a resource by group and plural. Of those that Go's client has types for, the server is not asked.
///
/// # Errors
/// When nobody knows it.
pub fn known_resource(inv: &mut Invocation, io: &mut Io<'_>, group: &str, resource: &str) -> Result<Resource, Failure> {
    let named =
        |row: &&drydock_schema::ResourceRow| row.resource.id.group == group && row.resource.id.resource == resource;
    if let Some(row) = drydock_schema::resources().iter().find(named) {
        return Ok(row.resource.clone());
    }
    let mapper = inv.mapper_with(io, |mapper| mapper.resource(group, resource).is_some())?;
    mapper.resource(group, resource).cloned().ok_or_else(|| Status::no_such_path().into())
}

/// The metadata's map of labels or annotations; sets one entry.
pub fn set_entry(object: &mut Value, map: &str, key: &str, text: &str) {
    object["metadata"][map].set(key, text);
}
