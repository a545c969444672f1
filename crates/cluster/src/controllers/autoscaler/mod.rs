//! Horizontal pod autoscalers: every fifteen seconds each asks its metrics how many replicas its target should have.
//!
//! - this file: one look at an autoscaler, and what it tells.
//! - [`metrics`]: what each metric asks for. [`calculate`]: the arithmetic of it.
//! - [`behavior`]: how fast it may go.

mod behavior;
mod calculate;
mod metrics;

use drydock_sorted::{Sort, SortedMap};
use std::iter::once;
use std::time::Duration;

use drydock_api::Status;
use drydock_schema::labels::Selector;
use drydock_value::{Str, Value, value};

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor, source};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds};
use behavior::Memory;
use calculate::Tolerance;
use metrics::{About, Found, Refused};

const NAME: &str = "horizontal-pod-autoscaler";
/// How often an autoscaler is looked at (`--horizontal-pod-autoscaler-sync-period`).
const PERIOD: Duration = Duration::from_secs(15);

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Autoscalers {
    memories: SortedMap<Str, Memory>,
}

/// One look at an autoscaler.
struct Look<'a, 'c> {
    ctx: &'a mut Ctx<'c>,
    about: Reference,
    spec: Value,
    status: Value,
    /// What the other autoscalers remember.
    others: &'a SortedMap<Str, Memory>,
}

/// What an autoscaler makes of its metrics.
struct Wanted {
    replicas: i64,
    /// Which metric asks for them.
    name: String,
    /// `status.currentMetrics`
    current: Vec<Value>,
}

impl Look<'_, '_> {
    fn event(&mut self, kind: &str, reason: &str, message: &str) {
        self.ctx.event(&source(NAME), &self.about, kind, reason, message);
    }

    /// Sets a condition where it stands; what is new comes last.
    fn condition(&mut self, kind: &str, status: bool, reason: &str, message: &str) {
        let status = if status { "True" } else { "False" };
        let conditions = &mut self.status["conditions"];
        let mut new = super::common::new_condition(kind, status, reason, message, self.ctx.now);
        match conditions.items().iter().position(|old| old["type"] == kind) {
            Some(at) => {
                let old = &mut conditions.items_mut()[at];
                if old["status"] == status {
                    new.set("lastTransitionTime", &old["lastTransitionTime"]);
                }
                *old = new;
            }
            None => conditions.push(new),
        }
    }

    /// The target's kind and its `Scale`.
    fn scale(&mut self) -> Result<(Kind, Value), String> {
        let target = &self.spec["scaleTargetRef"];
        let (kind, name) = (target["kind"].str(), target["name"].str());
        let group = target["apiVersion"].str().split_once('/').map_or("", |(group, _)| group);
        let Some(found) = self.ctx.api.kind_of(group, kind) else {
            return Err(format!("no matches for kind \"{kind}\" in group \"{group}\""));
        };
        let namespace = self.about.namespace.clone();
        let scale = self.ctx.client(&actor(NAME)).scale(found, &namespace, name).map_err(|status| status.message)?;
        Ok((found, scale))
    }

    /// What the metrics ask for.
    fn wanted(&mut self, scale: &Value, memory: &mut Memory) -> Result<Wanted, (String, Vec<Value>)> {
        let text = scale["status"]["selector"].str();
        let selector = match Selector::parse(text) {
            Ok(selector) if !text.is_empty() => selector,
            Ok(_) => {
                self.event("Warning", "SelectorRequired", "selector is required");
                self.condition(
                    "ScalingActive",
                    false,
                    "InvalidSelector",
                    "the HPA target's scale is missing a selector",
                );
                return Err(("selector is required".into(), Vec::new()));
            }
            Err(why) => {
                let why = format!("couldn't convert selector into a corresponding internal selector object: {why}");
                self.event("Warning", "InvalidSelector", &why);
                self.condition("ScalingActive", false, "InvalidSelector", &why);
                return Err((why, Vec::new()));
            }
        };
        let namespace = self.about.namespace.clone();
        let pods: Vec<_> = self
            .ctx
            .informers
            .in_namespace(kinds::PODS, &namespace)
            .filter(|pod| selector.matches(pod.labels()))
            .cloned()
            .collect();
        memory.selects = Some((namespace.clone(), self.about.name.clone(), selector.clone()));
        let mut claims: Vec<String> = once(&*memory)
            .chain(self.others.values())
            .filter_map(|memory| memory.selects.as_ref())
            .filter(|(place, _, theirs)| *place == namespace && pods.iter().any(|pod| theirs.matches(pod.labels())))
            .map(|(place, name, _)| format!("{place}/{name}"))
            .collect();
        if claims.len() > 1 {
            claims.sort_compact();
            let claims = claims.join(" ");
            let why = format!("pods by selector {text} are controlled by multiple HPAs: [{claims}]");
            self.event("Warning", "AmbiguousSelector", &why);
            self.condition("ScalingActive", false, "AmbiguousSelector", &why);
            return Err((why, Vec::new()));
        }
        let current = scale["spec"]["replicas"].int();
        let tolerance = |direction: &str, otherwise: f64| {
            let given = &self.spec["behavior"][direction]["tolerance"];
            let parsed = drydock_schema::quantity::Quantity::of(given).ok().filter(|_| !given.is_null());
            parsed.map_or(otherwise, |quantity| quantity.as_f64())
        };
        let usual = Tolerance::default();
        let tolerance = Tolerance { up: tolerance("scaleUp", usual.up), down: tolerance("scaleDown", usual.down) };
        let about =
            About { namespace: &namespace, selector: &selector, pods: &pods, current, now: self.ctx.now, tolerance };
        let metrics = self.spec["metrics"].clone();
        let asked: Vec<Result<Found, Box<Refused>>> =
            metrics.items().iter().map(|metric| metrics::ask(self.ctx.api, &about, metric)).collect();
        let count = asked.len();
        let (mut statuses, mut failures) = (Vec::new(), Vec::new());
        let (mut replicas, mut name) = (0, String::new());
        for answer in asked {
            match answer {
                Ok(found) => {
                    if replicas == 0 || found.replicas > replicas {
                        (replicas, name) = (found.replicas, found.name);
                    }
                    statuses.push(found.status);
                }
                Err(refused) => {
                    self.event("Warning", refused.reason, &refused.message);
                    statuses.push(value!({"type": ""}));
                    failures.push(refused);
                }
            }
        }
        if let Some(first) = failures.first() {
            let all = format!(
                "invalid metrics ({} invalid out of {count}), first error is: {}",
                failures.len(),
                first.summary
            );
            // Fewer replicas are only asked for when every metric agrees.
            if failures.len() >= count || replicas < current {
                let words = format!("the HPA was unable to compute the replica count: {}", first.message);
                self.condition("ScalingActive", false, first.reason, &words);
                return Err((all, statuses));
            }
        }
        let words = format!("the HPA was able to successfully calculate a replica count from {name}");
        self.condition("ScalingActive", true, "ValidMetricFound", &words);
        Ok(Wanted { replicas, name, current: statuses })
    }

    fn report(&mut self, current: i64, desired: Option<i64>, metrics: Vec<Value>) {
        self.status.set("currentReplicas", current);
        if let Some(desired) = desired {
            self.status.set("desiredReplicas", desired);
        }
        self.status.remove("currentMetrics");
        if !metrics.is_empty() {
            self.status.set("currentMetrics", metrics);
        }
    }

    fn run(&mut self, memory: &mut Memory) {
        let (kind, scale) = match self.scale() {
            Ok(found) => found,
            Err(why) => {
                self.event("Warning", "FailedGetScale", &why);
                let words = format!("the HPA controller was unable to get the target's current scale: {why}");
                return self.condition("AbleToScale", false, "FailedGetScale", &words);
            }
        };
        let words = "the HPA controller was able to get the target's current scale";
        self.condition("AbleToScale", true, "SucceededGetScale", words);
        let current = scale["spec"]["replicas"].int();
        let (now, spec) = (self.ctx.now, self.spec.clone());
        memory.begin(now, current);
        let (least, most) = (spec["minReplicas"].as_i64().unwrap_or(1), spec["maxReplicas"].int());
        let mut metrics = Vec::new();
        let (desired, why) = if current == 0 && least != 0 {
            let words = "scaling is disabled since the replica count of the target is zero";
            self.condition("ScalingActive", false, "ScalingDisabled", words);
            return self.report(current, Some(0), metrics);
        } else if current > most {
            (most, "Current number of replicas above Spec.MaxReplicas".to_owned())
        } else if current < least {
            (least, "Current number of replicas below Spec.MinReplicas".to_owned())
        } else {
            let wanted = match self.wanted(&scale, memory) {
                Ok(wanted) => wanted,
                Err((why, statuses)) => {
                    self.event("Warning", "FailedComputeMetricsReplicas", &why);
                    return self.report(current, None, statuses);
                }
            };
            metrics = wanted.current;
            let allowed = memory.allow(now, &spec, current, wanted.replicas);
            self.condition("AbleToScale", true, allowed.able.0, allowed.able.1);
            let (limited, reason, message) = allowed.limited;
            self.condition("ScalingLimited", limited, reason, message);
            let why = match wanted.replicas > current {
                true => format!("{} above target", wanted.name),
                false => "All metrics below target".to_owned(),
            };
            (allowed.replicas, why)
        };
        if desired == current {
            return self.report(current, Some(current), metrics);
        }
        if let Err(status) = self.ctx.client(&actor(NAME)).set_scale(kind, &scale, desired) {
            let message = status.message;
            self.event("Warning", "FailedRescale", &format!("New size: {desired}; reason: {why}; error: {message}"));
            let words = format!("the HPA controller was unable to update the target scale: {message}");
            self.condition("AbleToScale", false, "FailedUpdateScale", &words);
            return self.report(current, None, metrics);
        }
        let words = format!("the HPA controller was able to update the target scale to {desired}");
        self.condition("AbleToScale", true, "SucceededRescale", &words);
        self.event("Normal", "SuccessfulRescale", &format!("New size: {desired}; reason: {why}"));
        memory.scaled(now, &spec["behavior"], current, desired);
        self.report(current, Some(desired), metrics);
        self.status.set("lastScaleTime", now.rfc3339());
    }
}

impl Controller for Autoscalers {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::HORIZONTAL_POD_AUTOSCALERS]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        match &change.new {
            Some(new) if change.old.as_ref().is_none_or(|old| old.uid != new.uid) => queue.after(change.key(), PERIOD),
            Some(_) => {}
            None => {
                self.memories.remove(&change.object().uid);
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(object) = ctx.informers.get(kinds::HORIZONTAL_POD_AUTOSCALERS, key).cloned() else {
            return Ok(Requeue::Done);
        };
        let mut memory = self.memories.remove(&object.uid).unwrap_or_default();
        let written = attend(&object, &mut memory, &self.memories, ctx);
        self.memories.insert(object.uid.clone(), memory);
        written?;
        Ok(Requeue::After(PERIOD))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

fn attend(
    object: &Object,
    memory: &mut Memory,
    others: &SortedMap<Str, Memory>,
    ctx: &mut Ctx<'_>,
) -> Result<(), Status> {
    let mut look = Look {
        about: Reference::of(&object.value),
        spec: object["spec"].clone(),
        status: object["status"].clone(),
        ctx: &mut *ctx,
        others,
    };
    look.run(memory);
    let status = look.status;
    if status != object["status"] {
        let mut updated = object.value.clone();
        updated.set("status", status);
        // Refused, it is written at the next look.
        let written =
            ctx.client(&actor(NAME)).update_status(kinds::HORIZONTAL_POD_AUTOSCALERS, object.namespace(), updated);
        let _ = ignore_absent(written);
    }
    Ok(())
}
