//! `kubectl apply set-last-applied`: writes what files say into the annotation, and changes nothing else.

use drydock_api::Body;

use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::change::{applied, describe_info};
use crate::client::patch_type;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, &["create-annotation", "dry-run"]];

/// `kubectl apply set-last-applied`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    let create = inv.flags.bool("create-annotation");
    let query = Query::new(inv, io, &[])?;
    let infos = builder::find(&query, inv, io)?.infos()?;
    let mut patches = Vec::new();
    for info in infos {
        let retrieving = |failure: Failure| {
            let verb = format!("retrieving current configuration of:\n{}\nfrom server for:", describe_info(&info));
            failure.from_source(&verb, &info.source)
        };
        if info.name.is_empty() {
            return Err(retrieving("resource name may not be empty".into()));
        }
        let current = inv.client(io)?.get(io, &info.resource, &info.namespace, &info.name);
        let current = current.map_err(|failure| if failure.is("NotFound") { failure } else { retrieving(failure) })?;
        let original = applied::original_value(&current)?;
        if original.is_none() && !create {
            return Err(format!(
                "no last-applied-configuration annotation found on resource: {}, to create the annotation, run the command with --create-annotation",
                info.name
            )
            .into());
        }
        if original.as_ref() == Some(&info.object) {
            io.println(format!("set-last-applied {}: no changes required.", info.name));
        } else {
            let patch = applied::annotation_patch(&info.object);
            patches.push((info, current, patch));
        }
    }
    for (info, current, patch) in patches {
        let mut shown = current;
        if dry_run != DryRun::Client {
            let (client, body, params) = (inv.client(io)?, Body::Value(patch), [dry_run.param()]);
            let (namespace, name) = (&info.namespace, &info.name);
            shown = client.patch(io, &info.resource, namespace, name, patch_type::MERGE, body, &params)?;
        }
        printing.print(io, &shown, "configured")?;
    }
    Ok(Outcome::Done)
}
