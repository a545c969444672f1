//! `kubectl create service clusterip|nodeport|loadbalancer|externalname`

use drydock_value::{Value, value};

use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// `kubectl create service clusterip`
///
/// # Errors
/// kubectl's own.
pub fn cluster_ip(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    create(inv, io, "ClusterIP")
}

/// `kubectl create service nodeport`
///
/// # Errors
/// kubectl's own.
pub fn node_port(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    create(inv, io, "NodePort")
}

/// `kubectl create service loadbalancer`
///
/// # Errors
/// kubectl's own.
pub fn load_balancer(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    create(inv, io, "LoadBalancer")
}

/// `kubectl create service externalname`
///
/// # Errors
/// kubectl's own.
pub fn external_name(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    create(inv, io, "ExternalName")
}

fn create(inv: &mut Invocation, io: &mut Io<'_>, kind: &str) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let flags = &inv.flags;
    let cluster_ip = flags.str("clusterip");
    let tcp = flags.list("tcp");
    if tcp.is_empty() && kind != "ExternalName" && cluster_ip != "None" {
        return Err("at least one tcp port specifier must be provided".into());
    }
    let mut ports = Vec::new();
    for spec in &tcp {
        ports.push(port(spec, if kind == "NodePort" { flags.int("node-port") } else { 0 })?);
    }
    let external = flags.str("external-name");
    if kind == "ExternalName" && !drydock_schema::names::is_dns1123_subdomain(external).is_empty() {
        return Err(format!("invalid service external name {external}").into());
    }
    let labels = value!({"app": &name});
    let mut object = value!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": &name, "labels": &labels},
        "spec": {"selector": &labels, "type": kind}, "status": {"loadBalancer": {}}
    });
    if !ports.is_empty() {
        object["spec"].set("ports", ports);
    }
    for (flag, field) in [("clusterip", "clusterIP"), ("external-name", "externalName")] {
        if !flags.str(flag).is_empty() {
            object["spec"].set(field, flags.str(flag));
        }
    }
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, &format!("failed to create {kind} service:"))?;
    Ok(Outcome::Done)
}

/// `port` or `port:target`; a target is a number or a name.
fn port(spec: &str, node_port: i64) -> Result<Value, Failure> {
    // What stands behind a second colon is passed over.
    let mut parts = spec.split(':');
    let port_text = parts.next().unwrap_or_default();
    let target_text = parts.next().unwrap_or(port_text);
    let port = number(port_text)?;
    let target = match number(target_text) {
        Ok(target) => {
            // A target that is the port itself is checked by the server, with the port.
            let wrong = drydock_schema::names::is_port_number(target);
            if spec.contains(':') && !wrong.is_empty() {
                return Err(wrong.join(",").into());
            }
            Value::from(target)
        }
        Err(_) => {
            let wrong = drydock_schema::names::is_port_name(target_text);
            if !wrong.is_empty() {
                return Err(wrong.join(",").into());
            }
            Value::from(target_text)
        }
    };
    let mut object = value!({"name": spec.replace(':', "-"), "port": port, "protocol": "TCP", "targetPort": target});
    if node_port != 0 {
        object.set("nodePort", node_port);
    }
    Ok(object)
}

fn number(text: &str) -> Result<i64, Failure> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("strconv.ParseUint: parsing {text:?}: invalid syntax").into());
    }
    text.parse::<u32>()
        .map(i64::from)
        .map_err(|_| format!("strconv.ParseUint: parsing {text:?}: value out of range").into())
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn ports_as_the_flag_has_them() {
        let cases = [
            ("80", Ok(r#"{"name":"80","port":80,"protocol":"TCP","targetPort":80}"#)),
            ("80:8080", Ok(r#"{"name":"80-8080","port":80,"protocol":"TCP","targetPort":8080}"#)),
            ("80:web", Ok(r#"{"name":"80-web","port":80,"protocol":"TCP","targetPort":"web"}"#)),
            ("x", Err("strconv.ParseUint: parsing \"x\": invalid syntax")),
            ("1:2:3", Ok(r#"{"name":"1-2-3","port":1,"protocol":"TCP","targetPort":2}"#)),
            ("80:99999", Err("must be between 1 and 65535, inclusive")),
        ];
        for (spec, expected) in cases {
            let got = port(spec, 0).map(|port| port.to_string()).map_err(|failure| failure.words());
            assert_eq!(got, expected.map(str::to_owned).map_err(str::to_owned), "{spec}");
        }
    }
}
