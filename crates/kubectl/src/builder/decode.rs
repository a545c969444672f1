//! What a document of a file must be, before it is taken for an object.

use drydock_api::GroupVersionKind;
use drydock_schema::Schema;
use drydock_value::{Value, value};

use crate::failure::quote;

/// What no server of this release serves any more and the client still has Go's types of: `apiVersion` and kinds.
const RETIRED: [(&str, &str); 8] = [
    ("apps/v1beta1", "ControllerRevision Deployment StatefulSet"),
    ("apps/v1beta2", "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"),
    ("batch/v1beta1", "CronJob"),
    ("extensions/v1beta1", "DaemonSet Deployment Ingress NetworkPolicy ReplicaSet"),
    ("networking.k8s.io/v1beta1", "Ingress IngressClass"),
    ("policy/v1beta1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1alpha1", "ClusterRole ClusterRoleBinding Role RoleBinding"),
    ("rbac.authorization.k8s.io/v1beta1", "ClusterRole ClusterRoleBinding Role RoleBinding"),
];

/// Commands that read objects into Go's types know the kinds of their own release, and retired ones.
pub(crate) fn known(object: &Value) -> Result<(), String> {
    let mut gvk = GroupVersionKind::of(object);
    let kind = quote(&gvk.kind);
    gvk.kind = gvk.kind.trim_end_matches("List").to_owned();
    if gvk.kind.is_empty() || Schema::get().by_kind(&gvk).is_some() {
        return Ok(());
    }
    let version = gvk.group_version().to_string();
    if RETIRED.iter().any(|(retired, kinds)| *retired == version && kinds.split(' ').any(|of| of == gvk.kind)) {
        return Ok(());
    }
    let version = quote(&version);
    Err(format!("no kind {kind} is registered for version {version} in scheme \"pkg/scheme/scheme.go:28\""))
}

/// Whether Go's type of an object can hold it.
pub(super) fn typed(object: &Value) -> Result<(), String> {
    known(object)?;
    match Schema::get().by_kind(&GroupVersionKind::of(object)) {
        Some(of) => drydock_schema::decode(of, object).map(|_| ()),
        None => Ok(()),
    }
}

/// Whether metadata, at least, is what Go's type can hold, whatever the rest may be. Any kind tells of it in the same words.
pub(super) fn readable(metadata: &Value) -> Result<(), String> {
    let kind = GroupVersionKind { group: String::new(), version: "v1".into(), kind: "ConfigMap".into() };
    let Some(of) = Schema::get().by_kind(&kind) else { return Ok(()) };
    match drydock_schema::decode(of, &value!({"metadata": metadata})) {
        Ok(_) => Ok(()),
        Err(why) => Err(why.replace(" ConfigMap.", " metadataOnlyObject.")),
    }
}

/// What keeps a document from being checked: it must be an object that says which it is, and so must what is in a list.
pub(super) fn faults(document: &Value) -> Vec<String> {
    if document.as_object().is_none() {
        return vec!["invalid object to validate".into()];
    }
    let mut found = Vec::new();
    for key in ["apiVersion", "kind"] {
        match &document[key] {
            Value::Null => found.push(format!("{key} not set")),
            Value::String(_) => {}
            _ => found.push(format!("{key} isn't string type")),
        }
    }
    let version = document["apiVersion"].str();
    if found.is_empty() && version.matches('/').count() > 1 {
        found.push(format!("unexpected GroupVersion string: {version}"));
    }
    if found.is_empty() && version == "v1" && document["kind"] == "List" {
        match &document["items"] {
            Value::Array(items) => found.extend(items.iter().flat_map(faults)),
            _ => found.push("invalid object to validate".into()),
        }
    }
    // What is wrong with several items is told once.
    let mut told: Vec<String> = Vec::new();
    for fault in found {
        if !told.contains(&fault) {
            told.push(fault);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_the_client_knows() {
        for (version, kind, want) in [
            ("apps/v1", "Deployment", true),
            ("v1", "PodList", true),
            // Retired, and still among the client's types.
            ("rbac.authorization.k8s.io/v1beta1", "ClusterRoleBinding", true),
            ("rbac.authorization.k8s.io/v1alpha1", "RoleList", true),
            ("apps/v1beta2", "ReplicaSet", true),
            ("apps/v1beta1", "ReplicaSet", false),
            ("batch/v1beta1", "Job", false),
            ("rbac.authorization.k8s.io/v1beta1", "Subject", false),
            ("x.y/v1", "Widget", false),
        ] {
            assert_eq!(known(&value!({"apiVersion": version, "kind": kind})).is_ok(), want, "{version} {kind}");
        }
    }
}
