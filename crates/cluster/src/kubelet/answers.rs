//! What comes back on a probe's connection.

use drydock_shell::{NetError, Recv, SocketId};
use drydock_value::Value;

use crate::ctx::Ctx;
use crate::runtime::programs::http::{GRPC_SERVICE, GRPC_STATUS, HEALTH_CHECK, OVER_TLS, Request, Response, header};

/// As kubelets: more redirections are not followed.
pub const REDIRECTS_MAX: usize = 10;

/// What is wrong, or what is still to be done.
pub enum Trouble {
    /// The answer is none of the good ones.
    Answer(u16),
    /// The connection, in one or a few words.
    Net(String),
    /// The server says so.
    Said(String),
    /// The answer is elsewhere: the place, and the body that came with it.
    Moved(String, String),
}

/// A question for the health of a gRPC server.
pub fn health(action: &Value, host: &str, port: u16) -> Vec<u8> {
    let headers = [("Host", format!("{host}:{port}")), (GRPC_SERVICE, action["service"].str().to_owned())];
    Request {
        method: "POST".into(),
        target: HEALTH_CHECK.into(),
        version: "HTTP/1.1".into(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        body: Vec::new(),
    }
    .encode()
}

/// What a gRPC server's answer comes to.
fn healthy(response: &Response) -> Result<(), Trouble> {
    let text = String::from_utf8_lossy(&response.body).into_owned();
    match header(&response.headers, GRPC_STATUS) {
        Some("0") if text == "SERVING" => Ok(()),
        Some("0") => Err(Trouble::Said(format!("service unhealthy (responded with {text:?})"))),
        Some(_) => Err(Trouble::Said(format!("error: health rpc probe failed: rpc error: {text}"))),
        // No gRPC is spoken here.
        None => Err(Trouble::Net("not gRPC".into())),
    }
}

/// Goes on with a probe's connection; none while it is not decided.
pub fn talk(
    spec: &Value,
    socket: SocketId,
    request: Option<&[u8]>,
    sent: &mut bool,
    inbox: &mut Vec<u8>,
    ctx: &mut Ctx<'_>,
) -> Option<Result<(), Trouble>> {
    let net = |error: NetError| {
        let what = match error {
            NetError::Refused => "refused",
            NetError::Unreachable => "unreachable",
            NetError::TimedOut => "i/o timeout",
            _ => "read: connection reset by peer",
        };
        Some(Err(Trouble::Net(what.into())))
    };
    match ctx.network.connected(socket, ctx.now) {
        None => return None,
        Some(Err(error)) => return net(error),
        Some(Ok(())) => {}
    }
    let Some(request) = request else { return Some(Ok(())) };
    if !*sent {
        *sent = true;
        if let Err(error) = ctx.network.send(socket, request, ctx.now, ctx.queue) {
            return net(error);
        }
    }
    let mut ended = false;
    loop {
        match ctx.network.recv(socket, ctx.now, ctx.queue) {
            Recv::Data(bytes) => inbox.extend_from_slice(&bytes),
            Recv::Pending => break,
            Recv::Eof => {
                ended = true;
                break;
            }
            Recv::Failed(error) => return net(error),
        }
    }
    match Response::take(inbox, "GET", ended) {
        Ok(Some(response)) if spec.get("grpc").is_some() => Some(healthy(&response)),
        Ok(Some(response)) if spec["httpGet"]["scheme"] == "HTTPS" && header(&response.headers, OVER_TLS).is_none() => {
            Some(Err(Trouble::Net("http: server gave HTTP response to HTTPS client".into())))
        }
        Ok(Some(response)) if (300..400).contains(&response.code) => {
            let place = header(&response.headers, "Location").unwrap_or_default().to_owned();
            let body = String::from_utf8_lossy(&response.body).trim_end().to_owned();
            Some(if place.is_empty() { Ok(()) } else { Err(Trouble::Moved(place, body)) })
        }
        Ok(Some(response)) if (200..300).contains(&response.code) => Some(Ok(())),
        Ok(Some(response)) => Some(Err(Trouble::Answer(response.code))),
        Ok(None) => None,
        Err(_) if ended && inbox.is_empty() => Some(Err(Trouble::Net("EOF".into()))),
        Err(_) => {
            let line = String::from_utf8_lossy(inbox).lines().next().unwrap_or("").to_owned();
            Some(Err(Trouble::Net(format!(
                "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"{line}\""
            ))))
        }
    }
}
