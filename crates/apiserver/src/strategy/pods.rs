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
    complete_selectors(pod);
    Ok(())
}

/// Selectors of neighbours that go by the pod's own values of some labels get these values now.
fn complete_selectors(pod: &mut Value) {
    let labels = pod["metadata"]["labels"].clone();
    let complete = |term: &mut Value| {
        if term["labelSelector"].is_null() {
            return;
        }
        for (field, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
            let keys = term[field].clone();
            for key in keys.items() {
                let Some(own) = labels.get(key.str()).filter(|own| !own.is_null()) else { continue };
                let expression = value!({"key": key, "operator": operator, "values": [own]});
                term["labelSelector"]["matchExpressions"].push(expression);
            }
        }
    };
    let spec = &mut pod["spec"];
    if !spec["topologySpreadConstraints"].is_null() {
        spec["topologySpreadConstraints"].items_mut().iter_mut().for_each(complete);
    }
    if spec["affinity"].is_null() {
        return;
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let affinity = spec["affinity"][side].clone();
        for wish in
            ["preferredDuringSchedulingIgnoredDuringExecution", "requiredDuringSchedulingIgnoredDuringExecution"]
        {
            for at in 0..affinity[wish].items().len() {
                let term = &mut spec["affinity"][side][wish].items_mut()[at];
                complete(if wish.starts_with('p') { &mut term["podAffinityTerm"] } else { term });
            }
        }
    }
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
    // What the whole pod asks for, where it says so, counts instead of what its containers do.
    let whole = std::slice::from_ref(spec);
    let parts = if spec["resources"].is_empty() { spec["containers"].items() } else { whole };
    let initial = if spec["resources"].is_empty() { spec["initContainers"].items() } else { &[] };
    for container in parts.iter().chain(initial) {
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
    fn selectors_get_the_pods_own_values() {
        let term = value!({"labelSelector": {"matchLabels": {"a": "b"}}, "topologyKey": "z",
            "matchLabelKeys": ["hash", "none"], "mismatchLabelKeys": ["team"]});
        let wish = value!([{"weight": 1, "podAffinityTerm": &term}]);
        let mut pod = value!({
            "metadata": {"labels": {"hash": "1", "team": "x"}},
            "spec": {
                "topologySpreadConstraints": [{"labelSelector": {}, "matchLabelKeys": ["hash"]}, {"matchLabelKeys": ["hash"]}],
                "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": wish}}
            }
        });
        complete_selectors(&mut pod);
        let hash = value!({"key": "hash", "operator": "In", "values": ["1"]});
        let spec = &pod["spec"];
        let spread = spec["topologySpreadConstraints"].items();
        assert_eq!(spread[0]["labelSelector"], value!({"matchExpressions": [&hash]}));
        assert!(spread[1]["labelSelector"].is_null());
        let wish = &spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"].items()[0];
        let team = value!({"key": "team", "operator": "NotIn", "values": ["x"]});
        assert_eq!(wish["podAffinityTerm"]["labelSelector"]["matchExpressions"], value!([hash, team]));
        assert!(spec["affinity"]["podAffinity"].is_null());
    }

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
            (
                value!({"containers": [{}], "resources": {"limits": {"cpu": "1", "memory": "1Gi"},
                    "requests": {"cpu": "1", "memory": "1Gi"}}}),
                "Guaranteed",
            ),
        ];
        for (spec, class) in cases {
            assert_eq!(qos_class(&spec), class, "{spec}");
        }
    }
}
