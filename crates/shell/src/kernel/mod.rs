//! The kernel: processes and what they share.
//!
//! [`Kernel::run`] steps the processes that can go on, round and round, until none can or the fuel is used up. What
//! blocks is written down in a [`Wait`]; the answer ([`Activity`]) tells the owner what could wake the machine again.
//! Nothing here waits, sleeps or reads a clock.
//!
//! - `process`: a process and the [`Program`] that it runs; how one is started ([`Spawn`]).
//! - `run`: the scheduler, signals and exits.
//! - `sys`: the system calls ([`Sys`]); `files` the ones on open files.
//! - `pipe`, `tty`: what bytes flow through; the line discipline is the terminal's.
//! - `hardware`: the machine beneath and a container's part of it; `volumes` what is mounted; `proc` the files that tell.
//! - `outside`: what the machine's owner may do.

mod files;
mod hardware;
mod outside;
mod pipe;
mod proc;
mod process;
mod rights;
mod run;
mod signal;
mod sys;
#[cfg(test)]
mod tests;
mod tty;
mod volumes;

pub use files::{Open, Read};
pub use hardware::{ControlGroup, FUEL_MICROS, Hardware};
pub use outside::Options;
pub use pipe::PipeId;
pub use process::{Disposition, Env, Group, Program, Spawn, Stdio, Step, Wait};
pub use rights::Rights;
pub use run::{Activity, ProcessInfo};
pub use signal::Signal;
pub use sys::Sys;
pub use tty::{TtyId, TtyMode};
pub use volumes::{Memory, Volume};

use drydock_sorted::SortedMap;

use drydock_value::Time;

use crate::Vfs;
use files::Description;
use pipe::Pipe;
use process::Process;
use tty::Tty;

/// A process's number.
pub type Pid = u32;
/// A process's number for an open file.
pub type Fd = u32;

/// Whose words the machine's programs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// GNU coreutils and bash, as on a workstation and in Debian's images.
    #[default]
    Gnu,
    /// busybox, as in busybox's and Alpine's images.
    Busybox,
}

/// What a process's addresses span beyond what it has in memory, in KiB: its libraries, mostly.
pub(crate) const VIRTUAL_KIB: u64 = 3400;
/// How many processes there may be at once.
const PROCESSES_MAX: usize = 256;
/// How many open files there may be at once.
const DESCRIPTIONS_MAX: usize = 4096;
/// How many files a process may have open.
const FDS_MAX: u32 = 1024;

/// A machine. Plain data: a clone goes on from the same moment.
#[derive(Clone)]
pub struct Kernel {
    files: Vfs,
    rights: Rights,
    hardware: Hardware,
    /// None on a machine that is no container.
    control: Option<ControlGroup>,
    /// Fuel used by all processes so far.
    fuel_used: u64,
    hostname: String,
    flavour: Flavour,
    now: Time,
    booted: Time,
    processes: SortedMap<Pid, Process>,
    next_pid: Pid,
    /// The process whose turn it is, so that fuel that runs out does not favour the first.
    turn: Pid,
    /// Exit codes of processes that the owner started.
    exits: SortedMap<Pid, i32>,
    descriptions: SortedMap<u32, Description>,
    next_description: u32,
    pipes: SortedMap<PipeId, Pipe>,
    next_pipe: u32,
    ttys: SortedMap<TtyId, Tty>,
    next_tty: u32,
    /// Processes of other machines that can be seen here.
    neighbours: Vec<ProcessInfo>,
    /// Signals to those that were sent and not passed on yet.
    sent: Vec<(Pid, Signal)>,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kernel({}, {} processes)", self.hostname, self.processes.len())
    }
}
