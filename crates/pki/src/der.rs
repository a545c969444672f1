//! DER, the writing of certificates and keys as tags, lengths and contents (X.690), and PEM, its bytes as text (RFC 7468).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Elements one after the other.
pub const SEQUENCE: u8 = 0x30;
/// Elements in any order.
pub const SET: u8 = 0x31;
/// What a thing is, by numbers.
pub const OBJECT_ID: u8 = 0x06;
/// A whole number.
pub const INTEGER: u8 = 0x02;
/// Bits, after a byte that says how many of the last byte do not count.
pub const BITS: u8 = 0x03;
/// Bytes.
pub const OCTETS: u8 = 0x04;
/// Yes.
pub const TRUE: [u8; 3] = [0x01, 1, 0xff];

/// One element: tag, content, what follows.
pub fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = rest.get(..count)?;
        let length = digits.iter().try_fold(0usize, |sum, d| sum.checked_mul(256)?.checked_add(usize::from(*d)))?;
        (length, rest.get(count..)?)
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

/// The elements that some bytes are made of, as far as they can be read.
pub fn children(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let Some((tag, content, rest)) = element(bytes) {
        found.push((tag, content));
        bytes = rest;
    }
    found
}

/// An element of a tag and a content of less than 64 KiB.
pub fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..0x80 => out.push(short as u8),
        byte @ 0x80..0x100 => out.extend([0x81, byte as u8]),
        long => out.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    out.extend_from_slice(content);
    out
}

/// A number that is not negative, from its bytes with the highest first.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let sign: &[u8] = if bytes.first().is_none_or(|byte| *byte >= 0x80) { &[0] } else { &[] };
    wrap(INTEGER, &[sign, bytes].concat())
}

/// Bits, of which so many of the last byte do not count.
pub fn bits(unused: u8, content: &[u8]) -> Vec<u8> {
    wrap(BITS, &[&[unused], content].concat())
}

/// The blocks of a PEM text, what each is and its bytes. What cannot be read is left out.
pub fn pem_blocks(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(kind) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            open = Some((kind.to_owned(), String::new()));
        } else if line.starts_with("-----END ") {
            if let Some((kind, body)) = open.take()
                && line.get("-----END ".len()..).and_then(|rest| rest.strip_suffix("-----")) == Some(kind.as_str())
                && let Ok(bytes) = BASE64_STANDARD.decode(body)
            {
                blocks.push((kind, bytes));
            }
        } else if let Some((_, body)) = &mut open {
            // Headers (such as of encrypted keys) hold a colon, base64 does not.
            if !line.contains(':') {
                body.extend(line.chars().filter(|c| !c.is_whitespace()));
            }
        }
    }
    blocks
}

/// The first block of a PEM text: what it is, and its bytes.
pub fn read_pem(text: &str) -> Option<(String, Vec<u8>)> {
    pem_blocks(text).into_iter().next()
}

/// Bytes as a block of PEM.
pub fn write_pem(kind: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 127, 128, 255, 256, 5000] {
            let content = vec![7; length];
            let der = [wrap(OCTETS, &content), vec![5, 0]].concat();
            assert_eq!(element(&der), Some((OCTETS, &content[..], &[5, 0][..])), "{length}");
            let text = write_pem("THING", &der);
            assert_eq!(read_pem(&format!("words\n{text}more")), Some(("THING".to_owned(), der)), "{length}");
        }
        for (bytes, expected) in [(&[][..], &[2, 1, 0][..]), (&[0, 0, 1], &[2, 1, 1]), (&[0x80], &[2, 2, 0, 0x80])] {
            assert_eq!(integer(bytes), expected);
        }
        assert_eq!(element(&[0x30, 5, 1]), None);
        assert_eq!(read_pem("-----BEGIN X-----\n!\n-----END X-----"), None);
        let two = format!(
            "{}{}",
            write_pem("A", &[1]),
            write_pem("B", &[2]).replace("-----\nAg", "-----\nProc-Type: 4\n\nAg")
        );
        assert_eq!(pem_blocks(&two), [("A".to_owned(), vec![1]), ("B".to_owned(), vec![2])]);
    }
}
