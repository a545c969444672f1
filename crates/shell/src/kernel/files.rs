//! Open files.

use std::collections::VecDeque;
use std::sync::Arc;

use super::hardware::CGROUP;
use super::pipe::Pipe;
use super::{DESCRIPTIONS_MAX, FDS_MAX, Fd, Kernel, Pid, PipeId, TtyId};
use crate::vfs::{Device, Kind, NodeId};
use crate::{Errno, join};

/// What a read gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Some bytes, at least one.
    Data(Vec<u8>),
    /// The end.
    Eof,
    /// Nothing yet; wait for the file.
    Pending,
    /// It cannot be read.
    Error(Errno),
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    /// For reading.
    Read,
    /// For writing, from its beginning; made or emptied first.
    Write,
    /// For writing at its end; made if need be.
    Append,
    /// For reading and writing; made if need be, not emptied.
    ReadWrite,
    /// For writing; it must not exist yet (`set -C`).
    New,
}

#[derive(Debug, Clone)]
pub(super) enum Object {
    Null,
    Zero,
    Full,
    Random,
    Tty(TtyId),
    PipeRead(PipeId),
    PipeWrite(PipeId),
    File {
        node: NodeId,
        offset: u64,
        append: bool,
        readable: bool,
        writable: bool,
    },
    /// Something made up when it was opened, as in `/proc`.
    Text {
        bytes: Arc<Vec<u8>>,
        offset: usize,
    },
}

/// An open file; several numbers of several processes may lead to it.
#[derive(Debug, Clone)]
pub(super) struct Description {
    pub refs: u32,
    pub object: Object,
}

impl Kernel {
    pub(super) fn describe(&mut self, object: Object) -> Result<u32, Errno> {
        if self.descriptions.len() >= DESCRIPTIONS_MAX {
            return Err(Errno::TooManyFiles);
        }
        match &object {
            Object::PipeRead(id) => {
                if let Some(pipe) = self.pipes.get_mut(id) {
                    pipe.readers += 1;
                }
            }
            Object::PipeWrite(id) => {
                if let Some(pipe) = self.pipes.get_mut(id) {
                    pipe.writers += 1;
                }
            }
            Object::File { node, .. } => self.files.opened(*node),
            _ => {}
        }
        let id = self.next_description;
        self.next_description += 1;
        self.descriptions.insert(id, Description { refs: 1, object });
        Ok(id)
    }

    pub(super) fn retain(&mut self, id: u32) {
        if let Some(description) = self.descriptions.get_mut(&id) {
            description.refs += 1;
        }
    }

    pub(super) fn release(&mut self, id: u32) {
        let Some(description) = self.descriptions.get_mut(&id) else { return };
        description.refs = description.refs.saturating_sub(1);
        if description.refs > 0 {
            return;
        }
        let Some(gone) = self.descriptions.remove(&id) else { return };
        match gone.object {
            Object::PipeRead(id) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.readers = pipe.readers.saturating_sub(1);
                }
                self.collect_pipe(id);
            }
            Object::PipeWrite(id) => {
                if let Some(pipe) = self.pipes.get_mut(&id) {
                    pipe.writers = pipe.writers.saturating_sub(1);
                }
                self.collect_pipe(id);
            }
            Object::File { node, .. } => self.files.closed(node),
            _ => {}
        }
    }

    pub(super) fn collect_pipe(&mut self, id: PipeId) {
        if self.pipes.get(&id).is_some_and(|pipe| pipe.readers == 0 && pipe.writers == 0) {
            self.pipes.remove(&id);
        }
    }

    pub(super) fn new_pipe(&mut self) -> PipeId {
        let id = PipeId(self.next_pipe);
        self.next_pipe += 1;
        self.pipes.insert(id, Pipe { buffer: VecDeque::new(), readers: 0, writers: 0 });
        id
    }

    /// The lowest free number of a process, at least `least`.
    pub(super) fn free_fd(&self, pid: Pid, least: Fd) -> Result<Fd, Errno> {
        let process = self.processes.get(&pid).ok_or(Errno::NoProcess)?;
        (least..FDS_MAX).find(|fd| !process.fds.contains_key(fd)).ok_or(Errno::TooManyFiles)
    }

    pub(super) fn description_of(&self, pid: Pid, fd: Fd) -> Result<u32, Errno> {
        self.processes.get(&pid).and_then(|process| process.fds.get(&fd)).copied().ok_or(Errno::BadFd)
    }

    pub(super) fn object_of(&self, pid: Pid, fd: Fd) -> Result<&Object, Errno> {
        let id = self.description_of(pid, fd)?;
        self.descriptions.get(&id).map(|description| &description.object).ok_or(Errno::BadFd)
    }

    /// Opens a path for a process: the description.
    pub(super) fn open_path(&mut self, pid: Pid, path: &str, open: Open) -> Result<u32, Errno> {
        let process = self.processes.get(&pid).ok_or(Errno::NoProcess)?;
        if path.is_empty() {
            return Err(Errno::NotFound);
        }
        let slash = if path.ends_with('/') { "/" } else { "" };
        let joined = join(&process.cwd, path);
        let followed = self.files.follow(&joined);
        if let Some(fd) = followed.strip_prefix("/dev/fd/").or_else(|| followed.strip_prefix("/proc/self/fd/")) {
            let id = self.description_of(pid, fd.parse().map_err(|_| Errno::NotFound)?)?;
            return self.reopen(id);
        }
        if super::proc::is_told(&followed) {
            return self.open_proc(pid, &followed);
        }
        if open == Open::Read
            && let Some(text) = followed.strip_prefix(CGROUP).and_then(|name| self.cgroup_text(name))
        {
            return self.describe(Object::Text { bytes: Arc::new(text.into_bytes()), offset: 0 });
        }
        let (readable, writable) = match open {
            Open::Read => (true, false),
            Open::Write | Open::Append | Open::New => (false, true),
            Open::ReadWrite => (true, true),
        };
        let joined = joined + slash;
        let node = match open {
            Open::Read => {
                let stat = self.files.stat(&joined)?;
                self.files.check_read(stat.node)?;
                stat.node
            }
            Open::New if self.files.stat(&joined).is_ok_and(|stat| stat.is_file()) => return Err(Errno::Exists),
            _ => self.files.create(&joined, 0o644)?,
        };
        let stat = self.files.stat_open(node)?;
        let object = match stat.kind {
            Kind::Device(Device::Null) => Object::Null,
            Kind::Device(Device::Zero) => Object::Zero,
            Kind::Device(Device::Full) => Object::Full,
            Kind::Device(Device::Random) => Object::Random,
            Kind::Device(Device::Tty) => {
                Object::Tty(self.processes.get(&pid).and_then(|process| process.tty).ok_or(Errno::NotTty)?)
            }
            _ => {
                if matches!(open, Open::Write | Open::New) {
                    self.files.truncate(node, 0)?;
                }
                Object::File { node, offset: 0, append: open == Open::Append, readable, writable }
            }
        };
        self.describe(object)
    }

    pub(super) fn reopen(&mut self, id: u32) -> Result<u32, Errno> {
        self.retain(id);
        Ok(id)
    }

    /// Whether a read would give something other than `Pending`.
    pub(super) fn readable(&self, pid: Pid, fd: Fd) -> bool {
        match self.object_of(pid, fd) {
            Ok(Object::Tty(id)) => {
                let group = self.processes.get(&pid).map(|process| process.group);
                self.ttys.get(id).is_none_or(|tty| {
                    tty.hung_up || (tty.readable() && (tty.foreground.is_none() || tty.foreground == group))
                })
            }
            Ok(Object::PipeRead(id)) => {
                self.pipes.get(id).is_none_or(|pipe| !pipe.buffer.is_empty() || pipe.writers == 0)
            }
            _ => true,
        }
    }

    /// Whether a write would take something, or fail.
    pub(super) fn writable(&self, description: u32) -> bool {
        match self.descriptions.get(&description).map(|description| &description.object) {
            Some(Object::Tty(id)) => self.ttys.get(id).is_none_or(|tty| tty.hung_up || tty.room() > 0),
            Some(Object::PipeWrite(id)) => self.pipes.get(id).is_none_or(|pipe| pipe.readers == 0 || pipe.room() > 0),
            _ => true,
        }
    }

    /// Reads from an open file; with `line`, a pipe, terminal or file gives no more than up to a line feed.
    pub(super) fn read_fd(&mut self, pid: Pid, fd: Fd, max: usize, line: bool, random: u64) -> Read {
        let id = match self.description_of(pid, fd) {
            Ok(id) => id,
            Err(error) => return Read::Error(error),
        };
        if !self.readable(pid, fd) {
            return Read::Pending;
        }
        let Some(description) = self.descriptions.get_mut(&id) else { return Read::Error(Errno::BadFd) };
        let upto = |bytes: &mut Vec<u8>| {
            if line && let Some(at) = bytes.iter().position(|b| *b == b'\n') {
                bytes.truncate(at + 1);
            }
        };
        let bytes = match &mut description.object {
            Object::Null => Vec::new(),
            Object::Zero | Object::Full => vec![0; max.min(4096)],
            Object::Random => {
                let mut state = random | 1;
                let mut next = || {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 24) as u8
                };
                (0..max.min(4096)).map(|_| next()).collect()
            }
            Object::Tty(id) => match self.ttys.get_mut(id) {
                Some(tty) => {
                    let mut bytes = tty.read(max);
                    let whole = bytes.len();
                    let all = bytes.clone();
                    upto(&mut bytes);
                    if bytes.len() < whole {
                        tty.unread(all.get(bytes.len()..).unwrap_or_default());
                    }
                    bytes
                }
                None => Vec::new(),
            },
            Object::PipeRead(id) => match self.pipes.get_mut(id) {
                Some(pipe) => {
                    let end = pipe.buffer.iter().take(max).position(|b| line && *b == b'\n').map_or(max, |at| at + 1);
                    pipe.read(end)
                }
                None => Vec::new(),
            },
            Object::File { readable: false, .. } | Object::PipeWrite(_) => return Read::Error(Errno::BadFd),
            Object::File { node, offset, .. } => match self.files.read_at(*node, *offset, max) {
                Ok(mut bytes) => {
                    upto(&mut bytes);
                    *offset += bytes.len() as u64;
                    bytes
                }
                Err(error) => return Read::Error(error),
            },
            Object::Text { bytes, offset } => {
                let end = offset.saturating_add(max).min(bytes.len());
                let mut piece = bytes.get(*offset..end).unwrap_or_default().to_vec();
                upto(&mut piece);
                *offset += piece.len();
                piece
            }
        };
        if bytes.is_empty() { Read::Eof } else { Read::Data(bytes) }
    }

    /// Writes to an open file: how many bytes it took.
    pub(super) fn write_description(&mut self, id: u32, bytes: &[u8]) -> Result<usize, Errno> {
        let description = self.descriptions.get_mut(&id).ok_or(Errno::BadFd)?;
        match &mut description.object {
            Object::Null | Object::Zero | Object::Random => Ok(bytes.len()),
            Object::Full => Err(Errno::NoSpace),
            Object::Tty(id) => Ok(self.ttys.get_mut(id).map_or(bytes.len(), |tty| tty.write(bytes))),
            Object::PipeWrite(id) => match self.pipes.get_mut(id) {
                Some(pipe) if pipe.readers > 0 => Ok(pipe.write(bytes)),
                _ => Err(Errno::Pipe),
            },
            Object::File { node, offset, append, writable: true, .. } => {
                if *append {
                    *offset = self.files.stat_open(*node)?.size;
                }
                self.files.write_at(*node, *offset, bytes)?;
                *offset += bytes.len() as u64;
                Ok(bytes.len())
            }
            Object::File { .. } | Object::PipeRead(_) | Object::Text { .. } => Err(Errno::BadFd),
        }
    }
}

pub(super) fn command_name(argv: &[String]) -> &str {
    argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word))
}
