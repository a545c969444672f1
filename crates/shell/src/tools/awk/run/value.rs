//! The values of `awk`: numbers, texts, and texts that may be numbers.

use std::sync::Arc;

use super::*;
use crate::tools::Call;
use crate::tools::awk::ast::*;
use crate::tools::printf::float_text;
use crate::tools::regex::{Syntax, compile};
use regex_lite::Regex;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tools::awk) enum Value {
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

impl Awk {
    pub fn to_text(&self, value: &Value) -> String {
        match value {
            Value::None => String::new(),
            Value::Text(text) | Value::Input(text) => text.to_string(),
            Value::Number(number) => number_text(*number, "%.6g"),
        }
    }

    pub(super) fn to_output(&self, value: &Value) -> String {
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

    pub(super) fn truth(&self, value: &Value) -> bool {
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
}

/// The number at the beginning of a text.
pub(in crate::tools::awk) fn leading_number(text: &str) -> f64 {
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
pub(super) fn looks_numeric(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let plain = trimmed.trim_start_matches(['+', '-']);
    if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    trimmed.trim_start_matches('+').parse().ok()
}

pub(in crate::tools::awk) fn to_number(value: &Value) -> f64 {
    match value {
        Value::None => 0.0,
        Value::Number(number) => *number,
        Value::Text(text) | Value::Input(text) => leading_number(text),
    }
}

/// A number as text: whole numbers plainly, others by a format.
pub(super) fn number_text(number: f64, format: &str) -> String {
    if number.fract() == 0.0 && number.abs() < 1e16 {
        return format!("{}", number as i64);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let precision = format.trim_start_matches("%.").trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok();
    let conversion = format.chars().next_back().filter(|c| matches!(c, 'f' | 'e' | 'g')).unwrap_or('g');
    format!("{sign}{}", float_text(number.abs(), conversion, precision, false))
}
