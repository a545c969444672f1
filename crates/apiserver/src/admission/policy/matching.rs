//! Which requests a policy or a binding is about.

use drydock_schema::labels::Selector;
use drydock_value::Value;

use super::Call;
use crate::kinds;
use crate::registry::Served;
use crate::server::ApiServer;

fn has(list: &Value, wanted: &str) -> bool {
    list.items().iter().any(|item| item == "*" || item == wanted)
}

fn resource_fits(rules: &Value, resource: &str, subresource: &str) -> bool {
    rules.items().iter().any(|rule| {
        let (name, sub) = rule.str().split_once('/').unwrap_or((rule.str(), ""));
        (name == "*" || name == resource) && (sub == "*" || sub == subresource)
    })
}

fn rule_fits(rule: &Value, call: &Call<'_>, served: &Served) -> bool {
    let namespaced = call.kind.namespaced();
    let names = rule["resourceNames"].items();
    has(&rule["operations"], call.operation())
        && has(&rule["apiGroups"], served.group())
        && has(&rule["apiVersions"], served.version())
        && resource_fits(&rule["resources"], served.resource(), call.subresource)
        && match rule["scope"].str() {
            "Cluster" => !namespaced,
            "Namespaced" => namespaced,
            _ => true,
        }
        && (names.is_empty() || names.iter().any(|name| name == call.name.as_str()))
}

/// The version in which a rule is about the request: the client's own, or another if the policy takes them as equal.
fn version_of(server: &ApiServer, rules: &Value, exact: bool, call: &Call<'_>) -> Option<&'static Served> {
    let own = call.served();
    if rules.items().iter().any(|rule| rule_fits(rule, call, own)) {
        return Some(own);
    }
    if exact {
        return None;
    }
    let versions = call.versions(server);
    versions.into_iter().find(|served| rules.items().iter().any(|rule| rule_fits(rule, call, served)))
}

fn selects(selector: &Value, object: &Value) -> Result<bool, String> {
    Ok(Selector::from_label_selector(selector)?.matches_object(object))
}

/// Whether a selector for namespaces selects that of the request.
fn namespace_fits(server: &ApiServer, selector: &Value, call: &Call<'_>) -> Result<bool, String> {
    if selector.is_empty() {
        return Ok(true);
    }
    if call.kind == kinds::NAMESPACES {
        return selects(selector, if call.object.is_null() { call.old } else { call.object });
    }
    if !call.kind.namespaced() {
        return Ok(true);
    }
    match server.store.get(kinds::NAMESPACES, "", call.namespace) {
        Some(namespace) => selects(selector, namespace),
        None => Err(format!("namespaces {:?} not found", call.namespace)),
    }
}

/// Whether a `MatchResources` is about the request, and in which version. One without rules is about everything.
pub(super) fn matches(
    server: &ApiServer,
    resources: &Value,
    call: &Call<'_>,
) -> Result<Option<&'static Served>, String> {
    if !namespace_fits(server, &resources["namespaceSelector"], call)? {
        return Ok(None);
    }
    let selector = &resources["objectSelector"];
    if !selector.is_empty() {
        let mut any = false;
        for object in [call.object, call.old] {
            any |= !object.is_null() && selects(selector, object)?;
        }
        if !any {
            return Ok(None);
        }
    }
    let exact = resources["matchPolicy"] == "Exact";
    if version_of(server, &resources["excludeResourceRules"], exact, call).is_some() {
        return Ok(None);
    }
    if resources["resourceRules"].items().is_empty() {
        return Ok(Some(call.served()));
    }
    Ok(version_of(server, &resources["resourceRules"], exact, call))
}
