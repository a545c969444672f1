//! The cluster as clients reach it: requests, and streams that are polled.

use drydock_api::{Request, Response, Status, StreamId, StreamItem, Transport, channel};
use drydock_apiserver::Answer;
use drydock_shell::Recv;

use super::Source;
use crate::Cluster;
use crate::network::Place;
use crate::store::ApiServer;

impl Cluster {
    fn api_address(&self) -> String {
        format!("https://{}", self.api.config().address)
    }

    fn answer(&mut self, request: Request) -> Answer {
        if let Some(status) = self.refusal(Place::Workstation) {
            return Answer::Response(status.into());
        }
        let now = self.now();
        ApiServer::handle(&mut self.api, request, now)
    }
}

impl Transport for Cluster {
    fn send(&mut self, request: Request) -> Response {
        match self.answer(request) {
            Answer::Response(response) => response,
            // Asked for in one exchange, a watch answers with what it has at once.
            Answer::Watch(mut watch) => {
                let now = self.now();
                let mut lines = String::new();
                while let Some(event) = self.api.poll_watch(&mut watch, now) {
                    lines.push_str(&event.to_string());
                    lines.push('\n');
                }
                Response::text(200, lines)
            }
            Answer::Connect(connect) => self.serve(connect),
        }
    }

    fn open(&mut self, request: Request) -> Result<StreamId, Status> {
        match self.answer(request) {
            Answer::Watch(watch) => Ok(self.streams.add(Source::Watch(Box::new(watch)))),
            Answer::Connect(connect) => self.connect(connect),
            Answer::Response(response) => match response.into_result() {
                Err(status) => Err(status),
                Ok(_) => Err(Status::bad_request("the request is not a stream")),
            },
        }
    }

    fn poll(&mut self, id: StreamId) -> StreamItem {
        let now = self.now();
        let Some(stream) = self.streams.open.get_mut(&id) else { return StreamItem::Closed(None) };
        if let Some(item) = stream.items.pop_front() {
            let full = stream.bytes >= super::BYTES_MAX;
            stream.bytes -= super::size(&item);
            let seat = if let Source::Process(seat) = &stream.source { Some(*seat) } else { None };
            if matches!(item, StreamItem::Closed(_)) {
                self.streams.open.remove(&id);
            } else if let Some(seat) = seat.filter(|_| full) {
                let (mut ctx, kubelets) = self.parts();
                if let Some(kubelet) = kubelets.get_mut(seat.node.0 as usize) {
                    kubelet.nudge(seat, &mut ctx);
                }
            }
            return item;
        }
        match &mut stream.source {
            Source::Watch(watch) => match self.api.poll_watch(watch, now) {
                Some(event) => return StreamItem::Event(event),
                None if !watch.closed(now) => return StreamItem::Pending,
                None => {}
            },
            Source::Log { node, container, next, options, left } => {
                let state = self.kubelets.get(node.0 as usize).and_then(|kubelet| kubelet.log_state(*container));
                if let Some((log, running)) = state {
                    let (mut bytes, end) = log.read(*next, options);
                    *next = end;
                    if let Some(left) = left {
                        bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                        *left -= bytes.len() as u64;
                    }
                    if !bytes.is_empty() {
                        return StreamItem::Data(channel::STDOUT, bytes);
                    }
                    if running && *left != Some(0) {
                        return StreamItem::Pending;
                    }
                }
            }
            Source::Process(_) => return StreamItem::Pending,
            Source::Port { socket, port, unsent, ended } => {
                let (socket, port) = (*socket, *port);
                match self.network.connected(socket, now) {
                    None => return StreamItem::Pending,
                    Some(Err(error)) => {
                        let status = super::connect::forward_failure(port, error);
                        self.close(id);
                        return StreamItem::Closed(Some(status));
                    }
                    Some(Ok(())) => {}
                }
                super::connect::flush(&mut self.network, socket, unsent, *ended, now, &mut self.queue);
                match self.network.recv(socket, now, &mut self.queue) {
                    Recv::Data(bytes) => return StreamItem::Data(channel::STDOUT, bytes),
                    Recv::Pending => return StreamItem::Pending,
                    Recv::Eof | Recv::Failed(_) => {
                        self.close(id);
                        return StreamItem::Closed(None);
                    }
                }
            }
        }
        self.streams.open.remove(&id);
        StreamItem::Closed(None)
    }

    fn ready(&self, id: StreamId) -> bool {
        let now = self.now();
        let Some(stream) = self.streams.open.get(&id) else { return true };
        if !stream.items.is_empty() {
            return true;
        }
        match &stream.source {
            Source::Watch(watch) => self.api.watch_ready(watch) || watch.closed(now),
            Source::Log { node, container, next, left, .. } => {
                let state = self.kubelets.get(node.0 as usize).and_then(|kubelet| kubelet.log_state(*container));
                state.is_none_or(|(log, running)| log.end() > *next || !running || *left == Some(0))
            }
            Source::Process(_) => false,
            Source::Port { socket, .. } => self.network.ready(*socket, now),
        }
    }

    fn write(&mut self, id: StreamId, to: u8, bytes: &[u8]) {
        let now = self.now();
        let Some(stream) = self.streams.open.get_mut(&id) else { return };
        match &mut stream.source {
            Source::Process(seat) => {
                let seat = *seat;
                let (mut ctx, kubelets) = self.parts();
                let Some(kubelet) = kubelets.get_mut(seat.node.0 as usize) else { return };
                match to {
                    channel::STDIN if bytes.is_empty() => kubelet.end_input(seat, id, &mut ctx),
                    channel::STDIN => kubelet.type_bytes(seat, bytes, &mut ctx),
                    channel::RESIZE => {
                        let size =
                            std::str::from_utf8(bytes).ok().and_then(|text| drydock_value::parse_json(text).ok());
                        let of = |name: &str| {
                            let size = size.as_ref()?;
                            u16::try_from(size[name].int()).ok().filter(|number| *number > 0)
                        };
                        if let (Some(columns), Some(rows)) = (of("Width"), of("Height")) {
                            kubelet.resize(seat, columns, rows, &mut ctx);
                        }
                    }
                    _ => {}
                }
            }
            Source::Port { socket, unsent, ended, .. } if to == channel::STDIN => {
                if bytes.is_empty() {
                    *ended = true;
                } else {
                    unsent.extend(bytes);
                }
                let socket = *socket;
                super::connect::flush(&mut self.network, socket, unsent, *ended, now, &mut self.queue);
            }
            _ => {}
        }
    }

    fn close(&mut self, id: StreamId) {
        let Some(stream) = self.streams.open.remove(&id) else { return };
        let now = self.now();
        match stream.source {
            Source::Process(seat) => {
                let (mut ctx, kubelets) = self.parts();
                if let Some(kubelet) = kubelets.get_mut(seat.node.0 as usize) {
                    kubelet.leave(seat, id, &mut ctx);
                }
            }
            Source::Port { socket, .. } => self.network.close(socket, now, &mut self.queue),
            Source::Watch(_) | Source::Log { .. } => {}
        }
    }

    fn server(&self) -> String {
        self.api_address()
    }
}
