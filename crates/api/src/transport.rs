//! How a client reaches an API server.

use drydock_value::Value;

use crate::{Request, Response, Status};

/// A stream that a [`Transport`] holds for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// The channels of exec, attach and port-forward streams, as Kubernetes numbers them.
pub mod channel {
    /// From the client to the process.
    pub const STDIN: u8 = 0;
    /// The process's output; also log lines and forwarded bytes.
    pub const STDOUT: u8 = 1;
    /// The process's error output.
    pub const STDERR: u8 = 2;
    /// The final `Status`, as JSON.
    pub const ERROR: u8 = 3;
    /// Terminal sizes, as JSON, from the client.
    pub const RESIZE: u8 = 4;
}

/// What a stream has for its client.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    /// Nothing now; ask again when [`Transport::ready`] says so.
    Pending,
    /// A watch event: `{"type": "ADDED", "object": {...}}`.
    Event(Value),
    /// Bytes on one of the [`channel`]s.
    Data(u8, Vec<u8>),
    /// The end, with the error if it was one. For exec, a process's exit code arrives as a `Status` with reason
    /// `NonZeroExitCode` and a cause `ExitCode`. The stream is gone after this.
    Closed(Option<Status>),
}

/// The way to an API server. In-process it is the simulated cluster; it may as well be HTTP. Requests answer at once;
/// whatever waits is a stream, so that a client can be a state machine that is stepped, cloned and stopped.
pub trait Transport {
    /// One exchange. Never fails otherwise than by a response: an unreachable server is a `Status` with code 0.
    fn send(&mut self, request: Request) -> Response;

    /// Opens a stream: a `GET` with `watch=true` or `follow=true`, or exec, attach or port-forward.
    ///
    /// # Errors
    /// The server's refusal.
    fn open(&mut self, request: Request) -> Result<StreamId, Status>;

    /// Takes the next item of a stream. An unknown stream is closed.
    fn poll(&mut self, stream: StreamId) -> StreamItem;

    /// Whether [`Transport::poll`] has something other than `Pending`.
    fn ready(&self, stream: StreamId) -> bool;

    /// Sends bytes on a channel; an empty slice on stdin closes it.
    fn write(&mut self, stream: StreamId, channel: u8, bytes: &[u8]);

    /// Lets go of a stream.
    fn close(&mut self, stream: StreamId);

    /// The server's address for messages, such as `https://192.168.49.2:8443`.
    fn server(&self) -> String;
}

/// No server at all: every request is refused as by a closed port.
#[derive(Debug, Clone, Default)]
pub struct Null;

impl Null {
    fn refusal(&self) -> Status {
        Status::new(0, "", "dial tcp 127.0.0.1:8080: connect: connection refused")
    }
}

impl Transport for Null {
    fn send(&mut self, _: Request) -> Response {
        Response::from(self.refusal())
    }

    fn open(&mut self, _: Request) -> Result<StreamId, Status> {
        Err(self.refusal())
    }

    fn poll(&mut self, _: StreamId) -> StreamItem {
        StreamItem::Closed(None)
    }

    fn ready(&self, _: StreamId) -> bool {
        true
    }

    fn write(&mut self, _: StreamId, _: u8, _: &[u8]) {}

    fn close(&mut self, _: StreamId) {}

    fn server(&self) -> String {
        "http://localhost:8080".into()
    }
}
