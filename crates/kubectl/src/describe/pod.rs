//! Pods.

use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{annotations, controller, labels, rfc1123, tolerations};
use super::template::{Live, containers, pod_ips, resource_lists, scheduling_group, topology_spread};
use super::volumes::volumes;
use super::{Described, writer::Writer};

const MIRROR: &str = "kubernetes.io/config.mirror";

/// Describes a pod.
pub fn pod(w: &mut Writer, pod: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    if let Some(priority) = spec["priority"].as_i64() {
        w.field(0, "Priority", &priority.to_string());
    }
    for (title, field) in [
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ] {
        if !spec[field].is_empty() {
            w.field(0, title, spec[field].str());
        }
    }
    match spec["nodeName"].str() {
        "" => w.field(0, "Node", "<none>"),
        node => w.field(0, "Node", &format!("{node}/{}", status["hostIP"].str())),
    }
    if !status["startTime"].is_null() {
        w.field(0, "Start Time", &rfc1123(&status["startTime"]));
    }
    labels(w, "Labels", &metadata["labels"]);
    annotations(w, "Annotations", &metadata["annotations"]);
    let phase = status["phase"].str();
    if !metadata["deletionTimestamp"].is_null() && !matches!(phase, "Failed" | "Succeeded") {
        w.field(0, "Status", &format!("Terminating (lasts {})", ctx.ago(&metadata["deletionTimestamp"])));
        let grace = metadata["deletionGracePeriodSeconds"].int();
        w.field(0, "Termination Grace Period", &format!("{grace}s"));
    } else {
        w.field(0, "Status", phase);
    }
    for (title, field) in [("Reason", "reason"), ("Message", "message")] {
        if !status[field].is_empty() {
            w.field(0, title, status[field].str());
        }
    }
    let profile = &spec["securityContext"]["seccompProfile"];
    if !profile.is_null() {
        w.field(0, "SeccompProfile", profile["type"].str());
        if profile["type"] == "Localhost" {
            w.field(0, "LocalhostProfile", profile["localhostProfile"].str());
        }
    }
    w.field(0, "IP", status["podIP"].str());
    pod_ips(w, pod);
    if let Some(owner) = controller(pod) {
        w.field(0, "Controlled By", &owner);
    }
    if !status["nominatedNodeName"].is_empty() {
        w.field(0, "NominatedNodeName", status["nominatedNodeName"].str());
    }
    if !spec["resources"].is_null() {
        w.line(0, "Resources:");
        resource_lists(w, &spec["resources"], 1);
    }
    for (title, field, statuses, always) in [
        ("Init Containers", "initContainers", "initContainerStatuses", false),
        ("Containers", "containers", "containerStatuses", true),
        ("Ephemeral Containers", "ephemeralContainers", "ephemeralContainerStatuses", false),
    ] {
        if always || !spec[field].is_empty() {
            containers(w, title, &spec[field], Some(Live { pod, statuses: &status[statuses] }), "");
        }
    }
    conditions(w, pod);
    volumes(w, &spec["volumes"], "");
    w.field(0, "QoS Class", status["qosClass"].str());
    labels(w, "Node-Selectors", &spec["nodeSelector"]);
    tolerations(w, "Tolerations", &spec["tolerations"]);
    topology_spread(w, &spec["topologySpreadConstraints"], "");
    scheduling_group(w, &spec["schedulingGroup"], "");
    let uid = match metadata["annotations"][MIRROR].str() {
        "" => metadata["uid"].str(),
        mirrored => mirrored,
    };
    let about = ctx.events_about("", metadata["namespace"].str(), metadata["name"].str(), uid);
    events(w, about, ctx);
    Ok(())
}

fn conditions(w: &mut Writer, pod: &Value) {
    let conditions = &pod["status"]["conditions"];
    let gates = pod["spec"]["readinessGates"].items();
    if !gates.is_empty() {
        w.line(0, "Readiness Gates:\n  Type\tStatus");
        for gate in gates {
            let kind = gate["conditionType"].str();
            let status = conditions.find("type", kind).map_or("<none>", |condition| condition["status"].str());
            w.line(1, &format!("{kind} \t{status} "));
        }
    }
    if !conditions.is_empty() {
        w.line(0, "Conditions:\n  Type\tStatus");
        for condition in conditions.items() {
            w.line(1, &format!("{} \t{} ", condition["type"].str(), condition["status"].str()));
        }
    }
}
