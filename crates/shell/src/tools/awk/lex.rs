//! Words of an `awk` program.

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name with a parenthesis right behind it: a call.
    Call(String),
    Op(&'static str),
    Newline,
    End,
}

const OPERATORS: &[&str] = &[
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=", ">=", "!=", "!~", ">>", "{",
    "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

/// Splits a program into words with their lines.
pub(super) fn lex(text: &str) -> Result<Vec<(Token, u32)>, String> {
    let bytes: Vec<char> = text.chars().collect();
    let mut tokens: Vec<(Token, u32)> = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(c) = bytes.get(at).copied() {
        let start = line;
        let token = match c {
            ' ' | '\t' | '\r' => {
                at += 1;
                continue;
            }
            '\\' if bytes.get(at + 1) == Some(&'\n') => {
                at += 2;
                line += 1;
                continue;
            }
            '#' => {
                while bytes.get(at).is_some_and(|c| *c != '\n') {
                    at += 1;
                }
                continue;
            }
            '\n' => {
                at += 1;
                line += 1;
                Token::Newline
            }
            '"' => {
                let (text, next) = string(&bytes, at + 1).ok_or("unterminated string")?;
                at = next;
                Token::Text(text)
            }
            '/' if regex_may_follow(tokens.last().map(|(token, _)| token)) => {
                let (text, next) = regex(&bytes, at + 1).ok_or("unterminated regexp")?;
                at = next;
                Token::Regex(text)
            }
            c if c.is_ascii_digit() || (c == '.' && bytes.get(at + 1).is_some_and(char::is_ascii_digit)) => {
                let (value, next) = number(&bytes, at);
                at = next;
                Token::Number(value)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = bytes.get(at).filter(|c| c.is_ascii_alphanumeric() || **c == '_') {
                    name.push(*c);
                    at += 1;
                }
                if bytes.get(at) == Some(&'(') { Token::Call(name) } else { Token::Name(name) }
            }
            c => {
                let rest: String = bytes.iter().skip(at).take(3).collect();
                match OPERATORS.iter().find(|op| rest.starts_with(**op)) {
                    Some(op) => {
                        at += op.len();
                        Token::Op(op)
                    }
                    None => return Err(format!("unexpected character '{c}'")),
                }
            }
        };
        tokens.push((token, start));
    }
    tokens.push((Token::End, line));
    Ok(tokens)
}

/// Whether a slash after this word begins a regular expression instead of dividing.
fn regex_may_follow(last: Option<&Token>) -> bool {
    match last {
        Some(Token::Number(_) | Token::Text(_) | Token::Op(")" | "]" | "$" | "++" | "--")) => false,
        Some(Token::Name(name)) => {
            matches!(name.as_str(), "print" | "printf" | "return" | "in" | "case" | "else" | "do")
        }
        _ => true,
    }
}

fn string(chars: &[char], mut at: usize) -> Option<(String, usize)> {
    let mut out = String::new();
    loop {
        let c = *chars.get(at)?;
        at += 1;
        match c {
            '"' => return Some((out, at)),
            '\n' => return None,
            '\\' => {
                let escape = *chars.get(at)?;
                at += 1;
                match escape {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    '\\' => out.push('\\'),
                    '"' => out.push('"'),
                    '/' => out.push('/'),
                    'a' => out.push('\x07'),
                    'b' => out.push('\x08'),
                    'f' => out.push('\x0c'),
                    'v' => out.push('\x0b'),
                    '\n' => {}
                    '0'..='7' => {
                        let mut value = escape.to_digit(8)?;
                        for _ in 0..2 {
                            let Some(digit) = chars.get(at).and_then(|c| c.to_digit(8)) else { break };
                            value = value * 8 + digit;
                            at += 1;
                        }
                        out.push(char::from_u32(value)?);
                    }
                    // Left alone: it may be meant for a regular expression.
                    other => out.extend(['\\', other]),
                }
            }
            c => out.push(c),
        }
    }
}

fn regex(chars: &[char], mut at: usize) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut in_bracket = false;
    loop {
        let c = *chars.get(at)?;
        at += 1;
        match c {
            '/' if !in_bracket => return Some((out, at)),
            '\n' => return None,
            '\\' => {
                let next = *chars.get(at)?;
                at += 1;
                if next != '/' {
                    out.push('\\');
                }
                out.push(next);
                continue;
            }
            '[' if !in_bracket => {
                in_bracket = true;
                out.push(c);
                if chars.get(at) == Some(&'^') {
                    out.push('^');
                    at += 1;
                }
                if chars.get(at) == Some(&']') {
                    out.push(']');
                    at += 1;
                }
                continue;
            }
            ']' => in_bracket = false,
            _ => {}
        }
        out.push(c);
    }
}

fn number(chars: &[char], start: usize) -> (f64, usize) {
    let mut at = start;
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    if chars.get(at) == Some(&'0') && matches!(chars.get(at + 1), Some('x' | 'X')) {
        let hex: String = chars.iter().skip(at + 2).take_while(|c| c.is_ascii_hexdigit()).collect();
        return (u64::from_str_radix(&hex, 16).unwrap_or(0) as f64, at + 2 + hex.len());
    }
    while digit(at) {
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        while digit(at) {
            at += 1;
        }
    }
    if matches!(chars.get(at), Some('e' | 'E')) {
        let sign = usize::from(matches!(chars.get(at + 1), Some('+' | '-')));
        if digit(at + 1 + sign) {
            at += 1 + sign;
            while digit(at) {
                at += 1;
            }
        }
    }
    let text: String = chars.get(start..at).unwrap_or_default().iter().collect();
    (text.parse().unwrap_or(0.0), at)
}
