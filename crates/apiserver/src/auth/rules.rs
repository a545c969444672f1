//! What a role's rule grants.

use drydock_value::Value;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ask<'a> {
    /// A verb on a resource, or a subresource of it.
    Resource { verb: &'a str, group: &'a str, resource: &'a str, subresource: &'a str, name: &'a str },
    /// A verb on a path.
    Path { verb: &'a str, path: &'a str },
}

fn contains(list: &Value, wanted: &str) -> bool {
    list.items().iter().any(|item| item == wanted)
}

/// Whether a list has the item or `*`.
pub(crate) fn has(list: &Value, wanted: &str) -> bool {
    list.items().iter().any(|item| item == "*" || item == wanted)
}

/// Whether a rule grants what is asked for.
pub(crate) fn grants(rule: &Value, ask: &Ask<'_>) -> bool {
    match ask {
        Ask::Resource { verb, group, resource, subresource, name } => {
            has(&rule["verbs"], verb)
                && has(&rule["apiGroups"], group)
                && resource_matches(&rule["resources"], resource, subresource)
                && (rule["resourceNames"].items().is_empty() || contains(&rule["resourceNames"], name))
        }
        Ask::Path { verb, path } => has(&rule["verbs"], verb) && path_matches(&rule["nonResourceURLs"], path),
    }
}

fn resource_matches(resources: &Value, resource: &str, subresource: &str) -> bool {
    if subresource.is_empty() {
        return has(resources, resource);
    }
    let full = format!("{resource}/{subresource}");
    resources
        .items()
        .iter()
        .map(Value::str)
        .any(|item| item == "*" || item == full || item.strip_prefix("*/").is_some_and(|sub| sub == subresource))
}

/// `*`, the path itself, or a prefix that ends in `*`.
pub(crate) fn path_matches(paths: &Value, path: &str) -> bool {
    paths.items().iter().map(Value::str).any(|item| {
        item == "*" || item == path || item.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn rules_grant_what_they_name() {
        let rule = value!({"apiGroups": [""], "resources": ["pods", "*/scale", "pods/log"], "verbs": ["get"],
                           "resourceNames": []});
        let ask = |verb: &'static str, resource, subresource| {
            grants(&rule, &Ask::Resource { verb, group: "", resource, subresource, name: "x" })
        };
        assert!(ask("get", "pods", ""));
        assert!(ask("get", "pods", "log"));
        assert!(ask("get", "deployments", "scale"));
        assert!(!ask("get", "pods", "exec"));
        assert!(!ask("list", "pods", ""));
        let named = value!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "resourceNames": ["a"]});
        let on =
            |name| grants(&named, &Ask::Resource { verb: "get", group: "apps", resource: "x", subresource: "", name });
        assert!(on("a") && !on("b") && !on(""));
        let urls = value!({"nonResourceURLs": ["/api/*", "/version"], "verbs": ["get"]});
        assert!(grants(&urls, &Ask::Path { verb: "get", path: "/api/v1" }));
        assert!(!grants(&urls, &Ask::Path { verb: "get", path: "/api" }));
    }
}
