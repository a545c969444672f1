//! `awk`: `lex` and `parse` read programs, `run` runs them, `library` has the functions.
//!
//! The action of a line runs to its end within one step, so it has a limit of operations; what is under way between two
//! lines is plain data. Pipes to and from commands are not there.

mod ast;
mod lex;
mod library;
mod parse;
mod run;

use std::sync::Arc;

use super::Call;
use super::options::Options;
use super::stream::{Complaint, Filter, Flow, Stream, chomp};
use run::{Awk, Stop};

#[derive(Clone)]
struct Lines {
    awk: Awk,
    /// Assignments among the files, by the place where they stand.
    failed: bool,
}

pub(super) fn start(call: &mut Call<'_, '_>) -> Result<Stream, i32> {
    let mut options = Options::parse(call, "+F:v:f:", &[("field-separator", 'F'), ("assign", 'v'), ("file", 'f')])?;
    let mut text = String::new();
    for file in options.values('f').map(str::to_owned).collect::<Vec<_>>() {
        match call.sys.read_file(&file) {
            Ok(bytes) => text.push_str(&(String::from_utf8_lossy(&bytes) + "\n")),
            Err(error) => {
                call.error(&format!("can't open file {file}: {error}"));
                return Err(2);
            }
        }
    }
    if !options.has('f') {
        if options.rest.is_empty() {
            if call.gnu() {
                call.sys.eprint("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]\n");
                return Err(2);
            }
            return Err(call.try_help());
        }
        text = options.rest.remove(0);
    }
    let program = match parse::parse(&text) {
        Ok(program) => program,
        Err(message) => {
            let message = if call.gnu() { format!("line 1: {message}") } else { format!("cmd. line:1: {message}") };
            call.error(&message);
            return Err(2);
        }
    };
    let mut awk = Awk::new(Arc::new(program), &call.sys.environment(), call.sys.random());
    if let Some(separator) = options.value('F') {
        awk.set_text("FS", &if separator == "t" { "\t".into() } else { unescaped(separator) });
    }
    for assignment in options.values('v') {
        match assignment.split_once('=') {
            Some((name, value)) => awk.set_input(name, &unescaped(value)),
            None => {
                call.error(&format!("invalid -v argument: {assignment}"));
                return Err(2);
            }
        }
    }
    let mut words = vec!["awk".to_owned()];
    words.extend(options.rest.iter().cloned());
    awk.set_arguments(&words);
    // Assignments among the files are made at once: their place rarely matters.
    let mut files = Vec::new();
    for word in &options.rest {
        match word.split_once('=') {
            Some((name, value)) if crate::shell::is_name(name) => awk.set_input(name, &unescaped(value)),
            _ => files.push(word.clone()),
        }
    }
    let mut lines = Lines { awk, failed: false };
    let begun = lines.awk.begin(call);
    let reads = lines.awk.reads_input();
    match begun {
        Ok(()) if reads => {}
        Ok(()) => {
            let code = lines.awk.code;
            call.flush();
            return Err(code);
        }
        Err(stop) => {
            if let Stop::Error(message) = &stop {
                call.error(message);
                return Err(2);
            }
            if let Err(Stop::Error(message)) = lines.awk.end(call) {
                call.error(&message);
                return Err(2);
            }
            let code = lines.awk.code;
            call.flush();
            return Err(code);
        }
    }
    Ok(Stream::new(lines, &files, Complaint::CantOpen).failing_with(2))
}

/// What escapes in `-v` and `-F` stand for.
fn unescaped(text: &str) -> String {
    crate::text::lossy(crate::shell::quote::unescape(text, true).0)
}

impl Lines {
    fn stopped(&mut self, stop: Stop, call: &mut Call<'_, '_>) -> Flow {
        match stop {
            Stop::Next => Flow::Go,
            Stop::NextFile => Flow::Skip,
            Stop::Error(message) => {
                call.error(&message);
                self.failed = true;
                Flow::Stop
            }
            _ => Flow::Stop,
        }
    }
}

impl Filter for Lines {
    fn open(&mut self, name: &str, _: &mut Call<'_, '_>) -> Flow {
        self.awk.set_text("FILENAME", if name == "-" { "" } else { name });
        self.awk.set_number("FNR", 0.0);
        Flow::Go
    }

    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow {
        let text = String::from_utf8_lossy(chomp(line));
        match self.awk.line(&text, call) {
            Ok(()) => Flow::Go,
            Err(stop) => self.stopped(stop, call),
        }
    }

    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        if self.failed {
            return 2;
        }
        if let Err(Stop::Error(message)) = self.awk.end(call) {
            call.error(&message);
            return 2;
        }
        self.awk.code
    }

    fn clone_box(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
