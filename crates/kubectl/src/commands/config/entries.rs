//! `config set-cluster`, `set-context`, `set-credentials`.

use base64::Engine;
use drydock_value::{Value, value};

use super::arguments;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;

/// The file of a flag that is to be embedded must be there.
fn stat(inv: &Invocation, io: &mut Io<'_>, flag: &str) -> Result<(), Failure> {
    let path = inv.flags.str(flag);
    if path.is_empty() || io.files.exists(&inv.env.absolute(path)) {
        return Ok(());
    }
    Err(format!("could not stat {flag} file {path}: stat {path}: no such file or directory").into())
}

/// Sets a path, or the file's content when certificates are embedded.
fn set_file(inv: &Invocation, io: &mut Io<'_>, entry: &mut Value, flag: &str) -> Result<(), Failure> {
    if !inv.flags.given(flag) {
        return Ok(());
    }
    let path = inv.flags.str(flag).to_owned();
    if inv.flags.bool("embed-certs") {
        let bytes = inv.read_file(io, &path)?;
        entry.set(format!("{flag}-data"), base64::engine::general_purpose::STANDARD.encode(bytes));
        entry.remove(flag);
    } else if path.is_empty() {
        entry.remove(flag);
    } else {
        entry.set(flag, inv.env.absolute(&path));
        entry.remove(&format!("{flag}-data"));
    }
    Ok(())
}

/// `kubectl config set-cluster`
///
/// # Errors
/// When the flags contradict each other or a file is not there.
pub fn set_cluster(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    arguments(inv, io, 1, "Unexpected args")?;
    let name = inv.args.concat();
    if name.is_empty() {
        return Err("you must specify a non-empty cluster name".into());
    }
    let insecure = inv.flags.bool("insecure-skip-tls-verify");
    let authority = inv.flags.str("certificate-authority").to_owned();
    if insecure && !authority.is_empty() {
        return Err("you cannot specify a certificate authority and insecure mode at the same time".into());
    }
    if inv.flags.bool("embed-certs") {
        if authority.is_empty() {
            return Err("you must specify a --certificate-authority to embed".into());
        }
        stat(inv, io, "certificate-authority")?;
    }
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    let mut cluster = config.clusters.get(&name).cloned().unwrap_or_else(Value::object);
    if inv.flags.given("server") {
        cluster.set("server", inv.flags.str("server"));
        cluster.remove("tls-server-name");
    }
    for flag in ["tls-server-name", "proxy-url"] {
        if inv.flags.given(flag) {
            cluster.set(flag, inv.flags.str(flag));
        }
    }
    // Without the flag the mode is off again.
    cluster.set("insecure-skip-tls-verify", insecure);
    if insecure {
        cluster.remove("certificate-authority");
        cluster.remove("certificate-authority-data");
    }
    set_file(inv, io, &mut cluster, "certificate-authority")?;
    config.clusters.insert(name.clone(), cluster);
    files.save(&config, io.files)?;
    io.println(format!("Cluster {} set.", quote(&name)));
    Ok(Outcome::Done)
}

/// `kubectl config set-context`
///
/// # Errors
/// When no context is named.
pub fn set_context(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let current = inv.flags.bool("current");
    if inv.args.len() > 1 {
        arguments(inv, io, 1, "Unexpected args")?;
    }
    let mut name = inv.args.concat();
    match (name.is_empty(), current) {
        (true, false) => return Err("you must specify a non-empty context name or --current".into()),
        (false, true) => return Err("you cannot specify both a context name and --current".into()),
        _ => {}
    }
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    if current {
        name.clone_from(&config.current);
        if name.is_empty() {
            return Err("no current context is set".into());
        }
    }
    let known = config.contexts.contains_key(&name);
    let mut context = config.contexts.get(&name).cloned().unwrap_or_else(Value::object);
    for flag in ["cluster", "user", "namespace"] {
        if inv.flags.given(flag) {
            context.set(flag, inv.flags.str(flag));
        }
    }
    config.contexts.insert(name.clone(), context);
    files.save(&config, io.files)?;
    let done = if known { "modified" } else { "created" };
    io.println(format!("Context {} {done}.", quote(&name)));
    Ok(Outcome::Done)
}

/// `key=value` to set and `key-` to remove.
fn pairs(list: &[String], what: &str) -> Result<Vec<(String, Option<String>)>, String> {
    list.iter()
        .map(|word| {
            if let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) {
                return Ok((key.to_owned(), Some(value.to_owned())));
            }
            match word.strip_suffix('-').filter(|key| !key.is_empty()) {
                Some(key) => Ok((key.to_owned(), None)),
                None => Err(format!("invalid {what} format: {word}")),
            }
        })
        .collect()
}

/// `kubectl config set-credentials`
///
/// # Errors
/// When the flags contradict each other or a file is not there.
pub fn set_credentials(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    arguments(inv, io, 1, "unexpected args")?;
    let name = inv.args.concat();
    let help_first = |io: &mut Io<'_>, why: String| {
        io.print(crate::help::of(inv.command, &inv.env));
        Failure::Error(why)
    };
    let provider_arguments =
        pairs(&inv.flags.list("auth-provider-arg"), "auth-provider-arg").map_err(|why| help_first(io, why))?;
    let environment = pairs(&inv.flags.list("exec-env"), "exec-env").map_err(|why| help_first(io, why))?;
    let flags = &inv.flags;
    let mut methods = Vec::new();
    if !flags.str("token").is_empty() {
        methods.push("--token");
    }
    if !flags.str("username").is_empty() || !flags.str("password").is_empty() {
        methods.push("--username/--password");
    }
    if methods.len() > 1 {
        return Err(format!(
            "you cannot specify more than one authentication method at the same time: {}",
            methods.join(", ")
        )
        .into());
    }
    if !matches!(flags.str("exec-interactive-mode"), "" | "IfAvailable" | "Never" | "Always") {
        return Err("invalid interactive mode type, can be only IfAvailable, Never, Always".into());
    }
    if flags.bool("embed-certs") {
        if flags.str("client-certificate").is_empty() && flags.str("client-key").is_empty() {
            return Err("you must specify a --client-certificate or --client-key to embed".into());
        }
        stat(inv, io, "client-certificate")?;
        stat(inv, io, "client-key")?;
    }
    let files = inv.kubeconfig(io)?;
    let mut config = files.merged();
    let mut user = config.users.get(&name).cloned().unwrap_or_else(Value::object);
    set_file(inv, io, &mut user, "client-certificate")?;
    set_file(inv, io, &mut user, "client-key")?;
    for flag in ["token", "username", "password"] {
        if inv.flags.given(flag) {
            user.set(flag, inv.flags.str(flag));
        }
    }
    let (token, basic) = (methods.contains(&"--token"), methods.contains(&"--username/--password"));
    if basic {
        user.remove("token");
    }
    if token {
        user.remove("username");
        user.remove("password");
    }
    set_auth_provider(inv, &mut user, provider_arguments);
    set_exec(inv, &mut user, environment);
    config.users.insert(name.clone(), user);
    files.save(&config, io.files)?;
    io.println(format!("User {} set.", quote(&name)));
    Ok(Outcome::Done)
}

fn set_auth_provider(inv: &Invocation, user: &mut Value, arguments: Vec<(String, Option<String>)>) {
    if inv.flags.given("auth-provider") && user["auth-provider"]["name"] != *inv.flags.str("auth-provider") {
        user.set("auth-provider", value!({"name": inv.flags.str("auth-provider"), "config": {}}));
    }
    let Some(provider) = user.get_mut("auth-provider") else { return };
    for (key, value) in arguments {
        match value {
            Some(value) => provider["config"].set(key, value),
            None => {
                provider["config"].remove(&key);
            }
        }
    }
}

fn set_exec(inv: &Invocation, user: &mut Value, environment: Vec<(String, Option<String>)>) {
    if inv.flags.given("exec-command") {
        if user["exec"].is_null() {
            user.set("exec", value!({"env": null}));
        }
        user["exec"].set("command", inv.flags.str("exec-command"));
        user["exec"].set("args", Value::Null);
    }
    let Some(exec) = user.get_mut("exec") else { return };
    for (flag, field) in [("exec-api-version", "apiVersion"), ("exec-interactive-mode", "interactiveMode")] {
        if inv.flags.given(flag) {
            exec.set(field, inv.flags.str(flag));
        }
    }
    if inv.flags.given("exec-provide-cluster-info") {
        exec.set("provideClusterInfo", inv.flags.bool("exec-provide-cluster-info"));
    }
    if inv.flags.given("exec-arg") {
        exec.set("args", inv.flags.list("exec-arg"));
    }
    for (name, text) in environment {
        let mut variables: Vec<Value> = exec["env"].items().to_vec();
        let at = variables.iter().position(|variable| variable["name"] == *name);
        match (text, at) {
            (Some(text), Some(at)) => variables[at].set("value", text),
            (Some(text), None) => variables.push(value!({"name": name, "value": text})),
            (None, Some(at)) => {
                variables.remove(at);
            }
            (None, None) => {}
        }
        exec.set("env", variables);
    }
}
