//! From a kubeconfig and the command line to a server and a user.

use base64::Engine;
use drydock_api::Auth;
use drydock_value::Value;

use super::Config;
use crate::failure::{Failure, quote};
use crate::flags::Flags;

/// Where and as whom a client connects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Connection {
    /// The server's URL, without a slash at its end.
    pub server: String,
    /// Who asks.
    pub auth: Auth,
    /// The namespace of the context, or `default`.
    pub namespace: String,
    /// Whether the command line named the namespace.
    pub namespace_given: bool,
    /// The context's cluster entry, for what an HTTP transport needs: certificate authority, TLS name, proxy.
    pub cluster: Value,
    /// The context's user entry: key, password, exec plugin.
    pub user: Value,
}

/// The connection that kubeconfig and command line come to.
///
/// # Errors
/// clientcmd's words when they contradict each other or name what is not there.
pub fn connection(config: &Config, flags: &Flags, explicit_missing: Option<&str>) -> Result<Connection, Failure> {
    if let Some(path) = explicit_missing {
        return Err(Failure::Error(format!("stat {path}: no such file or directory")));
    }
    let mut problems: Vec<String> = Vec::new();
    let context_name = flags.non_empty("context").unwrap_or(&config.current);
    let context = config.contexts.get(context_name).cloned();
    if !context_name.is_empty() && context.is_none() {
        problems.push(format!("context was not found for specified context: {context_name}"));
    }
    let context = context.unwrap_or_default();
    let pick = |flag: &str, key: &str| flags.non_empty(flag).unwrap_or(context[key].str()).to_owned();
    let (cluster_name, user_name) = (pick("cluster", "cluster"), pick("user", "user"));
    let mut cluster = config.clusters.get(&cluster_name).cloned().unwrap_or_default();
    for flag in ["certificate-authority", "tls-server-name", "server"] {
        if let Some(text) = flags.non_empty(flag) {
            cluster.set(flag, text);
        }
    }
    if flags.given("insecure-skip-tls-verify") {
        cluster.set("insecure-skip-tls-verify", flags.bool("insecure-skip-tls-verify"));
    }
    let server = cluster["server"].str().trim_end_matches('/').to_owned();
    let named = !context_name.is_empty() || !cluster_name.is_empty();
    if problems.is_empty() || flags.non_empty("cluster").is_some() {
        if !user_name.is_empty() && !config.users.contains_key(&user_name) && flags.non_empty("user").is_none() {
            problems.push(format!("auth info {} does not exist", quote(&user_name)));
        }
        if server.is_empty() && named {
            if config.clusters.contains_key(&cluster_name) || cluster_name.is_empty() {
                if !cluster_name.is_empty() {
                    problems.push(format!("no server found for cluster {}", quote(&cluster_name)));
                }
            } else if flags.non_empty("cluster").is_some() {
                problems.push(format!("no server found for cluster {}", quote(&cluster_name)));
            } else {
                problems.push(format!("cluster {} does not exist", quote(&cluster_name)));
            }
        }
    }
    match problems.as_slice() {
        [] => {}
        // Without any kubeconfig it is not the configuration that is wrong.
        [one] if *config == Config::default() && context_name.is_empty() => return Err(Failure::Error(one.clone())),
        [one] => return Err(Failure::Plain(format!("Error in configuration: {one}"))),
        several => {
            let list: String = several.iter().map(|problem| format!("* {problem}\n")).collect();
            return Err(Failure::Plain(format!("Error in configuration: \n{list}")));
        }
    }
    let impersonating = ["as-uid", "as-group", "as-user-extra"].iter().any(|flag| flags.given(flag));
    if impersonating && flags.non_empty("as").is_none() && !user_name.is_empty() {
        return Err(format!("requesting uid, groups or user-extra for {user_name} without impersonating a user").into());
    }
    let timeout = flags.str("request-timeout");
    if timeout.parse::<i64>().is_err() && drydock_schema::duration::parse(timeout).is_err() && !timeout.is_empty() {
        return Err("Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)".into());
    }
    let mut user = config.users.get(&user_name).cloned().unwrap_or_default();
    for flag in ["token", "username", "password", "client-certificate", "client-key"] {
        if let Some(text) = flags.non_empty(flag) {
            user.set(flag, text);
        }
    }
    let auth = if let Some(token) = flags.non_empty("token").or(user["token"].as_str()) {
        Auth::Token(token.to_owned())
    } else if let Some(data) = user["client-certificate-data"].as_str() {
        let bytes = base64::engine::general_purpose::STANDARD.decode(data).unwrap_or_default();
        Auth::Certificate { certificate: String::from_utf8_lossy(&bytes).into_owned() }
    } else if let Some(path) = user["client-certificate"].as_str() {
        Auth::Certificate { certificate: path.to_owned() }
    } else {
        Auth::Anonymous
    };
    let given = flags.given("namespace") && !flags.str("namespace").is_empty();
    let namespace = if given {
        flags.str("namespace")
    } else {
        context["namespace"].as_str().filter(|n| !n.is_empty()).unwrap_or("default")
    };
    let server = if server.is_empty() { "http://localhost:8080".to_owned() } else { server };
    Ok(Connection { server, auth, namespace: namespace.to_owned(), namespace_given: given, cluster, user })
}
