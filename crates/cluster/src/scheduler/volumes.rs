//! What a pod's volumes ask of the scheduler: that claims are there and bound, and that the node may use the volumes.

use std::sync::Arc;

use drydock_sorted::Sort;
use drydock_value::{Str, Value};

use super::affinity::term_fits;
use super::filters::Refusal;
use super::pod::PodInfo;
use super::state::NodeInfo;
use crate::controllers::volumes as binder;
use crate::informers::Informers;
use crate::objects::{Key, Object, shared};
use crate::store::kinds;

/// The labels of volumes that say where they are.
const ZONES: [&str; 4] = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// What was found out about a pod's claims.
#[derive(Debug, Clone, Default)]
pub struct Volumes {
    /// The required node affinities of the volumes that its claims are bound to.
    affinities: Vec<Value>,
    /// Labels that say where these volumes are, with their values.
    zones: Vec<(&'static str, Str)>,
    /// Whether a volume is gone that a claim is bound to.
    missing: bool,
    /// Whether a claim that only one pod may use is in use.
    occupied: bool,
    /// Claims that are to be bound once a node is chosen.
    delayed: Vec<Delayed>,
}

/// A claim that is bound when its pod has a node.
#[derive(Debug, Clone)]
struct Delayed {
    claim: Arc<Object>,
    /// The volumes that would do, the smallest first.
    volumes: Vec<Arc<Object>>,
    /// The class that makes volumes, if it does.
    class: Option<Arc<Object>>,
}

/// A claim that is to be bound, and the volume that it gets: none when one is to be made.
pub type Binding = (Key, Option<Str>);

/// The names of the claims that a pod uses, and whether the pod is to own them (ephemeral volumes).
pub fn claims(pod: &Value) -> Vec<(Str, bool)> {
    let name = pod["metadata"]["name"].str();
    pod["spec"]["volumes"]
        .items()
        .iter()
        .filter_map(|volume| {
            if !volume["persistentVolumeClaim"].is_null() {
                return Some((shared(&volume["persistentVolumeClaim"]["claimName"]), false));
            }
            (!volume["ephemeral"].is_null()).then(|| (format!("{name}-{}", volume["name"].str()).into(), true))
        })
        .collect()
}

/// Why a claim that a pod would bring along is not its own.
pub fn not_for(pod: &Object, claim: &Object) -> Option<String> {
    if claim.controller().is_some_and(|owner| owner.uid == pod.uid) {
        return None;
    }
    let (namespace, pod) = (pod.namespace(), pod.name());
    Some(format!("PVC {namespace}/{} was not created for pod {namespace}/{pod} (pod is not owner)", claim.name()))
}

impl Volumes {
    /// Looks at a pod's claims.
    ///
    /// # Errors
    /// The words for why no node can take the pod now.
    pub fn look(informers: &Informers, pod: &PodInfo) -> Result<Volumes, String> {
        let mut volumes = Volumes::default();
        let namespace = pod.object.namespace();
        let mut immediate = false;
        for (name, ephemeral) in claims(&pod.object.value) {
            let Some(claim) = informers.find(kinds::PERSISTENT_VOLUME_CLAIMS, namespace, &name) else {
                return Err(if ephemeral {
                    format!("waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\"")
                } else {
                    format!("persistentvolumeclaim \"{name}\" not found")
                });
            };
            if let Some(why) = not_for(&pod.object, claim).filter(|_| ephemeral) {
                return Err(why);
            }
            if claim["status"]["phase"] == "Lost" {
                let volume = claim["spec"]["volumeName"].str();
                return Err(format!(
                    "persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\""
                ));
            }
            if claim.deleting.is_some() {
                return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
            }
            if claim["spec"]["accessModes"].items().iter().any(|mode| mode == "ReadWriteOncePod") {
                volumes.occupied |= informers.in_namespace(kinds::PODS, namespace).any(|other| {
                    other.uid != pod.object.uid
                        && !other.pod().node.is_empty()
                        && !other.pod().terminal()
                        && claims(&other.value).iter().any(|(used, _)| *used == name)
                });
            }
            let bound = !claim.annotation("pv.kubernetes.io/bind-completed").is_empty();
            let volume = claim["spec"]["volumeName"].str();
            if bound && !volume.is_empty() {
                volumes.at(informers.find(kinds::PERSISTENT_VOLUMES, "", volume));
            } else if let Some(class) = delaying_class(informers, &claim.value) {
                volumes.delay(informers, claim, class);
            } else {
                immediate = true;
            }
        }
        // The smallest claims choose first.
        volumes.delayed.sort_compact_by(|a, b| binder::by_size(&wanted(&a.claim), &wanted(&b.claim)));
        if immediate { Err("pod has unbound immediate PersistentVolumeClaims".into()) } else { Ok(volumes) }
    }

    /// A claim is bound to this volume.
    fn at(&mut self, volume: Option<&Arc<Object>>) {
        let Some(volume) = volume else {
            self.missing = true;
            return;
        };
        let required = &volume["spec"]["nodeAffinity"]["required"];
        if !required.is_null() {
            self.affinities.push(required.clone());
        }
        for label in ZONES {
            if let Some(Value::String(place)) = volume.labels().get(label) {
                self.zones.push((label, place.clone()));
            }
        }
    }

    /// A claim is to be bound once a node is chosen.
    fn delay(&mut self, informers: &Informers, claim: &Arc<Object>, class: &Arc<Object>) {
        let makes = !matches!(class["provisioner"].str(), "" | "kubernetes.io/no-provisioner");
        // A claim that is promised a node gets a volume made there.
        let volumes = match claim.annotation(binder::SELECTED_NODE).is_empty() {
            true => binder::fitting(informers, claim),
            false => Vec::new(),
        };
        self.delayed.push(Delayed { claim: claim.clone(), volumes, class: makes.then(|| class.clone()) });
    }

    /// Which volumes the claims that are not bound yet would get on a node; None when one would get none.
    pub fn bindings(&self, node: &NodeInfo) -> Option<Vec<Binding>> {
        let mut bindings: Vec<Binding> = Vec::new();
        for Delayed { claim, volumes, class } in &self.delayed {
            let taken = |volume: &Object| bindings.iter().any(|(_, other)| other.as_ref() == Some(volume.name()));
            let here = |volume: &Object| {
                let required = &volume["spec"]["nodeAffinity"]["required"];
                required.is_null() || any_term_fits(required, node)
            };
            let found = volumes.iter().find(|volume| here(volume) && !taken(volume));
            if found.is_none() {
                let selected = claim.annotation(binder::SELECTED_NODE);
                let class = class.as_ref()?;
                if !(selected.is_empty() || *selected == *node.name) || !allows(&class["allowedTopologies"], node) {
                    return None;
                }
            }
            bindings.push((claim.key.clone(), found.map(|volume| volume.name().clone())));
        }
        Some(bindings)
    }

    /// Why a node does not do for the volumes.
    pub fn refusal(&self, node: &NodeInfo) -> Option<Refusal> {
        let refuse = |plugin, reason: &'static str, resolvable| {
            Some(Refusal { plugin, reasons: vec![reason.into()], resolvable })
        };
        if self.occupied {
            let reason = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode \
                          already in-use by another pod";
            return refuse("VolumeRestrictions", reason, true);
        }
        if self.missing {
            let reason = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";
            return refuse("VolumeBinding", reason, false);
        }
        let mut reasons: Vec<std::borrow::Cow<'static, str>> = Vec::new();
        if !self.affinities.iter().all(|required| any_term_fits(required, node)) {
            reasons.push("node(s) didn't match PersistentVolume's node affinity".into());
        }
        if self.bindings(node).is_none() {
            reasons.push("node(s) didn't find available persistent volumes to bind".into());
        }
        if !reasons.is_empty() {
            return Some(Refusal { plugin: "VolumeBinding", reasons, resolvable: false });
        }
        if self.zones.is_empty() {
            return None;
        }
        // A node that is nowhere can have volumes of any place.
        let somewhere = ZONES.iter().any(|label| node.label(label).is_some());
        let same = |(label, places): &(&str, Str)| {
            let current = label.replace("failure-domain.beta", "topology");
            let here = node.label(label).or_else(|| node.label(&current));
            here.is_some_and(|here| places.split("__").any(|place| place == here.as_str()))
        };
        if somewhere && !self.zones.iter().all(same) {
            return refuse("VolumeZone", "node(s) had no available volume zone", false);
        }
        None
    }
}

fn any_term_fits(required: &Value, node: &NodeInfo) -> bool {
    required["nodeSelectorTerms"].items().iter().any(|term| term_fits(term, node))
}

/// Whether a class may make volumes for a node.
fn allows(topologies: &Value, node: &NodeInfo) -> bool {
    let one = |term: &Value| {
        term["matchLabelExpressions"].items().iter().all(|wanted| {
            let here = node.label(wanted["key"].str());
            here.is_some_and(|here| wanted["values"].items().iter().any(|value| value == here.as_str()))
        })
    };
    topologies.is_empty() || topologies.items().iter().any(one)
}

fn wanted(claim: &Object) -> Value {
    claim["spec"]["resources"]["requests"]["storage"].clone()
}

/// Whether a claim is only bound when a pod that uses it has a node.
pub fn waits_for_consumer(informers: &Informers, claim: &Value) -> bool {
    delaying_class(informers, claim).is_some()
}

/// The class of a claim that is only bound when a pod that uses it has a node.
fn delaying_class<'i>(informers: &'i Informers, claim: &Value) -> Option<&'i Arc<Object>> {
    let class = claim["spec"]["storageClassName"].str();
    let class = (!class.is_empty()).then(|| informers.find(kinds::STORAGE_CLASSES, "", class)).flatten()?;
    (class["volumeBindingMode"] == "WaitForFirstConsumer").then_some(class)
}
