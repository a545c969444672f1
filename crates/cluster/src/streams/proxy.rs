//! Requests that the API server passes on: `.../proxy/...` of pods, services and nodes. They are answered at once, with
//! the clock standing still, where the other side can answer without waiting. Where it cannot, as it asks somebody else
//! or sleeps, time passes until it has answered: the client does nothing else meanwhile.

use std::net::Ipv4Addr;
use std::time::Duration;

use drydock_api::{Body, Method, Request, Response, Status};
use drydock_apiserver::Connect;
use drydock_shell::{NetError, Recv, SocketId};
use drydock_value::Value;

use super::connect::FORWARDS;
use crate::Cluster;
use crate::network::{Network, Place, Target, services};
use crate::objects::Key;
use crate::runtime::programs::http;

/// How often the other side is let go on before time passes.
const TURNS_MAX: usize = 8;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much may happen meanwhile.
const EVENTS_MAX: u32 = 20_000;

impl Cluster {
    pub(super) fn proxy(&mut self, connect: &Connect) -> Response {
        let (scheme_name, port) = split(&connect.name);
        if let Some(place) = below(connect) {
            return Response { code: 301, headers: vec![("location".into(), place)], body: Body::Empty };
        }
        let found = match connect.resource.as_str() {
            "pods" => self.pod_address(&connect.object, port),
            "services" => self.service_address(&connect.object, port),
            _ if matches!(port, "" | "10250") => return self.kubelet(connect),
            _ => node_address(&connect.object, port),
        };
        let (ip, port) = match found {
            Ok(found) => found,
            Err(status) => return status.into(),
        };
        let _ = scheme_name;
        match self.exchange(ip, port, connect) {
            Ok(response) => response,
            Err(why) => {
                let message = format!("error trying to reach service: dial tcp {ip}:{port}: connect: {why}");
                Status::new(503, "ServiceUnavailable", message).into()
            }
        }
    }

    /// What a node's kubelet answers.
    fn kubelet(&mut self, connect: &Connect) -> Response {
        let metadata = &connect.object["metadata"];
        let Some(node) = self.node_id(metadata["name"].str()) else {
            return Status::not_found("", "nodes", metadata["name"].str()).into();
        };
        if let Some(why) = self.kubelet_refusal(node) {
            let ip = self.config.nodes.get(node.0 as usize).map_or("", |node| node.ip.as_str());
            let message = format!("error trying to reach service: dial tcp {ip}:10250: {why}");
            return Status::new(503, "ServiceUnavailable", message).into();
        }
        let path = format!("/{}", connect.path.trim_start_matches('/'));
        let (mut ctx, kubelets) = self.parts();
        let Some(kubelet) = kubelets.get_mut(node.0 as usize) else {
            return Status::new(503, "ServiceUnavailable", "error trying to reach service: EOF").into();
        };
        let answer = kubelet
            .http(&path, &mut ctx)
            .unwrap_or_else(|| http::Response::new(404, "text/plain; charset=utf-8", "404 page not found\n"));
        let above = connect.request.path.strip_suffix(&path).unwrap_or(&connect.request.path);
        translate(answer, above)
    }

    fn pod_address(&self, pod: &Value, port: &str) -> Result<(Ipv4Addr, u16), Status> {
        let name = pod["metadata"]["name"].str();
        let ip = pod["status"]["podIP"].str().parse().map_err(|_| {
            Status::new(503, "ServiceUnavailable", format!("address not allowed: pod {name} has no address"))
        })?;
        let containers = pod["spec"]["containers"].items();
        let number = match port {
            "" => containers
                .iter()
                .find_map(|c| c["ports"].items().first())
                .map_or(80, |port| port["containerPort"].int()),
            named => match named.parse() {
                Ok(number) => number,
                Err(_) => containers
                    .iter()
                    .find_map(|container| container["ports"].find("name", named))
                    .map(|port| port["containerPort"].int())
                    .ok_or_else(|| Status::bad_request(format!("no port {named} in pod {name}")))?,
            },
        };
        u16::try_from(number).map(|port| (ip, port)).map_err(|_| Status::bad_request("invalid port"))
    }

    fn service_address(&mut self, service: &Value, port: &str) -> Result<(Ipv4Addr, u16), Status> {
        let name = service["metadata"]["name"].str();
        let ports = service["spec"]["ports"].items();
        let wanted = match port {
            "" => ports.first().filter(|_| ports.len() == 1),
            text => {
                let number = text.parse::<i64>().ok();
                ports.iter().find(|entry| {
                    entry["name"] == text || entry["port"].as_i64().is_some_and(|port| Some(port) == number)
                })
            }
        };
        let none = |what: String| Status::new(503, "ServiceUnavailable", what);
        let wanted = wanted.ok_or_else(|| none(format!("no endpoints available for service \"{name}\"")))?;
        let found = services::endpoints(&self.informers, &Key::of(service), wanted["name"].str());
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let choice = self.random.below(count) as usize;
        found.get(choice).copied().ok_or_else(|| none(format!("no endpoints available for service \"{name}\"")))
    }

    fn exchange(&mut self, ip: Ipv4Addr, port: u16, connect: &Connect) -> Result<Response, String> {
        let place = self.network.place(ip).ok_or("no route to host")?;
        let Some(node) = place.node() else { return Err("no route to host".into()) };
        let control_plane = Place::Node(crate::NodeId(0));
        if self.network.conditions.blocks(control_plane, place) {
            let dark = self.network.conditions.dark(control_plane, place);
            return Err(if dark { "no route to host" } else { "i/o timeout" }.into());
        }
        let now = self.now();
        let request = &connect.request;
        let path = connect.path.trim_start_matches('/');
        let target = format!("/{path}{}", query(request));
        let mut headers = vec![
            ("Host".to_owned(), format!("{ip}:{port}")),
            ("User-Agent".to_owned(), request.header_value("user-agent").unwrap_or("kubectl").to_owned()),
            ("Connection".to_owned(), "close".to_owned()),
        ];
        if let Some(kind) = request.header_value("content-type") {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        let method = request.method.as_str();
        let message = http::Request {
            method: method.into(),
            target,
            version: "HTTP/1.1".into(),
            headers,
            body: if request.body == Body::Empty { Vec::new() } else { request.body.text().into_bytes() },
        };
        let from = Place::Node(node);
        let (mut ctx, kubelets) = self.parts();
        let Some(kubelet) = kubelets.get_mut(node.0 as usize) else { return Err("no route to host".into()) };
        let socket =
            ctx.network.connect_at_once(from, FORWARDS, Network::outside(), Target { place, port }, now, ctx.queue);
        kubelet.handle(crate::kubelet::KubeletWake::Knock(socket), &mut ctx);
        let standing = ctx.network.connected(socket, now);
        let mut inbox = Vec::new();
        let mut result = None;
        match standing {
            Some(Ok(())) => {
                let _ = ctx.network.send(socket, &message.encode(), now, ctx.queue);
                for _ in 0..TURNS_MAX {
                    let (mut ctx, kubelets) = self.parts();
                    if let Some(kubelet) = kubelets.get_mut(node.0 as usize) {
                        kubelet.run_place(place, &mut ctx);
                    }
                    result = self.answered(socket, &mut inbox, method);
                    if result.is_some() {
                        break;
                    }
                }
                let mut left = EVENTS_MAX;
                while let Some(next) =
                    self.next_event().filter(|next| result.is_none() && left > 0 && *next <= now + PATIENCE)
                {
                    left -= 1;
                    self.advance(next, 1);
                    if self.network.ready(socket, next) {
                        result = self.answered(socket, &mut inbox, method);
                    }
                }
            }
            Some(Err(NetError::Refused)) => result = Some(Err("connection refused".into())),
            Some(Err(error)) => result = Some(Err(error.message().to_lowercase())),
            None => {}
        }
        let now = self.now();
        self.network.close(socket, now, &mut self.queue);
        let above = request.path.strip_suffix(&format!("/{path}")).unwrap_or(&request.path);
        let answer = result.unwrap_or_else(|| Err("i/o timeout".to_owned()))?;
        Ok(translate(answer, above.trim_end_matches('/')))
    }

    /// What has come on a connection, once it is an answer.
    fn answered(
        &mut self,
        socket: SocketId,
        inbox: &mut Vec<u8>,
        method: &str,
    ) -> Option<Result<http::Response, String>> {
        let now = self.now();
        let ended = loop {
            match self.network.recv(socket, now, &mut self.queue) {
                Recv::Data(bytes) => inbox.extend_from_slice(&bytes),
                Recv::Pending => break false,
                Recv::Eof | Recv::Failed(_) => break true,
            }
        };
        match http::Response::take(inbox, method, ended) {
            Ok(Some(found)) => Some(Ok(found)),
            Ok(None) => ended.then(|| Err("EOF".to_owned())),
            Err(_) => Some(Err("malformed HTTP response".into())),
        }
    }
}

fn node_address(node: &Value, port: &str) -> Result<(Ipv4Addr, u16), Status> {
    let ip =
        node["status"]["addresses"].find("type", "InternalIP").and_then(|found| found["address"].str().parse().ok());
    let bad = || Status::bad_request(format!("invalid port {port:?}"));
    Ok((ip.ok_or_else(bad)?, port.parse().map_err(|_| bad())?))
}

/// Where somebody is sent who reads what is proxied without a slash at the end: links in it would lead beside it.
fn below(connect: &Connect) -> Option<String> {
    let request = &connect.request;
    let reads = matches!(request.method, Method::Get | Method::Head);
    if !reads || !connect.path.is_empty() || request.path.ends_with('/') || connect.resource == "nodes" {
        return None;
    }
    Some(format!("{}/{}", request.path, query(request)))
}

/// A request's query as it is sent, with its question mark.
fn query(request: &Request) -> String {
    let parts: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// A part of a query as it is sent.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An answer on its way back, from below a path: links to the root of a page's server lead there.
fn translate(found: http::Response, above: &str) -> Response {
    let mut body = found.body;
    let mut headers: Vec<(String, String)> =
        found.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let html = headers.iter().any(|(name, value)| name == "content-type" && value.starts_with("text/html"));
    if html && let Ok(text) = std::str::from_utf8(&body) {
        let mut text = text.to_owned();
        for attribute in [" href=\"/", " src=\"/", " action=\"/"] {
            let start = attribute.trim_end_matches('/');
            // Two slashes begin another server's name.
            text = text
                .replace(attribute, &format!("{start}{above}/"))
                .replace(&format!("{start}{above}//"), &format!("{start}//"));
        }
        headers.retain(|(name, _)| name != "content-length");
        body = text.into_bytes();
    }
    Response { code: found.code, headers, body: Body::Bytes(body) }
}

/// `[scheme:]name[:port]`: the name, and the port or "".
fn split(name: &str) -> (&str, &str) {
    let parts: Vec<&str> = name.split(':').collect();
    match parts.as_slice() {
        ["http" | "https", name, port] => (name, port),
        [name, port] => (name, port),
        _ => (name, ""),
    }
}
