//! What runs over SPDY: port-forward, either inside a WebSocket or on its own, and exec and attach for clients that know
//! nothing newer.

use std::collections::BTreeMap;

use bytes::Bytes;
use drydock_api::{Request, Status, StreamItem, channel};
use drydock_value::to_json;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::message::{self, Outgoing};
use crate::owner::{Owner, Stream, Writer};
use crate::spdy::{self, Event, Session};
use crate::websocket;

/// The header that names the protocol within SPDY.
const VERSION: &str = "x-stream-protocol-version";
/// The most that one frame of data carries.
const DATA: usize = 32 << 10;
/// The most streams of one connection.
const STREAMS_MAX: usize = 1024;

type Incoming = mpsc::Receiver<Bytes>;
type Sending = mpsc::Sender<Bytes>;

/// The request for a connection to one port.
pub(crate) fn to_port(request: &Request, port: &str) -> Request {
    let mut request = request.clone();
    request.query = vec![("ports".into(), port.into())];
    request
}

/// Whether the cluster would let a client forward ports: asked without naming one, it only complains of that.
pub(crate) async fn check(owner: &Owner, request: &Request) -> Result<(), Status> {
    let mut request = request.clone();
    request.query.clear();
    match owner.open(request).await {
        Err(status) if status.message != "you must specify at least 1 port" => Err(status),
        _ => Ok(()),
    }
}

/// Answers a request to speak SPDY. What the cluster refuses is refused before it.
pub(crate) async fn accept(
    owner: &Owner,
    request: Request,
    parts: &hyper::http::request::Parts,
    upgraded: OnUpgrade,
) -> Result<hyper::Response<Outgoing>, Status> {
    let forwards = request.path.ends_with("/portforward");
    let known: &[&'static str] = if forwards { &["portforward.k8s.io"] } else { &["v4.channel.k8s.io"] };
    let offered: Vec<&str> = parts
        .headers
        .get_all(VERSION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    let Some(version) = known.iter().find(|known| offered.contains(known)).copied() else {
        let message = format!(
            "unable to upgrade: unable to negotiate protocol: client supports {offered:?}, server accepts {known:?}"
        );
        return Err(Status::new(403, "Forbidden", message));
    };
    let stream = if forwards {
        check(owner, &request).await?;
        None
    } else {
        Some(websocket::start(owner, request.clone()).await?)
    };
    let owner = owner.clone();
    tokio::spawn(async move {
        let Ok(io) = upgraded.await else { return };
        let (mut reader, mut writer) = tokio::io::split(TokioIo::new(io));
        let (to_session, incoming) = mpsc::channel(16);
        let (outgoing, mut from_session) = mpsc::channel::<Bytes>(16);
        tokio::spawn(async move {
            let mut buffer = vec![0; DATA];
            while let Ok(count @ 1..) = reader.read(&mut buffer).await {
                if to_session.send(Bytes::copy_from_slice(&buffer[..count])).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some(bytes) = from_session.recv().await {
                if writer.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            let _ = writer.shutdown().await;
        });
        match stream {
            Some(stream) => process(stream, &request, incoming, outgoing).await,
            None => ports(owner, request, incoming, outgoing).await,
        }
    });
    let mut response = hyper::Response::new(message::body(Bytes::new()));
    *response.status_mut() = hyper::StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("SPDY/3.1"));
    headers.insert(VERSION, HeaderValue::from_static(version));
    Ok(response)
}

fn value_of<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

async fn send(outgoing: &Sending, stream: u32, bytes: &[u8], fin: bool) -> Option<()> {
    let mut chunks = bytes.chunks(DATA).peekable();
    if chunks.peek().is_none() && fin {
        return outgoing.send(spdy::data(stream, &[], true).into()).await.ok();
    }
    while let Some(chunk) = chunks.next() {
        let last = fin && chunks.peek().is_none();
        outgoing.send(spdy::data(stream, chunk, last).into()).await.ok()?;
    }
    Some(())
}

/// Port-forward: the client opens a pair of streams a connection, for errors and for data, which belong together by
/// their request number.
pub(crate) async fn ports(owner: Owner, request: Request, mut incoming: Incoming, outgoing: Sending) {
    let mut session = Session::new();
    // The error streams that wait for their data streams, by request number.
    let mut errors: BTreeMap<String, u32> = BTreeMap::new();
    let mut connections: BTreeMap<u32, Writer> = BTreeMap::new();
    let (over, mut ended) = mpsc::channel::<u32>(16);
    loop {
        let bytes = tokio::select! {
            bytes = incoming.recv() => match bytes {
                Some(bytes) => bytes,
                None => return,
            },
            Some(stream) = ended.recv() => {
                connections.remove(&stream);
                continue;
            }
        };
        let Ok(events) = session.feed(&bytes) else { return };
        for event in events {
            let answer = match event {
                Event::Ping(id) => spdy::ping(id),
                Event::GoAway => return,
                Event::Open(id, _) if errors.len() + connections.len() >= STREAMS_MAX => spdy::reset(id),
                Event::Open(id, headers) => {
                    let number = value_of(&headers, "requestid").to_owned();
                    let reply = session.reply(id);
                    match value_of(&headers, "streamtype") {
                        "error" => {
                            errors.insert(number, id);
                        }
                        "data" => {
                            let error = errors.remove(&number);
                            let opened = owner.open(to_port(&request, value_of(&headers, "port"))).await;
                            if outgoing.send(reply.into()).await.is_err() {
                                return;
                            }
                            match opened {
                                Ok(stream) => {
                                    connections.insert(id, stream.writer());
                                    tokio::spawn(connection(stream, id, error, outgoing.clone(), over.clone()));
                                }
                                Err(status) => refuse(&outgoing, id, error, &status).await,
                            }
                            continue;
                        }
                        _ => {
                            if outgoing.send(spdy::reset(id).into()).await.is_err() {
                                return;
                            }
                            continue;
                        }
                    }
                    reply
                }
                Event::Data(id, bytes) => {
                    if let Some(writer) = connections.get(&id) {
                        writer.write(channel::STDIN, bytes).await;
                    }
                    continue;
                }
                Event::Fin(id) => {
                    if let Some(writer) = connections.get(&id) {
                        writer.write(channel::STDIN, Vec::new()).await;
                    }
                    continue;
                }
                Event::Reset(id) => {
                    connections.remove(&id);
                    continue;
                }
            };
            if outgoing.send(answer.into()).await.is_err() {
                return;
            }
        }
    }
}

async fn refuse(outgoing: &Sending, data: u32, error: Option<u32>, status: &Status) {
    if let Some(error) = error {
        let _ = send(outgoing, error, status.message.as_bytes(), true).await;
    }
    let _ = send(outgoing, data, &[], true).await;
}

/// What comes from one connection of a port-forward.
async fn connection(mut stream: Stream, data: u32, error: Option<u32>, outgoing: Sending, over: mpsc::Sender<u32>) {
    loop {
        let item = tokio::select! {
            item = stream.next() => item,
            () = outgoing.closed() => return,
        };
        match item {
            Some(StreamItem::Data(_, bytes)) => {
                if send(&outgoing, data, &bytes, false).await.is_none() {
                    return;
                }
            }
            Some(StreamItem::Closed(Some(status))) => {
                refuse(&outgoing, data, error, &status).await;
                break;
            }
            Some(StreamItem::Closed(None)) | None => {
                let _ = send(&outgoing, data, &[], true).await;
                if let Some(error) = error {
                    let _ = send(&outgoing, error, &[], true).await;
                }
                break;
            }
            Some(_) => {}
        }
    }
    let _ = over.send(data).await;
}

/// What a process tells next.
async fn next(stream: &mut Option<Stream>, failure: &mut Option<Status>) -> Option<StreamItem> {
    match stream {
        Some(stream) => stream.next().await,
        None => Some(StreamItem::Closed(failure.take())),
    }
}

/// Exec and attach: the client opens a stream for each of what it asked for.
async fn process(stream: Result<Stream, Status>, request: &Request, mut incoming: Incoming, outgoing: Sending) {
    let mut session = Session::new();
    let mut kinds: BTreeMap<u32, u8> = BTreeMap::new();
    let flags = ["stdin", "stdout", "stderr"].iter().filter(|flag| request.query_bool(flag)).count();
    let wanted = 1 + flags + usize::from(request.query_bool("tty"));
    let writer = stream.as_ref().ok().map(Stream::writer);
    // What could not be started has only its end to tell.
    let (mut stream, mut failure) = match stream {
        Ok(stream) => (Some(stream), None),
        Err(status) => (None, Some(status)),
    };
    let of = |kinds: &BTreeMap<u32, u8>, wanted: u8| kinds.iter().find(|(_, kind)| **kind == wanted).map(|(id, _)| *id);
    loop {
        tokio::select! {
            bytes = incoming.recv() => {
                let Some(events) = bytes.and_then(|bytes| session.feed(&bytes).ok()) else { return };
                for event in events {
                    match event {
                        Event::Open(id, headers) => {
                            let kind = match value_of(&headers, "streamtype") {
                                "stdin" => channel::STDIN,
                                "stdout" => channel::STDOUT,
                                "stderr" => channel::STDERR,
                                "resize" => channel::RESIZE,
                                _ => channel::ERROR,
                            };
                            kinds.insert(id, kind);
                            if outgoing.send(session.reply(id).into()).await.is_err() {
                                return;
                            }
                        }
                        Event::Data(id, bytes) => {
                            let kind = kinds.get(&id).filter(|kind| matches!(**kind, channel::STDIN | channel::RESIZE));
                            if let (Some(kind), Some(writer)) = (kind, &writer) {
                                writer.write(*kind, bytes).await;
                            }
                        }
                        Event::Fin(id) if kinds.get(&id) == Some(&channel::STDIN) => {
                            if let Some(writer) = &writer {
                                writer.write(channel::STDIN, Vec::new()).await;
                            }
                        }
                        Event::Ping(id) => {
                            if outgoing.send(spdy::ping(id).into()).await.is_err() {
                                return;
                            }
                        }
                        Event::GoAway => return,
                        Event::Fin(_) | Event::Reset(_) => {}
                    }
                }
            }
            item = next(&mut stream, &mut failure), if kinds.len() >= wanted => match item {
                Some(StreamItem::Data(kind, bytes)) => {
                    if let Some(id) = of(&kinds, kind)
                        && send(&outgoing, id, &bytes, false).await.is_none()
                    {
                        return;
                    }
                }
                Some(StreamItem::Closed(status)) => {
                    let status = websocket::told(request.path.ends_with("/attach"), status);
                    let text = to_json(&websocket::outcome(status.as_ref()));
                    if let Some(id) = of(&kinds, channel::ERROR) {
                        let _ = send(&outgoing, id, text.as_bytes(), true).await;
                    }
                    for kind in [channel::STDOUT, channel::STDERR] {
                        if let Some(id) = of(&kinds, kind) {
                            let _ = send(&outgoing, id, &[], true).await;
                        }
                    }
                    // The client closes the connection when it has read all of it.
                    let rest = async { while incoming.recv().await.is_some() {} };
                    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), rest).await;
                    return;
                }
                Some(_) => {}
                None => return,
            },
        }
    }
}
