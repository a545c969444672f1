//! Kubelets: what a node does with the pods that are bound to it.
//!
//! A kubelet hears of pods through the informers, and keeps a [`Worker`](worker::Worker) for each: a state machine that
//! mounts volumes, makes a sandbox, pulls images, starts containers, probes them, restarts them and ends them. It
//! writes statuses through the API server, as `system:node:NAME`, and events with the real one's words.
//!
//! - `worker`: what is remembered of a pod. `sync`: what a look at it does. `mounts`, `sandbox`: what its containers need
//!   before they start. `actions`: what is to be done.
//! - `statics`: pods that it starts by itself.
//! - `start`, `end`: how containers begin and end, with hooks. `probes`: how they are watched. `backoff`: how long to
//!   wait before the next try.
//! - `config`, `env`, `volumes`: from a spec to a container. `admit`: whether the node takes the pod.
//! - `login`: a shell on the machine itself. `hostpath`: what pods want of its files. `power`, `pressure`, `memory`, `storage`: stops, lost power, full disks and
//!   memory, what pods write.
//! - `status`: what is reported. `node`: the node's own objects. `serve`: logs, exec and the like, for the API server.
//! - `http`: its own port. `usage`, `monitor`: what pods use, and what monitors are told.

mod actions;
mod admit;
mod answers;
pub mod backoff;
mod config;
mod end;
mod env;
mod hostpath;
mod http;
mod journal;
mod login;
mod manifests;
mod memory;
mod monitor;
mod mounts;
mod node;
mod power;
mod pressure;
mod probes;
mod resize;
mod sandbox;
pub(crate) mod serve;
mod start;
mod statics;
mod status;
mod storage;
mod sync;
#[cfg(test)]
pub(crate) mod tests;
mod tools;
pub mod usage;
mod volumes;
mod worker;

use drydock_sorted::{SortedMap, SortedSet};
use std::net::Ipv4Addr;

use drydock_shell::SocketId;
use drydock_value::{Time, Value};

use crate::config::NodeConfig;
use crate::ctx::Ctx;
use crate::events::Source;
use crate::objects::Key;
use crate::queue::{Event, NodeId};
use crate::runtime::{MachineWake, Outcome, Runtime, Token};
use crate::store::kinds;
use worker::{Hook, Stage, Worker};

/// Why a kubelet is woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeletWake {
    /// The machine was switched on: register the node, renew the lease, report the status.
    Boot,
    /// A pod that is or was bound to the node changed, or is gone.
    Pod(Key),
    /// A connection attempt reaches one of the node's machines.
    Knock(SocketId),
    /// To renew the lease.
    Heartbeat,
    /// To look at the disk.
    Disk,
    /// To say that it has come up.
    Ready,
    /// To look at the folder of manifests.
    Manifests,
    /// To go on with a pod, by its number.
    Worker(u64),
    /// To go on with a probe of a pod: the pod's number and the probe's place.
    Probe(u64, u16),
}

/// The kubelet of a node.
#[derive(Debug, Clone)]
pub struct Kubelet {
    /// Its number.
    pub node: NodeId,
    /// Its machine.
    pub config: NodeConfig,
    source: Source,
    booted: bool,
    /// Whether the cluster runs its own system, and the pods of it that this kubelet starts by itself.
    system: bool,
    manifests: Vec<Value>,
    /// What the files of manifests hold, once somebody could change them.
    files: Vec<std::sync::Arc<Vec<u8>>>,
    /// Those whose files were taken away.
    withdrawn: Vec<Value>,
    /// It does not run; its containers may.
    stopped: bool,
    /// It runs again, and has not heard of its containers yet.
    starting: bool,
    /// How often its machine came up again, and how many of these it has told of.
    boots: u32,
    rebooted: u32,
    /// When the lease is to be renewed next.
    beat_at: Time,
    disk: pressure::Disk,
    memory: memory::Memory,
    journal: journal::Journal,
    /// The container that stands for the machine itself, once somebody has logged in.
    login: Option<u64>,
    version: String,
    runtime: Runtime,
    workers: SortedMap<u64, Worker>,
    by_key: SortedMap<Key, Vec<u64>>,
    last: u64,
    addresses: Addresses,
    /// When the puller is free: images are pulled one after the other.
    puller_free: Time,
    /// Which images are being pulled, and until when.
    pulling: SortedMap<String, Time>,
    reported_at: Time,
    reported_images: usize,
    /// Whether new pods are kept away from the node, as last heard.
    cordoned: bool,
    /// What processes brought about and nobody has looked at yet: container and outcome.
    outcomes: Vec<(u64, Outcome)>,
}

/// The addresses of a node's pods, given out one after the other as the host-local plugin does.
#[derive(Debug, Clone, Default)]
struct Addresses {
    first: u32,
    last: u32,
    next: u32,
    taken: SortedSet<u32>,
}

impl Addresses {
    fn new(cidr: &str) -> Addresses {
        let (base, bits) = cidr.split_once('/').unwrap_or((cidr, "24"));
        let base = base.parse::<Ipv4Addr>().map_or(0, u32::from);
        let size = 1u32.checked_shl(32 - bits.parse::<u32>().unwrap_or(24).clamp(8, 30)).unwrap_or(256);
        // The first is the network's, the second the bridge's, the last the broadcast's.
        Addresses { first: base + 2, last: base + size - 2, next: base + 2, taken: SortedSet::new() }
    }

    fn take(&mut self) -> Option<Ipv4Addr> {
        let size = self.last - self.first + 1;
        for offset in 0..size {
            let candidate = self.first + (self.next - self.first + offset) % size;
            if self.taken.insert(candidate) {
                self.next = self.first + (candidate - self.first + 1) % size;
                return Some(candidate.into());
            }
        }
        None
    }

    fn free(&mut self, ip: Ipv4Addr) {
        self.taken.remove(&u32::from(ip));
    }
}

/// Tells the sockets of a kubelet's probes and hooks from those of containers.
pub(crate) fn kubelet_owner(worker: u64) -> u64 {
    worker | 1 << 63
}

impl Kubelet {
    /// A kubelet that is switched off.
    pub fn new(node: NodeId, config: &NodeConfig) -> Kubelet {
        let mut runtime = Runtime::new(node, (u64::from(node.0) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (milli, memory) = admit::capacity(config);
        runtime.hardware.processors = u32::try_from(milli / 1000).unwrap_or(1).max(1);
        runtime.hardware.memory = memory.unsigned_abs();
        Kubelet {
            node,
            config: config.clone(),
            source: Source::kubelet(&config.name),
            booted: false,
            system: false,
            manifests: Vec::new(),
            files: Vec::new(),
            withdrawn: Vec::new(),
            stopped: false,
            starting: false,
            boots: 0,
            rebooted: 0,
            beat_at: Time::default(),
            disk: pressure::Disk::default(),
            memory: memory::Memory::default(),
            journal: journal::Journal::default(),
            login: None,
            version: String::new(),
            runtime,
            workers: SortedMap::new(),
            by_key: SortedMap::new(),
            last: 0,
            addresses: Addresses::new(&config.pod_cidr),
            puller_free: Time::default(),
            pulling: SortedMap::new(),
            reported_at: Time::default(),
            reported_images: 0,
            cordoned: false,
            outcomes: Vec::new(),
        }
    }

    /// Its runtime, to look at.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Goes on.
    pub fn handle(&mut self, wake: KubeletWake, ctx: &mut Ctx<'_>) {
        match wake {
            KubeletWake::Boot => self.boot(ctx),
            // One that was queued before a stop comes beside the one that the start queued.
            KubeletWake::Heartbeat => {
                if ctx.now >= self.beat_at {
                    self.renew(ctx);
                }
            }
            KubeletWake::Disk => self.watch_disk(ctx),
            KubeletWake::Ready => {
                if std::mem::take(&mut self.starting) {
                    self.report_node(ctx);
                }
            }
            KubeletWake::Pod(key) => {
                if self.booted {
                    self.observe(&key, ctx);
                }
            }
            KubeletWake::Knock(socket) => self.knock(socket, ctx),
            KubeletWake::Manifests => self.look_at_manifests(ctx),
            KubeletWake::Worker(id) => {
                if let Some(worker) = self.workers.get_mut(&id)
                    && worker.armed <= ctx.now
                {
                    worker.armed = Time::NEVER;
                }
                self.drive(id, ctx);
            }
            KubeletWake::Probe(id, index) => {
                if let Some(mut worker) = self.workers.remove(&id) {
                    self.wake_probe(&mut worker, usize::from(index), ctx);
                    self.workers.insert(id, worker);
                    self.drive(id, ctx);
                }
            }
        }
        self.settle(ctx);
    }

    /// Lets processes of one of its containers go on.
    pub fn run(&mut self, wake: MachineWake, ctx: &mut Ctx<'_>) {
        let outcomes = self.runtime.run(wake.container, ctx);
        self.outcomes.extend(outcomes.into_iter().map(|outcome| (wake.container, outcome)));
        for (number, signal) in self.runtime.take_unheard() {
            self.awaken_number(number, ctx);
            self.runtime.signal_main(number, signal, ctx);
        }
        if self.runtime.sees_host(wake.container) {
            self.answer_tools(ctx);
            if self.manifests_changed() {
                ctx.queue.soon(Event::Kubelet { node: self.node, wake: KubeletWake::Manifests });
            }
        }
        self.settle(ctx);
    }

    /// Acts on what processes brought about.
    fn settle(&mut self, ctx: &mut Ctx<'_>) {
        if self.runtime.takes_more() {
            self.mind_memory(ctx);
        }
        if self.runtime.fills_disk() {
            self.mind_disk(ctx);
        }
        if self.stopped {
            // Nobody looks; the start does. What has ended is felt all the same.
            for (container, outcome) in std::mem::take(&mut self.outcomes) {
                if matches!(outcome, Outcome::Ended(_)) {
                    self.tell_ended(container, ctx);
                }
            }
            return;
        }
        while !self.outcomes.is_empty() {
            for (container, outcome) in std::mem::take(&mut self.outcomes) {
                match outcome {
                    Outcome::Ended(_) => self.container_ended(container, ctx),
                    Outcome::Finished(token, code, output) => self.process_finished(token, code, &output, ctx),
                }
            }
        }
    }

    fn tell_ended(&self, number: u64, ctx: &mut Ctx<'_>) {
        if let Some(container) = self.runtime.container(number)
            && let Some(worker) = self.workers.get(&container.pod)
        {
            self.tell_part(&worker.pod, &container.config.name, false, ctx);
        }
    }

    fn container_ended(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        self.note_end(number, ctx.now);
        self.tell_ended(number, ctx);
        let Some(id) = self.runtime.container(number).map(|container| container.pod) else { return };
        let Some(worker) = self.workers.get_mut(&id) else { return };
        match worker.stage {
            // It is noticed when the runtime is looked at again.
            Stage::Syncing if !matches!(worker.doing, worker::Doing::Killing(..)) => {
                let at = ctx.now + ctx.latencies.relist;
                worker.sync_at = Some(worker.sync_at.map_or(at, |earlier| earlier.min(at)));
            }
            _ => {}
        }
        self.drive(id, ctx);
    }

    fn process_finished(&mut self, token: Token, code: i32, output: &[u8], ctx: &mut Ctx<'_>) {
        let id = match token {
            Token::Probe(id, _) | Token::PostStart(id, _) | Token::PreStop(id, _) => id,
        };
        let Some(mut worker) = self.workers.remove(&id) else { return };
        match token {
            Token::Probe(_, index) => self.probe_finished(&mut worker, usize::from(index), code, output, ctx),
            Token::PostStart(_, slot) => worker.post_start_done(usize::from(slot), code == 0),
            Token::PreStop(_, slot) => worker.pre_stop_done(usize::from(slot), code == 0),
        }
        self.workers.insert(id, worker);
        self.drive(id, ctx);
    }

    /// Hears of a pod.
    fn observe(&mut self, key: &Key, ctx: &mut Ctx<'_>) {
        let pod = ctx.informers.get(kinds::PODS, key).filter(|pod| *pod.pod().node == *self.config.name).cloned();
        let own = self.static_pod(key);
        if let Some(at) = own
            && self.keep_mirror(at, pod.as_deref(), ctx)
        {
            return;
        }
        if let Some(pod) = pod.as_deref().filter(|_| own.is_none() && self.system)
            && !pod.annotation("kubernetes.io/config.mirror").is_empty()
            && pod.deleting.is_none()
        {
            // Its file went while the API server did not answer.
            self.drop_mirror(key, ctx);
            return;
        }
        let ids = self.by_key.get(key).cloned().unwrap_or_default();
        let mut known = false;
        for id in ids {
            let Some(worker) = self.workers.get_mut(&id) else { continue };
            match &pod {
                Some(pod) if pod.uid == worker.pod.uid || own.is_some() => {
                    known = true;
                    // A new mirror knows nothing yet of what has been running all the time.
                    if pod.uid != worker.pod.uid {
                        (worker.report_at, worker.doubt) = (Some(ctx.now), true);
                    }
                    worker.hear(pod.clone());
                }
                _ => worker.gone = true,
            }
            self.drive(id, ctx);
        }
        if let Some(pod) = pod.filter(|_| !known) {
            self.take_pod(key, pod, ctx);
        }
    }

    /// Takes a pod that it did not know.
    fn take_pod(&mut self, key: &Key, pod: std::sync::Arc<crate::objects::Object>, ctx: &mut Ctx<'_>) {
        self.note_heard("ADD", key, ctx.now);
        self.last += 1;
        let id = self.last;
        let mut worker = Worker::new(id, pod);
        worker.take_probes();
        if worker.pod.pod().terminal() {
            // It ended before this kubelet's time.
            worker.stage = Stage::Over;
        }
        self.by_key.entry(key.clone()).or_default().push(id);
        self.workers.insert(id, worker);
        self.drive(id, ctx);
    }

    /// Goes on with a pod as far as it goes now.
    fn drive(&mut self, id: u64, ctx: &mut Ctx<'_>) {
        let Some(mut worker) = self.workers.remove(&id) else { return };
        // Bounded: whatever is still to do then is due, and comes with the next wake.
        for _ in 0..64 {
            if !self.step(&mut worker, ctx) {
                break;
            }
        }
        if worker.gone && matches!(worker.stage, Stage::Over) {
            self.forget(worker, ctx);
            return;
        }
        let due = worker.due();
        if due != Time::NEVER && (worker.armed > due.max(ctx.now) || worker.armed < ctx.now) {
            worker.armed = due.max(ctx.now);
            ctx.queue.at(worker.armed, Event::Kubelet { node: self.node, wake: KubeletWake::Worker(id) });
        }
        self.workers.insert(id, worker);
    }

    /// Removes whatever is left of a pod.
    fn forget(&mut self, worker: Worker, ctx: &mut Ctx<'_>) {
        self.note_heard("REMOVE", &worker.pod.key, ctx.now);
        for slot in &worker.slots {
            for number in [slot.current, slot.previous].into_iter().flatten() {
                self.runtime.remove(number);
            }
        }
        if let Some(sandbox) = worker.sandbox {
            self.runtime.remove_sandbox(sandbox, ctx);
        }
        self.runtime.remove_volumes(worker.id);
        if let Some(ids) = self.by_key.get_mut(&worker.pod.key) {
            ids.retain(|id| *id != worker.id);
            if ids.is_empty() {
                self.by_key.remove(&worker.pod.key);
            }
        }
    }

    /// A connection attempt reaches the node or one of its pods: idle servers come up for it.
    fn knock(&mut self, socket: SocketId, ctx: &mut Ctx<'_>) {
        let Some(target) = ctx.network.knocking(socket) else { return };
        if !ctx.network.expected(socket) {
            for number in self.runtime.containers_at(target.place) {
                self.awaken_number(number, ctx);
            }
        }
        ctx.network.arrive(socket, ctx.now, ctx.queue);
    }

    /// Gives a container its machine, if it is an idle server without one.
    fn awaken_number(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        let Some(id) = self.runtime.container(number).map(|container| container.pod) else { return };
        if let Some(worker) = self.workers.remove(&id) {
            self.awaken(&worker, number, ctx);
            self.workers.insert(id, worker);
        }
    }

    /// The same, of a pod that is at hand.
    fn awaken(&mut self, worker: &Worker, number: u64, ctx: &mut Ctx<'_>) {
        let dormant = self.runtime.container(number).is_some_and(|c| c.running() && c.machine.is_none());
        if dormant {
            self.write_volumes(worker, number, ctx);
            let outcomes = self.runtime.materialise(number, ctx);
            self.outcomes.extend(outcomes.into_iter().map(|outcome| (number, outcome)));
        }
    }
}

impl Worker {
    /// Takes the newest revision of the pod.
    fn hear(&mut self, pod: std::sync::Arc<crate::objects::Object>) {
        let old = std::mem::replace(&mut self.pod, pod);
        let changed = |path: &[&str]| {
            let (old, new) = (old.value.at(path), self.pod.value.at(path));
            !old.ptr_eq(new) && old != new
        };
        let gates = !self.pod["spec"]["readinessGates"].is_empty() && changed(&["status", "conditions"]);
        if changed(&["spec"]) || changed(&["metadata", "deletionTimestamp"]) || gates {
            self.dirty = true;
            self.take_slots();
            self.take_probes();
        }
    }

    fn post_start_done(&mut self, slot: usize, good: bool) {
        if let worker::Doing::Starting(starting) = &mut self.doing
            && let worker::Step::Hook(at, _, hook) = &mut starting.step
            && *at == slot
        {
            *hook = Hook::Done(good);
        }
    }

    fn pre_stop_done(&mut self, slot: usize, good: bool) {
        let told = match (&mut self.stage, &mut self.doing) {
            (Stage::Ending(ending), _) => &mut ending.told,
            (_, worker::Doing::Killing(told, _)) => told,
            _ => return,
        };
        if let Some(told) = told.iter_mut().find(|told| told.slot == slot) {
            told.hook = Some(Hook::Done(good));
        }
    }
}
