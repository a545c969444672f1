//! Jobs and cron jobs.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::{Strategy, WITH_STATUS, spec_changed, warnings};
use crate::kinds;
use crate::server::ApiServer;
use crate::validation::jobs;
use crate::verbs::Cx;

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::JOBS,
            generation: Some(spec_changed),
            prepare_create: Some(job),
            validate: Some(jobs::job),
            validate_update: Some(jobs::job_update),
            name: jobs::job_name,
            warnings: Some(warnings::workload),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::CRON_JOBS,
            generation: Some(spec_changed),
            validate: Some(jobs::cron_job),
            validate_update: Some(jobs::cron_job_update),
            warnings: Some(warnings::cron_job),
            ..WITH_STATUS
        },
    ]
}

/// Gives a job the selector that finds its own pods and no others: by the job's UID.
fn job(_: &mut ApiServer, _: &Cx, job: &mut Value) -> Result<(), Status> {
    if job["spec"]["manualSelector"].is_true() {
        return Ok(());
    }
    let (uid, name) = (job["metadata"]["uid"].clone(), job["metadata"]["name"].clone());
    let labels = &mut job["spec"]["template"]["metadata"]["labels"];
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        labels.set(key, value);
    }
    let selector = &mut job["spec"]["selector"];
    if selector.is_null() {
        *selector = value!({});
    }
    selector["matchLabels"].set("batch.kubernetes.io/controller-uid", uid);
    Ok(())
}
