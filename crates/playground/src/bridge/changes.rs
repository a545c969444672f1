//! Differences between two views of the cluster: what is sent while the cluster moves.

use drydock_sorted::SortedMap;

use drydock_session::{DeploymentView, NodeView, PodView, ReplicaSetView, ServiceView, View};
use serde::{Deserialize, Serialize};

/// What tells an object of a view from its neighbours.
pub trait Keyed: Clone + PartialEq {
    /// Unique among its kind.
    fn key(&self) -> &str;
}

macro_rules! keyed {
    ($($kind:ty: $field:ident),*) => {$(
        impl Keyed for $kind {
            fn key(&self) -> &str {
                &self.$field
            }
        }
    )*};
}
keyed!(NodeView: name, PodView: uid, DeploymentView: uid, ReplicaSetView: uid, ServiceView: uid);

impl Keyed for String {
    fn key(&self) -> &str {
        self
    }
}

/// The changes of one kind of object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes<T> {
    /// New ones, and those that are not what they were.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<T>,
    /// Keys of those that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

impl<T> Default for Changes<T> {
    fn default() -> Changes<T> {
        Changes { set: Vec::new(), gone: Vec::new() }
    }
}

impl<T> Changes<T> {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.gone.is_empty()
    }
}

/// The changes of a whole view.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Change {
    /// Whether what was known before is to be forgotten first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
    /// Of the nodes.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub nodes: Changes<NodeView>,
    /// Of the pods.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub pods: Changes<PodView>,
    /// Of the deployments.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub deployments: Changes<DeploymentView>,
    /// Of the replica sets.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub replica_sets: Changes<ReplicaSetView>,
    /// Of the services.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub services: Changes<ServiceView>,
    /// Of the namespaces.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub namespaces: Changes<String>,
}

impl Change {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }
}

/// What makes `after` out of `before`.
pub fn difference(before: &View, after: &View) -> Change {
    Change {
        anew: false,
        nodes: changes(&before.nodes, &after.nodes),
        pods: changes(&before.pods, &after.pods),
        deployments: changes(&before.deployments, &after.deployments),
        replica_sets: changes(&before.replica_sets, &after.replica_sets),
        services: changes(&before.services, &after.services),
        namespaces: changes(&before.namespaces, &after.namespaces),
    }
}

/// Makes the changed view out of the one before. Objects come out in the order of their keys.
pub fn apply(view: &mut View, change: &Change) {
    if change.anew {
        *view = View::default();
    }
    merge(&mut view.nodes, &change.nodes);
    merge(&mut view.pods, &change.pods);
    merge(&mut view.deployments, &change.deployments);
    merge(&mut view.replica_sets, &change.replica_sets);
    merge(&mut view.services, &change.services);
    merge(&mut view.namespaces, &change.namespaces);
}

fn changes<T: Keyed>(before: &[T], after: &[T]) -> Changes<T> {
    let mut known: SortedMap<&str, &T> = before.iter().map(|item| (item.key(), item)).collect();
    let set = after.iter().filter(|item| known.remove(item.key()) != Some(item)).cloned().collect();
    Changes { set, gone: known.into_keys().map(str::to_owned).collect() }
}

fn merge<T: Keyed>(items: &mut Vec<T>, changes: &Changes<T>) {
    if changes.is_empty() {
        return;
    }
    let mut all: SortedMap<String, T> = items.drain(..).map(|item| (item.key().to_owned(), item)).collect();
    for key in &changes.gone {
        all.remove(key);
    }
    all.extend(changes.set.iter().map(|item| (item.key().to_owned(), item.clone())));
    items.extend(all.into_values());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str, status: &str) -> PodView {
        crate::samples::pod(uid, status, "")
    }

    #[test]
    fn applying_the_difference_gives_the_later_view() {
        let states = [
            vec![],
            vec![pod("a", "Pending")],
            vec![pod("a", "Running"), pod("b", "Pending")],
            vec![pod("b", "Running"), pod("c", "Pending")],
            vec![],
        ];
        let mut shown = View::default();
        for window in states.windows(2) {
            let [before, after] = window else { continue };
            let before = View { pods: before.clone(), ..View::default() };
            let after = View { pods: after.clone(), namespaces: vec!["default".into()], ..View::default() };
            apply(&mut shown, &difference(&before, &after));
            assert_eq!(shown.pods, after.pods);
        }
        assert_eq!(shown.namespaces, ["default"]);
    }

    #[test]
    fn what_stays_the_same_is_not_sent() {
        let view = View { pods: vec![pod("a", "Running"), pod("b", "Pending")], ..View::default() };
        assert!(difference(&view, &view).is_empty());
        let mut later = view.clone();
        later.pods[1] = pod("b", "Running");
        let change = difference(&view, &later);
        assert_eq!(change.pods.set, [pod("b", "Running")]);
        assert_eq!(serde_json::to_string(&change).unwrap().matches("uid").count(), 1);
    }

    #[test]
    fn a_new_start_forgets() {
        let mut shown = View { pods: vec![pod("a", "Running")], ..View::default() };
        apply(&mut shown, &Change { anew: true, ..Change::default() });
        assert_eq!(shown, View::default());
    }
}
