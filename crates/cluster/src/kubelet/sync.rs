//! One look at a pod: what is known is reported, what is missing is made.

use drydock_sorted::{Sort, SortedMap};
use std::sync::Arc;
use std::time::Duration;

use drydock_api::{Auth, Method, Request};
use drydock_apiserver::Answer;
use drydock_value::{Str, Time, Value, value};

use super::actions;
use super::status::{merge_conditions, status};
use super::volumes::{Kept, Look, Unplaced};
use super::worker::{Doing, MountFailure, Stage, Starting, Step, Told, Worker};
use super::{Kubelet, admit};
use crate::ctx::Ctx;
use crate::network::dns::Resolver;
use crate::network::{Address, Place, Protocol, Target};
use crate::runtime::{Names, Reference, Sandbox};
use crate::store::kinds;

/// The wait before the next try, when an error says none of its own.
const RETRY: Duration = Duration::from_secs(10);
/// A look is taken at least so often while there is something to retry or to refresh.
const RESYNC: Duration = Duration::from_secs(60);
/// How long volumes may take before it is told.
const MOUNT_TIMEOUT: Duration = Duration::from_secs(123);
/// What the container runtime has to run sandboxes with.
const RUNTIME_HANDLERS: &[&str] = &["", "runc"];
/// The first wait after a volume could not be mounted, and the longest.
const MOUNT_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(122));

impl Kubelet {
    /// Does the next thing that is due for a pod. Whether there was any.
    pub(super) fn step(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) -> bool {
        let now = ctx.now;
        if worker.report_at.is_some_and(|at| at <= now) {
            worker.report_at = None;
            self.report(worker, ctx);
        }
        match &worker.stage {
            Stage::Over => {
                if worker.pod.deleting.is_some() && !worker.gone && !worker.deleted {
                    self.delete(worker, ctx);
                }
                return false;
            }
            Stage::Ending(_) => return self.step_end(worker, ctx),
            Stage::Syncing => {}
        }
        if worker.gone || worker.pod.deleting.is_some() {
            self.begin_end(worker, ctx);
            return true;
        }
        match &mut worker.doing {
            Doing::Idle => {
                if worker.dirty || worker.sync_at.is_some_and(|at| at <= now) {
                    self.begin_sync(worker, ctx);
                    return true;
                }
                false
            }
            Doing::Mounting { until, .. } if *until <= now => {
                self.mount(worker, ctx);
                true
            }
            Doing::Sandbox(until) if *until <= now => {
                self.make_sandbox(worker, ctx);
                true
            }
            Doing::Killing(..) => self.step_kill(worker, ctx),
            Doing::Starting(_) => self.step_start(worker, ctx),
            _ => false,
        }
    }

    fn begin_sync(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        worker.dirty = false;
        worker.sync_at = None;
        let started = *worker.started.get_or_insert(ctx.now);
        if !worker.admitted {
            let labels = ctx.informers.find(kinds::NODES, "", self.config.name.as_str());
            let labels = labels.map(|node| node["metadata"]["labels"].clone()).unwrap_or_default();
            let others = self.workers.values().filter(|other| other.admitted && !matches!(other.stage, Stage::Over));
            let refusal = self.pressure_refusal(worker);
            if let Some((reason, message)) = refusal.or_else(|| admit::refusal(worker, &self.config, &labels, others)) {
                let told = message.strip_prefix("Pod was rejected: ").unwrap_or(&message);
                self.pod_event(worker, "Warning", reason, told, ctx);
                worker.verdict = Some((reason, message));
                worker.stage = Stage::Over;
                self.report(worker, ctx);
                return;
            }
            worker.admitted = true;
            self.watch_writing(worker, ctx);
        }
        self.give_resources(worker, ctx);
        self.report(worker, ctx);
        if let Some(seconds) = worker.pod["spec"]["activeDeadlineSeconds"].as_i64() {
            let deadline = started + Duration::from_secs(seconds.max(0).unsigned_abs());
            if deadline <= ctx.now {
                let message = "Pod was active on the node longer than the specified deadline";
                self.pod_event(worker, "Normal", "DeadlineExceeded", message, ctx);
                worker.verdict = Some(("DeadlineExceeded", message.into()));
                self.begin_end(worker, ctx);
                return;
            }
            worker.look_again(deadline);
        }
        if matches!(worker.status["phase"].str(), "Succeeded" | "Failed") {
            self.begin_end(worker, ctx);
            return;
        }
        if !worker.mounted {
            worker.doing = Doing::Mounting { until: ctx.now + ctx.latencies.mount, since: ctx.now };
        } else if worker.sandbox.is_none() {
            self.look_for_pull_secrets(worker, ctx);
            worker.doing = Doing::Sandbox(ctx.now + ctx.latencies.sandbox);
        } else {
            self.look_for_pull_secrets(worker, ctx);
            self.refresh_volumes(worker, ctx);
            self.act(worker, false, ctx);
        }
    }

    /// Does what is to be done, now that volumes and sandbox stand.
    fn act(&mut self, worker: &mut Worker, acted: bool, ctx: &mut Ctx<'_>) {
        for (number, limits) in actions::limits(worker, &self.runtime) {
            self.runtime.limit(number, limits);
        }
        let actions = actions::compute(worker, &self.runtime);
        if actions.kill_pod {
            self.begin_end(worker, ctx);
            return;
        }
        let starting = Box::new(Starting {
            queue: actions.start.into(),
            step: Step::Next,
            retry: None,
            failed: false,
            acted,
            volumes: Vec::new(),
        });
        let mut told: Vec<Told> = Vec::new();
        for (slot, message, check) in actions.kill {
            told.push(self.tell(worker, slot, &message, check, ctx));
        }
        worker.doing = if told.is_empty() { Doing::Starting(starting) } else { Doing::Killing(told, starting) };
    }

    /// A sync has come to its end.
    pub(super) fn end_sync(&mut self, worker: &mut Worker, starting: &Starting, ctx: &mut Ctx<'_>) {
        worker.doing = Doing::Idle;
        let soon = ctx.now + ctx.latencies.relist;
        if starting.acted {
            worker.look_again(soon);
        }
        if starting.failed {
            worker.report_at = Some(soon);
            let wait = starting.retry.map_or(RETRY, |at| at.since(ctx.now)).min(RESYNC);
            let at = ctx.now + ctx.random.jitter(wait, 50);
            worker.look_again(at);
        }
        if self.refreshes(worker) {
            let at = ctx.now + ctx.random.jitter(RESYNC, 50);
            worker.look_again(at);
        }
    }

    // ---- volumes ----

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

    fn mount(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
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
    fn refreshes(&self, worker: &Worker) -> bool {
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
    fn refresh_volumes(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
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

    /// Tells which secrets for registries are not there; images are pulled all the same.
    fn look_for_pull_secrets(&mut self, worker: &Worker, ctx: &mut Ctx<'_>) {
        let namespace = worker.pod.namespace();
        let names = worker.pod["spec"]["imagePullSecrets"].items().iter().map(|secret| secret["name"].str());
        let gone =
            |name: &&str| !name.is_empty() && ctx.informers.find(kinds::SECRETS, namespace.clone(), *name).is_none();
        let missing: Vec<&str> = names.filter(gone).collect();
        if !missing.is_empty() {
            let message = format!(
                "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
                missing.join(", ")
            );
            self.pod_event(worker, "Warning", "FailedToRetrieveImagePullSecret", &message, ctx);
        }
    }

    // ---- sandbox ----

    /// Tells that a sandbox could not be made, and looks again later.
    fn sandbox_failed(&mut self, worker: &mut Worker, why: &str, ctx: &mut Ctx<'_>) {
        let message = format!("Failed to create pod sandbox: {why}");
        self.pod_event(worker, "Warning", "FailedCreatePodSandBox", &message, ctx);
        worker.doing = Doing::Idle;
        let at = ctx.now + ctx.random.jitter(RETRY, 50);
        worker.look_again(at);
    }

    fn make_sandbox(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let class = worker.pod["spec"]["runtimeClassName"].as_str().filter(|class| !class.is_empty());
        let class = class.and_then(|class| ctx.informers.find(kinds::RUNTIME_CLASSES, "", class));
        let handler = class.map_or("", |class| class["handler"].str());
        if !RUNTIME_HANDLERS.contains(&handler) {
            let why = format!("{RPC}failed to get sandbox runtime: no runtime for \"{handler}\" is configured");
            self.sandbox_failed(worker, &why, ctx);
            return;
        }
        let host = worker.host_network();
        let pod = worker.pod.clone();
        let short = if host { self.config.name.as_str() } else { short_name(&pod.value) };
        let domain = if host { None } else { domain(&pod.value) };
        let mut hostname: Str = short.into();
        if let Some(domain) = domain.as_ref().filter(|_| pod["spec"]["setHostnameAsFQDN"].is_true()) {
            let whole = format!("{short}.{domain}");
            if whole.len() > HOSTNAME_MAX {
                let why = format!(
                    "failed to construct FQDN from pod hostname and cluster domain, FQDN {whole} is too long \
                     ({HOSTNAME_MAX} characters is the max, {} characters requested)",
                    whole.len()
                );
                return self.sandbox_failed(worker, &why, ctx);
            }
            hostname = whole.into();
        }
        let node_ip = self.config.ip.parse().unwrap_or(std::net::Ipv4Addr::LOCALHOST);
        let ip = if host { Some(node_ip) } else { self.addresses.take() };
        let Some(ip) = ip else {
            let why = "failed to setup network for sandbox: plugin type=\"bridge\" failed (add): failed to allocate for range \
                       0: no IP addresses available in range set";
            self.sandbox_failed(worker, &format!("{RPC}{why}"), ctx);
            return;
        };
        let node = self.node;
        let names = names(&pod.value, short, domain.as_deref(), ip, host);
        let names = Arc::new(Names { by_pods: self.system, ..names });
        let sees_host = pod["spec"]["hostPID"].is_true();
        if sees_host {
            self.tell_processes();
        }
        let sandbox = self.runtime.add_sandbox(|number| Sandbox {
            place: if host { Place::Node(node) } else { Place::Pod { node, sandbox: number } },
            ip,
            hostname,
            names,
            own_hosts: 1,
            shares_processes: pod["spec"]["shareProcessNamespace"].is_true(),
            sees_host,
            looked_into: false,
        });
        if !host {
            ctx.network.attach(Place::Pod { node, sandbox }, ip);
            let ports = pod["spec"]["containers"].items().iter().flat_map(|container| container["ports"].items());
            for port in ports {
                let ip = port["hostIP"].str().parse().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
                let of = |field: &str| u16::try_from(port[field].int()).ok().filter(|number| *number != 0);
                let protocol = Protocol::named(port["protocol"].str());
                if let (Some(at), Some(port), Some(protocol)) = (of("hostPort"), of("containerPort"), protocol) {
                    let target = Target { place: Place::Pod { node, sandbox }, port };
                    ctx.network.map_port(node, Address { ip, port: at, protocol }, target);
                }
            }
        }
        worker.sandbox = Some(sandbox);
        worker.ip = Some(ip);
        self.act(worker, true, ctx);
    }

    /// Takes a pod's sandbox away.
    pub(super) fn drop_sandbox(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let Some(sandbox) = worker.sandbox.take() else { return };
        self.runtime.remove_sandbox(sandbox, ctx);
        if let Some(ip) = worker.ip.filter(|_| !worker.host_network()) {
            self.addresses.free(ip);
        }
    }

    // ---- reports ----

    /// Writes the pod's status, if it is another than the last, and lets probes begin.
    pub(super) fn report(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        if worker.gone {
            return;
        }
        self.tend_probes(worker, ctx);
        let new = status(worker, &self.runtime, &self.config, ctx.now);
        if new == worker.status && !worker.doubt {
            return;
        }
        let (namespace, name) = (worker.pod.namespace().clone(), worker.pod.name().clone());
        let mut client = ctx.client(&self.source.actor);
        let Ok(mut current) = client.get(kinds::PODS, &namespace, &name) else { return };
        if *worker.pod.uid != *current["metadata"]["uid"].str() {
            return;
        }
        let mut written = new.clone();
        written.set("conditions", merge_conditions(&new["conditions"], &current["status"]["conditions"]));
        // What others keep in the status stays.
        for field in ["resourceClaimStatuses", "extendedResourceClaimStatus", "nominatedNodeName"] {
            if let Some(kept) = current["status"].get(field) {
                written.set(field, kept);
            }
        }
        let own = written == new;
        worker.status = new;
        worker.doubt = false;
        if current["status"] != written {
            current.set("status", written);
            let stored = client.update_status(kinds::PODS, &namespace, current);
            // Remembered as the API server keeps it: one tree, not two.
            if let Ok(stored) = stored
                && own
                && stored["status"] == worker.status
            {
                worker.status = stored["status"].clone();
            }
        }
    }

    /// Lets the API server forget a pod that has ended.
    pub(super) fn delete(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let (namespace, name) = (worker.pod.namespace().clone(), worker.pod.name().clone());
        let options = crate::store::DeleteOptions::now().of_uid(worker.pod.uid.as_str());
        let deleted = ctx.client(&self.source.actor).delete(kinds::PODS, &namespace, &name, &options);
        // It is gone once the informers say so; finalizers may keep it for a while.
        worker.deleted = match deleted {
            Ok(_) => true,
            Err(status) => status.is("NotFound") || status.is("Conflict"),
        };
    }
}

impl Worker {
    /// Asks for a look at a moment, or earlier if that was asked before.
    pub(super) fn look_again(&mut self, at: Time) {
        self.sync_at = Some(self.sync_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// What comes before the words of the runtime.
const RPC: &str = "rpc error: code = Unknown desc = ";
/// The longest name that a machine can have.
const HOSTNAME_MAX: usize = 64;

/// What a pod's machine is called, without its domain.
fn short_name(pod: &Value) -> &str {
    let given = |key: &str| pod["spec"][key].as_str().filter(|name| !name.is_empty());
    given("hostnameOverride").unwrap_or_else(|| {
        let name = given("hostname").unwrap_or(pod["metadata"]["name"].str());
        name.get(..63).unwrap_or(name).trim_end_matches(['-', '.'])
    })
}

/// The domain of a pod's machine.
fn domain(pod: &Value) -> Option<String> {
    let spec = &pod["spec"];
    let of_service =
        spec["subdomain"].as_str().filter(|name| !name.is_empty() && spec["hostnameOverride"].is_empty())?;
    Some(format!("{of_service}.{}.svc.cluster.local", pod["metadata"]["namespace"].str()))
}

/// How a pod resolves names.
fn names(pod: &Value, hostname: &str, domain: Option<&str>, ip: std::net::Ipv4Addr, host: bool) -> Names {
    let spec = &pod["spec"];
    let namespace = pod["metadata"]["namespace"].str();
    let mut own = vec![hostname.to_owned()];
    if let Some(domain) = domain {
        own.insert(0, format!("{hostname}.{domain}"));
    }
    let mut hosts = vec![(ip, own)];
    for alias in spec["hostAliases"].items() {
        if let Ok(ip) = alias["ip"].str().parse() {
            hosts.push((ip, alias["hostnames"].items().iter().map(|name| name.str().to_owned()).collect()));
        }
    }
    let mut resolver = match spec["dnsPolicy"].as_str().unwrap_or("ClusterFirst") {
        "None" => Resolver { ndots: 1, ..Resolver::default() },
        "Default" => Resolver::node(),
        "ClusterFirst" if host => Resolver::node(),
        _ => Resolver::cluster(namespace),
    };
    let config = &spec["dnsConfig"];
    resolver.servers.extend(
        config["nameservers"].items().iter().filter_map(|server| server.str().parse::<std::net::Ipv4Addr>().ok()),
    );
    resolver.search.extend(config["searches"].items().iter().map(|domain| domain.str().to_owned()));
    for option in config["options"].items() {
        let (name, text) = (option["name"].str(), option["value"].str());
        match (name, text.parse()) {
            ("ndots", Ok(ndots)) => resolver.ndots = ndots,
            _ if text.is_empty() => resolver.options.push(name.to_owned()),
            _ => resolver.options.push(format!("{name}:{text}")),
        }
    }
    Names { hosts, resolver, by_pods: false }
}
