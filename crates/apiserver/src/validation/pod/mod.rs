//! Rules for pods and for the templates of pods, in the order in which the real server states them.

mod containers;
mod handlers;
mod scheduling;
mod security;
mod update;
mod volumes;

use drydock_value::Value;

use super::common::{self, dns_label, dns_subdomain, one_of, optional_one_of};
use super::{Errors, Path};

pub(crate) use update::{validate_ephemeral, validate_resize, validate_update};
pub(crate) use volumes::one_source as volume_source;

const SPEC: Path<'static> = Path::new("spec");

/// Rules for a new pod.
pub(crate) fn validate(pod: &Value, errors: &mut Errors) {
    let spec = &pod["spec"];
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
    let spec_path = path.field("spec");
    validate_spec(&template["spec"], &spec_path, errors);
    if !template["spec"]["ephemeralContainers"].items().is_empty() {
        errors.forbidden(&spec_path.field("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// Rules for a pod's spec, wherever it stands.
pub(crate) fn validate_spec(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let volumes = volumes::validate(&spec["volumes"], &path.field("volumes"), errors);
    containers::validate(spec, &volumes, path, errors);
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
