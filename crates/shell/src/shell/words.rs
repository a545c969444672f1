//! The half of the parser that reads words.

use std::sync::Arc;

use super::Dialect;
use super::ast::*;
use super::parse::{Parse, Parser, SyntaxKind, is_meta};
use super::{brace, quote};

/// Where text stands, which says what quotes and backslashes mean in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// Inside double quotes.
    Double,
    /// In a here-document: double quotes are ordinary.
    Here,
    /// In arithmetic: double quotes vanish.
    Arith,
}

/// Collects parts; bytes in a row become one text.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    run: Vec<u8>,
    run_quoted: bool,
}

impl Parts {
    fn byte(&mut self, byte: u8, quoted: bool) {
        if self.run_quoted != quoted {
            self.flush();
            self.run_quoted = quoted;
        }
        self.run.push(byte);
    }

    fn bytes(&mut self, bytes: &[u8], quoted: bool) {
        for byte in bytes {
            self.byte(*byte, quoted);
        }
    }

    fn part(&mut self, part: Part) {
        self.flush();
        self.parts.push(part);
    }

    fn flush(&mut self) {
        if !self.run.is_empty() {
            let text = crate::text::lossy(std::mem::take(&mut self.run));
            self.parts.push(if self.run_quoted { Part::Quoted(text) } else { Part::Text(text) });
        }
    }

    fn done(mut self) -> Vec<Part> {
        self.flush();
        self.parts
    }
}

impl Parser<'_> {
    /// Whether a process substitution stands here.
    pub(super) fn at_process(&self) -> bool {
        self.dialect == Dialect::Bash && (self.looking_at("<(") || self.looking_at(">("))
    }

    /// One word.
    pub(super) fn word(&mut self) -> Parse<Word> {
        self.word_with(|parser| parser.peek().is_none_or(is_meta) && !parser.at_process(), false)
    }

    /// One word, and what its braces make of it.
    pub(super) fn words(&mut self) -> Parse<Vec<Word>> {
        let word = self.word()?;
        if self.dialect != Dialect::Bash {
            return Ok(vec![word]);
        }
        match brace::expand(word) {
            Ok(words) => Ok(words),
            Err(message) => self.error(SyntaxKind::Other(message)),
        }
    }

    /// The right side of `=~`: parentheses and bars belong to it.
    pub(super) fn regex_word(&mut self) -> Parse<Word> {
        let mut open = 0i32;
        let start = self.at;
        let source = Arc::clone(&self.source);
        let mut seen = start;
        self.word_with(
            move |parser| {
                for byte in source.get(seen..parser.at).unwrap_or_default() {
                    open += match byte {
                        b'(' => 1,
                        b')' => -1,
                        _ => 0,
                    };
                }
                seen = parser.at;
                match parser.peek() {
                    None | Some(b'\n') => true,
                    Some(b' ' | b'\t') => open <= 0,
                    Some(b')') => open <= 0,
                    Some(b'&' | b';') => true,
                    Some(b'|') => open <= 0 && parser.peek_at(1) == Some(b'|'),
                    _ => false,
                }
            },
            false,
        )
    }

    /// A word inside braces or brackets, up to one of the bytes; blanks belong to it.
    pub(super) fn word_until(&mut self, stops: &'static [u8], quoted: bool) -> Parse<Word> {
        self.word_with(move |parser| parser.peek().is_none_or(|byte| stops.contains(&byte)), quoted)
    }

    fn word_with(&mut self, mut ends: impl FnMut(&Self) -> bool, quoted: bool) -> Parse<Word> {
        let outer = std::mem::take(&mut self.waits);
        let mut parts = Parts::default();
        while !ends(self) {
            let Some(byte) = self.peek() else { break };
            match byte {
                b'\\' => {
                    self.bump();
                    match self.bump() {
                        None => parts.byte(b'\\', true),
                        Some(b'\n') => {}
                        Some(next) if quoted && !matches!(next, b'$' | b'`' | b'"' | b'\\' | b'}') => {
                            parts.bytes(&[b'\\', next], true);
                        }
                        Some(next) => {
                            parts.byte(next, true);
                            while self.peek().is_some_and(|b| b & 0xc0 == 0x80) && next >= 0x80 {
                                parts.byte(self.bump().unwrap_or_default(), true);
                            }
                        }
                    }
                }
                b'\'' => {
                    self.bump();
                    let text = self.until_quote()?;
                    parts.part(Part::Quoted(text));
                }
                b'"' => {
                    self.bump();
                    let inner = self.deeper(|parser| parser.double(Quoting::Double))?;
                    parts.part(Part::Double(inner));
                }
                b'$' | b'`' => match self.dollar(quoted)? {
                    Some(part) => parts.part(part),
                    None => parts.byte(b'$', false),
                },
                b'<' | b'>' if self.at_process() => {
                    self.bump();
                    self.bump();
                    let list = self.substitution()?;
                    self.waits = true;
                    parts.part(Part::Process { list, read: byte == b'<' });
                }
                byte => {
                    self.bump();
                    parts.byte(byte, false);
                }
            }
        }
        let word = Word { parts: parts.done(), waits: self.waits };
        self.waits |= outer;
        Ok(word)
    }

    fn until_quote(&mut self) -> Parse<String> {
        let start = self.at;
        loop {
            match self.bump() {
                None => return self.error(SyntaxKind::Unclosed("'")),
                Some(b'\'') => break,
                Some(_) => {}
            }
        }
        Ok(String::from_utf8_lossy(self.source.get(start..self.at - 1).unwrap_or_default()).into_owned())
    }

    /// The inside of double quotes with the closing one, or the whole text of a here-document.
    fn double(&mut self, quoting: Quoting) -> Parse<Vec<Part>> {
        let mut parts = Parts::default();
        loop {
            match self.peek() {
                None if quoting == Quoting::Double => return self.error(SyntaxKind::Unclosed("\"")),
                None => return Ok(parts.done()),
                Some(b'"') if quoting == Quoting::Double => {
                    self.bump();
                    return Ok(parts.done());
                }
                Some(b'"') if quoting == Quoting::Arith => {
                    self.bump();
                }
                Some(b'\\') => {
                    self.bump();
                    match self.peek() {
                        Some(b'\n') => {
                            self.bump();
                        }
                        Some(next @ (b'$' | b'`' | b'\\')) => {
                            self.bump();
                            parts.byte(next, true);
                        }
                        Some(b'"') if quoting != Quoting::Here => {
                            self.bump();
                            parts.byte(b'"', true);
                        }
                        _ => parts.byte(b'\\', true),
                    }
                }
                Some(b'$' | b'`') => match self.dollar(true)? {
                    Some(part) => parts.part(part),
                    None => parts.byte(b'$', true),
                },
                Some(byte) => {
                    self.bump();
                    parts.byte(byte, false);
                }
            }
        }
    }

    /// A text that was taken out of this one, in which only `$`, backquotes and backslashes mean something.
    pub(super) fn inner_text(&mut self, text: &str, quoting: Quoting) -> Parse<Word> {
        let outer = std::mem::take(&mut self.waits);
        let parts = self.inner(text, |parser| parser.double(quoting))?;
        let word = Word { parts: vec![Part::Double(parts)], waits: self.waits };
        self.waits |= outer;
        Ok(word)
    }

    /// An arithmetic expression as a word.
    pub(super) fn arith_word(&mut self, text: &str) -> Parse<Word> {
        self.inner_text(text, Quoting::Arith)
    }

    /// The text between `((` and `))`, which are `open` bytes from here; None when it is not closed so.
    pub(super) fn arith_text(&mut self, open: usize) -> Option<String> {
        let start = self.at + open;
        let (mut at, mut depth) = (start, 0i32);
        loop {
            match self.source.get(at)? {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' if self.source.get(at + 1) == Some(&b')') => break,
                b')' => return None,
                b'\\' => at += 1,
                quote @ (b'\'' | b'"') => {
                    let close = self.source.get(at + 1..)?.iter().position(|b| b == quote)?;
                    at += close + 1;
                }
                _ => {}
            }
            at += 1;
        }
        let text = String::from_utf8_lossy(self.source.get(start..at)?).into_owned();
        while self.at < at + 2 {
            self.bump();
        }
        Some(text)
    }

    /// What a `$` or a backquote begins; None when the `$` (now consumed) stands for itself.
    fn dollar(&mut self, quoted: bool) -> Parse<Option<Part>> {
        if self.peek() == Some(b'`') {
            return self.backquote(quoted).map(Some);
        }
        if self.looking_at("$((")
            && let Some(text) = self.arith_text(3)
        {
            return Ok(Some(Part::Arith(Box::new(self.arith_word(&text)?))));
        }
        self.bump();
        match self.peek() {
            Some(b'(') => {
                self.bump();
                let list = self.substitution()?;
                self.waits = true;
                Ok(Some(Part::Command(list)))
            }
            Some(b'{') => {
                self.bump();
                self.deeper(|parser| parser.braced(quoted)).map(Some)
            }
            Some(b'\'') if !quoted && self.dialect != Dialect::Dash => {
                self.bump();
                let mut text = Vec::new();
                loop {
                    match self.bump() {
                        None => return self.error(SyntaxKind::Unclosed("'")),
                        Some(b'\'') => break,
                        Some(b'\\') => {
                            text.push(b'\\');
                            text.extend(self.bump());
                        }
                        Some(byte) => text.push(byte),
                    }
                }
                Ok(Some(Part::Quoted(quote::unescape_dollar(&String::from_utf8_lossy(&text)))))
            }
            Some(b'"') if !quoted && self.dialect == Dialect::Bash => {
                self.bump();
                Ok(Some(Part::Double(self.double(Quoting::Double)?)))
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let name = self.name();
                Ok(Some(plain_param(name)))
            }
            Some(byte) if byte.is_ascii_digit() || matches!(byte, b'?' | b'#' | b'$' | b'!' | b'@' | b'*' | b'-') => {
                self.bump();
                Ok(Some(plain_param(char::from(byte).to_string())))
            }
            _ => Ok(None),
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(byte) = self.peek().filter(|b| b.is_ascii_alphanumeric() || *b == b'_') {
            name.push(char::from(byte));
            self.bump();
        }
        name
    }

    fn backquote(&mut self, quoted: bool) -> Parse<Part> {
        self.bump();
        let mut text = Vec::new();
        loop {
            match self.bump() {
                None => return self.error(SyntaxKind::Unclosed("`")),
                Some(b'`') => break,
                Some(b'\\') => match self.bump() {
                    Some(next @ (b'`' | b'\\' | b'$')) => text.push(next),
                    Some(b'"') if quoted => text.push(b'"'),
                    Some(next) => text.extend([b'\\', next]),
                    None => return self.error(SyntaxKind::Unclosed("`")),
                },
                Some(byte) => text.push(byte),
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let list = self.inner(&text, Parser::everything)?;
        self.waits = true;
        Ok(Part::Command(list))
    }

    /// A parameter expansion after its `${`.
    fn braced(&mut self, quoted: bool) -> Parse<Part> {
        let start = self.at;
        let mut length = false;
        if self.peek() == Some(b'#') && !matches!(self.peek_at(1), Some(b'}' | b':' | b'-' | b'=' | b'?' | b'+' | b'%'))
        {
            self.bump();
            length = true;
        }
        let indirect = self.peek() == Some(b'!')
            && self.peek_at(1).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            && self.eat("!");
        let name = match self.peek() {
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.name(),
            Some(byte) if byte.is_ascii_digit() => {
                let mut digits = String::new();
                while let Some(byte) = self.peek().filter(u8::is_ascii_digit) {
                    digits.push(char::from(byte));
                    self.bump();
                }
                digits
            }
            Some(byte @ (b'?' | b'#' | b'$' | b'!' | b'@' | b'*' | b'-')) => {
                self.bump();
                char::from(byte).to_string()
            }
            _ => return self.bad_param(start),
        };
        let mut index = None;
        if self.dialect == Dialect::Bash && self.peek() == Some(b'[') {
            self.bump();
            index = Some(if self.eat("@]") {
                Index::Each
            } else if self.eat("*]") {
                Index::Joined
            } else {
                let word = self.word_until(b"]", false)?;
                if !self.eat("]") {
                    return self.error(SyntaxKind::Unclosed("}"));
                }
                Index::At(word)
            });
        }
        let mut op = Op::None;
        let mut is_indirect = indirect;
        if length {
            op = Op::Length;
        } else if indirect && matches!(index, Some(Index::Each | Index::Joined)) {
            (op, is_indirect) = (Op::Keys, false);
        } else if indirect && matches!(self.peek(), Some(b'*' | b'@')) {
            self.bump();
            (op, is_indirect) = (Op::Names, false);
        } else if self.peek() != Some(b'}') {
            match self.param_op(quoted)? {
                Some(found) => op = found,
                None => return self.bad_param(start),
            }
        }
        match self.peek() {
            Some(b'}') => {
                self.bump();
                Ok(Part::Param(Box::new(Param { name, index, indirect: is_indirect, op })))
            }
            None => self.error(SyntaxKind::Unclosed("}")),
            Some(_) => self.bad_param(start),
        }
    }

    fn param_op(&mut self, quoted: bool) -> Parse<Option<Op>> {
        let colon = self.peek() == Some(b':') && matches!(self.peek_at(1), Some(b'-' | b'=' | b'?' | b'+'));
        if colon {
            self.bump();
        }
        let Some(byte) = self.bump() else { return self.error(SyntaxKind::Unclosed("}")) };
        let bash = self.dialect != Dialect::Dash;
        Ok(Some(match byte {
            b'-' | b'=' | b'?' | b'+' => {
                let word = if quoted {
                    // Inside double quotes, single quotes are ordinary here.
                    self.quoted_operand()?
                } else {
                    self.word_until(b"}", false)?
                };
                Op::Test { colon, kind: byte, word }
            }
            b'#' | b'%' => {
                let long = self.peek() == Some(byte) && self.bump().is_some();
                Op::Trim { suffix: byte == b'%', long, pattern: self.word_until(b"}", false)? }
            }
            b'/' if bash => {
                let all = self.peek() == Some(b'/') && self.bump().is_some();
                let anchor = match self.peek() {
                    Some(anchor @ (b'#' | b'%')) if !all => {
                        self.bump();
                        anchor
                    }
                    _ => 0,
                };
                let pattern = self.word_until(b"/}", false)?;
                let with = if self.eat("/") { self.word_until(b"}", false)? } else { Word::default() };
                Op::Replace { all, anchor, pattern, with }
            }
            b':' if bash => {
                let offset = self.word_until(b":}", false)?;
                let length = if self.eat(":") { Some(self.word_until(b"}", false)?) } else { None };
                Op::Slice { offset, length }
            }
            b'^' | b',' if self.dialect == Dialect::Bash => {
                let all = self.peek() == Some(byte) && self.bump().is_some();
                Op::Case { upper: byte == b'^', all, pattern: self.word_until(b"}", false)? }
            }
            b'@' if self.dialect == Dialect::Bash && self.peek() == Some(b'Q') => {
                self.bump();
                Op::Quote
            }
            _ => return Ok(None),
        }))
    }

    /// The word of `${x:-word}` inside double quotes.
    fn quoted_operand(&mut self) -> Parse<Word> {
        let outer = std::mem::take(&mut self.waits);
        let mut parts = Parts::default();
        while let Some(byte) = self.peek().filter(|b| *b != b'}') {
            match byte {
                b'"' => {
                    self.bump();
                    let inner = self.deeper(|parser| parser.double(Quoting::Double))?;
                    parts.part(Part::Double(inner));
                }
                b'\\' => {
                    self.bump();
                    match self.bump() {
                        Some(b'\n') | None => {}
                        Some(next @ (b'$' | b'`' | b'"' | b'\\' | b'}')) => parts.byte(next, true),
                        Some(next) => parts.bytes(&[b'\\', next], true),
                    }
                }
                b'$' | b'`' => match self.dollar(true)? {
                    Some(part) => parts.part(part),
                    None => parts.byte(b'$', true),
                },
                byte => {
                    self.bump();
                    parts.byte(byte, false);
                }
            }
        }
        let word = Word { parts: parts.done(), waits: self.waits };
        self.waits |= outer;
        Ok(word)
    }

    /// An expansion that no shell knows: it is an error only when it is expanded.
    fn bad_param(&mut self, start: usize) -> Parse<Part> {
        let mut depth = 0;
        loop {
            match self.bump() {
                None => return self.error(SyntaxKind::Unclosed("}")),
                Some(b'{') => depth += 1,
                Some(b'}') if depth == 0 => break,
                Some(b'}') => depth -= 1,
                Some(_) => {}
            }
        }
        let text = String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default()).into_owned();
        let op = Op::Bad(format!("${{{text}"));
        Ok(Part::Param(Box::new(Param { name: String::new(), index: None, indirect: false, op })))
    }
}

fn plain_param(name: String) -> Part {
    Part::Param(Box::new(Param { name, index: None, indirect: false, op: Op::None }))
}
