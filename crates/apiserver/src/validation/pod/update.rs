//! What may change in a pod that exists.

use drydock_value::Value;

use super::super::internal::difference;
use super::super::{Errors, Path};
use super::SPEC;
use crate::strategy::qos_class;

const CHANGEABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Rules for an update of a pod.
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    if new["spec"] == old["spec"] {
        return;
    }
    super::validate_spec(&new["spec"], &SPEC, errors);
    for key in ["containers", "initContainers"] {
        let path = SPEC.field(key);
        if new["spec"][key].items().len() != old["spec"][key].items().len() {
            errors.forbidden(&path, "pod updates may not add or remove containers");
            return;
        }
    }
    let path = SPEC.field("activeDeadlineSeconds");
    match (new["spec"]["activeDeadlineSeconds"].as_i64(), old["spec"]["activeDeadlineSeconds"].as_i64()) {
        (Some(new), Some(old)) if new > old => {
            errors.invalid(&path, new, "must be less than or equal to previous value");
            return;
        }
        (None, Some(_)) => {
            errors.invalid(&path, Value::Null, "must not update from a positive integer to nil value");
            return;
        }
        _ => {}
    }
    tolerations(&new["spec"]["tolerations"], &old["spec"]["tolerations"], errors);
    gates(new, old, errors);
    if !errors.is_empty() {
        return;
    }
    let mut munged = new["spec"].clone();
    let before = &old["spec"];
    for key in ["containers", "initContainers"] {
        for (at, container) in before[key].items().iter().enumerate() {
            if munged[key][at]["image"] != container["image"] {
                munged[key][at]["image"] = container["image"].clone();
            }
        }
    }
    for key in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
        restore(&mut munged, before, key);
    }
    if before["terminationGracePeriodSeconds"].int() < 0 && munged["terminationGracePeriodSeconds"].int() == 1 {
        restore(&mut munged, before, "terminationGracePeriodSeconds");
    }
    // While a pod waits at a gate, where it may go can still be narrowed down.
    if !before["schedulingGates"].items().is_empty() {
        restore(&mut munged, before, "nodeSelector");
        restore(&mut munged, before, "affinity");
    }
    if munged != *before {
        errors.forbidden(&SPEC, format!("{CHANGEABLE}\n{}", difference("PodSpec", before, &munged)));
    }
}

fn restore(munged: &mut Value, before: &Value, key: &str) {
    match before.get(key) {
        Some(value) => munged.set(key, value),
        None => {
            munged.remove(key);
        }
    }
}

fn tolerations(new: &Value, old: &Value, errors: &mut Errors) {
    for before in old.items() {
        let kept = new.items().iter().any(|toleration| {
            ["key", "operator", "value", "effect"].iter().all(|key| toleration[*key] == before[*key])
        });
        if !kept {
            errors.forbidden(
                &SPEC.field("tolerations"),
                "existing toleration can not be modified except its tolerationSeconds",
            );
            return;
        }
    }
}

fn gates(new: &Value, old: &Value, errors: &mut Errors) {
    let before = old["spec"]["schedulingGates"].items();
    let list = SPEC.field("schedulingGates");
    for (at, gate) in new["spec"]["schedulingGates"].items().iter().enumerate() {
        if !before.contains(gate) {
            errors.forbidden(
                &list.index(at).field("name"),
                format!("only deletion is allowed, but found new scheduling gate '{}'", gate["name"].str()),
            );
        }
    }
}

/// Rules for an update of a pod's `ephemeralcontainers`: they are only ever added.
pub(crate) fn validate_ephemeral(new: &Value, old: &Value, errors: &mut Errors) {
    super::validate_spec(&new["spec"], &SPEC, errors);
    let path: Path<'_> = SPEC.field("ephemeralContainers");
    let now = &new["spec"]["ephemeralContainers"];
    for container in old["spec"]["ephemeralContainers"].items() {
        let name = container["name"].str();
        match now.find("name", name) {
            None => {
                errors.forbidden(&path, format!("existing ephemeral containers {name:?} may not be removed"));
            }
            Some(kept) if kept != container => {
                let change = difference("EphemeralContainer", container, kept);
                errors.forbidden(&path, format!("existing ephemeral containers {name:?} may not be changed\n{change}"));
            }
            Some(_) => {}
        }
    }
}

/// Rules for an update of a pod's `resize`: processors and memory of containers and sidecars only, none of which may be
/// taken away, and its class stays.
pub(crate) fn validate_resize(new: &Value, old: &Value, errors: &mut Errors) {
    if !old["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null() {
        return errors.forbidden(&Path::new(""), "static pods cannot be resized");
    }
    super::validate_spec(&new["spec"], &SPEC, errors);
    let class = qos_class(&new["spec"]);
    if old["status"]["qosClass"] != class {
        let words = "Pod QOS Class may not change as a result of resizing";
        errors.invalid(&SPEC, class, words);
    }
    let mut munged = new["spec"].clone();
    for key in ["initContainers", "containers"] {
        let path = SPEC.field(key);
        if new["spec"][key].items().len() != old["spec"][key].items().len() {
            return errors.forbidden(&path, format!("{key} may not be added or removed on resize"));
        }
        for (at, container) in old["spec"][key].items().iter().enumerate() {
            let path = path.index(at);
            let given = &new["spec"][key][at];
            if given["name"] != container["name"] {
                let words = format!("{key} may not be renamed or reordered on resize");
                return errors.forbidden(&path.field("name"), words);
            }
            if key == "initContainers" && container["restartPolicy"] != "Always" {
                continue;
            }
            for part in ["requests", "limits"] {
                let mut gone = container["resources"][part].entries();
                if gone.any(|(name, _)| given["resources"][part].get(name).is_none()) {
                    let words = format!("resource {part} cannot be removed");
                    errors.forbidden(&path.field("resources").field(part), &words);
                }
                for name in ["cpu", "memory"] {
                    restore(&mut munged[key][at]["resources"][part], &container["resources"][part], name);
                }
            }
            restore(&mut munged[key][at], container, "resizePolicy");
            if same_resources(&munged[key][at]["resources"], &container["resources"]) {
                restore(&mut munged[key][at], container, "resources");
            }
        }
    }
    if munged != old["spec"] {
        errors.forbidden(&SPEC, "only cpu and memory resources are mutable");
    }
}

/// Whether two containers' resources are the same, where none is as good as an empty list.
fn same_resources(a: &Value, b: &Value) -> bool {
    ["requests", "limits"].iter().all(|part| a[*part] == b[*part] || a[*part].is_empty() && b[*part].is_empty())
        && a["claims"] == b["claims"]
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::{parse_json, value};

    #[test]
    fn resizes_keep_classes_and_take_nothing_away() {
        let container = |resources: &str| {
            value!({
                "name": "c", "image": "i", "terminationMessagePolicy": "File", "imagePullPolicy": "Always",
                "resources": parse_json(resources).unwrap()
            })
        };
        let pod = |resources: &str, class: &str| {
            value!({
                "spec": {
                    "containers": [container(resources)], "restartPolicy": "Always", "dnsPolicy": "ClusterFirst",
                    "terminationGracePeriodSeconds": 30
                },
                "status": {"qosClass": class}
            })
        };
        // Class and resources before, resources after, what is wrong.
        let cases = [
            ("BestEffort", "{}", "{}", ""),
            ("Burstable", r#"{"requests":{"cpu":"1"}}"#, r#"{"requests":{"cpu":"2","memory":"1Gi"}}"#, ""),
            (
                "BestEffort",
                "{}",
                r#"{"requests":{"cpu":"1"}}"#,
                "spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing",
            ),
            (
                "Burstable",
                r#"{"limits":{"memory":"1Gi"},"requests":{"memory":"1Mi"}}"#,
                r#"{"requests":{"memory":"1Mi"}}"#,
                "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
            ),
            (
                "Burstable",
                r#"{"requests":{"cpu":"1"}}"#,
                r#"{"requests":{"cpu":"1","ephemeral-storage":"1Gi"}}"#,
                "spec: Forbidden: only cpu and memory resources are mutable",
            ),
        ];
        for (class, before, after, wrong) in cases {
            let mut errors = Errors::default();
            validate_resize(&pod(after, class), &pod(before, class), &mut errors);
            let told: Vec<String> =
                errors.0.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
            assert_eq!(told.join(", "), wrong, "{before} {after}");
        }
    }
}
