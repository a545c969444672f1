//! One HTTP/1.1 exchange, as a state machine.

use std::net::IpAddr;

use drydock_value::Time;

use crate::{NetError, Recv, SocketId, Sys, Wait};

/// What a response may hold.
const BODY_BYTES_MAX: usize = 16 << 20;

/// A URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub scheme: String,
    pub user: Option<String>,
    pub host: String,
    pub port: u16,
    /// Path and query.
    pub path: String,
}

impl Url {
    /// Reads a URL; without a scheme it is `http`. The error is curl's.
    pub fn parse(text: &str) -> Result<Url, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        let port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            other => return Err(format!("Protocol \"{other}\" not supported or disabled in libcurl")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or("");
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user.to_owned()), authority),
            None => (None, authority),
        };
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').map_or(Ok(port), str::parse)),
            None => match authority.rsplit_once(':') {
                Some((host, text)) => (host, text.parse()),
                None => (authority, Ok(port)),
            },
        };
        let port =
            port.map_err(|_| "URL rejected: Port number was not a decimal number between 0 and 65535".to_owned())?;
        if host.is_empty() {
            return Err("URL rejected: No host part in the URL".into());
        }
        Ok(Url { scheme, user, host: host.to_owned(), port, path })
    }

    /// The port, unless it is the scheme's own.
    pub fn authority(&self) -> String {
        let own = if self.scheme == "https" { 443 } else { 80 };
        if self.port == own { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Where a `Location` leads from here.
    pub fn join(&self, location: &str) -> Result<Url, String> {
        if location.contains("://") {
            return Url::parse(location);
        }
        let path = if location.starts_with('/') {
            location.to_owned()
        } else {
            let base = self.path.split('?').next().unwrap_or("/");
            let base = base.rsplit_once('/').map_or("", |(base, _)| base);
            format!("{base}/{location}")
        };
        Ok(Url { path, ..self.clone() })
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.path)
    }
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Resolve,
    Connect(NetError),
    TimedOut { connecting: bool, received: usize },
    Reset,
    Empty,
    TooLarge,
}

/// The head and body of a response.
#[derive(Debug, Clone, Default)]
pub(super) struct Response {
    /// The lines before the body, with the empty line.
    pub head: String,
    pub code: u16,
    pub body: Vec<u8>,
    pub address: Option<IpAddr>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Resolve,
    Connect,
    Send,
    Receive,
}

/// An exchange under way.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    url: Url,
    request: Vec<u8>,
    head_only: bool,
    stage: Stage,
    addresses: Vec<IpAddr>,
    address: Option<IpAddr>,
    socket: Option<SocketId>,
    sent: usize,
    received: Vec<u8>,
    /// Until when it must stand, and until when it must be over.
    connect_until: Option<Time>,
    until: Option<Time>,
}

/// What a step of an exchange gave.
pub(super) enum Progress {
    Wait(Wait),
    /// The connection stands; told once.
    Connected(IpAddr),
    Done(Box<Response>),
    Failed(Failure),
}

impl Fetch {
    pub fn new(url: Url, request: Vec<u8>, head_only: bool, connect_until: Option<Time>, until: Option<Time>) -> Fetch {
        Fetch {
            url,
            request,
            head_only,
            stage: Stage::Resolve,
            addresses: Vec::new(),
            address: None,
            socket: None,
            sent: 0,
            received: Vec::new(),
            connect_until,
            until,
        }
    }

    /// The address that was tried last.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The head of the request.
    pub fn head(&self) -> String {
        let end = head_end(&self.request).unwrap_or(self.request.len());
        String::from_utf8_lossy(self.request.get(..end).unwrap_or_default()).into_owned()
    }

    /// Lets go of the connection.
    pub fn close(&mut self, sys: &mut Sys<'_>) {
        if let Some(socket) = self.socket.take() {
            sys.host().close(socket);
        }
    }

    fn fail(&mut self, failure: Failure, sys: &mut Sys<'_>) -> Progress {
        self.close(sys);
        Progress::Failed(failure)
    }

    pub fn step(&mut self, sys: &mut Sys<'_>) -> Progress {
        let now = sys.now();
        let connecting = matches!(self.stage, Stage::Resolve | Stage::Connect);
        let late = |until: Option<Time>| until.is_some_and(|until| until <= now);
        if late(self.until) || (connecting && late(self.connect_until)) {
            let received = self.body_length();
            return self.fail(Failure::TimedOut { connecting, received }, sys);
        }
        let until = match (connecting, self.connect_until, self.until) {
            (true, Some(a), Some(b)) => Some(a.min(b)),
            (true, Some(a), None) => Some(a),
            (_, _, b) => b,
        };
        match self.stage {
            Stage::Resolve => {
                let resolved = match self.url.host.parse::<IpAddr>() {
                    Ok(address) => Ok(vec![address]),
                    Err(_) => sys.host().resolve(&self.url.host),
                };
                match resolved {
                    Ok(addresses) if !addresses.is_empty() => {
                        self.addresses = addresses;
                        self.addresses.reverse();
                    }
                    Ok(_) | Err(NetError::NameNotFound) => return self.fail(Failure::Resolve, sys),
                    Err(error) => return self.fail(Failure::Connect(error), sys),
                }
                self.dial(sys)
            }
            Stage::Connect => {
                let Some(socket) = self.socket else { return self.fail(Failure::Reset, sys) };
                match sys.host().connected(socket) {
                    None => Progress::Wait(Wait::socket(socket).or_until(until)),
                    Some(Ok(())) => {
                        self.stage = Stage::Send;
                        match self.address {
                            Some(address) => Progress::Connected(address),
                            None => Progress::Wait(Wait::until(now)),
                        }
                    }
                    Some(Err(error)) => {
                        self.close(sys);
                        if self.addresses.is_empty() {
                            return Progress::Failed(Failure::Connect(error));
                        }
                        self.dial(sys)
                    }
                }
            }
            Stage::Send => {
                let Some(socket) = self.socket else { return self.fail(Failure::Reset, sys) };
                match sys.host().send(socket, self.request.get(self.sent..).unwrap_or_default()) {
                    Err(_) => self.fail(Failure::Reset, sys),
                    Ok(taken) => {
                        self.sent += taken;
                        if self.sent >= self.request.len() {
                            self.stage = Stage::Receive;
                            Progress::Wait(Wait::until(now))
                        } else if taken == 0 {
                            Progress::Wait(Wait::socket(socket).or_until(until))
                        } else {
                            Progress::Wait(Wait::until(now))
                        }
                    }
                }
            }
            Stage::Receive => {
                let Some(socket) = self.socket else { return self.fail(Failure::Reset, sys) };
                match sys.host().recv(socket) {
                    Recv::Pending => Progress::Wait(Wait::socket(socket).or_until(until)),
                    Recv::Data(bytes) => {
                        self.received.extend(bytes);
                        if self.received.len() > BODY_BYTES_MAX {
                            return self.fail(Failure::TooLarge, sys);
                        }
                        match self.complete(false) {
                            Some(response) => {
                                self.close(sys);
                                Progress::Done(Box::new(response))
                            }
                            None => Progress::Wait(Wait::until(now)),
                        }
                    }
                    Recv::Eof => {
                        self.close(sys);
                        match self.complete(true) {
                            Some(response) => Progress::Done(Box::new(response)),
                            None => Progress::Failed(Failure::Empty),
                        }
                    }
                    Recv::Failed(_) => self.fail(Failure::Reset, sys),
                }
            }
        }
    }

    fn dial(&mut self, sys: &mut Sys<'_>) -> Progress {
        let Some(address) = self.addresses.pop() else { return self.fail(Failure::Resolve, sys) };
        self.address = Some(address);
        match sys.host().connect(address, self.url.port) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.stage = Stage::Connect;
                Progress::Wait(Wait::until(sys.now()))
            }
            Err(error) => self.fail(Failure::Connect(error), sys),
        }
    }

    /// What came of a body in chunks beyond so many bytes, while more is to come.
    pub fn part(&self, passed: usize) -> Option<Vec<u8>> {
        let end = head_end(&self.received)?;
        let head = String::from_utf8_lossy(self.received.get(..end)?).into_owned();
        let code = head.split_whitespace().nth(1)?.parse().ok()?;
        let response = Response { head, code, body: Vec::new(), address: self.address };
        let chunked = response.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        if !chunked || !(200..300).contains(&code) {
            return None;
        }
        let (body, _) = unchunk(self.received.get(end..)?);
        body.get(passed..).filter(|part| !part.is_empty()).map(<[u8]>::to_vec)
    }

    fn body_length(&self) -> usize {
        head_end(&self.received).map_or(0, |end| self.received.len() - end)
    }

    /// The response, if all of it is there; at the connection's end whatever there is.
    fn complete(&self, ended: bool) -> Option<Response> {
        let end = head_end(&self.received)?;
        let head = String::from_utf8_lossy(self.received.get(..end).unwrap_or_default()).into_owned();
        let code = head.split_whitespace().nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let rest = self.received.get(end..).unwrap_or_default();
        let mut response = Response { head, code, body: Vec::new(), address: self.address };
        if (100..200).contains(&code) && code != 101 {
            // An interim answer: the real one follows.
            let after = Fetch { received: rest.to_vec(), ..self.clone() };
            return after.complete(ended);
        }
        if self.head_only || code == 204 || code == 304 {
            return Some(response);
        }
        if response.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            let (body, whole) = unchunk(rest);
            response.body = body;
            return (whole || ended).then_some(response);
        }
        match response.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
            Some(length) if rest.len() >= length => {
                response.body = rest.get(..length).unwrap_or_default().to_vec();
                Some(response)
            }
            _ if ended => {
                response.body = rest.to_vec();
                Some(response)
            }
            _ => None,
        }
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
        .or_else(|| bytes.windows(2).position(|window| window == b"\n\n").map(|at| at + 2))
}

/// The body in chunks put together, and whether it is whole.
fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else { return (body, false) };
        let size = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let Ok(size) = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16) else {
            return (body, true);
        };
        rest = rest.get(end + 2..).unwrap_or_default();
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = rest.get(..size) else { return (body, false) };
        body.extend_from_slice(chunk);
        rest = rest.get(size + 2..).unwrap_or_default();
    }
}
