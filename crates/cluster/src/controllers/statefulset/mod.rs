//! StatefulSets: pods with names, in order, each with its own claims.
//!
//! - this file: the controller and the order in which things are done.
//! - [`pods`]: a replica's identity: name, labels, claims.

mod pods;

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Str, Value};

use super::common::{self, ignore_absent};
use super::history::{History, number};
use super::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, Phase};
use crate::store::{DeleteOptions, Kind, kinds};

const NAME: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";
/// The label that tells the revisions of a set apart.
const REVISION_HASH: &str = "controller.kubernetes.io/hash";

/// The controller.
#[derive(Debug, Clone)]
pub struct StatefulSets {
    actor: String,
    source: Source,
    /// Up to which revision the caches must have come, to show what was written last.
    written: SortedMap<Key, u64>,
}

impl Default for StatefulSets {
    fn default() -> StatefulSets {
        StatefulSets { actor: actor(NAME), source: source(NAME), written: SortedMap::new() }
    }
}

/// One reconciliation under way.
struct Work<'w, 'c> {
    ctx: &'w mut Ctx<'c>,
    controller: &'w StatefulSets,
    set: Arc<Object>,
    /// The revision that pods had, and the one that they shall have.
    current: Value,
    update: Value,
    status: Value,
}

fn running_and_ready(pod: &Object) -> bool {
    pod.pod().phase == Phase::Running && pod.pod().ready()
}

impl Work<'_, '_> {
    fn event(&mut self, kind: &str, reason: &str, message: &str) {
        let about = Reference::of(&self.set.value);
        self.ctx.event(&self.controller.source, &about, kind, reason, message);
    }

    fn spec(&self) -> &Value {
        &self.set["spec"]
    }

    fn start(&self) -> i64 {
        self.spec()["ordinals"]["start"].int()
    }

    fn replicas(&self) -> i64 {
        common::spec_replicas(&self.set.value)
    }

    fn monotonic(&self) -> bool {
        self.spec()["podManagementPolicy"] != "Parallel"
    }

    fn available(&self, pod: &Object) -> bool {
        running_and_ready(pod) && pod.pod().available(self.spec()["minReadySeconds"].int(), self.ctx.now)
    }

    fn revision_name<'r>(&self, revision: &'r Value) -> &'r str {
        common::name(revision)
    }

    fn pod_revision<'p>(&self, pod: &'p Object) -> &'p str {
        pod.label(REVISION)
    }

    /// The counts of the status.
    fn count(&mut self, pods: &[Arc<Object>]) {
        let (current, update) =
            (self.revision_name(&self.current).to_owned(), self.revision_name(&self.update).to_owned());
        let of = |test: &dyn Fn(&Object) -> bool| pods.iter().filter(|pod| test(pod)).count();
        let settled = |pod: &Object| pod.deleting.is_none();
        let counts = [
            ("replicas", of(&|_| true)),
            ("readyReplicas", of(&running_and_ready)),
            ("availableReplicas", of(&|pod| self.available(pod))),
            ("currentReplicas", of(&|pod| settled(pod) && pod.label(REVISION) == current)),
            ("updatedReplicas", of(&|pod| settled(pod) && pod.label(REVISION) == update)),
        ];
        for (field, count) in counts {
            // These two are always written; the others only when there is something to tell.
            if count == 0 && !matches!(field, "replicas" | "availableReplicas") {
                self.status.remove(field);
            } else {
                self.status.set(field, count);
            }
        }
        self.status.set("observedGeneration", self.set["metadata"]["generation"].clone());
        self.status.set("currentRevision", current);
        self.status.set("updateRevision", update);
    }

    /// The revision for a replica that is to be made.
    fn revision_for(&self, ordinal: i64) -> &Value {
        let rolling = &self.spec()["updateStrategy"]["rollingUpdate"];
        let old = if rolling.is_null() { self.status["currentReplicas"].int() } else { rolling["partition"].int() };
        if ordinal < self.start() + old { &self.current } else { &self.update }
    }

    /// Brings replicas into being, in order, then takes surplus ones away, then those of an old template.
    fn run(&mut self, pods: &[Arc<Object>]) -> Result<(), Status> {
        let (first, count) = (self.start(), self.replicas());
        let ordinal = |pod: &Object| pods::ordinal(self.set.name(), pod.name());
        let mut condemned: Vec<Arc<Object>> =
            pods.iter().filter(|pod| ordinal(pod).is_some_and(|o| o < first || o >= first + count)).cloned().collect();
        let mut replicas: Vec<Option<Arc<Object>>> = vec![None; usize::try_from(count).unwrap_or(0)];
        for pod in pods {
            if let Some(place) = ordinal(pod).and_then(|o| usize::try_from(o - first).ok())
                && let Some(slot) = replicas.get_mut(place)
            {
                *slot = Some(pod.clone());
            }
        }
        if self.set.deleting.is_some() {
            return Ok(());
        }
        let monotonic = self.monotonic();
        for (place, replica) in replicas.iter().enumerate() {
            let ordinal = first + i64::try_from(place).unwrap_or(0);
            if self.process(ordinal, replica.as_ref())? && monotonic {
                return Ok(());
            }
        }
        condemned.sort_compact_by_key(|pod| std::cmp::Reverse(pods::ordinal(self.set.name(), pod.name())));
        // In order, only the lowest that is not well may go while it is not.
        let unwell = condemned.iter().rev().find(|pod| pod.deleting.is_some() || !self.available(pod)).cloned();
        for pod in &condemned {
            if pod.deleting.is_some() {
                if monotonic {
                    return Ok(());
                }
                continue;
            }
            if monotonic && !self.available(pod) && unwell.as_ref().is_some_and(|unwell| unwell.uid != pod.uid) {
                return Ok(());
            }
            self.retain_claims(pod, true)?;
            self.delete(pod)?;
            if monotonic {
                return Ok(());
            }
        }
        self.replace_outdated(&replicas)
    }

    /// One replica. Answers whether those after it have to wait for it.
    fn process(&mut self, ordinal: i64, replica: Option<&Arc<Object>>) -> Result<bool, Status> {
        let Some(pod) = replica else {
            if self.has_stale_claim(ordinal) {
                return Err(Status::new(409, "Conflict", "a claim still goes with the pod that had the name before"));
            }
            let revision = self.revision_for(ordinal).clone();
            self.create(ordinal, &revision)?;
            return Ok(true);
        };
        if pod.pod().terminal() {
            if pod.deleting.is_none() {
                self.delete(pod)?;
            }
            return Ok(true);
        }
        if pod.pod().phase == Phase::Pending {
            self.create_claims(ordinal, pod.name())?;
        }
        if self.monotonic() && (pod.deleting.is_some() || !self.available(pod)) {
            return Ok(true);
        }
        self.retain_claims(pod, false)?;
        Ok(false)
    }

    /// Replicas of an old template make room for new ones: the last first, one at a time.
    fn replace_outdated(&mut self, replicas: &[Option<Arc<Object>>]) -> Result<(), Status> {
        let strategy = &self.spec()["updateStrategy"];
        if strategy["type"] == "OnDelete" {
            return Ok(());
        }
        let partition = usize::try_from(strategy["rollingUpdate"]["partition"].int()).unwrap_or(0);
        let update = self.revision_name(&self.update).to_owned();
        for replica in replicas.iter().skip(partition).rev() {
            let Some(pod) = replica else { return Ok(()) };
            if self.pod_revision(pod) != update && pod.deleting.is_none() {
                return self.delete(pod);
            }
            if pod.deleting.is_some() || !self.available(pod) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn create(&mut self, ordinal: i64, revision: &Value) -> Result<(), Status> {
        let name = pods::name(self.set.name(), ordinal);
        let pod = pods::pod(&self.set.value, ordinal, revision, REVISION);
        let namespace = self.set.namespace().clone();
        let claims = self.create_claims(ordinal, &name);
        let created =
            claims.and_then(|()| self.ctx.client(&self.controller.actor).create(kinds::PODS, &namespace, pod));
        let set = self.set.name().clone();
        match created {
            Ok(_) => {
                self.event("Normal", "SuccessfulCreate", &format!("Create Pod {name} in StatefulSet {set} successful"));
                Ok(())
            }
            Err(status) if status.is("AlreadyExists") => Err(status),
            Err(status) if common::namespace_terminating(&status) => Ok(()),
            Err(status) => {
                let message = format!("Create Pod {name} in StatefulSet {set} failed error: {}", status.message);
                self.event("Warning", "FailedCreate", &message);
                Err(status)
            }
        }
    }

    fn delete(&mut self, pod: &Object) -> Result<(), Status> {
        let options = DeleteOptions::default();
        let mut client = self.ctx.client(&self.controller.actor);
        let deleted = client.delete(kinds::PODS, pod.namespace(), pod.name(), &options);
        if ignore_absent(deleted)?.is_some() {
            let message = format!("Delete Pod {} in StatefulSet {} successful", pod.name(), self.set.name());
            self.event("Normal", "SuccessfulDelete", &message);
        }
        Ok(())
    }

    /// Whether a claim of a replica still belongs to the pod that had its name before, and will go with that one.
    fn has_stale_claim(&self, ordinal: i64) -> bool {
        if self.spec()["persistentVolumeClaimRetentionPolicy"]["whenScaled"] != "Delete" {
            return false;
        }
        // There is no such pod now: any pod that owns the claim is gone.
        let owned = |claim: &Value| claim["metadata"]["ownerReferences"].items().iter().any(|o| o["kind"] == "Pod");
        let namespace = self.set.namespace();
        pods::claims(&self.set.value, ordinal).iter().any(|claim| {
            self.ctx.api.get(kinds::PERSISTENT_VOLUME_CLAIMS, namespace, common::name(claim)).is_some_and(owned)
        })
    }

    /// Makes the claims of a replica that are not there.
    fn create_claims(&mut self, ordinal: i64, pod: &str) -> Result<(), Status> {
        let namespace = self.set.namespace().clone();
        let set = self.set.name().clone();
        for claim in pods::claims(&self.set.value, ordinal) {
            let name = crate::objects::shared(&claim["metadata"]["name"]);
            if let Some(there) = self.ctx.api.get(kinds::PERSISTENT_VOLUME_CLAIMS, &namespace, &name) {
                if there["metadata"]["deletionTimestamp"].is_null() {
                    continue;
                }
                return Err(Status::new(500, "InternalError", format!("pvc {name} is being deleted")));
            }
            let mut client = self.ctx.client(&self.controller.actor);
            match client.create(kinds::PERSISTENT_VOLUME_CLAIMS, &namespace, claim) {
                Ok(_) => {
                    let message = format!("Create Claim {name} Pod {pod} in StatefulSet {set} success");
                    self.event("Normal", "SuccessfulCreate", &message);
                }
                Err(mut status) => {
                    let message = format!(
                        "Create Claim {name} for Pod {pod} in StatefulSet {set} failed error: {}",
                        status.message
                    );
                    self.event("Warning", "FailedCreate", &message);
                    status.message = format!("failed to create PVC {name}: {}", status.message);
                    return Err(status);
                }
            }
        }
        Ok(())
    }

    /// Makes a replica's claims go with the set, or with the replica, as the set's retention policy says.
    fn retain_claims(&mut self, pod: &Object, condemned: bool) -> Result<(), Status> {
        let policy = self.spec()["persistentVolumeClaimRetentionPolicy"].clone();
        if policy.is_null() {
            return Ok(());
        }
        let Some(ordinal) = pods::ordinal(self.set.name(), pod.name()) else { return Ok(()) };
        let delete = |field: &str| policy[field] == "Delete";
        let by_set = delete("whenDeleted");
        let by_pod = condemned && delete("whenScaled");
        let namespace = self.set.namespace().clone();
        for claim in pods::claims(&self.set.value, ordinal) {
            let name = crate::objects::shared(&claim["metadata"]["name"]);
            let Some(there) = self.ctx.api.get(kinds::PERSISTENT_VOLUME_CLAIMS, &namespace, &name).cloned() else {
                continue;
            };
            let mut wanted = there.clone();
            pods::own(&mut wanted, kinds::STATEFUL_SETS, &self.set.value, by_set && !by_pod);
            pods::own(&mut wanted, kinds::PODS, &pod.value, by_pod);
            if wanted != there {
                let mut client = self.ctx.client(&self.controller.actor);
                ignore_absent(client.update(kinds::PERSISTENT_VOLUME_CLAIMS, &namespace, wanted))?;
            }
        }
        Ok(())
    }

    /// When all replicas are of the new template, it becomes the present one.
    fn complete(&mut self) {
        let rolling = self.spec()["updateStrategy"]["type"] != "OnDelete";
        let all = |field: &str| self.status[field].int() == self.status["replicas"].int();
        if rolling && all("updatedReplicas") && all("readyReplicas") && self.status["replicas"].int() == self.replicas()
        {
            let update = self.status["updateRevision"].clone();
            let count = self.status["updatedReplicas"].clone();
            self.status.set("currentRevision", update);
            if count.int() > 0 {
                self.status.set("currentReplicas", count);
            }
        }
    }
}

impl StatefulSets {
    fn pods(&self, ctx: &mut Ctx<'_>, set: &Arc<Object>) -> Result<Vec<Arc<Object>>, Status> {
        let selector = common::selector(&set.value)?;
        let informers = ctx.informers;
        let mut pods = Vec::new();
        for pod in informers.controlled(kinds::PODS, &set.uid).chain(informers.orphan_pods(set.namespace())) {
            let member = pods::ordinal(set.name(), pod.name()).is_some();
            if member && common::claim(ctx, &self.actor, kinds::STATEFUL_SETS, set, &selector, kinds::PODS, pod)? {
                pods.push(pod.clone());
            }
        }
        pods.sort_compact_by_key(|pod| pods::ordinal(set.name(), pod.name()));
        Ok(pods)
    }
}

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::STATEFUL_SETS, kinds::PODS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::STATEFUL_SETS {
            if change.new.is_none() {
                self.written.remove(change.key());
            }
            return queue.add(change.key());
        }
        let pod = change.object();
        if let Some(owner) = pod.controller() {
            if owner.kind == "StatefulSet"
                && let Some(set) = informers.find(kinds::STATEFUL_SETS, pod.namespace(), &owner.name)
            {
                queue.add(&set.key);
                let seconds = set["spec"]["minReadySeconds"].int();
                if seconds > 0 && pod.pod().ready() {
                    queue.after(&set.key, Duration::from_secs(seconds.unsigned_abs() + 1));
                }
            }
            return;
        }
        for set in informers.in_namespace(kinds::STATEFUL_SETS, pod.namespace()) {
            if common::selector(&set.value).is_ok_and(|selector| common::matches(&selector, pod)) {
                queue.add(&set.key);
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(set) = ctx.informers.get(kinds::STATEFUL_SETS, key).cloned() else { return Ok(Requeue::Done) };
        // Names are given away one at a time: what the last reconciliation wrote must be known, or it would be done
        // again.
        if self.written.get(key).is_some_and(|revision| ctx.informers.revision() < *revision) {
            return Ok(Requeue::After(ctx.latencies.watch));
        }
        let collisions = set["status"]["collisionCount"].int();
        let history = History {
            actor: &self.actor,
            kind: kinds::STATEFUL_SETS,
            owner: &set.value,
            label: REVISION_HASH,
            collisions,
        };
        let revisions = history.list(ctx);
        let update = if set.deleting.is_some() {
            revisions.last().map(|revision| revision.value.clone()).unwrap_or_default()
        } else {
            history.current(ctx, &revisions)?
        };
        let current_name = set["status"]["currentRevision"].str();
        let current = revisions
            .iter()
            .find(|revision| *revision.name() == *current_name)
            .map_or_else(|| update.clone(), |revision| revision.value.clone());
        let pods = self.pods(ctx, &set)?;
        let mut status = set["status"].clone();
        status.set("collisionCount", collisions);
        let mut work = Work { ctx, controller: self, set: set.clone(), current, update, status };
        work.count(&pods);
        let result = work.run(&pods);
        work.complete();
        let (status, update) = (work.status.clone(), work.update.clone());
        if status != set["status"] {
            let mut updated = set.value.clone();
            updated.set("status", status.clone());
            ignore_absent(ctx.client(&self.actor).update_status(kinds::STATEFUL_SETS, &key.namespace, updated))?;
        }
        let used = |revision: &Object| {
            let name: &Str = revision.name();
            let named = |text: &str| **name == *text;
            named(status["currentRevision"].str())
                || number(&revision.value) == number(&update)
                || pods.iter().any(|pod| named(pod.label(REVISION)))
        };
        let cleaned = history.clean_up(ctx, &revisions, &used);
        let revision = ctx.api.revision();
        self.written.insert(key.clone(), revision);
        cleaned.and(result).map(|()| Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
