//! `sed`: `parse` reads scripts into what `script` says, this runs them; `substitute` is for the command `s`.

mod parse;
mod script;
mod substitute;

use std::collections::VecDeque;

use regex_lite::Regex;

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream};
use script::{Address, Command, Kind};

/// Commands run for one line before a script counts as one that never ends.
const STEPS_MAX: u32 = 200_000;
/// What the pattern and hold spaces may grow to.
const SPACE_BYTES_MAX: usize = 4 << 20;

#[derive(Clone)]
struct Sed {
    script: Vec<Command>,
    /// Whether ranges are open, one for each command.
    open_ranges: Vec<Range>,
    quiet: bool,
    /// `-i`: the suffix of what is kept.
    in_place: Option<String>,
    separate: bool,
    /// Whether anything asks for the last line: then each line waits for the next.
    looks_ahead: bool,
    waiting: Option<(String, bool)>,
    file: String,
    number: u64,
    space: String,
    /// Whether the input's line had a line feed.
    ended: bool,
    hold: String,
    substituted: bool,
    last_regex: Option<Regex>,
    /// Text for after the line.
    appended: VecDeque<Appended>,
    /// Where the script goes on when the next line has come.
    paused: Option<(usize, bool)>,
    /// `-i`: the output so far.
    output: Option<Vec<u8>>,
    files_written: Vec<String>,
    code: i32,
    stopped: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Range {
    Closed,
    /// Open until this line, or until a pattern matches.
    Until(Option<u64>),
}

#[derive(Clone)]
enum Appended {
    Text(String),
    File(String),
}

/// How the script of a line ended.
enum Ended {
    /// With the line's end.
    Cycle,
    /// It wants the next line first.
    Paused,
    Quit,
}

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    const LONG: &[(&str, char)] = &[
        ("quiet", 'n'),
        ("silent", 'n'),
        ("expression", 'e'),
        ("file", 'f'),
        ("regexp-extended", 'E'),
        ("in-place", 'i'),
        ("separate", 's'),
        ("unbuffered", 'u'),
        ("null-data", 'z'),
        ("debug", 'D'),
    ];
    let mut options = Options::parse(call, "ne:f:Eri?suz", LONG)?;
    let mut texts: Vec<String> = Vec::new();
    for (letter, value) in options.all() {
        match letter {
            'e' => texts.push(value.to_owned()),
            'f' => match call.sys.read_file(value) {
                Ok(bytes) => texts.push(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()),
                Err(error) => {
                    let message = if call.gnu() {
                        format!("couldn't open file {value}: {error}")
                    } else {
                        format!("{value}: {error}")
                    };
                    call.error(&message);
                    return Err(1);
                }
            },
            _ => {}
        }
    }
    if !options.any("ef") {
        if options.rest.is_empty() {
            if call.gnu() {
                call.sys.eprint("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n");
                return Err(1);
            }
            return Err(call.try_help());
        }
        texts.push(options.rest.remove(0));
    }
    let script = match parse::parse(&texts.join("\n"), options.any("Er"), call.gnu()) {
        Ok(script) => script,
        Err(message) => {
            call.error(&message);
            return Err(1);
        }
    };
    let sed = Sed {
        open_ranges: vec![Range::Closed; script.len()],
        looks_ahead: script.iter().any(Command::looks_ahead),
        script,
        quiet: options.has('n'),
        in_place: options.value('i').map(str::to_owned),
        separate: options.any("si"),
        waiting: None,
        file: String::new(),
        number: 0,
        space: String::new(),
        ended: true,
        hold: String::new(),
        substituted: false,
        last_regex: None,
        appended: VecDeque::new(),
        paused: None,
        output: None,
        files_written: Vec::new(),
        code: 0,
        stopped: false,
    };
    let failure = if call.gnu() { 2 } else { 1 };
    Ok(Stream::new(sed, &options.rest, Complaint::CantRead).failing_with(failure))
}

impl Sed {
    fn put(&mut self, text: &str, call: &mut Call<'_, '_>) {
        match &mut self.output {
            Some(output) => output.extend_from_slice(text.as_bytes()),
            None => call.print(text),
        }
    }

    fn print_space(&mut self, call: &mut Call<'_, '_>) {
        let space = self.space.clone();
        self.put(&space, call);
        if self.ended {
            self.put("\n", call);
        }
    }

    /// The end of a line's script: it is printed, and what was appended to it.
    fn end_cycle(&mut self, print: bool, call: &mut Call<'_, '_>) {
        if print && !self.quiet {
            self.print_space(call);
        }
        for appended in std::mem::take(&mut self.appended) {
            match appended {
                Appended::Text(text) => self.put(&text, call),
                Appended::File(name) => {
                    if let Ok(bytes) = call.sys.read_file(&name) {
                        self.put(&String::from_utf8_lossy(&bytes), call);
                    }
                }
            }
        }
    }

    /// A line whose place in the input is known.
    fn input(&mut self, line: String, last: bool, call: &mut Call<'_, '_>) -> Flow {
        self.ended = line.ends_with('\n');
        let text = line.strip_suffix('\n').unwrap_or(&line);
        self.number += 1;
        let start = match self.paused.take() {
            Some((at, true)) => {
                self.space.push('\n');
                self.space.push_str(text);
                at
            }
            Some((at, false)) => {
                self.space = text.to_owned();
                at
            }
            None => {
                self.space = text.to_owned();
                self.substituted = false;
                0
            }
        };
        match self.cycle(start, last, call) {
            Ended::Cycle | Ended::Paused => Flow::Go,
            Ended::Quit => {
                self.stopped = true;
                Flow::Stop
            }
        }
    }

    fn selected(&mut self, at: usize, last: bool) -> bool {
        let Some(command) = self.script.get(at) else { return false };
        let (first, second, negated) = (command.first.clone(), command.second.clone(), command.negated);
        let selected = match (first, second) {
            (None, _) => true,
            (Some(first), None) => self.matches(&first, last),
            (Some(first), Some(second)) => self.in_range(at, &first, &second, last),
        };
        selected != negated
    }

    fn matches(&mut self, address: &Address, last: bool) -> bool {
        match address {
            Address::Line(line) => self.number == *line,
            Address::Last => last,
            Address::Step(first, step) => {
                if *step == 0 {
                    self.number == *first
                } else {
                    self.number >= *first && (self.number - first).is_multiple_of(*step)
                }
            }
            Address::Regex(regex) => {
                let regex = regex.clone().or_else(|| self.last_regex.clone());
                let matched = regex.as_ref().is_some_and(|regex| regex.is_match(&self.space));
                self.last_regex = regex;
                matched
            }
            Address::Plus(_) | Address::Multiple(_) => false,
        }
    }

    fn in_range(&mut self, at: usize, first: &Address, second: &Address, last: bool) -> bool {
        let state = self.open_ranges.get(at).copied().unwrap_or(Range::Closed);
        let number = self.number;
        let (selected, next) = match state {
            Range::Until(Some(line)) => {
                // A range that ends on a line behind has only one line more.
                (number <= line, if number >= line { Range::Closed } else { state })
            }
            Range::Until(None) => (true, if self.matches(second, last) { Range::Closed } else { state }),
            Range::Closed => {
                // `0,/re/`: the pattern may match on the first line already.
                let zero = matches!(first, Address::Line(0));
                if zero && number == 1 {
                    (true, if self.matches(second, last) { Range::Closed } else { Range::Until(None) })
                } else if !zero && self.matches(first, last) {
                    let next = match second {
                        Address::Line(line) if *line <= number => Range::Closed,
                        Address::Line(line) => Range::Until(Some(*line)),
                        Address::Plus(0) => Range::Closed,
                        Address::Plus(count) => Range::Until(Some(number + count)),
                        Address::Multiple(of) if *of == 0 || number.is_multiple_of(*of) => Range::Closed,
                        Address::Multiple(of) => Range::Until(Some(number.div_ceil(*of) * of)),
                        Address::Last if last => Range::Closed,
                        _ => Range::Until(None),
                    };
                    (true, next)
                } else {
                    (false, Range::Closed)
                }
            }
        };
        if let Some(range) = self.open_ranges.get_mut(at) {
            *range = next;
        }
        // What a closed range leaves behind may begin a new one on this very line.
        selected || (state != Range::Closed && next == Range::Closed && self.in_range(at, first, second, last))
    }

    /// Runs the script from a place on.
    fn cycle(&mut self, start: usize, last: bool, call: &mut Call<'_, '_>) -> Ended {
        let mut at = start;
        let mut steps = 0;
        while at < self.script.len() {
            steps += 1;
            if steps > STEPS_MAX || self.space.len() + self.hold.len() > SPACE_BYTES_MAX {
                call.error("the script does not come to an end");
                self.code = 1;
                return Ended::Quit;
            }
            let here = at;
            at += 1;
            if !self.selected(here, last) {
                if let Some(Command { kind: Kind::Block(end), .. }) = self.script.get(here) {
                    at = *end;
                }
                continue;
            }
            let Some(kind) = self.script.get(here).map(|command| command.kind.clone()) else { break };
            match kind {
                Kind::Block(_) | Kind::End | Kind::Label => {}
                Kind::Branch(target) => at = target,
                Kind::BranchIf(target) => {
                    if std::mem::take(&mut self.substituted) {
                        at = target;
                    }
                }
                Kind::BranchUnless(target) => {
                    if !std::mem::take(&mut self.substituted) {
                        at = target;
                    }
                }
                Kind::Delete => {
                    self.end_cycle(false, call);
                    return Ended::Cycle;
                }
                Kind::DeleteFirst => match self.space.split_once('\n') {
                    None => {
                        self.end_cycle(false, call);
                        return Ended::Cycle;
                    }
                    Some((_, rest)) => {
                        self.space = rest.to_owned();
                        self.end_cycle(false, call);
                        at = 0;
                    }
                },
                Kind::Print => self.print_space(call),
                Kind::PrintFirst => {
                    let first = self.space.split('\n').next().unwrap_or_default().to_owned();
                    self.put(&format!("{first}\n"), call);
                }
                Kind::Number => {
                    let number = self.number;
                    self.put(&format!("{number}\n"), call);
                }
                Kind::List => {
                    let listed = listed(&self.space);
                    self.put(&listed, call);
                }
                Kind::Append(text) => self.appended.push_back(Appended::Text(text)),
                Kind::Insert(text) => self.put(&text, call),
                Kind::Change(text) => {
                    let in_range =
                        self.script.get(here).is_some_and(|command| command.second.is_some() && !command.negated);
                    let over = self.open_ranges.get(here).is_none_or(|range| *range == Range::Closed);
                    if !in_range || over || last {
                        self.put(&text, call);
                    }
                    self.end_cycle(false, call);
                    return Ended::Cycle;
                }
                Kind::Next | Kind::NextAppend => {
                    let append = matches!(kind, Kind::NextAppend);
                    if last {
                        // There is none: the line is printed (by GNU also for N) and that is all.
                        self.end_cycle(true, call);
                        return Ended::Quit;
                    }
                    if !append && !self.quiet {
                        self.print_space(call);
                    }
                    if !append {
                        self.end_cycle(false, call);
                    }
                    self.paused = Some((at, append));
                    return Ended::Paused;
                }
                Kind::Quit(code, print) => {
                    self.code = code;
                    self.end_cycle(print, call);
                    return Ended::Quit;
                }
                Kind::Read(name) => self.appended.push_back(Appended::File(name)),
                Kind::Write(name) => {
                    let text = format!("{}\n", self.space);
                    self.write_file(&name, &text, call);
                }
                Kind::Hold => self.hold = self.space.clone(),
                Kind::HoldAppend => {
                    self.hold.push('\n');
                    self.hold.push_str(&self.space);
                }
                Kind::Get => self.space = self.hold.clone(),
                Kind::GetAppend => {
                    self.space.push('\n');
                    self.space.push_str(&self.hold);
                }
                Kind::Exchange => std::mem::swap(&mut self.space, &mut self.hold),
                Kind::Zap => self.space.clear(),
                Kind::FileName => {
                    let name = if self.file.is_empty() { "-".to_owned() } else { self.file.clone() };
                    self.put(&format!("{name}\n"), call);
                }
                Kind::Translate(from, to) => {
                    self.space = self
                        .space
                        .chars()
                        .map(|c| from.iter().position(|f| *f == c).and_then(|at| to.get(at)).copied().unwrap_or(c))
                        .collect();
                }
                Kind::Substitute(substitute) => {
                    if self.substitute(&substitute) {
                        self.substituted = true;
                        for _ in 0..substitute.print {
                            self.print_space(call);
                        }
                        if let Some(name) = &substitute.write {
                            let text = format!("{}\n", self.space);
                            self.write_file(name, &text, call);
                        }
                    }
                }
            }
        }
        self.end_cycle(true, call);
        Ended::Cycle
    }

    fn write_file(&mut self, name: &str, text: &str, call: &mut Call<'_, '_>) {
        match name {
            "/dev/stdout" => self.put(text, call),
            "/dev/stderr" => call.sys.eprint(text),
            name => {
                let open = if self.files_written.iter().any(|written| written == name) {
                    crate::Open::Append
                } else {
                    crate::Open::Write
                };
                self.files_written.push(name.to_owned());
                match call.sys.open(name, open) {
                    Ok(fd) => {
                        let _ = call.sys.put(fd, text.as_bytes());
                        call.sys.close(fd);
                    }
                    Err(error) => {
                        call.error(&format!("couldn't open file {name}: {error}"));
                        self.code = 4;
                    }
                }
            }
        }
    }

    /// The input of a file (or of all) has ended.
    fn finish(&mut self, call: &mut Call<'_, '_>) {
        if let Some((line, _)) = self.waiting.take()
            && !self.stopped
        {
            self.input(line, true, call);
        }
        if self.paused.take().is_some() && !self.stopped {
            // `N` without a next line prints what there is.
            self.end_cycle(true, call);
        }
    }
}

/// What `l` prints.
fn listed(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\r' => out.push_str("\\r"),
            0x20..=0x7e => out.push(char::from(byte)),
            byte => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out.push_str("$\n");
    out
}

impl Filter for Sed {
    fn open(&mut self, name: &str, _: &mut Call<'_, '_>) -> Flow {
        self.file = if name == "-" { String::new() } else { name.to_owned() };
        if self.separate {
            self.number = 0;
            self.open_ranges.fill(Range::Closed);
        }
        if self.in_place.is_some() && !self.file.is_empty() {
            self.output = Some(Vec::new());
        }
        Flow::Go
    }

    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        if self.stopped {
            return Flow::Stop;
        }
        let line = String::from_utf8_lossy(line).into_owned();
        if !self.looks_ahead {
            return self.input(line, false, call);
        }
        match self.waiting.replace((line, false)) {
            Some((line, _)) => self.input(line, false, call),
            None => Flow::Go,
        }
    }

    fn close(&mut self, name: &str, call: &mut Call<'_, '_>) -> Flow {
        if self.separate {
            self.finish(call);
        }
        if let Some(output) = self.output.take() {
            let path = call.sys.path(name);
            if let Some(suffix) = self.in_place.clone().filter(|suffix| !suffix.is_empty()) {
                let backup = if suffix.contains('*') { suffix.replace('*', name) } else { format!("{path}{suffix}") };
                let backup = call.sys.path(&backup);
                if let Ok(old) = call.sys.files().read(&path) {
                    let _ = call.sys.files().write(&backup, &old);
                }
            }
            if let Err(error) = call.sys.files().write(&path, &output) {
                call.error(&format!("couldn't open temporary file {name}: {error}"));
                self.code = 4;
            }
        }
        Flow::Go
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        self.finish(call);
        self.code
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
