//! What a cluster is made of, and how long things take in it.

use std::time::Duration;

use drydock_value::Time;

/// How to make a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What every choice by chance follows from.
    pub seed: u64,
    /// The moment at which the cluster is handed over, booted.
    pub start: Time,
    /// Its nodes; the first is the control plane.
    pub nodes: Vec<NodeConfig>,
    /// How long things take.
    pub latencies: Latencies,
    /// The kubelets' version.
    pub version: String,
    /// Whether the nodes only pretend to run containers.
    pub hollow: bool,
    /// What the cluster runs for itself in `kube-system`.
    pub system: System,
    /// Whether there is a scheduler.
    pub scheduler: bool,
    /// What the API server is told besides seed, start, version and address, which follow from the rest.
    pub server: crate::store::Config,
    /// Programs of images that others bring.
    pub programs: Programs,
}

/// Programs that containers can run beside the cluster's own, by the names of their executables: clients of the API
/// server, which this crate does not know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Programs(pub Option<FindProgram>);

/// The program of a name.
pub type FindProgram = fn(&str) -> Option<Box<dyn drydock_shell::Program>>;

// Who brings them is no part of what a cluster is like.
impl PartialEq for Programs {
    fn eq(&self, _: &Programs) -> bool {
        true
    }
}

impl Eq for Programs {}

impl Default for Config {
    /// The two nodes of the recordings.
    fn default() -> Config {
        Config {
            seed: 1,
            start: Time::from_seconds(1_795_359_409),
            nodes: NodeConfig::minikube(2),
            latencies: Latencies::default(),
            version: "v1.36.3".into(),
            hollow: false,
            system: System::None,
            scheduler: true,
            server: crate::store::Config::default(),
            programs: Programs::default(),
        }
    }
}

/// What a cluster runs for itself as pods in `kube-system`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum System {
    /// Nothing: its parts work and are not seen, as in the recordings.
    #[default]
    None,
    /// What kubeadm sets up: the control plane's own pods, kube-proxy, CoreDNS twice.
    Kubeadm,
    /// What minikube makes of that: CoreDNS once, and a provisioner of volumes.
    Minikube,
}

impl System {
    /// The port of the API server.
    pub fn port(self) -> u16 {
        if self == System::Kubeadm { 6443 } else { 8443 }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeConfig {
    /// Its name, which is its host name too.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// Processors, as a quantity.
    pub cpu: String,
    /// Memory, as a quantity.
    pub memory: String,
    /// The most pods that it takes.
    pub pods: u32,
    /// Roles: each becomes the label `node-role.kubernetes.io/ROLE`.
    pub roles: Vec<String>,
    /// Further labels.
    pub labels: Vec<(String, String)>,
    /// Taints: key, value, effect.
    pub taints: Vec<(String, String, String)>,
    /// Where its pods' addresses come from.
    pub pod_cidr: String,
}

impl NodeConfig {
    /// The nodes of `minikube start --nodes COUNT`: 4 CPUs and about 8 GiB each, the first the control plane.
    pub fn minikube(count: u32) -> Vec<NodeConfig> {
        (0..count)
            .map(|index| NodeConfig {
                name: if index == 0 { "minikube".into() } else { format!("minikube-m{:02}", index + 1) },
                ip: address([192, 168, 49, 2], index),
                cpu: "4".into(),
                memory: "8149968Ki".into(),
                pods: 110,
                roles: if index == 0 { vec!["control-plane".into()] } else { Vec::new() },
                labels: Vec::new(),
                taints: Vec::new(),
                // A /24 a node, from 10.244.0.0 on; past 256 nodes it goes on in the next /16.
                pod_cidr: format!("{}/24", address([10, 244, 0, 0], index << 8)),
            })
            .collect()
    }
}

impl NodeConfig {
    /// The nodes of a kind cluster: a control plane that takes no pods of others, and workers.
    pub fn kind(count: u32) -> Vec<NodeConfig> {
        let mut nodes = NodeConfig::minikube(count);
        for (index, node) in (0..).zip(&mut nodes) {
            node.ip = address([172, 18, 0, 2], index);
            node.name = match index {
                0 => "kind-control-plane".into(),
                1 => "kind-worker".into(),
                more => format!("kind-worker{more}"),
            };
        }
        if let Some(first) = nodes.first_mut() {
            first.labels.push(("node.kubernetes.io/exclude-from-external-load-balancers".into(), String::new()));
            first.taints.push(("node-role.kubernetes.io/control-plane".into(), String::new(), "NoSchedule".into()));
        }
        nodes
    }
}

/// The address `offset` after `base`.
fn address(base: [u8; 4], offset: u32) -> String {
    std::net::Ipv4Addr::from(u32::from_be_bytes(base).wrapping_add(offset)).to_string()
}

/// How long things take. The defaults are Kubernetes' own where it has them, and what the recordings show elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latencies {
    /// From a write to the moment when informers hear of it.
    pub watch: Duration,
    /// One reconciliation by a controller.
    pub reconcile: Duration,
    /// One scheduling cycle.
    pub schedule: Duration,
    /// From the start of the API server to the kubelets' registration.
    pub kubelet_start: Duration,
    /// From the start of the API server to the controller manager's and scheduler's (they elect a leader first).
    pub controllers_start: Duration,
    /// From the start of the API server to the hand-over of the cluster.
    pub boot: Duration,
    /// The least that pulling an image takes.
    pub image_pull_base: Duration,
    /// How fast image layers arrive.
    pub image_bytes_per_second: u64,
    /// Setting up a pod's sandbox: network namespace, pause container.
    pub sandbox: Duration,
    /// Creating one container.
    pub container_create: Duration,
    /// Starting one container.
    pub container_start: Duration,
    /// From a process's end to the kubelet's noticing it (its PLEG relists).
    pub relist: Duration,
    /// From a decision of the kubelet's to its status update.
    pub kubelet_status: Duration,
    /// The kubelet's volumes: one try to mount.
    pub mount: Duration,
    /// How often a kubelet renews its lease (`nodeLeaseDurationSeconds` / 4).
    pub lease_renew: Duration,
    /// How often a kubelet reports an unchanged node status (`nodeStatusReportFrequency`).
    pub node_status_report: Duration,
    /// How often node lifecycle looks at the nodes (`--node-monitor-period`).
    pub node_monitor_period: Duration,
    /// For how long a silent node counts as healthy (`--node-monitor-grace-period`).
    pub node_monitor_grace: Duration,
    /// What the namespace controller waits after a delete, so that all API servers have heard of it.
    pub namespace_deletion: Duration,
}

impl Default for Latencies {
    fn default() -> Latencies {
        let millis = Duration::from_millis;
        let seconds = Duration::from_secs;
        Latencies {
            watch: millis(2),
            reconcile: millis(1),
            schedule: millis(1),
            kubelet_start: seconds(1),
            controllers_start: seconds(6),
            boot: seconds(12),
            image_pull_base: millis(600),
            image_bytes_per_second: 80_000_000,
            sandbox: millis(350),
            container_create: millis(60),
            container_start: millis(60),
            relist: millis(500),
            kubelet_status: millis(10),
            mount: millis(20),
            lease_renew: seconds(10),
            node_status_report: seconds(300),
            node_monitor_period: seconds(5),
            node_monitor_grace: seconds(50),
            namespace_deletion: seconds(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_as_minikube_numbers_them() {
        let nodes = NodeConfig::minikube(300);
        let facts = |index: usize| {
            let node = &nodes[index];
            (node.name.as_str(), node.ip.as_str(), node.pod_cidr.as_str())
        };
        assert_eq!(facts(0), ("minikube", "192.168.49.2", "10.244.0.0/24"));
        assert_eq!(facts(1), ("minikube-m02", "192.168.49.3", "10.244.1.0/24"));
        assert_eq!(facts(299), ("minikube-m300", "192.168.50.45", "10.245.43.0/24"));
    }
}
