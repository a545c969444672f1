//! `kubectl create clusterrolebinding`

use super::rolebinding;
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
    let object = rolebinding::binding("ClusterRoleBinding", &name, "ClusterRole", inv.flags.str("clusterrole"), inv)?;
    generate::create(inv, io, object, "failed to create clusterrolebinding:")?;
    Ok(Outcome::Done)
}
