//! kube-scheduler: a node for every pod that has none.
//!
//! - this file: the cycle: take a pod, find the nodes that can take it, choose the best, bind.
//! - [`queue`]: which pod is next, and who waits for what.
//! - [`state`], [`groups`]: nodes and pods, counted incrementally. [`pod`], [`resources`]: a pod, read once.
//! - [`filters`], [`affinity`], [`volumes`]: which nodes can take a pod. [`scores`]: which suits it best.
//! - [`preemption`]: who has to go when none can.
//! - [`attempt`]: what was found, for messages and for later questions.

pub mod affinity;
pub mod attempt;
mod events;
mod filters;
mod groups;
pub mod pod;
mod preemption;
mod queue;
pub mod resources;
pub mod scores;
pub mod state;
pub mod volumes;

use drydock_sorted::{SortedMap, SortedSet};
use std::sync::Arc;
use std::time::Duration;

use drydock_schema::labels::Selector;
use drydock_value::{Str, Time, Value};

use crate::controllers::common::new_condition;
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::queue::Event;
use crate::store::{DeleteOptions, kinds};
use attempt::{Attempt, Attempts, Verdict, sentence};
use filters::{Cycle, Refusal};
use pod::PodInfo;
use preemption::{Candidate, Outcome};
use queue::{Queue, Queued};
use state::State;
use volumes::Volumes;

/// The scheduler's name, which pods ask for.
const NAME: &str = "default-scheduler";
const ACTOR: &str = "system:kube-scheduler";
/// For so long a pod waits for its claims to be bound.
const BIND_TIMEOUT: Duration = Duration::from_secs(600);
/// At least this many nodes are looked at before the search may stop.
const MIN_NODES: usize = 100;

/// Why the scheduler is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerWake {
    /// To take the next pod.
    Cycle,
    /// To bring pods back whose back-off is over, or that waited too long.
    Flush,
}

/// kube-scheduler.
#[derive(Debug, Clone)]
pub struct Scheduler {
    running: bool,
    source: Source,
    queue: Queue,
    state: State,
    attempts: Attempts,
    /// Pods that evicted others and wait for their place: by node.
    nominated: preemption::Promised,
    /// Pods that have a node but whose claims are still to be bound.
    binding: SortedMap<Key, Binds>,
    /// Where the next search among the nodes begins.
    start: usize,
    /// Whether a cycle is on its way.
    cycling: bool,
    /// When a flush is on its way.
    flush: Time,
}

impl Default for Scheduler {
    fn default() -> Scheduler {
        Scheduler {
            running: false,
            source: Source { component: NAME.into(), host: "minikube".into(), actor: ACTOR.into() },
            queue: Queue::default(),
            state: State::default(),
            attempts: Attempts::default(),
            nominated: SortedMap::new(),
            binding: SortedMap::new(),
            start: 0,
            cycling: false,
            flush: Time::NEVER,
        }
    }
}

/// A pod whose claims are being bound.
#[derive(Debug, Clone)]
struct Binds {
    queued: Queued,
    node: Str,
    claims: Vec<Key>,
    /// When it has waited for long enough.
    until: Time,
}

/// Why no node was found, as far as the queue is concerned.
struct Failure {
    message: String,
    rejectors: SortedSet<&'static str>,
    nodes: Vec<(Str, Verdict)>,
    preempting: Option<Candidate>,
    /// Whether no node would do either if others left it: what was promised to the pod before is off.
    hopeless: bool,
}

impl Scheduler {
    /// Starts it: it learns of everything that there is.
    pub(crate) fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.running = true;
        if let Some(node) = ctx.informers.all(kinds::NODES).next() {
            self.source.host = node.name().clone();
        }
        let everything: Vec<Change> = [kinds::NODES, kinds::PODS]
            .into_iter()
            .flat_map(|kind| ctx.informers.all(kind).map(move |object| (kind, object)))
            .map(|(kind, object)| Change { kind, old: None, new: Some(object.clone()) })
            .collect();
        self.observe(&everything, ctx);
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// What became of the latest attempt for a pod, by its UID.
    pub fn attempt(&self, uid: &str) -> Option<&Attempt> {
        self.attempts.get(uid)
    }

    /// The nodes and what is on them, as the scheduler counts.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Tells it what changed.
    pub(crate) fn observe(&mut self, changes: &[Change], ctx: &mut Ctx<'_>) {
        if !self.running {
            return;
        }
        for change in changes {
            match change.kind {
                kinds::PODS => self.observe_pod(change, ctx),
                kinds::NODES => self.observe_node(change, ctx.now),
                kinds::PERSISTENT_VOLUME_CLAIMS | kinds::PERSISTENT_VOLUMES | kinds::STORAGE_CLASSES => {
                    self.observe_volume(change, ctx)
                }
                _ => {}
            }
        }
        self.plan(ctx);
    }

    /// Goes on.
    pub(crate) fn handle(&mut self, wake: SchedulerWake, ctx: &mut Ctx<'_>) {
        match wake {
            SchedulerWake::Cycle => {
                self.cycling = false;
                if self.running
                    && let Some(queued) = self.queue.pop()
                {
                    self.cycle(queued, ctx);
                }
            }
            SchedulerWake::Flush => {
                if self.flush <= ctx.now {
                    self.flush = Time::NEVER;
                }
                self.queue.flush(ctx.now);
                self.give_up_binding(ctx);
            }
        }
        self.plan(ctx);
    }

    /// Asks to be woken for what is to do next.
    fn plan(&mut self, ctx: &mut Ctx<'_>) {
        if self.queue.ready() && !self.cycling {
            self.cycling = true;
            ctx.after(ctx.latencies.schedule, Event::Scheduler(SchedulerWake::Cycle));
        }
        let binding = self.binding.values().map(|binds| binds.until).min();
        if let Some(at) = [self.queue.next_flush(), binding].into_iter().flatten().min()
            && at < self.flush
        {
            self.flush = at;
            ctx.queue.at(at, Event::Scheduler(SchedulerWake::Flush));
        }
    }

    fn read(&self, pod: &Arc<Object>, informers: &Informers) -> Arc<PodInfo> {
        let namespaces = |selector: &Value| {
            let selector = Selector::from_label_selector(selector).unwrap_or_else(|_| Selector::nothing());
            let selected =
                informers.all(kinds::NAMESPACES).filter(|namespace| selector.matches_object(&namespace.value));
            selected.map(|namespace| namespace.name().clone()).collect()
        };
        Arc::new(PodInfo::read(pod, &namespaces))
    }

    /// One attempt to find a node for a pod.
    fn cycle(&mut self, queued: Queued, ctx: &mut Ctx<'_>) {
        // Between queue and cycle the pod may have gone, or have been bound by somebody else.
        let current = ctx.informers.get(kinds::PODS, queued.pod.key());
        if current.is_none_or(|pod| pod.uid != queued.pod.object.uid || !pod.pod().node.is_empty()) {
            return;
        }
        let pod = queued.pod.clone();
        match self.find_node(&pod, queued.attempts, ctx) {
            Ok((node, volumes)) => self.assign(queued, &node, volumes, ctx),
            Err(failure) => self.fail(queued, failure, ctx),
        }
    }

    /// Filters and scores.
    fn find_node(&mut self, pod: &Arc<PodInfo>, number: u32, ctx: &mut Ctx<'_>) -> Result<(Str, Volumes), Failure> {
        let nodes = self.state.live().len();
        let nothing = |message: String, rejectors: SortedSet<&'static str>| Failure {
            message,
            rejectors,
            nodes: Vec::new(),
            preempting: None,
            hopeless: false,
        };
        if nodes == 0 {
            return Err(nothing("no nodes available to schedule pods".into(), SortedSet::new()));
        }
        let volumes = match Volumes::look(ctx.informers, pod) {
            Ok(volumes) => volumes,
            // The sentence after the full stop is what post-filters find of nodes that nobody asked.
            Err(why) => {
                let message = format!("0/{nodes} nodes are available: {why}. not found");
                return Err(nothing(message, ["VolumeBinding"].into()));
            }
        };
        let (feasible, refusals, unnamed) = self.filter(pod, &volumes);
        if feasible.is_empty() {
            return Err(self.no_node(pod, &volumes, refusals, unnamed, ctx));
        }
        let (best, verdicts) = self.choose(pod, &feasible, ctx);
        let node = self.state.node(best).name.clone();
        let refused =
            refusals.into_iter().map(|(at, refusal)| (self.state.node(at).name.clone(), Verdict::Refused(refusal)));
        let attempt = Attempt {
            at: ctx.now,
            number,
            nodes: verdicts.into_iter().chain(refused).collect(),
            chosen: Some(node.clone()),
            message: String::new(),
        };
        self.attempts.keep(&pod.object.uid, attempt);
        Ok((node, volumes))
    }

    /// The nodes that can take a pod (not all of them, where there are very many), why others cannot, and whether only
    /// nodes that the pod names were asked.
    fn filter(&mut self, pod: &PodInfo, volumes: &Volumes) -> (Vec<usize>, Vec<(usize, Refusal)>, bool) {
        let named = affinity::named_nodes(pod);
        let cycle = Cycle::prepare(&mut self.state, pod, volumes.clone(), &SortedSet::new());
        let live: Vec<usize> = match &named {
            Some(names) => names
                .iter()
                .filter_map(|name| self.state.find(name))
                .filter(|at| self.state.node(*at).object.is_some())
                .collect(),
            None => self.state.live().to_vec(),
        };
        let wanted = enough(live.len());
        let (mut feasible, mut refusals) = (Vec::new(), Vec::new());
        let mut looked_at = 0;
        for step in 0..live.len() {
            let at = live[(self.start + step) % live.len()];
            looked_at += 1;
            match self.refusal(&cycle, at) {
                None => feasible.push(at),
                Some(refusal) => refusals.push((at, refusal)),
            }
            if feasible.len() >= wanted {
                break;
            }
        }
        if named.is_none() && !live.is_empty() {
            self.start = (self.start + looked_at) % live.len();
        }
        (feasible, refusals, named.is_some())
    }

    /// Asks one node; also with those on it that it is promised to.
    fn refusal(&self, cycle: &Cycle<'_>, at: usize) -> Option<Refusal> {
        let node = self.state.node(at);
        let with = preemption::with_promised(&self.nominated, node, cycle.pod);
        with.and_then(|with| cycle.refusal(&with)).or_else(|| cycle.refusal(node))
    }

    /// The best of several nodes; among equals, chance decides.
    fn choose(&mut self, pod: &PodInfo, feasible: &[usize], ctx: &mut Ctx<'_>) -> (usize, Vec<(Str, Verdict)>) {
        let scores = scores::score(&mut self.state, ctx.informers, pod, feasible);
        let verdicts = feasible
            .iter()
            .zip(&scores)
            .take(attempt::MOST_NODES)
            .map(|(at, scores)| (self.state.node(*at).name.clone(), Verdict::Scored(*scores)))
            .collect();
        let totals: Vec<i64> = scores.iter().map(scores::total).collect();
        let most = totals.iter().copied().max().unwrap_or(0);
        let winners: Vec<usize> =
            feasible.iter().zip(&totals).filter(|(_, total)| **total == most).map(|(at, _)| *at).collect();
        let pick = ctx.random.below(u32::try_from(winners.len()).unwrap_or(u32::MAX)) as usize;
        (winners.get(pick).copied().unwrap_or(feasible[0]), verdicts)
    }

    /// No node can take the pod: why, and whether evicting others would help.
    fn no_node(
        &mut self,
        pod: &Arc<PodInfo>,
        volumes: &Volumes,
        refusals: Vec<(usize, Refusal)>,
        named: bool,
        ctx: &mut Ctx<'_>,
    ) -> Failure {
        let nodes = self.state.live().len();
        let mut rejectors: SortedSet<&'static str> = refusals.iter().map(|(_, refusal)| refusal.plugin).collect();
        let mut reasons: Vec<&str> =
            refusals.iter().flat_map(|(_, refusal)| refusal.reasons.iter().map(|reason| &**reason)).collect();
        if named {
            rejectors.insert("NodeAffinity");
            let unasked = nodes.saturating_sub(refusals.len());
            reasons.extend(std::iter::repeat_n("node(s) didn't satisfy plugin(s) [NodeAffinity]", unasked));
        }
        let mut message = sentence(nodes, reasons.into_iter());
        message.push_str(" no new claims to deallocate, preemption: ");
        let (mut preempting, mut hopeless) = (None, false);
        match preemption::find(&mut self.state, ctx.informers, pod, volumes, &refusals, nodes, &self.nominated) {
            Outcome::Found(candidate) => preempting = Some(candidate),
            Outcome::Nothing(why) => {
                message.push_str(&why);
                hopeless = true;
            }
            Outcome::Ineligible(why) => message.push_str(why),
        }
        if preempting.is_some() {
            // Nothing is said of preemption when it goes ahead.
            let end = message.rfind(" no new claims").unwrap_or(message.len());
            message.truncate(end);
        }
        let verdicts = refusals
            .into_iter()
            .map(|(at, refusal)| (self.state.node(at).name.clone(), Verdict::Refused(refusal)))
            .collect();
        Failure { message, rejectors, nodes: verdicts, preempting, hopeless }
    }

    /// A pod has its node: from now on it counts there, and is bound.
    fn assign(&mut self, queued: Queued, node: &Str, volumes: Volumes, ctx: &mut Ctx<'_>) {
        let pod = queued.pod.clone();
        self.denominate(pod.key());
        self.state.set_pod(node, pod.clone());
        let bindings = self.state.find(node).and_then(|at| volumes.bindings(self.state.node(at))).unwrap_or_default();
        if !bindings.is_empty() {
            // It takes a while: where the pod is going to be is known already.
            let mut client = ctx.client(ACTOR);
            if let Ok(mut object) = client.get(kinds::PODS, &pod.key().namespace, &pod.key().name) {
                nominate(&mut object, Some(node));
                let _ = client.update_status(kinds::PODS, &pod.key().namespace, object);
            }
            events::prepare_claims(ctx, &bindings, node);
            let claims = bindings.into_iter().map(|(claim, _)| claim).collect();
            let binds = Binds { queued, node: node.clone(), claims, until: ctx.now + BIND_TIMEOUT };
            self.binding.insert(pod.key().clone(), binds);
            return;
        }
        self.bind(&pod, node, queued, ctx);
    }

    fn bind(&mut self, pod: &Arc<PodInfo>, node: &Str, queued: Queued, ctx: &mut Ctx<'_>) {
        let key = pod.key();
        match ctx.client(ACTOR).bind(&key.namespace, &key.name, node) {
            Ok(()) => {
                let message = format!("Successfully assigned {key} to {node}");
                let about = Reference::of(&pod.object.value);
                ctx.event_with_action(&self.source.clone(), &about, None, "Normal", "Scheduled", "Binding", &message);
            }
            Err(status) => {
                self.state.remove_pod(key);
                if !status.is("NotFound") {
                    self.queue.retry(queued, ctx.now);
                }
            }
        }
    }

    /// Pods whose claims were not bound in time lose their nodes, and try again.
    fn give_up_binding(&mut self, ctx: &mut Ctx<'_>) {
        let late: Vec<Key> =
            self.binding.iter().filter(|(_, binds)| binds.until <= ctx.now).map(|(key, _)| key.clone()).collect();
        for key in late {
            let Some(binds) = self.binding.remove(&key) else { continue };
            self.state.remove_pod(&key);
            let message = "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded";
            let pod = binds.queued.pod.clone();
            let (source, about) = (self.source.clone(), Reference::of(&pod.object.value));
            ctx.event_with_action(&source, &about, None, "Warning", "FailedScheduling", "Scheduling", message);
            self.note_unschedulable(&pod, "SchedulerError", message, Some(&Str::default()), ctx);
            self.queue.retry(binds.queued, ctx.now);
        }
    }

    /// A pod found no node: it says so, and waits.
    fn fail(&mut self, queued: Queued, failure: Failure, ctx: &mut Ctx<'_>) {
        let pod = queued.pod.clone();
        let message: String = failure.message.chars().take(1024).collect();
        let attempt = Attempt {
            at: ctx.now,
            number: queued.attempts,
            nodes: failure.nodes,
            chosen: None,
            message: message.clone(),
        };
        self.attempts.keep(&pod.object.uid, attempt);
        self.queue.wait(queued, failure.rejectors, ctx.now);
        let about = Reference::of(&pod.object.value);
        let source = self.source.clone();
        ctx.event_with_action(&source, &about, None, "Warning", "FailedScheduling", "Scheduling", &message);
        let nominated = failure.preempting.as_ref().map(|candidate| self.state.node(candidate.node).name.clone());
        let nobody = Str::default();
        let told = nominated.as_ref().or(failure.hopeless.then_some(&nobody));
        if failure.hopeless {
            self.denominate(pod.key());
        }
        self.note_unschedulable(&pod, "Unschedulable", &message, told, ctx);
        if let (Some(candidate), Some(node)) = (failure.preempting, nominated) {
            self.denominate(pod.key());
            self.withdraw(&pod, &node, ctx);
            self.nominated.entry(node.clone()).or_default().insert(pod.key().clone(), pod.clone());
            self.evict(&pod, &node, &candidate, ctx);
        }
    }

    /// Writes why a pod has no node into its status.
    fn note_unschedulable(
        &self,
        pod: &PodInfo,
        reason: &str,
        message: &str,
        nominated: Option<&Str>,
        ctx: &mut Ctx<'_>,
    ) {
        let key = pod.key();
        let Ok(mut object) = ctx.client(ACTOR).get(kinds::PODS, &key.namespace, &key.name) else { return };
        if object["metadata"]["uid"] != pod.object.uid.as_str() {
            return;
        }
        let mut condition = new_condition("PodScheduled", "False", reason, message, ctx.now);
        condition.set("lastProbeTime", Value::Null);
        condition.set("observedGeneration", object["metadata"]["generation"].clone());
        let conditions = object["status"]["conditions"].items_mut();
        match conditions.iter_mut().find(|old| old["type"] == "PodScheduled") {
            Some(old) => {
                let since = old["lastTransitionTime"].clone();
                let same = old["status"] == "False";
                *old = condition;
                if same {
                    old.set("lastTransitionTime", since);
                }
            }
            None => conditions.push(condition),
        }
        nominate(&mut object, nominated);
        let _ = ctx.client(ACTOR).update_status(kinds::PODS, &key.namespace, object);
    }

    /// Deletes the victims of a preemption.
    fn evict(&self, pod: &PodInfo, node: &Str, candidate: &Candidate, ctx: &mut Ctx<'_>) {
        for victim in &candidate.victims {
            let key = victim.key();
            let Ok(mut object) = ctx.client(ACTOR).get(kinds::PODS, &key.namespace, &key.name) else { continue };
            if object["metadata"]["deletionTimestamp"].is_null() {
                let words = format!("{NAME}: preempting to accommodate a higher priority pod");
                let condition = new_condition("DisruptionTarget", "True", "PreemptionByScheduler", &words, ctx.now);
                crate::controllers::common::set_condition(&mut object["status"]["conditions"], condition);
                let mut client = ctx.client(ACTOR);
                let _ = client.update_status(kinds::PODS, &key.namespace, object);
                let _ = client.delete(kinds::PODS, &key.namespace, &key.name, &DeleteOptions::default());
            }
            let message = format!("Preempted by pod {} on node {node}", pod.object.uid);
            let about = Reference::of(&victim.object.value);
            let related = Reference::of(&pod.object.value).to_value();
            let source = self.source.clone();
            ctx.event_with_action(&source, &about, Some(&related), "Normal", "Preempted", "Preempting", &message);
        }
    }

    /// No node is promised to a pod any more.
    fn denominate(&mut self, key: &Key) {
        self.nominated.retain(|_, pods| {
            pods.remove(key);
            !pods.is_empty()
        });
    }
}

/// Writes into a pod for which node it is meant; an empty name takes that back.
fn nominate(pod: &mut Value, node: Option<&Str>) {
    let Some(node) = node else { return };
    if node.is_empty() {
        pod["status"].remove("nominatedNodeName");
    } else {
        pod["status"].set("nominatedNodeName", node.clone());
    }
}

/// How many nodes that can take a pod are enough to choose from: all of up to a hundred, a shrinking part of more.
fn enough(nodes: usize) -> usize {
    if nodes <= MIN_NODES {
        return nodes.max(1);
    }
    let percent = (50usize.saturating_sub(nodes / 125)).max(5);
    (nodes * percent / 100).max(MIN_NODES)
}

#[cfg(test)]
mod tests {
    use super::enough;

    #[test]
    fn of_many_nodes_a_part_is_enough() {
        for (nodes, expected) in [(2, 2), (100, 100), (150, 100), (1000, 420), (5000, 500), (20_000, 1000)] {
            assert_eq!(enough(nodes), expected, "{nodes}");
        }
    }
}
