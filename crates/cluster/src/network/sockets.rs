//! Connections: byte streams between machines, and what passes for a connection between those who send each other
//! datagrams ([`super::datagrams`]).

use drydock_sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use drydock_shell::{NetError, Recv, SocketId};
use drydock_value::{Str, Time};

use super::conditions::Conditions;
use super::services::Services;
use super::{Place, Protocol, Target, WORKSTATION};
use crate::informers::Informers;
use crate::queue::{Event, EventQueue, NodeId};
use crate::random::Random;
use crate::runtime::Catalogue;

/// How much a receiver may leave unread before its sender must wait.
pub(super) const WINDOW: usize = 64 << 10;

/// Who waits for connections, and what waits on which machine.
#[derive(Debug, Clone)]
pub(super) struct Socket {
    pub(super) place: Place,
    pub(super) wake: Event,
    pub(super) owner: u64,
    pub(super) body: Body,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Listener { port: u16, protocol: Protocol, backlog: VecDeque<SocketId> },
    Stream(Box<Stream>),
}

#[derive(Debug, Clone)]
pub(super) struct Stream {
    pub(super) protocol: Protocol,
    /// Whether this is the side that began.
    pub(super) asks: bool,
    /// Until when nothing is known of it, and what is then.
    pub(super) settled: Option<(Time, Result<(), NetError>)>,
    pub(super) peer: Option<SocketId>,
    pub(super) target: Target,
    pub(super) local: (Ipv4Addr, u16),
    /// The address that the other side sees in the place of the local one.
    pub(super) seen: Ipv4Addr,
    pub(super) remote: (Ipv4Addr, u16),
    pub(super) latency: Duration,
    pub(super) inbox: VecDeque<(Time, Vec<u8>)>,
    pub(super) unread: usize,
    pub(super) end: Option<Time>,
    /// The other side is gone: what is sent comes back as a reset.
    pub(super) broken: bool,
    /// Its own end was sent.
    pub(super) shut: bool,
    /// Sending stopped for want of room; the owner is to be woken when there is some.
    pub(super) wants_room: bool,
    pub(super) woken_at: Time,
    /// Whether its holder knows that it stands.
    pub(super) noticed: bool,
    /// What is sent as soon as the connection stands.
    pub(super) early: Vec<Vec<u8>>,
    /// How often its first packet was lost.
    pub(super) lost: u8,
}

impl Stream {
    pub(super) fn new(
        protocol: Protocol,
        target: Target,
        local: (Ipv4Addr, u16),
        remote: (Ipv4Addr, u16),
        latency: Duration,
    ) -> Stream {
        Stream {
            protocol,
            asks: true,
            settled: None,
            peer: None,
            target,
            local,
            seen: local.0,
            remote,
            latency,
            inbox: VecDeque::new(),
            unread: 0,
            end: None,
            broken: false,
            shut: false,
            wants_room: false,
            woken_at: Time::default(),
            noticed: false,
            early: Vec::new(),
            lost: 0,
        }
    }
}

/// The network: addresses, services, sockets.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The services' rules.
    pub services: Services,
    /// The registries, which the nodes reach over the network.
    pub registry: Catalogue,
    pub(super) by_ip: SortedMap<Ipv4Addr, Place>,
    pub(super) ips: SortedMap<Place, Ipv4Addr>,
    pub(super) names: SortedMap<NodeId, Str>,
    /// The workstation's address on the nodes' network: the first of the first node's.
    pub(super) workstation: Option<Ipv4Addr>,
    pub(super) sockets: SortedMap<SocketId, Socket>,
    pub(super) listeners: SortedMap<(Place, Protocol, u16), SocketId>,
    /// The API server's port.
    pub(super) door: Option<super::door::Door>,
    /// The ports at which load balancers ask just now.
    pub(super) health_checks: Vec<super::health_checks::HealthCheck>,
    /// Ports of nodes that lead to pods (`hostPort`).
    pub(super) mapped: SortedMap<(NodeId, Protocol, u16, Ipv4Addr), Target>,
    pub(super) owned: SortedMap<(Place, u64), SortedSet<SocketId>>,
    pub(super) last: u64,
    pub(super) ephemeral: u16,
    /// What is cut or slow.
    pub conditions: Conditions,
}

/// What a connection attempt needs to know of the world.
pub struct World<'a> {
    /// The moment.
    pub now: Time,
    /// Where wakes go.
    pub queue: &'a mut EventQueue,
    /// For the services' endpoints.
    pub informers: &'a Informers,
    /// For the choice among them.
    pub random: &'a mut Random,
}

impl Network {
    /// Gives a machine its address.
    pub fn attach(&mut self, place: Place, ip: Ipv4Addr) {
        self.by_ip.insert(ip, place);
        self.ips.insert(place, ip);
    }

    /// Gives a node its address and its name.
    pub fn attach_node(&mut self, node: NodeId, name: &str, ip: Ipv4Addr) {
        self.attach(Place::Node(node), ip);
        self.names.insert(node, name.into());
        let [a, b, c, _] = ip.octets();
        self.workstation.get_or_insert(Ipv4Addr::new(a, b, c, 1));
    }

    pub(super) fn name_of(&self, place: Place) -> Option<Str> {
        self.names.get(&place.node()?).cloned()
    }

    /// Takes a machine off the network: its address is free, its sockets are gone.
    pub fn detach(&mut self, place: Place, now: Time, queue: &mut EventQueue) {
        if let Some(ip) = self.ips.remove(&place) {
            self.by_ip.remove(&ip);
            self.mapped.retain(|_, target| target.place != place);
        }
        let gone: Vec<SocketId> =
            self.owned.range((place, 0)..=(place, u64::MAX)).flat_map(|(_, s)| s.clone()).collect();
        for socket in gone {
            self.close(socket, now, queue);
        }
    }

    fn workstation(&self) -> Ipv4Addr {
        self.workstation.unwrap_or(WORKSTATION)
    }

    /// A machine's address.
    pub fn address(&self, place: Place) -> Option<Ipv4Addr> {
        if place == Place::Workstation { Some(self.workstation()) } else { self.ips.get(&place).copied() }
    }

    /// Who has an address.
    pub fn place(&self, ip: Ipv4Addr) -> Option<Place> {
        if ip == self.workstation() { Some(Place::Workstation) } else { self.by_ip.get(&ip).copied() }
    }

    /// Closes everything that one holder on a machine holds (a container that ended).
    pub fn close_all(&mut self, place: Place, owner: u64, now: Time, queue: &mut EventQueue) {
        for socket in self.owned.remove(&(place, owner)).unwrap_or_default() {
            self.close(socket, now, queue);
        }
    }

    /// How many sockets there are.
    pub fn socket_count(&self) -> usize {
        self.sockets.len()
    }

    /// Whether somebody listens where a connection attempt goes.
    pub fn expected(&self, id: SocketId) -> bool {
        self.stream(id).is_some_and(|stream| self.listener(stream).is_some())
    }

    pub(super) fn listener(&self, stream: &Stream) -> Option<SocketId> {
        self.listeners.get(&(stream.target.place, stream.protocol, stream.target.port)).copied()
    }

    /// The ports that a machine listens on.
    pub fn ports(&self, place: Place) -> Vec<u16> {
        let all = (place, Protocol::Tcp, 0)..=(place, Protocol::Tcp, u16::MAX);
        self.listeners.range(all).map(|((.., port), _)| *port).collect()
    }

    pub(super) fn add(&mut self, socket: Socket) -> SocketId {
        self.last += 1;
        let id = SocketId(self.last);
        self.owned.entry((socket.place, socket.owner)).or_default().insert(id);
        self.sockets.insert(id, socket);
        id
    }

    pub(super) fn stream(&self, id: SocketId) -> Option<&Stream> {
        match &self.sockets.get(&id)?.body {
            Body::Stream(stream) => Some(stream),
            Body::Listener { .. } => None,
        }
    }

    pub(super) fn stream_mut(&mut self, id: SocketId) -> Option<(&mut Stream, &Event)> {
        let socket = self.sockets.get_mut(&id)?;
        match &mut socket.body {
            Body::Stream(stream) => Some((stream, &socket.wake)),
            Body::Listener { .. } => None,
        }
    }

    /// Wakes a socket's holder at a moment, once a moment.
    pub(super) fn wake_at(&mut self, id: SocketId, at: Time, queue: &mut EventQueue) {
        let Some((stream, wake)) = self.stream_mut(id) else { return };
        if stream.woken_at != at {
            stream.woken_at = at;
            let wake = wake.clone();
            queue.at(at, wake);
        }
    }

    /// Listens on a TCP port. `owner` tells the holders on one machine apart; `wake` is what wakes this one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn listen(&mut self, place: Place, port: u16, owner: u64, wake: Event) -> Result<SocketId, NetError> {
        self.listen_for(Protocol::Tcp, place, port, owner, wake)
    }

    /// Listens on a port of a protocol.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn listen_for(
        &mut self,
        protocol: Protocol,
        place: Place,
        port: u16,
        owner: u64,
        wake: Event,
    ) -> Result<SocketId, NetError> {
        if self.listeners.contains_key(&(place, protocol, port)) {
            return Err(NetError::AddressInUse);
        }
        let body = Body::Listener { port, protocol, backlog: VecDeque::new() };
        let id = self.add(Socket { place, wake, owner, body });
        self.listeners.insert((place, protocol, port), id);
        Ok(id)
    }

    /// Takes the next connection to a listening port.
    pub fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        match &mut self.sockets.get_mut(&listener)?.body {
            Body::Listener { backlog, .. } => backlog.pop_front(),
            Body::Stream(_) => None,
        }
    }

    /// Whether a connection stands; none while it is being made.
    pub fn connected(&mut self, id: SocketId, now: Time) -> Option<Result<(), NetError>> {
        match self.stream_mut(id) {
            Some((stream, _)) if stream.protocol == Protocol::Udp => Some(Ok(())),
            Some((stream, _)) => {
                let how = stream.settled.filter(|(at, _)| *at <= now).map(|(_, how)| how);
                stream.noticed |= how.is_some();
                how
            }
            None => Some(Err(NetError::Reset)),
        }
    }

    /// Sends bytes; how many were taken.
    ///
    /// # Errors
    /// When the connection does not stand, or the other side is gone.
    pub fn send(&mut self, id: SocketId, bytes: &[u8], now: Time, queue: &mut EventQueue) -> Result<usize, NetError> {
        let stream = self.stream(id).ok_or(NetError::Reset)?;
        if stream.protocol == Protocol::Udp {
            return self.send_datagram(id, bytes, now, queue);
        }
        match stream.settled {
            Some((_, Ok(()))) => {}
            Some((_, Err(error))) => return Err(error),
            None => return Ok(0),
        }
        if stream.broken || stream.shut {
            return Err(NetError::Reset);
        }
        let (peer, latency) = (stream.peer.ok_or(NetError::Reset)?, stream.latency);
        let stalled = self.stalled(id);
        let room = if stalled { 0 } else { WINDOW.saturating_sub(self.stream(peer).ok_or(NetError::Reset)?.unread) };
        let taken = room.min(bytes.len());
        if taken < bytes.len()
            && let Some((stream, _)) = self.stream_mut(id)
        {
            stream.wants_room = true;
        }
        if taken > 0 {
            let at = now + latency;
            if let Some((peer, _)) = self.stream_mut(peer) {
                peer.inbox.push_back((at, bytes.get(..taken).unwrap_or_default().to_vec()));
                peer.unread += taken;
            }
            self.wake_at(peer, at, queue);
        }
        Ok(taken)
    }

    /// Receives what has come: one message as it was sent.
    pub fn recv(&mut self, id: SocketId, now: Time, queue: &mut EventQueue) -> Recv {
        let Some((stream, _)) = self.stream_mut(id) else { return Recv::Failed(NetError::Reset) };
        if stream.protocol == Protocol::Udp {
            return stream.take_datagram(now);
        }
        stream.noticed |= stream.settled.is_some_and(|(at, _)| at <= now);
        if let Some((at, Err(error))) = stream.settled {
            return if at <= now { Recv::Failed(error) } else { Recv::Pending };
        }
        if stream.inbox.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, bytes)) = stream.inbox.pop_front() else { return Recv::Pending };
            stream.unread = stream.unread.saturating_sub(bytes.len());
            let peer = stream.peer;
            if let Some((peer_stream, _)) = peer.and_then(|peer| self.stream_mut(peer))
                && std::mem::take(&mut peer_stream.wants_room)
            {
                let at = now + peer_stream.latency;
                if let Some(peer) = peer {
                    self.wake_at(peer, at, queue);
                }
            }
            return Recv::Data(bytes);
        }
        match stream.end {
            Some(at) if at <= now && stream.inbox.is_empty() => Recv::Eof,
            _ => Recv::Pending,
        }
    }

    /// Tells the other side that nothing more is sent.
    pub fn shutdown(&mut self, id: SocketId, now: Time, queue: &mut EventQueue) {
        let Some((stream, _)) = self.stream_mut(id) else { return };
        if stream.protocol == Protocol::Udp || std::mem::replace(&mut stream.shut, true) {
            return;
        }
        let (peer, at) = (stream.peer, now + stream.latency);
        if let Some(peer) = peer.filter(|_| !self.stalled(id)) {
            if let Some((peer, _)) = self.stream_mut(peer) {
                peer.end.get_or_insert(at);
            }
            self.wake_at(peer, at, queue);
        }
    }

    /// Closes a connection or a listening port.
    pub fn close(&mut self, id: SocketId, now: Time, queue: &mut EventQueue) {
        self.shutdown(id, now, queue);
        let Some(socket) = self.sockets.remove(&id) else { return };
        if let Some(owned) = self.owned.get_mut(&(socket.place, socket.owner)) {
            owned.remove(&id);
            if owned.is_empty() {
                self.owned.remove(&(socket.place, socket.owner));
            }
        }
        match socket.body {
            Body::Listener { port, protocol, backlog } => {
                self.listeners.remove(&(socket.place, protocol, port));
                for waiting in backlog {
                    self.close(waiting, now, queue);
                }
            }
            Body::Stream(stream) => {
                if let Some((peer, _)) = stream.peer.and_then(|peer| self.stream_mut(peer)) {
                    peer.broken = true;
                }
                if let (Protocol::Udp, Some(peer)) = (stream.protocol, stream.peer) {
                    self.wake_at(peer, now + stream.latency, queue);
                }
            }
        }
    }

    /// Whether a socket has something new for its holder.
    pub fn ready(&self, id: SocketId, now: Time) -> bool {
        let Some(socket) = self.sockets.get(&id) else { return true };
        match &socket.body {
            Body::Listener { backlog, .. } => !backlog.is_empty(),
            Body::Stream(stream) => {
                let arrived =
                    stream.inbox.front().is_some_and(|(at, _)| *at <= now) || stream.end.is_some_and(|at| at <= now);
                match stream.settled {
                    _ if stream.protocol == Protocol::Udp => arrived || stream.is_refused(now) || stream.is_over(),
                    None => false,
                    Some((at, how)) => {
                        let news = how.is_err() || !stream.noticed || arrived || stream.broken;
                        at <= now && (news || self.room(id, stream))
                    }
                }
            }
        }
    }

    /// Whether what was held back for want of room can go on.
    fn room(&self, id: SocketId, stream: &Stream) -> bool {
        stream.wants_room
            && !self.stalled(id)
            && stream.peer.and_then(|peer| self.stream(peer)).is_some_and(|peer| peer.unread < WINDOW)
    }

    /// Both ends' addresses: its own, the other's.
    pub fn ends(&self, id: SocketId) -> Option<((Ipv4Addr, u16), (Ipv4Addr, u16))> {
        self.stream(id).map(|stream| (stream.local, stream.remote))
    }
}
