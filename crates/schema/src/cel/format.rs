//! Values as texts: `string()`, `format()`, keys in messages.

use super::clock;
use super::eval::{Found, failed};
use super::val::{Val, type_name};

/// A value as `%s` and messages write it.
pub(super) fn shown(value: &Val) -> String {
    match value {
        Val::Null => "null".into(),
        Val::Bool(b) => b.to_string(),
        Val::Int(n) => n.to_string(),
        Val::Uint(n) => n.to_string(),
        Val::Double(n) if !n.is_finite() => endless(*n).into(),
        Val::Double(n) => n.to_string(),
        Val::Str(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Timestamp(_) | Val::Duration(_) => clock::text(value).unwrap_or_default(),
        Val::Type(ty) => type_name(ty),
        Val::Optional(_) => "optional".into(),
        Val::Opaque(value) => super::libraries::text(value),
        Val::List(_) | Val::Array(..) => {
            let items = value.items().unwrap_or_default();
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Val::Map(_) | Val::Object(..) => {
            let pairs = value.pairs().unwrap_or_default();
            let mut pairs: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}: {}", shown(key), shown(value))).collect();
            drydock_sorted::Sort::sort_compact(&mut pairs[..]);
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

fn endless(n: f64) -> &'static str {
    match n {
        n if n.is_nan() => "NaN",
        n if n > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

/// `"…%s…".format([…])`.
pub(super) fn format(text: &str, args: &[Val]) -> Found {
    let mut out = String::new();
    let mut args_left = args.iter().enumerate();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            out.push('%');
            continue;
        }
        let mut precision = None;
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            precision = digits.parse::<usize>().ok();
        }
        let Some(verb) = chars.next() else {
            return failed("could not parse formatting clause: unexpected end of string");
        };
        let Some((at, arg)) = args_left.next() else {
            return failed(format!("index {} out of range", args.len()));
        };
        let wrong =
            |why: &str| failed(format!("error during formatting: {why}, was given {} at {at}", arg.type_of().text()));
        let piece = match (verb, arg) {
            ('d' | 'e' | 'f', Val::Double(n)) if !n.is_finite() => endless(*n).into(),
            ('s', _) => shown(arg),
            ('d', Val::Int(n)) => n.to_string(),
            ('d', Val::Uint(n)) => n.to_string(),
            ('d', _) => return wrong("decimal clause can only be used on integers"),
            ('f', _) => match number(arg) {
                Some(n) => format!("{n:.*}", precision.unwrap_or(6).min(100)),
                None => return wrong("fixed-point clause can only be used on doubles"),
            },
            ('e', _) => match number(arg) {
                Some(n) => scientific(n, precision.unwrap_or(6).min(100)),
                None => return wrong("scientific clause can only be used on doubles"),
            },
            ('b', Val::Int(n)) if *n < 0 => format!("-{:b}", n.unsigned_abs()),
            ('b', Val::Int(n)) => format!("{n:b}"),
            ('b', Val::Uint(n)) => format!("{n:b}"),
            ('b', Val::Bool(b)) => u8::from(*b).to_string(),
            ('b', _) => return wrong("only integers and bools can be formatted as binary"),
            ('o', Val::Int(n)) if *n < 0 => format!("-{:o}", n.unsigned_abs()),
            ('o', Val::Int(n)) => format!("{n:o}"),
            ('o', Val::Uint(n)) => format!("{n:o}"),
            ('o', _) => return wrong("octal clause can only be used on integers"),
            ('x' | 'X', _) => {
                let octets = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
                let hex = match arg {
                    Val::Int(n) if *n < 0 => format!("-{:x}", n.unsigned_abs()),
                    Val::Int(n) => format!("{n:x}"),
                    Val::Uint(n) => format!("{n:x}"),
                    Val::Str(text) => octets(text.as_bytes()),
                    Val::Bytes(bytes) => octets(bytes),
                    _ => return wrong("only integers, byte buffers, and strings can be formatted as hex"),
                };
                if verb == 'X' { hex.to_uppercase() } else { hex }
            }
            _ => {
                return failed(format!("could not parse formatting clause: unrecognized formatting clause \"{verb}\""));
            }
        };
        out.push_str(&piece);
    }
    Ok(out.into())
}

/// A double as `string()` writes it: with an exponent below 1e-4 and from 1e6 on.
pub(super) fn double(n: f64) -> String {
    if n.is_infinite() {
        return if n > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let text = format!("{n:e}");
    let Some((_, exponent)) = text.split_once('e') else { return shown(&Val::Double(n)) };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if n == 0.0 || (-4..6).contains(&exponent) { shown(&Val::Double(n)) } else { with_exponent(&text) }
}

fn number(value: &Val) -> Option<f64> {
    match value {
        Val::Int(n) => Some(*n as f64),
        Val::Uint(n) => Some(*n as f64),
        Val::Double(n) => Some(*n),
        _ => None,
    }
}

fn scientific(n: f64, precision: usize) -> String {
    with_exponent(&format!("{n:.precision$e}"))
}

/// Go's form of an exponent: a sign, and two digits at least.
fn with_exponent(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}
