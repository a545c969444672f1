//! CronJobs: a Job whenever the schedule says so.

use drydock_sorted::Sort;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value, value};

use super::common::{controller_ref, ignore_absent, namespace_terminating};
use super::cron::Schedule;
use super::job::finished;
use super::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, moment};
use crate::store::{DeleteOptions, Kind, Propagation, kinds};
use drydock_schema::Zone;

const NAME: &str = "cronjob-controller";
/// A little after the moment, so that it has surely come.
const DELTA: Duration = Duration::from_millis(100);
/// With more missed moments than this the clock must be wrong.
const TOO_MANY: usize = 100;

/// The controller.
#[derive(Debug, Clone)]
pub struct CronJobs {
    actor: String,
    source: Source,
}

impl Default for CronJobs {
    fn default() -> CronJobs {
        CronJobs { actor: actor(NAME), source: source(NAME) }
    }
}

/// One reconciliation under way.
struct Work<'w, 'c> {
    ctx: &'w mut Ctx<'c>,
    controller: &'w CronJobs,
    cron: Arc<Object>,
    jobs: Vec<Arc<Object>>,
    status: Value,
}

fn reference(job: &Value) -> Value {
    value!({
        "apiVersion": "batch/v1", "kind": "Job", "name": &job["metadata"]["name"],
        "namespace": &job["metadata"]["namespace"], "uid": &job["metadata"]["uid"],
        "resourceVersion": &job["metadata"]["resourceVersion"]
    })
}

impl Work<'_, '_> {
    fn event(&mut self, kind: &str, reason: &str, message: &str) {
        let about = Reference::of(&self.cron.value);
        self.ctx.event(&self.controller.source, &about, kind, reason, message);
    }

    fn spec(&self) -> &Value {
        &self.cron["spec"]
    }

    fn is_active(&self, uid: &str) -> bool {
        self.status["active"].items().iter().any(|job| job["uid"] == uid)
    }

    fn forget_active(&mut self, uid: &str) {
        self.status["active"].items_mut().retain(|job| job["uid"] != uid);
    }

    /// Which Jobs are running, and which have ended since.
    fn count_active(&mut self) {
        for job in self.jobs.clone() {
            let over = finished(&job.value).cloned();
            match (self.is_active(&job.uid), over) {
                (false, None) => {
                    let message = format!("Saw a job that the controller did not create or forgot: {}", job.name());
                    self.event("Warning", "UnexpectedJob", &message);
                }
                (true, Some(condition)) => {
                    self.forget_active(&job.uid);
                    let message = format!("Saw completed job: {}, condition: {}", job.name(), condition["type"].str());
                    self.event("Normal", "SawCompletedJob", &message);
                }
                _ => {}
            }
            if let Some(end) = finished(&job.value).filter(|condition| condition["type"] == "Complete") {
                let at = job["status"]["completionTime"].as_str().unwrap_or(end["lastTransitionTime"].str());
                if moment(&self.status["lastSuccessfulTime"]) < Time::parse_rfc3339(at) {
                    self.status.set("lastSuccessfulTime", at);
                }
            }
        }
        for known in self.status["active"].items().to_vec() {
            let name = known["name"].str();
            if !self.jobs.iter().any(|job| job.uid.as_str() == known["uid"].str()) {
                let live = self.ctx.api.get(kinds::JOBS, self.cron.namespace(), name);
                if live.is_none_or(|job| job["metadata"]["uid"] != known["uid"]) {
                    self.event("Normal", "MissingJob", &format!("Active job went missing: {name}"));
                    self.forget_active(known["uid"].str());
                }
            }
        }
    }

    fn delete(&mut self, job: &Object) -> Result<(), Status> {
        let options = DeleteOptions::with_propagation(Propagation::Background);
        let mut client = self.ctx.client(&self.controller.actor);
        ignore_absent(client.delete(kinds::JOBS, job.namespace(), job.name(), &options))?;
        self.event("Normal", "SuccessfulDelete", &format!("Deleted job {}", job.name()));
        self.forget_active(&job.uid);
        Ok(())
    }

    /// Deletes ended Jobs beyond those that shall be remembered, oldest first.
    fn clean_up(&mut self) -> Result<(), Status> {
        for (field, kind) in [("successfulJobsHistoryLimit", "Complete"), ("failedJobsHistoryLimit", "Failed")] {
            let Some(limit) = self.spec()[field].as_i64() else { continue };
            let mut ended: Vec<Arc<Object>> = self
                .jobs
                .iter()
                .filter(|job| finished(&job.value).is_some_and(|condition| condition["type"] == kind))
                .cloned()
                .collect();
            ended.sort_compact_by(|a, b| a.created.cmp(&b.created).then_with(|| a.name().cmp(b.name())));
            let surplus = ended.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
            for job in ended.into_iter().take(surplus) {
                self.delete(&job)?;
            }
        }
        Ok(())
    }

    /// The last moment that has come and was not acted on, and whether it is too late for it.
    fn missed(&mut self, schedule: &Schedule, zone: Zone) -> Option<(Time, bool)> {
        let now = self.ctx.now;
        let mut from = moment(&self.status["lastScheduleTime"]).unwrap_or(self.cron.created);
        let deadline =
            self.spec()["startingDeadlineSeconds"].as_i64().map(|s| Duration::from_secs(s.max(0).unsigned_abs()));
        if let Some(deadline) = deadline {
            let earliest = Time(now.0.saturating_sub(u64::try_from(deadline.as_micros()).unwrap_or(0)));
            from = from.max(earliest);
        }
        let mut last = None;
        let mut count = 0;
        while let Some(at) = schedule.next(from, zone).filter(|at| *at <= now) {
            last = Some(at);
            from = at;
            count += 1;
            if count == TOO_MANY + 1 {
                let message =
                    "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                self.event("Warning", "TooManyMissedTimes", message);
                // The latest one is what counts, the others are lost: on from the last stretch that has one.
                let stretches = [3600, 86_400, 31 * 86_400, 366 * 86_400].map(|seconds| seconds * 1_000_000);
                let starts = stretches.into_iter().map(|stretch| Time(now.0.saturating_sub(stretch)));
                let near = |start: &Time| schedule.next(*start, zone).is_some_and(|at| at <= now);
                from = starts.into_iter().find(near).map_or(from, |start| start.max(from));
            }
        }
        last.map(|at| (at, deadline.is_some_and(|deadline| at + deadline < now)))
    }

    /// Starts a Job for a moment, unless one is running and that matters.
    fn start(&mut self, at: Time, zone: Zone) -> Result<(), Status> {
        let policy = self.spec()["concurrencyPolicy"].str().to_owned();
        let running = !self.status["active"].items().is_empty();
        if policy == "Forbid" && running {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            self.event("Normal", "JobAlreadyActive", message);
            return Ok(());
        }
        if policy == "Replace" {
            let active: Vec<Arc<Object>> = self.jobs.iter().filter(|job| self.is_active(&job.uid)).cloned().collect();
            for job in active {
                self.delete(&job)?;
            }
        }
        let template = &self.spec()["jobTemplate"];
        let name = format!("{}-{}", self.cron.name(), at.seconds() / 60);
        let mut metadata = value!({
            "name": name.as_str(),
            "namespace": self.cron.namespace(),
            "ownerReferences": [controller_ref(kinds::CRON_JOBS, &self.cron.value)]
        });
        for field in ["labels", "annotations"] {
            if !template["metadata"][field].is_empty() {
                metadata.set(field, &template["metadata"][field]);
            }
        }
        metadata["annotations"].set("batch.kubernetes.io/cronjob-scheduled-timestamp", zone.rfc3339(at));
        let job = value!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": &template["spec"]
        });
        let namespace = self.cron.namespace().clone();
        match self.ctx.client(&self.controller.actor).create(kinds::JOBS, &namespace, job) {
            Ok(job) => {
                self.event("Normal", "SuccessfulCreate", &format!("Created job {name}"));
                self.status["active"].push(reference(&job));
            }
            Err(status) if namespace_terminating(&status) => return Ok(()),
            Err(status) if status.is("AlreadyExists") => {
                // Made before, but not noted; somebody else's is none of this one's business.
                let made = self.ctx.api.get(kinds::JOBS, &namespace, &name).cloned().unwrap_or_default();
                let owners = made["metadata"]["ownerReferences"].items();
                let ours = owners.iter().any(|o| o["controller"].is_true() && o["uid"] == self.cron.uid.as_str());
                if !ours || self.is_active(made["metadata"]["uid"].str()) {
                    return Ok(());
                }
                self.status["active"].push(reference(&made));
            }
            Err(status) => {
                self.event("Warning", "FailedCreate", &format!("Error creating job: {}", status.message));
                return Err(status);
            }
        }
        self.status.set("lastScheduleTime", at.rfc3339());
        Ok(())
    }

    fn reconcile(&mut self) -> Result<Requeue, Status> {
        self.clean_up()?;
        self.count_active();
        if self.cron.deleting.is_some() {
            return Ok(Requeue::Done);
        }
        let zone = match self.spec()["timeZone"].as_str().map(|name| (name.to_owned(), Zone::named(name))) {
            None => Zone::default(),
            Some((_, Some(zone))) => zone,
            Some((name, None)) => {
                let why = format!("invalid timeZone: \"{name}\": unknown time zone {name}");
                self.event("Warning", "UnknownTimeZone", &why);
                return Ok(Requeue::Done);
            }
        };
        if self.spec()["suspend"].is_true() {
            return Ok(Requeue::Done);
        }
        let text = self.spec()["schedule"].str().to_owned();
        let Some(schedule) = Schedule::parse(&text) else {
            self.event("Warning", "UnparseableSchedule", &format!("unparseable schedule: \"{text}\""));
            return Ok(Requeue::Done);
        };
        if schedule.next(self.ctx.now, zone).is_none() {
            // Such as the 31st of February: kube-controller-manager notices that two moments are the same.
            let why = "time difference between two schedules is less than 1 second";
            self.event("Warning", "InvalidSchedule", &format!("invalid schedule: {text} : {why}"));
            return Ok(Requeue::Done);
        }
        match self.missed(&schedule, zone) {
            Some((at, true)) => {
                let message = format!("Missed scheduled time to start a job: {}", at.rfc1123());
                self.event("Warning", "MissSchedule", &message);
            }
            Some((at, false)) => self.start(at, zone)?,
            None => {}
        }
        let next = schedule.next(self.ctx.now, zone);
        Ok(next.map_or(Requeue::Done, |at| Requeue::After(at.since(self.ctx.now) + DELTA)))
    }
}

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::CRON_JOBS, kinds::JOBS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::CRON_JOBS {
            // Another schedule means the next moment, not those that it would have had before.
            let renewed = change.old.is_some()
                && (change.differs(&["spec", "schedule"]) || change.differs(&["spec", "timeZone"]));
            if let Some(cron) = change.new.as_ref().filter(|_| renewed) {
                let zone = cron["spec"]["timeZone"].as_str().map_or(Some(Zone::default()), Zone::named);
                let schedule = Schedule::parse(cron["spec"]["schedule"].str());
                if let Some(at) = schedule.zip(zone).and_then(|(schedule, zone)| schedule.next(queue.now, zone)) {
                    queue.after(change.key(), at.since(queue.now) + DELTA);
                }
            } else if change.old.is_none() || change.differs(&["spec"]) || change.new.is_none() {
                // What only this controller writes wakes nobody.
                queue.add(change.key());
            }
            return;
        }
        let job = change.object();
        if let Some(owner) = job.controller().filter(|owner| owner.kind == "CronJob")
            && let Some(cron) = informers.find(kinds::CRON_JOBS, job.namespace(), &owner.name)
            && cron.uid == owner.uid
        {
            queue.add(&cron.key);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(cached) = ctx.informers.get(kinds::CRON_JOBS, key) else { return Ok(Requeue::Done) };
        // The list of active Jobs is this controller's own: it must not forget what it wrote a moment ago.
        let Some(fresh) = ctx.api.get(kinds::CRON_JOBS, &key.namespace, &key.name).cloned() else {
            return Ok(Requeue::Done);
        };
        let uid = cached.uid.clone();
        let cron = Object::read(fresh, false);
        let jobs: Vec<Arc<Object>> = ctx.informers.controlled(kinds::JOBS, &uid).cloned().collect();
        let status = cron["status"].clone();
        let mut work = Work { ctx, controller: self, cron: cron.clone(), jobs, status };
        let result = work.reconcile();
        let mut status = work.status;
        if status["active"].is_empty() {
            status.remove("active");
        }
        if status != cron["status"] {
            let mut updated = cron.value.clone();
            updated.set("status", status);
            ignore_absent(ctx.client(&self.actor).update_status(kinds::CRON_JOBS, &key.namespace, updated))?;
        }
        result
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
