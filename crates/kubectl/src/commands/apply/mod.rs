//! `kubectl apply`: brings objects to what files say.
//!
//! What was applied last is kept in an annotation. From it, from the file and from what the server has, a patch is made
//! ([`crate::change::patching::three_way`]): fields that were applied before and are gone from the file are removed,
//! what others set stays. [`Applying`] goes through the objects; it waits where a conflict wants another try, or where
//! `--force` has to see an object go first. [`prune`] removes what was applied once and is in no file any more.

mod applyset;
pub mod edit_last_applied;
mod migrate;
pub(super) mod prune;
pub mod set_last_applied;
pub mod view_last_applied;

use drydock_sorted::SortedSet;
use std::collections::VecDeque;
use std::time::Duration;

use drydock_api::Body;
use drydock_value::{Time, Value, to_json, value};

use crate::builder::{self, Info, Query};
use crate::change::deletion::{self, Gone};
use crate::change::printing::Printing;
use crate::change::{Target, applied, describe_info, is_conflict, patching, record};
use crate::client::patch_type;
use crate::commands::{Outcome, Waiting, acts};
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};
use applyset::ApplySet;
use prune::Pruning;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::VALIDATE,
    acts::NONE,
    &[
        "all",
        "applyset",
        "cascade",
        "force",
        "force-conflicts",
        "grace-period",
        "openapi-patch",
        "overwrite",
        "prune",
        "prune-allowlist",
        "selector",
        "server-side",
        "subresource",
        "timeout",
        "wait",
    ],
];

const MISSING_ANNOTATION: &str = "is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.";

const CONFLICTS: &str = "Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";

/// How often a patch that meets a conflict is made anew; from the second time on, a second is waited before.
const RETRIES: u32 = 5;

/// How applying is done.
#[derive(Debug, Clone)]
struct Options {
    dry_run: DryRun,
    server_side: bool,
    force_conflicts: bool,
    overwrite: bool,
    force: bool,
    propagation: &'static str,
    grace_period: i64,
    timeout: Duration,
    manager: String,
    validation: &'static str,
    subresource: String,
}

/// `kubectl apply`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    if !inv.args.is_empty() {
        return Err(inv.usage(format!("Unexpected args: [{}]", inv.args.join(" "))));
    }
    let options = options(inv, io)?;
    let printing = Printing::new(inv, io, options.dry_run)?;
    let mut set = ApplySet::new(inv, io, &options)?;
    let pruning = if set.is_some() { None } else { Pruning::new(inv, io)? };
    let query = Query { all: false, ..Query::new(inv, io, &[])? };
    let found = builder::find(&query, inv, io)?;
    if found.items.is_empty() {
        return Err("no objects passed to apply".into());
    }
    // What could not even be read is told before what the server refuses.
    let (mut infos, failures) = found.split();
    if let Some(set) = &mut set {
        set.begin(inv, io, infos.iter_mut())?;
    }
    let mut namespaces = SortedSet::new();
    if query.enforce_namespace {
        namespaces.insert(query.namespace);
    }
    Ok(Outcome::Waiting(Box::new(Applying {
        inv: inv.clone(),
        options,
        printing,
        pruning,
        set,
        queue: infos.into(),
        retry: None,
        replacing: None,
        done: Vec::new(),
        failures,
        visited: SortedSet::new(),
        namespaces,
    })))
}

fn options(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Options, Failure> {
    let dry_run = inv.dry_run(io)?;
    let flags = &inv.flags;
    let (server_side, force_conflicts) = (flags.bool("server-side"), flags.bool("force-conflicts"));
    if force_conflicts && !server_side {
        return Err("--force-conflicts only works with --server-side".into());
    }
    if dry_run == DryRun::Client && server_side {
        return Err("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)".into());
    }
    if !flags.str("subresource").is_empty() && !server_side {
        return Err("--subresource can only be specified for --server-side".into());
    }
    let propagation = deletion::propagation(inv, io)?;
    let flags = &inv.flags;
    if flags.list("filename").is_empty() && flags.str("kustomize").is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    let force = flags.bool("force");
    if server_side && force {
        return Err("--force cannot be used with --server-side".into());
    }
    if dry_run == DryRun::Server && force {
        return Err("--dry-run=server cannot be used with --force".into());
    }
    let validation = inv.field_validation()?;
    let flags = &inv.flags;
    if flags.bool("all") && !flags.str("selector").is_empty() {
        return Err("cannot set --all and --selector at the same time".into());
    }
    if flags.bool("prune") && flags.str("applyset").is_empty() && !flags.bool("all") && flags.str("selector").is_empty()
    {
        return Err("all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector".into());
    }
    let manager = if server_side && !flags.given("field-manager") { "kubectl" } else { flags.str("field-manager") };
    Ok(Options {
        dry_run,
        server_side,
        force_conflicts,
        overwrite: flags.bool("overwrite"),
        force,
        propagation,
        grace_period: flags.int("grace-period"),
        timeout: flags.duration("timeout"),
        manager: manager.to_owned(),
        validation,
        subresource: flags.str("subresource").to_owned(),
    })
}

impl Options {
    fn params(&self) -> [(&'static str, &str); 3] {
        [self.dry_run.param(), ("fieldManager", self.manager.as_str()), ("fieldValidation", self.validation)]
    }
}

/// A patch that met a conflict, and when it is tried again.
#[derive(Debug, Clone)]
struct Retry {
    info: Info,
    attempt: u32,
    at: Time,
}

/// An object that `--force` deletes, and what comes in its place.
#[derive(Debug, Clone)]
struct Replacing {
    info: Info,
    current: Value,
    modified: Value,
    gone: Gone,
}

/// Goes through the objects.
#[derive(Clone)]
struct Applying {
    inv: Invocation,
    options: Options,
    printing: Printing,
    pruning: Option<Pruning>,
    set: Option<ApplySet>,
    queue: VecDeque<Info>,
    retry: Option<Retry>,
    replacing: Option<Replacing>,
    /// What `-o` prints at the end.
    done: Vec<Value>,
    failures: Vec<Failure>,
    /// UIDs of what was applied, and the namespaces that it is in: not to be pruned, and where to prune.
    visited: SortedSet<String>,
    namespaces: SortedSet<String>,
}

impl Waiting for Applying {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            if let Some(mut replacing) = self.replacing.take() {
                match replacing.gone.poll(io) {
                    Ok(Some(wait)) => {
                        self.replacing = Some(replacing);
                        return Ok(Outcome::Wait(wait));
                    }
                    Ok(None) => {
                        let outcome = self.create_in_place(io, &replacing);
                        self.failures.extend(outcome.err());
                    }
                    Err(failure) => self.failures.push(failure),
                }
                continue;
            }
            if let Some(retry) = self.retry.take() {
                if io.now < retry.at {
                    let wait = Wait::until(retry.at);
                    self.retry = Some(retry);
                    return Ok(Outcome::Wait(wait));
                }
                let outcome = self.refetch(io, &retry.info).and_then(|there| {
                    let modified = applied::annotated(&retry.info.object);
                    self.patch(io, &retry.info, there, modified, retry.attempt)
                });
                self.failures.extend(outcome.err());
                continue;
            }
            match self.queue.pop_front() {
                Some(info) => {
                    let outcome = self.apply(io, &info);
                    self.failures.extend(outcome.err());
                }
                None => break,
            }
        }
        Failure::all(std::mem::take(&mut self.failures))?;
        self.print_all(io)?;
        if let Some(pruning) = self.pruning.take() {
            pruning.run(&mut self.inv, io, &self.options, &mut self.printing, &self.visited, &self.namespaces)?;
        }
        if let Some(set) = self.set.take() {
            set.finish(&mut self.inv, io, &self.options, &mut self.printing, &self.visited)?;
        }
        Ok(Outcome::Done)
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        if let Some(replacing) = &mut self.replacing {
            replacing.gone.close(io);
        }
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

impl Applying {
    fn apply(&mut self, io: &mut Io<'_>, info: &Info) -> Result<(), Failure> {
        let mut info = info.clone();
        record::note(&self.inv, &mut info.object);
        let info = &info;
        if info.resource.namespaced() {
            self.namespaces.insert(info.namespace.clone());
        }
        let generate_name = info.object["metadata"]["generateName"].str();
        if info.name.is_empty() && !generate_name.is_empty() {
            return Err(format!("from {generate_name}: cannot use generate name with apply").into());
        }
        if self.options.server_side {
            return self.apply_on_server(io, info);
        }
        let retrieving = |failure: Failure| {
            let verb = format!("retrieving current configuration of:\n{}\nfrom server for:", describe_info(info));
            failure.from_source(&verb, &info.source)
        };
        if info.name.is_empty() {
            return Err(retrieving("resource name may not be empty".into()));
        }
        match self.refetch(io, info) {
            Err(failure) if failure.is("NotFound") => self.create(io, info),
            Err(failure) => Err(retrieving(failure)),
            Ok(current) => {
                let modified = applied::annotated(&info.object);
                self.patch(io, info, current, modified, 0)
            }
        }
    }

    fn refetch(&mut self, io: &mut Io<'_>, info: &Info) -> Result<Value, Failure> {
        self.inv.client(io)?.get(io, &info.resource, &info.namespace, &info.name)
    }

    fn apply_on_server(&mut self, io: &mut Io<'_>, info: &Info) -> Result<(), Failure> {
        let mut sent = self.send_to_server(io, info)?;
        if self.options.dry_run == DryRun::None && self.options.subresource.is_empty() {
            sent = self.migrate(io, info, sent);
        }
        warn_if_deleting(io, &sent);
        self.finish(io, sent, "serverside-applied")
    }

    fn send_to_server(&mut self, io: &mut Io<'_>, info: &Info) -> Result<Value, Failure> {
        let name = match self.options.subresource.as_str() {
            "" => info.name.clone(),
            subresource => format!("{}/{subresource}", info.name),
        };
        let force = if self.options.force_conflicts { "true" } else { "false" };
        let mut params = vec![("force", force)];
        params.extend(self.options.params());
        let (client, body) = (self.inv.client(io)?, Body::Value(info.object.clone()));
        let sent = client.patch(io, &info.resource, &info.namespace, &name, patch_type::APPLY, body, &params);
        sent.map_err(|failure| match failure.status() {
            Some(status) if status.code == 415 => {
                format!("Server-side apply not available on the server: ({})", status.message).into()
            }
            Some(status) if status.is("Conflict") => format!("{}\n{CONFLICTS}", status.message).into(),
            _ => failure,
        })
    }

    fn create(&mut self, io: &mut Io<'_>, info: &Info) -> Result<(), Failure> {
        // What is null is not sent: a later apply would not send it either.
        let mut object = drydock_schema::patch::merge_patch(&Value::Null, &applied::annotated(&info.object));
        if self.options.dry_run != DryRun::Client {
            object["metadata"].remove("resourceVersion");
            let client = self.inv.client(io)?;
            let created = client.create(io, &info.resource, &info.namespace, object, &self.options.params());
            object = created.map_err(|failure| failure.from_source("creating", &info.source))?;
        }
        self.finish(io, object, "created")
    }

    fn patch(
        &mut self,
        io: &mut Io<'_>,
        info: &Info,
        current: Value,
        modified: Value,
        attempt: u32,
    ) -> Result<(), Failure> {
        if attempt == 0 && applied::original(&current).is_none() {
            io.eprintln(format!("Warning: resource {} {MISSING_ANNOTATION}", Target::of(info).short_name()));
        }
        let original = applied::original_value(&current)?.unwrap_or_else(Value::object);
        let made = patching::three_way(&original, &modified, &current, self.options.overwrite);
        let (content_type, patch) = made.map_err(|why| {
            let verb = format!(
                "creating patch with:\noriginal:\n{}\nmodified:\n{}\ncurrent:\n{}\nfor:",
                to_json(&original),
                to_json(&modified),
                to_json(&current)
            );
            Failure::Error(why).from_source(&verb, &info.source)
        })?;
        if patch.is_empty() {
            warn_if_deleting(io, &current);
            return self.finish(io, current, "unchanged");
        }
        if self.options.dry_run == DryRun::Client {
            let patched = patching::apply(content_type, &current, &patch)?;
            return self.finish(io, patched, "configured");
        }
        let (client, body) = (self.inv.client(io)?, Body::Value(patch.clone()));
        let params = self.options.params();
        let sent = client.patch(io, &info.resource, &info.namespace, &info.name, content_type, body, &params);
        match sent {
            Ok(patched) => {
                warn_if_deleting(io, &patched);
                self.finish(io, patched, "configured")
            }
            Err(failure) if is_conflict(&failure) && attempt < RETRIES => {
                let pause = if attempt == 0 { Duration::ZERO } else { Duration::from_secs(1) };
                self.retry = Some(Retry { info: info.clone(), attempt: attempt + 1, at: io.now + pause });
                Ok(())
            }
            Err(failure) if self.options.force && (is_conflict(&failure) || failure.is("Invalid")) => {
                self.delete_first(io, info, current, modified)
            }
            Err(failure) => {
                let patch = applied::escape_html(&to_json(&patch));
                let verb = format!("applying patch:\n{patch}\nto:\n{}\nfor:", describe_info(info));
                Err(failure.from_source("patching", &info.source).from_source(&verb, &info.source))
            }
        }
    }

    fn delete_first(&mut self, io: &mut Io<'_>, info: &Info, current: Value, modified: Value) -> Result<(), Failure> {
        let options = deletion::options(self.options.propagation, self.options.grace_period, self.options.dry_run);
        let client = self.inv.client(io)?;
        let answer = client.delete(io, &info.resource, &info.namespace, &info.name, options)?;
        let targets = vec![(Target::of(info), deletion::uid_of(&answer))];
        let gone = Gone::new(client.clone(), targets, io.now, self.options.timeout);
        self.replacing = Some(Replacing { info: info.clone(), current, modified, gone });
        Ok(())
    }

    fn create_in_place(&mut self, io: &mut Io<'_>, replacing: &Replacing) -> Result<(), Failure> {
        let Replacing { info, current, modified, .. } = replacing;
        let fresh = |object: &Value| {
            let mut object = object.clone();
            object["metadata"].remove("resourceVersion");
            object
        };
        let (client, params) = (self.inv.client(io)?, self.options.params());
        match client.create(io, &info.resource, &info.namespace, fresh(modified), &params) {
            Ok(created) => self.finish(io, created, "configured"),
            Err(failure) => {
                // What was there comes back, and the error is told.
                let restored = client.create(io, &info.resource, &info.namespace, fresh(current), &params);
                let failure = match restored {
                    Ok(_) => failure,
                    Err(worse) => format!(
                        "An error occurred force-replacing the existing object with the newly provided one:\n\n{}.\n\nAdditionally, an error occurred attempting to restore the original object:\n\n{}",
                        failure.words(),
                        worse.words()
                    )
                    .into(),
                };
                let verb = format!("applying patch:\n{}\nto:\n{}\nfor:", to_json(modified), describe_info(info));
                Err(failure.from_source(&verb, &info.source))
            }
        }
    }

    fn finish(&mut self, io: &mut Io<'_>, object: Value, operation: &str) -> Result<(), Failure> {
        self.visited.insert(object["metadata"]["uid"].str().to_owned());
        if self.printing.prints_objects() {
            self.done.push(object);
            return Ok(());
        }
        self.printing.print(io, &object, operation)
    }

    /// Prints the objects at the end, when `-o` wants them: several as a list.
    fn print_all(&mut self, io: &mut Io<'_>) -> Result<(), Failure> {
        let mut done = std::mem::take(&mut self.done);
        let object = match done.len() {
            0 => return Ok(()),
            1 => done.remove(0),
            _ => value!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": done}),
        };
        self.printing.print(io, &object, "")
    }
}

fn warn_if_deleting(io: &mut Io<'_>, object: &Value) {
    let metadata = &object["metadata"];
    if !metadata["deletionTimestamp"].is_null() {
        io.eprintln(format!(
            "Warning: Detected changes to resource {} which is currently being deleted.",
            metadata["name"].str()
        ));
    }
}
