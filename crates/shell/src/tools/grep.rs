//! `grep`.

use drydock_sorted::Sort;
use std::collections::VecDeque;

use regex_lite::Regex;

use super::Call;
use super::options::Options;
use super::regex::{Syntax, compile};
use super::stream::{Complaint, Filter, Flow, Stream, chomp};
use crate::join;

/// How many files `-r` may find.
const FILES_MAX: usize = 50_000;

#[derive(Clone)]
struct Grep {
    patterns: Vec<Regex>,
    invert: bool,
    count: bool,
    files_with: bool,
    files_without: bool,
    only: bool,
    quiet: bool,
    numbers: bool,
    names: bool,
    color: bool,
    max: u64,
    before: usize,
    after: usize,
    name: String,
    line: u64,
    found: u64,
    /// Lines that may still be wanted as context, with their numbers.
    context: VecDeque<(u64, Vec<u8>)>,
    after_left: usize,
    last_printed: u64,
    any: bool,
}

const LONG: &[(&str, char)] = &[
    ("extended-regexp", 'E'),
    ("fixed-strings", 'F'),
    ("perl-regexp", 'P'),
    ("basic-regexp", 'G'),
    ("regexp", 'e'),
    ("file", 'f'),
    ("ignore-case", 'i'),
    ("no-ignore-case", 'y'),
    ("invert-match", 'v'),
    ("word-regexp", 'w'),
    ("line-regexp", 'x'),
    ("count", 'c'),
    ("files-with-matches", 'l'),
    ("files-without-match", 'L'),
    ("only-matching", 'o'),
    ("quiet", 'q'),
    ("silent", 'q'),
    ("no-messages", 's'),
    ("line-number", 'n'),
    ("with-filename", 'H'),
    ("no-filename", 'h'),
    ("max-count", 'm'),
    ("after-context", 'A'),
    ("before-context", 'B'),
    ("context", 'C'),
    ("recursive", 'r'),
    ("dereference-recursive", 'R'),
    ("color", 'Q'),
    ("colour", 'Q'),
    ("line-buffered", 'u'),
    ("text", 'a'),
    ("include", 'I'),
];

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    // `-5` is `-C 5`.
    for word in &mut call.args {
        if word.len() > 1 && word.starts_with('-') && word.bytes().skip(1).all(|b| b.is_ascii_digit()) {
            *word = format!("-C{}", word.trim_start_matches('-'));
        }
    }
    let mut options = Options::parse(call, "EFPGe:f:iyvwxcLloqsnHhm:A:B:C:rRauzI:", LONG)?;
    let mut texts: Vec<String> = options.values('e').map(str::to_owned).collect();
    for file in options.values('f') {
        match call.sys.read_file(file) {
            Ok(bytes) => texts.push(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()),
            Err(error) => {
                call.error(&format!("{file}: {error}"));
                return Err(2);
            }
        }
    }
    if !options.has('e') && !options.has('f') {
        if options.rest.is_empty() {
            if call.gnu() {
                let name = call.name;
                call.sys.eprint(&format!(
                    "Usage: {name} [OPTION]... PATTERNS [FILE]...\nTry '{name} --help' for more information.\n"
                ));
                return Err(2);
            }
            return Err(call.try_help());
        }
        texts.push(options.rest.remove(0));
    }
    let syntax = match call.name {
        _ if options.has('F') => Syntax::Fixed,
        _ if options.has('P') => Syntax::Perl,
        "fgrep" => Syntax::Fixed,
        _ if options.has('E') || call.name == "egrep" => Syntax::Extended,
        _ => Syntax::Basic,
    };
    let mut patterns = Vec::new();
    for pattern in texts.iter().flat_map(|text| text.split('\n')) {
        let compiled = wrapped(pattern, syntax, &options);
        match compiled {
            Ok(regex) => patterns.push(regex),
            Err(message) => {
                let message = if call.gnu() { message } else { format!("bad regex '{pattern}': {message}") };
                call.error(&message);
                return Err(2);
            }
        }
    }
    let mut number = |letter: char| -> Result<Option<usize>, i32> {
        let Some(text) = options.value(letter) else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => {
                let message = if letter == 'm' {
                    "invalid max count".into()
                } else {
                    format!("{text}: invalid context length argument")
                };
                call.error(&message);
                Err(2)
            }
        }
    };
    let (around, before, after, max) = (number('C')?.unwrap_or(0), number('B')?, number('A')?, number('m')?);
    let recursive = options.any("rR");
    let mut files = options.rest.clone();
    if recursive {
        files = found_below(call, if files.is_empty() { vec![".".into()] } else { files });
        if files.is_empty() {
            return Err(1);
        }
    }
    let names = (files.len() > 1 || recursive || options.has('H')) && !options.has('h');
    let grep = Grep {
        patterns,
        invert: options.has('v'),
        count: options.has('c'),
        files_with: options.has('l'),
        files_without: options.has('L'),
        only: options.has('o') && !options.has('v'),
        quiet: options.has('q'),
        numbers: options.has('n'),
        names,
        color: options.has('Q')
            && match options.value('Q') {
                Some("never") => false,
                Some("always") => true,
                _ => call.sys.is_tty(1),
            },
        max: max.map_or(u64::MAX, |max| max as u64),
        before: before.unwrap_or(around),
        after: after.unwrap_or(around),
        name: String::new(),
        line: 0,
        found: 0,
        context: VecDeque::new(),
        after_left: 0,
        last_printed: 0,
        any: false,
    };
    if options.has('s') {
        let known: Vec<String> = files
            .iter()
            .filter(|name| {
                let path = call.sys.path(name);
                *name == "-" || call.sys.files().stat(&path).is_ok_and(|stat| !stat.is_dir())
            })
            .cloned()
            .collect();
        if known.len() < files.len() && known.is_empty() {
            return Err(2);
        }
        files = known;
    }
    Ok(Stream::new(grep, &files, Complaint::Plain).failing_with(2))
}

/// A pattern with what `-w` and `-x` ask for.
fn wrapped(pattern: &str, syntax: Syntax, options: &Options) -> Result<Regex, String> {
    let ignore_case = options.any("iy");
    let regex = compile(pattern, syntax, ignore_case)?;
    if !options.any("wx") {
        return Ok(regex);
    }
    let inner = regex.as_str();
    let outer = if options.has('x') { format!("^(?:{inner})$") } else { format!(r"(?:^|\b)(?:{inner})(?:\b|$)") };
    compile(&outer, Syntax::Perl, ignore_case)
}

/// The files below directories, as `-r` visits them.
fn found_below(call: &mut Call<'_, '_>, names: Vec<String>) -> Vec<String> {
    let mut files = Vec::new();
    let mut todo: Vec<String> = names.into_iter().rev().collect();
    while let Some(name) = todo.pop() {
        let path = call.sys.path(&name);
        if call.sys.files().is_dir(&path) && files.len() < FILES_MAX {
            let entries = call.sys.files().list(&path).unwrap_or_default();
            for entry in entries.iter().rev().filter(|entry| !entry.stat.is_symlink()) {
                let shown = if name == "." {
                    entry.name.clone()
                } else {
                    format!("{}/{}", name.trim_end_matches('/'), entry.name)
                };
                todo.push(shown);
            }
        } else {
            let _ = join(&path, "");
            files.push(name);
        }
    }
    files
}

impl Grep {
    /// What stands before a line: `:` for matches, `-` for context.
    fn prefix(&self, number: u64, mark: char) -> String {
        let mut prefix = String::new();
        if self.names {
            if self.color {
                prefix.push_str(&format!("\x1b[35m\x1b[K{}\x1b[m\x1b[K\x1b[36m\x1b[K{mark}\x1b[m\x1b[K", self.name));
            } else {
                prefix.push_str(&format!("{}{mark}", self.name));
            }
        }
        if self.numbers {
            if self.color {
                prefix.push_str(&format!("\x1b[32m\x1b[K{number}\x1b[m\x1b[K\x1b[36m\x1b[K{mark}\x1b[m\x1b[K"));
            } else {
                prefix.push_str(&format!("{number}{mark}"));
            }
        }
        prefix
    }

    /// The places of all matches in a line.
    fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = Vec::new();
        for pattern in &self.patterns {
            places.extend(pattern.find_iter(text).filter(|m| !m.is_empty()).map(|m| (m.start(), m.end())));
        }
        places.sort_compact_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        let mut end = 0;
        places.retain(|place| {
            let keep = place.0 >= end;
            if keep {
                end = place.1;
            }
            keep
        });
        places
    }

    fn print_match(&mut self, text: &str, call: &mut Call<'_, '_>) {
        let prefix = self.prefix(self.line, ':');
        if self.only {
            for (start, end) in self.places(text) {
                let part = text.get(start..end).unwrap_or("");
                let part = if self.color { format!("\x1b[01;31m\x1b[K{part}\x1b[m\x1b[K") } else { part.to_owned() };
                call.print(&format!("{prefix}{part}\n"));
            }
            return;
        }
        if !self.color || self.invert {
            call.print(&format!("{prefix}{text}\n"));
            return;
        }
        let mut out = prefix;
        let mut at = 0;
        for (start, end) in self.places(text) {
            out.push_str(text.get(at..start).unwrap_or(""));
            out.push_str(&format!("\x1b[01;31m\x1b[K{}\x1b[m\x1b[K", text.get(start..end).unwrap_or("")));
            at = end;
        }
        out.push_str(text.get(at..).unwrap_or(""));
        call.print(&format!("{out}\n"));
    }

    fn print_context(&mut self, number: u64, line: &[u8], call: &mut Call<'_, '_>) {
        let prefix = self.prefix(number, '-');
        call.print(&prefix);
        call.put(line);
        call.put(b"\n");
        self.last_printed = number;
    }
}

impl Filter for Grep {
    fn open(&mut self, name: &str, _: &mut Call<'_, '_>) -> Flow {
        self.name = if name == "-" { "(standard input)".into() } else { name.to_owned() };
        (self.line, self.found, self.after_left, self.last_printed) = (0, 0, 0, 0);
        self.context.clear();
        if self.max == 0 { Flow::Skip } else { Flow::Go }
    }

    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        self.line += 1;
        let bytes = chomp(line);
        let text = String::from_utf8_lossy(bytes);
        let matched = self.patterns.iter().any(|pattern| pattern.is_match(&text)) != self.invert;
        if !matched {
            if self.after_left > 0 {
                self.after_left -= 1;
                self.print_context(self.line, bytes, call);
                if self.after_left == 0 && self.found >= self.max {
                    return Flow::Skip;
                }
            } else if self.before > 0 {
                self.context.push_back((self.line, bytes.to_vec()));
                if self.context.len() > self.before {
                    self.context.pop_front();
                }
            }
            return Flow::Go;
        }
        if self.found >= self.max {
            return Flow::Skip;
        }
        self.found += 1;
        self.any = true;
        if self.quiet {
            return Flow::Stop;
        }
        if self.files_with || self.files_without {
            return Flow::Skip;
        }
        if !self.count {
            let first = self.context.front().map_or(self.line, |(number, _)| *number);
            if (self.before > 0 || self.after > 0)
                && !self.only
                && self.last_printed > 0
                && first > self.last_printed + 1
            {
                call.print("--\n");
            }
            for (number, line) in std::mem::take(&mut self.context) {
                if !self.only {
                    self.print_context(number, &line, call);
                }
            }
            self.print_match(&text, call);
            self.last_printed = self.line;
            self.after_left = if self.only { 0 } else { self.after };
        }
        if self.found >= self.max && self.after_left == 0 { Flow::Skip } else { Flow::Go }
    }

    fn close(&mut self, _: &str, call: &mut Call<'_, '_>) -> Flow {
        if self.quiet {
            return Flow::Go;
        }
        if self.files_with && self.found > 0 || self.files_without && self.found == 0 {
            let name = self.name.clone();
            call.print(&format!("{name}\n"));
        } else if self.count && !self.files_with && !self.files_without {
            let prefix = if self.names { format!("{}:", self.name) } else { String::new() };
            let found = self.found;
            call.print(&format!("{prefix}{found}\n"));
        }
        Flow::Go
    }

    fn end(&mut self, _: &mut Call<'_, '_>) -> i32 {
        i32::from(!self.any)
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
