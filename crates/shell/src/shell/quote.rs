//! Escapes in and out.

/// What the escapes of `$'...'` stand for.
pub(crate) fn unescape_dollar(text: &str) -> String {
    let bytes = unescape(text, true);
    crate::text::lossy(bytes.0)
}

/// What backslash escapes stand for, and whether a `\c` ended the text. `ansi`: those of `$'...'` (`\'`, `\cX`, octal
/// without a leading zero); otherwise those of `echo -e` and `printf %b` (`\0nnn`, `\c`).
pub(crate) fn unescape(text: &str, ansi: bool) -> (Vec<u8>, bool) {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let digits = |from: usize, radix: u32, max: usize| -> (u32, usize) {
        let (mut value, mut count) = (0u32, 0);
        while count < max {
            let Some(digit) = bytes.get(from + count).and_then(|b| char::from(*b).to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            count += 1;
        }
        (value, count)
    };
    while let Some(byte) = bytes.get(at) {
        at += 1;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some(escape) = bytes.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        match escape {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'e' | b'E' => out.push(27),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' => out.push(b'\\'),
            b'\'' | b'"' | b'?' if ansi => out.push(*escape),
            b'c' if !ansi => return (out, true),
            b'c' => {
                out.push(bytes.get(at).map_or(0, |b| b & 0x1f));
                at += 1;
            }
            b'x' => match digits(at, 16, 2) {
                (_, 0) => out.extend_from_slice(b"\\x"),
                (value, count) => {
                    out.push(value as u8);
                    at += count;
                }
            },
            b'u' | b'U' => match digits(at, 16, if *escape == b'u' { 4 } else { 8 }) {
                (_, 0) => out.extend([b'\\', *escape]),
                (value, count) => {
                    let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                    out.extend_from_slice(c.to_string().as_bytes());
                    at += count;
                }
            },
            b'0' if !ansi => {
                let (value, count) = digits(at, 8, 3);
                out.push(value as u8);
                at += count;
            }
            b'0'..=b'7' => {
                let (value, count) = digits(at - 1, 8, 3);
                out.push(value as u8);
                at += count - 1;
            }
            _ => out.extend([b'\\', *escape]),
        }
    }
    (out, false)
}

/// A text as a shell reads it back; unchanged when nothing in it means anything.
pub(crate) fn quote(text: &str) -> String {
    let plain = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b'@' | b'%' | b'+' | b',')
    };
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    single(text)
}

/// A text in single quotes; with `$'...'` when it holds control characters.
pub(crate) fn single(text: &str) -> String {
    if text.chars().any(char::is_control) {
        let mut out = String::from("$'");
        for c in text.chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                '\x1b' => out.push_str("\\E"),
                '\'' => out.push_str("\\'"),
                '\\' => out.push_str("\\\\"),
                c if c.is_control() && (c as u32) < 256 => out.push_str(&format!("\\{:03o}", c as u32)),
                c => out.push(c),
            }
        }
        out.push('\'');
        return out;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A text in double quotes, as `export -p` and `declare -p` print it.
pub(crate) fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
