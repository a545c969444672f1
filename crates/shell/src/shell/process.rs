//! Children: pipelines, subshells, substitutions, jobs.

use std::sync::Arc;

use super::ast::*;
use super::frames::{Children, Flow, Frame, Unwind};
use super::{Dialect, Shell};
use crate::{Errno, Fd, Group, Open, Pid, Signal, Spawn, Sys, Wait};

/// How many commands one pipeline may have.
const PIPELINE_MAX: usize = 64;
/// Codes of children that nobody asked for; older ones are forgotten.
const REAPED_MAX: usize = 256;

/// A job in the background.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub id: u32,
    pub pid: Pid,
    pub group: Pid,
    pub text: Arc<str>,
    /// How it ended.
    pub ended: Option<(i32, Option<Signal>)>,
}

impl Shell {
    /// A copy of this shell that goes on with these frames, in a process of its own.
    fn forked(&mut self, stack: Vec<Frame>) -> Box<Shell> {
        let failure_is_fine = self.failing_is_fine();
        let own = std::mem::take(&mut self.stack);
        let history = std::mem::take(&mut self.history);
        let mut child = Box::new(self.clone());
        (self.stack, self.history) = (own, history);
        child.stack = stack;
        child.failure_is_fine = failure_is_fine;
        child.subshell += 1;
        child.interactive = false;
        child.may_exec = true;
        child.options.monitor = false;
        child.pending.clear();
        child.reaped.clear();
        child.process_fds.clear();
        child.traps.retain(|_, action| action.is_empty());
        child
    }

    /// This shell's open files as a child gets them, with some replaced.
    fn inherited(&self, sys: &Sys<'_>, replaced: &[(Fd, Fd)]) -> Vec<(Fd, Fd)> {
        let mut map: Vec<(Fd, Fd)> = sys
            .fds()
            .into_iter()
            .filter(|fd| !(10..60).contains(fd) && !replaced.iter().any(|(child, _)| child == fd))
            .map(|fd| (fd, fd))
            .collect();
        map.extend_from_slice(replaced);
        map
    }

    fn fork(
        &mut self,
        stack: Vec<Frame>,
        replaced: &[(Fd, Fd)],
        group: Group,
        sys: &mut Sys<'_>,
    ) -> Result<Pid, Errno> {
        let child = self.forked(stack);
        self.start_child(child, replaced, group, sys)
    }

    fn start_child(
        &mut self,
        child: Box<Shell>,
        replaced: &[(Fd, Fd)],
        group: Group,
        sys: &mut Sys<'_>,
    ) -> Result<Pid, Errno> {
        let argv = sys.args().as_ref().clone();
        sys.charge(20);
        let pid = sys.spawn(Spawn {
            fds: Some(self.inherited(sys, replaced)),
            group,
            env: Some(Arc::new(self.vars.environment())),
            ..Spawn::program(child, argv)
        });
        if let Err(error) = pid {
            let (message, code) = self.not_run("", error, false);
            self.complain(sys, &message);
            self.status = code;
        }
        pid
    }

    /// The terminal of an interactive shell.
    pub(super) fn terminal(&self, sys: &Sys<'_>) -> Option<Fd> {
        [0, 2, 1].into_iter().find(|fd| sys.is_tty(*fd))
    }

    pub(super) fn give_terminal(&self, group: Pid, sys: &mut Sys<'_>) {
        if let Some(fd) = self.terminal(sys) {
            sys.set_foreground(fd, group);
        }
    }

    pub(super) fn start_pipeline(&mut self, commands: &[Arc<Command>], text: &Arc<str>, sys: &mut Sys<'_>) {
        if commands.len() > PIPELINE_MAX {
            self.complain(sys, "pipeline is too long");
            self.status = 2;
            return;
        }
        let mut pids = Vec::new();
        let mut input: Option<Fd> = None;
        let mut group = if self.interactive { Group::New } else { Group::Inherit };
        for (index, command) in commands.iter().enumerate() {
            let pipe = if index + 1 < commands.len() { sys.pipe().ok() } else { None };
            let mut replaced = Vec::new();
            replaced.extend(input.map(|fd| (0, fd)));
            replaced.extend(pipe.map(|(_, write)| (1, write)));
            let started = self.fork(vec![Frame::Command(Arc::clone(command))], &replaced, group, sys);
            input.into_iter().for_each(|fd| sys.close(fd));
            if let Some((_, write)) = pipe {
                sys.close(write);
            }
            input = pipe.map(|(read, _)| read);
            match started {
                Ok(pid) => {
                    if group == Group::New {
                        group = Group::Join(pid);
                        self.give_terminal(pid, sys);
                    }
                    pids.push(pid);
                }
                Err(_) => break,
            }
        }
        input.into_iter().for_each(|fd| sys.close(fd));
        self.wait_for(pids, self.interactive, text);
    }

    /// Waits for children in the foreground.
    pub(super) fn wait_for(&mut self, pids: Vec<Pid>, foreground: bool, text: &Arc<str>) {
        let codes = vec![None; pids.len()];
        self.stack.push(Frame::Children(Children { pids, codes, foreground, text: Arc::clone(text) }));
    }

    pub(super) fn start_subshell(&mut self, list: Arc<List>, sys: &mut Sys<'_>) {
        let group = if self.interactive { Group::New } else { Group::Inherit };
        let items: Vec<&str> = list.items.iter().map(|item| item.text.as_ref()).collect();
        let text = Arc::from(format!("( {} )", items.join("; ")));
        let frames = vec![Frame::List { list, item: 0, part: 0, running: false }];
        if let Ok(pid) = self.fork(frames, &[], group, sys) {
            if self.interactive {
                self.give_terminal(pid, sys);
            }
            self.wait_for(vec![pid], self.interactive, &text);
        }
    }

    pub(super) fn start_background(&mut self, list: &Arc<List>, item: usize, sys: &mut Sys<'_>) {
        let Some(item) = list.items.get(item) else { return };
        let alone = List { items: vec![Item { background: false, ..item.clone() }] };
        let frames = vec![Frame::List { list: Arc::new(alone), item: 0, part: 0, running: false }];
        let null = if self.interactive { None } else { sys.open("/dev/null", Open::Read).ok() };
        let replaced: Vec<(Fd, Fd)> = null.map(|fd| (0, fd)).into_iter().collect();
        let mut child = self.forked(frames);
        child.failure_is_fine = false;
        let group = if self.interactive { Group::New } else { Group::Inherit };
        let argv = sys.args().as_ref().clone();
        let ignore = if self.interactive { Vec::new() } else { vec![Signal::Int, Signal::Quit] };
        let fds = Some(self.inherited(sys, &replaced));
        let env = Some(Arc::new(self.vars.environment()));
        let started = sys.spawn(Spawn { fds, group, env, ignore, ..Spawn::program(child, argv) });
        null.into_iter().for_each(|fd| sys.close(fd));
        match started {
            Ok(pid) => {
                let id = self.jobs.iter().map(|job| job.id).max().unwrap_or(0) + 1;
                self.background = Some(pid);
                self.jobs.push(Job { id, pid, group: pid, text: Arc::clone(&item.text), ended: None });
                if self.interactive {
                    sys.eprint(&format!("[{id}] {pid}\n"));
                }
                self.status = 0;
            }
            Err(error) => {
                let (message, code) = self.not_run("", error, false);
                self.complain(sys, &message);
                self.status = code;
            }
        }
    }

    /// Starts a command substitution; its output is collected by a frame.
    pub(super) fn start_output(&mut self, list: &Arc<List>, path: bool, sys: &mut Sys<'_>) {
        let Ok((read, write)) = sys.pipe() else {
            self.complain(sys, "cannot make pipe for command substitution: Too many open files");
            self.substituted = Some(String::new());
            return;
        };
        let list = file_reader(list).unwrap_or_else(|| Arc::clone(list));
        let mut child = self.forked(vec![Frame::List { list, item: 0, part: 0, running: false }]);
        child.substitution_depth += 1;
        if self.dialect == Dialect::Bash {
            child.options.errexit = false;
        }
        let started = self.start_child(child, &[(1, write)], Group::Inherit, sys);
        sys.close(write);
        match started {
            Ok(pid) => self.stack.push(Frame::Output { fd: Some(read), pid, bytes: Vec::new(), path }),
            Err(_) => {
                sys.close(read);
                self.substitution_status = Some(self.status);
                self.substituted = Some(String::new());
            }
        }
    }

    /// Starts the reader of a `>(...)`.
    pub(super) fn start_writer(&mut self, list: &Arc<List>, sys: &mut Sys<'_>) {
        self.substituted = Some("/dev/null".into());
        let Ok((read, write)) = sys.pipe() else { return };
        let frames = vec![Frame::List { list: Arc::clone(list), item: 0, part: 0, running: false }];
        let _ = self.fork(frames, &[(0, read)], Group::Inherit, sys);
        sys.close(read);
        if let Ok(fd) = sys.dup(write, 60) {
            self.process_fds.push(fd);
            self.substituted = Some(format!("/dev/fd/{fd}"));
        }
        sys.close(write);
    }

    /// Takes the codes of all children that have ended.
    pub(super) fn reap(&mut self, sys: &mut Sys<'_>) {
        while let Some((pid, code, signal)) = sys.wait_how() {
            if let Some(job) = self.jobs.iter_mut().find(|job| job.pid == pid) {
                job.ended = Some((code, signal));
            }
            if self.reaped.len() >= REAPED_MAX {
                self.reaped.pop_first();
            }
            self.reaped.insert(pid, code);
            if let Some(signal) = signal {
                self.killed.insert(pid, signal);
                if self.killed.len() > REAPED_MAX {
                    self.killed.pop_first();
                }
            }
        }
    }

    pub(super) fn children(&mut self, mut children: Children, sys: &mut Sys<'_>) -> Flow {
        for (pid, code) in children.pids.iter().zip(&mut children.codes) {
            if code.is_none() {
                *code = self.reaped.remove(pid);
                if code.is_none() && !sys.is_child(*pid) {
                    *code = Some(127);
                }
            }
        }
        let Some(codes) = children.codes.iter().copied().collect::<Option<Vec<i32>>>() else {
            self.stack.push(Frame::Children(children));
            return Flow::Wait(Wait::child());
        };
        if children.foreground {
            self.give_terminal(0, sys);
        }
        let last = codes.last().copied().unwrap_or(self.status);
        self.status =
            if self.options.pipefail { codes.iter().rev().copied().find(|code| *code != 0).unwrap_or(0) } else { last };
        self.pipe_status = codes;
        let signal = children.pids.last().and_then(|pid| self.killed.get(pid)).copied();
        if let Some(signal) = signal {
            self.report_death(&children, signal, sys);
        }
        for pid in &children.pids {
            self.killed.remove(pid);
        }
        Flow::Go
    }

    /// What a shell says when a command in the foreground died of a signal.
    fn report_death(&mut self, children: &Children, signal: Signal, sys: &mut Sys<'_>) {
        match signal {
            Signal::Int if self.interactive => {
                sys.eprint("\n");
                self.unwind = Some(Unwind::Abort);
            }
            Signal::Int | Signal::Pipe => {}
            signal if self.interactive || self.dialect != Dialect::Bash => {
                sys.eprint(&format!("{}\n", signal.described()));
            }
            signal => {
                let pid = children.pids.last().copied().unwrap_or(0);
                self.complain(sys, &format!("{pid:5} {:<23} {}", signal.described(), children.text));
            }
        }
    }

    /// Tells of jobs that have ended since the last prompt.
    pub(super) fn report_jobs(&mut self, sys: &mut Sys<'_>) {
        let lines: Vec<String> =
            self.jobs.iter().filter(|job| job.ended.is_some()).map(|job| self.job_line(job, false)).collect();
        for line in lines {
            sys.eprint(&format!("{line}\n"));
        }
        let reaped = &mut self.reaped;
        self.jobs.retain(|job| {
            if job.ended.is_some() {
                reaped.remove(&job.pid);
            }
            job.ended.is_none()
        });
    }

    /// A job's line of `jobs`.
    pub(super) fn job_line(&self, job: &Job, with_pid: bool) -> String {
        let newest = self.jobs.iter().map(|job| job.id).max().unwrap_or(0);
        let mark = match newest - job.id {
            0 => '+',
            1 => '-',
            _ => ' ',
        };
        let state = match &job.ended {
            None => "Running".to_owned(),
            Some((0, _)) => "Done".into(),
            Some((_, Some(signal))) => signal.described().into(),
            Some((code, None)) if self.dialect == Dialect::Bash => format!("Exit {code}"),
            Some((code, None)) => format!("Done({code})"),
        };
        let running = if job.ended.is_none() && self.dialect == Dialect::Bash { " &" } else { "" };
        let pid = if with_pid { format!("{} ", job.pid) } else { String::new() };
        format!("[{}]{mark}  {pid}{state:<23} {}{running}", job.id, job.text)
    }
}

/// `$(< file)`: a list that prints the file.
fn file_reader(list: &Arc<List>) -> Option<Arc<List>> {
    let [item] = list.items.as_slice() else { return None };
    let [AndOrPart { pipeline, .. }] = item.parts.as_slice() else { return None };
    let [command] = pipeline.commands.as_slice() else { return None };
    let Kind::Simple(simple) = &command.kind else { return None };
    let [Redirect { op: RedirectOp::Read, .. }] = command.redirects.as_slice() else { return None };
    if !simple.words.is_empty() || !simple.assigns.is_empty() {
        return None;
    }
    let mut reader = list.as_ref().clone();
    let part = reader.items.first_mut()?.parts.first_mut()?;
    let mut command = command.as_ref().clone();
    command.kind = Kind::Simple(Simple { words: vec![Word::text("cat")], ..Simple::default() });
    part.pipeline.commands = vec![Arc::new(command)];
    Some(Arc::new(reader))
}
