//! Exec, attach and port-forward over WebSockets: `v5.channel.k8s.io`, `v4.channel.k8s.io` and the first of them,
//! `channel.k8s.io`, where the first byte of a message is its channel, and SPDY inside a WebSocket for port-forward.

use bytes::Bytes;
use drydock_api::{Request, Status, StreamItem, channel};
use drydock_value::{Value, to_json, value};
use futures_util::{SinkExt, StreamExt};
use hyper::header::{self, HeaderValue};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::message::{self, Outgoing};
use crate::owner::{Owner, Stream};
use crate::tunnel;

/// The most that one message may have.
const MESSAGE_MAX: usize = 4 << 20;
/// What a client closes a channel with: this byte, then the channel.
const CLOSE: u8 = 255;

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";
/// The oldest: the end is told of in words, and only when it is not good.
const V1: &str = "channel.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The client's protocols.
pub(crate) fn offered(parts: &hyper::http::request::Parts) -> Vec<&str> {
    let values = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',').map(str::trim)).collect()
}

/// The answer to a handshake.
pub(crate) fn switching(
    parts: &hyper::http::request::Parts,
    protocol: Option<&'static str>,
) -> Result<hyper::Response<Outgoing>, Status> {
    let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let key = key.ok_or_else(|| Status::bad_request("missing Sec-WebSocket-Key"))?;
    let mut response = hyper::Response::new(message::body(Bytes::new()));
    *response.status_mut() = hyper::StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    if let Ok(accepted) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    }
    Ok(response)
}

/// The first of the client's protocols that is known here.
fn protocol(parts: &hyper::http::request::Parts, path: &str) -> Result<&'static str, Status> {
    let known: &[&'static str] = if path.ends_with("/portforward") { &[TUNNEL, V4] } else { &[V5, V4, V1] };
    let offered = offered(parts);
    offered.iter().find_map(|offer| known.iter().find(|known| *known == offer).copied()).ok_or_else(|| {
        Status::bad_request(format!(
            "unable to upgrade: none of the requested protocols ({}) is supported, use {}",
            offered.join(", "),
            known.join(" or ")
        ))
    })
}

/// Answers a handshake. What the cluster refuses is refused before it.
pub(crate) async fn accept(
    owner: &Owner,
    request: Request,
    parts: &hyper::http::request::Parts,
    upgraded: OnUpgrade,
) -> Result<hyper::Response<Outgoing>, Status> {
    let protocol = protocol(parts, &request.path)?;
    let answer = switching(parts, Some(protocol))?;
    if protocol == TUNNEL {
        tunnel::check(owner, &request).await?;
        let owner = owner.clone();
        tokio::spawn(async move {
            if let Ok(io) = upgraded.await {
                let (incoming, outgoing) = carry(socket(io).await);
                tunnel::ports(owner, request, incoming, outgoing).await;
            }
        });
    } else if request.path.ends_with("/portforward") {
        let ports: Vec<u16> = request
            .query
            .iter()
            .filter(|(name, _)| name == "ports")
            .filter_map(|(_, port)| port.parse().ok())
            .collect();
        let mut streams = Vec::new();
        for port in &ports {
            streams.push((*port, owner.open(tunnel::to_port(&request, &port.to_string())).await?));
        }
        if streams.is_empty() {
            return Err(Status::bad_request("you must specify at least 1 port"));
        }
        tokio::spawn(async move {
            if let Ok(io) = upgraded.await {
                forward(socket(io).await, streams).await;
            }
        });
    } else {
        let attached = request.path.ends_with("/attach");
        let stream = start(owner, request).await?;
        tokio::spawn(async move {
            let Ok(io) = upgraded.await else { return };
            let mut socket = socket(io).await;
            match stream {
                Ok(stream) => process(socket, stream, attached, protocol).await,
                Err(status) => end(&mut socket, Some(&status), protocol).await,
            }
        });
    }
    Ok(answer)
}

pub(crate) async fn socket(io: Upgraded) -> Socket {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX)).max_frame_size(Some(MESSAGE_MAX));
    WebSocketStream::from_raw_socket(TokioIo::new(io), Role::Server, Some(config)).await
}

fn on(channel: u8, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(channel);
    message.extend_from_slice(bytes);
    Message::binary(message)
}

/// Starts a process. What fails only in the container is no refusal: the client hears of it where it hears of exit codes.
pub(crate) async fn start(owner: &Owner, request: Request) -> Result<Result<Stream, Status>, Status> {
    match owner.open(request).await {
        Err(status) if status.code == 500 => Ok(Err(status)),
        opened => opened.map(Ok),
    }
}

/// How a process ended, as the error channel tells it.
pub(crate) fn outcome(status: Option<&Status>) -> Value {
    match status {
        None => value!({"metadata": {}, "status": "Success"}),
        Some(status) => {
            let mut status = status.to_value();
            if status["reason"] == "NonZeroExitCode" {
                status.remove("code");
            }
            status.remove("kind");
            status.remove("apiVersion");
            status
        }
    }
}

pub(crate) async fn say_goodbye(socket: &mut Socket) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    // A client that has gone already needs no goodbye.
    let _ = socket.close(Some(frame)).await;
    // It answers with its own; until then the connection stands.
    let rest = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), rest).await;
}

/// What a client is told of a process's end: who is attached to it does not learn its exit code.
pub(crate) fn told(attached: bool, status: Option<Status>) -> Option<Status> {
    status.filter(|status| !attached || !status.is("NonZeroExitCode"))
}

/// Tells how a process ended, and closes.
async fn end(socket: &mut Socket, status: Option<&Status>, protocol: &str) {
    let status = match status {
        None if protocol == V1 => return say_goodbye(socket).await,
        Some(status) if protocol == V1 => status.message.clone(),
        status => to_json(&outcome(status)),
    };
    if socket.send(on(channel::ERROR, status.as_bytes())).await.is_ok() {
        say_goodbye(socket).await;
    }
}

/// Exec and attach.
async fn process(mut socket: Socket, mut stream: Stream, attached: bool, protocol: &str) {
    let writer = stream.writer();
    // The client learns that the connection stands.
    if socket.send(on(channel::STDOUT, &[])).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            item = stream.next() => match item {
                Some(StreamItem::Data(channel, bytes)) => {
                    if socket.send(on(channel, &bytes)).await.is_err() {
                        return;
                    }
                }
                Some(StreamItem::Closed(status)) => {
                    return end(&mut socket, told(attached, status).as_ref(), protocol).await;
                }
                Some(_) => {}
                None => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => match bytes.split_first() {
                    Some((&CLOSE, [channel::STDIN])) if protocol == V5 => writer.write(channel::STDIN, Vec::new()).await,
                    Some((&channel @ (channel::STDIN | channel::RESIZE), rest)) if !rest.is_empty() => {
                        writer.write(channel, rest.to_vec()).await;
                    }
                    _ => {}
                },
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Port-forward without SPDY: a pair of channels a port, data and errors; each begins with the port's number.
async fn forward(mut socket: Socket, streams: Vec<(u16, Stream)>) {
    let mut writers = Vec::new();
    // The items of all of them, with the number of theirs.
    let (sender, mut items) = mpsc::channel(16);
    for (number, (port, mut stream)) in (0_u8..).zip(streams) {
        for channel in [number * 2, number * 2 + 1] {
            if socket.send(on(channel, &port.to_le_bytes())).await.is_err() {
                return;
            }
        }
        writers.push(stream.writer());
        let sender = sender.clone();
        tokio::spawn(async move {
            while let Some(item) = stream.next().await {
                if sender.send((number, item)).await.is_err() {
                    return;
                }
            }
        });
        if number == 126 {
            break;
        }
    }
    drop(sender);
    loop {
        tokio::select! {
            item = items.recv() => match item {
                Some((number, StreamItem::Data(_, bytes))) => {
                    if socket.send(on(number * 2, &bytes)).await.is_err() {
                        return;
                    }
                }
                Some((number, StreamItem::Closed(Some(status)))) => {
                    if socket.send(on(number * 2 + 1, status.message.as_bytes())).await.is_err() {
                        return;
                    }
                }
                Some(_) => {}
                None => return say_goodbye(&mut socket).await,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let Some((channel, rest)) = bytes.split_first() else { continue };
                    if let Some(writer) = writers.get(usize::from(channel / 2)).filter(|_| channel % 2 == 0)
                        && !rest.is_empty()
                    {
                        writer.write(channel::STDIN, rest.to_vec()).await;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// A WebSocket as two queues of bytes.
fn carry(socket: Socket) -> (mpsc::Receiver<Bytes>, mpsc::Sender<Bytes>) {
    let (to_session, incoming) = mpsc::channel(16);
    let (outgoing, mut from_session) = mpsc::channel::<Bytes>(16);
    let (mut sink, mut stream) = socket.split();
    tokio::spawn(async move {
        while let Some(message) = stream.next().await {
            match message {
                Ok(Message::Binary(bytes)) => {
                    if to_session.send(bytes).await.is_err() {
                        return;
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    });
    tokio::spawn(async move {
        while let Some(bytes) = from_session.recv().await {
            let sent: Result<(), Error> = sink.send(Message::Binary(bytes)).await;
            if sent.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    });
    (incoming, outgoing)
}
