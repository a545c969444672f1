//! The controllers of kube-controller-manager: one file each, one row each in [`table`].
//!
//! A controller hears of changes ([`Controller::observe`]) and turns them into keys; its queue hands the keys out one by
//! one ([`Controller::reconcile`]), and a key whose reconciliation failed comes back later. It reads the informers and
//! writes through the API server as its own service account. Whatever it remembers between reconciliations is part of
//! the session, so it is plain data and clones.

mod autoscaler;
mod availability;
mod certificates;
mod cleanup;
pub mod common;
mod cron;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod endpoints;
mod ephemeral;
mod expectations;
mod garbage;
mod history;
mod ingress;
mod job;
mod namespaces;
mod nodes;
mod policies;
mod quota;
mod ranking;
mod replicaset;
mod roles;
mod service_accounts;
mod service_cidrs;
mod statefulset;
mod taints;
mod tokens;
pub(crate) mod volumes;

pub use taints::tolerates;

use std::time::Duration;

use crate::store::Kind;
use drydock_api::Status;
use drydock_value::Time;

use crate::config::Latencies;
use crate::ctx::Ctx;
use crate::events::Source;
use crate::informers::{Change, Informers};
use crate::objects::Key;
use crate::queue::Event;
use crate::workqueue::{self, WorkQueue};

/// What a reconciliation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requeue {
    /// Nothing: the next change will wake the key.
    Done,
    /// To look again after this long.
    After(Duration),
    /// To look again as after a failure, without there being one to tell.
    Limited,
}

/// What a controller hands its keys to.
pub struct Enqueue<'a> {
    queue: &'a mut WorkQueue<Key>,
    /// The moment.
    pub now: Time,
}

impl Enqueue<'_> {
    /// Asks for a key to be reconciled.
    pub fn add(&mut self, key: &Key) {
        self.queue.add(key.clone());
    }

    /// Asks for a key to be reconciled after a while.
    pub fn after(&mut self, key: &Key, wait: Duration) {
        self.queue.add_at(key.clone(), self.now + wait);
    }
}

/// A control loop.
pub trait Controller: Send + Sync {
    /// Its name, as in its service account and in events.
    fn name(&self) -> &'static str;

    /// The kinds whose changes it hears of; empty means all.
    fn watches(&self) -> &'static [Kind];

    /// Turns a change into keys.
    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>);

    /// Brings the world closer to what the key's object asks for.
    ///
    /// # Errors
    /// When a write failed; the key comes back with back-off.
    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status>;

    /// How long its worker is busy with the reconciliation that has just been made. Changes that come meanwhile are taken
    /// together, as in a real cluster: a controller that goes through all its objects at each change of one would
    /// otherwise do work that grows with their square.
    fn busy(&self) -> Duration {
        Duration::ZERO
    }

    /// The first and the longest wait after failures.
    fn waits(&self) -> (Duration, Duration) {
        workqueue::WAITS
    }

    /// Asked once, when the controllers start: keys of work that no change announces.
    fn start(&mut self, _queue: &mut Enqueue<'_>) {}

    /// A copy, with all that it remembers.
    fn clone_box(&self) -> Box<dyn Controller>;
}

/// The user as whom a controller writes.
pub fn actor(name: &str) -> String {
    format!("system:serviceaccount:kube-system:{name}")
}

/// How a controller reports events.
pub fn source(component: &str) -> Source {
    Source::component(component, &actor(component))
}

/// Every controller: a new one is a file and a row.
fn table(latencies: &Latencies) -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(service_accounts::Furnish::service_accounts()),
        Box::new(service_accounts::Furnish::root_ca()),
        Box::new(nodes::Nodes::default()),
        Box::new(taints::TaintEviction::default()),
        Box::new(namespaces::Namespaces::new(latencies.namespace_deletion)),
        Box::new(garbage::Garbage::default()),
        Box::new(deployment::Deployments::default()),
        Box::new(replicaset::ReplicaSets::new()),
        Box::new(replicaset::ReplicaSets::replication_controllers()),
        Box::new(daemonset::DaemonSets::default()),
        Box::new(statefulset::StatefulSets::default()),
        Box::new(job::Jobs::default()),
        Box::new(cronjob::CronJobs::default()),
        Box::new(endpoints::Slices::default()),
        Box::new(endpoints::Endpoints::default()),
        Box::new(endpoints::Mirror),
        Box::new(disruption::Disruption),
        Box::new(quota::Quotas),
        Box::new(roles::Aggregation),
        Box::new(volumes::Volumes::default()),
        Box::new(ephemeral::EphemeralVolumes),
        Box::new(tokens::Tokens),
        Box::new(cleanup::Protection::claims()),
        Box::new(cleanup::Protection::volumes()),
        Box::new(cleanup::TimeToLive),
        Box::new(cleanup::PodGarbage),
        Box::new(certificates::Certificates::approving()),
        Box::new(certificates::Certificates::signing()),
        Box::new(certificates::Certificates::cleaning()),
        Box::new(autoscaler::Autoscalers::default()),
        Box::new(availability::Availability),
        Box::new(ingress::Ingresses::default()),
        Box::new(policies::PolicyStatus),
        Box::new(service_cidrs::ServiceCidrs),
    ]
}

/// A controller and its queue.
struct Slot {
    controller: Box<dyn Controller>,
    queue: WorkQueue<Key>,
    /// When the next wake is due that is in the clock's queue already.
    wake: Time,
    /// Until when its worker is busy with the last key.
    busy: Time,
}

impl Clone for Slot {
    fn clone(&self) -> Slot {
        Slot { controller: self.controller.clone_box(), queue: self.queue.clone(), wake: self.wake, busy: self.busy }
    }
}

/// kube-controller-manager.
#[derive(Clone)]
pub struct Controllers {
    slots: Vec<Slot>,
    running: bool,
}

impl Controllers {
    /// All of them, not started.
    pub(crate) fn new(latencies: &Latencies) -> Controllers {
        let slots = table(latencies)
            .into_iter()
            .map(|controller| Slot {
                controller,
                queue: WorkQueue::default(),
                wake: Time::NEVER,
                busy: Time::default(),
            })
            .collect();
        Controllers { slots, running: false }
    }

    /// Starts them: they hear of everything that there is.
    pub(crate) fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.running = true;
        for slot in &mut self.slots {
            slot.controller.start(&mut Enqueue { queue: &mut slot.queue, now: ctx.now });
        }
        let everything: Vec<Change> = Kind::all()
            .chain(ctx.api.custom_kinds())
            .flat_map(|kind| ctx.informers.all(kind).map(move |object| (kind, object)))
            .map(|(kind, object)| Change { kind, old: None, new: Some(object.clone()) })
            .collect();
        self.observe(&everything, ctx);
    }

    /// Tells them what changed.
    pub(crate) fn observe(&mut self, changes: &[Change], ctx: &mut Ctx<'_>) {
        if !self.running {
            return;
        }
        for (number, slot) in self.slots.iter_mut().enumerate() {
            let watches = slot.controller.watches();
            let mut queue = Enqueue { queue: &mut slot.queue, now: ctx.now };
            for change in changes {
                if watches.is_empty() || watches.contains(&change.kind) {
                    slot.controller.observe(change, ctx.informers, &mut queue);
                }
            }
            slot.plan(number, ctx);
        }
    }

    /// Lets a controller handle one key, if one is due.
    pub(crate) fn work(&mut self, number: u16, ctx: &mut Ctx<'_>) {
        let Some(slot) = self.slots.get_mut(usize::from(number)) else { return };
        if slot.wake <= ctx.now {
            slot.wake = Time::NEVER;
        }
        if let Some(key) = slot.queue.pop(ctx.now) {
            match slot.controller.reconcile(&key, ctx) {
                Ok(Requeue::Done) => slot.queue.forget(&key),
                Ok(Requeue::After(wait)) => {
                    slot.queue.forget(&key);
                    slot.queue.add_at(key, ctx.now + wait);
                }
                Ok(Requeue::Limited) | Err(_) => {
                    let waits = slot.controller.waits();
                    slot.queue.add_rate_limited(key, ctx.now, waits);
                }
            }
            slot.busy = ctx.now + slot.controller.busy();
        }
        slot.plan(usize::from(number), ctx);
    }
}

impl Slot {
    /// Asks to be woken when the next key is due, unless that was asked already.
    fn plan(&mut self, number: usize, ctx: &mut Ctx<'_>) {
        let Some(due) = self.queue.next(ctx.now) else { return };
        let at = due.max(ctx.now + ctx.latencies.reconcile).max(self.busy);
        if at < self.wake {
            self.wake = at;
            ctx.queue.at(at, Event::Controller(u16::try_from(number).unwrap_or(u16::MAX)));
        }
    }
}
