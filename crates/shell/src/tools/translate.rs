//! `tr`: characters for characters.

use super::Call;
use super::lines::cloning;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream};

#[derive(Clone)]
struct Tr {
    from: Vec<char>,
    to: Vec<char>,
    complement: bool,
    delete: bool,
    squeeze: Option<Vec<char>>,
    last: Option<char>,
    /// Bytes of a character that is not complete yet.
    partial: Vec<u8>,
}

/// A set such as `a-z`, `[:upper:]`, `\n`.
pub(super) fn set(text: &str) -> Vec<char> {
    let plain: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = plain.get(at).copied() {
        if c == '[' && plain.get(at + 1) == Some(&':') {
            let name: String = plain.get(at + 2..).unwrap_or_default().iter().take_while(|c| **c != ':').collect();
            let end = at + 2 + name.chars().count();
            if plain.get(end + 1) == Some(&']') {
                let in_class = |c: char| match name.as_str() {
                    "alpha" => c.is_ascii_alphabetic(),
                    "digit" => c.is_ascii_digit(),
                    "alnum" => c.is_ascii_alphanumeric(),
                    "upper" => c.is_ascii_uppercase(),
                    "lower" => c.is_ascii_lowercase(),
                    "space" => c.is_ascii_whitespace() || c == '\x0b',
                    "blank" => c == ' ' || c == '\t',
                    "punct" => c.is_ascii_punctuation(),
                    "cntrl" => c.is_ascii_control(),
                    "print" => c.is_ascii_graphic() || c == ' ',
                    "graph" => c.is_ascii_graphic(),
                    "xdigit" => c.is_ascii_hexdigit(),
                    _ => false,
                };
                out.extend((0u8..128).map(char::from).filter(|c| in_class(*c)));
                at = end + 2;
                continue;
            }
        }
        let (low, next) = one(&plain, at);
        at = next;
        if plain.get(at) == Some(&'-') && plain.get(at + 1).is_some() {
            let (high, next) = one(&plain, at + 1);
            if high >= low && (high as u32 - low as u32) < 0x1_0000 {
                out.extend(low..=high);
                at = next;
                continue;
            }
        }
        out.push(low);
    }
    out
}

/// One character of a set, escapes included.
fn one(plain: &[char], at: usize) -> (char, usize) {
    let c = plain.get(at).copied().unwrap_or('\\');
    if c != '\\' {
        return (c, at + 1);
    }
    match plain.get(at + 1) {
        None => ('\\', at + 1),
        Some('n') => ('\n', at + 2),
        Some('t') => ('\t', at + 2),
        Some('r') => ('\r', at + 2),
        Some('f') => ('\x0c', at + 2),
        Some('v') => ('\x0b', at + 2),
        Some('a') => ('\x07', at + 2),
        Some('b') => ('\x08', at + 2),
        Some('0'..='7') => {
            let digits: String =
                plain.get(at + 1..).unwrap_or_default().iter().take(3).take_while(|c| c.is_digit(8)).collect();
            let value = u32::from_str_radix(&digits, 8).unwrap_or(0);
            (char::from_u32(value).unwrap_or('\0'), at + 1 + digits.len())
        }
        Some(other) => (*other, at + 2),
    }
}

pub(super) fn tr(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] =
        &[("complement", 'c'), ("delete", 'd'), ("squeeze-repeats", 's'), ("truncate-set1", 't')];
    let options = Options::parse(call, "+cCdst", LONG)?;
    let Some(first) = options.rest.first() else { return Err(call.usage_error("missing operand")) };
    let second = options.rest.get(1);
    let delete = options.has('d');
    if second.is_none() && !delete && !options.has('s') {
        let message = format!("missing operand after ‘{first}’\nTwo strings must be given when translating.");
        return Err(call.usage_error(&message));
    }
    let from = set(first);
    let mut to = second.filter(|_| !delete).map(|text| set(text)).unwrap_or_default();
    if let Some(last) = to.last().copied()
        && !options.has('t')
    {
        to.resize(to.len().max(from.len()), last);
    }
    let squeeze = options.has('s').then(|| second.map_or_else(|| from.clone(), |text| set(text)));
    let tr = Tr { from, to, complement: options.any("cC"), delete, squeeze, last: None, partial: Vec::new() };
    Ok(Stream::new(tr, &[], Complaint::Plain))
}

impl Filter for Tr {
    fn line(&mut self, piece: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let mut bytes = std::mem::take(&mut self.partial);
        bytes.extend_from_slice(piece);
        // A character that is cut in two waits for its rest.
        if let Err(error) = std::str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            self.partial = bytes.split_off(error.valid_up_to());
        }
        let mut out = String::with_capacity(bytes.len());
        for c in String::from_utf8_lossy(&bytes).chars() {
            let place = self.from.iter().rposition(|from| *from == c);
            let in_set = place.is_some() != self.complement;
            let mut c = c;
            if in_set {
                if self.delete {
                    continue;
                }
                let to = if self.complement { self.to.last() } else { place.and_then(|place| self.to.get(place)) };
                c = to.copied().unwrap_or(c);
            }
            if let Some(squeezed) = &self.squeeze {
                let squeezable = squeezed.contains(&c) != (self.complement && self.to.is_empty());
                if squeezable && self.last == Some(c) {
                    continue;
                }
            }
            self.last = Some(c);
            out.push(c);
        }
        call.print(&out);
        Flow::Go
    }

    fn by_line(&self) -> bool {
        false
    }

    cloning!();
}
