//! The simulated machines: everything of a cluster but its API server.
//!
//! [`Cluster`] holds all of it and lets time pass: it pops a queue of events ordered by time and by who asked first
//! ([`EventQueue`]), and hands each to the component that it wakes, together with a [`Ctx`]: clock, API server, caches,
//! chance. A component is a state machine that never waits: it does what is to do now and asks to be woken. All of it
//! is plain data that clones, and nothing in it depends on anything but the seed and what comes in.
//!
//! Components read the cluster through shared caches ([`Informers`]), which hear of every write a moment later, and
//! write through the API server's verbs as the user that they are in a real cluster.
//!
//! - [`config`]: what a cluster is made of, and how long things take.
//! - [`queue`], [`digest`], [`random`]: the clock, the checksum of what happened, chance.
//! - [`ctx`], [`store`], [`objects`], [`informers`], [`workqueue`], [`events`]: what every component works with.
//! - [`controllers`]: the control loops of kube-controller-manager, one file and one row each.
//! - [`scheduler`]: where pods go, as kube-scheduler decides it.
//! - [`kubelet`], [`runtime`]: the nodes, and the containers and processes on them. [`hollow`]: nodes that only pretend.
//! - [`story`]: who wrote what, and why.
//! - [`faults`]: what can fail, and how it comes back.
//! - [`metrics`]: the metrics server.
//! - [`system`]: what a cluster runs for itself.
//! - [`network`], [`streams`]: how bytes travel: between pods, and between clients and the cluster.

mod cluster;
pub mod config;
pub mod controllers;
pub mod ctx;
pub mod digest;
pub mod events;
pub mod faults;
pub mod hollow;
pub mod informers;
pub mod kubelet;
pub mod metrics;
pub mod network;
pub mod objects;
pub mod queue;
pub mod random;
pub mod runtime;
pub mod scheduler;
pub mod store;
pub mod story;
pub mod streams;
pub mod system;
pub mod workqueue;

pub use cluster::{Cluster, Progress};
pub use config::{Config, Latencies, NodeConfig, Programs, System};
pub use ctx::Ctx;
pub use faults::{Fault, Machine};
pub use informers::{Change, Informers};
pub use objects::{Key, Object};
pub use queue::{Event, EventQueue, NodeId};

#[cfg(test)]
pub(crate) mod tests;
