//! A replica's identity: its name follows from its number, and its claims from its name.

use drydock_value::{Str, Value, value};

use crate::controllers::common::PodControl;
use crate::store::{Kind, kinds};

/// The name of the replica with a number.
pub fn name(set: &str, ordinal: i64) -> Str {
    format!("{set}-{ordinal}").into()
}

/// The number in a replica's name; None when it is no replica's of this set.
pub fn ordinal(set: &str, pod: &str) -> Option<i64> {
    let number = pod.strip_prefix(set)?.strip_prefix('-')?;
    let canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && (number.len() == 1 || !number.starts_with('0'));
    if canonical { number.parse().ok() } else { None }
}

/// The claims of a replica.
pub fn claims(set: &Value, ordinal: i64) -> Vec<Value> {
    let set_name = set["metadata"]["name"].str();
    let selector = &set["spec"]["selector"]["matchLabels"];
    set["spec"]["volumeClaimTemplates"]
        .items()
        .iter()
        .map(|template| {
            let mut claim = value!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": &template["metadata"], "spec": &template["spec"]
            });
            let name = format!("{}-{set_name}-{ordinal}", template["metadata"]["name"].str());
            claim["metadata"].set("name", name);
            claim["metadata"].set("namespace", &set["metadata"]["namespace"]);
            for (key, value) in selector.entries() {
                claim["metadata"]["labels"].set(key, value);
            }
            claim
        })
        .collect()
}

/// The pod of a replica, of a revision's template.
pub fn pod(set: &Value, ordinal: i64, revision: &Value, revision_label: &str) -> Value {
    let mut template = revision["data"]["spec"]["template"].clone();
    template.remove("$patch");
    let mut pod = PodControl::pod(&template, kinds::STATEFUL_SETS, set);
    let set_name = set["metadata"]["name"].str();
    let name = name(set_name, ordinal);
    let metadata = &mut pod["metadata"];
    metadata.remove("generateName");
    metadata.set("generateName", format!("{set_name}-"));
    metadata.set("name", &name);
    metadata["labels"].set("statefulset.kubernetes.io/pod-name", &name);
    metadata["labels"].set("apps.kubernetes.io/pod-index", ordinal.to_string());
    metadata["labels"].set(revision_label, &revision["metadata"]["name"]);
    let spec = &mut pod["spec"];
    spec.set("hostname", &name);
    if !set["spec"]["serviceName"].str().is_empty() {
        spec.set("subdomain", &set["spec"]["serviceName"]);
    }
    let templates = set["spec"]["volumeClaimTemplates"].items();
    if !templates.is_empty() {
        let mut volumes: Vec<Value> = templates
            .iter()
            .map(|template| {
                let volume = template["metadata"]["name"].str();
                value!({"name": volume, "persistentVolumeClaim": {"claimName": format!("{volume}-{name}")}})
            })
            .collect();
        let own = spec["volumes"].items().iter();
        volumes
            .extend(own.filter(|volume| !templates.iter().any(|t| t["metadata"]["name"] == volume["name"])).cloned());
        spec.set("volumes", volumes);
    }
    pod
}

/// Makes an object own a claim, or not.
pub fn own(claim: &mut Value, kind: Kind, owner: &Value, wanted: bool) {
    let uid = &owner["metadata"]["uid"];
    let owns = claim["metadata"]["ownerReferences"].items().iter().any(|reference| reference["uid"] == *uid);
    if owns == wanted {
        return;
    }
    if wanted {
        claim["metadata"]["ownerReferences"].push(value!({
            "apiVersion": kind.api_version(), "kind": kind.info().kind, "name": &owner["metadata"]["name"],
            "uid": uid, "controller": true
        }));
        return;
    }
    let references = claim["metadata"]["ownerReferences"].items_mut();
    references.retain(|reference| reference["uid"] != *uid);
    if references.is_empty() {
        claim["metadata"].remove("ownerReferences");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_off_names() {
        let cases = [
            (("db", "db-0"), Some(0)),
            (("db", "db-12"), Some(12)),
            (("db", "db-01"), None),
            (("db", "db-x"), None),
            (("db", "dbx-1"), None),
            (("db", "db"), None),
        ];
        for ((set, pod), expected) in cases {
            assert_eq!(ordinal(set, pod), expected, "{pod}");
        }
    }
}
