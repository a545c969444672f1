//! Ports of this machine, for `port-forward` and `proxy`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use drydock_kubectl::env::{Input, Network, SocketId};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::task::JoinHandle;

use super::bell::Bell;
use super::system::words;

/// Pieces that may wait for the command.
const QUEUE: usize = 16;
const PIECE: usize = 32 << 10;

/// The two directions of a connection.
type Halves = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

enum Socket {
    Listener(mpsc::Receiver<Halves>, Vec<JoinHandle<()>>),
    Connection(mpsc::Receiver<Vec<u8>>, mpsc::UnboundedSender<Vec<u8>>, JoinHandle<()>),
}

pub(super) struct Sockets {
    handle: Handle,
    bell: Arc<Bell>,
    sockets: BTreeMap<SocketId, Socket>,
    last: u32,
    /// What is still being written.
    writing: Vec<JoinHandle<()>>,
}

impl Sockets {
    pub(super) fn new(handle: Handle, bell: Arc<Bell>) -> Sockets {
        Sockets { handle, bell, sockets: BTreeMap::new(), last: 0, writing: Vec::new() }
    }

    fn add(&mut self, socket: Socket) -> SocketId {
        self.last += 1;
        self.sockets.insert(SocketId(self.last), socket);
        SocketId(self.last)
    }

    /// Waits a moment until what was sent has left.
    pub(super) fn finish(&mut self) {
        let ids: Vec<SocketId> = self.sockets.keys().copied().collect();
        ids.into_iter().for_each(|id| self.close(id));
        let writing = std::mem::take(&mut self.writing);
        let all = async move {
            for task in writing {
                let _ = task.await;
            }
        };
        self.handle.block_on(async { tokio::time::timeout(std::time::Duration::from_millis(200), all).await.is_ok() });
    }
}

/// Hands on the connections that come to a listener.
async fn accept(listener: TcpListener, accepted: mpsc::Sender<Halves>, bell: Arc<Bell>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        if accepted.send((Box::new(reader), Box::new(writer))).await.is_err() {
            return;
        }
        bell.ring();
    }
}

/// The same for a socket in the file system.
async fn accept_at(listener: UnixListener, accepted: mpsc::Sender<Halves>, bell: Arc<Bell>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (reader, writer) = stream.into_split();
        if accepted.send((Box::new(reader), Box::new(writer))).await.is_err() {
            return;
        }
        bell.ring();
    }
}

impl Network for Sockets {
    fn listen(&mut self, port: u16) -> Result<(SocketId, u16), String> {
        let bound = self.handle.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        let listener = bound.map_err(|error| format!("bind: {}", words(&error)))?;
        let port = listener.local_addr().map_err(|error| words(&error))?.port();
        let (accepted, connections) = mpsc::channel(QUEUE);
        let mut tasks = Vec::new();
        // Where there is no IPv6, IPv4 alone will do.
        if let Ok(second) = self.handle.block_on(TcpListener::bind((Ipv6Addr::LOCALHOST, port))) {
            tasks.push(self.handle.spawn(accept(second, accepted.clone(), self.bell.clone())));
        }
        tasks.push(self.handle.spawn(accept(listener, accepted, self.bell.clone())));
        Ok((self.add(Socket::Listener(connections, tasks)), port))
    }

    fn listen_at(&mut self, path: &str) -> Result<SocketId, String> {
        // One that was left behind is in the way.
        let _ = std::fs::remove_file(path);
        let listener = {
            let _runtime = self.handle.enter();
            UnixListener::bind(path).map_err(|error| format!("bind: {}", words(&error)))?
        };
        let (accepted, connections) = mpsc::channel(QUEUE);
        let tasks = vec![self.handle.spawn(accept_at(listener, accepted, self.bell.clone()))];
        Ok(self.add(Socket::Listener(connections, tasks)))
    }

    fn accept(&mut self, listener: SocketId) -> Option<SocketId> {
        let Some(Socket::Listener(connections, _)) = self.sockets.get_mut(&listener) else { return None };
        let (mut reader, mut writer) = connections.try_recv().ok()?;
        let (received, pieces) = mpsc::channel(QUEUE);
        let (send, mut sending) = mpsc::unbounded_channel::<Vec<u8>>();
        let bell = self.bell.clone();
        let reading = self.handle.spawn(async move {
            let mut buffer = vec![0; PIECE];
            while let Ok(count @ 1..) = reader.read(&mut buffer).await {
                if received.send(buffer[..count].to_vec()).await.is_err() {
                    return;
                }
                bell.ring();
            }
            drop(received);
            bell.ring();
        });
        self.writing.retain(|task| !task.is_finished());
        self.writing.push(self.handle.spawn(async move {
            while let Some(bytes) = sending.recv().await {
                if writer.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            let _ = writer.shutdown().await;
        }));
        Some(self.add(Socket::Connection(pieces, send, reading)))
    }

    fn receive(&mut self, socket: SocketId) -> Input {
        let Some(Socket::Connection(pieces, ..)) = self.sockets.get_mut(&socket) else { return Input::End };
        match pieces.try_recv() {
            Ok(bytes) => Input::Data(bytes),
            Err(TryRecvError::Empty) => Input::Pending,
            Err(TryRecvError::Disconnected) => Input::End,
        }
    }

    fn send(&mut self, socket: SocketId, bytes: &[u8]) {
        if let Some(Socket::Connection(_, send, _)) = self.sockets.get(&socket) {
            // A connection that broke is noticed when it is read.
            let _ = send.send(bytes.to_vec());
        }
    }

    fn close(&mut self, socket: SocketId) {
        match self.sockets.remove(&socket) {
            Some(Socket::Listener(_, tasks)) => tasks.iter().for_each(JoinHandle::abort),
            Some(Socket::Connection(_, _, reading)) => reading.abort(),
            None => {}
        }
    }
}
