//! What kube-proxy does: which endpoint a connection to a service goes to.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use drydock_value::{Str, Time, Value};

use super::Protocol;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::random::Random;
use crate::store::kinds;

/// The services by their addresses and node ports.
#[derive(Debug, Clone, Default)]
pub struct Services {
    by_ip: SortedMap<Ipv4Addr, Key>,
    by_node_port: SortedMap<(Protocol, u16), Key>,
    by_health_check: SortedMap<u16, Key>,
    affinity: SortedMap<(Key, Ipv4Addr), (Ipv4Addr, Time)>,
}

/// Where a connection to an address goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// No service has the address.
    None,
    /// To this endpoint.
    To {
        /// Its address.
        ip: Ipv4Addr,
        /// Its port.
        port: u16,
        /// Whether a node puts its own address in the place of the client's, so that answers come back to it.
        masked: bool,
    },
    /// The service has no endpoint that takes connections: the node answers with a refusal.
    Reject,
    /// The service has the address but not the port: nobody answers.
    Drop,
}

/// How a connection came to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    ClusterIp,
    /// A load balancer's address, or one that the service only names.
    External,
    NodePort,
}

/// Who connects, and from where.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its address.
    pub ip: Ipv4Addr,
    /// Whether the address is one of the pods' own.
    pub pod: bool,
    /// Whether it runs on the machine whose rules apply, in its network.
    pub host: bool,
    /// The name of the node on which the rules apply; none for a client outside.
    pub node: Option<Str>,
    /// The moment.
    pub now: Time,
    /// How.
    pub protocol: Protocol,
}

impl Services {
    /// Takes note of a changed service.
    pub fn observe(&mut self, change: &Change) {
        if change.kind != kinds::SERVICES {
            return;
        }
        if let Some(old) = &change.old {
            for ip in addresses(old) {
                self.by_ip.remove(&ip);
            }
            for port in node_ports(old) {
                self.by_node_port.remove(&port);
            }
            if let Some(port) = health_check(old) {
                self.by_health_check.remove(&port);
            }
        }
        match &change.new {
            Some(new) => {
                for ip in addresses(new) {
                    self.by_ip.insert(ip, new.key.clone());
                }
                for port in node_ports(new) {
                    self.by_node_port.insert(port, new.key.clone());
                }
                if let Some(port) = health_check(new) {
                    self.by_health_check.insert(port, new.key.clone());
                }
            }
            None => self.affinity.retain(|(key, _), _| key != change.key()),
        }
    }

    /// Whether an address is a service's inside the cluster, which nobody reaches from outside, unless its load balancer
    /// has the same one: `minikube tunnel` leads there.
    pub fn is_inside(&self, ip: Ipv4Addr, informers: &Informers) -> bool {
        let service = self.by_ip.get(&ip).and_then(|key| informers.get(kinds::SERVICES, key));
        let text = ip.to_string();
        service.is_some_and(|service| {
            let balanced = service["status"]["loadBalancer"]["ingress"].find("ip", &text).is_some();
            service["spec"]["clusterIP"] == *text.as_str() && !balanced
        })
    }

    /// Where a connection to a service's address goes.
    pub fn route(
        &mut self,
        ip: Ipv4Addr,
        port: u16,
        client: Client,
        informers: &Informers,
        random: &mut Random,
    ) -> Route {
        match self.by_ip.get(&ip).cloned() {
            Some(key) => {
                let service = informers.get(kinds::SERVICES, &key);
                let inside = service.is_some_and(|service| service["spec"]["clusterIP"] == *ip.to_string().as_str());
                let door = if inside { Door::ClusterIp } else { Door::External };
                self.choose(&key, door, port, client, informers, random)
            }
            None => Route::None,
        }
    }

    /// Where a connection to a node's port goes.
    pub fn route_node_port(&mut self, port: u16, client: Client, informers: &Informers, random: &mut Random) -> Route {
        match self.by_node_port.get(&(client.protocol, port)).cloned() {
            Some(key) => self.choose(&key, Door::NodePort, port, client, informers, random),
            None => Route::None,
        }
    }

    /// The service for which load balancers ask at a port of every node.
    pub(super) fn health_check(&self, port: u16) -> Option<&Key> {
        self.by_health_check.get(&port)
    }

    fn choose(
        &mut self,
        key: &Key,
        door: Door,
        port: u16,
        client: Client,
        informers: &Informers,
        random: &mut Random,
    ) -> Route {
        let Some(service) = informers.get(kinds::SERVICES, key) else { return Route::None };
        let field = if door == Door::NodePort { "nodePort" } else { "port" };
        let Some(entry) = service["spec"]["ports"].items().iter().find(|entry| {
            entry[field].int() == i64::from(port) && Protocol::named(entry["protocol"].str()) == Some(client.protocol)
        }) else {
            return Route::Drop;
        };
        let (on, masked) = policy(&service["spec"], door, &client);
        let here = client.node.as_deref();
        let name = entry["name"].str();
        let backends = endpoints_on(informers, key, name, on, here);
        if backends.is_empty() && on.is_some() && !endpoints(informers, key, name).is_empty() {
            // Whoever wants a local endpoint where there is none gets no answer at all.
            return Route::Drop;
        }
        let to = |(ip, port): Backend| Route::To { ip, port, masked: masked || ip == client.ip };
        let Some(first) = backends.first() else { return Route::Reject };
        if service["spec"]["sessionAffinity"] == "ClientIP" {
            let timeout =
                service["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].as_i64().unwrap_or(10_800);
            let fresh = |since: Time| client.now.since(since) < Duration::from_secs(timeout.unsigned_abs());
            let slot = (key.clone(), client.ip);
            if let Some((ip, since)) = self.affinity.get(&slot).copied()
                && let Some(backend) = backends.iter().find(|(backend, _)| *backend == ip && fresh(since))
            {
                self.affinity.insert(slot, (ip, client.now));
                return to(*backend);
            }
            let backend = pick(&backends, random).unwrap_or(*first);
            self.affinity.insert(slot, (backend.0, client.now));
            return to(backend);
        }
        to(pick(&backends, random).unwrap_or(*first))
    }
}

/// The node whose endpoints alone a client is led to, if the service's policy says so, and whether its address is masked.
/// As the rules of kube-proxy have it: what comes from outside keeps its address only under the policy `Local`, and what
/// comes from within goes to all endpoints then.
fn policy<'a>(spec: &Value, door: Door, client: &'a Client) -> (Option<&'a str>, bool) {
    let here = client.node.as_deref();
    match door {
        Door::ClusterIp => (here.filter(|_| spec["internalTrafficPolicy"] == "Local"), !client.pod),
        _ if spec["externalTrafficPolicy"] != "Local" => (None, true),
        _ if client.pod || client.host => (None, !client.pod),
        _ => (here, false),
    }
}

fn pick(backends: &[(Ipv4Addr, u16)], random: &mut Random) -> Option<(Ipv4Addr, u16)> {
    backends.get(random.below(u32::try_from(backends.len()).unwrap_or(u32::MAX)) as usize).copied()
}

/// The addresses and ports that a service's port leads to: the ready endpoints, or when there is none those that
/// terminate but still serve.
pub fn endpoints(informers: &Informers, service: &Key, port_name: &str) -> Vec<(Ipv4Addr, u16)> {
    endpoints_on(informers, service, port_name, None, None)
}

type Backend = (Ipv4Addr, u16);

/// The same, of one node only if it is named, and otherwise those that are meant for where somebody is.
fn endpoints_on(
    informers: &Informers,
    service: &Key,
    port_name: &str,
    node: Option<&str>,
    here: Option<&str>,
) -> Vec<Backend> {
    let mut ready: Vec<(Backend, &Value)> = Vec::new();
    let mut leaving = Vec::new();
    for slice in informers.slices_of(service) {
        let Some(port) = slice["ports"].items().iter().find(|port| port["name"].str() == port_name) else { continue };
        let Ok(port) = u16::try_from(port["port"].int()) else { continue };
        for endpoint in slice["endpoints"].items() {
            if node.is_some_and(|node| endpoint["nodeName"].str() != node) {
                continue;
            }
            let conditions = &endpoint["conditions"];
            let into = if conditions["ready"].as_bool().unwrap_or(true) {
                &mut ready
            } else if conditions["serving"].is_true() && conditions["terminating"].is_true() {
                &mut leaving
            } else {
                continue;
            };
            let addresses = endpoint["addresses"].items();
            let ips = addresses.iter().take(1).filter_map(|a| a.str().parse::<Ipv4Addr>().ok());
            into.extend(ips.map(|ip| ((ip, port), &endpoint["hints"])));
        }
    }
    if let (None, Some(here)) = (node, here) {
        let zone = informers.find(kinds::NODES, "", here).map_or("", |node| node.label("topology.kubernetes.io/zone"));
        nearest(&mut ready, here, zone);
    }
    let taken = if ready.is_empty() { leaving } else { ready };
    taken.into_iter().map(|(backend, _)| backend).collect()
}

/// Keeps the endpoints that are for a node, or else those for its zone, where all say whom they are for.
fn nearest(ready: &mut Vec<(Backend, &Value)>, node: &str, zone: &str) {
    for (field, name) in [("forNodes", node), ("forZones", zone)] {
        let meant = |hints: &Value| hints[field].find("name", name).is_some();
        if ready.iter().all(|(_, hints)| !hints[field].is_empty()) && ready.iter().any(|(_, hints)| meant(hints)) {
            return ready.retain(|(_, hints)| meant(hints));
        }
    }
}

/// How many endpoints of a service are on a node, whatever their port.
pub(super) fn local_endpoints(informers: &Informers, service: &Key, node: &str) -> usize {
    let ports = informers.get(kinds::SERVICES, service).map_or(&[][..], |service| service["spec"]["ports"].items());
    let of = |port: &Value| endpoints_on(informers, service, port["name"].str(), Some(node), None);
    let mut ips: Vec<Ipv4Addr> = ports.iter().flat_map(of).map(|(ip, _)| ip).collect();
    ips.sort_compact();
    ips.dedup();
    ips.len()
}

fn health_check(service: &Object) -> Option<u16> {
    u16::try_from(service["spec"]["healthCheckNodePort"].int()).ok().filter(|port| *port != 0)
}

fn addresses(service: &Object) -> Vec<Ipv4Addr> {
    let parse = |value: &Value| value.str().parse::<Ipv4Addr>().ok();
    let spec = &service["spec"];
    let mut all: Vec<Ipv4Addr> = spec["clusterIPs"].items().iter().filter_map(parse).collect();
    all.extend(parse(&spec["clusterIP"]));
    all.extend(spec["externalIPs"].items().iter().filter_map(parse));
    let ingress = service["status"]["loadBalancer"]["ingress"].items();
    all.extend(ingress.iter().filter_map(|entry| parse(&entry["ip"])));
    all.sort_compact();
    all.dedup();
    all
}

fn node_ports(service: &Object) -> impl Iterator<Item = (Protocol, u16)> {
    service["spec"]["ports"].items().iter().filter_map(|entry| {
        let port = u16::try_from(entry["nodePort"].int()).ok().filter(|port| *port != 0)?;
        Some((Protocol::named(entry["protocol"].str())?, port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn hints_count_when_every_endpoint_has_one() {
        let hints = |zone: &str, node: &str| {
            let mut hints = value!({});
            for (field, name) in [("forZones", zone), ("forNodes", node)] {
                if !name.is_empty() {
                    hints.set(field, value!([{"name": name}]));
                }
            }
            hints
        };
        // The zones and nodes that endpoints are for; which of them a client on node n in zone a is led to.
        type Case = (&'static [(&'static str, &'static str)], &'static [u16]);
        let cases: [Case; 6] = [
            (&[("", ""), ("", "")], &[0, 1]),
            (&[("a", ""), ("b", "")], &[0]),
            (&[("a", ""), ("", "")], &[0, 1]),
            (&[("b", ""), ("c", "")], &[0, 1]),
            (&[("a", "m"), ("b", "n")], &[1]),
            (&[("a", "m"), ("b", "o")], &[0]),
        ];
        for (endpoints, expected) in cases {
            let hints: Vec<Value> = endpoints.iter().map(|(zone, node)| hints(zone, node)).collect();
            let mut ready: Vec<(Backend, &Value)> =
                (0..).zip(&hints).map(|(port, hints)| ((Ipv4Addr::LOCALHOST, port), hints)).collect();
            nearest(&mut ready, "n", "a");
            assert_eq!(ready.iter().map(|((_, port), _)| *port).collect::<Vec<_>>(), expected, "{endpoints:?}");
        }
    }
}
