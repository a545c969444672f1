//! What a pod's volumes ask of the scheduler: that claims are there and bound, and that the node may use the volumes.

use drydock_value::{Str, Value};

use super::affinity::term_fits;
use super::filters::Refusal;
use super::pod::PodInfo;
use super::state::NodeInfo;
use crate::informers::Informers;
use crate::objects::{Key, shared};
use crate::store::kinds;

/// What was found out about a pod's claims.
#[derive(Debug, Clone, Default)]
pub struct Volumes {
    /// The required node affinities of the volumes that its claims are bound to.
    affinities: Vec<Value>,
    /// Whether a claim that only one pod may use is in use.
    occupied: bool,
    /// Claims that are to be bound once a node is chosen.
    pub unbound: Vec<Key>,
}

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
                if let Some(volume) = informers.find(kinds::PERSISTENT_VOLUMES, "", volume) {
                    let required = &volume["spec"]["nodeAffinity"]["required"];
                    if !required.is_null() {
                        volumes.affinities.push(required.clone());
                    }
                }
            } else if waits_for_consumer(informers, &claim.value) {
                volumes.unbound.push(claim.key.clone());
            } else {
                immediate = true;
            }
        }
        if immediate { Err("pod has unbound immediate PersistentVolumeClaims".into()) } else { Ok(volumes) }
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
        let fits = |required: &Value| required["nodeSelectorTerms"].items().iter().any(|term| term_fits(term, node));
        if !self.affinities.iter().all(fits) {
            return refuse("VolumeBinding", "node(s) didn't match PersistentVolume's node affinity", false);
        }
        None
    }
}

/// Whether a claim is only bound when a pod that uses it has a node.
pub fn waits_for_consumer(informers: &Informers, claim: &Value) -> bool {
    let class = claim["spec"]["storageClassName"].str();
    !class.is_empty()
        && informers
            .find(kinds::STORAGE_CLASSES, "", class)
            .is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer")
}
