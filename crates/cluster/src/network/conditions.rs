//! Who does not reach whom, and who only slowly.

use std::time::Duration;

use super::Place;
use crate::queue::NodeId;

/// One end of what is cut or slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A node with everything on it.
    Node(NodeId),
    /// A pod.
    Place(Place),
}

impl End {
    fn holds(self, place: Place) -> bool {
        match self {
            End::Node(node) => place.node() == Some(node),
            End::Place(known) => known == place,
        }
    }

    /// Whether a connection crosses the border around this end. A pod and its own node always reach each other, as
    /// kubelets see to it.
    fn crossed(self, from: Place, to: Place) -> bool {
        if self.holds(from) == self.holds(to) {
            return false;
        }
        let outside = if self.holds(from) { to } else { from };
        !matches!(self, End::Place(place) if place.node().map(Place::Node) == Some(outside))
    }
}

/// What is wrong with the network. Empty when all is well.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    off: Vec<NodeId>,
    silent: Vec<NodeId>,
    cut: Vec<(End, Option<End>)>,
    slow: Vec<(End, Duration)>,
}

impl Conditions {
    /// All is well again.
    pub fn clear(&mut self) {
        *self = Conditions::default();
    }

    /// A node has no power.
    pub fn switch_off(&mut self, node: Option<NodeId>) {
        self.off.extend(node);
    }

    /// A node's kubelet does not answer.
    pub fn silence(&mut self, node: Option<NodeId>) {
        self.silent.extend(node);
    }

    /// Whether a node's kubelet does not answer.
    pub fn is_silent(&self, node: NodeId) -> bool {
        self.silent.contains(&node)
    }

    /// Nothing passes between an end and everybody else, or another end.
    pub fn cut(&mut self, one: End, other: Option<End>) {
        self.cut.push((one, other));
    }

    /// What crosses an end's border takes longer.
    pub fn slow(&mut self, end: End, wait: Duration) {
        self.slow.push((end, wait));
    }

    /// Whether a node has no power.
    pub fn is_off(&self, node: NodeId) -> bool {
        self.off.contains(&node)
    }

    /// Whether one of two places has no power.
    pub fn dark(&self, from: Place, to: Place) -> bool {
        !self.off.is_empty() && [from, to].into_iter().filter_map(Place::node).any(|node| self.is_off(node))
    }

    /// Whether nothing passes between two places.
    pub fn blocks(&self, from: Place, to: Place) -> bool {
        let between = |(one, other): &(End, Option<End>)| match other {
            None => one.crossed(from, to),
            Some(other) => (one.holds(from) && other.holds(to) || one.holds(to) && other.holds(from)) && from != to,
        };
        self.dark(from, to) || self.cut.iter().any(between)
    }

    /// How much longer the way takes.
    pub fn delay(&self, from: Place, to: Place) -> Duration {
        self.slow.iter().filter(|(end, _)| end.crossed(from, to)).map(|(_, wait)| *wait).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_delays() {
        let pod = |node: u32, sandbox: u64| Place::Pod { node: NodeId(node), sandbox };
        let node = |number: u32| Place::Node(NodeId(number));
        let mut isolated = Conditions::default();
        isolated.cut(End::Node(NodeId(1)), None);
        let mut pair = Conditions::default();
        pair.cut(End::Place(pod(0, 1)), Some(End::Place(pod(0, 2))));
        let mut nodes = Conditions::default();
        nodes.cut(End::Node(NodeId(0)), Some(End::Node(NodeId(1))));
        let mut dark = Conditions::default();
        dark.switch_off(Some(NodeId(1)));
        let cases = [
            (&isolated, node(0), pod(1, 3), true),
            (&isolated, Place::Workstation, node(1), true),
            (&isolated, node(1), pod(1, 3), false),
            (&isolated, node(0), node(2), false),
            (&isolated, Place::Workstation, Place::Workstation, false),
            (&pair, pod(0, 2), pod(0, 1), true),
            (&pair, pod(0, 1), pod(0, 3), false),
            (&pair, node(0), pod(0, 1), false),
            (&nodes, pod(0, 1), pod(1, 1), true),
            (&nodes, pod(0, 1), pod(2, 1), false),
            (&dark, pod(1, 1), pod(1, 2), true),
            (&dark, pod(0, 1), pod(0, 2), false),
        ];
        for (conditions, from, to, blocked) in cases {
            assert_eq!(conditions.blocks(from, to), blocked, "{conditions:?} {from:?} {to:?}");
        }
        let mut slow = Conditions::default();
        slow.slow(End::Node(NodeId(1)), Duration::from_millis(200));
        assert_eq!(slow.delay(node(0), pod(1, 1)), Duration::from_millis(200));
        assert_eq!(slow.delay(pod(1, 2), pod(1, 1)), Duration::ZERO);
    }
}
