//! Tests of the whole, on hollow nodes.

mod basics;
mod claims;
mod crons;
mod daemons;
mod owners;
mod properties;
mod rollouts;
mod workloads;
mod written;

use drydock_sorted::Sort;
use std::time::Duration;

use drydock_value::{Time, Value, value};

use crate::store::{DeleteOptions, Kind, PatchType, kinds};
use crate::{Cluster, Config, NodeConfig};

/// A cluster with hollow nodes, and a user.
pub(crate) struct World {
    pub cluster: Cluster,
}

const USER: &str = "minikube-user";

impl World {
    pub(crate) fn new(nodes: u32) -> World {
        World::seeded(nodes, 1)
    }

    pub(crate) fn seeded(nodes: u32, seed: u64) -> World {
        let config = Config { seed, nodes: NodeConfig::minikube(nodes), hollow: true, ..Config::default() };
        World { cluster: Cluster::new(config) }
    }

    pub(crate) fn create(&mut self, kind: Kind, object: Value) -> Value {
        let namespace =
            if kind.namespaced() { object["metadata"]["namespace"].as_str().unwrap_or("default") } else { "" };
        let namespace = namespace.to_owned();
        let now = self.cluster.now();
        crate::store::client(self.cluster.api(), USER, now).create(kind, &namespace, object).expect("created")
    }

    pub(crate) fn patch(&mut self, kind: Kind, name: &str, patch: Value) -> Value {
        let namespace = if kind.namespaced() { "default" } else { "" };
        let now = self.cluster.now();
        crate::store::client(self.cluster.api(), USER, now)
            .patch(kind, namespace, name, PatchType::Merge, &patch, "")
            .expect("patched")
    }

    pub(crate) fn delete(&mut self, kind: Kind, name: &str, options: &DeleteOptions) {
        let namespace = if kind.namespaced() { "default" } else { "" };
        let now = self.cluster.now();
        crate::store::client(self.cluster.api(), USER, now).delete(kind, namespace, name, options).expect("deleted");
    }

    pub(crate) fn run(&mut self, seconds: f64) {
        let until = self.cluster.now() + Duration::from_secs_f64(seconds);
        assert!(self.cluster.advance(until, 2_000_000).reached, "too many events");
    }

    /// Handles events one by one for a while, looking at the cluster after each.
    pub(crate) fn watch(&mut self, seconds: f64, mut look: impl FnMut(&mut Cluster)) {
        let until = self.cluster.now() + Duration::from_secs_f64(seconds);
        while !self.cluster.advance(until, 1).reached {
            look(&mut self.cluster);
        }
    }

    pub(crate) fn get(&self, kind: Kind, name: &str) -> Value {
        let namespace = if kind.namespaced() { "default" } else { "" };
        self.cluster.api_ref().get(kind, namespace, name).cloned().unwrap_or_default()
    }

    pub(crate) fn list(&self, kind: Kind) -> Vec<Value> {
        let namespace = if kind.namespaced() { "default" } else { "" };
        self.cluster.api_ref().objects(kind, namespace).cloned().collect()
    }

    /// The events about an object, as `type reason: message`, oldest first.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let mut events: Vec<Value> = self.cluster.api_ref().objects(kinds::EVENTS, "").cloned().collect();
        events.retain(|event| event["involvedObject"]["name"] == name);
        events.sort_compact_by_key(|event| event["metadata"]["resourceVersion"].str().parse::<u64>().unwrap_or(0));
        events.iter().map(|e| format!("{} {}: {}", e["type"].str(), e["reason"].str(), e["message"].str())).collect()
    }
}

pub(crate) fn deployment(name: &str, replicas: i64, image: &str) -> Value {
    value!({
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": image}]}
            }
        }
    })
}

pub(crate) fn pod(name: &str) -> Value {
    value!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}})
}

pub(super) fn since(later: Time, earlier: Time) -> f64 {
    later.since(earlier).as_secs_f64()
}
