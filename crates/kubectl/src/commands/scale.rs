//! `kubectl scale`: sets a number of replicas through the scale subresource.

use std::time::Duration;

use drydock_api::{Body, Request};
use drydock_value::{Time, Value, value};

use super::{Outcome, Waiting, acts};
use crate::builder::{self, Info, Query};
use crate::change::printing::Printing;
use crate::change::{Target, record};
use crate::client::{self, Client, patch_type};
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::NONE,
    &["all", "current-replicas", "dry-run", "replicas", "resource-version", "selector", "timeout"],
];

/// How often a scale that others change too is tried again.
const RETRIES: usize = 300;

/// `kubectl scale`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    let flags = &inv.flags;
    let (replicas, current) = (flags.int("replicas"), flags.int("current-replicas"));
    let revision = flags.str("resource-version").to_owned();
    let timeout = flags.duration("timeout");
    if replicas < 0 {
        return Err("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0".into());
    }
    if current < -1 {
        return Err("The --current-replicas must specify an integer of -1 or greater".into());
    }
    let args = inv.args.clone();
    let of_type = inv.flags.bool("all");
    let query = Query { all: false, type_means_all: of_type, ..Query::new(inv, io, &args)? };
    let (infos, failures) = builder::find(&query, inv, io)?.split();
    if !revision.is_empty() && infos.len() > 1 {
        return Err("cannot use --resource-version with multiple resources".into());
    }
    if infos.is_empty() {
        Failure::all(failures)?;
        return Err("no objects passed to scale".into());
    }
    let precondition = Precondition { replicas: current, revision };
    let mut waiting = Vec::new();
    for info in &infos {
        if dry_run != DryRun::Client {
            scale(inv, io, info, replicas, &precondition, dry_run)?;
            if dry_run == DryRun::None
                && let Some(note) = record::patch(inv, &info.object)
            {
                let (client, body) = (inv.client(io)?, Body::Value(note));
                client.patch(io, &info.resource, &info.namespace, &info.name, patch_type::MERGE, body, &[])?;
            }
            if !timeout.is_zero() && dry_run == DryRun::None {
                waiting.push(Target::of(info));
                continue;
            }
        }
        printing.print(io, &with_replicas(info, replicas), "scaled")?;
    }
    if waiting.is_empty() {
        Failure::all(failures)?;
        return Ok(Outcome::Done);
    }
    let objects = infos.iter().map(|info| with_replicas(info, replicas)).collect();
    Ok(Outcome::Waiting(Box::new(Settling {
        client: inv.client(io)?.clone(),
        targets: waiting,
        objects,
        at: 0,
        replicas,
        deadline: io.now + timeout,
        printing,
        failures,
    })))
}

struct Precondition {
    /// -1: any.
    replicas: i64,
    /// Empty: any.
    revision: String,
}

/// The object as it is printed: with the number, where the kind is known to have it there.
fn with_replicas(info: &Info, replicas: i64) -> Value {
    let mut object = info.object.clone();
    if matches!(info.resource.id.group.as_str(), "apps" | "") {
        object["spec"].set("replicas", replicas);
    }
    object
}

fn scale(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    info: &Info,
    replicas: i64,
    precondition: &Precondition,
    dry_run: DryRun,
) -> Result<(), Failure> {
    let name = format!("{}/scale", info.name);
    let params = [dry_run.param()];
    let client = inv.client(io)?;
    if precondition.replicas == -1 && precondition.revision.is_empty() {
        let patch = Body::Value(value!({"spec": {"replicas": replicas}}));
        client.patch(io, &info.resource, &info.namespace, &name, patch_type::MERGE, patch, &params)?;
        return Ok(());
    }
    for attempt in 0.. {
        let mut scale = client.get(io, &info.resource, &info.namespace, &name)?;
        let (now, revision) = (scale["spec"]["replicas"].int(), scale["metadata"]["resourceVersion"].str());
        if precondition.replicas != -1 && now != precondition.replicas {
            return Err(format!("Expected replicas to be {}, was {now}", precondition.replicas).into());
        }
        if !precondition.revision.is_empty() && revision != precondition.revision {
            return Err(format!("Expected resource version to be {}, was {revision}", precondition.revision).into());
        }
        scale["spec"].set("replicas", replicas);
        match client.update(io, &info.resource, &info.namespace, &name, scale, &params) {
            Err(failure) if failure.is("Conflict") && attempt < RETRIES => {}
            Err(failure) => return Err(failure),
            Ok(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Waits until as many replicas are there as were asked for.
#[derive(Clone)]
struct Settling {
    client: Client,
    targets: Vec<Target>,
    objects: Vec<Value>,
    at: usize,
    replicas: i64,
    deadline: Time,
    printing: Printing,
    failures: Vec<Failure>,
}

impl Waiting for Settling {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        while let Some(target) = self.targets.get(self.at) {
            let path = format!("{}/scale", client::path(&target.resource, &target.namespace, Some(&target.name)));
            let scale = self.client.value(io, Request::get(path))?;
            let (wanted, there) = (scale["spec"]["replicas"].int(), scale["status"]["replicas"].int());
            // Somebody else's number is none to wait for.
            if wanted == there || wanted != self.replicas {
                if let Some(object) = self.objects.get(self.at) {
                    self.printing.print(io, object, "scaled")?;
                }
                self.at += 1;
            } else if io.now >= self.deadline {
                return Err("timed out waiting for the condition".into());
            } else {
                let next = io.now + Duration::from_secs(1);
                return Ok(Outcome::Wait(Wait::until(next.min(self.deadline))));
            }
        }
        Failure::all(std::mem::take(&mut self.failures))?;
        Ok(Outcome::Done)
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
