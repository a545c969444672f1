//! What the metrics of an autoscaler ask for: each proposes a number of replicas, the highest wins.

use std::sync::Arc;

use drydock_schema::labels::Selector;
use drydock_schema::quantity::Quantity;
use drydock_value::{Time, Value, value};

use super::calculate::{Proposal, Question, Target, Tolerance, replicas, samples};
use crate::objects::Object;
use crate::store::ApiServer;

/// One metric's answer.
pub(super) struct Found {
    /// How many replicas.
    pub replicas: i64,
    /// What it is called in events.
    pub name: String,
    /// Its entry in `status.currentMetrics`.
    pub status: Value,
}

/// Why a metric gives no answer.
pub(super) struct Refused {
    /// The reason of event and condition.
    pub reason: &'static str,
    /// The words of both.
    pub message: String,
    /// The words in the account of all metrics.
    pub summary: String,
}

/// What a metric is asked about.
pub(super) struct About<'a> {
    /// The autoscaler's namespace.
    pub namespace: &'a str,
    /// Which pods belong to its target.
    pub selector: &'a Selector,
    /// Those pods.
    pub pods: &'a [Arc<Object>],
    /// How many replicas are asked for now.
    pub current: i64,
    /// When.
    pub now: Time,
    /// How far off is near enough.
    pub tolerance: Tolerance,
}

const CUSTOM: &str =
    "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";

/// Asks one metric.
pub(super) fn ask(api: &ApiServer, about: &About<'_>, metric: &Value) -> Result<Found, Box<Refused>> {
    let kind = metric["type"].str();
    let refused = |reason, message: String, summary: String| Err(Box::new(Refused { reason, message, summary }));
    match kind {
        "Resource" | "ContainerResource" => {
            let (field, reason, named, what) = if kind == "Resource" {
                ("resource", "FailedGetResourceMetric", "name", "resource")
            } else {
                ("containerResource", "FailedGetContainerResourceMetric", "container", "container")
            };
            let source = &metric[field];
            let name = source[named].str();
            resource(api, about, source, kind == "Resource")
                .map(|proposal| found(kind, field, source, proposal))
                .or_else(|message| {
                    let summary = format!("failed to get {name} {what} metric value: {message}");
                    refused(reason, message, summary)
                })
        }
        "Pods" => {
            let message = format!("unable to get metric {}: {CUSTOM}", metric["pods"]["metric"]["name"].str());
            let summary = format!("failed to get pods metric value: {message}");
            refused("FailedGetPodsMetric", message, summary)
        }
        "Object" => {
            let (name, object) = (metric["object"]["metric"]["name"].str(), &metric["object"]["describedObject"]);
            let message = format!(
                "unable to get metric {name}: {} on {} {}/{CUSTOM}",
                object["kind"].str(),
                about.namespace,
                object["name"].str()
            );
            let per_pod = match metric["object"]["target"]["type"] == "AverageValue" {
                true => format!("failed to get {name} object metric: "),
                false => String::new(),
            };
            let summary = format!("failed to get object metric value: {per_pod}{message}");
            refused("FailedGetObjectMetric", message, summary)
        }
        "External" => {
            let per_pod = !metric["external"]["target"]["averageValue"].is_null();
            let metric = &metric["external"]["metric"];
            let (name, selector) = (metric["name"].str(), go_selector(&metric["selector"]));
            let message = format!(
                "unable to get external metric {}/{name}/{selector}: unable to fetch metrics from external metrics API: \
                 the server could not find the requested resource (get {name}.external.metrics.k8s.io)",
                about.namespace
            );
            let which = if per_pod { format!("{name} external metric") } else { format!("external metric {name}") };
            let summary = format!("failed to get {name} external metric value: failed to get {which}: {message}");
            refused("FailedGetExternalMetric", message, summary)
        }
        other => {
            let message = format!("unknown metric source type \"{other}\"");
            refused("InvalidMetricSourceType", message.clone(), message)
        }
    }
}

/// A label selector as Go prints a pointer to one.
fn go_selector(selector: &Value) -> String {
    if selector.is_null() {
        return "nil".into();
    }
    let labels = selector["matchLabels"].entries();
    let labels: String = labels.map(|(key, value)| format!("{key}: {},", value.str())).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}"
    )
}

fn resource(api: &ApiServer, about: &About<'_>, source: &Value, whole: bool) -> Result<Proposal, String> {
    let (name, target) = (source["name"].str(), &source["target"]);
    let container = if whole { "" } else { source["container"].str() };
    let (target, what) = if let Some(average) =
        Quantity::of(&target["averageValue"]).ok().filter(|_| !target["averageValue"].is_null())
    {
        (Target::Average(average.milli_value()), "usage")
    } else if let Some(percent) = target["averageUtilization"].as_i64() {
        (Target::Utilization(percent), "utilization")
    } else {
        return Err(
            "invalid resource metric source: neither an average utilization target nor an average value (usage) \
                    target was set"
                .into(),
        );
    };
    let measured = || {
        let metrics = api
            .pod_metrics(about.namespace)
            .map_err(|status| format!("unable to fetch metrics from resource metrics API: {}", status.message))?;
        samples(metrics.filter(|pod| about.selector.matches_object(pod)), name, container)
    };
    let question = || {
        let samples = measured().map_err(|why| format!("unable to get metrics for resource {name}: {why}"))?;
        let question = Question {
            resource: name,
            container,
            target,
            current: about.current,
            pods: about.pods,
            now: about.now,
            tolerance: about.tolerance,
        };
        replicas(&question, samples)
    };
    question().map_err(|why| format!("failed to get {name} {what}: {why}"))
}

fn found(kind: &str, field: &str, source: &Value, proposal: Proposal) -> Found {
    let name = source["name"].str();
    let mut current = value!({"averageValue": Quantity::from_milli(proposal.average).to_string()});
    if let Some(percent) = proposal.utilization {
        current.set("averageUtilization", percent);
    }
    let mut entry = value!({"name": name, "current": current});
    let mut words = format!("{name} resource");
    let part = kind == "ContainerResource";
    if part {
        entry.set("container", &source["container"]);
    }
    if proposal.utilization.is_some() {
        // An average of a container is called like one of a pod.
        words = format!("{name} {}resource utilization (percentage of request)", if part { "container " } else { "" });
    }
    let mut status = value!({"type": kind});
    status.set(field, entry);
    Found { replicas: proposal.replicas, name: words, status }
}
