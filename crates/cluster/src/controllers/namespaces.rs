//! Namespaces that are being deleted: first their pods go, then everything else, then they do.

use drydock_sorted::Sort;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value};

use super::common::{ignore_absent, new_condition};
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::Key;
use crate::store::{DeleteOptions, Kind, Propagation, kinds};

const NAME: &str = "namespace-controller";
/// What a namespace waits for before it goes.
const FINALIZER: &str = "kubernetes";

/// The controller.
#[derive(Debug, Clone)]
pub struct Namespaces {
    actor: String,
    /// How long it waits after a change before it looks.
    delay: Duration,
}

impl Namespaces {
    /// The controller, waiting that long after every change of a namespace that is being deleted.
    pub fn new(delay: Duration) -> Namespaces {
        Namespaces { actor: actor(NAME), delay }
    }
}

/// How long finalizers are given before a namespace is looked at again, in seconds.
const FINALIZERS: i64 = 15;

/// How long pods may take to end, in seconds: nothing any more once the namespace has waited that long for them.
fn grace(pods: &[Value], waited: Duration) -> i64 {
    let ended = |pod: &&Value| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
    let alive = pods.iter().filter(|pod| !ended(pod));
    let longest = alive.map(|pod| pod["spec"]["terminationGracePeriodSeconds"].int()).max().unwrap_or(0);
    if waited >= Duration::from_secs(longest.max(0).unsigned_abs()) { 0 } else { longest }
}

/// What is left of a namespace's content.
#[derive(Debug, Default)]
struct Rest {
    /// How many objects of which resource.
    remaining: Vec<(String, usize)>,
    /// How many objects have which finalizer.
    finalizers: drydock_sorted::SortedMap<String, usize>,
    /// What could not be deleted.
    errors: Vec<String>,
    /// How long it may take until what is left is gone, in seconds.
    estimate: i64,
}

impl Rest {
    fn is_empty(&self) -> bool {
        self.remaining.is_empty() && self.errors.is_empty()
    }

    /// The conditions of a namespace with this much left.
    fn conditions(&self, now: Time) -> Vec<Value> {
        let remaining = self
            .remaining
            .iter()
            .map(|(resource, count)| format!("{resource} has {count} resource instances"))
            .collect::<Vec<_>>()
            .join(", ");
        let finalizers = self
            .finalizers
            .iter()
            .map(|(finalizer, count)| format!("{finalizer} in {count} resource instances"))
            .collect::<Vec<_>>()
            .join(", ");
        let row = |kind: &str, bad: bool, fine: (&str, &str), reason: &str, message: String| {
            if bad {
                new_condition(kind, "True", reason, &message, now)
            } else {
                new_condition(kind, "False", fine.0, fine.1, now)
            }
        };
        vec![
            row(
                "NamespaceDeletionDiscoveryFailure",
                false,
                ("ResourcesDiscovered", "All resources successfully discovered"),
                "",
                String::new(),
            ),
            row(
                "NamespaceDeletionGroupVersionParsingFailure",
                false,
                ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
                "",
                String::new(),
            ),
            row(
                "NamespaceDeletionContentFailure",
                !self.errors.is_empty(),
                ("ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
                "ContentDeletionFailed",
                format!(
                    "Failed to delete all resource types, {} remaining: {}",
                    self.errors.len(),
                    self.errors.join(", ")
                ),
            ),
            row(
                "NamespaceContentRemaining",
                !self.remaining.is_empty(),
                ("ContentRemoved", "All content successfully removed"),
                "SomeResourcesRemain",
                format!("Some resources are remaining: {remaining}"),
            ),
            row(
                "NamespaceFinalizersRemaining",
                !self.finalizers.is_empty(),
                ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {finalizers}"),
            ),
        ]
    }
}

impl Namespaces {
    /// Deletes a namespace's objects of some kinds and answers what is left.
    fn sweep(&self, ctx: &mut Ctx<'_>, namespace: &str, waited: Duration, kinds: &[Kind]) -> Rest {
        let mut rest = Rest::default();
        for kind in kinds {
            let options = DeleteOptions::with_propagation(Propagation::Background);
            let mut client = ctx.client(&self.actor);
            let objects = client.list(*kind, namespace);
            if objects.is_empty() {
                continue;
            }
            let mut estimate = if *kind == kinds::PODS { grace(&objects, waited) } else { 0 };
            for object in &objects {
                if let Err(status) = client.delete(*kind, namespace, object["metadata"]["name"].str(), &options)
                    && !status.is("NotFound")
                {
                    rest.errors.push(status.message);
                }
            }
            let left = client.list(*kind, namespace);
            if left.is_empty() {
                continue;
            }
            let info = kind.info();
            rest.remaining.push((format!("{}.{}", info.resource, info.group), left.len()));
            let mut finalizers = left.iter().flat_map(|object| object["metadata"]["finalizers"].items()).peekable();
            if estimate == 0 && finalizers.peek().is_some() {
                estimate = FINALIZERS;
            } else if estimate == 0 {
                rest.errors.push(format!(
                    "unexpected items still remain in namespace: {namespace} for gvr: {}, Resource={}",
                    if info.group.is_empty() { format!("/{}", info.version) } else { kind.api_version().to_string() },
                    info.resource
                ));
            }
            for finalizer in finalizers {
                *rest.finalizers.entry(finalizer.str().to_owned()).or_default() += 1;
            }
            rest.estimate = rest.estimate.max(estimate);
        }
        rest.remaining.sort_compact();
        rest.errors.sort_compact();
        rest
    }
}

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::NAMESPACES]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        if change.new.as_ref().is_some_and(|namespace| namespace.deleting.is_some()) {
            queue.after(change.key(), self.delay);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(namespace) = ctx.informers.get(kinds::NAMESPACES, key).cloned() else { return Ok(Requeue::Done) };
        let waiting = |object: &Value| object["spec"]["finalizers"].items().iter().any(|f| *f == FINALIZER);
        if namespace.deleting.is_none() || !waiting(&namespace.value) {
            return Ok(Requeue::Done);
        }
        let waited = ctx.now.since(namespace.deleting.unwrap_or(ctx.now));
        let mut rest = self.sweep(ctx, &key.name, waited, &[kinds::PODS]);
        if rest.is_empty() {
            let all = Kind::all().chain(ctx.api.custom_kinds());
            let others: Vec<Kind> = all.filter(|kind| kind.namespaced() && *kind != kinds::PODS).collect();
            rest = self.sweep(ctx, &key.name, waited, &others);
        }
        let Some(mut fresh) = ignore_absent(ctx.client(&self.actor).get(kinds::NAMESPACES, "", &key.name))? else {
            return Ok(Requeue::Done);
        };
        if update_conditions(&mut fresh, rest.conditions(ctx.now)) {
            match ignore_absent(ctx.client(&self.actor).update_status(kinds::NAMESPACES, "", fresh))? {
                Some(updated) => fresh = updated,
                None => return Ok(Requeue::Done),
            }
        }
        if !rest.errors.is_empty() {
            return Ok(Requeue::Limited);
        }
        if !rest.is_empty() {
            return Ok(Requeue::After(Duration::from_secs((rest.estimate / 2 + 1).unsigned_abs())));
        }
        fresh["spec"]["finalizers"].items_mut().retain(|finalizer| *finalizer != FINALIZER);
        ignore_absent(ctx.client(&self.actor).finalize(fresh))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// Puts conditions into a namespace; answers whether any of them says something new. What is fine is only said once
/// something was not, or all of it together.
fn update_conditions(namespace: &mut Value, conditions: Vec<Value>) -> bool {
    let mut changed = false;
    for condition in conditions {
        let list = &mut namespace["status"]["conditions"];
        let at = list.items().iter().position(|old| old["type"] == condition["type"]);
        match at {
            None => {
                list.push(condition);
                changed = true;
            }
            Some(at) => {
                let old = &list[at];
                if old["status"] != condition["status"]
                    || old["message"] != condition["message"]
                    || old["reason"] != condition["reason"]
                {
                    let mut condition = condition;
                    if old["status"] == condition["status"] {
                        let since = old["lastTransitionTime"].clone();
                        condition.set("lastTransitionTime", since);
                    }
                    list.items_mut()[at] = condition;
                    changed = true;
                }
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn pods_are_waited_for_as_long_as_they_may_take() {
        let pod = |phase: &str, seconds: i64| value!({"spec": {"terminationGracePeriodSeconds": seconds}, "status": {"phase": phase}});
        let pods = [pod("Running", 30), pod("Pending", 5), pod("Succeeded", 600)];
        for (waited, left) in [(0, 30), (29, 30), (30, 0), (90, 0)] {
            assert_eq!(grace(&pods, Duration::from_secs(waited)), left, "{waited}");
        }
    }

    #[test]
    fn says_what_is_left() {
        let rest = Rest {
            remaining: vec![("pods.".into(), 2)],
            finalizers: [("x/y".to_owned(), 1)].into(),
            errors: Vec::new(),
            estimate: 30,
        };
        let mut namespace = value!({"status": {"phase": "Terminating"}});
        assert!(update_conditions(&mut namespace, rest.conditions(Time::from_seconds(1))));
        assert!(!update_conditions(&mut namespace, rest.conditions(Time::from_seconds(9))));
        let messages: Vec<&str> =
            namespace["status"]["conditions"].items().iter().map(|c| c["message"].str()).collect();
        assert_eq!(
            messages[2..],
            [
                "All content successfully deleted, may be waiting on finalization",
                "Some resources are remaining: pods. has 2 resource instances",
                "Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
            ]
        );
    }
}
