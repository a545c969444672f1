//! Containers: what one is made of, what is known of it, and its state.

use std::sync::Arc;

use drydock_shell::{ControlGroup, Env, Rights, Signal};
use drydock_value::{Str, Time};

use super::images::{Image, User};
use super::log::Log;
use super::machine::Machine;

/// A volume, wherever its files are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeId {
    /// The pod's number on its node; 0 for what belongs to the node.
    pub pod: u64,
    /// The volume's name; for the node, "" is its own root.
    pub name: Str,
}

/// A volume in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Which volume.
    pub volume: VolumeId,
    /// Where.
    pub path: String,
    /// Which part of it; empty for all.
    pub sub_path: String,
    /// Whether it must not be written.
    pub read_only: bool,
    /// Whether its content is a kubelet's (configMap, secret): each container has the same, nobody writes.
    pub fixed: bool,
}

/// What a container may use: its control group's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// The processor limit in thousandths.
    pub cpu_milli: Option<u64>,
    /// The memory limit in bytes.
    pub memory: Option<u64>,
    /// Its part of a busy processor, when it asked for any.
    pub weight: Option<u64>,
}

impl Limits {
    /// The control group that has them, of a container whose main program takes so much memory by being there.
    pub fn control(&self, base: u64) -> ControlGroup {
        ControlGroup {
            memory: self.memory,
            cpu_milli: self.cpu_milli,
            weight: self.weight.unwrap_or(1),
            base,
            ..ControlGroup::default()
        }
    }
}

/// How a container is made.
#[derive(Debug, Clone)]
pub struct ContainerConfig {
    /// Its name in the pod.
    pub name: Str,
    /// The process's words: entrypoint and arguments.
    pub argv: Vec<String>,
    /// The environment.
    pub env: Arc<Env>,
    /// The working directory.
    pub cwd: String,
    /// The process's user.
    pub user: User,
    /// What its processes may do; its groups are the user's.
    pub rights: Rights,
    /// Settings of the kernel that its pod has for itself.
    pub sysctls: Vec<(String, String)>,
    /// Whether it may do whatever the machine's own root may.
    pub privileged: bool,
    /// Whether its process has a terminal.
    pub tty: bool,
    /// Whether its process has an input.
    pub stdin: bool,
    /// Whether the input ends with the first that is attached.
    pub stdin_once: bool,
    /// The container whose processes it sees (`targetContainerName`).
    pub target: Option<Str>,
    /// Its volumes.
    pub mounts: Vec<Mount>,
    /// Whether its root file system must not be written.
    pub read_only: bool,
    /// What asks it to end.
    pub stop_signal: Signal,
    /// What it may use.
    pub limits: Limits,
    /// `terminationMessagePath`.
    pub message_path: String,
    /// `terminationMessagePolicy: FallbackToLogsOnError`.
    pub message_from_log: bool,
}

/// How far a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum State {
    Created,
    Running,
    Exited,
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    /// The pod's number on its node.
    pub pod: u64,
    /// The sandbox that it is in.
    pub sandbox: u64,
    /// Its image.
    pub image: Arc<Image>,
    /// How it was made.
    pub config: Arc<ContainerConfig>,
    /// How often the pod's container of this name was made before.
    pub attempt: u32,
    /// Its state.
    pub state: State,
    /// When its process began.
    pub started: Time,
    /// When its process ended.
    pub finished: Time,
    /// How its process ended.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`.
    pub reason: &'static str,
    /// The termination message.
    pub message: String,
    /// Bytes of memory that its processes hold, and the files in memory that they wrote.
    pub memory: u64,
    /// What it printed.
    pub log: Log,
    /// Its processes; none before anybody looks at an idle server, and none after the end.
    pub machine: Option<Box<Machine>>,
    /// The number that its ID is made from.
    pub salt: u64,
}

impl Container {
    /// Its ID: 64 hexadecimal digits.
    pub fn id(&self) -> String {
        let mut state = self.salt;
        (0..4).map(|_| format!("{:016x}", super::host::draw(&mut state))).collect()
    }

    /// Whether its input ends with that of a client that is attached.
    pub fn input_ends(&self) -> bool {
        self.config.stdin_once && !self.config.tty
    }

    /// How many bytes it has written beside its volumes: files, beyond those of its image, and its log.
    pub fn written(&self, image: u64) -> u64 {
        let files = self.machine.as_ref().and_then(|machine| machine.kernel.files_ref().root_fs());
        files.map_or(0, |files| files.used().saturating_sub(image)) + self.log.end()
    }

    /// Whether its process runs.
    pub fn running(&self) -> bool {
        self.state == State::Running
    }

    /// Whether it needs no machine before somebody looks: its image's own command, which does nothing by itself, and no
    /// files but the image's.
    pub fn dormant_by_nature(&self) -> bool {
        let config = &self.config;
        let own = self.image.entrypoint.iter().chain(&self.image.command);
        self.image.idle
            && config.argv.iter().eq(own)
            && config.mounts.iter().all(|mount| mount.fixed && mount.path.starts_with("/var/run/secrets/"))
            && !config.read_only
            && !config.tty
            && config.user == self.image.user
    }
}
