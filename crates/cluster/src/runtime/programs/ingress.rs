//! ingress-nginx' controller as a program: it takes what comes to its ports and hands it on by the rules of Ingresses,
//! which the host of the program knows (`control`), as the controller's watches do.

use std::time::Duration;

use drydock_shell::{Disposition, Program, Recv, Signal, SocketId, Step, Sys};
use drydock_value::Time;

use super::daemon::klog;
use super::http::{self, Answer, Incoming, Request, Response, Server};

const PORTS: [u16; 4] = [80, 443, 8443, 10254];
/// Where it tells how it is.
const STATUS: u16 = 10254;
const HTTPS: u16 = 443;
/// `proxy_connect_timeout`
const CONNECT: Duration = Duration::from_secs(5);
/// `proxy_read_timeout`
const READ: Duration = Duration::from_secs(60);

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Controller {
    server: Server,
    site: Site,
    running: bool,
    end: Option<Time>,
}

/// Requests that are being handed on.
#[derive(Debug, Clone, Default)]
struct Site {
    calls: Vec<Call>,
}

/// A request on its way to a backend and back.
#[derive(Debug, Clone)]
struct Call {
    connection: u64,
    socket: SocketId,
    request: Vec<u8>,
    method: String,
    inbox: Vec<u8>,
    open: bool,
    since: Time,
    log: Log,
}

/// What the access log says of a request.
#[derive(Debug, Clone)]
struct Log {
    client: String,
    line: String,
    referer: String,
    agent: String,
    length: usize,
    upstream: String,
    backend: String,
    id: String,
}

/// The page for a code, without a version (`server_tokens off`).
fn page(code: u16) -> Response {
    let title = match code {
        502 => "502 Bad Gateway",
        503 => "503 Service Temporarily Unavailable",
        504 => "504 Gateway Time-out",
        308 => "308 Permanent Redirect",
        400 => "400 Bad Request",
        _ => "404 Not Found",
    };
    Response::new(
        code,
        "text/html",
        format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        ),
    )
}

/// What every answer gets on the way out.
fn dressed(mut response: Response, now: Time) -> Response {
    let dropped = ["connection", "content-length", "transfer-encoding", "keep-alive", "server", "date"];
    response.headers.retain(|(name, _)| !dropped.iter().any(|other| name.eq_ignore_ascii_case(other)));
    response.headers.insert(0, ("Date".into(), http::date(now)));
    response
}

impl Log {
    /// Writes the line of a request that is done.
    fn print(&self, response: &Response, since: Time, sys: &mut Sys<'_>) {
        let none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let (code, sent) = (response.code, response.body.len());
        let took = sys.now().since(since).as_secs_f64();
        let back = match self.backend.as_str() {
            "" => "- - - -".to_owned(),
            backend => format!("{backend} {sent} {took:.3} {code}"),
        };
        sys.print(&format!(
            "{} - - [{}] \"{}\" {code} {sent} \"{}\" \"{}\" {} {took:.3} [{}] [] {back} {}\n",
            self.client,
            http::log_date(sys.now()),
            self.line,
            none(&self.referer),
            none(&self.agent),
            self.length,
            self.upstream,
            self.id,
        ));
    }
}

/// The request as the backend gets it.
fn forwarded(request: &Request, client: &str, port: u16, id: &str, target: String) -> Request {
    let host = request.header("host").to_owned();
    let scheme = if port == HTTPS { "https" } else { "http" };
    let bare = host.split(':').next().unwrap_or_default().to_owned();
    let mut headers: Vec<(String, String)> = [
        ("Host", host.as_str()),
        ("X-Request-ID", id),
        ("X-Real-IP", client),
        ("X-Forwarded-For", client),
        ("X-Forwarded-Host", bare.as_str()),
        ("X-Forwarded-Port", if port == HTTPS { "443" } else { "80" }),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Scheme", scheme),
        ("X-Scheme", scheme),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into();
    let own = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let rest: Vec<_> = request
        .headers
        .iter()
        .filter(|(name, _)| !own(name) && !matches!(name.to_ascii_lowercase().as_str(), "connection" | "keep-alive"))
        .cloned()
        .collect();
    headers.extend(rest);
    Request { method: request.method.clone(), target, version: "HTTP/1.1".into(), headers, body: request.body.clone() }
}

impl Answer for Site {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let (request, port) = (incoming.request, incoming.port);
        if port == STATUS {
            return match request.path() {
                "/healthz" => Response::new(200, "text/plain; charset=utf-8", "ok"),
                _ => Response::new(404, "text/plain; charset=utf-8", "404 page not found\n"),
            };
        }
        let (now, host) = (sys.now(), request.header("host").to_owned());
        let path = http::decode(request.path());
        let words = ["ingress".to_owned(), port.to_string(), host.clone(), path];
        let way = sys.host().control(&words).unwrap_or_default();
        let mut way = way.splitn(3, ' ').map(str::to_owned);
        let (to, upstream) = (way.next().unwrap_or_default(), way.next().unwrap_or_default());
        let id = format!("{:016x}{:016x}", sys.host().random(), sys.host().random());
        let client = incoming.peer.map_or_else(|| "-".into(), |(ip, _)| ip.to_string());
        let mut log = Log {
            client: client.clone(),
            line: format!("{} {} {}", request.method, request.target, request.version),
            referer: request.header("referer").into(),
            agent: request.header("user-agent").into(),
            length: request.encode().len(),
            upstream,
            backend: String::new(),
            id: id.clone(),
        };
        let code = match to.parse::<u16>() {
            Ok(code) => code,
            Err(_) => {
                let end = to.parse::<std::net::SocketAddr>();
                let socket = end.ok().and_then(|end| sys.host().connect(end.ip(), end.port()).ok());
                log.backend = to;
                match socket {
                    Some(socket) => {
                        let query = request.target.split_once('?').map(|(_, query)| format!("?{query}"));
                        let target = way.next().filter(|path| !path.is_empty()).map_or_else(
                            || request.target.clone(),
                            |path| format!("{path}{}", query.unwrap_or_default()),
                        );
                        self.calls.push(Call {
                            connection: incoming.connection,
                            socket,
                            request: forwarded(request, &client, port, &id, target).encode(),
                            method: request.method.clone(),
                            inbox: Vec::new(),
                            open: false,
                            since: now,
                            log,
                        });
                        return Response::later();
                    }
                    None => 502,
                }
            }
        };
        let mut response = page(code);
        if code == 308 {
            let bare = host.split(':').next().unwrap_or_default();
            response = response.with("Location", format!("https://{bare}{}", request.target));
        }
        let response = dressed(response, now);
        log.print(&response, now, sys);
        response
    }

    fn malformed(&mut self, _: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        dressed(page(400), sys.now())
    }
}

impl Call {
    fn deadline(&self) -> Time {
        self.since + if self.open { READ } else { CONNECT }
    }

    /// Goes on; the answer once there is one.
    fn advance(&mut self, sys: &mut Sys<'_>) -> Option<Response> {
        if sys.now() >= self.deadline() {
            return Some(page(504));
        }
        if !self.open {
            if sys.host().connected(self.socket)?.is_err() {
                return Some(page(502));
            }
            self.open = true;
        }
        while !self.request.is_empty() {
            match sys.host().send(self.socket, &self.request) {
                Ok(0) => return None,
                Ok(sent) => {
                    self.request.drain(..sent);
                }
                Err(_) => return Some(page(502)),
            }
        }
        loop {
            let ended = match sys.host().recv(self.socket) {
                Recv::Data(bytes) => {
                    self.inbox.extend_from_slice(&bytes);
                    false
                }
                Recv::Pending => return None,
                Recv::Eof => true,
                Recv::Failed(_) => return Some(page(502)),
            };
            match http::Response::take(&mut self.inbox, &self.method, ended) {
                Ok(Some(response)) => return Some(response),
                Ok(None) if !ended => {}
                _ => return Some(page(502)),
            }
        }
    }
}

impl Controller {
    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let rule = "-".repeat(79);
        let now = klog(sys.now());
        sys.eprint(&format!(
            "{rule}\nNGINX Ingress controller\n  Repository:    https://github.com/kubernetes/ingress-nginx\n\n{rule}\n\n"
        ));
        for port in PORTS {
            if let Err(error) = self.server.listen(port, sys) {
                let words = error.message().to_lowercase();
                sys.eprint(&format!(
                    "{} main.go:59] port {port} is already in use: {words}\n",
                    now.replacen('I', "F", 1)
                ));
                return Step::Exit(255);
            }
        }
        for line in [
            "nginx.go:273] \"Starting NGINX Ingress controller\"",
            "nginx.go:319] \"Starting NGINX process\"",
            "controller.go:214] \"Configuration changes detected, backend reload required\"",
            "controller.go:228] \"Backend successfully reloaded\"",
        ] {
            sys.eprint(&format!("{now} {line}\n"));
        }
        self.running = true;
        Step::Continue
    }
}

impl Program for Controller {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.running {
            return self.start(sys);
        }
        if self.end.is_some_and(|end| sys.now() >= end) {
            sys.eprint(&format!("{} nginx.go:402] \"NGINX process has stopped\"\n", klog(sys.now())));
            return Step::Exit(0);
        }
        self.server.serve(sys, &mut self.site);
        let mut done = Vec::new();
        self.site.calls.retain_mut(|call| {
            let Some(response) = call.advance(sys) else { return true };
            sys.host().close(call.socket);
            call.log.print(&response, call.since, sys);
            done.push((call.connection, dressed(response, sys.now())));
            false
        });
        for (connection, response) in done {
            self.server.reply(connection, &response);
        }
        self.server.serve(sys, &mut self.site);
        let mut wait = self.server.wait().or_until(self.end);
        for call in &self.site.calls {
            wait.sockets.push(call.socket);
            wait = wait.or_until(Some(call.deadline()));
        }
        wait.into()
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if !matches!(signal, Signal::Term | Signal::Int | Signal::Quit) || !self.running {
            return Disposition::Default;
        }
        sys.eprint(&format!("{} nginx.go:379] \"Shutting down controller queues\"\n", klog(sys.now())));
        self.end = Some(sys.now());
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
