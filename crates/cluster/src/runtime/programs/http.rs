//! Enough of HTTP/1.1 for servers, probes and proxies: messages. The connections that a program serves are
//! [`Server`]'s.

use drydock_value::Time;

pub use super::server::{Answer, Incoming, Server};

/// A message's head may be no longer.
const HEAD_MAX: usize = 32 << 10;
/// A message's body may be no longer.
const BODY_MAX: usize = 4 << 20;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// `GET` and so on.
    pub method: String,
    /// The path with its query, as it was sent.
    pub target: String,
    /// `HTTP/1.1` or `HTTP/1.0`.
    pub version: String,
    /// Names as they were sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub code: u16,
    /// Headers; `Content-Length` and `Connection` are added.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It is not HTTP.
    Syntax,
    /// It is too long.
    TooLong,
}

/// The header by which an answer tells that it came over TLS. TLS itself is not simulated: what means HTTPS speaks HTTP.
pub const OVER_TLS: &str = "strict-transport-security";

/// The reason phrase of a code.
pub fn reason(code: u16) -> &'static str {
    match code {
        100 => "Continue",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Payload Too Large",
        418 => "I'm a teapot",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// A header of a list, by its name in any case.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

impl Request {
    /// The path without its query.
    pub fn path(&self) -> &str {
        self.target.split(['?', '#']).next().unwrap_or("")
    }

    /// The value of a query parameter, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key) == name).then(|| decode(value))
        })
    }

    /// A header by its name in any case; "" when it is not there.
    pub fn header(&self, name: &str) -> &str {
        header(&self.headers, name).unwrap_or("")
    }

    /// Whether the connection stays open after the response.
    pub fn keep_alive(&self) -> bool {
        let connection = self.header("connection").to_ascii_lowercase();
        if self.version == "HTTP/1.0" { connection == "keep-alive" } else { connection != "close" }
    }

    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = format!("{} {} {}\r\n", self.method, self.target, self.version).into_bytes();
        put_headers(&mut out, &self.headers);
        if header(&self.headers, "content-length").is_none() && !self.body.is_empty() {
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }

    /// Takes a whole request off the front of what was received; none when more has to come.
    ///
    /// # Errors
    /// When it will never become one.
    pub fn take(inbox: &mut Vec<u8>) -> Result<Option<Request>, Malformed> {
        // A first line that is none needs no more to be told.
        let first = inbox.iter().position(|byte| *byte == b'\n').and_then(|end| inbox.get(..end)).unwrap_or_default();
        if !first.trim_ascii().is_empty() && first.split(|byte| *byte == b' ').count() != 3 {
            return Err(Malformed::Syntax);
        }
        let Some((line, headers, length)) = head(inbox)? else { return Ok(None) };
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Malformed::Syntax);
        };
        if !version.starts_with("HTTP/1.") {
            return Err(Malformed::Syntax);
        }
        let request = Request {
            method: method.into(),
            target: target.into(),
            version: version.into(),
            headers,
            body: Vec::new(),
        };
        let size = match header(&request.headers, "content-length") {
            Some(text) => text.trim().parse::<usize>().map_err(|_| Malformed::Syntax)?,
            None => 0,
        };
        if size > BODY_MAX {
            return Err(Malformed::TooLong);
        }
        if inbox.len() < length + size {
            return Ok(None);
        }
        let rest = inbox.split_off(length + size);
        let body = inbox.split_off(length);
        *inbox = rest;
        Ok(Some(Request { body, ..request }))
    }
}

impl Response {
    /// A response with a body of a type.
    pub fn new(code: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Response {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Response { code, headers, body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Response {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// None yet: it comes with [`Server::reply`].
    pub fn later() -> Response {
        Response::default()
    }

    /// Whether it comes later.
    pub fn is_later(&self) -> bool {
        self.code == 0
    }

    /// As it is sent in answer to `method`.
    pub fn encode(&self, method: &str, keep_alive: bool) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {} {}\r\n", self.code, reason(self.code)).into_bytes();
        put_headers(&mut out, &self.headers);
        let bodyless = matches!(self.code, 100..=199 | 204 | 304);
        if !bodyless {
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(if keep_alive {
            b"Connection: keep-alive\r\n\r\n"
        } else {
            b"Connection: close\r\n\r\n"
        });
        if !bodyless && method != "HEAD" {
            out.extend_from_slice(&self.body);
        }
        out
    }

    /// Takes a whole response off the front of what was received; none when more has to come. `ended`: nothing more
    /// comes, which ends a body without a length.
    ///
    /// # Errors
    /// When it will never become one.
    pub fn take(inbox: &mut Vec<u8>, method: &str, ended: bool) -> Result<Option<Response>, Malformed> {
        let start = b"HTTP/";
        if inbox.iter().zip(start).any(|(byte, wanted)| byte != wanted) {
            return Err(Malformed::Syntax);
        }
        let Some((line, headers, length)) = head(inbox)? else {
            return if ended { Err(Malformed::Syntax) } else { Ok(None) };
        };
        let code = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(Malformed::Syntax)?;
        if !line.starts_with("HTTP/1.") {
            return Err(Malformed::Syntax);
        }
        let mut response = Response { code, headers, body: Vec::new() };
        if method == "HEAD" || matches!(code, 100..=199 | 204 | 304) {
            *inbox = inbox.split_off(length);
            return Ok(Some(response));
        }
        if header(&response.headers, "transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return match chunks(inbox.get(length..).unwrap_or_default())? {
                Some((body, used)) => {
                    *inbox = inbox.split_off(length + used);
                    response.body = body;
                    Ok(Some(response))
                }
                None if ended => Err(Malformed::Syntax),
                None => Ok(None),
            };
        }
        let size = match header(&response.headers, "content-length").map(|text| text.trim().parse::<usize>()) {
            Some(Ok(size)) => size,
            Some(Err(_)) => return Err(Malformed::Syntax),
            None if ended => inbox.len() - length,
            None => return Ok(None),
        };
        if inbox.len() < length + size {
            return if ended { Err(Malformed::Syntax) } else { Ok(None) };
        }
        let rest = inbox.split_off(length + size);
        response.body = inbox.split_off(length);
        *inbox = rest;
        Ok(Some(response))
    }
}

fn put_headers(out: &mut Vec<u8>, headers: &[(String, String)]) {
    for (name, value) in headers {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
}

type Head = (String, Vec<(String, String)>, usize);

/// The first line, the headers, and where the body begins.
fn head(inbox: &[u8]) -> Result<Option<Head>, Malformed> {
    let end = inbox.windows(4).position(|four| four == b"\r\n\r\n").map(|at| (at, at + 4));
    let end = end.or_else(|| inbox.windows(2).position(|two| two == b"\n\n").map(|at| (at, at + 2)));
    let Some((end, body)) = end else {
        return if inbox.len() > HEAD_MAX { Err(Malformed::TooLong) } else { Ok(None) };
    };
    let text = std::str::from_utf8(inbox.get(..end).unwrap_or_default()).map_err(|_| Malformed::Syntax)?;
    let mut lines = text.lines();
    let first = lines.next().ok_or(Malformed::Syntax)?.to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Malformed::Syntax)?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(Some((first, headers, body)))
}

fn chunks(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, Malformed> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(rest.get(..line).unwrap_or_default()).map_err(|_| Malformed::Syntax)?;
        let size = text.split(';').next().unwrap_or("").trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| Malformed::Syntax)?;
        if size > BODY_MAX {
            return Err(Malformed::TooLong);
        }
        let data = at + line + 2;
        let Some(chunk) = bytes.get(data..data + size) else { return Ok(None) };
        if bytes.len() < data + size + 2 {
            return Ok(None);
        }
        body.extend_from_slice(chunk);
        at = data + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

/// Decodes `%20` and `+`.
pub fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (hex(ahead.next()), hex(ahead.next())) {
                    (Some(high), Some(low)) => {
                        out.push((high * 16 + low) as u8);
                        bytes = ahead;
                    }
                    _ => out.push(b'%'),
                }
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month(number: u32) -> &'static str {
    MONTHS.get((number as usize).wrapping_sub(1)).copied().unwrap_or("Jan")
}

/// A date as headers have it: `Sun, 22 Nov 2026 13:56:49 GMT`.
pub fn date(time: Time) -> String {
    let (year, number, day, hour, minute, second) = time.civil();
    let weekday = WEEKDAYS.get(time.weekday() as usize).copied().unwrap_or("Sun");
    format!("{weekday}, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", month(number))
}

/// A date as access logs have it: `22/Nov/2026:13:56:49 +0000`.
pub fn log_date(time: Time) -> String {
    let (year, number, day, hour, minute, second) = time.civil();
    format!("{day:02}/{}/{year}:{hour:02}:{minute:02}:{second:02} +0000", month(number))
}

/// The type of a file by its name.
pub fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit('/').next()?.rsplit_once('.')?.1 {
        "html" | "htm" | "php" => "text/html",
        "css" => "text/css",
        "js" => "application/javascript",
        "json" => "application/json",
        "txt" | "log" => "text/plain",
        "xml" => "text/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "yaml" | "yml" => "text/yaml",
        _ => return None,
    })
}

/// The path that gRPC's health is asked for at. Requests are not HTTP/2's here: the service and the status are headers.
pub const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// Whose health is asked for.
pub const GRPC_SERVICE: &str = "Grpc-Service";
/// The number of a call's status.
pub const GRPC_STATUS: &str = "Grpc-Status";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_taken_one_by_one() {
        let mut inbox =
            b"GET /a?b=c%20d HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nab".to_vec();
        let first = Request::take(&mut inbox).unwrap().unwrap();
        assert_eq!((first.path(), first.query("b").as_deref(), first.header("HOST")), ("/a", Some("c d"), "x"));
        assert_eq!(Request::take(&mut inbox), Ok(None));
        inbox.push(b'c');
        assert_eq!(Request::take(&mut inbox).unwrap().unwrap().body, b"abc");
        assert!(inbox.is_empty());
        assert_eq!(Request::take(&mut b"hello\n".to_vec()), Err(Malformed::Syntax));
        assert_eq!(Request::take(&mut b"hello\r\n\r\n".to_vec()), Err(Malformed::Syntax));
        assert_eq!(Request::take(&mut vec![b'x'; HEAD_MAX + 1]), Err(Malformed::TooLong));
    }

    #[test]
    fn responses_end_by_length_by_chunks_or_by_the_connection() {
        for (text, ended, body) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, Some("hi")),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", false, None),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", false, Some("hi")),
            ("HTTP/1.1 200 OK\r\n\r\nhi", true, Some("hi")),
            ("HTTP/1.1 200 OK\r\n\r\nhi", false, None),
            ("HTTP/1.1 204 No Content\r\n\r\n", false, Some("")),
        ] {
            let taken = Response::take(&mut text.as_bytes().to_vec(), "GET", ended).unwrap();
            assert_eq!(taken.map(|r| String::from_utf8(r.body).unwrap()).as_deref(), body, "{text}");
        }
        let sent = Response::new(404, "text/plain", "no").encode("HEAD", false);
        let text =
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\n";
        assert_eq!(String::from_utf8(sent).unwrap(), text);
        assert_eq!(date(Time::from_seconds(1_795_359_409)), "Sun, 22 Nov 2026 14:56:49 GMT");
    }
}
