//! Pods: the status column is a story told from phase, conditions and containers.

use drydock_value::{Time, Value};

use super::cells::{Print, or};
use crate::types::human;

/// Restarts of some containers, and the last one's moment.
#[derive(Default, Clone, Copy)]
struct Restarts {
    count: i64,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += status["restartCount"].int();
        let ended = Time::parse_rfc3339(status["lastState"]["terminated"]["finishedAt"].str());
        self.last = self.last.max(ended);
    }
}

/// The cells of a pod.
pub(super) fn pod(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let (ready, total, reason, restarts) = summary(print.object);
    let restarts = match restarts.last {
        Some(last) if restarts.count != 0 => format!("{} ({} ago)", restarts.count, human(print.now.since(last))),
        _ => restarts.count.to_string(),
    };
    let gates = spec["readinessGates"].items();
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        let open = gates.iter().filter(|gate| print.has_condition(gate["conditionType"].str())).count();
        format!("{open}/{}", gates.len())
    };
    vec![
        print.name(),
        format!("{ready}/{total}").into(),
        reason.into(),
        restarts.into(),
        print.own_age(),
        or(status["podIPs"][0]["ip"].str(), or(status["podIP"].str(), "<none>")).into(),
        or(spec["nodeName"].str(), "<none>").into(),
        or(status["nominatedNodeName"].str(), "<none>").into(),
        gates.into(),
    ]
}

/// Ready containers, all containers, the word of the status column, restarts.
fn summary(pod: &Value) -> (usize, usize, String, Restarts) {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let phase = status["phase"].str();
    let mut reason = or(status["reason"].str(), phase).to_owned();
    let condition_is = |kind: &str, key: &str, wanted: &str| {
        status["conditions"].find("type", kind).is_some_and(|condition| condition[key] == *wanted)
    };
    if condition_is("PodScheduled", "reason", "SchedulingGated") {
        reason = "SchedulingGated".into();
    }
    let init = spec["initContainers"].items();
    let sidecar =
        |name: &str| init.iter().any(|container| container["name"] == *name && container["restartPolicy"] == "Always");
    let total = spec["containers"].items().len() + init.iter().filter(|c| c["restartPolicy"] == "Always").count();
    let mut ready = 0;
    let (mut restarts, mut of_sidecars) = (Restarts::default(), Restarts::default());
    let mut initializing = false;
    for (at, container) in status["initContainerStatuses"].items().iter().enumerate() {
        restarts.add(container);
        let is_sidecar = sidecar(container["name"].str());
        if is_sidecar {
            of_sidecars.add(container);
        }
        let state = &container["state"];
        let ended = &state["terminated"];
        if !ended.is_null() && ended["exitCode"].int() == 0 {
            continue;
        }
        if is_sidecar && container["started"].is_true() {
            ready += usize::from(container["ready"].is_true());
            continue;
        }
        let waiting = state["waiting"]["reason"].str();
        reason = if !ended.is_null() {
            format!("Init:{}", end_reason(ended))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{}", init.len())
        };
        initializing = true;
        break;
    }
    if !initializing || condition_is("Initialized", "status", "True") {
        restarts = of_sidecars;
        let mut running = false;
        for container in status["containerStatuses"].items().iter().rev() {
            restarts.add(container);
            let state = &container["state"];
            let waiting = state["waiting"]["reason"].str();
            if !waiting.is_empty() {
                reason = waiting.to_owned();
            } else if !state["terminated"].is_null() {
                reason = end_reason(&state["terminated"]);
            } else if container["ready"].is_true() && !state["running"].is_null() {
                running = true;
                ready += 1;
            }
        }
        if reason == "Completed" && running {
            reason = if condition_is("Ready", "status", "True") { "Running" } else { "NotReady" }.into();
        }
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        if status["reason"] == "NodeLost" {
            reason = "Unknown".into();
        } else if !matches!(phase, "Succeeded" | "Failed") {
            reason = "Terminating".into();
        }
    }
    (ready, total, reason, restarts)
}

fn end_reason(terminated: &Value) -> String {
    let reason = terminated["reason"].str();
    if !reason.is_empty() {
        return reason.to_owned();
    }
    match terminated["signal"].int() {
        0 => format!("ExitCode:{}", terminated["exitCode"].int()),
        signal => format!("Signal:{signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    /// What the READY, STATUS and RESTARTS columns say of a pod's status.
    fn check(spec: Value, status: Value, deleted: bool, wanted: &str) {
        let mut pod = value!({"metadata": {"name": "p", "creationTimestamp": "2026-11-22T14:00:00Z"}});
        pod.set("spec", spec);
        pod.set("status", status);
        if deleted {
            pod["metadata"].set("deletionTimestamp", "2026-11-22T14:00:30Z");
        }
        let now = Time::parse_rfc3339("2026-11-22T14:01:00Z").unwrap();
        let cells = super::pod(&Print { object: &pod, now });
        let seen = cells[1..4].iter().map(Value::str).collect::<Vec<_>>().join(" ");
        assert_eq!(seen, wanted);
    }

    #[test]
    fn the_status_column_tells_the_story() {
        let one = || value!({"containers": [{"name": "a"}]});
        let two = || value!({"containers": [{"name": "a"}, {"name": "b"}]});
        let init = || value!({"containers": [{"name": "a"}], "initContainers": [{"name": "i"}, {"name": "j"}]});
        let running = || value!({"name": "a", "ready": true, "restartCount": 0, "state": {"running": {}}});
        let ended = |reason: &str, code: i64| {
            value!({"name": "b", "ready": false, "restartCount": 0,
                    "state": {"terminated": {"reason": reason, "exitCode": code}}})
        };
        check(one(), value!({"phase": "Pending"}), false, "0/1 Pending 0");
        check(one(), value!({"phase": "Running", "containerStatuses": [running()]}), false, "1/1 Running 0");
        check(one(), value!({"phase": "Running", "containerStatuses": [running()]}), true, "1/1 Terminating 0");
        check(
            one(),
            value!({"phase": "Running", "containerStatuses": [{
                "name": "a", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"finishedAt": "2026-11-22T14:00:55Z"}}
            }]}),
            false,
            "0/1 CrashLoopBackOff 3 (5s ago)",
        );
        check(
            two(),
            value!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
                    "containerStatuses": [running(), ended("Completed", 0)]}),
            false,
            "1/2 NotReady 0",
        );
        check(
            one(),
            value!({"phase": "Succeeded", "containerStatuses": [ended("Completed", 0)]}),
            true,
            "0/1 Completed 0",
        );
        check(one(), value!({"phase": "Failed", "containerStatuses": [ended("", 7)]}), false, "0/1 ExitCode:7 0");
        check(
            init(),
            value!({"phase": "Pending", "initContainerStatuses": [
                ended("Completed", 0), {"name": "j", "restartCount": 0, "state": {"running": {}}}
            ]}),
            false,
            "0/1 Init:1/2 0",
        );
        check(
            init(),
            value!({"phase": "Pending", "initContainerStatuses": [ended("Error", 1)]}),
            false,
            "0/1 Init:Error 0",
        );
        check(one(), value!({"phase": "Failed", "reason": "Evicted"}), false, "0/1 Evicted 0");
        check(
            one(),
            value!({"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}),
            false,
            "0/1 SchedulingGated 0",
        );
    }
}
