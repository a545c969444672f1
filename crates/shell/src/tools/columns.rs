//! Filters by column: `cut`, `fold`, `column`, `paste`, `comm`.

use super::Call;
use super::lines::cloning;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream, chomp};
use super::translate::set;
use crate::text;
use drydock_sorted::Sort;

// ---- cut ----

#[derive(Clone)]
struct Cut {
    /// Ranges that count from 1, sorted.
    ranges: Vec<(usize, usize)>,
    bytes: bool,
    fields: bool,
    delimiter: String,
    output: String,
    only_delimited: bool,
    complement: bool,
}

/// A list such as `1,3-5,7-`.
fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    let mut ranges = Vec::new();
    for part in list.split([',', ' ']) {
        let (from, to) = match part.split_once('-') {
            Some(("", "")) => return None,
            Some(("", to)) => (1, to.parse().ok()?),
            Some((from, "")) => (from.parse().ok()?, usize::MAX),
            Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
            None => {
                let one = part.parse().ok()?;
                (one, one)
            }
        };
        if from == 0 || to < from {
            return None;
        }
        ranges.push((from, to));
    }
    ranges.sort_compact();
    Some(ranges)
}

pub(super) fn cut(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] = &[
        ("bytes", 'b'),
        ("characters", 'c'),
        ("fields", 'f'),
        ("delimiter", 'd'),
        ("only-delimited", 's'),
        ("output-delimiter", 'O'),
        ("complement", 'C'),
    ];
    let options = Options::parse(call, "b:c:f:d:snO:", LONG)?;
    let Some((letter, list)) = "bcf".chars().find_map(|letter| Some((letter, options.value(letter)?))) else {
        if call.gnu() {
            return Err(call.usage_error("you must specify a list of bytes, characters, or fields"));
        }
        call.error("expected a list of bytes, characters, or fields");
        return Err(1);
    };
    let Some(ranges) = ranges(list) else {
        let message = match (call.gnu(), letter) {
            (true, 'f') if list.split(',').any(|part| part.starts_with('0')) => "fields are numbered from 1".to_owned(),
            (true, _) => format!("invalid field value ‘{list}’"),
            (false, _) => format!("invalid range {list}"),
        };
        return Err(if call.gnu() {
            call.usage_error(&message)
        } else {
            call.error(&message);
            1
        });
    };
    let delimiter = options.value('d').unwrap_or("\t").to_owned();
    if delimiter.chars().count() > 1 {
        if call.gnu() {
            return Err(call.usage_error("the delimiter must be a single character"));
        }
        call.error("bad delimiter");
        return Err(1);
    }
    let cut = Cut {
        ranges,
        bytes: letter == 'b',
        fields: letter == 'f',
        output: options.value('O').map_or_else(|| delimiter.clone(), str::to_owned),
        delimiter,
        only_delimited: options.has('s'),
        complement: options.has('C'),
    };
    Ok(Stream::new(cut, &options.rest, Complaint::Plain))
}

impl Cut {
    fn wants(&self, position: usize) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&position)) != self.complement
    }
}

impl Filter for Cut {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let bytes = chomp(line);
        if self.bytes {
            let picked: Vec<u8> =
                bytes.iter().enumerate().filter(|(at, _)| self.wants(at + 1)).map(|(_, byte)| *byte).collect();
            call.put(&picked);
            call.put(b"\n");
            return Flow::Go;
        }
        let text = String::from_utf8_lossy(bytes);
        if !self.fields {
            let picked: String =
                text.chars().enumerate().filter(|(at, _)| self.wants(at + 1)).map(|(_, c)| c).collect();
            call.print(&format!("{picked}\n"));
            return Flow::Go;
        }
        if !text.contains(self.delimiter.as_str()) {
            if !self.only_delimited {
                call.print(&format!("{text}\n"));
            }
            return Flow::Go;
        }
        let picked: Vec<&str> = text
            .split(self.delimiter.as_str())
            .enumerate()
            .filter(|(at, _)| self.wants(at + 1))
            .map(|(_, field)| field)
            .collect();
        call.print(&format!("{}\n", picked.join(&self.output)));
        Flow::Go
    }

    cloning!();
}

// ---- fold ----

#[derive(Clone)]
struct Fold {
    width: usize,
    spaces: bool,
}

pub(super) fn fold(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "bsw:", &[("width", 'w'), ("spaces", 's')])?;
    let width = options.value('w').and_then(|text| text.parse().ok()).unwrap_or(80).max(1);
    Ok(Stream::new(Fold { width, spaces: options.has('s') }, &options.rest, Complaint::Plain))
}

impl Filter for Fold {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let text = String::from_utf8_lossy(chomp(line)).into_owned();
        let mut rest: Vec<char> = text.chars().collect();
        while rest.len() > self.width {
            let mut cut = self.width;
            if self.spaces
                && let Some(space) = rest.iter().take(self.width).rposition(|c| *c == ' ')
            {
                cut = space + 1;
            }
            let head: String = rest.drain(..cut).collect();
            call.print(&format!("{head}\n"));
        }
        let tail: String = rest.into_iter().collect();
        call.print(&tail);
        call.put(line.get(chomp(line).len()..).unwrap_or_default());
        Flow::Go
    }

    cloning!();
}

// ---- column ----

#[derive(Clone)]
struct Column {
    table: bool,
    separator: Option<String>,
    output: String,
    columns: usize,
    lines: Vec<String>,
}

pub(super) fn column(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(
        call,
        "ts:o:c:",
        &[("table", 't'), ("separator", 's'), ("output-separator", 'o'), ("output-width", 'c')],
    )?;
    let width = call.sys.tty_size(1).map_or(80, |(columns, _)| usize::from(columns));
    let column = Column {
        table: options.has('t'),
        separator: options.value('s').map(str::to_owned),
        output: options.value('o').unwrap_or("  ").to_owned(),
        columns: options.value('c').and_then(|text| text.parse().ok()).unwrap_or(width),
        lines: Vec::new(),
    };
    Ok(Stream::new(column, &options.rest, Complaint::Plain))
}

impl Filter for Column {
    fn line(&mut self, line: &[u8], _: &mut Call<'_, '_>) -> Flow {
        let text = String::from_utf8_lossy(chomp(line)).into_owned();
        if !text.trim().is_empty() && self.lines.len() < 100_000 {
            self.lines.push(text);
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        if !self.table {
            let shown: Vec<(String, usize)> = self.lines.iter().map(|line| (line.clone(), text::width(line))).collect();
            let out = super::ls::in_columns(&shown, self.columns);
            call.print(&out);
            return 0;
        }
        let rows: Vec<Vec<String>> = self
            .lines
            .iter()
            .map(|line| match &self.separator {
                Some(separator) => line.split(|c| separator.contains(c)).map(str::to_owned).collect(),
                None => line.split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        let count = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count)
            .map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| text::width(cell)).max().unwrap_or(0))
            .collect();
        for row in &rows {
            let mut out = String::new();
            for (at, cell) in row.iter().enumerate() {
                out.push_str(cell);
                if at + 1 < row.len() {
                    let fill = widths.get(at).copied().unwrap_or(0).saturating_sub(text::width(cell));
                    out.push_str(&" ".repeat(fill));
                    out.push_str(&self.output);
                }
            }
            call.print(&format!("{out}\n"));
        }
        0
    }

    cloning!();
}

// ---- paste ----

/// `paste`: whole files at once, since their lines go side by side.
pub(super) fn paste(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "d:s", &[("delimiters", 'd'), ("serial", 's')])?;
    let delimiters: Vec<char> = set(options.value('d').unwrap_or("\t"));
    // Several times standard input: its lines go round.
    let columns = if options.rest.iter().all(|name| name == "-") { options.rest.len().max(1) } else { 1 };
    let files = if columns > 1 { vec!["-".to_owned()] } else { options.rest.clone() };
    let paste = Paste { delimiters, serial: options.has('s'), columns, files: Vec::new() };
    Ok(Stream::new(paste, &files, Complaint::Plain))
}

#[derive(Clone)]
struct Paste {
    delimiters: Vec<char>,
    serial: bool,
    columns: usize,
    files: Vec<Vec<String>>,
}

impl Filter for Paste {
    fn open(&mut self, _: &str, _: &mut Call<'_, '_>) -> Flow {
        self.files.push(Vec::new());
        Flow::Go
    }

    fn line(&mut self, line: &[u8], _: &mut Call<'_, '_>) -> Flow {
        if let Some(file) = self.files.last_mut() {
            file.push(String::from_utf8_lossy(chomp(line)).into_owned());
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let delimiter = |at: usize| self.delimiters.get(at % self.delimiters.len().max(1)).copied();
        let rows: Vec<Vec<&str>> = if self.columns > 1 && !self.serial {
            let lines: Vec<&str> = self.files.iter().flatten().map(String::as_str).collect();
            lines
                .chunks(self.columns)
                .map(|chunk| chunk.iter().copied().chain(std::iter::repeat("")).take(self.columns).collect())
                .collect()
        } else if self.serial {
            self.files.iter().map(|file| file.iter().map(String::as_str).collect()).collect()
        } else {
            let longest = self.files.iter().map(Vec::len).max().unwrap_or(0);
            (0..longest)
                .map(|at| self.files.iter().map(|file| file.get(at).map_or("", String::as_str)).collect())
                .collect()
        };
        for row in rows {
            let mut out = String::new();
            for (at, cell) in row.iter().enumerate() {
                if at > 0 {
                    out.extend(delimiter(at - 1));
                }
                out.push_str(cell);
            }
            call.print(&format!("{out}\n"));
        }
        0
    }

    cloning!();
}

// ---- comm ----

#[derive(Clone)]
struct Comm {
    hidden: [bool; 3],
    files: Vec<Vec<String>>,
}

pub(super) fn comm(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "123", &[])?;
    if options.rest.len() != 2 {
        return Err(call.usage_error("missing operand"));
    }
    let hidden = [options.has('1'), options.has('2'), options.has('3')];
    Ok(Stream::new(Comm { hidden, files: Vec::new() }, &options.rest, Complaint::Plain))
}

impl Filter for Comm {
    fn open(&mut self, _: &str, _: &mut Call<'_, '_>) -> Flow {
        self.files.push(Vec::new());
        Flow::Go
    }

    fn line(&mut self, line: &[u8], _: &mut Call<'_, '_>) -> Flow {
        if let Some(file) = self.files.last_mut() {
            file.push(String::from_utf8_lossy(chomp(line)).into_owned());
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let mut files = std::mem::take(&mut self.files).into_iter();
        let (mut left, mut right) = (
            files.next().unwrap_or_default().into_iter().peekable(),
            files.next().unwrap_or_default().into_iter().peekable(),
        );
        let [hide_left, hide_right, hide_both] = self.hidden;
        let indent = |hidden: &[bool]| "\t".repeat(hidden.iter().filter(|hidden| !**hidden).count());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return 0,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.cmp(b),
            };
            let (line, hidden, indent) = match order {
                std::cmp::Ordering::Less => (left.next(), hide_left, String::new()),
                std::cmp::Ordering::Greater => (right.next(), hide_right, indent(&[hide_left])),
                std::cmp::Ordering::Equal => {
                    right.next();
                    (left.next(), hide_both, indent(&[hide_left, hide_right]))
                }
            };
            if let (Some(line), false) = (line, hidden) {
                call.print(&format!("{indent}{line}\n"));
            }
        }
    }

    cloning!();
}
