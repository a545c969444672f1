//! `kubectl config`: kubeconfig files.
//!
//! [`view`]: what they say. [`list`]: names of contexts, clusters and users. [`entries`]: `set-cluster`, `set-context`,
//! `set-credentials`. [`property`]: `set` and `unset` by path. [`names`]: delete, rename, use.

pub mod entries;
pub mod list;
pub mod names;
pub mod property;
pub mod view;

use crate::env::Io;
use crate::failure::Failure;
use crate::help;
use crate::invocation::Invocation;

/// Wants so many arguments; otherwise the help comes first, as here only.
pub(super) fn arguments(inv: &Invocation, io: &mut Io<'_>, count: usize, words: &str) -> Result<(), Failure> {
    if inv.args.len() == count {
        return Ok(());
    }
    io.print(help::of(inv.command, &inv.env));
    Err(format!("{words}: [{}]", inv.args.join(" ")).into())
}
