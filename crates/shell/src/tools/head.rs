//! `head` and `tail`.

use std::collections::VecDeque;

use drydock_value::Time;

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream};
use crate::{Fd, Open, Program, Read, Step, Sys, Wait};

/// How much `tail` keeps.
const KEPT_BYTES_MAX: usize = 16 << 20;
/// How often `tail -f` looks at a file.
const FOLLOW_MICROS: u64 = 1_000_000;

/// How much is wanted.
#[derive(Debug, Clone, Copy)]
struct Amount {
    bytes: bool,
    count: u64,
    /// `-n -5` of head: all but the last; `-n +5` of tail: from there on.
    sign: char,
}

fn amount(call: &mut Call<'_, '_>, options: &Options) -> Result<Amount, i32> {
    let (bytes, text) = match (options.value('c'), options.value('n')) {
        (Some(text), _) => (true, text),
        (None, Some(text)) => (false, text),
        (None, None) => (false, "10"),
    };
    let (sign, digits) = match text.chars().next() {
        Some(sign @ ('+' | '-')) => (sign, text.get(1..).unwrap_or("")),
        _ => (' ', text),
    };
    match super::number::size(digits) {
        Some(count) => Ok(Amount { bytes, count, sign }),
        None => {
            let what = if bytes { "bytes" } else { "lines" };
            let message = if call.gnu() {
                format!("invalid number of {what}: ‘{text}’")
            } else {
                format!("invalid number '{text}'")
            };
            call.error(&message);
            Err(1)
        }
    }
}

/// `-5` as the first argument is `-n 5`.
fn old_style(call: &mut Call<'_, '_>) {
    if let Some(first) = call.args.first_mut()
        && let Some(digits) = first.strip_prefix('-')
        && digits.starts_with(|c: char| c.is_ascii_digit())
    {
        *first = format!("-n{digits}");
    }
}

const LONG: &[(&str, char)] = &[
    ("lines", 'n'),
    ("bytes", 'c'),
    ("quiet", 'q'),
    ("silent", 'q'),
    ("verbose", 'v'),
    ("follow", 'f'),
    ("retry", 'r'),
    ("pid", 'p'),
];

#[derive(Clone)]
struct Head {
    amount: Amount,
    left: u64,
    titles: bool,
    files: u32,
    /// The last lines, when all but those are wanted.
    held: VecDeque<Vec<u8>>,
}

pub(super) fn head(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    old_style(call);
    let options = Options::parse(call, "n:c:qv", LONG)?;
    let amount = amount(call, &options)?;
    let titles = options.has('v') || (options.rest.len() > 1 && !options.has('q'));
    let head = Head { amount, left: amount.count, titles, files: 0, held: VecDeque::new() };
    Ok(Stream::new(head, &options.rest, Complaint::ForReading))
}

fn title(call: &mut Call<'_, '_>, name: &str, first: bool) {
    let name = if name == "-" { "standard input" } else { name };
    let gap = if first { "" } else { "\n" };
    call.print(&format!("{gap}==> {name} <==\n"));
}

impl Filter for Head {
    fn open(&mut self, name: &str, call: &mut Call<'_, '_>) -> Flow {
        if self.titles {
            title(call, name, self.files == 0);
        }
        self.files += 1;
        self.left = self.amount.count;
        self.held.clear();
        if self.left == 0 && self.amount.sign != '-' { Flow::Skip } else { Flow::Go }
    }

    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        if self.amount.sign == '-' {
            self.held.push_back(line.to_vec());
            if self.held.len() as u64 > self.amount.count
                && let Some(line) = self.held.pop_front()
            {
                call.put(&line);
            }
            return Flow::Go;
        }
        if self.amount.bytes {
            let end = line.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            call.put(line.get(..end).unwrap_or_default());
            self.left -= end as u64;
        } else {
            call.put(line);
            self.left -= 1;
        }
        if self.left == 0 { Flow::Skip } else { Flow::Go }
    }

    fn by_line(&self) -> bool {
        !self.amount.bytes
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// `tail`: a program of its own, since it may follow its files.
#[derive(Clone, Default)]
struct Tail {
    started: bool,
    amount: Option<Amount>,
    follow: bool,
    titles: bool,
    files: VecDeque<(String, Fd)>,
    /// Files that are followed.
    followed: Vec<(String, Fd)>,
    shown: Option<String>,
    skipped: u64,
    kept: VecDeque<Vec<u8>>,
    kept_bytes: usize,
    partial: Vec<u8>,
    /// How long the line is that has not ended yet.
    unended: u64,
    code: i32,
    until: Option<Time>,
}

pub(super) fn tail() -> Box<dyn Program> {
    Box::new(Tail::default())
}

impl Tail {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        old_style(call);
        let options = Options::parse(call, "n:c:qvfFs:", LONG)?;
        self.amount = Some(amount(call, &options)?);
        self.follow = options.any("fF");
        self.titles = options.has('v') || (options.rest.len() > 1 && !options.has('q'));
        let names = if options.rest.is_empty() { vec!["-".to_owned()] } else { options.rest };
        let wanted = names.len();
        for name in names {
            if name == "-" {
                self.files.push_back(("standard input".into(), 0));
                continue;
            }
            let is_dir = {
                let path = call.sys.path(&name);
                call.sys.files().is_dir(&path)
            };
            let opened = if is_dir { Err(crate::Errno::IsDir) } else { call.sys.open(&name, Open::Read) };
            match opened {
                Ok(fd) => self.files.push_back((name, fd)),
                Err(error) => {
                    let gnu = call.gnu();
                    call.error(&Complaint::ForReadingCantOpen.message(&name, error, gnu));
                    self.code = 1;
                }
            }
        }
        if self.files.is_empty() && wanted > 0 {
            if !call.gnu() {
                call.error("no files");
            } else if self.follow {
                call.error("no files remaining");
            }
            return Err(1);
        }
        Ok(())
    }

    fn keep(&mut self, line: Vec<u8>) {
        let Some(amount) = self.amount else { return };
        self.kept_bytes += line.len();
        self.kept.push_back(line);
        let too_many = |tail: &Tail| {
            tail.kept_bytes > KEPT_BYTES_MAX
                || if amount.bytes {
                    tail.kept.front().is_some_and(|first| (tail.kept_bytes - first.len()) as u64 >= amount.count)
                } else {
                    tail.kept.len() as u64 > amount.count
                }
        };
        while !self.kept.is_empty() && too_many(self) {
            if let Some(gone) = self.kept.pop_front() {
                self.kept_bytes -= gone.len();
            }
        }
    }

    /// Takes input of the file that is read first.
    fn take(&mut self, bytes: &[u8], call: &mut Call<'_, '_>) {
        let Some(amount) = self.amount else { return };
        if amount.sign == '+' {
            // From there on: what comes before is counted and dropped.
            let mut rest = bytes;
            let wanted = amount.count.saturating_sub(1);
            while self.skipped < wanted && !rest.is_empty() {
                let step = if amount.bytes {
                    rest.len().min(usize::try_from(wanted - self.skipped).unwrap_or(usize::MAX))
                } else {
                    rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1)
                };
                let (piece, after) = rest.split_at(step);
                rest = after;
                self.skipped += if amount.bytes { step as u64 } else { u64::from(piece.ends_with(b"\n")) };
            }
            call.put(rest);
            return;
        }
        if amount.bytes {
            return self.keep(bytes.to_vec());
        }
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|b| *b == b'\n') {
            self.unended = 0;
            let (line, after) = rest.split_at(at + 1);
            let mut whole = std::mem::take(&mut self.partial);
            whole.extend_from_slice(line);
            self.keep(whole);
            rest = after;
        }
        self.partial.extend_from_slice(rest);
        self.unended += rest.len() as u64;
        // A line that never ends takes memory until there is none; here its end is enough.
        if self.partial.len() > 2 * KEPT_BYTES_MAX {
            self.partial.drain(..KEPT_BYTES_MAX);
        }
    }

    /// Prints what was kept of a file.
    fn print_kept(&mut self, call: &mut Call<'_, '_>) {
        let partial = std::mem::take(&mut self.partial);
        if !partial.is_empty() {
            self.keep(partial);
        }
        let all: Vec<u8> = std::mem::take(&mut self.kept).into_iter().flatten().collect();
        let start = match self.amount {
            Some(Amount { bytes: true, count, .. }) => {
                all.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX))
            }
            Some(Amount { count: 0, .. }) => all.len(),
            _ => 0,
        };
        call.put(all.get(start..).unwrap_or_default());
        self.kept_bytes = 0;
        self.skipped = 0;
    }

    fn print_title(&mut self, name: &str, call: &mut Call<'_, '_>) {
        if self.titles && self.shown.as_deref() != Some(name) {
            title(call, name, self.shown.is_none());
            self.shown = Some(name.to_owned());
        }
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Step {
        if let Some((name, fd)) = self.files.front().cloned() {
            if self.amount.is_some_and(|amount| amount.sign == '+') {
                self.print_title(&name, call);
            }
            return match call.sys.read(fd, 32 << 10) {
                Read::Data(bytes) => {
                    call.sys.charge(1 + (bytes.len() / 512) as u32);
                    let before = self.unended;
                    self.take(&bytes, call);
                    if self.unended >> 20 > before >> 20 && !call.sys.hold_memory(self.unended) {
                        return Step::Exit(137);
                    }
                    Step::Continue
                }
                Read::Pending => Wait::read(fd).into(),
                Read::Eof | Read::Error(_) => {
                    self.unended = 0;
                    self.files.pop_front();
                    self.print_title(&name, call);
                    self.print_kept(call);
                    if self.follow && fd != 0 {
                        self.followed.push((name, fd));
                    }
                    Step::Continue
                }
            };
        }
        if self.followed.is_empty() {
            return Step::Exit(self.code);
        }
        if self.until.is_some_and(|until| until > call.sys.now()) {
            return Wait::until(self.until.unwrap_or_default()).into();
        }
        for (name, fd) in self.followed.clone() {
            while let Read::Data(bytes) = call.sys.read(fd, 32 << 10) {
                self.print_title(&name, call);
                call.put(&bytes);
            }
        }
        let until = Time(call.sys.now().0 + FOLLOW_MICROS);
        self.until = Some(until);
        Wait::until(until).into()
    }
}

impl Program for Tail {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "tail");
        if !self.started {
            self.started = true;
            if let Err(code) = self.start(&mut call) {
                return Step::Exit(call.finish(code));
            }
        }
        match self.go_on(&mut call) {
            Step::Exit(code) => Step::Exit(call.finish(code)),
            step => {
                call.flush();
                step
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
