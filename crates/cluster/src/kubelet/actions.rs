//! What is to be done for a pod, by what its spec wants and what its containers do: the kubelet's `computePodActions`.

use drydock_value::Value;

use super::probes::{Check, Verdict};
use super::worker::{Role, Worker};
use crate::runtime::{Container, Limits, Runtime, State};

/// What is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actions {
    /// Everything is over: nothing is to run any more.
    pub kill_pod: bool,
    /// Containers to end, with the event's message and the probe that condemned them.
    pub kill: Vec<(usize, String, Option<Check>)>,
    /// Containers to start, in order.
    pub start: Vec<usize>,
}

/// Whether a container that ended is to be started again.
pub fn restarts(worker: &Worker, slot: usize, container: Option<&Container>) -> bool {
    if worker.pod.deleting.is_some() {
        return false;
    }
    let Some(container) = container.filter(|container| container.state != State::Created) else { return true };
    if container.running() {
        return false;
    }
    let spec = worker.spec(slot);
    match worker.slots.get(slot).map(|slot| slot.role) {
        Some(Role::Sidecar) => return true,
        Some(Role::Ephemeral) => return false,
        _ => {}
    }
    again(spec, worker.restart_policy(), container.exit_code)
}

/// Whether a regular container is to run again after an exit code: by its own rules, its own policy, or the pod's.
pub fn again(spec: &Value, pods: &str, code: i32) -> bool {
    if let Some(rule) = spec["restartPolicyRules"].items().iter().find(|rule| rule_fits(rule, code)) {
        return rule["action"].str().starts_with("Restart");
    }
    match spec["restartPolicy"].as_str().unwrap_or(pods) {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    }
}

fn rule_fits(rule: &Value, code: i32) -> bool {
    let codes = &rule["exitCodes"];
    let listed = codes["values"].items().iter().any(|value| value.int() == i64::from(code));
    match codes["operator"].str() {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}

/// Whether the pod's init containers are done: any regular container was ever made.
pub fn initialised(worker: &Worker) -> bool {
    worker.of_role(Role::Main).any(|slot| worker.slots[slot].current.is_some())
}

/// How what a container may use differs from what its spec says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resized {
    No,
    InPlace,
    Restarts,
}

fn resized(worker: &Worker, slot: usize, has: &Limits) -> Resized {
    let (spec, wanted) = (worker.spec(slot), super::config::limits(worker.given(slot)));
    let restarts = |resource: &str| {
        let policies = spec["resizePolicy"].items().iter();
        policies.filter(|policy| policy["resourceName"] == *resource).any(|p| p["restartPolicy"] == "RestartContainer")
    };
    let cpu = (wanted.cpu_milli, wanted.weight) != (has.cpu_milli, has.weight);
    let memory = wanted.memory != has.memory;
    match (cpu || memory, cpu && restarts("cpu") || memory && restarts("memory")) {
        (false, _) => Resized::No,
        (true, false) => Resized::InPlace,
        (true, true) => Resized::Restarts,
    }
}

/// Running containers whose numbers change as they run.
pub fn limits(worker: &Worker, runtime: &Runtime) -> Vec<(u64, Limits)> {
    let changed = |(slot, place): (usize, &super::worker::Slot)| {
        let number = place.current?;
        let container = runtime.container(number).filter(|container| container.running())?;
        let changes = resized(worker, slot, &container.config.limits) == Resized::InPlace;
        changes.then(|| (number, super::config::limits(worker.given(slot))))
    };
    worker.slots.iter().enumerate().filter_map(changed).collect()
}

/// What is to be done for a pod whose sandbox stands.
pub fn compute(worker: &Worker, runtime: &Runtime) -> Actions {
    let mut actions = Actions::default();
    let container =
        |slot: usize| worker.slots.get(slot).and_then(|slot| slot.current).and_then(|n| runtime.container(n));
    for slot in worker.of_role(Role::Ephemeral) {
        if container(slot).is_none() {
            actions.start.push(slot);
        }
    }
    if !compute_init(worker, &container, &mut actions) {
        return actions;
    }
    let mut kept = 0;
    let mut to_start = 0;
    for slot in worker.of_role(Role::Main) {
        let current = container(slot);
        if !current.is_some_and(Container::running) {
            if restarts(worker, slot, current) {
                actions.start.push(slot);
                to_start += 1;
            }
            continue;
        }
        let name = &worker.slots[slot].name;
        let restart_pod = worker.spec(slot)["restartPolicy"].as_str().unwrap_or(worker.restart_policy()) != "Never";
        let changed = *worker.slots[slot].image != *worker.spec(slot)["image"].str();
        if current.is_some_and(|it| resized(worker, slot, &it.config.limits) == Resized::Restarts) {
            actions.kill.push((slot, format!("Container {name} resize requires restart"), None));
            actions.start.push(slot);
            to_start += 1;
            continue;
        }
        let (mut message, check, restart) = if changed {
            (format!("Container {name} definition changed"), None, true)
        } else if worker.verdict_of(slot, Check::Liveness) == Some(Verdict::Failure) {
            (format!("Container {name} failed liveness probe"), Some(Check::Liveness), restart_pod)
        } else if worker.verdict_of(slot, Check::Startup) == Some(Verdict::Failure) {
            (format!("Container {name} failed startup probe"), Some(Check::Startup), restart_pod)
        } else {
            kept += 1;
            continue;
        };
        if restart {
            message.push_str(", will be restarted");
            actions.start.push(slot);
            to_start += 1;
        }
        actions.kill.push((slot, message, check));
    }
    if kept == 0 && to_start == 0 {
        actions.kill_pod = true;
        actions.start.clear();
    }
    actions
}

/// Init containers, in order. Whether the regular ones may start.
fn compute_init<'a>(
    worker: &Worker,
    container: &impl Fn(usize) -> Option<&'a Container>,
    actions: &mut Actions,
) -> bool {
    // In a new sandbox, after a loss of power, everything begins anew; a pod that never restarts has had its turn.
    let never = worker.restart_policy() == "Never";
    let counts = |container: &&Container| never || Some(container.sandbox) == worker.sandbox;
    let initialised = worker.of_role(Role::Main).filter_map(container).any(|container| counts(&container));
    let init: Vec<usize> = worker
        .slots
        .iter()
        .enumerate()
        .filter(|(_, slot)| matches!(slot.role, Role::Init | Role::Sidecar))
        .map(|(index, _)| index)
        .collect();
    for slot in init {
        let current = container(slot);
        let place = &worker.slots[slot];
        if place.role == Role::Sidecar {
            match current.filter(|container| container.running()) {
                Some(_) => {
                    let name = &place.name;
                    let failed = [Check::Startup, Check::Liveness]
                        .into_iter()
                        .find(|check| worker.verdict_of(slot, *check) == Some(Verdict::Failure));
                    if let Some(check) = failed {
                        let what = if check == Check::Startup { "startup" } else { "liveness" };
                        actions.kill.push((slot, format!("Init container {name} failed {what} probe"), Some(check)));
                        actions.start.push(slot);
                    }
                    if !initialised && !worker.started(slot) {
                        return false;
                    }
                }
                None => {
                    actions.start.push(slot);
                    if !initialised {
                        return false;
                    }
                }
            }
            continue;
        }
        if initialised {
            continue;
        }
        match current.filter(counts) {
            None => {
                actions.start.push(slot);
                return false;
            }
            Some(running) if running.running() => return false,
            Some(ended) if ended.exit_code == 0 && ended.state == State::Exited => {}
            Some(_) => {
                if worker.restart_policy() == "Never" {
                    actions.kill_pod = true;
                    actions.start.clear();
                    actions.kill.clear();
                } else {
                    actions.start.push(slot);
                }
                return false;
            }
        }
    }
    true
}
