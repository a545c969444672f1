//! Endpoints that somebody wrote by hand, for a service without a selector, are mirrored as EndpointSlices: that is where
//! kube-proxy looks.

use std::sync::Arc;

use drydock_api::Status;
use drydock_value::{Value, value};

use super::TRIGGER_TIME;
use crate::controllers::common::{controller_ref, ignore_absent, namespace_terminating};
use crate::controllers::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{DeleteOptions, Kind, kinds};

const NAME: &str = "endpointslicemirroring-controller";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The most addresses of a subset that are mirrored.
const MOST: usize = 1000;

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Mirror;

/// Whether an object's Endpoints are mirrored at all.
fn mirrored(endpoints: &Object, service: &Object) -> bool {
    endpoints.deleting.is_none()
        && endpoints.label(SKIP) != "true"
        && endpoints.annotation(LEADER).is_empty()
        && service["spec"]["selector"].is_empty()
        && service["spec"]["type"] != "ExternalName"
}

/// The slices that shall be: address type, ports, endpoints.
fn wanted(endpoints: &Object) -> Vec<(&'static str, Value, Vec<Value>)> {
    let mut slices = Vec::new();
    for subset in endpoints["subsets"].items() {
        let ports: Value = subset["ports"]
            .items()
            .iter()
            .map(|port| {
                let protocol = port["protocol"].as_str().unwrap_or("TCP");
                let mut made = value!({"name": port["name"].str(), "port": &port["port"], "protocol": protocol});
                if !port["appProtocol"].is_null() {
                    made.set("appProtocol", &port["appProtocol"]);
                }
                made
            })
            .collect();
        let of = |list: &'static str, ready: bool| {
            subset[list].items().iter().map(move |address| {
                let mut made = value!({"addresses": [&address["ip"]], "conditions": {"ready": ready}});
                for field in ["hostname", "nodeName", "targetRef"] {
                    if !address[field].is_null() {
                        made.set(field, &address[field]);
                    }
                }
                made
            })
        };
        let all: Vec<Value> = of("addresses", true).chain(of("notReadyAddresses", false)).take(MOST).collect();
        let (six, four): (Vec<Value>, Vec<Value>) =
            all.into_iter().partition(|endpoint| endpoint["addresses"][0].str().contains(':'));
        for (kind, endpoints) in [("IPv4", four), ("IPv6", six)] {
            if !endpoints.is_empty() {
                slices.push((kind, ports.clone(), endpoints));
            }
        }
    }
    slices
}

impl Controller for Mirror {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::ENDPOINTS, kinds::SERVICES, kinds::ENDPOINT_SLICES]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        let object = change.object();
        if change.kind != kinds::ENDPOINT_SLICES {
            queue.add(change.key());
        } else if object.label(MANAGED_BY) == MANAGER && (change.new.is_none() || change.old.is_some()) {
            queue.add(&Key::new(object.namespace(), object.label(SERVICE_NAME)));
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let informers = ctx.informers;
        let mut there: Vec<Arc<Object>> = informers
            .slices_of(key)
            .filter(|slice| slice.label(MANAGED_BY) == MANAGER && slice.deleting.is_none())
            .cloned()
            .collect();
        let endpoints = informers.get(kinds::ENDPOINTS, key).cloned();
        let service = informers.get(kinds::SERVICES, key);
        let source = endpoints.zip(service).filter(|(endpoints, service)| mirrored(endpoints, service));
        if let Some((endpoints, _)) = &source {
            for (kind, ports, list) in wanted(endpoints) {
                self.settle(ctx, endpoints, (kind, ports, list), &mut there)?;
            }
        }
        for slice in there {
            let options = DeleteOptions::default();
            let mut client = ctx.client(&actor(NAME));
            ignore_absent(client.delete(kinds::ENDPOINT_SLICES, slice.namespace(), slice.name(), &options))?;
        }
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

impl Mirror {
    /// Makes one slice, out of one that is there if it can be.
    fn settle(
        &self,
        ctx: &mut Ctx<'_>,
        endpoints: &Object,
        (kind, ports, list): (&str, Value, Vec<Value>),
        there: &mut Vec<Arc<Object>>,
    ) -> Result<(), Status> {
        let mut labels = endpoints.labels().clone();
        labels.insert(SERVICE_NAME, endpoints.name().clone());
        labels.insert(MANAGED_BY, MANAGER);
        let mut annotations = endpoints["metadata"]["annotations"].clone();
        for own in [LAST_APPLIED, TRIGGER_TIME] {
            annotations.remove(own);
        }
        let usable = |slice: &Arc<Object>| slice["addressType"] == kind;
        let at = there
            .iter()
            .position(|slice| usable(slice) && slice["ports"] == ports)
            .or_else(|| there.iter().position(usable));
        let mut client = ctx.client(&actor(NAME));
        let written = match at.map(|at| there.remove(at)) {
            Some(slice) => {
                let mut updated = slice.value.clone();
                updated["metadata"].set("labels", labels);
                updated["metadata"].remove("annotations");
                if !annotations.is_empty() {
                    updated["metadata"].set("annotations", annotations);
                }
                updated.set("ports", ports);
                updated.set("endpoints", list);
                if updated == slice.value {
                    return Ok(());
                }
                ignore_absent(client.update(kinds::ENDPOINT_SLICES, slice.namespace(), updated)).map(|_| ())
            }
            None => {
                let mut slice = value!({
                    "metadata": {
                        "generateName": format!("{}-", endpoints.name()),
                        "namespace": endpoints.namespace(),
                        "labels": labels,
                        "ownerReferences": [controller_ref(kinds::ENDPOINTS, &endpoints.value)]
                    },
                    "addressType": kind, "ports": ports, "endpoints": list
                });
                if !annotations.is_empty() {
                    slice["metadata"].set("annotations", annotations);
                }
                client.create(kinds::ENDPOINT_SLICES, endpoints.namespace(), slice).map(|_| ())
            }
        };
        match written {
            Err(status) if !namespace_terminating(&status) => Err(status),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use crate::store::kinds;
    use crate::tests::World;

    #[test]
    fn endpoints_by_hand_become_slices() {
        let mut world = World::new(1);
        world.create(
            kinds::SERVICES,
            value!({"metadata": {"name": "db"}, "spec": {"ports": [{"port": 5432, "protocol": "TCP"}]}}),
        );
        world.create(
            kinds::ENDPOINTS,
            value!({"metadata": {"name": "db", "labels": {"a": "b"}}, "subsets": [{
                "addresses": [{"ip": "10.1.2.3"}], "notReadyAddresses": [{"ip": "10.1.2.4"}],
                "ports": [{"port": 5432, "protocol": "TCP"}]}]}),
        );
        world.run(1.0);
        let slices = |world: &World| {
            let mut all = world.list(kinds::ENDPOINT_SLICES);
            all.retain(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == "db");
            all
        };
        let found = slices(&world);
        assert_eq!(found.len(), 1);
        let shown: Vec<String> = found[0]["endpoints"]
            .items()
            .iter()
            .map(|e| format!("{} {}", e["addresses"][0].str(), e["conditions"]["ready"].is_true()))
            .collect();
        assert_eq!(shown, ["10.1.2.3 true", "10.1.2.4 false"]);
        assert_eq!(found[0]["metadata"]["labels"]["a"], "b");
        assert_eq!(found[0]["metadata"]["ownerReferences"][0]["kind"], "Endpoints");
        // What changes there changes here; a selector takes the service over.
        world.patch(
            kinds::ENDPOINTS,
            "db",
            value!({"subsets": [{"addresses": [{"ip": "10.1.2.9"}], "ports": [{"port": 5432}]}]}),
        );
        world.run(1.0);
        let found = slices(&world);
        assert_eq!((found.len(), found[0]["endpoints"][0]["addresses"][0].str()), (1, "10.1.2.9"));
        world.delete(kinds::ENDPOINTS, "db", &crate::store::DeleteOptions::default());
        world.run(2.0);
        assert!(slices(&world).is_empty());
    }
}
