//! LimitRanger: defaults for containers, and the least and most that pods and claims may ask for.

use drydock_sorted::SortedMap;

use drydock_api::Status;
use drydock_value::Value;

use super::Attributes;
use crate::kinds;
use crate::server::ApiServer;
use crate::types::Quantity;
use crate::verbs::forbidden;

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Amounts by resource.
pub(super) type Amounts = SortedMap<String, Quantity>;

fn ranges(server: &ApiServer, namespace: &str) -> Vec<Value> {
    server.store.in_namespace(kinds::LIMIT_RANGES, namespace, None).cloned().collect()
}

/// Fills in what containers leave out.
pub(super) fn admit(server: &ApiServer, attributes: &Attributes<'_>, pod: &mut Value) {
    for range in ranges(server, attributes.namespace) {
        let mut defaults: SortedMap<&str, SortedMap<String, Value>> = SortedMap::new();
        for limit in range["spec"]["limits"].items().iter().filter(|limit| limit["type"] == "Container") {
            for (part, key) in [("requests", "defaultRequest"), ("limits", "default")] {
                let part = defaults.entry(part).or_default();
                part.extend(limit[key].entries().map(|(name, amount)| (name.to_owned(), amount.clone())));
            }
        }
        let mut notes: Vec<String> = Vec::new();
        for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
            for at in 0..pod["spec"][list].items().len() {
                let name = pod["spec"][list][at]["name"].str().to_owned();
                for (part, singular) in [("requests", "request"), ("limits", "limit")] {
                    let mut set = Vec::new();
                    for (resource, amount) in defaults.get(part).into_iter().flatten() {
                        if pod["spec"][list][at]["resources"][part].get(resource).is_none() {
                            pod["spec"][list][at]["resources"][part].set(resource, amount);
                            set.push(resource.as_str());
                        }
                    }
                    if !set.is_empty() {
                        notes.push(format!("{} {singular} for {word} {name}", set.join(", ")));
                    }
                }
            }
        }
        if !notes.is_empty() {
            let text = format!("LimitRanger plugin set: {}", notes.join("; "));
            pod["metadata"]["annotations"].set(ANNOTATION, text);
        }
    }
}

pub(super) fn amounts(list: &Value) -> Amounts {
    list.entries().filter_map(|(name, value)| Some((name.to_owned(), Quantity::of(value)?))).collect()
}

fn total(containers: &[Value], part: &str) -> Amounts {
    let mut sum = Amounts::new();
    for container in containers {
        for (name, amount) in amounts(&container["resources"][part]) {
            let entry = sum.entry(name).or_insert_with(Quantity::zero);
            *entry = entry.add(amount);
        }
    }
    sum
}

/// What a whole pod asks for: the sum of its containers and sidecars, or what an init container and the sidecars before
/// it ask for if that is more; what is said of the pod as a whole counts instead.
pub(super) fn pod_total(spec: &Value, part: &str) -> Amounts {
    let mut sum = total(spec["containers"].items(), part);
    let mut most = Amounts::new();
    let mut sidecars = Amounts::new();
    for container in spec["initContainers"].items() {
        let sidecar = container["restartPolicy"] == "Always";
        for (name, amount) in amounts(&container["resources"][part]) {
            let beside = sidecars.entry(name.clone()).or_insert_with(Quantity::zero);
            let together = beside.add(amount);
            if sidecar {
                *beside = together;
                let entry = sum.entry(name.clone()).or_insert_with(Quantity::zero);
                *entry = entry.add(amount);
            }
            let entry = most.entry(name).or_insert(together);
            *entry = (*entry).max(together);
        }
    }
    for (name, amount) in most {
        let entry = sum.entry(name).or_insert_with(Quantity::zero);
        *entry = (*entry).max(amount);
    }
    sum.extend(amounts(&spec["resources"][part]));
    sum
}

/// Refuses what is below the least or above the most.
pub(super) fn validate(server: &ApiServer, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
    for range in ranges(server, attributes.namespace) {
        let mut problems = Vec::new();
        for limit in range["spec"]["limits"].items() {
            let kind = limit["type"].str();
            match (attributes.kind, kind) {
                (kinds::PODS, "Container") => {
                    let spec = &object["spec"];
                    for container in spec["containers"].items().iter().chain(spec["initContainers"].items()) {
                        let resources = &container["resources"];
                        check(
                            limit,
                            kind,
                            &amounts(&resources["requests"]),
                            &amounts(&resources["limits"]),
                            &mut problems,
                        );
                    }
                }
                (kinds::PODS, "Pod") => {
                    let spec = &object["spec"];
                    check(limit, kind, &pod_total(spec, "requests"), &pod_total(spec, "limits"), &mut problems);
                }
                (kinds::PERSISTENT_VOLUME_CLAIMS, "PersistentVolumeClaim") => {
                    let asked = amounts(&object["spec"]["resources"]["requests"]);
                    for (name, least) in amounts(&limit["min"]) {
                        minimum(&name, kind, least, &asked, &Amounts::new(), &mut problems);
                    }
                    for (name, most) in amounts(&limit["max"]) {
                        let text = most.text();
                        match asked.get(&name) {
                            None => problems
                                .push(format!("maximum {name} usage per {kind} is {text}.  No request is specified")),
                            Some(request) if *request > most => problems.push(format!(
                                "maximum {name} usage per {kind} is {text}, but request is {}",
                                request.text()
                            )),
                            Some(_) => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if !problems.is_empty() {
            let why = match problems.as_slice() {
                [one] => one.clone(),
                many => format!("[{}]", many.join(", ")),
            };
            return Err(forbidden(attributes.kind, object["metadata"]["name"].str(), &why));
        }
    }
    Ok(())
}

fn minimum(name: &str, kind: &str, least: Quantity, requests: &Amounts, limits: &Amounts, problems: &mut Vec<String>) {
    let text = least.text();
    match requests.get(name) {
        None => problems.push(format!("minimum {name} usage per {kind} is {text}.  No request is specified")),
        Some(request) if *request < least => {
            problems.push(format!("minimum {name} usage per {kind} is {text}, but request is {}", request.text()));
        }
        Some(_) => {
            if let Some(limit) = limits.get(name).filter(|limit| **limit < least) {
                problems.push(format!("minimum {name} usage per {kind} is {text}, but limit is {}", limit.text()));
            }
        }
    }
}

fn check(limit: &Value, kind: &str, requests: &Amounts, limits: &Amounts, problems: &mut Vec<String>) {
    for (name, least) in amounts(&limit["min"]) {
        minimum(&name, kind, least, requests, limits, problems);
    }
    for (name, most) in amounts(&limit["max"]) {
        let text = most.text();
        match limits.get(&name) {
            None => problems.push(format!("maximum {name} usage per {kind} is {text}.  No limit is specified")),
            Some(limit) if *limit > most => {
                problems.push(format!("maximum {name} usage per {kind} is {text}, but limit is {}", limit.text()));
            }
            Some(_) => {
                if let Some(request) = requests.get(&name).filter(|request| **request > most) {
                    problems
                        .push(format!("maximum {name} usage per {kind} is {text}, but request is {}", request.text()));
                }
            }
        }
    }
    for (name, most) in amounts(&limit["maxLimitRequestRatio"]) {
        let text = format!("{name} max limit to request ratio per {kind} is {}", most.text());
        let there = |amounts: &Amounts| amounts.get(&name).copied().filter(|amount| !amount.is_zero());
        match (there(requests), there(limits)) {
            (None, _) => problems.push(format!("{text}, but no request is specified or request is 0")),
            (_, None) => problems.push(format!("{text}, but no limit is specified or limit is 0")),
            (Some(request), Some(limit)) => {
                let ratio = limit.as_f64() / request.as_f64();
                if ratio > most.as_f64() {
                    problems.push(format!("{text}, but provided ratio is {ratio:.6}"));
                }
            }
        }
    }
}
