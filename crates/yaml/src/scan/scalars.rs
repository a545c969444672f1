//! Scalars in all styles.

use super::{Kind, Scanner, Token, is_blank, is_blankz, is_break, is_breakz};
use crate::error::Error;
use crate::tree::Place;

/// Blanks and line breaks inside of a scalar, which fold: one break is a space, more are one break less.
#[derive(Default)]
struct Gap {
    blanks: String,
    first_break: Option<char>,
    more_breaks: String,
    /// Whether a line break (escaped or not) was in it.
    broken: bool,
}

impl Gap {
    fn fold_into(&mut self, text: &mut String) {
        if !self.broken {
            text.push_str(&self.blanks);
        } else {
            match self.first_break {
                Some('\n') if self.more_breaks.is_empty() => text.push(' '),
                Some('\n') => {}
                other => text.extend(other),
            }
            text.push_str(&self.more_breaks);
        }
        *self = Gap::default();
    }
}

impl Scanner<'_> {
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<Token, Error> {
        let start = self.place;
        self.skip();
        let (chomping, increment) = self.block_header()?;
        while is_blank(self.char()) {
            self.skip();
        }
        if self.char() == '#' {
            while !is_breakz(self.char()) {
                self.skip();
            }
        }
        if !is_breakz(self.char()) {
            return self.wrong("did not find expected comment or line break");
        }
        self.skip_break();
        let mut end = self.place;
        let mut indent = if increment > 0 { self.indent.max(0) + increment } else { 0 };
        let mut text = String::new();
        let mut breaks = String::new();
        let mut line_break: Option<char> = None;
        self.block_breaks(&mut indent, &mut breaks, &mut end)?;
        let mut blank_before = false;
        while self.column() == indent && self.char() != '\0' {
            let blank_here = is_blank(self.char());
            if !literal && !blank_before && !blank_here && line_break == Some('\n') {
                if breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.extend(line_break);
            }
            text.push_str(&breaks);
            breaks.clear();
            blank_before = blank_here;
            while !is_breakz(self.char()) {
                self.read(&mut text);
            }
            line_break = self.skip_break();
            self.block_breaks(&mut indent, &mut breaks, &mut end)?;
        }
        if chomping != Some('-') {
            text.extend(line_break);
        }
        if chomping == Some('+') {
            text.push_str(&breaks);
        }
        Ok(Token { kind: Kind::Scalar { text, plain: false }, start, end })
    }

    /// What stands behind `|` or `>`: how the end is chomped, and how deep the text is indented.
    fn block_header(&mut self) -> Result<(Option<char>, i64), Error> {
        let (mut chomping, mut increment) = (None, 0);
        for _ in 0..2 {
            match self.char() {
                c @ ('+' | '-') if chomping.is_none() => {
                    chomping = Some(c);
                    self.skip();
                }
                '0' if increment == 0 => return self.wrong("found an indentation indicator equal to 0"),
                c @ '1'..='9' if increment == 0 => {
                    increment = i64::from(u32::from(c) - u32::from('0'));
                    self.skip();
                }
                _ => break,
            }
        }
        Ok((chomping, increment))
    }

    /// Skips indentation and empty lines. The first text tells how deep it is, unless that is known.
    fn block_breaks(&mut self, indent: &mut i64, breaks: &mut String, end: &mut Place) -> Result<(), Error> {
        *end = self.place;
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.column() < *indent) && self.char() == ' ' {
                self.skip();
            }
            deepest = deepest.max(self.column());
            if (*indent == 0 || self.column() < *indent) && self.char() == '\t' {
                return self.wrong("found a tab character where an indentation space is expected");
            }
            let Some(line_break) = self.skip_break() else { break };
            breaks.push(line_break);
            *end = self.place;
        }
        if *indent == 0 {
            *indent = deepest.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    pub(super) fn scan_quoted(&mut self, quote: char) -> Result<Token, Error> {
        let start = self.place;
        self.skip();
        let mut text = String::new();
        loop {
            if self.document_indicator().is_some() {
                return self.wrong("found unexpected document indicator");
            }
            if self.char() == '\0' {
                return self.wrong("found unexpected end of stream");
            }
            let mut gap = Gap::default();
            while !is_blankz(self.char()) {
                let (c, next) = (self.char(), self.char_at(1));
                if quote == '\'' && c == '\'' && next == '\'' {
                    text.push('\'');
                    self.skip();
                    self.skip();
                } else if c == quote {
                    break;
                } else if quote == '"' && c == '\\' && is_break(next) {
                    self.skip();
                    self.skip_break();
                    gap.broken = true;
                    break;
                } else if quote == '"' && c == '\\' {
                    self.escape(&mut text)?;
                } else {
                    self.read(&mut text);
                }
            }
            if self.char() == quote {
                break;
            }
            self.scan_gap(&mut gap);
            gap.fold_into(&mut text);
        }
        self.skip();
        Ok(Token { kind: Kind::Scalar { text, plain: false }, start, end: self.place })
    }

    /// Blanks and breaks, up to the next text.
    fn scan_gap(&mut self, gap: &mut Gap) {
        loop {
            if is_blank(self.char()) {
                if gap.broken { self.skip() } else { self.read(&mut gap.blanks) }
            } else if let Some(line_break) = self.skip_break() {
                if gap.broken {
                    gap.more_breaks.push(line_break);
                } else {
                    gap.first_break = Some(line_break);
                    gap.broken = true;
                }
            } else {
                return;
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Error> {
        let (plain, digits) = match self.char_at(1) {
            '0' => ('\0', 0),
            'a' => ('\x07', 0),
            'b' => ('\x08', 0),
            't' | '\t' => ('\t', 0),
            'n' => ('\n', 0),
            'v' => ('\x0B', 0),
            'f' => ('\x0C', 0),
            'r' => ('\r', 0),
            'e' => ('\x1B', 0),
            c @ (' ' | '"' | '\'' | '\\') => (c, 0),
            'N' => ('\u{85}', 0),
            '_' => ('\u{A0}', 0),
            'L' => ('\u{2028}', 0),
            'P' => ('\u{2029}', 0),
            'x' => ('\0', 2),
            'u' => ('\0', 4),
            'U' => ('\0', 8),
            _ => return self.wrong("found unknown escape character"),
        };
        self.skip();
        self.skip();
        if digits == 0 {
            text.push(plain);
            return Ok(());
        }
        let mut code: u32 = 0;
        for at in 0..digits {
            let Some(digit) = self.char_at(at).to_digit(16) else {
                return self.wrong("did not find expected hexdecimal number");
            };
            code = code.wrapping_shl(4) | digit;
        }
        let Some(c) = char::from_u32(code) else {
            return self.wrong("found invalid Unicode character escape code");
        };
        text.push(c);
        for _ in 0..digits {
            self.skip();
        }
        Ok(())
    }

    pub(super) fn scan_plain(&mut self) -> Result<Token, Error> {
        let start = self.place;
        let mut end = self.place;
        let indent = self.indent + 1;
        let mut text = String::new();
        let mut gap = Gap::default();
        loop {
            if self.document_indicator().is_some() || self.char() == '#' {
                break;
            }
            while !is_blankz(self.char()) {
                let c = self.char();
                let ends_in_flow = matches!(c, ',' | '?' | '[' | ']' | '{' | '}');
                if (c == ':' && is_blankz(self.char_at(1))) || (self.flow_level > 0 && ends_in_flow) {
                    break;
                }
                gap.fold_into(&mut text);
                self.read(&mut text);
                end = self.place;
            }
            if !is_blank(self.char()) && !is_break(self.char()) {
                break;
            }
            if self.plain_gap(&mut gap, indent) {
                return self.wrong("found a tab character that violates indentation");
            }
            if self.flow_level == 0 && self.column() < indent {
                break;
            }
        }
        if gap.broken {
            self.simple_key_allowed = true;
        }
        Ok(Token { kind: Kind::Scalar { text, plain: true }, start, end })
    }

    /// As [`Scanner::scan_gap`]; true when a tab stands where indentation should.
    fn plain_gap(&mut self, gap: &mut Gap, indent: i64) -> bool {
        while is_blank(self.char()) || is_break(self.char()) {
            if gap.broken && self.char() == '\t' && self.column() < indent {
                return true;
            }
            if is_blank(self.char()) {
                if gap.broken { self.skip() } else { self.read(&mut gap.blanks) }
            } else if let Some(line_break) = self.skip_break() {
                if gap.broken {
                    gap.more_breaks.push(line_break);
                } else {
                    gap.first_break = Some(line_break);
                    gap.broken = true;
                }
            }
        }
        false
    }
}
