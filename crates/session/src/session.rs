//! [`Session`]: the facade.

use drydock_cluster::Cluster;
use drydock_value::Time;

use crate::history::History;
use crate::log::Entry;
use crate::state::State;
use crate::undo::Undo;
use crate::{Event, Fault, FileEntry, Input, Options, Output, RunId, TerminalId, View};

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
    pub(crate) history: History,
}

/// Ticks between two looks at whether this is a moment to keep.
const SLICE: u32 = 1 << 10;

impl Session {
    /// A new session: the cluster has booted, no terminal is open.
    pub fn new(options: Options) -> Session {
        let state = State::new(&options);
        let mut session =
            Session { options, state, log: Vec::new(), undo: Undo::default(), history: History::default() };
        session.keep_moment();
        session
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
        let mut used = 0;
        loop {
            let slice = self.state.advance(until, (budget - used).min(SLICE));
            used += slice.ticks;
            self.keep_moment();
            self.rewind_if_asked();
            if slice.reached || slice.idle || used >= budget {
                return Advance { ticks: used, ..slice };
            }
        }
    }

    /// Does what `clock rewind` asked for.
    fn rewind_if_asked(&mut self) {
        if let Some(moment) = self.state.workstation.take_rewind() {
            // It was looked at when it was asked for; what cannot be is left. Undone, the command has not been typed.
            let before = self.take_snapshot();
            let _ = self.rewind_from(moment, before);
        }
    }

    /// Lets something fail.
    ///
    /// # Errors
    /// When there is no such thing, or it has failed already.
    pub fn fail(&mut self, fault: &Fault) -> Result<(), String> {
        self.fault(&fault.to_string()).map(drop)
    }

    /// Ends what fails.
    ///
    /// # Errors
    /// When that does not fail now.
    pub fn heal(&mut self, fault: &Fault) -> Result<(), String> {
        let at = self.state.cluster.faults().active().position(|(known, _)| known == fault);
        let at = at.ok_or_else(|| format!("that does not hold: {fault}"))?;
        self.fault(&format!("heal {}", at + 1)).map(drop)
    }

    /// What the words of a `fault` command do: `node minikube power-off`, `list`, `heal all`. Answers what is printed.
    ///
    /// # Errors
    /// Why not, for a person.
    pub fn fault(&mut self, words: &str) -> Result<String, String> {
        // What fails to be done, or only looks, is no event of the session.
        let result = self.state.clone().fault(words);
        if result.as_ref().is_ok_and(String::is_empty) {
            self.input(Input::Fault(words.to_owned()));
        }
        result
    }

    /// Lets time pass until a condition holds, written as for `kubectl wait` (`deployment/web
    /// --for=condition=Available`), or until so much time has passed. Whether it holds.
    pub fn run_until(&mut self, condition: &str, limit: std::time::Duration) -> bool {
        self.run(&format!("kubectl wait {condition} --timeout={}s", limit.as_secs())).code == 0
    }

    /// Who wrote what, and why.
    pub fn story(&self, filter: &drydock_cluster::story::Filter) -> Vec<drydock_cluster::story::Entry> {
        self.state.cluster.story(filter)
    }

    /// What one of the commands `fault`, `story`, `why`, `clock` would print.
    ///
    /// # Errors
    /// What it would print as an error.
    pub fn command(&mut self, words: &str) -> Result<String, String> {
        if let Some(words) = words.strip_prefix("fault ") {
            return self.fault(words);
        }
        let words: Vec<&str> = words.split_whitespace().collect();
        let state = &mut self.state;
        let result = state.workstation.control(&words, &mut state.cluster);
        if let Some(moment) = self.state.workstation.take_rewind() {
            self.rewind(moment)?;
        }
        result
    }

    /// Puts something in, now. What follows from it happens as time passes.
    pub fn input(&mut self, input: Input) {
        match &input {
            Input::Type(terminal, _) => self.before_key(*terminal),
            Input::Run(_) | Input::Fault(_) => self.before_run(),
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
        let output = self.state.finish_run(id, crate::check::Limit::RUN);
        self.keep_moment();
        self.rewind_if_asked();
        output
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
