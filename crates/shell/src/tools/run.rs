//! Utilities that run other commands: `sleep`, `timeout`, `watch`, `xargs`, `env`, `nohup`, `time`, `busybox`.

use std::collections::VecDeque;
use std::sync::Arc;

use drydock_value::Time;

use super::Call;
use super::number::duration;
use super::options::Options;
use crate::{Disposition, Errno, Fd, Group, Open, Pid, Program, Read, Signal, Spawn, Step, Sys, Wait, text};

macro_rules! cloning {
    () => {
        fn clone_box(&self) -> Box<dyn Program> {
            Box::new(self.clone())
        }
    };
}

/// What is said of a command that cannot be run, and the exit code.
fn not_run(call: &mut Call<'_, '_>, command: &str, error: Errno) -> i32 {
    let message = match (call.gnu(), call.name) {
        (_, "xargs") => format!("{command}: {error}"),
        (true, "env") => format!("‘{command}’: {error}"),
        (true, _) => format!("failed to run command ‘{command}’: {error}"),
        (false, _) => format!("can't execute '{command}': {error}"),
    };
    call.error(&message);
    if error == Errno::NotFound { 127 } else { 126 }
}

// ---- sleep ----

#[derive(Clone, Default)]
struct Sleep {
    until: Option<Time>,
}

pub(super) fn sleep() -> Box<dyn Program> {
    Box::new(Sleep::default())
}

impl Program for Sleep {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(until) = self.until {
            return if until <= sys.now() { Step::Exit(0) } else { Wait::until(until).into() };
        }
        let mut call = Call::new(sys, "sleep");
        let options = match Options::parse(&mut call, "", &[]) {
            Ok(options) => options,
            Err(code) => return Step::Exit(call.finish(code)),
        };
        if options.rest.is_empty() {
            let code = call.usage_error("missing operand");
            return Step::Exit(call.finish(code));
        }
        let mut total = 0u64;
        for word in &options.rest {
            match duration(word) {
                Some(micros) => total = total.saturating_add(micros),
                None if call.gnu() => {
                    call.error(&format!("invalid time interval ‘{word}’"));
                    let code = call.try_help();
                    return Step::Exit(call.finish(code));
                }
                None => {
                    call.error(&format!("invalid number '{word}'"));
                    return Step::Exit(call.finish(1));
                }
            }
        }
        let until = Time(sys.now().0.saturating_add(total));
        self.until = Some(until);
        Wait::until(until).into()
    }

    cloning!();
}

// ---- timeout ----

#[derive(Clone, Default)]
struct Timeout {
    child: Option<Pid>,
    until: Option<Time>,
    signal: Option<Signal>,
    kill_after: Option<u64>,
    timed_out: bool,
    ended: bool,
    preserve: bool,
}

pub(super) fn timeout() -> Box<dyn Program> {
    Box::new(Timeout::default())
}

impl Timeout {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        const LONG: &[(&str, char)] =
            &[("signal", 's'), ("kill-after", 'k'), ("preserve-status", 'p'), ("foreground", 'f'), ("verbose", 'v')];
        // busybox's old form: -t SECONDS.
        let options = Options::parse(call, "+s:k:vt:", LONG)?;
        let mut words: VecDeque<String> = options.rest.clone().into();
        let time = match options.value('t') {
            Some(time) => time.to_owned(),
            None => words.pop_front().unwrap_or_default(),
        };
        if words.is_empty() {
            return Err(match call.usage_error("missing operand") {
                1 if call.gnu() => 125,
                code => code,
            });
        }
        let Some(micros) = duration(&time) else {
            call.error(&if call.gnu() {
                format!("invalid time interval ‘{time}’")
            } else {
                format!("invalid number '{time}'")
            });
            if call.gnu() {
                call.try_help();
                return Err(125);
            }
            return Err(1);
        };
        if let Some(name) = options.value('s') {
            self.signal = Signal::parse(name);
            if self.signal.is_none() {
                let message =
                    if call.gnu() { format!("{name}: invalid signal") } else { format!("bad signal name '{name}'") };
                call.error(&message);
                return Err(if call.gnu() { 125 } else { 1 });
            }
        }
        self.kill_after = options.value('k').and_then(duration);
        self.preserve = options.has('p');
        let command = words.front().cloned().unwrap_or_default();
        match call.sys.spawn(Spawn::new(words)) {
            Ok(pid) => self.child = Some(pid),
            Err(error) => return Err(not_run(call, &command, error)),
        }
        if micros > 0 {
            self.until = Some(Time(call.sys.now().0.saturating_add(micros)));
        }
        Ok(())
    }
}

impl Program for Timeout {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if self.ended {
            return Step::Exit(143);
        }
        let Some(child) = self.child else {
            let mut call = Call::new(sys, "timeout");
            return match self.start(&mut call) {
                Ok(()) => Step::Continue,
                Err(code) => Step::Exit(call.finish(code)),
            };
        };
        if let Some(code) = sys.wait(child) {
            let gnu = Call::new(sys, "timeout").gnu();
            if self.timed_out && !gnu {
                // There the command runs in this very process, so that dies of the signal.
                self.child = None;
                self.ended = true;
                let (own, signal) = (sys.pid(), Signal::from_number(code - 128).unwrap_or(Signal::Term));
                let _ = sys.kill(own, signal);
                return Wait::forever().into();
            }
            return Step::Exit(if self.timed_out && gnu && !self.preserve && code != 137 { 124 } else { code });
        }
        if self.until.is_some_and(|until| until <= sys.now()) {
            let signal = if self.timed_out { Signal::Kill } else { self.signal.unwrap_or(Signal::Term) };
            self.timed_out = true;
            self.until = self.kill_after.take().map(|after| Time(sys.now().0.saturating_add(after)));
            let _ = sys.kill(child, signal);
        }
        Wait::child().or_until(self.until).into()
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        match (signal, self.child) {
            (Signal::Term | Signal::Hup | Signal::Int, Some(child)) => {
                let _ = sys.kill(child, signal);
                Disposition::Handled
            }
            _ => Disposition::Default,
        }
    }

    cloning!();
}

// ---- watch ----

/// What `watch` shows of a command's output.
const WATCHED_BYTES_MAX: usize = 1 << 20;

#[derive(Clone)]
struct Watch {
    started: bool,
    interval: u64,
    title: bool,
    on_change: bool,
    words: Vec<String>,
    exec: bool,
    running: Option<(Pid, Option<Fd>)>,
    output: Vec<u8>,
    last: Option<Vec<u8>>,
    until: Time,
    begun: Time,
}

pub(super) fn watch() -> Box<dyn Program> {
    Box::new(Watch {
        started: false,
        interval: 2_000_000,
        title: true,
        on_change: false,
        words: Vec::new(),
        exec: false,
        running: None,
        output: Vec::new(),
        last: None,
        until: Time::default(),
        begun: Time::default(),
    })
}

impl Watch {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        const LONG: &[(&str, char)] = &[
            ("interval", 'n'),
            ("no-title", 't'),
            ("differences", 'd'),
            ("exec", 'x'),
            ("chgexit", 'g'),
            ("color", 'c'),
            ("errexit", 'e'),
            ("beep", 'b'),
            ("precise", 'p'),
        ];
        let options = Options::parse(call, "+n:tdxgcebp", LONG)?;
        if let Some(text) = options.value('n') {
            match text.replace(',', ".").parse::<f64>() {
                Ok(seconds) => self.interval = (seconds.clamp(0.1, 1e6) * 1e6) as u64,
                Err(_) => {
                    call.error(&if call.gnu() {
                        format!("failed to parse argument: '{text}'")
                    } else {
                        format!("invalid number '{text}'")
                    });
                    return Err(1);
                }
            }
        }
        self.title = !options.has('t');
        self.exec = options.has('x');
        self.on_change = options.has('g');
        self.words = options.rest;
        if self.words.is_empty() {
            return Err(call.usage_error("no command specified"));
        }
        Ok(())
    }

    fn run(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let argv = if self.exec { self.words.clone() } else { vec!["sh".into(), "-c".into(), self.words.join(" ")] };
        let (read, write) = call.sys.pipe().map_err(|_| 1)?;
        let null = call.sys.open("/dev/null", Open::Read).map_err(|_| 1)?;
        let fds = Some(vec![(0, null), (1, write), (2, write)]);
        let command = argv.first().cloned().unwrap_or_default();
        let started = call.sys.spawn(Spawn { fds, ..Spawn::new(argv) });
        call.sys.close(write);
        call.sys.close(null);
        match started {
            Ok(pid) => self.running = Some((pid, Some(read))),
            Err(error) => {
                call.sys.close(read);
                return Err(not_run(call, &command, error));
            }
        }
        self.begun = call.sys.now();
        self.output.clear();
        Ok(())
    }

    fn draw(&mut self, call: &mut Call<'_, '_>) {
        let (columns, rows) =
            call.sys.tty_size(1).map_or((80, 24), |(columns, rows)| (usize::from(columns), usize::from(rows)));
        let mut out = String::from("\x1b[H\x1b[J");
        let mut left = rows.max(4);
        if self.title {
            let seconds = self.interval as f64 / 1e6;
            let date = super::date::strftime(if call.gnu() { "%a %b %e %H:%M:%S %Y" } else { "%F %T" }, self.begun);
            let command = self.words.join(" ");
            let head = format!("Every {seconds:.1}s: {command}");
            let tail = if call.gnu() { format!("{}: {date}", call.sys.hostname()) } else { date };
            let room = columns.saturating_sub(text::width(&tail) + 1);
            let head: String = head.chars().take(room).collect();
            let fill = columns.saturating_sub(text::width(&head) + text::width(&tail));
            out.push_str(&format!("{head}{}{tail}\n\n", " ".repeat(fill)));
            left -= 2;
        }
        let text = String::from_utf8_lossy(&self.output).into_owned();
        for (at, line) in text.lines().take(left).enumerate() {
            if at > 0 {
                out.push('\n');
            }
            let mut width = 0;
            for c in line.chars() {
                width += text::char_width(c);
                if width > columns {
                    break;
                }
                out.push(c);
            }
        }
        call.print(&out);
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Step {
        if !self.started {
            self.started = true;
            if let Err(code) = self.start(call) {
                return Step::Exit(code);
            }
        }
        match self.running {
            None if self.until > call.sys.now() => Wait::until(self.until).into(),
            None => match self.run(call) {
                Ok(()) => Step::Continue,
                Err(code) => Step::Exit(code),
            },
            Some((pid, Some(fd))) => match call.sys.read(fd, 64 << 10) {
                Read::Data(bytes) => {
                    if self.output.len() < WATCHED_BYTES_MAX {
                        self.output.extend(bytes);
                    }
                    Step::Continue
                }
                Read::Pending => Wait::read(fd).into(),
                Read::Eof | Read::Error(_) => {
                    call.sys.close(fd);
                    self.running = Some((pid, None));
                    Step::Continue
                }
            },
            Some((pid, None)) => {
                if call.sys.wait(pid).is_none() && call.sys.is_child(pid) {
                    return Wait::child().into();
                }
                self.running = None;
                self.draw(call);
                if self.on_change && self.last.as_ref().is_some_and(|last| *last != self.output) {
                    return Step::Exit(0);
                }
                self.last = Some(self.output.clone());
                self.until = Time(call.sys.now().0.saturating_add(self.interval));
                Wait::until(self.until).into()
            }
        }
    }
}

impl Program for Watch {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let mut call = Call::new(sys, "watch");
        match self.go_on(&mut call) {
            Step::Exit(code) => Step::Exit(call.finish(code)),
            step => {
                call.flush();
                step
            }
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if signal == Signal::Winch && self.last.is_some() {
            let mut call = Call::new(sys, "watch");
            self.draw(&mut call);
            call.flush();
        }
        Disposition::Default
    }

    cloning!();
}

// ---- xargs ----

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

// ---- time ----

#[derive(Clone, Default)]
struct Timed {
    child: Option<Pid>,
    since: Time,
}

pub(super) fn time() -> Box<dyn Program> {
    Box::new(Timed::default())
}

impl Program for Timed {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(child) = self.child else {
            let mut call = Call::new(sys, "time");
            let words: Vec<String> = call.args.iter().skip_while(|word| word.starts_with('-')).cloned().collect();
            let command = words.first().cloned().unwrap_or_default();
            if words.is_empty() {
                let code = call.usage_error("missing program to run");
                return Step::Exit(call.finish(code));
            }
            self.since = call.sys.now();
            return match call.sys.spawn(Spawn::new(words)) {
                Ok(pid) => {
                    self.child = Some(pid);
                    Wait::child().into()
                }
                Err(error) => {
                    let code = not_run(&mut call, &command, error);
                    Step::Exit(call.finish(code))
                }
            };
        };
        let Some(code) = sys.wait(child) else { return Wait::child().into() };
        let micros = sys.now().since(self.since).as_micros();
        let (seconds, centis) = (micros / 1_000_000, micros / 10_000 % 100);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        sys.eprint(&format!("real\t{minutes}m {seconds}.{centis:02}s\nuser\t0m 0.00s\nsys\t0m 0.00s\n"));
        Step::Exit(code)
    }

    cloning!();
}

// ---- commands that another takes the place of ----

/// Replaces the process by a command; the exit code if that fails.
fn become_command(call: &mut Call<'_, '_>, spawn: Spawn) -> i32 {
    let command = spawn.argv.first().cloned().unwrap_or_default();
    call.flush();
    match call.sys.exec(spawn) {
        Ok(()) => {
            call.replaced = true;
            0
        }
        Err(error) => not_run(call, &command, error),
    }
}

pub(super) fn env(call: &mut Call<'_, '_>) -> i32 {
    const LONG: &[(&str, char)] = &[("ignore-environment", 'i'), ("unset", 'u'), ("null", '0'), ("chdir", 'C')];
    if call.args.first().is_some_and(|word| word == "-") {
        call.args.remove(0);
        call.args.insert(0, "-i".into());
    }
    let options = match Options::parse(call, "+iu:0C:S:", LONG) {
        Ok(options) => options,
        Err(code) => return if call.gnu() { 125 } else { code },
    };
    let mut env = if options.has('i') { Default::default() } else { call.sys.environment().as_ref().clone() };
    for name in options.values('u') {
        env.remove(name);
    }
    let mut words: VecDeque<String> = options.rest.clone().into();
    while let Some((name, value)) = words.front().and_then(|word| word.split_once('=')) {
        env.insert(name.to_owned(), value.to_owned());
        words.pop_front();
    }
    if words.is_empty() {
        let end = if options.has('0') { '\0' } else { '\n' };
        let out: String = env.iter().map(|(name, value)| format!("{name}={value}{end}")).collect();
        call.print(&out);
        return 0;
    }
    become_command(call, Spawn { env: Some(Arc::new(env)), ..Spawn::new(words) })
}

pub(super) fn nohup(call: &mut Call<'_, '_>) -> i32 {
    let words = std::mem::take(&mut call.args);
    if words.is_empty() {
        return call.usage_error("missing operand");
    }
    if call.sys.is_tty(1) {
        match call.sys.open("nohup.out", Open::Append) {
            Ok(fd) => {
                let _ = call.sys.dup_to(fd, 1);
                if call.sys.is_tty(2) {
                    call.error("ignoring input and appending output to 'nohup.out'");
                    let _ = call.sys.dup_to(fd, 2);
                }
                call.sys.close(fd);
            }
            Err(error) => {
                call.error(&format!("failed to open 'nohup.out': {error}"));
                return 127;
            }
        }
    }
    if call.sys.is_tty(0)
        && let Ok(fd) = call.sys.open("/dev/null", Open::Read)
    {
        let _ = call.sys.dup_to(fd, 0);
        call.sys.close(fd);
    }
    call.sys.ignore(Signal::Hup, true);
    become_command(call, Spawn::new(words))
}

/// `nice`, `setsid`, `stdbuf`, `sudo`, `ionice`: the command, whatever they would change.
pub(super) fn prefix(call: &mut Call<'_, '_>) -> i32 {
    let takes_value = |word: &str| matches!(word, "-n" | "-u" | "-c" | "-i" | "-o" | "-e");
    let mut words: VecDeque<String> = std::mem::take(&mut call.args).into();
    while let Some(word) = words.front().filter(|word| word.starts_with('-')).cloned() {
        words.pop_front();
        if word == "--" {
            break;
        }
        if takes_value(&word) {
            words.pop_front();
        }
    }
    if words.is_empty() {
        return call.usage_error("missing operand");
    }
    become_command(call, Spawn { group: Group::Inherit, ..Spawn::new(words) })
}

/// `busybox COMMAND`.
pub(super) fn busybox(call: &mut Call<'_, '_>) -> i32 {
    let words = std::mem::take(&mut call.args);
    let Some(name) = words.first() else {
        let names: Vec<&str> = super::names().collect();
        call.print(&format!(
            "{}Usage: busybox [function [arguments]...]\n\nCurrently defined functions:\n\t{}\n",
            super::BANNER,
            names.join(", ")
        ));
        return 0;
    };
    let program: Option<Box<dyn Program>> = match name.as_str() {
        "sh" | "ash" => Some(Box::new(crate::Shell::new())),
        name => super::program(name),
    };
    match program {
        Some(program) => become_command(call, Spawn { program: Some(program), ..Spawn::new(words) }),
        None => {
            call.sys.eprint(&format!("{name}: applet not found\n"));
            127
        }
    }
}
