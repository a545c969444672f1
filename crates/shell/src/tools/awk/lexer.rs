//! awk's text to tokens.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name with an opening parenthesis directly behind it.
    FunctionName(String),
    /// A keyword, an operator or a bracket.
    Symbol(&'static str),
    Newline,
    End,
}

const KEYWORDS: &[&str] = &[
    "BEGIN", "END", "function", "func", "if", "else", "while", "for", "do", "break", "continue", "next", "nextfile",
    "exit", "return", "delete", "in", "getline", "print", "printf",
];
/// Longest first.
const OPERATORS: &[&str] = &[
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=", ">=", "!=", ">>", "!~", "{",
    "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

/// The tokens of a program.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let chars: Vec<char> = source.chars().collect();
    let mut lexer = Lexer { chars, at: 0, tokens: Vec::new() };
    while lexer.next()? {}
    lexer.tokens.push(Token::Newline);
    lexer.tokens.push(Token::End);
    Ok(lexer.tokens)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn next(&mut self) -> Result<bool, String> {
        let c = self.peek(0);
        match c {
            '\0' if self.at >= self.chars.len() => return Ok(false),
            '\n' => {
                self.at += 1;
                self.tokens.push(Token::Newline);
            }
            '\\' if self.peek(1) == '\n' => self.at += 2,
            '\\' if self.peek(1) == '\r' && self.peek(2) == '\n' => self.at += 3,
            c if c.is_whitespace() => self.at += 1,
            '#' => {
                while self.at < self.chars.len() && self.peek(0) != '\n' {
                    self.at += 1;
                }
            }
            '"' => self.text()?,
            '/' if self.regex_may_follow() => self.regex()?,
            c if c.is_ascii_digit() || (c == '.' && self.peek(1).is_ascii_digit()) => self.number(),
            c if c.is_ascii_alphabetic() || c == '_' => self.name(),
            _ => self.operator()?,
        }
        Ok(true)
    }

    /// A slash begins a pattern where a value may begin; behind a value it divides.
    fn regex_may_follow(&self) -> bool {
        !matches!(
            self.tokens.last(),
            Some(
                Token::Number(_)
                    | Token::Text(_)
                    | Token::Name(_)
                    | Token::Regex(_)
                    | Token::Symbol(")" | "]" | "$" | "++" | "--")
            )
        )
    }

    fn text(&mut self) -> Result<(), String> {
        let mut text = String::new();
        self.at += 1;
        loop {
            match self.peek(0) {
                '\0' | '\n' => return Err("unterminated string".into()),
                '"' => break,
                '\\' => {
                    self.at += 1;
                    self.escape(&mut text);
                }
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        self.tokens.push(Token::Text(text));
        Ok(())
    }

    fn escape(&mut self, text: &mut String) {
        let c = self.peek(0);
        self.at += 1;
        match c {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'a' => text.push('\x07'),
            'b' => text.push('\x08'),
            'f' => text.push('\x0c'),
            'v' => text.push('\x0b'),
            '\n' => {}
            '"' | '\\' | '/' => text.push(c),
            '0'..='7' => {
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(digit) = self.peek(0).to_digit(8) {
                        code = code * 8 + digit;
                        self.at += 1;
                    }
                }
                text.extend(char::from_u32(code));
            }
            // What means nothing stays as it is, for patterns in strings.
            c => text.extend(['\\', c]),
        }
    }

    fn regex(&mut self) -> Result<(), String> {
        let mut pattern = String::new();
        let mut in_class = false;
        self.at += 1;
        loop {
            match self.peek(0) {
                '\0' | '\n' => return Err("unterminated regexp".into()),
                '/' if !in_class => break,
                '\\' if self.peek(1) == '/' => {
                    pattern.push('/');
                    self.at += 2;
                }
                '\\' => {
                    pattern.extend(['\\', self.peek(1)]);
                    self.at += 2;
                }
                c => {
                    in_class = match c {
                        '[' => true,
                        ']' => false,
                        _ => in_class,
                    };
                    pattern.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        self.tokens.push(Token::Regex(pattern));
        Ok(())
    }

    fn number(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_digit() || self.peek(0) == '.' {
            self.at += 1;
        }
        let exponent = usize::from(matches!(self.peek(1), '+' | '-'));
        if matches!(self.peek(0), 'e' | 'E') && self.peek(1 + exponent).is_ascii_digit() {
            self.at += 1 + exponent;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        let text: String = self.chars[start..self.at].iter().collect();
        self.tokens.push(Token::Number(super::value::number_prefix(&text)));
    }

    fn name(&mut self) {
        let start = self.at;
        while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == '_' {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        let token = match KEYWORDS.iter().find(|keyword| **keyword == name) {
            Some(keyword) => Token::Symbol(keyword),
            None if self.peek(0) == '(' => Token::FunctionName(name),
            None => Token::Name(name),
        };
        self.tokens.push(token);
    }

    fn operator(&mut self) -> Result<(), String> {
        let starts = |operator: &&&str| operator.chars().enumerate().all(|(i, c)| self.peek(i) == c);
        let Some(operator) = OPERATORS.iter().find(starts) else {
            return Err(format!("syntax error near {}", self.peek(0)));
        };
        self.at += operator.len();
        self.tokens.push(Token::Symbol(operator));
        Ok(())
    }
}
