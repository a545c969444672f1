//! What a kubelet remembers of a pod.

use drydock_sorted::SortedMap;
use std::collections::VecDeque;
use std::sync::Arc;

use drydock_value::{Str, Time, Value};

use super::backoff::Backoff;
use super::probes::Probe;
use crate::objects::Object;
use crate::runtime::Reference;

/// Which of a pod's lists of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Runs to its end before the next one.
    Init,
    /// An init container with `restartPolicy: Always`.
    Sidecar,
    /// A regular one.
    Main,
    /// Added for debugging.
    Ephemeral,
}

impl Role {
    /// The field of `spec`.
    pub fn list(self) -> &'static str {
        match self {
            Role::Init | Role::Sidecar => "initContainers",
            Role::Main => "containers",
            Role::Ephemeral => "ephemeralContainers",
        }
    }

    /// The field of `status`.
    pub fn status_list(self) -> &'static str {
        match self {
            Role::Init | Role::Sidecar => "initContainerStatuses",
            Role::Main => "containerStatuses",
            Role::Ephemeral => "ephemeralContainerStatuses",
        }
    }
}

/// A container of the spec, and what became of it.
#[derive(Debug, Clone)]
pub struct Slot {
    /// Its name.
    pub name: Str,
    /// Its role.
    pub role: Role,
    /// Its place in the list of its role.
    pub index: usize,
    /// The newest container made for it.
    pub current: Option<u64>,
    /// The one before.
    pub previous: Option<u64>,
    /// How many were made.
    pub made: u32,
    /// Why the next one is not started: reason and message.
    pub waiting: Option<(&'static str, String)>,
    /// The back-off of its restarts.
    pub backoff: Backoff,
    /// The spec's image when the newest was made.
    pub image: Str,
    /// Whether its hook after the start has still to end.
    pub hook_running: bool,
}

/// How far a pod is on its node.
#[derive(Debug, Clone)]
pub enum Stage {
    /// Its containers run, or shall.
    Syncing,
    /// Its containers are being ended.
    Ending(Ending),
    /// All is over: nothing runs.
    Over,
}

/// The end of a pod's containers.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// When what still runs is killed.
    pub kill_at: Time,
    /// The grace in seconds that `kill_at` follows from.
    pub grace: u64,
    /// Containers that were told to end or whose hooks run.
    pub told: Vec<Told>,
    /// When the sandbox is gone, once no container runs.
    pub sandbox_gone_at: Option<Time>,
}

/// A container that is to end.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its place.
    pub slot: usize,
    /// Its hook before the end runs: the session, or the moment at which a sleep is over.
    pub hook: Option<Hook>,
    /// It waits until the regular containers have ended.
    pub after_main: bool,
    /// The signal was sent.
    pub signalled: bool,
    /// When it is killed; none: with the pod.
    pub kill_at: Option<Time>,
}

/// A hook that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A process in the container: its session.
    Exec(u64),
    /// A wait.
    Sleep(Time),
    /// A request over the network: the place of its connection among the pod's.
    Http(drydock_shell::SocketId, Time),
    /// It has ended: well, or not.
    Done(bool),
}

/// What a sync is in the middle of.
#[derive(Debug, Clone)]
pub enum Doing {
    /// Nothing.
    Idle,
    /// Its volumes are being mounted; not before the moment is looked again.
    Mounting {
        /// The next look.
        until: Time,
        /// Since when.
        since: Time,
    },
    /// Its sandbox is being made.
    Sandbox(Time),
    /// Containers are being ended that failed a probe or changed: those, then what to start.
    Killing(Vec<Told>, Box<Starting>),
    /// Containers are being started.
    Starting(Box<Starting>),
}

/// Containers that are being started, one after the other.
#[derive(Debug, Clone)]
pub struct Starting {
    /// The next ones.
    pub queue: VecDeque<usize>,
    /// What is under way.
    pub step: Step,
    /// When to try again what failed: the earliest.
    pub retry: Option<Time>,
    /// Whether anything failed.
    pub failed: bool,
    /// Whether anything was done that shows only when the runtime is looked at again.
    pub acted: bool,
    /// The volumes whose images are there.
    pub volumes: Vec<Str>,
}

/// One step of a container's start.
#[derive(Debug, Clone)]
pub enum Step {
    /// To look at the next one.
    Next,
    /// Its image is being pulled.
    Pulling {
        /// Whose.
        slot: usize,
        /// The volume that the image is for, if it is not the container's own.
        volume: Option<Str>,
        /// Which image.
        reference: Reference,
        /// Since when it waits.
        asked: Time,
        /// When the pull itself began.
        began: Time,
        /// When it ends.
        until: Time,
    },
    /// It is being created.
    Creating(usize, Time),
    /// It is being started.
    Starting(usize, u64, Time),
    /// Its hook after the start runs.
    Hook(usize, u64, Hook),
}

/// A volume that could not be mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFailure {
    /// When it is tried again.
    pub retry: Time,
    /// How long it waited before.
    pub wait: std::time::Duration,
}

/// A pod on its node.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its number.
    pub id: u64,
    /// The pod, as last heard of.
    pub pod: Arc<Object>,
    /// How far it is.
    pub stage: Stage,
    /// Its containers: init, regular, ephemeral.
    pub slots: Vec<Slot>,
    /// Its sandbox.
    pub sandbox: Option<u64>,
    /// The addresses that it has, or had.
    pub ip: Option<std::net::Ipv4Addr>,
    /// Whether its node takes it.
    pub admitted: bool,
    /// When the kubelet first saw it.
    pub started: Option<Time>,
    /// What is being done.
    pub doing: Doing,
    /// Whether something changed that a sync has to look at.
    pub dirty: bool,
    /// When to look again anyway.
    pub sync_at: Option<Time>,
    /// When to report again what is known.
    pub report_at: Option<Time>,
    /// Whether its volumes are mounted.
    pub mounted: bool,
    /// Volumes that could not be mounted, by name.
    pub mount_failures: SortedMap<Str, MountFailure>,
    /// Back-offs of image pulls, by image, with what the last failure was.
    pub image_backoffs: SortedMap<String, (Backoff, String)>,
    /// Probes.
    pub probes: Vec<Probe>,
    /// `status` as last reported.
    pub status: Value,
    /// Phase, reason and message that were decided over the containers' heads.
    pub verdict: Option<(&'static str, String)>,
    /// The earliest wake that is queued.
    pub armed: Time,
    /// Whether the API server has forgotten it.
    pub gone: bool,
    /// Whether the API server was told to forget it.
    pub deleted: bool,
    /// Whether others may have changed the status while nobody could listen.
    pub doubt: bool,
    /// Whether its sandbox was lost with the power.
    pub dark: bool,
    /// The digest of the content of its volumes, to notice changes.
    pub volume_digest: u64,
    /// What its containers were given, by their places; nothing before the node takes it.
    pub resources: Vec<Value>,
    /// Why they were not given what the spec says now.
    pub pending: Option<super::resize::Pending>,
}

/// `name_namespace(uid)`, as messages name a pod.
pub fn full_name(pod: &Object) -> String {
    format!("{}_{}({})", pod.name(), pod.namespace(), pod.uid)
}

impl Worker {
    /// A pod that was just heard of.
    pub fn new(id: u64, pod: Arc<Object>) -> Worker {
        let mut worker = Worker {
            id,
            stage: Stage::Syncing,
            slots: Vec::new(),
            sandbox: None,
            ip: None,
            admitted: false,
            started: None,
            doing: Doing::Idle,
            dirty: true,
            sync_at: None,
            report_at: None,
            mounted: false,
            mount_failures: SortedMap::new(),
            image_backoffs: SortedMap::new(),
            probes: Vec::new(),
            status: pod["status"].clone(),
            verdict: None,
            armed: Time::NEVER,
            gone: false,
            deleted: false,
            doubt: false,
            dark: false,
            volume_digest: 0,
            resources: Vec::new(),
            pending: None,
            pod,
        };
        worker.take_slots();
        worker
    }

    /// Makes places for containers that the spec has and that have none yet.
    pub fn take_slots(&mut self) {
        for (list, default) in
            [("initContainers", Role::Init), ("containers", Role::Main), ("ephemeralContainers", Role::Ephemeral)]
        {
            for (index, spec) in self.pod["spec"][list].items().iter().enumerate() {
                let name = crate::objects::shared(&spec["name"]);
                let sidecar = default == Role::Init && spec["restartPolicy"] == "Always";
                let role = if sidecar { Role::Sidecar } else { default };
                if !self.slots.iter().any(|slot| slot.role.list() == list && slot.name == name) {
                    self.slots.push(Slot {
                        name,
                        role,
                        index,
                        current: None,
                        previous: None,
                        made: 0,
                        waiting: None,
                        backoff: Backoff::default(),
                        image: Str::default(),
                        hook_running: false,
                    });
                }
            }
        }
    }

    /// The resources that a container was given.
    pub fn given(&self, slot: usize) -> &Value {
        self.resources.get(slot).unwrap_or(&self.spec(slot)["resources"])
    }

    /// The spec of a container.
    pub fn spec(&self, slot: usize) -> &Value {
        match self.slots.get(slot) {
            Some(slot) => &self.pod["spec"][slot.role.list()][slot.index],
            None => &self.pod["nothing"],
        }
    }

    /// The places of a role.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = usize> {
        self.slots.iter().enumerate().filter(move |(_, slot)| slot.role == role).map(|(index, _)| index)
    }

    /// The place of a container by its name.
    pub fn slot_named(&self, name: &str) -> Option<usize> {
        self.slots.iter().position(|slot| slot.name == *name)
    }

    /// `spec.restartPolicy`.
    pub fn restart_policy(&self) -> &str {
        self.pod["spec"]["restartPolicy"].as_str().unwrap_or("Always")
    }

    /// Whether the pod uses the node's network.
    pub fn host_network(&self) -> bool {
        self.pod["spec"]["hostNetwork"].is_true()
    }

    /// The field path of a container, as events name it.
    pub fn field_path(&self, slot: usize) -> String {
        self.slots.get(slot).map_or_else(String::new, |slot| format!("spec.{}{{{}}}", slot.role.list(), slot.name))
    }

    /// Whether the pod is being ended or has ended.
    pub fn ending(&self) -> bool {
        !matches!(self.stage, Stage::Syncing)
    }

    /// The next moment at which something is due.
    pub fn due(&self) -> Time {
        let mut due = Time::NEVER;
        let mut note = |at: Option<Time>| due = due.min(at.unwrap_or(Time::NEVER));
        note(self.report_at);
        match &self.stage {
            Stage::Over => return due,
            Stage::Ending(ending) => {
                note(ending.sandbox_gone_at);
                if ending.sandbox_gone_at.is_none() {
                    note(Some(ending.kill_at));
                    for told in &ending.told {
                        note(told.due());
                    }
                }
                return due;
            }
            Stage::Syncing => {}
        }
        match &self.doing {
            Doing::Idle => note(self.sync_at),
            Doing::Mounting { until, .. } | Doing::Sandbox(until) => note(Some(*until)),
            Doing::Killing(told, _) => told.iter().for_each(|told| note(told.due())),
            Doing::Starting(starting) => match &starting.step {
                Step::Next => note(Some(Time::default())),
                Step::Pulling { until, .. } | Step::Creating(_, until) | Step::Starting(_, _, until) => {
                    note(Some(*until))
                }
                Step::Hook(_, _, hook) => note(hook.due()),
            },
        }
        if self.dirty && matches!(self.doing, Doing::Idle) {
            note(Some(Time::default()));
        }
        due
    }
}

impl Told {
    /// A container to be told.
    pub fn new(slot: usize) -> Told {
        Told { slot, hook: None, after_main: false, signalled: false, kill_at: None }
    }

    fn due(&self) -> Option<Time> {
        let hook = self.hook.and_then(|hook| hook.due());
        [hook, self.kill_at].into_iter().flatten().min()
    }
}

impl Hook {
    fn due(self) -> Option<Time> {
        match self {
            Hook::Sleep(until) | Hook::Http(_, until) => Some(until),
            Hook::Exec(_) => None,
            Hook::Done(_) => Some(Time::default()),
        }
    }
}
