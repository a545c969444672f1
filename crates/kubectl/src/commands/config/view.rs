//! `config view`.

use base64::Engine;
use drydock_value::Value;

use crate::commands::Outcome;
use crate::env::{Env, Io};
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::kubeconfig::Config;
use crate::printers::{self, Formats};

/// The order of keys in JSON: that of the Go types.
const ORDER: &[&str] = &[
    "kind",
    "command",
    "args",
    "env",
    "apiVersion",
    "installHint",
    "provideClusterInfo",
    "interactiveMode",
    "preferences",
    "clusters",
    "users",
    "contexts",
    "current-context",
    "name",
    "cluster",
    "context",
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "as",
    "as-uid",
    "as-groups",
    "as-user-extra",
    "username",
    "password",
    "auth-provider",
    "exec",
    "user",
    "namespace",
    "value",
    "extensions",
];

/// `kubectl config view`
///
/// # Errors
/// When the kubeconfig can't be read, or what is asked for is not there.
pub fn view(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    if !inv.args.is_empty() {
        return Err(inv.usage(format!("unexpected arguments: [{}]", inv.args.join(" "))));
    }
    if !inv.flags.bool("merge") && !inv.flags.given("kubeconfig") {
        return Err("if merge==false a precise file must be specified".into());
    }
    if !inv.flags.str("template").is_empty() && !inv.flags.given("output") {
        // A template alone stands instead of the format that is the default.
        inv.flags = inv.flags.without(["output"]);
    }
    let mut printer = printers::for_output(inv, io, Formats::default())?;
    let files = inv.kubeconfig(io)?;
    if !inv.flags.bool("merge") && files.files.iter().all(|(_, config)| config.is_none()) {
        return Err(format!("open {}: no such file or directory", inv.flags.str("kubeconfig")).into());
    }
    let mut config = files.merged();
    if let Some(context) = inv.flags.non_empty("context") {
        context.clone_into(&mut config.current);
    }
    if inv.flags.bool("minify") {
        minify(&mut config)?;
    }
    if inv.flags.bool("flatten") {
        flatten(inv, io, &mut config)?;
    } else if !inv.flags.bool("raw") {
        redact(&mut config);
    }
    let document = config.to_value();
    if inv.flags.str("output") == "json" {
        io.print(printers::go::escape_html(&printers::go::ordered_json(&document, ORDER, Some(4))));
        io.print("\n");
        return Ok(Outcome::Done);
    }
    if let Some(printer) = &mut printer {
        printer.print(io, &document)?;
    }
    Ok(Outcome::Done)
}

/// Leaves only what the current context uses.
fn minify(config: &mut Config) -> Result<(), Failure> {
    if config.current.is_empty() {
        return Err("current-context must exist in order to minify".into());
    }
    let name = config.current.clone();
    let Some(context) = config.contexts.get(&name).cloned() else {
        return Err(format!("cannot locate context {name}").into());
    };
    let (cluster, user) = (context["cluster"].str(), context["user"].str());
    if !cluster.is_empty() && !config.clusters.contains_key(cluster) {
        return Err(format!("cannot locate cluster {cluster}").into());
    }
    if !user.is_empty() && !config.users.contains_key(user) {
        return Err(format!("cannot locate user {user}").into());
    }
    config.contexts.retain(|other, _| *other == name);
    config.clusters.retain(|other, _| other == cluster);
    config.users.retain(|other, _| other == user);
    Ok(())
}

/// Puts the content of files in the place of their paths.
fn flatten(inv: &Invocation, io: &mut Io<'_>, config: &mut Config) -> Result<(), Failure> {
    let files = inv.kubeconfig(io)?;
    let folder = files.default_path().rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned();
    let env = Env { cwd: folder, ..inv.env.clone() };
    let mut embed = |entry: &mut Value, field: &str| -> Result<(), Failure> {
        let path = entry[field].str().to_owned();
        if !path.is_empty() {
            let bytes = inv.read_file(io, &env.absolute(&path))?;
            entry.set(format!("{field}-data"), base64::engine::general_purpose::STANDARD.encode(bytes));
            entry.remove(field);
        }
        Ok(())
    };
    for user in config.users.values_mut() {
        embed(user, "client-certificate")?;
        embed(user, "client-key")?;
    }
    for cluster in config.clusters.values_mut() {
        embed(cluster, "certificate-authority")?;
    }
    Ok(())
}

/// Leaves out secrets and long data.
fn redact(config: &mut Config) {
    let hide = |entry: &mut Value, field: &str, words: &str| {
        if !entry[field].is_empty() {
            entry.set(field, words);
        }
    };
    for user in config.users.values_mut() {
        hide(user, "client-certificate-data", "DATA+OMITTED");
        hide(user, "client-key-data", "DATA+OMITTED");
        hide(user, "token", "REDACTED");
        hide(user, "password", "REDACTED");
    }
    for cluster in config.clusters.values_mut() {
        hide(cluster, "certificate-authority-data", "DATA+OMITTED");
    }
}
