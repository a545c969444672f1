//! Functions of texts.

use super::eval::{Found, failed};
use super::val::Val;

/// Longer texts than this are not made.
const LONGEST: usize = 1 << 22;

fn place(text: &str, at: i64) -> Option<usize> {
    let at = usize::try_from(at).ok()?;
    text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(at)
}

/// The place of a part in characters, counted from one place on, or up to it.
fn find(text: &str, part: &str, from: Option<i64>, last: bool) -> Found {
    let length = text.chars().count() as i64;
    let limit = match from {
        Some(from) if from < 0 || from > length => return failed(format!("index out of range: {from}")),
        Some(from) => place(text, from),
        None => None,
    };
    let found = if last {
        let limit = limit.unwrap_or(text.len());
        text.char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .rfind(|at| *at <= limit && text[*at..].starts_with(part))
    } else {
        let start = limit.unwrap_or(0);
        text[start..].find(part).map(|at| at + start)
    };
    Ok(Val::Int(found.map_or(-1, |at| text[..at].chars().count() as i64)))
}

pub(super) fn regex(pattern: &str) -> Result<regex_lite::Regex, drydock_value::Str> {
    regex_lite::Regex::new(pattern).map_err(|_| crate::pattern::check(pattern).err().unwrap_or_default().into())
}

fn texts<'a>(parts: impl Iterator<Item = &'a str>) -> Val {
    parts.map(Val::from).collect::<Vec<Val>>().into()
}

/// A text's call, if there is one of that name.
pub(super) fn call(name: &str, args: &[Val]) -> Option<Found> {
    if let ("join", [list, rest @ ..]) = (name, args) {
        let items = list.items()?;
        let by = rest.first().map_or(Some(""), Val::as_str)?;
        let parts: Option<Vec<&str>> = items.iter().map(Val::as_str).collect();
        return Some(Ok(parts?.join(by).into()));
    }
    let [Val::Str(text), rest @ ..] = args else { return None };
    let text = text.as_str();
    let found: Found = match (name, rest) {
        ("contains", [Val::Str(part)]) => Ok(text.contains(part.as_str()).into()),
        ("startsWith", [Val::Str(part)]) => Ok(text.starts_with(part.as_str()).into()),
        ("endsWith", [Val::Str(part)]) => Ok(text.ends_with(part.as_str()).into()),
        ("matches", [Val::Str(pattern)]) => regex(pattern).map(|regex| regex.is_match(text).into()),
        ("find", [Val::Str(pattern)]) => {
            regex(pattern).map(|regex| regex.find(text).map_or("", |found| found.as_str()).into())
        }
        ("findAll", [Val::Str(pattern), rest @ ..]) => {
            let most = match rest {
                [] => usize::MAX,
                [Val::Int(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
                _ => return None,
            };
            regex(pattern).map(|regex| texts(regex.find_iter(text).take(most).map(|found| found.as_str())))
        }
        ("charAt", [Val::Int(at)]) => match place(text, *at) {
            Some(byte) => Ok(text[byte..].chars().next().map(String::from).unwrap_or_default().into()),
            None => failed(format!("index out of range: {at}")),
        },
        ("indexOf" | "lastIndexOf", [Val::Str(part)]) => find(text, part, None, name == "lastIndexOf"),
        ("indexOf" | "lastIndexOf", [Val::Str(part), Val::Int(from)]) => {
            find(text, part, Some(*from), name == "lastIndexOf")
        }
        ("lowerAscii", []) => Ok(text.to_ascii_lowercase().into()),
        ("upperAscii", []) => Ok(text.to_ascii_uppercase().into()),
        ("trim", []) => Ok(text.trim().into()),
        ("replace", [Val::Str(old), Val::Str(new), rest @ ..]) => {
            let most = match rest {
                [] => usize::MAX,
                [Val::Int(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
                _ => return None,
            };
            let count = text.matches(old.as_str()).take(most).count();
            match new.len().checked_mul(count).filter(|length| *length <= LONGEST) {
                Some(_) => Ok(text.replacen(old.as_str(), new, most).into()),
                None => failed(super::eval::TOO_DEAR),
            }
        }
        ("split", [Val::Str(by), rest @ ..]) => {
            let most = match rest {
                [] => -1,
                [Val::Int(most)] => *most,
                _ => return None,
            };
            Ok(split(text, by, most))
        }
        ("substring", [Val::Int(from), rest @ ..]) => {
            let to = match rest {
                [] => text.chars().count() as i64,
                [Val::Int(to)] => *to,
                _ => return None,
            };
            match (place(text, *from), place(text, to)) {
                (None, _) => failed(format!("index out of range: {from}")),
                (_, None) => failed(format!("index out of range: {to}")),
                (Some(start), Some(end)) if start <= end => Ok(text[start..end].into()),
                _ => failed(format!("invalid substring range. start: {from}, end: {to}")),
            }
        }
        ("format", [list]) => super::format::format(text, &list.items()?),
        ("strings.quote", []) => Ok(crate::go::quote(text).into()),
        ("jsonpatch.escapeKey", []) => Ok(text.replace('~', "~0").replace('/', "~1").into()),
        _ => return None,
    };
    Some(found)
}

fn split(text: &str, by: &str, most: i64) -> Val {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 {
        return Vec::new().into();
    }
    if !by.is_empty() {
        return texts(text.splitn(most, by));
    }
    let mut parts: Vec<Val> = Vec::new();
    for (at, c) in text.char_indices() {
        if parts.len() + 1 == most {
            parts.push(text[at..].into());
            break;
        }
        parts.push(c.to_string().into());
    }
    parts.into()
}
