//! The kubelets: one a node.

use drydock_shell::SocketId;

use crate::config::NodeConfig;
use crate::ctx::Ctx;
use crate::objects::Key;
use crate::queue::NodeId;
use crate::runtime::MachineWake;

/// Why a kubelet is woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KubeletWake {
    /// The machine was switched on: register the node, renew the lease, report the status.
    Boot,
    /// A pod that is or was bound to the node changed, or is gone.
    Pod(Key),
    /// A connection attempt reaches one of the node's machines.
    Knock(SocketId),
}

/// The kubelet of a node.
#[derive(Debug, Clone)]
pub struct Kubelet {
    /// Its number.
    pub node: NodeId,
    /// Its machine.
    pub config: NodeConfig,
}

impl Kubelet {
    /// A kubelet that is switched off.
    pub fn new(node: NodeId, config: &NodeConfig) -> Kubelet {
        Kubelet { node, config: config.clone() }
    }

    /// Goes on.
    pub fn handle(&mut self, _wake: KubeletWake, _ctx: &mut Ctx<'_>) {}

    /// Lets processes of one of its containers go on.
    pub fn run(&mut self, _wake: MachineWake, _ctx: &mut Ctx<'_>) {}
}
