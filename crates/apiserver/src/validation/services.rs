//! Services, endpoints and endpoint slices.

use drydock_value::Value;

use super::common::{self, dns_label, dns_subdomain, one_of, optional_one_of};
use super::{Errors, Path, names};

const SPEC: Path<'static> = Path::new("spec");

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// Whether a service has no address of its own by choice.
pub(crate) fn is_headless(service: &Value) -> bool {
    let spec = &service["spec"];
    spec["clusterIP"] == "None" || spec["clusterIPs"][0] == "None"
}

/// Whether a service of this type has node ports.
pub(crate) fn has_node_ports(spec: &Value) -> bool {
    match spec["type"].str() {
        "NodePort" => true,
        "LoadBalancer" => spec["allocateLoadBalancerNodePorts"].as_bool() != Some(false),
        _ => false,
    }
}

/// Rules for a service.
pub(crate) fn service(service: &Value, errors: &mut Errors) {
    let spec = &service["spec"];
    let kind = spec["type"].str();
    let headless = is_headless(service);
    let ports = spec["ports"].items();
    let ports_path = SPEC.field("ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.required(&ports_path, "");
    }
    let clusters = SPEC.field("clusterIPs");
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            errors.invalid(&clusters.index(0), "None", format!("may not be set to 'None' for {kind} services"));
        }
        "ExternalName" => {
            if !spec["clusterIPs"].is_empty() || !spec["clusterIP"].is_empty() {
                errors.forbidden(&clusters, "may not be set for ExternalName services");
            }
            for key in ["ipFamilies", "ipFamilyPolicy"] {
                if !spec[key].is_null() {
                    errors.forbidden(&SPEC.field(key), "may not be set for ExternalName services");
                }
            }
            let name = spec["externalName"].str().trim_end_matches('.');
            if name.is_empty() {
                errors.required(&SPEC.field("externalName"), "");
            } else {
                dns_subdomain(name, &SPEC.field("externalName"), errors);
            }
        }
        _ => {}
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, port) in ports.iter().enumerate() {
        one_port(port, ports.len() > 1, &mut seen, &ports_path.index(at), errors);
    }
    common::labels(&spec["selector"], &SPEC.field("selector"), errors);
    affinity(spec, errors);
    families(service, errors);
    for (at, address) in spec["externalIPs"].items().iter().enumerate() {
        let list = SPEC.field("externalIPs");
        special_ip(address.str(), &list.index(at), errors);
    }
    if kind.is_empty() {
        errors.required(&SPEC.field("type"), "");
    } else {
        one_of(&spec["type"], &TYPES, &SPEC.field("type"), errors);
    }
    if kind == "ClusterIP" {
        for (at, port) in ports.iter().enumerate() {
            if port["nodePort"].int() != 0 {
                errors.forbidden(&ports_path.index(at).field("nodePort"), "may not be used when `type` is 'ClusterIP'");
            }
        }
    }
    doubles(ports, &ports_path, errors);
    for (at, range) in spec["loadBalancerSourceRanges"].items().iter().enumerate() {
        common::cidr(range.str().trim(), &SPEC.field("LoadBalancerSourceRanges").index(at), errors);
    }
    if kind != "LoadBalancer" && !spec["loadBalancerSourceRanges"].is_empty() {
        errors.forbidden(&SPEC.field("LoadBalancerSourceRanges"), "may only be used when `type` is 'LoadBalancer'");
    }
    if kind != "LoadBalancer" {
        for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if !spec[key].is_null() {
                errors.forbidden(&SPEC.field(key), "may only be used when `type` is 'LoadBalancer'");
            }
        }
    } else if let Some(class) = spec["loadBalancerClass"].as_str() {
        common::qualified_name(class, &SPEC.field("loadBalancerClass"), errors);
    }
    traffic(spec, errors);
}

fn one_port<'a>(port: &'a Value, named: bool, seen: &mut Vec<&'a str>, path: &Path<'_>, errors: &mut Errors) {
    let name = port["name"].str();
    let at = path.field("name");
    if name.is_empty() {
        if named {
            errors.required(&at, "");
        }
    } else {
        dns_label(name, &at, errors);
        if seen.contains(&name) {
            errors.duplicate(&at, name);
        }
        seen.push(name);
    }
    common::port_number(&port["port"], &path.field("port"), errors);
    if port["protocol"].str().is_empty() {
        errors.required(&path.field("protocol"), "");
    } else {
        one_of(&port["protocol"], &PROTOCOLS, &path.field("protocol"), errors);
    }
    common::port_or_name(&port["targetPort"], &path.field("targetPort"), errors);
    if let Some(protocol) = port["appProtocol"].as_str() {
        common::qualified_name(protocol, &path.field("appProtocol"), errors);
    }
}

fn affinity(spec: &Value, errors: &mut Errors) {
    let path = SPEC.field("sessionAffinity");
    let kind = spec["sessionAffinity"].str();
    if kind.is_empty() {
        errors.required(&path, "");
    } else {
        one_of(&spec["sessionAffinity"], &["ClientIP", "None"], &path, errors);
    }
    let path = SPEC.field("sessionAffinityConfig");
    let config = &spec["sessionAffinityConfig"];
    if kind == "ClientIP" {
        let seconds = &config["clientIP"]["timeoutSeconds"];
        if seconds.as_i64().is_some_and(|seconds| !(1..=86400).contains(&seconds)) {
            errors.invalid(
                &path.field("clientIP").field("timeoutSeconds"),
                seconds,
                "must be greater than 0 and less than 86400",
            );
        }
    } else if kind == "None" && !config.is_null() {
        errors.forbidden(&path, "must not be set when session affinity is None");
    }
}

/// Families and cluster addresses: what is looked at before an address is taken.
pub(crate) fn families(service: &Value, errors: &mut Errors) {
    let spec = &service["spec"];
    if spec["type"] == "ExternalName" {
        return;
    }
    let list = SPEC.field("ipFamilies");
    let mut seen: Vec<&Value> = Vec::new();
    for (at, family) in spec["ipFamilies"].items().iter().enumerate() {
        one_of(family, &["IPv4", "IPv6"], &list.index(at), errors);
        if seen.contains(&family) {
            errors.duplicate(&list.index(at), family);
        }
        seen.push(family);
    }
    optional_one_of(
        &spec["ipFamilyPolicy"],
        &["PreferDualStack", "RequireDualStack", "SingleStack"],
        &SPEC.field("ipFamilyPolicy"),
        errors,
    );
    let list = SPEC.field("clusterIPs");
    let addresses = spec["clusterIPs"].items();
    if addresses.len() > 2 {
        errors.invalid(&list, &spec["clusterIPs"], "may only hold up to 2 values");
    }
    for (at, address) in addresses.iter().enumerate() {
        if address == "None" && (at > 0 || addresses.len() > 1) {
            errors.invalid(&list.index(at), address, "may not be set to 'None' when there are more than one ClusterIP");
        } else if address != "None" {
            common::ip(address.str(), &list.index(at), errors);
        }
    }
    if !addresses.is_empty() && spec["clusterIP"] != addresses[0] {
        errors.invalid(&list, &spec["clusterIPs"], "first value must match `clusterIP`");
    }
}

fn special_ip(address: &str, path: &Path<'_>, errors: &mut Errors) {
    let Ok(ip) = address.parse::<std::net::IpAddr>() else {
        return common::ip(address, path, errors);
    };
    if ip.is_unspecified() {
        errors.invalid(path, address, "may not be unspecified (0.0.0.0 or ::)");
    }
    if ip.is_loopback() {
        errors.invalid(path, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if matches!(ip, std::net::IpAddr::V4(v4) if v4.is_link_local()) {
        errors.invalid(path, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if ip.is_multicast() {
        errors.invalid(path, address, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

/// No port or node port twice with the same protocol.
fn doubles(ports: &[Value], list: &Path<'_>, errors: &mut Errors) {
    let mut node_ports: Vec<(&str, i64)> = Vec::new();
    for (at, port) in ports.iter().enumerate() {
        let key = (port["protocol"].str(), port["nodePort"].int());
        if key.1 == 0 {
            continue;
        }
        if node_ports.contains(&key) {
            errors.duplicate(&list.index(at).field("nodePort"), key.1);
        }
        node_ports.push(key);
    }
    let mut seen: Vec<(&str, i64)> = Vec::new();
    for (at, port) in ports.iter().enumerate() {
        let key = (port["protocol"].str(), port["port"].int());
        if seen.contains(&key) {
            // As Go writes its own struct, of which these two fields are filled in.
            let shown = format!(
                r#"{{"Name":"","Protocol":"{}","AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
                key.0, key.1
            );
            errors.duplicate_text(&list.index(at), &shown);
        }
        seen.push(key);
    }
}

fn traffic(spec: &Value, errors: &mut Errors) {
    let external = &spec["externalTrafficPolicy"];
    let path = SPEC.field("externalTrafficPolicy");
    let accessible = matches!(spec["type"].str(), "LoadBalancer" | "NodePort") || !spec["externalIPs"].is_empty();
    if !external.is_null() {
        if !accessible {
            errors.invalid(&path, external, "may only be set for externally-accessible services");
        } else {
            one_of(external, &["Cluster", "Local"], &path, errors);
        }
    }
    let health = &spec["healthCheckNodePort"];
    if health.int() != 0 && !(spec["type"] == "LoadBalancer" && external == "Local") {
        errors.invalid(
            &SPEC.field("healthCheckNodePort"),
            health,
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        );
    }
    let choice = |field: &str, known: &[&str], errors: &mut Errors| {
        optional_one_of(&spec[field], known, &SPEC.field(field), errors);
    };
    choice("internalTrafficPolicy", &["Cluster", "Local"], errors);
    choice("trafficDistribution", &["PreferClose", "PreferSameNode", "PreferSameZone"], errors);
}

/// What may change in a service.
pub(crate) fn service_update(new: &Value, old: &Value, errors: &mut Errors) {
    let (now, before) = (&new["spec"]["clusterIPs"], &old["spec"]["clusterIPs"]);
    let had = !before[0].is_null();
    if had && new["spec"]["type"] != "ExternalName" && old["spec"]["type"] != "ExternalName" && now[0] != before[0] {
        errors.invalid(&SPEC.field("clusterIPs").index(0), now, "may not change once set");
    }
    service(new, errors);
}

/// Warnings about a service.
pub(crate) fn warnings(service: &Value, _: Option<&Value>) -> Vec<String> {
    let (spec, kind) = (&service["spec"], service["spec"]["type"].str());
    let mut warnings = Vec::new();
    let hints = "service.kubernetes.io/topology-aware-hints";
    if service["metadata"]["annotations"].get(hints).is_some() {
        let instead = "service.kubernetes.io/topology-mode";
        warnings.push(format!("annotation {hints} is deprecated, please use {instead} instead"));
    }
    if is_headless(service) {
        if !spec["loadBalancerIP"].str().is_empty() {
            warnings.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if !spec["externalIPs"].is_empty() {
            warnings.push("spec.externalIPs is ignored for headless services".into());
        }
        if spec["sessionAffinity"] != "None" {
            warnings.push("spec.SessionAffinity is ignored for headless services".into());
        }
    }
    let external = !spec["externalIPs"].is_empty();
    for (told, text) in [
        (external, "spec.externalIPs is deprecated"),
        (external && kind == "ExternalName", "spec.externalIPs is ignored when spec.type is \"ExternalName\""),
        (
            kind != "ExternalName" && !spec["externalName"].str().is_empty(),
            "spec.externalName is ignored when spec.type is not \"ExternalName\"",
        ),
        (
            spec["trafficDistribution"] == "PreferClose",
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"",
        ),
    ] {
        if told {
            warnings.push(text.into());
        }
    }
    warnings
}

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
            match kind {
                "FQDN" => errors.all_invalid(&path, address, names::dns_subdomain(address.str())),
                _ => special_ip(address.str(), &path, errors),
            }
        }
        if let Some(node) = endpoint["nodeName"].as_str() {
            dns_subdomain(node, &path.field("nodeName"), errors);
        }
        if let Some(host) = endpoint["hostname"].as_str() {
            dns_label(host, &path.field("hostname"), errors);
        }
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
    fn fields_of_other_types_are_refused() {
        let cases: [(Value, &[&str]); 4] = [
            (value!({}), &[]),
            (
                value!({"allocateLoadBalancerNodePorts": true, "loadBalancerClass": "a/b"}),
                &[
                    "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
                    "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
                ],
            ),
            (
                value!({"type": "NodePort", "healthCheckNodePort": 30000}),
                &["spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and \
                   `externalTrafficPolicy` is 'Local'"],
            ),
            (value!({"type": "LoadBalancer", "healthCheckNodePort": 30000, "externalTrafficPolicy": "Local"}), &[]),
        ];
        for (fields, words) in cases {
            let mut spec = value!({"type": "ClusterIP", "sessionAffinity": "None",
                "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}]});
            for (key, value) in fields.entries() {
                spec.set(key, value);
            }
            assert_eq!(complaints(service, &value!({"spec": spec})), words, "{fields:?}");
        }
    }

    #[test]
    fn hosts_and_ports_of_a_slice() {
        let slice = value!({"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "-"}],
            "ports": [{"name": "a", "protocol": "TCP"}, {"name": "a", "protocol": "TCP"}]});
        let found = complaints(endpoint_slice, &slice);
        assert!(found[0].starts_with("endpoints[0].hostname: Invalid value: \"-\": a lowercase RFC 1123 label"));
        assert_eq!(found[1..], ["ports[1].name: Duplicate value: \"a\""]);
    }
}
