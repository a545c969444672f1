//! Containers: names, images, ports, environment, mounts.

use drydock_value::Value;

use super::super::common::{self, dns_label, dns_subdomain, one_of, optional_one_of};
use super::super::{Errors, Path, names, resources};
use super::volumes::Volumes;
use super::{handlers, security};
use crate::types::Quantity;

/// Fields of a pod that an environment variable may take its value from.
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// All containers of a pod, in their three kinds.
pub(super) fn validate(spec: &Value, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Errors) {
    let grace = spec["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
    let list = path.field("containers");
    let containers = spec["containers"].items();
    if containers.is_empty() {
        errors.required(&list, "");
    }
    let mut seen: Vec<&str> = Vec::new();
    for (at, container) in containers.iter().enumerate() {
        let path = list.index(at);
        common_rules(container, spec, volumes, &path, errors);
        unique_name(container, &mut seen, &path, errors);
        handlers::validate(container, grace, &path, errors);
        restart_policy(container, &path, errors);
    }
    host_ports(containers, &list, errors);

    let list = path.field("initContainers");
    for (at, container) in spec["initContainers"].items().iter().enumerate() {
        let path = list.index(at);
        common_rules(container, spec, volumes, &path, errors);
        restart_policy(container, &path, errors);
        unique_name(container, &mut seen, &path, errors);
        host_ports(std::slice::from_ref(container), &list, errors);
        if container["restartPolicy"] == "Always" {
            handlers::validate(container, grace, &path, errors);
        } else {
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if !container[key].is_null() {
                    errors
                        .forbidden(&path.field(key), "may not be set for init containers without restartPolicy=Always");
                }
            }
        }
    }

    let list = path.field("ephemeralContainers");
    for (at, container) in spec["ephemeralContainers"].items().iter().enumerate() {
        let path = list.index(at);
        common_rules(container, spec, volumes, &path, errors);
        let target = container["targetContainerName"].str();
        if !target.is_empty() && !containers.iter().any(|c| c["name"] == *target) {
            errors.not_found(&path.field("targetContainerName"), target);
        }
        unique_name(container, &mut seen, &path, errors);
        for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "ports", "resources"] {
            if !container[key].is_empty() {
                errors.forbidden(&path.field(key), "cannot be set for an Ephemeral Container");
            }
        }
    }
}

fn unique_name<'a>(container: &'a Value, seen: &mut Vec<&'a str>, path: &Path<'_>, errors: &mut Errors) {
    let name = container["name"].str();
    if !name.is_empty() && seen.contains(&name) {
        errors.duplicate(&path.field("name"), name);
    }
    seen.push(name);
}

/// A pod's image is a plain name; in a template, blanks around it are let through.
pub(super) fn plain_images(containers: &Value, list: &Path<'_>, errors: &mut Errors) {
    for (at, container) in containers.items().iter().enumerate() {
        let image = container["image"].str();
        if image.trim() != image {
            errors.invalid(&list.index(at).field("image"), image, "must not have leading or trailing whitespace");
        }
    }
}

/// What a container does when it ends, where it says so itself.
fn restart_policy(container: &Value, path: &Path<'_>, errors: &mut Errors) {
    let rules = container["restartPolicyRules"].items();
    let (policy, at) = (&container["restartPolicy"], path.field("restartPolicy"));
    optional_one_of(policy, &["Always", "Never", "OnFailure"], &at, errors);
    if policy.is_null() && !rules.is_empty() {
        errors.required(&at, "must specify restartPolicy when restart rules are used");
    }
    let list = path.field("restartPolicyRules");
    if rules.len() > 20 {
        errors.too_many(&list, rules.len(), 20);
    }
    for (at, rule) in rules.iter().enumerate() {
        let path = list.index(at);
        one_of(&rule["action"], &["Restart", "RestartAllContainers"], &path.field("action"), errors);
        let (codes, path) = (&rule["exitCodes"], path.field("exitCodes"));
        if codes.is_null() {
            errors.required(&path, "must be specified");
            continue;
        }
        one_of(&codes["operator"], &["In", "NotIn"], &path.field("operator"), errors);
    }
}

/// Which changes of resources restart a container.
fn resize_policy(container: &Value, spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    let policies = container["resizePolicy"].items();
    for (at, policy) in policies.iter().enumerate() {
        let (resource, restart) = (policy["resourceName"].str(), &policy["restartPolicy"]);
        if policies[..at].iter().any(|earlier| earlier["resourceName"] == *resource) {
            errors.duplicate(&path.index(at), resource);
        }
        for (value, known) in
            [(&policy["resourceName"], ["cpu", "memory"]), (restart, ["NotRequired", "RestartContainer"])]
        {
            if value.str().is_empty() {
                errors.required(path, "");
            } else {
                one_of(value, &known, path, errors);
            }
        }
        if spec["restartPolicy"] == "Never" && restart != "NotRequired" {
            errors.invalid(path, restart.str(), "must be 'NotRequired' when `restartPolicy` is 'Never'");
        }
    }
}

fn common_rules(container: &Value, spec: &Value, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Errors) {
    let name = container["name"].str();
    if name.is_empty() {
        errors.required(&path.field("name"), "");
    } else {
        dns_label(name, &path.field("name"), errors);
    }
    if container["image"].str().is_empty() {
        errors.required(&path.field("image"), "");
    }
    one_of(
        &container["terminationMessagePolicy"],
        &["File", "FallbackToLogsOnError"],
        &path.field("terminationMessagePolicy"),
        errors,
    );
    ports(&container["ports"], &path.field("ports"), errors);
    env(&container["env"], &path.field("env"), errors);
    env_from(&container["envFrom"], &path.field("envFrom"), errors);
    mounts(container, volumes, &path.field("volumeMounts"), errors);
    devices(container, volumes, &path.field("volumeDevices"), errors);
    one_of(&container["imagePullPolicy"], &["Always", "IfNotPresent", "Never"], &path.field("imagePullPolicy"), errors);
    resources::requirements(&container["resources"], &spec["resourceClaims"], &path.field("resources"), errors);
    resize_policy(container, spec, &path.field("resizePolicy"), errors);
    let own_users = spec["hostUsers"].as_bool() == Some(false);
    security::container(&container["securityContext"], own_users, &path.field("securityContext"), errors);
}

fn ports(ports: &Value, list: &Path<'_>, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for (at, port) in ports.items().iter().enumerate() {
        let path = list.index(at);
        let name = port["name"].str();
        if !name.is_empty() {
            let wrong = names::port_name(name);
            if !wrong.is_empty() {
                errors.all_invalid(&path.field("name"), name, wrong);
            } else if seen.contains(&name) {
                errors.duplicate(&path.field("name"), name);
            } else {
                seen.push(name);
            }
        }
        if port["containerPort"].int() == 0 {
            errors.required(&path.field("containerPort"), "");
        } else {
            common::port_number(&port["containerPort"], &path.field("containerPort"), errors);
        }
        if port["hostPort"].int() != 0 {
            common::port_number(&port["hostPort"], &path.field("hostPort"), errors);
        }
        if port["protocol"].str().is_empty() {
            errors.required(&path.field("protocol"), "");
        } else {
            one_of(&port["protocol"], &["SCTP", "TCP", "UDP"], &path.field("protocol"), errors);
        }
    }
}

/// No two containers want the same port of the host.
fn host_ports(containers: &[Value], list: &Path<'_>, errors: &mut Errors) {
    let mut taken: Vec<String> = Vec::new();
    for (at, container) in containers.iter().enumerate() {
        for (port_at, port) in container["ports"].items().iter().enumerate() {
            let number = port["hostPort"].int();
            if number == 0 {
                continue;
            }
            let key = format!("{}/{}/{number}", port["protocol"].str(), port["hostIP"].str());
            if taken.contains(&key) {
                errors.duplicate(&list.index(at).field("ports").index(port_at).field("hostPort"), key);
            } else {
                taken.push(key);
            }
        }
    }
}

fn env(env: &Value, list: &Path<'_>, errors: &mut Errors) {
    for (at, variable) in env.items().iter().enumerate() {
        let path = list.index(at);
        let name = variable["name"].str();
        if name.is_empty() {
            errors.required(&path.field("name"), "");
        } else {
            errors.all_invalid(&path.field("name"), name, names::env_name(name));
        }
        value_from(variable, &path.field("valueFrom"), errors);
    }
}

fn value_from(variable: &Value, path: &Path<'_>, errors: &mut Errors) {
    let from = &variable["valueFrom"];
    if from.is_null() {
        return;
    }
    let mut sources = 0;
    if !from["fieldRef"].is_null() {
        sources += 1;
        field_ref(&from["fieldRef"], &ENV_FIELDS, &path.field("fieldRef"), errors);
    }
    if !from["resourceFieldRef"].is_null() {
        sources += 1;
        resource_ref(&from["resourceFieldRef"], false, &path.field("resourceFieldRef"), errors);
    }
    for key in ["configMapKeyRef", "secretKeyRef"] {
        let reference = &from[key];
        if reference.is_null() {
            continue;
        }
        sources += 1;
        let path = path.field(key);
        dns_subdomain(reference["name"].str(), &path.field("name"), errors);
        let wanted = reference["key"].str();
        if wanted.is_empty() {
            errors.required(&path.field("key"), "");
        } else {
            errors.all_invalid(&path.field("key"), wanted, names::config_key(wanted));
        }
    }
    if !from["fileKeyRef"].is_null() {
        sources += 1;
        file_ref(&from["fileKeyRef"], &path.field("fileKeyRef"), errors);
    }
    if sources == 0 {
        errors.invalid(
            path,
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        );
    } else if !variable["value"].str().is_empty() {
        errors.invalid(path, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        errors.invalid(path, "", "may not have more than one field specified at a time");
    }
}

/// A reference to a key of a file of the pod.
fn file_ref(reference: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in ["key", "volumeName", "path"] {
        if reference[key].str().is_empty() {
            errors.required(&path.field(key), "");
        }
    }
    let file = reference["path"].str();
    if file.starts_with('/') {
        errors.invalid(&path.field("path"), file, "must be a relative path");
    }
    if file.split('/').any(|part| part == "..") {
        errors.invalid(&path.field("path"), file, "must not contain '..'");
    }
}

/// Files that variables come from lie in empty directories.
pub(super) fn env_files(spec: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in ["containers", "initContainers", "ephemeralContainers"] {
        let list = path.field(key);
        for (at, container) in spec[key].items().iter().enumerate() {
            let path = list.index(at);
            let env = path.field("env");
            for (at, variable) in container["env"].items().iter().enumerate() {
                let Some(name) = variable["valueFrom"]["fileKeyRef"]["volumeName"].as_str() else { continue };
                let at = env.index(at);
                let from = at.field("valueFrom");
                let reference = from.field("fileKeyRef");
                let path = reference.field("volumeName");
                match spec["volumes"].find("name", name) {
                    None => errors.not_found(&path, name),
                    Some(volume) if volume["emptyDir"].is_null() => {
                        errors.invalid(&path, name, "referenced volume must be of type emptyDir");
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

/// A reference to a field of the pod.
pub(super) fn field_ref(reference: &Value, known: &[&str], path: &Path<'_>, errors: &mut Errors) {
    let field = reference["fieldPath"].str();
    let at = path.field("fieldPath");
    if field.is_empty() {
        errors.required(&at, "");
        return;
    }
    let version = reference["apiVersion"].str();
    if !matches!(version, "" | "v1") {
        errors.invalid(&at, field, format!("error converting fieldPath: unsupported pod version: {version}"));
        return;
    }
    if let Some((map, key)) = field.strip_suffix("']").and_then(|rest| rest.split_once("['")) {
        match map {
            "metadata.annotations" | "metadata.labels" => {
                let key = if map == "metadata.labels" { key.to_owned() } else { key.to_lowercase() };
                errors.all_invalid(path, key.as_str(), names::qualified_name(&key));
            }
            _ if names::is_downward_field(map) => errors.invalid(path, map, "does not support subscript"),
            _ => errors.invalid(&at, field, format!("error converting fieldPath: field label not supported: {field}")),
        }
    } else if !names::is_downward_field(field) {
        errors.invalid(&at, field, format!("error converting fieldPath: field label not supported: {field}"));
    } else if !known.contains(&field) {
        errors.not_supported(&at, field, known);
    }
}

/// A reference to a container's requests or limits.
pub(super) fn resource_ref(reference: &Value, in_volume: bool, path: &Path<'_>, errors: &mut Errors) {
    const KNOWN: [&str; 6] = [
        "limits.cpu",
        "limits.ephemeral-storage",
        "limits.memory",
        "requests.cpu",
        "requests.ephemeral-storage",
        "requests.memory",
    ];
    let resource = reference["resource"].str();
    if in_volume && reference["containerName"].str().is_empty() {
        errors.required(&path.field("containerName"), "");
    } else if resource.is_empty() {
        errors.required(&path.field("resource"), "");
    } else if !KNOWN.contains(&resource)
        && !resource.starts_with("limits.hugepages-")
        && !resource.starts_with("requests.hugepages-")
    {
        errors.not_supported(&path.field("resource"), resource, &KNOWN);
    }
    let divisor = match Quantity::of(&reference["divisor"]) {
        Some(quantity) if !quantity.is_zero() => quantity.text(),
        _ => return,
    };
    const SIZES: &str = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei";
    let (known, what) = match resource.split_once('.').map_or("", |(_, what)| what) {
        "cpu" => ("1m and 1", "cpu"),
        "memory" => (SIZES, "memory"),
        "ephemeral-storage" => (SIZES, "local ephemeral storage"),
        pages if pages.starts_with("hugepages-") => (SIZES, "hugepages"),
        _ => return,
    };
    if !known.split(", ").flat_map(|part| part.split(" and ")).any(|one| one == divisor) {
        errors.invalid(
            &path.field("divisor"),
            resource,
            format!("only divisor's values {known} are supported with the {what} resource"),
        );
    }
}

fn env_from(sources: &Value, list: &Path<'_>, errors: &mut Errors) {
    for (at, source) in sources.items().iter().enumerate() {
        let path = list.index(at);
        let prefix = source["prefix"].str();
        if !prefix.is_empty() {
            errors.all_invalid(&path.field("prefix"), prefix, names::env_name(prefix));
        }
        let mut count = 0;
        for key in ["configMapRef", "secretRef"] {
            if !source[key].is_null() {
                count += 1;
                let (name, path) = (source[key]["name"].str(), path.field(key));
                if name.is_empty() {
                    errors.required(&path.field("name"), "");
                } else {
                    errors.all_invalid(&path.field("name"), name, names::subdomain(name, true));
                }
            }
        }
        if count == 0 {
            errors.invalid(list, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if count > 1 {
            errors.invalid(list, "", "may not have more than one field specified at a time");
        }
    }
}

fn mounts(container: &Value, volumes: &Volumes<'_>, list: &Path<'_>, errors: &mut Errors) {
    let devices = container["volumeDevices"].items();
    let mut seen: Vec<&str> = Vec::new();
    for (at, mount) in container["volumeMounts"].items().iter().enumerate() {
        let path = list.index(at);
        let (name, target) = (mount["name"].str(), mount["mountPath"].str());
        if name.is_empty() {
            errors.required(&path.field("name"), "");
        }
        if !volumes.contains(name) {
            errors.not_found(&path.field("name"), name);
        }
        if target.is_empty() {
            errors.required(&path.field("mountPath"), "");
        }
        if seen.contains(&target) {
            errors.invalid(&path.field("mountPath"), target, "must be unique");
        }
        seen.push(target);
        if devices.iter().any(|device| device["name"] == *name) {
            errors.invalid(&path.field("name"), name, "must not already exist in volumeDevices");
        }
        if devices.iter().any(|device| device["devicePath"] == *target) {
            errors.invalid(&path.field("mountPath"), target, "must not already exist as a path in volumeDevices");
        }
        let (sub, expression) = (mount["subPath"].str(), mount["subPathExpr"].str());
        if !sub.is_empty() {
            common::descending_path(sub, &list.field("subPath"), errors);
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                errors.invalid(
                    &path.field("subPathExpr"),
                    expression,
                    "subPathExpr and subPath are mutually exclusive",
                );
            }
            common::descending_path(expression, &list.field("subPathExpr"), errors);
        }
        let propagation = &mount["mountPropagation"];
        if !propagation.is_null() {
            let at = list.field("mountPropagation");
            one_of(propagation, &["Bidirectional", "HostToContainer", "None"], &at, errors);
            if propagation == "Bidirectional" && !container["securityContext"]["privileged"].is_true() {
                errors.forbidden(&at, "Bidirectional mount propagation is available only to privileged containers");
            }
        }
        let recursive = &mount["recursiveReadOnly"];
        let at = list.field("recursiveReadOnly");
        optional_one_of(recursive, &["Disabled", "Enabled", "IfPossible"], &at, errors);
        if matches!(recursive.str(), "Enabled" | "IfPossible") {
            if !mount["readOnly"].is_true() {
                errors.forbidden(&at, "may only be specified when readOnly is true");
            }
            if !propagation.is_null() && propagation != "None" {
                errors.forbidden(&at, "may only be specified when mountPropagation is None or not specified");
            }
        }
    }
}

fn devices(container: &Value, volumes: &Volumes<'_>, list: &Path<'_>, errors: &mut Errors) {
    let (mut seen, mut taken): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (at, device) in container["volumeDevices"].items().iter().enumerate() {
        let path = list.index(at);
        let (name, target) = (device["name"].str(), device["devicePath"].str());
        if name.is_empty() {
            errors.required(&path.field("name"), "");
        }
        if !name.is_empty() && seen.contains(&name) {
            errors.invalid(&path.field("name"), name, "must be unique");
        }
        seen.push(name);
        match volumes.source(name) {
            None => errors.not_found(&path.field("name"), name),
            Some(source) if source["persistentVolumeClaim"].is_null() && source["ephemeral"].is_null() => errors
                .invalid(
                    &path.field("name"),
                    name,
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                ),
            Some(_) => {}
        }
        if target.is_empty() {
            errors.required(&path.field("devicePath"), "");
        }
        if taken.contains(&target) {
            errors.invalid(&path.field("devicePath"), target, "must be unique");
        }
        if target.split('/').any(|part| part == "..") {
            errors.invalid(&path.field("devicePath"), target, "can not contain backsteps ('..')");
        } else {
            taken.push(target);
        }
        let mounts = container["volumeMounts"].items();
        if mounts.iter().any(|mount| mount["name"] == *name) {
            errors.invalid(&path.field("name"), name, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|mount| mount["mountPath"] == *target) {
            errors.invalid(&path.field("devicePath"), target, "must not already exist as a path in volumeMounts");
        }
    }
}
