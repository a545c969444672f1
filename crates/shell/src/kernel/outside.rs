//! What the machine's owner may do.

use drydock_sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::sync::Arc;

use drydock_value::Time;

use super::files::Object;
use super::process::{Process, State};
use super::run::killed_by;
use super::sys::HostProgram;
use super::tty::Tty;
use super::{
    ControlGroup, Env, Flavour, Group, Hardware, Kernel, PROCESSES_MAX, Pid, PipeId, Program, Rights, Signal, Spawn,
    Stdio, TtyId, TtyMode,
};
use crate::{Errno, Shell, User, Vfs, join, tools};

/// How a machine is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name.
    pub hostname: String,
    /// Whose words its programs use.
    pub flavour: Flavour,
    /// The moment it starts.
    pub now: Time,
    /// The number of its first process: 1 in a container.
    pub first_pid: Pid,
    /// What its processes may do.
    pub rights: Rights,
    /// The machine beneath.
    pub hardware: Hardware,
    /// The processes' part of it; none where the machine is theirs.
    pub control: Option<ControlGroup>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            hostname: "localhost".into(),
            flavour: Flavour::Gnu,
            now: Time::default(),
            first_pid: 1,
            rights: Rights::default(),
            hardware: Hardware::default(),
            control: None,
        }
    }
}

/// Where executables are looked for without a `PATH`, as `execvp` does.
pub(super) const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// A script's interpreters, `#!` to a script again, nest no deeper.
const INTERPRETERS_MAX: usize = 4;

/// A program, its words, and the user whose rights its file gives.
type Loaded = (Box<dyn Program>, Vec<String>, Option<u32>);

impl Kernel {
    /// A machine with these files and no processes.
    pub fn new(mut files: Vfs, options: Options) -> Kernel {
        files.set_groups(options.rights.groups.clone());
        Kernel::mount_proc(&mut files);
        Kernel {
            files,
            rights: options.rights,
            hardware: options.hardware,
            control: options.control,
            fuel_used: 0,
            hostname: options.hostname,
            flavour: options.flavour,
            now: options.now,
            booted: options.now,
            processes: SortedMap::new(),
            next_pid: options.first_pid.max(1),
            turn: 0,
            exits: SortedMap::new(),
            descriptions: SortedMap::new(),
            next_description: 1,
            pipes: SortedMap::new(),
            next_pipe: 1,
            ttys: SortedMap::new(),
            next_tty: 0,
            neighbours: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// The file system, as root.
    pub fn files(&mut self) -> &mut Vfs {
        &mut self.files
    }

    /// The file system, to look at.
    pub fn files_ref(&self) -> &Vfs {
        &self.files
    }

    /// The machine's name.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Whose words the machine's programs use.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    // ---- processes ----

    /// Starts a process. Its standard streams are those of `stdio`; how it ends is told by [`Kernel::status`].
    ///
    /// # Errors
    /// `NotFound` when the command is not in `PATH` or does not exist, `Denied` when it is not executable, `Again` when
    /// there are too many processes.
    pub fn spawn(&mut self, mut spawn: Spawn) -> Result<Pid, Errno> {
        let env = spawn.env.take().unwrap_or_default();
        let cwd = spawn.cwd.take().unwrap_or_else(|| "/".into());
        let user = spawn.user.unwrap_or(User::ROOT);
        let stdio = spawn.stdio;
        let tty = stdio.iter().find_map(|stdio| match stdio {
            Stdio::Tty(id) => Some(*id),
            _ => None,
        });
        if spawn.group == Group::Inherit {
            spawn.group = Group::New;
        }
        let pid = self.start(spawn, 0, env, cwd, user, tty, None)?;
        for (fd, stdio) in stdio.into_iter().enumerate() {
            let object = match (stdio, fd) {
                (Stdio::Null, _) => Object::Null,
                (Stdio::Tty(id), _) => Object::Tty(id),
                (Stdio::Pipe(id), 0) => Object::PipeRead(id),
                (Stdio::Pipe(id), _) => Object::PipeWrite(id),
            };
            let id = self.describe(object)?;
            if let Some(process) = self.processes.get_mut(&pid) {
                process.fds.insert(fd as u32, id);
            }
        }
        if let Some(tty) = tty.and_then(|id| self.ttys.get_mut(&id)) {
            tty.foreground.get_or_insert(pid);
        }
        Ok(pid)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn start(
        &mut self,
        spawn: Spawn,
        parent: Pid,
        env: Arc<Env>,
        cwd: String,
        user: User,
        tty: Option<TtyId>,
        inherited: Option<Pid>,
    ) -> Result<Pid, Errno> {
        if self.processes.len() >= PROCESSES_MAX {
            return Err(Errno::Again);
        }
        let root = self.processes.get(&parent).and_then(|process| process.root);
        let (program, argv, owner) = match spawn.program {
            Some(program) => (program, spawn.argv, None),
            None => {
                let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
                let (before, top) = self.files.acting();
                self.files.act_within(user, root);
                let loaded = self.load(&spawn.argv, spawn.file, path, &cwd);
                self.files.act_within(before, top);
                loaded?
            }
        };
        let user = User { uid: owner.unwrap_or(user.uid), ..user };
        let pid = self.next_pid;
        self.next_pid += 1;
        let group = match spawn.group {
            Group::Inherit => inherited.unwrap_or(pid),
            Group::New => pid,
            Group::Join(group) => group,
        };
        self.processes.insert(
            pid,
            Process {
                parent,
                group,
                tty,
                argv: Arc::new(argv),
                env,
                cwd,
                root,
                user,
                init: spawn.init,
                started: self.now,
                program: Some(program),
                state: State::Runnable,
                fds: SortedMap::new(),
                signals: VecDeque::new(),
                ignored: SortedSet::from_iter(spawn.ignore),
                pending: VecDeque::new(),
                used: 0,
                memory: 0,
            },
        );
        self.show_process(pid, true);
        Ok(pid)
    }

    /// Finds the executable file that a command names, as `execvp` does.
    ///
    /// # Errors
    /// `NotFound`, or `Denied` when there is one that may not be executed.
    pub fn find(&self, command: &str, path: &str, cwd: &str) -> Result<String, Errno> {
        let check = |file: &str| {
            let stat = self.files.stat(file)?;
            if stat.is_dir() || !self.files.access(file, 1) { Err(Errno::Denied) } else { Ok(()) }
        };
        if command.contains('/') {
            let file = join(cwd, command);
            return check(&file).map(|()| file);
        }
        if command.is_empty() {
            return Err(Errno::NotFound);
        }
        let mut error = Errno::NotFound;
        for directory in path.split(':') {
            let file = join(&join(cwd, directory), command);
            match check(&file) {
                Ok(()) => return Ok(file),
                Err(Errno::Denied) if !self.files.is_dir(&file) => error = Errno::Denied,
                Err(_) => {}
            }
        }
        Err(error)
    }

    /// The program of a command's words, the words that it is given (a script's are its interpreter's), and the user whose
    /// rights its file gives.
    pub(super) fn load(&self, argv: &[String], file: Option<String>, path: &str, cwd: &str) -> Result<Loaded, Errno> {
        let mut argv = argv.to_vec();
        let command = argv.first().ok_or(Errno::NotFound)?;
        let mut file = self.find(file.as_ref().unwrap_or(command), path, cwd)?;
        for _ in 0..INTERPRETERS_MAX {
            let stat = self.files.stat(&file)?;
            if let Some(name) = self.files.binary(stat.node) {
                let lends = stat.mode & 0o4000 != 0 && !self.rights.no_more;
                return Ok((program(name), argv, lends.then_some(stat.uid)));
            }
            let head = self.files.read_at(stat.node, 0, 256)?;
            let head = String::from_utf8_lossy(&head).into_owned();
            let Some(line) = head.strip_prefix("#!").and_then(|rest| rest.lines().next()) else {
                return Err(Errno::NoExec);
            };
            let line = line.trim();
            let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let mut words = vec![interpreter.to_owned()];
            if !argument.trim().is_empty() {
                words.push(argument.trim().to_owned());
            }
            let mut old = argv.drain(..);
            // The script is named as it was called, so that `$0` is what was typed.
            words.push(old.next().filter(|word| word.contains('/')).unwrap_or(file));
            words.extend(old);
            argv = words;
            file = self.find(argv.first().ok_or(Errno::NotFound)?, path, cwd)?;
        }
        Err(Errno::Loop)
    }

    /// The exit code of a process that [`Kernel::spawn`] has started; None while it lives. 128 and more: it died of a
    /// signal.
    pub fn status(&self, pid: Pid) -> Option<i32> {
        self.exits.get(&pid).copied()
    }

    /// Takes the exit code of a process that has ended; it is forgotten then.
    pub fn reap(&mut self, pid: Pid) -> Option<i32> {
        self.exits.remove(&pid)
    }

    /// Forgets a process that has ended.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.processes.remove(&pid);
        self.show_process(pid, false);
    }

    /// Whether any process lives.
    pub fn has_processes(&self) -> bool {
        !self.processes.is_empty()
    }

    /// Sends a signal to a process. `Kill` ends it at once, the machine's first process too.
    pub fn signal(&mut self, pid: Pid, signal: Signal) {
        if signal == Signal::Kill {
            self.end(pid, killed_by(Signal::Kill));
        } else {
            let _ = self.send_signal(pid, signal);
        }
    }

    /// Kills every process.
    pub fn kill_all(&mut self) {
        let pids: Vec<Pid> = self.processes.keys().copied().collect();
        for pid in pids {
            self.end(pid, killed_by(Signal::Kill));
        }
    }

    // ---- pipes: the owner holds one end ----

    /// A pipe for a process's standard stream; the owner holds the other end until [`Kernel::close_pipe`].
    pub fn pipe(&mut self) -> PipeId {
        let id = self.new_pipe();
        if let Some(pipe) = self.pipes.get_mut(&id) {
            // The owner's end counts for both sides until it is used as one.
            (pipe.readers, pipe.writers) = (1, 1);
        }
        id
    }

    /// Writes into a pipe that a process reads: how many bytes it took. Zero: it is full.
    pub fn feed(&mut self, pipe: PipeId, bytes: &[u8]) -> usize {
        self.pipes.get_mut(&pipe).map_or(bytes.len(), |pipe| pipe.write(bytes))
    }

    /// How many bytes [`Kernel::feed`] would take.
    pub fn room(&self, pipe: PipeId) -> usize {
        self.pipes.get(&pipe).map_or(0, |pipe| pipe.room())
    }

    /// Takes what processes have written into a pipe.
    pub fn drain(&mut self, pipe: PipeId) -> Vec<u8> {
        self.pipes.get_mut(&pipe).map(|pipe| pipe.read(usize::MAX)).unwrap_or_default()
    }

    /// Whether there is something to [`Kernel::drain`].
    pub fn has_output(&self, pipe: PipeId) -> bool {
        self.pipes.get(&pipe).is_some_and(|pipe| !pipe.buffer.is_empty())
    }

    /// Whether no process writes into a pipe any more and all of it was taken.
    pub fn drained(&self, pipe: PipeId) -> bool {
        self.pipes.get(&pipe).is_none_or(|pipe| pipe.buffer.is_empty() && pipe.writers <= 1)
    }

    /// Lets go of the owner's end: a reader sees the end of its input, a writer a broken pipe.
    pub fn close_pipe(&mut self, pipe: PipeId) {
        if let Some(open) = self.pipes.get_mut(&pipe) {
            open.readers = open.readers.saturating_sub(1);
            open.writers = open.writers.saturating_sub(1);
        }
        self.collect_pipe(pipe);
    }

    // ---- terminals ----

    /// A new terminal.
    pub fn open_tty(&mut self, columns: u16, rows: u16) -> TtyId {
        let id = TtyId(self.next_tty);
        self.next_tty += 1;
        self.ttys.insert(id, Tty::new(columns, rows));
        id
    }

    /// Takes what was typed on a terminal.
    pub fn tty_input(&mut self, tty: TtyId, bytes: &[u8]) {
        let Some(terminal) = self.ttys.get_mut(&tty) else { return };
        let signals = terminal.type_bytes(bytes);
        let foreground = terminal.foreground;
        for signal in signals {
            if let Some(group) = foreground {
                self.send_signal_to_group(group, signal);
            }
        }
    }

    /// Takes what was printed on a terminal since the last time. While nobody takes it, its writers wait.
    pub fn tty_output(&mut self, tty: TtyId) -> Vec<u8> {
        self.ttys.get_mut(&tty).map(Tty::take_output).unwrap_or_default()
    }

    /// Whether there is something to take from a terminal.
    pub fn tty_has_output(&self, tty: TtyId) -> bool {
        self.ttys.get(&tty).is_some_and(|tty| !tty.output_is_empty())
    }

    /// How a terminal treats what is typed and printed now: [`TtyMode::EDIT`] while a shell edits a line.
    pub fn tty_mode(&self, tty: TtyId) -> Option<TtyMode> {
        self.ttys.get(&tty).map(|terminal| terminal.mode)
    }

    /// The words of what has a terminal: of the first process of its foreground.
    pub fn tty_foreground(&self, tty: TtyId) -> Option<Arc<Vec<String>>> {
        let group = self.ttys.get(&tty)?.foreground?;
        self.processes.values().find(|process| process.group == group).map(|process| Arc::clone(&process.argv))
    }

    /// Changes a terminal's size; the foreground is told.
    pub fn resize(&mut self, tty: TtyId, columns: u16, rows: u16) {
        let Some(terminal) = self.ttys.get_mut(&tty) else { return };
        (terminal.columns, terminal.rows) = (columns, rows);
        if let Some(group) = terminal.foreground {
            self.send_signal_to_group(group, Signal::Winch);
        }
    }

    /// Hangs a terminal up: its processes are told so, whatever they print on it is lost.
    pub fn close_tty(&mut self, tty: TtyId) {
        if let Some(terminal) = self.ttys.get_mut(&tty) {
            terminal.hung_up = true;
        }
        let pids: Vec<Pid> =
            self.processes.iter().filter(|(_, process)| process.tty == Some(tty)).map(|(pid, _)| *pid).collect();
        for pid in pids {
            let _ = self.send_signal(pid, Signal::Hup);
        }
    }
}

/// A program by the name that an executable carries.
fn program(name: &str) -> Box<dyn Program> {
    match name {
        "sh" | "bash" | "ash" | "dash" => Box::new(Shell::new()),
        _ => tools::program(name).unwrap_or_else(|| Box::new(HostProgram { name: name.to_owned() })),
    }
}
