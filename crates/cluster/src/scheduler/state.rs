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
    /// Where an image is.
    pub(super) images: SortedMap<Str, ImageNodes>,
    /// The places of the topologies that were asked for since labels changed.
    topologies: SortedMap<Str, Arc<Places>>,
}

/// The nodes that have an image.
#[derive(Debug, Clone, Default)]
pub struct ImageNodes {
    /// On how many nodes it is.
    pub nodes: i64,
    /// Its size in bytes on each node, by the node's place; 0, or nothing at the end, where it is not.
    sizes: Vec<i64>,
}

impl ImageNodes {
    /// Its size in bytes on a node; 0 when it is not there.
    pub fn size(&self, at: usize) -> i64 {
        self.sizes.get(at).copied().unwrap_or(0)
    }

    fn set(&mut self, at: usize, size: i64) {
        if self.sizes.len() <= at {
            self.sizes.resize(at + 1, 0);
        }
        self.sizes[at] = size;
    }
}

/// The values of a label among the nodes: which nodes are in one place.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The number of each node's place, by the node's own; None where the node has no such label.
    of: Vec<Option<u32>>,
    /// How many there are.
    pub count: usize,
}

impl Places {
    fn new(nodes: &[NodeInfo], label: &str) -> Places {
        let mut numbers: SortedMap<Str, u32> = SortedMap::new();
        let mut number = |value: &Str| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(value.clone()).or_insert(next)
        };
        let of = nodes.iter().map(|node| node.label(label).map(&mut number)).collect();
        Places { of, count: numbers.len() }
    }

    /// The number of a node's place, below [`Places::count`].
    pub fn of(&self, at: usize) -> Option<usize> {
        self.of.get(at).copied().flatten().map(|number| number as usize)
    }
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
        self.topologies.clear();
        at
    }

    /// A node came or changed.
    pub fn set_node(&mut self, object: &Arc<Object>) {
        let at = self.place(object.name());
        let node = &mut self.nodes[at];
        if node.object.is_none() {
            self.live.push(at);
        }
        let (images, labels) = (node.images.clone(), node.labels.clone());
        node.set(object);
        if node.labels != labels {
            self.topologies.clear();
        }
        if node.images != images {
            let now = node.images.clone();
            self.count_images(at, &images, &now);
        }
    }

    /// The images of the node at a place are no longer those of `before`, but those of `now`.
    fn count_images(&mut self, at: usize, before: &SortedMap<Str, i64>, now: &SortedMap<Str, i64>) {
        for name in before.keys() {
            let Some(image) = self.images.get_mut(name) else { continue };
            image.set(at, 0);
            image.nodes -= 1;
            if image.nodes <= 0 {
                self.images.remove(name);
            }
        }
        for (name, size) in now {
            let image = self.images.entry(name.clone()).or_default();
            image.set(at, *size);
            image.nodes += 1;
        }
    }

    /// Which nodes are in one place, as a label tells.
    pub fn places(&mut self, label: &Str) -> Arc<Places> {
        let nodes = &self.nodes;
        self.topologies.entry(label.clone()).or_insert_with(|| Arc::new(Places::new(nodes, label))).clone()
    }

    /// A node is gone. Its pods still count, should it come back.
    pub fn remove_node(&mut self, name: &str) {
        let Some(at) = self.find(name) else { return };
        self.live.retain(|live| *live != at);
        let node = &mut self.nodes[at];
        node.object = None;
        let images = std::mem::take(&mut node.images);
        self.count_images(at, &images, &SortedMap::new());
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

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    fn node(name: &str, zone: &str, images: &[&str]) -> Arc<Object> {
        let images: Vec<Value> = images.iter().map(|name| value!({"names": [*name], "sizeBytes": 7})).collect();
        let object = value!({
            "metadata": {"name": name, "labels": {"zone": zone}}, "status": {"images": images, "allocatable": {}}
        });
        Object::read(object, false)
    }

    #[test]
    fn images_and_places_follow_the_nodes() {
        let mut state = State::default();
        state.set_node(&node("a", "x", &["nginx"]));
        state.set_node(&node("b", "x", &["nginx", "redis"]));
        let of = |state: &mut State| {
            let places = state.places(&"zone".into());
            let images =
                ["nginx", "redis"].map(|name| state.images.get(name).map(|image| (image.nodes, image.size(1))));
            (places.of(0) == places.of(1), places.count, images)
        };
        assert_eq!(of(&mut state), (true, 1, [Some((2, 7)), Some((1, 7))]));
        state.set_node(&node("b", "y", &["nginx"]));
        assert_eq!(of(&mut state), (false, 2, [Some((2, 7)), None]));
        state.remove_node("b");
        assert_eq!(of(&mut state).2, [Some((1, 0)), None]);
    }
}
