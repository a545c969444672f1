//! Preemption: when no node can take a pod, one of them may after pods of lower priority have left it.

use drydock_sorted::Sort;
use drydock_sorted::{SortedMap, SortedSet};
use std::sync::Arc;

use drydock_schema::labels::Selector;
use drydock_value::{Str, Time};

use super::attempt::sentence;
use super::filters::{Cycle, Refusal};
use super::pod::PodInfo;
use super::state::{NodeInfo, State};
use super::volumes::Volumes;
use crate::ctx::Ctx;
use crate::informers::Informers;
use crate::objects::{Key, Object, moment};
use crate::store::kinds;

const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling";
const NO_VICTIMS: &str = "No preemption victims found for incoming pod";

/// A node and who would have to leave it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The node's place.
    pub node: usize,
    /// The pods to evict.
    pub victims: Vec<Arc<PodInfo>>,
    /// How many of them a disruption budget would rather keep.
    violations: usize,
}

/// What was found.
pub enum Outcome {
    /// This node, without these pods.
    Found(Candidate),
    /// Nothing; why, in the scheduler's words.
    Nothing(String),
    /// The pod may not make others leave, or not now; why.
    Ineligible(&'static str),
}

/// The pods that nodes are promised to, by node.
pub type Promised = SortedMap<Str, SortedMap<Key, Arc<PodInfo>>>;

/// A node with those on it that it is promised to, as far as a pod must not push them aside; None when there are none.
pub fn with_promised(promised: &Promised, node: &NodeInfo, pod: &PodInfo) -> Option<NodeInfo> {
    let mut with = None;
    for (key, other) in promised.get(&node.name)? {
        if key != pod.key() && other.priority() >= pod.priority() && !node.pods.contains_key(key) {
            with.get_or_insert_with(|| node.clone()).add(other);
        }
    }
    with
}

/// How many candidates are enough to choose from: a tenth of the nodes, at least a hundred.
fn enough(nodes: usize) -> usize {
    (nodes / 10).max(100)
}

/// Whether a pod started earlier: the later starters go first.
fn started(pod: &PodInfo) -> Time {
    moment(&pod.object["status"]["startTime"]).unwrap_or(pod.object.created)
}

/// More important first: higher priority, then longer running.
fn by_importance(pods: &mut [Arc<PodInfo>]) {
    pods.sort_compact_by(|a, b| b.priority().cmp(&a.priority()).then_with(|| started(a).cmp(&started(b))));
}

/// Looks for a node that can take the pod once others have left. `refusals` says why each node cannot now.
pub fn find(
    state: &mut State,
    informers: &Informers,
    pod: &PodInfo,
    volumes: &Volumes,
    refusals: &[(usize, Refusal)],
    nodes: usize,
    promised: &Promised,
) -> Outcome {
    if pod.spec()["preemptionPolicy"] == "Never" {
        return Outcome::Ineligible("not eligible due to preemptionPolicy=Never.");
    }
    let nominated = pod.object["status"]["nominatedNodeName"].str();
    if let Some(at) = state.find(nominated) {
        let making_room = |other: &PodInfo| {
            let target = other.object["status"]["conditions"].find("type", "DisruptionTarget");
            other.object.deleting.is_some()
                && target.is_some_and(|it| it["status"] == "True" && it["reason"] == "PreemptionByScheduler")
        };
        // Unless the node has become one that is of no use.
        let hopeless = refusals.iter().any(|(node, refusal)| *node == at && !refusal.resolvable);
        let mut others = state.node(at).pods.values();
        if !hopeless && others.any(|other| other.priority() < pod.priority() && making_room(other)) {
            return Outcome::Ineligible("not eligible due to a terminating pod on the nominated node.");
        }
    }
    let mut reasons: Vec<String> = Vec::new();
    let mut candidates = Vec::new();
    let most = enough(refusals.len());
    for (at, refusal) in refusals {
        if !refusal.resolvable {
            reasons.push(NOT_HELPFUL.into());
            continue;
        }
        // Of very many nodes some that would do are enough to choose from, if no budget is in the way.
        if candidates.len() >= most && candidates.iter().any(|candidate: &Candidate| candidate.violations == 0) {
            break;
        }
        match victims(state, informers, pod, volumes, *at, promised) {
            Ok(candidate) => candidates.push(candidate),
            Err(words) => reasons.extend(words),
        }
    }
    // Nodes that were never asked one by one are beyond help, too.
    for _ in refusals.len()..nodes {
        reasons.push(NOT_HELPFUL.into());
    }
    match best(candidates) {
        Some(candidate) => Outcome::Found(candidate),
        None => Outcome::Nothing(sentence(nodes, reasons.iter().map(String::as_str))),
    }
}

/// Who has to leave a node for the pod to fit: all of lower priority, less those that can stay after all.
fn victims(
    state: &mut State,
    informers: &Informers,
    pod: &PodInfo,
    volumes: &Volumes,
    at: usize,
    promised: &Promised,
) -> Result<Candidate, Vec<String>> {
    let mut lower: Vec<Arc<PodInfo>> =
        state.node(at).pods.values().filter(|other| other.priority() < pod.priority()).cloned().collect();
    if lower.is_empty() {
        return Err(vec![NO_VICTIMS.into()]);
    }
    let mut node = state.node(at).clone();
    let mut gone: SortedSet<Key> = SortedSet::new();
    for victim in &lower {
        node.remove(victim.key());
        gone.insert(victim.key().clone());
    }
    let fits = |state: &mut State, node: &NodeInfo, gone: &SortedSet<Key>| {
        let cycle = Cycle::prepare(state, pod, volumes.clone(), gone);
        let with = with_promised(promised, node, pod);
        with.and_then(|with| cycle.refusal(&with)).or_else(|| cycle.refusal(node))
    };
    if let Some(refusal) = fits(state, &node, &gone) {
        return Err(refusal.reasons.iter().map(ToString::to_string).collect());
    }
    by_importance(&mut lower);
    let (violating, fine) = split_by_budget(informers, &lower);
    let mut victims = Vec::new();
    let mut violations = 0;
    for (other, violates) in violating.into_iter().map(|p| (p, true)).chain(fine.into_iter().map(|p| (p, false))) {
        node.add(&other);
        gone.remove(other.key());
        if fits(state, &node, &gone).is_some() {
            node.remove(other.key());
            gone.insert(other.key().clone());
            violations += usize::from(violates);
            victims.push(other);
        }
    }
    by_importance(&mut victims);
    Ok(Candidate { node: at, victims, violations })
}

/// The pods whose eviction a disruption budget does not allow, and the others.
fn split_by_budget(informers: &Informers, pods: &[Arc<PodInfo>]) -> (Vec<Arc<PodInfo>>, Vec<Arc<PodInfo>>) {
    // A budget that selects everything is taken for one that selects nothing.
    let mut budgets: Vec<(&Object, Selector, i64)> = informers
        .all(kinds::POD_DISRUPTION_BUDGETS)
        .filter(|budget| {
            let selector = &budget["spec"]["selector"];
            !selector["matchLabels"].is_empty() || !selector["matchExpressions"].is_empty()
        })
        .filter_map(|budget| {
            let selector = Selector::from_label_selector(&budget["spec"]["selector"]).ok()?;
            Some((&**budget, selector, budget["status"]["disruptionsAllowed"].int()))
        })
        .collect();
    let (mut violating, mut fine) = (Vec::new(), Vec::new());
    for pod in pods {
        let mut violates = false;
        for (budget, selector, allowed) in &mut budgets {
            let counted = !budget["status"]["disruptedPods"][pod.key().name.as_str()].is_null();
            if *budget.namespace() == pod.key().namespace && !counted && selector.matches(&pod.labels) {
                *allowed -= 1;
                violates |= *allowed < 0;
            }
        }
        if violates { violating.push(pod.clone()) } else { fine.push(pod.clone()) }
    }
    (violating, fine)
}

impl super::Scheduler {
    /// Takes a node back from those of lower priority that it was promised to: they may not fit any more.
    pub(super) fn withdraw(&mut self, pod: &PodInfo, node: &Str, ctx: &mut Ctx<'_>) {
        let promised = self.nominated.get(node).into_iter().flat_map(|pods| pods.values());
        let lower = promised.filter(|other| other.priority() < pod.priority());
        for key in lower.map(|other| other.key().clone()).collect::<Vec<_>>() {
            self.denominate(&key);
            if let Ok(mut object) = ctx.client(super::ACTOR).get(kinds::PODS, &key.namespace, &key.name) {
                super::nominate(&mut object, Some(&Str::default()));
                let _ = ctx.client(super::ACTOR).update_status(kinds::PODS, &key.namespace, object);
            }
        }
    }
}

/// The candidate that does least harm.
fn best(candidates: Vec<Candidate>) -> Option<Candidate> {
    candidates.into_iter().min_by_key(|candidate| {
        let victims = &candidate.victims;
        let highest = victims.first().map_or(i64::MIN, |victim| victim.priority());
        // Priorities may be negative: shifted, more victims always sum up to more.
        let sum: i128 = victims.iter().map(|victim| i128::from(victim.priority()) + (1 << 31)).sum();
        let earliest = victims.iter().filter(|victim| victim.priority() == highest).map(|victim| started(victim)).min();
        (candidate.violations, highest, sum, victims.len(), std::cmp::Reverse(earliest))
    })
}
