//! Connections: byte streams between machines, and what passes for a connection between those who send each other
//! datagrams ([`super::datagrams`]).

use drydock_sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use drydock_shell::{NetError, Recv, SocketId};
use drydock_value::{Str, Time};

use super::conditions::Conditions;
use super::services::{Client, Route, Services};
use super::{NetworkWake, Place, WORKSTATION};
use crate::informers::Informers;
use crate::kubelet::KubeletWake;
use crate::queue::{Event, EventQueue, NodeId};
use crate::random::Random;
use crate::runtime::Catalogue;

/// One way within a machine.
const LOCAL: Duration = Duration::from_micros(20);
/// One way between machines of one node.
pub(super) const SAME_NODE: Duration = Duration::from_micros(100);
/// One way between nodes.
const BETWEEN_NODES: Duration = Duration::from_micros(300);
/// How long a connection attempt is repeated when nobody answers (Linux: six retries).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);
/// How long until a node gives up asking for a pod address that nobody has.
const HOST_UNREACHABLE: Duration = Duration::from_secs(3);
/// How often a lost first packet is sent again.
const RETRIES: u8 = 6;
/// How much a receiver may leave unread before its sender must wait.
pub(super) const WINDOW: usize = 64 << 10;
/// How many connections may exist: beyond, they are refused.
const SOCKETS_MAX: usize = 100_000;

/// Who waits for connections, and what waits on which machine.
/// How bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// As a stream that arrives.
    Tcp,
    /// As datagrams that may be lost.
    Udp,
}

impl Protocol {
    /// The one that objects name.
    pub fn named(name: &str) -> Option<Protocol> {
        match name {
            "TCP" | "" => Some(Protocol::Tcp),
            "UDP" => Some(Protocol::Udp),
            _ => None,
        }
    }
}

/// Where somebody wants to connect to.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    /// The address.
    pub ip: Ipv4Addr,
    /// The port.
    pub port: u16,
    /// Of which there is one of each number for each protocol.
    pub protocol: Protocol,
}

impl Address {
    /// An address as programs have it.
    ///
    /// # Errors
    /// When it leads nowhere here: but for a machine's own, there are none of the sixth version.
    pub fn of(address: IpAddr, port: u16, protocol: Protocol) -> Result<Address, NetError> {
        match address {
            IpAddr::V4(ip) => Ok(Address { ip, port, protocol }),
            IpAddr::V6(ip) if ip.is_loopback() => Ok(Address { ip: Ipv4Addr::LOCALHOST, port, protocol }),
            IpAddr::V6(_) => Err(NetError::Unreachable),
        }
    }
}

#[derive(Debug, Clone)]
struct Socket {
    place: Place,
    wake: Event,
    owner: u64,
    body: Body,
}

#[derive(Debug, Clone)]
enum Body {
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
    local: (Ipv4Addr, u16),
    remote: (Ipv4Addr, u16),
    pub(super) latency: Duration,
    pub(super) inbox: VecDeque<(Time, Vec<u8>)>,
    pub(super) unread: usize,
    end: Option<Time>,
    /// The other side is gone: what is sent comes back as a reset.
    pub(super) broken: bool,
    /// Its own end was sent.
    shut: bool,
    /// Sending stopped for want of room; the owner is to be woken when there is some.
    wants_room: bool,
    woken_at: Time,
    /// Whether its holder knows that it stands.
    pub(super) noticed: bool,
    /// What is sent as soon as the connection stands.
    pub(super) early: Vec<Vec<u8>>,
    /// How often its first packet was lost.
    pub(super) lost: u8,
}

impl Stream {
    fn new(
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

/// Where a connection is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The machine.
    pub place: Place,
    /// Its port.
    pub port: u16,
}

/// The network: addresses, services, sockets.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The services' rules.
    pub services: Services,
    /// The registries, which the nodes reach over the network.
    pub registry: Catalogue,
    by_ip: SortedMap<Ipv4Addr, Place>,
    ips: SortedMap<Place, Ipv4Addr>,
    names: SortedMap<NodeId, Str>,
    sockets: SortedMap<SocketId, Socket>,
    listeners: SortedMap<(Place, Protocol, u16), SocketId>,
    /// The API server's port.
    pub(super) door: Option<super::door::Door>,
    /// Ports of nodes that lead to pods (`hostPort`).
    mapped: SortedMap<(NodeId, Protocol, u16, Ipv4Addr), Target>,
    owned: SortedMap<(Place, u64), SortedSet<SocketId>>,
    last: u64,
    ephemeral: u16,
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
    }

    fn name_of(&self, place: Place) -> Option<Str> {
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

    /// A machine's address.
    pub fn address(&self, place: Place) -> Option<Ipv4Addr> {
        if place == Place::Workstation { Some(WORKSTATION) } else { self.ips.get(&place).copied() }
    }

    /// Who has an address.
    pub fn place(&self, ip: Ipv4Addr) -> Option<Place> {
        if ip == WORKSTATION { Some(Place::Workstation) } else { self.by_ip.get(&ip).copied() }
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

    fn listener(&self, stream: &Stream) -> Option<SocketId> {
        self.listeners.get(&(stream.target.place, stream.protocol, stream.target.port)).copied()
    }

    /// The ports that a machine listens on.
    pub fn ports(&self, place: Place) -> Vec<u16> {
        let all = (place, Protocol::Tcp, 0)..=(place, Protocol::Tcp, u16::MAX);
        self.listeners.range(all).map(|((.., port), _)| *port).collect()
    }

    fn add(&mut self, socket: Socket) -> SocketId {
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

    /// Begins a connection to an address, by the rules of services.
    ///
    /// # Errors
    /// When there are too many connections.
    pub fn connect(
        &mut self,
        from: Place,
        owner: u64,
        wake: Event,
        to: Address,
        world: &mut World<'_>,
    ) -> Result<SocketId, NetError> {
        let Address { ip, port, protocol } = to;
        if self.sockets.len() >= SOCKETS_MAX {
            return Err(NetError::Unreachable);
        }
        let own = self.address(from).unwrap_or(Ipv4Addr::LOCALHOST);
        let client = Client { ip: own, node: self.name_of(from), now: world.now, protocol };
        let found = self.find(from, to, client, world);
        self.ephemeral = (self.ephemeral + 1) % 28_232;
        let local = (if ip.is_loopback() { Ipv4Addr::LOCALHOST } else { own }, 32_768 + self.ephemeral);
        let nowhere = Target { place: from, port };
        let (target, latency, failure) = match found {
            Ok(target) => (target, self.latency(from, target.place), None),
            Err((wait, error)) => (nowhere, SAME_NODE, Some((world.now + wait, Err(error)))),
        };
        let stream = Stream { settled: failure, ..Stream::new(protocol, target, local, (ip, port), latency) };
        let id = self.add(Socket { place: from, wake, owner, body: Body::Stream(Box::new(stream)) });
        match failure {
            // Nobody says anything before something is sent.
            _ if protocol == Protocol::Udp => {}
            Some((at, _)) => self.wake_at(id, at, world.queue),
            None => world.queue.at(world.now + latency, knock(target.place, id)),
        }
        Ok(id)
    }

    fn find(
        &mut self,
        from: Place,
        to: Address,
        client: Client,
        world: &mut World<'_>,
    ) -> Result<Target, (Duration, NetError)> {
        let Address { ip, port, protocol } = to;
        if let Place::Node(node) = from
            && let Some(target) = self.mapped_at(node, to).filter(|_| ip.is_loopback())
        {
            return Ok(target);
        }
        if ip.is_loopback() || ip.is_unspecified() || self.address(from) == Some(ip) && from == Place::Workstation {
            return Ok(Target { place: from, port });
        }
        let route = match self.place(ip) {
            Some(Place::Node(node)) => {
                let client = Client { node: self.name_of(Place::Node(node)), ..client };
                self.services.route_node_port(port, client, world.informers, world.random)
            }
            Some(_) => Route::None,
            None if from == Place::Workstation && self.services.is_inside(ip, world.informers) => Route::Drop,
            None => self.services.route(ip, port, client, world.informers, world.random),
        };
        let (ip, port) = match route {
            Route::To(ip, port) => (ip, port),
            Route::None => (ip, port),
            Route::Reject => return Err((SAME_NODE, NetError::Refused)),
            Route::Drop => return Err((CONNECT_TIMEOUT, NetError::TimedOut)),
        };
        match self.place(ip) {
            // From outside, the nodes do not pass packets on to pods.
            Some(Place::Pod { .. }) if from == Place::Workstation && matches!(route, Route::None) => {
                Err((CONNECT_TIMEOUT, NetError::TimedOut))
            }
            Some(Place::Node(node)) => Ok(self
                .mapped_at(node, Address { ip, port, protocol })
                .unwrap_or(Target { place: Place::Node(node), port })),
            Some(place) => Ok(Target { place, port }),
            None if ip.octets()[..2] == [10, 244] => Err((HOST_UNREACHABLE, NetError::Unreachable)),
            None => Err((CONNECT_TIMEOUT, NetError::TimedOut)),
        }
    }

    /// Begins a connection straight to a port of a machine, whatever the services say (port-forward, probes).
    pub fn connect_to(
        &mut self,
        from: Place,
        owner: u64,
        wake: Event,
        target: Target,
        now: Time,
        queue: &mut EventQueue,
    ) -> SocketId {
        let latency = self.latency(from, target.place);
        let id = self.begin(from, owner, wake, target, latency);
        queue.at(now + latency, knock(target.place, id));
        id
    }

    /// The same without any latency, for what is answered while the clock stands. Whoever asks sees to it that the
    /// attempt reaches its machine.
    pub fn connect_at_once(
        &mut self,
        from: Place,
        owner: u64,
        wake: Event,
        target: Target,
        _now: Time,
        _queue: &mut EventQueue,
    ) -> SocketId {
        self.begin(from, owner, wake, target, Duration::ZERO)
    }

    fn begin(&mut self, from: Place, owner: u64, wake: Event, target: Target, latency: Duration) -> SocketId {
        let own = self.address(from).unwrap_or(Ipv4Addr::LOCALHOST);
        self.ephemeral = (self.ephemeral + 1) % 28_232;
        let remote = (self.address(target.place).unwrap_or(Ipv4Addr::LOCALHOST), target.port);
        let stream = Stream::new(Protocol::Tcp, target, (own, 32_768 + self.ephemeral), remote, latency);
        self.add(Socket { place: from, wake, owner, body: Body::Stream(Box::new(stream)) })
    }

    /// Sends bytes as soon as a connection stands.
    pub fn send_when_open(&mut self, id: SocketId, bytes: Vec<u8>) {
        if let Some((stream, _)) = self.stream_mut(id) {
            stream.early.push(bytes);
        }
    }

    /// Lets a port of a node lead to a pod, at one of its addresses or (unspecified) at all.
    pub fn map_port(&mut self, node: NodeId, at: Address, target: Target) {
        self.mapped.insert((node, at.protocol, at.port, at.ip), target);
    }

    /// Where a port of a node leads at an address.
    fn mapped_at(&self, node: NodeId, at: Address) -> Option<Target> {
        let ips = [at.ip, Ipv4Addr::UNSPECIFIED];
        ips.iter().find_map(|ip| self.mapped.get(&(node, at.protocol, at.port, *ip))).copied()
    }

    /// Where a connection that is being made goes; none once it stands or failed.
    pub fn knocking(&self, id: SocketId) -> Option<Target> {
        self.stream(id).filter(|stream| stream.settled.is_none()).map(|stream| stream.target)
    }

    /// How long one way takes.
    fn latency(&self, from: Place, to: Place) -> Duration {
        latency(from, to) + self.conditions.delay(from, to)
    }

    /// Loses the first packet of a connection, if nothing passes: it is sent again, with longer and longer waits.
    fn lose(&mut self, id: SocketId, target: Target, now: Time, queue: &mut EventQueue) -> bool {
        let Some(from) = self.sockets.get(&id).map(|socket| socket.place) else { return false };
        if !self.conditions.blocks(from, target.place) {
            return false;
        }
        let dark = self.conditions.dark(from, target.place);
        let Some((stream, _)) = self.stream_mut(id) else { return false };
        if stream.protocol == Protocol::Udp {
            // Nobody sends it again.
            stream.early.clear();
            return true;
        }
        stream.lost += 1;
        if !dark && stream.lost <= RETRIES {
            queue.at(now + Duration::from_secs(1 << (stream.lost - 1)), knock(target.place, id));
            return true;
        }
        let (at, error) = match dark {
            true => (now + HOST_UNREACHABLE, NetError::Unreachable),
            false => (now, NetError::TimedOut),
        };
        stream.settled = Some((at, Err(error)));
        self.wake_at(id, at, queue);
        true
    }

    /// Whether nothing passes between the two ends of a connection.
    pub(super) fn stalled(&self, id: SocketId) -> bool {
        let place = |id: &SocketId| self.sockets.get(id).map(|socket| socket.place);
        match (place(&id), self.stream(id).and_then(|stream| stream.peer).and_then(|peer| place(&peer))) {
            (Some(from), Some(to)) => self.conditions.blocks(from, to),
            _ => false,
        }
    }

    /// After the conditions have changed: whoever could not send tries again.
    pub fn go_on(&mut self, now: Time, queue: &mut EventQueue) {
        let waiting: Vec<SocketId> =
            self.sockets.keys().copied().filter(|id| self.stream(*id).is_some_and(|s| s.wants_room)).collect();
        for id in waiting {
            self.wake_at(id, now + SAME_NODE, queue);
        }
    }

    /// A connection attempt reaches its machine: it is taken if somebody listens, and refused otherwise.
    pub fn arrive(&mut self, id: SocketId, now: Time, queue: &mut EventQueue) {
        let Some(stream) = self.stream(id).filter(|stream| stream.settled.is_none()) else { return };
        let (target, latency, local, remote) = (stream.target, stream.latency, stream.local, stream.remote);
        let (protocol, listener) = (stream.protocol, self.listener(stream));
        if self.lose(id, target, now, queue) {
            return;
        }
        let answer_at = now + latency;
        let accepted = listener.and_then(|listener| {
            let socket = self.sockets.get(&listener)?;
            Some((listener, socket.owner, socket.wake.clone()))
        });
        let Some((listener, owner, wake)) = accepted else {
            if let Some((stream, _)) = self.stream_mut(id) {
                stream.settled = Some((answer_at, Err(NetError::Refused)));
                stream.early.clear();
            }
            self.wake_at(id, answer_at, queue);
            return;
        };
        let here = if remote.0.is_loopback() { local.0 } else { self.address(target.place).unwrap_or(remote.0) };
        let server = Stream {
            asks: false,
            settled: Some((now, Ok(()))),
            peer: Some(id),
            ..Stream::new(protocol, target, (here, target.port), local, latency)
        };
        let body = Body::Stream(Box::new(server));
        let server = self.add(Socket { place: target.place, wake: wake.clone(), owner, body });
        if let Some(Socket { body: Body::Listener { backlog, .. }, .. }) = self.sockets.get_mut(&listener) {
            backlog.push_back(server);
        }
        queue.at(now, wake);
        let mut early = Vec::new();
        if let Some((stream, _)) = self.stream_mut(id) {
            stream.settled = Some((answer_at, Ok(())));
            stream.peer = Some(server);
            early = std::mem::take(&mut stream.early);
        }
        self.wake_at(id, answer_at, queue);
        for bytes in early {
            match protocol {
                Protocol::Tcp => drop(self.send(id, &bytes, answer_at, queue)),
                // It is what has just come.
                Protocol::Udp => self.deliver(server, bytes, now, queue),
            }
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

fn latency(from: Place, to: Place) -> Duration {
    if from == to {
        LOCAL
    } else if from.node() == to.node() {
        SAME_NODE
    } else {
        BETWEEN_NODES
    }
}

/// What happens when a connection attempt reaches a machine.
pub(super) fn knock(place: Place, socket: SocketId) -> Event {
    match place.node() {
        Some(node) => Event::Kubelet { node, wake: KubeletWake::Knock(socket) },
        None => Event::Network(NetworkWake::Knock(socket)),
    }
}
