//! Security contexts, and what else belongs to a pod's place on its host.

use drydock_value::Value;

use super::super::common::{json, optional_one_of, quote};
use super::super::{Errors, Path, names};

const ID_RANGE: &str = "must be between 0 and 2147483647, inclusive";

fn id(value: &Value, path: &Path<'_>, errors: &mut Errors) {
    if value.as_i64().is_some_and(|id| !(0..=i64::from(i32::MAX)).contains(&id)) {
        errors.invalid(path, value, ID_RANGE);
    }
}

fn seccomp(profile: &Value, path: &Path<'_>, errors: &mut Errors) {
    if profile.is_null() {
        return;
    }
    let kind = profile["type"].str();
    let own = &profile["localhostProfile"];
    match kind {
        "Localhost" => {
            if own.is_null() {
                errors.required(&path.field("localhostProfile"), "must be set when seccomp type is Localhost");
            } else {
                super::super::common::descending_path(own.str(), &path.field("localhostProfile"), errors);
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if !own.is_null() {
                errors.invalid(&path.field("localhostProfile"), own, "can only be set when seccomp type is Localhost");
            }
        }
        "" => errors.required(&path.field("type"), "type is required when seccompProfile is set"),
        other => errors.not_supported(&path.field("type"), other, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

/// A container's context.
pub(super) fn container(context: &Value, path: &Path<'_>, errors: &mut Errors) {
    if context.is_null() {
        return;
    }
    for key in ["runAsUser", "runAsGroup"] {
        id(&context[key], &path.field(key), errors);
    }
    optional_one_of(&context["procMount"], &["Default", "Unmasked"], &path.field("procMount"), errors);
    seccomp(&context["seccompProfile"], &path.field("seccompProfile"), errors);
    if context["allowPrivilegeEscalation"].as_bool() == Some(false) {
        if context["privileged"].is_true() {
            errors.invalid_text(
                path,
                &show_context(context),
                "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
            );
        }
        if context["capabilities"]["add"].items().iter().any(|capability| capability == "CAP_SYS_ADMIN") {
            errors.invalid_text(
                path,
                &show_context(context),
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
            );
        }
    }
}

/// A container's context as Go prints the internal struct.
pub(crate) fn show_context(context: &Value) -> String {
    let capabilities = &context["capabilities"];
    let capabilities = if capabilities.is_null() {
        "null".to_owned()
    } else {
        format!("{{\"Add\":{},\"Drop\":{}}}", json(&capabilities["add"]), json(&capabilities["drop"]))
    };
    let profile = |profile: &Value| {
        if profile.is_null() {
            return "null".to_owned();
        }
        format!("{{\"Type\":{},\"LocalhostProfile\":{}}}", quote(&profile["type"]), json(&profile["localhostProfile"]))
    };
    format!(
        "{{\"Capabilities\":{capabilities},\"Privileged\":{},\"SELinuxOptions\":null,\"WindowsOptions\":null,\
         \"RunAsUser\":{},\"RunAsGroup\":{},\"RunAsNonRoot\":{},\"ReadOnlyRootFilesystem\":{},\
         \"AllowPrivilegeEscalation\":{},\"ProcMount\":{},\"SeccompProfile\":{},\"AppArmorProfile\":{}}}",
        json(&context["privileged"]),
        json(&context["runAsUser"]),
        json(&context["runAsGroup"]),
        json(&context["runAsNonRoot"]),
        json(&context["readOnlyRootFilesystem"]),
        json(&context["allowPrivilegeEscalation"]),
        json(&context["procMount"]),
        profile(&context["seccompProfile"]),
        profile(&context["appArmorProfile"]),
    )
}

/// A pod's context, with the host's ports that go with it.
pub(super) fn pod(spec: &Value, spec_path: &Path<'_>, errors: &mut Errors) {
    if spec["hostNetwork"].is_true() {
        let list = spec_path.field("containers");
        for (at, container) in spec["containers"].items().iter().enumerate() {
            for (port_at, port) in container["ports"].items().iter().enumerate() {
                if port["hostPort"].int() != port["containerPort"].int() {
                    errors.invalid(
                        &list.index(at).field("ports").index(port_at).field("hostPort"),
                        port["hostPort"].int(),
                        "must match `containerPort` when `hostNetwork` is true",
                    );
                }
            }
        }
    }
    if spec["shareProcessNamespace"].is_true() && spec["hostPID"].is_true() {
        errors.invalid(
            &spec_path.field("shareProcessNamespace"),
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    }
    let context = &spec["securityContext"];
    let path = spec_path.field("securityContext");
    for key in ["fsGroup", "runAsUser", "runAsGroup"] {
        id(&context[key], &path.field(key), errors);
    }
    for (at, group) in context["supplementalGroups"].items().iter().enumerate() {
        id(group, &path.field("supplementalGroups").index(at), errors);
    }
    optional_one_of(
        &context["supplementalGroupsPolicy"],
        &["Merge", "Strict"],
        &path.field("supplementalGroupsPolicy"),
        errors,
    );
    let mut seen: Vec<String> = Vec::new();
    for (at, sysctl) in context["sysctls"].items().iter().enumerate() {
        let name = sysctl["name"].str();
        let path = path.field("sysctls");
        let path = path.index(at);
        if name.is_empty() {
            errors.required(&path.field("name"), "");
        } else if !names::is_sysctl(name) {
            errors.invalid(
                &path.field("name"),
                name,
                "must have at most 253 characters and match regex \
                 ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
            );
        } else {
            let normal = name.replace('/', ".");
            if seen.contains(&normal) {
                errors.duplicate(&path.field("name"), name);
            }
            seen.push(normal);
        }
    }
    optional_one_of(
        &context["fsGroupChangePolicy"],
        &["Always", "OnRootMismatch"],
        &path.field("fsGroupChangePolicy"),
        errors,
    );
    seccomp(&context["seccompProfile"], &path.field("seccompProfile"), errors);
}
