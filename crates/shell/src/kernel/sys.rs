//! The system calls: what one program sees of the machine while it is stepped.

mod processes;

use std::sync::Arc;

use drydock_value::Time;

use super::files::Object;
use super::{Env, Fd, Flavour, Kernel, Open, Pid, Program, Read, Step, TtyMode};
use crate::{Errno, Host, User, Vfs, join};

/// What a program sees of its machine.
pub struct Sys<'a> {
    kernel: &'a mut Kernel,
    host: &'a mut dyn Host,
    pid: Pid,
    charge: u32,
    replacement: Option<Box<dyn Program>>,
}

/// Open files at these numbers are the program's own: children do not inherit them.
const PRIVATE_FDS: std::ops::Range<Fd> = 10..60;

impl<'a> Sys<'a> {
    pub(super) fn new(kernel: &'a mut Kernel, host: &'a mut dyn Host, pid: Pid) -> Sys<'a> {
        Sys { kernel, host, pid, charge: 0, replacement: None }
    }

    pub(super) fn finish(self) -> (u32, Option<Box<dyn Program>>) {
        (self.charge, self.replacement)
    }

    // ---- who and when ----

    /// The time.
    pub fn now(&self) -> Time {
        self.kernel.now
    }

    /// When the machine started.
    pub fn booted(&self) -> Time {
        self.kernel.booted
    }

    /// This process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Its parent; 0 when it was started from outside.
    pub fn parent(&self) -> Pid {
        self.kernel
            .processes
            .get(&self.pid)
            .map_or(0, |process| if process.parent == super::run::ORPHAN { 1 } else { process.parent })
    }

    /// Its words; the first is the command.
    pub fn args(&self) -> Arc<Vec<String>> {
        self.kernel.processes.get(&self.pid).map(|process| Arc::clone(&process.argv)).unwrap_or_default()
    }

    /// Its user.
    pub fn user(&self) -> User {
        self.kernel.processes.get(&self.pid).map(|process| process.user).unwrap_or_default()
    }

    /// What processes may do on this machine.
    pub fn rights(&self) -> &super::Rights {
        &self.kernel.rights
    }

    /// The machine's name.
    pub fn hostname(&self) -> &str {
        &self.kernel.hostname
    }

    /// Whose words the machine's programs use.
    pub fn flavour(&self) -> Flavour {
        self.kernel.flavour
    }

    /// A random number.
    pub fn random(&mut self) -> u64 {
        self.host.random()
    }

    /// Adds to what this step costs: about one unit for what takes a microsecond on a real machine.
    pub fn charge(&mut self, fuel: u32) {
        self.charge = self.charge.saturating_add(fuel);
    }

    /// What surrounds the machine.
    pub fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    /// The surroundings and the files at once, for calls that take both.
    pub fn host_and_files(&mut self) -> (&mut dyn Host, &mut Vfs) {
        (self.host, &mut self.kernel.files)
    }

    // ---- environment ----

    /// An environment variable.
    pub fn env(&self, name: &str) -> Option<String> {
        self.kernel.processes.get(&self.pid)?.env.get(name).cloned()
    }

    /// The whole environment.
    pub fn environment(&self) -> Arc<Env> {
        self.kernel.processes.get(&self.pid).map(|process| Arc::clone(&process.env)).unwrap_or_default()
    }

    /// Replaces the environment.
    pub fn set_environment(&mut self, env: Arc<Env>) {
        if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
            process.env = env;
        }
    }

    /// The working directory.
    pub fn cwd(&self) -> String {
        self.kernel.processes.get(&self.pid).map_or_else(|| "/".into(), |process| process.cwd.clone())
    }

    /// Changes the working directory.
    ///
    /// # Errors
    /// When it is no directory or may not be entered.
    pub fn set_cwd(&mut self, path: &str) -> Result<(), Errno> {
        let path = self.path(path);
        if !self.kernel.files.stat(&path)?.is_dir() {
            return Err(Errno::NotDir);
        }
        if !self.kernel.files.access(&path, 1) {
            return Err(Errno::Denied);
        }
        if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
            process.cwd = path;
        }
        Ok(())
    }

    /// Makes a directory the root of this process's paths, and its working directory (`chroot`).
    ///
    /// # Errors
    /// When it is no directory, or the user is not root.
    pub(crate) fn change_root(&mut self, path: &str) -> Result<(), Errno> {
        let path = self.path(path);
        if !self.kernel.files.stat(&path)?.is_dir() {
            return Err(Errno::NotDir);
        }
        if self.user().uid != 0 {
            return Err(Errno::NotPermitted);
        }
        let node = self.kernel.files.node(&path)?;
        if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
            process.root = Some(node);
            process.cwd = "/".into();
            self.kernel.files.act_within(process.user, process.root);
        }
        Ok(())
    }

    /// A path as this process means it, absolute. A slash at its end stays.
    pub fn path(&self, path: &str) -> String {
        let cwd = self.kernel.processes.get(&self.pid).map_or("/", |process| process.cwd.as_str());
        let mut joined = join(cwd, path);
        if path.ends_with('/') && joined != "/" {
            joined.push('/');
        }
        joined
    }

    /// The file system; paths there are absolute ([`Sys::path`]).
    pub fn files(&mut self) -> &mut Vfs {
        &mut self.kernel.files
    }

    // ---- open files ----

    /// Opens a file.
    ///
    /// # Errors
    /// As the system call does.
    pub fn open(&mut self, path: &str, open: Open) -> Result<Fd, Errno> {
        let fd = self.kernel.free_fd(self.pid, 0)?;
        let id = self.kernel.open_path(self.pid, path, open)?;
        self.set_fd(fd, id);
        Ok(fd)
    }

    fn set_fd(&mut self, fd: Fd, id: u32) {
        let old = self.kernel.processes.get_mut(&self.pid).and_then(|process| process.fds.insert(fd, id));
        if let Some(old) = old {
            self.kernel.release(old);
        }
    }

    /// Closes an open file; an unknown number is no error.
    pub fn close(&mut self, fd: Fd) {
        let old = self.kernel.processes.get_mut(&self.pid).and_then(|process| process.fds.remove(&fd));
        if let Some(old) = old {
            self.kernel.release(old);
        }
    }

    /// A second number for an open file, the lowest free one that is at least `least`.
    ///
    /// # Errors
    /// When the file is not open or there are too many.
    pub fn dup(&mut self, fd: Fd, least: Fd) -> Result<Fd, Errno> {
        let id = self.kernel.description_of(self.pid, fd)?;
        let new = self.kernel.free_fd(self.pid, least)?;
        self.kernel.retain(id);
        self.set_fd(new, id);
        Ok(new)
    }

    /// Makes `to` lead to the same open file as `from`.
    ///
    /// # Errors
    /// When `from` is not open.
    pub fn dup_to(&mut self, from: Fd, to: Fd) -> Result<(), Errno> {
        let id = self.kernel.description_of(self.pid, from)?;
        if from != to {
            self.kernel.retain(id);
            self.set_fd(to, id);
        }
        Ok(())
    }

    /// Opens bytes for reading, as if they were a file; at the lowest free number that is at least `least`.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn open_bytes(&mut self, bytes: Vec<u8>, least: Fd) -> Result<Fd, Errno> {
        let fd = self.kernel.free_fd(self.pid, least)?;
        let id = self.kernel.describe(Object::Text { bytes: Arc::new(bytes), offset: 0 })?;
        self.set_fd(fd, id);
        Ok(fd)
    }

    /// The whole content of a file as this process names it: also `/dev/fd/N` and `/proc`, as far as it is there
    /// already (a pipe is not waited for).
    ///
    /// # Errors
    /// As opening and reading it would.
    pub fn read_file(&mut self, path: &str) -> Result<Vec<u8>, Errno> {
        let fd = self.open(path, Open::Read)?;
        let mut all = Vec::new();
        let result = loop {
            match self.read(fd, 1 << 20) {
                Read::Data(bytes) if all.len() + bytes.len() <= (64 << 20) => all.extend(bytes),
                Read::Data(_) => break Err(Errno::TooBig),
                Read::Eof | Read::Pending => break Ok(all),
                Read::Error(error) => break Err(error),
            }
        };
        self.close(fd);
        result
    }

    /// A new pipe: the end to read and the end to write. Like all numbers from 10 to 59, theirs are not inherited.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn pipe(&mut self) -> Result<(Fd, Fd), Errno> {
        let id = self.kernel.new_pipe();
        let read_fd = self.kernel.free_fd(self.pid, PRIVATE_FDS.start)?;
        let read = self.kernel.describe(Object::PipeRead(id))?;
        self.set_fd(read_fd, read);
        let write_fd = self.kernel.free_fd(self.pid, PRIVATE_FDS.start)?;
        let write = self.kernel.describe(Object::PipeWrite(id))?;
        self.set_fd(write_fd, write);
        Ok((read_fd, write_fd))
    }

    /// The numbers of the open files.
    pub fn fds(&self) -> Vec<Fd> {
        self.kernel.processes.get(&self.pid).map(|process| process.fds.keys().copied().collect()).unwrap_or_default()
    }

    /// Reads some bytes.
    pub fn read(&mut self, fd: Fd, max: usize) -> Read {
        let random = self.host.random_if(self.kernel.object_of(self.pid, fd));
        self.kernel.read_fd(self.pid, fd, max.max(1), false, random)
    }

    /// Reads some bytes, up to a line feed at most.
    pub fn read_line(&mut self, fd: Fd, max: usize) -> Read {
        let random = self.host.random_if(self.kernel.object_of(self.pid, fd));
        self.kernel.read_fd(self.pid, fd, max.max(1), true, random)
    }

    /// Writes as many bytes as the file takes now. What [`Sys::put`] has not written yet comes first, so nothing is
    /// taken before that is done.
    ///
    /// # Errors
    /// When the file cannot be written; a broken pipe is a signal too.
    pub fn write(&mut self, fd: Fd, bytes: &[u8]) -> Result<usize, Errno> {
        let id = self.kernel.description_of(self.pid, fd)?;
        if self.kernel.processes.get(&self.pid).is_some_and(|process| !process.pending.is_empty()) {
            return Ok(0);
        }
        let written = self.kernel.write_description(id, bytes);
        if let Err(error) = written {
            self.kernel.write_failed(self.pid, error);
        }
        written
    }

    /// Writes all bytes: what the file does not take now is kept, and the process is not stepped again before it is
    /// written. A broken pipe becomes a signal.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put(&mut self, fd: Fd, bytes: &[u8]) -> Result<(), Errno> {
        let id = self.kernel.description_of(self.pid, fd)?;
        if bytes.is_empty() {
            return Ok(());
        }
        self.charge = self.charge.saturating_add((bytes.len() / 1024) as u32);
        let busy = self.kernel.processes.get(&self.pid).is_some_and(|process| !process.pending.is_empty());
        let taken = if busy {
            0
        } else {
            match self.kernel.write_description(id, bytes) {
                Ok(taken) => taken,
                Err(error) => {
                    self.kernel.write_failed(self.pid, error);
                    return Err(error);
                }
            }
        };
        if let Some(rest) = bytes.get(taken..)
            && !rest.is_empty()
        {
            self.kernel.retain(id);
            if let Some(process) = self.kernel.processes.get_mut(&self.pid) {
                match process.pending.back_mut() {
                    Some((last, queue)) if *last == id => {
                        queue.extend_from_slice(rest);
                        self.kernel.release(id);
                    }
                    _ => process.pending.push_back((id, rest.to_vec())),
                }
            }
        }
        Ok(())
    }

    /// Whether output is kept back that could not be written yet; a program with much to print stops its step then.
    pub fn output_blocked(&self) -> bool {
        self.kernel.processes.get(&self.pid).is_some_and(|process| !process.pending.is_empty())
    }

    /// Prints to standard output.
    pub fn print(&mut self, text: &str) {
        let _ = self.put(1, text.as_bytes());
    }

    /// Prints to standard error.
    pub fn eprint(&mut self, text: &str) {
        let _ = self.put(2, text.as_bytes());
    }

    // ---- terminal ----

    /// Whether an open file is a terminal.
    pub fn is_tty(&self, fd: Fd) -> bool {
        matches!(self.kernel.object_of(self.pid, fd), Ok(Object::Tty(_)))
    }

    fn tty(&mut self, fd: Fd) -> Option<&mut super::Tty> {
        let Ok(Object::Tty(id)) = self.kernel.object_of(self.pid, fd) else { return None };
        let id = *id;
        self.kernel.ttys.get_mut(&id)
    }

    /// A terminal's columns and rows.
    pub fn tty_size(&mut self, fd: Fd) -> Option<(u16, u16)> {
        self.tty(fd).map(|tty| (tty.columns, tty.rows))
    }

    /// How a terminal treats its input and output.
    pub fn tty_mode(&mut self, fd: Fd) -> Option<TtyMode> {
        self.tty(fd).map(|tty| tty.mode)
    }

    /// Sets how a terminal treats its input and output.
    pub fn set_tty_mode(&mut self, fd: Fd, mode: TtyMode) {
        if let Some(tty) = self.tty(fd) {
            tty.set_mode(mode);
        }
    }

    /// Gives back bytes that were read from a terminal and not used.
    pub fn unread_tty(&mut self, fd: Fd, bytes: &[u8]) {
        if let Some(tty) = self.tty(fd) {
            tty.unread(bytes);
        }
    }

    /// Gives back bytes that were read from a terminal in another mode, as if they were typed now.
    pub fn retype(&mut self, fd: Fd, bytes: &[u8]) {
        let Some(tty) = self.tty(fd) else { return };
        let foreground = tty.foreground;
        for signal in tty.type_bytes(bytes) {
            if let Some(group) = foreground {
                self.kernel.send_signal_to_group(group, signal);
            }
        }
    }

    /// Discards a terminal's output that nobody has taken yet.
    pub fn flush_tty(&mut self, fd: Fd) {
        if let Some(tty) = self.tty(fd) {
            tty.flush();
        }
    }

    /// Puts a process group into a terminal's foreground; 0 is this process's own.
    pub fn set_foreground(&mut self, fd: Fd, group: Pid) {
        let own = self.kernel.processes.get(&self.pid).map_or(0, |process| process.group);
        if let Some(tty) = self.tty(fd) {
            tty.foreground = Some(if group == 0 { own } else { group });
        }
    }

    /// A name for the terminal that an open file is.
    pub fn tty_name(&self, fd: Fd) -> Option<String> {
        match self.kernel.object_of(self.pid, fd) {
            Ok(Object::Tty(id)) => Some(format!("/dev/pts/{}", id.0)),
            _ => None,
        }
    }
}

/// The program of an executable that only the host knows: asked for it at the first step, since a process may be started
/// where no host is at hand.
#[derive(Clone)]
pub(super) struct HostProgram {
    pub name: String,
}

impl Program for HostProgram {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        match sys.host.program(&self.name) {
            Some(program) => {
                sys.replacement = Some(program);
                Step::Continue
            }
            None => {
                sys.eprint(&format!("{}: this program is not simulated\n", self.name));
                Step::Exit(126)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

trait RandomIf {
    fn random_if(&mut self, object: Result<&Object, Errno>) -> u64;
}

impl RandomIf for &mut dyn Host {
    /// Draws only for the random device, so that other reads leave the generator alone.
    fn random_if(&mut self, object: Result<&Object, Errno>) -> u64 {
        if matches!(object, Ok(Object::Random)) { self.random() } else { 0 }
    }
}
