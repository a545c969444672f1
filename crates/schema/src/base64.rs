//! Base64 as Go reads and writes it: padded, line breaks ignored, errors by position.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Text that is not base64, from this byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Illegal(pub usize);

impl std::fmt::Display for Illegal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "illegal base64 data at input byte {}", self.0)
    }
}

impl std::error::Error for Illegal {}

/// The bytes as base64.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = ALPHABET.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if at > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

fn digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// The bytes that the text holds.
///
/// # Errors
/// Where it is wrong.
pub fn decode(text: &str) -> Result<Vec<u8>, Illegal> {
    let bytes = text.as_bytes();
    let skip_breaks = |mut at: usize| {
        while matches!(bytes.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    let mut at = 0;
    loop {
        let (mut bits, mut count) = (0u32, 0usize);
        while count < 4 {
            let Some(byte) = bytes.get(at).copied() else {
                return if count == 0 { Ok(out) } else { Err(Illegal(at - count)) };
            };
            at += 1;
            if let Some(digit) = digit(byte) {
                bits = bits << 6 | digit;
                count += 1;
                continue;
            }
            match byte {
                b'\n' | b'\r' => continue,
                b'=' if count >= 2 => {}
                _ => return Err(Illegal(at - 1)),
            }
            if count == 2 {
                at = skip_breaks(at);
                match bytes.get(at) {
                    None => return Err(Illegal(bytes.len())),
                    Some(b'=') => at += 1,
                    Some(_) => return Err(Illegal(at - 1)),
                }
            }
            at = skip_breaks(at);
            if at < bytes.len() {
                return Err(Illegal(at));
            }
            bits <<= 6 * (4 - count);
            out.extend(bits.to_be_bytes().into_iter().skip(1).take(count - 1));
            return Ok(out);
        }
        out.extend(bits.to_be_bytes().into_iter().skip(1));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Illegal, decode, encode};

    #[test]
    fn errors_are_gos() {
        let cases = [
            ("not base64!", 3),
            ("###", 0),
            ("abc", 0),
            ("abcda", 4),
            ("a=", 1),
            ("ab=", 3),
            ("ab=x", 2),
            ("ab==x", 4),
        ];
        for (text, at) in cases {
            assert_eq!(decode(text), Err(Illegal(at)), "{text}");
        }
        assert_eq!(decode("aGVs\nbG8=\n").unwrap(), b"hello");
    }

    proptest! {
        #[test]
        fn round_trip(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Ok(bytes));
        }
    }
}
