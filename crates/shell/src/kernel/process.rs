//! Processes and the programs that they run.

use drydock_sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::sync::Arc;

use drydock_api::StreamId;
use drydock_value::Time;

use super::{Fd, Pid, PipeId, Signal, Sys, TtyId};
use crate::vfs::NodeId;
use crate::{EditId, SocketId, User};

/// Environment variables.
pub type Env = SortedMap<String, String>;

/// What a process runs: a state machine. It is stepped while it can go on, and between two steps it may be cloned.
pub trait Program: Send + Sync {
    /// Goes on a little: at most what a millisecond of a real machine would do.
    fn step(&mut self, sys: &mut Sys<'_>) -> Step;

    /// A signal has come. What it does is done here; what follows goes on in the next step.
    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        let _ = (signal, sys);
        Disposition::Default
    }

    /// A copy in the same state.
    fn clone_box(&self) -> Box<dyn Program>;
}

impl Clone for Box<dyn Program> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// What a program answers to a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// What the kernel does by default: most signals end the process.
    Default,
    /// It is dealt with; the process is stepped again, even if it was waiting.
    Handled,
    /// It means nothing to the program; a wait goes on.
    Ignored,
}

/// What a program answers to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There is more to do at once.
    Continue,
    /// Nothing to do until one of these happens.
    Wait(Wait),
    /// The end, with an exit code.
    Exit(i32),
}

/// What a process waits for; any of these wakes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wait {
    /// A moment.
    pub until: Option<Time>,
    /// Bytes or the end on one of these.
    pub read: Vec<Fd>,
    /// Room on one of these.
    pub write: Vec<Fd>,
    /// A child's end.
    pub child: bool,
    /// Something on one of the API streams.
    pub streams: Vec<StreamId>,
    /// Something on one of these sockets.
    pub sockets: Vec<SocketId>,
    /// The end of one of these edits.
    pub edits: Vec<EditId>,
}

impl Wait {
    /// For a moment.
    pub fn until(time: Time) -> Wait {
        Wait { until: Some(time), ..Wait::default() }
    }

    /// For bytes or the end of a file.
    pub fn read(fd: Fd) -> Wait {
        Wait { read: vec![fd], ..Wait::default() }
    }

    /// For a child's end. Every ended child wakes it until it is waited for.
    pub fn child() -> Wait {
        Wait { child: true, ..Wait::default() }
    }

    /// For a socket.
    pub fn socket(socket: SocketId) -> Wait {
        Wait { sockets: vec![socket], ..Wait::default() }
    }

    /// For a signal, which wakes every wait.
    pub fn forever() -> Wait {
        Wait::default()
    }

    /// The same, but no longer than until this moment.
    #[must_use]
    pub fn or_until(mut self, time: Option<Time>) -> Wait {
        self.until = match (self.until, time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self
    }
}

impl From<Wait> for Step {
    fn from(wait: Wait) -> Step {
        Step::Wait(wait)
    }
}

/// The process group of a new process. Ctrl-C goes to the group in a terminal's foreground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Group {
    /// Its parent's.
    #[default]
    Inherit,
    /// Its own.
    New,
    /// This one.
    Join(Pid),
}

/// Where a standard stream of a process that the machine's owner starts goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stdio {
    /// Nowhere.
    #[default]
    Null,
    /// A terminal.
    Tty(TtyId),
    /// A pipe whose other end the owner holds ([`Kernel::pipe`](super::Kernel::pipe)).
    Pipe(PipeId),
}

/// How a process is started.
#[derive(Clone, Default)]
pub struct Spawn {
    /// Its words; the first is the command.
    pub argv: Vec<String>,
    /// The program. None: what the first word names, looked up in `PATH`.
    pub program: Option<Box<dyn Program>>,
    /// The executable, when it is not what the first word names.
    pub file: Option<String>,
    /// Its environment; None from a program: that of its parent.
    pub env: Option<Arc<Env>>,
    /// Its working directory; None from a program: that of its parent.
    pub cwd: Option<String>,
    /// The standard streams; only when the machine's owner starts it.
    pub stdio: [Stdio; 3],
    /// Open files as (the child's number, the parent's); None: all of the parent's but its private ones. Only when a
    /// program starts it.
    pub fds: Option<Vec<(Fd, Fd)>>,
    /// Its process group.
    pub group: Group,
    /// Whether it is the machine's first process, of a container for instance: signals that it does not handle do not
    /// end it (only a kill from outside does), and its end is the end of all others.
    pub init: bool,
    /// Its user; None: that of its parent, root from outside.
    pub user: Option<User>,
    /// Signals that it ignores whatever its program says (`nohup`, background jobs).
    pub ignore: Vec<Signal>,
}

impl Spawn {
    /// A command with its arguments.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Spawn {
        Spawn { argv: argv.into_iter().map(Into::into).collect(), ..Spawn::default() }
    }

    /// A program object with its words.
    pub fn program(program: Box<dyn Program>, argv: impl IntoIterator<Item = impl Into<String>>) -> Spawn {
        Spawn { program: Some(program), ..Spawn::new(argv) }
    }

    /// Sets the environment.
    #[must_use]
    pub fn env(mut self, env: Env) -> Spawn {
        self.env = Some(Arc::new(env));
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<String>) -> Spawn {
        self.cwd = Some(cwd.into());
        self
    }

    /// Sets the standard streams.
    #[must_use]
    pub fn stdio(mut self, stdin: Stdio, stdout: Stdio, stderr: Stdio) -> Spawn {
        self.stdio = [stdin, stdout, stderr];
        self
    }

    /// Puts all three standard streams on a terminal.
    #[must_use]
    pub fn tty(self, tty: TtyId) -> Spawn {
        self.stdio(Stdio::Tty(tty), Stdio::Tty(tty), Stdio::Tty(tty))
    }

    /// Makes it the machine's first process.
    #[must_use]
    pub fn init(mut self) -> Spawn {
        self.init = true;
        self
    }

    /// Sets the user.
    #[must_use]
    pub fn user(mut self, user: User) -> Spawn {
        self.user = Some(user);
        self
    }
}

impl std::fmt::Debug for Spawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spawn").field("argv", &self.argv).field("cwd", &self.cwd).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Runnable,
    Waiting(Wait),
    /// The program has ended; the process lives until its output is written.
    Ending(i32),
    Zombie(i32),
}

#[derive(Clone)]
pub(super) struct Process {
    pub parent: Pid,
    pub group: Pid,
    pub tty: Option<TtyId>,
    pub argv: Arc<Vec<String>>,
    pub env: Arc<Env>,
    pub cwd: String,
    /// Where its paths begin, if not at the root of all.
    pub root: Option<NodeId>,
    pub user: User,
    pub init: bool,
    pub started: Time,
    /// None only while it is being stepped, and of a zombie.
    pub program: Option<Box<dyn Program>>,
    pub state: State,
    pub fds: SortedMap<Fd, u32>,
    pub signals: VecDeque<Signal>,
    pub ignored: SortedSet<Signal>,
    /// Output that did not fit yet: (description, bytes). The process is not stepped before it is written.
    pub pending: VecDeque<(u32, Vec<u8>)>,
    /// Fuel used, for `ps`.
    pub used: u64,
    /// Bytes of memory that it has taken beyond its own size.
    pub memory: u64,
}
