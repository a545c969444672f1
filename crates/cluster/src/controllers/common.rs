//! What several controllers need: numbers off a spec, owner references, claiming by selector, pods made of a template,
//! conditions.

use drydock_api::Status;
use drydock_schema::labels::Selector;
use drydock_value::{Map, Str, Time, Value, value};

use super::actor;
use super::job::TRACKING;
use crate::ctx::Ctx;
use crate::events::{Reference, Source};
use crate::objects::{Object, shared};
use crate::store::{DeleteOptions, Kind, kinds};

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].str()
}

/// `spec.replicas`.
pub fn spec_replicas(object: &Value) -> i64 {
    object["spec"]["replicas"].int()
}

/// A number in `status`; 0 when it is not there.
pub fn status_int(object: &Value, field: &str) -> i64 {
    object["status"][field].int()
}

/// The label selector in `spec.selector`.
///
/// # Errors
/// When it cannot be read, which validation prevents.
pub fn selector(object: &Value) -> Result<Selector, Status> {
    Selector::from_label_selector(&object["spec"]["selector"])
        .map_err(|message| Status::new(500, "InternalError", message.to_string()))
}

/// Whether a selector matches an object's labels.
pub fn matches(selector: &Selector, object: &Object) -> bool {
    selector.matches(object.labels())
}

/// A condition on labels that remembers its last answer: what one template made shares one map of labels.
pub struct Matcher<F> {
    condition: F,
    last: Option<(Map, bool)>,
}

impl<F: Fn(&Map) -> bool> Matcher<F> {
    /// A matcher for a condition.
    pub fn new(condition: F) -> Matcher<F> {
        Matcher { condition, last: None }
    }

    /// Whether an object's labels meet the condition.
    pub fn matches(&mut self, object: &Object) -> bool {
        match &self.last {
            Some((labels, answer)) if labels.ptr_eq(object.labels()) => *answer,
            _ => {
                let answer = (self.condition)(object.labels());
                self.last = Some((object.labels().clone(), answer));
                answer
            }
        }
    }
}

/// The owner reference of what `owner` manages.
pub fn controller_ref(kind: Kind, owner: &Value) -> Value {
    value!({
        "apiVersion": kind.api_version(),
        "kind": kind.info().kind,
        "name": &owner["metadata"]["name"],
        "uid": &owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true
    })
}

/// What became of an object that a selector looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is the owner's.
    Keep,
    /// It is not, or not any more.
    Leave,
    /// It has no controller and should become the owner's.
    Adopt,
    /// It is the owner's and should not be any more.
    Release,
}

/// Whether `object` is `owner`'s: as client-go's ControllerRefManager decides.
pub fn judge(owner: &Object, selector: &Selector, object: &Object) -> Claim {
    judge_by(owner, |object| matches(selector, object), object)
}

/// The same, with whatever decides whether labels match.
pub fn judge_by(owner: &Object, mut matches: impl FnMut(&Object) -> bool, object: &Object) -> Claim {
    match object.controller() {
        Some(controller) if controller.uid != owner.uid => Claim::Leave,
        Some(_) if matches(object) => Claim::Keep,
        // An owner that is going away leaves its objects to the garbage collector.
        Some(_) if owner.deleting.is_some() => Claim::Leave,
        Some(_) => Claim::Release,
        None if owner.deleting.is_some() || object.deleting.is_some() => Claim::Leave,
        None if matches(object) => Claim::Adopt,
        None => Claim::Leave,
    }
}

/// Judges an object and does what follows; answers whether it is the owner's afterwards.
///
/// # Errors
/// What the API server refuses, but that the object is gone.
pub fn claim(
    ctx: &mut Ctx<'_>,
    actor: &str,
    owner_kind: Kind,
    owner: &Object,
    selector: &Selector,
    kind: Kind,
    object: &Object,
) -> Result<bool, Status> {
    let namespace = object.namespace();
    match judge(owner, selector, object) {
        Claim::Keep => Ok(true),
        Claim::Leave => Ok(false),
        Claim::Adopt => {
            // The cache may lag: an owner that is gone, or another one by now, must not adopt.
            let mut client = ctx.client(actor);
            let fresh = client.get(owner_kind, &owner.key.namespace, &owner.key.name)?;
            if fresh["metadata"]["uid"] != owner.uid.as_str() || !fresh["metadata"]["deletionTimestamp"].is_null() {
                return Ok(false);
            }
            let mut adopted = object.value.clone();
            adopted["metadata"]["ownerReferences"].push(controller_ref(owner_kind, &owner.value));
            if owner_kind == kinds::JOBS {
                adopted["metadata"]["finalizers"].push(TRACKING);
            }
            ignore_absent(client.update(kind, namespace, adopted)).map(|adopted| adopted.is_some())
        }
        Claim::Release => {
            let mut released = object.value.clone();
            let references = released["metadata"]["ownerReferences"].items_mut();
            references.retain(|reference| reference["uid"] != owner.uid.as_str());
            if references.is_empty() {
                released["metadata"].remove("ownerReferences");
            }
            if owner_kind == kinds::JOBS {
                remove_finalizer(&mut released, TRACKING);
            }
            ignore_absent(ctx.client(actor).update(kind, namespace, released)).map(|_| false)
        }
    }
}

/// Takes a finalizer off an object.
pub fn remove_finalizer(object: &mut Value, name: &str) {
    let finalizers = object["metadata"]["finalizers"].items_mut();
    finalizers.retain(|finalizer| finalizer != name);
    if finalizers.is_empty() {
        object["metadata"].remove("finalizers");
    }
}

/// A result in which `NotFound` is no error.
///
/// # Errors
/// Any other error.
pub fn ignore_absent(result: Result<Value, Status>) -> Result<Option<Value>, Status> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(status) if status.is("NotFound") => Ok(None),
        Err(status) => Err(status),
    }
}

/// Whether a write was refused since its namespace is going away.
pub fn namespace_terminating(status: &Status) -> bool {
    status.causes.iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// Does something that often, in batches that double while all goes well: what fails for one is not tried for all.
/// Answers how many were not tried, and the last failure.
pub fn in_batches(count: usize, one: &mut dyn FnMut(usize) -> Result<(), Status>) -> (usize, Result<(), Status>) {
    let (mut done, mut batch, mut result) = (0, 1, Ok(()));
    while done < count && result.is_ok() {
        let end = count.min(done + batch);
        for at in done..end {
            if let Err(status) = one(at) {
                result = Err(status);
            }
        }
        (done, batch) = (end, batch * 2);
    }
    (count - done, result)
}

/// A controller's hands for pods: creates and deletes them, and tells by events.
#[derive(Debug, Clone)]
pub struct PodControl {
    /// The user to write as.
    pub actor: String,
    /// Who reports.
    pub source: Source,
}

impl PodControl {
    /// The pod control of a controller.
    pub fn new(name: &str) -> PodControl {
        PodControl { actor: actor(name), source: super::source(name) }
    }

    /// The pod that a template and its owner make, without a name of its own yet.
    pub fn pod(template: &Value, owner_kind: Kind, owner: &Value) -> Value {
        let name = owner["metadata"]["name"].str();
        let from = &template["metadata"];
        let mut metadata = value!({
            "generateName": format!("{name}-"),
            "ownerReferences": [controller_ref(owner_kind, owner)]
        });
        for field in ["labels", "annotations", "finalizers"] {
            if !from[field].is_empty() {
                metadata.set(field, &from[field]);
            }
        }
        value!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": &template["spec"]})
    }

    /// Creates a pod of an owner.
    ///
    /// # Errors
    /// What the API server refuses; an event told about it.
    pub fn create(&self, ctx: &mut Ctx<'_>, owner: &Value, pod: Value) -> Result<Value, Status> {
        let namespace = shared(&owner["metadata"]["namespace"]);
        let about = Reference::of(owner);
        match ctx.client(&self.actor).create(kinds::PODS, &namespace, pod) {
            Ok(pod) => {
                let message = format!("Created pod: {}", pod["metadata"]["name"].str());
                ctx.event(&self.source, &about, "Normal", "SuccessfulCreate", &message);
                Ok(pod)
            }
            Err(status) => {
                if !namespace_terminating(&status) {
                    let message = format!("Error creating: {}", status.message);
                    ctx.event(&self.source, &about, "Warning", "FailedCreate", &message);
                }
                Err(status)
            }
        }
    }

    /// Deletes a pod of an owner.
    ///
    /// # Errors
    /// What the API server refuses; an event told about it unless the pod was gone.
    pub fn delete(&self, ctx: &mut Ctx<'_>, owner: &Value, pod: &Str) -> Result<(), Status> {
        let namespace = shared(&owner["metadata"]["namespace"]);
        let about = Reference::of(owner);
        let deleted = ctx.client(&self.actor).delete(kinds::PODS, &namespace, pod, &DeleteOptions::default());
        match deleted {
            Ok(_) => {
                ctx.event(&self.source, &about, "Normal", "SuccessfulDelete", &format!("Deleted pod: {pod}"));
                Ok(())
            }
            Err(status) => {
                if !status.is("NotFound") {
                    let message = format!("Error deleting: {}", status.message);
                    ctx.event(&self.source, &about, "Warning", "FailedDelete", &message);
                }
                Err(status)
            }
        }
    }
}

/// The condition of a type in `status.conditions`.
pub fn condition<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object["status"]["conditions"].find("type", name)
}

/// Puts a condition at the end of a list, in place of one of its type; leaves the list alone when the one that is
/// there says the same. The time of transition is kept while the status is.
pub fn set_condition(conditions: &mut Value, mut new: Value) {
    if let Some(old) = conditions.find("type", new["type"].str()) {
        if old["status"] == new["status"] && old["reason"] == new["reason"] {
            return;
        }
        if old["status"] == new["status"] {
            let since = old["lastTransitionTime"].clone();
            new.set("lastTransitionTime", since);
        }
    }
    remove_condition(conditions, new["type"].str());
    conditions.push(new);
}

/// Takes the condition of a type out of a list.
pub fn remove_condition(conditions: &mut Value, name: &str) {
    if conditions.find("type", name).is_some() {
        conditions.items_mut().retain(|condition| condition["type"] != name);
    }
}

/// A condition as most kinds have it.
pub fn new_condition(kind: &str, status: &str, reason: &str, message: &str, now: Time) -> Value {
    value!({
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now.rfc3339()
    })
}

/// FNV-1a, 32 bits.
pub fn fnv32(text: &str, seed: Option<i64>) -> u32 {
    let count = seed.map(i64::to_le_bytes);
    let bytes = text.bytes().chain(count.into_iter().flatten());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A number as letters and digits that spell no words: apimachinery's `SafeEncodeString` of its decimal digits.
pub fn safe_encode(number: u32) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    number.to_string().bytes().map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])).collect()
}

/// The hash of a pod template, as it stands in names and in `pod-template-hash`.
pub fn template_hash(template: &Value, collisions: Option<i64>) -> String {
    safe_encode(fnv32(&drydock_value::to_json(template), collisions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_in_kubernetes_alphabet() {
        assert_eq!(safe_encode(2_267_890_134), "66bcdf4578");
        assert_eq!(fnv32("foobar", None), 0xbf9c_f968);
        let template = value!({"spec": {"containers": []}});
        assert_ne!(template_hash(&template, None), template_hash(&template, Some(1)));
    }

    #[test]
    fn batches_double_until_one_fails() {
        // How many there are, the first that fails, how many are tried.
        for (count, fails, tried) in [(0, 9, 0), (5, 9, 5), (5, 0, 1), (9, 1, 3), (9, 4, 7), (9, 8, 9)] {
            let mut calls = 0;
            let (skipped, result) = in_batches(count, &mut |at| {
                calls += 1;
                if at >= fails { Err(Status::new(403, "Forbidden", "no")) } else { Ok(()) }
            });
            assert_eq!((calls, skipped, result.is_ok()), (tried, count - tried, fails >= count), "{count} {fails}");
        }
    }

    #[test]
    fn a_condition_keeps_its_transition_while_its_status_stays() {
        let at = Time::from_seconds;
        let mut conditions = Value::Null;
        set_condition(&mut conditions, new_condition("A", "True", "One", "", at(1)));
        set_condition(&mut conditions, new_condition("B", "True", "One", "", at(1)));
        set_condition(&mut conditions, new_condition("A", "True", "Two", "", at(2)));
        let list: Vec<String> = conditions
            .items()
            .iter()
            .map(|c| format!("{} {} {}", c["type"].str(), c["reason"].str(), &c["lastTransitionTime"].str()[17..]))
            .collect();
        assert_eq!(list, ["B One 01Z", "A Two 01Z"]);
    }

    #[test]
    fn ownership_follows_selector_and_reference() {
        let owner = Object::read(value!({"metadata": {"name": "o", "uid": "u"}}), false);
        let selector = Selector::from_label_selector(&value!({"matchLabels": {"a": "b"}})).unwrap();
        let pod = |label: &str, owner: Option<&str>, deleting: bool| {
            let mut pod = value!({"metadata": {"name": "p", "labels": {"a": label}}});
            if let Some(uid) = owner {
                pod["metadata"].set("ownerReferences", value!([{"uid": uid, "controller": true}]));
            }
            if deleting {
                pod["metadata"].set("deletionTimestamp", "2026-11-22T13:56:49Z");
            }
            Object::read(pod, true)
        };
        let cases = [
            (pod("b", Some("u"), false), Claim::Keep),
            (pod("x", Some("u"), false), Claim::Release),
            (pod("b", Some("v"), false), Claim::Leave),
            (pod("b", None, false), Claim::Adopt),
            (pod("b", None, true), Claim::Leave),
            (pod("x", None, false), Claim::Leave),
        ];
        for (pod, claim) in cases {
            assert_eq!(judge(&owner, &selector, &pod), claim, "{:?}", pod.value);
        }
    }
}
