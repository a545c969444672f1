//! Nobody grants what they do not have: writes of roles and bindings are checked against the writer's own rules.

use drydock_api::Status;
use drydock_sorted::Sort;
use drydock_value::Value;

use crate::auth::rules::{Ask, has, path_matches};
use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::user::User;
use crate::verbs::forbidden;

/// One thing granted: a rule with one verb, one group, one resource, one name.
fn breakdown(rule: &Value) -> Vec<Value> {
    use drydock_value::value;
    let mut parts = Vec::new();
    let none = [Value::Null];
    for verb in rule["verbs"].items() {
        for url in rule["nonResourceURLs"].items() {
            parts.push(value!({"verbs": [verb], "nonResourceURLs": [url]}));
        }
        for group in rule["apiGroups"].items() {
            for resource in rule["resources"].items() {
                let names = rule["resourceNames"].items();
                for name in if names.is_empty() { &none } else { names } {
                    let mut part = value!({"verbs": [verb], "apiGroups": [group], "resources": [resource]});
                    if !name.is_null() {
                        part.set("resourceNames", value!([name]));
                    }
                    parts.push(part);
                }
            }
        }
    }
    parts
}

/// Whether a rule covers one thing granted.
fn covers(owner: &Value, part: &Value) -> bool {
    if !has(&owner["verbs"], part["verbs"][0].str()) {
        return false;
    }
    let url = part["nonResourceURLs"][0].str();
    if !url.is_empty() {
        return path_matches(&owner["nonResourceURLs"], url);
    }
    let resource = part["resources"][0].str();
    let resource_covered = owner["resources"].items().iter().map(Value::str).any(|item| {
        item == "*"
            || item == resource
            || item.strip_prefix("*/").is_some_and(|sub| resource.split_once('/').is_some_and(|(_, s)| s == sub))
    });
    let names = owner["resourceNames"].items();
    has(&owner["apiGroups"], part["apiGroups"][0].str())
        && resource_covered
        && (names.is_empty() || names.iter().any(|name| *name == part["resourceNames"][0]))
}

/// A rule as the message shows it.
fn show(rule: &Value) -> String {
    let mut parts = Vec::new();
    for (label, key) in [
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("ResourceNames", "resourceNames"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("Verbs", "verbs"),
    ] {
        let items: Vec<String> = rule[key].items().iter().map(|item| format!("{:?}", item.str())).collect();
        if !items.is_empty() {
            parts.push(format!("{label}:[{}]", items.join(" ")));
        }
    }
    format!("{{{}}}", parts.join(", "))
}

/// Things granted on the same groups and resources, put together again as one rule for each set of verbs.
fn compact(parts: Vec<Value>) -> Vec<Value> {
    let mut rules: Vec<Value> = Vec::new();
    for part in parts {
        let same = |rule: &Value| {
            ["apiGroups", "resources", "resourceNames", "nonResourceURLs"].iter().all(|key| rule[*key] == part[*key])
        };
        match rules.iter_mut().find(|rule| same(rule)) {
            Some(rule) => rule["verbs"].push(&part["verbs"][0]),
            None => rules.push(part),
        }
    }
    rules.sort_compact_by_key(show);
    rules
}

impl ApiServer {
    /// Refuses a role or binding that grants more than its writer has, unless the writer may `escalate` or `bind`.
    pub(crate) fn check_escalation(
        &self,
        user: &User,
        kind: Kind,
        namespace: &str,
        object: &Value,
        old: Option<&Value>,
    ) -> Result<(), Status> {
        if user.is_in("system:masters") {
            return Ok(());
        }
        let name = object["metadata"]["name"].str();
        let (rules, verb, target_kind, target) = match kind {
            kinds::ROLES | kinds::CLUSTER_ROLES => {
                if old.is_some_and(|old| {
                    old["rules"] == object["rules"] && old["aggregationRule"] == object["aggregationRule"]
                }) {
                    return Ok(());
                }
                (object["rules"].items().to_vec(), "escalate", kind, name)
            }
            kinds::ROLE_BINDINGS | kinds::CLUSTER_ROLE_BINDINGS => {
                if old.is_some_and(|old| old["subjects"] == object["subjects"] && old["roleRef"] == object["roleRef"]) {
                    return Ok(());
                }
                let role = &object["roleRef"];
                let (kind, home) =
                    if role["kind"] == "Role" { (kinds::ROLES, namespace) } else { (kinds::CLUSTER_ROLES, "") };
                let target = role["name"].str();
                let rules = match self.store.get(kind, home, target) {
                    Some(found) => found["rules"].items().to_vec(),
                    None => Vec::new(),
                };
                (rules, "bind", kind, target)
            }
            _ => return Ok(()),
        };
        let info = target_kind.info();
        let ask = Ask::Resource { verb, group: info.group, resource: info.resource, subresource: "", name: target };
        if self.authorize(user, namespace, &ask).allowed {
            return Ok(());
        }
        let mut own: Vec<Value> = Vec::new();
        self.visit_rules(user, namespace, &mut |rule, _| {
            own.push(rule.clone());
            false
        });
        let missing: Vec<Value> =
            rules.iter().flat_map(breakdown).filter(|part| !own.iter().any(|rule| covers(rule, part))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
        let rules: Vec<String> = compact(missing).iter().map(show).collect();
        let why = format!(
            "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
            user.name,
            groups.join(" "),
            rules.join("\n")
        );
        Err(forbidden(kind, name, &why))
    }
}
