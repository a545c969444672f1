//! `kubectl rollout undo`

use drydock_api::Body;
use drydock_value::{Value, value};

use super::history::refuse_others;
use super::revisions;
use crate::builder::Info;
use crate::change::applied::LAST_APPLIED;
use crate::change::each;
use crate::change::printing::Printing;
use crate::client::patch_type;
use crate::commands::{Outcome, acts};
use crate::describe;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, &["dry-run", "selector", "to-revision"]];

/// Annotations of a deployment that stay when it goes back.
const KEPT: [&str; 6] = [
    LAST_APPLIED,
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// `kubectl rollout undo`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    let to = inv.flags.int("to-revision");
    let found = super::find(inv, io)?;
    each(found, |info| {
        refuse_others(&info, "rollbacker", "rollbacker")?;
        if !info.object["metadata"]["annotations"][LAST_APPLIED].is_null() {
            let name = format!("{}/{}", info.resource.id.resource, info.name);
            io.eprintln(format!(
                "Warning: resource {name} was previously managed with 'kubectl apply'. Rolling back will not update the kubectl.kubernetes.io/last-applied-configuration annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead."
            ));
        }
        let outcome = back(inv, io, &info, to, dry_run)?;
        printing.print(io, &info.object, &outcome)
    })?;
    Ok(Outcome::Done)
}

/// Goes back to a revision (0: the one before), and says what was done.
fn back(inv: &mut Invocation, io: &mut Io<'_>, info: &Info, to: i64, dry_run: DryRun) -> Result<String, Failure> {
    let unknown = || Failure::Error(format!("unable to find specified revision {to} in history"));
    if to < 0 {
        return Err(unknown());
    }
    let is_deployment = info.resource.kind == "Deployment";
    let known = revisions::of(inv, io, info)?;
    let revision = match to {
        0 => known.values().rev().nth(1).ok_or_else(|| {
            Failure::Error(if is_deployment {
                format!("no rollout history found for deployment {:?}", info.name)
            } else {
                "no last revision to roll back to".into()
            })
        })?,
        number => known.get(&number).ok_or_else(unknown)?,
    };
    if dry_run == DryRun::Client {
        let text = describe::template_text(&revisions::object_at(info, revision)?["spec"]["template"]);
        return Ok(if is_deployment { text } else { format!("will roll back to {text}") });
    }
    if is_deployment && info.object["spec"]["paused"].is_true() {
        return Err(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again"
                .into(),
        );
    }
    if revisions::is_current(info, revision) {
        return Ok(format!("skipped rollback (current template already matches revision {to})"));
    }
    let (content_type, patch) = if is_deployment {
        (patch_type::JSON, deployment_patch(&info.object, revision))
    } else {
        (patch_type::STRATEGIC, revision["data"].clone())
    };
    let (client, body) = (inv.client(io)?, Body::Value(patch));
    let params = [dry_run.param()];
    client
        .patch(io, &info.resource, &info.namespace, &info.name, content_type, body, &params)
        .map_err(|failure| failure.context(&format!("failed restoring revision {to}")))?;
    Ok("rolled back".into())
}

/// Puts template and annotations of a replica set back into its deployment.
fn deployment_patch(deployment: &Value, set: &Value) -> Value {
    let mut annotations = Value::object();
    for (key, value) in deployment["metadata"]["annotations"].entries().filter(|(key, _)| KEPT.contains(key)) {
        annotations.set(key, value);
    }
    for (key, value) in set["metadata"]["annotations"].entries().filter(|(key, _)| !KEPT.contains(key)) {
        annotations.set(key, value);
    }
    let template = describe::without_hash(&set["spec"]["template"]);
    value!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations}
    ])
}
