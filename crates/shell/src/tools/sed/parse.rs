//! Reads `sed` scripts.

use drydock_sorted::SortedMap;

use regex_lite::Regex;

use super::script::{Address, Command, Kind, Piece, Substitute};
use super::substitute::replacement;
use crate::tools::regex::{Syntax, compile};

struct Parser<'a> {
    chars: Vec<char>,
    at: usize,
    extended: bool,
    gnu: bool,
    commands: Vec<Command>,
    blocks: Vec<usize>,
    labels: SortedMap<String, usize>,
    branches: Vec<(usize, String)>,
    text: &'a str,
}

/// Reads a script.
pub(super) fn parse(text: &str, extended: bool, gnu: bool) -> Result<Vec<Command>, String> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        extended,
        gnu,
        commands: Vec::new(),
        blocks: Vec::new(),
        labels: SortedMap::new(),
        branches: Vec::new(),
        text,
    };
    // A first line `#n` is the option -n; it is rare enough to be a comment here.
    while parser.command()? {}
    if !parser.blocks.is_empty() {
        let message = if gnu { "-e expression #1, char 0: unmatched `{'" } else { "unmatched '{'" };
        return Err(message.to_owned());
    }
    let end = parser.commands.len();
    for (place, label) in std::mem::take(&mut parser.branches) {
        let target = match label.as_str() {
            "" => end,
            label => match parser.labels.get(label) {
                Some(target) => *target,
                None if gnu => {
                    return Err(format!(
                        "-e expression #1, char {}: can't find label for jump to `{label}'",
                        text.len()
                    ));
                }
                None => return Err(format!("can't find label for jump to '{label}'")),
            },
        };
        if let Some(Command { kind: Kind::Branch(at) | Kind::BranchIf(at) | Kind::BranchUnless(at), .. }) =
            parser.commands.get_mut(place)
        {
            *at = target;
        }
    }
    Ok(parser.commands)
}

impl Parser<'_> {
    fn failure(&self, gnu: &str, busybox: &str) -> String {
        if self.gnu {
            let _ = self.text;
            format!("-e expression #1, char {}: {gnu}", self.at)
        } else {
            busybox.to_owned()
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars.get(start..self.at)?.iter().collect::<String>().parse().ok()
    }

    /// The text up to an unescaped delimiter, which is consumed. An escaped one loses its backslash; `\n` becomes a line
    /// feed where the text is not a pattern.
    fn delimited(&mut self, delimiter: char, pattern: bool) -> Option<String> {
        let mut out = String::new();
        let mut in_bracket = false;
        loop {
            let c = self.next()?;
            match c {
                c if c == delimiter && !in_bracket => return Some(out),
                '\n' if pattern => return None,
                '\\' => {
                    let next = self.next()?;
                    if next == delimiter && !in_bracket {
                        // An escaped delimiter that means something in patterns stays literal.
                        if pattern
                            && matches!(
                                next,
                                '|' | '+' | '?' | '(' | ')' | '{' | '}' | '.' | '*' | '[' | ']' | '^' | '$'
                            )
                        {
                            out.push('\\');
                        }
                        out.push(next);
                    } else {
                        out.push('\\');
                        out.push(next);
                    }
                }
                '[' if pattern && !in_bracket => {
                    out.push(c);
                    // A bracket at the beginning of a bracket expression is literal.
                    if self.peek() == Some('^') {
                        out.extend(self.next());
                    }
                    if self.peek() == Some(']') {
                        out.extend(self.next());
                    }
                    // Without an end it is no bracket expression.
                    let rest = self.chars.get(self.at..).unwrap_or_default();
                    let line = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
                    in_bracket = rest.get(..line).unwrap_or_default().contains(&']');
                }
                '[' if in_bracket && self.peek() == Some(':') => {
                    out.push(c);
                    while let Some(c) = self.next() {
                        out.push(c);
                        if c == ']' {
                            break;
                        }
                    }
                }
                ']' if in_bracket => {
                    in_bracket = false;
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }

    fn regex(&mut self, pattern: &str, ignore_case: bool) -> Result<Option<Regex>, String> {
        if pattern.is_empty() {
            return Ok(None);
        }
        let syntax = if self.extended { Syntax::Extended } else { Syntax::Basic };
        compile(pattern, syntax, ignore_case).map(Some).map_err(|message| {
            let busybox = format!("bad regex '{pattern}': {message}");
            self.failure(&message, &busybox)
        })
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(Some(match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                let line = self.number().unwrap_or(0);
                if self.peek() == Some('~') {
                    self.at += 1;
                    Address::Step(line, self.number().unwrap_or(0))
                } else {
                    Address::Line(line)
                }
            }
            Some('$') => {
                self.at += 1;
                Address::Last
            }
            Some(c @ ('/' | '\\')) => {
                self.at += 1;
                let delimiter = if c == '\\' { self.next().unwrap_or('/') } else { '/' };
                let Some(pattern) = self.delimited(delimiter, true) else {
                    return Err(self.failure("unterminated address regex", &format!("unmatched '{delimiter}'")));
                };
                let mut ignore_case = false;
                while let Some(flag @ ('I' | 'M')) = self.peek() {
                    ignore_case |= flag == 'I';
                    self.at += 1;
                }
                Address::Regex(self.regex(&pattern, ignore_case)?)
            }
            _ => return Ok(None),
        }))
    }

    /// One command; false at the end of the script.
    fn command(&mut self) -> Result<bool, String> {
        while self.peek().is_some_and(|c| c.is_whitespace() || c == ';') {
            self.at += 1;
        }
        if self.peek().is_none() {
            return Ok(false);
        }
        let first = self.address()?;
        self.blanks();
        let mut second = None;
        if first.is_some() && self.peek() == Some(',') {
            self.at += 1;
            self.blanks();
            second = match self.peek() {
                Some('+') => {
                    self.at += 1;
                    Some(Address::Plus(self.number().unwrap_or(0)))
                }
                Some('~') => {
                    self.at += 1;
                    Some(Address::Multiple(self.number().unwrap_or(0)))
                }
                _ => self.address()?,
            };
            if second.is_none() {
                return Err(self.failure("unexpected `,'", "no address after comma"));
            }
        }
        if matches!(first, Some(Address::Line(0))) && !matches!(second, Some(Address::Regex(_))) {
            return Err(self.failure("invalid usage of line address 0", "bad address"));
        }
        self.blanks();
        let mut negated = false;
        while self.peek() == Some('!') {
            negated = true;
            self.at += 1;
            self.blanks();
        }
        let Some(letter) = self.next() else {
            return Err(self.failure("missing command", "missing command"));
        };
        let place = self.commands.len();
        let push = |parser: &mut Self, kind: Kind| {
            parser.commands.push(Command { first: first.clone(), second: second.clone(), negated, kind });
        };
        match letter {
            '#' => {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
                return Ok(true);
            }
            '{' => {
                self.blocks.push(place);
                push(self, Kind::Block(0));
                return Ok(true);
            }
            '}' => {
                let Some(open) = self.blocks.pop() else {
                    return Err(self.failure("unexpected `}'", "unexpected '}'"));
                };
                push(self, Kind::End);
                if let Some(command) = self.commands.get_mut(open) {
                    command.kind = Kind::Block(place);
                }
            }
            ':' => {
                let label = self.word();
                self.labels.insert(label, place);
                push(self, Kind::Label);
                return Ok(true);
            }
            'b' | 't' | 'T' => {
                let label = self.label();
                self.branches.push((place, label));
                push(
                    self,
                    match letter {
                        'b' => Kind::Branch(0),
                        't' => Kind::BranchIf(0),
                        _ => Kind::BranchUnless(0),
                    },
                );
                return Ok(true);
            }
            'a' | 'i' | 'c' => {
                let text = self.inserted()?;
                push(
                    self,
                    match letter {
                        'a' => Kind::Append(text),
                        'i' => Kind::Insert(text),
                        _ => Kind::Change(text),
                    },
                );
                return Ok(true);
            }
            'r' | 'w' | 'R' | 'W' => {
                self.blanks();
                let mut name = String::new();
                while let Some(c) = self.peek().filter(|c| *c != '\n') {
                    name.push(c);
                    self.at += 1;
                }
                if name.is_empty() {
                    return Err(self.failure("missing filename in r/R/w/W commands", "empty filename"));
                }
                push(self, if letter == 'r' || letter == 'R' { Kind::Read(name) } else { Kind::Write(name) });
            }
            's' => {
                let substitute = self.substitute()?;
                push(self, Kind::Substitute(Box::new(substitute)));
            }
            'y' => {
                let delimiter = self.next().unwrap_or('/');
                let (Some(from), Some(to)) = (self.delimited(delimiter, false), self.delimited(delimiter, false))
                else {
                    return Err(self.failure("unterminated `y' command", "unmatched '/'"));
                };
                let (from, to) = (unescaped(&from), unescaped(&to));
                if from.len() != to.len() {
                    return Err(self.failure("strings for `y' command are different lengths", "bad y command"));
                }
                push(self, Kind::Translate(from, to));
            }
            'q' | 'Q' => {
                self.blanks();
                let code = self.number().unwrap_or(0) as i32;
                push(self, Kind::Quit(code, letter == 'q'));
            }
            letter => {
                let kind = match letter {
                    'd' => Kind::Delete,
                    'D' => Kind::DeleteFirst,
                    'p' => Kind::Print,
                    'P' => Kind::PrintFirst,
                    '=' => Kind::Number,
                    'l' => Kind::List,
                    'n' => Kind::Next,
                    'N' => Kind::NextAppend,
                    'h' => Kind::Hold,
                    'H' => Kind::HoldAppend,
                    'g' => Kind::Get,
                    'G' => Kind::GetAppend,
                    'x' => Kind::Exchange,
                    'z' => Kind::Zap,
                    'F' => Kind::FileName,
                    '\n' | ';' => return Err(self.failure("missing command", "missing command")),
                    other => {
                        let gnu = format!("unknown command: `{other}'");
                        return Err(self.failure(&gnu, &format!("unsupported command {other}")));
                    }
                };
                push(self, kind);
            }
        }
        self.blanks();
        match self.peek() {
            None | Some('\n' | ';' | '}' | '#') => Ok(true),
            Some(_) => {
                self.at += 1;
                Err(self.failure("extra characters after command", "extra chars after command"))
            }
        }
    }

    fn word(&mut self) -> String {
        self.blanks();
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && *c != ';') {
            word.push(c);
            self.at += 1;
        }
        word
    }

    /// A branch's label, which also ends before a brace.
    fn label(&mut self) -> String {
        self.blanks();
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && *c != ';' && *c != '}') {
            word.push(c);
            self.at += 1;
        }
        word
    }

    /// The text of `a`, `i` and `c`: after a backslash and a line feed, or on the same line.
    fn inserted(&mut self) -> Result<String, String> {
        self.blanks();
        if self.peek() == Some('\\') {
            let back = self.at;
            self.at += 1;
            self.blanks();
            if self.peek() == Some('\n') {
                self.at += 1;
            } else if self.peek().is_none() {
                return Err(self.failure("expected \\ after `a', `c' or `i'", "expected \\ after a, c or i"));
            } else {
                // `a\text`: what follows the backslash is the text.
                self.at = back + 1;
            }
        } else if self.peek().is_none() {
            return Err(self.failure("expected \\ after `a', `c' or `i'", "expected \\ after a, c or i"));
        }
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '\n' => break,
                '\\' => match self.next() {
                    Some('t') => text.push('\t'),
                    Some(next) => text.push(next),
                    None => {}
                },
                c => text.push(c),
            }
        }
        text.push('\n');
        Ok(text)
    }

    fn substitute(&mut self) -> Result<Substitute, String> {
        let unterminated = |parser: &Self| parser.failure("unterminated `s' command", "unmatched '/'");
        let Some(delimiter) = self.next().filter(|c| *c != '\n' && *c != '\\') else { return Err(unterminated(self)) };
        let Some(pattern) = self.delimited(delimiter, true) else { return Err(unterminated(self)) };
        let Some(with) = self.delimited(delimiter, false) else { return Err(unterminated(self)) };
        let mut substitute =
            Substitute { regex: None, with: Vec::new(), global: false, number: 1, print: 0, write: None };
        let mut ignore_case = false;
        loop {
            match self.peek() {
                Some('g') => substitute.global = true,
                Some('p') => substitute.print += 1,
                Some('i' | 'I') => ignore_case = true,
                Some('m' | 'M' | 'e') => {}
                Some(c) if c.is_ascii_digit() => {
                    substitute.number = self.number().unwrap_or(1);
                    if substitute.number == 0 {
                        return Err(self.failure(
                            "number option to `s' command may not be zero",
                            "bad option in substitution expression",
                        ));
                    }
                    continue;
                }
                Some('w') => {
                    self.at += 1;
                    self.blanks();
                    let mut name = String::new();
                    while let Some(c) = self.peek().filter(|c| *c != '\n') {
                        name.push(c);
                        self.at += 1;
                    }
                    substitute.write = Some(name);
                    break;
                }
                None | Some('\n' | ';' | '}' | '#' | ' ' | '\t') => break,
                Some(_) => {
                    self.at += 1;
                    return Err(self.failure("unknown option to `s'", "bad option in substitution expression"));
                }
            }
            self.at += 1;
        }
        substitute.regex = self.regex(&pattern, ignore_case)?;
        substitute.with = replacement(&with);
        let groups = substitute.regex.as_ref().map_or(9, |regex| regex.captures_len().saturating_sub(1));
        for piece in &substitute.with {
            if let Piece::Group(group) = piece
                && *group > groups
            {
                let gnu = format!("invalid reference \\{group} on `s' command's RHS");
                return Err(self.failure(&gnu, "bad reference in substitution expression"));
            }
        }
        Ok(substitute)
    }
}

/// The characters of one side of `y`.
fn unescaped(text: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    out
}
