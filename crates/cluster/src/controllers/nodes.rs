//! Node lifecycle: nodes that fall silent become Unknown, conditions become taints.

use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Str, Time, Value, value};

use super::common::{self, ignore_absent};
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, moment};
use crate::store::{Kind, PatchType, kinds};

const NAME: &str = "node-lifecycle-controller";
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// Conditions that become taints: type, status, taint.
const CONDITION_TAINTS: &[(&str, &str, &str)] = &[
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
];
/// How long a node that never said anything has to say something, once it is there.
const STARTUP_GRACE: Duration = Duration::from_secs(60);
/// Nodes of one zone are emptied this far apart, and in a large zone that has lost most of them, this far.
const PACE: Duration = Duration::from_secs(10);
const CAREFUL_PACE: Duration = Duration::from_secs(100);
/// A zone with more nodes is large.
const LARGE: usize = 50;
/// How long kubelets may remember what they read, in seconds, by how many nodes there are at least and at most. Steps
/// overlap, so that a node that comes and goes does not change everybody's.
const TTL_STEPS: [(usize, usize, &str); 6] = [
    (0, 100, "0"),
    (90, 500, "15"),
    (450, 1000, "30"),
    (900, 2000, "60"),
    (1800, 10_000, "300"),
    (9000, usize::MAX, "600"),
];
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// The controller.
#[derive(Debug, Clone)]
pub struct Nodes {
    actor: String,
    source: Source,
    /// The nodes that were met already, with the moments: a controller that starts gives everybody time to be heard.
    registered: SortedMap<Key, (Time, Reference)>,
    /// When the next node of a zone may be emptied.
    paced: SortedMap<Str, Time>,
    /// Which of the steps of [`TTL_STEPS`] the number of nodes is on.
    size: usize,
}

impl Default for Nodes {
    fn default() -> Nodes {
        let actor = actor("node-controller");
        Nodes {
            source: Source::component("node-controller", &actor),
            actor,
            registered: SortedMap::new(),
            paced: SortedMap::new(),
            size: 0,
        }
    }
}

/// A reference to a node as this controller's events make it: the UID is the node's.
fn about(node: &Object) -> Reference {
    Reference {
        api_version: "v1".into(),
        kind: "Node".into(),
        name: node.name().clone(),
        uid: node.uid.clone(),
        ..Reference::default()
    }
}

/// The taints that follow from a node's spec and conditions, as (key, effect).
fn wanted_taints(node: &Value) -> Vec<(&'static str, &'static str)> {
    let mut taints = Vec::new();
    for (kind, status, taint) in CONDITION_TAINTS {
        if common::condition(node, kind).is_some_and(|condition| condition["status"] == *status) {
            taints.push((*taint, "NoSchedule"));
            if *kind == "Ready" {
                taints.push((*taint, "NoExecute"));
            }
        }
    }
    if node["spec"]["unschedulable"].is_true() {
        taints.push((UNSCHEDULABLE, "NoSchedule"));
    }
    taints
}

fn is_own_taint(key: &str) -> bool {
    key == UNSCHEDULABLE || CONDITION_TAINTS.iter().any(|(_, _, taint)| *taint == key)
}

fn ready(node: &Object) -> bool {
    common::condition(&node.value, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// What tells the zones of nodes apart.
fn zone(node: &Object) -> Str {
    format!("{}\0{}", node.label("topology.kubernetes.io/region"), node.label("topology.kubernetes.io/zone")).into()
}

/// How far apart the nodes of a zone are emptied, by how many of it are ready and how many are not. Not at all where
/// most of a small zone is gone: more likely it cannot be reached.
fn pace(ready: usize, silent: usize) -> Option<Duration> {
    let all = ready + silent;
    match ready > 0 && silent > 2 && silent * 100 >= all * 55 {
        false => Some(PACE),
        true if all > LARGE => Some(CAREFUL_PACE),
        true => None,
    }
}

/// The step of [`TTL_STEPS`] for a number of nodes, coming from another.
fn ttl_step(mut step: usize, nodes: usize) -> usize {
    while nodes > TTL_STEPS[step].1 {
        step += 1;
    }
    while nodes < TTL_STEPS[step].0 {
        step -= 1;
    }
    step
}

impl Nodes {
    /// When a node was last heard of: by its lease, or its status.
    fn heard(ctx: &Ctx<'_>, node: &Object) -> Time {
        let lease = ctx.informers.find(kinds::LEASES, "kube-node-lease", node.name());
        let renewed = lease.and_then(|lease| moment(&lease["spec"]["renewTime"]));
        let reported = common::condition(&node.value, "Ready").and_then(|ready| moment(&ready["lastHeartbeatTime"]));
        [renewed, reported, Some(node.created)].into_iter().flatten().max().unwrap_or_default()
    }

    /// Marks a silent node: nobody knows anything of it.
    fn mark_unknown(&self, ctx: &mut Ctx<'_>, node: &Object) -> Result<(), Status> {
        let mut updated = node.value.clone();
        let now = ctx.now.rfc3339();
        let mut was_ready = false;
        let mut changed = false;
        for kind in ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] {
            let conditions = updated["status"]["conditions"].items_mut();
            match conditions.iter_mut().find(|condition| condition["type"] == kind) {
                Some(condition) if condition["status"] != "Unknown" => {
                    was_ready |= kind == "Ready" && condition["status"] == "True";
                    condition.set("status", "Unknown");
                    condition.set("reason", "NodeStatusUnknown");
                    condition.set("message", "Kubelet stopped posting node status.");
                    condition.set("lastTransitionTime", now.as_str());
                    changed = true;
                }
                Some(_) => {}
                None => {
                    conditions.push(value!({
                        "type": kind, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                        "message": "Kubelet never posted node status.",
                        "lastHeartbeatTime": node["metadata"]["creationTimestamp"].clone(),
                        "lastTransitionTime": now.as_str()
                    }));
                    changed = true;
                }
            }
        }
        if !changed {
            return Ok(());
        }
        ignore_absent(ctx.client(&self.actor).update_status(kinds::NODES, "", updated))?;
        if was_ready {
            let message = format!("Node {} status is now: NodeNotReady", node.name());
            ctx.event(&self.source, &about(node), "Normal", "NodeNotReady", &message);
            self.mark_pods(ctx, node)?;
        }
        Ok(())
    }

    /// Nobody can vouch for the pods of a node that is not ready.
    fn mark_pods(&self, ctx: &mut Ctx<'_>, node: &Object) -> Result<(), Status> {
        let pods: Vec<Arc<Object>> = ctx.informers.pods_on(node.name()).cloned().collect();
        for pod in pods.iter().filter(|pod| pod.pod().ready()) {
            let mut updated = pod.value.clone();
            let conditions = updated["status"]["conditions"].items_mut();
            for condition in conditions.iter_mut().filter(|condition| condition["type"] == "Ready") {
                condition.set("status", "False");
                condition.set("lastTransitionTime", ctx.now.rfc3339());
            }
            let written = ctx.client(&self.actor).update_status(kinds::PODS, pod.namespace(), updated);
            if ignore_absent(written)?.is_some() {
                let reference = Reference::of(&pod.value);
                ctx.event(&self.source, &reference, "Warning", "NodeNotReady", "Node is not ready");
            }
        }
        Ok(())
    }

    /// How long a kubelet may remember secrets and the like: the longer, the more nodes there are.
    fn annotate(&mut self, ctx: &mut Ctx<'_>, node: &Object) -> Result<(), Status> {
        const TTL: &str = "node.alpha.kubernetes.io/ttl";
        let nodes = ctx.informers.count(kinds::NODES);
        self.size = ttl_step(self.size, nodes);
        let seconds = TTL_STEPS[self.size].2;
        if node["metadata"]["annotations"][TTL] == seconds {
            return Ok(());
        }
        let patch = value!({"metadata": {"annotations": {TTL: seconds}}});
        let mut client = ctx.client("system:serviceaccount:kube-system:ttl-controller");
        ignore_absent(client.patch(kinds::NODES, "", node.name(), PatchType::Merge, &patch, "")).map(|_| ())
    }

    /// Whether a node's pods may be driven away now; if not, when it may be asked again.
    fn may_empty(&mut self, ctx: &Ctx<'_>, node: &Object) -> Result<(), Duration> {
        // What a kubelet says is only read now and then: one that starts again is ready before that.
        let said = common::condition(&node.value, "Ready").filter(|ready| ready["status"] == "False");
        let since = said.and_then(|ready| moment(&ready["lastTransitionTime"]));
        let period = ctx.latencies.node_monitor_period;
        if let Some(read) = since.map(|since| since + period).filter(|read| *read > ctx.now) {
            return Err(read.since(ctx.now));
        }
        let zone_of_it = zone(node);
        let nodes = ctx.informers.all(kinds::NODES).filter(|other| zone(other) == zone_of_it);
        let (ready, silent): (Vec<_>, Vec<_>) = nodes.partition(|node| ready(node));
        let pace = pace(ready.len(), silent.len()).ok_or(period)?;
        if let Some(due) = self.paced.get(&zone_of_it).filter(|due| **due > ctx.now) {
            return Err(due.since(ctx.now));
        }
        self.paced.insert(zone_of_it, ctx.now + pace);
        Ok(())
    }

    /// Makes the taints say what the conditions say. Answers when to look again, if something has to wait.
    fn taint(&mut self, ctx: &mut Ctx<'_>, node: &Object) -> Result<Option<Duration>, Status> {
        let mut wanted = wanted_taints(&node.value);
        let mut later = None;
        // When no node at all is ready, the fault is more likely the controller's own: nobody is driven away.
        if !ctx.informers.all(kinds::NODES).any(|node| ready(node)) {
            wanted.retain(|(_, effect)| *effect != "NoExecute");
        }
        let taints = node["spec"]["taints"].items();
        let has = |key: &str, effect: &str| taints.iter().any(|taint| taint["key"] == key && taint["effect"] == effect);
        let driven = [NOT_READY, UNREACHABLE].iter().any(|key| has(key, "NoExecute"));
        if !driven
            && wanted.iter().any(|(_, effect)| *effect == "NoExecute")
            && let Err(wait) = self.may_empty(ctx, node)
        {
            wanted.retain(|(_, effect)| *effect != "NoExecute");
            later = Some(wait);
        }
        let missing = wanted.iter().any(|(key, effect)| !has(key, effect));
        let outdated = |taint: &Value| {
            let pair = (taint["key"].str(), taint["effect"].str());
            is_own_taint(pair.0) && !wanted.contains(&pair)
        };
        if !missing && !taints.iter().any(outdated) {
            return Ok(later);
        }
        let mut updated = node.value.clone();
        let list = updated["spec"]["taints"].items_mut();
        list.retain(|taint| !outdated(taint));
        for (key, effect) in wanted.into_iter().filter(|(key, effect)| !has(key, effect)) {
            let mut taint = value!({"key": key, "effect": effect});
            // When the evictions' clock starts; the cordon's taint has none.
            taint.set("timeAdded", ctx.now.rfc3339());
            list.push(taint);
        }
        if list.is_empty() {
            updated["spec"].remove("taints");
        }
        ignore_absent(ctx.client(&self.actor).update(kinds::NODES, "", updated)).map(|_| later)
    }
}

impl Controller for Nodes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::NODES]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        queue.add(change.key());
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(node) = ctx.informers.get(kinds::NODES, key).cloned() else {
            if let Some((_, about)) = self.registered.remove(key) {
                let message = format!("Node {0} event: Removing Node {0} from Controller", key.name);
                ctx.event(&self.source, &about, "Normal", "RemovingNode", &message);
            }
            return Ok(Requeue::Done);
        };
        if self.registered.get(key).is_none_or(|(_, known)| known.uid != node.uid) {
            self.registered.insert(key.clone(), (ctx.now, about(&node)));
            let message = format!("Node {0} event: Registered Node {0} in Controller", node.name());
            ctx.event(&self.source, &about(&node), "Normal", "RegisteredNode", &message);
        }
        // What is heard moves on with every renewal; nothing is to do before the present one has worn out.
        let met = self.registered.get(key).map_or(ctx.now, |(met, _)| *met);
        let patience = match common::condition(&node.value, "Ready") {
            None => node.created + STARTUP_GRACE,
            Some(_) => Nodes::heard(ctx, &node).max(met) + ctx.latencies.node_monitor_grace,
        };
        if patience < ctx.now {
            self.mark_unknown(ctx, &node)?;
        }
        self.annotate(ctx, &node)?;
        let later = self.taint(ctx, &node)?;
        let next = patience.since(ctx.now) + ctx.latencies.node_monitor_period;
        Ok(Requeue::After(later.map_or(next, |later| later.min(next))))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_follow_conditions() {
        let node = value!({
            "spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "Unknown"}, {"type": "DiskPressure", "status": "True"}]}
        });
        assert_eq!(
            wanted_taints(&node),
            [
                (UNREACHABLE, "NoSchedule"),
                (UNREACHABLE, "NoExecute"),
                ("node.kubernetes.io/disk-pressure", "NoSchedule"),
                (UNSCHEDULABLE, "NoSchedule"),
            ]
        );
    }

    #[test]
    fn kubelets_remember_longer_where_there_are_many() {
        for (step, nodes, then) in
            [(0, 100, 0), (0, 101, 1), (1, 90, 1), (1, 89, 0), (0, 1001, 3), (3, 899, 2), (5, 3, 0), (4, 20_000, 5)]
        {
            assert_eq!(ttl_step(step, nodes), then, "{step} {nodes}");
        }
    }

    #[test]
    fn zones_that_are_mostly_gone_are_left_alone() {
        // Ready, not ready, seconds between two nodes.
        let cases =
            [(3, 1, Some(10)), (0, 4, Some(10)), (1, 2, Some(10)), (2, 3, None), (3, 3, Some(10)), (20, 40, Some(100))];
        for (ready, silent, seconds) in cases {
            assert_eq!(pace(ready, silent).map(|pace| pace.as_secs()), seconds, "{ready} {silent}");
        }
    }
}
