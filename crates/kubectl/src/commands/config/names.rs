//! `config use-context`, `rename-context`, `delete-context`, `delete-cluster`, `delete-user`.

use super::arguments;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::help;
use crate::invocation::Invocation;
use crate::kubeconfig::Section;

/// `kubectl config use-context`
///
/// # Errors
/// When there is no such context.
pub fn use_context(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    arguments(inv, io, 1, "Unexpected args")?;
    let name = inv.args.concat();
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    if name.is_empty() || !config.contexts.contains_key(&name) {
        return Err(format!("no context exists with the name: {}", quote(&name)).into());
    }
    config.current.clone_from(&name);
    files.save(&config, io.files)?;
    io.println(format!("Switched to context {}.", quote(&name)));
    Ok(Outcome::Done)
}

/// `kubectl config rename-context`
///
/// # Errors
/// When there is no such context, or one of the new name.
pub fn rename_context(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    arguments(inv, io, 2, "Unexpected args")?;
    let [old, new] = inv.args.as_slice() else { return Err("two names are needed".into()) };
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    let path = files.default_name();
    if !config.contexts.contains_key(old) {
        return Err(format!("cannot rename the context {}, it's not in {path}", quote(old)).into());
    }
    if config.contexts.contains_key(new) {
        return Err(format!(
            "cannot rename the context {}, the context {} already exists in {path}",
            quote(old),
            quote(new)
        )
        .into());
    }
    let context = config.contexts.remove(old).unwrap_or_default();
    config.contexts.insert(new.clone(), context);
    if config.current == *old {
        config.current.clone_from(new);
    }
    files.save(&config, io.files)?;
    io.println(format!("Context {} renamed to {}.", quote(old), quote(new)));
    Ok(Outcome::Done)
}

fn delete(inv: &mut Invocation, io: &mut Io<'_>, section: Section, what: &str) -> Result<Outcome, Failure> {
    let [name] = inv.args.as_slice() else {
        if section == Section::Users {
            return Err(inv.usage("user to delete is required"));
        }
        io.print(help::of(inv.command, &inv.env));
        return Ok(Outcome::Done);
    };
    let files = inv.kubeconfig(io)?;
    let path = files.default_name().to_owned();
    let mut config = files.merged();
    if config.section_mut(section).remove(name).is_none() {
        return Err(format!("cannot delete {what} {name}, not in {path}").into());
    }
    if section == Section::Contexts && config.current == *name {
        io.eprintln(
            "warning: this removed your active context, use \"kubectl config use-context\" to select a different one",
        );
    }
    files.save(&config, io.files)?;
    io.println(format!("deleted {what} {name} from {path}"));
    Ok(Outcome::Done)
}

/// `kubectl config delete-context`
///
/// # Errors
/// When there is no such context.
pub fn delete_context(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    delete(inv, io, Section::Contexts, "context")
}

/// `kubectl config delete-cluster`
///
/// # Errors
/// When there is no such cluster.
pub fn delete_cluster(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    delete(inv, io, Section::Clusters, "cluster")
}

/// `kubectl config delete-user`
///
/// # Errors
/// When there is no such user.
pub fn delete_user(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    delete(inv, io, Section::Users, "user")
}
