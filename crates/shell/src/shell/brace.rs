//! Brace expansion: `a{b,c}d` and `{1..9}`, done when a word is read.

use super::ast::{Part, Word};

/// How many words one word may become.
const WORDS_MAX: usize = 20_000;

/// A word as single characters and whole parts, so that braces can be found across them.
#[derive(Clone)]
enum Token {
    Char(char),
    Part(Part),
}

/// The words that a word's braces make of it; itself when it has none.
pub(super) fn expand(word: Word) -> Result<Vec<Word>, String> {
    if !word.parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains('{'))) {
        return Ok(vec![word]);
    }
    let waits = word.waits;
    let mut tokens = Vec::new();
    for part in word.parts {
        match part {
            Part::Text(text) => tokens.extend(text.chars().map(Token::Char)),
            part => tokens.push(Token::Part(part)),
        }
    }
    let words = alternatives(&tokens, 0)?;
    Ok(words.into_iter().map(|tokens| Word { parts: join(tokens), waits }).collect())
}

fn join(tokens: Vec<Token>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for token in tokens {
        match token {
            Token::Char(c) => match parts.last_mut() {
                Some(Part::Text(text)) => text.push(c),
                _ => parts.push(Part::Text(c.into())),
            },
            Token::Part(part) => parts.push(part),
        }
    }
    parts
}

fn alternatives(tokens: &[Token], depth: u32) -> Result<Vec<Vec<Token>>, String> {
    let mut start = 0;
    while let Some(open) = (start..tokens.len()).find(|at| is(tokens, *at, '{')) {
        if let Some((close, choices)) = choices(tokens, open, depth)? {
            let (before, after) = (tokens.get(..open).unwrap_or_default(), tokens.get(close + 1..).unwrap_or_default());
            let rest = alternatives(after, depth)?;
            if choices.len().saturating_mul(rest.len()) > WORDS_MAX {
                return Err("brace expansion: too many words".into());
            }
            let mut all = Vec::with_capacity(choices.len() * rest.len());
            for choice in &choices {
                for tail in &rest {
                    all.push([before, choice, tail].concat());
                }
            }
            return Ok(all);
        }
        start = open + 1;
    }
    Ok(vec![tokens.to_vec()])
}

fn is(tokens: &[Token], at: usize, c: char) -> bool {
    matches!(tokens.get(at), Some(Token::Char(found)) if *found == c)
}

type Choices = (usize, Vec<Vec<Token>>);

/// The alternatives of a brace that opens here, and where it closes; None when it is ordinary text.
fn choices(tokens: &[Token], open: usize, depth: u32) -> Result<Option<Choices>, String> {
    if depth > 20 {
        return Ok(None);
    }
    let (mut level, mut commas, mut close) = (0, vec![open], None);
    for at in open + 1..tokens.len() {
        if is(tokens, at, '{') {
            level += 1;
        } else if is(tokens, at, '}') {
            if level == 0 {
                close = Some(at);
                break;
            }
            level -= 1;
        } else if is(tokens, at, ',') && level == 0 {
            commas.push(at);
        }
    }
    let Some(close) = close else { return Ok(None) };
    if commas.len() == 1 {
        let inside: Option<String> = tokens
            .get(open + 1..close)
            .unwrap_or_default()
            .iter()
            .map(|token| match token {
                Token::Char(c) => Some(*c),
                Token::Part(_) => None,
            })
            .collect();
        let Some(range) = inside.and_then(|text| range(&text)) else { return Ok(None) };
        let texts = range?;
        return Ok(Some((close, texts.into_iter().map(|text| text.chars().map(Token::Char).collect()).collect())));
    }
    commas.push(close);
    let mut all = Vec::new();
    for pair in commas.windows(2) {
        if let [from, to] = pair {
            all.extend(alternatives(tokens.get(from + 1..*to).unwrap_or_default(), depth + 1)?);
        }
        if all.len() > WORDS_MAX {
            return Err("brace expansion: too many words".into());
        }
    }
    Ok(Some((close, all)))
}

/// `1..9`, `9..1..2`, `a..e`.
fn range(text: &str) -> Option<Result<Vec<String>, String>> {
    let mut parts = text.split("..");
    let (from, to, step) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() {
        return None;
    }
    let step: i64 = step.map_or(Some(1), |step| step.parse().ok())?;
    let step = if step == 0 { 1 } else { step.saturating_abs() };
    let letter = |text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(i64::from(*byte)),
        _ => None,
    };
    let (from_number, to_number, letters) = match (from.parse::<i64>(), to.parse::<i64>()) {
        (Ok(from), Ok(to)) => (from, to, false),
        _ => (letter(from)?, letter(to)?, true),
    };
    if from_number.abs_diff(to_number) / step.unsigned_abs() >= WORDS_MAX as u64 {
        return Some(Err("brace expansion: too many words".into()));
    }
    let padded = |text: &str| text.trim_start_matches('-').starts_with('0') && text.trim_start_matches('-').len() > 1;
    let width = if padded(from) || padded(to) { from.len().max(to.len()) } else { 0 };
    let mut texts = Vec::new();
    let mut number = from_number;
    loop {
        texts.push(if letters {
            char::from(u8::try_from(number).unwrap_or(b'?')).to_string()
        } else {
            format!("{number:0width$}")
        });
        number += if to_number >= from_number { step } else { -step };
        if (to_number >= from_number && number > to_number) || (to_number < from_number && number < to_number) {
            return Some(Ok(texts));
        }
    }
}
