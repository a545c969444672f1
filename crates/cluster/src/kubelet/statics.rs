//! Static pods: those that a kubelet starts from files on its node. The API server shows each as a mirror, which comes
//! back when it is deleted, and whose deletion ends nothing.

use drydock_value::{Value, value};

use super::Kubelet;
use crate::ctx::Ctx;
use crate::faults::{FaultWake, Part};
use crate::objects::{Key, Object};
use crate::queue::Event;
use crate::store::{DeleteOptions, kinds};

impl Kubelet {
    /// The kubelet of a cluster that runs its own system: it has the system's images, and starts `manifests`.
    pub(crate) fn with_system(mut self, manifests: Vec<Value>) -> Kubelet {
        self.system = true;
        self.manifests = manifests;
        self
    }

    /// Takes the images that came with the machine, and starts what its files name.
    pub(super) fn start_system(&mut self, ctx: &mut Ctx<'_>) {
        if !self.system {
            return;
        }
        for name in crate::system::images(&ctx.api.config().provisioner) {
            if let Ok(reference) = crate::runtime::Reference::parse(name)
                && let Ok(image) = ctx.network.registry.pull(&reference)
            {
                self.runtime.keep_image(&reference, image);
            }
        }
        for at in 0..self.manifests.len() {
            self.make_mirror(at, ctx);
        }
    }

    /// Says that a container has started or ended, if it is one of the control plane's.
    pub(super) fn tell_part(&self, pod: &Object, container: &str, runs: bool, ctx: &mut Ctx<'_>) {
        let is_static = !pod.annotation("kubernetes.io/config.mirror").is_empty();
        if let Some(part) = Part::of_container(container).filter(|_| self.system && is_static) {
            ctx.queue.soon(Event::Fault(FaultWake::Container(part, runs)));
        }
    }

    /// The place of a pod among the static ones.
    pub(super) fn static_pod(&self, key: &Key) -> Option<usize> {
        self.manifests.iter().position(|manifest| {
            let metadata = &manifest["metadata"];
            metadata["name"] == *key.name && metadata["namespace"] == *key.namespace
        })
    }

    /// Shows a static pod to the API server. False when that does not answer.
    pub(super) fn make_mirror(&self, at: usize, ctx: &mut Ctx<'_>) -> bool {
        let mut pod = self.manifests[at].clone();
        let actor = self.source.actor.to_string();
        let name = self.config.name.as_str();
        let node = ctx.client(&actor).get(kinds::NODES, "", name).unwrap_or_default();
        let metadata = &mut pod["metadata"];
        metadata["annotations"].set("kubernetes.io/config.seen", ctx.now.rfc3339_nanos());
        metadata.set(
            "ownerReferences",
            value!([{
                "apiVersion": "v1", "controller": true, "kind": "Node", "name": name, "uid": &node["metadata"]["uid"]
            }]),
        );
        let namespace = metadata["namespace"].str().to_owned();
        // Refused, the next look at the pod tries again.
        let made = ctx.client(&actor).create(kinds::PODS, &namespace, pod);
        made.is_ok() || ctx.client(&actor).get(kinds::NODES, "", name).is_ok()
    }

    /// Keeps the mirror of a static pod there. True when there is nothing else to do about the change.
    pub(super) fn keep_mirror(&mut self, at: usize, pod: Option<&Object>, ctx: &mut Ctx<'_>) -> bool {
        match pod {
            Some(pod) if pod.deleting.is_some() => {
                let actor = self.source.actor.to_string();
                let options = DeleteOptions::now().of_uid(pod.uid.as_str());
                let _ = ctx.client(&actor).delete(kinds::PODS, pod.namespace(), pod.name(), &options);
                true
            }
            Some(_) => false,
            None => {
                self.make_mirror(at, ctx);
                true
            }
        }
    }
}
