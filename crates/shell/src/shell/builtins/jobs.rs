//! Builtins about processes and jobs.

use super::{Done, letters};
use crate::shell::frames::{Flow, Frame};
use crate::shell::process::Job;
use crate::shell::{Dialect, Shell};
use crate::{Errno, Pid, Signal, Sys, Wait};

/// A `wait` at work.
#[derive(Debug, Clone)]
pub(crate) struct WaitState {
    /// Which; none: all jobs.
    pids: Vec<Pid>,
    /// `-n`: any one.
    any: bool,
}

/// The job that a `%` word means.
fn job_of<'s>(shell: &'s Shell, word: &str) -> Option<&'s Job> {
    let spec = word.strip_prefix('%')?;
    match spec {
        "" | "+" | "%" => shell.jobs.last(),
        "-" => shell.jobs.iter().rev().nth(1).or(shell.jobs.last()),
        _ => match spec.parse::<u32>() {
            Ok(id) => shell.jobs.iter().find(|job| job.id == id),
            Err(_) => shell.jobs.iter().rev().find(|job| match spec.strip_prefix('?') {
                Some(part) => job.text.contains(part),
                None => job.text.starts_with(spec),
            }),
        },
    }
}

fn no_such_job(shell: &mut Shell, sys: &mut Sys<'_>, builtin: &str, word: &str) {
    let message = match shell.dialect {
        Dialect::Bash => format!("{word}: no such job"),
        _ => format!("No such job: {word}"),
    };
    shell.complain_of(sys, builtin, &message);
}

pub(super) fn wait(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (options, words) = match letters(words, "nf") {
        Ok(found) => found,
        Err(letter) => return shell.invalid_option(sys, words, letter),
    };
    let mut pids = Vec::new();
    for word in words {
        if word.starts_with('%') {
            match job_of(shell, word) {
                Some(job) => pids.push(job.pid),
                None => {
                    no_such_job(shell, sys, "wait", word);
                    return Done::Status(127);
                }
            }
        } else {
            let Ok(pid) = word.parse::<Pid>() else {
                let message = match shell.dialect {
                    Dialect::Bash => format!("`{word}': not a pid or valid job spec"),
                    _ => format!("Illegal number: {word}"),
                };
                return shell.failed(sys, "wait", &message, if shell.dialect == Dialect::Bash { 1 } else { 2 });
            };
            if !sys.is_child(pid) && !shell.reaped.contains_key(&pid) {
                if shell.dialect == Dialect::Bash {
                    shell.complain_of(sys, "wait", &format!("pid {pid} is not a child of this shell"));
                }
                return Done::Status(127);
            }
            pids.push(pid);
        }
    }
    shell.stack.push(Frame::Wait(WaitState { pids, any: options.contains(&'n') }));
    Done::Later
}

impl Shell {
    /// Goes on with a `wait`.
    pub(in crate::shell) fn wait_on(&mut self, state: WaitState, sys: &mut Sys<'_>) -> Flow {
        let all = state.pids.is_empty();
        let pids = if all { self.jobs.iter().map(|job| job.pid).collect() } else { state.pids.clone() };
        let ended = |shell: &Shell, sys: &Sys<'_>, pid: Pid| {
            shell.reaped.contains_key(&pid) || !sys.is_child(pid) || !sys.alive(pid)
        };
        let done = if state.any {
            pids.is_empty() || pids.iter().any(|pid| ended(self, sys, *pid))
        } else {
            pids.iter().all(|pid| ended(self, sys, *pid))
        };
        if !done {
            self.stack.push(Frame::Wait(state));
            return Flow::Wait(Wait::child());
        }
        self.status = 0;
        if state.any {
            let first = pids.iter().copied().find(|pid| ended(self, sys, *pid));
            self.status = first.map_or(127, |pid| self.forget(pid));
            return Flow::Go;
        }
        for pid in pids {
            let code = self.forget(pid);
            if !all {
                self.status = code;
            }
        }
        Flow::Go
    }

    /// Takes a child's code; its job is gone, but for an interactive shell, which tells of it at the next prompt.
    fn forget(&mut self, pid: Pid) -> i32 {
        if !self.interactive {
            self.jobs.retain(|job| job.pid != pid);
        }
        self.killed.remove(&pid);
        self.reaped.remove(&pid).unwrap_or(127)
    }
}

pub(super) fn jobs(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let (options, words) = match letters(words, "lprsn") {
        Ok(found) => found,
        Err(letter) => return shell.invalid_option(sys, words, letter),
    };
    if let Some(word) = words.first()
        && job_of(shell, word).is_none()
    {
        no_such_job(shell, sys, "jobs", word);
        return Done::Status(1);
    }
    let mut out = String::new();
    for job in &shell.jobs {
        if options.contains(&'p') {
            out.push_str(&format!("{}\n", job.pid));
        } else {
            out.push_str(&format!("{}\n", shell.job_line(job, options.contains(&'l'))));
        }
    }
    sys.print(&out);
    shell.jobs.retain(|job| job.ended.is_none());
    Done::Status(0)
}

pub(super) fn disown(shell: &mut Shell, _: &mut Sys<'_>, words: &[String]) -> Done {
    match words.get(1) {
        Some(word) => {
            let pid = job_of(shell, word).map(|job| job.pid);
            shell.jobs.retain(|job| Some(job.pid) != pid);
        }
        None => {
            shell.jobs.pop();
        }
    }
    Done::Status(0)
}

pub(super) fn fg(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    if !shell.interactive {
        return shell.failed(sys, "fg", "no job control", 1);
    }
    let word = words.get(1).map_or("%+", String::as_str);
    let word = if word.starts_with('%') { word.to_owned() } else { format!("%{word}") };
    let Some(job) = job_of(shell, &word).cloned() else {
        let shown = if words.len() > 1 { word.trim_start_matches('%') } else { "current" };
        no_such_job(shell, sys, "fg", shown);
        return Done::Status(1);
    };
    sys.print(&format!("{}\n", job.text));
    shell.jobs.retain(|other| other.id != job.id);
    shell.give_terminal(job.group, sys);
    shell.wait_for(vec![job.pid], true, &job.text);
    Done::Later
}

pub(super) fn bg(shell: &mut Shell, sys: &mut Sys<'_>, _: &[String]) -> Done {
    if !shell.interactive {
        return shell.failed(sys, "bg", "no job control", 1);
    }
    match shell.jobs.last() {
        Some(job) => {
            let message = format!("job {} already in background", job.id);
            shell.failed(sys, "bg", &message, 0)
        }
        None => {
            no_such_job(shell, sys, "bg", "current");
            Done::Status(1)
        }
    }
}

const USAGE: &str = "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n";

pub(super) fn kill(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut signal = Signal::Term;
    let mut probe = false;
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let name = match word.as_str() {
            "--" => {
                at += 1;
                break;
            }
            "-l" | "-L" => return list_signals(shell, sys, words.get(at + 1..).unwrap_or_default()),
            "-s" | "-n" => {
                at += 1;
                words.get(at).cloned().unwrap_or_default()
            }
            _ => match word.strip_prefix('-') {
                Some(name) if at == 1 => name.to_owned(),
                _ => break,
            },
        };
        at += 1;
        if name == "0" {
            probe = true;
            continue;
        }
        match Signal::parse(&name) {
            Some(found) => signal = found,
            None => {
                let message = match shell.dialect {
                    Dialect::Bash => format!("{name}: invalid signal specification"),
                    Dialect::Ash => format!("bad signal name '{name}'"),
                    Dialect::Dash => format!("Illegal option -{}", name.chars().next().unwrap_or('?')),
                };
                return shell.failed(sys, "kill", &message, 1);
            }
        }
    }
    let targets = words.get(at..).unwrap_or_default();
    if targets.is_empty() {
        if shell.dialect == Dialect::Ash {
            return shell.failed(sys, "kill", "you need to specify whom to kill", 1);
        }
        sys.eprint(USAGE);
        return Done::Status(2);
    }
    let mut status = 0;
    for word in targets {
        let (result, shown) = if word.starts_with('%') {
            match job_of(shell, word).cloned() {
                Some(job) if job.ended.is_none() => {
                    // A script's jobs have no group of their own.
                    let killed = sys.kill_group(job.group, signal).or_else(|_| sys.kill(job.pid, signal));
                    (killed, job.pid.to_string())
                }
                _ => {
                    no_such_job(shell, sys, "kill", word);
                    status = 1;
                    continue;
                }
            }
        } else {
            match word.parse::<i64>() {
                Ok(group) if group < 0 => (sys.kill_group(group.unsigned_abs() as Pid, signal), word.clone()),
                Ok(pid) if probe => {
                    let found = sys.alive(pid as Pid);
                    (if found { Ok(()) } else { Err(Errno::NoProcess) }, word.clone())
                }
                Ok(pid) => (sys.kill(pid as Pid, signal), word.clone()),
                Err(_) => {
                    let message = match shell.dialect {
                        Dialect::Bash => format!("{word}: arguments must be process or job IDs"),
                        Dialect::Ash => format!("invalid number '{word}'"),
                        Dialect::Dash => format!("Illegal number: {word}"),
                    };
                    shell.complain_of(sys, "kill", &message);
                    status = 1;
                    continue;
                }
            }
        };
        if let Err(error) = result {
            let message = match shell.dialect {
                Dialect::Bash => format!("({shown}) - {error}"),
                Dialect::Ash => format!("can't kill pid {shown}: {error}"),
                Dialect::Dash => format!("{error}\n"),
            };
            shell.complain_of(sys, "kill", &message);
            status = 1;
        }
    }
    Done::Status(status)
}

fn list_signals(shell: &mut Shell, sys: &mut Sys<'_>, words: &[String]) -> Done {
    let mut out = String::new();
    for word in words {
        // A status of a process that died of a signal names it too.
        let number = word.parse::<i32>().ok().map(|number| if number > 128 { number - 128 } else { number });
        match number.map_or_else(|| Signal::parse(word), Signal::from_number) {
            Some(signal) if number.is_some() => out.push_str(&format!("{}\n", signal.name())),
            Some(signal) => out.push_str(&format!("{}\n", signal.number())),
            None => {
                return shell.failed(sys, "kill", &format!("{word}: invalid signal specification"), 1);
            }
        }
    }
    if words.is_empty() {
        let all: Vec<String> =
            Signal::ALL.iter().map(|signal| format!("{:2}) SIG{:<8}", signal.number(), signal.name())).collect();
        for row in all.chunks(5) {
            out.push_str(row.join("\t").trim_end());
            out.push('\n');
        }
    }
    sys.print(&out);
    Done::Status(0)
}
