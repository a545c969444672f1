//! `config current-context`, `get-contexts`, `get-clusters`, `get-users`.

use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::tabs::Tabs;
use drydock_sorted::Sort;

/// `kubectl config current-context`
///
/// # Errors
/// When there is none.
pub fn current_context(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let config = inv.kubeconfig(io)?.merged();
    if config.current.is_empty() {
        return Err("current-context is not set".into());
    }
    io.println(&config.current);
    Ok(Outcome::Done)
}

/// `kubectl config get-contexts`
///
/// # Errors
/// When a context that is named is not there.
pub fn get_contexts(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let output = inv.flags.str("output").to_owned();
    if !matches!(output.as_str(), "" | "name") {
        return Err(format!(
            "--output {output} is not available in kubectl config get-contexts; resetting to default output format"
        )
        .into());
    }
    let config = inv.kubeconfig(io)?.merged();
    let mut failures = Vec::new();
    let mut names: Vec<String> = Vec::new();
    if inv.args.is_empty() {
        names.extend(config.contexts.keys().cloned());
    }
    for name in &inv.args {
        if config.contexts.contains_key(name) {
            names.push(name.clone());
        } else {
            failures.push(Failure::Error(format!("context {name} not found")));
        }
    }
    names.sort_compact();
    let mut tabs = Tabs::table();
    if output.is_empty() && !inv.flags.bool("no-headers") {
        tabs.row(&["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]);
    }
    for name in &names {
        if output == "name" {
            io.println(name);
            continue;
        }
        let context = config.contexts.get(name).cloned().unwrap_or_default();
        let mark = if *name == config.current { "*" } else { "" };
        tabs.row(&[mark, name, context["cluster"].str(), context["user"].str(), context["namespace"].str()]);
    }
    let text = tabs.flush();
    io.print(text);
    Failure::all(failures)?;
    Ok(Outcome::Done)
}

fn names<'a>(io: &mut Io<'_>, names: impl Iterator<Item = &'a String>) -> Outcome {
    io.println("NAME");
    for name in names {
        io.println(name);
    }
    Outcome::Done
}

/// `kubectl config get-clusters`
///
/// # Errors
/// When a file can't be read.
pub fn get_clusters(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let config = inv.kubeconfig(io)?.merged();
    Ok(names(io, config.clusters.keys()))
}

/// `kubectl config get-users`
///
/// # Errors
/// When a file can't be read.
pub fn get_users(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let config = inv.kubeconfig(io)?.merged();
    Ok(names(io, config.users.keys()))
}
