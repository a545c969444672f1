//! `kubectl create`: objects from files, and (one file each) the generators of common objects.
//!
//! A generator reads its flags into an object and hands it to [`crate::change::generate::create`], which sends and
//! prints it.

pub mod clusterrole;
pub mod clusterrolebinding;
pub mod configmap;
pub mod cronjob;
pub mod deployment;
pub mod ingress;
pub mod job;
pub mod namespace;
pub mod poddisruptionbudget;
pub mod priorityclass;
pub mod quota;
pub mod role;
pub mod rolebinding;
pub mod secret;
pub mod service;
pub mod serviceaccount;
pub mod sources;
pub mod token;

use drydock_api::Method;

use super::{Outcome, acts, edit, raw};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{applied, each, record};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::VALIDATE,
    acts::NONE,
    &["edit", "raw", "save-config", "selector", "windows-line-endings"],
];

/// The flags that every generator acts on.
pub const GENERATOR: &[&str] = &["save-config", "validate"];

/// `kubectl create -f`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let filenames = inv.flags.list("filename");
    if !inv.args.is_empty() && filenames.is_empty() {
        return Err(inv.usage(format!("Unexpected args: [{}]", inv.args.join(" "))));
    }
    if filenames.is_empty() && inv.flags.str("kustomize").is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    if !inv.args.is_empty() {
        return Err(inv.usage(format!("Unexpected args: [{}]", inv.args.join(" "))));
    }
    let raw_path = inv.flags.str("raw").to_owned();
    if !raw_path.is_empty() {
        return post_raw(inv, io, &raw_path, &filenames);
    }
    let validation = inv.field_validation()?;
    let query = Query::new(inv, io, &[])?;
    if inv.flags.bool("edit") {
        return edit::before_create(inv, io, &query);
    }
    let found = builder::find(&query, inv, io)?;
    let mut count = 0;
    let (save, manager) = (inv.flags.bool("save-config"), inv.flags.str("field-manager").to_owned());
    each(found, |info| {
        let mut object = info.object.clone();
        applied::create_or_update(&mut object, save, applied::go_json);
        record::note(inv, &mut object);
        if dry_run != DryRun::Client {
            // What the file says of the revision would be refused.
            if object["metadata"].get("resourceVersion").is_some() {
                object["metadata"].remove("resourceVersion");
            }
            let params = [dry_run.param(), ("fieldManager", manager.as_str()), ("fieldValidation", validation)];
            let created = inv.client(io)?.create(io, &info.resource, &info.namespace, object, &params);
            object = created.map_err(|failure| failure.from_source("creating", &info.source))?;
        }
        count += 1;
        printing.print(io, &object, "created")
    })?;
    if count == 0 {
        return Err("no objects passed to create".into());
    }
    Ok(Outcome::Done)
}

fn post_raw(inv: &mut Invocation, io: &mut Io<'_>, path: &str, filenames: &[String]) -> Result<Outcome, Failure> {
    if inv.flags.bool("edit") {
        return Err("--raw and --edit are mutually exclusive".into());
    }
    let [filename] = filenames else {
        return Err("--raw can only use a single local file or stdin".into());
    };
    if inv.flags.bool("recursive") {
        return Err("--raw and --recursive are mutually exclusive".into());
    }
    if !inv.flags.str("selector").is_empty() {
        return Err("--raw and --selector (-l) are mutually exclusive".into());
    }
    if !inv.flags.str("output").is_empty() {
        return Err("--raw and --output are mutually exclusive".into());
    }
    let bytes = inv.read_file(io, filename)?;
    let mut request = raw::request(Method::Post, path).header("content-type", "application/json");
    request.body = drydock_api::Body::Bytes(bytes);
    raw::print(inv, io, request)
}
