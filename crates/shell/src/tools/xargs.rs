//! `xargs`: commands from what is read.

use super::Call;
use super::options::Options;
use super::run::{cloning, not_run};
use crate::{Open, Pid, Program, Read, Spawn, Step, Sys, Wait};
use std::collections::VecDeque;

/// What `xargs` reads.
const ARGUMENTS_BYTES_MAX: usize = 4 << 20;

#[derive(Clone, Default)]
struct Xargs {
    started: bool,
    input: Vec<u8>,
    read: bool,
    command: Vec<String>,
    per_call: Option<usize>,
    lines: Option<usize>,
    replace: Option<String>,
    null: bool,
    delimiter: Option<u8>,
    skip_empty: bool,
    trace: bool,
    calls: VecDeque<Vec<String>>,
    child: Option<Pid>,
    code: i32,
}

pub(super) fn xargs() -> Box<dyn Program> {
    Box::new(Xargs::default())
}

impl Xargs {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        const LONG: &[(&str, char)] = &[
            ("null", '0'),
            ("max-args", 'n'),
            ("max-lines", 'L'),
            ("replace", 'I'),
            ("no-run-if-empty", 'r'),
            ("verbose", 't'),
            ("max-procs", 'P'),
            ("delimiter", 'd'),
        ];
        let options = Options::parse(call, "+0n:L:I:i?rtP:d:s:px", LONG)?;
        self.null = options.has('0');
        self.per_call = options.value('n').and_then(|text| text.parse().ok());
        self.lines = options.value('L').and_then(|text| text.parse().ok());
        self.replace = options.value('I').map(str::to_owned);
        if self.replace.is_none() && options.has('i') {
            self.replace = Some("{}".into());
        }
        self.skip_empty = options.has('r') || !call.gnu();
        self.trace = options.has('t');
        self.delimiter = options.value('d').map(|text| match text {
            "\\n" => b'\n',
            "\\0" => 0,
            "\\t" => b'\t',
            text => text.bytes().next().unwrap_or(b'\n'),
        });
        self.command = if options.rest.is_empty() { vec!["echo".into()] } else { options.rest };
        Ok(())
    }

    /// The words of the input, each with whether a line ends after it.
    fn words(&self, call: &mut Call<'_, '_>) -> Result<Vec<(String, bool)>, i32> {
        let text = String::from_utf8_lossy(&self.input).into_owned();
        if self.null || self.delimiter.is_some() {
            let delimiter = if self.null { '\0' } else { char::from(self.delimiter.unwrap_or(b'\n')) };
            let text = text.strip_suffix(delimiter).unwrap_or(&text);
            return Ok(text
                .split(delimiter)
                .filter(|_| !text.is_empty())
                .map(|word| (word.to_owned(), true))
                .collect());
        }
        if self.replace.is_some() {
            let lines = text.lines().map(|line| line.trim_start()).filter(|line| !line.is_empty());
            return Ok(lines.map(|line| (line.to_owned(), true)).collect());
        }
        let mut words = Vec::new();
        let mut chars = text.chars().peekable();
        let mut word: Option<String> = None;
        while let Some(c) = chars.next() {
            match c {
                '\'' | '"' => {
                    let word = word.get_or_insert_with(String::new);
                    loop {
                        match chars.next() {
                            Some(end) if end == c => break,
                            Some('\n') | None => {
                                let kind = if c == '"' { "double" } else { "single" };
                                let gnu = format!(
                                    "unmatched {kind} quote; by default quotes are special to xargs unless you use the -0 option"
                                );
                                call.error(&if call.gnu() { gnu } else { format!("unmatched {kind} quote") });
                                return Err(1);
                            }
                            Some(inner) => word.push(inner),
                        }
                    }
                }
                '\\' => word.get_or_insert_with(String::new).extend(chars.next()),
                c if c.is_whitespace() => {
                    if let Some(word) = word.take() {
                        words.push((word, c == '\n'));
                    } else if c == '\n'
                        && let Some(last) = words.last_mut()
                    {
                        last.1 = true;
                    }
                }
                c => word.get_or_insert_with(String::new).push(c),
            }
        }
        words.extend(word.map(|word| (word, true)));
        Ok(words)
    }

    fn plan(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let words = self.words(call)?;
        if let Some(replace) = &self.replace {
            self.calls = words
                .iter()
                .map(|(word, _)| self.command.iter().map(|part| part.replace(replace.as_str(), word)).collect())
                .collect();
            return Ok(());
        }
        if words.is_empty() {
            if !self.skip_empty {
                self.calls.push_back(self.command.clone());
            }
            return Ok(());
        }
        let limit = self.per_call.unwrap_or(5000).max(1);
        let (mut current, mut lines) = (Vec::new(), 0);
        for (word, ends_line) in words {
            current.push(word);
            lines += usize::from(ends_line);
            let full = current.len() >= limit || self.lines.is_some_and(|wanted| ends_line && lines >= wanted.max(1));
            if full {
                self.calls.push_back([self.command.clone(), std::mem::take(&mut current)].concat());
                lines = 0;
            }
        }
        if !current.is_empty() {
            self.calls.push_back([self.command.clone(), current].concat());
        }
        Ok(())
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        if !self.started {
            self.started = true;
            self.start(call)?;
        }
        if !self.read {
            match call.sys.read(0, 64 << 10) {
                Read::Data(bytes) => {
                    self.input.extend(bytes);
                    if self.input.len() > ARGUMENTS_BYTES_MAX {
                        call.error("argument list too long");
                        return Err(1);
                    }
                    return Ok(Step::Continue);
                }
                Read::Pending => return Ok(Wait::read(0).into()),
                Read::Eof | Read::Error(_) => {
                    self.read = true;
                    self.plan(call)?;
                }
            }
        }
        if let Some(child) = self.child {
            let Some(code) = call.sys.wait(child) else { return Ok(Wait::child().into()) };
            self.child = None;
            match code {
                0 => {}
                255 => {
                    call.error(&format!(
                        "{}: exited with status 255; aborting",
                        self.command.first().map_or("", String::as_str)
                    ));
                    return Err(124);
                }
                1..=125 => self.code = 123,
                code => self.code = if code > 128 { 125 } else { code },
            }
        }
        let Some(argv) = self.calls.pop_front() else { return Err(self.code) };
        if self.trace {
            call.sys.eprint(&format!("{}\n", argv.join(" ")));
        }
        let command = argv.first().cloned().unwrap_or_default();
        let null = call.sys.open("/dev/null", Open::Read).map_err(|_| 1)?;
        let fds = Some(vec![(0, null), (1, 1), (2, 2)]);
        let started = call.sys.spawn(Spawn { fds, ..Spawn::new(argv) });
        call.sys.close(null);
        match started {
            Ok(pid) => {
                self.child = Some(pid);
                Ok(Wait::child().into())
            }
            Err(error) => Err(not_run(call, &command, error)),
        }
    }
}

impl Program for Xargs {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "xargs");
        match self.go_on(&mut call) {
            Ok(step) => {
                call.flush();
                step
            }
            Err(code) => Step::Exit(call.finish(code)),
        }
    }

    cloning!();
}
