//! DefaultTolerationSeconds: a pod stays for five minutes on a node that is not ready or cannot be reached.

use drydock_value::{Value, value};

const SECONDS: i64 = 300;

pub(super) fn admit(pod: &mut Value) {
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = pod["spec"]["tolerations"].items().iter().any(|toleration| {
            let (key, effect) = (toleration["key"].str(), toleration["effect"].str());
            (key == taint || key.is_empty()) && (effect == "NoExecute" || effect.is_empty())
        });
        if !tolerated {
            pod["spec"]["tolerations"].push(value!({
                "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS
            }));
        }
    }
}
