//! The objects that every new cluster has: namespaces, the service that leads to the API server itself, priority classes,
//! the default storage class, and the built-in roles with their bindings.
//!
//! Nodes, service accounts and the root CA's config maps are not among them: kubelets and controllers make those.

use drydock_value::{Value, parse_json, to_json, value};

use crate::kinds::{self, Kind};
use crate::random::Random;
use crate::server::ApiServer;

/// The roles that people bind, as a real server has them.
const ROLES: &str = include_str!("../data/clusterroles.json");

/// The controllers' own roles.
const CONTROLLERS: &str = include_str!("../data/controllers.txt");

/// The roles of the parts of a cluster.
const SYSTEM_ROLES: &str = include_str!("../data/system-roles.txt");

/// Who has which of the built-in roles: role, subjects.
const BINDINGS: [(&str, &[(&str, &str)]); 9] = [
    ("cluster-admin", &[("Group", "system:masters")]),
    ("system:basic-user", &[("Group", "system:authenticated")]),
    ("system:discovery", &[("Group", "system:authenticated")]),
    ("system:kube-controller-manager", &[("User", "system:kube-controller-manager")]),
    ("system:kube-scheduler", &[("User", "system:kube-scheduler")]),
    ("system:monitoring", &[("Group", "system:monitoring")]),
    ("system:node", &[]),
    ("system:public-info-viewer", &[("Group", "system:authenticated"), ("Group", "system:unauthenticated")]),
    ("system:service-account-issuer-discovery", &[("Group", "system:serviceaccounts")]),
];

pub(crate) fn boot(server: &mut ApiServer) {
    for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        create(server, kinds::NAMESPACES, "", value!({"metadata": {"name": name}}));
    }
    for (name, priority, description) in [
        (
            "system-node-critical",
            2_000_001_000_i64,
            "Used for system critical pods that must not be moved from their current node.",
        ),
        (
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
    ] {
        create(
            server,
            kinds::PRIORITY_CLASSES,
            "",
            value!({"metadata": {"name": name}, "value": priority, "description": description}),
        );
    }
    roles(server);
    apart(server, flows);
    apart(server, system_roles);
    apart(server, crate::aggregated::boot);
    own_service(server);
    crate::identity::boot(server);
    if server.config.addons {
        storage_class(server);
    }
}

/// Makes objects whose UIDs come from a generator of their own: with or without them, everything that is made later has
/// the same names.
pub(crate) fn apart(server: &mut ApiServer, make: fn(&mut ApiServer)) {
    let own = Random::new(server.config.seed ^ 0xf10e ^ server.revision() << 16);
    let others = std::mem::replace(&mut server.random, own);
    make(server);
    server.random = others;
}

/// Priority levels and flow schemas.
fn flows(server: &mut ApiServer) {
    for (kind, object) in crate::flows::initial() {
        create(server, kind, "", object);
    }
}

/// Creates what is known to be good.
pub(crate) fn create(server: &mut ApiServer, kind: Kind, namespace: &str, object: Value) {
    let created = server.client("system:apiserver").create(kind, namespace, object);
    debug_assert!(created.is_ok(), "{created:?}");
}

/// Creates what is known to be good and complete.
fn create_written(server: &mut ApiServer, kind: Kind, namespace: &str, mut object: Value) {
    object.set("apiVersion", kind.api_version());
    object.set("kind", kind.info().kind);
    let created = server.client("system:apiserver").create_written(kind, namespace, object);
    debug_assert!(created.is_ok(), "{created:?}");
}

/// Where the API server itself is reached: host and port.
fn own_address(server: &ApiServer) -> (String, u16) {
    match server.config.address.rsplit_once(':') {
        Some((host, port)) => (host.to_owned(), port.parse().unwrap_or(8443)),
        None => (server.config.address.clone(), 8443),
    }
}

fn own_service(server: &mut ApiServer) {
    let (network, prefix) = server.config.service_cidr;
    let cidr = format!("{}/{prefix}", std::net::Ipv4Addr::from(network));
    create(server, kinds::SERVICE_CIDRS, "", value!({"metadata": {"name": "kubernetes"}, "spec": {"cidrs": [cidr]}}));
    restore_own_service(server);
}

/// Makes the service that leads to the API server, and what stands behind it, where they are not there: nobody deletes
/// them for long.
pub(crate) fn restore_own_service(server: &mut ApiServer) {
    let (host, port) = own_address(server);
    if server.store.get(kinds::SERVICES, "default", "kubernetes").is_none() {
        let (first, _) = server.config.service_cidr;
        let address = std::net::Ipv4Addr::from(u32::from(std::net::Ipv4Addr::from(first)) + 1).to_string();
        create(
            server,
            kinds::SERVICES,
            "default",
            value!({
                "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
                "spec": {
                    "clusterIP": address, "sessionAffinity": "None", "type": "ClusterIP",
                    "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}]
                }
            }),
        );
    }
    if server.store.get(kinds::ENDPOINTS, "default", "kubernetes").is_none() {
        create(
            server,
            kinds::ENDPOINTS,
            "default",
            value!({
                "metadata": {"name": "kubernetes", "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}},
                "subsets": [{
                    "addresses": [{"ip": host.as_str()}],
                    "ports": [{"name": "https", "port": port, "protocol": "TCP"}]
                }]
            }),
        );
    }
    if server.store.get(kinds::ENDPOINT_SLICES, "default", "kubernetes").is_none() {
        create(
            server,
            kinds::ENDPOINT_SLICES,
            "default",
            value!({
                "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [host], "conditions": {"ready": true}}],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}]
            }),
        );
    }
}

/// The class that minikube's storage addon makes, as if applied by kubectl.
fn storage_class(server: &mut ApiServer) {
    // One that keeps files on a node waits until it is known on which.
    let binding = match server.config.provisioner.as_str() {
        "rancher.io/local-path" => "WaitForFirstConsumer",
        _ => "Immediate",
    };
    let applied = value!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}, "name": "standard"
        },
        "provisioner": server.config.provisioner.as_str(), "reclaimPolicy": "Delete", "volumeBindingMode": binding
    });
    let mut class = applied.clone();
    class["metadata"]["annotations"]
        .set("kubectl.kubernetes.io/last-applied-configuration", format!("{}\n", to_json(&applied)));
    create(server, kinds::STORAGE_CLASSES, "", class);
}

fn metadata(name: &str) -> Value {
    value!({
        "name": name,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}
    })
}

/// Binds a role, in a namespace or everywhere.
fn bind(server: &mut ApiServer, namespace: &str, role: &str, subjects: Vec<Value>) {
    let (kind, role_kind) = match namespace {
        "" => (kinds::CLUSTER_ROLE_BINDINGS, "ClusterRole"),
        _ => (kinds::ROLE_BINDINGS, "Role"),
    };
    let name = if role.starts_with("extension-") { format!("system::{role}") } else { role.to_owned() };
    let mut binding = value!({
        "metadata": metadata(&name),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}
    });
    if !subjects.is_empty() {
        binding.set("subjects", subjects);
    }
    create_written(server, kind, namespace, binding);
}

fn subject(kind: &str, name: &str) -> Value {
    match kind {
        "ServiceAccount" => value!({"kind": kind, "name": name, "namespace": "kube-system"}),
        _ => value!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}),
    }
}

fn system_roles(server: &mut ApiServer) {
    for line in SYSTEM_ROLES.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('|').map(str::trim);
        let mut next = || parts.next().unwrap_or_default();
        let (name, rules, who) = (next(), next(), next());
        let (namespace, name) = match name.split_once('/') {
            Some((namespace @ ("kube-system" | "kube-public"), name)) => (namespace, name),
            _ => ("", name),
        };
        let rules: Vec<Value> = rules.split(';').map(|rule| short_rule(rule.trim())).collect();
        let kind = if namespace.is_empty() { kinds::CLUSTER_ROLES } else { kinds::ROLES };
        create_written(server, kind, namespace, value!({"metadata": metadata(name), "rules": rules}));
        if !who.is_empty() {
            let subjects = who.split(", ").map(|who| match who.split_once(' ') {
                Some(("u", user)) => subject("User", user),
                _ => subject("ServiceAccount", who.trim_start_matches("s ")),
            });
            bind(server, namespace, name, subjects.collect());
        }
    }
}

fn roles(server: &mut ApiServer) {
    let roles = parse_json(ROLES).unwrap_or_default();
    for (name, facts) in roles.entries() {
        let mut role = value!({"metadata": {"name": name}, "rules": &facts["rules"]});
        for key in ["labels", "annotations"] {
            if !facts[key].is_null() {
                role["metadata"].set(key, &facts[key]);
            }
        }
        if !facts["aggregationRule"].is_null() {
            role.set("aggregationRule", &facts["aggregationRule"]);
        }
        create_written(server, kinds::CLUSTER_ROLES, "", role);
    }
    for (name, subjects) in BINDINGS {
        bind(server, "", name, subjects.iter().map(|(kind, name)| subject(kind, name)).collect());
    }
    for line in CONTROLLERS.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rules)) = line.split_once('|') else { continue };
        let name = name.trim();
        let rules: Vec<Value> = rules.split(';').map(|rule| short_rule(rule.trim())).collect();
        let role = format!("system:controller:{name}");
        create_written(server, kinds::CLUSTER_ROLES, "", value!({"metadata": metadata(&role), "rules": rules}));
        bind(server, "", &role, vec![subject("ServiceAccount", name)]);
    }
}

/// A rule from its short form: `groups:resources:verbs`, `groups:resources=names:verbs`, `/paths:verbs`, or `e` for
/// writing events.
fn short_rule(text: &str) -> Value {
    if text == "e" {
        return value!({
            "apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]
        });
    }
    let list = |text: &str| text.split(',').map(Value::from).collect::<Value>();
    let (about, verbs) = text.rsplit_once(':').unwrap_or((text, ""));
    if about.starts_with('/') {
        return value!({"nonResourceURLs": list(about), "verbs": list(verbs)});
    }
    let (groups, resources) = about.split_once(':').unwrap_or(("", about));
    let (resources, names) = resources.split_once('=').unwrap_or((resources, ""));
    let mut rule = value!({"apiGroups": list(groups), "resources": list(resources)});
    if !names.is_empty() {
        rule.set("resourceNames", list(names));
    }
    rule.set("verbs", list(verbs));
    rule
}
