//! A session: a cluster, the learner's workstation, and everything that was ever done to them.
//!
//! The page, the native command and the tests use only this crate. They put [`Input`]s in, let time pass with
//! [`Session::advance`], and take [`Event`]s and [`View`]s out.
//!
//! - [`options`]: how a session is made; [`layout`]: nodes in words; `message`: what goes in and out.
//! - [`session`]: the loop that lets the cluster and the workstation take turns.
//! - `workstation`: the machine with the terminals: its files, kubectl, minikube, its way to the network.
//! - `log`: the input log. A session is deterministic, so its options and its log are all that is saved.
//! - `history`: moments to go back to, and what became of things since.
//! - `undo`: snapshots before each command, which are clones. `check`: scripts on a clone.
//! - `view`: the cluster as the page draws it. `scenario`: fixed courses of events for tests and benchmarks.
//!
//! The core knows no wall clock: whoever drives a session says how far its clock may go.

mod check;
mod history;
pub mod layout;
mod log;
mod message;
mod options;
pub mod scenario;
mod session;
mod state;
mod undo;
mod view;
mod workstation;

pub use drydock_cluster::{Fault, story};
pub use log::Saved;
pub use message::{Clock, Event, FileEntry, Input, Output, RunId, TerminalId};
pub use options::{Options, Profile};
pub use session::{Advance, Session};
pub use view::{DeploymentView, NodeView, PodPhase, PodView, ReplicaSetView, ServiceView, View};
pub use workstation::{HOME, programs};
