//! Addresses, names, services and connections.

use crate::ctx::Ctx;
use crate::informers::Change;

/// Why the network is woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkWake {
    /// Something that waits in it is due.
    Due,
}

/// The network.
#[derive(Debug, Clone, Default)]
pub struct Network {}

impl Network {
    /// Goes on. A function of the context, as the network is part of it.
    pub fn handle(_wake: NetworkWake, _ctx: &mut Ctx<'_>) {}

    /// Hears what changed in the cluster (services, endpoints, policies, pods).
    pub fn observe(_changes: &[Change], _ctx: &mut Ctx<'_>) {}
}
