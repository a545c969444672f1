//! `metadata.managedFields`: who wrote which field, for every writer.
//!
//! Clients' entries hold their sets. Parts of the cluster write far more often than anybody looks, so their entries hold
//! no set where it can be found out later: one without `fieldsV1` stands for everything in the object (or in its status)
//! that nobody else owns. [`shown`] fills it in for whoever reads; until then ten thousand pods of one workload share one
//! entry.
//!
//! - [`created`], [`updated`]: the entries after a write. [`apply`]: server-side apply.

mod apply;
mod memo;

use drydock_schema::merge::{self, Type, sets};
use drydock_sorted::Sort as _;
use drydock_value::{Value, value};

pub(crate) use apply::{Applied, apply};
pub(crate) use memo::Memo;

use crate::kinds::Kind;
use crate::registry::{self, Served};
use crate::server::ApiServer;
use crate::strategy;
use crate::user::service_account;
use crate::verbs::{Cx, Part};

/// The metadata that nobody owns.
const UNOWNED: [&str; 8] = [
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
];

/// How a kind's objects are taken apart: the built-in type, or the schema of a custom one.
pub(crate) enum Parts {
    Table(Type<'static>),
    Schema(Value),
}

impl Parts {
    pub(crate) fn get(&self) -> Type<'_> {
        match self {
            Parts::Table(of) => *of,
            Parts::Schema(schema) => Type::Structural { schema, root: true },
        }
    }
}

/// How objects in a served version are taken apart.
pub(crate) fn parts_in(served: &Served) -> Option<Parts> {
    match crate::custom::version(served) {
        Some(version) => Some(Parts::Schema(version.schema.clone())),
        None => Type::of_kind(&served.gvk()).map(Parts::Table),
    }
}

/// How objects of a kind are taken apart, as they are stored.
fn parts_of(kind: Kind) -> Option<Parts> {
    parts_in(registry::storage(kind))
}

/// The name under which a part of the cluster writes.
fn component(user: &str) -> &str {
    match (service_account(user), user.strip_prefix("system:")) {
        (Some((_, name)), _) if !name.ends_with("-controller") && name.contains("provisioner") => name,
        (Some(_), _) => "kube-controller-manager",
        (None, Some("apiserver")) => "kube-apiserver",
        (None, Some(name)) if name.starts_with("node:") => "kubelet",
        (None, Some(name)) => name,
        (None, None) => user,
    }
}

/// The set without what nobody owns.
fn stripped(set: &Value) -> Value {
    let mut out = set.clone();
    for key in ["f:apiVersion", "f:kind"] {
        if out.get(key).is_some() {
            out.remove(key);
        }
    }
    if let Some(metadata) = set.get("f:metadata") {
        let mut kept = metadata.clone();
        for key in UNOWNED.into_iter().chain(["."]) {
            if kept.get(key).is_some() {
                kept.remove(key);
            }
        }
        if kept.is_empty() {
            out.remove("f:metadata");
        } else {
            out.set("f:metadata", kept);
        }
    }
    out
}

/// The set without what a write of this part cannot change.
fn within(kind: Kind, part: Part, set: &Value) -> Value {
    let strategy = strategy::of(kind);
    match part {
        Part::Status | Part::Approval => {
            let set = sets::without_tree(set, &["f:spec"]);
            if strategy.status_keeps_labels { sets::without_tree(&set, &["f:metadata", "f:labels"]) } else { set }
        }
        _ if strategy.keeps_status => sets::without_tree(set, &["f:status"]),
        _ => set.clone(),
    }
}

/// An entry of the list.
#[derive(Clone, Copy)]
struct Writer<'a> {
    manager: &'a str,
    operation: &'static str,
    api_version: &'a str,
    part: Part,
}

impl Writer<'_> {
    fn is(&self, entry: &Value) -> bool {
        entry["manager"] == *self.manager
            && entry["operation"] == self.operation
            && entry["subresource"].str() == self.part.subresource()
            && (self.operation == "Apply" || entry["apiVersion"] == *self.api_version)
    }

    /// An entry without a set.
    fn entry(&self, now: &str) -> Value {
        let manager = if self.manager.is_empty() { "unknown" } else { self.manager };
        let mut entry = value!({
            "manager": manager, "operation": self.operation, "apiVersion": self.api_version, "time": now
        });
        if self.part != Part::Main {
            entry.set("subresource", self.part.subresource());
        }
        entry
    }
}

fn with_set(mut entry: Value, set: Value) -> Value {
    entry.set("fieldsType", "FieldsV1");
    entry.set("fieldsV1", set);
    entry
}

fn is_open(entry: &Value) -> bool {
    entry.get("fieldsV1").is_none()
}

/// Everything that is set in an object, as one who creates it owns it.
fn whole(of: Type<'_>, object: &Value) -> Value {
    let bare = match of {
        Type::Table(shape, _) => {
            shape.object().map_or_else(Value::object, |of| drydock_schema::normalize(of, &Value::object()))
        }
        _ => Value::object(),
    };
    stripped(&merge::compare(of, &bare, object).changed)
}

/// The entries of an object, every one with its set.
fn closed(of: Type<'_>, object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].items();
    if !entries.iter().any(is_open) {
        return entries.to_vec();
    }
    let mut owned = Value::object();
    for entry in entries.iter().filter(|entry| !is_open(entry)) {
        owned = sets::union(&owned, &entry["fieldsV1"]);
    }
    let all = sets::difference(&whole(of, object), &owned);
    let mut rest = [sets::without_tree(&all, &["f:status"]), Value::object()];
    if let Some(status) = all.get("f:status") {
        rest[1].set("f:status", status);
    }
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries {
        if !is_open(entry) {
            out.push(entry.clone());
            continue;
        }
        let mine = std::mem::replace(&mut rest[usize::from(!entry["subresource"].str().is_empty())], Value::object());
        if !mine.is_empty() {
            out.push(with_set(entry.clone(), mine));
        }
    }
    out
}

/// The object as a reader sees it: with whole entries.
pub(crate) fn shown(kind: Option<Kind>, object: &Value) -> Value {
    let mut out = object.clone();
    if object["metadata"]["managedFields"].items().iter().any(is_open)
        && let Some(parts) = kind.and_then(parts_of)
    {
        let entries = closed(parts.get(), object);
        out["metadata"].set("managedFields", Value::from(sorted(entries)));
    }
    out
}

/// Entries in the order in which they are kept: appliers first, then by time.
fn sorted(mut entries: Vec<Value>) -> Vec<Value> {
    entries.sort_compact_by_key(|entry| {
        ["operation", "time", "manager", "apiVersion", "subresource"].map(|key| entry[key].str().to_owned())
    });
    entries
}

/// How many updaters are kept apart.
const UPDATERS: usize = 10;

/// Puts the oldest updaters together when there are too many.
fn capped(mut entries: Vec<Value>) -> Vec<Value> {
    const ANCIENT: &str = "ancient-changes";
    let updaters = |entries: &[Value]| entries.iter().filter(|entry| entry["operation"] == "Update").count();
    while updaters(&entries) > UPDATERS {
        let mut at = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry["operation"] == "Update" && entry["manager"] != ANCIENT)
            .map(|(at, _)| at);
        let Some(first) = at.next() else { break };
        let oldest = entries.remove(first);
        let same = |entry: &Value| entry["manager"] == ANCIENT && entry["apiVersion"] == oldest["apiVersion"];
        match entries.iter_mut().find(|entry| same(entry)) {
            Some(ancient) => {
                let set = sets::union(&ancient["fieldsV1"], &oldest["fieldsV1"]);
                *ancient = with_set(oldest, set);
                ancient.set("manager", ANCIENT);
            }
            None => {
                let mut ancient = oldest;
                ancient.set("manager", ANCIENT);
                entries.insert(first, ancient);
            }
        }
    }
    entries
}

/// Takes what somebody else has changed or removed from everybody but the writer.
fn take_from_others(writer: &Writer<'_>, entries: &mut Vec<Value>, lost: &Value) {
    if lost.is_empty() {
        return;
    }
    for entry in entries.iter_mut().filter(|entry| !is_open(entry) && !writer.is(entry)) {
        let left = sets::difference(&entry["fieldsV1"], lost);
        if left != entry["fieldsV1"] {
            entry.set("fieldsV1", left);
        }
    }
    entries.retain(|entry| is_open(entry) || !entry["fieldsV1"].is_empty());
}

/// Sets what the writer owns. The time tells when that last changed.
fn own(writer: &Writer<'_>, entries: &mut Vec<Value>, set: Value, now: &str) {
    let at = entries.iter().position(|entry| writer.is(entry));
    match at {
        Some(at) if entries[at]["fieldsV1"] == set && entries[at]["apiVersion"] == *writer.api_version => {}
        Some(at) if set.is_empty() => {
            entries.remove(at);
        }
        Some(at) => entries[at] = with_set(writer.entry(now), set),
        None if set.is_empty() => {}
        None => entries.push(with_set(writer.entry(now), set)),
    }
}

impl ApiServer {
    fn stamp(&self) -> String {
        self.now.rfc3339()
    }
}

/// Whether a client has written entries itself, other than those that it was shown.
pub(crate) fn are_given(kind: Kind, old: &Value, new: &Value) -> bool {
    let given = &new["metadata"]["managedFields"];
    if given.items().is_empty() || given.ptr_eq(&old["metadata"]["managedFields"]) {
        return false;
    }
    *given != shown(Some(kind), old)["metadata"]["managedFields"] && *given != old["metadata"]["managedFields"]
}

/// The entries of a new object, before admission.
pub(crate) fn created(server: &ApiServer, cx: &Cx, kind: Kind, object: &Value) -> Value {
    let now = server.stamp();
    let api_version = object["apiVersion"].str();
    if cx.is_component {
        let manager = component(&cx.user.name);
        let writer = Writer { manager, operation: "Update", api_version, part: Part::Main };
        return Value::array([writer.entry(&now)]);
    }
    let Some(parts) = parts_of(kind) else { return Value::Null };
    let writer = Writer { manager: &cx.manager, operation: "Update", api_version, part: Part::Main };
    let mut entries = Vec::new();
    own(&writer, &mut entries, within(kind, Part::Main, &whole(parts.get(), object)), &now);
    if entries.is_empty() && strategy::of(kind).keeps_status {
        // A node of nothing but a status: who changes it later is tracked all the same.
        entries.push(with_set(writer.entry(&now), Value::object()));
    }
    Value::from(entries)
}

/// The entries of a changed object, before admission.
pub(crate) fn updated(server: &ApiServer, cx: &Cx, kind: Kind, part: Part, old: &Value, new: &Value) -> Value {
    let before = &old["metadata"]["managedFields"];
    if part == Part::Binding {
        return before.clone();
    }
    if cx.is_component {
        return updated_by_component(server, cx, kind, part, old, new).unwrap_or_else(|| before.clone());
    }
    let Some(parts) = parts_of(kind) else { return before.clone() };
    let of = parts.get();
    let mut entries = closed(of, old);
    let given = new["metadata"]["managedFields"].items();
    if given.len() == 1 && given[0].is_empty() {
        // Somebody asks to forget it all.
        return Value::Null;
    }
    if !given.is_empty() && given.iter().all(|entry| entry["fieldsV1"].as_object().is_some()) {
        entries = given.to_vec();
    }
    if entries.is_empty() {
        // What is not tracked stays so, until somebody applies.
        return before.clone();
    }
    let found = if part == Part::Scale && new["spec"]["replicas"].int() == 0 {
        // A scale says nothing of no replicas: they are let go, not owned.
        let mut new = new.clone();
        new["spec"].remove("replicas");
        merge::compare(of, old, &new)
    } else {
        merge::compare(of, old, new)
    };
    let changed = within(kind, part, &stripped(&found.changed));
    let removed = within(kind, part, &stripped(&found.removed));
    let writer = Writer { manager: &cx.manager, operation: "Update", api_version: old["apiVersion"].str(), part };
    take_from_others(&writer, &mut entries, &sets::union(&changed, &removed));
    let mine = entries.iter().find(|entry| writer.is(entry)).map(|entry| entry["fieldsV1"].clone()).unwrap_or_default();
    own(&writer, &mut entries, sets::union(&sets::difference(&mine, &removed), &changed), &server.stamp());
    Value::from(sorted(capped(entries)))
}

/// A component's write mostly changes nothing: its entry is there already, and nobody else has what it writes. None stands
/// for that.
fn updated_by_component(
    server: &ApiServer,
    cx: &Cx,
    kind: Kind,
    part: Part,
    old: &Value,
    new: &Value,
) -> Option<Value> {
    let before = old["metadata"]["managedFields"].items();
    let api_version = old["apiVersion"].str();
    let manager = component(&cx.user.name);
    let writer = Writer { manager, operation: "Update", api_version, part };
    let mine = before.iter().position(|entry| writer.is(entry));
    let is_status = part == Part::Status;
    // Whose entries could lose something: in the status, those who wrote there; else everybody with a set.
    let touches = |entry: &&Value| !is_open(entry) && (!is_status || entry["fieldsV1"].get("f:status").is_some());
    let others = before.iter().filter(touches).any(|entry| !writer.is(entry))
        || (is_status
            && before.iter().any(|entry| is_open(entry) && entry["subresource"] == "status" && !writer.is(entry)));
    if is_status && !others {
        if mine.is_some() || before.is_empty() || old["status"] == new["status"] {
            return None;
        }
        let mut entries = before.to_vec();
        entries.push(writer.entry(&server.stamp()));
        return Some(Value::from(entries));
    }
    let creator = before.iter().any(|entry| is_open(entry) && entry["subresource"].str().is_empty());
    if before.is_empty() || (!is_status && !others && creator) {
        return None;
    }
    let mut bare = [old.clone(), new.clone()];
    if !is_status {
        // What the part leaves alone need not be looked at.
        bare.iter_mut().for_each(|object| drop(object.remove("status")));
    }
    let parts = parts_of(kind)?;
    let of = parts.get();
    let found = merge::compare(of, &bare[0], &bare[1]);
    let changed = within(kind, part, &stripped(&found.changed));
    let removed = within(kind, part, &stripped(&found.removed));
    if changed.is_empty() && removed.is_empty() {
        return None;
    }
    let mut entries = before.to_vec();
    if is_status && entries.iter().any(|entry| is_open(entry) && entry["subresource"] == "status") {
        // Two write the status: from now on each has a set of its own.
        let known = closed(of, old);
        entries.retain(|entry| !(is_open(entry) && entry["subresource"] == "status"));
        entries.extend(
            known
                .into_iter()
                .filter(|entry| entry["subresource"] == "status" && !before.iter().any(|known| known == entry)),
        );
    }
    take_from_others(&writer, &mut entries, &sets::union(&changed, &removed));
    match entries.iter().position(|entry| writer.is(entry)) {
        Some(at) if is_open(&entries[at]) => {}
        Some(at) => {
            let set = sets::union(&sets::difference(&entries[at]["fieldsV1"], &removed), &changed);
            own(&writer, &mut entries, set, &server.stamp());
        }
        None => own(&writer, &mut entries, changed, &server.stamp()),
    }
    Some(Value::from(entries))
}

#[cfg(test)]
mod tests;
