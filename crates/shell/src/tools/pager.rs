//! `less` and `more`, and the editors, which the page opens.

use super::Call;
use super::options::Options;
use crate::{Disposition, EditId, Fd, Open, Program, Read, Signal, Step, Sys, TtyMode, Wait, text};

/// What a pager shows.
const BYTES_MAX: usize = 8 << 20;

#[derive(Clone, Default)]
struct Pager {
    started: bool,
    files: Vec<String>,
    at: usize,
    input: Option<Fd>,
    bytes: Vec<u8>,
    lines: Vec<String>,
    top: usize,
    keys: Option<Fd>,
    mode: Option<TtyMode>,
    /// A search that is being typed.
    typing: Option<String>,
    search: String,
    message: String,
    numbers: bool,
    quit_if_short: bool,
}

pub(super) fn pager() -> Box<dyn Program> {
    Box::new(Pager::default())
}

impl Pager {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        let options =
            Options::parse(call, "FRSNXKIimMnr?", &[("quit-if-one-screen", 'F'), ("raw-control-chars", 'R')])?;
        self.numbers = options.has('N');
        self.quit_if_short = options.has('F');
        self.files = options.rest;
        if self.files.is_empty() {
            if call.sys.is_tty(0) {
                let message = if call.gnu() { "Missing filename (\"less --help\" for help)" } else { "no input" };
                call.sys.eprint(&format!("{message}\n"));
                return Err(1);
            }
            self.files.push("-".into());
        }
        Ok(())
    }

    /// Reads the input; true when all is there.
    fn read(&mut self, call: &mut Call<'_, '_>) -> Option<Step> {
        loop {
            let fd = match self.input {
                Some(fd) => fd,
                None => {
                    let name = self.files.get(self.at).cloned()?;
                    let opened = if name == "-" {
                        Ok(0)
                    } else {
                        let path = call.sys.path(&name);
                        if call.sys.files().is_dir(&path) {
                            Err(crate::Errno::IsDir)
                        } else {
                            call.sys.open(&name, Open::Read)
                        }
                    };
                    match opened {
                        Ok(fd) => {
                            self.input = Some(fd);
                            fd
                        }
                        Err(error) => {
                            let message = match (call.gnu(), error) {
                                (true, crate::Errno::IsDir) => format!("{name} is a directory"),
                                (true, _) => format!("{name}: {error}"),
                                (false, _) => format!("{}: can't open '{name}': {error}", call.name),
                            };
                            call.sys.eprint(&format!("{message}\n"));
                            self.at += 1;
                            continue;
                        }
                    }
                }
            };
            match call.sys.read(fd, 64 << 10) {
                Read::Data(bytes) => {
                    if self.keys.is_none() && !call.sys.is_tty(1) {
                        call.put(&bytes);
                        return Some(Step::Continue);
                    }
                    self.bytes.extend(bytes);
                    if self.bytes.len() > BYTES_MAX {
                        self.input = None;
                        self.at = self.files.len();
                    }
                }
                Read::Pending => return Some(Wait::read(fd).into()),
                Read::Eof | Read::Error(_) => {
                    if fd != 0 {
                        call.sys.close(fd);
                    }
                    self.input = None;
                    self.at += 1;
                }
            }
        }
    }

    fn size(call: &mut Call<'_, '_>) -> (usize, usize) {
        call.sys
            .tty_size(1)
            .map_or((80, 24), |(columns, rows)| (usize::from(columns.max(10)), usize::from(rows.max(3))))
    }

    /// Cuts the text into lines of the screen.
    fn wrap(&mut self, columns: usize) {
        self.lines.clear();
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        for (number, line) in text.lines().enumerate() {
            let line = line.replace('\t', "        ");
            let mut row = if self.numbers { format!("{:7} ", number + 1) } else { String::new() };
            let mut width = row.len();
            let mut escape = false;
            for c in line.chars() {
                // Colours take no room.
                escape = (escape || c == '\x1b') && !(escape && c.is_ascii_alphabetic());
                let wide = if escape || c == '\x1b' { 0 } else { text::char_width(c) };
                if width + wide > columns {
                    self.lines.push(std::mem::take(&mut row));
                    width = 0;
                }
                row.push(c);
                width += wide;
            }
            self.lines.push(row);
        }
    }

    fn draw(&mut self, call: &mut Call<'_, '_>) {
        let (columns, rows) = Pager::size(call);
        self.wrap(columns);
        let page = rows - 1;
        self.top = self.top.min(self.lines.len().saturating_sub(page));
        let mut out = String::from("\x1b[H\x1b[J");
        for at in 0..page {
            match self.lines.get(self.top + at) {
                Some(line) => out.push_str(line),
                None => out.push('~'),
            }
            out.push('\n');
        }
        let end = self.top + page >= self.lines.len();
        let name = self.files.first().filter(|name| *name != "-").cloned().unwrap_or_default();
        let status = if let Some(typed) = &self.typing {
            format!("/{typed}")
        } else if !self.message.is_empty() {
            format!("\x1b[7m{}\x1b[m", std::mem::take(&mut self.message))
        } else if end {
            "\x1b[7m(END)\x1b[m".into()
        } else if self.top == 0 && !name.is_empty() {
            format!("\x1b[7m{name}\x1b[m")
        } else {
            ":".into()
        };
        out.push_str(&status);
        call.print(&out);
    }

    fn find(&mut self, forward: bool) {
        let wanted = self.search.to_lowercase();
        let hit = |line: &String| line.to_lowercase().contains(&wanted);
        let found = if forward {
            self.lines.iter().enumerate().skip(self.top + 1).find(|(_, line)| hit(line)).map(|(at, _)| at)
        } else {
            self.lines.iter().enumerate().take(self.top).rev().find(|(_, line)| hit(line)).map(|(at, _)| at)
        };
        match found {
            Some(at) => self.top = at,
            None => self.message = "Pattern not found".into(),
        }
    }

    /// One key; true: quit.
    fn key(&mut self, key: &[u8], page: usize) -> bool {
        if let Some(typed) = &mut self.typing {
            match key {
                b"\r" | b"\n" => {
                    let typed = std::mem::take(typed);
                    self.typing = None;
                    if !typed.is_empty() {
                        self.search = typed;
                    }
                    self.find(true);
                }
                b"\x1b" => self.typing = None,
                b"\x7f" | b"\x08" => {
                    if typed.pop().is_none() {
                        self.typing = None;
                    }
                }
                key => typed.push_str(&String::from_utf8_lossy(key)),
            }
            return false;
        }
        let last = self.lines.len().saturating_sub(page);
        match key {
            b"q" | b"Q" | b":q" => return true,
            b" " | b"f" | b"\x06" | b"\x1b[6~" => {
                self.top += page;
            }
            b"b" | b"\x02" | b"\x1b[5~" => self.top = self.top.saturating_sub(page),
            b"d" | b"\x04" => self.top += page / 2,
            b"u" | b"\x15" => self.top = self.top.saturating_sub(page / 2),
            b"j" | b"\r" | b"\n" | b"e" | b"\x1b[B" | b"\x1bOB" => self.top += 1,
            b"k" | b"y" | b"\x1b[A" | b"\x1bOA" => self.top = self.top.saturating_sub(1),
            b"g" | b"<" | b"\x1b[H" | b"\x1b[1~" => self.top = 0,
            b"G" | b">" | b"\x1b[F" | b"\x1b[4~" => self.top = last,
            b"/" => self.typing = Some(String::new()),
            b"n" => self.find(true),
            b"N" => self.find(false),
            b"h" => self.message = "space b j k: move, g G: ends, / n N: search, q: quit".into(),
            _ => {}
        }
        self.top = self.top.min(last);
        false
    }

    fn restore(&mut self, call: &mut Call<'_, '_>) {
        if let (Some(fd), Some(mode)) = (self.keys, self.mode.take()) {
            call.sys.set_tty_mode(fd, mode);
            call.print("\r\x1b[K");
            call.flush();
        }
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        if !self.started {
            self.started = true;
            self.start(call)?;
        }
        if self.at < self.files.len()
            && let Some(step) = self.read(call)
        {
            return Ok(step);
        }
        if !call.sys.is_tty(1) {
            return Err(0);
        }
        let (columns, rows) = Pager::size(call);
        let Some(fd) = self.keys else {
            self.wrap(columns);
            // `more` and `less -F` do not stop at a text that fits.
            let short = self.lines.len() < rows;
            if self.lines.is_empty() && self.bytes.is_empty() {
                return Err(0);
            }
            if short && (self.quit_if_short || call.name == "more") {
                let bytes = std::mem::take(&mut self.bytes);
                call.put(&bytes);
                return Err(0);
            }
            let fd = call.sys.open("/dev/tty", Open::Read).map_err(|_| 1)?;
            self.keys = Some(fd);
            self.mode = call.sys.tty_mode(fd);
            call.sys.set_tty_mode(fd, TtyMode::KEYS);
            self.draw(call);
            return Ok(Wait::read(fd).into());
        };
        match call.sys.read(fd, 256) {
            Read::Data(bytes) => {
                for key in keys(&bytes) {
                    let at_end = self.top + (rows - 1) >= self.lines.len();
                    if self.key(key, rows - 1) || (call.name == "more" && at_end && key == b" ") {
                        self.restore(call);
                        return Err(0);
                    }
                }
                self.draw(call);
                Ok(Step::Continue)
            }
            Read::Pending => Ok(Wait::read(fd).into()),
            Read::Eof | Read::Error(_) => Err(0),
        }
    }
}

/// Splits what was typed into keys: escape sequences are one.
fn keys(bytes: &[u8]) -> Vec<&[u8]> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = match (first, rest.get(1)) {
            (0x1b, Some(b'[' | b'O')) => {
                let tail = rest.get(2..).unwrap_or_default();
                2 + tail.iter().position(|b| b.is_ascii_alphabetic() || *b == b'~').map_or(tail.len(), |at| at + 1)
            }
            (0xc0.., _) => 1 + rest.iter().skip(1).take_while(|b| **b & 0xc0 == 0x80).count(),
            _ => 1,
        };
        let (key, after) = rest.split_at(length.min(rest.len()));
        keys.push(key);
        rest = after;
    }
    keys
}

impl Program for Pager {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let name = if sys.args().first().is_some_and(|word| word.ends_with("more")) { "more" } else { "less" };
        let mut call = Call::new(sys, name);
        match self.go_on(&mut call) {
            Ok(step) => {
                call.flush();
                step
            }
            Err(code) => Step::Exit(call.finish(code)),
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        let mut call = Call::new(sys, "less");
        match signal {
            Signal::Winch if self.keys.is_some() => {
                self.draw(&mut call);
                call.flush();
                Disposition::Ignored
            }
            Signal::Int if self.keys.is_some() => {
                self.typing = None;
                self.draw(&mut call);
                call.flush();
                Disposition::Handled
            }
            Signal::Term | Signal::Hup => {
                self.restore(&mut call);
                Disposition::Default
            }
            _ => Disposition::Default,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `vi`, `nano` and the others: the file opens in the editor outside; the program ends when that does.
#[derive(Clone, Default)]
struct Editor {
    edit: Option<EditId>,
}

pub(super) fn editor() -> Box<dyn Program> {
    Box::new(Editor::default())
}

impl Program for Editor {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(edit) = self.edit {
            return match sys.host().edit_done(edit) {
                Some(_) => Step::Exit(0),
                None => Step::Wait(Wait { edits: vec![edit], ..Wait::default() }),
            };
        }
        let argv = sys.args();
        let name = argv.first().map_or("vi", |word| word.rsplit('/').next().unwrap_or(word)).to_owned();
        let Some(file) = argv.iter().skip(1).find(|word| !word.starts_with(['-', '+'])) else {
            sys.eprint(&format!("{name}: name a file to edit\n"));
            return Step::Exit(1);
        };
        let path = sys.path(file);
        if sys.files().is_dir(&path) {
            sys.eprint(&format!("{name}: {file} is a directory\n"));
            return Step::Exit(1);
        }
        match sys.host().edit(&path) {
            Some(edit) => {
                self.edit = Some(edit);
                if sys.is_tty(1) {
                    sys.print(&format!(
                        "Editing {file} in the editor. Save and close it there, or press Ctrl-C here.\n"
                    ));
                }
                Step::Wait(Wait { edits: vec![edit], ..Wait::default() })
            }
            None => {
                sys.eprint(&format!("{name}: there is no editor here; use cat, sed or echo\n"));
                Step::Exit(1)
            }
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if let Some(edit) = self.edit
            && matches!(signal, Signal::Int | Signal::Term | Signal::Hup | Signal::Quit)
        {
            sys.host().edit_cancel(edit);
        }
        Disposition::Default
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
