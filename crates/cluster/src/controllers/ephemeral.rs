//! Claims of pods' own: for each volume that brings its claim along (`ephemeral`), the claim is made, and the pod owns it.

use drydock_api::Status;
use drydock_value::{Str, Value, value};

use super::common::controller_ref;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::scheduler::volumes::{claims, not_for};
use crate::store::{Kind, kinds};

const NAME: &str = "ephemeral-volume-controller";

/// The controller. Keys are pods.
#[derive(Debug, Clone, Default)]
pub struct EphemeralVolumes;

fn claim_of(pod: &Object, name: &Str, volume: &Value) -> Value {
    let template = &volume["ephemeral"]["volumeClaimTemplate"];
    let mut metadata = value!({
        "name": name, "namespace": pod.namespace(), "ownerReferences": [controller_ref(kinds::PODS, &pod.value)]
    });
    for field in ["labels", "annotations"] {
        if !template["metadata"][field].is_empty() {
            metadata.set(field, &template["metadata"][field]);
        }
    }
    value!({"metadata": metadata, "spec": &template["spec"]})
}

impl Controller for EphemeralVolumes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::PODS, kinds::PERSISTENT_VOLUME_CLAIMS]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        match (&change.old, &change.new) {
            (None, Some(pod)) if change.kind == kinds::PODS => {
                let volumes = pod["spec"]["volumes"].items();
                if volumes.iter().any(|volume| !volume["ephemeral"].is_null()) {
                    queue.add(&pod.key);
                }
            }
            // A claim that is gone is made again for a pod that is there.
            (Some(claim), None) if change.kind != kinds::PODS => {
                if let Some(owner) = claim.controller().filter(|owner| owner.kind == "Pod") {
                    queue.add(&Key::new(claim.namespace(), &owner.name));
                }
            }
            _ => {}
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let pod = ctx.informers.get(kinds::PODS, key).filter(|pod| pod.deleting.is_none()).cloned();
        let Some(pod) = pod else { return Ok(Requeue::Done) };
        let names = claims(&pod.value).into_iter().filter_map(|(name, own)| own.then_some(name));
        let volumes = pod["spec"]["volumes"].items().iter().filter(|volume| !volume["ephemeral"].is_null());
        for (name, volume) in names.zip(volumes) {
            let failure = match ctx.informers.find(kinds::PERSISTENT_VOLUME_CLAIMS, pod.namespace(), &name) {
                Some(claim) => not_for(&pod, claim),
                None => {
                    let claim = claim_of(&pod, &name, volume);
                    let mut client = ctx.client(&actor(NAME));
                    let made = client.create(kinds::PERSISTENT_VOLUME_CLAIMS, pod.namespace(), claim);
                    made.err().map(|status| format!("create PVC {name}: {}", status.message))
                }
            };
            if let Some(why) = failure {
                let source = Source::component("ephemeral_volume", &actor(NAME));
                let message = format!("ephemeral volume {}: {why}", volume["name"].str());
                ctx.event(&source, &Reference::of(&pod.value), "Warning", "FailedBinding", &message);
                return Ok(Requeue::Limited);
            }
        }
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
