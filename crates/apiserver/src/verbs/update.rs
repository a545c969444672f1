//! Update, of an object or of one of its subresources; patches end here too.

use drydock_api::Status;
use drydock_value::Value;

use crate::admission::{self, Attributes, Operation};
use crate::kinds::{self, Kind};
use crate::managed;
use crate::server::ApiServer;
use crate::strategy::{self, Strategy};
use crate::validation::Errors;
use crate::verbs::{Cx, MODIFIED, conflict, fit_namespace, not_found, tidy};

/// Which part of an object a request writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status.
    Main,
    /// The status.
    Status,
    /// The `scale` subresource: the replicas.
    Scale,
    /// A namespace's `finalize`.
    Finalize,
    /// A certificate signing request's `approval`.
    Approval,
    /// A pod's `ephemeralcontainers`.
    EphemeralContainers,
    /// A pod's `resize`.
    Resize,
    /// A pod's `binding`.
    Binding,
}

impl Part {
    /// The subresource's name; empty for the object itself.
    pub(crate) fn subresource(self) -> &'static str {
        match self {
            Part::Main => "",
            Part::Status => "status",
            Part::Scale => "scale",
            Part::Finalize => "finalize",
            Part::Approval => "approval",
            Part::EphemeralContainers => "ephemeralcontainers",
            Part::Resize => "resize",
            Part::Binding => "binding",
        }
    }
}

impl ApiServer {
    /// Changes an object by `change`, which gets the stored object and answers the whole new one, decoded and
    /// defaulted. Answers the object as it is afterwards; one that did not change keeps its resourceVersion.
    pub(crate) fn update(
        &mut self,
        cx: &mut Cx,
        kind: Kind,
        namespace: &str,
        name: &str,
        part: Part,
        change: &mut dyn FnMut(&ApiServer, &mut Cx, &Value) -> Result<Value, Status>,
    ) -> Result<Value, Status> {
        let info = kind.info();
        let strategy = strategy::of(kind);
        let old = self.store.get(kind, namespace, name).cloned().ok_or_else(|| not_found(kind, name))?;
        let mut new = change(self, cx, &old)?;

        let given = new["metadata"]["name"].str();
        if given != name {
            return Err(Status::bad_request(if given.is_empty() {
                format!("the name of the object ({name} based on URL) was undeterminable: name must be provided")
            } else {
                format!("the name of the object ({given}) does not match the name on the URL ({name})")
            }));
        }
        fit_namespace(kind, namespace, &mut new)?;
        new.set("apiVersion", kind.api_version());
        new.set("kind", info.kind);
        check_uid(kind, &old, &new)?;
        let version = new["metadata"]["resourceVersion"].str();
        if !version.is_empty() && version != "0" && version != old["metadata"]["resourceVersion"].str() {
            return Err(conflict(kind, name, MODIFIED));
        }
        if version.is_empty() && !strategy.unconditional_update && part == Part::Main {
            let mut errors = Errors::default();
            let path = crate::validation::Path::new("metadata");
            errors.invalid(&path.field("resourceVersion"), 0, "must be specified for an update");
            // The real server names the resource where the kind stands elsewhere.
            return Err(Status::invalid(info.group, info.resource, name, errors.0));
        }

        // What is applied, and entries that the client wrote itself, count as a change of their own.
        let own_change = cx.managed.is_some() || (!cx.is_component && managed::are_given(kind, &old, &new));
        let managed = cx.managed.take().unwrap_or_else(|| managed::updated(self, cx, kind, part, &old, &new));
        let attributes = Attributes::new(Operation::Update, kind, namespace, part.subresource());
        admission::mutate(self, cx, &attributes, &mut new, Some(&old))?;
        keep_system_fields(&mut new, &old);
        let mut new = restrict(strategy, part, new, &old);
        if !managed.is_empty() {
            new["metadata"].set("managedFields", managed);
        } else if new["metadata"].get("managedFields").is_some() {
            new["metadata"].remove("managedFields");
        }
        if let Some(prepare) = strategy.prepare_update {
            prepare(self, part, &mut new, &old)?;
        }
        if let (Some(allocate), Part::Main) = (strategy.allocate, part) {
            allocate(self, &mut new, Some(&old))?;
        }
        if let (Some(changed), Part::Main | Part::Scale | Part::EphemeralContainers | Part::Resize) =
            (strategy.generation, part)
            && changed(&old, &new)
        {
            let generation = old["metadata"]["generation"].int() + 1;
            new["metadata"].set("generation", generation);
        }

        let mut errors = Errors::default();
        strategy::validate_update(strategy, part, &new, &old, &mut errors);
        crate::custom::validate(cx, kind, &new, Some(&old), &mut errors);
        if !errors.is_empty() {
            return Err(Status::invalid(info.group, info.kind, name, errors.0));
        }
        // Parts of the cluster do not read them.
        if let (Some(warnings), Part::Main | Part::Scale, false) = (strategy.warnings, part, cx.is_component) {
            for warning in warnings(&new, Some(&old)) {
                cx.warn(warning);
            }
        }
        admission::validate(self, cx, &attributes, &new, Some(&old))?;

        new["metadata"].set("resourceVersion", &old["metadata"]["resourceVersion"]);
        if !own_change && new["metadata"]["managedFields"] != old["metadata"]["managedFields"] {
            keep_entries(&mut new, &old);
        }
        if new == old && !finished(kind, &new) {
            return Ok(old);
        }
        admission::charge(self, cx, &attributes, &new, Some(&old))?;
        if cx.dry_run {
            return Ok(new);
        }
        if !cx.is_component {
            super::check_size(&new)?;
        }
        let verb = if part == Part::Main { "update" } else { part.subresource() };
        self.store.written_by(&cx.user.name, verb, self.now);
        if finished(kind, &new) {
            return Ok(self.take_away(kind, namespace, name).unwrap_or(new));
        }
        let stored = self.store.put(kind, new)?;
        if let Some(account) = strategy.account {
            account(self, Some(&old), Some(&stored));
        }
        Ok(stored)
    }

    /// Removes an object from the store and gives back what it held.
    pub(crate) fn take_away(&mut self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let last = self.store.remove(kind, namespace, name)?;
        if let Some(account) = strategy::of(kind).account {
            account(self, Some(&last), None);
        }
        Some(last)
    }
}

/// Keeps the entries as they were when nothing else has changed: the client wrote what it may not.
fn keep_entries(new: &mut Value, old: &Value) {
    let mut same = new.clone();
    match old["metadata"].get("managedFields") {
        Some(entries) => same["metadata"].set("managedFields", entries),
        None => drop(same["metadata"].remove("managedFields")),
    }
    if same == *old {
        *new = same;
    }
}

/// Whether an object that is being deleted has nothing left to wait for.
pub(crate) fn finished(kind: Kind, object: &Value) -> bool {
    let metadata = &object["metadata"];
    !metadata["deletionTimestamp"].is_null()
        && metadata["finalizers"].items().is_empty()
        && metadata["deletionGracePeriodSeconds"].int() == 0
        && (kind != kinds::NAMESPACES || object["spec"]["finalizers"].items().is_empty())
}

fn check_uid(kind: Kind, old: &Value, new: &Value) -> Result<(), Status> {
    let (given, actual) = (new["metadata"]["uid"].str(), old["metadata"]["uid"].str());
    if given.is_empty() || given == actual {
        return Ok(());
    }
    let metadata = &old["metadata"];
    let name = metadata["name"].str();
    let namespace = metadata["namespace"].str();
    let slash = if namespace.is_empty() { "" } else { "/" };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}{}/{namespace}{slash}{name}, ResourceVersion: 0, \
         AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {actual}",
        if crate::custom::version(crate::registry::storage(kind)).is_some() {
            format!("{}/", kind.info().group)
        } else {
            String::new()
        },
        kind.info().resource,
    );
    Err(conflict(kind, name, &why))
}

const GRACE: &str = "deletionGracePeriodSeconds";

/// What no update changes. Of the deletion's fields what is there stays; that none is added, validation sees to.
fn keep_system_fields(new: &mut Value, old: &Value) {
    let before = &old["metadata"];
    let metadata = &mut new["metadata"];
    for key in ["uid", "creationTimestamp", "generation", "selfLink"] {
        match before.get(key) {
            Some(value) => metadata.set(key, value),
            None => {
                if metadata.get(key).is_some() {
                    metadata.remove(key);
                }
            }
        }
    }
    if let Some(value) = before.get("deletionTimestamp") {
        metadata.set("deletionTimestamp", value);
    }
    if let (Some(value), None) = (before.get(GRACE), metadata.get(GRACE)) {
        metadata.set(GRACE, value);
    }
    for key in ["labels", "annotations", "ownerReferences", "finalizers"] {
        tidy(metadata, key);
    }
}

/// Leaves of the new object only what the part may change; the rest stays as it was.
fn restrict(strategy: &Strategy, part: Part, mut new: Value, old: &Value) -> Value {
    match part {
        Part::Main => {
            if strategy.keeps_status {
                match old.get("status") {
                    Some(status) => new.set("status", status),
                    None => {
                        new.remove("status");
                    }
                }
            }
            new
        }
        Part::Status | Part::Approval => {
            let mut kept = old.clone();
            match new.get("status") {
                Some(status) => kept.set("status", status),
                None => {
                    kept.remove("status");
                }
            }
            let mut metadata = new.remove("metadata");
            if strategy.status_keeps_labels {
                match old["metadata"].get("labels") {
                    Some(labels) => metadata.set("labels", labels),
                    None => {
                        metadata.remove("labels");
                    }
                }
            }
            for key in ["ownerReferences"] {
                match old["metadata"].get(key) {
                    Some(value) => metadata.set(key, value),
                    None => {
                        metadata.remove(key);
                    }
                }
            }
            kept.set("metadata", metadata);
            kept
        }
        Part::Finalize => {
            let mut kept = old.clone();
            kept.set("spec", new.remove("spec"));
            kept
        }
        Part::EphemeralContainers => {
            let mut kept = old.clone();
            match &new["spec"]["ephemeralContainers"] {
                Value::Null => drop(kept["spec"].remove("ephemeralContainers")),
                containers => kept["spec"].set("ephemeralContainers", containers),
            }
            kept
        }
        Part::Scale | Part::Resize | Part::Binding => new,
    }
}
