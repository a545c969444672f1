//! `awk`: a language of its own, small but whole: patterns and ranges, fields, arrays, functions, `printf`.
//!
//! `lexer` and `parser` make the program (`ast`), `machine` runs it on one record at a time (`value`, `functions`,
//! `format`). What it does not have says so: output to commands, `system`, `getline` from files.

mod ast;
mod format;
mod functions;
mod lexer;
mod machine;
mod parser;
#[cfg(test)]
mod tests;
mod value;

use super::Call;
use super::regex::{Syntax, compile};
use super::stream::{Complaint, Filter, Flow, Stream};
use crate::{Open, text};
use machine::{Control, FILENAME, FNR, Machine, Print, RS, SPECIAL};
use value::Value;

fn regex(pattern: &str) -> Result<regex_lite::Regex, String> {
    compile(pattern, Syntax::Extended, false).map_err(|error| format!("{error}: /{pattern}/"))
}

#[derive(Clone)]
struct Awk {
    machine: Box<Machine>,
    /// Input that is not a whole record yet, when records are not lines.
    rest: String,
    /// Files that were written: from then on they are added to.
    written: Vec<String>,
    failed: bool,
    done: bool,
}

impl Awk {
    /// Deals with what a part of the program came to.
    fn after(&mut self, outcome: Result<Control, String>, call: &mut Call<'_, '_>) -> Flow {
        self.write(call);
        match outcome {
            Ok(Control::Exit) => {
                self.done = true;
                Flow::Stop
            }
            Ok(Control::NextFile) => Flow::Skip,
            Ok(_) => Flow::Go,
            Err(message) => {
                call.error(&message);
                self.failed = true;
                Flow::Stop
            }
        }
    }

    fn write(&mut self, call: &mut Call<'_, '_>) {
        for print in std::mem::take(&mut self.machine.printed) {
            match print {
                Print::Out(text) => call.print(&text),
                Print::File { path, .. } if path == "/dev/stderr" => {}
                Print::File { path, append, text } => self.write_file(&path, append, &text, call),
            }
        }
    }

    fn write_file(&mut self, path: &str, append: bool, text: &str, call: &mut Call<'_, '_>) {
        let open =
            if append || self.written.iter().any(|written| written == path) { Open::Append } else { Open::Write };
        let path_there = call.sys.path(path);
        match call.sys.open(&path_there, open) {
            Ok(fd) => {
                if let Err(error) = call.sys.put(fd, text.as_bytes()) {
                    call.error(&format!("{path}: {error}"));
                }
                call.sys.close(fd);
                self.written.push(path.to_owned());
            }
            Err(error) => {
                call.error(&format!("can't redirect to {path} ({error})"));
                self.failed = true;
            }
        }
    }

    fn record(&mut self, record: &str, call: &mut Call<'_, '_>) -> Flow {
        call.sys.charge(2);
        let outcome = self.machine.record(record);
        self.after(outcome, call)
    }

    /// Takes whole records off the rest; at the end of a file the last one too.
    fn records(&mut self, last: bool, call: &mut Call<'_, '_>) -> Flow {
        loop {
            let separator = self.machine.special_text(RS);
            let (at, length) = if separator.is_empty() {
                let blank = self.rest.len() - self.rest.trim_start_matches('\n').len();
                self.rest.drain(..blank);
                (self.rest.find("\n\n"), 2)
            } else {
                let wanted = separator.chars().next().unwrap_or('\n');
                (self.rest.find(wanted), wanted.len_utf8())
            };
            let record = match at {
                Some(at) => {
                    let record = self.rest[..at].to_owned();
                    self.rest.drain(..at + length);
                    record
                }
                None if last => {
                    let record = std::mem::take(&mut self.rest);
                    let record = record.strip_suffix('\n').unwrap_or(&record).to_owned();
                    if record.is_empty() {
                        return Flow::Go;
                    }
                    record
                }
                None => return Flow::Go,
            };
            match self.record(&record, call) {
                Flow::Go => {}
                flow => return flow,
            }
        }
    }
}

impl Filter for Awk {
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let line = text::lossy(line.to_vec());
        if self.rest.is_empty() && &*self.machine.special_text(RS) == "\n" {
            return self.record(line.strip_suffix('\n').unwrap_or(&line), call);
        }
        self.rest.push_str(&line);
        self.records(false, call)
    }

    fn open(&mut self, name: &str, _: &mut Call<'_, '_>) -> Flow {
        if self.done || self.failed {
            return Flow::Stop;
        }
        self.machine.set_special(FNR, Value::Number(0.0));
        self.machine.set_special(FILENAME, Value::text(if name == "-" { "" } else { name }));
        Flow::Go
    }

    fn close(&mut self, _: &str, call: &mut Call<'_, '_>) -> Flow {
        self.records(true, call)
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        if !self.failed {
            // `exit` in a rule still runs END; in END it ends it.
            let outcome = self.machine.end();
            self.after(outcome, call);
        }
        if self.failed { 2 } else { self.machine.exit_code }
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// What the command line says.
#[derive(Default)]
struct CommandLine {
    separator: Option<String>,
    variables: Vec<(String, String)>,
    source: Option<String>,
    files: Vec<String>,
}

fn command_line(call: &mut Call<'_, '_>) -> Result<CommandLine, String> {
    let mut line = CommandLine::default();
    let args = std::mem::take(&mut call.args);
    let mut words = args.into_iter();
    while let Some(word) = words.next() {
        let mut value = |attached: &str| -> Result<String, String> {
            if attached.is_empty() {
                words.next().ok_or_else(|| format!("option requires an argument: {word}"))
            } else {
                Ok(attached.to_owned())
            }
        };
        if word == "--" {
            break;
        } else if let Some(attached) = word.strip_prefix("-F") {
            line.separator = Some(value(attached)?);
        } else if let Some(attached) = word.strip_prefix("-v") {
            let assignment = value(attached)?;
            let (name, text) =
                assignment.split_once('=').ok_or_else(|| format!("improper assignment: -v {assignment}"))?;
            line.variables.push((name.to_owned(), unescape(text)));
        } else if let Some(attached) = word.strip_prefix("-f") {
            let name = value(attached)?;
            let path = call.sys.path(&name);
            let text = call.sys.files().read_text(&path).map_err(|error| format!("can't open file {name}: {error}"))?;
            let source = line.source.get_or_insert_default();
            source.push_str(&text);
            source.push('\n');
        } else if word.starts_with('-') && word.len() > 1 {
            return Err(format!("unknown option {word}"));
        } else if line.source.is_none() {
            line.source = Some(word);
        } else {
            line.files.push(word);
        }
    }
    let mut rest = words;
    if line.source.is_none() {
        line.source = rest.next();
    }
    line.files.extend(rest);
    Ok(line)
}

/// Escapes in what `-v` and `-F` are given.
fn unescape(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n").replace("\\\\", "\\")
}

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let fail = |call: &mut Call<'_, '_>, message: &str| {
        call.error(message);
        2
    };
    let line = command_line(call).map_err(|message| fail(call, &message))?;
    let Some(source) = line.source else {
        return Err(call.usage_error("no program text"));
    };
    let program = parser::parse(&source, SPECIAL).map_err(|message| fail(call, &message))?;
    let mut machine = Machine::new(program);
    machine.now = call.sys.now();
    machine.set_environment(&call.sys.environment());
    if let Some(separator) = line.separator {
        let separator = if separator == "t" { "\t".to_owned() } else { unescape(&separator) };
        machine.set("FS", Value::text(&separator));
    }
    for (name, text) in &line.variables {
        machine.set(name, Value::input(text));
    }
    let mut files = Vec::new();
    for word in line.files {
        // `name=value` among the files sets a variable. It is set before the first file here.
        match word.split_once('=') {
            Some((name, text)) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                machine.set(name, Value::input(&unescape(text)));
            }
            _ => files.push(word),
        }
    }
    let mut awk =
        Awk { machine: Box::new(machine), rest: String::new(), written: Vec::new(), failed: false, done: false };
    let outcome = awk.machine.begin();
    let stops = awk.after(outcome, call) == Flow::Stop;
    if stops || !awk.machine.reads_input() {
        return Err(awk.end(call));
    }
    Ok(Stream::new(awk, &files, Complaint::CantOpen))
}
