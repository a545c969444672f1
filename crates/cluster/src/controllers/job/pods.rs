//! How many pods a Job runs, which they are, and when the next may start.

use drydock_sorted::SortedMap;
use std::sync::Arc;
use std::time::Duration;

use drydock_api::Status;
use drydock_value::{Time, Value, value};

use super::indexes::Indexes;
use super::{TRACKING, Work, not_found_is_fine, policy, set_count};
use crate::controllers::common::{PodControl, namespace_terminating};
use crate::controllers::ranking;
use crate::objects::Object;
use crate::store::kinds;

const INDEX: &str = "batch.kubernetes.io/job-completion-index";
const INDEX_FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// The wait after the first failure; it doubles with every further one.
const BACKOFF: Duration = Duration::from_secs(10);
const MOST_BACKOFF: Duration = Duration::from_secs(600);
/// The most pods that one reconciliation creates.
const BURST: i64 = 500;

/// A pod's completion index.
pub fn index(pod: &Object) -> Option<i64> {
    pod.annotation(INDEX).parse().ok()
}

/// How often a pod's index had failed before it.
pub fn index_failures(pod: &Object) -> i64 {
    pod.annotation(INDEX_FAILURES).parse().unwrap_or(0)
}

/// How long the next pod has to wait after that many failures in a row, the last of them at `last`.
fn wait((failures, last): (u32, Time), now: Time) -> Option<Duration> {
    if failures == 0 {
        return None;
    }
    let wait = BACKOFF.saturating_mul(1 << (failures - 1).min(16)).min(MOST_BACKOFF);
    let due = last + wait;
    (due > now).then(|| due.since(now))
}

/// Creates pods that are missing and deletes surplus ones.
pub(super) fn manage(work: &mut Work<'_, '_>, backoff: (u32, Time)) -> Result<(), Status> {
    let active = work.active();
    if work.suspended() {
        return delete(work, &active, active.len());
    }
    let spec = work.spec();
    let parallelism = spec["parallelism"].as_i64().unwrap_or(1);
    let succeeded = work.status["succeeded"].int();
    let running = i64::try_from(active.len()).unwrap_or(i64::MAX);
    let wanted = match work.completions() {
        None if succeeded > 0 => running,
        None => parallelism,
        Some(completions) => {
            let failed = Indexes::parse(work.status["failedIndexes"].str()).len();
            (completions - succeeded - failed).min(parallelism)
        }
    }
    .max(0);
    if running > wanted {
        return delete(work, &active, usize::try_from(running - wanted).unwrap_or(0));
    }
    // Where only ended pods are replaced, those that are ending keep their place.
    let keeps_place = spec["podReplacementPolicy"] == "Failed" || !spec["podFailurePolicy"].is_null();
    let ending = if keeps_place { i64::try_from(work.terminating()).unwrap_or(0) } else { 0 };
    let missing = (wanted - running - ending).clamp(0, BURST);
    if missing == 0 {
        return Ok(());
    }
    let per_index = !work.spec()["backoffLimitPerIndex"].is_null();
    if !per_index && let Some(wait) = wait(backoff, work.ctx.now) {
        work.wake_after(wait);
        return Ok(());
    }
    let made = if work.indexed() { create_indexed(work, missing)? } else { create(work, missing)? };
    set_count(&mut work.status, "active", running + made);
    Ok(())
}

fn delete(work: &mut Work<'_, '_>, active: &[Arc<Object>], count: usize) -> Result<(), Status> {
    let victims = ranking::to_delete(active, active, count, work.ctx.now);
    for pod in &victims {
        work.control.delete(work.ctx, &work.job.value, pod.name()).or_else(not_found_is_fine)?;
    }
    let left = active.len() - victims.len();
    set_count(&mut work.status, "active", i64::try_from(left).unwrap_or(0));
    if !victims.is_empty() {
        work.status.set("ready", 0);
        let terminating = work.terminating() + victims.len();
        work.status.set("terminating", terminating);
    }
    Ok(())
}

fn template(work: &Work<'_, '_>) -> Value {
    let mut pod = PodControl::pod(&work.spec()["template"], kinds::JOBS, &work.job.value);
    pod["metadata"]["finalizers"].push(TRACKING);
    pod
}

fn send(work: &mut Work<'_, '_>, pod: Value) -> Result<bool, Status> {
    match work.control.create(work.ctx, &work.job.value, pod) {
        Ok(_) => Ok(true),
        Err(status) if namespace_terminating(&status) => Ok(false),
        Err(status) => Err(status),
    }
}

fn create(work: &mut Work<'_, '_>, count: i64) -> Result<i64, Status> {
    let pod = template(work);
    let mut made = 0;
    for _ in 0..count {
        made += i64::from(send(work, pod.clone())?);
    }
    Ok(made)
}

/// Creates pods for the lowest indexes that have none and are not done.
fn create_indexed(work: &mut Work<'_, '_>, count: i64) -> Result<i64, Status> {
    let done = Indexes::parse(work.status["completedIndexes"].str());
    let failed = Indexes::parse(work.status["failedIndexes"].str());
    let mut taken = Indexes::default();
    for pod in work.pods.iter().filter(|pod| !pod.pod().terminal() && !work.has_failed(pod)) {
        if let Some(index) = index(pod) {
            taken.insert(index);
        }
    }
    let per_index = !work.spec()["backoffLimitPerIndex"].is_null();
    let failures = if per_index { failures_by_index(work) } else { SortedMap::new() };
    let mut made = 0;
    for index in 0..work.completions().unwrap_or(0) {
        if made >= count {
            break;
        }
        if done.contains(index) || failed.contains(index) || taken.contains(index) {
            continue;
        }
        let mut pod = template(work);
        if per_index {
            let (count, last) = failures.get(&index).copied().unwrap_or_default();
            if let Some(wait) = wait((u32::try_from(count).unwrap_or(0), last), work.ctx.now) {
                work.wake_after(wait);
                continue;
            }
            pod["metadata"]["annotations"].set(INDEX_FAILURES, count.to_string());
        }
        number(&mut pod, work.job.name(), index);
        made += i64::from(send(work, pod)?);
    }
    Ok(made)
}

/// How often each index failed, and when last.
fn failures_by_index(work: &Work<'_, '_>) -> SortedMap<i64, (i64, Time)> {
    let mut failures: SortedMap<i64, (i64, Time)> = SortedMap::new();
    for pod in work.pods.iter().filter(|pod| work.has_failed(pod) && !policy::ignored(work.spec(), pod)) {
        let Some(index) = index(pod) else { continue };
        let entry = failures.entry(index).or_default();
        let count = index_failures(pod) + 1;
        if count > entry.0 {
            *entry = (count, finished_at(pod));
        }
    }
    failures
}

fn finished_at(pod: &Object) -> Time {
    let statuses = pod["status"]["containerStatuses"].items().iter();
    let ends = statuses.filter_map(|status| crate::objects::moment(&status["state"]["terminated"]["finishedAt"]));
    ends.max().unwrap_or(pod.created)
}

/// Gives a pod its index: in its name, labels, annotations, host name and environment.
fn number(pod: &mut Value, job: &str, index: i64) {
    let metadata = &mut pod["metadata"];
    metadata.set("generateName", format!("{job}-{index}-"));
    metadata["labels"].set(INDEX, index.to_string());
    metadata["annotations"].set(INDEX, index.to_string());
    let spec = &mut pod["spec"];
    spec.set("hostname", format!("{job}-{index}"));
    let variable = value!({
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}}
    });
    for field in ["containers", "initContainers"] {
        if spec[field].is_null() {
            continue;
        }
        for container in spec[field].items_mut() {
            let known = container["env"].items().iter().any(|entry| entry["name"] == "JOB_COMPLETION_INDEX");
            if !known {
                container["env"].push(variable.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_wait_longer() {
        let at = Time::from_seconds;
        let cases = [
            ((0, at(100)), None),
            ((1, at(100)), Some(10)),
            ((2, at(100)), Some(20)),
            ((3, at(95)), Some(35)),
            ((6, at(100)), Some(320)),
            ((10, at(100)), Some(600)),
            ((1, at(90)), None),
        ];
        for (backoff, seconds) in cases {
            assert_eq!(wait(backoff, at(100)).map(|wait| wait.as_secs()), seconds, "{backoff:?}");
        }
    }
}
