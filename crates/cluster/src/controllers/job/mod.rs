//! Jobs: pods that run until enough of them have succeeded, or too many failed.
//!
//! - this file: the controller: what a reconciliation counts, decides and writes.
//! - [`pods`]: making pods and choosing which to delete.
//! - [`indexes`]: sets of completion indexes.
//! - [`policy`]: the rules for failed pods and for early success.

mod indexes;
mod pods;
mod policy;

use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Str, Time, Value};

use super::common::{self, PodControl, ignore_absent, new_condition};
use super::{Controller, Enqueue, Requeue};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, Phase, moment};
use crate::store::{Kind, kinds};
use indexes::Indexes;

const NAME: &str = "job-controller";
/// Keeps a pod until it was counted.
pub const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// Pod changes are looked at together, this long after the first.
const BATCH: Duration = Duration::from_secs(1);
/// What separates the name of a pod in a key: keys of pods that lost their job.
const POD_KEY: &str = "pod:";

/// The controller.
#[derive(Debug, Clone)]
pub struct Jobs {
    control: PodControl,
    /// Up to which revision the caches must have come, to show what was written last.
    written: SortedMap<Key, u64>,
    /// Failures in a row, and when the last was: how long to wait before the next pod.
    backoff: SortedMap<Key, (u32, Time)>,
}

impl Default for Jobs {
    fn default() -> Jobs {
        Jobs { control: PodControl::new(NAME), written: SortedMap::new(), backoff: SortedMap::new() }
    }
}

/// Whether a Job is over: the condition that says so.
pub fn finished(job: &Value) -> Option<&Value> {
    let conditions = job["status"]["conditions"].items().iter();
    conditions.into_iter().find(|c| matches!(c["type"].str(), "Complete" | "Failed") && c["status"] == "True")
}

fn tracked(pod: &Object) -> bool {
    pod["metadata"]["finalizers"].items().iter().any(|finalizer| finalizer == TRACKING)
}

/// The end that a Job comes to: type of the condition, reason, message.
#[derive(Debug, Clone, PartialEq)]
struct End {
    failed: bool,
    reason: String,
    message: String,
}

impl End {
    fn failure(reason: &str, message: impl Into<String>) -> Option<End> {
        Some(End { failed: true, reason: reason.into(), message: message.into() })
    }

    fn success(reason: &str, message: impl Into<String>) -> Option<End> {
        Some(End { failed: false, reason: reason.into(), message: message.into() })
    }

    /// The condition that comes first, while pods are still there.
    fn interim(&self) -> &'static str {
        if self.failed { "FailureTarget" } else { "SuccessCriteriaMet" }
    }

    fn last(&self) -> &'static str {
        if self.failed { "Failed" } else { "Complete" }
    }
}

/// One reconciliation under way.
struct Work<'w, 'c> {
    ctx: &'w mut Ctx<'c>,
    control: &'w PodControl,
    job: Arc<Object>,
    pods: Vec<Arc<Object>>,
    status: Value,
    requeue: Option<Duration>,
    /// Whether there was a failure that was not counted before.
    new_failure: bool,
    new_success: bool,
}

impl Work<'_, '_> {
    fn spec(&self) -> &Value {
        &self.job["spec"]
    }

    fn event(&mut self, kind: &str, reason: &str, message: &str) {
        let about = Reference::of(&self.job.value);
        self.ctx.event(&self.control.source, &about, kind, reason, message);
    }

    fn suspended(&self) -> bool {
        self.spec()["suspend"].is_true()
    }

    fn indexed(&self) -> bool {
        self.spec()["completionMode"] == "Indexed"
    }

    fn completions(&self) -> Option<i64> {
        self.spec()["completions"].as_i64()
    }

    fn active(&self) -> Vec<Arc<Object>> {
        self.pods.iter().filter(|pod| pod.active_pod()).cloned().collect()
    }

    fn terminating(&self) -> usize {
        self.pods.iter().filter(|pod| pod.deleting.is_some() && !pod.pod().terminal()).count()
    }

    fn wake_after(&mut self, wait: Duration) {
        self.requeue = Some(self.requeue.map_or(wait, |other| other.min(wait)));
    }

    /// Whether a pod counts as failed: also one that is deleted before it ended.
    fn has_failed(&self, pod: &Object) -> bool {
        let only_ended = self.spec()["podReplacementPolicy"] == "Failed" || !self.spec()["podFailurePolicy"].is_null();
        pod.pod().phase == Phase::Failed
            || (!only_ended && pod.deleting.is_some() && pod.pod().phase != Phase::Succeeded)
    }

    /// Counts the pods that have ended since, and lets them go.
    fn count_ended(&mut self) -> Result<(), Status> {
        let (mut succeeded, mut failed) = (0, 0);
        let mut ended = Vec::new();
        for pod in self.pods.iter().filter(|pod| tracked(pod)) {
            if pod.pod().phase == Phase::Succeeded {
                succeeded += 1;
                ended.push(pod.clone());
            } else if self.has_failed(pod) {
                failed += i64::from(!policy::ignored(self.spec(), pod));
                ended.push(pod.clone());
            }
        }
        self.new_success = succeeded > 0;
        self.new_failure = failed > 0;
        for pod in ended {
            release(self.ctx, &self.control.actor, &pod)?;
        }
        if !self.indexed() {
            add(&mut self.status, "succeeded", succeeded);
        }
        add(&mut self.status, "failed", failed);
        Ok(())
    }

    /// The completion indexes that are done, and those that have failed for good.
    fn count_indexes(&mut self) {
        if !self.indexed() {
            return;
        }
        let most = self.completions().unwrap_or(0);
        let mut done = Indexes::parse(self.status["completedIndexes"].str());
        let mut failed = Indexes::parse(self.status["failedIndexes"].str());
        let per_index = self.spec()["backoffLimitPerIndex"].as_i64();
        for pod in &self.pods {
            let Some(index) = pods::index(pod).filter(|index| (0..most).contains(index)) else { continue };
            if pod.pod().phase == Phase::Succeeded {
                done.insert(index);
            } else if let Some(limit) = per_index
                && self.has_failed(pod)
                && !policy::ignored(self.spec(), pod)
                && (pods::index_failures(pod) >= limit || policy::fails_index(self.spec(), pod))
            {
                failed.insert(index);
            }
        }
        let succeeded = done.len();
        set_text(&mut self.status, "completedIndexes", done.to_string());
        if per_index.is_some() {
            self.status.set("failedIndexes", failed.to_string());
        }
        set_count(&mut self.status, "succeeded", succeeded);
    }

    /// Whether containers were restarted too often, where it is containers that are restarted.
    fn restarted_too_often(&self) -> bool {
        let spec = self.spec();
        if spec["template"]["spec"]["restartPolicy"] != "OnFailure" {
            return false;
        }
        let limit = spec["backoffLimit"].as_i64().unwrap_or(6);
        let alive = self.pods.iter().filter(|pod| matches!(pod.pod().phase, Phase::Running | Phase::Pending));
        let restarts: i64 = alive
            .flat_map(|pod| {
                let status = &pod["status"];
                status["containerStatuses"].items().iter().chain(status["initContainerStatuses"].items())
            })
            .map(|status| status["restartCount"].int())
            .sum();
        if limit == 0 { restarts > 0 } else { restarts >= limit }
    }

    /// Whether the Job has come to an end.
    fn end(&mut self) -> Option<End> {
        let interim = |name: &str| {
            common::condition(&self.job.value, name).filter(|condition| condition["status"] == "True").map(
                |condition| End {
                    failed: name == "FailureTarget",
                    reason: condition["reason"].str().into(),
                    message: condition["message"].str().into(),
                },
            )
        };
        if let Some(end) = interim("FailureTarget").or_else(|| interim("SuccessCriteriaMet")) {
            return Some(end);
        }
        let spec = self.spec();
        if let Some(message) = self.pods.iter().find_map(|pod| policy::fails_job(spec, pod)) {
            return End::failure("PodFailurePolicy", message);
        }
        let limit = spec["backoffLimit"].as_i64().unwrap_or(6);
        if (self.new_failure && self.status["failed"].int() > limit) || self.restarted_too_often() {
            return End::failure("BackoffLimitExceeded", "Job has reached the specified backoff limit");
        }
        if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
            && !self.suspended()
            && let Some(start) = moment(&self.status["startTime"])
        {
            let due = start + Duration::from_secs(seconds.max(0).unsigned_abs());
            if due <= self.ctx.now {
                return End::failure("DeadlineExceeded", "Job was active longer than specified deadline");
            }
            self.wake_after(due.since(self.ctx.now));
        }
        let spec = self.spec();
        if self.indexed() {
            let failed = Indexes::parse(self.status["failedIndexes"].str());
            let done = Indexes::parse(self.status["completedIndexes"].str());
            if let Some(most) = spec["maxFailedIndexes"].as_i64()
                && failed.len() > most
            {
                let message = "Job has exceeded the specified maximal number of failed indexes";
                return End::failure("MaxFailedIndexesExceeded", message);
            }
            if failed.len() > 0 && failed.len() + done.len() >= self.completions().unwrap_or(0) {
                return End::failure("FailedIndexes", "Job has failed indexes");
            }
            if let Some(rule) = policy::succeeds(spec, &done) {
                return End::success("SuccessPolicy", format!("Matched rules at index {rule}"));
            }
        }
        let succeeded = self.status["succeeded"].int();
        let none_active = self.active().is_empty();
        let complete = match self.completions() {
            None => succeeded > 0 && none_active,
            Some(wanted) => succeeded >= wanted && none_active,
        };
        if complete {
            return End::success("CompletionsReached", "Reached expected number of succeeded pods");
        }
        None
    }

    /// Writes the conditions of the end: the interim one at once, the last one when no pod is left.
    fn finish(&mut self, end: &End) -> Result<(), Status> {
        let now = self.ctx.now;
        let active = self.active();
        for pod in &active {
            self.control.delete(self.ctx, &self.job.value, pod.name()).or_else(not_found_is_fine)?;
        }
        let condition = |kind: &str| {
            let mut condition = new_condition(kind, "True", &end.reason, &end.message, now);
            condition.set("lastProbeTime", now.rfc3339());
            condition
        };
        let known = |status: &Value, kind: &str| {
            status["conditions"].find("type", kind).is_some_and(|condition| condition["status"] == "True")
        };
        if !known(&self.status, end.interim()) {
            let interim = condition(end.interim());
            self.status["conditions"].push(interim);
        }
        if !active.is_empty() || self.terminating() > 0 {
            return Ok(());
        }
        let last = condition(end.last());
        self.status["conditions"].push(last);
        self.status.remove("active");
        self.status.set("ready", 0);
        if end.failed {
            self.event("Warning", &end.reason, &end.message);
        } else {
            self.status.set("completionTime", now.rfc3339());
            self.event("Normal", "Completed", "Job completed");
        }
        Ok(())
    }

    /// Says whether the Job is suspended, when that has changed.
    fn note_suspension(&mut self) {
        let now = self.ctx.now;
        let known = self.status["conditions"].find("type", "Suspended").map(|condition| condition["status"] == "True");
        let (status, reason, message, event) = match (self.suspended(), known) {
            (true, None | Some(false)) => ("True", "JobSuspended", "Job suspended", "Suspended"),
            (false, Some(true)) => ("False", "JobResumed", "Job resumed", "Resumed"),
            _ => return,
        };
        let mut condition = new_condition("Suspended", status, reason, message, now);
        condition.set("lastProbeTime", now.rfc3339());
        let conditions = &mut self.status["conditions"];
        match conditions.items().iter().position(|condition| condition["type"] == "Suspended") {
            Some(at) => conditions.items_mut()[at] = condition,
            None => conditions.push(condition),
        }
        if event == "Resumed" {
            // The deadline's clock starts anew.
            self.status.set("startTime", now.rfc3339());
        } else {
            self.status.remove("startTime");
        }
        self.event("Normal", event, message);
    }

    fn reconcile(&mut self, backoff: &mut (u32, Time)) -> Result<(), Status> {
        if self.status["startTime"].is_null() && !self.suspended() {
            self.status.set("startTime", self.ctx.now.rfc3339());
        }
        self.count_ended()?;
        self.count_indexes();
        if self.new_failure {
            *backoff = (backoff.0 + 1, self.ctx.now);
        } else if self.new_success {
            *backoff = (0, Time(0));
        }
        let active = self.active();
        let ready = active.iter().filter(|pod| pod.pod().ready()).count();
        set_count(&mut self.status, "active", i64::try_from(active.len()).unwrap_or(0));
        self.status.set("ready", ready);
        self.status.set("terminating", self.terminating());
        self.status.set("uncountedTerminatedPods", Value::object());
        match self.end() {
            Some(end) => self.finish(&end)?,
            None if self.job.deleting.is_none() => {
                pods::manage(self, *backoff)?;
                self.note_suspension();
            }
            None => {}
        }
        Ok(())
    }
}

fn not_found_is_fine(status: Status) -> Result<(), Status> {
    if status.is("NotFound") { Ok(()) } else { Err(status) }
}

/// Adds to a count.
fn add(status: &mut Value, field: &str, count: i64) {
    if count > 0 {
        let sum = status[field].int() + count;
        status.set(field, sum);
    }
}

/// Sets a count, which is left out when it is 0.
fn set_count(status: &mut Value, field: &str, count: i64) {
    if count == 0 {
        status.remove(field);
    } else {
        status.set(field, count);
    }
}

fn set_text(status: &mut Value, field: &str, text: String) {
    if text.is_empty() {
        status.remove(field);
    } else {
        status.set(field, text);
    }
}

/// Lets a pod go: it was counted, or nobody will count it.
fn release(ctx: &mut Ctx<'_>, actor: &str, pod: &Object) -> Result<(), Status> {
    let Some(mut fresh) = ctx.api.get(kinds::PODS, pod.namespace(), pod.name()).cloned() else { return Ok(()) };
    if fresh["metadata"]["uid"] != pod.uid.as_str() {
        return Ok(());
    }
    common::remove_finalizer(&mut fresh, TRACKING);
    ignore_absent(ctx.client(actor).update(kinds::PODS, pod.namespace(), fresh)).map(|_| ())
}

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::JOBS, kinds::PODS]
    }

    /// Failed writes of jobs' pods are tried again by the second, so that a quota does not cause an event each few
    /// milliseconds.
    fn waits(&self) -> (Duration, Duration) {
        (Duration::from_secs(1), Duration::from_secs(60))
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::JOBS {
            if change.new.is_none() {
                self.written.remove(change.key());
                self.backoff.remove(change.key());
                for pod in informers.owned(kinds::PODS, &change.object().uid).filter(|pod| tracked(pod)) {
                    queue.add(&orphan_key(&pod.key));
                }
            }
            // The status changes with each pod that does; what is asked for changes when somebody has asked.
            let asked = |job: &Object| job["metadata"]["generation"].int();
            return match (&change.old, &change.new) {
                (Some(old), Some(new)) if asked(old) == asked(new) => queue.after(change.key(), BATCH),
                _ => queue.add(change.key()),
            };
        }
        let pod = change.object();
        let owner = pod.controller().filter(|owner| owner.kind == "Job");
        let job = owner.and_then(|owner| {
            informers.find(kinds::JOBS, pod.namespace(), &owner.name).filter(|job| job.uid == owner.uid)
        });
        // The job that a pod was taken from looks after it: it may want it back.
        let before = change.old.as_ref().and_then(|old| old.controller()).filter(|owner| owner.kind == "Job");
        if job.is_none()
            && let Some(owner) = before
            && let Some(job) = informers.find(kinds::JOBS, pod.namespace(), &owner.name)
        {
            queue.after(&job.key, BATCH);
        }
        match job {
            Some(job) if change.old.is_none() => queue.add(&job.key),
            Some(job) => queue.after(&job.key, BATCH),
            None if change.new.is_some() && tracked(pod) => queue.add(&orphan_key(&pod.key)),
            None => {}
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        if let Some(name) = key.name.strip_prefix(POD_KEY) {
            let pod = ctx.informers.find(kinds::PODS, &key.namespace, name).cloned();
            if let Some(pod) = pod.filter(|pod| tracked(pod)) {
                release(ctx, &self.control.actor, &pod)?;
            }
            return Ok(Requeue::Done);
        }
        let Some(job) = ctx.informers.get(kinds::JOBS, key).cloned() else { return Ok(Requeue::Done) };
        if self.written.get(key).is_some_and(|revision| ctx.informers.revision() < *revision) {
            return Ok(Requeue::After(ctx.latencies.watch));
        }
        let manager = job["spec"]["managedBy"].str();
        if !manager.is_empty() && manager != "kubernetes.io/job-controller" {
            return Ok(Requeue::Done);
        }
        let selector = common::selector(&job.value)?;
        let informers = ctx.informers;
        let mut pods = Vec::new();
        for pod in informers.controlled(kinds::PODS, &job.uid).chain(informers.orphan_pods(&key.namespace)) {
            if common::claim(ctx, &self.control.actor, kinds::JOBS, &job, &selector, kinds::PODS, pod)? {
                pods.push(pod.clone());
            }
        }
        if finished(&job.value).is_some() {
            for pod in pods.iter().filter(|pod| tracked(pod)) {
                release(ctx, &self.control.actor, pod)?;
            }
            return Ok(Requeue::Done);
        }
        let mut backoff = self.backoff.get(key).copied().unwrap_or_default();
        let mut work = Work {
            ctx,
            control: &self.control,
            status: job["status"].clone(),
            job: job.clone(),
            pods,
            requeue: None,
            new_failure: false,
            new_success: false,
        };
        let result = work.reconcile(&mut backoff);
        let (status, requeue) = (work.status, work.requeue);
        if status != job["status"] {
            // What was counted must not be lost to somebody else's write in between.
            if let Some(mut fresh) = ctx.api.get(kinds::JOBS, &key.namespace, &key.name).cloned() {
                fresh.set("status", status);
                ignore_absent(ctx.client(&self.control.actor).update_status(kinds::JOBS, &key.namespace, fresh))?;
            }
        }
        self.backoff.insert(key.clone(), backoff);
        let revision = ctx.api.revision();
        self.written.insert(key.clone(), revision);
        result.map(|()| requeue.map_or(Requeue::Done, Requeue::After))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn orphan_key(pod: &Key) -> Key {
    let name: Str = format!("{POD_KEY}{}", pod.name).into();
    Key { namespace: pod.namespace.clone(), name }
}
