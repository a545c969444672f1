//! Reading an expression.

use super::{Bound, Node};

type Result<T> = std::result::Result<T, String>;

pub(super) fn parse(text: &str) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            nodes.push(Node::Text(rest[..open].to_owned()));
        }
        let mut parser = Parser { rest: &rest[open + 1..], nodes: Vec::new(), depth: 0 };
        parser.action()?;
        rest = parser.rest;
        nodes.push(Node::List(parser.nodes));
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.to_owned()));
    }
    Ok(nodes)
}

/// An expression without its braces.
fn parse_action(text: &str, depth: u32) -> Result<Vec<Node>> {
    if depth > 100 {
        return Err("expression is nested too deeply".into());
    }
    let text = format!("{text}}}");
    let mut parser = Parser { rest: &text, nodes: Vec::new(), depth };
    parser.action()?;
    Ok(parser.nodes)
}

struct Parser<'a> {
    rest: &'a str,
    nodes: Vec<Node>,
    depth: u32,
}

fn is_terminator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Everything up to and with the closing brace.
    fn action(&mut self) -> Result<()> {
        loop {
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(());
            }
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                self.filter()?;
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("..") {
                self.rest = rest;
                self.recursive()?;
                continue;
            }
            match self.peek() {
                None | Some('\r' | '\n') => return Err("unclosed action".into()),
                Some(' ' | '@' | '$') => {
                    self.take(1);
                }
                Some('[') => self.array()?,
                Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
                Some('.') => {
                    self.take(1);
                    self.field();
                }
                Some(c) if c == '+' || c == '-' || c.is_numeric() => self.number()?,
                Some(c) if c == '_' || c.is_alphabetic() => {
                    let end = self.rest.find(is_terminator).unwrap_or(self.rest.len());
                    let word = self.take(end);
                    self.nodes.push(match word {
                        "true" => Node::Bool(true),
                        "false" => Node::Bool(false),
                        word => Node::Identifier(word.to_owned()),
                    });
                }
                Some(c) => return Err(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32)),
            }
        }
    }

    fn recursive(&mut self) -> Result<()> {
        if self.nodes.last() == Some(&Node::Recursive) {
            return Err("invalid multiple recursive descent".into());
        }
        self.nodes.push(Node::Recursive);
        if self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.field();
        }
        Ok(())
    }

    fn field(&mut self) {
        let mut end = self.rest.len();
        let mut escaped = false;
        for (at, c) in self.rest.char_indices() {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if is_terminator(c) {
                end = at;
                break;
            }
        }
        let name = self.take(end);
        self.nodes.push(if name == "*" { Node::Wildcard } else { Node::Field(name.replace('\\', "")) });
    }

    fn number(&mut self) -> Result<()> {
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = &self.rest[sign..];
        let end = sign + digits.find(|c: char| c != '.' && !c.is_numeric()).unwrap_or(digits.len());
        let text = self.take(end);
        if let Ok(number) = text.parse::<i64>() {
            self.nodes.push(Node::Int(number));
        } else if let Ok(number) = text.parse::<f64>() {
            self.nodes.push(Node::Float(number));
        } else {
            return Err(format!("cannot parse number {text}"));
        }
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<()> {
        let mut previous = ' ';
        for (at, c) in self.rest.char_indices().skip(1) {
            if c == '\n' {
                break;
            }
            if c == quote && previous != '\\' {
                let text = self.take(at + 1);
                let inner = &text[1..text.len() - 1];
                let words =
                    unquote(inner, quote).ok_or_else(|| format!("unquote string {text} error invalid syntax"))?;
                self.nodes.push(Node::Text(words));
                return Ok(());
            }
            previous = c;
        }
        Err("unterminated quoted string".into())
    }

    fn array(&mut self) -> Result<()> {
        let end = self.rest.find([']', '\n']).filter(|at| self.rest[*at..].starts_with(']'));
        let Some(end) = end else { return Err("unterminated array".into()) };
        let text = self.take(end + 1);
        let text = &text[1..text.len() - 1];
        let text = if text == "*" { ":" } else { text };
        if text.contains(',') {
            let parts: Result<Vec<Vec<Node>>> = text
                .split(',')
                .map(|part| parse_action(&format!("[{}]", part.trim_matches(' ')), self.depth + 1))
                .collect();
            self.nodes.push(Node::Union(parts?));
            return Ok(());
        }
        if let Some(key) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
            && !key.contains('\'')
        {
            self.nodes.extend(parse_action(&format!(".{key}"), self.depth + 1)?);
            return Ok(());
        }
        self.nodes.push(Node::Array(bounds(text)?));
        Ok(())
    }

    fn filter(&mut self) -> Result<()> {
        let (mut begin, mut end, mut pair, mut previous) = (false, false, ' ', ' ');
        let mut close = None;
        for (at, c) in self.rest.char_indices() {
            match c {
                '\n' => break,
                '"' | '\'' if !begin => (begin, pair) = (true, c),
                '"' | '\'' if previous != '\\' && c == pair => end = true,
                ')' if begin == end => {
                    close = Some(at);
                    break;
                }
                _ => {}
            }
            previous = c;
        }
        let Some(close) = close else { return Err("unterminated filter".into()) };
        let text = self.take(close);
        self.take(1);
        if self.peek() != Some(']') {
            return Err("unclosed array expect ]".into());
        }
        self.take(1);
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let depth = self.depth + 1;
        let split = text.find(is_operator).filter(|at| *at > 0).and_then(|at| {
            let (left, rest) = text.split_at(at);
            let end = rest.find(|c| !is_operator(c))?;
            let (operator, right) = rest.split_at(end);
            Some((left, operator, right))
        });
        self.nodes.push(match split {
            Some((left, operator, right)) => {
                Node::Filter(parse_action(left, depth)?, parse_action(right, depth)?, operator.to_owned())
            }
            None => Node::Filter(parse_action(text, depth)?, Vec::new(), "exists".into()),
        });
        Ok(())
    }
}

fn bounds(text: &str) -> Result<[Bound; 3]> {
    let parts: Vec<&str> = text.split(':').collect();
    let formed = |part: &&str| part.strip_prefix('-').unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(formed) {
        return Err(format!("invalid array index {text}"));
    }
    let mut bounds = [Bound::default(); 3];
    for (i, bound) in bounds.iter_mut().enumerate() {
        if let Some(part) = parts.get(i).filter(|part| !part.is_empty()) {
            let value = part.parse().map_err(|_| format!("array index {part} is not a number"))?;
            *bound = Bound { value, known: true, derived: false };
        }
    }
    if parts.len() == 1 {
        // One number alone, or none: the end is the next one.
        bounds[1] = Bound { value: bounds[0].value.saturating_add(1), known: true, derived: true };
    }
    Ok(bounds)
}

/// Go's escapes within quotes.
fn unquote(text: &str, quote: char) -> Option<String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        if c == quote {
            return None;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = letters.next()?;
        let mut code = |first: &str, digits: usize, radix: u32| {
            let text: String = first.chars().chain(letters.by_ref().take(digits)).collect();
            u32::from_str_radix(&text, radix).ok().and_then(char::from_u32)
        };
        out.push(match escape {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            c if c == quote => c,
            'x' => code("", 2, 16)?,
            'u' => code("", 4, 16)?,
            'U' => code("", 8, 16)?,
            c @ '0'..='7' => code(c.encode_utf8(&mut [0; 4]), 2, 8)?,
            _ => return None,
        });
    }
    Some(out)
}
