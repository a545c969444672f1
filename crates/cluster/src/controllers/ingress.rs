//! What ingress-nginx' controller says about Ingresses: that it has heard of them, and where they are reached. Its pod
//! hands the requests on (`runtime/programs/ingress.rs`); while none runs, nobody says anything.

use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_sorted::SortedMap;
use drydock_value::{Str, Value, value};

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::network::ingress::is_ours;
use crate::objects::{Key, Object, moment};
use crate::store::{Kind, kinds};

const NAMESPACE: &str = "ingress-nginx";
const ACTOR: &str = "system:serviceaccount:ingress-nginx:ingress-nginx";
const COMPONENT: &str = "nginx-ingress-controller";
/// How often it writes where Ingresses are reached.
const PERIOD: Duration = Duration::from_secs(60);

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Ingresses {
    /// Which revision and generation of an Ingress the pod has told of.
    told: SortedMap<Key, (Str, i64)>,
    /// The pod.
    pod: Str,
}

fn is_controller(pod: &Object) -> bool {
    *pod.namespace() == *NAMESPACE && pod.label("app.kubernetes.io/component") == "controller"
}

/// The pod that does the work.
fn controller(informers: &Informers) -> Option<Arc<Object>> {
    let mut pods = informers.pods_with_label(NAMESPACE, "app.kubernetes.io/component", "controller");
    pods.find(|pod| pod.pod().ready() && pod.deleting.is_none()).cloned()
}

impl Controller for Ingresses {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::INGRESSES, kinds::INGRESS_CLASSES, kinds::PODS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::INGRESSES {
            return queue.add(change.key());
        }
        if change.kind == kinds::PODS && !is_controller(change.object()) {
            return;
        }
        for ingress in informers.all(kinds::INGRESSES) {
            queue.add(&ingress.key);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let pod = controller(ctx.informers);
        let uid = pod.as_ref().map(|pod| pod.uid.clone()).unwrap_or_default();
        if self.pod != uid {
            (self.pod, self.told) = (uid, SortedMap::new());
        }
        let (Some(pod), Some(ingress)) = (pod, ctx.informers.get(kinds::INGRESSES, key).cloned()) else {
            self.told.remove(key);
            return Ok(Requeue::Done);
        };
        if !is_ours(ctx.informers, &ingress) {
            return Ok(Requeue::Done);
        }
        let source = Source::component(COMPONENT, ACTOR);
        let revision: Str = ingress.resource_version().into();
        let generation = ingress["metadata"]["generation"].int();
        let told = self.told.insert(key.clone(), (revision.clone(), generation));
        if told.as_ref().is_none_or(|(known, _)| *known != revision) {
            ctx.event(&source, &Reference::of(&ingress.value), "Normal", "Sync", "Scheduled for sync");
        }
        if told.is_none_or(|(_, known)| known != generation) {
            let message = "NGINX reload triggered due to a change in configuration";
            ctx.event(&source, &Reference::of(&pod.value), "Normal", "RELOAD", message);
        }
        let ip = pod["status"]["hostIP"].str();
        let wanted = value!([{"ip": ip}]);
        if ip.is_empty() || ingress["status"]["loadBalancer"]["ingress"] == wanted {
            return Ok(Requeue::Done);
        }
        // It looks once a minute, from its start on.
        let begun = pod["status"]["containerStatuses"].items().first().map_or(&Value::Null, |status| &status["state"]);
        let since = moment(&begun["running"]["startedAt"]).map_or(Duration::ZERO, |begun| ctx.now.since(begun));
        let over = since.as_secs() % PERIOD.as_secs();
        if over > 0 && (over != 1 || since < PERIOD) {
            return Ok(Requeue::After(Duration::from_secs(PERIOD.as_secs() - over)));
        }
        let mut updated = ingress.value.clone();
        updated["status"]["loadBalancer"].set("ingress", wanted);
        ignore_absent(ctx.client(ACTOR).update_status(kinds::INGRESSES, ingress.namespace(), updated))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
