//! The commands: one file each, one row each in [`COMMANDS`].
//!
//! **How to add a command.** Write `src/commands/NAME.rs` with
//! `pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure>` and add one row here: its path, that
//! function, and the flags that it acts on (name the shared groups from [`acts`], then its own). The flags themselves,
//! with kinds and defaults, are in `data/commands.txt` already; a flag that is given but not in the row is refused, never
//! ignored. Global flags are acted on for everybody.
//!
//! **What a command has.** `inv.args`, `inv.dash`, `inv.flags.{str,bool,int,duration,list,given}`,
//! `inv.client(io)?` (requests), `inv.mapper(io)?` and `inv.resource(io, "deploy")?` (names of resources),
//! `inv.namespace(io)?`, `inv.read_file(io, path)?`, `inv.dry_run(io)?`, [`crate::builder`] (resources by `-f`, names,
//! selectors), [`crate::printers`] (`-o`), `io.println` and `io.eprintln`.
//!
//! **Failures** are values: `return Err("words".into())` prints `error: words` and exits with 1; a `Status` prints
//! `Error from server (Reason): …`; see [`Failure`] for the rest. Standard input is read by `inv.stdin()?` (or
//! `read_file` of `-`) before anything that can be seen: the command is run again from its beginning once all input is in.
//!
//! **A command that waits** answers [`Outcome::Waiting`] with a [`Waiting`] value: it is stepped until it answers
//! `Done`, `Exit` or an error, and says with `Outcome::Wait` what wakes it (streams of watches, a moment, a child).

use crate::env::{Env, Input, Io, Wait};
use crate::failure::Failure;
use crate::flags::{Parsed, table};
use crate::help;
use crate::invocation::Invocation;

pub mod annotate;
pub mod api;
pub mod apply;
pub mod attach;
pub mod auth;
pub mod autoscale;
pub mod certificate;
pub mod cluster_info;
pub mod completion;
pub mod config;
pub mod cordon;
pub mod cp;
pub mod create;
pub mod debug;
pub mod delete;
pub mod describe;
pub mod diff;
pub mod drain;
pub mod edit;
pub mod events;
pub mod exec;
pub mod explain;
pub mod expose;
pub mod get;
pub mod kuberc;
pub mod kustomize;
pub mod label;
pub mod logs;
pub mod patch;
pub mod plugin;
pub mod port_forward;
pub mod proxy;
pub mod raw;
pub mod remote;
pub mod replace;
pub mod rollout;
pub mod run;
pub mod scale;
pub mod set;
pub mod stream;
pub mod taint;
#[cfg(test)]
mod tests;
pub mod top;
pub mod wait;

/// What a step of a command came to.
pub enum Outcome {
    /// The command is over, with exit code 0.
    Done,
    /// The command is over, with this exit code.
    Exit(i32),
    /// From [`Waiting::step`]: nothing to do until one of these happens.
    Wait(Wait),
    /// From [`Waiting::step`]: more to do at once.
    Continue,
    /// The command goes on as this.
    Waiting(Box<dyn Waiting>),
}

/// A command that waits: for watch events, bytes, children, the clock.
pub trait Waiting: Send + Sync {
    /// Goes on.
    ///
    /// # Errors
    /// What ends the command.
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure>;

    /// Ctrl-C: lets go of what is held, answers the exit code.
    fn interrupt(&mut self, _io: &mut Io<'_>) -> i32 {
        130
    }

    /// A copy.
    fn clone_box(&self) -> Box<dyn Waiting>;
}

/// Reads on until `line` holds a whole line of standard input, or all there is; what the command answers until then.
pub(crate) fn read_line(io: &mut Io<'_>, line: &mut Vec<u8>) -> Option<Outcome> {
    match io.stdin.take() {
        Input::Data(bytes) => line.extend(bytes),
        Input::Pending => return Some(Outcome::Wait(Wait { stdin: true, ..Wait::default() })),
        Input::End => line.push(b'\n'),
    }
    (!line.contains(&b'\n')).then_some(Outcome::Continue)
}

/// A command's function.
pub type Run = fn(&mut Invocation, &mut Io<'_>) -> Result<Outcome, Failure>;

/// A row of the table.
#[derive(Debug)]
pub struct Spec {
    /// The path, as in the flag table.
    pub path: &'static str,
    /// What it does.
    pub run: Run,
    /// The flags that it acts on, in groups.
    pub flags: &'static [&'static [&'static str]],
}

impl Spec {
    /// Whether the command acts on a flag.
    pub fn acts_on(&self, flag: &str) -> bool {
        self.flags.iter().any(|group| group.contains(&flag) || group.contains(&"*"))
            || table().global.iter().any(|global| global.name == flag)
    }
}

/// Groups of flags that many commands share, by the part of the framework that acts on them.
pub mod acts {
    /// [`crate::printers`]
    pub const PRINT: &[&str] = &["output", "template", "allow-missing-template-keys", "show-managed-fields"];
    /// [`crate::builder`], files
    pub const FILES: &[&str] = &["filename", "recursive", "kustomize"];
    /// [`crate::builder`], selection
    pub const SELECT: &[&str] = &["selector", "field-selector", "all", "all-namespaces"];
    /// [`crate::invocation::Invocation::dry_run`] and who writes
    pub const WRITE: &[&str] = &["dry-run", "field-manager"];
    /// [`crate::invocation::Invocation::field_validation`]
    pub const VALIDATE: &[&str] = &["validate"];
    /// Every flag that the command has.
    pub const EVERY: &[&str] = &["*"];
    /// Accepted, and rightly without effect.
    pub const NONE: &[&str] = &["record"];
}

/// All commands, in alphabetical order.
pub static COMMANDS: &[Spec] = &[
    Spec { path: "annotate", run: annotate::run, flags: annotate::FLAGS },
    Spec { path: "api-resources", run: api::resources, flags: api::FLAGS },
    Spec { path: "api-versions", run: api::versions, flags: &[] },
    Spec { path: "apply", run: apply::run, flags: apply::FLAGS },
    Spec {
        path: "apply edit-last-applied",
        run: apply::edit_last_applied::run,
        flags: apply::edit_last_applied::FLAGS,
    },
    Spec { path: "apply set-last-applied", run: apply::set_last_applied::run, flags: apply::set_last_applied::FLAGS },
    Spec {
        path: "apply view-last-applied",
        run: apply::view_last_applied::run,
        flags: apply::view_last_applied::FLAGS,
    },
    Spec { path: "attach", run: attach::run, flags: attach::FLAGS },
    Spec { path: "auth can-i", run: auth::can_i::run, flags: auth::can_i::FLAGS },
    Spec { path: "auth reconcile", run: auth::reconcile::run, flags: auth::reconcile::FLAGS },
    Spec { path: "auth whoami", run: auth::whoami::run, flags: auth::whoami::FLAGS },
    Spec { path: "autoscale", run: autoscale::run, flags: autoscale::FLAGS },
    Spec { path: "certificate approve", run: certificate::approve, flags: certificate::FLAGS },
    Spec { path: "certificate deny", run: certificate::deny, flags: certificate::FLAGS },
    Spec { path: "cluster-info", run: cluster_info::run, flags: &[] },
    Spec { path: "cluster-info dump", run: cluster_info::dump, flags: cluster_info::DUMP_FLAGS },
    Spec { path: "completion", run: completion::run, flags: &[] },
    Spec { path: "config current-context", run: config::list::current_context, flags: &[] },
    Spec { path: "config delete-cluster", run: config::names::delete_cluster, flags: &[] },
    Spec { path: "config delete-context", run: config::names::delete_context, flags: &[] },
    Spec { path: "config delete-user", run: config::names::delete_user, flags: &[] },
    Spec { path: "config get-clusters", run: config::list::get_clusters, flags: &[] },
    Spec { path: "config get-contexts", run: config::list::get_contexts, flags: &[&["no-headers", "output"]] },
    Spec { path: "config get-users", run: config::list::get_users, flags: &[] },
    Spec { path: "config rename-context", run: config::names::rename_context, flags: &[] },
    Spec { path: "config set", run: config::property::set, flags: &[&["set-raw-bytes"]] },
    Spec { path: "config set-cluster", run: config::entries::set_cluster, flags: &[acts::EVERY] },
    Spec { path: "config set-context", run: config::entries::set_context, flags: &[acts::EVERY] },
    Spec { path: "config set-credentials", run: config::entries::set_credentials, flags: &[acts::EVERY] },
    Spec { path: "config unset", run: config::property::unset, flags: &[] },
    Spec { path: "config use-context", run: config::names::use_context, flags: &[] },
    Spec { path: "config view", run: config::view::view, flags: &[acts::EVERY] },
    Spec { path: "cordon", run: cordon::cordon, flags: cordon::FLAGS },
    Spec { path: "cp", run: cp::run, flags: cp::FLAGS },
    Spec { path: "create", run: create::run, flags: create::FLAGS },
    Spec { path: "create clusterrole", run: create::clusterrole::run, flags: &[acts::EVERY] },
    Spec { path: "create clusterrolebinding", run: create::clusterrolebinding::run, flags: &[acts::EVERY] },
    Spec { path: "create configmap", run: create::configmap::run, flags: &[acts::EVERY] },
    Spec { path: "create cronjob", run: create::cronjob::run, flags: &[acts::EVERY] },
    Spec { path: "create deployment", run: create::deployment::run, flags: &[acts::EVERY] },
    Spec { path: "create ingress", run: create::ingress::run, flags: &[acts::EVERY] },
    Spec { path: "create job", run: create::job::run, flags: &[acts::EVERY] },
    Spec { path: "create namespace", run: create::namespace::run, flags: &[acts::EVERY] },
    Spec { path: "create poddisruptionbudget", run: create::poddisruptionbudget::run, flags: &[acts::EVERY] },
    Spec { path: "create priorityclass", run: create::priorityclass::run, flags: &[acts::EVERY] },
    Spec { path: "create quota", run: create::quota::run, flags: &[acts::EVERY] },
    Spec { path: "create role", run: create::role::run, flags: &[acts::EVERY] },
    Spec { path: "create rolebinding", run: create::rolebinding::run, flags: &[acts::EVERY] },
    Spec { path: "create secret docker-registry", run: create::secret::docker_registry, flags: &[acts::EVERY] },
    Spec { path: "create secret generic", run: create::secret::generic, flags: &[acts::EVERY] },
    Spec { path: "create secret tls", run: create::secret::tls, flags: &[acts::EVERY] },
    Spec { path: "create service clusterip", run: create::service::cluster_ip, flags: &[acts::EVERY] },
    Spec { path: "create service externalname", run: create::service::external_name, flags: &[acts::EVERY] },
    Spec { path: "create service loadbalancer", run: create::service::load_balancer, flags: &[acts::EVERY] },
    Spec { path: "create service nodeport", run: create::service::node_port, flags: &[acts::EVERY] },
    Spec { path: "create serviceaccount", run: create::serviceaccount::run, flags: &[acts::EVERY] },
    Spec { path: "create token", run: create::token::run, flags: &[acts::EVERY] },
    Spec { path: "debug", run: debug::run, flags: debug::FLAGS },
    Spec { path: "delete", run: delete::run, flags: delete::FLAGS },
    Spec { path: "describe", run: describe::run, flags: describe::FLAGS },
    Spec { path: "diff", run: diff::run, flags: diff::FLAGS },
    Spec { path: "drain", run: drain::run, flags: drain::FLAGS },
    Spec { path: "edit", run: edit::run, flags: edit::FLAGS },
    Spec { path: "events", run: events::run, flags: events::FLAGS },
    Spec { path: "exec", run: exec::run, flags: exec::FLAGS },
    Spec { path: "explain", run: explain::run, flags: explain::FLAGS },
    Spec { path: "expose", run: expose::run, flags: expose::FLAGS },
    Spec { path: "get", run: get::run, flags: get::FLAGS },
    Spec { path: "kuberc set", run: kuberc::set, flags: kuberc::SET_FLAGS },
    Spec { path: "kuberc view", run: kuberc::view, flags: &[acts::PRINT] },
    Spec { path: "kustomize", run: kustomize::run, flags: kustomize::FLAGS },
    Spec { path: "label", run: label::run, flags: label::FLAGS },
    Spec { path: "logs", run: logs::run, flags: logs::FLAGS },
    Spec { path: "patch", run: patch::run, flags: patch::FLAGS },
    Spec { path: "plugin list", run: plugin::list, flags: &[acts::EVERY] },
    Spec { path: "port-forward", run: port_forward::run, flags: port_forward::FLAGS },
    Spec { path: "proxy", run: proxy::run, flags: proxy::FLAGS },
    Spec { path: "replace", run: replace::run, flags: replace::FLAGS },
    Spec { path: "rollout history", run: rollout::history::run, flags: rollout::history::FLAGS },
    Spec { path: "rollout pause", run: rollout::pause::pause, flags: rollout::FLAGS },
    Spec { path: "rollout restart", run: rollout::restart::run, flags: rollout::FLAGS },
    Spec { path: "rollout resume", run: rollout::pause::resume, flags: rollout::FLAGS },
    Spec { path: "rollout status", run: rollout::status::run, flags: rollout::status::FLAGS },
    Spec { path: "rollout undo", run: rollout::undo::run, flags: rollout::undo::FLAGS },
    Spec { path: "run", run: run::run, flags: run::FLAGS },
    Spec { path: "scale", run: scale::run, flags: scale::FLAGS },
    Spec { path: "set env", run: set::env::run, flags: set::env::FLAGS },
    Spec { path: "set image", run: set::image::run, flags: set::image::FLAGS },
    Spec { path: "set resources", run: set::resources::run, flags: set::resources::FLAGS },
    Spec { path: "set selector", run: set::selector::run, flags: set::selector::FLAGS },
    Spec { path: "set serviceaccount", run: set::serviceaccount::run, flags: set::serviceaccount::FLAGS },
    Spec { path: "set subject", run: set::subject::run, flags: set::subject::FLAGS },
    Spec { path: "taint", run: taint::run, flags: taint::FLAGS },
    Spec { path: "top node", run: top::node, flags: top::FLAGS },
    Spec { path: "top pod", run: top::pod, flags: top::FLAGS },
    Spec { path: "uncordon", run: cordon::uncordon, flags: cordon::FLAGS },
    Spec { path: "version", run: api::version, flags: &[acts::EVERY] },
    Spec { path: "wait", run: wait::run, flags: wait::FLAGS },
];

/// What completion runs as: it reads flags, and runs nothing.
pub(crate) static COMPLETION: Spec = Spec { path: "", run: |_, _| Ok(Outcome::Done), flags: &[] };

/// A command's row.
pub fn spec(path: &str) -> Option<&'static Spec> {
    COMMANDS.iter().find(|spec| spec.path == path)
}

/// A command that only holds others: prints its help, or refuses what is no command of it.
pub(crate) fn group(env: &Env, io: &mut Io<'_>, parsed: &Parsed) -> Result<Outcome, Failure> {
    // `certificate` shows its help whatever stands behind it; for the others it is wrong to be called alone.
    if parsed.command.path == "certificate" {
        io.print(help::of(parsed.command, env));
        return Ok(Outcome::Done);
    }
    if parsed.args.is_empty() {
        let help = help::of(parsed.command, env);
        if parsed.command.path == "rollout" {
            io.print(help)
        } else {
            io.eprint(help)
        }
        return Ok(Outcome::Exit(1));
    }
    Err(Failure::Usage(format!("unknown command {}", crate::failure::quote(&parsed.args.join(" ")))))
}
