//! `kubectl rollout status`: waits until a rollout is done, and says how far it is.

use drydock_api::{StreamId, StreamItem};
use drydock_value::{Time, Value};

use crate::change::Target;
use crate::client::{Client, ListOptions};
use crate::commands::{Outcome, Waiting, acts};
use crate::env::{Io, Wait};
use crate::failure::Failure;
use crate::invocation::Invocation;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::FILES, &["revision", "selector", "timeout", "watch"]];

/// `kubectl rollout status`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let found = super::find(inv, io)?;
    let revision = inv.flags.int("revision");
    if revision < 0 {
        return Err("revision must be a positive integer".into());
    }
    if found.items.is_empty() {
        let namespace = inv.namespace(io)?;
        io.eprintln(format!("No resources found in {namespace} namespace."));
        return Ok(Outcome::Done);
    }
    let timeout = inv.flags.duration("timeout");
    // What could not be read is told of last.
    let (read, unread): (Vec<_>, Vec<_>) = found.items.into_iter().partition(Result::is_ok);
    let items: Vec<Result<Target, Failure>> = read
        .into_iter()
        .chain(unread)
        .rev()
        .map(|item| {
            let info = item?;
            match info.resource.kind.as_str() {
                "Deployment" | "DaemonSet" | "StatefulSet" => Ok(Target::of(&info)),
                kind => {
                    let group = &info.resource.id.group;
                    let dot = if group.is_empty() { "" } else { "." };
                    Err(format!("no status viewer has been implemented for {kind}{dot}{group}").into())
                }
            }
        })
        .collect();
    Ok(Outcome::Waiting(Box::new(Watching {
        client: inv.client(io)?.clone(),
        items,
        current: None,
        watch: inv.flags.bool("watch"),
        revision,
        deadline: (!timeout.is_zero()).then(|| io.now + timeout),
        failures: Vec::new(),
    })))
}

/// Goes through the objects, watching one at a time.
#[derive(Debug, Clone)]
struct Watching {
    client: Client,
    /// What is left, the next one last.
    items: Vec<Result<Target, Failure>>,
    current: Option<(Target, StreamId)>,
    watch: bool,
    revision: i64,
    deadline: Option<Time>,
    failures: Vec<Failure>,
}

impl Watching {
    /// Prints how far an object is; whether that was all.
    fn show(&self, io: &mut Io<'_>, object: &Value) -> Result<bool, Failure> {
        let (text, done) = progress(object, self.revision)?;
        io.println(text);
        Ok(done || !self.watch)
    }

    fn leave(&mut self, io: &mut Io<'_>, failure: Option<Failure>) {
        if let Some((_, stream)) = self.current.take() {
            io.api.close(stream);
        }
        self.failures.extend(failure);
    }

    /// Begins with an object: shows it as it is, then watches it.
    fn begin(&mut self, io: &mut Io<'_>, target: Target) -> Result<(), Failure> {
        let options = ListOptions { fields: format!("metadata.name={}", target.name), ..ListOptions::default() };
        let list = self.client.list(io, &target.resource, &target.namespace, &options)?;
        if let Some(object) = list["items"].items().first() {
            // Items of lists carry no kind of their own.
            let mut object = object.clone();
            object.set("kind", &target.resource.kind);
            if self.show(io, &object)? {
                return Ok(());
            }
        }
        let revision = list["metadata"]["resourceVersion"].str();
        let stream = self.client.watch(io, &target.resource, &target.namespace, &options, revision)?;
        self.current = Some((target, stream));
        Ok(())
    }

    fn event(&mut self, io: &mut Io<'_>, event: &Value) {
        let outcome = match event["type"].str() {
            "ADDED" | "MODIFIED" => self.show(io, &event["object"]),
            "DELETED" => Err("object has been deleted".into()),
            "BOOKMARK" => Ok(false),
            _ => Err(drydock_api::Status::from_value(0, &event["object"]).into()),
        };
        match outcome {
            Ok(false) => {}
            Ok(true) => self.leave(io, None),
            Err(failure) => self.leave(io, Some(failure)),
        }
    }
}

impl Waiting for Watching {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        loop {
            let Some((target, stream)) = self.current.clone() else {
                match self.items.pop() {
                    None => {
                        Failure::all(std::mem::take(&mut self.failures))?;
                        return Ok(Outcome::Done);
                    }
                    Some(Err(failure)) => self.failures.push(failure),
                    Some(Ok(target)) => {
                        if let Err(failure) = self.begin(io, target) {
                            self.leave(io, Some(failure));
                        }
                    }
                }
                continue;
            };
            match io.api.poll(stream) {
                StreamItem::Event(event) => self.event(io, &event),
                StreamItem::Data(..) => {}
                StreamItem::Closed(_) => {
                    // A watch may end any time; begin anew.
                    self.current = None;
                    self.items.push(Ok(target));
                }
                StreamItem::Pending if self.deadline.is_some_and(|deadline| io.now >= deadline) => {
                    self.leave(io, Some("timed out waiting for the condition".into()));
                }
                StreamItem::Pending => return Ok(Outcome::Wait(Wait::streams([stream]).or_until(self.deadline))),
            }
        }
    }

    fn interrupt(&mut self, io: &mut Io<'_>) -> i32 {
        self.leave(io, None);
        130
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

/// How far an object is, and whether that is the end.
///
/// # Errors
/// When it cannot get there.
pub fn progress(object: &Value, revision: i64) -> Result<(String, bool), Failure> {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let name = metadata["name"].str();
    let observed = metadata["generation"].int() <= status["observedGeneration"].int();
    let strategy = spec["updateStrategy"]["type"].str();
    if matches!(object["kind"].str(), "DaemonSet" | "StatefulSet") && strategy != "RollingUpdate" {
        return Err("rollout status is only available for RollingUpdate strategy type".into());
    }
    let waiting = |words: String| Ok((words, false));
    match object["kind"].str() {
        "DaemonSet" => {
            let [updated, available, desired] = ["updatedNumberScheduled", "numberAvailable", "desiredNumberScheduled"]
                .map(|field| status[field].int());
            let words = format!("Waiting for daemon set {name:?} rollout to finish:");
            if !observed {
                return waiting("Waiting for daemon set spec update to be observed...".into());
            }
            if updated < desired {
                return waiting(format!("{words} {updated} out of {desired} new pods have been updated..."));
            }
            if available < desired {
                return waiting(format!("{words} {available} of {desired} updated pods are available..."));
            }
            Ok((format!("daemon set {name:?} successfully rolled out"), true))
        }
        "StatefulSet" => stateful_set(spec, status, observed && status["observedGeneration"].int() != 0),
        _ => {
            let running = metadata["annotations"]["deployment.kubernetes.io/revision"].str().parse::<i64>();
            if revision > 0 {
                let running = running.map_err(|_| format!("cannot get the revision of deployment {name:?}"))?;
                if revision != running {
                    return Err(format!(
                        "desired revision ({revision}) is different from the running revision ({running})"
                    )
                    .into());
                }
            }
            if !observed {
                return waiting("Waiting for deployment spec update to be observed...".into());
            }
            let progressing = status["conditions"].find("type", "Progressing");
            if progressing.is_some_and(|condition| condition["reason"] == "ProgressDeadlineExceeded") {
                return Err(format!("deployment {name:?} exceeded its progress deadline").into());
            }
            let wanted = spec["replicas"].int();
            let [updated, all, available] =
                ["updatedReplicas", "replicas", "availableReplicas"].map(|field| status[field].int());
            let words = format!("Waiting for deployment {name:?} rollout to finish:");
            if updated < wanted {
                return waiting(format!("{words} {updated} out of {wanted} new replicas have been updated..."));
            }
            if all > updated {
                return waiting(format!("{words} {} old replicas are pending termination...", all - updated));
            }
            if available < updated {
                return waiting(format!("{words} {available} of {updated} updated replicas are available..."));
            }
            Ok((format!("deployment {name:?} successfully rolled out"), true))
        }
    }
}

fn stateful_set(spec: &Value, status: &Value, observed: bool) -> Result<(String, bool), Failure> {
    if !observed {
        return Ok(("Waiting for statefulset spec update to be observed...".into(), false));
    }
    let wanted = spec["replicas"].int();
    let [ready, updated, current] =
        ["readyReplicas", "updatedReplicas", "currentReplicas"].map(|field| status[field].int());
    if ready < wanted {
        return Ok((format!("Waiting for {} pods to be ready...", wanted - ready), false));
    }
    let rolling = &spec["updateStrategy"]["rollingUpdate"];
    if !rolling.is_null() {
        let part = wanted - rolling["partition"].int();
        if updated < part {
            let words = "Waiting for partitioned roll out to finish";
            return Ok((format!("{words}: {updated} out of {part} new pods have been updated..."), false));
        }
        return Ok((format!("partitioned roll out complete: {updated} new pods have been updated..."), true));
    }
    let target = status["updateRevision"].str();
    if target != status["currentRevision"].str() {
        let words = "waiting for statefulset rolling update to complete";
        return Ok((format!("{words} {updated} pods at revision {target}..."), false));
    }
    Ok((format!("statefulset rolling update complete {current} pods at revision {target}..."), true))
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn words_for_each_stage() {
        let deployment = |updated: i64, all: i64, available: i64| {
            value!({
                "kind": "Deployment", "metadata": {"name": "web", "generation": 2},
                "spec": {"replicas": 3},
                "status": {"observedGeneration": 2, "updatedReplicas": updated, "replicas": all,
                    "availableReplicas": available}
            })
        };
        let words = "Waiting for deployment \"web\" rollout to finish:";
        let cases = [
            (deployment(1, 3, 3), format!("{words} 1 out of 3 new replicas have been updated..."), false),
            (deployment(3, 4, 3), format!("{words} 1 old replicas are pending termination..."), false),
            (deployment(3, 3, 2), format!("{words} 2 of 3 updated replicas are available..."), false),
            (deployment(3, 3, 3), "deployment \"web\" successfully rolled out".to_owned(), true),
            (
                value!({"kind": "StatefulSet", "metadata": {"generation": 1},
                    "spec": {"replicas": 2, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}},
                    "status": {"observedGeneration": 1, "readyReplicas": 2, "updatedReplicas": 2}}),
                "partitioned roll out complete: 2 new pods have been updated...".to_owned(),
                true,
            ),
            (
                value!({"kind": "DaemonSet", "metadata": {"name": "a", "generation": 1},
                    "spec": {"updateStrategy": {"type": "RollingUpdate"}},
                    "status": {"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}}),
                "Waiting for daemon set \"a\" rollout to finish: 0 of 2 updated pods are available...".to_owned(),
                false,
            ),
        ];
        for (object, text, done) in cases {
            assert_eq!(progress(&object, 0).unwrap(), (text, done));
        }
        let late = value!({"kind": "Deployment", "metadata": {"name": "web", "generation": 1}, "spec": {"replicas": 1},
            "status": {"observedGeneration": 1,
                "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}});
        assert_eq!(progress(&late, 0).unwrap_err().words(), "deployment \"web\" exceeded its progress deadline");
    }
}
