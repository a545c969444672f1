//! Scaling: one ReplicaSet, or, in the middle of a rollout, all of them in proportion to their sizes.

use drydock_api::Status;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::{Sets, Work};
use crate::controllers::common::{self, spec_replicas, status_int};
use crate::store::kinds;

pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";

/// The size of the Deployment when this ReplicaSet was last scaled.
pub(super) fn desired_annotation(set: &Value) -> Option<i64> {
    set["metadata"]["annotations"][DESIRED].str().parse().ok()
}

/// Notes the Deployment's size, without and with surge; answers whether that changed anything.
pub(super) fn annotate(set: &mut Value, desired: i64, most: i64) -> bool {
    let mut changed = false;
    for (key, number) in [(DESIRED, desired.to_string()), (MOST, most.to_string())] {
        if set["metadata"]["annotations"][key] != number.as_str() {
            set["metadata"]["annotations"].set(key, number);
            changed = true;
        }
    }
    changed
}

/// What to add to one ReplicaSet of size `size` when the Deployment may have `most` pods in all now and could have
/// `before` when it was last scaled.
fn fraction(size: i64, wanted: i64, most: i64, before: i64) -> i64 {
    if wanted == 0 {
        return -size;
    }
    if before == 0 {
        return 0;
    }
    // Rounded half away from zero.
    let share = (size * most) as f64 / before as f64;
    let rounded = if share < 0.0 { (share - 0.5) as i64 } else { (share + 0.5) as i64 };
    rounded - size
}

impl Work<'_, '_> {
    /// Brings a ReplicaSet to a size; answers it as it is then, and whether its size changed.
    pub(super) fn scale(&mut self, set: Value, to: i64) -> Result<(Value, bool), Status> {
        if spec_replicas(&set) == to { Ok((set, false)) } else { self.scale_noting(set, to) }
    }

    /// The same, noting the Deployment's size even when the ReplicaSet keeps its own.
    fn scale_noting(&mut self, mut set: Value, to: i64) -> Result<(Value, bool), Status> {
        let from = spec_replicas(&set);
        let noted = annotate(&mut set, self.replicas(), self.replicas() + self.max_surge());
        if from == to && !noted {
            return Ok((set, false));
        }
        set["spec"].set("replicas", to);
        let namespace = self.namespace();
        let set = self.ctx.client(&self.controller.actor).update(kinds::REPLICA_SETS, &namespace, set)?;
        if from != to {
            let direction = if from < to { "up" } else { "down" };
            let name = set["metadata"]["name"].str();
            self.event(
                "Normal",
                "ScalingReplicaSet",
                &format!("Scaled {direction} replica set {name} from {from} to {to}"),
            );
        }
        Ok((set, from != to))
    }

    /// Brings the ReplicaSets to the Deployment's size without rolling out.
    pub(super) fn scale_all(&mut self, sets: &mut Sets) -> Result<(), Status> {
        let wanted = self.replicas();
        let active: Vec<usize> = (0..sets.old.len()).filter(|at| spec_replicas(&sets.old[*at]) > 0).collect();
        let new_active = sets.new.as_ref().is_some_and(|new| spec_replicas(new) > 0);
        // With at most one active ReplicaSet there is nothing to divide.
        if active.len() + usize::from(new_active) <= 1 {
            if let (Some(at), false) = (active.first().copied(), new_active) {
                sets.old[at] = self.scale(sets.old[at].clone(), wanted)?.0;
            } else if let Some(new) = sets.new.take() {
                sets.new = Some(self.scale(new, wanted)?.0);
            } else if let Some(latest) = sets.old.pop() {
                let scaled = self.scale(latest, wanted)?.0;
                sets.old.push(scaled);
            }
            return Ok(());
        }
        if let Some(new) = &sets.new
            && spec_replicas(new) == wanted
            && desired_annotation(new) == Some(wanted)
            && status_int(new, "availableReplicas") == wanted
        {
            for at in active {
                sets.old[at] = self.scale(sets.old[at].clone(), 0)?.0;
            }
            return Ok(());
        }
        if self.rolling() { self.scale_in_proportion(sets, &active, new_active) } else { Ok(()) }
    }

    fn scale_in_proportion(&mut self, sets: &mut Sets, active: &[usize], new_active: bool) -> Result<(), Status> {
        // (place among the old ones, or None for the new one; ReplicaSet)
        let mut parts: Vec<(Option<usize>, Value)> =
            active.iter().map(|at| (Some(*at), sets.old[*at].clone())).collect();
        if new_active && let Some(new) = &sets.new {
            parts.push((None, new.clone()));
        }
        let most = if self.replicas() > 0 { self.replicas() + self.max_surge() } else { 0 };
        let to_add = most - parts.iter().map(|(_, set)| spec_replicas(set)).sum::<i64>();
        let age = |set: &Value| (set["metadata"]["creationTimestamp"].str().to_owned(), common::name(set).to_owned());
        // The largest takes what is left over: the newer of two equals when growing, the older when shrinking.
        parts.sort_compact_by(|(_, a), (_, b)| {
            let by_age = if to_add > 0 { age(b).cmp(&age(a)) } else { age(a).cmp(&age(b)) };
            spec_replicas(b).cmp(&spec_replicas(a)).then(by_age)
        });
        let mut sizes = Vec::new();
        let mut added = 0;
        for (_, set) in &parts {
            let size = spec_replicas(set);
            let left = to_add - added;
            let part = if to_add == 0 || left == 0 {
                0
            } else {
                let before = set["metadata"]["annotations"][MOST].str().parse().unwrap_or(0);
                let before = if before == 0 { status_int(&self.deployment, "replicas") } else { before };
                let share = fraction(size, self.replicas(), self.replicas() + self.max_surge(), before);
                if to_add > 0 { share.min(left) } else { share.max(left) }
            };
            sizes.push(size + part);
            added += part;
        }
        if let Some(first) = sizes.first_mut() {
            *first = (*first + to_add - added).max(0);
        }
        for ((at, set), size) in parts.into_iter().zip(sizes) {
            let scaled = self.scale_noting(set, size)?.0;
            match at {
                Some(at) => sets.old[at] = scaled,
                None => sets.new = Some(scaled),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::fraction;

    #[test]
    fn shares_are_rounded_half_away_from_zero() {
        // (size, wanted, most, before) -> to add
        let cases = [
            ((5, 20, 22, 12), 4),
            ((7, 0, 0, 12), -7),
            ((3, 5, 7, 13), -1),
            ((10, 10, 10, 0), 0),
            ((1, 10, 13, 13), 0),
        ];
        for ((size, wanted, most, before), share) in cases {
            assert_eq!(fraction(size, wanted, most, before), share, "{size} {wanted} {most} {before}");
        }
    }
}
