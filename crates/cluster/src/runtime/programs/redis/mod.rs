//! The redis server: its log, its protocol, its commands.

pub mod resp;
mod store;

use drydock_shell::{Disposition, NetError, Program, Recv, Signal, SocketId, Step, Sys, Wait};

use resp::Resp;
use store::Store;

#[derive(Debug, Clone)]
struct Connection {
    socket: SocketId,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    trusted: bool,
}

/// The server.
#[derive(Debug, Clone, Default)]
pub struct Redis {
    listener: Option<SocketId>,
    connections: Vec<Connection>,
    store: Store,
    password: String,
    end: bool,
}

fn log(sys: &mut Sys<'_>, role: char, mark: char, text: &str) {
    let now = sys.now();
    let (year, _, day, hour, minute, second) = now.civil();
    let date = super::http::date(now);
    let month = date.get(8..11).unwrap_or("Jan");
    let millis = now.0 / 1000 % 1000;
    let line = format!(
        "{}:{role} {day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{millis:03} {mark} {text}\n",
        sys.pid()
    );
    sys.print(&line);
}

impl Program for Redis {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(listener) = self.listener else { return self.start(sys) };
        if self.end {
            log(sys, 'M', '#', "User requested shutdown...");
            log(sys, 'M', '*', "Saving the final RDB snapshot before exiting.");
            log(sys, 'M', '*', "DB saved on disk");
            log(sys, 'M', '#', "Redis is now ready to exit, bye bye...");
            return Step::Exit(0);
        }
        while let Some(socket) = sys.host().accept(listener) {
            self.store.connections += 1;
            let trusted = self.password.is_empty();
            self.connections.push(Connection { socket, inbox: Vec::new(), outbox: Vec::new(), trusted });
        }
        let mut connections = std::mem::take(&mut self.connections);
        connections.retain_mut(|connection| {
            let open = self.serve(connection, sys);
            if !open {
                sys.host().close(connection.socket);
            }
            open
        });
        self.connections = connections;
        let sockets = self.connections.iter().map(|connection| connection.socket).chain([listener]).collect();
        Wait { sockets, ..Wait::default() }.into()
    }

    fn signal(&mut self, signal: Signal, sys: &mut Sys<'_>) -> Disposition {
        if !matches!(signal, Signal::Term | Signal::Int) || self.listener.is_none() {
            return Disposition::Default;
        }
        let text =
            format!("signal-handler ({}) Received SIG{} scheduling shutdown...", sys.now().seconds(), signal.name());
        let line = format!("{}:{text}\n", sys.pid());
        sys.print(&line);
        self.end = true;
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Redis {
    fn start(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let version = sys.env("REDIS_VERSION").unwrap_or_else(|| "7.4.5".into());
        if args.iter().any(|word| word == "-v" || word == "--version") {
            sys.print(&format!("Redis server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n"));
            return Step::Exit(0);
        }
        let mut settings: Vec<(String, String)> = Vec::new();
        let mut conf = None;
        if let Some(file) = args.get(1).filter(|word| !word.starts_with('-')) {
            let path = sys.path(file);
            match sys.files().read_text(&path) {
                Ok(text) => {
                    conf = Some(file.clone());
                    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
                        if let Some((name, value)) = line.split_once(char::is_whitespace) {
                            settings.push((name.to_lowercase(), value.trim().trim_matches('"').into()));
                        }
                    }
                }
                Err(error) => {
                    log(sys, 'C', '#', &format!("Fatal error, can't open config file '{path}': {error}"));
                    return Step::Exit(1);
                }
            }
        }
        let options: Vec<&String> = args.iter().skip(1).collect();
        for pair in options.windows(2) {
            if let [name, value] = pair
                && let Some(name) = name.strip_prefix("--")
            {
                settings.push((name.to_lowercase(), (*value).clone()));
            }
        }
        let setting = |name: &str| settings.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let port: u16 = setting("port").and_then(|port| port.parse().ok()).unwrap_or(6379);
        self.password = setting("requirepass").unwrap_or_default();
        log(sys, 'C', '*', "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
        let pid = sys.pid();
        let about = format!("Redis version={version}, bits=64, commit=00000000, modified=0, pid={pid}, just started");
        log(sys, 'C', '*', &about);
        if conf.is_none() && args.len() < 2 {
            log(
                sys,
                'C',
                '#',
                "Warning: no config file specified, using the default config. In order to specify a config file use redis-server /path/to/redis.conf",
            );
        } else {
            log(sys, 'C', '*', "Configuration loaded");
        }
        log(sys, 'M', '*', "monotonic clock: POSIX clock_gettime");
        match sys.host().listen(port) {
            Ok(listener) => self.listener = Some(listener),
            Err(NetError::AddressInUse) => {
                log(
                    sys,
                    'M',
                    '#',
                    &format!(
                        "Warning: Could not create server TCP listening socket *:{port}: bind: Address already in use"
                    ),
                );
                log(sys, 'M', '#', &format!("Failed listening on port {port} (tcp), aborting."));
                return Step::Exit(1);
            }
            Err(_) => return Step::Exit(1),
        }
        log(sys, 'M', '*', &format!("Running mode=standalone, port={port}."));
        log(sys, 'M', '*', "Server initialized");
        log(sys, 'M', '*', "Ready to accept connections tcp");
        self.store.version = version;
        self.store.started = sys.now();
        Step::Continue
    }

    /// Serves one connection; false when it is over.
    fn serve(&mut self, connection: &mut Connection, sys: &mut Sys<'_>) -> bool {
        let mut open = true;
        while open && connection.outbox.is_empty() {
            match sys.host().recv(connection.socket) {
                Recv::Data(bytes) => connection.inbox.extend_from_slice(&bytes),
                Recv::Pending => break,
                Recv::Eof | Recv::Failed(_) => open = false,
            }
            while let Some(words) = resp::command(&mut connection.inbox) {
                let Some(name) = words.first().map(|word| word.to_ascii_uppercase()) else { continue };
                let answer = match name.as_slice() {
                    b"QUIT" => {
                        open = false;
                        Resp::ok()
                    }
                    b"AUTH" if self.password.is_empty() => Resp::Error(
                        "ERR AUTH <password> called without any password configured for the default user. Are you sure \
                         your configuration is correct?"
                            .into(),
                    ),
                    b"AUTH" if words.last().is_some_and(|word| word.as_slice() == self.password.as_bytes()) => {
                        connection.trusted = true;
                        Resp::ok()
                    }
                    b"AUTH" => Resp::Error("WRONGPASS invalid username-password pair or user is disabled.".into()),
                    b"SHUTDOWN" => {
                        self.end = true;
                        open = false;
                        Resp::ok()
                    }
                    _ if !connection.trusted => Resp::Error("NOAUTH Authentication required.".into()),
                    _ => self.store.run(&words, sys.now()),
                };
                sys.charge(5);
                answer.encode(&mut connection.outbox);
            }
        }
        while !connection.outbox.is_empty() {
            match sys.host().send(connection.socket, &connection.outbox) {
                Ok(0) => return true,
                Ok(sent) => {
                    connection.outbox.drain(..sent);
                }
                Err(_) => return false,
            }
        }
        open
    }
}
