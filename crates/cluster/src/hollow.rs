//! Hollow nodes, as kubemark has them: their kubelets register, keep their leases and answer for pods, but run nothing.
//! They serve to look at the rest of a cluster by itself, and at sizes where running containers is not the question.
//!
//! A pod is Running and Ready a while after it was bound. Two annotations make it otherwise: `hollow/exit` (a code with
//! which its containers end at once) and `hollow/ready` (`false`: it never becomes ready).

use drydock_sorted::SortedMap;
use std::time::Duration;

use drydock_value::{Time, Value, value};

use crate::config::NodeConfig;
use crate::ctx::Ctx;
use crate::kubelet::KubeletWake;
use crate::objects::{Key, Object, Phase};
use crate::queue::{Event, NodeId};
use crate::store::{DeleteOptions, kinds};

/// How long a pod takes to start, and how much longer by chance.
const START: Duration = Duration::from_millis(900);
const STOP: Duration = Duration::from_millis(200);

/// The hollow kubelet of a node.
#[derive(Debug, Clone)]
pub struct Hollow {
    node: NodeId,
    config: NodeConfig,
    version: String,
    booted: bool,
    /// When something is to be done about a pod.
    due: SortedMap<Key, Time>,
    addresses: u32,
}

impl Hollow {
    /// A hollow kubelet that is switched off.
    pub fn new(node: NodeId, config: &NodeConfig, version: &str) -> Hollow {
        Hollow {
            node,
            config: config.clone(),
            version: version.into(),
            booted: false,
            due: SortedMap::new(),
            addresses: 1,
        }
    }

    fn actor(&self) -> String {
        format!("system:node:{}", self.config.name)
    }

    /// Goes on.
    pub fn handle(&mut self, wake: KubeletWake, ctx: &mut Ctx<'_>) {
        match wake {
            KubeletWake::Boot => self.beat(ctx),
            KubeletWake::Pod(key) => self.pod(key, ctx),
            _ => {}
        }
    }

    /// Registers the node the first time, and renews its lease from then on.
    fn beat(&mut self, ctx: &mut Ctx<'_>) {
        let actor = self.actor();
        let name = self.config.name.clone();
        if !self.booted {
            self.booted = true;
            let node = self.object(ctx.now);
            let status = node["status"].clone();
            if let Ok(mut created) = ctx.client(&actor).create(kinds::NODES, "", node) {
                created.set("status", status);
                let _ = ctx.client(&actor).update_status(kinds::NODES, "", created);
            }
        }
        let renewed = ctx.now.rfc3339_micros();
        let lease = ctx.api.get(kinds::LEASES, "kube-node-lease", &name).cloned();
        let _ = match lease {
            Some(mut lease) => {
                lease["spec"].set("renewTime", renewed);
                ctx.client(&actor).update(kinds::LEASES, "kube-node-lease", lease)
            }
            None => {
                let lease = value!({
                    "metadata": {"name": name.as_str(), "namespace": "kube-node-lease"},
                    "spec": {"holderIdentity": name.as_str(), "leaseDurationSeconds": 40, "renewTime": renewed}
                });
                ctx.client(&actor).create(kinds::LEASES, "kube-node-lease", lease)
            }
        };
        ctx.after(ctx.latencies.lease_renew, Event::Kubelet { node: self.node, wake: KubeletWake::Boot });
    }

    fn object(&self, now: Time) -> Value {
        let config = &self.config;
        let mut labels = value!({
            "kubernetes.io/hostname": config.name.as_str(), "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"
        });
        for role in &config.roles {
            labels.set(format!("node-role.kubernetes.io/{role}"), "");
        }
        for (key, text) in &config.labels {
            labels.set(key, text);
        }
        let mut spec = value!({"podCIDR": config.pod_cidr.as_str(), "podCIDRs": [config.pod_cidr.as_str()]});
        for (key, text, effect) in &config.taints {
            spec["taints"].push(value!({"key": key, "value": text, "effect": effect}));
        }
        let amounts = value!({
            "cpu": config.cpu.as_str(), "memory": config.memory.as_str(), "pods": config.pods.to_string()
        });
        value!({
            "metadata": {"name": config.name.as_str(), "labels": labels},
            "spec": spec,
            "status": {
                "addresses": [{"type": "InternalIP", "address": config.ip.as_str()}],
                "capacity": amounts.clone(), "allocatable": amounts,
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                    "lastHeartbeatTime": now.rfc3339(), "lastTransitionTime": now.rfc3339()
                }],
                "nodeInfo": {"kubeletVersion": self.version.as_str()}
            }
        })
    }

    fn pod(&mut self, key: Key, ctx: &mut Ctx<'_>) {
        let Some(pod) = ctx.informers.get(kinds::PODS, &key).cloned() else {
            self.due.remove(&key);
            return;
        };
        let started = pod.pod().phase != Phase::Pending;
        if pod.deleting.is_none() && started {
            self.due.remove(&key);
            return;
        }
        let ending = pod.deleting.is_some();
        let wait = if ending { STOP } else { START };
        match self.due.get(&key).copied() {
            // Asked for by the object's change, again: the moment is fixed already.
            Some(due) if due > ctx.now => {}
            Some(_) => {
                self.due.remove(&key);
                if ending { self.end(&pod, ctx) } else { self.run(&pod, ctx) }
            }
            None => {
                let due = ctx.now + ctx.random.jitter(wait, 30);
                self.due.insert(key.clone(), due);
                ctx.queue.at(due, Event::Kubelet { node: self.node, wake: KubeletWake::Pod(key) });
            }
        }
    }

    fn end(&mut self, pod: &Object, ctx: &mut Ctx<'_>) {
        let options = DeleteOptions::now().of_uid(pod.uid.as_str());
        let _ = ctx.client(&self.actor()).delete(kinds::PODS, pod.namespace(), pod.name(), &options);
    }

    /// The pod's containers run; or have run, or will never be ready.
    fn run(&mut self, pod: &Object, ctx: &mut Ctx<'_>) {
        self.addresses = self.addresses % 250 + 1;
        let prefix = self.config.pod_cidr.rsplit_once('.').map_or("10.244.0", |(prefix, _)| prefix);
        let ip = format!("{prefix}.{}", self.addresses);
        let now = ctx.now.rfc3339();
        let exit = pod.annotation("hollow/exit").parse::<i64>().ok();
        let ready = exit.is_none() && pod.annotation("hollow/ready") != "false";
        let phase = match exit {
            None => "Running",
            Some(0) => "Succeeded",
            Some(_) => "Failed",
        };
        let state = match exit {
            None => value!({"running": {"startedAt": now.as_str()}}),
            Some(code) => value!({"terminated": {
                "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
                "startedAt": now.as_str(), "finishedAt": now.as_str()
            }}),
        };
        let statuses: Value = pod["spec"]["containers"]
            .items()
            .iter()
            .map(|container| {
                value!({
                    "name": &container["name"], "image": &container["image"], "imageID": "", "ready": ready,
                    "restartCount": 0, "started": ready, "state": state.clone()
                })
            })
            .collect();
        let mut updated = pod.value.clone();
        let status = &mut updated["status"];
        let mut conditions: Vec<Value> = status["conditions"].items().to_vec();
        conditions.retain(|condition| condition["type"] == "PodScheduled");
        for (kind, holds) in [
            ("PodReadyToStartContainers", exit.is_none()),
            ("Initialized", true),
            ("Ready", ready),
            ("ContainersReady", ready),
        ] {
            conditions.push(value!({
                "type": kind, "status": if holds { "True" } else { "False" }, "lastProbeTime": null,
                "lastTransitionTime": now.as_str()
            }));
        }
        status.set("phase", phase);
        status.set("conditions", conditions);
        status.set("hostIP", self.config.ip.as_str());
        status.set("podIP", ip.as_str());
        status.set("podIPs", value!([{"ip": ip.as_str()}]));
        status.set("startTime", now.as_str());
        status.set("containerStatuses", statuses);
        if ctx.client(&self.actor()).update_status(kinds::PODS, pod.namespace(), updated).is_err() {
            // Somebody else wrote it meanwhile: once more, when that is known.
            self.due.insert(pod.key.clone(), ctx.now);
            let wake = KubeletWake::Pod(pod.key.clone());
            ctx.after(ctx.latencies.watch, Event::Kubelet { node: self.node, wake });
        }
    }
}
