//! A disk that is full: the kubelet's eviction manager. `memory` is its other half.
//!
//! It looks every ten seconds. While the disk is full the node has `DiskPressure`, images that nobody uses go, and one pod
//! a look is evicted, the least important first. The condition stays for five minutes after there is room again
//! (`eviction-pressure-transition-period`), so that it doesn't flap.

use std::cmp::Reverse;
use std::time::Duration;

use drydock_sorted::SortedSet;
use drydock_value::Time;

use super::worker::{Stage, Worker};
use super::{Kubelet, KubeletWake, memory, storage};
use crate::ctx::Ctx;
use crate::queue::Event;

/// `--eviction-monitoring-period`
const MONITOR: Duration = Duration::from_secs(10);
/// `evictionPressureTransitionPeriod`
pub(super) const TRANSITION: Duration = Duration::from_secs(300);
/// What is left on a disk that something else has filled.
const LEFT: u64 = 612_554 << 10;
/// `system-cluster-critical`; such pods stay.
const CRITICAL: i64 = 2_000_000_000;

/// What the eviction manager knows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Disk {
    full: bool,
    /// Whether pods have left too little of it.
    short: bool,
    /// When it was last found full, while the node counts as under pressure.
    pressure: Option<Time>,
    watched: bool,
    /// Whether there are pods with limits of what they may write.
    limited: bool,
}

pub(super) fn alive(worker: &Worker) -> bool {
    worker.admitted && matches!(worker.stage, Stage::Syncing) && worker.pod.deleting.is_none()
}

pub(super) fn critical(worker: &Worker) -> bool {
    let pod = &worker.pod;
    pod["spec"]["priority"].int() >= CRITICAL
        || pod["metadata"]["annotations"].get("kubernetes.io/config.mirror").is_some()
}

impl Kubelet {
    /// Fills the node's disk, or makes room on it.
    pub(crate) fn fill_disk(&mut self, full: bool, ctx: &mut Ctx<'_>) {
        self.disk.full = full;
        self.watch_disk_later(ctx);
    }

    /// Containers have written much: there may be too little room now.
    pub(super) fn mind_disk(&mut self, ctx: &mut Ctx<'_>) {
        self.disk.short = self.free_disk() < self.disk_threshold();
        self.watch_disk_later(ctx);
    }

    /// A tenth of the disk: `nodefs.available<10%`.
    fn disk_threshold(&self) -> u64 {
        self.runtime.hardware.disk / 10
    }

    fn free_disk(&self) -> u64 {
        let left = self.runtime.free_disk();
        if self.disk.full { left.min(LEFT) } else { left }
    }

    /// Asks for the next look, unless one is asked for or none is needed.
    pub(super) fn watch_disk_later(&mut self, ctx: &mut Ctx<'_>) {
        let disk = self.disk.full || self.disk.short || self.disk.limited || self.disk.pressure.is_some();
        if !self.disk.watched && (disk || self.memory_watched()) {
            self.disk.watched = true;
            ctx.after(MONITOR, Event::Kubelet { node: self.node, wake: KubeletWake::Disk });
        }
    }

    /// Looks from now on at what a pod writes, if it may not write what it likes.
    pub(super) fn watch_writing(&mut self, worker: &Worker, ctx: &mut Ctx<'_>) {
        if storage::limited(&worker.pod["spec"]) {
            self.disk.limited = true;
            self.watch_disk_later(ctx);
        }
    }

    /// Evicts the pods that have written too much.
    fn evict_writers(&mut self, ctx: &mut Ctx<'_>) {
        let limited = |worker: &&Worker| alive(worker) && storage::limited(&worker.pod["spec"]);
        let ids: Vec<u64> = self.workers.values().filter(limited).map(|worker| worker.id).collect();
        self.disk.limited = !ids.is_empty();
        for id in ids {
            let worker = self.workers.get(&id).filter(|worker| !critical(worker));
            if let Some(message) = worker.and_then(|worker| self.too_much_written(worker, ctx)) {
                self.evict(id, message, ctx);
            }
        }
    }

    /// Forgets looks that were asked for before the kubelet stopped.
    pub(super) fn watch_disk_anew(&mut self, ctx: &mut Ctx<'_>) {
        self.disk.watched = false;
        self.watch_disk_later(ctx);
    }

    /// Whether the node is short of disk.
    pub(super) fn disk_pressure(&self) -> bool {
        self.disk.pressure.is_some()
    }

    /// Looks at the disk.
    pub(super) fn watch_disk(&mut self, ctx: &mut Ctx<'_>) {
        self.disk.watched = false;
        if self.disk.limited {
            self.evict_writers(ctx);
        }
        self.watch_memory(ctx);
        let free = self.free_disk();
        self.disk.short = free < self.disk_threshold();
        if self.disk.short {
            if self.disk.pressure.replace(ctx.now).is_none() {
                self.report_node(ctx);
            }
            self.node_event("Warning", "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage", ctx);
            self.collect_images();
            self.evict_one(free, ctx);
        } else if self.disk.pressure.is_some_and(|last| ctx.now.since(last) >= TRANSITION) {
            self.disk.pressure = None;
            self.report_node(ctx);
        }
        self.watch_disk_later(ctx);
    }

    fn collect_images(&mut self) {
        let mut used: SortedSet<String> = SortedSet::new();
        for worker in self.workers.values() {
            let names = worker.slots.iter().filter_map(|slot| crate::runtime::Reference::parse(&slot.image).ok());
            used.extend(names.map(|name| name.to_string()));
        }
        self.runtime.keep_images(&|name| used.contains(name) || name.contains("/pause:"));
    }

    /// Evicts the pod that goes first: the less important, and of those alike the one that has written most.
    fn evict_one(&mut self, free: u64, ctx: &mut Ctx<'_>) {
        let may_go = |worker: &&Worker| alive(worker) && !critical(worker);
        let ids: Vec<u64> = self.workers.values().filter(may_go).map(|worker| worker.id).collect();
        let rank = |kubelet: &Self, id: u64, ctx: &mut Ctx<'_>| {
            let worker = kubelet.workers.get(&id)?;
            Some((worker.pod["spec"]["priority"].int(), Reverse(kubelet.written_by(worker, ctx)), id))
        };
        let first = ids.into_iter().filter_map(|id| rank(self, id, ctx)).min();
        let Some((_, Reverse(written), id)) = first else { return };
        let (threshold, left) = (self.disk_threshold(), free >> 10);
        let mut message = format!(
            "The node was low on resource: ephemeral-storage. Threshold quantity: {threshold}, available: {left}Ki. "
        );
        if let Some(worker) = self.workers.get(&id).filter(|_| written >> 20 > 0) {
            message += &self.large_writers(worker, ctx);
        }
        self.evict(id, message, ctx);
    }

    /// Ends a pod for its node's sake.
    pub(super) fn evict(&mut self, id: u64, message: String, ctx: &mut Ctx<'_>) {
        let Some(mut worker) = self.workers.remove(&id) else { return };
        self.pod_event(&worker, "Warning", "Evicted", &message, ctx);
        worker.verdict = Some(("Evicted", message));
        self.begin_end(&mut worker, ctx);
        if let Stage::Ending(ending) = &mut worker.stage {
            // Hard thresholds leave no grace.
            ending.kill_at = ctx.now + Duration::from_secs(1);
        }
        self.workers.insert(id, worker);
        self.drive(id, ctx);
    }

    /// Why a pod that comes now is refused.
    pub(super) fn pressure_refusal(&self, worker: &Worker) -> Option<(&'static str, String)> {
        let (memory, disk) = (self.memory_pressure(), self.disk_pressure());
        if critical(worker) || !(memory || disk) || (!disk && memory::may_come(&worker.pod.value)) {
            return None;
        }
        let conditions = [(memory, "MemoryPressure"), (disk, "DiskPressure")];
        let held: Vec<&str> = conditions.iter().filter(|(holds, _)| *holds).map(|(_, name)| *name).collect();
        Some(("Evicted", format!("Pod was rejected: The node had condition: [{}]. ", held.join(" "))))
    }
}
