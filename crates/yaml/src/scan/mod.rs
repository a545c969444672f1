//! From characters to tokens: YAML 1.1 as go-yaml (a port of libyaml) reads it, with its errors and its liberties.
//!
//! - here: the queue of tokens, indentation, and simple keys (`key: value` without a `?`, which become keys only when the
//!   `:` is found).
//! - `scalars`: plain, quoted and block scalars. `words`: directives, anchors, aliases and tags.
//!
//! Nothing here panics on any text, nothing reads behind its end: there, the characters are NUL.

mod scalars;
mod words;

use drydock_sorted::SortedMap;
use std::collections::VecDeque;

use crate::error::{Error, Stage};
use crate::tree::Place;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    StreamEnd,
    Version(u8, u8),
    TagPrefix { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag { handle: String, suffix: String },
    Scalar { text: String, plain: bool },
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: Place,
    pub end: Place,
}

/// A place where a key without `?` may have begun.
#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    /// Whether it must be one, as it stands where the mapping's other keys do.
    required: bool,
    /// The number of its first token.
    token: usize,
    place: Place,
}

/// A key's `:` must come within so many characters, and on the same line.
const SIMPLE_KEY_LIMIT: u32 = 1024;
/// go-yaml's limit of nested flow collections and of indentation levels. The parser's is far below.
const LEVEL_LIMIT: usize = 10_000;
/// The reader looks at so many bytes at a time; a character that is not allowed is found when its block is read.
const BLOCK: usize = 512;

pub(crate) struct Scanner<'a> {
    text: &'a str,
    /// The byte that comes next.
    at: usize,
    place: Place,
    /// The start of the block with the first character that is not allowed.
    bad_block: Option<usize>,
    tokens: VecDeque<Token>,
    /// How many tokens were taken out of the queue.
    taken: usize,
    finished: bool,
    /// The column of the innermost block collection; -1 outside of all.
    indent: i64,
    indents: Vec<i64>,
    simple_key_allowed: bool,
    /// One for every flow level, and one for the block context.
    simple_keys: Vec<SimpleKey>,
    /// Which of them may begin at a token, by its number. go-yaml forgets some here when a flow collection ends, and so
    /// complains about what follows in another order; this does the same.
    keys_by_token: SortedMap<usize, usize>,
    flow_level: usize,
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// A break or the end.
fn is_breakz(c: char) -> bool {
    is_break(c) || c == '\0'
}

/// A blank, a break or the end.
fn is_blankz(c: char) -> bool {
    is_blank(c) || is_breakz(c)
}

/// What anchors and the like are made of.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Scanner<'a> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        Scanner {
            text,
            at: 0,
            place: Place::default(),
            bad_block: text.find(|c| !is_allowed(c)).map(|at| at / BLOCK * BLOCK),
            tokens: VecDeque::new(),
            taken: 0,
            finished: false,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            keys_by_token: SortedMap::new(),
            flow_level: 0,
        }
    }

    /// The next token, which stays in the queue. After the end it is the end again.
    pub(crate) fn peek(&mut self) -> Result<&Token, Error> {
        self.fetch_enough()?;
        let end = Token { kind: Kind::StreamEnd, start: self.place, end: self.place };
        if self.tokens.is_empty() {
            self.tokens.push_back(end);
        }
        // There is one now.
        self.tokens.front().ok_or_else(|| Error::yaml("unknown problem parsing YAML content"))
    }

    /// Takes the next token out of the queue.
    pub(crate) fn next(&mut self) -> Result<Token, Error> {
        self.peek()?;
        self.keys_by_token.remove(&self.taken);
        self.taken += 1;
        match self.tokens.pop_front() {
            Some(token) => Ok(token),
            None => Ok(Token { kind: Kind::StreamEnd, start: self.place, end: self.place }),
        }
    }

    /// The character `ahead` of the next one; NUL behind the end.
    fn char_at(&self, ahead: usize) -> char {
        self.text.get(self.at..).and_then(|rest| rest.chars().nth(ahead)).unwrap_or('\0')
    }

    fn char(&self) -> char {
        self.char_at(0)
    }

    fn skip(&mut self) {
        if let Some(c) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            self.at += c.len_utf8();
            self.place.offset += 1;
            self.place.column += 1;
        }
    }

    /// Goes behind a line break and answers what it reads as.
    fn skip_break(&mut self) -> Option<char> {
        let c = self.char();
        if !is_break(c) {
            return None;
        }
        if c == '\r' && self.char_at(1) == '\n' {
            self.skip();
        }
        self.skip();
        self.place.column = 0;
        self.place.line += 1;
        Some(if matches!(c, '\u{2028}' | '\u{2029}') { c } else { '\n' })
    }

    fn read(&mut self, into: &mut String) {
        let c = self.char();
        if c != '\0' {
            into.push(c);
        }
        self.skip();
    }

    fn wrong<T>(&self, problem: &str) -> Result<T, Error> {
        Err(Error::at(Stage::Scanner, problem, self.place))
    }

    fn column(&self) -> i64 {
        i64::from(self.place.column)
    }

    fn push(&mut self, kind: Kind, start: Place) {
        let end = self.place;
        self.tokens.push_back(Token { kind, start, end });
    }

    /// Reads on until it is sure that the first token in the queue is no key.
    fn fetch_enough(&mut self) -> Result<(), Error> {
        while !self.finished {
            if !self.tokens.is_empty() {
                let undecided = match self.keys_by_token.get(&self.taken).copied() {
                    Some(key) => self.still_possible(key)?,
                    None => false,
                };
                if !undecided {
                    return Ok(());
                }
            }
            self.fetch()?;
        }
        Ok(())
    }

    /// Reads the next token, or several, into the queue.
    fn fetch(&mut self) -> Result<(), Error> {
        if self.bad_block.is_some_and(|block| self.at >= block) {
            return Err(Error::at(Stage::Reader, "control characters are not allowed", self.place));
        }
        self.skip_to_token();
        self.unroll(self.column());
        let (c, next) = (self.char(), self.char_at(1));
        if c == '\0' {
            return self.fetch_end();
        }
        if self.place.column == 0 {
            if c == '%' {
                return self.fetch_directive();
            }
            if let Some(kind) = self.document_indicator() {
                return self.fetch_document_indicator(kind);
            }
        }
        let in_flow = self.flow_level > 0;
        match c {
            '[' => self.fetch_flow_start(Kind::FlowSequenceStart),
            '{' => self.fetch_flow_start(Kind::FlowMappingStart),
            ']' => self.fetch_flow_end(Kind::FlowSequenceEnd),
            '}' => self.fetch_flow_end(Kind::FlowMappingEnd),
            ',' => self.fetch_flow_entry(),
            '-' if is_blankz(next) => self.fetch_block_entry(),
            '?' if in_flow || is_blankz(next) => self.fetch_key(),
            ':' if in_flow || is_blankz(next) => self.fetch_value(),
            '*' | '&' => self.fetch_anchor(),
            '!' => self.fetch_tag(),
            '|' | '>' if !in_flow => self.fetch_block_scalar(c == '|'),
            '\'' | '"' => self.fetch_quoted(c),
            // The characters that other tokens begin with; a tab where indentation is expected ends up here too.
            '\t' | '#' | '|' | '>' | '%' | '@' | '`' => self.wrong("found character that cannot start any token"),
            _ => self.fetch_plain(),
        }
    }

    /// Skips blanks, comments and line breaks.
    fn skip_to_token(&mut self) {
        loop {
            if self.place.column == 0 && self.char() == '\u{FEFF}' {
                self.skip();
            }
            // Tabs may not indent.
            while self.char() == ' ' || (self.char() == '\t' && (self.flow_level > 0 || !self.simple_key_allowed)) {
                self.skip();
            }
            if self.char() == '#' {
                while !is_breakz(self.char()) {
                    self.skip();
                }
            }
            if self.skip_break().is_none() {
                return;
            }
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// `---` or `...` at the beginning of a line.
    fn document_indicator(&self) -> Option<Kind> {
        let rest = self.text.get(self.at..)?;
        if self.place.column != 0 || !is_blankz(self.char_at(3)) {
            None
        } else if rest.starts_with("---") {
            Some(Kind::DocumentStart)
        } else {
            rest.starts_with("...").then_some(Kind::DocumentEnd)
        }
    }

    fn still_possible(&mut self, at: usize) -> Result<bool, Error> {
        let Some(key) = self.simple_keys.get_mut(at) else { return Ok(false) };
        if !key.possible {
            return Ok(false);
        }
        let gone =
            key.place.line < self.place.line || key.place.offset.saturating_add(SIMPLE_KEY_LIMIT) < self.place.offset;
        if gone {
            if key.required {
                return self.wrong("could not find expected ':'");
            }
            key.possible = false;
        }
        Ok(!gone)
    }

    /// Notes that a key may begin here.
    fn save_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        let token = self.taken + self.tokens.len();
        self.drop_key()?;
        let (place, level) = (self.place, self.simple_keys.len().saturating_sub(1));
        if let Some(key) = self.simple_keys.last_mut() {
            *key = SimpleKey { possible: true, required, token, place };
            self.keys_by_token.insert(token, level);
        }
        Ok(())
    }

    /// What may have been a key is none.
    fn drop_key(&mut self) -> Result<(), Error> {
        match self.simple_keys.last_mut() {
            Some(key) if key.possible && key.required => self.wrong("could not find expected ':'"),
            Some(key) => {
                if key.possible {
                    key.possible = false;
                    self.keys_by_token.remove(&key.token);
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Begins a block collection when this column lies deeper. Its token goes to the end of the queue, or before the token
    /// of that number.
    fn roll(&mut self, column: i64, before: Option<usize>, kind: Kind, place: Place) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > LEVEL_LIMIT {
            return self.wrong(&format!("exceeded max depth of {LEVEL_LIMIT}"));
        }
        let token = Token { kind, start: place, end: place };
        match before.and_then(|number| number.checked_sub(self.taken)).filter(|at| *at <= self.tokens.len()) {
            Some(at) => self.tokens.insert(at, token),
            None => self.tokens.push_back(token),
        }
        Ok(())
    }

    /// Ends the block collections that lie deeper than this column.
    fn unroll(&mut self, column: i64) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(Kind::BlockEnd, self.place);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn fetch_end(&mut self) -> Result<(), Error> {
        if self.place.column != 0 {
            self.place.column = 0;
            self.place.line += 1;
        }
        self.unroll(-1);
        self.drop_key()?;
        self.simple_key_allowed = false;
        self.push(Kind::StreamEnd, self.place);
        self.finished = true;
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unroll(-1);
        self.drop_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_directive()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: Kind) -> Result<(), Error> {
        self.unroll(-1);
        self.drop_key()?;
        self.simple_key_allowed = false;
        let start = self.place;
        for _ in 0..3 {
            self.skip();
        }
        self.push(kind, start);
        Ok(())
    }

    /// A token of one character.
    fn take_one(&mut self, kind: Kind) {
        let start = self.place;
        self.skip();
        self.push(kind, start);
    }

    fn fetch_flow_start(&mut self, kind: Kind) -> Result<(), Error> {
        self.save_key()?;
        let token = self.taken + self.tokens.len();
        self.simple_keys.push(SimpleKey { token, place: self.place, ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > LEVEL_LIMIT {
            return self.wrong(&format!("exceeded max depth of {LEVEL_LIMIT}"));
        }
        self.simple_key_allowed = true;
        self.take_one(kind);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: Kind) -> Result<(), Error> {
        self.drop_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.keys_by_token.remove(&key.token);
            }
        }
        self.simple_key_allowed = false;
        self.take_one(kind);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), Error> {
        self.drop_key()?;
        self.simple_key_allowed = true;
        self.take_one(Kind::FlowEntry);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.wrong("block sequence entries are not allowed in this context");
            }
            self.roll(self.column(), None, Kind::BlockSequenceStart, self.place)?;
        }
        self.drop_key()?;
        self.simple_key_allowed = true;
        self.take_one(Kind::BlockEntry);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Error> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.wrong("mapping keys are not allowed in this context");
            }
            self.roll(self.column(), None, Kind::BlockMappingStart, self.place)?;
        }
        self.drop_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.take_one(Kind::Key);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Error> {
        let last = self.simple_keys.len().saturating_sub(1);
        if self.still_possible(last)? {
            let key = self.simple_keys.get(last).copied().unwrap_or_default();
            let at = key.token.saturating_sub(self.taken).min(self.tokens.len());
            self.tokens.insert(at, Token { kind: Kind::Key, start: key.place, end: key.place });
            self.roll(i64::from(key.place.column), Some(key.token), Kind::BlockMappingStart, key.place)?;
            if let Some(key) = self.simple_keys.last_mut() {
                key.possible = false;
            }
            self.keys_by_token.remove(&key.token);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.wrong("mapping values are not allowed in this context");
                }
                self.roll(self.column(), None, Kind::BlockMappingStart, self.place)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.take_one(Kind::Value);
        Ok(())
    }

    fn fetch_anchor(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_anchor()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_tag()?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Result<(), Error> {
        self.drop_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(literal)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_quoted(&mut self, quote: char) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_quoted(quote)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_plain(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_plain()?;
        self.tokens.push_back(token);
        Ok(())
    }
}
