//! The thread that owns the cluster. Everybody else speaks to it through an [`Owner`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use drydock_api::{Body, Request, Response, Status, StreamId, StreamItem, Transport};
use drydock_apiserver::{Ahead, Authority};
use drydock_cluster::{Cluster, Config};
use drydock_value::{Time, Value};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::audit::{Event, Kept, Log, Seen};
use crate::record::{Entry, Record};

/// Items of a stream that may wait for its client. What does not fit stays in the cluster, which keeps it only once.
const QUEUE: usize = 256;
/// Cluster events between two looks at the requests that wait.
const SLICE: u32 = 200;
/// How often streams are looked at when nothing else happens: ends of watches, vanished clients.
const IDLE: Duration = Duration::from_millis(200);
/// How soon a stream whose client was slow is looked at again.
const BLOCKED: Duration = Duration::from_millis(5);
/// Objects that are made ready for readers at a time, while nothing else is to be done: a request waits for so many at most.
const READY: usize = 8;
/// When the cluster has fallen so far behind the wall clock, it is the clock that gives in.
const LAG_MAX: Duration = Duration::from_secs(1);

enum Message {
    Send(Box<Request>, Option<Seen>, oneshot::Sender<Response>),
    Open(Box<Request>, Option<Seen>, oneshot::Sender<Result<(StreamId, mpsc::Receiver<StreamItem>), Status>>),
    Write(StreamId, u8, Vec<u8>, oneshot::Sender<()>),
    Close(StreamId),
    Stop,
}

/// The way to the cluster's thread, for one request where there is an audit log.
#[derive(Debug, Clone)]
pub(crate) struct Owner(Sender<Message>, Option<Seen>);

/// A stream's receiving end. Dropping it closes the stream in the cluster.
pub(crate) struct Stream {
    id: StreamId,
    owner: Owner,
    items: mpsc::Receiver<StreamItem>,
}

/// A stream's sending end.
#[derive(Clone)]
pub(crate) struct Writer {
    id: StreamId,
    owner: Owner,
}

fn gone() -> Status {
    Status::new(503, "ServiceUnavailable", "the server is shutting down")
}

impl Owner {
    /// The same way, for a request of which this was seen.
    pub(crate) fn seeing(&self, seen: Option<Seen>) -> Owner {
        Owner(self.0.clone(), seen)
    }

    /// One exchange.
    pub(crate) async fn send(&self, request: Request) -> Response {
        let (answer, answered) = oneshot::channel();
        if self.0.send(Message::Send(Box::new(request), self.1.clone(), answer)).is_err() {
            return Response::from(gone());
        }
        answered.await.unwrap_or_else(|_| Response::from(gone()))
    }

    /// Opens a stream.
    pub(crate) async fn open(&self, request: Request) -> Result<Stream, Status> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Message::Open(Box::new(request), self.1.clone(), answer)).map_err(|_| gone())?;
        let (id, items) = answered.await.map_err(|_| gone())??;
        Ok(Stream { id, owner: self.clone(), items })
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        // It may have ended already.
        let _ = self.0.send(Message::Stop);
    }
}

impl Stream {
    /// The next item; none after the end.
    pub(crate) async fn next(&mut self) -> Option<StreamItem> {
        self.items.recv().await
    }

    /// The next item, if there is one now.
    pub(crate) fn now(&mut self) -> Option<StreamItem> {
        self.items.try_recv().ok()
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer { id: self.id, owner: self.owner.clone() }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.owner.0.send(Message::Close(self.id));
    }
}

impl Writer {
    /// Sends bytes on a channel, and waits until the cluster has them: a client that sends more than the cluster takes
    /// fills its own connection and nothing here.
    pub(crate) async fn write(&self, channel: u8, bytes: Vec<u8>) {
        let (answer, answered) = oneshot::channel();
        if self.owner.0.send(Message::Write(self.id, channel, bytes, answer)).is_ok() {
            let _ = answered.await;
        }
    }
}

/// Makes the cluster and its thread; answers what leads there, and the cluster's authority and time.
pub(crate) fn start(
    config: Config,
    speed: f64,
    save: Option<PathBuf>,
    audit: Option<Log>,
) -> Result<(Owner, JoinHandle<()>, Authority, Time), String> {
    let (sender, messages) = channel();
    let (mut cluster, record) = match save {
        None => (Cluster::new(config), None),
        Some(path) => {
            let (cluster, record) = Record::open(path, config)?;
            (cluster, Some(record))
        }
    };
    cluster.api().set_descriptions(drydock_descriptions::TEXT.as_bytes())?;
    let (authority, now) = (Authority::of(cluster.api().config()), cluster.now());
    let thread = std::thread::Builder::new()
        .name("cluster".into())
        .spawn(move || {
            let clock = Clock::new(cluster.now(), speed);
            cluster.api().tell_flows();
            if audit.is_some() {
                cluster.api().start_auditing();
            }
            let state = State {
                audit,
                told: BTreeMap::new(),
                cluster: &mut cluster,
                streams: BTreeMap::new(),
                record,
                clock,
                ahead: Ahead::default(),
            };
            state.run(&messages);
        })
        .map_err(|error| error.to_string())?;
    Ok((Owner(sender, None), thread, authority, now))
}

/// The wall clock, as the cluster's time.
struct Clock {
    wall: Instant,
    time: Time,
    speed: f64,
}

impl Clock {
    fn new(time: Time, speed: f64) -> Clock {
        Clock { wall: Instant::now(), time, speed }
    }

    fn now(&self) -> Time {
        self.time + self.wall.elapsed().mul_f64(self.speed)
    }

    /// How long until the cluster's clock shows a time.
    fn until(&self, time: Time) -> Duration {
        Duration::from_secs_f64((time.since(self.now()).as_secs_f64() / self.speed).min(3600.0))
    }
}

struct State<'a> {
    cluster: &'a mut Cluster,
    streams: BTreeMap<StreamId, mpsc::Sender<StreamItem>>,
    record: Option<Record>,
    clock: Clock,
    ahead: Ahead,
    /// The audit log, and the streams of which it has to tell the end.
    audit: Option<Log>,
    told: BTreeMap<StreamId, Event>,
}

impl State<'_> {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut next = None;
        loop {
            let reached = self.advance();
            for message in next.take().into_iter().chain(messages.try_iter().take(SLICE as usize)) {
                if !self.handle(message) {
                    return;
                }
            }
            let blocked = self.pump();
            let wait = match self.cluster.next_event() {
                _ if !reached => Duration::ZERO,
                Some(event) => self.clock.until(event).min(IDLE),
                None => IDLE,
            };
            let wait = if blocked { wait.min(BLOCKED) } else { wait };
            // A cluster at work changes its objects again before anybody could read them.
            let wait = if wait > Duration::ZERO && self.make_ready() { Duration::ZERO } else { wait };
            match messages.recv_timeout(wait) {
                Ok(message) => next = Some(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Lets time pass up to the wall clock's, or a slice of it.
    fn advance(&mut self) -> bool {
        let target = self.clock.now();
        let progress = self.cluster.advance(target, SLICE);
        if let Some(record) = &mut self.record {
            record.events += u64::from(progress.events);
        }
        if !progress.reached && target.since(self.cluster.now()) > LAG_MAX.mul_f64(self.clock.speed) {
            self.clock = Clock::new(self.cluster.now(), self.clock.speed);
        }
        progress.reached
    }

    /// Has some of what changed written out, so that whoever asks for it first need not wait for that. Whether there was
    /// something to do.
    fn make_ready(&mut self) -> bool {
        let Some(objects) = self.cluster.api_ref().ahead(&mut self.ahead, READY) else { return false };
        let mut text = Vec::new();
        for object in objects {
            text.clear();
            crate::order::write(&object, &mut text);
        }
        true
    }

    /// Writes down what changes the cluster.
    fn note(&mut self, entry: impl FnOnce() -> Entry) {
        if let Some(record) = &mut self.record {
            record.note(self.cluster.now(), entry());
        }
    }

    fn handle(&mut self, message: Message) -> bool {
        match message {
            Message::Stop => return false,
            Message::Send(request, seen, answer) => {
                if Record::matters(&request) {
                    self.note(|| Entry::Send((*request).clone()));
                }
                let kept = self.keep(&request, seen);
                let response = self.cluster.send(*request);
                if let Some(event) = self.begin(kept) {
                    let body = if let Body::Value(body) = &response.body { body } else { &Value::Null };
                    self.tell(&event, "ResponseComplete", Some((response.code, body)));
                }
                let _ = answer.send(response);
            }
            Message::Open(request, seen, answer) => {
                let kept = self.keep(&request, seen);
                let recorded = Record::opens(&request).then(|| (*request).clone());
                let opened = self.cluster.open(*request).map(|id| {
                    let (sender, items) = mpsc::channel(QUEUE);
                    self.streams.insert(id, sender);
                    (id, items)
                });
                if let Some(event) = self.begin(kept) {
                    match &opened {
                        Ok((id, _)) => {
                            self.tell(&event, "ResponseStarted", Some((200, &Value::Null)));
                            self.told.insert(*id, event);
                        }
                        Err(status) => {
                            self.tell(&event, "ResponseComplete", Some((status.code, &status.to_value())));
                        }
                    }
                }
                if let (Some(request), Ok((id, _))) = (recorded, &opened) {
                    let id = *id;
                    self.note(|| Entry::Open(id.0, request));
                }
                // A client that is gone by now closes the stream by dropping its end.
                if let Err(Ok((id, _))) = answer.send(opened) {
                    self.close(id);
                }
            }
            Message::Write(id, channel, bytes, answer) => {
                self.note(|| Entry::Write(id.0, channel, bytes.clone()));
                self.cluster.write(id, channel, &bytes);
                let _ = answer.send(());
            }
            Message::Close(id) => self.close(id),
        }
        true
    }

    /// What the audit log needs of a request.
    fn keep(&self, request: &Request, seen: Option<Seen>) -> Option<Kept> {
        Some(self.audit.as_ref()?.keep(request, seen?))
    }

    /// Begins to tell of the request that was answered last.
    fn begin(&mut self, kept: Option<Kept>) -> Option<Event> {
        let (log, now) = (self.audit.as_mut()?, self.cluster.now());
        let audited = self.cluster.api().take_audited()?;
        log.begin(kept?, audited, now)
    }

    fn tell(&mut self, event: &Event, stage: &str, answer: Option<(u16, &Value)>) {
        let now = self.cluster.now();
        if let Some(log) = &mut self.audit {
            log.tell(event, stage, answer, now);
        }
    }

    /// Tells of a stream's end.
    fn tell_end(&mut self, id: StreamId) {
        if let Some(event) = self.told.remove(&id) {
            self.tell(&event, "ResponseComplete", Some((200, &Value::Null)));
        }
    }

    fn close(&mut self, id: StreamId) {
        self.tell_end(id);
        if self.streams.remove(&id).is_some() {
            self.note(|| Entry::Close(id.0));
            self.cluster.close(id);
        }
    }

    /// Hands items to the clients that have room. Whether one has not.
    fn pump(&mut self) -> bool {
        let mut blocked = false;
        let mut ended = Vec::new();
        for (id, sender) in &self.streams {
            while self.cluster.ready(*id) {
                let permit = match sender.try_reserve() {
                    Ok(permit) => permit,
                    Err(TrySendError::Full(())) => {
                        blocked = true;
                        break;
                    }
                    Err(TrySendError::Closed(())) => break,
                };
                let item = self.cluster.poll(*id);
                if item == StreamItem::Pending {
                    break;
                }
                let last = matches!(item, StreamItem::Closed(_));
                permit.send(item);
                if last {
                    ended.push(*id);
                    break;
                }
            }
        }
        for id in ended {
            self.tell_end(id);
            self.streams.remove(&id);
        }
        blocked
    }
}
