//! Pods.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::{Strategy, WITH_STATUS, spec_changed, warnings};
use crate::kinds;
use crate::server::ApiServer;
use crate::types::Quantity;
use crate::validation::pod;
use crate::verbs::{Cx, Part};

pub(super) fn rows() -> Vec<Strategy> {
    vec![Strategy {
        kind: kinds::PODS,
        generation: Some(spec_changed),
        prepare_create: Some(prepare_create),
        prepare_update: Some(prepare_update),
        validate: Some(pod::validate),
        validate_update: Some(pod::validate_update),
        warnings: Some(warnings::pod),
        ..WITH_STATUS
    }]
}

fn prepare_create(_: &mut ApiServer, _: &Cx, pod: &mut Value) -> Result<(), Status> {
    let mut status = value!({"phase": "Pending", "qosClass": qos_class(&pod["spec"])});
    if !pod["spec"]["schedulingGates"].is_empty() {
        status.set(
            "conditions",
            value!([{
                "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": null, "lastTransitionTime": null
            }]),
        );
    }
    pod.set("status", status);
    Ok(())
}

fn prepare_update(server: &mut ApiServer, part: Part, new: &mut Value, old: &Value) -> Result<(), Status> {
    // A pod whose last gate is gone is no longer held back.
    if part == Part::Main
        && !old["spec"]["schedulingGates"].is_empty()
        && new["spec"]["schedulingGates"].is_empty()
        && old["status"]["conditions"].find("type", "PodScheduled").is_some_and(|c| c["reason"] == "SchedulingGated")
    {
        let _ = server;
        new["status"]["conditions"].items_mut().retain(|condition| condition["type"] != "PodScheduled");
        if new["status"]["conditions"].is_empty() {
            new["status"].remove("conditions");
        }
    }
    if part == Part::Status && new["status"]["qosClass"].is_null() && !old["status"]["qosClass"].is_null() {
        new["status"].set("qosClass", &old["status"]["qosClass"]);
    }
    Ok(())
}

/// `Guaranteed`, `Burstable` or `BestEffort`, by the requests and limits of CPU and memory of all containers.
pub(crate) fn qos_class(spec: &Value) -> &'static str {
    const RESOURCES: [&str; 2] = ["cpu", "memory"];
    let (mut asked, mut limited) = ([None::<Quantity>; 2], [None::<Quantity>; 2]);
    let mut guaranteed = true;
    for container in spec["containers"].items().iter().chain(spec["initContainers"].items()) {
        let resources = &container["resources"];
        for (at, name) in RESOURCES.iter().enumerate() {
            let amount = |part: &str| Quantity::of(&resources[part][*name]).filter(|q| !q.is_zero());
            if let Some(request) = amount("requests") {
                asked[at] = Some(asked[at].map_or(request, |sum| sum.add(request)));
            }
            match amount("limits") {
                Some(limit) => limited[at] = Some(limited[at].map_or(limit, |sum| sum.add(limit))),
                None => guaranteed = false,
            }
        }
    }
    if asked.iter().chain(&limited).all(Option::is_none) {
        "BestEffort"
    } else if guaranteed && asked == limited {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qos_follows_requests_and_limits() {
        let one = |resources: Value| value!({"containers": [{"resources": resources}]});
        let cases = [
            (one(value!({})), "BestEffort"),
            (one(value!({"requests": {"cpu": "1"}})), "Burstable"),
            (
                one(
                    value!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}}),
                ),
                "Guaranteed",
            ),
            (
                one(value!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}})),
                "Burstable",
            ),
            (one(value!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}})), "Burstable"),
        ];
        for (spec, class) in cases {
            assert_eq!(qos_class(&spec), class, "{spec}");
        }
    }
}
