//! What a `sed` script says: commands with the lines that they are for.

use regex_lite::Regex;

/// Which lines.
#[derive(Clone)]
pub(super) enum Address {
    Line(u64),
    Last,
    Step(u64, u64),
    /// None: the last one used.
    Regex(Option<Regex>),
    Plus(u64),
    Multiple(u64),
}

/// One command with its addresses.
#[derive(Clone)]
pub(super) struct Command {
    pub first: Option<Address>,
    pub second: Option<Address>,
    pub negated: bool,
    pub kind: Kind,
}

impl Command {
    /// Whether it needs to know if a line is the last.
    pub fn looks_ahead(&self) -> bool {
        [&self.first, &self.second].into_iter().any(|address| matches!(address, Some(Address::Last)))
            || matches!(self.kind, Kind::Next | Kind::NextAppend)
            || (matches!(self.kind, Kind::Change(_)) && self.second.is_some())
    }
}

/// What a command does. Branches and blocks know the place where it goes on.
#[derive(Clone)]
pub(super) enum Kind {
    Block(usize),
    End,
    Label,
    Branch(usize),
    BranchIf(usize),
    BranchUnless(usize),
    Delete,
    DeleteFirst,
    Print,
    PrintFirst,
    Number,
    List,
    Append(String),
    Insert(String),
    Change(String),
    Next,
    NextAppend,
    Quit(i32, bool),
    Read(String),
    Write(String),
    Hold,
    HoldAppend,
    Get,
    GetAppend,
    Exchange,
    Zap,
    FileName,
    Translate(Vec<char>, Vec<char>),
    Substitute(Box<Substitute>),
}

/// `s`.
#[derive(Clone)]
pub(super) struct Substitute {
    /// None: the last one used.
    pub regex: Option<Regex>,
    pub with: Vec<Piece>,
    pub global: bool,
    pub number: u64,
    pub print: u32,
    pub write: Option<String>,
}

/// A piece of a replacement.
#[derive(Clone)]
pub(super) enum Piece {
    Text(String),
    Group(usize),
    Case(Case),
}

/// `\U` and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    None,
    Upper,
    Lower,
    UpperOne,
    LowerOne,
}
