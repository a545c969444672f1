//! What the scheduler knows of nodes and of the pods on them, kept up to date change by change: nothing is ever counted
//! anew.

use drydock_sorted::{SortedMap, SortedSet};
use std::sync::Arc;

use drydock_value::{Map, Str, Value};

use super::groups::Groups;
use super::pod::{HostPort, PodInfo};
use super::resources::Resources;
use crate::objects::{Key, Object, shared};

/// A node with the pods on it.
#[derive(Debug, Clone)]
pub struct NodeInfo {
    /// Its name.
    pub name: Str,
    /// The object; None when pods are bound to a node that is not there.
    pub object: Option<Arc<Object>>,
    /// Its labels.
    pub labels: Map,
    /// What it has.
    pub allocatable: Resources,
    /// How many pods it takes.
    pub max_pods: i64,
    /// What its pods ask for.
    pub requested: Resources,
    /// What its pods are assumed to use: CPU and memory.
    pub assumed: (i64, i64),
    /// Its pods.
    pub pods: SortedMap<Key, Arc<PodInfo>>,
    /// The host ports in use.
    pub ports: SortedMap<HostPort, u32>,
    /// Images that it has, with their sizes.
    pub images: SortedMap<Str, i64>,
    /// Taints that keep pods away.
    pub hard_taints: Vec<Value>,
    /// Taints that pods had better avoid.
    pub soft_taints: Vec<Value>,
    /// Whether it is cordoned.
    pub unschedulable: bool,
}

impl NodeInfo {
    fn new(name: Str) -> NodeInfo {
        NodeInfo {
            name,
            object: None,
            labels: Map::new(),
            allocatable: Resources::default(),
            max_pods: 0,
            requested: Resources::default(),
            assumed: (0, 0),
            pods: SortedMap::new(),
            ports: SortedMap::new(),
            images: SortedMap::new(),
            hard_taints: Vec::new(),
            soft_taints: Vec::new(),
            unschedulable: false,
        }
    }

    /// A node by itself: name, labels and taints, without what it has and what is on it.
    pub fn bare(object: &Arc<Object>) -> NodeInfo {
        let mut node = NodeInfo::new(object.name().clone());
        node.set_spec(object);
        node
    }

    fn set(&mut self, object: &Arc<Object>) {
        let status = &object["status"];
        if self.object.as_ref().is_none_or(|old| old["status"]["allocatable"] != status["allocatable"]) {
            self.allocatable = Resources::read(&status["allocatable"]);
            self.max_pods = drydock_schema::quantity::Quantity::of(&status["allocatable"]["pods"])
                .map_or(0, |quantity| quantity.value());
        }
        if self.object.as_ref().is_none_or(|old| old["status"]["images"] != status["images"]) {
            self.images = status["images"]
                .items()
                .iter()
                .flat_map(|image| {
                    image["names"].items().iter().map(move |name| (shared(name), image["sizeBytes"].int()))
                })
                .collect();
        }
        self.set_spec(object);
        self.object = Some(object.clone());
    }

    fn set_spec(&mut self, object: &Object) {
        self.labels = object.labels().clone();
        let taints = object["spec"]["taints"].items().iter().cloned();
        (self.soft_taints, self.hard_taints) = taints.partition(|taint| taint["effect"] == "PreferNoSchedule");
        self.unschedulable = object["spec"]["unschedulable"].is_true();
    }

    /// Puts a pod on the node.
    pub fn add(&mut self, pod: &Arc<PodInfo>) {
        self.requested.add(&pod.requests);
        self.assumed.0 += pod.assumed.0;
        self.assumed.1 += pod.assumed.1;
        for port in &pod.ports {
            *self.ports.entry(port.clone()).or_default() += 1;
        }
        self.pods.insert(pod.key().clone(), pod.clone());
    }

    /// Takes a pod off the node.
    pub fn remove(&mut self, key: &Key) -> Option<Arc<PodInfo>> {
        let pod = self.pods.remove(key)?;
        self.requested.sub(&pod.requests);
        self.assumed.0 -= pod.assumed.0;
        self.assumed.1 -= pod.assumed.1;
        for port in &pod.ports {
            if let Some(count) = self.ports.get_mut(port) {
                *count -= 1;
                if *count == 0 {
                    self.ports.remove(port);
                }
            }
        }
        Some(pod)
    }

    /// A label of the node, if it has it.
    pub fn label(&self, key: &str) -> Option<&Str> {
        match self.labels.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// All nodes and pods.
#[derive(Debug, Clone, Default)]
pub struct State {
    nodes: Vec<NodeInfo>,
    by_name: SortedMap<Str, usize>,
    /// The places of nodes that exist, in the order in which they came.
    live: Vec<usize>,
    /// Where each pod counts.
    placed: SortedMap<Key, usize>,
    /// The pods with required anti-affinity, wherever they are.
    pub(super) apart: SortedSet<Key>,
    /// The pods with any affinity.
    pub(super) affine: SortedSet<Key>,
    /// How many pods of a kind are on each node.
    pub(super) groups: Groups,
    /// On how many nodes an image is.
    pub(super) images: SortedMap<Str, i64>,
}

impl State {
    /// The places of the nodes that exist.
    pub fn live(&self) -> &[usize] {
        &self.live
    }

    /// The node at a place.
    pub fn node(&self, at: usize) -> &NodeInfo {
        &self.nodes[at]
    }

    /// The place of a node.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The node on which a pod counts.
    pub fn node_of(&self, key: &Key) -> Option<usize> {
        self.placed.get(key).copied()
    }

    /// A pod that counts somewhere.
    pub fn pod(&self, key: &Key) -> Option<&Arc<PodInfo>> {
        self.nodes.get(self.node_of(key)?)?.pods.get(key)
    }

    fn place(&mut self, name: &Str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = self.nodes.len();
        self.nodes.push(NodeInfo::new(name.clone()));
        self.by_name.insert(name.clone(), at);
        self.groups.grow(self.nodes.len());
        at
    }

    /// A node came or changed.
    pub fn set_node(&mut self, object: &Arc<Object>) {
        let at = self.place(object.name());
        let node = &mut self.nodes[at];
        if node.object.is_none() {
            self.live.push(at);
        }
        let before: Vec<Str> = node.images.keys().cloned().collect();
        node.set(object);
        let after: Vec<Str> = node.images.keys().cloned().collect();
        self.count_images(&before, -1);
        self.count_images(&after, 1);
    }

    fn count_images(&mut self, names: &[Str], by: i64) {
        for name in names {
            let count = self.images.entry(name.clone()).or_default();
            *count += by;
            if *count <= 0 {
                self.images.remove(name);
            }
        }
    }

    /// A node is gone. Its pods still count, should it come back.
    pub fn remove_node(&mut self, name: &str) {
        let Some(at) = self.find(name) else { return };
        self.live.retain(|live| *live != at);
        let node = &mut self.nodes[at];
        node.object = None;
        let images: Vec<Str> = std::mem::take(&mut node.images).into_keys().collect();
        self.count_images(&images, -1);
    }

    /// Counts a pod on a node, and nowhere else.
    pub fn set_pod(&mut self, node: &Str, pod: Arc<PodInfo>) {
        self.remove_pod(pod.key());
        let at = self.place(node);
        let key = pod.key().clone();
        if !pod.affinity.is_empty() {
            self.affine.insert(key.clone());
            if !pod.affinity.apart.is_empty() {
                self.apart.insert(key.clone());
            }
        }
        self.groups.count(&pod, at, 1);
        self.nodes[at].add(&pod);
        self.placed.insert(key, at);
    }

    /// Stops counting a pod.
    pub fn remove_pod(&mut self, key: &Key) -> Option<Arc<PodInfo>> {
        let at = self.placed.remove(key)?;
        self.affine.remove(key);
        self.apart.remove(key);
        let pod = self.nodes.get_mut(at)?.remove(key)?;
        self.groups.count(&pod, at, -1);
        Some(pod)
    }

    /// How many pods that a selector selects are on each node, by place. Kept from then on.
    pub fn counts(&mut self, pods: &super::pod::PodSelector, skip_ending: bool) -> Arc<Vec<u32>> {
        let nodes = &self.nodes;
        self.groups.get(pods, skip_ending, nodes)
    }
}
