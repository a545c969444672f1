//! The learner's machine: terminals with a shell, files, kubectl and minikube. It stands outside of the cluster, on the
//! nodes' network.
//!
//! - `files`: what lies on it at the start. `terminal`: a terminal and what its host sees of it.
//! - `host`: what surrounds its programs: the API server, the network, the editor.
//! - `control`: the commands that act on the simulation itself.
//! - `kubectl`, `minikube`, `ssh`: the commands that a plain machine does not have.

mod control;
mod files;
mod host;
mod kubectl;
mod minikube;
mod runs;
mod ssh;
mod terminal;

use drydock_sorted::SortedMap;
use std::time::Duration;

use drydock_cluster::Cluster;
use drydock_shell::{Activity, Env, Flavour, Kernel, Spawn, User};
use drydock_value::Time;

use crate::{Event, FileEntry, Input, Options, RunId, TerminalId};
pub(crate) use control::difference_row;
pub(crate) use files::administrator;
use host::{Surroundings, WorkstationHost};
use runs::Run;
use terminal::Terminal;

/// The learner's home directory.
pub const HOME: &str = "/home/learner";
const LEARNER: User = User { uid: 1000, gid: 1000 };

/// Programs that containers of the cluster may run as well, by the names of their executables.
pub fn programs(name: &str) -> Option<Box<dyn drydock_shell::Program>> {
    (name == "kubectl").then(|| Box::new(kubectl::Kubectl::default()) as Box<dyn drydock_shell::Program>)
}

/// How many steps the machine makes in one turn.
const FUEL_SLICE: u32 = 1000;
/// What a step costs in simulated time: a busy machine lets the clock go on.
const FUEL_TIME: Duration = Duration::from_micros(4);

/// The machine and everything that is open on it.
#[derive(Clone)]
pub(crate) struct Workstation {
    kernel: Kernel,
    surroundings: Surroundings,
    terminals: SortedMap<TerminalId, Terminal>,
    next_terminal: u32,
    runs: SortedMap<RunId, Run>,
    next_run: u32,
    /// What the machine waits for, as of its last turn.
    activity: Activity,
    /// When its next turn is.
    due: Option<Time>,
    events: Vec<Event>,
}

impl Workstation {
    pub fn new(options: &Options, now: Time) -> Workstation {
        let kernel = Kernel::new(
            files::initial(options, now),
            drydock_shell::Options {
                hostname: "drydock".into(),
                flavour: Flavour::Gnu,
                now,
                first_pid: 100,
                ..drydock_shell::Options::default()
            },
        );
        Workstation {
            kernel,
            surroundings: Surroundings::new(options.seed),
            terminals: SortedMap::new(),
            next_terminal: 0,
            runs: SortedMap::new(),
            next_run: 0,
            activity: Activity::default(),
            due: None,
            events: Vec::new(),
        }
    }

    /// The environment of a shell.
    fn environment(tty: bool) -> Env {
        let mut env = Env::new();
        let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
        set("HOME", HOME);
        set("USER", "learner");
        set("LOGNAME", "learner");
        set("SHELL", "/bin/bash");
        set("PATH", "/usr/local/bin:/usr/bin:/bin");
        set("PWD", HOME);
        set("LANG", "C.UTF-8");
        if tty {
            set("TERM", "xterm-256color");
            set("PS1", "\\[\\e[1;34m\\]\\w\\[\\e[0m\\]$ ");
        }
        env
    }

    fn shell(words: &[&str], tty: bool) -> Spawn {
        Spawn::new(words.iter().copied()).env(Self::environment(tty)).cwd(HOME).user(LEARNER)
    }

    /// When the machine's next turn is.
    pub fn due(&self) -> Option<Time> {
        self.due
    }

    /// What one of the simulation's own commands does and prints.
    pub fn control(&mut self, words: &[&str], cluster: &mut Cluster) -> Result<String, String> {
        control::run(words, cluster, &mut self.surroundings)
    }

    /// The moment that `clock rewind` asked to go back to.
    pub fn take_rewind(&mut self) -> Option<Time> {
        self.surroundings.rewind.take()
    }

    /// The number that the next script gets.
    pub fn next_run(&self) -> RunId {
        RunId(self.next_run)
    }

    pub fn input(&mut self, input: Input, now: Time) {
        match input {
            Input::OpenTerminal { columns, rows } => self.open_terminal(columns, rows),
            Input::CloseTerminal(id) => self.close_terminal(id),
            Input::Type(id, bytes) => self.type_keys(id, &bytes),
            Input::Resize(id, columns, rows) => {
                if let Some(terminal) = self.terminals.get(&id) {
                    self.kernel.resize(terminal.tty, columns, rows);
                }
            }
            Input::WriteFile(path, bytes) => self.write_file(&path, &bytes),
            Input::MakeFolder(path) => self.as_learner(|files| files.mkdir_all(&absolute(&path)).is_ok()),
            Input::Remove(path) => self.as_learner(|files| files.remove_all(&absolute(&path)).is_ok()),
            Input::Rename(from, to) => {
                self.as_learner(|files| files.rename(&absolute(&from), &absolute(&to)).is_ok());
            }
            Input::EditorClosed(path, saved) => self.surroundings.editor_closed(&absolute(&path), saved),
            Input::Run(script) => self.start_run(&script),
            // It is the cluster's.
            Input::Fault(_) => {}
        }
        self.due = Some(now);
    }

    /// One turn: the processes go on until all wait, or the slice is over.
    pub fn run(&mut self, cluster: &mut Cluster) {
        let now = cluster.now();
        let mut host = WorkstationHost::new(cluster, &mut self.surroundings);
        self.activity = self.kernel.run(now, FUEL_SLICE, &mut host);
        let busy = FUEL_TIME * self.activity.used;
        self.due = if self.activity.runnable {
            Some(now + busy.max(FUEL_TIME))
        } else {
            // A moment that has come already would turn the machine again and again at the same time.
            self.activity.wake.map(|wake| wake.max(now + FUEL_TIME))
        };
        self.notice(cluster);
        self.collect_output();
    }

    /// After something happened in the cluster: a process that waits for it has its turn.
    pub fn notice(&mut self, cluster: &mut Cluster) {
        let now = cluster.now();
        let waits = &self.activity;
        if waits.streams.is_empty() && waits.sockets.is_empty() && waits.edits.is_empty() {
            return;
        }
        let host = WorkstationHost::new(cluster, &mut self.surroundings);
        if host.any_ready(waits) {
            let soon = now + FUEL_TIME;
            self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
        }
    }

    fn collect_output(&mut self) {
        for (id, terminal) in &mut self.terminals {
            terminal.collect(*id, &mut self.kernel, &mut self.events);
        }
        self.terminals.retain(|_, terminal| !terminal.closed);
        self.collect_runs();
        self.events.append(&mut self.surroundings.events);
    }

    pub fn take_events(&mut self, outbox: &mut std::collections::VecDeque<Event>) {
        self.events.append(&mut self.surroundings.events);
        outbox.extend(self.events.drain(..));
    }

    fn as_learner(&mut self, change: impl FnOnce(&mut drydock_shell::Vfs) -> bool) {
        let files = self.kernel.files();
        files.act_as(LEARNER);
        // What the editor asks for and the file system refuses is left as it is; the page sees it in the next listing.
        let _ = change(files);
        files.act_as(User::ROOT);
    }

    fn write_file(&mut self, path: &str, bytes: &[u8]) {
        let path = absolute(path);
        self.as_learner(|files| {
            let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
            files.mkdir_all(folder).is_ok() && files.write(&path, bytes).is_ok()
        });
    }

    pub fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = self.kernel.files_ref().read(&absolute(path)).map_err(|error| error.message().to_owned())?;
        Ok(bytes.to_vec())
    }

    pub fn files_revision(&self) -> u64 {
        self.kernel.files_ref().revision()
    }

    /// The files of the home directory but hidden ones, folders before their content.
    pub fn files(&self) -> Vec<FileEntry> {
        let mut entries = Vec::new();
        self.list_files(HOME, &mut entries);
        entries
    }

    fn list_files(&self, folder: &str, entries: &mut Vec<FileEntry>) {
        /// More than a person could look through.
        const ENTRIES_MAX: usize = 500;
        for entry in self.kernel.files_ref().list(folder).unwrap_or_default() {
            if entry.name.starts_with('.') || entries.len() >= ENTRIES_MAX {
                continue;
            }
            let path = format!("{folder}/{}", entry.name);
            let Ok(stat) = self.kernel.files_ref().lstat(&path) else { continue };
            let relative = path.strip_prefix(HOME).unwrap_or(&path).trim_start_matches('/').to_owned();
            entries.push(FileEntry { path: relative, folder: stat.is_dir(), size: stat.size });
            if stat.is_dir() {
                self.list_files(&path, entries);
            }
        }
    }
}

/// A path as the page names it: absolute, or relative to the home directory.
fn absolute(path: &str) -> String {
    drydock_shell::join(HOME, path.strip_prefix("~/").unwrap_or(path))
}
