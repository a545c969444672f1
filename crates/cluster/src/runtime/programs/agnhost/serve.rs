//! The commands that serve HTTP.

use std::time::Duration;

use drydock_shell::{Disposition, Program, Signal, Step, Sys, join};
use drydock_value::{Time, Value, to_json, value};

use super::guestbook::{Book, Said};
use super::jobs::{Dial, Job, Jobs, Task};
use super::udp::Udp;
use super::{Flags, duration, stamp};
use crate::runtime::programs::http::{self, Answer, Incoming, Request, Response, Server};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Grpc,
    Guestbook,
    Liveness,
    NetExec,
    NetTest,
    Porter,
    ServeHostname,
    WebServer,
}

const KINDS: &[(&str, Kind)] = &[
    ("grpc-health-checking", Kind::Grpc),
    ("guestbook", Kind::Guestbook),
    ("liveness", Kind::Liveness),
    ("netexec", Kind::NetExec),
    ("nettest", Kind::NetTest),
    ("porter", Kind::Porter),
    ("serve-hostname", Kind::ServeHostname),
    ("test-webserver", Kind::WebServer),
];

/// A server.
#[derive(Clone)]
pub struct Serve {
    kind: Kind,
    server: Server,
    udp: Udp,
    site: Option<Site>,
}

#[derive(Clone)]
struct Site {
    kind: Kind,
    started: Time,
    jobs: Jobs,
    /// Who told `nettest` something, and how often.
    received: Value,
    /// What `guestbook` keeps.
    book: Book,
    /// Whether `grpc-health-checking` was told to be ill.
    ill: Option<bool>,
    /// When it ends, and how.
    end: Option<(Time, i32)>,
}

impl Serve {
    /// The server of a command's name.
    pub fn find(name: &str) -> Option<Serve> {
        let (_, kind) = KINDS.iter().find(|(known, _)| *known == name)?;
        Some(Serve { kind: *kind, server: Server::default(), udp: Udp::default(), site: None })
    }

    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let flags = Flags::of(sys);
        let ports: Vec<u16> = match self.kind {
            Kind::Liveness => vec![8080],
            Kind::Grpc => vec![flags.number("port", 5000), flags.number("http-port", 8080)],
            Kind::Guestbook => vec![flags.number("http-port", 80)],
            Kind::NetExec => vec![flags.number("http-port", 8080)],
            Kind::NetTest => vec![flags.number("port", 8080)],
            Kind::ServeHostname => vec![flags.number("port", 9376)],
            Kind::WebServer => vec![flags.number("port", 80)],
            Kind::Porter => sys.environment().iter().filter_map(|(name, _)| served_port(name)).collect(),
        };
        let stamp = stamp(sys.now());
        for port in &ports {
            if let Err(error) = self.server.listen(*port, sys) {
                let words = error.message().to_lowercase();
                sys.eprint(&format!("{stamp} listen tcp :{port}: bind: {words}\n"));
                if self.kind != Kind::Porter {
                    return Step::Exit(1);
                }
            }
        }
        let port = ports.first().copied().unwrap_or_default();
        match self.kind {
            Kind::NetExec => {
                sys.eprint(&format!("{stamp} Started HTTP server on port {port}\n"));
                if let Err(why) = self.udp.start(flags.number("udp-port", 8081), sys) {
                    sys.eprint(&why);
                    return Step::Exit(1);
                }
            }
            Kind::Grpc => {
                let http: u16 = flags.number("http-port", 8080);
                sys.eprint(&format!(
                    "{stamp} Http server starting to listen on :{http}\n{stamp} gRPC server starting to listen on :{port}\n"
                ));
            }
            Kind::ServeHostname => sys.eprint(&format!("{stamp} Serving on port {port}.\n")),
            _ => {}
        }
        let received = Value::object();
        let (book, started) = (Book::new(sys), sys.now());
        self.site =
            Some(Site { kind: self.kind, started, jobs: Jobs::default(), received, book, ill: None, end: None });
        Step::Continue
    }
}

/// The port that a variable gives `porter`. Those that mean TLS speak HTTP, as everything here.
fn served_port(name: &str) -> Option<u16> {
    ["SERVE_PORT_", "SERVE_TCP_PORT_", "SERVE_TLS_PORT_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix)?.parse().ok())
}

impl Program for Serve {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(mut site) = self.site.take() else { return self.start(sys) };
        self.udp.serve(sys);
        self.server.serve(sys, &mut site);
        for (connection, response) in site.jobs.advance(sys) {
            self.server.reply(connection, &response);
        }
        self.server.serve(sys, &mut site);
        if site.book.register(sys) {
            return Step::Exit(1);
        }
        let mut wait = self.server.wait().or_until(site.end.map(|(time, _)| time));
        site.jobs.add_to(&mut wait);
        self.udp.add_to(&mut wait);
        site.book.add_to(&mut wait);
        let end = site.end.filter(|(time, _)| sys.now() >= *time);
        self.site = Some(site);
        match end {
            Some((_, code)) => Step::Exit(code),
            None => wait.into(),
        }
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if self.kind == Kind::ServeHostname
            && signal == Signal::Term
            && let Some(site) = &mut self.site
        {
            // It goes on for a minute, so that clients can move on, unless it is killed before.
            site.end = Some((sys.now() + Duration::from_secs(60), 0));
            return Disposition::Handled;
        }
        Disposition::Default
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

fn plain(text: impl Into<Vec<u8>>) -> Response {
    Response::new(200, "text/plain; charset=utf-8", text)
}

fn not_found() -> Response {
    Response { code: 404, ..plain("404 page not found\n") }
}

fn bad(text: &str) -> Response {
    Response { code: 400, ..plain(format!("{text}\n")) }
}

impl Answer for Site {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let request = incoming.request;
        let response = match self.kind {
            Kind::ServeHostname => plain(sys.hostname()),
            Kind::Porter => porter(incoming, sys),
            Kind::WebServer => folder(request, sys),
            Kind::Liveness => self.liveness(request, sys),
            Kind::NetTest => self.nettest(request, sys),
            Kind::NetExec => self.netexec(incoming, sys),
            Kind::Grpc => self.health(request, sys),
            Kind::Guestbook => match self.book.answer(request, sys) {
                Said::Now(response) => response,
                Said::After(task) => self.later(incoming, task),
            },
        };
        if response.is_later() { response } else { response.with("Date", http::date(sys.now())) }
    }
}

/// What a port's variable has; with `--json-response`, beside how it was asked for.
fn porter(incoming: &Incoming<'_>, sys: &Sys<'_>) -> Response {
    let environment = sys.environment();
    let found = environment.iter().find(|(name, _)| served_port(name) == Some(incoming.port));
    let text = found.map(|(_, value)| value.clone()).unwrap_or_default();
    if !matches!(Flags::of(sys).switch("json-response"), Some("" | "true")) {
        // Go looks at what is sent to tell its type, and links are only rewritten in HTML.
        return if text.starts_with("<a") { Response::new(200, "text/html; charset=utf-8", text) } else { plain(text) };
    }
    let answer = value!({"Method": incoming.request.method.as_str(), "Body": text});
    Response::new(200, "application/json", to_json(&answer))
}

/// A file, or a folder's list, of the whole file system.
fn folder(request: &Request, sys: &mut Sys<'_>) -> Response {
    let path = join("/", &http::decode(request.path()));
    let found = crate::runtime::programs::folder::serve(sys.files(), &path);
    let listed = sys.files().is_dir(&path);
    found.map_or_else(not_found, |found| if listed { found } else { found.with("Cache-Control", "private") })
}

fn redirect(code: u16, place: &str) -> Response {
    Response::new(code, "text/html; charset=utf-8", format!("<a href=\"{place}\">{}</a>.\n\n", http::reason(code)))
        .with("Location", place)
}

impl Site {
    /// gRPC's own questions, as the kubelet here asks them, and what tells the server how it is.
    fn health(&mut self, request: &Request, sys: &mut Sys<'_>) -> Response {
        let age = sys.now().since(self.started);
        match request.path() {
            "/make-not-serving" => {
                self.ill = Some(true);
                plain(format!("{}s", age.as_secs_f64()))
            }
            "/make-serving" => {
                self.ill = Some(false);
                plain(format!("{}s", age.as_secs_f64()))
            }
            http::HEALTH_CHECK => {
                let now = stamp(sys.now());
                sys.eprint(&format!("{now} Serving the Check request for health check, started at {}\n", self.started));
                let flags = Flags::of(sys);
                let grpc = |status: &str, text: &str| plain(text).with(http::GRPC_STATUS, status);
                if flags.get("service").unwrap_or_default() != request.header(http::GRPC_SERVICE) {
                    return grpc("5", "code = NotFound desc = unknown service");
                }
                let delay: i64 = flags.number("delay-unhealthy-sec", -1);
                let late = u64::try_from(delay).is_ok_and(|delay| age.as_secs() >= delay);
                grpc("0", if self.ill == Some(true) || late { "NOT_SERVING" } else { "SERVING" })
            }
            _ => not_found(),
        }
    }

    fn liveness(&self, request: &Request, sys: &Sys<'_>) -> Response {
        let age = sys.now().since(self.started).as_secs_f64();
        match request.path() {
            "/started" => plain(format!("{age}s")),
            "/healthz" if age > 10.0 => Response { code: 500, ..plain(format!("error: {age}")) },
            "/healthz" => plain("ok"),
            "/redirect" => redirect(302, &http::decode(&request.query("loc").unwrap_or_default())),
            _ => not_found(),
        }
    }

    fn nettest(&mut self, request: &Request, sys: &Sys<'_>) -> Response {
        match request.path() {
            "/write" => {
                let text = String::from_utf8_lossy(&request.body).into_owned();
                let Ok(body) = drydock_value::parse_json(&text) else {
                    return bad("Couldn't decode body");
                };
                let source = body["Source"].str().to_owned();
                let count = self.received[source.as_str()].int() + 1;
                self.received.set(&source, count);
                let answer = value!({"Hostname": sys.hostname()});
                Response::new(200, "text/plain; charset=utf-8", to_json(&answer))
            }
            "/read" => {
                let state = value!({
                    "Hostname": sys.hostname(), "Sent": {}, "Received": self.received.clone(), "Errors": null,
                    "Log": null, "StillContactingPeers": false
                });
                plain(to_json(&state))
            }
            "/status" => plain("pass"),
            "/quit" => plain(""),
            _ => not_found(),
        }
    }

    fn netexec(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        // `--http-override` answers as if something else had been asked.
        let asked = Flags::of(sys).get("http-override").filter(|target| !target.is_empty()).map(str::to_owned);
        let asked = asked.map(|target| Request { target, method: "GET".into(), ..incoming.request.clone() });
        let request = asked.as_ref().unwrap_or(incoming.request);
        let query = |name: &str| request.query(name).unwrap_or_default();
        let said = match request.path() {
            "/echo" => format!("/echo?msg={}&code={}", query("msg"), query("code")),
            "/exit" => format!("/exit?code={}&timeout={}&wait={}", query("code"), query("timeout"), query("wait")),
            "/shell" => format!("/shell?cmd={}", command(request)),
            "/redirect" => format!("/redirect?code={}&location={}", query("code"), query("location")),
            "/dial" => format!(
                "/dial?host={}&protocol={}&port={}&request={}&tries={}",
                query("host"),
                query("protocol"),
                query("port"),
                query("request"),
                query("tries")
            ),
            path => path.to_owned(),
        };
        let line = format!("{} GET {said}\n", stamp(sys.now()));
        sys.eprint(&line);
        match request.path() {
            "/hostname" | "/hostName" => plain(sys.hostname()),
            "/clientip" => plain(
                incoming.peer.map(|(ip, port)| std::net::SocketAddr::new(ip, port).to_string()).unwrap_or_default(),
            ),
            "/header" => plain(request.header(&query("key"))),
            "/healthz" => plain(""),
            "/echo" => match query("code").parse() {
                Ok(code) => Response { code, ..plain(query("msg")) },
                Err(_) if query("code").is_empty() => plain(query("msg")),
                Err(_) => plain(format!("argument 'code' must be an integer or empty, got {:?}\n", query("code"))),
            },
            "/redirect" => redirect(query("code").parse().unwrap_or(302), &query("location")),
            "/shutdown" => self.exit(0, Duration::ZERO, sys),
            "/exit" => {
                let wait = duration(&query("wait")).unwrap_or_default();
                self.exit(query("code").parse().unwrap_or(0), wait, sys)
            }
            "/shell" => {
                let task = Task::shell(&command(request), sys);
                self.later(incoming, task)
            }
            "/dial" => match Dial::new(request) {
                Ok(dial) => self.later(incoming, Task::Dial(dial)),
                Err(text) => bad(&text),
            },
            "/" => plain(format!("NOW: {} +0000 UTC", sys.now().rfc3339().replace('T', " ").replace('Z', ""))),
            _ => not_found(),
        }
    }

    fn later(&mut self, incoming: &Incoming<'_>, task: Task) -> Response {
        self.jobs.add(Job { connection: incoming.connection, task });
        Response::later()
    }

    /// Ends soon; whoever asked never hears an answer, as the process is gone.
    fn exit(&mut self, code: i32, wait: Duration, sys: &mut Sys<'_>) -> Response {
        self.end = Some((sys.now() + wait, code));
        Response::later()
    }
}

fn command(request: &Request) -> String {
    request.query("shellCommand").or_else(|| request.query("cmd")).unwrap_or_default()
}
