//! What changes in the cluster mean to the scheduler: pods to place, pods that count, and whom a change may help.

use std::sync::Arc;

use drydock_value::{Str, Time};

use super::pod::PodInfo;
use super::queue::Queued;
use super::state::NodeInfo;
use super::volumes::Binding;
use super::{ACTOR, NAME, Scheduler, filters};
use crate::controllers::volumes as binder;
use crate::ctx::Ctx;
use crate::informers::Change;
use crate::objects::{Key, Object};
use crate::store::kinds;

/// Promises claims the volumes that were found for them, and notes in the others on which node theirs are to be made.
pub(super) fn prepare_claims(ctx: &mut Ctx<'_>, bindings: &[Binding], node: &Str) {
    for (key, volume) in bindings {
        let mut client = ctx.client(ACTOR);
        let Ok(mut claim) = client.get(kinds::PERSISTENT_VOLUME_CLAIMS, &key.namespace, &key.name) else { continue };
        let Some(volume) = volume else {
            claim["metadata"]["annotations"].set(binder::SELECTED_NODE, node.clone());
            let _ = client.update(kinds::PERSISTENT_VOLUME_CLAIMS, &key.namespace, claim);
            continue;
        };
        let Ok(mut volume) = client.get(kinds::PERSISTENT_VOLUMES, "", volume) else { continue };
        if volume["spec"]["claimRef"].is_null() {
            volume["metadata"]["annotations"].set(binder::BOUND_BY_CONTROLLER, "yes");
        }
        volume["spec"].set("claimRef", binder::claim_ref(&Object::read(claim, false)));
        let _ = client.update(kinds::PERSISTENT_VOLUMES, "", volume);
    }
}

/// What a change may make possible.
enum Help<'c> {
    /// A pod left a node, or asks for less.
    Room,
    /// A pod is on a node with these labels, or no more: affinity and spreading may come out differently.
    Neighbours,
    /// A node came or changed.
    Node(&'c NodeInfo, Option<&'c NodeInfo>),
    /// A claim, volume or class changed.
    Volumes,
}

impl Help<'_> {
    /// Whether it may help a waiting pod.
    fn helps(&self, queued: &Queued) -> bool {
        let rejected = |plugin: &str| queued.rejectors.contains(plugin);
        match self {
            Help::Room => {
                rejected("NodeResourcesFit")
                    || rejected("NodePorts")
                    || rejected("PodTopologySpread")
                    || rejected("InterPodAffinity")
                    || rejected("VolumeRestrictions")
            }
            Help::Neighbours => rejected("PodTopologySpread") || rejected("InterPodAffinity"),
            Help::Volumes => ["VolumeBinding", "VolumeRestrictions", "VolumeZone"].into_iter().any(rejected),
            Help::Node(now, before) => {
                queued.rejectors.is_empty()
                    || ["PodTopologySpread", "InterPodAffinity", "VolumeBinding", "VolumeZone"]
                        .into_iter()
                        .any(rejected)
                    || may_fit(&queued.pod, now) && before.is_none_or(|before| !may_fit(&queued.pod, before))
            }
        }
    }
}

/// Whether a node would take a pod as far as the node itself is concerned.
fn may_fit(pod: &PodInfo, node: &NodeInfo) -> bool {
    filters::node_alone(pod, node).is_none()
}

impl Scheduler {
    /// Whether a pod is this scheduler's to place.
    fn mine(pod: &Object) -> bool {
        pod["spec"]["schedulerName"] == NAME && pod.deleting.is_none() && !pod.pod().terminal()
    }

    pub(super) fn observe_pod(&mut self, change: &Change, ctx: &mut Ctx<'_>) {
        let key = change.key().clone();
        let gone = change.new.as_ref().filter(|pod| !pod.pod().terminal());
        let Some(pod) = gone else {
            self.queue.remove(&key);
            self.denominate(&key);
            self.binding.remove(&key);
            if self.state.remove_pod(&key).is_some() {
                self.queue.wake(ctx.now, |queued| Help::Room.helps(queued));
            }
            return;
        };
        if !pod.pod().node.is_empty() {
            self.observe_bound(change, pod, ctx);
        } else if Scheduler::mine(pod) {
            self.observe_unbound(change, pod, ctx);
        } else {
            self.queue.remove(&key);
        }
    }

    /// A pod that has a node: it counts there.
    fn observe_bound(&mut self, change: &Change, pod: &Arc<Object>, ctx: &mut Ctx<'_>) {
        let key = &pod.key;
        self.queue.remove(key);
        self.denominate(key);
        let known = self.state.pod(key);
        let at_node = self.state.node_of(key).map(|at| self.state.node(at).name.clone());
        let same = known.is_some_and(|known| {
            at_node.as_ref() == Some(&pod.pod().node)
                && known.object.uid == pod.uid
                && known.object.deleting.is_some() == pod.deleting.is_some()
                && known.object["metadata"]["labels"] == pod["metadata"]["labels"]
                && (known.spec().ptr_eq(&pod["spec"]) || same_needs(known.spec(), &pod["spec"]))
        });
        if same {
            return;
        }
        let was_there = known.is_some();
        let info = self.read(pod, ctx.informers);
        let less = known.is_some_and(|known| {
            info.requests.cpu < known.requests.cpu || info.requests.memory < known.requests.memory
        });
        self.state.set_pod(&pod.pod().node, info);
        let help = if less { Help::Room } else { Help::Neighbours };
        // Being confirmed where it was assumed to be helps nobody.
        if less || !was_there || change.differs(&["metadata", "labels"]) || pod.deleting.is_some() {
            self.queue.wake(ctx.now, |queued| help.helps(queued));
        }
    }

    /// A pod that has none yet.
    fn observe_unbound(&mut self, change: &Change, pod: &Arc<Object>, ctx: &mut Ctx<'_>) {
        // Its node is known already; the API server will say so.
        if self.state.pod(&pod.key).is_some_and(|known| known.object.uid == pod.uid) {
            return;
        }
        let info = self.read(pod, ctx.informers);
        let matters = change.old.is_none()
            || change.differs(&["spec"])
            || change.differs(&["metadata", "labels"])
            || change.old.as_ref().is_some_and(|old| old.uid != pod.uid);
        if matters || self.queue.get(&pod.key).is_none() {
            self.queue.add(info, ctx.now);
        } else {
            self.queue.renew(info);
        }
    }

    pub(super) fn observe_node(&mut self, change: &Change, now: Time) {
        let Some(node) = &change.new else {
            self.state.remove_node(&change.key().name);
            self.queue.wake(now, |queued| queued.rejectors.contains("PodTopologySpread"));
            return;
        };
        let matters = change.old.is_none()
            || change.differs(&["metadata", "labels"])
            || change.differs(&["spec"])
            || change.differs(&["status", "allocatable"]);
        let before =
            change.old.as_ref().and_then(|_| self.state.find(node.name())).map(|at| self.state.node(at).clone());
        self.state.set_node(node);
        if matters
            && self.queue.any_waiting()
            && let Some(at) = self.state.find(node.name())
        {
            let help = Help::Node(self.state.node(at), before.as_ref());
            self.queue.wake(now, |queued| help.helps(queued));
        }
    }

    pub(super) fn observe_volume(&mut self, change: &Change, ctx: &mut Ctx<'_>) {
        self.queue.wake(ctx.now, |queued| Help::Volumes.helps(queued));
        if change.kind != kinds::PERSISTENT_VOLUME_CLAIMS || self.binding.is_empty() {
            return;
        }
        // Pods whose claims are all bound by now can be.
        let informers = ctx.informers;
        let bound = |claim: &Key| {
            informers
                .get(kinds::PERSISTENT_VOLUME_CLAIMS, claim)
                .is_some_and(|claim| claim["status"]["phase"] == "Bound")
        };
        let ready: Vec<Key> = self
            .binding
            .iter()
            .filter(|(_, waiting)| waiting.claims.iter().all(bound))
            .map(|(key, _)| key.clone())
            .collect();
        for key in ready {
            let Some(waiting) = self.binding.remove(&key) else { continue };
            self.bind(&waiting.queued.pod.clone(), &waiting.node, waiting.queued, ctx);
        }
    }
}

/// Whether two specs of one pod ask for the same: specs of pods hardly change.
fn same_needs(a: &drydock_value::Value, b: &drydock_value::Value) -> bool {
    ["containers", "initContainers", "overhead", "resources"].iter().all(|field| a[*field] == b[*field])
}
