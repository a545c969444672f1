//! `kubectl port-forward`: ports of this machine that lead to a pod.

use drydock_api::{Request, Status, StreamId, StreamItem, channel};
use drydock_value::Value;

use super::{Outcome, Waiting};
use crate::client::Client;
use crate::env::{Input, Io, SocketId, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::pods;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[super::acts::EVERY];

/// `kubectl port-forward`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let (Some(target), true) = (inv.args.first().cloned(), inv.args.len() > 1) else {
        return Err(inv.usage("TYPE/NAME and list of ports are required for port-forward"));
    };
    pods::check_timeout(inv)?;
    let object = pods::target(inv, io, &target)?.pop().unwrap_or_default();
    let pod = pods::attachable(inv, io, &object)?;
    let words: Vec<String> = inv.args.iter().skip(1).cloned().collect();
    let mut ports = Vec::new();
    for word in &words {
        let translated =
            if object["kind"] == "Service" { of_service(word, &object, &pod)? } else { of_pod(word, &pod)? };
        ports.push(parse(&translated)?);
    }
    let phase = pod["status"]["phase"].str();
    if phase != "Running" {
        return Err(format!("unable to forward port because pod is not running. Current status={phase}").into());
    }
    let addresses = addresses(&inv.flags.list("address"))?;
    let mut forwarding = Forwarding {
        client: inv.client(io)?.clone(),
        path: format!(
            "/api/v1/namespaces/{}/pods/{}/portforward",
            pod["metadata"]["namespace"].str(),
            pod["metadata"]["name"].str()
        ),
        listeners: Vec::new(),
        connections: Vec::new(),
    };
    forwarding.listen(io, &ports, &addresses)?;
    Ok(Outcome::Waiting(Box::new(forwarding)))
}

/// `local:remote`, `:remote` (any local port) or `both`.
fn split(word: &str) -> (&str, &str) {
    word.split_once(':').unwrap_or((word, word))
}

/// A port by name or number within a pod.
fn of_pod(word: &str, pod: &Value) -> Result<String, Failure> {
    let (local, remote) = split(word);
    if remote.parse::<i64>().is_ok() {
        return Ok(word.to_owned());
    }
    let number = pods::containers(pod)
        .flat_map(|(_, container)| container["ports"].items())
        .find(|port| port["name"] == *remote)
        .map(|port| port["containerPort"].int());
    let Some(number) = number else {
        let name = pod["metadata"]["name"].str();
        return Err(format!("Pod '{name}' does not have a named port '{remote}'").into());
    };
    Ok(if local == remote { number.to_string() } else { format!("{local}:{number}") })
}

/// A port of a service, as the port of the pod that it leads to.
fn of_service(word: &str, service: &Value, pod: &Value) -> Result<String, Failure> {
    let (local, remote) = split(word);
    let name = service["metadata"]["name"].str();
    let ports = service["spec"]["ports"].items();
    let port = match remote.parse::<i64>() {
        Ok(number) => ports
            .iter()
            .find(|port| port["port"].int() == number)
            .ok_or_else(|| format!("Service {name} does not have a service port {number}"))?,
        Err(_) => ports
            .iter()
            .find(|port| port["name"] == *remote)
            .ok_or_else(|| format!("Service '{name}' does not have a named port '{remote}'"))?,
    };
    let number = if service["spec"]["clusterIP"] == "None" {
        port["port"].int()
    } else {
        match &port["targetPort"] {
            Value::String(target) => {
                let found = pods::containers(pod)
                    .flat_map(|(_, container)| container["ports"].items())
                    .find(|port| port["name"].str() == target.as_str());
                found.map(|port| port["containerPort"].int()).ok_or_else(|| {
                    format!("Pod '{}' does not have a named port '{target}'", pod["metadata"]["name"].str())
                })?
            }
            target if target.int() != 0 => target.int(),
            _ => port["port"].int(),
        }
    };
    // What stands before the colon stays as it was given.
    let local = if local == remote { port["port"].int().to_string() } else { local.to_owned() };
    Ok(if local == number.to_string() { local } else { format!("{local}:{number}") })
}

fn number(text: &str, which: &str) -> Result<u16, Failure> {
    let wrong = |why: &str| {
        Failure::Error(format!(
            "error parsing {which} port '{text}': strconv.ParseUint: parsing {}: {why}",
            crate::failure::quote(text)
        ))
    };
    match text.parse::<u64>() {
        Ok(number) => u16::try_from(number).map_err(|_| wrong("value out of range")),
        Err(_) => Err(wrong("invalid syntax")),
    }
}

/// Local and remote port.
fn parse(word: &str) -> Result<(u16, u16), Failure> {
    let parts: Vec<&str> = word.split(':').collect();
    let (local, remote) = match parts.as_slice() {
        [both] => (*both, *both),
        ["", remote] => ("0", *remote),
        [local, remote] => (*local, *remote),
        _ => return Err(format!("invalid port format '{word}'").into()),
    };
    let local = number(local, "local")?;
    let remote = number(remote, "remote")?;
    if remote == 0 {
        return Err("remote port must be > 0".into());
    }
    Ok((local, remote))
}

/// The addresses to listen on: `localhost` is both loopback addresses.
fn addresses(words: &[String]) -> Result<Vec<String>, Failure> {
    let mut addresses = Vec::new();
    for word in words {
        if word == "localhost" {
            addresses.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
        } else if word.parse::<std::net::IpAddr>().is_ok() {
            addresses.push(word.clone());
        } else {
            return Err(format!("{word} is not a valid IP").into());
        }
    }
    Ok(addresses)
}

#[derive(Debug, Clone)]
struct Connection {
    socket: SocketId,
    stream: StreamId,
}

/// Listens, and carries bytes.
#[derive(Debug, Clone)]
struct Forwarding {
    client: Client,
    path: String,
    /// Listener, local port, remote port.
    listeners: Vec<(SocketId, u16, u16)>,
    connections: Vec<Connection>,
}

impl Forwarding {
    fn listen(&mut self, io: &mut Io<'_>, ports: &[(u16, u16)], addresses: &[String]) -> Result<(), Failure> {
        for (local, remote) in ports {
            match io.network.listen(*local) {
                Ok((socket, port)) => {
                    for address in addresses {
                        let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
                        io.println(format!("Forwarding from {host}:{port} -> {remote}"));
                    }
                    self.listeners.push((socket, port, *remote));
                }
                Err(errno) => {
                    let failed: Vec<String> = addresses
                        .iter()
                        .map(|address| {
                            let (family, host) = if address.contains(':') {
                                ("tcp6", format!("[{address}]"))
                            } else {
                                ("tcp4", address.clone())
                            };
                            format!("unable to create listener: Error listen {family} {host}:{local}: {errno}")
                        })
                        .collect();
                    io.eprintln(format!(
                        "Unable to listen on port {local}: Listeners failed to create with the following errors: [{}]",
                        failed.join(" ")
                    ));
                }
            }
        }
        if self.listeners.is_empty() {
            let list: Vec<String> = ports.iter().map(|(local, remote)| format!("{{{local} {remote}}}")).collect();
            return Err(format!("unable to listen on any of the requested ports: [{}]", list.join(" ")).into());
        }
        Ok(())
    }

    fn accept(&mut self, io: &mut Io<'_>) {
        for (listener, local, remote) in self.listeners.clone() {
            while let Some(socket) = io.network.accept(listener) {
                io.println(format!("Handling connection for {local}"));
                let request = Request::get(&self.path).param("ports", remote.to_string());
                match self.client.open(io, request) {
                    Ok(stream) => self.connections.push(Connection { socket, stream }),
                    Err(failure) => {
                        let head = crate::verbose::klog(io, 'E', "portforward.go:424");
                        let words = crate::failure::quote(&format!(
                            "error forwarding port {remote} to pod: {}",
                            failure.words()
                        ));
                        io.eprintln(format!("{head}\"Unhandled Error\" err={words}"));
                        io.network.close(socket);
                    }
                }
            }
        }
    }

    /// Carries bytes both ways; whether the connection is over, with the error if it was one.
    fn carry(io: &mut Io<'_>, connection: &Connection) -> Option<Option<Status>> {
        loop {
            match io.api.poll(connection.stream) {
                StreamItem::Pending => break,
                StreamItem::Data(channel::STDOUT, bytes) => io.network.send(connection.socket, &bytes),
                StreamItem::Data(channel::ERROR, bytes) => {
                    return Some(Some(Status::new(500, "", String::from_utf8_lossy(&bytes).into_owned())));
                }
                StreamItem::Data(..) | StreamItem::Event(_) => {}
                StreamItem::Closed(status) => return Some(status),
            }
        }
        loop {
            match io.network.receive(connection.socket) {
                Input::Pending => return None,
                Input::Data(bytes) => io.api.write(connection.stream, channel::STDIN, &bytes),
                Input::End => {
                    io.api.close(connection.stream);
                    return Some(None);
                }
            }
        }
    }
}

impl Waiting for Forwarding {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        self.accept(io);
        let mut open = Vec::new();
        for connection in std::mem::take(&mut self.connections) {
            match Self::carry(io, &connection) {
                None => open.push(connection),
                Some(status) => {
                    io.network.close(connection.socket);
                    if let Some(status) = status {
                        let head = crate::verbose::klog(io, 'E', "portforward.go:424");
                        let words = crate::failure::quote(&format!("an error occurred forwarding: {}", status.message));
                        io.eprintln(format!("{head}\"Unhandled Error\" err={words}"));
                        // As kubectl does: a broken connection to the pod ends it all.
                        self.connections = open;
                        self.interrupt(io);
                        return Err("lost connection to pod".into());
                    }
                }
            }
        }
        self.connections = open;
        let sockets =
            self.listeners.iter().map(|(socket, ..)| *socket).chain(self.connections.iter().map(|c| c.socket));
        Ok(Outcome::Wait(Wait {
            sockets: sockets.collect(),
            ..Wait::streams(self.connections.iter().map(|connection| connection.stream))
        }))
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        for (listener, ..) in self.listeners.drain(..) {
            io.network.close(listener);
        }
        for connection in self.connections.drain(..) {
            io.network.close(connection.socket);
            io.api.close(connection.stream);
        }
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}
