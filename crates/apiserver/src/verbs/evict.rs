//! `pods/eviction`: a deletion that asks the disruption budgets first.

use drydock_api::{Cause, Status};
use drydock_schema::labels;
use drydock_value::{Value, value};

use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{Cx, DeleteOptions, Part, not_found};

/// The pod with the condition that says why it is going to end.
fn evicted(pod: &Value, now: String) -> Value {
    const KIND: &str = "DisruptionTarget";
    let mut pod = pod.clone();
    let before = pod["status"]["conditions"].find("type", KIND).filter(|condition| condition["status"] == "True");
    let since = before.map_or_else(|| Value::from(now), |condition| condition["lastTransitionTime"].clone());
    let mut condition = value!({
        "type": KIND, "status": "True", "lastProbeTime": null, "lastTransitionTime": since,
        "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"
    });
    if pod["metadata"]["generation"].int() > 0 {
        condition.set("observedGeneration", &pod["metadata"]["generation"]);
    }
    let others = pod["status"]["conditions"].items().iter().filter(|condition| condition["type"] != KIND);
    let conditions: Value = others.cloned().chain([condition]).collect();
    pod["status"].set("conditions", conditions);
    pod
}

impl ApiServer {
    /// Deletes a pod unless a budget forbids it; the budget's allowance shrinks by one.
    pub(crate) fn evict(
        &mut self,
        cx: &mut Cx,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<(), Status> {
        let pod = self.store.get(kinds::PODS, namespace, name).cloned().ok_or_else(|| not_found(kinds::PODS, name))?;
        let over = matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed" | "Pending");
        if !over && pod["metadata"]["deletionTimestamp"].is_null() {
            self.charge_budget(cx, namespace, &pod)?;
        }
        if !cx.dry_run {
            self.update(cx, kinds::PODS, namespace, name, Part::Status, &mut |server, _, old| {
                Ok(evicted(old, server.now().rfc3339()))
            })?;
        }
        self.delete(cx, kinds::PODS, namespace, name, options)?;
        Ok(())
    }

    fn charge_budget(&mut self, cx: &mut Cx, namespace: &str, pod: &Value) -> Result<(), Status> {
        let name = pod["metadata"]["name"].str();
        let budgets: Vec<Value> = self
            .store
            .in_namespace(kinds::POD_DISRUPTION_BUDGETS, namespace, None)
            .filter(|budget| {
                labels::Selector::from_label_selector(&budget["spec"]["selector"])
                    .is_ok_and(|selector| !selector.is_nothing() && selector.matches_object(pod))
            })
            .cloned()
            .collect();
        let budget = match budgets.as_slice() {
            [] => return Ok(()),
            [budget] => budget,
            _ => {
                return Err(Status::new(
                    500,
                    "InternalError",
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                ));
            }
        };
        let ready = pod["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True");
        let status = &budget["status"];
        let healthy_enough =
            status["currentHealthy"].int() >= status["desiredHealthy"].int() && status["desiredHealthy"].int() > 0;
        if !ready && (healthy_enough || budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow") {
            return Ok(());
        }
        let budget_name = budget["metadata"]["name"].str();
        let refuse = |message: String, retry: u32| {
            let mut refusal = Status::new(
                429,
                "TooManyRequests",
                "Cannot evict pod as it would violate the pod's disruption budget.",
            );
            refusal.causes.push(Cause { reason: "DisruptionBudget".into(), message, field: String::new() });
            refusal.retry_after_seconds = retry;
            Err(refusal)
        };
        if status["observedGeneration"].int() < budget["metadata"]["generation"].int() {
            return refuse(format!("The disruption budget {budget_name} is still being processed by the server."), 10);
        }
        if status["disruptionsAllowed"].int() <= 0 {
            return refuse(
                format!(
                    "The disruption budget {budget_name} needs {} healthy pods and has {} currently",
                    status["desiredHealthy"].int(),
                    status["currentHealthy"].int()
                ),
                0,
            );
        }
        let now = self.now.rfc3339();
        self.update(cx, kinds::POD_DISRUPTION_BUDGETS, namespace, budget_name, Part::Status, &mut |_, _, old| {
            let mut budget = old.clone();
            let left = old["status"]["disruptionsAllowed"].int() - 1;
            budget["status"].set("disruptionsAllowed", left);
            budget["status"]["disruptedPods"].set(name, &now);
            Ok(budget)
        })?;
        Ok(())
    }
}
