//! What a Deployment says of itself: counts, conditions, and whether it makes progress.

use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Value, value};

use super::{Requeue, Sets, Work};
use crate::controllers::common::{self, remove_condition, set_condition, spec_replicas, status_int};
use crate::objects::moment;

/// Why a Deployment progresses no more: it is done.
const AVAILABLE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

impl Work<'_, '_> {
    /// Notes that the Deployment was paused or resumed, so that the time in between does not count as lack of progress.
    pub(super) fn note_pause(&mut self) -> Result<(), Status> {
        let reason = common::condition(&self.deployment, "Progressing").map(|condition| condition["reason"].str());
        if !self.has_deadline() || reason == Some(TIMED_OUT) {
            return Ok(());
        }
        let noted = reason == Some("DeploymentPaused");
        match (self.deployment["spec"]["paused"].is_true(), noted) {
            (true, false) => self.set_progressing("Unknown", "DeploymentPaused", "Deployment is paused"),
            (false, true) => self.set_progressing("Unknown", "DeploymentResumed", "Deployment is resumed"),
            _ => return Ok(()),
        }
        self.update_status()
    }

    /// The counts and the condition Available.
    fn status(&self, sets: &Sets) -> Value {
        let sum = |field: &str| sets.all().map(|set| status_int(set, field)).sum::<i64>();
        let available = sum("availableReplicas");
        let unavailable = (sets.all().map(spec_replicas).sum::<i64>() - available).max(0);
        let mut status = value!({"observedGeneration": &self.deployment["metadata"]["generation"]});
        let counts = [
            ("replicas", sum("replicas")),
            ("updatedReplicas", sets.new.as_ref().map_or(0, |new| status_int(new, "replicas"))),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", unavailable),
        ];
        for (field, count) in counts.into_iter().filter(|(_, count)| *count != 0) {
            status.set(field, count);
        }
        if sets.all().all(|set| !set["status"]["terminatingReplicas"].is_null()) {
            status.set("terminatingReplicas", sum("terminatingReplicas"));
        }
        let old = &self.deployment["status"];
        for field in ["collisionCount", "conditions"] {
            if !old[field].is_null() {
                status.set(field, &old[field]);
            }
        }
        let condition = if available >= self.replicas() - self.max_unavailable() {
            self.condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            self.condition(
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        set_condition(&mut status["conditions"], condition);
        status
    }

    fn write_status(&mut self, status: Value) -> Result<bool, Status> {
        if status == self.deployment["status"] {
            return Ok(false);
        }
        self.deployment.set("status", status);
        self.update_status().map(|()| true)
    }

    /// Writes the status without judging progress.
    pub(super) fn sync_status(&mut self, sets: &Sets) -> Result<(), Status> {
        let status = self.status(sets);
        self.write_status(status).map(|_| ())
    }

    /// Whether everything is new, available, and nothing else is left.
    pub(super) fn complete(&self, status: &Value) -> bool {
        let wanted = self.replicas();
        ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|field| status[*field].int() == wanted)
            && status["observedGeneration"].int() >= self.deployment["metadata"]["generation"].int()
    }

    /// Whether more is new or ready, or less is old, than was.
    fn progressed(&self, new: &Value) -> bool {
        let old = &self.deployment["status"];
        let outdated = |status: &Value| status["replicas"].int() - status["updatedReplicas"].int();
        let more = |field: &str| new[field].int() > old[field].int();
        more("updatedReplicas") || outdated(new) < outdated(old) || more("readyReplicas") || more("availableReplicas")
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(self.deployment["spec"]["progressDeadlineSeconds"].int().max(0).unsigned_abs())
    }

    fn timed_out(&self, status: &Value) -> bool {
        let Some(condition) = status["conditions"].find("type", "Progressing") else { return false };
        match condition["reason"].str() {
            AVAILABLE => false,
            TIMED_OUT => true,
            _ => moment(&condition["lastUpdateTime"]).is_some_and(|at| at + self.deadline() < self.ctx.now),
        }
    }

    /// Writes the status, with what can be said of progress.
    pub(super) fn sync_rollout_status(&mut self, sets: &Sets) -> Result<(), Status> {
        let mut status = self.status(sets);
        if !self.has_deadline() {
            remove_condition(&mut status["conditions"], "Progressing");
        }
        let current = common::condition(&self.deployment, "Progressing").cloned();
        let settled = status["replicas"].int() == status["updatedReplicas"].int()
            && current.as_ref().is_some_and(|condition| condition["reason"] == AVAILABLE);
        if self.has_deadline() && !settled {
            let what = match &sets.new {
                Some(new) => format!("ReplicaSet \"{}\"", new["metadata"]["name"].str()),
                None => format!("Deployment \"{}\"", self.name()),
            };
            if self.complete(&status) {
                let message = format!("{what} has successfully progressed.");
                let condition = self.progressing("True", AVAILABLE, &message);
                set_condition(&mut status["conditions"], condition);
            } else if self.progressed(&status) {
                let message = format!("{what} is progressing.");
                let mut condition = self.progressing("True", "ReplicaSetUpdated", &message);
                // Every bit of progress counts: the time of the update moves though the reason stays.
                if let Some(current) = &current {
                    if current["status"] == "True" {
                        condition.set("lastTransitionTime", &current["lastTransitionTime"]);
                    }
                    remove_condition(&mut status["conditions"], "Progressing");
                }
                set_condition(&mut status["conditions"], condition);
            } else if self.timed_out(&status) {
                let message = format!("{what} has timed out progressing.");
                let condition = self.progressing("False", TIMED_OUT, &message);
                set_condition(&mut status["conditions"], condition);
            }
        }
        match failure(sets) {
            Some(failure) => set_condition(&mut status["conditions"], failure),
            None => remove_condition(&mut status["conditions"], "ReplicaFailure"),
        }
        if !self.write_status(status.clone())? {
            self.requeue_stuck(&status);
        }
        Ok(())
    }

    /// Nothing moves: look again when the deadline is over.
    fn requeue_stuck(&mut self, status: &Value) {
        let Some(current) = common::condition(&self.deployment, "Progressing") else { return };
        if !self.has_deadline() || self.complete(status) || current["reason"] == TIMED_OUT {
            return;
        }
        let due = moment(&current["lastUpdateTime"]).unwrap_or_default() + self.deadline();
        let after = due.since(self.ctx.now);
        self.requeue = if after < Duration::from_secs(1) {
            Requeue::Limited
        } else {
            Requeue::After(after + Duration::from_secs(1))
        };
    }
}

/// Why pods could not be made: the new ReplicaSet's reason rather than an old one's.
fn failure(sets: &Sets) -> Option<Value> {
    let failures = |set: &Value| {
        let condition = common::condition(set, "ReplicaFailure")?;
        let mut condition = condition.clone();
        let since = condition["lastTransitionTime"].clone();
        condition.set("lastUpdateTime", since);
        Some(condition)
    };
    sets.new.iter().chain(&sets.old).find_map(failures)
}
