//! How a session is made.

use drydock_value::Time;
use serde::{Deserialize, Serialize};

/// Which cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// One node, as after `minikube start`.
    #[default]
    Minikube,
    /// Two nodes, as after `minikube start --nodes 2`.
    TwoNodes,
    /// So many nodes; the first is the control plane.
    Nodes(u32),
}

impl Profile {
    /// How many nodes it has.
    pub fn nodes(self) -> u32 {
        match self {
            Profile::Minikube => 1,
            Profile::TwoNodes => 2,
            Profile::Nodes(count) => count.max(1),
        }
    }

    /// The profile of that name: `minikube`, `two-nodes`, or a number of nodes.
    pub fn named(name: &str) -> Option<Profile> {
        match name {
            "minikube" => Some(Profile::Minikube),
            "two-nodes" => Some(Profile::TwoNodes),
            number => number.parse().ok().map(Profile::Nodes),
        }
    }
}

/// Everything that a session follows from, besides its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What every choice by chance follows from.
    pub seed: u64,
    /// Which cluster.
    pub profile: Profile,
    /// The moment at which the session begins, with a cluster that has booted just before.
    pub start: Time,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 1, profile: Profile::default(), start: Time::from_seconds(1_795_359_409) }
    }
}
