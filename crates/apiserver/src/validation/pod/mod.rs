//! Rules for pods and for the templates of pods, in the order in which the real server states them.

mod claims;
mod containers;
mod handlers;
mod scheduling;
mod security;
mod update;
mod volumes;

use drydock_value::Value;

use super::common::{self, dns_label, dns_subdomain, one_of, optional_one_of};
use super::{Errors, Path};

pub(crate) use scheduling::{node_selector, tolerations};
pub(crate) use update::{validate_ephemeral, validate_resize, validate_update};
pub(crate) use volumes::one_source as volume_source;

const SPEC: Path<'static> = Path::new("spec");

/// Rules for a new pod.
pub(crate) fn validate(pod: &Value, errors: &mut Errors) {
    let spec = &pod["spec"];
    annotations(pod, &Path::new("metadata"), errors);
    validate_spec(spec, &SPEC, errors);
    for key in ["containers", "initContainers"] {
        containers::plain_images(&spec[key], &SPEC.field(key), errors);
    }
    if !spec["ephemeralContainers"].items().is_empty() {
        errors.forbidden(&SPEC.field("ephemeralContainers"), "cannot be set on create");
    }
    if !spec["nodeName"].str().is_empty() && !spec["schedulingGates"].items().is_empty() {
        errors.forbidden(&SPEC.field("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
}

/// Rules for a template.
pub(crate) fn validate_template(template: &Value, path: &Path<'_>, errors: &mut Errors) {
    let metadata = path.field("metadata");
    common::labels(&template["metadata"]["labels"], &metadata.field("labels"), errors);
    common::annotations(&template["metadata"]["annotations"], &metadata.field("annotations"), errors);
    annotations(template, &metadata, errors);
    let spec_path = path.field("spec");
    validate_spec(&template["spec"], &spec_path, errors);
    if !template["spec"]["ephemeralContainers"].items().is_empty() {
        errors.forbidden(&spec_path.field("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// Annotations that mean something for pods.
fn annotations(pod: &Value, metadata: &Path<'_>, errors: &mut Errors) {
    const MIRROR: &str = "kubernetes.io/config.mirror";
    const COST: &str = "controller.kubernetes.io/pod-deletion-cost";
    let given = &pod["metadata"]["annotations"];
    if given.is_null() {
        return;
    }
    let path = metadata.field("annotations");
    if let Some(mirror) = given[MIRROR].as_str()
        && pod["spec"]["nodeName"].str().is_empty()
    {
        errors.invalid(&path.key(MIRROR), mirror, "must set spec.nodeName if mirror pod annotation is set");
    }
    if let Some(cost) = given[COST].as_str()
        && (cost != "0" && cost.starts_with(['+', '0']) || cost.parse::<i32>().is_err())
    {
        errors.invalid(&path.key(COST), cost, "must be a 32bit integer");
    }
}

/// Rules for a pod's spec, wherever it stands.
pub(crate) fn validate_spec(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let volumes = volumes::validate(&spec["volumes"], &path.field("volumes"), errors);
    claims::validate(&spec["resourceClaims"], &path.field("resourceClaims"), errors);
    containers::validate(spec, &volumes, path, errors);
    containers::env_files(spec, path, errors);
    one_of(&spec["restartPolicy"], &["Always", "OnFailure", "Never"], &path.field("restartPolicy"), errors);
    one_of(
        &spec["dnsPolicy"],
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        &path.field("dnsPolicy"),
        errors,
    );
    common::labels(&spec["nodeSelector"], &path.field("nodeSelector"), errors);
    security::pod(spec, path, errors);
    scheduling::affinity(&spec["affinity"], &path.field("affinity"), errors);
    dns_config(spec, &path.field("dnsConfig"), errors);
    let gates = path.field("readinessGates");
    for (at, gate) in spec["readinessGates"].items().iter().enumerate() {
        common::qualified_name(gate["conditionType"].str(), &gates.index(at).field("conditionType"), errors);
    }
    let gates = path.field("schedulingGates");
    let mut seen: Vec<&str> = Vec::new();
    for (at, gate) in spec["schedulingGates"].items().iter().enumerate() {
        let name = gate["name"].str();
        common::qualified_name(name, &gates.index(at), errors);
        if seen.contains(&name) {
            errors.duplicate(&gates.index(at), name);
        }
        seen.push(name);
    }
    scheduling::spread(&spec["topologySpreadConstraints"], &path.field("topologySpreadConstraints"), errors);
    security::own_users(spec, path, errors);
    for key in ["serviceAccountName", "nodeName"] {
        if !spec[key].str().is_empty() {
            dns_subdomain(spec[key].str(), &path.field(key), errors);
        }
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        errors.invalid(
            &path.field("activeDeadlineSeconds"),
            seconds,
            format!("must be between 1 and {}, inclusive", i32::MAX),
        );
    }
    for key in ["hostname", "subdomain"] {
        if !spec[key].str().is_empty() {
            dns_label(spec[key].str(), &path.field(key), errors);
        }
    }
    hostname_override(spec, path, errors);
    scheduling::tolerations(&spec["tolerations"], &path.field("tolerations"), errors);
    let aliases = path.field("hostAliases");
    for (at, alias) in spec["hostAliases"].items().iter().enumerate() {
        let path = aliases.index(at);
        common::ip(alias["ip"].str(), &path.field("ip"), errors);
        for (at, name) in alias["hostnames"].items().iter().enumerate() {
            dns_subdomain(name.str(), &path.field("hostnames").index(at), errors);
        }
    }
    for key in ["priorityClassName", "runtimeClassName"] {
        if !spec[key].str().is_empty() {
            dns_subdomain(spec[key].str(), &path.field(key), errors);
        }
    }
    optional_one_of(
        &spec["preemptionPolicy"],
        &["Never", "PreemptLowerPriority"],
        &path.field("preemptionPolicy"),
        errors,
    );
    let os = &spec["os"];
    if !os.is_null() {
        if os["name"].str().is_empty() {
            errors.required(&path.field("os").field("name"), "cannot be empty");
        } else {
            let before = errors.len();
            one_of(&os["name"], &["linux", "windows"], &path.field("os"), errors);
            if errors.len() == before {
                security::system(spec, path, errors);
            }
        }
    }
}

/// The name that a pod's machine has instead of all others.
fn hostname_override(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let Some(name) = spec["hostnameOverride"].as_str() else { return };
    let own = path.field("hostnameOverride");
    dns_subdomain(name, &own, errors);
    if name.len() > 64 {
        errors.too_long(&own, 64);
    }
    for key in ["setHostnameAsFQDN", "hostNetwork"] {
        if spec[key].is_true() {
            errors.forbidden(&path.field(key), "may not be true when `hostnameOverride` is set");
        }
    }
}

fn dns_config(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let config = &spec["dnsConfig"];
    let servers = config["nameservers"].items();
    if spec["dnsPolicy"] == "None" {
        if config.is_null() {
            errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
            return;
        }
        if servers.is_empty() {
            errors.required(
                &path.field("nameservers"),
                "must provide at least one DNS nameserver when `dnsPolicy` is None",
            );
        }
    }
    if servers.len() > 3 {
        errors.invalid(&path.field("nameservers"), &config["nameservers"], "must not have more than 3 nameservers");
    }
    for (at, server) in servers.iter().enumerate() {
        common::ip(server.str(), &path.field("nameservers").index(at), errors);
    }
    let searches = config["searches"].items();
    if searches.len() > 32 {
        errors.invalid(&path.field("searches"), &config["searches"], "must not have more than 32 search paths");
    }
    for (at, search) in searches.iter().enumerate() {
        let name = search.str();
        let bare = if name == "." { name } else { name.strip_suffix('.').unwrap_or(name) };
        if bare != "." {
            errors.all_invalid(&path.field("searches").index(at), name, super::names::dns_search(bare));
        }
    }
    for (at, option) in config["options"].items().iter().enumerate() {
        if option["name"].str().is_empty() {
            errors.required(&path.field("options").index(at), "must not be empty");
        }
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::{Value, parse_json};

    use super::super::Errors;

    /// Complaints about a pod whose container has these fields, next to these of the spec.
    fn complaints(container: &str, spec: &str) -> Vec<String> {
        let container = if container.is_empty() { String::new() } else { format!(", {container}") };
        let spec = if spec.is_empty() { String::new() } else { format!(", {spec}") };
        let text = format!(
            r#"{{"spec": {{"restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "containers": [{{"name": "c",
                "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"{container}}}]{spec}}}}}"#
        );
        let pod: Value = parse_json(&text).expect("a test's pod is JSON");
        let mut errors = Errors::default();
        super::validate(&pod, &mut errors);
        errors.0.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    }

    #[test]
    fn pods_are_refused_in_the_real_words() {
        const VOLUME: &str = r#""volumes": [{"name": "v", "emptyDir": {}}]"#;
        let cases: [(&str, &str, &[&str]); 20] = [
            ("", "", &[]),
            (
                r#""env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "a", "key": "A"}}},
                    {"name": "B", "valueFrom": {"fileKeyRef": {"volumeName": "w", "path": "../a"}}}]"#,
                VOLUME,
                &[
                    "spec.containers[0].env[1].valueFrom.fileKeyRef.key: Required value",
                    "spec.containers[0].env[1].valueFrom.fileKeyRef.path: Invalid value: \"../a\": must not contain '..'",
                    "spec.containers[0].env[1].valueFrom.fileKeyRef.volumeName: Not found: \"w\"",
                ],
            ),
            ("", r#""hostnameOverride": "a.example", "subdomain": "b""#, &[]),
            (
                "",
                r#""hostnameOverride": "a.example", "setHostnameAsFQDN": true"#,
                &["spec.setHostnameAsFQDN: Forbidden: may not be true when `hostnameOverride` is set"],
            ),
            (
                r#""volumeMounts": [{"name": "v", "mountPath": "/a", "recursiveReadOnly": "Enabled"}]"#,
                VOLUME,
                &[
                    "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
                ],
            ),
            (
                r#""volumeDevices": [{"name": "v", "devicePath": "../a"}]"#,
                VOLUME,
                &[
                    "spec.containers[0].volumeDevices[0].name: Invalid value: \"v\": can only use volume source type of \
                     PersistentVolumeClaim or Ephemeral for block mode",
                    "spec.containers[0].volumeDevices[0].devicePath: Invalid value: \"../a\": can not contain backsteps \
                     ('..')",
                ],
            ),
            (
                r#""resources": {"claims": [{"name": "x"}]}"#,
                "",
                &["spec.containers[0].resources.claims[0]: Not found: \"x\": must be one of the names in \
                   pod.spec.resourceClaims which is empty"],
            ),
            (
                r#""resources": {"limits": {"cpu": "1", "hugepages-2Mi": "3Mi"}}"#,
                "",
                &[
                    "spec.containers[0].resources.limits: Invalid value: \"3Mi\": 3Mi is not positive integer multiple of \
                   hugepages-2Mi",
                ],
            ),
            (
                r#""restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]"#,
                "",
                &[
                    "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
                ],
            ),
            (
                r#""resizePolicy": [{"resourceName": "gpu", "restartPolicy": "NotRequired"}]"#,
                "",
                &["spec.containers[0].resizePolicy: Unsupported value: \"gpu\": supported values: \"cpu\", \"memory\""],
            ),
            (
                r#""securityContext": {"procMount": "Unmasked"}"#,
                "",
                &[
                    "spec.containers[0].securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to \
                   use `Unmasked`",
                ],
            ),
            (
                r#""env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "3"}}}]"#,
                "",
                &["spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: \"limits.cpu\": only \
                   divisor's values 1m and 1 are supported with the cpu resource"],
            ),
            (
                "",
                r#""securityContext": {"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}}"#,
                &["spec.securityContext.seccompProfile.localhostProfile: Invalid value: \
                   {\"Type\":\"RuntimeDefault\",\"LocalhostProfile\":\"x\"}: can only be set when seccomp type is Localhost"],
            ),
            (
                "",
                r#""hostUsers": false, "hostPID": true"#,
                &["spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false"],
            ),
            (
                "",
                r#""os": {"name": "windows"}, "securityContext": {"runAsUser": 1}"#,
                &["spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod"],
            ),
            (
                "",
                r#""volumes": [{"name": "r", "rbd": {"monitors": ["a"]}}]"#,
                &["spec.volumes[0].rbd.image: Required value"],
            ),
            (
                "",
                r#""volumes": [{"name": "p", "projected": {"sources": [{"configMap": {"name": "a"}, "secret": {"name": "b"}}]}}]"#,
                &[
                    "spec.volumes[0].projected.sources[0]: Forbidden: may not specify more than 1 volume type per source",
                ],
            ),
            (
                "",
                r#""resourceClaims": [{"name": "a"}]"#,
                &["spec.resourceClaims[0]: Invalid value: \
                   {\"Name\":\"a\",\"ResourceClaimName\":null,\"ResourceClaimTemplateName\":null}: must specify one of: \
                   `resourceClaimName`, `resourceClaimTemplateName`"],
            ),
            (
                "",
                r#""topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule",
                    "matchLabelKeys": ["a"]}]"#,
                &[
                    "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is \
                   not set",
                ],
            ),
            (
                "",
                r#""topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule",
                    "matchLabelKeys": ["b", "a"], "labelSelector": {"matchLabels": {"a": "1"},
                    "matchExpressions": [{"key": "b", "operator": "In", "values": ["1"]},
                    {"key": "a", "operator": "In", "values": ["1"]}]}}]"#,
                &["spec.topologySpreadConstraints[0][1]: Invalid value: \"a\": exists in both matchLabelKeys and \
                   labelSelector"],
            ),
        ];
        for (container, spec, words) in cases {
            assert_eq!(complaints(container, spec), words, "{container} {spec}");
        }
    }
}
