//! Operators, conversions and optional values; other functions are passed on to their libraries.

use std::cmp::Ordering;
use std::sync::Arc;

use drydock_sorted::SortedMap;
use drydock_value::Str;

use super::eval::{Found, NO_OVERLOAD, failed, index, select};
use super::types::Listed;
use super::val::{Opaque, Val, compare, equal, mark};
use super::{clock, collections, format, libraries, strings};

const INT: &str = "integer overflow";
const UINT: &str = "unsigned integer overflow";

/// A function's value; a method's object is the first argument.
pub(super) fn call(name: &str, args: &[Val]) -> Found {
    match (name, args) {
        ("_==_", [a, b]) => Ok(equal(a, b).into()),
        ("_!=_", [a, b]) => Ok((!equal(a, b)).into()),
        ("_<_" | "_<=_" | "_>_" | "_>=_", [a, b]) => {
            let Some(order) = compare(a, b) else { return failed(NO_OVERLOAD) };
            let fits = |order: Ordering| match name {
                "_<_" => order.is_lt(),
                "_<=_" => order.is_le(),
                "_>_" => order.is_gt(),
                _ => order.is_ge(),
            };
            Ok(order.is_some_and(fits).into())
        }
        ("!_", [Val::Bool(b)]) => Ok((!b).into()),
        ("-_", [Val::Int(n)]) => n.checked_neg().map_or_else(|| failed(INT), |n| Ok(Val::Int(n))),
        ("-_", [Val::Double(n)]) => Ok(Val::Double(-n)),
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [a, b]) => arithmetic(name, a, b),
        ("@in", [a, b]) => contains(a, b),
        ("_[_]", [of, at]) => index(of, at),
        ("_[?_]", [of, at]) => Ok(match index(of, at) {
            Ok(found @ Val::Optional(_)) => found,
            found => Val::Optional(found.ok().map(Arc::new)),
        }),
        ("_?._", [of, Val::Str(field)]) => Ok(match select(of, field) {
            Ok(found @ Val::Optional(_)) => found,
            found => Val::Optional(found.ok().map(Arc::new)),
        }),
        ("size", [of]) => of.size().map_or_else(|| failed(NO_OVERLOAD), |size| Ok(size.into())),
        ("type", [of]) => Ok(Val::Type(of.type_of())),
        ("dyn", [of]) => Ok(of.clone()),
        ("bool" | "bytes" | "double" | "duration" | "int" | "string" | "timestamp" | "uint", [of]) => convert(name, of),
        ("optional.of", [of]) => Ok(Val::Optional(Some(Arc::new(of.clone())))),
        ("optional.ofNonZeroValue", [of]) => {
            Ok(Val::Optional(if is_zero(of) { None } else { Some(Arc::new(of.clone())) }))
        }
        ("optional.none", []) => Ok(Val::Optional(None)),
        ("hasValue", [Val::Optional(inner)]) => Ok(inner.is_some().into()),
        ("value", [Val::Optional(inner)]) => match inner {
            Some(inner) => Ok((**inner).clone()),
            None => failed("optional.none() dereference"),
        },
        _ => {
            let found = strings::call(name, args)
                .or_else(|| collections::call(name, args))
                .or_else(|| clock::call(name, args))
                .or_else(|| libraries::call(name, args));
            found.unwrap_or_else(|| failed(NO_OVERLOAD))
        }
    }
}

fn is_zero(value: &Val) -> bool {
    match value {
        Val::Null => true,
        Val::Bool(b) => !b,
        Val::Int(n) | Val::Duration(n) => *n == 0,
        Val::Uint(n) => *n == 0,
        Val::Double(n) => *n == 0.0,
        Val::Optional(inner) => inner.is_none(),
        other => other.size() == Some(0),
    }
}

fn contains(item: &Val, of: &Val) -> Found {
    match of {
        Val::Object(map, _) => Ok(item.as_str().is_some_and(|key| map.contains_key(key)).into()),
        Val::Map(pairs) => Ok(pairs.iter().any(|(key, _)| equal(key, item)).into()),
        _ => match of.items() {
            Some(items) => Ok(items.iter().any(|other| equal(other, item)).into()),
            None => failed(NO_OVERLOAD),
        },
    }
}

fn or<T>(found: Option<T>, make: fn(T) -> Val, why: &str) -> Found {
    found.map_or_else(|| failed(why), |found| Ok(make(found)))
}

/// Adds items to those of a list: to a set those that it has not, to a list with keys in the place of those with the same.
fn join(all: &mut Vec<Val>, more: &[Val], list: &Val) {
    let listed = match list {
        Val::Array(_, _, listed @ (Listed::Set | Listed::Keyed(_))) => listed,
        _ => return all.extend(more.iter().cloned()),
    };
    let mut places: SortedMap<String, usize> = SortedMap::default();
    for (at, item) in all.iter().enumerate() {
        places.insert(mark(item, listed), at);
    }
    for item in more {
        let mark = mark(item, listed);
        match places.get(&mark).and_then(|at| all.get_mut(*at)) {
            Some(known) => known.clone_from(item),
            None => {
                places.insert(mark, all.len());
                all.push(item.clone());
            }
        }
    }
}

pub(super) fn arithmetic(sign: &str, a: &Val, b: &Val) -> Found {
    let zero = matches!(b, Val::Int(0) | Val::Uint(0)) && !matches!(a, Val::Double(_));
    match (sign, a, b) {
        ("_/_", ..) if zero => failed("division by zero"),
        ("_%_", ..) if zero => failed("modulus by zero"),
        (_, Val::Int(a), Val::Int(b)) => {
            let found = match sign {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            or(found, Val::Int, INT)
        }
        (_, Val::Uint(a), Val::Uint(b)) => {
            let found = match sign {
                "_+_" => a.checked_add(*b),
                "_-_" => a.checked_sub(*b),
                "_*_" => a.checked_mul(*b),
                "_/_" => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            or(found, Val::Uint, UINT)
        }
        (_, Val::Double(a), Val::Double(b)) => match sign {
            "_+_" => Ok(Val::Double(a + b)),
            "_-_" => Ok(Val::Double(a - b)),
            "_*_" => Ok(Val::Double(a * b)),
            "_/_" => Ok(Val::Double(a / b)),
            _ => failed(NO_OVERLOAD),
        },
        ("_+_", Val::Str(a), Val::Str(b)) => Ok(format!("{a}{b}").into()),
        ("_+_", Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes([&a[..], b].concat().into())),
        ("_+_" | "_-_", Val::Timestamp(_) | Val::Duration(_), Val::Timestamp(_) | Val::Duration(_)) => {
            clock::arithmetic(sign == "_+_", a, b)
        }
        ("_+_", ..) => match (a.items(), b.items()) {
            (Some(mut all), Some(more)) => {
                join(Arc::make_mut(&mut all), &more, a);
                Ok(Val::List(all))
            }
            _ => failed(NO_OVERLOAD),
        },
        _ => failed(NO_OVERLOAD),
    }
}

fn convert(to: &str, of: &Val) -> Found {
    let syntax =
        |what: &str, text: &str| failed(format!("strconv.{what}: parsing {}: invalid syntax", crate::go::quote(text)));
    match (to, of) {
        ("bool", Val::Bool(_))
        | ("bytes", Val::Bytes(_))
        | ("double", Val::Double(_))
        | ("duration", Val::Duration(_))
        | ("int", Val::Int(_))
        | ("string", Val::Str(_))
        | ("timestamp", Val::Timestamp(_))
        | ("uint", Val::Uint(_)) => Ok(of.clone()),
        ("bool", Val::Str(text)) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            text => syntax("ParseBool", text),
        },
        ("bytes", Val::Str(text)) => Ok(Val::Bytes(text.as_bytes().into())),
        ("double", Val::Int(n)) => Ok(Val::Double(*n as f64)),
        ("double", Val::Uint(n)) => Ok(Val::Double(*n as f64)),
        ("double", Val::Str(text)) => match text.parse() {
            Ok(n) => Ok(Val::Double(n)),
            Err(_) => syntax("ParseFloat", text),
        },
        ("int", Val::Uint(n)) => or(i64::try_from(*n).ok(), Val::Int, INT),
        ("int", Val::Double(n)) if n.is_finite() && n.abs() < 9_223_372_036_854_775_808.0 => Ok(Val::Int(*n as i64)),
        ("int", Val::Double(_)) => failed(INT),
        ("int", Val::Timestamp(t)) => Ok(Val::Int(t.div_euclid(1_000_000_000) as i64)),
        ("int", Val::Duration(n)) => Ok(Val::Int(*n)),
        ("int", Val::Str(text)) => match text.parse() {
            Ok(n) => Ok(Val::Int(n)),
            Err(_) => syntax("ParseInt", text),
        },
        ("uint", Val::Int(n)) => or(u64::try_from(*n).ok(), Val::Uint, UINT),
        ("uint", Val::Double(n)) if *n >= 0.0 && *n < 18_446_744_073_709_551_616.0 => Ok(Val::Uint(*n as u64)),
        ("uint", Val::Double(_)) => failed(UINT),
        ("uint", Val::Str(text)) => match text.parse() {
            Ok(n) => Ok(Val::Uint(n)),
            Err(_) => syntax("ParseUint", text),
        },
        ("timestamp", Val::Str(text)) => clock::timestamp(text).map_err(Str::from),
        ("timestamp", Val::Int(seconds)) => clock::checked_timestamp(i128::from(*seconds) * 1_000_000_000),
        ("duration", Val::Str(text)) => clock::duration(text).map_err(Str::from),
        ("duration", Val::Int(n)) => Ok(Val::Duration(*n)),
        ("string", Val::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.into()),
            Err(_) => failed("invalid UTF-8 in bytes, cannot convert to string"),
        },
        ("string", Val::Opaque(value)) if matches!(**value, Opaque::Ip(_) | Opaque::Cidr(..)) => {
            Ok(libraries::text(value).into())
        }
        ("string", Val::Double(n)) => Ok(format::double(*n).into()),
        ("string", Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Timestamp(_) | Val::Duration(_)) => {
            Ok(format::shown(of).into())
        }
        _ => failed(NO_OVERLOAD),
    }
}
