//! Streams between the API server and processes of the cluster itself: clients in pods, and what comes to its port on the
//! network.
//!
//! A process goes on while its kubelet is at work, when nobody can look into other kubelets. What it asks for is therefore
//! written down, and done between two events by the cluster, as for any other client; what comes back is kept until the
//! process looks. While nothing comes, the cluster looks less and less often.

use std::collections::VecDeque;
use std::time::Duration;

use drydock_api::{Request, Response, Status, StreamId, StreamItem, Transport};
use drydock_sorted::SortedMap;
use drydock_value::Time;

use crate::Cluster;
use crate::network::NetworkWake;
use crate::queue::{Event, EventQueue};

/// Tells these streams from those of clients outside.
const MARK: u64 = 1 << 62;
/// How many there may be.
const STREAMS_MAX: usize = 1000;
/// How often the cluster looks for news of an open stream: at first, and at the longest.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// What a process asked for.
#[derive(Debug, Clone)]
enum Asked {
    /// A stream.
    Open(StreamId, Request),
    /// An answer.
    Send(StreamId, Request),
    /// To write on a channel.
    Write(StreamId, u8, Vec<u8>),
    /// To let go.
    Close(StreamId),
}

#[derive(Debug, Clone)]
struct Inner {
    /// What wakes who holds it.
    wake: Event,
    items: VecDeque<StreamItem>,
    /// The whole answer, where one was asked for.
    answer: Option<Response>,
    /// What was asked, where whoever asked asks again for the answer.
    request: Option<Request>,
    /// The stream as a client outside would have it.
    outer: Option<StreamId>,
}

/// The streams, and what is to be done for them.
#[derive(Debug, Clone, Default)]
pub struct Inside {
    last: u64,
    streams: SortedMap<StreamId, Inner>,
    asked: VecDeque<Asked>,
    /// When the cluster looks next, and how long it waited before.
    next: Option<Time>,
    wait: Duration,
}

impl Inside {
    fn add(&mut self, wake: Event) -> Result<StreamId, Status> {
        if self.streams.len() >= STREAMS_MAX {
            return Err(Status::new(429, "TooManyRequests", "too many streams are open"));
        }
        self.last += 1;
        let id = StreamId(MARK | self.last);
        self.streams.insert(id, Inner { wake, items: VecDeque::new(), answer: None, request: None, outer: None });
        Ok(id)
    }

    fn ask(&mut self, asked: Asked, now: Time, queue: &mut EventQueue) {
        self.asked.push_back(asked);
        self.look_at(now, queue);
    }

    fn look_at(&mut self, at: Time, queue: &mut EventQueue) {
        if self.next.is_none_or(|next| next > at) {
            self.next = Some(at);
            queue.at(at, Event::Network(NetworkWake::Inside));
        }
    }

    /// Opens a stream for whoever `wake` wakes; how it went is an item of it.
    ///
    /// # Errors
    /// When there are too many.
    pub fn open(
        &mut self,
        request: Request,
        wake: Event,
        now: Time,
        queue: &mut EventQueue,
    ) -> Result<StreamId, Status> {
        let id = self.add(wake)?;
        self.ask(Asked::Open(id, request), now, queue);
        Ok(id)
    }

    /// Asks for an answer, for whoever `wake` wakes.
    ///
    /// # Errors
    /// When there are too many streams.
    pub fn send(
        &mut self,
        request: Request,
        wake: Event,
        now: Time,
        queue: &mut EventQueue,
    ) -> Result<StreamId, Status> {
        let id = self.add(wake)?;
        self.ask(Asked::Send(id, request), now, queue);
        Ok(id)
    }

    /// The answer to a request that takes more than the API server, if it has come; otherwise it is asked for, once, and the
    /// number is that of what to wait for.
    ///
    /// # Errors
    /// When it has not come, or when there are too many streams.
    pub fn answer(
        &mut self,
        request: &Request,
        wake: Event,
        now: Time,
        queue: &mut EventQueue,
    ) -> Result<Response, Result<StreamId, Status>> {
        let same = |inner: &Inner| inner.wake == wake && inner.request.as_ref() == Some(request);
        let known = self.streams.iter().find(|(_, inner)| same(inner)).map(|(id, _)| *id);
        match known {
            Some(id) => self.take_answer(id).ok_or(Ok(id)),
            None => {
                let asked = self.send(request.clone(), wake, now, queue);
                if let Some(inner) = asked.as_ref().ok().and_then(|id| self.streams.get_mut(id)) {
                    inner.request = Some(request.clone());
                }
                Err(asked)
            }
        }
    }

    /// Takes the answer that was asked for, when it is there.
    pub fn take_answer(&mut self, id: StreamId) -> Option<Response> {
        let answer = self.streams.get_mut(&id)?.answer.take()?;
        self.streams.remove(&id);
        Some(answer)
    }

    /// Takes the next item of a stream.
    pub fn poll(&mut self, id: StreamId) -> StreamItem {
        let Some(inner) = self.streams.get_mut(&id) else { return StreamItem::Closed(None) };
        let Some(item) = inner.items.pop_front() else { return StreamItem::Pending };
        if matches!(item, StreamItem::Closed(_)) {
            self.streams.remove(&id);
        }
        item
    }

    /// Whether a stream has an item.
    pub fn ready(&self, id: StreamId) -> bool {
        self.streams.get(&id).is_none_or(|inner| !inner.items.is_empty() || inner.answer.is_some())
    }

    /// Writes on a channel.
    pub fn write(&mut self, id: StreamId, channel: u8, bytes: &[u8], now: Time, queue: &mut EventQueue) {
        self.ask(Asked::Write(id, channel, bytes.to_vec()), now, queue);
    }

    /// Lets go of a stream.
    pub fn close(&mut self, id: StreamId, now: Time, queue: &mut EventQueue) {
        self.ask(Asked::Close(id), now, queue);
    }

    /// Lets go of all streams of somebody who is gone.
    pub fn leave(&mut self, wake: &Event, now: Time, queue: &mut EventQueue) {
        let own: Vec<StreamId> =
            self.streams.iter().filter(|(_, inner)| inner.wake == *wake).map(|(id, _)| *id).collect();
        for id in own {
            self.close(id, now, queue);
        }
    }
}

impl Cluster {
    /// Does what processes of the cluster asked for, and brings them what came.
    pub(crate) fn serve_inside(&mut self) {
        let now = self.now();
        if self.streams.inside.next.is_some_and(|next| next > now) {
            return;
        }
        self.streams.inside.next = None;
        let mut news = false;
        while let Some(asked) = self.streams.inside.asked.pop_front() {
            news = true;
            self.do_asked(asked);
        }
        let ids: Vec<(StreamId, StreamId)> =
            self.streams.inside.streams.iter().filter_map(|(id, inner)| Some((*id, inner.outer?))).collect();
        for (id, outer) in &ids {
            news |= self.bring(*id, *outer);
        }
        let inside = &mut self.streams.inside;
        if inside.streams.values().any(|inner| inner.outer.is_some()) {
            inside.wait = if news { LOOKS.0 } else { (inside.wait * 2).clamp(LOOKS.0, LOOKS.1) };
            let at = now + inside.wait;
            inside.look_at(at, &mut self.queue);
        }
    }

    fn do_asked(&mut self, asked: Asked) {
        let outer =
            |cluster: &Cluster, id: StreamId| cluster.streams.inside.streams.get(&id).and_then(|inner| inner.outer);
        match asked {
            Asked::Open(id, request) => {
                let opened = Transport::open(self, request);
                let Some(inner) = self.streams.inside.streams.get_mut(&id) else { return };
                match opened {
                    Ok(outer) => inner.outer = Some(outer),
                    Err(status) => {
                        inner.items.push_back(StreamItem::Closed(Some(status)));
                        self.queue.soon(inner.wake.clone());
                    }
                }
            }
            Asked::Send(id, request) => {
                let answer = Transport::send(self, request);
                if let Some(inner) = self.streams.inside.streams.get_mut(&id) {
                    inner.answer = Some(answer);
                    self.queue.soon(inner.wake.clone());
                }
            }
            Asked::Write(id, channel, bytes) => {
                if let Some(outer) = outer(self, id) {
                    self.write(outer, channel, &bytes);
                }
            }
            Asked::Close(id) => {
                if let Some(outer) = outer(self, id) {
                    Transport::close(self, outer);
                }
                self.streams.inside.streams.remove(&id);
            }
        }
    }

    /// Brings a stream what came for it. Whether anything did.
    fn bring(&mut self, id: StreamId, outer: StreamId) -> bool {
        let mut items = VecDeque::new();
        loop {
            let item = self.poll(outer);
            let closed = matches!(item, StreamItem::Closed(_));
            if item == StreamItem::Pending {
                break;
            }
            items.push_back(item);
            if closed {
                break;
            }
        }
        if items.is_empty() {
            return false;
        }
        let Some(inner) = self.streams.inside.streams.get_mut(&id) else { return true };
        if matches!(items.back(), Some(StreamItem::Closed(_))) {
            inner.outer = None;
        }
        inner.items.extend(items);
        self.queue.soon(inner.wake.clone());
        true
    }
}
