//! The kubelet's own port, as the API server passes requests on to it: `kubectl get --raw /api/v1/nodes/NODE/proxy/...`.

use drydock_sorted::Sort;
use drydock_value::{Time, Value, parse_json, to_json, value};

use super::Kubelet;
use crate::ctx::Ctx;
use crate::objects::Key;
use crate::runtime::programs::folder;
use crate::runtime::programs::http::Response;

/// The configuration as kubeadm leaves it, but for what differs between nodes.
const CONFIGURATION: &str = include_str!("../../data/kubelet.json");

fn json(value: &Value) -> Response {
    Response::new(200, "application/json", to_json(value))
}

impl Kubelet {
    /// The answer to a request; none when there is nothing at its path.
    pub(crate) fn http(&mut self, path: &str, ctx: &mut Ctx<'_>) -> Option<Response> {
        let words: Vec<&str> = path.trim_matches('/').split('/').collect();
        let plain = |text: String| Response::new(200, "text/plain; charset=utf-8", text);
        Some(match words.as_slice() {
            ["healthz"] => plain("ok".into()),
            ["pods"] => {
                let pods = ctx.informers.pods_on(&self.config.name);
                let items: Vec<Value> = pods.map(|pod| pod.value.clone()).collect();
                json(&value!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}))
            }
            ["runningpods"] => json(&self.running_pods()),
            ["configz"] => json(&self.configuration()),
            ["stats", "summary"] => json(&self.summary(ctx.now)),
            ["metrics", rest @ ..] => plain(self.metrics(rest, ctx.now)?),
            ["containerLogs", namespace, pod, container] => {
                let key = Key::new(*namespace, *pod);
                let Some(pod) = ctx.informers.get(crate::store::kinds::PODS, &key).cloned() else {
                    let text = format!("pod \"{pod}\" does not exist\n");
                    return Some(Response { code: 404, ..plain(text) });
                };
                match self.log_of(&key, &pod.uid, container, false) {
                    Ok(number) => {
                        let bytes = self.log(number, ctx).show(&crate::runtime::LogOptions::default());
                        plain(String::from_utf8_lossy(&bytes).into_owned())
                    }
                    Err(status) => Response { code: 400, ..plain(format!("{}\n", status.message)) },
                }
            }
            ["logs", rest @ ..] => {
                let files = self.machine_files();
                return folder::serve(&files, &format!("/var/log/{}", rest.join("/")));
            }
            _ => return None,
        })
    }

    fn configuration(&self) -> Value {
        let mut configuration = parse_json(CONFIGURATION).unwrap_or_default();
        configuration["kubeletconfig"].set("maxPods", i64::from(self.config.pods));
        configuration
    }

    /// The same as the file that the kubelet was given.
    pub(super) fn configuration_file(&self) -> String {
        let configuration = self.configuration();
        let mut fields: Vec<(&str, &Value)> = configuration["kubeletconfig"].entries().collect();
        fields.sort_compact_by_key(|(name, _)| *name);
        let mut file = value!({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"});
        for (name, value) in fields {
            file.set(name, value.clone());
        }
        drydock_yaml::to_yaml(&file)
    }

    fn running_pods(&self) -> Value {
        let mut items = Vec::new();
        for worker in self.workers.values() {
            let running = |slot: &super::worker::Slot| {
                self.runtime.container(slot.current?).filter(|container| container.running())
            };
            let containers: Vec<Value> = worker
                .slots
                .iter()
                .filter_map(|slot| Some((slot, running(slot)?)))
                .map(|(slot, container)| {
                    value!({"name": &slot.name, "image": container.image.digest.as_str(), "resources": {}})
                })
                .collect();
            if !containers.is_empty() {
                let (key, uid) = (&worker.pod.key, &worker.pod.uid);
                items.push(value!({
                    "metadata": {"name": &key.name, "namespace": &key.namespace, "uid": uid},
                    "spec": {"containers": containers}, "status": {}
                }));
            }
        }
        value!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
    }

    /// What the machine uses besides its pods, since when.
    pub(super) fn system_use(&self, now: Time) -> (u64, u64, Time) {
        let since = self.journal.since().unwrap_or(now);
        let (rate, memory) = crate::metrics::SYSTEM;
        (rate * now.since(since).as_millis() as u64 / 1000, memory, since)
    }

    fn summary(&self, now: Time) -> Value {
        let at = now.rfc3339();
        let (mut all_cpu, mut all_memory) = (0, 0);
        let part = |cpu: u64, memory: u64, since: Time| {
            let rate = cpu * 1_000_000_000 / (now.since(since).as_micros() as u64).max(1);
            let (rate, cpu) = (i64::try_from(rate).unwrap_or(0), i64::try_from(cpu * 1000).unwrap_or(i64::MAX));
            let memory = i64::try_from(memory).unwrap_or(i64::MAX);
            value!({
                "startTime": since.rfc3339(),
                "cpu": {"time": at.as_str(), "usageNanoCores": rate, "usageCoreNanoSeconds": cpu},
                "memory": {"time": at.as_str(), "usageBytes": memory, "workingSetBytes": memory}
            })
        };
        let mut pods = Vec::new();
        for pod in self.usage(now) {
            let (mut cpu, mut memory, mut since) = (0, 0, now);
            let mut containers = Vec::new();
            for (name, usage) in pod.containers {
                (cpu, memory, since) = (cpu + usage.cpu, memory + usage.memory, since.min(usage.started));
                let mut told = part(usage.cpu, usage.memory, usage.started);
                told.set("name", name);
                containers.push(told);
            }
            (all_cpu, all_memory) = (all_cpu + cpu, all_memory + memory);
            let mut told = part(cpu, memory, since);
            told.set("podRef", value!({"name": &pod.key.name, "namespace": &pod.key.namespace, "uid": pod.uid}));
            told.set("containers", containers);
            pods.push(told);
        }
        let (cpu, memory, since) = self.system_use(now);
        let mut node = part(all_cpu + cpu, all_memory + memory, since);
        node.set("nodeName", self.config.name.as_str());
        value!({"node": node, "pods": pods})
    }
}
