//! Node lifecycle: nodes that fall silent become Unknown, conditions become taints, taints drive pods away.

use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value, value};

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
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// The controller.
#[derive(Debug, Clone)]
pub struct Nodes {
    actor: String,
    source: Source,
    /// The nodes that were met already, with the moments: a controller that starts gives everybody time to be heard.
    registered: SortedMap<Key, (Time, Reference)>,
}

impl Default for Nodes {
    fn default() -> Nodes {
        let actor = actor("node-controller");
        Nodes { source: Source::component("node-controller", &actor), actor, registered: SortedMap::new() }
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

    /// How long a kubelet may remember secrets and the like: not at all, in a cluster of fewer than a hundred nodes.
    fn annotate(&self, ctx: &mut Ctx<'_>, node: &Object) -> Result<(), Status> {
        const TTL: &str = "node.alpha.kubernetes.io/ttl";
        if !node["metadata"]["annotations"][TTL].is_null() {
            return Ok(());
        }
        let patch = value!({"metadata": {"annotations": {TTL: "0"}}});
        let mut client = ctx.client("system:serviceaccount:kube-system:ttl-controller");
        ignore_absent(client.patch(kinds::NODES, "", node.name(), PatchType::Merge, &patch, "")).map(|_| ())
    }

    /// Makes the taints say what the conditions say.
    fn taint(&self, ctx: &mut Ctx<'_>, node: &Object) -> Result<(), Status> {
        let mut wanted = wanted_taints(&node.value);
        let ready =
            |node: &Object| common::condition(&node.value, "Ready").is_some_and(|ready| ready["status"] == "True");
        // When no node at all is ready, the fault is more likely the controller's own: nobody is driven away.
        if !ctx.informers.all(kinds::NODES).any(|node| ready(node)) {
            wanted.retain(|(_, effect)| *effect != "NoExecute");
        }
        let taints = node["spec"]["taints"].items();
        let has = |key: &str, effect: &str| taints.iter().any(|taint| taint["key"] == key && taint["effect"] == effect);
        let missing = wanted.iter().any(|(key, effect)| !has(key, effect));
        let outdated = |taint: &Value| {
            let pair = (taint["key"].str(), taint["effect"].str());
            is_own_taint(pair.0) && !wanted.contains(&pair)
        };
        if !missing && !taints.iter().any(outdated) {
            return Ok(());
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
        ignore_absent(ctx.client(&self.actor).update(kinds::NODES, "", updated)).map(|_| ())
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
        let patience = Nodes::heard(ctx, &node).max(met) + ctx.latencies.node_monitor_grace;
        if patience < ctx.now {
            self.mark_unknown(ctx, &node)?;
        }
        self.annotate(ctx, &node)?;
        self.taint(ctx, &node)?;
        Ok(Requeue::After(patience.since(ctx.now) + ctx.latencies.node_monitor_period))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

const EVICTION: &str = "taint-eviction-controller";

/// Pods that do not tolerate a NoExecute taint leave; those that tolerate it for a while leave then.
#[derive(Debug, Clone)]
pub struct TaintEviction {
    actor: String,
    source: Source,
    /// The evictions that are planned.
    planned: SortedMap<Key, Time>,
}

impl Default for TaintEviction {
    fn default() -> TaintEviction {
        let actor = actor("node-controller");
        TaintEviction { source: Source::component(EVICTION, &actor), actor, planned: SortedMap::new() }
    }
}

/// Whether a toleration puts up with a taint.
pub fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let (key, effect) = (toleration["key"].str(), toleration["effect"].str());
    if !effect.is_empty() && taint["effect"] != effect {
        return false;
    }
    if !key.is_empty() && taint["key"] != key {
        return false;
    }
    match toleration["operator"].str() {
        "" | "Equal" => toleration["value"].str() == taint["value"].str(),
        "Exists" => true,
        "Lt" | "Gt" => {
            let (Ok(theirs), Ok(mine)) =
                (taint["value"].str().parse::<i64>(), toleration["value"].str().parse::<i64>())
            else {
                return false;
            };
            if toleration["operator"] == "Lt" { theirs < mine } else { theirs > mine }
        }
        _ => false,
    }
}

impl TaintEviction {
    /// When a pod has to leave its node: None for never.
    fn due(pod: &Object, node: &Object, now: Time) -> Option<Time> {
        let mut due: Option<Time> = None;
        let tolerations = pod["spec"]["tolerations"].items();
        for taint in node["spec"]["taints"].items().iter().filter(|taint| taint["effect"] == "NoExecute") {
            let since = moment(&taint["timeAdded"]).unwrap_or(now);
            let mut matching = tolerations.iter().filter(|toleration| tolerates(toleration, taint)).peekable();
            if matching.peek().is_none() {
                return Some(now);
            }
            let least = matching.filter_map(|toleration| toleration["tolerationSeconds"].as_i64()).min();
            if let Some(seconds) = least {
                let at = since + Duration::from_secs(seconds.max(0).unsigned_abs());
                due = Some(due.map_or(at, |earlier| earlier.min(at)));
            }
        }
        due
    }
}

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        EVICTION
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::NODES, kinds::PODS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::NODES {
            if change.differs(&["spec", "taints"]) {
                for pod in informers.pods_on(change.key().name.as_str()) {
                    queue.add(&pod.key);
                }
            }
            return;
        }
        let Some(pod) = &change.new else {
            self.planned.remove(change.key());
            return;
        };
        let moved = change.old.as_ref().is_none_or(|old| old.pod().node != pod.pod().node)
            || change.differs(&["spec", "tolerations"]);
        // Most nodes have no such taint: then there is nothing to look at.
        let tainted = informers
            .find(kinds::NODES, "", &pod.pod().node)
            .is_some_and(|node| node["spec"]["taints"].items().iter().any(|taint| taint["effect"] == "NoExecute"));
        if moved && tainted {
            queue.add(&pod.key);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(pod) = ctx.informers.get(kinds::PODS, key).cloned() else { return Ok(Requeue::Done) };
        let Some(node) = ctx.informers.find(kinds::NODES, "", &pod.pod().node).cloned() else {
            return Ok(Requeue::Done);
        };
        if pod.deleting.is_some() {
            self.planned.remove(key);
            return Ok(Requeue::Done);
        }
        let reference = Reference::of(&pod.value);
        match TaintEviction::due(&pod, &node, ctx.now) {
            None => {
                if self.planned.remove(key).is_some() {
                    let message = format!("Cancelling deletion of Pod {key}");
                    ctx.event(&self.source, &reference, "Normal", "TaintManagerEviction", &message);
                }
                Ok(Requeue::Done)
            }
            Some(at) if at > ctx.now => {
                self.planned.insert(key.clone(), at);
                Ok(Requeue::After(at.since(ctx.now)))
            }
            Some(_) => {
                let message = format!("Marking for deletion Pod {key}");
                ctx.event(&self.source, &reference, "Normal", "TaintManagerEviction", &message);
                self.note_disruption(ctx, &pod)?;
                let options = crate::store::DeleteOptions::default();
                ignore_absent(ctx.client(&self.actor).delete(kinds::PODS, &key.namespace, &key.name, &options))?;
                self.planned.remove(key);
                Ok(Requeue::Done)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl TaintEviction {
    /// Says in the pod why it goes.
    fn note_disruption(&self, ctx: &mut Ctx<'_>, pod: &Object) -> Result<(), Status> {
        let mut updated = pod.value.clone();
        let condition = common::new_condition(
            "DisruptionTarget",
            "True",
            "DeletionByTaintManager",
            "Taint manager: deleting due to NoExecute taint",
            ctx.now,
        );
        common::set_condition(&mut updated["status"]["conditions"], condition);
        ignore_absent(ctx.client(&self.actor).update_status(kinds::PODS, pod.namespace(), updated)).map(|_| ())
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
    fn a_toleration_matches_by_key_effect_and_value() {
        let taint = value!({"key": "a", "value": "b", "effect": "NoExecute"});
        let cases = [
            (value!({"operator": "Exists"}), true),
            (value!({"key": "a", "operator": "Exists"}), true),
            (value!({"key": "a", "value": "b"}), true),
            (value!({"key": "a", "value": "c"}), false),
            (value!({"key": "a", "value": "b", "effect": "NoSchedule"}), false),
            (value!({"key": "b", "operator": "Exists"}), false),
        ];
        for (toleration, matches) in cases {
            assert_eq!(tolerates(&toleration, &taint), matches, "{toleration}");
        }
    }

    #[test]
    fn the_shortest_toleration_counts() {
        let node = Object::read(
            value!({"spec": {"taints": [{"key": "a", "effect": "NoExecute", "timeAdded": "2026-11-22T13:00:00Z"}]}}),
            false,
        );
        let now = Time::parse_rfc3339("2026-11-22T13:00:10Z").unwrap();
        let due = |tolerations: Value| {
            let pod = Object::read(value!({"spec": {"tolerations": tolerations}}), true);
            TaintEviction::due(&pod, &node, now)
        };
        assert_eq!(due(value!([])), Some(now));
        assert_eq!(due(value!([{"operator": "Exists"}])), None);
        let both = value!([{"key": "a", "operator": "Exists", "tolerationSeconds": 300}, {"operator": "Exists", "tolerationSeconds": 60}]);
        assert_eq!(due(both).map(|at| at.since(now).as_secs()), Some(50));
    }
}
