//! Roles and their bindings.

use drydock_value::{Value, to_json};

use super::common::{label_selector, required};
use super::{Errors, Path, names};

const GROUP: &str = "rbac.authorization.k8s.io";

fn rules(object: &Value, namespaced: bool, errors: &mut Errors) {
    let list = Path::new("rules");
    for (at, rule) in object["rules"].items().iter().enumerate() {
        let path = list.index(at);
        if rule["verbs"].items().is_empty() {
            errors.required(&path.field("verbs"), "verbs must contain at least one value");
        }
        let urls = &rule["nonResourceURLs"];
        if !urls.items().is_empty() {
            if namespaced {
                errors.invalid(
                    &path.field("nonResourceURLs"),
                    urls,
                    "namespaced rules cannot apply to non-resource URLs",
                );
            }
            if ["apiGroups", "resources", "resourceNames"].iter().any(|key| !rule[*key].items().is_empty()) {
                errors.invalid(
                    &path.field("nonResourceURLs"),
                    urls,
                    "rules cannot apply to both regular resources and non-resource URLs",
                );
            }
            continue;
        }
        if rule["apiGroups"].items().is_empty() {
            errors.required(&path.field("apiGroups"), "resource rules must supply at least one api group");
        }
        if rule["resources"].items().is_empty() {
            errors.required(&path.field("resources"), "resource rules must supply at least one resource");
        }
    }
}

pub(crate) fn role(role: &Value, errors: &mut Errors) {
    rules(role, true, errors);
}

pub(crate) fn cluster_role(role: &Value, errors: &mut Errors) {
    rules(role, false, errors);
    let aggregation = &role["aggregationRule"];
    if !aggregation.is_null() {
        let list = Path::new("aggregationRule");
        let list = list.field("clusterRoleSelectors");
        let selectors = aggregation["clusterRoleSelectors"].items();
        if selectors.is_empty() {
            errors.required(&list, "at least one clusterRoleSelector required if aggregationRule is non-nil");
        }
        for (at, selector) in selectors.iter().enumerate() {
            label_selector(selector, &list.index(at).field("matchLabels"), errors);
        }
    }
}

fn binding(binding: &Value, kinds: &[&str], errors: &mut Errors) {
    let role = &binding["roleRef"];
    let path = Path::new("roleRef");
    if role["apiGroup"] != GROUP {
        errors.not_supported(&path.field("apiGroup"), role["apiGroup"].str(), &[GROUP]);
    }
    if !kinds.contains(&role["kind"].str()) {
        errors.not_supported(&path.field("kind"), role["kind"].str(), kinds);
    }
    let name = role["name"].str();
    if name.is_empty() {
        errors.required(&path.field("name"), "");
    } else {
        errors.all_invalid(&path.field("name"), name, names::path_segment_name(name));
    }
    let list = Path::new("subjects");
    for (at, subject) in binding["subjects"].items().iter().enumerate() {
        one_subject(subject, kinds.len() > 1, &list.index(at), errors);
    }
}

fn one_subject(subject: &Value, namespaced: bool, path: &Path<'_>, errors: &mut Errors) {
    required(&subject["name"], &path.field("name"), errors);
    match subject["kind"].str() {
        "ServiceAccount" => {
            let name = subject["name"].str();
            if !name.is_empty() {
                errors.all_invalid(&path.field("name"), name, names::dns_subdomain(name));
            }
            if !subject["apiGroup"].str().is_empty() {
                errors.not_supported(&path.field("apiGroup"), subject["apiGroup"].str(), &[""]);
            }
            if !namespaced && subject["namespace"].str().is_empty() {
                errors.required(&path.field("namespace"), "");
            }
        }
        "User" | "Group" => {
            if subject["apiGroup"] != GROUP {
                errors.not_supported(&path.field("apiGroup"), subject["apiGroup"].str(), &[GROUP]);
            }
        }
        other => errors.not_supported(&path.field("kind"), other, &["ServiceAccount", "User", "Group"]),
    }
}

pub(crate) fn role_binding(object: &Value, errors: &mut Errors) {
    binding(object, &["Role", "ClusterRole"], errors);
}

pub(crate) fn cluster_role_binding(object: &Value, errors: &mut Errors) {
    binding(object, &["ClusterRole"], errors);
}

fn role_unchanged(new: &Value, old: &Value, errors: &mut Errors) {
    let (new, old) = (&new["roleRef"], &old["roleRef"]);
    if new != old {
        let shown = format!(
            "{{\"APIGroup\":{},\"Kind\":{},\"Name\":{}}}",
            to_json(&new["apiGroup"]),
            to_json(&new["kind"]),
            to_json(&new["name"])
        );
        errors.invalid_text(&Path::new("roleRef"), &shown, "cannot change roleRef");
    }
}

pub(crate) fn role_binding_update(new: &Value, old: &Value, errors: &mut Errors) {
    role_binding(new, errors);
    role_unchanged(new, old, errors);
}

pub(crate) fn cluster_role_binding_update(new: &Value, old: &Value, errors: &mut Errors) {
    cluster_role_binding(new, errors);
    role_unchanged(new, old, errors);
}
