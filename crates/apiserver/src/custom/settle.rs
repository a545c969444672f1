//! What the real server's own controllers do for CRDs: names are accepted, then the resource is established; when a CRD is
//! deleted, its objects go first.

use drydock_api::Status;
use drydock_value::{Time, Value, value};

use crate::kinds::CUSTOM_RESOURCE_DEFINITIONS as CRDS;
use crate::server::ApiServer;
use crate::user::User;
use crate::verbs::{Cx, DeleteOptions, Part};

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// Does what is left to do. Called with every step of the clock, so it looks only when something was written.
pub(crate) fn settle(server: &mut ApiServer) {
    if !server.customs.unsettled {
        return;
    }
    let crds: Vec<Value> = server.store.all(CRDS).cloned().collect();
    let mut waiting = false;
    for crd in &crds {
        let done = if crd["metadata"]["deletionTimestamp"].is_null() {
            establish(server, crd, &crds).map(|()| true)
        } else {
            clean_up(server, crd)
        };
        waiting |= !matches!(done, Ok(true));
    }
    std::sync::Arc::make_mut(&mut server.customs).unsettled = waiting;
    crate::boot::apart(server, crate::aggregated::follow_custom);
}

fn cx() -> Cx {
    Cx::component(User::named("system:apiserver"))
}

fn write(server: &mut ApiServer, crd: &Value, part: Part, new: Value) -> Result<(), Status> {
    let name = crd["metadata"]["name"].str().to_owned();
    server.update(&mut cx(), CRDS, "", &name, part, &mut |_, _, _| Ok(new.clone())).map(drop)
}

/// Names that another CRD of the group has already.
fn conflict(crd: &Value, crds: &[Value]) -> Option<(&'static str, String)> {
    let accepted = |other: &Value| {
        let names = &other["status"]["acceptedNames"];
        let mut all = vec![names["plural"].str().to_owned(), names["singular"].str().to_owned()];
        all.extend(super::texts(&names["shortNames"]));
        all
    };
    let others = crds.iter().filter(|other| {
        other["spec"]["group"] == crd["spec"]["group"] && other["metadata"]["name"] != crd["metadata"]["name"]
    });
    let names = &crd["spec"]["names"];
    for other in others {
        let taken = accepted(other);
        let in_use = |name: &str| !name.is_empty() && taken.iter().any(|taken| taken == name);
        for (reason, given) in
            [("PluralConflict", names["plural"].str()), ("SingularConflict", names["singular"].str())]
        {
            if in_use(given) {
                return Some((reason, format!("{given:?} is already in use")));
            }
        }
        if let Some(short) = names["shortNames"].items().iter().find(|short| in_use(short.str())) {
            return Some(("ShortNamesConflict", format!("{:?} is already in use", short.str())));
        }
        let kinds = &other["status"]["acceptedNames"];
        let (kind, list) = (names["kind"].str(), names["listKind"].str());
        if [kinds["kind"].str(), kinds["listKind"].str()].contains(&kind) {
            return Some(("KindConflict", format!("{kind:?} is already in use")));
        }
        if [kinds["kind"].str(), kinds["listKind"].str()].contains(&list) {
            return Some(("ListKindConflict", format!("{list:?} is already in use")));
        }
    }
    None
}

fn establish(server: &mut ApiServer, crd: &Value, crds: &[Value]) -> Result<(), Status> {
    let found = conflict(crd, crds);
    let now = server.now.rfc3339();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| value!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": &now});
    let (mut names, mut established) = (
        condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
        condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
    );
    if let Some((reason, message)) = &found {
        names = condition("NamesAccepted", "False", reason, message);
        established = condition("Established", "False", "NotAccepted", "not all names are accepted");
    }
    let old = &crd["status"]["conditions"];
    let same = |new: &Value| old.find("type", new["type"].str()).is_some_and(|old| old["status"] == new["status"]);
    let current = same(&names) && same(&established) && crd["status"]["acceptedNames"] == crd["spec"]["names"];
    if !(current || found.is_some() && same(&names)) {
        let mut kept: Vec<Value> = Vec::new();
        for new in [names, established] {
            kept.push(if same(&new) { old.find("type", new["type"].str()).cloned().unwrap_or_default() } else { new });
        }
        let mut new = crd.clone();
        new["status"].set("conditions", Value::from(kept));
        if found.is_none() {
            let names = crd["spec"]["names"].clone();
            new["status"].set("acceptedNames", names);
        }
        write(server, crd, Part::Status, new)?;
    }
    Ok(())
}

/// What a deletion makes of a CRD: its objects go before it does.
pub(crate) fn mark_deleted(crd: &mut Value, old: &Value, now: Time) {
    let metadata = &mut crd["metadata"];
    metadata.remove("deletionGracePeriodSeconds");
    metadata.set("generation", &old["metadata"]["generation"]);
    if !metadata["finalizers"].items().iter().any(|finalizer| *finalizer == CLEANUP) {
        metadata["finalizers"].push(CLEANUP);
    }
    crd["status"]["conditions"].push(value!({
        "type": "Terminating", "status": "True", "lastTransitionTime": now.rfc3339(), "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    }));
}

/// Deletes a CRD's objects; when none is left, lets the CRD go.
fn clean_up(server: &mut ApiServer, crd: &Value) -> Result<bool, Status> {
    let name = crd["metadata"]["name"].str();
    if !crd["metadata"]["finalizers"].items().iter().any(|finalizer| *finalizer == CLEANUP) {
        return Ok(true);
    }
    if let Some(kind) = server.customs.kind_of(name) {
        let objects: Vec<Value> = server.store.all(kind).cloned().collect();
        for object in &objects {
            let metadata = &object["metadata"];
            if metadata["deletionTimestamp"].is_null() {
                let options = DeleteOptions::default();
                server.delete(&mut cx(), kind, metadata["namespace"].str(), metadata["name"].str(), &options)?;
            }
        }
        if server.store.count_of(kind) > 0 {
            return Ok(false);
        }
    }
    let mut new = crd.clone();
    new["metadata"]["finalizers"].items_mut().retain(|finalizer| *finalizer != CLEANUP);
    write(server, crd, Part::Main, new)?;
    Ok(true)
}
