//! Text in levels and columns: what kubectl's describers write into, and the tab stops that line it up.

use crate::printers::tabs::Tabs;

/// Collects the text of a description. Lines carry two spaces a level, cells end with a tab, and [`Writer::aligned`]
/// turns the tabs into columns.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    /// Offsets where columns start anew, whatever stands before.
    flushes: Vec<usize>,
    /// Levels added to every write: a description inside another one.
    nested: usize,
}

impl Writer {
    /// An empty text.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Writes `text` after the indentation of `level`, and nothing after it. An escape character is shown, not sent to
    /// the terminal.
    pub fn put(&mut self, level: usize, text: &str) {
        for _ in 0..level + self.nested {
            self.text.push_str("  ");
        }
        for character in text.chars() {
            match character {
                '\u{1b}' => self.text.push_str("^["),
                '\r' => self.text.push_str("\\r"),
                other => self.text.push(other),
            }
        }
    }

    /// A whole line.
    pub fn line(&mut self, level: usize, text: &str) {
        self.put(level, text);
        self.text.push('\n');
    }

    /// The line `name:`, tab, `value`.
    pub fn field(&mut self, level: usize, name: &str, value: &str) {
        self.put(level, name);
        self.text.push_str(":\t");
        self.rest(value);
    }

    /// The rest of a line that [`Writer::put`] began.
    pub fn rest(&mut self, text: &str) {
        let nested = std::mem::take(&mut self.nested);
        self.line(0, text);
        self.nested = nested;
    }

    /// Lets the columns that follow start anew.
    pub fn flush(&mut self) {
        self.flushes.push(self.text.len());
    }

    /// Writes with everything moved `levels` to the right.
    pub fn nest(&mut self, levels: usize, write: impl FnOnce(&mut Writer)) {
        self.nested += levels;
        write(self);
        self.nested -= levels;
    }

    /// The text with columns in place of tabs.
    pub fn aligned(self) -> String {
        let mut out = String::with_capacity(self.text.len() * 2);
        let mut tabs = Tabs::new(0, 2);
        let mut start = 0;
        for end in self.flushes.iter().copied().chain([self.text.len()]) {
            tabs.write(self.text.get(start..end).unwrap_or(""));
            out.push_str(&tabs.flush());
            start = end;
        }
        out
    }

    /// The text with its tabs.
    pub fn plain(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_runs_of_lines_that_have_the_cell() {
        let cases = [
            ("Name:\tx\nNamespace:\tdefault\n", "Name:       x\nNamespace:  default\n"),
            // A line without tabs ends the run.
            (
                "A:\t1\nConditions:\n  Type\tStatus\n  Ready \tTrue \n",
                "A:  1\nConditions:\n  Type    Status\n  Ready   True \n",
            ),
            // An empty last cell still counts for its column.
            ("IP:\t\nIPs:\t<none>\n", "IP:   \nIPs:  <none>\n"),
            ("a\tb\tc\nlonger\t\td\nx\n", "a       b  c\nlonger     d\nx\n"),
            ("a\tb", "a  b"),
            ("", ""),
        ];
        for (text, expected) in cases {
            let mut w = Writer::new();
            w.put(0, text);
            assert_eq!(w.aligned(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_flush_starts_columns_anew() {
        let mut w = Writer::new();
        w.field(0, "A long name", "1");
        w.flush();
        w.field(0, "B", "2");
        assert_eq!(w.aligned(), "A long name:  1\nB:  2\n");
    }

    #[test]
    fn control_characters_are_shown() {
        let mut w = Writer::new();
        w.field(1, "Message", "a\u{1b}[31mred\r");
        assert_eq!(w.plain(), "  Message:\ta^[[31mred\\r\n");
    }
}
