//! What a running kubectl sees of the machine: one small trait a capability, each with a null implementation beside it.

use drydock_sorted::SortedMap;

use drydock_api::{StreamId, Transport};
use drydock_value::Time;

/// How the command was called.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// The words of the command line, without `kubectl` itself.
    pub args: Vec<String>,
    /// Environment variables: HOME, KUBECONFIG, KUBE_EDITOR, EDITOR, KUBECTL_EXTERNAL_DIFF, PATH ...
    pub vars: SortedMap<String, String>,
    /// The working directory, absolute.
    pub cwd: String,
    /// The home directory, absolute.
    pub home: String,
}

impl Env {
    /// A command line in `/`, without variables: for tests and one-off calls.
    pub fn of(args: &[&str]) -> Env {
        Env {
            args: args.iter().map(|a| (*a).to_owned()).collect(),
            cwd: "/".into(),
            home: "/".into(),
            ..Env::default()
        }
    }

    /// A variable's value; empty when it is not set.
    pub fn var(&self, name: &str) -> &str {
        self.vars.get(name).map_or("", String::as_str)
    }

    /// The folder for files that nobody keeps.
    pub fn temp(&self) -> &str {
        Some(self.var("TMPDIR")).filter(|folder| !folder.is_empty()).unwrap_or("/tmp")
    }

    /// A path made absolute against the working directory, without `.` and `..`. `~/` is the home directory.
    pub fn absolute(&self, path: &str) -> String {
        let joined = if path.starts_with('/') {
            path.to_owned()
        } else if let Some(rest) = path.strip_prefix("~/") {
            format!("{}/{rest}", self.home)
        } else {
            format!("{}/{path}", self.cwd)
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }
}

/// The file system. Paths are absolute. Errors are errno's words, as Go prints them: `no such file or directory`,
/// `is a directory`, `permission denied`.
pub trait Files {
    /// A file's bytes.
    ///
    /// # Errors
    /// errno's words.
    fn read(&mut self, path: &str) -> Result<Vec<u8>, String>;
    /// What a URL answers.
    ///
    /// # Errors
    /// kubectl's words.
    fn fetch(&mut self, url: &str) -> Result<Vec<u8>, String> {
        let why = "there is no way to the internet from here; save the file and pass its name";
        Err(format!("unable to read URL {url:?}: {why}"))
    }
    /// Writes a file whole; makes it when it is not there.
    ///
    /// # Errors
    /// errno's words.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), String>;
    /// The names in a folder, sorted, without `.` and `..`.
    ///
    /// # Errors
    /// errno's words.
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, String>;
    /// Whether something is there.
    fn exists(&mut self, path: &str) -> bool;
    /// Whether a folder is there.
    fn is_dir(&mut self, path: &str) -> bool;
    /// Whether an executable file is there.
    fn is_executable(&mut self, path: &str) -> bool {
        self.exists(path) && !self.is_dir(path)
    }
    /// When a file was last written, where that is known.
    fn modified(&mut self, _path: &str) -> Option<Time> {
        None
    }
    /// Removes a file, or a folder with everything in it.
    ///
    /// # Errors
    /// errno's words.
    fn remove(&mut self, path: &str) -> Result<(), String>;
    /// Makes a folder and those above it.
    ///
    /// # Errors
    /// errno's words.
    fn mkdir_all(&mut self, path: &str) -> Result<(), String>;
}

/// What standard input has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Some bytes; they are taken.
    Data(Vec<u8>),
    /// The end.
    End,
    /// Nothing now.
    Pending,
}

/// Standard input.
pub trait Stdin {
    /// Takes what there is.
    fn take(&mut self) -> Input;
    /// Switches a terminal between raw and line mode; nothing for a pipe.
    fn set_raw(&mut self, _raw: bool) {}
}

/// A child process that kubectl started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildId(pub u32);

/// How to start a child process.
#[derive(Debug, Clone, Default)]
pub struct Spawn {
    /// The program and its arguments. The program is looked up in PATH.
    pub argv: Vec<String>,
    /// Variables beyond kubectl's own.
    pub vars: Vec<(String, String)>,
    /// Whether its output comes to [`Children::output`] instead of going where kubectl's own goes.
    pub capture: bool,
}

/// Child processes: editors, `diff`, plugins, credential helpers.
pub trait Children {
    /// Starts one; it has kubectl's own standard streams unless captured.
    ///
    /// # Errors
    /// Go's words, such as `exec: "vi": executable file not found in $PATH`.
    fn spawn(&mut self, spawn: Spawn) -> Result<ChildId, String>;
    /// Its exit code once it has ended.
    fn poll(&mut self, child: ChildId) -> Option<i32>;
    /// What a captured child has written so far to standard output and standard error; it is taken.
    fn output(&mut self, child: ChildId) -> (Vec<u8>, Vec<u8>);
    /// Ends it.
    fn kill(&mut self, child: ChildId);
    /// Opens a file in the machine's editor: `spawn` of `$KUBE_EDITOR`, `$EDITOR` or `vi`, or an editor outside the
    /// machine that knows the path. The default spawns `argv` with the path behind it.
    ///
    /// # Errors
    /// As [`Children::spawn`].
    fn edit(&mut self, argv: &[String], path: &str) -> Result<ChildId, String> {
        let argv = argv.iter().cloned().chain([path.to_owned()]).collect();
        self.spawn(Spawn { argv, ..Spawn::default() })
    }
}

/// A socket of the machine that kubectl runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId(pub u32);

/// The machine's own network, for `port-forward` and `proxy`.
pub trait Network {
    /// Listens on the loopback address; port 0 asks for any.
    ///
    /// # Errors
    /// errno's words, such as `bind: address already in use`.
    fn listen(&mut self, port: u16) -> Result<(SocketId, u16), String>;
    /// Listens on a socket in the file system.
    ///
    /// # Errors
    /// errno's words; where there are no such sockets, it says so.
    fn listen_at(&mut self, _path: &str) -> Result<SocketId, String> {
        Err("socket: address family not supported by protocol".into())
    }
    /// A connection that someone made.
    fn accept(&mut self, listener: SocketId) -> Option<SocketId>;
    /// What the peer sent.
    fn receive(&mut self, socket: SocketId) -> Input;
    /// Sends to the peer.
    fn send(&mut self, socket: SocketId, bytes: &[u8]);
    /// Closes a socket or listener.
    fn close(&mut self, socket: SocketId);
}

/// What the standard streams are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether standard input is a terminal.
    pub stdin: bool,
    /// Whether standard output is a terminal.
    pub stdout: bool,
    /// Its width, when one is.
    pub columns: u16,
    /// Its height.
    pub rows: u16,
}

/// Everything outside a running command, borrowed for one step.
pub struct Io<'a> {
    /// The API server.
    pub api: &'a mut dyn Transport,
    /// The file system.
    pub files: &'a mut dyn Files,
    /// Standard input.
    pub stdin: &'a mut dyn Stdin,
    /// Child processes.
    pub children: &'a mut dyn Children,
    /// The machine's network.
    pub network: &'a mut dyn Network,
    /// Chance.
    pub random: &'a mut dyn FnMut() -> u64,
    /// The time.
    pub now: Time,
    /// What the standard streams are.
    pub terminal: Terminal,
    /// Standard output: bytes are appended.
    pub out: &'a mut dyn Output,
    /// Standard error: bytes are appended.
    pub err: &'a mut dyn Output,
}

/// Where output goes. Bytes are output; a host that cares in which order both streams were written has its own.
pub trait Output {
    /// Appends.
    fn put(&mut self, bytes: &[u8]);
}

impl Output for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl Io<'_> {
    /// Does something and answers what it wrote to standard output and standard error, instead of writing it.
    pub fn captured<T>(&mut self, work: impl FnOnce(&mut Io<'_>) -> T) -> (T, Vec<u8>, Vec<u8>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let done = work(&mut Io {
            api: &mut *self.api,
            files: &mut *self.files,
            stdin: &mut *self.stdin,
            children: &mut *self.children,
            network: &mut *self.network,
            random: &mut *self.random,
            now: self.now,
            terminal: self.terminal,
            out: &mut out,
            err: &mut err,
        });
        (done, out, err)
    }

    /// Prints to standard output.
    pub fn print(&mut self, text: impl AsRef<str>) {
        self.out.put(text.as_ref().as_bytes());
    }

    /// Prints a line to standard output.
    pub fn println(&mut self, text: impl AsRef<str>) {
        self.print(text);
        self.out.put(b"\n");
    }

    /// Prints to standard error.
    pub fn eprint(&mut self, text: impl AsRef<str>) {
        self.err.put(text.as_ref().as_bytes());
    }

    /// Prints a line to standard error.
    pub fn eprintln(&mut self, text: impl AsRef<str>) {
        self.eprint(text);
        self.err.put(b"\n");
    }
}

/// What a command waits for; any of it wakes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wait {
    /// A moment.
    pub until: Option<Time>,
    /// Streams of the API.
    pub streams: Vec<StreamId>,
    /// Sockets of the machine's network.
    pub sockets: Vec<SocketId>,
    /// Standard input.
    pub stdin: bool,
    /// A child's end.
    pub child: bool,
    /// More from a file that answered [`AGAIN`].
    pub file: bool,
}

/// errno's words for a pipe under a file's name (`/dev/fd/63`) whose writer is not done yet: what there is, is kept by the
/// machine, and the file can be read once the writer has ended.
pub const AGAIN: &str = "resource temporarily unavailable";

impl Wait {
    /// For something on any of these streams.
    pub fn streams(streams: impl IntoIterator<Item = StreamId>) -> Wait {
        Wait { streams: streams.into_iter().collect(), ..Wait::default() }
    }

    /// For a moment.
    pub fn until(time: Time) -> Wait {
        Wait { until: Some(time), ..Wait::default() }
    }

    /// Also for a moment, when one is given.
    #[must_use]
    pub fn or_until(mut self, time: Option<Time>) -> Wait {
        self.until = match (self.until, time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self
    }

    /// For a child to end.
    pub fn child() -> Wait {
        Wait { child: true, ..Wait::default() }
    }
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The command is over, with this exit code.
    Exit(i32),
    /// Nothing to do until one of these happens.
    Wait(Wait),
    /// More to do at once.
    Continue,
}

/// No machine at all: no files, no children, no network, an empty standard input.
#[derive(Debug, Clone, Default)]
pub struct Nothing;

const ABSENT: &str = "no such file or directory";

impl Files for Nothing {
    fn read(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Err(ABSENT.into())
    }
    fn write(&mut self, _: &str, _: &[u8]) -> Result<(), String> {
        Err("read-only file system".into())
    }
    fn list_dir(&mut self, _: &str) -> Result<Vec<String>, String> {
        Err(ABSENT.into())
    }
    fn exists(&mut self, _: &str) -> bool {
        false
    }
    fn is_dir(&mut self, _: &str) -> bool {
        false
    }
    fn remove(&mut self, _: &str) -> Result<(), String> {
        Err(ABSENT.into())
    }
    fn mkdir_all(&mut self, _: &str) -> Result<(), String> {
        Err("read-only file system".into())
    }
}

impl Stdin for Nothing {
    fn take(&mut self) -> Input {
        Input::End
    }
}

impl Children for Nothing {
    fn spawn(&mut self, spawn: Spawn) -> Result<ChildId, String> {
        let name = spawn.argv.first().map_or("", String::as_str);
        Err(format!("exec: \"{name}\": executable file not found in $PATH"))
    }
    fn poll(&mut self, _: ChildId) -> Option<i32> {
        Some(127)
    }
    fn output(&mut self, _: ChildId) -> (Vec<u8>, Vec<u8>) {
        (Vec::new(), Vec::new())
    }
    fn kill(&mut self, _: ChildId) {}
}

impl Network for Nothing {
    fn listen(&mut self, _: u16) -> Result<(SocketId, u16), String> {
        Err("bind: operation not permitted".into())
    }
    fn accept(&mut self, _: SocketId) -> Option<SocketId> {
        None
    }
    fn receive(&mut self, _: SocketId) -> Input {
        Input::End
    }
    fn send(&mut self, _: SocketId, _: &[u8]) {}
    fn close(&mut self, _: SocketId) {}
}
