//! Images, containers and the processes in them.

pub mod images;

use crate::queue::NodeId;

/// Which container's processes go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineWake {
    /// On which node.
    pub node: NodeId,
    /// The container's number there.
    pub container: u64,
}
