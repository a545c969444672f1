//! `kubectl debug`: a container added to a running pod, a changed copy of a pod, or a pod on a node; and a seat at its
//! console with `-i`.

mod profiles;

use std::collections::VecDeque;

use drydock_api::{Body, Status};
use drydock_value::{Value, value};

use super::remote::Remote;
use super::{Outcome, Waiting, acts, attach};
use crate::builder::{self, Info, Query};
use crate::change::podwatch::{PodWatch, Watched, print_log};
use crate::change::{deletion, generate, known_resource, patching, podspec};
use crate::client::patch_type;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::{DryRun, Invocation};
use crate::{pods, text};
use profiles::{Profile, Style, container};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::EVERY];

/// `kubectl debug`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let profile = Profile::of(inv)?;
    let custom = custom(inv, io)?;
    check(inv, io)?;
    if let Some(custom) = &custom
        && ["name", "command", "image", "lifecycle", "volumeDevices"].iter().any(|field| !custom[*field].is_empty())
    {
        return Err("name, command, image, lifecycle and volume devices are not modifiable via custom profile".into());
    }
    if profile == Profile::Legacy {
        io.eprintln("--profile=legacy is deprecated and planned to be removed in v1.39. It is recommended to specify other profile, for example \"--profile=general\".");
    }
    let names = builder::of_type("pods", inv.split_at_dash().0);
    let mut query = Query::new(inv, io, &names)?;
    query.continue_on_error = false;
    let found = builder::find(&query, inv, io)?;
    let attach = if inv.flags.given("attach") { inv.flags.bool("attach") } else { inv.flags.bool("stdin") };
    let mut debugging = Debugging {
        inv: inv.clone(),
        profile,
        custom,
        attach,
        left: found.items.into_iter().collect(),
        stage: Stage::Next,
    };
    match debugging.step(io)? {
        Outcome::Wait(_) => Ok(Outcome::Waiting(Box::new(debugging))),
        other => Ok(other),
    }
}

fn custom(inv: &Invocation, io: &mut Io<'_>) -> Result<Option<Value>, Failure> {
    let path = inv.flags.str("custom");
    if path.is_empty() {
        return Ok(None);
    }
    let bytes = inv
        .read_file(io, path)
        .map_err(|failure| failure.context("must pass a container spec json file for custom profile"))?;
    let invalid = |why: String| Failure::Error(format!("{path} does not contain a valid container spec: {why}"));
    let documents = text::parse_yaml(&String::from_utf8_lossy(&bytes)).map_err(|error| invalid(error.to_string()))?;
    let custom = documents.into_iter().next().unwrap_or_default();
    let kind = match &custom {
        Value::Object(_) | Value::Null => return Ok(Some(custom)),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    Err(invalid(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type v1.Container"
    )))
}

fn check(inv: &Invocation, io: &mut Io<'_>) -> Result<(), Failure> {
    let flags = &inv.flags;
    let (names, command) = inv.split_at_dash();
    let image = flags.str("image");
    let no_image = image.is_empty();
    let no_container = flags.str("container").is_empty();
    if flags.bool("attach") && no_image && no_container {
        return Err("you must specify --container or create a new container using --image in order to attach.".into());
    }
    let images = flags.list("set-image");
    if flags.str("copy-to").is_empty() {
        let words = if flags.bool("replace") {
            "--replace may only be used with --copy-to."
        } else if flags.bool("same-node") {
            "--same-node may only be used with --copy-to."
        } else if !images.is_empty() {
            "--set-image may only be used with --copy-to."
        } else if no_image {
            "you must specify --image when not using --copy-to."
        } else {
            ""
        };
        if !words.is_empty() {
            return Err(words.into());
        }
    } else if no_image && images.is_empty() && command.is_empty() {
        return Err("you must specify --image, --set-image or command arguments.".into());
    } else if no_image && no_container && !command.is_empty() {
        return Err("you must specify an existing container or a new image when specifying args.".into());
    }
    if !no_image && !podspec::is_image(image) {
        return Err(format!("invalid image name {}: invalid reference format", quote(image)).into());
    }
    if names.is_empty() && flags.list("filename").is_empty() {
        return Err("NAME or filename is required for debug".into());
    }
    let policy = flags.str("image-pull-policy");
    if !matches!(policy, "" | "Always" | "IfNotPresent" | "Never") {
        return Err(format!("invalid image pull policy: {policy}").into());
    }
    for (name, image) in images.iter().filter_map(|pair| pair.split_once('=')) {
        if !podspec::is_image(image) {
            let (image, name) = (quote(image), quote(name));
            return Err(format!("invalid image name {image} for container {name}: invalid reference format").into());
        }
    }
    let target = flags.str("target");
    if !target.is_empty() {
        if !flags.str("copy-to").is_empty() {
            return Err("--target is incompatible with --copy-to. Use --share-processes instead.".into());
        }
        if !flags.bool("quiet") {
            io.println(format!("Targeting container {}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.", quote(target)));
        }
    }
    if flags.bool("tty") && !flags.bool("stdin") {
        return Err("-i/--stdin is required for containers with -t/--tty=true".into());
    }
    Ok(())
}

#[derive(Clone)]
enum Stage {
    /// The next object.
    Next,
    /// For the container in it to run.
    Starting(PodWatch, String),
    /// The end of the session at a pod's container.
    Talking(Remote, Value, String),
}

/// Objects being debugged, one after the other.
#[derive(Clone)]
struct Debugging {
    inv: Invocation,
    profile: Profile,
    custom: Option<Value>,
    attach: bool,
    left: VecDeque<Result<Info, Failure>>,
    stage: Stage,
}

impl Waiting for Debugging {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            match &mut self.stage {
                Stage::Next => {
                    let Some(info) = self.left.pop_front() else { return Ok(Outcome::Done) };
                    let (pod, name) = self.start(io, &info?)?;
                    if self.attach && !name.is_empty() {
                        let metadata = &pod["metadata"];
                        let watch = PodWatch::new(metadata["namespace"].str(), metadata["name"].str());
                        self.stage = Stage::Starting(watch, name);
                    }
                }
                Stage::Starting(watch, name) => {
                    let quiet = self.inv.flags.bool("quiet");
                    let started = |pod: &Value, io: &mut Io<'_>| {
                        let Some(state) = state(pod, name) else { return false };
                        let message = state["waiting"]["message"].str();
                        if !quiet && !message.is_empty() {
                            io.eprintln(format!("Warning: container {name}: {message}"));
                        }
                        !state["running"].is_null() || !state["terminated"].is_null()
                    };
                    match watch.poll(&mut self.inv, io, None, started)? {
                        Watched::Wait(wait) => return Ok(Outcome::Wait(wait)),
                        Watched::Pod(pod) => {
                            let name = std::mem::take(name);
                            self.talk(io, pod, name)?;
                        }
                    }
                }
                Stage::Talking(remote, pod, name) => match remote.step(io) {
                    Ok(Outcome::Wait(wait)) => return Ok(Outcome::Wait(wait)),
                    Ok(_) => self.stage = Stage::Next,
                    Err(failure) => {
                        let (pod, name) = (std::mem::take(pod), std::mem::take(name));
                        self.fall_back(io, &pod, &name, &failure)?;
                    }
                },
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        match &mut self.stage {
            Stage::Next => {}
            Stage::Starting(watch, _) => watch.close(io),
            Stage::Talking(remote, ..) => {
                remote.interrupt(io);
            }
        }
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

impl Debugging {
    /// Makes what one object is debugged with: the pod, and the name of the container in it.
    fn start(&mut self, io: &mut Io<'_>, info: &Info) -> Result<(Value, String), Failure> {
        match (info.resource.id.group.as_str(), info.resource.kind.as_str()) {
            ("", "Node") => self.on_node(io, &info.name),
            ("", "Pod") if self.inv.flags.str("copy-to").is_empty() => self.ephemeral(io, info),
            ("", "Pod") => self.copy(io, info),
            (group, kind) => {
                let version = &info.resource.id.version;
                Err(format!("{} not supported by debug", quote(&format!("{group}/{version}, Kind={kind}"))).into())
            }
        }
    }

    /// The new container, without what the profile adds.
    fn container(&self, name: &str) -> Value {
        let flags = &self.inv.flags;
        let mut container = value!({"name": name, "image": flags.str("image"), "resources": {}});
        container.set("terminationMessagePolicy", "File");
        self.fill(&mut container);
        container
    }

    /// What the flags say of the container.
    fn fill(&self, container: &mut Value) {
        let flags = &self.inv.flags;
        let command = self.inv.split_at_dash().1.to_vec();
        if !command.is_empty() && flags.bool("arguments-only") {
            container.set("args", command);
        } else if !command.is_empty() {
            container.set("command", command);
            container.remove("args");
        }
        let env = flags.list("env");
        let env: Vec<Value> = env
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| value!({"name": name, "value": value}))
            .collect();
        if !env.is_empty() {
            container.set("env", env);
        }
        for (flag, field) in [("image", "image"), ("image-pull-policy", "imagePullPolicy")] {
            if let Some(text) = flags.non_empty(flag) {
                container.set(field, text);
            }
        }
        for (flag, field) in [("stdin", "stdin"), ("tty", "tty")] {
            container.remove(field);
            if flags.bool(flag) {
                container.set(field, true);
            }
        }
    }

    /// Changes the pod as the profile and `--custom` want it.
    fn profiled(&self, pod: &mut Value, name: &str, style: Style) -> Result<(), Failure> {
        self.profile.apply(&self.inv, pod, name, style);
        let Some(custom) = &self.custom else { return Ok(()) };
        let Some(container) = container(pod, name) else { return Ok(()) };
        let mut custom = custom.clone();
        custom.set("name", name);
        let whole = value!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container.clone()]}});
        let change = value!({"spec": {"containers": [custom]}});
        let merged = patching::apply(patch_type::STRATEGIC, &whole, &change)
            .map_err(|error| format!("error creating three way patch to add debug container: {error}"))?;
        *container = merged["spec"]["containers"][0].clone();
        Ok(())
    }

    /// A name for the container, other than all that the pod has.
    fn name(&self, io: &mut Io<'_>, pod: &Value) -> String {
        if let Some(name) = self.inv.flags.non_empty("container") {
            return name.to_owned();
        }
        let mut name = String::new();
        while name.is_empty() || pods::container(pod, &name).is_some() {
            name = format!("debugger-{}", generate::random_name(io));
        }
        if !self.inv.flags.bool("quiet") {
            io.println(format!("Defaulting debug container name to {name}."));
        }
        name
    }

    fn ephemeral(&mut self, io: &mut Io<'_>, info: &Info) -> Result<(Value, String), Failure> {
        let pod = &info.object;
        let name = self.name(io, pod);
        let mut added = self.container(&name);
        if let Some(target) = self.inv.flags.non_empty("target") {
            added.set("targetContainerName", target);
        }
        let mut changed = pod.clone();
        changed["spec"]["ephemeralContainers"].push(added);
        self.profiled(&mut changed, &name, Style::Ephemeral)?;
        warn_of_user(io, &changed, changed["spec"]["ephemeralContainers"].items().last());
        let (content_type, patch) = patching::two_way(pod, &changed)
            .map_err(|error| format!("error creating patch to add debug container: {error}"))?;
        let target = format!("{}/ephemeralcontainers", info.name);
        let client = self.inv.client(io)?;
        let body = Body::Value(patch);
        let patched = client.patch(io, &info.resource, &info.namespace, &target, content_type, body, &[]);
        match patched {
            Ok(pod) => Ok((pod, name)),
            Err(Failure::Status(status)) if status.is("NotFound") && names_nothing(&status) => {
                let words = format!(
                    "ephemeral containers are disabled for this cluster (error from server: {})",
                    quote(&status.message)
                );
                Err(words.into())
            }
            Err(failure) => Err(failure),
        }
    }

    fn copy(&mut self, io: &mut Io<'_>, info: &Info) -> Result<(Value, String), Failure> {
        let (copy, name) = self.copied(io, &info.object)?;
        let container = copy["spec"]["containers"].find("name", &name);
        warn_of_user(io, &copy, container);
        let client = self.inv.client(io)?;
        let created = client.create(io, &info.resource, &info.namespace, copy, &[])?;
        if self.inv.flags.bool("replace") {
            let options = deletion::options("", 0, DryRun::None);
            self.inv.client(io)?.delete(io, &info.resource, &info.namespace, &info.name, options)?;
        }
        Ok((created, name))
    }

    /// The copy, and the name of the container to attach to (if any).
    fn copied(&self, io: &mut Io<'_>, pod: &Value) -> Result<(Value, String), Failure> {
        let flags = &self.inv.flags;
        let mut copy = value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": flags.str("copy-to")}});
        for field in ["namespace", "annotations", "labels"] {
            if let Some(value) = pod["metadata"].get(field) {
                copy["metadata"].set(field, value);
            }
        }
        let mut spec = pod["spec"].clone();
        spec.remove("ephemeralContainers");
        if flags.given("share-processes") {
            spec.set("shareProcessNamespace", flags.bool("share-processes"));
        }
        if !flags.bool("same-node") {
            spec.remove("nodeName");
        }
        let images = flags.list("set-image");
        let image_of = |wanted: &str| {
            images.iter().rev().filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == wanted)
        };
        for container in spec["containers"].items_mut() {
            if let Some((_, image)) = image_of(container["name"].str()).or_else(|| image_of("*")) {
                container.set("image", image);
            }
        }
        copy.set("spec", spec);
        let mut name = flags.str("container").to_owned();
        if let Some(container) = container(&mut copy, &name) {
            self.fill(container);
        } else {
            if flags.str("image").is_empty() {
                if !images.is_empty() {
                    return Ok((copy, String::new()));
                }
                return Err("you must specify image when creating new container".into());
            }
            name = self.name(io, &copy);
            copy["spec"]["containers"].push(self.container(&name));
        }
        self.profiled(&mut copy, &name, Style::Copy)?;
        Ok((copy, name))
    }

    fn on_node(&mut self, io: &mut Io<'_>, node: &str) -> Result<(Value, String), Failure> {
        let name = self.inv.flags.non_empty("container").unwrap_or("debugger").to_owned();
        let pod_name = format!("node-debugger-{node}-{}", generate::random_name(io));
        if !self.inv.flags.bool("quiet") {
            io.println(format!("Creating debugging pod {pod_name} with container {name} on node {node}."));
        }
        let container = self.container(&name);
        let mut pod = value!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod_name, "labels": {"app.kubernetes.io/managed-by": "kubectl-debug"}},
            "spec": {
                "containers": [container], "nodeName": node, "restartPolicy": "Never",
                "tolerations": [{"operator": "Exists"}]
            }
        });
        self.profiled(&mut pod, &name, Style::Node)?;
        let namespace = self.inv.namespace(io)?;
        let pods = known_resource(&mut self.inv, io, "", "pods")?;
        let created = self.inv.client(io)?.create(io, &pods, &namespace, pod, &[])?;
        Ok((created, name))
    }

    fn talk(&mut self, io: &mut Io<'_>, pod: Value, name: String) -> Result<(), Failure> {
        if state(&pod, &name).is_some_and(|state| !state["terminated"].is_null()) {
            self.stage = Stage::Next;
            return print_log(&mut self.inv, io, &pod, &name);
        }
        let flags = &self.inv.flags;
        let (stdin, tty, quiet) = (flags.bool("stdin"), flags.bool("tty"), flags.bool("quiet"));
        match attach::attach(&mut self.inv, io, &pod, &name, stdin, tty, quiet) {
            Ok(remote) => {
                self.stage = Stage::Talking(remote, pod, name);
                Ok(())
            }
            Err(failure) => self.fall_back(io, &pod, &name, &failure),
        }
    }

    fn fall_back(&mut self, io: &mut Io<'_>, pod: &Value, name: &str, failure: &Failure) -> Result<(), Failure> {
        let pod_name = pod["metadata"]["name"].str();
        let words = failure.words();
        io.eprintln(format!("warning: couldn't attach to pod/{pod_name}, falling back to streaming logs: {words}"));
        self.stage = Stage::Next;
        print_log(&mut self.inv, io, pod, name)
    }
}

fn names_nothing(status: &Status) -> bool {
    status.name.is_empty()
}

/// The state of a container by name.
fn state<'p>(pod: &'p Value, name: &str) -> Option<&'p Value> {
    let lists = ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"];
    lists.into_iter().find_map(|list| pod["status"][list].find("name", name)).map(|status| &status["state"])
}

/// Says that capabilities are of no use to a user other than root.
fn warn_of_user(io: &mut Io<'_>, pod: &Value, container: Option<&Value>) {
    let Some(container) = container else { return };
    let context = &container["securityContext"];
    let as_root = context.get("runAsUser").is_some_and(|user| user.int() == 0);
    let granted = context["privileged"].is_true() || !context["capabilities"]["add"].is_empty();
    if pod["spec"]["securityContext"]["runAsUser"].int() != 0 && !as_root && granted {
        io.eprintln("Warning: Non-root user is configured for the entire target Pod, and some capabilities granted by debug profile may not work. Please consider using \"--custom\" with a custom profile that specifies \"securityContext.runAsUser: 0\".");
    }
}
