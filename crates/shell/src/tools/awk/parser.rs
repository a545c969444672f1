//! awk's tokens to a program: recursive descent, one function a level of precedence.

use super::ast::{Binary, Builtin, Expr, Function, Lvalue, Pattern, Program, Rule, Slot, Statement};
use super::lexer::{Token, tokens};
use super::regex;

/// How deep expressions and statements may nest.
const DEPTH_MAX: usize = 200;

/// Reads a program.
///
/// # Errors
/// What is wrong with it, in a few words.
pub(super) fn parse(source: &str, globals: &[&str]) -> Result<Program, String> {
    let tokens = tokens(source)?;
    let mut program =
        Program { globals: globals.iter().map(|name| (*name).to_owned()).collect(), ..Program::default() };
    // Functions may be called before they are defined.
    for pair in tokens.windows(2) {
        if let [Token::Symbol("function" | "func"), Token::Name(name) | Token::FunctionName(name)] = pair {
            program.functions.push(Function { name: name.clone(), ..Function::default() });
        }
    }
    let mut parser = Parser { tokens, at: 0, program, locals: Vec::new(), depth: 0, no_in: false, no_greater: false };
    parser.items()?;
    Ok(parser.program)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    program: Program,
    locals: Vec<String>,
    depth: usize,
    /// In the head of a `for`, `in` is not an operator.
    no_in: bool,
    /// In a `print` without parentheses, `>` is a redirection.
    no_greater: bool,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(s) if *s == symbol)
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.accept(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> String {
        let near = match self.peek() {
            Token::Number(number) => number.to_string(),
            Token::Text(text) => format!("\"{text}\""),
            Token::Regex(text) => format!("/{text}/"),
            Token::Name(name) | Token::FunctionName(name) => name.clone(),
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::Newline => "end of line".into(),
            Token::End => "end of program".into(),
        };
        format!("syntax error at or near {near}")
    }

    fn newlines(&mut self) {
        while matches!(self.peek(), Token::Newline) {
            self.at += 1;
        }
    }

    fn terminators(&mut self) {
        while matches!(self.peek(), Token::Newline) || self.is(";") {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        let result = if self.depth > DEPTH_MAX { Err("program is nested too deeply".into()) } else { parse(self) };
        self.depth -= 1;
        result
    }

    fn items(&mut self) -> Parsed<()> {
        loop {
            self.terminators();
            match self.peek() {
                Token::End => return Ok(()),
                Token::Symbol("BEGIN") => {
                    self.at += 1;
                    let body = self.block()?;
                    self.program.begin.push(body);
                }
                Token::Symbol("END") => {
                    self.at += 1;
                    let body = self.block()?;
                    self.program.end.push(body);
                }
                Token::Symbol("function" | "func") => self.function()?,
                _ => {
                    let rule = self.rule()?;
                    self.program.rules.push(rule);
                }
            }
        }
    }

    fn rule(&mut self) -> Parsed<Rule> {
        if self.is("{") {
            return Ok(Rule { pattern: Pattern::Always, action: Some(self.block()?) });
        }
        let first = self.expression()?;
        let pattern = if self.accept(",") {
            self.newlines();
            Pattern::Range(first, self.expression()?)
        } else {
            Pattern::When(first)
        };
        let action = if self.is("{") { Some(self.block()?) } else { None };
        Ok(Rule { pattern, action })
    }

    fn function(&mut self) -> Parsed<()> {
        self.at += 1;
        let (Token::Name(name) | Token::FunctionName(name)) = self.advance() else {
            self.at -= 1;
            return Err(self.unexpected());
        };
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.accept(")") {
            self.newlines();
            let Token::Name(parameter) = self.advance() else {
                self.at -= 1;
                return Err(self.unexpected());
            };
            parameters.push(parameter);
            self.newlines();
            if !self.is(")") {
                self.expect(",")?;
            }
        }
        self.newlines();
        self.locals.clone_from(&parameters);
        let body = self.block()?;
        self.locals.clear();
        if let Some(function) = self.program.functions.iter_mut().find(|function| function.name == name) {
            (function.parameters, function.body) = (parameters, body);
        }
        Ok(())
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.deeper(|parser| {
            parser.expect("{")?;
            let mut statements = Vec::new();
            loop {
                parser.terminators();
                if parser.accept("}") {
                    return Ok(statements);
                }
                statements.push(parser.statement()?);
            }
        })
    }

    /// A statement or a block, as the body of `if` and loops.
    fn body(&mut self) -> Parsed<Vec<Statement>> {
        self.newlines();
        if self.is("{") {
            self.block()
        } else if self.accept(";") {
            Ok(Vec::new())
        } else {
            Ok(vec![self.deeper(Self::statement)?])
        }
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        if self.is("}") || self.accept(";") || matches!(self.peek(), Token::End) {
            return Ok(());
        }
        if matches!(self.peek(), Token::Newline) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let Token::Symbol(symbol) = *self.peek() else {
            return self.simple_statement();
        };
        match symbol {
            "{" => return self.block().map(Statement::Block),
            "if" => return self.if_statement(),
            "while" => {
                self.at += 1;
                let condition = self.parenthesized()?;
                return Ok(Statement::While(condition, self.body()?));
            }
            "do" => {
                self.at += 1;
                let body = self.body()?;
                self.terminators();
                self.expect("while")?;
                let statement = Statement::DoWhile(body, self.parenthesized()?);
                self.end_of_statement()?;
                return Ok(statement);
            }
            "for" => return self.for_statement(),
            _ => {}
        }
        let statement = match symbol {
            "next" => Statement::Next,
            "nextfile" => Statement::NextFile,
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "exit" | "return" => {
                self.at += 1;
                let ends = self.is(";") || self.is("}") || matches!(self.peek(), Token::Newline | Token::End);
                let value = if ends { None } else { Some(self.expression()?) };
                self.end_of_statement()?;
                return Ok(if symbol == "exit" { Statement::Exit(value) } else { Statement::Return(value) });
            }
            _ => return self.simple_statement(),
        };
        self.at += 1;
        self.end_of_statement()?;
        Ok(statement)
    }

    fn simple_statement(&mut self) -> Parsed<Statement> {
        let statement = self.simple()?;
        self.end_of_statement()?;
        Ok(statement)
    }

    /// What may also stand in the head of a `for`.
    fn simple(&mut self) -> Parsed<Statement> {
        if self.is("print") || self.is("printf") {
            return self.print();
        }
        if self.accept("delete") {
            let Token::Name(name) = self.advance() else {
                self.at -= 1;
                return Err(self.unexpected());
            };
            let slot = self.slot(&name);
            let index = if self.accept("[") { Some(self.list("]")?) } else { None };
            return Ok(Statement::Delete(slot, index));
        }
        self.expression().map(Statement::Expression)
    }

    fn parenthesized(&mut self) -> Parsed<Expr> {
        self.expect("(")?;
        let condition = self.expression()?;
        self.expect(")")?;
        Ok(condition)
    }

    fn if_statement(&mut self) -> Parsed<Statement> {
        self.at += 1;
        let condition = self.parenthesized()?;
        let then = self.body()?;
        let before = self.at;
        self.terminators();
        let otherwise = if self.accept("else") {
            self.body()?
        } else {
            self.at = before;
            Vec::new()
        };
        Ok(Statement::If(condition, then, otherwise))
    }

    fn for_statement(&mut self) -> Parsed<Statement> {
        self.at += 1;
        self.expect("(")?;
        if let (Token::Name(name), Some(Token::Symbol("in")), Some(Token::Name(array)), Some(Token::Symbol(")"))) = (
            self.peek().clone(),
            self.tokens.get(self.at + 1),
            self.tokens.get(self.at + 2).cloned(),
            self.tokens.get(self.at + 3),
        ) {
            self.at += 4;
            let (variable, array) = (self.slot(&name), self.slot(&array));
            return Ok(Statement::ForIn(Lvalue::Variable(variable), array, self.body()?));
        }
        let start = if self.is(";") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(";")?;
        self.newlines();
        let condition = if self.is(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        self.newlines();
        let step = if self.is(")") { None } else { Some(Box::new(self.simple()?)) };
        self.expect(")")?;
        Ok(Statement::For(start, condition, step, self.body()?))
    }

    fn print(&mut self) -> Parsed<Statement> {
        let format = self.is("printf");
        self.at += 1;
        let mut values = Vec::new();
        let ends = |parser: &Self| {
            matches!(parser.peek(), Token::Newline | Token::End)
                || [";", "}", ">", ">>", "|"].iter().any(|symbol| parser.is(symbol))
        };
        if !ends(self) {
            self.no_greater = true;
            let parsed = self.print_values(&mut values);
            self.no_greater = false;
            parsed?;
        }
        let to = if self.is("|") {
            return Err("output to a command is not supported: pipe awk's output instead".into());
        } else if self.is(">") || self.is(">>") {
            let append = self.is(">>");
            self.at += 1;
            Some((self.concatenation()?, append))
        } else {
            None
        };
        if format && values.is_empty() {
            return Err("printf: no format".into());
        }
        Ok(Statement::Print { values, format, to })
    }

    fn print_values(&mut self, values: &mut Vec<Expr>) -> Parsed<()> {
        // `print (a, b) > file` has its list in parentheses; `print (a)(b)` is an expression.
        if self.is("(") {
            let before = self.at;
            self.at += 1;
            let unrestricted = std::mem::replace(&mut self.no_greater, false);
            let list = self.list(")");
            self.no_greater = unrestricted;
            let closes = matches!(self.peek(), Token::Newline | Token::End)
                || [";", "}", ">", ">>", "|"].iter().any(|symbol| self.is(symbol));
            if let (Ok(list), true) = (list, closes) {
                *values = list;
                return Ok(());
            }
            self.at = before;
        }
        loop {
            values.push(self.expression()?);
            if !self.accept(",") {
                return Ok(());
            }
            self.newlines();
        }
    }

    /// Expressions up to a closing bracket, which is taken too.
    fn list(&mut self, close: &str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        self.newlines();
        if self.accept(close) {
            return Ok(items);
        }
        loop {
            let (no_in, no_greater) = (self.no_in, self.no_greater);
            (self.no_in, self.no_greater) = (false, false);
            let item = self.expression();
            (self.no_in, self.no_greater) = (no_in, no_greater);
            items.push(item?);
            self.newlines();
            if self.accept(close) {
                return Ok(items);
            }
            self.expect(",")?;
            self.newlines();
        }
    }

    fn slot(&mut self, name: &str) -> Slot {
        if let Some(at) = self.locals.iter().position(|local| local == name) {
            return Slot::Local(at);
        }
        let globals = &mut self.program.globals;
        Slot::Global(globals.iter().position(|global| global == name).unwrap_or_else(|| {
            globals.push(name.to_owned());
            globals.len() - 1
        }))
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(Self::ternary)
    }

    fn ternary(&mut self) -> Parsed<Expr> {
        let condition = self.or()?;
        if self.accept("?") {
            self.newlines();
            let then = self.expression()?;
            self.newlines();
            self.expect(":")?;
            self.newlines();
            let otherwise = self.expression()?;
            return Ok(Expr::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise)));
        }
        let operator = match self.peek() {
            Token::Symbol("=") => None,
            Token::Symbol("+=") => Some(Binary::Add),
            Token::Symbol("-=") => Some(Binary::Subtract),
            Token::Symbol("*=") => Some(Binary::Multiply),
            Token::Symbol("/=") => Some(Binary::Divide),
            Token::Symbol("%=") => Some(Binary::Modulo),
            Token::Symbol("^=" | "**=") => Some(Binary::Power),
            _ => return Ok(condition),
        };
        let Expr::Lvalue(target) = condition else { return Err(self.unexpected()) };
        self.at += 1;
        self.newlines();
        Ok(Expr::Assign(target, operator, Box::new(self.expression()?)))
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.accept("||") {
            self.newlines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.membership()?;
        while self.accept("&&") {
            self.newlines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parsed<Expr> {
        let mut left = self.matching()?;
        while !self.no_in && self.accept("in") {
            let Token::Name(array) = self.advance() else {
                self.at -= 1;
                return Err(self.unexpected());
            };
            let slot = self.slot(&array);
            left = Expr::In(vec![left], slot);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parsed<Expr> {
        let mut left = self.comparison()?;
        while self.is("~") || self.is("!~") {
            let not = self.is("!~");
            self.at += 1;
            left = Expr::Match(Box::new(left), Box::new(self.comparison()?), not);
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.concatenation()?;
        let operator = match self.peek() {
            Token::Symbol("<") => Binary::Less,
            Token::Symbol("<=") => Binary::LessEqual,
            Token::Symbol("==") => Binary::Equal,
            Token::Symbol("!=") => Binary::NotEqual,
            Token::Symbol(">") if !self.no_greater => Binary::Greater,
            Token::Symbol(">=") => Binary::GreaterEqual,
            _ => return Ok(left),
        };
        self.at += 1;
        Ok(Expr::Binary(operator, Box::new(left), Box::new(self.concatenation()?)))
    }

    fn concatenation(&mut self) -> Parsed<Expr> {
        let mut left = self.additive()?;
        while self.value_may_follow() {
            left = Expr::Binary(Binary::Concat, Box::new(left), Box::new(self.additive()?));
        }
        Ok(left)
    }

    fn value_may_follow(&self) -> bool {
        match self.peek() {
            Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::FunctionName(_) => true,
            Token::Symbol(symbol) => matches!(*symbol, "(" | "$" | "!" | "-" | "+" | "++" | "--"),
            _ => false,
        }
    }

    fn additive(&mut self) -> Parsed<Expr> {
        let mut left = self.multiplicative()?;
        loop {
            let operator = match self.peek() {
                Token::Symbol("+") => Binary::Add,
                Token::Symbol("-") => Binary::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Binary(operator, Box::new(left), Box::new(self.multiplicative()?));
        }
    }

    fn multiplicative(&mut self) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match self.peek() {
                Token::Symbol("*") => Binary::Multiply,
                Token::Symbol("/") => Binary::Divide,
                Token::Symbol("%") => Binary::Modulo,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Expr::Binary(operator, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            if parser.accept("!") {
                return Ok(Expr::Not(Box::new(parser.unary()?)));
            }
            if parser.accept("-") {
                return Ok(Expr::Negate(Box::new(parser.unary()?)));
            }
            if parser.accept("+") {
                return Ok(Expr::Plus(Box::new(parser.unary()?)));
            }
            parser.power()
        })
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.postfix()?;
        if self.accept("^") || self.accept("**") {
            // To the right, and a sign may stand in the exponent.
            return Ok(Expr::Binary(Binary::Power, Box::new(base), Box::new(self.unary()?)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let value = self.primary()?;
        if let Expr::Lvalue(target) = &value {
            for (symbol, by) in [("++", 1.0), ("--", -1.0)] {
                if self.accept(symbol) {
                    return Ok(Expr::Step(target.clone(), by, true));
                }
            }
        }
        Ok(value)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        match self.advance() {
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Text(text) => Ok(Expr::Text(text.into())),
            Token::Regex(pattern) => Ok(Expr::Regex(regex(&pattern)?)),
            Token::Symbol("$") => {
                let index =
                    if self.is("++") || self.is("--") || self.is("-") { self.unary()? } else { self.primary()? };
                Ok(Expr::Lvalue(Box::new(Lvalue::Field(index))))
            }
            Token::Symbol(symbol @ ("++" | "--")) => {
                let by = if symbol == "++" { 1.0 } else { -1.0 };
                match self.primary()? {
                    Expr::Lvalue(target) => Ok(Expr::Step(target, by, false)),
                    _ => Err(self.unexpected()),
                }
            }
            Token::Symbol("(") => {
                let mut items = self.list(")")?;
                if items.len() == 1 {
                    return Ok(Expr::Group(Box::new(items.remove(0))));
                }
                self.expect("in")?;
                let Token::Name(array) = self.advance() else { return Err(self.unexpected()) };
                let slot = self.slot(&array);
                Ok(Expr::In(items, slot))
            }
            Token::Symbol("getline") => {
                let target = match self.peek() {
                    Token::Name(_) | Token::Symbol("$") => match self.primary()? {
                        Expr::Lvalue(target) => Some(target),
                        _ => None,
                    },
                    _ => None,
                };
                if self.is("<") {
                    return Err("getline from a file is not supported".into());
                }
                Ok(Expr::Getline(target))
            }
            Token::FunctionName(name) => self.call(&name),
            Token::Name(name) if name == "length" => Ok(Expr::Builtin(Builtin::Length, Vec::new())),
            Token::Name(name) => {
                let slot = self.slot(&name);
                if self.accept("[") {
                    let index = self.list("]")?;
                    return Ok(Expr::Lvalue(Box::new(Lvalue::Element(slot, index))));
                }
                Ok(Expr::Lvalue(Box::new(Lvalue::Variable(slot))))
            }
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn call(&mut self, name: &str) -> Parsed<Expr> {
        self.expect("(")?;
        let arguments = self.list(")")?;
        if let Some(builtin) = Builtin::named(name) {
            return Ok(Expr::Builtin(builtin, arguments));
        }
        match self.program.functions.iter().position(|function| function.name == name) {
            Some(at) => Ok(Expr::Call(at, arguments)),
            None if name == "system" => Err("system() is not supported".into()),
            None => Err(format!("calling undefined function {name}")),
        }
    }
}
