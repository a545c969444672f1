//! The command `s`: reading what it puts in, and putting it in.

use regex_lite::Captures;

use super::Sed;
use super::script::{Case, Piece, Substitute};

impl Sed {
    /// Replaces in the pattern space: whether anything was found.
    pub(super) fn substitute(&mut self, substitute: &Substitute) -> bool {
        let Some(regex) = substitute.regex.clone().or_else(|| self.last_regex.clone()) else { return false };
        self.last_regex = Some(regex.clone());
        let mut out = String::new();
        let (mut at, mut count, mut any) = (0, 0, false);
        for captures in regex.captures_iter(&self.space) {
            let Some(whole) = captures.get(0) else { continue };
            count += 1;
            if count < substitute.number {
                continue;
            }
            any = true;
            out.push_str(self.space.get(at..whole.start()).unwrap_or(""));
            expand(&substitute.with, &captures, &mut out);
            at = whole.end();
            if !substitute.global {
                break;
            }
        }
        if any {
            out.push_str(self.space.get(at..).unwrap_or(""));
            self.space = out;
        }
        any
    }
}

/// The text that a replacement gives.
fn expand(pieces: &[Piece], captures: &Captures<'_>, out: &mut String) {
    let mut mode = Case::None;
    let mut once = Case::None;
    for piece in pieces {
        let text = match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Group(group) => captures.get(*group).map_or("", |found| found.as_str()),
            Piece::Case(case @ (Case::UpperOne | Case::LowerOne)) => {
                once = *case;
                continue;
            }
            Piece::Case(case) => {
                mode = *case;
                continue;
            }
        };
        for c in text.chars() {
            let case = if once == Case::None { mode } else { std::mem::replace(&mut once, Case::None) };
            match case {
                Case::Upper | Case::UpperOne => out.extend(c.to_uppercase()),
                Case::Lower | Case::LowerOne => out.extend(c.to_lowercase()),
                Case::None => out.push(c),
            }
        }
    }
}

/// Reads a replacement.
pub(super) fn replacement(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut run = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let piece = match c {
            '&' => Piece::Group(0),
            '\\' => match chars.next() {
                Some(digit @ '0'..='9') => Piece::Group(digit as usize - '0' as usize),
                Some('U') => Piece::Case(Case::Upper),
                Some('L') => Piece::Case(Case::Lower),
                Some('u') => Piece::Case(Case::UpperOne),
                Some('l') => Piece::Case(Case::LowerOne),
                Some('E') => Piece::Case(Case::None),
                Some('n') => {
                    run.push('\n');
                    continue;
                }
                Some('t') => {
                    run.push('\t');
                    continue;
                }
                Some('r') => {
                    run.push('\r');
                    continue;
                }
                Some(other) => {
                    run.push(other);
                    continue;
                }
                None => continue,
            },
            c => {
                run.push(c);
                continue;
            }
        };
        if !run.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut run)));
        }
        pieces.push(piece);
    }
    if !run.is_empty() {
        pieces.push(Piece::Text(run));
    }
    pieces
}
