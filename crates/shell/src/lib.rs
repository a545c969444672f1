//! A small machine: processes, pipes, terminals, files, a shell and its utilities.
//!
//! A container of the simulated cluster is one such machine, and so is the learner's workstation. Everything that runs
//! on it is a [`Program`]: a state machine that is stepped, says what it waits for, and can be cloned at any moment, so
//! that `while true; do date; sleep 1; done` survives a snapshot in the middle of its sleep.
//!
//! - [`Kernel`] owns the processes and whatever they share: open files, pipes, terminals, signals and the virtual file
//!   system. Its owner gives it the time and some fuel and is told when to come back ([`Activity`]).
//! - [`Sys`] is what one program sees of it: the system calls.
//! - [`Vfs`] is the file system; parts of it ([`Fs`]) can be lent to several machines in turn, as volumes are.
//! - [`Host`] is what surrounds the machine: commands beyond the utilities, the API server, the network, the editor.
//!   [`NoHost`] is none of it.
//! - [`Shell`] is the command interpreter, and `tools` the utilities: one file and one row each.
//!
//! What comes in is bytes, time and fuel; what goes out is bytes and exit codes. It knows nothing of Kubernetes beyond
//! handing a [`Transport`](drydock_api::Transport) through to the programs that want one.

mod errno;
mod host;
mod kernel;
mod shell;
mod text;
mod tools;
mod vfs;

pub use errno::Errno;
pub use host::{Echo, EditId, Host, NetError, NoHost, Recv, SocketId, SocketInfo};
pub use kernel::{
    Activity, ControlGroup, Disposition, Env, FUEL_MICROS, Fd, Flavour, Group, Hardware, Kernel, Memory, Open, Options,
    Pid, PipeId, ProcessInfo, Program, Read, Rights, Signal, Spawn, Stdio, Step, Sys, TtyId, TtyMode, Volume, Wait,
};
pub use shell::Shell;
pub use tools::{names as tool_names, program as tool};
pub use vfs::{BUILT, Backing, Device, DirEntry, Fs, Kind, Layout, NodeId, Stat, User, Vfs, join};
