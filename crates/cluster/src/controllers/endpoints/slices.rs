//! EndpointSlices: a service's endpoints in portions of a hundred, one set of slices for every set of ports.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_api::Status;
use drydock_value::{Map, Value, value};

use super::{HEADLESS, TRIGGER_TIME, Triggers, headless, hostname, observe_pod, ports, same_set, selected};
use super::{service_annotations, service_labels, target_ref};
use crate::controllers::common::{controller_ref, ignore_absent, namespace_terminating};
use crate::controllers::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{DeleteOptions, Kind, kinds};

const NAME: &str = "endpointslice-controller";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The most endpoints of one slice.
const MOST: usize = 100;

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Slices {
    triggers: Triggers,
}

/// The slices that shall be for one set of ports.
struct Wanted {
    ports: Vec<Value>,
    endpoints: Vec<Value>,
}

fn endpoint(informers: &Informers, service: &Object, pod: &Object) -> Value {
    let (facts, terminating) = (pod.pod(), pod.deleting.is_some());
    let serving = facts.ready();
    let ready = service["spec"]["publishNotReadyAddresses"].is_true() || (serving && !terminating);
    let mut endpoint = value!({
        "addresses": [&facts.ip],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": target_ref(pod)
    });
    if !facts.node.is_empty() {
        endpoint.set("nodeName", &facts.node);
        let node = informers.find(kinds::NODES, "", &facts.node);
        let zone = node.map_or("", |node| node.label("topology.kubernetes.io/zone"));
        if !zone.is_empty() {
            endpoint.set("zone", zone);
        }
    }
    if let Some(hostname) = hostname(service, pod) {
        endpoint.set("hostname", hostname);
    }
    let hints = hints(service["spec"]["trafficDistribution"].str(), &endpoint);
    if !hints.is_empty() {
        endpoint.set("hints", hints);
    }
    endpoint
}

/// Whom an endpoint is for, where traffic shall stay near.
fn hints(distribution: &str, endpoint: &Value) -> Value {
    let near = !distribution.is_empty() && endpoint["conditions"]["ready"].is_true();
    if !near {
        return Value::Null;
    }
    let mut hints = Value::object();
    for (field, from) in [("forZones", "zone"), ("forNodes", "nodeName")] {
        if !endpoint[from].is_empty() && (from == "zone" || distribution == "PreferSameNode") {
            hints.set(field, value!([{"name": &endpoint[from]}]));
        }
    }
    hints
}

impl Slices {
    /// What shall be, by ports.
    fn wanted(informers: &Informers, service: &Object, pods: &[Arc<Object>]) -> Vec<Wanted> {
        let mut by_ports: SortedMap<String, Wanted> = SortedMap::new();
        for pod in pods {
            let ports = ports(service, pod);
            let key = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let wanted = by_ports.entry(key).or_insert_with(|| Wanted { ports, endpoints: Vec::new() });
            wanted.endpoints.push(endpoint(informers, service, pod));
        }
        if by_ports.is_empty() {
            // One slice without anything says that there is a controller and nothing to tell.
            return vec![Wanted { ports: Vec::new(), endpoints: Vec::new() }];
        }
        by_ports.into_values().collect()
    }

    fn labels(service: &Object) -> Map {
        let mut labels = service_labels(service);
        labels.insert(SERVICE_NAME, service.name().clone());
        labels.insert(MANAGED_BY, MANAGER);
        if headless(service) {
            labels.insert(HEADLESS, "");
        }
        labels
    }

    fn create(
        &self,
        ctx: &mut Ctx<'_>,
        service: &Object,
        endpoints: &[Value],
        ports: &[Value],
        stamp: &Map,
    ) -> Result<(), Status> {
        let mut slice = value!({
            "metadata": {
                "generateName": format!("{}-", service.name()),
                "namespace": service.namespace(),
                "labels": Slices::labels(service),
                "ownerReferences": [controller_ref(kinds::SERVICES, &service.value)]
            },
            "addressType": "IPv4",
            "endpoints": endpoints.to_vec(),
            "ports": ports.to_vec()
        });
        if !stamp.is_empty() {
            slice["metadata"].set("annotations", stamp.clone());
        }
        match ctx.client(&actor(NAME)).create(kinds::ENDPOINT_SLICES, service.namespace(), slice) {
            Err(status) if !namespace_terminating(&status) => Err(status),
            _ => Ok(()),
        }
    }
}

impl Controller for Slices {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::SERVICES, kinds::PODS, kinds::ENDPOINT_SLICES, kinds::NODES]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        match change.kind {
            kinds::SERVICES => queue.add(change.key()),
            kinds::PODS => observe_pod(change, informers, queue),
            kinds::NODES => {
                // A zone that changes is written in every endpoint.
                if change.old.is_some() && change.differs(&["metadata", "labels", "topology.kubernetes.io/zone"]) {
                    for service in informers.all(kinds::SERVICES) {
                        queue.add(&service.key);
                    }
                }
            }
            _ => {
                // Somebody else changed or deleted a slice of ours: put it right.
                let slice = change.object();
                let mine = slice.label(MANAGED_BY) == MANAGER;
                if mine && (change.new.is_none() || (change.old.is_some() && change.differs(&["metadata", "labels"]))) {
                    queue.add(&Key::new(slice.namespace(), slice.label(SERVICE_NAME)));
                }
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let informers = ctx.informers;
        let Some(service) = informers.get(kinds::SERVICES, key).cloned() else {
            self.triggers.forget(key);
            return Ok(Requeue::Done);
        };
        let Some(pods) = selected(informers, &service) else { return Ok(Requeue::Done) };
        let trigger = self.triggers.compute(&service, &pods);
        let mut stamp = service_annotations(&service);
        if let Some(at) = trigger {
            stamp.insert(TRIGGER_TIME, at.rfc3339());
        }
        let mut there: Vec<Arc<Object>> = informers
            .slices_of(key)
            .filter(|slice| slice.label(MANAGED_BY) == MANAGER && slice.deleting.is_none())
            .cloned()
            .collect();
        there.sort_compact_by(|a, b| a.created.cmp(&b.created).then_with(|| a.name().cmp(b.name())));
        for wanted in Slices::wanted(informers, &service, &pods) {
            let matching: Vec<Arc<Object>> = {
                let (matching, rest) =
                    there.drain(..).partition(|slice| same_set(slice["ports"].items(), &wanted.ports));
                there = rest;
                matching
            };
            self.settle(ctx, &service, wanted, matching, &stamp, &mut there)?;
        }
        for slice in there {
            let deleted = ctx.client(&actor(NAME)).delete(
                kinds::ENDPOINT_SLICES,
                slice.namespace(),
                slice.name(),
                &DeleteOptions::default(),
            );
            ignore_absent(deleted)?;
        }
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl Slices {
    /// Makes the slices of one set of ports hold what they shall. Endpoints stay in the slice where they are; what is
    /// new fills the gaps. `spare` are slices of other ports that nobody needs any more: they are taken over before a
    /// new one is made.
    fn settle(
        &self,
        ctx: &mut Ctx<'_>,
        service: &Object,
        wanted: Wanted,
        matching: Vec<Arc<Object>>,
        stamp: &Map,
        spare: &mut Vec<Arc<Object>>,
    ) -> Result<(), Status> {
        let mut left = wanted.endpoints;
        let mut plans: Vec<(Arc<Object>, Vec<Value>)> = Vec::new();
        for slice in matching {
            let mut kept = Vec::new();
            for old in slice["endpoints"].items() {
                let same = |new: &Value| new["addresses"] == old["addresses"] && new["targetRef"] == old["targetRef"];
                if let Some(at) = left.iter().position(same) {
                    kept.push(left.remove(at));
                }
            }
            plans.push((slice, kept));
        }
        for (_, kept) in &mut plans {
            let room = MOST.saturating_sub(kept.len()).min(left.len());
            kept.extend(left.drain(..room));
        }
        let mut used = false;
        for (slice, endpoints) in plans {
            if endpoints.is_empty() && (used || !wanted.ports.is_empty()) {
                spare.push(slice);
                continue;
            }
            used = true;
            self.update(ctx, service, &slice, endpoints, &wanted.ports, stamp)?;
        }
        while !left.is_empty() || !used {
            used = true;
            let endpoints: Vec<Value> = left.drain(..left.len().min(MOST)).collect();
            match spare.pop() {
                Some(slice) => self.update(ctx, service, &slice, endpoints, &wanted.ports, stamp)?,
                None => self.create(ctx, service, &endpoints, &wanted.ports, stamp)?,
            }
        }
        Ok(())
    }

    fn update(
        &self,
        ctx: &mut Ctx<'_>,
        service: &Object,
        slice: &Object,
        endpoints: Vec<Value>,
        ports: &[Value],
        stamp: &Map,
    ) -> Result<(), Status> {
        let labels = Value::Object(Slices::labels(service));
        let same = slice["endpoints"].items() == endpoints
            && same_set(slice["ports"].items(), ports)
            && slice["metadata"]["labels"] == labels;
        if same {
            return Ok(());
        }
        let mut updated = slice.value.clone();
        updated["metadata"].set("labels", labels);
        let mut annotations = stamp.clone();
        if let (None, Some(old)) = (stamp.get(TRIGGER_TIME), slice["metadata"]["annotations"].get(TRIGGER_TIME)) {
            annotations.insert(TRIGGER_TIME, old);
        }
        updated["metadata"].set("annotations", annotations);
        updated.set("endpoints", endpoints);
        updated.set("ports", ports.to_vec());
        let written = ctx.client(&actor(NAME)).update(kinds::ENDPOINT_SLICES, slice.namespace(), updated);
        match ignore_absent(written) {
            Err(status) if !status.is("Conflict") => {
                let message = format!(
                    "Error updating Endpoint Slices for Service {}/{}: {}",
                    service.namespace(),
                    service.name(),
                    status.message
                );
                let about = Reference::of(&service.value);
                ctx.event(&source(NAME), &about, "Warning", "FailedToUpdateEndpointSlices", &message);
                Err(status)
            }
            other => other.map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_say_whom_they_are_for() {
        let at = |zone: &str, distribution: &str, ready: bool| {
            let mut endpoint = value!({"conditions": {"ready": ready}, "nodeName": "n"});
            if !zone.is_empty() {
                endpoint.set("zone", zone);
            }
            hints(distribution, &endpoint).to_string()
        };
        let (zone, node) = (r#""forZones":[{"name":"a"}]"#, r#""forNodes":[{"name":"n"}]"#);
        let cases = [
            (("a", "", true), "null".to_owned()),
            (("a", "PreferClose", true), format!("{{{zone}}}")),
            (("a", "PreferSameZone", true), format!("{{{zone}}}")),
            (("a", "PreferSameNode", true), format!("{{{node},{zone}}}")),
            (("", "PreferSameNode", true), format!("{{{node}}}")),
            (("", "PreferSameZone", true), "{}".to_owned()),
            (("a", "PreferSameZone", false), "null".to_owned()),
        ];
        for ((zone, distribution, ready), expected) in cases {
            assert_eq!(at(zone, distribution, ready), expected, "{zone} {distribution} {ready}");
        }
    }
}
