//! Applying strategic merge patches.

use drydock_value::{Map, Value};

use super::lists::{self, Items};
use super::merge::without_nulls;
use super::{
    BAD_DELETE_LIST, BAD_ORDER_LIST, BAD_RETAIN_KEYS, DELETE_PREFIX, DIRECTIVE, Meta, ORDER_PREFIX, RETAIN_KEYS, item,
    meta, no_merge_key, same_type,
};
use crate::go::plain;
use crate::table::{Shape, TypeRef};

/// Whether a patch is applied to an object, or laid over another patch.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    /// To an object: directives are carried out and vanish.
    Object,
    /// To another patch: directives are kept, and nulls too.
    Patch,
}

/// Applies a strategic merge patch to an object of a type.
///
/// # Errors
/// When the patch does not fit, in Kubernetes' words.
pub fn strategic_merge(of: TypeRef, object: &Value, patch: &Value) -> Result<Value, String> {
    let (Value::Object(object), Value::Object(patch)) = (object, patch) else {
        return Err("invalid JSON document".into());
    };
    merge_map(object.clone(), patch.clone(), Shape::Object(of), Mode::Object).map(Value::Object)
}

pub(super) fn merge_map(mut object: Map, mut patch: Map, of: Shape, mode: Mode) -> Result<Map, String> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(DIRECTIVE);
                Ok(patch)
            }
            Some("delete") => Ok(Map::new()),
            _ => Err(format!("unknown patch type: {} in map: {}", plain(directive), plain(&Value::Object(patch)))),
        };
    }
    retain_keys(&mut object, &mut patch, mode)?;
    order_lists(&mut object, &mut patch, of, mode)?;
    for (key, change) in patch.shared_iter() {
        let (mut key, mut deletes) = (key.as_str(), false);
        if key.starts_with(DELETE_PREFIX) {
            if mode == Mode::Patch {
                object.insert(key, change);
                continue;
            }
            key = key.strip_prefix(DELETE_PREFIX).and_then(|rest| rest.strip_prefix('/')).ok_or(BAD_DELETE_LIST)?;
            deletes = true;
        }
        if change.is_null() {
            object.remove(key);
            if mode == Mode::Object {
                continue;
            }
        }
        let Some(current) = object.get(key) else {
            if let Some(new) = taken_over(change, mode).filter(|_| !deletes) {
                object.insert(key, new);
            }
            continue;
        };
        if current.ptr_eq(change) {
            continue;
        }
        if !same_type(current, change) {
            if !deletes {
                match taken_over(change, mode) {
                    Some(new) => object.insert(key, new),
                    None => object.remove(key),
                };
            }
            continue;
        }
        let merged = match (current, change) {
            (Value::Object(current), Value::Object(change)) => {
                let meta = meta(of, key)?;
                Value::Object(merge_map(current.clone(), change.clone(), meta.shape, mode)?)
            }
            (Value::Array(current), Value::Array(change)) => {
                Value::from(merge_list(current, change, meta(of, key)?, deletes, mode)?.list)
            }
            _ => change.clone(),
        };
        if *current != merged {
            object.insert(key, merged);
        }
    }
    Ok(object)
}

/// What a patch says about something that was not there, or was of another kind. Nothing remains of an object with a
/// `$patch` directive.
fn taken_over(change: &Value, mode: Mode) -> Option<Value> {
    let plain = without_directives(change)?;
    Some(if mode == Mode::Object { without_nulls(&plain) } else { plain })
}

fn without_directives(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => return None,
        Value::Object(map) => {
            let pairs = map.shared_iter();
            Value::Object(pairs.filter_map(|(key, value)| Some((key.clone(), without_directives(value)?))).collect())
        }
        Value::Array(items) => items.iter().filter_map(without_directives).collect(),
        other => other.clone(),
    })
}

/// `$retainKeys`: what it does not name goes.
fn retain_keys(object: &mut Map, patch: &mut Map, mode: Mode) -> Result<(), String> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if mode == Mode::Patch {
        match object.get(RETAIN_KEYS) {
            Some(known) if *known != keys => {
                return Err(format!(
                    "{} and {} are not deep equal: this may happen when calculating the 3-way diff patch",
                    plain(known),
                    plain(&keys)
                ));
            }
            Some(_) => {}
            None => {
                object.insert(RETAIN_KEYS, keys);
            }
        }
        return Ok(());
    }
    let Value::Array(names) = &keys else { return Err(BAD_RETAIN_KEYS.into()) };
    let named = |key: &str| names.iter().any(|name| name == key);
    let stray = |(key, value): (&str, &Value)| {
        !value.is_null() && !key.starts_with(DELETE_PREFIX) && !key.starts_with(ORDER_PREFIX) && !named(key)
    };
    if patch.iter().any(stray) {
        return Err(BAD_RETAIN_KEYS.into());
    }
    object.retain(|key, _| named(key));
    Ok(())
}

/// `$setElementOrder/...`: merges the list that it is about and puts it in that order.
fn order_lists(object: &mut Map, patch: &mut Map, of: Shape, mode: Mode) -> Result<(), String> {
    let directives: Vec<(String, Value)> = patch
        .iter()
        .filter(|(key, _)| key.starts_with(ORDER_PREFIX))
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    for (directive, order) in directives {
        if mode == Mode::Patch {
            match object.get(&directive) {
                Some(known) if *known != order => return Err(BAD_ORDER_LIST.into()),
                Some(_) => {}
                None => {
                    object.insert(directive.as_str(), &order);
                }
            }
        }
        patch.remove(&directive);
        let order = lists::array(&order)?;
        let key = directive.strip_prefix(ORDER_PREFIX).and_then(|rest| rest.strip_prefix('/')).ok_or(BAD_ORDER_LIST)?;
        let (current, change) = (object.get(key).cloned(), patch.get(key).cloned());
        let current_items = current.as_ref().map_or(Ok(&[][..]), lists::array)?;
        let change_items = change.as_ref().map_or(Ok(&[][..]), lists::array)?;
        let meta = meta(of, key)?;
        let merge_key = meta.key.unwrap_or("");
        check_order(change_items, order, merge_key)?;
        // Where items were deleted, new ones have taken their places in Kubernetes' view of the old order.
        let (merged, before) = match (&current, &change) {
            (None, None) => continue,
            (Some(_), None) => (current_items.to_vec(), current_items.to_vec()),
            (None, Some(change)) => {
                let plain = without_directives(change).unwrap_or_default();
                (plain.items().to_vec(), Vec::new())
            }
            (Some(_), Some(_)) => {
                let Merged { list, mut unordered } = merge_list(current_items, change_items, meta, false, mode)?;
                unordered.truncate(current_items.len());
                (list, unordered)
            }
        };
        let items = lists::kind(&[current_items, change_items])?;
        object.insert(key, lists::in_order(merged, order, &before, merge_key, items)?);
        patch.remove(key);
    }
    Ok(())
}

/// The items of the patch must stand in the order that the directive gives.
fn check_order(change: &[Value], order: &[Value], merge_key: &str) -> Result<(), String> {
    if change.is_empty() || order.is_empty() {
        return Ok(());
    }
    let kept: Vec<&Value> = change.iter().filter(|item| merge_key.is_empty() || !lists::deletes(item)).collect();
    let (mut at, mut place) = (0, 0);
    while let (Some(item), Some(wanted)) = (kept.get(at), order.get(place)) {
        if item.get(DIRECTIVE).is_some() {
            at += 1;
            continue;
        }
        let equal = if merge_key.is_empty() {
            *item == wanted
        } else {
            lists::key_of(item, merge_key)? == lists::key_of(wanted, merge_key)?
        };
        at += usize::from(equal);
        place += 1;
    }
    if at < kept.len() && place >= order.len() {
        let list = |items: &[Value]| plain(&items.iter().collect::<Value>());
        return Err(format!(
            "The order in patch list:\n{}\n doesn't match {ORDER_PREFIX} list:\n{}\n",
            list(change),
            list(order)
        ));
    }
    Ok(())
}

/// A merged list, in order, and as it was before it was put in order.
struct Merged {
    list: Vec<Value>,
    unordered: Vec<Value>,
}

fn merge_list(current: &[Value], change: &[Value], meta: Meta, deletes: bool, mode: Mode) -> Result<Merged, String> {
    let as_before = |list: Vec<Value>| Merged { list, unordered: current.to_vec() };
    // What a list of deletions names goes from lists that are replaced as well.
    if !meta.merges && !deletes {
        return Ok(as_before(change.to_vec()));
    }
    if current.is_empty() && change.is_empty() {
        return Ok(as_before(Vec::new()));
    }
    let items = lists::kind(&[current, change])?;
    let merge_key = meta.key.unwrap_or("");
    if items == Items::Scalars {
        if deletes && mode == Mode::Object {
            return Ok(as_before(current.iter().filter(|item| !change.contains(item)).cloned().collect()));
        }
        let merged = lists::without_doubles(current.iter().chain(change).cloned().collect());
        return Ok(as_before(lists::in_order(merged, change, current, merge_key, items)?));
    }
    if merge_key.is_empty() {
        return Err("cannot merge lists without merge key for type struct".into());
    }
    let (current, change) = special_items(current, change, merge_key)?;
    let mut merged = current.clone();
    for item_change in &change {
        let key = item_change.get(merge_key).ok_or_else(|| no_merge_key(item_change, merge_key))?;
        match lists::find(&merged, merge_key, key)? {
            Some(at) => {
                if let (Some(Value::Object(old)), Value::Object(new)) = (merged.get(at), item_change) {
                    let inner = merge_map(old.clone(), new.clone(), item(meta.shape), mode)?;
                    if let Some(slot) = merged.get_mut(at) {
                        *slot = Value::Object(inner);
                    }
                }
            }
            None => merged.push(item_change.clone()),
        }
    }
    let unordered = merged.clone();
    Ok(Merged { list: lists::in_order(merged, &change, &current, merge_key, items)?, unordered })
}

/// Carries out the items of a patch that hold a `$patch` directive: what remains of the list and of the patch.
fn special_items(current: &[Value], change: &[Value], key: &str) -> Result<(Vec<Value>, Vec<Value>), String> {
    let mut current = current.to_vec();
    let mut rest = Vec::new();
    let mut replaces = false;
    for item in change {
        match item.get(DIRECTIVE) {
            None => rest.push(item.clone()),
            Some(directive) => match directive.as_str() {
                Some("delete") => {
                    let wanted = item.get(key).ok_or_else(|| no_merge_key(item, key))?;
                    while let Some(at) = lists::find(&current, key, wanted)? {
                        current.remove(at);
                    }
                }
                Some("replace") => replaces = true,
                Some("merge") => return Err("merging lists cannot yet be specified in the patch".into()),
                _ => return Err(format!("unknown patch type: {} in map: {}", plain(directive), plain(item))),
            },
        }
    }
    Ok(if replaces { (rest, Vec::new()) } else { (current, rest) })
}
