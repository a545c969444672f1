//! Horizontal pod autoscalers.

use drydock_api::GroupVersionResource;
use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{heading, number, rfc1123, text, text_or};
use super::resources::canonical;
use super::{Described, writer::Writer};

/// Describes an autoscaler.
///
/// In v1 only as a last resort: kubectl asks for v2 whatever was asked for.
pub fn autoscaler(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let metadata = &object["metadata"];
    let newest = GroupVersionResource::new("autoscaling", "v2", "horizontalpodautoscalers");
    let newest = (object["apiVersion"] == "autoscaling/v1")
        .then(|| ctx.get(&newest, metadata["namespace"].str(), metadata["name"].str()).ok())
        .flatten();
    let object = newest.as_ref().unwrap_or(object);
    let (spec, status) = (&object["spec"], &object["status"]);
    let target = &spec["scaleTargetRef"];
    heading(w, object, true);
    w.field(0, "CreationTimestamp", &rfc1123(&object["metadata"]["creationTimestamp"]));
    w.field(0, "Reference", &format!("{}/{}", target["kind"].str(), target["name"].str()));
    if object["apiVersion"] == "autoscaling/v1" {
        if !spec["targetCPUUtilizationPercentage"].is_null() {
            let current = text_or(&status["currentCPUUtilizationPercentage"], "<unknown>");
            w.field(0, "Target CPU utilization", &format!("{}%", number(&spec["targetCPUUtilizationPercentage"])));
            w.field(0, "Current CPU utilization", &format!("{current}%"));
        }
    } else {
        w.field(0, "Metrics", "( current / target )");
        for (i, metric) in spec["metrics"].items().iter().enumerate() {
            one_metric(w, metric, &status["currentMetrics"][i]);
        }
    }
    w.field(0, "Min replicas", &text_or(&spec["minReplicas"], "<unset>"));
    w.field(0, "Max replicas", &number(&spec["maxReplicas"]));
    if !spec["behavior"].is_null() {
        w.line(0, "Behavior:");
        behavior(w, "Scale Up", &spec["behavior"]["scaleUp"]);
        behavior(w, "Scale Down", &spec["behavior"]["scaleDown"]);
    }
    let (current, desired) = (status["currentReplicas"].int(), status["desiredReplicas"].int());
    w.field(0, &format!("{} pods", target["kind"].str()), &format!("{current} current / {desired} desired"));
    let conditions = status["conditions"].items();
    if !conditions.is_empty() {
        w.line(0, "Conditions:");
        w.line(1, "Type\tStatus\tReason\tMessage");
        w.line(1, "----\t------\t------\t-------");
    }
    for condition in conditions {
        let (kind, status) = (condition["type"].str(), condition["status"].str());
        w.line(1, &format!("{kind}\t{status}\t{}\t{}", condition["reason"].str(), condition["message"].str()));
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

fn one_metric(w: &mut Writer, metric: &Value, current: &Value) {
    let amount = |value: &Value| if value.is_null() { "<unknown>".to_owned() } else { canonical(value) };
    let of = |holder: &str, field: &str| amount(&current[holder]["current"][field]);
    match metric["type"].str() {
        "External" => {
            let (metric, name) = (&metric["external"], text(&metric["external"]["metric"]["name"]));
            let (title, field) = match &metric["target"]["averageValue"] {
                Value::Null => ("target value", "value"),
                _ => ("target average value", "averageValue"),
            };
            let (now, target) = (of("external", field), canonical(&metric["target"][field]));
            w.field(1, &format!("{name:?} ({title})"), &format!("{now} / {target}"));
        }
        "Pods" => {
            let metric = &metric["pods"];
            let (now, target) = (of("pods", "averageValue"), canonical(&metric["target"]["averageValue"]));
            w.field(1, &format!("{:?} on pods", metric["metric"]["name"].str()), &format!("{now} / {target}"));
        }
        "Object" => {
            let metric = &metric["object"];
            let about = &metric["describedObject"];
            let (title, field) = match metric["target"]["type"].str() {
                "AverageValue" => ("target average value", "averageValue"),
                _ => ("target value", "value"),
            };
            let (now, target) = (of("object", field), canonical(&metric["target"][field]));
            let name = metric["metric"]["name"].str();
            let about = format!("{}/{}", about["kind"].str(), about["name"].str());
            w.field(1, &format!("\"{name}\" on {about} ({title})"), &format!("{now} / {target}"));
        }
        kind @ ("Resource" | "ContainerResource") => {
            let holder = if kind == "Resource" { "resource" } else { "containerResource" };
            let metric = &metric[holder];
            let mut title = format!("resource {}", metric["name"].str());
            if kind == "ContainerResource" {
                title.push_str(&format!(" of container \"{}\"", metric["container"].str()));
            }
            title.push_str(" on pods");
            let target = &metric["target"];
            if target["averageValue"].is_null() {
                let now = &current[holder]["current"];
                let current = match now["averageUtilization"].as_i64() {
                    Some(percent) => format!("{percent}% ({})", canonical(&now["averageValue"])),
                    None => "<unknown>".into(),
                };
                let wanted =
                    target["averageUtilization"].as_i64().map_or("<auto>".into(), |wanted| format!("{wanted}%"));
                w.field(1, &format!("{title}  (as a percentage of request)"), &format!("{current} / {wanted}"));
            } else {
                let (now, target) = (of(holder, "averageValue"), canonical(&target["averageValue"]));
                w.field(1, &title, &format!("{now} / {target}"));
            }
        }
        unknown => w.line(1, &format!("<unknown metric type {unknown:?}>")),
    }
}

fn behavior(w: &mut Writer, direction: &str, rules: &Value) {
    if rules.is_null() {
        return;
    }
    w.line(1, &format!("{direction}:"));
    if let Some(seconds) = rules["stabilizationWindowSeconds"].as_i64() {
        w.line(2, &format!("Stabilization Window: {seconds} seconds"));
    }
    if rules["policies"].is_empty() {
        return;
    }
    w.line(2, &format!("Select Policy: {}", text_or(&rules["selectPolicy"], "Max")));
    w.line(2, "Policies:");
    for policy in rules["policies"].items() {
        let (kind, value, period) = (policy["type"].str(), policy["value"].int(), policy["periodSeconds"].int());
        w.line(3, &format!("- Type: {kind}\tValue: {value}\tPeriod: {period} seconds"));
    }
}
