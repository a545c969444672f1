//! Lists of strategic merge patches: items found by their merge key, and put in order.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::{DIRECTIVE, bad_type, no_merge_key, same_type};

/// What the items of a list are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Items {
    Objects,
    Scalars,
}

/// What the items of all these lists are; they must not be mixed, and not be lists.
pub(super) fn kind(lists: &[&[Value]]) -> Result<Items, String> {
    let mut first: Option<&Value> = None;
    for value in lists.iter().flat_map(|list| list.iter()) {
        match first {
            None if value.as_array().is_some() => return Err("lists of lists are not supported".into()),
            None => first = Some(value),
            Some(first) if same_type(first, value) => {}
            Some(_) => {
                let shown: Vec<String> =
                    lists.iter().map(|list| crate::go::plain(&list.iter().collect::<Value>())).collect();
                return Err(format!("list element types are not identical: [{}]", shown.join(" ")));
            }
        }
    }
    match first {
        None => Err("no elements in any of the given slices".into()),
        Some(Value::Object(_)) => Ok(Items::Objects),
        Some(_) => Ok(Items::Scalars),
    }
}

/// Whether a list's item tells Kubernetes to delete its like.
pub(super) fn deletes(item: &Value) -> bool {
    item[DIRECTIVE] == "delete"
}

/// The merge key's value of an item, which must be there.
pub(super) fn key_of<'a>(item: &'a Value, key: &str) -> Result<&'a Value, String> {
    if item.as_object().is_none() {
        return Err(bad_type("map[string]interface {}", item));
    }
    item.get(key).ok_or_else(|| no_merge_key(item, key))
}

/// Whether two items are one and the same: equal scalars, or objects with the same value of the merge key.
fn alike(a: &Value, b: &Value, key: &str, items: Items) -> bool {
    match items {
        Items::Objects => a[key] == b[key],
        Items::Scalars => a == b,
    }
}

fn place(order: &[Value], item: &Value, key: &str, items: Items) -> Option<usize> {
    order.iter().position(|other| alike(other, item, key, items))
}

/// The item of that merge key.
pub(super) fn find(list: &[Value], key: &str, wanted: &Value) -> Result<Option<usize>, String> {
    for (at, item) in list.iter().enumerate() {
        if item.as_object().is_none() {
            return Err(format!("value for key {at} is not a map."));
        }
        if item.get(key) == Some(wanted) {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Sorts a list by another; deletions go to the end.
pub(super) fn sorted(list: Vec<Value>, order: &[Value], key: &str, items: Items) -> Result<Vec<Value>, String> {
    if items == Items::Objects {
        for item in list.iter().chain(order) {
            key_of(item, key)?;
        }
    }
    let (deletions, mut rest): (Vec<Value>, Vec<Value>) =
        list.into_iter().partition(|item| items == Items::Objects && deletes(item));
    rest.sort_compact_by_key(|item| place(order, item, key, items).unwrap_or(usize::MAX));
    rest.extend(deletions);
    Ok(rest)
}

/// Sorts what the patch names by `order`, and puts what only the server has where it stood between them.
pub(super) fn in_order(
    merged: Vec<Value>,
    order: &[Value],
    server: &[Value],
    key: &str,
    items: Items,
) -> Result<Vec<Value>, String> {
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for item in merged {
        let named_there = match items {
            Items::Scalars => order.contains(&item),
            Items::Objects => find(order, key, key_of(&item, key)?)?.is_some(),
        };
        if named_there { named.push(item) } else { others.push(item) }
    }
    let named = sorted(named, order, key, items)?;
    let others = sorted(others, server, key, items)?;
    let mut out = Vec::with_capacity(named.len() + others.len());
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let other_first = match (others.peek(), named.peek()) {
            (None, None) => return Ok(out),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(patch)) => match (place(server, other, key, items), place(server, patch, key, items)) {
                (Some(a), Some(b)) => a < b,
                _ => false,
            },
        };
        out.extend(if other_first { others.next() } else { named.next() });
    }
}

/// A value as Go prints it, which is how Kubernetes compares merge keys and scalars.
pub(super) fn shown(value: &Value) -> String {
    crate::go::plain(value)
}

/// Sorts by how Go prints; equal ones change places, as Go's insertion sort has it here.
pub(super) fn sort_by_text(list: &[Value], text: impl Fn(&Value) -> String) -> Vec<Value> {
    let mut out: Vec<(String, Value)> = Vec::with_capacity(list.len());
    for item in list {
        let text = text(item);
        let at = out.partition_point(|(known, _)| *known < text);
        out.insert(at, (text, item.clone()));
    }
    out.into_iter().map(|(_, item)| item).collect()
}

/// Takes out doubles the way Kubernetes does: the last item moves to where a double was.
pub(super) fn without_doubles(mut list: Vec<Value>) -> Vec<Value> {
    let mut i = 0;
    while i < list.len() {
        let mut j = i + 1;
        while j < list.len() {
            if list.get(i) == list.get(j) { drop(list.swap_remove(j)) } else { j += 1 }
        }
        i += 1;
    }
    list
}

/// Checks that a list is an array.
pub(super) fn array(value: &Value) -> Result<&[Value], String> {
    value.as_array().ok_or_else(|| bad_type("[]interface {}", value))
}
