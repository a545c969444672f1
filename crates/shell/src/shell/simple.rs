//! Simple commands: assignments, functions, builtins, programs.

use std::sync::Arc;

use super::ast::*;
use super::builtins::{self, Done};
use super::expand::{Expansion, Stop, Substituted};
use super::frames::{Frame, Unwind};
use super::parse::is_declaration;
use super::quote::quote;
use super::redirect::{self, Ready, Saved};
use super::vars::{Value, Var};
use super::{Dialect, Shell};
use crate::{Errno, Group, Spawn, Sys};

/// Where programs are looked for when `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How deep functions may call each other.
const CALLS_MAX: u32 = 500;

/// A simple command whose words are expanded.
struct Expanded {
    fields: Vec<String>,
    /// Assignments before the words.
    assigned: Vec<(String, String)>,
    redirects: Vec<Ready>,
}

impl Shell {
    pub(super) fn simple(&mut self, command: Arc<Command>, mut texts: Substituted, sys: &mut Sys<'_>) {
        let Kind::Simple(simple) = &command.kind else { return };
        if texts.texts.is_empty() && self.substituted.is_none() {
            self.line = command.line;
            self.substitution_status = None;
        }
        let waits = simple.words.iter().any(|word| word.waits)
            || command.redirects.iter().any(|redirect| redirect.target.waits)
            || simple.assigns.iter().chain(&simple.arrays).any(assign_waits);
        let expanded =
            self.expand(&mut texts, waits, sys, |expansion| expand_simple(expansion, simple, &command.redirects));
        match expanded {
            Ok(expanded) => {
                if self.options.xtrace {
                    self.trace_simple(&expanded, sys);
                }
                if expanded.fields.is_empty() {
                    self.only_assigned(&expanded, sys);
                } else {
                    self.run(expanded, &command, sys);
                }
            }
            Err(stop) => self.stopped(stop, Frame::Simple { command: Arc::clone(&command), texts }, sys),
        }
    }

    fn trace_simple(&mut self, expanded: &Expanded, sys: &mut Sys<'_>) {
        let show =
            |name: &str, value: &str| format!("{name}={}", if value.is_empty() { String::new() } else { quote(value) });
        let mut assigned: Vec<String> = expanded.assigned.iter().map(|(name, value)| show(name, value)).collect();
        let words: Vec<String> = expanded.fields.iter().map(|word| quote(word)).collect();
        if self.dialect == Dialect::Bash {
            for text in std::mem::take(&mut assigned) {
                self.trace(&text, sys);
            }
        }
        assigned.extend(words);
        if !assigned.is_empty() {
            self.trace(&assigned.join(" "), sys);
        }
    }

    /// A command of nothing but assignments and redirections; the assignments are made already.
    fn only_assigned(&mut self, expanded: &Expanded, sys: &mut Sys<'_>) {
        self.status = self.substitution_status.unwrap_or(0);
        let mut saved = Saved::new();
        let made = self.redirect(&expanded.redirects, Some(&mut saved), sys);
        self.restore(saved, sys);
        if let Err(message) = made {
            self.complain(sys, &message);
            self.status = 1;
        }
    }

    fn run(&mut self, expanded: Expanded, command: &Arc<Command>, sys: &mut Sys<'_>) {
        let Expanded { fields, assigned, redirects } = expanded;
        let name = fields.first().cloned().unwrap_or_default();
        let function = self.functions.get(&name).cloned();
        let builtin = builtins::find(&name, self.dialect);
        if function.is_none() && builtin.is_none() {
            let text = Arc::from(fields.join(" "));
            return self.run_program(&name, fields, &assigned, &redirects, &text, sys);
        }
        let mut saved = Saved::new();
        let permanent = name == "exec" && fields.len() == 1;
        if let Err(message) = self.redirect(&redirects, if permanent { None } else { Some(&mut saved) }, sys) {
            self.restore(saved, sys);
            self.complain(sys, &message);
            self.status = 1;
            return;
        }
        if !saved.is_empty() || !self.process_fds.is_empty() {
            self.stack.push(Frame::Restore(saved));
        }
        if !assigned.is_empty() {
            let mut old = Vec::new();
            for (name, value) in &assigned {
                old.push((name.clone(), self.vars.get(name).cloned()));
                if let Err(message) = self.assign(name, value) {
                    self.complain(sys, &message);
                }
                self.vars.entry(name).exported = true;
            }
            self.stack.push(Frame::Temporary(old));
        }
        match (function, builtin) {
            (Some(body), _) => self.call(name, body, fields, sys),
            (None, Some(builtin)) => {
                match builtin(self, sys, &fields) {
                    Done::Status(status) => self.status = status,
                    Done::Later => {}
                }
                self.declare_arrays(command, sys);
            }
            (None, None) => {}
        }
    }

    /// The array assignments among the arguments of `declare` and its like.
    fn declare_arrays(&mut self, command: &Arc<Command>, sys: &mut Sys<'_>) {
        let Kind::Simple(simple) = &command.kind else { return };
        if simple.arrays.is_empty() {
            return;
        }
        let mut texts = Substituted::default();
        let result = self.expand(&mut texts, false, sys, |expansion| {
            simple.arrays.iter().try_for_each(|array| assign(expansion, array))
        });
        if let Err(Stop::Error { message, .. }) = result {
            self.complain(sys, &message);
            self.status = 1;
        }
    }

    fn call(&mut self, name: String, body: Arc<Command>, mut fields: Vec<String>, sys: &mut Sys<'_>) {
        if self.functions_deep >= CALLS_MAX {
            self.complain(sys, &format!("{name}: maximum function nesting level exceeded ({CALLS_MAX})"));
            self.status = 1;
            self.unwind = Some(if self.interactive { Unwind::Abort } else { Unwind::Exit });
            return;
        }
        self.functions_deep += 1;
        let arguments = fields.split_off(1.min(fields.len()));
        let positional = std::mem::replace(&mut self.positional, Arc::new(arguments));
        self.stack.push(Frame::Function { name, positional, locals: Vec::new() });
        self.stack.push(Frame::Command(body));
    }

    /// Runs a program; `exec` and `command` come here too.
    pub(super) fn run_program(
        &mut self,
        name: &str,
        fields: Vec<String>,
        assigned: &[(String, String)],
        redirects: &[Ready],
        text: &Arc<str>,
        sys: &mut Sys<'_>,
    ) {
        let tail = self.is_tail();
        let mut saved = Saved::new();
        if let Err(message) = self.redirect(redirects, Some(&mut saved), sys) {
            self.restore(saved, sys);
            self.complain(sys, &message);
            self.status = 1;
            return;
        }
        match self.prepare(name, fields, assigned, sys) {
            Ok(spawn) if tail => {
                // The shell is not needed any more: the program takes its place, with its files as they are now.
                for (_, copy) in saved {
                    copy.into_iter().for_each(|fd| sys.close(fd));
                }
                if let Err(error) = sys.exec(spawn) {
                    self.failed_to_run(name, error, sys);
                }
            }
            Ok(mut spawn) => {
                spawn.group = if self.interactive { Group::New } else { Group::Inherit };
                sys.charge(20);
                let started = sys.spawn(spawn);
                match started {
                    Ok(pid) => {
                        if self.interactive {
                            self.give_terminal(pid, sys);
                        }
                        self.restore(saved, sys);
                        self.wait_for(vec![pid], self.interactive, text);
                    }
                    Err(error) => {
                        self.failed_to_run(name, error, sys);
                        self.restore(saved, sys);
                    }
                }
            }
            Err(error) => {
                self.failed_to_run(name, error, sys);
                self.restore(saved, sys);
            }
        }
    }

    pub(super) fn failed_to_run(&mut self, name: &str, error: Errno, sys: &mut Sys<'_>) {
        let path = sys.path(name);
        let is_dir = name.contains('/') && sys.files().is_dir(&path);
        let (message, code) = self.not_run(name, error, is_dir);
        self.complain(sys, &message);
        self.status = code;
    }

    /// What is to be started for a command's words: the executable is looked up, a script without a first line that says
    /// otherwise is one for this shell.
    pub(super) fn prepare(
        &mut self,
        name: &str,
        fields: Vec<String>,
        assigned: &[(String, String)],
        sys: &mut Sys<'_>,
    ) -> Result<Spawn, Errno> {
        let mut env = self.vars.environment();
        for (name, value) in assigned {
            env.insert(name.clone(), value.clone());
        }
        let path = assigned.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
        let path = path.or_else(|| self.vars.text("PATH")).unwrap_or(DEFAULT_PATH);
        let file = sys.find(name, path)?;
        let mut spawn = Spawn { file: Some(file.clone()), env: Some(Arc::new(env)), ..Spawn::new(fields) };
        if sys.is_plain_script(&file) {
            let mut argv = vec![self.name.clone(), file];
            argv.extend(spawn.argv.drain(..).skip(1));
            spawn = Spawn { argv, file: None, program: Some(Box::new(Shell::with_dialect(self.dialect))), ..spawn };
        }
        Ok(spawn)
    }
}

fn assign_waits(assign: &Assign) -> bool {
    match &assign.value {
        AssignValue::One(word) => word.waits,
        AssignValue::Array(elements) => elements.iter().any(|(_, word)| word.waits),
    }
}

fn expand_simple(expansion: &mut Expansion<'_, '_>, simple: &Simple, redirects: &[Redirect]) -> Result<Expanded, Stop> {
    let mut fields = Vec::new();
    let declares = simple.words.first().and_then(Word::literal).is_some_and(is_declaration);
    for (index, word) in simple.words.iter().enumerate() {
        if declares && index > 0 && is_assignment(word) {
            fields.push(expansion.assigned(word)?);
        } else {
            expansion.word_fields(word, &mut fields)?;
        }
    }
    let mut assigned = Vec::new();
    if fields.is_empty() {
        for one in &simple.assigns {
            assign(expansion, one)?;
            if expansion.shell.options.xtrace
                && let AssignValue::One(_) = &one.value
            {
                let value = expansion.shell.vars.text(&one.name).unwrap_or_default().to_owned();
                assigned.push((one.name.clone(), value));
            }
        }
    } else {
        for one in &simple.assigns {
            if let AssignValue::One(word) = &one.value {
                let mut value = expansion.assigned(word)?;
                if one.append {
                    value = expansion.shell.vars.text(&one.name).unwrap_or_default().to_owned() + &value;
                }
                assigned.push((one.name.clone(), value));
            }
        }
    }
    let redirects = redirect::expand(redirects, expansion)?;
    Ok(Expanded { fields, assigned, redirects })
}

/// Whether a word reads `name=...`.
fn is_assignment(word: &Word) -> bool {
    matches!(word.parts.first(), Some(Part::Text(text))
        if text.split_once('=').is_some_and(|(name, _)| super::parse::is_name(name.trim_end_matches('+'))))
}

/// Makes an assignment.
pub(super) fn assign(expansion: &mut Expansion<'_, '_>, assign: &Assign) -> Result<(), Stop> {
    let name = &assign.name;
    match (&assign.value, &assign.index) {
        (AssignValue::One(word), None) => {
            let mut value = expansion.assigned(word)?;
            if assign.append {
                let var = expansion.shell.vars.get(name);
                let integer = var.is_some_and(|var| var.integer);
                let old = var.and_then(Var::text).unwrap_or_default();
                value = if integer { format!("{old}+({value})") } else { old.to_owned() + &value };
            }
            Ok(expansion.shell.assign(name, &value)?)
        }
        (AssignValue::One(word), Some(index)) => {
            let value = expansion.assigned(word)?;
            set_indexed(expansion, name, index, value, assign.append)
        }
        (AssignValue::Array(elements), _) => {
            if expansion.shell.vars.get(name).is_some_and(|var| var.readonly) {
                return Err(expansion.shell.readonly_message(name).into());
            }
            let is_map = matches!(expansion.shell.vars.get(name), Some(Var { value: Value::Map(_), .. }));
            let mut values: Vec<(Option<Word>, Vec<String>)> = Vec::new();
            for (index, word) in elements {
                let mut fields = Vec::new();
                match index {
                    Some(_) => fields.push(expansion.text(word)?),
                    None => expansion.word_fields(word, &mut fields)?,
                }
                values.push((index.clone(), fields));
            }
            let vars = &mut expansion.shell.vars;
            if !assign.append {
                vars.entry(name).value = if is_map { Value::Map(Arc::default()) } else { Value::Array(Arc::default()) };
            }
            let mut next = match &vars.entry(name).value {
                Value::Array(elements) => elements.keys().next_back().map_or(0, |last| last + 1),
                Value::Text(_) => 1,
                _ => 0,
            };
            for (index, fields) in values {
                match index {
                    Some(index) if is_map => {
                        let key = expansion.text(&index)?;
                        for value in fields {
                            expansion.shell.vars.set_entry(name, &key, &value)?;
                        }
                    }
                    index => {
                        if let Some(index) = index {
                            next = expansion.number(&index)?;
                        }
                        for value in fields {
                            expansion.shell.vars.set_element(name, next, &value)?;
                            next += 1;
                        }
                    }
                }
            }
            Ok(())
        }
    }
}

fn set_indexed(
    expansion: &mut Expansion<'_, '_>,
    name: &str,
    index: &Word,
    mut value: String,
    append: bool,
) -> Result<(), Stop> {
    if expansion.shell.vars.get(name).is_some_and(|var| var.readonly) {
        return Err(expansion.shell.readonly_message(name).into());
    }
    if let Some(Var { value: Value::Map(entries), .. }) = expansion.shell.vars.get(name) {
        let entries = Arc::clone(entries);
        let key = expansion.text(index)?;
        if append {
            value = entries.get(&key).cloned().unwrap_or_default() + &value;
        }
        return Ok(expansion.shell.vars.set_entry(name, &key, &value)?);
    }
    let index = expansion.number(index)?;
    if append {
        value = expansion.shell.element(name, index).unwrap_or_default() + &value;
    }
    Ok(expansion.shell.vars.set_element(name, index, &value)?)
}
