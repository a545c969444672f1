//! Volumes, claims and their classes.

use drydock_value::{Value, to_json};

use super::common::{dns_subdomain, immutable, label_selector, one_of, optional_one_of, required};
use super::internal::difference;
use super::{Errors, Path, names, pod, resources};
use crate::types::Quantity;

const SPEC: Path<'static> = Path::new("spec");

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

fn access_modes(modes: &Value, path: &Path<'_>, errors: &mut Errors) {
    let modes = modes.items();
    for mode in modes {
        one_of(mode, &MODES, path, errors);
    }
    if modes.len() > 1 && modes.iter().any(|mode| mode == "ReadWriteOncePod") {
        errors.forbidden(path, "may not use ReadWriteOncePod with other access modes");
    }
}

/// The spec of a claim, wherever it stands.
pub(crate) fn claim_spec(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    if spec["accessModes"].items().is_empty() {
        errors.required(&path.field("accessModes"), "at least 1 access mode is required");
    }
    label_selector(&spec["selector"], &path.field("selector"), errors);
    access_modes(&spec["accessModes"], &path.field("accessModes"), errors);
    let storage = &spec["resources"]["requests"]["storage"];
    let path_of_storage = path.field("resources");
    let path_of_storage = path_of_storage.key("storage");
    match Quantity::of(storage) {
        None => errors.required(&path_of_storage, ""),
        Some(size) => {
            if size.is_negative() || size.is_zero() {
                errors.invalid(&path_of_storage, size.text(), "must be greater than zero");
            }
        }
    }
    let class = spec["storageClassName"].str();
    if !class.is_empty() {
        dns_subdomain(class, &path.field("storageClassName"), errors);
    }
    optional_one_of(&spec["volumeMode"], &["Block", "Filesystem"], &path.field("volumeMode"), errors);
    data_sources(spec, path, errors);
    let attributes = spec["volumeAttributesClassName"].str();
    if !attributes.is_empty() {
        dns_subdomain(attributes, &path.field("volumeAttributesClassName"), errors);
    }
}

/// What a claim is filled from: the older field and the newer one say the same.
fn data_sources(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in ["dataSource", "dataSourceRef"] {
        let source = &spec[key];
        if source.is_null() {
            continue;
        }
        let path = path.field(key);
        required(&source["name"], &path.field("name"), errors);
        required(&source["kind"], &path.field("kind"), errors);
        let group = source["apiGroup"].str();
        if group.is_empty() && source["kind"] != "PersistentVolumeClaim" {
            let why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.invalid(&path, source["kind"].str(), why);
        }
        if !group.is_empty() {
            dns_subdomain(group, &path.field("apiGroup"), errors);
        }
    }
    let (source, reference) = (&spec["dataSource"], &spec["dataSourceRef"]);
    if source.is_null() || reference.is_null() {
        return;
    }
    if ["apiGroup", "kind", "name"].iter().any(|key| source[*key] != reference[*key]) {
        errors.invalid_text(path, "{}", "must match dataSourceRef");
    }
}

/// Rules for a claim.
pub(crate) fn claim(claim: &Value, errors: &mut Errors) {
    claim_spec(&claim["spec"], &SPEC, errors);
}

/// What may change in a claim.
pub(crate) fn claim_update(new: &Value, old: &Value, errors: &mut Errors) {
    claim(new, errors);
    let (mut now, before) = (new["spec"].clone(), &old["spec"]);
    if before["volumeName"].str().is_empty() && !now["volumeName"].str().is_empty() {
        // Binding a claim.
        now.remove("volumeName");
    }
    if before["storageClassName"].is_null() && !now["storageClassName"].is_null() {
        now.remove("storageClassName");
    }
    let attributes = "volumeAttributesClassName";
    if new["status"]["phase"] == "Bound" {
        if !before["resources"]["requests"]["storage"].is_null() && !now["resources"]["requests"].is_null() {
            now["resources"]["requests"].set("storage", &before["resources"]["requests"]["storage"]);
        }
        match before.get(attributes) {
            _ if now[attributes].is_null() => {}
            Some(kept) => now.set(attributes, kept),
            None => drop(now.remove(attributes)),
        }
    }
    if now != *before {
        const FIXED: &str = "spec is immutable after creation except resources.requests and \
                             volumeAttributesClassName for bound claims";
        errors.forbidden(&SPEC, format!("{FIXED}\n{}", difference("ClaimSpec", before, &now)));
    }
    let size = |claim: &Value| Quantity::of(&claim["spec"]["resources"]["requests"]["storage"]);
    // What was asked for and is not there yet may be taken back.
    if size(new) < size(old)
        && size(new) <= Quantity::of(&old["status"]["capacity"]["storage"]).or(Quantity::of(&0.into()))
    {
        errors.forbidden(
            &SPEC.field("resources").field("requests").field("storage"),
            "field can not be less than status.capacity",
        );
    }
    immutable(&new["spec"]["volumeMode"], &before["volumeMode"], &Path::new("volumeMode"), errors);
    let now = &new["spec"][attributes];
    if !before[attributes].is_null() && now.str().is_empty() {
        let what = if now.is_null() { "nil" } else { "an empty string" };
        errors.forbidden(&SPEC.field(attributes), format!("update from non-nil value to {what} is forbidden"));
    }
}

/// Sources that a persistent volume may have, besides those of pods.
const VOLUME_SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

/// Rules for a persistent volume.
pub(crate) fn volume(volume: &Value, errors: &mut Errors) {
    let spec = &volume["spec"];
    if spec["accessModes"].items().is_empty() {
        errors.required(&SPEC.field("accessModes"), "");
    }
    access_modes(&spec["accessModes"], &SPEC.field("accessModes"), errors);
    let capacity = &spec["capacity"];
    let path = SPEC.field("capacity");
    if capacity.is_empty() {
        errors.required(&path, "");
    }
    if capacity.get("storage").is_none() || capacity.entries().count() > 1 {
        errors.not_supported_text(&path, &to_json(capacity), &["storage"]);
    }
    for (resource, amount) in capacity.entries() {
        resources::amount(resource, amount, &path.key(resource), errors);
        if resource == "storage" && Quantity::of(amount).is_some_and(|size| size.is_zero() || size.is_negative()) {
            errors.invalid(&path.key(resource), amount.str(), "must be greater than zero");
        }
    }
    let policy = &spec["persistentVolumeReclaimPolicy"];
    optional_one_of(policy, &["Delete", "Recycle", "Retain"], &SPEC.field("persistentVolumeReclaimPolicy"), errors);
    if !spec["nodeAffinity"].is_null() {
        let path = SPEC.field("nodeAffinity");
        let selector = &spec["nodeAffinity"]["required"];
        if selector.is_null() {
            errors.required(&path.field("required"), "must specify required node constraints");
        } else {
            pod::node_selector(selector, &path.field("required"), errors);
        }
    }
    let mut count = 0;
    for key in VOLUME_SOURCES {
        let source = &spec[key];
        if source.is_null() {
            continue;
        }
        let path = SPEC.field(key);
        count += 1;
        if count > 1 {
            errors.forbidden(&path, "may not specify more than 1 volume type");
            continue;
        }
        if key == "local" {
            required(&source["path"], &path.field("path"), errors);
            super::common::no_backsteps(source["path"].str(), &path.field("path"), errors);
            if spec["nodeAffinity"].is_null() {
                errors.required(&SPEC.field("nodeAffinity"), "Local volume requires node affinity");
            }
        } else {
            pod::volume_source(key, source, &path, errors);
        }
        if key == "csi" {
            required(&source["volumeHandle"], &path.field("volumeHandle"), errors);
        }
    }
    if count == 0 {
        errors.required(&SPEC, "must specify a volume type");
    }
    if policy == "Recycle" && spec["hostPath"]["path"].str() == "/" {
        errors.forbidden(
            &SPEC.field("persistentVolumeReclaimPolicy"),
            "may not be 'recycle' for a hostPath mount of '/'",
        );
    }
    let class = spec["storageClassName"].str();
    if !class.is_empty() {
        dns_subdomain(class, &SPEC.field("storageClassName"), errors);
    }
    optional_one_of(&spec["volumeMode"], &["Block", "Filesystem"], &SPEC.field("volumeMode"), errors);
}

/// What may change in a persistent volume.
pub(crate) fn volume_update(new: &Value, old: &Value, errors: &mut Errors) {
    volume(new, errors);
    for key in VOLUME_SOURCES {
        if new["spec"][key] != old["spec"][key] {
            const FIXED: &str = "spec.persistentvolumesource is immutable after creation";
            let change = difference("VolumeSource", &old["spec"], &new["spec"]);
            errors.forbidden(&SPEC.field("persistentvolumesource"), format!("{FIXED}\n{change}"));
            break;
        }
    }
    super::common::immutable(&new["spec"]["volumeMode"], &old["spec"]["volumeMode"], &SPEC.field("volumeMode"), errors);
    if !old["spec"]["nodeAffinity"].is_null() {
        super::common::immutable(
            &new["spec"]["nodeAffinity"],
            &old["spec"]["nodeAffinity"],
            &SPEC.field("nodeAffinity"),
            errors,
        );
    }
}

/// Rules for a storage class.
pub(crate) fn class(class: &Value, errors: &mut Errors) {
    let provisioner = class["provisioner"].str();
    let path = Path::new("provisioner");
    required(&class["provisioner"], &path, errors);
    if !provisioner.is_empty() {
        errors.all_invalid(&path, provisioner, names::qualified_name(&provisioner.to_lowercase()));
    }
    for (key, _) in class["parameters"].entries() {
        if key.is_empty() {
            errors.invalid(&Path::new("parameters"), key, "field can not be empty.");
        }
    }
    optional_one_of(&class["reclaimPolicy"], &["Delete", "Retain"], &Path::new("reclaimPolicy"), errors);
    optional_one_of(
        &class["volumeBindingMode"],
        &["Immediate", "WaitForFirstConsumer"],
        &Path::new("volumeBindingMode"),
        errors,
    );
    topologies(&class["allowedTopologies"], errors);
}

/// Where volumes of a class may be: labels of nodes with the values allowed.
fn topologies(terms: &Value, errors: &mut Errors) {
    let path = Path::new("allowedTopologies");
    for (at, term) in terms.items().iter().enumerate() {
        let path = path.index(at);
        let path = path.field("matchLabelExpressions");
        let mut keys: Vec<&str> = Vec::new();
        for (at, expression) in term["matchLabelExpressions"].items().iter().enumerate() {
            let path = path.index(at);
            let (key, values) = (expression["key"].str(), expression["values"].items());
            if values.is_empty() {
                errors.required(&path.field("values"), "");
            }
            for (at, value) in values.iter().enumerate() {
                if values.iter().take(at).any(|before| before == value) {
                    errors.duplicate(&path.field("values").index(at), value);
                }
            }
            errors.all_invalid(&path.field("key"), key, names::label_key(key));
            if keys.contains(&key) {
                errors.duplicate(&path.field("key"), key);
            }
            keys.push(key);
        }
    }
}

/// What may change in a storage class.
pub(crate) fn class_update(new: &Value, old: &Value, errors: &mut Errors) {
    class(new, errors);
    if new["parameters"] != old["parameters"] {
        errors.forbidden(&Path::new("parameters"), "updates to parameters are forbidden.");
    }
    for key in ["provisioner", "reclaimPolicy", "volumeBindingMode"] {
        super::common::immutable(&new[key], &old[key], &Path::new(key), errors);
    }
}
