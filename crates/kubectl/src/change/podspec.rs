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

/// Whether a pattern with `*` chooses a name. As kubectl does it: the first part may stand anywhere in the name, so `n*`
/// chooses `init` too.
pub fn matches(pattern: &str, name: &str) -> bool {
    if pattern == "*" || !pattern.contains('*') {
        return pattern == "*" || pattern == name;
    }
    let last = pattern.split('*').count() - 1;
    let mut from = 0;
    for (at, part) in pattern.split('*').enumerate().filter(|(_, part)| !part.is_empty()) {
        // Where the part is, counted from where the part before it began.
        let Some(next) = name.get(from..).and_then(|rest| rest.find(part)).filter(|next| *next >= from) else {
            return false;
        };
        if at == last && name.len() != part.len() + next {
            return false;
        }
        from = next;
    }
    true
}

/// Whether a text is the reference of an image: `[host[:port]/]path[:tag][@digest]`.
pub fn is_image(text: &str) -> bool {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let is_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            let word = |part: &str| {
                part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(|c| c.is_ascii_alphanumeric())
            };
            algorithm.split(['-', '_', '+', '.']).all(word)
                && hex.len() >= 32
                && hex.chars().all(|c| c.is_ascii_hexdigit())
        })
    };
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return false;
    }
    let last = rest.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match rest.get(last..).and_then(|end| end.find(':')) {
        Some(at) => (rest.get(..last + at).unwrap_or(""), rest.get(last + at + 1..)),
        None => (rest, None),
    };
    let is_tag = |tag: &str| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return false;
    }
    let mut parts = name.split('/');
    // The first part may be a host, when something follows it.
    let first = parts.next().unwrap_or("");
    let rest: Vec<&str> = parts.collect();
    let first_fits = is_path(first) || (!rest.is_empty() && is_host(first));
    first_fits && rest.into_iter().all(is_path)
}

fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let fits = |part: &str| {
        let end = |c: char| c.is_ascii_alphanumeric();
        part.starts_with(end) && part.ends_with(end) && part.chars().all(|c| end(c) || c == '-')
    };
    host.split('.').all(fits) && port.is_none_or(|port| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()))
}

/// Small letters and digits, in words that `.`, `_`, `__` or dashes join.
fn is_path(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !(text.starts_with(word) && text.ends_with(word)) {
        return false;
    }
    let joints: Vec<&str> = text.split(word).filter(|joint| !joint.is_empty()).collect();
    joints.iter().all(|joint| matches!(*joint, "." | "_" | "__") || joint.chars().all(|c| c == '-'))
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
            [("*", "x", true), ("n*", "nginx", true), ("n*", "side", false), ("n*", "init", true), ("", "x", false)]
        {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn references_of_images() {
        let digest = "0".repeat(64);
        for good in ["nginx", "nginx:1.27", "reg.example.com:5000/team/app", "LOCAL/x", "a__b.c-d/e:T_1"] {
            assert!(is_image(good), "{good}");
        }
        assert!(is_image(&format!("nginx@sha256:{digest}")));
        for bad in ["bad image", "UPPER/Case:x", "Nginx", "a//b", "a/", ":1", "nginx:", "a..b", "nginx@sha256:00"] {
            assert!(!is_image(bad), "{bad}");
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
