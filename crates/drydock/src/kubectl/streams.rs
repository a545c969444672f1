//! Watches, logs, exec, attach and port-forward: tasks that read them into queues.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use drydock_api::{Request, Status, StreamItem, channel};
use drydock_value::parse_json;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::bell::Bell;
use super::connect::Endpoint;
use super::transport::refusal;

/// Items that may wait for the command.
const QUEUE: usize = 256;
/// The longest line of a watch.
const LINE_MAX: usize = 32 << 20;
/// What a channel is closed with: this byte, then the channel.
const CLOSE: u8 = 255;

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a stream's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A JSON document a line.
    Watch,
    /// As they come.
    Plain,
    /// A WebSocket to a process.
    Process,
    /// A WebSocket to a port.
    Port,
}

impl Kind {
    pub(super) fn of(request: &Request) -> Kind {
        match request.path.rsplit('/').next() {
            Some("exec" | "attach") => Kind::Process,
            Some("portforward") => Kind::Port,
            _ if request.query_bool("watch") => Kind::Watch,
            _ => Kind::Plain,
        }
    }

    pub(super) fn is_socket(self) -> bool {
        matches!(self, Kind::Process | Kind::Port)
    }
}

#[derive(Default)]
struct Queue {
    items: Mutex<VecDeque<StreamItem>>,
    room: Notify,
}

impl Queue {
    fn items(&self) -> MutexGuard<'_, VecDeque<StreamItem>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an item in once there is room.
    async fn put(&self, item: StreamItem, bell: &Bell) {
        while self.items().len() >= QUEUE {
            self.room.notified().await;
        }
        self.items().push_back(item);
        bell.ring();
    }
}

/// An open stream. It ends when it is dropped.
pub(super) struct Stream {
    queue: Arc<Queue>,
    writes: Option<mpsc::UnboundedSender<Message>>,
    /// Whether channels can be closed one by one.
    closes: bool,
    reading: JoinHandle<()>,
    writing: Option<JoinHandle<()>>,
}

impl Stream {
    pub(super) fn take(&self) -> StreamItem {
        let item = self.queue.items().pop_front();
        if item.is_some() {
            self.queue.room.notify_one();
        }
        item.unwrap_or(StreamItem::Pending)
    }

    pub(super) fn ready(&self) -> bool {
        !self.queue.items().is_empty()
    }

    pub(super) fn write(&self, channel: u8, bytes: &[u8]) {
        let message = match bytes {
            [] if self.closes => vec![CLOSE, channel],
            [] => return,
            bytes => [&[channel], bytes].concat(),
        };
        if let Some(writes) = &self.writes {
            // A connection that broke is noticed when it is read.
            let _ = writes.send(Message::binary(message));
        }
    }

    /// Waits a moment until what was written has left.
    pub(super) async fn finish(mut self) {
        self.writes = None;
        if let Some(writing) = self.writing.take() {
            let _ = tokio::time::timeout(Duration::from_millis(200), writing).await;
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Opens a stream.
///
/// # Errors
/// The server's refusal.
pub(super) async fn open(
    endpoint: &Endpoint,
    mut request: hyper::Request<Full<Bytes>>,
    kind: Kind,
    bell: Arc<Bell>,
) -> Result<Stream, Status> {
    let mut sender = endpoint.connect().await?;
    if kind.is_socket() {
        let protocols = if kind == Kind::Port { V4.to_owned() } else { format!("{V5}, {V4}") };
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        for (name, value) in [(header::SEC_WEBSOCKET_KEY, generate_key()), (header::SEC_WEBSOCKET_PROTOCOL, protocols)]
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
    let response = sender.send_request(request).await.map_err(|error| Status::new(0, "", error.to_string()))?;
    let queue = Arc::new(Queue::default());
    if !kind.is_socket() {
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let (to, body) = (queue.clone(), response.into_body());
        let reading = tokio::spawn(async move {
            // The connection lasts as long as its sender.
            let _sender = sender;
            read(body, kind, &to, &bell).await;
            to.put(StreamItem::Closed(None), &bell).await;
        });
        return Ok(Stream { queue, writes: None, closes: false, reading, writing: None });
    }
    if response.status() != hyper::StatusCode::SWITCHING_PROTOCOLS {
        let mut status = refusal(response).await;
        if status.reason.is_empty() {
            // Said by a kubelet, in plain words.
            status.message = format!("unable to upgrade connection: {}", status.message);
        }
        return Err(status);
    }
    let protocol = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
    let closes = kind == Kind::Process && protocol.is_some_and(|protocol| protocol == V5);
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| Status::new(0, "", error.to_string()))?;
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await;
    let (sink, source) = socket.split();
    let (writes, written) = mpsc::unbounded_channel();
    let to = queue.clone();
    let reading = tokio::spawn(async move {
        let end = receive(source, kind, &to, &bell).await;
        to.put(StreamItem::Closed(end), &bell).await;
    });
    let writing = Some(tokio::spawn(send(sink, written)));
    Ok(Stream { queue, writes: Some(writes), closes, reading, writing })
}

async fn send(mut sink: SplitSink<Socket, Message>, mut written: mpsc::UnboundedReceiver<Message>) {
    while let Some(message) = written.recv().await {
        if sink.send(message).await.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}

/// Reads a body to its end.
async fn read(mut body: Incoming, kind: Kind, queue: &Queue, bell: &Bell) {
    let mut line: Vec<u8> = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        if kind == Kind::Plain {
            queue.put(StreamItem::Data(channel::STDOUT, data.into()), bell).await;
            continue;
        }
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if line.len() > LINE_MAX {
                return;
            }
            if line.ends_with(b"\n") {
                if let Some(event) = std::str::from_utf8(&line).ok().and_then(|text| parse_json(text).ok()) {
                    queue.put(StreamItem::Event(event), bell).await;
                }
                line.clear();
            }
        }
    }
}

/// Reads a WebSocket to its end: what it ended with.
async fn receive(mut source: SplitStream<Socket>, kind: Kind, queue: &Queue, bell: &Bell) -> Option<Status> {
    // A port's channels begin with its number.
    let mut heads = [2_usize; 2];
    while let Some(Ok(message)) = source.next().await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return None,
            _ => continue,
        };
        let Some((&number, mut rest)) = bytes.split_first() else { continue };
        if kind == Kind::Port {
            let Some(head) = heads.get_mut(usize::from(number)) else { continue };
            let skip = (*head).min(rest.len());
            *head -= skip;
            rest = &rest[skip..];
            if rest.is_empty() {
                continue;
            }
            if number == 1 {
                return Some(Status::new(500, "", String::from_utf8_lossy(rest)));
            }
            queue.put(StreamItem::Data(channel::STDOUT, rest.to_vec()), bell).await;
        } else if number == channel::ERROR {
            let mut status = parse_json(&String::from_utf8_lossy(rest)).unwrap_or_default();
            if status["status"] == "Success" {
                return None;
            }
            status.set("kind", "Status");
            return Some(Status::from_value(500, &status));
        } else if !rest.is_empty() {
            queue.put(StreamItem::Data(number, rest.to_vec()), bell).await;
        }
    }
    None
}
