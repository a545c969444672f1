//! The line editor: keys in, a line out.
//!
//! An [`Editor`] is plain data that is fed what was typed and answers with what to print ([`Event`]); it knows nothing of
//! processes. `keys` splits bytes into keys, `history` keeps lines.

mod history;
mod keys;
#[cfg(test)]
mod tests;

pub(crate) use history::History;
pub(crate) use keys::{Key, Keys};

use crate::text;

/// A longer line is not taken.
const LINE_CHARS_MAX: usize = 16_000;

/// What a key led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The line is complete.
    Line(String),
    /// Ctrl-C: the line is given up.
    Interrupt,
    /// Ctrl-D on an empty line.
    End,
    /// Tab; the second time in a row with `true`.
    Complete(bool),
    /// Ctrl-L.
    Clear,
}

/// A search backwards in history.
#[derive(Debug, Clone, Default)]
struct Search {
    text: String,
    /// The line that was found, by its place in history.
    found: Option<usize>,
    failed: bool,
}

/// A line that is being typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Editor {
    prompt: String,
    columns: usize,
    line: Vec<char>,
    cursor: usize,
    /// The row of the screen, counted from the prompt's, in which the cursor is shown.
    row: usize,
    /// How many rows are shown.
    rows: usize,
    killed: Vec<char>,
    /// Where in history the line is from; None: it is new.
    place: Option<usize>,
    /// The new line while an old one is looked at.
    draft: Vec<char>,
    search: Option<Search>,
    tabs: u32,
    undo: Vec<(Vec<char>, usize)>,
}

impl Editor {
    /// A new line after a prompt.
    pub fn new(prompt: &str, columns: usize) -> Editor {
        Editor { prompt: prompt.to_owned(), columns: columns.max(2), ..Editor::default() }
    }

    /// What shows the prompt and the line for the first time.
    pub fn begin(&mut self) -> String {
        (self.row, self.rows) = (0, 0);
        self.draw()
    }

    /// The width of the screen.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Changes the width of the screen.
    pub fn resize(&mut self, columns: usize) -> String {
        self.columns = columns.max(2);
        self.draw()
    }

    /// The line up to the cursor, and what follows it.
    pub fn halves(&self) -> (String, String) {
        let (before, after) = self.line.split_at(self.cursor.min(self.line.len()));
        (before.iter().collect(), after.iter().collect())
    }

    /// Inserts a text at the cursor.
    pub fn insert(&mut self, text: &str) {
        let room = LINE_CHARS_MAX.saturating_sub(self.line.len());
        let chars: Vec<char> =
            text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).take(room).collect();
        let count = chars.len();
        let at = self.cursor.min(self.line.len());
        self.line.splice(at..at, chars);
        self.cursor = at + count;
    }

    /// Replaces so many characters before the cursor by a text.
    pub fn replace_before(&mut self, count: usize, text: &str) {
        let start = self.cursor.saturating_sub(count);
        self.line.drain(start..self.cursor.min(self.line.len()));
        self.cursor = start;
        self.insert(text);
    }

    fn remember(&mut self) {
        if self.undo.last().is_none_or(|(line, _)| *line != self.line) {
            self.undo.push((self.line.clone(), self.cursor));
        }
        if self.undo.len() > 100 {
            self.undo.remove(0);
        }
    }

    fn set(&mut self, line: Vec<char>) {
        self.cursor = line.len();
        self.line = line;
    }

    /// The start of the word before the cursor.
    fn word_start(&self, blank_only: bool) -> usize {
        let is_word = |c: &char| if blank_only { !c.is_whitespace() } else { c.is_alphanumeric() };
        let mut at = self.cursor;
        while at > 0 && self.line.get(at - 1).is_some_and(|c| !is_word(c)) {
            at -= 1;
        }
        while at > 0 && self.line.get(at - 1).is_some_and(is_word) {
            at -= 1;
        }
        at
    }

    /// The end of the word after the cursor.
    fn word_end(&self) -> usize {
        let mut at = self.cursor;
        while self.line.get(at).is_some_and(|c| !c.is_alphanumeric()) {
            at += 1;
        }
        while self.line.get(at).is_some_and(|c| c.is_alphanumeric()) {
            at += 1;
        }
        at
    }

    fn kill(&mut self, from: usize, to: usize) {
        self.remember();
        let to = to.min(self.line.len());
        let from = from.min(to);
        self.killed = self.line.drain(from..to).collect();
        self.cursor = from;
    }

    /// One key: what to print, and what it led to.
    pub fn key(&mut self, key: &Key, history: &History) -> (String, Option<Event>) {
        if self.search.is_some() {
            return self.search_key(key, history);
        }
        if *key != Key::Tab {
            self.tabs = 0;
        }
        let mut event = None;
        match key {
            Key::Char(c) => {
                self.remember();
                self.insert(c.encode_utf8(&mut [0; 4]));
                // The common case costs one character.
                if self.cursor == self.line.len() && *c >= ' ' && self.fits_row(*c) {
                    return (c.to_string(), None);
                }
            }
            Key::Paste(text) => {
                self.remember();
                self.insert(text.trim_end_matches('\n'));
            }
            Key::Enter => {
                self.cursor = self.line.len();
                let out = self.draw() + "\r\n";
                return (out, Some(Event::Line(self.line.iter().collect())));
            }
            Key::Ctrl('c') => {
                self.cursor = self.line.len();
                return (self.draw() + "^C\r\n", Some(Event::Interrupt));
            }
            Key::Ctrl('d') if self.line.is_empty() => return (String::new(), Some(Event::End)),
            Key::Ctrl('d') | Key::Delete => {
                if self.cursor < self.line.len() {
                    self.remember();
                    self.line.remove(self.cursor);
                }
            }
            Key::Backspace => {
                if self.cursor > 0 {
                    self.remember();
                    self.cursor -= 1;
                    self.line.remove(self.cursor);
                }
            }
            Key::Left | Key::Ctrl('b') => self.cursor = self.cursor.saturating_sub(1),
            Key::Right | Key::Ctrl('f') => self.cursor = (self.cursor + 1).min(self.line.len()),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.line.len(),
            Key::WordLeft => self.cursor = self.word_start(false),
            Key::WordRight => self.cursor = self.word_end(),
            Key::Up | Key::Ctrl('p') => self.older(history),
            Key::Down | Key::Ctrl('n') => self.newer(history),
            Key::Ctrl('k') => self.kill(self.cursor, self.line.len()),
            Key::Ctrl('u') => self.kill(0, self.cursor),
            Key::Ctrl('w') => self.kill(self.word_start(true), self.cursor),
            Key::KillWordLeft => self.kill(self.word_start(false), self.cursor),
            Key::KillWordRight => {
                let start = self.cursor;
                self.kill(start, self.word_end());
                self.cursor = start;
            }
            Key::Ctrl('y') => {
                self.remember();
                let killed: String = self.killed.iter().collect();
                self.insert(&killed);
            }
            Key::Ctrl('t') => self.transpose(),
            Key::Ctrl('_') => {
                if let Some((line, cursor)) = self.undo.pop() {
                    self.cursor = cursor.min(line.len());
                    self.line = line;
                }
            }
            Key::LastWord => {
                self.remember();
                if let Some(word) = history.last().and_then(|line| line.split_whitespace().last()) {
                    self.insert(word);
                }
            }
            Key::Ctrl('l') => return (String::new(), Some(Event::Clear)),
            Key::Ctrl('r') => self.search = Some(Search::default()),
            Key::Tab => {
                self.tabs += 1;
                event = Some(Event::Complete(self.tabs > 1));
                return (String::new(), event);
            }
            Key::Ctrl(_) | Key::Escape | Key::Other => {}
        }
        (self.draw(), event)
    }

    fn transpose(&mut self) {
        if self.line.len() < 2 || self.cursor == 0 {
            return;
        }
        self.remember();
        let at = self.cursor.min(self.line.len() - 1);
        self.line.swap(at - 1, at);
        self.cursor = (at + 1).min(self.line.len());
    }

    fn older(&mut self, history: &History) {
        let place = self.place.unwrap_or(history.len());
        if place == 0 {
            return;
        }
        if self.place.is_none() {
            self.draft = self.line.clone();
        }
        self.place = Some(place - 1);
        self.set(history.get(place - 1).unwrap_or("").chars().collect());
    }

    fn newer(&mut self, history: &History) {
        let Some(place) = self.place else { return };
        if place + 1 >= history.len() {
            self.place = None;
            let draft = std::mem::take(&mut self.draft);
            self.set(draft);
        } else {
            self.place = Some(place + 1);
            self.set(history.get(place + 1).unwrap_or("").chars().collect());
        }
    }

    /// A key while history is searched.
    fn search_key(&mut self, key: &Key, history: &History) -> (String, Option<Event>) {
        let Some(mut search) = self.search.take() else { return (String::new(), None) };
        match key {
            Key::Char(c) => {
                search.text.push(*c);
                let from = search.found.map_or(history.len(), |at| at + 1);
                Editor::look(&mut search, from, history);
            }
            Key::Backspace => {
                search.text.pop();
                Editor::look(&mut search, history.len(), history);
            }
            Key::Ctrl('r') => {
                let from = search.found.unwrap_or(history.len());
                Editor::look(&mut search, from, history);
            }
            Key::Ctrl('g' | 'c') => {
                let out = self.draw();
                return if *key == Key::Ctrl('c') {
                    self.set(Vec::new());
                    (self.draw() + "^C\r\n", Some(Event::Interrupt))
                } else {
                    (out, None)
                };
            }
            key => {
                // Any other key takes the line that was found, and means what it means.
                if let Some(line) = search.found.and_then(|at| history.get(at)) {
                    let at = line.find(&search.text).map_or(0, |at| line.get(..at).unwrap_or("").chars().count());
                    self.set(line.chars().collect());
                    self.cursor = at;
                    self.place = search.found;
                }
                if *key == Key::Escape {
                    return (self.draw(), None);
                }
                return self.key(key, history);
            }
        }
        self.search = Some(search);
        (self.draw(), None)
    }

    fn look(search: &mut Search, before: usize, history: &History) {
        if search.text.is_empty() {
            (search.found, search.failed) = (None, false);
            return;
        }
        match (0..before).rev().find(|at| history.get(*at).is_some_and(|line| line.contains(&search.text))) {
            Some(at) => (search.found, search.failed) = (Some(at), false),
            None => search.failed = true,
        }
    }

    // ---- the screen ----

    /// Whether a character just typed at the end of the line stays in the row that is shown last.
    fn fits_row(&self, c: char) -> bool {
        let wide = text::char_width(c);
        let before: String = self.line.iter().take(self.line.len().saturating_sub(1)).collect();
        let (_, column) = self.place_after(&visible(&self.prompt), &before);
        wide > 0 && column + wide < self.columns && !before.contains('\n')
    }

    /// The row and column after a prompt and a text.
    fn place_after(&self, prompt: &str, text: &str) -> (usize, usize) {
        let (mut row, mut column) = (0, 0);
        for c in prompt.chars().chain(text.chars()) {
            if c == '\n' {
                (row, column) = (row + 1, 0);
                continue;
            }
            let wide = text::char_width(c);
            if column + wide > self.columns {
                (row, column) = (row + 1, 0);
            }
            column += wide;
        }
        // After a full row the cursor stands in the next.
        if column >= self.columns { (row + 1, 0) } else { (row, column) }
    }

    /// What shows the prompt and the line anew, with the cursor in its place.
    pub fn draw(&mut self) -> String {
        let line: String = self.line.iter().collect();
        let (prompt, line, before) = match &self.search {
            None => {
                let before: String = self.line.iter().take(self.cursor).collect();
                (self.prompt.clone(), line, before)
            }
            Some(search) => {
                let failed = if search.failed { "failed " } else { "" };
                let prompt = format!("({failed}reverse-i-search)`{}': ", search.text);
                (prompt, line.clone(), line)
            }
        };
        self.draw_with(&prompt, &line, &before)
    }

    /// The same with a line that a search has found.
    pub fn draw_found(&mut self, history: &History) -> String {
        let Some(search) = &self.search else { return self.draw() };
        let Some(found) = search.found.and_then(|at| history.get(at)).map(str::to_owned) else { return self.draw() };
        let failed = if search.failed { "failed " } else { "" };
        let prompt = format!("({failed}reverse-i-search)`{}': ", search.text);
        let at = found.find(&search.text).unwrap_or(0);
        let before = found.get(..at).unwrap_or("").to_owned();
        self.draw_with(&prompt, &found, &before)
    }

    /// Whether history is being searched.
    pub fn searching(&self) -> bool {
        self.search.is_some()
    }

    fn draw_with(&mut self, prompt: &str, line: &str, before: &str) -> String {
        let shown_prompt = visible(prompt);
        let mut out = String::from("\r");
        if self.row > 0 {
            out.push_str(&format!("\x1b[{}A", self.row));
        }
        out.push_str("\x1b[J");
        out.push_str(&prompt.replace('\n', "\r\n"));
        out.push_str(&line.replace('\n', "\r\n").replace('\t', " "));
        let (last, last_column) = self.place_after(&shown_prompt, line);
        if last_column == 0 && !line.is_empty() && !line.ends_with('\n') {
            // The terminal waits at the row's end for one character more.
            out.push_str(" \r");
        }
        let (row, column) = self.place_after(&shown_prompt, before);
        if last > row {
            out.push_str(&format!("\x1b[{}A", last - row));
        }
        if (row, column) != (last, last_column) {
            out.push('\r');
            if column > 0 {
                out.push_str(&format!("\x1b[{column}C"));
            }
        }
        (self.row, self.rows) = (row, last + 1);
        out
    }

    /// What moves the cursor below the line, to print something else there.
    pub fn leave(&mut self) -> String {
        let below = self.rows.saturating_sub(self.row + 1);
        (self.row, self.rows) = (0, 0);
        let down = if below > 0 { format!("\x1b[{below}B") } else { String::new() };
        format!("{down}\r\n")
    }
}

/// The part of a prompt that takes room: without escape sequences.
fn visible(prompt: &str) -> String {
    let mut out = String::new();
    let mut chars = prompt.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {},
                Some(']') => {
                    while let Some(c) = chars.next() {
                        if c == '\x07' || (c == '\x1b' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            c => out.push(c),
        }
    }
    out
}
