//! [`Host`]: what surrounds a machine.

use std::net::IpAddr;
use std::time::Duration;

use drydock_api::{Null, Transport};

use crate::{Env, Program, Vfs};

/// A network connection or a listening port, as the host numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// A file that is open in an editor outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EditId(pub u64);

/// Why the network refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NetError {
    NameNotFound,
    Refused,
    TimedOut,
    Unreachable,
    Reset,
    AddressInUse,
}

impl NetError {
    /// The text that programs print.
    pub fn message(self) -> &'static str {
        match self {
            NetError::NameNotFound => "Name or service not known",
            NetError::Refused => "Connection refused",
            NetError::TimedOut => "Connection timed out",
            NetError::Unreachable => "No route to host",
            NetError::Reset => "Connection reset by peer",
            NetError::AddressInUse => "Address already in use",
        }
    }
}

/// What a socket has received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recv {
    /// Nothing yet; wait for the socket.
    Pending,
    /// Some bytes.
    Data(Vec<u8>),
    /// The other side has closed.
    Eof,
    /// The connection broke, or never came about.
    Failed(NetError),
}

/// What surrounds a machine. Whatever has a default here is absent by default.
pub trait Host {
    /// A program beyond the utilities, by the name that the executable file carries: kubectl, nginx, minikube.
    fn program(&mut self, name: &str) -> Option<Box<dyn Program>> {
        let _ = name;
        None
    }

    /// The API server as it is reached from this machine.
    fn api(&mut self) -> &mut dyn Transport;

    /// A random number, from the session's seeded generator.
    fn random(&mut self) -> u64;

    /// Completions of a command's last word (`words[0]` is the command); none when the command has no completion of
    /// its own, then file names are offered.
    fn complete(&mut self, words: &[String], files: &mut Vfs, cwd: &str, env: &Env) -> Vec<String> {
        let _ = (words, files, cwd, env);
        Vec::new()
    }

    /// An interactive shell has finished a command line, with this exit code. Lessons listen to it.
    fn entered(&mut self, line: &str, code: i32) {
        let _ = (line, code);
    }

    /// Does something with the surroundings themselves, as words that the host knows, and answers what is to be printed.
    ///
    /// # Errors
    /// Why not, as it is to be printed.
    fn control(&mut self, words: &[String]) -> Result<String, String> {
        Err(format!("{}: not available here", words.first().map_or("", String::as_str)))
    }

    /// Opens a file in the editor pane. None: there is no editor here.
    fn edit(&mut self, path: &str) -> Option<EditId> {
        let _ = path;
        None
    }

    /// Whether an edit has ended: `Some(true)` saved, `Some(false)` given up.
    fn edit_done(&self, edit: EditId) -> Option<bool> {
        let _ = edit;
        Some(false)
    }

    /// Gives up an edit that is still open (its program was interrupted).
    fn edit_cancel(&mut self, edit: EditId) {
        let _ = edit;
    }

    /// The addresses of a name.
    ///
    /// # Errors
    /// When the name is unknown or no name server answers.
    fn resolve(&mut self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        let _ = name;
        Err(NetError::NameNotFound)
    }

    /// The full name that a name stands for (after the search list), with its addresses.
    ///
    /// # Errors
    /// As [`Host::resolve`].
    fn lookup(&mut self, name: &str) -> Result<(String, Vec<IpAddr>), NetError> {
        self.resolve(name).map(|addresses| (name.to_owned(), addresses))
    }

    /// The name of an address.
    fn reverse(&mut self, address: IpAddr) -> Option<String> {
        let _ = address;
        None
    }

    /// The records of one kind that the name server has for a full name, or with `search` for what a name is completed to:
    /// each record's name, kind and data. None: nobody answers.
    fn query(&mut self, name: &str, kind: &str, search: bool) -> Option<Vec<(String, &'static str, String)>> {
        let _ = (name, kind, search);
        None
    }

    /// Listens on a TCP port of this machine.
    ///
    /// # Errors
    /// When the port is taken.
    fn listen(&mut self, port: u16) -> Result<SocketId, NetError> {
        let _ = port;
        Err(NetError::Unreachable)
    }

    /// Takes the next connection to a listening port.
    fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        let _ = listener;
        None
    }

    /// Begins a TCP connection. How it went is told by [`Host::connected`].
    ///
    /// # Errors
    /// When it is refused at once.
    fn connect(&mut self, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        let _ = (address, port);
        Err(NetError::Unreachable)
    }

    /// Waits for datagrams on a UDP port of this machine. Those of one sender pass for a connection, which
    /// [`Host::accept`] takes: each is received whole, and what is sent goes back to that sender.
    ///
    /// # Errors
    /// When the port is taken.
    fn listen_datagrams(&mut self, port: u16) -> Result<SocketId, NetError> {
        let _ = port;
        Err(NetError::Unreachable)
    }

    /// A socket whose datagrams go to a UDP port: nothing goes before the first is sent, and what nobody waits for comes
    /// back as a refusal.
    ///
    /// # Errors
    /// When there is no way there.
    fn connect_datagrams(&mut self, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        let _ = (address, port);
        Err(NetError::Unreachable)
    }

    /// Whether a connection stands; None while it is being made.
    fn connected(&mut self, socket: SocketId) -> Option<Result<(), NetError>> {
        let _ = socket;
        Some(Err(NetError::Unreachable))
    }

    /// The address of a connection's other side.
    fn peer(&self, socket: SocketId) -> Option<(IpAddr, u16)> {
        let _ = socket;
        None
    }

    /// Sends bytes; how many were taken, zero when the other side does not keep up.
    ///
    /// # Errors
    /// When the connection is broken.
    fn send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, NetError> {
        let _ = (socket, bytes);
        Err(NetError::Unreachable)
    }

    /// Receives bytes.
    fn recv(&mut self, socket: SocketId) -> Recv {
        let _ = socket;
        Recv::Eof
    }

    /// Tells the other side that nothing more is sent.
    fn shutdown(&mut self, socket: SocketId) {
        let _ = socket;
    }

    /// Closes a connection or a listening port.
    fn close(&mut self, socket: SocketId) {
        let _ = socket;
    }

    /// Whether a socket has something new: a connection stands or failed, bytes or the end have come, a listening port
    /// has a connection, or there is room to send again after [`Host::send`] took less than was given.
    fn socket_ready(&self, socket: SocketId) -> bool {
        let _ = socket;
        true
    }

    /// What an address answers to an echo request, as `ping` sends them.
    fn echo(&mut self, address: IpAddr) -> Echo {
        let _ = address;
        Echo::Silence
    }

    /// The sockets of this machine.
    fn sockets(&self) -> Vec<SocketInfo> {
        Vec::new()
    }

    /// The addresses of this machine, for `hostname -i` and the like.
    fn addresses(&self) -> Vec<IpAddr> {
        Vec::new()
    }

    /// The name server's address, for `nslookup`.
    fn name_server(&self) -> Option<IpAddr> {
        None
    }
}

/// What comes back of an echo request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Echo {
    /// The answer.
    Reply {
        /// The routers on the way.
        routers: Vec<IpAddr>,
        /// There and back.
        trip: Duration,
    },
    /// Somebody on the way says that nobody has the address.
    Unreachable(IpAddr),
    /// Nothing.
    Silence,
}

/// A socket, as `netstat` and `ss` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketInfo {
    /// Whether it is one of datagrams.
    pub datagrams: bool,
    /// This side.
    pub local: (IpAddr, u16),
    /// The other side; none of one that waits for whoever comes.
    pub remote: Option<(IpAddr, u16)>,
    /// Whether the connection stands.
    pub established: bool,
}

/// No surroundings at all: no further commands, no API server, no network. Its random numbers are a fixed sequence.
#[derive(Debug, Clone, Default)]
pub struct NoHost {
    api: Null,
    drawn: u64,
}

impl Host for NoHost {
    fn api(&mut self) -> &mut dyn Transport {
        &mut self.api
    }

    fn random(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.drawn ^ (self.drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }
}
