//! `read`, `mapfile`, `getopts`.

use super::Done;
use crate::shell::frames::{Flow, Frame};
use crate::shell::parse::is_name;
use crate::shell::vars::Value;
use crate::shell::{Dialect, Shell};
use crate::{Fd, Read, Sys, TtyMode, Wait};
use drydock_value::Time;

/// How long a line `read` takes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// How many lines `mapfile` takes.
const LINES_MAX: usize = 50_000;

/// A `read` or `mapfile` at work.
#[derive(Debug, Clone)]
pub(crate) struct ReadState {
    fd: Fd,
    raw: bool,
    delimiter: u8,
    /// At most so many characters.
    count: Option<usize>,
    until: Option<Time>,
    array: Option<String>,
    names: Vec<String>,
    /// `mapfile`: every line becomes an element.
    lines: Option<Lines>,
    bytes: Vec<u8>,
    /// The terminal's mode before, when it was changed.
    mode: Option<TtyMode>,
}

#[derive(Debug, Clone)]
struct Lines {
    trim: bool,
}

pub(super) fn read(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut state = ReadState {
        fd: 0,
        raw: false,
        delimiter: b'\n',
        count: None,
        until: None,
        array: None,
        names: Vec::new(),
        lines: None,
        bytes: Vec::new(),
        mode: None,
    };
    let (mut prompt, mut silent) = (None, false);
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(options) = word.strip_prefix('-').filter(|options| !options.is_empty()) else {
            state.names.push(word.clone());
            break;
        };
        if options == "-" {
            break;
        }
        let letters = options.char_indices();
        for (at, letter) in letters {
            match letter {
                'r' => state.raw = true,
                's' => silent = true,
                'e' | 'i' => {}
                'p' | 't' | 'n' | 'N' | 'd' | 'a' | 'u' => {
                    let attached = options.get(at + 1..).unwrap_or_default();
                    let value = if attached.is_empty() { words.next().cloned() } else { Some(attached.to_owned()) };
                    let Some(value) = value else {
                        return shell.failed(sys, "read", &format!("-{letter}: option requires an argument"), 2);
                    };
                    match letter {
                        'p' => prompt = Some(value),
                        'a' => state.array = Some(value),
                        'd' => state.delimiter = value.bytes().next().unwrap_or(0),
                        'u' => state.fd = value.parse().unwrap_or(0),
                        't' => {
                            let seconds: f64 = value.parse().unwrap_or(0.0);
                            state.until = Some(Time(sys.now().0.saturating_add((seconds * 1e6) as u64)));
                        }
                        _ => state.count = value.parse().ok(),
                    }
                    break;
                }
                letter => {
                    let message = match shell.dialect {
                        Dialect::Bash => format!("-{letter}: invalid option"),
                        _ => format!("Illegal option -{letter}"),
                    };
                    return shell.failed(sys, "read", &message, 2);
                }
            }
        }
    }
    state.names.extend(words.cloned());
    if let Some(bad) = state.names.iter().find(|name| !is_name(name)) {
        let message = match shell.dialect {
            Dialect::Bash => format!("`{bad}': not a valid identifier"),
            Dialect::Ash => format!("'{bad}': bad variable name"),
            Dialect::Dash => format!("{bad}: bad variable name"),
        };
        return shell.failed(sys, "read", &message, if shell.dialect == Dialect::Bash { 1 } else { 2 });
    }
    if sys.is_tty(state.fd) {
        if let Some(prompt) = prompt {
            sys.eprint(&prompt);
        }
        let by_character = state.count.is_some() || state.delimiter != b'\n';
        if silent || by_character {
            let mode = TtyMode { echo: !silent, canonical: !by_character, ..TtyMode::COOKED };
            state.mode = sys.tty_mode(state.fd);
            sys.set_tty_mode(state.fd, mode);
        }
    }
    shell.stack.push(Frame::Read(Box::new(state)));
    Done::Later
}

pub(super) fn mapfile(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let trim = words.iter().any(|word| word == "-t");
    let array = words.iter().skip(1).find(|word| !word.starts_with('-')).map_or("MAPFILE", String::as_str);
    if !is_name(array) {
        return shell.failed(sys, "mapfile", &format!("`{array}': not a valid identifier"), 1);
    }
    shell.vars.entry(array).value = Value::Array(Default::default());
    shell.stack.push(Frame::Read(Box::new(ReadState {
        fd: 0,
        raw: true,
        delimiter: b'\n',
        count: None,
        until: None,
        array: Some(array.to_owned()),
        names: Vec::new(),
        lines: Some(Lines { trim }),
        bytes: Vec::new(),
        mode: None,
    })));
    Done::Later
}

impl Shell {
    /// Goes on with a `read`.
    pub(in crate::shell) fn read_on(&mut self, mut state: Box<ReadState>, sys: &mut Sys<'_>) -> Flow {
        let by_line = state.delimiter == b'\n' && state.count.is_none();
        if state.count == Some(0) {
            return self.read_done(&state, true, sys);
        }
        let read = if by_line { sys.read_line(state.fd, 64 << 10) } else { sys.read(state.fd, 1) };
        match read {
            Read::Data(data) => {
                state.bytes.extend(data);
                let complete = match state.bytes.last() {
                    // A backslash before the end continues the line.
                    Some(last) if *last == state.delimiter => state.raw || !continued(&state.bytes),
                    _ => {
                        state.count.is_some_and(|count| String::from_utf8_lossy(&state.bytes).chars().count() >= count)
                    }
                };
                if complete || state.bytes.len() > LINE_BYTES_MAX {
                    if state.bytes.last() == Some(&state.delimiter) {
                        state.bytes.pop();
                    }
                    return self.read_done(&state, true, sys);
                }
                self.stack.push(Frame::Read(state));
                Flow::Go
            }
            Read::Pending => {
                if state.until.is_some_and(|until| until <= sys.now()) {
                    self.read_done(&state, false, sys);
                    self.status = 142;
                    return Flow::Go;
                }
                let wait = Wait::read(state.fd).or_until(state.until);
                self.stack.push(Frame::Read(state));
                Flow::Wait(wait)
            }
            Read::Eof => self.read_done(&state, false, sys),
            Read::Error(error) => {
                let message = format!("read error: {}: {error}", state.fd);
                self.complain_of(sys, "read", &message);
                self.end_read(&state, sys);
                self.status = 1;
                Flow::Go
            }
        }
    }

    /// Puts the terminal back as it was.
    pub(in crate::shell) fn end_read(&mut self, state: &ReadState, sys: &mut Sys<'_>) {
        if let Some(mode) = state.mode {
            sys.set_tty_mode(state.fd, mode);
        }
    }

    fn read_done(&mut self, state: &ReadState, complete: bool, sys: &mut Sys<'_>) -> Flow {
        if let Some(lines) = &state.lines {
            return self.line_done(state, lines.clone(), complete, sys);
        }
        self.end_read(state, sys);
        let text = String::from_utf8_lossy(&state.bytes).replace('\0', "");
        let mut line: Vec<(char, bool)> = Vec::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c == '\\' && !state.raw {
                match chars.next() {
                    Some('\n') | None => {}
                    Some(next) => line.push((next, true)),
                }
            } else {
                line.push((c, false));
            }
        }
        self.status = i32::from(!complete);
        let mut result = Ok(());
        if let Some(array) = &state.array {
            self.vars.entry(array).value = Value::Array(Default::default());
            for (index, field) in self.split_line(&line, usize::MAX).iter().enumerate() {
                result = result.and(self.vars.set_element(array, index as i64, field));
            }
        } else if state.names.is_empty() {
            let whole: String = line.iter().map(|(c, _)| c).collect();
            result = self.assign("REPLY", &whole);
        } else {
            let mut fields = self.split_line(&line, state.names.len()).into_iter();
            for name in &state.names {
                result = result.and(self.assign(name, &fields.next().unwrap_or_default()));
            }
        }
        if let Err(message) = result {
            self.complain(sys, &message);
            self.status = 1;
        }
        Flow::Go
    }

    /// One line of `mapfile`.
    fn line_done(&mut self, state: &ReadState, lines: Lines, complete: bool, sys: &mut Sys<'_>) -> Flow {
        let Some(array) = state.array.clone() else { return Flow::Go };
        if complete || !state.bytes.is_empty() {
            let mut text = String::from_utf8_lossy(&state.bytes).into_owned();
            if complete && !lines.trim {
                text.push('\n');
            }
            let next = match self.vars.get(&array).map(|var| &var.value) {
                Some(Value::Array(elements)) => elements.len(),
                _ => 0,
            };
            if next >= LINES_MAX {
                self.complain_of(sys, "mapfile", "too many lines");
                self.status = 1;
                return Flow::Go;
            }
            if let Err(message) = self.vars.set_element(&array, next as i64, &text) {
                self.complain_of(sys, "mapfile", &message);
            }
        }
        self.status = 0;
        if complete {
            self.stack.push(Frame::Read(Box::new(ReadState { bytes: Vec::new(), ..state.clone() })));
        }
        Flow::Go
    }
}

/// Whether the last character before the delimiter is a backslash that counts.
fn continued(bytes: &[u8]) -> bool {
    let before = bytes.get(..bytes.len().saturating_sub(1)).unwrap_or_default();
    before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

pub(super) fn getopts(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (Some(options), Some(name)) = (words.get(1), words.get(2)) else {
        sys.eprint("getopts: usage: getopts optstring name [arg ...]\n");
        return Done::Status(2);
    };
    let arguments: Vec<String> = match words.get(3..) {
        Some(rest) if !rest.is_empty() => rest.to_vec(),
        _ => shell.positional.as_ref().clone(),
    };
    let silent = options.starts_with(':');
    let mut index = shell.vars.text("OPTIND").and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).max(1);
    let mut at = shell.getopts_at;
    let word = arguments.get(index - 1).cloned().unwrap_or_default();
    let finished = at == 0 && (word == "--" || !word.starts_with('-') || word.len() < 2);
    if finished {
        if word == "--" {
            shell.vars.set("OPTIND", &(index + 1).to_string());
        }
        let _ = shell.assign(name, "?");
        return Done::Status(1);
    }
    let letters: Vec<char> = word.chars().collect();
    at = at.max(1);
    let letter = letters.get(at).copied().unwrap_or('?');
    at += 1;
    let known = options.find(letter).filter(|_| letter != ':');
    let wants = known.is_some_and(|place| options.get(place + letter.len_utf8()..).is_some_and(|r| r.starts_with(':')));
    let (mut value, mut argument) = (letter.to_string(), None);
    if known.is_none() {
        value = "?".into();
        if silent {
            argument = Some(letter.to_string());
        } else {
            let label = shell.name.clone();
            sys.eprint(&format!("{label}: illegal option -- {letter}\n"));
        }
    } else if wants {
        let rest: String = letters.get(at..).unwrap_or_default().iter().collect();
        if !rest.is_empty() {
            argument = Some(rest);
        } else if let Some(next) = arguments.get(index) {
            argument = Some(next.clone());
            index += 1;
        } else if silent {
            value = ":".into();
            argument = Some(letter.to_string());
        } else {
            value = "?".into();
            let label = shell.name.clone();
            sys.eprint(&format!("{label}: option requires an argument -- {letter}\n"));
        }
        at = letters.len();
    }
    if at >= letters.len() {
        index += 1;
        at = 0;
    }
    shell.vars.set("OPTIND", &index.to_string());
    shell.getopts_at = at;
    match argument {
        Some(argument) => shell.vars.set("OPTARG", &argument),
        None => shell.vars.put("OPTARG", None),
    }
    match shell.assign(name, &value) {
        Ok(()) => Done::Status(0),
        Err(message) => shell.failed(sys, "getopts", &message, 1),
    }
}
