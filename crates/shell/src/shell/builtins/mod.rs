//! The builtins: one row and one function each.

mod declare;
pub(super) mod directories;
mod flow;
mod info;
mod input;
mod jobs;
mod test;
mod utility;

pub(super) use input::ReadState;
pub(super) use jobs::WaitState;
pub(super) use test::evaluate_test;

use super::{Dialect, Shell};
use crate::Sys;

/// How a builtin ended.
pub(super) enum Done {
    /// With this status.
    Status(i32),
    /// It put frames on the stack; they give the status.
    Later,
}

/// What a builtin is: the words begin with its name.
pub(super) type Builtin = fn(&mut Shell, &mut Sys<'_>, &[String]) -> Done;

/// Which shells have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum In {
    All,
    /// bash and busybox.
    NotDash,
    Bash,
}

/// The table, by name.
const BUILTINS: &[(&str, In, Builtin)] = &[
    (".", In::All, flow::source),
    (":", In::All, utility::succeed),
    ("[", In::All, utility::test),
    ("alias", In::All, info::alias),
    ("bg", In::All, jobs::bg),
    ("bind", In::Bash, utility::succeed),
    ("break", In::All, flow::break_loop),
    ("builtin", In::Bash, flow::builtin),
    ("cd", In::All, directories::cd),
    ("command", In::All, flow::command),
    ("compgen", In::Bash, utility::succeed),
    ("complete", In::Bash, utility::succeed),
    ("compopt", In::Bash, utility::succeed),
    ("continue", In::All, flow::continue_loop),
    ("declare", In::Bash, declare::declare),
    ("dirs", In::Bash, directories::dirs),
    ("disown", In::Bash, jobs::disown),
    ("echo", In::All, utility::echo),
    ("eval", In::All, flow::eval),
    ("exec", In::All, flow::exec),
    ("exit", In::All, flow::exit),
    ("export", In::All, declare::export),
    ("false", In::All, utility::fail),
    ("fg", In::All, jobs::fg),
    ("getopts", In::All, input::getopts),
    ("hash", In::All, utility::hash),
    ("help", In::NotDash, info::help),
    ("history", In::NotDash, info::history),
    ("jobs", In::All, jobs::jobs),
    ("kill", In::All, jobs::kill),
    ("let", In::NotDash, utility::let_arith),
    ("local", In::All, declare::local),
    ("logout", In::Bash, flow::exit),
    ("mapfile", In::Bash, input::mapfile),
    ("popd", In::Bash, directories::popd),
    ("printf", In::All, utility::printf),
    ("pushd", In::Bash, directories::pushd),
    ("pwd", In::All, directories::pwd),
    ("read", In::All, input::read),
    ("readarray", In::Bash, input::mapfile),
    ("readonly", In::All, declare::readonly),
    ("return", In::All, flow::return_from),
    ("set", In::All, declare::set),
    ("shift", In::All, declare::shift),
    ("shopt", In::Bash, info::shopt),
    ("source", In::NotDash, flow::source),
    ("test", In::All, utility::test),
    ("times", In::All, info::times),
    ("trap", In::All, flow::trap),
    ("true", In::All, utility::succeed),
    ("type", In::All, info::type_of),
    ("typeset", In::Bash, declare::declare),
    ("ulimit", In::All, info::ulimit),
    ("umask", In::All, info::umask),
    ("unalias", In::All, info::unalias),
    ("unset", In::All, declare::unset),
    ("wait", In::All, jobs::wait),
];

/// The builtin of a name, in a dialect.
pub(super) fn find(name: &str, dialect: Dialect) -> Option<Builtin> {
    let at = BUILTINS.binary_search_by_key(&name, |(name, ..)| name).ok()?;
    let (_, shells, builtin) = BUILTINS.get(at)?;
    let has = match shells {
        In::All => true,
        In::NotDash => dialect != Dialect::Dash,
        In::Bash => dialect == Dialect::Bash,
    };
    has.then_some(*builtin)
}

/// The names of a dialect's builtins.
pub(super) fn names(dialect: Dialect) -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|(name, ..)| *name).filter(move |name| find(name, dialect).is_some())
}

/// Splits options from arguments: the letters of words that begin with `-`, up to `--` or the first other word. None: a
/// letter that is not among the known ones.
fn letters<'w>(words: &'w [String], known: &str) -> Result<(Vec<char>, &'w [String]), char> {
    let mut found = Vec::new();
    let mut at = 1;
    while let Some(word) = words.get(at) {
        if word == "--" {
            at += 1;
            break;
        }
        let Some(options) = word.strip_prefix('-').filter(|options| !options.is_empty()) else { break };
        for letter in options.chars() {
            if !known.contains(letter) {
                return Err(letter);
            }
            found.push(letter);
        }
        at += 1;
    }
    Ok((found, words.get(at..).unwrap_or_default()))
}

impl Shell {
    /// An unknown option of a builtin.
    fn invalid_option(&mut self, sys: &mut Sys<'_>, words: &[String], letter: char) -> Done {
        let name = words.first().cloned().unwrap_or_default();
        let message = match self.dialect {
            Dialect::Bash => format!("-{letter}: invalid option"),
            _ => format!("Illegal option -{letter}"),
        };
        self.complain_of(sys, &name, &message);
        Done::Status(2)
    }

    /// A builtin's complaint, with a status.
    fn failed(&mut self, sys: &mut Sys<'_>, builtin: &str, message: &str, status: i32) -> Done {
        self.complain_of(sys, builtin, message);
        Done::Status(status)
    }
}
