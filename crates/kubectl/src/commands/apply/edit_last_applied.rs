//! `kubectl apply edit-last-applied`: opens the annotation in an editor.

use crate::builder::{self, Info, Query};
use crate::change::applied;
use crate::commands::edit::{self, Mode};
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] =
    &[acts::PRINT, acts::FILES, acts::VALIDATE, acts::NONE, &["field-manager", "windows-line-endings"]];

/// `kubectl apply edit-last-applied`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let args = inv.args.clone();
    let query = Query { type_means_all: true, latest: true, validate: false, ..Query::new(inv, io, &args)? };
    let mut infos = Vec::new();
    for info in builder::find(&query, inv, io)?.infos()? {
        if let Some(object) = applied::original_value(&info.object)? {
            infos.push(Info { object, ..info });
        }
    }
    if infos.is_empty() {
        return Err("no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`".into());
    }
    edit::start(inv, io, Mode::LastApplied, vec![infos])
}
