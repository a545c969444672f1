//! Streams of documents, as kubectl reads files and standard input.

use drydock_value::{Value, parse_json};

use crate::compose::Composer;
use crate::load::load;
use crate::tree::Tree;
use crate::{Error, json};

/// One document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it says; never null.
    pub value: Value,
    /// The line that it begins on, counted from 1 in the whole text.
    pub line: u32,
    /// Keys that stand twice in one map, in go-yaml's words: `line 5: key "a" already set in map`, the line counted
    /// from the document's beginning. The last one won, as in kubectl, which does not mind.
    pub duplicates: Vec<String>,
}

impl Document {
    /// The error that a strict reader makes of the duplicates.
    ///
    /// # Errors
    /// When there are any: `yaml: unmarshal errors:` and a line for each.
    pub fn strict(self) -> Result<Value, Error> {
        if self.duplicates.is_empty() {
            return Ok(self.value);
        }
        Err(Error::yaml(format_args!("unmarshal errors:\n  {}", self.duplicates.join("\n  "))))
    }
}

/// All documents of a stream, YAML or JSON; empty ones are skipped.
///
/// # Errors
/// The first error; see [`documents`] for what came before it.
pub fn parse(text: &str) -> Result<Vec<Value>, Error> {
    documents(text).map(|document| document.map(|document| document.value)).collect()
}

/// The first document of a YAML text; null when it is empty. JSON is read as YAML, which it nearly is.
///
/// # Errors
/// When the text is not YAML, or says something that JSON cannot.
pub fn parse_one(text: &str) -> Result<Value, Error> {
    read(text, false).map(|document| document.value)
}

/// As [`parse_one`], with the keys that stand twice.
///
/// # Errors
/// As [`parse_one`].
pub fn document(text: &str) -> Result<Document, Error> {
    read(text, false)
}

/// As [`parse_one`], but a key that stands twice in a map is an error.
///
/// # Errors
/// As [`parse_one`], and for duplicates.
pub fn parse_one_strict(text: &str) -> Result<Value, Error> {
    read(text, false)?.strict()
}

fn read(text: &str, words: bool) -> Result<Document, Error> {
    let mut tree = Tree::default();
    let mut composer = Composer::new(text);
    let found = composer.document(&mut tree)?;
    let Some(root) = tree.documents.first().copied().filter(|_| found) else {
        return Ok(Document { value: Value::Null, line: 1, duplicates: Vec::new() });
    };
    if words {
        tree.words_are_text();
    }
    let loaded = load(&tree, root)?;
    Ok(Document { value: loaded.value, line: 1, duplicates: loaded.duplicates })
}

/// The documents of a stream, read one after the other as kubectl does: what stands before an error is read and acted
/// upon. A stream that begins with `{` is JSON until something in it is YAML only.
pub fn documents(text: &str) -> Documents {
    Documents {
        text: text.replace("\r\n", "\n"),
        at: 0,
        line: 0,
        json: text.trim_start().starts_with('{'),
        words: false,
        done: false,
    }
}

/// As [`documents`], but by YAML 1.2: `yes`, `on` and the like are words and no booleans.
pub fn documents_of_words(text: &str) -> Documents {
    Documents { words: true, ..documents(text) }
}

/// Iterator over the documents of a stream. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Documents {
    text: String,
    at: usize,
    line: u32,
    json: bool,
    words: bool,
    done: bool,
}

impl Iterator for Documents {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Result<Document, Error>> {
        while !self.done {
            let next = if self.json { self.next_json() } else { self.next_yaml() };
            match next {
                Ok(None) => self.done = true,
                Ok(Some(document)) if document.value.is_null() => {}
                Ok(Some(document)) => return Some(Ok(document)),
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl Documents {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn advance(&mut self, length: usize) {
        let lines = self.rest().get(..length).unwrap_or("").bytes().filter(|b| *b == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        self.at += length;
    }

    fn next_json(&mut self) -> Result<Option<Document>, Error> {
        let blank = self.rest().len() - self.rest().trim_start().len();
        self.advance(blank);
        if self.rest().is_empty() {
            return Ok(None);
        }
        match json::scan(self.rest()) {
            Ok(length) => {
                let line = self.line + 1;
                let text = self.rest().get(..length).unwrap_or("");
                let value = parse_json(text).map_err(|error| Error::plain(format!("json: {error}")))?;
                self.advance(length);
                Ok(Some(Document { value, line, duplicates: Vec::new() }))
            }
            // Go's decoder does not say where a text that is cut off ends.
            Err(error) if error.message == json::CUT_OFF => Err(Error::plain("unexpected EOF")),
            Err(error) => {
                // Not JSON from here on. If it is YAML, so be it; else it is the JSON that is wrong.
                let before = self.clone();
                self.json = false;
                self.next_yaml().map_err(|_| {
                    let offset = before.at + error.offset;
                    let mut wrong = Error::plain(format!("json: offset {offset}: {}", error.message));
                    wrong.line = Some(before.line + 1);
                    wrong
                })
            }
        }
    }

    fn next_yaml(&mut self) -> Result<Option<Document>, Error> {
        let start_line = self.line;
        let mut chunk = String::new();
        loop {
            let rest = self.rest();
            let Some(line) = rest.split_inclusive('\n').next() else {
                if chunk.is_empty() {
                    return Ok(None);
                }
                break;
            };
            let length = line.len();
            let after = line.strip_prefix("---").map(str::trim);
            if let Some(after) = after {
                if !after.is_empty() && !after.starts_with('#') {
                    let mut error = Error::plain(format!("invalid Yaml document separator: {after}"));
                    error.line = Some(self.line + 1);
                    return Err(error);
                }
                if !chunk.is_empty() {
                    self.advance(length);
                    break;
                }
            }
            chunk.push_str(line.strip_suffix('\n').unwrap_or(line));
            chunk.push('\n');
            self.advance(length);
        }
        match read(&chunk, self.words) {
            Ok(mut document) => {
                document.line = start_line + 1;
                Ok(Some(document))
            }
            Err(mut error) => {
                error.line = error.line.map(|line| line + start_line);
                Err(error)
            }
        }
    }
}
