//! `kubectl set resources`

use super::{Setting, unfit};
use crate::change::{generate, podspec};
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
    &["all", "containers", "limits", "local", "requests", "selector"],
];

/// `kubectl set resources`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut setting =
        Setting::new(inv, io, "resource requirements updated", "failed to patch resources update to pod template")?;
    let args = inv.args.clone();
    let infos = setting.find(inv, io, &args)?;
    if inv.flags.bool("all") && !inv.flags.str("selector").is_empty() {
        return Err("cannot set --all and --selector at the same time".into());
    }
    let (limits, requests) = (inv.flags.str("limits"), inv.flags.str("requests"));
    if limits.is_empty() && requests.is_empty() {
        return Err("you must specify an update to requests or limits (in the form of --requests/--limits)".into());
    }
    let lists = [("limits", generate::quantities(limits)?), ("requests", generate::quantities(requests)?)];
    let chosen = inv.flags.str("containers").to_owned();
    let mut failures = Vec::new();
    for info in &infos {
        let mut changed = info.object.clone();
        let spec = match podspec::of(&mut changed) {
            Ok(spec) => spec,
            Err(why) => {
                failures.push(unfit(inv, info, &why));
                continue;
            }
        };
        let mut found = 0;
        for containers in ["containers", "initContainers"] {
            found += podspec::each_container(spec, containers, &chosen, |container| {
                for (list, amounts) in &lists {
                    for (name, amount) in amounts.entries() {
                        container["resources"][*list].set(name, amount);
                    }
                }
            });
        }
        if found == 0 {
            failures.push(format!("error: unable to find container named {chosen}").into());
        }
        if let Err(failure) = setting.apply(inv, io, info, &changed) {
            failures.push(failure);
        }
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}
