//! The node's own objects: its registration, its lease, its status.

use drydock_sorted::Sort;
use std::time::Duration;

use drydock_value::{Time, Value, value};

use super::{Kubelet, KubeletWake};
use crate::ctx::Ctx;
use crate::events::Reference;
use crate::queue::Event;
use crate::runtime::images::digest;
use crate::store::{PatchType, kinds};

const LEASES: &str = "kube-node-lease";
/// The volume plugins whose work drivers have taken over (`csi-translation-lib`).
const MIGRATED: [&str; 7] =
    ["aws-ebs", "azure-disk", "azure-file", "cinder", "gce-pd", "portworx-volume", "vsphere-volume"];
/// What a kubelet says of itself before it has heard of its containers.
const STARTING: &str = "[container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to \
                        be successful]";
/// Conditions, and what is told when they begin to hold and when they do not.
const TOLD: [(&str, &str, &str); 4] = [
    ("MemoryPressure", "NodeHasInsufficientMemory", "NodeHasSufficientMemory"),
    ("DiskPressure", "NodeHasDiskPressure", "NodeHasNoDiskPressure"),
    ("PIDPressure", "NodeHasInsufficientPID", "NodeHasSufficientPID"),
    ("Ready", "NodeReady", "NodeNotReady"),
];

impl Kubelet {
    /// The machine was switched on.
    pub(super) fn boot(&mut self, ctx: &mut Ctx<'_>) {
        self.booted = true;
        self.version = ctx.api.config().version.clone();
        if let Ok(ip) = self.config.ip.parse() {
            ctx.network.attach_node(self.node, &self.config.name, ip);
            let address = ctx.api.config().address.clone();
            if let Some((host, port)) = address.rsplit_once(':')
                && host == self.config.ip
                && let Ok(port) = port.parse()
            {
                ctx.network.open_door(self.node, port);
            }
        }
        let pause = crate::runtime::Reference::parse("registry.k8s.io/pause:3.10");
        if let Ok(reference) = pause
            && let Ok(image) = ctx.network.registry.pull(&reference)
        {
            self.runtime.keep_image(&reference, image);
        }
        self.note_unit(true, ctx.now);
        self.register(ctx);
        self.announce(ctx);
        let ready = self.transition("NodeReady");
        self.node_event("Normal", "NodeReady", &ready, ctx);
        self.renew(ctx);
        self.start_system(ctx);
        let pods: Vec<crate::objects::Key> =
            ctx.informers.pods_on(&self.config.name).map(|pod| pod.key.clone()).collect();
        for key in pods {
            self.observe(&key, ctx);
        }
    }

    /// Tells that the kubelet starts.
    pub(super) fn announce(&mut self, ctx: &mut Ctx<'_>) {
        for (kind, reason, message) in [
            ("Normal", "Starting", "Starting kubelet.".to_owned()),
            ("Normal", "NodeHasSufficientMemory", self.transition("NodeHasSufficientMemory")),
            ("Normal", "NodeHasNoDiskPressure", self.transition("NodeHasNoDiskPressure")),
            ("Normal", "NodeHasSufficientPID", self.transition("NodeHasSufficientPID")),
            ("Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods".to_owned()),
        ] {
            self.node_event(kind, reason, &message, ctx);
        }
    }

    pub(super) fn transition(&self, what: &str) -> String {
        format!("Node {} status is now: {what}", self.config.name)
    }

    pub(super) fn node_event(&mut self, kind: &str, reason: &str, message: &str, ctx: &mut Ctx<'_>) {
        self.note_node(&format!("Recording event message for node: {reason}"), ctx.now);
        // A kubelet does not know its node's UID: it says the name, and kubectl looks for both.
        let name: drydock_value::Str = self.config.name.as_str().into();
        let about = Reference { kind: "Node".into(), name: name.clone(), uid: name, ..Reference::default() };
        ctx.event(&self.source, &about, kind, reason, message);
    }

    fn register(&mut self, ctx: &mut Ctx<'_>) {
        let config = &self.config;
        let mut labels = value!({
            "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": config.name.as_str(), "kubernetes.io/os": "linux"
        });
        for role in &config.roles {
            labels.set(format!("node-role.kubernetes.io/{role}"), "");
        }
        for (name, text) in &config.labels {
            labels.set(name, text);
        }
        let mut node = value!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {
                "name": config.name.as_str(), "labels": labels,
                "annotations": {
                    "node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"
                }
            },
            "spec": {"podCIDR": config.pod_cidr.as_str(), "podCIDRs": [config.pod_cidr.as_str()]}
        });
        if !config.taints.is_empty() {
            let taints: Value = config
                .taints
                .iter()
                .map(|(key, text, effect)| {
                    let mut taint = value!({"key": key, "effect": effect});
                    if !text.is_empty() {
                        taint.set("value", text);
                    }
                    taint
                })
                .collect();
            node["spec"].set("taints", taints);
        }
        let actor = self.source.actor.to_string();
        let status = self.node_status(ctx.now, ctx.now);
        node.set("status", status.clone());
        let name = self.config.name.clone();
        self.note_node("Attempting to register node", ctx.now);
        if ctx.client(&actor).create(kinds::NODES, "", node).is_ok() {
            self.note_node("Successfully registered node", ctx.now);
            // A status does not come with a creation.
            let patch = value!({"status": status});
            let _ = ctx.client(&actor).patch(kinds::NODES, "", &name, PatchType::Strategic, &patch, "status");
            self.register_drivers(ctx);
        }
        self.reported_at = ctx.now;
        self.reported_images = self.runtime.images().len();
    }

    /// Tells that the node has no drivers of volumes besides those that are built in. The recordings' nodes do not.
    fn register_drivers(&mut self, ctx: &mut Ctx<'_>) {
        if !self.system {
            return;
        }
        let actor = self.source.actor.to_string();
        let name = self.config.name.as_str();
        let uid = ctx.client(&actor).get(kinds::NODES, "", name).map(|node| node["metadata"]["uid"].clone());
        let migrated: Vec<String> = MIGRATED.iter().map(|plugin| format!("kubernetes.io/{plugin}")).collect();
        let drivers = value!({
            "metadata": {
                "name": name, "annotations": {"storage.alpha.kubernetes.io/migrated-plugins": migrated.join(",")},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid.unwrap_or_default()}]
            },
            "spec": {"drivers": null}
        });
        let _ = ctx.client(&actor).create(kinds::CSI_NODES, "", drivers);
    }

    /// One of the machine's IDs: `machine`, `system`, or `boot`, which is another after each boot.
    pub(super) fn machine_id(&self, what: &str) -> String {
        let boots = if what == "boot" && self.boots > 0 { self.boots.to_string() } else { String::new() };
        let hex = digest(&format!("{what} {}{boots}", self.config.name));
        let hex = hex.trim_start_matches("sha256:");
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or("");
        if what == "machine" {
            part(0, 32).to_owned()
        } else {
            format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
        }
    }

    /// The node's status at `now`, ready since `since`.
    fn node_status(&self, now: Time, since: Time) -> Value {
        let config = &self.config;
        let resources = value!({
            "cpu": config.cpu.as_str(), "ephemeral-storage": "61255492Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
            "memory": config.memory.as_str(), "pods": config.pods.to_string()
        });
        let condition = |kind: &str, state: &str, reason: &str, message: &str| {
            value!({
                "type": kind, "status": state, "reason": reason, "message": message,
                "lastHeartbeatTime": now.rfc3339(), "lastTransitionTime": since.rfc3339()
            })
        };
        let images: Value = {
            let mut rows: Vec<(&String, &std::sync::Arc<crate::runtime::Image>)> =
                self.runtime.images().iter().collect();
            rows.sort_compact_by(|a, b| b.1.size.cmp(&a.1.size).then(a.0.cmp(b.0)));
            rows.iter()
                .map(|(name, image)| value!({"names": [image.image_id(), (*name).clone()], "sizeBytes": image.size}))
                .collect()
        };
        let id = |what: &str| self.machine_id(what);
        let (short, reason, words) = match self.disk_pressure() {
            true => ("True", "KubeletHasDiskPressure", "kubelet has disk pressure"),
            false => ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        };
        let (scarce, because, told) = match self.memory_pressure() {
            true => ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            false => ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        };
        let (ready, why, what) = match self.starting {
            true => ("False", "KubeletNotReady", STARTING),
            false => ("True", "KubeletReady", "kubelet is posting ready status"),
        };
        let features = value!({"recursiveReadOnlyMounts": true, "userNamespaces": false});
        value!({
            "addresses": [
                {"address": config.ip.as_str(), "type": "InternalIP"}, {"address": config.name.as_str(), "type": "Hostname"}
            ],
            "allocatable": resources.clone(), "capacity": resources,
            "conditions": [
                condition("MemoryPressure", scarce, because, told),
                condition("DiskPressure", short, reason, words),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", ready, why, what)
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "declaredFeatures": [
                "ExtendWebSocketsToKubelet", "InPlacePodLevelResourcesVerticalScaling",
                "InPlacePodVerticalScalingInitContainers", "RestartAllContainersOnContainerExits"
            ],
            "features": {"supplementalGroupsPolicy": true},
            "images": images,
            "nodeInfo": {
                "architecture": "amd64", "bootID": id("boot"), "containerRuntimeVersion": "containerd://2.2.1",
                "kernelVersion": self.runtime.hardware.release, "kubeProxyVersion": "", "kubeletVersion": self.version.as_str(),
                "machineID": id("machine"), "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
                "systemUUID": id("system")
            },
            "runtimeHandlers": [
                {"features": features.clone(), "name": ""}, {"features": features, "name": "runc"}
            ]
        })
    }

    /// Renews the lease, and reports the node's status when it changed or was not reported for long.
    pub(super) fn renew(&mut self, ctx: &mut Ctx<'_>) {
        if !self.booted {
            return;
        }
        let wait = ctx.latencies.lease_renew;
        self.beat_at = ctx.now + wait;
        ctx.recorder.retry(ctx.api, ctx.now, &self.source);
        let wake = KubeletWake::Heartbeat;
        ctx.after(wait, Event::Kubelet { node: self.node, wake });
        let name = self.config.name.clone();
        let actor = self.source.actor.to_string();
        let renewed = value!({"spec": {"renewTime": ctx.now.rfc3339_micros()}});
        let mut client = ctx.client(&actor);
        let patched = client.patch(kinds::LEASES, LEASES, &name, PatchType::Merge, &renewed, "");
        let heard = patched.is_ok();
        if patched.is_err_and(|status| status.is("NotFound")) {
            let owner = client.get(kinds::NODES, "", &name).map(|node| node["metadata"]["uid"].clone());
            let now = ctx.now.rfc3339_micros();
            let lease = value!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": {
                    "name": name.as_str(), "namespace": LEASES,
                    "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name.as_str(), "uid": owner.unwrap_or_default()}]
                },
                "spec": {"holderIdentity": name.as_str(), "leaseDurationSeconds": 40, "renewTime": now}
            });
            let _ = ctx.client(&actor).create(kinds::LEASES, LEASES, lease);
        }
        let images = self.runtime.images().len();
        let since = ctx.now.since(self.reported_at);
        let cordoned = |node: &std::sync::Arc<crate::objects::Object>| node["spec"]["unschedulable"].is_true();
        let cordoned = ctx.informers.find(kinds::NODES, "", name.as_str()).map(cordoned);
        if heard && let Some(cordoned) = cordoned.filter(|cordoned| *cordoned != self.cordoned) {
            self.cordoned = cordoned;
            let what = if cordoned { "NodeNotSchedulable" } else { "NodeSchedulable" };
            self.node_event("Normal", what, &self.transition(what), ctx);
        }
        // Somebody said that the machine has something besides, or no longer has it.
        let changed = ctx.informers.find(kinds::NODES, "", name.as_str()).is_some_and(|node| {
            let status = &node["status"];
            status["capacity"] != status["allocatable"]
        });
        if changed
            || images != self.reported_images
            || since >= ctx.latencies.node_status_report.max(Duration::from_secs(1))
        {
            self.report_node(ctx);
        }
    }

    pub(super) fn report_node(&mut self, ctx: &mut Ctx<'_>) {
        let name = self.config.name.clone();
        let actor = self.source.actor.to_string();
        let now = ctx.now;
        let Ok(node) = ctx.client(&actor).get(kinds::NODES, "", &name) else {
            return self.register(ctx);
        };
        let mut status = self.node_status(now, now);
        // A condition that stays what it is keeps its moment.
        let old = &node["status"]["conditions"];
        for condition in status["conditions"].items_mut() {
            let known =
                old.find("type", condition["type"].str()).filter(|known| known["status"] == condition["status"]);
            if let Some(known) = known {
                let since = known["lastTransitionTime"].clone();
                condition.set("lastTransitionTime", since);
            }
        }
        let mut told = Vec::new();
        for (kind, holds, holds_not) in TOLD {
            let of = |conditions: &Value| conditions.find("type", kind).map(|known| known["status"].str() == "True");
            let unknown = old.find("type", kind).is_some_and(|known| known["status"] == "Unknown");
            let (before, now) = (of(old), of(&status["conditions"]));
            if unknown || before != now {
                told.push(if now == Some(true) { holds } else { holds_not });
            }
        }
        // What others keep in the status stays; what they say the machine has besides can all be given to pods.
        for (resource, amount) in node["status"]["capacity"].entries() {
            if status["capacity"].get(resource).is_none() {
                status["capacity"].set(resource, amount);
                status["allocatable"].set(resource, amount);
            }
        }
        let mut changed = node.clone();
        for (key, part) in status.entries() {
            changed["status"].set(key, part);
        }
        let _ = ctx.client(&actor).update_status(kinds::NODES, "", changed);
        for what in told {
            self.node_event("Normal", what, &self.transition(what), ctx);
        }
        self.reported_at = now;
        self.reported_images = self.runtime.images().len();
    }
}
