//! ClusterRoles whose rules are those of others: every role that an `aggregationRule` selects by its labels.

use drydock_api::Status;
use drydock_schema::labels::Selector;
use drydock_value::Value;

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{Kind, kinds};

const NAME: &str = "clusterrole-aggregation-controller";

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct Aggregation;

fn selectors(role: &Object) -> Vec<Selector> {
    let selectors = role["aggregationRule"]["clusterRoleSelectors"].items().iter();
    selectors.filter_map(|selector| Selector::from_label_selector(selector).ok()).collect()
}

impl Controller for Aggregation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::CLUSTER_ROLES]
    }

    fn observe(&mut self, _: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        for role in informers.all(kinds::CLUSTER_ROLES).filter(|role| !role["aggregationRule"].is_null()) {
            queue.add(&role.key);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let Some(role) = ctx.informers.get(kinds::CLUSTER_ROLES, key).cloned() else { return Ok(Requeue::Done) };
        if role["aggregationRule"].is_null() {
            return Ok(Requeue::Done);
        }
        let selectors = selectors(&role);
        let mut rules: Vec<Value> = Vec::new();
        for other in ctx.informers.all(kinds::CLUSTER_ROLES).filter(|other| other.key != *key) {
            if selectors.iter().any(|selector| selector.matches_object(&other.value)) {
                for rule in other["rules"].items().iter() {
                    if !rules.contains(rule) {
                        rules.push(rule.clone());
                    }
                }
            }
        }
        let old = role["rules"].items();
        // Their order says nothing.
        if old.len() == rules.len() && rules.iter().all(|rule| old.contains(rule)) {
            return Ok(Requeue::Done);
        }
        let mut changed = role.value.clone();
        changed.set("rules", Value::from(rules));
        ignore_absent(ctx.client(&actor(NAME)).update(kinds::CLUSTER_ROLES, "", changed))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
