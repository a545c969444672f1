//! Pod specs inside objects, and the containers in them.

use drydock_value::Value;

/// The path of the pod spec in objects of a kind.
fn path(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "Pod" => &["spec"],
        "PodTemplate" => &["template", "spec"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
        "ReplicationController" | "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet" | "Job" => {
            &["spec", "template", "spec"]
        }
        _ => return None,
    })
}

/// What cannot be changed: the object has no pod spec. The words are kubectl's, with Go's name of the type.
pub fn no_pod_spec(object: &Value) -> String {
    let version = object["apiVersion"].str();
    let version = version.rsplit('/').next().unwrap_or(version);
    format!("the object is not a pod or does not have a pod template: *{version}.{}", object["kind"].str())
}

/// The pod spec of an object for changing.
///
/// # Errors
/// When its kind has none.
pub fn of(object: &mut Value) -> Result<&mut Value, String> {
    let Some(path) = path(object["kind"].str()) else { return Err(no_pod_spec(object)) };
    Ok(path.iter().fold(object, |value, key| &mut value[*key]))
}

/// Whether a name matches a pattern in which `*` stands for anything and `?` for one character.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            name.char_indices()
                .map(|(at, _)| at)
                .chain([name.len()])
                .any(|at| matches(rest, name.get(at..).unwrap_or("")))
        }
        Some(wanted) => {
            let mut letters = name.chars();
            letters.next().is_some_and(|letter| wanted == '?' || letter == wanted)
                && matches(rest.as_str(), letters.as_str())
        }
    }
}

/// Changes the containers of one list (`containers`, `initContainers`) whose names match; answers how many did.
pub fn each_container(spec: &mut Value, list: &str, pattern: &str, mut change: impl FnMut(&mut Value)) -> usize {
    if spec[list].items().is_empty() {
        return 0;
    }
    let mut count = 0;
    for container in spec[list].items_mut() {
        if matches(pattern, container["name"].str()) {
            change(container);
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn patterns_choose_containers() {
        for (pattern, name, wanted) in
            [("*", "x", true), ("n*", "nginx", true), ("n*", "side", false), ("s?de", "side", true), ("", "x", false)]
        {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn what_has_no_pod_spec_says_its_type() {
        let mut service = value!({"apiVersion": "v1", "kind": "Service"});
        assert_eq!(
            of(&mut service).unwrap_err(),
            "the object is not a pod or does not have a pod template: *v1.Service"
        );
    }
}
