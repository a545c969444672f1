//! The APIServices of what this server answers for itself: one for each version of each group, those of custom resources as
//! they come and go.

use drydock_sorted::SortedSet;
use drydock_value::{Value, value};

use crate::kinds::API_SERVICES;
use crate::server::ApiServer;
use crate::verbs::DeleteOptions;

const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

/// Group, version, the group's priority, the version's.
const BUILT_IN: [(&str, &str, i64, i64); 21] = [
    ("", "v1", 18000, 1),
    ("admissionregistration.k8s.io", "v1", 16700, 15),
    ("apiextensions.k8s.io", "v1", 16700, 15),
    ("apps", "v1", 17800, 15),
    ("authentication.k8s.io", "v1", 17700, 15),
    ("authorization.k8s.io", "v1", 17600, 15),
    ("autoscaling", "v1", 17500, 15),
    ("autoscaling", "v2", 17500, 30),
    ("batch", "v1", 17400, 15),
    ("certificates.k8s.io", "v1", 17300, 15),
    ("coordination.k8s.io", "v1", 16500, 15),
    ("discovery.k8s.io", "v1", 16200, 15),
    ("events.k8s.io", "v1", 17750, 15),
    ("flowcontrol.apiserver.k8s.io", "v1", 16100, 21),
    ("networking.k8s.io", "v1", 17200, 15),
    ("node.k8s.io", "v1", 16300, 15),
    ("policy", "v1", 17100, 15),
    ("rbac.authorization.k8s.io", "v1", 17000, 15),
    ("resource.k8s.io", "v1", 16200, 20),
    ("scheduling.k8s.io", "v1", 16600, 15),
    ("storage.k8s.io", "v1", 16800, 15),
];

fn service((group, version, minimum, priority): (&str, &str, i64, i64), managed: &str) -> Value {
    let mut spec = value!({"version": version, "groupPriorityMinimum": minimum, "versionPriority": priority});
    if !group.is_empty() {
        spec.set("group", group);
    }
    value!({"metadata": {"name": format!("{version}.{group}"), "labels": {MANAGED: managed}}, "spec": spec})
}

/// Makes those of the built-in groups.
pub(crate) fn boot(server: &mut ApiServer) {
    for row in BUILT_IN {
        crate::boot::create(server, API_SERVICES, "", service(row, "onstart"));
    }
}

/// Makes those of the custom groups that are served, and takes the others away.
pub(crate) fn follow_custom(server: &mut ApiServer) {
    let name = |group: &str, version: &str| format!("{version}.{group}");
    let served: Vec<(&str, &str)> = server.custom_served().map(|served| (served.group(), served.version())).collect();
    let wanted: SortedSet<String> = served.iter().map(|(group, version)| name(group, version)).collect();
    let known = server.objects(API_SERVICES, "").filter(|service| service["metadata"]["labels"][MANAGED] == "true");
    let gone: Vec<String> = known.map(|service| service["metadata"]["name"].str().to_owned()).collect();
    for name in gone.iter().filter(|name| !wanted.contains(*name)) {
        let _ = server.client("system:apiserver").delete(API_SERVICES, "", name, &DeleteOptions::default());
    }
    for (group, version) in served {
        if server.get(API_SERVICES, "", &name(group, version)).is_none() {
            crate::boot::create(server, API_SERVICES, "", service((group, version, 1000, 100), "true"));
        }
    }
}

/// A local service is there from the start.
pub(crate) fn local_status(now: &str) -> Value {
    value!({"conditions": [{
        "type": "Available", "status": "True", "lastTransitionTime": now, "reason": "Local",
        "message": "Local APIServices are always available"
    }]})
}
