//! Probes: when they run, and what follows from them.

use std::net::Ipv4Addr;
use std::time::Duration;

use drydock_shell::SocketId;
use drydock_value::{Time, Value};

use super::answers::{REDIRECTS_MAX, Trouble, health, talk};
use super::worker::{Role, Worker};
use super::{Kubelet, KubeletWake};
use crate::ctx::Ctx;
use crate::network::{Address, Place, Protocol, Target};
use crate::queue::Event;
use crate::runtime::programs::http::Request;
use crate::runtime::start::Exec;
use crate::runtime::{Sink, Token};

/// What a probe is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Check {
    Startup,
    Liveness,
    Readiness,
}

impl Check {
    fn field(self) -> &'static str {
        match self {
            Check::Startup => "startupProbe",
            Check::Liveness => "livenessProbe",
            Check::Readiness => "readinessProbe",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Check::Startup => "Startup",
            Check::Liveness => "Liveness",
            Check::Readiness => "Readiness",
        }
    }
}

/// What a probe has found about a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verdict {
    Success,
    Failure,
    Unknown,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Attempt {
    /// A process in the container: which container, which session.
    Exec(u64, u64),
    /// A connection; for HTTP with what is to be sent, what came back, and how often it was led elsewhere.
    Connection { socket: SocketId, request: Option<Vec<u8>>, sent: bool, inbox: Vec<u8>, moves: usize },
}

/// A probe of a container.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Of which container.
    pub slot: usize,
    /// What for.
    pub check: Check,
    /// The container that the verdict is about.
    container: Option<u64>,
    verdict: Verdict,
    last: Option<bool>,
    run: u32,
    /// How often it went badly, and well.
    counts: [u32; 2],
    /// No more probes of this container: it is to be ended.
    on_hold: bool,
    /// The next tick.
    next: Time,
    /// The moment for which a wake is queued.
    armed: Time,
    attempt: Option<(Attempt, Time)>,
}

impl Worker {
    /// What a probe has found about the container that runs now; none when there is no such probe.
    pub fn verdict_of(&self, slot: usize, check: Check) -> Option<Verdict> {
        let probe = self.probes.iter().find(|probe| probe.slot == slot && probe.check == check)?;
        let current = self.slots.get(slot)?.current;
        Some(if probe.container.is_some() && probe.container == current { probe.verdict } else { check.initial() })
    }

    /// Whether a running container has started, as its startup probe sees it.
    pub fn started(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|slot| !slot.hook_running)
            && self.verdict_of(slot, Check::Startup).is_none_or(|verdict| verdict == Verdict::Success)
    }

    /// Whether a running container is ready.
    pub fn ready(&self, slot: usize) -> bool {
        self.started(slot) && self.verdict_of(slot, Check::Readiness).is_none_or(|verdict| verdict == Verdict::Success)
    }

    /// Makes the probes that the spec has.
    pub fn take_probes(&mut self) {
        for slot in 0..self.slots.len() {
            if matches!(self.slots[slot].role, Role::Init | Role::Ephemeral) {
                continue;
            }
            for check in [Check::Startup, Check::Liveness, Check::Readiness] {
                let known = self.probes.iter().any(|probe| probe.slot == slot && probe.check == check);
                if self.spec(slot).get(check.field()).is_some() && !known {
                    self.probes.push(Probe {
                        slot,
                        check,
                        container: None,
                        verdict: check.initial(),
                        last: None,
                        run: 0,
                        counts: [0; 2],
                        on_hold: false,
                        next: Time::NEVER,
                        armed: Time::NEVER,
                        attempt: None,
                    });
                }
            }
        }
    }
}

impl Check {
    fn initial(self) -> Verdict {
        match self {
            Check::Startup => Verdict::Unknown,
            Check::Liveness => Verdict::Success,
            Check::Readiness => Verdict::Failure,
        }
    }
}

fn seconds(spec: &Value, field: &str, default: i64) -> u64 {
    spec[field].as_i64().filter(|value| *value > 0).unwrap_or(default).unsigned_abs()
}

/// The port of a probe or hook: a number, or a name among the container's ports.
pub fn port(container: &Value, port: &Value) -> Option<u16> {
    let number = match port.as_i64() {
        Some(number) => number,
        None => {
            let named = container["ports"].find("name", port.str()).map(|port| port["containerPort"].int());
            named.or_else(|| port.str().parse().ok())?
        }
    };
    u16::try_from(number).ok().filter(|number| *number != 0)
}

/// A `GET` as the kubelet sends it.
pub fn get(spec: &Value, host: &str, port: u16) -> (String, Vec<u8>) {
    let path = match spec["path"].str() {
        "" => "/".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("/{path}"),
    };
    let scheme = spec["scheme"].as_str().unwrap_or("HTTP").to_lowercase();
    let mut headers: Vec<(String, String)> = spec["httpHeaders"]
        .items()
        .iter()
        .map(|header| (header["name"].str().to_owned(), header["value"].str().to_owned()))
        .collect();
    let given =
        |name: &str, headers: &[(String, String)]| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    for (name, value) in [
        ("Host", format!("{host}:{port}")),
        ("User-Agent", "kube-probe/1.36".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Connection", "close".to_owned()),
    ] {
        if !given(name, &headers) {
            headers.push((name.to_owned(), value));
        }
    }
    let request =
        Request { method: "GET".into(), target: path.clone(), version: "HTTP/1.1".into(), headers, body: Vec::new() };
    (format!("{scheme}://{host}:{port}{path}"), request.encode())
}

impl Kubelet {
    /// Lets the probes begin of containers that have come up, and asks at once for the readiness of those that are not
    /// ready.
    pub(super) fn tend_probes(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        if worker.ending() && worker.probes.iter().all(|probe| probe.check != Check::Readiness) {
            return;
        }
        for index in 0..worker.probes.len() {
            let slot = worker.probes[index].slot;
            let current = worker.slots.get(slot).and_then(|slot| slot.current);
            let Some(container) = current.and_then(|number| self.runtime.container(number)) else { continue };
            if !container.running() || worker.slots[slot].hook_running {
                continue;
            }
            let started = container.started;
            let spec = worker.spec(slot)[worker.probes[index].check.field()].clone();
            let probe = &mut worker.probes[index];
            if probe.container != current {
                probe.container = current;
                probe.verdict = probe.check.initial();
                (probe.on_hold, probe.last, probe.run) = (false, None, 0);
                // The ticks go on from the moment at which the pod came; the initial delay lets some pass.
                let period = seconds(&spec, "periodSeconds", 10) * 1_000_000;
                let anchor = worker.started.unwrap_or(started).0;
                let from =
                    ctx.now.max(started + Duration::from_secs(spec["initialDelaySeconds"].int().max(0).unsigned_abs()));
                let ticks = from.0.saturating_sub(anchor).div_ceil(period);
                probe.next = Time(anchor + ticks * period);
            }
            let delayed =
                ctx.now < started + Duration::from_secs(spec["initialDelaySeconds"].int().max(0).unsigned_abs());
            let at_once = probe.check == Check::Readiness && probe.verdict != Verdict::Success && !delayed;
            let idle = probe.attempt.is_none();
            if at_once && idle && worker.started(slot) {
                self.probe(worker, index, ctx);
            }
            self.arm_probe(worker, index, ctx);
        }
    }

    fn arm_probe(&mut self, worker: &mut Worker, index: usize, ctx: &mut Ctx<'_>) {
        let Some(probe) = worker.probes.get_mut(index) else { return };
        let at = probe.attempt.as_ref().map_or(probe.next, |(_, until)| (*until).min(probe.next));
        if at == Time::NEVER || (probe.armed > ctx.now && probe.armed <= at) {
            return;
        }
        probe.armed = at;
        let wake = KubeletWake::Probe(worker.id, index as u16);
        ctx.queue.at(at, Event::Kubelet { node: self.node, wake });
    }

    /// A probe's wake: its tick, news on its connection, or the end of its time.
    pub(super) fn wake_probe(&mut self, worker: &mut Worker, index: usize, ctx: &mut Ctx<'_>) {
        let Some(probe) = worker.probes.get_mut(index) else { return };
        if probe.armed <= ctx.now {
            probe.armed = Time::NEVER;
        }
        if probe.attempt.is_some() {
            self.watch_attempt(worker, index, ctx);
        }
        let Some(probe) = worker.probes.get_mut(index) else { return };
        if probe.next <= ctx.now {
            self.tick(worker, index, ctx);
        }
        self.arm_probe(worker, index, ctx);
    }

    fn tick(&mut self, worker: &mut Worker, index: usize, ctx: &mut Ctx<'_>) {
        let (slot, check) = (worker.probes[index].slot, worker.probes[index].check);
        let period = Duration::from_secs(seconds(&worker.spec(slot)[check.field()], "periodSeconds", 10));
        let current = worker.slots.get(slot).and_then(|slot| slot.current);
        let running = current.and_then(|number| self.runtime.container(number)).is_some_and(|c| c.running());
        let started = worker.started(slot);
        let over = matches!(worker.stage, super::worker::Stage::Over);
        let ending = worker.ending();
        let probe = &mut worker.probes[index];
        while probe.next <= ctx.now {
            probe.next = probe.next + period;
        }
        if over || (!running && probe.attempt.is_none()) || (ending && check != Check::Readiness) {
            // It ticks again when a container runs.
            probe.next = Time::NEVER;
            return;
        }
        // Once a container has started, its startup probe has nothing more to do; before, the others have not.
        let wanted = if check == Check::Startup { !started } else { started };
        if check == Check::Startup && started {
            probe.next = Time::NEVER;
        }
        if wanted && !probe.on_hold && probe.attempt.is_none() && probe.container == current {
            self.probe(worker, index, ctx);
        }
    }

    /// Begins a probe.
    fn probe(&mut self, worker: &mut Worker, index: usize, ctx: &mut Ctx<'_>) {
        let (slot, check) = (worker.probes[index].slot, worker.probes[index].check);
        let spec = worker.spec(slot)[check.field()].clone();
        let container = worker.spec(slot).clone();
        let until = ctx.now + Duration::from_secs(seconds(&spec, "timeoutSeconds", 1));
        let Some(number) = worker.slots.get(slot).and_then(|slot| slot.current) else { return };
        if let Some(exec) = spec.get("exec") {
            let argv = exec["command"].items().iter().map(|word| word.str().to_owned()).collect();
            let sink = Sink::Kubelet { token: Token::Probe(worker.id, index as u16), output: Vec::new() };
            self.awaken(worker, number, ctx);
            match self.runtime.exec(number, Exec { argv, ..Exec::default() }, sink, ctx) {
                Ok(session) => worker.probes[index].attempt = Some((Attempt::Exec(number, session), until)),
                Err(why) => {
                    let why = format!("rpc error: code = Unknown desc = {why}");
                    self.errored(worker, slot, check, &why, ctx);
                }
            }
            return;
        }
        let (action, http) = match (spec.get("httpGet"), spec.get("tcpSocket"), spec.get("grpc")) {
            (Some(action), _, _) => (action, true),
            (_, Some(action), _) | (_, _, Some(action)) => (action, false),
            _ => return,
        };
        let Some(port) = port(&container, &action["port"]) else {
            let why = format!("strconv.Atoi: parsing {:?}: invalid syntax", action["port"].str());
            return self.errored(worker, slot, check, &why, ctx);
        };
        let wake = Event::Kubelet { node: self.node, wake: KubeletWake::Probe(worker.id, index as u16) };
        let own = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let host = action["host"].as_str().filter(|host| !host.is_empty()).unwrap_or(&own).to_owned();
        let request = match spec.get("grpc") {
            Some(action) => Some(health(action, &host, port)),
            None => http.then(|| get(action, &host, port).1),
        };
        let socket = match self.dial_probe(worker, (&host, port), wake, ctx) {
            Some(Ok(socket)) => socket,
            Some(Err(why)) => {
                let why = if http { format!("Get \"{}\": {why}", get(action, &host, port).0) } else { why };
                return self.judge(worker, index, Err(why), ctx);
            }
            None => return,
        };
        worker.probes[index].attempt =
            Some((Attempt::Connection { socket, request, sent: false, inbox: Vec::new(), moves: 0 }, until));
    }

    /// Begins a probe's connection: to the pod itself, or to where it says.
    fn dial_probe(
        &mut self,
        worker: &Worker,
        (host, port): (&str, u16),
        wake: Event,
        ctx: &mut Ctx<'_>,
    ) -> Option<Result<SocketId, String>> {
        let own = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let from = Place::Node(self.node);
        if host == own {
            let place =
                worker.sandbox.and_then(|sandbox| self.runtime.sandbox(sandbox)).map_or(from, |sandbox| sandbox.place);
            let owner = super::kubelet_owner(worker.id);
            return Some(Ok(ctx.network.connect_to(from, owner, wake, Target { place, port }, ctx.now, ctx.queue)));
        }
        let ip = if host == "localhost" { Ok(Ipv4Addr::LOCALHOST) } else { host.parse() };
        let Ok(ip) = ip else {
            // Machines ask their own resolver, which knows nothing of the cluster.
            return Some(Err(format!("dial tcp: lookup {host} on 192.168.49.1:53: no such host")));
        };
        let mut world = crate::network::sockets::World {
            now: ctx.now,
            queue: ctx.queue,
            informers: ctx.informers,
            random: ctx.random,
        };
        let to = Address { ip, port, protocol: Protocol::Tcp };
        ctx.network.connect(from, super::kubelet_owner(worker.id), wake, to, &mut world).ok().map(Ok)
    }

    /// A probe could not be made: nothing follows but an event.
    fn errored(&mut self, worker: &mut Worker, slot: usize, check: Check, why: &str, ctx: &mut Ctx<'_>) {
        let message = format!("{} probe errored and resulted in unknown state: {why}", check.word());
        self.container_event(worker, slot, "Warning", "Unhealthy", &message, ctx);
    }

    /// Looks how a probe goes.
    fn watch_attempt(&mut self, worker: &mut Worker, index: usize, ctx: &mut Ctx<'_>) {
        let Some((mut attempt, until)) = worker.probes[index].attempt.take() else { return };
        let (slot, check) = (worker.probes[index].slot, worker.probes[index].check);
        let spec = worker.spec(slot)[check.field()].clone();
        let result = match &mut attempt {
            Attempt::Exec(container, session) if ctx.now >= until => {
                self.runtime.kill_session(*container, *session, ctx);
                let command: Vec<&str> = spec["exec"]["command"].items().iter().map(Value::str).collect();
                let timeout = seconds(&spec, "timeoutSeconds", 1);
                Some(Err(format!("command timed out: \"{}\" timed out after {timeout}s", command.join(" "))))
            }
            Attempt::Exec(..) => None,
            Attempt::Connection { socket, request, sent, inbox, moves } => {
                let socket = *socket;
                let result = match talk(&spec, socket, request.as_deref(), sent, inbox, ctx) {
                    // gRPC's client goes on trying to connect until its time is over.
                    Some(Err(Trouble::Net(_))) if spec.get("grpc").is_some() && ctx.now < until => None,
                    Some(Err(Trouble::Moved(place, body))) => {
                        ctx.network.close(socket, ctx.now, ctx.queue);
                        return self.follow(worker, index, (&place, &body, *moves + 1), until, ctx);
                    }
                    result => result,
                };
                let result = result.map(|result| {
                    result.map_err(|why| match why {
                        Trouble::Answer(code) => format!("HTTP probe failed with statuscode: {code}"),
                        Trouble::Net(what) => self.describe(worker, slot, &spec, &what, ctx, socket),
                        Trouble::Said(why) | Trouble::Moved(why, _) => why,
                    })
                });
                let result = match result {
                    None if ctx.now >= until => {
                        let what = if request.is_some() {
                            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                        } else {
                            "i/o timeout"
                        };
                        Some(Err(self.describe(worker, slot, &spec, what, ctx, socket)))
                    }
                    result => result,
                };
                if result.is_some() {
                    ctx.network.close(socket, ctx.now, ctx.queue);
                }
                result
            }
        };
        match result {
            None => worker.probes[index].attempt = Some((attempt, until)),
            Some(result) => self.judge(worker, index, result, ctx),
        }
    }

    /// Asks where an answer leads to, as long as it is the same host; any other is not asked, and told of.
    fn follow(
        &mut self,
        worker: &mut Worker,
        index: usize,
        (place, body, moves): (&str, &str, usize),
        until: Time,
        ctx: &mut Ctx<'_>,
    ) {
        let (slot, check) = (worker.probes[index].slot, worker.probes[index].check);
        let container = worker.spec(slot).clone();
        let mut action = container[check.field()]["httpGet"].clone();
        let own = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
        let host = action["host"].as_str().filter(|host| !host.is_empty()).unwrap_or(&own).to_owned();
        let first = port(&container, &action["port"]).unwrap_or(80);
        let (there, number, path) = match place.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let usual = if scheme == "https" { 443 } else { 80 };
                let (name, number) = authority.rsplit_once(':').unwrap_or((authority, ""));
                (name.to_owned(), number.parse().unwrap_or(usual), format!("/{path}"))
            }
            None if place.starts_with('/') => (host.clone(), first, place.to_owned()),
            None => {
                let asked = action["path"].str();
                let folder = asked.rsplit_once('/').map_or("", |(folder, _)| folder);
                (host.clone(), first, format!("{folder}/{place}"))
            }
        };
        if there != host {
            let message = format!("{} probe warning: Probe terminated redirects, Response body: {body}", check.word());
            self.container_event(worker, slot, "Warning", "ProbeWarning", &message, ctx);
            return self.judge(worker, index, Ok(()), ctx);
        }
        if moves >= REDIRECTS_MAX {
            let why = format!("Get {place:?}: stopped after {REDIRECTS_MAX} redirects");
            return self.judge(worker, index, Err(why), ctx);
        }
        action.set("path", path);
        let wake = Event::Kubelet { node: self.node, wake: KubeletWake::Probe(worker.id, index as u16) };
        match self.dial_probe(worker, (&there, number), wake, ctx) {
            Some(Ok(socket)) => {
                let request = Some(get(&action, &there, number).1);
                worker.probes[index].attempt =
                    Some((Attempt::Connection { socket, request, sent: false, inbox: Vec::new(), moves }, until));
            }
            Some(Err(why)) => self.judge(worker, index, Err(why), ctx),
            None => {}
        }
    }

    /// What went wrong with a connection, as Go's clients say it.
    fn describe(
        &self,
        worker: &Worker,
        slot: usize,
        spec: &Value,
        what: &str,
        ctx: &Ctx<'_>,
        socket: SocketId,
    ) -> String {
        let remote = ctx.network.ends(socket).map(|(_, (ip, port))| format!("{ip}:{port}")).unwrap_or_default();
        let dial = |what: &str| match what {
            "refused" => format!("dial tcp {remote}: connect: connection refused"),
            "unreachable" => format!("dial tcp {remote}: connect: no route to host"),
            "i/o timeout" => format!("dial tcp {remote}: i/o timeout"),
            what => what.to_owned(),
        };
        match spec.get("httpGet") {
            Some(action) => {
                let own = worker.ip.map(|ip| ip.to_string()).unwrap_or_default();
                let host = action["host"].as_str().filter(|host| !host.is_empty()).unwrap_or(&own).to_owned();
                let port = port(worker.spec(slot), &action["port"]).unwrap_or(0);
                let (url, _) = get(action, &host, port);
                format!("Get \"{url}\": {}", dial(what))
            }
            None if spec.get("grpc").is_some() => {
                let timeout = seconds(spec, "timeoutSeconds", 1);
                format!("timeout: failed to connect service \"{remote}\" within {timeout}s: context deadline exceeded")
            }
            None => dial(what),
        }
    }

    /// The process of an exec probe has ended.
    pub(super) fn probe_finished(
        &mut self,
        worker: &mut Worker,
        index: usize,
        code: i32,
        output: &[u8],
        ctx: &mut Ctx<'_>,
    ) {
        let Some(probe) = worker.probes.get_mut(index) else { return };
        if !matches!(probe.attempt, Some((Attempt::Exec(..), _))) {
            return;
        }
        probe.attempt = None;
        let result = if code == 0 { Ok(()) } else { Err(String::from_utf8_lossy(output).into_owned()) };
        self.judge(worker, index, result, ctx);
        self.arm_probe(worker, index, ctx);
    }

    /// Takes a probe's result, and what follows from it once there were enough of the same kind.
    /// How often the probes of a pod went how: container, what for, result, count.
    pub(super) fn probe_counts(&self, worker: &Worker) -> Vec<(drydock_value::Str, &'static str, &'static str, u32)> {
        let of = |probe: &Probe| {
            let name = worker.slots.get(probe.slot).map(|slot| slot.name.clone()).unwrap_or_default();
            let [failed, successful] = probe.counts;
            let word = probe.check.word();
            [(name.clone(), word, "failed", failed), (name, word, "successful", successful)]
        };
        worker.probes.iter().flat_map(of).filter(|(.., count)| *count > 0).collect()
    }

    fn judge(&mut self, worker: &mut Worker, index: usize, result: Result<(), String>, ctx: &mut Ctx<'_>) {
        let (slot, check) = (worker.probes[index].slot, worker.probes[index].check);
        let current = worker.slots.get(slot).and_then(|slot| slot.current);
        if worker.probes[index].container != current {
            return;
        }
        if let Err(output) = &result {
            let message = format!("{} probe failed: {output}", check.word());
            self.container_event(worker, slot, "Warning", "Unhealthy", &message, ctx);
        }
        let spec = worker.spec(slot)[check.field()].clone();
        let good = result.is_ok();
        let probe = &mut worker.probes[index];
        probe.counts[usize::from(good)] += 1;
        probe.run = if probe.last == Some(good) { probe.run + 1 } else { 1 };
        probe.last = Some(good);
        let threshold =
            if good { seconds(&spec, "successThreshold", 1) } else { seconds(&spec, "failureThreshold", 3) };
        if u64::from(probe.run) < threshold {
            return;
        }
        let verdict = if good { Verdict::Success } else { Verdict::Failure };
        let changed = probe.verdict != verdict;
        probe.verdict = verdict;
        if !good && check != Check::Readiness {
            probe.on_hold = true;
            probe.run = 0;
        }
        if changed {
            worker.dirty |= !worker.ending();
            self.report(worker, ctx);
        }
    }
}
