//! Objects of the map's views, for tests.

use drydock_session::{DeploymentView, NodeView, PodPhase, PodView, ReplicaSetView, ServiceView};

/// A pod whose uid is its name; nothing owns it.
pub fn pod(name: &str, status: &str, node: &str) -> PodView {
    PodView {
        uid: name.into(),
        namespace: "default".into(),
        name: name.into(),
        node: node.into(),
        phase: if status == "Running" { PodPhase::Ready } else { PodPhase::Pending },
        status: status.into(),
        ready: "1/1".into(),
        restarts: "0".into(),
        ip: String::new(),
        images: Vec::new(),
        owner: (String::new(), String::new()),
        labels: vec![("app".into(), "web".into())],
    }
}

/// A pod of the replica set of that name.
pub fn owned(name: &str, node: &str, set: &str) -> PodView {
    PodView { owner: ("ReplicaSet".into(), set.into()), ..pod(name, "Running", node) }
}

/// A node that is ready.
pub fn node(name: &str) -> NodeView {
    NodeView {
        name: name.into(),
        status: "Ready".into(),
        roles: String::new(),
        version: String::new(),
        ip: String::new(),
    }
}

/// A deployment whose uid is its name with a `d:` before it.
pub fn deployment(name: &str, replicas: i64, ready: i64) -> DeploymentView {
    DeploymentView {
        uid: format!("d:{name}"),
        namespace: "default".into(),
        name: name.into(),
        replicas,
        ready,
        updated: ready,
        available: ready,
        images: Vec::new(),
    }
}

/// A replica set whose uid is its name with an `rs:` before it.
pub fn replica_set(name: &str, deployment: &str, replicas: i64) -> ReplicaSetView {
    ReplicaSetView {
        uid: format!("rs:{name}"),
        namespace: "default".into(),
        name: name.into(),
        replicas,
        ready: replicas,
        deployment: deployment.into(),
        revision: String::new(),
        images: Vec::new(),
    }
}

/// A service that selects `app=web`.
pub fn service(name: &str) -> ServiceView {
    ServiceView {
        uid: format!("s:{name}"),
        namespace: "default".into(),
        name: name.into(),
        kind: "ClusterIP".into(),
        cluster_ip: "10.96.0.9".into(),
        ports: "80/TCP".into(),
        selector: vec![("app".into(), "web".into())],
    }
}
