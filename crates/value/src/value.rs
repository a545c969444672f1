//! [`Value`]: a JSON tree that is shared until it is changed.

use std::ops::{Index, IndexMut};
use std::sync::{Arc, OnceLock};

use crate::compare::{order, same};
use crate::map::Map;

/// An immutable string held by reference count. A clone costs a pointer.
#[derive(Clone, Eq)]
pub struct Str(Arc<str>);

// Names and namespaces are mostly one text that many hold: the same text needs no comparing.
impl PartialEq for Str {
    fn eq(&self, other: &Str) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || same(&self.0, &other.0)
    }
}

impl std::hash::Hash for Str {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Str) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Str) -> std::cmp::Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { std::cmp::Ordering::Equal } else { order(&self.0, &other.0) }
    }
}

impl Str {
    /// A text of its own, which nobody else holds.
    pub(crate) fn own(text: &str) -> Str {
        Str(Arc::from(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Str {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Str {
    #[inline(never)]
    fn from(text: &str) -> Str {
        crate::words::known(text).cloned().unwrap_or_else(|| Str::own(text))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        Str(Arc::from(text))
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Str {
        Str(Arc::from(text.as_str()))
    }
}

impl From<&Str> for Str {
    fn from(text: &Str) -> Str {
        text.clone()
    }
}

impl Default for Str {
    /// The empty text; all are one.
    fn default() -> Str {
        static EMPTY: OnceLock<Str> = OnceLock::new();
        EMPTY.get_or_init(|| Str(Arc::from(""))).clone()
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        same(self, other)
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        same(self, other)
    }
}

impl std::fmt::Display for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&*self.0, f)
    }
}

/// A JSON tree. Arrays, objects and strings are held by reference count, so a clone costs a pointer, and a change
/// copies only the levels between the root and what changed.
///
/// Reading is forgiving, as optional fields are the rule in Kubernetes: `pod["spec"]["nodeName"]` is [`Value::Null`]
/// where any step is missing, and `.str()`, `.items()` and so on of a null are empty.
#[derive(Clone, Default, PartialEq)]
pub enum Value {
    /// JSON's null; also what a missing field reads as.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number without fraction or exponent that fits.
    Int(i64),
    /// Any other number. Never NaN or infinite.
    Float(f64),
    /// A string.
    String(Str),
    /// An array.
    Array(Arc<Vec<Value>>),
    /// An object.
    Object(Map),
}

static NULL: Value = Value::Null;

impl Value {
    /// An empty object.
    pub fn object() -> Value {
        Value::Object(Map::new())
    }

    /// An array of `items`.
    pub fn array(items: impl IntoIterator<Item = impl Into<Value>>) -> Value {
        Value::Array(Arc::new(items.into_iter().map(Into::into).collect()))
    }

    /// Whether this is null, or was missing.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether this is null, false, zero, or an empty string, array or object: what Go's `omitempty` leaves out.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Null => true,
            Value::Bool(b) => !b,
            Value::Int(i) => *i == 0,
            Value::Float(f) => *f == 0.0,
            Value::String(s) => s.is_empty(),
            Value::Array(a) => a.is_empty(),
            Value::Object(m) => m.is_empty(),
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The string, or "".
    #[inline(never)]
    pub fn str(&self) -> &str {
        self.as_str().unwrap_or("")
    }

    /// The whole number, if it is one (a float without fraction counts).
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            Value::Float(f) if f.fract() == 0.0 && f.abs() < 9.0e15 => Some(*f as i64),
            _ => None,
        }
    }

    /// The whole number, or 0.
    pub fn int(&self) -> i64 {
        self.as_i64().unwrap_or(0)
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// Whether this is true.
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// The array's items, if it is one.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The array's items, or none.
    #[inline(never)]
    pub fn items(&self) -> &[Value] {
        self.as_array().unwrap_or(&[])
    }

    /// The array's items for changing; what was not an array becomes an empty one. Copies this level when shared.
    #[inline(never)]
    pub fn items_mut(&mut self) -> &mut Vec<Value> {
        if !matches!(self, Value::Array(_)) {
            *self = Value::Array(Arc::default());
        }
        match self {
            Value::Array(items) => Arc::make_mut(items),
            _ => unreachable!("made an array above"),
        }
    }

    /// Adds an item to the array; what was not an array becomes one.
    pub fn push(&mut self, item: impl Into<Value>) {
        self.items_mut().push(item.into());
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The object for changing, if it is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        match self {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The object for changing; what was not an object becomes an empty one.
    #[inline(never)]
    pub fn object_mut(&mut self) -> &mut Map {
        if !matches!(self, Value::Object(_)) {
            *self = Value::object();
        }
        match self {
            Value::Object(map) => map,
            _ => unreachable!("made an object above"),
        }
    }

    /// The object's pairs in key order, or none.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (&str, &Value)> + Clone {
        self.as_object().into_iter().flat_map(Map::iter)
    }

    /// The field `key` of an object, if there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The field for changing, if there.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.as_object_mut()?.get_mut(key)
    }

    /// Sets a field; what was not an object becomes one.
    pub fn set(&mut self, key: impl Into<Str>, value: impl Into<Value>) {
        self.object_mut().insert(key, value);
    }

    /// Takes a field out and answers it; null when it was not there.
    pub fn remove(&mut self, key: &str) -> Value {
        self.as_object_mut().and_then(|map| map.remove(key)).unwrap_or_default()
    }

    /// What lies at the end of a path of keys; null where any step is missing.
    pub fn at(&self, path: &[&str]) -> &Value {
        path.iter().fold(self, |value, key| &value[*key])
    }

    /// The item of an array of objects whose `key` is the string `wanted` (a container by name, a condition by type).
    pub fn find(&self, key: &str, wanted: &str) -> Option<&Value> {
        self.items().iter().find(|item| item[key].str() == wanted)
    }

    /// Whether both are one and the same in memory, or equal scalars: equal for sure, found without looking inside.
    pub fn ptr_eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Array(a), Value::Array(b)) => Arc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => a.ptr_eq(b),
            (Value::Array(_) | Value::Object(_), _) => false,
            _ => self == other,
        }
    }
}

impl Index<&str> for Value {
    type Output = Value;

    // As with all of the small methods that thousands of places call: one copy, for the size of the page's module.
    #[inline(never)]
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&NULL)
    }
}

impl IndexMut<&str> for Value {
    /// Makes the field, and the object, when they are not there.
    #[inline(never)]
    fn index_mut(&mut self, key: &str) -> &mut Value {
        self.object_mut().entry(key)
    }
}

impl Index<usize> for Value {
    type Output = Value;

    #[inline(never)]
    fn index(&self, at: usize) -> &Value {
        self.items().get(at).unwrap_or(&NULL)
    }
}

impl IndexMut<usize> for Value {
    /// # Panics
    /// When there is no item at that place.
    fn index_mut(&mut self, at: usize) -> &mut Value {
        &mut self.items_mut()[at]
    }
}

macro_rules! from_integers {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Value {
            fn from(number: $integer) -> Value {
                i64::try_from(number).map_or(Value::Float(number as f64), Value::Int)
            }
        }
    )*};
}
from_integers!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl From<f64> for Value {
    /// NaN and the infinities, which JSON cannot hold, become null.
    fn from(number: f64) -> Value {
        if number.is_finite() { Value::Float(number) } else { Value::Null }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::Bool(b)
    }
}

impl From<&str> for Value {
    #[inline(never)]
    fn from(text: &str) -> Value {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    #[inline(never)]
    fn from(text: String) -> Value {
        Value::String(text.into())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Value {
        Value::String(text.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Value {
        Value::String(text)
    }
}

impl From<&Str> for Value {
    fn from(text: &Str) -> Value {
        Value::String(text.clone())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Value {
        Value::Object(map)
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Value {
        value.clone()
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::array(items)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Value {
        Value::array(items)
    }
}

impl PartialEq<str> for Value {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == Some(*other)
    }
}

impl std::fmt::Display for Value {
    /// Compact JSON.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::to_json(self))
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Value, value};

    #[test]
    fn missing_fields_read_as_null() {
        let pod = value!({"spec": {"containers": [{"name": "a"}]}});
        assert_eq!(pod["spec"]["containers"][0]["name"], "a");
        assert!(pod["status"]["phase"].is_null());
        assert!(pod["spec"]["containers"][7]["name"].is_null());
        assert_eq!(pod["spec"]["containers"].find("name", "a"), Some(&value!({"name": "a"})));
    }

    #[test]
    fn a_change_copies_only_its_path() {
        let before = value!({"metadata": {"name": "x"}, "spec": {"replicas": 1}});
        let mut after = before.clone();
        after["spec"]["replicas"] = 2.into();
        assert_eq!(before["spec"]["replicas"].int(), 1);
        assert_eq!(after["spec"]["replicas"].int(), 2);
        assert!(before["metadata"].ptr_eq(&after["metadata"]));
        assert!(!before["spec"].ptr_eq(&after["spec"]));
    }

    #[test]
    fn a_value_is_small() {
        assert!(size_of::<Value>() <= 24);
    }
}
