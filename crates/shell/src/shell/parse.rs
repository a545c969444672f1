//! The parser: text to syntax tree, one complete command at a time.
//!
//! It works on the text itself, without tokens: what a character means depends on where it stands. `words` holds the
//! half that reads words. Nesting has a limit, since the tree is walked recursively in places.

mod compound;
mod conditional;
mod simple;

use drydock_sorted::SortedMap;
use std::sync::Arc;

use super::Dialect;
use super::ast::*;

/// How deep commands and words may nest.
const DEPTH_MAX: u32 = 60;
/// How often aliases may be replaced in one command.
const ALIASES_MAX: u32 = 100;

/// Why a text is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub kind: SyntaxKind,
    pub line: u32,
}

/// The kinds of syntax errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyntaxKind {
    /// The text ends too early; with what was expected.
    End(Option<&'static str>),
    /// A quote or bracket is not closed.
    Unclosed(&'static str),
    /// This cannot stand here; with what was expected instead.
    Unexpected(String, Option<&'static str>),
    /// Something else, in its own words.
    Other(String),
}

impl SyntaxError {
    /// Whether more text could make it right.
    pub fn incomplete(&self) -> bool {
        matches!(self.kind, SyntaxKind::End(_) | SyntaxKind::Unclosed(_))
    }
}

pub(super) type Parse<T> = Result<T, SyntaxError>;

/// The words that end a list of commands where they begin one.
const CLOSERS: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];

pub(crate) struct Parser<'a> {
    pub(super) source: Arc<Vec<u8>>,
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) dialect: Dialect,
    aliases: &'a SortedMap<String, String>,
    pub(super) depth: u32,
    /// After a here-document: the line feed at the first place leads to the second.
    pub(super) skip: Option<(usize, usize)>,
    /// Whether an unfinished here-document is an error because more text may come.
    more: bool,
    replaced: u32,
    /// Aliases that were just replaced by text that ends there, so that they are not replaced in it again.
    within: Vec<(String, usize)>,
    pub(super) waits: bool,
}

impl<'a> Parser<'a> {
    /// A parser of the text from a place on. With `more`, further text may follow later.
    pub fn new(
        source: Arc<Vec<u8>>,
        at: usize,
        line: u32,
        dialect: Dialect,
        aliases: &'a SortedMap<String, String>,
        more: bool,
    ) -> Parser<'a> {
        Parser {
            source,
            at,
            line,
            dialect,
            aliases,
            depth: 0,
            skip: None,
            more,
            replaced: 0,
            within: Vec::new(),
            waits: false,
        }
    }

    /// Where the parser stands: the text (aliases replaced), the place and the line.
    pub fn position(&self) -> (Arc<Vec<u8>>, usize, u32) {
        (Arc::clone(&self.source), self.at, self.line)
    }

    /// The next complete command with its line feed; None at the end of the text.
    pub fn next(&mut self) -> Parse<Option<Arc<List>>> {
        self.newlines()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let mut list = List::default();
        loop {
            list.items.push(self.item()?);
            self.blanks();
            match self.peek() {
                None => break,
                Some(b'\n') => {
                    self.bump();
                    break;
                }
                Some(b')') => return Err(self.unexpected(None)),
                _ if self.closer().is_some() => return Err(self.unexpected(None)),
                _ => {}
            }
        }
        Ok(Some(Arc::new(list)))
    }

    // ---- characters ----

    pub(super) fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<u8> {
        self.source.get(self.at + offset).copied()
    }

    pub(super) fn looking_at(&self, text: &str) -> bool {
        self.source.get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        let here = self.at;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
            if let Some((from, to)) = self.skip
                && from == here
            {
                let body = self.source.get(self.at..to).unwrap_or_default();
                self.line += body.iter().filter(|b| **b == b'\n').count() as u32;
                self.at = to;
                self.skip = None;
            }
        }
        Some(byte)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            for _ in 0..text.len() {
                self.bump();
            }
        }
        found
    }

    /// Skips blanks, continued lines and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => {
                    self.bump();
                }
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => {
                    self.bump();
                    self.bump();
                }
                Some(b'#') => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.bump();
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips blanks, comments and line feeds.
    pub(super) fn newlines(&mut self) -> Parse<()> {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.bump();
        }
    }

    pub(super) fn error<T>(&self, kind: SyntaxKind) -> Parse<T> {
        Err(SyntaxError { kind, line: self.line })
    }

    /// What stands here should not.
    pub(super) fn unexpected(&self, expected: Option<&'static str>) -> SyntaxError {
        let kind = match self.peek() {
            None => SyntaxKind::End(expected),
            Some(b'\n') => SyntaxKind::Unexpected("newline".into(), expected),
            Some(_) => {
                let operators =
                    ["<<<", "&>>", ";;&", "<<-", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>"];
                let token = match operators.iter().find(|op| self.looking_at(op)) {
                    Some(op) => (*op).to_owned(),
                    None if self.peek().is_some_and(is_meta) => self.peek().map(char::from).into_iter().collect(),
                    None => {
                        let rest = self.source.get(self.at..).unwrap_or_default();
                        let end = rest.iter().position(|b| is_meta(*b)).unwrap_or(rest.len());
                        String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned()
                    }
                };
                SyntaxKind::Unexpected(token, expected)
            }
        };
        SyntaxError { kind, line: self.line }
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH_MAX {
            return self.error(SyntaxKind::Other("maximum nesting level exceeded".into()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    // ---- lists ----

    /// The unquoted word that stands here, if it is nothing but plain characters.
    fn plain_word(&self) -> Option<&str> {
        let rest = self.source.get(self.at..)?;
        let end = rest.iter().position(|b| is_meta(*b)).unwrap_or(rest.len());
        let word = rest.get(..end)?;
        if word.is_empty() || word.iter().any(|b| matches!(b, b'\'' | b'"' | b'\\' | b'$' | b'`')) {
            return None;
        }
        std::str::from_utf8(word).ok()
    }

    fn closer(&self) -> Option<&str> {
        self.plain_word().filter(|word| CLOSERS.contains(word))
    }

    fn keyword(&mut self, word: &'static str) -> Parse<()> {
        self.blanks();
        if self.plain_word() == Some(word) {
            self.eat(word);
            Ok(())
        } else {
            Err(self.unexpected(Some(word)))
        }
    }

    /// A list inside a compound command, up to what closes it.
    fn body(&mut self, closing: &'static str) -> Parse<Arc<List>> {
        let list = self.deeper(|parser| parser.body_inner(closing))?;
        if list.items.is_empty() {
            return Err(self.unexpected(None));
        }
        Ok(Arc::new(list))
    }

    fn body_inner(&mut self, closing: &'static str) -> Parse<List> {
        let mut list = List::default();
        loop {
            self.newlines()?;
            match self.peek() {
                None => return Err(self.unexpected(Some(closing))),
                Some(b')') => return Ok(list),
                Some(b';') if matches!(self.peek_at(1), Some(b';' | b'&')) => return Ok(list),
                _ if self.closer().is_some() => return Ok(list),
                _ => {}
            }
            list.items.push(self.item()?);
        }
    }

    /// Pipelines joined by `&&` and `||`, with the `;` or `&` that ends them.
    fn item(&mut self) -> Parse<Item> {
        let start = self.at;
        let mut parts = vec![AndOrPart { join: Join::First, pipeline: self.pipeline()? }];
        loop {
            self.blanks();
            let join = if self.eat("&&") {
                Join::And
            } else if self.eat("||") {
                Join::Or
            } else {
                break;
            };
            self.newlines()?;
            parts.push(AndOrPart { join, pipeline: self.pipeline()? });
        }
        let end = self.at;
        let mut background = false;
        match self.peek() {
            Some(b'&') => {
                self.bump();
                background = true;
            }
            Some(b';') if !matches!(self.peek_at(1), Some(b';' | b'&')) => {
                self.bump();
            }
            None | Some(b'\n' | b')') => {}
            Some(b';') if self.depth > 0 => {}
            _ => return Err(self.unexpected(None)),
        }
        let text = String::from_utf8_lossy(self.source.get(start..end).unwrap_or_default()).trim().into();
        Ok(Item { parts, background, text })
    }

    fn pipeline(&mut self) -> Parse<Pipeline> {
        let mut pipeline = Pipeline { negated: false, timed: None, commands: Vec::new() };
        loop {
            self.blanks();
            match self.plain_word() {
                Some("!") => {
                    self.eat("!");
                    pipeline.negated = !pipeline.negated;
                }
                Some("time") if pipeline.timed.is_none() && self.dialect == Dialect::Bash => {
                    self.eat("time");
                    self.blanks();
                    let posix = self.plain_word() == Some("-p");
                    if posix {
                        self.eat("-p");
                    }
                    pipeline.timed = Some(posix);
                }
                _ => break,
            }
        }
        loop {
            pipeline.commands.push(Arc::new(self.deeper(Self::command)?));
            self.blanks();
            if self.looking_at("||") || self.peek() != Some(b'|') {
                return Ok(pipeline);
            }
            self.bump();
            if self.peek() == Some(b'&') {
                self.bump();
                // `|&`: standard error goes the same way.
                if let Some(last) = pipeline.commands.last_mut() {
                    let both = Redirect { fd: Some(2), op: RedirectOp::DupWrite, target: Word::text("1") };
                    Arc::make_mut(last).redirects.push(both);
                }
            }
            self.newlines()?;
        }
    }

    // ---- commands ----

    /// A parser of a text inside this one, with the same settings.
    pub(super) fn inner<T>(&mut self, text: &str, parse: impl FnOnce(&mut Parser<'a>) -> Parse<T>) -> Parse<T> {
        self.deeper(|outer| {
            let mut inner =
                Parser::new(Arc::new(text.as_bytes().to_vec()), 0, outer.line, outer.dialect, outer.aliases, false);
            inner.depth = outer.depth;
            let result = parse(&mut inner);
            outer.waits |= inner.waits;
            result
        })
    }

    /// The list of a command substitution, up to its closing parenthesis.
    pub(super) fn substitution(&mut self) -> Parse<Arc<List>> {
        let list = self.deeper(|parser| parser.body_inner(")")).map_err(|error| match error.kind {
            SyntaxKind::End(Some(")")) => SyntaxError { kind: SyntaxKind::Unclosed("$("), ..error },
            _ => error,
        })?;
        if !self.eat(")") {
            return Err(self.unexpected(Some(")")));
        }
        Ok(Arc::new(list))
    }

    /// All commands of the text.
    pub(super) fn everything(&mut self) -> Parse<Arc<List>> {
        let mut all = List::default();
        while let Some(list) = self.next()? {
            all.items.extend(list.items.iter().cloned());
        }
        Ok(Arc::new(all))
    }
}

/// Whether a byte ends a word.
pub(crate) fn is_meta(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Whether a text can name a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_function_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
}

/// Builtins whose arguments are assignments.
pub(crate) fn is_declaration(name: &str) -> bool {
    matches!(name, "declare" | "local" | "typeset" | "export" | "readonly")
}

fn is_unary(word: &str) -> bool {
    matches!(
        word,
        "-a" | "-b"
            | "-c"
            | "-d"
            | "-e"
            | "-f"
            | "-g"
            | "-h"
            | "-k"
            | "-L"
            | "-n"
            | "-o"
            | "-p"
            | "-r"
            | "-s"
            | "-S"
            | "-t"
            | "-u"
            | "-v"
            | "-w"
            | "-x"
            | "-z"
            | "-G"
            | "-N"
            | "-O"
    )
}
