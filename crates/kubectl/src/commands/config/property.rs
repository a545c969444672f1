//! `config set` and `config unset`.

use super::arguments;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use crate::kubeconfig::{set_property, unset_property};

/// `kubectl config set`
///
/// # Errors
/// When the path leads nowhere or the value does not fit.
pub fn set(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    arguments(inv, io, 2, "Unexpected args")?;
    let [path, value] = inv.args.as_slice() else { return Err("a name and a value are needed".into()) };
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    set_property(&mut config, path, value, inv.flags.bool("set-raw-bytes"))?;
    files.save(&config, io.files)?;
    io.println(format!("Property {} set.", quote(path)));
    Ok(Outcome::Done)
}

/// `kubectl config unset`
///
/// # Errors
/// When the path leads nowhere.
pub fn unset(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    arguments(inv, io, 1, "Unexpected args")?;
    let path = inv.args.concat();
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    unset_property(&mut config, &path)?;
    files.save(&config, io.files)?;
    io.println(format!("Property {} unset.", quote(&path)));
    Ok(Outcome::Done)
}
