//! Values that programs compute with.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use drydock_sorted::Sort as _;
use drydock_value::{Map, Str, Value};

use super::clock;
use super::types::{Listed, Type, escape};

/// A value. Objects and lists of JSON are taken as they are, with what their schema says of them: what is in them becomes
/// a value when it is asked for.
#[derive(Debug, Clone)]
pub enum Val {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that is not negative.
    Uint(u64),
    /// Any number.
    Double(f64),
    /// Text.
    Str(Str),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Nanoseconds since 1970.
    Timestamp(i128),
    /// Nanoseconds.
    Duration(i64),
    /// A list that a program made.
    List(Arc<Vec<Val>>),
    /// A map that a program made, in the order of its making.
    Map(Arc<Vec<(Val, Val)>>),
    /// A list of JSON.
    Array(Arc<Vec<Value>>, Type, Listed),
    /// An object of JSON.
    Object(Map, Type),
    /// A type.
    Type(Type),
    /// A value, or none.
    Optional(Option<Arc<Val>>),
    /// A value of a library.
    Opaque(Arc<Opaque>),
}

/// Values of libraries.
#[derive(Debug, Clone)]
pub enum Opaque {
    /// An amount.
    Quantity(crate::quantity::Quantity),
    /// A URL: its text and parts.
    Url(super::net::Url),
    /// An address.
    Ip(std::net::IpAddr),
    /// Addresses with a common beginning.
    Cidr(std::net::IpAddr, u8),
    /// A version.
    Semver(super::semver::Semver),
    /// A named rule for texts.
    Format(&'static str),
    /// A question to the authorizer, as far as it is put together.
    Authorizer(super::authorizer::Question),
    /// Its answer.
    Decision(super::authorizer::Decision),
}

impl From<&str> for Val {
    fn from(text: &str) -> Val {
        Val::Str(text.into())
    }
}

impl From<String> for Val {
    fn from(text: String) -> Val {
        Val::Str(text.into())
    }
}

impl From<bool> for Val {
    fn from(truth: bool) -> Val {
        Val::Bool(truth)
    }
}

impl From<usize> for Val {
    fn from(count: usize) -> Val {
        Val::Int(count as i64)
    }
}

impl From<Vec<Val>> for Val {
    fn from(items: Vec<Val>) -> Val {
        Val::List(Arc::new(items))
    }
}

impl From<Opaque> for Val {
    fn from(value: Opaque) -> Val {
        Val::Opaque(Arc::new(value))
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Val) -> bool {
        equal(self, other)
    }
}

/// Numbers of whatever kind in one order.
fn numbers(a: &Val, b: &Val) -> Option<Option<Ordering>> {
    let whole = |value: &Val| match value {
        Val::Int(n) => Some(i128::from(*n)),
        Val::Uint(n) => Some(i128::from(*n)),
        _ => None,
    };
    let float = |value: &Val| match value {
        Val::Double(n) => Some(*n),
        other => whole(other).map(|n| n as f64),
    };
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(Some(a.cmp(&b))),
        _ => Some(float(a)?.partial_cmp(&float(b)?)),
    }
}

pub(super) fn compare(a: &Val, b: &Val) -> Option<Option<Ordering>> {
    Some(Some(match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => a.cmp(b),
        (Val::Str(a), Val::Str(b)) => a.cmp(b),
        (Val::Bytes(a), Val::Bytes(b)) => a.cmp(b),
        (Val::Timestamp(a), Val::Timestamp(b)) => a.cmp(b),
        (Val::Duration(a), Val::Duration(b)) => a.cmp(b),
        _ => return numbers(a, b),
    }))
}

/// Items as texts, in an order of their own: what has none is compared so, as lists may be long.
fn marks(items: &[Val]) -> Vec<String> {
    let mut marks: Vec<String> = items.iter().map(|item| mark(item, &Listed::Set)).collect();
    marks.sort_compact();
    marks
}

/// What tells an item of a list apart: its keys, or all of it.
pub(super) fn mark(item: &Val, listed: &Listed) -> String {
    match (listed, item) {
        (Listed::Keyed(keys), Val::Object(map, _)) => {
            let parts = keys.iter().map(|key| map.get(key).map(drydock_value::to_json).unwrap_or_default());
            parts.collect::<Vec<String>>().join(" ")
        }
        _ => item.to_json().as_ref().map(drydock_value::to_json).unwrap_or_default(),
    }
}

pub(super) fn equal(a: &Val, b: &Val) -> bool {
    match (a, b) {
        (Val::Null, Val::Null) => true,
        (Val::Array(a, x, _), Val::Array(b, y, _)) if Arc::ptr_eq(a, b) && x == y => true,
        (Val::Object(a, x), Val::Object(b, y)) if a.ptr_eq(b) && x == y => true,
        (Val::Type(a), Val::Type(b)) => type_name(a) == type_name(b),
        (Val::Optional(a), Val::Optional(b)) => a == b,
        (Val::Opaque(a), Val::Opaque(b)) => super::libraries::equal(a, b),
        _ => {
            let is_ordered = !matches!(a, Val::Array(.., Listed::Set | Listed::Keyed(_)));
            if let (Some(a), Some(b)) = (a.items(), b.items()) {
                return a.len() == b.len()
                    && if is_ordered {
                        a.iter().zip(b.iter()).all(|(a, b)| equal(a, b))
                    } else {
                        marks(&a) == marks(&b)
                    };
            }
            if let (Some(a), Some(b)) = (a.pairs(), b.pairs()) {
                let found = |key: &Val| b.iter().find(|(other, _)| equal(key, other)).map(|(_, value)| value);
                return a.len() == b.len() && a.iter().all(|(key, value)| found(key).is_some_and(|b| equal(value, b)));
            }
            compare(a, b) == Some(Some(Ordering::Equal))
        }
    }
}

/// The name of a type's values: lists and maps have one each.
pub(super) fn type_name(of: &Type) -> String {
    match of {
        Type::List(..) => "list".into(),
        Type::Map(..) => "map".into(),
        Type::Null => "null_type".into(),
        Type::Timestamp => "google.protobuf.Timestamp".into(),
        Type::Duration => "google.protobuf.Duration".into(),
        Type::Optional(_) => "optional_type".into(),
        Type::Type(_) => "type".into(),
        other => other.text(),
    }
}

impl Val {
    /// JSON as a value of a type.
    pub fn of(value: &Value, ty: &Type) -> Val {
        match (value, ty) {
            (Value::Null, _) => Val::Null,
            (Value::Bool(b), _) => Val::Bool(*b),
            (Value::Int(n), Type::Double) => Val::Double(*n as f64),
            (Value::Int(n), _) => Val::Int(*n),
            (Value::Float(n), Type::Int) if n.fract() == 0.0 => Val::Int(*n as i64),
            (Value::Float(n), _) => Val::Double(*n),
            (Value::String(text), Type::Timestamp) => {
                clock::timestamp(text).or_else(|_| clock::timestamp(&format!("{text}T00:00:00Z"))).unwrap_or(Val::Null)
            }
            (Value::String(text), Type::Duration) => clock::duration(text).unwrap_or(Val::Null),
            (Value::String(text), Type::Bytes) => match crate::base64::decode(text) {
                Ok(bytes) => Val::Bytes(Arc::from(bytes)),
                Err(_) => Val::Null,
            },
            (Value::String(text), _) => Val::Str(text.clone()),
            (Value::Array(items), Type::List(of, listed)) => Val::Array(items.clone(), (**of).clone(), listed.clone()),
            (Value::Array(items), _) => Val::Array(items.clone(), Type::Dyn, Listed::Ordered),
            (Value::Object(map), ty) => Val::Object(map.clone(), ty.clone()),
        }
    }

    /// JSON as it is.
    pub fn plain(value: &Value) -> Val {
        Val::of(value, &Type::Dyn)
    }

    /// The items, if it is a list.
    pub(super) fn items(&self) -> Option<Arc<Vec<Val>>> {
        match self {
            Val::List(items) => Some(items.clone()),
            Val::Array(items, ty, _) => Some(Arc::new(items.iter().map(|item| Val::of(item, ty)).collect())),
            _ => None,
        }
    }

    /// Keys and values, if it is a map or an object.
    pub(super) fn pairs(&self) -> Option<Arc<Vec<(Val, Val)>>> {
        match self {
            Val::Map(pairs) => Some(pairs.clone()),
            Val::Object(map, ty) => {
                let pairs = map.iter().filter_map(|(key, value)| {
                    let written = match ty {
                        Type::Object(_) => escape(key)?,
                        _ => key.to_owned(),
                    };
                    Some((Val::from(key), self.field(&written).unwrap_or_else(|| Val::plain(value))))
                });
                Some(Arc::new(pairs.collect()))
            }
            _ => None,
        }
    }

    /// How many items, pairs, characters or bytes there are.
    pub(super) fn size(&self) -> Option<usize> {
        Some(match self {
            Val::Str(text) => text.chars().count(),
            Val::Bytes(bytes) => bytes.len(),
            Val::List(items) => items.len(),
            Val::Array(items, ..) => items.len(),
            Val::Map(pairs) => pairs.len(),
            Val::Object(map, _) => map.len(),
            _ => return None,
        })
    }

    /// A field by its name as expressions write it, or the value of a key.
    pub(super) fn field(&self, written: &str) -> Option<Val> {
        match self {
            Val::Object(map, Type::Object(object)) => {
                let found = map.get(&super::types::unescape(written)).or_else(|| map.get(written))?;
                Some(Val::of(found, &object.field(written).unwrap_or(Type::Dyn)))
            }
            Val::Object(map, ty) => {
                let inner = if let Type::Map(_, inner) = ty { inner } else { &Type::Dyn };
                map.get(written).map(|found| Val::of(found, inner))
            }
            Val::Map(pairs) => {
                let is = |key: &Val| matches!(key, Val::Str(key) if key.as_str() == written);
                pairs.iter().find(|(key, _)| is(key)).map(|(_, value)| value.clone())
            }
            _ => None,
        }
    }

    /// What type it has.
    pub(super) fn type_of(&self) -> Type {
        match self {
            Val::Null => Type::Null,
            Val::Bool(_) => Type::Bool,
            Val::Int(_) => Type::Int,
            Val::Uint(_) => Type::Uint,
            Val::Double(_) => Type::Double,
            Val::Str(_) => Type::String,
            Val::Bytes(_) => Type::Bytes,
            Val::Timestamp(_) => Type::Timestamp,
            Val::Duration(_) => Type::Duration,
            Val::List(_) | Val::Array(..) => Type::list(Type::Dyn),
            Val::Object(_, ty @ Type::Object(_)) => ty.clone(),
            Val::Map(_) | Val::Object(..) => Type::map(Type::Dyn),
            Val::Type(_) => Type::Type(Arc::new(Type::Dyn)),
            Val::Optional(_) => Type::Dyn.optional(),
            Val::Opaque(value) => Type::Opaque(super::libraries::name(value)),
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    /// As JSON; None for what has no form there.
    pub fn to_json(&self) -> Option<Value> {
        Some(match self {
            Val::Null => Value::Null,
            Val::Bool(b) => Value::Bool(*b),
            Val::Int(n) => Value::Int(*n),
            Val::Uint(n) => i64::try_from(*n).map_or(Value::Float(*n as f64), Value::Int),
            Val::Double(n) if n.is_finite() => Value::from(*n),
            Val::Str(text) => Value::String(text.clone()),
            Val::Bytes(bytes) => crate::base64::encode(bytes).into(),
            Val::Timestamp(_) | Val::Duration(_) => clock::text(self)?.into(),
            Val::Array(items, ..) => Value::Array(items.clone()),
            Val::Object(map, _) => Value::Object(map.clone()),
            Val::List(items) => {
                let items: Option<Vec<Value>> = items.iter().map(Val::to_json).collect();
                Value::from(items?)
            }
            Val::Map(pairs) => {
                let mut map = Map::new();
                for (key, value) in pairs.iter() {
                    map.insert(key.as_str()?, value.to_json()?);
                }
                Value::Object(map)
            }
            _ => return None,
        })
    }
}
