//! Quotas, limit ranges, disruption budgets, priority classes.

use drydock_value::{Value, to_json};

use super::common::{self, int_or_percent, label_selector, not_over_100_percent, show_selector};
use super::{Errors, Path, names, resources};
use crate::types::Quantity;

const SPEC: Path<'static> = Path::new("spec");

/// Names that a quota counts without a prefix.
fn is_quota_name(name: &str) -> bool {
    matches!(
        name,
        "cpu"
            | "memory"
            | "ephemeral-storage"
            | "requests.cpu"
            | "requests.memory"
            | "requests.storage"
            | "requests.ephemeral-storage"
            | "limits.cpu"
            | "limits.memory"
            | "limits.ephemeral-storage"
            | "pods"
            | "resourcequotas"
            | "services"
            | "replicationcontrollers"
            | "secrets"
            | "persistentvolumeclaims"
            | "configmaps"
            | "services.nodeports"
            | "services.loadbalancers"
    ) || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
}

fn quota_amounts(amounts: &Value, path: &Path<'_>, errors: &mut Errors) {
    for (name, amount) in amounts.entries() {
        let path = path.key(name);
        errors.all_invalid(&path, name, names::qualified_name(name));
        if !name.contains('/') && !resources::is_standard(name) {
            errors.invalid(&path, name, "must be a standard resource type or fully qualified");
        }
        if !name.contains('/') && !is_quota_name(name) {
            errors.invalid(&path, name, "must be a standard resource for quota");
        }
        resources::amount(name, amount, &path, errors);
    }
}

/// Rules for a quota.
pub(crate) fn resource_quota(quota: &Value, errors: &mut Errors) {
    const SCOPES: [&str; 7] = [
        "Terminating",
        "NotTerminating",
        "BestEffort",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
        "VolumeAttributesClass",
    ];
    let spec = &quota["spec"];
    quota_amounts(&spec["hard"], &SPEC.field("hard"), errors);
    let scopes = spec["scopes"].items();
    if scopes.is_empty() {
        return;
    }
    let path = SPEC.field("scopes");
    let has = |scope: &str| scopes.iter().any(|s| s == scope);
    for scope in scopes {
        if !SCOPES.contains(&scope.str()) {
            errors.invalid(&path, &spec["scopes"], "unsupported scope");
        }
    }
    for (name, _) in spec["hard"].entries() {
        let pods_only = !(name == "pods"
            || ["cpu", "memory", "ephemeral-storage"].contains(&name)
            || name.starts_with("requests.")
            || name.starts_with("limits."));
        if pods_only
            && (has("BestEffort") || has("NotBestEffort") || has("Terminating") || has("NotTerminating"))
            && resources::is_standard(name)
        {
            errors.invalid(&path, &spec["scopes"], "unsupported scope applied to resource");
        }
    }
    if (has("Terminating") && has("NotTerminating")) || (has("BestEffort") && has("NotBestEffort")) {
        errors.invalid(&path, &spec["scopes"], "conflicting scopes");
    }
}

/// Rules for a limit range.
pub(crate) fn limit_range(range: &Value, errors: &mut Errors) {
    let list = SPEC.field("limits");
    let mut seen: Vec<&str> = Vec::new();
    for (at, limit) in range["spec"]["limits"].items().iter().enumerate() {
        let path = list.index(at);
        let kind = limit["type"].str();
        // A type is a name: one of the known, or somebody's own with a prefix.
        errors.all_invalid(&path.field("type"), kind, names::qualified_name(kind));
        if !kind.is_empty() && !kind.contains('/') && !matches!(kind, "Container" | "Pod" | "PersistentVolumeClaim") {
            errors.invalid(&path.field("type"), kind, "must be a standard limit type or fully qualified");
        }
        if seen.contains(&kind) {
            errors.duplicate(&path.field("type"), kind);
        }
        seen.push(kind);
        one_limit(limit, kind, &path, errors);
    }
}

fn one_limit(limit: &Value, kind: &str, path: &Path<'_>, errors: &mut Errors) {
    if kind == "Pod" {
        for key in ["default", "defaultRequest"] {
            if !limit[key].is_empty() {
                errors.forbidden(&path.field(key), "may not be specified when `type` is 'Pod'");
            }
        }
    }
    if kind == "PersistentVolumeClaim" && limit["min"]["storage"].is_null() && limit["max"]["storage"].is_null() {
        errors.required(
            &path.field("limits"),
            "either minimum or maximum storage value is required, but neither was provided",
        );
    }
    let mut keys: Vec<&str> = Vec::new();
    for part in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        for (name, amount) in limit[part].entries() {
            if !keys.contains(&name) {
                keys.push(name);
            }
            let list = path.field(part);
            let path = list.key(name);
            if kind == "Container" || kind == "Pod" {
                resources::name(name, &path, errors);
            }
            resources::amount(name, amount, &path, errors);
        }
    }
    for name in keys {
        let amount = |part: &str| Quantity::of(&limit[part][name]);
        let (min, max) = (amount("min"), amount("max"));
        let (default, request, ratio) = (amount("default"), amount("defaultRequest"), amount("maxLimitRequestRatio"));
        let mut wrong = |part: &str, shown: Quantity, why: String| {
            errors.invalid(&path.field(part).key(name), shown.text(), why);
        };
        let text = |value: Option<Quantity>| value.map(Quantity::text).unwrap_or_default();
        if let (Some(low), Some(high)) = (min, max)
            && low > high
        {
            wrong("min", low, format!("min value {} is greater than max value {}", low.text(), high.text()));
        }
        if kind == "Container" {
            if let (Some(request), Some(low)) = (request, min)
                && low > request
            {
                let why = format!("min value {} is greater than default request value {}", low.text(), request.text());
                wrong("defaultRequest", request, why);
            }
            if let (Some(request), Some(high)) = (request, max)
                && request > high
            {
                let why = format!("default request value {} is greater than max value {}", request.text(), high.text());
                wrong("defaultRequest", request, why);
            }
            if let (Some(request), Some(limit)) = (request, default)
                && request > limit
            {
                let why = format!(
                    "default request value {} is greater than default limit value {}",
                    request.text(),
                    text(default)
                );
                wrong("defaultRequest", request, why);
            }
            if let (Some(limit), Some(low)) = (default, min)
                && low > limit
            {
                wrong(
                    "default",
                    low,
                    format!("min value {} is greater than default value {}", low.text(), limit.text()),
                );
            }
            if let (Some(limit), Some(high)) = (default, max)
                && limit > high
            {
                // The message shows the maximum, as the real one does.
                wrong(
                    "default",
                    high,
                    format!("default value {} is greater than max value {}", limit.text(), high.text()),
                );
            }
        }
        if let Some(ratio) = ratio
            && ratio < Quantity::count(1)
        {
            wrong("maxLimitRequestRatio", ratio, format!("ratio {} is less than 1", ratio.text()));
        }
    }
}

/// Rules for a disruption budget.
pub(crate) fn disruption_budget(budget: &Value, errors: &mut Errors) {
    let spec = &budget["spec"];
    let (min, max) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if !min.is_null() && !max.is_null() {
        let policy = &spec["unhealthyPodEvictionPolicy"];
        let shown = format!(
            "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
            to_json(min),
            show_selector(&spec["selector"]),
            to_json(max),
            to_json(policy)
        );
        errors.invalid_text(&SPEC, &shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for (value, key) in [(min, "minAvailable"), (max, "maxUnavailable")] {
        let path = SPEC.field(key);
        int_or_percent(value, &path, errors);
        not_over_100_percent(value, &path, errors);
    }
    label_selector(&spec["selector"], &SPEC.field("selector"), errors);
    common::optional_one_of(
        &spec["unhealthyPodEvictionPolicy"],
        &["AlwaysAllow", "IfHealthyBudget"],
        &SPEC.field("unhealthyPodEvictionPolicy"),
        errors,
    );
}

const HIGHEST_USER_PRIORITY: i64 = 1_000_000_000;

/// The priority classes that only the system has.
pub(crate) const SYSTEM_PRIORITIES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// Rules for a priority class.
pub(crate) fn priority_class(class: &Value, errors: &mut Errors) {
    let name = class["metadata"]["name"].str();
    let value = class["value"].int();
    if name.starts_with("system-") {
        if !SYSTEM_PRIORITIES.contains(&(name, value)) {
            errors.forbidden(
                &Path::new("metadata").field("name"),
                format!(
                    "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a \
                     known system priority class"
                ),
            );
        }
    } else if value > HIGHEST_USER_PRIORITY {
        errors.forbidden(
            &Path::new("value"),
            format!("maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"),
        );
    }
    common::optional_one_of(
        &class["preemptionPolicy"],
        &["PreemptLowerPriority", "Never"],
        &Path::new("preemptionPolicy"),
        errors,
    );
}

pub(crate) fn priority_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    if new["value"] != old["value"] {
        errors.forbidden(&Path::new("value"), "may not be changed in an update.");
    }
    common::immutable(&new["preemptionPolicy"], &old["preemptionPolicy"], &Path::new("preemptionPolicy"), errors);
}
