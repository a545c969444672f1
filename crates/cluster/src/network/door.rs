//! The API server's port on the network: what `curl` in a pod reaches as `https://kubernetes.default.svc`. TLS is not
//! simulated: clients speak plain HTTP where they mean HTTPS.

use drydock_api::{Body, Method, Request, Response, Status, StreamId, StreamItem};
use drydock_apiserver::Answer;
use drydock_shell::{Recv, SocketId};
use drydock_value::{Time, Value, to_json_pretty};

use super::{NetworkWake, Place};
use crate::ctx::Ctx;
use crate::queue::{Event, EventQueue, NodeId};
use crate::runtime::programs::http;

/// Tells its sockets from others of its node.
const OWNER: u64 = u64::MAX - 1;
/// Connections at a time.
const CONNECTIONS_MAX: usize = 256;

/// The port and its connections.
#[derive(Debug, Clone)]
pub(super) struct Door {
    listener: SocketId,
    connections: Vec<Connection>,
}

#[derive(Debug, Clone)]
struct Connection {
    socket: SocketId,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    last: bool,
    /// A stream that it passes on, or an answer that it waits for.
    waiting: Option<Waiting>,
}

impl super::Network {
    /// Opens the API server's port on a node.
    pub fn open_door(&mut self, node: NodeId, port: u16) {
        if self.door.is_some() {
            return;
        }
        if let Ok(listener) = self.listen(Place::Node(node), port, OWNER, Event::Network(NetworkWake::ApiServer)) {
            self.door = Some(Door { listener, connections: Vec::new() });
        }
    }
}

impl super::Network {
    /// Whether the API server's port is open.
    pub fn has_door(&self) -> bool {
        self.door.is_some()
    }

    /// Closes the API server's port with all connections to it.
    pub fn close_door(&mut self, now: Time, queue: &mut EventQueue) {
        let Some(door) = self.door.take() else { return };
        for socket in door.connections.iter().map(|connection| connection.socket).chain([door.listener]) {
            self.close(socket, now, queue);
        }
    }
}

/// Serves whatever has come to the API server's port.
pub(super) fn serve(ctx: &mut Ctx<'_>) {
    let Some(mut door) = ctx.network.door.take() else { return };
    while door.connections.len() < CONNECTIONS_MAX {
        let Some(socket) = ctx.network.accept(door.listener) else { break };
        door.connections.push(Connection { socket, inbox: Vec::new(), outbox: Vec::new(), last: false, waiting: None });
    }
    door.connections.retain_mut(|connection| {
        let open = connection.serve(ctx);
        if !open {
            ctx.network.close(connection.socket, ctx.now, ctx.queue);
        }
        open
    });
    ctx.network.door = Some(door);
}

/// What a connection waits for.
#[derive(Debug, Clone)]
struct Waiting {
    stream: StreamId,
    /// Whether it is an answer, not a stream.
    whole: bool,
    /// Whether the head of the answer was sent.
    begun: bool,
    head: bool,
    keep: bool,
}

impl Connection {
    /// Goes on; false when it is done.
    fn serve(&mut self, ctx: &mut Ctx<'_>) -> bool {
        while !self.last {
            match ctx.network.recv(self.socket, ctx.now, ctx.queue) {
                Recv::Data(bytes) => self.inbox.extend_from_slice(&bytes),
                Recv::Pending => break,
                Recv::Eof | Recv::Failed(_) => self.last = true,
            }
        }
        loop {
            if self.waiting.is_some() && !self.go_on(ctx) {
                break;
            }
            match http::Request::take(&mut self.inbox) {
                Ok(Some(request)) => self.answer(&request, ctx),
                Ok(None) => break,
                Err(_) => {
                    let bad = http::Response::new(400, "text/plain", "Bad Request");
                    self.outbox.extend_from_slice(&bad.encode("GET", false));
                    self.last = true;
                    break;
                }
            }
        }
        while !self.outbox.is_empty() {
            match ctx.network.send(self.socket, &self.outbox, ctx.now, ctx.queue) {
                Ok(0) => return true,
                Ok(sent) => {
                    self.outbox.drain(..sent);
                }
                Err(_) => {
                    self.let_go(ctx);
                    return false;
                }
            }
        }
        if self.last {
            self.let_go(ctx);
        }
        !self.last
    }

    fn let_go(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(waiting) = self.waiting.take() {
            ctx.streams.inside.close(waiting.stream, ctx.now, ctx.queue);
        }
    }

    /// Passes on what came of what was asked for. Whether that was all.
    fn go_on(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let Some(mut waiting) = self.waiting.take() else { return true };
        if waiting.whole {
            let Some(answer) = ctx.streams.inside.take_answer(waiting.stream) else {
                self.waiting = Some(waiting);
                return false;
            };
            self.put(&answer, if waiting.head { "HEAD" } else { "GET" }, waiting.keep, ctx.now);
            return true;
        }
        loop {
            let (kind, bytes) = match ctx.streams.inside.poll(waiting.stream) {
                StreamItem::Pending => {
                    self.waiting = Some(waiting);
                    return false;
                }
                StreamItem::Event(event) => ("application/json", format!("{event}\n").into_bytes()),
                StreamItem::Data(_, bytes) => ("text/plain", bytes),
                StreamItem::Closed(Some(status)) if !waiting.begun => {
                    self.put(&status.into(), "GET", waiting.keep, ctx.now);
                    return true;
                }
                StreamItem::Closed(_) => {
                    self.begin(&mut waiting, "text/plain", ctx.now);
                    self.outbox.extend_from_slice(b"0\r\n\r\n");
                    self.last |= !waiting.keep;
                    return true;
                }
            };
            self.begin(&mut waiting, kind, ctx.now);
            if !bytes.is_empty() {
                self.outbox.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
                self.outbox.extend_from_slice(&bytes);
                self.outbox.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Sends the head of a stream's answer, once.
    fn begin(&mut self, waiting: &mut Waiting, kind: &str, now: Time) {
        if std::mem::replace(&mut waiting.begun, true) {
            return;
        }
        let connection = if waiting.keep { "keep-alive" } else { "close" };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nDate: {}\r\nTransfer-Encoding: chunked\r\nConnection: \
             {connection}\r\n\r\n",
            http::date(now)
        );
        self.outbox.extend_from_slice(head.as_bytes());
    }

    /// Puts a whole answer into the outbox.
    fn put(&mut self, response: &Response, method: &str, keep: bool, now: Time) {
        self.outbox.extend_from_slice(&whole(response, now).encode(method, keep));
        self.last |= !keep;
    }

    /// Answers a request, now or when the answer has come.
    fn answer(&mut self, request: &http::Request, ctx: &mut Ctx<'_>) {
        let keep = request.keep_alive();
        let asked = asked(request);
        let wake = Event::Network(NetworkWake::ApiServer);
        let follows = matches!(asked.query_value("follow"), Some("true" | "1"));
        let way = |name: &str| asked.path.ends_with(name);
        let streams = !["/exec", "/attach", "/portforward"].iter().any(|name| way(name));
        let (whole_answer, opened) = match ctx.api.handle(asked.clone(), ctx.now) {
            Answer::Response(response) => {
                let mut answer = whole(&response, ctx.now);
                if request.header("user-agent").starts_with("kube-probe/") {
                    answer = answer.with(http::OVER_TLS, "max-age=31536000");
                }
                self.outbox.extend_from_slice(&answer.encode(&request.method, keep));
                self.last |= !keep;
                return;
            }
            Answer::Connect(_) if !follows => {
                if !streams {
                    let why = "exec, attach and port-forward are not served over the cluster's own network";
                    self.put(&Status::new(501, "NotImplemented", why).into(), &request.method, keep, ctx.now);
                    return;
                }
                (true, ctx.streams.inside.send(asked, wake, ctx.now, ctx.queue))
            }
            _ => (false, ctx.streams.inside.open(asked, wake, ctx.now, ctx.queue)),
        };
        match opened {
            Ok(stream) => {
                let head = request.method == "HEAD";
                self.waiting = Some(Waiting { stream, whole: whole_answer, begun: false, head, keep });
            }
            Err(status) => self.put(&status.into(), &request.method, keep, ctx.now),
        }
    }
}

fn method(name: &str) -> Method {
    match name {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "HEAD" => Method::Head,
        _ => Method::Get,
    }
}

/// A request as the API server takes it.
fn asked(request: &http::Request) -> Request {
    let mut asked = Request::new(method(&request.method), http::decode(request.path()));
    if let Some((_, query)) = request.target.split_once('?') {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            asked = asked.param(http::decode(name), http::decode(text));
        }
    }
    for (name, text) in &request.headers {
        asked = asked.header(name, text);
    }
    if !request.body.is_empty() {
        asked.body = Body::Bytes(request.body.clone());
    }
    asked
}

/// An answer as it is sent.
fn whole(response: &Response, now: Time) -> http::Response {
    let pretty = |value: &Value| to_json_pretty(value, 2).into_bytes();
    let (kind, body) = match &response.body {
        Body::Empty => ("text/plain", Vec::new()),
        Body::Value(value) => ("application/json", pretty(value)),
        Body::Bytes(bytes) => ("text/plain; charset=utf-8", bytes.clone()),
    };
    let said = response.headers.iter().find(|(name, _)| name == "content-type");
    let kind = said.map_or(kind, |(_, kind)| kind.as_str());
    http::Response::new(response.code, kind, body).with("Date", http::date(now))
}
