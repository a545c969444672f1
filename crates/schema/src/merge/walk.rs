//! From values to sets of fields, and from sets to values.

use drydock_value::{Key, Value};

use super::path::{field, keyed, scalar, show};
use super::sets::{is_member, node, with_parents};
use super::types::{How, Type};

type Pairs = Vec<(Key, Value)>;

/// The step to a list's item; items that cannot be told apart have none.
fn element(of: Type<'_>, how: How, item: &Value) -> Option<Key> {
    match how {
        How::Set => Some(scalar(item)),
        _ => keyed(of, item).ok(),
    }
}

fn items<'v>(of: Type<'_>, how: How, list: &'v Value) -> Vec<(Key, &'v Value)> {
    list.items().iter().filter_map(|item| Some((element(of, how, item)?, item))).collect()
}

fn find<'v>(items: &[(Key, &'v Value)], key: &Key) -> Option<&'v Value> {
    items.iter().find(|(known, _)| known == key).map(|(_, item)| *item)
}

/// The fields of a value that somebody applies: leaves, items of lists, keys of maps.
pub fn fields_of(of: Type<'_>, value: &Value) -> Value {
    fields(of, value).unwrap_or_else(Value::object)
}

fn fields(of: Type<'_>, value: &Value) -> Option<Value> {
    let how = of.how(value);
    match (how, value) {
        (How::Object, Value::Object(map)) => {
            let mut out = Pairs::new();
            for (key, value) in map.iter() {
                let Some((child, named)) = of.child(key) else { continue };
                let inner = fields(child, value);
                let own = value.is_null() || value.as_object().is_some_and(|map| map.is_empty()) || !named;
                if let Some(node) = with_self(inner, own) {
                    out.push((field(key), node));
                }
            }
            node(false, out)
        }
        (How::Set | How::Keyed, Value::Array(_)) => {
            let mut out = Pairs::new();
            for (key, item) in items(of, how, value) {
                if let Some(node) = with_self(fields(of.item(), item), true) {
                    out.push((key, node));
                }
            }
            node(false, out)
        }
        (How::Object | How::Set | How::Keyed, Value::Null) => None,
        _ => Some(Value::object()),
    }
}

/// A node with its own field put in, if it is.
fn with_self(inner: Option<Value>, own: bool) -> Option<Value> {
    match inner {
        Some(inner) if own && !inner.is_empty() => {
            let mut inner = inner;
            inner.set(".", Value::object());
            Some(inner)
        }
        None => own.then(Value::object),
        inner => inner,
    }
}

/// What differs between two values.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What is new or has another value.
    pub changed: Value,
    /// What is gone.
    pub removed: Value,
}

/// Compares two values. What they share in memory is not looked at.
pub fn compare(of: Type<'_>, before: &Value, after: &Value) -> Difference {
    let (changed, removed) = differences(of, Some(before), Some(after));
    Difference { changed: changed.unwrap_or_else(Value::object), removed: removed.unwrap_or_else(Value::object) }
}

fn differences(of: Type<'_>, before: Option<&Value>, after: Option<&Value>) -> (Option<Value>, Option<Value>) {
    let leaf = Some(Value::object());
    match (before, after) {
        (None, None) => return (None, None),
        (Some(a), Some(b)) if a.ptr_eq(b) => return (None, None),
        _ => {}
    }
    let either = after.filter(|value| !value.is_null()).or(before).unwrap_or(&Value::Null);
    let how = of.how(either);
    let hollow = |value: Option<&Value>| {
        value.is_none_or(|value| match value {
            Value::Null => true,
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        })
    };
    if how == How::Leaf || (hollow(before) && hollow(after)) {
        return match (before, after) {
            (None, _) => (leaf, None),
            (_, None) => (None, leaf),
            (a, b) => ((a != b).then(Value::object), None),
        };
    }
    let (mut changed, mut removed) = (Pairs::new(), Pairs::new());
    let mut note = |key: Key, (new, gone): (Option<Value>, Option<Value>)| {
        changed.extend(new.map(|node| (key.clone(), node)));
        removed.extend(gone.map(|node| (key, node)));
    };
    if how == How::Object {
        let null = Value::Null;
        let (a, b) = (before.unwrap_or(&null), after.unwrap_or(&null));
        let names = b.entries().map(|(key, _)| key);
        for key in a.entries().map(|(key, _)| key).chain(names.filter(|key| a.get(key).is_none())) {
            if let Some((child, _)) = of.child(key) {
                let (a, b) = (a.get(key), b.get(key));
                if a.is_some_and(|a| b.is_some_and(|b| a.ptr_eq(b))) {
                    continue;
                }
                note(field(key), differences(child, a, b));
            }
        }
    } else {
        let list = |value: Option<&Value>| value.cloned().unwrap_or_default();
        let (a, b) = (list(before), list(after));
        let (a, b) = (items(of, how, &a), items(of, how, &b));
        for (key, old) in &a {
            note(key.clone(), differences(of.item(), Some(old), find(&b, key)));
        }
        for (key, new) in b.iter().filter(|(key, _)| find(&a, key).is_none()) {
            note(key.clone(), differences(of.item(), None, Some(new)));
        }
    }
    (node(before.is_none(), changed), node(after.is_none(), removed))
}

/// Lays an applied value over the live one.
pub fn merge(of: Type<'_>, live: &Value, applied: &Value) -> Value {
    if live.is_null() {
        return applied.clone();
    }
    let how = of.how(applied);
    match (how, live, applied) {
        (How::Object, Value::Object(_), Value::Object(map)) => {
            let mut out = live.clone();
            for (key, value) in map.shared_iter() {
                let child = of.child(key).map_or(Type::Free, |(child, _)| child);
                out.set(key.clone(), merge(child, &live[key.as_str()], value));
            }
            out
        }
        (How::Set | How::Keyed, Value::Array(_), Value::Array(_)) => merge_lists(of, how, live, applied),
        _ => applied.clone(),
    }
}

/// Items that both have stand in the applied order; those that only the live list has, where they stood.
fn merge_lists(of: Type<'_>, how: How, live: &Value, applied: &Value) -> Value {
    let (live, applied) = (items(of, how, live), items(of, how, applied));
    let mut out: Vec<Value> = Vec::with_capacity(live.len() + applied.len());
    let mut taken = 0;
    let mut take_until = |end: usize, out: &mut Vec<Value>| {
        while let Some((key, item)) = applied.get(taken).filter(|_| taken < end) {
            out.push(merge(of.item(), find(&live, key).unwrap_or(&Value::Null), item));
            taken += 1;
        }
        taken
    };
    let mut next = 0;
    for (key, item) in &live {
        match applied.iter().position(|(known, _)| known == key) {
            None => out.push((*item).clone()),
            Some(at) if at < next => {}
            Some(at) => {
                // Only the next of those that both have is waited for; others come at their own place.
                let first = applied.iter().skip(next).position(|(key, _)| find(&live, key).is_some());
                if first == Some(at - next) {
                    next = take_until(at + 1, &mut out);
                }
            }
        }
    }
    take_until(applied.len(), &mut out);
    Value::from(out)
}

/// The value without what was owned before (`last`), is in it, and nobody owns any more (`owned`).
pub fn without(of: Type<'_>, value: &Value, last: &Value, owned: &Value) -> Value {
    remove(of, value, &with_parents(last), &with_parents(owned)).unwrap_or_default()
}

fn remove(of: Type<'_>, value: &Value, last: &Value, owned: &Value) -> Option<Value> {
    let how = of.how(value);
    let left = |key: &Key, of: Type<'_>, value: &Value| match last.get(key) {
        None => Some(value.clone()),
        last if is_member(last) && !is_member(owned.get(key)) => None,
        Some(last) if last.is_empty() => Some(value.clone()),
        Some(last) => remove(of, value, last, &owned[key.as_str()]),
    };
    match (how, value) {
        (How::Object, Value::Object(map)) => {
            let mut out = value.clone();
            for (key, inner) in map.iter() {
                let child = of.child(key).map_or(Type::Free, |(child, _)| child);
                match left(&field(key), child, inner) {
                    None => {
                        out.remove(key);
                    }
                    Some(inner) => out.set(key, inner),
                }
            }
            (map.is_empty() || !out.is_empty()).then_some(out)
        }
        (How::Set | How::Keyed, Value::Array(list)) => {
            let kept: Vec<Value> = list
                .iter()
                .filter_map(|item| match element(of, how, item) {
                    Some(key) => left(&key, of.item(), item),
                    None => Some(item.clone()),
                })
                .collect();
            (list.is_empty() || !kept.is_empty()).then(|| Value::from(kept))
        }
        _ => Some(value.clone()),
    }
}

/// What is wrong with a value before it can be merged: fields that its type does not have, wrong types, doubles.
pub fn check(of: Type<'_>, value: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    check_at(of, value, "", &mut errors);
    errors
}

fn check_at(of: Type<'_>, value: &Value, path: &str, errors: &mut Vec<String>) {
    if let Some(why) = of.mismatch(value) {
        errors.push(format!("{path}: {why}"));
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter() {
                match of.child(key) {
                    Some((child, _)) => check_at(child, inner, &format!("{path}.{key}"), errors),
                    None => errors.push(format!("{path}.{key}: field not declared in schema")),
                }
            }
        }
        Value::Array(list) => {
            let how = of.how(value);
            let mut seen: Vec<Key> = Vec::new();
            for (at, item) in list.iter().enumerate() {
                let key = match how {
                    How::Keyed => keyed(of, item).map(Some),
                    How::Set => Ok(Some(scalar(item))),
                    _ => Ok(None),
                };
                let place = match &key {
                    Ok(Some(key)) => format!("{path}{}", show(key)),
                    _ => format!("{path}[{at}]"),
                };
                match key {
                    Err(why) => errors.push(format!("{path}: element {at}: {why}")),
                    Ok(Some(key)) if seen.contains(&key) => {
                        errors.push(format!("{path}: duplicate entries for key {}", show(&key)));
                    }
                    Ok(key) => seen.extend(key),
                }
                check_at(of.item(), item, &place, errors);
            }
        }
        _ => {}
    }
}
