//! Runs `awk` programs.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use regex_lite::Regex;

use super::ast::*;
use super::library;
use crate::tools::Call;
use crate::tools::printf::float_text;
use crate::tools::regex::{Syntax, compile};
use crate::{Env, Fd, Open};

/// Operations for one line before a program counts as one that never ends.
const OPERATIONS_MAX: u32 = 1_000_000;
/// How deep functions may call each other.
const CALLS_MAX: usize = 60;
/// What a text may grow to.
const TEXT_BYTES_MAX: usize = 4 << 20;
const ELEMENTS_MAX: usize = 200_000;
/// Regular expressions that are kept compiled.
const REGEXES_MAX: usize = 200;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Never assigned: empty and zero.
    None,
    Number(f64),
    Text(Arc<str>),
    /// Text from the input: a number if it looks like one.
    Input(Arc<str>),
}

impl Value {
    pub fn text(text: &str) -> Value {
        Value::Text(text.into())
    }
}

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

    // ---- records and fields ----

    fn set_record(&mut self, line: &str) -> Run<()> {
        self.record = line.to_owned();
        let separator = self.text_of("FS");
        self.fields = self.split(line, &separator)?.iter().map(|field| Value::Input(field.as_str().into())).collect();
        self.set_number("NF", self.fields.len() as f64);
        Ok(())
    }

    /// Splits a text as fields are split.
    pub fn split(&mut self, text: &str, separator: &str) -> Run<Vec<String>> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if separator == " " {
            return Ok(text.split_whitespace().map(str::to_owned).collect());
        }
        if separator.is_empty() {
            return Ok(text.chars().map(String::from).collect());
        }
        if separator.chars().count() == 1 && separator != "\\" {
            return Ok(text.split(separator).map(str::to_owned).collect());
        }
        let regex = self.regex(separator)?;
        let mut parts = Vec::new();
        let mut at = 0;
        for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
            parts.push(text.get(at..found.start()).unwrap_or("").to_owned());
            at = found.end();
        }
        parts.push(text.get(at..).unwrap_or("").to_owned());
        Ok(parts)
    }

    /// Puts the record together again after a field was changed.
    fn rebuild(&mut self) -> Run<()> {
        let separator = self.text_of("OFS");
        let fields: Vec<String> = self.fields.clone().iter().map(|field| self.to_text(field)).collect();
        self.record = fields.join(&separator);
        self.check(self.record.len())?;
        self.set_number("NF", self.fields.len() as f64);
        Ok(())
    }

    fn field(&mut self, index: f64) -> Run<Value> {
        if index < 0.0 {
            return Err(Stop::Error(format!("trying to access out of range field {index}")));
        }
        if index < 1.0 {
            return Ok(Value::Input(self.record.as_str().into()));
        }
        Ok(self.fields.get(index as usize - 1).cloned().unwrap_or(Value::None))
    }

    fn set_field(&mut self, index: f64, value: Value) -> Run<()> {
        if !(0.0..10_000.0).contains(&index) {
            return Err(Stop::Error(format!("trying to access out of range field {index}")));
        }
        if index < 1.0 {
            let text = self.to_text(&value);
            return self.set_record(&text);
        }
        let place = index as usize - 1;
        if self.fields.len() <= place {
            self.fields.resize(place + 1, Value::None);
        }
        if let Some(field) = self.fields.get_mut(place) {
            *field = value;
        }
        self.rebuild()
    }

    // ---- values ----

    pub fn to_text(&self, value: &Value) -> String {
        match value {
            Value::None => String::new(),
            Value::Text(text) | Value::Input(text) => text.to_string(),
            Value::Number(number) => number_text(*number, "%.6g"),
        }
    }

    fn to_output(&self, value: &Value) -> String {
        match value {
            Value::Number(number) => {
                let format = match self.globals.get("OFMT") {
                    Some(Value::Text(format)) => format.to_string(),
                    _ => "%.6g".into(),
                };
                number_text(*number, &format)
            }
            value => self.to_text(value),
        }
    }

    pub fn number_of(&self, name: &str) -> f64 {
        self.globals.get(name).map_or(0.0, to_number)
    }

    pub fn text_of(&self, name: &str) -> String {
        self.globals.get(name).map_or_else(String::new, |value| self.to_text(value))
    }

    fn truth(&self, value: &Value) -> bool {
        match value {
            Value::None => false,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Input(text) => looks_numeric(text).map_or(!text.is_empty(), |number| number != 0.0),
        }
    }

    pub fn regex(&mut self, pattern: &str) -> Run<Regex> {
        if let Some(regex) = self.regexes.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = compile(pattern, Syntax::Extended, false).map_err(|m| Stop::Error(format!("{m}: /{pattern}/")))?;
        if self.regexes.len() >= REGEXES_MAX {
            self.regexes.clear();
        }
        self.regexes.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }

    /// An expression as a pattern: a regular expression is meant as one, anything else gives its text.
    pub fn pattern(&mut self, expr: &Expr, call: &mut Call<'_, '_>) -> Run<Regex> {
        let text = match expr {
            Expr::Regex(text) => text.clone(),
            expr => {
                let value = self.eval(expr, call)?;
                self.to_text(&value)
            }
        };
        self.regex(&text)
    }

    pub fn check(&self, bytes: usize) -> Run<()> {
        if bytes > TEXT_BYTES_MAX { Err(Stop::Error("a text has grown too large".into())) } else { Ok(()) }
    }

    // ---- variables ----

    fn get(&self, name: &str) -> Value {
        if let Some(frame) = self.frames.last()
            && let Some(local) = frame.get(name)
        {
            return match local {
                Local::Value(value) => value.clone(),
                Local::Array(_) => Value::None,
            };
        }
        self.globals.get(name).cloned().unwrap_or(Value::None)
    }

    fn set(&mut self, name: &str, value: Value) -> Run<()> {
        if let Some(local) = self.frames.last_mut().and_then(|frame| frame.get_mut(name)) {
            *local = Local::Value(value);
            return Ok(());
        }
        if name == "NF" {
            let count = to_number(&value).clamp(0.0, 10_000.0) as usize;
            self.fields.resize(count, Value::None);
            return self.rebuild();
        }
        self.globals.insert(name.to_owned(), value);
        Ok(())
    }

    /// The real name of an array: parameters lead to those of the caller.
    fn array_name(&mut self, name: &str) -> String {
        match self.frames.last_mut().and_then(|frame| frame.get_mut(name)) {
            Some(Local::Array(name)) => name.clone(),
            Some(local @ Local::Value(Value::None)) => {
                // A local that is used as an array becomes one, with a name that no program can write.
                self.names += 1;
                let own = format!("{name} {}", self.names);
                *local = Local::Array(own.clone());
                own
            }
            _ => name.to_owned(),
        }
    }

    pub fn array(&mut self, name: &str) -> &mut Array {
        let name = self.array_name(name);
        self.arrays.entry(name).or_default()
    }

    fn key(&mut self, index: &[Expr], call: &mut Call<'_, '_>) -> Run<String> {
        let mut parts = Vec::with_capacity(index.len());
        for expr in index {
            let value = self.eval(expr, call)?;
            parts.push(self.to_text(&value));
        }
        Ok(if parts.len() == 1 { parts.pop().unwrap_or_default() } else { parts.join(&self.text_of("SUBSEP")) })
    }

    pub fn assign(&mut self, target: &Expr, value: Value, call: &mut Call<'_, '_>) -> Run<()> {
        match target {
            Expr::Var(name) => self.set(name, value),
            Expr::Field(index) => {
                let index = self.eval(index, call)?;
                self.set_field(to_number(&index), value)
            }
            Expr::Index(name, index) => {
                let key = self.key(index, call)?;
                let array = self.array(name);
                if array.len() >= ELEMENTS_MAX && !array.contains_key(&key) {
                    return Err(Stop::Error("an array has grown too large".into()));
                }
                array.insert(key, value);
                Ok(())
            }
            Expr::Group(inner) => self.assign(inner, value, call),
            _ => Err(Stop::Error("assignment to something that is no variable".into())),
        }
    }

    // ---- statements ----

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

    // ---- expressions ----

    fn condition(&mut self, expr: &Expr, call: &mut Call<'_, '_>) -> Run<bool> {
        let value = self.eval(expr, call)?;
        Ok(self.truth(&value))
    }

    pub fn eval(&mut self, expr: &Expr, call: &mut Call<'_, '_>) -> Run<Value> {
        self.count()?;
        let number = |value: f64| Ok(Value::Number(value));
        match expr {
            Expr::Number(value) => number(*value),
            Expr::Text(text) => Ok(Value::text(text)),
            Expr::Regex(text) => {
                let regex = self.regex(text)?;
                number(f64::from(u8::from(regex.is_match(&self.record))))
            }
            Expr::Var(name) => Ok(self.get(name)),
            Expr::Group(inner) => self.eval(inner, call),
            Expr::Field(index) => {
                let index = self.eval(index, call)?;
                self.field(to_number(&index))
            }
            Expr::Index(name, index) => {
                let key = self.key(index, call)?;
                let array = self.array(name);
                if array.len() < ELEMENTS_MAX {
                    return Ok(array.entry(key).or_insert(Value::None).clone());
                }
                Ok(array.get(&key).cloned().unwrap_or(Value::None))
            }
            Expr::Assign(target, value) => {
                let value = self.eval(value, call)?;
                self.assign(target, value.clone(), call)?;
                Ok(value)
            }
            Expr::Update(op, target, value) => {
                let right = to_number(&self.eval(value, call)?);
                let left = to_number(&self.eval(target, call)?);
                let value = Value::Number(arithmetic(*op, left, right)?);
                self.assign(target, value.clone(), call)?;
                Ok(value)
            }
            Expr::Step(by, old, target) => {
                let before = to_number(&self.eval(target, call)?);
                self.assign(target, Value::Number(before + by), call)?;
                number(if *old { before } else { before + by })
            }
            Expr::Binary(op, left, right) => {
                let left = to_number(&self.eval(left, call)?);
                let right = to_number(&self.eval(right, call)?);
                number(arithmetic(*op, left, right)?)
            }
            Expr::Concat(left, right) => {
                let (left, right) = (self.eval(left, call)?, self.eval(right, call)?);
                let text = self.to_text(&left) + &self.to_text(&right);
                self.check(text.len())?;
                Ok(Value::Text(text.into()))
            }
            Expr::Compare(op, left, right) => {
                let (left, right) = (self.eval(left, call)?, self.eval(right, call)?);
                number(f64::from(u8::from(self.compare(op, &left, &right))))
            }
            Expr::Match(wanted, text, pattern) => {
                let text = self.eval(text, call)?;
                let text = self.to_text(&text);
                let regex = self.pattern(pattern, call)?;
                number(f64::from(u8::from(regex.is_match(&text) == *wanted)))
            }
            Expr::In(keys, array) => {
                let key = self.key(keys, call)?;
                number(f64::from(u8::from(self.array(array).contains_key(&key))))
            }
            Expr::And(left, right) => {
                let value = self.condition(left, call)? && self.condition(right, call)?;
                number(f64::from(u8::from(value)))
            }
            Expr::Or(left, right) => {
                let value = self.condition(left, call)? || self.condition(right, call)?;
                number(f64::from(u8::from(value)))
            }
            Expr::Not(inner) => {
                let value = !self.condition(inner, call)?;
                number(f64::from(u8::from(value)))
            }
            Expr::Negate(inner) => {
                let value = -to_number(&self.eval(inner, call)?);
                number(value)
            }
            Expr::Plus(inner) => {
                let value = to_number(&self.eval(inner, call)?);
                number(value)
            }
            Expr::Choose(test, yes, no) => {
                let branch = if self.condition(test, call)? { yes } else { no };
                self.eval(branch, call)
            }
            Expr::Call(name, arguments) => self.call(name, arguments, call),
            Expr::GetLine(into, file) => self.get_line(into.as_deref(), file, call),
        }
    }

    fn get_line(&mut self, into: Option<&Expr>, file: &Expr, call: &mut Call<'_, '_>) -> Run<Value> {
        let value = self.eval(file, call)?;
        let name = self.to_text(&value);
        if !self.inputs.contains_key(&name) {
            let Ok(bytes) = call.sys.read_file(&name) else { return Ok(Value::Number(-1.0)) };
            let lines = String::from_utf8_lossy(&bytes).lines().rev().map(str::to_owned).collect();
            self.inputs.insert(name.clone(), lines);
        }
        let Some(line) = self.inputs.get_mut(&name).and_then(Vec::pop) else { return Ok(Value::Number(0.0)) };
        match into {
            Some(target) => self.assign(target, Value::Input(line.into()), call)?,
            None => self.set_record(&line)?,
        }
        Ok(Value::Number(1.0))
    }

    fn compare(&self, op: &str, left: &Value, right: &Value) -> bool {
        let numeric = |value: &Value| match value {
            Value::None => Some(0.0),
            Value::Number(number) => Some(*number),
            Value::Input(text) => looks_numeric(text),
            Value::Text(_) => None,
        };
        let order = match (numeric(left), numeric(right)) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => Some(self.to_text(left).cmp(&self.to_text(right))),
        };
        let Some(order) = order else { return op == "!=" };
        match op {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            "==" => order.is_eq(),
            "!=" => order.is_ne(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }
    }

    fn call(&mut self, name: &str, arguments: &[Expr], call: &mut Call<'_, '_>) -> Run<Value> {
        let program = Arc::clone(&self.program);
        let Some(function) = program.functions.iter().find(|function| function.name == name) else {
            return library::call(self, name, arguments, call);
        };
        if self.frames.len() >= CALLS_MAX {
            return Err(Stop::Error(format!("{name}: functions are nested too deep")));
        }
        let mut frame = SortedMap::new();
        for (at, param) in function.params.iter().enumerate() {
            let local = match arguments.get(at) {
                None => Local::Value(Value::None),
                Some(Expr::Var(name)) if self.is_array(name) => Local::Array(self.array_name(name)),
                // A name that was never used may become an array in the function.
                Some(Expr::Var(name)) if self.get(name) == Value::None && !self.globals.contains_key(name) => {
                    if self.frames.last().is_none_or(|frame| !frame.contains_key(name)) {
                        self.names += 1;
                        Local::Array(name.clone())
                    } else {
                        Local::Value(Value::None)
                    }
                }
                Some(expr) => Local::Value(self.eval(expr, call)?),
            };
            frame.insert(param.clone(), local);
        }
        self.frames.push(frame);
        let result = self.block(&function.body, call);
        self.frames.pop();
        match result {
            Ok(()) => Ok(Value::None),
            Err(Stop::Return(value)) => Ok(value),
            Err(stop) => Err(stop),
        }
    }

    pub fn is_named_array(&self, name: &str) -> bool {
        self.is_array(name)
    }

    fn is_array(&self, name: &str) -> bool {
        match self.frames.last().and_then(|frame| frame.get(name)) {
            Some(Local::Array(_)) => true,
            Some(Local::Value(_)) => false,
            None => self.arrays.contains_key(name),
        }
    }

    pub fn record(&self) -> &str {
        &self.record
    }
}

fn arithmetic(op: char, a: f64, b: f64) -> Run<f64> {
    Ok(match op {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '^' => a.powf(b),
        '/' | '%' if b == 0.0 => {
            return Err(Stop::Error(if op == '/' {
                "division by zero".into()
            } else {
                "division by zero in %".into()
            }));
        }
        '/' => a / b,
        _ => a % b,
    })
}

/// The number at the beginning of a text.
pub(super) fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let start = end;
    while digit(end) {
        end += 1;
    }
    if bytes.get(end) == Some(&b'.') && (digit(end + 1) || end > start) {
        end += 1;
        while digit(end) {
            end += 1;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) && end > start {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digit(end + 1 + sign) {
            end += 1 + sign;
            while digit(end) {
                end += 1;
            }
        }
    }
    text.get(..end).and_then(|number| number.trim_start_matches('+').parse().ok()).unwrap_or(0.0)
}

/// The number that a text as a whole is.
fn looks_numeric(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let plain = trimmed.trim_start_matches(['+', '-']);
    if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    trimmed.trim_start_matches('+').parse().ok()
}

pub(super) fn to_number(value: &Value) -> f64 {
    match value {
        Value::None => 0.0,
        Value::Number(number) => *number,
        Value::Text(text) | Value::Input(text) => leading_number(text),
    }
}

/// A number as text: whole numbers plainly, others by a format.
fn number_text(number: f64, format: &str) -> String {
    if number.fract() == 0.0 && number.abs() < 1e16 {
        return format!("{}", number as i64);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let precision = format.trim_start_matches("%.").trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok();
    let conversion = format.chars().next_back().filter(|c| matches!(c, 'f' | 'e' | 'g')).unwrap_or('g');
    format!("{sign}{}", float_text(number.abs(), conversion, precision, false))
}
