//! Making strategic merge patches.

use drydock_value::{Map, Value, value};

use super::lists::{self, Items};
use super::strategic::{Mode, merge_map};
use super::{DELETE_PREFIX, DIRECTIVE, Meta, ORDER_PREFIX, RETAIN_KEYS, conflict, item, meta, same_type};
use crate::table::{Shape, TypeRef};

/// What a difference is made of.
#[derive(Clone, Copy, Default)]
struct Options {
    /// Whether `$setElementOrder` is made.
    order: bool,
    /// Whether changes and additions are left out.
    no_changes: bool,
    /// Whether deletions are left out.
    no_deletions: bool,
    /// Whether the keys to keep are named (`$retainKeys`).
    retain_keys: bool,
}

/// The strategic merge patch that turns one object of a type into another.
///
/// # Errors
/// When lists cannot be compared (an item without its merge key), in Kubernetes' words.
pub fn two_way_strategic(of: TypeRef, from: &Value, to: &Value) -> Result<Value, String> {
    let options = Options { order: true, ..Options::default() };
    difference(&object(from)?, &object(to)?, Shape::Object(of), options).map(Value::Object)
}

/// What `kubectl apply` sends: additions and changes from `current` to `modified`, deletions from `original` to
/// `modified`. Without `overwrite`, changes that somebody else made in the same places are an error.
///
/// # Errors
/// When lists cannot be compared, or on conflicts, in Kubernetes' words.
pub fn three_way_strategic(
    of: TypeRef,
    original: &Value,
    modified: &Value,
    current: &Value,
    overwrite: bool,
) -> Result<Value, String> {
    let shape = Shape::Object(of);
    let (original, modified, current) = (object(original)?, object(modified)?, object(current)?);
    let changes =
        difference(&current, &modified, shape, Options { order: true, no_deletions: true, ..Options::default() })?;
    let deletions =
        difference(&original, &modified, shape, Options { order: true, no_changes: true, ..Options::default() })?;
    let patch = merge_map(deletions, changes, shape, Mode::Patch)?;
    if !overwrite {
        let elsewhere = difference(&original, &current, shape, Options::default())?;
        if conflict::maps(&patch, &elsewhere, shape)? {
            return Err(format!(
                "patch:\n{}\nconflicts with changes made from original to current:\n{}\n",
                drydock_yaml::to_yaml(&Value::Object(patch)),
                drydock_yaml::to_yaml(&Value::Object(elsewhere))
            ));
        }
    }
    Ok(Value::Object(patch))
}

/// Nothing counts as an empty object: there may be no last applied configuration.
fn object(value: &Value) -> Result<Map, String> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map.clone()),
        _ => Err("invalid JSON document".into()),
    }
}

fn difference(from: &Map, to: &Map, of: Shape, options: Options) -> Result<Map, String> {
    let mut patch = Map::new();
    for (key, new) in to.shared_iter() {
        let Some(old) = from.get(key) else {
            if !options.no_changes {
                patch.insert(key, new);
            }
            continue;
        };
        if old.ptr_eq(new) && options.no_changes {
            continue;
        }
        if key.as_str() == DIRECTIVE {
            if old.as_str().is_none() || new.as_str().is_none() {
                return Err(format!("invalid value for special key: {DIRECTIVE}"));
            }
            if old != new {
                patch.insert(key, new);
            }
            continue;
        }
        match (old, new) {
            (Value::Object(old), Value::Object(new)) => {
                let Some(meta) = known(of, key, old == new)? else { continue };
                let inner = difference(old, new, meta.shape, Options { retain_keys: meta.retains_keys, ..options })?;
                if !inner.is_empty() {
                    patch.insert(key, inner);
                }
            }
            (Value::Array(old), Value::Array(new)) => {
                let Some(meta) = known(of, key, old == new)? else { continue };
                if meta.merges {
                    list_difference(key, old, new, meta, options, &mut patch)?;
                } else if old != new && !options.no_changes {
                    patch.insert(key, new.iter().collect::<Value>());
                }
            }
            _ if options.no_changes => {}
            _ if same_type(old, new) && old == new => {}
            _ => {
                patch.insert(key, new);
            }
        }
    }
    let gone = || from.iter().filter(|(key, _)| !to.contains_key(key));
    if !options.no_deletions {
        for (key, _) in gone() {
            patch.insert(key, Value::Null);
        }
    }
    if options.retain_keys {
        let kept: Vec<&str> = to.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect();
        let more_before = gone().any(|(_, value)| !value.is_null());
        if !kept.is_empty() && (!patch.is_empty() || more_before) {
            patch.insert(RETAIN_KEYS, kept);
        }
    }
    Ok(patch)
}

/// How a field is patched. None when nobody knows and it does not matter, as nothing changed.
fn known(of: Shape, key: &str, unchanged: bool) -> Result<Option<Meta>, String> {
    match meta(of, key) {
        Ok(meta) => Ok(Some(meta)),
        Err(_) if unchanged => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts the difference of two lists that merge into the patch, with its directives.
fn list_difference(
    key: &str,
    from: &[Value],
    to: &[Value],
    meta: Meta,
    options: Options,
    patch: &mut Map,
) -> Result<(), String> {
    if from.is_empty() {
        if !to.is_empty() && !options.no_changes {
            patch.insert(key, to.iter().collect::<Value>());
        }
        return Ok(());
    }
    let merge_key = meta.key.unwrap_or("");
    let order_key = format!("{ORDER_PREFIX}/{key}");
    match lists::kind(&[from, to])? {
        Items::Objects => {
            let options_inside = Options { retain_keys: meta.retains_keys, ..options };
            let (changes, deletions) = object_lists(from, to, item(meta.shape), merge_key, options_inside)?;
            let mut list = lists::sorted(changes, to, merge_key, Items::Objects)?;
            let same_order = from.len() == to.len()
                && from.iter().zip(to).all(|(old, new)| old.get(merge_key) == new.get(merge_key));
            list.extend(deletions);
            let changed = !options.no_changes && (!list.is_empty() || !same_order);
            let deleted = !options.no_deletions && !list.is_empty();
            if options.order && (changed || deleted) {
                let order: Value = to.iter().map(|item| value!({(merge_key): &item[merge_key]})).collect();
                if !order.items().is_empty() {
                    patch.insert(order_key, order);
                }
            }
            if !list.is_empty() {
                patch.insert(key, list);
            }
        }
        Items::Scalars => {
            let (additions, deletions, sorted_from) = scalar_lists(from, to, options);
            let additions = lists::sorted(additions, to, merge_key, Items::Scalars)?;
            let deleted = !options.no_deletions && !deletions.is_empty();
            // Kubernetes has sorted the old list by now, and compares it so.
            let changed = !options.no_changes && sorted_from != to;
            if options.order && (deleted || changed) && !to.is_empty() {
                patch.insert(order_key, to.iter().collect::<Value>());
            }
            if !additions.is_empty() {
                patch.insert(key, additions);
            }
            if !deletions.is_empty() {
                patch.insert(format!("{DELETE_PREFIX}/{key}"), deletions);
            }
        }
    }
    Ok(())
}

/// What changed in a list of objects, and what was deleted.
fn object_lists(
    from: &[Value],
    to: &[Value],
    of: Shape,
    merge_key: &str,
    options: Options,
) -> Result<(Vec<Value>, Vec<Value>), String> {
    let by_key = |list: &[Value]| lists::sort_by_text(list, |item| lists::shown(&item[merge_key]));
    let (from, to) = (by_key(from), by_key(to));
    let (mut from, mut to) = (from.iter().peekable(), to.iter().peekable());
    let (mut changes, mut deletions) = (Vec::new(), Vec::new());
    loop {
        let old_key = from.peek().map(|item| lists::key_of(item, merge_key)).transpose()?;
        let new_key = to.peek().map(|item| lists::key_of(item, merge_key)).transpose()?;
        let order = match (old_key.map(lists::shown), new_key.map(lists::shown)) {
            (None, None) => return Ok((changes, deletions)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => old.cmp(&new),
        };
        match order {
            std::cmp::Ordering::Equal => {
                if let (Some(Value::Object(old)), Some(Value::Object(new))) = (from.next(), to.next()) {
                    let mut inner = difference(old, new, of, options)?;
                    if !inner.is_empty() {
                        if let Some(key) = new.get(merge_key) {
                            inner.insert(merge_key, key);
                        }
                        changes.push(Value::Object(inner));
                    }
                }
            }
            std::cmp::Ordering::Greater => {
                if let Some(new) = to.next().filter(|_| !options.no_changes) {
                    changes.push(new.clone());
                }
            }
            std::cmp::Ordering::Less => {
                if let Some(old) = from.next().filter(|_| !options.no_deletions) {
                    deletions.push(value!({(merge_key): &old[merge_key], (DIRECTIVE): "delete"}));
                }
            }
        }
    }
}

/// What came and what went in a list of scalars; and the old list, sorted.
fn scalar_lists(from: &[Value], to: &[Value], options: Options) -> (Vec<Value>, Vec<Value>, Vec<Value>) {
    let sorted_from = lists::sort_by_text(from, lists::shown);
    let sorted_to = lists::sort_by_text(to, lists::shown);
    let (mut additions, mut deletions) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (sorted_from.iter().peekable(), sorted_to.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(old), Some(new)) => lists::shown(old).cmp(&lists::shown(new)),
        };
        match order {
            std::cmp::Ordering::Equal => {
                old.next();
                new.next();
            }
            std::cmp::Ordering::Less => deletions.extend(old.next().filter(|_| !options.no_deletions).cloned()),
            std::cmp::Ordering::Greater => additions.extend(new.next().filter(|_| !options.no_changes).cloned()),
        }
    }
    (additions, lists::without_doubles(deletions), sorted_from)
}
