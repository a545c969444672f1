//! Taints drive pods away: those that do not tolerate them at once, others when their time is over.

use drydock_sorted::SortedMap;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value};

use super::common::{self, ignore_absent};
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds};

const EVICTION: &str = "taint-eviction-controller";

/// Pods that do not tolerate a NoExecute taint leave; those that tolerate it for a while leave then.
#[derive(Debug, Clone)]
pub struct TaintEviction {
    actor: String,
    source: Source,
    /// The evictions that are planned, and when.
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

/// How long a pod may stay on its node.
#[derive(Debug, PartialEq)]
enum Stay {
    Forever,
    For(Duration),
    Not,
}

/// How long a pod may stay on a node with these taints. Of several tolerations that fit a taint, the first counts.
fn stay(pod: &Value, taints: &Value) -> Stay {
    let tolerations = pod["spec"]["tolerations"].items();
    let mut least = Stay::Forever;
    for taint in taints.items().iter().filter(|taint| taint["effect"] == "NoExecute") {
        let Some(toleration) = tolerations.iter().find(|toleration| tolerates(toleration, taint)) else {
            return Stay::Not;
        };
        if let Some(seconds) = toleration["tolerationSeconds"].as_i64() {
            let mine = Duration::from_secs(seconds.max(0).unsigned_abs());
            least = Stay::For(if let Stay::For(other) = least { other.min(mine) } else { mine });
        }
    }
    least
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
            if self.planned.get(change.key()).is_some() {
                queue.add(change.key());
            }
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
        let Some(pod) = ctx.informers.get(kinds::PODS, key).cloned() else {
            self.cancel(ctx, key);
            return Ok(Requeue::Done);
        };
        let Some(node) = ctx.informers.find(kinds::NODES, "", &pod.pod().node).cloned() else {
            return Ok(Requeue::Done);
        };
        match stay(&pod.value, &node["spec"]["taints"]) {
            Stay::Forever => {
                self.cancel(ctx, key);
                return Ok(Requeue::Done);
            }
            Stay::For(time) => {
                // The clock starts when the pod is first looked at, and is not set anew.
                let due = *self.planned.entry(key.clone()).or_insert(ctx.now + time);
                if due > ctx.now {
                    return Ok(Requeue::After(due.since(ctx.now)));
                }
                self.planned.remove(key);
            }
            Stay::Not => self.cancel(ctx, key),
        }
        if pod.deleting.is_some() {
            return Ok(Requeue::Done);
        }
        self.tell(ctx, key, "Marking for deletion Pod");
        self.note_disruption(ctx, &pod)?;
        let options = crate::store::DeleteOptions::default();
        ignore_absent(ctx.client(&self.actor).delete(kinds::PODS, &key.namespace, &key.name, &options))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl TaintEviction {
    /// An event, about a pod of that name: this controller does not tell which one.
    fn tell(&self, ctx: &mut Ctx<'_>, pod: &Key, what: &str) {
        let about = Reference {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            ..Reference::default()
        };
        ctx.event(&self.source, &about, "Normal", "TaintManagerEviction", &format!("{what} {pod}"));
    }

    /// Gives up a planned eviction.
    fn cancel(&mut self, ctx: &mut Ctx<'_>, pod: &Key) {
        if self.planned.remove(pod).is_some() {
            self.tell(ctx, pod, "Cancelling deletion of Pod");
        }
    }

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
    use drydock_value::value;

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
    fn the_first_toleration_of_each_taint_counts() {
        let taint = |key: &str| value!({"key": key, "effect": "NoExecute"});
        let toleration = |key: &str, seconds: Value| {
            let mut toleration = value!({"operator": "Exists", "tolerationSeconds": seconds});
            if !key.is_empty() {
                toleration.set("key", key);
            }
            toleration
        };
        let (long, short) = (toleration("a", 300.into()), toleration("", 60.into()));
        let cases = [
            (value!([]), value!([taint("a")]), Stay::Not),
            (value!([]), value!([{"key": "a", "effect": "NoSchedule"}]), Stay::Forever),
            (value!([{"operator": "Exists"}]), value!([taint("a")]), Stay::Forever),
            (value!([&long, &short]), value!([taint("a")]), Stay::For(Duration::from_secs(300))),
            (value!([&long, &short]), value!([taint("a"), taint("b")]), Stay::For(Duration::from_secs(60))),
            (value!([&long]), value!([taint("a"), taint("b")]), Stay::Not),
            (value!([toleration("a", (-1).into())]), value!([taint("a")]), Stay::For(Duration::ZERO)),
        ];
        for (tolerations, taints, expected) in cases {
            let pod = value!({"spec": {"tolerations": &tolerations}});
            assert_eq!(stay(&pod, &taints), expected, "{tolerations} {taints}");
        }
    }
}
