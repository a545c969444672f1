//! `kubectl create ingress`

use drydock_value::{Value, value};

use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let flags = &inv.flags;
    let (rules, default) = (flags.list("rule"), flags.str("default-backend"));
    if default.is_empty() && rules.is_empty() {
        return Err("not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)".into());
    }
    let mut spec = Value::object();
    for rule in &rules {
        add_rule(&mut spec, rule)?;
    }
    if !default.is_empty() {
        let Some((service, port)) = default.split_once(':').filter(|(a, b)| !a.is_empty() && is_port(b)) else {
            return Err("default-backend should be in format servicename:serviceport".into());
        };
        spec.set("defaultBackend", backend(service, port));
    }
    if !flags.str("class").is_empty() {
        spec.set("ingressClassName", flags.str("class"));
    }
    let mut object = value!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec,
        "status": {"loadBalancer": {}}
    });
    for annotation in flags.list("annotation") {
        let Some((key, value)) = annotation.split_once('=') else {
            return Err(format!("annotation {annotation} is invalid and should be in format key=[value]").into());
        };
        object["metadata"]["annotations"].set(key, value);
    }
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create ingress:")?;
    Ok(Outcome::Done)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && !text.contains([':', '/', ','])
}

fn backend(service: &str, port: &str) -> Value {
    let port = match generate::int_or_string(port) {
        number @ Value::Int(_) => value!({"number": number}),
        name => value!({"name": name}),
    };
    value!({"service": {"name": service, "port": port}})
}

/// Adds `host/path=service:port[,tls[=secret]]`.
fn add_rule(spec: &mut Value, rule: &str) -> Result<(), Failure> {
    let invalid = || format!("rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]");
    let (place, rest) = rule.split_once('=').ok_or_else(invalid)?;
    let (host, path) = place.split_once('/').ok_or_else(invalid)?;
    let (service, rest) = rest.split_once(':').ok_or_else(invalid)?;
    let (port, tls) = rest.split_once(',').map_or((rest, None), |(port, tls)| (port, Some(tls)));
    if service.is_empty() || !is_port(port) {
        return Err(invalid().into());
    }
    let (path, kind) = match path.strip_suffix('*') {
        Some(prefix) => (prefix, "Prefix"),
        None => (path, "Exact"),
    };
    let path = value!({"path": format!("/{path}"), "pathType": kind, "backend": backend(service, port)});
    let known = spec["rules"].items().iter().position(|rule| rule["host"].str() == host);
    match known {
        Some(at) => spec["rules"][at]["http"]["paths"].push(path),
        None => {
            let mut rule = value!({"http": {"paths": [path]}});
            if !host.is_empty() {
                rule.set("host", host);
            }
            spec["rules"].push(rule);
        }
    }
    let secret = match tls.map(|tls| tls.split_once('=').unwrap_or((tls, ""))) {
        None => return Ok(()),
        Some(("tls", secret)) => secret,
        Some(_) => return Err(invalid().into()),
    };
    if host.is_empty() && secret.is_empty() {
        return Ok(());
    }
    let known = spec["tls"].items().iter().position(|tls| tls["secretName"].str() == secret);
    match known {
        Some(at) if spec["tls"][at]["hosts"].items().iter().any(|known| known == host) => {}
        Some(at) if !host.is_empty() => spec["tls"][at]["hosts"].push(host),
        Some(_) => {}
        None => {
            let mut entry = Value::object();
            if !host.is_empty() {
                entry.set("hosts", value!([host]));
            }
            if !secret.is_empty() {
                entry.set("secretName", secret);
            }
            spec["tls"].push(entry);
        }
    }
    Ok(())
}
