//! Horizontal pod autoscalers, in the form of autoscaling/v2.

use drydock_value::Value;

use super::common::{self, non_negative};
use super::{Errors, Path};
use crate::types::Quantity;

const SPEC: Path<'static> = Path::new("spec");

/// Rules for an autoscaler.
pub(crate) fn autoscaler(autoscaler: &Value, errors: &mut Errors) {
    let spec = &autoscaler["spec"];
    let least = spec["minReplicas"].as_i64();
    let most = spec["maxReplicas"].int();
    if least.is_some_and(|least| least < 1) {
        errors.invalid(&SPEC.field("minReplicas"), &spec["minReplicas"], "must be greater than or equal to 1");
    }
    if most < 1 {
        errors.required(&SPEC.field("maxReplicas"), "must be set and greater than 0");
    }
    if least.is_some_and(|least| most < least) {
        errors.invalid(&SPEC.field("maxReplicas"), most, "must be greater than or equal to `minReplicas`");
    }
    let target = &spec["scaleTargetRef"];
    let path = SPEC.field("scaleTargetRef");
    reference(target, &path, errors);
    if !target["apiVersion"].str().contains('/') && target["kind"] != "ReplicationController" {
        errors.invalid(&path.field("apiVersion"), target["apiVersion"].str(), "apiVersion must specify API group");
    }
    let list = SPEC.field("metrics");
    let mut scales_to_zero = false;
    for (at, metric) in spec["metrics"].items().iter().enumerate() {
        scales_to_zero |= matches!(metric["type"].str(), "Object" | "External");
        metric_rules(metric, &list.index(at), errors);
    }
    if least == Some(0) && !scales_to_zero {
        errors.forbidden(
            &list,
            "must specify at least one Object or External metric to support scaling to zero replicas",
        );
    }
    let behavior = SPEC.field("behavior");
    for key in ["scaleUp", "scaleDown"] {
        scaling_rules(&spec["behavior"][key], &behavior.field(key), errors);
    }
}

fn reference(target: &Value, path: &Path<'_>, errors: &mut Errors) {
    for key in ["kind", "name"] {
        let text = target[key].str();
        if text.is_empty() {
            errors.required(&path.field(key), "");
        } else {
            errors.all_invalid(&path.field(key), text, super::names::path_segment_name(text));
        }
    }
}

fn metric_rules(metric: &Value, path: &Path<'_>, errors: &mut Errors) {
    const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    let kind = metric["type"].str();
    let field = match kind {
        "" => return errors.required(&path.field("type"), "must specify a metric source type"),
        "ContainerResource" => "containerResource",
        "External" => "external",
        "Object" => "object",
        "Pods" => "pods",
        "Resource" => "resource",
        other => return errors.not_supported(&path.field("type"), other, &TYPES),
    };
    let source = &metric[field];
    let path = path.field(field);
    if source.is_null() {
        errors.required(&path, "must populate information for the given metric source");
        return;
    }
    let target = &source["target"];
    let at = path.field("target");
    match field {
        "object" | "pods" | "external" => {
            if field == "object" {
                reference(&source["describedObject"], &path.field("describedObject"), errors);
            }
            if source["metric"]["name"].str().is_empty() {
                errors.required(&path.field("metric").field("name"), "must specify a metric name");
            }
            metric_target(target, &at, errors);
            if field == "external" && !target["value"].is_null() && !target["averageValue"].is_null() {
                errors.forbidden(&at.field("value"), "may not set both a target value for metric and a per-pod target");
            }
            if field == "pods" {
                if target["averageValue"].is_null() {
                    errors.required(&at.field("averageValue"), "must specify a positive target averageValue");
                }
            } else if target["value"].is_null() && target["averageValue"].is_null() {
                errors.required(
                    &at.field("averageValue"),
                    "must set either a target value for metric or a per-pod target",
                );
            }
        }
        _ => {
            if source["name"].str().is_empty() {
                errors.required(&path.field("name"), "must specify a resource name");
            }
            if field == "containerResource" && source["container"].str().is_empty() {
                errors.required(&path.field("container"), "must specify a container");
            }
            metric_target(target, &at, errors);
            let utilization = &target["averageUtilization"];
            if utilization.is_null() && target["averageValue"].is_null() {
                errors.required(
                    &at.field("averageUtilization"),
                    "must set either a target raw value or a target utilization",
                );
            }
            if !utilization.is_null() && !target["averageValue"].is_null() {
                errors.forbidden(
                    &at.field("averageValue"),
                    "may not set both a target raw value and a target utilization",
                );
            }
        }
    }
}

fn metric_target(target: &Value, path: &Path<'_>, errors: &mut Errors) {
    let kind = target["type"].str();
    match kind {
        "" => errors.required(&path.field("type"), "must specify a metric target type"),
        "Utilization" | "Value" | "AverageValue" => {}
        other => {
            errors.invalid(&path.field("type"), other, "must be either Utilization, Value, or AverageValue");
        }
    }
    for key in ["value", "averageValue"] {
        if let Some(amount) = Quantity::of(&target[key])
            && (amount.is_negative() || amount.is_zero())
        {
            errors.invalid(&path.field(key), amount.text(), "must be positive");
        }
    }
    let utilization = &target["averageUtilization"];
    if utilization.as_i64().is_some_and(|percent| percent < 1) {
        errors.invalid(&path.field("averageUtilization"), utilization, "must be greater than 0");
    }
}

fn scaling_rules(rules: &Value, path: &Path<'_>, errors: &mut Errors) {
    if rules.is_null() {
        return;
    }
    let window = &rules["stabilizationWindowSeconds"];
    non_negative(window, &path.field("stabilizationWindowSeconds"), errors);
    if window.int() > 3600 {
        errors.invalid(&path.field("stabilizationWindowSeconds"), window, "must be less than or equal to 3600");
    }
    common::optional_one_of(&rules["selectPolicy"], &["Disabled", "Max", "Min"], &path.field("selectPolicy"), errors);
    let list = path.field("policies");
    let policies = rules["policies"].items();
    if policies.is_empty() {
        errors.required(&list, "must specify at least one Policy");
    }
    for (at, policy) in policies.iter().enumerate() {
        let path = list.index(at);
        common::one_of(&policy["type"], &["Percent", "Pods"], &path.field("type"), errors);
        for key in ["value", "periodSeconds"] {
            if policy[key].int() <= 0 {
                errors.invalid(&path.field(key), policy[key].int(), "must be greater than zero");
            }
        }
        if policy["periodSeconds"].int() > 1800 {
            errors.invalid(
                &path.field("periodSeconds"),
                &policy["periodSeconds"],
                "must be less than or equal to 1800",
            );
        }
    }
    if let Some(tolerance) = Quantity::of(&rules["tolerance"]).filter(|tolerance| tolerance.is_negative()) {
        errors.invalid(&path.field("tolerance"), tolerance.text(), common::NOT_NEGATIVE);
    }
}
