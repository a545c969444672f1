//! The filters of the default profile: which nodes can take a pod at all, and why the others cannot.
//!
//! [`Cycle::prepare`] counts once for an attempt what all nodes are asked about (pods to be near to or apart from, skew);
//! [`Cycle::refusal`] asks one node, filter by filter in the profile's order, and stops at the first that refuses.

use drydock_sorted::{SortedMap, SortedSet};
use std::borrow::Cow;

use drydock_value::Str;

use super::affinity::node_fits;
use super::pod::{HostPort, PodInfo, Spread, collide};
use super::state::{NodeInfo, State};
use super::volumes::Volumes;
use crate::objects::Key;

/// Why a node does not take a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The plugin that says so.
    pub plugin: &'static str,
    /// Its words.
    pub reasons: Vec<Cow<'static, str>>,
    /// Whether taking pods away from the node could change it.
    pub resolvable: bool,
}

fn refuse(plugin: &'static str, reason: &'static str, resolvable: bool) -> Option<Refusal> {
    Some(Refusal { plugin, reasons: vec![reason.into()], resolvable })
}

/// A constraint and what counts towards it.
#[derive(Debug, Clone)]
struct SpreadCount<'p> {
    constraint: &'p Spread,
    /// Matching pods by the value of the topology label.
    counts: SortedMap<Str, i64>,
    least: i64,
}

/// What one attempt counts beforehand.
#[derive(Debug, Clone)]
pub struct Cycle<'p> {
    /// The pod.
    pub pod: &'p PodInfo,
    /// Places (values by label) where pods are that want nothing like this one near.
    forbidden: SortedMap<Str, SortedSet<Str>>,
    /// For every required affinity term: matching pods by place.
    near: Vec<SortedMap<Str, u32>>,
    /// For every required anti-affinity term: places with matching pods.
    apart: Vec<SortedSet<Str>>,
    spread: Vec<SpreadCount<'p>>,
    volumes: Volumes,
}

impl<'p> Cycle<'p> {
    /// Counts for a pod, as if the pods in `without` were not there.
    pub fn prepare(state: &mut State, pod: &'p PodInfo, volumes: Volumes, without: &SortedSet<Key>) -> Cycle<'p> {
        let near = near_counts(state, pod, without);
        let mut apart = Vec::new();
        for term in &pod.affinity.apart {
            let counts = counts_without(state, &term.pods, false, without);
            let mut places = SortedSet::new();
            for at in state.live() {
                if counts.get(*at).is_some_and(|count| *count > 0)
                    && let Some(value) = state.node(*at).label(&term.topology)
                {
                    places.insert(value.clone());
                }
            }
            apart.push(places);
        }
        let mut spread = Vec::new();
        for constraint in &pod.spread_hard {
            spread.push(count_spread(state, pod, constraint, without));
        }
        Cycle { forbidden: forbidden(state, pod, without), near, apart, spread, volumes, pod }
    }

    /// Why a node does not take the pod; None when it does.
    pub fn refusal(&self, node: &NodeInfo) -> Option<Refusal> {
        node_alone(self.pod, node)
            .or_else(|| self.volumes.refusal(node))
            .or_else(|| self.spread_refusal(node))
            .or_else(|| self.affinity_refusal(node))
    }

    fn spread_refusal(&self, node: &NodeInfo) -> Option<Refusal> {
        const PLUGIN: &str = "PodTopologySpread";
        for count in &self.spread {
            let Some(value) = node.label(&count.constraint.topology) else {
                let reason = "node(s) didn't match pod topology spread constraints (missing required label)";
                return refuse(PLUGIN, reason, false);
            };
            let here = count.counts.get(value).copied().unwrap_or(0) + i64::from(count.constraint.matches_self);
            if here - count.least > count.constraint.max_skew {
                return refuse(PLUGIN, "node(s) didn't match pod topology spread constraints", true);
            }
        }
        None
    }

    fn affinity_refusal(&self, node: &NodeInfo) -> Option<Refusal> {
        const PLUGIN: &str = "InterPodAffinity";
        let affinity = &self.pod.affinity;
        let mut found = true;
        for (term, counts) in affinity.near.iter().zip(&self.near) {
            match node.label(&term.topology) {
                Some(value) => found &= counts.get(value).is_some_and(|count| *count > 0),
                None => return refuse(PLUGIN, "node(s) didn't match pod affinity rules", false),
            }
        }
        if !found {
            // The first of a group that wants to be together has nobody to be near to yet.
            let nobody = self.near.iter().all(|counts| counts.values().all(|count| *count == 0));
            let itself =
                affinity.near.iter().all(|term| term.pods.matches(self.pod.object.namespace(), &self.pod.labels));
            if !(nobody && itself) {
                return refuse(PLUGIN, "node(s) didn't match pod affinity rules", false);
            }
        }
        for (term, places) in affinity.apart.iter().zip(&self.apart) {
            if node.label(&term.topology).is_some_and(|value| places.contains(value)) {
                return refuse(PLUGIN, "node(s) didn't match pod anti-affinity rules", true);
            }
        }
        let unwelcome =
            self.forbidden.iter().any(|(key, values)| node.label(key).is_some_and(|value| values.contains(value)));
        if unwelcome {
            return refuse(PLUGIN, "node(s) didn't satisfy existing pods anti-affinity rules", true);
        }
        None
    }
}

/// The filters that need to know nothing but the node.
pub fn node_alone(pod: &PodInfo, node: &NodeInfo) -> Option<Refusal> {
    if node.unschedulable {
        let taint = drydock_value::value!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
        if !pod.tolerates(&taint) {
            return refuse("NodeUnschedulable", "node(s) were unschedulable", false);
        }
    }
    if node.hard_taints.iter().any(|taint| !pod.tolerates(taint)) {
        return refuse("TaintToleration", "node(s) had untolerated taint(s)", false);
    }
    if !node_fits(pod, node) {
        return refuse("NodeAffinity", "node(s) didn't match Pod's node affinity/selector", false);
    }
    if pod.ports.iter().any(|port| taken(node, port)) {
        return refuse("NodePorts", "node(s) didn't have free ports for the requested pod ports", true);
    }
    fit(pod, node)
}

/// Whether a host port is in use on a node.
fn taken(node: &NodeInfo, wanted: &HostPort) -> bool {
    node.ports.keys().any(|used| collide(used, wanted))
}

/// NodeResourcesFit: every resource that is short is named.
pub fn fit(pod: &PodInfo, node: &NodeInfo) -> Option<Refusal> {
    let mut reasons: Vec<Cow<'static, str>> = Vec::new();
    let mut resolvable = true;
    if i64::try_from(node.pods.len()).unwrap_or(i64::MAX) >= node.max_pods {
        reasons.push("Too many pods".into());
    }
    let (wants, has, used) = (&pod.requests, &node.allocatable, &node.requested);
    let mut check = |name: &str, wanted: i64, has: i64, used: i64| {
        if wanted > 0 && wanted > has - used {
            reasons.push(format!("Insufficient {name}").into());
            resolvable &= wanted <= has;
        }
    };
    check("cpu", wants.cpu, has.cpu, used.cpu);
    check("memory", wants.memory, has.memory, used.memory);
    check("ephemeral-storage", wants.ephemeral, has.ephemeral, used.ephemeral);
    for (name, wanted) in &wants.scalar {
        let amount = |of: &SortedMap<Str, i64>| of.get(name).copied().unwrap_or(0);
        check(name, *wanted, amount(&has.scalar), amount(&used.scalar));
    }
    (!reasons.is_empty()).then_some(Refusal { plugin: "NodeResourcesFit", reasons, resolvable })
}

/// The counts of a selector by node, less the pods in `without`.
fn counts_without(
    state: &mut State,
    pods: &super::pod::PodSelector,
    skip_ending: bool,
    without: &SortedSet<Key>,
) -> std::sync::Arc<Vec<u32>> {
    let mut counts = state.counts(pods, skip_ending);
    for key in without {
        let (Some(at), Some(pod)) = (state.node_of(key), state.pod(key)) else { continue };
        let counted = !(skip_ending && pod.object.deleting.is_some());
        if counted
            && pods.matches(pod.object.namespace(), &pod.labels)
            && let Some(count) = std::sync::Arc::make_mut(&mut counts).get_mut(at)
        {
            *count = count.saturating_sub(1);
        }
    }
    counts
}

/// For every required affinity term, the pods that match all terms, by place.
fn near_counts(state: &mut State, pod: &PodInfo, without: &SortedSet<Key>) -> Vec<SortedMap<Str, u32>> {
    let terms = &pod.affinity.near;
    let mut result = vec![SortedMap::new(); terms.len()];
    if terms.is_empty() {
        return result;
    }
    let counts = match terms.as_slice() {
        [term] => counts_without(state, &term.pods, false, without),
        _ => {
            // A pod counts when it matches every term: rare enough to look at each.
            let mut counts = Vec::new();
            for at in state.live() {
                counts.resize(counts.len().max(at + 1), 0);
                let matching = state.node(*at).pods.values().filter(|other| {
                    !without.contains(other.key())
                        && terms.iter().all(|term| term.pods.matches(other.object.namespace(), &other.labels))
                });
                counts[*at] = u32::try_from(matching.count()).unwrap_or(u32::MAX);
            }
            std::sync::Arc::new(counts)
        }
    };
    for at in state.live() {
        let count = counts.get(*at).copied().unwrap_or(0);
        if count == 0 {
            continue;
        }
        for (term, places) in terms.iter().zip(&mut result) {
            if let Some(value) = state.node(*at).label(&term.topology) {
                *places.entry(value.clone()).or_default() += count;
            }
        }
    }
    result
}

/// The places where pods are whose anti-affinity is against this pod.
fn forbidden(state: &State, pod: &PodInfo, without: &SortedSet<Key>) -> SortedMap<Str, SortedSet<Str>> {
    let mut places: SortedMap<Str, SortedSet<Str>> = SortedMap::new();
    for key in state.apart.iter().filter(|key| !without.contains(*key)) {
        let (Some(at), Some(other)) = (state.node_of(key), state.pod(key)) else { continue };
        for term in &other.affinity.apart {
            if term.pods.matches(pod.object.namespace(), &pod.labels)
                && let Some(value) = state.node(at).label(&term.topology)
            {
                places.entry(term.topology.clone()).or_default().insert(value.clone());
            }
        }
    }
    places
}

/// Whether a node counts for a constraint of a pod.
pub fn counts_for(pod: &PodInfo, constraint: &Spread, node: &NodeInfo) -> bool {
    (!constraint.honor_affinity || node_fits(pod, node))
        && (!constraint.honor_taints || !node.hard_taints.iter().any(|taint| !pod.tolerates(taint)))
}

fn count_spread<'p>(
    state: &mut State,
    pod: &'p PodInfo,
    constraint: &'p Spread,
    without: &SortedSet<Key>,
) -> SpreadCount<'p> {
    let by_node = counts_without(state, &constraint.pods, true, without);
    let mut counts: SortedMap<Str, i64> = SortedMap::new();
    for at in state.live() {
        let node = state.node(*at);
        let complete = pod.spread_hard.iter().all(|constraint| node.label(&constraint.topology).is_some());
        if !complete || !counts_for(pod, constraint, node) {
            continue;
        }
        if let Some(value) = node.label(&constraint.topology) {
            *counts.entry(value.clone()).or_default() += i64::from(by_node.get(*at).copied().unwrap_or(0));
        }
    }
    let domains = i64::try_from(counts.len()).unwrap_or(i64::MAX);
    let least = if domains < constraint.min_domains { 0 } else { counts.values().copied().min().unwrap_or(0) };
    SpreadCount { constraint, counts, least }
}
