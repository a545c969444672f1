//! What Go's JSON decoder says of bytes that are not JSON.

/// Go's error for bytes that are not one JSON document; None when they are one.
pub(crate) fn error(bytes: &[u8]) -> Option<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => drydock_yaml::json::check(text).err().map(|error| error.message),
        Err(wrong) => {
            // Go reads bytes, not characters, and shows one that stands where a value should begin by its number.
            let (head, rest) = bytes.split_at(wrong.valid_up_to());
            if std::str::from_utf8(head).is_ok_and(|text| text.trim().is_empty()) {
                let shown = rest.first().copied().map_or(' ', char::from);
                return Some(format!("invalid character '{shown}' looking for beginning of value"));
            }
            drydock_yaml::json::check(&String::from_utf8_lossy(bytes))
                .err()
                .map(|error| error.message)
                .or_else(|| Some("invalid UTF-8 in string".into()))
        }
    }
}

/// What a strict decoder complains of, in the order of the text: what it does not know, and fields that stand twice in
/// their object. The bytes are JSON; what lies in an unknown field is passed over, as by the decoder.
pub(crate) fn complaints(bytes: &[u8], unknown: Vec<String>) -> Vec<String> {
    let mut walk = Walk { bytes, at: 0, path: String::new(), unknown: &unknown, found: Vec::new() };
    walk.value(false);
    let mut found = walk.found;
    let rest: Vec<String> = unknown.into_iter().filter(|one| !found.contains(one)).collect();
    found.extend(rest);
    found
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the walk is: `spec.containers[0].name`.
    path: String,
    unknown: &'a [String],
    found: Vec<String>,
}

impl<'a> Walk<'a> {
    /// The next byte that is no blank, without taking it.
    fn next(&mut self) -> u8 {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    /// Takes a string, and gives what stands between the quotes.
    fn string(&mut self) -> &'a [u8] {
        let from = self.at + 1;
        self.at = from;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let text = self.bytes.get(from..self.at).unwrap_or_default();
        self.at += 1;
        text
    }

    fn complain(&mut self, complaint: String) {
        if !self.found.contains(&complaint) {
            self.found.push(complaint);
        }
    }

    /// Takes a value; inside of what is not known nothing is said.
    fn value(&mut self, silent: bool) {
        match self.next() {
            open @ (b'{' | b'[') => {
                self.at += 1;
                let mut seen = drydock_sorted::SortedSet::new();
                let mut index = 0;
                loop {
                    match self.next() {
                        0 => return,
                        b'}' | b']' => {
                            self.at += 1;
                            return;
                        }
                        b',' => self.at += 1,
                        _ => {
                            let outer = self.path.len();
                            let mut silent = silent;
                            if open == b'[' {
                                self.path.push_str(&format!("[{index}]"));
                                index += 1;
                            } else {
                                let key = self.string();
                                self.next();
                                self.at += 1;
                                if outer > 0 {
                                    self.path.push('.');
                                }
                                self.path.push_str(&String::from_utf8_lossy(key));
                                let again = !seen.insert(key);
                                if again && !silent {
                                    self.complain(format!("duplicate field {:?}", self.path));
                                }
                                if !self.unknown.is_empty() && !silent {
                                    let complaint = format!("unknown field {:?}", self.path);
                                    if self.unknown.contains(&complaint) {
                                        self.found.retain(|one| *one != format!("duplicate field {:?}", self.path));
                                        self.complain(complaint);
                                        silent = true;
                                    }
                                }
                            }
                            self.value(silent);
                            self.path.truncate(outer);
                        }
                    }
                }
            }
            b'"' => {
                self.string();
            }
            _ => {
                let plain = |byte: &u8| !matches!(byte, b',' | b'}' | b']') && !byte.is_ascii_whitespace();
                while self.bytes.get(self.at).is_some_and(plain) {
                    self.at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_come_in_the_order_of_the_text() {
        let cases: [(&str, &[&str], &[&str]); 4] = [
            (
                r#"{"spec": {"unknownField": 1, "replicas": 2, "replicas": 3, "c": [{}, {"x": 1, "a": "}", "a": 2}]}}"#,
                &[r#"unknown field "spec.c[1].x""#, r#"unknown field "spec.unknownField""#],
                &[
                    r#"unknown field "spec.unknownField""#,
                    r#"duplicate field "spec.replicas""#,
                    r#"unknown field "spec.c[1].x""#,
                    r#"duplicate field "spec.c[1].a""#,
                ],
            ),
            (
                r#"{"u": {"a": 1, "a": 2}, "u": 3, "k\"": 1, "a": 1, "a": 2, "a": 3}"#,
                &[r#"unknown field "u""#, "something else"],
                &[r#"unknown field "u""#, r#"duplicate field "a""#, "something else"],
            ),
            ("[1, true, null, -2e3]", &[], &[]),
            (r#"{"a": "#, &[], &[]),
        ];
        for (text, unknown, wanted) in cases {
            assert_eq!(
                complaints(text.as_bytes(), unknown.iter().map(|u| (*u).to_owned()).collect()),
                wanted,
                "{text}"
            );
        }
    }

    #[test]
    fn says_it_as_go_does() {
        let cases: [(&[u8], Option<&str>); 5] = [
            (b" {\"a\": [1]} ", None),
            (b"", Some("unexpected end of JSON input")),
            (b"{oops", Some("invalid character 'o' looking for beginning of object key string")),
            (b"nope", Some("invalid character 'o' in literal null (expecting 'u')")),
            (&[0xae, 0xe6], Some("invalid character '\u{ae}' looking for beginning of value")),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(error(bytes).as_deref(), wanted, "{bytes:?}");
        }
    }
}
