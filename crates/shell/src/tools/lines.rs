//! Small filters by line: `wc`, `tac`, `rev`, `nl`, `uniq`, `tee`.

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream, chomp};
use crate::{Fd, Open};

/// What a filter that needs everything first keeps.
const KEPT_BYTES_MAX: usize = 16 << 20;

macro_rules! cloning {
    () => {
        fn clone_box(&self) -> Box<dyn Filter> {
            Box::new(self.clone())
        }
    };
}

pub(super) use cloning;

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
