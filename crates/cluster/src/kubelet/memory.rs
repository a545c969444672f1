//! Memory that is short on a node: whom the eviction manager chooses then, and what it says; and whom the kernel kills when
//! there is none left.

use drydock_schema::quantity::Quantity;
use drydock_sorted::Sort;
use drydock_value::{Time, Value, value};
use std::cmp::Reverse;

use super::Kubelet;
use super::pressure::{self, TRANSITION};
use super::worker::Worker;
use crate::controllers::tolerates;
use crate::ctx::Ctx;
use crate::metrics::SYSTEM;

/// `memory.available<100Mi`
const THRESHOLD: u64 = 100 << 20;
/// What is left when something else has taken the rest.
const LEFT: u64 = 67_284 << 10;

/// What the eviction manager knows of memory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Memory {
    short: bool,
    /// When it was last found short, while the node counts as under pressure.
    pressure: Option<Time>,
}

/// Containers as the ranking looks at them: name, bytes in use, bytes asked for.
type Uses = Vec<(drydock_value::Str, i64, i64)>;

/// How soon a pod goes, the least first: those that use more than they asked for, then the less important, then those
/// that are farthest above.
fn rank(uses: &Uses, priority: i64) -> (bool, i64, Reverse<i64>) {
    let above: i64 = uses.iter().map(|(_, used, asked)| used - asked).sum();
    (above <= 0, priority, Reverse(above))
}

/// What a pod is told that has to go, when so many bytes are left.
fn message(uses: &Uses, left: u64) -> String {
    let mut text =
        format!("The node was low on resource: memory. Threshold quantity: 100Mi, available: {}Ki. ", left >> 10);
    for (name, used, asked) in uses.iter().filter(|(_, used, asked)| used > asked) {
        let (used, asked) = (Quantity::bytes(*used), Quantity::bytes(*asked));
        text += &format!("Container {name} was using {used}, request is {asked}, has larger consumption of memory. ");
    }
    text
}

/// Whether a pod may come to a node where memory is short: one that asked for something, or puts up with it.
pub(super) fn may_come(pod: &Value) -> bool {
    let taint = value!({"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"});
    pod["status"]["qosClass"] != "BestEffort"
        || pod["spec"]["tolerations"].items().iter().any(|toleration| tolerates(toleration, &taint))
}

/// `oom_score_adj` of a container: what is asked for by its pod's class, the larger the sooner it is killed.
/// pkg/kubelet/qos/policy.go
fn oom_adjustment(worker: &Worker, slot: usize, all: u64) -> i64 {
    if pressure::critical(worker) {
        return -997;
    }
    match worker.pod["status"]["qosClass"].str() {
        "Guaranteed" => -997,
        "BestEffort" => 1000,
        _ => {
            let asked =
                Quantity::of(&worker.spec(slot)["resources"]["requests"]["memory"]).map_or(0, |asked| asked.value());
            let all = i64::try_from(all).unwrap_or(i64::MAX).max(1);
            (1000 - asked.saturating_mul(1000) / all).clamp(3, 999)
        }
    }
}

impl Kubelet {
    /// Something that is no pod takes the node's memory, or gives it back.
    pub(crate) fn take_memory(&mut self, short: bool, ctx: &mut Ctx<'_>) {
        self.memory.short = short;
        self.watch_disk_later(ctx);
    }

    /// Whether the node is short of memory.
    pub(super) fn memory_pressure(&self) -> bool {
        self.memory.pressure.is_some()
    }

    /// Whether memory has to be looked at.
    pub(super) fn memory_watched(&self) -> bool {
        self.available_memory() < THRESHOLD || self.memory_pressure()
    }

    /// How many bytes of memory nobody uses.
    fn available_memory(&self) -> u64 {
        let used = self.runtime.memory() + SYSTEM.1;
        let left = self.runtime.hardware.memory.saturating_sub(used);
        if self.memory.short { left.min(LEFT) } else { left }
    }

    /// Containers have taken more memory: there may be too little now, or none.
    pub(super) fn mind_memory(&mut self, ctx: &mut Ctx<'_>) {
        while self.runtime.memory() + SYSTEM.1 > self.runtime.hardware.memory {
            let Some((number, process)) = self.oom_victim() else { break };
            // The number that the process has on the machine, not the one in its container.
            let pid = 4000 + number * 97 % 60_000;
            let message = format!("System OOM encountered, victim process: {process}, pid: {pid}");
            self.node_event("Warning", "SystemOOM", &message, ctx);
            let outcomes = self.runtime.kill_for_memory(number, ctx);
            self.outcomes.extend(outcomes.into_iter().map(|outcome| (number, outcome)));
        }
        self.watch_disk_later(ctx);
    }

    /// The container that the kernel kills when there is no memory left, and its program: by what it holds, and by what
    /// the kubelet has told the kernel of its pod (`oom_score_adj`).
    fn oom_victim(&self) -> Option<(u64, String)> {
        let all = self.runtime.hardware.memory.max(1);
        let scores = self.workers.values().flat_map(|worker| {
            worker.slots.iter().enumerate().filter_map(move |(at, slot)| {
                let number = slot.current?;
                let container = self.runtime.container(number).filter(|container| container.running())?;
                let held = i64::try_from(container.memory.saturating_mul(1000) / all).unwrap_or(i64::MAX);
                let program = container.config.argv.first().map(String::as_str).unwrap_or_default();
                let name = program.rsplit('/').next().unwrap_or_default().to_owned();
                Some((held + oom_adjustment(worker, at, all), number, name))
            })
        });
        scores.max_by_key(|(score, ..)| *score).map(|(_, number, name)| (number, name))
    }

    /// Looks at the memory.
    pub(super) fn watch_memory(&mut self, ctx: &mut Ctx<'_>) {
        let left = self.available_memory();
        if left < THRESHOLD {
            if self.memory.pressure.replace(ctx.now).is_none() {
                self.report_node(ctx);
            }
            self.node_event("Warning", "EvictionThresholdMet", "Attempting to reclaim memory", ctx);
            let may_go = |worker: &&Worker| pressure::alive(worker) && !pressure::critical(worker);
            let mut ranked: Vec<_> = self
                .workers
                .values()
                .filter(may_go)
                .map(|worker| {
                    let uses = self.uses(worker, ctx.now);
                    (rank(&uses, worker.pod["spec"]["priority"].int()), worker.id, uses)
                })
                .collect();
            ranked.sort_compact_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
            if let Some((_, id, uses)) = ranked.first() {
                self.evict(*id, message(uses, left), ctx);
            }
        } else if self.memory.pressure.is_some_and(|last| ctx.now.since(last) >= TRANSITION) {
            self.memory.pressure = None;
            self.report_node(ctx);
        }
    }

    fn uses(&self, worker: &Worker, now: Time) -> Uses {
        let running = worker.slots.iter().enumerate().filter_map(|(at, slot)| {
            let container = self.runtime.container(slot.current?).filter(|container| container.running())?;
            let used = i64::try_from(container.usage(now).memory).unwrap_or(i64::MAX);
            let asked = Quantity::of(&worker.spec(at)["resources"]["requests"]["memory"]);
            Some((slot.name.clone(), used, asked.map_or(0, |asked| asked.value())))
        });
        running.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_uses_more_than_asked_goes_first_then_the_less_important() {
        // Name, MiB in use and asked for, priority; in the order in which they go.
        let pods =
            [("far", 90, 10, 0), ("above", 50, 20, 0), ("vip", 90, 10, 5), ("below", 10, 50, -1), ("even", 5, 5, 0)];
        let mut order: Vec<_> = pods
            .iter()
            .rev()
            .map(|(name, used, asked, priority)| (rank(&vec![("c".into(), used << 20, asked << 20)], *priority), *name))
            .collect();
        order.sort_compact_by(|a, b| a.0.cmp(&b.0));
        let names: Vec<&str> = order.iter().map(|(_, name)| *name).collect();
        assert_eq!(names, ["far", "above", "vip", "below", "even"]);
        assert_eq!(
            message(&vec![("a".into(), 4 << 20, 0), ("b".into(), 1 << 20, 2 << 20)], LEFT),
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 67284Ki. Container a was using \
             4Mi, request is 0, has larger consumption of memory. "
        );
    }

    #[test]
    fn only_pods_that_asked_for_something_come() {
        let pod = |class: &str, tolerations: Value| value!({"spec": {"tolerations": tolerations}, "status": {"qosClass": class}});
        assert!(may_come(&pod("Burstable", value!([]))));
        assert!(!may_come(&pod("BestEffort", value!([]))));
        assert!(may_come(&pod("BestEffort", value!([{"operator": "Exists"}]))));
    }
}
