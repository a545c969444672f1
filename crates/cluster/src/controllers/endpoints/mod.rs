//! Which pods stand behind a Service, written down twice: as EndpointSlices, and as Endpoints for old clients.
//!
//! - this file: what both have in common, which is the pods of a service, their ports, the time of the last change.
//! - `slices` has EndpointSlices, `endpoints` has Endpoints. `mirror` makes slices of Endpoints that others wrote.

#[allow(clippy::module_inception)]
mod endpoints;
mod mirror;
mod slices;

pub use endpoints::Endpoints;
pub use mirror::Mirror;
pub use slices::Slices;

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::{Map, Time, Value, value};

use super::Enqueue;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::kinds;

const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// The pods that a service selects, in order of their addresses' age: oldest pod first.
fn selected(informers: &Informers, service: &Object) -> Option<Vec<Arc<Object>>> {
    let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty())?;
    if service["spec"]["type"] == "ExternalName" {
        return None;
    }
    let (label, value) = selector.iter().next()?;
    let labels_match = |pod: &Object| {
        selector.iter().all(|(label, value)| pod["metadata"]["labels"].get(label).is_some_and(|has| has == value))
    };
    let mut pods: Vec<Arc<Object>> = informers
        .pods_with_label(service.namespace(), label, value.str())
        .filter(|pod| !pod.pod().terminal() && !pod.pod().ip.is_empty() && labels_match(pod))
        .cloned()
        .collect();
    pods.sort_compact_by(|a, b| a.created.cmp(&b.created).then_with(|| a.name().cmp(b.name())));
    Some(pods)
}

/// The ports of a service on one pod: name, number, protocol, application protocol. A port by a name that the pod does
/// not have is left out.
fn ports(service: &Object, pod: &Object) -> Vec<Value> {
    let mut found = Vec::new();
    for port in service["spec"]["ports"].items() {
        let Some(number) = target_port(port, pod) else { continue };
        let mut entry = value!({
            "name": port["name"].str(), "port": number, "protocol": port["protocol"].as_str().unwrap_or("TCP")
        });
        if !port["appProtocol"].is_empty() {
            entry.set("appProtocol", &port["appProtocol"]);
        }
        found.push(entry);
    }
    found
}

fn target_port(port: &Value, pod: &Object) -> Option<i64> {
    let target = &port["targetPort"];
    match target {
        Value::String(name) => {
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            let sidecars =
                pod["spec"]["initContainers"].items().iter().filter(|container| container["restartPolicy"] == "Always");
            pod["spec"]["containers"].items().iter().chain(sidecars).find_map(|container| {
                container["ports"]
                    .items()
                    .iter()
                    .find(|port| {
                        port["name"] == name.as_str() && port["protocol"].as_str().unwrap_or("TCP") == protocol
                    })
                    .map(|port| port["containerPort"].int())
            })
        }
        // Not said: the service's own port.
        _ => Some(target.as_i64().filter(|number| *number != 0).unwrap_or(port["port"].int())),
    }
}

fn target_ref(pod: &Object) -> Value {
    value!({"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": &pod.uid})
}

fn headless(service: &Object) -> bool {
    service["spec"]["clusterIP"] == "None" || service["spec"]["clusterIP"].str().is_empty()
}

/// The service's labels as its endpoints carry them: without those that are the controllers' own.
fn service_labels(service: &Object) -> Map {
    let mut labels = service.labels().clone();
    for own in [
        HEADLESS,
        "kubernetes.io/service-name",
        "endpointslice.kubernetes.io/managed-by",
        "endpoints.kubernetes.io/managed-by",
    ] {
        labels.remove(own);
    }
    labels
}

/// The service's annotations as its endpoints carry them.
fn service_annotations(service: &Object) -> Map {
    let mut annotations = service["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    for own in
        [TRIGGER_TIME, "kubectl.kubernetes.io/last-applied-configuration", "control-plane.alpha.kubernetes.io/leader"]
    {
        annotations.remove(own);
    }
    annotations
}

/// Since when a service's endpoints are what they are: the moment of the change that the controllers react to.
#[derive(Debug, Clone, Default)]
struct Triggers(SortedMap<Key, Seen>);

#[derive(Debug, Clone, Default)]
struct Seen {
    service: Time,
    pods: SortedMap<Key, Time>,
}

impl Triggers {
    /// The moment of the earliest change since the last call, if there was one.
    fn compute(&mut self, service: &Object, pods: &[Arc<Object>]) -> Option<Time> {
        let now: SortedMap<Key, Time> =
            pods.iter().map(|pod| (pod.key.clone(), pod.pod().ready_since.unwrap_or(pod.created))).collect();
        let seen = self.0.entry(service.key.clone()).or_default();
        let mut changed: Vec<Time> =
            now.iter().filter(|(key, at)| seen.pods.get(*key).is_none_or(|old| old < *at)).map(|(_, at)| *at).collect();
        if seen.service < service.created {
            changed.push(service.created);
        }
        *seen = Seen { service: service.created, pods: now };
        changed.into_iter().min()
    }

    fn forget(&mut self, service: &Key) {
        self.0.remove(service);
    }
}

/// Wakes the services that a pod belongs, or belonged to.
fn observe_pod(change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
    if let (Some(old), Some(new)) = (&change.old, &change.new)
        && !endpoint_changed(old, new)
    {
        return;
    }
    let Some(namespace) = [&change.new, &change.old].into_iter().flatten().next().map(|pod| pod.namespace()) else {
        return;
    };
    for service in informers.in_namespace(kinds::SERVICES, namespace) {
        let selects = |pod: &Option<Arc<Object>>| {
            pod.as_ref().is_some_and(|pod| {
                service["spec"]["selector"].as_object().is_some_and(|selector| {
                    !selector.is_empty()
                        && selector.iter().all(|(label, value)| pod["metadata"]["labels"].get(label) == Some(value))
                })
            })
        };
        if selects(&change.old) || selects(&change.new) {
            queue.add(&service.key);
        }
    }
}

/// Whether a change of a pod can change endpoints at all.
fn endpoint_changed(old: &Object, new: &Object) -> bool {
    let (before, after) = (old.pod(), new.pod());
    before.ready() != after.ready()
        || before.ip != after.ip
        || before.node != after.node
        || before.terminal() != after.terminal()
        || old.deleting.is_some() != new.deleting.is_some()
        || old["metadata"]["labels"] != new["metadata"]["labels"]
        || old["spec"]["hostname"] != new["spec"]["hostname"]
}

/// The pod's host name for DNS, when its subdomain is this service.
fn hostname<'a>(service: &Object, pod: &'a Object) -> Option<&'a str> {
    let name = pod["spec"]["hostname"].str();
    (!name.is_empty() && pod["spec"]["subdomain"] == service.name().as_str()).then_some(name)
}

/// Whether two lists differ in their order at most.
fn same_set(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().all(|item| b.contains(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_by_number_or_name() {
        let service = Object::read(
            value!({"spec": {"ports": [
                {"port": 80, "targetPort": "web", "protocol": "TCP"},
                {"name": "b", "port": 81, "protocol": "UDP"},
                {"name": "c", "port": 82, "targetPort": 8082, "appProtocol": "http"},
                {"name": "d", "port": 83, "targetPort": "nope"}
            ]}}),
            false,
        );
        let pod = Object::read(
            value!({"spec": {"containers": [{"ports": [{"name": "web", "containerPort": 8080, "protocol": "TCP"}]}]}}),
            true,
        );
        let found: Vec<String> = ports(&service, &pod).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                r#"{"name":"","port":8080,"protocol":"TCP"}"#,
                r#"{"name":"b","port":81,"protocol":"UDP"}"#,
                r#"{"appProtocol":"http","name":"c","port":8082,"protocol":"TCP"}"#,
            ]
        );
    }
}
