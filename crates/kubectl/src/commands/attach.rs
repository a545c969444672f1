//! `kubectl attach`: joins a process that runs in a container.

use drydock_api::Request;
use drydock_value::Value;

use super::remote::{Detach, Remote, Session};
use super::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::pods;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::EVERY];

/// `kubectl attach`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    pods::check_timeout(inv)?;
    let argument = match inv.args.as_slice() {
        [] => return Err("at least 1 argument is required for attach".into()),
        [one] => one.clone(),
        [kind, name] => format!("{kind}/{name}"),
        more => {
            return Err(format!(
                "expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {}: [{}]",
                more.len(),
                more.join(" ")
            )
            .into());
        }
    };
    let object = pods::target(inv, io, &argument)?.pop().unwrap_or_default();
    let pod = pods::attachable(inv, io, &object)?;
    let container = inv.flags.str("container").to_owned();
    let (stdin, tty) = (inv.flags.bool("stdin"), inv.flags.bool("tty"));
    let quiet = inv.flags.bool("quiet");
    let remote = attach(inv, io, &pod, &container, stdin, tty, quiet)?;
    Ok(Outcome::Waiting(Box::new(remote)))
}

/// Joins a container's process; `run -i` and `debug -i` do it too.
///
/// # Errors
/// When the pod is over or has no such container.
pub fn attach(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    pod: &Value,
    container: &str,
    stdin: bool,
    tty: bool,
    quiet: bool,
) -> Result<Remote, Failure> {
    let phase = pod["status"]["phase"].str();
    if matches!(phase, "Succeeded" | "Failed") {
        return Err(format!("cannot attach a container in a completed pod; current phase is {phase}").into());
    }
    let container = pods::container_or_default(io, pod, container, quiet)
        .map_err(|failure| failure.context("cannot attach to the container"))?;
    let name = container["name"].str().to_owned();
    let mut tty = tty;
    if tty && !container["tty"].is_true() {
        tty = false;
        if !quiet {
            io.eprintln(format!("error: Unable to use a TTY - container {name} did not allocate one"));
        }
    } else if !tty && container["tty"].is_true() {
        // The process's terminal mixes both outputs, asked for or not.
        tty = true;
    }
    if !quiet {
        io.eprintln("All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.");
        io.eprintln("If you don't see a command prompt, try pressing enter.");
    }
    let mut session = Session::new(io, stdin, tty, quiet);
    session.tty |= tty;
    let keys = inv.flags.non_empty("detach-keys").unwrap_or("ctrl-p,ctrl-q");
    let keys = if session.raw { Detach::new(keys)? } else { Detach::default() };
    let metadata = &pod["metadata"];
    let path = format!("/api/v1/namespaces/{}/pods/{}/attach", metadata["namespace"].str(), metadata["name"].str());
    let request = session.params(Request::get(path).param("container", &name));
    let farewell = (stdin && tty && session.raw && !quiet).then(|| {
        let (pod_name, namespace) = (metadata["name"].str(), metadata["namespace"].str());
        let again = format!("'kubectl attach {pod_name} -c {name} -n {namespace} -i -t'");
        if pod["spec"]["ephemeralContainers"].find("name", &name).is_some() {
            let rest = "the ephemeral container will not be restarted but may be reattached using";
            format!("Session ended, {rest} {again} if it is still running")
        } else {
            format!("Session ended, resume using {again} command")
        }
    });
    Ok(Remote::open(inv.client(io)?, io, request, session)?.with_farewell(farewell).with_detach(keys))
}
