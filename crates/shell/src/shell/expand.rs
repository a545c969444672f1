//! Expansion: words to fields.
//!
//! Command substitutions may have to wait for a process, and the rest of the expansion is a plain recursive function. So
//! an expansion that meets a substitution whose text it does not have yet stops with [`Stop::Need`]; the machine runs the
//! command and expands the same words again from the beginning, with one text more ([`Substituted`]). Whatever the first
//! attempt had assigned is taken back before.

mod parameters;

use std::sync::Arc;

use super::ast::{Index, List, Part, Word};
use super::{Dialect, Shell, arith, pattern};
use crate::Sys;

/// What an expansion may grow to.
const TEXT_BYTES_MAX: usize = 4 << 20;
const FIELDS_MAX: usize = 50_000;

/// Why an expansion stopped.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    /// The output of this is wanted first.
    Need(Need),
    /// It failed; with `fatal`, a shell that is not interactive ends.
    Error { message: String, fatal: bool },
    /// A redirection's target is no file name: only its command fails.
    Redirect(String),
}

/// What an expansion wants to be run.
#[derive(Debug, Clone)]
pub(super) enum Need {
    /// The output of a command, without the line feeds at its end.
    Output(Arc<List>),
    /// A path to read a command's output from.
    ReadPath(Arc<List>),
    /// A path to write a command's input to.
    WritePath(Arc<List>),
}

impl From<String> for Stop {
    fn from(message: String) -> Stop {
        Stop::Error { message, fatal: false }
    }
}

/// The texts of the substitutions that were run so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Substituted {
    pub texts: Vec<String>,
}

/// A piece of an expanded word.
enum Piece {
    /// Text. `quoted`: no pattern and no splitting; `split`: it came out of an expansion and is split.
    Text { text: String, quoted: bool, split: bool },
    /// Here a field ends.
    Break,
}

/// A parameter's value.
pub(super) enum Values {
    Unset,
    One(String),
    /// Of `$@` and arrays; `joined` when they become one text in double quotes.
    Many {
        values: Vec<String>,
        joined: bool,
    },
}

/// One expansion at work.
pub(super) struct Expansion<'x, 'y> {
    pub shell: &'x mut Shell,
    pub sys: &'x mut Sys<'y>,
    texts: &'x [String],
    used: usize,
}

type Result<T> = std::result::Result<T, Stop>;

/// A field while it is put together.
#[derive(Default)]
struct Field {
    text: String,
    pattern: String,
    any: bool,
    active: bool,
}

impl Field {
    fn push(&mut self, text: &str, quoted: bool) {
        self.text.push_str(text);
        if quoted {
            self.pattern.push_str(&pattern::escape(text));
            self.any = true;
        } else {
            self.pattern.push_str(text);
            self.active |= text.contains(['*', '?', '[']);
            self.any |= !text.is_empty();
        }
    }
}

impl<'x, 'y> Expansion<'x, 'y> {
    pub fn new(shell: &'x mut Shell, sys: &'x mut Sys<'y>, texts: &'x [String]) -> Expansion<'x, 'y> {
        Expansion { shell, sys, texts, used: 0 }
    }

    /// The fields of several words: with splitting and paths.
    pub fn fields(&mut self, words: &[Word]) -> Result<Vec<String>> {
        let mut fields = Vec::new();
        for word in words {
            self.word_fields(word, &mut fields)?;
            if fields.len() > FIELDS_MAX {
                return Err("too many words".to_owned().into());
            }
        }
        Ok(fields)
    }

    /// The fields of one word.
    pub fn word_fields(&mut self, word: &Word, out: &mut Vec<String>) -> Result<()> {
        if let [Part::Text(text)] = word.parts.as_slice()
            && !text.starts_with('~')
            && !text.contains(['*', '?', '['])
        {
            out.push(text.clone());
            return Ok(());
        }
        let pieces = self.pieces(word, false)?;
        for field in split(pieces, &self.ifs()) {
            if field.active && !self.shell.options.noglob && pattern::is_active(&field.pattern) {
                let cwd = self.sys.cwd();
                let paths = pattern::paths(&field.pattern, self.sys.files(), &cwd);
                self.sys.charge(1 + paths.len() as u32 / 8);
                if !paths.is_empty() {
                    out.extend(paths);
                    continue;
                }
                if self.shell.options.nullglob {
                    continue;
                }
                if self.shell.options.failglob {
                    return Err(format!("no match: {}", field.text).into());
                }
            }
            out.push(field.text);
        }
        Ok(())
    }

    /// The text of a word that is not split: of an assignment, a redirection, a `case`.
    pub fn text(&mut self, word: &Word) -> Result<String> {
        let pieces = self.pieces(word, false)?;
        Ok(self.joined(pieces))
    }

    /// The same where tildes after `:` count too.
    pub fn assigned(&mut self, word: &Word) -> Result<String> {
        if let [Part::Text(text), ..] = word.parts.as_slice()
            && text.contains(":~")
        {
            let text = text.split(':').map(|part| self.tilde(part)).collect::<Vec<_>>().join(":");
            let mut word = word.clone();
            if let Some(first) = word.parts.first_mut() {
                *first = Part::Text(text);
            }
            return self.text(&word);
        }
        self.text(word)
    }

    fn joined(&self, pieces: Vec<Piece>) -> String {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text { text: piece, .. } => text.push_str(&piece),
                Piece::Break => text.push(' '),
            }
        }
        text
    }

    /// The pattern that a word means: what was quoted is literal.
    pub fn pattern(&mut self, word: &Word) -> Result<String> {
        let mut pattern = String::new();
        for piece in self.pieces(word, false)? {
            match piece {
                Piece::Text { text, quoted: true, .. } => pattern.push_str(&pattern::escape(&text)),
                Piece::Text { text, .. } => pattern.push_str(&text),
                Piece::Break => pattern.push(' '),
            }
        }
        Ok(pattern)
    }

    /// The regular expression that a word means: what was quoted is literal.
    pub fn regex(&mut self, word: &Word) -> Result<String> {
        let mut regex = String::new();
        for piece in self.pieces(word, false)? {
            match piece {
                Piece::Text { text, quoted: true, .. } => {
                    for c in text.chars() {
                        if matches!(
                            c,
                            '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
                        ) {
                            regex.push('\\');
                        }
                        regex.push(c);
                    }
                }
                Piece::Text { text, .. } => regex.push_str(&text),
                Piece::Break => regex.push(' '),
            }
        }
        Ok(regex)
    }

    /// The value of an arithmetic expression.
    pub fn number(&mut self, word: &Word) -> Result<i64> {
        let text = self.text(word)?;
        self.evaluate(&text)
    }

    fn evaluate(&mut self, text: &str) -> Result<i64> {
        arith::evaluate(self.shell, text).map_err(|message| {
            let fatal = self.shell.dialect != Dialect::Bash;
            let message = match self.shell.dialect {
                Dialect::Ash if message.contains("division by 0") => "divide by zero".into(),
                Dialect::Dash if message.contains("division by 0") => {
                    format!("arithmetic expression: division by zero: \"{text}\"")
                }
                _ => message,
            };
            Stop::Error { message, fatal }
        })
    }

    fn ifs(&self) -> String {
        self.shell.vars.text("IFS").unwrap_or(" \t\n").to_owned()
    }

    fn pieces(&mut self, word: &Word, quoted: bool) -> Result<Vec<Piece>> {
        let mut out = Vec::new();
        for (index, part) in word.parts.iter().enumerate() {
            if let Part::Text(text) = part
                && index == 0
                && !quoted
                && text.starts_with('~')
            {
                let whole = word.parts.len() == 1 || text.contains('/');
                let text = if whole { self.tilde(text) } else { text.clone() };
                out.push(Piece::Text { text, quoted: false, split: false });
                continue;
            }
            self.part(part, quoted, &mut out)?;
        }
        let bytes: usize =
            out.iter().map(|piece| if let Piece::Text { text, .. } = piece { text.len() } else { 1 }).sum();
        if bytes > TEXT_BYTES_MAX {
            return Err("word is too long".to_owned().into());
        }
        Ok(out)
    }

    /// `~` and `~user` at the beginning of a text.
    fn tilde(&mut self, text: &str) -> String {
        let Some(rest) = text.strip_prefix('~') else { return text.to_owned() };
        let (user, tail) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let home = match user {
            "" => self.shell.vars.text("HOME").map(str::to_owned),
            "+" => Some(self.sys.cwd()),
            "-" => self.shell.vars.text("OLDPWD").map(str::to_owned),
            user => {
                let passwd = self.sys.files().read_text("/etc/passwd").unwrap_or_default();
                passwd.lines().find_map(|line| {
                    let fields: Vec<&str> = line.split(':').collect();
                    (fields.first() == Some(&user)).then(|| fields.get(5).copied().unwrap_or("/").to_owned())
                })
            }
        };
        match home {
            Some(home) => format!("{}{tail}", if home == "/" && !tail.is_empty() { "" } else { &home }),
            None => text.to_owned(),
        }
    }

    fn part(&mut self, part: &Part, quoted: bool, out: &mut Vec<Piece>) -> Result<()> {
        match part {
            Part::Text(text) => out.push(Piece::Text { text: text.clone(), quoted, split: false }),
            Part::Quoted(text) => out.push(Piece::Text { text: text.clone(), quoted: true, split: false }),
            Part::Double(parts) => {
                let before = out.len();
                for part in parts {
                    self.part(part, true, out)?;
                }
                // "$@" without parameters is nothing, any other empty pair of quotes is an empty field.
                let vanishes = matches!(parts.as_slice(), [Part::Param(param)]
                    if param.name == "@" || matches!(param.index, Some(Index::Each)));
                if out.len() == before && !vanishes {
                    out.push(Piece::Text { text: String::new(), quoted: true, split: false });
                }
            }
            Part::Command(list) => {
                let text = self.substituted(|| Need::Output(Arc::clone(list)))?;
                out.push(Piece::Text { text, quoted, split: !quoted });
            }
            Part::Process { list, read } => {
                let list = Arc::clone(list);
                let text = self.substituted(|| if *read { Need::ReadPath(list) } else { Need::WritePath(list) })?;
                out.push(Piece::Text { text, quoted: true, split: false });
            }
            Part::Arith(word) => {
                let value = self.number(word)?;
                out.push(Piece::Text { text: value.to_string(), quoted, split: !quoted });
            }
            Part::Param(param) => self.param(param, quoted, out)?,
        }
        Ok(())
    }

    fn substituted(&mut self, need: impl FnOnce() -> Need) -> Result<String> {
        let Some(text) = self.texts.get(self.used) else { return Err(Stop::Need(need())) };
        self.used += 1;
        Ok(text.clone())
    }
}

/// Splits pieces into fields.
fn split(pieces: Vec<Piece>, ifs: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut field = Field::default();
    // Whether the last thing was a blank that separates: more blanks and one other separator join it.
    let mut separated = false;
    for piece in pieces {
        match piece {
            Piece::Break => {
                let done = std::mem::take(&mut field);
                if done.any {
                    fields.push(done);
                }
                separated = false;
            }
            Piece::Text { text, quoted, split: false } => {
                field.push(&text, quoted);
                if quoted {
                    separated = false;
                }
            }
            Piece::Text { text, quoted, .. } => {
                let mut start = 0;
                for (at, c) in text.char_indices() {
                    if !ifs.contains(c) {
                        separated = false;
                        continue;
                    }
                    field.push(text.get(start..at).unwrap_or_default(), quoted);
                    start = at + c.len_utf8();
                    let blank = c.is_ascii_whitespace();
                    if field.any {
                        fields.push(std::mem::take(&mut field));
                        separated = blank;
                    } else if !blank && !separated {
                        fields.push(Field { any: true, ..Field::default() });
                    } else {
                        separated = blank && separated;
                    }
                }
                field.push(text.get(start..).unwrap_or_default(), quoted);
            }
        }
    }
    if field.any {
        fields.push(field);
    }
    fields
}

/// Splits a line into fields for `read`: at most `max`, the last takes the rest. `escaped` tells which characters a
/// backslash protects.
pub(super) fn split_line(line: &[(char, bool)], ifs: &str, max: usize) -> Vec<String> {
    let is_separator = |(c, escaped): &(char, bool)| !escaped && ifs.contains(*c);
    let is_blank = |pair: &(char, bool)| is_separator(pair) && pair.0.is_ascii_whitespace();
    let mut fields = Vec::new();
    let mut at = 0;
    while line.get(at).is_some_and(is_blank) {
        at += 1;
    }
    while at < line.len() {
        if fields.len() + 1 >= max {
            let mut rest = line.get(at..).unwrap_or_default();
            while let [head @ .., last] = rest
                && is_blank(last)
            {
                rest = head;
            }
            // One separator at the very end belongs to the last field's end.
            if let [head @ .., last] = rest
                && is_separator(last)
                && !head.iter().any(is_separator)
            {
                rest = head;
            }
            fields.push(rest.iter().map(|(c, _)| c).collect());
            return fields;
        }
        let mut field = String::new();
        while let Some(pair) = line.get(at).filter(|pair| !is_separator(pair)) {
            field.push(pair.0);
            at += 1;
        }
        fields.push(field);
        while line.get(at).is_some_and(is_blank) {
            at += 1;
        }
        if line.get(at).is_some_and(|pair| is_separator(pair) && !is_blank(pair)) {
            at += 1;
            while line.get(at).is_some_and(is_blank) {
                at += 1;
            }
        }
    }
    fields
}
