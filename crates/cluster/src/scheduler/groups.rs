//! How many pods of a kind are on each node, for spreading and affinity: counted once for a selector, then kept.

use drydock_sorted::Sort;
use drydock_sorted::SortedMap;
use std::sync::Arc;

use drydock_value::Str;

use super::pod::{PodInfo, PodSelector};
use super::state::NodeInfo;

/// How many selectors are remembered.
const MOST: usize = 2048;

#[derive(Debug, Clone)]
struct Group {
    pods: PodSelector,
    /// Whether pods that are being deleted do not count.
    skip_ending: bool,
    counts: Arc<Vec<u32>>,
    used: u64,
}

/// The counts, by selector.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    groups: SortedMap<(Str, bool), Group>,
    /// Which groups want a certain label, so that a pod meets few of them.
    by_label: SortedMap<(Str, Str), Vec<(Str, bool)>>,
    /// Those that want none.
    others: Vec<(Str, bool)>,
    nodes: usize,
    clock: u64,
}

impl Groups {
    /// There are that many nodes now.
    pub(super) fn grow(&mut self, nodes: usize) {
        self.nodes = nodes;
        for group in self.groups.values_mut() {
            Arc::make_mut(&mut group.counts).resize(nodes, 0);
        }
    }

    /// A pod came to a node (`by` 1) or left it (-1).
    pub(super) fn count(&mut self, pod: &PodInfo, node: usize, by: i32) {
        if self.groups.is_empty() {
            return;
        }
        let namespace = pod.object.namespace();
        let ending = pod.object.deleting.is_some();
        let mut change = |identity: &(Str, bool)| {
            let Some(group) = self.groups.get_mut(identity) else { return };
            if (ending && group.skip_ending) || !group.pods.matches(namespace, &pod.labels) {
                return;
            }
            if let Some(count) = Arc::make_mut(&mut group.counts).get_mut(node) {
                *count = count.saturating_add_signed(by);
            }
        };
        for (key, value) in pod.labels.shared_iter() {
            let label = (key.clone(), crate::objects::shared(value));
            self.by_label.get(&label).into_iter().flatten().for_each(&mut change);
        }
        self.others.iter().for_each(&mut change);
    }

    /// The counts of a selector.
    pub(super) fn get(&mut self, pods: &PodSelector, skip_ending: bool, nodes: &[NodeInfo]) -> Arc<Vec<u32>> {
        self.clock += 1;
        let identity = (pods.identity.clone(), skip_ending);
        if let Some(group) = self.groups.get_mut(&identity) {
            group.used = self.clock;
            return group.counts.clone();
        }
        if self.groups.len() >= MOST {
            self.forget_oldest();
        }
        let count = |node: &NodeInfo| {
            let matching = node.pods.values().filter(|pod| {
                !(skip_ending && pod.object.deleting.is_some()) && pods.matches(pod.object.namespace(), &pod.labels)
            });
            u32::try_from(matching.count()).unwrap_or(u32::MAX)
        };
        let counts: Arc<Vec<u32>> = Arc::new(nodes.iter().map(count).collect());
        match &pods.hint {
            Some(label) => self.by_label.entry(label.clone()).or_default().push(identity.clone()),
            None => self.others.push(identity.clone()),
        }
        let group = Group { pods: pods.clone(), skip_ending, counts: counts.clone(), used: self.clock };
        self.groups.insert(identity, group);
        counts
    }

    /// Lets go of the half that was not asked for longest.
    fn forget_oldest(&mut self) {
        let mut ages: Vec<u64> = self.groups.values().map(|group| group.used).collect();
        ages.sort_compact();
        let middle = ages.get(ages.len() / 2).copied().unwrap_or(0);
        self.groups.retain(|_, group| group.used > middle);
        let groups = &self.groups;
        self.by_label.retain(|_, identities| {
            identities.retain(|identity| groups.contains_key(identity));
            !identities.is_empty()
        });
        self.others.retain(|identity| groups.contains_key(identity));
    }
}
