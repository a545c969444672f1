//! The machine: frames on a stack, moved one step at a time.

mod compound;
mod signals;
mod substitution;

use std::sync::Arc;

use drydock_value::Time;

use super::ast::*;
use super::expand::{Expansion, Need, Stop, Substituted};
use super::frames::{Flow, ForStage, Frame, Source, SourceKind, Stdin, Unwind};
use super::parse::Parser;
use super::vars::Var;
use super::{Dialect, Shell, pattern};
use crate::{Disposition, Fd, Pid, Read, Signal, Step, Sys, Wait};

/// How many frames there may be: calls and loops nested in each other.
const FRAMES_MAX: usize = 4000;
/// What a substitution may give.
const SUBSTITUTION_BYTES_MAX: usize = 4 << 20;

impl Shell {
    /// One step.
    pub(super) fn turn(&mut self, sys: &mut Sys<'_>) -> Step {
        self.reap(sys);
        if let Some(unwind) = self.unwind.take() {
            self.leave(unwind, sys);
            return Step::Continue;
        }
        if !self.pending.is_empty() && self.run_trap(sys) {
            return Step::Continue;
        }
        let Some(frame) = self.stack.pop() else { return self.finish(sys) };
        if self.stack.len() > FRAMES_MAX {
            self.complain(sys, "maximum nesting level exceeded");
            self.status = 2;
            self.unwind = Some(if self.interactive { Unwind::Abort } else { Unwind::Exit });
            return Step::Continue;
        }
        match self.advance(frame, sys) {
            Flow::Go => Step::Continue,
            Flow::Wait(wait) => Step::Wait(wait),
        }
    }

    fn finish(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(action) = self.traps.remove("EXIT")
            && !action.is_empty()
        {
            self.stack.push(Frame::Exit { status: self.status });
            self.push_text(&action, SourceKind::Eval);
            return Step::Continue;
        }
        if self.interactive {
            self.leave_terminal(sys);
        }
        Step::Exit(self.status)
    }

    /// Runs the commands of a text next.
    pub(super) fn push_text(&mut self, text: &str, kind: SourceKind) {
        let text = Arc::new(text.as_bytes().to_vec());
        self.stack.push(Frame::Source(Source { text, at: 0, line: 1, kind, outer: None }));
    }

    fn push_list(&mut self, list: &Arc<List>) {
        self.stack.push(Frame::List { list: Arc::clone(list), item: 0, part: 0, running: false });
    }

    fn advance(&mut self, frame: Frame, sys: &mut Sys<'_>) -> Flow {
        match frame {
            Frame::Source(source) => self.source(source, sys),
            Frame::Stdin(stdin) => return self.stdin(stdin, sys),
            Frame::Prompt(prompt) => return self.prompt(prompt, sys),
            Frame::List { list, item, part, running } => self.list(list, item, part, running, sys),
            Frame::Command(command) => self.command(command, sys),
            Frame::Redirect { command, texts } => self.redirect_compound(command, texts, sys),
            Frame::Restore(saved) => self.restore(saved, sys),
            Frame::Simple { command, texts } => self.simple(command, texts, sys),
            Frame::If { command, branch, testing } => self.if_command(command, branch, testing),
            Frame::Loop { command, testing, status } => self.loop_command(command, testing, status),
            Frame::For { command, texts, words, at } => self.for_command(command, texts, words, at, sys),
            Frame::ForArith { command, texts, stage } => self.for_arith(command, texts, stage, sys),
            Frame::Case { command, texts } => self.case_command(command, texts, sys),
            Frame::CaseOn { command, arm, end, subject } => self.case_on(&command, arm, end, subject, sys),
            Frame::Test { command, texts } => self.test_command(command, texts, sys),
            Frame::Arith { command, texts } => self.arith_command(command, texts, sys),
            Frame::Function { positional, locals, .. } => self.end_function(positional, locals),
            Frame::Temporary(vars) => self.put_back(vars),
            Frame::Positional(positional) => self.positional = positional,
            Frame::Children(children) => return self.children(children, sys),
            Frame::Output { fd, pid, bytes, path } => return self.output(fd, pid, bytes, path, sys),
            Frame::Time { since, posix } => self.report_time(since, posix, sys),
            Frame::Trap { status } => self.status = status,
            Frame::Exit { status } => {
                self.status = status;
                self.unwind = Some(Unwind::Exit);
            }
            Frame::Read(state) => return self.read_on(state, sys),
            Frame::Wait(state) => return self.wait_on(state, sys),
        }
        Flow::Go
    }

    // ---- texts ----

    fn source(&mut self, mut source: Source, sys: &mut Sys<'_>) {
        let aliases = Arc::clone(&self.aliases);
        let none = Default::default();
        let known = if self.options.expand_aliases { aliases.as_ref() } else { &none };
        let mut parser = Parser::new(Arc::clone(&source.text), source.at, source.line, self.dialect, known, false);
        let parsed = parser.next();
        (source.text, source.at, source.line) = parser.position();
        sys.charge(1);
        match parsed {
            Ok(None) => self.end_source(source),
            Ok(Some(list)) => {
                if source.at >= source.text.len() && source.outer.is_none() && source.kind != SourceKind::Dot {
                    // Nothing follows: the frame is not needed any more, which lets a last command replace the shell.
                } else {
                    self.stack.push(Frame::Source(source));
                }
                if !self.options.noexec {
                    self.push_list(&list);
                }
            }
            Err(error) => {
                let line = String::from_utf8_lossy(&source.text)
                    .lines()
                    .nth(error.line.saturating_sub(1) as usize)
                    .unwrap_or_default()
                    .to_owned();
                self.complain_of_syntax(sys, &error, &line);
                self.status = 2;
                let kind = source.kind;
                self.end_source(source);
                if matches!(kind, SourceKind::Text | SourceKind::Script) || self.dialect != Dialect::Bash {
                    self.unwind = Some(if self.interactive { Unwind::Abort } else { Unwind::Exit });
                }
            }
        }
    }

    fn end_source(&mut self, source: Source) {
        if let Some((script, line)) = source.outer {
            self.script = script;
            self.line = line;
        }
    }

    fn stdin(&mut self, mut stdin: Box<Stdin>, sys: &mut Sys<'_>) -> Flow {
        loop {
            match sys.read_line(0, 64 << 10) {
                Read::Data(bytes) => stdin.text.extend(bytes),
                Read::Pending => {
                    self.stack.push(Frame::Stdin(stdin));
                    return Flow::Wait(Wait::read(0));
                }
                Read::Eof | Read::Error(_) => stdin.ended = true,
            }
            if stdin.ended || stdin.text.ends_with(b"\n") {
                break;
            }
        }
        let text = Arc::new(std::mem::take(&mut stdin.text));
        let aliases = Arc::clone(&self.aliases);
        let mut parser = Parser::new(Arc::clone(&text), 0, stdin.line + 1, self.dialect, &aliases, !stdin.ended);
        match parser.next() {
            Ok(list) => {
                stdin.line = parser.position().2.saturating_sub(1);
                if !stdin.ended {
                    self.stack.push(Frame::Stdin(stdin));
                }
                if let Some(list) = list {
                    self.push_list(&list);
                }
            }
            Err(error) if error.incomplete() && !stdin.ended => {
                stdin.text = text.as_ref().clone();
                self.stack.push(Frame::Stdin(stdin));
            }
            Err(error) => {
                let line = String::from_utf8_lossy(&text).lines().next_back().unwrap_or_default().to_owned();
                self.complain_of_syntax(sys, &error, &line);
                self.status = 2;
                self.unwind = Some(Unwind::Exit);
            }
        }
        Flow::Go
    }

    // ---- lists ----

    fn list(&mut self, list: Arc<List>, mut item: usize, mut part: usize, running: bool, sys: &mut Sys<'_>) {
        if running {
            if self.pipeline_failed(&list, item, part) && self.failure(&list, item, part) {
                return;
            }
            part += 1;
        }
        while let Some(current) = list.items.get(item) {
            if part == 0 && current.background {
                self.start_background(&list, item, sys);
                item += 1;
                continue;
            }
            let Some(next) = current.parts.get(part) else {
                (item, part) = (item + 1, 0);
                continue;
            };
            let wanted = match next.join {
                Join::First => true,
                Join::And => self.status == 0,
                Join::Or => self.status != 0,
            };
            if !wanted {
                part += 1;
                continue;
            }
            let pipeline = &next.pipeline;
            let last = part + 1 == current.parts.len() && item + 1 == list.items.len();
            let watched = self.options.errexit || self.traps.contains_key("ERR");
            // Where nothing follows, nothing needs to be remembered: so a last command finds the stack empty and can
            // take the shell's place.
            if !last || watched || pipeline.negated || pipeline.timed.is_some() {
                self.stack.push(Frame::List { list: Arc::clone(&list), item, part, running: true });
            }
            if let Some(posix) = pipeline.timed {
                self.stack.push(Frame::Time { since: self.now, posix });
            }
            match pipeline.commands.as_slice() {
                [command] => self.stack.push(Frame::Command(Arc::clone(command))),
                commands => self.start_pipeline(commands, &current.text, sys),
            }
            return;
        }
    }

    /// After a pipeline: negates its status if need be, and tells whether it failed in a way that `set -e` and the `ERR`
    /// trap count.
    fn pipeline_failed(&mut self, list: &List, item: usize, part: usize) -> bool {
        let Some(current) = list.items.get(item) else { return false };
        let Some(AndOrPart { pipeline, .. }) = current.parts.get(part) else { return false };
        if pipeline.negated {
            self.status = i32::from(self.status == 0);
            return false;
        }
        let counts = match pipeline.commands.as_slice() {
            [command] => matches!(command.kind, Kind::Simple(_) | Kind::Subshell(_) | Kind::Test(_) | Kind::Arith(_)),
            _ => true,
        };
        self.status != 0 && part + 1 == current.parts.len() && counts && !self.failing_is_fine()
    }

    /// What a failure leads to. Whether the list is dealt with.
    fn failure(&mut self, list: &Arc<List>, item: usize, part: usize) -> bool {
        let status = self.status;
        let action = self.traps.get("ERR").filter(|action| !action.is_empty() && self.functions_deep == 0).cloned();
        match (self.options.errexit, action) {
            (false, None) => false,
            (true, None) => {
                self.unwind = Some(Unwind::Exit);
                true
            }
            (errexit, Some(action)) => {
                if errexit {
                    self.stack.push(Frame::Exit { status });
                } else {
                    self.stack.push(Frame::List { list: Arc::clone(list), item, part: part + 1, running: false });
                    self.stack.push(Frame::Trap { status });
                }
                self.push_text(&action, SourceKind::Eval);
                true
            }
        }
    }

    /// Whether a failure is being tested somewhere above, so that `set -e` does not count.
    pub(super) fn failing_is_fine(&self) -> bool {
        self.failure_is_fine
            || self.stack.iter().any(|frame| match frame {
                Frame::If { testing, .. } | Frame::Loop { testing, .. } => *testing,
                Frame::List { list, item, part, running: true } => list.items.get(*item).is_some_and(|item| {
                    part + 1 < item.parts.len() || item.parts.get(*part).is_some_and(|part| part.pipeline.negated)
                }),
                _ => false,
            })
    }

    // ---- compound commands ----

    fn command(&mut self, command: Arc<Command>, sys: &mut Sys<'_>) {
        match &command.kind {
            Kind::Simple(_) => self.stack.push(Frame::Simple { command, texts: Substituted::default() }),
            _ if !command.redirects.is_empty() => {
                self.stack.push(Frame::Redirect { command, texts: Substituted::default() });
            }
            _ => self.enter(command, sys),
        }
    }

    /// Begins a compound command whose redirections are made.
    pub(super) fn enter(&mut self, command: Arc<Command>, sys: &mut Sys<'_>) {
        let texts = Substituted::default();
        let frame = match &command.kind {
            Kind::Simple(_) => Frame::Simple { command, texts },
            Kind::Group(list) => return self.push_list(&Arc::clone(list)),
            Kind::Subshell(list) => {
                if self.is_tail() && self.subshell > 0 {
                    return self.push_list(&Arc::clone(list));
                }
                let list = Arc::clone(list);
                return self.start_subshell(list, sys);
            }
            Kind::If { branches, .. } => {
                let test = branches.first().map(|(test, _)| Arc::clone(test));
                self.stack.push(Frame::If { command, branch: 0, testing: true });
                return self.push_list(&test.unwrap_or_default());
            }
            Kind::For { .. } => Frame::For { command, texts, words: None, at: 0 },
            Kind::ForArith { .. } => Frame::ForArith { command, texts, stage: ForStage::Init },
            Kind::Loop { test, .. } => {
                let test = Arc::clone(test);
                self.stack.push(Frame::Loop { command, testing: true, status: 0 });
                return self.push_list(&test);
            }
            Kind::Case { .. } => Frame::Case { command, texts },
            Kind::Function { name, body } => {
                Arc::make_mut(&mut self.functions).insert(name.clone(), Arc::clone(body));
                self.status = 0;
                return;
            }
            Kind::Test(_) => Frame::Test { command, texts },
            Kind::Arith(_) => Frame::Arith { command, texts },
        };
        self.stack.push(frame);
    }

    /// Expands, with the substitution that has just ended added to the texts. What a stopped expansion assigned is taken
    /// back, so that it can be done again.
    pub(super) fn expand<T>(
        &mut self,
        texts: &mut Substituted,
        waits: bool,
        sys: &mut Sys<'_>,
        work: impl FnOnce(&mut Expansion<'_, '_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if let Some(text) = self.substituted.take() {
            texts.texts.push(text);
        }
        let before = waits.then(|| (self.vars.clone(), self.random));
        let result = work(&mut Expansion::new(self, sys, &texts.texts));
        if let (Err(Stop::Need(_)), Some((vars, random))) = (&result, before) {
            (self.vars, self.random) = (vars, random);
        }
        result
    }

    /// What follows when an expansion stopped: the substitution is run and the frame comes again, or it failed.
    pub(super) fn stopped(&mut self, stop: Stop, again: Frame, sys: &mut Sys<'_>) {
        match stop {
            Stop::Need(need) => {
                self.stack.push(again);
                match need {
                    Need::Output(list) => self.start_output(&list, false, sys),
                    Need::ReadPath(list) => self.start_output(&list, true, sys),
                    Need::WritePath(list) => self.start_writer(&list, sys),
                }
            }
            Stop::Redirect(message) => {
                self.complain(sys, &message);
                self.status = 1;
            }
            Stop::Error { message, fatal } => {
                self.complain(sys, &message);
                self.status = 1;
                // Outside bash every failed expansion ends a script.
                if (fatal || self.dialect != Dialect::Bash) && !self.interactive {
                    self.status = if self.dialect == Dialect::Bash && !self.script.is_empty() {
                        1
                    } else if self.dialect == Dialect::Bash {
                        127
                    } else {
                        2
                    };
                    self.unwind = Some(Unwind::Exit);
                } else {
                    self.unwind = Some(Unwind::Discard);
                }
            }
        }
    }

    fn end_function(&mut self, positional: Arc<Vec<String>>, locals: Vec<(String, Option<Var>)>) {
        self.positional = positional;
        self.functions_deep = self.functions_deep.saturating_sub(1);
        self.put_back(locals);
    }

    fn put_back(&mut self, vars: Vec<(String, Option<Var>)>) {
        for (name, var) in vars.into_iter().rev() {
            self.vars.put(&name, var);
        }
    }

    /// Whether nothing is left to do after what is run now, so that it may take the shell's place.
    pub(super) fn is_tail(&self) -> bool {
        self.stack.is_empty() && self.may_exec && self.traps.is_empty() && !self.interactive
    }

    /// Leaves frames until what was asked for is reached.
    fn leave(&mut self, mut unwind: Unwind, sys: &mut Sys<'_>) {
        self.substituted = None;
        while let Some(frame) = self.stack.pop() {
            match (unwind, frame) {
                (_, Frame::Restore(saved)) => self.restore(saved, sys),
                (_, Frame::Function { positional, locals, .. }) => {
                    self.end_function(positional, locals);
                    if unwind == Unwind::Return {
                        return;
                    }
                }
                (_, Frame::Temporary(vars)) => self.put_back(vars),
                (_, Frame::Positional(positional)) => self.positional = positional,
                (_, Frame::Output { fd: Some(fd), .. }) => sys.close(fd),
                (_, Frame::Read(state)) => self.end_read(&state, sys),
                (Unwind::Break(levels), Frame::Loop { .. } | Frame::For { .. } | Frame::ForArith { .. }) => {
                    if levels <= 1 {
                        return;
                    }
                    unwind = Unwind::Break(levels - 1);
                }
                (
                    Unwind::Continue(levels),
                    frame @ (Frame::Loop { .. } | Frame::For { .. } | Frame::ForArith { .. }),
                ) => {
                    if levels <= 1 {
                        self.stack.push(frame);
                        return;
                    }
                    unwind = Unwind::Continue(levels - 1);
                }
                (Unwind::Return, Frame::Source(source)) if source.kind == SourceKind::Dot => {
                    return self.end_source(source);
                }
                (Unwind::Discard, Frame::Source(source))
                    if matches!(source.kind, SourceKind::Text | SourceKind::Script) =>
                {
                    self.stack.push(Frame::Source(source));
                    return;
                }
                (Unwind::Discard, frame @ Frame::Stdin(_)) => {
                    self.stack.push(frame);
                    return;
                }
                (Unwind::Abort | Unwind::Discard, frame @ Frame::Prompt(_)) => {
                    self.stack.push(frame);
                    return;
                }
                // A trap's own exit counts, not the one that it interrupted.
                (_, Frame::Source(source)) => self.end_source(source),
                _ => {}
            }
        }
    }

    // ---- signals ----

    fn report_time(&mut self, since: Time, posix: bool, sys: &mut Sys<'_>) {
        let micros = self.now.since(since).as_micros();
        let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
        sys.eprint(&if posix {
            format!("real {seconds}.{:02}\nuser 0.00\nsys 0.00\n", millis / 10)
        } else {
            let (minutes, seconds) = (seconds / 60, seconds % 60);
            format!("\nreal\t{minutes}m{seconds}.{millis:03}s\nuser\t0m0.000s\nsys\t0m0.000s\n")
        });
    }

    /// What `set -x` prints.
    pub(super) fn trace(&mut self, text: &str, sys: &mut Sys<'_>) {
        let prompt = self.vars.text("PS4").unwrap_or("+ ").to_owned();
        let first: String = prompt.chars().take(1).collect();
        let depth = if self.dialect == Dialect::Bash { self.substitution_depth } else { 0 };
        sys.eprint(&format!("{}{prompt}{text}\n", first.repeat(depth as usize)));
    }
}
