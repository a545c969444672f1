//! ReplicaSets as revisions: which one has the present template, making it, numbering it, forgetting old ones.

use drydock_api::Status;
use drydock_sorted::Sort;
use drydock_value::{Map, Value, value};

use super::{Sets, Work, scale};
use crate::controllers::common::{
    self, controller_ref, ignore_absent, namespace_terminating, new_condition, set_condition, template_hash,
};
use crate::store::{DeleteOptions, kinds};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";
/// The longest revision history that is kept, in characters.
const HISTORY_LENGTH: usize = 2000;

/// The annotations of a Deployment that its ReplicaSets do not get.
const OWN_ANNOTATIONS: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    scale::DESIRED,
    scale::MOST,
    "deprecated.deployment.rollback.to",
];

/// The revision of a Deployment or ReplicaSet; 0 when it has none.
fn revision(object: &Value) -> i64 {
    object["metadata"]["annotations"][REVISION].str().parse().unwrap_or(0)
}

/// A pod template without the label that tells templates apart.
fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if !template["metadata"]["labels"][HASH].is_null() {
        template["metadata"]["labels"].remove(HASH);
    }
    template
}

impl Work<'_, '_> {
    /// The ReplicaSets by age of template, with revisions brought up to date; the new one is made when asked for.
    pub(super) fn sets(&mut self, create: bool) -> Result<Sets, Status> {
        let template = without_hash(&self.deployment["spec"]["template"]);
        let new = self.owned.iter().position(|set| without_hash(&set["spec"]["template"]) == template);
        let mut sets = Sets { new: None, old: self.owned.clone() };
        let next = |old: &[Value]| (old.iter().map(revision).max().unwrap_or(0) + 1).to_string();
        match new {
            Some(at) => {
                let found = sets.old.remove(at);
                let next = next(&sets.old);
                let set = self.freshen(found, &next)?;
                if let Some(known) = self.owned.get_mut(at) {
                    *known = set.clone();
                }
                sets.new = Some(set);
            }
            None if create => {
                let next = next(&sets.old);
                let set = self.create_set(&sets.old, &next)?;
                self.owned.push(set.clone());
                sets.new = Some(set);
            }
            None => {}
        }
        Ok(sets)
    }

    /// Brings annotations of the new ReplicaSet, and the Deployment's revision, up to date.
    fn freshen(&mut self, set: Value, next: &str) -> Result<Value, Status> {
        let mut updated = set.clone();
        let changed = self.annotate(&mut updated, next);
        let seconds = &self.deployment["spec"]["minReadySeconds"];
        let ready_differs = seconds.int() != set["spec"]["minReadySeconds"].int();
        if changed || ready_differs {
            if ready_differs {
                updated["spec"].set("minReadySeconds", seconds.clone());
            }
            let namespace = self.namespace();
            return self.ctx.client(&self.controller.actor).update(kinds::REPLICA_SETS, &namespace, updated);
        }
        let mut update = self.set_revision(set["metadata"]["annotations"][REVISION].str());
        if self.has_deadline() && common::condition(&self.deployment, "Progressing").is_none() {
            let message = format!("Found new replica set \"{}\"", set["metadata"]["name"].str());
            self.set_progressing("True", "FoundNewReplicaSet", &message);
            update = true;
        }
        if update {
            self.update_status()?;
        }
        Ok(set)
    }

    /// Notes the revision in the Deployment; answers whether that changed it.
    fn set_revision(&mut self, revision: &str) -> bool {
        if self.deployment["metadata"]["annotations"][REVISION] == revision {
            return false;
        }
        self.deployment["metadata"]["annotations"].set(REVISION, revision);
        true
    }

    pub(super) fn has_deadline(&self) -> bool {
        self.deployment["spec"]["progressDeadlineSeconds"]
            .as_i64()
            .is_some_and(|seconds| seconds != i64::from(i32::MAX))
    }

    pub(super) fn set_progressing(&mut self, status: &str, reason: &str, message: &str) {
        let condition = self.progressing(status, reason, message);
        set_condition(&mut self.deployment["status"]["conditions"], condition);
    }

    /// A condition as Deployments have it: with the time of its last update too.
    pub(super) fn condition(&self, kind: &str, status: &str, reason: &str, message: &str) -> Value {
        let mut condition = new_condition(kind, status, reason, message, self.ctx.now);
        condition.set("lastUpdateTime", self.ctx.now.rfc3339());
        condition
    }

    pub(super) fn progressing(&self, status: &str, reason: &str, message: &str) -> Value {
        self.condition("Progressing", status, reason, message)
    }

    /// Copies the Deployment's annotations to a ReplicaSet and numbers it; answers whether that changed it.
    fn annotate(&self, set: &mut Value, next: &str) -> bool {
        let mut changed = false;
        for (key, value) in self.deployment["metadata"]["annotations"].entries() {
            if !OWN_ANNOTATIONS.contains(&key) && set["metadata"]["annotations"][key] != *value {
                set["metadata"]["annotations"].set(key, value);
                changed = true;
            }
        }
        let old = set["metadata"]["annotations"][REVISION].str().to_owned();
        if old.parse().unwrap_or(0) < next.parse::<i64>().unwrap_or(0) {
            if !old.is_empty() {
                // A roll-back made an old revision the newest: remember the numbers that it had.
                let mut history: Vec<&str> =
                    set["metadata"]["annotations"][HISTORY].str().split(',').filter(|text| !text.is_empty()).collect();
                history.push(&old);
                while history.iter().map(|text| text.len() + 1).sum::<usize>() > HISTORY_LENGTH {
                    history.remove(0);
                }
                let history = history.join(",");
                set["metadata"]["annotations"].set(HISTORY, history);
            }
            set["metadata"]["annotations"].set(REVISION, next);
            changed = true;
        }
        changed
    }

    /// Makes the ReplicaSet of the present template.
    fn create_set(&mut self, old: &[Value], next: &str) -> Result<Value, Status> {
        let mut template = self.deployment["spec"]["template"].clone();
        let collisions = self.deployment["status"]["collisionCount"].as_i64();
        let hash = template_hash(&template, collisions);
        template["metadata"]["labels"].set(HASH, hash.as_str());
        let mut selector = self.deployment["spec"]["selector"].clone();
        selector["matchLabels"].set(HASH, hash.as_str());
        let name = set_name(self.name(), &hash);
        let mut set = value!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": name.as_str(),
                "namespace": self.namespace(),
                "ownerReferences": [controller_ref(kinds::DEPLOYMENTS, &self.deployment)],
                "labels": template["metadata"]["labels"].clone(),
                "annotations": Map::new()
            },
            "spec": {"replicas": 0, "selector": selector, "template": template}
        });
        if self.deployment["spec"]["minReadySeconds"].int() > 0 {
            set["spec"].set("minReadySeconds", self.deployment["spec"]["minReadySeconds"].clone());
        }
        let replicas = self.new_replicas(old.iter().map(common::spec_replicas).sum(), 0);
        set["spec"].set("replicas", replicas);
        self.annotate(&mut set, next);
        scale::annotate(&mut set, self.replicas(), self.replicas() + self.max_surge());
        let namespace = self.namespace();
        let created = self.ctx.client(&self.controller.actor).create(kinds::REPLICA_SETS, &namespace, set.clone());
        let (created, existed) = match created {
            Ok(created) => (created, false),
            Err(status) if status.is("AlreadyExists") => (self.collision(&name, status)?, true),
            Err(status) if namespace_terminating(&status) => return Err(status),
            Err(status) => {
                let message = format!("Failed to create new replica set \"{name}\": {}", status.message);
                if self.has_deadline() {
                    self.set_progressing("False", "ReplicaSetCreateError", &message);
                    let _ = self.update_status();
                }
                self.event("Warning", "ReplicaSetCreateError", &message);
                return Err(status);
            }
        };
        if !existed && replicas > 0 {
            let message = format!("Scaled up replica set {name} from 0 to {replicas}");
            self.event("Normal", "ScalingReplicaSet", &message);
        }
        let mut update = self.set_revision(next);
        if !existed && self.has_deadline() {
            self.set_progressing("True", "NewReplicaSetCreated", &format!("Created new replica set \"{name}\""));
            update = true;
        }
        if update {
            self.update_status()?;
        }
        Ok(created)
    }

    /// The name is taken: by the very set that the cache has not shown yet, or by another whose hash is the same.
    fn collision(&mut self, name: &str, refusal: Status) -> Result<Value, Status> {
        let namespace = self.namespace();
        let there = self.ctx.client(&self.controller.actor).get(kinds::REPLICA_SETS, &namespace, name)?;
        let uid = &self.deployment["metadata"]["uid"];
        let mine = there["metadata"]["ownerReferences"]
            .items()
            .iter()
            .any(|owner| owner["controller"].is_true() && owner["uid"] == *uid);
        let template = without_hash(&self.deployment["spec"]["template"]);
        if mine && without_hash(&there["spec"]["template"]) == template {
            return Ok(there);
        }
        let count = self.deployment["status"]["collisionCount"].int() + 1;
        self.deployment["status"].set("collisionCount", count);
        self.update_status()?;
        Err(refusal)
    }

    /// Deletes the oldest revisions beyond those that the Deployment wants remembered.
    pub(super) fn clean_up(&mut self, sets: &Sets) -> Result<(), Status> {
        let Some(limit) = self.deployment["spec"]["revisionHistoryLimit"].as_i64() else { return Ok(()) };
        let mut old: Vec<&Value> =
            sets.old.iter().filter(|set| set["metadata"]["deletionTimestamp"].is_null()).collect();
        let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        old.sort_compact_by_key(|set| revision(set));
        let namespace = self.namespace();
        for set in old.into_iter().take(surplus) {
            let idle = common::status_int(set, "replicas") == 0
                && common::spec_replicas(set) == 0
                && set["metadata"]["generation"].int() <= common::status_int(set, "observedGeneration");
            if idle {
                let name = set["metadata"]["name"].str();
                let options = DeleteOptions::default();
                let mut client = self.ctx.client(&self.controller.actor);
                ignore_absent(client.delete(kinds::REPLICA_SETS, &namespace, name, &options))?;
            }
        }
        Ok(())
    }
}

/// The name of a ReplicaSet; a long Deployment name is cut so that the hash fits.
fn set_name(deployment: &str, hash: &str) -> String {
    const MOST: usize = 253 - 5;
    let mut name = deployment.to_owned();
    let mut end = MOST.saturating_sub(hash.len() + 1).min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    format!("{name}-{hash}")
}
