//! Streams that clients hold, and the way in for their requests.
//!
//! [`Cluster`](crate::Cluster) is a [`Transport`](drydock_api::Transport): requests go to the API server, and what the
//! API server hands on ([`Connect`](drydock_apiserver::Connect)) goes to the kubelets.
//!
//! - [`Streams`]: the open streams, as plain data. Components push into them; clients poll.
//! - `transport`: requests and streams. `connect`: what is served by kubelets: logs, exec, attach, port-forward.
//! - `inside`: those that processes of the cluster hold.
//! - `proxy`: requests that are passed on to pods, services and nodes. `outside`: the workstation's own connections.

mod connect;
pub mod inside;
mod outside;
mod proxy;
mod transport;

use drydock_sorted::SortedMap;
use std::collections::VecDeque;

use drydock_api::{Cause, Status, StreamId, StreamItem};
use drydock_apiserver::Watch;
use drydock_shell::SocketId;

use crate::kubelet::serve::Seat;
use crate::queue::NodeId;
use crate::runtime::LogOptions;

/// What may wait in a stream before its source must wait.
const BYTES_MAX: usize = 256 << 10;

/// Where a stream's items come from.
#[derive(Debug, Clone)]
enum Source {
    /// The API server's change log.
    Watch(Box<Watch>),
    /// A container's log, from a line on.
    Log { node: NodeId, container: u64, next: u64, options: LogOptions, left: Option<u64> },
    /// A process.
    Process(Seat),
    /// A connection to a port of a pod; the pod's name and port for messages.
    Port { socket: SocketId, port: u16, unsent: VecDeque<u8>, ended: bool },
}

/// An open stream.
#[derive(Debug, Clone)]
struct Stream {
    source: Source,
    items: VecDeque<StreamItem>,
    bytes: usize,
}

/// The open streams.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    last: u64,
    open: SortedMap<StreamId, Stream>,
    /// Streams that are promised to a source that is still being made, with what came for them already.
    promised: SortedMap<StreamId, VecDeque<StreamItem>>,
    /// Those of processes of the cluster.
    pub inside: inside::Inside,
}

impl Streams {
    /// A number for a stream whose source is being made.
    fn promise(&mut self) -> StreamId {
        self.last += 1;
        let id = StreamId(self.last);
        self.promised.insert(id, VecDeque::new());
        id
    }

    /// Takes a promise back.
    fn withdraw(&mut self, id: StreamId) {
        self.promised.remove(&id);
    }

    /// Opens a stream that was promised.
    fn fulfil(&mut self, id: StreamId, source: Source) {
        let items = self.promised.remove(&id).unwrap_or_default();
        let bytes = items.iter().map(size).sum();
        self.open.insert(id, Stream { source, items, bytes });
    }

    fn add(&mut self, source: Source) -> StreamId {
        let id = self.promise();
        self.fulfil(id, source);
        id
    }

    fn put(&mut self, stream: StreamId, item: StreamItem) {
        if let Some(open) = self.open.get_mut(&stream) {
            open.bytes += size(&item);
            open.items.push_back(item);
        } else if let Some(items) = self.promised.get_mut(&stream) {
            items.push_back(item);
        }
    }

    /// Puts bytes into a stream.
    pub fn push(&mut self, stream: StreamId, channel: u8, bytes: Vec<u8>) {
        self.put(stream, StreamItem::Data(channel, bytes));
    }

    /// Whether a stream's source should wait until its client has read.
    pub fn is_full(&self, stream: StreamId) -> bool {
        self.open.get(&stream).is_some_and(|open| open.bytes >= BYTES_MAX)
    }

    /// Ends a stream with a process's exit code.
    pub fn exit(&mut self, stream: StreamId, code: i32) {
        let status = (code != 0).then(|| {
            let message = format!("command terminated with non-zero exit code: exit code {code}");
            let cause = Cause { reason: "ExitCode".into(), message: code.to_string(), field: String::new() };
            Status { causes: vec![cause], ..Status::new(500, "NonZeroExitCode", message) }
        });
        self.end(stream, status);
    }

    /// Ends a stream.
    pub fn end(&mut self, stream: StreamId, status: Option<Status>) {
        self.put(stream, StreamItem::Closed(status));
    }

    /// The API server is gone, and with it every watch.
    pub fn end_watches(&mut self) {
        self.open.retain(|_, stream| !matches!(stream.source, Source::Watch(_)));
    }

    /// How many streams are open.
    pub fn count(&self) -> usize {
        self.open.len()
    }
}

fn size(item: &StreamItem) -> usize {
    if let StreamItem::Data(_, bytes) = item { bytes.len() } else { 0 }
}
