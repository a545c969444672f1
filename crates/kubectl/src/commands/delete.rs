//! `kubectl delete`: deletes objects and waits until they are gone.

use drydock_api::Method;

use super::{Outcome, Waiting, acts, raw, read_line};
use crate::builder::{self, Found, Info, Query};
use crate::change::deletion::{self, Gone};
use crate::change::{Target, each};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::FILES,
    acts::SELECT,
    &[
        "cascade",
        "dry-run",
        "force",
        "grace-period",
        "ignore-not-found",
        "interactive",
        "now",
        "output",
        "raw",
        "timeout",
        "wait",
    ],
];

/// How to delete.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub propagation: &'static str,
    /// Negative: the server's choice.
    pub grace_period: i64,
    pub dry_run: DryRun,
    pub ignore_not_found: bool,
    /// Print `-o name`.
    pub names: bool,
    pub quiet: bool,
    /// Warn once when a namespace was asked for and the objects are in none.
    pub warn_cluster_scope: bool,
}

impl Options {
    /// Says that an object was deleted.
    pub(super) fn print(&self, io: &mut Io<'_>, info: &Info) {
        if self.quiet {
            return;
        }
        let kind_name = info.kind_name();
        if self.names {
            io.println(kind_name);
            return;
        }
        let kind = kind_name.split('/').next().unwrap_or("");
        let operation = if self.grace_period == 0 { "force deleted" } else { "deleted" };
        let from =
            if info.resource.namespaced() { format!(" from {} namespace", info.namespace) } else { String::new() };
        io.println(format!("{kind} {:?} {operation}{from}{}", info.name, self.dry_run.suffix()));
    }

    /// Deletes what was found. Answers what to wait for, and how many there were.
    pub(super) fn delete(
        &self,
        found: Found,
        inv: &mut Invocation,
        io: &mut Io<'_>,
    ) -> Result<(Vec<(Target, String)>, usize), Failure> {
        let mut found = found;
        if self.ignore_not_found {
            found.items.retain(|item| !item.as_ref().is_err_and(|failure| failure.is("NotFound")));
        }
        let (mut gone, mut count, mut warned) = (Vec::new(), 0, !self.warn_cluster_scope);
        each(found, |info| {
            count += 1;
            if !warned && !info.resource.namespaced() {
                io.eprintln("Warning: deleting cluster-scoped resources, not scoped to the provided namespace");
                warned = true;
            }
            if self.dry_run == DryRun::Client {
                self.print(io, &info);
                return Ok(());
            }
            let options = deletion::options(self.propagation, self.grace_period, self.dry_run);
            let answer = inv.client(io)?.delete(io, &info.resource, &info.namespace, &info.name, options);
            match answer {
                Ok(answer) => {
                    self.print(io, &info);
                    gone.push((Target::of(&info), deletion::uid_of(&answer)));
                    Ok(())
                }
                Err(failure) if self.ignore_not_found && failure.is("NotFound") => Ok(()),
                Err(failure) => Err(failure.from_source("deleting", &info.source)),
            }
        })?;
        Ok((gone, count))
    }
}

/// `kubectl delete`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let propagation = deletion::propagation(inv, io)?;
    let flags = &inv.flags;
    let selected = flags.bool("all") || !flags.str("selector").is_empty() || !flags.str("field-selector").is_empty();
    let mut grace_period = flags.int("grace-period");
    let force = flags.bool("force");
    if flags.bool("now") {
        if grace_period != -1 {
            return Err("--now and --grace-period cannot be specified together".into());
        }
        grace_period = 1;
    }
    if grace_period == 0 && !force {
        // Losing data takes --force as well.
        grace_period = 1;
    }
    if force && grace_period < 0 {
        grace_period = 0;
    }
    let dry_run = inv.dry_run(io)?;
    let raw_path = inv.flags.str("raw").to_owned();
    let args = inv.args.clone();
    let mut found = Found::default();
    let mut warn_cluster_scope = false;
    if raw_path.is_empty() {
        let query = Query { fetch: false, ..Query::new(inv, io, &args)? };
        warn_cluster_scope = query.enforce_namespace && !query.all_namespaces;
        found = builder::find(&query, inv, io)?;
    }
    let flags = &inv.flags;
    let output = flags.str("output");
    if !output.is_empty() && output != "name" {
        return Err(format!("unexpected -o output mode: {output}. We only support '-o name'").into());
    }
    if flags.bool("all") && !flags.str("selector").is_empty() {
        return Err("cannot set --all and --selector at the same time".into());
    }
    if flags.bool("all") && !flags.str("field-selector").is_empty() {
        return Err("cannot set --all and --field-selector at the same time".into());
    }
    if force && grace_period == 0 {
        io.eprintln(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.",
        );
    } else if force {
        return Err("--force and --grace-period greater than 0 cannot be specified together".into());
    }
    if !raw_path.is_empty() {
        if !output.is_empty() {
            return Err("--raw and --output are mutually exclusive".into());
        }
        return raw::print(inv, io, raw::request(Method::Delete, &raw_path));
    }
    let options = Options {
        propagation,
        grace_period,
        dry_run,
        ignore_not_found: if flags.given("ignore-not-found") { flags.bool("ignore-not-found") } else { selected },
        names: output == "name",
        quiet: false,
        warn_cluster_scope,
    };
    if flags.bool("interactive") {
        return confirm(options, found, inv, io);
    }
    finish(&options, found, inv, io)
}

fn finish(options: &Options, found: Found, inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let (gone, count) = options.delete(found, inv, io)?;
    if count == 0 {
        io.println("No resources found");
        return Ok(Outcome::Done);
    }
    if !inv.flags.bool("wait") || options.dry_run != DryRun::None {
        return Ok(Outcome::Done);
    }
    let timeout = inv.flags.duration("timeout");
    let gone = Gone::new(inv.client(io)?.clone(), gone, io.now, timeout);
    Ok(Outcome::Waiting(Box::new(gone)))
}

fn confirm(options: Options, found: Found, inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let infos = found.infos()?;
    if infos.is_empty() {
        io.println("No resources found");
        return Ok(Outcome::Done);
    }
    io.println(format!("You are about to delete the following {} resource(s):", infos.len()));
    for info in &infos {
        io.println(info.kind_name());
    }
    io.print("Do you want to continue? (y/N): ");
    Ok(Outcome::Waiting(Box::new(Confirm { options, infos, inv: inv.clone(), answer: Vec::new() })))
}

/// Waits for a line of standard input.
#[derive(Clone)]
struct Confirm {
    options: Options,
    infos: Vec<Info>,
    inv: Invocation,
    answer: Vec<u8>,
}

impl Waiting for Confirm {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        if let Some(waiting) = read_line(io, &mut self.answer) {
            return Ok(waiting);
        }
        let answer = String::from_utf8_lossy(&self.answer).trim().to_lowercase();
        if answer != "y" {
            io.println("deletion is cancelled");
            return Ok(Outcome::Done);
        }
        let items = std::mem::take(&mut self.infos).into_iter().map(Ok).collect();
        finish(&self.options, Found { items, ..Found::default() }, &mut self.inv, io)
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
