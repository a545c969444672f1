//! Deleting objects, and waiting until they are gone.

use std::collections::VecDeque;
use std::time::Duration;

use drydock_api::{StreamId, StreamItem};
use drydock_value::{Time, Value, value};

use super::Target;
use crate::client::{Client, ListOptions};
use crate::commands::{Outcome, Waiting};
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// Without a timeout, a deletion is waited for as long as this.
const FOREVER: Duration = Duration::from_secs(168 * 3600);

/// What `--cascade` says, as the API names it.
///
/// # Errors
/// An unknown value.
pub fn propagation(inv: &Invocation, io: &mut Io<'_>) -> Result<&'static str, Failure> {
    let value = inv.flags.str("cascade");
    if let Some(old) = crate::flags::parse_bool(value) {
        let new = if old { "background" } else { "orphan" };
        io.eprintln(format!(
            "warning: --cascade={value} is deprecated (boolean value) and can be replaced with --cascade={new}."
        ));
        return Ok(if old { "Background" } else { "Orphan" });
    }
    Ok(match value {
        "background" => "Background",
        "foreground" => "Foreground",
        "orphan" => "Orphan",
        other => {
            return Err(format!(
                "invalid cascade value ({other}). Must be \"background\", \"foreground\", or \"orphan\""
            )
            .into());
        }
    })
}

/// The options of a deletion; a negative grace period is the server's to choose.
pub fn options(propagation: &str, grace_period: i64, dry_run: DryRun) -> Value {
    let mut options = value!({"propagationPolicy": propagation});
    if grace_period >= 0 {
        options.set("gracePeriodSeconds", grace_period);
    }
    if dry_run == DryRun::Server {
        options.set("dryRun", value!(["All"]));
    }
    options
}

/// The UID in the answer to a deletion: of the object itself, or of the object that a `Status` is about.
pub fn uid_of(answer: &Value) -> String {
    match answer["kind"].str() {
        "Status" => answer["details"]["uid"].str().to_owned(),
        _ => answer["metadata"]["uid"].str().to_owned(),
    }
}

/// Objects that are on their way out, waited for one after the other.
#[derive(Debug, Clone)]
pub struct Gone {
    client: Client,
    targets: VecDeque<(Target, String)>,
    deadline: Time,
    watch: Option<StreamId>,
}

impl Gone {
    /// Waits for objects, each with its UID (an object of the same name with another one is a new object).
    pub fn new(client: Client, targets: Vec<(Target, String)>, now: Time, timeout: Duration) -> Gone {
        let timeout = if timeout.is_zero() { FOREVER } else { timeout };
        Gone { client, targets: targets.into(), deadline: now + timeout, watch: None }
    }

    /// Goes on; None once all are gone.
    ///
    /// # Errors
    /// When time is up, or an object cannot be seen.
    pub fn poll(&mut self, io: &mut Io<'_>) -> Result<Option<Wait>, Failure> {
        while let Some((target, uid)) = self.targets.front() {
            match self.watch {
                None => {
                    let options =
                        ListOptions { fields: format!("metadata.name={}", target.name), ..Default::default() };
                    let list = match self.client.list(io, &target.resource, &target.namespace, &options) {
                        // Not even its kind is there any more.
                        Err(failure) if failure.is("NotFound") => {
                            self.targets.pop_front();
                            continue;
                        }
                        list => list?,
                    };
                    let there = list["items"].items().first();
                    if there.is_none_or(|object| !uid.is_empty() && object["metadata"]["uid"].str() != uid) {
                        self.targets.pop_front();
                        continue;
                    }
                    let revision = list["metadata"]["resourceVersion"].str();
                    let watch = self.client.watch(io, &target.resource, &target.namespace, &options, revision)?;
                    self.watch = Some(watch);
                }
                Some(watch) => match io.api.poll(watch) {
                    StreamItem::Event(event) if event["type"] == "DELETED" => {
                        io.api.close(watch);
                        self.watch = None;
                        self.targets.pop_front();
                    }
                    StreamItem::Event(event) if event["type"] == "ERROR" => {
                        io.api.close(watch);
                        self.watch = None;
                    }
                    StreamItem::Event(_) | StreamItem::Data(..) => {}
                    StreamItem::Closed(_) => self.watch = None,
                    StreamItem::Pending if io.now >= self.deadline => {
                        let words = format!("timed out waiting for the condition on {}", target.short_name());
                        self.close(io);
                        return Err(words.into());
                    }
                    StreamItem::Pending => return Ok(Some(Wait::streams([watch]).or_until(Some(self.deadline)))),
                },
            }
        }
        Ok(None)
    }

    /// Lets go of the watch.
    pub fn close(&mut self, io: &mut Io<'_>) {
        if let Some(watch) = self.watch.take() {
            io.api.close(watch);
        }
    }
}

impl Waiting for Gone {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        match self.poll(io) {
            Ok(Some(wait)) => Ok(Outcome::Wait(wait)),
            Ok(None) => Ok(Outcome::Done),
            // Who may delete but not watch is not told off for it.
            Err(failure) if failure.is("Forbidden") || failure.is("MethodNotAllowed") => Ok(Outcome::Done),
            Err(failure) => Err(failure),
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        self.close(io);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
