//! The two strategies: replace pods bit by bit within bounds, or take all away and start anew.

use drydock_api::Status;
use drydock_value::Value;

use super::{Sets, Work};
use crate::controllers::common::{self, status_int};
use crate::objects::shared;
use crate::store::kinds;

impl Work<'_, '_> {
    /// RollingUpdate: up where the surge allows, else down where enough are available.
    pub(super) fn roll(&mut self) -> Result<(), Status> {
        let mut sets = self.sets(true)?;
        if self.scale_up_new(&mut sets)? || self.scale_down_old(&mut sets)? {
            return self.sync_rollout_status(&sets);
        }
        if self.complete(&self.deployment["status"]) {
            self.clean_up(&sets)?;
        }
        self.sync_rollout_status(&sets)
    }

    /// How many replicas the new ReplicaSet may have, when there are `total` in all and `now` in it.
    pub(super) fn new_replicas(&self, total: i64, now: i64) -> i64 {
        if !self.rolling() {
            return self.replicas();
        }
        let most = self.replicas() + self.max_surge();
        if total >= most { now } else { now + (most - total).min(self.replicas() - now) }
    }

    fn scale_up_new(&mut self, sets: &mut Sets) -> Result<bool, Status> {
        let Some(new) = &sets.new else { return Ok(false) };
        let (now, wanted) = (common::spec_replicas(new), self.replicas());
        let to =
            if now >= wanted { wanted } else { self.new_replicas(sets.all().map(common::spec_replicas).sum(), now) };
        let (set, scaled) = self.scale(new.clone(), to)?;
        sets.new = Some(set);
        Ok(scaled)
    }

    fn scale_down_old(&mut self, sets: &mut Sets) -> Result<bool, Status> {
        let total = |sets: &Sets| sets.all().map(common::spec_replicas).sum::<i64>();
        if sets.old.iter().map(common::spec_replicas).sum::<i64>() == 0 {
            return Ok(false);
        }
        let new_missing = sets.new.as_ref().map_or(0, |new| common::spec_replicas(new) - self.staying(new));
        let least = self.replicas() - self.max_unavailable();
        let most_down = total(sets) - least - new_missing;
        if most_down <= 0 {
            return Ok(false);
        }
        // Pods that are not available anyway go first: taking them away costs nothing.
        let mut down = 0;
        for at in 0..sets.old.len() {
            let set = &sets.old[at];
            let (size, ready) = (common::spec_replicas(set), self.staying(set));
            if down >= most_down || size == 0 || size == ready {
                continue;
            }
            let count = (most_down - down).min(size - ready);
            let (set, _) = self.scale(set.clone(), size - count)?;
            sets.old[at] = set;
            down += count;
        }
        let spare = sets.all().map(|set| self.staying(set)).sum::<i64>() - least;
        let mut healthy_down = 0;
        for at in 0..sets.old.len() {
            let set = &sets.old[at];
            let size = common::spec_replicas(set);
            if healthy_down >= spare || size == 0 {
                continue;
            }
            let count = size.min(spare - healthy_down);
            let (set, _) = self.scale(set.clone(), size - count)?;
            sets.old[at] = set;
            healthy_down += count;
        }
        Ok(down + healthy_down > 0)
    }

    /// Recreate: the old ones go, all of them, before the new ones come.
    pub(super) fn recreate(&mut self) -> Result<(), Status> {
        let mut sets = self.sets(false)?;
        let mut scaled_down = false;
        for at in 0..sets.old.len() {
            let (set, scaled) = self.scale(sets.old[at].clone(), 0)?;
            sets.old[at] = set;
            scaled_down |= scaled;
        }
        if scaled_down || self.old_pods_run(&sets) {
            return self.sync_rollout_status(&sets);
        }
        if sets.new.is_none() {
            sets = self.sets(true)?;
        }
        if let Some(new) = sets.new.take() {
            let wanted = self.replicas();
            let (set, _) = self.scale(new, wanted)?;
            sets.new = Some(set);
        }
        if self.complete(&self.deployment["status"]) {
            self.clean_up(&sets)?;
        }
        self.sync_rollout_status(&sets)
    }

    /// How many pods of a set are available and stay. The status of a set that was just made smaller still counts those
    /// that have to go or are going; whoever counted on them when a rollout turns around would take away too many.
    fn staying(&self, set: &Value) -> i64 {
        let counted = status_int(set, "availableReplicas").min(common::spec_replicas(set));
        let uid = shared(&set["metadata"]["uid"]);
        let there = self
            .ctx
            .informers
            .controlled(kinds::PODS, &uid)
            .filter(|pod| pod.active_pod() && pod.pod().ready())
            .count();
        counted.min(i64::try_from(there).unwrap_or(i64::MAX))
    }

    fn old_pods_run(&self, sets: &Sets) -> bool {
        let running = |set: &Value| {
            let uid = shared(&set["metadata"]["uid"]);
            self.ctx.informers.controlled(kinds::PODS, &uid).any(|pod| !pod.pod().terminal())
        };
        sets.old.iter().any(|set| status_int(set, "replicas") > 0 || running(set))
    }
}
