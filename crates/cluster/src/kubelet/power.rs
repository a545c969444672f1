//! What a kubelet and its machine go through: a crash, a stop, the loss of power, a network that comes back.

use std::time::Duration;

use drydock_shell::Signal;
use drydock_value::Value;

use super::worker::{Doing, Stage};
use super::{Kubelet, KubeletWake};
use crate::ctx::Ctx;
use crate::objects::Key;
use crate::queue::Event;
use crate::store::{DeleteOptions, kinds};

/// How long a kubelet that starts says that it is not ready.
const COMING_UP: Duration = Duration::from_secs(1);

impl Kubelet {
    /// Kills a container's main process. False when it does not run.
    pub(crate) fn crash(&mut self, key: &Key, uid: &str, container: &str, ctx: &mut Ctx<'_>) -> bool {
        let Some(number) = self.running(key, uid, container) else { return false };
        let outcomes = self.runtime.signal(number, Signal::Kill, ctx);
        self.outcomes.extend(outcomes.into_iter().map(|outcome| (number, outcome)));
        self.settle(ctx);
        true
    }

    /// Kills the container of a static pod, whatever its pod is called. False when it does not run.
    pub(crate) fn crash_static(&mut self, container: &str, ctx: &mut Ctx<'_>) -> bool {
        let found = self.workers.values().find(|worker| {
            worker.pod["metadata"]["annotations"].get("kubernetes.io/config.mirror").is_some()
                && worker.slot_named(container).is_some()
        });
        let pod = found.map(|worker| worker.pod.clone());
        pod.is_some_and(|pod| self.crash(&pod.key, &pod.uid, container, ctx))
    }

    /// Takes the file of a static pod away, or puts it back.
    pub(crate) fn withdraw(&mut self, container: &str, away: bool, ctx: &mut Ctx<'_>) {
        let is = |manifest: &Value| manifest["spec"]["containers"][0]["name"] == container;
        let (from, to) = match away {
            true => (&mut self.manifests, &mut self.withdrawn),
            false => (&mut self.withdrawn, &mut self.manifests),
        };
        let Some(at) = from.iter().position(is) else { return };
        let manifest = from.remove(at);
        let key = Key::of(&manifest);
        to.push(manifest);
        if away {
            let actor = self.source.actor.to_string();
            let options = DeleteOptions::default();
            // The mirror goes with the pod; without an API server it goes later, if at all.
            let _ = ctx.client(&actor).delete(kinds::PODS, &key.namespace, &key.name, &options);
        } else {
            self.make_mirror(self.manifests.len() - 1, ctx);
        }
    }

    /// The kubelet ends; with `dark`, so does everything else on its machine.
    pub(crate) fn stop(&mut self, dark: bool, ctx: &mut Ctx<'_>) {
        self.stopped = true;
        self.tell_processes();
        self.note_unit(false, ctx.now);
        ctx.recorder.forget(&self.source);
        if !dark {
            return;
        }
        self.boots += 1;
        self.runtime.lose_power(ctx);
        for worker in self.workers.values_mut() {
            worker.dark = worker.sandbox.is_some();
        }
    }

    /// The kubelet starts again: it looks at what runs, and goes on from there.
    pub(crate) fn start(&mut self, ctx: &mut Ctx<'_>) {
        (self.stopped, self.starting) = (false, true);
        self.tell_processes();
        ctx.after(COMING_UP, Event::Kubelet { node: self.node, wake: KubeletWake::Ready });
        self.note_unit(true, ctx.now);
        self.announce(ctx);
        for id in self.workers.keys().copied().collect::<Vec<_>>() {
            let Some(mut worker) = self.workers.remove(&id) else { continue };
            if matches!(worker.stage, Stage::Syncing) {
                worker.doing = Doing::Idle;
            }
            if std::mem::take(&mut worker.dark) && matches!(worker.stage, Stage::Syncing) {
                let message = "Pod sandbox changed, it will be killed and re-created.";
                self.pod_event(&worker, "Normal", "SandboxChanged", message, ctx);
                self.drop_sandbox(&mut worker, ctx);
            }
            self.workers.insert(id, worker);
        }
        if self.rebooted != self.boots {
            self.rebooted = self.boots;
            let message = format!("Node {} has been rebooted, boot id: {}", self.config.name, self.machine_id("boot"));
            self.node_event("Warning", "Rebooted", &message, ctx);
        }
        self.watch_disk_anew(ctx);
        if self.manifests_changed() {
            ctx.queue.soon(Event::Kubelet { node: self.node, wake: KubeletWake::Manifests });
        }
        self.resync(ctx);
        // With an API server or without: what had ended is started again.
        for id in self.workers.keys() {
            ctx.queue.soon(Event::Kubelet { node: self.node, wake: KubeletWake::Worker(*id) });
        }
    }

    /// The API server can be heard again: the lease, the node and the pods are reported, and the pods are listed.
    pub(crate) fn resync(&mut self, ctx: &mut Ctx<'_>) {
        self.beat_at = ctx.now;
        self.renew(ctx);
        self.report_node(ctx);
        let mut keys: Vec<Key> = self.by_key.keys().cloned().collect();
        let known = keys.len();
        let here = ctx.informers.pods_on(&self.config.name).map(|pod| pod.key.clone());
        keys.extend(here.filter(|key| !self.by_key.contains_key(key)));
        for (at, key) in keys.into_iter().enumerate() {
            if at < known {
                for id in self.by_key.get(&key).cloned().unwrap_or_default() {
                    if let Some(worker) = self.workers.get_mut(&id) {
                        worker.dirty |= matches!(worker.stage, Stage::Syncing);
                        worker.report_at = Some(ctx.now);
                        (worker.doubt, worker.deleted) = (true, false);
                    }
                }
            }
            ctx.queue.soon(Event::Kubelet { node: self.node, wake: KubeletWake::Pod(key) });
        }
        self.settle(ctx);
    }
}
