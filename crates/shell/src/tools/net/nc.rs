//! `nc`, and `telnet` in its manner.

use std::net::IpAddr;

use drydock_value::Time;

use crate::tools::Call;
use crate::tools::number::duration;
use crate::tools::options::Options;
use crate::{NetError, Program, Read, Recv, SocketId, Step, Sys, Wait};

#[derive(Clone, Default)]
struct Nc {
    started: bool,
    listen: bool,
    keep: bool,
    scan: bool,
    verbose: bool,
    timeout: Option<u64>,
    until: Option<Time>,
    host: String,
    ports: Vec<u16>,
    exec: Option<Vec<String>>,
    listener: Option<SocketId>,
    socket: Option<SocketId>,
    address: Option<IpAddr>,
    connected: bool,
    /// Typed bytes that were not sent yet.
    unsent: Vec<u8>,
    input_ended: bool,
    code: i32,
}

pub(in crate::tools) fn program() -> Box<dyn Program> {
    Box::new(Nc::default())
}

impl Nc {
    fn start(&mut self, call: &mut Call<'_, '_>) -> Result<(), i32> {
        if call.name == "telnet" {
            self.verbose = true;
        }
        let options = Options::parse(call, "lp:vzw:kne:q:uNs:i:46Ct", &[])?;
        self.listen = options.has('l');
        self.keep = options.has('k') || options.all().filter(|(letter, _)| *letter == 'l').count() > 1;
        self.scan = options.has('z');
        self.verbose |= options.has('v');
        self.timeout = options.value('w').and_then(duration);
        self.exec = options.value('e').map(|command| vec![command.to_owned()]);
        let mut words = options.rest.clone();
        if self.listen {
            let port = options.value('p').map(str::to_owned).or_else(|| words.pop());
            let Some(port) = port.and_then(|port| port.parse().ok()) else {
                return Err(call.usage_error("missing port number"));
            };
            self.ports = vec![port];
            return match call.sys.host().listen(port) {
                Ok(socket) => {
                    self.listener = Some(socket);
                    if self.verbose {
                        call.sys.eprint(&if call.gnu() {
                            format!("Listening on 0.0.0.0 {port}\n")
                        } else {
                            format!("listening on 0.0.0.0:{port} ...\n")
                        });
                    }
                    Ok(())
                }
                Err(error) => {
                    let message =
                        if call.gnu() { error.message().to_owned() } else { format!("bind: {}", error.message()) };
                    call.error(&message);
                    Err(1)
                }
            };
        }
        let (Some(host), Some(ports)) =
            (words.first(), words.get(1).or(words.first().filter(|_| call.name == "telnet")))
        else {
            return Err(call.usage_error("missing port number"));
        };
        self.host.clone_from(host);
        let ports = if words.len() < 2 { "23" } else { ports };
        self.ports = match ports.split_once('-') {
            Some((from, to)) => match (from.parse::<u16>(), to.parse::<u16>()) {
                (Ok(from), Ok(to)) if from <= to => (from..=to).rev().collect(),
                _ => Vec::new(),
            },
            None => ports.parse().into_iter().collect(),
        };
        if self.ports.is_empty() {
            let message =
                if call.gnu() { format!("port number invalid: {ports}") } else { format!("bad port '{ports}'") };
            call.error(&message);
            return Err(1);
        }
        Ok(())
    }

    fn dial(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        let Some(port) = self.ports.last().copied() else { return Err(self.code) };
        let address = match self.host.parse::<IpAddr>() {
            Ok(address) => Some(address),
            Err(_) => call.sys.host().resolve(&self.host).ok().and_then(|addresses| addresses.first().copied()),
        };
        let Some(address) = address else {
            let message = if call.gnu() {
                format!("getaddrinfo for host \"{}\" port {port}: Name or service not known", self.host)
            } else {
                format!("bad address '{}'", self.host)
            };
            call.error(&message);
            return Err(1);
        };
        self.address = Some(address);
        self.until = self.timeout.map(|micros| Time(call.sys.now().0 + micros));
        match call.sys.host().connect(address, port) {
            Ok(socket) => {
                self.socket = Some(socket);
                Ok(Step::Continue)
            }
            Err(error) => self.refused(error, call),
        }
    }

    /// A connection that did not come about; the next port, if there is one.
    fn refused(&mut self, error: NetError, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        let port = self.ports.pop().unwrap_or(0);
        self.socket = None;
        let (host, what) = (&self.host, error.message());
        let message = match (call.gnu(), error) {
            (true, _) => format!("connect to {host} port {port} (tcp) failed: {what}"),
            (false, NetError::TimedOut) => "timed out".into(),
            (false, _) => {
                let address = self.address.map(|address| address.to_string()).unwrap_or_default();
                format!("can't connect to remote host ({address}): {what}")
            }
        };
        if self.verbose || !self.scan {
            call.error(&message);
        }
        self.code = 1;
        if self.ports.is_empty() { Err(1) } else { Ok(Step::Continue) }
    }

    fn stood(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        self.connected = true;
        let port = self.ports.last().copied().unwrap_or(0);
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        if self.verbose {
            let text = match (call.name, call.gnu()) {
                ("telnet", _) => format!("Connected to {}\n", self.host),
                (_, true) if self.host == address => {
                    format!("Connection to {address} {port} port [tcp/*] succeeded!\n")
                }
                (_, true) => format!("Connection to {} ({address}) {port} port [tcp/*] succeeded!\n", self.host),
                (_, false) => format!("{} ({address}:{port}) open\n", self.host),
            };
            call.sys.eprint(&text);
        }
        if self.scan {
            if let Some(socket) = self.socket.take() {
                call.sys.host().close(socket);
            }
            self.connected = false;
            self.ports.pop();
            self.code = 0;
            return if self.ports.is_empty() { Err(0) } else { Ok(Step::Continue) };
        }
        self.until = None;
        Ok(Step::Continue)
    }

    fn go_on(&mut self, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        if !self.started {
            self.started = true;
            self.start(call)?;
        }
        if let (Some(listener), None) = (self.listener, self.socket) {
            match call.sys.host().accept(listener) {
                Some(socket) => {
                    self.socket = Some(socket);
                    self.connected = true;
                    if !self.keep {
                        call.sys.host().close(listener);
                        self.listener = None;
                    }
                }
                None => return Ok(Wait::socket(listener).into()),
            }
        }
        let Some(socket) = self.socket else { return self.dial(call) };
        if !self.connected {
            if self.until.is_some_and(|until| until <= call.sys.now()) {
                call.sys.host().close(socket);
                return self.refused(NetError::TimedOut, call);
            }
            return match call.sys.host().connected(socket) {
                None => Ok(Wait::socket(socket).or_until(self.until).into()),
                Some(Ok(())) => self.stood(call),
                Some(Err(error)) => self.refused(error, call),
            };
        }
        let mut busy = false;
        if !self.unsent.is_empty() {
            match call.sys.host().send(socket, &self.unsent) {
                Ok(taken) => {
                    self.unsent.drain(..taken);
                    busy |= taken > 0;
                }
                Err(_) => return self.ended(socket, call),
            }
        } else if !self.input_ended {
            match call.sys.read(0, 32 << 10) {
                Read::Data(bytes) => {
                    self.unsent = bytes;
                    busy = true;
                }
                Read::Pending => {}
                Read::Eof | Read::Error(_) => {
                    self.input_ended = true;
                    call.sys.host().shutdown(socket);
                    busy = true;
                }
            }
        }
        match call.sys.host().recv(socket) {
            Recv::Data(bytes) => {
                call.put(&bytes);
                Ok(Step::Continue)
            }
            Recv::Eof | Recv::Failed(_) => self.ended(socket, call),
            Recv::Pending if busy => Ok(Step::Continue),
            Recv::Pending => {
                let mut wait = Wait::socket(socket);
                if !self.input_ended && self.unsent.is_empty() {
                    wait.read.push(0);
                }
                Ok(wait.into())
            }
        }
    }

    fn ended(&mut self, socket: SocketId, call: &mut Call<'_, '_>) -> Result<Step, i32> {
        call.sys.host().close(socket);
        self.socket = None;
        if self.listener.is_some() && self.keep {
            return Ok(Step::Continue);
        }
        Err(0)
    }
}

impl Program for Nc {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let name = if sys.args().first().is_some_and(|word| word.ends_with("telnet")) { "telnet" } else { "nc" };
        let mut call = Call::new(sys, name);
        if self.exec.is_some() && self.connected {
            // Handing a connection to a program needs descriptors that are sockets, which are not there.
            call.error("-e is not supported here");
            return Step::Exit(call.finish(1));
        }
        match self.go_on(&mut call) {
            Ok(step) => {
                call.flush();
                step
            }
            Err(code) => Step::Exit(call.finish(code)),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
