//! kubectl as a program of the workstation: its small traits, answered by the machine's system calls.

use drydock_sorted::SortedMap;
use std::cell::{Cell, RefCell};
use std::time::Duration;

use drydock_api::{Request, Response, Status, StreamId, StreamItem, Transport};
use drydock_kubectl::env::{AGAIN, ChildId, Children, Files, Input, Network, Output, SocketId, Spawn, Stdin, Terminal};
use drydock_kubectl::{Command, Env, Io, Nothing, Step as CommandStep};
use drydock_shell::{
    Disposition, Errno, Fd, Pid, Program, Read, Recv, Signal, Spawn as MachineSpawn, Step, Sys, TtyMode, Vfs, Wait,
};
use drydock_value::Time;

/// From the start of the process to its first request.
const START: Duration = Duration::from_millis(20);
const STDIN: Fd = 0;
const STDOUT: Fd = 1;
const STDERR: Fd = 2;

/// A running kubectl.
#[derive(Clone, Default)]
pub(super) struct Kubectl {
    state: State,
    children: SortedMap<ChildId, Child>,
    next_child: u32,
    pipes: Pipes,
}

/// What was read so far of descriptors that have a file's name, and whether that is all of it.
type Pipes = SortedMap<Fd, (Vec<u8>, bool)>;

#[derive(Clone, Default)]
enum State {
    #[default]
    Starting,
    Loading(Time),
    Running(Box<Command>),
    Interrupted(i32),
}

#[derive(Clone, Default)]
struct Child {
    pid: Pid,
    /// Our ends of its captured output.
    pipes: Option<(Fd, Fd)>,
    printed: (Vec<u8>, Vec<u8>),
}

impl Program for Kubectl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        match &mut self.state {
            State::Starting => {
                let until = sys.now() + START;
                self.state = State::Loading(until);
                Wait::until(until).into()
            }
            State::Loading(until) if sys.now() < *until => Wait::until(*until).into(),
            State::Loading(_) => {
                self.state = State::Running(Box::new(Command::new(environment(sys))));
                Step::Continue
            }
            State::Running(command) => {
                let mut command = command.clone();
                match self.with_io(sys, |io| command.step(io)) {
                    // It is where it was before it asked, and asks again.
                    Err(stream) => Wait { streams: vec![stream], ..Wait::default() }.into(),
                    Ok(step) => {
                        self.state = State::Running(command);
                        match step {
                            CommandStep::Exit(code) => Step::Exit(code),
                            CommandStep::Continue => Step::Continue,
                            CommandStep::Wait(wait) => self.wait(wait).into(),
                        }
                    }
                }
            }
            State::Interrupted(code) => Step::Exit(*code),
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        let State::Running(command) = &self.state else { return Disposition::Default };
        if !matches!(signal, Signal::Int | Signal::Term | Signal::Hup) {
            return Disposition::Default;
        }
        // Ports and streams are let go of whatever ends it.
        let mut command = command.clone();
        let code = self.with_io(sys, |io| command.interrupt(io)).unwrap_or(130);
        self.state = State::Interrupted(code);
        if signal == Signal::Int { Disposition::Handled } else { Disposition::Default }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn environment(sys: &Sys<'_>) -> Env {
    let vars: SortedMap<String, String> = (*sys.environment()).clone();
    Env {
        args: sys.args().iter().skip(1).cloned().collect(),
        home: vars.get("HOME").cloned().unwrap_or_else(|| "/".into()),
        cwd: sys.cwd(),
        vars,
    }
}

impl Kubectl {
    /// What the command waits for, in the machine's terms.
    fn wait(&self, wait: drydock_kubectl::Wait) -> Wait {
        let mut read: Vec<Fd> = if wait.stdin { vec![STDIN] } else { Vec::new() };
        if wait.child {
            read.extend(self.children.values().filter_map(|child| child.pipes).flat_map(|(out, err)| [out, err]));
        }
        if wait.file {
            read.extend(self.pipes.iter().filter(|(_, (_, done))| !done).map(|(fd, _)| *fd));
        }
        Wait {
            until: wait.until,
            read,
            child: wait.child,
            streams: wait.streams,
            sockets: wait.sockets.iter().map(|socket| drydock_shell::SocketId(socket.0.into())).collect(),
            ..Wait::default()
        }
    }

    /// Does something with the machine's system calls. What to wait for, where an answer comes later: then nothing was
    /// written.
    fn with_io<T>(&mut self, sys: &mut Sys<'_>, work: impl FnOnce(&mut Io<'_>) -> T) -> Result<T, StreamId> {
        let now = sys.now();
        let size = [STDOUT, STDIN].into_iter().find_map(|fd| sys.tty_size(fd)).unwrap_or((80, 24));
        let terminal = Terminal { stdin: sys.is_tty(STDIN), stdout: sys.is_tty(STDOUT), columns: size.0, rows: size.1 };
        let machine = RefCell::new(sys);
        let written = RefCell::new(Written::default());
        let later = Cell::new(None);
        let mut pipes = std::mem::take(&mut self.pipes);
        let mut children = Processes { machine: &machine, kubectl: self };
        let result = work(&mut Io {
            api: &mut Door(&machine, &later),
            files: &mut FileSystem(&machine, &mut pipes),
            stdin: &mut StandardInput(&machine),
            children: &mut children,
            network: &mut Sockets(&machine),
            random: &mut || machine.borrow_mut().random(),
            now,
            terminal,
            out: &mut Stream(STDOUT, &written),
            err: &mut Stream(STDERR, &written),
        });
        self.pipes = pipes;
        if let Some(stream) = later.get() {
            return Err(stream);
        }
        let mut sys = machine.borrow_mut();
        for (fd, bytes) in written.into_inner() {
            // A broken pipe has become a signal by now.
            let _ = sys.put(fd, &bytes);
        }
        Ok(result)
    }
}

/// What was written in one step, to which stream, in order.
type Written = Vec<(Fd, Vec<u8>)>;

struct Stream<'w>(Fd, &'w RefCell<Written>);

impl Output for Stream<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let mut written = self.1.borrow_mut();
        match written.last_mut() {
            Some((fd, last)) if *fd == self.0 => last.extend_from_slice(bytes),
            _ if bytes.is_empty() => {}
            _ => written.push((self.0, bytes.to_vec())),
        }
    }
}

/// The machine's system calls, for several small traits at once. Each borrows them for one call only.
type Machine<'m, 'a, 'b> = &'m RefCell<&'a mut Sys<'b>>;

/// The way to the API server, and what to wait for when an answer comes later.
struct Door<'m, 'a, 'b>(Machine<'m, 'a, 'b>, &'m Cell<Option<StreamId>>);

impl Transport for Door<'_, '_, '_> {
    fn send(&mut self, request: Request) -> Response {
        let response = self.0.borrow_mut().host().api().send(request);
        if let Some(stream) = response.comes_later() {
            self.1.set(Some(stream));
        }
        response
    }
    fn open(&mut self, request: Request) -> Result<StreamId, Status> {
        self.0.borrow_mut().host().api().open(request)
    }
    fn poll(&mut self, stream: StreamId) -> StreamItem {
        self.0.borrow_mut().host().api().poll(stream)
    }
    fn ready(&self, stream: StreamId) -> bool {
        self.0.borrow_mut().host().api().ready(stream)
    }
    fn write(&mut self, stream: StreamId, channel: u8, bytes: &[u8]) {
        self.0.borrow_mut().host().api().write(stream, channel, bytes);
    }
    fn close(&mut self, stream: StreamId) {
        self.0.borrow_mut().host().api().close(stream);
    }
    fn server(&self) -> String {
        self.0.borrow_mut().host().api().server()
    }
}

/// errno's words as Go prints them: in lower case.
fn errno_words(error: Errno) -> String {
    error.message().to_lowercase()
}

struct FileSystem<'m, 'a, 'b, 'p>(Machine<'m, 'a, 'b>, &'p mut Pipes);

/// The descriptor that a file's name means: `/dev/fd/63`, as `<(…)` makes them.
fn descriptor(path: &str) -> Option<Fd> {
    if path == "/dev/stdin" {
        return Some(STDIN);
    }
    path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?.parse().ok()
}

impl Files for FileSystem<'_, '_, '_, '_> {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
        let mut sys = self.0.borrow_mut();
        let Some(fd) = descriptor(path) else {
            return sys.files().read(path).map(|bytes| bytes.to_vec()).map_err(errno_words);
        };
        if !self.1.contains_key(&fd) {
            self.1.insert(fd, (Vec::new(), false));
        }
        let Some((bytes, done)) = self.1.get_mut(&fd) else { return Ok(Vec::new()) };
        while !*done {
            match sys.read(fd, 1 << 16) {
                Read::Data(more) => bytes.extend(more),
                Read::Pending => return Err(AGAIN.to_owned()),
                Read::Eof => *done = true,
                Read::Error(error) => return Err(errno_words(error)),
            }
        }
        Ok(bytes.clone())
    }
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), String> {
        self.0.borrow_mut().files().write(path, bytes).map_err(errno_words)
    }
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, String> {
        let mut sys = self.0.borrow_mut();
        let entries = sys.files().list(path).map_err(errno_words)?;
        Ok(entries.into_iter().map(|entry| entry.name).collect())
    }
    fn exists(&mut self, path: &str) -> bool {
        if let Some(fd) = descriptor(path) {
            return self.0.borrow().fds().contains(&fd);
        }
        self.0.borrow_mut().files().exists(path)
    }
    fn is_dir(&mut self, path: &str) -> bool {
        self.0.borrow_mut().files().is_dir(path)
    }
    fn modified(&mut self, path: &str) -> Option<Time> {
        self.0.borrow_mut().files().stat(path).ok().map(|stat| stat.modified)
    }
    fn is_executable(&mut self, path: &str) -> bool {
        let mut sys = self.0.borrow_mut();
        !sys.files().is_dir(path) && sys.files().access(path, 1)
    }
    fn remove(&mut self, path: &str) -> Result<(), String> {
        self.0.borrow_mut().files().remove_all(path).map_err(errno_words)
    }
    fn mkdir_all(&mut self, path: &str) -> Result<(), String> {
        self.0.borrow_mut().files().mkdir_all(path).map_err(errno_words)
    }
}

struct StandardInput<'m, 'a, 'b>(Machine<'m, 'a, 'b>);

impl Stdin for StandardInput<'_, '_, '_> {
    fn take(&mut self) -> Input {
        match self.0.borrow_mut().read(STDIN, 1 << 16) {
            Read::Data(bytes) => Input::Data(bytes),
            Read::Pending => Input::Pending,
            _ => Input::End,
        }
    }
    fn set_raw(&mut self, raw: bool) {
        let mode = if raw { TtyMode::RAW } else { TtyMode::COOKED };
        self.0.borrow_mut().set_tty_mode(STDIN, mode);
    }
}

struct Processes<'m, 'a, 'b, 'k> {
    machine: Machine<'m, 'a, 'b>,
    kubectl: &'k mut Kubectl,
}

impl Processes<'_, '_, '_, '_> {
    /// Takes what captured children have printed, so that they do not wait for room.
    fn drain(&mut self, id: ChildId) {
        let Some(child) = self.kubectl.children.get_mut(&id) else { return };
        let Some((out, err)) = child.pipes else { return };
        let mut sys = self.machine.borrow_mut();
        for (fd, printed) in [(out, &mut child.printed.0), (err, &mut child.printed.1)] {
            while let Read::Data(bytes) = sys.read(fd, 1 << 16) {
                printed.extend(bytes);
            }
        }
    }
}

impl Children for Processes<'_, '_, '_, '_> {
    fn spawn(&mut self, spawn: Spawn) -> Result<ChildId, String> {
        let mut sys = self.machine.borrow_mut();
        let name = spawn.argv.first().cloned().unwrap_or_default();
        let failed = |error: Errno| match error {
            Errno::NotFound if !name.contains('/') => format!("exec: \"{name}\": executable file not found in $PATH"),
            error => format!("fork/exec {name}: {}", errno_words(error)),
        };
        let mut child = MachineSpawn::new(spawn.argv);
        if !spawn.vars.is_empty() {
            let mut env = (*sys.environment()).clone();
            env.extend(spawn.vars);
            child = child.env(env);
        }
        let mut pipes = None;
        if spawn.capture {
            let (out_read, out_write) = sys.pipe().map_err(failed)?;
            let (err_read, err_write) = sys.pipe().map_err(failed)?;
            child.fds = Some(vec![(STDIN, STDIN), (STDOUT, out_write), (STDERR, err_write)]);
            pipes = Some((out_read, err_read, out_write, err_write));
        }
        let started = sys.spawn(child);
        if let Some((_, _, out, err)) = pipes {
            sys.close(out);
            sys.close(err);
        }
        let pid = started.map_err(failed)?;
        let id = ChildId(self.kubectl.next_child);
        self.kubectl.next_child += 1;
        let pipes = pipes.map(|(out, err, _, _)| (out, err));
        self.kubectl.children.insert(id, Child { pid, pipes, ..Child::default() });
        Ok(id)
    }

    fn poll(&mut self, child: ChildId) -> Option<i32> {
        self.drain(child);
        let pid = self.kubectl.children.get(&child)?.pid;
        let code = self.machine.borrow_mut().wait(pid);
        if code.is_some() {
            self.drain(child);
        }
        code
    }

    fn output(&mut self, child: ChildId) -> (Vec<u8>, Vec<u8>) {
        self.drain(child);
        self.kubectl.children.get_mut(&child).map(|child| std::mem::take(&mut child.printed)).unwrap_or_default()
    }

    fn kill(&mut self, child: ChildId) {
        if let Some(child) = self.kubectl.children.get(&child) {
            // A child that is gone already needs no signal.
            let _ = self.machine.borrow_mut().kill(child.pid, Signal::Term);
        }
    }
}

struct Sockets<'m, 'a, 'b>(Machine<'m, 'a, 'b>);

fn machine_socket(socket: SocketId) -> drydock_shell::SocketId {
    drydock_shell::SocketId(socket.0.into())
}

fn own_socket(socket: drydock_shell::SocketId) -> SocketId {
    SocketId(u32::try_from(socket.0).unwrap_or(u32::MAX))
}

impl Network for Sockets<'_, '_, '_> {
    fn listen(&mut self, port: u16) -> Result<(SocketId, u16), String> {
        let mut sys = self.0.borrow_mut();
        // Any free port of the range that systems give out, when none is asked for.
        let port = if port == 0 { 32_768 + (sys.random() % 28_000) as u16 } else { port };
        let socket = sys.host().listen(port).map_err(|error| format!("bind: {}", error.message().to_lowercase()))?;
        Ok((own_socket(socket), port))
    }
    fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        self.0.borrow_mut().host().accept(machine_socket(listener)).map(own_socket)
    }
    fn receive(&mut self, socket: SocketId) -> Input {
        match self.0.borrow_mut().host().recv(machine_socket(socket)) {
            Recv::Data(bytes) => Input::Data(bytes),
            Recv::Pending => Input::Pending,
            Recv::Eof | Recv::Failed(_) => Input::End,
        }
    }
    fn send(&mut self, socket: SocketId, bytes: &[u8]) {
        // A connection that broke is noticed when it is read.
        let _ = self.0.borrow_mut().host().send(machine_socket(socket), bytes);
    }
    fn close(&mut self, socket: SocketId) {
        self.0.borrow_mut().host().close(machine_socket(socket));
    }
}

/// Completions of kubectl's last word.
pub(super) fn complete(
    words: &[String],
    host: &mut super::host::WorkstationHost<'_>,
    files: &mut Vfs,
    cwd: &str,
    env: &drydock_shell::Env,
) -> Vec<String> {
    struct Plain<'a>(&'a mut Vfs);
    impl Files for Plain<'_> {
        fn read(&mut self, path: &str) -> Result<Vec<u8>, String> {
            self.0.read(path).map(|bytes| bytes.to_vec()).map_err(errno_words)
        }
        fn write(&mut self, _: &str, _: &[u8]) -> Result<(), String> {
            Err("read-only file system".into())
        }
        fn list_dir(&mut self, path: &str) -> Result<Vec<String>, String> {
            Ok(self.0.list(path).map_err(errno_words)?.into_iter().map(|entry| entry.name).collect())
        }
        fn exists(&mut self, path: &str) -> bool {
            self.0.exists(path)
        }
        fn is_dir(&mut self, path: &str) -> bool {
            self.0.is_dir(path)
        }
        fn modified(&mut self, path: &str) -> Option<Time> {
            self.0.stat(path).ok().map(|stat| stat.modified)
        }
        fn remove(&mut self, _: &str) -> Result<(), String> {
            Err("read-only file system".into())
        }
        fn mkdir_all(&mut self, _: &str) -> Result<(), String> {
            Err("read-only file system".into())
        }
    }
    let now = host.cluster.now();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut io = Io {
        api: host.cluster,
        files: &mut Plain(files),
        stdin: &mut Nothing,
        children: &mut Nothing,
        network: &mut Nothing,
        random: &mut || 0,
        now,
        terminal: Terminal::default(),
        out: &mut out,
        err: &mut err,
    };
    let env = Env {
        args: words.to_vec(),
        home: env.get("HOME").cloned().unwrap_or_default(),
        vars: env.clone(),
        cwd: cwd.to_owned(),
    };
    drydock_kubectl::complete(&env, &mut io)
}
