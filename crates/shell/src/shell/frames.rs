//! What is under way: the frames on the machine's stack.

use std::sync::Arc;

use drydock_value::Time;

use super::ast::*;
use super::builtins::{ReadState, WaitState};
use super::expand::Substituted;
use super::interactive::Prompt;
use super::redirect::Saved;
use super::vars::Var;
use crate::{Fd, Pid, Wait};

/// Something under way.
#[derive(Clone)]
pub(super) enum Frame {
    /// Commands are read from a text and run one after the other.
    Source(Source),
    /// Commands are read from standard input.
    Stdin(Box<Stdin>),
    /// Commands are read from a terminal.
    Prompt(Box<Prompt>),
    /// A list: which item, which pipeline of it, and whether that is being run.
    List {
        list: Arc<List>,
        item: usize,
        part: usize,
        running: bool,
    },
    Command(Arc<Command>),
    /// A compound command whose redirections are to be made.
    Redirect {
        command: Arc<Command>,
        texts: Substituted,
    },
    /// Redirections that are taken back.
    Restore(Saved),
    Simple {
        command: Arc<Command>,
        texts: Substituted,
    },
    If {
        command: Arc<Command>,
        branch: usize,
        testing: bool,
    },
    Loop {
        command: Arc<Command>,
        testing: bool,
        status: i32,
    },
    For {
        command: Arc<Command>,
        texts: Substituted,
        words: Option<Arc<Vec<String>>>,
        at: usize,
    },
    ForArith {
        command: Arc<Command>,
        texts: Substituted,
        stage: ForStage,
    },
    Case {
        command: Arc<Command>,
        texts: Substituted,
    },
    /// The arms of a `case` after one that ended in `;&` or `;;&`.
    CaseOn {
        command: Arc<Command>,
        arm: usize,
        end: ArmEnd,
        subject: String,
    },
    Test {
        command: Arc<Command>,
        texts: Substituted,
    },
    Arith {
        command: Arc<Command>,
        texts: Substituted,
    },
    /// A function's call: what comes back when it ends.
    Function {
        name: String,
        positional: Arc<Vec<String>>,
        locals: Vec<(String, Option<Var>)>,
    },
    /// Variables that come back after a command.
    Temporary(Vec<(String, Option<Var>)>),
    /// Parameters that come back after a sourced script.
    Positional(Arc<Vec<String>>),
    /// Children in the foreground.
    Children(Children),
    /// A command substitution: its output is collected.
    Output {
        fd: Option<Fd>,
        pid: Pid,
        bytes: Vec<u8>,
        path: bool,
    },
    /// `time`.
    Time {
        since: Time,
        posix: bool,
    },
    /// A trap's action: the status that comes back after it.
    Trap {
        status: i32,
    },
    /// The shell ends with this status when it comes here.
    Exit {
        status: i32,
    },
    Read(Box<ReadState>),
    Wait(WaitState),
}

/// Where a `for ((;;))` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForStage {
    Init,
    Test,
    Next,
}

/// What a text of commands is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceKind {
    /// `-c` text.
    Text,
    /// A script file.
    Script,
    /// `. file`: `return` ends it.
    Dot,
    /// `eval`, a trap, an rc file.
    Eval,
}

/// A text of commands.
#[derive(Clone)]
pub(super) struct Source {
    pub text: Arc<Vec<u8>>,
    pub at: usize,
    pub line: u32,
    pub kind: SourceKind,
    /// What messages called the source before, when this is a script of its own.
    pub outer: Option<(String, u32)>,
}

/// Commands from standard input.
#[derive(Clone, Default)]
pub(super) struct Stdin {
    /// Lines that do not make a command yet.
    pub text: Vec<u8>,
    pub line: u32,
    pub ended: bool,
}

/// Children in the foreground.
#[derive(Clone)]
pub(super) struct Children {
    pub pids: Vec<Pid>,
    pub codes: Vec<Option<i32>>,
    /// Whether they have the terminal.
    pub foreground: bool,
    pub text: Arc<str>,
}

/// Why frames are being left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwind {
    Break(u32),
    Continue(u32),
    Return,
    Exit,
    /// Back to the prompt, after Ctrl-C.
    Abort,
    /// An expansion failed: the commands of this line are given up.
    Discard,
}

/// What a frame answers.
pub(super) enum Flow {
    Go,
    Wait(Wait),
}
