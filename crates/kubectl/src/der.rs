//! Just enough of PEM and DER: what a certificate signing request asks for, and whether a key fits a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One element: its tag and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag byte.
    pub tag: u8,
    /// The content, without tag and length.
    pub content: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside, as far as they can be read.
    pub fn children(&self) -> Vec<Element<'a>> {
        let mut rest = self.content;
        let mut children = Vec::new();
        while let Some((child, behind)) = split(rest) {
            children.push(child);
            rest = behind;
        }
        children
    }
}

/// The first element of some bytes.
pub fn read(bytes: &[u8]) -> Option<Element<'_>> {
    split(bytes).map(|(element, _)| element)
}

fn split(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let digits = usize::from(first & 0x7f);
        let (length, rest) = rest.split_at_checked(digits)?;
        // Four bytes of length are more than anything here has.
        if digits > 4 {
            return None;
        }
        (length.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Element { tag, content }, rest))
}

/// The blocks of a PEM text: label and bytes.
pub fn pem_blocks(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim) {
        if let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) {
            open = Some((label.to_owned(), String::new()));
        } else if line.starts_with("-----END ") {
            if let Some((label, body)) = open.take()
                && let Ok(bytes) = STANDARD.decode(body)
            {
                blocks.push((label, bytes));
            }
        } else if let Some((_, body)) = &mut open {
            // Headers (such as of encrypted keys) hold a colon, base64 does not.
            if !line.contains(':') {
                body.push_str(line);
            }
        }
    }
    blocks
}

/// The bytes of the first block with a label.
pub fn pem_block(text: &str, label: &str) -> Option<Vec<u8>> {
    pem_blocks(text).into_iter().find(|(given, _)| given == label).map(|(_, bytes)| bytes)
}
