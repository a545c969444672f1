//! The functions of templates: Go's built-in ones, and kubectl's `exists` and `base64decode`.

use base64::Engine;
use drydock_value::Value;
use std::cmp::Ordering;

use super::exec::{Val, truth, type_of};
use super::format;
use crate::printers::go;

/// Name, least and greatest number of arguments.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("and", 1, usize::MAX),
    ("base64decode", 1, 1),
    ("call", 1, usize::MAX),
    ("eq", 1, usize::MAX),
    ("exists", 1, usize::MAX),
    ("ge", 2, 2),
    ("gt", 2, 2),
    ("html", 0, usize::MAX),
    ("index", 1, usize::MAX),
    ("js", 0, usize::MAX),
    ("le", 2, 2),
    ("len", 1, 1),
    ("lt", 2, 2),
    ("ne", 2, 2),
    ("not", 1, 1),
    ("or", 1, usize::MAX),
    ("print", 0, usize::MAX),
    ("printf", 1, usize::MAX),
    ("println", 0, usize::MAX),
    ("slice", 1, usize::MAX),
    ("urlquery", 0, usize::MAX),
];

pub(super) fn exists(name: &str) -> bool {
    FUNCTIONS.iter().any(|(function, ..)| *function == name)
}

/// What is wrong with the number of arguments.
pub(super) fn wrong_count(name: &str, count: usize) -> Option<String> {
    let (_, least, most) = FUNCTIONS.iter().find(|(function, ..)| *function == name)?;
    if (*least..=*most).contains(&count) {
        return None;
    }
    Some(if *most == usize::MAX {
        format!("wrong number of args for {name}: want at least {least} got {count}")
    } else {
        format!("wrong number of args for {name}: want {least} got {count}")
    })
}

type Result<T> = std::result::Result<T, String>;

/// Whether the function's first argument must be a string.
pub(super) fn wants_string(name: &str) -> bool {
    matches!(name, "base64decode" | "printf")
}

/// Calls a function. `types` are Go's names of the arguments' types.
/// `callee` is what the template calls the first of them.
pub(super) fn call(name: &str, callee: &str, arguments: &[Val], types: &[&str]) -> Result<Val> {
    let first = arguments.first().cloned().unwrap_or_default();
    let rest = arguments.get(1..).unwrap_or_default();
    let value: Value = match name {
        "base64decode" => {
            let text = first.as_ref().map_or(String::new(), go::print);
            decode(&text)?.into()
        }
        "call" => {
            let kind = types.first().copied().unwrap_or("<nil>");
            return Err(format!("non-function {callee} of type {kind}"));
        }
        "eq" => return equal(&first, rest, types).map(|b| Some(b.into())),
        "ne" => (!equal(&first, rest, types)?).into(),
        "lt" => (compare(&first, rest, types)? == Ordering::Less).into(),
        "gt" => (compare(&first, rest, types)? == Ordering::Greater).into(),
        "le" => (compare(&first, rest, types)? != Ordering::Greater).into(),
        "ge" => (compare(&first, rest, types)? != Ordering::Less).into(),
        "exists" => {
            let mut value = first;
            for key in rest {
                let inner = match (&value, key) {
                    (Some(Value::Object(map)), Some(Value::String(key))) => map.get(key).cloned(),
                    (Some(Value::Array(items)), Some(Value::Int(at))) => {
                        usize::try_from(*at).ok().and_then(|at| items.get(at)).cloned()
                    }
                    _ => None,
                };
                let Some(inner) = inner else { return Ok(Some(false.into())) };
                value = Some(inner);
            }
            true.into()
        }
        "html" => escape_html(&joined(arguments)).into(),
        "js" => escape_js(&joined(arguments)).into(),
        "urlquery" => crate::text::query_escape(&joined(arguments)).into(),
        "index" => return index(first, rest),
        "slice" => return slice(&first, rest),
        "len" => match &first {
            Some(Value::String(text)) => text.len().into(),
            Some(Value::Array(items)) => items.len().into(),
            Some(Value::Object(map)) => map.len().into(),
            None | Some(Value::Null) => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
            other => return Err(format!("len of type {}", type_of(other))),
        },
        "not" => (!truth(&first)).into(),
        "print" => format::sprint(arguments).into(),
        "println" => {
            let words: Vec<String> = arguments.iter().map(format::plain).collect();
            format!("{}\n", words.join(" ")).into()
        }
        "printf" => match &first {
            Some(Value::String(form)) => format::sprintf(form, rest, types.get(1..).unwrap_or_default()).into(),
            other => return Err(format!("wrong type for value; expected string; got {}", type_of(other))),
        },
        _ => return Err(format!("function \"{name}\" not defined")),
    };
    Ok(Some(value))
}

/// What `html`, `js` and `urlquery` escape: the one string, or all arguments printed.
fn joined(arguments: &[Val]) -> String {
    match arguments {
        [Some(Value::String(text))] => text.to_string(),
        [None | Some(Value::Null)] => "<no value>".into(),
        several => format::sprint(several),
    }
}

fn decode(text: &str) -> Result<String> {
    let clean: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    match base64::engine::general_purpose::STANDARD.decode(&clean) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(_) => Err(format!("base64 decode failed: illegal base64 data at input byte {}", corrupt_at(&clean))),
    }
}

/// Where Go says that base64 is corrupt.
fn corrupt_at(text: &str) -> usize {
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let good = text.bytes().take_while(valid).count();
    let rest = text.as_bytes().get(good..).unwrap_or_default();
    match (rest, good % 4) {
        // The text ends within a group: where the group began.
        ([], _) => good / 4 * 4,
        ([b'=', b'=', ..], 2) => good + 2,
        ([b'='], 2) => good + 1,
        ([b'=', ..], 2 | 3) => good + 1,
        _ => good,
    }
}

fn escape_html(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn escape_js(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

fn kind(value: &Val) -> Option<u8> {
    match value {
        Some(Value::Bool(_)) => Some(0),
        Some(Value::Int(_)) => Some(1),
        Some(Value::Float(_)) => Some(2),
        Some(Value::String(_)) => Some(3),
        _ => None,
    }
}

fn equal(first: &Val, rest: &[Val], types: &[&str]) -> Result<bool> {
    if rest.is_empty() {
        return Err("missing argument for comparison".into());
    }
    let there = |value: &Val| value.as_ref().is_some_and(|value| !value.is_null());
    for (i, other) in rest.iter().enumerate() {
        if kind(first) != kind(other) {
            if there(first) && there(other) {
                return Err(incompatible(types, i + 1));
            }
            continue;
        }
        if kind(first).is_none() {
            if matches!(
                (first, other),
                (Some(Value::Array(_) | Value::Object(_)), Some(Value::Array(_) | Value::Object(_)))
            ) {
                return Err(format!("non-comparable type {}: {}", format::plain(other), type_of(other)));
            }
            if there(first) == there(other) {
                return Ok(true);
            }
        } else if first == other {
            return Ok(true);
        }
    }
    Ok(false)
}

fn incompatible(types: &[&str], other: usize) -> String {
    let name = |at: usize| types.get(at).copied().unwrap_or("<nil>");
    format!("incompatible types for comparison: {} and {}", name(0), name(other))
}

fn compare(first: &Val, rest: &[Val], types: &[&str]) -> Result<Ordering> {
    let second = rest.first().cloned().unwrap_or_default();
    if kind(first).is_none() || kind(&second).is_none() {
        return Err("invalid type for comparison".into());
    }
    match (first, &second) {
        (Some(Value::Int(a)), Some(Value::Int(b))) => Ok(a.cmp(b)),
        (Some(Value::Float(a)), Some(Value::Float(b))) => Ok(a.partial_cmp(b).unwrap_or(Ordering::Equal)),
        (Some(Value::String(a)), Some(Value::String(b))) => Ok(a.cmp(b)),
        (Some(Value::Bool(_)), Some(Value::Bool(_))) => Err("invalid type for comparison".into()),
        _ => Err(incompatible(types, 1)),
    }
}

fn whole(value: &Val, length: usize, most: usize) -> Result<usize> {
    let _ = length;
    match value {
        Some(Value::Int(at)) => match usize::try_from(*at) {
            Ok(place) if place <= most => Ok(place),
            _ => Err(format!("index out of range: {at}")),
        },
        None | Some(Value::Null) => Err("cannot index slice/array with nil".into()),
        other => Err(format!("cannot index slice/array with type {}", type_of(other))),
    }
}

fn index(first: Val, keys: &[Val]) -> Result<Val> {
    let mut value = first;
    if value.is_none() || value == Some(Value::Null) {
        return Err("index of untyped nil".into());
    }
    for key in keys {
        value = match &value {
            Some(Value::Array(items)) => {
                let at = whole(key, items.len(), items.len().wrapping_sub(1).min(items.len()))?;
                match items.get(at) {
                    Some(item) => Some(item.clone()),
                    None => return Err(format!("index out of range: {at}")),
                }
            }
            Some(Value::String(text)) => {
                let at = whole(key, text.len(), text.len())?;
                match text.as_bytes().get(at) {
                    Some(byte) => Some(Value::from(i64::from(*byte))),
                    None => return Err(format!("index out of range: {at}")),
                }
            }
            Some(Value::Object(map)) => match key {
                Some(Value::String(key)) => Some(map.get(key).cloned().unwrap_or_default()),
                None | Some(Value::Null) => return Err("value is nil; should be of type string".into()),
                other => return Err(format!("value has type {}; should be string", type_of(other))),
            },
            None | Some(Value::Null) => return Err("index of nil pointer".into()),
            other => return Err(format!("can't index item of type {}", type_of(other))),
        };
    }
    Ok(value)
}

fn slice(first: &Val, keys: &[Val]) -> Result<Val> {
    let length = match first {
        Some(Value::String(text)) => text.len(),
        Some(Value::Array(items)) => items.len(),
        None | Some(Value::Null) => return Err("slice of untyped nil".into()),
        other => return Err(format!("can't slice item of type {}", type_of(other))),
    };
    if keys.len() > 3 {
        return Err(format!("too many slice indexes: {}", keys.len()));
    }
    if keys.len() == 3 && matches!(first, Some(Value::String(_))) {
        return Err("cannot 3-index slice a string".into());
    }
    let from = keys.first().map_or(Ok(0), |key| whole(key, length, length))?;
    let to = keys.get(1).map_or(Ok(length), |key| whole(key, length, length))?;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    Ok(Some(match first {
        Some(Value::String(text)) => {
            let bytes = text.as_bytes().get(from..to).unwrap_or_default();
            Value::from(String::from_utf8_lossy(bytes).into_owned())
        }
        Some(Value::Array(items)) => items.get(from..to).unwrap_or_default().iter().cloned().collect(),
        _ => Value::Null,
    }))
}
