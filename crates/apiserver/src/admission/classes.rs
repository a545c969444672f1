//! DefaultStorageClass, StorageObjectInUseProtection, DefaultIngressClass, and PersistentVolumeClaimResize.

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds;
use crate::server::ApiServer;
use crate::types::Quantity;
use crate::verbs::forbidden;

/// A claim that names no class gets the default: the newest, when there are several.
pub(super) fn admit_claim(server: &ApiServer, claim: &mut Value) {
    let annotation = &claim["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    if !claim["spec"]["storageClassName"].is_null() || !annotation.is_null() {
        return;
    }
    let default = server
        .store
        .all(kinds::STORAGE_CLASSES)
        .filter(|class| {
            let annotations = &class["metadata"]["annotations"];
            annotations["storageclass.kubernetes.io/is-default-class"] == "true"
                || annotations["storageclass.beta.kubernetes.io/is-default-class"] == "true"
        })
        .max_by(|a, b| {
            let newer = |class: &Value| class["metadata"]["creationTimestamp"].str().to_owned();
            let name = |class: &Value| class["metadata"]["name"].str().to_owned();
            newer(a).cmp(&newer(b)).then_with(|| name(b).cmp(&name(a)))
        });
    if let Some(class) = default {
        claim["spec"].set("storageClassName", &class["metadata"]["name"]);
    }
}

/// Volumes and claims in use stay until nothing uses them: the protection controllers take the finalizer away.
pub(super) fn protect(object: &mut Value, finalizer: &str) {
    let finalizers = &mut object["metadata"]["finalizers"];
    if !finalizers.items().iter().any(|own| own == finalizer) {
        finalizers.push(finalizer);
    }
}

/// An ingress that names no class gets the default, which there may be only one of.
pub(super) fn admit_ingress(server: &ApiServer, ingress: &mut Value) -> Result<(), Status> {
    if !ingress["spec"]["ingressClassName"].is_null()
        || ingress["metadata"]["annotations"].get("kubernetes.io/ingress.class").is_some()
    {
        return Ok(());
    }
    let defaults: Vec<&Value> = server
        .store
        .all(kinds::INGRESS_CLASSES)
        .filter(|class| class["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true")
        .collect();
    let newest = defaults.iter().max_by_key(|class| class["metadata"]["creationTimestamp"].str());
    if let Some(class) = newest {
        ingress["spec"].set("ingressClassName", &class["metadata"]["name"]);
    }
    Ok(())
}

/// Only claims of a class that allows it grow.
pub(super) fn validate_resize(server: &ApiServer, new: &Value, old: &Value) -> Result<(), Status> {
    let size = |claim: &Value| Quantity::of(&claim["spec"]["resources"]["requests"]["storage"]);
    if size(new) <= size(old) {
        return Ok(());
    }
    let name = new["metadata"]["name"].str();
    let refuse = |why: &str| Err(forbidden(kinds::PERSISTENT_VOLUME_CLAIMS, name, why));
    if old["status"]["phase"] != "Bound" {
        return refuse("Only bound persistent volume claims can be expanded");
    }
    let class = old["spec"]["storageClassName"].str();
    let allowed = server
        .store
        .get(kinds::STORAGE_CLASSES, "", class)
        .is_some_and(|class| class["allowVolumeExpansion"].is_true());
    if !allowed {
        return refuse(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support \
             resize",
        );
    }
    Ok(())
}
