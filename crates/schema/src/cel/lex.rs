//! From text to tokens.

use std::sync::Arc;

use super::val::Val;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Literal(Val),
    Name(String),
    /// A name in back quotes, which only fields have.
    Quoted(String),
    Sign(&'static str),
    End,
}

/// A token with the place where it begins, in characters, and its text.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) at: u32,
    pub(super) text: String,
}

/// Longer ones first.
const SIGNS: [&str; 25] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", "_",
];

/// What is found wrong, with its place.
pub(super) type Problems = Vec<(u32, String)>;

/// The tokens of a text, the end last.
pub(super) fn tokens(text: &str, problems: &mut Problems) -> Vec<Placed> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        if c.is_ascii_whitespace() || c == '\u{c}' {
            at += 1;
            continue;
        }
        if c == '/' && chars.get(at + 1) == Some(&'/') {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
            continue;
        }
        let start = at;
        let digit_after_point = c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit);
        let token = if let Some(found) = string(&chars, &mut at, problems) {
            found
        } else if c.is_ascii_digit() || digit_after_point {
            number(&chars, &mut at, problems).map(Token::Literal)
        } else if c.is_ascii_alphabetic() || c == '_' {
            while chars.get(at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
                at += 1;
            }
            let word: String = chars[start..at].iter().collect();
            Some(match word.as_str() {
                "true" => Token::Literal(Val::Bool(true)),
                "false" => Token::Literal(Val::Bool(false)),
                "null" => Token::Literal(Val::Null),
                _ => Token::Name(word),
            })
        } else if c == '`' {
            let end = chars[at + 1..].iter().position(|c| *c == '`').map(|end| at + 1 + end);
            end.map(|end| {
                let name = chars[at + 1..end].iter().collect();
                at = end + 1;
                Token::Quoted(name)
            })
        } else {
            let two: String = chars[at..chars.len().min(at + 2)].iter().collect();
            let sign = SIGNS.iter().find(|sign| two.starts_with(**sign));
            at += sign.map_or(0, |sign| sign.len());
            sign.map(|sign| Token::Sign(sign))
        };
        match token {
            Some(token) => out.push(Placed { token, at: start as u32, text: chars[start..at].iter().collect() }),
            None => {
                at = at.max(start + 1);
                let bad: String = chars[start..at].iter().collect();
                problems.push((start as u32, format!("Syntax error: token recognition error at: '{bad}'")));
            }
        }
    }
    out.push(Placed { token: Token::End, at: chars.len() as u32, text: "<EOF>".into() });
    out
}

fn number(chars: &[char], at: &mut usize, problems: &mut Problems) -> Option<Val> {
    let start = *at;
    let is = |at: usize, test: fn(&char) -> bool| chars.get(at).is_some_and(test);
    let hex = chars[start] == '0' && is(start + 1, |c| *c == 'x') && is(start + 2, char::is_ascii_hexdigit);
    let mut float = false;
    if hex {
        *at += 2;
        while is(*at, char::is_ascii_hexdigit) {
            *at += 1;
        }
    } else {
        while is(*at, char::is_ascii_digit) {
            *at += 1;
        }
        if is(*at, |c| *c == '.') && is(*at + 1, char::is_ascii_digit) {
            float = true;
            *at += 1;
            while is(*at, char::is_ascii_digit) {
                *at += 1;
            }
        }
        let sign = usize::from(is(*at + 1, |c| matches!(c, '+' | '-')));
        if is(*at, |c| matches!(c, 'e' | 'E')) && is(*at + 1 + sign, char::is_ascii_digit) {
            float = true;
            *at += 1 + sign;
            while is(*at, char::is_ascii_digit) {
                *at += 1;
            }
        }
    }
    let text: String = chars[start..*at].iter().collect();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let whole = u64::from_str_radix(digits, if hex { 16 } else { 10 });
    let unsigned = !float && is(*at, |c| matches!(c, 'u' | 'U'));
    *at += usize::from(unsigned);
    let found = match (float, whole) {
        (true, _) => text.parse().ok().filter(|n: &f64| n.is_finite()).map(Val::Double).ok_or("double"),
        (_, Ok(n)) if unsigned => Ok(Val::Uint(n)),
        // One more than the largest, for the smallest: a minus stands before it.
        (_, Ok(n)) if n <= 1 << 63 => Ok(Val::Int(n as i64)),
        _ => Err(if unsigned { "uint" } else { "int" }),
    };
    match found {
        Ok(value) => Some(value),
        Err(kind) => {
            problems.push((start as u32, format!("Syntax error: invalid {kind} literal")));
            Some(Val::Int(0))
        }
    }
}

/// A text or bytes, with what stands before them: `r`, `b`, both.
fn string(chars: &[char], at: &mut usize, problems: &mut Problems) -> Option<Option<Token>> {
    let start = *at;
    let mut from = start;
    let (mut raw, mut bytes) = (false, false);
    loop {
        match chars.get(from)? {
            'r' | 'R' if !raw => raw = true,
            'b' | 'B' if !bytes => bytes = true,
            '"' | '\'' => break,
            _ => return None,
        }
        from += 1;
    }
    let quote = chars[from];
    let triple = chars.get(from + 1) == Some(&quote) && chars.get(from + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    let mut here = from + width;
    let (mut text, mut octets) = (String::new(), Vec::new());
    loop {
        let Some(&c) = chars.get(here) else {
            // The rest of the text is what cannot be read.
            *at = chars.len();
            return Some(None);
        };
        if c == quote && (!triple || chars.get(here + 1..here + 3).is_some_and(|rest| rest == [quote, quote])) {
            break;
        }
        if !triple && (c == '\n' || c == '\r') {
            *at = here;
            return Some(None);
        }
        here += 1;
        if c != '\\' || raw {
            text.push(c);
            octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = chars.get(here).copied().unwrap_or(' ');
        here += 1;
        let plain = match escape {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' | '\'' | '"' | '`' | '?' => escape,
            'x' | 'X' | 'u' | 'U' | '0'..='3' => {
                let (length, radix, from) = match escape {
                    'x' | 'X' => (2, 16, here),
                    'u' => (4, 16, here),
                    'U' => (8, 16, here),
                    _ => (3, 8, here - 1),
                };
                let digits: String = chars.iter().skip(from).take(length).collect();
                let code = u32::from_str_radix(&digits, radix).ok().filter(|_| digits.chars().count() == length);
                here = from + length;
                match code.and_then(char::from_u32) {
                    Some(found) if bytes && length < 4 => {
                        octets.push(found as u32 as u8);
                        continue;
                    }
                    Some(found) => found,
                    None => {
                        problems.push((start as u32, "Syntax error: unable to unescape string".into()));
                        *at = here.min(chars.len());
                        return Some(None);
                    }
                }
            }
            _ => {
                problems.push((start as u32, "Syntax error: unable to unescape string".into()));
                *at = here.min(chars.len());
                return Some(None);
            }
        };
        text.push(plain);
        octets.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
    }
    *at = here + width;
    Some(Some(Token::Literal(if bytes { Val::Bytes(Arc::from(octets)) } else { Val::Str(text.into()) })))
}
