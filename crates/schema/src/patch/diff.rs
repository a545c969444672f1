//! Strategic patches from two versions of an object.

use drydock_value::{Map, Value, value};

use super::{DELETE_FROM_LIST, DIRECTIVE, ELEMENT_ORDER, RETAIN_KEYS, Rule, place};
use crate::{TypeRef, go};

/// What of the difference goes into a patch.
#[derive(Clone, Copy)]
pub(super) struct Want {
    pub deletions: bool,
    pub changes: bool,
    /// Whether lists that merge get their order named.
    pub order: bool,
}

/// The strategic patch that turns `from` into `to`; an empty object when they are equal.
///
/// # Errors
/// When an item of a list lacks its merge key.
pub fn two_way_strategic(of: TypeRef, from: &Value, to: &Value) -> Result<Value, String> {
    diff(of, from, to, Want { deletions: true, changes: true, order: true })
}

pub(super) fn diff(of: TypeRef, from: &Value, to: &Value, want: Want) -> Result<Value, String> {
    let empty = Map::new();
    let (from, to) = (from.as_object().unwrap_or(&empty), to.as_object().unwrap_or(&empty));
    maps(from, to, Some(of), want, false).map(Value::Object)
}

fn maps(from: &Map, to: &Map, of: Option<TypeRef>, want: Want, retains_keys: bool) -> Result<Map, String> {
    let mut patch = Map::new();
    for (key, after) in to {
        let rule = Rule::of(of, key);
        match (from.get(key), after) {
            (Some(before), after) if before.ptr_eq(after) => {}
            (Some(Value::Object(before)), Value::Object(after)) => {
                let inner = maps(before, after, rule.inner, want, rule.retains_keys)?;
                if !inner.is_empty() {
                    patch.insert(key.clone(), inner);
                }
            }
            (Some(Value::Array(before)), Value::Array(after)) if rule.merges => {
                merging_lists(key, before, after, rule, want, &mut patch)?;
            }
            (Some(before), after) if before == after => {}
            _ if want.changes => {
                patch.insert(key.clone(), after);
            }
            _ => {}
        }
    }
    if want.deletions {
        for (key, _) in from.iter().filter(|(key, _)| !to.contains_key(key)) {
            patch.insert(key, Value::Null);
        }
    }
    let lost = from.keys().any(|key| !to.contains_key(key));
    if retains_keys && (!patch.is_empty() || lost) {
        let keys: Value = to.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
        patch.insert(RETAIN_KEYS, keys);
    }
    Ok(patch)
}

fn merging_lists(
    field: &str,
    from: &[Value],
    to: &[Value],
    rule: Rule,
    want: Want,
    patch: &mut Map,
) -> Result<(), String> {
    let objects = from.iter().chain(to).any(|item| item.as_object().is_some());
    let key = rule.key.filter(|_| objects);
    let (mut changed, deleted) = match key {
        Some(key) => items_by_key(from, to, key, rule, want)?,
        None if objects => {
            // Objects without a key to tell them apart cannot merge.
            if from != to && want.changes {
                patch.insert(field, Value::array(to));
            }
            return Ok(());
        }
        None => scalars(from, to, want),
    };
    let touched = !changed.is_empty() || !deleted.is_empty();
    let reordered = || !same_order(from, to, key);
    let ordered = want.order && ((want.changes && (touched || reordered())) || (want.deletions && touched));
    if let Some(key) = key {
        changed.extend(deleted);
        if ordered {
            let order: Value = to.iter().map(|item| value!({(key): &item[key]})).collect();
            patch.insert(format!("{ELEMENT_ORDER}{field}"), order);
        }
    } else {
        if !deleted.is_empty() {
            patch.insert(format!("{DELETE_FROM_LIST}{field}"), Value::from(deleted));
        }
        if ordered {
            patch.insert(format!("{ELEMENT_ORDER}{field}"), Value::array(to));
        }
    }
    if !changed.is_empty() {
        patch.insert(field, Value::from(changed));
    }
    Ok(())
}

fn scalars(from: &[Value], to: &[Value], want: Want) -> (Vec<Value>, Vec<Value>) {
    let missing_in = |list: &[Value], other: &[Value]| -> Vec<Value> {
        list.iter().filter(|item| !other.contains(item)).cloned().collect()
    };
    let added = if want.changes { missing_in(to, from) } else { Vec::new() };
    let deleted = if want.deletions { missing_in(from, to) } else { Vec::new() };
    (added, deleted)
}

fn items_by_key(
    from: &[Value],
    to: &[Value],
    key: &str,
    rule: Rule,
    want: Want,
) -> Result<(Vec<Value>, Vec<Value>), String> {
    if let Some(item) = from.iter().chain(to).find(|item| item[key].is_null()) {
        return Err(format!("map: {} does not contain declared merge key: {key}", go::plain(item)));
    }
    let mut changed = Vec::new();
    for item in to {
        let before = place(from, item, Some(key)).and_then(|at| from[at].as_object());
        match (before, item.as_object()) {
            (Some(before), Some(after)) => {
                let mut change = maps(before, after, rule.inner, want, rule.retains_keys)?;
                if !change.is_empty() {
                    change.insert(key, &item[key]);
                    changed.push(Value::Object(change));
                }
            }
            _ if want.changes => changed.push(item.clone()),
            _ => {}
        }
    }
    let mut deleted = Vec::new();
    if want.deletions {
        let gone = from.iter().filter(|item| place(to, item, Some(key)).is_none());
        deleted.extend(gone.map(|item| value!({(DIRECTIVE): "delete", (key): &item[key]})));
    }
    Ok((changed, deleted))
}

/// Whether what both lists have comes in the same order, and neither has more.
fn same_order(from: &[Value], to: &[Value], key: Option<&str>) -> bool {
    let same = |a: &Value, b: &Value| key.map_or_else(|| a == b, |key| a[key] == b[key]);
    from.len() == to.len() && from.iter().zip(to).all(|(a, b)| same(a, b))
}
