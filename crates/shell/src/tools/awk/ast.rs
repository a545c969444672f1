//! The syntax tree of an `awk` program.

/// A program.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub begin: Vec<Vec<Stmt>>,
    pub rules: Vec<Rule>,
    pub end: Vec<Vec<Stmt>>,
    pub functions: Vec<Function>,
}

/// A pattern with its action; without one the line is printed.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub pattern: Pattern,
    pub action: Option<Vec<Stmt>>,
}

/// Which lines.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    Always,
    When(Expr),
    Range(Expr, Expr),
}

/// A function.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub name: String,
    pub params: Vec<String>,
    pub body: Vec<Stmt>,
}

/// Where `print` prints to.
#[derive(Debug, Clone)]
pub(super) enum Output {
    Write(Expr),
    Append(Expr),
}

/// A statement.
#[derive(Debug, Clone)]
pub(super) enum Stmt {
    Expr(Expr),
    Print(Vec<Expr>, Option<Output>),
    Printf(Vec<Expr>, Option<Output>),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    While(Expr, Vec<Stmt>),
    Do(Vec<Stmt>, Expr),
    For(Option<Box<Stmt>>, Option<Expr>, Option<Box<Stmt>>, Vec<Stmt>),
    ForIn(String, String, Vec<Stmt>),
    Block(Vec<Stmt>),
    Next,
    NextFile,
    Exit(Option<Expr>),
    Return(Option<Expr>),
    Break,
    Continue,
    Delete(String, Option<Vec<Expr>>),
    GetLine,
}

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Number(f64),
    Text(String),
    /// A regular expression; alone it is matched with `$0`.
    Regex(String),
    Var(String),
    Field(Box<Expr>),
    Index(String, Vec<Expr>),
    Assign(Box<Expr>, Box<Expr>),
    /// `+=` and its like.
    Update(char, Box<Expr>, Box<Expr>),
    /// `++x`: by how much, and whether the old value is the result.
    Step(f64, bool, Box<Expr>),
    Binary(char, Box<Expr>, Box<Expr>),
    Concat(Box<Expr>, Box<Expr>),
    Compare(&'static str, Box<Expr>, Box<Expr>),
    Match(bool, Box<Expr>, Box<Expr>),
    In(Vec<Expr>, String),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Plus(Box<Expr>),
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    /// `getline < file`, into a variable perhaps.
    GetLine(Option<Box<Expr>>, Box<Expr>),
    Group(Box<Expr>),
}
