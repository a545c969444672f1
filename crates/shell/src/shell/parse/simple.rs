//! Simple commands: assignments, aliases, redirections, here-documents.

use super::*;

impl Parser<'_> {
    pub(super) fn simple(&mut self, line: u32) -> Parse<Command> {
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
    pub(super) fn assignment(&mut self, arrays_only: bool) -> Parse<Option<Assign>> {
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
    pub(super) fn alias(&mut self) -> Parse<()> {
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

    pub(super) fn redirect(&mut self) -> Parse<Option<Redirect>> {
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

    pub(super) fn redirect_target(&mut self) -> Parse<Word> {
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
    pub(super) fn here_document(&mut self, strip: bool) -> Parse<Word> {
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
        self.inner_text(&body, super::super::words::Quoting::Here)
    }
}
