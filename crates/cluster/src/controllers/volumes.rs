//! PersistentVolumes and claims: finding each other, being provisioned, being given back.
//!
//! Keys of claims have a namespace, keys of volumes have none.

use drydock_sorted::Sort;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_schema::labels::Selector;
use drydock_schema::quantity::Quantity;
use drydock_value::{Value, value};

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::scheduler::volumes::{claims, waits_for_consumer};
use crate::store::{DeleteOptions, Kind, kinds};
use crate::system::{LOCAL_PATH, PROVISIONER};

const NAME: &str = "persistentvolume-controller";
const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// Says in volumes and claims that the controller brought them together.
pub const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// Says in a claim for which node its volume is wanted.
pub const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const PROVISIONERS: [&str; 2] =
    ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];
/// How often claims that wait are looked at again.
const RESYNC: Duration = Duration::from_secs(15);

/// The controller.
#[derive(Debug, Clone)]
pub struct Volumes {
    actor: String,
    source: Source,
}

impl Default for Volumes {
    fn default() -> Volumes {
        let actor = actor("persistent-volume-binder");
        Volumes { source: Source::component(NAME, &actor), actor }
    }
}

fn storage(value: &Value) -> Option<Quantity> {
    Quantity::of(value).ok()
}

/// Whether a volume's `claimRef` names a claim; by UID when it has one.
fn refers_to(volume: &Value, claim: &Object) -> bool {
    let reference = &volume["spec"]["claimRef"];
    let uid = reference["uid"].str();
    reference["name"] == claim.name().as_str()
        && reference["namespace"] == claim.namespace().as_str()
        && (uid.is_empty() || *uid == *claim.uid)
}

/// How soon to look again when a volume has just been made that nobody has looked at yet.
const SOON: Duration = Duration::from_millis(10);

/// Whether a volume is there to be bound; one that is new is not before it has been looked at.
fn is_available(volume: &Object) -> bool {
    !volume["spec"]["claimRef"].is_null() || volume["status"]["phase"] == "Available"
}

fn is_new(volume: &Object) -> bool {
    matches!(volume["status"]["phase"].str(), "" | "Pending")
}

/// Whether a volume will do for a claim once it is available.
fn fits(volume: &Object, claim: &Object, selector: Option<&Selector>) -> bool {
    let (has, wants) = (&volume["spec"], &claim["spec"]);
    let modes = has["accessModes"].items();
    let mode = |spec: &Value| spec["volumeMode"].as_str().unwrap_or("Filesystem").to_owned();
    let free = has["claimRef"].is_null() || refers_to(&volume.value, claim);
    free && volume.deleting.is_none()
        && has["storageClassName"].str() == wants["storageClassName"].str()
        && mode(has) == mode(wants)
        && wants["accessModes"].items().iter().all(|mode| modes.contains(mode))
        && selector.is_none_or(|selector| selector.matches_object(&volume.value))
        && storage(&has["capacity"]["storage"]) >= storage(&wants["resources"]["requests"]["storage"])
}

fn capacity(volume: &Object) -> &Value {
    &volume["spec"]["capacity"]["storage"]
}

/// The order of two sizes.
pub fn by_size(a: &Value, b: &Value) -> Ordering {
    storage(a).partial_cmp(&storage(b)).unwrap_or(Ordering::Equal)
}

/// The volumes that will do for a claim, in what state soever.
fn candidates<'i>(informers: &'i Informers, claim: &Object) -> impl Iterator<Item = &'i Arc<Object>> {
    let wanted = &claim["spec"]["selector"];
    let selector =
        (!wanted.is_null()).then(|| Selector::from_label_selector(wanted).unwrap_or_else(|_| Selector::nothing()));
    informers.all(kinds::PERSISTENT_VOLUMES).filter(move |volume| fits(volume, claim, selector.as_ref()))
}

/// The volumes that a claim could be bound to now: the one that is promised to it, or the smallest first.
pub fn fitting(informers: &Informers, claim: &Object) -> Vec<Arc<Object>> {
    let mut found: Vec<Arc<Object>> =
        candidates(informers, claim).filter(|volume| is_available(volume)).cloned().collect();
    if let Some(promised) = found.iter().position(|volume| !volume["spec"]["claimRef"].is_null()) {
        return vec![found.swap_remove(promised)];
    }
    found.sort_compact_by(|a, b| by_size(capacity(a), capacity(b)).then_with(|| a.name().cmp(b.name())));
    found
}

impl Volumes {
    fn event(&self, ctx: &mut Ctx<'_>, claim: &Object, kind: &str, reason: &str, message: &str) {
        ctx.event(&self.source, &Reference::of(&claim.value), kind, reason, message);
    }

    /// The smallest volume that will do; one that is promised to the claim before any other.
    fn best(ctx: &Ctx<'_>, claim: &Object) -> Option<Arc<Object>> {
        let mut found = candidates(ctx.informers, claim).filter(|volume| is_available(volume) || is_new(volume));
        let mut fitting: Vec<&Arc<Object>> = found.by_ref().collect();
        fitting.sort_compact_by(|a, b| {
            let promised = |volume: &Object| volume["spec"]["claimRef"].is_null();
            promised(a)
                .cmp(&promised(b))
                .then_with(|| is_available(b).cmp(&is_available(a)))
                .then_with(|| by_size(capacity(a), capacity(b)))
                .then_with(|| a.name().cmp(b.name()))
        });
        fitting.first().map(|volume| (*volume).clone())
    }

    fn sync_claim(&self, ctx: &mut Ctx<'_>, claim: &Arc<Object>) -> Result<Requeue, Status> {
        let named = claim["spec"]["volumeName"].str();
        if !claim.annotation(BIND_COMPLETED).is_empty() {
            return self.check_bound(ctx, claim).map(|()| Requeue::Done);
        }
        if !named.is_empty() {
            // The user chose: wait for that volume, and take it when it is free.
            let volume = ctx.informers.find(kinds::PERSISTENT_VOLUMES, "", named).cloned();
            if let Some(volume) = volume
                && (volume["spec"]["claimRef"].is_null() || refers_to(&volume.value, claim))
            {
                return self.bind(ctx, claim, volume.value.clone()).map(|()| Requeue::Done);
            }
            return Ok(Requeue::After(RESYNC));
        }
        let delayed = waits_for_consumer(ctx.informers, &claim.value) && claim.annotation(SELECTED_NODE).is_empty();
        let volume = Volumes::best(ctx, claim);
        if volume.as_ref().is_some_and(|volume| !is_available(volume)) {
            return Ok(Requeue::After(SOON));
        }
        if let Some(volume) = volume
            && (!delayed || !volume["spec"]["claimRef"].is_null())
        {
            return self.bind(ctx, claim, volume.value.clone()).map(|()| Requeue::Done);
        }
        if delayed {
            let user = ctx
                .informers
                .in_namespace(kinds::PODS, claim.namespace())
                .find(|pod| claims(&pod.value).iter().any(|(name, _)| name == claim.name()))
                .map(|pod| pod.name().clone());
            match user {
                Some(pod) => {
                    let message = format!("waiting for pod {pod} to be scheduled");
                    self.event(ctx, claim, "Normal", "WaitForPodScheduled", &message);
                }
                None => {
                    let message = "waiting for first consumer to be created before binding";
                    self.event(ctx, claim, "Normal", "WaitForFirstConsumer", message);
                }
            }
            return Ok(Requeue::After(RESYNC));
        }
        let class = claim["spec"]["storageClassName"].str();
        if class.is_empty() {
            let message = "no persistent volumes available for this claim and no storage class is set";
            self.event(ctx, claim, "Normal", "FailedBinding", message);
            return Ok(Requeue::After(RESYNC));
        }
        let Some(class) = ctx.informers.find(kinds::STORAGE_CLASSES, "", class).cloned() else {
            let message = format!("storageclass.storage.k8s.io \"{class}\" not found");
            self.event(ctx, claim, "Warning", "ProvisioningFailed", &message);
            return Ok(Requeue::After(RESYNC));
        };
        self.provision(ctx, claim, &class)
    }

    /// A claim that was bound: its volume must still be there.
    fn check_bound(&self, ctx: &mut Ctx<'_>, claim: &Arc<Object>) -> Result<(), Status> {
        let volume = claim["spec"]["volumeName"].str();
        let there = ctx.api.get(kinds::PERSISTENT_VOLUMES, "", volume).cloned();
        match there {
            Some(volume) if refers_to(&volume, claim) => {
                if claim["status"]["phase"] == "Bound" {
                    self.look_at_size(ctx, claim);
                    return Ok(());
                }
                self.bind(ctx, claim, volume)
            }
            found if claim["status"]["phase"] != "Lost" => {
                let mut lost = claim.value.clone();
                lost["status"].set("phase", "Lost");
                ignore_absent(ctx.client(&self.actor).update_status(
                    kinds::PERSISTENT_VOLUME_CLAIMS,
                    claim.namespace(),
                    lost,
                ))?;
                let (reason, message) = if found.is_none() {
                    ("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")
                } else {
                    ("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly")
                };
                self.event(ctx, claim, "Warning", reason, message);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A bound claim that asks for more than it has waits for somebody who can make its volume larger: nobody can, of
    /// what provisions volumes here.
    fn look_at_size(&self, ctx: &mut Ctx<'_>, claim: &Object) {
        let (wanted, has) =
            (&claim["spec"]["resources"]["requests"]["storage"], &claim["status"]["capacity"]["storage"]);
        if storage(wanted) > storage(has) {
            let source = Source::component("volume_expand", &actor("expand-controller"));
            let message = "Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external \
                           controller to process this PVC.";
            ctx.event(&source, &Reference::of(&claim.value), "Warning", "ExternalExpanding", message);
        }
    }

    /// Writes into both that they belong together.
    fn bind(&self, ctx: &mut Ctx<'_>, claim: &Object, mut volume: Value) -> Result<(), Status> {
        if volume["spec"]["claimRef"]["uid"] != claim.uid.as_str() {
            if volume["spec"]["claimRef"].is_null() {
                volume["metadata"]["annotations"].set(BOUND_BY_CONTROLLER, "yes");
            }
            volume["spec"].set("claimRef", claim_ref(claim));
            volume = ctx.client(&self.actor).update(kinds::PERSISTENT_VOLUMES, "", volume)?;
        }
        if volume["status"]["phase"] != "Bound" {
            volume["status"].set("phase", "Bound");
            volume = ctx.client(&self.actor).update_status(kinds::PERSISTENT_VOLUMES, "", volume)?;
        }
        let mut client = ctx.client(&self.actor);
        let Some(mut bound) =
            ignore_absent(client.get(kinds::PERSISTENT_VOLUME_CLAIMS, claim.namespace(), claim.name()))?
        else {
            return Ok(());
        };
        if bound["spec"]["volumeName"].str().is_empty() {
            bound["metadata"]["annotations"].set(BOUND_BY_CONTROLLER, "yes");
        }
        bound["spec"].set("volumeName", &volume["metadata"]["name"]);
        bound["metadata"]["annotations"].set(BIND_COMPLETED, "yes");
        let mut bound = client.update(kinds::PERSISTENT_VOLUME_CLAIMS, claim.namespace(), bound)?;
        bound["status"].set("phase", "Bound");
        bound["status"].set("accessModes", &volume["spec"]["accessModes"]);
        bound["status"].set("capacity", &volume["spec"]["capacity"]);
        client.update_status(kinds::PERSISTENT_VOLUME_CLAIMS, claim.namespace(), bound).map(|_| ())
    }

    /// Makes a volume for a claim, as its class says.
    fn provision(&self, ctx: &mut Ctx<'_>, claim: &Arc<Object>, class: &Object) -> Result<Requeue, Status> {
        let provisioner = class["provisioner"].str();
        let mut marked = claim.value.clone();
        for annotation in PROVISIONERS {
            marked["metadata"]["annotations"].set(annotation, provisioner);
        }
        if marked != claim.value {
            ctx.client(&self.actor).update(kinds::PERSISTENT_VOLUME_CLAIMS, claim.namespace(), marked)?;
        }
        if provisioner == "kubernetes.io/no-provisioner" {
            return Ok(Requeue::After(RESYNC));
        }
        // The one is part of the controller manager, the other a pod.
        let external = provisioner_pod(ctx, provisioner);
        if provisioner != "kubernetes.io/host-path" {
            let message = format!(
                "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by \
                 the system administrator. If volume creation is delayed, please verify that the provisioner is \
                 running and correctly registered."
            );
            self.event(ctx, claim, "Normal", "ExternalProvisioning", &message);
            if external.is_none() {
                return Ok(Requeue::After(RESYNC));
            }
        }
        let name = format!("pvc-{}", claim.uid);
        let (source, about) = match &external {
            Some(pod) => {
                let on = if provisioner == PROVISIONER { &pod.pod().node } else { pod.name() };
                let who = format!("{provisioner}_{on}_{}", pod.uid);
                let account = pod["spec"]["serviceAccountName"].str();
                let account = format!("system:serviceaccount:{}:{account}", pod.namespace());
                (Source::component(&who, &account), String::new())
            }
            None => (self.source.clone(), format!(" using {provisioner}")),
        };
        if external.is_some() {
            let message = format!(
                "External provisioner is provisioning volume for claim \"{}/{}\"",
                claim.namespace(),
                claim.name()
            );
            ctx.event(&source, &Reference::of(&claim.value), "Normal", "Provisioning", &message);
        }
        let modes = claim["spec"]["accessModes"].clone();
        let local = provisioner == LOCAL_PATH;
        let node = claim.annotation(SELECTED_NODE);
        if local {
            let alone = |mode: &Value| matches!(mode.str(), "ReadWriteOnce" | "ReadWriteOncePod");
            let why = if node.is_empty() {
                "configuration error, no node was specified"
            } else if !modes.items().iter().all(alone) {
                "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
            } else {
                ""
            };
            if !why.is_empty() {
                let message = format!("failed to provision volume with StorageClass \"{}\": {why}", class.name());
                ctx.event(&source, &Reference::of(&claim.value), "Warning", "ProvisioningFailed", &message);
                return Ok(Requeue::After(RESYNC));
            }
        }
        let mut volume = value!({
            "metadata": {
                "name": name.as_str(),
                "annotations": {(PROVISIONED_BY): provisioner, (BOUND_BY_CONTROLLER): "yes"},
                "finalizers": ["kubernetes.io/pv-protection"]
            },
            "spec": {
                "accessModes": modes,
                "capacity": {"storage": &claim["spec"]["resources"]["requests"]["storage"]},
                "claimRef": claim_ref(claim),
                "hostPath": {"path": format!("/tmp/hostpath_pv/{}", claim.uid), "type": ""},
                "persistentVolumeReclaimPolicy": class["reclaimPolicy"].as_str().unwrap_or("Delete"),
                "storageClassName": class.name(),
                "volumeMode": claim["spec"]["volumeMode"].as_str().unwrap_or("Filesystem")
            }
        });
        if local {
            let path = format!("/var/local-path-provisioner/{name}_{}_{}", claim.namespace(), claim.name());
            volume["spec"].set("hostPath", value!({"path": path, "type": "DirectoryOrCreate"}));
            let here = value!([{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]);
            let terms = value!({"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}});
            volume["spec"].set("nodeAffinity", terms);
            volume["metadata"]["annotations"].set("local.path.provisioner/selected-node", node);
        }
        if !class["mountOptions"].is_empty() {
            volume["spec"].set("mountOptions", &class["mountOptions"]);
        }
        let made = match ctx.client(&self.actor).create(kinds::PERSISTENT_VOLUMES, "", volume) {
            Ok(made) => {
                let message = format!("Successfully provisioned volume {name}{about}");
                ctx.event(&source, &Reference::of(&claim.value), "Normal", "ProvisioningSucceeded", &message);
                made
            }
            Err(status) if status.is("AlreadyExists") => {
                ctx.client(&self.actor).get(kinds::PERSISTENT_VOLUMES, "", &name)?
            }
            Err(status) => return Err(status),
        };
        let fresh = ctx.client(&self.actor).get(kinds::PERSISTENT_VOLUME_CLAIMS, claim.namespace(), claim.name())?;
        self.bind(ctx, &Object::read(fresh, false), made)?;
        Ok(Requeue::Done)
    }

    fn sync_volume(&self, ctx: &mut Ctx<'_>, volume: &Arc<Object>) -> Result<Requeue, Status> {
        let reference = &volume["spec"]["claimRef"];
        let phase = volume["status"]["phase"].str();
        let owner = (!reference.is_null()).then(|| {
            ctx.api.get(kinds::PERSISTENT_VOLUME_CLAIMS, reference["namespace"].str(), reference["name"].str()).cloned()
        });
        let wanted = match owner {
            None => "Available",
            // Promised, not bound yet: its claim will come.
            Some(_) if reference["uid"].str().is_empty() => "Available",
            Some(Some(claim)) if claim["metadata"]["uid"] == reference["uid"] => {
                if claim["spec"]["volumeName"] == volume.name().as_str() { "Bound" } else { return Ok(Requeue::Done) }
            }
            Some(_) => "Released",
        };
        if phase != wanted && !(wanted == "Released" && phase == "Failed") {
            let mut updated = volume.value.clone();
            updated["status"].set("phase", wanted);
            if ignore_absent(ctx.client(&self.actor).update_status(kinds::PERSISTENT_VOLUMES, "", updated))?.is_none() {
                return Ok(Requeue::Done);
            }
        }
        if wanted == "Released" && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
            return self.reclaim(ctx, volume);
        }
        Ok(Requeue::Done)
    }

    /// Deletes a volume whose claim is gone, if something can.
    fn reclaim(&self, ctx: &mut Ctx<'_>, volume: &Arc<Object>) -> Result<Requeue, Status> {
        if volume["spec"]["hostPath"].is_null() {
            let mut failed = volume.value.clone();
            if failed["status"]["phase"] == "Failed" {
                return Ok(Requeue::Done);
            }
            let message = "error getting deleter volume plugin for volume: no volume plugin matched";
            failed["status"].set("phase", "Failed");
            failed["status"].set("message", message);
            ignore_absent(ctx.client(&self.actor).update_status(kinds::PERSISTENT_VOLUMES, "", failed))?;
            ctx.event(&self.source, &Reference::of(&volume.value), "Warning", "VolumeFailedDelete", message);
            return Ok(Requeue::Done);
        }
        let options = DeleteOptions::default();
        ignore_absent(ctx.client(&self.actor).delete(kinds::PERSISTENT_VOLUMES, "", volume.name(), &options))?;
        Ok(Requeue::Done)
    }
}

/// The pod that provisions volumes by that name, while it runs.
fn provisioner_pod(ctx: &Ctx<'_>, provisioner: &str) -> Option<Arc<Object>> {
    let found = match provisioner {
        PROVISIONER => {
            ctx.informers.find(kinds::PODS, "kube-system", "storage-provisioner").filter(|pod| pod.pod().ready())
        }
        LOCAL_PATH => ctx
            .informers
            .pods_with_label("local-path-storage", "app", "local-path-provisioner")
            .find(|pod| pod.pod().ready()),
        _ => None,
    };
    found.cloned()
}

/// What a volume says of the claim that it belongs to.
pub fn claim_ref(claim: &Object) -> Value {
    value!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim.name(), "namespace": claim.namespace(),
        "uid": &claim.uid, "resourceVersion": claim.resource_version()
    })
}

impl Controller for Volumes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::PERSISTENT_VOLUME_CLAIMS, kinds::PERSISTENT_VOLUMES]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        queue.add(change.key());
        let gone = change.new.is_none();
        if gone && change.kind == kinds::PERSISTENT_VOLUME_CLAIMS {
            let volume = change.object()["spec"]["volumeName"].str();
            if !volume.is_empty() {
                queue.add(&Key::new("", volume));
            }
        } else if change.kind == kinds::PERSISTENT_VOLUMES {
            let reference = &change.object()["spec"]["claimRef"];
            if !reference.is_null() {
                let claim = Key::new(reference["namespace"].str(), reference["name"].str());
                if informers.get(kinds::PERSISTENT_VOLUME_CLAIMS, &claim).is_some() {
                    queue.add(&claim);
                }
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        if key.namespace.is_empty() {
            return match ctx.informers.get(kinds::PERSISTENT_VOLUMES, key).cloned() {
                Some(volume) => self.sync_volume(ctx, &volume),
                None => Ok(Requeue::Done),
            };
        }
        match ctx.informers.get(kinds::PERSISTENT_VOLUME_CLAIMS, key).cloned() {
            Some(claim) => self.sync_claim(ctx, &claim),
            None => Ok(Requeue::Done),
        }
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
