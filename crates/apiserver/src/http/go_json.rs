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

#[cfg(test)]
mod tests {
    use super::*;

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
