//! Runs `awk` programs: statements. `value` has the values, `record` the line and its fields, `variables` the names, `expression`
//! the expressions.

mod expression;
mod record;
mod value;
mod variables;

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use regex_lite::Regex;

use super::ast::*;
use super::library;
use crate::tools::Call;
use crate::{Env, Fd, Open};
use value::looks_numeric;
pub(super) use value::{Value, leading_number, to_number};

/// Operations for one line before a program counts as one that never ends.
const OPERATIONS_MAX: u32 = 1_000_000;
/// How deep functions may call each other.
const CALLS_MAX: usize = 60;
/// What a text may grow to.
const TEXT_BYTES_MAX: usize = 4 << 20;
const ELEMENTS_MAX: usize = 200_000;
/// Regular expressions that are kept compiled.
const REGEXES_MAX: usize = 200;

/// Why statements stopped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    Next,
    NextFile,
    Exit,
    Break,
    Continue,
    Return(Value),
    Error(String),
}

type Run<T> = Result<T, Stop>;
type Array = SortedMap<String, Value>;

/// What a name means in a function.
#[derive(Debug, Clone)]
enum Local {
    Value(Value),
    /// An array, by its real name.
    Array(String),
}

#[derive(Clone)]
pub(super) struct Awk {
    program: Arc<Program>,
    globals: SortedMap<String, Value>,
    arrays: SortedMap<String, Array>,
    frames: Vec<SortedMap<String, Local>>,
    record: String,
    fields: Vec<Value>,
    /// Which range patterns are open.
    ranges: Vec<bool>,
    pub regexes: SortedMap<String, Regex>,
    operations: u32,
    pub random: u64,
    pub seed: f64,
    pub code: i32,
    exited: bool,
    files: SortedMap<String, Fd>,
    inputs: SortedMap<String, Vec<String>>,
    names: u32,
}

impl Awk {
    pub fn new(program: Arc<Program>, env: &Env, random: u64) -> Awk {
        let mut awk = Awk {
            ranges: vec![false; program.rules.len()],
            program,
            globals: SortedMap::new(),
            arrays: SortedMap::new(),
            frames: Vec::new(),
            record: String::new(),
            fields: Vec::new(),
            regexes: SortedMap::new(),
            operations: 0,
            random,
            seed: 0.0,
            code: 0,
            exited: false,
            files: SortedMap::new(),
            inputs: SortedMap::new(),
            names: 0,
        };
        for (name, value) in [
            ("FS", " "),
            ("OFS", " "),
            ("ORS", "\n"),
            ("RS", "\n"),
            ("SUBSEP", "\x1c"),
            ("CONVFMT", "%.6g"),
            ("OFMT", "%.6g"),
        ] {
            awk.set_text(name, value);
        }
        for name in ["NR", "FNR", "NF", "RSTART"] {
            awk.set_number(name, 0.0);
        }
        awk.set_number("RLENGTH", -1.0);
        let entries = env.iter().map(|(name, value)| (name.clone(), Value::Input(value.as_str().into())));
        awk.arrays.insert("ENVIRON".into(), entries.collect());
        awk
    }

    pub fn set_text(&mut self, name: &str, text: &str) {
        self.globals.insert(name.to_owned(), Value::text(text));
    }

    pub fn set_input(&mut self, name: &str, text: &str) {
        self.globals.insert(name.to_owned(), Value::Input(text.into()));
    }

    pub fn set_number(&mut self, name: &str, number: f64) {
        self.globals.insert(name.to_owned(), Value::Number(number));
    }

    pub fn set_arguments(&mut self, words: &[String]) {
        self.set_number("ARGC", words.len() as f64);
        let entries = words.iter().enumerate().map(|(at, word)| (at.to_string(), Value::Input(word.as_str().into())));
        self.arrays.insert("ARGV".into(), entries.collect());
    }

    /// Whether there is anything to do with input.
    pub fn reads_input(&self) -> bool {
        !self.exited && (!self.program.rules.is_empty() || !self.program.end.is_empty())
    }

    pub fn begin(&mut self, call: &mut Call<'_, '_>) -> Run<()> {
        let program = Arc::clone(&self.program);
        for body in &program.begin {
            self.operations = 0;
            self.block(body, call)?;
        }
        Ok(())
    }

    pub fn end(&mut self, call: &mut Call<'_, '_>) -> Run<()> {
        if self.exited {
            return Ok(());
        }
        let program = Arc::clone(&self.program);
        for body in &program.end {
            self.operations = 0;
            match self.block(body, call) {
                Ok(()) | Err(Stop::Next) => {}
                Err(Stop::Exit) => break,
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    /// One line of input.
    pub fn line(&mut self, line: &str, call: &mut Call<'_, '_>) -> Run<()> {
        self.operations = 0;
        for name in ["NR", "FNR"] {
            let count = self.number_of(name);
            self.set_number(name, count + 1.0);
        }
        self.set_record(line)?;
        let program = Arc::clone(&self.program);
        for (index, rule) in program.rules.iter().enumerate() {
            let selected = match &rule.pattern {
                Pattern::Always => true,
                Pattern::When(expr) => self.condition(expr, call)?,
                Pattern::Range(first, last) => {
                    let open = self.ranges.get(index).copied().unwrap_or(false);
                    let selected = open || self.condition(first, call)?;
                    let still = selected && !self.condition(last, call)?;
                    if let Some(range) = self.ranges.get_mut(index) {
                        *range = still;
                    }
                    selected
                }
            };
            if !selected {
                continue;
            }
            match &rule.action {
                None => {
                    let text = format!("{}{}", self.record, self.text_of("ORS"));
                    call.print(&text);
                }
                Some(body) => match self.block(body, call) {
                    Err(Stop::Next) => break,
                    result => result?,
                },
            }
        }
        call.sys.charge(self.operations / 20);
        Ok(())
    }

    fn count(&mut self) -> Run<()> {
        self.operations += 1;
        if self.operations > OPERATIONS_MAX {
            return Err(Stop::Error("the program does not come to an end".into()));
        }
        Ok(())
    }

    fn block(&mut self, body: &[Stmt], call: &mut Call<'_, '_>) -> Run<()> {
        body.iter().try_for_each(|statement| self.statement(statement, call))
    }

    /// Runs the body of a loop; whether the loop ends.
    fn round(&mut self, body: &[Stmt], call: &mut Call<'_, '_>) -> Run<bool> {
        match self.block(body, call) {
            Ok(()) | Err(Stop::Continue) => Ok(false),
            Err(Stop::Break) => Ok(true),
            Err(stop) => Err(stop),
        }
    }

    fn statement(&mut self, statement: &Stmt, call: &mut Call<'_, '_>) -> Run<()> {
        self.count()?;
        match statement {
            Stmt::Expr(expr) => self.eval(expr, call).map(|_| ()),
            Stmt::Block(body) => self.block(body, call),
            Stmt::Print(values, output) => {
                let mut text = String::new();
                if values.is_empty() {
                    text.clone_from(&self.record);
                }
                let separator = self.text_of("OFS");
                for (at, expr) in values.iter().enumerate() {
                    if at > 0 {
                        text.push_str(&separator);
                    }
                    let value = self.eval(expr, call)?;
                    text.push_str(&self.to_output(&value));
                }
                text.push_str(&self.text_of("ORS"));
                self.output(&text, output.as_ref(), call)
            }
            Stmt::Printf(values, output) => {
                let mut list = Vec::with_capacity(values.len());
                for expr in values {
                    list.push(self.eval(expr, call)?);
                }
                let text = library::sprintf(self, &list)?;
                self.output(&text, output.as_ref(), call)
            }
            Stmt::If(test, yes, no) => {
                let body = if self.condition(test, call)? { yes } else { no };
                self.block(body, call)
            }
            Stmt::While(test, body) => {
                while self.condition(test, call)? {
                    self.count()?;
                    if self.round(body, call)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::Do(body, test) => loop {
                self.count()?;
                if self.round(body, call)? || !self.condition(test, call)? {
                    return Ok(());
                }
            },
            Stmt::For(init, test, next, body) => {
                if let Some(init) = init {
                    self.statement(init, call)?;
                }
                loop {
                    self.count()?;
                    if let Some(test) = test
                        && !self.condition(test, call)?
                    {
                        return Ok(());
                    }
                    if self.round(body, call)? {
                        return Ok(());
                    }
                    if let Some(next) = next {
                        self.statement(next, call)?;
                    }
                }
            }
            Stmt::ForIn(var, array, body) => {
                // Numbers first, in order: what a reader expects, and the same on every run.
                let mut keys: Vec<String> = self.array(array).keys().cloned().collect();
                keys.sort_compact_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) => a.total_cmp(&b),
                    (Ok(_), Err(_)) => std::cmp::Ordering::Less,
                    (Err(_), Ok(_)) => std::cmp::Ordering::Greater,
                    (Err(_), Err(_)) => a.cmp(b),
                });
                for key in keys {
                    self.count()?;
                    self.set(var, Value::Input(key.into()))?;
                    if self.round(body, call)? {
                        break;
                    }
                }
                Ok(())
            }
            Stmt::Next => Err(Stop::Next),
            Stmt::NextFile => Err(Stop::NextFile),
            Stmt::Break => Err(Stop::Break),
            Stmt::Continue => Err(Stop::Continue),
            Stmt::Exit(value) => {
                if let Some(expr) = value {
                    let value = self.eval(expr, call)?;
                    self.code = to_number(&value) as i32 & 0xff;
                }
                Err(Stop::Exit)
            }
            Stmt::Return(value) => {
                let value = match value {
                    Some(expr) => self.eval(expr, call)?,
                    None => Value::None,
                };
                Err(Stop::Return(value))
            }
            Stmt::Delete(name, None) => {
                self.array(name).clear();
                Ok(())
            }
            Stmt::Delete(name, Some(index)) => {
                let key = self.key(index, call)?;
                self.array(name).remove(&key);
                Ok(())
            }
            Stmt::GetLine => Err(Stop::Error("getline without a file is not supported here".into())),
        }
    }

    fn output(&mut self, text: &str, output: Option<&Output>, call: &mut Call<'_, '_>) -> Run<()> {
        let (expr, open) = match output {
            None => {
                call.print(text);
                return Ok(());
            }
            Some(Output::Write(expr)) => (expr, Open::Write),
            Some(Output::Append(expr)) => (expr, Open::Append),
        };
        let value = self.eval(expr, call)?;
        let name = self.to_text(&value);
        let fd = match (name.as_str(), self.files.get(&name)) {
            ("/dev/stdout", _) => {
                call.print(text);
                return Ok(());
            }
            ("/dev/stderr", _) => {
                call.flush();
                call.sys.eprint(text);
                return Ok(());
            }
            (_, Some(fd)) => *fd,
            (_, None) => {
                let fd = call
                    .sys
                    .open(&name, open)
                    .map_err(|error| Stop::Error(format!("can't redirect to {name} ({error})")))?;
                self.files.insert(name, fd);
                fd
            }
        };
        call.sys.put(fd, text.as_bytes()).map_err(|error| Stop::Error(format!("write failure ({error})")))
    }

    /// Closes a file; whether it was open.
    pub fn close(&mut self, name: &str, call: &mut Call<'_, '_>) -> bool {
        if let Some(fd) = self.files.remove(name) {
            call.sys.close(fd);
            return true;
        }
        self.inputs.remove(name).is_some()
    }
}
