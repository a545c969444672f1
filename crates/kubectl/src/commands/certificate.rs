//! `kubectl certificate approve|deny`

use drydock_value::value;

use super::{Outcome, acts};
use crate::builder::{self, Query};
use crate::change::each;
use crate::change::printing::Printing;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that they act on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT, acts::FILES, &["force"]];

/// `kubectl certificate approve`
///
/// # Errors
/// kubectl's own.
pub fn approve(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    decide(inv, io, "Approved", "approve")
}

/// `kubectl certificate deny`
///
/// # Errors
/// kubectl's own.
pub fn deny(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    decide(inv, io, "Denied", "deny")
}

fn decide(inv: &mut Invocation, io: &mut Io<'_>, kind: &str, verb: &str) -> Result<Outcome, Failure> {
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    if inv.args.is_empty() && inv.flags.list("filename").is_empty() {
        return Err("one or more CSRs must be specified as <name> or -f <filename>".into());
    }
    if !inv.args.is_empty() && (!inv.flags.list("filename").is_empty() || !inv.flags.str("kustomize").is_empty()) {
        return Err("resource/name arguments cannot be provided when a path is specified".into());
    }
    let args = builder::of_type("certificatesigningrequests.certificates.k8s.io", &inv.args);
    let query = Query { latest: true, ..Query::new(inv, io, &args)? };
    let found = builder::find(&query, inv, io)?;
    let force = inv.flags.bool("force");
    let operation = kind.to_lowercase();
    let mut count = 0;
    each(found, |info| {
        count += 1;
        if info.resource.kind != "CertificateSigningRequest" {
            let only = "can only handle CertificateSigningRequest.certificates.k8s.io objects";
            return Err(format!("{only}, got {}", info.resource.kind).into());
        }
        let conditions = &info.object["status"]["conditions"];
        let other = if kind == "Approved" { "Denied" } else { "Approved" };
        if conditions.find("type", other).is_some() {
            return Err(format!("certificate signing request {:?} is already {other}", info.name).into());
        }
        let decided = conditions.find("type", kind).is_some();
        if decided && !force {
            return printing.typed(io, &info.object, &operation);
        }
        let word = if kind == "Approved" { "approved" } else { "denied" };
        let (reason, now) = (if kind == "Approved" { "KubectlApprove" } else { "KubectlDeny" }, io.now.rfc3339());
        let condition = value!({
            "type": kind, "status": "True", "reason": reason, "lastUpdateTime": now, "lastTransitionTime": null,
            "message": format!("This CSR was {word} by kubectl certificate {verb}.")
        });
        let mut changed = info.object.clone();
        // By force the decision is sent once more, as it is.
        if !decided {
            changed["status"]["conditions"].push(condition);
        }
        let name = format!("{}/approval", info.name);
        inv.client(io)?.update(io, &info.resource, "", &name, changed, &[])?;
        // As it was before.
        printing.typed(io, &info.object, &operation)
    })?;
    if count == 0 {
        io.println("No resources found");
    }
    Ok(Outcome::Done)
}
