//! What surrounds the processes of a container: the network as its pod sees it, and its image's programs.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_api::{Request, Response, Status, StreamId, StreamItem, Transport};
use drydock_apiserver::Answer;
use drydock_shell::{Echo, Host, NetError, Program, Recv, SocketId, SocketInfo};
use drydock_value::{Value, value};

use super::programs;
use super::sandbox::Names;
use crate::ctx::Ctx;
use crate::faults::FaultWake;
use crate::network::sockets::World;
use crate::network::{Address, Place, Protocol, ingress};
use crate::queue::{Event, NodeId};
use crate::store::kinds;

/// The surroundings of one container while its processes go on.
pub struct PodHost<'a, 'c> {
    /// The world.
    pub ctx: &'a mut Ctx<'c>,
    /// Whose network it uses.
    pub place: Place,
    /// Tells its sockets from those of other containers of the pod.
    pub owner: u64,
    /// What wakes it when something arrives.
    pub wake: Event,
    /// How it resolves names.
    pub names: &'a Names,
    /// Its own chance.
    pub random: &'a mut u64,
}

/// SplitMix64.
pub fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl PodHost<'_, '_> {
    /// Makes a secret with a certificate of its own, unless it is there: whether it was made.
    fn certificate(&mut self, namespace: &str, name: &str) -> Result<String, String> {
        let mut client = self.ctx.client("system:serviceaccount:ingress-nginx:ingress-nginx-admission");
        match client.get(kinds::SECRETS, namespace, name) {
            Ok(_) => return Ok("found".into()),
            Err(status) if status.is("NotFound") => {}
            Err(status) => return Err(status.message),
        }
        let mut data = Value::object();
        for (key, what) in [("ca", "CERTIFICATE"), ("cert", "CERTIFICATE"), ("key", "EC PRIVATE KEY")] {
            let bytes: Vec<u8> = (0..16).flat_map(|_| draw(self.random).to_be_bytes()).collect();
            let text = format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", STANDARD.encode(bytes));
            data.set(key, STANDARD.encode(text));
        }
        let secret = value!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": name, "namespace": namespace}, "data": data
        });
        client.create(kinds::SECRETS, namespace, secret).map(|_| "made".into()).map_err(|status| status.message)
    }

    fn reach(&mut self, protocol: Protocol, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        let to = Address::of(address, port, protocol)?;
        let mut world =
            World { now: self.ctx.now, queue: self.ctx.queue, informers: self.ctx.informers, random: self.ctx.random };
        self.ctx.network.connect(self.place, self.owner, self.wake.clone(), to, &mut world)
    }

    /// What an ingress controller's watches have told it about a request: where it goes, in words.
    fn ingress(&mut self, host: &str, path: &str, secure: bool) -> String {
        match ingress::route(self.ctx.informers, host, path, secure) {
            ingress::Way::NotFound => "404 upstream-default-backend".into(),
            ingress::Way::Secure => "308 -".into(),
            ingress::Way::Nobody(name) => format!("503 {name}"),
            ingress::Way::To(name, ends, path) => {
                let at = draw(self.random) % (ends.len() as u64).max(1);
                let end = ends.get(usize::try_from(at).unwrap_or(0));
                let (ip, port) = end.copied().unwrap_or((Ipv4Addr::LOCALHOST, 0));
                format!("{ip}:{port} {name} {}", path.unwrap_or_default())
            }
        }
    }
}

impl PodHost<'_, '_> {
    /// Where a pod's clients find the API server: the address and port of its service.
    fn api_address(&self) -> String {
        let service = self.ctx.informers.find(kinds::SERVICES, "default", "kubernetes");
        let ip = service.map_or("10.96.0.1", |service| service["spec"]["clusterIP"].str());
        format!("{ip}:443")
    }

    /// Why the API server is not reached from here.
    fn refusal(&self) -> Option<Status> {
        let network = &self.ctx.network;
        let why = if network.conditions.blocks(self.place, Place::Node(NodeId(0))) {
            "i/o timeout"
        } else if !network.has_door() {
            "connect: connection refused"
        } else {
            return None;
        };
        let address = self.api_address();
        let mut status = Status::new(0, "", format!("dial tcp {address}: {why}"));
        status.name = address;
        Some(status)
    }
}

/// What answers at once answers at once; streams come from the cluster, between its events.
impl Transport for PodHost<'_, '_> {
    fn send(&mut self, request: Request) -> Response {
        if let Some(status) = self.refusal() {
            return Response::from(status);
        }
        match self.ctx.api.handle(request.clone(), self.ctx.now) {
            Answer::Response(response) => response,
            Answer::Watch(_) => Response::from(Status::bad_request("a stream has to be opened")),
            Answer::Connect(_) => {
                let inside = &mut self.ctx.streams.inside;
                match inside.answer(&request, self.wake.clone(), self.ctx.now, self.ctx.queue) {
                    Ok(response) => response,
                    Err(Ok(id)) => Response::later(id),
                    Err(Err(status)) => Response::from(status),
                }
            }
        }
    }

    fn open(&mut self, request: Request) -> Result<StreamId, Status> {
        if let Some(status) = self.refusal() {
            return Err(status);
        }
        if let Answer::Response(response) = self.ctx.api.handle(request.clone(), self.ctx.now) {
            return Err(response
                .into_result()
                .err()
                .unwrap_or_else(|| Status::bad_request("the request is not a stream")));
        }
        self.ctx.streams.inside.open(request, self.wake.clone(), self.ctx.now, self.ctx.queue)
    }

    fn poll(&mut self, stream: StreamId) -> StreamItem {
        self.ctx.streams.inside.poll(stream)
    }

    fn ready(&self, stream: StreamId) -> bool {
        self.ctx.streams.inside.ready(stream)
    }

    fn write(&mut self, stream: StreamId, channel: u8, bytes: &[u8]) {
        self.ctx.streams.inside.write(stream, channel, bytes, self.ctx.now, self.ctx.queue);
    }

    fn close(&mut self, stream: StreamId) {
        self.ctx.streams.inside.close(stream, self.ctx.now, self.ctx.queue);
    }

    fn server(&self) -> String {
        format!("https://{}", self.api_address())
    }
}

impl Host for PodHost<'_, '_> {
    fn program(&mut self, name: &str) -> Option<Box<dyn Program>> {
        programs::find(name).or_else(|| self.ctx.network.registry.programs.0.and_then(|find| find(name)))
    }

    fn control(&mut self, words: &[String]) -> Result<String, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let ["ingress", port, host, path] = words.as_slice() {
            return Ok(self.ingress(host, path, *port == "443"));
        }
        if let ["certificate", namespace, name] = words.as_slice() {
            return self.certificate(namespace, name);
        }
        let Place::Node(node) = self.place else { return Err("no such service".into()) };
        let silent = self.ctx.network.conditions.is_silent(node);
        match words.as_slice() {
            ["kubelet", "state"] => return Ok(if silent { "inactive" } else { "active" }.into()),
            ["kubelet", "stop"] => self.ctx.queue.soon(Event::Fault(FaultWake::Unit(node, false))),
            ["kubelet", "start"] => self.ctx.queue.soon(Event::Fault(FaultWake::Unit(node, true))),
            _ => return Err("no such service".into()),
        }
        Ok(String::new())
    }

    fn api(&mut self) -> &mut dyn Transport {
        self
    }

    fn random(&mut self) -> u64 {
        draw(self.random)
    }

    fn resolve(&mut self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        let found = self.names.resolve(name, self.ctx.informers);
        if found.is_empty() { Err(NetError::NameNotFound) } else { Ok(found.into_iter().map(IpAddr::V4).collect()) }
    }

    fn query(&mut self, name: &str, kind: &str, search: bool) -> Option<Vec<(String, &'static str, String)>> {
        self.names.query(name, kind, search, self.ctx.informers)
    }

    fn reverse(&mut self, address: IpAddr) -> Option<String> {
        let IpAddr::V4(ip) = address else { return None };
        let [a, b, c, d] = ip.octets();
        let found = self.query(&format!("{d}.{c}.{b}.{a}.in-addr.arpa."), "PTR", false)?;
        found.into_iter().next().map(|(_, _, name)| name.trim_end_matches('.').to_owned())
    }

    fn listen(&mut self, port: u16) -> Result<SocketId, NetError> {
        self.ctx.network.listen(self.place, port, self.owner, self.wake.clone())
    }

    fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        self.ctx.network.accept(listener)
    }

    fn connect(&mut self, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        self.reach(Protocol::Tcp, address, port)
    }

    fn listen_datagrams(&mut self, port: u16) -> Result<SocketId, NetError> {
        self.ctx.network.listen_for(Protocol::Udp, self.place, port, self.owner, self.wake.clone())
    }

    fn connect_datagrams(&mut self, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        self.reach(Protocol::Udp, address, port)
    }

    fn connected(&mut self, socket: SocketId) -> Option<Result<(), NetError>> {
        self.ctx.network.connected(socket, self.ctx.now)
    }

    fn peer(&self, socket: SocketId) -> Option<(IpAddr, u16)> {
        self.ctx.network.ends(socket).map(|(_, (ip, port))| (IpAddr::V4(ip), port))
    }

    fn send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, NetError> {
        self.ctx.network.send(socket, bytes, self.ctx.now, self.ctx.queue)
    }

    fn recv(&mut self, socket: SocketId) -> Recv {
        self.ctx.network.recv(socket, self.ctx.now, self.ctx.queue)
    }

    fn shutdown(&mut self, socket: SocketId) {
        self.ctx.network.shutdown(socket, self.ctx.now, self.ctx.queue);
    }

    fn close(&mut self, socket: SocketId) {
        self.ctx.network.close(socket, self.ctx.now, self.ctx.queue);
    }

    fn socket_ready(&self, socket: SocketId) -> bool {
        self.ctx.network.ready(socket, self.ctx.now)
    }

    fn echo(&mut self, address: IpAddr) -> Echo {
        self.ctx.network.echo(self.place, address)
    }

    fn sockets(&self) -> Vec<SocketInfo> {
        self.ctx.network.sockets_at(self.place)
    }

    fn addresses(&self) -> Vec<IpAddr> {
        self.ctx.network.address(self.place).map(IpAddr::V4).into_iter().collect()
    }

    fn name_server(&self) -> Option<IpAddr> {
        self.names.resolver.servers.first().copied().map(IpAddr::V4)
    }
}
