//! Programs that start, say so, listen, and end when they are told to: databases and parts of the control plane, as
//! far as anybody sees them from outside. One row each.

use drydock_shell::{Disposition, Program, Recv, Signal, SocketId, Step, Sys, Wait};
use drydock_value::Time;

use super::http::{self, Response};

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
}

fn iso(now: Time) -> String {
    now.rfc3339_micros()
}

fn second(now: Time) -> String {
    now.rfc3339()
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
};

const ROWS: &[Row] = &[
    Row {
        name: "postgres",
        ports: &[5432],
        version: "PG_VERSION",
        stamp: dashed,
        ready: &[
            "{stamp} [1] LOG:  starting PostgreSQL {version} on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit",
            "{stamp} [1] LOG:  listening on IPv4 address \"0.0.0.0\", port 5432",
            "{stamp} [1] LOG:  listening on Unix socket \"/var/run/postgresql/.s.PGSQL.5432\"",
            "{stamp} [1] LOG:  database system is ready to accept connections",
        ],
        bye: &["{stamp} [1] LOG:  received smart shutdown request", "{stamp} [1] LOG:  database system is shut down"],
        ..PLAIN
    },
    Row {
        name: "mysqld",
        ports: &[3306, 33060],
        version: "MYSQL_VERSION",
        stamp: iso,
        ready: &[
            "{stamp} 0 [System] [MY-010116] [Server] /usr/sbin/mysqld (mysqld {version}) starting as process 1",
            "{stamp} 1 [System] [MY-013576] [InnoDB] InnoDB initialization has started.",
            "{stamp} 1 [System] [MY-013577] [InnoDB] InnoDB initialization has ended.",
            "{stamp} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '{version}'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306  MySQL Community Server - GPL.",
        ],
        bye: &[
            "{stamp} 0 [System] [MY-013172] [Server] Received SHUTDOWN from user <via user signal>. Shutting down mysqld (Version: {version}).",
        ],
        greeting: b"\x0a\0\0\0\x0a",
        ..PLAIN
    },
    Row {
        name: "mariadbd",
        ports: &[3306],
        version: "MARIADB_VERSION",
        stamp: dashed,
        ready: &[
            "{stamp} 0 [Note] Starting MariaDB {version} as process 1",
            "{stamp} 0 [Note] mariadbd: ready for connections.",
        ],
        bye: &[
            "{stamp} 0 [Note] mariadbd (initiated by: unknown): Normal shutdown",
            "{stamp} 0 [Note] mariadbd: Shutdown complete",
        ],
        greeting: b"\x0a\0\0\0\x0a",
        ..PLAIN
    },
    Row {
        name: "mongod",
        ports: &[27017],
        version: "MONGO_VERSION",
        stamp: iso,
        ready: &[
            "{\"t\":{\"$date\":\"{stamp}\"},\"s\":\"I\",  \"c\":\"NETWORK\",  \"id\":23016,   \"ctx\":\"listener\",\"msg\":\"Waiting for connections\",\"attr\":{\"port\":27017,\"ssl\":\"off\"}}",
        ],
        bye: &[
            "{\"t\":{\"$date\":\"{stamp}\"},\"s\":\"I\",  \"c\":\"CONTROL\",  \"id\":23138,   \"ctx\":\"SignalHandler\",\"msg\":\"Shutting down\",\"attr\":{\"exitCode\":0}}",
        ],
        ..PLAIN
    },
    Row { name: "memcached", ports: &[11211], ..PLAIN },
    Row {
        name: "etcd",
        health: true,
        ports: &[2379, 2380, 2381],
        stamp: iso,
        ready: &[
            "{\"level\":\"info\",\"ts\":\"{stamp}\",\"caller\":\"embed/serve.go:268\",\"msg\":\"serving client traffic securely\",\"traffic\":\"grpc+http\",\"address\":\"192.168.49.2:2379\"}",
        ],
        ..PLAIN
    },
    // The API server's port is the simulated server's own.
    Row {
        name: "kube-apiserver",
        ready: &[
            "{stamp} options.go:263] external host was not specified, using 192.168.49.2",
            "{stamp} server.go:150] Version: v1.36.3",
            "{stamp} secure_serving.go:211] Serving securely on [::]:8443",
        ],
        ..PLAIN
    },
    Row {
        name: "kube-controller-manager",
        health: true,
        tls: true,
        ports: &[10257],
        ready: &[
            "{stamp} serving.go:386] Generated self-signed cert in-memory",
            "{stamp} controllermanager.go:189] \"Starting\" version=\"v1.36.3\"",
            "{stamp} leaderelection.go:257] attempting to acquire leader lease kube-system/kube-controller-manager...",
            "{stamp} leaderelection.go:271] successfully acquired lease kube-system/kube-controller-manager",
        ],
        ..PLAIN
    },
    Row {
        name: "kube-scheduler",
        health: true,
        tls: true,
        ports: &[10259],
        ready: &[
            "{stamp} serving.go:386] Generated self-signed cert in-memory",
            "{stamp} server.go:175] \"Starting Kubernetes Scheduler\" version=\"v1.36.3\"",
            "{stamp} leaderelection.go:271] successfully acquired lease kube-system/kube-scheduler",
        ],
        ..PLAIN
    },
    Row {
        name: "kube-proxy",
        ports: &[10249, 10256],
        ready: &[
            "{stamp} server_linux.go:132] \"Using iptables Proxier\"",
            "{stamp} server.go:527] \"Version info\" version=\"v1.36.3\"",
        ],
        ..PLAIN
    },
    Row {
        name: "coredns",
        health: true,
        ports: &[53, 8080, 8181, 9153],
        ready: &[
            ".:53",
            "[INFO] plugin/reload: Running configuration SHA512 = 8aa94104b4dae56b00431f7362ac05b997af2246775de35dc2eb361b0707b2fa",
            "CoreDNS-1.12.4",
            "linux/amd64, go1.24.6",
        ],
        bye: &["[INFO] SIGTERM: Shutting down servers then terminating"],
        ..PLAIN
    },
    Row {
        name: "metrics-server",
        health: true,
        tls: true,
        ports: &[10250],
        ready: &["{stamp} secure_serving.go:211] Serving securely on [::]:{port}"],
        ..PLAIN
    },
    Row {
        name: "storage-provisioner",
        ready: &[
            "{stamp} storage_provisioner.go:116] Initializing the minikube storage provisioner...",
            "{stamp} storage_provisioner.go:141] Storage provisioner initialized, now starting service!",
        ],
        ..PLAIN
    },
    Row {
        name: "local-path-provisioner",
        stamp: second,
        ready: &[
            "time=\"{stamp}\" level=debug msg=\"Applied config: {\\\"nodePathMap\\\":[{\\\"node\\\":\\\"DEFAULT_PATH_FOR_NON_LISTED_NODES\\\",\\\"paths\\\":[\\\"/var/local-path-provisioner\\\"]}]}\"",
            "time=\"{stamp}\" level=debug msg=\"Provisioner started\"",
        ],
        ..PLAIN
    },
];

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

impl Daemon {
    fn ports(&self) -> Vec<u16> {
        self.port.map_or_else(|| self.row.ports.to_vec(), |port| vec![port])
    }

    fn say(&self, lines: &[&str], sys: &mut Sys<'_>) {
        let stamp = (self.row.stamp)(sys.now());
        let version = sys.env(self.row.version).unwrap_or_default();
        let port = self.ports().first().copied().unwrap_or(0).to_string();
        for line in lines {
            let line = line.replace("{stamp}", &stamp).replace("{version}", &version).replace("{port}", &port);
            sys.eprint(&format!("{line}\n"));
        }
    }
}

impl Program for Daemon {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.running {
            let given = sys.args().iter().find_map(|word| word.strip_prefix("--secure-port=")?.parse().ok());
            self.port = given.filter(|_| self.row.ports.len() == 1);
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
