//! The shell's own words, in three dialects.

use super::parse::{SyntaxError, SyntaxKind};
use super::{Dialect, Shell};
use crate::{Errno, Sys};

impl Shell {
    /// Prints an error, with what bash or ash put before it.
    pub(super) fn complain(&mut self, sys: &mut Sys<'_>, message: &str) {
        let prefix = self.prefix();
        sys.eprint(&format!("{prefix}{message}\n"));
    }

    /// Prints an error of a builtin.
    pub(super) fn complain_of(&mut self, sys: &mut Sys<'_>, builtin: &str, message: &str) {
        let text = match self.dialect {
            // Those of its builtins that are utilities too speak as the shell.
            Dialect::Ash if matches!(builtin, "[" | "test" | "printf" | "echo" | "kill") => {
                format!("{}: {message}\n", self.source_name())
            }
            Dialect::Ash if self.interactive => format!("{}: {builtin}: {message}\n", self.source_name()),
            Dialect::Ash => format!("{}: {builtin}: line {}: {message}\n", self.source_name(), self.shown_line()),
            _ => format!("{}{builtin}: {message}\n", self.prefix()),
        };
        sys.eprint(&text);
    }

    fn source_name(&self) -> &str {
        if self.script.is_empty() {
            self.name.rsplit('/').next().unwrap_or("sh").trim_start_matches('-')
        } else {
            &self.script
        }
    }

    /// ash counts the lines of a `-c` text from 0.
    fn shown_line(&self) -> u32 {
        if self.script.is_empty() { self.line.saturating_sub(1) } else { self.line }
    }

    fn prefix(&self) -> String {
        let source = self.source_name();
        match self.dialect {
            Dialect::Bash if self.interactive => format!("{source}: "),
            Dialect::Bash if self.script.is_empty() && self.functions_deep > 0 => {
                format!("environment: line {}: ", self.line)
            }
            Dialect::Bash => format!("{source}: line {}: ", self.line),
            Dialect::Dash => format!("{source}: {}: ", self.line),
            Dialect::Ash if self.script.is_empty() => format!("{source}: "),
            Dialect::Ash => format!("{source}: line {}: ", self.line),
        }
    }

    /// Prints a syntax error; `text` is the line it is in.
    pub(super) fn complain_of_syntax(&mut self, sys: &mut Sys<'_>, error: &SyntaxError, text: &str) {
        self.line = error.line;
        let source = self.source_name().to_owned();
        let message = match self.dialect {
            Dialect::Bash => {
                let dash_c = if self.script.is_empty() && !self.interactive { "-c: " } else { "" };
                let at = |line: u32| {
                    if self.interactive { format!("{source}: ") } else { format!("{source}: {dash_c}line {line}: ") }
                };
                let here = at(error.line);
                match &error.kind {
                    SyntaxKind::Unclosed("$(") => {
                        format!("{}unexpected EOF while looking for matching `)'\n", at(error.line + 1))
                    }
                    SyntaxKind::End(_) => format!("{}syntax error: unexpected end of file\n", at(error.line + 1)),
                    SyntaxKind::Unclosed(what) => format!("{here}unexpected EOF while looking for matching `{what}'\n"),
                    SyntaxKind::Unexpected(token, _) => {
                        let mut message = format!("{here}syntax error near unexpected token `{token}'\n");
                        if !self.interactive {
                            message.push_str(&format!("{here}`{text}'\n"));
                        }
                        message
                    }
                    SyntaxKind::Other(what) => format!("{here}{what}\n"),
                }
            }
            dialect => {
                let what = match &error.kind {
                    SyntaxKind::End(expected) | SyntaxKind::Unexpected(_, expected) => {
                        let token = match &error.kind {
                            SyntaxKind::Unexpected(token, _) if token != "newline" => format!("\"{token}\""),
                            SyntaxKind::Unexpected(..) => "newline".into(),
                            _ => "end of file".into(),
                        };
                        let expected =
                            expected.map(|expected| format!(" (expecting \"{expected}\")")).unwrap_or_default();
                        match dialect {
                            Dialect::Ash => format!("unexpected {token}{expected}"),
                            _ => format!("{token} unexpected{expected}"),
                        }
                    }
                    SyntaxKind::Unclosed("$(") if dialect == Dialect::Ash => {
                        "unexpected end of file (expecting \")\")".into()
                    }
                    SyntaxKind::Unclosed("$(") => "end of file unexpected (expecting \")\")".into(),
                    SyntaxKind::Unclosed("'" | "\"") if dialect == Dialect::Ash => "unterminated quoted string".into(),
                    SyntaxKind::Unclosed("'" | "\"") => "Unterminated quoted string".into(),
                    SyntaxKind::Unclosed("`") => "EOF in backquote substitution".into(),
                    SyntaxKind::Unclosed("}") => "missing '}'".into(),
                    SyntaxKind::Unclosed(what) => format!("unterminated {what}"),
                    SyntaxKind::Other(what) => what.clone(),
                };
                let label = if dialect == Dialect::Ash { "syntax error" } else { "Syntax error" };
                format!("{}{label}: {what}\n", self.prefix())
            }
        };
        sys.eprint(&message);
    }

    /// What is said of a command that cannot be run, and the exit code.
    pub(super) fn not_run(&self, command: &str, error: Errno, is_dir: bool) -> (String, i32) {
        let slash = command.contains('/');
        let code = if error == Errno::NotFound || error == Errno::NotDir { 127 } else { 126 };
        let text = match (self.dialect, error) {
            (Dialect::Bash, Errno::NotFound) if !slash => format!("{command}: command not found"),
            (Dialect::Bash, Errno::Denied) if is_dir => format!("{command}: Is a directory"),
            (Dialect::Bash, Errno::Again) => return (format!("fork: retry: {error}"), 254),
            (_, Errno::Again) => return ("can't fork: Resource temporarily unavailable".into(), 2),
            (Dialect::Bash, error) => format!("{command}: {error}"),
            (_, Errno::NotFound | Errno::NotDir) => format!("{command}: not found"),
            (_, error) => format!("{command}: {error}"),
        };
        (text, code)
    }

    /// What is said of a file that cannot be opened for a redirection.
    pub(super) fn not_opened(&self, path: &str, error: Errno, reading: bool) -> String {
        match self.dialect {
            Dialect::Bash if error == Errno::Exists => format!("{path}: cannot overwrite existing file"),
            Dialect::Bash => format!("{path}: {error}"),
            dialect => {
                let text = match (error, reading, dialect) {
                    (Errno::NotFound, true, Dialect::Ash) => "no such file",
                    (Errno::NotFound, true, _) => "No such file",
                    (Errno::NotFound, false, Dialect::Ash) => "nonexistent directory",
                    (Errno::NotFound, false, _) => "Directory nonexistent",
                    (error, ..) => error.message(),
                };
                let cannot = if dialect == Dialect::Ash { "can't" } else { "cannot" };
                format!("{cannot} {} {path}: {text}", if reading { "open" } else { "create" })
            }
        }
    }
}
