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

/// The scopes of a quota.
const SCOPES: [&str; 7] = [
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "CrossNamespacePodAffinity",
    "VolumeAttributesClass",
];

/// Scopes that no object can be in both of.
const CONFLICTING: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

/// Whether what a quota counts can be in a scope: `IsResourceQuotaScopeValidForResource`.
fn scope_fits(scope: &str, resource: &str) -> bool {
    const COMPUTE: [&str; 6] = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            resource == "pods" || COMPUTE.contains(&resource)
        }
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    }
}

/// Rules for a quota.
pub(crate) fn resource_quota(quota: &Value, errors: &mut Errors) {
    let spec = &quota["spec"];
    quota_amounts(&spec["hard"], &SPEC.field("hard"), errors);
    let misfits = |scope: &str| {
        spec["hard"].entries().filter(|(name, _)| is_quota_name(name) && !scope_fits(scope, name)).count()
    };
    quota_scopes(&spec["scopes"], misfits, errors);
    quota_selector(&spec["scopeSelector"], &to_json_or_null(&spec["scopes"]), misfits, errors);
}

fn to_json_or_null(value: &Value) -> String {
    if value.is_empty() { "null".into() } else { to_json(value) }
}

/// What may change in a quota: not what it is about.
pub(crate) fn resource_quota_update(new: &Value, old: &Value, errors: &mut Errors) {
    resource_quota(new, errors);
    let (now, before) = (&new["spec"]["scopes"], &old["spec"]["scopes"]);
    let within = |some: &Value, all: &Value| some.items().iter().all(|scope| all.items().contains(scope));
    if !within(now, before) || !within(before, now) {
        errors.invalid(&SPEC.field("scopes"), now, common::IMMUTABLE);
    }
}

fn quota_scopes(scopes: &Value, misfits: impl Fn(&str) -> usize, errors: &mut Errors) {
    let path = SPEC.field("scopes");
    for scope in scopes.items() {
        if !SCOPES.contains(&scope.str()) {
            errors.invalid(&path, scopes, "unsupported scope");
        }
        for _ in 0..misfits(scope.str()) {
            errors.invalid(&path, scopes, "unsupported scope applied to resource");
        }
    }
    for pair in CONFLICTING {
        if pair.iter().all(|scope| scopes.items().iter().any(|one| one == *scope)) {
            errors.invalid(&path, scopes, "conflicting scopes");
        }
    }
}

/// The scopes by a selector. `scopes` are the quota's other ones, which the last message shows, as in Go.
fn quota_selector(selector: &Value, scopes: &str, misfits: impl Fn(&str) -> usize, errors: &mut Errors) {
    let path = SPEC.field("scopeSelector");
    let path = path.field("matchExpressions");
    let expressions = selector["matchExpressions"].items();
    for expression in expressions {
        let (scope, operator) = (expression["scopeName"].str(), expression["operator"].str());
        if !SCOPES.contains(&scope) {
            errors.invalid(&path.field("scopeName"), scope, "unsupported scope");
        }
        for _ in 0..misfits(scope) {
            errors.invalid_text(&path, &show_scope_selector(expressions), "unsupported scope applied to resource");
        }
        let existence = !matches!(scope, "PriorityClass" | "VolumeAttributesClass") && SCOPES.contains(&scope);
        if existence && operator != "Exists" {
            let why = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, \
                       ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                       ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.invalid(&path.field("operator"), operator, why);
        }
        let values = &expression["values"];
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                let why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.required(&path.field("values"), why);
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.invalid(&path.field("values"), values, why);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.invalid(&path.field("operator"), operator, "not a valid selector operator"),
        }
    }
    for pair in CONFLICTING {
        if pair.iter().all(|scope| expressions.iter().any(|expression| expression["scopeName"] == *scope)) {
            errors.invalid_text(&path, scopes, "conflicting scopes");
        }
    }
}

/// A scope selector as Go prints its own struct.
fn show_scope_selector(expressions: &[Value]) -> String {
    let shown = expressions.iter().map(|expression| {
        let (name, operator) = (to_json(&expression["scopeName"]), to_json(&expression["operator"]));
        let values = to_json_or_null(&expression["values"]);
        format!(r#"{{"ScopeName":{name},"Operator":{operator},"Values":{values}}}"#)
    });
    format!(r#"{{"MatchExpressions":[{}]}}"#, shown.collect::<Vec<_>>().join(","))
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
        if let (Some(ratio), Some(low), Some(high)) = (ratio, min, max)
            && ratio.as_f64() > high.as_f64() / low.as_f64()
        {
            let most = high.as_f64() / low.as_f64();
            wrong("maxLimitRequestRatio", ratio, format!("ratio {} is greater than max/min = {most:.6}", ratio.text()));
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
