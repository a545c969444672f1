//! Nodes, events, leases, certificates and devices.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::cells::{Print, or};
use super::workloads::human_seconds;

pub(super) fn node(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let mut word = match status["conditions"].find("type", "Ready") {
        Some(condition) if condition["status"] == "True" => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if spec["unschedulable"].is_true() {
        word.push_str(",SchedulingDisabled");
    }
    let mut roles: Vec<&str> = print.object["metadata"]["labels"]
        .entries()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None if key == "kubernetes.io/role" => Some(value.str()),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_compact();
    roles.dedup();
    let info = &status["nodeInfo"];
    let address = |kind: &str| status["addresses"].find("type", kind).map_or("<none>", |a| a["address"].str());
    vec![
        print.name(),
        word.into(),
        or(&roles.join(","), "<none>").into(),
        print.own_age(),
        info["kubeletVersion"].str().into(),
        address("InternalIP").into(),
        address("ExternalIP").into(),
        or(info["osImage"].str(), "<unknown>").into(),
        or(info["kernelVersion"].str(), "<unknown>").into(),
        or(info["containerRuntimeVersion"].str(), "<unknown>").into(),
    ]
}

pub(super) fn event(print: &Print<'_>) -> Vec<Value> {
    let event = print.object;
    let first = match &event["firstTimestamp"] {
        Value::Null => print.age(&event["eventTime"]),
        moment => print.age(moment),
    };
    let series = &event["series"];
    let mut last = match &event["lastTimestamp"] {
        Value::Null => first.clone(),
        moment => print.age(moment),
    };
    let mut count = event["count"].int().max(1);
    if !series.is_null() {
        last = print.age(&series["lastObservedTime"]);
        count = series["count"].int();
    }
    let involved = &event["involvedObject"];
    let kind = involved["kind"].str().to_lowercase();
    let name = involved["name"].str();
    let target = if name.is_empty() { kind } else { format!("{kind}/{name}") };
    let mut source = or(event["source"]["component"].str(), event["reportingComponent"].str()).to_owned();
    let host = or(event["source"]["host"].str(), event["reportingInstance"].str());
    if !host.is_empty() {
        source.push_str(", ");
        source.push_str(host);
    }
    vec![
        last.into(),
        event["type"].str().into(),
        event["reason"].str().into(),
        target.into(),
        involved["fieldPath"].str().into(),
        source.into(),
        event["message"].str().trim().into(),
        first.into(),
        count.into(),
        print.name(),
    ]
}

pub(super) fn lease(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.spec()["holderIdentity"].str().into(), print.own_age()]
}

pub(super) fn api_service(print: &Print<'_>) -> Vec<Value> {
    let service = &print.spec()["service"];
    let text = if service.is_null() {
        "Local".to_owned()
    } else {
        format!("{}/{}", service["namespace"].str(), service["name"].str())
    };
    let available = match print.status()["conditions"].find("type", "Available") {
        Some(condition) if condition["status"] == "True" => "True".to_owned(),
        Some(condition) => format!("{} ({})", condition["status"].str(), condition["reason"].str()),
        None => "Unknown".to_owned(),
    };
    vec![print.name(), text.into(), available.into(), print.own_age()]
}

pub(super) fn signing_request(print: &Print<'_>) -> Vec<Value> {
    let (spec, status) = (print.spec(), print.status());
    let has = |kind: &str| status["conditions"].find("type", kind).is_some();
    let mut word = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        word.push_str(",Failed");
    }
    if !status["certificate"].str().is_empty() {
        word.push_str(",Issued");
    }
    let duration = spec["expirationSeconds"].as_i64().map_or("<none>".to_owned(), human_seconds);
    vec![
        print.name(),
        print.own_age(),
        or(spec["signerName"].str(), "<none>").into(),
        spec["username"].str().into(),
        duration.into(),
        word.into(),
    ]
}

pub(super) fn resource_claim(print: &Print<'_>) -> Vec<Value> {
    let status = print.status();
    let mut states = Vec::new();
    if !print.object["metadata"]["deletionTimestamp"].is_null() {
        states.push("deleted");
    }
    if status["allocation"].is_null() {
        states.push("pending");
    } else {
        states.push("allocated");
    }
    if !status["reservedFor"].items().is_empty() {
        states.push("reserved");
    }
    vec![print.name(), states.join(",").into(), print.own_age()]
}

pub(super) fn resource_slice(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let node = or(spec["nodeName"].str(), if spec["allNodes"].is_true() { "<all>" } else { "<unset>" });
    vec![print.name(), node.into(), spec["driver"].clone(), spec["pool"]["name"].clone(), print.own_age()]
}
