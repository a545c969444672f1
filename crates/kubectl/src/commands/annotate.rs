//! `kubectl annotate`: sets and removes annotations, by the same rules as labels.

use super::label::{self, What};
use super::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::FILES,
    acts::SELECT,
    acts::WRITE,
    acts::NONE,
    &["list", "local", "overwrite", "resource-version"],
];

/// `kubectl annotate`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    label::run_for(What::Annotations, inv, io)
}
