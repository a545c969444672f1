//! Columns: Go's text/tabwriter as kubectl sets it up (at least 6 wide, 3 spaces between).

/// Lines of cells, aligned when they are printed. A block of lines ends where a line has fewer cells; as kubectl's
/// writer, it can remember the widths of earlier blocks, so that lines of a watch stay aligned.
#[derive(Debug, Clone, Default)]
pub struct Tabs {
    text: String,
    remembered: Option<Vec<usize>>,
    min_width: usize,
    padding: usize,
}

impl Tabs {
    /// As for tables of `get`: widths are remembered.
    pub fn table() -> Tabs {
        Tabs { text: String::new(), remembered: Some(Vec::new()), min_width: 6, padding: 3 }
    }

    /// With other measures, without memory.
    pub fn new(min_width: usize, padding: usize) -> Tabs {
        Tabs { text: String::new(), remembered: None, min_width, padding }
    }

    /// Adds text; cells end with a tab, lines with a line break.
    pub fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a line of cells.
    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        for (i, cell) in cells.iter().enumerate() {
            if i > 0 {
                self.text.push('\t');
            }
            self.text.push_str(cell.as_ref());
        }
        self.text.push('\n');
    }

    /// Forgets widths of earlier lines.
    pub fn forget(&mut self) {
        if let Some(widths) = &mut self.remembered {
            widths.clear();
        }
    }

    /// Whether nothing waits to be printed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The aligned text of everything since the last flush.
    pub fn flush(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        let mut lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
        // After the last line break there is an empty line, which is none.
        if lines.last().is_some_and(|line| line.len() == 1 && line.first().is_some_and(|cell| cell.is_empty())) {
            lines.pop();
        }
        let ends_open = !text.is_empty() && !text.ends_with('\n');
        let mut out = String::new();
        let mut widths = Vec::new();
        self.format(&lines, 0, lines.len(), &mut widths, &mut out);
        if ends_open {
            out.pop();
        }
        out
    }

    fn width(&self, cell: &str) -> usize {
        // As tabwriter does: counted in characters.
        cell.chars().count()
    }

    /// Prints the lines from `from` to `to`; the widths of the columns to the left are known.
    fn format(&mut self, lines: &[Vec<&str>], from: usize, to: usize, widths: &mut Vec<usize>, out: &mut String) {
        let column = widths.len();
        let mut start = from;
        let mut line = from;
        while line < to {
            if column + 1 >= lines[line].len() {
                line += 1;
                continue;
            }
            // A cell that ends with a tab stands in this column: print what came before, then the block of lines
            // that have it too.
            self.print(lines, start, line, widths, out);
            start = line;
            let mut width = self.min_width;
            let mut empty = true;
            while line < to && column + 1 < lines[line].len() {
                let own = self.width(lines[line][column]) + self.padding;
                width = width.max(own);
                empty &= own == self.padding;
                line += 1;
            }
            let _ = empty;
            if let Some(remembered) = &mut self.remembered {
                match remembered.get_mut(column) {
                    Some(before) => {
                        width = width.max(*before);
                        *before = width;
                    }
                    None => remembered.push(width),
                }
            }
            widths.push(width);
            self.format(lines, start, line, widths, out);
            widths.pop();
            start = line;
        }
        self.print(lines, start, to, widths, out);
    }

    fn print(&self, lines: &[Vec<&str>], from: usize, to: usize, widths: &[usize], out: &mut String) {
        for line in lines.get(from..to).unwrap_or_default() {
            for (i, cell) in line.iter().enumerate() {
                out.push_str(cell);
                if let Some(width) = widths.get(i)
                    && i + 1 < line.len()
                {
                    out.extend(std::iter::repeat_n(' ', width.saturating_sub(self.width(cell))));
                }
            }
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tabs;

    #[test]
    fn aligns_as_tabwriter() {
        let mut tabs = Tabs::table();
        tabs.row(&["NAME", "READY", "AGE"]);
        tabs.row(&["nginx-deployment", "3/3", "3s"]);
        assert_eq!(tabs.flush(), "NAME               READY   AGE\nnginx-deployment   3/3     3s\n");
        tabs.row(&["a", "1/1", "4s"]);
        assert_eq!(tabs.flush(), "a                  1/1     4s\n");
        tabs.forget();
        tabs.row(&["a", "1/1", "4s"]);
        assert_eq!(tabs.flush(), "a     1/1   4s\n");
    }
}
