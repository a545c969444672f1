//! Volumes, claims and their classes.

use drydock_value::Value;

use super::cells::{Print, join, or};

/// Access modes in their short form and fixed order.
fn access_modes(modes: &Value) -> String {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let has = |mode: &str| modes.items().iter().any(|m| m == mode);
    SHORT.iter().filter(|(mode, _)| has(mode)).map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

fn phase<'a>(print: &'a Print<'_>) -> &'a str {
    if print.object["metadata"]["deletionTimestamp"].is_null() { print.status()["phase"].str() } else { "Terminating" }
}

pub(super) fn volume(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let claim = &spec["claimRef"];
    let claim =
        if claim.is_null() { String::new() } else { format!("{}/{}", claim["namespace"].str(), claim["name"].str()) };
    vec![
        print.name(),
        spec["capacity"]["storage"].str().into(),
        access_modes(&spec["accessModes"]).into(),
        spec["persistentVolumeReclaimPolicy"].str().into(),
        phase(print).into(),
        claim.into(),
        storage_class(print).into(),
        or(spec["volumeAttributesClassName"].str(), "<unset>").into(),
        print.status()["reason"].str().into(),
        print.own_age(),
        or(spec["volumeMode"].str(), "<unset>").into(),
    ]
}

/// The class: the beta annotation first, as the real server does.
fn storage_class<'a>(print: &'a Print<'_>) -> &'a str {
    let annotation = &print.object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"];
    or(annotation.str(), print.spec()["storageClassName"].str())
}

pub(super) fn claim(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let volume = spec["volumeName"].str();
    let (capacity, modes) = if volume.is_empty() {
        (String::new(), String::new())
    } else {
        // A claim of a certain volume that it does not have yet has none of its space.
        (or(status["capacity"]["storage"].str(), "0").to_owned(), access_modes(&status["accessModes"]))
    };
    vec![
        print.name(),
        phase(print).into(),
        volume.into(),
        capacity.into(),
        modes.into(),
        storage_class(print).into(),
        or(spec["volumeAttributesClassName"].str(), "<unset>").into(),
        print.own_age(),
        or(spec["volumeMode"].str(), "<unset>").into(),
    ]
}

pub(super) fn class(print: &Print<'_>) -> Vec<Value> {
    let object = print.object;
    let annotations = &object["metadata"]["annotations"];
    let mut name = object["metadata"]["name"].str().to_owned();
    if ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
        .iter()
        .any(|key| annotations[*key] == "true")
    {
        name.push_str(" (default)");
    }
    vec![
        name.into(),
        object["provisioner"].clone(),
        or(object["reclaimPolicy"].str(), "Delete").into(),
        or(object["volumeBindingMode"].str(), "Immediate").into(),
        object["allowVolumeExpansion"].is_true().into(),
        print.own_age(),
    ]
}

pub(super) fn attachment(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    vec![
        print.name(),
        spec["attacher"].clone(),
        spec["source"]["persistentVolumeName"].str().into(),
        spec["nodeName"].clone(),
        print.status()["attached"].is_true().into(),
        print.own_age(),
    ]
}

pub(super) fn attributes_class(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.object["driverName"].clone(), print.own_age()]
}

pub(super) fn csi_node(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.spec()["drivers"].items().len().into(), print.own_age()]
}

pub(super) fn csi_driver(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let tokens: Vec<&str> = spec["tokenRequests"].items().iter().map(|token| token["audience"].str()).collect();
    let modes = join(&spec["volumeLifecycleModes"], ",");
    vec![
        print.name(),
        spec["attachRequired"].as_bool().unwrap_or(true).into(),
        spec["podInfoOnMount"].is_true().into(),
        spec["storageCapacity"].is_true().into(),
        or(&tokens.join(","), "<unset>").into(),
        spec["requiresRepublish"].is_true().into(),
        or(&modes, "<none>").into(),
        print.own_age(),
    ]
}
