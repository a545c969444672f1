//! Deployments, replica sets, replication controllers, stateful sets and daemon sets.

use drydock_api::GroupVersionResource;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{
    controller, controller_of, format_labels, format_selector, heading, labels, labels_indented, number, or_none,
    rfc1123, selector_text, short_conditions, text,
};
use super::template::pod_template;
use super::{Described, storage, writer::Writer};
use crate::failure::Failure;

/// Describes a deployment with its replica sets.
pub fn deployment(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let selector = selector_text(&spec["selector"])?;
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "CreationTimestamp", &rfc1123(&metadata["creationTimestamp"]));
    labels(w, "Labels", &metadata["labels"]);
    super::format::annotations(w, "Annotations", &metadata["annotations"]);
    w.field(0, "Selector", &selector);
    let counts = [
        (&spec["replicas"], "desired"),
        (&status["updatedReplicas"], "updated"),
        (&status["replicas"], "total"),
        (&status["availableReplicas"], "available"),
        (&status["unavailableReplicas"], "unavailable"),
    ];
    let counts: Vec<String> = counts.iter().map(|(count, what)| format!("{} {what}", count.int())).collect();
    w.field(0, "Replicas", &counts.join(" | "));
    w.field(0, "StrategyType", spec["strategy"]["type"].str());
    w.field(0, "MinReadySeconds", &number(&spec["minReadySeconds"]));
    let rolling = &spec["strategy"]["rollingUpdate"];
    if !rolling.is_null() {
        let (unavailable, surge) = (text(&rolling["maxUnavailable"]), text(&rolling["maxSurge"]));
        w.field(0, "RollingUpdateStrategy", &format!("{unavailable} max unavailable, {surge} max surge"));
    }
    pod_template(w, &spec["template"]);
    short_conditions(w, &status["conditions"]);
    if let Ok((old, new)) = replica_sets(object, ctx)
        && !(old.is_empty() && new.is_none())
    {
        w.field(0, "OldReplicaSets", &replica_set_names(&old));
        w.field(0, "NewReplicaSet", &replica_set_names(new.as_slice()));
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// The replica sets of a deployment: the old ones from oldest to youngest, and the one with the current template.
fn replica_sets(deployment: &Value, ctx: &mut Context) -> Result<(Vec<Value>, Option<Value>), Failure> {
    let metadata = &deployment["metadata"];
    let selector = selector_text(&deployment["spec"]["selector"])?;
    let resource = GroupVersionResource::new("apps", "v1", "replicasets");
    let mut owned = ctx.list(&resource, metadata["namespace"].str(), &[("labelSelector", &selector)])?;
    owned.retain(|set| controller_of(set).is_some_and(|owner| owner["uid"] == metadata["uid"]));
    owned.sort_compact_by(|a, b| {
        let key = |set: &Value| {
            (set["metadata"]["creationTimestamp"].str().to_owned(), set["metadata"]["name"].str().to_owned())
        };
        key(a).cmp(&key(b))
    });
    let template = without_hash(&deployment["spec"]["template"]);
    let newest = owned.iter().position(|set| without_hash(&set["spec"]["template"]) == template);
    let new = newest.map(|at| owned.remove(at));
    Ok((owned, new))
}

/// A pod template without the label that tells replica sets apart.
pub fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template.get_mut("metadata").and_then(|metadata| metadata.get_mut("labels")) {
        labels.remove("pod-template-hash");
    }
    template
}

fn replica_set_names(sets: &[Value]) -> String {
    let names: Vec<String> = sets
        .iter()
        .map(|set| {
            let (created, wanted) = (set["status"]["replicas"].int(), set["spec"]["replicas"].int());
            format!("{} ({created}/{wanted} replicas created)", set["metadata"]["name"].str())
        })
        .collect();
    or_none(names.join(", "))
}

/// How many pods of a controller are in which phase: `1 Running / 0 Waiting / 0 Succeeded / 0 Failed`.
fn pods_status(object: &Value, selector: &str, ctx: &mut Context) -> Result<String, Failure> {
    let mut counts = [0; 4];
    for pod in ctx.pods(object["metadata"]["namespace"].str(), selector)? {
        if controller_of(&pod).is_none_or(|owner| owner["uid"] != object["metadata"]["uid"]) {
            continue;
        }
        let phase = pod["status"]["phase"].str();
        let known = ["Running", "Pending", "Succeeded", "Failed"].iter().position(|known| *known == phase);
        if let Some(count) = known.and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    let [running, waiting, succeeded, failed] = counts;
    Ok(format!("{running} Running / {waiting} Waiting / {succeeded} Succeeded / {failed} Failed"))
}

/// Describes a replica set.
pub fn replica_set(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let selector = selector_text(&spec["selector"])?;
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "Selector", &format_selector(&spec["selector"]));
    labels(w, "Labels", &metadata["labels"]);
    super::format::annotations(w, "Annotations", &metadata["annotations"]);
    if let Some(owner) = controller(object) {
        w.field(0, "Controlled By", &owner);
    }
    w.field(0, "Replicas", &format!("{} current / {} desired", status["replicas"].int(), spec["replicas"].int()));
    let pods = pods_status(object, &selector, ctx)
        .unwrap_or_else(|error| format!("error in fetching pods: {}", error.words()));
    w.field(0, "Pods Status", &pods);
    pod_template(w, &spec["template"]);
    short_conditions(w, &status["conditions"]);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes a replication controller.
pub fn replication_controller(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let selector = format_labels(&spec["selector"]);
    let pods = pods_status(object, if selector == "<none>" { "" } else { &selector }, ctx)?;
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "Selector", &selector);
    labels(w, "Labels", &metadata["labels"]);
    super::format::annotations(w, "Annotations", &metadata["annotations"]);
    w.field(0, "Replicas", &format!("{} current / {} desired", status["replicas"].int(), spec["replicas"].int()));
    w.field(0, "Pods Status", &pods);
    if spec["template"].is_null() {
        w.put(0, "Pod Template:\n  <unset>");
    } else {
        pod_template(w, &spec["template"]);
    }
    short_conditions(w, &status["conditions"]);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes a stateful set.
pub fn stateful_set(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let selector = selector_text(&spec["selector"])?;
    let pods = pods_status(object, &selector, ctx)?;
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "CreationTimestamp", &rfc1123(&metadata["creationTimestamp"]));
    w.field(0, "Selector", &selector);
    labels(w, "Labels", &metadata["labels"]);
    super::format::annotations(w, "Annotations", &metadata["annotations"]);
    w.field(0, "Replicas", &format!("{} desired | {} total", spec["replicas"].int(), status["replicas"].int()));
    w.field(0, "Update Strategy", spec["updateStrategy"]["type"].str());
    let rolling = &spec["updateStrategy"]["rollingUpdate"];
    if !rolling["partition"].is_null() {
        w.field(1, "Partition", &number(&rolling["partition"]));
        if !rolling["maxUnavailable"].is_null() {
            w.field(1, "MaxUnavailable", &text(&rolling["maxUnavailable"]));
        }
    }
    w.field(0, "Pods Status", &pods);
    pod_template(w, &spec["template"]);
    claim_templates(w, &spec["volumeClaimTemplates"]);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

fn claim_templates(w: &mut Writer, templates: &Value) {
    if templates.items().is_empty() {
        w.field(0, "Volume Claims", "<none>");
        return;
    }
    w.line(0, "Volume Claims:");
    for claim in templates.items() {
        let (metadata, spec) = (&claim["metadata"], &claim["spec"]);
        w.field(1, "Name", metadata["name"].str());
        w.field(1, "StorageClass", storage::class_of(claim));
        labels_indented(w, "  ", "Labels", &metadata["labels"]);
        labels_indented(w, "  ", "Annotations", &metadata["annotations"]);
        match &spec["resources"]["requests"]["storage"] {
            Value::Null => w.field(1, "Capacity", "<default>"),
            size => w.field(1, "Capacity", &super::resources::canonical(size)),
        }
        w.field(1, "Access Modes", &super::format::go_list(&spec["accessModes"]));
    }
}

/// Describes a daemon set.
pub fn daemon_set(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let selector = selector_text(&spec["selector"])?;
    let pods = pods_status(object, &selector, ctx)?;
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "Selector", &selector);
    w.field(0, "Node-Selector", &format_labels(&spec["template"]["spec"]["nodeSelector"]));
    labels(w, "Labels", &metadata["labels"]);
    super::format::annotations(w, "Annotations", &metadata["annotations"]);
    for (title, field) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        w.line(0, &format!("{title}: {}", status[field].int()));
    }
    w.field(0, "Pods Status", &pods);
    pod_template(w, &spec["template"]);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes a job.
pub fn job(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "Selector", &selector_or_why(&spec["selector"]));
    labels(w, "Labels", &metadata["labels"]);
    super::format::annotations(w, "Annotations", &metadata["annotations"]);
    if let Some(owner) = controller(object) {
        w.field(0, "Controlled By", &owner);
    }
    optional(w, "Parallelism", &spec["parallelism"], "");
    w.field(0, "Completions", &super::format::text_or(&spec["completions"], "<unset>"));
    optional(w, "Completion Mode", &spec["completionMode"], "");
    optional(w, "Suspend", &spec["suspend"], "");
    optional(w, "Backoff Limit", &spec["backoffLimit"], "");
    optional(w, "TTL Seconds After Finished", &spec["ttlSecondsAfterFinished"], "");
    for (title, field) in [("Start Time", "startTime"), ("Completed At", "completionTime")] {
        if !status[field].is_null() {
            w.field(0, title, &rfc1123(&status[field]));
        }
    }
    let moment = |field: &str| drydock_value::Time::parse_rfc3339(status[field].str());
    if let (Some(start), Some(end)) = (moment("startTime"), moment("completionTime")) {
        w.field(0, "Duration", &super::format::human(end, start));
    }
    optional(w, "Active Deadline Seconds", &spec["activeDeadlineSeconds"], "s");
    let ready = status["ready"].as_i64().map_or(String::new(), |ready| format!(" ({ready} Ready)"));
    let (active, succeeded, failed) = (status["active"].int(), status["succeeded"].int(), status["failed"].int());
    w.field(0, "Pods Statuses", &format!("{active} Active{ready} / {succeeded} Succeeded / {failed} Failed"));
    if spec["completionMode"] == "Indexed" {
        w.field(0, "Completed Indexes", &or_none(cap_indexes(status["completedIndexes"].str(), 50)));
    }
    pod_template(w, &spec["template"]);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// A job's selector, or why it is none.
fn selector_or_why(selector: &Value) -> String {
    selector_text(selector).unwrap_or_else(|error| format!("Failed to get selector: {}", error.words()))
}

fn optional(w: &mut Writer, title: &str, value: &Value, unit: &str) {
    if !value.is_null() {
        w.field(0, title, &format!("{}{unit}", text(value)));
    }
}

/// A list of indexes, cut at the first comma behind a soft limit.
fn cap_indexes(indexes: &str, limit: usize) -> String {
    match indexes.bytes().enumerate().skip(limit).find(|(_, byte)| *byte == b',') {
        Some((at, _)) => format!("{}...", indexes.get(..=at).unwrap_or(indexes)),
        None => indexes.to_owned(),
    }
}

/// Describes a cron job.
pub fn cron_job(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (spec, status) = (&object["spec"], &object["status"]);
    heading(w, object, true);
    w.field(0, "Schedule", spec["schedule"].str());
    w.field(0, "Concurrency Policy", spec["concurrencyPolicy"].str());
    w.field(0, "Suspend", spec["suspend"].as_bool().map_or("<unset>", super::format::title_bool));
    let unset = |field: &str| super::format::text_or(&spec[field], "<unset>");
    w.field(0, "Time Zone", &unset("timeZone"));
    w.field(0, "Successful Job History Limit", &unset("successfulJobsHistoryLimit"));
    w.field(0, "Failed Job History Limit", &unset("failedJobsHistoryLimit"));
    match spec["startingDeadlineSeconds"].as_i64() {
        Some(seconds) => w.field(0, "Starting Deadline Seconds", &format!("{seconds}s")),
        None => w.field(0, "Starting Deadline Seconds", "<unset>"),
    }
    let job = &spec["jobTemplate"]["spec"];
    let selector = if job["selector"].is_null() { "<unset>".into() } else { selector_or_why(&job["selector"]) };
    w.field(0, "Selector", &selector);
    w.field(0, "Parallelism", &super::format::text_or(&job["parallelism"], "<unset>"));
    w.field(0, "Completions", &super::format::text_or(&job["completions"], "<unset>"));
    optional(w, "Active Deadline Seconds", &job["activeDeadlineSeconds"], "s");
    pod_template(w, &job["template"]);
    match &status["lastScheduleTime"] {
        Value::Null => w.field(0, "Last Schedule Time", "<unset>"),
        time => w.field(0, "Last Schedule Time", &rfc1123(time)),
    }
    let active: Vec<&str> = status["active"].items().iter().map(|job| job["name"].str()).collect();
    w.field(0, "Active Jobs", &or_none(active.join(", ")));
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_indexes_are_cut_at_a_comma() {
        assert_eq!(cap_indexes("0-2", 50), "0-2");
        assert_eq!(cap_indexes("0,2,4,6", 4), "0,2,4,...");
        assert_eq!(cap_indexes("", 50), "");
    }
}
