//! Watches and logs over WebSockets: an event is a message of text, a log's bytes come as messages of bytes or of base64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_api::{Body, Request, Status, StreamItem};
use futures_util::{SinkExt, StreamExt};
use hyper::header;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::looks::Looks;
use crate::message::{self, Outgoing};
use crate::owner::{Owner, Stream};
use crate::websocket::{self, Socket};

/// The protocols of what is only read; without one it is the first.
const READERS: &[&str] = &["binary.k8s.io", "base64.binary.k8s.io"];

/// What comes, and how it is put into messages.
struct Shown {
    rest: Option<Stream>,
    first: Vec<u8>,
    encoded: bool,
}

/// Answers a handshake. What the cluster refuses is refused before it.
pub(crate) async fn accept(
    owner: &Owner,
    request: Request,
    parts: &hyper::http::request::Parts,
    upgraded: OnUpgrade,
    stream: bool,
) -> Result<hyper::Response<Outgoing>, Status> {
    let protocol = if request.path.ends_with("/log") { protocol(parts)? } else { None };
    let answer = websocket::switching(parts, protocol)?;
    let mut shown = Shown { rest: None, first: Vec::new(), encoded: protocol == Some("base64.binary.k8s.io") };
    if stream {
        shown.rest = Some(owner.open(request).await?);
    } else {
        let mut response = owner.send(request).await;
        if response.code >= 300 {
            return Ok(message::response(response, Looks::default()));
        }
        shown.first = match std::mem::take(&mut response.body) {
            Body::Bytes(bytes) => bytes,
            body => body.text().into_bytes(),
        };
    }
    tokio::spawn(async move {
        if let Ok(io) = upgraded.await {
            show(websocket::socket(io).await, shown).await;
        }
    });
    Ok(answer)
}

/// The first of the client's protocols that is known here; none if it names none.
fn protocol(parts: &hyper::http::request::Parts) -> Result<Option<&'static str>, Status> {
    let offered = websocket::offered(parts);
    if offered.is_empty() {
        return Ok(None);
    }
    let known = offered.iter().find_map(|offer| READERS.iter().find(|known| *known == offer).copied());
    known.map(Some).ok_or_else(|| {
        let offered = offered.join(" ");
        let words = format!("requested protocol(s) are not supported: [{offered}]; supports {READERS:?}");
        Status::bad_request(words)
    })
}

impl Shown {
    fn bytes(&self, bytes: Vec<u8>) -> Message {
        if self.encoded { Message::text(BASE64_STANDARD.encode(bytes)) } else { Message::binary(bytes) }
    }

    /// The next message; none at the end.
    async fn next(&mut self) -> Option<Message> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            return Some(self.bytes(first));
        }
        loop {
            match self.rest.as_mut()?.next().await? {
                StreamItem::Event(event) => {
                    return Some(Message::Text(Utf8Bytes::try_from(message::document(&event)).ok()?));
                }
                StreamItem::Data(_, bytes) => return Some(self.bytes(bytes)),
                StreamItem::Pending => {}
                StreamItem::Closed(_) => return None,
            }
        }
    }
}

async fn show(mut socket: Socket, mut shown: Shown) {
    loop {
        tokio::select! {
            message = shown.next() => match message {
                Some(message) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                None => return websocket::say_goodbye(&mut socket).await,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Whether a client asks to read by messages.
pub(crate) fn wanted(parts: &hyper::http::request::Parts, path: &str, stream: bool) -> bool {
    let log = path.ends_with("/log") && path.contains("/pods/");
    (stream || log) && parts.headers.contains_key(header::SEC_WEBSOCKET_KEY)
}
