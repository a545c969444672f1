//! The shell: `bash` on a workstation, `sh` of busybox or Debian in containers.
//!
//! A text becomes a tree (`parse`, `words`, `brace`, `ast`); words become fields (`expand`, `arith`, `pattern`, `quote`);
//! and `machine` runs the tree. It is a [`Program`]: nothing in it waits. What is under way stands on an explicit stack of
//! [`Frame`](frames::Frame)s, one step moves the topmost, and a command that takes time (a child, a pipe, a key press) is
//! a frame that answers with what it waits for. So a shell can be cloned in the middle of anything.
//!
//! - `start`: options and arguments; `state`: variables and the like; `message`: its words in three dialects.
//! - `simple`, `redirect`, `process`: simple commands, redirections, children and jobs.
//! - `builtins`: one row and one function each.
//! - `edit`: the line editor, history and completion; `interactive`: prompts.

mod arith;
mod ast;
mod brace;
mod builtins;
mod edit;
mod expand;
mod frames;
mod interactive;
mod machine;
mod message;
mod parse;
pub(crate) mod pattern;
mod process;
pub(crate) mod quote;
mod redirect;
mod simple;
mod start;
mod state;
#[cfg(test)]
mod tests;
mod vars;
mod words;

use drydock_sorted::SortedMap;
use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use parse::is_name;

use drydock_value::Time;

use crate::{Disposition, Pid, Program, Signal, Step, Sys};
use frames::{Frame, Unwind};
use process::Job;
use vars::Vars;

/// Whose words and extensions a shell has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Dialect {
    /// bash.
    #[default]
    Bash,
    /// busybox ash.
    Ash,
    /// Debian's `sh`.
    Dash,
}

/// What `set` and `shopt` set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub errexit: bool,
    pub nounset: bool,
    pub xtrace: bool,
    pub verbose: bool,
    pub noexec: bool,
    pub noglob: bool,
    pub noclobber: bool,
    pub allexport: bool,
    pub pipefail: bool,
    pub monitor: bool,
    pub nullglob: bool,
    pub failglob: bool,
    pub nocasematch: bool,
    pub expand_aliases: bool,
    pub lastpipe: bool,
}

/// The command interpreter: `sh` and `bash`.
#[derive(Clone)]
pub struct Shell {
    started: bool,
    dialect: Dialect,
    /// `$0`.
    name: String,
    positional: Arc<Vec<String>>,
    vars: Vars,
    functions: Arc<SortedMap<String, Arc<ast::Command>>>,
    aliases: Arc<SortedMap<String, String>>,
    options: Flags,
    /// `$?`.
    status: i32,
    /// `PIPESTATUS`.
    pipe_status: Vec<i32>,
    /// How the last command substitution of the current command ended.
    substitution_status: Option<i32>,
    /// The text of the substitution that has just ended, for the frame below it.
    substituted: Option<String>,
    stack: Vec<Frame>,
    unwind: Option<Unwind>,
    /// The line of the current command.
    line: u32,
    /// What messages call the source: a script's path; empty for `-c` and interactive shells.
    script: String,
    interactive: bool,
    login: bool,
    subshell: u32,
    /// How many command substitutions this shell is inside of, for `set -x`.
    substitution_depth: u32,
    /// Whether the last command may take the shell's place.
    may_exec: bool,
    /// A forked part of a command whose failure is being tested: `set -e` does not count.
    failure_is_fine: bool,
    functions_deep: u32,
    /// `trap`: actions by the signals' names, `EXIT` and `ERR`.
    traps: SortedMap<String, String>,
    pending: VecDeque<Signal>,
    /// What `$$` is: the first shell's, also in subshells.
    main_pid: Pid,
    pid: Pid,
    parent: Pid,
    uid: u32,
    now: Time,
    since: Time,
    random: u64,
    /// `$!`.
    background: Option<Pid>,
    jobs: Vec<Job>,
    /// Children that have ended and were not asked for yet.
    reaped: SortedMap<Pid, i32>,
    /// Which of them a signal has ended.
    killed: SortedMap<Pid, Signal>,
    directories: Vec<String>,
    /// Where `getopts` stands inside an argument.
    getopts_at: usize,
    /// Files behind `/dev/fd` that are closed after the current command.
    process_fds: Vec<crate::Fd>,
    history: edit::History,
}

impl Default for Shell {
    fn default() -> Shell {
        Shell::new()
    }
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shell({}, {} frames)", self.name, self.stack.len())
    }
}

impl Program for Shell {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        self.now = sys.now();
        self.pid = sys.pid();
        if !self.started {
            self.started = true;
            if let Some(code) = self.start(sys) {
                return Step::Exit(code);
            }
        }
        self.turn(sys)
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        self.signalled(signal, sys)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
