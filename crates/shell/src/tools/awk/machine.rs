//! Running an awk program: values, fields, statements.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Binary, Expr, Lvalue, Pattern, Program, Rule, Slot, Statement};
use super::format::format;
use super::value::Value;

/// Steps of one call (a record's rules, `BEGIN`, `END`): more are taken for a loop without an end.
const STEPS_MAX: u32 = 3_000_000;
/// How deep functions may call each other.
const CALLS_MAX: usize = 100;
/// How many fields and elements there may be.
const ELEMENTS_MAX: usize = 1_000_000;

pub(super) type Outcome<T> = Result<T, String>;
type Array = BTreeMap<Arc<str>, Value>;

/// The globals that awk itself knows, by number.
pub(super) const SPECIAL: &[&str] = &[
    "NF", "NR", "FNR", "FS", "OFS", "ORS", "RS", "FILENAME", "SUBSEP", "RSTART", "RLENGTH", "CONVFMT", "OFMT",
    "ENVIRON",
];
const NF: usize = 0;
pub(super) const NR: usize = 1;
pub(super) const FNR: usize = 2;
const FS: usize = 3;
const OFS: usize = 4;
const ORS: usize = 5;
pub(super) const RS: usize = 6;
pub(super) const FILENAME: usize = 7;
const SUBSEP: usize = 8;
pub(super) const RSTART: usize = 9;
pub(super) const RLENGTH: usize = 10;
const CONVFMT: usize = 11;
const OFMT: usize = 12;
pub(super) const ENVIRON: usize = 13;

/// Where control goes after a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Control {
    Next,
    Break,
    Continue,
    NextRecord,
    NextFile,
    Return,
    Exit,
}

#[derive(Debug, Clone)]
enum Local {
    Scalar(Value),
    /// An array, by number.
    Array(usize),
}

/// What was printed: to standard output, or to a file (and whether at its end).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Print {
    Out(String),
    File { path: String, append: bool, text: String },
}

/// A program with its state.
#[derive(Clone)]
pub(super) struct Machine {
    program: Arc<Program>,
    globals: Vec<Value>,
    /// The global of number N has the array of number N; those of calls come behind.
    arrays: Vec<Array>,
    locals: Vec<Vec<Local>>,
    record: Arc<str>,
    fields: Vec<Value>,
    /// Whether the fields are those of the record.
    split: bool,
    in_range: Vec<bool>,
    steps: u32,
    pub printed: Vec<Print>,
    pub exit_code: i32,
    returned: Value,
    pub(super) random: u64,
    pub(super) seed: f64,
    pub(super) now: drydock_value::Time,
    /// Records that `getline` may take.
    pub input: std::collections::VecDeque<String>,
}

impl Machine {
    pub fn new(program: Program) -> Machine {
        let count = program.globals.len();
        let mut machine = Machine {
            in_range: vec![false; program.rules.len()],
            program: Arc::new(program),
            globals: vec![Value::Unset; count],
            arrays: vec![Array::new(); count],
            locals: Vec::new(),
            record: Arc::from(""),
            fields: Vec::new(),
            split: true,
            steps: 0,
            printed: Vec::new(),
            exit_code: 0,
            returned: Value::Unset,
            random: 1,
            seed: 0.0,
            now: drydock_value::Time::default(),
            input: std::collections::VecDeque::new(),
        };
        for (number, text) in
            [(FS, " "), (OFS, " "), (ORS, "\n"), (RS, "\n"), (SUBSEP, "\x1c"), (CONVFMT, "%.6g"), (OFMT, "%.6g")]
        {
            machine.globals[number] = Value::text(text);
        }
        machine
    }

    /// Sets a variable from outside, as `-v` does. Names that the program does not use are ignored.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Some(number) = self.program.globals.iter().position(|global| global == name) {
            self.globals[number] = value;
        }
    }

    pub fn set_special(&mut self, number: usize, value: Value) {
        self.globals[number] = value;
    }

    pub fn special_text(&self, number: usize) -> Arc<str> {
        self.globals[number].to_text("%.6g")
    }

    pub fn set_environment(&mut self, env: &crate::Env) {
        self.arrays[ENVIRON] =
            env.iter().map(|(name, value)| (Arc::from(name.as_str()), Value::input(value))).collect();
    }

    pub fn reads_input(&self) -> bool {
        !self.program.rules.is_empty() || !self.program.end.is_empty()
    }

    // ---- running ----

    pub fn begin(&mut self) -> Outcome<Control> {
        let program = self.program.clone();
        self.blocks(&program.begin)
    }

    pub fn end(&mut self) -> Outcome<Control> {
        let program = self.program.clone();
        self.blocks(&program.end)
    }

    fn blocks(&mut self, blocks: &[Vec<Statement>]) -> Outcome<Control> {
        self.steps = 0;
        for block in blocks {
            match self.block(block)? {
                Control::Exit => return Ok(Control::Exit),
                Control::NextRecord | Control::NextFile => return Err("next used in BEGIN or END".into()),
                _ => {}
            }
        }
        Ok(Control::Next)
    }

    /// Runs the rules on a record.
    pub fn record(&mut self, record: &str) -> Outcome<Control> {
        self.steps = 0;
        self.count_record();
        self.set_record(record);
        let program = self.program.clone();
        for (number, rule) in program.rules.iter().enumerate() {
            if !self.applies(number, rule)? {
                continue;
            }
            let control = match &rule.action {
                Some(action) => self.block(action)?,
                None => {
                    let (record, end) = (self.whole_record(), self.special_text(ORS));
                    self.print(None, format!("{record}{end}"));
                    Control::Next
                }
            };
            match control {
                Control::NextRecord => break,
                Control::Exit | Control::NextFile => return Ok(control),
                _ => {}
            }
        }
        Ok(Control::Next)
    }

    fn count_record(&mut self) {
        for number in [NR, FNR] {
            self.globals[number] = Value::Number(self.globals[number].number() + 1.0);
        }
    }

    fn applies(&mut self, number: usize, rule: &Rule) -> Outcome<bool> {
        match &rule.pattern {
            Pattern::Always => Ok(true),
            Pattern::When(condition) => self.condition(condition),
            Pattern::Range(from, to) => {
                let inside = self.in_range[number] || self.condition(from)?;
                self.in_range[number] = inside && !self.condition(to)?;
                Ok(inside)
            }
        }
    }

    fn block(&mut self, statements: &[Statement]) -> Outcome<Control> {
        for statement in statements {
            match self.statement(statement)? {
                Control::Next => {}
                control => return Ok(control),
            }
        }
        Ok(Control::Next)
    }

    pub(super) fn step(&mut self) -> Outcome<()> {
        self.steps += 1;
        if self.steps > STEPS_MAX { Err(format!("no end after {STEPS_MAX} steps")) } else { Ok(()) }
    }

    fn statement(&mut self, statement: &Statement) -> Outcome<Control> {
        self.step()?;
        match statement {
            Statement::Expression(expression) => self.value(expression).map(|_| Control::Next),
            Statement::Print { values, format, to } => self.print_statement(values, *format, to.as_ref()),
            Statement::If(condition, then, otherwise) => {
                let branch = if self.condition(condition)? { then } else { otherwise };
                self.block(branch)
            }
            Statement::Block(statements) => self.block(statements),
            Statement::While(condition, body) => self.repeat(Some(condition), body, None),
            Statement::DoWhile(body, condition) => match self.block(body)? {
                Control::Break => Ok(Control::Next),
                Control::Next | Control::Continue => self.repeat(Some(condition), body, None),
                control => Ok(control),
            },
            Statement::For(start, condition, step, body) => {
                if let Some(start) = start {
                    self.statement(start)?;
                }
                self.repeat(condition.as_ref(), body, step.as_deref())
            }
            Statement::ForIn(variable, array, body) => self.for_in(variable, *array, body),
            Statement::Delete(array, index) => {
                let array = self.array(*array)?;
                match index {
                    None => self.arrays[array].clear(),
                    Some(index) => {
                        let key = self.key(index)?;
                        self.arrays[array].remove(&key);
                    }
                }
                Ok(Control::Next)
            }
            Statement::Next => Ok(Control::NextRecord),
            Statement::NextFile => Ok(Control::NextFile),
            Statement::Break => Ok(Control::Break),
            Statement::Continue => Ok(Control::Continue),
            Statement::Exit(code) => {
                if let Some(code) = code {
                    self.exit_code = self.value(code)?.number() as i32 & 0xff;
                }
                Ok(Control::Exit)
            }
            Statement::Return(value) => {
                self.returned = match value {
                    Some(value) => self.value(value)?,
                    None => Value::Unset,
                };
                Ok(Control::Return)
            }
        }
    }

    fn repeat(&mut self, condition: Option<&Expr>, body: &[Statement], step: Option<&Statement>) -> Outcome<Control> {
        loop {
            self.step()?;
            if let Some(condition) = condition
                && !self.condition(condition)?
            {
                return Ok(Control::Next);
            }
            match self.block(body)? {
                Control::Next | Control::Continue => {}
                Control::Break => return Ok(Control::Next),
                control => return Ok(control),
            }
            if let Some(step) = step {
                self.statement(step)?;
            }
        }
    }

    fn for_in(&mut self, variable: &Lvalue, array: Slot, body: &[Statement]) -> Outcome<Control> {
        let array = self.array(array)?;
        let mut keys: Vec<Arc<str>> = self.arrays[array].keys().cloned().collect();
        // awk promises no order; whole numbers in theirs are what people expect.
        keys.sort_by_key(|key| key.parse::<i64>().ok().map_or((1, 0), |number| (0, number)));
        for key in keys {
            self.assign(variable, Value::input(&key))?;
            match self.block(body)? {
                Control::Next | Control::Continue => {}
                Control::Break => break,
                control => return Ok(control),
            }
        }
        Ok(Control::Next)
    }

    fn print_statement(&mut self, values: &[Expr], formatted: bool, to: Option<&(Expr, bool)>) -> Outcome<Control> {
        let values: Vec<Value> = values.iter().map(|value| self.value(value)).collect::<Outcome<_>>()?;
        let text = if formatted {
            let pattern = values[0].to_text(&self.special_text(CONVFMT));
            format(&pattern, &values[1..])
        } else {
            let number_format = self.special_text(OFMT);
            let (separator, end) = (self.special_text(OFS), self.special_text(ORS));
            if values.is_empty() {
                format!("{}{end}", self.whole_record())
            } else {
                let texts: Vec<Arc<str>> = values.iter().map(|value| value.to_text(&number_format)).collect();
                format!("{}{end}", texts.join(&*separator))
            }
        };
        let to = match to {
            Some((path, append)) => Some((self.text(path)?.to_string(), *append)),
            None => None,
        };
        self.print(to, text);
        Ok(Control::Next)
    }

    fn print(&mut self, to: Option<(String, bool)>, text: String) {
        match (to, self.printed.last_mut()) {
            (None, Some(Print::Out(before))) => before.push_str(&text),
            (None, _) => self.printed.push(Print::Out(text)),
            (Some((path, _)), _) if path == "/dev/stdout" => self.printed.push(Print::Out(text)),
            (Some((path, append)), _) => self.printed.push(Print::File { path, append, text }),
        }
    }

    // ---- the record and its fields ----

    pub(super) fn set_record(&mut self, record: &str) {
        self.record = Arc::from(record);
        self.split = false;
    }

    fn split_record(&mut self) {
        if !self.split {
            self.split = true;
            let separator = self.special_text(FS);
            self.fields =
                super::functions::split(&self.record, &separator).iter().map(|field| Value::input(field)).collect();
            self.globals[NF] = Value::Number(self.fields.len() as f64);
        }
    }

    pub(super) fn whole_record(&self) -> Arc<str> {
        self.record.clone()
    }

    fn field(&mut self, index: f64) -> Outcome<Value> {
        if index < 0.0 {
            return Err(format!("attempt to access field {index}"));
        }
        if index < 1.0 {
            return Ok(Value::input(&self.record));
        }
        self.split_record();
        Ok(self.fields.get(index as usize - 1).cloned().unwrap_or(Value::Unset))
    }

    fn set_field(&mut self, index: f64, value: Value) -> Outcome<()> {
        if index < 0.0 || index > ELEMENTS_MAX as f64 {
            return Err(format!("attempt to access field {index}"));
        }
        let index = index as usize;
        if index == 0 {
            let text = value.to_text(&self.special_text(CONVFMT));
            self.set_record(&text);
            return Ok(());
        }
        self.split_record();
        if self.fields.len() < index {
            self.fields.resize(index, Value::text(""));
            self.globals[NF] = Value::Number(index as f64);
        }
        self.fields[index - 1] = value;
        self.join_record();
        Ok(())
    }

    fn join_record(&mut self) {
        let (separator, number_format) = (self.special_text(OFS), self.special_text(CONVFMT));
        let texts: Vec<Arc<str>> = self.fields.iter().map(|field| field.to_text(&number_format)).collect();
        self.record = Arc::from(texts.join(&*separator));
    }

    // ---- variables ----

    fn variable(&mut self, slot: Slot) -> Outcome<Value> {
        match slot {
            Slot::Global(NF) => {
                self.split_record();
                Ok(self.globals[NF].clone())
            }
            Slot::Global(number) => Ok(self.globals[number].clone()),
            Slot::Local(at) => match self.locals.last().and_then(|frame| frame.get(at)) {
                Some(Local::Scalar(value)) => Ok(value.clone()),
                Some(Local::Array(number)) if self.arrays[*number].is_empty() => Ok(Value::Unset),
                Some(Local::Array(_)) => Err("attempt to use an array in a scalar context".into()),
                None => Ok(Value::Unset),
            },
        }
    }

    /// The number of the array that a name means; a local that was never used becomes one.
    pub(super) fn array(&mut self, slot: Slot) -> Outcome<usize> {
        let at = match slot {
            Slot::Global(number) => return Ok(number),
            Slot::Local(at) => at,
        };
        let fresh = self.arrays.len();
        match self.locals.last_mut().and_then(|frame| frame.get_mut(at)) {
            Some(Local::Array(number)) => Ok(*number),
            Some(local @ Local::Scalar(Value::Unset)) => {
                *local = Local::Array(fresh);
                self.arrays.push(Array::new());
                Ok(fresh)
            }
            _ => Err("attempt to use a scalar as an array".into()),
        }
    }

    pub(super) fn elements(&mut self, array: usize) -> &mut Array {
        &mut self.arrays[array]
    }

    pub(super) fn assign(&mut self, target: &Lvalue, value: Value) -> Outcome<()> {
        match target {
            Lvalue::Variable(Slot::Global(NF)) => {
                self.split_record();
                let count = (value.number().max(0.0) as usize).min(ELEMENTS_MAX);
                self.fields.resize(count, Value::text(""));
                self.globals[NF] = Value::Number(count as f64);
                self.join_record();
            }
            Lvalue::Variable(Slot::Global(number)) => {
                // A new separator is for the next record.
                if *number == FS {
                    self.split_record();
                }
                self.globals[*number] = value;
            }
            Lvalue::Variable(Slot::Local(at)) => {
                if let Some(local) = self.locals.last_mut().and_then(|frame| frame.get_mut(*at)) {
                    *local = Local::Scalar(value);
                }
            }
            Lvalue::Field(index) => {
                let index = self.value(index)?.number();
                self.set_field(index, value)?;
            }
            Lvalue::Element(array, index) => {
                let key = self.key(index)?;
                let array = self.array(*array)?;
                if self.arrays[array].len() >= ELEMENTS_MAX {
                    return Err(format!("more than {ELEMENTS_MAX} elements in an array"));
                }
                self.arrays[array].insert(key, value);
            }
        }
        Ok(())
    }

    fn read(&mut self, target: &Lvalue) -> Outcome<Value> {
        match target {
            Lvalue::Variable(slot) => self.variable(*slot),
            Lvalue::Field(index) => {
                let index = self.value(index)?.number();
                self.field(index)
            }
            Lvalue::Element(array, index) => {
                let key = self.key(index)?;
                let array = self.array(*array)?;
                // Looking makes the element, as POSIX has it.
                Ok(self.arrays[array].entry(key).or_insert(Value::Unset).clone())
            }
        }
    }

    fn key(&mut self, index: &[Expr]) -> Outcome<Arc<str>> {
        let parts: Vec<Arc<str>> = index.iter().map(|part| self.text(part)).collect::<Outcome<_>>()?;
        if let [part] = parts.as_slice() {
            return Ok(part.clone());
        }
        Ok(Arc::from(parts.join(&*self.special_text(SUBSEP))))
    }

    // ---- expressions ----

    pub(super) fn text(&mut self, expression: &Expr) -> Outcome<Arc<str>> {
        let value = self.value(expression)?;
        Ok(value.to_text(&self.special_text(CONVFMT)))
    }

    fn condition(&mut self, expression: &Expr) -> Outcome<bool> {
        Ok(self.value(expression)?.is_true())
    }

    pub(super) fn value(&mut self, expression: &Expr) -> Outcome<Value> {
        self.step()?;
        let truth = |truth: bool| Value::Number(f64::from(u8::from(truth)));
        Ok(match expression {
            Expr::Number(number) => Value::Number(*number),
            Expr::Text(text) => Value::Text(text.clone()),
            Expr::Regex(regex) => truth(regex.is_match(&self.record)),
            Expr::Group(inner) => self.value(inner)?,
            Expr::Lvalue(target) => self.read(target)?,
            Expr::And(a, b) => truth(self.condition(a)? && self.condition(b)?),
            Expr::Or(a, b) => truth(self.condition(a)? || self.condition(b)?),
            Expr::Not(inner) => truth(!self.condition(inner)?),
            Expr::Negate(inner) => Value::Number(-self.value(inner)?.number()),
            Expr::Plus(inner) => Value::Number(self.value(inner)?.number()),
            Expr::Match(text, pattern, not) => {
                let text = self.text(text)?;
                truth(self.regex(pattern)?.is_match(&text) != *not)
            }
            Expr::In(index, array) => {
                let key = self.key(index)?;
                let array = self.array(*array)?;
                truth(self.arrays[array].contains_key(&key))
            }
            Expr::Conditional(condition, then, otherwise) => {
                let branch = if self.condition(condition)? { then } else { otherwise };
                self.value(branch)?
            }
            Expr::Assign(target, operator, value) => {
                let value = self.value(value)?;
                let value = match operator {
                    None => value,
                    Some(operator) => {
                        let before = self.read(target)?;
                        self.binary(*operator, &before, &value)?
                    }
                };
                self.assign(target, value.clone())?;
                value
            }
            Expr::Step(target, by, old) => {
                let before = self.read(target)?.number();
                self.assign(target, Value::Number(before + by))?;
                Value::Number(if *old { before } else { before + by })
            }
            Expr::Binary(operator, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                self.binary(*operator, &a, &b)?
            }
            Expr::Builtin(builtin, arguments) => self.builtin(*builtin, arguments)?,
            Expr::Call(function, arguments) => self.call(*function, arguments)?,
            Expr::Getline(target) => match self.input.pop_front() {
                None => Value::Number(0.0),
                Some(record) => {
                    self.count_record();
                    match target {
                        None => self.set_record(&record),
                        Some(target) => self.assign(target, Value::input(&record))?,
                    }
                    Value::Number(1.0)
                }
            },
        })
    }

    fn binary(&self, operator: Binary, a: &Value, b: &Value) -> Outcome<Value> {
        use std::cmp::Ordering;
        let number_format = || self.special_text(CONVFMT);
        let compare = |wanted: fn(Ordering) -> bool| {
            Ok(Value::Number(f64::from(u8::from(wanted(a.compare(b, &number_format()))))))
        };
        match operator {
            Binary::Concat => {
                let number_format = number_format();
                let text = format!("{}{}", a.to_text(&number_format), b.to_text(&number_format));
                if text.len() > 16 << 20 { Err("text is too long".into()) } else { Ok(Value::text(&text)) }
            }
            Binary::Less => compare(Ordering::is_lt),
            Binary::LessEqual => compare(Ordering::is_le),
            Binary::Equal => compare(Ordering::is_eq),
            Binary::NotEqual => compare(Ordering::is_ne),
            Binary::Greater => compare(Ordering::is_gt),
            Binary::GreaterEqual => compare(Ordering::is_ge),
            _ => {
                let (a, b) = (a.number(), b.number());
                Ok(Value::Number(match operator {
                    Binary::Add => a + b,
                    Binary::Subtract => a - b,
                    Binary::Multiply => a * b,
                    Binary::Divide | Binary::Modulo if b == 0.0 => return Err("division by zero".into()),
                    Binary::Divide => a / b,
                    Binary::Modulo => a % b,
                    _ => a.powf(b),
                }))
            }
        }
    }

    /// The pattern that an expression means: its own, or its text's.
    pub(super) fn regex(&mut self, expression: &Expr) -> Outcome<regex_lite::Regex> {
        match expression {
            Expr::Regex(regex) => Ok(regex.clone()),
            Expr::Group(inner) => self.regex(inner),
            other => {
                let pattern = self.text(other)?;
                super::regex(&pattern)
            }
        }
    }

    fn call(&mut self, function: usize, arguments: &[Expr]) -> Outcome<Value> {
        if self.locals.len() >= CALLS_MAX {
            return Err("function calls nest too deeply".into());
        }
        let program = self.program.clone();
        let function = &program.functions[function];
        if arguments.len() > function.parameters.len() {
            return Err(format!("function {} called with more arguments than declared", function.name));
        }
        let mut frame = Vec::with_capacity(function.parameters.len());
        for argument in arguments {
            frame.push(self.argument(argument)?);
        }
        frame.resize(function.parameters.len(), Local::Scalar(Value::Unset));
        let arrays = self.arrays.len();
        self.locals.push(frame);
        self.returned = Value::Unset;
        let control = self.block(&function.body);
        self.locals.pop();
        self.arrays.truncate(arrays);
        match control? {
            Control::Next | Control::Return => Ok(std::mem::replace(&mut self.returned, Value::Unset)),
            Control::Exit => Err("exit in a function is not supported".into()),
            _ => Err("next, break or continue outside of its place".into()),
        }
    }

    /// A function's argument: arrays by reference, everything else by value.
    fn argument(&mut self, argument: &Expr) -> Outcome<Local> {
        if let Expr::Lvalue(target) = argument
            && let Lvalue::Variable(slot) = **target
        {
            let array = match slot {
                Slot::Global(number) if !self.arrays[number].is_empty() => Some(number),
                // Never used: it may become either, so it is handed over as an array when it is not a value.
                Slot::Global(number) if matches!(self.globals[number], Value::Unset) && number >= SPECIAL.len() => {
                    Some(number)
                }
                Slot::Local(at) => match self.locals.last().and_then(|frame| frame.get(at)) {
                    Some(Local::Array(number)) => Some(*number),
                    _ => None,
                },
                Slot::Global(_) => None,
            };
            if let Some(number) = array {
                return Ok(Local::Array(number));
            }
        }
        self.value(argument).map(Local::Scalar)
    }
}
