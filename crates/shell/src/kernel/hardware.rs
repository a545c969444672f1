//! What is beneath the processes: the machine ([`Hardware`]), and what of it is theirs ([`ControlGroup`]).

use super::{Kernel, Pid, Signal};

/// How long a unit of fuel takes a whole processor, in microseconds. Slower than a real machine, so that a busy loop costs
/// the simulation little; programs that do something useful use hardly any fuel.
pub const FUEL_MICROS: u64 = 10;
/// Where a control group's files are.
pub(super) const CGROUP: &str = "/sys/fs/cgroup/";

/// What a machine is made of, as its programs see it. Containers see their node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hardware {
    /// Processors.
    pub processors: u32,
    /// Memory in bytes.
    pub memory: u64,
    /// Bytes of memory that others than this machine's processes have taken.
    pub memory_taken: u64,
    /// The disk's size in bytes.
    pub disk: u64,
    /// Bytes on the disk that are taken before anybody writes.
    pub disk_taken: u64,
    /// The kernel's release, as `uname -r` prints it.
    pub release: &'static str,
}

impl Default for Hardware {
    fn default() -> Hardware {
        Hardware {
            processors: 4,
            memory: 8 << 30,
            memory_taken: 1 << 30,
            // As a node tells of its `ephemeral-storage`.
            disk: 61_255_492 << 10,
            disk_taken: 14 << 30,
            release: "6.6.95",
        }
    }
}

/// What the processes of a container may have, and what happened to them for it: control groups, version 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ControlGroup {
    /// The most memory in bytes.
    pub memory: Option<u64>,
    /// The most processor time, in thousandths of a processor.
    pub cpu_milli: Option<u64>,
    /// Its part of a busy processor.
    pub weight: u64,
    /// What its main program takes of memory by being there.
    pub base: u64,
    /// How often the kernel has killed it for want of memory.
    pub kills: u32,
}

impl Kernel {
    /// The machine beneath.
    pub fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// The control group of a container's processes; none on a machine of its own.
    pub fn control(&mut self) -> Option<&mut ControlGroup> {
        self.control.as_mut()
    }

    /// How many bytes of memory its processes hold: their own size, and what they took.
    pub fn memory(&self) -> u64 {
        let held: u64 = self.processes.values().map(|process| process.memory).sum();
        held.saturating_add(self.control.map_or(0, |control| control.base))
    }

    /// Whether the kernel has killed the processes for taking too much memory.
    pub fn out_of_memory(&self) -> bool {
        self.control.is_some_and(|control| control.kills > 0)
    }

    /// Kills everything for want of memory, as where `memory.oom.group` is set: a kubelet sets it.
    pub fn kill_for_memory(&mut self) {
        if let Some(control) = &mut self.control {
            control.kills += 1;
        }
        self.kill_all();
    }

    /// Counts what a process holds from now on. Whether there was so much: otherwise it is dead, with all of its group.
    pub(super) fn hold(&mut self, pid: Pid, bytes: u64) -> bool {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.memory = bytes;
        }
        let most = self.control.map_or(Some(self.hardware.memory), |control| control.memory);
        let fits = most.is_none_or(|most| self.memory() <= most);
        if !fits && self.control.is_some() {
            self.kill_for_memory();
        } else if !fits {
            self.end(pid, super::run::killed_by(Signal::Kill));
        }
        fits
    }

    /// The content of a file of the control group.
    pub(super) fn cgroup_text(&self, name: &str) -> Option<String> {
        let control = self.control?;
        let most = |amount: Option<u64>| amount.map_or_else(|| "max\n".to_owned(), |amount| format!("{amount}\n"));
        let kills = control.kills;
        Some(match name {
            "cgroup.controllers" => "cpuset cpu io memory hugetlb pids rdma misc\n".into(),
            "cgroup.procs" => self.processes.keys().map(|pid| format!("{pid}\n")).collect(),
            "cgroup.type" => "domain\n".into(),
            "cpu.max" => {
                // A quota of microseconds in a period of a tenth of a second, which is not less than a hundredth of it.
                let quota = control.cpu_milli.map(|milli| (milli * 100).max(1000).to_string());
                format!("{} 100000\n", quota.unwrap_or_else(|| "max".to_owned()))
            }
            "cpu.stat" => format!("usage_usec {0}\nuser_usec {0}\nsystem_usec 0\n", self.fuel_used * FUEL_MICROS),
            "cpu.weight" => format!("{}\n", control.weight.max(1)),
            "memory.current" => format!("{}\n", self.memory()),
            "memory.events" => {
                format!("low 0\nhigh 0\nmax {kills}\noom {kills}\noom_kill {kills}\noom_group_kill {kills}\n")
            }
            "memory.max" => most(control.memory),
            "memory.high" | "pids.max" => "max\n".into(),
            "memory.low" | "memory.min" | "memory.swap.current" | "memory.swap.max" => "0\n".into(),
            "memory.oom.group" => "1\n".into(),
            "memory.stat" => {
                let bytes = self.memory();
                format!(
                    "anon {bytes}\nfile 0\nkernel 0\ninactive_anon {bytes}\nactive_anon 0\ninactive_file 0\nactive_file 0\n"
                )
            }
            "pids.current" => format!("{}\n", self.processes.len()),
            _ => return None,
        })
    }

    /// The names of the control group's files.
    pub const CGROUP_FILES: [&'static str; 18] = [
        "cgroup.controllers",
        "cgroup.procs",
        "cgroup.type",
        "cpu.max",
        "cpu.stat",
        "cpu.weight",
        "memory.current",
        "memory.events",
        "memory.high",
        "memory.low",
        "memory.max",
        "memory.min",
        "memory.oom.group",
        "memory.stat",
        "memory.swap.current",
        "memory.swap.max",
        "pids.current",
        "pids.max",
    ];
}
