//! PodSecurity: the levels `baseline` and `restricted` of the Pod Security Standards, as a namespace's labels ask for them.
//!
//! A level that is enforced refuses pods; one that is only to warn of adds a warning, for workloads too. Each check is a row
//! of a table: its name, since which version it holds, and what it finds.

use drydock_api::Status;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::{Attributes, Operation};
use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::verbs::{Cx, forbidden};

/// How strict. Later is stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A level in a version of the standards, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Policy {
    level: Level,
    /// The minor version; the highest number there is for `latest`.
    minor: u32,
    text: String,
}

/// What a check found: the reason in short, and the details.
struct Finding {
    reason: &'static str,
    detail: String,
}

/// A pod's metadata and spec, with all its containers.
struct Subject<'a> {
    spec: &'a Value,
    containers: Vec<&'a Value>,
}

/// Looks at a pod.
type Look = fn(&Subject<'_>) -> Option<Finding>;

struct Check {
    level: Level,
    /// The first minor version that has it.
    since: u32,
    /// The check of the level below that it replaces.
    instead_of: &'static str,
    id: &'static str,
    look: Look,
}

const fn check(level: Level, since: u32, id: &'static str, instead_of: &'static str, look: Look) -> Check {
    Check { level, since, instead_of, id, look }
}

/// The checks, in the order in which they speak.
const CHECKS: [Check; 14] = [
    check(Level::Baseline, 0, "capabilities_baseline", "", capabilities_baseline),
    check(Level::Baseline, 0, "hostNamespaces", "", host_namespaces),
    check(Level::Baseline, 0, "hostPathVolumes", "", host_paths),
    check(Level::Baseline, 0, "hostPorts", "", host_ports),
    check(Level::Baseline, 0, "privileged", "", privileged),
    check(Level::Baseline, 0, "procMount", "", proc_mount),
    check(Level::Baseline, 0, "seccompProfile_baseline", "", seccomp_baseline),
    check(Level::Baseline, 0, "sysctls", "", sysctls),
    check(Level::Restricted, 8, "allowPrivilegeEscalation", "", escalation),
    check(Level::Restricted, 22, "capabilities_restricted", "capabilities_baseline", capabilities_restricted),
    check(Level::Restricted, 0, "restrictedVolumes", "hostPathVolumes", volume_types),
    check(Level::Restricted, 0, "runAsNonRoot", "", non_root),
    check(Level::Restricted, 23, "runAsUser", "", root_user),
    check(Level::Restricted, 19, "seccompProfile_restricted", "seccompProfile_baseline", seccomp_restricted),
];

fn evaluate(policy: &Policy, spec: &Value) -> Vec<Finding> {
    if policy.level == Level::Privileged {
        return Vec::new();
    }
    let containers = ["initContainers", "containers", "ephemeralContainers"];
    let subject = Subject { spec, containers: containers.iter().flat_map(|key| spec[*key].items()).collect() };
    let holds = |check: &&Check| check.level <= policy.level && check.since <= policy.minor;
    let replaced: Vec<&str> = CHECKS.iter().filter(holds).map(|check| check.instead_of).collect();
    CHECKS
        .iter()
        .filter(holds)
        .filter(|check| !replaced.contains(&check.id))
        .filter_map(|check| (check.look)(&subject))
        .collect()
}

fn spell_out(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{} ({})", finding.reason, finding.detail)).collect::<Vec<_>>().join(", ")
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// `container "a"`, `containers "a", "b"`.
fn naming(word: &str, names: &[&str]) -> String {
    format!("{word}{} {}", if names.len() == 1 { "" } else { "s" }, quoted(names.iter().copied()))
}

impl<'a> Subject<'a> {
    /// The names of the containers for which something is so.
    fn which(&self, is_so: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.containers.iter().filter(|container| is_so(container)).map(|container| container["name"].str()).collect()
    }
}

fn of_containers(names: &[&str], reason: &'static str, what: &str) -> Option<Finding> {
    (!names.is_empty()).then(|| Finding { reason, detail: format!("{} {what}", naming("container", names)) })
}

/// Capabilities that a container runtime gives anyway.
const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Containers that add capabilities which are not allowed, as the message says it.
fn added(subject: &Subject<'_>, allowed: &[&str]) -> Option<String> {
    let is_bad = |capability: &Value| !allowed.contains(&capability.str());
    let add = |container: &Value| container["securityContext"]["capabilities"]["add"].clone();
    let names = subject.which(|container| add(container).items().iter().any(is_bad));
    let mut bad: Vec<String> = subject
        .containers
        .iter()
        .flat_map(|container| add(container).items().to_vec())
        .filter(is_bad)
        .map(|capability| capability.str().to_owned())
        .collect();
    bad.sort_compact();
    bad.dedup();
    (!names.is_empty()).then(|| {
        format!(
            "{} must not include {} in securityContext.capabilities.add",
            naming("container", &names),
            quoted(bad.iter().map(String::as_str))
        )
    })
}

fn capabilities_baseline(subject: &Subject<'_>) -> Option<Finding> {
    added(subject, &DEFAULT_CAPABILITIES).map(|detail| Finding { reason: "non-default capabilities", detail })
}

fn capabilities_restricted(subject: &Subject<'_>) -> Option<Finding> {
    let keeping = subject.which(|container| {
        !container["securityContext"]["capabilities"]["drop"].items().iter().any(|capability| capability == "ALL")
    });
    let mut parts = Vec::new();
    if !keeping.is_empty() {
        parts.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", naming("container", &keeping)));
    }
    parts.extend(added(subject, &["NET_BIND_SERVICE"]));
    (!parts.is_empty()).then(|| Finding { reason: "unrestricted capabilities", detail: parts.join("; ") })
}

fn host_namespaces(subject: &Subject<'_>) -> Option<Finding> {
    let shared: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .iter()
        .filter(|key| subject.spec[**key].is_true())
        .map(|key| format!("{key}=true"))
        .collect();
    (!shared.is_empty()).then(|| Finding { reason: "host namespaces", detail: shared.join(", ") })
}

fn host_paths(subject: &Subject<'_>) -> Option<Finding> {
    let volumes = subject.spec["volumes"].items();
    let names: Vec<&str> = volumes.iter().filter(|v| !v["hostPath"].is_null()).map(|v| v["name"].str()).collect();
    (!names.is_empty()).then(|| Finding { reason: "hostPath volumes", detail: naming("volume", &names) })
}

fn host_ports(subject: &Subject<'_>) -> Option<Finding> {
    let uses = |container: &Value| container["ports"].items().iter().any(|port| port["hostPort"].int() != 0);
    let names = subject.which(uses);
    let mut ports: Vec<i64> = subject
        .containers
        .iter()
        .flat_map(|container| container["ports"].items())
        .map(|port| port["hostPort"].int())
        .filter(|port| *port != 0)
        .collect();
    ports.sort_compact();
    ports.dedup();
    let verb = if names.len() == 1 { "uses" } else { "use" };
    let word = if ports.len() == 1 { "hostPort" } else { "hostPorts" };
    let list = ports.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    of_containers(&names, "hostPort", &format!("{verb} {word} {list}"))
}

fn privileged(subject: &Subject<'_>) -> Option<Finding> {
    let names = subject.which(|container| container["securityContext"]["privileged"].is_true());
    of_containers(&names, "privileged", "must not set securityContext.privileged=true")
}

fn proc_mount(subject: &Subject<'_>) -> Option<Finding> {
    let names = subject.which(|container| container["securityContext"]["procMount"] == "Unmasked");
    of_containers(&names, "procMount", "must not set securityContext.procMount to \"Unmasked\"")
}

fn sysctls(subject: &Subject<'_>) -> Option<Finding> {
    const SAFE: [&str; 10] = [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    ];
    let set = subject.spec["securityContext"]["sysctls"].items().iter().map(|sysctl| sysctl["name"].str());
    let bad: Vec<&str> = set.filter(|name| !SAFE.contains(name)).collect();
    (!bad.is_empty()).then(|| Finding { reason: "forbidden sysctls", detail: bad.join(", ") })
}

fn seccomp_type(holder: &Value) -> &str {
    holder["securityContext"]["seccompProfile"]["type"].str()
}

fn seccomp_baseline(subject: &Subject<'_>) -> Option<Finding> {
    let mut who = Vec::new();
    if seccomp_type(subject.spec) == "Unconfined" {
        who.push("pod".to_owned());
    }
    let names = subject.which(|container| seccomp_type(container) == "Unconfined");
    if !names.is_empty() {
        who.push(naming("container", &names));
    }
    (!who.is_empty()).then(|| Finding {
        reason: "seccompProfile",
        detail: format!("{} must not set securityContext.seccompProfile.type to \"Unconfined\"", who.join(" and ")),
    })
}

fn seccomp_restricted(subject: &Subject<'_>) -> Option<Finding> {
    const WANTED: &str = "must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"";
    if let Some(finding) = seccomp_baseline(subject) {
        return Some(finding);
    }
    let confined = |holder: &Value| matches!(seccomp_type(holder), "RuntimeDefault" | "Localhost");
    if confined(subject.spec) {
        return None;
    }
    let names = subject.which(|container| !confined(container));
    (!names.is_empty()).then(|| Finding {
        reason: "seccompProfile",
        detail: format!("pod or {} {WANTED}", naming("container", &names)),
    })
}

fn escalation(subject: &Subject<'_>) -> Option<Finding> {
    let names =
        subject.which(|container| container["securityContext"]["allowPrivilegeEscalation"].as_bool() != Some(false));
    of_containers(
        &names,
        "allowPrivilegeEscalation != false",
        "must set securityContext.allowPrivilegeEscalation=false",
    )
}

fn volume_types(subject: &Subject<'_>) -> Option<Finding> {
    const ALLOWED: [&str; 9] = [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let source = |volume: &Value| volume.entries().map(|(key, _)| key.to_owned()).find(|key| key != "name");
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    for volume in subject.spec["volumes"].items() {
        let Some(kind) = source(volume).filter(|kind| !ALLOWED.contains(&kind.as_str())) else { continue };
        names.push(volume["name"].str());
        kinds.push(kind);
    }
    kinds.sort_compact();
    kinds.dedup();
    let verb = if names.len() == 1 { "uses" } else { "use" };
    let word = if kinds.len() == 1 { "type" } else { "types" };
    (!names.is_empty()).then(|| Finding {
        reason: "restricted volume types",
        detail: format!(
            "{} {verb} restricted volume {word} {}",
            naming("volume", &names),
            quoted(kinds.iter().map(String::as_str))
        ),
    })
}

fn non_root(subject: &Subject<'_>) -> Option<Finding> {
    const REASON: &str = "runAsNonRoot != true";
    let says = |holder: &Value| holder["securityContext"]["runAsNonRoot"].as_bool();
    let mut refusing = Vec::new();
    let pod = says(subject.spec);
    if pod == Some(false) {
        refusing.push("pod".to_owned());
    }
    let names = subject.which(|container| says(container) == Some(false));
    if !names.is_empty() {
        refusing.push(naming("container", &names));
    }
    if !refusing.is_empty() {
        let detail = format!("{} must not set securityContext.runAsNonRoot=false", refusing.join(" and "));
        return Some(Finding { reason: REASON, detail });
    }
    if pod == Some(true) {
        return None;
    }
    let names = subject.which(|container| says(container).is_none());
    (!names.is_empty()).then(|| Finding {
        reason: REASON,
        detail: format!("pod or {} must set securityContext.runAsNonRoot=true", naming("container", &names)),
    })
}

fn root_user(subject: &Subject<'_>) -> Option<Finding> {
    let is_root = |holder: &Value| holder["securityContext"]["runAsUser"].as_i64() == Some(0);
    let mut who = Vec::new();
    if is_root(subject.spec) {
        who.push("pod".to_owned());
    }
    let names = subject.which(is_root);
    if !names.is_empty() {
        who.push(naming("container", &names));
    }
    (!who.is_empty())
        .then(|| Finding { reason: "runAsUser=0", detail: format!("{} must not set runAsUser=0", who.join(" and ")) })
}

/// What a namespace's labels ask for: `enforce`, `audit` or `warn`.
fn policy(namespace: &Value, mode: &str) -> Policy {
    let label = |suffix: &str| {
        namespace["metadata"]["labels"][format!("pod-security.kubernetes.io/{mode}{suffix}").as_str()].str().to_owned()
    };
    let (name, version) = (label(""), label("-version"));
    let level = match name.as_str() {
        "baseline" => Level::Baseline,
        "restricted" => Level::Restricted,
        _ => Level::Privileged,
    };
    let minor = version.strip_prefix("v1.").and_then(|minor| minor.parse().ok()).unwrap_or(u32::MAX);
    let version = if version.is_empty() { "latest" } else { &version };
    Policy { level, minor, text: format!("{name}:{version}") }
}

/// The pod spec inside of a workload.
fn template(kind: Kind, object: &Value) -> Option<&Value> {
    Some(match kind {
        kinds::DEPLOYMENTS
        | kinds::REPLICA_SETS
        | kinds::STATEFUL_SETS
        | kinds::DAEMON_SETS
        | kinds::JOBS
        | kinds::REPLICATION_CONTROLLERS => &object["spec"]["template"]["spec"],
        kinds::CRON_JOBS => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        kinds::POD_TEMPLATES => &object["template"]["spec"],
        _ => return None,
    })
}

pub(super) fn validate(
    server: &ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    if attributes.kind == kinds::NAMESPACES {
        if attributes.operation == Operation::Update && attributes.subresource.is_empty() {
            warn_of_pods(server, cx, object, old);
        }
        return Ok(());
    }
    let is_pod = attributes.kind == kinds::PODS;
    let written = match attributes.subresource {
        "" => true,
        "ephemeralcontainers" => is_pod,
        _ => false,
    };
    let spec = if is_pod { Some(&object["spec"]) } else { template(attributes.kind, object) };
    let (true, Some(spec)) = (written, spec) else { return Ok(()) };
    // A pod that only gets a label was let in already; a workload is looked at each time.
    if is_pod && old.is_some_and(|old| old["spec"] == *spec) {
        return Ok(());
    }
    let Some(namespace) = server.store.get(kinds::NAMESPACES, "", attributes.namespace) else { return Ok(()) };
    if server.auditing {
        note(cx, namespace, spec, is_pod);
    }
    if is_pod {
        let enforced = policy(namespace, "enforce");
        let findings = evaluate(&enforced, spec);
        if !findings.is_empty() {
            let why = format!("violates PodSecurity {:?}: {}", enforced.text, spell_out(&findings));
            return Err(forbidden(kinds::PODS, object["metadata"]["name"].str(), &why));
        }
    }
    let warned = policy(namespace, "warn");
    let findings = evaluate(&warned, spec);
    if !findings.is_empty() {
        cx.warn(format!("would violate PodSecurity {:?}: {}", warned.text, spell_out(&findings)));
    }
    Ok(())
}

/// What the audit log gets to know.
fn note(cx: &mut Cx, namespace: &Value, spec: &Value, is_pod: bool) {
    if is_pod {
        cx.annotate("pod-security.kubernetes.io/enforce-policy", policy(namespace, "enforce").text);
    }
    let noted = policy(namespace, "audit");
    let findings = evaluate(&noted, spec);
    if !findings.is_empty() {
        let text = format!("would violate PodSecurity {:?}: {}", noted.text, spell_out(&findings));
        cx.annotate("pod-security.kubernetes.io/audit-violations", text);
    }
}

/// A namespace that is to be stricter may hold pods already that would not be let in.
fn warn_of_pods(server: &ApiServer, cx: &mut Cx, namespace: &Value, old: Option<&Value>) {
    let (now, before) = (policy(namespace, "enforce"), old.map(|old| policy(old, "enforce")));
    if now.level == Level::Privileged || before.as_ref() == Some(&now) {
        return;
    }
    let name = namespace["metadata"]["name"].str();
    // Reasons, the first pod's name, and how many more.
    let mut groups: Vec<(String, String, usize)> = Vec::new();
    for pod in server.store.in_namespace(kinds::PODS, name, None) {
        let findings = evaluate(&now, &pod["spec"]);
        if findings.is_empty() {
            continue;
        }
        let reasons = findings.iter().map(|finding| finding.reason).collect::<Vec<_>>().join(", ");
        match groups.iter_mut().find(|(known, ..)| *known == reasons) {
            Some((_, _, more)) => *more += 1,
            None => groups.push((reasons, pod["metadata"]["name"].str().to_owned(), 0)),
        }
    }
    if groups.is_empty() {
        return;
    }
    cx.warn(format!("existing pods in namespace {name:?} violate the new PodSecurity enforce level {:?}", now.text));
    for (reasons, first, more) in groups {
        let others = match more {
            0 => String::new(),
            1 => " (and 1 other pod)".to_owned(),
            more => format!(" (and {more} other pods)"),
        };
        cx.warn(format!("{first}{others}: {reasons}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    fn findings(level: Level, minor: u32, spec: &Value) -> String {
        spell_out(&evaluate(&Policy { level, minor, text: String::new() }, spec))
    }

    /// As a real server said it.
    #[test]
    fn levels_say_what_they_mind() {
        let plain = value!({"containers": [{"name": "c"}]});
        assert_eq!(findings(Level::Baseline, u32::MAX, &plain), "");
        assert_eq!(
            findings(Level::Restricted, u32::MAX, &plain),
            "allowPrivilegeEscalation != false (container \"c\" must set \
             securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set \
             securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set \
             securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set \
             securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
        );
        assert!(!findings(Level::Restricted, 20, &plain).contains("capabilities"));
        let host = value!({"hostNetwork": true, "hostPID": true, "containers": [{"name": "c"}]});
        assert_eq!(findings(Level::Baseline, u32::MAX, &host), "host namespaces (hostNetwork=true, hostPID=true)");
        let bad = value!({
            "initContainers": [
                {"name": "i", "securityContext": {"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}}],
            "containers": [{
                "name": "c", "ports": [{"containerPort": 80, "hostPort": 80}],
                "securityContext": {"privileged": true, "seccompProfile": {"type": "Unconfined"}}
            }]
        });
        assert_eq!(
            findings(Level::Baseline, u32::MAX, &bad),
            "non-default capabilities (container \"i\" must not include \"NET_ADMIN\" in \
             securityContext.capabilities.add), hostPort (container \"c\" uses hostPort 80), privileged (container \"c\" \
             must not set securityContext.privileged=true), seccompProfile (container \"c\" must not set \
             securityContext.seccompProfile.type to \"Unconfined\")"
        );
        let good = value!({
            "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "c", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]
        });
        assert_eq!(findings(Level::Restricted, u32::MAX, &good), "");
    }
}
