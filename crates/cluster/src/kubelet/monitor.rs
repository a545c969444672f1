//! What the kubelet's port tells monitors: `/metrics` and what is below it, in the text format of Prometheus.

use std::fmt::Write as _;

use drydock_value::Time;

use super::Kubelet;
use super::worker::Stage;

/// Samples of metrics, and before the first of each what it is.
struct Metrics {
    text: String,
    /// The moment that samples tell of, if they do.
    now: Option<Time>,
}

impl Metrics {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn add(&mut self, name: &str, labels: &[(&str, &str)], number: f64) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let at = self.now.map_or_else(String::new, |now| format!(" {}", now.0 / 1000));
        let _ = writeln!(self.text, "{name}{labels} {number}{at}");
    }

    /// A metric with one sample and no labels.
    fn one(&mut self, name: &str, kind: &str, help: &str, number: f64) {
        self.head(name, kind, help);
        self.add(name, &[], number);
    }
}

/// Seconds of so many microseconds.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// What `/metrics/cadvisor` tells of a container: metric, kind, help, and the figure.
type Figure = (&'static str, &'static str, &'static str, fn(&crate::runtime::Usage) -> f64);

const OF_CONTAINERS: [Figure; 4] = [
    ("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds.", |usage| {
        seconds(usage.cpu)
    }),
    (
        "container_memory_usage_bytes",
        "gauge",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        |usage| usage.memory as f64,
    ),
    ("container_memory_working_set_bytes", "gauge", "Current working set in bytes.", |usage| usage.memory as f64),
    ("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds.", |usage| {
        (usage.started.0 / 1_000_000) as f64
    }),
];

impl Kubelet {
    /// What is told below `/metrics`; none where there is nothing.
    pub(super) fn metrics(&self, path: &[&str], now: Time) -> Option<String> {
        Some(match path {
            [] => self.own_metrics(),
            ["cadvisor"] => self.container_metrics(now),
            ["probes"] => self.probe_metrics(),
            ["resource"] => self.resource_metrics(now),
            _ => return None,
        })
    }

    /// What the kubelet tells of itself.
    fn own_metrics(&self) -> String {
        let mut out = Metrics { text: String::new(), now: None };
        let name = "kubernetes_build_info";
        out.head(name, "gauge", "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.");
        out.add(
            name,
            &[("git_version", &self.version), ("major", "1"), ("minor", "36"), ("platform", "linux/amd64")],
            1.0,
        );
        let running = |container: &crate::runtime::Container| container.running();
        let containers = self.workers.values().flat_map(|worker| worker.slots.iter().filter_map(|slot| slot.current));
        let states: Vec<bool> = containers.filter_map(|number| self.runtime.container(number)).map(running).collect();
        let alive = states.iter().filter(|alive| **alive).count();
        let name = "kubelet_running_containers";
        out.head(name, "gauge", "[ALPHA] Number of containers currently running");
        out.add(name, &[("container_state", "exited")], (states.len() - alive) as f64);
        out.add(name, &[("container_state", "running")], alive as f64);
        let pods = self.workers.values().filter(|worker| worker.admitted && matches!(worker.stage, Stage::Syncing));
        let help = "[ALPHA] Number of pods that have a running pod sandbox";
        out.one("kubelet_running_pods", "gauge", help, pods.count() as f64);
        let name = "kubelet_node_name";
        out.head(name, "gauge", "[ALPHA] The node's name. The count is always 1.");
        out.add(name, &[("node", &self.config.name)], 1.0);
        let booted = self.journal.since().map_or(0, |since| since.0 / 1_000_000);
        let help = "[ALPHA] Start time of the process since unix epoch in seconds.";
        out.one("process_start_time_seconds", "gauge", help, booted as f64);
        out.text
    }

    fn container_metrics(&self, now: Time) -> String {
        let mut out = Metrics { text: String::new(), now: Some(now) };
        let pods = self.usage(now);
        for (name, kind, help, figure) in OF_CONTAINERS {
            out.head(name, kind, help);
            for pod in &pods {
                for (container, usage) in &pod.containers {
                    let labels =
                        [("container", &**container), ("namespace", &pod.key.namespace), ("pod", &pod.key.name)];
                    out.add(name, &labels, figure(usage));
                }
            }
        }
        let (memory, processors) = (self.runtime.hardware.memory, self.runtime.hardware.processors);
        out.now = None;
        out.one("machine_cpu_cores", "gauge", "Number of logical CPU cores.", f64::from(processors));
        out.one("machine_memory_bytes", "gauge", "Amount of memory installed on the machine.", memory as f64);
        out.text
    }

    /// How often probes went how.
    fn probe_metrics(&self) -> String {
        let mut out = Metrics { text: String::new(), now: None };
        let name = "prober_probe_total";
        out.head(
            name,
            "counter",
            "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.",
        );
        for worker in self.workers.values() {
            for (container, check, result, count) in self.probe_counts(worker) {
                let key = &worker.pod.key;
                let labels = [
                    ("container", &*container),
                    ("namespace", &*key.namespace),
                    ("pod", &*key.name),
                    ("pod_uid", &*worker.pod.uid),
                    ("probe_type", check),
                    ("result", result),
                ];
                out.add(name, &labels, f64::from(count));
            }
        }
        out.text
    }

    fn resource_metrics(&self, now: Time) -> String {
        let mut out = Metrics { text: String::new(), now: Some(now) };
        let pods = self.usage(now);
        let metrics: [Figure; 2] = [
            ("cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the", |usage| seconds(usage.cpu)),
            ("memory_working_set_bytes", "gauge", "Current working set of the", |usage| usage.memory as f64),
        ];
        for (name, kind, help, figure) in metrics {
            let unit = if kind == "counter" { "core-seconds" } else { "bytes" };
            let named = |of: &str| (format!("{of}_{name}"), format!("[STABLE] {help} {of} in {unit}"));
            let (of_container, text) = named("container");
            out.head(&of_container, kind, &text);
            for pod in &pods {
                for (container, usage) in &pod.containers {
                    let labels =
                        [("container", &**container), ("namespace", &pod.key.namespace), ("pod", &pod.key.name)];
                    out.add(&of_container, &labels, figure(usage));
                }
            }
            let (of_node, text) = named("node");
            out.head(&of_node, kind, &text);
            let (cpu, memory, started) = self.system_use(now);
            let own = figure(&crate::runtime::Usage { cpu, memory, started });
            let usages = pods.iter().flat_map(|pod| &pod.containers);
            out.add(&of_node, &[], own + usages.map(|(_, usage)| figure(usage)).sum::<f64>());
            let (of_pod, text) = named("pod");
            out.head(&of_pod, kind, &text);
            for pod in &pods {
                let labels = [("namespace", &*pod.key.namespace), ("pod", &*pod.key.name)];
                out.add(&of_pod, &labels, pod.containers.iter().map(|(_, usage)| figure(usage)).sum());
            }
        }
        let failed = "resource_scrape_error";
        out.head(failed, "gauge", "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise");
        let _ = writeln!(out.text, "{failed} 0");
        out.text
    }
}
