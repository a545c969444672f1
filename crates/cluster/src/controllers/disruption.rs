//! PodDisruptionBudgets: how many of the pods that they cover may be evicted now.

use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_schema::intstr;
use drydock_schema::labels::Selector;
use drydock_value::{Str, Time, Value};

use super::common::{ignore_absent, new_condition, set_condition};
use super::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object, moment};
use crate::store::{Kind, kinds};

const NAME: &str = "disruption-controller";
/// An evicted pod counts as disrupted for this long, though it has not been seen to go.
const EVICTION: Duration = Duration::from_secs(120);
/// What separates the name of a pod in a key: keys of pods that several budgets cover.
const POD_KEY: &str = "pod:";
/// The same for pods that somebody said would go.
const STALE_KEY: &str = "stale:";
/// A pod that does not go for this long, though it was said to, is not disrupted after all.
const STALE: Duration = Duration::from_secs(120);

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Disruption;

fn selector(budget: &Value) -> Selector {
    Selector::from_label_selector(&budget["spec"]["selector"]).unwrap_or_else(|_| Selector::nothing())
}

/// A selector as Go prints it.
fn printed(selector: &Value) -> String {
    let labels: String =
        selector["matchLabels"].entries().map(|(key, text)| format!("{key}: {},", text.str())).collect();
    let mut expressions = String::new();
    for one in selector["matchExpressions"].items() {
        let values: Vec<&str> = one["values"].items().iter().map(Value::str).collect();
        let (key, operator, values) = (one["key"].str(), one["operator"].str(), values.join(" "));
        expressions += &format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},");
    }
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},\
         MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

/// Expected pods, those that must stay healthy, and whether some pods have nobody who says how many they shall be.
type Bounds = (i64, i64, bool);

/// How many pods the owners of these pods want in all, and whether some have no owner.
fn expected_scale(ctx: &mut Ctx<'_>, pods: &[Arc<Object>]) -> Result<(i64, bool), String> {
    let mut seen: Vec<Str> = Vec::new();
    let (mut sum, mut unmanaged) = (0, false);
    for pod in pods {
        let Some(mut owner) = pod.controller() else {
            unmanaged = true;
            continue;
        };
        let informers = ctx.informers;
        // The scale of a ReplicaSet is its Deployment's, where it has one.
        if owner.kind == "ReplicaSet"
            && let Some(set) = informers.find(kinds::REPLICA_SETS, pod.namespace(), &owner.name)
            && set.uid == owner.uid
            && let Some(above) = set.controller().filter(|above| above.kind == "Deployment")
            && informers.find(kinds::DEPLOYMENTS, pod.namespace(), &above.name).is_some_and(|d| d.uid == above.uid)
        {
            owner = above;
        }
        if seen.contains(&owner.uid) {
            continue;
        }
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        let Some(kind) = ctx.api.kind_of(group, &owner.kind) else {
            return Err(format!("no matches for kind \"{}\" in version \"{}\"", owner.kind, owner.api_version));
        };
        match ctx.client(&actor(NAME)).scale(kind, pod.namespace(), &owner.name) {
            Ok(scale) if scale["metadata"]["uid"] == owner.uid.as_str() => {
                seen.push(owner.uid.clone());
                sum += scale["spec"]["replicas"].int();
            }
            Err(status) if status.message == Status::no_such_path().message => {
                return Err(format!("{} does not implement the scale subresource", kind.group_resource()));
            }
            Err(status) if !status.is("NotFound") => return Err(status.message),
            _ => return Err(format!("found no controllers for pod \"{}\"", pod.name())),
        }
    }
    Ok((sum, unmanaged))
}

/// When a pod was said to go, if that is all that has happened since. A kubelet that says so may take its time.
fn said_to_go(pod: &Object) -> Option<Time> {
    if pod.deleting.is_some() || pod.pod().terminal() {
        return None;
    }
    let said = pod["status"]["conditions"].find("type", "DisruptionTarget")?;
    (said["status"] == "True" && said["reason"] != "TerminationByKubelet")
        .then(|| moment(&said["lastTransitionTime"]).unwrap_or_default())
}

/// Takes back that a pod would go, once it has stayed for long enough.
fn settle_stale(ctx: &mut Ctx<'_>, key: &Key) -> Result<Requeue, Status> {
    let Some(pod) = ctx.informers.get(kinds::PODS, key).cloned() else { return Ok(Requeue::Done) };
    let Some(said) = said_to_go(&pod) else { return Ok(Requeue::Done) };
    let due = said + STALE;
    if due > ctx.now {
        return Ok(Requeue::After(due.since(ctx.now)));
    }
    let mut updated = pod.value.clone();
    let conditions = updated["status"]["conditions"].items_mut();
    for condition in conditions.iter_mut().filter(|condition| condition["type"] == "DisruptionTarget") {
        condition.set("status", "False");
        condition.set("lastTransitionTime", ctx.now.rfc3339());
    }
    ignore_absent(ctx.client(&actor(NAME)).update_status(kinds::PODS, &key.namespace, updated))?;
    Ok(Requeue::Done)
}

/// The budgets that cover a pod.
fn covering<'a>(informers: &'a Informers, pod: &'a Object) -> impl Iterator<Item = &'a Arc<Object>> {
    let budgets = informers.in_namespace(kinds::POD_DISRUPTION_BUDGETS, pod.namespace());
    budgets.filter(|budget| selector(&budget.value).matches_object(&pod.value))
}

impl Disruption {
    /// What a budget asks of these pods.
    fn bounds(ctx: &mut Ctx<'_>, budget: &Value, pods: &[Arc<Object>]) -> Result<Bounds, String> {
        let spec = &budget["spec"];
        let count = i64::try_from(pods.len()).unwrap_or(i64::MAX);
        if !spec["maxUnavailable"].is_null() {
            let (expected, unmanaged) = expected_scale(ctx, pods)?;
            let unavailable = intstr::scaled(&spec["maxUnavailable"], expected, true)?;
            return Ok((expected, (expected - unavailable).max(0), unmanaged));
        }
        match &spec["minAvailable"] {
            Value::Null => Ok((count, 0, false)),
            number if number.as_i64().is_some() => Ok((count, number.int(), false)),
            percent => {
                let (expected, unmanaged) = expected_scale(ctx, pods)?;
                Ok((expected, intstr::scaled(percent, expected, true)?, unmanaged))
            }
        }
    }

    /// The pods that were evicted but have not gone, with when; those that are overdue are forgotten.
    fn disrupted(budget: &Value, pods: &[Arc<Object>], now: Time) -> (Value, Option<Time>) {
        let mut left = Value::object();
        let mut next: Option<Time> = None;
        for (name, at) in budget["status"]["disruptedPods"].entries() {
            let due = moment(at).unwrap_or_default() + EVICTION;
            let there = pods.iter().any(|pod| **pod.name() == *name && pod.deleting.is_none());
            if there && due > now {
                left.set(name, at);
                next = Some(next.map_or(due, |other| other.min(due)));
            }
        }
        (left, next)
    }
}

impl Controller for Disruption {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[
            kinds::POD_DISRUPTION_BUDGETS,
            kinds::PODS,
            kinds::DEPLOYMENTS,
            kinds::REPLICA_SETS,
            kinds::STATEFUL_SETS,
            kinds::REPLICATION_CONTROLLERS,
        ]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        match change.kind {
            kinds::POD_DISRUPTION_BUDGETS => queue.add(change.key()),
            kinds::PODS => {
                let pod = change.object();
                let mut matching = 0;
                for budget in covering(informers, pod) {
                    queue.add(&budget.key);
                    matching += 1;
                }
                if change.differs(&["status", "conditions"])
                    && change.new.as_ref().is_some_and(|pod| said_to_go(pod).is_some())
                {
                    queue.add(&Key::new(pod.namespace(), format!("{STALE_KEY}{}", pod.name())));
                }
                if matching > 1 && change.new.is_some() {
                    queue.add(&Key::new(pod.namespace(), format!("{POD_KEY}{}", pod.name())));
                }
            }
            _ => {
                if change.differs(&["spec", "replicas"]) {
                    for budget in informers.in_namespace(kinds::POD_DISRUPTION_BUDGETS, change.object().namespace()) {
                        queue.add(&budget.key);
                    }
                }
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        if let Some(pod) = key.name.strip_prefix(STALE_KEY) {
            return settle_stale(ctx, &Key::new(&key.namespace, pod));
        }
        if let Some(pod) = key.name.strip_prefix(POD_KEY) {
            let pod = ctx.informers.find(kinds::PODS, &key.namespace, pod);
            let chosen = pod.and_then(|pod| Some((pod.clone(), covering(ctx.informers, pod).next()?.name().clone())));
            if let Some((pod, chosen)) = chosen {
                let (namespace, name) = (pod.namespace(), pod.name());
                let message = format!(
                    "Pod \"{namespace}\"/\"{name}\" matches multiple PodDisruptionBudgets.  Chose \"{chosen}\" arbitrarily."
                );
                let about = Reference::of(&pod.value);
                ctx.event(&source("controllermanager"), &about, "Warning", "MultiplePodDisruptionBudgets", &message);
            }
            return Ok(Requeue::Done);
        }
        let Some(budget) = ctx.informers.get(kinds::POD_DISRUPTION_BUDGETS, key).cloned() else {
            return Ok(Requeue::Done);
        };
        let selector = selector(&budget.value);
        let pods: Vec<Arc<Object>> = ctx
            .informers
            .in_namespace(kinds::PODS, &key.namespace)
            .filter(|pod| !pod.pod().terminal() && selector.matches_object(&pod.value))
            .cloned()
            .collect();
        let about = Reference::of(&budget.value);
        let mut status = budget["status"].clone();
        let now = ctx.now;
        let condition = |status: &str, reason: &str, message: &str| {
            let mut condition = new_condition("DisruptionAllowed", status, reason, message, now);
            condition.set("observedGeneration", budget["metadata"]["generation"].clone());
            condition
        };
        if pods.is_empty() {
            ctx.event(&source("controllermanager"), &about, "Normal", "NoPods", "No matching pods found");
        }
        let (disrupted, next) = Disruption::disrupted(&budget.value, &pods, ctx.now);
        let (expected, desired, unmanaged) = match Disruption::bounds(ctx, &budget.value, &pods) {
            Ok(bounds) => bounds,
            Err(why) => {
                let message = format!("Failed to calculate the number of expected pods: {why}");
                ctx.event(&source("controllermanager"), &about, "Warning", "CalculateExpectedPodCountFailed", &message);
                status.set("disruptionsAllowed", 0);
                let mut failed = condition("False", "SyncFailed", &why);
                // What was seen of the budget before still is what its status tells.
                match &budget["status"]["observedGeneration"] {
                    Value::Null => drop(failed.remove("observedGeneration")),
                    seen => failed.set("observedGeneration", seen),
                }
                set_condition(&mut status["conditions"], failed);
                return write(ctx, &budget, status).map(|()| Requeue::Done);
            }
        };
        if unmanaged {
            let message = format!(
                "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the \
                 status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account \
                 for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
                printed(&budget["spec"]["selector"])
            );
            ctx.event(&source("controllermanager"), &about, "Warning", "UnmanagedPods", &message);
        }
        let healthy = pods
            .iter()
            .filter(|pod| pod.pod().ready() && pod.deleting.is_none() && disrupted[pod.name().as_str()].is_null())
            .count();
        let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
        let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
        for (field, number) in [
            ("currentHealthy", healthy),
            ("desiredHealthy", desired),
            ("expectedPods", expected),
            ("disruptionsAllowed", allowed),
        ] {
            status.set(field, number);
        }
        status.set("observedGeneration", budget["metadata"]["generation"].clone());
        if disrupted.is_empty() {
            status.remove("disruptedPods");
        } else {
            status.set("disruptedPods", disrupted);
        }
        let verdict = if allowed > 0 {
            condition("True", "SufficientPods", "")
        } else {
            condition("False", "InsufficientPods", "")
        };
        set_condition(&mut status["conditions"], verdict);
        write(ctx, &budget, status)?;
        Ok(next.map_or(Requeue::Done, |at| Requeue::After(at.since(ctx.now))))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn write(ctx: &mut Ctx<'_>, budget: &Object, status: Value) -> Result<(), Status> {
    if status == budget["status"] {
        return Ok(());
    }
    let mut updated = budget.value.clone();
    updated.set("status", status);
    let mut client = ctx.client(&actor(NAME));
    ignore_absent(client.update_status(kinds::POD_DISRUPTION_BUDGETS, budget.namespace(), updated)).map(|_| ())
}
