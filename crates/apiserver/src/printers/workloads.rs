//! Workloads: what makes pods.

use std::time::Duration;

use drydock_value::{Time, Value};

use super::cells::{Print, containers, label_selector, labels, or};
use crate::types::human;

/// Containers, images and selector of a workload, for the wide columns.
fn wide(print: &Print<'_>) -> [Value; 3] {
    let (names, images) = containers(&print.spec()["template"]["spec"]);
    let selector = &print.spec()["selector"];
    // A replication controller's selector is a plain map.
    let is_map = print.object["kind"] == "ReplicationController";
    let selector = if is_map { labels(selector) } else { label_selector(selector) };
    [names.into(), images.into(), selector.into()]
}

pub(super) fn deployment(print: &Print<'_>) -> Vec<Value> {
    let status = print.status();
    let [names, images, selector] = wide(print);
    vec![
        print.name(),
        format!("{}/{}", status["readyReplicas"].int(), print.spec()["replicas"].int()).into(),
        status["updatedReplicas"].int().into(),
        status["availableReplicas"].int().into(),
        print.own_age(),
        names,
        images,
        selector,
    ]
}

pub(super) fn replica_set(print: &Print<'_>) -> Vec<Value> {
    let status = print.status();
    let [names, images, selector] = wide(print);
    vec![
        print.name(),
        print.spec()["replicas"].int().into(),
        status["replicas"].int().into(),
        status["readyReplicas"].int().into(),
        print.own_age(),
        names,
        images,
        selector,
    ]
}

pub(super) fn stateful_set(print: &Print<'_>) -> Vec<Value> {
    let [names, images, _] = wide(print);
    vec![
        print.name(),
        format!("{}/{}", print.status()["readyReplicas"].int(), print.spec()["replicas"].int()).into(),
        print.own_age(),
        names,
        images,
    ]
}

pub(super) fn daemon_set(print: &Print<'_>) -> Vec<Value> {
    let status = print.status();
    let [names, images, selector] = wide(print);
    vec![
        print.name(),
        status["desiredNumberScheduled"].int().into(),
        status["currentNumberScheduled"].int().into(),
        status["numberReady"].int().into(),
        status["updatedNumberScheduled"].int().into(),
        status["numberAvailable"].int().into(),
        labels(&print.spec()["template"]["spec"]["nodeSelector"]).into(),
        print.own_age(),
        names,
        images,
        selector,
    ]
}

pub(super) fn job(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let succeeded = status["succeeded"].int();
    let completions = match spec["completions"].as_i64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if spec["parallelism"].int() > 1 => format!("{succeeded}/1 of {}", spec["parallelism"].int()),
        None => format!("{succeeded}/1"),
    };
    let duration = match Time::parse_rfc3339(status["startTime"].str()) {
        None => String::new(),
        Some(start) => {
            let end = Time::parse_rfc3339(status["completionTime"].str()).unwrap_or(print.now);
            human(end.since(start))
        }
    };
    let word = if print.has_condition("Complete") {
        "Complete"
    } else if print.has_condition("Failed") {
        "Failed"
    } else if !print.object["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else if print.has_condition("Suspended") {
        "Suspended"
    } else if print.has_condition("FailureTarget") {
        "FailureTarget"
    } else if print.has_condition("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let [names, images, selector] = wide(print);
    vec![print.name(), word.into(), completions.into(), duration.into(), print.own_age(), names, images, selector]
}

pub(super) fn cron_job(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let last = match &status["lastScheduleTime"] {
        Value::Null => "<none>".to_owned(),
        moment => print.age(moment),
    };
    let template = &spec["jobTemplate"]["spec"];
    let (names, images) = containers(&template["template"]["spec"]);
    vec![
        print.name(),
        spec["schedule"].clone(),
        or(spec["timeZone"].str(), "<none>").into(),
        boolean(&spec["suspend"]).into(),
        status["active"].items().len().into(),
        last.into(),
        print.own_age(),
        names.into(),
        images.into(),
        label_selector(&template["selector"]).into(),
    ]
}

fn boolean(value: &Value) -> &'static str {
    match value.as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    }
}

pub(super) fn pod_template(print: &Print<'_>) -> Vec<Value> {
    let template = &print.object["template"];
    let (names, images) = containers(&template["spec"]);
    vec![print.name(), names.into(), images.into(), labels(&template["metadata"]["labels"]).into()]
}

pub(super) fn controller_revision(print: &Print<'_>) -> Vec<Value> {
    let owner = print.object["metadata"]["ownerReferences"].items().iter().find(|owner| owner["controller"].is_true());
    let owner = owner.map_or_else(
        || "<none>".to_owned(),
        |owner| {
            let group = owner["apiVersion"].str().split_once('/').map_or("", |(group, _)| group);
            let dot = if group.is_empty() { "" } else { "." };
            format!("{}{dot}{group}/{}", owner["kind"].str().to_lowercase(), owner["name"].str())
        },
    );
    vec![print.name(), owner.into(), print.object["revision"].int().into(), print.own_age()]
}

pub(super) fn autoscaler(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let target = &spec["scaleTargetRef"];
    let least = spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |n| n.to_string());
    vec![
        print.name(),
        format!("{}/{}", target["kind"].str(), target["name"].str()).into(),
        metrics(&spec["metrics"], &status["currentMetrics"]).into(),
        least.into(),
        spec["maxReplicas"].int().into(),
        status["currentReplicas"].int().into(),
        print.own_age(),
    ]
}

/// What an autoscaler aims at and where it is: `cpu: 10%/50%`. Two metrics are shown, the rest is counted.
fn metrics(wanted: &Value, current: &Value) -> String {
    let wanted = wanted.items();
    if wanted.is_empty() {
        return "<none>".into();
    }
    let mut shown: Vec<String> = Vec::new();
    for (at, metric) in wanted.iter().enumerate().take(2) {
        let (field, resource) = match metric["type"].str() {
            "External" => ("external", false),
            "Pods" => ("pods", false),
            "Object" => ("object", false),
            "Resource" => ("resource", true),
            "ContainerResource" => ("containerResource", true),
            _ => {
                shown.push("<unknown type>".into());
                continue;
            }
        };
        let target = &metric[field]["target"];
        let now = &current[at][field]["current"];
        let known = |value: &Value| or(value.str(), "<unknown>").to_owned();
        let average = &target["averageValue"];
        let text = if !average.is_null() {
            let suffix = if field == "external" || field == "object" { " (avg)" } else { "" };
            format!("{}/{}{suffix}", known(&now["averageValue"]), average.str())
        } else if resource {
            let current = now["averageUtilization"].as_i64().map_or("<unknown>".into(), |n| format!("{n}%"));
            let target = target["averageUtilization"].as_i64().map_or("<auto>".into(), |n| format!("{n}%"));
            format!("{current}/{target}")
        } else {
            format!("{}/{}", known(&now["value"]), target["value"].str())
        };
        shown.push(if resource { format!("{}: {text}", metric[field]["name"].str()) } else { text });
    }
    let shown = shown.join(", ");
    if wanted.len() > 2 { format!("{shown} + {} more...", wanted.len() - 2) } else { shown }
}

/// Seconds as a duration for people.
pub(super) fn human_seconds(seconds: i64) -> String {
    human(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}
