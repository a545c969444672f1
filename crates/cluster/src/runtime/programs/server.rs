//! The connections of a program that serves HTTP.

use std::net::IpAddr;

use drydock_shell::{NetError, Recv, SocketId, Sys, Wait};

use super::http::{Request, Response};

/// A server holds no more connections.
const CONNECTIONS_MAX: usize = 512;

#[derive(Debug, Clone)]
struct Connection {
    socket: SocketId,
    number: u64,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// The method of a request whose answer comes later, and whether the connection stays open after it.
    asked: Option<(String, bool)>,
    /// Nothing more is read: closed as soon as all is sent.
    closing: bool,
}

/// A request with what is known of its connection.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// The request.
    pub request: &'a Request,
    /// Who asks.
    pub peer: Option<(IpAddr, u16)>,
    /// The connection's number, from 1 on.
    pub connection: u64,
    /// The port that it came in on.
    pub port: u16,
}

/// What answers requests.
pub trait Answer {
    /// The answer to one request.
    fn answer(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response;

    /// The answer to what is not a request.
    fn malformed(&mut self, incoming: &Incoming<'_>, sys: &mut Sys<'_>) -> Response {
        let _ = (incoming, sys);
        Response::new(400, "text/plain", "400 Bad Request")
    }
}

/// The connections of a program that serves HTTP.
#[derive(Debug, Clone, Default)]
pub struct Server {
    listeners: Vec<(u16, SocketId)>,
    connections: Vec<(u16, Connection)>,
    served: u64,
}

impl Server {
    /// Listens on a port.
    ///
    /// # Errors
    /// When it is taken.
    pub fn listen(&mut self, port: u16, sys: &mut Sys<'_>) -> Result<(), NetError> {
        let socket = sys.host().listen(port)?;
        self.listeners.push((port, socket));
        Ok(())
    }

    /// The ports that it listens on.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.listeners.iter().map(|(port, _)| *port)
    }

    /// Stops listening; connections go on.
    pub fn stop_listening(&mut self, sys: &mut Sys<'_>) {
        for (_, socket) in self.listeners.drain(..) {
            sys.host().close(socket);
        }
    }

    /// Whether there are connections.
    pub fn is_busy(&self) -> bool {
        self.connections.iter().any(|(_, connection)| !connection.outbox.is_empty() || !connection.inbox.is_empty())
    }

    /// Takes new connections, answers what was asked, sends what can be sent.
    pub fn serve(&mut self, sys: &mut Sys<'_>, answer: &mut dyn Answer) {
        for (port, listener) in &self.listeners {
            while self.connections.len() < CONNECTIONS_MAX {
                let Some(socket) = sys.host().accept(*listener) else { break };
                self.served += 1;
                let connection = Connection {
                    socket,
                    number: self.served,
                    inbox: Vec::new(),
                    outbox: Vec::new(),
                    asked: None,
                    closing: false,
                };
                self.connections.push((*port, connection));
            }
        }
        self.connections.retain_mut(|(port, connection)| {
            let open = connection.serve(*port, sys, answer);
            if !open {
                sys.host().close(connection.socket);
            }
            open
        });
    }

    /// Answers a request that was answered with [`Response::later`]; [`Server::serve`] sends it.
    pub fn reply(&mut self, number: u64, response: &Response) {
        let waiting = self.connections.iter_mut().find(|(_, connection)| connection.number == number);
        if let Some((_, connection)) = waiting
            && let Some((method, keep)) = connection.asked.take()
        {
            connection.outbox.extend_from_slice(&response.encode(&method, keep));
            connection.closing = !keep;
        }
    }

    /// What to wait for. A connection whose answer comes later is not read meanwhile.
    pub fn wait(&self) -> Wait {
        let listeners = self.listeners.iter().map(|(_, socket)| *socket);
        let connections = self.connections.iter().filter(|(_, c)| c.asked.is_none()).map(|(_, c)| c.socket);
        Wait { sockets: listeners.chain(connections).collect(), ..Wait::default() }
    }
}

impl Connection {
    /// Goes on; false when it is done.
    fn serve(&mut self, port: u16, sys: &mut Sys<'_>, answer: &mut dyn Answer) -> bool {
        let mut ended = false;
        while !self.closing && self.outbox.is_empty() && self.asked.is_none() {
            match sys.host().recv(self.socket) {
                Recv::Data(bytes) => self.inbox.extend_from_slice(&bytes),
                Recv::Pending => break,
                Recv::Eof => {
                    ended = true;
                    break;
                }
                Recv::Failed(_) => return false,
            }
            self.answer(port, sys, answer);
        }
        while !self.outbox.is_empty() {
            match sys.host().send(self.socket, &self.outbox) {
                Ok(0) => return true,
                Ok(sent) => {
                    self.outbox.drain(..sent);
                }
                Err(_) => return false,
            }
        }
        !ended && !self.closing
    }

    fn answer(&mut self, port: u16, sys: &mut Sys<'_>, answer: &mut dyn Answer) {
        let peer = sys.host().peer(self.socket);
        loop {
            match Request::take(&mut self.inbox) {
                Ok(None) => return,
                Ok(Some(request)) => {
                    sys.charge(50);
                    let incoming = Incoming { request: &request, peer, connection: self.number, port };
                    let response = answer.answer(&incoming, sys);
                    let keep = request.keep_alive();
                    if response.is_later() {
                        self.asked = Some((request.method, keep));
                        return;
                    }
                    self.outbox.extend_from_slice(&response.encode(&request.method, keep));
                    if !keep {
                        self.closing = true;
                        return;
                    }
                }
                Err(_) => {
                    let incoming = Incoming { request: &Request::default(), peer, connection: self.number, port };
                    let response = answer.malformed(&incoming, sys);
                    self.outbox.extend_from_slice(&response.encode("GET", false));
                    self.closing = true;
                    return;
                }
            }
        }
    }
}
