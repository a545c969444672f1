//! POSIX regular expressions, basic and extended, in the syntax of the `regex-lite` crate.

use regex_lite::{Regex, RegexBuilder};

/// Which language a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Basic,
    Extended,
    /// `grep -P`: as it is.
    Perl,
    /// `grep -F`: plain text.
    Fixed,
}

/// Compiles a pattern.
pub(crate) fn compile(pattern: &str, syntax: Syntax, ignore_case: bool) -> Result<Regex, String> {
    let translated = match syntax {
        Syntax::Basic => translate(pattern, true)?,
        Syntax::Extended => translate(pattern, false)?,
        Syntax::Perl => pattern.to_owned(),
        Syntax::Fixed => regex_lite::escape(pattern),
    };
    RegexBuilder::new(&translated)
        .case_insensitive(ignore_case)
        .size_limit(1 << 20)
        .nest_limit(60)
        .build()
        .map_err(|error| describe(pattern, &error.to_string()))
}

/// An error in the words of the C library, as far as they are known.
fn describe(pattern: &str, error: &str) -> String {
    let error = error.to_lowercase();
    if error.contains("class") || error.contains("bracket") {
        "Unmatched [, [^, [:, [., or [=".into()
    } else if error.contains("group") || error.contains("paren") {
        if pattern.matches('(').count() > pattern.matches(')').count() {
            "Unmatched ( or \\(".into()
        } else {
            "Unmatched ) or \\)".into()
        }
    } else if error.contains("repetition") {
        "Invalid preceding regular expression".into()
    } else if error.contains("size") || error.contains("big") {
        "Regular expression too big".into()
    } else {
        "Invalid regular expression".into()
    }
}

/// Rewrites a pattern. Back-references have no counterpart there and are refused.
fn translate(pattern: &str, basic: bool) -> Result<String, String> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut at = 0;
    // Whether a `*` would be ordinary, and a `^` an anchor.
    let mut start = true;
    while let Some(c) = chars.get(at) {
        at += 1;
        let was_start = std::mem::replace(&mut start, false);
        match c {
            '\\' => {
                let Some(next) = chars.get(at) else { return Err("Trailing backslash".into()) };
                at += 1;
                match next {
                    '(' if basic => {
                        out.push('(');
                        start = true;
                    }
                    '|' if basic => {
                        out.push('|');
                        start = true;
                    }
                    ')' | '{' | '}' | '+' | '?' if basic => out.push(*next),
                    '1'..='9' => return Err("back-references in patterns are not supported here".into()),
                    '<' => out.push_str(r"\b{start}"),
                    '>' => out.push_str(r"\b{end}"),
                    '`' => out.push_str(r"\A"),
                    '\'' => out.push_str(r"\z"),
                    'w' | 'W' | 's' | 'S' | 'b' | 'B' | 'n' | 't' | 'r' | 'f' | 'v' => out.extend(['\\', *next]),
                    'd' if !basic => out.push_str("[0-9]"),
                    'x' => out.push_str(r"\x"),
                    next => literal(*next, &mut out),
                }
            }
            '[' => at = bracket(&chars, at, &mut out)?,
            '*' if was_start && basic => literal('*', &mut out),
            '*' => out.push('*'),
            '^' if basic && !was_start => literal('^', &mut out),
            '^' => {
                out.push('^');
                start = true;
            }
            '$' if basic && !ends_here(&chars, at) => literal('$', &mut out),
            '$' | '.' => out.push(*c),
            '(' | '|' if !basic => {
                out.push(*c);
                start = true;
            }
            ')' if !basic => out.push(')'),
            '+' | '?' if !basic => out.push(*c),
            '{' if !basic => {
                if chars.get(at).is_some_and(|next| next.is_ascii_digit() || *next == ',') && !was_start {
                    out.push('{');
                    if chars.get(at) == Some(&',') {
                        out.push('0');
                    }
                } else {
                    literal('{', &mut out);
                }
            }
            '}' if !basic => {
                // It closes an interval or is ordinary.
                let open = out.rfind('{').is_some_and(|open| {
                    !out.get(..open).unwrap_or("").ends_with('\\') && !out.get(open..).unwrap_or("").contains('}')
                });
                if open { out.push('}') } else { literal('}', &mut out) }
            }
            c => literal(*c, &mut out),
        }
    }
    Ok(out)
}

fn ends_here(chars: &[char], at: usize) -> bool {
    matches!((chars.get(at), chars.get(at + 1)), (None, _) | (Some('\\'), Some(')' | '|')))
}

/// Writes a character that means itself. Not every punctuation may be escaped: `\<` is a word's beginning.
fn literal(c: char, out: &mut String) {
    if matches!(
        c,
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#' | '&' | '-' | '~'
    ) {
        out.push('\\');
    }
    out.push(c);
}

/// A bracket expression after its `[`; where it ends.
fn bracket(chars: &[char], mut at: usize, out: &mut String) -> Result<usize, String> {
    const UNMATCHED: &str = "Unmatched [, [^, [:, [., or [=";
    out.push('[');
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let c = *chars.get(at).ok_or(UNMATCHED)?;
        at += 1;
        match c {
            ']' if at > first + 1 => {
                out.push(']');
                return Ok(at);
            }
            '[' if chars.get(at) == Some(&':') => {
                let rest: String = chars.get(at + 1..).unwrap_or_default().iter().take_while(|c| **c != ':').collect();
                let end = at + 1 + rest.chars().count();
                if chars.get(end + 1) != Some(&']') {
                    return Err(UNMATCHED.into());
                }
                out.push_str(&format!("[:{rest}:]"));
                at = end + 2;
            }
            '\\' => match chars.get(at) {
                // As GNU's programs do, beyond POSIX.
                Some(next @ ('n' | 't')) => {
                    out.extend(['\\', *next]);
                    at += 1;
                }
                Some('\\') => {
                    out.push_str(r"\\");
                    at += 1;
                }
                _ => out.push_str(r"\\"),
            },
            '-' if at > first + 1 && chars.get(at).is_some_and(|next| *next != ']') => out.push('-'),
            c if c.is_ascii_alphanumeric() || c == ' ' || c == '_' => out.push(c),
            c => literal(c, out),
        }
    }
}
