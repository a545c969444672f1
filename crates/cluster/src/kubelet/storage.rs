//! What pods write on their node, and the limits of that: of a volume, of a container, of all containers of a pod.

use drydock_schema::quantity::Quantity;
use drydock_value::Value;

use super::Kubelet;
use super::worker::Worker;
use crate::ctx::Ctx;
use crate::runtime::VolumeId;

const RESOURCE: &str = "ephemeral-storage";

fn bytes(amount: &Value) -> Option<u64> {
    Quantity::of(amount).ok().map(|amount| amount.value().max(0).unsigned_abs()).filter(|bytes| *bytes > 0)
}

/// The volumes of a pod that are folders on its node.
fn folders(spec: &Value) -> impl Iterator<Item = &Value> {
    spec["volumes"].items().iter().filter(|volume| volume.get("emptyDir").is_some())
}

/// What a container may write; none where it may write what it likes.
fn limit(container: &Value) -> Option<u64> {
    bytes(&container["resources"]["limits"][RESOURCE])
}

/// Whether a pod has limits that somebody must look after.
pub fn limited(spec: &Value) -> bool {
    folders(spec).any(|volume| bytes(&volume["emptyDir"]["sizeLimit"]).is_some())
        || spec["containers"].items().iter().any(|container| limit(container).is_some())
}

/// The most that a volume of a pod may hold if it is one in memory: its own limit, that of all containers together, the
/// machine's memory, whichever is the least (`SizeMemoryBackedVolumes`).
pub fn memory_volume(spec: &Value, name: &str, machine: u64) -> Option<u64> {
    let folder = &spec["volumes"].find("name", name)?["emptyDir"];
    if !matches!(folder["medium"].str(), "Memory" | "HugePages") {
        return None;
    }
    let limit = |container: &Value| bytes(&container["resources"]["limits"]["memory"]);
    let all: Option<u64> = spec["containers"].items().iter().map(limit).sum();
    Some([bytes(&folder["sizeLimit"]), all].into_iter().flatten().fold(machine, u64::min))
}

impl Kubelet {
    /// How many bytes a container has written beside its volumes.
    fn container_wrote(&self, worker: &Worker, slot: usize, ctx: &mut Ctx<'_>) -> Option<u64> {
        let number = worker.slots.get(slot)?.current?;
        let image = self.runtime.container(number)?.image.clone();
        let before = ctx.network.registry.root(&image).used();
        Some(self.runtime.container(number)?.written(before))
    }

    /// How many bytes a pod has written on the node's disk.
    pub(super) fn written_by(&self, worker: &Worker, ctx: &mut Ctx<'_>) -> u64 {
        let on_disk = folders(&worker.pod["spec"]).filter(|volume| volume["emptyDir"]["medium"] != "Memory");
        let volume =
            |volume: &Value| self.runtime.written(&VolumeId { pod: worker.id, name: volume["name"].str().into() });
        let volumes: u64 = on_disk.map(volume).sum();
        let containers: u64 =
            (0..worker.slots.len()).map(|slot| self.container_wrote(worker, slot, ctx).unwrap_or(0)).sum();
        volumes + containers
    }

    /// Which containers of a pod have written more than they asked for, in the words of the eviction manager.
    pub(super) fn large_writers(&self, worker: &Worker, ctx: &mut Ctx<'_>) -> String {
        let mut text = String::new();
        for slot in 0..worker.slots.len() {
            let container = worker.spec(slot);
            let asked = Quantity::of(&container["resources"]["requests"][RESOURCE]).unwrap_or_default();
            let used = self.container_wrote(worker, slot, ctx).unwrap_or(0);
            if i64::try_from(used).unwrap_or(i64::MAX) > asked.value() {
                let (name, used) = (container["name"].str(), used >> 10);
                text += &format!(
                    "Container {name} was using {used}Ki, request is {asked}, has larger consumption of ephemeral-storage. "
                );
            }
        }
        text
    }

    /// Why a pod must go, in the words of the eviction manager.
    pub(super) fn too_much_written(&self, worker: &Worker, ctx: &mut Ctx<'_>) -> Option<String> {
        let spec = &worker.pod["spec"];
        let mut all = 0;
        for volume in folders(spec) {
            let (name, wanted) = (volume["name"].str(), &volume["emptyDir"]["sizeLimit"]);
            let used = self.runtime.written(&VolumeId { pod: worker.id, name: name.into() });
            if bytes(wanted).is_some_and(|limit| used > limit) {
                let limit = Quantity::of(wanted).ok()?;
                return Some(format!("Usage of EmptyDir volume {name:?} exceeds the limit \"{limit}\". "));
            }
            all += if volume["emptyDir"]["medium"] == "Memory" { 0 } else { used };
        }
        let written: Vec<u64> =
            (0..worker.slots.len()).map(|slot| self.container_wrote(worker, slot, ctx).unwrap_or(0)).collect();
        let containers = spec["containers"].items();
        let sum: u64 = containers.iter().filter_map(limit).sum();
        if sum > 0 && all + written.iter().sum::<u64>() > sum {
            let limits = containers.iter().filter_map(|c| Quantity::of(&c["resources"]["limits"][RESOURCE]).ok());
            let sum = limits.reduce(|sum, limit| sum.add(&limit)).unwrap_or_default();
            return Some(format!("Pod ephemeral local storage usage exceeds the total limit of containers {sum}. "));
        }
        let over = |(slot, used): (usize, &u64)| {
            let container = worker.spec(slot);
            limit(container).is_some_and(|limit| *used > limit).then(|| {
                let limit = Quantity::of(&container["resources"]["limits"][RESOURCE]).unwrap_or_default();
                let name = container["name"].str();
                format!("Container {name} exceeded its local ephemeral storage limit \"{limit}\". ")
            })
        };
        written.iter().enumerate().find_map(over)
    }
}
