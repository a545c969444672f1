//! DefaultTolerationSeconds: a pod stays for five minutes on a node that is not ready or cannot be reached.
//! TaintNodesByCondition: a new node takes no pods until somebody has looked at it.

use std::sync::OnceLock;

use drydock_value::{Value, value};

const SECONDS: i64 = 300;

const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// Both tolerations, the same for every pod.
fn defaults() -> &'static Value {
    static DEFAULTS: OnceLock<Value> = OnceLock::new();
    DEFAULTS.get_or_init(|| {
        TAINTS
            .iter()
            .map(|taint| {
                value!({"key": *taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS})
            })
            .collect()
    })
}

pub(super) fn admit_node(node: &mut Value) {
    let taint = value!({"key": TAINTS[0], "effect": "NoSchedule"});
    let taints = &node["spec"]["taints"];
    let has = |other: &Value| other["key"] == taint["key"] && other["effect"] == taint["effect"];
    if !taints.items().iter().any(has) {
        node["spec"]["taints"].push(taint);
    }
}

pub(super) fn admit(pod: &mut Value) {
    let own = &pod["spec"]["tolerations"];
    if own.is_empty() {
        pod["spec"].set("tolerations", defaults());
        return;
    }
    let missing: Vec<Value> = defaults()
        .items()
        .iter()
        .filter(|default| {
            !own.items().iter().any(|toleration| {
                let (key, effect) = (toleration["key"].str(), toleration["effect"].str());
                (default["key"] == *key || key.is_empty()) && (effect == "NoExecute" || effect.is_empty())
            })
        })
        .cloned()
        .collect();
    for toleration in missing {
        pod["spec"]["tolerations"].push(toleration);
    }
}
