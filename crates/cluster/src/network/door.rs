//! The API server's port on the network: what `curl` in a pod reaches as `https://kubernetes.default.svc`. TLS is not
//! simulated: clients speak plain HTTP where they mean HTTPS.

use drydock_api::{Body, Method, Request, Response};
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
        door.connections.push(Connection { socket, inbox: Vec::new(), outbox: Vec::new(), last: false });
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

impl Connection {
    /// Goes on; false when it is done.
    fn serve(&mut self, ctx: &mut Ctx<'_>) -> bool {
        while !self.last {
            match ctx.network.recv(self.socket, ctx.now, ctx.queue) {
                Recv::Data(bytes) => self.inbox.extend_from_slice(&bytes),
                Recv::Pending => break,
                Recv::Eof | Recv::Failed(_) => self.last = true,
            }
            loop {
                match http::Request::take(&mut self.inbox) {
                    Ok(Some(request)) => {
                        let keep = request.keep_alive();
                        let mut answer = answer(&request, ctx);
                        if request.header("user-agent").starts_with("kube-probe/") {
                            answer = answer.with(http::OVER_TLS, "max-age=31536000");
                        }
                        self.outbox.extend_from_slice(&answer.encode(&request.method, keep));
                        self.last |= !keep;
                    }
                    Ok(None) => break,
                    Err(_) => {
                        self.outbox.extend_from_slice(
                            &http::Response::new(400, "text/plain", "Bad Request").encode("GET", false),
                        );
                        self.last = true;
                        break;
                    }
                }
            }
        }
        while !self.outbox.is_empty() {
            match ctx.network.send(self.socket, &self.outbox, ctx.now, ctx.queue) {
                Ok(0) => return true,
                Ok(sent) => {
                    self.outbox.drain(..sent);
                }
                Err(_) => return false,
            }
        }
        !self.last
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

fn answer(request: &http::Request, ctx: &mut Ctx<'_>) -> http::Response {
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
    let response = match ctx.api.handle(asked, ctx.now) {
        Answer::Response(response) => response,
        Answer::Watch(mut watch) => {
            // What has happened so far; a connection is not held open for more.
            let mut lines = String::new();
            while let Some(event) = ctx.api.poll_watch(&mut watch, ctx.now) {
                lines.push_str(&event.to_string());
                lines.push('\n');
            }
            Response::text(200, lines)
        }
        Answer::Connect(_) => {
            let why = "logs, exec, attach, port-forward and proxy are not served on the network yet";
            drydock_api::Status::new(501, "NotImplemented", why).into()
        }
    };
    let pretty = |value: &Value| to_json_pretty(value, 2).into_bytes();
    let (kind, body) = match &response.body {
        Body::Empty => ("text/plain", Vec::new()),
        Body::Value(value) => ("application/json", pretty(value)),
        Body::Bytes(bytes) => ("text/plain; charset=utf-8", bytes.clone()),
    };
    let said = response.headers.iter().find(|(name, _)| name == "content-type");
    let kind = said.map_or(kind, |(_, kind)| kind.as_str());
    http::Response::new(response.code, kind, body).with("Date", http::date(ctx.now))
}
