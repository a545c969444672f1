//! What surrounds the workstation's programs: the API server, the network, the editor pane.

use drydock_api::Transport;
use drydock_cluster::Cluster;
use drydock_cluster::network::Protocol;
use drydock_sorted::SortedMap;
use std::net::IpAddr;

use drydock_shell::{Activity, Echo, EditId, Env, Host, NetError, Program, Recv, SocketId, Vfs};

use drydock_value::Time;

use super::control;
use super::kubectl::Kubectl;
use super::minikube::Minikube;
use crate::Event;

/// What lasts of the surroundings between two turns.
#[derive(Clone)]
pub(super) struct Surroundings {
    edits: SortedMap<EditId, Edit>,
    next_edit: u64,
    random: u64,
    /// What the host of the session is to hear.
    pub events: Vec<Event>,
    /// The moment that a command asked to go back to.
    pub rewind: Option<Time>,
}

#[derive(Debug, Clone)]
struct Edit {
    path: String,
    /// Whether it was saved, once it has ended.
    done: Option<bool>,
}

impl Surroundings {
    pub fn new(seed: u64) -> Surroundings {
        Surroundings {
            edits: SortedMap::new(),
            next_edit: 0,
            random: seed ^ 0x776f_726b,
            events: Vec::new(),
            rewind: None,
        }
    }

    /// The page has ended the edit of a file.
    pub fn editor_closed(&mut self, path: &str, saved: bool) {
        for edit in self.edits.values_mut().filter(|edit| edit.path == path && edit.done.is_none()) {
            edit.done = Some(saved);
        }
    }

    /// The next number of a generator of its own (splitmix64), so that what the learner types does not change what
    /// happens in the cluster.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The surroundings during one turn.
pub(super) struct WorkstationHost<'a> {
    pub cluster: &'a mut Cluster,
    surroundings: &'a mut Surroundings,
}

impl<'a> WorkstationHost<'a> {
    pub fn new(cluster: &'a mut Cluster, surroundings: &'a mut Surroundings) -> WorkstationHost<'a> {
        WorkstationHost { cluster, surroundings }
    }

    /// Whether anything of what processes wait for has come.
    pub fn any_ready(&self, waits: &Activity) -> bool {
        waits.streams.iter().any(|stream| Transport::ready(&*self.cluster, *stream))
            || waits.sockets.iter().any(|socket| self.socket_ready(*socket))
            || waits.edits.iter().any(|edit| self.edit_done(*edit).is_some())
    }
}

impl Host for WorkstationHost<'_> {
    fn program(&mut self, name: &str) -> Option<Box<dyn Program>> {
        match name {
            "kubectl" => Some(Box::new(Kubectl::default())),
            name if control::NAMES.contains(&name) => Some(Box::new(control::Control::default())),
            "ssh" => Some(Box::new(super::ssh::Ssh::default())),
            "minikube" => Some(Box::new(Minikube::default())),
            _ => None,
        }
    }

    fn control(&mut self, words: &[String]) -> Result<String, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        control::run(&words, self.cluster, self.surroundings)
    }

    fn api(&mut self) -> &mut dyn Transport {
        self.cluster
    }

    fn random(&mut self) -> u64 {
        self.surroundings.next_random()
    }

    fn complete(&mut self, words: &[String], files: &mut Vfs, cwd: &str, env: &Env) -> Vec<String> {
        match words.first().map(String::as_str) {
            Some("kubectl" | "k") => super::kubectl::complete(&words[1..], self, files, cwd, env),
            Some("minikube") => super::minikube::complete(&words[1..]),
            _ => Vec::new(),
        }
    }

    fn entered(&mut self, line: &str, code: i32) {
        self.surroundings.events.push(Event::CommandFinished(line.to_owned(), code));
    }

    fn edit(&mut self, path: &str) -> Option<EditId> {
        let id = EditId(self.surroundings.next_edit);
        self.surroundings.next_edit += 1;
        self.surroundings.edits.insert(id, Edit { path: path.to_owned(), done: None });
        self.surroundings.events.push(Event::EditorOpened(path.to_owned()));
        Some(id)
    }

    fn edit_done(&self, edit: EditId) -> Option<bool> {
        self.surroundings.edits.get(&edit).map_or(Some(false), |edit| edit.done)
    }

    fn edit_cancel(&mut self, edit: EditId) {
        if let Some(Edit { path, done: None }) = self.surroundings.edits.remove(&edit) {
            self.surroundings.events.push(Event::EditorCancelled(path));
        }
    }
    fn resolve(&mut self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        self.cluster.resolve(name)
    }

    fn listen(&mut self, port: u16) -> Result<SocketId, NetError> {
        self.cluster.listen(Protocol::Tcp, port)
    }

    fn listen_datagrams(&mut self, port: u16) -> Result<SocketId, NetError> {
        self.cluster.listen(Protocol::Udp, port)
    }

    fn connect_datagrams(&mut self, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        self.cluster.dial(Protocol::Udp, address, port)
    }

    fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        self.cluster.accept(listener)
    }

    fn connect(&mut self, address: IpAddr, port: u16) -> Result<SocketId, NetError> {
        self.cluster.dial(Protocol::Tcp, address, port)
    }

    fn connected(&mut self, socket: SocketId) -> Option<Result<(), NetError>> {
        self.cluster.connected(socket)
    }

    fn send(&mut self, socket: SocketId, bytes: &[u8]) -> Result<usize, NetError> {
        self.cluster.send_bytes(socket, bytes)
    }

    fn recv(&mut self, socket: SocketId) -> Recv {
        self.cluster.receive(socket)
    }

    fn shutdown(&mut self, socket: SocketId) {
        self.cluster.shutdown(socket);
    }

    fn close(&mut self, socket: SocketId) {
        self.cluster.hang_up(socket);
    }

    fn socket_ready(&self, socket: SocketId) -> bool {
        self.cluster.socket_ready(socket)
    }

    fn echo(&mut self, address: IpAddr) -> Echo {
        self.cluster.echo(address)
    }

    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.cluster.workstation_address()]
    }
}
