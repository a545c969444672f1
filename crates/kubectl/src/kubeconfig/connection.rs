//! From a kubeconfig and the command line to a server and a user.

use base64::Engine;
use drydock_api::Auth;
use drydock_value::Value;

use super::{Config, checks};
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

/// What a kubeconfig is looked at with.
pub struct Asking<'a> {
    /// The kubeconfig that the command line names, if it is not there.
    pub missing: Option<&'a str>,
    /// Whether the command makes its client before it asks for the context's namespace.
    pub client_first: bool,
    /// Why a file cannot be read, by its path and whether the command line named it.
    pub unreadable: &'a mut dyn FnMut(&str, bool) -> Option<String>,
}

/// The connection that kubeconfig and command line come to.
///
/// # Errors
/// clientcmd's words when they contradict each other or name what is not there.
pub fn connection(config: &Config, flags: &Flags, asking: Asking<'_>) -> Result<Connection, Failure> {
    let Asking { missing: explicit_missing, client_first, unreadable } = asking;
    if let Some(path) = explicit_missing {
        return Err(Failure::Error(format!("stat {path}: no such file or directory")));
    }
    let context_name = flags.non_empty("context").unwrap_or(&config.current);
    let context = config.contexts.get(context_name).cloned();
    let no_context = !context_name.is_empty() && context.is_none();
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
    let mut user = config.users.get(&user_name).cloned().unwrap_or_default();
    for flag in ["token", "username", "password", "client-certificate", "client-key", "as", "as-uid"] {
        if let Some(text) = flags.non_empty(flag) {
            user.set(flag, text);
        }
    }
    if flags.given("as-group") {
        user.set("as-groups", flags.list("as-group"));
    }
    for extra in flags.list("as-user-extra") {
        if let Some((key, value)) = extra.split_once('=') {
            user["as-user-extra"][key].push(value);
        }
    }
    let given = flags.given("namespace") && !flags.str("namespace").is_empty();
    // What the command line names must be there; what only a context names may be missing.
    let absent = |flag: &str, there: bool| flags.non_empty(flag).is_some() && !there;
    let no_user = absent("user", config.users.contains_key(&user_name));
    let no_cluster = absent("cluster", config.clusters.contains_key(&cluster_name));
    let mut problems: Vec<String> = Vec::new();
    if no_context {
        problems.push(format!("context was not found for specified context: {context_name}"));
    }
    problems.extend(checks::of_user(&user_name, &user));
    let mut files = |entry: &Value, name: &str, fields: [(&str, &str); 2]| -> Vec<String> {
        let mut said = Vec::new();
        for (field, what) in fields.into_iter().filter(|(field, _)| !field.is_empty()) {
            let path = entry[field].str();
            let data = &entry[format!("{field}-data").as_str()];
            if let Some(errno) =
                unreadable(path, flags.non_empty(field).is_some()).filter(|_| !path.is_empty() && data.is_empty())
            {
                said.push(format!("unable to read {what} {path} for {name} due to open {path}: {errno}"));
            }
        }
        said
    };
    problems.extend(files(&user, &user_name, [("client-certificate", "client-cert"), ("client-key", "client-key")]));
    let impersonating = ["as-uid", "as-groups", "as-user-extra"].iter().any(|field| !user[*field].is_empty());
    if impersonating && user["as"].is_empty() {
        problems.push(format!("requesting uid, groups or user-extra for {user_name} without impersonating a user"));
    }
    let authority = ("certificate-authority", "certificate-authority");
    problems.extend(files(&cluster, &cluster_name, [authority, ("", "")]));
    if no_cluster {
        problems.push(format!("no server found for cluster {}", quote(&cluster_name)));
    }
    // With a namespace on the command line, nobody has asked for the context's before the client is made.
    if given || client_first || problems.is_empty() {
        if no_user {
            return Err(format!("auth info {} does not exist", quote(&user_name)).into());
        }
        if absent("context", !no_context) {
            return Err(format!("context {} does not exist", quote(context_name)).into());
        }
        if no_cluster {
            return Err(format!("cluster {} does not exist", quote(&cluster_name)).into());
        }
    }
    match problems.as_slice() {
        [] => {}
        [one] if no_context => return Err(Failure::Plain(format!("Error in configuration: {one}"))),
        [one] => return Err(Failure::Error(one.clone())),
        several => {
            let list: String = several.iter().map(|problem| format!("* {problem}\n")).collect();
            return Err(Failure::Plain(format!("Error in configuration: \n{list}")));
        }
    }
    let timeout = flags.str("request-timeout");
    if timeout.parse::<i64>().is_err() && drydock_schema::duration::parse(timeout).is_err() && !timeout.is_empty() {
        return Err("Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)".into());
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
    let namespace = if given {
        flags.str("namespace")
    } else {
        context["namespace"].as_str().filter(|n| !n.is_empty()).unwrap_or("default")
    };
    let server = match server.as_str() {
        "" => "http://localhost:8080".to_owned(),
        bare if !bare.contains("://") => format!("http://{bare}"),
        _ => server,
    };
    Ok(Connection { server, auth, namespace: namespace.to_owned(), namespace_given: given, cluster, user })
}

#[cfg(test)]
mod tests {
    use crate::testing::Fake;

    const FILE: &str = "apiVersion: v1
kind: Config
clusters:
- {name: local, cluster: {server: 'http://localhost:8080'}}
contexts:
- {name: test, context: {cluster: local, user: nina}}
- {name: ghost, context: {cluster: local, user: ghost}}
current-context: test
users:
- {name: nina, user: {token: t}}
- name: other
  user: {token: t, as: userb, as-uid: abc, as-groups: [g2, g1], as-user-extra: {Foo: [a, b]}}
- {name: nobody, user: {token: t, as-uid: abc}}
";

    #[test]
    fn what_is_named_must_be_there() {
        for (line, err) in [
            ("get ns", ""),
            ("get ns --context=ghost", ""),
            ("get ns --user=x", "error: auth info \"x\" does not exist\n"),
            ("get ns --cluster=x", "error: no server found for cluster \"x\"\n"),
            ("get ns -n a --cluster=x", "error: cluster \"x\" does not exist\n"),
            ("get ns --context=x", "Error in configuration: context was not found for specified context: x\n"),
            ("get ns -n a --context=x", "error: context \"x\" does not exist\n"),
            (
                "get ns --user=nobody",
                "error: requesting uid, groups or user-extra for nobody without impersonating a user\n",
            ),
            (
                "get ns --context=x --cluster=y --user=z",
                "Error in configuration: \n* context was not found for specified context: x\n* no server found for cluster \"y\"\n",
            ),
        ] {
            let list = drydock_value::value!({"kind": "NamespaceList", "items": [{"metadata": {"name": "a"}}]});
            let mut fake = Fake::default().file("/home/.kube/config", FILE).with("/api/v1/namespaces", list);
            assert_eq!(fake.line(line).err, err, "{line}");
        }
        let mut fake = Fake::default().file("/c", &FILE.replace("apiVersion: v1", "apiVersion: v-1"));
        let words =
            "error: error loading config file \"/c\": no kind \"Config\" is registered for version \"v-1\" in scheme ";
        assert!(fake.line("get ns --kubeconfig=/c").err.starts_with(words));
        let mut fake = Fake::default().file("/c", "hello\n");
        let words = "error: error loading config file \"/c\": couldn't get version/kind; json parse error: json: cannot unmarshal string";
        assert!(fake.line("get ns --kubeconfig=/c").err.starts_with(words));
    }

    #[test]
    fn a_user_entry_may_stand_for_another_user() {
        let config = super::Config::from_value(&crate::text::parse_yaml(FILE).unwrap()[0]);
        let line =
            |text: &str| crate::flags::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap().flags;
        for (text, headers) in [
            ("get ns", ""),
            (
                "get ns --user=other",
                "impersonate-user=userb impersonate-uid=abc impersonate-group=g2 impersonate-group=g1 \
                 impersonate-extra-foo=a impersonate-extra-foo=b",
            ),
            ("get ns --as=x --as-group=y", "impersonate-user=x impersonate-group=y"),
        ] {
            let flags = line(text);
            let asking = super::Asking { missing: None, client_first: false, unreadable: &mut |_, _| None };
            let client = crate::client::Client::new(super::connection(&config, &flags, asking).unwrap(), &flags);
            assert_eq!(client.impersonation(), headers, "{text}");
        }
    }
}
