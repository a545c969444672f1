//! Delete, with grace, preconditions and what shall happen to dependents.

use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value};

use crate::admission::{self, Attributes, Operation};
use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::strategy;
use crate::verbs::update::finished;
use crate::verbs::{Cx, not_found, tidy};

/// What shall happen to an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They are deleted after it, by the garbage collector.
    Background,
    /// They are deleted before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// How to delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Seconds of grace; the object's own default when not said.
    pub grace_period_seconds: Option<i64>,
    /// What shall happen to dependents; the kind's default when not said.
    pub propagation: Option<Propagation>,
    /// Delete only an object with this UID.
    pub uid: Option<String>,
    /// Delete only an object with this resourceVersion.
    pub resource_version: Option<String>,
}

impl DeleteOptions {
    /// Without any grace.
    pub fn now() -> DeleteOptions {
        DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() }
    }

    /// With a policy for dependents.
    pub fn with_propagation(propagation: Propagation) -> DeleteOptions {
        DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
    }

    /// Only of an object with this UID.
    #[must_use]
    pub fn of_uid(mut self, uid: impl Into<String>) -> DeleteOptions {
        self.uid = Some(uid.into());
        self
    }

    /// Reads a `DeleteOptions` document and checks it.
    ///
    /// # Errors
    /// What the API server finds wrong with it.
    pub fn from_value(document: &Value) -> Result<DeleteOptions, Status> {
        let orphan = document["orphanDependents"].as_bool();
        let policy = document["propagationPolicy"].as_str();
        if orphan.is_some() && policy.is_some() {
            return Err(Status::invalid(
                "meta.k8s.io",
                "DeleteOptions",
                "",
                vec![drydock_api::Cause {
                    reason: "FieldValueInvalid".into(),
                    message: format!(
                        "Invalid value: {:?}: orphanDependents and deletionPropagation cannot be both set",
                        policy.unwrap_or_default()
                    ),
                    field: "propagationPolicy".into(),
                }],
            ));
        }
        let propagation = match (policy, orphan) {
            (Some("Background"), _) | (_, Some(false)) => Some(Propagation::Background),
            (Some("Foreground"), _) => Some(Propagation::Foreground),
            (Some("Orphan"), _) | (_, Some(true)) => Some(Propagation::Orphan),
            (Some(other), _) if !other.is_empty() => {
                return Err(Status::invalid(
                    "meta.k8s.io",
                    "DeleteOptions",
                    "",
                    vec![drydock_api::Cause {
                        reason: "FieldValueNotSupported".into(),
                        message: format!(
                            "Unsupported value: {other:?}: supported values: \"Foreground\", \"Background\", \
                             \"Orphan\", \"nil\""
                        ),
                        field: "propagationPolicy".into(),
                    }],
                ));
            }
            _ => None,
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Ok(DeleteOptions {
            grace_period_seconds: document["gracePeriodSeconds"].as_i64(),
            propagation,
            uid: text(&document["preconditions"]["uid"]),
            resource_version: text(&document["preconditions"]["resourceVersion"]),
        })
    }
}

/// What became of an object.
#[derive(Debug, Clone)]
pub(crate) struct Deleted {
    /// Its last state, or its state while it is being deleted.
    pub(crate) object: Value,
    /// Whether it is gone.
    pub(crate) gone: bool,
}

impl ApiServer {
    /// Deletes an object, or marks it for deletion when something has to happen first.
    pub(crate) fn delete(
        &mut self,
        cx: &mut Cx,
        kind: Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let attributes = Attributes::new(Operation::Delete, kind, namespace, "");
        admission::delete(self, cx, &attributes, name)?;
        let old = self.store.get(kind, namespace, name).cloned().ok_or_else(|| not_found(kind, name))?;
        check_preconditions(kind, &old, options)?;
        if !cx.evicts {
            admission::validate_delete(self, cx, &attributes, &old)?;
        }

        let mut new = old.clone();
        let finalizers = finalizers_after(&old, options.propagation);
        if finalizers.as_slice() != old["metadata"]["finalizers"].items() {
            new["metadata"].set("finalizers", Value::from(finalizers));
            tidy(&mut new["metadata"], "finalizers");
        }
        let grace = self.grace(kind, &old, options);
        let deleting = !old["metadata"]["deletionTimestamp"].is_null();
        if deleting {
            let left = old["metadata"]["deletionGracePeriodSeconds"].int();
            if grace < left {
                // A second delete may only shorten the grace.
                let stamp = Time::parse_rfc3339(old["metadata"]["deletionTimestamp"].str()).unwrap_or(self.now);
                let shorter = Time(stamp.0.saturating_sub(seconds(left - grace).as_micros() as u64));
                new["metadata"].set("deletionTimestamp", shorter.rfc3339());
                new["metadata"].set("deletionGracePeriodSeconds", grace);
            }
        } else {
            new["metadata"].set("deletionTimestamp", (self.now + seconds(grace)).rfc3339());
            new["metadata"].set("deletionGracePeriodSeconds", grace);
            if strategy::of(kind).generation.is_some() {
                new["metadata"].set("generation", old["metadata"]["generation"].int() + 1);
            }
            if kind == kinds::NAMESPACES {
                new["metadata"].remove("deletionGracePeriodSeconds");
                new["status"].set("phase", "Terminating");
            }
            if kind == kinds::CUSTOM_RESOURCE_DEFINITIONS {
                crate::custom::mark_deleted(&mut new, &old, self.now);
            }
        }
        let gone = finished(kind, &new);
        if cx.dry_run {
            return Ok(Deleted { object: new, gone });
        }
        self.store.written_by(&cx.user.name, "delete", self.now);
        if gone {
            // What had neither grace nor finalizers goes as it was; it was never seen terminating.
            let object = self.take_away(kind, namespace, name).unwrap_or(old);
            return Ok(Deleted { object, gone });
        }
        if new == old {
            return Ok(Deleted { object: old, gone });
        }
        let object = self.store.put(kind, new)?;
        if let Some(account) = strategy::of(kind).account {
            account(self, Some(&old), Some(&object));
        }
        Ok(Deleted { object, gone })
    }

    /// Seconds that an object gets to end.
    fn grace(&self, kind: Kind, object: &Value, options: &DeleteOptions) -> i64 {
        if kind != kinds::PODS {
            return 0;
        }
        // A pod that no kubelet has, or whose containers have all ended, needs no time.
        let over = matches!(object["status"]["phase"].str(), "Succeeded" | "Failed");
        if object["spec"]["nodeName"].str().is_empty() || over {
            return 0;
        }
        let wanted = options
            .grace_period_seconds
            .or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64())
            .unwrap_or(30);
        if wanted < 0 { 1 } else { wanted }
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(0))
}

fn check_preconditions(kind: Kind, object: &Value, options: &DeleteOptions) -> Result<(), Status> {
    let metadata = &object["metadata"];
    let checks = [
        (&options.uid, "uid", "UID", "deleted and then recreated"),
        (&options.resource_version, "resourceVersion", "ResourceVersion", "modified"),
    ];
    for (wanted, key, what, since) in checks {
        let Some(wanted) = wanted.as_deref().filter(|wanted| *wanted != metadata[key].str()) else { continue };
        let info = kind.info();
        let dot = if info.group.is_empty() { "" } else { "." };
        let name = metadata["name"].str();
        // By its kind, not by its resource as elsewhere.
        return Err(Status {
            name: name.into(),
            kind: info.kind.into(),
            group: info.group.into(),
            ..Status::new(
                409,
                "Conflict",
                format!(
                    "Operation cannot be fulfilled on {}{dot}{} \"{name}\": the {what} in the precondition ({wanted}) does not \
                     match the {what} in record ({}). The object might have been {since}",
                    info.kind,
                    info.group,
                    metadata[key].str()
                ),
            )
        });
    }
    Ok(())
}

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The finalizers that the garbage collector works by.
fn finalizers_after(object: &Value, propagation: Option<Propagation>) -> Vec<Value> {
    let mut finalizers: Vec<Value> = object["metadata"]["finalizers"].items().to_vec();
    let Some(policy) = propagation else { return finalizers };
    finalizers.retain(|finalizer| finalizer != FOREGROUND && finalizer != ORPHAN);
    match policy {
        Propagation::Background => {}
        Propagation::Foreground => finalizers.push(FOREGROUND.into()),
        Propagation::Orphan => finalizers.push(ORPHAN.into()),
    }
    finalizers
}
