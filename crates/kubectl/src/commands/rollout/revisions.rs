//! The revisions that an object can go back to: replica sets of deployments, controller revisions of the others.

use drydock_sorted::SortedMap;

use drydock_value::{Value, value};

use crate::builder::Info;
use crate::change::{known_resource, patching};
use crate::client::{ListOptions, patch_type};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The annotation that says why an object was changed.
pub const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// The revisions of an object: replica sets or controller revisions, by number.
///
/// # Errors
/// When they cannot be had.
pub fn of(inv: &mut Invocation, io: &mut Io<'_>, info: &Info) -> Result<SortedMap<i64, Value>, Failure> {
    let is_deployment = info.resource.kind == "Deployment";
    let plural = if is_deployment { "replicasets" } else { "controllerrevisions" };
    let resource = known_resource(inv, io, "apps", plural)?;
    let labels = crate::describe::format::selector_text(&info.object["spec"]["selector"])?;
    let options = ListOptions { labels, ..ListOptions::default() };
    let list = inv.client(io)?.list(io, &resource, &info.namespace, &options)?;
    let uid = &info.object["metadata"]["uid"];
    let owned = list["items"]
        .items()
        .iter()
        .filter(|item| crate::describe::format::controller_of(item).is_some_and(|owner| &owner["uid"] == uid));
    let mut revisions = SortedMap::new();
    for item in owned {
        let number = if is_deployment {
            item["metadata"]["annotations"][REVISION].str().parse().ok()
        } else {
            Some(item["revision"].int())
        };
        if let Some(number) = number {
            let mut item = item.clone();
            item.set("kind", &resource.kind);
            item.set("apiVersion", "apps/v1");
            revisions.insert(number, item);
        }
    }
    Ok(revisions)
}

/// The object as it was at a revision: of a deployment its replica set, of the others the object with that template.
///
/// # Errors
/// When the revision does not fit the object.
pub fn object_at(info: &Info, revision: &Value) -> Result<Value, Failure> {
    if info.resource.kind == "Deployment" {
        return Ok(revision.clone());
    }
    let object = patching::apply(patch_type::STRATEGIC, &info.object, &revision["data"]);
    object.map_err(|_| format!("unable to parse history {}", revision["metadata"]["name"].str()).into())
}

/// The pod template of a revision.
///
/// # Errors
/// When the revision does not fit the object.
pub fn template_at(info: &Info, revision: &Value) -> Result<Value, Failure> {
    let mut template = object_at(info, revision)?["spec"]["template"].clone();
    let cause = revision["metadata"]["annotations"][CHANGE_CAUSE].str();
    if info.resource.kind == "Deployment" && !cause.is_empty() {
        template["metadata"]["annotations"].set(CHANGE_CAUSE, cause);
    }
    Ok(template)
}

/// The patch of a controller revision that stands for an object as it is now.
pub fn current_patch(object: &Value) -> Value {
    let mut template = object["spec"]["template"].clone();
    template.set("$patch", "replace");
    value!({"spec": {"template": template}})
}

/// Whether an object is at a revision already.
pub fn is_current(info: &Info, revision: &Value) -> bool {
    if info.resource.kind == "Deployment" {
        let without_hash = crate::describe::without_hash;
        return without_hash(&revision["spec"]["template"]) == without_hash(&info.object["spec"]["template"]);
    }
    current_patch(&info.object) == revision["data"]
}
