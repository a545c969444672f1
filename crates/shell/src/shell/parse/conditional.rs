//! `[[ ... ]]`: tests and what joins them.

use super::*;

impl Parser<'_> {
    pub(super) fn test_command(&mut self) -> Parse<Kind> {
        self.eat("[[");
        let test = self.deeper(Self::test_or)?;
        self.newlines()?;
        if self.plain_word() != Some("]]") {
            return Err(self.unexpected(Some("]]")));
        }
        self.eat("]]");
        Ok(Kind::Test(test))
    }

    pub(super) fn test_or(&mut self) -> Parse<Test> {
        let mut left = self.test_and()?;
        loop {
            self.newlines()?;
            if !self.eat("||") {
                return Ok(left);
            }
            left = Test::Or(Box::new(left), Box::new(self.test_and()?));
        }
    }

    pub(super) fn test_and(&mut self) -> Parse<Test> {
        let mut left = self.deeper(Self::test_primary)?;
        loop {
            self.newlines()?;
            if !self.eat("&&") {
                return Ok(left);
            }
            left = Test::And(Box::new(left), Box::new(self.deeper(Self::test_primary)?));
        }
    }

    pub(super) fn test_primary(&mut self) -> Parse<Test> {
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
}
