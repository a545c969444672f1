//! Warnings that come with an answer: nothing is wrong, but something is old or not what it looks like.

use drydock_value::Value;

/// Labels of nodes that have newer names.
const OLD_NODE_LABELS: [(&str, &str); 6] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("node.alpha.kubernetes.io/notReady", "deprecated since v1.14"),
];

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// About a pod.
pub(super) fn pod(pod: &Value, old: Option<&Value>) -> Vec<String> {
    if old.is_some_and(|old| old["spec"] == pod["spec"]) {
        return Vec::new();
    }
    about("", &pod["metadata"], &pod["spec"])
}

/// About the template of a workload.
pub(super) fn workload(object: &Value, old: Option<&Value>) -> Vec<String> {
    let template = &object["spec"]["template"];
    if old.is_some_and(|old| old["spec"]["template"] == *template) {
        return Vec::new();
    }
    about("spec.template.", &template["metadata"], &template["spec"])
}

/// About the template of a cron job.
pub(super) fn cron_job(object: &Value, old: Option<&Value>) -> Vec<String> {
    let template = |object: &Value| object["spec"]["jobTemplate"]["spec"]["template"].clone();
    let own = template(object);
    if old.is_some_and(|old| template(old) == own) {
        return Vec::new();
    }
    about("spec.jobTemplate.spec.template.", &own["metadata"], &own["spec"])
}

fn about(prefix: &str, metadata: &Value, spec: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    for (key, _) in metadata["annotations"].entries() {
        let Some(container) = key.strip_prefix(APP_ARMOR) else { continue };
        let set = spec["containers"]
            .find("name", container)
            .is_some_and(|container| !container["securityContext"]["appArmorProfile"].is_null());
        if !set {
            warnings.push(format!(
                "{prefix}metadata.annotations[{key}]: deprecated since v1.30; use the \"appArmorProfile\" field instead"
            ));
        }
    }
    for (label, text) in OLD_NODE_LABELS {
        if spec["nodeSelector"].get(label).is_some() {
            warnings.push(format!("{prefix}spec.nodeSelector[{label}]: {text}"));
        }
    }
    for (at, volume) in spec["volumes"].items().iter().enumerate() {
        if !volume["gitRepo"].is_null() {
            warnings.push(format!(
                "{prefix}spec.volumes[{at}].gitRepo: deprecated in v1.11, and disabled by default in v1.33+"
            ));
        }
        if !volume["glusterfs"].is_null() {
            warnings
                .push(format!("{prefix}spec.volumes[{at}].glusterfs: deprecated in v1.25, non-functional in v1.26+"));
        }
    }
    let mut host_names: Vec<&str> = Vec::new();
    for (at, alias) in spec["hostAliases"].items().iter().enumerate() {
        let ip = alias["ip"].str();
        if host_names.contains(&ip) {
            warnings.push(format!("{prefix}spec.hostAliases[{at}].ip: duplicate ip {ip:?}"));
        }
        host_names.push(ip);
    }
    for key in ["initContainers", "containers"] {
        for (at, container) in spec[key].items().iter().enumerate() {
            of_container(&format!("{prefix}spec.{key}[{at}]"), container, &mut warnings);
        }
    }
    // A port twice, whichever containers have it.
    let mut ports: Vec<((i64, &str), String)> = Vec::new();
    for (at, container) in spec["containers"].items().iter().enumerate() {
        for (port_at, port) in container["ports"].items().iter().enumerate() {
            let key = (port["containerPort"].int(), port["protocol"].str());
            let path = format!("{prefix}spec.containers[{at}].ports[{port_at}]");
            match ports.iter().find(|(other, other_path)| *other == key && same_container(other_path, &path)) {
                Some((_, first)) => warnings.push(format!("{path}: duplicate port definition with {first}")),
                None => ports.push((key, path)),
            }
        }
    }
    warnings
}

fn same_container(a: &str, b: &str) -> bool {
    let head = |path: &str| path.rsplit_once(".ports").map(|(head, _)| head.to_owned());
    head(a) == head(b)
}

fn of_container(path: &str, container: &Value, warnings: &mut Vec<String>) {
    let mut names: Vec<&str> = Vec::new();
    for (at, variable) in container["env"].items().iter().enumerate() {
        let name = variable["name"].str();
        // A definition that uses the one before it is meant so.
        let uses_itself = variable["value"].str().contains(&format!("$({name})"));
        if names.contains(&name) && !uses_itself {
            warnings.push(format!(
                "{path}.env[{at}]: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
        names.push(name);
    }
    for part in ["limits", "requests"] {
        for (resource, amount) in container["resources"][part].entries() {
            let fraction = crate::types::Quantity::of(amount).is_some_and(|amount| !amount.is_whole());
            if fraction && matches!(resource, "memory" | "ephemeral-storage") {
                let text = amount.str();
                warnings.push(format!(
                    "{path}.resources.{part}[{resource}]: fractional byte value {text:?} is invalid, must be an integer"
                ));
            }
        }
    }
}
