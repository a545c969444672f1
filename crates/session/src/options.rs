//! How a session is made.

use drydock_cluster::{Config, NodeConfig, System};
use drydock_value::Time;
use serde::{Deserialize, Serialize};

use crate::layout::Layout;

/// Which cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Profile {
    /// One node with its system in `kube-system`, as after `minikube start`.
    #[default]
    Minikube,
    /// The two nodes of the recordings, without a visible system.
    TwoNodes,
    /// Three nodes as after `kind create cluster` with two workers: the control plane takes no pods of others.
    Kind,
    /// So many nodes without a visible system; the first is the control plane.
    Nodes(u32),
    /// Nodes of one's own.
    Layout(Layout),
}

impl Profile {
    /// The profile of that name: `minikube`, `two-nodes`, `kind`, a number of nodes, or a layout.
    pub fn named(name: &str) -> Option<Profile> {
        match name {
            "minikube" => Some(Profile::Minikube),
            "two-nodes" => Some(Profile::TwoNodes),
            "kind" => Some(Profile::Kind),
            other => match other.parse() {
                Ok(0) => None,
                Ok(count) => Some(Profile::Nodes(count)),
                // A single word is rather a name that there is not.
                Err(_) if !other.contains([';', ',', '*']) => None,
                Err(_) => Layout::new(other).ok().map(Profile::Layout),
            },
        }
    }

    /// How its cluster is made.
    pub fn config(self) -> Config {
        let (nodes, system) = match self {
            Profile::Minikube => {
                let mut nodes = NodeConfig::minikube(1);
                for (name, text) in [("name", "minikube"), ("primary", "true"), ("version", "v1.38.0")] {
                    nodes[0].labels.push((format!("minikube.k8s.io/{name}"), text.into()));
                }
                (nodes, System::Minikube)
            }
            Profile::TwoNodes => (NodeConfig::minikube(2), System::None),
            Profile::Kind => (NodeConfig::kind(3), System::Kubeadm),
            Profile::Nodes(count) => (NodeConfig::minikube(count.max(1)), System::None),
            Profile::Layout(layout) => (layout.nodes(), System::Minikube),
        };
        Config { nodes, system, ..Config::default() }
    }
}

impl From<Profile> for String {
    fn from(profile: Profile) -> String {
        match profile {
            Profile::Minikube => "minikube".into(),
            Profile::TwoNodes => "two-nodes".into(),
            Profile::Kind => "kind".into(),
            Profile::Nodes(count) => count.to_string(),
            Profile::Layout(layout) => layout.text().into(),
        }
    }
}

impl TryFrom<String> for Profile {
    type Error = String;

    fn try_from(name: String) -> Result<Profile, String> {
        Profile::named(&name).ok_or_else(|| format!("there is no profile \"{name}\""))
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
