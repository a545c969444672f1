//! Services, their endpoints, and ingresses that lead to them.

use drydock_api::GroupVersionResource;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::{Context, core};
use super::events::events;
use super::format::{self, annotations, format_labels, heading, labels, or_none, strings, text, text_or};
use super::{Described, writer::Writer};
use crate::failure::Failure;

fn endpoint_slices(ctx: &mut Context, namespace: &str, service: &str) -> Result<Vec<Value>, Failure> {
    let resource = GroupVersionResource::new("discovery.k8s.io", "v1", "endpointslices");
    let chunk_size = std::mem::take(&mut ctx.chunk_size);
    let selector = format!("kubernetes.io/service-name={service}");
    let slices = ctx.list(&resource, namespace, &[("labelSelector", &selector)]);
    ctx.chunk_size = chunk_size;
    slices
}

/// The ready addresses behind a port, three of them at most.
fn addresses(slices: &[Value], port_name: &str) -> String {
    if slices.is_empty() {
        return "<none>".into();
    }
    const SHOWN: usize = 3;
    let (mut list, mut more, mut count) = (Vec::new(), false, 0);
    let mut visit = |endpoint: &Value, port: Option<&Value>| {
        // As kubectl does, whatever comes after three counts as more, ready or not.
        more |= list.len() == SHOWN;
        if endpoint["conditions"]["ready"].as_bool() == Some(false) {
            return;
        }
        count += 1;
        if !more {
            let address = endpoint["addresses"][0].str();
            list.push(match port {
                Some(port) if address.contains(':') => format!("[{address}]:{}", port.int()),
                Some(port) => format!("{address}:{}", port.int()),
                None => address.to_owned(),
            });
        }
    };
    for slice in slices {
        let endpoints = slice["endpoints"].items();
        if slice["ports"].items().is_empty() {
            // A headless service may have no ports.
            endpoints.iter().for_each(|endpoint| visit(endpoint, None));
        }
        for port in slice["ports"].items().iter().filter(|port| port["name"].str() == port_name) {
            endpoints.iter().for_each(|endpoint| visit(endpoint, Some(&port["port"])));
        }
    }
    let shown = list.join(",");
    if more { format!("{shown} + {} more...", count - SHOWN) } else { shown }
}

/// Describes a service with its endpoints.
pub fn service(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    let slices = endpoint_slices(ctx, metadata["namespace"].str(), metadata["name"].str()).unwrap_or_default();
    heading(w, object, true);
    w.field(0, "Selector", &format_labels(&spec["selector"]));
    w.field(0, "Type", spec["type"].str());
    if !spec["ipFamilyPolicy"].is_null() {
        w.field(0, "IP Family Policy", spec["ipFamilyPolicy"].str());
    }
    w.field(0, "IP Families", &listed(&spec["ipFamilies"]));
    w.field(0, "IP", spec["clusterIP"].str());
    w.field(0, "IPs", &listed(&spec["clusterIPs"]));
    if !spec["externalIPs"].is_empty() {
        w.field(0, "External IPs", &strings(&spec["externalIPs"]).join(","));
    }
    for (title, field) in [("Desired LoadBalancer IP", "loadBalancerIP"), ("External Name", "externalName")] {
        if !spec[field].is_empty() {
            w.field(0, title, spec[field].str());
        }
    }
    let ingress = object["status"]["loadBalancer"]["ingress"].items();
    if !ingress.is_empty() {
        let shown: Vec<String> = ingress.iter().map(load_balancer).collect();
        w.field(0, "LoadBalancer Ingress", &shown.join(", "));
    }
    for port in spec["ports"].items() {
        let (name, protocol) = (or_unset(port["name"].str()), port["protocol"].str());
        w.field(0, "Port", &format!("{name}\t{}/{protocol}", port["port"].int()));
        w.field(0, "TargetPort", &format!("{}/{protocol}", format::port(&port["targetPort"])));
        if !port["appProtocol"].is_null() {
            w.field(0, "AppProtocol", port["appProtocol"].str());
        }
        if port["nodePort"].int() != 0 {
            w.field(0, "NodePort", &format!("{name}\t{}/{protocol}", port["nodePort"].int()));
        }
        w.field(0, "Endpoints", &addresses(&slices, port["name"].str()));
    }
    w.field(0, "Session Affinity", spec["sessionAffinity"].str());
    if !spec["externalTrafficPolicy"].is_empty() {
        w.field(0, "External Traffic Policy", spec["externalTrafficPolicy"].str());
    }
    if !spec["internalTrafficPolicy"].is_null() {
        w.field(0, "Internal Traffic Policy", spec["internalTrafficPolicy"].str());
    }
    if spec["healthCheckNodePort"].int() != 0 {
        w.field(0, "HealthCheck NodePort", &text(&spec["healthCheckNodePort"]));
    }
    if !spec["loadBalancerSourceRanges"].is_empty() {
        w.field(0, "LoadBalancer Source Ranges", &strings(&spec["loadBalancerSourceRanges"]).join(","));
    }
    if !spec["trafficDistribution"].is_null() {
        w.field(0, "Traffic Distribution", spec["trafficDistribution"].str());
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// The items of a list with commas, or `<none>` for an empty list.
fn listed(list: &Value) -> String {
    if list.is_empty() { "<none>".into() } else { strings(list).join(",") }
}

fn or_unset(name: &str) -> &str {
    if name.is_empty() { "<unset>" } else { name }
}

fn load_balancer(ingress: &Value) -> String {
    match (ingress["ip"].str(), &ingress["ipMode"]) {
        ("", _) => ingress["hostname"].str().to_owned(),
        (ip, Value::Null) => ip.to_owned(),
        (ip, mode) => format!("{ip} ({})", mode.str()),
    }
}

/// Describes the endpoints of a service.
pub fn endpoints(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, true);
    w.line(0, "Subsets:");
    for subset in object["subsets"].items() {
        for (title, field) in [("Addresses", "addresses"), ("NotReadyAddresses", "notReadyAddresses")] {
            let list: Vec<&str> = subset[field].items().iter().map(|address| address["ip"].str()).collect();
            w.field(1, title, &or_none(list.join(",")));
        }
        if !subset["ports"].is_empty() {
            w.line(1, "Ports:");
            w.line(2, "Name\tPort\tProtocol");
            w.line(2, "----\t----\t--------");
            for port in subset["ports"].items() {
                let name = or_unset(port["name"].str());
                w.line(2, &format!("{name}\t{}\t{}", port["port"].int(), port["protocol"].str()));
            }
        }
        w.line(0, "");
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes an endpoint slice.
pub fn endpoint_slice(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, true);
    w.field(0, "AddressType", object["addressType"].str());
    if object["ports"].items().is_empty() {
        w.line(0, "Ports: <unset>");
    } else {
        w.line(0, "Ports:");
        w.line(1, "Name\tPort\tProtocol");
        w.line(1, "----\t----\t--------");
        for port in object["ports"].items() {
            let (name, number) = (or_unset(port["name"].str()), text_or(&port["port"], "<unset>"));
            w.line(1, &format!("{name}\t{number}\t{}", port["protocol"].str()));
        }
    }
    if object["endpoints"].items().is_empty() {
        w.line(0, "Endpoints: <none>");
    } else {
        w.line(0, "Endpoints:");
    }
    for endpoint in object["endpoints"].items() {
        w.field(1, "- Addresses", &or_none(strings(&endpoint["addresses"]).join(", ")));
        w.line(2, "Conditions:");
        w.field(3, "Ready", &text_or(&endpoint["conditions"]["ready"], "<unset>"));
        w.field(2, "Hostname", &text_or(&endpoint["hostname"], "<unset>"));
        if let Some(target) = endpoint.get("targetRef") {
            w.field(2, "TargetRef", &format!("{}/{}", target["kind"].str(), target["name"].str()));
        }
        w.field(2, "NodeName", &text_or(&endpoint["nodeName"], "<unset>"));
        w.field(2, "Zone", &text_or(&endpoint["zone"], "<unset>"));
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes an ingress with what is behind its paths.
pub fn ingress(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    let namespace = metadata["namespace"].str();
    w.field(0, "Name", metadata["name"].str());
    labels(w, "Labels", &metadata["labels"]);
    w.field(0, "Namespace", namespace);
    let mut points: Vec<&str> = object["status"]["loadBalancer"]["ingress"]
        .items()
        .iter()
        .map(|point| if point["ip"].is_empty() { point["hostname"].str() } else { point["ip"].str() })
        .filter(|point| !point.is_empty())
        .collect();
    points.sort_compact();
    points.dedup();
    w.field(0, "Address", &points.join(","));
    w.field(0, "Ingress Class", &text_or(&spec["ingressClassName"], "<none>"));
    let default = match &spec["defaultBackend"] {
        Value::Null => "<default>".to_owned(),
        some => backend(some, namespace, ctx),
    };
    w.field(0, "Default backend", &default);
    if !spec["tls"].is_empty() {
        w.line(0, "TLS:");
    }
    for tls in spec["tls"].items() {
        let hosts = strings(&tls["hosts"]).join(",");
        match tls["secretName"].str() {
            "" => w.line(1, &format!("SNI routes {hosts}")),
            secret => w.line(1, &format!("{secret} terminates {hosts}")),
        }
    }
    w.line(0, "Rules:\n  Host\tPath\tBackends");
    w.line(1, "----\t----\t--------");
    let mut any = false;
    for rule in spec["rules"].items().iter().filter(|rule| !rule["http"].is_null()) {
        any = true;
        let host = rule["host"].str();
        w.line(1, &format!("{}\t", if host.is_empty() { "*" } else { host }));
        for path in rule["http"]["paths"].items() {
            let behind = backend(&path["backend"], namespace, ctx);
            w.line(2, &format!("\t{} \t{behind}", path["path"].str()));
        }
    }
    if !any {
        w.line(1, &format!("*\t*\t{default}"));
    }
    annotations(w, "Annotations", &metadata["annotations"]);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

fn backend(backend: &Value, namespace: &str, ctx: &mut Context) -> String {
    if let Some(service) = backend.get("service") {
        let (name, port) = (service["name"].str(), &service["port"]);
        let port_text = if port["number"].int() != 0 { text(&port["number"]) } else { text(&port["name"]) };
        let shown = format!("{name}:{port_text}");
        let found = endpoint_slices(ctx, namespace, name)
            .and_then(|slices| Ok((slices, ctx.get(&core("services"), namespace, name)?)));
        return match found {
            Err(error) => format!("{shown} (<error: {}>)", error.words()),
            Ok((slices, found)) => {
                let mut matching = found["spec"]["ports"].items().iter().filter(|candidate| {
                    let by_number = port["number"].int() != 0 && port["number"].int() == candidate["port"].int();
                    by_number || (!port["name"].is_empty() && port["name"] == candidate["name"])
                });
                let port_name = matching.next_back().map_or("", |port| port["name"].str());
                format!("{shown} ({})", addresses(&slices, port_name))
            }
        };
    }
    match backend.get("resource") {
        Some(resource) => format!(
            "APIGroup: {}, Kind: {}, Name: {}",
            text_or(&resource["apiGroup"], "<none>"),
            resource["kind"].str(),
            resource["name"].str()
        ),
        None => String::new(),
    }
}

/// Describes an ingress class.
pub fn ingress_class(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, false);
    w.field(0, "Controller", object["spec"]["controller"].str());
    let parameters = &object["spec"]["parameters"];
    if !parameters.is_null() {
        w.line(0, "Parameters:");
        super::storage::reference(w, parameters);
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn three_addresses_are_shown_and_the_rest_counted() {
        let endpoint = |ip: &str, ready: bool| value!({"addresses": [ip], "conditions": {"ready": ready}});
        let slice = |endpoints: Vec<Value>| {
            vec![value!({"ports": [{"name": "", "port": 80}], "endpoints": (Value::from(endpoints))})]
        };
        let three = vec![endpoint("a", true), endpoint("b", true), endpoint("c", true)];
        assert_eq!(addresses(&slice(three.clone()), ""), "a:80,b:80,c:80");
        let mut more = three;
        more.push(endpoint("d", false));
        assert_eq!(addresses(&slice(more.clone()), ""), "a:80,b:80,c:80 + 0 more...");
        more.push(endpoint("e", true));
        assert_eq!(addresses(&slice(more), ""), "a:80,b:80,c:80 + 1 more...");
        assert_eq!(addresses(&[], ""), "<none>");
        assert_eq!(addresses(&slice(vec![]), ""), "");
    }
}
