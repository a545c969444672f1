//! Commands that print something and end, or only wait.

use std::net::IpAddr;

use drydock_shell::{Disposition, NetError, Program, Recv, Signal, SocketId, Step, Sys, Wait};
use drydock_value::Time;

use super::{Flags, duration};

/// `entrypoint-tester`, `dns-suffix`, `dns-server-list`, `etc-hosts`, `nonewprivs`.
#[derive(Debug, Clone)]
pub struct Print;

impl Program for Print {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let named = |word: &String, name: &str| word.rsplit('/').next() == Some(name);
        let name = if args.first().is_some_and(|word| named(word, "nonewprivs")) {
            "nonewprivs"
        } else {
            args.get(1).map_or("", String::as_str)
        };
        let text = match name {
            "nonewprivs" => format!("Effective uid: {}", sys.user().uid),
            "etc-hosts" => sys.files().read_text("/etc/hosts").unwrap_or_default(),
            "dns-suffix" | "dns-server-list" => {
                let wanted = if name == "dns-suffix" { "search" } else { "nameserver" };
                let text = sys.files().read_text("/etc/resolv.conf").unwrap_or_default();
                let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
                let found = lines.filter(|words| words.first() == Some(&wanted));
                found.flat_map(|words| words.into_iter().skip(1)).collect::<Vec<_>>().join(",")
            }
            _ => format!("[{}]", args.join(" ")),
        };
        sys.print(&format!("{text}\n"));
        Step::Exit(0)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `pause`: waits for a signal, and ends with a code that tells which.
#[derive(Debug, Clone, Default)]
pub struct Pause {
    said: bool,
    end: Option<i32>,
}

impl Program for Pause {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(code) = self.end {
            return Step::Exit(code);
        }
        if !self.said {
            sys.print("Paused\n");
            self.said = true;
        }
        Wait::forever().into()
    }

    fn signal(&mut self, signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        self.end = match signal {
            Signal::Int => Some(1),
            Signal::Term => Some(2),
            _ => return Disposition::Default,
        };
        Disposition::Handled
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `logs-generator`: so many lines, spread over a time.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    since: Option<Time>,
    lines: u32,
}

impl Program for Logs {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let flags = Flags::of(sys);
        let total = flags.get("log-lines-total").or(flags.get("t")).and_then(|text| text.parse().ok()).unwrap_or(0);
        let length = flags.get("run-duration").or(flags.get("d")).and_then(duration).unwrap_or_default();
        let now = sys.now();
        let since = *self.since.get_or_insert(now);
        let (_, month, day, hour, minute, second) = now.civil();
        let head = |level: char, line: u32, sys: &Sys<'_>| {
            let pid = sys.pid();
            let fraction = now.0 % 1_000_000;
            format!(
                "{level}{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:06} {pid:>7} logs_generator.go:{line}] "
            )
        };
        if total == 0 || length.is_zero() {
            let what = if total == 0 { "total number of lines: 0" } else { "duration: 0s" };
            let line = format!("{}Invalid {what}\n", head('F', 67, sys));
            sys.eprint(&line);
            return Step::Exit(255);
        }
        // A line comes at the beginning of its share of the time, and the end when the last share is over.
        let due = since + length / total * self.lines;
        if now < due {
            return Wait::until(due).into();
        }
        if self.lines == total {
            return Step::Exit(0);
        }
        let mut pick = |count: u64| usize::try_from(sys.random() % count).unwrap_or(0);
        let method = ["GET", "POST", "PUT"].get(pick(3)).copied().unwrap_or("GET");
        let namespace = ["kube-system", "default", "ns"].get(pick(3)).copied().unwrap_or("ns");
        let length = 3 + pick(2);
        let letters = "bcdfghjklmnpqrstvwxz2456789";
        let pod: String = (0..length).filter_map(|_| letters.chars().nth(pick(27))).collect();
        let code = 200 + pick(400);
        let line =
            format!("{}{} {method} /api/v1/namespaces/{namespace}/pods/{pod} {code}\n", head('I', 76, sys), self.lines);
        sys.eprint(&line);
        self.lines += 1;
        Step::Continue
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `connect`: whether a TCP connection can be made, or a datagram is answered, told in one word.
#[derive(Debug, Clone, Default)]
pub struct Connect {
    datagrams: bool,
    socket: Option<SocketId>,
    until: Option<Time>,
}

/// Host and port of `host:port`, `[host]:port`.
pub fn split_host(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
}

/// An address, or the first of a name's.
pub fn resolve(host: &str, sys: &mut Sys<'_>) -> Result<IpAddr, NetError> {
    match host.parse() {
        Ok(address) => Ok(address),
        Err(_) => sys.host().resolve(host)?.first().copied().ok_or(NetError::NameNotFound),
    }
}

impl Connect {
    fn begin(&mut self, sys: &mut Sys<'_>) -> Result<SocketId, String> {
        let flags = Flags::of(sys);
        let place = flags.0.iter().skip(2).rfind(|word| !word.starts_with('-') && word.contains(':')).cloned();
        let place = place.or_else(|| flags.0.last().cloned()).unwrap_or_default();
        let (host, port) =
            split_host(&place).ok_or_else(|| format!("UNKNOWN: address {place}: missing port in address"))?;
        let address = resolve(host, sys).map_err(|_| format!("DNS: lookup {host}: no such host"))?;
        let timeout = flags.get("timeout").and_then(duration).filter(|timeout| !timeout.is_zero());
        self.until = timeout.map(|timeout| sys.now() + timeout);
        self.datagrams = flags.get("protocol") == Some("udp");
        if !self.datagrams {
            return sys.host().connect(address, port).map_err(told);
        }
        let data = format!("{}\n", flags.get("udp-data").unwrap_or("hostname"));
        let begun = sys.host().connect_datagrams(address, port);
        begun.and_then(|socket| sys.host().send(socket, data.as_bytes()).map(|_| socket)).map_err(told)
    }

    /// How it went, once that is known.
    fn outcome(&self, socket: SocketId, sys: &mut Sys<'_>) -> Option<Result<(), String>> {
        let late = self.until.is_some_and(|until| sys.now() >= until);
        if !self.datagrams {
            let done = sys.host().connected(socket).map(|done| done.map_err(told));
            return done.or_else(|| late.then(|| Err(told(NetError::TimedOut))));
        }
        let failed = |word: &str, why: &str| Some(Err(format!("{word}: read udp: {why}")));
        match sys.host().recv(socket) {
            Recv::Data(_) => Some(Ok(())),
            Recv::Failed(NetError::Refused) => failed("REFUSED", "connection refused"),
            Recv::Failed(error) => failed("UNKNOWN", &error.message().to_lowercase()),
            Recv::Eof | Recv::Pending if late => failed("TIMEOUT", "i/o timeout"),
            Recv::Eof | Recv::Pending => None,
        }
    }
}

fn told(error: NetError) -> String {
    match error {
        NetError::Refused => "REFUSED".into(),
        NetError::TimedOut => "TIMEOUT".into(),
        error => format!("OTHER: dial tcp: {}", error.message().to_lowercase()),
    }
}

impl Program for Connect {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let socket = match self.socket {
            Some(socket) => Ok(socket),
            None => self.begin(sys),
        };
        let done = socket.and_then(|socket| {
            self.socket = Some(socket);
            match self.outcome(socket, sys) {
                Some(done) => done.map(|()| None),
                None => Ok(Some(socket)),
            }
        });
        match done {
            Ok(Some(socket)) => Wait::socket(socket).or_until(self.until).into(),
            Ok(None) => Step::Exit(0),
            Err(text) => {
                sys.eprint(&format!("{text}\n"));
                Step::Exit(1)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
