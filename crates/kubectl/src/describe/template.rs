//! Containers, and the pod templates that hold them.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::format::{
    self, annotations, boolean, format_selector, go_list, labels, number, rfc1123, strings, title_bool, tolerations,
};
use super::resources;
use super::volumes::{ports, volumes};
use super::writer::Writer;

/// A pod template.
pub fn pod_template(w: &mut Writer, template: &Value) {
    w.line(0, "Pod Template:");
    let (metadata, spec) = (&template["metadata"], &template["spec"]);
    labels(w, "  Labels", &metadata["labels"]);
    if !metadata["annotations"].is_empty() {
        annotations(w, "  Annotations", &metadata["annotations"]);
    }
    if !spec["serviceAccountName"].is_empty() {
        w.field(1, "Service Account", spec["serviceAccountName"].str());
    }
    if !spec["initContainers"].is_empty() {
        containers(w, "Init Containers", &spec["initContainers"], None, "  ");
    }
    containers(w, "Containers", &spec["containers"], None, "  ");
    volumes(w, &spec["volumes"], "  ");
    topology_spread(w, &spec["topologySpreadConstraints"], "  ");
    if !spec["priorityClassName"].is_empty() {
        w.field(1, "Priority Class Name", spec["priorityClassName"].str());
    }
    labels(w, "  Node-Selectors", &spec["nodeSelector"]);
    tolerations(w, "  Tolerations", &spec["tolerations"]);
    scheduling_group(w, &spec["schedulingGroup"], "  ");
}

/// The group that a pod is scheduled with.
pub fn scheduling_group(w: &mut Writer, group: &Value, space: &str) {
    if !group.is_null() {
        w.line(0, &format!("{space}SchedulingGroup:"));
        w.field(1, "PodGroupName", group["podGroupName"].str());
    }
}

/// Topology spread constraints, one a line.
pub fn topology_spread(w: &mut Writer, constraints: &Value, space: &str) {
    let mut sorted: Vec<&Value> = constraints.items().iter().collect();
    if sorted.is_empty() {
        return;
    }
    sorted.sort_compact_by(|a, b| a["topologyKey"].str().cmp(b["topologyKey"].str()));
    w.put(0, &format!("{space}Topology Spread Constraints:\t"));
    for (i, constraint) in sorted.into_iter().enumerate() {
        if i != 0 {
            w.put(0, &format!("{space}\t"));
        }
        let (key, action) = (constraint["topologyKey"].str(), constraint["whenUnsatisfiable"].str());
        let mut line = format!("{key}:{action} when max skew {} is exceeded", constraint["maxSkew"].int());
        if !constraint["labelSelector"].is_null() {
            line.push_str(&format!(" for selector {}", format_selector(&constraint["labelSelector"])));
        }
        w.line(0, &line);
    }
}

/// A pod and where its containers' statuses are: what turns a template's containers into running ones.
#[derive(Clone, Copy)]
pub struct Live<'a> {
    /// The pod.
    pub pod: &'a Value,
    /// The statuses of these containers.
    pub statuses: &'a Value,
}

/// A titled list of containers.
pub fn containers(w: &mut Writer, title: &str, containers: &Value, live: Option<Live>, space: &str) {
    let none = if containers.items().is_empty() { " <none>" } else { "" };
    w.line(0, &format!("{space}{title}:{none}"));
    let indent = if space.is_empty() { "" } else { " " };
    for container in containers.items() {
        w.line(1, &format!("{indent}{}:", container["name"].str()));
        let status = live.and_then(|live| live.statuses.find("name", container["name"].str()));
        basics(w, container, status);
        for (title, words) in [("Command", &container["command"]), ("Args", &container["args"])] {
            if !words.is_empty() {
                w.line(2, &format!("{title}:"));
                for line in words.items().iter().flat_map(|word| word.str().split('\n')) {
                    w.line(3, line);
                }
            }
        }
        if let Some(status) = status {
            state(w, "State", &status["state"]);
            if !status["lastState"]["terminated"].is_null() {
                state(w, "Last State", &status["lastState"]);
            }
            w.field(2, "Ready", title_bool(status["ready"].is_true()));
            w.field(2, "Restart Count", &number(&status["restartCount"]));
        }
        resource_lists(w, &container["resources"], 2);
        for (title, field) in
            [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
        {
            if !container[field].is_null() {
                w.field(2, title, &probe(&container[field]));
            }
        }
        environment(w, container, live.map(|live| live.pod));
        mounts(w, container);
    }
}

fn basics(w: &mut Writer, container: &Value, status: Option<&Value>) {
    if let Some(status) = status {
        w.field(2, "Container ID", status["containerID"].str());
    }
    w.field(2, "Image", container["image"].str());
    if let Some(status) = status {
        w.field(2, "Image ID", status["imageID"].str());
    }
    for (title, field) in [("Port", "containerPort"), ("Host Port", "hostPort")] {
        let shown = ports(&container["ports"], field);
        let plural = if shown.contains(',') { "s" } else { "" };
        w.field(2, &format!("{title}{plural}"), &shown);
    }
    let profile = &container["securityContext"]["seccompProfile"];
    if !profile.is_null() {
        w.field(2, "SeccompProfile", profile["type"].str());
        if profile["type"] == "Localhost" {
            w.field(3, "LocalhostProfile", profile["localhostProfile"].str());
        }
    }
}

/// Limits and requests of a container or of a whole pod.
pub fn resource_lists(w: &mut Writer, resources: &Value, level: usize) {
    for (title, field) in [("Limits", "limits"), ("Requests", "requests")] {
        if !resources[field].is_empty() {
            w.line(level, &format!("{title}:"));
            for (name, quantity) in resources[field].entries() {
                w.field(level + 1, name, &resources::canonical(quantity));
            }
        }
    }
}

fn state(w: &mut Writer, title: &str, state: &Value) {
    if let Some(running) = state.get("running") {
        w.field(2, title, "Running");
        w.field(3, "Started", &rfc1123(&running["startedAt"]));
    } else if let Some(terminated) = state.get("terminated").filter(|_| state["waiting"].is_null()) {
        w.field(2, title, "Terminated");
        for (title, field) in [("Reason", "reason"), ("Message", "message")] {
            if !terminated[field].is_empty() {
                w.field(3, title, terminated[field].str());
            }
        }
        w.field(3, "Exit Code", &number(&terminated["exitCode"]));
        if terminated["signal"].int() > 0 {
            w.field(3, "Signal", &number(&terminated["signal"]));
        }
        w.field(3, "Started", &rfc1123(&terminated["startedAt"]));
        w.field(3, "Finished", &rfc1123(&terminated["finishedAt"]));
    } else {
        w.field(2, title, "Waiting");
        let reason = &state["waiting"]["reason"];
        if !reason.is_empty() {
            w.field(3, "Reason", reason.str());
        }
    }
}

/// A probe on one line.
pub fn probe(probe: &Value) -> String {
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        probe["initialDelaySeconds"].int(),
        probe["timeoutSeconds"].int(),
        probe["periodSeconds"].int(),
        probe["successThreshold"].int(),
        probe["failureThreshold"].int(),
    );
    if let Some(exec) = probe.get("exec") {
        return format!("exec {} {attributes}", go_list(&exec["command"]));
    }
    if let Some(http) = probe.get("httpGet") {
        let scheme = http["scheme"].str().to_lowercase();
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}:") };
        let host = match http["host"].str() {
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        let (path, port) = (http["path"].str(), format::port(&http["port"]));
        let colon = if port.is_empty() { "" } else { ":" };
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        return format!("http-get {scheme}//{host}{colon}{port}{slash}{} {attributes}", escape_path(path));
    }
    if let Some(tcp) = probe.get("tcpSocket") {
        return format!("tcp-socket {}:{} {attributes}", tcp["host"].str(), format::port(&tcp["port"]));
    }
    if let Some(grpc) = probe.get("grpc") {
        return format!("grpc <pod>:{} {} {attributes}", grpc["port"].int(), grpc["service"].str());
    }
    format!("unknown {attributes}")
}

/// A path as it stands in a URL.
fn escape_path(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn environment(w: &mut Writer, container: &Value, pod: Option<&Value>) {
    if !container["envFrom"].is_empty() {
        w.line(2, "Environment Variables from:");
    }
    for from in container["envFrom"].items() {
        let (kind, reference) = match from.get("configMapRef") {
            Some(reference) => ("ConfigMap", reference),
            None => ("Secret", &from["secretRef"]),
        };
        let (name, optional) = (reference["name"].str(), boolean(&reference["optional"]));
        let prefix = match from["prefix"].str() {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        w.line(3, &format!("{name}\t{kind}{prefix}\tOptional: {optional}"));
    }
    w.line(2, if container["env"].is_empty() { "Environment:\t<none>" } else { "Environment:" });
    for variable in container["env"].items() {
        let (name, from) = (variable["name"].str(), &variable["valueFrom"]);
        if from.is_null() {
            for (i, line) in variable["value"].str().split('\n').enumerate() {
                w.line(3, &if i == 0 { format!("{name}:\t{line}") } else { format!("\t{line}") });
            }
        } else if let Some(field) = from.get("fieldRef") {
            let path = field["fieldPath"].str();
            let value = pod.and_then(|pod| pod_field(pod, path)).unwrap_or_default();
            w.field(3, name, &format!("{value} ({}:{path})", field["apiVersion"].str()));
        } else if let Some(resource) = from.get("resourceFieldRef") {
            let what = resource["resource"].str();
            let mut value = resources::container_value(container, resource);
            if value == "0" && matches!(what, "limits.cpu" | "limits.memory") {
                value = "node allocatable".into();
            }
            w.field(3, name, &format!("{value} ({what})"));
        } else {
            for (field, kind) in [("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")] {
                if let Some(reference) = from.get(field) {
                    let (key, holder) = (reference["key"].str(), reference["name"].str());
                    let optional = boolean(&reference["optional"]);
                    w.field(3, name, &format!("<set to the key '{key}' {kind} '{holder}'>\tOptional: {optional}"));
                }
            }
        }
    }
}

/// What the downward API says of a pod, as far as kubectl knows its fields: by name and namespace only.
fn pod_field(pod: &Value, path: &str) -> Option<String> {
    match path {
        "metadata.name" | "metadata.namespace" => Some(pod["metadata"][&path[9..]].str().into()),
        _ => None,
    }
}

fn mounts(w: &mut Writer, container: &Value) {
    let mut mounts: Vec<&Value> = container["volumeMounts"].items().iter().collect();
    let none = if mounts.is_empty() { "\t<none>" } else { "" };
    w.line(2, &format!("Mounts:{none}"));
    mounts.sort_compact_by(|a, b| a["mountPath"].str().cmp(b["mountPath"].str()));
    for mount in mounts {
        let mut flags = if mount["readOnly"].is_true() { "ro".to_owned() } else { "rw".to_owned() };
        if !mount["subPath"].is_empty() {
            flags.push_str(&format!(",path={:?}", mount["subPath"].str()));
        }
        w.line(3, &format!("{} from {} ({flags})", mount["mountPath"].str(), mount["name"].str()));
    }
    let mut devices: Vec<&Value> = container["volumeDevices"].items().iter().collect();
    if !devices.is_empty() {
        w.line(2, &format!("Devices:{none}"));
        devices.sort_compact_by(|a, b| a["devicePath"].str().cmp(b["devicePath"].str()));
        for device in devices {
            w.line(3, &format!("{} from {}", device["devicePath"].str(), device["name"].str()));
        }
    }
}

/// The list of a pod's addresses.
pub fn pod_ips(w: &mut Writer, pod: &Value) {
    let addresses = strings(&pod["status"]["podIPs"].items().iter().map(|ip| ip["ip"].clone()).collect());
    if addresses.is_empty() {
        w.field(0, "IPs", "<none>");
        return;
    }
    w.line(0, "IPs:");
    for address in addresses {
        w.field(1, "IP", &address);
    }
}
