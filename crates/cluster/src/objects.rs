//! Objects as components see them: a tree, with the facts that everybody needs read off once a revision.

use std::ops::Index;
use std::sync::Arc;

use drydock_value::{Map, Str, Time, Value};

/// A namespace (empty for what has none) and a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key {
    /// The namespace.
    pub namespace: Str,
    /// The name.
    pub name: Str,
}

impl Key {
    /// From its parts.
    pub fn new(namespace: impl Into<Str>, name: impl Into<Str>) -> Key {
        Key { namespace: namespace.into(), name: name.into() }
    }

    /// An object's.
    pub fn of(object: &Value) -> Key {
        let metadata = &object["metadata"];
        Key { namespace: shared(&metadata["namespace"]), name: shared(&metadata["name"]) }
    }
}

impl std::fmt::Display for Key {
    /// `namespace/name`, or `name`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

/// A string of a tree without copying it; "" for anything else.
pub fn shared(value: &Value) -> Str {
    match value {
        Value::String(text) => text.clone(),
        _ => Str::default(),
    }
}

/// A moment written in a tree; None when it is not one.
pub fn moment(value: &Value) -> Option<Time> {
    value.as_str().and_then(Time::parse_rfc3339)
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The owner's `apiVersion`.
    pub api_version: Str,
    /// Its kind.
    pub kind: Str,
    /// Its name.
    pub name: Str,
    /// Its UID.
    pub uid: Str,
    /// Whether it manages the object.
    pub controller: bool,
    /// Whether its foreground deletion waits for the object.
    pub block: bool,
}

impl Owner {
    fn read(value: &Value) -> Owner {
        Owner {
            api_version: shared(&value["apiVersion"]),
            kind: shared(&value["kind"]),
            name: shared(&value["name"]),
            uid: shared(&value["uid"]),
            controller: value["controller"].is_true(),
            block: value["blockOwnerDeletion"].is_true(),
        }
    }
}

/// `status.phase` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum Phase {
    #[default]
    Unknown,
    Pending,
    Running,
    Succeeded,
    Failed,
}

/// What is read off a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// `spec.nodeName`, empty while it is not bound.
    pub node: Str,
    /// `status.phase`.
    pub phase: Phase,
    /// Since when the condition Ready is True; None while it is not.
    pub ready_since: Option<Time>,
    /// `status.podIP`.
    pub ip: Str,
    /// The most restarts of a container.
    pub restarts: i64,
    /// `spec.priority`.
    pub priority: i64,
}

impl PodFacts {
    fn read(pod: &Value) -> PodFacts {
        let (spec, status) = (&pod["spec"], &pod["status"]);
        let ready = status["conditions"].find("type", "Ready").filter(|condition| condition["status"] == "True");
        PodFacts {
            node: shared(&spec["nodeName"]),
            phase: match status["phase"].str() {
                "Pending" => Phase::Pending,
                "Running" => Phase::Running,
                "Succeeded" => Phase::Succeeded,
                "Failed" => Phase::Failed,
                _ => Phase::Unknown,
            },
            ready_since: ready.map(|condition| moment(&condition["lastTransitionTime"]).unwrap_or_default()),
            ip: shared(&status["podIP"]),
            restarts: status["containerStatuses"]
                .items()
                .iter()
                .map(|status| status["restartCount"].int())
                .max()
                .unwrap_or(0),
            priority: spec["priority"].int(),
        }
    }

    /// Whether the condition Ready is True.
    pub fn ready(&self) -> bool {
        self.ready_since.is_some()
    }

    /// Whether it has been ready for `seconds` at `now`.
    pub fn available(&self, seconds: i64, now: Time) -> bool {
        self.ready_since
            .is_some_and(|since| seconds <= 0 || since + std::time::Duration::from_secs(seconds.unsigned_abs()) <= now)
    }

    /// Whether all its containers have ended for good.
    pub fn terminal(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }
}

static NO_POD: std::sync::LazyLock<PodFacts> = std::sync::LazyLock::new(PodFacts::default);

/// One revision of an object. Shared; never changed.
#[derive(Debug, Clone)]
pub struct Object {
    /// Where it is.
    pub key: Key,
    /// `metadata.uid`.
    pub uid: Str,
    /// The whole of it.
    pub value: Value,
    /// `metadata.ownerReferences`.
    pub owners: Vec<Owner>,
    /// `metadata.deletionTimestamp`.
    pub deleting: Option<Time>,
    /// `metadata.creationTimestamp`.
    pub created: Time,
    labels: Map,
    pod: Option<PodFacts>,
}

impl Object {
    /// Reads the facts off an object; `pod` says whether it is a pod.
    pub fn read(value: Value, pod: bool) -> Arc<Object> {
        let metadata = &value["metadata"];
        Arc::new(Object {
            key: Key::of(&value),
            uid: shared(&metadata["uid"]),
            owners: metadata["ownerReferences"].items().iter().map(Owner::read).collect(),
            deleting: moment(&metadata["deletionTimestamp"]),
            labels: metadata["labels"].as_object().cloned().unwrap_or_default(),
            created: moment(&metadata["creationTimestamp"]).unwrap_or_default(),
            pod: pod.then(|| PodFacts::read(&value)),
            value,
        })
    }

    /// Its name.
    pub fn name(&self) -> &Str {
        &self.key.name
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Str {
        &self.key.namespace
    }

    /// The facts of a pod; those of an empty one for anything else.
    pub fn pod(&self) -> &PodFacts {
        self.pod.as_ref().unwrap_or(&NO_POD)
    }

    /// Whether it is a pod that neither ended nor is being deleted.
    pub fn active_pod(&self) -> bool {
        self.deleting.is_none() && !self.pod().terminal()
    }

    /// The owner that manages it.
    pub fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.controller)
    }

    /// Its labels.
    pub fn labels(&self) -> &Map {
        &self.labels
    }

    /// One of its labels; "" when it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", Value::str)
    }

    /// One of its annotations; "" when it has none of that name.
    pub fn annotation(&self, name: &str) -> &str {
        self.value["metadata"]["annotations"][name].str()
    }

    /// `metadata.resourceVersion`.
    pub fn resource_version(&self) -> &str {
        self.value["metadata"]["resourceVersion"].str()
    }
}

impl Index<&str> for Object {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        &self.value[key]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;
    use std::time::Duration;

    #[test]
    fn reads_a_pods_facts() {
        let pod = Object::read(
            value!({
                "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a": "b"},
                    "ownerReferences": [{"kind": "X", "name": "x", "uid": "1"}, {"kind": "Y", "name": "y", "uid": "2", "controller": true}]},
                "spec": {"nodeName": "m"},
                "status": {"phase": "Running", "podIP": "10.0.0.1",
                    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-22T13:56:49Z"}],
                    "containerStatuses": [{"restartCount": 2}, {"restartCount": 5}]}
            }),
            true,
        );
        assert_eq!(pod.key.to_string(), "n/p");
        assert_eq!(pod.controller().map(|owner| owner.uid.as_str()), Some("2"));
        let facts = pod.pod();
        assert_eq!((facts.node.as_str(), facts.phase, facts.restarts), ("m", Phase::Running, 5));
        let since = facts.ready_since.unwrap();
        assert!(facts.available(0, since) && !facts.available(5, since));
        assert!(facts.available(5, since + Duration::from_secs(5)));
        assert!(pod.active_pod());
    }
}
