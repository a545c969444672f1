//! Apache's httpd: serves its document root.

use drydock_shell::{Disposition, NetError, Program, Signal, Step, Sys, join};
use drydock_value::Time;

use super::http::{self, Answer, Incoming, Response, Server};

/// The server.
#[derive(Debug, Clone, Default)]
pub struct Httpd {
    server: Server,
    version: String,
    root: String,
    running: bool,
    end: Option<Signal>,
    /// Processor time that pages have still to use.
    debt: u64,
}

/// Rounds of a page's loop in a unit of fuel.
const ROUNDS: u64 = 500;
/// Fuel of one step of a page's work.
const WORK: u64 = 500;

fn stamp(now: Time) -> String {
    let (year, _, day, hour, minute, second) = now.civil();
    let date = http::date(now);
    let (weekday, month) = (date.get(..3).unwrap_or(""), date.get(8..11).unwrap_or(""));
    format!("{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02}.{:06} {year}", now.0 % 1_000_000)
}

fn notice(module: &str, level: &str, text: &str, sys: &mut Sys<'_>) {
    let line = format!("[{}] [{module}:{level}] [pid {}:tid {}] {text}\n", stamp(sys.now()), sys.pid(), sys.pid());
    sys.eprint(&line);
}

impl Program for Httpd {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.running {
            return self.start(sys);
        }
        if let Some(signal) = self.end {
            let (code, how) = match signal {
                Signal::Winch => ("AH00492", "caught SIGWINCH, shutting down gracefully"),
                _ => ("AH00491", "caught SIGTERM, shutting down"),
            };
            notice("mpm_event", "notice", &format!("{code}: {how}"), sys);
            return Step::Exit(0);
        }
        // One request after the other: who comes meanwhile waits.
        if self.debt > 0 {
            let part = self.debt.min(WORK);
            self.debt -= part;
            sys.charge(part as u32);
            return Step::Continue;
        }
        let mut server = std::mem::take(&mut self.server);
        server.serve(sys, &mut Site { root: &self.root, version: &self.version, debt: &mut self.debt });
        self.server = server;
        if self.debt > 0 { Step::Continue } else { self.server.wait().into() }
    }

    fn signal(&mut self, signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        match signal {
            Signal::Term | Signal::Winch | Signal::Int if self.running => self.end = Some(signal),
            Signal::Chld | Signal::Usr1 | Signal::Hup => return Disposition::Ignored,
            _ => return Disposition::Default,
        }
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Httpd {
    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        self.version = sys.env("HTTPD_VERSION").unwrap_or_else(|| "2.4.65".into());
        let args = sys.args();
        if args.iter().any(|word| word == "-v") {
            sys.print(&format!("Server version: Apache/{} (Unix)\n", self.version));
            return Step::Exit(0);
        }
        let conf = sys.files().read_text("/usr/local/apache2/conf/httpd.conf").unwrap_or_default();
        let mut ports = Vec::new();
        self.root = "/var/www/html".into();
        for line in conf.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("Listen") => ports.extend(words.next().and_then(|w| w.rsplit(':').next()?.parse::<u16>().ok())),
                Some("DocumentRoot") => self.root = words.next().unwrap_or("").trim_matches('"').into(),
                _ => {}
            }
        }
        if ports.is_empty() {
            ports.push(80);
        }
        if args.iter().any(|word| word == "-t") {
            sys.eprint("Syntax OK\n");
            return Step::Exit(0);
        }
        let own = sys.host().addresses().first().map_or_else(|| "127.0.0.1".into(), ToString::to_string);
        let name = format!(
            "AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using {own}. Set the \
             'ServerName' directive globally to suppress this message\n"
        );
        sys.eprint(&name);
        sys.eprint(&name);
        for port in ports {
            if let Err(error) = self.server.listen(port, sys) {
                let number = if error == NetError::AddressInUse { 98 } else { 99 };
                sys.eprint(&format!(
                    "({number}){}: AH00072: make_sock: could not bind to address 0.0.0.0:{port}\nno listening sockets \
                     available, shutting down\nAH00015: Unable to open logs\n",
                    error.message()
                ));
                return Step::Exit(1);
            }
        }
        self.running = true;
        let version = self.version.clone();
        notice(
            "mpm_event",
            "notice",
            &format!("AH00489: Apache/{version} (Unix) configured -- resuming normal operations"),
            sys,
        );
        notice("core", "notice", "AH00094: Command line: 'httpd -D FOREGROUND'", sys);
        Step::Continue
    }
}

struct Site<'a> {
    root: &'a str,
    version: &'a str,
    debt: &'a mut u64,
}

impl Answer for Site<'_> {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let request = incoming.request;
        let path = http::decode(request.path());
        let mut response = self.find(&path, request.header("host"), sys);
        response.headers.insert(0, ("Date".into(), http::date(sys.now())));
        response.headers.insert(1, ("Server".into(), format!("Apache/{} (Unix)", self.version)));
        let client = incoming.peer.map_or_else(|| "-".into(), |(ip, _)| ip.to_string());
        let line = format!(
            "{client} - - [{}] \"{} {} {}\" {} {}\n",
            http::log_date(sys.now()),
            request.method,
            request.target,
            request.version,
            response.code,
            if request.method == "HEAD" { "-".into() } else { response.body.len().to_string() }
        );
        sys.print(&line);
        response
    }
}

impl Site<'_> {
    fn find(&mut self, path: &str, host: &str, sys: &mut Sys<'_>) -> Response {
        let mut file = join("/", &format!("{}{path}", self.root));
        if sys.files().is_dir(&file) {
            if !path.ends_with('/') {
                return page(301, &format!("<p>The document has moved <a href=\"http://{host}{path}/\">here</a>.</p>"))
                    .with("Location", format!("http://{host}{path}/"));
            }
            let index = ["index.html", "index.php"].into_iter().map(|name| join(&file, name));
            let Some(index) = index.into_iter().find(|index| sys.files().exists(index)) else {
                return page(403, "<p>You don't have permission to access this resource.</p>");
            };
            file = index;
        }
        match sys.files().read(&file) {
            Ok(bytes) if file.ends_with(".php") => {
                let (text, rounds) = super::php::run(&String::from_utf8_lossy(bytes.as_slice()));
                *self.debt += rounds / ROUNDS;
                Response::new(200, "text/html; charset=UTF-8", text)
            }
            Ok(bytes) => {
                let modified = sys.files().stat(&file).map(|stat| stat.modified).unwrap_or_default();
                let kind = http::content_type(&file).unwrap_or("text/plain");
                Response::new(200, kind, bytes.as_slice())
                    .with("Last-Modified", http::date(modified))
                    .with("ETag", format!("\"{:x}-{:x}\"", bytes.len(), modified.0))
                    .with("Accept-Ranges", "bytes")
            }
            Err(_) => page(404, "<p>The requested URL was not found on this server.</p>"),
        }
    }
}

fn page(code: u16, text: &str) -> Response {
    let reason = http::reason(code);
    Response::new(
        code,
        "text/html; charset=iso-8859-1",
        format!(
            "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{code} {reason}</title>\n\
             </head><body>\n<h1>{reason}</h1>\n{text}\n</body></html>\n"
        ),
    )
}
