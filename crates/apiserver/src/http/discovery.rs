//! What the server tells about itself: versions, groups, resources, health.

use drydock_api::{Method, Request, Response, Status};
use drydock_sorted::Sort;
use drydock_value::{Value, value};

use crate::registry::Served;
use crate::server::ApiServer;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The health checks, in the real server's order. Those of `READY` are about being ready only.
const CHECKS: [&str; 35] = [
    "ping",
    "log",
    "informer-sync",
    "etcd",
    "poststarthook/start-apiserver-admission-initializer",
    "poststarthook/generic-apiserver-start-informers",
    "poststarthook/priority-and-fairness-config-consumer",
    "poststarthook/priority-and-fairness-filter",
    "poststarthook/storage-object-count-tracker-hook",
    "poststarthook/start-apiextensions-informers",
    "poststarthook/start-apiextensions-controllers",
    "poststarthook/crd-informer-synced",
    "poststarthook/start-system-namespaces-controller",
    "poststarthook/start-cluster-authentication-info-controller",
    "poststarthook/start-kube-apiserver-identity-lease-controller",
    "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
    "poststarthook/start-legacy-token-tracking-controller",
    "poststarthook/start-service-ip-repair-controllers",
    "poststarthook/rbac/bootstrap-roles",
    "poststarthook/scheduling/bootstrap-system-priority-classes",
    "poststarthook/priority-and-fairness-config-producer",
    "poststarthook/bootstrap-controller",
    "poststarthook/start-kubernetes-service-cidr-controller",
    "poststarthook/aggregator-reload-proxy-client-cert",
    "poststarthook/start-kube-aggregator-informers",
    "poststarthook/apiservice-status-local-available-controller",
    "poststarthook/apiservice-status-remote-available-controller",
    "poststarthook/apiservice-registration-controller",
    "poststarthook/apiservice-wait-for-first-sync",
    "poststarthook/apiservice-discovery-controller",
    "poststarthook/kube-apiserver-autoregistration",
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
    "shutdown",
];
const READY: [&str; 2] = ["informer-sync", "shutdown"];

fn wants_aggregated(request: &Request) -> bool {
    request.header_value("accept").is_some_and(|accept| {
        accept.split(',').any(|part| {
            part.contains("as=APIGroupDiscoveryList")
                && part.contains("g=apidiscovery.k8s.io")
                && part.contains("v=v2")
                && !part.contains("v=v2beta1")
        })
    })
}

/// The groups in the order of discovery, each with its versions: those of custom resources have all the same, lowest
/// priority, and are ordered by name.
fn groups(all: &[&'static Served]) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for served in all {
        match groups.iter_mut().find(|(group, _)| *group == served.group()) {
            Some((_, versions)) => {
                if !versions.contains(&served.version()) {
                    versions.push(served.version());
                }
            }
            None => groups.push((served.group(), vec![served.version()])),
        }
    }
    let custom = |group: &str| {
        let mut rows = all.iter().filter(|served| served.group() == group);
        rows.all(|served| crate::custom::version(served).is_some()).then(|| group.to_owned())
    };
    groups.sort_compact_by_key(|(group, _)| custom(group));
    groups
}

fn of_version(all: &[&'static Served], group: &str, version: &str) -> Vec<&'static Served> {
    let mut rows: Vec<&Served> =
        all.iter().copied().filter(|served| served.group() == group && served.version() == version).collect();
    rows.sort_compact_by_key(|served| served.resource());
    rows
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// `APIGroupDiscoveryList` of the core group, or of all others. What other servers should tell and do not is known by name.
fn aggregated(all: &[&'static Served], stale: &[(String, String)], core: bool) -> Value {
    let mut items: Vec<Value> = groups(all)
        .into_iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .into_iter()
                .map(|version| {
                    let resources: Vec<Value> =
                        of_version(all, group, version).into_iter().map(aggregated_resource).collect();
                    value!({"version": version, "freshness": "Current", "resources": resources})
                })
                .collect();
            let metadata = if group.is_empty() { value!({}) } else { value!({"name": group}) };
            value!({"metadata": metadata, "versions": versions})
        })
        .collect();
    for (group, version) in stale.iter().filter(|_| !core) {
        let entry = value!({"version": version, "freshness": "Stale"});
        match items.iter_mut().find(|item| item["metadata"]["name"] == *group.as_str()) {
            Some(item) => item["versions"].push(entry),
            None => items.push(value!({"metadata": {"name": group}, "versions": [entry]})),
        }
    }
    value!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items
    })
}

fn aggregated_resource(served: &'static Served) -> Value {
    let resource = &served.row.resource;
    let mut row = value!({
        "resource": served.resource(),
        "responseKind": {"group": served.group(), "version": served.version(), "kind": served.kind_name()},
        "scope": if served.namespaced() { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular.as_str(),
        "verbs": resource.verbs.clone()
    });
    if !resource.short_names.is_empty() {
        row.set("shortNames", resource.short_names.clone());
    }
    if !resource.categories.is_empty() {
        row.set("categories", resource.categories.clone());
    }
    if !resource.subresources.is_empty() {
        let subresources: Vec<Value> = resource
            .subresources
            .iter()
            .map(|sub| {
                let own = sub.kind.version.is_empty();
                let group = if own { served.group() } else { sub.kind.group.as_str() };
                let version = if own { served.version() } else { sub.kind.version.as_str() };
                value!({
                    "subresource": sub.name.as_str(),
                    "responseKind": {"group": group, "version": version, "kind": sub.kind.kind.as_str()},
                    "verbs": sub.verbs.clone()
                })
            })
            .collect();
        row.set("subresources", subresources);
    }
    row
}

/// `APIResourceList` of a version.
fn resource_list(all: &[&'static Served], group: &str, version: &str) -> Option<Value> {
    let rows = of_version(all, group, version);
    if rows.is_empty() {
        return None;
    }
    let mut resources = Vec::new();
    for served in rows {
        let resource = &served.row.resource;
        let mut row = value!({
            "name": served.resource(), "singularName": resource.singular.as_str(),
            "namespaced": served.namespaced(), "kind": served.kind_name(), "verbs": resource.verbs.clone()
        });
        if !resource.short_names.is_empty() {
            row.set("shortNames", resource.short_names.clone());
        }
        if !resource.categories.is_empty() {
            row.set("categories", resource.categories.clone());
        }
        if let Some(hash) = version_hash(served) {
            row.set("storageVersionHash", hash);
        }
        resources.push(row);
        for sub in &resource.subresources {
            let mut row = value!({
                "name": format!("{}/{}", served.resource(), sub.name), "singularName": "",
                "namespaced": served.namespaced(), "kind": sub.kind.kind.as_str(), "verbs": sub.verbs.clone()
            });
            if !sub.kind.version.is_empty() {
                row.set("group", sub.kind.group.as_str());
                row.set("version", sub.kind.version.as_str());
            }
            resources.push(row);
        }
    }
    Some(value!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version),
        "resources": resources
    }))
}

/// A short name for the form in which objects are stored. A custom kind that is stored in a version that is not served
/// has none.
fn version_hash(served: &Served) -> Option<String> {
    const HASHES: &str = include_str!("../../data/storage-hashes.txt");
    let kind = served.kind?;
    if let Some(definition) = crate::custom::of(kind) {
        let stored = definition.versions.iter().find(|version| version.is_storage && version.is_served)?;
        let name = format!("{}/{}/{}", stored.served.group(), stored.served.version(), stored.served.kind_name());
        return Some(drydock_schema::base64::encode(&drydock_pki::sha256::digest(name.as_bytes())[..8]));
    }
    let name = kind.group_resource();
    let known = HASHES.lines().filter_map(|line| line.split_once(' ')).find(|(own, _)| *own == name);
    Some(known.map_or("", |(_, hash)| hash).to_owned())
}

/// Documents that a person may read come indented, in the order of their fields.
fn indented(document: &Value, first: &[&str]) -> Response {
    let mut lines: Vec<String> = Vec::new();
    let rest = document.entries().map(|(key, _)| key).filter(|key| !first.contains(key));
    for key in first.iter().copied().chain(rest) {
        let text = drydock_value::to_json_pretty(&document[key], 2).replace('\n', "\n  ");
        lines.push(format!("  {key:?}: {text}"));
    }
    let text = format!("{{\n{}\n}}", lines.join(",\n"));
    Response {
        code: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: drydock_api::Body::Bytes(text.into_bytes()),
    }
}

fn api_group(group: &str, versions: &[&str], with_kind: bool) -> Value {
    let entry = |version: &str| value!({"groupVersion": group_version(group, version), "version": version});
    let list: Vec<Value> = versions.iter().map(|version| entry(version)).collect();
    let mut out = value!({
        "name": group, "versions": list, "preferredVersion": entry(versions.first().copied().unwrap_or("v1"))
    });
    if with_kind {
        out.set("kind", "APIGroup");
        out.set("apiVersion", "v1");
    }
    out
}

impl ApiServer {
    /// Answers what is not a resource.
    pub(super) fn plain_path(&self, request: &Request) -> Result<Response, Status> {
        if !matches!(request.method, Method::Get | Method::Head) {
            return Err(super::method_not_allowed());
        }
        let path = request.path.trim_end_matches('/');
        let all = self.served();
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let found = match segments.as_slice() {
            [""] => return Ok(indented(&self.root_paths(), &["paths"])),
            ["version"] => {
                const ORDER: [&str; 13] = [
                    "major",
                    "minor",
                    "emulationMajor",
                    "emulationMinor",
                    "minCompatibilityMajor",
                    "minCompatibilityMinor",
                    "gitVersion",
                    "gitCommit",
                    "gitTreeState",
                    "buildDate",
                    "goVersion",
                    "compiler",
                    "platform",
                ];
                return Ok(indented(&self.version(), &ORDER));
            }
            ["openapi", rest @ ..] => return self.openapi(rest, request),
            ["healthz" | "livez" | "readyz", rest @ ..] => return health(segments[0], rest, request),
            ["api"] if wants_aggregated(request) => {
                let mut response = Response::value(200, aggregated(&all, &[], true));
                response.headers.push(("content-type".into(), AGGREGATED.into()));
                return Ok(response);
            }
            ["apis"] if wants_aggregated(request) => {
                let mut response = Response::value(200, aggregated(&all, &self.stale_versions(), false));
                response.headers.push(("content-type".into(), AGGREGATED.into()));
                return Ok(response);
            }
            ["api"] => value!({
                "kind": "APIVersions", "versions": ["v1"],
                "serverAddressByClientCIDRs": [
                    {"clientCIDR": "0.0.0.0/0", "serverAddress": self.config.address.as_str()}
                ]
            }),
            ["apis"] => {
                let mut groups: Vec<Value> = groups(&all)
                    .iter()
                    .filter(|(group, _)| !group.is_empty())
                    .map(|(group, versions)| api_group(group, versions, false))
                    .collect();
                for (group, version) in self.stale_versions() {
                    if !groups.iter().any(|known| known["name"] == *group.as_str()) {
                        groups.push(api_group(&group, &[&version], false));
                    }
                }
                value!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
            }
            ["apis", group] => {
                let (groups, stale) = (groups(&all), self.stale_versions());
                let known = groups.iter().find(|(name, _)| name == group && !name.is_empty());
                let mut versions = known.map(|(_, versions)| versions.clone()).unwrap_or_default();
                versions.extend(stale.iter().filter(|(name, _)| name == group).map(|(_, version)| version.as_str()));
                if versions.is_empty() {
                    return Err(Status::no_such_path());
                }
                api_group(group, &versions, true)
            }
            ["api", version] => resource_list(&all, "", version).ok_or_else(Status::no_such_path)?,
            ["apis", group, version] => {
                resource_list(&all, group, version).ok_or_else(|| self.no_such_resource(group, version))?
            }
            [".well-known", "openid-configuration"] => {
                // In the order in which the real server writes it.
                let text = format!(
                    "{{\"issuer\":\"https://kubernetes.default.svc.cluster.local\",\"jwks_uri\":\"https://{}/openid/v1/jwks\",\
                     \"response_types_supported\":[\"id_token\"],\"subject_types_supported\":[\"public\"],\
                     \"id_token_signing_alg_values_supported\":[\"RS256\"]}}",
                    self.config.address
                );
                return Ok(issuer_document(text, "application/json"));
            }
            ["metrics"] => return Ok(self.metrics()),
            ["metrics", "slis"] => return Ok(self.health_metrics(&CHECKS)),
            ["statusz"] => return Ok(self.statusz()),
            ["flagz"] => return Ok(self.flagz()),
            ["openid", "v1", "jwks"] => {
                return Ok(issuer_document(self.token_keys(), "application/jwk-set+json"));
            }
            _ => return Err(Status::no_such_path()),
        };
        Ok(Response::value(200, found))
    }

    fn version(&self) -> Value {
        let number = self.config.version.trim_start_matches('v');
        let mut parts = number.split('.');
        let (major, minor) = (parts.next().unwrap_or("1"), parts.next().unwrap_or("36"));
        value!({
            "major": major, "minor": minor, "emulationMajor": major, "emulationMinor": minor,
            "minCompatibilityMajor": major, "minCompatibilityMinor": previous(minor),
            "gitVersion": self.config.version.as_str(), "gitCommit": self.config.commit.as_str(), "gitTreeState": "clean",
            "buildDate": "2026-05-13T12:00:00Z", "goVersion": "go1.26.1", "compiler": "gc", "platform": "linux/amd64"
        })
    }

    fn root_paths(&self) -> Value {
        let mut paths: Vec<String> = [
            "/.well-known/openid-configuration",
            "/api",
            "/api/v1",
            "/apis",
            "/apis/",
            "/flagz",
            "/healthz",
            "/livez",
            "/metrics",
            "/metrics/slis",
            "/openapi/v2",
            "/openapi/v3",
            "/openapi/v3/",
            "/openid/v1/jwks",
            "/readyz",
            "/statusz",
            "/version",
        ]
        .map(str::to_owned)
        .to_vec();
        for (group, versions) in groups(&self.served()) {
            if group.is_empty() {
                continue;
            }
            paths.push(format!("/apis/{group}"));
            paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
        }
        for prefix in ["/healthz", "/livez", "/readyz"] {
            paths.extend(CHECKS.iter().map(|check| format!("{prefix}/{check}")));
        }
        paths.sort_compact();
        value!({"paths": paths})
    }
}

/// What says who issues tokens: it may be remembered for an hour.
fn issuer_document(text: String, kind: &str) -> Response {
    let mut response = Response::text(200, text);
    let headers = [("content-type", kind), ("cache-control", "public, max-age=3600")];
    response.headers = headers.map(|(name, value)| (name.into(), value.into())).to_vec();
    response
}

fn previous(minor: &str) -> String {
    minor.parse::<u32>().map_or_else(|_| String::new(), |number| number.saturating_sub(1).to_string())
}

fn health(which: &str, rest: &[&str], request: &Request) -> Result<Response, Status> {
    let check = rest.join("/");
    let checks = CHECKS.iter().filter(|check| which == "readyz" || !READY.contains(check));
    if !check.is_empty() {
        return if checks.clone().any(|known| *known == check) {
            Ok(Response::text(200, "ok"))
        } else {
            Err(Status::no_such_path())
        };
    }
    if request.query.iter().any(|(name, _)| name == "verbose") {
        let mut text: String = checks.map(|check| format!("[+]{check} ok\n")).collect();
        text.push_str(&format!("{which} check passed\n"));
        return Ok(Response::text(200, text));
    }
    Ok(Response::text(200, "ok"))
}
