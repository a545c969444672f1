//! `kubectl set serviceaccount`

use super::{Setting, Unchanged, unfit};
use crate::change::podspec;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, acts::WRITE, acts::NONE, &["all", "local"]];

/// `kubectl set serviceaccount`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut setting = Setting::new(inv, io, "serviceaccount updated", "failed to patch ServiceAccountName")?;
    setting.unchanged = Unchanged::Sent;
    let Some((account, resources)) = inv.args.split_last() else { return Err("serviceaccount is required".into()) };
    let (account, resources) = (account.clone(), resources.to_vec());
    let infos = setting.find(inv, io, &resources)?;
    let mut failures = Vec::new();
    for info in &infos {
        let mut changed = info.object.clone();
        let done = match podspec::of(&mut changed) {
            Ok(spec) => {
                spec.set("serviceAccountName", &account);
                setting.apply(inv, io, info, &changed)
            }
            Err(why) => Err(unfit(inv, info, &why)),
        };
        failures.extend(done.err());
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}
