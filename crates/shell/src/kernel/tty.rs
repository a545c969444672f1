//! Terminals and their line discipline.

use std::collections::VecDeque;

use super::{Pid, Signal};
use crate::text;

/// A terminal, as the machine's owner names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TtyId(pub(crate) u32);

/// Output that nobody has taken yet; a writer beyond it waits.
const OUTPUT_BYTES_MAX: usize = 32 << 10;
/// Input that nobody has read yet; more is dropped, as by a real terminal.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// A line of the canonical mode.
const LINE_BYTES_MAX: usize = 4096;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 21;
const CTRL_W: u8 = 23;
const CTRL_Z: u8 = 26;
const CTRL_BACKSLASH: u8 = 28;
const DELETE: u8 = 127;
const BACKSPACE: u8 = 8;

/// How a terminal treats what is typed and printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TtyMode {
    /// Input comes in lines that can be corrected.
    pub canonical: bool,
    /// Input is shown.
    pub echo: bool,
    /// Ctrl-C and Ctrl-\ send signals.
    pub signals: bool,
    /// A line feed that is printed also returns to the first column.
    pub newlines: bool,
}

impl TtyMode {
    /// As terminals start.
    pub const COOKED: TtyMode = TtyMode { canonical: true, echo: true, signals: true, newlines: true };
    /// Every byte as it is typed, for line editors: they see Ctrl-C as a byte.
    pub const EDIT: TtyMode = TtyMode { canonical: false, echo: false, signals: false, newlines: true };
    /// Every byte as it is typed but Ctrl-C, for pagers.
    pub const KEYS: TtyMode = TtyMode { canonical: false, echo: false, signals: true, newlines: true };
    /// Nothing is changed in either direction, for terminals that another terminal stands behind.
    pub const RAW: TtyMode = TtyMode { canonical: false, echo: false, signals: false, newlines: false };
}

#[derive(Debug, Clone)]
pub(super) struct Tty {
    pub mode: TtyMode,
    pub columns: u16,
    pub rows: u16,
    /// The process group that reads, and that Ctrl-C goes to.
    pub foreground: Option<Pid>,
    /// What can be read; in canonical mode whole lines.
    input: VecDeque<u8>,
    /// The line that is being typed in canonical mode.
    line: Vec<u8>,
    /// Ends of file that were typed and not read yet; one counts once the input before it is read.
    ends: u32,
    output: Vec<u8>,
    pub hung_up: bool,
}

impl Tty {
    pub fn new(columns: u16, rows: u16) -> Tty {
        Tty {
            mode: TtyMode::COOKED,
            columns,
            rows,
            foreground: None,
            input: VecDeque::new(),
            line: Vec::new(),
            ends: 0,
            output: Vec::new(),
            hung_up: false,
        }
    }

    pub fn room(&self) -> usize {
        OUTPUT_BYTES_MAX.saturating_sub(self.output.len())
    }

    /// Prints; how many of the bytes were taken.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.hung_up {
            return bytes.len();
        }
        let taken = bytes.len().min(self.room());
        for byte in bytes.iter().take(taken) {
            if *byte == b'\n' && self.mode.newlines {
                self.output.push(b'\r');
            }
            self.output.push(*byte);
        }
        taken
    }

    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub fn output_is_empty(&self) -> bool {
        self.output.is_empty()
    }

    pub fn readable(&self) -> bool {
        !self.input.is_empty() || self.ends > 0 || self.hung_up
    }

    /// What was typed; an empty answer is the end of the file. In canonical mode at most one line.
    pub fn read(&mut self, max: usize) -> Vec<u8> {
        if self.input.is_empty() {
            self.ends = self.ends.saturating_sub(1);
            return Vec::new();
        }
        let mut end = self.input.len().min(max);
        if self.mode.canonical {
            end = self.input.iter().take(end).position(|b| *b == b'\n').map_or(end, |at| at + 1);
        }
        self.input.drain(..end).collect()
    }

    /// Gives back bytes that were read and not used.
    pub fn unread(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().rev() {
            self.input.push_front(*byte);
        }
    }

    pub fn set_mode(&mut self, mode: TtyMode) {
        if self.mode.canonical && !mode.canonical {
            // What was typed ahead goes to the line editor.
            let line = std::mem::take(&mut self.line);
            self.input.extend(line);
            self.ends = 0;
        }
        self.mode = mode;
    }

    /// Takes what was typed; the signals that it sends to the foreground.
    pub fn type_bytes(&mut self, bytes: &[u8]) -> Vec<Signal> {
        let mut signals = Vec::new();
        for byte in bytes {
            self.type_byte(*byte, &mut signals);
        }
        signals
    }

    fn type_byte(&mut self, byte: u8, signals: &mut Vec<Signal>) {
        let byte = if byte == b'\r' && self.mode.canonical { b'\n' } else { byte };
        if self.mode.signals {
            let signal = match byte {
                CTRL_C => Some(Signal::Int),
                CTRL_BACKSLASH => Some(Signal::Quit),
                // There is no job control: a stopped job could not be seen or continued.
                CTRL_Z => return,
                _ => None,
            };
            if let Some(signal) = signal {
                self.output.clear();
                self.input.clear();
                self.line.clear();
                if self.mode.echo {
                    self.write(if byte == CTRL_C { b"^C" } else { b"^\\" });
                }
                signals.push(signal);
                return;
            }
        }
        if !self.mode.canonical {
            if self.input.len() < INPUT_BYTES_MAX {
                self.input.push_back(byte);
            }
            return;
        }
        match byte {
            b'\n' => {
                self.echo(b"\n");
                self.line.push(b'\n');
                self.submit();
            }
            CTRL_D if self.line.is_empty() => self.ends += 1,
            CTRL_D => self.submit(),
            DELETE | BACKSPACE => self.erase(),
            CTRL_U => {
                while !self.line.is_empty() {
                    self.erase();
                }
            }
            CTRL_W => {
                while self.line.last() == Some(&b' ') {
                    self.erase();
                }
                while self.line.last().is_some_and(|b| *b != b' ') {
                    self.erase();
                }
            }
            _ if self.line.len() >= LINE_BYTES_MAX => {}
            _ => {
                self.line.push(byte);
                if byte < b' ' && byte != b'\t' {
                    self.echo(&[b'^', byte + b'@']);
                } else {
                    self.echo(&[byte]);
                }
            }
        }
    }

    fn submit(&mut self) {
        if self.input.len() + self.line.len() <= INPUT_BYTES_MAX {
            self.input.extend(self.line.iter());
        }
        self.line.clear();
    }

    fn echo(&mut self, bytes: &[u8]) {
        if self.mode.echo {
            self.write(bytes);
        }
    }

    /// Takes back the last character of the line.
    fn erase(&mut self) {
        let mut character = Vec::new();
        while let Some(byte) = self.line.pop() {
            character.insert(0, byte);
            if byte & 0xc0 != 0x80 {
                break;
            }
        }
        let columns = match character.as_slice() {
            [] => 0,
            [byte] if *byte < b' ' && *byte != b'\t' => 2,
            bytes => text::width(&String::from_utf8_lossy(bytes)).max(1),
        };
        for _ in 0..columns {
            self.echo(b"\x08 \x08");
        }
    }

    /// Discards output that nobody has taken.
    pub fn flush(&mut self) {
        self.output.clear();
    }
}
