//! nginx: serves files by its configuration, logs as the image's nginx does.

mod conf;

use std::sync::Arc;

use drydock_shell::{Disposition, Errno, Kind, NetError, Program, Signal, Step, Sys, join};
use drydock_value::Time;

use super::http::{self, Answer, Incoming, Response, Server};
use conf::{Conf, Location};

const MAIN: &str = "/etc/nginx/nginx.conf";
/// The number of the first worker process, after those of the entrypoint's scripts.
const WORKER: u32 = 29;
const WORKERS: u32 = 4;

/// The server.
#[derive(Debug, Clone, Default)]
pub struct Nginx {
    server: Server,
    conf: Arc<Conf>,
    version: String,
    running: bool,
    end: Option<Signal>,
    reload: bool,
}

fn stamp(now: Time) -> String {
    let (year, month, day, hour, minute, second) = now.civil();
    format!("{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}")
}

fn log(sys: &mut Sys<'_>, level: &str, pid: u32, text: &str) {
    let line = format!("{} [{level}] {pid}#{pid}: {text}\n", stamp(sys.now()));
    sys.eprint(&line);
}

impl Program for Nginx {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.running {
            return self.start(sys);
        }
        if let Some(signal) = self.end {
            return self.stop(signal, sys);
        }
        if std::mem::take(&mut self.reload) {
            self.reconfigure(sys);
        }
        let mut server = std::mem::take(&mut self.server);
        server.serve(sys, &mut Site { conf: &self.conf, version: &self.version });
        self.server = server;
        self.server.wait().into()
    }

    fn signal(&mut self, signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        match signal {
            Signal::Term | Signal::Int | Signal::Quit if self.running => self.end = Some(signal),
            Signal::Hup if self.running => self.reload = true,
            Signal::Chld | Signal::Winch | Signal::Usr1 | Signal::Usr2 => return Disposition::Ignored,
            _ => return Disposition::Default,
        }
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Nginx {
    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        self.version = sys.env("NGINX_VERSION").unwrap_or_else(|| "1.27.5".into());
        let args = sys.args();
        let mut file = MAIN.to_owned();
        let mut foreground = false;
        let mut words = args.iter().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "-g" => foreground |= words.next().is_some_and(|g| g.replace(' ', "").contains("daemonoff;")),
                "-c" => file = words.next().map_or(file, |path| join("/etc/nginx", path)),
                "-e" | "-p" => {
                    words.next();
                }
                "-v" => {
                    sys.eprint(&format!("nginx version: nginx/{}\n", self.version));
                    return Step::Exit(0);
                }
                "-V" => {
                    let text = format!(
                        "nginx version: nginx/{}\nbuilt by gcc 12.2.0 (Debian 12.2.0-14)\nTLS SNI support enabled\n",
                        self.version
                    );
                    sys.eprint(&text);
                    return Step::Exit(0);
                }
                "-t" | "-T" => return Self::test(&file, word == "-T", sys),
                "-s" => return Self::send(words.next().map_or("", String::as_str), sys),
                "-q" => {}
                other => {
                    sys.eprint(&format!("nginx: invalid option: \"{}\"\n", other.trim_start_matches('-')));
                    return Step::Exit(1);
                }
            }
        }
        let conf = match conf::load(&file, sys.files()) {
            Ok(conf) => conf,
            Err(why) => return emergency(sys, &why),
        };
        if let Some(why) = caches(sys) {
            return emergency(sys, &why);
        }
        if !foreground && !conf.foreground {
            // It goes to the background; when it is the first process, that is the end of everything.
            if sys.pid() != 1 {
                let mut argv = (*args).clone();
                argv.extend(["-g".to_owned(), "daemon off;".to_owned()]);
                let _ = sys.spawn(drydock_shell::Spawn::program(Box::new(Nginx::default()), argv));
            }
            return Step::Exit(0);
        }
        for port in conf.ports() {
            if let Err(error) = self.server.listen(port, sys) {
                let number = if error == NetError::AddressInUse { 98 } else { 99 };
                return emergency(sys, &format!("bind() to 0.0.0.0:{port} failed ({number}: {})", error.message()));
            }
        }
        self.conf = Arc::new(conf);
        self.running = true;
        let pid = sys.pid();
        let version = self.version.clone();
        let lines = [
            "using the \"epoll\" event method".to_owned(),
            format!("nginx/{version}"),
            "built by gcc 12.2.0 (Debian 12.2.0-14)".into(),
            "OS: Linux 6.6.95".into(),
            "getrlimit(RLIMIT_NOFILE): 1048576:1048576".into(),
            "start worker processes".into(),
        ];
        for line in &lines {
            log(sys, "notice", pid, line);
        }
        for worker in WORKER..WORKER + WORKERS {
            log(sys, "notice", pid, &format!("start worker process {worker}"));
        }
        Step::Continue
    }

    /// `nginx -t`
    fn test(file: &str, dump: bool, sys: &mut Sys<'_>) -> Step {
        match conf::load(file, sys.files()) {
            Ok(_) => {
                sys.eprint(&format!(
                    "nginx: the configuration file {file} syntax is ok\nnginx: configuration file {file} test is successful\n"
                ));
                if dump {
                    let text = sys.files().read_text(file).unwrap_or_default();
                    sys.print(&format!("# configuration file {file}:\n{text}\n"));
                }
                Step::Exit(0)
            }
            Err(why) => {
                log_emergency(sys, &why);
                sys.eprint(&format!("nginx: configuration file {file} test failed\n"));
                Step::Exit(1)
            }
        }
    }

    /// `nginx -s SIGNAL`
    fn send(name: &str, sys: &mut Sys<'_>) -> Step {
        let signal = match name {
            "stop" => Signal::Term,
            "quit" => Signal::Quit,
            "reload" => Signal::Hup,
            "reopen" => Signal::Usr1,
            other => {
                sys.eprint(&format!("nginx: invalid option: \"-s {other}\"\n"));
                return Step::Exit(1);
            }
        };
        let pid = sys.pid();
        log(sys, "notice", pid, "signal process started");
        match sys.kill(1, signal) {
            Ok(()) => Step::Exit(0),
            Err(error) => {
                sys.eprint(&format!("nginx: [alert] kill(1, {}) failed (3: {error})\n", signal.number()));
                Step::Exit(1)
            }
        }
    }

    fn reconfigure(&mut self, sys: &mut Sys<'_>) {
        let pid = sys.pid();
        log(sys, "notice", pid, "signal 1 (SIGHUP) received from 0, reconfiguring");
        log(sys, "notice", pid, "reconfiguring");
        match conf::load(MAIN, sys.files()) {
            Ok(conf) => {
                let had: Vec<u16> = self.server.ports().collect();
                for port in conf.ports().into_iter().filter(|port| !had.contains(port)) {
                    let _ = self.server.listen(port, sys);
                }
                self.conf = Arc::new(conf);
                log(sys, "notice", pid, "start worker processes");
            }
            Err(why) => log(sys, "emerg", pid, &why),
        }
    }

    fn stop(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Step {
        let pid = sys.pid();
        let graceful = signal == Signal::Quit;
        if graceful && self.server.is_busy() {
            let mut server = std::mem::take(&mut self.server);
            server.stop_listening(sys);
            server.serve(sys, &mut Site { conf: &self.conf, version: &self.version });
            self.server = server;
            if self.server.is_busy() {
                return self.server.wait().into();
            }
        }
        let (number, name) = (signal.number(), signal.name());
        let what = if graceful { "shutting down" } else { "exiting" };
        log(sys, "notice", pid, &format!("signal {number} (SIG{name}) received, {what}"));
        for worker in WORKER..WORKER + WORKERS {
            if graceful {
                log(sys, "notice", worker, "gracefully shutting down");
            }
            log(sys, "notice", worker, "exiting");
            log(sys, "notice", worker, "exit");
        }
        log(sys, "notice", pid, "exit");
        Step::Exit(0)
    }
}

/// Whether the folders that nginx makes at its start can be made: not by a user that does not own them, and not on a
/// read-only file system.
fn caches(sys: &mut Sys<'_>) -> Option<String> {
    let read_only = sys.files().mounted().any(|(path, read_only, _)| path == "/" && read_only);
    if sys.user().uid == 0 && !read_only {
        return None;
    }
    let path = "/var/cache/nginx/client_temp";
    match sys.files().mkdir(path) {
        Ok(()) | Err(Errno::Exists) => None,
        Err(error) => {
            let number = if error == Errno::ReadOnly { 30 } else { 13 };
            Some(format!("mkdir() \"{path}\" failed ({number}: {error})"))
        }
    }
}

fn log_emergency(sys: &mut Sys<'_>, why: &str) {
    let pid = sys.pid();
    log(sys, "emerg", pid, why);
    sys.eprint(&format!("nginx: [emerg] {why}\n"));
}

fn emergency(sys: &mut Sys<'_>, why: &str) -> Step {
    log_emergency(sys, why);
    Step::Exit(1)
}

/// Answers by the configuration.
struct Site<'a> {
    conf: &'a Conf,
    version: &'a str,
}

/// Where an answer comes from.
enum Found {
    File(String),
    Code(u16),
    Moved(String),
    Listing(String),
    Text(Response),
}

impl Answer for Site<'_> {
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let request = incoming.request;
        let host = request.header("host").to_owned();
        let server = self.conf.server(incoming.port, &host);
        let path = http::decode(request.path());
        let location = server.map(|server| server.location(&path));
        let mut response = match location {
            _ if !matches!(request.method.as_str(), "GET" | "HEAD" | "POST") => self.code(405),
            None => self.code(404),
            Some(location) => match find(location, &path, &host, incoming, sys) {
                Found::Code(code) => self.code(code),
                Found::Moved(to) => self.code(301).with("Location", format!("http://{host}{to}")),
                Found::Listing(path) => Response::new(200, "text/html", listing(&path, request.path(), sys)),
                Found::Text(response) => response,
                Found::File(_) if request.method == "POST" => self.code(405),
                Found::File(file) => self.file(&file, location, sys),
            },
        };
        if let Some(location) = location.filter(|_| response.code < 400) {
            response.headers.extend(location.headers.iter().cloned());
        }
        response.headers.insert(0, ("Server".into(), format!("nginx/{}", self.version)));
        response.headers.insert(1, ("Date".into(), http::date(sys.now())));
        if !server.is_some_and(|server| server.quiet) {
            access(incoming, &response, sys);
        }
        response
    }

    fn malformed(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let response = self.code(400);
        access(incoming, &response, sys);
        response
    }
}

impl Site<'_> {
    /// The page for a code.
    fn code(&self, code: u16) -> Response {
        let title = format!("{code} {}", if code == 405 { "Not Allowed" } else { http::reason(code) });
        let version = self.version;
        Response::new(
            code,
            "text/html",
            format!(
                "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
                 <hr><center>nginx/{version}</center>\r\n</body>\r\n</html>\r\n"
            ),
        )
    }

    fn file(&self, file: &str, location: &Location, sys: &mut Sys<'_>) -> Response {
        let Ok(bytes) = sys.files().read(file) else { return self.code(403) };
        let modified = sys.files().stat(file).map(|stat| stat.modified).unwrap_or_default();
        let kind = http::content_type(file).or(location.default_type.as_deref()).unwrap_or("application/octet-stream");
        Response::new(200, kind, bytes.as_slice())
            .with("Last-Modified", http::date(modified))
            .with("ETag", format!("\"{:x}-{:x}\"", modified.seconds(), bytes.len()))
            .with("Accept-Ranges", "bytes")
    }
}

fn find(location: &Location, path: &str, host: &str, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Found {
    if let Some((code, text)) = &location.answer {
        let text = variables(text, path, host, incoming, sys);
        return match code {
            301 | 302 | 303 | 307 | 308 => {
                Found::Text(Response { code: *code, ..Response::default() }.with("Location", text))
            }
            _ if text.is_empty() => Found::Code(*code),
            _ => Found::Text(Response::new(*code, location.default_type.as_deref().unwrap_or("text/plain"), text)),
        };
    }
    if location.status {
        let text =
            "Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n";
        return Found::Text(Response::new(200, "text/plain", text));
    }
    let file = |path: &str| match &location.alias {
        Some(alias) => join("/", &format!("{alias}{}", path.strip_prefix(location.path.as_str()).unwrap_or(""))),
        None => join("/", &format!("{}{path}", location.root.as_deref().unwrap_or("/etc/nginx/html"))),
    };
    if let Some((last, tries)) = location.try_files.split_last() {
        for attempt in tries {
            let attempt = attempt.replace("$uri", path);
            let candidate = file(&attempt);
            match sys.files().stat(&candidate) {
                Ok(stat) if stat.is_file() && !attempt.ends_with('/') => return Found::File(candidate),
                Ok(stat) if stat.is_dir() && attempt.ends_with('/') => {
                    return folder(location, &candidate, path, incoming, sys);
                }
                _ => {}
            }
        }
        if let Some(code) = last.strip_prefix('=').and_then(|code| code.parse().ok()) {
            return Found::Code(code);
        }
        let last = last.split('?').next().unwrap_or(last).replace("$uri", path);
        let candidate = file(&last);
        return if sys.files().exists(&candidate) { Found::File(candidate) } else { Found::Code(404) };
    }
    let candidate = file(path);
    match sys.files().stat(&candidate) {
        Ok(stat) if stat.is_dir() && path.ends_with('/') => folder(location, &candidate, path, incoming, sys),
        Ok(stat) if stat.is_dir() => Found::Moved(format!("{path}/")),
        Ok(stat) if stat.kind == Kind::File && !path.ends_with('/') => Found::File(candidate),
        Err(Errno::Denied) => {
            error(incoming, &format!("open() \"{candidate}\" failed (13: Permission denied)"), sys);
            Found::Code(403)
        }
        _ => {
            error(incoming, &format!("open() \"{candidate}\" failed (2: No such file or directory)"), sys);
            Found::Code(404)
        }
    }
}

fn folder(location: &Location, folder: &str, path: &str, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Found {
    for index in &location.index {
        let file = join(folder, index);
        if sys.files().exists(&file) {
            return Found::File(file);
        }
    }
    if location.autoindex {
        return Found::Listing(folder.into());
    }
    let _ = path;
    let shown = if folder.ends_with('/') { folder.to_owned() } else { format!("{folder}/") };
    error(incoming, &format!("directory index of \"{shown}\" is forbidden"), sys);
    Found::Code(403)
}

fn listing(folder: &str, path: &str, sys: &mut Sys<'_>) -> String {
    let mut out = format!(
        "<html>\r\n<head><title>Index of {path}</title></head>\r\n<body>\r\n<h1>Index of {path}</h1><hr><pre><a href=\"../\">../</a>\r\n"
    );
    for entry in sys.files().list(folder).unwrap_or_default() {
        let slash = if entry.stat.is_dir() { "/" } else { "" };
        let (date, size) = (http::log_date(entry.stat.modified), entry.stat.size);
        let date = date.get(..17).unwrap_or("").replace('/', "-");
        out.push_str(&format!("<a href=\"{0}{slash}\">{0}{slash}</a> {date} {size}\r\n", entry.name));
    }
    out.push_str("</pre><hr></body>\r\n</html>\r\n");
    out
}

/// Puts the values of the usual variables into a text.
fn variables(text: &str, path: &str, host: &str, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> String {
    if !text.contains('$') {
        return text.into();
    }
    let peer = incoming.peer.map(|(ip, _)| ip.to_string()).unwrap_or_default();
    let hostname = sys.hostname().to_owned();
    let port = incoming.port.to_string();
    let own = sys.host().addresses().first().map(ToString::to_string).unwrap_or_default();
    let mut out = text.to_owned();
    for (name, value) in [
        ("$request_uri", incoming.request.target.as_str()),
        ("$request_method", incoming.request.method.as_str()),
        ("$remote_addr", peer.as_str()),
        ("$server_addr", own.as_str()),
        ("$server_port", port.as_str()),
        ("$hostname", hostname.as_str()),
        ("$http_user_agent", incoming.request.header("user-agent")),
        ("$scheme", "http"),
        ("$host", host.split(':').next().unwrap_or("")),
        ("$http_host", host),
        ("$uri", path),
    ] {
        out = out.replace(name, value);
    }
    out
}

fn quoted(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// Writes a line of the access log, in the format that nginx calls `main`.
pub(super) fn access(incoming: &Incoming<'_>, response: &Response, sys: &mut Sys<'_>) {
    let request = incoming.request;
    let client = incoming.peer.map_or_else(|| "-".into(), |(ip, _)| ip.to_string());
    let line = if request.method.is_empty() {
        String::new()
    } else {
        format!("{} {} {}", request.method, request.target, request.version)
    };
    let sent = if request.method == "HEAD" { 0 } else { response.body.len() };
    let text = format!(
        "{client} - - [{}] \"{line}\" {} {sent} \"{}\" \"{}\" \"{}\"\n",
        http::log_date(sys.now()),
        response.code,
        quoted(request.header("referer")),
        quoted(request.header("user-agent")),
        quoted(request.header("x-forwarded-for")),
    );
    sys.print(&text);
}

fn error(incoming: &Incoming<'_>, what: &str, sys: &mut Sys<'_>) {
    let request = incoming.request;
    let client = incoming.peer.map_or_else(|| "-".into(), |(ip, _)| ip.to_string());
    let line = format!(
        "{} [error] {WORKER}#{WORKER}: *{} {what}, client: {client}, server: localhost, request: \"{} {} {}\", host: \"{}\"\n",
        stamp(sys.now()),
        incoming.connection,
        request.method,
        request.target,
        request.version,
        request.header("host"),
    );
    sys.eprint(&line);
}
