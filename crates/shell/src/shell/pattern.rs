//! Shell patterns: `*`, `?`, `[...]`, with a backslash before what is meant literally; and their expansion to paths.

use crate::{Vfs, join};
use drydock_sorted::Sort;

/// How many paths one pattern may become.
const PATHS_MAX: usize = 20_000;

/// Whether a text matches a pattern as a whole.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_chars(&pattern, &text)
}

/// The same on characters. A star is retried with one character more each time, so the cost is quadratic at worst.
pub(crate) fn matches_chars(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            None if t == text.len() => return true,
            None => None,
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
                continue;
            }
            Some(_) => text.get(t).and_then(|c| one(pattern, p, *c)),
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                t += 1;
            }
            (None, Some((after, from))) if from < text.len() => {
                star = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
            _ => return false,
        }
    }
}

/// Whether one character matches what stands at a place of the pattern, and where the pattern goes on.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '\\' => match pattern.get(at + 1) {
            Some(literal) => (*literal == c).then_some(at + 2),
            None => (c == '\\').then_some(at + 1),
        },
        '[' => match bracket(pattern, at, c) {
            Some((matched, next)) => matched.then_some(next),
            None => (c == '[').then_some(at + 1),
        },
        literal => (*literal == c).then_some(at + 1),
    }
}

/// A bracket expression: whether it matches, and what follows it. None when it is not closed.
fn bracket(pattern: &[char], open: usize, c: char) -> Option<(bool, usize)> {
    let mut at = open + 1;
    let negated = matches!(pattern.get(at)?, '!' | '^');
    if negated {
        at += 1;
    }
    let mut matched = false;
    let first = at;
    loop {
        let mut low = *pattern.get(at)?;
        if low == ']' && at > first {
            return Some((matched != negated, at + 1));
        }
        if low == '[' && pattern.get(at + 1) == Some(&':') {
            let rest: String = pattern.get(at + 2..)?.iter().take_while(|c| **c != ':').collect();
            if pattern.get(at + 2 + rest.chars().count() + 1) == Some(&']') {
                matched |= in_class(&rest, c);
                at += rest.chars().count() + 4;
                continue;
            }
        }
        if low == '\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|end| *end != ']') {
            let mut high = *pattern.get(at + 1)?;
            at += 2;
            if high == '\\' {
                high = *pattern.get(at)?;
                at += 1;
            }
            matched |= (low..=high).contains(&c);
        } else {
            matched |= low == c;
        }
    }
}

fn in_class(class: &str, c: char) -> bool {
    match class {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => c.is_whitespace(),
        "blank" => c == ' ' || c == '\t',
        "punct" => c.is_ascii_punctuation(),
        "print" => !c.is_control(),
        "graph" => !c.is_control() && c != ' ',
        "cntrl" => c.is_control(),
        "xdigit" => c.is_ascii_hexdigit(),
        _ => false,
    }
}

/// A literal text as a pattern.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '-' | '!' | '^') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The text that a pattern without active characters stands for.
fn unescape(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

/// Whether anything in a pattern is active.
pub(crate) fn is_active(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    let mut bracket = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '*' | '?' => return true,
            '[' => bracket = true,
            ']' if bracket => return true,
            _ => {}
        }
    }
    false
}

/// The paths that match a pattern, sorted; none when nothing does.
pub(crate) fn paths(pattern: &str, files: &Vfs, cwd: &str) -> Vec<String> {
    let absolute = pattern.starts_with('/');
    let mut found = vec![if absolute { "/".to_owned() } else { String::new() }];
    let mut parts = pattern.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let mut next = Vec::new();
        for base in &found {
            let directory = join(cwd, if base.is_empty() { "." } else { base });
            if !is_active(part) {
                let path = format!("{base}{}", unescape(part));
                if files.lstat(&join(cwd, &path)).is_ok() {
                    next.push(path);
                }
                continue;
            }
            if !files.is_dir(&directory) {
                continue;
            }
            let hidden = part.starts_with('.') || part.starts_with("\\.");
            let chars: Vec<char> = part.chars().collect();
            for entry in files.list(&directory).unwrap_or_default() {
                if entry.name.starts_with('.') != hidden {
                    continue;
                }
                let name: Vec<char> = entry.name.chars().collect();
                if matches_chars(&chars, &name) {
                    next.push(format!("{base}{}", entry.name));
                }
            }
            if next.len() > PATHS_MAX {
                return Vec::new();
            }
        }
        if !last {
            next.retain(|path| files.is_dir(&join(cwd, path)));
            for path in &mut next {
                path.push('/');
            }
        }
        found = next;
    }
    if pattern.ends_with('/') {
        found.retain(|path| files.is_dir(&join(cwd, path)));
        for path in &mut found {
            if !path.ends_with('/') {
                path.push('/');
            }
        }
    }
    found.sort_compact();
    found
}
