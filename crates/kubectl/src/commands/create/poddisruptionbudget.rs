//! `kubectl create poddisruptionbudget`

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
    let (min, max) = (inv.flags.str("min-available"), inv.flags.str("max-unavailable"));
    let chosen = inv.flags.str("selector");
    if chosen.is_empty() {
        return Err("a selector must be specified".into());
    }
    let (field, amount) = match (min, max) {
        ("", "") => return Err("one of min-available or max-unavailable must be specified".into()),
        (min, "") => ("minAvailable", amount(min, "min-available")?),
        ("", max) => ("maxUnavailable", amount(max, "max-unavailable")?),
        _ => return Err("min-available and max-unavailable cannot be both specified".into()),
    };
    let mut object = value!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
        "spec": {(field): amount, "selector": generate::label_selector(chosen)?},
        "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0}
    });
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create poddisruptionbudgets:")?;
    Ok(Outcome::Done)
}

/// A number or a percentage.
fn amount(text: &str, flag: &str) -> Result<Value, Failure> {
    let digits = text.strip_suffix('%').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid format specified for {flag}").into());
    }
    Ok(generate::int_or_string(text))
}
