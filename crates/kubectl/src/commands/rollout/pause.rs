//! `kubectl rollout pause` and `kubectl rollout resume`

use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// `kubectl rollout pause`
///
/// # Errors
/// kubectl's own.
pub fn pause(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    super::patch_each(inv, io, "paused", |object| match object["kind"].str() {
        "Deployment" if object["spec"]["paused"].is_true() => Err("is already paused".into()),
        "Deployment" => {
            object["spec"].set("paused", true);
            Ok(())
        }
        _ => Err("pausing is not supported".into()),
    })
}

/// `kubectl rollout resume`
///
/// # Errors
/// kubectl's own.
pub fn resume(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    super::patch_each(inv, io, "resumed", |object| match object["kind"].str() {
        "Deployment" if !object["spec"]["paused"].is_true() => Err("is not paused".into()),
        "Deployment" => {
            object["spec"].remove("paused");
            Ok(())
        }
        _ => Err("resuming is not supported".into()),
    })
}
