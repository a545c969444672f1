//! The status of admission policies: what is wrong with their expressions for the types that they name.

use drydock_api::Status;
use drydock_value::Value;

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::Key;
use crate::store::{Kind, kinds};

const NAME: &str = "validatingadmissionpolicy-status-controller";

/// The controller.
#[derive(Debug, Clone, Default)]
pub struct PolicyStatus;

impl Controller for PolicyStatus {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::VALIDATING_ADMISSION_POLICIES]
    }

    fn observe(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue<'_>) {
        if let Some(policy) = &change.new {
            queue.add(&policy.key);
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let found = ctx.informers.get(kinds::VALIDATING_ADMISSION_POLICIES, key).cloned();
        let Some(policy) = found else { return Ok(Requeue::Done) };
        let generation = policy["metadata"]["generation"].int();
        if policy["status"]["observedGeneration"].int() >= generation {
            return Ok(Requeue::Done);
        }
        let mut changed: Value = policy.value.clone();
        changed["status"].set("observedGeneration", generation);
        changed["status"].set("typeChecking", ctx.api.check_policy(&policy.value));
        ignore_absent(ctx.client(&actor(NAME)).update_status(kinds::VALIDATING_ADMISSION_POLICIES, "", changed))?;
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
