//! `kubectl create priorityclass`

use drydock_value::value;

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
    let flags = &inv.flags;
    let mut object = value!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
        "value": flags.int("value"), "preemptionPolicy": flags.str("preemption-policy")
    });
    if flags.bool("global-default") {
        object.set("globalDefault", true);
    }
    if !flags.str("description").is_empty() {
        object.set("description", flags.str("description"));
    }
    generate::create(inv, io, object, "failed to create priorityclass:")?;
    Ok(Outcome::Done)
}
