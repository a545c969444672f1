//! Where a pod may go: affinity, tolerations, spreading.

use drydock_value::Value;

use super::super::common::{dns_subdomain, label_selector, one_of, optional_one_of, qualified_name};
use super::super::{Errors, Path, names};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn weight(term: &Value, path: &Path<'_>, errors: &mut Errors) {
    if !(1..=100).contains(&term["weight"].int()) {
        errors.invalid(&path.field("weight"), term["weight"].int(), "must be in the range 1-100");
    }
}

/// Affinity of all three kinds.
pub(super) fn affinity(affinity: &Value, path: &Path<'_>, errors: &mut Errors) {
    let node = &affinity["nodeAffinity"];
    let at = path.field("nodeAffinity");
    if !node[REQUIRED].is_null() {
        node_selector(&node[REQUIRED], &at.field(REQUIRED), errors);
    }
    for (index, term) in node[PREFERRED].items().iter().enumerate() {
        let list = at.field(PREFERRED);
        let path = list.index(index);
        weight(term, &path, errors);
        node_term(&term["preference"], false, &path.field("preference"), errors);
    }
    for key in ["podAffinity", "podAntiAffinity"] {
        let pods = &affinity[key];
        let at = path.field(key);
        for (index, term) in pods[REQUIRED].items().iter().enumerate() {
            pod_term(term, &at.field(REQUIRED).index(index), errors);
        }
        for (index, term) in pods[PREFERRED].items().iter().enumerate() {
            let list = at.field(PREFERRED);
            let path = list.index(index);
            weight(term, &path, errors);
            pod_term(&term["podAffinityTerm"], &path.field("podAffinityTerm"), errors);
        }
    }
}

/// A node selector: at least one term.
pub(crate) fn node_selector(selector: &Value, path: &Path<'_>, errors: &mut Errors) {
    let terms = selector["nodeSelectorTerms"].items();
    let list = path.field("nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(&list, "must have at least one node selector term");
    }
    for (at, term) in terms.iter().enumerate() {
        node_term(term, true, &list.index(at), errors);
    }
}

/// `strict`: whether values must be such that a label can have them; what is only preferred may name others.
fn node_term(term: &Value, strict: bool, path: &Path<'_>, errors: &mut Errors) {
    let list = path.field("matchExpressions");
    for (at, expression) in term["matchExpressions"].items().iter().enumerate() {
        let path = list.index(at);
        let values = expression["values"].items();
        let value_path = path.field("values");
        match expression["operator"].str() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(&value_path, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(&value_path, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                errors.required(&value_path, "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => errors.invalid(&path.field("operator"), other, "not a valid selector operator"),
        }
        qualified_name(expression["key"].str(), &path.field("key"), errors);
        for (at, value) in values.iter().enumerate().filter(|_| strict) {
            errors.all_invalid(&value_path.index(at), value.str(), names::label_value(value.str()));
        }
    }
    let list = path.field("matchFields");
    for (at, field) in term["matchFields"].items().iter().enumerate() {
        let path = list.index(at);
        match field["operator"].str() {
            "In" | "NotIn" => {
                if field["values"].items().len() != 1 {
                    errors.required(
                        &path.field("values"),
                        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
                    );
                }
            }
            other => errors.invalid(&path.field("operator"), other, "not a valid selector operator"),
        }
        if field["key"] != "metadata.name" {
            errors.invalid(&path.field("key"), field["key"].str(), "not a valid field selector key");
            continue;
        }
        for (at, value) in field["values"].items().iter().enumerate() {
            dns_subdomain(value.str(), &path.field("values").index(at), errors);
        }
    }
}

fn pod_term(term: &Value, path: &Path<'_>, errors: &mut Errors) {
    label_selector(&term["labelSelector"], &path.field("labelSelector"), errors);
    label_selector(&term["namespaceSelector"], &path.field("namespaceSelector"), errors);
    for name in term["namespaces"].items() {
        errors.all_invalid(&path.field("namespace"), name.str(), names::dns_label(name.str()));
    }
    match_keys(term, path, errors);
    let key = term["topologyKey"].str();
    if key.is_empty() {
        errors.required(&path.field("topologyKey"), "can not be empty");
    }
    qualified_name(key, &path.field("topologyKey"), errors);
}

/// The keys whose values of the pod's own complete a selector: by now its expressions have them.
fn match_keys(term: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (with, without) = (term["matchLabelKeys"].items(), term["mismatchLabelKeys"].items());
    let selector = &term["labelSelector"];
    for (field, keys) in [("matchLabelKeys", with), ("mismatchLabelKeys", without)] {
        label_keys(keys, selector, &path.field(field), errors);
    }
    let expressions = selector["matchExpressions"].items();
    for (at, expression) in expressions.iter().enumerate() {
        let key = &expression["key"];
        let seen = !selector["matchLabels"].get(key.str()).is_none_or(Value::is_null)
            || expressions[..at].iter().any(|earlier| earlier["key"] == *key);
        if let Some(place) = with.iter().rposition(|wanted| wanted == key).filter(|_| seen) {
            errors.invalid(&path.index(place), key, "exists in both matchLabelKeys and labelSelector");
        }
    }
    for (at, key) in with.iter().enumerate().filter(|(_, key)| without.contains(key)) {
        errors.invalid(
            &path.field("matchLabelKeys").index(at),
            key,
            "exists in both matchLabelKeys and mismatchLabelKeys",
        );
    }
}

/// Keys of labels that complete a selector.
fn label_keys(keys: &[Value], selector: &Value, list: &Path<'_>, errors: &mut Errors) {
    if !keys.is_empty() && selector.is_null() {
        errors.forbidden(list, "must not be specified when labelSelector is not set");
        return;
    }
    for (at, key) in keys.iter().enumerate() {
        qualified_name(key.str(), &list.index(at), errors);
    }
}

/// Tolerations.
pub(crate) fn tolerations(tolerations: &Value, list: &Path<'_>, errors: &mut Errors) {
    for (at, toleration) in tolerations.items().iter().enumerate() {
        let path = list.index(at);
        let (key, operator) = (toleration["key"].str(), toleration["operator"].str());
        let (value, effect) = (toleration["value"].str(), toleration["effect"].str());
        if !key.is_empty() {
            qualified_name(key, &path.field("key"), errors);
        } else if operator != "Exists" {
            errors.invalid(
                &path.field("operator"),
                operator,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            );
        }
        if !toleration["tolerationSeconds"].is_null() && effect != "NoExecute" {
            errors.invalid(&path.field("effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        match operator {
            "Equal" | "" => {
                let wrong = names::label_value(value);
                if !wrong.is_empty() {
                    errors.invalid(&path.field("operator"), value, wrong.join(";"));
                }
            }
            "Exists" => {
                if !value.is_empty() {
                    errors.invalid(&path.field("operator"), value, "value must be empty when `operator` is 'Exists'");
                }
            }
            other => errors.not_supported(&path.field("operator"), other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            one_of(
                &toleration["effect"],
                &["NoSchedule", "PreferNoSchedule", "NoExecute"],
                &path.field("effect"),
                errors,
            );
        }
    }
}

/// Topology spread constraints.
pub(super) fn spread(constraints: &Value, list: &Path<'_>, errors: &mut Errors) {
    let constraints = constraints.items();
    for (at, constraint) in constraints.iter().enumerate() {
        let path = list.index(at);
        if constraint["maxSkew"].int() <= 0 {
            errors.invalid(&path.field("maxSkew"), constraint["maxSkew"].int(), "must be greater than zero");
        }
        let key = constraint["topologyKey"].str();
        if key.is_empty() {
            errors.required(&path.field("topologyKey"), "can not be empty");
        } else {
            qualified_name(key, &path.field("topologyKey"), errors);
        }
        let when = constraint["whenUnsatisfiable"].str();
        one_of(
            &constraint["whenUnsatisfiable"],
            &["DoNotSchedule", "ScheduleAnyway"],
            &path.field("whenUnsatisfiable"),
            errors,
        );
        let same = |other: &Value| other["topologyKey"] == *key && other["whenUnsatisfiable"] == *when;
        if constraints[at + 1..].iter().any(same) {
            errors.duplicate(&path.field("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {when}}}"));
        }
        let domains = &constraint["minDomains"];
        if let Some(count) = domains.as_i64() {
            if count <= 0 {
                errors.invalid(&path.field("minDomains"), count, "must be greater than zero");
            }
            if when != "DoNotSchedule" {
                errors.invalid(
                    &path.field("minDomains"),
                    count,
                    format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {when}"),
                );
            }
        }
        for key in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            optional_one_of(&constraint[key], &["Honor", "Ignore"], &path.field(key), errors);
        }
        match_keys(constraint, &path, errors);
        label_selector(&constraint["labelSelector"], &path.field("labelSelector"), errors);
    }
}
