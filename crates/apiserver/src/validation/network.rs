//! Ingresses and network policies.

use drydock_value::Value;

use super::common::{self, dns_subdomain, label_selector, one_of};
use super::{Errors, Path, names};

const SPEC: Path<'static> = Path::new("spec");

/// Rules for an ingress.
pub(crate) fn ingress(ingress: &Value, errors: &mut Errors) {
    let spec = &ingress["spec"];
    let rules = spec["rules"].items();
    if rules.is_empty() && spec["defaultBackend"].is_null() {
        errors.invalid(&SPEC, &spec["rules"], "either `defaultBackend` or `rules` must be specified");
    }
    if !spec["defaultBackend"].is_null() {
        backend(&spec["defaultBackend"], &SPEC.field("defaultBackend"), errors);
    }
    let list = SPEC.field("rules");
    for (at, rule) in rules.iter().enumerate() {
        let path = list.index(at);
        let name = rule["host"].str();
        if !name.is_empty() {
            let path = path.field("host");
            if name.parse::<std::net::IpAddr>().is_ok() {
                errors.invalid(&path, name, "must be a DNS name, not an IP address");
            }
            host(name, &path, errors);
        }
        if !rule["http"].is_null() {
            paths(&rule["http"], &path.field("http").field("paths"), errors);
        }
    }
    let list = SPEC.field("tls");
    for (at, entry) in spec["tls"].items().iter().enumerate() {
        let hosts = list.index(at);
        let hosts = hosts.field("hosts");
        for (at, name) in entry["hosts"].items().iter().enumerate() {
            host(name.str(), &hosts.index(at), errors);
        }
        let secret = entry["secretName"].str();
        if !secret.is_empty() {
            common::dns_subdomain(secret, &list.index(at).field("secretName"), errors);
        }
    }
    if let Some(class) = spec["ingressClassName"].as_str() {
        dns_subdomain(class, &SPEC.field("ingressClassName"), errors);
    }
}

/// A new ingress says its class once; the annotation that came before the field may only say the same.
pub(crate) fn new_ingress(new: &Value, errors: &mut Errors) {
    const ANNOTATION: &str = "kubernetes.io/ingress.class";
    ingress(new, errors);
    let (said, class) = (&new["metadata"]["annotations"][ANNOTATION], &new["spec"]["ingressClassName"]);
    if !said.is_null() && !class.is_null() && said != class {
        let why = "must match `ingressClassName` when both are specified";
        errors.invalid(&Path::new("annotations").field(ANNOTATION), said, why);
    }
}

fn host(name: &str, path: &Path<'_>, errors: &mut Errors) {
    if name.contains('*') {
        errors.all_invalid(path, name, names::wildcard(name));
    } else {
        dns_subdomain(name, path, errors);
    }
}

fn paths(http: &Value, list: &Path<'_>, errors: &mut Errors) {
    const TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
    let paths = http["paths"].items();
    if paths.is_empty() {
        errors.required(list, "");
    }
    for (at, entry) in paths.iter().enumerate() {
        let path = list.index(at);
        let text = entry["path"].str();
        let at = path.field("path");
        match entry["pathType"].str() {
            "" => {
                errors.required(&path.field("pathType"), "pathType must be specified");
                continue;
            }
            "Exact" | "Prefix" => {
                if !text.starts_with('/') {
                    errors.invalid(&at, text, "must be an absolute path");
                }
                for part in ["//", "/./", "/../", "%2f", "%2F"] {
                    if text.contains(part) {
                        errors.invalid(&at, text, format!("must not contain '{part}'"));
                    }
                }
                for end in ["/..", "/."] {
                    if text.ends_with(end) {
                        errors.invalid(&at, text, format!("cannot end with '{end}'"));
                    }
                }
            }
            "ImplementationSpecific" => {
                if !text.is_empty() && !text.starts_with('/') {
                    errors.invalid(&at, text, "must be an absolute path");
                }
            }
            other => errors.not_supported(&path.field("pathType"), other, &TYPES),
        }
        backend(&entry["backend"], &path.field("backend"), errors);
    }
}

fn backend(backend: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (resource, service) = (&backend["resource"], &backend["service"]);
    if !resource.is_null() && !service.is_null() {
        errors.invalid(path, "", "cannot set both resource and service backends");
    } else if !resource.is_null() {
        let path = path.field("resource");
        for key in ["kind", "name"] {
            common::required(&resource[key], &path.field(key), errors);
        }
    } else if service.is_null() {
        errors.invalid(path, "", "resource or service backend is required");
    } else {
        let name = service["name"].str();
        if name.is_empty() {
            errors.required(&path.field("service").field("name"), "");
        } else {
            errors.all_invalid(&path.field("service").field("name"), name, names::dns_label(name));
        }
        let port = &service["port"];
        let (named, number) = (!port["name"].str().is_empty(), port["number"].int() != 0);
        match (named, number) {
            (true, true) => errors.invalid(path, "", "cannot set both port name & port number"),
            (true, false) => {
                let path = path.field("service").field("port").field("name").to_string();
                let path = Path::new(&path);
                errors.all_invalid(&path, &port["name"], names::port_name(port["name"].str()));
            }
            (false, true) => {
                common::port_number(&port["number"], &path.field("service").field("port").field("number"), errors);
            }
            (false, false) => errors.required(path, "port name or number is required"),
        }
    }
}

/// Rules for an ingress class.
pub(crate) fn ingress_class(class: &Value, errors: &mut Errors) {
    let controller = class["spec"]["controller"].str();
    let path = SPEC.field("controller");
    if controller.len() > 250 {
        errors.too_long(&path, 250);
    }
    if !controller.split_once('/').is_some_and(|(domain, rest)| !domain.is_empty() && !rest.is_empty()) {
        if controller.is_empty() {
            errors.required(&path, "");
        } else {
            errors.invalid(&path, controller, "must be a domain-prefixed path (such as \"acme.io/foo\")");
        }
    }
    let (parameters, path) = (&class["spec"]["parameters"], SPEC.field("parameters"));
    if parameters.is_null() {
        return;
    }
    if let Some(group) = parameters["apiGroup"].as_str() {
        common::dns_subdomain(group, &path.field("apiGroup"), errors);
    }
    for key in ["kind", "name"] {
        let text = parameters[key].str();
        if text.is_empty() {
            errors.required(&path.field(key), "");
        } else {
            errors.all_invalid(&path.field(key), text, names::path_segment_name(text));
        }
    }
    let (scope, namespace) = (&parameters["scope"], &parameters["namespace"]);
    one_of(scope, &["Cluster", "Namespace"], &path.field("scope"), errors);
    match scope.str() {
        "Namespace" if namespace.is_null() => {
            errors.required(&path.field("namespace"), "`parameters.scope` is set to 'Namespace'");
        }
        "Namespace" => common::dns_label(namespace.str(), &path.field("namespace"), errors),
        "Cluster" if !namespace.is_null() => {
            errors.forbidden(&path.field("namespace"), "`parameters.scope` is set to 'Cluster'");
        }
        _ => {}
    }
}

pub(crate) fn ingress_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    common::immutable(&new["spec"]["controller"], &old["spec"]["controller"], &SPEC.field("controller"), errors);
    ingress_class(new, errors);
}

/// Rules for a network policy.
pub(crate) fn network_policy(policy: &Value, errors: &mut Errors) {
    let spec = &policy["spec"];
    label_selector(&spec["podSelector"], &SPEC.field("podSelector"), errors);
    for (key, peers_key) in [("ingress", "from"), ("egress", "to")] {
        let list = SPEC.field(key);
        for (at, rule) in spec[key].items().iter().enumerate() {
            let path = list.index(at);
            ports(&rule["ports"], &path.field("ports"), errors);
            let peers = path.field(peers_key);
            for (at, one) in rule[peers_key].items().iter().enumerate() {
                peer(one, &peers.index(at), errors);
            }
        }
    }
    let kinds = spec["policyTypes"].items();
    let list = SPEC.field("policyTypes");
    if kinds.len() > 2 {
        errors.invalid(&list, &spec["policyTypes"], "may not specify more than two policyTypes");
        return;
    }
    for (at, kind) in kinds.iter().enumerate() {
        one_of(kind, &["Ingress", "Egress"], &list.index(at), errors);
    }
}

fn ports(ports: &Value, list: &Path<'_>, errors: &mut Errors) {
    for (at, entry) in ports.items().iter().enumerate() {
        let path = list.index(at);
        let (port, end) = (&entry["port"], &entry["endPort"]);
        if let Some(protocol) = entry["protocol"].as_str()
            && !matches!(protocol, "TCP" | "UDP" | "SCTP")
        {
            errors.not_supported(&path.field("protocol"), protocol, &["TCP", "UDP", "SCTP"]);
        }
        let at = path.field("endPort");
        match port {
            Value::Null => {
                if !end.is_null() {
                    errors.invalid(&at, end, "may not be specified when `port` is not specified");
                }
            }
            Value::String(_) => {
                if !end.is_null() {
                    errors.invalid(&at, end, "may not be specified when `port` is non-numeric");
                }
                common::port_or_name(port, &path.field("port"), errors);
            }
            number => {
                common::port_number(number, &path.field("port"), errors);
                if let Some(last) = end.as_i64() {
                    if last < number.int() {
                        // The message shows the first port, as the real one does.
                        errors.invalid(&at, number, "must be greater than or equal to `port`");
                    }
                    common::port_number(end, &at, errors);
                }
            }
        }
    }
}

fn peer(peer: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut count = 0;
    for key in ["podSelector", "namespaceSelector"] {
        if !peer[key].is_null() {
            count += 1;
            label_selector(&peer[key], &path.field(key), errors);
        }
    }
    let block = &peer["ipBlock"];
    if !block.is_null() {
        ip_block(block, &path.field("ipBlock"), errors);
        if count > 0 {
            errors.forbidden(path, "may not specify both ipBlock and another peer");
        }
    } else if count == 0 {
        errors.required(path, "must specify a peer");
    }
}

fn ip_block(block: &Value, path: &Path<'_>, errors: &mut Errors) {
    let text = block["cidr"].str();
    if text.is_empty() {
        errors.required(&path.field("cidr"), "");
        return;
    }
    let Ok(net) = text.parse::<ipnet::IpNet>() else {
        common::cidr(text, &path.field("cidr"), errors);
        return;
    };
    let list = path.field("except");
    for (at, except) in block["except"].items().iter().enumerate() {
        match except.str().parse::<ipnet::IpNet>() {
            Err(_) => common::cidr(except.str(), &list.index(at), errors),
            Ok(inner) => {
                if !net.contains(&inner.network()) || inner.prefix_len() <= net.prefix_len() {
                    errors.invalid(&list.index(at), except, "must be a strict subset of `cidr`");
                }
            }
        }
    }
}
