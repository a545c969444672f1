//! Which pods go first when there are too many: those whose loss hurts least.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::{Str, Time};

use crate::objects::{Object, Phase};

/// How costly the loss of a pod is, as its owner's users annotate it.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The order of magnitude of an age: ages alike count as equal, so that ties are broken evenly.
fn magnitude(since: Time, now: Time) -> i64 {
    let nanos = now.since(since).as_nanos();
    if nanos == 0 { -1 } else { i64::from(nanos.ilog2()) }
}

/// What a pod is compared by; smaller goes first. Every part says what it is.
type Rank = (bool, u8, bool, i64, std::cmp::Reverse<usize>, i64, i64, i64);

fn rank(pod: &Object, on_node: &SortedMap<Str, usize>, now: Time) -> Rank {
    let facts = pod.pod();
    let phase = match facts.phase {
        Phase::Pending => 0,
        Phase::Unknown => 1,
        _ => 2,
    };
    (
        // without a node first
        !facts.node.is_empty(),
        phase,
        facts.ready(),
        pod.annotation(DELETION_COST).parse().unwrap_or(0),
        // doubled up on a node first
        std::cmp::Reverse(on_node.get(&facts.node).copied().unwrap_or(0)),
        // ready for a shorter time first
        facts.ready_since.map_or(0, |since| magnitude(since, now)),
        // with more restarts first
        -facts.restarts,
        // younger first
        magnitude(pod.created, now),
    )
}

/// The `count` pods to delete. `related` are the active pods of the same application, which `pods` are part of: where
/// several of them share a node, those go first.
pub fn to_delete(pods: &[Arc<Object>], related: &[Arc<Object>], count: usize, now: Time) -> Vec<Arc<Object>> {
    if count >= pods.len() {
        return pods.to_vec();
    }
    let mut on_node: SortedMap<Str, usize> = SortedMap::new();
    for pod in related.iter().filter(|pod| pod.active_pod()) {
        *on_node.entry(pod.pod().node.clone()).or_default() += 1;
    }
    let mut ranked: Vec<(Rank, &Arc<Object>)> = pods.iter().map(|pod| (rank(pod, &on_node, now), pod)).collect();
    ranked.sort_compact_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.uid.cmp(&y.uid)));
    ranked.into_iter().take(count).map(|(_, pod)| pod.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::{Value, value};

    fn pod(name: &str, node: &str, phase: &str, ready: Option<&str>, extra: Value) -> Arc<Object> {
        let mut pod = value!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": "2026-11-22T13:00:00Z"},
            "spec": {"nodeName": node}, "status": {"phase": phase}
        });
        if let Some(since) = ready {
            pod["status"].set("conditions", value!([{"type": "Ready", "status": "True", "lastTransitionTime": since}]));
        }
        for (key, part) in extra.entries() {
            for (field, value) in part.entries() {
                pod[key].set(field, value);
            }
        }
        Object::read(pod, true)
    }

    #[test]
    fn the_least_useful_go_first() {
        let ready = Some("2026-11-22T13:00:10Z");
        let pods = vec![
            pod("settled", "a", "Running", ready, Value::Null),
            pod("young", "a", "Running", ready, value!({"metadata": {"creationTimestamp": "2026-11-22T13:29:00Z"}})),
            pod("restarted", "a", "Running", ready, value!({"status": {"containerStatuses": [{"restartCount": 3}]}})),
            pod("fresh", "a", "Running", Some("2026-11-22T13:29:30Z"), Value::Null),
            pod("doubled", "b", "Running", ready, Value::Null),
            pod(
                "cheap",
                "a",
                "Running",
                ready,
                value!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-5"}}}),
            ),
            pod("unready", "a", "Running", None, Value::Null),
            pod("pending", "a", "Pending", None, Value::Null),
            pod("unscheduled", "", "Pending", None, Value::Null),
        ];
        let mut related = pods.clone();
        related.extend((0..9).map(|i| pod(&format!("r{i}"), "b", "Running", None, Value::Null)));
        let now = Time::parse_rfc3339("2026-11-22T13:30:00Z").unwrap();
        let order: Vec<String> = to_delete(&pods, &related, 8, now).iter().map(|pod| pod.name().to_string()).collect();
        assert_eq!(order, ["unscheduled", "pending", "unready", "cheap", "doubled", "fresh", "restarted", "young"]);
    }
}
