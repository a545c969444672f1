//! What is mounted on a machine and how full it is, and how its memory is used: what `df`, `mount` and `free` tell.

use super::{Kernel, Pid};
use crate::vfs::{Backing, Fs};

/// The disk that everything but memory is kept on.
const DISK: &str = "/dev/vda1";
/// What a container's runtime mounts besides its files and volumes: path, device, kind, KiB, options.
const OF_RUNTIME: [(&str, &str, &str, u64, &str); 5] = [
    ("/dev", "tmpfs", "tmpfs", 65_536, "nosuid,size=65536k,mode=755,inode64"),
    ("/dev/pts", "devpts", "devpts", 0, "nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=666"),
    ("/dev/mqueue", "mqueue", "mqueue", 0, "nosuid,nodev,noexec,relatime"),
    ("/sys", "sysfs", "sysfs", 0, "nosuid,nodev,noexec,relatime"),
    ("/dev/shm", "shm", "tmpfs", 65_536, "nosuid,nodev,noexec,relatime,size=65536k,inode64"),
];

/// Something that is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Where.
    pub path: String,
    /// What.
    pub device: &'static str,
    /// Its file system's type.
    pub kind: &'static str,
    /// Whether it must not be written.
    pub read_only: bool,
    /// Its size in bytes; 0 for what has none.
    pub size: u64,
    /// How many of these are taken.
    pub used: u64,
    /// Further options, as `mount` prints them.
    pub options: String,
}

/// How a machine's memory is used, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All.
    pub total: u64,
    /// What nobody uses.
    pub free: u64,
    /// What holds files that can be read again.
    pub cached: u64,
    /// What a new program may have.
    pub available: u64,
}

impl Kernel {
    /// What is mounted, in order.
    pub fn volumes(&self) -> Vec<Volume> {
        let contained = self.control.is_some();
        let mut all: Vec<Volume> = self.files.mounted().map(|(path, ro, fs)| self.volume(path, ro, fs)).collect();
        if contained {
            let of_runtime = OF_RUNTIME.iter().map(|(path, device, kind, kib, options)| Volume {
                path: (*path).into(),
                device,
                kind,
                read_only: *path == "/sys",
                size: kib << 10,
                used: 0,
                options: (*options).into(),
            });
            let at = all.len().min(2);
            all.splice(at..at, of_runtime);
        }
        all
    }

    fn volume(&self, path: &str, read_only: bool, fs: Option<&Fs>) -> Volume {
        let hardware = &self.hardware;
        let used = fs.map_or(0, Fs::used);
        let options: &str = "nosuid,nodev,noexec,relatime";
        let (device, kind, size, used, options) = match fs.map(Fs::backing).unwrap_or_default() {
            Backing::Kernel(kind) => (kind, kind, 0, 0, options.to_owned()),
            Backing::Memory => {
                let size = fs.map_or(0, Fs::limit).min(hardware.memory);
                ("tmpfs", "tmpfs", size, used, format!("relatime,size={}k,inode64", size >> 10))
            }
            Backing::Disk => {
                let taken = (hardware.disk_taken + used).min(hardware.disk);
                let root = path == "/" && self.control.is_some();
                let (device, kind) = if root { ("overlay", "overlay") } else { (DISK, "ext4") };
                (device, kind, hardware.disk, taken, "relatime".to_owned())
            }
        };
        Volume { path: path.to_owned(), device, kind, read_only, size, used, options }
    }

    /// How the machine's memory is used.
    pub fn free_memory(&self) -> Memory {
        let total = self.hardware.memory;
        let taken = (self.hardware.memory_taken + self.memory()).min(total);
        // An eighth of what is left holds files.
        let available = total - taken;
        let cached = available / 8;
        Memory { total, free: available - cached, cached, available }
    }

    /// The memory that a process takes by being there.
    pub(super) fn own_size(&self, pid: Pid) -> u64 {
        let main = self.processes.get(&pid).is_some_and(|process| process.init);
        self.control.filter(|control| main && control.base > 0).map_or(1 << 20, |control| control.base)
    }
}
