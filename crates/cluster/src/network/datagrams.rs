//! Datagrams (UDP). Those that one port sends to another pass for a connection, as a node's connection tracking has it:
//! all go the way of the first one, through whatever rules there are, and answers come back as from where they were sent
//! to. Nothing is acknowledged: what nobody waits for comes back as a refusal, and what is lost is lost.

use drydock_shell::{NetError, Recv, SocketId};
use drydock_value::Time;

use super::Network;
use super::attempts::{SAME_NODE, knock};
use super::sockets::{Stream, WINDOW};
use crate::queue::EventQueue;

impl Stream {
    /// Whether what was sent has come back.
    pub(super) fn is_refused(&self, now: Time) -> bool {
        self.noticed && matches!(self.settled, Some((at, Err(NetError::Refused))) if at <= now)
    }

    /// Whether the one who asked is gone, and all was read.
    pub(super) fn is_over(&self) -> bool {
        self.broken && !self.asks && self.inbox.is_empty()
    }

    /// The next datagram that has come.
    pub(super) fn take_datagram(&mut self, now: Time) -> Recv {
        if self.inbox.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, bytes)) = self.inbox.pop_front()
        {
            self.unread = self.unread.saturating_sub(bytes.len());
            return Recv::Data(bytes);
        }
        if self.is_refused(now) {
            // The next one that is sent may find somebody.
            self.settled = None;
            return Recv::Failed(NetError::Refused);
        }
        if self.is_over() { Recv::Eof } else { Recv::Pending }
    }
}

impl Network {
    /// Sends a datagram: all of it, or it is lost.
    pub(super) fn send_datagram(
        &mut self,
        id: SocketId,
        bytes: &[u8],
        now: Time,
        queue: &mut EventQueue,
    ) -> Result<usize, NetError> {
        let (taken, stalled) = (bytes.len(), self.stalled(id));
        let Some((stream, _)) = self.stream_mut(id) else { return Err(NetError::Reset) };
        stream.noticed = true;
        match (stream.settled, stream.peer.filter(|_| !stream.broken)) {
            // A service without endpoints refuses; where there is nobody at all, nobody answers.
            (Some((at, Err(NetError::Refused))), _) => {
                let at = at.max(now + SAME_NODE);
                stream.settled = Some((at, Err(NetError::Refused)));
                self.wake_at(id, at, queue);
            }
            (Some((_, Err(_))), _) => {}
            (Some((_, Ok(()))), Some(peer)) => {
                let at = now + stream.latency;
                if !stalled {
                    self.deliver(peer, bytes.to_vec(), at, queue);
                }
            }
            _ if stream.asks => {
                (stream.settled, stream.peer, stream.broken) = (None, None, false);
                stream.early.push(bytes.to_vec());
                if stream.early.len() == 1 {
                    queue.at(now + stream.latency, knock(stream.target.place, id));
                }
            }
            _ => {}
        }
        Ok(taken)
    }

    /// Puts a datagram before its reader, if there is room.
    pub(super) fn deliver(&mut self, to: SocketId, bytes: Vec<u8>, at: Time, queue: &mut EventQueue) {
        let Some((stream, _)) = self.stream_mut(to) else { return };
        if stream.unread + bytes.len() > WINDOW {
            return;
        }
        stream.unread += bytes.len();
        stream.inbox.push_back((at, bytes));
        self.wake_at(to, at, queue);
    }
}
