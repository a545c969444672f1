//! What a machine can find out about the network: who answers to an echo, and which sockets it has.

use std::net::{IpAddr, Ipv4Addr};

use drydock_shell::{Echo, SocketInfo};

use super::sockets::Body;
use super::{Network, Place, Protocol};

impl Network {
    /// What comes back of an echo request. Addresses of services are rules, not machines: nobody answers for them.
    pub fn echo(&self, from: Place, address: IpAddr) -> Echo {
        let IpAddr::V4(ip) = address else { return Echo::Silence };
        let own = self.address(from);
        if ip.is_loopback() || own == Some(ip) {
            return self.reply(from, from, Vec::new());
        }
        match self.place(ip) {
            // From outside, the nodes do not pass packets on to pods.
            Some(Place::Pod { .. }) if from == Place::Workstation => Echo::Silence,
            Some(to) if self.conditions.blocks(from, to) => Echo::Silence,
            Some(to) => self.reply(from, to, self.routers(from, to)),
            None if ip.octets()[..2] == [10, 244] => own.map_or(Echo::Silence, |own| Echo::Unreachable(own.into())),
            None => Echo::Silence,
        }
    }

    fn reply(&self, from: Place, to: Place, routers: Vec<IpAddr>) -> Echo {
        Echo::Reply { routers, trip: 2 * self.latency(from, to) }
    }

    /// The nodes that a packet passes on its way to another one, or to a pod there.
    fn routers(&self, from: Place, to: Place) -> Vec<IpAddr> {
        if from.node() == to.node() {
            return Vec::new();
        }
        let node = |place: Place| match place {
            Place::Pod { node, .. } => self.address(Place::Node(node)),
            _ => None,
        };
        [self.bridge(from), node(to)].into_iter().flatten().map(IpAddr::V4).collect()
    }

    /// The node's address on the network of its pods, for one of these.
    pub(super) fn bridge(&self, pod: Place) -> Option<Ipv4Addr> {
        let Place::Pod { .. } = pod else { return None };
        let [a, b, c, _] = self.address(pod)?.octets();
        Some(Ipv4Addr::new(a, b, c, 1))
    }

    /// The sockets of a machine.
    pub fn sockets_at(&self, place: Place) -> Vec<SocketInfo> {
        let own = self.sockets.iter().filter(|(_, socket)| socket.place == place);
        own.map(|(_, socket)| match &socket.body {
            Body::Listener { port, protocol, .. } => SocketInfo {
                datagrams: *protocol == Protocol::Udp,
                local: (Ipv4Addr::UNSPECIFIED.into(), *port),
                remote: None,
                established: false,
            },
            Body::Stream(stream) => SocketInfo {
                datagrams: stream.protocol == Protocol::Udp,
                local: (stream.local.0.into(), stream.local.1),
                remote: Some((stream.remote.0.into(), stream.remote.1)),
                established: stream.peer.is_some(),
            },
        })
        .collect()
    }
}
