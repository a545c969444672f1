//! How fast an autoscaler may go: stabilization windows and policies.

use std::time::Duration;

use drydock_schema::labels::Selector;
use drydock_value::{Str, Time, Value};

/// For how long a lower recommendation has to last (`--horizontal-pod-autoscaler-downscale-stabilization`).
const DOWNSCALE: Duration = Duration::from_secs(300);

/// What an autoscaler remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The autoscaler's namespace and name, and which pods it found to be its own.
    pub selects: Option<(Str, Str, Selector)>,
    /// What was recommended lately.
    recommendations: Vec<(Time, i64)>,
    /// By how much it went up or down, and when.
    changes: Vec<(Time, i64)>,
}

/// What may be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Allowed {
    /// How many replicas.
    pub replicas: i64,
    /// Reason and message of the condition AbleToScale.
    pub able: (&'static str, &'static str),
    /// Status, reason and message of the condition ScalingLimited.
    pub limited: (bool, &'static str, &'static str),
}

const READY: (&str, &str) = ("ReadyForNewScale", "recommended size matches current size");
const DOWN_STABLE: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const UP_STABLE: (&str, &str) = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const IN_RANGE: (&str, &str) = ("DesiredWithinRange", "the desired count is within the acceptable range");
const TOO_FAST: (&str, &str) =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const TOO_FAST_DOWN: (&str, &str) =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
const TOO_MANY: (&str, &str) = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: (&str, &str) = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");

fn seconds(value: &Value, otherwise: Duration) -> Duration {
    value.as_i64().map_or(otherwise, |seconds| Duration::from_secs(seconds.max(0).unsigned_abs()))
}

impl Memory {
    /// Notes the size that was found when an autoscaler is seen for the first time.
    pub fn begin(&mut self, now: Time, current: i64) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
    }

    /// Notes that it was scaled.
    pub fn scaled(&mut self, now: Time, behavior: &Value, from: i64, to: i64) {
        // Only policies look back.
        if behavior.is_null() {
            return;
        }
        let longest = ["scaleUp", "scaleDown"]
            .iter()
            .flat_map(|direction| behavior[*direction]["policies"].items())
            .map(|policy| policy["periodSeconds"].int())
            .max()
            .unwrap_or(0);
        let period = Duration::from_secs(longest.max(0).unsigned_abs());
        self.changes.retain(|(at, _)| *at + period >= now);
        self.changes.push((now, to - from));
    }

    /// What an autoscaler may make of `wanted` replicas.
    pub fn allow(&mut self, now: Time, spec: &Value, current: i64, wanted: i64) -> Allowed {
        let behavior = &spec["behavior"];
        let (least, most) = (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].int());
        let up = seconds(&behavior["scaleUp"]["stabilizationWindowSeconds"], Duration::ZERO);
        let down = seconds(&behavior["scaleDown"]["stabilizationWindowSeconds"], DOWNSCALE);
        let within = |window: Duration| {
            self.recommendations.iter().filter(move |(at, _)| *at + window > now).map(|(_, count)| *count)
        };
        let highest = within(down).fold(wanted, i64::max);
        let stable = if behavior.is_null() {
            highest
        } else {
            let lowest = within(up).fold(wanted, i64::min);
            current.max(lowest).min(highest)
        };
        let kept = up.max(down);
        self.recommendations.retain(|(at, _)| *at + kept > now);
        self.recommendations.push((now, wanted));
        let able = match stable == wanted {
            true => READY,
            false if behavior.is_null() || wanted < current => DOWN_STABLE,
            false => UP_STABLE,
        };
        let (limit, words) = if behavior.is_null() {
            let fast = (2 * current).max(4);
            let (highest, words) = if most > fast { (fast, TOO_FAST) } else { (most, TOO_MANY) };
            if stable < least { (least, TOO_FEW) } else { (stable.min(highest), words) }
        } else if stable > current {
            let fast = self.policies(now, &behavior["scaleUp"], current, true).max(current);
            let (highest, words) = if most > fast { (fast, TOO_FAST) } else { (most, TOO_MANY) };
            (stable.min(highest), words)
        } else if stable < current {
            let fast = self.policies(now, &behavior["scaleDown"], current, false).min(current);
            let (lowest, words) = if least < fast { (fast, TOO_FAST_DOWN) } else { (least, TOO_FEW) };
            (stable.max(lowest), words)
        } else {
            (stable, IN_RANGE)
        };
        let (reason, message) = if limit == stable { IN_RANGE } else { words };
        // Whatever the policies say, the bounds hold.
        Allowed { replicas: limit.clamp(least, most.max(least)), able, limited: (limit != stable, reason, message) }
    }

    /// How far the policies of a direction let it go.
    fn policies(&self, now: Time, rules: &Value, current: i64, up: bool) -> i64 {
        let select = rules["selectPolicy"].str();
        if select == "Disabled" {
            return current;
        }
        let limits = rules["policies"].items().iter().map(|policy| {
            let period = Duration::from_secs(policy["periodSeconds"].int().max(0).unsigned_abs());
            // Where it stood when the period began.
            let recent = self.changes.iter().filter(|(at, _)| *at + period > now);
            let began = current - recent.map(|(_, change)| change).sum::<i64>();
            let amount = policy["value"].int();
            let share = |sign: f64| began as f64 * (1.0 + sign * (amount as f64 / 100.0));
            match (policy["type"] == "Pods", up) {
                (true, true) => began + amount,
                (true, false) => began - amount,
                (false, true) => share(1.0).ceil() as i64,
                (false, false) => share(-1.0) as i64,
            }
        });
        // `Max` is the policy that changes most: the highest upwards, the lowest downwards.
        let limit = if up == (select != "Min") { limits.max() } else { limits.min() };
        limit.unwrap_or(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;
    use proptest::prelude::*;

    fn at(seconds: u64) -> Time {
        Time::from_seconds(100_000 + seconds)
    }

    fn reasons(allowed: &Allowed) -> (i64, &'static str, &'static str) {
        (allowed.replicas, allowed.able.0, allowed.limited.1)
    }

    #[test]
    fn without_behavior_down_waits_and_up_doubles() {
        let spec = value!({"minReplicas": 2, "maxReplicas": 20});
        let mut memory = Memory::default();
        memory.begin(at(0), 3);
        let steps = [
            (0, 3, 20, (6, "ReadyForNewScale", "ScaleUpLimit")),
            (15, 6, 30, (12, "ReadyForNewScale", "ScaleUpLimit")),
            (30, 12, 30, (20, "ReadyForNewScale", "TooManyReplicas")),
            (45, 20, 1, (20, "ScaleDownStabilized", "TooManyReplicas")),
            (329, 20, 1, (20, "ScaleDownStabilized", "TooManyReplicas")),
            (331, 20, 1, (2, "ReadyForNewScale", "TooFewReplicas")),
            (345, 2, 3, (3, "ReadyForNewScale", "DesiredWithinRange")),
        ];
        for (second, current, wanted, expected) in steps {
            assert_eq!(reasons(&memory.allow(at(second), &spec, current, wanted)), expected, "after {second} s");
        }
    }

    #[test]
    fn policies_limit_both_directions() {
        let spec = value!({"minReplicas": 1, "maxReplicas": 100, "behavior": {
            "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
                {"type": "Percent", "value": 50, "periodSeconds": 60}, {"type": "Pods", "value": 4, "periodSeconds": 60}]},
            "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": "Min", "policies": [
                {"type": "Percent", "value": 10, "periodSeconds": 60}, {"type": "Pods", "value": 5, "periodSeconds": 60}]}
        }});
        let mut memory = Memory::default();
        memory.begin(at(0), 10);
        assert_eq!(reasons(&memory.allow(at(0), &spec, 10, 90)), (15, "ReadyForNewScale", "ScaleUpLimit"));
        memory.scaled(at(0), &spec["behavior"], 10, 15);
        // The period is not over: it stays.
        assert_eq!(memory.allow(at(30), &spec, 15, 90).replicas, 15);
        assert_eq!(memory.allow(at(61), &spec, 15, 90).replicas, 23);
        memory.scaled(at(61), &spec["behavior"], 15, 23);
        assert_eq!(reasons(&memory.allow(at(200), &spec, 23, 1)), (20, "ReadyForNewScale", "ScaleDownLimit"));
        let mut off = spec.clone();
        off["behavior"]["scaleDown"].set("selectPolicy", "Disabled");
        assert_eq!(memory.allow(at(300), &off, 23, 1).replicas, 23);
    }

    proptest! {
        #[test]
        fn bounds_hold_whatever_is_wanted(
            least in 1..10_i64, more in 0..20_i64, wanted in prop::collection::vec((0..200_i64, 1..400_u64), 1..20),
            up in 0..400_i64, down in 0..400_i64, pods in 1..9_i64, select in 0..4_usize,
        ) {
            let mut spec = value!({"minReplicas": least, "maxReplicas": least + more});
            if select < 3 {
                let select = ["Max", "Min", "Disabled"][select];
                let rules = |window: i64| value!({
                    "stabilizationWindowSeconds": window, "selectPolicy": select,
                    "policies": [{"type": "Pods", "value": pods, "periodSeconds": 60}]
                });
                spec.set("behavior", value!({"scaleUp": rules(up), "scaleDown": rules(down)}));
            }
            let (mut memory, mut now, mut current, mut shrunk) = (Memory::default(), at(0), least, false);
            memory.begin(now, current);
            for (wanted, wait) in wanted {
                now = now + Duration::from_secs(wait);
                let allowed = memory.allow(now, &spec, current, wanted).replicas;
                prop_assert!((least..=least + more).contains(&allowed), "{allowed}");
                // What went within the period may come back besides.
                shrunk |= allowed < current;
                if !spec["behavior"].is_null() && allowed > current && !shrunk {
                    prop_assert!(allowed - current <= pods);
                }
                memory.scaled(now, &spec["behavior"], current, allowed);
                current = allowed;
            }
        }
    }
}
