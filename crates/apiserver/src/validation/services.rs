//! Services.

use drydock_value::Value;

use super::common::{self, dns_label, dns_subdomain, one_of, optional_one_of};
use super::{Errors, Path};

const SPEC: Path<'static> = Path::new("spec");

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
pub(super) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

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
    source_ranges(service, errors);
    if kind != "LoadBalancer" && !spec["allocateLoadBalancerNodePorts"].is_null() {
        errors.forbidden(&SPEC.field("allocateLoadBalancerNodePorts"), ONLY_BALANCED);
    }
    balancer_class(spec, errors);
    traffic(spec, errors);
}

const ONLY_BALANCED: &str = "may only be used when `type` is 'LoadBalancer'";

/// Who may reach a load balancer, by the field or else by the annotation that came before it.
fn source_ranges(service: &Value, errors: &mut Errors) {
    const ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let spec = &service["spec"];
    let ranges = spec["loadBalancerSourceRanges"].items();
    let annotation = &service["metadata"]["annotations"][ANNOTATION];
    let list = SPEC.field("LoadBalancerSourceRanges");
    let metadata = Path::new("metadata");
    let annotations = metadata.field("annotations");
    let at_annotation = annotations.key(ANNOTATION);
    if ranges.is_empty() && annotation.is_null() {
        return;
    }
    if spec["type"] != "LoadBalancer" {
        errors.forbidden(if ranges.is_empty() { &at_annotation } else { &list }, ONLY_BALANCED);
    }
    for (at, range) in ranges.iter().enumerate() {
        common::cidr(range.str().trim(), &list.index(at), errors);
    }
    if ranges.is_empty() && !annotation.str().trim().is_empty() {
        annotation.str().split(',').for_each(|range| common::cidr(range.trim(), &at_annotation, errors));
    }
}

fn balancer_class(spec: &Value, errors: &mut Errors) {
    let path = SPEC.field("loadBalancerClass");
    match spec["loadBalancerClass"].as_str() {
        Some(_) if spec["type"] != "LoadBalancer" => errors.forbidden(&path, ONLY_BALANCED),
        Some(class) => common::qualified_name(class, &path, errors),
        None => {}
    }
}

/// Whether something outside of the cluster reaches a service.
pub(crate) fn is_accessible(spec: &Value) -> bool {
    matches!(spec["type"].str(), "LoadBalancer" | "NodePort")
        || spec["type"] == "ClusterIP" && !spec["externalIPs"].is_empty()
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
    let clusters = SPEC.field("clusterIPs");
    let addresses = spec["clusterIPs"].items();
    match spec["clusterIP"].str() {
        "" if !addresses.is_empty() => {
            errors.invalid(&clusters, &spec["clusterIPs"], "must be empty when `clusterIP` is not specified");
        }
        "" => {}
        _ if addresses.is_empty() => errors.required(&clusters, ""),
        first if addresses[0] != *first => {
            errors.invalid(&clusters, &spec["clusterIPs"], "first value must match `clusterIP`");
        }
        _ => {}
    }
    let families = spec["ipFamilies"].items();
    for (at, family) in families.iter().enumerate() {
        let list = SPEC.field("ipFamilies");
        one_of(family, &["IPv4", "IPv6"], &list.index(at), errors);
        if families[..at].contains(family) {
            errors.duplicate(&list.index(at), family);
        }
    }
    optional_one_of(
        &spec["ipFamilyPolicy"],
        &["PreferDualStack", "RequireDualStack", "SingleStack"],
        &SPEC.field("ipFamilyPolicy"),
        errors,
    );
    cluster_addresses(spec, &clusters, errors);
}

fn cluster_addresses(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let addresses = spec["clusterIPs"].items();
    let mut is_sound = true;
    for (at, address) in addresses.iter().enumerate() {
        if at == 0 && address == "None" {
            if addresses.len() > 1 {
                is_sound = false;
                errors.invalid(path, &spec["clusterIPs"], "'None' must be the first and only value");
            }
            continue;
        }
        let before = errors.len();
        common::ip(address.str(), &path.index(at), errors);
        is_sound &= errors.len() == before;
    }
    if addresses.len() > 2 {
        errors.invalid(path, &spec["clusterIPs"], "may only hold up to 2 values");
    }
    if !is_sound {
        return;
    }
    let is_second = |address: &Value| address.str().contains(':');
    let count = addresses.iter().filter(|address| is_second(address)).count();
    if addresses.len() > 1 && (count == 0 || count == addresses.len()) {
        errors.invalid(path, &spec["clusterIPs"], "may specify no more than one IP for each IP family");
    }
    for (at, (address, family)) in addresses.iter().zip(spec["ipFamilies"].items()).enumerate() {
        if address != "None" && (family == "IPv6") != is_second(address) {
            let why = format!("expected an {} value as indicated by `ipFamilies[{at}]`", family.str());
            errors.invalid(&path.index(at), address, why);
        }
    }
}

/// An address that something can listen at, and not only on its own machine.
pub(super) fn special_ip(address: &str, path: &Path<'_>, errors: &mut Errors) {
    let Ok(ip) = address.parse::<std::net::IpAddr>() else {
        return common::ip(address, path, errors);
    };
    if ip.is_unspecified() {
        errors.invalid(path, address, "may not be unspecified (0.0.0.0 or ::)");
    }
    if ip.is_loopback() {
        errors.invalid(path, address, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    let (local, local_group) = match ip {
        std::net::IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        std::net::IpAddr::V6(ip) => (ip.is_unicast_link_local(), ip.segments()[0] & 0xff0f == 0xff02),
    };
    if local {
        errors.invalid(path, address, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if local_group {
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
    if !external.is_null() {
        if !is_accessible(spec) {
            errors.invalid(&path, external, "may only be set for externally-accessible services");
        } else {
            one_of(external, &["Cluster", "Local"], &path, errors);
        }
    }
    let health = &spec["healthCheckNodePort"];
    if spec["type"] == "LoadBalancer" && external == "Local" {
        match health.int() {
            0 => errors.required(&SPEC.field("healthCheckNodePort"), ""),
            _ => common::port_number(health, &SPEC.field("healthCheckNodePort"), errors),
        }
    } else if health.int() != 0 {
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
    let (now, before) = (&new["spec"], &old["spec"]);
    if now["type"] == "LoadBalancer" && before["type"] == "LoadBalancer" {
        if now["loadBalancerClass"] != before["loadBalancerClass"] {
            let path = SPEC.field("loadBalancerClass");
            errors.invalid(&path, &now["loadBalancerClass"], "may not change once set");
        }
        let is_local = |spec: &Value| spec["externalTrafficPolicy"] == "Local";
        if is_local(now) && is_local(before) && now["healthCheckNodePort"] != before["healthCheckNodePort"] {
            errors.forbidden(&SPEC.field("healthCheckNodePort"), common::IMMUTABLE);
        }
    }
    balancer_class(now, errors);
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
}
