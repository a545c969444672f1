//! The container runtime of a node: images, sandboxes, containers and the processes in them.
//!
//! A container is a small machine (`drydock_shell::Kernel`) with its image's files; what its main process prints is its
//! log. [`Runtime`] starts them, lets them go on when an event says so, and tells what came of it ([`Outcome`]). A
//! server that would only wait for connections gets no machine before somebody connects, looks at its log or runs
//! something in it: ten thousand idle web servers cost next to nothing.
//!
//! - [`images`]: the catalogue, as data. [`programs`]: what the images run, one file each.
//! - [`container`], [`sandbox`], [`machine`]: the parts. [`host`]: what surrounds a container's processes.
//! - [`log`]: what containers printed.
//! - [`usage`]: what containers use.
//! - `start`, `run`: how a container begins, and how its processes go on.

pub mod container;
pub mod host;
pub mod images;
pub mod log;
pub mod machine;
mod neighbours;
pub mod programs;
mod run;
pub mod sandbox;
pub mod start;
pub mod usage;

use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_shell::{Backing, ControlGroup, Fs, Hardware, Pid, Signal, Vfs};
use drydock_value::{Str, Time};

use crate::ctx::Ctx;
use crate::network::Place;
use crate::queue::NodeId;

pub use container::{Container, ContainerConfig, Limits, Mount, State, VolumeId};
pub use images::{Catalogue, Image, Reference};
pub use log::{Log, LogOptions};
pub use machine::{Outcome, Sink, Token};
pub use sandbox::{Names, Sandbox};
pub use usage::Usage;

/// Which container's processes go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineWake {
    /// On which node.
    pub node: NodeId,
    /// The container's number there.
    pub container: u64,
}

/// The runtime of a node.
#[derive(Debug, Clone)]
pub struct Runtime {
    node: NodeId,
    sandboxes: SortedMap<u64, Sandbox>,
    containers: SortedMap<u64, Container>,
    /// The files of volumes that containers may write to, while no container's processes run.
    volumes: SortedMap<VolumeId, Fs>,
    /// Images that were pulled, by their full names.
    images: SortedMap<String, Arc<Image>>,
    last: u64,
    salt: u64,
    /// The machine's processes that are no container's: number, start, words.
    pub system: Vec<(Pid, Time, Vec<String>)>,
    /// Signals to processes of containers that nobody has looked at yet.
    unheard: Vec<(u64, Signal)>,
    /// The machine that it runs on.
    pub hardware: Hardware,
    memory: u64,
    takes_more: bool,
    fills_disk: bool,
}

/// An empty volume: anybody may write to it, as kubelets and provisioners make them.
fn open_to_all(now: Time) -> Fs {
    let mut vfs = drydock_shell::Vfs::new(Fs::new());
    vfs.set_time(now);
    vfs.touch_root();
    let _ = vfs.chmod("/", 0o777);
    vfs.root_fs().cloned().unwrap_or_default()
}

/// The node's own file system, as a volume.
pub fn node_root() -> VolumeId {
    VolumeId { pod: 0, name: Str::default() }
}

impl Runtime {
    /// A runtime with nothing in it.
    pub fn new(node: NodeId, salt: u64) -> Runtime {
        Runtime {
            node,
            sandboxes: SortedMap::new(),
            containers: SortedMap::new(),
            volumes: SortedMap::new(),
            images: SortedMap::new(),
            last: 0,
            salt,
            system: Vec::new(),
            unheard: Vec::new(),
            hardware: Hardware::default(),
            memory: 0,
            takes_more: false,
            fills_disk: false,
        }
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    // ---- images ----

    /// An image that was pulled.
    pub fn image(&self, reference: &Reference) -> Option<&Arc<Image>> {
        self.images.get(&reference.to_string())
    }

    /// Keeps an image that was pulled.
    pub fn keep_image(&mut self, reference: &Reference, image: Arc<Image>) {
        self.images.insert(reference.to_string(), image);
    }

    /// The images with their names, for the node's status.
    pub fn images(&self) -> &SortedMap<String, Arc<Image>> {
        &self.images
    }

    /// Lets go of the images that are not to be kept.
    pub fn keep_images(&mut self, keep: &dyn Fn(&str) -> bool) {
        self.images.retain(|name, _| keep(name));
    }

    // ---- sandboxes ----

    /// Keeps a sandbox; its number.
    pub fn add_sandbox(&mut self, make: impl FnOnce(u64) -> Sandbox) -> u64 {
        let number = self.number();
        self.sandboxes.insert(number, make(number));
        number
    }

    /// A sandbox.
    pub fn sandbox(&self, number: u64) -> Option<&Sandbox> {
        self.sandboxes.get(&number)
    }

    /// Removes a sandbox with its network. Its containers must have ended.
    pub fn remove_sandbox(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        if let Some(sandbox) = self.sandboxes.remove(&number)
            && matches!(sandbox.place, Place::Pod { .. })
        {
            ctx.network.detach(sandbox.place, ctx.now, ctx.queue);
        }
    }

    /// The containers of a machine on the network.
    pub fn containers_at(&self, place: Place) -> Vec<u64> {
        let here = |sandbox: &u64| self.sandboxes.get(sandbox).is_some_and(|sandbox| sandbox.place == place);
        match place {
            Place::Workstation => Vec::new(),
            _ => self.containers.iter().filter(|(_, c)| c.running() && here(&c.sandbox)).map(|(n, _)| *n).collect(),
        }
    }

    // ---- volumes ----

    /// The files of a volume, made empty at a moment when it is new.
    pub fn volume(&mut self, id: &VolumeId, now: Time) -> &mut Fs {
        self.volumes
            .entry(id.clone())
            .or_insert_with(|| if *id == node_root() { node_files() } else { open_to_all(now) })
    }

    /// How many bytes a volume holds.
    pub fn written(&self, id: &VolumeId) -> u64 {
        self.volumes.get(id).map_or(0, Fs::used)
    }

    /// The text of a file of a volume.
    pub fn volume_text(&self, id: &VolumeId, path: &str) -> Option<String> {
        Vfs::new(self.volumes.get(id)?.clone()).read_text(&format!("/{path}")).ok()
    }

    /// Sets the files of a volume.
    pub fn set_volume(&mut self, id: VolumeId, fs: Fs) {
        self.volumes.insert(id, fs);
    }

    /// Removes a pod's volumes.
    pub fn remove_volumes(&mut self, pod: u64) {
        let ids: Vec<VolumeId> = self.volumes.keys().filter(|id| id.pod == pod).cloned().collect();
        for id in ids {
            self.volumes.remove(&id);
        }
    }

    /// Renews the files of a volume whose content is the kubelet's, in every container that has it.
    pub fn refresh(&mut self, id: &VolumeId, fs: &Fs) {
        self.volumes.insert(id.clone(), fs.clone());
        for container in self.containers.values_mut() {
            let Some(machine) = &mut container.machine else { continue };
            // A part of a volume that was mounted by subPath stays as it was.
            for mount in container.config.mounts.iter().filter(|mount| mount.volume == *id && mount.sub_path.is_empty())
            {
                if machine.kernel.files().take(&mount.path).is_some() {
                    machine.kernel.files().put(&mount.path, fs.clone());
                }
            }
        }
    }

    /// Makes an empty volume, unless it is there already: in memory if it may be so large there, a group's if it has one.
    pub fn give_volume(&mut self, id: &VolumeId, memory: Option<u64>, group: Option<u32>, now: Time) {
        if self.volumes.contains_key(id) {
            return;
        }
        let mut files = open_to_all(now);
        if let Some(bytes) = memory {
            files = files.on(Backing::Memory).with_limit(bytes);
        }
        if let Some(group) = group {
            files = files.with_group(group, true);
        }
        self.volumes.insert(id.clone(), files);
    }

    // ---- containers ----

    /// Sets what a container may use from now on.
    pub fn limit(&mut self, number: u64, limits: Limits) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        Arc::make_mut(&mut container.config).limits = limits;
        if let Some(control) = container.machine.as_mut().and_then(|machine| machine.kernel.control()) {
            *control = ControlGroup { kills: control.kills, ..limits.control(control.base) };
        }
    }

    /// A container.
    pub fn container(&self, number: u64) -> Option<&Container> {
        self.containers.get(&number)
    }

    /// Makes a container of a pod; its number.
    pub fn create(&mut self, pod: u64, sandbox: u64, image: Arc<Image>, config: ContainerConfig, attempt: u32) -> u64 {
        let number = self.number();
        if let Some(sandbox) = self.sandboxes.get_mut(&sandbox) {
            sandbox.looked_into |= config.target.is_some();
        }
        let salt = self.salt ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let container = Container {
            pod,
            sandbox,
            image,
            config: Arc::new(config),
            attempt,
            state: State::Created,
            started: Time::default(),
            finished: Time::default(),
            exit_code: 0,
            reason: "",
            message: String::new(),
            memory: 0,
            log: Log::default(),
            machine: None,
            salt,
        };
        self.containers.insert(number, container);
        number
    }

    /// Forgets a container that has ended.
    pub fn remove(&mut self, number: u64) {
        self.containers.remove(&number);
    }

    /// How many containers there are.
    pub fn container_count(&self) -> usize {
        self.containers.len()
    }

    /// How many containers have a machine.
    pub fn machine_count(&self) -> usize {
        self.containers.values().filter(|container| container.machine.is_some()).count()
    }
}

/// What a pod finds when it mounts the node's own files.
fn node_files() -> Fs {
    static FILES: std::sync::OnceLock<Fs> = std::sync::OnceLock::new();
    FILES.get_or_init(lay_out_node).clone()
}

fn lay_out_node() -> Fs {
    let mut vfs = Vfs::new(images::rootfs(&images::node()));
    vfs.set_time(images::BUILT);
    for folder in [
        "/var/lib/kubelet/pods",
        "/var/log/pods",
        "/var/log/containers",
        "/opt",
        "/mnt",
        "/srv",
        "/run",
        "/data",
        "/etc/kubernetes",
        "/boot",
        "/lib/modules",
        "/usr/lib",
        "/usr/share",
    ] {
        let _ = vfs.mkdir_all(folder);
    }
    vfs.root_fs().cloned().unwrap_or_default()
}
