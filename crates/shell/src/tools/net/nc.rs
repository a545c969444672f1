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
    /// Whether it speaks in datagrams.
    udp: bool,
    /// How often it has looked whether a datagram comes back.
    looked: u64,
    /// How long it goes on after the end of its input.
    quit: Option<u64>,
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
        self.udp = options.has('u');
        self.quit = options.value('q').and_then(duration);
        self.timeout = options.value('w').and_then(duration);
        self.exec = options.value('e').map(|command| vec![command.to_owned()]);
        let mut words = options.rest.clone();
        if self.listen {
            let port = options.value('p').map(str::to_owned).or_else(|| words.pop());
            let Some(port) = port.and_then(|port| port.parse().ok()) else {
                return Err(call.usage_error("missing port number"));
            };
            self.ports = vec![port];
            let host = call.sys.host();
            return match if self.udp { host.listen_datagrams(port) } else { host.listen(port) } {
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
        let host = call.sys.host();
        match if self.udp { host.connect_datagrams(address, port) } else { host.connect(address, port) } {
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
        self.looked = 0;
        let (host, what) = (&self.host, error.message());
        let message = match (call.gnu(), error) {
            (true, _) => format!("connect to {host} port {port} ({}) failed: {what}", self.protocol()),
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
                    format!("Connection to {address} {port} port [{}/*] succeeded!\n", self.protocol())
                }
                (_, true) => {
                    format!("Connection to {} ({address}) {port} port [{}/*] succeeded!\n", self.host, self.protocol())
                }
                (_, false) => format!("{} ({address}:{port}) open\n", self.host),
            };
            call.sys.eprint(&text);
        }
        if self.scan {
            if let Some(socket) = self.socket.take() {
                call.sys.host().close(socket);
            }
            self.connected = false;
            self.looked = 0;
            self.ports.pop();
            self.code = 0;
            return if self.ports.is_empty() { Err(0) } else { Ok(Step::Continue) };
        }
        self.until = self.idle(call);
        Ok(Step::Continue)
    }

    fn protocol(&self) -> &'static str {
        if self.udp { "udp" } else { "tcp" }
    }

    /// Until when datagrams that do not come are waited for: nobody says that there are no more.
    fn idle(&self, call: &Call<'_, '_>) -> Option<Time> {
        let quit = self.quit.filter(|_| self.input_ended);
        let length = quit.into_iter().chain(self.timeout).min()?;
        (self.udp && !self.listen).then(|| Time(call.sys.now().0 + length))
    }

    /// Sends datagrams, one a second, to see whether they come back; none while that goes on.
    fn look(&mut self, socket: SocketId, call: &mut Call<'_, '_>) -> Option<Result<(), NetError>> {
        if let Recv::Failed(error) = call.sys.host().recv(socket) {
            return Some(Err(error));
        }
        if self.until.is_some_and(|until| until > call.sys.now()) {
            return None;
        }
        if self.looked > self.timeout.map_or(3, |micros| micros / 1_000_000) {
            return Some(Ok(()));
        }
        self.looked += 1;
        self.until = Some(Time(call.sys.now().0 + 1_000_000));
        call.sys.host().send(socket, b"X").err().map(Err)
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
            if self.udp && self.scan {
                if self.looked == 0 {
                    self.until = None;
                }
                return match self.look(socket, call) {
                    None => Ok(Wait::socket(socket).or_until(self.until).into()),
                    Some(Ok(())) => self.stood(call),
                    Some(Err(_)) => {
                        call.sys.host().close(socket);
                        // It says nothing about it.
                        (self.socket, self.looked, self.code) = (None, 0, 1);
                        self.ports.pop();
                        Ok(Step::Continue)
                    }
                };
            }
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
                    self.until = self.idle(call);
                    busy = true;
                }
            }
        }
        match call.sys.host().recv(socket) {
            Recv::Data(bytes) => {
                call.put(&bytes);
                self.until = self.idle(call);
                Ok(Step::Continue)
            }
            // Who sends no more may send again.
            Recv::Eof if self.udp && !self.keep => Ok(Wait::forever().into()),
            Recv::Failed(error) if self.udp && !self.listen => {
                call.sys.host().close(socket);
                call.error(&format!("read failed: {}", error.message()));
                Err(1)
            }
            Recv::Eof | Recv::Failed(_) => self.ended(socket, call),
            Recv::Pending if self.until.is_some_and(|until| until <= call.sys.now()) => self.ended(socket, call),
            Recv::Pending if busy => Ok(Step::Continue),
            Recv::Pending => {
                let mut wait = Wait::socket(socket).or_until(self.until);
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
