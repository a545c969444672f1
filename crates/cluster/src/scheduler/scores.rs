//! The scores of the default profile: which of the nodes that can take a pod suits it best.

use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::{Str, value};

use super::affinity::preference;
use super::filters::counts_for;
use super::pod::{PodInfo, PodSelector, Spread};
use super::state::{ImageNodes, NodeInfo, Places, State};
use crate::informers::Informers;
use crate::store::kinds;

/// The plugins that score, with their weights; a node's scores stand in this order.
pub const PLUGINS: [(&str, i64); 7] = [
    ("TaintToleration", 3),
    ("NodeAffinity", 2),
    ("NodeResourcesFit", 1),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
];

/// The highest score of one plugin.
const MOST: i64 = 100;
const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// One node's scores, each between 0 and 100.
pub type Scores = [i64; PLUGINS.len()];

/// The weighted sum.
pub fn total(scores: &Scores) -> i64 {
    PLUGINS.iter().zip(scores).map(|((_, weight), score)| weight * score).sum()
}

/// Scores the nodes that can take a pod.
pub fn score(state: &mut State, informers: &Informers, pod: &PodInfo, nodes: &[usize]) -> Vec<Scores> {
    let mut scores = vec![Scores::default(); nodes.len()];
    let mut put = |plugin: usize, values: Vec<i64>| {
        for (scores, value) in scores.iter_mut().zip(values) {
            scores[plugin] = value;
        }
    };
    let each = |of: &dyn Fn(&NodeInfo) -> i64| nodes.iter().map(|at| of(state.node(*at))).collect::<Vec<i64>>();
    put(0, normalize(each(&|node| intolerable(pod, node)), true));
    put(1, normalize(each(&|node| preference(pod, node)), false));
    put(2, each(&|node| least_allocated(pod, node)));
    put(5, each(&|node| balanced(pod, node)));
    let total_nodes = i64::try_from(state.live().len()).unwrap_or(i64::MAX);
    let images: Vec<&ImageNodes> = pod.images.iter().filter_map(|image| state.images.get(image)).collect();
    put(6, nodes.iter().map(|at| image_locality(&images, pod.images.len(), *at, total_nodes)).collect());
    put(3, spread(state, informers, pod, nodes));
    put(4, inter_pod(state, pod, nodes));
    scores
}

/// Scales so that the highest becomes 100; `reverse` turns high and low round.
fn normalize(mut values: Vec<i64>, reverse: bool) -> Vec<i64> {
    let most = values.iter().copied().max().unwrap_or(0);
    for value in &mut values {
        if most == 0 {
            *value = if reverse { MOST } else { 0 };
            continue;
        }
        let scaled = *value * MOST / most;
        *value = if reverse { MOST - scaled } else { scaled };
    }
    values
}

/// How many soft taints of a node the pod does not tolerate.
fn intolerable(pod: &PodInfo, node: &NodeInfo) -> i64 {
    let soft = node.soft_taints.iter().filter(|taint| !pod.tolerates(taint));
    i64::try_from(soft.count()).unwrap_or(i64::MAX)
}

/// How much would be left of CPU and memory.
fn least_allocated(pod: &PodInfo, node: &NodeInfo) -> i64 {
    let left = |has: i64, used: i64| if has == 0 || used > has { 0 } else { (has - used) * MOST / has };
    let cpu = left(node.allocatable.cpu, node.assumed.0 + pod.assumed.0);
    let memory = left(node.allocatable.memory, node.assumed.1 + pod.assumed.1);
    (cpu + memory) / 2
}

/// How alike the used parts of CPU and memory would be.
fn balanced(pod: &PodInfo, node: &NodeInfo) -> i64 {
    // A pod that asks for nothing changes no balance.
    if pod.requests.cpu == 0 && pod.requests.memory == 0 {
        return 0;
    }
    let part = |has: i64, used: i64| if has == 0 { 1.0 } else { (used as f64 / has as f64).min(1.0) };
    let cpu = part(node.allocatable.cpu, node.requested.cpu + pod.requests.cpu);
    let memory = part(node.allocatable.memory, node.requested.memory + pod.requests.memory);
    let deviation = (cpu - memory).abs() / 2.0;
    ((1.0 - deviation) * MOST as f64) as i64
}

/// How much of a pod's images (`all` with those that no node has) a node has; images that are everywhere count in full.
fn image_locality(images: &[&ImageNodes], all: usize, node: usize, nodes: i64) -> i64 {
    const MIB: i64 = 1 << 20;
    let spread = |image: &&ImageNodes| {
        if nodes == 0 { 0 } else { (image.size(node) as f64 * image.nodes as f64 / nodes as f64) as i64 }
    };
    let sum: i64 = images.iter().map(spread).sum();
    let least = 23 * MIB;
    let most = 1000 * MIB * i64::try_from(all).unwrap_or(1).max(1);
    MOST * (sum.clamp(least, most) - least) / (most - least)
}

/// The selector of whatever made the pod: services that select it, and its owner.
fn default_selector(informers: &Informers, pod: &PodInfo) -> Option<PodSelector> {
    let namespace = pod.object.namespace();
    let mut wanted = value!({});
    for service in informers.in_namespace(kinds::SERVICES, namespace) {
        let selector = &service["spec"]["selector"];
        let selects = !selector.is_empty() && selector.entries().all(|(k, v)| pod.labels.get(k) == Some(v));
        if selects {
            for (key, value) in selector.entries() {
                wanted["matchLabels"].set(key, value);
            }
        }
    }
    if let Some(owner) = pod.object.controller() {
        let kind = match owner.kind.as_str() {
            "ReplicaSet" => Some(kinds::REPLICA_SETS),
            "StatefulSet" => Some(kinds::STATEFUL_SETS),
            "ReplicationController" => Some(kinds::REPLICATION_CONTROLLERS),
            _ => None,
        };
        let owner = kind.and_then(|kind| informers.find(kind, namespace, &owner.name));
        if let Some(owner) = owner {
            let selector = &owner["spec"]["selector"];
            let labels = if owner["kind"] == "ReplicationController" { selector } else { &selector["matchLabels"] };
            for (key, value) in labels.entries() {
                wanted["matchLabels"].set(key, value);
            }
            for expression in selector["matchExpressions"].items() {
                wanted["matchExpressions"].push(expression);
            }
        }
    }
    (!wanted.is_empty()).then(|| PodSelector::new(vec![namespace.clone()], &wanted))
}

/// The constraints that hold for every pod that has none of its own.
fn default_spread(informers: &Informers, pod: &PodInfo) -> Vec<Spread> {
    let Some(pods) = default_selector(informers, pod) else { return Vec::new() };
    [(HOSTNAME, 3), (ZONE, 5)]
        .into_iter()
        .map(|(topology, max_skew)| Spread {
            pods: pods.clone(),
            topology: topology.into(),
            max_skew,
            min_domains: 1,
            honor_affinity: true,
            honor_taints: false,
            matches_self: true,
        })
        .collect()
}

/// Fewer matching pods in the same place are better.
fn spread(state: &mut State, informers: &Informers, pod: &PodInfo, nodes: &[usize]) -> Vec<i64> {
    let default;
    let constraints: &[Spread] = if pod.spreads {
        &pod.spread_soft
    } else {
        default = default_spread(informers, pod);
        &default
    };
    if constraints.is_empty() {
        return vec![0; nodes.len()];
    }
    let places: Vec<Arc<Places>> = constraints.iter().map(|constraint| state.places(&constraint.topology)).collect();
    // With constraints of its own, a pod wants all their labels; the default ones make do with what there is.
    let ignored: Vec<bool> =
        nodes.iter().map(|at| pod.spreads && places.iter().any(|places| places.of(*at).is_none())).collect();
    let counts: Vec<Arc<Vec<u32>>> = constraints.iter().map(|c| state.counts(&c.pods, true)).collect();
    let considered = ignored.iter().filter(|ignored| !**ignored).count();
    let mut raw = vec![0.0; nodes.len()];
    for ((constraint, counts), places) in constraints.iter().zip(&counts).zip(&places) {
        let count_at = |at: usize| f64::from(counts.get(at).copied().unwrap_or(0));
        if constraint.topology == HOSTNAME {
            let weight = ((considered + 2) as f64).ln();
            for (at, raw) in nodes.iter().zip(&mut raw) {
                *raw += count_at(*at) * weight + (constraint.max_skew - 1) as f64;
            }
            continue;
        }
        // The places of the nodes in question, with how many pods are there.
        let mut there: Vec<Option<f64>> = vec![None; places.count];
        for (at, _) in nodes.iter().zip(&ignored).filter(|(_, ignored)| !**ignored) {
            if let Some(place) = places.of(*at) {
                there[place] = Some(0.0);
            }
        }
        let among = there.iter().flatten().count();
        if among == 0 {
            continue;
        }
        let weight = ((among + 2) as f64).ln();
        for at in state.live() {
            if let Some(Some(count)) = places.of(*at).map(|place| &mut there[place])
                && counts_for(pod, constraint, state.node(*at))
            {
                *count += count_at(*at);
            }
        }
        for (at, raw) in nodes.iter().zip(&mut raw) {
            if let Some(count) = places.of(*at).and_then(|place| there[place]) {
                *raw += count * weight + (constraint.max_skew - 1) as f64;
            }
        }
    }
    let rounded: Vec<Option<i64>> =
        raw.iter().zip(&ignored).map(|(raw, ignored)| (!ignored).then(|| raw.round() as i64)).collect();
    let least = rounded.iter().flatten().copied().min().unwrap_or(0);
    let most = rounded.iter().flatten().copied().max().unwrap_or(0);
    rounded
        .into_iter()
        .map(|score| match score {
            None => 0,
            Some(_) if most == 0 => MOST,
            Some(score) => MOST * (most + least - score) / most,
        })
        .collect()
}

/// Wishes to be near to or apart from other pods: the pod's own, and the others' about it.
fn inter_pod(state: &mut State, pod: &PodInfo, nodes: &[usize]) -> Vec<i64> {
    let mut places: SortedMap<Str, SortedMap<Str, i64>> = SortedMap::new();
    for term in &pod.affinity.preferred {
        let counts = state.counts(&term.pods, false);
        for at in state.live() {
            let count = i64::from(counts.get(*at).copied().unwrap_or(0));
            if let (true, Some(value)) = (count > 0, state.node(*at).label(&term.topology)) {
                *places.entry(term.topology.clone()).or_default().entry(value.clone()).or_default() +=
                    term.weight * count;
            }
        }
    }
    for key in &state.affine {
        let (Some(at), Some(other)) = (state.node_of(key), state.pod(key)) else { continue };
        // Whoever has to be near the likes of this pod likes it near, too.
        let wishes = other.affinity.preferred.iter().map(|term| (term, term.weight));
        let needs = other.affinity.near.iter().map(|term| (term, 1));
        for (term, weight) in wishes.chain(needs) {
            if term.pods.matches(pod.object.namespace(), &pod.labels)
                && let Some(value) = state.node(at).label(&term.topology)
            {
                *places.entry(term.topology.clone()).or_default().entry(value.clone()).or_default() += weight;
            }
        }
    }
    if places.is_empty() {
        return vec![0; nodes.len()];
    }
    let raw: Vec<i64> = nodes
        .iter()
        .map(|at| {
            let node = state.node(*at);
            places.iter().filter_map(|(key, values)| values.get(node.label(key)?)).sum()
        })
        .collect();
    let (least, most) = (raw.iter().copied().min().unwrap_or(0), raw.iter().copied().max().unwrap_or(0));
    raw.into_iter().map(|score| if most == least { 0 } else { MOST * (score - least) / (most - least) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_scaled_to_a_hundred() {
        assert_eq!(normalize(vec![0, 5, 10], false), [0, 50, 100]);
        assert_eq!(normalize(vec![0, 5, 10], true), [100, 50, 0]);
        assert_eq!(normalize(vec![0, 0], false), [0, 0]);
        assert_eq!(normalize(vec![0, 0], true), [100, 100]);
    }
}
