//! DaemonSets: a pod on every node that takes it, and rolling from one template to the next node by node.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_schema::intstr;
use drydock_value::{Str, Time, Value, value};

use super::common::{self, PodControl, ignore_absent, namespace_terminating};
use super::expectations::Expectations;
use super::history::History;
use super::{Controller, Enqueue, Requeue, tolerates};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, Phase};
use crate::scheduler::affinity::node_fits;
use crate::scheduler::pod::PodInfo;
use crate::scheduler::state::NodeInfo;
use crate::store::{Kind, kinds};

const NAME: &str = "daemonset-controller";
const HASH: &str = "controller-revision-hash";
const GENERATION: &str = "pod-template-generation";
/// Failed pods are replaced at this pace at first, then more slowly.
const BACKOFF: Duration = Duration::from_secs(1);
/// The most pods that one reconciliation creates or deletes.
const BURST: usize = 250;

/// Taints that daemons put up with: key and effect.
const TOLERATIONS: &[(&str, &str)] = &[
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// The controller.
#[derive(Debug, Clone)]
pub struct DaemonSets {
    control: PodControl,
    expectations: Expectations,
    /// How often pods failed in a row, and until when nothing is done about it: by set and node.
    failures: SortedMap<(Key, Str), (u32, Time)>,
}

impl Default for DaemonSets {
    fn default() -> DaemonSets {
        DaemonSets { control: PodControl::new(NAME), expectations: Expectations::default(), failures: SortedMap::new() }
    }
}

/// The pod that a set makes for a node.
fn daemon_pod(set: &Value, node: &Str, hash: &str) -> Value {
    let mut pod = PodControl::pod(&set["spec"]["template"], kinds::DAEMON_SETS, set);
    let spec = &mut pod["spec"];
    let by_name = value!([{
        "matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]
    }]);
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        .set("nodeSelectorTerms", by_name);
    let host_network = spec["hostNetwork"].is_true();
    let more = host_network.then_some(("node.kubernetes.io/network-unavailable", "NoSchedule"));
    for (key, effect) in TOLERATIONS.iter().copied().chain(more) {
        let known = spec["tolerations"].items().iter().any(|t| t["key"] == key && t["effect"] == effect);
        if !known {
            spec["tolerations"].push(value!({"key": key, "operator": "Exists", "effect": effect}));
        }
    }
    let generation = set["metadata"]["annotations"]["deprecated.daemonset.template.generation"].as_str();
    pod["metadata"]["labels"].set(GENERATION, generation.unwrap_or("1"));
    pod["metadata"]["labels"].set(HASH, hash);
    pod
}

/// Whether a node should run a set's pod, and whether it may go on running one.
fn wanted_on(template: &PodInfo, node: &NodeInfo) -> (bool, bool) {
    let named = template.spec()["nodeName"].str();
    if (!named.is_empty() && named != &*node.name) || !node_fits(template, node) {
        return (false, false);
    }
    let hard = |effect: Option<&str>| {
        node.hard_taints.iter().any(|taint| {
            effect.is_none_or(|effect| taint["effect"] == effect)
                && !template.tolerates(taint)
                && !TOLERATIONS.iter().any(|(key, effect)| {
                    tolerates(&value!({"key": *key, "operator": "Exists", "effect": *effect}), taint)
                })
        })
    };
    if hard(None) { (false, !hard(Some("NoExecute"))) } else { (true, true) }
}

/// The new and the old pod of a node.
type Generations = (Option<Arc<Object>>, Option<Arc<Object>>);

/// Everything that one reconciliation looks at.
struct View {
    set: Arc<Object>,
    template: PodInfo,
    hash: String,
    /// Every node, with the set's pods on it.
    nodes: Vec<(NodeInfo, Vec<Arc<Object>>)>,
    /// Pods that wait for a node which is gone: no scheduler places them, and nobody else takes them away.
    lost: Vec<Arc<Object>>,
    now: Time,
}

impl View {
    fn seconds(&self) -> i64 {
        self.set["spec"]["minReadySeconds"].int()
    }

    fn available(&self, pod: &Object) -> bool {
        pod.pod().available(self.seconds(), self.now)
    }

    fn updated(&self, pod: &Object) -> bool {
        pod.label(HASH) == self.hash
    }

    /// The nodes that want a pod; surge and unavailability, as numbers of nodes.
    fn bounds(&self) -> (usize, usize, usize) {
        let desired = self.nodes.iter().filter(|(node, _)| wanted_on(&self.template, node).0).count();
        let rolling = &self.set["spec"]["updateStrategy"]["rollingUpdate"];
        let part = |field: &str| {
            let count = intstr::scaled(&rolling[field], i64::try_from(desired).unwrap_or(0), true).unwrap_or(0);
            usize::try_from(count).unwrap_or(0)
        };
        let (surge, unavailable) = (part("maxSurge"), part("maxUnavailable"));
        (desired, surge, if surge == 0 && unavailable == 0 { 1 } else { unavailable })
    }

    /// The new and the old pod on a node; None when there are several of either.
    fn generations(&self, pods: &[Arc<Object>]) -> Option<Generations> {
        let (mut new, mut old) = (None, None);
        for pod in pods.iter().filter(|pod| pod.deleting.is_none()) {
            let slot = if self.updated(pod) { &mut new } else { &mut old };
            if slot.replace(pod.clone()).is_some() {
                return None;
            }
        }
        Some((new, old))
    }
}

impl DaemonSets {
    fn view(&self, ctx: &mut Ctx<'_>, set: &Arc<Object>, hash: String) -> Result<View, Status> {
        let selector = common::selector(&set.value)?;
        let informers = ctx.informers;
        let mut by_node: SortedMap<Str, Vec<Arc<Object>>> = SortedMap::new();
        for pod in informers.controlled(kinds::PODS, &set.uid).chain(informers.orphan_pods(set.namespace())) {
            if common::claim(ctx, &self.control.actor, kinds::DAEMON_SETS, set, &selector, kinds::PODS, pod)? {
                // What ended and is deleted needs nothing more, however long somebody's finalizer keeps it.
                if pod.deleting.is_none() || !pod.pod().terminal() {
                    by_node.entry(target(pod)).or_default().push(pod.clone());
                }
            }
        }
        let template = Object::read(
            value!({"metadata": &set["spec"]["template"]["metadata"], "spec": &set["spec"]["template"]["spec"]}),
            true,
        );
        let nodes = informers
            .all(kinds::NODES)
            .map(|node| (NodeInfo::bare(node), by_node.remove(node.name()).unwrap_or_default()))
            .collect();
        let lost = by_node.values().flatten();
        let lost = lost.filter(|pod| pod.pod().node.is_empty() && pod.deleting.is_none()).cloned().collect();
        let template = PodInfo::read(&template, &|_| Vec::new());
        Ok(View { set: set.clone(), template, hash, nodes, lost, now: ctx.now })
    }

    /// What is missing, and what is too much.
    fn manage(&mut self, ctx: &mut Ctx<'_>, view: &View) -> (Vec<Str>, Vec<Arc<Object>>, Option<Duration>) {
        let (mut create, mut delete, mut retry) = (Vec::new(), Vec::new(), None::<Duration>);
        let (_, surge, _) = view.bounds();
        for (node, pods) in &view.nodes {
            let (run, go_on) = wanted_on(&view.template, node);
            if run && pods.is_empty() {
                create.push(node.name.clone());
                continue;
            }
            if !go_on {
                delete.extend(pods.iter().filter(|pod| pod.deleting.is_none()).cloned());
                continue;
            }
            let mut running = Vec::new();
            for pod in pods.iter().filter(|pod| pod.deleting.is_none()) {
                match pod.pod().phase {
                    Phase::Failed => {
                        let wait = self.failed(ctx, view, &node.name, pod);
                        match wait {
                            None => delete.push(pod.clone()),
                            Some(wait) => retry = Some(retry.map_or(wait, |other| other.min(wait))),
                        }
                    }
                    Phase::Succeeded => {
                        let message = format!(
                            "Found succeeded daemon pod {} on node {}, will try to delete it",
                            pod.key, node.name
                        );
                        let about = Reference::of(&view.set.value);
                        ctx.event(&self.control.source, &about, "Normal", "SucceededDaemonPod", &message);
                        delete.push(pod.clone());
                    }
                    _ => running.push(pod.clone()),
                }
            }
            running.sort_compact_by(|a, b| age(a).cmp(&age(b)));
            if surge == 0 {
                delete.extend(running.into_iter().skip(1));
                continue;
            }
            // Beside what ends, or failed, the next may start.
            if run && running.is_empty() {
                create.push(node.name.clone());
            }
            let (new, old): (Vec<_>, Vec<_>) = running.into_iter().partition(|pod| view.updated(pod));
            if let (Some(new), Some(old)) = (new.first(), old.first())
                && (!old.pod().ready() || view.available(new))
            {
                // The new one has taken over, or the old one is of no use anyway.
                delete.push(old.clone());
            }
            delete.extend(new.into_iter().skip(1).chain(old.into_iter().skip(1)));
        }
        delete.extend(view.lost.iter().cloned());
        (create, delete, retry)
    }

    /// A pod failed: whether to wait before it is replaced.
    fn failed(&mut self, ctx: &mut Ctx<'_>, view: &View, node: &Str, pod: &Object) -> Option<Duration> {
        let key = (view.set.key.clone(), node.clone());
        let (count, until) = self.failures.get(&key).copied().unwrap_or((0, Time(0)));
        if until > ctx.now {
            return Some(until.since(ctx.now));
        }
        let wait = BACKOFF.saturating_mul(1 << count.min(10)).min(Duration::from_secs(900));
        self.failures.insert(key, (count + 1, ctx.now + wait));
        let message = format!("Found failed daemon pod {} on node {node}, will try to kill it", pod.key);
        let about = Reference::of(&view.set.value);
        ctx.event(&self.control.source, &about, "Warning", "FailedDaemonPod", &message);
        None
    }

    /// Which old pods may go now, and on which nodes a new one may start beside the old.
    fn roll(&self, view: &View) -> (Vec<Str>, Vec<Arc<Object>>) {
        let (desired, surge, most_unavailable) = view.bounds();
        let (mut create, mut delete) = (Vec::new(), Vec::new());
        if surge == 0 {
            let mut unavailable = 0;
            let mut candidates = Vec::new();
            for (node, pods) in &view.nodes {
                if !wanted_on(&view.template, node).0 && pods.is_empty() {
                    continue;
                }
                match view.generations(pods) {
                    Some((Some(new), None)) => unavailable += usize::from(!view.available(&new)),
                    Some((None, Some(old))) if !view.available(&old) => {
                        delete.push(old);
                        unavailable += 1;
                    }
                    Some((None, Some(old))) => candidates.push(old),
                    _ => unavailable += 1,
                }
            }
            let room = most_unavailable.saturating_sub(unavailable);
            delete.extend(candidates.into_iter().take(room));
            return (create, delete);
        }
        let (mut surging, mut available) = (0, 0);
        let (mut candidates, mut leaving) = (Vec::new(), Vec::new());
        for (node, pods) in &view.nodes {
            let Some((new, old)) = view.generations(pods) else {
                surging += 1;
                continue;
            };
            let well = old.as_ref().or(new.as_ref()).is_some_and(|pod| view.available(pod));
            available += usize::from(well);
            match (new, old) {
                (_, None) => {}
                (None, Some(old)) => match (wanted_on(&view.template, node).0, well) {
                    (true, true) => candidates.push(node.name.clone()),
                    (true, false) => create.push(node.name.clone()),
                    (false, true) => leaving.push(old),
                    (false, false) => delete.push(old),
                },
                (Some(new), Some(old)) if view.available(&new) => delete.push(old),
                _ => surging += 1,
            }
        }
        // Nodes that shall not run one any more lose theirs when there are enough elsewhere.
        delete.extend(leaving.into_iter().take(available.saturating_sub(desired)));
        let room = surge.saturating_sub(surging);
        create.extend(candidates.into_iter().take(room));
        (create, delete)
    }

    /// Creates and deletes.
    fn apply(&mut self, ctx: &mut Ctx<'_>, view: &View, create: &[Str], delete: &[Arc<Object>]) -> Result<(), Status> {
        let key = &view.set.key;
        let (create, delete) = (&create[..create.len().min(BURST)], &delete[..delete.len().min(BURST)]);
        let uids: Vec<Str> = delete.iter().map(|pod| pod.uid.clone()).collect();
        self.expectations.raise(key, u32::try_from(create.len()).unwrap_or(0), uids, ctx.now);
        let (skipped, mut result) = common::in_batches(create.len(), &mut |at| {
            let pod = daemon_pod(&view.set.value, &create[at], &view.hash);
            match self.control.create(ctx, &view.set.value, pod) {
                Err(status) => {
                    self.expectations.created(key);
                    if namespace_terminating(&status) { Ok(()) } else { Err(status) }
                }
                Ok(_) => Ok(()),
            }
        });
        (0..skipped).for_each(|_| self.expectations.created(key));
        for pod in delete {
            if let Err(status) = self.control.delete(ctx, &view.set.value, pod.name()) {
                self.expectations.deleted(key, &pod.uid);
                if !status.is("NotFound") {
                    result = Err(status);
                }
            }
        }
        result
    }

    fn status(&self, view: &View, in_sync: bool) -> Value {
        let mut counts: SortedMap<&str, i64> = SortedMap::new();
        let mut add = |field: &'static str| *counts.entry(field).or_default() += 1;
        for (node, pods) in &view.nodes {
            let (run, _) = wanted_on(&view.template, node);
            if !run {
                if !pods.is_empty() {
                    add("numberMisscheduled");
                }
                continue;
            }
            add("desiredNumberScheduled");
            // The oldest stands for the node.
            let Some(pod) = pods.iter().min_by(|a, b| age(a).cmp(&age(b))) else { continue };
            add("currentNumberScheduled");
            if pod.pod().ready() {
                add("numberReady");
                if view.available(pod) {
                    add("numberAvailable");
                }
            }
            if view.updated(pod) {
                add("updatedNumberScheduled");
            }
        }
        let get = |field: &str| counts.get(field).copied().unwrap_or(0);
        let mut status = view.set["status"].clone();
        for field in ["currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"] {
            status.set(field, get(field));
        }
        let unavailable = get("desiredNumberScheduled") - get("numberAvailable");
        for (field, count) in [
            ("updatedNumberScheduled", get("updatedNumberScheduled")),
            ("numberAvailable", get("numberAvailable")),
            ("numberUnavailable", unavailable),
        ] {
            if count == 0 {
                status.remove(field);
            } else {
                status.set(field, count);
            }
        }
        // While what was written last is waited for, nothing was done about a new template.
        if in_sync {
            status.set("observedGeneration", view.set["metadata"]["generation"].clone());
        }
        status
    }
}

/// What pods are kept by: those that have a node first, then the oldest.
fn age(pod: &Object) -> (bool, Time, &Str) {
    (pod.pod().node.is_empty(), pod.created, pod.name())
}

/// The node that a pod is on, or is made for.
fn target(pod: &Object) -> Str {
    if !pod.pod().node.is_empty() {
        return pod.pod().node.clone();
    }
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    crate::objects::shared(&required["nodeSelectorTerms"][0]["matchFields"][0]["values"][0])
}

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::DAEMON_SETS, kinds::PODS, kinds::NODES]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        match change.kind {
            kinds::DAEMON_SETS => {
                if change.new.is_none() {
                    self.expectations.forget(change.key());
                    self.failures.retain(|(key, _), _| key != change.key());
                }
                queue.add(change.key());
            }
            kinds::NODES => {
                let matters = change.old.is_none()
                    || change.new.is_none()
                    || change.differs(&["metadata", "labels"])
                    || change.differs(&["spec"]);
                if matters {
                    for set in informers.all(kinds::DAEMON_SETS) {
                        queue.add(&set.key);
                    }
                }
            }
            _ => {
                let pod = change.object();
                let owner = |pod: &Object| {
                    let owner = pod.controller().filter(|owner| owner.kind == "DaemonSet")?;
                    informers.find(kinds::DAEMON_SETS, pod.namespace(), &owner.name).filter(|set| set.uid == owner.uid)
                };
                let Some(set) = owner(pod) else {
                    if change.old.is_some() && !change.differs(&["metadata"]) {
                        return;
                    }
                    // Taken from its set, or nobody's: somebody may want it.
                    if let Some(before) = change.old.as_ref().and_then(|old| owner(old)) {
                        queue.add(&before.key);
                    }
                    for set in informers.in_namespace(kinds::DAEMON_SETS, pod.namespace()) {
                        if pod.controller().is_none()
                            && common::selector(&set.value).is_ok_and(|selector| common::matches(&selector, pod))
                        {
                            queue.add(&set.key);
                        }
                    }
                    return;
                };
                if change.new.as_ref().is_none_or(|pod| pod.deleting.is_some()) {
                    self.expectations.deleted(&set.key, &pod.uid);
                } else if change.old.is_none() {
                    self.expectations.created(&set.key);
                }
                queue.add(&set.key);
                let seconds = set["spec"]["minReadySeconds"].int();
                if seconds > 0 && pod.pod().ready() && change.old.as_ref().is_none_or(|old| !old.pod().ready()) {
                    queue.after(&set.key, Duration::from_secs(seconds.unsigned_abs() + 1));
                }
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(set) = ctx.informers.get(kinds::DAEMON_SETS, key).cloned() else {
            self.expectations.forget(key);
            return Ok(Requeue::Done);
        };
        if set.deleting.is_some() {
            return Ok(Requeue::Done);
        }
        let actor = self.control.actor.clone();
        let history =
            History { actor: &actor, kind: kinds::DAEMON_SETS, owner: &set.value, label: HASH, collisions: 0 };
        let revisions = history.list(ctx);
        let current = history.current(ctx, &revisions)?;
        let hash = current["metadata"]["labels"][HASH].str().to_owned();
        let view = self.view(ctx, &set, hash)?;
        let mut requeue = Requeue::Done;
        let mut result = Ok(());
        let in_sync = self.expectations.satisfied(key, ctx.now);
        if in_sync {
            let (create, delete, retry) = self.manage(ctx, &view);
            result = self.apply(ctx, &view, &create, &delete);
            let rolling = set["spec"]["updateStrategy"]["type"] != "OnDelete";
            if result.is_ok() && rolling && create.is_empty() && delete.is_empty() {
                let (create, delete) = self.roll(&view);
                result = self.apply(ctx, &view, &create, &delete);
            }
            if let Some(wait) = retry {
                requeue = Requeue::After(wait);
            }
            let used = |revision: &Object| {
                let hash = revision.label(HASH);
                *revision.name() == *current["metadata"]["name"].str()
                    || view.nodes.iter().flat_map(|(_, pods)| pods).any(|pod| pod.label(HASH) == hash)
            };
            history.clean_up(ctx, &revisions, &used)?;
        }
        let status = self.status(&view, in_sync);
        if status != set["status"] {
            let mut updated = set.value.clone();
            updated.set("status", status);
            ignore_absent(ctx.client(&actor).update_status(kinds::DAEMON_SETS, &key.namespace, updated))?;
        }
        result.map(|()| requeue)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
