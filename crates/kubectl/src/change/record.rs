//! `--record`: the command line becomes the annotation from which `rollout history` has its column CHANGE-CAUSE.

use drydock_value::{Value, value};

use crate::commands::rollout::revisions::CHANGE_CAUSE;
use crate::invocation::Invocation;

/// What the annotation says, if it is asked for: the command with its arguments, then the flags as they were typed.
fn cause(inv: &Invocation) -> Option<String> {
    let asked = inv.command.flag("record").is_some() && inv.flags.bool("record");
    asked.then(|| inv.typed.iter().fold("kubectl".to_owned(), |line, word| line + " " + word))
}

/// Notes on an object what changes it.
pub fn note(inv: &Invocation, object: &mut Value) {
    if let Some(cause) = cause(inv) {
        object["metadata"]["annotations"].set(CHANGE_CAUSE, cause);
    }
}

/// A merge patch that notes it on an object that was changed already; None when that says so, or nothing is recorded.
pub fn patch(inv: &Invocation, object: &Value) -> Option<Value> {
    let cause = cause(inv)?;
    if object["metadata"]["annotations"].get(CHANGE_CAUSE).is_some_and(|there| there.str() == cause) {
        return None;
    }
    Some(value!({"metadata": {"annotations": {(CHANGE_CAUSE): cause}}}))
}
