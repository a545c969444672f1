//! Terminals.

use std::sync::Arc;

use drydock_shell::{Kernel, Pid, TtyId, TtyMode};

use super::Workstation;
use crate::{Event, TerminalId};

/// How much of a terminal's output is kept for showing it anew.
const SCROLLBACK_BYTES_MAX: usize = 64 << 10;
/// Terminals that may be open at once.
const TERMINALS_MAX: usize = 16;

/// A terminal, its shell, and what was printed on it.
#[derive(Clone)]
pub(super) struct Terminal {
    pub tty: TtyId,
    shell: Pid,
    /// The last output. Shared, since snapshots would copy it each time.
    scrollback: Arc<Vec<u8>>,
    /// Whether something was typed since the last line was entered.
    typed: bool,
    pub closed: bool,
}

impl Terminal {
    /// Takes what was printed, and notices the shell's end.
    pub fn collect(&mut self, id: TerminalId, kernel: &mut Kernel, events: &mut Vec<Event>) {
        let bytes = kernel.tty_output(self.tty);
        if !bytes.is_empty() {
            let scrollback = Arc::make_mut(&mut self.scrollback);
            scrollback.extend_from_slice(&bytes);
            // Cut in large steps, at the start of a line.
            if scrollback.len() > 2 * SCROLLBACK_BYTES_MAX {
                let cut = scrollback.len() - SCROLLBACK_BYTES_MAX;
                let line = scrollback[cut..].iter().position(|byte| *byte == b'\n').map_or(cut, |at| cut + at + 1);
                scrollback.drain(..line);
            }
            events.push(Event::Printed(id, bytes));
        }
        if kernel.reap(self.shell).is_some() {
            self.closed = true;
            kernel.close_tty(self.tty);
            events.push(Event::TerminalClosed(id));
        }
    }
}

impl Workstation {
    pub(super) fn open_terminal(&mut self, columns: u16, rows: u16) {
        let id = TerminalId(self.next_terminal);
        self.next_terminal += 1;
        let tty = self.kernel.open_tty(columns, rows);
        let shell = (self.terminals.len() < TERMINALS_MAX)
            .then(|| self.kernel.spawn(Self::shell(&["bash", "-i"], true).tty(tty)).ok())
            .flatten();
        let Some(shell) = shell else {
            self.kernel.close_tty(tty);
            self.events.push(Event::Printed(id, b"no more terminals: close one first\r\n".to_vec()));
            self.events.push(Event::TerminalClosed(id));
            return;
        };
        let terminal = Terminal { tty, shell, scrollback: Arc::default(), typed: false, closed: false };
        self.terminals.insert(id, terminal);
    }

    pub(super) fn close_terminal(&mut self, id: TerminalId) {
        if let Some(terminal) = self.terminals.remove(&id) {
            self.kernel.close_tty(terminal.tty);
        }
    }

    pub(super) fn type_keys(&mut self, id: TerminalId, bytes: &[u8]) {
        let Some(terminal) = self.terminals.get_mut(&id) else { return };
        // Carriage return and line feed enter a line, Ctrl-C and Ctrl-U give it up.
        let ends_line = |byte: &u8| matches!(byte, b'\r' | b'\n' | 3 | 21);
        terminal.typed = bytes.last().is_some_and(|byte| !ends_line(byte));
        self.kernel.tty_input(terminal.tty, bytes);
    }

    /// Whether a terminal stands at a prompt where nothing is typed yet.
    pub fn at_empty_prompt(&self, id: TerminalId) -> bool {
        self.terminals
            .get(&id)
            .is_some_and(|terminal| !terminal.typed && self.kernel.tty_mode(terminal.tty) == Some(TtyMode::EDIT))
    }

    /// What has a terminal, as its words; nothing while its shell waits for a command.
    pub fn foreground(&self, id: TerminalId) -> Option<String> {
        let tty = self.terminals.get(&id)?.tty;
        (self.kernel.tty_mode(tty) != Some(TtyMode::EDIT))
            .then(|| self.kernel.tty_foreground(tty).map(|words| words.join(" ")).unwrap_or_default())
    }

    pub fn terminals(&self) -> Vec<TerminalId> {
        self.terminals.keys().copied().collect()
    }

    pub fn scrollback(&self, id: TerminalId) -> Vec<u8> {
        self.terminals.get(&id).map(|terminal| terminal.scrollback.to_vec()).unwrap_or_default()
    }
}
