//! ResourceQuotas: counting what a namespace uses. Refusing what would be too much is the API server's admission.

use drydock_sorted::Sort;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value, value};

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds, quota_used};

const NAME: &str = "resourcequota-controller";

/// How often a quota is counted anew although nothing seems to have changed: somebody may have written its status.
const RESYNC: Duration = Duration::from_secs(300);

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Quotas;

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
fn used(informers: &Informers, quota: &Object, find: &dyn Fn(&str, &str) -> Option<Kind>, now: Time) -> Value {
    let mut used = value!({});
    let mut counted = Vec::new();
    for (name, _) in quota["spec"]["hard"].entries() {
        let plain = PLAIN.iter().find(|(plain, _)| *plain == name).map(|(_, kind)| *kind);
        let kinds = match plain.or_else(|| counted_kind(name, find)) {
            Some(kind) => vec![kind],
            // Nobody counts what nobody serves.
            None if name.starts_with("count/") => continue,
            None => vec![kinds::PODS, kinds::SERVICES, kinds::PERSISTENT_VOLUME_CLAIMS],
        };
        used.set(name, "0");
        counted.extend(kinds);
    }
    counted.sort_compact();
    counted.dedup();
    for kind in counted {
        let mut objects = informers.in_namespace(kind, quota.namespace()).map(|object| &object.value);
        for (name, amount) in quota_used(&quota.value, kind, &mut objects, now) {
            used.set(&name, amount);
        }
    }
    used
}

/// Whether containers of a pod ask for other amounts than they did.
fn resized(old: &Value, new: &Value) -> bool {
    ["containers", "initContainers"].iter().any(|list| {
        let (old, new) = (old["spec"][*list].items(), new["spec"][*list].items());
        old.iter().zip(new).any(|(old, new)| old["resources"] != new["resources"])
    })
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
            if change.new.is_some() && (change.old.is_none() || change.differs(&["spec", "hard"])) {
                queue.add(change.key());
            }
            return;
        }
        let ended = match (&change.old, &change.new) {
            (Some(old), Some(new)) => {
                old.pod().terminal() != new.pod().terminal()
                    || change.differs(&["spec"]) && (change.kind != kinds::PODS || resized(&old.value, &new.value))
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
        let used = used(ctx.informers, &quota, &|group, resource| api.kind_of_resource(group, resource), ctx.now);
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
    fn pods_that_ask_for_other_amounts_are_counted_again() {
        let pod = |cpu: &str, image: &str| {
            let resources = value!({"requests": {"cpu": cpu}});
            value!({"spec": {"containers": [{"name": "a"}, {"name": "b", "image": image, "resources": resources}]}})
        };
        for (new, expected) in [(pod("1", "i"), false), (pod("1", "j"), false), (pod("2", "i"), true)] {
            assert_eq!(resized(&pod("1", "i"), &new), expected, "{new}");
        }
    }

    #[test]
    fn kinds_are_counted_by_group_and_plural() {
        assert_eq!(counted_kind("count/deployments.apps", &Kind::of_resource), Some(kinds::DEPLOYMENTS));
        assert_eq!(counted_kind("count/boats.example.com", &Kind::of_resource), None);
    }
}
