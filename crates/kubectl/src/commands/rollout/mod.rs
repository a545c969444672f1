//! `kubectl rollout`: the way of deployments, daemon sets and stateful sets from one revision to the next.

pub mod history;
pub mod pause;
pub mod restart;
pub mod revisions;
pub mod status;
pub mod undo;

use drydock_api::Body;
use drydock_value::Value;

use crate::builder::{self, Found, Info, Query};
use crate::change::patching;
use crate::change::printing::Printing;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that most of them act on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, &["field-manager", "selector"]];

/// The objects that the command line means; a type alone means all of them.
fn find(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Found, Failure> {
    let args = inv.args.clone();
    let query = Query { type_means_all: true, latest: true, ..Query::new(inv, io, &args)? };
    if args.is_empty() && !query.has_files() {
        return Err("required resource not specified".into());
    }
    builder::find(&query, inv, io)
}

/// `deployments.apps "x"`: how these commands begin their errors.
fn quoted(info: &Info) -> String {
    format!("{} {:?}", info.resource.id.group_resource(), info.name)
}

/// Changes each object and sends the difference; a change that is not possible says why.
fn patch_each(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    operation: &str,
    mut change: impl FnMut(&mut Value) -> Result<(), String>,
) -> Result<Outcome, Failure> {
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let found = find(inv, io)?;
    let (infos, mut failures) = found.split();
    if infos.is_empty() && failures.is_empty() {
        let namespace = inv.namespace(io)?;
        io.eprintln(format!("No resources found in {namespace} namespace."));
        return Ok(Outcome::Done);
    }
    let manager = inv.flags.str("field-manager").to_owned();
    for info in &infos {
        let mut changed = info.object.clone();
        if let Err(why) = change(&mut changed) {
            failures.push(format!("{} {why}", quoted(info)).into());
            continue;
        }
        let (content_type, patch) = patching::two_way(&info.object, &changed)?;
        if patch.is_empty() {
            failures.push(
                format!(
                    "failed to create patch for {}: if restart has already been triggered within the past second, please wait before attempting to trigger another",
                    info.name
                )
                .into(),
            );
            continue;
        }
        let (client, body) = (inv.client(io)?, Body::Value(patch));
        let params = [("fieldManager", manager.as_str())];
        match client.patch(io, &info.resource, &info.namespace, &info.name, content_type, body, &params) {
            Ok(sent) => printing.print(io, &sent, operation)?,
            Err(failure) => failures.push(failure.context("failed to patch")),
        }
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}
