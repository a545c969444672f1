//! Pods and what is in them.

use drydock_value::{Map, Value, value};

use super::{Defaulter, Edit, image};
use crate::quantity::Quantity;

pub(super) const TABLE: &[(&str, Defaulter)] = &[
    ("api.core.v1.Pod", pod),
    ("api.core.v1.PodSpec", pod_spec),
    ("api.core.v1.Container", container),
    ("api.core.v1.EphemeralContainer", container),
    ("api.core.v1.Probe", |probe| {
        probe.unset("timeoutSeconds", 1);
        probe.unset("periodSeconds", 10);
        probe.unset("successThreshold", 1);
        probe.unset("failureThreshold", 3);
    }),
    ("api.core.v1.HTTPGetAction", |get| {
        get.unset("path", "/");
        get.unset("scheme", "HTTP");
    }),
    ("api.core.v1.GRPCAction", |grpc| grpc.missing("service", "")),
    ("api.core.v1.ObjectFieldSelector", |field| field.unset("apiVersion", "v1")),
    ("api.core.v1.Volume", volume),
    ("api.core.v1.SecretVolumeSource", |source| source.missing("defaultMode", FILE_MODE)),
    ("api.core.v1.ConfigMapVolumeSource", |source| source.missing("defaultMode", FILE_MODE)),
    ("api.core.v1.DownwardAPIVolumeSource", |source| source.missing("defaultMode", FILE_MODE)),
    ("api.core.v1.ProjectedVolumeSource", |source| source.missing("defaultMode", FILE_MODE)),
    ("api.core.v1.ServiceAccountTokenProjection", |token| token.missing("expirationSeconds", 3600)),
    ("api.core.v1.HostPathVolumeSource", |source| source.missing("type", "")),
    ("api.core.v1.AzureDiskVolumeSource", |source| source.missing("readOnly", false)),
];

/// 0644.
const FILE_MODE: i32 = 0o644;

fn pod_spec(spec: &mut Edit) {
    spec.unset("dnsPolicy", "ClusterFirst");
    spec.unset("restartPolicy", "Always");
    spec.missing("securityContext", value!({}));
    spec.missing("terminationGracePeriodSeconds", 30);
    spec.unset("schedulerName", "default-scheduler");
    // The old field and the new one say the same; the new one counts.
    let (new, old) = (spec.get("serviceAccountName").clone(), spec.get("serviceAccount").clone());
    match (new.is_empty(), old.is_empty()) {
        (false, _) if new != old => spec.set("serviceAccount", new),
        (true, false) => spec.set("serviceAccountName", old),
        _ => {}
    }
}

fn container(container: &mut Edit) {
    let policy = if image::tag(container.get("image").str()) == Some("latest") { "Always" } else { "IfNotPresent" };
    container.unset("imagePullPolicy", policy);
    container.unset("terminationMessagePath", "/dev/termination-log");
    container.unset("terminationMessagePolicy", "File");
}

fn volume(volume: &mut Edit) {
    if volume.value.entries().all(|(key, source)| key == "name" || source.is_null()) {
        volume.set("emptyDir", value!({}));
    }
    if !volume.get("image").is_null() {
        let tag = image::tag(volume.at(&["image", "reference"]).str());
        let policy = if tag == Some("latest") { "Always" } else { "IfNotPresent" };
        volume.within("image", |source| source.unset("pullPolicy", policy));
    }
}

/// What only pods get, not the templates that they come from.
fn pod(pod: &mut Edit) {
    pod.within("spec", |spec| {
        for list in ["initContainers", "containers"] {
            each(spec, list, requests_from_limits);
        }
        if !spec.get("resources").is_null() {
            pod_requests(spec);
        }
        spec.missing("enableServiceLinks", true);
        if spec.get("hostNetwork").is_true() {
            for list in ["initContainers", "containers"] {
                each(spec, list, |container| {
                    each(container, "ports", |port| {
                        let number = port.get("containerPort").clone();
                        port.unset("hostPort", number);
                    });
                });
            }
        }
    });
}

/// Works on the items of a list.
pub(super) fn each(edit: &mut Edit, key: &str, work: impl Fn(&mut Edit)) {
    let list = edit.get(key).clone();
    let mut changed = false;
    let items: Vec<Value> = list
        .items()
        .iter()
        .map(|item| {
            let mut inner = Edit { value: item.clone(), changed: false };
            work(&mut inner);
            changed |= inner.changed;
            inner.value
        })
        .collect();
    if changed {
        edit.set(key, items);
    }
}

fn requests_from_limits(container: &mut Edit) {
    let limits = container.at(&["resources", "limits"]).clone();
    let requests = container.at(&["resources", "requests"]).clone();
    if limits.entries().any(|(name, _)| requests.get(name).is_none()) {
        container.within("resources", |resources| {
            let mut merged = requests.as_object().cloned().unwrap_or_default();
            for (name, limit) in limits.entries() {
                if !merged.contains_key(name) {
                    merged.insert(name, limit);
                }
            }
            resources.set("requests", merged);
        });
    }
}

/// Requests of the pod as a whole, where it has limits: what its containers request together, else the limits.
fn pod_requests(spec: &mut Edit) {
    let limits = spec.at(&["resources", "limits"]).clone();
    if limits.is_empty() {
        return;
    }
    let known = spec.at(&["resources", "requests"]).as_object().cloned().unwrap_or_default();
    let mut requests = known.clone();
    for (name, amount) in container_requests(&spec.value).iter().filter(|(name, _)| matches!(*name, "cpu" | "memory")) {
        if !requests.contains_key(name) {
            requests.insert(name, amount);
        }
    }
    for (name, limit) in limits.entries() {
        let supported = matches!(name, "cpu" | "memory") || name.starts_with("hugepages-");
        if supported && !requests.contains_key(name) {
            requests.insert(name, limit);
        }
    }
    if requests.len() > known.len() {
        spec.within("resources", |resources| resources.set("requests", requests));
    }
}

/// What a pod's containers request together: the sum of those that run side by side, or what a single init container
/// needs, if that is more.
fn container_requests(spec: &Value) -> Map {
    let mut sum: Vec<(String, Quantity)> = Vec::new();
    let mut peak: Vec<(String, Quantity)> = Vec::new();
    let amounts = |container: &Value| -> Vec<(String, Quantity)> {
        let requests = container["resources"]["requests"].clone();
        requests.entries().filter_map(|(name, amount)| Some((name.to_owned(), Quantity::of(amount).ok()?))).collect()
    };
    let merge = |into: &mut Vec<(String, Quantity)>, from: &[(String, Quantity)], max: bool| {
        for (name, amount) in from {
            match into.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = if max { (*known).max(*amount) } else { known.add(amount) },
                None => into.push((name.clone(), *amount)),
            }
        }
    };
    for container in spec["initContainers"].items() {
        let mut needed = sum.clone();
        merge(&mut needed, &amounts(container), false);
        if container["restartPolicy"] == "Always" {
            sum = needed.clone();
        }
        merge(&mut peak, &needed, true);
    }
    for container in spec["containers"].items() {
        merge(&mut sum, &amounts(container), false);
    }
    merge(&mut sum, &peak, true);
    sum.into_iter().map(|(name, amount)| (name, amount.to_string())).collect()
}
