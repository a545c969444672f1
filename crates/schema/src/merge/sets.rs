//! Sets of fields, in the form of `fieldsV1`.
//!
//! A node says what is below a field: `{}` is the field itself and nothing below it; `{".": {}, ...}` the field and what
//! follows; `{...}` without a dot only what follows. The root never has a dot, so that the empty set is an empty object.

use drydock_value::{Key, Map, Value};

use super::path::show;

const SELF: &str = ".";

/// What becomes of a field that is in the first set, in the second.
type Keep = fn(bool, bool) -> bool;

/// Whether the node's own field is in the set.
pub fn is_member(node: Option<&Value>) -> bool {
    node.is_some_and(|node| node.is_empty() || node.get(SELF).is_some())
}

/// A node; None when there is nothing in it.
pub(super) fn node(member: bool, mut below: Vec<(Key, Value)>) -> Option<Value> {
    if below.is_empty() {
        return member.then(Value::object);
    }
    if member {
        // Sorts before every other key but itself: they all start with a letter.
        below.insert(0, (Key::from(SELF), Value::object()));
    }
    Some(Value::Object(below.into_iter().collect()))
}

fn below(node: &Value) -> impl Iterator<Item = (&Key, &Value)> {
    node.as_object().into_iter().flat_map(Map::shared_iter).filter(|(key, _)| key.as_str() != SELF)
}

fn combine(a: Option<&Value>, b: Option<&Value>, keep: Keep) -> Option<Value> {
    let (mine, both) = (keep(true, false), keep(true, true));
    match (a, b) {
        (None, None) => return None,
        (Some(a), None) => return mine.then(|| a.clone()),
        (None, Some(b)) => return keep(false, true).then(|| b.clone()),
        (Some(a), Some(b)) if a.ptr_eq(b) => return both.then(|| a.clone()),
        _ => {}
    }
    let member = keep(is_member(a), is_member(b));
    let empty = Value::object();
    let (a, b) = (a.unwrap_or(&empty), b.unwrap_or(&empty));
    let mut out = Vec::new();
    let (mut left, mut right) = (below(a).peekable(), below(b).peekable());
    loop {
        let key = match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some((key, _)), None) | (None, Some((key, _))) => (*key).clone(),
            (Some((a, _)), Some((b, _))) => (*a).min(*b).clone(),
        };
        let a = left.next_if(|(k, _)| **k == key).map(|(_, value)| value);
        let b = right.next_if(|(k, _)| **k == key).map(|(_, value)| value);
        if let Some(value) = combine(a, b, keep) {
            out.push((key, value));
        }
    }
    node(member, out)
}

/// The root has no field of its own: an empty set must not look like one.
fn at_root(a: &Value, b: &Value, keep: Keep) -> Value {
    let some = |set| Some(set).filter(|set: &&Value| !set.is_empty());
    combine(some(a), some(b), keep).unwrap_or_else(Value::object)
}

/// What is in either set.
pub fn union(a: &Value, b: &Value) -> Value {
    at_root(a, b, |a, b| a || b)
}

/// What is in the first set and not in the second.
pub fn difference(a: &Value, b: &Value) -> Value {
    at_root(a, b, |a, b| a && !b)
}

/// What is in both sets.
pub fn intersection(a: &Value, b: &Value) -> Value {
    at_root(a, b, |a, b| a && b)
}

/// The set without a field and all that is below it.
pub fn without_tree(set: &Value, path: &[&str]) -> Value {
    let Some((first, rest)) = path.split_first() else { return Value::object() };
    let Some(inner) = set.get(first) else { return set.clone() };
    let mut out = set.clone();
    let left = without_tree(inner, rest);
    if left.is_empty() {
        out.remove(first);
    } else {
        out.set(*first, left);
    }
    out
}

/// The set with every named field that has something of it below it.
pub(super) fn with_parents(set: &Value) -> Value {
    let pairs: Vec<(Key, Value)> = below(set)
        .map(|(key, value)| {
            let mut inner = with_parents(value);
            if key.starts_with("f:") && !inner.is_empty() {
                inner.set(SELF, Value::object());
            }
            (key.clone(), inner)
        })
        .collect();
    node(is_member(Some(set)), pairs).unwrap_or_else(Value::object)
}

/// Every field of a set, as messages show it: a level's own fields first, then what is below them.
pub fn paths(set: &Value) -> Vec<String> {
    fn visit(set: &Value, prefix: &str, out: &mut Vec<String>) {
        for (key, value) in below(set) {
            if is_member(Some(value)) {
                out.push(format!("{prefix}{}", show(key)));
            }
        }
        for (key, value) in below(set) {
            visit(value, &format!("{prefix}{}", show(key)), out);
        }
    }
    let mut out = Vec::new();
    visit(set, "", &mut out);
    out
}
