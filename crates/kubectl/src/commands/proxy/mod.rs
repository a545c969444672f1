//! `kubectl proxy`: a port of this machine that leads to the API server, with the credentials of the kubeconfig.
//!
//! - [`http`]: requests read from a connection, answers written to it.
//! - here: which requests are passed on, files, streams of watches.

mod http;

use drydock_api::{Body, Request, Response, StreamId, StreamItem};
use drydock_value::to_json;
use regex_lite::Regex;

use super::{Outcome, Waiting, raw};
use crate::client::Client;
use crate::env::{Env, Input, Io, SocketId, Wait};
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use http::Message;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[&[
    "accept-hosts",
    "accept-paths",
    "address",
    "api-prefix",
    "append-server-path",
    "disable-filter",
    "keepalive",
    "port",
    "reject-methods",
    "reject-paths",
    "unix-socket",
    "www",
    "www-prefix",
]];

/// `kubectl proxy`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let off = inv.flags.bool("disable-filter");
    let patterns = |flag: &str| -> Result<Vec<Regex>, Failure> {
        let words = inv.flags.str(flag).split(',').filter(|word| !word.is_empty());
        words
            .map(|word| {
                Regex::new(word).map_err(|why| {
                    let why = match why.to_string() {
                        open if open.contains("closing ')'") => "missing closing )".to_owned(),
                        other => other,
                    };
                    let head = crate::verbose::klog(io, 'F', "proxy_server.go:83");
                    let words = format!("{head}Error compiling re: error parsing regexp: {why}: `{word}`");
                    Failure::Code(words, 255)
                })
            })
            .collect()
    };
    let filter = Filter {
        hosts: patterns("accept-hosts")?,
        paths: patterns("accept-paths")?,
        rejected_paths: patterns("reject-paths")?,
        rejected_methods: patterns("reject-methods")?,
    };
    if off && inv.flags.str("unix-socket").is_empty() {
        io.eprintln(
            crate::verbose::klog(io, 'W', "proxy.go:177")
                + "Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious",
        );
    }
    if !inv.flags.str("unix-socket").is_empty() && inv.flags.int("port") != 8001 {
        return Err("cannot set --unix-socket and --port at the same time".into());
    }
    let slashed = |text: &str| format!("/{}/", text.trim_matches('/')).replace("//", "/");
    let www = inv.flags.str("www").to_owned();
    let (api, www_prefix) = (slashed(inv.flags.str("api-prefix")), slashed(inv.flags.str("www-prefix")));
    let address = inv.flags.str("address").to_owned();
    let wanted = inv.flags.int("port");
    let port = u16::try_from(wanted).map_err(|_| format!("listen tcp: address {wanted}: invalid port"))?;
    let server = inv.client(io)?.connection.server.clone();
    let base = server.split_once("://").map_or("", |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let base = if inv.flags.bool("append-server-path") { base.trim_end_matches('/').to_owned() } else { String::new() };
    let (listener, place) = match inv.flags.str("unix-socket") {
        "" => {
            let bound = io.network.listen(port).map_err(|errno| format!("listen tcp {address}:{wanted}: {errno}"));
            let (listener, port) = bound?;
            (listener, format!("{address}:{port}"))
        }
        path => {
            let bound = io.network.listen_at(&inv.env.absolute(path));
            (bound.map_err(|errno| format!("listen unix {path}: {errno}"))?, path.to_owned())
        }
    };
    io.println(format!("Starting to serve on {place}"));
    Ok(Outcome::Waiting(Box::new(Proxy {
        client: inv.client(io)?.clone(),
        env: inv.env.clone(),
        filter: (!off).then_some(filter),
        base,
        api,
        www,
        www_prefix,
        listener,
        connections: Vec::new(),
    })))
}

/// Which requests are passed on.
#[derive(Debug, Clone)]
struct Filter {
    hosts: Vec<Regex>,
    paths: Vec<Regex>,
    rejected_paths: Vec<Regex>,
    rejected_methods: Vec<Regex>,
}

impl Filter {
    fn accepts(&self, message: &Message) -> bool {
        let any = |patterns: &[Regex], text: &str| patterns.iter().any(|pattern| pattern.is_match(text));
        let host = message.header("host").unwrap_or("");
        // A port is no part of the name; the address in brackets is one of version 6.
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
            _ => host,
        };
        !any(&self.rejected_methods, message.method.as_str())
            && !any(&self.rejected_paths, &message.path)
            && any(&self.paths, &message.path)
            && any(&self.hosts, name)
    }
}

#[derive(Debug, Clone)]
struct Connection {
    socket: SocketId,
    received: Vec<u8>,
    /// A watch or a log on its way.
    stream: Option<StreamId>,
}

#[derive(Debug, Clone)]
struct Proxy {
    client: Client,
    env: Env,
    filter: Option<Filter>,
    /// What stands before every path on the server.
    base: String,
    api: String,
    www: String,
    www_prefix: String,
    listener: SocketId,
    connections: Vec<Connection>,
}

impl Proxy {
    /// Reads, answers, streams; whether the connection stays.
    fn serve(&mut self, io: &mut Io<'_>, connection: &mut Connection) -> bool {
        loop {
            if let Some(stream) = connection.stream {
                match io.api.poll(stream) {
                    StreamItem::Pending => return !ended(io, connection),
                    StreamItem::Event(event) => {
                        io.network.send(connection.socket, &http::chunk((to_json(&event) + "\n").as_bytes()));
                    }
                    StreamItem::Data(_, bytes) => io.network.send(connection.socket, &http::chunk(&bytes)),
                    StreamItem::Closed(_) => {
                        connection.stream = None;
                        io.network.send(connection.socket, http::LAST_CHUNK);
                    }
                }
                continue;
            }
            match http::read(&mut connection.received) {
                Err(code) => {
                    http::write(
                        io,
                        connection.socket,
                        &Response::text(code, crate::verbose::reason_phrase(code)),
                        false,
                    );
                    return false;
                }
                Ok(Some(message)) => {
                    let keep = message.keeps_alive();
                    if !self.answer(io, connection, message) || (!keep && connection.stream.is_none()) {
                        return false;
                    }
                }
                Ok(None) => match io.network.receive(connection.socket) {
                    Input::Pending => return true,
                    Input::Data(bytes) => connection.received.extend(bytes),
                    Input::End => return false,
                },
            }
        }
    }

    fn answer(&mut self, io: &mut Io<'_>, connection: &mut Connection, message: Message) -> bool {
        let keep = message.keeps_alive();
        if let Some(place) = self.elsewhere(&message.path) {
            let place = format!("{place}{}", message.query);
            let mut response = Response::text(307, format!("<a href={}>Temporary Redirect</a>.\n\n", quote(&place)));
            response.headers =
                vec![("content-type".into(), "text/html; charset=utf-8".into()), ("location".into(), place)];
            http::write(io, connection.socket, &response, keep);
            return true;
        }
        if let Some(response) = self.file(io, &message.path) {
            http::write(io, connection.socket, &response, keep);
            return true;
        }
        if self.filter.as_ref().is_some_and(|filter| !filter.accepts(&message)) {
            http::write(io, connection.socket, &Response::text(403, "Forbidden\n"), keep);
            return true;
        }
        let Some(rest) =
            message.path.strip_prefix(self.api.trim_end_matches('/')).filter(|_| message.path.starts_with(&self.api))
        else {
            http::write(io, connection.socket, &Response::text(404, "404 page not found\n"), keep);
            return true;
        };
        let target = format!("{}{rest}{}", self.base, message.query);
        let mut request: Request = raw::request(message.method, &target);
        for name in ["accept", "content-type"] {
            if let Some(text) = message.header(name) {
                request = request.header(name, text);
            }
        }
        if !message.body.is_empty() {
            request.body = Body::Bytes(message.body);
        }
        if !(request.query_bool("watch") || request.query_bool("follow")) {
            let response = self.client.send(io, request);
            http::write(io, connection.socket, &response, keep);
            return true;
        }
        match self.client.open(io, request) {
            Ok(stream) => {
                connection.stream = Some(stream);
                io.network.send(connection.socket, http::STREAM_HEAD);
            }
            Err(failure) => {
                let response = match failure.status() {
                    Some(status) => Response::from(status.clone()),
                    None => Response::text(502, failure.words()),
                };
                http::write(io, connection.socket, &response, keep);
            }
        }
        true
    }

    /// Where a path that nobody writes so leads, as in Go's multiplexer: without empty parts and dots, and with the slash
    /// at the end that the prefixes have.
    fn elsewhere(&self, path: &str) -> Option<String> {
        let mut clean = Env { cwd: "/".into(), ..Env::default() }.absolute(&format!("/{path}"));
        let prefixes = [&self.api, &self.www_prefix];
        if clean != "/" && (path.ends_with('/') || prefixes.iter().any(|prefix| **prefix == format!("{clean}/"))) {
            clean.push('/');
        }
        (clean != path).then_some(clean)
    }

    /// A file below `--www`, when the path is one of those.
    fn file(&self, io: &mut Io<'_>, path: &str) -> Option<Response> {
        let rest = path.strip_prefix(&self.www_prefix).filter(|_| !self.www.is_empty())?;
        // The path cannot lead out of the folder.
        let inside = Env { cwd: "/".into(), ..Env::default() }.absolute(rest);
        let folder = self.env.absolute(&self.www);
        let mut target = format!("{}{inside}", folder.trim_end_matches('/'));
        if io.files.is_dir(&target) {
            let index = format!("{}/index.html", target.trim_end_matches('/'));
            if !io.files.exists(&index) {
                let names = io.files.list_dir(&target).unwrap_or_default();
                let line = |name: &String| {
                    let folder = io.files.is_dir(&format!("{}/{name}", target.trim_end_matches('/')));
                    let name = format!("{name}{}", if folder { "/" } else { "" });
                    format!("<a href={}>{name}</a>\n", quote(&name))
                };
                let lines: String = names.iter().map(line).collect();
                let head = "<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n";
                let mut response = Response::text(200, format!("{head}{lines}</pre>\n"));
                response.headers = vec![("content-type".into(), "text/html; charset=utf-8".into())];
                return Some(response);
            }
            target = index;
        }
        Some(match io.files.read(&target) {
            Ok(bytes) => {
                let kind = match target.rsplit('.').next() {
                    Some("html") => "text/html; charset=utf-8",
                    Some("css") => "text/css; charset=utf-8",
                    Some("js") => "text/javascript; charset=utf-8",
                    Some("json") => "application/json",
                    _ => "text/plain; charset=utf-8",
                };
                Response { code: 200, headers: vec![("content-type".into(), kind.into())], body: Body::Bytes(bytes) }
            }
            Err(_) => Response::text(404, "404 page not found\n"),
        })
    }
}

/// Whether the peer has hung up in the middle of a stream.
fn ended(io: &mut Io<'_>, connection: &Connection) -> bool {
    let over = io.network.receive(connection.socket) == Input::End;
    if let (true, Some(stream)) = (over, connection.stream) {
        io.api.close(stream);
    }
    over
}

impl Waiting for Proxy {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        while let Some(socket) = io.network.accept(self.listener) {
            self.connections.push(Connection { socket, received: Vec::new(), stream: None });
        }
        for mut connection in std::mem::take(&mut self.connections) {
            if self.serve(io, &mut connection) {
                self.connections.push(connection);
            } else {
                io.network.close(connection.socket);
            }
        }
        let sockets = self.connections.iter().map(|connection| connection.socket).chain([self.listener]);
        Ok(Outcome::Wait(Wait {
            sockets: sockets.collect(),
            ..Wait::streams(self.connections.iter().filter_map(|connection| connection.stream))
        }))
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        for connection in self.connections.drain(..) {
            io.network.close(connection.socket);
            if let Some(stream) = connection.stream {
                io.api.close(stream);
            }
        }
        io.network.close(self.listener);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
