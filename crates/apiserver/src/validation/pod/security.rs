//! Security contexts, and what else belongs to a pod's place on its host.

use drydock_value::Value;

use super::super::common::{descending_path, json, one_of, optional_one_of, quote};
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
        "" => errors.required(&path.field("type"), "type is required when seccompProfile is set"),
        _ => one_of(&profile["type"], &PROFILES, &path.field("type"), errors),
    }
    let at = path.field("localhostProfile");
    if kind != "Localhost" {
        if !own.is_null() {
            errors.invalid_text(&at, &show_profile(profile), "can only be set when seccomp type is Localhost");
        }
    } else if own.is_null() {
        errors.required(&at, "must be set when seccomp type is Localhost");
    } else {
        descending_path(own.str(), &at, errors);
    }
}

const PROFILES: [&str; 3] = ["Localhost", "RuntimeDefault", "Unconfined"];

fn app_armor(profile: &Value, path: &Path<'_>, errors: &mut Errors) {
    if profile.is_null() {
        return;
    }
    let (own, at) = (&profile["localhostProfile"], path.field("localhostProfile"));
    match profile["type"].str() {
        "Localhost" if own.str().trim() != own.str() => {
            errors.invalid(&at, own, "must not be padded with whitespace");
        }
        "Localhost" if own.str().is_empty() => errors.required(&at, "must be set when AppArmor type is Localhost"),
        "RuntimeDefault" | "Unconfined" if !own.is_null() => {
            errors.invalid(&at, own, "can only be set when AppArmor type is Localhost");
        }
        "" => errors.required(&path.field("type"), "type is required when appArmorProfile is set"),
        _ => one_of(&profile["type"], &PROFILES, &path.field("type"), errors),
    }
}

/// A container's context.
///
/// `own_users`: whether the pod has users of its own.
pub(super) fn container(context: &Value, own_users: bool, path: &Path<'_>, errors: &mut Errors) {
    if context.is_null() {
        return;
    }
    for key in ["runAsUser", "runAsGroup"] {
        id(&context[key], &path.field(key), errors);
    }
    optional_one_of(&context["procMount"], &["Default", "Unmasked"], &path.field("procMount"), errors);
    if context["procMount"] == "Unmasked" && !own_users {
        errors.invalid(&path.field("procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`");
    }
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
    app_armor(&context["appArmorProfile"], &path.field("appArmorProfile"), errors);
}

fn show_profile(profile: &Value) -> String {
    if profile.is_null() {
        return "null".to_owned();
    }
    format!("{{\"Type\":{},\"LocalhostProfile\":{}}}", quote(&profile["type"]), json(&profile["localhostProfile"]))
}

/// A container's context as Go prints the internal struct.
pub(crate) fn show_context(context: &Value) -> String {
    let capabilities = &context["capabilities"];
    let capabilities = if capabilities.is_null() {
        "null".to_owned()
    } else {
        format!("{{\"Add\":{},\"Drop\":{}}}", json(&capabilities["add"]), json(&capabilities["drop"]))
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
        show_profile(&context["seccompProfile"]),
        show_profile(&context["appArmorProfile"]),
    )
}

/// A pod's context, with the host's ports that go with it.
pub(super) fn pod(spec: &Value, spec_path: &Path<'_>, errors: &mut Errors) {
    if spec["hostNetwork"].is_true() {
        let list = spec_path.field("containers");
        for (at, container) in spec["containers"].items().iter().enumerate() {
            for (port_at, port) in container["ports"].items().iter().enumerate() {
                let on_host = port["hostPort"].int();
                // In a template it may be left to the pods' defaults.
                if (spec_path.is_root() || on_host != 0) && on_host != port["containerPort"].int() {
                    errors.invalid(
                        &list.index(at).field("ports").index(port_at).field("hostPort"),
                        on_host,
                        "must match `containerPort` when `hostNetwork` is true",
                    );
                }
            }
        }
    }
    let context = &spec["securityContext"];
    let path = spec_path.field("securityContext");
    for key in ["fsGroup", "runAsUser", "runAsGroup"] {
        id(&context[key], &path.field(key), errors);
    }
    for (at, group) in context["supplementalGroups"].items().iter().enumerate() {
        id(group, &path.field("supplementalGroups").index(at), errors);
    }
    if spec["shareProcessNamespace"].is_true() && spec["hostPID"].is_true() {
        errors.invalid(
            &path.field("shareProcessNamespace"),
            true,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    }
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
    let choice = |field: &str, known: &[&str], errors: &mut Errors| {
        optional_one_of(&context[field], known, &path.field(field), errors);
    };
    choice("fsGroupChangePolicy", &["Always", "OnRootMismatch"], errors);
    seccomp(&context["seccompProfile"], &path.field("seccompProfile"), errors);
    app_armor(&context["appArmorProfile"], &path.field("appArmorProfile"), errors);
    choice("supplementalGroupsPolicy", &["Merge", "Strict"], errors);
    choice("seLinuxChangePolicy", &["MountOption", "Recursive"], errors);
}

/// A pod with users of its own shares nothing else of its host.
pub(super) fn own_users(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    if spec["hostUsers"].as_bool() != Some(false) {
        return;
    }
    for (field, shown) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec[field].is_true() {
            errors.forbidden(&path.field(shown), "when `pod.Spec.HostUsers` is false");
        }
    }
}

/// What makes no sense on the operating system that a pod says it is for.
pub(super) fn system(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    const OF_POD: [&str; 4] = ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"];
    const OF_CONTEXT: [&str; 10] = [
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "fsGroup",
        "fsGroupChangePolicy",
        "sysctls",
        "runAsUser",
        "runAsGroup",
        "supplementalGroups",
        "supplementalGroupsPolicy",
    ];
    const OF_CONTAINER: [&str; 10] = [
        "appArmorProfile",
        "seLinuxOptions",
        "seccompProfile",
        "capabilities",
        "readOnlyRootFilesystem",
        "privileged",
        "allowPrivilegeEscalation",
        "procMount",
        "runAsUser",
        "runAsGroup",
    ];
    let windows = spec["os"]["name"] == "windows";
    let (of_pod, of_context, of_container, words): (&[&str], &[&str], &[&str], &str) = if windows {
        (&OF_POD, &OF_CONTEXT, &OF_CONTAINER, "cannot be set for a windows pod")
    } else {
        let only = &["windowsOptions"];
        (&[], only, only, "windows options cannot be set for a linux pod")
    };
    let refuse = |object: &Value, path: &Path<'_>, fields: &[&str], errors: &mut Errors| {
        for field in fields {
            if !object[*field].is_null() {
                errors.forbidden(&path.field(field), words);
            }
        }
    };
    refuse(spec, path, of_pod, errors);
    refuse(&spec["securityContext"], &path.field("securityContext"), of_context, errors);
    for key in ["initContainers", "containers", "ephemeralContainers"] {
        let list = path.field(key);
        for (at, container) in spec[key].items().iter().enumerate() {
            let path = list.index(at);
            refuse(&container["securityContext"], &path.field("securityContext"), of_container, errors);
        }
    }
}
