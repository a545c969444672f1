//! How connections come about: whom an address leads to, attempts that reach a machine or are lost.

use std::net::Ipv4Addr;
use std::time::Duration;

use drydock_shell::{NetError, SocketId};
use drydock_value::Time;

use super::services::{Client, Route};
use super::sockets::{Body, Socket, Stream, World};
use super::{Address, Network, NetworkWake, Place, Protocol, Target};
use crate::kubelet::KubeletWake;
use crate::queue::{Event, EventQueue, NodeId};

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
/// How many connections may exist: beyond, they are refused.
const SOCKETS_MAX: usize = 100_000;

impl Network {
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
        let pod = matches!(from, Place::Pod { .. });
        let client = Client { ip: own, pod, host: !pod, node: self.name_of(from), now: world.now, protocol };
        let found = self.find(from, to, client, world);
        self.ephemeral = (self.ephemeral + 1) % 28_232;
        let local = (if ip.is_loopback() { Ipv4Addr::LOCALHOST } else { own }, 32_768 + self.ephemeral);
        let nowhere = Target { place: from, port };
        let (target, seen, latency, failure) = match found {
            Ok((target, _)) if ip.is_loopback() => (target, local.0, self.latency(from, target.place), None),
            Ok((target, mask)) => {
                let seen = self.seen(mask.unwrap_or(from), target.place).unwrap_or(own);
                (target, seen, self.latency(from, target.place), None)
            }
            Err((wait, error)) => (nowhere, own, SAME_NODE, Some((world.now + wait, Err(error)))),
        };
        let stream = Stream { settled: failure, seen, ..Stream::new(protocol, target, local, (ip, port), latency) };
        let id = self.add(Socket { place: from, wake, owner, body: Body::Stream(Box::new(stream)) });
        match failure {
            // Nobody says anything before something is sent.
            _ if protocol == Protocol::Udp => {}
            Some((at, _)) => self.wake_at(id, at, world.queue),
            None => world.queue.at(world.now + latency, knock(target.place, id)),
        }
        Ok(id)
    }

    /// Where a connection goes, and which node puts its own address in the place of the client's.
    fn find(
        &mut self,
        from: Place,
        to: Address,
        client: Client,
        world: &mut World<'_>,
    ) -> Result<(Target, Option<Place>), (Duration, NetError)> {
        let Address { ip, port, protocol } = to;
        if let Place::Node(node) = from
            && let Some(target) = self.mapped_at(node, to).filter(|_| ip.is_loopback())
        {
            return Ok((target, None));
        }
        if ip.is_loopback() || ip.is_unspecified() || self.address(from) == Some(ip) && from == Place::Workstation {
            return Ok((Target { place: from, port }, None));
        }
        let mut mask = match from {
            // Traffic from outside to addresses of services comes in at the first node.
            Place::Workstation => Place::Node(NodeId(0)),
            Place::Pod { node, .. } | Place::Node(node) => Place::Node(node),
        };
        let route = match self.place(ip) {
            Some(Place::Node(node)) => {
                mask = Place::Node(node);
                let client = Client { node: self.name_of(mask), host: from == mask, ..client };
                self.services.route_node_port(port, client, world.informers, world.random)
            }
            Some(_) => Route::None,
            None if from == Place::Workstation && self.services.is_inside(ip, world.informers) => Route::Drop,
            None => self.services.route(ip, port, client, world.informers, world.random),
        };
        let (ip, port, mask) = match route {
            Route::To { ip, port, masked } => (ip, port, Some(mask).filter(|_| masked)),
            Route::None => (ip, port, None),
            Route::Reject => return Err((SAME_NODE, NetError::Refused)),
            Route::Drop => return Err((CONNECT_TIMEOUT, NetError::TimedOut)),
        };
        match self.place(ip) {
            // From outside, the nodes do not pass packets on to pods.
            Some(Place::Pod { .. }) if from == Place::Workstation && matches!(route, Route::None) => {
                Err((CONNECT_TIMEOUT, NetError::TimedOut))
            }
            Some(Place::Node(node)) => {
                let mapped = self.mapped_at(node, Address { ip, port, protocol });
                Ok((mapped.unwrap_or(Target { place: Place::Node(node), port }), mask))
            }
            Some(place) => Ok((Target { place, port }, mask)),
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
        let (own, seen, remote) = match from == target.place {
            true => (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST),
            false => (own, self.seen(from, target.place).unwrap_or(own), self.address(target.place).unwrap_or(own)),
        };
        let local = (own, 32_768 + self.ephemeral);
        let stream = Stream { seen, ..Stream::new(Protocol::Tcp, target, local, (remote, target.port), latency) };
        self.add(Socket { place: from, wake, owner, body: Body::Stream(Box::new(stream)) })
    }

    /// The address as which one machine sees another that connects to it. A node speaks to its own pods from its
    /// bridge's address; what leaves the pods' network for elsewhere has the node's.
    fn seen(&self, from: Place, by: Place) -> Option<Ipv4Addr> {
        match (from, by) {
            (Place::Node(node), Place::Pod { node: other, .. }) if node == other => self.bridge(by),
            (Place::Pod { node, .. }, Place::Workstation) => self.address(Place::Node(node)),
            (Place::Pod { node, .. }, Place::Node(other)) if node != other => self.address(Place::Node(node)),
            _ => self.address(from),
        }
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
    pub(super) fn latency(&self, from: Place, to: Place) -> Duration {
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
        let (target, latency, remote) = (stream.target, stream.latency, stream.remote);
        let (local, seen) = (stream.local, (stream.seen, stream.local.1));
        let (protocol, mut listener) = (stream.protocol, self.listener(stream));
        if self.lose(id, target, now, queue) {
            return;
        }
        if listener.is_none() && protocol == Protocol::Tcp {
            listener = self.open_health_check(target);
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
            ..Stream::new(protocol, target, (here, target.port), seen, latency)
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
