//! Pods that shall have more or less while they run: what their containers were given, and what has to wait.

use std::time::Duration;

use drydock_value::{Value, to_json};

use super::worker::{Role, Stage, Worker};
use super::{Kubelet, admit};
use crate::ctx::Ctx;

/// How often a change is looked at again for which there was no room.
const RETRY: Duration = Duration::from_secs(10);

/// Why a change of a pod's resources waits: reason and message.
pub type Pending = (&'static str, String);

/// What containers shall have, as events tell it.
fn summary(pod: &Value, error: &str) -> String {
    let list = |field: &str| {
        let containers = pod["spec"][field].items().iter().map(|container| {
            let resources = &container["resources"];
            let resources = if resources.is_null() { "{}".to_owned() } else { to_json(resources) };
            format!("{{\"name\":{},\"resources\":{resources}}}", to_json(&container["name"]))
        });
        containers.collect::<Vec<_>>().join(",")
    };
    let mut text = String::from("{");
    for field in ["initContainers", "containers"] {
        if !pod["spec"][field].is_empty() {
            text += &format!("\"{field}\":[{}],", list(field));
        }
    }
    text += &format!("\"generation\":{}", pod["metadata"]["generation"].int());
    if !error.is_empty() {
        text += &format!(",\"error\":{}", to_json(&Value::from(error)));
    }
    text + "}"
}

impl Kubelet {
    /// Gives a pod what its spec says now, if there is room for it; otherwise it keeps what it has.
    pub(super) fn give_resources(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let wanted: Vec<Value> = (0..worker.slots.len())
            .filter(|slot| worker.slots[*slot].role != Role::Ephemeral)
            .map(|slot| worker.spec(slot)["resources"].clone())
            .collect();
        if worker.resources.is_empty() || worker.resources == wanted {
            (worker.resources, worker.pending) = (wanted, None);
            return;
        }
        let before = worker.pending.take();
        worker.pending = self.why_not(worker);
        let (kind, reason, message) = match &worker.pending {
            None => {
                worker.resources = wanted;
                let told = summary(&worker.pod.value, "");
                self.pod_event(worker, "Normal", "ResizeStarted", &format!("Pod resize started: {told}"), ctx);
                ("Normal", "ResizeCompleted", format!("Pod resize completed: {told}"))
            }
            Some((reason, message)) => {
                let event = if *reason == "Deferred" { "ResizeDeferred" } else { "ResizeInfeasible" };
                ("Warning", event, format!("Pod resize {reason}: {}", summary(&worker.pod.value, message)))
            }
        };
        if worker.pending.as_ref().is_some_and(|(reason, _)| *reason == "Deferred") {
            worker.look_again(ctx.now + RETRY);
        }
        if worker.pending.is_none() || worker.pending != before {
            self.pod_event(worker, kind, reason, &message, ctx);
        }
    }

    /// Why there is no room on the node for what a pod shall have.
    fn why_not(&self, worker: &Worker) -> Option<Pending> {
        let (cpu, memory) = admit::requests(&worker.pod["spec"]);
        let (all_cpu, all_memory) = admit::capacity(&self.config);
        let much = |what: &str, wanted: i64, all: i64| {
            let message = format!("Node didn't have enough capacity: {what}, requested: {wanted}, capacity: {all}");
            Some(("Infeasible", message))
        };
        if memory > all_memory {
            return much("memory", memory, all_memory);
        }
        if cpu > all_cpu {
            return much("cpu", cpu, all_cpu);
        }
        let others = self.workers.values().filter(|other| other.id != worker.id);
        let others = others.filter(|other| other.admitted && !matches!(other.stage, Stage::Over));
        let (_, message) = admit::no_room(&worker.pod["spec"], &self.config, others)?;
        Some(("Deferred", message.strip_prefix("Pod was rejected: ").unwrap_or(&message).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn changes_are_told_as_the_kubelet_writes_them() {
        let pod = value!({
            "metadata": {"generation": 3},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}, {"name": "d"}]}
        });
        let containers = r#"{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}},{"name":"d","resources":{}}],"generation":3"#;
        assert_eq!(summary(&pod, ""), format!("{containers}}}"));
        assert_eq!(summary(&pod, "no"), format!("{containers},\"error\":\"no\"}}"));
    }
}
