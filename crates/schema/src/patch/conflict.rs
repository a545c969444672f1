//! Whether two strategic merge patches say different things about the same place.

use drydock_value::{Map, Value};

use super::lists::{self, Items};
use super::{DIRECTIVE, Meta, RETAIN_KEYS, item, meta};
use crate::table::Shape;

/// Whether two patches of objects of this shape disagree.
pub(super) fn maps(left: &Map, right: &Map, of: Shape) -> Result<bool, String> {
    for (key, mine) in left.iter().filter(|(key, _)| *key != DIRECTIVE && *key != RETAIN_KEYS) {
        let Some(other) = right.get(key) else { continue };
        // Directives about lists belong to no field of their own.
        let of_key = if key.starts_with('$') { None } else { Some(meta(of, key)?) };
        if values(mine, other, of_key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn values(left: &Value, right: &Value, meta: Option<Meta>) -> Result<bool, String> {
    let shape = meta.map_or(Shape::Any, |meta| meta.shape);
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            if left.get(DIRECTIVE) != right.get(DIRECTIVE) {
                return Ok(true);
            }
            maps(left, right, shape)
        }
        (Value::Array(left), Value::Array(right)) => {
            let items = lists::kind(&[left, right])?;
            match meta {
                Some(Meta { merges: true, .. }) if items == Items::Scalars => Ok(false),
                Some(Meta { merges: true, key, .. }) => keyed(left, right, key.unwrap_or(""), item(shape)),
                _ => plain(left, right, items, item(shape)),
            }
        }
        (Value::Object(_) | Value::Array(_), _) => Ok(true),
        _ => Ok(left != right),
    }
}

fn keyed(left: &[Value], right: &[Value], key: &str, of: Shape) -> Result<bool, String> {
    for mine in left {
        let wanted = lists::key_of(mine, key)?;
        if let Some(other) = lists::find(right, key, wanted)?.and_then(|at| right.get(at))
            && values(mine, other, Some(Meta { shape: of, merges: false, retains_keys: false, key: None }))?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn plain(left: &[Value], right: &[Value], items: Items, of: Shape) -> Result<bool, String> {
    if left.len() != right.len() {
        return Ok(true);
    }
    let prepared = |list: &[Value]| match items {
        Items::Objects => list.to_vec(),
        Items::Scalars => lists::sort_by_text(&lists::without_doubles(list.to_vec()), lists::shown),
    };
    for (mine, other) in prepared(left).iter().zip(&prepared(right)) {
        if values(mine, other, Some(Meta { shape: of, merges: false, retains_keys: false, key: None }))? {
            return Ok(true);
        }
    }
    Ok(false)
}
