//! Expressions.

use super::*;
use crate::tools::Call;
use crate::tools::awk::ast::*;
use crate::tools::awk::library;
use drydock_sorted::SortedMap;
use std::sync::Arc;

impl Awk {
    pub(super) fn condition(&mut self, expr: &Expr, call: &mut Call<'_, '_>) -> Run<bool> {
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

    pub(super) fn get_line(&mut self, into: Option<&Expr>, file: &Expr, call: &mut Call<'_, '_>) -> Run<Value> {
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

    pub(super) fn compare(&self, op: &str, left: &Value, right: &Value) -> bool {
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

    pub(super) fn call(&mut self, name: &str, arguments: &[Expr], call: &mut Call<'_, '_>) -> Run<Value> {
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

    pub(super) fn is_array(&self, name: &str) -> bool {
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
