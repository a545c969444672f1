//! `redis-cli`: one command from its arguments, or one a line from its input.

use std::net::IpAddr;

use drydock_shell::{NetError, Program, Read, Recv, SocketId, Step, Sys, Wait};

use super::redis::resp::{Resp, words};

/// The client.
#[derive(Debug, Clone, Default)]
pub struct RedisCli {
    host: String,
    port: u16,
    password: Option<String>,
    command: Vec<String>,
    raw: bool,
    socket: Option<SocketId>,
    connected: bool,
    inbox: Vec<u8>,
    /// How many answers are to come before the next line is read; the first may be AUTH's.
    expected: u32,
    silent: u32,
    started: bool,
    prompted: bool,
    input_ended: bool,
}

impl Program for RedisCli {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if !self.started {
            self.started = true;
            if let Some(code) = self.arguments(sys) {
                return Step::Exit(code);
            }
            return self.connect(sys);
        }
        let Some(socket) = self.socket else { return Step::Exit(1) };
        if !self.connected {
            match sys.host().connected(socket) {
                None => return Wait::socket(socket).into(),
                Some(Err(error)) => return self.failed(error, sys),
                Some(Ok(())) => self.connected = true,
            }
            if let Some(password) = self.password.clone() {
                self.silent = 1;
                self.send(&["AUTH".into(), password], sys);
            }
            if !self.command.is_empty() {
                let command = self.command.clone();
                self.send(&command, sys);
            }
        }
        self.answers(socket, sys)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl RedisCli {
    fn arguments(&mut self, sys: &mut Sys<'_>) -> Option<i32> {
        (self.host, self.port) = ("127.0.0.1".into(), 6379);
        self.raw = !sys.is_tty(1);
        self.password = sys.env("REDISCLI_AUTH");
        let args = sys.args();
        let mut args = args.iter().skip(1).peekable();
        while let Some(word) = args.peek() {
            match word.as_str() {
                "-h" => {
                    args.next();
                    self.host = args.next().cloned().unwrap_or_default();
                }
                "-p" => {
                    args.next();
                    self.port = args.next().and_then(|port| port.parse().ok()).unwrap_or(6379);
                }
                "-a" | "--pass" => {
                    args.next();
                    self.password = args.next().cloned();
                    sys.eprint("Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n");
                }
                "-n" => {
                    args.next();
                    args.next();
                }
                "--raw" => {
                    args.next();
                    self.raw = true;
                }
                "--no-raw" => {
                    args.next();
                    self.raw = false;
                }
                "--no-auth-warning" => {
                    args.next();
                }
                "--version" | "-v" => {
                    let version = sys.env("REDIS_VERSION").unwrap_or_else(|| "7.4.5".into());
                    sys.print(&format!("redis-cli {version}\n"));
                    return Some(0);
                }
                _ => break,
            }
        }
        self.command = args.cloned().collect();
        None
    }

    fn connect(&mut self, sys: &mut Sys<'_>) -> Step {
        let address = match self.host.parse::<IpAddr>() {
            Ok(ip) => Some(ip),
            Err(_) => sys.host().resolve(&self.host).ok().and_then(|found| found.first().copied()),
        };
        let Some(address) = address else {
            sys.eprint(&format!(
                "Could not connect to Redis at {}:{}: Name or service not known\n",
                self.host, self.port
            ));
            return Step::Exit(1);
        };
        match sys.host().connect(address, self.port) {
            Ok(socket) => {
                self.socket = Some(socket);
                Step::Continue
            }
            Err(error) => self.failed(error, sys),
        }
    }

    fn failed(&self, error: NetError, sys: &mut Sys<'_>) -> Step {
        sys.eprint(&format!("Could not connect to Redis at {}:{}: {}\n", self.host, self.port, error.message()));
        Step::Exit(1)
    }

    fn send(&mut self, command: &[String], sys: &mut Sys<'_>) {
        let request = Resp::Array(command.iter().map(|word| Resp::bulk(word.as_bytes())).collect());
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        self.expected += 1;
        if let Some(socket) = self.socket {
            let _ = sys.host().send(socket, &bytes);
        }
    }

    fn answers(&mut self, socket: SocketId, sys: &mut Sys<'_>) -> Step {
        let mut closed = false;
        loop {
            match sys.host().recv(socket) {
                Recv::Data(bytes) => self.inbox.extend_from_slice(&bytes),
                Recv::Pending => break,
                Recv::Eof | Recv::Failed(_) => {
                    closed = true;
                    break;
                }
            }
        }
        while let Some((answer, used)) = Resp::decode(&self.inbox) {
            self.inbox.drain(..used);
            self.expected = self.expected.saturating_sub(1);
            if self.silent > 0 {
                self.silent -= 1;
                if let Resp::Error(text) = &answer {
                    sys.eprint(&format!("AUTH failed: {text}\n"));
                }
                continue;
            }
            let text = if self.raw { raw(&answer) } else { pretty(&answer, 0) };
            sys.print(&text);
            // What a command from the arguments ends in is the exit code.
            if self.expected == 0 && !self.command.is_empty() {
                sys.host().close(socket);
                return Step::Exit(i32::from(matches!(answer, Resp::Error(_))));
            }
        }
        if closed {
            if self.expected > 0 {
                sys.eprint("Error: Server closed the connection\n");
            }
            return Step::Exit(i32::from(self.expected > 0));
        }
        if self.expected > 0 {
            return Wait::socket(socket).into();
        }
        if self.input_ended {
            sys.host().close(socket);
            return Step::Exit(0);
        }
        if !self.prompted && sys.is_tty(0) {
            sys.print(&format!("{}:{}> ", self.host, self.port));
            self.prompted = true;
        }
        match sys.read_line(0, 64 << 10) {
            Read::Data(line) => {
                self.prompted = false;
                let command = words(&String::from_utf8_lossy(&line));
                match command.first().map(|word| word.to_lowercase()).as_deref() {
                    None => {}
                    Some("exit" | "quit") => self.input_ended = true,
                    Some(_) => self.send(&command, sys),
                }
                Step::Continue
            }
            Read::Pending => {
                let mut wait = Wait::read(0);
                wait.sockets.push(socket);
                wait.into()
            }
            Read::Eof | Read::Error(_) => {
                self.input_ended = true;
                Step::Continue
            }
        }
    }
}

fn raw(answer: &Resp) -> String {
    match answer {
        Resp::Simple(text) => format!("{text}\n"),
        Resp::Error(text) => format!("{text}\n\n"),
        Resp::Int(number) => format!("{number}\n"),
        Resp::Bulk(bytes) => {
            let text = bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
            format!("{text}\n")
        }
        Resp::Array(items) if items.is_empty() => "\n".into(),
        Resp::Array(items) => items.iter().map(raw).collect(),
    }
}

fn pretty(answer: &Resp, indent: usize) -> String {
    match answer {
        Resp::Simple(text) => format!("{text}\n"),
        Resp::Error(text) => format!("(error) {text}\n"),
        Resp::Int(number) => format!("(integer) {number}\n"),
        Resp::Bulk(None) => "(nil)\n".into(),
        Resp::Bulk(Some(bytes)) => format!("{:?}\n", String::from_utf8_lossy(bytes)),
        Resp::Array(items) if items.is_empty() => "(empty array)\n".into(),
        Resp::Array(items) => {
            let mut out = String::new();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push_str(&format!("{}) {}", index + 1, pretty(item, indent + 3)));
            }
            out
        }
    }
}
