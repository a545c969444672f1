//! Expressions of awk, by how closely their operators bind.

use super::super::ast::*;
use super::super::lex::Token;
use super::{Parse, Parser};

impl Parser {
    pub(super) fn expr(&mut self) -> Parse<Expr> {
        self.deeper(Self::assignment)
    }

    fn assignment(&mut self) -> Parse<Expr> {
        let left = self.choose()?;
        let op = match self.peek() {
            Token::Op(op @ ("=" | "+=" | "-=" | "*=" | "/=" | "%=" | "^=" | "**=")) => *op,
            _ => return Ok(left),
        };
        if !matches!(left, Expr::Var(_) | Expr::Field(_) | Expr::Index(..)) {
            return Err(self.unexpected());
        }
        self.at += 1;
        self.newlines();
        let right = Box::new(self.deeper(Self::assignment)?);
        Ok(match op {
            "=" => Expr::Assign(Box::new(left), right),
            "**=" => Expr::Update('^', Box::new(left), right),
            op => Expr::Update(op.chars().next().unwrap_or('+'), Box::new(left), right),
        })
    }

    fn choose(&mut self) -> Parse<Expr> {
        let test = self.or()?;
        if !self.eat("?") {
            return Ok(test);
        }
        self.newlines();
        let yes = self.deeper(Self::assignment)?;
        self.newlines();
        self.expect(":")?;
        self.newlines();
        let no = self.deeper(Self::assignment)?;
        Ok(Expr::Choose(Box::new(test), Box::new(yes), Box::new(no)))
    }

    fn or(&mut self) -> Parse<Expr> {
        let mut left = self.and()?;
        while self.eat("||") {
            self.newlines();
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parse<Expr> {
        let mut left = self.membership()?;
        while self.eat("&&") {
            self.newlines();
            left = Expr::And(Box::new(left), Box::new(self.membership()?));
        }
        Ok(left)
    }

    fn membership(&mut self) -> Parse<Expr> {
        let mut left = self.matching()?;
        while *self.peek() == Token::Name("in".into()) && !self.no_in {
            self.at += 1;
            let array = self.name()?;
            let keys = match left {
                Expr::Group(inner) => match *inner {
                    Expr::Call(name, keys) if name.is_empty() => keys,
                    inner => vec![inner],
                },
                left => vec![left],
            };
            left = Expr::In(keys, array);
        }
        Ok(left)
    }

    fn matching(&mut self) -> Parse<Expr> {
        let mut left = self.comparison()?;
        loop {
            let wanted = if self.eat("~") {
                true
            } else if self.eat("!~") {
                false
            } else {
                return Ok(left);
            };
            left = Expr::Match(wanted, Box::new(left), Box::new(self.comparison()?));
        }
    }

    fn comparison(&mut self) -> Parse<Expr> {
        let left = self.concat()?;
        let op = match self.peek() {
            Token::Op(">") if self.printing => return Ok(left),
            Token::Op(op @ ("<" | "<=" | "==" | "!=" | ">" | ">=")) => *op,
            _ => return Ok(left),
        };
        self.at += 1;
        Ok(Expr::Compare(op, Box::new(left), Box::new(self.concat()?)))
    }

    pub(super) fn concat(&mut self) -> Parse<Expr> {
        let mut left = self.additive()?;
        loop {
            let follows = match self.peek() {
                Token::Number(_) | Token::Text(_) | Token::Call(_) => true,
                Token::Regex(_) => true,
                Token::Name(name) => !matches!(name.as_str(), "in" | "getline"),
                Token::Op(op) => matches!(*op, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
                _ => false,
            };
            if !follows {
                return Ok(left);
            }
            left = Expr::Concat(Box::new(left), Box::new(self.additive()?));
        }
    }

    fn additive(&mut self) -> Parse<Expr> {
        let mut left = self.product()?;
        loop {
            let op = if self.eat("+") {
                '+'
            } else if self.eat("-") {
                '-'
            } else {
                return Ok(left);
            };
            left = Expr::Binary(op, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parse<Expr> {
        let mut left = self.unary()?;
        loop {
            let op = if self.eat("*") {
                '*'
            } else if self.eat("/") {
                '/'
            } else if self.eat("%") {
                '%'
            } else {
                return Ok(left);
            };
            left = Expr::Binary(op, Box::new(left), Box::new(self.unary()?));
        }
    }

    fn unary(&mut self) -> Parse<Expr> {
        if self.eat("!") {
            return Ok(Expr::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.eat("-") {
            return Ok(Expr::Negate(Box::new(self.deeper(Self::unary)?)));
        }
        if self.eat("+") {
            return Ok(Expr::Plus(Box::new(self.deeper(Self::unary)?)));
        }
        self.power()
    }

    fn power(&mut self) -> Parse<Expr> {
        let base = self.postfix()?;
        if self.eat("^") || self.eat("**") {
            // To the right, and tighter than a sign before it.
            let exponent = self.deeper(Self::unary)?;
            return Ok(Expr::Binary('^', Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Parse<Expr> {
        for (op, by) in [("++", 1.0), ("--", -1.0)] {
            if self.eat(op) {
                return Ok(Expr::Step(by, false, Box::new(self.deeper(Self::primary)?)));
            }
        }
        let primary = self.primary()?;
        if matches!(primary, Expr::Var(_) | Expr::Field(_) | Expr::Index(..)) {
            for (op, by) in [("++", 1.0), ("--", -1.0)] {
                if self.eat(op) {
                    return Ok(Expr::Step(by, true, Box::new(primary)));
                }
            }
        }
        Ok(primary)
    }

    pub(super) fn primary(&mut self) -> Parse<Expr> {
        match self.next() {
            Token::Number(value) => Ok(Expr::Number(value)),
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Regex(text) => Ok(Expr::Regex(text)),
            Token::Op("$") => {
                // `$NF-1` is `($NF)-1`, `$++i` and `$i++` are fields too.
                let inner = match self.peek() {
                    Token::Op("++" | "--" | "-" | "+" | "!") => self.deeper(Self::postfix_or_sign)?,
                    _ => self.deeper(Self::primary)?,
                };
                Ok(Expr::Field(Box::new(inner)))
            }
            Token::Op("(") => {
                let mut inner = self.list(")")?;
                let single = if inner.len() == 1 { inner.pop() } else { None };
                match single {
                    Some(single) => Ok(Expr::Group(Box::new(single))),
                    // Several values: for `in` and `print`.
                    None => Ok(Expr::Group(Box::new(Expr::Call(String::new(), inner)))),
                }
            }
            Token::Call(name) => {
                self.expect("(")?;
                Ok(Expr::Call(name, self.list(")")?))
            }
            Token::Name(name) if name == "getline" => {
                let into = match self.peek() {
                    Token::Name(_) | Token::Op("$") => Some(Box::new(self.deeper(Self::primary)?)),
                    _ => None,
                };
                if !self.eat("<") {
                    return Err("getline without a file is not supported here".into());
                }
                Ok(Expr::GetLine(into, Box::new(self.deeper(Self::primary)?)))
            }
            Token::Name(name) => {
                if self.eat("[") {
                    return Ok(Expr::Index(name, self.list("]")?));
                }
                // `length` needs no parentheses.
                Ok(if name == "length" { Expr::Call(name, Vec::new()) } else { Expr::Var(name) })
            }
            _ => {
                self.at -= 1;
                Err(self.unexpected())
            }
        }
    }

    fn postfix_or_sign(&mut self) -> Parse<Expr> {
        if matches!(self.peek(), Token::Op("++" | "--")) { self.postfix() } else { self.unary() }
    }
}
