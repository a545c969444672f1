//! The utilities: one file and one row each.
//!
//! A row names a utility, its usage, and how it runs ([`Start`]): at once, as a filter that is fed its input
//! ([`stream`]), or as a [`Program`] of its own where it has to wait for something else. Messages are those of GNU or of
//! busybox, by the machine's [`Flavour`].

mod awk;
mod binary;
mod cat;
mod columns;
mod copy;
pub(crate) mod date;
mod dd;
mod diff;
mod digest;
pub(crate) mod echo;
mod files;
mod find;
mod generate;
mod grep;
mod head;
mod lines;
pub(crate) mod ls;
mod machine;
mod net;
mod number;
mod openssl;
mod options;
mod packages;
mod pager;
mod paths;
pub(crate) mod printf;
mod processes;
pub(crate) mod regex;
mod run;
mod sed;
mod sort;
mod stream;
mod sysctl;
mod system;
mod tar;
pub(crate) mod test;
mod top;
mod translate;
mod watch;
mod xargs;

use crate::{Errno, Flavour, Program, Read, Step, Sys, Wait};

/// How a utility runs.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// At once; the answer is the exit code.
    Run(fn(&mut Call<'_, '_>) -> i32),
    /// At once, when all of standard input is there; it is [`Call::input`].
    Slurp(fn(&mut Call<'_, '_>) -> i32),
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
#[rustfmt::skip]
const TOOLS: &[Tool] = &[
    Tool { name: "[", usage: "EXPRESSION ]", start: Start::Run(test::run) },
    Tool { name: "apk", usage: "add|update|upgrade|del [PACKAGE]...", start: Start::Run(packages::apk) },
    Tool { name: "apt", usage: "update|install [PACKAGE]...", start: Start::Run(packages::apt_get) },
    Tool { name: "apt-get", usage: "update|install [PACKAGE]...", start: Start::Run(packages::apt_get) },
    Tool { name: "arch", usage: "", start: Start::Run(system::arch) },
    Tool { name: "awk", usage: "[OPTIONS] [AWK_PROGRAM] [FILE]...", start: Start::Filter(awk::start) },
    Tool { name: "base64", usage: "[-d] [-w COL] [FILE]", start: Start::Filter(binary::base64) },
    Tool { name: "basename", usage: "FILE [SUFFIX] | -a FILE... | -s SUFFIX FILE...", start: Start::Run(paths::basename) },
    Tool { name: "busybox", usage: "[function [arguments]...]", start: Start::Run(run::busybox) },
    Tool { name: "cat", usage: "[-nbvteA] [FILE]...", start: Start::Filter(cat::start) },
    Tool { name: "chgrp", usage: "[-RhLHPcvf]... GROUP FILE...", start: Start::Run(files::chown) },
    Tool { name: "chmod", usage: "[-Rcvf] MODE[,MODE]... FILE...", start: Start::Run(files::chmod) },
    Tool { name: "chown", usage: "[-Rhcvf]... USER[:[GRP]] FILE...", start: Start::Run(files::chown) },
    Tool { name: "chroot", usage: "NEWROOT [PROG ARGS]", start: Start::Run(run::chroot) },
    Tool { name: "clear", usage: "", start: Start::Run(system::clear) },
    Tool { name: "cmp", usage: "[-ls] FILE1 [FILE2]", start: Start::Filter(binary::cmp) },
    Tool { name: "column", usage: "[-t] [-s SEP] [FILE]...", start: Start::Filter(columns::column) },
    Tool { name: "comm", usage: "[-123] FILE1 FILE2", start: Start::Filter(columns::comm) },
    Tool { name: "cp", usage: "[-arPLHpfinlsTu] SOURCE DEST", start: Start::Run(copy::cp) },
    Tool { name: "curl", usage: "[options...] <url>", start: Start::Program(net::curl) },
    Tool { name: "cut", usage: "[OPTIONS] [FILE]...", start: Start::Filter(columns::cut) },
    Tool { name: "date", usage: "[OPTIONS] [+FMT]", start: Start::Run(date::run) },
    Tool { name: "dd", usage: "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc] [status=noxfer|none]", start: Start::Program(dd::dd) },
    Tool { name: "df", usage: "[-PkmhTa] [FILESYSTEM]...", start: Start::Run(machine::df) },
    Tool { name: "diff", usage: "[-abBdiNqrTstw] [-L LABEL] [-U LINES] FILE1 FILE2", start: Start::Slurp(diff::run) },
    Tool { name: "dig", usage: "[@server] [-x addr] [-t type] [name] [+option]...", start: Start::Run(net::dig) },
    Tool { name: "dirname", usage: "FILENAME", start: Start::Run(paths::dirname) },
    Tool { name: "du", usage: "[-aHLdclsxhmk] [FILE]...", start: Start::Run(paths::du) },
    Tool { name: "echo", usage: "[-neE] [ARG]...", start: Start::Run(echo::run) },
    Tool { name: "edit", usage: "FILE", start: Start::Program(pager::editor) },
    Tool { name: "egrep", usage: "[OPTIONS] PATTERN [FILE]...", start: Start::Filter(grep::start) },
    Tool { name: "env", usage: "[-iu] [-] [name=value]... [PROG ARGS]", start: Start::Run(run::env) },
    Tool { name: "expr", usage: "EXPRESSION", start: Start::Run(generate::expr) },
    Tool { name: "fallocate", usage: "[-o OFFSET] -l LENGTH FILE", start: Start::Run(files::fallocate) },
    Tool { name: "false", usage: "", start: Start::Run(system::fail) },
    Tool { name: "fgrep", usage: "[OPTIONS] PATTERN [FILE]...", start: Start::Filter(grep::start) },
    Tool { name: "find", usage: "[-HL] [PATH]... [OPTIONS] [ACTIONS]", start: Start::Program(find::program) },
    Tool { name: "fold", usage: "[-bs] [-w WIDTH] [FILE]...", start: Start::Filter(columns::fold) },
    Tool { name: "free", usage: "[-bkmgh]", start: Start::Run(machine::free) },
    Tool { name: "getent", usage: "database [key ...]", start: Start::Run(net::getent) },
    Tool { name: "grep", usage: "[-HhnlLoqvsrRiwFE] [-m N] [-A|B|C N] { PATTERN | -e PATTERN... | -f FILE... } [FILE]...", start: Start::Filter(grep::start) },
    Tool { name: "groups", usage: "[USER]", start: Start::Run(system::groups) },
    Tool { name: "head", usage: "[OPTIONS] [FILE]...", start: Start::Filter(head::head) },
    Tool { name: "hexdump", usage: "[-bcdoxCv] [-n LEN] [FILE]...", start: Start::Filter(binary::dump) },
    Tool { name: "hostname", usage: "[-sidf] [HOSTNAME | -F FILE]", start: Start::Run(system::hostname) },
    Tool { name: "id", usage: "[-ugGnr] [USER]", start: Start::Run(system::id) },
    Tool { name: "ip", usage: "[OPTIONS] address|route|link [COMMAND]", start: Start::Run(net::ip) },
    Tool { name: "kill", usage: "[-l] [-SIG] PID...", start: Start::Run(processes::kill) },
    Tool { name: "killall", usage: "[-lq] [-SIG] PROCESS_NAME...", start: Start::Run(processes::by_name) },
    Tool { name: "less", usage: "[-FIMmNRS] [FILE]...", start: Start::Program(pager::pager) },
    Tool { name: "ln", usage: "[-sfnbtv] [-S SUF] TARGET... LINK|DIR", start: Start::Run(files::ln) },
    Tool { name: "ls", usage: "[-1AaCxdLHRFplinshrSXvctu] [-w WIDTH] [FILE]...", start: Start::Run(ls::run) },
    Tool { name: "md5sum", usage: "[-c[sw]] [FILE]...", start: Start::Filter(binary::sum) },
    Tool { name: "mkdir", usage: "[-m MODE] [-p] DIRECTORY...", start: Start::Run(files::mkdir) },
    Tool { name: "mktemp", usage: "[-dtuq] [-p DIR] [TEMPLATE]", start: Start::Run(files::mktemp) },
    Tool { name: "more", usage: "[FILE]...", start: Start::Program(pager::pager) },
    Tool { name: "mount", usage: "", start: Start::Run(machine::mount) },
    Tool { name: "mv", usage: "[-finT] SOURCE DEST", start: Start::Run(copy::mv) },
    Tool { name: "nano", usage: "FILE", start: Start::Program(pager::editor) },
    Tool { name: "nc", usage: "[-iN] [-wN] [-l] [-p PORT] [-zv] [IPADDR PORT]", start: Start::Program(net::nc) },
    Tool { name: "netstat", usage: "[-ral] [-tu] [-n] [-p]", start: Start::Run(net::netstat) },
    Tool { name: "nice", usage: "[-n ADJUST] [PROG ARGS]", start: Start::Run(run::prefix) },
    Tool { name: "nl", usage: "[OPTIONS] [FILE]...", start: Start::Filter(lines::nl) },
    Tool { name: "nohup", usage: "PROG ARGS", start: Start::Run(run::nohup) },
    Tool { name: "nproc", usage: "", start: Start::Run(machine::nproc) },
    Tool { name: "nslookup", usage: "HOST [DNS_SERVER]", start: Start::Run(net::nslookup) },
    Tool { name: "od", usage: "[-abcdfhilovxs] [-t TYPE] [-N SIZE] [FILE]...", start: Start::Filter(binary::dump) },
    Tool { name: "openssl", usage: "COMMAND [OPTIONS]", start: Start::Program(openssl::program) },
    Tool { name: "paste", usage: "[OPTIONS] [FILE]...", start: Start::Filter(columns::paste) },
    Tool { name: "pgrep", usage: "[-flnovx] PATTERN", start: Start::Run(processes::by_name) },
    Tool { name: "pidof", usage: "[NAME]...", start: Start::Run(processes::by_name) },
    Tool { name: "ping", usage: "[-c COUNT] [-i SECONDS] [-w SECONDS] [-q] HOST", start: Start::Program(net::ping) },
    Tool { name: "pkill", usage: "[-SIG] [-fnovx] PATTERN", start: Start::Run(processes::by_name) },
    Tool { name: "printenv", usage: "[VARIABLE]...", start: Start::Run(system::printenv) },
    Tool { name: "printf", usage: "FORMAT [ARG]...", start: Start::Run(printf::run) },
    Tool { name: "ps", usage: "", start: Start::Run(processes::ps) },
    Tool { name: "pwd", usage: "", start: Start::Run(system::pwd) },
    Tool { name: "readlink", usage: "[-fnv] FILE", start: Start::Run(paths::readlink) },
    Tool { name: "realpath", usage: "FILE...", start: Start::Run(paths::realpath) },
    Tool { name: "reset", usage: "", start: Start::Run(system::reset) },
    Tool { name: "rev", usage: "[FILE]...", start: Start::Filter(lines::rev) },
    Tool { name: "rm", usage: "[-irf] FILE...", start: Start::Run(copy::rm) },
    Tool { name: "rmdir", usage: "[-p] DIRECTORY...", start: Start::Run(files::rmdir) },
    Tool { name: "route", usage: "[-n]", start: Start::Run(net::route) },
    Tool { name: "sed", usage: "[-i[SFX]] [-nrE] [-f FILE]... [-e CMD]... [FILE]...", start: Start::Filter(sed::start) },
    Tool { name: "seq", usage: "[-w] [-s SEP] [FIRST [INC]] LAST", start: Start::Program(generate::seq) },
    Tool { name: "setsid", usage: "[-c] PROG ARGS", start: Start::Run(run::prefix) },
    Tool { name: "sha1sum", usage: "[-c[sw]] [FILE]...", start: Start::Filter(binary::sum) },
    Tool { name: "sha256sum", usage: "[-c[sw]] [FILE]...", start: Start::Filter(binary::sum) },
    Tool { name: "shuf", usage: "[-n NUM] [-i LOW-HIGH] [-e] [FILE]", start: Start::Slurp(generate::shuf) },
    Tool { name: "sleep", usage: "[N]...", start: Start::Program(run::sleep) },
    Tool { name: "sort", usage: "[-nrughMcszbdfiokt] [-o FILE] [-k START[.OFS][OPTS][,END[.OFS][OPTS]] [-t CHAR] [FILE]...", start: Start::Filter(sort::start) },
    Tool { name: "ss", usage: "[-tulanpH]", start: Start::Run(net::ss) },
    Tool { name: "stat", usage: "[-ltf] [-c FMT] FILE...", start: Start::Run(paths::stat) },
    Tool { name: "stdbuf", usage: "OPTION... COMMAND", start: Start::Run(run::prefix) },
    Tool { name: "strings", usage: "[-n LEN] [FILE]...", start: Start::Filter(binary::strings) },
    Tool { name: "stty", usage: "[SETTING]...", start: Start::Run(system::stty) },
    Tool { name: "sync", usage: "", start: Start::Run(system::succeed) },
    Tool { name: "sysctl", usage: "[-enq] { -a | -w KEY=VALUE... | KEY... }", start: Start::Run(sysctl::run) },
    Tool { name: "tac", usage: "[FILE]...", start: Start::Filter(lines::tac) },
    Tool { name: "tail", usage: "[OPTIONS] [FILE]...", start: Start::Program(head::tail) },
    Tool { name: "tar", usage: "c|x|t [-mvokO] [-f TARFILE] [-C DIR] [FILE]...", start: Start::Slurp(tar::run) },
    Tool { name: "tee", usage: "[-ai] [FILE]...", start: Start::Filter(lines::tee) },
    Tool { name: "telnet", usage: "HOST [PORT]", start: Start::Program(net::nc) },
    Tool { name: "test", usage: "EXPRESSION", start: Start::Run(test::run) },
    Tool { name: "time", usage: "[-v] PROG ARGS", start: Start::Program(run::time) },
    Tool { name: "timeout", usage: "[-s SIG] [-k KILL_SECS] SECS PROG ARGS", start: Start::Program(run::timeout) },
    Tool { name: "top", usage: "[-b] [-n COUNT] [-d SECONDS]", start: Start::Program(top::top) },
    Tool { name: "touch", usage: "[-cham] [-d DATE] [-t DATE] [-r FILE] FILE...", start: Start::Run(files::touch) },
    Tool { name: "tput", usage: "CAPNAME", start: Start::Run(system::tput) },
    Tool { name: "tr", usage: "[-cds] STRING1 [STRING2]", start: Start::Filter(translate::tr) },
    Tool { name: "traceroute", usage: "[-n] [-m HOPS] HOST", start: Start::Run(net::traceroute) },
    Tool { name: "true", usage: "", start: Start::Run(system::succeed) },
    Tool { name: "truncate", usage: "[-c] -s SIZE FILE...", start: Start::Run(files::truncate) },
    Tool { name: "tty", usage: "", start: Start::Run(system::tty) },
    Tool { name: "uname", usage: "[-amnrspvio]", start: Start::Run(machine::uname) },
    Tool { name: "uniq", usage: "[-cduiz] [-f,s,w N] [FILE [OUTFILE]]", start: Start::Filter(lines::uniq) },
    Tool { name: "uptime", usage: "", start: Start::Run(system::uptime) },
    Tool { name: "vi", usage: "[FILE]...", start: Start::Program(pager::editor) },
    Tool { name: "vim", usage: "[FILE]...", start: Start::Program(pager::editor) },
    Tool { name: "watch", usage: "[-n SEC] [-t] PROG ARGS", start: Start::Program(watch::watch) },
    Tool { name: "wc", usage: "[-cmlwL] [FILE]...", start: Start::Filter(lines::wc) },
    Tool { name: "wget", usage: "[-cqS] [--spider] [-O FILE] [--header STR] [--post-data STR] [-P DIR] [-U AGENT] [-T SEC] URL...", start: Start::Program(net::wget) },
    Tool { name: "which", usage: "[-a] COMMAND...", start: Start::Run(system::which) },
    Tool { name: "whoami", usage: "", start: Start::Run(system::whoami) },
    Tool { name: "xargs", usage: "[OPTIONS] [PROG ARGS]", start: Start::Program(xargs::xargs) },
    Tool { name: "xxd", usage: "[-p] [-l LEN] [FILE]", start: Start::Filter(binary::dump) },
    Tool { name: "yes", usage: "[STRING]", start: Start::Program(generate::yes) },
];

fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.binary_search_by_key(&name, |tool| tool.name).ok().and_then(|at| TOOLS.get(at))
}

/// The utility of this name.
pub fn program(name: &str) -> Option<Box<dyn Program>> {
    let tool = find(name)?;
    Some(match tool.start {
        Start::Run(run) => Box::new(Once { tool, run, input: None }),
        Start::Slurp(run) => Box::new(Once { tool, run, input: Some(Vec::new()) }),
        Start::Filter(start) => Box::new(Filtering { tool, start, stream: None }),
        Start::Program(program) => program(),
    })
}

/// The names of all utilities, by name.
pub fn names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|tool| tool.name)
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
    /// Another program has taken the process's place.
    replaced: bool,
    /// Standard input, of utilities that need all of it first.
    input: Vec<u8>,
}

impl<'a, 's> Call<'a, 's> {
    fn new(sys: &'a mut Sys<'s>, name: &'static str) -> Call<'a, 's> {
        let args = sys.args().get(1..).unwrap_or_default().to_vec();
        Call { sys, name, args, buffer: Vec::new(), failed: false, replaced: false, input: Vec::new() }
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
    /// What was read of standard input, if it is wanted.
    input: Option<Vec<u8>>,
}

/// What a utility takes of standard input at once.
const INPUT_BYTES_MAX: usize = 16 << 20;

/// Whether a call of a utility that may need its standard input does.
fn wants_input(name: &str, words: &[String]) -> bool {
    let words = words.get(1..).unwrap_or_default();
    if name == "tar" {
        return tar::reads_input(words);
    }
    if name == "openssl" {
        return openssl::reads_input(words);
    }
    words.iter().any(|word| word == "-")
        || (name == "shuf" && !words.iter().any(|word| word.starts_with(['-', '/']) && word.contains(['i', 'e', '/'])))
}

impl Program for Once {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(input) = &mut self.input
            && wants_input(self.tool.name, &sys.args())
        {
            match sys.read(0, 64 << 10) {
                Read::Data(bytes) if input.len() < INPUT_BYTES_MAX => {
                    input.extend(bytes);
                    return Step::Continue;
                }
                Read::Pending => return Wait::read(0).into(),
                Read::Data(_) | Read::Eof | Read::Error(_) => {}
            }
        }
        let mut call = Call::new(sys, self.tool.name);
        call.input = self.input.take().unwrap_or_default();
        call.sys.charge(200);
        let code = (self.run)(&mut call);
        if call.replaced {
            return Step::Continue;
        }
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
