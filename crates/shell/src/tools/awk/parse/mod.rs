//! Reads `awk` programs.

mod expression;

use super::ast::*;
use super::lex::{Token, lex};

/// How deep statements and expressions may nest.
const DEPTH_MAX: u32 = 60;

type Parse<T> = Result<T, String>;

struct Parser {
    tokens: Vec<(Token, u32)>,
    at: usize,
    depth: u32,
    /// Inside `print`: `>` redirects.
    printing: bool,
    /// Inside the parentheses of `for`: `in` belongs to it.
    no_in: bool,
}

/// Reads a program.
pub(super) fn parse(text: &str) -> Parse<Program> {
    let mut parser = Parser { tokens: lex(text)?, at: 0, depth: 0, printing: false, no_in: false };
    let mut program = Program::default();
    loop {
        parser.skip_separators();
        match parser.peek().clone() {
            Token::End => return Ok(program),
            Token::Name(name) if name == "BEGIN" || name == "END" => {
                parser.at += 1;
                parser.newlines();
                let body = parser.block()?;
                if name == "BEGIN" { program.begin.push(body) } else { program.end.push(body) }
            }
            Token::Name(name) if name == "function" || name == "func" => {
                parser.at += 1;
                program.functions.push(parser.function()?);
            }
            Token::Op("{") => {
                let action = Some(parser.block()?);
                program.rules.push(Rule { pattern: Pattern::Always, action });
            }
            _ => {
                let first = parser.expr()?;
                let pattern = if parser.eat(",") {
                    parser.newlines();
                    Pattern::Range(first, parser.expr()?)
                } else {
                    Pattern::When(first)
                };
                let action = if *parser.peek() == Token::Op("{") { Some(parser.block()?) } else { None };
                program.rules.push(Rule { pattern, action });
            }
        }
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn eat(&mut self, op: &'static str) -> bool {
        let found = *self.peek() == Token::Op(op);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, op: &'static str) -> Parse<()> {
        if self.eat(op) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> String {
        match self.peek() {
            Token::End => "unexpected end of program".into(),
            Token::Newline => "unexpected newline".into(),
            Token::Op(op) => format!("syntax error at or near {op}"),
            Token::Name(name) | Token::Call(name) => format!("syntax error at or near {name}"),
            Token::Text(text) => format!("syntax error at or near \"{text}\""),
            Token::Regex(text) => format!("syntax error at or near /{text}/"),
            Token::Number(number) => format!("syntax error at or near {number}"),
        }
    }

    fn newlines(&mut self) {
        while *self.peek() == Token::Newline {
            self.at += 1;
        }
    }

    fn skip_separators(&mut self) {
        while matches!(self.peek(), Token::Newline | Token::Op(";")) {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("the program is nested too deep".into());
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn name(&mut self) -> Parse<String> {
        match self.next() {
            Token::Name(name) | Token::Call(name) => Ok(name),
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn function(&mut self) -> Parse<Function> {
        let name = self.name()?;
        self.expect("(")?;
        let mut params = Vec::new();
        while !self.eat(")") {
            params.push(self.name()?);
            self.newlines();
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
            self.newlines();
        }
        self.newlines();
        Ok(Function { name, params, body: self.block()? })
    }

    // ---- statements ----

    fn block(&mut self) -> Parse<Vec<Stmt>> {
        self.expect("{")?;
        let mut body = Vec::new();
        loop {
            self.skip_separators();
            if self.eat("}") {
                return Ok(body);
            }
            body.push(self.deeper(Self::statement)?);
        }
    }

    /// The body of a loop or branch: a block, a statement, or nothing but a semicolon.
    fn body(&mut self) -> Parse<Vec<Stmt>> {
        self.newlines();
        if self.eat(";") {
            return Ok(Vec::new());
        }
        if *self.peek() == Token::Op("{") {
            return self.deeper(Self::block);
        }
        Ok(vec![self.deeper(Self::statement)?])
    }

    fn ends_statement(&mut self) -> Parse<()> {
        match self.peek() {
            Token::Newline | Token::Op(";") => {
                self.at += 1;
                Ok(())
            }
            Token::Op("}") | Token::End => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    fn statement(&mut self) -> Parse<Stmt> {
        let word = match self.peek() {
            Token::Op("{") => return Ok(Stmt::Block(self.block()?)),
            Token::Name(name) | Token::Call(name) => name.clone(),
            _ => String::new(),
        };
        let statement = match word.as_str() {
            "if" => {
                self.at += 1;
                self.expect("(")?;
                let test = self.expr()?;
                self.expect(")")?;
                let yes = self.body()?;
                let back = self.at;
                self.skip_separators();
                if *self.peek() == Token::Name("else".into()) {
                    self.at += 1;
                    return Ok(Stmt::If(test, yes, self.body()?));
                }
                self.at = back;
                return Ok(Stmt::If(test, yes, Vec::new()));
            }
            "while" => {
                self.at += 1;
                self.expect("(")?;
                let test = self.expr()?;
                self.expect(")")?;
                return Ok(Stmt::While(test, self.body()?));
            }
            "do" => {
                self.at += 1;
                let body = self.body()?;
                self.skip_separators();
                if !matches!(self.next(), Token::Name(name) | Token::Call(name) if name == "while") {
                    self.at -= 1;
                    return Err(self.unexpected());
                }
                self.expect("(")?;
                let test = self.expr()?;
                self.expect(")")?;
                Stmt::Do(body, test)
            }
            "for" => return self.for_statement(),
            "print" | "printf" => self.print(word == "printf")?,
            "next" => self.word(Stmt::Next),
            "nextfile" => self.word(Stmt::NextFile),
            "break" => self.word(Stmt::Break),
            "continue" => self.word(Stmt::Continue),
            "exit" | "return" => {
                self.at += 1;
                let value = match self.peek() {
                    Token::Newline | Token::Op(";" | "}") | Token::End => None,
                    _ => Some(self.expr()?),
                };
                if word == "exit" { Stmt::Exit(value) } else { Stmt::Return(value) }
            }
            "getline" if !matches!(self.tokens.get(self.at + 1), Some((Token::Op("<"), _) | (Token::Name(_), _))) => {
                self.word(Stmt::GetLine)
            }
            "delete" => {
                self.at += 1;
                let name = self.name()?;
                let index = if self.eat("[") {
                    let index = self.list("]")?;
                    Some(index)
                } else {
                    None
                };
                Stmt::Delete(name, index)
            }
            _ => Stmt::Expr(self.expr()?),
        };
        self.ends_statement()?;
        Ok(statement)
    }

    fn word(&mut self, statement: Stmt) -> Stmt {
        self.at += 1;
        statement
    }

    fn for_statement(&mut self) -> Parse<Stmt> {
        self.at += 1;
        self.expect("(")?;
        if let (
            Some((Token::Name(var), _)),
            Some((Token::Name(word), _)),
            Some((Token::Name(array), _)),
            Some((Token::Op(")"), _)),
        ) = (
            self.tokens.get(self.at),
            self.tokens.get(self.at + 1),
            self.tokens.get(self.at + 2),
            self.tokens.get(self.at + 3),
        ) && word == "in"
        {
            let (var, array) = (var.clone(), array.clone());
            self.at += 4;
            return Ok(Stmt::ForIn(var, array, self.body()?));
        }
        let part = |parser: &mut Self, end: &'static str| -> Parse<Option<Box<Stmt>>> {
            if parser.eat(end) {
                return Ok(None);
            }
            let statement = Stmt::Expr(parser.expr()?);
            parser.expect(end)?;
            parser.newlines();
            Ok(Some(Box::new(statement)))
        };
        let init = part(self, ";")?;
        let test = match part(self, ";")? {
            Some(statement) => match *statement {
                Stmt::Expr(expr) => Some(expr),
                _ => None,
            },
            None => None,
        };
        let next = part(self, ")")?;
        Ok(Stmt::For(init, test, next, self.body()?))
    }

    fn print(&mut self, formatted: bool) -> Parse<Stmt> {
        self.at += 1;
        let outer = std::mem::replace(&mut self.printing, true);
        let mut values = Vec::new();
        if !matches!(self.peek(), Token::Newline | Token::Op(";" | "}" | ">" | ">>" | "|") | Token::End) {
            loop {
                values.push(self.expr()?);
                if !self.eat(",") {
                    break;
                }
                self.newlines();
            }
        }
        // `print (a, b)`: one group of several values.
        if let [Expr::Group(inner)] = values.as_slice()
            && let Expr::Call(name, inner) = inner.as_ref()
            && name.is_empty()
        {
            values = inner.clone();
        }
        let output = if self.eat(">") {
            Some(Output::Write(self.primary_text()?))
        } else if self.eat(">>") {
            Some(Output::Append(self.primary_text()?))
        } else if *self.peek() == Token::Op("|") {
            return Err("pipes are not supported here".into());
        } else {
            None
        };
        self.printing = outer;
        Ok(if formatted { Stmt::Printf(values, output) } else { Stmt::Print(values, output) })
    }

    fn primary_text(&mut self) -> Parse<Expr> {
        self.concat()
    }

    /// Expressions up to a closing bracket, which is consumed.
    fn list(&mut self, close: &'static str) -> Parse<Vec<Expr>> {
        let outer = std::mem::replace(&mut self.printing, false);
        let mut values = Vec::new();
        self.newlines();
        while !self.eat(close) {
            values.push(self.expr()?);
            self.newlines();
            if !self.eat(",") {
                self.expect(close)?;
                break;
            }
            self.newlines();
        }
        self.printing = outer;
        Ok(values)
    }

    // ---- expressions ----
}
