//! Malformed JSON in the words of Go's encoding/json. Reading well-formed JSON is drydock-value's business; this finds
//! out where a value ends and what exactly is wrong when it does not.

use drydock_value::DEPTH_LIMIT;

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// How many bytes Go had read when it noticed, the offending one included.
    pub offset: usize,
    /// `invalid character 'b' looking for beginning of value`, `unexpected end of JSON input`.
    pub message: String,
}

/// What is wrong with a text that ends too early.
pub(crate) const CUT_OFF: &str = "unexpected end of JSON input";

/// Finds the end of the JSON value that the text begins with.
///
/// # Errors
/// What is wrong with it.
pub fn scan(text: &str) -> Result<usize, SyntaxError> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.value(0)?;
    Ok(scanner.at)
}

/// Checks that the text is one JSON value and nothing else.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), SyntaxError> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.value(0)?;
    scanner.blank();
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(scanner.invalid("after top-level value")),
    }
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error about the byte that comes next, or about the end.
    fn invalid(&self, context: &str) -> SyntaxError {
        match self.peek() {
            None => SyntaxError { offset: self.at, message: CUT_OFF.into() },
            Some(byte) => {
                SyntaxError { offset: self.at + 1, message: format!("invalid character {} {context}", quote(byte)) }
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), SyntaxError> {
        self.blank();
        if depth >= DEPTH_LIMIT && matches!(self.peek(), Some(b'{' | b'[')) {
            let message = format!("exceeded max depth of {DEPTH_LIMIT}");
            return Err(SyntaxError { offset: self.at, message });
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.invalid("looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), SyntaxError> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            self.string()?;
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            self.value(depth + 1)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.invalid("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), SyntaxError> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.invalid("after array element")),
            }
        }
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
                        Some(b'u') => {
                            self.at += 1;
                            for _ in 0..4 {
                                if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                                    return Err(self.invalid("in \\u hexadecimal character escape"));
                                }
                                self.at += 1;
                            }
                        }
                        _ => return Err(self.invalid("in string escape code")),
                    }
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.invalid("in string literal")),
            }
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<(), SyntaxError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else if !self.digits() {
            return Err(self.invalid("in numeric literal"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.digits() {
                return Err(self.invalid("after decimal point in numeric literal"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !self.digits() {
                return Err(self.invalid("in exponent of numeric literal"));
            }
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), SyntaxError> {
        for (index, expected) in word.bytes().enumerate() {
            if self.peek() != Some(expected) {
                let context = format!("in literal {word} (expecting '{}')", char::from(expected));
                debug_assert!(index > 0, "the first byte chose the word");
                return Err(self.invalid(&context));
            }
            self.at += 1;
        }
        Ok(())
    }
}

/// A byte as Go quotes it in these messages: `'b'`, `'\n'`, `'\x01'`; each byte stands for the character of its number.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".into(),
        b'\\' => r"'\\'".into(),
        0x07 => r"'\a'".into(),
        0x08 => r"'\b'".into(),
        0x0C => r"'\f'".into(),
        b'\n' => r"'\n'".into(),
        b'\r' => r"'\r'".into(),
        b'\t' => r"'\t'".into(),
        0x0B => r"'\v'".into(),
        0x00..=0x1F | 0x7F => format!("'\\x{byte:02x}'"),
        0x80..=0xA0 | 0xAD => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, scan};

    #[test]
    fn finds_the_end_of_a_value() {
        for (text, length) in [("{} x", 2), ("[1, 2]", 6), (" \"a\\n\" ", 6), ("-1.5e+3,", 7), ("true", 4)] {
            assert_eq!(scan(text), Ok(length), "{text}");
        }
    }

    #[test]
    fn says_what_go_says() {
        let cases = [
            ("{bad", 2, "invalid character 'b' looking for beginning of object key string"),
            ("", 0, "unexpected end of JSON input"),
            ("{\"a\" 1}", 6, "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"}", 8, "invalid character '\"' after object key:value pair"),
            ("{\"a\":1,}", 8, "invalid character '}' looking for beginning of object key string"),
            ("[1 2]", 4, "invalid character '2' after array element"),
            ("[1,", 3, "unexpected end of JSON input"),
            ("[tru]", 5, "invalid character ']' in literal true (expecting 'e')"),
            ("\"a\nb\"", 3, "invalid character '\\n' in string literal"),
            ("\"\\q\"", 3, "invalid character 'q' in string escape code"),
            ("\"\\u12g\"", 6, "invalid character 'g' in \\u hexadecimal character escape"),
            ("01", 2, "invalid character '1' after top-level value"),
            ("1.x", 3, "invalid character 'x' after decimal point in numeric literal"),
            ("-x", 2, "invalid character 'x' in numeric literal"),
            ("1ex", 3, "invalid character 'x' in exponent of numeric literal"),
            ("{} {}", 4, "invalid character '{' after top-level value"),
            ("'a'", 1, "invalid character '\\'' looking for beginning of value"),
            ("ü", 1, "invalid character 'Ã' looking for beginning of value"),
        ];
        for (text, offset, message) in cases {
            let error = check(text).unwrap_err();
            assert_eq!((error.offset, error.message.as_str()), (offset, message), "{text}");
        }
    }
}
