//! Directives, anchors, aliases and tags.

use super::{Kind, Scanner, Token, is_blank, is_blankz, is_breakz, is_word};
use crate::error::Error;

impl Scanner<'_> {
    pub(super) fn scan_directive(&mut self) -> Result<Token, Error> {
        let start = self.place;
        self.skip();
        let name = self.word();
        if name.is_empty() {
            return self.wrong("could not find expected directive name");
        }
        if !is_blankz(self.char()) {
            return self.wrong("found unexpected non-alphabetical character");
        }
        self.skip_blanks();
        let kind = match name.as_str() {
            "YAML" => {
                let major = self.version_number()?;
                if self.char() != '.' {
                    return self.wrong("did not find expected digit or '.' character");
                }
                self.skip();
                Kind::Version(major, self.version_number()?)
            }
            "TAG" => {
                let handle = self.tag_handle(true)?;
                if !is_blank(self.char()) {
                    return self.wrong("did not find expected whitespace");
                }
                self.skip_blanks();
                let prefix = self.tag_uri("")?;
                if !is_blankz(self.char()) {
                    return self.wrong("did not find expected whitespace or line break");
                }
                Kind::TagPrefix { handle, prefix }
            }
            _ => return self.wrong("found unknown directive name"),
        };
        let end = self.place;
        self.skip_blanks();
        if self.char() == '#' {
            while !is_breakz(self.char()) {
                self.skip();
            }
        }
        if !is_breakz(self.char()) {
            return self.wrong("did not find expected comment or line break");
        }
        self.skip_break();
        Ok(Token { kind, start, end })
    }

    fn skip_blanks(&mut self) {
        while is_blank(self.char()) {
            self.skip();
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while is_word(self.char()) {
            self.read(&mut word);
        }
        word
    }

    fn version_number(&mut self) -> Result<u8, Error> {
        let (mut number, mut length) = (0u8, 0);
        while let Some(digit) = self.char().to_digit(10) {
            length += 1;
            if length > 2 {
                return self.wrong("found extremely long version number");
            }
            number = number * 10 + u8::try_from(digit).unwrap_or(0);
            self.skip();
        }
        if length == 0 { self.wrong("did not find expected version number") } else { Ok(number) }
    }

    pub(super) fn scan_anchor(&mut self) -> Result<Token, Error> {
        let start = self.place;
        let alias = self.char() == '*';
        self.skip();
        let name = self.word();
        let end = self.place;
        let ended = is_blankz(self.char()) || matches!(self.char(), '?' | ':' | ',' | ']' | '}' | '%' | '@' | '`');
        if name.is_empty() || !ended {
            return self.wrong("did not find expected alphabetic or numeric character");
        }
        Ok(Token { kind: if alias { Kind::Alias(name) } else { Kind::Anchor(name) }, start, end })
    }

    pub(super) fn scan_tag(&mut self) -> Result<Token, Error> {
        let start = self.place;
        let (handle, suffix);
        if self.char_at(1) == '<' {
            self.skip();
            self.skip();
            handle = String::new();
            suffix = self.tag_uri("")?;
            if self.char() != '>' {
                return self.wrong("did not find the expected '>'");
            }
            self.skip();
        } else {
            let head = self.tag_handle(false)?;
            if head.len() > 1 && head.ends_with('!') {
                suffix = self.tag_uri("")?;
                handle = head;
            } else {
                let rest = self.tag_uri(&head)?;
                // `!` alone says: not what it looks like.
                (handle, suffix) = if rest.is_empty() { (rest, "!".to_owned()) } else { ("!".to_owned(), rest) };
            }
        }
        if !is_blankz(self.char()) {
            return self.wrong("did not find expected whitespace or line break");
        }
        Ok(Token { kind: Kind::Tag { handle, suffix }, start, end: self.place })
    }

    /// `!`, `!!` or `!name!`; what turns out to be no handle is the beginning of the tag itself.
    fn tag_handle(&mut self, directive: bool) -> Result<String, Error> {
        if self.char() != '!' {
            return self.wrong("did not find expected '!'");
        }
        let mut handle = String::new();
        self.read(&mut handle);
        handle.push_str(&self.word());
        if self.char() == '!' {
            self.read(&mut handle);
        } else if directive && handle != "!" {
            return self.wrong("did not find expected '!'");
        }
        Ok(handle)
    }

    fn tag_uri(&mut self, head: &str) -> Result<String, Error> {
        let mut uri: Vec<u8> = head.bytes().skip(1).collect();
        let mut found = !head.is_empty();
        loop {
            let c = self.char();
            if c == '%' {
                self.uri_escape(&mut uri)?;
            } else if is_word(c) || ";/?:@&=+$,.!~*'()[]".contains(c) {
                let mut one = String::new();
                self.read(&mut one);
                uri.extend(one.bytes());
            } else if found {
                return Ok(String::from_utf8_lossy(&uri).into_owned());
            } else {
                return self.wrong("did not find expected tag URI");
            }
            found = true;
        }
    }

    /// The bytes of one character, each as `%` and two digits.
    fn uri_escape(&mut self, uri: &mut Vec<u8>) -> Result<(), Error> {
        let mut left: Option<u32> = None;
        while left != Some(0) {
            let digits = (self.char() == '%').then(|| (self.char_at(1).to_digit(16), self.char_at(2).to_digit(16)));
            let Some((Some(high), Some(low))) = digits else {
                return self.wrong("did not find URI escaped octet");
            };
            let byte = u8::try_from(high << 4 | low).unwrap_or(0);
            left = Some(match left {
                None => match byte {
                    0x00..=0x7F => 0,
                    0xC0..=0xDF => 1,
                    0xE0..=0xEF => 2,
                    0xF0..=0xF7 => 3,
                    _ => return self.wrong("found an incorrect leading UTF-8 octet"),
                },
                Some(_) if byte & 0xC0 != 0x80 => return self.wrong("found an incorrect trailing UTF-8 octet"),
                Some(left) => left - 1,
            });
            uri.push(byte);
            for _ in 0..3 {
                self.skip();
            }
        }
        Ok(())
    }
}
