//! `kubectl create job`

use drydock_value::{Value, value};

use crate::builder::{self, Query};
use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let command = generate::command(inv);
    let (image, from) = (inv.flags.str("image").to_owned(), inv.flags.str("from").to_owned());
    if image.is_empty() == from.is_empty() {
        return Err("either --image or --from must be specified".into());
    }
    if !command.is_empty() && !from.is_empty() {
        return Err("cannot specify --from and command".into());
    }
    let mut object = if from.is_empty() {
        value!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": &name},
            "spec": {"template": template(&name, &image, command, "Never")}, "status": {}
        })
    } else {
        from_cron_job(inv, io, &name, &from)?
    };
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create job:")?;
    Ok(Outcome::Done)
}

/// The template of a job's pods.
pub(super) fn template(name: &str, image: &str, command: Vec<String>, restart: &str) -> Value {
    let mut container = value!({"name": name, "image": image, "resources": {}});
    if !command.is_empty() {
        container.set("command", command);
    }
    value!({"metadata": {}, "spec": {"containers": [container], "restartPolicy": restart}})
}

fn from_cron_job(inv: &mut Invocation, io: &mut Io<'_>, name: &str, from: &str) -> Result<Value, Failure> {
    let query = Query::new(inv, io, &[from.to_owned()])?;
    let infos = builder::find(&query, inv, io)?.infos()?;
    let [info] = infos.as_slice() else { return Err("from must be an existing cronjob".into()) };
    builder::known(&info.object)?;
    if info.resource.kind != "CronJob" {
        let gvk = info.resource.gvk();
        let gv = format!("{}/{}", gvk.group, gvk.version);
        return Err(format!("unknown object type {gv}, Kind={} must be a CronJob", gvk.kind).into());
    }
    let cron_job = &info.object;
    let job = &cron_job["spec"]["jobTemplate"];
    let mut annotations = match &job["metadata"]["annotations"] {
        Value::Null => Value::object(),
        annotations => annotations.clone(),
    };
    annotations.set("cronjob.kubernetes.io/instantiate", "manual");
    let mut metadata = value!({
        "name": name, "annotations": annotations,
        "ownerReferences": [{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": &cron_job["metadata"]["name"],
            "uid": &cron_job["metadata"]["uid"], "controller": true
        }]
    });
    if !job["metadata"]["labels"].is_null() {
        metadata.set("labels", &job["metadata"]["labels"]);
    }
    Ok(value!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": &job["spec"], "status": {}}))
}
