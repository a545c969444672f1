//! Quotas, budgets, classes, flow control and admission policies.

use drydock_value::Value;

use super::cells::{Print, or};

pub(super) fn resource_quota(print: &Print<'_>) -> Vec<Value> {
    let status = print.status();
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in status["hard"].entries() {
        let column = if resource.starts_with("limits") { &mut limits } else { &mut requests };
        column.push(format!("{resource}: {}/{}", or(status["used"][resource].str(), "0"), hard.str()));
    }
    vec![print.name(), requests.join(", ").into(), limits.join(", ").into(), print.own_age()]
}

fn int_or_string(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::String(text) => text.into(),
        number => number.int().to_string().into(),
    }
}

pub(super) fn disruption_budget(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    vec![
        print.name(),
        int_or_string(&spec["minAvailable"]),
        int_or_string(&spec["maxUnavailable"]),
        print.status()["disruptionsAllowed"].int().into(),
        print.own_age(),
    ]
}

pub(super) fn priority_class(print: &Print<'_>) -> Vec<Value> {
    let object = print.object;
    vec![
        print.name(),
        object["value"].int().into(),
        object["globalDefault"].is_true().into(),
        print.own_age(),
        or(object["preemptionPolicy"].str(), "<unset>").into(),
    ]
}

pub(super) fn runtime_class(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.object["handler"].clone(), print.own_age()]
}

pub(super) fn flow_schema(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let dangling =
        print.status()["conditions"].find("type", "Dangling").map_or("?", |condition| condition["status"].str());
    vec![
        print.name(),
        spec["priorityLevelConfiguration"]["name"].clone(),
        spec["matchingPrecedence"].int().into(),
        or(spec["distinguisherMethod"]["type"].str(), "<none>").into(),
        print.own_age(),
        dangling.into(),
    ]
}

pub(super) fn priority_level(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let limited = &spec["limited"];
    let number = |value: &Value| value.as_i64().map_or("<none>".to_owned(), |n| n.to_string());
    let queuing = &limited["limitResponse"]["queuing"];
    let shares = if spec["exempt"].is_null() {
        &limited["nominalConcurrencyShares"]
    } else {
        &spec["exempt"]["nominalConcurrencyShares"]
    };
    vec![
        print.name(),
        spec["type"].clone(),
        number(shares).into(),
        number(&queuing["queues"]).into(),
        number(&queuing["handSize"]).into(),
        number(&queuing["queueLengthLimit"]).into(),
        print.own_age(),
    ]
}

pub(super) fn webhooks(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.object["webhooks"].items().len().into(), print.own_age()]
}

fn param_kind(spec: &Value) -> Value {
    let kind = &spec["paramKind"];
    if kind.is_null() {
        "<unset>".into()
    } else {
        format!("{}/{}", kind["apiVersion"].str(), kind["kind"].str()).into()
    }
}

pub(super) fn validating_policy(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    vec![print.name(), spec["validations"].items().len().into(), param_kind(spec), print.own_age()]
}

pub(super) fn mutating_policy(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    vec![print.name(), spec["mutations"].items().len().into(), param_kind(spec), print.own_age()]
}

pub(super) fn binding(print: &Print<'_>) -> Vec<Value> {
    let spec = print.spec();
    let parameters = &spec["paramRef"];
    let text = if parameters.is_null() {
        "<unset>".to_owned()
    } else if !parameters["name"].str().is_empty() {
        let namespace = parameters["namespace"].str();
        format!("{}/{}", or(namespace, "*"), parameters["name"].str())
    } else {
        or(&super::cells::label_selector(&parameters["selector"]), "<unset>").to_owned()
    };
    vec![print.name(), spec["policyName"].clone(), text.into(), print.own_age()]
}
