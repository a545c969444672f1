//! What belongs together: a deployment, its replica sets and their pods; a service and the pods it leads to; a node and
//! the pods on it.

use drydock_sorted::SortedSet;

use drydock_session::{DeploymentView, PodView, ReplicaSetView, ServiceView, View};

use crate::page::map::place::{WAITING, counts_key, node_key};

/// Whether the replica set is the deployment's.
pub fn owns(deployment: &DeploymentView, set: &ReplicaSetView) -> bool {
    deployment.namespace == set.namespace && deployment.name == set.deployment
}

/// The deployment of a replica set.
pub fn parent<'a>(view: &'a View, set: &ReplicaSetView) -> Option<&'a DeploymentView> {
    view.deployments.iter().find(|deployment| owns(deployment, set))
}

/// Whether the pod is the replica set's.
pub fn keeps(set: &ReplicaSetView, pod: &PodView) -> bool {
    pod.namespace == set.namespace && pod.owner.0 == "ReplicaSet" && pod.owner.1 == set.name
}

/// Whether the service leads to the pod.
pub fn selects(service: &ServiceView, pod: &PodView) -> bool {
    !service.selector.is_empty()
        && service.namespace == pod.namespace
        && service.selector.iter().all(|label| pod.labels.contains(label))
}

/// The keys of everything that belongs to `key`, itself included.
pub fn related(view: &View, key: &str) -> SortedSet<String> {
    let mut keys = SortedSet::from([key.to_owned()]);
    let pods = |keys: &mut SortedSet<String>, of: &dyn Fn(&PodView) -> bool| {
        for pod in view.pods.iter().filter(|pod| of(pod)) {
            keys.insert(pod.uid.clone());
        }
    };
    if let Some(deployment) = view.deployments.iter().find(|deployment| deployment.uid == key) {
        for set in view.replica_sets.iter().filter(|set| owns(deployment, set)) {
            keys.insert(set.uid.clone());
            pods(&mut keys, &|pod| keeps(set, pod));
        }
    } else if let Some(set) = view.replica_sets.iter().find(|set| set.uid == key) {
        keys.extend(parent(view, set).map(|deployment| deployment.uid.clone()));
        pods(&mut keys, &|pod| keeps(set, pod));
    } else if let Some(service) = view.services.iter().find(|service| service.uid == key) {
        pods(&mut keys, &|pod| selects(service, pod));
    } else if let Some(pod) = view.pods.iter().find(|pod| pod.uid == key) {
        keys.insert(if pod.node.is_empty() { WAITING.to_owned() } else { node_key(&pod.node) });
        if let Some(set) = view.replica_sets.iter().find(|set| keeps(set, pod)) {
            keys.insert(set.uid.clone());
            keys.extend(parent(view, set).map(|deployment| deployment.uid.clone()));
        }
        keys.extend(view.services.iter().filter(|service| selects(service, pod)).map(|service| service.uid.clone()));
    } else {
        let node = key.strip_prefix("node:").or_else(|| key.strip_prefix("counts:")).unwrap_or_default();
        keys.insert(node_key(node));
        keys.insert(counts_key(node));
        pods(&mut keys, &|pod| pod.node == node);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn follows_owners_both_ways() {
        let view = View {
            nodes: vec![samples::node("n")],
            deployments: vec![samples::deployment("web", 1, 1)],
            replica_sets: vec![samples::replica_set("web-1", "web", 1)],
            pods: vec![samples::owned("p", "n", "web-1"), samples::pod("q", "Running", "n")],
            ..View::default()
        };
        let cases = [
            ("d:web", vec!["d:web", "p", "rs:web-1"]),
            ("rs:web-1", vec!["d:web", "p", "rs:web-1"]),
            ("p", vec!["d:web", "node:n", "p", "rs:web-1"]),
            ("q", vec!["node:n", "q"]),
            ("node:n", vec!["counts:n", "node:n", "p", "q"]),
        ];
        for (key, expected) in cases {
            assert_eq!(related(&view, key).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{key}");
        }
    }
}
