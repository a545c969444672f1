//! `kubectl cordon` and `kubectl uncordon`: whether new pods may come to a node.

use drydock_api::Body;
use drydock_value::value;

use super::Outcome;
use crate::builder::{self, Info, Query};
use crate::client::patch_type;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that they act on.
pub const FLAGS: &[&[&str]] = &[&["dry-run", "selector"]];

/// `kubectl cordon`
///
/// # Errors
/// kubectl's own.
pub fn cordon(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    run(inv, io, true)
}

/// `kubectl uncordon`
///
/// # Errors
/// kubectl's own.
pub fn uncordon(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    run(inv, io, false)
}

fn run(inv: &mut Invocation, io: &mut Io<'_>, cordon: bool) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let infos = nodes(inv, io)?;
    mark(inv, io, &infos, cordon, dry_run)?;
    Ok(Outcome::Done)
}

/// The nodes that the command line means.
pub(super) fn nodes(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Vec<Info>, Failure> {
    let selector = inv.flags.str("selector").to_owned();
    if inv.args.is_empty() && !inv.flags.given("selector") {
        return Err(inv.usage(format!("USAGE: {} NODE [flags]", inv.command.name())));
    }
    if !inv.args.is_empty() && !selector.is_empty() {
        return Err(inv.usage("cannot specify both a node name and a --selector option"));
    }
    // An empty selector selects nothing.
    let mut args = builder::of_type("nodes", &inv.args);
    if !selector.is_empty() {
        args.push("nodes".into());
    }
    let query = Query { latest: true, type_means_all: true, single_type: true, ..Query::new(inv, io, &args)? };
    // The first that is not there ends it.
    let query = Query { continue_on_error: false, ..query };
    let infos = builder::find(&query, inv, io)?.infos()?;
    if let Some(other) = infos.iter().find(|info| info.resource.kind != "Node") {
        builder::known(&other.object)?;
        let id = &other.resource.id;
        let got = format!("{}/{}, Resource={}", id.group, id.version, id.resource);
        return Err(format!("expected resource of type node, got {got:?}").into());
    }
    Ok(infos)
}

/// Marks nodes, and says so.
pub(super) fn mark(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    infos: &[Info],
    cordon: bool,
    dry_run: DryRun,
) -> Result<(), Failure> {
    let done = if cordon { "cordoned" } else { "uncordoned" };
    let mut failures = Vec::new();
    for info in infos {
        let name = format!("node/{}", info.name);
        if info.object["spec"]["unschedulable"].is_true() == cordon {
            io.println(format!("{name} already {done}{}", dry_run.suffix()));
            continue;
        }
        if dry_run != DryRun::Client {
            let mark = if cordon { value!(true) } else { value!(null) };
            let patch = Body::Value(value!({"spec": {"unschedulable": mark}}));
            let (client, params) = (inv.client(io)?, [dry_run.param()]);
            let sent = client.patch(io, &info.resource, "", &info.name, patch_type::STRATEGIC, patch, &params);
            if let Err(failure) = sent {
                let verb = if cordon { "cordon" } else { "uncordon" };
                failures.push(format!("unable to {verb} node {:?}: {}", info.name, failure.words()).into());
                continue;
            }
        }
        io.println(format!("{name} {done}{}", dry_run.suffix()));
    }
    Failure::all(failures)
}
