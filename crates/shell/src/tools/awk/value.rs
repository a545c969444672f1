//! awk's values: text and numbers, and when which is meant.

use std::sync::Arc;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Never set: "" and 0.
    Unset,
    Number(f64),
    Text(Arc<str>),
    /// Text from the input that looks like a number: it compares as one.
    Both(Arc<str>, f64),
}

impl Value {
    pub fn text(text: &str) -> Value {
        Value::Text(Arc::from(text))
    }

    /// Text that came from outside.
    pub fn input(text: &str) -> Value {
        let trimmed = text.trim();
        let number = looks_numeric(trimmed).then(|| number_prefix(trimmed));
        number.map_or_else(|| Value::text(text), |number| Value::Both(Arc::from(text), number))
    }

    pub fn number(&self) -> f64 {
        match self {
            Value::Unset => 0.0,
            Value::Number(number) | Value::Both(_, number) => *number,
            Value::Text(text) => number_prefix(text.trim_start()),
        }
    }

    pub fn to_text(&self, format: &str) -> Arc<str> {
        match self {
            Value::Unset => Arc::from(""),
            Value::Text(text) | Value::Both(text, _) => text.clone(),
            Value::Number(number) => Arc::from(show(*number, format)),
        }
    }

    pub fn is_true(&self) -> bool {
        match self {
            Value::Unset => false,
            Value::Number(number) | Value::Both(_, number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
        }
    }

    fn is_numeric(&self) -> bool {
        !matches!(self, Value::Text(_))
    }

    /// Compares as numbers when both are, else as text.
    pub fn compare(&self, other: &Value, format: &str) -> std::cmp::Ordering {
        if self.is_numeric() && other.is_numeric() {
            self.number().partial_cmp(&other.number()).unwrap_or(std::cmp::Ordering::Equal)
        } else {
            self.to_text(format).cmp(&other.to_text(format))
        }
    }
}

fn show(number: f64, format: &str) -> String {
    if number.fract() == 0.0 && number.abs() < 1e16 {
        return format!("{}", number as i64);
    }
    super::format::format(format, &[Value::Number(number)])
}

fn looks_numeric(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.parse::<f64>().is_ok()
}

/// The number that a text begins with, or 0.
pub(super) fn number_prefix(text: &str) -> f64 {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(usize::from(matches!(bytes.first(), Some(b'+' | b'-'))));
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    text[..end].parse().unwrap_or(0.0)
}
