//! Utilities that run other commands: `sleep`, `timeout`, `env`, `nohup`, `time`, `busybox`.

use std::collections::VecDeque;
use std::sync::Arc;

use drydock_value::Time;

use super::Call;
use super::number::duration;
use super::options::Options;
use crate::{Disposition, Errno, Group, Open, Pid, Program, Signal, Spawn, Step, Sys, Wait};

macro_rules! cloning {
    () => {
        fn clone_box(&self) -> Box<dyn Program> {
            Box::new(self.clone())
        }
    };
}

pub(super) use cloning;

/// What is said of a command that cannot be run, and the exit code.
pub(super) fn not_run(call: &mut Call<'_, '_>, command: &str, error: Errno) -> i32 {
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

/// `chroot DIRECTORY [COMMAND]...`
pub(super) fn chroot(call: &mut Call<'_, '_>) -> i32 {
    let options = match Options::parse(call, "+", &[]) {
        Ok(options) => options,
        Err(code) => return if call.gnu() { 125 } else { code },
    };
    let Some((root, words)) = options.rest.split_first() else {
        let code = call.usage_error("missing operand");
        return if call.gnu() { 125 } else { code };
    };
    if let Err(error) = call.sys.change_root(root) {
        if call.gnu() {
            let root = call.quote(root);
            call.error(&format!("cannot change root directory to {root}: {error}"));
            return 125;
        }
        call.error(&format!("can't change root directory to '{root}': {error}"));
        return 1;
    }
    let words = if words.is_empty() {
        vec![call.sys.env("SHELL").unwrap_or_else(|| "/bin/sh".into()), "-i".into()]
    } else {
        words.to_vec()
    };
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
