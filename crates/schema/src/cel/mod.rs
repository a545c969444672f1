//! CEL, the Common Expression Language, with Kubernetes' libraries: what rules of custom resources and admission policies are
//! written in.
//!
//! A text becomes a [`Program`] by way of tokens (`lex`), a tree (`parse`, with `macros` written out as loops) and a check
//! of its types against an [`Env`] (`check`, `declarations`). It is run with [`Variables`] (`eval`); `call` knows the
//! operators, and `strings`, `collections`, `clock`, `libraries`, `net`, `semver`, `authorizer` the functions. What it costs
//! is estimated before and counted while it runs (`cost`). Errors have the words of the real implementation.

mod authorizer;
mod call;
mod check;
mod clock;
mod collections;
mod cost;
mod declarations;
mod eval;
mod expr;
mod format;
mod lex;
mod libraries;
mod macros;
mod net;
mod parse;
mod semver;
mod strings;
#[cfg(test)]
mod tests;
mod types;
mod val;

pub use authorizer::{Authorizer, Decision, Question};
pub use check::Env;
pub use cost::most_often;
pub use eval::{CALL_LIMIT, Variables};
pub use net::Url;
pub use semver::Semver;
pub use types::{Object, Type, escape, unescape};
pub use val::{Opaque, Val};

use drydock_sorted::Sort;
use drydock_value::Value;

/// A text that compiled.
#[derive(Debug, Clone)]
pub struct Program {
    root: expr::Expr,
}

/// What a run comes to.
#[derive(Debug)]
pub struct Outcome {
    /// The value, or why there is none.
    pub value: Result<Val, String>,
    /// What it cost.
    pub cost: u64,
}

impl Program {
    /// Reads and checks an expression.
    ///
    /// # Errors
    /// What is wrong with it: `ERROR: <input>:1:1: undeclared reference to 'x' (in container '')`, with the line and a mark
    /// below it.
    pub fn compile(text: &str, env: &Env) -> Result<Program, String> {
        let mut problems = Vec::new();
        if let Some(mut root) = parse::parse(text, env.bindings, &mut problems) {
            check::check(&mut root, env, &mut problems);
            if problems.is_empty() {
                return Ok(Program { root });
            }
        }
        problems[..].sort_compact_by_key(|(at, _)| *at);
        let shown: Vec<String> = problems.iter().take(100).map(|(at, why)| shown(text, *at, why)).collect();
        Err(shown.join("\n"))
    }

    /// The type of its value.
    pub fn result(&self) -> &Type {
        &self.root.ty
    }

    /// Whether the program names a variable.
    pub fn uses(&self, name: &str) -> bool {
        self.root.names(name)
    }

    /// Runs it.
    pub fn run(&self, variables: &dyn Variables, authorizer: Option<&dyn Authorizer>) -> Outcome {
        let mut machine = eval::Machine { variables, authorizer, locals: Vec::new(), cost: 0 };
        let value = machine.value(&self.root).map_err(|why| why.to_string());
        Outcome { value, cost: machine.cost }
    }

    /// What it may cost at most, when its variables are described by schemas (each with its name, and whether it is that of
    /// a whole resource).
    pub fn estimate(&self, places: &[(&str, &Value, bool)]) -> u64 {
        cost::estimate(&self.root, places)
    }
}

/// A problem with its line, and a mark where it is.
fn shown(text: &str, at: u32, why: &str) -> String {
    let before: Vec<char> = text.chars().take(at as usize).collect();
    let number = before.iter().filter(|c| **c == '\n').count();
    let column = before.iter().rev().take_while(|c| **c != '\n').count();
    let line = text.split('\n').nth(number).unwrap_or("").replace('\t', " ");
    format!("ERROR: <input>:{}:{}: {why}\n | {line}\n | {}^", number + 1, column + 1, ".".repeat(column))
}

impl Variables for Vec<(&str, Val)> {
    fn value(&self, name: &str) -> Option<Result<Val, String>> {
        self.as_slice().value(name)
    }
}
