//! The metrics server: asks the kubelets now and then what is used, and tells the API server's clients.
//!
//! It measures while a pod of it is ready. Processor use is what was used between two rounds, so that a container is
//! told of after its second one, or after its first if it began well before it, as the real one has it.

use drydock_sorted::{Sort, SortedMap};
use std::time::Duration;

use drydock_value::{Str, Time, Value, value};

use crate::cluster::Cluster;
use crate::informers::{Change, Informers};
use crate::objects::Object;
use crate::queue::{Event, EventQueue};
use crate::runtime::Usage;
use crate::store::kinds;

/// How often it asks when its arguments say nothing.
const RESOLUTION: Duration = Duration::from_secs(60);
/// How old a container has to be for its first measurement to say something.
const FRESH: Duration = Duration::from_secs(10);
/// What a machine uses besides its pods: processor in millionths of a second a second, memory in bytes.
pub(crate) const SYSTEM: (u64, u64) = (55_000, 410 << 20);

/// Whether a pod runs a metrics server.
pub fn is_metrics_server(pod: &Object) -> bool {
    pod["spec"]["containers"].items().iter().any(|container| container["image"].str().contains("/metrics-server:"))
}

/// A length of time as Go writes it: `1m0.012s`.
pub fn window(length: Duration) -> String {
    let micros = length.as_micros();
    let (minutes, rest) = (micros / 60_000_000, micros % 60_000_000);
    let fraction = format!("{:06}", rest % 1_000_000);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let seconds = format!("{}{point}{fraction}s", rest / 1_000_000);
    if minutes > 0 { format!("{minutes}m{seconds}") } else { seconds }
}

/// The length of time that [`window`] wrote.
pub fn parse_window(text: &str) -> Duration {
    let (minutes, rest) = text.split_once('m').unwrap_or(("0", text));
    let seconds = rest.trim_end_matches('s').parse::<f64>().unwrap_or(0.0);
    Duration::from_secs_f64(minutes.parse::<f64>().unwrap_or(0.0) * 60.0 + seconds.max(0.0))
}

/// What the metrics server remembers.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    /// The UID of the pod that measures; empty while none does.
    server: Str,
    /// When it asks next.
    next: Option<Time>,
    resolution: Duration,
    /// When it asked last, and what it heard, by pod and container.
    asked: Option<Time>,
    heard: SortedMap<(Str, Str), Usage>,
}

impl Metrics {
    /// Looks whether a metrics server has come or gone. True when it has, and what was measured is forgotten.
    pub fn observe(&mut self, changes: &[Change], informers: &Informers, now: Time, queue: &mut EventQueue) -> bool {
        let mut pods = changes.iter().filter(|change| change.kind == kinds::PODS);
        if !pods.any(|change| is_metrics_server(change.object())) {
            return false;
        }
        let servers = || informers.all(kinds::PODS).filter(|pod| pod.pod().ready() && is_metrics_server(pod));
        let found = servers().find(|pod| pod.uid == self.server).or_else(|| servers().next());
        let uid = found.map(|pod| pod.uid.clone()).unwrap_or_default();
        if uid == self.server {
            return false;
        }
        *self = Metrics { server: uid, resolution: RESOLUTION, ..Metrics::default() };
        if let Some(pod) = found {
            let args = pod["spec"]["containers"].items().iter().flat_map(|container| container["args"].items());
            let given = args.filter_map(|word| word.str().strip_prefix("--metric-resolution=")).next();
            self.resolution = given.map(parse_window).filter(|length| !length.is_zero()).unwrap_or(RESOLUTION);
            self.next = Some(now);
            queue.at(now, Event::Measure);
        }
        true
    }

    /// Whether it is time to ask. Then the next time is asked for too.
    fn due(&mut self, now: Time, queue: &mut EventQueue) -> bool {
        if self.next != Some(now) {
            return false;
        }
        self.next = Some(now + self.resolution);
        queue.at(now + self.resolution, Event::Measure);
        true
    }

    /// The processor use of a container in millionths, and over how long.
    fn rate(&self, id: &(Str, Str), usage: &Usage, now: Time) -> Option<(u64, Duration)> {
        let (since, before) = match self.heard.get(id).filter(|old| old.started == usage.started) {
            Some(old) => (self.asked?, old.cpu),
            None if self.asked.is_none_or(|asked| usage.started >= asked) => (usage.started, 0),
            None => return None,
        };
        let length = now.since(since);
        if length < FRESH {
            return None;
        }
        let used = usage.cpu.saturating_sub(before);
        Some((used * 1_000_000 / (length.as_micros() as u64).max(1), length))
    }
}

fn amounts(micro: u64, memory: u64) -> Value {
    value!({"cpu": format!("{}n", micro * 1000), "memory": format!("{}Ki", memory >> 10)})
}

fn measured(kind: &str, of: &Value, namespace: &str, now: Time, length: Duration) -> Value {
    let mut metadata = value!({"name": &of["name"], "creationTimestamp": now.rfc3339()});
    if !namespace.is_empty() {
        metadata.set("namespace", namespace);
    }
    if !of["labels"].is_null() {
        metadata.set("labels", &of["labels"]);
    }
    value!({
        "kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": metadata,
        "timestamp": now.rfc3339(), "window": window(length)
    })
}

impl Cluster {
    /// A round of the metrics server.
    pub(crate) fn measure(&mut self) {
        let now = self.now();
        if !self.metrics.due(now, &mut self.queue) {
            return;
        }
        let (mut pods, mut nodes) = (Vec::new(), Vec::new());
        let mut heard = SortedMap::new();
        for kubelet in self.kubelets.iter().filter(|kubelet| kubelet.is_up()) {
            let (mut node_cpu, mut node_memory) = SYSTEM;
            for pod in kubelet.usage(now) {
                let mut containers = Vec::new();
                let (mut complete, mut over) = (true, Duration::ZERO);
                for (name, usage) in pod.containers {
                    let id = (pod.uid.clone(), name.clone());
                    node_memory += usage.memory;
                    match self.metrics.rate(&id, &usage, now) {
                        Some((micro, length)) => {
                            node_cpu += micro;
                            over = over.max(length);
                            containers.push(value!({"name": name, "usage": amounts(micro, usage.memory)}));
                        }
                        None => complete = false,
                    }
                    heard.insert(id, usage);
                }
                let object = self.informers.get(kinds::PODS, &pod.key).filter(|object| object.uid == pod.uid);
                if let Some(object) = object.filter(|_| complete) {
                    let mut told = measured("PodMetrics", &object["metadata"], &pod.key.namespace, now, over);
                    told.set("containers", containers);
                    pods.push(told);
                }
            }
            let name = kubelet.config.name.as_str();
            if let (Some(node), Some(asked)) = (self.informers.find(kinds::NODES, "", name), self.metrics.asked) {
                let mut told = measured("NodeMetrics", &node["metadata"], "", now, now.since(asked));
                told.set("usage", amounts(node_cpu, node_memory));
                nodes.push(told);
            }
        }
        self.metrics.heard = heard;
        self.metrics.asked = Some(now);
        pods.sort_compact_by_key(|pod| {
            let metadata = &pod["metadata"];
            (crate::objects::shared(&metadata["namespace"]), crate::objects::shared(&metadata["name"]))
        });
        self.api.publish("pods", pods);
        self.api.publish("nodes", nodes);
    }

    /// Hears of pods: a metrics server may have come or gone.
    pub(crate) fn notice_metrics(&mut self, changes: &[Change]) {
        let now = self.queue.now();
        if self.metrics.observe(changes, &self.informers, now, &mut self.queue) {
            self.api.publish("pods", Vec::new());
            self.api.publish("nodes", Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_go_writes_them() {
        for (millis, text) in [(60_000, "1m0s"), (60_012, "1m0.012s"), (15_500, "15.5s"), (0, "0s")] {
            let length = Duration::from_millis(millis);
            assert_eq!(window(length), text);
            assert_eq!(parse_window(text), length);
        }
    }

    #[test]
    fn a_rate_needs_two_measurements_or_a_beginning() {
        let at = Time::from_seconds;
        let id = (Str::from("u"), Str::from("c"));
        let usage = |cpu: u64, started: u64| Usage { cpu, memory: 0, started: at(started) };
        let mut metrics = Metrics::default();
        assert_eq!(metrics.rate(&id, &usage(2_000_000, 95), at(100)), None);
        assert_eq!(metrics.rate(&id, &usage(2_000_000, 80), at(100)), Some((100_000, Duration::from_secs(20))));
        metrics.asked = Some(at(100));
        // It began before the last round, which did not hear of it.
        assert_eq!(metrics.rate(&id, &usage(2_000_000, 80), at(160)), None);
        metrics.heard.insert(id.clone(), usage(2_000_000, 80));
        assert_eq!(metrics.rate(&id, &usage(32_000_000, 80), at(160)), Some((500_000, Duration::from_secs(60))));
        // Started anew since.
        assert_eq!(metrics.rate(&id, &usage(1_000_000, 140), at(160)), Some((50_000, Duration::from_secs(20))));
    }
}
