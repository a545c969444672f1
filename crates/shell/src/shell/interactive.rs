//! Interactive shells: prompts, lines from the editor; `completion` has what Tab offers.

mod completion;

use std::sync::Arc;

use super::builtins::directories::tilde;
use super::edit::{Editor, Event, History, Keys};
use super::frames::{Flow, Frame, SourceKind, Unwind};
use super::parse::Parser;
use super::{Dialect, Shell};
use crate::{Fd, Open, Read, Sys, TtyMode, Wait, join};

/// Commands that are put together from several lines have a limit.
const COMMAND_BYTES_MAX: usize = 256 << 10;
/// Completions beyond this are counted, not shown.
const SHOWN_MAX: usize = 200;

/// A prompt: what is typed, and lines that do not make a command yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Prompt {
    editor: Option<Editor>,
    keys: Keys,
    lines: String,
    /// The command lines that run: told once they have ended.
    running: Option<String>,
}

impl Shell {
    pub(super) fn start_interactive(&mut self, sys: &mut Sys<'_>) {
        self.interactive = true;
        self.options.monitor = true;
        self.options.expand_aliases = true;
        if self.vars.get("PS1").is_none() {
            let root = sys.user().uid == 0;
            let prompt = match self.dialect {
                Dialect::Bash => "\\u@\\h:\\w\\$ ",
                Dialect::Ash => "\\w \\$ ",
                Dialect::Dash if root => "# ",
                Dialect::Dash => "$ ",
            };
            self.vars.set("PS1", prompt);
        }
        if self.vars.get("PS2").is_none() {
            self.vars.set("PS2", "> ");
        }
        if self.dialect == Dialect::Bash {
            self.vars.set("HISTSIZE", "500");
        }
        if let Some(path) = self.history_file()
            && let Ok(text) = sys.files().read_text(&path)
        {
            self.history = History::load(&text);
        }
        self.stack.push(Frame::Prompt(Box::default()));
        let home = self.vars.text("HOME").unwrap_or("/").to_owned();
        let mut files = Vec::new();
        if self.login {
            files.extend(["/etc/profile".to_owned(), join(&home, ".profile")]);
        }
        match self.dialect {
            Dialect::Bash => files.extend(["/etc/bash.bashrc".to_owned(), join(&home, ".bashrc")]),
            _ => files.extend(self.vars.text("ENV").map(str::to_owned)),
        }
        for file in files.iter().rev() {
            if let Ok(text) = sys.files().read_text(file) {
                self.push_text(&text, SourceKind::Eval);
            }
        }
    }

    fn history_file(&self) -> Option<String> {
        if let Some(file) = self.vars.text("HISTFILE") {
            return (!file.is_empty()).then(|| file.to_owned());
        }
        let name = match self.dialect {
            Dialect::Bash => ".bash_history",
            Dialect::Ash => ".ash_history",
            Dialect::Dash => return None,
        };
        Some(join(self.vars.text("HOME")?, name))
    }

    /// Remembers a line, also in the history file.
    fn remember(&mut self, line: &str, sys: &mut Sys<'_>) {
        let ignored = line.starts_with(' ')
            && self
                .vars
                .text("HISTCONTROL")
                .is_some_and(|control| control.contains("ignorespace") || control.contains("ignoreboth"));
        if ignored || !self.history.add(line) {
            return;
        }
        if let Some(path) = self.history_file()
            && let Ok(fd) = sys.open(&path, Open::Append)
        {
            let _ = sys.put(fd, format!("{}\n", line.trim_end_matches('\n')).as_bytes());
            sys.close(fd);
        }
    }

    pub(super) fn leave_terminal(&mut self, sys: &mut Sys<'_>) {
        if let Some(fd) = self.terminal(sys) {
            sys.set_tty_mode(fd, TtyMode::COOKED);
        }
    }

    fn columns(&self, fd: Fd, sys: &mut Sys<'_>) -> usize {
        sys.tty_size(fd).map_or(80, |(columns, _)| usize::from(columns))
    }

    /// One turn of the prompt.
    pub(super) fn prompt(&mut self, mut prompt: Box<Prompt>, sys: &mut Sys<'_>) -> Flow {
        let Some(fd) = self.terminal(sys) else {
            // The terminal is gone.
            self.unwind = Some(Unwind::Exit);
            return Flow::Go;
        };
        let Some(mut editor) = prompt.editor.take() else {
            self.begin_prompt(&mut prompt, fd, sys);
            self.stack.push(Frame::Prompt(prompt));
            return Flow::Go;
        };
        if let Some(key) = prompt.keys.next() {
            let (out, event) = editor.key(&key, &self.history);
            let out = if editor.searching() { editor.draw_found(&self.history) } else { out };
            sys.print(&out);
            match event {
                None => prompt.editor = Some(editor),
                Some(Event::Clear) => {
                    let out = editor.begin();
                    sys.print(&format!("\x1b[H\x1b[2J{out}"));
                    prompt.editor = Some(editor);
                }
                Some(Event::Complete(again)) => {
                    self.complete(&mut editor, again, sys);
                    prompt.editor = Some(editor);
                }
                Some(Event::Interrupt) => {
                    prompt.lines.clear();
                    self.status = 130;
                }
                Some(Event::End) if prompt.lines.is_empty() => {
                    sys.print(if self.login { "logout\n" } else { "exit\n" });
                    self.unwind = Some(Unwind::Exit);
                    return Flow::Go;
                }
                Some(Event::End) => {
                    // The end inside a command is a syntax error.
                    sys.print("\n");
                    prompt.lines.clear();
                    self.complain(sys, "syntax error: unexpected end of file");
                    self.status = 2;
                }
                Some(Event::Line(line)) => {
                    self.take_line(prompt, line, fd, sys);
                    return Flow::Go;
                }
            }
            self.stack.push(Frame::Prompt(prompt));
            return Flow::Go;
        }
        match sys.read(fd, 4096) {
            Read::Data(bytes) => {
                prompt.keys.push(&bytes);
                prompt.editor = Some(editor);
                self.stack.push(Frame::Prompt(prompt));
                Flow::Go
            }
            Read::Pending => {
                // A wake without bytes may be a new size.
                let columns = self.columns(fd, sys);
                if editor.columns() != columns {
                    let out = editor.resize(columns);
                    sys.print(&out);
                }
                prompt.editor = Some(editor);
                self.stack.push(Frame::Prompt(prompt));
                Flow::Wait(Wait { child: true, ..Wait::read(fd) })
            }
            Read::Eof | Read::Error(_) => {
                self.unwind = Some(Unwind::Exit);
                Flow::Go
            }
        }
    }

    fn begin_prompt(&mut self, prompt: &mut Prompt, fd: Fd, sys: &mut Sys<'_>) {
        self.give_terminal(0, sys);
        sys.set_tty_mode(fd, TtyMode::EDIT);
        self.report_jobs(sys);
        if let Some(line) = prompt.running.take() {
            sys.host().entered(&line, self.status);
        }
        let name = if prompt.lines.is_empty() { "PS1" } else { "PS2" };
        let shown = self.vars.text(name).unwrap_or_default().to_owned();
        let shown = self.prompt_text(&shown, sys);
        // What stands before the last line of a prompt is printed once.
        let (head, last) = shown.rsplit_once('\n').map_or(("", shown.as_str()), |(head, last)| (head, last));
        if !head.is_empty() {
            sys.print(&format!("{head}\n"));
        }
        let mut editor = Editor::new(last, self.columns(fd, sys));
        let mut out = String::from("\x1b[?2004h");
        out.push_str(&editor.begin());
        sys.print(&out);
        prompt.editor = Some(editor);
    }

    /// A line is complete: it is run, or more lines are wanted.
    fn take_line(&mut self, mut prompt: Box<Prompt>, line: String, fd: Fd, sys: &mut Sys<'_>) {
        sys.print("\x1b[?2004l");
        let mut line = line;
        if self.dialect == Dialect::Bash {
            match self.history.expand(&line) {
                Ok(None) => {}
                Ok(Some(expanded)) => {
                    sys.print(&format!("{expanded}\n"));
                    line = expanded;
                }
                Err(message) => {
                    self.complain(sys, &message);
                    prompt.lines.clear();
                    self.stack.push(Frame::Prompt(prompt));
                    return;
                }
            }
        }
        prompt.lines.push_str(&line);
        prompt.lines.push('\n');
        if prompt.lines.len() > COMMAND_BYTES_MAX {
            self.complain(sys, "command is too long");
            prompt.lines.clear();
            self.stack.push(Frame::Prompt(prompt));
            return;
        }
        // All commands of the text must be whole before the first one runs.
        let text = Arc::new(prompt.lines.clone().into_bytes());
        let aliases = Arc::clone(&self.aliases);
        let mut parser = Parser::new(text, 0, 1, self.dialect, &aliases, true);
        let outcome = loop {
            match parser.next() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let continued = prompt.lines.trim_end_matches('\n').ends_with('\\');
        match outcome {
            Err(error) if error.incomplete() => {
                self.stack.push(Frame::Prompt(prompt));
                return;
            }
            Ok(()) if continued && !prompt.lines.trim_end_matches('\n').ends_with("\\\\") => {
                self.stack.push(Frame::Prompt(prompt));
                return;
            }
            _ => {}
        }
        let lines = std::mem::take(&mut prompt.lines);
        self.remember(lines.trim_end_matches('\n'), sys);
        prompt.running = Some(lines.trim().to_owned()).filter(|line| !line.is_empty());
        // Keys that were typed ahead belong to the command.
        let ahead = prompt.keys.take();
        sys.set_tty_mode(fd, TtyMode::COOKED);
        if !ahead.is_empty() {
            sys.retype(fd, &ahead);
        }
        self.stack.push(Frame::Prompt(prompt));
        match outcome {
            Ok(()) => {
                if !lines.trim().is_empty() {
                    self.line = 1;
                    self.push_text(&lines, SourceKind::Eval);
                }
            }
            Err(error) => {
                self.complain_of_syntax(sys, &error, "");
                self.status = 2;
            }
        }
    }

    /// A prompt with its escapes replaced.
    fn prompt_text(&mut self, prompt: &str, sys: &mut Sys<'_>) -> String {
        let mut out = String::new();
        let mut chars = prompt.chars();
        let date = |format: &str, sys: &Sys<'_>| crate::tools::date::strftime(format, sys.now());
        while let Some(c) = chars.next() {
            if c == '$' {
                // Variables in prompts are replaced too, as far as they are plain.
                let rest = chars.as_str();
                let braced = rest.starts_with('{');
                let body = rest.trim_start_matches('{');
                let name: String =
                    body.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '?')).collect();
                if !name.is_empty() && (super::is_name(&name) || name == "?") {
                    out.push_str(&self.variable(&name).unwrap_or_default());
                    for _ in 0..name.len() + 2 * usize::from(braced) {
                        chars.next();
                    }
                    continue;
                }
            }
            if c != '\\' {
                out.push(c);
                continue;
            }
            let home = self.vars.text("HOME").unwrap_or_default().to_owned();
            match chars.next() {
                Some('w') => out.push_str(&tilde(&sys.cwd(), &home)),
                Some('W') => {
                    let cwd = tilde(&sys.cwd(), &home);
                    out.push_str(cwd.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/"));
                }
                Some('u') => {
                    let name = self.vars.text("USER").or(self.vars.text("LOGNAME")).map(str::to_owned);
                    out.push_str(
                        &name.unwrap_or_else(|| if sys.user().uid == 0 { "root".into() } else { "user".into() }),
                    );
                }
                Some('h') => out.push_str(sys.hostname().split('.').next().unwrap_or("")),
                Some('H') => out.push_str(sys.hostname()),
                Some('$') => out.push(if sys.user().uid == 0 { '#' } else { '$' }),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('e') => out.push('\x1b'),
                Some('a') => out.push('\x07'),
                Some('t') => out.push_str(&date("%H:%M:%S", sys)),
                Some('T') => out.push_str(&date("%I:%M:%S", sys)),
                Some('@') => out.push_str(&date("%I:%M %p", sys)),
                Some('A') => out.push_str(&date("%H:%M", sys)),
                Some('d') => out.push_str(&date("%a %b %d", sys)),
                Some('s') => out.push_str(self.name.rsplit('/').next().unwrap_or("sh").trim_start_matches('-')),
                Some('v') => out.push_str("5.2"),
                Some('j') => out.push_str(&self.jobs.len().to_string()),
                Some('#' | '!') => out.push_str(&(self.history.len() + 1).to_string()),
                Some('\\') => out.push('\\'),
                // Marks around what takes no room; the editor sees that by itself.
                Some('[' | ']') => {}
                Some(digit @ '0'..='7') => {
                    let digits: String = std::iter::once(digit).chain(chars.as_str().chars().take(2)).collect();
                    match u8::from_str_radix(&digits, 8) {
                        Ok(code) => {
                            out.push(char::from(code));
                            chars.next();
                            chars.next();
                        }
                        Err(_) => out.extend(['\\', digit]),
                    }
                }
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            }
        }
        out
    }
}
