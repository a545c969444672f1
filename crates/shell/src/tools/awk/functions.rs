//! awk's own functions.

use std::sync::Arc;

use super::ast::{Builtin, Expr, Lvalue};
use super::format::format;
use super::machine::{Machine, Outcome, RLENGTH, RSTART};
use super::value::Value;

/// Splits a text into fields, as `FS` says: a blank means runs of blanks, one character itself, more a pattern.
pub(super) fn split(text: &str, separator: &str) -> Vec<String> {
    let own = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
    if text.is_empty() {
        return Vec::new();
    }
    let mut characters = separator.chars();
    match (characters.next(), characters.next()) {
        (Some(' '), None) => own(text.split_ascii_whitespace().collect()),
        (None, _) => text.chars().map(String::from).collect(),
        (Some(character), None) if character != '\\' => own(text.split(character).collect()),
        _ => match super::regex(separator) {
            Ok(regex) => own(regex.split(text).collect()),
            Err(_) => vec![text.to_owned()],
        },
    }
}

impl Machine {
    pub(super) fn builtin(&mut self, builtin: Builtin, arguments: &[Expr]) -> Outcome<Value> {
        let least = match builtin {
            Builtin::Substr
            | Builtin::Index
            | Builtin::Split
            | Builtin::Sub
            | Builtin::Gsub
            | Builtin::Match
            | Builtin::Atan2 => 2,
            Builtin::Length
            | Builtin::Rand
            | Builtin::Srand
            | Builtin::Systime
            | Builtin::Strftime
            | Builtin::Fflush => 0,
            _ => 1,
        };
        if arguments.len() < least {
            return Err(format!("not enough arguments to {}", format!("{builtin:?}").to_lowercase()));
        }
        let number = |machine: &mut Machine, at: usize| -> Outcome<f64> { Ok(machine.value(&arguments[at])?.number()) };
        Ok(match builtin {
            Builtin::Length => return self.length(arguments.first()),
            Builtin::Substr => return self.substr(arguments),
            Builtin::Index => {
                let (text, wanted) = (self.text(&arguments[0])?, self.text(&arguments[1])?);
                let at = text.find(&*wanted).map_or(0, |at| text[..at].chars().count() + 1);
                Value::Number(at as f64)
            }
            Builtin::Split => return self.split_function(arguments),
            Builtin::Sub => return self.substitute(arguments, false),
            Builtin::Gsub => return self.substitute(arguments, true),
            Builtin::Match => {
                let text = self.text(&arguments[0])?;
                let found = self
                    .regex(&arguments[1])?
                    .find(&text)
                    .map(|found| (text[..found.start()].chars().count() + 1, text[found.range()].chars().count()));
                let (start, length) = found.map_or((0.0, -1.0), |(start, length)| (start as f64, length as f64));
                self.set_special(RSTART, Value::Number(start));
                self.set_special(RLENGTH, Value::Number(length));
                Value::Number(start)
            }
            Builtin::Sprintf => {
                let values: Vec<Value> = arguments.iter().map(|value| self.value(value)).collect::<Outcome<_>>()?;
                Value::text(&format(&values[0].to_text("%.6g"), &values[1..]))
            }
            Builtin::Tolower => Value::text(&self.text(&arguments[0])?.to_lowercase()),
            Builtin::Toupper => Value::text(&self.text(&arguments[0])?.to_uppercase()),
            Builtin::Int => Value::Number(number(self, 0)?.trunc()),
            Builtin::Sqrt => Value::Number(number(self, 0)?.sqrt()),
            Builtin::Exp => Value::Number(number(self, 0)?.exp()),
            Builtin::Log => Value::Number(number(self, 0)?.ln()),
            Builtin::Sin => Value::Number(number(self, 0)?.sin()),
            Builtin::Cos => Value::Number(number(self, 0)?.cos()),
            Builtin::Atan2 => Value::Number(number(self, 0)?.atan2(number(self, 1)?)),
            Builtin::Rand => {
                // splitmix64, from the seed that `srand` sets.
                self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                Value::Number((mixed >> 11) as f64 / (1_u64 << 53) as f64)
            }
            Builtin::Srand => {
                let seed = if arguments.is_empty() { self.now.seconds() as f64 } else { number(self, 0)? };
                self.random = seed.to_bits();
                Value::Number(std::mem::replace(&mut self.seed, seed))
            }
            Builtin::Systime => Value::Number(self.now.seconds() as f64),
            Builtin::Strftime => return Err("strftime is not supported: use date".into()),
            Builtin::Close | Builtin::Fflush => Value::Number(0.0),
        })
    }

    fn length(&mut self, argument: Option<&Expr>) -> Outcome<Value> {
        let Some(argument) = argument else {
            return Ok(Value::Number(self.whole_record().chars().count() as f64));
        };
        if let Expr::Lvalue(target) = argument
            && let Lvalue::Variable(slot) = **target
            && let Ok(array) = self.array(slot)
            && !self.elements(array).is_empty()
        {
            return Ok(Value::Number(self.elements(array).len() as f64));
        }
        Ok(Value::Number(self.text(argument)?.chars().count() as f64))
    }

    fn substr(&mut self, arguments: &[Expr]) -> Outcome<Value> {
        let text = self.text(&arguments[0])?;
        let start = self.value(&arguments[1])?.number().round();
        let end = match arguments.get(2) {
            Some(length) => start + self.value(length)?.number().round(),
            None => f64::INFINITY,
        };
        let characters = text.chars().zip(1_u32..).filter(|(_, at)| f64::from(*at) >= start && f64::from(*at) < end);
        Ok(Value::text(&characters.map(|(c, _)| c).collect::<String>()))
    }

    fn split_function(&mut self, arguments: &[Expr]) -> Outcome<Value> {
        let text = self.text(&arguments[0])?;
        let parts = match arguments.get(2) {
            Some(Expr::Regex(regex)) if !text.is_empty() => regex.split(&text).map(str::to_owned).collect(),
            Some(separator) => {
                let separator = self.text(separator)?;
                split(&text, &separator)
            }
            None => {
                let separator = self.special_text(3);
                split(&text, &separator)
            }
        };
        let Expr::Lvalue(target) = &arguments[1] else { return Err("split: second argument is not an array".into()) };
        let Lvalue::Variable(slot) = **target else { return Err("split: second argument is not an array".into()) };
        let array = self.array(slot)?;
        let count = parts.len();
        let elements = self.elements(array);
        elements.clear();
        for (at, part) in parts.iter().enumerate() {
            elements.insert(Arc::from((at + 1).to_string()), Value::input(part));
        }
        Ok(Value::Number(count as f64))
    }

    fn substitute(&mut self, arguments: &[Expr], all: bool) -> Outcome<Value> {
        let regex = self.regex(&arguments[0])?;
        let replacement = self.text(&arguments[1])?;
        let text = match arguments.get(2) {
            Some(target) => self.text(target)?,
            None => self.whole_record(),
        };
        let mut result = String::new();
        let mut last = 0;
        let mut count = 0;
        for found in regex.find_iter(&text).take(if all { usize::MAX } else { 1 }) {
            self.step()?;
            result.push_str(&text[last..found.start()]);
            replace_into(&mut result, &replacement, found.as_str());
            last = found.end();
            count += 1;
        }
        result.push_str(&text[last..]);
        if count > 0 {
            match arguments.get(2) {
                Some(Expr::Lvalue(target)) => self.assign(target, Value::text(&result))?,
                Some(_) => {}
                None => self.set_record(&result),
            }
        }
        Ok(Value::Number(f64::from(count)))
    }
}

/// `&` in a replacement is what was found, `\&` an ampersand.
fn replace_into(result: &mut String, replacement: &str, found: &str) {
    let mut characters = replacement.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if matches!(characters.peek(), Some('&' | '\\')) => result.extend(characters.next()),
            '&' => result.push_str(found),
            c => result.push(c),
        }
    }
}
