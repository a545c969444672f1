//! A pod's status, as it follows from its spec and its containers.

use drydock_value::{Time, Value, value};

use super::actions::{initialised, restarts};
use super::worker::{Role, Slot, Stage, Worker};
use crate::config::NodeConfig;
use crate::runtime::{Container, Runtime, State};

/// The moment that a container which could not be started claims to have started.
const NEVER_STARTED: &str = "1970-01-01T00:00:00Z";

/// Conditions that the kubelet owns, in its order.
const CONDITIONS: [&str; 5] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];

/// It says why a pod does not have what it shall have; gone as soon as it has.
const RESIZE: &str = "PodResizePending";

/// The status of a pod.
pub fn status(worker: &Worker, runtime: &Runtime, node: &NodeConfig, now: Time) -> Value {
    let pod = &worker.pod;
    if let Some((reason, message)) = &worker.verdict
        && !worker.admitted
    {
        return refused(worker, reason, message, now);
    }
    let mut status = value!({"hostIP": node.ip.as_str(), "hostIPs": [{"ip": node.ip.as_str()}]});
    let mut lists: [Vec<Value>; 3] = Default::default();
    for index in 0..worker.slots.len() {
        let entry = container_status(worker, index, runtime);
        match worker.slots[index].role {
            Role::Init | Role::Sidecar => lists[0].push(entry),
            Role::Main => lists[1].push(entry),
            Role::Ephemeral => lists[2].push(entry),
        }
    }
    let phase = match &worker.verdict {
        Some(_) => "Failed",
        None => match worker.status["phase"].str() {
            // An end is an end.
            done @ ("Succeeded" | "Failed") => done,
            _ => phase(worker, &lists[0], &lists[1]),
        },
    };
    let generation = pod["metadata"]["generation"].int();
    if generation > 0 {
        status.set("observedGeneration", generation);
    }
    // A pod has not failed before its containers have ended: until then it says what it said before.
    let lingers = worker.verdict.is_some() && has_running(worker, runtime);
    let before = worker.status["phase"].str();
    status.set("phase", if lingers && !before.is_empty() { before } else { phase });
    match &worker.verdict {
        Some(_) if lingers => {}
        Some((reason, message)) => {
            status.set("reason", *reason);
            status.set("message", message);
        }
        None => {
            for field in ["reason", "message"] {
                let old = &worker.status[field];
                if matches!(phase, "Failed" | "Succeeded") && !old.is_empty() {
                    status.set(field, old);
                }
            }
        }
    }
    if let Some(ip) = worker.ip {
        let ip = if worker.host_network() { node.ip.clone() } else { ip.to_string() };
        status.set("podIP", ip.as_str());
        status.set("podIPs", value!([{"ip": ip.as_str()}]));
    }
    if let Some(started) = worker.started {
        status.set("startTime", started.rfc3339());
    }
    for field in ["qosClass", "nominatedNodeName", "resize"] {
        if let Some(kept) = pod["status"].get(field) {
            status.set(field, kept);
        }
    }
    status.set("conditions", conditions(worker, phase, &lists, now));
    for (role, list) in [Role::Init, Role::Main, Role::Ephemeral].into_iter().zip(lists) {
        if !list.is_empty() {
            status.set(role.status_list(), list);
        }
    }
    status
}

/// The status of a pod that the kubelet has not taken: it has no conditions, addresses or containers.
fn refused(worker: &Worker, reason: &str, message: &str, now: Time) -> Value {
    let started = worker.started.unwrap_or(now).rfc3339();
    let mut status = value!({"phase": "Failed", "reason": reason, "message": message, "startTime": started});
    if let Some(class) = worker.pod["status"].get("qosClass") {
        status.set("qosClass", class);
    }
    let generation = worker.pod["metadata"]["generation"].int();
    if generation > 0 {
        status.set("observedGeneration", generation);
    }
    status
}

/// Whether any of a pod's containers runs.
fn has_running(worker: &Worker, runtime: &Runtime) -> bool {
    let current = |slot: &Slot| slot.current.and_then(|number| runtime.container(number));
    worker.slots.iter().any(|slot| current(slot).is_some_and(|container| container.state == State::Running))
}

fn waiting(reason: &str, message: &str) -> Value {
    if message.is_empty() {
        value!({"waiting": {"reason": reason}})
    } else {
        value!({"waiting": {"message": message, "reason": reason}})
    }
}

fn state_of(container: &Container) -> Value {
    match container.state {
        State::Created => waiting("ContainerCreating", ""),
        State::Running => value!({"running": {"startedAt": container.started.rfc3339()}}),
        State::Exited => {
            let started = match container.started {
                Time(0) => NEVER_STARTED.to_owned(),
                started => started.rfc3339(),
            };
            let mut ended = value!({
                "containerID": format!("containerd://{}", container.id()), "exitCode": container.exit_code,
                "finishedAt": container.finished.rfc3339(), "reason": container.reason, "startedAt": started
            });
            if !container.message.is_empty() {
                ended.set("message", container.message.as_str());
            }
            value!({"terminated": ended})
        }
    }
}

fn container_status(worker: &Worker, index: usize, runtime: &Runtime) -> Value {
    let slot = &worker.slots[index];
    let spec = worker.spec(index);
    let current = slot.current.and_then(|number| runtime.container(number));
    let previous = slot.previous.and_then(|number| runtime.container(number));
    let mut status = value!({"name": slot.name.clone(), "ready": false, "imageID": "", "lastState": {}});
    status.set("restartCount", slot.made.saturating_sub(1));
    match current {
        None => {
            let has_init = worker.slots.iter().any(|slot| matches!(slot.role, Role::Init | Role::Sidecar));
            let reason = if has_init && slot.role != Role::Ephemeral { "PodInitializing" } else { "ContainerCreating" };
            status.set("image", &spec["image"]);
            status.set("state", waiting(reason, ""));
        }
        Some(container) => {
            let named = crate::runtime::Reference::parse(&slot.image).map(|reference| reference.to_string());
            status.set("image", named.unwrap_or_else(|_| slot.image.to_string()));
            status.set("imageID", container.image.image_id());
            status.set("containerID", format!("containerd://{}", container.id()));
            status.set("state", state_of(container));
            if let Some(previous) = previous {
                status.set("lastState", state_of(previous));
            }
            let user = &container.config.user;
            status.set(
                "user",
                value!({
                    "linux": {"gid": user.gid, "supplementalGroups": user.groups.clone(), "uid": user.uid}
                }),
            );
            let resources = worker.given(index);
            if let Some(requests) = resources.get("requests").filter(|requests| !requests.is_empty()) {
                status.set("allocatedResources", requests);
            }
            status.set("resources", if resources.is_null() { Value::object() } else { resources.clone() });
        }
    }
    // What shall be started and cannot be is waiting, and what it was is its last state.
    if let Some((reason, message)) = &slot.waiting {
        let done = slot.role == Role::Init && current.is_some_and(|c| c.state == State::Exited && c.exit_code == 0);
        if !done && restarts(worker, index, current) {
            if let Some(ended) = current.filter(|container| container.state == State::Exited) {
                status.set("lastState", state_of(ended));
            }
            status.set("state", waiting(reason, message));
        }
    }
    let running = status["state"].get("running").is_some();
    match slot.role {
        Role::Init => {
            let ended = &status["state"]["terminated"];
            status.set("ready", !ended.is_null() && ended["exitCode"].int() == 0);
            status.set("started", running);
        }
        Role::Ephemeral => {}
        Role::Main | Role::Sidecar => {
            status.set("started", running && worker.started(index));
            status.set("ready", running && worker.ready(index));
        }
    }
    let mounts: Vec<Value> = spec["volumeMounts"].items().iter().map(mount_status).collect();
    if !mounts.is_empty() {
        status.set("volumeMounts", mounts);
    }
    status
}

fn mount_status(mount: &Value) -> Value {
    let mut status = value!({"mountPath": &mount["mountPath"], "name": &mount["name"]});
    if mount["readOnly"].is_true() {
        status.set("readOnly", true);
        status.set("recursiveReadOnly", "Disabled");
    }
    status
}

/// The phase, as the kubelet derives it from the containers' states.
fn phase(worker: &Worker, init: &[Value], main: &[Value]) -> &'static str {
    let policy = worker.restart_policy();
    let (mut pending_init, mut failed_init) = (0, 0);
    let (mut unknown, mut running, mut waits, mut stopped, mut succeeded) = (0, 0, 0, 0, 0);
    let mut pending_sidecars = 0;
    let init_slots = worker.slots.iter().filter(|slot| matches!(slot.role, Role::Init | Role::Sidecar));
    for (slot, status) in init_slots.zip(init) {
        let (state, last) = (&status["state"], &status["lastState"]["terminated"]);
        if slot.role == Role::Sidecar {
            if state.get("running").is_some() {
                pending_sidecars += usize::from(!status["started"].is_true());
                running += 1;
            } else if state.get("waiting").is_some() && last.is_null() {
                pending_sidecars += 1;
                waits += 1;
            }
            continue;
        }
        let code = |ended: &Value| usize::from(ended["exitCode"].int() != 0);
        if let Some(ended) = state.get("terminated") {
            failed_init += code(ended);
        } else if state.get("waiting").is_some() && !last.is_null() {
            failed_init += code(last);
        } else {
            pending_init += 1;
        }
    }
    for status in main {
        let state = &status["state"];
        if state.get("running").is_some() {
            running += 1;
        } else if let Some(ended) = state.get("terminated") {
            stopped += 1;
            succeeded += usize::from(ended["exitCode"].int() == 0);
        } else if state.get("waiting").is_some() {
            if status["lastState"].get("terminated").is_some() {
                stopped += 1;
            } else {
                waits += 1;
            }
        } else {
            unknown += 1;
        }
    }
    if failed_init > 0 && policy == "Never" {
        return "Failed";
    }
    let initialised = initialised(worker);
    if pending_init > 0 || (pending_sidecars > 0 && !initialised) || waits > 0 {
        return "Pending";
    }
    if running > 0 && unknown == 0 {
        // A sidecar alone does not keep a pod running.
        let mains_running = main.iter().any(|status| status["state"].get("running").is_some());
        if mains_running || stopped < main.len() || policy == "Always" {
            return "Running";
        }
    }
    if stopped > 0 && unknown == 0 {
        let ending = !matches!(worker.stage, Stage::Syncing);
        if ending {
            return if stopped == succeeded { "Succeeded" } else { "Failed" };
        }
        if main.iter().enumerate().any(|(at, _)| will_restart(worker, at, main)) {
            return "Running";
        }
        return if stopped == succeeded { "Succeeded" } else { "Failed" };
    }
    "Pending"
}

/// Whether the regular container at a place is to run again.
fn will_restart(worker: &Worker, at: usize, main: &[Value]) -> bool {
    let Some(slot) = worker.of_role(Role::Main).nth(at) else { return false };
    let Some(status) = main.get(at) else { return false };
    let ended = [&status["state"]["terminated"], &status["lastState"]["terminated"]].into_iter().find(|e| !e.is_null());
    let Some(ended) = ended else { return true };
    let code = i32::try_from(ended["exitCode"].int()).unwrap_or(0);
    super::actions::again(worker.spec(slot), worker.restart_policy(), code)
}

struct Condition {
    kind: &'static str,
    good: bool,
    reason: &'static str,
    message: String,
}

fn names(list: &[&str]) -> String {
    format!("[{}]", list.join(" "))
}

fn conditions(worker: &Worker, phase: &str, lists: &[Vec<Value>; 3], now: Time) -> Value {
    let pod = &worker.pod;
    let good = |kind| Condition { kind, good: true, reason: "", message: String::new() };
    let over = matches!(&worker.stage, Stage::Over)
        || matches!(&worker.stage, Stage::Ending(ending) if ending.sandbox_gone_at.is_some_and(|at| at <= now));
    let has_network = worker.sandbox.is_some() && !over;
    let network = Condition { good: has_network, ..good("PodReadyToStartContainers") };
    let ready = containers_ready(worker, phase, lists);
    let gates: Vec<String> = pod["spec"]["readinessGates"]
        .items()
        .iter()
        .filter_map(|gate| {
            let kind = gate["conditionType"].str();
            match pod["status"]["conditions"].find("type", kind) {
                None => Some(format!("corresponding condition of pod readiness gate \"{kind}\" does not exist.")),
                Some(condition) if condition["status"] != "True" => Some(format!(
                    "the status of pod readiness gate \"{kind}\" is not \"True\", but {}",
                    condition["status"].str()
                )),
                Some(_) => None,
            }
        })
        .collect();
    let pod_ready = if !ready.good || gates.is_empty() {
        Condition { kind: "Ready", good: ready.good, reason: ready.reason, message: ready.message.clone() }
    } else {
        Condition { kind: "Ready", good: false, reason: "ReadinessGatesNotReady", message: gates.join(", ") }
    };
    let mut all = vec![network, initialized(worker, phase, &lists[0]), pod_ready, ready, good("PodScheduled")];
    if let Some(("Evicted", message)) = &worker.verdict
        && worker.admitted
        && !lists.iter().flatten().any(|status| status["state"].get("running").is_some())
    {
        all.push(Condition { reason: "TerminationByKubelet", message: message.clone(), ..good("DisruptionTarget") });
    }
    if let Some((reason, message)) = &worker.pending {
        all.insert(0, Condition { reason, message: message.clone(), ..good(RESIZE) });
    }
    let generation = pod["metadata"]["generation"].int();
    let old = &worker.status["conditions"];
    let own = all.into_iter().map(|condition| {
        let state = if condition.good { "True" } else { "False" };
        let since = match old.find("type", condition.kind).filter(|old| old["status"] == state) {
            Some(old) => old["lastTransitionTime"].clone(),
            None => Value::from(now.rfc3339()),
        };
        let mut entry = value!({
            "type": condition.kind, "status": state, "lastProbeTime": null, "lastTransitionTime": since
        });
        if generation > 0 {
            entry.set("observedGeneration", generation);
        }
        if !condition.reason.is_empty() {
            entry.set("reason", condition.reason);
        }
        if !condition.message.is_empty() {
            entry.set("message", condition.message);
        }
        entry
    });
    own.collect()
}

/// Puts conditions of other owners behind those of the kubelet.
pub fn merge_conditions(own: &Value, present: &Value) -> Value {
    let others = present.items().iter().filter(|condition| {
        let kind = condition["type"].str();
        !CONDITIONS.contains(&kind) && kind != RESIZE && own.find("type", kind).is_none()
    });
    own.items().iter().chain(others).cloned().collect()
}

fn initialized(worker: &Worker, phase: &str, init: &[Value]) -> Condition {
    let mut condition = Condition { kind: "Initialized", good: true, reason: "", message: String::new() };
    if phase == "Succeeded" {
        condition.reason = "PodCompleted";
        return condition;
    }
    if initialised(worker) {
        return condition;
    }
    let slots = worker.slots.iter().filter(|slot| matches!(slot.role, Role::Init | Role::Sidecar));
    let incomplete: Vec<&str> = slots
        .zip(init)
        .filter(|(slot, status)| match slot.role {
            Role::Sidecar => !status["started"].is_true(),
            _ => !status["ready"].is_true(),
        })
        .map(|(slot, _)| slot.name.as_str())
        .collect();
    if !incomplete.is_empty() {
        condition.good = false;
        condition.reason = "ContainersNotInitialized";
        condition.message = format!("containers with incomplete status: {}", names(&incomplete));
    }
    condition
}

fn containers_ready(worker: &Worker, phase: &str, lists: &[Vec<Value>; 3]) -> Condition {
    let mut condition = Condition { kind: "ContainersReady", good: true, reason: "", message: String::new() };
    match phase {
        "Succeeded" => return Condition { good: false, reason: "PodCompleted", ..condition },
        "Failed" => return Condition { good: false, reason: "PodFailed", ..condition },
        _ => {}
    }
    let init = worker.slots.iter().filter(|slot| matches!(slot.role, Role::Init | Role::Sidecar)).zip(&lists[0]);
    let sidecars = init.filter(|(slot, _)| slot.role == Role::Sidecar);
    let main = worker.slots.iter().filter(|slot| slot.role == Role::Main).zip(&lists[1]);
    let unready: Vec<&str> = sidecars
        .chain(main)
        .filter(|(_, status)| !status["ready"].is_true())
        .map(|(slot, _)| slot.name.as_str())
        .collect();
    if !unready.is_empty() {
        condition.good = false;
        condition.reason = "ContainersNotReady";
        condition.message = format!("containers with unready status: {}", names(&unready));
    }
    condition
}
