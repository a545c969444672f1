//! Keys out of bytes.

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    /// Text that was pasted as one.
    Paste(String),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    WordLeft,
    WordRight,
    KillWordLeft,
    KillWordRight,
    /// Alt-.: the last word of the line before.
    LastWord,
    Escape,
    Ctrl(char),
    Other,
}

/// What was typed and is not a key yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    bytes: Vec<u8>,
}

const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";
/// A paste longer than this is taken in pieces.
const PASTE_BYTES_MAX: usize = 64 << 10;

impl Keys {
    /// Adds what was typed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What was typed and not used, to give back.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// The next key; None: there is none, or its end has not come yet.
    pub fn next(&mut self) -> Option<Key> {
        let (key, length) = parse(&self.bytes)?;
        self.bytes.drain(..length.min(self.bytes.len()));
        Some(key)
    }
}

fn parse(bytes: &[u8]) -> Option<(Key, usize)> {
    let first = *bytes.first()?;
    Some(match first {
        b'\r' | b'\n' => (Key::Enter, 1),
        b'\t' => (Key::Tab, 1),
        8 | 127 => (Key::Backspace, 1),
        27 => return escape(bytes),
        0 => (Key::Other, 1),
        1..=26 => (Key::Ctrl(char::from(b'a' + first - 1)), 1),
        28..=31 => (Key::Ctrl(char::from(first + b'@')), 1),
        0x80.. => {
            let length = match first {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => return Some((Key::Other, 1)),
            };
            let character = bytes.get(..length)?;
            match std::str::from_utf8(character).ok().and_then(|text| text.chars().next()) {
                Some(c) => (Key::Char(c), length),
                None => (Key::Other, 1),
            }
        }
        _ => (Key::Char(char::from(first)), 1),
    })
}

fn escape(bytes: &[u8]) -> Option<(Key, usize)> {
    let Some(second) = bytes.get(1) else { return Some((Key::Escape, 1)) };
    match second {
        b'[' | b'O' => {}
        b'b' => return Some((Key::WordLeft, 2)),
        b'f' => return Some((Key::WordRight, 2)),
        b'd' => return Some((Key::KillWordRight, 2)),
        b'.' | b'_' => return Some((Key::LastWord, 2)),
        8 | 127 => return Some((Key::KillWordLeft, 2)),
        27 => return Some((Key::Escape, 1)),
        _ => return Some((Key::Other, 2)),
    }
    if bytes.starts_with(PASTE_BEGIN) {
        let body = bytes.get(PASTE_BEGIN.len()..)?;
        let end = body.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        let (text, length) = match end {
            Some(end) => (body.get(..end)?, PASTE_BEGIN.len() + end + PASTE_END.len()),
            None if body.len() > PASTE_BYTES_MAX => (body, bytes.len()),
            None => return None,
        };
        let text = String::from_utf8_lossy(text).replace("\r\n", "\n").replace('\r', "\n");
        return Some((Key::Paste(text), length));
    }
    let rest = bytes.get(2..)?;
    let end = rest.iter().position(|b| (0x40..=0x7e).contains(b))?;
    let sequence = rest.get(..=end)?;
    let key = match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"C" => Key::Right,
        b"D" => Key::Left,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"3~" => Key::Delete,
        b"1;5C" | b"1;3C" | b"5C" => Key::WordRight,
        b"1;5D" | b"1;3D" | b"5D" => Key::WordLeft,
        b"3;5~" => Key::KillWordRight,
        _ => Key::Other,
    };
    Some((key, 2 + end + 1))
}
