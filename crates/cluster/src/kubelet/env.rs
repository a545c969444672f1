//! A container's environment and command: `env`, `envFrom`, service variables, `$(NAME)`.

use drydock_sorted::SortedMap;

use drydock_schema::quantity::Quantity;
use drydock_value::{Str, Value};

use crate::config::NodeConfig;
use crate::informers::Informers;
use crate::store::kinds;

/// What an environment is made from.
pub struct Source<'a> {
    /// The pod.
    pub pod: &'a Value,
    /// The container.
    pub container: &'a Value,
    /// The pod's address; empty while it has none.
    pub ip: &'a str,
    /// The node.
    pub node: &'a NodeConfig,
    /// The caches.
    pub informers: &'a Informers,
    /// A file of one of the pod's volumes.
    pub file: &'a dyn Fn(&str, &str) -> Option<String>,
}

/// Replaces `$(NAME)` by values, `$$` by `$`; a name without a value stays as it is.
pub fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let after = from.get(1..).unwrap_or("");
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|inside| inside.split_once(')')) {
            match value(name) {
                Some(text) => out.push_str(&text),
                None => out.push_str(&format!("$({name})")),
            }
            rest = tail;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// The environment of a container as its spec has it.
///
/// # Errors
/// What is missing, in the kubelet's words.
pub fn environment(source: &Source<'_>) -> Result<SortedMap<String, String>, String> {
    let (pod, container) = (source.pod, source.container);
    let namespace: Str = pod["metadata"]["namespace"].str().into();
    let links = pod["spec"]["enableServiceLinks"].as_bool().unwrap_or(true);
    let services = service_variables(source.informers, &namespace, links);
    let mut result: SortedMap<String, String> = SortedMap::new();
    for from in container["envFrom"].items() {
        let prefix = from["prefix"].str();
        let (kind, reference, what) = if from.get("configMapRef").is_some() {
            (kinds::CONFIG_MAPS, &from["configMapRef"], "configmap")
        } else {
            (kinds::SECRETS, &from["secretRef"], "secret")
        };
        let name = reference["name"].str();
        let Some(object) = source.informers.find(kind, namespace.clone(), name) else {
            if reference["optional"].is_true() {
                continue;
            }
            return Err(format!("{what} \"{name}\" not found"));
        };
        for (key, value) in object["data"].entries() {
            result.insert(format!("{prefix}{key}"), text_of(kind == kinds::SECRETS, value));
        }
    }
    let mut known: SortedMap<String, String> = services.clone();
    for entry in container["env"].items() {
        let name = entry["name"].str().to_owned();
        let from = &entry["valueFrom"];
        let value = if from.is_null() {
            let lookup = |name: &str| result.get(name).or_else(|| known.get(name)).cloned();
            Some(expand(entry["value"].str(), lookup))
        } else {
            value_from(source, &namespace, from)?
        };
        if let Some(value) = value {
            known.insert(name.clone(), value.clone());
            result.insert(name, value);
        }
    }
    for (name, value) in services {
        result.entry(name).or_insert(value);
    }
    Ok(result)
}

fn text_of(secret: bool, value: &Value) -> String {
    if secret {
        let bytes = drydock_schema::base64::decode(value.str()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        value.str().to_owned()
    }
}

fn value_from(source: &Source<'_>, namespace: &Str, from: &Value) -> Result<Option<String>, String> {
    for (field, kind, what, title) in [
        ("configMapKeyRef", kinds::CONFIG_MAPS, "configmap", "ConfigMap"),
        ("secretKeyRef", kinds::SECRETS, "secret", "Secret"),
    ] {
        let Some(reference) = from.get(field) else { continue };
        let (name, key) = (reference["name"].str(), reference["key"].str());
        let optional = reference["optional"].is_true();
        let Some(object) = source.informers.find(kind, namespace.clone(), name) else {
            return if optional { Ok(None) } else { Err(format!("{what} \"{name}\" not found")) };
        };
        return match object["data"].get(key) {
            Some(value) => Ok(Some(text_of(kind == kinds::SECRETS, value))),
            None if optional => Ok(None),
            None => Err(format!("couldn't find key {key} in {title} {namespace}/{name}")),
        };
    }
    if let Some(reference) = from.get("fileKeyRef") {
        return from_file(source, reference);
    }
    if let Some(reference) = from.get("fieldRef") {
        return field(source.pod, source.node, source.ip, reference["fieldPath"].str()).map(Some);
    }
    if let Some(reference) = from.get("resourceFieldRef") {
        return resource(source.pod, source.container, source.node, reference).map(Some);
    }
    Ok(None)
}

/// What a file of a volume has under a key. A key with an empty value counts as none.
fn from_file(source: &Source<'_>, reference: &Value) -> Result<Option<String>, String> {
    let (volume, path, key) = (reference["volumeName"].str(), reference["path"].str(), reference["key"].str());
    let text = (source.file)(volume, path);
    let found = text.and_then(|text| in_file(&text, key)).ok_or("couldn't parse env file")?;
    match found.is_empty() {
        false => Ok(Some(found)),
        true if reference["optional"].is_true() => Ok(None),
        true => {
            let pod = source.pod["metadata"]["uid"].str();
            let folder = format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~empty-dir/{volume}");
            Err(format!("environment variable key {key:?} not found in file \"{folder}/{path}\""))
        }
    }
}

/// The value of a key in a file of `KEY='value'` lines, empty when it is not there; None when a line is no such thing.
/// Values may go on over several lines.
fn in_file(text: &str, wanted: &str) -> Option<String> {
    let mut found = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let line = rest.split('\n').next().unwrap_or("").trim();
        if line.is_empty() || line.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        let (key, after) = rest.split_once("='")?;
        let (value, after) = after.split_once('\'')?;
        let (left, after) = after.split_once('\n').unwrap_or((after, ""));
        let key = key.trim_start();
        let left = left.trim();
        if key.contains(char::is_whitespace) || !(left.is_empty() || left.starts_with('#')) {
            return None;
        }
        if key == wanted {
            value.clone_into(&mut found);
        }
        rest = after;
    }
    Some(found)
}

/// A field of the pod, as the downward API gives it.
///
/// # Errors
/// When there is no such field.
pub fn field(pod: &Value, node: &NodeConfig, ip: &str, path: &str) -> Result<String, String> {
    let metadata = &pod["metadata"];
    if let Some((map, rest)) = path.strip_prefix("metadata.").and_then(|rest| rest.split_once("['")) {
        let key = rest.trim_end_matches("']");
        return Ok(metadata[map][key].str().to_owned());
    }
    Ok(match path {
        "metadata.name" => metadata["name"].str().into(),
        "metadata.namespace" => metadata["namespace"].str().into(),
        "metadata.uid" => metadata["uid"].str().into(),
        "metadata.labels" => pairs(&metadata["labels"]),
        "metadata.annotations" => pairs(&metadata["annotations"]),
        "spec.nodeName" => pod["spec"]["nodeName"].str().into(),
        "spec.serviceAccountName" => pod["spec"]["serviceAccountName"].str().into(),
        "status.hostIP" | "status.hostIPs" => node.ip.clone(),
        "status.podIP" | "status.podIPs" => ip.to_owned(),
        _ => return Err(format!("unsupported fieldPath: {path}")),
    })
}

/// `key="value"` lines, sorted.
fn pairs(map: &Value) -> String {
    let lines: Vec<String> =
        map.entries().map(|(key, value)| format!("{key}={}", drydock_schema::go::quote(value.str()))).collect();
    lines.join("\n")
}

/// A container's request or limit in units of a divisor, as the downward API gives it. A limit that is not set is
/// what the node has.
///
/// # Errors
/// When there is no such container or resource.
pub fn resource(pod: &Value, container: &Value, node: &NodeConfig, reference: &Value) -> Result<String, String> {
    let name = reference["containerName"].str();
    let container = if name.is_empty() {
        container
    } else {
        let spec = &pod["spec"];
        let found = ["containers", "initContainers"].iter().find_map(|list| spec[*list].find("name", name));
        found.ok_or_else(|| format!("container {name} not found"))?
    };
    let wanted = reference["resource"].str();
    let (kind, resource) = wanted.split_once('.').unwrap_or(("", wanted));
    let given = &container["resources"][kind][resource];
    let amount = if given.is_null() && kind == "limits" {
        match resource {
            "cpu" => Value::from(node.cpu.as_str()),
            "memory" => Value::from(node.memory.as_str()),
            _ => Value::from("0"),
        }
    } else {
        given.clone()
    };
    let parse = |value: &Value| Quantity::of(value).unwrap_or_else(|_| Quantity::new(0));
    let amount = if amount.is_null() { Quantity::new(0) } else { parse(&amount) };
    let divisor = match &reference["divisor"] {
        value if value.is_empty() || value == "0" => Quantity::new(1),
        value => parse(value),
    };
    Ok(if resource == "cpu" {
        let divisor = divisor.milli_value().max(1);
        // Rounded up to whole units.
        amount.milli_value().max(0).unsigned_abs().div_ceil(divisor.unsigned_abs()).to_string()
    } else {
        amount.value().max(0).unsigned_abs().div_ceil(divisor.value().max(1).unsigned_abs()).to_string()
    })
}

/// `WEB_SERVICE_HOST` and the like: for the services of the pod's namespace, and always for `kubernetes`.
pub fn service_variables(informers: &Informers, namespace: &Str, links: bool) -> SortedMap<String, String> {
    let mut all = SortedMap::new();
    let mut add = |service: &crate::objects::Object| {
        let spec = &service["spec"];
        let ip = spec["clusterIP"].str();
        if ip.is_empty() || ip == "None" {
            return;
        }
        let name = service.name().to_uppercase().replace('-', "_");
        all.insert(format!("{name}_SERVICE_HOST"), ip.to_owned());
        for (index, port) in spec["ports"].items().iter().enumerate() {
            let number = port["port"].int();
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            let address = format!("{}://{ip}:{number}", protocol.to_lowercase());
            if index == 0 {
                all.insert(format!("{name}_SERVICE_PORT"), number.to_string());
                all.insert(format!("{name}_PORT"), address.clone());
            }
            if let Some(port_name) = port["name"].as_str().filter(|name| !name.is_empty()) {
                let port_name = port_name.to_uppercase().replace('-', "_");
                all.insert(format!("{name}_SERVICE_PORT_{port_name}"), number.to_string());
            }
            let prefix = format!("{name}_PORT_{number}_{}", protocol.to_uppercase());
            all.insert(prefix.clone(), address);
            all.insert(format!("{prefix}_PROTO"), protocol.to_lowercase());
            all.insert(format!("{prefix}_PORT"), number.to_string());
            all.insert(format!("{prefix}_ADDR"), ip.to_owned());
        }
    };
    if let Some(kubernetes) = informers.find(kinds::SERVICES, "default", "kubernetes") {
        add(kubernetes);
    }
    if links {
        for service in informers.in_namespace(kinds::SERVICES, namespace) {
            add(service);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn references_are_expanded() {
        let value = |name: &str| (name == "A").then(|| "x".to_owned());
        for (text, expected) in [
            ("plain", "plain"),
            ("$(A)-$(A)", "x-x"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$A $", "$A $"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expand(text, value), expected, "{text}");
        }
    }

    #[test]
    fn resources_come_in_units() {
        let node = NodeConfig::minikube(1).remove(0);
        let container = value!({"name": "c", "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}});
        let pod = value!({"metadata": {"labels": {"b": "2", "a": "1"}}, "spec": {"containers": [container.clone()]}});
        for (reference, expected) in [
            (value!({"resource": "requests.cpu"}), "1"),
            (value!({"resource": "requests.cpu", "divisor": "1m"}), "250"),
            (value!({"resource": "limits.memory", "divisor": "1Mi"}), "128"),
            (value!({"resource": "limits.memory"}), "134217728"),
            (value!({"resource": "limits.cpu"}), "4"),
            (value!({"resource": "requests.memory", "containerName": "c"}), "67108864"),
        ] {
            assert_eq!(resource(&pod, &container, &node, &reference), Ok(expected.into()), "{reference}");
        }
        assert_eq!(field(&pod, &node, "", "metadata.labels"), Ok("a=\"1\"\nb=\"2\"".into()));
        assert_eq!(field(&pod, &node, "", "metadata.labels['b']"), Ok("2".into()));
    }

    #[test]
    fn what_is_missing_is_named() {
        let node = NodeConfig::minikube(1).remove(0);
        let pod = value!({"metadata": {"namespace": "default", "uid": "u"}, "spec": {}});
        let informers = Informers::default();
        let from_file = |path: &str, key: &str, optional: bool| {
            let from = value!({"volumeName": "v", "path": path, "key": key, "optional": optional});
            value!({"env": [{"name": "B", "valueFrom": {"fileKeyRef": from}}]})
        };
        for (container, expected) in [
            (
                value!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "k"}}}]}),
                Err("configmap \"gone\" not found"),
            ),
            (value!({"envFrom": [{"secretRef": {"name": "nosuch"}}]}), Err("secret \"nosuch\" not found")),
            (
                value!({"envFrom": [{"secretRef": {"name": "nosuch", "optional": true}}], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}]}),
                Ok("12"),
            ),
            (from_file("b", "B", false), Ok("two\nlines")),
            (from_file("b", "C", true), Ok("")),
            (
                from_file("b", "C", false),
                Err("environment variable key \"C\" not found in file \
                     \"/var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/v/b\""),
            ),
            (from_file("other", "B", true), Err("couldn't parse env file")),
            (from_file("bare", "B", true), Err("couldn't parse env file")),
        ] {
            let file = |_: &str, path: &str| match path {
                "b" => Some("# a\n\n  A='1'\nB='two\nlines' # b\n".to_owned()),
                "bare" => Some("B=1\n".to_owned()),
                _ => None,
            };
            let source =
                Source { pod: &pod, container: &container, ip: "", node: &node, informers: &informers, file: &file };
            let result = environment(&source).map(|env| env.get("B").cloned().unwrap_or_default());
            assert_eq!(result, expected.map(str::to_owned).map_err(str::to_owned));
        }
    }
}
