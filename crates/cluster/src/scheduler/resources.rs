//! What pods ask for and nodes have, as plain numbers.

use drydock_sorted::SortedMap;

use drydock_schema::quantity::Quantity;
use drydock_value::{Str, Value};

/// Amounts of resources. CPU counts in thousandths, everything else in units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// Thousandths of processors.
    pub cpu: i64,
    /// Bytes of memory.
    pub memory: i64,
    /// Bytes of local disk.
    pub ephemeral: i64,
    /// Everything else that is named: GPUs, huge pages.
    pub scalar: SortedMap<Str, i64>,
}

/// What scoring assumes of a container that asks for nothing.
const DEFAULT_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 << 20;

impl Resources {
    /// Reads a `requests` or `allocatable` map.
    pub fn read(map: &Value) -> Resources {
        let mut resources = Resources::default();
        for (name, value) in map.entries() {
            let Ok(quantity) = Quantity::of(value) else { continue };
            match name {
                "cpu" => resources.cpu = quantity.milli_value(),
                "memory" => resources.memory = quantity.value(),
                "ephemeral-storage" => resources.ephemeral = quantity.value(),
                "pods" => {}
                _ => {
                    resources.scalar.insert(name.into(), quantity.value());
                }
            }
        }
        resources
    }

    /// Adds `factor` times another amount.
    fn add_times(&mut self, other: &Resources, factor: i64) {
        self.cpu += other.cpu * factor;
        self.memory += other.memory * factor;
        self.ephemeral += other.ephemeral * factor;
        for (name, amount) in &other.scalar {
            *self.scalar.entry(name.clone()).or_default() += amount * factor;
        }
    }

    /// Adds.
    pub fn add(&mut self, other: &Resources) {
        self.add_times(other, 1);
    }

    /// Takes away.
    pub fn sub(&mut self, other: &Resources) {
        self.add_times(other, -1);
    }

    /// The larger of two amounts, resource by resource.
    fn most(&mut self, other: &Resources) {
        self.cpu = self.cpu.max(other.cpu);
        self.memory = self.memory.max(other.memory);
        self.ephemeral = self.ephemeral.max(other.ephemeral);
        for (name, amount) in &other.scalar {
            let mine = self.scalar.entry(name.clone()).or_default();
            *mine = (*mine).max(*amount);
        }
    }
}

/// What a pod asks for: its containers together, or an init container if one asks for more, plus overhead.
pub fn pod_requests(spec: &Value) -> Resources {
    pod_total(spec, &|container| Resources::read(&container["resources"]["requests"]))
}

/// The same with assumed amounts where a container says nothing: what scoring counts with.
pub fn pod_assumed(spec: &Value) -> (i64, i64) {
    let total = pod_total(spec, &|container| {
        let requests = &container["resources"]["requests"];
        let mut resources = Resources::read(requests);
        if requests["cpu"].is_null() {
            resources.cpu = DEFAULT_CPU;
        }
        if requests["memory"].is_null() {
            resources.memory = DEFAULT_MEMORY;
        }
        resources
    });
    (total.cpu, total.memory)
}

fn pod_total(spec: &Value, of: &dyn Fn(&Value) -> Resources) -> Resources {
    let mut total = Resources::default();
    for container in spec["containers"].items() {
        total.add(&of(container));
    }
    // Sidecars started so far go on running beside what starts after them.
    let mut sidecars = Resources::default();
    let mut initial = Resources::default();
    for container in spec["initContainers"].items() {
        let wants = of(container);
        if container["restartPolicy"] == "Always" {
            total.add(&wants);
            sidecars.add(&wants);
            initial.most(&sidecars);
        } else {
            let mut together = sidecars.clone();
            together.add(&wants);
            initial.most(&together);
        }
    }
    total.most(&initial);
    let whole = &spec["resources"]["requests"];
    if !whole.is_empty() {
        let whole_pod = Resources::read(whole);
        if !whole["cpu"].is_null() {
            total.cpu = whole_pod.cpu;
        }
        if !whole["memory"].is_null() {
            total.memory = whole_pod.memory;
        }
    }
    total.add(&Resources::read(&spec["overhead"]));
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn init_containers_count_if_they_ask_for_more() {
        let container = |cpu: &str| value!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = |cpu: &str| value!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
        let cases = [
            (value!([container("100m"), container("0.2")]), value!([]), 300),
            (value!([container("100m")]), value!([container("1")]), 1000),
            (value!([container("100m")]), value!([sidecar("50m"), container("1")]), 1050),
            (value!([container("2")]), value!([sidecar("50m"), container("1")]), 2050),
        ];
        for (containers, init, cpu) in cases {
            let spec = value!({"containers": containers, "initContainers": init});
            assert_eq!(pod_requests(&spec).cpu, cpu, "{spec}");
        }
        assert_eq!(pod_assumed(&value!({"containers": [{}, {}]})), (200, 400 << 20));
    }
}
