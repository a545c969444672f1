//! The syntax tree. Its inner nodes are held by reference count, so that what runs can point into it and be cloned.

use std::sync::Arc;

/// A word before expansion.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Word {
    pub parts: Vec<Part>,
    /// Whether a command or process substitution is anywhere in it: its expansion may have to wait.
    pub waits: bool,
}

impl Word {
    /// A word of unquoted text.
    pub fn text(text: impl Into<String>) -> Word {
        Word { parts: vec![Part::Text(text.into())], waits: false }
    }

    /// The word about as it was written, for messages.
    pub fn source(&self) -> String {
        fn write(parts: &[Part], out: &mut String) {
            for part in parts {
                match part {
                    Part::Text(text) | Part::Quoted(text) => out.push_str(text),
                    Part::Double(parts) => {
                        out.push('"');
                        write(parts, out);
                        out.push('"');
                    }
                    Part::Param(param) if param.op == Op::None => out.push_str(&format!("${}", param.name)),
                    Part::Param(param) => out.push_str(&format!("${{{}...}}", param.name)),
                    Part::Command(_) => out.push_str("$(...)"),
                    Part::Arith(_) => out.push_str("$((...))"),
                    Part::Process { .. } => out.push_str("<(...)"),
                }
            }
        }
        let mut out = String::new();
        write(&self.parts, &mut out);
        out
    }

    /// The text, when it is nothing but unquoted text.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            [] => Some(""),
            _ => None,
        }
    }
}

/// A piece of a word.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    /// Text as it stands: patterns, tildes and braces in it mean something unless it is inside double quotes.
    Text(String),
    /// Text that was quoted.
    Quoted(String),
    /// `"..."`.
    Double(Vec<Part>),
    /// `$x`, `${x...}`.
    Param(Box<Param>),
    /// `$(...)`.
    Command(Arc<List>),
    /// `$((...))`.
    Arith(Box<Word>),
    /// `<(...)`, or `>(...)`.
    Process { list: Arc<List>, read: bool },
}

/// A parameter expansion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Param {
    pub name: String,
    pub index: Option<Index>,
    pub indirect: bool,
    pub op: Op,
}

/// Which elements of an array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Index {
    /// `[@]`
    Each,
    /// `[*]`
    Joined,
    /// `[n]`
    At(Word),
}

/// What is done with a parameter's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    None,
    Length,
    /// `:-`, `-`, `:=`, `=`, `:?`, `?`, `:+`, `+`.
    Test {
        colon: bool,
        kind: u8,
        word: Word,
    },
    /// `#`, `##`, `%`, `%%`.
    Trim {
        suffix: bool,
        long: bool,
        pattern: Word,
    },
    /// `/`, `//`, `/#`, `/%`.
    Replace {
        all: bool,
        anchor: u8,
        pattern: Word,
        with: Word,
    },
    /// `:offset:length`.
    Slice {
        offset: Word,
        length: Option<Word>,
    },
    /// `^`, `^^`, `,`, `,,`.
    Case {
        upper: bool,
        all: bool,
        /// Which characters; empty: all.
        pattern: Word,
    },
    /// `${!name[@]}`: an array's indices.
    Keys,
    /// `${!name*}`: the names of variables.
    Names,
    /// `${name@Q}`.
    Quote,
    /// Something that no shell knows; an error when it is expanded.
    Bad(String),
}

/// Commands one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct List {
    pub items: Vec<Item>,
}

/// Pipelines joined by `&&` and `||`, perhaps in the background.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub parts: Vec<AndOrPart>,
    pub background: bool,
    /// The source, for `jobs`.
    pub text: Arc<str>,
}

/// A pipeline and what joins it to the one before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AndOrPart {
    pub join: Join,
    pub pipeline: Pipeline,
}

/// What joins a pipeline to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    First,
    And,
    Or,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pipeline {
    pub negated: bool,
    /// `time`, or `time -p`.
    pub timed: Option<bool>,
    pub commands: Vec<Arc<Command>>,
}

/// A command with its redirections.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command {
    pub kind: Kind,
    pub redirects: Vec<Redirect>,
    pub line: u32,
}

/// The kinds of commands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Simple(Simple),
    Group(Arc<List>),
    Subshell(Arc<List>),
    If { branches: Vec<(Arc<List>, Arc<List>)>, otherwise: Option<Arc<List>> },
    For { name: String, words: Option<Vec<Word>>, body: Arc<List> },
    ForArith { init: Word, test: Word, next: Word, body: Arc<List> },
    Loop { until: bool, test: Arc<List>, body: Arc<List> },
    Case { subject: Word, arms: Vec<Arm> },
    Function { name: String, body: Arc<Command> },
    Test(Test),
    Arith(Word),
}

/// Assignments and words.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Simple {
    pub assigns: Vec<Assign>,
    pub words: Vec<Word>,
    /// Array assignments among the arguments of `declare` and its like.
    pub arrays: Vec<Assign>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assign {
    pub name: String,
    pub index: Option<Word>,
    pub append: bool,
    pub value: AssignValue,
}

/// What is assigned.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AssignValue {
    One(Word),
    Array(Vec<(Option<Word>, Word)>),
}

/// One arm of a `case`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arm {
    pub patterns: Vec<Word>,
    pub body: Arc<List>,
    pub end: ArmEnd,
}

/// How an arm ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArmEnd {
    /// `;;`
    Break,
    /// `;&`
    Fall,
    /// `;;&`
    Next,
}

/// What stands between `[[` and `]]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
    Word(Word),
    Unary(String, Word),
    Binary(Word, String, Word),
}

/// One redirection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Redirect {
    pub fd: Option<u32>,
    pub op: RedirectOp,
    pub target: Word,
}

/// The kinds of redirections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RedirectOp {
    Read,
    Write,
    Clobber,
    Append,
    ReadWrite,
    /// A here-document or here-string: the target is its text.
    Here {
        string: bool,
    },
    DupRead,
    DupWrite,
    Both {
        append: bool,
    },
}
