//! Failures, as commands: a container crashes, a disk is full, a kubelet stops, a node loses its power or its network,
//! a part of the control plane is gone.
//!
//! A fault changes what a machine can do, and nothing else: whatever follows (a node that falls silent, taints,
//! evictions, back-offs, `connection refused`) comes from the same kubelets, controllers and clients as ever. A fault
//! lasts until it is healed. It is told from outside, like anything that is typed, so that a replay tells it again at the
//! same moment.
//!
//! - this file: the faults, what holds now, and how parts go down and come back. `leaders`: which of them may work. `words`: how
//!   they are written. `refusals`: what who asks is told.
//! - `network::conditions`: who does not reach whom. `kubelet::power`, `kubelet::pressure`: what a node makes of it.

mod leaders;
mod refusals;
mod storage;
mod words;

use std::time::Duration;

use drydock_sorted::SortedSet;
use drydock_value::Time;

pub use refusals::Machine;
pub use storage::SnapshotInfo;
pub use words::HELP;

use crate::Cluster;
use crate::controllers::Controllers;
use crate::kubelet::KubeletWake;
use crate::network::Place;
use crate::network::conditions::End;
use crate::objects::Key;
use crate::queue::{Event, NodeId};
use crate::scheduler::Scheduler;
use crate::store::{Snapshot, kinds};

/// From the start of a control plane's process until it works.
const PART_START: Duration = Duration::from_secs(3);
/// The same of the API server, which the others wait for.
const API_START: Duration = Duration::from_secs(1);
/// From power to a kubelet.
const MACHINE_BOOT: Duration = Duration::from_secs(15);
/// Until a kubelet notices that it reaches the API server again.
const RECONNECT: Duration = Duration::from_secs(2);
/// Faults that may hold at a time.
const FAULTS_MAX: usize = 64;

/// A process of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Part {
    Scheduler,
    ControllerManager,
    ApiServer,
    Etcd,
}

/// The containers of the control plane's static pods, where there are some.
const PODS: [(&str, Part); 4] = [
    ("kube-scheduler", Part::Scheduler),
    ("kube-controller-manager", Part::ControllerManager),
    ("kube-apiserver", Part::ApiServer),
    ("etcd", Part::Etcd),
];

impl Part {
    /// The part that runs in a container of this name.
    pub(crate) fn of_container(name: &str) -> Option<Part> {
        PODS.iter().find(|(known, _)| *known == name).map(|(_, part)| *part)
    }
}

/// One side of a connection: a node, or a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side {
    /// A node by its name.
    Node(String),
    /// A pod.
    Pod(Key),
}

/// Something that fails. All but a crash last until they are healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The main process of a pod's container is killed; of its first one when none is named.
    Crash(Key, Option<String>),
    /// A node's disk is full.
    DiskFull(String),
    /// A node's memory is taken.
    MemoryFull(String),
    /// A node's kubelet does not run; its containers do.
    KubeletStopped(String),
    /// A node has no power.
    PoweredOff(String),
    /// Nothing passes between one side and everybody, or between two sides.
    Cut(Side, Option<Side>),
    /// What passes to and from one side takes so much longer, each way.
    Slow(Side, Duration),
    /// The image registries are out of reach.
    RegistryAway,
    /// A process of the control plane does not run.
    Stopped(Part),
    /// The storage of the cluster does not run, and what it held is gone.
    StorageLost,
}

/// Why the cluster wakes about faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultWake {
    /// A process of the control plane is up, if it still shall be.
    Up(Part),
    /// A process of the control plane tells that it still leads. The number is how often it began to.
    Lead(Part, u32),
    /// A kubelet reaches the API server, if it still does.
    Reconnect(NodeId),
    /// The container of a part of the control plane has started, or ended.
    Container(Part, bool),
    /// A machine has come up.
    Booted(NodeId),
    /// Somebody on the machine stops its kubelet, or starts it.
    Unit(NodeId, bool),
}

/// What holds.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    active: Vec<(Fault, Time)>,
    /// Parts of the control plane that are down, for whatever reason.
    down: SortedSet<Part>,
    /// Parts whose containers have ended, until the kubelet has started them again.
    ended: SortedSet<Part>,
    /// Parts whose containers end next only so that one sees that they were away.
    renewed: SortedSet<Part>,
    /// How often each process of the control plane began to lead.
    terms: [u32; PODS.len()],
    /// Nodes whose kubelets do not run.
    asleep: SortedSet<NodeId>,
    /// Machines that have power again and are not up yet.
    booting: SortedSet<NodeId>,
    /// Nodes whose kubelets do not reach the API server.
    away: SortedSet<NodeId>,
    snapshots: storage::Snapshots,
}

impl Faults {
    /// Nothing fails. `empty` is what an empty cluster holds.
    pub(crate) fn new(empty: Snapshot) -> Faults {
        Faults { snapshots: storage::Snapshots::new(empty), ..Faults::default() }
    }

    /// The faults that hold, oldest first, each with the moment when it began.
    pub fn active(&self) -> impl Iterator<Item = &(Fault, Time)> {
        self.active.iter()
    }

    fn has(&self, fault: &Fault) -> bool {
        self.since(fault).is_some()
    }

    fn since(&self, fault: &Fault) -> Option<Time> {
        self.active.iter().find(|(known, _)| known == fault).map(|(_, since)| *since)
    }

    /// Since when nothing can be read from or written to the storage.
    fn storage_gone(&self) -> Option<Time> {
        self.since(&Fault::Stopped(Part::Etcd)).into_iter().chain(self.since(&Fault::StorageLost)).min()
    }
}

impl Cluster {
    /// What fails now.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Lets something fail.
    ///
    /// # Errors
    /// When there is no such node, pod or container, or it has failed already.
    pub fn fault(&mut self, fault: Fault) -> Result<(), String> {
        if self.faults.has(&fault) {
            return Err(format!("that holds already: {fault}"));
        }
        if self.faults.active.len() >= FAULTS_MAX {
            return Err(format!("{FAULTS_MAX} faults hold already: heal some first"));
        }
        let node = self.begin(&fault)?;
        if !matches!(fault, Fault::Crash(..)) {
            self.faults.active.push((fault, self.now()));
        }
        self.take_effect(node);
        Ok(())
    }

    /// Ends a fault.
    ///
    /// # Errors
    /// When it does not hold.
    pub fn heal(&mut self, fault: &Fault) -> Result<(), String> {
        let Some(at) = self.faults.active.iter().position(|(known, _)| known == fault) else {
            return Err(format!("that does not hold: {fault}"));
        };
        self.faults.active.remove(at);
        match fault {
            Fault::DiskFull(name) | Fault::MemoryFull(name) => self.fill(fault, name, false)?,
            Fault::PoweredOff(name) => {
                let node = self.numbered(name)?;
                self.faults.booting.insert(node);
                self.queue.after(MACHINE_BOOT, Event::Fault(FaultWake::Booted(node)));
            }
            Fault::KubeletStopped(name) => {
                let node = self.numbered(name)?;
                self.queue.after(Duration::ZERO, Event::Fault(FaultWake::Booted(node)));
            }
            Fault::RegistryAway => self.network.registry.unreachable = false,
            Fault::StorageLost => self.empty_storage(),
            Fault::Stopped(part) => self.withdraw(*part, false),
            _ => {}
        }
        self.take_effect(None);
        Ok(())
    }

    /// The number of a node.
    fn numbered(&self, name: &str) -> Result<NodeId, String> {
        self.node_id(name).ok_or_else(|| format!("there is no node \"{name}\""))
    }

    fn begin(&mut self, fault: &Fault) -> Result<Option<NodeId>, String> {
        match fault {
            Fault::Crash(pod, container) => self.crash(pod, container.as_deref()).map(|()| None),
            Fault::DiskFull(name) | Fault::MemoryFull(name) => self.fill(fault, name, true).map(|()| None),
            Fault::KubeletStopped(name) => self.numbered(name).map(|_| None),
            Fault::PoweredOff(name) => self.numbered(name).map(Some),
            Fault::Cut(one, other) => {
                self.end(one)?;
                other.as_ref().map(|other| self.end(other)).transpose()?;
                Ok(None)
            }
            Fault::Slow(side, _) => self.end(side).map(|_| None),
            Fault::RegistryAway => {
                self.network.registry.unreachable = true;
                Ok(None)
            }
            Fault::Stopped(part) => {
                self.withdraw(*part, true);
                Ok(None)
            }
            Fault::StorageLost => Ok(None),
        }
    }

    /// A side, as the network knows it.
    fn end(&self, side: &Side) -> Result<End, String> {
        match side {
            Side::Node(name) => self.numbered(name).map(End::Node),
            Side::Pod(key) => {
                let absent = || format!("pod \"{key}\" is not running on any node");
                let pod = self.informers.get(kinds::PODS, key).ok_or_else(absent)?;
                let node = self.node_id(&pod.pod().node).ok_or_else(absent)?;
                let kubelet = self.kubelets.get(node.0 as usize).ok_or_else(absent)?;
                kubelet.place_of(key, &pod.uid).map(End::Place).ok_or_else(absent)
            }
        }
    }

    fn crash(&mut self, pod: &Key, container: Option<&str>) -> Result<(), String> {
        let found = self.informers.get(kinds::PODS, pod).ok_or_else(|| format!("pod \"{pod}\" not found"))?;
        let (node, uid) = (self.node_id(&found.pod().node), found.uid.clone());
        let is_static = !found.annotation("kubernetes.io/config.mirror").is_empty();
        let name = container.unwrap_or(found["spec"]["containers"][0]["name"].str()).to_owned();
        let (mut ctx, kubelets) = self.parts();
        let kubelet = node.and_then(|node| kubelets.get_mut(node.0 as usize));
        if !kubelet.is_some_and(|kubelet| kubelet.crash(pod, &uid, &name, &mut ctx)) {
            return Err(format!("container \"{name}\" of pod \"{pod}\" is not running"));
        }
        // What a part of the control plane knew is gone with its process; it comes back with its container.
        let part = Part::of_container(&name).filter(|_| is_static);
        self.faults.ended.extend(part);
        Ok(())
    }

    /// Takes the file of a part's static pod away from the first node's kubelet, or puts it back.
    fn withdraw(&mut self, part: Part, away: bool) {
        // Without these the kubelet could not tell anybody: their containers are only seen to have restarted.
        let told = matches!(part, Part::Scheduler | Part::ControllerManager);
        let Some((name, _)) = PODS.iter().find(|(_, known)| *known == part).filter(|_| told || !away) else { return };
        self.api.close(self.faults.away.contains(&NodeId(0)) || self.faults.asleep.contains(&NodeId(0)));
        let (mut ctx, kubelets) = self.parts();
        let mut renewed = false;
        if let Some(kubelet) = kubelets.first_mut() {
            match told {
                true => kubelet.withdraw(name, away, &mut ctx),
                false => renewed = kubelet.crash_static(name, &mut ctx),
            }
        }
        if renewed {
            self.faults.renewed.insert(part);
        }
        self.api.close(false);
    }

    fn fill(&mut self, fault: &Fault, name: &str, full: bool) -> Result<(), String> {
        let node = self.numbered(name)?;
        let (mut ctx, kubelets) = self.parts();
        if let Some(kubelet) = kubelets.get_mut(node.0 as usize) {
            match fault {
                Fault::DiskFull(_) => kubelet.fill_disk(full, &mut ctx),
                _ => kubelet.take_memory(full, &mut ctx),
            }
        }
        Ok(())
    }

    /// Makes everybody feel what holds now. `dark` is a node that has just lost its power.
    fn take_effect(&mut self, dark: Option<NodeId>) {
        let mut conditions = std::mem::take(&mut self.network.conditions);
        conditions.clear();
        for (fault, _) in &self.faults.active {
            match fault {
                Fault::PoweredOff(name) => conditions.switch_off(self.node_id(name)),
                Fault::KubeletStopped(name) => conditions.silence(self.node_id(name)),
                Fault::Cut(one, other) => {
                    let ends = (self.end(one), other.as_ref().map(|other| self.end(other)));
                    match ends {
                        (Ok(one), None) => conditions.cut(one, None),
                        (Ok(one), Some(Ok(other))) => conditions.cut(one, Some(other)),
                        // A pod that is gone has no network that could be cut.
                        _ => {}
                    }
                }
                Fault::Slow(side, wait) => {
                    if let Ok(end) = self.end(side) {
                        conditions.slow(end, *wait);
                    }
                }
                _ => {}
            }
        }
        self.network.conditions = conditions;
        let now = self.now();
        self.network.go_on(now, &mut self.queue);
        for number in 0..self.config.nodes.len() {
            let node = NodeId(number as u32);
            let name = &self.config.nodes[number].name;
            let off = self.faults.has(&Fault::PoweredOff(name.clone()));
            if off || self.faults.has(&Fault::KubeletStopped(name.clone())) {
                self.faults.asleep.insert(node);
                let (mut ctx, kubelets) = self.parts();
                if let Some(kubelet) = kubelets.get_mut(number) {
                    kubelet.stop(off && dark == Some(node), &mut ctx);
                }
            }
        }
        self.settle_parts();
    }

    /// Whether the API server's process runs, which the first node's kubelet has started.
    fn api_up(&self) -> bool {
        let control_plane = NodeId(0);
        !self.faults.has(&Fault::Stopped(Part::ApiServer))
            && !self.network.conditions.is_off(control_plane)
            && !self.faults.booting.contains(&control_plane)
    }

    /// Whether a part can work.
    fn wanted(&self, part: Part) -> bool {
        let ended = |part| self.faults.ended.contains(&part);
        let works = self.api_up() && self.faults.storage_gone().is_none();
        works && !self.faults.has(&Fault::Stopped(part)) && ![part, Part::ApiServer, Part::Etcd].into_iter().any(ended)
    }

    /// Brings parts down that cannot work, and lets those come up that can again.
    fn settle_parts(&mut self) {
        for part in [Part::ApiServer, Part::ControllerManager, Part::Scheduler] {
            let wanted = self.wanted(part);
            if !wanted && self.faults.down.insert(part) {
                self.bring_down(part);
            } else if wanted && self.faults.down.contains(&part) {
                let wait = if part == Part::ApiServer { API_START } else { PART_START };
                self.queue.after(wait, Event::Fault(FaultWake::Up(part)));
            }
        }
        for number in 0..self.config.nodes.len() {
            let node = NodeId(number as u32);
            if self.faults.down.contains(&Part::ApiServer) || self.cut_off(node) {
                self.faults.away.insert(node);
            } else if self.faults.away.contains(&node) {
                let wait = self.random.jitter(RECONNECT, 100);
                self.queue.after(wait, Event::Fault(FaultWake::Reconnect(node)));
            }
        }
    }

    /// Whether no way leads from a node to the control plane's.
    fn cut_off(&self, node: NodeId) -> bool {
        self.network.conditions.blocks(Place::Node(node), Place::Node(NodeId(0)))
    }

    /// A process ends: it forgets what it knew.
    fn bring_down(&mut self, part: Part) {
        match part {
            Part::ControllerManager => self.controllers = Controllers::new(&self.config.latencies),
            Part::Scheduler => self.scheduler = Scheduler::default(),
            Part::ApiServer | Part::Etcd => {
                let now = self.now();
                self.network.close_door(now, &mut self.queue);
                self.streams.end_watches();
            }
        }
    }

    /// Goes on with what comes back.
    pub(crate) fn handle_fault(&mut self, wake: FaultWake) {
        match wake {
            FaultWake::Up(part) => {
                if !self.wanted(part) || !self.faults.down.contains(&part) {
                    return;
                }
                if !self.may_lead(part) {
                    self.queue.after(leaders::RETRY, Event::Fault(FaultWake::Up(part)));
                    return;
                }
                self.faults.down.remove(&part);
                match part {
                    Part::ApiServer | Part::Etcd => {
                        let port = self.api.config().address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
                        self.network.open_door(NodeId(0), port.unwrap_or(8443));
                        self.settle_parts();
                    }
                    Part::ControllerManager => {
                        let (mut ctx, controllers, _) = self.planners();
                        controllers.start(&mut ctx);
                    }
                    Part::Scheduler if self.config.scheduler => {
                        let (mut ctx, _, scheduler) = self.planners();
                        scheduler.start(&mut ctx);
                    }
                    Part::Scheduler => {}
                }
            }
            FaultWake::Lead(part, term) => self.lead_on(part, term),
            FaultWake::Container(part, runs) => {
                let changed = match runs {
                    true => self.faults.ended.remove(&part),
                    false => !self.faults.renewed.remove(&part) && self.faults.ended.insert(part),
                };
                if changed {
                    self.settle_parts();
                }
            }
            FaultWake::Booted(node) => {
                let name = self.config.nodes[node.0 as usize].name.clone();
                let off = self.faults.has(&Fault::PoweredOff(name.clone()));
                if off || self.faults.has(&Fault::KubeletStopped(name)) || !self.faults.asleep.remove(&node) {
                    return;
                }
                self.faults.booting.remove(&node);
                self.on_kubelet(node, |kubelet, ctx| kubelet.start(ctx), Some(KubeletWake::Boot));
                self.settle_parts();
            }
            FaultWake::Unit(node, runs) => {
                let fault = Fault::KubeletStopped(self.config.nodes[node.0 as usize].name.clone());
                // What is so already stays so.
                let _ = if runs { self.heal(&fault) } else { self.fault(fault) };
            }
            FaultWake::Reconnect(node) => {
                if self.faults.down.contains(&Part::ApiServer) || self.cut_off(node) || !self.faults.away.remove(&node)
                {
                    return;
                }
                if !self.faults.asleep.contains(&node) {
                    self.on_kubelet(node, |kubelet, ctx| kubelet.resync(ctx), None);
                }
            }
        }
    }

    /// Does something with a kubelet; a hollow one hears of all its pods anew, and is woken.
    fn on_kubelet(
        &mut self,
        node: NodeId,
        work: impl FnOnce(&mut crate::kubelet::Kubelet, &mut crate::Ctx<'_>),
        hollow: Option<KubeletWake>,
    ) {
        if self.config.hollow {
            let name = self.config.nodes[node.0 as usize].name.clone();
            let pods: Vec<Key> = self.informers.pods_on(&name).map(|pod| pod.key.clone()).collect();
            let wakes = pods.into_iter().map(KubeletWake::Pod).chain(hollow);
            for wake in wakes {
                self.queue.soon(Event::Kubelet { node, wake });
            }
            return;
        }
        self.api.close(self.faults.away.contains(&node));
        let (mut ctx, kubelets) = self.parts();
        if let Some(kubelet) = kubelets.get_mut(node.0 as usize) {
            work(kubelet, &mut ctx);
        }
        self.api.close(false);
    }

    /// Looks whether a kubelet takes a wake now, and what it reaches while it does. Whoever gets `true` calls
    /// `api.close(false)` afterwards.
    pub(crate) fn may_wake(&mut self, node: NodeId, wake: &KubeletWake) -> bool {
        if self.faults.active.is_empty() && self.faults.asleep.is_empty() && self.faults.away.is_empty() {
            return true;
        }
        if self.network.conditions.is_off(node) {
            if let KubeletWake::Knock(socket) = wake {
                let now = self.now();
                self.network.arrive(*socket, now, &mut self.queue);
            }
            return false;
        }
        let away = self.faults.away.contains(&node);
        let passes = match wake {
            KubeletWake::Knock(_) => true,
            // It has no way to hear of changes: it will list anew.
            KubeletWake::Pod(_) => !away && !self.faults.asleep.contains(&node),
            _ => !self.faults.asleep.contains(&node),
        };
        let no_way_out = self.network.conditions.blocks(Place::Node(node), Place::Workstation);
        self.network.registry.unreachable = no_way_out || self.faults.has(&Fault::RegistryAway);
        self.api.close(passes && away);
        passes
    }
}

#[cfg(test)]
mod tests;
