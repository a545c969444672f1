//! ResourceQuotas: counting what a namespace uses. Refusing what would be too much is the API server's admission.

use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_schema::quantity::Quantity;
use drydock_value::{Value, value};

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds};

const NAME: &str = "resourcequota-controller";

/// How often a quota is counted anew although nothing seems to have changed: somebody may have written its status.
const RESYNC: Duration = Duration::from_secs(300);

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Quotas;

/// Amounts by the names that quotas use.
type Usage = SortedMap<String, Quantity>;

fn add(usage: &mut Usage, name: impl Into<String>, amount: &Quantity) {
    usage.entry(name.into()).and_modify(|sum| *sum = sum.add(amount)).or_insert(*amount);
}

fn one() -> Quantity {
    Quantity::new(1)
}

/// Requests or limits of a pod's containers together; an init container counts when it asks for more.
fn totals(pod: &Object, part: &str) -> Usage {
    let mut sum = Usage::new();
    for container in pod["spec"]["containers"].items() {
        for (name, text) in container["resources"][part].entries() {
            if let Ok(amount) = Quantity::of(text) {
                add(&mut sum, name, &amount);
            }
        }
    }
    for container in pod["spec"]["initContainers"].items() {
        for (name, text) in container["resources"][part].entries() {
            let Ok(amount) = Quantity::of(text) else { continue };
            if container["restartPolicy"] == "Always" {
                add(&mut sum, name, &amount);
            } else if sum.get(name).is_none_or(|have| *have < amount) {
                sum.insert(name.into(), amount);
            }
        }
    }
    sum
}

fn pod_usage(pod: &Object) -> Usage {
    let mut usage = Usage::new();
    add(&mut usage, "count/pods", &one());
    if pod.pod().terminal() {
        return usage;
    }
    add(&mut usage, "pods", &one());
    for (part, amounts) in [("requests", totals(pod, "requests")), ("limits", totals(pod, "limits"))] {
        for (name, amount) in amounts {
            add(&mut usage, format!("{part}.{name}"), &amount);
            // The plain names mean requests.
            if part == "requests" && matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
                add(&mut usage, name, &amount);
            }
        }
    }
    usage
}

fn service_usage(service: &Object) -> Usage {
    let mut usage = Usage::new();
    add(&mut usage, "services", &one());
    let ports = i64::try_from(service["spec"]["ports"].items().len()).unwrap_or(0);
    match service["spec"]["type"].str() {
        "NodePort" => add(&mut usage, "services.nodeports", &Quantity::new(ports)),
        "LoadBalancer" => {
            add(&mut usage, "services.loadbalancers", &one());
            let open = service["spec"]["ports"].items().iter().filter(|port| port["nodePort"].int() > 0).count();
            add(&mut usage, "services.nodeports", &Quantity::new(i64::try_from(open).unwrap_or(0)));
        }
        _ => {}
    }
    usage
}

fn claim_usage(claim: &Object) -> Usage {
    let mut usage = Usage::new();
    add(&mut usage, "persistentvolumeclaims", &one());
    let class = claim["spec"]["storageClassName"].str();
    if let Ok(amount) = Quantity::of(&claim["spec"]["resources"]["requests"]["storage"]) {
        add(&mut usage, "requests.storage", &amount);
        if !class.is_empty() {
            add(&mut usage, format!("{class}.storageclass.storage.k8s.io/requests.storage"), &amount);
        }
    }
    if !class.is_empty() {
        add(&mut usage, format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), &one());
    }
    usage
}

/// Whether a pod is in one of the scopes that a quota names.
fn in_scope(pod: &Object, scope: &str, operator: &str, values: &[Value]) -> bool {
    let spec = &pod["spec"];
    let deadline = spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0);
    let best_effort = pod["status"]["qosClass"] == "BestEffort";
    match scope {
        "Terminating" => deadline,
        "NotTerminating" => !deadline,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => {
            let class = spec["priorityClassName"].str();
            let listed = values.iter().any(|value| value == class);
            match operator {
                "In" => listed,
                "NotIn" => !listed,
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        "CrossNamespacePodAffinity" => ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
            let terms = &spec["affinity"][*kind];
            let required = terms["requiredDuringSchedulingIgnoredDuringExecution"].items().iter();
            let preferred = terms["preferredDuringSchedulingIgnoredDuringExecution"].items().iter();
            required
                .chain(preferred.map(|term| &term["podAffinityTerm"]))
                .any(|term| !term["namespaces"].items().is_empty() || !term["namespaceSelector"].is_null())
        }),
        _ => true,
    }
}

fn scoped(quota: &Value, pod: &Object) -> bool {
    let spec = &quota["spec"];
    spec["scopes"].items().iter().all(|scope| in_scope(pod, scope.str(), "Exists", &[]))
        && spec["scopeSelector"]["matchExpressions"].items().iter().all(|expression| {
            let (scope, operator) = (expression["scopeName"].str(), expression["operator"].str());
            in_scope(pod, scope, operator, expression["values"].items())
        })
}

fn has_scopes(quota: &Value) -> bool {
    !quota["spec"]["scopes"].is_empty() || !quota["spec"]["scopeSelector"].is_empty()
}

/// The kind that `count/NAME` counts, if `find` knows it by its group and plural.
fn counted_kind(name: &str, find: &dyn Fn(&str, &str) -> Option<Kind>) -> Option<Kind> {
    let resource = name.strip_prefix("count/")?;
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    find(group, resource)
}

/// Kinds that are counted under their plain names.
const PLAIN: &[(&str, Kind)] = &[
    ("configmaps", kinds::CONFIG_MAPS),
    ("secrets", kinds::SECRETS),
    ("replicationcontrollers", kinds::REPLICATION_CONTROLLERS),
    ("resourcequotas", kinds::RESOURCE_QUOTAS),
];

/// What a namespace uses of what a quota limits.
fn used(informers: &Informers, quota: &Object, find: &dyn Fn(&str, &str) -> Option<Kind>) -> Value {
    let namespace = quota.namespace();
    let mut usage = Usage::new();
    let mut sum = |part: Usage| part.iter().for_each(|(name, amount)| add(&mut usage, name, amount));
    for pod in informers.in_namespace(kinds::PODS, namespace).filter(|pod| scoped(&quota.value, pod)) {
        sum(pod_usage(pod));
    }
    if !has_scopes(&quota.value) {
        informers.in_namespace(kinds::SERVICES, namespace).for_each(|service| sum(service_usage(service)));
        let claims = informers.in_namespace(kinds::PERSISTENT_VOLUME_CLAIMS, namespace);
        claims.for_each(|claim| sum(claim_usage(claim)));
    }
    let mut used = value!({});
    for (name, _) in quota["spec"]["hard"].entries() {
        let kind = PLAIN.iter().find(|(plain, _)| *plain == name).map(|(_, kind)| *kind);
        let kind = kind.or_else(|| counted_kind(name, find).filter(|kind| *kind != kinds::PODS));
        let amount = match kind {
            Some(kind) => {
                Quantity::new(i64::try_from(informers.in_namespace(kind, namespace).count()).unwrap_or(i64::MAX))
            }
            None => usage.get(name).copied().unwrap_or_else(|| Quantity::new(0)),
        };
        used.set(name, amount.to_string());
    }
    used
}

impl Controller for Quotas {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::RESOURCE_QUOTAS {
            if change.new.is_some() && (change.old.is_none() || change.differs(&["spec"])) {
                queue.add(change.key());
            }
            return;
        }
        let ended = match (&change.old, &change.new) {
            (Some(old), Some(new)) => {
                old.pod().terminal() != new.pod().terminal()
                    || (change.kind != kinds::PODS && change.differs(&["spec"]))
            }
            _ => true,
        };
        if ended && change.kind.namespaced() {
            let quotas: Vec<Arc<Object>> =
                informers.in_namespace(kinds::RESOURCE_QUOTAS, change.object().namespace()).cloned().collect();
            for quota in quotas {
                queue.add(&quota.key);
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(quota) = ctx.informers.get(kinds::RESOURCE_QUOTAS, key).cloned() else { return Ok(Requeue::Done) };
        let api = &*ctx.api;
        let used = used(ctx.informers, &quota, &|group, resource| api.kind_of_resource(group, resource));
        let status = value!({"hard": &quota["spec"]["hard"], "used": used});
        if status["hard"] == quota["status"]["hard"] && status["used"] == quota["status"]["used"] {
            return Ok(Requeue::After(RESYNC));
        }
        let mut updated = quota.value.clone();
        updated.set("status", status);
        ignore_absent(ctx.client(&actor(NAME)).update_status(kinds::RESOURCE_QUOTAS, &key.namespace, updated))?;
        Ok(Requeue::After(RESYNC))
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_uses_what_its_containers_ask_for() {
        let pod = Object::read(
            value!({
                "spec": {
                    "containers": [
                        {"resources": {"requests": {"cpu": "600m"}, "limits": {"memory": "256Mi"}}},
                        {"resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "100Mi"}}}
                    ],
                    "initContainers": [{"resources": {"requests": {"cpu": "1"}}}]
                },
                "status": {"phase": "Running"}
            }),
            true,
        );
        let usage = pod_usage(&pod);
        let text = |name: &str| usage.get(name).map(ToString::to_string);
        assert_eq!(text("requests.cpu").as_deref(), Some("1"));
        assert_eq!(text("limits.memory").as_deref(), Some("356Mi"));
        assert_eq!(text("pods").as_deref(), Some("1"));
        assert_eq!(counted_kind("count/deployments.apps", &Kind::of_resource), Some(kinds::DEPLOYMENTS));
    }
}
