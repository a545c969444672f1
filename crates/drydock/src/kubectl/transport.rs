//! [`Http`]: the way to any API server.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use drydock_api::{Body, Request, Response, Status, StreamId, StreamItem, Transport};
use drydock_kubectl::kubeconfig::Connection;
use drydock_value::to_json;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header;
use tokio::runtime::Handle;

use super::bell::Bell;
use super::connect::{self, Endpoint, Sender};
use super::streams::{self, Stream};
use super::{credentials, tls};

/// A client of the server that the kubeconfig names. It is looked for when it is first needed.
pub(super) struct Http {
    handle: Handle,
    bell: Arc<Bell>,
    connection: Connection,
    endpoint: Option<Result<Endpoint, Status>>,
    /// The connection of the last exchange, for the next one.
    idle: Option<Sender>,
    streams: BTreeMap<StreamId, Stream>,
    last: u64,
}

/// `%41` for what may not stand in a query.
pub(super) fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// A path that is no URL yet: what may not stand in one is escaped, escapes stay.
fn escape_path(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'?' | b'#' | 0..=31 | 127.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            byte => out.push(char::from(byte)),
        }
    }
}

impl Http {
    pub(super) fn new(handle: Handle, bell: Arc<Bell>, connection: Connection) -> Http {
        Http { handle, bell, connection, endpoint: None, idle: None, streams: BTreeMap::new(), last: 0 }
    }

    /// Lets go of all streams; what was written goes out first.
    pub(super) fn finish(&mut self) {
        let streams = std::mem::take(&mut self.streams);
        self.handle.block_on(async {
            for stream in streams.into_values() {
                stream.finish().await;
            }
        });
    }

    fn endpoint(&mut self) -> Result<Endpoint, Status> {
        if self.endpoint.is_none() {
            let found = self.find();
            self.endpoint = Some(found.map_err(|why| Status::new(0, "", why)));
        }
        self.endpoint.clone().unwrap_or_else(|| Err(Status::new(0, "", "no server")))
    }

    fn find(&mut self) -> Result<Endpoint, String> {
        let (secure, host, port, prefix) = connect::parse(&self.connection.server)?;
        let tls = if secure {
            credentials::complete(&mut self.connection)?;
            let config = tls::config(&self.connection.cluster, &self.connection.user)?;
            let name = self.connection.cluster["tls-server-name"].as_str().filter(|name| !name.is_empty());
            Some((Arc::new(config), name.unwrap_or(&host).to_owned()))
        } else {
            None
        };
        Ok(Endpoint { host, port, prefix, tls })
    }

    /// The request as HTTP has it.
    fn build(&self, endpoint: &Endpoint, request: &Request) -> Result<hyper::Request<Full<Bytes>>, Status> {
        let mut target = endpoint.prefix.clone();
        escape_path(&request.path, &mut target);
        for (number, (name, value)) in request.query.iter().enumerate() {
            target.push(if number == 0 { '?' } else { '&' });
            escape(name, &mut target);
            target.push('=');
            escape(value, &mut target);
        }
        let mut builder = hyper::Request::builder()
            .method(request.method.as_str())
            .uri(target)
            .header(header::HOST, endpoint.authority());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(value) = credentials::header(&self.connection, endpoint.tls.is_some()) {
            builder = builder.header(header::AUTHORIZATION, value);
        }
        let body = match &request.body {
            Body::Empty => Vec::new(),
            Body::Value(value) => to_json(value).into_bytes(),
            Body::Bytes(bytes) => bytes.clone(),
        };
        if !body.is_empty() && request.header_value("content-type").is_none() {
            builder = builder.header(header::CONTENT_TYPE, "application/json");
        }
        builder.body(Full::new(body.into())).map_err(|error| Status::new(0, "", error.to_string()))
    }

    async fn exchange(
        idle: &mut Option<Sender>,
        endpoint: &Endpoint,
        mut request: hyper::Request<Full<Bytes>>,
    ) -> Result<Response, Status> {
        let broken = |error: &dyn std::fmt::Display| Status::new(0, "", error.to_string());
        // A connection that was kept may have been closed meanwhile; then the request goes out on a new one.
        loop {
            let kept = idle.take();
            let fresh = kept.is_none();
            let mut sender = match kept {
                Some(sender) => sender,
                None => endpoint.connect().await?,
            };
            if let Err(error) = sender.ready().await {
                if fresh {
                    return Err(broken(&error));
                }
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    let bytes = body.collect().await.map_err(|error| broken(&error))?.to_bytes();
                    *idle = Some(sender);
                    return Ok(translate(&parts, bytes.into()));
                }
                Err(mut failed) => match failed.take_message() {
                    Some(again) if !fresh => request = again,
                    _ => return Err(broken(failed.error())),
                },
            }
        }
    }
}

fn translate(parts: &hyper::http::response::Parts, bytes: Vec<u8>) -> Response {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Response {
        code: parts.status.as_u16(),
        headers: parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: if bytes.is_empty() { Body::Empty } else { Body::Bytes(bytes) },
    }
}

/// The status that a response carries instead of what was asked for.
pub(super) async fn refusal(response: hyper::Response<Incoming>) -> Status {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let response = translate(&parts, bytes.into());
    let code = response.code;
    match response.body.value() {
        Ok(document) if document["kind"] == "Status" => Status::from_value(code, &document),
        _ => Status::new(code, "", response.body.text()),
    }
}

impl Transport for Http {
    fn send(&mut self, request: Request) -> Response {
        let endpoint = match self.endpoint() {
            Ok(endpoint) => endpoint,
            Err(status) => return Response::from(status),
        };
        let built = match self.build(&endpoint, &request) {
            Ok(built) => built,
            Err(status) => return Response::from(status),
        };
        let handle = self.handle.clone();
        let exchanged = handle.block_on(Self::exchange(&mut self.idle, &endpoint, built));
        exchanged.unwrap_or_else(Response::from)
    }

    fn open(&mut self, mut request: Request) -> Result<StreamId, Status> {
        let endpoint = self.endpoint()?;
        let kind = streams::Kind::of(&request);
        if kind.is_socket() {
            // WebSockets begin with a GET, whatever the same begins with otherwise.
            request.method = drydock_api::Method::Get;
            request.body = Body::Empty;
        }
        let built = self.build(&endpoint, &request)?;
        let handle = self.handle.clone();
        let stream = handle.block_on(streams::open(&endpoint, built, kind, self.bell.clone()))?;
        self.last += 1;
        self.streams.insert(StreamId(self.last), stream);
        Ok(StreamId(self.last))
    }

    fn poll(&mut self, stream: StreamId) -> StreamItem {
        let Some(open) = self.streams.get(&stream) else { return StreamItem::Closed(None) };
        let item = open.take();
        if matches!(item, StreamItem::Closed(_)) {
            self.streams.remove(&stream);
        }
        item
    }

    fn ready(&self, stream: StreamId) -> bool {
        self.streams.get(&stream).is_none_or(Stream::ready)
    }

    fn write(&mut self, stream: StreamId, channel: u8, bytes: &[u8]) {
        if let Some(open) = self.streams.get(&stream) {
            open.write(channel, bytes);
        }
    }

    fn close(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    fn server(&self) -> String {
        self.connection.server.clone()
    }
}
