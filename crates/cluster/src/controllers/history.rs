//! ControllerRevisions: the pod templates that a StatefulSet or DaemonSet had, numbered.

use drydock_sorted::Sort;
use std::sync::Arc;

use drydock_api::Status;
use drydock_value::{Value, value};

use super::common::{controller_ref, fnv32, ignore_absent, safe_encode};
use crate::ctx::Ctx;
use crate::objects::Object;
use crate::store::{DeleteOptions, Kind, kinds};

/// What a revision holds: a patch that puts the template in place of any other.
fn data(owner: &Value) -> Value {
    let mut template = owner["spec"]["template"].clone();
    template.set("$patch", "replace");
    value!({"spec": {"template": template}})
}

/// The revisions of one owner.
pub struct History<'h> {
    /// Whom to write as.
    pub actor: &'h str,
    /// The owner's kind.
    pub kind: Kind,
    /// The owner.
    pub owner: &'h Value,
    /// The label that tells revisions, and pods, apart.
    pub label: &'static str,
    /// How many ReplicaSets with the same hash there were.
    pub collisions: i64,
}

/// The number of a revision.
pub fn number(revision: &Value) -> i64 {
    revision["revision"].int()
}

impl History<'_> {
    /// The owner's revisions, oldest first.
    pub fn list(&self, ctx: &Ctx<'_>) -> Vec<Arc<Object>> {
        let uid = crate::objects::shared(&self.owner["metadata"]["uid"]);
        let mut revisions: Vec<Arc<Object>> =
            ctx.informers.controlled(kinds::CONTROLLER_REVISIONS, &uid).cloned().collect();
        revisions.sort_compact_by(|a, b| number(&a.value).cmp(&number(&b.value)).then_with(|| a.name().cmp(b.name())));
        revisions
    }

    /// The revision of the present template, made or renumbered as needed.
    ///
    /// # Errors
    /// What the API server refuses.
    pub fn current(&self, ctx: &mut Ctx<'_>, revisions: &[Arc<Object>]) -> Result<Value, Status> {
        let data = data(self.owner);
        let next = revisions.last().map_or(1, |last| number(&last.value) + 1);
        let namespace = self.owner["metadata"]["namespace"].str();
        if let Some(same) = revisions.iter().rev().find(|revision| revision["data"] == data) {
            if number(&same.value) == next - 1 {
                return Ok(same.value.clone());
            }
            // A template that comes back becomes the newest again.
            let mut renumbered = same.value.clone();
            renumbered.set("revision", next);
            return ctx.client(self.actor).update(kinds::CONTROLLER_REVISIONS, namespace, renumbered);
        }
        let hash = safe_encode(fnv32(&drydock_value::to_json(&data), (self.collisions > 0).then_some(self.collisions)));
        let name = format!("{}-{hash}", self.owner["metadata"]["name"].str());
        let mut metadata = value!({
            "name": name.as_str(),
            "labels": self.owner["spec"]["template"]["metadata"]["labels"].clone(),
            "ownerReferences": [controller_ref(self.kind, self.owner)]
        });
        metadata["labels"].set(self.label, hash.as_str());
        let annotations = &self.owner["metadata"]["annotations"];
        if !annotations.is_empty() {
            metadata.set("annotations", annotations);
        }
        let revision = value!({"metadata": metadata, "data": data, "revision": next});
        match ctx.client(self.actor).create(kinds::CONTROLLER_REVISIONS, namespace, revision) {
            // The cache has not shown it yet.
            Err(status) if status.is("AlreadyExists") => {
                ctx.client(self.actor).get(kinds::CONTROLLER_REVISIONS, namespace, &name)
            }
            other => other,
        }
    }

    /// Deletes the oldest revisions that nothing uses, beyond the owner's limit.
    ///
    /// # Errors
    /// What the API server refuses.
    pub fn clean_up(
        &self,
        ctx: &mut Ctx<'_>,
        revisions: &[Arc<Object>],
        used: &dyn Fn(&Object) -> bool,
    ) -> Result<(), Status> {
        let limit = usize::try_from(self.owner["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(10)).unwrap_or(0);
        let idle: Vec<&Arc<Object>> = revisions.iter().filter(|revision| !used(revision)).collect();
        let surplus = idle.len().saturating_sub(limit);
        for revision in idle.into_iter().take(surplus) {
            let mut client = ctx.client(self.actor);
            let options = DeleteOptions::default();
            ignore_absent(client.delete(kinds::CONTROLLER_REVISIONS, revision.namespace(), revision.name(), &options))?;
        }
        Ok(())
    }
}
