//! From tokens to a tree.

use drydock_sorted::SortedMap;

use super::lex::{Token, TokenKind, lex};
use super::{Branch, Command, Node, Pipe, Word, WordKind, funcs};
use crate::failure::quote;

type Result<T> = std::result::Result<T, String>;

/// How deep actions and parentheses may nest.
const MAX_DEPTH: u32 = 200;

pub(super) fn parse(name: &str, text: &str) -> Result<SortedMap<String, Vec<Node>>> {
    let mut parser = Parser {
        name,
        text,
        tokens: lex(text),
        at: 0,
        variables: vec!["$".to_owned()],
        templates: SortedMap::new(),
        ranges: 0,
        action_line: 0,
        depth: 0,
    };
    let mut nodes = Vec::new();
    loop {
        if parser.peek().kind == TokenKind::End {
            break;
        }
        if parser.peek().kind == TokenKind::LeftDelimiter && parser.keyword_after_delimiter("define") {
            parser.definition()?;
            continue;
        }
        match parser.text_or_action()? {
            Item::Node(node) => nodes.push(node),
            Item::End => return Err(parser.error("unexpected {{end}}")),
            Item::Else(_) => return Err(parser.error("unexpected {{else}}")),
        }
    }
    parser.templates.insert(name.to_owned(), nodes);
    Ok(parser.templates)
}

struct Parser<'t> {
    name: &'t str,
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    variables: Vec<String>,
    templates: SortedMap<String, Vec<Node>>,
    ranges: u32,
    action_line: usize,
    depth: u32,
}

enum Item {
    Node(Node),
    End,
    /// `{{else}}`, and whether `if` or `with` follows.
    Else(Option<&'static str>),
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        // The last token is the end or an error, and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len());
        token
    }

    fn peek_non_space(&mut self) -> &Token {
        while self.peek().kind == TokenKind::Space {
            self.at += 1;
        }
        self.peek()
    }

    fn next_non_space(&mut self) -> Token {
        self.peek_non_space();
        self.next()
    }

    fn keyword_after_delimiter(&self, word: &str) -> bool {
        let after = self.tokens.get(self.at + 1..).unwrap_or_default().iter();
        let mut after = after.filter(|token| token.kind != TokenKind::Space);
        after.next().is_some_and(|token| token.kind == TokenKind::Keyword && token.text == word)
    }

    fn error(&self, words: impl AsRef<str>) -> String {
        let line = self.tokens.get(self.at.saturating_sub(1)).map_or(1, |token| token.line);
        format!("template: {}:{line}: {}", self.name, words.as_ref())
    }

    fn unexpected(&self, token: &Token, context: &str) -> String {
        if token.kind == TokenKind::Error {
            let mut extra = String::new();
            if self.action_line != 0 && self.action_line != token.line {
                let started = format!(" started at {}:{}", self.name, self.action_line);
                extra = if token.text.ends_with(" action") { started } else { format!(" in action{started}") };
            }
            return format!("template: {}:{}: {}{extra}", self.name, token.line, token.text);
        }
        format!("template: {}:{}: unexpected {} in {context}", self.name, token.line, token.show())
    }

    fn expect(&mut self, kind: TokenKind, context: &str) -> Result<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    fn string(&self, token: &Token) -> Result<String> {
        match token.kind {
            TokenKind::RawString => Ok(token.text.trim_matches('`').to_owned()),
            _ => unquote(&token.text).ok_or_else(|| self.error("invalid syntax")),
        }
    }

    fn definition(&mut self) -> Result<()> {
        let context = "define clause";
        self.next();
        self.next_non_space();
        let token = self.next_non_space();
        if !matches!(token.kind, TokenKind::String | TokenKind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        let name = self.string(&token)?;
        self.expect(TokenKind::RightDelimiter, context)?;
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let (nodes, end) = self.list()?;
        self.variables = variables;
        if !matches!(end, Item::End) {
            return Err(self.error(format!("unexpected {{{{else}}}} in {context}")));
        }
        self.templates.insert(name, nodes);
        Ok(())
    }

    /// Nodes up to `{{end}}` or `{{else}}`.
    fn list(&mut self) -> Result<(Vec<Node>, Item)> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("actions are nested too deeply"));
        }
        let mut nodes = Vec::new();
        while self.peek_non_space_text().kind != TokenKind::End {
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                end => {
                    self.depth -= 1;
                    return Ok((nodes, end));
                }
            }
        }
        self.at += 1;
        Err(self.error("unexpected EOF"))
    }

    fn peek_non_space_text(&self) -> &Token {
        self.peek()
    }

    fn text_or_action(&mut self) -> Result<Item> {
        let token = self.next_non_space();
        match token.kind {
            TokenKind::Text => Ok(Item::Node(Node::Text(token.text))),
            TokenKind::LeftDelimiter => {
                self.action_line = token.line;
                let item = self.action();
                self.action_line = 0;
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item> {
        let token = self.peek_non_space().clone();
        if token.kind == TokenKind::Keyword {
            self.next();
            return match token.text.as_str() {
                "if" => self.branch("if").map(|b| Item::Node(Node::If(b))),
                "with" => self.branch("with").map(|b| Item::Node(Node::With(b))),
                "range" => self.branch("range").map(|b| Item::Node(Node::Range(b))),
                "end" => {
                    self.expect(TokenKind::RightDelimiter, "end")?;
                    Ok(Item::End)
                }
                "else" => {
                    let next = self.peek_non_space().clone();
                    match (next.kind, next.text.as_str()) {
                        (TokenKind::Keyword, "if") => return Ok(Item::Else(Some("if"))),
                        (TokenKind::Keyword, "with") => return Ok(Item::Else(Some("with"))),
                        _ => {}
                    }
                    self.expect(TokenKind::RightDelimiter, "else")?;
                    Ok(Item::Else(None))
                }
                "template" => self.template(),
                "block" => self.block(),
                "break" | "continue" => {
                    let next = self.next_non_space();
                    if next.kind != TokenKind::RightDelimiter {
                        return Err(self.unexpected(&next, &format!("{{{{{}}}}}", token.text)));
                    }
                    if self.ranges == 0 {
                        return Err(self.error(format!("{{{{{}}}}} outside {{{{range}}}}", token.text)));
                    }
                    Ok(Item::Node(if token.text == "break" { Node::Break } else { Node::Continue }))
                }
                _ => Err(self.unexpected(&token, "command")),
            };
        }
        let pipe = self.pipeline("command", TokenKind::RightDelimiter)?;
        Ok(Item::Node(Node::Action(pipe)))
    }

    fn branch(&mut self, context: &'static str) -> Result<Branch> {
        let variables = self.variables.len();
        let pipe = self.pipeline(context, TokenKind::RightDelimiter)?;
        self.ranges += u32::from(context == "range");
        let (then, end) = self.list()?;
        self.ranges -= u32::from(context == "range");
        let otherwise = match end {
            Item::Else(Some(word)) if word == context && context != "range" => {
                self.next_non_space();
                let inner = self.branch(word)?;
                vec![if word == "if" { Node::If(inner) } else { Node::With(inner) }]
            }
            Item::Else(None) => {
                let (otherwise, end) = self.list()?;
                if !matches!(end, Item::End) {
                    return Err(self.error("expected end; found {{else}}"));
                }
                otherwise
            }
            Item::Else(Some(_)) => {
                let token = self.next_non_space();
                return Err(self.unexpected(&token, "input"));
            }
            _ => Vec::new(),
        };
        self.variables.truncate(variables);
        Ok(Branch { pipe, then, otherwise })
    }

    fn template_name(&mut self, context: &str) -> Result<(usize, String)> {
        let token = self.next_non_space();
        if !matches!(token.kind, TokenKind::String | TokenKind::RawString) {
            return Err(self.unexpected(&token, context));
        }
        Ok((token.at, self.string(&token)?))
    }

    fn template(&mut self) -> Result<Item> {
        let (at, name) = self.template_name("template clause")?;
        let mut pipe = None;
        if self.peek_non_space().kind == TokenKind::RightDelimiter {
            self.next();
        } else {
            pipe = Some(self.pipeline("template clause", TokenKind::RightDelimiter)?);
        }
        Ok(Item::Node(Node::Template { at, name, pipe }))
    }

    fn block(&mut self) -> Result<Item> {
        let (at, name) = self.template_name("block clause")?;
        let pipe = self.pipeline("block clause", TokenKind::RightDelimiter)?;
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let (nodes, end) = self.list()?;
        self.variables = variables;
        if !matches!(end, Item::End) {
            return Err(self.error("unexpected {{else}} in block clause"));
        }
        self.templates.insert(name.clone(), nodes);
        Ok(Item::Node(Node::Template { at, name, pipe: Some(pipe) }))
    }

    fn pipeline(&mut self, context: &str, end: TokenKind) -> Result<Pipe> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("pipelines are nested too deeply"));
        }
        let first = self.peek_non_space().clone();
        let mut pipe =
            Pipe { at: first.at, text: String::new(), declares: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                if pipe.commands.is_empty() {
                    return Err(self.error(format!("missing value for {context}")));
                }
                // Only the first command may be a plain value.
                for command in pipe.commands.iter().skip(1) {
                    let plain = command.words.first().is_some_and(|word| {
                        matches!(
                            word.kind,
                            WordKind::Bool(_)
                                | WordKind::Dot
                                | WordKind::Nil
                                | WordKind::Int(_)
                                | WordKind::Float(_)
                                | WordKind::String(_)
                        )
                    });
                    if plain {
                        let place = pipe.commands.iter().position(|c| c.at == command.at).unwrap_or(1) + 1;
                        return Err(self.error(format!("non executable command in pipeline stage {place}")));
                    }
                }
                pipe.text = self.text.get(pipe.at..token.at).unwrap_or("").trim().to_owned();
                self.depth -= 1;
                return Ok(pipe);
            }
            match token.kind {
                TokenKind::Bool
                | TokenKind::CharConstant
                | TokenKind::Dot
                | TokenKind::Field
                | TokenKind::Identifier
                | TokenKind::Number
                | TokenKind::Nil
                | TokenKind::RawString
                | TokenKind::String
                | TokenKind::Variable
                | TokenKind::LeftParen => {
                    self.at -= 1;
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        loop {
            if self.peek_non_space().kind != TokenKind::Variable {
                return Ok(());
            }
            let before = self.at;
            let variable = self.next();
            let next = self.peek_non_space().clone();
            match next.kind {
                TokenKind::Assign | TokenKind::Declare => {
                    self.next();
                    pipe.assigns = next.kind == TokenKind::Assign;
                    pipe.declares.push(variable.text.clone());
                    if !pipe.assigns {
                        self.variables.extend(pipe.declares.iter().cloned());
                    }
                    return Ok(());
                }
                TokenKind::Char if next.text == "," => {
                    self.next();
                    pipe.declares.push(variable.text.clone());
                    if context == "range" && pipe.declares.len() < 2 {
                        let following = self.peek_non_space().clone();
                        match following.kind {
                            TokenKind::Variable | TokenKind::RightDelimiter | TokenKind::RightParen => continue,
                            _ => return Err(self.error("range can only initialize variables")),
                        }
                    }
                    return Err(self.error(format!("too many declarations in {context}")));
                }
                _ => {
                    // No declaration: the variable is an operand.
                    self.at = before;
                    return Ok(());
                }
            }
        }
    }

    fn command(&mut self) -> Result<Command> {
        let at = self.peek_non_space().at;
        let mut words = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(word) = self.operand()? {
                words.push(word);
            }
            let token = self.next();
            match token.kind {
                TokenKind::Space => continue,
                TokenKind::RightDelimiter | TokenKind::RightParen => {
                    self.at -= 1;
                }
                TokenKind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            if words.is_empty() {
                return Err(self.error("empty command"));
            }
            let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
            return Ok(Command { at, text, words });
        }
    }

    fn operand(&mut self) -> Result<Option<Word>> {
        let Some(word) = self.term()? else { return Ok(None) };
        if self.peek().kind != TokenKind::Field {
            return Ok(Some(word));
        }
        let at = self.peek().at;
        let mut fields = Vec::new();
        let mut text = word.text.clone();
        while self.peek().kind == TokenKind::Field {
            let token = self.next();
            text += &token.text;
            fields.push(token.text.trim_start_matches('.').to_owned());
        }
        let kind = match word.kind {
            WordKind::Field(mut first) => {
                first.extend(fields);
                WordKind::Field(first)
            }
            WordKind::Variable(name, mut first) => {
                first.extend(fields);
                WordKind::Variable(name, first)
            }
            WordKind::Bool(_)
            | WordKind::String(_)
            | WordKind::Int(_)
            | WordKind::Float(_)
            | WordKind::Nil
            | WordKind::Dot => {
                return Err(self.error(format!("unexpected . after term {}", quote(&word.text))));
            }
            _ => WordKind::Chain(Box::new(word.clone()), fields),
        };
        // The place of a chain is where its second part begins.
        Ok(Some(Word { at, text, kind }))
    }

    fn term(&mut self) -> Result<Option<Word>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            TokenKind::Identifier => {
                if !funcs::exists(&token.text) {
                    return Err(self.error(format!("function {} not defined", quote(&token.text))));
                }
                WordKind::Function(token.text.clone())
            }
            TokenKind::Dot => WordKind::Dot,
            TokenKind::Nil => WordKind::Nil,
            TokenKind::Variable => {
                if !self.variables.contains(&token.text) {
                    return Err(self.error(format!("undefined variable {}", quote(&token.text))));
                }
                WordKind::Variable(token.text.clone(), Vec::new())
            }
            TokenKind::Field => WordKind::Field(vec![token.text.trim_start_matches('.').to_owned()]),
            TokenKind::Bool => WordKind::Bool(token.text == "true"),
            TokenKind::CharConstant => {
                let inner = token.text.trim_start_matches('\'');
                let inner = inner.strip_suffix('\'').unwrap_or(inner);
                let text = unquote(&format!("\"{}\"", inner.replace("\\'", "'").replace('"', "\\\"")));
                let mut letters = text.as_deref().unwrap_or("").chars();
                match (letters.next(), letters.next()) {
                    (Some(c), None) => WordKind::Int(i64::from(c as u32)),
                    _ => return Err(self.error(format!("malformed character constant: {}", token.text))),
                }
            }
            TokenKind::Number => number(&token.text).ok_or_else(|| {
                // What has only digits means a whole number, which is too large then.
                let whole = token.text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit() || b == b'_');
                let what = if whole { "integer overflow" } else { "illegal number syntax" };
                self.error(format!("{what}: {}", quote(&token.text)))
            })?,
            TokenKind::String | TokenKind::RawString => WordKind::String(self.string(&token)?),
            TokenKind::LeftParen => {
                let pipe = self.pipeline("parenthesized pipeline", TokenKind::RightParen)?;
                let text = format!("({})", pipe.text);
                return Ok(Some(Word { at: token.at, text, kind: WordKind::Pipe(Box::new(pipe)) }));
            }
            _ => {
                self.at -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Word { at: token.at, text: token.text, kind }))
    }
}

fn number(text: &str) -> Option<WordKind> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let lower = digits.to_lowercase();
    let with_base = |digits: &str, base| i64::from_str_radix(digits, base).ok().map(|n| WordKind::Int(sign * n));
    if let Some(hex) = lower.strip_prefix("0x") {
        return with_base(hex, 16);
    }
    if let Some(octal) = lower.strip_prefix("0o") {
        return with_base(octal, 8);
    }
    if let Some(binary) = lower.strip_prefix("0b") {
        return with_base(binary, 2);
    }
    if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|byte| byte.is_ascii_digit()) {
        return with_base(&lower[1..], 8);
    }
    if let Ok(number) = plain.trim_start_matches('+').parse::<i64>() {
        return Some(WordKind::Int(number));
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    plain.trim_start_matches('+').parse::<f64>().ok().filter(|number| number.is_finite()).map(WordKind::Float)
}

/// A Go string literal in double quotes.
pub(super) fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut out: Vec<u8> = Vec::new();
    let mut letters = inner.chars();
    while let Some(c) = letters.next() {
        if c != '\\' {
            out.extend(c.to_string().bytes());
            continue;
        }
        let escape = letters.next()?;
        let mut code = |first: Option<char>, digits: usize, radix: u32| {
            let text: String = first.into_iter().chain(letters.by_ref().take(digits)).collect();
            u32::from_str_radix(&text, radix).ok()
        };
        let unicode = match escape {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            '\\' => 92,
            '"' => 34,
            'x' => {
                out.push(u8::try_from(code(None, 2, 16)?).ok()?);
                continue;
            }
            'u' => code(None, 4, 16)?,
            'U' => code(None, 8, 16)?,
            c @ '0'..='7' => {
                out.push(u8::try_from(code(Some(c), 2, 8)?).ok()?);
                continue;
            }
            _ => return None,
        };
        out.extend(char::from_u32(unicode)?.to_string().bytes());
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
