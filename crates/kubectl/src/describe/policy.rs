//! Network policies, disruption budgets and priority classes.

use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{
    annotations, boolean, format_labels, format_selector, go_time, labels, number, or_none, strings, text,
};
use super::{Described, writer::Writer};

/// Describes a network policy.
pub fn network_policy(w: &mut Writer, object: &Value, _: &mut Context) -> Described {
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Namespace", metadata["namespace"].str());
    w.field(0, "Created on", &go_time(&metadata["creationTimestamp"]));
    labels(w, "Labels", &metadata["labels"]);
    annotations(w, "Annotations", &metadata["annotations"]);
    w.line(0, "Spec:");
    w.put(1, "PodSelector: ");
    match format_selector(&spec["podSelector"]).as_str() {
        "<none>" => w.line(2, "<none> (Allowing the specific traffic to all pods in this namespace)"),
        selector => w.line(2, selector),
    }
    let types = strings(&spec["policyTypes"]);
    for (direction, kind, field) in [("ingress", "Ingress", "ingress"), ("egress", "Egress", "egress")] {
        if types.iter().any(|given| given == kind) {
            w.line(1, &format!("Allowing {direction} traffic:"));
            rules(w, &spec[field], direction);
        } else {
            w.line(1, &format!("Not affecting {direction} traffic"));
        }
    }
    w.line(1, &format!("Policy Types: {}", or_none(types.join(", "))));
    Ok(())
}

fn rules(w: &mut Writer, rules: &Value, direction: &str) {
    let (peers, word, end) =
        if direction == "ingress" { ("from", "From", "source") } else { ("to", "To", "destination") };
    let rules = rules.items();
    if rules.is_empty() {
        w.line(2, &format!("<none> (Selected pods are isolated for {direction} connectivity)"));
    }
    for (i, rule) in rules.iter().enumerate() {
        if rule["ports"].items().is_empty() {
            w.line(2, "To Port: <any> (traffic allowed to all ports)");
        }
        for port in rule["ports"].items() {
            let protocol = if port["protocol"].is_null() { "TCP" } else { port["protocol"].str() };
            let number = if port["port"].is_null() { "<nil>".into() } else { text(&port["port"]) };
            match port["endPort"].as_i64() {
                None => w.line(2, &format!("To Port: {number}/{protocol}")),
                Some(end) => w.line(2, &format!("To Port Range: {number}-{end}/{protocol}")),
            }
        }
        if rule[peers].items().is_empty() {
            w.line(2, &format!("{word}: <any> (traffic not restricted by {end})"));
        }
        for peer in rule[peers].items() {
            w.line(2, &format!("{word}:"));
            for (title, field) in [("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")] {
                if !peer[field].is_null() {
                    w.line(3, &format!("{title}: {}", format_selector(&peer[field])));
                }
            }
            let selects = !peer["namespaceSelector"].is_null() || !peer["podSelector"].is_null();
            if let Some(block) = peer.get("ipBlock").filter(|_| !selects) {
                w.line(3, "IPBlock:");
                w.line(4, &format!("CIDR: {}", block["cidr"].str()));
                w.line(4, &format!("Except: {}", strings(&block["except"]).join(", ")));
            }
        }
        if i + 1 != rules.len() {
            w.line(2, "----------");
        }
    }
}

/// Describes a disruption budget.
pub fn disruption_budget(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (spec, status) = (&object["spec"], &object["status"]);
    w.field(0, "Name", object["metadata"]["name"].str());
    w.field(0, "Namespace", object["metadata"]["namespace"].str());
    if !spec["minAvailable"].is_null() {
        w.field(0, "Min available", &text(&spec["minAvailable"]));
    } else if !spec["maxUnavailable"].is_null() {
        w.field(0, "Max unavailable", &text(&spec["maxUnavailable"]));
    }
    match &spec["selector"] {
        Value::Null => w.field(0, "Selector", "<unset>"),
        selector => w.field(0, "Selector", &format_selector(selector)),
    }
    w.line(0, "Status:");
    for (title, field) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        w.field(2, title, &number(&status[field]));
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes a priority class.
pub fn priority_class(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    w.field(0, "Name", object["metadata"]["name"].str());
    w.field(0, "Value", &number(&object["value"]));
    w.field(0, "GlobalDefault", boolean(&object["globalDefault"]));
    w.field(0, "PreemptionPolicy", object["preemptionPolicy"].str());
    w.field(0, "Description", object["description"].str());
    w.field(0, "Annotations", &format_labels(&object["metadata"]["annotations"]));
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}
