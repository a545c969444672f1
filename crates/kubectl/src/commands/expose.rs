//! `kubectl expose`: makes a service for the pods behind an object.

use drydock_sorted::SortedMap;

use drydock_value::{Value, value};

use super::create::GENERATOR;
use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{each, generate, overrides};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::NONE,
    GENERATOR,
    &[
        "cluster-ip",
        "external-ip",
        "labels",
        "load-balancer-ip",
        "name",
        "override-type",
        "overrides",
        "port",
        "protocol",
        "selector",
        "session-affinity",
        "target-port",
        "type",
    ],
];

/// A name may be no longer than a label of DNS.
const MAX_NAME: usize = 63;

/// `kubectl expose`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    let args = inv.args.clone();
    let query = Query { labels: None, ..Query::new(inv, io, &args)? };
    let found = builder::find(&query, inv, io)?;
    let mut derived = Derived::default();
    each(found, |info| {
        let (group, kind) = (info.resource.id.group.as_str(), info.resource.kind.as_str());
        let known = [
            ("", "ReplicationController"),
            ("", "Service"),
            ("", "Pod"),
            ("apps", "Deployment"),
            ("apps", "ReplicaSet"),
        ];
        if !known.contains(&(group, kind)) {
            let of = if group.is_empty() { String::new() } else { format!(".{group}") };
            return Err(format!("cannot expose a {kind}{of}").into());
        }
        let mut service = service(inv, &info.object, &info.name, &mut derived)?;
        overrides::apply(inv, &mut service)?;
        generate::in_namespace(inv, io, &mut service)?;
        let created = generate::send(inv, io, service, dry_run)?;
        printing.typed(io, &created, "exposed")
    })?;
    Ok(Outcome::Done)
}

/// What was found out from an object instead of being given: kubectl takes it for the objects after it too.
#[derive(Default)]
struct Derived {
    selector: Option<Value>,
    ports: Option<Vec<String>>,
    labels: Option<Value>,
}

/// What `expose` makes of its flags and the object.
fn service(inv: &Invocation, object: &Value, name: &str, derived: &mut Derived) -> Result<Value, Failure> {
    let flags = &inv.flags;
    let selector = match (flags.str("selector"), &derived.selector) {
        ("", Some(selector)) => selector.clone(),
        ("", None) => selector_of(object).map_err(|why| {
            Failure::Error(format!("couldn't retrieve selectors via --selector flag or introspection: {why}"))
        })?,
        (given, _) => generate::labels(given)?,
    };
    derived.selector = Some(selector.clone());
    let headless = flags.str("cluster-ip") == "None";
    let (there, protocols) = ports_of(object);
    let ports = match flags.str("port") {
        "" if derived.ports.is_some() => derived.ports.clone().unwrap_or_default(),
        "" if there.is_empty() && !headless => {
            return Err("couldn't find port via --port flag or introspection".into());
        }
        "" => there,
        given => given.split(',').map(str::to_owned).collect(),
    };
    derived.ports = Some(ports.clone()).filter(|ports: &Vec<String>| !ports.is_empty());
    let labels = match flags.str("labels") {
        "" => derived.labels.clone().unwrap_or_else(|| object["metadata"]["labels"].clone()),
        given => generate::labels(given)?,
    };
    derived.labels = Some(labels.clone()).filter(|labels| !labels.is_empty());
    let short: String = name.chars().take(MAX_NAME).collect();
    let name = flags.non_empty("name").unwrap_or(&short);
    build(inv, name, labels, selector, &ports, &protocols)
}

/// A service as `expose` and `run --expose` make it.
pub(super) fn build(
    inv: &Invocation,
    name: &str,
    labels: Value,
    selector: Value,
    ports: &[String],
    protocols: &SortedMap<String, String>,
) -> Result<Value, Failure> {
    let text = |flag: &str| if inv.command.flag(flag).is_some() { inv.flags.str(flag) } else { "" };
    let target = text("target-port");
    let mut list = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let number = generate::atoi(port)?;
        let protocol = match text("protocol") {
            "" => protocols.get(port).map_or("TCP", String::as_str),
            given => given,
        };
        let target = if target.is_empty() { Value::from(number) } else { generate::int_or_string(target) };
        let mut port = value!({"port": number, "protocol": protocol, "targetPort": target});
        if ports.len() > 1 {
            port.set("name", format!("port-{}", i + 1));
        }
        list.push(port);
    }
    let mut object = value!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": selector},
        "status": {"loadBalancer": {}}
    });
    if !labels.is_empty() {
        object["metadata"].set("labels", labels);
    }
    let spec = &mut object["spec"];
    if !list.is_empty() {
        spec.set("ports", list);
    }
    for (flag, field) in [("type", "type"), ("cluster-ip", "clusterIP")] {
        if !text(flag).is_empty() {
            spec.set(field, text(flag));
        }
    }
    if text("type") == "LoadBalancer" && !text("load-balancer-ip").is_empty() {
        spec.set("loadBalancerIP", text("load-balancer-ip"));
    }
    if !text("external-ip").is_empty() {
        spec.set("externalIPs", value!([text("external-ip")]));
    }
    match text("session-affinity") {
        "" => {}
        affinity @ ("None" | "ClientIP") => spec.set("sessionAffinity", affinity),
        other => return Err(format!("unknown session affinity: {other}").into()),
    }
    Ok(object)
}

/// The labels that the pods behind an object have.
fn selector_of(object: &Value) -> Result<Value, String> {
    let (labels, none) = match object["kind"].str() {
        "Pod" => (&object["metadata"]["labels"], "the pod has no labels and cannot be exposed"),
        "Service" => (&object["spec"]["selector"], "the service has no pod selector set"),
        "ReplicationController" => (&object["spec"]["selector"], "the replication controller has no pod selector set"),
        kind => {
            let selector = &object["spec"]["selector"];
            if !selector["matchExpressions"].is_empty() {
                let expressions: Vec<String> = selector["matchExpressions"]
                    .items()
                    .iter()
                    .map(|row| {
                        let values: Vec<&str> = row["values"].items().iter().map(Value::str).collect();
                        let (key, operator) = (row["key"].str(), row["operator"].str());
                        format!("{{Key:{key} Operator:{operator} Values:[{}]}}", values.join(" "))
                    })
                    .collect();
                return Err(format!(
                    "couldn't convert expressions - \"[{}]\" to map-based selector format",
                    expressions.join(" ")
                ));
            }
            if selector["matchLabels"].is_empty() {
                return Err(format!("invalid {}: no selectors, therefore cannot be exposed", kind.to_lowercase()));
            }
            (&selector["matchLabels"], "")
        }
    };
    if labels.is_empty() { Err(none.to_owned()) } else { Ok(labels.clone()) }
}

/// The ports of an object's containers (of a service, its own), and their protocols.
fn ports_of(object: &Value) -> (Vec<String>, SortedMap<String, String>) {
    let spec = &object["spec"];
    let (ports, field): (Vec<&Value>, &str) = match object["kind"].str() {
        "Service" => (spec["ports"].items().iter().collect(), "port"),
        kind => {
            let spec = if kind == "Pod" { spec } else { &spec["template"]["spec"] };
            let containers = spec["containers"].items().iter();
            (containers.flat_map(|container| container["ports"].items()).collect(), "containerPort")
        }
    };
    let mut numbers: Vec<String> = Vec::new();
    let mut protocols = SortedMap::new();
    for port in ports {
        let number = port[field].int().to_string();
        let protocol = if port["protocol"].is_empty() { "TCP" } else { port["protocol"].str() };
        protocols.entry(number.clone()).or_insert_with(|| protocol.to_owned());
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    (numbers, protocols)
}
