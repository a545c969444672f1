//! `kubectl create serviceaccount`

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
    let mut object = value!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create serviceaccount:")?;
    Ok(Outcome::Done)
}
