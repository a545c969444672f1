//! One look at a pod: what is known is reported, what is missing is made.

use std::time::Duration;

use drydock_value::Time;

use super::actions;
use super::status::{merge_conditions, status};
use super::worker::{Doing, Stage, Starting, Step, Told, Worker};
use super::{Kubelet, admit};
use crate::ctx::Ctx;
use crate::store::kinds;

/// The wait before the next try, when an error says none of its own.
pub(super) const RETRY: Duration = Duration::from_secs(10);
/// A look is taken at least so often while there is something to retry or to refresh.
const RESYNC: Duration = Duration::from_secs(60);

impl Kubelet {
    /// Does the next thing that is due for a pod. Whether there was any.
    pub(super) fn step(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) -> bool {
        let now = ctx.now;
        if worker.report_at.is_some_and(|at| at <= now) {
            worker.report_at = None;
            self.report(worker, ctx);
        }
        match &worker.stage {
            Stage::Over => {
                if worker.pod.deleting.is_some() && !worker.gone && !worker.deleted {
                    self.delete(worker, ctx);
                }
                return false;
            }
            Stage::Ending(_) => return self.step_end(worker, ctx),
            Stage::Syncing => {}
        }
        if worker.gone || worker.pod.deleting.is_some() {
            self.begin_end(worker, ctx);
            return true;
        }
        match &mut worker.doing {
            Doing::Idle => {
                if worker.dirty || worker.sync_at.is_some_and(|at| at <= now) {
                    self.begin_sync(worker, ctx);
                    return true;
                }
                false
            }
            Doing::Mounting { until, .. } if *until <= now => {
                self.mount(worker, ctx);
                true
            }
            Doing::Sandbox(until) if *until <= now => {
                self.make_sandbox(worker, ctx);
                true
            }
            Doing::Killing(..) => self.step_kill(worker, ctx),
            Doing::Starting(_) => self.step_start(worker, ctx),
            _ => false,
        }
    }

    fn begin_sync(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        worker.dirty = false;
        worker.sync_at = None;
        let started = *worker.started.get_or_insert(ctx.now);
        if !worker.admitted {
            let labels = ctx.informers.find(kinds::NODES, "", self.config.name.as_str());
            let labels = labels.map(|node| node["metadata"]["labels"].clone()).unwrap_or_default();
            let others = self.workers.values().filter(|other| other.admitted && !matches!(other.stage, Stage::Over));
            let refusal = self.pressure_refusal(worker);
            if let Some((reason, message)) = refusal.or_else(|| admit::refusal(worker, &self.config, &labels, others)) {
                let told = message.strip_prefix("Pod was rejected: ").unwrap_or(&message);
                self.pod_event(worker, "Warning", reason, told, ctx);
                worker.verdict = Some((reason, message));
                worker.stage = Stage::Over;
                self.report(worker, ctx);
                return;
            }
            worker.admitted = true;
            self.watch_writing(worker, ctx);
        }
        self.give_resources(worker, ctx);
        self.report(worker, ctx);
        if let Some(seconds) = worker.pod["spec"]["activeDeadlineSeconds"].as_i64() {
            let deadline = started + Duration::from_secs(seconds.max(0).unsigned_abs());
            if deadline <= ctx.now {
                let message = "Pod was active on the node longer than the specified deadline";
                self.pod_event(worker, "Normal", "DeadlineExceeded", message, ctx);
                worker.verdict = Some(("DeadlineExceeded", message.into()));
                self.begin_end(worker, ctx);
                return;
            }
            worker.look_again(deadline);
        }
        if matches!(worker.status["phase"].str(), "Succeeded" | "Failed") {
            self.begin_end(worker, ctx);
            return;
        }
        if !worker.mounted {
            worker.doing = Doing::Mounting { until: ctx.now + ctx.latencies.mount, since: ctx.now };
        } else if worker.sandbox.is_none() {
            self.look_for_pull_secrets(worker, ctx);
            worker.doing = Doing::Sandbox(ctx.now + ctx.latencies.sandbox);
        } else {
            self.look_for_pull_secrets(worker, ctx);
            self.refresh_volumes(worker, ctx);
            self.act(worker, false, ctx);
        }
    }

    /// Does what is to be done, now that volumes and sandbox stand.
    pub(super) fn act(&mut self, worker: &mut Worker, acted: bool, ctx: &mut Ctx<'_>) {
        for (number, limits) in actions::limits(worker, &self.runtime) {
            self.runtime.limit(number, limits);
        }
        let actions = actions::compute(worker, &self.runtime);
        if actions.kill_pod {
            self.begin_end(worker, ctx);
            return;
        }
        let starting = Box::new(Starting {
            queue: actions.start.into(),
            step: Step::Next,
            retry: None,
            failed: false,
            acted,
            volumes: Vec::new(),
        });
        let mut told: Vec<Told> = Vec::new();
        for (slot, message, check) in actions.kill {
            told.push(self.tell(worker, slot, &message, check, ctx));
        }
        worker.doing = if told.is_empty() { Doing::Starting(starting) } else { Doing::Killing(told, starting) };
    }

    /// A sync has come to its end.
    pub(super) fn end_sync(&mut self, worker: &mut Worker, starting: &Starting, ctx: &mut Ctx<'_>) {
        worker.doing = Doing::Idle;
        let soon = ctx.now + ctx.latencies.relist;
        if starting.acted {
            worker.look_again(soon);
        }
        if starting.failed {
            worker.report_at = Some(soon);
            let wait = starting.retry.map_or(RETRY, |at| at.since(ctx.now)).min(RESYNC);
            let at = ctx.now + ctx.random.jitter(wait, 50);
            worker.look_again(at);
        }
        if self.refreshes(worker) {
            let at = ctx.now + ctx.random.jitter(RESYNC, 50);
            worker.look_again(at);
        }
    }

    /// Writes the pod's status, if it is another than the last, and lets probes begin.
    pub(super) fn report(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        if worker.gone {
            return;
        }
        self.tend_probes(worker, ctx);
        let new = status(worker, &self.runtime, &self.config, ctx.now);
        if new == worker.status && !worker.doubt {
            return;
        }
        let (namespace, name) = (worker.pod.namespace().clone(), worker.pod.name().clone());
        let mut client = ctx.client(&self.source.actor);
        let Ok(mut current) = client.get(kinds::PODS, &namespace, &name) else { return };
        if *worker.pod.uid != *current["metadata"]["uid"].str() {
            return;
        }
        let mut written = new.clone();
        written.set("conditions", merge_conditions(&new["conditions"], &current["status"]["conditions"]));
        // What others keep in the status stays.
        for field in ["resourceClaimStatuses", "extendedResourceClaimStatus", "nominatedNodeName"] {
            if let Some(kept) = current["status"].get(field) {
                written.set(field, kept);
            }
        }
        let own = written == new;
        worker.status = new;
        worker.doubt = false;
        if current["status"] != written {
            current.set("status", written);
            let stored = client.update_status(kinds::PODS, &namespace, current);
            // Remembered as the API server keeps it: one tree, not two.
            if let Ok(stored) = stored
                && own
                && stored["status"] == worker.status
            {
                worker.status = stored["status"].clone();
            }
        }
    }

    /// Lets the API server forget a pod that has ended.
    pub(super) fn delete(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let (namespace, name) = (worker.pod.namespace().clone(), worker.pod.name().clone());
        let options = crate::store::DeleteOptions::now().of_uid(worker.pod.uid.as_str());
        let deleted = ctx.client(&self.source.actor).delete(kinds::PODS, &namespace, &name, &options);
        // It is gone once the informers say so; finalizers may keep it for a while.
        worker.deleted = match deleted {
            Ok(_) => true,
            Err(status) => status.is("NotFound") || status.is("Conflict"),
        };
    }
}

impl Worker {
    /// Asks for a look at a moment, or earlier if that was asked before.
    pub(super) fn look_again(&mut self, at: Time) {
        self.sync_at = Some(self.sync_at.map_or(at, |earlier| earlier.min(at)));
    }
}
