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
    let invalid =
        |rule: &str| format!("rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]");
    let parsed = rules.iter().map(|rule| Rule::parse(rule).ok_or_else(|| invalid(rule)));
    let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
    let annotations = flags.list("annotation");
    if let Some(bad) = annotations.iter().find(|annotation| !annotation.contains('=')) {
        return Err(format!("annotation {bad} is invalid and should be in format key=[value]").into());
    }
    let mut spec = Value::object();
    if !default.is_empty() {
        match default.split(':').collect::<Vec<_>>().as_slice() {
            [service, port] => spec.set("defaultBackend", backend(service, port)),
            _ => return Err("default-backend should be in format servicename:serviceport".into()),
        }
    }
    let tls = tls(&parsed);
    if !tls.is_empty() {
        spec.set("tls", tls);
    }
    for rule in &parsed {
        add_rule(&mut spec, rule);
    }
    if !flags.str("class").is_empty() {
        spec.set("ingressClassName", flags.str("class"));
    }
    let mut object = value!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": spec,
        "status": {"loadBalancer": {}}
    });
    for (key, value) in annotations.iter().filter_map(|annotation| annotation.split_once('=')) {
        object["metadata"]["annotations"].set(key, value);
    }
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create ingress:")?;
    Ok(Outcome::Done)
}

fn backend(service: &str, port: &str) -> Value {
    let port = match generate::int_or_string(port) {
        number @ Value::Int(_) => value!({"number": number}),
        name => value!({"name": name}),
    };
    value!({"service": {"name": service, "port": port}})
}

/// `host/path=service:port[,tls[=secret]]`
struct Rule<'r> {
    host: &'r str,
    path: &'r str,
    service: &'r str,
    port: &'r str,
    /// The secret; empty when the default certificate is wanted.
    tls: Option<&'r str>,
}

impl Rule<'_> {
    fn parse(text: &str) -> Option<Rule<'_>> {
        let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let (text, tls) = text.split_once(',').map_or((text, None), |(text, tls)| (text, Some(tls)));
        let (place, backend) = text.split_once('=')?;
        let (host, path) = place.split_once('/')?;
        let (service, port) = backend.split_once(':')?;
        let (kind, secret) = tls.map_or(("tls", ""), |tls| tls.split_once('=').unwrap_or((tls, "")));
        let fits = host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '*' | '-' | '.'))
            && !path.contains('\n')
            && [service, port, kind].into_iter().all(|part| !part.is_empty() && word(part))
            && word(secret);
        fits.then_some(Rule { host, path, service, port, tls: tls.map(|_| secret) })
    }
}

fn add_rule(spec: &mut Value, rule: &Rule<'_>) {
    let (path, kind) = match rule.path.strip_suffix('*') {
        Some(prefix) => (prefix, "Prefix"),
        None => (rule.path, "Exact"),
    };
    let backend = backend(rule.service, rule.port);
    let path = value!({"path": format!("/{path}"), "pathType": kind, "backend": backend});
    let known = spec["rules"].items().iter().position(|known| known["host"].str() == rule.host);
    if let Some(at) = known {
        spec["rules"][at]["http"]["paths"].push(path);
        return;
    }
    let mut entry = value!({"http": {"paths": [path]}});
    if !rule.host.is_empty() {
        entry.set("host", rule.host);
    }
    spec["rules"].push(entry);
}

/// The secrets with their hosts; a host counts once.
fn tls(rules: &[Rule<'_>]) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    let mut hosts = Vec::new();
    for (host, secret) in rules.iter().filter_map(|rule| Some((rule.host, rule.tls?))) {
        if hosts.contains(&host) {
            continue;
        }
        hosts.push(host);
        if let Some(entry) = entries.iter_mut().find(|entry| entry["secretName"].str() == secret) {
            entry["hosts"].push(host);
            continue;
        }
        let mut entry = Value::object();
        if !host.is_empty() {
            entry.set("hosts", value!([host]));
        }
        if !secret.is_empty() {
            entry.set("secretName", secret);
        }
        if !entry.is_empty() {
            entries.push(entry);
        }
    }
    entries
}
