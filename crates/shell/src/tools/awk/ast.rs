//! What an awk program consists of.

use std::sync::Arc;

/// Where a name's value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A global, by number.
    Global(usize),
    /// A parameter or local of the function, by place.
    Local(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Concat,
}

#[derive(Debug, Clone)]
pub(super) enum Expr {
    Number(f64),
    Text(Arc<str>),
    /// `/re/`: by itself it matches the record.
    Regex(regex_lite::Regex),
    Lvalue(Box<Lvalue>),
    Group(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    /// Text, pattern, whether it must not match.
    Match(Box<Expr>, Box<Expr>, bool),
    In(Vec<Expr>, Slot),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    Assign(Box<Lvalue>, Option<Binary>, Box<Expr>),
    /// What is changed, by how much, whether the old value is answered.
    Step(Box<Lvalue>, f64, bool),
    Builtin(Builtin, Vec<Expr>),
    Call(usize, Vec<Expr>),
    /// `getline` from the main input, into the record or a variable.
    Getline(Option<Box<Lvalue>>),
}

#[derive(Debug, Clone)]
pub(super) enum Lvalue {
    Variable(Slot),
    Field(Expr),
    Element(Slot, Vec<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Builtin {
    Length,
    Substr,
    Index,
    Split,
    Sub,
    Gsub,
    Match,
    Sprintf,
    Tolower,
    Toupper,
    Int,
    Sqrt,
    Exp,
    Log,
    Sin,
    Cos,
    Atan2,
    Rand,
    Srand,
    Systime,
    Strftime,
    Close,
    Fflush,
}

impl Builtin {
    pub(super) fn named(name: &str) -> Option<Builtin> {
        use Builtin::*;
        Some(match name {
            "length" => Length,
            "substr" => Substr,
            "index" => Index,
            "split" => Split,
            "sub" => Sub,
            "gsub" => Gsub,
            "match" => Match,
            "sprintf" => Sprintf,
            "tolower" => Tolower,
            "toupper" => Toupper,
            "int" => Int,
            "sqrt" => Sqrt,
            "exp" => Exp,
            "log" => Log,
            "sin" => Sin,
            "cos" => Cos,
            "atan2" => Atan2,
            "rand" => Rand,
            "srand" => Srand,
            "systime" => Systime,
            "strftime" => Strftime,
            "close" => Close,
            "fflush" => Fflush,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone)]
pub(super) enum Statement {
    Expression(Expr),
    /// Values, format given, and the file that it goes to (and whether at its end).
    Print {
        values: Vec<Expr>,
        format: bool,
        to: Option<(Expr, bool)>,
    },
    If(Expr, Vec<Statement>, Vec<Statement>),
    While(Expr, Vec<Statement>),
    DoWhile(Vec<Statement>, Expr),
    For(Option<Box<Statement>>, Option<Expr>, Option<Box<Statement>>, Vec<Statement>),
    ForIn(Lvalue, Slot, Vec<Statement>),
    Block(Vec<Statement>),
    Delete(Slot, Option<Vec<Expr>>),
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Break,
    Continue,
}

#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Always,
    When(Expr),
    Range(Expr, Expr),
}

/// A rule; without statements it prints the record.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub pattern: Pattern,
    pub action: Option<Vec<Statement>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Function {
    pub name: String,
    pub parameters: Vec<String>,
    pub body: Vec<Statement>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub begin: Vec<Vec<Statement>>,
    pub rules: Vec<Rule>,
    pub end: Vec<Vec<Statement>>,
    pub functions: Vec<Function>,
    /// The names of the globals, by number.
    pub globals: Vec<String>,
}
