//! Filters: utilities that are fed their input as it comes.

use std::collections::VecDeque;

use super::Call;
use crate::{Errno, Fd, Open, Read, Step, Wait};

/// A line longer than this is fed in pieces.
const LINE_BYTES_MAX: usize = 4 << 20;
/// What is read at once.
const CHUNK_BYTES: usize = 32 << 10;

/// What a filter answers to its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// More, please.
    Go,
    /// Nothing more of this file.
    Skip,
    /// Nothing more at all.
    Stop,
}

/// What a filter does with its input.
pub(crate) trait Filter: Send + Sync {
    /// A line with its line feed, which the last may lack; or a piece, if it does not want lines.
    fn line(&mut self, line: &[u8], call: &mut Call<'_, '_>) -> Flow;

    /// A file begins; `-` is standard input.
    fn open(&mut self, name: &str, call: &mut Call<'_, '_>) -> Flow {
        let _ = (name, call);
        Flow::Go
    }

    /// A file ends.
    fn close(&mut self, name: &str, call: &mut Call<'_, '_>) -> Flow {
        let _ = (name, call);
        Flow::Go
    }

    /// All input has ended: the exit code.
    fn end(&mut self, call: &mut Call<'_, '_>) -> i32 {
        let _ = call;
        0
    }

    /// Whether it wants lines.
    fn by_line(&self) -> bool {
        true
    }

    /// A copy in the same state.
    fn clone_box(&self) -> Box<dyn Filter>;
}

impl Clone for Box<dyn Filter> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// How a utility says that a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// `x: No such file or directory`, busybox the same.
    Plain,
    /// The same; busybox says `can't open 'x': ...`.
    CantOpen,
    /// GNU: `cannot open 'x' for reading: ...`; busybox plain.
    ForReading,
    /// As that, busybox `can't open 'x': ...`.
    ForReadingCantOpen,
    /// GNU: `failed to open 'x' for reading: ...`; busybox plain.
    FailedToOpen,
    /// GNU: `cannot read: x: ...`; busybox plain.
    CannotRead,
    /// GNU: `can't read x: ...`; busybox plain.
    CantRead,
}

impl Complaint {
    /// The message.
    pub fn message(self, name: &str, error: Errno, gnu: bool) -> String {
        match (self, gnu) {
            (Complaint::ForReading | Complaint::ForReadingCantOpen, true) if error == Errno::IsDir => {
                format!("error reading '{name}': {error}")
            }
            (Complaint::ForReading | Complaint::ForReadingCantOpen, true) => {
                format!("cannot open '{name}' for reading: {error}")
            }
            (Complaint::FailedToOpen, true) => format!("failed to open '{name}' for reading: {error}"),
            (Complaint::CannotRead, true) if error == Errno::IsDir => format!("read failed: {name}: {error}"),
            (Complaint::CannotRead, true) => format!("cannot read: {name}: {error}"),
            (Complaint::CantRead, true) if error == Errno::IsDir => format!("couldn't edit {name}: not a regular file"),
            (Complaint::CantRead, true) => format!("can't read {name}: {error}"),
            (Complaint::CantOpen | Complaint::ForReadingCantOpen, false) if error == Errno::IsDir => {
                format!("read error: {error}")
            }
            (Complaint::CantOpen | Complaint::ForReadingCantOpen, false) => format!("can't open '{name}': {error}"),
            _ => format!("{name}: {error}"),
        }
    }
}

/// A filter with its files.
#[derive(Clone)]
pub(crate) struct Stream {
    filter: Box<dyn Filter>,
    files: VecDeque<String>,
    current: Option<(Fd, String)>,
    buffer: Vec<u8>,
    complaint: Complaint,
    /// The exit code that an unreadable file leads to.
    failure: i32,
    /// Whether the first unreadable file ends everything.
    strict: bool,
    code: i32,
}

impl Stream {
    /// A filter over these files, or standard input if there are none.
    pub fn new(filter: impl Filter + 'static, files: &[String], complaint: Complaint) -> Stream {
        let files = if files.is_empty() { vec!["-".to_owned()] } else { files.to_vec() };
        Stream {
            filter: Box::new(filter),
            files: files.into(),
            current: None,
            buffer: Vec::new(),
            complaint,
            failure: 1,
            strict: false,
            code: 0,
        }
    }

    /// Sets the exit code that an unreadable file leads to.
    pub fn failing_with(mut self, code: i32) -> Stream {
        self.failure = code;
        self
    }

    /// Makes the first unreadable file the end.
    pub fn strict(mut self) -> Stream {
        self.strict = true;
        self
    }

    fn complain(&mut self, name: &str, error: Errno, call: &mut Call<'_, '_>) {
        let message = self.complaint.message(name, error, call.gnu());
        call.error(&message);
        self.code = self.failure;
    }

    pub fn step(&mut self, call: &mut Call<'_, '_>) -> Step {
        let Some((fd, name)) = self.current.clone() else {
            let Some(name) = self.files.pop_front() else {
                let code = self.filter.end(call);
                return Step::Exit(code.max(self.code));
            };
            let opened = if name == "-" { Ok(0) } else { call.sys.open(&name, Open::Read) };
            match opened {
                Ok(fd) => {
                    self.current = Some((fd, name.clone()));
                    if self.filter.open(&name, call) != Flow::Go {
                        self.finish_file(fd, &name, call);
                    }
                }
                Err(error) => {
                    self.complain(&name, error, call);
                    if self.strict {
                        return Step::Exit(self.code);
                    }
                }
            }
            return Step::Continue;
        };
        match call.sys.read(fd, CHUNK_BYTES) {
            Read::Pending => Wait::read(fd).into(),
            Read::Data(bytes) => {
                call.sys.charge(1 + (bytes.len() / 256) as u32);
                match self.feed(bytes, call) {
                    Flow::Go => Step::Continue,
                    Flow::Skip => {
                        self.buffer.clear();
                        self.finish_file(fd, &name, call);
                        Step::Continue
                    }
                    Flow::Stop => self.stop(call),
                }
            }
            Read::Eof => {
                let rest = std::mem::take(&mut self.buffer);
                if !rest.is_empty() && self.filter.line(&rest, call) == Flow::Stop {
                    return self.stop(call);
                }
                self.finish_file(fd, &name, call);
                Step::Continue
            }
            Read::Error(error) => {
                let shown = if name == "-" { "standard input".into() } else { name.clone() };
                self.complain(&shown, error, call);
                self.finish_file(fd, &name, call);
                Step::Continue
            }
        }
    }

    fn stop(&mut self, call: &mut Call<'_, '_>) -> Step {
        self.files.clear();
        let code = self.filter.end(call);
        Step::Exit(code.max(self.code))
    }

    fn finish_file(&mut self, fd: Fd, name: &str, call: &mut Call<'_, '_>) {
        if fd != 0 {
            call.sys.close(fd);
        }
        self.current = None;
        if self.filter.close(name, call) == Flow::Stop {
            self.files.clear();
        }
    }

    fn feed(&mut self, bytes: Vec<u8>, call: &mut Call<'_, '_>) -> Flow {
        if !self.filter.by_line() {
            return self.filter.line(&bytes, call);
        }
        let mut rest = bytes.as_slice();
        while let Some(at) = rest.iter().position(|b| *b == b'\n') {
            let (line, after) = rest.split_at(at + 1);
            rest = after;
            let flow = if self.buffer.is_empty() {
                self.filter.line(line, call)
            } else {
                self.buffer.extend_from_slice(line);
                let line = std::mem::take(&mut self.buffer);
                self.filter.line(&line, call)
            };
            if flow != Flow::Go {
                return flow;
            }
        }
        self.buffer.extend_from_slice(rest);
        if self.buffer.len() > LINE_BYTES_MAX {
            let line = std::mem::take(&mut self.buffer);
            return self.filter.line(&line, call);
        }
        Flow::Go
    }
}

/// A line without its line feed.
pub(crate) fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}
