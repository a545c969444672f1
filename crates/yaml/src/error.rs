//! What is wrong with a text, in kubectl's words.

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

    /// The scanner's or parser's error with the line that go-yaml tells. It counts from 0 except for the scanner's
    /// errors, and says nothing about the first line.
    pub(crate) fn from_parser(error: &libyaml_safer::Error) -> Error {
        let line_of = |mark: Option<libyaml_safer::Mark>| mark.map_or(0, |mark| mark.line);
        let told = match line_of(error.problem_mark()) {
            0 => line_of(error.context_mark()),
            line if error.kind() == libyaml_safer::ErrorKind::Scanner => line + 1,
            line => line,
        };
        let problem = match error.problem() {
            "" => "unknown problem parsing YAML content",
            problem => problem,
        };
        let mut result =
            if told == 0 { Error::yaml(problem) } else { Error::yaml(format_args!("line {told}: {problem}")) };
        result.line = error.problem_mark().and_then(|mark| u32::try_from(mark.line + 1).ok());
        result
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
