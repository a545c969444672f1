//! Volumes: names and the source of each.

use drydock_sorted::SortedMap;

use drydock_value::Value;

use super::super::common::{self, dns_label, local_path, no_backsteps, one_of, required};
use super::super::{Errors, Path};
use super::containers::{field_ref, resource_ref};
use crate::types::Quantity;

/// The volumes that containers may mount: those without errors.
pub(super) struct Volumes<'a>(SortedMap<&'a str, &'a Value>);

impl<'a> Volumes<'a> {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn source(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).copied()
    }
}

/// All sources of volumes, in the order in which they are looked at.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "flexVolume",
    "configMap",
    "downwardAPI",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// All volumes of a pod.
pub(super) fn validate<'a>(volumes: &'a Value, list: &Path<'_>, errors: &mut Errors) -> Volumes<'a> {
    let mut sound = SortedMap::new();
    for (at, volume) in volumes.items().iter().enumerate() {
        let path = list.index(at);
        let before = errors.len();
        source(volume, &path, errors);
        let name = volume["name"].str();
        if name.is_empty() {
            errors.required(&path.field("name"), "");
        } else {
            dns_label(name, &path.field("name"), errors);
        }
        if sound.contains_key(name) {
            errors.duplicate(&path.field("name"), name);
        }
        if errors.len() == before {
            sound.insert(name, volume);
        }
    }
    Volumes(sound)
}

fn mode(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    if value.as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        errors.invalid(path, value, MODE);
    }
}

fn items(items: &Value, path: &Path<'_>, errors: &mut Errors) {
    let list = path.field("items");
    for (at, item) in items.items().iter().enumerate() {
        let path = list.index(at);
        required(&item["key"], &path.field("key"), errors);
        required(&item["path"], &path.field("path"), errors);
        local_path(item["path"].str(), &path.field("path"), errors);
        mode(&item["mode"], &path.field("mode"), errors);
    }
}

fn source(volume: &Value, path: &Path<'_>, errors: &mut Errors) {
    let mut count = 0;
    for key in SOURCES {
        let source = &volume[key];
        if source.is_null() {
            continue;
        }
        let path = path.field(key);
        count += 1;
        if count > 1 {
            errors.forbidden(&path, "may not specify more than 1 volume type");
            continue;
        }
        one_source(key, source, &path, errors);
    }
    if count == 0 {
        errors.required(path, "must specify a volume type");
    }
}

/// The rules of a persistent volume's or a pod's volume source.
pub(crate) fn one_source(key: &str, source: &Value, path: &Path<'_>, errors: &mut Errors) {
    match key {
        "emptyDir" if Quantity::of(&source["sizeLimit"]).is_some_and(|size| size.is_negative()) => {
            errors.forbidden(&path.field("sizeLimit"), "SizeLimit field must be a valid resource quantity");
        }
        "hostPath" => host_path(source, path, errors),
        "gitRepo" => {
            required(&source["repository"], &path.field("repository"), errors);
            local_path(source["directory"].str(), &path.field("directory"), errors);
        }
        "secret" => {
            required(&source["secretName"], &path.field("secretName"), errors);
            mode(&source["defaultMode"], &path.field("defaultMode"), errors);
            items(&source["items"], path, errors);
        }
        "configMap" => {
            required(&source["name"], &path.field("name"), errors);
            mode(&source["defaultMode"], &path.field("defaultMode"), errors);
            items(&source["items"], path, errors);
        }
        "nfs" => {
            required(&source["server"], &path.field("server"), errors);
            required(&source["path"], &path.field("path"), errors);
            if !source["path"].str().starts_with('/') {
                errors.invalid(&path.field("path"), source["path"].str(), "must be an absolute path");
            }
        }
        "iscsi" => {
            required(&source["targetPortal"], &path.field("targetPortal"), errors);
            required(&source["iqn"], &path.field("iqn"), errors);
        }
        "persistentVolumeClaim" => required(&source["claimName"], &path.field("claimName"), errors),
        "downwardAPI" => {
            mode(&source["defaultMode"], &path.field("defaultMode"), errors);
            downward_items(&source["items"], path, errors);
        }
        "projected" => projected(source, path, errors),
        "csi" => {
            let driver = source["driver"].str();
            if driver.is_empty() {
                errors.required(&path.field("driver"), "");
            } else {
                common::dns_subdomain(&driver.to_lowercase(), &path.field("driver"), errors);
            }
        }
        "ephemeral" => {
            let template = &source["volumeClaimTemplate"];
            if template.is_null() {
                errors.required(&path.field("volumeClaimTemplate"), "");
            } else {
                super::super::storage::claim_spec(
                    &template["spec"],
                    &path.field("volumeClaimTemplate").field("spec"),
                    errors,
                );
            }
        }
        "image" => {
            required(&source["reference"], &path.field("reference"), errors);
            one_of(&source["pullPolicy"], &["Always", "IfNotPresent", "Never"], &path.field("pullPolicy"), errors);
        }
        "fc" if source["targetWWNs"].is_empty() && source["wwids"].is_empty() => {
            errors.required(&path.field("targetWWNs"), "must specify either targetWWNs or wwids, but not both");
        }
        "flocker" if source["datasetName"].is_empty() && source["datasetUUID"].is_empty() => {
            errors.required(path, "one of datasetName and datasetUUID is required");
        }
        "quobyte" => {
            if source["registry"].str().is_empty() {
                errors.required(
                    &path.field("registry"),
                    "must be a host:port pair or multiple pairs separated by commas",
                );
            }
            required(&source["volume"], &path.field("volume"), errors);
        }
        _ => {
            for (_, field) in NEEDED.iter().filter(|(kind, _)| *kind == key) {
                if source[*field].is_empty() {
                    errors.required(&path.field(field), "");
                }
            }
        }
    }
}

/// What sources of other vendors cannot be without.
const NEEDED: [(&str, &str); 19] = [
    ("awsElasticBlockStore", "volumeID"),
    ("azureDisk", "diskName"),
    ("azureDisk", "diskURI"),
    ("azureFile", "secretName"),
    ("azureFile", "shareName"),
    ("cephfs", "monitors"),
    ("cinder", "volumeID"),
    ("flexVolume", "driver"),
    ("gcePersistentDisk", "pdName"),
    ("glusterfs", "endpoints"),
    ("glusterfs", "path"),
    ("photonPersistentDisk", "pdID"),
    ("portworxVolume", "volumeID"),
    ("rbd", "monitors"),
    ("rbd", "image"),
    ("scaleIO", "gateway"),
    ("scaleIO", "system"),
    ("storageos", "volumeName"),
    ("vsphereVolume", "volumePath"),
];

fn host_path(source: &Value, path: &Path<'_>, errors: &mut Errors) {
    const TYPES: [&str; 8] =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let target = source["path"].str();
    if target.is_empty() {
        errors.required(&path.field("path"), "");
        return;
    }
    no_backsteps(target, &path.field("path"), errors);
    common::optional_one_of(&source["type"], &TYPES, &path.field("type"), errors);
}

fn downward_items(items: &Value, path: &Path<'_>, errors: &mut Errors) {
    const FIELDS: [&str; 5] =
        ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
    for item in items.items() {
        required(&item["path"], &path.field("path"), errors);
        local_path(item["path"].str(), &path.field("path"), errors);
        if !item["fieldRef"].is_null() {
            field_ref(&item["fieldRef"], &FIELDS, &path.field("fieldRef"), errors);
            if !item["resourceFieldRef"].is_null() {
                errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
        } else if !item["resourceFieldRef"].is_null() {
            resource_ref(&item["resourceFieldRef"], true, &path.field("resourceFieldRef"), errors);
        } else {
            errors.required(path, "one of fieldRef and resourceFieldRef is required");
        }
        mode(&item["mode"], &path.field("mode"), errors);
    }
}

fn projected(source: &Value, volume: &Path<'_>, errors: &mut Errors) {
    mode(&source["defaultMode"], &volume.field("defaultMode"), errors);
    let list = volume.field("sources");
    let mut taken: Vec<&str> = Vec::new();
    for (at, part) in source["sources"].items().iter().enumerate() {
        let path = list.index(at);
        let mut count = 0;
        for key in ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle"] {
            let projection = &part[key];
            if projection.is_null() {
                continue;
            }
            let path = path.field(key);
            count += 1;
            let before = errors.len();
            match key {
                "secret" | "configMap" => {
                    required(&projection["name"], &path.field("name"), errors);
                    items(&projection["items"], &path, errors);
                }
                "downwardAPI" => downward_items(&projection["items"], &path, errors),
                "serviceAccountToken" => {
                    let seconds = &projection["expirationSeconds"];
                    if seconds.as_i64().is_some_and(|seconds| seconds < 600) {
                        errors.invalid(
                            &path.field("expirationSeconds"),
                            seconds,
                            "may not specify a duration less than 10 minutes",
                        );
                    }
                    if seconds.as_i64().is_some_and(|seconds| seconds > 1 << 32) {
                        errors.invalid(
                            &path.field("expirationSeconds"),
                            seconds,
                            "may not specify a duration larger than 2^32 seconds",
                        );
                    }
                    required(&projection["path"], &volume.field("path"), errors);
                    local_path(projection["path"].str(), &volume.field("path"), errors);
                }
                _ => {}
            }
            if errors.len() == before && key != "serviceAccountToken" {
                for item in projection["items"].items() {
                    let target = item["path"].str();
                    if taken.contains(&target) {
                        let shown = if key == "downwardAPI" { target } else { projection["name"].str() };
                        errors.invalid(volume, shown, "conflicting duplicate paths");
                    } else {
                        taken.push(target);
                    }
                }
            }
        }
        if count > 1 {
            errors.forbidden(&path, "may not specify more than 1 volume type per source");
        }
    }
}
