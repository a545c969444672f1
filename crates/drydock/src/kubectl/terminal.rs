//! The standard streams.

use std::cell::RefCell;
use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use drydock_kubectl::env::{self, Output, Stdin, Terminal};

use super::bell::Bell;

/// Pieces of standard input that may wait.
const QUEUE: usize = 4;
const PIECE: usize = 1 << 16;

/// What the standard streams are.
pub(super) fn describe() -> Terminal {
    let (stdin, stdout) = (std::io::stdin().is_terminal(), std::io::stdout().is_terminal());
    let (columns, rows) = if stdin || stdout { size() } else { (80, 24) };
    Terminal { stdin, stdout, columns, rows }
}

#[cfg(unix)]
fn size() -> (u16, u16) {
    let of = |size: rustix::termios::Winsize| (size.ws_col, size.ws_row);
    let size =
        rustix::termios::tcgetwinsize(std::io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(std::io::stdin()));
    size.map(of).ok().filter(|size| size.0 > 0).unwrap_or((80, 24))
}

#[cfg(not(unix))]
fn size() -> (u16, u16) {
    (80, 24)
}

/// What a step wrote to both streams, in its order: whoever reads both as one sees it so.
#[derive(Default)]
pub(super) struct Written(RefCell<Vec<(Stream, Vec<u8>)>>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// One of the streams.
pub(super) struct Writer<'a>(pub &'a Written, pub Stream);

impl Output for Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let mut pieces = self.0.0.borrow_mut();
        match pieces.last_mut() {
            Some((stream, piece)) if *stream == self.1 => piece.extend_from_slice(bytes),
            _ => pieces.push((self.1, bytes.to_vec())),
        }
    }
}

impl Written {
    /// Writes it. Whether somebody still reads.
    pub(super) fn flush(self) -> bool {
        self.0.into_inner().iter().all(|(stream, bytes)| {
            let mut to: Box<dyn Write> = match stream {
                Stream::Out => Box::new(std::io::stdout()),
                Stream::Err => Box::new(std::io::stderr()),
            };
            to.write_all(bytes).and_then(|()| to.flush()).is_ok()
        })
    }
}

/// Standard input. It is read only once the command asks: until then it belongs to whoever else has it.
pub(super) struct Input {
    bell: Arc<Bell>,
    pieces: Option<Receiver<Vec<u8>>>,
    /// Whether the terminal is to be raw from now on.
    raw: bool,
    #[cfg(unix)]
    cooked: Option<rustix::termios::Termios>,
}

impl Input {
    pub(super) fn new(bell: Arc<Bell>) -> Input {
        Input {
            bell,
            pieces: None,
            raw: false,
            #[cfg(unix)]
            cooked: None,
        }
    }

    /// Makes the terminal raw, if that was asked for: not before everything that was said has been shown.
    pub(super) fn settle(&mut self) {
        if !self.raw {
            return;
        }
        #[cfg(unix)]
        if self.cooked.is_none()
            && let Ok(cooked) = rustix::termios::tcgetattr(std::io::stdin())
        {
            let mut mode = cooked.clone();
            mode.make_raw();
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &mode);
            self.cooked = Some(cooked);
        }
    }

    /// The terminal as it was.
    pub(super) fn restore(&mut self) {
        #[cfg(unix)]
        if let Some(cooked) = self.cooked.take() {
            let _ = rustix::termios::tcsetattr(std::io::stdin(), rustix::termios::OptionalActions::Now, &cooked);
        }
    }
}

fn start(bell: Arc<Bell>) -> Receiver<Vec<u8>> {
    let (sender, pieces) = sync_channel(QUEUE);
    std::thread::spawn(move || {
        let mut buffer = vec![0; PIECE];
        while let Ok(count @ 1..) = std::io::stdin().lock().read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
            bell.ring();
        }
        drop(sender);
        bell.ring();
    });
    pieces
}

impl Stdin for Input {
    fn take(&mut self) -> env::Input {
        let pieces = self.pieces.get_or_insert_with(|| start(self.bell.clone()));
        match pieces.try_recv() {
            Ok(bytes) => env::Input::Data(bytes),
            Err(TryRecvError::Empty) => env::Input::Pending,
            Err(TryRecvError::Disconnected) => env::Input::End,
        }
    }

    fn set_raw(&mut self, raw: bool) {
        self.raw = raw;
        if !raw {
            self.restore();
        }
    }
}
