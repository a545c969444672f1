//! Rules for amounts of resources: names, quantities, requests against limits.

use drydock_value::Value;

use super::common::NOT_NEGATIVE;
use super::{Errors, Path, names};
use crate::types::Quantity;

/// Names without a prefix that mean something anywhere.
const STANDARD: [&str; 19] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "services.nodeports",
    "services.loadbalancers",
];

/// Names whose amounts are counts of things.
const COUNTS: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether a name means something without a prefix.
pub(crate) fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name)
        || name == "requests.storage"
        || is_huge_page(name)
        || name.starts_with("requests.hugepages-")
}

/// Whether a name is a device's or another extension's: a prefix that is not Kubernetes' own.
pub(crate) fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
}

/// Whether a node may promise more of it than it has.
pub(crate) fn overcommits(name: &str) -> bool {
    (!name.contains('/') || name.contains("kubernetes.io/")) && !is_huge_page(name)
}

/// Whether amounts are whole numbers.
fn is_whole(name: &str) -> bool {
    COUNTS.contains(&name) || is_extended(name)
}

/// A name of a resource.
pub(crate) fn name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    errors.all_invalid(path, name, names::qualified_name(name));
    if !name.contains('/') && !is_standard(name) {
        errors.invalid(path, name, "must be a standard resource type or fully qualified");
    }
}

/// A name of a resource that a container asks for.
fn container_name(resource: &str, path: &Path<'_>, errors: &mut Errors) {
    name(resource, path, errors);
    if !resource.contains('/') {
        if !matches!(resource, "cpu" | "memory" | "ephemeral-storage") && !is_huge_page(resource) {
            errors.invalid(path, resource, "must be a standard resource for containers");
        }
    } else if !resource.contains("kubernetes.io/") && resource.starts_with("requests.") {
        errors.invalid(path, resource, "doesn't follow extended resource name standard");
    }
}

/// An amount.
pub(crate) fn amount(resource: &str, value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let Some(quantity) = Quantity::of(value) else { return };
    if quantity.is_negative() {
        errors.invalid(path, quantity.text(), NOT_NEGATIVE);
    }
    if is_whole(resource) && !quantity.is_whole() {
        errors.invalid(path, quantity.text(), "must be an integer");
    }
}

/// Pages come whole.
fn pages(resource: &str, value: &Value, path: &Path<'_>, errors: &mut Errors) {
    let size = resource.strip_prefix("hugepages-").map(Value::from);
    let (Some(size), Some(amount)) = (size.as_ref().and_then(Quantity::of), Quantity::of(value)) else { return };
    let count = amount.as_f64() / size.as_f64();
    if count.fract() != 0.0 {
        let amount = amount.text();
        errors.invalid(path, amount.as_str(), format!("{amount} is not positive integer multiple of {resource}"));
    }
}

/// Claims of devices that a container names must be the pod's.
fn claim_names(claims: &Value, of_pod: &Value, list: &Path<'_>, errors: &mut Errors) {
    let mut known: Vec<&str> = of_pod.items().iter().map(|claim| claim["name"].str()).collect();
    known.retain(|name| !name.is_empty());
    known.sort_unstable();
    let mut seen: Vec<String> = Vec::new();
    for (at, claim) in claims.items().iter().enumerate() {
        let (name, request) = (claim["name"].str(), claim["request"].str());
        let path = list.index(at);
        if name.is_empty() {
            errors.required(&path, "");
            continue;
        }
        let key = if request.is_empty() { name.to_owned() } else { format!("{name}/{request}") };
        if seen.contains(&key) {
            errors.duplicate(&path, key);
        } else {
            seen.push(key);
        }
        if known.is_empty() {
            errors.not_found_in(&path, name, "must be one of the names in pod.spec.resourceClaims which is empty");
        } else if !known.contains(&name) {
            let known = known.join(", ");
            errors.not_found_in(&path, name, &format!("must be one of the names in pod.spec.resourceClaims: {known}"));
        }
    }
}

/// Requests and limits of a container, with the devices that it wants of its pod's claims.
pub(crate) fn requirements(resources: &Value, claims: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (limits, requests) = (&resources["limits"], &resources["requests"]);
    let (limits_path, requests_path) = (path.field("limits"), path.field("requests"));
    for (resource, value) in limits.entries() {
        let path = limits_path.key(resource);
        container_name(resource, &path, errors);
        amount(resource, value, &path, errors);
        pages(resource, value, &limits_path, errors);
    }
    for (resource, value) in requests.entries() {
        let path = requests_path.key(resource);
        container_name(resource, &path, errors);
        amount(resource, value, &path, errors);
        pages(resource, value, &requests_path, errors);
        let Some(request) = Quantity::of(value) else { continue };
        match limits.get(resource).and_then(Quantity::of) {
            Some(limit) if request != limit && !overcommits(resource) => errors.invalid(
                &requests_path,
                request.text(),
                format!("must be equal to {resource} limit of {}", limit.text()),
            ),
            Some(limit) if request > limit => errors.invalid(
                &requests_path,
                request.text(),
                format!("must be less than or equal to {resource} limit of {}", limit.text()),
            ),
            None if !overcommits(resource) => {
                errors.required(&limits_path, "Limit must be set for non overcommitable resources");
            }
            _ => {}
        }
    }
    let any = |wanted: fn(&str) -> bool| limits.entries().chain(requests.entries()).any(|(name, _)| wanted(name));
    if any(is_huge_page) && !any(|name| name == "cpu" || name == "memory") {
        errors.forbidden(path, "HugePages require cpu or memory");
    }
    claim_names(&resources["claims"], claims, &path.field("claims"), errors);
}
