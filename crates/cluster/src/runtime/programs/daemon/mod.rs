//! Programs that start, say so, listen, and end when they are told to: databases and parts of the control plane, as
//! far as anybody sees them from outside. One row each: [`rows`].

mod rows;

use drydock_shell::{Disposition, Program, Recv, Signal, SocketId, Step, Sys, Wait};
use drydock_value::Time;

use super::http::{self, Response};
use rows::ROWS;

/// One of them. In a text, `{stamp}` is the time in the program's own format, `{version}` its version, `{port}` its first port.
#[derive(Debug)]
struct Row {
    name: &'static str,
    ports: &'static [u16],
    /// The environment variable that holds the version.
    version: &'static str,
    /// How the log writes the time.
    stamp: fn(Time) -> String,
    /// What it logs when it is ready.
    ready: &'static [&'static str],
    /// What it logs when it ends.
    bye: &'static [&'static str],
    /// The exit code after SIGTERM; none: it does not handle the signal.
    term: Option<i32>,
    /// What it answers to whoever connects, before anything is said.
    greeting: &'static [u8],
    /// Whether it tells who asks over HTTP that it is well.
    health: bool,
    /// Whether its ports speak TLS.
    tls: bool,
    /// Whether it tells gRPC's clients that it is well.
    grpc: bool,
    /// What it answers to whoever asks over HTTP: HTML, JSON or text; `{host}` stands for its machine's name. Empty: nothing.
    page: &'static str,
}

fn iso(now: Time) -> String {
    now.rfc3339_micros()
}

fn second(now: Time) -> String {
    now.rfc3339()
}

/// As Java's programs log: `22-Nov-2026 13:56:49.123`.
fn clock(now: Time) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = now.civil();
    let month = MONTHS.get((month as usize).wrapping_sub(1)).copied().unwrap_or("Jan");
    format!("{day:02}-{month}-{year} {hour:02}:{minute:02}:{second:02}.{:03}", now.0 / 1000 % 1000)
}

fn dashed(now: Time) -> String {
    let text = now.rfc3339_micros().replace('T', " ");
    format!("{} UTC", text.get(..23).unwrap_or(""))
}

/// As klog writes: `I1122 13:56:49.123456       1`.
pub(super) fn klog(now: Time) -> String {
    let (_, month, day, hour, minute, second) = now.civil();
    format!("I{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{:06}       1", now.0 % 1_000_000)
}

const PLAIN: Row = Row {
    name: "",
    ports: &[],
    version: "",
    stamp: klog,
    ready: &[],
    bye: &[],
    term: Some(0),
    greeting: b"",
    health: false,
    tls: false,
    grpc: false,
    page: "",
};

/// The program of a name.
pub fn find(name: &str) -> Option<Box<dyn Program>> {
    match name {
        "pg_isready" | "mysqladmin" | "mariadb-admin" => {
            return Some(Box::new(Ping { port: port_of(name), socket: None }));
        }
        _ => {}
    }
    let row = ROWS.iter().find(|row| row.name == name)?;
    Some(Box::new(Daemon {
        row,
        listeners: Vec::new(),
        connections: Vec::new(),
        port: None,
        running: false,
        end: false,
    }))
}

fn port_of(name: &str) -> u16 {
    if name == "pg_isready" { 5432 } else { 3306 }
}

#[derive(Debug, Clone)]
struct Daemon {
    row: &'static Row,
    listeners: Vec<SocketId>,
    connections: Vec<SocketId>,
    /// The port that its arguments name (`--secure-port`).
    port: Option<u16>,
    running: bool,
    end: bool,
}

/// The port that a program's arguments name.
fn secure_port(sys: &Sys<'_>) -> Option<u16> {
    sys.args().iter().find_map(|word| word.strip_prefix("--secure-port=")?.parse().ok())
}

impl Daemon {
    fn ports(&self) -> Vec<u16> {
        self.port.map_or_else(|| self.row.ports.to_vec(), |port| vec![port])
    }

    fn say(&self, lines: &[&str], sys: &mut Sys<'_>) {
        let stamp = (self.row.stamp)(sys.now());
        let version = sys.env(self.row.version).unwrap_or_default();
        let port = self.ports().first().copied().or_else(|| secure_port(sys)).unwrap_or(0).to_string();
        let elects = sys.args().iter().any(|word| word == "--leader-elect=true");
        let ip = sys.host().addresses().first().map(ToString::to_string).unwrap_or_default();
        for line in lines.iter().filter(|line| elects || !line.contains("leaderelection.go")) {
            let line = line
                .replace("{host}", sys.hostname())
                .replace("{stamp}", &stamp)
                .replace("{version}", &version)
                .replace("{ip}", &ip)
                .replace("{port}", &port);
            sys.eprint(&format!("{line}\n"));
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A row's page.
fn page(row: &Row, sys: &mut Sys<'_>) -> Response {
    let version = sys.env(row.version).unwrap_or_default();
    let major = version.split('.').next().unwrap_or_default();
    let text = row.page.replace("{host}", sys.hostname()).replace("{version}", &version).replace("{major}", major);
    let kind = match text.bytes().next() {
        Some(b'<') => "text/html; charset=utf-8",
        Some(b'{' | b'[') => "application/json",
        _ => "text/plain; charset=utf-8",
    };
    Response::new(200, kind, text).with("Date", http::date(sys.now()))
}

impl Program for Daemon {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.running {
            self.port = secure_port(sys).filter(|_| self.row.ports.len() == 1);
            for port in self.ports() {
                if let Ok(listener) = sys.host().listen(port) {
                    self.listeners.push(listener);
                }
            }
            self.say(self.row.ready, sys);
            self.running = true;
        }
        if self.end {
            self.say(self.row.bye, sys);
            return Step::Exit(self.row.term.unwrap_or(0));
        }
        for listener in &self.listeners {
            while let Some(socket) = sys.host().accept(*listener) {
                let _ = sys.host().send(socket, self.row.greeting);
                self.connections.push(socket);
            }
        }
        // Whatever is said is read and not answered, but whoever asks whether it is well is told.
        self.connections.retain(|socket| {
            loop {
                match sys.host().recv(*socket) {
                    Recv::Data(bytes) if self.row.health && bytes.starts_with(b"GET ") => {
                        let answer = Response::new(200, "text/plain; charset=utf-8", "ok");
                        let answer =
                            if self.row.tls { answer.with(http::OVER_TLS, "max-age=31536000") } else { answer };
                        let _ = sys.host().send(*socket, &answer.encode("GET", false));
                        break;
                    }
                    // gRPC's own question, as the kubelet here asks it.
                    Recv::Data(bytes) if self.row.grpc && contains(&bytes, http::HEALTH_CHECK.as_bytes()) => {
                        let answer = Response::new(200, "application/grpc", "SERVING").with(http::GRPC_STATUS, "0");
                        let _ = sys.host().send(*socket, &answer.encode("POST", false));
                        break;
                    }
                    Recv::Data(_) if !self.row.page.is_empty() => {
                        let answer = page(self.row, sys);
                        let _ = sys.host().send(*socket, &answer.encode("GET", false));
                        break;
                    }
                    Recv::Data(_) => {}
                    Recv::Pending => return true,
                    Recv::Eof | Recv::Failed(_) => break,
                }
            }
            sys.host().close(*socket);
            false
        });
        let sockets = self.listeners.iter().chain(&self.connections).copied().collect();
        Wait { sockets, ..Wait::default() }.into()
    }

    fn signal(&mut self, signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        if !matches!(signal, Signal::Term | Signal::Int | Signal::Quit) || self.row.term.is_none() {
            return Disposition::Default;
        }
        self.end = true;
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `pg_isready`, `mysqladmin ping`: whether the server's port takes connections.
#[derive(Debug, Clone)]
struct Ping {
    port: u16,
    socket: Option<SocketId>,
}

impl Program for Ping {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(socket) = self.socket else {
            let args = sys.args();
            let host = args.iter().position(|word| word == "-h").and_then(|at| args.get(at + 1)).cloned();
            let address = match host {
                Some(host) => sys.host().resolve(&host).ok().and_then(|found| found.first().copied()),
                None => Some(std::net::Ipv4Addr::LOCALHOST.into()),
            };
            let socket = address.and_then(|address| sys.host().connect(address, self.port).ok());
            return match socket {
                Some(socket) => {
                    self.socket = Some(socket);
                    Step::Continue
                }
                None => Step::Exit(2),
            };
        };
        match sys.host().connected(socket) {
            None => Wait::socket(socket).into(),
            Some(up) => {
                sys.host().close(socket);
                let postgres = self.port == 5432;
                match (up.is_ok(), postgres) {
                    (true, true) => sys.print("/var/run/postgresql:5432 - accepting connections\n"),
                    (false, true) => sys.print("/var/run/postgresql:5432 - no response\n"),
                    (true, false) => sys.print("mysqld is alive\n"),
                    (false, false) => sys.eprint("mysqladmin: connect to server at 'localhost' failed\n"),
                }
                Step::Exit(match (up.is_ok(), postgres) {
                    (true, _) => 0,
                    (false, true) => 2,
                    (false, false) => 1,
                })
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
