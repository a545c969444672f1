//! Addresses, names, services and connections.
//!
//! A connection is two byte queues with a little latency. [`Network`] holds them all ([`sockets`]; how they come about is
//! `attempts`, and what passes for connections of datagrams `datagrams`), knows who has which
//! address, and does what kube-proxy does on every node ([`services`]): a connection to a service's address goes to one
//! of its ready endpoints. Names are answered as CoreDNS answers them ([`dns`]).
//!
//! The API server's own port is one of them (`door`), those that load balancers ask at are others (`health_checks`). What is cut or slow is in [`conditions`].
//!
//! What a machine can find out of all this is in `look`.
//!
//! Who holds a socket says which [`Event`] wakes it. Nothing here polls: a server that waits for connections costs
//! nothing until one comes.

mod address;
mod attempts;
pub mod conditions;
mod datagrams;
pub mod dns;
mod door;
mod health_checks;
pub mod ingress;
mod look;
pub mod records;
pub mod services;
pub mod sockets;

use std::net::Ipv4Addr;

use drydock_shell::SocketId;

use crate::ctx::Ctx;
use crate::informers::Change;
use crate::queue::{Event, NodeId};

pub use address::{Address, Protocol, Target};
pub use sockets::Network;

/// Why the network is woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkWake {
    /// Something arrived for a client outside of the cluster's machines, which looks for itself.
    Outside,
    /// A connection reaches a machine that has no kubelet.
    Knock(SocketId),
    /// Bytes reach the API server's port.
    ApiServer,
    /// Bytes reach a port at which load balancers ask for a node's endpoints.
    HealthChecks,
    /// Processes of the cluster have asked the API server for something that takes more than an answer.
    Inside,
}

/// A machine on the network: what has ports of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A node, and every container with `hostNetwork`.
    Node(NodeId),
    /// A pod's sandbox.
    Pod {
        /// The node that it is on.
        node: NodeId,
        /// Its number there.
        sandbox: u64,
    },
    /// The learner's own machine, outside of the cluster but on the nodes' network.
    Workstation,
}

impl Place {
    /// The node, unless it is the workstation.
    pub fn node(self) -> Option<NodeId> {
        match self {
            Place::Node(node) | Place::Pod { node, .. } => Some(node),
            Place::Workstation => None,
        }
    }
}

/// The workstation's address on the nodes' network.
pub const WORKSTATION: Ipv4Addr = Ipv4Addr::new(192, 168, 49, 1);

impl Network {
    /// Goes on. A function of the context, as the network is part of it.
    pub fn handle(wake: NetworkWake, ctx: &mut Ctx<'_>) {
        match wake {
            // The cluster itself sees to the second.
            NetworkWake::Outside | NetworkWake::Inside => {}
            NetworkWake::Knock(socket) => {
                ctx.network.arrive(socket, ctx.now, ctx.queue);
            }
            NetworkWake::HealthChecks => health_checks::serve(ctx),
            NetworkWake::ApiServer => door::serve(ctx),
        }
    }

    /// Hears what changed in the cluster.
    pub fn observe(changes: &[Change], ctx: &mut Ctx<'_>) {
        for change in changes {
            ctx.network.services.observe(change);
        }
    }

    /// What wakes someone outside.
    pub fn outside() -> Event {
        Event::Network(NetworkWake::Outside)
    }
}
