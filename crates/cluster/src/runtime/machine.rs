//! The processes of a container: its main one, and those of exec, probes and hooks.

use drydock_sorted::SortedMap;
use std::collections::VecDeque;

use drydock_api::{StreamId, channel};
use drydock_shell::{Activity, Backing, FUEL_MICROS, Fs, Kernel, Pid, PipeId, TtyId};
use drydock_value::Time;

use super::log::{Log, Output};
use crate::streams::Streams;

/// What an exec's output may grow to when nobody but the kubelet reads it.
const KUBELET_OUTPUT_MAX: usize = 10 << 10;
/// How many bytes more on the disk somebody is told of.
const WORTH_A_LOOK: u64 = 256 << 20;
/// What clients typed ahead and no process has read.
const INPUT_MAX: usize = 1 << 20;

/// Who reads what a process prints, and learns how it ended.
#[derive(Debug, Clone)]
pub enum Sink {
    /// A client's stream.
    Stream(StreamId),
    /// The kubelet: a probe or a hook.
    Kubelet {
        /// What it is for.
        token: Token,
        /// Both outputs.
        output: Vec<u8>,
    },
}

/// What a kubelet runs a process for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A probe of a pod, by its place in the list of probes.
    Probe(u64, u16),
    /// A hook after the start of a pod's container, by the container's place.
    PostStart(u64, u16),
    /// A hook before its end.
    PreStop(u64, u16),
}

/// A process beside the main one.
#[derive(Debug, Clone)]
pub struct Session {
    /// The process.
    pub pid: Pid,
    /// Its input.
    pub stdin: Option<PipeId>,
    /// Its output.
    pub stdout: Option<PipeId>,
    /// Its error output.
    pub stderr: Option<PipeId>,
    /// Its terminal.
    pub tty: Option<TtyId>,
    /// Who reads.
    pub sink: Sink,
    /// What was typed and not taken yet.
    pub typed: VecDeque<u8>,
    /// Whether nothing more is typed.
    pub input_ended: bool,
}

/// What a run of a machine brought about.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The main process ended.
    Ended(i32),
    /// A process of the kubelet's ended: exit code and output.
    Finished(Token, i32, Vec<u8>),
}

/// The processes of a container.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The machine.
    pub kernel: Kernel,
    /// The main process.
    pub main: Pid,
    /// Its input, when it has one.
    pub stdin: Option<PipeId>,
    /// Its outputs.
    pub outputs: Option<(PipeId, PipeId)>,
    /// Its terminal, when it has one.
    pub tty: Option<TtyId>,
    /// What was typed for the main process and not taken yet.
    pub typed: VecDeque<u8>,
    /// Whether nothing more is typed for the main process.
    pub input_ended: bool,
    /// Who is attached to the main process, and whether it types.
    pub attached: Vec<(StreamId, bool)>,
    /// The other processes, by number.
    pub sessions: SortedMap<u64, Session>,
    /// The number of the last session.
    pub last_session: u64,
    /// Until when its processor time is used up.
    pub busy_until: Time,
    /// How many processors it kept busy in its last slice.
    pub busy: u32,
    /// Bytes of files in memory that its processes wrote.
    pub files_in_memory: u64,
    /// Bytes that its file systems on the disk held when somebody was last told.
    pub disk: u64,
    /// The moment of the next wake that is queued.
    pub wake_at: Time,
    /// Fuel used in all.
    pub used: u64,
    /// The state of its own chance.
    pub random: u64,
}

/// Moves bytes that were typed into a process's input. Whether any moved.
fn type_in(kernel: &mut Kernel, typed: &mut VecDeque<u8>, ended: bool, pipe: &mut Option<PipeId>, tty: Option<TtyId>) {
    if let Some(tty) = tty {
        let bytes: Vec<u8> = typed.drain(..).collect();
        if !bytes.is_empty() {
            kernel.tty_input(tty, &bytes);
        }
        return;
    }
    let Some(id) = *pipe else {
        typed.clear();
        return;
    };
    while !typed.is_empty() {
        let (front, _) = typed.as_slices();
        let taken = kernel.feed(id, front);
        if taken == 0 {
            return;
        }
        typed.drain(..taken);
    }
    if ended {
        kernel.close_pipe(id);
        *pipe = None;
    }
}

impl Machine {
    /// A machine whose main process was started.
    pub fn new(kernel: Kernel, main: Pid, random: u64) -> Machine {
        Machine {
            kernel,
            main,
            stdin: None,
            outputs: None,
            tty: None,
            typed: VecDeque::new(),
            input_ended: false,
            attached: Vec::new(),
            sessions: SortedMap::new(),
            last_session: 0,
            busy_until: Time::default(),
            busy: 0,
            files_in_memory: 0,
            disk: 0,
            wake_at: Time::default(),
            used: 0,
            random,
        }
    }

    /// Takes what a client typed: for a session, or for the main process.
    pub fn type_bytes(&mut self, session: Option<u64>, bytes: &[u8]) {
        let (typed, ended) = match session {
            None => (&mut self.typed, &mut self.input_ended),
            Some(number) => match self.sessions.get_mut(&number) {
                Some(session) => (&mut session.typed, &mut session.input_ended),
                None => return,
            },
        };
        if bytes.is_empty() {
            *ended = true;
        } else if typed.len() + bytes.len() <= INPUT_MAX {
            typed.extend(bytes);
        }
    }

    /// How much more a client may type.
    pub fn input_room(&self, session: Option<u64>) -> usize {
        let typed = match session {
            None => self.typed.len(),
            Some(number) => self.sessions.get(&number).map_or(0, |session| session.typed.len()),
        };
        INPUT_MAX.saturating_sub(typed)
    }

    /// Hands what was typed to the processes.
    pub fn feed(&mut self) {
        type_in(&mut self.kernel, &mut self.typed, self.input_ended, &mut self.stdin, self.tty);
        for session in self.sessions.values_mut() {
            type_in(&mut self.kernel, &mut session.typed, session.input_ended, &mut session.stdin, session.tty);
        }
    }

    /// Passes on what the processes printed. Whether there was anything, so that blocked ones can go on.
    pub fn collect(&mut self, log: &mut Log, streams: &mut Streams, now: Time) -> bool {
        let mut any = false;
        let mut main = |output: Output, bytes: Vec<u8>| {
            if bytes.is_empty() {
                return;
            }
            any = true;
            log.write(output, &bytes, now);
            let channel = if output == Output::Stdout { channel::STDOUT } else { channel::STDERR };
            for (stream, _) in &self.attached {
                streams.push(*stream, channel, bytes.clone());
            }
        };
        if let Some((stdout, stderr)) = self.outputs {
            main(Output::Stdout, self.kernel.drain(stdout));
            main(Output::Stderr, self.kernel.drain(stderr));
        }
        if let Some(tty) = self.tty {
            main(Output::Stdout, self.kernel.tty_output(tty));
        }
        for session in self.sessions.values_mut() {
            let full = matches!(&session.sink, Sink::Stream(stream) if streams.is_full(*stream));
            if full {
                continue;
            }
            let mut out = Vec::new();
            if let Some(tty) = session.tty {
                out.push((channel::STDOUT, self.kernel.tty_output(tty)));
            }
            if let Some(pipe) = session.stdout {
                out.push((channel::STDOUT, self.kernel.drain(pipe)));
            }
            if let Some(pipe) = session.stderr {
                out.push((channel::STDERR, self.kernel.drain(pipe)));
            }
            for (channel, bytes) in out.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
                any = true;
                match &mut session.sink {
                    Sink::Stream(stream) => streams.push(*stream, channel, bytes),
                    Sink::Kubelet { output, .. } => {
                        let room = KUBELET_OUTPUT_MAX.saturating_sub(output.len()).min(bytes.len());
                        output.extend_from_slice(bytes.get(..room).unwrap_or_default());
                    }
                }
            }
        }
        any
    }

    /// Ends the sessions whose processes have ended.
    pub fn finish(&mut self, streams: &mut Streams, outcomes: &mut Vec<Outcome>) {
        let kernel = &mut self.kernel;
        self.sessions.retain(|_, session| {
            let Some(code) = kernel.status(session.pid) else { return true };
            // Children may hold its outputs open; what they print later is lost, as with a real runtime's exec.
            kernel.reap(session.pid);
            for pipe in [session.stdin, session.stdout, session.stderr].into_iter().flatten() {
                kernel.close_pipe(pipe);
            }
            if let Some(tty) = session.tty {
                kernel.close_tty(tty);
            }
            match &mut session.sink {
                Sink::Stream(stream) => streams.exit(*stream, code),
                Sink::Kubelet { token, output } => {
                    outcomes.push(Outcome::Finished(*token, code, std::mem::take(output)));
                }
            }
            false
        });
    }

    /// Ends everything: the main process is gone.
    pub fn shut(&mut self, code: i32, streams: &mut Streams, outcomes: &mut Vec<Outcome>) {
        for (stream, _) in std::mem::take(&mut self.attached) {
            streams.exit(stream, code);
        }
        for (_, session) in std::mem::take(&mut self.sessions) {
            match session.sink {
                Sink::Stream(stream) => streams.exit(stream, 137),
                Sink::Kubelet { token, output } => outcomes.push(Outcome::Finished(token, 137, output)),
            }
        }
    }

    /// How many bytes of memory its processes hold, with the files in memory that they wrote.
    pub fn memory(&self) -> u64 {
        self.kernel.memory() + self.files_in_memory
    }

    /// Counts what was written to the volumes in memory, which held so much before. A control group that has no room for it is
    /// killed.
    pub fn charge_files(&mut self, before: u64) {
        let mounted = self.kernel.files_ref().mounted();
        let in_memory = mounted.filter_map(|(_, read_only, fs)| fs.filter(|_| !read_only));
        let after: u64 = in_memory.filter(|fs| fs.backing() == Backing::Memory).map(Fs::used).sum();
        self.files_in_memory = (self.files_in_memory + after).saturating_sub(before);
        let held = self.memory();
        let over = self.kernel.control().is_some_and(|control| control.memory.is_some_and(|most| held > most));
        if after > before && over {
            self.kernel.kill_for_memory();
        }
    }

    /// Whether so much more lies on the disk than when that was said last that somebody has to look.
    pub fn fills_disk(&mut self) -> bool {
        let mounted = self.kernel.files_ref().mounted().filter_map(|(_, read_only, fs)| fs.filter(|_| !read_only));
        let held: u64 = mounted.filter(|fs| fs.backing() == Backing::Disk).map(Fs::used).sum();
        let more = held > self.disk + WORTH_A_LOOK;
        if more || held < self.disk {
            self.disk = held;
        }
        more
    }

    /// When the machine is to be woken after a run, if ever. `share` is its part of the processors, in thousandths of one.
    pub fn next_wake(&mut self, activity: &Activity, now: Time, share: u64) -> Option<Time> {
        self.used += u64::from(activity.used);
        self.busy = activity.busy;
        if activity.runnable {
            let micros = u64::from(activity.used).saturating_mul(FUEL_MICROS * 1000) / share.max(1);
            self.busy_until = Time(now.0.saturating_add(micros));
            return Some(self.busy_until);
        }
        activity.wake
    }
}
