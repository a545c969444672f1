//! How containers begin: image, container, process, hook.

use std::time::Duration;

use drydock_value::{Str, Time, Value};

use super::backoff::Backoff;
use super::config;
use super::probes;
use super::volumes::Look;
use super::worker::{Doing, Hook, Role, Starting, Step, Worker, full_name};
use super::{Kubelet, KubeletWake, kubelet_owner};
use crate::ctx::Ctx;
use crate::network::{Place, Target};
use crate::queue::Event;
use crate::runtime::start::Exec;
use crate::runtime::{Reference, Sink, State, Token, VolumeId};

/// How long a hook's request may take.
const HOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// A volume of a container whose image has not been looked for yet.
fn unpulled(worker: &Worker, slot: usize, starting: &Starting) -> Option<Str> {
    let volumes = &worker.pod["spec"]["volumes"];
    let mounted = worker.spec(slot)["volumeMounts"].items().iter();
    let mut mounted = mounted.filter_map(|mount| volumes.find("name", mount["name"].str()));
    let missing = |volume: &&Value| {
        volume.get("image").is_some() && !starting.volumes.iter().any(|name| volume["name"] == name.as_str())
    };
    mounted.find(missing).map(|volume| volume["name"].str().into())
}

/// The image of a container, or of a volume, and when it is to be pulled.
fn image_of(worker: &Worker, slot: usize, volume: Option<&Str>) -> (String, Option<String>) {
    let (image, policy) = match volume {
        None => (&worker.spec(slot)["image"], &worker.spec(slot)["imagePullPolicy"]),
        Some(name) => {
            let volume = worker.pod["spec"]["volumes"].find("name", name.as_str());
            volume.map_or((&Value::Null, &Value::Null), |volume| {
                (&volume["image"]["reference"], &volume["image"]["pullPolicy"])
            })
        }
    };
    (image.str().to_owned(), policy.as_str().map(str::to_owned))
}

/// Goes on after an image was found.
fn image_there(slot: usize, volume: Option<Str>, starting: &mut Starting, ctx: &Ctx<'_>) {
    match volume {
        None => starting.step = Step::Creating(slot, ctx.now + ctx.latencies.container_create),
        Some(volume) => {
            starting.volumes.push(volume);
            starting.queue.push_front(slot);
        }
    }
}

impl Kubelet {
    /// Goes on with the start of containers. Whether anything happened.
    pub(super) fn step_start(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) -> bool {
        let Doing::Starting(mut starting) = std::mem::replace(&mut worker.doing, Doing::Idle) else { return false };
        let now = ctx.now;
        let step = std::mem::replace(&mut starting.step, Step::Next);
        match step {
            Step::Next => match starting.queue.pop_front() {
                None => {
                    self.end_sync(worker, &starting, ctx);
                    return true;
                }
                Some(slot) => self.begin_container(worker, slot, &mut starting, ctx),
            },
            Step::Pulling { slot, volume, reference, asked, began, until } if until <= now => {
                self.pulled(worker, slot, volume, &reference, (asked, began), &mut starting, ctx);
            }
            Step::Creating(slot, until) if until <= now => self.create_container(worker, slot, &mut starting, ctx),
            Step::Starting(slot, number, until) if until <= now => {
                self.start_container(worker, slot, number, &mut starting, ctx);
            }
            Step::Hook(slot, number, hook) => {
                let (hook, moved) = self.watch_hook(hook, ctx);
                match hook {
                    Hook::Done(good) => {
                        self.hook_done(worker, slot, number, good, &mut starting, ctx);
                        if !matches!(worker.doing, Doing::Idle) {
                            return true;
                        }
                    }
                    hook => {
                        // A container that ended takes its hook with it.
                        let runs = self.runtime.container(number).is_some_and(|container| container.running());
                        starting.step = Step::Hook(slot, number, if runs { hook } else { Hook::Done(false) });
                        worker.doing = Doing::Starting(starting);
                        return moved || !runs;
                    }
                }
            }
            waiting => {
                starting.step = waiting;
                worker.doing = Doing::Starting(starting);
                return false;
            }
        }
        worker.doing = Doing::Starting(starting);
        true
    }

    /// Notes that a container could not be started.
    fn fail(
        &mut self,
        worker: &mut Worker,
        slot: usize,
        why: (&'static str, String),
        retry: Option<Time>,
        starting: &mut Starting,
    ) {
        let Some(place) = worker.slots.get_mut(slot) else { return };
        place.waiting = Some(why);
        starting.failed = true;
        starting.retry = match (starting.retry, retry) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        // Nothing comes after an init container that does not start.
        if place.role == Role::Init {
            starting.queue.clear();
        }
    }

    fn begin_container(&mut self, worker: &mut Worker, slot: usize, starting: &mut Starting, ctx: &mut Ctx<'_>) {
        let name = worker.slots[slot].name.clone();
        let ended = worker.slots[slot].current.and_then(|number| self.runtime.container(number));
        let finished = ended.filter(|container| container.state == State::Exited).map(|container| container.finished);
        if let Some(finished) = finished {
            let backoff = worker.slots[slot].backoff;
            if let Some(until) = backoff.wait_since(finished, ctx.now) {
                let pod = full_name(&worker.pod);
                let message = format!("Back-off restarting failed container {name} in pod {pod}");
                self.container_event(worker, slot, "Warning", "BackOff", &message, ctx);
                let wait = drydock_schema::duration::go(backoff.delay());
                let why = format!("back-off {wait} restarting failed container={name} pod={pod}");
                return self.fail(worker, slot, ("CrashLoopBackOff", why), Some(until), starting);
            }
        }
        if let Some(volume) = unpulled(worker, slot, starting) {
            return self.pull(worker, slot, Some(volume), starting, ctx);
        }
        if let Some(finished) = finished {
            worker.slots[slot].backoff.next(finished, ctx.now);
        }
        self.pull(worker, slot, None, starting, ctx);
    }

    /// Pulls the image of a container, or of a volume that it mounts, unless it is there.
    fn pull(
        &mut self,
        worker: &mut Worker,
        slot: usize,
        volume: Option<Str>,
        starting: &mut Starting,
        ctx: &mut Ctx<'_>,
    ) {
        let (image, given) = image_of(worker, slot, volume.as_ref());
        let image = image.as_str();
        let reference = match Reference::parse(image) {
            Ok(reference) => reference,
            Err(why) => {
                let message = format!(
                    "Failed to apply default image tag \"{image}\": couldn't parse image name \"{image}\": {why}"
                );
                self.image_event(worker, slot, volume.is_some(), "Warning", "InspectFailed", &message, ctx);
                self.image_failed(worker, slot, volume.is_some(), "Error: InvalidImageName", ctx);
                return self.fail(worker, slot, ("InvalidImageName", message), None, starting);
            }
        };
        let present = self.runtime.image(&reference).is_some();
        let default = if reference.tag.as_deref() == Some("latest") { "Always" } else { "IfNotPresent" };
        let policy = given.as_deref().unwrap_or(default);
        if present && policy != "Always" {
            let message =
                format!("Container image \"{image}\" already present on machine and can be accessed by the pod");
            self.image_event(worker, slot, volume.is_some(), "Normal", "Pulled", &message, ctx);
            return image_there(slot, volume, starting, ctx);
        }
        if policy == "Never" {
            let message = format!("Container image \"{image}\" is not present with pull policy of Never");
            self.image_event(worker, slot, volume.is_some(), "Warning", "ErrImageNeverPull", &message, ctx);
            self.image_failed(worker, slot, volume.is_some(), "Error: ErrImageNeverPull", ctx);
            return self.fail(worker, slot, ("ErrImageNeverPull", message), None, starting);
        }
        let known = worker.image_backoffs.get(image);
        if let Some((until, last)) = known.and_then(|(b, last)| Some((b.wait_since_update(ctx.now)?, last.clone()))) {
            let message = format!("Back-off pulling image \"{image}\"");
            self.image_event(worker, slot, volume.is_some(), "Normal", "BackOff", &message, ctx);
            self.image_failed(worker, slot, volume.is_some(), "Error: ImagePullBackOff", ctx);
            let why = format!("{message}: ErrImagePull: {last}");
            return self.fail(worker, slot, ("ImagePullBackOff", why), Some(until), starting);
        }
        self.image_event(
            worker,
            slot,
            volume.is_some(),
            "Normal",
            "Pulling",
            &format!("Pulling image \"{image}\""),
            ctx,
        );
        let base = ctx.latencies.image_pull_base;
        let wait = match ctx.network.registry.pull(&reference) {
            // What is there already is only compared.
            Ok(found) if self.runtime.image(&reference).is_some_and(|kept| kept.digest == found.digest) => base / 2,
            // Another pod's pull brings it.
            Ok(_) if self.pulling.get(&reference.to_string()).is_some_and(|until| *until > ctx.now) => base / 2,
            Ok(found) => {
                let rate = ctx.latencies.image_bytes_per_second.max(1);
                base + Duration::from_micros(found.size.saturating_mul(1_000_000) / rate)
            }
            Err(_) => base,
        };
        let began = ctx.now.max(self.puller_free);
        let until = began + ctx.random.jitter(wait, 20);
        self.puller_free = until;
        self.pulling.retain(|_, until| *until > ctx.now);
        self.pulling.insert(reference.to_string(), until);
        starting.step = Step::Pulling { slot, volume, reference, asked: ctx.now, began, until };
    }

    /// Records an event about an image: the container's own, or that of a volume, which is the pod's.
    #[expect(clippy::too_many_arguments)]
    fn image_event(
        &mut self,
        worker: &Worker,
        slot: usize,
        of_volume: bool,
        kind: &str,
        reason: &str,
        message: &str,
        ctx: &mut Ctx<'_>,
    ) {
        if of_volume {
            self.pod_event(worker, kind, reason, message, ctx);
        } else {
            self.container_event(worker, slot, kind, reason, message, ctx);
        }
    }

    fn image_failed(&mut self, worker: &Worker, slot: usize, of_volume: bool, message: &str, ctx: &mut Ctx<'_>) {
        if !of_volume {
            self.container_event(worker, slot, "Warning", "Failed", message, ctx);
        }
    }

    #[expect(clippy::too_many_arguments)]
    fn pulled(
        &mut self,
        worker: &mut Worker,
        slot: usize,
        volume: Option<Str>,
        reference: &Reference,
        (asked, began): (Time, Time),
        starting: &mut Starting,
        ctx: &mut Ctx<'_>,
    ) {
        let (image, _) = image_of(worker, slot, volume.as_ref());
        match ctx.network.registry.pull(reference) {
            Ok(found) => {
                let millis = |since: Time| {
                    let millis = ctx.now.since(since).as_millis();
                    drydock_schema::duration::go(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
                };
                let message = format!(
                    "Successfully pulled image \"{image}\" in {} ({} including waiting). Image size: {} bytes.",
                    millis(began),
                    millis(asked),
                    found.size
                );
                self.image_event(worker, slot, volume.is_some(), "Normal", "Pulled", &message, ctx);
                self.runtime.keep_image(reference, found);
                image_there(slot, volume, starting, ctx);
            }
            Err(failure) => {
                let why = failure.to_string();
                let message = format!("Failed to pull image \"{image}\": {why}");
                self.image_event(worker, slot, volume.is_some(), "Warning", "Failed", &message, ctx);
                self.image_failed(worker, slot, volume.is_some(), "Error: ErrImagePull", ctx);
                let (backoff, last) = worker.image_backoffs.entry(image).or_insert((Backoff::default(), String::new()));
                backoff.next(ctx.now, ctx.now);
                last.clone_from(&why);
                self.fail(worker, slot, ("ErrImagePull", why), None, starting);
            }
        }
    }

    fn create_container(&mut self, worker: &mut Worker, slot: usize, starting: &mut Starting, ctx: &mut Ctx<'_>) {
        let spec = worker.spec(slot).clone();
        let Some(sandbox) = worker.sandbox else { return };
        let image =
            Reference::parse(spec["image"].str()).ok().and_then(|reference| self.runtime.image(&reference).cloned());
        let Some(image) = image else { return };
        let hostname = self.runtime.sandbox(sandbox).map(|sandbox| sandbox.hostname.clone()).unwrap_or_default();
        let ip = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let look = Look {
            pod: &worker.pod,
            id: worker.id,
            ip: &ip,
            node: &self.config,
            informers: ctx.informers,
            now: ctx.now,
            tokens: Default::default(),
        };
        let file =
            |volume: &str, path: &str| self.runtime.volume_text(&VolumeId { pod: look.id, name: volume.into() }, path);
        match config::container(&look, &spec, &image, &hostname, &file) {
            Ok(made) => {
                let place = &mut worker.slots[slot];
                let number = self.runtime.create(worker.id, sandbox, image, made, place.made);
                if let Some(oldest) = std::mem::replace(&mut place.previous, place.current.replace(number)) {
                    self.runtime.remove(oldest);
                }
                place.made += 1;
                place.image = spec["image"].str().into();
                place.waiting = None;
                self.container_event(worker, slot, "Normal", "Created", "Container created", ctx);
                starting.acted = true;
                starting.step = Step::Starting(slot, number, ctx.now + ctx.latencies.container_start);
            }
            Err(why) => {
                self.container_event(worker, slot, "Warning", "Failed", &format!("Error: {why}"), ctx);
                self.fail(worker, slot, ("CreateContainerConfigError", why), None, starting);
            }
        }
    }

    fn start_container(
        &mut self,
        worker: &mut Worker,
        slot: usize,
        number: u64,
        starting: &mut Starting,
        ctx: &mut Ctx<'_>,
    ) {
        // What sleeps until somebody asks gets its token then.
        let asleep = |container: &crate::runtime::Container| {
            let own = |path: &str| path.starts_with("/var/run/secrets/kubernetes.io/");
            container.dormant_by_nature() && container.config.mounts.iter().all(|mount| own(&mount.path))
        };
        if !self.runtime.container(number).is_some_and(asleep) {
            self.write_volumes(worker, number, ctx);
        }
        // What it was put there to look at must be there.
        let target = self.runtime.container(number).and_then(|container| container.config.target.clone());
        let looked_at =
            worker.slots.iter().find(|slot| Some(&slot.name) == target.as_ref()).and_then(|slot| slot.current);
        if let Some(looked_at) = looked_at {
            self.awaken(worker, looked_at, ctx);
        }
        if let Err(why) = self.runtime.start(number, ctx) {
            self.container_event(worker, slot, "Warning", "Failed", &format!("Error: {why}"), ctx);
            return self.fail(worker, slot, ("RunContainerError", why), None, starting);
        }
        self.container_event(worker, slot, "Normal", "Started", "Container started", ctx);
        self.tell_part(&worker.pod, &worker.slots[slot].name, true, ctx);
        let hook = worker.spec(slot)["lifecycle"]["postStart"].clone();
        if !hook.is_null() {
            worker.slots[slot].hook_running = true;
            let token = Token::PostStart(worker.id, slot as u16);
            let hook = self.begin_hook(worker, slot, number, &hook, token, ctx);
            starting.step = Step::Hook(slot, number, hook);
        }
    }

    fn hook_done(
        &mut self,
        worker: &mut Worker,
        slot: usize,
        number: u64,
        good: bool,
        starting: &mut Starting,
        ctx: &mut Ctx<'_>,
    ) {
        worker.slots[slot].hook_running = false;
        if good {
            return;
        }
        self.container_event(worker, slot, "Warning", "FailedPostStartHook", "PostStartHook failed", ctx);
        let why = "PostStartHook failed".to_owned();
        self.fail(worker, slot, ("PostStartHookError", why), None, starting);
        if self.runtime.container(number).is_some_and(|container| container.running()) {
            let told = self.tell(worker, slot, "FailedPostStartHook", None, ctx);
            let rest = Starting { step: Step::Next, ..starting.clone() };
            worker.doing = Doing::Killing(vec![told], Box::new(rest));
        }
    }

    // ---- hooks ----

    /// Begins a hook.
    pub(super) fn begin_hook(
        &mut self,
        worker: &Worker,
        slot: usize,
        number: u64,
        hook: &Value,
        token: Token,
        ctx: &mut Ctx<'_>,
    ) -> Hook {
        if let Some(exec) = hook.get("exec") {
            let argv = exec["command"].items().iter().map(|word| word.str().to_owned()).collect();
            let sink = Sink::Kubelet { token, output: Vec::new() };
            self.awaken(worker, number, ctx);
            return match self.runtime.exec(number, Exec { argv, ..Exec::default() }, sink, ctx) {
                Ok(session) => Hook::Exec(session),
                Err(_) => Hook::Done(false),
            };
        }
        if let Some(sleep) = hook.get("sleep") {
            return Hook::Sleep(ctx.now + Duration::from_secs(sleep["seconds"].int().max(0).unsigned_abs()));
        }
        let (action, http) = match hook.get("httpGet") {
            Some(action) => (action, true),
            None => (&hook["tcpSocket"], false),
        };
        let own = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let host = action["host"].as_str().filter(|host| !host.is_empty()).unwrap_or(&own).to_owned();
        let Some(port) = probes::port(worker.spec(slot), &action["port"]) else { return Hook::Done(false) };
        let place = worker.sandbox.and_then(|sandbox| self.runtime.sandbox(sandbox)).map(|sandbox| sandbox.place);
        // A hook may ask another pod than its own.
        let elsewhere = || host.parse().ok().and_then(|ip| ctx.network.place(ip));
        let Some(place) = (if host == own { place } else { elsewhere() }) else { return Hook::Done(false) };
        let wake = Event::Kubelet { node: self.node, wake: KubeletWake::Worker(worker.id) };
        let from = Place::Node(self.node);
        let target = Target { place, port };
        let socket = ctx.network.connect_to(from, kubelet_owner(worker.id), wake, target, ctx.now, ctx.queue);
        if http {
            let (_, request) = probes::get(action, &host, port);
            ctx.network.send_when_open(socket, request);
        }
        Hook::Http(socket, ctx.now + HOOK_TIMEOUT)
    }

    /// Looks how a hook goes. Whether it has moved.
    pub(super) fn watch_hook(&mut self, hook: Hook, ctx: &mut Ctx<'_>) -> (Hook, bool) {
        match hook {
            Hook::Sleep(until) if until <= ctx.now => (Hook::Done(true), true),
            Hook::Http(socket, until) => {
                let ended = match ctx.network.connected(socket, ctx.now) {
                    Some(Err(_)) => Some(false),
                    Some(Ok(())) => match ctx.network.recv(socket, ctx.now, ctx.queue) {
                        drydock_shell::Recv::Data(bytes) => {
                            let head = String::from_utf8_lossy(&bytes).into_owned();
                            let code = head.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()).unwrap_or(0);
                            Some((200..400).contains(&code))
                        }
                        drydock_shell::Recv::Pending => None,
                        _ => Some(false),
                    },
                    None => None,
                };
                let ended = if ended.is_none() && until <= ctx.now { Some(false) } else { ended };
                match ended {
                    Some(good) => {
                        ctx.network.close(socket, ctx.now, ctx.queue);
                        (Hook::Done(good), true)
                    }
                    None => (hook, false),
                }
            }
            hook => (hook, false),
        }
    }
}
