//! The utilities: one file and one row each.
//!
//! A row names a utility, its usage, and how it runs ([`Start`]): at once, as a filter that is fed its input
//! ([`stream`]), or as a [`Program`] of its own where it has to wait for something else. Messages are those of GNU or of
//! busybox, by the machine's [`Flavour`].

pub(crate) mod date;
pub(crate) mod echo;
mod options;
pub(crate) mod printf;
pub(crate) mod regex;
mod stream;
pub(crate) mod test;

mod awk;
mod cat;

use crate::{Errno, Flavour, Program, Step, Sys, Vfs};

/// How a utility runs.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// At once; the answer is the exit code.
    Run(fn(&mut Call<'_, '_>) -> i32),
    /// As a filter: its options and files are read first.
    Filter(fn(&mut Call<'_, '_>) -> Result<stream::Stream, i32>),
    /// As a program of its own.
    Program(fn() -> Box<dyn Program>),
}

/// A utility.
pub(crate) struct Tool {
    name: &'static str,
    /// Its options and arguments, as usage lines show them.
    usage: &'static str,
    start: Start,
}

/// The table, by name.
const TOOLS: &[Tool] = &[
    Tool { name: "[", usage: "EXPRESSION ]", start: Start::Run(test::run) },
    Tool { name: "awk", usage: "[-F SEP] [-v VAR=VALUE] [-f FILE | PROGRAM] [FILE]...", start: Start::Filter(awk::start) },
    Tool { name: "cat", usage: "[-nbvteA] [FILE]...", start: Start::Filter(cat::start) },
    Tool { name: "date", usage: "[OPTIONS] [+FMT]", start: Start::Run(date::run) },
    Tool { name: "echo", usage: "[-neE] [ARG]...", start: Start::Run(echo::run) },
    Tool { name: "printf", usage: "FORMAT [ARG]...", start: Start::Run(printf::run) },
    Tool { name: "test", usage: "EXPRESSION", start: Start::Run(test::run) },
];

fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.binary_search_by_key(&name, |tool| tool.name).ok().and_then(|at| TOOLS.get(at))
}

/// The utility of this name.
pub fn program(name: &str) -> Option<Box<dyn Program>> {
    let tool = find(name)?;
    Some(match tool.start {
        Start::Run(run) => Box::new(Once { tool, run }),
        Start::Filter(start) => Box::new(Filtering { tool, start, stream: None }),
        Start::Program(program) => program(),
    })
}

/// The names of all utilities, by name.
pub fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.name)
}

impl Vfs {
    /// Installs utilities and the shell under a directory.
    pub fn install_all<'n>(&mut self, directory: &str, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            let _ = self.install(&crate::join(directory, name), name);
        }
    }
}

/// One call of a utility.
pub(crate) struct Call<'a, 's> {
    pub sys: &'a mut Sys<'s>,
    pub name: &'static str,
    pub args: Vec<String>,
    /// Output that is not handed over yet, so that single lines cost nothing.
    buffer: Vec<u8>,
    /// A write failed: the exit code says so.
    failed: bool,
}

impl<'a, 's> Call<'a, 's> {
    fn new(sys: &'a mut Sys<'s>, name: &'static str) -> Call<'a, 's> {
        let args = sys.args().get(1..).unwrap_or_default().to_vec();
        Call { sys, name, args, buffer: Vec::new(), failed: false }
    }

    /// Whether messages are GNU's; else they are busybox's.
    pub fn gnu(&self) -> bool {
        self.sys.flavour() == Flavour::Gnu
    }

    /// Prints bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() > 16 << 10 {
            self.flush();
        }
    }

    /// Prints a text.
    pub fn print(&mut self, text: &str) {
        self.put(text.as_bytes());
    }

    /// Hands over what was printed.
    pub fn flush(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        match self.sys.put(1, &buffer) {
            Ok(()) | Err(Errno::Pipe) => {}
            Err(error) if !self.failed => {
                self.failed = true;
                let name = self.name;
                self.sys.eprint(&format!("{name}: write error: {error}\n"));
            }
            Err(_) => {}
        }
    }

    /// Prints an error with the utility's name before it.
    pub fn error(&mut self, message: &str) {
        self.flush();
        let name = self.name;
        self.sys.eprint(&format!("{name}: {message}\n"));
    }

    /// A word in the quotes of this flavour's messages.
    pub fn quote(&self, word: &str) -> String {
        if self.gnu() { format!("‘{word}’") } else { format!("'{word}'") }
    }

    fn usage(&self) -> String {
        let usage = find(self.name).map_or("", |tool| tool.usage);
        format!("Usage: {} {usage}\n", self.name)
    }

    /// What follows a message about options; the exit code.
    pub fn try_help(&mut self) -> i32 {
        let name = self.name;
        let text = if self.gnu() {
            format!("Try '{name} --help' for more information.\n")
        } else {
            format!("{BANNER}{}", self.usage())
        };
        self.sys.eprint(&text);
        if matches!(name, "ls" | "sort" | "grep" | "egrep" | "fgrep" | "cmp" | "diff") { 2 } else { 1 }
    }

    /// Something is missing among the arguments; the exit code.
    pub fn usage_error(&mut self, message: &str) -> i32 {
        if self.gnu() {
            self.error(message);
        }
        self.try_help()
    }

    /// `--help`; the exit code.
    fn help(&mut self) -> i32 {
        let text = if self.gnu() { self.usage() } else { format!("{BANNER}{}", self.usage()) };
        if self.gnu() {
            self.print(&text);
        } else {
            self.sys.eprint(&text);
        }
        0
    }

    fn finish(mut self, code: i32) -> i32 {
        self.flush();
        if self.failed { code.max(1) } else { code }
    }
}

const BANNER: &str = "BusyBox v1.36.1 (2023-05-18 22:34:17 UTC) multi-call binary.\n\n";

/// A utility that runs at once.
#[derive(Clone)]
struct Once {
    tool: &'static Tool,
    run: fn(&mut Call<'_, '_>) -> i32,
}

impl Program for Once {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, self.tool.name);
        call.sys.charge(200);
        let code = (self.run)(&mut call);
        Step::Exit(call.finish(code))
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// A utility that filters.
#[derive(Clone)]
struct Filtering {
    tool: &'static Tool,
    start: fn(&mut Call<'_, '_>) -> Result<stream::Stream, i32>,
    stream: Option<Box<stream::Stream>>,
}

impl Program for Filtering {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, self.tool.name);
        let Some(stream) = &mut self.stream else {
            call.sys.charge(200);
            return match (self.start)(&mut call) {
                Ok(stream) => {
                    call.flush();
                    self.stream = Some(Box::new(stream));
                    Step::Continue
                }
                Err(code) => Step::Exit(call.finish(code)),
            };
        };
        match stream.step(&mut call) {
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
