//! How many replicas a measurement asks for.
//!
//! All amounts are in thousandths, as the metrics server's quantities are read.

use drydock_sorted::{SortedMap, SortedSet};
use std::sync::Arc;
use std::time::Duration;

use drydock_schema::quantity::Quantity;
use drydock_value::{Str, Time, Value};

use crate::objects::{Object, Phase, moment};

/// For how long after its start a pod's processor use may be that of coming up (`--horizontal-pod-autoscaler-cpu-
/// initialization-period`).
const CPU_INITIALIZATION: Duration = Duration::from_secs(300);
/// A pod that became unready so soon after its start has never been ready (`…-initial-readiness-delay`).
const INITIAL_READINESS: Duration = Duration::from_secs(30);

/// What was measured of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    /// The amount in thousandths.
    pub value: i64,
    /// When.
    pub at: Time,
    /// Over how long.
    pub window: Duration,
}

/// Measurements by pod.
pub(super) type Samples = SortedMap<Str, Sample>;

/// How far from the target still counts as on target, upwards and downwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tolerance {
    /// For more replicas.
    pub up: f64,
    /// For fewer.
    pub down: f64,
}

impl Default for Tolerance {
    fn default() -> Tolerance {
        Tolerance { up: 0.1, down: 0.1 }
    }
}

impl Tolerance {
    fn holds(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// What one resource is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// So many percent of the pods' requests.
    Utilization(i64),
    /// So much a pod, in thousandths.
    Average(i64),
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Proposal {
    /// How many replicas.
    pub replicas: i64,
    /// The percentage of the requests, where that is the target.
    pub utilization: Option<i64>,
    /// The average in thousandths.
    pub average: i64,
}

/// One measured resource and the pods that it is about.
pub(super) struct Question<'a> {
    /// `cpu` or `memory`.
    pub resource: &'a str,
    /// Only this container of the pods; empty for all.
    pub container: &'a str,
    /// What it is to be.
    pub target: Target,
    /// How many replicas are asked for now.
    pub current: i64,
    /// The pods that the target's selector matches.
    pub pods: &'a [Arc<Object>],
    /// When.
    pub now: Time,
    /// How far off is near enough.
    pub tolerance: Tolerance,
}

/// Pods by whether their measurement counts.
#[derive(Default)]
struct Groups {
    ready: i64,
    unready: SortedSet<Str>,
    missing: SortedSet<Str>,
    ignored: SortedSet<Str>,
}

fn group(question: &Question<'_>, samples: &Samples) -> Groups {
    let mut groups = Groups::default();
    for pod in question.pods {
        let name = pod.name().clone();
        if pod.deleting.is_some() || pod.pod().phase == Phase::Failed {
            groups.ignored.insert(name);
        } else if pod.pod().phase == Phase::Pending {
            groups.unready.insert(name);
        } else {
            match samples.get(&name) {
                None => {
                    groups.missing.insert(name);
                }
                Some(sample) if question.resource == "cpu" && coming_up(pod, sample, question.now) => {
                    groups.unready.insert(name);
                }
                Some(_) => groups.ready += 1,
            }
        }
    }
    groups
}

/// Whether a pod's processor use says nothing yet.
fn coming_up(pod: &Object, sample: &Sample, now: Time) -> bool {
    let status = &pod["status"];
    let (Some(ready), Some(started)) = (status["conditions"].find("type", "Ready"), moment(&status["startTime"]))
    else {
        return true;
    };
    let unready = ready["status"] == "False";
    let since = moment(&ready["lastTransitionTime"]).unwrap_or_default();
    if started + CPU_INITIALIZATION > now {
        unready || sample.at < since + sample.window
    } else {
        unready && started + INITIAL_READINESS > since
    }
}

/// What the pods request: of their own where they do, else what their containers do.
fn requests(question: &Question<'_>) -> Result<SortedMap<Str, i64>, String> {
    let mut sums = SortedMap::new();
    for pod in question.pods {
        let spec = &pod["spec"];
        if question.container.is_empty() && !spec["resources"]["requests"].is_empty() {
            sums.insert(pod.name().clone(), whole_pod(spec, question.resource, pod.name())?);
            continue;
        }
        let sidecars = spec["initContainers"].items().iter().filter(|container| container["restartPolicy"] == "Always");
        let (mut sum, mut found) = (0, question.container.is_empty());
        for container in spec["containers"].items().iter().chain(sidecars) {
            let name = container["name"].str();
            if !question.container.is_empty() && question.container != name {
                continue;
            }
            found = true;
            let request = &container["resources"]["requests"][question.resource];
            let Some(amount) = Quantity::of(request).ok().filter(|_| !request.is_null()) else {
                return Err(format!(
                    "missing request for {} in container {name} of Pod {}",
                    question.resource,
                    pod.name()
                ));
            };
            sum += amount.milli_value();
        }
        if !found {
            return Err(format!("container {} not found in Pod {}", question.container, pod.name()));
        }
        sums.insert(pod.name().clone(), sum);
    }
    Ok(sums)
}

/// What a pod with requests of its own asks for.
fn whole_pod(spec: &Value, resource: &str, name: &str) -> Result<i64, String> {
    let total = crate::scheduler::resources::pod_requests(spec);
    let amount = match resource {
        "cpu" => total.cpu,
        "memory" => total.memory.saturating_mul(1000),
        _ => 0,
    };
    match amount {
        0 => Err(format!("missing pod-level request for {resource} in Pod {name}")),
        amount => Ok(amount),
    }
}

/// The measured in proportion to the target, with the percentage where there is one, and the average.
fn ratio(samples: &Samples, requests: &SortedMap<Str, i64>, target: Target) -> Result<(f64, Option<i64>, i64), String> {
    let (mut used, mut requested, mut count) = (0, 0, 0);
    for (pod, sample) in samples {
        if let Target::Utilization(_) = target {
            // What is not among the pods any more does not count.
            let Some(request) = requests.get(pod) else { continue };
            requested += request;
        }
        used += sample.value;
        count += 1;
    }
    match target {
        Target::Utilization(_) if requested == 0 => Err("no metrics returned matched known pods".into()),
        Target::Utilization(wanted) => {
            let percent = used * 100 / requested;
            Ok((percent as f64 / wanted.max(1) as f64, Some(percent), used / count.max(1)))
        }
        Target::Average(wanted) => {
            let average = used / count.max(1);
            Ok((average as f64 / wanted.max(1) as f64, None, average))
        }
    }
}

fn ceil(number: f64) -> i64 {
    number.ceil() as i64
}

/// How many replicas the samples ask for.
///
/// # Errors
/// Why nothing can be said, in the controller's words.
pub(super) fn replicas(question: &Question<'_>, mut samples: Samples) -> Result<Proposal, String> {
    if question.pods.is_empty() {
        return Err("no pods returned by selector while calculating replica count".into());
    }
    let groups = group(question, &samples);
    samples.retain(|name, _| !groups.ignored.contains(name) && !groups.unready.contains(name));
    if samples.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)".into());
    }
    let requests = match question.target {
        Target::Utilization(_) => requests(question)?,
        Target::Average(_) => SortedMap::new(),
    };
    let (measured, utilization, average) = ratio(&samples, &requests, question.target)?;
    let answer = |replicas: i64| Proposal { replicas, utilization, average };
    let up_with_unready = !groups.unready.is_empty() && measured > 1.0;
    if !up_with_unready && groups.missing.is_empty() {
        let near = question.tolerance.holds(measured);
        return Ok(answer(if near { question.current } else { ceil(measured * groups.ready as f64) }));
    }
    // What is not known is taken for what speaks against a change.
    let supposed = |name: &Str| match question.target {
        _ if measured >= 1.0 => 0,
        Target::Utilization(wanted) => requests.get(name).copied().unwrap_or(0) * wanted.max(100) / 100,
        Target::Average(wanted) => wanted,
    };
    let nothing = Sample { value: 0, at: question.now, window: Duration::ZERO };
    if measured != 1.0 {
        for name in &groups.missing {
            samples.insert(name.clone(), Sample { value: supposed(name), ..nothing });
        }
    }
    if up_with_unready {
        for name in &groups.unready {
            samples.insert(name.clone(), nothing);
        }
    }
    let (supposed, _, _) = ratio(&samples, &requests, question.target)?;
    let turned = (measured < 1.0 && supposed > 1.0) || (measured > 1.0 && supposed < 1.0);
    if question.tolerance.holds(supposed) || turned {
        return Ok(answer(question.current));
    }
    let wanted = ceil(supposed * samples.len() as f64);
    let backwards = (supposed < 1.0 && wanted > question.current) || (supposed > 1.0 && wanted < question.current);
    Ok(answer(if backwards { question.current } else { wanted }))
}

/// Reads what the metrics server tells of pods.
///
/// # Errors
/// When it tells nothing, or nothing of the container.
pub(super) fn samples<'a>(
    metrics: impl Iterator<Item = &'a Value>,
    resource: &str,
    container: &str,
) -> Result<Samples, String> {
    let mut samples = Samples::new();
    let mut any = false;
    for pod in metrics {
        any = true;
        let metadata = &pod["metadata"];
        let (mut sum, mut found) = (0, false);
        for part in pod["containers"].items() {
            if !container.is_empty() && part["name"] != *container {
                continue;
            }
            found = true;
            sum += Quantity::of(&part["usage"][resource]).map_or(0, |amount| amount.milli_value());
        }
        if !found {
            if container.is_empty() {
                continue;
            }
            return Err(format!(
                "container {container} not present in metrics for pod {}/{}",
                metadata["namespace"].str(),
                metadata["name"].str()
            ));
        }
        let sample = Sample {
            value: sum,
            at: moment(&pod["timestamp"]).unwrap_or_default(),
            window: crate::metrics::parse_window(pod["window"].str()),
        };
        samples.insert(crate::objects::shared(&metadata["name"]), sample);
    }
    if any { Ok(samples) } else { Err("no metrics returned from resource metrics API".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    const NOW: Time = Time::from_seconds(10_000);

    /// Pods in short: `ready`, `pending`, `failed`, `young` (started a moment ago, ready since), `unready`.
    fn pods(states: &[&str]) -> Vec<Arc<Object>> {
        let pod = |(index, state): (usize, &&str)| {
            let started = if matches!(*state, "young" | "unready") { 9_990 } else { 1_000 };
            let phase = match *state {
                "pending" => "Pending",
                "failed" => "Failed",
                _ => "Running",
            };
            let ready = if *state == "unready" { "False" } else { "True" };
            let since = Time::from_seconds(started + 5).rfc3339();
            Object::read(
                value!({
                    "metadata": {"name": format!("p{index}"), "namespace": "n"},
                    "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
                    "status": {"phase": phase, "startTime": Time::from_seconds(started).rfc3339(),
                        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}]}
                }),
                true,
            )
        };
        states.iter().enumerate().map(pod).collect()
    }

    fn ask(current: i64, states: &[&str], used: &[i64], target: Target) -> Result<(i64, Option<i64>, i64), String> {
        let pods = pods(states);
        let samples = used
            .iter()
            .enumerate()
            .filter(|(_, value)| **value >= 0)
            .map(|(index, value)| {
                let sample = Sample { value: *value, at: NOW, window: Duration::from_secs(60) };
                (Str::from(format!("p{index}")), sample)
            })
            .collect();
        let question = Question {
            resource: "cpu",
            container: "",
            target,
            current,
            pods: &pods,
            now: NOW,
            tolerance: Tolerance::default(),
        };
        replicas(&question, samples).map(|found| (found.replicas, found.utilization, found.average))
    }

    #[test]
    fn replicas_follow_what_is_used() {
        use Target::{Average, Utilization};
        let ready = &["ready", "ready", "ready"];
        let cases: &[(&[&str], &[i64], Target, i64)] = &[
            // Twice as much as wanted, half as much, near enough.
            (ready, &[600, 600, 600], Utilization(30), 6),
            (ready, &[100, 100, 100], Utilization(30), 1),
            (ready, &[310, 320, 330], Utilization(30), 3),
            (ready, &[600, 600, 600], Average(300), 6),
            (ready, &[100, 100, 100], Average(300), 1),
            // Missing ones: nothing upwards, all of it downwards.
            (ready, &[900, 900, -1], Utilization(30), 6),
            (ready, &[10, 10, -1], Utilization(50), 3),
            (ready, &[0, 10, -1], Average(500), 2),
            // Those that come up count as using nothing when there are to be more, and not at all else.
            (&["ready", "ready", "pending"], &[900, 900, -1], Utilization(30), 6),
            (&["ready", "ready", "young"], &[900, 900, 900], Utilization(30), 6),
            (&["ready", "ready", "unready"], &[100, 100, 900], Utilization(30), 1),
            // Failed ones are not there.
            (&["ready", "ready", "failed"], &[600, 600, 900], Utilization(30), 4),
        ];
        for (states, used, target, wanted) in cases {
            let found = ask(3, states, used, *target).map(|(replicas, ..)| replicas);
            assert_eq!(found, Ok(*wanted), "{states:?} {used:?} {target:?}");
        }
        assert_eq!(ask(3, ready, &[600, 600, 600], Utilization(30)), Ok((6, Some(60), 600)));
    }

    #[test]
    fn what_cannot_be_said_has_its_words() {
        let target = Target::Utilization(50);
        let cases: &[(&[&str], &[i64], &str)] = &[
            (&[], &[], "no pods returned by selector while calculating replica count"),
            (&["pending"], &[-1], "did not receive metrics for targeted pods (pods might be unready)"),
        ];
        for (states, used, words) in cases {
            assert_eq!(ask(1, states, used, target), Err((*words).to_owned()));
        }
        let none = [value!({"metadata": {"name": "p", "namespace": "n"}, "containers": [{"name": "a"}]})];
        assert_eq!(samples(none.iter(), "cpu", "b").unwrap_err(), "container b not present in metrics for pod n/p");
        assert_eq!(samples([].iter(), "cpu", "").unwrap_err(), "no metrics returned from resource metrics API");
        let mut bare = pods(&["ready"]);
        let mut pod = bare[0].value.clone();
        pod["spec"]["containers"].items_mut()[0].remove("resources");
        bare[0] = Object::read(pod, true);
        let question = Question {
            resource: "cpu",
            container: "",
            target,
            current: 1,
            pods: &bare,
            now: NOW,
            tolerance: Tolerance::default(),
        };
        let sample = Sample { value: 1, at: NOW, window: Duration::from_secs(60) };
        let measured: Samples = [(Str::from("p0"), sample)].into_iter().collect();
        let asked = replicas(&question, measured.clone());
        assert_eq!(asked, Err("missing request for cpu in container c of Pod p0".into()));
        let other = Question { container: "other", ..question };
        assert_eq!(replicas(&other, measured), Err("container other not found in Pod p0".into()));
    }

    #[test]
    fn requests_of_a_whole_pod_count_first() {
        let mut pods = pods(&["ready"]);
        let mut pod = pods[0].value.clone();
        let ask = |pods: &[Arc<Object>], resource: &str, container: &str| {
            let (now, tolerance) = (NOW, Tolerance::default());
            let question =
                Question { resource, container, target: Target::Utilization(50), current: 1, pods, now, tolerance };
            requests(&question).map(|all| all.get("p0").copied())
        };
        assert_eq!(ask(&pods, "cpu", ""), Ok(Some(1000)));
        pod["spec"].set("resources", value!({"requests": {"cpu": "3"}}));
        pods[0] = Object::read(pod, true);
        assert_eq!(ask(&pods, "cpu", ""), Ok(Some(3000)));
        assert_eq!(ask(&pods, "cpu", "c"), Ok(Some(1000)));
        assert_eq!(ask(&pods, "memory", ""), Err("missing pod-level request for memory in Pod p0".into()));
    }
}
