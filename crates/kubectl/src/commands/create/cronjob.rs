//! `kubectl create cronjob`

use drydock_value::value;

use super::job;
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
    let flags = &inv.flags;
    let restart = flags.non_empty("restart").unwrap_or("OnFailure");
    let template = job::template(&name, flags.str("image"), command, restart);
    let mut object = value!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": &name},
        "spec": {
            "schedule": flags.str("schedule"),
            "jobTemplate": {"metadata": {"name": &name}, "spec": {"template": template}}
        },
        "status": {}
    });
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create cronjob:")?;
    Ok(Outcome::Done)
}
