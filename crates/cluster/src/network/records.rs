//! The records of the cluster's names, beside addresses: what `dig` shows.

use std::net::Ipv4Addr;

use drydock_value::Value;

use super::dns::{self, DOMAIN};
use crate::informers::Informers;
use crate::objects::Key;
use crate::store::kinds;

/// A record: the name, its kind, and what it says.
pub type Record = (String, &'static str, String);

/// What the name server says to a question for one kind of records of a full name.
pub fn answer(name: &str, kind: &str, informers: &Informers) -> Vec<Record> {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(digits) = lower.strip_suffix(".in-addr.arpa") {
        let forward: Vec<&str> = digits.split('.').rev().collect();
        let Ok(ip) = forward.join(".").parse::<Ipv4Addr>() else { return Vec::new() };
        let wanted = matches!(kind, "PTR" | "ANY");
        let names = if wanted { reverse(ip, informers) } else { Vec::new() };
        return names.into_iter().map(|target| (format!("{lower}."), "PTR", target)).collect();
    }
    let full = format!("{lower}.");
    let inside = lower.strip_suffix(DOMAIN).and_then(|rest| rest.strip_suffix('.')).unwrap_or_default();
    let labels: Vec<&str> = inside.split('.').collect();
    let service = match labels.as_slice() {
        [service, namespace, "svc"] => informers.get(kinds::SERVICES, &Key::new(*namespace, *service)),
        [port, protocol, service, namespace, "svc"] if matches!(kind, "SRV" | "ANY") => {
            let targets = targets(&Key::new(*namespace, *service), port, protocol, informers);
            return targets.into_iter().map(|data| (full.clone(), "SRV", data)).collect();
        }
        _ => None,
    };
    let mut found = Vec::new();
    let mut named = full;
    if let Some(service) = service.filter(|service| service["spec"]["type"] == "ExternalName") {
        let target = format!("{}.", service["spec"]["externalName"].str().trim_end_matches('.'));
        found.push((std::mem::replace(&mut named, target.clone()), "CNAME", target));
    }
    if matches!(kind, "A" | "ANY") {
        let addresses = dns::answer(&lower, informers);
        found.extend(addresses.into_iter().map(|ip| (named.clone(), "A", ip.to_string())));
    }
    found
}

/// The name that an endpoint has in its service.
fn host(endpoint: &Value) -> String {
    match endpoint["hostname"].str() {
        "" => endpoint["addresses"][0].str().replace('.', "-"),
        name => name.to_owned(),
    }
}

/// Where a service's named port is served: by itself, or by each of its endpoints when it has no address.
fn targets(key: &Key, port: &str, protocol: &str, informers: &Informers) -> Vec<String> {
    let Some(service) = informers.get(kinds::SERVICES, key) else { return Vec::new() };
    let (Some(port), Some(protocol)) = (port.strip_prefix('_'), protocol.strip_prefix('_')) else { return Vec::new() };
    let wanted = |entry: &&Value| {
        entry["name"] == *port && entry["protocol"].as_str().unwrap_or("TCP").eq_ignore_ascii_case(protocol)
    };
    let home = format!("{}.{}.svc.{DOMAIN}.", key.name, key.namespace);
    if service["spec"]["clusterIP"] != "None" {
        let port = service["spec"]["ports"].items().iter().find(wanted);
        return port.map(|entry| format!("0 100 {} {home}", entry["port"].int())).into_iter().collect();
    }
    let mut found = Vec::new();
    for slice in informers.slices_of(key) {
        let Some(entry) = slice["ports"].items().iter().find(wanted) else { continue };
        let ready = slice["endpoints"].items().iter().filter(|it| it["conditions"]["ready"].as_bool() != Some(false));
        found.extend(ready.map(|endpoint| (entry["port"].int(), host(endpoint))));
    }
    let weight = 100 / found.len().max(1);
    found.into_iter().map(|(port, host)| format!("0 {weight} {port} {host}.{home}")).collect()
}

/// The names of an address: a service's, or those that it has as an endpoint.
fn reverse(ip: Ipv4Addr, informers: &Informers) -> Vec<String> {
    let ip = ip.to_string();
    for service in informers.all(kinds::SERVICES) {
        if service["spec"]["clusterIP"] == *ip {
            return vec![format!("{}.{}.svc.{DOMAIN}.", service.name(), service.namespace())];
        }
    }
    let mut found = Vec::new();
    for slice in informers.all(kinds::ENDPOINT_SLICES) {
        let service = slice["metadata"]["labels"]["kubernetes.io/service-name"].str();
        let own = slice["endpoints"].items().iter().filter(|endpoint| endpoint["addresses"][0] == *ip);
        found.extend(own.map(|it| format!("{}.{service}.{}.svc.{DOMAIN}.", host(it), slice.namespace())));
    }
    found
}
