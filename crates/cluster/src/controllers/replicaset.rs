//! ReplicaSets: as many pods as the spec says. ReplicationControllers are the same by another name.

use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_schema::labels::Selector;
use drydock_value::{Time, Value, value};

use super::common::{self, PodControl, ignore_absent, namespace_terminating, new_condition};
use super::expectations::Expectations;
use super::{Controller, Enqueue, Requeue, ranking};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds};

/// The most pods that one reconciliation creates or deletes.
const BURST: i64 = 500;

/// What looking at one pod takes a worker.
const LOOK: Duration = Duration::from_micros(10);

/// The controller of one of the two kinds.
#[derive(Debug, Clone)]
pub struct ReplicaSets {
    kind: Kind,
    name: &'static str,
    watches: &'static [Kind],
    control: PodControl,
    expectations: Expectations,
    /// How many pods the last reconciliation looked at.
    looked: u32,
}

impl ReplicaSets {
    /// For ReplicaSets.
    pub fn new() -> ReplicaSets {
        ReplicaSets::of(kinds::REPLICA_SETS, "replicaset-controller", &[kinds::REPLICA_SETS, kinds::PODS])
    }

    /// For ReplicationControllers.
    pub fn replication_controllers() -> ReplicaSets {
        ReplicaSets::of(
            kinds::REPLICATION_CONTROLLERS,
            "replication-controller",
            &[kinds::REPLICATION_CONTROLLERS, kinds::PODS],
        )
    }

    fn of(kind: Kind, name: &'static str, watches: &'static [Kind]) -> ReplicaSets {
        ReplicaSets {
            kind,
            name,
            watches,
            control: PodControl::new(name),
            expectations: Expectations::default(),
            looked: 0,
        }
    }

    /// The selector of either kind: a ReplicationController's is a plain map.
    fn selector(&self, set: &Value) -> Result<Selector, Status> {
        if self.kind == kinds::REPLICATION_CONTROLLERS {
            let selector = value!({"matchLabels": &set["spec"]["selector"]});
            return common::selector(&value!({"spec": {"selector": selector}}));
        }
        common::selector(set)
    }

    /// The owner of a pod among the sets of this kind.
    fn owner_of<'a>(&self, pod: &Object, informers: &'a Informers) -> Option<&'a Arc<Object>> {
        let owner = pod.controller().filter(|owner| owner.kind == self.kind.info().kind)?;
        informers.find(self.kind, pod.namespace(), &owner.name).filter(|set| set.uid == owner.uid)
    }

    fn observe_pod(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        let pod = change.object();
        let old_owner = change.old.as_ref().and_then(|old| self.owner_of(old, informers));
        let owner = change.new.as_ref().and_then(|new| self.owner_of(new, informers));
        if let Some(old) = old_owner
            && owner.is_none_or(|new| new.uid != old.uid)
        {
            self.expectations.deleted(&old.key, &pod.uid);
            queue.add(&old.key);
        }
        let Some(new) = &change.new else { return };
        if let Some(owner) = owner {
            if new.deleting.is_some() {
                // A pod that ends is as good as gone: its replacement must not wait for it.
                self.expectations.deleted(&owner.key, &new.uid);
            } else if change.old.is_none() {
                self.expectations.created(&owner.key);
            }
            queue.add(&owner.key);
            let seconds = owner["spec"]["minReadySeconds"].int();
            let became_ready = new.pod().ready() && change.old.as_ref().is_none_or(|old| !old.pod().ready());
            if seconds > 0 && became_ready {
                queue.after(&owner.key, Duration::from_secs(seconds.unsigned_abs() + 1));
            }
        } else if new.controller().is_none()
            && new.deleting.is_none()
            && (change.old.is_none() || change.differs(&["metadata"]))
        {
            // An orphan: somebody may want it.
            for set in informers.in_namespace(self.kind, new.namespace()) {
                if self.selector(&set.value).is_ok_and(|selector| common::matches(&selector, new)) {
                    queue.add(&set.key);
                }
            }
        }
    }

    /// Creates or deletes pods until there are as many as there should be.
    fn manage(&mut self, ctx: &mut Ctx<'_>, set: &Arc<Object>, active: &[Arc<Object>]) -> Result<(), Status> {
        let wanted = common::spec_replicas(&set.value);
        let difference = wanted - i64::try_from(active.len()).unwrap_or(i64::MAX);
        if difference > 0 {
            self.create(ctx, set, difference.min(BURST))
        } else if difference < 0 {
            self.delete(ctx, set, active, usize::try_from((-difference).min(BURST)).unwrap_or(0))
        } else {
            Ok(())
        }
    }

    /// Creates pods in batches that double, so that what fails for one is not tried for all.
    fn create(&mut self, ctx: &mut Ctx<'_>, set: &Arc<Object>, count: i64) -> Result<(), Status> {
        self.expectations.expect_creations(&set.key, u32::try_from(count).unwrap_or(0), ctx.now);
        let pod = PodControl::pod(&set["spec"]["template"], self.kind, &set.value);
        let count = usize::try_from(count).unwrap_or(0);
        let (skipped, result) = common::in_batches(count, &mut |_| {
            match self.control.create(ctx, &set.value, pod.clone()) {
                Ok(_) => Ok(()),
                // Nothing will come of it, nor needs to.
                Err(status) if namespace_terminating(&status) => Ok(()),
                Err(status) => {
                    self.expectations.created(&set.key);
                    Err(status)
                }
            }
        });
        (0..skipped).for_each(|_| self.expectations.created(&set.key));
        result
    }

    fn delete(
        &mut self,
        ctx: &mut Ctx<'_>,
        set: &Arc<Object>,
        active: &[Arc<Object>],
        count: usize,
    ) -> Result<(), Status> {
        let related = self.related(ctx.informers, set, active);
        let victims = ranking::to_delete(active, &related, count, ctx.now);
        self.expectations.expect_deletions(&set.key, victims.iter().map(|pod| pod.uid.clone()), ctx.now);
        let mut result = Ok(());
        for pod in victims {
            if let Err(status) = self.control.delete(ctx, &set.value, pod.name()) {
                self.expectations.deleted(&set.key, &pod.uid);
                if !status.is("NotFound") {
                    result = Err(status);
                }
            }
        }
        result
    }

    /// The active pods of all sets with the same owner (the revisions of one Deployment).
    fn related(&self, informers: &Informers, set: &Object, active: &[Arc<Object>]) -> Vec<Arc<Object>> {
        let Some(owner) = set.controller() else { return active.to_vec() };
        informers
            .controlled(self.kind, &owner.uid)
            .flat_map(|sibling| informers.controlled(kinds::PODS, &sibling.uid))
            .cloned()
            .collect()
    }

    fn status(
        &self,
        set: &Object,
        active: &[Arc<Object>],
        terminating: usize,
        failure: Option<&Status>,
        now: Time,
    ) -> Value {
        let spec = &set["spec"];
        let seconds = spec["minReadySeconds"].int();
        let labels = &spec["template"]["metadata"]["labels"];
        let mut labeled =
            common::Matcher::new(|of| labels.entries().all(|(key, value)| of.get(key).is_some_and(|its| its == value)));
        let count = |wanted: &mut dyn FnMut(&Object) -> bool| active.iter().filter(|pod| wanted(pod)).count();
        let mut status = set["status"].clone();
        let counts = [
            ("fullyLabeledReplicas", count(&mut |pod| labeled.matches(pod))),
            ("readyReplicas", count(&mut |pod| pod.pod().ready())),
            ("availableReplicas", count(&mut |pod| pod.pod().available(seconds, now))),
        ];
        status.set("replicas", active.len());
        for (field, number) in counts {
            set_count(&mut status, field, number);
        }
        if self.kind == kinds::REPLICA_SETS {
            status.set("terminatingReplicas", terminating);
        }
        status.set("observedGeneration", set["metadata"]["generation"].clone());
        let known = status["conditions"].find("type", "ReplicaFailure").is_some();
        match failure {
            Some(failure) if !known => {
                let missing = common::spec_replicas(&set.value) > i64::try_from(active.len()).unwrap_or(i64::MAX);
                let reason = if missing { "FailedCreate" } else { "FailedDelete" };
                let condition = new_condition("ReplicaFailure", "True", reason, &failure.message, now);
                status["conditions"].push(condition);
            }
            None if known => {
                common::remove_condition(&mut status["conditions"], "ReplicaFailure");
                if status["conditions"].is_empty() {
                    status.remove("conditions");
                }
            }
            _ => {}
        }
        status
    }
}

/// Sets a count, which is left out when it is 0.
fn set_count(status: &mut Value, field: &str, count: usize) {
    if count == 0 {
        status.remove(field);
    } else {
        status.set(field, count);
    }
}

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        self.name
    }

    fn watches(&self) -> &'static [Kind] {
        self.watches
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::PODS {
            return self.observe_pod(change, informers, queue);
        }
        if change.new.is_none() {
            self.expectations.forget(change.key());
        }
        queue.add(change.key());
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        self.looked = 0;
        let Some(set) = ctx.informers.get(self.kind, key).cloned() else {
            self.expectations.forget(key);
            return Ok(Requeue::Done);
        };
        let in_sync = self.expectations.satisfied(key, ctx.now);
        let selector = self.selector(&set.value)?;
        let informers = ctx.informers;
        let mut matcher = common::Matcher::new(|labels| selector.matches(labels));
        let mut active = Vec::new();
        let mut terminating = 0;
        for pod in informers.controlled(kinds::PODS, &set.uid).chain(informers.orphan_pods(&key.namespace)) {
            self.looked += 1;
            let claim = common::judge_by(&set, |pod| matcher.matches(pod), pod);
            if pod.active_pod() {
                // Nearly all are the set's and stay so; for the rest the API server is asked.
                if claim == common::Claim::Keep
                    || common::claim(ctx, &self.control.actor, self.kind, &set, &selector, kinds::PODS, pod)?
                {
                    active.push(pod.clone());
                }
            } else if !pod.pod().terminal() && claim == common::Claim::Keep {
                terminating += 1;
            }
        }
        let managed = if in_sync && set.deleting.is_none() { self.manage(ctx, &set, &active) } else { Ok(()) };
        let status = self.status(&set, &active, terminating, managed.as_ref().err(), ctx.now);
        if status != set["status"] {
            let mut updated = set.value.clone();
            updated.set("status", status.clone());
            ignore_absent(ctx.client(&self.control.actor).update_status(self.kind, &key.namespace, updated))?;
        }
        managed?;
        let seconds = set["spec"]["minReadySeconds"].int();
        let next = active
            .iter()
            .filter_map(|pod| pod.pod().ready_since)
            .map(|since| since + Duration::from_secs(seconds.max(0).unsigned_abs()))
            .filter(|at| *at > ctx.now)
            .min();
        Ok(next.map_or(Requeue::Done, |at| Requeue::After(at.since(ctx.now))))
    }

    fn busy(&self) -> Duration {
        LOOK * self.looked
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
