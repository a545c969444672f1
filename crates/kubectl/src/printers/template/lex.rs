//! Tokens of a template.

/// A token: what it is, its text, its place and line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub text: String,
    pub at: usize,
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    Error,
    Bool,
    Char,
    CharConstant,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    /// `if`, `range`, `end` and so on.
    Keyword,
}

impl Token {
    /// As Go's errors show it.
    pub fn show(&self) -> String {
        match self.kind {
            TokenKind::End => "EOF".into(),
            TokenKind::Error => self.text.clone(),
            TokenKind::Keyword | TokenKind::Dot | TokenKind::Nil => format!("<{}>", self.text),
            _ if self.text.chars().count() > 10 => {
                let short: String = self.text.chars().take(10).collect();
                format!("{}...", crate::failure::quote(&short))
            }
            _ => crate::failure::quote(&self.text),
        }
    }
}

const KEYWORDS: [&str; 9] = ["block", "break", "continue", "define", "else", "end", "if", "range", "template"];

/// The tokens of a text. The last is the end, or an error.
pub(super) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, start: 0, parens: 0, tokens: Vec::new() };
    lexer.run();
    lexer.tokens
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    start: usize,
    parens: usize,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.get(..at).unwrap_or("").bytes().filter(|byte| *byte == b'\n').count()
    }

    fn emit(&mut self, kind: TokenKind) {
        let text = self.text.get(self.start..self.at).unwrap_or("").to_owned();
        self.tokens.push(Token { kind, text, at: self.start, line: self.line(self.start) });
        self.start = self.at;
    }

    fn error(&mut self, words: impl Into<String>) {
        let line = self.line(self.start);
        self.tokens.push(Token { kind: TokenKind::Error, text: words.into(), at: self.start, line });
    }

    fn run(&mut self) {
        loop {
            let Some(open) = self.rest().find("{{") else {
                self.at = self.text.len();
                if self.at > self.start {
                    self.emit(TokenKind::Text);
                }
                self.emit(TokenKind::End);
                return;
            };
            let open = self.at + open;
            let after = &self.text[open + 2..];
            let trims = after.starts_with('-') && after[1..].starts_with([' ', '\t', '\r', '\n']);
            let text = &self.text[self.start..open];
            let kept = if trims { text.trim_end_matches([' ', '\t', '\r', '\n']) } else { text };
            if !kept.is_empty() {
                self.at = self.start + kept.len();
                self.emit(TokenKind::Text);
            }
            self.start = open;
            self.at = open + 2 + if trims { 2 } else { 0 };
            if self.rest().starts_with("/*") {
                if !self.comment() {
                    return;
                }
                continue;
            }
            let after_marker = self.at;
            self.at = open + 2;
            self.emit(TokenKind::LeftDelimiter);
            self.at = after_marker;
            self.start = after_marker;
            self.parens = 0;
            if !self.action() {
                return;
            }
        }
    }

    fn comment(&mut self) -> bool {
        let Some(end) = self.rest().find("*/") else {
            self.error("unclosed comment");
            return false;
        };
        self.at += end + 2;
        match self.right_delimiter() {
            Some((length, trims)) => {
                self.at += length;
                self.skip_space(trims);
                self.start = self.at;
                true
            }
            None => {
                self.error("comment ends before closing delimiter");
                false
            }
        }
    }

    fn skip_space(&mut self, trims: bool) {
        if trims {
            self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
        }
    }

    /// The length of a closing delimiter here, and whether it trims what follows.
    fn right_delimiter(&self) -> Option<(usize, bool)> {
        let rest = self.rest();
        if rest.starts_with("}}") {
            return Some((2, false));
        }
        let trimmed = rest.strip_prefix([' ', '\t', '\r', '\n'])?;
        trimmed.starts_with("-}}").then_some((4, true))
    }

    /// Everything up to the closing delimiter. False after an error.
    fn action(&mut self) -> bool {
        loop {
            if let Some((length, trims)) = self.right_delimiter() {
                if self.parens > 0 {
                    self.error("unclosed left paren");
                    return false;
                }
                if trims {
                    self.at += 2;
                    self.start = self.at;
                }
                self.at += length - if trims { 2 } else { 0 };
                self.emit(TokenKind::RightDelimiter);
                self.skip_space(trims);
                self.start = self.at;
                return true;
            }
            let Some(c) = self.peek() else {
                self.error("unclosed action");
                return false;
            };
            self.at += c.len_utf8();
            let good = match c {
                ' ' | '\t' | '\r' | '\n' => {
                    while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) && self.right_delimiter().is_none() {
                        self.at += 1;
                    }
                    self.emit(TokenKind::Space);
                    true
                }
                '=' => {
                    self.emit(TokenKind::Assign);
                    true
                }
                ':' if self.peek() == Some('=') => {
                    self.at += 1;
                    self.emit(TokenKind::Declare);
                    true
                }
                ':' => {
                    self.error("expected :=");
                    false
                }
                '|' => {
                    self.emit(TokenKind::Pipe);
                    true
                }
                '"' => self.quoted(),
                '`' => match self.rest().find('`') {
                    Some(end) => {
                        self.at += end + 1;
                        self.emit(TokenKind::RawString);
                        true
                    }
                    None => {
                        self.error("unterminated raw quoted string");
                        false
                    }
                },
                '$' => self.name(TokenKind::Variable, "variable"),
                '\'' => self.character(),
                '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => self.dot(),
                '.' | '+' | '-' | '0'..='9' => self.number(),
                '(' => {
                    self.emit(TokenKind::LeftParen);
                    self.parens += 1;
                    true
                }
                ')' => {
                    if self.parens == 0 {
                        self.error("unexpected right paren");
                        false
                    } else {
                        self.parens -= 1;
                        self.emit(TokenKind::RightParen);
                        true
                    }
                }
                c if c == '_' || c.is_alphanumeric() => self.identifier(),
                c if c.is_ascii() && !c.is_ascii_control() => {
                    self.emit(TokenKind::Char);
                    true
                }
                c => {
                    self.error(format!("unrecognized character in action: U+{:04X}", c as u32));
                    false
                }
            };
            if !good {
                return false;
            }
        }
    }

    fn word(&mut self) {
        while self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
    }

    /// Whether a word may end here.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(' | '=') => true,
            Some(_) => self.rest().starts_with("}}"),
        }
    }

    fn bad_character(&mut self) -> bool {
        let c = self.peek().unwrap_or(' ');
        self.error(format!("bad character U+{:04X} '{c}'", c as u32));
        false
    }

    fn name(&mut self, kind: TokenKind, _what: &str) -> bool {
        self.word();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind);
        true
    }

    fn dot(&mut self) -> bool {
        if self.at_terminator() {
            self.emit(TokenKind::Dot);
            return true;
        }
        self.name(TokenKind::Field, "field")
    }

    fn identifier(&mut self) -> bool {
        self.word();
        let word = self.text.get(self.start..self.at).unwrap_or("");
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(match word {
            "true" | "false" => TokenKind::Bool,
            "nil" => TokenKind::Nil,
            "with" => TokenKind::Keyword,
            word if KEYWORDS.contains(&word) => TokenKind::Keyword,
            _ => TokenKind::Identifier,
        });
        true
    }

    fn quoted(&mut self) -> bool {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices() {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at += at + 1;
                    self.emit(TokenKind::String);
                    return true;
                }
                _ => {}
            }
        }
        self.error("unterminated quoted string");
        false
    }

    fn character(&mut self) -> bool {
        let mut escaped = false;
        for (at, c) in self.rest().char_indices() {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\'' => {
                    self.at += at + 1;
                    self.emit(TokenKind::CharConstant);
                    return true;
                }
                _ => {}
            }
        }
        self.error("unterminated character constant");
        false
    }

    fn number(&mut self) -> bool {
        self.at = self.start;
        if self.rest().starts_with(['+', '-']) {
            self.at += 1;
        }
        let hex = self.rest().starts_with("0x") || self.rest().starts_with("0X");
        if hex {
            self.at += 2;
        }
        let mut previous = ' ';
        while let Some(c) = self.peek() {
            let exponent = !hex && matches!(previous, 'e' | 'E') && matches!(c, '+' | '-');
            let digit = c.is_ascii_digit() || c == '_' || c == '.' || (hex && c.is_ascii_hexdigit());
            if !(digit || exponent || (!hex && matches!(c, 'e' | 'E' | 'o' | 'O' | 'b' | 'B'))) {
                break;
            }
            previous = c;
            self.at += 1;
        }
        if self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.at += self.peek().map_or(0, char::len_utf8);
            let text = self.text.get(self.start..self.at).unwrap_or("").to_owned();
            self.error(format!("bad number syntax: {}", crate::failure::quote(&text)));
            return false;
        }
        self.emit(TokenKind::Number);
        true
    }
}
