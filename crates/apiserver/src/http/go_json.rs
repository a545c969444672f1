//! What Go's JSON decoder says of a text that is not JSON: the first wrong character, and what stood around it.

/// Go's error for a text that is not one JSON document; None when it is one.
pub(crate) fn error(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { text, at: 0 };
    match scanner.document() {
        Ok(()) => None,
        Err(Wrong::End) => Some("unexpected end of JSON input".into()),
        Err(Wrong::Character(byte, context)) => Some(format!("invalid character {} {context}", quote(byte))),
    }
}

enum Wrong {
    End,
    Character(u8, &'static str),
}

/// A byte as Go's scanner quotes it: bytes above ASCII as the Latin-1 characters that they are not.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'"' => "'\"'".into(),
        b'\n' => r"'\n'".into(),
        b'\t' => r"'\t'".into(),
        b'\r' => r"'\r'".into(),
        0..0x20 | 0x7f..0xa0 => format!("'\\x{byte:02x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// Go refuses deeper nesting.
const DEPTH: usize = 10_000;

impl Scanner<'_> {
    fn peek(&self) -> Result<u8, Wrong> {
        self.text.get(self.at).copied().ok_or(Wrong::End)
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Result<(), Wrong> {
        // What is open: true for an object, false for an array.
        let mut open: Vec<bool> = Vec::new();
        loop {
            self.space();
            let byte = self.peek()?;
            match byte {
                b'{' => {
                    self.at += 1;
                    self.space();
                    if self.peek()? == b'}' {
                        self.at += 1;
                    } else {
                        if open.len() >= DEPTH {
                            return Err(Wrong::Character(byte, "exceeded max depth"));
                        }
                        open.push(true);
                        self.key("looking for beginning of object key string")?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.space();
                    if self.peek()? == b']' {
                        self.at += 1;
                    } else {
                        if open.len() >= DEPTH {
                            return Err(Wrong::Character(byte, "exceeded max depth"));
                        }
                        open.push(false);
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(
                    b"true",
                    [
                        "in literal true (expecting 'r')",
                        "in literal true (expecting 'u')",
                        "in literal true (expecting 'e')",
                        "",
                    ],
                )?,
                b'f' => self.literal(
                    b"false",
                    [
                        "in literal false (expecting 'a')",
                        "in literal false (expecting 'l')",
                        "in literal false (expecting 's')",
                        "in literal false (expecting 'e')",
                    ],
                )?,
                b'n' => self.literal(
                    b"null",
                    [
                        "in literal null (expecting 'u')",
                        "in literal null (expecting 'l')",
                        "in literal null (expecting 'l')",
                        "",
                    ],
                )?,
                other => return Err(Wrong::Character(other, "looking for beginning of value")),
            }
            // A value is complete: what follows belongs to what is open.
            loop {
                self.space();
                let Some(object) = open.last().copied() else {
                    return match self.text.get(self.at) {
                        None => Ok(()),
                        Some(other) => Err(Wrong::Character(*other, "after top-level value")),
                    };
                };
                match (object, self.peek()?) {
                    (true, b',') => {
                        self.at += 1;
                        self.space();
                        self.key("looking for beginning of object key string")?;
                        break;
                    }
                    (false, b',') => {
                        self.at += 1;
                        break;
                    }
                    (true, b'}') | (false, b']') => {
                        self.at += 1;
                        open.pop();
                    }
                    (true, other) => return Err(Wrong::Character(other, "after object key:value pair")),
                    (false, other) => return Err(Wrong::Character(other, "after array element")),
                }
            }
        }
    }

    fn key(&mut self, context: &'static str) -> Result<(), Wrong> {
        match self.peek()? {
            b'"' => self.string()?,
            other => return Err(Wrong::Character(other, context)),
        }
        self.space();
        match self.peek()? {
            b':' => {
                self.at += 1;
                Ok(())
            }
            other => Err(Wrong::Character(other, "after object key")),
        }
    }

    fn string(&mut self) -> Result<(), Wrong> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    match self.peek()? {
                        b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => self.at += 1,
                        b'u' => {
                            self.at += 1;
                            for _ in 0..4 {
                                let digit = self.peek()?;
                                if !digit.is_ascii_hexdigit() {
                                    return Err(Wrong::Character(digit, "in \\u hexadecimal character escape"));
                                }
                                self.at += 1;
                            }
                        }
                        other => return Err(Wrong::Character(other, "in string escape code")),
                    }
                }
                control @ 0..0x20 => return Err(Wrong::Character(control, "in string literal")),
                _ => self.at += 1,
            }
        }
    }

    fn digits(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<(), Wrong> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            other => return Err(Wrong::Character(other, "in numeric literal")),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            match self.peek()? {
                b'0'..=b'9' => self.digits(),
                other => return Err(Wrong::Character(other, "after decimal point in numeric literal")),
            }
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            match self.peek()? {
                b'0'..=b'9' => self.digits(),
                other => return Err(Wrong::Character(other, "in exponent of numeric literal")),
            }
        }
        Ok(())
    }

    fn literal(&mut self, word: &[u8], contexts: [&'static str; 4]) -> Result<(), Wrong> {
        self.at += 1;
        for (expected, context) in word.iter().skip(1).zip(contexts) {
            let found = self.peek()?;
            if found != *expected {
                return Err(Wrong::Character(found, context));
            }
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_it_as_go_does() {
        let cases = [
            ("{}", None),
            (" [1, -2.5e3, \"a\\u00e9\", true, null, {\"a\": []}] ", None),
            ("", Some("unexpected end of JSON input")),
            ("{bad", Some("invalid character 'b' looking for beginning of object key string")),
            ("{oops", Some("invalid character 'o' looking for beginning of object key string")),
            ("nope", Some("invalid character 'o' in literal null (expecting 'u')")),
            ("x", Some("invalid character 'x' looking for beginning of value")),
            ("{\"a\" 1}", Some("invalid character '1' after object key")),
            ("{\"a\":1 2}", Some("invalid character '2' after object key:value pair")),
            ("[1 2]", Some("invalid character '2' after array element")),
            ("{} x", Some("invalid character 'x' after top-level value")),
            ("[1,]", Some("invalid character ']' looking for beginning of value")),
            ("\"a", Some("unexpected end of JSON input")),
            ("01", Some("invalid character '1' after top-level value")),
        ];
        for (text, wanted) in cases {
            assert_eq!(error(text.as_bytes()).as_deref(), wanted, "{text}");
        }
        assert_eq!(error(&[0xae, 0xe6]).unwrap(), "invalid character '\u{ae}' looking for beginning of value");
    }
}
