//! Node affinity: does a node's labels and name fit what a pod selects.

use drydock_sorted::Sort;
use drydock_value::{Str, Value};

use super::pod::PodInfo;
use super::state::NodeInfo;

/// Whether one requirement fits a label's value (None: there is no such label).
fn fits(requirement: &Value, has: Option<&str>) -> bool {
    let values = requirement["values"].items();
    let among = |has: &str| values.iter().any(|value| value.str() == has);
    match requirement["operator"].str() {
        "In" => has.is_some_and(among),
        "NotIn" => !has.is_some_and(among),
        "Exists" => has.is_some(),
        "DoesNotExist" => has.is_none(),
        operator @ ("Gt" | "Lt") => {
            let bound = values.first().and_then(|value| value.str().parse::<i64>().ok());
            match (has.and_then(|has| has.parse::<i64>().ok()), bound) {
                (Some(has), Some(bound)) => {
                    if operator == "Gt" {
                        has > bound
                    } else {
                        has < bound
                    }
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether a node fits a term: all its requirements. A term without any fits nothing.
pub fn term_fits(term: &Value, node: &NodeInfo) -> bool {
    let (labels, fields) = (term["matchExpressions"].items(), term["matchFields"].items());
    if labels.is_empty() && fields.is_empty() {
        return false;
    }
    labels.iter().all(|requirement| fits(requirement, node.label(requirement["key"].str()).map(Str::as_str)))
        && fields.iter().all(|requirement| requirement["key"] == "metadata.name" && fits(requirement, Some(&node.name)))
}

/// Whether a node fits a pod's `nodeSelector` and required node affinity.
pub fn node_fits(pod: &PodInfo, node: &NodeInfo) -> bool {
    let Some(needs) = &pod.node_needs else { return true };
    needs.selector.entries().all(|(key, value)| node.label(key).is_some_and(|has| value == has.as_str()))
        && (needs.terms.is_null() || needs.terms.items().iter().any(|term| term_fits(term, node)))
}

/// The only nodes that a pod's affinity can fit by name, when every term names some: DaemonSet pods do.
pub fn named_nodes(pod: &PodInfo) -> Option<Vec<Str>> {
    let terms = pod.node_needs.as_ref()?.terms.items();
    if terms.is_empty() {
        return None;
    }
    let mut names: Vec<Str> = Vec::new();
    for term in terms {
        let named = term["matchFields"]
            .items()
            .iter()
            .find(|requirement| requirement["key"] == "metadata.name" && requirement["operator"] == "In")?;
        names.extend(named["values"].items().iter().map(crate::objects::shared));
    }
    names.sort_compact();
    names.dedup();
    Some(names)
}

/// How much a node is preferred.
pub fn preference(pod: &PodInfo, node: &NodeInfo) -> i64 {
    let wishes = pod.node_wishes.items().iter();
    wishes.filter(|wish| term_fits(&wish["preference"], node)).map(|wish| wish["weight"].int()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn operators() {
        let requirement = |operator: &str, values: Value| value!({"key": "k", "operator": operator, "values": values});
        let cases = [
            (requirement("In", value!(["a", "b"])), Some("a"), true),
            (requirement("In", value!(["a"])), None, false),
            (requirement("NotIn", value!(["a"])), None, true),
            (requirement("NotIn", value!(["a"])), Some("a"), false),
            (requirement("Exists", value!([])), Some(""), true),
            (requirement("DoesNotExist", value!([])), Some(""), false),
            (requirement("Gt", value!(["4"])), Some("8"), true),
            (requirement("Gt", value!(["4"])), Some("x"), false),
            (requirement("Lt", value!(["4"])), Some("3"), true),
        ];
        for (requirement, has, expected) in cases {
            assert_eq!(fits(&requirement, has), expected, "{requirement} {has:?}");
        }
    }

    #[test]
    fn names_are_known_when_every_term_has_some() {
        let spec = |terms: Value| value!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
        let named = value!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]});
        let names = |spec: Value| {
            let pod = crate::objects::Object::read(value!({"metadata": {"name": "p"}, "spec": spec}), true);
            named_nodes(&PodInfo::read(&pod, &|_| Vec::new()))
        };
        assert_eq!(names(spec(value!([named.clone()]))), Some(vec!["n".into()]));
        assert_eq!(names(spec(value!([named, {"matchExpressions": []}]))), None);
        assert_eq!(names(value!({})), None);
    }
}
