//! Whether the servers behind APIServices answer, as the aggregator in the API server finds out.

use drydock_api::Status;
use drydock_value::Value;

use super::common::{ignore_absent, new_condition, set_condition};
use super::{Controller, Enqueue, Requeue};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::metrics::is_metrics_server;
use crate::objects::{Key, Object, shared};
use crate::store::{Kind, kinds};

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Availability;

/// The service that an APIService hands requests on to.
fn service_of(object: &Object) -> Option<Key> {
    let service = &object["spec"]["service"];
    (!service.is_null()).then(|| Key::new(shared(&service["namespace"]), shared(&service["name"])))
}

/// Whether the server answers, with reason and words.
fn judge(object: &Object, informers: &Informers) -> (bool, &'static str, String) {
    let Some(key) = service_of(object) else {
        return (true, "Local", "Local APIServices are always available".into());
    };
    let about = format!("service/{} in \"{}\"", key.name, key.namespace);
    let Some(service) = informers.get(kinds::SERVICES, &key) else {
        return (false, "ServiceNotFound", format!("{about} is not present"));
    };
    let wanted = object["spec"]["service"]["port"].as_i64().unwrap_or(443);
    let Some(port) = service["spec"]["ports"].items().iter().find(|port| port["port"].int() == wanted) else {
        return (false, "ServicePortError", format!("{about} is not listening on port {wanted}"));
    };
    let slices: Vec<_> = informers.slices_of(&key).collect();
    if slices.is_empty() {
        return (false, "EndpointsNotFound", format!("cannot find endpoints for {about}"));
    }
    let mut ready = slices
        .iter()
        .filter(|slice| slice["ports"].items().iter().any(|given| given["name"].str() == port["name"].str()))
        .flat_map(|slice| slice["endpoints"].items())
        .filter(|endpoint| endpoint["conditions"]["ready"].is_true());
    if ready.clone().next().is_none() {
        let name = port["name"].str();
        let message = format!("endpoints for {about} have no addresses with port name \"{name}\"");
        return (false, "MissingEndpoints", message);
    }
    let serves = |endpoint: &Value| {
        let pod = informers.find(kinds::PODS, &key.namespace, endpoint["targetRef"]["name"].str());
        pod.is_some_and(|pod| is_metrics_server(pod))
    };
    let spec = &object["spec"];
    let (group, version) = (spec["group"].str(), spec["version"].str());
    if group == "metrics.k8s.io" && version == "v1beta1" && ready.any(serves) {
        return (true, "Passed", "all checks passed".into());
    }
    // The servers of the simulation speak plain HTTP.
    let url = format!("https://{}:{wanted}/apis/{group}/{version}", service["spec"]["clusterIP"].str());
    let message = format!(
        "failing or missing response from {url}: Get \"{url}\": http: server gave HTTP response to HTTPS client"
    );
    (false, "FailedDiscoveryCheck", message)
}

impl Controller for Availability {
    fn name(&self) -> &'static str {
        "apiservice-status-available-controller"
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::API_SERVICES, kinds::SERVICES, kinds::ENDPOINT_SLICES]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::API_SERVICES {
            return queue.add(change.key());
        }
        for object in informers.all(kinds::API_SERVICES) {
            let concerned = service_of(object).is_some_and(|service| {
                let name = match change.kind == kinds::SERVICES {
                    true => change.key().name.as_str(),
                    false => change.object().label("kubernetes.io/service-name"),
                };
                service.namespace == change.key().namespace && service.name == *name
            });
            if concerned {
                queue.add(&object.key);
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(object) = ctx.informers.get(kinds::API_SERVICES, key).cloned() else { return Ok(Requeue::Done) };
        let (available, reason, message) = judge(&object, ctx.informers);
        let status = if available { "True" } else { "False" };
        let mut updated = object.value.clone();
        set_condition(
            &mut updated["status"]["conditions"],
            new_condition("Available", status, reason, &message, ctx.now),
        );
        if updated["status"] != object["status"] {
            ignore_absent(ctx.client("system:apiserver").update_status(kinds::API_SERVICES, "", updated))?;
        }
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
