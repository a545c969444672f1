//! ResourceQuota: what a request adds must fit under every quota of its namespace; what it adds is noted there at once.
//!
//! A quota counts only from when its controller has counted what is there (`status.hard`).

use drydock_sorted::SortedMap;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value};

use super::{Attributes, Operation};
use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::types::Quantity;
use crate::verbs::{Cx, forbidden};

/// Amounts by the names that quotas use.
type Usage = SortedMap<String, Quantity>;

fn add(usage: &mut Usage, name: impl Into<String>, amount: Quantity) {
    usage.entry(name.into()).and_modify(|sum| *sum = sum.add(amount)).or_insert(amount);
}

/// Requests and limits of a pod, under the names that quotas use. One that has ended uses nothing, nor one that should
/// be gone for as long again as it had to go.
fn of_pod(pod: &Value, now: Time) -> Usage {
    let mut usage = Usage::new();
    let metadata = &pod["metadata"];
    let going = metadata["deletionTimestamp"].as_str().and_then(Time::parse_rfc3339);
    let grace = metadata["deletionGracePeriodSeconds"].as_i64().and_then(|seconds| u64::try_from(seconds).ok());
    let overdue = going.zip(grace).is_some_and(|(at, grace)| at + Duration::from_secs(grace) < now);
    if overdue || matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed") {
        return usage;
    }
    add(&mut usage, "pods", Quantity::count(1));
    for part in ["requests", "limits"] {
        let mut total = super::limits::pod_total(&pod["spec"], part);
        for (name, amount) in super::limits::amounts(&pod["spec"]["overhead"]) {
            // What has no limit has none with overhead either.
            if part == "requests" || total.contains_key(&name) {
                add(&mut total, name, amount);
            }
        }
        for (name, amount) in total {
            // The plain names mean requests.
            let plain = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage");
            let pages = name.starts_with("hugepages-");
            if part == "requests" && (plain || pages) {
                add(&mut usage, name.clone(), amount);
            }
            if part == "requests" || plain {
                add(&mut usage, format!("{part}.{name}"), amount);
            }
        }
    }
    usage
}

fn of_service(service: &Value) -> Usage {
    let spec = &service["spec"];
    let ports = spec["ports"].items();
    let count = |number: usize| Quantity::count(i64::try_from(number).unwrap_or(i64::MAX));
    let mut usage = Usage::new();
    add(&mut usage, "services", Quantity::count(1));
    match spec["type"].str() {
        "NodePort" => add(&mut usage, "services.nodeports", count(ports.len())),
        "LoadBalancer" => {
            add(&mut usage, "services.loadbalancers", Quantity::count(1));
            let open = ports.iter().filter(|port| port["nodePort"].int() > 0).count();
            add(&mut usage, "services.nodeports", count(open));
        }
        _ => {}
    }
    usage
}

fn of_claim(claim: &Value) -> Usage {
    let spec = &claim["spec"];
    let class = spec["storageClassName"].str();
    let mut usage = Usage::new();
    add(&mut usage, "persistentvolumeclaims", Quantity::count(1));
    if !class.is_empty() {
        add(&mut usage, format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), Quantity::count(1));
    }
    if let Some(size) = Quantity::of(&spec["resources"]["requests"]["storage"]) {
        // While a volume grows, or could not, it may be larger than what is asked for.
        let size = Quantity::of(&claim["status"]["allocatedResources"]["storage"]).map_or(size, |has| has.max(size));
        add(&mut usage, "requests.storage", size);
        if !class.is_empty() {
            add(&mut usage, format!("{class}.storageclass.storage.k8s.io/requests.storage"), size);
        }
    }
    usage
}

fn usage(kind: Kind, object: &Value, now: Time) -> Usage {
    let mut usage = match kind {
        kinds::PODS => of_pod(object, now),
        kinds::SERVICES => of_service(object),
        kinds::PERSISTENT_VOLUME_CLAIMS => of_claim(object),
        kinds::CONFIG_MAPS | kinds::SECRETS | kinds::REPLICATION_CONTROLLERS | kinds::RESOURCE_QUOTAS => {
            [(kind.info().resource.to_owned(), Quantity::count(1))].into_iter().collect()
        }
        _ => Usage::new(),
    };
    add(&mut usage, format!("count/{}", kind.group_resource()), Quantity::count(1));
    usage
}

/// What objects of one kind use of what a quota limits, by its names.
pub fn used(quota: &Value, kind: Kind, objects: &mut dyn Iterator<Item = &Value>, now: Time) -> Vec<(String, String)> {
    let hard = &quota["spec"]["hard"];
    let mut sum = Usage::new();
    for object in objects.filter(|object| counts(quota, kind, object)) {
        for (name, amount) in usage(kind, object, now) {
            if hard.get(&name).is_some() {
                add(&mut sum, name, amount);
            }
        }
    }
    sum.into_iter().map(|(name, amount)| (name, amount.text())).collect()
}

/// Whether one of a pod's or claim's class names is what a scope asks for.
fn class_in_scope(names: &[&str], operator: &str, values: &Value) -> bool {
    let names = || names.iter().filter(|name| !name.is_empty());
    let listed = |name: &&str| values.items().iter().any(|value| value == *name);
    match operator {
        "In" => names().any(listed),
        "NotIn" => names().next().is_none() || names().any(|name| !listed(name)),
        "DoesNotExist" => names().next().is_none(),
        _ => names().next().is_some(),
    }
}

/// Whether an object is one that a quota with scopes counts.
fn in_scope(kind: Kind, object: &Value, scope: &str, operator: &str, values: &Value) -> bool {
    if kind == kinds::PERSISTENT_VOLUME_CLAIMS && scope == "VolumeAttributesClass" {
        let status = &object["status"];
        let names = [
            object["spec"]["volumeAttributesClassName"].str(),
            status["currentVolumeAttributesClassName"].str(),
            status["modifyVolumeStatus"]["targetVolumeAttributesClassName"].str(),
        ];
        return class_in_scope(&names, operator, values);
    }
    if kind != kinds::PODS {
        return false;
    }
    let spec = &object["spec"];
    let ends = spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0);
    let best_effort = object["status"]["qosClass"] == "BestEffort";
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => class_in_scope(&[spec["priorityClassName"].str()], operator, values),
        "CrossNamespacePodAffinity" => ["podAffinity", "podAntiAffinity"].iter().any(|key| {
            let terms = &spec["affinity"][*key];
            let required = terms["requiredDuringSchedulingIgnoredDuringExecution"].items().iter();
            let preferred = terms["preferredDuringSchedulingIgnoredDuringExecution"].items().iter();
            required
                .chain(preferred.map(|term| &term["podAffinityTerm"]))
                .any(|term| !term["namespaces"].is_empty() || !term["namespaceSelector"].is_null())
        }),
        _ => false,
    }
}

fn counts(quota: &Value, kind: Kind, object: &Value) -> bool {
    let spec = &quota["spec"];
    spec["scopes"].items().iter().all(|scope| in_scope(kind, object, scope.str(), "Exists", &Value::Null))
        && spec["scopeSelector"]["matchExpressions"].items().iter().all(|expression| {
            in_scope(kind, object, expression["scopeName"].str(), expression["operator"].str(), &expression["values"])
        })
}

/// Processors and memory that a quota limits must be asked for by every container.
fn unspecified(quota: &Value, pod: &Value) -> Option<String> {
    let mut missing = Vec::new();
    for (name, _) in quota["status"]["hard"].entries() {
        let (part, resource) = match name {
            "cpu" | "memory" => ("requests", name),
            _ => match name.split_once('.') {
                Some((part @ ("requests" | "limits"), resource @ ("cpu" | "memory"))) => (part, resource),
                _ => continue,
            },
        };
        let containers = pod["spec"]["containers"].items().iter().chain(pod["spec"]["initContainers"].items());
        let without: Vec<&str> = containers
            .filter(|container| container["resources"][part].get(resource).is_none())
            .map(|container| container["name"].str())
            .collect();
        if !without.is_empty() {
            missing.push(format!("{name} for: {}", without.join(",")));
        }
    }
    (!missing.is_empty()).then(|| missing.join("; "))
}

fn listed(usage: &Usage) -> String {
    usage.iter().map(|(name, amount)| format!("{name}={}", amount.text())).collect::<Vec<_>>().join(",")
}

/// Refuses what does not fit, and notes what does.
pub(super) fn charge(
    server: &mut ApiServer,
    cx: &Cx,
    attributes: &Attributes<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    let kind = attributes.kind;
    let matters = match (attributes.operation, attributes.subresource) {
        (Operation::Create, "") => true,
        (Operation::Update, "") => matches!(kind, kinds::SERVICES | kinds::PERSISTENT_VOLUME_CLAIMS),
        (Operation::Update, "resize") => true,
        _ => false,
    };
    if !matters || !kind.namespaced() || server.store.count_in(kinds::RESOURCE_QUOTAS, attributes.namespace) == 0 {
        return Ok(());
    }
    let quotas: Vec<Value> = server
        .store
        .in_namespace(kinds::RESOURCE_QUOTAS, attributes.namespace, None)
        .filter(|quota| !quota["status"]["hard"].is_empty() && counts(quota, kind, object))
        .cloned()
        .collect();
    let name = object["metadata"]["name"].str();
    if kind == kinds::PODS {
        for quota in &quotas {
            if let Some(missing) = unspecified(quota, object) {
                let why = format!("failed quota: {}: must specify {missing}", quota["metadata"]["name"].str());
                return Err(forbidden(kind, name, &why));
            }
        }
    }
    let mut delta = usage(kind, object, server.now);
    for quota in &quotas {
        let status = &quota["status"];
        let uncounted = |name: &&String| status["hard"].get(name).is_some() && status["used"].get(name).is_none();
        let missing: Vec<&str> = delta.keys().filter(uncounted).map(String::as_str).collect();
        if !missing.is_empty() {
            let quota = quota["metadata"]["name"].str();
            let why = format!("status unknown for quota: {quota}, resources: {}", missing.join(","));
            return Err(forbidden(kind, name, &why));
        }
    }
    for (resource, amount) in old.map(|old| usage(kind, old, server.now)).unwrap_or_default() {
        if let Some(sum) = delta.get_mut(&resource) {
            *sum = sum.sub(amount);
        }
    }
    delta.retain(|_, amount| !amount.is_zero() && !amount.is_negative());
    let mut charged = Vec::new();
    for quota in quotas {
        let status = &quota["status"];
        let (mut requested, mut used, mut limited) = (Usage::new(), Usage::new(), Usage::new());
        let mut after = status["used"].clone();
        let mut changed = false;
        for (resource, amount) in &delta {
            let Some(hard) = status["hard"].get(resource).and_then(Quantity::of) else { continue };
            let before = Quantity::of(&status["used"][resource.as_str()]).unwrap_or_else(Quantity::zero);
            let sum = before.add(*amount);
            if sum > hard {
                requested.insert(resource.clone(), *amount);
                used.insert(resource.clone(), before);
                limited.insert(resource.clone(), hard);
            }
            after.set(resource.as_str(), sum.text());
            changed = true;
        }
        if !requested.is_empty() {
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                quota["metadata"]["name"].str(),
                listed(&requested),
                listed(&used),
                listed(&limited)
            );
            return Err(forbidden(kind, name, &why));
        }
        if changed {
            let mut quota = quota;
            quota["status"].set("used", after);
            charged.push(quota);
        }
    }
    if !cx.dry_run {
        for quota in charged {
            server.store.put(kinds::RESOURCE_QUOTAS, quota)?;
        }
    }
    Ok(())
}
