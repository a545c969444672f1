//! What tells clients the way.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_value::value;

use crate::{Identity, Server};

/// A kubeconfig with one context that leads to a server. It is JSON, which is YAML too. Its user has a token or a
/// certificate, where there is one.
pub fn text(server: &Server, token: Option<&str>, identity: Option<&Identity>) -> String {
    let mut cluster = value!({"server": server.url()});
    if let Some(certificate) = server.certificate() {
        cluster.set("certificate-authority-data", BASE64_STANDARD.encode(certificate));
    }
    let mut user = value!({});
    if let Some(token) = token {
        user.set("token", token);
    }
    if let Some(identity) = identity {
        user.set("client-certificate-data", BASE64_STANDARD.encode(&identity.certificate));
        user.set("client-key-data", BASE64_STANDARD.encode(&identity.key));
    }
    let document = value!({
        "apiVersion": "v1", "kind": "Config", "current-context": "drydock", "preferences": {},
        "clusters": [{"name": "drydock", "cluster": cluster}],
        "contexts": [{"name": "drydock", "context": {"cluster": "drydock", "user": "drydock"}}],
        "users": [{"name": "drydock", "user": user}]
    });
    drydock_value::to_json_pretty(&document, 2) + "\n"
}
