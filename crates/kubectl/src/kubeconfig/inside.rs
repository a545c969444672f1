//! A client in a pod: where nobody says otherwise, it asks the cluster that it runs in, as its pod's service account
//! (client-go/tools/clientcmd/client_config.go: `inClusterClientConfig`).

use drydock_api::Auth;

use super::{Config, Connection};
use crate::env::{Env, Files};

/// What a kubelet gives every pod.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What a file says.
fn text(files: &mut dyn Files, name: &str) -> Option<String> {
    let bytes = files.read(&format!("{ACCOUNT}/{name}")).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|text| !text.is_empty())
}

/// Turns a connection that nobody has said anything about into one to the cluster around.
pub(crate) fn within_cluster(config: &Config, env: &Env, files: &mut dyn Files, connection: &mut Connection) {
    let (host, port) = (env.var("KUBERNETES_SERVICE_HOST"), env.var("KUBERNETES_SERVICE_PORT"));
    if host.is_empty() || port.is_empty() {
        return;
    }
    let Some(token) = text(files, "token") else { return };
    let context = config.contexts.get(&config.current);
    let named = context.is_some_and(|context| !context["namespace"].is_empty());
    if !connection.namespace_given && connection.namespace == "default" && !named {
        let own = env.var("POD_NAMESPACE");
        let own = if own.is_empty() { text(files, "namespace") } else { Some(own.to_owned()) };
        connection.namespace = own.unwrap_or_else(|| "default".into());
    }
    // Whoever says more than nothing is taken at their word.
    if !connection.cluster.is_empty() || !connection.user.is_empty() {
        return;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    connection.server = format!("https://{host}:{port}");
    connection.cluster.set("server", connection.server.as_str());
    connection.cluster.set("certificate-authority", format!("{ACCOUNT}/ca.crt"));
    connection.user.set("token", token.as_str());
    connection.auth = Auth::Token(token);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Disk, Fake};
    use drydock_value::value;

    #[test]
    fn a_pod_asks_as_its_account_unless_it_says_otherwise() {
        let mut fake =
            Fake::default().file(&format!("{ACCOUNT}/token"), "abc\n").file(&format!("{ACCOUNT}/namespace"), "team");
        let outside =
            Connection { server: "http://localhost:8080".into(), namespace: "default".into(), ..Connection::default() };
        let given = Connection { namespace: "other".into(), namespace_given: true, ..outside.clone() };
        let named = Connection { user: value!({"token": "x"}), auth: Auth::Token("x".into()), ..outside.clone() };
        let inside = "https://10.96.0.1:443";
        // Whether the variables of a pod are there, POD_NAMESPACE, the connection so far, server, namespace and token.
        for (pod, variable, connection, server, namespace, token) in [
            (true, "", &outside, inside, "team", "abc"),
            (true, "here", &outside, inside, "here", "abc"),
            (true, "here", &given, inside, "other", "abc"),
            (true, "", &named, "http://localhost:8080", "team", "x"),
            (false, "here", &named, "http://localhost:8080", "default", "x"),
        ] {
            let mut env = Env::default();
            if pod {
                env.vars.insert("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into());
                env.vars.insert("KUBERNETES_SERVICE_PORT".into(), "443".into());
            }
            env.vars.insert("POD_NAMESPACE".into(), variable.into());
            let mut connection = connection.clone();
            within_cluster(&Config::default(), &env, &mut Disk(&mut fake.files), &mut connection);
            let seen = (connection.server.as_str(), connection.namespace.as_str(), connection.auth);
            assert_eq!(seen, (server, namespace, Auth::Token(token.into())));
        }
    }
}
