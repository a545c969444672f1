//! What the API server hands on to kubelets: logs, exec, attach, port-forward.

use std::collections::VecDeque;
use std::time::Duration;

use drydock_api::{Body, Cause, Request, Response, Status, StreamId};
use drydock_apiserver::Connect;
use drydock_shell::{NetError, SocketId};
use drydock_value::{Time, Value};

use super::Source;
use crate::Cluster;
use crate::network::{Network, Target};
use crate::objects::Key;
use crate::queue::{EventQueue, NodeId};
use crate::runtime::LogOptions;
use crate::runtime::start::Exec;

/// The holder of clients' connections to pods.
pub(super) const FORWARDS: u64 = u64::MAX;

/// Sends what a client wrote, as far as the other side takes it.
pub(super) fn flush(
    network: &mut Network,
    socket: SocketId,
    unsent: &mut VecDeque<u8>,
    ended: bool,
    now: Time,
    queue: &mut EventQueue,
) {
    while !unsent.is_empty() {
        let (front, _) = unsent.as_slices();
        match network.send(socket, front, now, queue) {
            Ok(0) => return,
            Ok(taken) => {
                unsent.drain(..taken);
            }
            Err(_) => {
                unsent.clear();
                return;
            }
        }
    }
    if ended && network.connected(socket, now).is_some() {
        network.shutdown(socket, now, queue);
    }
}

/// Why a port of a pod could not be reached, as containerd says it.
pub(super) fn forward_failure(port: u16, error: NetError) -> Status {
    let why = error.message().to_lowercase();
    let message = format!(
        "failed to execute portforward in network namespace: failed to connect to localhost:{port} inside namespace, IPv4: \
         dial tcp4 127.0.0.1:{port}: connect: {why} IPv6 dial tcp6: address localhost: no suitable address found"
    );
    Status::new(500, "InternalError", message)
}

/// What a request asks of a log.
fn log_options(pod: &str, request: &Request, now: Time) -> Result<LogOptions, Status> {
    let invalid = |field: &str, message: String| {
        let cause = Cause { reason: "FieldValueInvalid".into(), message, field: field.into() };
        Status::invalid("", "PodLogOptions", pod, vec![cause])
    };
    let number = |field: &str, least: i64, words: &str| -> Result<Option<u64>, Status> {
        let Some(text) = request.query_value(field) else { return Ok(None) };
        let Ok(number) = text.parse::<i64>() else {
            return Err(Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")));
        };
        if number < least {
            return Err(invalid(field, format!("Invalid value: {number}: must be {words}")));
        }
        Ok(Some(number.unsigned_abs()))
    };
    let tail = number("tailLines", 0, "greater than or equal to 0")?;
    let limit_bytes = number("limitBytes", 1, "greater than 0")?;
    let since_seconds = number("sinceSeconds", 1, "greater than 0")?;
    let since_time = request.query_value("sinceTime");
    if since_seconds.is_some() && since_time.is_some() {
        return Err(invalid("", "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified".into()));
    }
    let since = match (since_seconds, since_time) {
        (Some(seconds), _) => Some(Time(now.0.saturating_sub(Duration::from_secs(seconds).as_micros() as u64))),
        (None, Some(text)) => Time::parse_rfc3339(text),
        (None, None) => None,
    };
    let only = match request.query_value("stream") {
        Some("Stdout") => Some(crate::runtime::log::Output::Stdout),
        Some("Stderr") => Some(crate::runtime::log::Output::Stderr),
        _ => None,
    };
    Ok(LogOptions { tail, since, timestamps: request.query_bool("timestamps"), limit_bytes, only })
}

/// The container that a request is about: the one it names, or the only one.
fn container(pod: &Value, request: &Request) -> Result<String, Status> {
    let spec = &pod["spec"];
    let name = pod["metadata"]["name"].str();
    let of = |list: &str| -> Vec<&str> { spec[list].items().iter().map(|container| container["name"].str()).collect() };
    let (main, init, debug) = (of("containers"), of("initContainers"), of("ephemeralContainers"));
    match request.query_value("container").filter(|wanted| !wanted.is_empty()) {
        Some(wanted) => {
            if main.iter().chain(&init).chain(&debug).any(|known| *known == wanted) {
                return Ok(wanted.to_owned());
            }
            Err(Status::bad_request(format!("container {wanted} is not valid for pod {name}")))
        }
        None => match main.as_slice() {
            [only] => Ok((*only).to_owned()),
            several => {
                let mut message = format!(
                    "a container name must be specified for pod {name}, choose one of: [{}]",
                    several.join(" ")
                );
                if !init.is_empty() {
                    message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
                }
                if !debug.is_empty() {
                    message.push_str(&format!(" or one of the ephemeral containers: [{}]", debug.join(" ")));
                }
                Err(Status::bad_request(message))
            }
        },
    }
}

struct About {
    key: Key,
    uid: String,
    node: NodeId,
}

impl Cluster {
    /// The pod's node and names.
    fn about(&self, connect: &Connect) -> Result<About, Status> {
        let pod = &connect.object;
        let metadata = &pod["metadata"];
        let node = pod["spec"]["nodeName"].str();
        if node.is_empty() {
            return Err(Status::bad_request(format!("pod {} does not have a host assigned", metadata["name"].str())));
        }
        let Some(node) = self.node_id(node) else {
            return Err(Status::not_found("", "nodes", node));
        };
        if let Some(why) = self.kubelet_refusal(node) {
            let address = format!("{}:10250", self.config.nodes[node.0 as usize].ip);
            let why = format!("dial tcp {address}: {why}");
            let message = if connect.subresource == "log" {
                let name = container(pod, &connect.request).unwrap_or_default();
                let path = format!("{}/{}/{name}", metadata["namespace"].str(), metadata["name"].str());
                format!("Get \"https://{address}/containerLogs/{path}\": {why}")
            } else {
                format!("error dialing backend: {why}")
            };
            return Err(Status::new(500, "", message));
        }
        Ok(About { key: Key::of(pod), uid: metadata["uid"].str().to_owned(), node })
    }

    /// Serves what is answered at once.
    pub(super) fn serve(&mut self, connect: Connect) -> Response {
        let result = match connect.subresource.as_str() {
            "log" => self.log(&connect),
            "proxy" => Ok(self.proxy(&connect)),
            _ => Err(Status::bad_request("Upgrade request required")),
        };
        result.unwrap_or_else(Response::from)
    }

    fn log(&mut self, connect: &Connect) -> Result<Response, Status> {
        let pod = &connect.object;
        let container = container(pod, &connect.request)?;
        let options = log_options(pod["metadata"]["name"].str(), &connect.request, self.now())?;
        let plain = |bytes: Vec<u8>| Response {
            code: 200,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: Body::Bytes(bytes),
        };
        if pod["spec"]["nodeName"].is_empty() {
            return Ok(plain(Vec::new()));
        }
        let about = self.about(connect)?;
        let previous = connect.request.query_bool("previous");
        let (mut ctx, kubelets) = self.parts();
        let Some(kubelet) = kubelets.get_mut(about.node.0 as usize) else { return Ok(plain(Vec::new())) };
        let number = kubelet.log_of(&about.key, &about.uid, &container, previous)?;
        Ok(plain(kubelet.log(number, &mut ctx).show(&options)))
    }

    /// Opens a stream that a kubelet serves.
    pub(super) fn connect(&mut self, connect: Connect) -> Result<StreamId, Status> {
        match connect.subresource.as_str() {
            "log" => self.follow(&connect),
            "exec" | "attach" => self.process(&connect),
            "portforward" => self.forward(&connect),
            _ => Err(Status::bad_request("Upgrade request required")),
        }
    }

    fn follow(&mut self, connect: &Connect) -> Result<StreamId, Status> {
        let pod = &connect.object;
        let container = container(pod, &connect.request)?;
        let options = log_options(pod["metadata"]["name"].str(), &connect.request, self.now())?;
        let about = self.about(connect)?;
        let previous = connect.request.query_bool("previous");
        let (mut ctx, kubelets) = self.parts();
        let Some(kubelet) = kubelets.get_mut(about.node.0 as usize) else {
            return Err(Status::not_found("", "pods", &about.key.name));
        };
        let number = kubelet.log_of(&about.key, &about.uid, &container, previous)?;
        let next = kubelet.log(number, &mut ctx).start(&options);
        let left = options.limit_bytes;
        Ok(self.streams.add(Source::Log { node: about.node, container: number, next, options, left }))
    }

    fn process(&mut self, connect: &Connect) -> Result<StreamId, Status> {
        let pod = &connect.object;
        let request = &connect.request;
        let container = container(pod, request)?;
        let about = self.about(connect)?;
        let stream = self.streams.promise();
        let (mut ctx, kubelets) = self.parts();
        let Some(kubelet) = kubelets.get_mut(about.node.0 as usize) else {
            return Err(Status::not_found("", "pods", &about.key.name));
        };
        let stdin = request.query_bool("stdin");
        let seat = if connect.subresource == "exec" {
            let argv: Vec<String> =
                request.query.iter().filter(|(name, _)| name == "command").map(|(_, word)| word.clone()).collect();
            if argv.is_empty() {
                Err(Status::bad_request("you must specify at least 1 of stdin, stdout, stderr"))
            } else {
                let exec = Exec { argv, tty: request.query_bool("tty"), stdin };
                kubelet.exec(&about.key, &about.uid, &container, exec, stream, &mut ctx)
            }
        } else {
            kubelet.attach(&about.key, &about.uid, &container, stdin, stream, &mut ctx)
        };
        match seat {
            Ok(seat) => {
                self.streams.fulfil(stream, Source::Process(seat));
                Ok(stream)
            }
            Err(status) => {
                self.streams.withdraw(stream);
                Err(status)
            }
        }
    }

    /// One connection to a port of a pod. Its bytes are stdin and stdout.
    fn forward(&mut self, connect: &Connect) -> Result<StreamId, Status> {
        let about = self.about(connect)?;
        let port = connect.request.query_value("ports").and_then(|port| port.parse::<u16>().ok());
        let Some(port) = port else { return Err(Status::bad_request("you must specify at least 1 port")) };
        let place =
            self.kubelets.get(about.node.0 as usize).and_then(|kubelet| kubelet.place_of(&about.key, &about.uid));
        let Some(place) = place else {
            let message =
                format!("unable to upgrade connection: pod not found (\"{}_{}\")", about.key.name, about.key.namespace);
            return Err(Status::new(404, "", message));
        };
        let now = self.now();
        // The runtime dials within the pod's own network.
        let socket =
            self.network.connect_to(place, FORWARDS, Network::outside(), Target { place, port }, now, &mut self.queue);
        Ok(self.streams.add(Source::Port { socket, port, unsent: VecDeque::new(), ended: false }))
    }
}
