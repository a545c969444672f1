//! What programs ask of the kernel about processes.

use super::*;
use crate::Errno;
use crate::kernel::process::State;
use crate::kernel::run::KILLED;
use crate::kernel::{Fd, Group, Hardware, Memory, Pid, ProcessInfo, Signal, Spawn, Volume};
use std::sync::Arc;

impl Sys<'_> {
    /// Finds the executable that a command names, as `execvp` does.
    ///
    /// # Errors
    /// `NotFound`, or `Denied` when there is one that may not be executed.
    pub fn find(&self, command: &str, path: &str) -> Result<String, Errno> {
        let cwd = self.kernel.processes.get(&self.pid).map_or("/", |process| process.cwd.as_str());
        self.kernel.find(command, path, cwd)
    }

    /// Whether an executable is a text without a line that names its interpreter.
    pub(crate) fn is_plain_script(&self, path: &str) -> bool {
        let Ok(stat) = self.kernel.files.stat(path) else { return false };
        let head = self.kernel.files.read_at(stat.node, 0, 2).unwrap_or_default();
        self.kernel.files.binary(stat.node).is_none() && head != b"#!"
    }

    /// Starts a process. Without a program, the first word is looked up in its `PATH`.
    ///
    /// # Errors
    /// When the command is not found or cannot be run, or there are too many processes.
    pub fn spawn(&mut self, mut spawn: Spawn) -> Result<Pid, Errno> {
        let parent = self.kernel.processes.get(&self.pid).ok_or(Errno::NoProcess)?;
        let (group, tty, user) = (parent.group, parent.tty, parent.user);
        let map: Vec<(Fd, Fd)> = spawn
            .fds
            .take()
            .unwrap_or_else(|| parent.fds.keys().filter(|fd| !PRIVATE_FDS.contains(fd)).map(|fd| (*fd, *fd)).collect());
        let env = spawn.env.take().unwrap_or_else(|| Arc::clone(&parent.env));
        let cwd = spawn.cwd.take().unwrap_or_else(|| parent.cwd.clone());
        let ignored = parent.ignored.clone();
        let user = spawn.user.unwrap_or(user);
        let inherited = matches!(spawn.group, Group::Inherit).then_some(group);
        let pid = self.kernel.start(spawn, self.pid, env, cwd, user, tty, inherited)?;
        let mut fds = drydock_sorted::SortedMap::new();
        for (child, own) in map {
            if let Ok(id) = self.kernel.description_of(self.pid, own) {
                self.kernel.retain(id);
                if let Some(old) = fds.insert(child, id) {
                    self.kernel.release(old);
                }
            }
        }
        if let Some(process) = self.kernel.processes.get_mut(&pid) {
            process.fds = fds;
            process.ignored.extend(ignored);
        }
        Ok(pid)
    }

    /// Makes this process run another program from its next step on. Open files stay, but for the private ones.
    ///
    /// # Errors
    /// When the command is not found or cannot be run; then nothing has changed.
    pub fn exec(&mut self, spawn: Spawn) -> Result<(), Errno> {
        let process = self.kernel.processes.get(&self.pid).ok_or(Errno::NoProcess)?;
        let env = spawn.env.unwrap_or_else(|| Arc::clone(&process.env));
        let cwd = process.cwd.clone();
        let (program, argv, owner) = match spawn.program {
            Some(program) => (program, spawn.argv, None),
            None => {
                let path = env.get("PATH").map_or(crate::kernel::outside::DEFAULT_PATH, String::as_str);
                self.kernel.load(&spawn.argv, spawn.file, path, &cwd)?
            }
        };
        if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
            process.argv = Arc::new(argv);
            process.env = env;
            process.user.uid = owner.unwrap_or(process.user.uid);
        }
        for fd in PRIVATE_FDS {
            self.close(fd);
        }
        self.replacement = Some(program);
        Ok(())
    }

    /// The exit code of a child that has ended; the child is gone then. 128 and more: it died of a signal.
    pub fn wait(&mut self, child: Pid) -> Option<i32> {
        let process = self.kernel.processes.get(&child)?;
        match process.state {
            State::Zombie(code) if process.parent == self.pid => {
                self.kernel.forget(child);
                Some(code & 0xff)
            }
            _ => None,
        }
    }

    /// Any child that has ended, with its exit code.
    pub fn wait_any(&mut self) -> Option<(Pid, i32)> {
        self.wait_how().map(|(pid, code, _)| (pid, code))
    }

    /// Any child that has ended, with its exit code and the signal that ended it, if one did.
    pub fn wait_how(&mut self) -> Option<(Pid, i32, Option<Signal>)> {
        let found = self.kernel.processes.iter().find_map(|(pid, process)| match process.state {
            State::Zombie(code) if process.parent == self.pid => Some((*pid, code)),
            _ => None,
        })?;
        self.kernel.forget(found.0);
        let (pid, code) = found;
        let signal = if code & KILLED != 0 { Signal::from_number((code & 0xff) - 128) } else { None };
        Some((pid, code & 0xff, signal))
    }

    /// Whether a child exists, ended or not.
    pub fn is_child(&self, pid: Pid) -> bool {
        self.kernel.processes.get(&pid).is_some_and(|process| process.parent == self.pid)
    }

    /// Sends a signal to a process.
    ///
    /// # Errors
    /// When there is no such process, or it is someone else's.
    pub fn kill(&mut self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        let seen = self.kernel.neighbours.iter().find(|process| process.pid == pid).map(|process| process.user.uid);
        let owner = self.kernel.processes.get(&pid).map(|process| process.user.uid);
        let own = self.user().uid;
        if own != 0 && own != owner.or(seen).ok_or(Errno::NoProcess)? {
            return Err(Errno::NotPermitted);
        }
        if owner.is_none() && seen.is_some() {
            self.kernel.sent.push((pid, signal));
            return Ok(());
        }
        self.kernel.send_signal(pid, signal)
    }

    /// Holds that much memory from now on, beyond the program's own size. Whether there was so much: where there was not,
    /// the kernel has killed the process, with everything in its control group.
    pub fn hold_memory(&mut self, bytes: u64) -> bool {
        self.kernel.hold(self.pid, bytes)
    }

    /// The machine beneath.
    pub fn hardware(&self) -> &Hardware {
        self.kernel.hardware()
    }

    /// What is mounted.
    pub fn volumes(&self) -> Vec<Volume> {
        self.kernel.volumes()
    }

    /// How the machine's memory is used.
    pub fn free_memory(&self) -> Memory {
        self.kernel.free_memory()
    }

    /// Sends a signal to a process group.
    ///
    /// # Errors
    /// When it has no members.
    pub fn kill_group(&mut self, group: Pid, signal: Signal) -> Result<(), Errno> {
        if self.kernel.send_signal_to_group(group, signal) { Ok(()) } else { Err(Errno::NoProcess) }
    }

    /// Whether a process exists and lives.
    pub fn alive(&self, pid: Pid) -> bool {
        self.kernel.processes.get(&pid).is_some_and(|process| !matches!(process.state, State::Zombie(_)))
    }

    /// Ignores a signal from now on, or no longer; children inherit it.
    pub fn ignore(&mut self, signal: Signal, ignore: bool) {
        if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
            if ignore {
                process.ignored.insert(signal);
            } else {
                process.ignored.remove(&signal);
            }
        }
    }

    /// Sets the words that `ps` shows.
    pub fn set_args(&mut self, argv: Vec<String>) {
        if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
            process.argv = Arc::new(argv);
        }
    }

    /// The processes, for `ps`.
    pub(crate) fn processes(&self) -> Vec<ProcessInfo> {
        self.kernel.process_list()
    }

    /// The name of the command that a process runs.
    pub fn command_of(&self, pid: Pid) -> Option<String> {
        self.kernel.command_of(pid).map(str::to_owned)
    }

    /// Sets the machine's name.
    pub fn set_hostname(&mut self, name: &str) {
        self.kernel.hostname = name.to_owned();
    }
}
