//! Small filters by line: `wc`, `tac`, `rev`, `nl`, `uniq`, `tee`, `cut`, `tr`, `fold`, `column`, `paste`, `comm`.

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream, chomp};
use crate::{Fd, Open, text};
use drydock_sorted::Sort;

/// What a filter that needs everything first keeps.
const KEPT_BYTES_MAX: usize = 16 << 20;

macro_rules! cloning {
    () => {
        fn clone_box(&self) -> Box<dyn Filter> {
            Box::new(self.clone())
        }
    };
}

// ---- wc ----

#[derive(Clone, Default)]
struct Wc {
    lines: bool,
    words: bool,
    bytes: bool,
    chars: bool,
    longest: bool,
    now: [u64; 5],
    rows: Vec<([u64; 5], String)>,
    in_word: bool,
    column: u64,
    from_input: bool,
}

pub(super) fn wc(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] =
        &[("lines", 'l'), ("words", 'w'), ("bytes", 'c'), ("chars", 'm'), ("max-line-length", 'L')];
    let options = Options::parse(call, "lwcmL", LONG)?;
    let all = !options.any("lwcmL");
    let wc = Wc {
        lines: all || options.has('l'),
        words: all || options.has('w'),
        bytes: all || options.has('c'),
        chars: options.has('m'),
        longest: options.has('L'),
        from_input: options.rest.is_empty(),
        ..Wc::default()
    };
    Ok(Stream::new(wc, &options.rest, Complaint::Plain))
}

impl Wc {
    fn picked(&self, counts: &[u64; 5]) -> Vec<u64> {
        let [lines, words, chars, bytes, longest] = *counts;
        [(self.lines, lines), (self.words, words), (self.chars, chars), (self.bytes, bytes), (self.longest, longest)]
            .into_iter()
            .filter_map(|(wanted, count)| wanted.then_some(count))
            .collect()
    }
}

impl Filter for Wc {
    fn open(&mut self, _: &str, _: &mut Call<'_, '_>) -> Flow {
        (self.now, self.in_word, self.column) = ([0; 5], false, 0);
        Flow::Go
    }

    fn line(&mut self, piece: &[u8], _: &mut Call<'_, '_>) -> Flow {
        let [lines, words, chars, bytes, longest] = &mut self.now;
        *bytes += piece.len() as u64;
        for byte in piece {
            *lines += u64::from(*byte == b'\n');
            *chars += u64::from(byte & 0xc0 != 0x80);
            if *byte == b'\n' {
                self.column = 0;
            } else {
                self.column += u64::from(byte & 0xc0 != 0x80);
                *longest = (*longest).max(self.column);
            }
            let blank = byte.is_ascii_whitespace();
            *words += u64::from(!blank && !self.in_word);
            self.in_word = !blank;
        }
        Flow::Go
    }

    fn close(&mut self, name: &str, _: &mut Call<'_, '_>) -> Flow {
        let name = if self.from_input { String::new() } else { name.to_owned() };
        self.rows.push((self.now, name));
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        if self.rows.len() > 1 {
            let mut total = [0; 5];
            for (counts, _) in &self.rows {
                for (sum, count) in total.iter_mut().zip(counts) {
                    *sum += count;
                }
            }
            if let (Some(last), Some(longest)) = (total.last_mut(), self.rows.iter().map(|(counts, _)| counts[4]).max())
            {
                *last = longest;
            }
            self.rows.push((total, "total".into()));
        }
        let columns = self.rows.first().map_or(0, |(counts, _)| self.picked(counts).len());
        let bytes = self.rows.iter().map(|(counts, _)| counts[3]).max().unwrap_or(0);
        let width = match (call.gnu(), columns, self.rows.len()) {
            (_, 1, 1) => 1,
            (true, ..) if self.from_input => 7,
            (true, ..) => bytes.to_string().len(),
            (false, 1, _) => 1,
            (false, ..) => 9,
        };
        for (counts, name) in &self.rows {
            let picked: Vec<String> = self.picked(counts).iter().map(|count| format!("{count:>width$}")).collect();
            let name = if name.is_empty() { String::new() } else { format!(" {name}") };
            call.print(&format!("{}{name}\n", picked.join(" ")));
        }
        0
    }

    fn by_line(&self) -> bool {
        false
    }

    cloning!();
}

// ---- tac, rev ----

#[derive(Clone, Default)]
struct Tac {
    lines: Vec<Vec<u8>>,
    bytes: usize,
}

pub(super) fn tac(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "", &[])?;
    Ok(Stream::new(Tac::default(), &options.rest, Complaint::FailedToOpen))
}

impl Filter for Tac {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        self.bytes += line.len();
        if self.bytes > KEPT_BYTES_MAX {
            call.error("input is too large");
            return Flow::Stop;
        }
        self.lines.push(line.to_vec());
        Flow::Go
    }

    fn close(&mut self, _: &str, call: &mut Call<'_, '_>) -> Flow {
        for line in std::mem::take(&mut self.lines).into_iter().rev() {
            call.put(&line);
        }
        Flow::Go
    }

    cloning!();
}

#[derive(Clone)]
struct Rev;

pub(super) fn rev(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "", &[])?;
    Ok(Stream::new(Rev, &options.rest, Complaint::Plain))
}

impl Filter for Rev {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let text: String = String::from_utf8_lossy(chomp(line)).chars().rev().collect();
        call.print(&text);
        call.put(line.get(chomp(line).len()..).unwrap_or_default());
        Flow::Go
    }

    cloning!();
}

// ---- nl ----

#[derive(Clone)]
struct Nl {
    all: bool,
    width: usize,
    separator: String,
    number: i64,
    step: i64,
}

pub(super) fn nl(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "b:w:s:v:i:", &[("body-numbering", 'b'), ("number-width", 'w')])?;
    let number = |letter, default| options.value(letter).and_then(|text| text.parse().ok()).unwrap_or(default);
    let nl = Nl {
        all: options.value('b') == Some("a"),
        width: number('w', 6).clamp(1, 100) as usize,
        separator: options.value('s').unwrap_or("\t").to_owned(),
        number: number('v', 1),
        step: number('i', 1),
    };
    Ok(Stream::new(nl, &options.rest, Complaint::Plain))
}

impl Filter for Nl {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        if self.all || !chomp(line).is_empty() {
            call.print(&format!("{:>width$}{}", self.number, self.separator, width = self.width));
            self.number += self.step;
        } else {
            call.print(&" ".repeat(self.width + self.separator.len()));
        }
        call.put(line);
        Flow::Go
    }

    cloning!();
}

// ---- uniq ----

#[derive(Clone)]
struct Uniq {
    count: bool,
    repeated: bool,
    unique: bool,
    ignore_case: bool,
    fields: usize,
    chars: usize,
    last: Option<(Vec<u8>, u64)>,
    output: Option<Fd>,
}

pub(super) fn uniq(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] = &[
        ("count", 'c'),
        ("repeated", 'd'),
        ("unique", 'u'),
        ("ignore-case", 'i'),
        ("skip-fields", 'f'),
        ("skip-chars", 's'),
    ];
    let options = Options::parse(call, "cduif:s:w:z", LONG)?;
    let number = |letter| options.value(letter).and_then(|text| text.parse().ok()).unwrap_or(0);
    let output = match options.rest.get(1) {
        Some(name) => Some(call.sys.open(name, Open::Write).map_err(|error| {
            call.error(&format!("{name}: {error}"));
            1
        })?),
        None => None,
    };
    let uniq = Uniq {
        count: options.has('c'),
        repeated: options.has('d'),
        unique: options.has('u'),
        ignore_case: options.has('i'),
        fields: number('f'),
        chars: number('s'),
        last: None,
        output,
    };
    let input: Vec<String> = options.rest.into_iter().take(1).collect();
    Ok(Stream::new(uniq, &input, Complaint::CantOpen))
}

impl Uniq {
    fn key(&self, line: &[u8]) -> Vec<u8> {
        let mut rest = line;
        for _ in 0..self.fields {
            let start = rest.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(rest.len());
            let tail = rest.get(start..).unwrap_or_default();
            let end = tail.iter().position(u8::is_ascii_whitespace).unwrap_or(tail.len());
            rest = tail.get(end..).unwrap_or_default();
        }
        let key = rest.get(self.chars.min(rest.len())..).unwrap_or_default();
        if self.ignore_case { key.to_ascii_lowercase() } else { key.to_vec() }
    }

    fn print(&mut self, call: &mut Call<'_, '_>) {
        let Some((line, count)) = self.last.take() else { return };
        if (self.repeated && count < 2) || (self.unique && count > 1) {
            return;
        }
        let mut out = if self.count { format!("{count:7} ").into_bytes() } else { Vec::new() };
        out.extend_from_slice(&line);
        out.push(b'\n');
        match self.output {
            Some(fd) => {
                let _ = call.sys.put(fd, &out);
            }
            None => call.put(&out),
        }
    }
}

impl Filter for Uniq {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let line = chomp(line);
        match &self.last {
            Some((last, count)) if self.key(last) == self.key(line) => {
                let (last, count) = (last.clone(), count + 1);
                self.last = Some((last, count));
            }
            _ => {
                self.print(call);
                self.last = Some((line.to_vec(), 1));
            }
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        self.print(call);
        0
    }

    cloning!();
}

// ---- tee ----

#[derive(Clone)]
struct Tee {
    outputs: Vec<(Fd, String)>,
    code: i32,
}

pub(super) fn tee(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let options = Options::parse(call, "aip", &[("append", 'a'), ("ignore-interrupts", 'i')])?;
    let mut tee = Tee { outputs: Vec::new(), code: 0 };
    for name in &options.rest {
        match call.sys.open(name, if options.has('a') { Open::Append } else { Open::Write }) {
            Ok(fd) => tee.outputs.push((fd, name.clone())),
            Err(error) => {
                call.error(&format!("{name}: {error}"));
                tee.code = 1;
            }
        }
    }
    Ok(Stream::new(tee, &[], Complaint::Plain))
}

impl Filter for Tee {
    fn line(&mut self, piece: &[u8], call: &mut Call<'_, '_>) -> Flow {
        call.put(piece);
        call.flush();
        for (fd, name) in self.outputs.clone() {
            if let Err(error) = call.sys.put(fd, piece) {
                call.error(&format!("{name}: {error}"));
                self.code = 1;
            }
        }
        Flow::Go
    }

    fn end(&mut self, _: &mut Call<'_, '_>) -> i32 {
        self.code
    }

    fn by_line(&self) -> bool {
        false
    }

    cloning!();
}

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

// ---- tr ----

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
fn set(text: &str) -> Vec<char> {
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
