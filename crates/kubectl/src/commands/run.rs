//! `kubectl run`: one pod from an image, and (with `-i` or `--attach`) a seat at its console.
//!
//! Without attaching it is a generator like those of `create`. With it, [`Attached`] goes on: wait until the pod runs,
//! attach (or read the log, when it is over already), wait for its exit code, and remove it with `--rm`.

use drydock_sorted::SortedMap;

use drydock_schema::names;
use drydock_value::{Time, Value, value};

use super::create::GENERATOR;
use super::delete::Options;
use super::remote::Remote;
use super::{Outcome, Waiting, acts, attach, expose};
use crate::builder::{Found, Info};
use crate::change::podwatch::{PodWatch, Watched, print_log};
use crate::change::printing::Printing;
use crate::change::{deletion, generate, known_resource, overrides, podspec};
use crate::env::{Io, Wait};
use crate::failure::{Failure, quote};
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on. The last ones are left from old times: kubectl takes them and does nothing.
pub const FLAGS: &[&[&str]] = &[
    acts::PRINT,
    acts::WRITE,
    acts::NONE,
    GENERATOR,
    &[
        "annotations",
        "attach",
        "command",
        "env",
        "expose",
        "image",
        "image-pull-policy",
        "labels",
        "leave-stdin-open",
        "override-type",
        "overrides",
        "pod-running-timeout",
        "port",
        "privileged",
        "quiet",
        "restart",
        "rm",
        "stdin",
        "tty",
    ],
    &["cascade", "detach-keys", "filename", "force", "grace-period", "kustomize", "recursive", "timeout", "wait"],
];

/// `kubectl run`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    let attach = if inv.flags.given("attach") { inv.flags.bool("attach") } else { inv.flags.bool("stdin") };
    check(inv, attach, dry_run)?;
    deletion::propagation(inv, io)?;
    let name = inv.args.first().cloned().unwrap_or_default();
    let mut pod = pod(inv, &name)?;
    overrides::apply(inv, &mut pod)?;
    generate::in_namespace(inv, io, &mut pod)?;
    let pod = send_pod(inv, io, pod, dry_run)?;
    let mut created = vec![pod.clone()];
    let mut failures: Vec<Failure> = Vec::new();
    if inv.flags.bool("expose") {
        match service(inv, io, &name, dry_run) {
            Ok(service) => {
                printing.typed(io, &service, "created")?;
                if inv.flags.str("output") == "yaml" {
                    io.println("---");
                }
                created.push(service);
            }
            Err(failure) => failures.push(failure),
        }
    }
    if attach {
        let timeout = inv.flags.duration("pod-running-timeout");
        let namespace = pod["metadata"]["namespace"].str().to_owned();
        return Ok(Outcome::Waiting(Box::new(Attached {
            inv: inv.clone(),
            created,
            watch: PodWatch::new(&namespace, pod["metadata"]["name"].str()),
            restart: pod["spec"]["restartPolicy"].str().to_owned(),
            deadline: io.now + timeout,
            stage: Stage::Starting,
        })));
    }
    printing.typed(io, &pod, "created")?;
    Failure::all(failures)?;
    Ok(Outcome::Done)
}

fn check(inv: &Invocation, attach: bool, dry_run: DryRun) -> Result<(), Failure> {
    let flags = &inv.flags;
    if inv.args.is_empty() || inv.dash == Some(0) {
        return Err(inv.usage("NAME is required for run"));
    }
    let image = flags.str("image");
    if image.is_empty() {
        return Err("--image is required".into());
    }
    if !podspec::is_image(image) {
        return Err(format!("Invalid image name {}: invalid reference format", quote(image)).into());
    }
    if flags.bool("tty") && !flags.bool("stdin") {
        return Err(inv.usage("-i/--stdin is required for containers with -t/--tty=true"));
    }
    if flags.bool("expose") && flags.str("port").is_empty() {
        return Err(inv.usage("--port must be set when exposing a service"));
    }
    let restart = flags.str("restart");
    if !matches!(restart, "" | "Always" | "OnFailure" | "Never") {
        return Err(inv.usage(format!("invalid restart policy: {restart}")));
    }
    if !attach && flags.bool("rm") {
        return Err(inv.usage("--rm should only be used for attached containers"));
    }
    if attach && dry_run != DryRun::None {
        return Err(inv.usage(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    let policy = flags.str("image-pull-policy");
    if !matches!(policy, "" | "Always" | "IfNotPresent" | "Never") {
        return Err(inv.usage(format!("invalid image pull policy: {policy}")));
    }
    Ok(())
}

/// The pod that the flags ask for.
fn pod(inv: &Invocation, name: &str) -> Result<Value, Failure> {
    let flags = &inv.flags;
    let words = inv.args.get(1..).unwrap_or(&[]).to_vec();
    let labels = match flags.str("labels") {
        "" => value!({"run": name}),
        given => generate::labels(given)?,
    };
    let mut container = value!({"name": name, "image": flags.str("image"), "resources": {}});
    if !words.is_empty() {
        container.set(if flags.bool("command") { "command" } else { "args" }, words);
    }
    let env = flags.list("env").iter().map(|pair| variable(pair)).collect::<Result<Vec<_>, _>>()?;
    if !env.is_empty() {
        container.set("env", env);
    }
    if !flags.str("image-pull-policy").is_empty() {
        container.set("imagePullPolicy", flags.str("image-pull-policy"));
    }
    if !flags.str("port").is_empty() {
        let port = generate::atoi(flags.str("port"))?;
        container.set("ports", value!([{"containerPort": port}]));
    }
    if flags.bool("stdin") {
        container.set("stdin", true);
        if !flags.bool("leave-stdin-open") {
            container.set("stdinOnce", true);
        }
    }
    if flags.bool("tty") {
        container.set("tty", true);
    }
    if flags.bool("privileged") {
        container.set("securityContext", value!({"privileged": true}));
    }
    let restart = flags.non_empty("restart").unwrap_or("Always");
    let mut object = value!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart}, "status": {}
    });
    for annotation in flags.list("annotations") {
        let Some((key, value)) = annotation.split_once('=') else {
            return Err(format!("invalid annotations format: {annotation}").into());
        };
        object["metadata"]["annotations"].set(key, value);
    }
    Ok(object)
}

fn variable(pair: &str) -> Result<Value, Failure> {
    match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() && names::is_strict_env_var_name(name).is_empty() => {
            let mut variable = value!({"name": name});
            if !value.is_empty() {
                variable.set("value", value);
            }
            Ok(variable)
        }
        _ => Err(format!("invalid env: {pair}").into()),
    }
}

/// Sends the pod where pods go, whatever kind `--overrides` made of it.
fn send_pod(inv: &mut Invocation, io: &mut Io<'_>, pod: Value, dry_run: DryRun) -> Result<Value, Failure> {
    if dry_run == DryRun::Client || pod["kind"] == "Pod" {
        inv.mapper(io)?;
        return generate::send(inv, io, pod, dry_run);
    }
    inv.mapper(io)?;
    let pods = known_resource(inv, io, "", "pods")?;
    let namespace = inv.namespace(io)?;
    inv.client(io)?.create(io, &pods, &namespace, pod, &[dry_run.param()])
}

fn service(inv: &mut Invocation, io: &mut Io<'_>, name: &str, dry_run: DryRun) -> Result<Value, Failure> {
    let given = inv.flags.str("labels").to_owned();
    let labels = if given.is_empty() { Value::object() } else { generate::labels(&given)? };
    let selector = if given.is_empty() { value!({"run": name}) } else { labels.clone() };
    let port = inv.flags.str("port").to_owned();
    let mut service = expose::build(inv, name, labels, selector, &[port], &SortedMap::new())?;
    generate::in_namespace(inv, io, &mut service)?;
    generate::send(inv, io, service, dry_run)
}

/// What an attached run waits for.
#[derive(Clone)]
enum Stage {
    /// The pod to run (or to be over).
    Starting,
    /// The end of the session.
    Talking(Remote, Value),
    /// The pod to be over.
    Ending,
}

/// A pod that somebody is attached to.
#[derive(Clone)]
struct Attached {
    inv: Invocation,
    /// What `--rm` removes.
    created: Vec<Value>,
    watch: PodWatch,
    restart: String,
    deadline: Time,
    stage: Stage,
}

impl Waiting for Attached {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        match self.advance(io) {
            Ok(None) => {
                self.remove(io);
                Ok(Outcome::Done)
            }
            Ok(Some(wait)) => Ok(Outcome::Wait(wait)),
            Err(failure) => {
                self.watch.close(io);
                self.remove(io);
                Err(failure)
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        if let Stage::Talking(remote, _) = &mut self.stage {
            remote.interrupt(io);
        }
        self.watch.close(io);
        self.remove(io);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

impl Attached {
    /// Goes on; None when all is over.
    fn advance(&mut self, io: &mut Io<'_>) -> Result<Option<Wait>, Failure> {
        loop {
            match &mut self.stage {
                Stage::Starting => {
                    let ready = |pod: &Value, _: &mut Io<'_>| {
                        let condition = pod["status"]["conditions"].find("type", "Ready");
                        is_over(pod)
                            || (pod["status"]["phase"] == "Running" && condition.is_some_and(|c| c["status"] == "True"))
                    };
                    match self.watch.poll(&mut self.inv, io, Some(self.deadline), ready)? {
                        Watched::Wait(wait) => return Ok(Some(wait)),
                        Watched::Pod(pod) if is_over(&pod) => {
                            self.print_log(io, &pod)?;
                        }
                        Watched::Pod(pod) => self.attach(io, &pod)?,
                    }
                }
                Stage::Talking(remote, pod) => match remote.step(io) {
                    Ok(Outcome::Wait(wait)) => return Ok(Some(wait)),
                    // The exit code is read off the pod.
                    Ok(_) | Err(Failure::Code(..)) => self.end(io),
                    Err(failure) => {
                        let pod = std::mem::take(pod);
                        self.fall_back(io, &pod, &failure)?;
                    }
                },
                Stage::Ending => {
                    let wanted = match self.restart.as_str() {
                        "Never" => |pod: &Value| is_over(pod),
                        "OnFailure" => |pod: &Value| pod["status"]["phase"] == "Succeeded",
                        _ => return Ok(None),
                    };
                    if self.inv.flags.bool("leave-stdin-open") {
                        return Ok(None);
                    }
                    match self.watch.poll(&mut self.inv, io, Some(self.deadline), |pod, _| wanted(pod))? {
                        Watched::Wait(wait) => return Ok(Some(wait)),
                        Watched::Pod(pod) => return self.verdict(&pod).map(|()| None),
                    }
                }
            }
        }
    }

    fn end(&mut self, io: &mut Io<'_>) {
        self.deadline = io.now + self.inv.flags.duration("pod-running-timeout");
        self.stage = Stage::Ending;
    }

    fn attach(&mut self, io: &mut Io<'_>, pod: &Value) -> Result<(), Failure> {
        let quiet = self.inv.flags.bool("quiet");
        let container = pod["spec"]["containers"][0]["name"].str();
        let (stdin, tty) = (self.inv.flags.bool("stdin"), self.inv.flags.bool("tty"));
        match attach::attach(&mut self.inv, io, pod, container, stdin, tty, quiet) {
            Ok(remote) => self.stage = Stage::Talking(remote, pod.clone()),
            Err(failure) => self.fall_back(io, pod, &failure)?,
        }
        Ok(())
    }

    fn fall_back(&mut self, io: &mut Io<'_>, pod: &Value, failure: &Failure) -> Result<(), Failure> {
        let (name, words) = (&self.watch.name, failure.words());
        io.eprintln(format!("warning: couldn't attach to pod/{name}, falling back to streaming logs: {words}"));
        self.print_log(io, pod)
    }

    fn print_log(&mut self, io: &mut Io<'_>, pod: &Value) -> Result<(), Failure> {
        print_log(&mut self.inv, io, pod, pod["spec"]["containers"][0]["name"].str())?;
        self.end(io);
        Ok(())
    }

    /// The end of the pod as an exit code.
    fn verdict(&self, pod: &Value) -> Result<(), Failure> {
        let (namespace, name) = (&self.watch.namespace, &self.watch.name);
        if pod["status"]["phase"] == "Succeeded" {
            return Ok(());
        }
        let terminated = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
        match i32::try_from(terminated["exitCode"].int()) {
            Ok(code) if code != 0 => {
                let (reason, message) = (terminated["reason"].str(), terminated["message"].str());
                Err(Failure::Code(format!("pod {namespace}/{name} terminated ({reason})\n{message}"), code))
            }
            _ => Err(format!("pod {namespace}/{name} failed with unknown exit code").into()),
        }
    }

    /// Removes what was made, when `--rm` asks for it.
    fn remove(&mut self, io: &mut Io<'_>) {
        if !self.inv.flags.bool("rm") {
            return;
        }
        let options = Options {
            propagation: "Background",
            grace_period: -1,
            dry_run: DryRun::None,
            ignore_not_found: true,
            names: false,
            quiet: self.inv.flags.bool("quiet"),
            warn_cluster_scope: false,
        };
        for object in std::mem::take(&mut self.created) {
            let plural = if object["kind"] == "Service" { "services" } else { "pods" };
            let Ok(resource) = known_resource(&mut self.inv, io, "", plural) else { continue };
            let name = object["metadata"]["name"].str().to_owned();
            let info = Info { resource, namespace: self.watch.namespace.clone(), name, source: String::new(), object };
            // Who is told that the pod failed need not be told that it could not be removed either.
            options.delete(Found { items: vec![Ok(info)], ..Found::default() }, &mut self.inv, io).ok();
        }
    }
}

fn is_over(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}
