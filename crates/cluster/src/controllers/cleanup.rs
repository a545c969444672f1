//! Small controllers that tidy up: Jobs past their time to live, pods that nobody will end, and the finalizers that keep
//! claims and volumes while they are used.

use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Str, Value};

use super::common::ignore_absent;
use super::job::finished;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, moment};
use crate::scheduler::volumes::{claims, not_for};
use crate::store::{DeleteOptions, Kind, Propagation, kinds};

/// Deletes Jobs `ttlSecondsAfterFinished` after their end.
#[derive(Debug, Clone, Default)]
pub struct TimeToLive;

impl Controller for TimeToLive {
    fn name(&self) -> &'static str {
        "ttl-after-finished-controller"
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::JOBS]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        let waits = |job: &Object| {
            !job["spec"]["ttlSecondsAfterFinished"].is_null()
                && job.deleting.is_none()
                && finished(&job.value).is_some()
        };
        if change.new.as_ref().is_some_and(|job| waits(job)) {
            queue.add(change.key());
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(job) = ctx.informers.get(kinds::JOBS, key).cloned() else { return Ok(Requeue::Done) };
        let (Some(seconds), Some(end)) =
            (job["spec"]["ttlSecondsAfterFinished"].as_i64(), finished(&job.value).filter(|_| job.deleting.is_none()))
        else {
            return Ok(Requeue::Done);
        };
        let ended = moment(&end["lastTransitionTime"]).unwrap_or(ctx.now);
        let due = ended + Duration::from_secs(seconds.max(0).unsigned_abs());
        if due > ctx.now {
            return Ok(Requeue::After(due.since(ctx.now)));
        }
        let options = DeleteOptions::with_propagation(Propagation::Foreground).of_uid(job.uid.as_str());
        ignore_absent(ctx.client(&actor(self.name())).delete(kinds::JOBS, &key.namespace, &key.name, &options))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Deletes pods that no kubelet will end: their node is gone, or out of service.
#[derive(Debug, Clone, Default)]
pub struct PodGarbage;

/// How long a node has to be gone before its pods are given up.
const QUARANTINE: Duration = Duration::from_secs(40);
/// How often the pods of a node that is out of service are looked at.
const PERIOD: Duration = Duration::from_secs(20);

/// Whether somebody vouches, by a taint, that a node that is not ready is off.
fn out_of_service(node: &Value) -> bool {
    node["spec"]["taints"].find("key", "node.kubernetes.io/out-of-service").is_some()
        && super::common::condition(node, "Ready").is_some_and(|ready| ready["status"] != "True")
}

impl Controller for PodGarbage {
    fn name(&self) -> &'static str {
        "pod-garbage-collector"
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::NODES]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        let wait = match &change.new {
            None => QUARANTINE,
            Some(node) if out_of_service(&node.value) && (change.differs(&["spec"]) || change.differs(&["status"])) => {
                PERIOD
            }
            Some(_) => return,
        };
        for pod in informers.pods_on(&change.key().name) {
            queue.after(&pod.key, wait);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(pod) = ctx.informers.get(kinds::PODS, key).cloned() else { return Ok(Requeue::Done) };
        let node = &pod.pod().node;
        let node = if node.is_empty() { None } else { Some(ctx.api.get(kinds::NODES, "", node)) };
        let condition = match node {
            Some(Some(node)) if out_of_service(node) && pod.deleting.is_none() => return Ok(Requeue::After(PERIOD)),
            Some(Some(node)) if out_of_service(node) => None,
            Some(None) => Some(super::common::new_condition(
                "DisruptionTarget",
                "True",
                "DeletionByPodGC",
                "PodGC: node no longer exists",
                ctx.now,
            )),
            _ => return Ok(Requeue::Done),
        };
        let actor = actor(self.name());
        let mut updated = pod.value.clone();
        if !pod.pod().terminal() {
            updated["status"].set("phase", "Failed");
            if let Some(condition) = condition {
                super::common::set_condition(&mut updated["status"]["conditions"], condition);
            }
            ignore_absent(ctx.client(&actor).update_status(kinds::PODS, &key.namespace, updated))?;
        }
        let options = DeleteOptions::now();
        ignore_absent(ctx.client(&actor).delete(kinds::PODS, &key.namespace, &key.name, &options))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Lets claims, or volumes, that are being deleted go as soon as nobody uses them. New ones get the finalizer that
/// keeps them from the API server's admission.
#[derive(Debug, Clone)]
pub struct Protection {
    name: &'static str,
    kind: Kind,
    finalizer: &'static str,
    watches: &'static [Kind],
}

impl Protection {
    /// For claims: pods use them.
    pub fn claims() -> Protection {
        Protection {
            name: "pvc-protection-controller",
            kind: kinds::PERSISTENT_VOLUME_CLAIMS,
            finalizer: "kubernetes.io/pvc-protection",
            watches: &[kinds::PERSISTENT_VOLUME_CLAIMS, kinds::PODS],
        }
    }

    /// For volumes: claims use them.
    pub fn volumes() -> Protection {
        Protection {
            name: "pv-protection-controller",
            kind: kinds::PERSISTENT_VOLUMES,
            finalizer: "kubernetes.io/pv-protection",
            watches: &[kinds::PERSISTENT_VOLUMES],
        }
    }

    fn used(&self, ctx: &Ctx<'_>, object: &Object) -> bool {
        if self.kind == kinds::PERSISTENT_VOLUMES {
            return object["status"]["phase"] == "Bound";
        }
        ctx.informers.in_namespace(kinds::PODS, object.namespace()).any(|pod| {
            // A pod that has ended may still be looked into; one that has only to go has let go of what came with it.
            let shut = pod.deleting.is_some() && pod["metadata"]["deletionGracePeriodSeconds"].as_i64() == Some(0);
            let uses =
                |(name, own): &(Str, bool)| name == object.name() && (!own || !shut && not_for(pod, object).is_none());
            !pod.pod().node.is_empty() && claims(&pod.value).iter().any(uses)
        })
    }
}

fn with_finalizer(object: &Value, name: &str) -> bool {
    object["metadata"]["finalizers"].items().iter().any(|finalizer| finalizer == name)
}

impl Controller for Protection {
    fn name(&self) -> &'static str {
        self.name
    }

    fn watches(&self) -> &'static [Kind] {
        self.watches
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == self.kind {
            return queue.add(change.key());
        }
        let pod = change.object();
        if change.new.is_none() || pod.pod().terminal() || pod.pod().node.is_empty() && pod.deleting.is_some() {
            for (claim, _) in claims(&pod.value) {
                queue.add(&Key::new(pod.namespace(), claim));
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(object) = ctx.informers.get(self.kind, key).cloned() else { return Ok(Requeue::Done) };
        let has = with_finalizer(&object.value, self.finalizer);
        let mut updated = object.value.clone();
        if object.deleting.is_none() && !has {
            updated["metadata"]["finalizers"].push(self.finalizer);
        } else if object.deleting.is_some() && has && !self.used(ctx, &object) {
            updated["metadata"]["finalizers"].items_mut().retain(|finalizer| finalizer != self.finalizer);
            if updated["metadata"]["finalizers"].is_empty() {
                updated["metadata"].remove("finalizers");
            }
        } else {
            return Ok(Requeue::Done);
        }
        ignore_absent(ctx.client(&actor(self.name)).update(self.kind, &key.namespace, updated))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
