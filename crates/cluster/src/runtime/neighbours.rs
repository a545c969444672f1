//! Containers that see each other's processes: those of a pod that shares them, and one that was put beside another to look
//! at it. Those of pods with `hostPID`, and a shell on the node, see all of the machine's. Each has a machine of its own all the same; what a machine sees of the others is shown to it before it goes on, and
//! the signals that it sends them are passed on after.

use std::sync::Arc;

use drydock_shell::{Kernel, Pid, ProcessInfo, Signal, User};
use drydock_sorted::Sort;
use drydock_value::Time;

use super::{Container, Runtime, Sandbox};
use crate::ctx::Ctx;

/// The number of the first process of a container beside others; the sandbox's own has the number 1.
const FIRST: Pid = 7;
/// The user of sandboxes' own processes.
const PAUSE: User = User { uid: 65_535, gid: 65_535 };
/// How many numbers each container has.
const EACH: Pid = 1000;

/// The number that a process of a container, or of a sandbox, has in the machine's own count.
fn on_host(number: u64, pid: Pid) -> Pid {
    // Numbers end where Linux begins anew.
    let number = (number % 4000) as Pid + 2;
    number * EACH + pid % EACH
}

impl Runtime {
    fn sandbox_of(&self, container: u64) -> Option<&Sandbox> {
        self.sandboxes.get(&self.containers.get(&container)?.sandbox)
    }

    /// Whether a container sees all processes of the machine.
    pub fn sees_host(&self, number: u64) -> bool {
        self.sandbox_of(number).is_some_and(|sandbox| sandbox.sees_host)
    }

    /// The running containers whose processes a container sees.
    fn neighbours(&self, number: u64) -> Vec<u64> {
        let Some(own) = self.containers.get(&number) else { return Vec::new() };
        let host = self.sees_host(number);
        let all = self.sandboxes.get(&own.sandbox).is_some_and(|sandbox| sandbox.shares_processes);
        let sees = |other: &Container| {
            let name = |one: &Container, other: &Container| one.config.target.as_ref() == Some(&other.config.name);
            host || other.sandbox == own.sandbox && (all || name(own, other) || name(other, own))
        };
        let here = self.containers.iter().filter(|(id, other)| **id != number && other.running() && sees(other));
        here.map(|(id, _)| *id).collect()
    }

    /// The number of a container's first process.
    pub(super) fn first_process(&self, number: u64) -> Pid {
        let Some(own) = self.containers.get(&number) else { return 1 };
        if self.sees_host(number) {
            return on_host(number, 1);
        }
        let all = self.sandboxes.get(&own.sandbox).is_some_and(|sandbox| sandbox.shares_processes);
        if !all && own.config.target.is_none() {
            return 1;
        }
        let before = self.containers.range(..number).filter(|(_, other)| other.sandbox == own.sandbox).count();
        FIRST + EACH * Pid::try_from(before).unwrap_or(0)
    }

    /// The processes of a container as it counts them itself.
    fn processes(&self, number: u64) -> Vec<ProcessInfo> {
        let Some(container) = self.containers.get(&number) else { return Vec::new() };
        match &container.machine {
            Some(machine) => machine.kernel.own_processes(),
            // Nobody has looked at it yet: its main process waits.
            None => {
                let mut argv = container.config.argv.clone();
                // Such scripts end by becoming what they are given.
                if argv.len() > 1 && argv.first().is_some_and(|word| word.ends_with("docker-entrypoint.sh")) {
                    argv.remove(0);
                }
                vec![idle(self.first_process(number), container.started, argv, User::ROOT)]
            }
        }
    }

    /// What a container that is about to go on sees of others; none when it sees nobody.
    pub(super) fn seen_by(&self, number: u64) -> Option<Vec<ProcessInfo>> {
        let sandbox = self.sandbox_of(number)?;
        if sandbox.sees_host {
            return Some(self.all_processes(number));
        }
        if !sandbox.shares_processes && !sandbox.looked_into {
            return None;
        }
        let mut seen = Vec::new();
        if sandbox.shares_processes {
            seen.push(idle(1, self.containers.get(&number)?.started, vec!["/pause".into()], PAUSE));
        }
        seen.extend(self.neighbours(number).into_iter().flat_map(|id| self.processes(id)));
        Some(seen)
    }

    /// All processes of the machine but a container's own.
    fn all_processes(&self, number: u64) -> Vec<ProcessInfo> {
        let system = self.system.iter();
        let mut seen: Vec<ProcessInfo> =
            system.map(|(pid, since, argv)| idle(*pid, *since, argv.clone(), User::ROOT)).collect();
        let mut sandboxes = Vec::new();
        for id in self.neighbours(number).into_iter().chain([number]) {
            let Some(container) = self.containers.get(&id) else { continue };
            // A container of no pod has no pause process beside it.
            if container.pod != 0 && !sandboxes.contains(&container.sandbox) {
                sandboxes.push(container.sandbox);
                let pid = on_host(container.sandbox, 1);
                seen.push(idle(pid, container.started, vec!["/pause".into()], PAUSE));
            }
            let others = if id == number { Vec::new() } else { self.processes(id) };
            for mut process in others {
                process.pid = on_host(id, process.pid);
                process.group = on_host(id, process.group);
                process.parent = if process.parent == 0 { 1 } else { on_host(id, process.parent) };
                process.tty = None;
                seen.push(process);
            }
        }
        seen.sort_compact_by_key(|process| process.pid);
        seen
    }

    /// Shows a container the root file systems of those whose processes it sees; whose, and under which process.
    pub(super) fn lend_roots(&mut self, number: u64, kernel: &mut Kernel) -> Vec<(u64, Pid)> {
        let near = self.sandbox_of(number).is_some_and(|sandbox| sandbox.shares_processes || sandbox.looked_into);
        let neighbours = if near && !self.sees_host(number) { self.neighbours(number) } else { Vec::new() };
        let mut lent = Vec::new();
        for id in neighbours {
            let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&id) else { continue };
            if let Some(fs) = machine.kernel.files().take("/") {
                kernel.show_root(machine.main, fs);
                lent.push((id, machine.main));
            }
        }
        lent
    }

    /// Takes those back, with what was done to them.
    pub(super) fn take_back_roots(&mut self, lent: Vec<(u64, Pid)>, kernel: &mut Kernel) {
        for (id, pid) in lent {
            let fs = kernel.take_root(pid);
            if let (Some(fs), Some(Container { machine: Some(machine), .. })) = (fs, self.containers.get_mut(&id)) {
                machine.kernel.files().put("/", fs);
            }
        }
    }

    /// Passes on the signals that a container's processes have sent to others'.
    pub(super) fn pass_signals(&mut self, number: u64, sent: Vec<(Pid, Signal)>, ctx: &mut Ctx<'_>) {
        let host = self.sees_host(number);
        for (pid, signal) in sent {
            for id in self.neighbours(number) {
                let found = self.processes(id).into_iter().find(|process| match host {
                    true => on_host(id, process.pid) == pid,
                    false => process.pid == pid,
                });
                let (Some(process), Some(container)) = (found, self.containers.get_mut(&id)) else { continue };
                match &mut container.machine {
                    Some(machine) => {
                        machine.kernel.signal(process.pid, signal);
                        self.wake(id, ctx.now, ctx);
                    }
                    None => self.unheard.push((id, signal)),
                }
            }
        }
    }

    /// The containers whose main processes were sent a signal while nobody had looked at them yet.
    pub fn take_unheard(&mut self) -> Vec<(u64, Signal)> {
        std::mem::take(&mut self.unheard)
    }

    /// Sends a signal to a container's main process.
    pub fn signal_main(&mut self, number: u64, signal: Signal, ctx: &mut Ctx<'_>) {
        if let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) {
            let main = machine.main;
            machine.kernel.signal(main, signal);
            self.wake(number, ctx.now, ctx);
        }
    }
}

/// A process that waits.
fn idle(pid: Pid, started: Time, argv: Vec<String>, user: User) -> ProcessInfo {
    ProcessInfo {
        pid,
        parent: 0,
        group: pid,
        user,
        tty: None,
        started,
        used: 0,
        memory: 1 << 20,
        state: 'S',
        argv: Arc::new(argv),
    }
}
