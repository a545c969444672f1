//! `/proc`: what the kernel tells of itself and of its processes.
//!
//! The names are files of a file system, so that they can be listed and asked about; their content is made when they are
//! opened.

use std::sync::{Arc, OnceLock};

use super::files::{Object, command_name};
use super::volumes::Volume;
use super::{Kernel, Pid, VIRTUAL_KIB};
use crate::Errno;
use crate::vfs::{Backing, Fs, Layout, Vfs};
use drydock_value::Time;

/// What is told of the machine.
const NAMES: [&str; 11] =
    ["cmdline", "cpuinfo", "filesystems", "loadavg", "meminfo", "mounts", "self", "stat", "swaps", "uptime", "version"];
/// What is told of a process.
const OF_PROCESS: [&str; 10] =
    ["cgroup", "cmdline", "comm", "environ", "gid_map", "mountinfo", "mounts", "stat", "status", "uid_map"];
/// The process that others are made alike of.
const MODEL: &str = "self";

/// The file system at `/proc` of a machine without processes.
fn empty() -> Fs {
    static EMPTY: OnceLock<Fs> = OnceLock::new();
    let make = || {
        let mut layout = Layout::new(Time::default());
        for name in NAMES.iter().filter(|name| **name != MODEL) {
            layout.file(name, Vec::new(), 0o444);
        }
        for name in OF_PROCESS {
            layout.file(&format!("{MODEL}/{name}"), Vec::new(), 0o444);
        }
        layout.dir(&format!("{MODEL}/fd"));
        layout.dir("sys");
        layout.finish(0o555).on(Backing::Kernel("proc"))
    };
    EMPTY.get_or_init(make).clone()
}

/// Whether what a path under `/proc` leads to is made up when it is opened. Settings are files, and so is what another
/// process has for its root.
pub(super) fn is_told(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/proc/") else { return false };
    let mut words = rest.split('/');
    words.next() != Some("sys") && words.next() != Some("root")
}

impl Kernel {
    /// Shows the root of a process that it was shown, as `/proc/PID/root`, until [`Kernel::take_root`].
    pub fn show_root(&mut self, pid: Pid, fs: Fs) {
        let path = format!("/proc/{pid}/root");
        if self.files.mounted().any(|(mounted, ..)| mounted == path) {
            self.files.put(&path, fs);
            return;
        }
        self.show_process(pid, true);
        let _ = self.files.mount(&path, fs, "", false);
    }

    /// Takes back what [`Kernel::show_root`] was given, with what has become of it.
    pub fn take_root(&mut self, pid: Pid) -> Option<Fs> {
        self.files.take(&format!("/proc/{pid}/root"))
    }

    /// Puts `/proc` where it belongs, for a machine that will run on these files. What is mounted inside of it comes after.
    pub fn mount_proc(files: &mut Vfs) {
        let mounted = files.mounted().any(|(path, ..)| path == "/proc");
        if !mounted {
            let _ = files.mount("/proc", empty(), "", false);
        }
    }

    /// Shows a process, or no longer.
    pub(super) fn show_process(&mut self, pid: Pid, lives: bool) {
        let now = self.now;
        self.files.with_mounted("/proc", |fs| match lives {
            true => fs.add_alike(MODEL, &pid.to_string(), now),
            false => fs.remove_alike(&pid.to_string(), now),
        });
    }

    pub(super) fn open_proc(&mut self, pid: Pid, path: &str) -> Result<u32, Errno> {
        let rest = path.strip_prefix("/proc/").unwrap_or_default().trim_end_matches('/');
        let (first, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let target = if first == "self" { pid } else { first.parse().unwrap_or(0) };
        if let Some(fd) = rest.strip_prefix("fd/") {
            let id = self.description_of(target, fd.parse().map_err(|_| Errno::NotFound)?)?;
            return self.reopen(id);
        }
        let text = if target == 0 { self.machine_text(first, rest) } else { self.process_text(target, rest) };
        match text {
            Some(text) => self.describe(Object::Text { bytes: Arc::new(text.into_bytes()), offset: 0 }),
            None if self.files.is_dir(path) => Err(Errno::IsDir),
            None => Err(Errno::NotFound),
        }
    }

    fn machine_text(&self, name: &str, rest: &str) -> Option<String> {
        if !rest.is_empty() {
            return None;
        }
        let hardware = &self.hardware;
        let up = self.now.since(self.booted).as_secs();
        let count = hardware.processors;
        Some(match name {
            "uptime" => format!("{up}.00 {}.00\n", up * u64::from(count)),
            "loadavg" => format!("0.00 0.01 0.05 1/{} {}\n", self.processes.len(), self.next_pid),
            "version" => format!("Linux version {} (drydock) #1 SMP\n", hardware.release),
            "cmdline" => "BOOT_IMAGE=/boot/bzImage root=/dev/vda1\n".into(),
            "filesystems" => "nodev\tproc\nnodev\tcgroup2\nnodev\ttmpfs\nnodev\toverlay\n\text4\n".into(),
            "swaps" => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n".into(),
            "cpuinfo" => (0..count)
                .map(|n| {
                    format!(
                        "processor\t: {n}\nmodel name\t: Simulated CPU\nsiblings\t: {count}\ncore id\t\t: {n}\ncpu \
                         cores\t: {count}\n\n"
                    )
                })
                .collect(),
            "stat" => {
                let cores: String = (0..count).map(|n| format!("cpu{n} 0 0 0 {} 0 0 0 0 0 0\n", up * 100)).collect();
                let idle = up * 100 * u64::from(count);
                format!("cpu  0 0 0 {idle} 0 0 0 0 0 0\n{cores}btime {}\n", self.booted.0 / 1_000_000)
            }
            "meminfo" => {
                let memory = self.free_memory();
                let row = |name: &str, bytes: u64| format!("{:<15}{:>9} kB\n", format!("{name}:"), bytes >> 10);
                [
                    ("MemTotal", memory.total),
                    ("MemFree", memory.free),
                    ("MemAvailable", memory.available),
                    ("Buffers", 0),
                    ("Cached", memory.cached),
                    ("SwapCached", 0),
                    ("SwapTotal", 0),
                    ("SwapFree", 0),
                ]
                .iter()
                .map(|(name, bytes)| row(name, *bytes))
                .collect()
            }
            "mounts" => self.mounts_text(),
            _ => return None,
        })
    }

    /// The lines of `/proc/mounts`.
    fn mounts_text(&self) -> String {
        let line = |volume: &Volume| {
            let access = if volume.read_only { "ro" } else { "rw" };
            let Volume { device, path, kind, options, .. } = volume;
            format!("{device} {path} {kind} {access},{options} 0 0\n")
        };
        self.volumes().iter().map(line).collect()
    }

    fn process_text(&self, pid: Pid, name: &str) -> Option<String> {
        let process = self.processes.get(&pid)?;
        let own = command_name(&process.argv);
        Some(match name {
            "cmdline" => process.argv.iter().map(|word| format!("{word}\0")).collect(),
            "uid_map" | "gid_map" => match self.rights.users {
                Some(first) => format!("{:>10} {first:>10} {:>10}\n", 0, 65_536),
                None => format!("{:>10} {:>10} {:>10}\n", 0, 0, u32::MAX),
            },
            "comm" => format!("{own}\n"),
            "cgroup" => "0::/\n".into(),
            "mounts" | "mountinfo" => self.mounts_text(),
            "environ" => process.env.iter().map(|(key, value)| format!("{key}={value}\0")).collect(),
            "stat" => {
                let parent = if process.parent == u32::MAX { 0 } else { process.parent };
                let ticks = process.used / 10_000;
                format!(
                    "{pid} ({own}) S {parent} {} {} 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0\n",
                    process.group, process.group
                )
            }
            "status" => {
                let kib = (process.memory + self.own_size(pid)) >> 10;
                format!(
                    "Name:\t{own}\nState:\tS (sleeping)\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{gid}\t{gid}\t{gid}\t{gid}\n\
                     VmSize:\t{:>8} kB\nVmRSS:\t{kib:>8} kB\nThreads:\t1\n{}",
                    process.parent,
                    kib + VIRTUAL_KIB,
                    self.rights.status(process.user.uid),
                    uid = process.user.uid,
                    gid = process.user.gid,
                )
            }
            _ => return None,
        })
    }
}
