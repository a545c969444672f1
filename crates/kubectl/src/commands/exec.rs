//! `kubectl exec`: runs a program in a container.

use drydock_api::Request;

use super::remote::{Remote, Session};
use super::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::pods;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::EVERY];

/// `kubectl exec`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let files = !inv.flags.list("filename").is_empty();
    let resource = if inv.dash == Some(0) { String::new() } else { inv.args.first().cloned().unwrap_or_default() };
    let command: Vec<String> = match inv.dash {
        Some(at) => inv.args.get(at..).unwrap_or_default().to_vec(),
        None if inv.args.len() > 1 || (!inv.args.is_empty() && files) => {
            return Err(inv.usage("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead"));
        }
        None => Vec::new(),
    };
    pods::check_timeout(inv)?;
    if resource.is_empty() && !files {
        return Err("pod, type/name or --filename must be specified".into());
    }
    if command.is_empty() {
        return Err("you must specify at least one command for the container".into());
    }
    let mut objects = pods::target(inv, io, &resource)?;
    if objects.len() > 1 {
        return Err("cannot exec into multiple objects at a time".into());
    }
    let object = objects.pop().unwrap_or_default();
    let pod = pods::attachable(inv, io, &object)?;
    let phase = pod["status"]["phase"].str();
    if matches!(phase, "Succeeded" | "Failed") {
        return Err(format!("cannot exec into a container in a completed pod; current phase is {phase}").into());
    }
    let quiet = inv.flags.bool("quiet");
    let container = pods::container_or_default(io, &pod, inv.flags.str("container"), quiet)?;
    let session = Session::new(io, inv.flags.bool("stdin"), inv.flags.bool("tty"), quiet);
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/exec",
        pod["metadata"]["namespace"].str(),
        pod["metadata"]["name"].str()
    );
    let mut request = Request::get(path);
    for word in &command {
        request = request.param("command", word);
    }
    request = session.params(request.param("container", container["name"].str()));
    let remote = Remote::open(inv.client(io)?, io, request, session)?;
    Ok(Outcome::Waiting(Box::new(remote)))
}
