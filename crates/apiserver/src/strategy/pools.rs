//! The pools that services take their addresses and node ports from.

use std::net::Ipv4Addr;

use drydock_api::Status;
use drydock_sorted::SortedMap;
use drydock_value::{Value, value};

use super::services::{invalid, needs_health_check, of_node_port_type};
use crate::kinds;
use crate::server::ApiServer;
use crate::validation::{self, Errors, Path};

/// Cluster addresses and node ports that services have, each with the number of services that share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pools {
    addresses: SortedMap<u32, u32>,
    ports: SortedMap<u16, u32>,
}

fn protocol(port: &Value) -> &'static str {
    match port["protocol"].str() {
        "UDP" => "UDP",
        "SCTP" => "SCTP",
        _ => "TCP",
    }
}

fn addresses(service: &Value) -> impl Iterator<Item = u32> {
    service["spec"]["clusterIPs"].items().iter().filter_map(|ip| ip.str().parse::<Ipv4Addr>().ok()).map(u32::from)
}

/// The node ports of a service, that of the health check too.
fn ports(service: &Value) -> impl Iterator<Item = u16> {
    let spec = &service["spec"];
    let all = spec["ports"].items().iter().map(|port| &port["nodePort"]).chain([&spec["healthCheckNodePort"]]);
    all.filter_map(|port| u16::try_from(port.int()).ok()).filter(|number| *number != 0)
}

/// Keeps the pools in step with what is stored.
pub(super) fn account(server: &mut ApiServer, old: Option<&Value>, new: Option<&Value>) {
    let pools = &mut server.pools;
    for key in new.into_iter().flat_map(addresses) {
        *pools.addresses.entry(key).or_default() += 1;
    }
    for key in new.into_iter().flat_map(ports) {
        *pools.ports.entry(key).or_default() += 1;
    }
    let mut freed: Vec<u32> = Vec::new();
    for key in old.into_iter().flat_map(addresses) {
        if let Some(count) = pools.addresses.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                pools.addresses.remove(&key);
                freed.push(key);
            }
        }
    }
    for key in old.into_iter().flat_map(ports) {
        if let Some(count) = pools.ports.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                pools.ports.remove(&key);
            }
        }
    }
    for address in freed {
        server.store.remove(kinds::IP_ADDRESSES, "", &Ipv4Addr::from(address).to_string());
    }
    let Some(service) = new else { return };
    for address in addresses(service) {
        note_address(server, service, Ipv4Addr::from(address));
    }
}

/// Makes the object that says whose an address is.
fn note_address(server: &mut ApiServer, service: &Value, address: Ipv4Addr) {
    let name = address.to_string();
    if server.store.get(kinds::IP_ADDRESSES, "", &name).is_some() {
        return;
    }
    // It is no cause to draw another number: whatever comes later would get other names.
    let own = service["metadata"]["uid"].str();
    let hash = drydock_value::Hash::of(own).mix(u64::from(u32::from(address))).0;
    let uid = format!("{:08x}{}", hash as u32, own.get(8..).unwrap_or("-0000-4000-8000-000000000000"));
    let now = server.now.rfc3339();
    let metadata = &service["metadata"];
    let object = value!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": {
            "name": name, "uid": uid, "creationTimestamp": &now,
            "labels": {
                "ipaddress.kubernetes.io/ip-family": "IPv4",
                "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"
            },
            "managedFields": [
                {"manager": "kube-apiserver", "operation": "Update", "apiVersion": "networking.k8s.io/v1", "time": now}
            ]
        },
        "spec": {"parentRef": {
            "resource": "services", "namespace": &metadata["namespace"], "name": &metadata["name"]
        }}
    });
    // Where the cluster is full, the service was the last thing that fit.
    let _ = server.store.put(kinds::IP_ADDRESSES, object);
}

/// Picks the cluster address, or takes the one that is asked for.
pub(super) fn cluster_address(server: &mut ApiServer, service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    let wanted = service["spec"]["clusterIP"].str().to_owned();
    if wanted == "None" || service["spec"]["type"] == "ExternalName" {
        return Ok(());
    }
    let (first, prefix) = server.config.service_cidr;
    let first = u32::from(Ipv4Addr::from(first));
    let size = 1u32.checked_shl(32 - u32::from(prefix)).unwrap_or(u32::MAX);
    if !wanted.is_empty() {
        if old.is_some_and(|old| old["spec"]["clusterIP"] == *wanted.as_str()) {
            return Ok(());
        }
        // What was set stays: the rules for updates refuse the change in their own words.
        if old.is_some_and(|old| !old["spec"]["clusterIP"].str().is_empty()) {
            return Ok(());
        }
        let number = wanted.parse::<Ipv4Addr>().map(u32::from).unwrap_or(0);
        let problem = if number <= first || number >= first.saturating_add(size - 1) {
            Some("the provided network does not match the current range")
        } else if server.pools.addresses.contains_key(&number) {
            Some("provided IP is already allocated")
        } else {
            None
        };
        if let Some(problem) = problem {
            let shown = service["spec"]["clusterIPs"].clone();
            let mut errors = Errors::default();
            errors.invalid(
                &Path::new("spec").field("clusterIPs"),
                shown,
                format!("failed to allocate IP {wanted}: {problem}"),
            );
            return Err(invalid(service, errors));
        }
        return Ok(());
    }
    // The lower part of the range is left to addresses that somebody asks for.
    let reserved = (size / 16).clamp(16, 256).min(size.saturating_sub(2));
    let spread = size.saturating_sub(reserved + 1).max(1);
    let start = server.random.below(spread);
    for step in 0..spread {
        let number = first + reserved + (start + step) % spread;
        if !server.pools.addresses.contains_key(&number) {
            let text = Ipv4Addr::from(number).to_string();
            service["spec"].set("clusterIP", text.as_str());
            service["spec"].set("clusterIPs", value!([text]));
            return Ok(());
        }
    }
    Err(Status::new(500, "InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full"))
}

/// Why a node port cannot be had, if it cannot. It is one number for all protocols.
fn refused(server: &ApiServer, number: i64, taken: &[u16]) -> Option<String> {
    let (low, high) = server.config.node_ports;
    match u16::try_from(number).ok().filter(|number| (low..=high).contains(number)) {
        None => Some(format!("provided port is not in the valid range. The range of valid ports is {low}-{high}")),
        Some(number) if server.pools.ports.contains_key(&number) || taken.contains(&number) => {
            Some("provided port is already allocated".into())
        }
        Some(_) => None,
    }
}

/// A node port that nobody has. The lower part of the range is left to those that somebody asks for, as long as possible.
fn free_port(server: &mut ApiServer, taken: &[u16]) -> Option<u16> {
    let (low, high) = server.config.node_ports;
    let size = u32::from(high - low) + 1;
    let reserved = if size <= 16 { 0 } else { (size / 32).clamp(16, 128).min(size - 1) };
    let spread = size - reserved;
    let start = server.random.below(spread);
    let upper = (0..spread).map(|step| reserved + (start + step) % spread);
    upper
        .chain(0..reserved)
        .map(|step| low + step as u16)
        .find(|port| !server.pools.ports.contains_key(port) && !taken.contains(port))
}

fn none_left(what: &str) -> Status {
    Status::new(500, "InternalError", format!("Internal error occurred: failed to allocate a {what}: range is full"))
}

/// Picks the ports of the nodes, or takes those that are asked for.
pub(super) fn node_ports(server: &mut ApiServer, service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    if !of_node_port_type(&service["spec"]) {
        return Ok(());
    }
    let picks = validation::services::has_node_ports(&service["spec"]);
    let own: Vec<i64> =
        old.map(|old| old["spec"]["ports"].items().iter().map(|p| p["nodePort"].int()).collect()).unwrap_or_default();
    let list = Path::new("spec");
    let list = list.field("ports");
    let mut taken: Vec<u16> = Vec::new();
    // By the number of the service's port: of a new service, ports with other protocols share what the first one got.
    let mut shared: Vec<(i64, i64)> = Vec::new();
    let mut kept: Vec<(&'static str, i64)> = Vec::new();
    for at in 0..service["spec"]["ports"].items().len() {
        let ports = service["spec"]["ports"].items();
        let (number, mut wanted) = (ports[at]["port"].int(), ports[at]["nodePort"].int());
        let given = wanted;
        if wanted == 0 && !picks {
            continue;
        }
        let earlier = shared.iter().find(|(port, _)| *port == number).map(|(_, picked)| *picked);
        if old.is_none() && wanted == 0 {
            let later = || ports.iter().find(|p| p["port"].int() == number && p["nodePort"].int() != 0);
            wanted = earlier.or_else(|| later().map(|port| port["nodePort"].int())).unwrap_or(0);
        }
        let known = match old {
            Some(_) => own.contains(&wanted) || u16::try_from(wanted).is_ok_and(|number| taken.contains(&number)),
            None => earlier == Some(wanted),
        };
        if wanted == 0 {
            wanted = i64::from(free_port(server, &taken).ok_or_else(|| none_left("nodePort"))?);
        } else if !known && let Some(why) = refused(server, wanted, &taken) {
            let mut errors = Errors::default();
            errors.invalid(&list.index(at).field("nodePort"), wanted, why);
            return Err(invalid(service, errors));
        }
        taken.extend(u16::try_from(wanted));
        if earlier.is_none() {
            shared.push((number, wanted));
        }
        let port = &mut service["spec"]["ports"][at];
        let key = (protocol(port), wanted);
        if old.is_some() && kept.contains(&key) {
            return Err(Status::new(500, "", format!("duplicate nodePort: {{{} {}}}", key.0, key.1)));
        }
        kept.push(key);
        if given == 0 {
            port.set("nodePort", wanted);
        }
    }
    Ok(())
}

/// The port at which a node tells a load balancer whether it has endpoints.
pub(super) fn health_check_port(
    server: &mut ApiServer,
    service: &mut Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    if !needs_health_check(&service["spec"]) || old.is_some_and(|old| needs_health_check(&old["spec"])) {
        return Ok(());
    }
    let wanted = service["spec"]["healthCheckNodePort"].int();
    let taken: Vec<u16> = ports(service).filter(|port| i64::from(*port) != wanted).collect();
    if wanted == 0 {
        let port = free_port(server, &taken).ok_or_else(|| none_left("HealthCheck NodePort 0"))?;
        service["spec"].set("healthCheckNodePort", port);
    } else if let Some(why) = refused(server, wanted, &taken) {
        let why = format!("Internal error occurred: failed to allocate requested HealthCheck NodePort {wanted}: {why}");
        return Err(Status::new(500, "InternalError", why));
    }
    Ok(())
}
