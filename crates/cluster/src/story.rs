//! The story of the cluster: who wrote what to the API server, in order, which fields changed, and what made them do it.
//!
//! It is read from the API server's own change logs, so it reaches back as far as they do, and costs nothing while nobody
//! asks.

use drydock_apiserver::Change;
use drydock_sorted::{Sort, SortedMap};
use drydock_value::{Str, Time, Value};

use crate::Cluster;
use crate::objects::{Key, shared};
use crate::store::{ChangeKind, Kind, kinds};

/// Fields of a change that are told; more are counted.
const FIELDS_MAX: usize = 12;
/// A value that is told is cut after so many characters.
const VALUE_MAX: usize = 40;
/// Parts of objects that change with every write and tell nothing.
const NOISE: [&str; 8] = [
    "resourceVersion",
    "managedFields",
    "generation",
    "observedGeneration",
    "lastHeartbeatTime",
    "lastProbeTime",
    "lastTransitionTime",
    "lastUpdateTime",
];

/// What is asked for. Empty fields ask for everything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// From this moment on.
    pub since: Time,
    /// After this revision.
    pub revision: u64,
    /// A part of the actor's name.
    pub actor: String,
    /// `create`, `update`, `delete`, or a subresource.
    pub verb: String,
    /// A kind, in singular, plural or as it is written.
    pub kind: String,
    /// An object's name.
    pub name: String,
    /// A namespace.
    pub namespace: String,
    /// Leases, events and heartbeats too.
    pub all: bool,
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The store's revision.
    pub revision: u64,
    /// When.
    pub at: Time,
    /// Who, in a short form: `kubelet minikube`, `deployment-controller`.
    pub actor: String,
    /// `create`, `update`, `delete`, or the subresource that was written.
    pub verb: &'static str,
    /// The kind.
    pub kind: Kind,
    /// Which one.
    pub key: Key,
    /// The fields that are others than before, with both values.
    pub fields: Vec<String>,
    /// The write that made the actor do it, in words; empty when it came from outside.
    pub because: String,
    /// That write's revision; 0 when it came from outside.
    pub cause: u64,
}

impl Entry {
    /// `deployment/web`.
    pub fn object(&self) -> String {
        format!("{}/{}", self.kind.info().kind.to_lowercase(), self.key.name)
    }
}

/// What became of an object between two moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// `+` created, `-` deleted, `~` changed.
    pub sign: char,
    /// The kind.
    pub kind: Kind,
    /// Which one.
    pub key: Key,
    /// The fields that are others than before, with both values, when it was changed.
    pub fields: Vec<String>,
}

/// A user's name as people say it.
fn short(actor: &str) -> String {
    if let Some(node) = actor.strip_prefix("system:node:") {
        return format!("kubelet {node}");
    }
    match actor.rsplit(':').next().unwrap_or(actor) {
        "" | "apiserver" => "api-server".to_owned(),
        "kube-scheduler" => "scheduler".to_owned(),
        name => name.to_owned(),
    }
}

/// How a part of a list is told from its neighbours.
fn mark(item: &Value) -> Option<&str> {
    ["name", "type", "key", "ip", "containerPort"]
        .iter()
        .find_map(|key| item[*key].as_str().filter(|text| !text.is_empty()))
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    };
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The differences of two values, each as `path: before → after`.
pub fn differences(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old.ptr_eq(new) || old == new {
        return;
    }
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (old, new) {
        (Value::Object(_), Value::Object(_) | Value::Null) | (Value::Null, Value::Object(_)) => {
            for (name, value) in old.entries() {
                if !NOISE.contains(&name) {
                    differences(&below(name), value, &new[name], found);
                }
            }
            for (name, value) in new.entries().filter(|(name, _)| old.get(name).is_none()) {
                if !NOISE.contains(&name) {
                    differences(&below(name), &Value::Null, value, found);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if before.iter().chain(after.iter()).all(|i| mark(i).is_some()) => {
            let find = |list: &[Value], name: &str| list.iter().find(|i| mark(i) == Some(name)).cloned();
            for item in before.iter() {
                let name = mark(item).unwrap_or_default();
                let other = find(after, name).unwrap_or_default();
                differences(&format!("{path}[{name}]"), item, &other, found);
            }
            for item in after.iter().filter(|item| find(before, mark(item).unwrap_or_default()).is_none()) {
                differences(&format!("{path}[{}]", mark(item).unwrap_or_default()), &Value::Null, item, found);
            }
        }
        _ => found.push(format!("{path}: {} → {}", shown(old), shown(new))),
    }
}

/// The fields that a change changed.
fn fields(change: &Change) -> Vec<String> {
    let mut found = Vec::new();
    if let (Some(old), ChangeKind::Modified) = (&change.old, change.kind) {
        differences("", old, &change.object, &mut found);
        if found.len() > FIELDS_MAX {
            let more = found.len() - FIELDS_MAX;
            found.truncate(FIELDS_MAX);
            found.push(format!("{more} more"));
        }
    }
    found
}

/// A write that others may have acted upon.
#[derive(Debug, Clone)]
struct Cause {
    revision: u64,
    actor: String,
    verb: &'static str,
    object: String,
}

/// What was written last to an object, by each actor, and last to one that it owns.
#[derive(Debug, Clone, Default)]
struct Last {
    own: Vec<Cause>,
    owned: Option<Cause>,
}

impl Last {
    fn latest(&self, fits: impl Fn(&Cause) -> bool) -> Option<&Cause> {
        self.own.iter().filter(|cause| fits(cause)).max_by_key(|cause| cause.revision)
    }
}

/// The latest of the writes that an actor may have acted upon: another's to the object, or to those that it owns; for a
/// new object, what its owner was told to be, or what became of the others that the owner has.
fn cause<'a>(last: &'a SortedMap<Str, Last>, uid: &str, owner: &str, actor: &str) -> Option<&'a Cause> {
    let other = |cause: &&Cause| cause.actor != actor;
    let (own, above) = (last.get(uid), last.get(owner));
    let by_others = own.and_then(|last| last.latest(|cause| cause.actor != actor));
    let candidates = match by_others {
        Some(cause) => [Some(cause), own.and_then(|last| last.owned.as_ref()).filter(other)],
        None => [
            above.and_then(|last| last.latest(|cause| cause.verb != "status")),
            above.and_then(|last| last.owned.as_ref()).filter(other),
        ],
    };
    candidates.into_iter().flatten().max_by_key(|cause| cause.revision)
}

impl Cluster {
    /// The writes that a filter asks for, oldest first.
    pub fn story(&self, filter: &Filter) -> Vec<Entry> {
        let mut changes: Vec<(Kind, &Change)> = Vec::new();
        for kind in Kind::all() {
            if filter.all || !matches!(kind, kinds::LEASES | kinds::EVENTS) {
                changes.extend(self.api.kept_changes(kind).map(|change| (kind, change)));
            }
        }
        changes.sort_compact_by(|a, b| a.1.revision.cmp(&b.1.revision));
        let mut last: SortedMap<Str, Last> = SortedMap::new();
        let mut story = Vec::new();
        for (kind, change) in changes {
            let entry = self.entry(kind, change, &mut last);
            let wanted = filter.fits(&entry, change.by.at);
            // What changed nothing but heartbeats is no news.
            if wanted {
                let fields = fields(change);
                if filter.all || change.kind != ChangeKind::Modified || !fields.is_empty() {
                    story.push(Entry { fields, ..entry });
                }
            }
        }
        story
    }

    /// One write with its reason.
    fn entry(&self, kind: Kind, change: &Change, last: &mut SortedMap<Str, Last>) -> Entry {
        let metadata = &change.object["metadata"];
        let (uid, key) = (shared(&metadata["uid"]), Key::of(&change.object));
        let owners = metadata["ownerReferences"].items();
        let owner = owners.iter().find(|owner| owner["controller"].is_true()).or(owners.first());
        let owner = owner.map(|owner| shared(&owner["uid"]));
        let actor = short(&change.by.actor);
        let because = match change.by.actor.starts_with("system:") {
            true => cause(last, &uid, owner.as_deref().unwrap_or_default(), &actor),
            false => None,
        };
        let cause = because.map_or(0, |cause| cause.revision);
        let because = because.map(|cause| format!("{}: {} {}", cause.actor, cause.verb, cause.object));
        let (revision, verb) = (change.revision, change.by.verb);
        let object = format!("{}/{}", kind.info().kind.to_lowercase(), key.name);
        let this = Cause { revision, actor: actor.clone(), verb, object };
        if let Some(owner) = owner {
            last.entry(owner).or_default().owned = Some(this.clone());
        }
        let known = last.entry(uid).or_default();
        known.own.retain(|cause| cause.actor != actor);
        known.own.push(this);
        let because = because.unwrap_or_default();
        Entry { revision, at: change.by.at, actor, verb, kind, key, fields: Vec::new(), because, cause }
    }

    /// What became of the objects between two moments. None when the change logs do not reach back so far.
    pub fn compare(&self, from: Time, to: Time) -> Option<Vec<Difference>> {
        let mut found = Vec::new();
        for kind in Kind::all().filter(|kind| !matches!(*kind, kinds::LEASES | kinds::EVENTS)) {
            // First before, last after, by name.
            let mut ends: SortedMap<Key, (Option<Value>, Option<Value>)> = SortedMap::new();
            for (at, change) in self.api.kept_changes(kind).enumerate() {
                let forgotten = at == 0 && self.api.has_forgotten(kind);
                if forgotten && change.by.at > from {
                    return None;
                }
                if change.by.at <= from || change.by.at > to {
                    continue;
                }
                let after = (change.kind != ChangeKind::Deleted).then(|| change.object.clone());
                ends.entry(Key::of(&change.object)).or_insert_with(|| (change.old.clone(), None)).1 = after;
            }
            for (key, (before, after)) in ends {
                let mut fields = Vec::new();
                let sign = match (&before, &after) {
                    (None, None) => continue,
                    (None, Some(_)) => '+',
                    (Some(_), None) => '-',
                    (Some(before), Some(after)) => {
                        differences("", before, after, &mut fields);
                        '~'
                    }
                };
                if sign != '~' || !fields.is_empty() {
                    found.push(Difference { sign, kind, key, fields });
                }
            }
        }
        Some(found)
    }
}

impl Filter {
    fn fits(&self, entry: &Entry, at: Time) -> bool {
        let info = entry.kind.info();
        let kind = self.kind.to_lowercase();
        at >= self.since
            && entry.revision > self.revision
            && entry.actor.contains(&self.actor)
            && (self.verb.is_empty() || entry.verb == self.verb)
            && (kind.is_empty() || info.resource == kind || info.kind.to_lowercase() == kind)
            && (self.name.is_empty() || *entry.key.name == *self.name)
            && (self.namespace.is_empty() || *entry.key.namespace == *self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{World, deployment};
    use drydock_value::value;

    #[test]
    fn fields_are_told_by_their_paths() {
        let old = value!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3, "containers": [{"name": "a", "image": "x"}]}});
        let new = value!({"metadata": {"resourceVersion": "2"}, "spec": {"replicas": 5, "containers": [{"name": "a", "image": "y"}, {"name": "b", "image": "z"}]}});
        let mut found = Vec::new();
        differences("", &old, &new, &mut found);
        assert_eq!(
            found,
            [
                "spec.containers[a].image: x → y",
                "spec.containers[b].image: none → z",
                "spec.containers[b].name: none → b",
                "spec.replicas: 3 → 5"
            ]
        );
    }

    #[test]
    fn an_apply_is_told_from_its_beginning_to_its_end() {
        let mut world = World::new(1);
        let start = world.cluster.now();
        world.create(kinds::DEPLOYMENTS, deployment("web", 1, "nginx:1.27"));
        world.run(10.0);
        let story = world.cluster.story(&Filter { since: start, ..Filter::default() });
        let told: Vec<String> =
            story.iter().map(|e| format!("{} {} {}", e.actor, e.verb, e.kind.info().kind)).collect();
        assert_eq!(told[0], "minikube-user create Deployment");
        for line in [
            "deployment-controller create ReplicaSet",
            "replicaset-controller create Pod",
            "scheduler binding Pod",
            "kubelet minikube status Pod",
        ] {
            assert!(told.iter().any(|told| told == line), "{line}: {told:?}");
        }
        let bound = story.iter().find(|entry| entry.verb == "binding").expect("bound");
        assert!(bound.because.starts_with("replicaset-controller: create pod/web-"), "{}", bound.because);
        assert!(bound.fields.iter().any(|field| field == "spec.nodeName: none → minikube"), "{:?}", bound.fields);
        let only = Filter { since: start, actor: "scheduler".into(), kind: "pods".into(), ..Filter::default() };
        assert_eq!(world.cluster.story(&only).len(), 1);
    }

    #[test]
    fn two_moments_are_compared() {
        let mut world = World::new(1);
        world.create(kinds::DEPLOYMENTS, deployment("web", 1, "nginx:1.27"));
        world.run(10.0);
        let before = world.cluster.now();
        world.run(0.1);
        world.patch(kinds::DEPLOYMENTS, "web", value!({"spec": {"replicas": 2}}));
        world.run(10.0);
        let found = world.cluster.compare(before, world.cluster.now()).expect("it reaches back");
        let signs: String = found.iter().filter(|row| row.kind == kinds::PODS).map(|row| row.sign).collect();
        assert_eq!(signs, "+");
        let deployment = found.iter().find(|row| row.kind == kinds::DEPLOYMENTS).expect("changed");
        assert!(deployment.fields.contains(&"spec.replicas: 1 → 2".to_owned()), "{:?}", deployment.fields);
        assert_eq!(world.cluster.compare(world.cluster.now(), world.cluster.now()), Some(Vec::new()));
    }
}
