//! `kubectl create quota`

use drydock_value::{Value, value};

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
    let hard = generate::quantities(inv.flags.str("hard"))?;
    let mut object = value!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {}, "status": {}
    });
    if !hard.is_empty() {
        object["spec"].set("hard", hard);
    }
    let scopes = inv.flags.str("scopes");
    if !scopes.is_empty() {
        if scopes.split(',').any(str::is_empty) {
            return Err("invalid resource quota scope \"\"".into());
        }
        object["spec"].set("scopes", scopes.split(',').collect::<Value>());
    }
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create quota:")?;
    Ok(Outcome::Done)
}
