//! How containers' processes go on, and end.

use drydock_api::StreamId;
use drydock_shell::Signal;
use drydock_value::Time;

use super::host::PodHost;
use super::{Container, MachineWake, Outcome, Runtime, State};
use crate::ctx::Ctx;
use crate::queue::Event;

/// Fuel of one slice.
const SLICE_FUEL: u32 = 2000;
/// What a termination message may hold.
const MESSAGE_MAX: usize = 4096;

impl Runtime {
    /// Queues a wake of a container's processes, unless an earlier one is queued.
    pub(super) fn wake(&mut self, number: u64, at: Time, ctx: &mut Ctx<'_>) {
        let node = self.node;
        let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) else { return };
        let at = at.max(ctx.now);
        if machine.wake_at >= ctx.now && machine.wake_at <= at && machine.wake_at != Time::default() {
            return;
        }
        machine.wake_at = at;
        ctx.queue.at(at, Event::Machine(MachineWake { node, container: number }));
    }

    /// Lets a container's processes go on.
    pub fn run(&mut self, number: u64, ctx: &mut Ctx<'_>) -> Vec<Outcome> {
        let now = ctx.now;
        if let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) {
            if machine.wake_at <= now {
                machine.wake_at = Time::default();
            }
            if machine.busy_until > now {
                let until = machine.busy_until;
                self.wake(number, until, ctx);
                return Vec::new();
            }
        }
        self.run_at(number, now, ctx)
    }

    /// Lets a container's processes go on as at a moment.
    pub(super) fn run_at(&mut self, number: u64, now: Time, ctx: &mut Ctx<'_>) -> Vec<Outcome> {
        let node = self.node;
        let seen = self.seen_by(number);
        let Some(container) = self.containers.get_mut(&number) else { return Vec::new() };
        let Some(mut machine) = container.machine.take() else { return Vec::new() };
        let mut log = std::mem::take(&mut container.log);
        let config = container.config.clone();
        let Some(sandbox) = self.sandboxes.get(&container.sandbox) else { return Vec::new() };
        let (place, names) = (sandbox.place, sandbox.names.clone());
        if let Some(seen) = seen {
            machine.kernel.show(seen);
        }
        let roots = self.lend_roots(number, &mut machine.kernel);
        let files_before = self.lend(&config, &mut machine.kernel);
        let mut outcomes = Vec::new();
        let mut fuel = SLICE_FUEL;
        let mut activity;
        loop {
            machine.feed();
            let mut random = machine.random;
            let mut host = PodHost {
                ctx: &mut *ctx,
                place,
                owner: number,
                wake: Event::Machine(MachineWake { node, container: number }),
                names: &names,
                random: &mut random,
            };
            activity = machine.kernel.run(now, fuel, &mut host);
            machine.random = random;
            fuel = fuel.saturating_sub(activity.used.max(1));
            let printed = machine.collect(&mut log, ctx.streams, now);
            machine.finish(ctx.streams, &mut outcomes);
            // What was taken made room: whoever waited for it goes on, until there is nothing more or the slice is over.
            if !printed || activity.runnable || fuel == 0 || machine.kernel.status(machine.main).is_some() {
                break;
            }
        }
        activity.used = SLICE_FUEL - fuel;
        if let Some(before) = files_before {
            machine.charge_files(before);
        }
        self.fills_disk |= machine.fills_disk();
        let held = machine.memory();
        let ended = machine.kernel.status(machine.main);
        let mut ending = None;
        if let Some(code) = ended {
            while machine.collect(&mut log, ctx.streams, now) {}
            log.finish();
            let message = machine.kernel.files_ref().read_text(&config.message_path).unwrap_or_default();
            ending = Some((code, message, machine.kernel.out_of_memory()));
            machine.finish(ctx.streams, &mut outcomes);
            machine.shut(code, ctx.streams, &mut outcomes);
        }
        self.take_back(&config, &mut machine.kernel);
        self.take_back_roots(roots, &mut machine.kernel);
        let sent = machine.kernel.take_signals();
        let share = if activity.runnable { self.processor_share(number, activity.busy, ctx.now) } else { 1000 };
        let next = machine.next_wake(&activity, ctx.now, share);
        self.set_memory(number, held);
        let Some(container) = self.containers.get_mut(&number) else { return outcomes };
        container.log = log;
        self.pass_signals(number, sent, ctx);
        match ending {
            Some((code, message, oom)) => {
                self.ended(number, code, message, oom, now, ctx);
                outcomes.push(Outcome::Ended(code));
            }
            None => {
                let Some(container) = self.containers.get_mut(&number) else { return outcomes };
                container.machine = Some(machine);
                if let Some(at) = next {
                    self.wake(number, at, ctx);
                }
            }
        }
        outcomes
    }

    /// Notes that a container's main process has ended.
    pub(super) fn ended(&mut self, number: u64, code: i32, message: String, oom: bool, now: Time, ctx: &mut Ctx<'_>) {
        self.set_memory(number, 0);
        let Some(container) = self.containers.get_mut(&number) else { return };
        container.state = State::Exited;
        container.finished = now.max(container.started);
        container.exit_code = if oom { 137 } else { code };
        container.reason = match container.exit_code {
            _ if oom => "OOMKilled",
            0 => "Completed",
            _ => "Error",
        };
        container.message = message;
        if container.message.is_empty() && container.config.message_from_log && code != 0 {
            container.message = container.log.ending();
        }
        if let Some((end, _)) = container.message.char_indices().nth(MESSAGE_MAX) {
            container.message.truncate(end);
        }
        if let Some(sandbox) = self.sandboxes.get(&container.sandbox) {
            ctx.network.close_all(sandbox.place, number, ctx.now, ctx.queue);
            let own = Event::Machine(MachineWake { node: self.node, container: number });
            ctx.streams.inside.leave(&own, ctx.now, ctx.queue);
        }
    }

    /// Sends a container's main process a signal.
    pub fn signal(&mut self, number: u64, signal: Signal, ctx: &mut Ctx<'_>) -> Vec<Outcome> {
        let Some(container) = self.containers.get(&number).filter(|container| container.running()) else {
            return Vec::new();
        };
        if container.machine.is_none() {
            // An idle server without a machine has nothing to say to a kill.
            let code = 128 + signal.number();
            self.ended(number, code, String::new(), false, ctx.now, ctx);
            return vec![Outcome::Ended(code)];
        }
        if let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) {
            let main = machine.main;
            machine.kernel.signal(main, signal);
            machine.busy_until = Time::default();
        }
        self.run_at(number, ctx.now, ctx)
    }

    /// The machine loses its power: everything that runs is gone, and nobody knows how it ended.
    pub fn lose_power(&mut self, ctx: &mut Ctx<'_>) {
        let running: Vec<u64> =
            self.containers.iter().filter(|(_, c)| c.running()).map(|(number, _)| *number).collect();
        for number in running {
            self.signal(number, Signal::Kill, ctx);
            if let Some(container) = self.containers.get_mut(&number) {
                (container.exit_code, container.reason) = (255, "Unknown");
            }
        }
    }

    /// Attaches a stream to a running container's main process.
    pub fn attach(&mut self, number: u64, stream: StreamId, stdin: bool) -> bool {
        match self.containers.get_mut(&number) {
            Some(Container { machine: Some(machine), .. }) => {
                machine.attached.push((stream, stdin));
                true
            }
            _ => false,
        }
    }

    /// Takes a stream off a container: one that is attached, or one that an exec's process prints to. The process goes
    /// on; its terminal hangs up.
    pub fn detach(&mut self, number: u64, stream: StreamId, session: Option<u64>, ctx: &mut Ctx<'_>) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        let Some(machine) = &mut container.machine else { return };
        match session {
            None => {
                let typed = machine.attached.iter().any(|(attached, typing)| *attached == stream && *typing);
                machine.attached.retain(|(attached, _)| *attached != stream);
                if typed && container.config.stdin_once && !container.config.tty {
                    machine.input_ended = true;
                }
            }
            Some(session) => {
                if let Some(session) = machine.sessions.get_mut(&session) {
                    session.input_ended = true;
                    if let Some(tty) = session.tty {
                        machine.kernel.close_tty(tty);
                    }
                }
            }
        }
        self.wake(number, ctx.now, ctx);
    }

    /// Kills the process of a session (a probe that took too long).
    pub fn kill_session(&mut self, number: u64, session: u64, ctx: &mut Ctx<'_>) {
        if let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) {
            if let Some(gone) = machine.sessions.remove(&session) {
                machine.kernel.signal(gone.pid, Signal::Kill);
                machine.kernel.reap(gone.pid);
            }
            self.wake(number, ctx.now, ctx);
        }
    }

    /// Types for a process: a session's, or the main one.
    pub fn type_bytes(&mut self, number: u64, session: Option<u64>, bytes: &[u8], ctx: &mut Ctx<'_>) {
        if let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) {
            machine.type_bytes(session, bytes);
            self.wake(number, ctx.now, ctx);
        }
    }

    /// Changes the size of a process's terminal.
    pub fn resize(&mut self, number: u64, session: Option<u64>, columns: u16, rows: u16, ctx: &mut Ctx<'_>) {
        if let Some(Container { machine: Some(machine), .. }) = self.containers.get_mut(&number) {
            let tty = match session {
                None => machine.tty,
                Some(session) => machine.sessions.get(&session).and_then(|session| session.tty),
            };
            if let Some(tty) = tty {
                machine.kernel.resize(tty, columns, rows);
                self.wake(number, ctx.now, ctx);
            }
        }
    }

    /// Lets the processes of a container go on that wait for room in a client's stream.
    pub fn nudge(&mut self, number: u64, ctx: &mut Ctx<'_>) {
        self.wake(number, ctx.now, ctx);
    }
}
