//! What tells clients the way.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_value::value;

use crate::Server;

/// A kubeconfig with one context that leads to a server. It is JSON, which is YAML too. The token is the user's, if there
/// is one.
pub fn text(server: &Server, token: Option<&str>) -> String {
    let mut cluster = value!({"server": server.url()});
    if let Some(certificate) = server.certificate() {
        cluster.set("certificate-authority-data", BASE64_STANDARD.encode(certificate));
    }
    let mut user = value!({});
    if let Some(token) = token {
        user.set("token", token);
    }
    let document = value!({
        "apiVersion": "v1", "kind": "Config", "current-context": "drydock", "preferences": {},
        "clusters": [{"name": "drydock", "cluster": cluster}],
        "contexts": [{"name": "drydock", "context": {"cluster": "drydock", "user": "drydock"}}],
        "users": [{"name": "drydock", "user": user}]
    });
    drydock_value::to_json_pretty(&document, 2) + "\n"
}
