//! What those are told who ask a machine or a process that does not answer.

use std::time::Duration;

use drydock_api::Status;

use crate::Cluster;
use crate::network::Place;
use crate::queue::NodeId;

use super::Part;

/// How long an API server without storage answers at all, before its probes end it.
const WITHOUT_STORAGE: Duration = Duration::from_secs(60);

/// How a node's machine is, seen from outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The node's name.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// Whether it has power.
    pub up: bool,
    /// Whether its kubelet runs.
    pub kubelet: bool,
}

impl Cluster {
    /// The nodes' machines, the control plane's first.
    pub fn machines(&self) -> Vec<Machine> {
        let machine = |(number, node): (usize, &crate::config::NodeConfig)| {
            let id = NodeId(number as u32);
            Machine {
                name: node.name.clone(),
                ip: node.ip.clone(),
                up: !self.network.conditions.is_off(id),
                kubelet: !self.faults.asleep.contains(&id),
            }
        };
        self.config.nodes.iter().enumerate().map(machine).collect()
    }

    /// Whether the API server answers a client on the workstation; the error is what that one gets instead.
    ///
    /// # Errors
    /// With code 0 when there is no connection at all.
    pub fn api_answers(&self) -> Result<(), Status> {
        self.refusal(Place::Workstation).map_or(Ok(()), Err)
    }

    /// What a client at a place gets instead of the API server's answer.
    pub(crate) fn refusal(&self, from: Place) -> Option<Status> {
        if self.faults.active.is_empty() && self.faults.booting.is_empty() && self.faults.down.is_empty() {
            return None;
        }
        let address = &self.api.config().address;
        let node = Place::Node(NodeId(0));
        let dial = |why: &str| {
            let mut status = Status::new(0, "", format!("dial tcp {address}: {why}"));
            status.name = address.to_string();
            Some(status)
        };
        if self.network.conditions.is_off(NodeId(0)) {
            return dial("connect: no route to host");
        }
        if self.network.conditions.blocks(from, node) {
            return dial("i/o timeout");
        }
        let gone = self.faults.storage_gone();
        let down = gone.is_none() && self.faults.down.contains(&Part::ApiServer);
        if down || !self.api_up() || gone.is_some_and(|since| self.now().since(since) > WITHOUT_STORAGE) {
            return dial("connect: connection refused");
        }
        gone.map(|_| {
            let why = "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: \
                       dial tcp 127.0.0.1:2379: connect: connection refused\"";
            Status::new(500, "", why)
        })
    }

    /// Why the workstation cannot log in to a node.
    pub(crate) fn login_refusal(&self, node: NodeId) -> Option<&'static str> {
        if self.network.conditions.is_off(node) {
            Some("No route to host")
        } else if self.network.conditions.blocks(Place::Workstation, Place::Node(node)) {
            Some("Connection timed out")
        } else {
            self.faults.booting.contains(&node).then_some("Connection refused")
        }
    }

    /// Why the API server does not reach a node's kubelet.
    pub(crate) fn kubelet_refusal(&self, node: NodeId) -> Option<&'static str> {
        if self.network.conditions.is_off(node) {
            Some("connect: no route to host")
        } else if self.cut_off(node) {
            Some("i/o timeout")
        } else {
            self.faults.asleep.contains(&node).then_some("connect: connection refused")
        }
    }
}
