//! The scheduler, signals and exits.

use std::sync::Arc;

use drydock_api::StreamId;
use drydock_sorted::Sort;
use drydock_value::Time;

use super::files::command_name;
use super::process::{Process, State};
use super::{Disposition, FUEL_MICROS, Kernel, Pid, Signal, Step, Sys, TtyId, Wait};
use crate::{EditId, Errno, Host, SocketId, User};

/// Steps of one process before the next has its turn.
const TURN_STEPS: u32 = 64;
/// What a process may print in one step and not get rid of; more ends it, since memory has an end.
const PENDING_BYTES_MAX: usize = 16 << 20;

/// The parent of a process whose parent has ended: nobody asks how it ended.
pub(super) const ORPHAN: Pid = Pid::MAX;

/// Added to the exit code of a process that a signal has ended.
pub(super) const KILLED: i32 = 0x100;

/// The exit code that a signal's victim has, with the mark that it is one.
pub(super) fn killed_by(signal: Signal) -> i32 {
    KILLED | (128 + signal.number())
}

/// The number of the first process of a container that shares its processes with nobody.
const FIRST: Pid = 1;

/// What a run did, and what could wake the machine again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// Fuel used. The owner turns it into simulated time, so that busy programs take some.
    pub used: u32,
    /// Whether the fuel ran out before the work did.
    pub runnable: bool,
    /// How many processes could go on at once then.
    pub busy: u32,
    /// The next moment that a process waits for.
    pub wake: Option<Time>,
    /// API streams that processes wait for.
    pub streams: Vec<StreamId>,
    /// Sockets that processes wait for.
    pub sockets: Vec<SocketId>,
    /// Edits that processes wait for.
    pub edits: Vec<EditId>,
}

/// What `ps` shows of a process.
#[derive(Debug, Clone)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: Pid,
    /// Its parent's.
    pub parent: Pid,
    /// Its group's.
    pub group: Pid,
    /// Whose it is.
    pub user: User,
    /// Its terminal.
    pub tty: Option<TtyId>,
    /// When it began.
    pub started: Time,
    /// Microseconds of processor time.
    pub used: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// `R`, `S` or `Z`.
    pub state: char,
    /// Its words.
    pub argv: Arc<Vec<String>>,
}

impl Kernel {
    /// Lets the processes go on until all wait or the fuel is used up. A step costs one unit, and more when the program
    /// says so.
    pub fn run(&mut self, now: Time, fuel: u32, host: &mut dyn Host) -> Activity {
        self.now = self.now.max(now);
        self.files.set_time(self.now);
        let mut left = fuel;
        loop {
            let mut progress = false;
            let mut pids: Vec<Pid> = self.processes.keys().copied().collect();
            let split = pids.partition_point(|pid| *pid < self.turn);
            pids.rotate_left(split);
            for pid in pids {
                if left == 0 {
                    self.turn = pid;
                    break;
                }
                progress |= self.turn_of(pid, &mut left, host);
            }
            if !progress || left == 0 {
                break;
            }
        }
        self.activity(fuel - left, left == 0, host)
    }

    /// Whether any process could go on now.
    pub fn ready(&self, now: Time, host: &mut dyn Host) -> bool {
        self.processes.iter().any(|(pid, process)| {
            !process.signals.is_empty()
                || match (&process.state, process.pending.front()) {
                    (State::Zombie(_), _) => false,
                    (_, Some((description, _))) => self.writable(*description),
                    (State::Waiting(wait), None) => self.awake(*pid, wait, now, host),
                    _ => true,
                }
        })
    }

    fn activity(&self, used: u32, exhausted: bool, host: &mut dyn Host) -> Activity {
        let mut activity = Activity { used, ..Activity::default() };
        activity.runnable = exhausted && self.ready(self.now, host);
        if activity.runnable {
            let busy = self.processes.values().filter(|process| process.state == State::Runnable).count();
            activity.busy = u32::try_from(busy).unwrap_or(u32::MAX).max(1);
        }
        for process in self.processes.values() {
            let State::Waiting(wait) = &process.state else { continue };
            if !process.pending.is_empty() {
                continue;
            }
            activity.wake = match (activity.wake, wait.until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            activity.streams.extend(&wait.streams);
            activity.sockets.extend(&wait.sockets);
            activity.edits.extend(&wait.edits);
        }
        activity
    }

    fn awake(&self, pid: Pid, wait: &Wait, now: Time, host: &mut dyn Host) -> bool {
        wait.until.is_some_and(|until| until <= now)
            || wait.read.iter().any(|fd| self.readable(pid, *fd))
            || wait.write.iter().any(|fd| self.description_of(pid, *fd).is_ok_and(|id| self.writable(id)))
            || (wait.child && self.has_zombie(pid))
            || wait.streams.iter().any(|stream| host.api().ready(*stream))
            || wait.sockets.iter().any(|socket| host.socket_ready(*socket))
            || wait.edits.iter().any(|edit| host.edit_done(*edit).is_some())
    }

    fn has_zombie(&self, parent: Pid) -> bool {
        self.processes.values().any(|process| process.parent == parent && matches!(process.state, State::Zombie(_)))
    }

    /// One process's turn: signals, output that waits, then steps. Whether anything happened.
    fn turn_of(&mut self, pid: Pid, left: &mut u32, host: &mut dyn Host) -> bool {
        let mut progress = self.deliver(pid, host);
        let Some(process) = self.processes.get(&pid) else { return progress };
        if matches!(process.state, State::Zombie(_)) {
            return progress;
        }
        if !process.pending.is_empty() {
            progress |= self.flush(pid);
        }
        for _ in 0..TURN_STEPS {
            let Some(process) = self.processes.get(&pid) else { return true };
            if *left == 0 || !process.pending.is_empty() || !process.signals.is_empty() {
                break;
            }
            match &process.state {
                State::Zombie(_) => break,
                State::Ending(code) => {
                    let code = *code;
                    self.end(pid, code);
                    return true;
                }
                State::Waiting(wait) if !self.awake(pid, wait, self.now, host) => break,
                _ => {}
            }
            progress = true;
            let Some(process) = self.processes.get_mut(&pid) else { return true };
            process.state = State::Runnable;
            let Some(mut program) = process.program.take() else { break };
            self.files.act_within(process.user, process.root);
            let mut sys = Sys::new(self, host, pid);
            let step = program.step(&mut sys);
            let (charge, replacement) = sys.finish();
            self.files.act_as(User::ROOT);
            *left = left.saturating_sub(1 + charge);
            let Some(process) = self.processes.get_mut(&pid) else { return true };
            process.used += u64::from(1 + charge);
            self.fuel_used += u64::from(1 + charge);
            if matches!(process.state, State::Zombie(_)) {
                return true;
            }
            process.program = Some(replacement.unwrap_or(program));
            if process.pending.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > PENDING_BYTES_MAX {
                self.end(pid, killed_by(Signal::Kill));
                return true;
            }
            match step {
                Step::Continue => {}
                Step::Wait(wait) => process.state = State::Waiting(wait),
                Step::Exit(code) => process.state = State::Ending(code & 0xff),
            }
        }
        progress
    }

    /// Delivers a process's signals. Whether there were any.
    fn deliver(&mut self, pid: Pid, host: &mut dyn Host) -> bool {
        let mut any = false;
        while let Some(process) = self.processes.get_mut(&pid) {
            if matches!(process.state, State::Zombie(_)) {
                process.signals.clear();
            }
            let Some(signal) = process.signals.pop_front() else { break };
            any = true;
            if process.ignored.contains(&signal) && signal != Signal::Kill {
                continue;
            }
            let disposition = match process.program.take() {
                Some(mut program) if signal != Signal::Kill && !matches!(process.state, State::Ending(_)) => {
                    self.files.act_within(process.user, process.root);
                    let mut sys = Sys::new(self, host, pid);
                    let disposition = program.signal(signal, &mut sys);
                    sys.finish();
                    self.files.act_as(User::ROOT);
                    match self.processes.get_mut(&pid) {
                        Some(process) if !matches!(process.state, State::Zombie(_)) => process.program = Some(program),
                        _ => return true,
                    }
                    disposition
                }
                program => {
                    process.program = program;
                    Disposition::Default
                }
            };
            let Some(process) = self.processes.get_mut(&pid) else { break };
            match disposition {
                Disposition::Handled => {
                    if matches!(process.state, State::Waiting(_)) {
                        process.state = State::Runnable;
                    }
                }
                Disposition::Ignored => {}
                // The first process of all is spared what it does not handle.
                Disposition::Default if signal.harmless_by_default() || process.init && pid == FIRST => {}
                Disposition::Default => self.end(pid, killed_by(signal)),
            }
        }
        any
    }

    /// Writes what a process has printed and could not write yet. Whether any of it went.
    fn flush(&mut self, pid: Pid) -> bool {
        let mut progress = false;
        loop {
            let Some(process) = self.processes.get_mut(&pid) else { return true };
            let Some((id, mut bytes)) = process.pending.pop_front() else { return progress };
            match self.write_description(id, &bytes) {
                Ok(taken) if taken == bytes.len() => {
                    progress = true;
                    self.release(id);
                }
                Ok(taken) => {
                    bytes.drain(..taken);
                    if let Some(process) = self.processes.get_mut(&pid) {
                        process.pending.push_front((id, bytes));
                    }
                    return progress | (taken > 0);
                }
                Err(error) => {
                    progress = true;
                    self.release(id);
                    self.write_failed(pid, error);
                }
            }
        }
    }

    /// What a failed write does to a process: a broken pipe is a signal, as always; anything else is lost silently.
    pub(super) fn write_failed(&mut self, pid: Pid, error: Errno) {
        if error == Errno::Pipe
            && let Some(process) = self.processes.get_mut(&pid)
        {
            process.signals.push_back(Signal::Pipe);
        }
    }

    /// Ends a process: its files are closed, its children are orphans, its parent may learn of it.
    pub(super) fn end(&mut self, pid: Pid, code: i32) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        if matches!(process.state, State::Zombie(_)) {
            return;
        }
        process.state = State::Zombie(code);
        process.program = None;
        process.memory = 0;
        let init = process.init;
        let parent = process.parent;
        let fds = std::mem::take(&mut process.fds);
        let pending = std::mem::take(&mut process.pending);
        let group = process.group;
        for id in fds.into_values().chain(pending.into_iter().map(|(id, _)| id)) {
            self.release(id);
        }
        let children: Vec<Pid> =
            self.processes.iter().filter(|(_, child)| child.parent == pid).map(|(pid, _)| *pid).collect();
        for child in children {
            if let Some(process) = self.processes.get_mut(&child) {
                process.parent = ORPHAN;
                if matches!(process.state, State::Zombie(_)) {
                    self.forget(child);
                }
            }
        }
        match self.processes.get_mut(&parent) {
            Some(parent) if parent.program.is_some() || !matches!(parent.state, State::Zombie(_)) => {
                parent.signals.push_back(Signal::Chld);
            }
            _ => {
                self.forget(pid);
                if parent != ORPHAN {
                    self.exits.insert(pid, code & 0xff);
                }
            }
        }
        // A terminal whose foreground is gone belongs to whoever reads next.
        if !self.processes.values().any(|process| process.group == group && !matches!(process.state, State::Zombie(_)))
        {
            for tty in self.ttys.values_mut().filter(|tty| tty.foreground == Some(group)) {
                tty.foreground = None;
            }
        }
        if init {
            let others: Vec<Pid> = self.processes.keys().copied().collect();
            for other in others {
                self.end(other, killed_by(Signal::Kill));
            }
        }
    }

    /// Sends a signal to a process.
    pub(super) fn send_signal(&mut self, pid: Pid, signal: Signal) -> Result<(), Errno> {
        let process = self.processes.get_mut(&pid).ok_or(Errno::NoProcess)?;
        if signal == Signal::Kill {
            if !(process.init && pid == FIRST) {
                self.end(pid, killed_by(Signal::Kill));
            }
        } else {
            process.signals.push_back(signal);
        }
        Ok(())
    }

    /// Sends a signal to a process group. Whether it has any members.
    pub(super) fn send_signal_to_group(&mut self, group: Pid, signal: Signal) -> bool {
        let pids: Vec<Pid> =
            self.processes.iter().filter(|(_, process)| process.group == group).map(|(pid, _)| *pid).collect();
        for pid in &pids {
            let _ = self.send_signal(*pid, signal);
        }
        !pids.is_empty()
    }

    /// The processes that can be seen, for `ps`: its own, and those that it was shown.
    pub(crate) fn process_list(&self) -> Vec<ProcessInfo> {
        let mut all = self.own_processes();
        all.extend(self.neighbours.iter().cloned());
        all.sort_compact_by_key(|process| process.pid);
        all
    }

    /// Shows it processes of machines that share its numbers of processes, until the next time.
    pub fn show(&mut self, neighbours: Vec<ProcessInfo>) {
        self.neighbours = neighbours;
    }

    /// Takes the signals that its processes have sent to those.
    pub fn take_signals(&mut self) -> Vec<(Pid, Signal)> {
        std::mem::take(&mut self.sent)
    }

    /// Its processes.
    pub fn own_processes(&self) -> Vec<ProcessInfo> {
        let info = |(pid, process): (&Pid, &Process)| ProcessInfo {
            pid: *pid,
            parent: process.parent,
            group: process.group,
            user: process.user,
            tty: process.tty,
            started: process.started,
            used: process.used * FUEL_MICROS,
            memory: process.memory + self.own_size(*pid),
            state: match process.state {
                State::Zombie(_) => 'Z',
                State::Waiting(_) => 'S',
                _ => 'R',
            },
            argv: Arc::clone(&process.argv),
        };
        self.processes.iter().map(info).collect()
    }

    /// The command name of a process, as the kernel knows it.
    pub(crate) fn command_of(&self, pid: Pid) -> Option<&str> {
        self.processes.get(&pid).map(|process| command_name(&process.argv))
    }
}
