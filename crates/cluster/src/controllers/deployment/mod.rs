//! Deployments: a ReplicaSet for every version of the pod template, and the way from one to the next.
//!
//! - this file: the controller, and what one reconciliation consists of.
//! - [`revisions`]: finding, making, numbering and forgetting ReplicaSets.
//! - [`rollout`]: the two strategies.
//! - [`scale`]: scaling one ReplicaSet, and all of them in proportion.
//! - [`status`]: counts, conditions, the progress deadline.

mod revisions;
mod rollout;
mod scale;
mod status;

use drydock_sorted::Sort;
use std::sync::Arc;

use drydock_api::Status;
use drydock_schema::intstr;
use drydock_value::Value;

use super::common;
use super::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds};

const NAME: &str = "deployment-controller";

/// The controller.
#[derive(Debug, Clone)]
pub struct Deployments {
    actor: String,
    source: Source,
}

impl Default for Deployments {
    fn default() -> Deployments {
        Deployments { actor: actor(NAME), source: source(NAME) }
    }
}

/// The ReplicaSets of a Deployment.
#[derive(Debug, Clone, Default)]
struct Sets {
    /// The one of the present template.
    new: Option<Value>,
    /// All others, oldest first.
    old: Vec<Value>,
}

impl Sets {
    fn all(&self) -> impl Iterator<Item = &Value> {
        self.old.iter().chain(&self.new)
    }
}

/// One reconciliation under way.
struct Work<'w, 'c> {
    ctx: &'w mut Ctx<'c>,
    controller: &'w Deployments,
    /// The Deployment, with what this reconciliation changed of it.
    deployment: Value,
    /// Its ReplicaSets, oldest first.
    owned: Vec<Value>,
    /// When to look again for lack of progress.
    requeue: Requeue,
}

impl Work<'_, '_> {
    fn name(&self) -> &str {
        self.deployment["metadata"]["name"].str()
    }

    fn namespace(&self) -> String {
        self.deployment["metadata"]["namespace"].str().to_owned()
    }

    fn replicas(&self) -> i64 {
        common::spec_replicas(&self.deployment)
    }

    fn rolling(&self) -> bool {
        self.deployment["spec"]["strategy"]["type"] != "Recreate"
    }

    /// How many pods there may be beyond the wanted ones.
    fn max_surge(&self) -> i64 {
        if self.rolling() { self.fence_posts().0 } else { 0 }
    }

    /// How many of the wanted pods may be missing.
    fn max_unavailable(&self) -> i64 {
        if !self.rolling() || self.replicas() == 0 {
            return 0;
        }
        self.fence_posts().1.min(self.replicas())
    }

    /// Surge and unavailability; not both 0, or nothing could ever be rolled out.
    fn fence_posts(&self) -> (i64, i64) {
        let rolling = &self.deployment["spec"]["strategy"]["rollingUpdate"];
        let part = |field: &str, round_up: bool| {
            let value = &rolling[field];
            if value.is_null() { 0 } else { intstr::scaled(value, self.replicas(), round_up).unwrap_or(0) }
        };
        let (surge, unavailable) = (part("maxSurge", true), part("maxUnavailable", false));
        (surge, if surge == 0 && unavailable == 0 { 1 } else { unavailable })
    }

    fn event(&mut self, kind: &str, reason: &str, message: &str) {
        let about = Reference::of(&self.deployment);
        self.ctx.event(&self.controller.source, &about, kind, reason, message);
    }

    /// Writes the status, and the annotations that go with it.
    fn update_status(&mut self) -> Result<(), Status> {
        let namespace = self.namespace();
        let written = self.ctx.client(&self.controller.actor).update_status(
            kinds::DEPLOYMENTS,
            &namespace,
            self.deployment.clone(),
        )?;
        self.deployment = written;
        Ok(())
    }

    fn reconcile(&mut self) -> Result<(), Status> {
        let spec = &self.deployment["spec"];
        if spec["selector"].is_empty() {
            self.event(
                "Warning",
                "SelectingAll",
                "This deployment is selecting all pods. A non-empty selector is required.",
            );
            return Ok(());
        }
        let deleting = !self.deployment["metadata"]["deletionTimestamp"].is_null();
        if deleting {
            let sets = self.sets(false)?;
            return self.sync_status(&sets);
        }
        self.note_pause()?;
        if self.deployment["spec"]["paused"].is_true() {
            return self.resize(true);
        }
        if self.scaling_event()? {
            return self.resize(false);
        }
        if self.rolling() { self.roll() } else { self.recreate() }
    }

    /// Scales without rolling out: the template may have changed, but it is paused, or a scaling comes first.
    fn resize(&mut self, paused: bool) -> Result<(), Status> {
        let mut sets = self.sets(false)?;
        self.scale_all(&mut sets)?;
        if paused {
            self.clean_up(&sets)?;
        }
        self.sync_status(&sets)
    }

    /// Whether the Deployment's size changed since its ReplicaSets were last scaled.
    fn scaling_event(&mut self) -> Result<bool, Status> {
        let sets = self.sets(false)?;
        let wanted = self.replicas();
        Ok(sets
            .all()
            .filter(|set| common::spec_replicas(set) > 0)
            .any(|set| scale::desired_annotation(set).is_some_and(|desired| desired != wanted)))
    }
}

impl Deployments {
    /// The ReplicaSets that are the Deployment's, adopting and releasing as needed; oldest first.
    fn claim(&self, ctx: &mut Ctx<'_>, deployment: &Arc<Object>) -> Result<Vec<Value>, Status> {
        let selector = common::selector(&deployment.value)?;
        let informers = ctx.informers;
        let mut owned: Vec<&Arc<Object>> = Vec::new();
        // Orphans are few, but nothing indexes them: ReplicaSets of one namespace are looked through.
        let candidates = informers.in_namespace(kinds::REPLICA_SETS, deployment.namespace());
        for set in candidates {
            if set.controller().is_none_or(|owner| owner.uid == deployment.uid)
                && common::claim(ctx, &self.actor, kinds::DEPLOYMENTS, deployment, &selector, kinds::REPLICA_SETS, set)?
            {
                owned.push(set);
            }
        }
        owned.sort_compact_by(|a, b| a.created.cmp(&b.created).then_with(|| a.name().cmp(b.name())));
        Ok(owned.into_iter().map(|set| set.value.clone()).collect())
    }

    fn observe_set(&self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        let owner_of = |set: &Option<Arc<Object>>| {
            let set = set.as_ref()?;
            let owner = set.controller().filter(|owner| owner.kind == "Deployment")?;
            let deployment = informers.find(kinds::DEPLOYMENTS, set.namespace(), &owner.name)?;
            (deployment.uid == owner.uid).then(|| deployment.key.clone())
        };
        let (before, after) = (owner_of(&change.old), owner_of(&change.new));
        for key in before.iter().chain(&after) {
            queue.add(key);
        }
        if let Some(set) = &change.new
            && set.controller().is_none()
            && (change.old.is_none() || change.differs(&["metadata"]))
        {
            for deployment in informers.in_namespace(kinds::DEPLOYMENTS, set.namespace()) {
                if common::selector(&deployment.value).is_ok_and(|selector| common::matches(&selector, set)) {
                    queue.add(&deployment.key);
                }
            }
        }
    }

    /// A pod that is gone may be the last that a Recreate waits for.
    fn observe_pod(&self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        let (Some(pod), None) = (&change.old, &change.new) else { return };
        let Some(owner) = pod.controller().filter(|owner| owner.kind == "ReplicaSet") else { return };
        let Some(set) = informers.find(kinds::REPLICA_SETS, pod.namespace(), &owner.name) else { return };
        let Some(owner) = set.controller().filter(|owner| owner.kind == "Deployment") else { return };
        if let Some(deployment) = informers.find(kinds::DEPLOYMENTS, set.namespace(), &owner.name)
            && deployment["spec"]["strategy"]["type"] == "Recreate"
        {
            queue.add(&deployment.key);
        }
    }
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::DEPLOYMENTS, kinds::REPLICA_SETS, kinds::PODS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        match change.kind {
            kinds::DEPLOYMENTS => queue.add(change.key()),
            kinds::REPLICA_SETS => self.observe_set(change, informers, queue),
            _ => self.observe_pod(change, informers, queue),
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(deployment) = ctx.informers.get(kinds::DEPLOYMENTS, key).cloned() else { return Ok(Requeue::Done) };
        let owned = self.claim(ctx, &deployment)?;
        let mut work =
            Work { ctx, controller: self, deployment: deployment.value.clone(), owned, requeue: Requeue::Done };
        match work.reconcile() {
            // It was deleted meanwhile: the cache will say so.
            Err(status) if status.is("NotFound") => Ok(Requeue::Done),
            Err(status) => Err(status),
            Ok(()) => Ok(work.requeue),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
