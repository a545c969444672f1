//! `kubectl set`: changes what many objects have: images, variables, resources, selectors, service accounts, subjects.
//!
//! Each of these finds objects, changes them here, and sends the difference as a patch: [`Setting`] does all but the
//! change itself.

pub mod env;
pub mod image;
pub mod resources;
pub mod selector;
pub mod serviceaccount;
pub mod subject;

use drydock_api::Body;
use drydock_value::Value;

use crate::builder::{self, Info, Query};
use crate::change::printing::Printing;
use crate::change::{patching, record};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// What happens when a change changes nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unchanged {
    /// Nothing is sent and nothing is said.
    Silent,
    /// It is sent and said all the same.
    Sent,
}

/// How changed objects are sent and printed.
struct Setting {
    printing: Printing,
    dry_run: DryRun,
    local: bool,
    /// What was done, such as `image updated`.
    operation: &'static str,
    /// The words before a refusal; empty when it is printed as it comes.
    refusal: &'static str,
    unchanged: Unchanged,
}

impl Setting {
    fn new(
        inv: &Invocation,
        io: &mut Io<'_>,
        operation: &'static str,
        refusal: &'static str,
    ) -> Result<Setting, Failure> {
        let dry_run = inv.dry_run(io)?;
        let local = inv.flags.bool("local");
        if local && dry_run == DryRun::Server {
            return Err("cannot specify --local and --dry-run=server - did you mean --dry-run=client?".into());
        }
        let printing = Printing::new(inv, io, dry_run)?;
        Ok(Setting { printing, dry_run, local, operation, refusal, unchanged: Unchanged::Silent })
    }

    /// The objects that the arguments mean. Nothing is changed unless all can be had.
    fn find(&self, inv: &mut Invocation, io: &mut Io<'_>, resources: &[String]) -> Result<Vec<Info>, Failure> {
        let of_type = inv.flags.bool("all");
        let latest = !self.local;
        let no_files = inv.flags.list("filename").is_empty() && inv.flags.str("kustomize").is_empty();
        let mut resources = resources;
        if self.local {
            // Some pass resources over that only a server could tell of.
            if !resources.is_empty() && !matches!(inv.command.name(), "env" | "serviceaccount") {
                return Err(builder::LOCAL.into());
            }
            if no_files {
                return Err(builder::MISSING.into());
            }
            resources = &[];
        }
        let query = Query { latest, all: false, type_means_all: of_type, ..Query::new(inv, io, resources)? };
        builder::find(&query, inv, io)?.infos()
    }

    /// Sends the difference between an object and what became of it.
    fn apply(&mut self, inv: &mut Invocation, io: &mut Io<'_>, info: &Info, changed: &Value) -> Result<(), Failure> {
        let mut changed = changed.clone();
        record::note(inv, &mut changed);
        let changed = &changed;
        let (content_type, patch) = patching::two_way(&info.object, changed)?;
        if patch.is_empty() && self.unchanged == Unchanged::Silent {
            return Ok(());
        }
        if self.local || self.dry_run == DryRun::Client {
            return self.printing.typed(io, &patching::as_go_writes(changed), self.operation);
        }
        let manager = inv.flags.str("field-manager").to_owned();
        let params = [self.dry_run.param(), ("fieldManager", manager.as_str())];
        let (client, body) = (inv.client(io)?, Body::Value(patch));
        let sent = client.patch(io, &info.resource, &info.namespace, &info.name, content_type, body, &params);
        let sent = sent.map_err(|failure| match self.refusal {
            "" => failure,
            words => format!("{words} {}", failure.words()).into(),
        })?;
        self.printing.typed(io, &sent, self.operation)
    }
}

/// The failure of an object that cannot be changed so, as these commands say it.
fn unfit(inv: &Invocation, info: &Info, why: &str) -> Failure {
    let (id, name) = (&info.resource.id, &info.name);
    let kind = info.resource.kind.to_lowercase();
    // No server says which resource a file's object is, and its group ends a line.
    let whose = match (inv.flags.bool("local"), id.group.as_str()) {
        (false, _) => format!("{}/{name}", id.resource),
        (true, "") => format!("{kind}/{name}"),
        (true, group) => format!("{kind}.{group}/{name}\n"),
    };
    Failure::Error(format!("error: {whose} {why}\n"))
}
