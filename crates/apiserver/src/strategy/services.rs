//! Services, with the pools of addresses and ports that they take from; endpoint slices.

use drydock_sorted::SortedMap;
use std::net::Ipv4Addr;

use drydock_api::Status;
use drydock_value::{Value, value};

use super::{PLAIN, Strategy};
use crate::kinds;
use crate::server::ApiServer;
use crate::validation::{self, Errors, Path, names, services};
use crate::verbs::{Cx, Part};

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::SERVICES,
            drops_status: true,
            keeps_status: true,
            create_on_update: true,
            prepare_create: Some(prepare_create),
            prepare_update: Some(prepare_update),
            validate: Some(services::service),
            validate_update: Some(services::service_update),
            name: names::label,
            warnings: Some(services::warnings),
            allocate: Some(allocate),
            account: Some(account),
            ..PLAIN
        },
        Strategy {
            kind: kinds::ENDPOINT_SLICES,
            generation: Some(|old, new| {
                ["endpoints", "ports"].iter().any(|key| old[*key] != new[*key])
                    || old["metadata"]["labels"] != new["metadata"]["labels"]
            }),
            validate: Some(services::endpoint_slice),
            validate_update: Some(services::endpoint_slice_update),
            ..PLAIN
        },
    ]
}

/// Cluster addresses and node ports that services have, each with the number of services that share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pools {
    addresses: SortedMap<u32, u32>,
    ports: SortedMap<(u16, &'static str), u32>,
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

fn ports(service: &Value) -> impl Iterator<Item = (u16, &'static str)> {
    let spec = &service["spec"];
    let health = u16::try_from(spec["healthCheckNodePort"].int()).ok().map(|port| (port, "TCP"));
    spec["ports"]
        .items()
        .iter()
        .filter_map(|port| u16::try_from(port["nodePort"].int()).ok().map(|number| (number, protocol(port))))
        .chain(health)
        .filter(|(number, _)| *number != 0)
}

/// Keeps the pools in step with what is stored.
fn account(server: &mut ApiServer, old: Option<&Value>, new: Option<&Value>) {
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

fn prepare_create(_: &mut ApiServer, _: &Cx, service: &mut Value) -> Result<(), Status> {
    service.set("status", value!({"loadBalancer": {}}));
    Ok(())
}

fn prepare_update(_: &mut ApiServer, part: Part, new: &mut Value, old: &Value) -> Result<(), Status> {
    if part != Part::Main {
        return Ok(());
    }
    drop_dependent(new, old);
    Ok(())
}

fn has_address(spec: &Value) -> bool {
    spec["type"] != "ExternalName"
}

/// What the old type had and the new type has not goes away, unless the client changed it in the same step.
fn drop_dependent(new: &mut Value, old: &Value) {
    let before = &old["spec"];
    if has_address(before) && !has_address(&new["spec"]) {
        for key in ["clusterIP", "clusterIPs"] {
            if new["spec"][key] == before[key] {
                new["spec"].remove(key);
            }
        }
        for key in ["ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
            if new["spec"][key] == before[key] {
                new["spec"].remove(key);
            }
        }
    }
    let node_ports = |spec: &Value| matches!(spec["type"].str(), "NodePort" | "LoadBalancer");
    if node_ports(before) && !node_ports(&new["spec"]) {
        let count = new["spec"]["ports"].items().len();
        for at in 0..count {
            let number = new["spec"]["ports"][at]["nodePort"].int();
            if before["ports"].items().iter().any(|port| port["nodePort"].int() == number) {
                new["spec"]["ports"][at].remove("nodePort");
            }
        }
        if new["spec"]["externalTrafficPolicy"] == before["externalTrafficPolicy"] {
            new["spec"].remove("externalTrafficPolicy");
        }
    }
    if before["type"] == "LoadBalancer" && new["spec"]["type"] != "LoadBalancer" {
        for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"] {
            new["spec"].remove(key);
        }
        new.set("status", value!({"loadBalancer": {}}));
    }
}

fn invalid(service: &Value, errors: Errors) -> Status {
    Status::invalid("", "Service", service["metadata"]["name"].str(), errors.0)
}

/// Gives a service its families, its cluster address and its node ports.
fn allocate(server: &mut ApiServer, service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    normalize(service, old);
    let mut errors = Errors::default();
    services::families(service, &mut errors);
    if !errors.is_empty() {
        return Err(invalid(service, errors));
    }
    if has_address(&service["spec"]) {
        families(service)?;
        cluster_address(server, service, old)?;
    }
    node_ports(server, service, old)
}

/// An update may leave out what was allocated, and may say an address in its old or its new field.
fn normalize(service: &mut Value, old: Option<&Value>) {
    let spec = &mut service["spec"];
    if let Some(old) = old
        && has_address(&old["spec"])
        && has_address(spec)
    {
        let before = &old["spec"];
        let (single, list) = (spec["clusterIP"] != before["clusterIP"], spec["clusterIPs"] != before["clusterIPs"]);
        if spec["clusterIP"].str().is_empty() {
            for key in ["clusterIP", "clusterIPs"] {
                spec.set(key, &before[key]);
            }
        } else if single && !list {
            let address = spec["clusterIP"].clone();
            spec.set("clusterIPs", value!([address]));
        } else if spec["clusterIPs"].is_empty() {
            spec.set("clusterIPs", &before["clusterIPs"]);
        }
        for key in ["ipFamilies", "ipFamilyPolicy"] {
            if spec[key].is_empty() && !before[key].is_null() {
                spec.set(key, &before[key]);
            }
        }
        if validation::services::has_node_ports(before) && validation::services::has_node_ports(spec) {
            let count = spec["ports"].items().len();
            for at in 0..count {
                let (number, key) = (spec["ports"][at]["port"].int(), protocol(&spec["ports"][at]));
                if spec["ports"][at]["nodePort"].int() == 0
                    && let Some(port) =
                        before["ports"].items().iter().find(|p| p["port"].int() == number && protocol(p) == key)
                    && port["nodePort"].int() != 0
                    && !spec["ports"].items().iter().any(|p| p["nodePort"] == port["nodePort"])
                {
                    spec["ports"][at].set("nodePort", &port["nodePort"]);
                }
            }
        }
        return;
    }
    if !spec["clusterIP"].str().is_empty() && spec["clusterIPs"].is_empty() {
        let address = spec["clusterIP"].clone();
        spec.set("clusterIPs", value!([address]));
    } else if spec["clusterIP"].str().is_empty() && !spec["clusterIPs"].is_empty() {
        let address = spec["clusterIPs"][0].clone();
        spec.set("clusterIP", address);
    }
}

fn families(service: &mut Value) -> Result<(), Status> {
    let spec = &mut service["spec"];
    let selects = !spec["selector"].is_empty();
    let headless = spec["clusterIP"] == "None";
    // A headless service without selector may have endpoints of either family: whoever makes them knows.
    let is_free = headless && !selects;
    if is_free && spec["ipFamilyPolicy"].is_null() {
        spec.set("ipFamilyPolicy", "RequireDualStack");
        if spec["ipFamilies"].is_empty() {
            spec.set("ipFamilies", value!(["IPv4", "IPv6"]));
        }
        return Ok(());
    }
    if spec["ipFamilyPolicy"].is_null() {
        spec.set("ipFamilyPolicy", "SingleStack");
    }
    if spec["ipFamilyPolicy"] == "RequireDualStack" && !is_free {
        let mut errors = Errors::default();
        errors.invalid(
            &Path::new("spec").field("ipFamilyPolicy"),
            "RequireDualStack",
            "this cluster is not configured for dual-stack services",
        );
        return Err(invalid(service, errors));
    }
    if spec["ipFamilies"].is_empty() {
        spec.set("ipFamilies", value!(["IPv4"]));
    }
    if spec["ipFamilies"].items().iter().any(|family| family == "IPv6") && !is_free {
        let shown = spec["ipFamilies"].clone();
        let mut errors = Errors::default();
        errors.invalid(&Path::new("spec").field("ipFamilies").index(0), &shown[0], "not configured on this cluster");
        return Err(invalid(service, errors));
    }
    Ok(())
}

fn cluster_address(server: &mut ApiServer, service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    let wanted = service["spec"]["clusterIP"].str().to_owned();
    if wanted == "None" {
        service["spec"].set("clusterIPs", value!(["None"]));
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

fn node_ports(server: &mut ApiServer, service: &mut Value, old: Option<&Value>) -> Result<(), Status> {
    if !validation::services::has_node_ports(&service["spec"]) {
        return Ok(());
    }
    let (low, high) = server.config.node_ports;
    let own: Vec<(u16, &str)> = old.map(|old| ports(old).collect()).unwrap_or_default();
    let mut taken: Vec<(u16, &str)> = Vec::new();
    let list = Path::new("spec");
    let list = list.field("ports");
    for at in 0..service["spec"]["ports"].items().len() {
        let port = &service["spec"]["ports"][at];
        let key = protocol(port);
        let wanted = port["nodePort"].int();
        if wanted == 0 {
            continue;
        }
        let number = u16::try_from(wanted).unwrap_or(0);
        if own.contains(&(number, key)) {
            taken.push((number, key));
            continue;
        }
        let problem = if number < low || number > high {
            format!("provided port is not in the valid range. The range of valid ports is {low}-{high}")
        } else if server.pools.ports.contains_key(&(number, key)) {
            "provided port is already allocated".to_owned()
        } else {
            taken.push((number, key));
            continue;
        };
        let mut errors = Errors::default();
        errors.invalid(&list.index(at).field("nodePort"), wanted, problem);
        return Err(invalid(service, errors));
    }
    for at in 0..service["spec"]["ports"].items().len() {
        if service["spec"]["ports"][at]["nodePort"].int() != 0 {
            continue;
        }
        let key = protocol(&service["spec"]["ports"][at]);
        let number = service["spec"]["ports"][at]["port"].int();
        // The same port with another protocol shares its node port.
        let shared = service["spec"]["ports"]
            .items()
            .iter()
            .find(|port| port["port"].int() == number && port["nodePort"].int() != 0)
            .and_then(|port| u16::try_from(port["nodePort"].int()).ok())
            .filter(|port| !server.pools.ports.contains_key(&(*port, key)) && !taken.contains(&(*port, key)));
        let picked = match shared {
            Some(port) => port,
            None => {
                let spread = u32::from(high - low) + 1;
                let start = server.random.below(spread);
                let free = (0..spread).map(|step| low + ((start + step) % spread) as u16).find(|port| {
                    ["TCP", "UDP", "SCTP"].iter().all(|key| !server.pools.ports.contains_key(&(*port, *key)))
                        && taken.iter().all(|(other, _)| other != port)
                });
                free.ok_or_else(|| {
                    Status::new(
                        500,
                        "InternalError",
                        "Internal error occurred: failed to allocate a nodePort: range is full",
                    )
                })?
            }
        };
        taken.push((picked, key));
        service["spec"]["ports"][at].set("nodePort", picked);
    }
    Ok(())
}
