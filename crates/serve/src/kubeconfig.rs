//! What tells clients the way.

use drydock_value::value;

/// A kubeconfig with one context that leads to a server. It is JSON, which is YAML too.
pub fn text(url: &str) -> String {
    let document = value!({
        "apiVersion": "v1", "kind": "Config", "current-context": "drydock", "preferences": {},
        "clusters": [{"name": "drydock", "cluster": {"server": url}}],
        "contexts": [{"name": "drydock", "context": {"cluster": "drydock", "user": "drydock"}}],
        "users": [{"name": "drydock", "user": {}}]
    });
    drydock_value::to_json_pretty(&document, 2) + "\n"
}
