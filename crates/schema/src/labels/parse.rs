//! The text form of label selectors.

use drydock_sorted::Sort;

use super::{Operator, Requirement};
use crate::go::quote;
use crate::names::is_qualified_name;

/// Reads a selector's requirements.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    Parser { tokens: lex(text), at: 0 }.selector()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    End,
    Identifier,
    In,
    NotIn,
    Operator(Operator),
    Not,
    Comma,
    Open,
    Close,
    Wrong,
}

fn special(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn symbol(text: &str) -> Option<Token> {
    Some(match text {
        "=" => Token::Operator(Operator::Equals),
        "==" => Token::Operator(Operator::DoubleEquals),
        "!=" => Token::Operator(Operator::NotEquals),
        ">" => Token::Operator(Operator::GreaterThan),
        "<" => Token::Operator(Operator::LessThan),
        "!" => Token::Not,
        "," => Token::Comma,
        "(" => Token::Open,
        ")" => Token::Close,
        _ => return None,
    })
}

fn lex(text: &str) -> Vec<(Token, String)> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(first) = rest.chars().next() {
        let length = if special(first) {
            // The longest symbol wins; no symbol has more than two characters.
            (1..=2).rev().find(|length| rest.get(..*length).is_some_and(|text| symbol(text).is_some())).unwrap_or(1)
        } else {
            rest.find(|c: char| special(c) || matches!(c, ' ' | '\t' | '\r' | '\n')).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(length);
        let token = match word {
            "in" => Token::In,
            "notin" => Token::NotIn,
            _ if special(first) => symbol(word).unwrap_or(Token::Wrong),
            _ => Token::Identifier,
        };
        tokens.push((token, word.to_owned()));
        rest = after.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    tokens.push((Token::End, String::new()));
    tokens
}

struct Parser {
    tokens: Vec<(Token, String)>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> (Token, &str) {
        self.tokens.get(self.at).map_or((Token::End, ""), |(token, word)| (*token, word.as_str()))
    }

    /// Where a value may stand, `in` and `notin` are words like others.
    fn peek_value(&self) -> (Token, &str) {
        match self.peek() {
            (Token::In | Token::NotIn, word) => (Token::Identifier, word),
            other => other,
        }
    }

    fn next(&mut self) -> (Token, String) {
        let (token, word) = self.peek();
        let result = (token, word.to_owned());
        self.at += 1;
        result
    }

    fn next_value(&mut self) -> (Token, String) {
        let (token, word) = self.peek_value();
        let result = (token, word.to_owned());
        self.at += 1;
        result
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        loop {
            match self.peek_value() {
                (Token::Identifier | Token::Not, _) => {
                    let requirement = self.requirement();
                    requirements.push(requirement.map_err(|error| format!("unable to parse requirement: {error}"))?);
                    match self.next_value() {
                        (Token::End, _) => return Ok(requirements),
                        (Token::Comma, _) => match self.peek_value() {
                            (Token::Identifier | Token::Not, _) => {}
                            (_, word) => return Err(format!("found '{word}', expected: identifier after ','")),
                        },
                        (_, word) => return Err(format!("found '{word}', expected: ',' or 'end of string'")),
                    }
                }
                (Token::End, _) => return Ok(requirements),
                (_, word) => return Err(format!("found '{word}', expected: !, identifier, or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.next_value();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.next_value();
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let wrong = is_qualified_name(&key);
        if !wrong.is_empty() {
            return Err(format!("<nil>: Invalid value: {}: {}", quote(&key), wrong.join("; ")));
        }
        if negated {
            return Requirement::new(&key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek_value().0, Token::End | Token::Comma) {
            return Requirement::new(&key, Operator::Exists, Vec::new());
        }
        let operator = match self.next() {
            (Token::In, _) => Operator::In,
            (Token::NotIn, _) => Operator::NotIn,
            (Token::Operator(operator), _) => operator,
            (_, word) => return Err(format!("found '{word}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        let mut values =
            if matches!(operator, Operator::In | Operator::NotIn) { self.values()? } else { self.value()? };
        values.sort_compact();
        values.dedup();
        Requirement::new(&key, operator, values)
    }

    fn value(&mut self) -> Result<Vec<String>, String> {
        if matches!(self.peek_value().0, Token::End | Token::Comma) {
            return Ok(vec![String::new()]);
        }
        match self.next_value() {
            (Token::Identifier, word) => Ok(vec![word]),
            (_, word) => Err(format!("found '{word}', expected: identifier")),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.next_value() {
            (Token::Open, _) => {}
            (_, word) => return Err(format!("found '{word}' expected: '('")),
        }
        match self.peek_value() {
            (Token::Identifier | Token::Comma, _) => {
                let values = self.list()?;
                match self.next_value() {
                    (Token::Close, _) => Ok(values),
                    (_, word) => Err(format!("found '{word}', expected: ')'")),
                }
            }
            (Token::Close, _) => {
                self.at += 1;
                Ok(vec![String::new()])
            }
            (_, word) => Err(format!("found '{word}', expected: ',', ')' or identifier")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.next_value() {
                (Token::Identifier, word) => {
                    values.push(word);
                    match self.peek_value() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, word) => return Err(format!("found '{word}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.peek_value().0 {
                        Token::Close => {
                            values.push(String::new());
                            return Ok(values);
                        }
                        Token::Comma => {
                            self.at += 1;
                            values.push(String::new());
                        }
                        _ => {}
                    }
                }
                (_, word) => return Err(format!("found '{word}', expected: ',', or identifier")),
            }
        }
    }
}
