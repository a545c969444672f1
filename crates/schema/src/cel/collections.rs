//! Functions of lists and maps.

use std::cmp::Ordering;
use std::sync::Arc;

use drydock_sorted::Sort;

use super::call::arithmetic;
use super::eval::{Found, NO_OVERLOAD, failed, insert};
use super::val::{Val, compare, equal};

fn order(a: &Val, b: &Val) -> Option<Ordering> {
    compare(a, b).flatten()
}

fn flatten(items: &[Val], depth: i64, out: &mut Vec<Val>) {
    for item in items {
        match item.items() {
            Some(inner) if depth > 0 => flatten(&inner, depth - 1, out),
            _ => out.push(item.clone()),
        }
    }
}

/// A list's call, if there is one of that name.
pub(super) fn call(name: &str, args: &[Val]) -> Option<Found> {
    match (name, args) {
        ("cel.@mapInsert", [map, rest @ ..]) => {
            let mut pairs = map.pairs()?;
            let out = Arc::make_mut(&mut pairs);
            let added = match rest {
                [key, value] => insert(out, key.clone(), value.clone()),
                [more] => more.pairs()?.iter().try_for_each(|(key, value)| insert(out, key.clone(), value.clone())),
                _ => return None,
            };
            return Some(added.map(|()| Val::Map(pairs)));
        }
        ("lists.range", [Val::Int(count)]) => {
            return Some(match usize::try_from(*count) {
                Ok(count) if count <= 100_000 => Ok((0..count).map(Val::from).collect::<Vec<Val>>().into()),
                _ => failed(format!("lists.range: invalid size: {count}")),
            });
        }
        _ => {}
    }
    let [list, rest @ ..] = args else { return None };
    let items = list.items()?;
    let found: Found = match (name, rest) {
        ("indexOf", [item]) => {
            Ok(Val::Int(items.iter().position(|other| equal(item, other)).map_or(-1, |at| at as i64)))
        }
        ("lastIndexOf", [item]) => {
            Ok(Val::Int(items.iter().rposition(|other| equal(item, other)).map_or(-1, |at| at as i64)))
        }
        ("isSorted", []) => Ok(items.windows(2).all(|two| order(&two[0], &two[1]).is_some_and(Ordering::is_le)).into()),
        ("sum", []) => match items.split_first() {
            None => Ok(Val::Int(0)),
            Some((first, rest)) => rest.iter().try_fold(first.clone(), |sum, item| arithmetic("_+_", &sum, item)),
        },
        ("min" | "max", []) => {
            let wanted = if name == "min" { Ordering::Less } else { Ordering::Greater };
            let Some((first, rest)) = items.split_first() else {
                return Some(failed(format!("{name} called on empty list")));
            };
            Ok(rest
                .iter()
                .fold(first, |best, item| if order(item, best) == Some(wanted) { item } else { best })
                .clone())
        }
        ("sets.contains", [other]) => {
            let other = other.items()?;
            Ok(other.iter().all(|wanted| items.iter().any(|item| equal(item, wanted))).into())
        }
        ("sets.intersects", [other]) => {
            let other = other.items()?;
            Ok(other.iter().any(|wanted| items.iter().any(|item| equal(item, wanted))).into())
        }
        ("sets.equivalent", [other]) => {
            let other = other.items()?;
            let within = |a: &[Val], b: &[Val]| a.iter().all(|item| b.iter().any(|other| equal(item, other)));
            Ok((within(&items, &other) && within(&other, &items)).into())
        }
        ("slice", [Val::Int(from), Val::Int(to)]) => {
            let range = usize::try_from(*from).ok().zip(usize::try_from(*to).ok());
            match range.and_then(|(from, to)| items.get(from..to)) {
                Some(part) => Ok(part.to_vec().into()),
                None if *from < 0 || *to < 0 => {
                    failed(format!("cannot slice({from}, {to}), negative indexes not supported"))
                }
                None if from > to => {
                    failed(format!("cannot slice({from}, {to}), start index must be less than or equal to end index"))
                }
                None => failed(format!("cannot slice({from}, {to}), list is length {}", items.len())),
            }
        }
        ("flatten", rest) => {
            let depth = match rest {
                [] => 1,
                [Val::Int(depth)] if *depth >= 0 => (*depth).min(100),
                _ => return Some(failed("level must be non-negative")),
            };
            let mut out = Vec::new();
            flatten(&items, depth, &mut out);
            Ok(out.into())
        }
        ("distinct", []) => {
            let mut out: Vec<Val> = Vec::new();
            for item in items.iter() {
                if !out.iter().any(|known| equal(known, item)) {
                    out.push(item.clone());
                }
            }
            Ok(out.into())
        }
        ("reverse", []) => Ok(items.iter().rev().cloned().collect::<Vec<Val>>().into()),
        ("sort", []) => sorted(&items, &items),
        ("@sortByAssociatedKeys", [keys]) => sorted(&items, &keys.items()?),
        ("first", []) => Ok(Val::Optional(items.first().cloned().map(Arc::new))),
        ("last", []) => Ok(Val::Optional(items.last().cloned().map(Arc::new))),
        _ => return None,
    };
    Some(found)
}

fn sorted(items: &[Val], keys: &[Val]) -> Found {
    if keys.windows(2).any(|two| compare(&two[0], &two[1]).is_none()) {
        return failed(NO_OVERLOAD);
    }
    let mut places: Vec<usize> = (0..items.len()).collect();
    places[..].sort_compact_by(|a, b| order(&keys[*a], &keys[*b]).unwrap_or(Ordering::Equal));
    Ok(places.into_iter().map(|at| items[at].clone()).collect::<Vec<Val>>().into())
}
