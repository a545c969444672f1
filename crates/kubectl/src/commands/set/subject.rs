//! `kubectl set subject`

use super::{Setting, unfit};
use crate::commands::create::rolebinding;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::WRITE,
    acts::NONE,
    &["all", "group", "local", "selector", "serviceaccount", "user"],
];

/// `kubectl set subject`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut setting = Setting::new(inv, io, "subjects updated", "failed to patch subjects to rolebinding:")?;
    let args = inv.args.clone();
    let infos = setting.find(inv, io, &args)?;
    if inv.flags.bool("all") && !inv.flags.str("selector").is_empty() {
        return Err("cannot set --all and --selector at the same time".into());
    }
    if ["user", "group", "serviceaccount"].iter().all(|flag| inv.flags.list(flag).is_empty()) {
        return Err("you must specify at least one value of user, group or serviceaccount".into());
    }
    let subjects = rolebinding::subjects(inv)?;
    let mut failures = Vec::new();
    for info in &infos {
        if !matches!(info.object["kind"].str(), "RoleBinding" | "ClusterRoleBinding") {
            failures.push(unfit(inv, info, "setting subjects is only supported for RoleBinding/ClusterRoleBinding"));
            continue;
        }
        let mut changed = info.object.clone();
        for subject in &subjects {
            let known = info.object["subjects"].items().iter().any(|known| {
                ["kind", "name", "namespace"].iter().all(|field| known[*field].str() == subject[*field].str())
            });
            if !known {
                changed["subjects"].push(subject);
            }
        }
        failures.extend(setting.apply(inv, io, info, &changed).err());
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}
