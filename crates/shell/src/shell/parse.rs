//! The parser: text to syntax tree, one complete command at a time.
//!
//! It works on the text itself, without tokens: what a character means depends on where it stands. `words` holds the
//! half that reads words. Nesting has a limit, since the tree is walked recursively in places.

use drydock_sorted::SortedMap;
use std::sync::Arc;

use super::Dialect;
use super::ast::*;

/// How deep commands and words may nest.
const DEPTH_MAX: u32 = 60;
/// How often aliases may be replaced in one command.
const ALIASES_MAX: u32 = 100;

/// Why a text is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub kind: SyntaxKind,
    pub line: u32,
}

/// The kinds of syntax errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyntaxKind {
    /// The text ends too early; with what was expected.
    End(Option<&'static str>),
    /// A quote or bracket is not closed.
    Unclosed(&'static str),
    /// This cannot stand here; with what was expected instead.
    Unexpected(String, Option<&'static str>),
    /// Something else, in its own words.
    Other(String),
}

impl SyntaxError {
    /// Whether more text could make it right.
    pub fn incomplete(&self) -> bool {
        matches!(self.kind, SyntaxKind::End(_) | SyntaxKind::Unclosed(_))
    }
}

pub(super) type Parse<T> = Result<T, SyntaxError>;

/// The words that end a list of commands where they begin one.
const CLOSERS: &[&str] = &["then", "else", "elif", "fi", "do", "done", "esac", "}"];

pub(crate) struct Parser<'a> {
    pub(super) source: Arc<Vec<u8>>,
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) dialect: Dialect,
    aliases: &'a SortedMap<String, String>,
    pub(super) depth: u32,
    /// After a here-document: the line feed at the first place leads to the second.
    pub(super) skip: Option<(usize, usize)>,
    /// Whether an unfinished here-document is an error because more text may come.
    more: bool,
    replaced: u32,
    /// Aliases that were just replaced by text that ends there, so that they are not replaced in it again.
    within: Vec<(String, usize)>,
    pub(super) waits: bool,
}

impl<'a> Parser<'a> {
    /// A parser of the text from a place on. With `more`, further text may follow later.
    pub fn new(
        source: Arc<Vec<u8>>,
        at: usize,
        line: u32,
        dialect: Dialect,
        aliases: &'a SortedMap<String, String>,
        more: bool,
    ) -> Parser<'a> {
        Parser {
            source,
            at,
            line,
            dialect,
            aliases,
            depth: 0,
            skip: None,
            more,
            replaced: 0,
            within: Vec::new(),
            waits: false,
        }
    }

    /// Where the parser stands: the text (aliases replaced), the place and the line.
    pub fn position(&self) -> (Arc<Vec<u8>>, usize, u32) {
        (Arc::clone(&self.source), self.at, self.line)
    }

    /// The next complete command with its line feed; None at the end of the text.
    pub fn next(&mut self) -> Parse<Option<Arc<List>>> {
        self.newlines()?;
        if self.peek().is_none() {
            return Ok(None);
        }
        let mut list = List::default();
        loop {
            list.items.push(self.item()?);
            self.blanks();
            match self.peek() {
                None => break,
                Some(b'\n') => {
                    self.bump();
                    break;
                }
                Some(b')') => return Err(self.unexpected(None)),
                _ if self.closer().is_some() => return Err(self.unexpected(None)),
                _ => {}
            }
        }
        Ok(Some(Arc::new(list)))
    }

    // ---- characters ----

    pub(super) fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, offset: usize) -> Option<u8> {
        self.source.get(self.at + offset).copied()
    }

    pub(super) fn looking_at(&self, text: &str) -> bool {
        self.source.get(self.at..).is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    pub(super) fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        let here = self.at;
        self.at += 1;
        if byte == b'\n' {
            self.line += 1;
            if let Some((from, to)) = self.skip
                && from == here
            {
                let body = self.source.get(self.at..to).unwrap_or_default();
                self.line += body.iter().filter(|b| **b == b'\n').count() as u32;
                self.at = to;
                self.skip = None;
            }
        }
        Some(byte)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            for _ in 0..text.len() {
                self.bump();
            }
        }
        found
    }

    /// Skips blanks, continued lines and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => {
                    self.bump();
                }
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => {
                    self.bump();
                    self.bump();
                }
                Some(b'#') => {
                    while self.peek().is_some_and(|b| b != b'\n') {
                        self.bump();
                    }
                }
                _ => return,
            }
        }
    }

    /// Skips blanks, comments and line feeds.
    pub(super) fn newlines(&mut self) -> Parse<()> {
        loop {
            self.blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.bump();
        }
    }

    pub(super) fn error<T>(&self, kind: SyntaxKind) -> Parse<T> {
        Err(SyntaxError { kind, line: self.line })
    }

    /// What stands here should not.
    pub(super) fn unexpected(&self, expected: Option<&'static str>) -> SyntaxError {
        let kind = match self.peek() {
            None => SyntaxKind::End(expected),
            Some(b'\n') => SyntaxKind::Unexpected("newline".into(), expected),
            Some(_) => {
                let operators =
                    ["<<<", "&>>", ";;&", "<<-", "&&", "||", ";;", ";&", "<<", ">>", "<&", ">&", "<>", ">|", "&>"];
                let token = match operators.iter().find(|op| self.looking_at(op)) {
                    Some(op) => (*op).to_owned(),
                    None if self.peek().is_some_and(is_meta) => self.peek().map(char::from).into_iter().collect(),
                    None => {
                        let rest = self.source.get(self.at..).unwrap_or_default();
                        let end = rest.iter().position(|b| is_meta(*b)).unwrap_or(rest.len());
                        String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned()
                    }
                };
                SyntaxKind::Unexpected(token, expected)
            }
        };
        SyntaxError { kind, line: self.line }
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH_MAX {
            return self.error(SyntaxKind::Other("maximum nesting level exceeded".into()));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    // ---- lists ----

    /// The unquoted word that stands here, if it is nothing but plain characters.
    fn plain_word(&self) -> Option<&str> {
        let rest = self.source.get(self.at..)?;
        let end = rest.iter().position(|b| is_meta(*b)).unwrap_or(rest.len());
        let word = rest.get(..end)?;
        if word.is_empty() || word.iter().any(|b| matches!(b, b'\'' | b'"' | b'\\' | b'$' | b'`')) {
            return None;
        }
        std::str::from_utf8(word).ok()
    }

    fn closer(&self) -> Option<&str> {
        self.plain_word().filter(|word| CLOSERS.contains(word))
    }

    fn keyword(&mut self, word: &'static str) -> Parse<()> {
        self.blanks();
        if self.plain_word() == Some(word) {
            self.eat(word);
            Ok(())
        } else {
            Err(self.unexpected(Some(word)))
        }
    }

    /// A list inside a compound command, up to what closes it.
    fn body(&mut self, closing: &'static str) -> Parse<Arc<List>> {
        let list = self.deeper(|parser| parser.body_inner(closing))?;
        if list.items.is_empty() {
            return Err(self.unexpected(None));
        }
        Ok(Arc::new(list))
    }

    fn body_inner(&mut self, closing: &'static str) -> Parse<List> {
        let mut list = List::default();
        loop {
            self.newlines()?;
            match self.peek() {
                None => return Err(self.unexpected(Some(closing))),
                Some(b')') => return Ok(list),
                Some(b';') if matches!(self.peek_at(1), Some(b';' | b'&')) => return Ok(list),
                _ if self.closer().is_some() => return Ok(list),
                _ => {}
            }
            list.items.push(self.item()?);
        }
    }

    /// Pipelines joined by `&&` and `||`, with the `;` or `&` that ends them.
    fn item(&mut self) -> Parse<Item> {
        let start = self.at;
        let mut parts = vec![AndOrPart { join: Join::First, pipeline: self.pipeline()? }];
        loop {
            self.blanks();
            let join = if self.eat("&&") {
                Join::And
            } else if self.eat("||") {
                Join::Or
            } else {
                break;
            };
            self.newlines()?;
            parts.push(AndOrPart { join, pipeline: self.pipeline()? });
        }
        let end = self.at;
        let mut background = false;
        match self.peek() {
            Some(b'&') => {
                self.bump();
                background = true;
            }
            Some(b';') if !matches!(self.peek_at(1), Some(b';' | b'&')) => {
                self.bump();
            }
            None | Some(b'\n' | b')') => {}
            Some(b';') if self.depth > 0 => {}
            _ => return Err(self.unexpected(None)),
        }
        let text = String::from_utf8_lossy(self.source.get(start..end).unwrap_or_default()).trim().into();
        Ok(Item { parts, background, text })
    }

    fn pipeline(&mut self) -> Parse<Pipeline> {
        let mut pipeline = Pipeline { negated: false, timed: None, commands: Vec::new() };
        loop {
            self.blanks();
            match self.plain_word() {
                Some("!") => {
                    self.eat("!");
                    pipeline.negated = !pipeline.negated;
                }
                Some("time") if pipeline.timed.is_none() && self.dialect == Dialect::Bash => {
                    self.eat("time");
                    self.blanks();
                    let posix = self.plain_word() == Some("-p");
                    if posix {
                        self.eat("-p");
                    }
                    pipeline.timed = Some(posix);
                }
                _ => break,
            }
        }
        loop {
            pipeline.commands.push(Arc::new(self.deeper(Self::command)?));
            self.blanks();
            if self.looking_at("||") || self.peek() != Some(b'|') {
                return Ok(pipeline);
            }
            self.bump();
            if self.peek() == Some(b'&') {
                self.bump();
                // `|&`: standard error goes the same way.
                if let Some(last) = pipeline.commands.last_mut() {
                    let both = Redirect { fd: Some(2), op: RedirectOp::DupWrite, target: Word::text("1") };
                    Arc::make_mut(last).redirects.push(both);
                }
            }
            self.newlines()?;
        }
    }

    // ---- commands ----

    fn command(&mut self) -> Parse<Command> {
        self.blanks();
        self.alias()?;
        let line = self.line;
        let kind = match self.peek() {
            Some(b'(') => self.parenthesis()?,
            _ => match self.plain_word() {
                Some("{") => {
                    self.eat("{");
                    let list = self.body("}")?;
                    self.keyword("}")?;
                    Kind::Group(list)
                }
                Some("if") => self.if_command()?,
                Some("while") => self.loop_command("while")?,
                Some("until") => self.loop_command("until")?,
                Some("for") => self.for_command()?,
                Some("case") => self.case_command()?,
                Some("[[") if self.dialect != Dialect::Dash => self.test_command()?,
                Some("function") if self.dialect != Dialect::Dash => {
                    self.eat("function");
                    self.blanks();
                    let Some(name) = self.plain_word().map(str::to_owned) else { return Err(self.unexpected(None)) };
                    self.eat(&name);
                    self.blanks();
                    if self.eat("(") {
                        self.blanks();
                        if !self.eat(")") {
                            return Err(self.unexpected(None));
                        }
                    }
                    self.function_body(name)?
                }
                Some(word) if CLOSERS.contains(&word) => return Err(self.unexpected(None)),
                Some(word) if word != "in" || self.dialect != Dialect::Bash => {
                    // A function definition is a name and parentheses.
                    let name = word.to_owned();
                    let rest = self.source.get(self.at + name.len()..).unwrap_or_default();
                    let mut rest = rest.iter().filter(|b| !matches!(b, b' ' | b'\t'));
                    if rest.next() == Some(&b'(') && rest.next() == Some(&b')') && is_function_name(&name) {
                        self.eat(&name);
                        self.blanks();
                        self.eat("(");
                        self.blanks();
                        self.eat(")");
                        self.function_body(name)?
                    } else {
                        return self.simple(line);
                    }
                }
                _ => return self.simple(line),
            },
        };
        let mut redirects = Vec::new();
        loop {
            self.blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => break,
            }
        }
        Ok(Command { kind, redirects, line })
    }

    fn function_body(&mut self, name: String) -> Parse<Kind> {
        self.newlines()?;
        let body = self.deeper(Self::command)?;
        Ok(Kind::Function { name, body: Arc::new(body) })
    }

    fn parenthesis(&mut self) -> Parse<Kind> {
        if self.looking_at("((")
            && self.dialect != Dialect::Dash
            && let Some(text) = self.arith_text(2)
        {
            return Ok(Kind::Arith(self.arith_word(&text)?));
        }
        self.eat("(");
        let list = self.body(")")?;
        if !self.eat(")") {
            return Err(self.unexpected(Some(")")));
        }
        Ok(Kind::Subshell(list))
    }

    fn if_command(&mut self) -> Parse<Kind> {
        self.eat("if");
        let mut branches = Vec::new();
        loop {
            let test = self.body("then")?;
            self.keyword("then")?;
            branches.push((test, self.body("fi")?));
            self.blanks();
            match self.plain_word() {
                Some("elif") => {
                    self.eat("elif");
                }
                Some("else") => {
                    self.eat("else");
                    let otherwise = Some(self.body("fi")?);
                    self.keyword("fi")?;
                    return Ok(Kind::If { branches, otherwise });
                }
                _ => {
                    self.keyword("fi")?;
                    return Ok(Kind::If { branches, otherwise: None });
                }
            }
        }
    }

    fn loop_command(&mut self, word: &'static str) -> Parse<Kind> {
        self.eat(word);
        let test = self.body("do")?;
        let body = self.do_group()?;
        Ok(Kind::Loop { until: word == "until", test, body })
    }

    /// `do ... done`, or `{ ... }` as bash allows after `for`.
    fn do_group(&mut self) -> Parse<Arc<List>> {
        self.newlines()?;
        if self.plain_word() == Some("{") {
            self.eat("{");
            let body = self.body("}")?;
            self.keyword("}")?;
            return Ok(body);
        }
        self.keyword("do")?;
        let body = self.body("done")?;
        self.keyword("done")?;
        Ok(body)
    }

    fn for_command(&mut self) -> Parse<Kind> {
        self.eat("for");
        self.blanks();
        if self.looking_at("((") && self.dialect != Dialect::Dash {
            let Some(text) = self.arith_text(2) else { return self.error(SyntaxKind::Unclosed(")")) };
            let mut parts = text.splitn(3, ';');
            let mut part = || parts.next().unwrap_or_default().to_owned();
            let (init, test, next) = (part(), part(), part());
            let (init, test, next) = (self.arith_word(&init)?, self.arith_word(&test)?, self.arith_word(&next)?);
            self.blanks();
            self.eat(";");
            return Ok(Kind::ForArith { init, test, next, body: self.do_group()? });
        }
        let Some(name) = self.plain_word().filter(|word| is_name(word)).map(str::to_owned) else {
            return Err(self.unexpected(None));
        };
        self.eat(&name);
        self.newlines()?;
        let mut words = None;
        if self.plain_word() == Some("in") {
            self.eat("in");
            let mut list = Vec::new();
            loop {
                self.blanks();
                match self.peek() {
                    Some(b';' | b'\n') => {
                        self.bump();
                        break;
                    }
                    Some(byte) if !is_meta(byte) || self.at_process() => list.extend(self.words()?),
                    _ => return Err(self.unexpected(Some("do"))),
                }
            }
            words = Some(list);
        } else {
            self.eat(";");
        }
        Ok(Kind::For { name, words, body: self.do_group()? })
    }

    fn case_command(&mut self) -> Parse<Kind> {
        self.eat("case");
        self.blanks();
        let subject = self.word()?;
        self.newlines()?;
        self.keyword("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            if self.plain_word() == Some("esac") {
                self.eat("esac");
                return Ok(Kind::Case { subject, arms });
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                if self.peek().is_none_or(is_meta) {
                    return Err(self.unexpected(Some(")")));
                }
                patterns.push(self.word()?);
                self.blanks();
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return Err(self.unexpected(Some(")")));
            }
            let body = Arc::new(self.deeper(|parser| parser.body_inner("esac"))?);
            self.blanks();
            let end = if self.eat(";;&") {
                ArmEnd::Next
            } else if self.eat(";;") {
                ArmEnd::Break
            } else if self.eat(";&") {
                ArmEnd::Fall
            } else if self.plain_word() == Some("esac") {
                ArmEnd::Break
            } else {
                return Err(self.unexpected(Some("esac")));
            };
            arms.push(Arm { patterns, body, end });
        }
    }

    // ---- [[ ]] ----

    fn test_command(&mut self) -> Parse<Kind> {
        self.eat("[[");
        let test = self.deeper(Self::test_or)?;
        self.newlines()?;
        if self.plain_word() != Some("]]") {
            return Err(self.unexpected(Some("]]")));
        }
        self.eat("]]");
        Ok(Kind::Test(test))
    }

    fn test_or(&mut self) -> Parse<Test> {
        let mut left = self.test_and()?;
        loop {
            self.newlines()?;
            if !self.eat("||") {
                return Ok(left);
            }
            left = Test::Or(Box::new(left), Box::new(self.test_and()?));
        }
    }

    fn test_and(&mut self) -> Parse<Test> {
        let mut left = self.deeper(Self::test_primary)?;
        loop {
            self.newlines()?;
            if !self.eat("&&") {
                return Ok(left);
            }
            left = Test::And(Box::new(left), Box::new(self.deeper(Self::test_primary)?));
        }
    }

    fn test_primary(&mut self) -> Parse<Test> {
        self.newlines()?;
        if self.plain_word() == Some("!") {
            self.eat("!");
            return Ok(Test::Not(Box::new(self.deeper(Self::test_primary)?)));
        }
        if self.eat("(") {
            let inner = self.deeper(Self::test_or)?;
            self.newlines()?;
            if !self.eat(")") {
                return Err(self.unexpected(Some(")")));
            }
            return Ok(inner);
        }
        if let Some(op) = self.plain_word().filter(|word| is_unary(word)).map(str::to_owned) {
            let back = (self.at, self.line);
            self.eat(&op);
            self.blanks();
            if self.peek().is_some_and(|b| !is_meta(b)) && self.plain_word() != Some("]]") {
                return Ok(Test::Unary(op, self.word()?));
            }
            (self.at, self.line) = back;
        }
        if self.peek().is_none_or(is_meta) || self.plain_word() == Some("]]") {
            return Err(self.unexpected(None));
        }
        let left = self.word()?;
        self.newlines()?;
        const OPERATORS: &[&str] =
            &["==", "!=", "=~", "=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"];
        let op = match self.peek() {
            Some(b'<') => "<",
            Some(b'>') => ">",
            _ => match OPERATORS.iter().find(|op| self.plain_word() == Some(**op)) {
                Some(op) => op,
                None => return Ok(Test::Word(left)),
            },
        };
        self.eat(op);
        self.blanks();
        let right = if op == "=~" { self.regex_word()? } else { self.word()? };
        Ok(Test::Binary(left, op.to_owned(), right))
    }

    // ---- simple commands ----

    fn simple(&mut self, line: u32) -> Parse<Command> {
        let mut simple = Simple::default();
        let mut redirects = Vec::new();
        let mut declaring = false;
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            match self.peek() {
                None => break,
                Some(byte) if is_meta(byte) && !self.at_process() => break,
                _ => {}
            }
            if (simple.words.is_empty() || declaring)
                && let Some(assign) = self.assignment(declaring)?
            {
                if !declaring {
                    simple.assigns.push(assign);
                    continue;
                }
                simple.words.push(Word::text(&assign.name));
                simple.arrays.push(assign);
                continue;
            }
            let words = if declaring { vec![self.word()?] } else { self.words()? };
            if simple.words.is_empty() {
                declaring = words.first().and_then(Word::literal).is_some_and(is_declaration);
            }
            simple.words.extend(words);
        }
        if simple.words.is_empty() && simple.assigns.is_empty() && redirects.is_empty() {
            return Err(self.unexpected(None));
        }
        if self.peek() == Some(b'(') {
            return Err(self.unexpected(None));
        }
        Ok(Command { kind: Kind::Simple(simple), redirects, line })
    }

    /// An assignment, if one stands here. Among the arguments of `declare` only those of arrays count: the others are
    /// words that the builtin reads.
    fn assignment(&mut self, arrays_only: bool) -> Parse<Option<Assign>> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(rest.len());
        let name = String::from_utf8_lossy(rest.get(..length).unwrap_or_default()).into_owned();
        if !is_name(&name) {
            return Ok(None);
        }
        let mut after = length;
        if rest.get(after) == Some(&b'[') && self.dialect == Dialect::Bash {
            let Some(close) = rest.iter().position(|b| *b == b']') else { return Ok(None) };
            after = close + 1;
        }
        let append = rest.get(after) == Some(&b'+');
        if rest.get(after + usize::from(append)) != Some(&b'=') {
            return Ok(None);
        }
        let array = rest.get(after + usize::from(append) + 1) == Some(&b'(') && self.dialect == Dialect::Bash;
        if arrays_only && !array {
            return Ok(None);
        }
        self.at += length;
        let index = if self.eat("[") {
            let index = self.word_until(b"]", false)?;
            self.eat("]");
            Some(index)
        } else {
            None
        };
        self.eat("+");
        self.eat("=");
        if !array {
            let value = match self.peek() {
                Some(byte) if !is_meta(byte) || self.at_process() => self.word()?,
                _ => Word::default(),
            };
            return Ok(Some(Assign { name, index, append, value: AssignValue::One(value) }));
        }
        self.eat("(");
        let mut elements = Vec::new();
        loop {
            self.newlines()?;
            if self.eat(")") {
                break;
            }
            match self.peek() {
                None => return self.error(SyntaxKind::Unclosed(")")),
                Some(b'[') => {
                    let back = (self.at, self.line);
                    self.bump();
                    let index = self.word_until(b"] \n", false)?;
                    if self.eat("]=") {
                        let value = if self.peek().is_none_or(is_meta) { Word::default() } else { self.word()? };
                        elements.push((Some(index), value));
                    } else {
                        (self.at, self.line) = back;
                        elements.extend(self.words()?.into_iter().map(|word| (None, word)));
                    }
                }
                Some(byte) if is_meta(byte) && !self.at_process() => return Err(self.unexpected(None)),
                _ => elements.extend(self.words()?.into_iter().map(|word| (None, word))),
            }
        }
        Ok(Some(Assign { name, index, append, value: AssignValue::Array(elements) }))
    }

    /// Replaces the alias that stands here, if one does.
    fn alias(&mut self) -> Parse<()> {
        if self.aliases.is_empty() {
            return Ok(());
        }
        while let Some(name) = self.plain_word().map(str::to_owned) {
            let at = self.at;
            self.within.retain(|(_, end)| *end > at);
            let Some(text) = self.aliases.get(&name) else { return Ok(()) };
            if self.within.iter().any(|(within, _)| *within == name) {
                return Ok(());
            }
            self.replaced += 1;
            if self.replaced > ALIASES_MAX {
                return self.error(SyntaxKind::Other("too many aliases".into()));
            }
            let length = name.len();
            let grown = text.len() as isize - length as isize;
            let shift = |place: usize| (place as isize + grown) as usize;
            if let Some((from, to)) = self.skip {
                self.skip = Some((shift(from), shift(to)));
            }
            for (_, end) in &mut self.within {
                *end = shift(*end);
            }
            Arc::make_mut(&mut self.source).splice(self.at..self.at + length, text.bytes());
            self.within.push((name, self.at + text.len()));
        }
        Ok(())
    }

    // ---- redirections ----

    fn redirect(&mut self) -> Parse<Option<Redirect>> {
        let digits =
            self.source.get(self.at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count().min(4);
        if !matches!(self.peek_at(digits), Some(b'<' | b'>')) {
            if digits > 0 || !self.looking_at("&>") || self.dialect == Dialect::Dash {
                return Ok(None);
            }
            self.eat("&>");
            let append = self.eat(">");
            let target = self.redirect_target()?;
            return Ok(Some(Redirect { fd: None, op: RedirectOp::Both { append }, target }));
        }
        if digits == 0 && self.at_process() {
            return Ok(None);
        }
        let number = self.source.get(self.at..self.at + digits).unwrap_or_default();
        let fd = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        self.at += digits;
        if self.eat("<<<") {
            let target = self.redirect_target()?;
            return Ok(Some(Redirect { fd, op: RedirectOp::Here { string: true }, target }));
        }
        if self.eat("<<") {
            let strip = self.eat("-");
            let target = self.here_document(strip)?;
            return Ok(Some(Redirect { fd, op: RedirectOp::Here { string: false }, target }));
        }
        const OPERATORS: &[(&str, RedirectOp)] = &[
            ("<>", RedirectOp::ReadWrite),
            ("<&", RedirectOp::DupRead),
            ("<", RedirectOp::Read),
            (">>", RedirectOp::Append),
            (">|", RedirectOp::Clobber),
            (">&", RedirectOp::DupWrite),
            (">", RedirectOp::Write),
        ];
        for (text, op) in OPERATORS {
            if self.eat(text) {
                let target = self.redirect_target()?;
                return Ok(Some(Redirect { fd, op: *op, target }));
            }
        }
        Ok(None)
    }

    fn redirect_target(&mut self) -> Parse<Word> {
        self.blanks();
        if self.peek().is_none_or(is_meta) && !self.at_process() {
            return Err(match self.peek() {
                None => SyntaxError { kind: SyntaxKind::Unexpected("newline".into(), None), line: self.line },
                _ => self.unexpected(None),
            });
        }
        self.word()
    }

    /// The delimiter of a here-document; its text, which begins after the end of this line, is taken out.
    fn here_document(&mut self, strip: bool) -> Parse<Word> {
        self.blanks();
        if self.peek().is_none_or(is_meta) {
            return Err(self.unexpected(None));
        }
        let (mut delimiter, mut quoted) = (Vec::new(), false);
        while let Some(byte) = self.peek().filter(|b| !is_meta(*b)) {
            self.bump();
            match byte {
                b'\'' | b'"' => {
                    quoted = true;
                    loop {
                        match self.bump() {
                            None => return self.error(SyntaxKind::Unclosed(if byte == b'"' { "\"" } else { "'" })),
                            Some(end) if end == byte => break,
                            Some(inner) => delimiter.push(inner),
                        }
                    }
                }
                b'\\' => {
                    quoted = true;
                    delimiter.extend(self.bump());
                }
                byte => delimiter.push(byte),
            }
        }
        let source = Arc::clone(&self.source);
        let (newline, start) = match self.skip {
            Some((newline, resume)) => (newline, resume),
            None => {
                let rest = source.get(self.at..).unwrap_or_default();
                match rest.iter().position(|b| *b == b'\n') {
                    Some(offset) => (self.at + offset, self.at + offset + 1),
                    None if self.more => return self.error(SyntaxKind::Unclosed("here-document")),
                    None => return Ok(Word::default()),
                }
            }
        };
        let (mut body, mut at) = (Vec::new(), start);
        loop {
            let rest = source.get(at..).unwrap_or_default();
            if rest.is_empty() {
                if self.more {
                    return self.error(SyntaxKind::Unclosed("here-document"));
                }
                break;
            }
            let end = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            let mut line = rest.get(..end).unwrap_or_default();
            at += (end + 1).min(rest.len());
            if strip {
                while let [b'\t', tail @ ..] = line {
                    line = tail;
                }
            }
            if line == delimiter {
                break;
            }
            body.extend_from_slice(line);
            body.push(b'\n');
        }
        self.skip = Some((newline, at));
        let body = String::from_utf8_lossy(&body).into_owned();
        if quoted {
            return Ok(Word { parts: vec![Part::Quoted(body)], waits: false });
        }
        self.inner_text(&body, super::words::Quoting::Here)
    }

    /// A parser of a text inside this one, with the same settings.
    pub(super) fn inner<T>(&mut self, text: &str, parse: impl FnOnce(&mut Parser<'a>) -> Parse<T>) -> Parse<T> {
        self.deeper(|outer| {
            let mut inner =
                Parser::new(Arc::new(text.as_bytes().to_vec()), 0, outer.line, outer.dialect, outer.aliases, false);
            inner.depth = outer.depth;
            let result = parse(&mut inner);
            outer.waits |= inner.waits;
            result
        })
    }

    /// The list of a command substitution, up to its closing parenthesis.
    pub(super) fn substitution(&mut self) -> Parse<Arc<List>> {
        let list = self.deeper(|parser| parser.body_inner(")")).map_err(|error| match error.kind {
            SyntaxKind::End(Some(")")) => SyntaxError { kind: SyntaxKind::Unclosed("$("), ..error },
            _ => error,
        })?;
        if !self.eat(")") {
            return Err(self.unexpected(Some(")")));
        }
        Ok(Arc::new(list))
    }

    /// All commands of the text.
    pub(super) fn everything(&mut self) -> Parse<Arc<List>> {
        let mut all = List::default();
        while let Some(list) = self.next()? {
            all.items.extend(list.items.iter().cloned());
        }
        Ok(Arc::new(all))
    }
}

/// Whether a byte ends a word.
pub(crate) fn is_meta(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Whether a text can name a variable.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_function_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':'))
}

/// Builtins whose arguments are assignments.
pub(crate) fn is_declaration(name: &str) -> bool {
    matches!(name, "declare" | "local" | "typeset" | "export" | "readonly")
}

fn is_unary(word: &str) -> bool {
    matches!(
        word,
        "-a" | "-b"
            | "-c"
            | "-d"
            | "-e"
            | "-f"
            | "-g"
            | "-h"
            | "-k"
            | "-L"
            | "-n"
            | "-o"
            | "-p"
            | "-r"
            | "-s"
            | "-S"
            | "-t"
            | "-u"
            | "-v"
            | "-w"
            | "-x"
            | "-z"
            | "-G"
            | "-N"
            | "-O"
    )
}
