//! Applying strategic merge patches.

use drydock_value::{Map, Value};

use super::{DELETE_FROM_LIST, DIRECTIVE, ELEMENT_ORDER, RETAIN_KEYS, Rule, place};
use crate::{TypeRef, go};

/// Applies a strategic merge patch to an object of type `of`.
///
/// # Errors
/// In apimachinery's words: an unknown `$patch`, an item without its merge key, a directive of the wrong form.
pub fn strategic_merge(of: TypeRef, original: &Value, patch: &Value) -> Result<Value, String> {
    let (Some(original), Some(patch)) = (original.as_object(), patch.as_object()) else {
        return Err("invalid JSON document".into());
    };
    merge_maps(original, patch, Some(of)).map(Value::Object)
}

fn merge_maps(original: &Map, patch: &Map, of: Option<TypeRef>) -> Result<Map, String> {
    match patch.get(DIRECTIVE).map(Value::str) {
        None | Some("merge") => {}
        Some("replace") => return Ok(without_directives(patch)),
        Some("delete") => return Ok(Map::new()),
        Some(_) => {
            let shown = go::plain(&Value::Object(patch.clone()));
            return Err(format!("unknown patch type found: {shown}"));
        }
    }
    let mut result = original.clone();
    retain_keys(&mut result, patch)?;
    for (key, values) in patch {
        if let Some(field) = key.strip_prefix(DELETE_FROM_LIST) {
            delete_from_list(&mut result, field, values);
        }
    }
    for (key, change) in patch {
        if key.starts_with('$') {
            continue;
        }
        let rule = Rule::of(of, key);
        let merged = match (result.get(key), change) {
            (_, Value::Null) => {
                result.remove(key);
                continue;
            }
            (Some(Value::Object(before)), Value::Object(after)) => {
                Value::Object(merge_maps(before, after, rule.inner)?)
            }
            (Some(Value::Array(before)), Value::Array(after)) if rule.merges => merge_lists(before, after, rule)?,
            (None, change) => clean(change),
            (_, Value::Array(after)) => after.iter().map(clean).collect(),
            (_, Value::Object(after)) => Value::Object(without_directives(after)),
            (_, change) => change.clone(),
        };
        result.insert(key.clone(), merged);
    }
    for (key, order) in patch {
        if let Some(field) = key.strip_prefix(ELEMENT_ORDER) {
            set_order(&mut result, original, field, order, Rule::of(of, field));
        }
    }
    Ok(result)
}

fn retain_keys(result: &mut Map, patch: &Map) -> Result<(), String> {
    let Some(retained) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    let Some(keys) = retained.as_array() else {
        return Err("invalid patch format of retainKeys: retainKeys directive must be a list".into());
    };
    let is_retained = |key: &str| keys.iter().any(|retained| retained == key);
    for (key, change) in patch {
        if !key.starts_with('$') && !change.is_null() && !is_retained(key) {
            return Err(format!("{RETAIN_KEYS} directive must contains all the non-null keys in the patch: {key}"));
        }
    }
    result.retain(|key, _| is_retained(key));
    Ok(())
}

fn delete_from_list(result: &mut Map, field: &str, values: &Value) {
    if let Some(list) = result.get_mut(field).filter(|list| list.as_array().is_some()) {
        list.items_mut().retain(|item| !values.items().contains(item));
    }
}

/// A value without its directives and nulls, at every depth: what takes the place of something that was not there.
fn clean(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(without_directives(map)),
        Value::Array(items) => items
            .iter()
            .filter(|item| item[DIRECTIVE].str() != "delete" && !is_bare_directive(item))
            .map(clean)
            .collect(),
        other => other.clone(),
    }
}

fn without_directives(map: &Map) -> Map {
    let kept = map.into_iter().filter(|(key, value)| !key.starts_with('$') && !value.is_null());
    kept.map(|(key, value)| (key.clone(), clean(value))).collect()
}

/// An item that is nothing but `$patch: …`.
fn is_bare_directive(item: &Value) -> bool {
    item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE))
}

fn merge_lists(original: &[Value], patch: &[Value], rule: Rule) -> Result<Value, String> {
    let Some(key) = rule.key.filter(|_| original.iter().chain(patch).any(|item| item.as_object().is_some())) else {
        let mut merged = original.to_vec();
        for item in patch {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return Ok(Value::from(merged));
    };
    if patch.iter().any(|item| is_bare_directive(item) && item[DIRECTIVE] == "replace") {
        let rest = patch.iter().filter(|item| !is_bare_directive(item));
        return Ok(rest.map(clean).collect());
    }
    let mut merged = original.to_vec();
    for item in patch {
        let Some(change) = item.as_object() else {
            return Err(format!("expected list of maps, found {}", go::plain(item)));
        };
        if !change.contains_key(key) {
            return Err(format!("map: {} does not contain declared merge key: {key}", go::plain(item)));
        }
        let at = place(&merged, item, Some(key));
        match (item[DIRECTIVE].str(), at) {
            ("delete", _) => merged.retain(|other| other[key] != item[key]),
            ("replace", Some(at)) => merged[at] = Value::Object(without_directives(change)),
            (_, Some(at)) => {
                let before = merged[at].as_object().cloned().unwrap_or_default();
                merged[at] = Value::Object(merge_maps(&before, change, rule.inner)?);
            }
            (_, None) => merged.push(Value::Object(without_directives(change))),
        }
    }
    Ok(Value::from(merged))
}

/// Orders a merged list: what the patch names as the patch has it, what only the server has between them where it was.
fn set_order(result: &mut Map, original: &Map, field: &str, order: &Value, rule: Rule) {
    let Some(list) = result.get_mut(field).filter(|list| list.as_array().is_some()) else { return };
    let key = rule.key.filter(|_| list.items().iter().any(|item| item.as_object().is_some()));
    let order = order.items();
    let before = original.get(field).map(Value::items).unwrap_or_default();
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        list.items().iter().cloned().partition(|item| place(order, item, key).is_some());
    named.sort_by_key(|item| place(order, item, key));
    others.sort_by_key(|item| place(before, item, key).unwrap_or(usize::MAX));
    *list.items_mut() = interleave(named, others, before, key);
}

/// Merges two ordered lists: an item of the first goes ahead only where the server had it before the second's.
fn interleave(first: Vec<Value>, second: Vec<Value>, before: &[Value], key: Option<&str>) -> Vec<Value> {
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
    loop {
        let take_first = match (first.peek(), second.peek()) {
            (Some(a), Some(b)) => {
                let (a, b) = (place(before, a, key), place(before, b, key));
                matches!((a, b), (Some(a), Some(b)) if a < b)
            }
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return merged,
        };
        merged.extend(if take_first { first.next() } else { second.next() });
    }
}
