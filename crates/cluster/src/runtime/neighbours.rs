//! Containers that see each other's processes: those of a pod that shares them, and one that was put beside another to look
//! at it. Each has a machine of its own all the same; what a machine sees of the others is shown to it before it goes on, and
//! the signals that it sends them are passed on after.

use std::sync::Arc;

use drydock_shell::{Pid, ProcessInfo, User};

use super::{Container, Runtime};
use crate::ctx::Ctx;

/// The number of the first process of a container beside others; the sandbox's own has the number 1.
const FIRST: Pid = 7;
/// How many numbers each container has.
const EACH: Pid = 1000;

impl Runtime {
    /// The running containers whose processes a container sees.
    fn neighbours(&self, number: u64) -> Vec<u64> {
        let Some(own) = self.containers.get(&number) else { return Vec::new() };
        let all = self.sandboxes.get(&own.sandbox).is_some_and(|sandbox| sandbox.shares_processes);
        let sees = |other: &Container| {
            let name = |one: &Container, other: &Container| one.config.target.as_ref() == Some(&other.config.name);
            all || name(own, other) || name(other, own)
        };
        let here = self
            .containers
            .iter()
            .filter(|(id, other)| **id != number && other.running() && other.sandbox == own.sandbox && sees(other));
        here.map(|(id, _)| *id).collect()
    }

    /// The number of a container's first process.
    pub(super) fn first_process(&self, number: u64) -> Pid {
        let Some(own) = self.containers.get(&number) else { return 1 };
        let all = self.sandboxes.get(&own.sandbox).is_some_and(|sandbox| sandbox.shares_processes);
        if !all && own.config.target.is_none() {
            return 1;
        }
        let before = self.containers.range(..number).filter(|(_, other)| other.sandbox == own.sandbox).count();
        FIRST + EACH * Pid::try_from(before).unwrap_or(0)
    }

    /// What a container that is about to go on sees of others; none when it sees nobody.
    pub(super) fn seen_by(&self, number: u64) -> Option<Vec<ProcessInfo>> {
        let own = self.containers.get(&number)?;
        let sandbox =
            self.sandboxes.get(&own.sandbox).filter(|sandbox| sandbox.shares_processes || sandbox.looked_into)?;
        let mut seen = Vec::new();
        if sandbox.shares_processes {
            seen.push(idle(1, own, vec!["/pause".into()], User { uid: 65_535, gid: 65_535 }));
        }
        for id in self.neighbours(number) {
            let Some(other) = self.containers.get(&id) else { continue };
            match &other.machine {
                Some(machine) => seen.extend(machine.kernel.own_processes()),
                // Nobody has looked at it yet: its main process waits.
                None => seen.push(idle(self.first_process(id), other, other.config.argv.clone(), User::ROOT)),
            }
        }
        Some(seen)
    }

    /// Passes on the signals that a container's processes have sent to others'.
    pub(super) fn pass_signals(&mut self, number: u64, sent: Vec<(Pid, drydock_shell::Signal)>, ctx: &mut Ctx<'_>) {
        for (pid, signal) in sent {
            for id in self.neighbours(number) {
                let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&id) else { continue };
                if machine.kernel.own_processes().iter().any(|process| process.pid == pid) {
                    machine.kernel.signal(pid, signal);
                    self.wake(id, ctx.now, ctx);
                }
            }
        }
    }
}

/// A process that waits.
fn idle(pid: Pid, of: &Container, argv: Vec<String>, user: User) -> ProcessInfo {
    ProcessInfo {
        pid,
        parent: 0,
        group: pid,
        user,
        tty: None,
        started: of.started,
        used: 0,
        memory: 1 << 20,
        state: 'S',
        argv: Arc::new(argv),
    }
}
