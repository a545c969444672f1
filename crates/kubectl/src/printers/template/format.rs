//! Go's `fmt.Sprint` and `fmt.Sprintf`.

use drydock_value::Value;

use super::exec::{Val, type_of};
use crate::failure::quote;
use crate::printers::go;

/// A value as `%v`; nothing is `<nil>`.
pub(super) fn plain(value: &Val) -> String {
    value.as_ref().map_or("<nil>".into(), go::print)
}

/// `fmt.Sprint`: a space stands between operands when neither is a string.
pub(super) fn sprint(arguments: &[Val]) -> String {
    let mut out = String::new();
    let is_string = |value: &Val| matches!(value, Some(Value::String(_)));
    for (i, argument) in arguments.iter().enumerate() {
        if i > 0 && !is_string(argument) && !arguments.get(i - 1).is_some_and(is_string) {
            out.push(' ');
        }
        out.push_str(&plain(argument));
    }
    out
}

#[derive(Default)]
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The widest field; wider ones are Go's errors too.
const MAX_WIDTH: usize = 10_000;

/// `fmt.Sprintf`; `types` are Go's names of the arguments' types.
pub(super) fn sprintf(form: &str, arguments: &[Val], types: &[&str]) -> String {
    let mut out = String::new();
    let mut next = 0;
    let mut letters = form.chars().peekable();
    while let Some(c) = letters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        while let Some(flag) = letters.peek().copied() {
            match flag {
                '-' => spec.minus = true,
                '+' => spec.plus = true,
                '#' => spec.sharp = true,
                ' ' => spec.space = true,
                '0' => spec.zero = true,
                _ => break,
            }
            letters.next();
        }
        let mut number = |letters: &mut std::iter::Peekable<std::str::Chars<'_>>| -> Option<usize> {
            if letters.peek() == Some(&'*') {
                letters.next();
                let value = arguments.get(next).cloned().flatten();
                next += 1;
                return value.and_then(|value| usize::try_from(value.int()).ok()).map(|n| n.min(MAX_WIDTH));
            }
            let mut number = None;
            while let Some(digit) = letters.peek().and_then(|c| c.to_digit(10)) {
                number = Some((number.unwrap_or(0) * 10 + digit as usize).min(MAX_WIDTH));
                letters.next();
            }
            number
        };
        spec.width = number(&mut letters);
        if letters.peek() == Some(&'.') {
            letters.next();
            spec.precision = Some(number(&mut letters).unwrap_or(0));
        }
        let Some(verb) = letters.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(argument) = arguments.get(next) else {
            out.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let kind = types.get(next).copied().unwrap_or("int64");
        next += 1;
        out.push_str(&field(verb, &spec, argument, kind));
    }
    if next < arguments.len() {
        let extra: Vec<String> = arguments
            .get(next..)
            .unwrap_or_default()
            .iter()
            .zip(types.get(next..).unwrap_or_default())
            .map(|(argument, kind)| match argument {
                None | Some(Value::Null) => "<nil>".into(),
                some => format!("{kind}={}", plain(some)),
            })
            .collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

fn field(verb: char, spec: &Spec, argument: &Val, kind: &str) -> String {
    let wrong = || match argument {
        None | Some(Value::Null) => format!("%!{verb}(<nil>)"),
        some => format!("%!{verb}({kind}={})", plain(some)),
    };
    let Some(value) = argument.as_ref().filter(|value| !value.is_null()) else {
        return if verb == 'v' { pad("<nil>".into(), spec, false) } else { wrong() };
    };
    if let (Value::Array(items), 's' | 'q' | 'd' | 'x') = (value, verb) {
        let inner = Spec { width: spec.width, ..Spec::default() };
        let items: Vec<String> = items
            .iter()
            .map(|item| {
                let item = Some(item.clone());
                field(verb, &inner, &item, type_of(&item))
            })
            .collect();
        return format!("[{}]", items.join(" "));
    }
    let signed = |text: String| if spec.plus && !text.starts_with('-') { format!("+{text}") } else { text };
    match (verb, value) {
        ('v', _) if spec.sharp => pad(go::syntax(value), spec, false),
        ('v', Value::Int(_) | Value::Float(_)) => pad(signed(go::print(value)), spec, true),
        ('v', _) => pad(go::print(value), spec, false),
        ('T', _) => pad(kind.into(), spec, false),
        ('t', Value::Bool(b)) => pad(b.to_string(), spec, false),
        ('s', Value::String(text)) => {
            let text = spec.precision.map_or_else(|| text.to_string(), |cut| text.chars().take(cut).collect());
            pad(text, spec, false)
        }
        ('q', Value::String(text)) => pad(quote(text), spec, false),
        ('q', Value::Int(code)) => {
            let c = u32::try_from(*code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
            pad(format!("'{c}'"), spec, false)
        }
        ('x', Value::String(text)) => pad(text.bytes().map(|byte| format!("{byte:02x}")).collect(), spec, false),
        ('X', Value::String(text)) => pad(text.bytes().map(|byte| format!("{byte:02X}")).collect(), spec, false),
        ('d', Value::Int(number)) => pad(signed(number.to_string()), spec, true),
        ('b', Value::Int(number)) => pad(with_sign(*number, &format!("{:b}", number.unsigned_abs())), spec, true),
        ('o', Value::Int(number)) => pad(with_sign(*number, &format!("{:o}", number.unsigned_abs())), spec, true),
        ('x', Value::Int(number)) => pad(with_sign(*number, &format!("{:x}", number.unsigned_abs())), spec, true),
        ('X', Value::Int(number)) => pad(with_sign(*number, &format!("{:X}", number.unsigned_abs())), spec, true),
        ('c', Value::Int(code)) => {
            let c = u32::try_from(*code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
            pad(c.to_string(), spec, false)
        }
        ('U', Value::Int(code)) => pad(format!("U+{code:04X}"), spec, false),
        ('f' | 'F', Value::Float(number)) => {
            pad(signed(format!("{number:.*}", spec.precision.unwrap_or(6).min(100))), spec, true)
        }
        ('e' | 'E' | 'g' | 'G', Value::Float(number)) => {
            let text = if matches!(verb, 'g' | 'G') {
                go::float(*number)
            } else {
                let text = format!("{number:.*e}", spec.precision.unwrap_or(6).min(100));
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |e| ("-", e));
                format!("{digits}e{sign}{exponent:0>2}")
            };
            pad(signed(text), spec, true)
        }
        _ => wrong(),
    }
}

fn with_sign(number: i64, digits: &str) -> String {
    if number < 0 { format!("-{digits}") } else { digits.to_owned() }
}

fn pad(text: String, spec: &Spec, number: bool) -> String {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    if missing == 0 {
        return if spec.space && number && !text.starts_with(['-', '+']) { format!(" {text}") } else { text };
    }
    if spec.minus {
        return format!("{text}{}", " ".repeat(missing));
    }
    if spec.zero && number {
        let (sign, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => text.split_at(text.len() - digits.len()),
            None => ("", text.as_str()),
        };
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    format!("{}{text}", " ".repeat(missing))
}
