//! `kubectl create token`

use drydock_api::{Method, Request};
use drydock_value::{Value, value};

use crate::change::printing::Printing;
use crate::change::{generate, known_resource};
use crate::client;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::flags::parse_duration;
use crate::invocation::{DryRun, Invocation};
use crate::printers;

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let printer = printers::for_output_given(inv, io)?.is_some();
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let flags = &inv.flags;
    let nanos = parse_duration(flags.str("duration")).unwrap_or(0);
    if nanos < 0 {
        return Err("--duration must be greater than or equal to 0".into());
    }
    if nanos % 1_000_000_000 != 0 {
        return Err("--duration cannot be expressed in units less than seconds".into());
    }
    let mut spec = value!({"audiences": null, "expirationSeconds": null, "boundObjectRef": null});
    if !flags.list("audience").is_empty() {
        spec.set("audiences", flags.list("audience"));
    }
    if nanos > 0 {
        spec.set("expirationSeconds", nanos / 1_000_000_000);
    }
    if let Some(bound) = bound_object(inv)? {
        spec.set("boundObjectRef", bound);
    }
    let object = value!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": spec,
        "status": {"token": "", "expirationTimestamp": null}
    });
    let accounts = known_resource(inv, io, "", "serviceaccounts")?;
    let namespace = inv.namespace(io)?;
    let path = format!("{}/token", client::path(&accounts, &namespace, Some(&name)));
    let request = Request::new(Method::Post, path).with_value(object);
    let answer = inv.client(io)?.value(io, request).map_err(|failure| failure.context("failed to create token"))?;
    if answer["status"]["token"].str().is_empty() {
        return Err("failed to create token: no token in server response".into());
    }
    if printer {
        printing.typed(io, &answer, "")?;
    } else {
        // Whoever reads it from a pipe gets nothing but the token.
        io.print(answer["status"]["token"].str());
        if io.terminal.stdout {
            io.print("\n");
        }
    }
    Ok(Outcome::Done)
}

fn bound_object(inv: &Invocation) -> Result<Option<Value>, Failure> {
    let flags = &inv.flags;
    let (kind, name, uid) =
        (flags.str("bound-object-kind"), flags.str("bound-object-name"), flags.str("bound-object-uid"));
    if kind.is_empty() {
        if !name.is_empty() {
            return Err("--bound-object-name can only be set if --bound-object-kind is provided".into());
        }
        if !uid.is_empty() {
            return Err("--bound-object-uid can only be set if --bound-object-kind is provided".into());
        }
        return Ok(None);
    }
    if !matches!(kind, "Node" | "Pod" | "Secret") {
        return Err("supported --bound-object-kind values are Node, Pod, Secret".into());
    }
    if name.is_empty() {
        return Err("--bound-object-name is required if --bound-object-kind is provided".into());
    }
    let mut bound = value!({"apiVersion": "v1", "kind": kind, "name": name});
    if !uid.is_empty() {
        bound.set("uid", uid);
    }
    Ok(Some(bound))
}
