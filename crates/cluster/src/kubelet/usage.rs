//! What a kubelet tells about use: its `/metrics/resource`.

use drydock_value::{Str, Time};

use super::Kubelet;
use crate::objects::Key;
use crate::runtime::Usage;

/// What the containers of a pod use.
#[derive(Debug, Clone)]
pub struct PodUsage {
    /// The pod.
    pub key: Key,
    /// Its UID.
    pub uid: Str,
    /// Its running containers, each with its use; none when one of them does not run.
    pub containers: Vec<(Str, Usage)>,
}

impl Kubelet {
    /// What its pods use now.
    pub fn usage(&self, now: Time) -> Vec<PodUsage> {
        let pods = self.workers.values().map(|worker| {
            let running = |number: u64| self.runtime.container(number).filter(|container| container.running());
            let containers = worker.slots.iter().filter_map(|slot| {
                let container = running(slot.current?)?;
                Some((slot.name.clone(), container.usage(now)))
            });
            PodUsage { key: worker.pod.key.clone(), uid: worker.pod.uid.clone(), containers: containers.collect() }
        });
        pods.filter(|pod| !pod.containers.is_empty()).collect()
    }

    /// Whether the machine runs.
    pub fn is_up(&self) -> bool {
        self.booted
    }
}
