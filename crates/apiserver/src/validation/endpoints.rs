//! Endpoints and endpoint slices.

use drydock_value::Value;

use super::common::{self, dns_label, dns_subdomain, one_of};
use super::services::{PROTOCOLS, special_ip};
use super::{Errors, Path, names};

/// Rules for endpoints.
pub(crate) fn endpoints(endpoints: &Value, errors: &mut Errors) {
    let list = Path::new("subsets");
    for (at, subset) in endpoints["subsets"].items().iter().enumerate() {
        let path = list.index(at);
        if subset["addresses"].is_empty() && subset["notReadyAddresses"].is_empty() {
            errors.required(&path, "must specify `addresses` or `notReadyAddresses`");
        }
        for key in ["addresses", "notReadyAddresses"] {
            for (at, address) in subset[key].items().iter().enumerate() {
                let list = path.field(key);
                let path = list.index(at);
                special_ip(address["ip"].str(), &path.field("ip"), errors);
                if !address["hostname"].str().is_empty() {
                    dns_label(address["hostname"].str(), &path.field("hostname"), errors);
                }
            }
        }
        let ports = subset["ports"].items();
        for (at, port) in ports.iter().enumerate() {
            let list = path.field("ports");
            let path = list.index(at);
            if ports.len() > 1 && port["name"].str().is_empty() {
                errors.required(&path.field("name"), "");
            } else if !port["name"].str().is_empty() {
                dns_label(port["name"].str(), &path.field("name"), errors);
            }
            common::port_number(&port["port"], &path.field("port"), errors);
            one_of(&port["protocol"], &PROTOCOLS, &path.field("protocol"), errors);
        }
    }
}

/// Rules for an endpoint slice.
pub(crate) fn endpoint_slice(slice: &Value, errors: &mut Errors) {
    let kind = slice["addressType"].str();
    let path = Path::new("addressType");
    if kind.is_empty() {
        errors.required(&path, "");
        return;
    }
    if !matches!(kind, "FQDN" | "IPv4" | "IPv6") {
        errors.not_supported(&path, kind, &["FQDN", "IPv4", "IPv6"]);
        return;
    }
    let list = Path::new("endpoints");
    let endpoints = slice["endpoints"].items();
    if endpoints.len() > 1000 {
        errors.too_many(&list, endpoints.len(), 1000);
        return;
    }
    for (at, endpoint) in endpoints.iter().enumerate() {
        let path = list.index(at);
        let addresses = endpoint["addresses"].items();
        if addresses.is_empty() {
            errors.required(&path.field("addresses"), "must contain at least 1 endpoint");
        }
        for (at, address) in addresses.iter().enumerate() {
            let list = path.field("addresses");
            let path = list.index(at);
            address_of(kind, address.str(), &path, errors);
        }
        if addresses.len() > 100 {
            errors.too_many(&path.field("addresses"), addresses.len(), 100);
        }
        if let Some(node) = endpoint["nodeName"].as_str() {
            dns_subdomain(node, &path.field("nodeName"), errors);
        }
        if let Some(host) = endpoint["hostname"].as_str() {
            dns_label(host, &path.field("hostname"), errors);
        }
        hints(&endpoint["hints"], &path.field("hints"), errors);
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, port) in slice["ports"].items().iter().enumerate() {
        let list = Path::new("ports");
        let path = list.index(at);
        if !port["name"].str().is_empty() {
            dns_label(port["name"].str(), &path.field("name"), errors);
        }
        if seen.contains(&port["name"].str()) {
            errors.duplicate(&path.field("name"), port["name"].str());
        }
        seen.push(port["name"].str());
        one_of(&port["protocol"], &PROTOCOLS, &path.field("protocol"), errors);
        if let Some(protocol) = port["appProtocol"].as_str() {
            common::qualified_name(protocol, &path.field("appProtocol"), errors);
        }
    }
}

/// An address of the slice's type.
fn address_of(kind: &str, address: &str, path: &Path<'_>, errors: &mut Errors) {
    let parsed = address.parse::<std::net::IpAddr>().ok();
    match kind {
        "IPv4" if !parsed.is_some_and(|ip| ip.is_ipv4()) => {
            errors.invalid(path, address, "must be a valid IPv4 address")
        }
        "IPv6" if !parsed.is_some_and(|ip| ip.is_ipv6()) => {
            errors.invalid(path, address, "must be a valid IPv6 address")
        }
        "FQDN" => {
            let name = address.strip_suffix('.').unwrap_or(address);
            let wrong = names::dns_subdomain(name);
            if name.is_empty() {
                errors.required(path, "");
            } else if !wrong.is_empty() {
                errors.all_invalid(path, name, wrong);
            } else if !name.contains('.') {
                errors.invalid(path, name, "should be a domain with at least two segments separated by dots");
            }
            return;
        }
        _ => {}
    }
    special_ip(address, path, errors);
}

/// Where an endpoint is for: zones and nodes, each once.
fn hints(hints: &Value, path: &Path<'_>, errors: &mut Errors) {
    const MOST: usize = 8;
    type Rule = fn(&str) -> Vec<String>;
    let rules: [(&str, Rule); 2] = [("forZones", names::label_value), ("forNodes", names::dns_subdomain)];
    for (key, rule) in rules {
        let (list, path) = (hints[key].items(), path.field(key));
        if list.len() > MOST {
            errors.too_many(&path, list.len(), MOST);
            continue;
        }
        for (at, hint) in list.iter().enumerate() {
            let (name, path) = (&hint["name"], path.index(at));
            if list[..at].iter().any(|other| other["name"] == *name) {
                errors.duplicate(&path.field("name"), name);
            }
            errors.all_invalid(&path.field("name"), name.str(), rule(name.str()));
        }
    }
}

pub(crate) fn endpoint_slice_update(new: &Value, old: &Value, errors: &mut Errors) {
    endpoint_slice(new, errors);
    common::immutable(&new["addressType"], &old["addressType"], &Path::new("addressType"), errors);
}

#[cfg(test)]
mod tests {
    use drydock_value::{Value, value};

    use super::*;

    fn complaints(rules: fn(&Value, &mut Errors), object: &Value) -> Vec<String> {
        let mut errors = Errors::default();
        rules(object, &mut errors);
        errors.0.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn hosts_and_ports_of_a_slice() {
        let slice = value!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "-"}],
            "ports": [{"name": "a", "protocol": "TCP"}, {"name": "a", "protocol": "TCP"}]});
        let found = complaints(endpoint_slice, &slice);
        assert!(found[0].starts_with("endpoints[0].hostname: Invalid value: \"-\": a lowercase RFC 1123 label"));
        assert_eq!(found[1..], ["ports[1].name: Duplicate value: \"a\""]);
        let segments = "should be a domain with at least two segments separated by dots";
        for (kind, address, words) in [
            (
                "IPv4",
                "::2",
                "endpoints[0].addresses[0]: Invalid value: \"::2\": must be a valid IPv4 address".to_owned(),
            ),
            ("IPv6", "::2", String::new()),
            ("FQDN", "foo", format!("endpoints[0].addresses[0]: Invalid value: \"foo\": {segments}")),
            ("FQDN", "foo.bar.", String::new()),
            // Only the local ones of the addresses for many.
            ("IPv4", "239.1.1.1", String::new()),
        ] {
            let slice = value!({"addressType": kind, "endpoints": [{"addresses": [address]}]});
            assert_eq!(complaints(endpoint_slice, &slice).join("; "), words, "{address}");
        }
        let hints = value!({"forZones": [{"name": "a"}, {"name": "a"}], "forNodes": [{"name": "a"}]});
        let slice = value!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "hints": hints}]});
        let found = complaints(endpoint_slice, &slice);
        assert_eq!(found, ["endpoints[0].hints.forZones[1].name: Duplicate value: \"a\""]);
    }
}
