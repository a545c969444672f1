//! What is wrong with a text, in kubectl's words.

use crate::tree::Place;

/// Why a text could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The words without what Go's wrappers put in front: `yaml: line 3: did not find expected key`,
    /// `json: offset 2: invalid character ...`.
    pub message: String,
    /// The line where it went wrong (counted from 1, in the whole text), as far as known.
    pub line: Option<u32>,
    /// Whether kubectl says `error converting YAML to JSON: ` first.
    converting: bool,
}

/// Who found the error: they count lines differently.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    Reader,
    Scanner,
    Parser,
}

impl Error {
    /// An error of the YAML reader: `yaml: ...`.
    pub(crate) fn yaml(problem: impl std::fmt::Display) -> Error {
        Error { message: format!("yaml: {problem}"), line: None, converting: true }
    }

    /// An error of the step from YAML to JSON, in its own words.
    pub(crate) fn conversion(message: impl Into<String>) -> Error {
        Error { message: message.into(), line: None, converting: true }
    }

    /// An error that kubectl prints as it is.
    pub(crate) fn plain(message: impl Into<String>) -> Error {
        Error { message: message.into(), line: None, converting: false }
    }

    /// An error at a place, with the line that go-yaml tells: it counts from 0 except for the scanner's errors, and says
    /// nothing about the first line.
    pub(crate) fn at(stage: Stage, problem: &str, place: Place) -> Error {
        let told = match (stage, place.line) {
            (Stage::Reader, _) | (_, 0) => 0,
            (Stage::Scanner, line) => line + 1,
            (Stage::Parser, line) => line,
        };
        let mut error =
            if told == 0 { Error::yaml(problem) } else { Error::yaml(format_args!("line {told}: {problem}")) };
        error.line = Some(place.line + 1);
        error
    }

    /// Adds the line (counted from 1) that an error is about.
    pub(crate) fn on_line(mut self, line: u32) -> Error {
        self.line = Some(line);
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.converting {
            f.write_str("error converting YAML to JSON: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
