//! From text to expressions.

use drydock_value::Value;

use super::Expr;

/// How deep expressions nest at most.
const DEPTH: usize = 60;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Literal(Value),
    Name(String),
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 26] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", "=", ";",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mut used;
        if first.is_ascii_digit() {
            used = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let fraction = rest[used..].strip_prefix('.').filter(|more| more.starts_with(|c: char| c.is_ascii_digit()));
            if let Some(more) = fraction {
                used += 1 + more.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(more.len());
            }
            let word = rest[..used].trim_end_matches(['u', 'U']);
            let number = match word.strip_prefix("0x") {
                Some(hex) => i64::from_str_radix(hex, 16).ok().map(Value::from),
                None => word.parse::<i64>().ok().map(Value::from).or_else(|| word.parse().ok().map(Value::Float)),
            };
            out.push(Token::Literal(number.ok_or_else(|| format!("not a number: {word}"))?));
        } else if let Some((value, length)) = quoted(rest)? {
            used = length;
            out.push(Token::Literal(value));
        } else if first.is_ascii_alphabetic() || first == '_' {
            used = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            out.push(match &rest[..used] {
                "true" => Token::Literal(Value::Bool(true)),
                "false" => Token::Literal(Value::Bool(false)),
                "null" => Token::Literal(Value::Null),
                name => Token::Name(name.to_owned()),
            });
        } else {
            let sign =
                SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or_else(|| format!("unexpected {first:?}"))?;
            used = sign.len();
            out.push(Token::Sign(sign));
        }
        rest = rest[used..].trim_start();
        while let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
        }
    }
    Ok(out)
}

/// A text in quotes at the beginning, and its length with them.
fn quoted(text: &str) -> Result<Option<(Value, usize)>, String> {
    let (raw, start) = match text.strip_prefix(['r', 'R']) {
        Some(rest) if rest.starts_with(['"', '\'']) => (true, 1),
        _ => (false, 0),
    };
    let body = &text[start..];
    let Some(quote) = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote)) else {
        return Ok(None);
    };
    let inside = &body[quote.len()..];
    let mut out = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        if inside[at..].starts_with(quote) {
            return Ok(Some((out.into(), start + at + 2 * quote.len())));
        }
        match c {
            '\\' if !raw => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => break,
            },
            _ => out.push(c),
        }
    }
    Err("a text without its end".into())
}

pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let root = parser.expression()?;
    match parser.tokens.get(parser.at) {
        None => Ok(root),
        Some(_) => Err("something follows the expression".into()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

/// Operators of two operands, by how strongly they bind.
const LEVELS: [&[&str]; 5] =
    [&["||"], &["&&"], &["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

impl Parser {
    fn take(&mut self, sign: &str) -> bool {
        let found = match self.tokens.get(self.at) {
            Some(Token::Sign(known)) => *known == sign,
            Some(Token::Name(name)) => sign == "in" && name == "in",
            _ => false,
        };
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("expected {sign}")) }
    }

    fn expression(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("too deep".into());
        }
        let mut found = self.level(0)?;
        if self.take("?") {
            let yes = self.level(0)?;
            self.expect(":")?;
            let no = self.expression()?;
            found = Expr::Choice(Box::new(found), Box::new(yes), Box::new(no));
        }
        self.depth -= 1;
        Ok(found)
    }

    fn level(&mut self, level: usize) -> Result<Expr, String> {
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(sign) = signs.iter().find(|sign| self.take(sign)) {
            let right = self.level(level + 1)?;
            left = Expr::Binary(sign, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        let (mut nots, mut minuses) = (0, 0);
        while self.take("!") {
            nots += 1;
        }
        while self.take("-") {
            minuses += 1;
        }
        let mut found = self.member()?;
        if minuses % 2 == 1 {
            found = Expr::Negative(Box::new(found));
        }
        for _ in 0..nots {
            found = Expr::Not(Box::new(found));
        }
        Ok(found)
    }

    fn member(&mut self) -> Result<Expr, String> {
        let mut found = self.primary()?;
        loop {
            if self.take(".") {
                let name = self.name()?;
                found = if self.take("(") {
                    Expr::Call(Some(Box::new(found)), name, self.list(")")?)
                } else {
                    // Names that are words of the language are written with underscores in rules.
                    let plain = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")).map(str::to_owned);
                    Expr::Field(Box::new(found), plain.unwrap_or(name))
                };
            } else if self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                found = Expr::Index(Box::new(found), Box::new(index));
            } else {
                return Ok(found);
            }
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else { return Err("expected a name".into()) };
        self.at += 1;
        Ok(name)
    }

    /// Expressions up to a closing sign.
    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut out = Vec::new();
        while !self.take(end) {
            if !out.is_empty() {
                self.expect(",")?;
                if self.take(end) {
                    break;
                }
            }
            out.push(self.expression()?);
        }
        Ok(out)
    }

    fn primary(&mut self) -> Result<Expr, String> {
        if self.take("(") {
            let found = self.expression()?;
            self.expect(")")?;
            return Ok(found);
        }
        if self.take("[") {
            return Ok(Expr::List(self.list("]")?));
        }
        if self.take("{") {
            let mut pairs = Vec::new();
            while !self.take("}") {
                if !pairs.is_empty() {
                    self.expect(",")?;
                }
                let key = self.expression()?;
                self.expect(":")?;
                pairs.push((key, self.expression()?));
            }
            return Ok(Expr::Map(pairs));
        }
        if let Some(Token::Literal(value)) = self.tokens.get(self.at).cloned() {
            self.at += 1;
            return Ok(Expr::Literal(value));
        }
        let name = self.name()?;
        if self.take("(") { Ok(Expr::Call(None, name, self.list(")")?)) } else { Ok(Expr::Name(name)) }
    }
}
