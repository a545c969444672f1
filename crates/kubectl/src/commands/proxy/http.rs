//! HTTP/1.1, as far as a proxy on the loopback address needs it.

use drydock_api::{Body, Method, Response};

use crate::env::{Io, SocketId};
use crate::verbose::reason_phrase;

/// How long a request's head may be, and its body.
const HEAD_LIMIT: usize = 64 << 10;
const BODY_LIMIT: usize = 16 << 20;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub method: Method,
    /// As it was sent, escapes and all, without the query.
    pub path: String,
    /// With its `?`, or empty.
    pub query: String,
    version: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Message {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str())
    }

    pub fn keeps_alive(&self) -> bool {
        let said = self.header("connection").unwrap_or("").to_ascii_lowercase();
        said != "close" && (self.version != "HTTP/1.0" || said == "keep-alive")
    }
}

const METHODS: [Method; 7] =
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options, Method::Head];

/// Takes the next request out of what was received; None when it is not complete.
///
/// # Errors
/// The code of the answer to what is no request.
pub(super) fn read(received: &mut Vec<u8>) -> Result<Option<Message>, u16> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if received.len() > HEAD_LIMIT { Err(431) } else { Ok(None) };
    };
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let words: Vec<&str> = lines.next().unwrap_or("").split(' ').collect();
    let [method, target, version] = words.as_slice() else { return Err(400) };
    let method = METHODS.into_iter().find(|known| known.as_str() == *method).ok_or(405_u16)?;
    let mut headers = Vec::new();
    for line in lines {
        let (name, text) = line.split_once(':').ok_or(400_u16)?;
        headers.push((name.to_ascii_lowercase(), text.trim().to_owned()));
    }
    let find = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str());
    let start = end + 4;
    let (body, end) = if find("transfer-encoding").is_some_and(|text| text.eq_ignore_ascii_case("chunked")) {
        match chunked(&received[start..])? {
            Some((body, length)) => (body, start + length),
            None => return Ok(None),
        }
    } else {
        let length = find("content-length").map_or(Ok(0), str::parse::<usize>).map_err(|_| 400_u16)?;
        if length > BODY_LIMIT {
            return Err(413);
        }
        match received.get(start..start + length) {
            Some(body) => (body.to_vec(), start + length),
            None => return Ok(None),
        }
    };
    let (path, query) = target.find('?').map_or((*target, ""), |at| target.split_at(at));
    if !path.starts_with('/') {
        return Err(400);
    }
    let message = Message {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        version: (*version).to_owned(),
        headers,
        body,
    };
    received.drain(..end);
    Ok(Some(message))
}

/// A body in chunks and how long it was; None when it is not complete.
fn chunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, u16> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = &bytes[at..];
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = size.split(';').next().unwrap_or("").trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| 400_u16)?;
        if size > BODY_LIMIT || body.len() + size > BODY_LIMIT {
            return Err(413);
        }
        let Some(chunk) = rest.get(end + 2..end + 4 + size) else { return Ok(None) };
        if size == 0 {
            return Ok(Some((body, at + end + 4)));
        }
        body.extend_from_slice(&chunk[..size]);
        at += end + 4 + size;
    }
}

/// What stands before a stream.
pub(super) const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

/// What ends it.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A piece of a stream.
pub(super) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

/// Writes an answer.
pub(super) fn write(io: &mut Io<'_>, socket: SocketId, response: &Response, keep: bool) {
    let body = match &response.body {
        Body::Empty => Vec::new(),
        Body::Value(_) => response.body.text().into_bytes(),
        Body::Bytes(bytes) => bytes.clone(),
    };
    let mut head = format!("HTTP/1.1 {} {}\r\n", response.code, reason_phrase(response.code));
    let own = ["content-length", "transfer-encoding", "connection"];
    for (name, text) in response.headers.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        head += &format!("{name}: {text}\r\n");
    }
    if matches!(response.body, Body::Value(_)) && !response.headers.iter().any(|(name, _)| name == "content-type") {
        head += "content-type: application/json\r\n";
    }
    if !keep {
        head += "connection: close\r\n";
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    let mut bytes = head.into_bytes();
    bytes.extend(body);
    io.network.send(socket, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_one_after_the_other() {
        let mut bytes =
            b"GET /api?a=b HTTP/1.1\r\nHost: localhost:1\r\n\r\nPOST /x HTTP/1.0\r\nContent-Length: 2\r\n\r\nhiGE"
                .to_vec();
        let first = read(&mut bytes).unwrap().unwrap();
        assert_eq!((first.path.as_str(), first.query.as_str(), first.keeps_alive()), ("/api", "?a=b", true));
        let second = read(&mut bytes).unwrap().unwrap();
        assert_eq!((second.body.as_slice(), second.keeps_alive()), (&b"hi"[..], false));
        assert_eq!(read(&mut bytes), Ok(None));
        assert_eq!(bytes, b"GE");
        let mut bytes = b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_vec();
        assert_eq!(read(&mut bytes).unwrap().unwrap().body, b"abc");
        for (wrong, code) in
            [("nonsense\r\n\r\n", 400), ("BREW /pot HTTP/1.1\r\n\r\n", 405), ("GET x HTTP/1.1\r\n\r\n", 400)]
        {
            assert_eq!(read(&mut wrong.as_bytes().to_vec()), Err(code), "{wrong}");
        }
    }
}
