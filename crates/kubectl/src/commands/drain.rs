//! `kubectl drain`: cordons nodes and moves their pods away, by eviction, so that disruption budgets hold.

use drydock_sorted::SortedMap;
use std::time::Duration;

use drydock_api::{GroupVersionResource, Method, Request, Status};
use drydock_value::{Time, Value, value};

use super::{Outcome, Waiting, cordon};
use crate::builder::Info;
use crate::client::ListOptions;
use crate::describe::format::controller_of;
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[&[
    "chunk-size",
    "delete-emptydir-data",
    "disable-eviction",
    "dry-run",
    "force",
    "grace-period",
    "ignore-daemonsets",
    "pod-selector",
    "selector",
    "skip-wait-for-delete-timeout",
    "timeout",
]];

/// How long a refused eviction waits for its next try.
const RETRY: Duration = Duration::from_secs(5);
/// How often it is asked whether a pod is gone.
const POLL: Duration = Duration::from_secs(1);

/// `kubectl drain`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    if drydock_schema::labels::Selector::parse(inv.flags.str("pod-selector")).is_err() {
        return Err("--pod-selector=<pod_selector> must be a valid label selector".into());
    }
    let infos = cordon::nodes(inv, io)?;
    cordon::mark(inv, io, &infos, true, dry_run)?;
    let timeout = inv.flags.duration("timeout");
    Ok(Outcome::Waiting(Box::new(Draining {
        inv: inv.clone(),
        dry_run,
        nodes: infos.into_iter().rev().collect(),
        current: None,
        pending: Vec::new(),
        failures: Vec::new(),
        deadline: (!timeout.is_zero()).then(|| io.now + timeout),
        timeout,
    })))
}

/// What is done with a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It goes; with a warning, if there is one.
    Goes(Option<&'static str>),
    /// It stays and does not matter; with a warning, if there is one.
    Stays(Option<&'static str>),
    /// It stays, and so the node cannot be drained.
    Refused(String),
}

/// A pod that is on its way out.
#[derive(Debug, Clone)]
struct Leaving {
    namespace: String,
    name: String,
    uid: String,
    /// Whether it was told to go.
    told: bool,
    /// When to look at it again.
    at: Time,
}

#[derive(Clone)]
struct Draining {
    inv: Invocation,
    dry_run: DryRun,
    /// Nodes to drain, the next one last.
    nodes: Vec<Info>,
    current: Option<(Info, Vec<Leaving>)>,
    /// Nodes that could not be drained.
    pending: Vec<String>,
    failures: Vec<Failure>,
    deadline: Option<Time>,
    timeout: Duration,
}

impl Waiting for Draining {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            let Some((info, mut leaving)) = self.current.take() else {
                let Some(info) = self.nodes.pop() else { break };
                match self.pods(io, &info) {
                    Ok(pods) => self.current = Some((info, pods)),
                    Err(failure) => self.give_up(io, &info, failure),
                }
                continue;
            };
            let mut failures = Vec::new();
            let mut left = Vec::new();
            for mut pod in std::mem::take(&mut leaving) {
                if pod.at > io.now {
                    left.push(pod);
                    continue;
                }
                match self.urge(io, &mut pod) {
                    Ok(true) => {}
                    Ok(false) => left.push(pod),
                    Err(failure) => failures.push(failure),
                }
            }
            if !failures.is_empty() {
                let failure = Failure::all(failures).err().unwrap_or_else(|| "cannot drain".into());
                self.list_pending(io, &info, &failure);
                self.give_up(io, &info, failure);
            } else if let Some(next) = left.iter().map(|pod| pod.at).min() {
                self.current = Some((info, left));
                return Ok(Outcome::Wait(Wait::until(next)));
            } else {
                io.println(format!("node/{} drained{}", info.name, self.dry_run.suffix()));
            }
        }
        if !self.pending.is_empty() {
            io.eprintln("There are pending nodes to be drained:");
            for node in &self.pending {
                io.eprintln(format!(" {node}"));
            }
        }
        Failure::each(std::mem::take(&mut self.failures))?;
        Ok(Outcome::Done)
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

fn pods_resource() -> GroupVersionResource {
    GroupVersionResource::new("", "v1", "pods")
}

impl Draining {
    fn give_up(&mut self, io: &mut Io<'_>, info: &Info, failure: Failure) {
        let (node, why) = (&info.name, failure.words());
        io.eprintln(format!("error: unable to drain node {node:?} due to error: {why}, continuing command..."));
        self.pending.push(info.name.clone());
        self.failures.push(failure);
    }

    fn list_pending(&mut self, io: &mut Io<'_>, info: &Info, failure: &Failure) {
        let names: Vec<String> = match self.fates(io, info) {
            Ok(fates) => fates
                .into_iter()
                .filter(|(_, fate)| matches!(fate, Fate::Goes(_)))
                .map(|(pod, _)| pod["metadata"]["name"].str().to_owned())
                .collect(),
            Err(_) => return,
        };
        if names.is_empty() {
            return;
        }
        let (node, why) = (&info.name, failure.words());
        io.eprintln(format!("There are pending pods in node {node:?} when an error occurred: {why}"));
        for name in names {
            io.eprintln(format!("pod/{name}"));
        }
    }

    /// The pods of a node, each with its fate.
    fn fates(&mut self, io: &mut Io<'_>, info: &Info) -> Result<Vec<(Value, Fate)>, Failure> {
        let options = ListOptions {
            labels: self.inv.flags.str("pod-selector").to_owned(),
            fields: format!("spec.nodeName={}", info.name),
            chunk: self.inv.flags.int("chunk-size"),
            ..ListOptions::default()
        };
        let pods = self.inv.resource(io, "pods")?;
        let list = self.inv.client(io)?.list(io, &pods, "", &options)?;
        let mut fates = Vec::new();
        for pod in list["items"].items() {
            let fate = self.fate(io, pod)?;
            fates.push((pod.clone(), fate));
        }
        Ok(fates)
    }

    /// Whether a pod has been on its way out for longer than anybody waits.
    fn is_skipped(&self, io: &Io<'_>, pod: &Value) -> bool {
        let patience = self.inv.flags.int("skip-wait-for-delete-timeout");
        patience > 0
            && Time::parse_rfc3339(pod["metadata"]["deletionTimestamp"].str())
                .is_some_and(|deleted| io.now.since(deleted) >= Duration::from_secs(patience.unsigned_abs() + 1))
    }

    fn fate(&mut self, io: &mut Io<'_>, pod: &Value) -> Result<Fate, Failure> {
        let metadata = &pod["metadata"];
        let flags = &self.inv.flags;
        let (force, ignore_daemon_sets) = (flags.bool("force"), flags.bool("ignore-daemonsets"));
        let delete_data = flags.bool("delete-emptydir-data");
        if self.is_skipped(io, pod) {
            return Ok(Fate::Stays(None));
        }
        let finished = matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
        let owner = controller_of(pod);
        let mut warning = None;
        if let Some(owner) = owner.filter(|owner| owner["kind"] == "DaemonSet" && !finished) {
            let sets = GroupVersionResource::new("apps", "v1", "daemonsets");
            let path = sets.path(Some(metadata["namespace"].str()), Some(owner["name"].str()));
            match self.inv.client(io)?.value(io, Request::get(path)) {
                Err(failure) if failure.is("NotFound") && force => warning = Some("daemon set is gone"),
                Err(failure) => return Ok(Fate::Refused(failure.words())),
                Ok(_) if ignore_daemon_sets => return Ok(Fate::Stays(Some("ignoring DaemonSet-managed Pods"))),
                Ok(_) => return Ok(Fate::Refused("DaemonSet-managed Pods (use --ignore-daemonsets to ignore)".into())),
            }
        }
        if !metadata["annotations"]["kubernetes.io/config.mirror"].is_null() {
            return Ok(Fate::Stays(None));
        }
        let local = pod["spec"]["volumes"].items().iter().any(|volume| !volume["emptyDir"].is_null());
        if local && !finished {
            if !delete_data {
                let words = "Pods with local storage (use --delete-emptydir-data to override)";
                return Ok(Fate::Refused(words.into()));
            }
            warning = Some("deleting Pods with local storage");
        }
        if owner.is_none() && !finished {
            if !force {
                let words = "Pods that declare no controller (use --force to override)";
                return Ok(Fate::Refused(words.into()));
            }
            warning = Some("deleting Pods that declare no controller");
        }
        Ok(Fate::Goes(warning))
    }

    /// The pods that have to go; says what is special about some.
    fn pods(&mut self, io: &mut Io<'_>, info: &Info) -> Result<Vec<Leaving>, Failure> {
        let fates = self.fates(io, info)?;
        let mut refused: SortedMap<String, Vec<String>> = SortedMap::new();
        let mut warnings: SortedMap<&str, Vec<String>> = SortedMap::new();
        let mut leaving = Vec::new();
        for (pod, fate) in fates {
            let metadata = &pod["metadata"];
            let full = format!("{}/{}", metadata["namespace"].str(), metadata["name"].str());
            match fate {
                Fate::Refused(why) => refused.entry(why).or_default().push(full),
                Fate::Stays(warning) => {
                    warnings.entry(warning.unwrap_or("")).or_default().push(full);
                }
                Fate::Goes(warning) => {
                    if let Some(warning) = warning {
                        warnings.entry(warning).or_default().push(full);
                    }
                    leaving.push(Leaving {
                        namespace: metadata["namespace"].str().to_owned(),
                        name: metadata["name"].str().to_owned(),
                        uid: metadata["uid"].str().to_owned(),
                        told: false,
                        at: io.now,
                    });
                }
            }
        }
        if !refused.is_empty() {
            let words = |(why, pods): (String, Vec<String>)| format!("cannot delete {why}: {}", pods.join(", ")).into();
            return Err(Failure::Many(refused.into_iter().map(words).collect()));
        }
        warnings.remove("");
        if !warnings.is_empty() {
            let words: Vec<String> =
                warnings.into_iter().map(|(warning, pods)| format!("{warning}: {}", pods.join(", "))).collect();
            io.eprintln(format!("Warning: {}", words.join("; ")));
        }
        if self.dry_run == DryRun::Client {
            for pod in &leaving {
                io.println(format!("evicting pod {}/{} (dry run)", pod.namespace, pod.name));
            }
            leaving.clear();
        }
        Ok(leaving)
    }

    /// Tells a pod to go, or looks whether it is gone: then the answer is true.
    fn urge(&mut self, io: &mut Io<'_>, pod: &mut Leaving) -> Result<bool, Failure> {
        let evict = !self.inv.flags.bool("disable-eviction");
        let path = pods_resource().path(Some(&pod.namespace), Some(&pod.name));
        let (name, namespace) = (pod.name.clone(), pod.namespace.clone());
        if self.deadline.is_some_and(|deadline| io.now >= deadline) && io.now > Time::default() {
            let timeout = drydock_schema::duration::go(self.timeout);
            return Err(format!(
                "error when evicting pods/{name:?} -n {namespace:?}: global timeout reached: {timeout}"
            )
            .into());
        }
        if pod.told {
            let there = self.inv.client(io)?.value(io, Request::get(path));
            let gone = match &there {
                Err(failure) => failure.is("NotFound"),
                Ok(found) => found["metadata"]["uid"].str() != pod.uid,
            };
            if gone {
                io.println(format!("pod/{name} {}", if evict { "evicted" } else { "deleted" }));
                return Ok(true);
            }
            let there = there.map_err(|failure| {
                let words = failure.words();
                format!("error when waiting for pod {name:?} in namespace {namespace:?} to terminate: {words}")
            })?;
            if self.is_skipped(io, &there) {
                let patience = self.inv.flags.int("skip-wait-for-delete-timeout");
                io.println(format!("pod {name:?} has DeletionTimestamp older than {patience} seconds, skipping"));
                return Ok(true);
            }
            pod.at = io.now + POLL;
            return Ok(false);
        }
        let mut options = value!({});
        let grace = self.inv.flags.int("grace-period");
        if grace >= 0 {
            options.set("gracePeriodSeconds", grace);
        }
        if self.dry_run == DryRun::Server {
            options.set("dryRun", value!(["All"]));
        }
        let request = if evict {
            io.println(format!("evicting pod {namespace}/{name}{}", self.dry_run.suffix()));
            let eviction = value!({
                "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": &name, "namespace": &namespace},
                "deleteOptions": options
            });
            Request::new(Method::Post, format!("{path}/eviction")).with_value(eviction)
        } else {
            options.set("apiVersion", "v1");
            options.set("kind", "DeleteOptions");
            Request::new(Method::Delete, path).with_value(options)
        };
        match self.inv.client(io)?.value(io, request) {
            Ok(_) if self.dry_run == DryRun::Server => Ok(true),
            Ok(_) => {
                pod.told = true;
                Ok(false)
            }
            Err(failure) if failure.is("NotFound") => Ok(true),
            Err(failure) if failure.status().is_some_and(is_busy) => {
                io.eprintln(format!(
                    "error when evicting pods/{name:?} -n {namespace:?} (will retry after 5s): {}",
                    failure.words()
                ));
                pod.at = io.now + RETRY;
                Ok(false)
            }
            Err(failure) => {
                Err(format!("error when evicting pods/{name:?} -n {namespace:?}: {}", failure.words()).into())
            }
        }
    }
}

fn is_busy(status: &Status) -> bool {
    status.code == 429 || status.is("TooManyRequests")
}
