//! Warnings that come with an answer: nothing is wrong, but something is old or not what it looks like.

use drydock_value::Value;

use super::overlaps;
use crate::types::Quantity;
use crate::validation::names;

/// Labels of nodes that have newer names.
const OLD_NODE_LABELS: [(&str, &str); 5] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
];

/// Annotations that nothing reads any more.
const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
];

/// Kinds of volumes that are old, with since when they do nothing.
const OLD_VOLUMES: [(&str, &str); 9] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP: &str = "use the \"seccompProfile\" field instead";
const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";
const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The path that a kind of volume is told of by.
fn shown(kind: &str) -> &str {
    if kind == "storageos" { "storageOS" } else { kind }
}

/// About a new pod. What is changed in one is not looked at.
pub(super) fn pod(pod: &Value, old: Option<&Value>) -> Vec<String> {
    if old.is_some() {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    for (key, _) in pod["metadata"]["annotations"].entries() {
        let container = key.strip_prefix(APP_ARMOR).and_then(|name| pod["spec"]["containers"].find("name", name));
        if container.is_some_and(|container| container["securityContext"]["appArmorProfile"].is_null()) {
            warnings.push(app_armor("", key));
        }
    }
    hostname(pod, "the Pod's hostname", &mut warnings);
    about("", &pod["metadata"], &pod["spec"], &mut warnings);
    warnings
}

fn app_armor(prefix: &str, key: &str) -> String {
    format!("{prefix}metadata.annotations[{key}]: deprecated since v1.30; use the \"appArmorProfile\" field instead")
}

fn hostname(object: &Value, used: &str, warnings: &mut Vec<String>) {
    let wrong = names::dns_label(object["metadata"]["name"].str());
    if !wrong.is_empty() {
        let wrong = wrong.join(" ");
        warnings.push(format!(
            "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is \
             recommended: [{wrong}]"
        ));
    }
}

/// About a workload whose name its pods' names begin with.
pub(super) fn workload(object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    if old.is_none() {
        hostname(object, "Pod names and hostnames", &mut warnings);
    }
    template(object, old, &mut warnings);
    warnings
}

fn template(object: &Value, old: Option<&Value>, warnings: &mut Vec<String>) {
    if old.is_none_or(|old| old["metadata"]["generation"] != object["metadata"]["generation"]) {
        let template = &object["spec"]["template"];
        about("spec.template.", &template["metadata"], &template["spec"], warnings);
    }
}

/// About a stateful set.
pub(super) fn stateful_set(set: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    template(set, old, &mut warnings);
    for (at, claim) in set["spec"]["volumeClaimTemplates"].items().iter().enumerate() {
        let spec = if old.is_some() { ".Spec" } else { "" };
        claim_spec(&format!("spec.volumeClaimTemplates[{at}]{spec}"), &claim["spec"], &mut warnings);
    }
    if set["spec"]["revisionHistoryLimit"].int() < 0 {
        let text = "a negative value retains all historical revisions; a value >= 0 is recommended";
        warnings.push(format!("spec.revisionHistoryLimit: {text}"));
    }
    warnings
}

/// About a daemon set: only its template counts.
pub(super) fn daemon_set(set: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    let own = &set["spec"]["template"];
    if old.is_none_or(|old| old["spec"]["template"] != *own) {
        about("spec.template.", &own["metadata"], &own["spec"], &mut warnings);
    }
    warnings
}

/// About a cron job.
pub(super) fn cron_job(object: &Value, old: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    if old.is_none() {
        hostname(object, "Pod names and hostnames", &mut warnings);
    }
    if old.is_none_or(|old| old["metadata"]["generation"] != object["metadata"]["generation"]) {
        let template = &object["spec"]["jobTemplate"]["spec"]["template"];
        about("spec.jobTemplate.spec.template.", &template["metadata"], &template["spec"], &mut warnings);
    }
    warnings
}

/// About a claim of a volume.
pub(super) fn claim(claim: &Value, _: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    old_class(claim, &mut warnings);
    claim_spec("spec", &claim["spec"], &mut warnings);
    warnings
}

fn old_class(object: &Value, warnings: &mut Vec<String>) {
    if object["metadata"]["annotations"].get(OLD_CLASS).is_some() {
        warnings.push(format!(
            "metadata.annotations[{OLD_CLASS}]: deprecated since v1.8; use \"storageClassName\" attribute instead"
        ));
    }
}

fn claim_spec(path: &str, spec: &Value, warnings: &mut Vec<String>) {
    for part in ["requests", "limits"] {
        fraction(&format!("{path}.resources.{part}"), &spec["resources"][part], "storage", warnings);
    }
}

/// About a volume.
pub(super) fn volume(volume: &Value, _: Option<&Value>) -> Vec<String> {
    let mut warnings = Vec::new();
    old_class(volume, &mut warnings);
    let spec = &volume["spec"];
    if spec["persistentVolumeReclaimPolicy"] == "Recycle" {
        let text = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic \
                    provisioning.";
        warnings.push(format!("spec.persistentVolumeReclaimPolicy: {text}"));
    }
    let terms = spec["nodeAffinity"]["required"]["nodeSelectorTerms"].items();
    for (at, term) in terms.iter().enumerate() {
        old_labels(&format!("spec.nodeAffinity.required.nodeSelectorTerms[{at}]"), term, &mut warnings);
    }
    for kind in ["cephfs", "photonPersistentDisk", "scaleIO", "storageos", "glusterfs", "rbd"] {
        let text = OLD_VOLUMES.iter().find(|(known, _)| *known == kind && spec.get(kind).is_some());
        warnings.extend(text.map(|(_, text)| format!("spec.{}: {text}", shown(kind))));
    }
    warnings
}

/// About an ingress.
pub(super) fn ingress(ingress: &Value, old: Option<&Value>) -> Vec<String> {
    let class = ingress["metadata"]["annotations"].get("kubernetes.io/ingress.class").filter(|_| old.is_none());
    let text = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
    class.map(|_| text.to_owned()).into_iter().collect()
}

/// About a service account.
pub(super) fn account(account: &Value, old: Option<&Value>) -> Vec<String> {
    let key = "kubernetes.io/enforce-mountable-secrets";
    let has = |account: &Value| account["metadata"]["annotations"].get(key).is_some();
    if !has(account) || old.is_some_and(has) {
        return Vec::new();
    }
    let text = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
    vec![format!("metadata.annotations[{key}]: {text}")]
}

fn about_label(label: &str) -> Option<&'static str> {
    OLD_NODE_LABELS.iter().find(|(known, _)| *known == label).map(|(_, text)| *text)
}

/// Old labels in a term that selects nodes.
fn old_labels(path: &str, term: &Value, warnings: &mut Vec<String>) {
    for (at, expression) in term["matchExpressions"].items().iter().enumerate() {
        let label = expression["key"].str();
        let text = about_label(label).map(|text| format!("{path}.matchExpressions[{at}].key: {label} is {text}"));
        warnings.extend(text);
    }
}

fn about(prefix: &str, metadata: &Value, spec: &Value, warnings: &mut Vec<String>) {
    let annotations = &metadata["annotations"];
    for (label, text) in OLD_NODE_LABELS {
        if spec["nodeSelector"].get(label).is_some() {
            warnings.push(format!("{prefix}spec.nodeSelector[{label}]: {text}"));
        }
    }
    let nodes = &spec["affinity"]["nodeAffinity"];
    let (must, may) =
        ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution");
    let path = format!("{prefix}spec.affinity.nodeAffinity");
    for (at, term) in nodes[must]["nodeSelectorTerms"].items().iter().enumerate() {
        old_labels(&format!("{path}.{must}.nodeSelectorTerms[{at}]"), term, warnings);
    }
    for (at, term) in nodes[may].items().iter().enumerate() {
        old_labels(&format!("{path}.{may}[{at}].preference"), &term["preference"], warnings);
    }
    for (at, spread) in spec["topologySpreadConstraints"].items().iter().enumerate() {
        let (path, key) = (format!("{prefix}spec.topologySpreadConstraints[{at}]"), spread["topologyKey"].str());
        warnings.extend(about_label(key).map(|text| format!("{path}.topologyKey: {key} is {text}")));
        if spread["labelSelector"].is_null() {
            warnings.push(format!("{path}.labelSelector: {NO_SELECTOR}"));
        }
    }
    for (key, text) in OLD_ANNOTATIONS {
        if annotations.get(key).is_some() {
            warnings.push(format!("{prefix}metadata.annotations[{key}]: {text}"));
        }
    }
    for (at, volume) in spec["volumes"].items().iter().enumerate() {
        let path = format!("{prefix}spec.volumes[{at}]");
        for (kind, text) in OLD_VOLUMES {
            if volume.get(kind).is_some() {
                warnings.push(format!("{path}.{}: {text}", shown(kind)));
            }
        }
        let claim = &volume["ephemeral"]["volumeClaimTemplate"]["spec"];
        claim_spec(&format!("{path}.ephemeral.volumeClaimTemplate.spec"), claim, warnings);
    }
    overlaps::volumes(&spec["volumes"], warnings);
    for (list, field, what) in [("hostAliases", "ip", "ip"), ("imagePullSecrets", "name", "name")] {
        let mut known: Vec<&str> = Vec::new();
        for (at, item) in spec[list].items().iter().enumerate() {
            let text = item[field].str();
            if known.contains(&text) {
                warnings.push(format!("{prefix}spec.{list}[{at}].{field}: duplicate {what} {text:?}"));
            }
            known.push(text);
        }
    }
    for (at, secret) in spec["imagePullSecrets"].items().iter().enumerate() {
        if secret["name"].str().is_empty() {
            warnings.push(format!("{prefix}spec.imagePullSecrets[{at}].name: invalid empty name \"\""));
        }
    }
    for resource in ["memory", "ephemeral-storage"] {
        fraction(&format!("{prefix}spec.overhead"), &spec["overhead"], resource, warnings);
    }
    let pod_seccomp = "seccomp.security.alpha.kubernetes.io/pod";
    if annotations.get(pod_seccomp).is_some() && spec["securityContext"]["seccompProfile"].is_null() {
        warnings.push(format!("{prefix}metadata.annotations[{pod_seccomp}]: non-functional in v1.27+; {SECCOMP}"));
    }
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers = || {
        lists.into_iter().flat_map(|list| {
            let path = move |at: usize| format!("{prefix}spec.{list}[{at}]");
            spec[list].items().iter().enumerate().map(move |(at, container)| (path(at), container))
        })
    };
    let armored = !spec["securityContext"]["appArmorProfile"].is_null();
    for (path, container) in containers() {
        let (name, security) = (container["name"].str(), &container["securityContext"]);
        let key = format!("container.seccomp.security.alpha.kubernetes.io/{name}");
        if annotations.get(&key).is_some() && security["seccompProfile"].is_null() {
            warnings.push(format!("{prefix}metadata.annotations[{key}]: non-functional in v1.27+; {SECCOMP}"));
        }
        let key = format!("{APP_ARMOR}{name}");
        if !prefix.is_empty() && !armored && security["appArmorProfile"].is_null() && annotations.get(&key).is_some() {
            warnings.push(app_armor(prefix, &key));
        }
        of_container(&path, container, warnings);
    }
    ports(containers(), warnings);
    if spec["terminationGracePeriodSeconds"].int() < 0 {
        let text = "must be >= 0; negative values are invalid and will be treated as 1";
        warnings.push(format!("{prefix}spec.terminationGracePeriodSeconds: {text}"));
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (rules, path) = (&spec["affinity"][kind], format!("{prefix}spec.affinity.{kind}"));
        for (at, term) in rules[must].items().iter().enumerate() {
            if term["labelSelector"].is_null() {
                warnings.push(format!("{path}.{must}[{at}].labelSelector: {NO_SELECTOR}"));
            }
        }
        for (at, term) in rules[may].items().iter().enumerate() {
            if term["podAffinityTerm"]["labelSelector"].is_null() {
                warnings.push(format!("{path}.{may}[{at}].podAffinityTerm.labelSelector: {NO_SELECTOR}"));
            }
        }
    }
}

/// Ports that stand twice, whichever containers have them.
fn ports<'a>(containers: impl Iterator<Item = (String, &'a Value)>, warnings: &mut Vec<String>) {
    let mut all: Vec<(&Value, String)> = Vec::new();
    for (path, container) in containers {
        for (at, port) in container["ports"].items().iter().enumerate() {
            let path = format!("{path}.ports[{at}]");
            let place = |port: &'a Value| (port["hostIP"].str(), port["hostPort"].int());
            let (host, number) = place(port);
            if !host.is_empty() && number == 0 {
                let (name, own, protocol) = (port["name"].str(), port["containerPort"].int(), port["protocol"].str());
                warnings.push(format!(
                    "{path}: hostIP set without hostPort: {{Name:{name} HostPort:0 ContainerPort:{own} \
                     Protocol:{protocol} HostIP:{host}}}"
                ));
            }
            let same = |other: &Value| ["containerPort", "protocol"].iter().all(|field| other[*field] == port[*field]);
            for (other, first) in all.iter().filter(|(other, _)| same(other)) {
                let (other_host, other_number) = place(other);
                let what = if (host, number) == (other_host, other_number) {
                    "duplicate"
                } else if number == 0 || other_number == 0 {
                    "overlapping"
                } else if number == other_number && host.is_empty() != other_host.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                warnings.push(format!("{path}: {what} port definition with {first}"));
            }
            all.push((port, path));
        }
    }
}

/// An amount of bytes that is not whole.
fn fraction(path: &str, amounts: &Value, resource: &str, warnings: &mut Vec<String>) {
    if let Some(amount) = Quantity::of(&amounts[resource]).filter(|amount| !amount.is_whole()) {
        let text = amount.text();
        warnings.push(format!("{path}[{resource}]: fractional byte value {text:?} is invalid, must be an integer"));
    }
}

fn of_container(path: &str, container: &Value, warnings: &mut Vec<String>) {
    for resource in ["memory", "ephemeral-storage"] {
        for part in ["limits", "requests"] {
            fraction(&format!("{path}.resources.{part}"), &container["resources"][part], resource, warnings);
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for (at, variable) in container["env"].items().iter().enumerate() {
        let name = variable["name"].str();
        if !names.contains(&name) {
            names.push(name);
            continue;
        }
        // A definition that uses the one before it, and adds to it, is meant so.
        let (text, itself) = (variable["value"].str(), format!("$({name})"));
        if variable.get("valueFrom").is_some() || text == itself || !text.contains(&itself) {
            warnings.push(format!(
                "{path}.env[{at}]: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    fn told(spec: &Value) -> Vec<String> {
        pod(&value!({"metadata": {"name": "p"}, "spec": spec}), None)
    }

    #[test]
    fn of_pods() {
        let anti =
            value!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {}}]}});
        let nodes = value!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
            {"nodeSelectorTerms": [{"matchExpressions": [{"key": "beta.kubernetes.io/os"}]}]}}});
        for (spec, expected) in [
            (value!({"nodeSelector": {"kubernetes.io/os": "linux"}}), ""),
            (
                value!({"affinity": nodes}),
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].\
                 matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use \"kubernetes.io/os\" instead",
            ),
            (
                value!({"affinity": anti}),
                "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.\
                 labelSelector: a null labelSelector results in matching no pod",
            ),
            (
                value!({"topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname"}]}),
                "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
            ),
            (
                value!({"volumes": [{"name": "a", "cephfs": {}}, {"name": "b", "storageos": {}}]}),
                "spec.volumes[0].cephfs: deprecated in v1.28, non-functional in v1.31+|\
                 spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+",
            ),
            (
                value!({"hostAliases": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}], "imagePullSecrets": [{"name": "a"}, {"name": "a"}, {}]}),
                "spec.hostAliases[1].ip: duplicate ip \"1.1.1.1\"|spec.imagePullSecrets[1].name: duplicate name \"a\"|\
                 spec.imagePullSecrets[2].name: invalid empty name \"\"",
            ),
            (
                value!({"containers": [{"resources": {"requests": {"memory": "100m"}, "limits": {"memory": "0.5"}}}]}),
                "spec.containers[0].resources.limits[memory]: fractional byte value \"500m\" is invalid, must be an integer|\
                 spec.containers[0].resources.requests[memory]: fractional byte value \"100m\" is invalid, must be an integer",
            ),
            (
                value!({"containers": [{"env": [{"name": "a", "value": "1"}, {"name": "a", "value": "$(a)"}, {"name": "a", "value": "$(a)2"}]}]}),
                "spec.containers[0].env[1]: hides previous definition of \"a\", which may be dropped when using apply",
            ),
            (
                value!({"containers": [
                    {"ports": [{"containerPort": 80, "protocol": "TCP"}]},
                    {"ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP", "hostPort": 8}]}
                ]}),
                "spec.containers[1].ports[0]: duplicate port definition with spec.containers[0].ports[0]|\
                 spec.containers[1].ports[1]: overlapping port definition with spec.containers[0].ports[0]|\
                 spec.containers[1].ports[1]: overlapping port definition with spec.containers[1].ports[0]",
            ),
            (
                value!({"terminationGracePeriodSeconds": (-1)}),
                "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
            ),
            (
                value!({"volumes": [{"name": "v", "configMap": {"name": "c", "items": [{"path": "a"}, {"path": "a/b"}, {"path": "ab"}]}}]}),
                "volume \"v\" (ConfigMap \"c\"): overlapping paths: \"a/b\" with \"a\"",
            ),
            (
                value!({"volumes": [{"name": "v", "projected": {"sources": [
                    {"configMap": {"name": "c", "items": [{"path": "t/"}]}}, {"secret": {"name": "s"}}, {"serviceAccountToken": {"path": "t/x"}}, {}
                ]}}]}),
                "volume \"v\" (Projected) has no sources provided|\
                 volume \"v\" (Projected): overlapping paths: \"t/x\" (ServiceAccountToken) with \"t\" (ConfigMap \"c\")",
            ),
        ] {
            assert_eq!(told(&spec).join("|"), expected, "{spec}");
        }
        assert_eq!(
            pod(&value!({"metadata": {"name": "a.b"}}), None),
            [
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is \
              recommended: [must not contain dots]"
            ]
        );
    }

    #[test]
    fn of_others() {
        let old = value!({"metadata": {"name": "a.b", "generation": 1}, "spec": {"template": {"spec": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}}}}});
        assert_eq!(workload(&old, None).len(), 2);
        assert_eq!(workload(&old, Some(&old)), Vec::<String>::new());
        let mut new = old.clone();
        new["metadata"].set("generation", 2);
        assert_eq!(
            workload(&new, Some(&old)),
            [
                "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead"
            ]
        );
        let set = value!({"spec": {"revisionHistoryLimit": (-1), "volumeClaimTemplates": [{"spec": {"resources": {"requests": {"storage": "1m"}}}}]}});
        assert_eq!(
            stateful_set(&set, None),
            [
                "spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value \"1m\" is invalid, must be an integer",
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
            ]
        );
        let class = value!({"metadata": {"annotations": {"kubernetes.io/ingress.class": "nginx"}}});
        assert_eq!((ingress(&class, None).len(), ingress(&class, Some(&class)).len()), (1, 0));
        let disk = value!({"spec": {"persistentVolumeReclaimPolicy": "Recycle", "rbd": {}}});
        assert_eq!(volume(&disk, Some(&disk)).len(), 2);
    }
}
