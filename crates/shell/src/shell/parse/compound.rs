//! Compound commands: groups, conditions, loops, choices, functions.

use super::*;

impl Parser<'_> {
    pub(super) fn command(&mut self) -> Parse<Command> {
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

    pub(super) fn function_body(&mut self, name: String) -> Parse<Kind> {
        self.newlines()?;
        let body = self.deeper(Self::command)?;
        Ok(Kind::Function { name, body: Arc::new(body) })
    }

    pub(super) fn parenthesis(&mut self) -> Parse<Kind> {
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

    pub(super) fn if_command(&mut self) -> Parse<Kind> {
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

    pub(super) fn loop_command(&mut self, word: &'static str) -> Parse<Kind> {
        self.eat(word);
        let test = self.body("do")?;
        let body = self.do_group()?;
        Ok(Kind::Loop { until: word == "until", test, body })
    }

    /// `do ... done`, or `{ ... }` as bash allows after `for`.
    pub(super) fn do_group(&mut self) -> Parse<Arc<List>> {
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

    pub(super) fn for_command(&mut self) -> Parse<Kind> {
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

    pub(super) fn case_command(&mut self) -> Parse<Kind> {
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
}
