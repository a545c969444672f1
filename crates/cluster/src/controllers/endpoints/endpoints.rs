//! Endpoints: all of a service's addresses in one object, ready ones and others, grouped by ports.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_api::Status;
use drydock_value::{Map, Value, value};

use super::{HEADLESS, TRIGGER_TIME, Triggers, headless, hostname, observe_pod, ports, selected};
use super::{service_annotations, service_labels, target_ref};
use crate::controllers::common::{ignore_absent, namespace_terminating};
use crate::controllers::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{DeleteOptions, Kind, kinds};

const NAME: &str = "endpoint-controller";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
/// The most addresses of one object.
const MOST: usize = 1000;

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    triggers: Triggers,
}

/// The ready and the other addresses of one port or set of ports.
#[derive(Debug, Clone, Default, PartialEq)]
struct Addresses {
    ready: Vec<Value>,
    not_ready: Vec<Value>,
}

/// The subsets: ports that have the same addresses stand together.
fn subsets(service: &Object, pods: &[Arc<Object>]) -> (Vec<Value>, bool) {
    let mut by_port: SortedMap<String, (Option<Value>, Addresses)> = SortedMap::new();
    let tolerate = service["spec"]["publishNotReadyAddresses"].is_true();
    let listed: Vec<&Arc<Object>> = pods.iter().filter(|pod| tolerate || pod.deleting.is_none()).collect();
    let truncated = listed.len() > MOST;
    for pod in listed.into_iter().take(MOST) {
        let mut address = value!({"ip": &pod.pod().ip, "targetRef": target_ref(pod)});
        if !pod.pod().node.is_empty() {
            address.set("nodeName", &pod.pod().node);
        }
        if let Some(hostname) = hostname(service, pod) {
            address.set("hostname", hostname);
        }
        let mut found: Vec<Option<Value>> = ports(service, pod).into_iter().map(Some).collect();
        if service["spec"]["ports"].items().is_empty() && headless(service) {
            found.push(None);
        }
        for port in found {
            let port = port.map(|mut port| {
                if port["name"].str().is_empty() {
                    port.remove("name");
                }
                port
            });
            let key = port.as_ref().map(ToString::to_string).unwrap_or_default();
            let (_, addresses) = by_port.entry(key).or_insert_with(|| (port, Addresses::default()));
            let list = if tolerate || pod.pod().ready() { &mut addresses.ready } else { &mut addresses.not_ready };
            list.push(address.clone());
        }
    }
    let mut groups: Vec<(Vec<Value>, Addresses)> = Vec::new();
    for (port, mut addresses) in by_port.into_values() {
        for list in [&mut addresses.ready, &mut addresses.not_ready] {
            list.sort_compact_by(|a, b| by_ip(a).cmp(&by_ip(b)));
        }
        match groups.iter_mut().find(|(_, known)| *known == addresses) {
            Some((ports, _)) => ports.extend(port),
            None => groups.push((port.into_iter().collect(), addresses)),
        }
    }
    let subsets = groups
        .into_iter()
        .map(|(mut ports, addresses)| {
            ports.sort_compact_by(|a, b| {
                a["name"].str().cmp(b["name"].str()).then(a["port"].int().cmp(&b["port"].int()))
            });
            let mut subset = value!({});
            for (field, list) in
                [("addresses", addresses.ready), ("notReadyAddresses", addresses.not_ready), ("ports", ports)]
            {
                if !list.is_empty() {
                    subset.set(field, list);
                }
            }
            subset
        })
        .collect();
    (subsets, truncated)
}

fn by_ip(address: &Value) -> (Option<std::net::IpAddr>, &str) {
    (address["ip"].str().parse().ok(), address["targetRef"]["uid"].str())
}

impl Controller for Endpoints {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::SERVICES, kinds::PODS, kinds::ENDPOINTS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        match change.kind {
            kinds::PODS => observe_pod(change, informers, queue),
            kinds::SERVICES => queue.add(change.key()),
            _ if change.new.is_none() => queue.add(change.key()),
            _ => {}
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let informers = ctx.informers;
        let there = informers.get(kinds::ENDPOINTS, key).cloned();
        let Some(service) = informers.get(kinds::SERVICES, key).cloned() else {
            self.triggers.forget(key);
            if there.is_some() {
                let options = DeleteOptions::default();
                let mut client = ctx.client(&actor(NAME));
                ignore_absent(client.delete(kinds::ENDPOINTS, &key.namespace, &key.name, &options))?;
            }
            return Ok(Requeue::Done);
        };
        let Some(pods) = selected(informers, &service) else { return Ok(Requeue::Done) };
        let trigger = self.triggers.compute(&service, &pods);
        let (subsets, truncated) = subsets(&service, &pods);
        let mut labels = service_labels(&service);
        labels.insert(MANAGED_BY, NAME);
        if headless(&service) {
            labels.insert(HEADLESS, "");
        }
        let mut annotations = service_annotations(&service);
        if truncated {
            annotations.insert(OVER_CAPACITY, "truncated");
        }
        if let Some(there) = &there
            && there["subsets"].items() == subsets
            && *there.labels() == labels
            && there["metadata"]["annotations"][OVER_CAPACITY].is_null() != truncated
        {
            return Ok(Requeue::Done);
        }
        let old_trigger = there.as_ref().and_then(|there| there["metadata"]["annotations"].get(TRIGGER_TIME));
        match (trigger, old_trigger) {
            (Some(at), _) => annotations.insert(TRIGGER_TIME, at.rfc3339()),
            (None, Some(old)) => annotations.insert(TRIGGER_TIME, old),
            (None, None) => None,
        };
        let mut endpoints = match &there {
            Some(there) => there.value.clone(),
            None => value!({"metadata": {"name": &key.name, "namespace": &key.namespace}}),
        };
        endpoints["metadata"].set("labels", Value::Object(labels));
        set_map(&mut endpoints["metadata"], "annotations", annotations);
        if subsets.is_empty() {
            endpoints.remove("subsets");
        } else {
            endpoints.set("subsets", subsets);
        }
        let mut client = ctx.client(&actor(NAME));
        let written = match there {
            Some(_) => client.update(kinds::ENDPOINTS, &key.namespace, endpoints),
            None => client.create(kinds::ENDPOINTS, &key.namespace, endpoints),
        };
        match written {
            Ok(_) => Ok(Requeue::Done),
            Err(status) if namespace_terminating(&status) => Ok(Requeue::Done),
            Err(status) => {
                if status.is("Forbidden") {
                    let about = Reference::of(&service.value);
                    let message = format!("Failed to create endpoint for service {key}: {}", status.message);
                    ctx.event(&source(NAME), &about, "Warning", "FailedToCreateEndpoint", &message);
                }
                Err(status)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn set_map(object: &mut Value, field: &str, map: Map) {
    if map.is_empty() {
        object.remove(field);
    } else {
        object.set(field, map);
    }
}
