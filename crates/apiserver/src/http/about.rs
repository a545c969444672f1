//! What the server tells about its own running: metrics, status, flags.

use drydock_api::Response;
use drydock_sorted::SortedMap;
use drydock_value::Time;

use super::Route;
use crate::kinds::Kind;
use crate::server::ApiServer;

/// How many requests there were, by their labels in Prometheus' form.
pub(crate) type Requests = SortedMap<String, u64>;

const PARSE: &str = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility \
                     guarantees and is for debugging purposes only.";

/// How requests are told apart.
pub(super) fn labels(route: &Route, code: u16) -> String {
    let verb = match route.verb {
        "deletecollection" => "DELETECOLLECTION".to_owned(),
        "create" => "POST".to_owned(),
        "update" => "PUT".to_owned(),
        verb => verb.to_ascii_uppercase(),
    };
    let scope = match (route.is_resource, route.name.is_empty(), route.namespace.is_empty()) {
        (false, ..) => "",
        (_, false, _) => "resource",
        (_, _, false) => "namespace",
        _ => "cluster",
    };
    format!(
        "code=\"{code}\",component=\"apiserver\",dry_run=\"\",group=\"{}\",resource=\"{}\",scope=\"{scope}\",\
         subresource=\"{}\",verb=\"{verb}\",version=\"{}\"",
        route.group, route.resource, route.subresource, route.version
    )
}

impl ApiServer {
    /// The metrics, in Prometheus' text form.
    pub(super) fn metrics(&self) -> Response {
        let mut text = String::from(
            "# HELP apiserver_request_total [STABLE] Counter of apiserver requests broken out for each verb, dry run \
             value, group, version, resource, scope, component, and HTTP response code.\n\
             # TYPE apiserver_request_total counter\n",
        );
        for (labels, count) in self.requests.iter() {
            text.push_str(&format!("apiserver_request_total{{{labels}}} {count}\n"));
        }
        text.push_str(
            "# HELP apiserver_storage_objects [STABLE] Number of stored objects at the time of last check split by kind.\n\
             # TYPE apiserver_storage_objects gauge\n",
        );
        for kind in Kind::all().chain(self.custom_kinds()) {
            let count = self.store.count_of(kind);
            text.push_str(&format!("apiserver_storage_objects{{resource=\"{}\"}} {count}\n", kind.group_resource()));
        }
        Response::text(200, text)
    }

    /// How the health checks do, as metrics.
    pub(super) fn health_metrics(&self, checks: &[&str]) -> Response {
        let mut text = String::from(
            "# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.\n\
             # TYPE kubernetes_healthcheck gauge\n",
        );
        for check in checks {
            for kind in ["healthz", "livez", "readyz"] {
                text.push_str(&format!("kubernetes_healthcheck{{name=\"{check}\",type=\"{kind}\"}} 1\n"));
            }
        }
        Response::text(200, text)
    }

    /// Since when the server runs, and which one it is.
    pub(super) fn statusz(&self) -> Response {
        let up = self.now.since(self.config.start);
        let stamp = |time: Time| time.rfc3339();
        let version = self.config.version.trim_start_matches('v');
        let minor: Vec<&str> = version.split('.').take(2).collect();
        Response::text(
            200,
            format!(
                "\nkube-apiserver statusz\n{PARSE}\n\nStarted: {}\nUp: {}\nGo version: go1.26.1\nBinary version: \
                 {version}\nEmulation version: {}\nPaths: /healthz /livez /metrics /readyz /version\n",
                stamp(self.config.start),
                crate::types::human(up),
                minor.join(".")
            ),
        )
    }

    /// What the server was told when it started.
    pub(super) fn flagz(&self) -> Response {
        let (network, prefix) = self.config.service_cidr;
        let (first, last) = self.config.node_ports;
        Response::text(
            200,
            format!(
                "\nkube-apiserver flagz\n{PARSE}\n\nservice-cluster-ip-range={}/{prefix}\nservice-node-port-range={first}-{last}\n",
                std::net::Ipv4Addr::from(network)
            ),
        )
    }
}
