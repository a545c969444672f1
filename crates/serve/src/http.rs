//! Connections and requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use drydock_api::{Auth, Body, Method, Request, Response, Status, StreamItem};
use drydock_value::Value;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::audit::Seen;
use crate::files::Files;
use crate::looks::{self, Looks, Media};
use crate::message::{self, Outgoing};
use crate::owner::{Owner, Stream};
use crate::tls::Tls;
use crate::{protobuf, shown, tunnel, websocket};

/// The most that a body may have, as the real server has it.
const BODY_MAX: usize = 3 << 20;
/// How much of a body that is too large is still taken, and thrown away: a client that is cut off while it sends would
/// not see why.
const DRAINED_MAX: usize = 64 << 20;
/// The most connections at a time. Further ones wait until one is closed.
const CONNECTIONS_MAX: usize = 2048;
/// How long a client may take for the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take for a body.
const BODY_PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of a stream that are sent at once when there are so many.
const CHUNK: usize = 64 << 10;

/// By what a request is found in logs.
const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// The name of a request in logs: its client's, or a new one.
fn audit_id(headers: &header::HeaderMap) -> String {
    // The client's is cut where the real server cuts it.
    let given = headers.get(AUDIT_ID).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !given.is_empty() {
        return given.chars().take(64).collect();
    }
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let start = std::time::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_nanos() as u64);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Two rounds of a mixing function make a number that looks like any other of its kind.
    let mix = |seed: u64| {
        let x = (seed ^ (seed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (x >> 32)
    };
    let (high, low) = (mix(start ^ count.rotate_left(40)), mix(start.rotate_left(17) ^ count));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48 & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// What requests are served from.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) owner: Owner,
    pub(crate) trusting: bool,
    /// Whether there is an audit log.
    pub(crate) audited: bool,
    pub(crate) files: Option<Arc<Files>>,
}

/// Takes connections for ever.
pub(crate) async fn listen(listener: TcpListener, tls: Option<Tls>, service: Arc<Service>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((socket, _)) = listener.accept().await else {
            // Out of file descriptors, say: others will be closed.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small events must not wait for more of them.
        let _ = socket.set_nodelay(true);
        let (service, tls) = (service.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection(socket, service, None).await,
                Some(tls) => {
                    if let Ok(Ok(socket)) = tokio::time::timeout(HEAD_PATIENCE, tls.acceptor.accept(socket)).await {
                        let client = tls.client(socket.get_ref().1.peer_certificates());
                        connection(socket, service, client).await;
                    }
                }
            }
            drop(place);
        });
    }
}

/// Serves one connection to its end. `client` is the certificate that was shown.
async fn connection(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: Arc<Service>,
    client: Option<String>,
) {
    let serve = service_fn(|request| {
        let (service, client) = (service.clone(), client.clone());
        async move { Ok::<_, std::convert::Infallible>(service.serve(request, client).await) }
    });
    // A connection that breaks is its client's business.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .serve_connection(TokioIo::new(socket), serve)
        .with_upgrades()
        .await;
}

/// The last segment of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a request is answered by items as they come.
fn is_stream(request: &Request) -> bool {
    if request.method != Method::Get {
        return false;
    }
    let mut segments = request.path.split('/').skip(1);
    let old = match segments.next() {
        Some("api") => segments.nth(1) == Some("watch"),
        Some("apis") => segments.nth(2) == Some("watch"),
        _ => false,
    };
    old || request.query_bool("watch") || (last(&request.path) == "log" && request.query_bool("follow"))
}

/// Whether a request wants a connection to a process or port, by which protocol.
fn upgrade(parts: &hyper::http::request::Parts) -> Option<&str> {
    let wants = parts.headers.get(header::CONNECTION)?.to_str().ok()?.to_ascii_lowercase().contains("upgrade");
    wants.then(|| parts.headers.get(header::UPGRADE)?.to_str().ok()).flatten()
}

impl Service {
    async fn serve(&self, incoming: hyper::Request<Incoming>, client: Option<String>) -> hyper::Response<Outgoing> {
        let id = audit_id(incoming.headers());
        let seen = self.audited.then(|| Seen {
            id: id.clone(),
            uri: incoming.uri().path_and_query().map(ToString::to_string).unwrap_or_default(),
            // It listens on the loopback address only.
            source: std::net::Ipv4Addr::LOCALHOST.to_string(),
        });
        let mut answer = self.answer(incoming, client, seen).await;
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(AUDIT_ID, id);
        }
        answer
    }

    async fn answer(
        &self,
        mut incoming: hyper::Request<Incoming>,
        client: Option<String>,
        seen: Option<Seen>,
    ) -> hyper::Response<Outgoing> {
        let owner = self.owner.seeing(seen);
        let upgraded = hyper::upgrade::on(&mut incoming);
        let (parts, body) = incoming.into_parts();
        let Some(method) = message::method(&parts.method) else {
            return message::refusal(Status::new(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
            ));
        };
        if let Some(files) = &self.files
            && let Some(found) = files.find(method, &parts).await
        {
            return found;
        }
        let mut request = message::request(&parts, method, self.trusting);
        // A certificate that is none does not hinder a token.
        if let Some(certificate) = client
            && !(certificate.is_empty() && parts.headers.contains_key(header::AUTHORIZATION))
        {
            request.auth = Auth::Certificate { certificate };
        }
        let looks = Looks::of(&parts.headers, &request.path, &request.query);
        if looks::is_unservable(&parts.headers, &request.path) {
            let message = "only the following media types are accepted: application/json, application/yaml";
            return message::refusal(Status::new(406, "NotAcceptable", message));
        }
        if matches!(last(&request.path), "exec" | "attach" | "portforward")
            && let Some(protocol) = upgrade(&parts)
        {
            let protocol = protocol.to_ascii_lowercase();
            return match protocol.as_str() {
                "websocket" => websocket::accept(&owner, request, &parts, upgraded).await,
                "spdy/3.1" => tunnel::accept(&owner, request, &parts, upgraded).await,
                other => Err(Status::bad_request(format!("unable to upgrade: {other} is not known"))),
            }
            .unwrap_or_else(|status| match status.message.strip_prefix("unable to upgrade connection: ") {
                // What a kubelet says comes as it is; clients put these words before it themselves.
                Some(words) => message::response(Response::text(status.code, words), Looks::default()),
                None => message::refusal(status),
            });
        }
        match read(body).await.and_then(|body| unfold(&mut request, body)) {
            Ok(()) => {}
            Err(status) => return message::refusal(status),
        }
        let stream = is_stream(&request);
        if upgrade(&parts).is_some_and(|to| to.eq_ignore_ascii_case("websocket"))
            && shown::wanted(&parts, &request.path, stream)
        {
            let accepted = shown::accept(&owner, request, &parts, upgraded, stream).await;
            return accepted.unwrap_or_else(message::refusal);
        }
        if stream {
            let kind = match (last(&request.path), looks.media) {
                ("log", _) => "text/plain",
                (_, Media::Protobuf) => protobuf::WATCH_MEDIA,
                _ => "application/json",
            };
            return match owner.open(request).await {
                Ok(opened) => streamed(opened, kind),
                Err(status) => message::refusal(status),
            };
        }
        message::response(owner.send(request).await, looks)
    }
}

/// A request's body, up to the limit.
async fn read(mut body: Incoming) -> Result<Body, Status> {
    let too_large = || Status::too_large(format!("Request entity too large: limit is {BODY_MAX}"));
    let mut bytes = Vec::new();
    let mut length = 0;
    let whole = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            length += data.len();
            if length <= BODY_MAX {
                bytes.extend_from_slice(&data);
            } else if length > DRAINED_MAX {
                break;
            }
        }
        Ok::<_, hyper::Error>(())
    };
    match tokio::time::timeout(BODY_PATIENCE, whole).await {
        Ok(Ok(())) if length > BODY_MAX => Err(too_large()),
        Ok(Ok(())) if bytes.is_empty() => Ok(Body::Empty),
        Ok(Ok(())) => Ok(Body::Bytes(bytes)),
        Ok(Err(error)) => Err(Status::bad_request(format!("the body could not be read: {error}"))),
        Err(_) => Err(Status::new(408, "Timeout", "the body did not come in time")),
    }
}

/// Gives a request its body; one in protobuf as the document that it means.
fn unfold(request: &mut Request, body: Body) -> Result<(), Status> {
    let kind = request.header_value("content-type").unwrap_or_default();
    let Body::Bytes(bytes) = &body else { return Ok(()) };
    match kind.split(';').next().unwrap_or_default().trim() {
        protobuf::MEDIA => {
            let document = protobuf::decode(bytes).map_err(Status::bad_request)?;
            request.body = Body::Value(document);
            for (name, value) in &mut request.headers {
                if name == "content-type" {
                    *value = "application/json".into();
                }
            }
        }
        "application/cbor" => {
            let message = "the body of the request was in an unknown format - accepted media types include: \
                           application/json, application/yaml, application/vnd.kubernetes.protobuf";
            return Err(Status::new(415, "UnsupportedMediaType", message));
        }
        _ => request.body = body,
    }
    Ok(())
}

/// An event of a watch as it goes out: a line of JSON, or a message with its length.
fn event(event: &Value, packed: bool) -> Vec<u8> {
    let frame = if packed { protobuf::frame(event) } else { None };
    frame.unwrap_or_else(|| message::document(event))
}

/// A response whose body is a stream: the events of a watch, or the bytes of a log.
fn streamed(opened: Stream, kind: &'static str) -> hyper::Response<Outgoing> {
    let packed = kind == protobuf::WATCH_MEDIA;
    let frames = stream::unfold(Some(opened), move |opened| async move {
        let mut opened = opened?;
        let mut bytes = Vec::new();
        let mut item = Some(opened.next().await?);
        // Whatever has come by now goes out at once.
        let mut more = true;
        while let Some(taken) = item {
            match taken {
                StreamItem::Event(item) => bytes.extend_from_slice(&event(&item, packed)),
                StreamItem::Data(_, data) => bytes.extend_from_slice(&data),
                StreamItem::Pending => {}
                StreamItem::Closed(_) => more = false,
            }
            item = if more && bytes.len() < CHUNK { opened.now() } else { None };
        }
        let next = more.then_some(opened);
        Some((Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(bytes))), next))
    });
    let mut response = hyper::Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_from_exchanges() {
        let stream = |path: &str, query: &str| {
            let mut request = Request::get(path);
            request.query = message::query(query);
            is_stream(&request)
        };
        assert!(stream("/api/v1/pods", "watch=true"));
        assert!(stream("/api/v1/pods", "watch=1"));
        assert!(stream("/api/v1/watch/pods", ""));
        assert!(stream("/apis/apps/v1/watch/deployments", ""));
        assert!(stream("/api/v1/namespaces/a/pods/b/log", "follow=true"));
        assert!(!stream("/api/v1/namespaces/a/pods/b/log", "follow=false"));
        assert!(!stream("/api/v1/namespaces/watch/pods", "watch=false"));
        assert!(!stream("/api/v1/pods", ""));
    }
}
