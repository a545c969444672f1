//! From tokens to trees, with the words of the real parser for what is wrong.

use super::expr::{DEPTH, Expr, Kind};
use super::lex::{Placed, Problems, Token, tokens};
use super::macros;
use super::val::Val;

const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// What may begin an operand.
const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, \
                       BYTES, IDENTIFIER}";

/// Reads an expression; what is wrong goes to `problems`.
pub(super) fn parse(text: &str, bindings: bool, problems: &mut Problems) -> Option<Expr> {
    let tokens = tokens(text, problems);
    let mut parser = Parser { tokens, at: 0, depth: 0, bindings, problems };
    let root = parser.expression().ok();
    if root.is_some() && parser.problems.is_empty() && parser.here().token != Token::End {
        let single = parser.tokens.get(parser.at + 1).is_some_and(|next| next.token == Token::End);
        let word = if single { "extraneous" } else { "mismatched" };
        let (at, text) = (parser.here().at, parser.here().text.clone());
        parser.problems.push((at, format!("Syntax error: {word} input '{text}' expecting <EOF>")));
    }
    root.filter(|_| parser.problems.is_empty())
}

/// An error that is among the problems already.
pub(super) struct Told;

pub(super) struct Parser<'a> {
    tokens: Vec<Placed>,
    at: usize,
    depth: u16,
    /// Whether `cel.bind` is a macro.
    pub(super) bindings: bool,
    pub(super) problems: &'a mut Problems,
}

type Parsed = Result<Expr, Told>;

/// Operators of two operands, by how strongly they bind.
const BINARY: [(&str, &str, u8); 14] = [
    ("||", "_||_", 1),
    ("&&", "_&&_", 2),
    ("<", "_<_", 3),
    ("<=", "_<=_", 3),
    (">", "_>_", 3),
    (">=", "_>=_", 3),
    ("==", "_==_", 3),
    ("!=", "_!=_", 3),
    ("in", "@in", 3),
    ("+", "_+_", 4),
    ("-", "_-_", 4),
    ("*", "_*_", 5),
    ("/", "_/_", 5),
    ("%", "_%_", 5),
];

impl Parser<'_> {
    fn here(&self) -> &Placed {
        // The end is the last token, and nothing goes beyond it.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next_is(&self, sign: &str) -> bool {
        match &self.here().token {
            Token::Sign(known) => *known == sign,
            Token::Name(name) => sign == "in" && name == "in",
            _ => false,
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.next_is(sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn fail<T>(&mut self, at: u32, why: impl Into<String>) -> Result<T, Told> {
        self.problems.push((at, why.into()));
        Err(Told)
    }

    fn unexpected<T>(&mut self, expecting: &str) -> Result<T, Told> {
        let (at, text) = (self.here().at, self.here().text.clone());
        self.fail(at, format!("Syntax error: mismatched input '{text}' expecting {expecting}"))
    }

    fn expect(&mut self, sign: &str) -> Result<(), Told> {
        if self.take(sign) {
            return Ok(());
        }
        if self.here().token == Token::End {
            let at = self.here().at;
            return self.fail(at, format!("Syntax error: missing '{sign}' at '<EOF>'"));
        }
        self.unexpected(&format!("'{sign}'"))
    }

    /// A node, unless it is too deep.
    fn node(&mut self, at: u32, kind: Kind) -> Parsed {
        let made = Expr::new(at, kind);
        if made.depth > DEPTH { self.too_deep() } else { Ok(made) }
    }

    fn too_deep<T>(&mut self) -> Result<T, Told> {
        self.fail(0, format!("expression recursion limit exceeded: {DEPTH}"))
    }

    pub(super) fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return self.too_deep();
        }
        let mut found = self.binary(1)?;
        let at = self.here().at;
        if self.take("?") {
            let yes = self.binary(1)?;
            self.expect(":")?;
            let no = self.expression()?;
            found = self.checked(Expr::call(at, "_?_:_", vec![found, yes, no]))?;
        }
        self.depth -= 1;
        Ok(found)
    }

    fn checked(&mut self, made: Expr) -> Parsed {
        if made.depth > DEPTH { self.too_deep() } else { Ok(made) }
    }

    fn binary(&mut self, least: u8) -> Parsed {
        let mut left = self.unary()?;
        loop {
            let found = BINARY.iter().find(|(sign, _, level)| *level >= least && self.next_is(sign));
            let Some((sign, name, level)) = found else { return Ok(left) };
            let mut places = vec![self.here().at];
            self.at += 1;
            let right = self.binary(level + 1)?;
            if *level > 2 {
                left = self.checked(Expr::call(places[0], name, vec![left, right]))?;
                continue;
            }
            // Long chains of the same logic become balanced trees.
            let mut terms = vec![left, right];
            while self.next_is(sign) {
                places.push(self.here().at);
                self.at += 1;
                terms.push(self.binary(level + 1)?);
            }
            left = balanced(name, &mut terms.into_iter(), &places, places.len() + 1);
            left = self.checked(left)?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let at = self.here().at;
        for (sign, name) in [("!", "!_"), ("-", "-_")] {
            let mut count = 0u32;
            while self.next_is(sign) {
                // A minus right before a number belongs to it.
                let number = self.tokens.get(self.at + 1).map(|next| &next.token);
                if sign == "-" && count.is_multiple_of(2) {
                    let value = match number {
                        Some(Token::Literal(Val::Int(n))) => Some(Val::Int(n.wrapping_neg())),
                        Some(Token::Literal(Val::Double(n))) => Some(Val::Double(-n)),
                        _ => None,
                    };
                    if let Some(value) = value {
                        let at = self.here().at;
                        self.at += 2;
                        let of = self.parts_of(Expr::literal(at, value))?;
                        return Ok(of);
                    }
                }
                self.at += 1;
                count += 1;
            }
            if count > 0 {
                let of = self.member()?;
                return if count % 2 == 1 { self.checked(Expr::call(at, name, vec![of])) } else { Ok(of) };
            }
        }
        self.member()
    }

    fn member(&mut self) -> Parsed {
        let found = self.primary()?;
        self.parts_of(found)
    }

    /// What follows an operand: fields, methods, indices.
    fn parts_of(&mut self, mut found: Expr) -> Parsed {
        loop {
            let at = self.here().at;
            if self.take(".") {
                let optional = self.take("?");
                let quoted = matches!(self.here().token, Token::Quoted(_));
                let (name, place) = self.field_name()?;
                let open = self.here().at;
                if optional {
                    let field = Expr::literal(place, Val::from(name.as_str()));
                    found = self.checked(Expr::call(at, "_?._", vec![found, field]))?;
                } else if !quoted && self.take("(") {
                    let args = self.list(")")?.into_iter().map(|(item, _)| item).collect();
                    found = macros::method(self, open, found, &name, args)?;
                    found = self.checked(found)?;
                } else {
                    found = self.node(at, Kind::Select(Box::new(found), name, false))?;
                }
            } else if self.take("[") {
                let name = if self.take("?") { "_[?_]" } else { "_[_]" };
                let index = self.expression()?;
                self.expect("]")?;
                found = self.checked(Expr::call(at, name, vec![found, index]))?;
            } else if self.next_is("{") {
                let Some(name) = found.qualified() else { return Ok(found) };
                self.at += 1;
                found = self.fields(at, name)?;
            } else {
                return Ok(found);
            }
        }
    }

    fn field_name(&mut self) -> Result<(String, u32), Told> {
        let at = self.here().at;
        match self.here().token.clone() {
            Token::Name(name) if name != "in" => {
                self.at += 1;
                Ok((name, at))
            }
            Token::Quoted(name) => {
                self.at += 1;
                Ok((name, at))
            }
            Token::End => self.fail(at, "Syntax error: no viable alternative at input '.'"),
            _ => self.unexpected("{'?', IDENTIFIER, ESC_IDENTIFIER}"),
        }
    }

    /// The fields of an object of a type.
    fn fields(&mut self, at: u32, name: String) -> Parsed {
        let mut fields = Vec::new();
        while !self.take("}") {
            if !fields.is_empty() {
                self.expect(",")?;
                if self.take("}") {
                    break;
                }
            }
            let optional = self.take("?");
            let (field, _) = self.field_name()?;
            let place = self.here().at;
            self.expect(":")?;
            fields.push((place, field, self.expression()?, optional));
        }
        self.node(at, Kind::Struct(name, fields))
    }

    /// Expressions up to a closing sign.
    fn list(&mut self, end: &str) -> Result<Vec<(Expr, bool)>, Told> {
        let mut out = Vec::new();
        while !self.take(end) {
            if !out.is_empty() {
                if !self.next_is(",") {
                    self.expect(end)?;
                    break;
                }
                self.at += 1;
                if end != ")" && self.take(end) {
                    break;
                }
            }
            let optional = end == "]" && self.take("?");
            out.push((self.expression()?, optional));
        }
        Ok(out)
    }

    fn primary(&mut self) -> Parsed {
        let at = self.here().at;
        if self.take("(") {
            let found = self.expression()?;
            self.expect(")")?;
            return Ok(found);
        }
        if self.take("[") {
            let items = self.list("]")?;
            return self.node(at, Kind::List(items));
        }
        if self.take("{") {
            let mut pairs = Vec::new();
            while !self.take("}") {
                if !pairs.is_empty() {
                    if !self.next_is(",") {
                        self.expect("}")?;
                        break;
                    }
                    self.at += 1;
                    if self.take("}") {
                        break;
                    }
                }
                let optional = self.take("?");
                let key = self.expression()?;
                self.expect(":")?;
                pairs.push((key, self.expression()?, optional));
            }
            return self.node(at, Kind::Map(pairs));
        }
        if let Token::Literal(value) = self.here().token.clone() {
            self.at += 1;
            // The largest number and one more: only with a minus before it.
            if matches!(value, Val::Int(i64::MIN)) {
                return self.fail(at, "Syntax error: invalid int literal");
            }
            return Ok(Expr::literal(at, value));
        }
        let leading = self.take(".");
        let Token::Name(name) = self.here().token.clone() else { return self.operand_missing() };
        if name == "in" {
            return self.operand_missing();
        }
        let place = self.here().at;
        self.at += 1;
        if RESERVED.contains(&name.as_str()) {
            return self.fail(place, format!("Syntax error: reserved identifier: {name}"));
        }
        let full = if leading { format!(".{name}") } else { name };
        let open = self.here().at;
        if self.take("(") {
            let args = self.list(")")?.into_iter().map(|(item, _)| item).collect();
            let made = macros::function(self, open, full.trim_start_matches('.'), args)?;
            return self.checked(made);
        }
        Ok(Expr::ident(place, full.trim_start_matches('.')))
    }

    fn operand_missing<T>(&mut self) -> Result<T, Told> {
        let starts = |token: &Token| match token {
            Token::Literal(_) | Token::Name(_) => true,
            Token::Sign(sign) => ["[", "{", "(", ".", "-", "!"].contains(sign),
            _ => false,
        };
        let next = self.tokens.get(self.at + 1).is_some_and(|next| starts(&next.token));
        if next && self.here().token != Token::End {
            let (at, text) = (self.here().at, self.here().text.clone());
            return self.fail(at, format!("Syntax error: extraneous input '{text}' expecting {OPERAND}"));
        }
        self.unexpected(OPERAND)
    }
}

fn balanced(name: &str, terms: &mut std::vec::IntoIter<Expr>, places: &[u32], count: usize) -> Expr {
    if count == 1 {
        // There is one more term than there are places.
        return terms.next().unwrap_or_else(|| Expr::literal(0, Val::Null));
    }
    let left = count.div_ceil(2);
    let a = balanced(name, terms, &places[..left - 1], left);
    let b = balanced(name, terms, &places[left..], count - left);
    Expr::call(places[left - 1], name, vec![a, b])
}
