//! Names in other objects that follow an object whose name has changed.

use drydock_value::Value;

use super::fields;
use super::resource::{Id, Item, Items, effective};

/// A row: the kind that is named; the kinds that name it, or `POD` for those with a pod's spec; the path of the name.
type Row = (&'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("ConfigMap", "POD", "volumes/configMap/name"),
    ("ConfigMap", "POD", "volumes/projected/sources/configMap/name"),
    ("ConfigMap", "POD", "CONTAINERS/env/valueFrom/configMapKeyRef/name"),
    ("ConfigMap", "POD", "CONTAINERS/envFrom/configMapRef/name"),
    ("ConfigMap", "Role ClusterRole", "rules/resourceNames"),
    ("Secret", "POD", "volumes/secret/secretName"),
    ("Secret", "POD", "volumes/projected/sources/secret/name"),
    ("Secret", "POD", "volumes/csi/nodePublishSecretRef/name"),
    ("Secret", "POD", "volumes/azureFile/secretName"),
    ("Secret", "POD", "CONTAINERS/env/valueFrom/secretKeyRef/name"),
    ("Secret", "POD", "CONTAINERS/envFrom/secretRef/name"),
    ("Secret", "POD", "imagePullSecrets/name"),
    ("Secret", "Ingress", "spec/tls/secretName"),
    ("Secret", "ServiceAccount", "imagePullSecrets/name"),
    ("Secret", "ServiceAccount", "secrets/name"),
    ("Secret", "Role ClusterRole", "rules/resourceNames"),
    ("Service", "StatefulSet", "spec/serviceName"),
    ("Service", "Ingress", "spec/rules/http/paths/backend/service/name"),
    ("Service", "Ingress", "spec/defaultBackend/service/name"),
    ("Service", "APIService", "spec/service"),
    ("Service", "ValidatingWebhookConfiguration MutatingWebhookConfiguration", "webhooks/clientConfig/service"),
    ("Service", "CustomResourceDefinition", "spec/conversion/webhook/clientConfig/service"),
    ("ServiceAccount", "POD", "serviceAccountName"),
    ("PersistentVolumeClaim", "POD", "volumes/persistentVolumeClaim/claimName"),
    ("PersistentVolume", "PersistentVolumeClaim", "spec/volumeName"),
    ("StorageClass", "PersistentVolume PersistentVolumeClaim", "spec/storageClassName"),
    ("StorageClass", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName"),
    ("PriorityClass", "POD", "priorityClassName"),
    ("IngressClass", "Ingress", "spec/ingressClassName"),
    ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "spec/policyName"),
];

/// Kinds that an autoscaler scales.
const SCALED: [&str; 4] = ["Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"];

/// Lets all names follow; `more` are rows of a kustomization's own.
pub(super) fn follow(items: &mut Items, more: &[Value]) {
    let targets = items.clone();
    for item in items {
        let referrer = item.clone();
        let kind = item.object["kind"].str().to_owned();
        let object = &mut item.object;
        for (target, kinds, path) in ROWS {
            let paths: Vec<String> = if *kinds == "POD" {
                let Some(spec) = fields::pod_spec(&kind) else { continue };
                match path.strip_prefix("CONTAINERS") {
                    Some(rest) => ["containers", "initContainers", "ephemeralContainers"]
                        .iter()
                        .map(|field| format!("{spec}/{field}{rest}"))
                        .collect(),
                    None => vec![format!("{spec}/{path}")],
                }
            } else if kinds.split(' ').any(|other| other == kind) {
                vec![(*path).to_owned()]
            } else {
                continue;
            };
            for path in paths {
                fields::visit(object, &path, false, &mut |name| rename(name, &[*target], &referrer, &targets));
            }
        }
        for row in more {
            let target = row["kind"].str();
            fields::visit_specs(object, &row["fieldSpecs"], &mut |name| rename(name, &[target], &referrer, &targets));
        }
        let mut by_kind = |path: &str, kinds: &[&str]| {
            fields::visit(object, path, false, &mut |reference| {
                let named = reference["kind"].str().to_owned();
                if let Some(kind) = kinds.iter().find(|kind| **kind == named) {
                    rename(reference, &[*kind], &referrer, &targets);
                }
            });
        };
        match kind.as_str() {
            "RoleBinding" | "ClusterRoleBinding" => {
                by_kind("roleRef", &["Role", "ClusterRole"]);
                by_kind("subjects", &["ServiceAccount"]);
            }
            "HorizontalPodAutoscaler" => by_kind("spec/scaleTargetRef", &SCALED),
            _ => {}
        }
    }
}

/// Sets a name (or the name and namespace of a reference) to what the object is called now that it means.
fn rename(value: &mut Value, kinds: &[&str], referrer: &Item, targets: &[Item]) {
    let whole = value.as_object().is_some();
    let name = if whole { value["name"].str() } else { value.str() }.to_owned();
    // A role is cluster-wide, but the account that it is bound to lives where the reference says.
    let place = if whole { value["namespace"].as_str().map(str::to_owned) } else { None };
    let homes: Vec<String> = match (&place, referrer.id().is_namespaced()) {
        (Some(place), _) => vec![place.clone()],
        (None, true) => referrer.ids().into_iter().map(|id| id.namespace).collect(),
        (None, false) => Vec::new(),
    };
    let fits = |id: &Id| {
        kinds.contains(&id.gvk.kind.as_str())
            && id.name == name
            && (!id.is_namespaced()
                || homes.is_empty()
                || homes.iter().any(|home| effective(home) == effective(&id.namespace)))
    };
    let mut found: Vec<&Item> = targets.iter().filter(|item| item.ids().iter().any(fits)).collect();
    if found.len() > 1 {
        // Twins of two layers: the one that came the same way.
        let same_way = |item: &&Item| item.prefixes == referrer.prefixes && item.suffixes == referrer.suffixes;
        let near: Vec<&Item> = found.iter().copied().filter(same_way).collect();
        if !near.is_empty() {
            found = near;
        }
        let here = referrer.id().namespace;
        let near: Vec<&Item> = found.iter().copied().filter(|item| item.id().namespace == here).collect();
        if !near.is_empty() {
            found = near;
        }
    }
    let Some(target) = found.first() else { return };
    let id = target.id();
    if !whole {
        *value = id.name.into();
        return;
    }
    value.set("name", id.name);
    if place.is_some() && !id.namespace.is_empty() {
        value.set("namespace", id.namespace);
    }
}
