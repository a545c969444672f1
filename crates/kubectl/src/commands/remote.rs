//! Streams to and from a process in a container, as exec, attach, run and debug use them.

use drydock_api::{Request, Status, StreamId, StreamItem, channel};
use drydock_value::{parse_json, to_json, value};

use super::{Outcome, Waiting};
use crate::client::Client;
use crate::env::{Input, Io, Wait};
use crate::failure::Failure;

/// Which of the standard streams are connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Session {
    /// Standard input goes to the process.
    pub stdin: bool,
    /// The process has a terminal.
    pub tty: bool,
    /// The terminal here is in raw mode: what is typed goes through unchanged.
    pub raw: bool,
}

impl Session {
    /// As `-i` and `-t` ask, as far as standard input allows.
    pub fn new(io: &mut Io<'_>, stdin: bool, tty: bool, quiet: bool) -> Session {
        if !stdin {
            return Session::default();
        }
        if tty && !io.terminal.stdin && !quiet {
            io.eprintln("Unable to use a TTY - input is not a terminal or the right kind of file");
        }
        Session { stdin, tty, raw: tty && io.terminal.stdin }
    }

    /// The query parameters that say so.
    #[must_use]
    pub fn params(self, mut request: Request) -> Request {
        if self.stdin {
            request = request.param("stdin", "true");
        }
        request = request.param("stdout", "true");
        if self.tty { request.param("tty", "true") } else { request.param("stderr", "true") }
    }
}

/// A connection to a process.
#[derive(Debug, Clone)]
pub struct Remote {
    stream: StreamId,
    session: Session,
    stdin_open: bool,
    size: (u16, u16),
    /// Said when the session is over.
    farewell: Option<String>,
    detach: Detach,
}

/// Keys that end what is typed, and how many of them came so far.
#[derive(Debug, Clone, Default)]
pub struct Detach {
    keys: Vec<u8>,
    held: usize,
}

impl Detach {
    /// Reads keys: characters, and `ctrl-` with a letter or one of `@[\]^_`, with commas between them.
    ///
    /// # Errors
    /// What is no key.
    pub fn new(text: &str) -> Result<Detach, Failure> {
        let key = |word: &str| match word.as_bytes() {
            [one] => Ok(*one),
            [.., last @ (b'a'..=b'z' | b'@' | b'['..=b'_')] if word.len() == 6 && word.starts_with("ctrl-") => {
                Ok(last & 0x1f)
            }
            _ => Err(format!("could not bind detach keys: Unknown character: '{word}'")),
        };
        let keys: Result<Vec<u8>, String> = text.split(',').filter(|_| !text.is_empty()).map(key).collect();
        Ok(Detach { keys: keys?, held: 0 })
    }

    /// What of typed bytes goes on, and whether the keys were among them.
    fn filter(&mut self, bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.keys.get(self.held) != Some(&byte) {
                // Keys that came alone were meant for the process.
                out.extend_from_slice(&self.keys[..self.held]);
                self.held = 0;
            }
            if self.keys.get(self.held) == Some(&byte) {
                self.held += 1;
            } else {
                out.push(byte);
            }
            if self.held > 0 && self.held == self.keys.len() {
                return (out, true);
            }
        }
        (out, false)
    }
}

/// What a refusal to connect is told with.
const UPGRADE: &str = "unable to upgrade connection: ";

/// Connects to a program in a container.
///
/// # Errors
/// The server's refusal.
pub(super) fn upgrade(client: &mut Client, io: &mut Io<'_>, request: Request) -> Result<StreamId, Failure> {
    client.open(io, request).map_err(|failure| match failure {
        Failure::Status(status) => {
            let words = status.message.as_str();
            let known = words.strip_prefix(UPGRADE).unwrap_or(words);
            Failure::Error(format!("{UPGRADE}{known}"))
        }
        other => other,
    })
}

impl Remote {
    /// Connects.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn open(client: &mut Client, io: &mut Io<'_>, request: Request, session: Session) -> Result<Remote, Failure> {
        let stream = upgrade(client, io, request)?;
        if session.raw {
            io.stdin.set_raw(true);
        }
        Ok(Remote {
            stream,
            session,
            stdin_open: session.stdin,
            size: (0, 0),
            farewell: None,
            detach: Detach::default(),
        })
    }

    /// Says these words to standard error when the session is over.
    #[must_use]
    pub fn with_farewell(mut self, words: Option<String>) -> Remote {
        self.farewell = words;
        self
    }

    /// Lets go of the process when these keys are typed.
    #[must_use]
    pub fn with_detach(mut self, keys: Detach) -> Remote {
        self.detach = keys;
        self
    }

    fn end(&mut self, io: &mut Io<'_>) {
        if self.session.raw {
            io.stdin.set_raw(false);
        }
    }

    /// Tells the process how large the terminal is, when that has changed.
    fn resize(&mut self, io: &mut Io<'_>) {
        let size = (io.terminal.columns, io.terminal.rows);
        if self.session.raw && size != self.size && size.0 > 0 {
            self.size = size;
            let text = to_json(&value!({"Width": size.0, "Height": size.1}));
            io.api.write(self.stream, channel::RESIZE, text.as_bytes());
        }
    }

    fn closed(&mut self, io: &mut Io<'_>, status: Option<Status>) -> Result<Outcome, Failure> {
        self.end(io);
        let Some(status) = status.filter(|status| !(200..300).contains(&status.code) || !status.reason.is_empty())
        else {
            if let Some(words) = self.farewell.take() {
                io.eprintln(words);
            }
            return Ok(Outcome::Done);
        };
        if status.is("NonZeroExitCode") {
            let code = status.causes.iter().find(|cause| cause.reason == "ExitCode");
            let code = code.and_then(|cause| cause.message.parse().ok()).unwrap_or(1);
            return Err(Failure::Code(format!("command terminated with exit code {code}"), code));
        }
        Err(Failure::Error(status.message))
    }
}

impl Waiting for Remote {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        self.resize(io);
        loop {
            match io.api.poll(self.stream) {
                StreamItem::Pending => break,
                StreamItem::Data(channel::STDOUT, bytes) => io.out.put(&bytes),
                StreamItem::Data(channel::STDERR, bytes) => io.err.put(&bytes),
                StreamItem::Data(channel::ERROR, bytes) => {
                    let document = parse_json(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
                    io.api.close(self.stream);
                    let status = (document["status"] != "Success").then(|| Status::from_value(500, &document));
                    return self.closed(io, status);
                }
                StreamItem::Data(..) | StreamItem::Event(_) => {}
                StreamItem::Closed(status) => return self.closed(io, status),
            }
        }
        while self.stdin_open {
            match io.stdin.take() {
                Input::Data(bytes) if bytes.is_empty() => {}
                Input::Data(bytes) => {
                    let (bytes, over) = self.detach.filter(&bytes);
                    if !bytes.is_empty() {
                        io.api.write(self.stream, channel::STDIN, &bytes);
                    }
                    if over {
                        io.api.write(self.stream, channel::STDIN, &[]);
                        self.stdin_open = false;
                    }
                }
                Input::End => {
                    io.api.write(self.stream, channel::STDIN, &[]);
                    self.stdin_open = false;
                }
                Input::Pending => break,
            }
        }
        Ok(Outcome::Wait(Wait { stdin: self.stdin_open, ..Wait::streams([self.stream]) }))
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        self.end(io);
        io.api.close(self.stream);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::Detach;

    #[test]
    fn keys_that_come_together_end_what_is_typed() {
        for (keys, typed, passed, over) in [
            ("ctrl-p,ctrl-q", &["a\x10", "\x11b"][..], "a", true),
            ("ctrl-p,ctrl-q", &["\x10", "x\x11"], "\x10x\x11", false),
            ("ctrl-p,ctrl-q", &["\x10\x10\x11"], "\x10", true),
            ("ctrl-[,x", &["\x1bx"], "", true),
            ("", &["\x10\x11"], "\x10\x11", false),
        ] {
            let mut detach = Detach::new(keys).unwrap();
            let (mut out, mut ended) = (Vec::new(), false);
            for bytes in typed {
                let (passed, over) = detach.filter(bytes.as_bytes());
                out.extend(passed);
                ended |= over;
            }
            assert_eq!((String::from_utf8(out).unwrap().as_str(), ended), (passed, over), "{keys} {typed:?}");
        }
        for wrong in ["nope-x", "ctrl-1", "a,,b"] {
            assert!(Detach::new(wrong).unwrap_err().words().starts_with("could not bind detach keys"), "{wrong}");
        }
    }
}
