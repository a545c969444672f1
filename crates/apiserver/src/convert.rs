//! The few resources that are spoken in two versions: from and to the form in which they are stored.

use drydock_value::{Value, value};

use crate::managed;
use crate::registry::Served;
use crate::server::ApiServer;

/// An object in the version that was asked for.
pub(crate) fn from_storage(served: &Served, object: &Value) -> Value {
    in_version(served, &managed::shown(served.kind, object))
}

/// An object as readers see it, in the version that was asked for.
fn in_version(served: &Served, object: &Value) -> Value {
    if let Some(version) = crate::custom::version(served) {
        let mut object = object.clone();
        // A default that came after the object was stored holds for its readers too.
        drydock_schema::structural::default(&version.schema, &mut object);
        if object["apiVersion"] != *served.api_version().as_str() {
            object.set("apiVersion", served.api_version());
        }
        return object;
    }
    match (served.group(), served.version()) {
        ("events.k8s.io", _) => renamed(object, "events.k8s.io/v1", EVENT_FIELDS.iter().copied()),
        ("autoscaling", "v1") => autoscaler_to_v1(object),
        _ => object.clone(),
    }
}

impl ApiServer {
    /// An object for a reader, in the version that was asked for.
    pub(crate) fn outward(&self, served: &Served, object: &Value) -> Value {
        in_version(served, &self.memo.shown(served.kind, object))
    }
}

/// An object in the version in which it is stored.
pub(crate) fn to_storage(served: &Served, object: Value) -> Value {
    if let Some(version) = served.kind.and_then(crate::custom::storage) {
        let mut object = object;
        object.set("apiVersion", version.served.api_version());
        return object;
    }
    match (served.group(), served.version()) {
        ("events.k8s.io", _) => renamed(&object, "v1", EVENT_FIELDS.iter().map(|(core, new)| (*new, *core))),
        ("autoscaling", "v1") => autoscaler_from_v1(object),
        _ => object,
    }
}

/// Fields of events that have one name in the core group and another in `events.k8s.io`.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("message", "note"),
    ("involvedObject", "regarding"),
    ("reportingComponent", "reportingController"),
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("source", "deprecatedSource"),
];

fn renamed<'a>(object: &Value, api_version: &str, fields: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let mut out = object.clone();
    for (from, to) in fields {
        let value = out.remove(from);
        if !value.is_null() {
            out.set(to, value);
        }
    }
    out.set("apiVersion", api_version);
    out
}

fn is_cpu_utilization(metric: &Value) -> bool {
    metric["type"] == "Resource"
        && metric["resource"]["name"] == "cpu"
        && metric["resource"]["target"]["type"] == "Utilization"
}

fn autoscaler_to_v1(object: &Value) -> Value {
    let mut out = object.clone();
    out.set("apiVersion", "autoscaling/v1");
    let spec = &mut out["spec"];
    let metrics = spec.remove("metrics");
    spec.remove("behavior");
    if let Some(metric) = metrics.items().iter().find(|metric| is_cpu_utilization(metric)) {
        spec.set("targetCPUUtilizationPercentage", &metric["resource"]["target"]["averageUtilization"]);
    }
    if out.get("status").is_some() {
        let status = &mut out["status"];
        let current = status.remove("currentMetrics");
        status.remove("conditions");
        let utilization = &current[0]["resource"]["current"]["averageUtilization"];
        if !utilization.is_null() {
            status.set("currentCPUUtilizationPercentage", utilization);
        }
    }
    out
}

fn autoscaler_from_v1(mut object: Value) -> Value {
    object.set("apiVersion", "autoscaling/v2");
    let percent = object["spec"].remove("targetCPUUtilizationPercentage");
    if !percent.is_null() {
        object["spec"].set(
            "metrics",
            value!([{"type": "Resource", "resource": {
                "name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}
            }}]),
        );
    }
    if object.get("status").is_some() {
        let current = object["status"].remove("currentCPUUtilizationPercentage");
        if !current.is_null() {
            object["status"].set(
                "currentMetrics",
                value!([{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": current}}}]),
            );
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::find;

    #[test]
    fn there_and_back_is_the_same() {
        let event = value!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"}, "message": "m",
                            "involvedObject": {"kind": "Pod", "name": "p"}, "count": 3, "type": "Normal"});
        let served = find("events.k8s.io", "v1", "events").unwrap();
        let new = from_storage(served, &event);
        assert_eq!((new["note"].str(), new["regarding"]["name"].str()), ("m", "p"));
        assert_eq!(to_storage(served, new), event);
        let hpa = value!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"},
                          "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50}});
        let served = find("autoscaling", "v1", "horizontalpodautoscalers").unwrap();
        let stored = to_storage(served, hpa.clone());
        assert_eq!(stored["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"].int(), 50);
        assert_eq!(from_storage(served, &stored), hpa);
    }
}
