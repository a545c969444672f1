//! Servers that answer with what they were asked, who they are, or a fixed text: whoami, http-echo, hello-app,
//! echo-server, echoserver.

use drydock_shell::{Disposition, Program, Signal, Step, Sys};

use super::http::{self, Answer, Incoming, Response, Server};

/// Which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Whoami,
    Text(String),
    HelloApp,
    EchoServer,
}

/// The server.
#[derive(Debug, Clone)]
pub struct Echo {
    name: String,
    kind: Kind,
    server: Server,
    running: bool,
    end: bool,
}

impl Echo {
    /// The server of a name.
    pub fn new(name: &str) -> Echo {
        Echo { name: name.into(), kind: Kind::EchoServer, server: Server::default(), running: false, end: false }
    }

    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let port = |names: &[&str], default: u16| {
            let mut found = default;
            for (index, word) in args.iter().enumerate() {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                if names.contains(&name.trim_start_matches('-')) {
                    let value = if value.is_empty() { args.get(index + 1).map_or("", String::as_str) } else { value };
                    found = value.trim_start_matches(':').parse().unwrap_or(found);
                }
            }
            found
        };
        let from_env = sys.env("PORT").and_then(|port| port.parse().ok());
        let (kind, port) = match self.name.as_str() {
            "whoami" => (
                Kind::Whoami,
                port(&["port"], sys.env("WHOAMI_PORT_NUMBER").and_then(|p| p.parse().ok()).unwrap_or(80)),
            ),
            "http-echo" => {
                let text = args.iter().enumerate().find_map(|(index, word)| {
                    let (name, value) = word.split_once('=').unwrap_or((word, ""));
                    (name.trim_start_matches('-') == "text").then(|| {
                        if word.contains('=') {
                            value.to_owned()
                        } else {
                            args.get(index + 1).cloned().unwrap_or_default()
                        }
                    })
                });
                let Some(text) = text.or_else(|| sys.env("ECHO_TEXT")) else {
                    sys.eprint("Missing -text option!\n");
                    return Step::Exit(127);
                };
                (Kind::Text(text), port(&["listen"], 5678))
            }
            "hello-app" => (Kind::HelloApp, from_env.unwrap_or(8080)),
            _ => (Kind::EchoServer, from_env.unwrap_or(8080)),
        };
        self.kind = kind;
        if let Err(error) = self.server.listen(port, sys) {
            let words = error.message().to_lowercase();
            sys.eprint(&format!("listen tcp :{port}: bind: {words}\n"));
            return Step::Exit(1);
        }
        let (year, month, day, hour, minute, second) = sys.now().civil();
        let stamp = format!("{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}");
        let line = match &self.kind {
            Kind::Whoami => format!("{stamp} Starting up on port {port}\n"),
            Kind::Text(_) => format!("{stamp} [INFO] server is listening on :{port}\n"),
            Kind::HelloApp => format!("{stamp} Server listening on port {port}\n"),
            Kind::EchoServer if self.name == "echo-server" => format!("Echo server listening on port {port}.\n"),
            Kind::EchoServer => "Generating self-signed cert\nStarting nginx\n".into(),
        };
        if matches!(self.kind, Kind::Whoami | Kind::HelloApp | Kind::Text(_)) {
            sys.eprint(&line);
        } else {
            sys.print(&line);
        }
        self.running = true;
        Step::Continue
    }
}

impl Program for Echo {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.running {
            return self.start(sys);
        }
        if self.end {
            return Step::Exit(0);
        }
        let mut server = std::mem::take(&mut self.server);
        server.serve(sys, &mut Site { kind: &self.kind, name: &self.name });
        self.server = server;
        self.server.wait().into()
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if !matches!(signal, Signal::Term | Signal::Int) {
            return Disposition::Ignored;
        }
        // A program that does not handle the signal dies of it, unless it is its machine's first process.
        let handles = matches!(self.kind, Kind::Text(_) | Kind::EchoServer);
        if !handles && sys.pid() != 1 {
            return Disposition::Default;
        }
        self.end = true;
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

struct Site<'a> {
    kind: &'a Kind,
    name: &'a str,
}

impl Answer for Site<'_> {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let request = incoming.request;
        let hostname = sys.hostname().to_owned();
        let plain = |text: String| Response::new(200, "text/plain; charset=utf-8", text);
        let response = match self.kind {
            Kind::Text(text) if request.path() == "/health" => {
                let _ = text;
                Response::new(200, "application/json; charset=utf-8", "{\"status\":\"ok\"}\n")
            }
            Kind::Text(text) => {
                let peer = incoming.peer.map(|(ip, port)| format!("{ip}:{port}")).unwrap_or_default();
                let line = format!(
                    "{} {} {peer} \"{} {} {}\" 200 {} \"{}\" 0s\n",
                    sys.now().rfc3339(),
                    request.header("host"),
                    request.method,
                    request.target,
                    request.version,
                    text.len() + 1,
                    request.header("user-agent")
                );
                sys.print(&line);
                plain(format!("{text}\n")).with("X-App-Name", "http-echo")
            }
            Kind::HelloApp => {
                let version =
                    if sys.env("APP_VERSION").is_some_and(|v| v.starts_with('2')) { "2.0.0" } else { "1.0.0" };
                let line = format!("Serving request: {}\n", request.path());
                sys.eprint(&line);
                plain(format!("Hello, world!\nVersion: {version}\nHostname: {hostname}\n"))
            }
            Kind::Whoami if request.path() == "/health" => plain(String::new()),
            Kind::Whoami => {
                let mut text = format!("Hostname: {hostname}\nIP: 127.0.0.1\n");
                for ip in sys.host().addresses() {
                    text.push_str(&format!("IP: {ip}\n"));
                }
                if let Some((ip, port)) = incoming.peer {
                    text.push_str(&format!("RemoteAddr: {ip}:{port}\n"));
                }
                text.push_str(&as_sent(incoming));
                text.push('\n');
                plain(text)
            }
            Kind::EchoServer if self.name == "echoserver" => {
                let minor = sys.env("APP_VERSION").and_then(|version| version.strip_prefix("1.")?.parse::<u32>().ok());
                let old = minor.is_some_and(|minor| minor <= 4);
                let text = if old { old_report(incoming) } else { report(incoming, sys) };
                let server = if old { "nginx/1.10.0" } else { "echoserver" };
                let response = Response::new(200, "text/plain", text).with("Server", server);
                super::nginx::access(incoming, &response, sys);
                response
            }
            Kind::EchoServer => {
                let peer = incoming.peer.map(|(ip, _)| ip.to_string()).unwrap_or_default();
                let mut text = format!(
                    "Request served by {hostname}\n\n{} {} {}\n\nHost: {}\n",
                    request.version,
                    request.method,
                    request.target,
                    request.header("host")
                );
                for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
                    text.push_str(&format!("{name}: {value}\n"));
                }
                if !request.body.is_empty() {
                    text.push_str(&format!("\n{}", String::from_utf8_lossy(&request.body)));
                }
                let line = format!("{peer} | {} {}\n", request.method, request.target);
                sys.print(&line);
                plain(text)
            }
        };
        response.with("Date", http::date(sys.now()))
    }
}

fn as_sent(incoming: &Incoming<'_>) -> String {
    let request = incoming.request;
    let mut text = format!("{} {} {}\n", request.method, request.target, request.version);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text
}

/// What both of echoserver's reports say of a request: the client's address, the address asked for, the headers in
/// alphabetical order, the body.
struct Asked {
    client: String,
    uri: String,
    headers: String,
    body: String,
}

impl Asked {
    fn read(incoming: &Incoming<'_>) -> Asked {
        let request = incoming.request;
        let host = request.header("host");
        let host = host.split(':').next().unwrap_or_default();
        let mut headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{}={value}\n", name.to_lowercase())).collect();
        headers.sort_unstable();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        Asked {
            client: incoming.peer.map(|(ip, _)| ip.to_string()).unwrap_or_default(),
            uri: format!("http://{host}:{}{}", incoming.port, request.target),
            headers: headers.concat(),
            body: if body.is_empty() { "-no body in request-".into() } else { body },
        }
    }
}

/// The version of HTTP and the query of a request.
fn version_and_query<'a>(incoming: &Incoming<'a>) -> (&'a str, &'a str) {
    let request = incoming.request;
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    (request.version.trim_start_matches("HTTP/"), query)
}

/// echoserver's report up to 1.4.
fn old_report(incoming: &Incoming<'_>) -> String {
    let Asked { client, uri, headers, body } = Asked::read(incoming);
    let (version, query) = version_and_query(incoming);
    let query = if query.is_empty() { "nil" } else { query };
    let request = incoming.request;
    format!(
        "CLIENT VALUES:\nclient_address={client}\ncommand={}\nreal path={}\nquery={query}\nrequest_version={version}\n\
         request_uri={uri}\n\nSERVER VALUES:\nserver_version=nginx: 1.10.0 - lua: 10001\n\nHEADERS RECEIVED:\n{headers}\
         BODY:\n{body}",
        request.method, request.target
    )
}

/// The report of later ones.
fn report(incoming: &Incoming<'_>, sys: &Sys<'_>) -> String {
    let Asked { client, uri, headers, body } = Asked::read(incoming);
    let (version, query) = version_and_query(incoming);
    let names = [("node name", "NODE_NAME"), ("pod name", "POD_NAME"), ("pod namespace", "POD_NAMESPACE")];
    let mut pod: String = names
        .iter()
        .chain(&[("pod IP", "POD_IP")])
        .filter_map(|(label, name)| Some(format!("\t{label}:\t{}\n", sys.env(name)?)))
        .collect();
    if pod.is_empty() {
        pod = "\t-no pod information available-\n".into();
    }
    let headers: String = headers.lines().map(|line| format!("\t{line}\n")).collect();
    let request = incoming.request;
    format!(
        "\n\nHostname: {}\n\nPod Information:\n{pod}\nServer values:\n\tserver_version=nginx: 1.13.3 - lua: 10008\n\n\
         Request Information:\n\tclient_address={client}\n\tmethod={}\n\treal path={}\n\tquery={query}\n\t\
         request_version={version}\n\trequest_scheme=http\n\trequest_uri={uri}\n\nRequest Headers:\n{headers}\n\
         Request Body:\n\t{body}\n\n",
        sys.hostname(),
        request.method,
        request.target
    )
}
