//! The workstation's own connections: what `curl` on the learner's machine and the page's browser pane go through. The
//! workstation is on the nodes' network: it reaches nodes, node ports and the addresses of load balancers, but not pods
//! and cluster addresses.

use std::net::{IpAddr, Ipv4Addr};

use drydock_api::StreamId;
use drydock_shell::{NetError, Recv, SocketId};

use super::Source;
use crate::Cluster;
use crate::network::dns::Resolver;
use crate::network::sockets::World;
use crate::network::{Address, Network, Place, Protocol};
use crate::runtime::start::Exec;
use crate::store::kinds;

/// The holder of the workstation's sockets.
const WORKSTATION: u64 = 0;

impl Cluster {
    /// The addresses of a name, as the workstation resolves it: its own, the nodes', minikube's.
    ///
    /// # Errors
    /// When nobody knows the name.
    pub fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        let node = self.informers.find(kinds::NODES, "", name).and_then(|node| {
            let addresses = node["status"]["addresses"].items();
            addresses.iter().find(|address| address["type"] == "InternalIP")?["address"].str().parse::<Ipv4Addr>().ok()
        });
        let found = match node {
            Some(ip) => vec![ip],
            None => Resolver::node().resolve(name, &self.informers),
        };
        if found.is_empty() { Err(NetError::NameNotFound) } else { Ok(found.into_iter().map(IpAddr::V4).collect()) }
    }

    /// Begins a connection from the workstation. When it stands, or failed, [`Cluster::connected`] tells.
    ///
    /// # Errors
    /// When it cannot even begin.
    pub fn dial(&mut self, protocol: Protocol, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        let to = Address::of(address, port, protocol)?;
        let mut world = World {
            now: self.queue.now(),
            queue: &mut self.queue,
            informers: &self.informers,
            random: &mut self.random,
        };
        self.network.connect(Place::Workstation, WORKSTATION, Network::outside(), to, &mut world)
    }

    /// Listens on a port of the workstation.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn listen(&mut self, protocol: Protocol, port: u16) -> Result<SocketId, NetError> {
        self.network.listen_for(protocol, Place::Workstation, port, WORKSTATION, Network::outside())
    }

    /// Takes the next connection to a port that the workstation listens on.
    pub fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        self.network.accept(listener)
    }

    /// Whether a connection stands; none while it is being made.
    pub fn connected(&mut self, socket: SocketId) -> Option<Result<(), NetError>> {
        let now = self.now();
        self.network.connected(socket, now)
    }

    /// Sends bytes; how many were taken.
    ///
    /// # Errors
    /// When the connection does not stand.
    pub fn send_bytes(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, NetError> {
        let now = self.now();
        self.network.send(socket, bytes, now, &mut self.queue)
    }

    /// Receives what has come.
    pub fn receive(&mut self, socket: SocketId) -> Recv {
        let now = self.now();
        self.network.recv(socket, now, &mut self.queue)
    }

    /// Tells the other side that nothing more is sent.
    pub fn shutdown(&mut self, socket: SocketId) {
        let now = self.now();
        self.network.shutdown(socket, now, &mut self.queue);
    }

    /// Closes a connection or a listening port.
    pub fn hang_up(&mut self, socket: SocketId) {
        let now = self.now();
        self.network.close(socket, now, &mut self.queue);
    }

    /// Whether a socket has something new.
    pub fn socket_ready(&self, socket: SocketId) -> bool {
        self.network.ready(socket, self.now())
    }

    /// A connection's other side.
    pub fn peer(&self, socket: SocketId) -> Option<(IpAddr, u16)> {
        self.network.ends(socket).map(|(_, (ip, port))| (IpAddr::V4(ip), port))
    }

    /// Runs a process on a node's own machine, as `ssh` does; its stream is like that of an exec.
    ///
    /// # Errors
    /// In ssh's words.
    pub fn login(&mut self, name: &str, tty: bool, argv: Vec<String>) -> Result<StreamId, String> {
        let node = self.node_id(name).filter(|node| (node.0 as usize) < self.kubelets.len());
        let unknown = || format!("ssh: Could not resolve hostname {name}: Name or service not known");
        let node = node.ok_or_else(unknown)?;
        if let Some(why) = self.login_refusal(node) {
            return Err(format!("ssh: connect to host {name} port 22: {why}"));
        }
        let stream = self.streams.promise();
        let (mut ctx, kubelets) = self.parts();
        let seat = match kubelets.get_mut(node.0 as usize) {
            Some(kubelet) => kubelet.login(Exec { argv, tty, stdin: true }, stream, &mut ctx),
            None => Err(unknown()),
        };
        match seat {
            Ok(seat) => self.streams.fulfil(stream, Source::Process(seat)),
            Err(_) => self.streams.withdraw(stream),
        }
        seat.map(|_| stream)
    }

    /// What comes back of an echo request from the workstation.
    pub fn echo(&self, address: IpAddr) -> drydock_shell::Echo {
        self.network.echo(Place::Workstation, address)
    }

    /// The workstation's address on the nodes' network.
    pub fn workstation_address(&self) -> IpAddr {
        IpAddr::V4(self.network.address(Place::Workstation).unwrap_or(crate::network::WORKSTATION))
    }
}
