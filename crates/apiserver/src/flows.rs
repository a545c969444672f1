//! Priority and fairness, as far as it shows: the objects that every cluster has, and which of them a request falls under.
//! No request waits here, so no level ever has a queue.

use drydock_value::{Value, value};

use crate::auth::rules::{has, path_matches};
use crate::http::Route;
use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::user::{User, service_account};

/// The levels and schemas of a new cluster.
const TABLE: &str = include_str!("../data/flows.txt");

/// The objects of a new cluster: kind, object.
pub(crate) fn initial() -> impl Iterator<Item = (Kind, Value)> {
    TABLE.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["level", name, shares, lendable, queue @ ..] => {
                Some((kinds::PRIORITY_LEVEL_CONFIGURATIONS, level(name, shares, lendable, queue)))
            }
            ["flow", name, precedence, level, by, subjects, rules @ ..] => {
                let number: i64 = precedence.parse().ok()?;
                let (mut resources, mut paths) = (Vec::new(), Vec::new());
                for text in rules {
                    let parts: Vec<Vec<&str>> = text.split(':').map(|part| part.split(',').collect()).collect();
                    match parts.as_slice() {
                        [verbs, groups, kinds, scope] => {
                            resources.push(resource_rule(verbs, groups, kinds, scope[0] == "all"))
                        }
                        [verbs, urls] => paths.push(value!({"verbs": verbs.clone(), "nonResourceURLs": urls.clone()})),
                        _ => paths.push(value!({"verbs": ["*"], "nonResourceURLs": ["*"]})),
                    }
                }
                if *rules == ["*"] {
                    resources.push(resource_rule(&["*"], &["*"], &["*"], true));
                }
                let mut rule = value!({"subjects": subjects.split(',').map(subject).collect::<Vec<Value>>()});
                for (key, list) in [("resourceRules", resources), ("nonResourceRules", paths)] {
                    if !list.is_empty() {
                        rule.set(key, list);
                    }
                }
                let mut spec = value!({
                    "priorityLevelConfiguration": {"name": *level}, "matchingPrecedence": number, "rules": [rule]
                });
                if *by != "-" {
                    spec.set("distinguisherMethod", value!({"type": format!("By{by}")}));
                }
                Some((kinds::FLOW_SCHEMAS, value!({"metadata": metadata(name), "spec": spec})))
            }
            _ => None,
        }
    })
}

fn metadata(name: &str) -> Value {
    value!({"name": name, "annotations": {"apf.kubernetes.io/autoupdate-spec": "true"}})
}

fn level(name: &str, shares: &str, lendable: &str, queue: &[&str]) -> Value {
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    let mut limits = value!({"nominalConcurrencyShares": number(shares), "lendablePercent": number(lendable)});
    let spec = match queue {
        ["exempt"] => value!({"type": "Exempt", "exempt": limits}),
        [queues, hand, length] => {
            limits.set(
                "limitResponse",
                value!({"type": "Queue", "queuing": {
                    "queues": number(queues), "handSize": number(hand), "queueLengthLimit": number(length)
                }}),
            );
            value!({"type": "Limited", "limited": limits})
        }
        _ => {
            limits.set("limitResponse", value!({"type": "Reject"}));
            value!({"type": "Limited", "limited": limits})
        }
    };
    value!({"metadata": metadata(name), "spec": spec})
}

fn resource_rule(verbs: &[&str], groups: &[&str], resources: &[&str], cluster: bool) -> Value {
    let mut rule = value!({
        "verbs": verbs.to_vec(), "apiGroups": groups.to_vec(), "resources": resources.to_vec(), "namespaces": ["*"]
    });
    if cluster {
        rule.set("clusterScope", true);
    }
    rule
}

fn subject(text: &str) -> Value {
    match text.split_once('=') {
        Some(("g", name)) => value!({"kind": "Group", "group": {"name": name}}),
        Some(("s", name)) => {
            value!({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}})
        }
        _ => value!({"kind": "User", "user": {"name": text.trim_start_matches("u=")}}),
    }
}

/// Whether a schema's subject is this user.
fn is_subject(subject: &Value, user: &User) -> bool {
    let is = |name: &Value, text: &str| name == "*" || *name == *text;
    match subject["kind"].str() {
        "User" => is(&subject["user"]["name"], &user.name),
        "Group" => subject["group"]["name"] == "*" || user.is_in(subject["group"]["name"].str()),
        _ => service_account(&user.name).is_some_and(|(namespace, name)| {
            let account = &subject["serviceAccount"];
            account["namespace"] == *namespace && is(&account["name"], name)
        }),
    }
}

/// Whether one of a schema's rules is about a request.
fn is_about(rule: &Value, route: &Route) -> bool {
    if !route.is_resource {
        return rule["nonResourceRules"]
            .items()
            .iter()
            .any(|rule| has(&rule["verbs"], route.verb) && path_matches(&rule["nonResourceURLs"], &route.path));
    }
    let slash = if route.subresource.is_empty() { "" } else { "/" };
    let resource = format!("{}{slash}{}", route.resource, route.subresource);
    rule["resourceRules"].items().iter().any(|rule| {
        has(&rule["verbs"], route.verb)
            && has(&rule["apiGroups"], &route.group)
            && has(&rule["resources"], &resource)
            && if route.namespace.is_empty() {
                rule["clusterScope"].is_true()
            } else {
                has(&rule["namespaces"], &route.namespace)
            }
    })
}

impl ApiServer {
    /// The UIDs of the schema and of the level that a request falls under: of the schemas that are about it, the one with
    /// the lowest precedence.
    pub(crate) fn flow_of(&self, user: &User, route: &Route) -> Option<[String; 2]> {
        let place =
            |flow: &Value| (flow["spec"]["matchingPrecedence"].int(), flow["metadata"]["name"].str().to_owned());
        let mut best: Option<&Value> = None;
        for flow in self.objects(kinds::FLOW_SCHEMAS, "") {
            let mut rules = flow["spec"]["rules"].items().iter();
            if best.is_none_or(|best| place(flow) < place(best))
                && rules.any(|rule| {
                    rule["subjects"].items().iter().any(|subject| is_subject(subject, user)) && is_about(rule, route)
                })
            {
                best = Some(flow);
            }
        }
        let flow = best?;
        let name = flow["spec"]["priorityLevelConfiguration"]["name"].str();
        let level = self.get(kinds::PRIORITY_LEVEL_CONFIGURATIONS, "", name)?;
        Some([flow, level].map(|object| object["metadata"]["uid"].str().to_owned()))
    }
}

/// Keeps it said in a schema whether its level exists, as the real server's own controller does.
pub(crate) fn account(server: &mut ApiServer, _: Option<&Value>, new: Option<&Value>) {
    if let Some(flow) = new {
        tell(server, flow.clone());
    }
}

/// The same, when a level comes or goes.
pub(crate) fn account_level(server: &mut ApiServer, old: Option<&Value>, new: Option<&Value>) {
    let ((Some(level), None) | (None, Some(level))) = (old, new) else { return };
    let name = level["metadata"]["name"].clone();
    let about = |flow: &&Value| flow["spec"]["priorityLevelConfiguration"]["name"] == name;
    let flows: Vec<Value> = server.objects(kinds::FLOW_SCHEMAS, "").filter(about).cloned().collect();
    flows.into_iter().for_each(|flow| tell(server, flow));
}

fn tell(server: &mut ApiServer, mut flow: Value) {
    let name = flow["spec"]["priorityLevelConfiguration"]["name"].str().to_owned();
    let exists = server.get(kinds::PRIORITY_LEVEL_CONFIGURATIONS, "", &name).is_some();
    let (status, reason, how) =
        if exists { ("False", "Found", "and it exists") } else { ("True", "NotFound", "but there is no such object") };
    let before = &flow["status"]["conditions"].find("type", "Dangling").cloned().unwrap_or_default();
    let message = format!("This FlowSchema references the PriorityLevelConfiguration object named {name:?} {how}");
    if before["status"] == status && before["message"] == *message.as_str() {
        return;
    }
    let condition = value!({
        "type": "Dangling", "status": status, "lastTransitionTime": server.now.rfc3339(), "reason": reason,
        "message": message
    });
    let conditions = &mut flow["status"]["conditions"];
    match conditions.items_mut().iter_mut().find(|condition| condition["type"] == "Dangling") {
        Some(known) => *known = condition,
        None => conditions.push(condition),
    }
    // Where the cluster is full, it goes unsaid.
    let _ = server.store.put(kinds::FLOW_SCHEMAS, flow);
}
