//! `kubectl rollout history`

use super::revisions::{self, CHANGE_CAUSE};
use crate::builder::Info;
use crate::change::each;
use crate::change::printing::Printing;
use crate::commands::{Outcome, acts};
use crate::describe;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};
use crate::printers::tabs::Tabs;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, &["revision", "selector"]];

/// Kinds that have a pod template but no history.
const WITHOUT_HISTORY: [(&str, &str); 5] =
    [("", "Pod"), ("", "ReplicationController"), ("apps", "ReplicaSet"), ("batch", "Job"), ("batch", "CronJob")];

/// `kubectl rollout history`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let revision = inv.flags.int("revision");
    if inv.args.is_empty() && inv.flags.list("filename").is_empty() {
        return Err("required resource not specified".into());
    }
    if revision < 0 {
        return Err(format!("revision must be a positive integer: {revision}").into());
    }
    // A template alone is for the object itself.
    let as_objects = inv.flags.given("output");
    let found = super::find(inv, io)?;
    each(found, |info| {
        refuse_others(&info, "history", "history viewer")?;
        let known = revisions::of(inv, io, &info)?;
        let unknown = || Failure::from("unable to find the specified revision");
        if as_objects {
            let wanted: Vec<_> = known.iter().filter(|(number, _)| revision == 0 || **number == revision).collect();
            if wanted.is_empty() && revision > 0 {
                return Err(unknown());
            }
            for (_, item) in wanted {
                printing.print(io, &revisions::object_at(&info, item)?, "")?;
            }
            return Ok(());
        }
        let mut text = String::new();
        if revision > 0 {
            let item = known.get(&revision).ok_or_else(unknown)?;
            text.push_str(&format!("with revision #{revision}\n"));
            text.push_str(&describe::template_text(&revisions::template_at(&info, item)?));
        } else if known.is_empty() {
            text.push_str("\nNo rollout history found.");
        } else {
            text.push('\n');
            let mut tabs = Tabs::new(0, 2);
            tabs.row(&["REVISION", "CHANGE-CAUSE"]);
            for (number, item) in &known {
                let cause = item["metadata"]["annotations"][CHANGE_CAUSE].str();
                tabs.row(&[number.to_string().as_str(), if cause.is_empty() { "<none>" } else { cause }]);
            }
            text.push_str(&tabs.flush());
        }
        printing.print(io, &info.object, &text)
    })?;
    Ok(Outcome::Done)
}

/// Refuses kinds that have no revisions.
pub(super) fn refuse_others(info: &Info, what: &str, who: &str) -> Result<(), Failure> {
    let (group, kind) = (info.resource.id.group.as_str(), info.resource.kind.as_str());
    if group == "apps" && matches!(kind, "Deployment" | "DaemonSet" | "StatefulSet") {
        return Ok(());
    }
    let full = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    if WITHOUT_HISTORY.contains(&(group, kind)) {
        return Err(format!("no {who} has been implemented for {full:?}").into());
    }
    Err(format!("error retrieving {what} for {full:?}, no visitor method exists for {{{group} {kind}}}").into())
}
