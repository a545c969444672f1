//! Services and what lies behind and before them.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::cells::{Print, first_three, join, label_selector, labels, or};

pub(super) fn service(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let ports: Vec<String> = spec["ports"]
        .items()
        .iter()
        .map(|port| match port["nodePort"].int() {
            0 => format!("{}/{}", port["port"].int(), port["protocol"].str()),
            node => format!("{}:{node}/{}", port["port"].int(), port["protocol"].str()),
        })
        .collect();
    vec![
        print.name(),
        spec["type"].clone(),
        or(spec["clusterIP"].str(), "<none>").into(),
        external_ip(print).into(),
        or(&ports.join(","), "<none>").into(),
        print.own_age(),
        labels(&spec["selector"]).into(),
    ]
}

fn external_ip(print: &Print<'_>) -> String {
    let spec = print.spec();
    let external = join(&spec["externalIPs"], ",");
    match spec["type"].str() {
        "ClusterIP" | "NodePort" => or(&external, "<none>").to_owned(),
        "LoadBalancer" => {
            let balancer = load_balancer(print.status());
            let all: Vec<&str> = [balancer.as_str(), &external].into_iter().filter(|text| !text.is_empty()).collect();
            or(&all.join(","), "<pending>").to_owned()
        }
        "ExternalName" => spec["externalName"].str().to_owned(),
        _ => "<unknown>".into(),
    }
}

/// The addresses of a load balancer.
fn load_balancer(status: &Value) -> String {
    let mut points: Vec<&str> = status["loadBalancer"]["ingress"]
        .items()
        .iter()
        .map(|point| or(point["ip"].str(), point["hostname"].str()))
        .filter(|text| !text.is_empty())
        .collect();
    points.sort_compact();
    points.dedup();
    points.join(",")
}

pub(super) fn endpoints(print: &Print<'_>) -> Vec<Value> {
    let mut all: Vec<String> = Vec::new();
    for subset in print.object["subsets"].items() {
        let addresses = subset["addresses"].items();
        let ports = subset["ports"].items();
        if ports.is_empty() {
            all.extend(addresses.iter().map(|address| address["ip"].str().to_owned()));
        }
        for port in ports {
            all.extend(addresses.iter().map(|address| join_host_port(address["ip"].str(), port["port"].int())));
        }
    }
    let none = if print.object["subsets"].items().is_empty() { "<none>" } else { "" };
    vec![print.name(), first_three(&all, none).into(), print.own_age()]
}

fn join_host_port(host: &str, port: i64) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

pub(super) fn endpoint_slice(print: &Print<'_>) -> Vec<Value> {
    let ports: Vec<String> = print.object["ports"]
        .items()
        .iter()
        .map(|port| match port["port"].as_i64() {
            Some(number) => number.to_string(),
            None => or(port["name"].str(), "*").to_owned(),
        })
        .collect();
    let addresses: Vec<String> = print.object["endpoints"]
        .items()
        .iter()
        .flat_map(|endpoint| endpoint["addresses"].items())
        .map(|address| address.str().to_owned())
        .collect();
    vec![
        print.name(),
        print.object["addressType"].clone(),
        first_three(&ports, "<unset>").into(),
        first_three(&addresses, "<unset>").into(),
        print.own_age(),
    ]
}

pub(super) fn ingress(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let hosts: Vec<String> = spec["rules"]
        .items()
        .iter()
        .map(|rule| rule["host"].str().to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    let ports = if spec["tls"].items().is_empty() { "80" } else { "80, 443" };
    vec![
        print.name(),
        or(spec["ingressClassName"].str(), "<none>").into(),
        first_three(&hosts, "*").into(),
        load_balancer(print.status()).into(),
        ports.into(),
        print.own_age(),
    ]
}

pub(super) fn ingress_class(print: &Print<'_>) -> Vec<Value> {
    let mut name = print.object["metadata"]["name"].str().to_owned();
    if print.object["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true" {
        name.push_str(" (default)");
    }
    let parameters = &print.spec()["parameters"];
    let text = if parameters.is_null() {
        "<none>".to_owned()
    } else {
        let group = parameters["apiGroup"].str();
        let dot = if group.is_empty() { "" } else { "." };
        format!("{}{dot}{group}/{}", parameters["kind"].str(), parameters["name"].str())
    };
    vec![name.into(), print.spec()["controller"].clone(), text.into(), print.own_age()]
}

pub(super) fn network_policy(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), label_selector(&print.spec()["podSelector"]).into(), print.own_age()]
}

pub(super) fn ip_address(print: &Print<'_>) -> Vec<Value> {
    let parent = &print.spec()["parentRef"];
    let group = parent["group"].str();
    let dot = if group.is_empty() { "" } else { "." };
    let mut text = format!("{}{dot}{group}/", parent["resource"].str());
    if !parent["namespace"].str().is_empty() {
        text.push_str(parent["namespace"].str());
        text.push('/');
    }
    text.push_str(parent["name"].str());
    vec![print.name(), text.into()]
}

pub(super) fn service_cidr(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), join(&print.spec()["cidrs"], ",").into(), print.own_age()]
}
