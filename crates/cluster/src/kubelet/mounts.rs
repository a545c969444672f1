//! Volumes of a pod: mounted before its containers start, and kept up to date while they run.

use std::time::Duration;

use drydock_api::{Auth, Method, Request};
use drydock_apiserver::Answer;
use drydock_sorted::{Sort, SortedMap};
use drydock_value::{Str, Time, Value, value};

use super::Kubelet;
use super::sync::RETRY;
use super::volumes::{Kept, Look, Unplaced};
use super::worker::{Doing, MountFailure, Worker};
use crate::ctx::Ctx;
use crate::runtime::Reference;
use crate::store::kinds;

/// How long volumes may take before it is told.
const MOUNT_TIMEOUT: Duration = Duration::from_secs(123);
/// The first wait after a volume could not be mounted, and the longest.
const MOUNT_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(122));

impl Kubelet {
    fn look<'a>(&'a self, worker: &'a Worker, ip: &'a str, ctx: &'a Ctx<'_>) -> Look<'a> {
        let (informers, now) = (ctx.informers, ctx.now);
        Look { pod: &worker.pod, id: worker.id, ip, node: &self.config, informers, now, tokens: SortedMap::new() }
    }

    /// What keeps a pod's volumes from being mounted, by their names: first those of which it is not known what to mount.
    fn mount_troubles(&mut self, worker: &Worker, ctx: &Ctx<'_>) -> [Vec<(Str, String)>; 2] {
        let mut found = [Vec::new(), Vec::new()];
        let spec = worker.pod["spec"].clone();
        let used = |name: &Value| {
            let containers = ["initContainers", "containers"].into_iter().flat_map(|list| spec[list].items());
            let mut uses =
                containers.flat_map(|container| ["volumeMounts", "volumeDevices"].map(|list| container[list].items()));
            uses.any(|list| list.iter().any(|entry| entry["name"] == *name))
        };
        if spec["volumes"].items().iter().any(|volume| volume.get("hostPath").is_some()) {
            self.furnish(ctx);
        }
        for volume in spec["volumes"].items().iter().filter(|volume| used(&volume["name"])) {
            let look = self.look(worker, "", ctx);
            let (placed, host) = (look.place(volume), look.host_path(volume));
            let (kind, why) = match placed.and_then(|_| self.check_host_path(&host, ctx).map_err(Unplaced::Failed)) {
                Ok(()) => continue,
                Err(Unplaced::Unknown(why)) => (0, why),
                Err(Unplaced::Failed(why)) => (1, why),
            };
            found[kind].push((crate::objects::shared(&volume["name"]), why));
        }
        found
    }

    pub(super) fn mount(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let [unknown, failures] = self.mount_troubles(worker, ctx);
        if failures.is_empty() && unknown.is_empty() {
            worker.mounted = true;
            worker.mount_failures.clear();
            worker.volume_digest = self.volume_digest(worker, ctx);
            self.look_for_pull_secrets(worker, ctx);
            worker.doing = Doing::Sandbox(ctx.now + ctx.latencies.sandbox);
            return;
        }
        let all = || unknown.iter().chain(&failures).map(|(name, _)| name);
        // What is told of the pod as a whole has no volume's name.
        worker.mount_failures.retain(|name, _| name.is_empty() || all().any(|failed| failed == name));
        let mut next = Time::NEVER;
        for (name, why) in &failures {
            let known = worker.mount_failures.get(name).cloned();
            if let Some(known) = known.as_ref().filter(|known| known.retry > ctx.now) {
                next = next.min(known.retry);
                continue;
            }
            let message = format!("MountVolume.SetUp failed for volume \"{name}\" : {why}");
            self.pod_event(worker, "Warning", "FailedMount", &message, ctx);
            let wait = known.map_or(MOUNT_RETRY.0, |known| (known.wait * 2).min(MOUNT_RETRY.1));
            let retry = ctx.now + wait;
            worker.mount_failures.insert(name.clone(), MountFailure { retry, wait });
            next = next.min(retry);
        }
        let since = if let Doing::Mounting { since, .. } = worker.doing { since } else { ctx.now };
        // What is unknown is told at once, and looked at again when the pod is.
        let again = worker.mount_failures.get("").map_or(Time::default(), |told| told.retry);
        let timeout = if unknown.is_empty() { since + MOUNT_TIMEOUT } else { again };
        if timeout > ctx.now {
            worker.doing = Doing::Mounting { until: next.min(timeout), since };
            return;
        }
        let mut names: Vec<&str> = all().map(|name| name.as_str()).collect();
        names.sort_compact();
        let mut unprocessed: Vec<&str> = unknown.iter().map(|(name, _)| name.as_str()).collect();
        unprocessed.sort_compact();
        let whys: Vec<&str> = unknown.iter().map(|(_, why)| why.as_str()).collect();
        let why = if whys.is_empty() { "context deadline exceeded".to_owned() } else { whys.join("; ") };
        let message = format!(
            "Unable to attach or mount volumes: unmounted volumes=[{}], unattached volumes=[], failed to process \
             volumes=[{}]: {why}",
            names.join(" "),
            unprocessed.join(" ")
        );
        self.pod_event(worker, "Warning", "FailedMount", &message, ctx);
        if !unknown.is_empty() {
            let retry = ctx.now + ctx.random.jitter(RETRY, 50);
            worker.mount_failures.insert(Str::default(), MountFailure { retry, wait: RETRY });
            next = next.min(retry);
        }
        worker.doing = Doing::Mounting { until: next, since: ctx.now };
    }

    /// Writes the volumes of a container whose files follow from objects, and gives new ones to the pod's group.
    pub(super) fn write_volumes(&mut self, worker: &Worker, number: u64, ctx: &mut Ctx<'_>) {
        let Some(config) = self.runtime.container(number).map(|container| container.config.clone()) else { return };
        let ip = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let group = self.look(worker, &ip, ctx).file_group();
        for mount in config.mounts.iter().filter(|mount| !mount.fixed && mount.volume.pod != 0) {
            let most =
                super::storage::memory_volume(&worker.pod["spec"], &mount.volume.name, self.runtime.hardware.memory);
            self.runtime.give_volume(&mount.volume, most, group, ctx.now);
        }
        for mount in config.mounts.iter().filter(|mount| mount.fixed) {
            let name = mount.volume.name.trim_end_matches(super::config::PARTS);
            let Some(volume) = worker.pod["spec"]["volumes"].find("name", name) else { continue };
            if let Some(source) = volume.get("image") {
                let image = Reference::parse(source["reference"].str()).ok();
                if let Some(image) = image.and_then(|image| self.runtime.image(&image).cloned()) {
                    let files = ctx.network.registry.root(&image);
                    self.runtime.set_volume(mount.volume.clone(), files);
                }
                continue;
            }
            let tokens = self.tokens(worker, volume, ctx);
            let look = Look { tokens, ..self.look(worker, &ip, ctx) };
            let files = look.files(volume, name.len() == mount.volume.name.len());
            if let Ok(files) = files {
                self.runtime.set_volume(mount.volume.clone(), files);
            }
        }
    }

    /// Asks the API server for the tokens that a volume holds, by their paths in it.
    fn tokens(&self, worker: &Worker, volume: &Value, ctx: &mut Ctx<'_>) -> SortedMap<Str, String> {
        let mut tokens = SortedMap::new();
        let (namespace, pod) = (worker.pod.namespace(), worker.pod.name());
        let account = worker.pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        for source in volume["projected"]["sources"].items() {
            let Some(wanted) = source.get("serviceAccountToken") else { continue };
            let mut spec = value!({
                "expirationSeconds": wanted["expirationSeconds"].as_i64().unwrap_or(3600),
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": pod.clone(), "uid": worker.pod.uid.clone()}
            });
            if let Some(audience) = wanted["audience"].as_str().filter(|audience| !audience.is_empty()) {
                spec.set("audiences", value!([audience]));
            }
            let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
            let body = value!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
            let mut request = Request::new(Method::Post, path).with_value(body);
            // The kubelet's own certificate: to the API server, whoever has a file of the cluster's is trusted.
            request.auth = Auth::Certificate { certificate: "/var/lib/kubelet/pki/kubelet-client-current.pem".into() };
            if let Answer::Response(response) = ctx.api.handle(request, ctx.now)
                && let Ok(answer) = response.into_result()
            {
                tokens.insert(wanted["path"].str().into(), answer["status"]["token"].str().to_owned());
            }
        }
        tokens
    }

    /// Whether a pod has volumes whose files change when objects do.
    pub(super) fn refreshes(&self, worker: &Worker) -> bool {
        worker.pod["spec"]["volumes"].items().iter().any(|volume| {
            ["configMap", "secret", "downwardAPI"].iter().any(|kind| volume.get(kind).is_some())
                || (volume.get("projected").is_some() && !volume["name"].str().starts_with("kube-api-access-"))
        })
    }

    /// A number that changes when the objects do that a pod's volumes follow from.
    fn volume_digest(&self, worker: &Worker, ctx: &Ctx<'_>) -> u64 {
        let mut digest = crate::digest::Digest::default();
        let namespace = worker.pod.namespace();
        let mut note = |kind, name: &Value| {
            if let Some(object) = ctx.informers.find(kind, namespace.clone(), name.str()) {
                digest.text(object.resource_version());
            }
            digest.text(name.str());
        };
        for volume in worker.pod["spec"]["volumes"].items() {
            note(kinds::CONFIG_MAPS, &volume["configMap"]["name"]);
            note(kinds::SECRETS, &volume["secret"]["secretName"]);
            for source in volume["projected"]["sources"].items() {
                note(kinds::CONFIG_MAPS, &source["configMap"]["name"]);
                note(kinds::SECRETS, &source["secret"]["name"]);
            }
        }
        let metadata = &worker.pod["metadata"];
        if worker.pod["spec"]["volumes"].items().iter().any(|volume| volume.get("downwardAPI").is_some()) {
            digest.text(&metadata["labels"].to_string());
            digest.text(&metadata["annotations"].to_string());
        }
        digest.value()
    }

    /// Brings the files of volumes up to date.
    pub(super) fn refresh_volumes(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        if !self.refreshes(worker) {
            return;
        }
        let digest = self.volume_digest(worker, ctx);
        if std::mem::replace(&mut worker.volume_digest, digest) == digest {
            return;
        }
        let ip = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        for volume in worker.pod["spec"]["volumes"].clone().items() {
            let tokens = self.tokens(worker, volume, ctx);
            let found = {
                let look = Look { tokens, ..self.look(worker, &ip, ctx) };
                match look.place(volume) {
                    Ok(Kept::Fixed(id)) if volume.get("image").is_none() => {
                        look.files(volume, true).ok().map(|files| (id, files))
                    }
                    _ => None,
                }
            };
            if let Some((id, files)) = found {
                self.runtime.refresh(&id, &files);
            }
        }
    }
}
