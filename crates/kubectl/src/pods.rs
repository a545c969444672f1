//! Pods that commands work on: by name, or behind a Deployment, Job, Service and so on; and their containers.

use drydock_api::{GroupVersionResource, Request};
use drydock_sorted::Sort;
use drydock_value::{Time, Value};
use std::cmp::Reverse;
use std::time::Duration;

use crate::builder::{self, Query};
use crate::env::{Io, Wait};
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;

/// Names the container to use when none is named.
pub const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The one object that an argument (`x` is a pod, `type/x`) or `-f` means.
///
/// # Errors
/// The builder's words.
pub fn target(inv: &mut Invocation, io: &mut Io<'_>, argument: &str) -> Result<Vec<Value>, Failure> {
    let argument =
        if argument.is_empty() || argument.contains('/') { argument.to_owned() } else { format!("pods/{argument}") };
    let args: Vec<String> = (!argument.is_empty()).then_some(argument).into_iter().collect();
    let mut query = Query::new(inv, io, &args)?;
    query.continue_on_error = false;
    // Objects of files are taken as they stand there.
    query.labels = None;
    let infos = builder::find(&query, inv, io)?.infos()?;
    Ok(infos.into_iter().map(|info| info.object).collect())
}

/// The namespace and label selector of the pods behind an object.
///
/// # Errors
/// When the object has no pods.
pub fn selector_of(object: &Value) -> Result<(String, String), String> {
    let namespace = object["metadata"]["namespace"].str().to_owned();
    let kind = object["kind"].str();
    let spec = &object["spec"];
    let from_map = |map: &Value| {
        let pairs: Vec<String> = map.entries().map(|(key, value)| format!("{key}={}", value.str())).collect();
        pairs.join(",")
    };
    let selector = match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => {
            drydock_schema::labels::Selector::from_label_selector(&spec["selector"])
                .map_err(|why| format!("invalid label selector: {why}"))?
                .to_string()
        }
        "ReplicationController" => from_map(&spec["selector"]),
        "Service" => {
            if spec["selector"].is_empty() {
                let name = object["metadata"]["name"].str();
                return Err(format!("invalid service '{name}': Service is defined without a selector"));
            }
            from_map(&spec["selector"])
        }
        _ => return Err(format!("selector for {} not implemented", go_type(object))),
    };
    Ok((namespace, selector))
}

/// Go's name of an object's type: `*v1.Service`.
pub fn go_type(object: &Value) -> String {
    let version = object["apiVersion"].str();
    format!("*{}.{}", version.rsplit('/').next().unwrap_or(version), object["kind"].str())
}

/// Which pod is best, when there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Best {
    /// For reading logs.
    Logs,
    /// For running something in it.
    Active,
}

fn condition_time(pod: &Value, kind: &str) -> Option<Time> {
    let condition = pod["status"]["conditions"].find("type", kind).filter(|c| c["status"] == "True")?;
    Time::parse_rfc3339(condition["lastTransitionTime"].str()).or(Some(Time::default()))
}

/// The greatest number of restarts of any container.
fn restarts(pod: &Value) -> i64 {
    pod["status"]["containerStatuses"].items().iter().map(|status| status["restartCount"].int()).max().unwrap_or(0)
}

/// Sorts pods, the best first.
pub fn sort(pods: &mut [Value], best: Best) {
    pods.sort_compact_by_key(|pod| {
        let unassigned = pod["spec"]["nodeName"].str().is_empty();
        let phase = match pod["status"]["phase"].str() {
            "Running" => 0,
            "Unknown" => 1,
            "Pending" => 2,
            // Go's map has nothing for the others: they count as the least of the phases.
            _ if best == Best::Logs => 0,
            _ => 3,
        };
        let ready = condition_time(pod, "Ready");
        let created = Time::parse_rfc3339(pod["metadata"]["creationTimestamp"].str()).unwrap_or(Time::NEVER);
        let restarts = match best {
            Best::Logs => -restarts(pod),
            Best::Active => restarts(pod),
        };
        (unassigned, phase, ready.is_none(), ready.unwrap_or(Time::NEVER), restarts, created, Reverse(0))
    });
}

/// The pods that match a selector, the best first; waits for one to appear, as long as `timeout` allows.
///
/// # Errors
/// When there is none in time.
pub fn matching(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    namespace: &str,
    selector: &str,
    best: Best,
    timeout: Duration,
) -> Result<Vec<Value>, Failure> {
    let id = GroupVersionResource::new("", "v1", "pods");
    let request = Request::get(id.path(Some(namespace), None)).param("labelSelector", selector);
    let list = inv.client(io)?.value(io, request)?;
    let mut pods: Vec<Value> = list["items"].items().to_vec();
    sort(&mut pods, best);
    if pods.is_empty() {
        let deadline = inv.started + timeout;
        if io.now >= deadline {
            return Err("timed out waiting for the condition".into());
        }
        let next = io.now + Duration::from_millis(500);
        return Err(Failure::Later(Wait::until(next.min(deadline))));
    }
    Ok(pods)
}

/// The pod to run something in: the object itself, or the best of those behind it.
///
/// # Errors
/// When the object has no pods.
pub fn attachable(inv: &mut Invocation, io: &mut Io<'_>, object: &Value) -> Result<Value, Failure> {
    if object["kind"] == "Pod" {
        return Ok(object.clone());
    }
    let (namespace, selector) =
        selector_of(object).map_err(|why| format!("cannot attach to {}: {why}", go_type(object)))?;
    let timeout = inv.flags.duration("pod-running-timeout");
    let pods = matching(inv, io, &namespace, &selector, Best::Active, timeout)?;
    Ok(pods.into_iter().next().unwrap_or_default())
}

/// `--pod-running-timeout` must be some time.
///
/// # Errors
/// When it is none.
pub fn check_timeout(inv: &Invocation) -> Result<(), Failure> {
    match inv.flags.duration("pod-running-timeout").is_zero() {
        true => Err(inv.usage("--pod-running-timeout must be higher than zero")),
        false => Ok(()),
    }
}

/// All containers of a pod with their fields: `containers`, `ephemeralContainers`, `initContainers`.
pub fn containers(pod: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    ["containers", "ephemeralContainers", "initContainers"]
        .into_iter()
        .flat_map(|field| pod["spec"][field].items().iter().map(move |container| (field, container)))
}

/// `a, b, dbg (ephem), setup (init)`
pub fn container_names(pod: &Value) -> String {
    let names: Vec<String> = containers(pod)
        .map(|(field, container)| match field {
            "ephemeralContainers" => format!("{} (ephem)", container["name"].str()),
            "initContainers" => format!("{} (init)", container["name"].str()),
            _ => container["name"].str().to_owned(),
        })
        .collect();
    names.join(", ")
}

/// A container by name.
pub fn container<'p>(pod: &'p Value, name: &str) -> Option<&'p Value> {
    containers(pod).map(|(_, container)| container).find(|container| container["name"] == *name)
}

/// The container that is named, or the default one, which is said unless `quiet`.
///
/// # Errors
/// When there is no such container.
pub fn container_or_default(io: &mut Io<'_>, pod: &Value, name: &str, quiet: bool) -> Result<Value, Failure> {
    if name.is_empty() {
        return default_container(io, pod, quiet);
    }
    container(pod, name).cloned().ok_or_else(|| invalid_container(pod, name))
}

/// `container x is not valid for pod y out of: …`
pub fn invalid_container(pod: &Value, name: &str) -> Failure {
    let pod_name = pod["metadata"]["name"].str();
    Failure::Error(format!("container {name} is not valid for pod {pod_name} out of: {}", container_names(pod)))
}

fn default_container(io: &mut Io<'_>, pod: &Value, quiet: bool) -> Result<Value, Failure> {
    let wanted = pod["metadata"]["annotations"][DEFAULT_CONTAINER].str();
    if !wanted.is_empty() {
        if let Some(container) = container(pod, wanted) {
            return Ok(container.clone());
        }
        io.eprintln(format!(
            "Default container name {} not found in pod {}",
            quote(wanted),
            pod["metadata"]["name"].str()
        ));
    }
    let first = &pod["spec"]["containers"][0];
    if first.is_null() {
        return Err("could not find a container: pod has no containers".into());
    }
    if containers(pod).count() > 1 && !quiet {
        io.eprintln(format!("Defaulted container {} out of: {}", quote(first["name"].str()), container_names(pod)));
    }
    Ok(first.clone())
}
