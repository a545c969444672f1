//! [`Session`]: the facade.

use drydock_cluster::Cluster;
use drydock_value::Time;

use crate::log::Entry;
use crate::state::State;
use crate::undo::Undo;
use crate::{Event, FileEntry, Input, Options, Output, RunId, TerminalId, View};

/// How far [`Session::advance`] came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// Whether the clock stands where it was to go. If not, the budget was used up before.
    pub reached: bool,
    /// Whether nothing at all is left to happen, whatever time passes.
    pub idle: bool,
    /// Ticks used: cluster events and slices of the workstation.
    pub ticks: u32,
}

/// A cluster and a workstation, with all that was put in. It clones, and the clone goes on as the original would.
#[derive(Clone)]
pub struct Session {
    pub(crate) options: Options,
    pub(crate) state: State,
    pub(crate) log: Vec<Entry>,
    pub(crate) undo: Undo,
}

impl Session {
    /// A new session: the cluster has booted, no terminal is open.
    pub fn new(options: Options) -> Session {
        Session { options, state: State::new(&options), log: Vec::new(), undo: Undo::default() }
    }

    /// Brings in what types and fields are for, in words, which `kubectl explain` shows: the blob of
    /// `drydock-descriptions`. Without it everything else works.
    ///
    /// # Errors
    /// When it is none.
    pub fn describe(&mut self, blob: &[u8]) -> Result<(), String> {
        self.state.cluster.api().set_descriptions(blob)
    }

    /// What it was made from.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.state.now()
    }

    /// When something happens next, if anything will.
    pub fn next_event(&self) -> Option<Time> {
        self.state.next_event()
    }

    /// Lets time pass until `until`, or until `budget` ticks are used.
    pub fn advance(&mut self, until: Time, budget: u32) -> Advance {
        self.state.advance(until, budget)
    }

    /// Puts something in, now. What follows from it happens as time passes.
    pub fn input(&mut self, input: Input) {
        match &input {
            Input::Type(terminal, _) => self.before_key(*terminal),
            Input::Run(_) => self.before_run(),
            _ => {}
        }
        self.log.push(Entry { ticks: self.state.ticks, time: self.now(), input: input.clone() });
        let keys = match &input {
            Input::Type(terminal, bytes) => Some((*terminal, bytes.contains(&b'\r') || bytes.contains(&b'\n'))),
            _ => None,
        };
        self.state.input(input);
        if let Some((terminal, entered)) = keys {
            self.after_keys(terminal, entered);
        }
    }

    /// Takes what the session has to tell, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.state.outbox.drain(..).collect()
    }

    /// The last output of a terminal, for showing it anew after a restore or an undo.
    pub fn scrollback(&self, terminal: TerminalId) -> Vec<u8> {
        self.state.workstation.scrollback(terminal)
    }

    /// The open terminals.
    pub fn terminals(&self) -> Vec<TerminalId> {
        self.state.workstation.terminals()
    }

    /// What runs in a terminal's foreground, as its words; nothing while its shell waits for a command.
    pub fn foreground(&self, terminal: TerminalId) -> Option<String> {
        self.state.workstation.foreground(terminal)
    }

    /// Runs a script by `bash -c` in the home directory to its end, letting as much time pass as it takes. One that does
    /// not end within a day of simulated time, or a great many steps, is ended with code 124.
    pub fn run(&mut self, script: &str) -> Output {
        let id = self.state.workstation.next_run();
        self.input(Input::Run(script.into()));
        self.state.finish_run(id, crate::check::Limit::RUN)
    }

    /// Runs a script on a clone: this session is not touched, whatever the script does.
    pub fn check(&self, script: &str) -> Output {
        let mut state = self.state.clone();
        let id: RunId = state.workstation.next_run();
        state.input(Input::Run(script.into()));
        state.finish_run(id, crate::check::Limit::CHECK)
    }

    /// The cluster as the page draws it.
    pub fn view(&mut self) -> View {
        crate::view::view(&mut self.state.cluster)
    }

    /// Grows with every change of the cluster's objects: a view taken at the same revision is the same, ages aside.
    pub fn revision(&self) -> u64 {
        self.state.cluster.api_ref().revision()
    }

    /// The files and folders of the home directory, sorted; hidden ones are left out.
    pub fn files(&self) -> Vec<FileEntry> {
        self.state.workstation.files()
    }

    /// Grows with every change of the workstation's files.
    pub fn files_revision(&self) -> u64 {
        self.state.workstation.files_revision()
    }

    /// A file's bytes. The path is absolute, or relative to the home directory.
    ///
    /// # Errors
    /// errno's words.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        self.state.workstation.read_file(path)
    }

    /// The cluster, for looking at it.
    pub fn cluster(&self) -> &Cluster {
        &self.state.cluster
    }

    /// A checksum of everything that has happened: equal for equal options and inputs, on every machine.
    pub fn digest(&self) -> String {
        format!("{:016x}-{}", self.state.cluster.log_digest(), self.state.ticks)
    }
}
