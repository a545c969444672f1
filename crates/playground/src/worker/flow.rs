//! How much output of a terminal may be under way: the page acknowledges what its screen has taken in. While too much is
//! not, the session stands still, and so does whatever prints without end.

use drydock_sorted::SortedMap;

/// Bytes of a terminal that may be under way.
const WINDOW: usize = 96 << 10;

/// The output of all terminals that is under way.
#[derive(Debug, Default)]
pub struct Flow {
    terminals: SortedMap<u32, Pipe>,
}

#[derive(Debug, Default)]
struct Pipe {
    under_way: usize,
    /// The beginning of a character whose other bytes are still to come.
    rest: Vec<u8>,
}

impl Flow {
    /// Text for the page out of what a terminal printed; it's under way from now on.
    pub fn text(&mut self, id: u32, bytes: &[u8]) -> String {
        let pipe = self.terminals.entry(id).or_default();
        let mut all = std::mem::take(&mut pipe.rest);
        all.extend_from_slice(bytes);
        let whole = whole_characters(&all);
        pipe.rest = all.split_off(whole);
        let text =
            String::from_utf8(all).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        pipe.under_way += text.len();
        text
    }

    /// The page's screen has taken in so many bytes.
    pub fn taken(&mut self, id: u32, bytes: usize) {
        if let Some(pipe) = self.terminals.get_mut(&id) {
            pipe.under_way = pipe.under_way.saturating_sub(bytes);
        }
    }

    /// Forgets a terminal.
    pub fn close(&mut self, id: u32) {
        self.terminals.remove(&id);
    }

    /// Whether more may be printed.
    pub fn open(&self) -> bool {
        self.terminals.values().all(|pipe| pipe.under_way < WINDOW)
    }
}

/// How many of the bytes are whole characters: what follows may become one.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(3).position(|byte| byte & 0xC0 == 0xC0);
    let Some(back) = tail else { return bytes.len() };
    let start = bytes.len() - 1 - back;
    let length = match bytes.get(start) {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF7) => 4,
        _ => 1,
    };
    if start + length > bytes.len() { start } else { bytes.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_not_torn() {
        let text = "Pods → ↻ é 🚢 done";
        for cut in 0..text.len() {
            let (a, b) = text.as_bytes().split_at(cut);
            let mut flow = Flow::default();
            let joined = flow.text(0, a) + &flow.text(0, b);
            assert_eq!(joined, text, "cut at {cut}");
        }
        assert_eq!(Flow::default().text(0, b"\xff\xfeok"), "\u{fffd}\u{fffd}ok");
    }

    #[test]
    fn a_flood_waits_for_the_screen() {
        let mut flow = Flow::default();
        assert!(flow.open());
        let text = flow.text(1, &[b'x'; WINDOW]);
        assert!(!flow.open());
        flow.taken(1, text.len() / 2);
        assert!(flow.open());
        flow.text(1, &[b'x'; WINDOW]);
        assert!(!flow.open());
        flow.close(1);
        assert!(flow.open(), "a closed terminal holds nothing up");
    }
}
