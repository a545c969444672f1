//! `kubectl rollout restart`

use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// `kubectl rollout restart`: marks the pod template, so that all pods are made anew.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let now = io.now.rfc3339();
    super::patch_each(inv, io, "restarted", |object| {
        match object["kind"].str() {
            "Deployment" if object["spec"]["paused"].is_true() => {
                return Err("can't restart paused deployment (run rollout resume first)".into());
            }
            "Deployment" | "DaemonSet" | "StatefulSet" => {}
            _ => return Err("restarting is not supported".into()),
        }
        let metadata = &mut object["spec"]["template"]["metadata"];
        metadata["annotations"].set("kubectl.kubernetes.io/restartedAt", &now);
        Ok(())
    })
}
