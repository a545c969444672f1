//! What servers behind the API server answer for: resources of groups that an APIService hands on to a service of the
//! cluster. Here that is the metrics server; what it has measured is told by [`ApiServer::publish`].

use std::sync::{Arc, OnceLock};

use drydock_api::{GroupVersionResource, Request, Resource, Response, Scope, Status};
use drydock_schema::{Column, ResourceRow};
use drydock_value::{Map, Value, value};

use super::params::{self, Form};
use super::route::Route;
use crate::kinds;
use crate::registry::Served;
use crate::selection::Selection;
use crate::server::ApiServer;

/// The group and version of measurements.
pub(crate) const METRICS: (&str, &str) = ("metrics.k8s.io", "v1beta1");

/// What an extension server has told, by the plural of the resource.
pub(crate) type Published = Arc<Vec<(&'static str, Vec<Value>)>>;

/// The resources of measurements.
fn table() -> &'static [Served] {
    static TABLE: OnceLock<Vec<Served>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let column = |name: &str, kind: &str, format: &str| Column {
            name: name.into(),
            kind: kind.into(),
            format: format.into(),
            priority: 0,
            description: String::new(),
        };
        let row = |resource: &str, kind: &str, scope: Scope| {
            let row = ResourceRow {
                resource: Resource {
                    id: GroupVersionResource::new(METRICS.0, METRICS.1, resource),
                    kind: kind.into(),
                    singular: String::new(),
                    short_names: Vec::new(),
                    categories: Vec::new(),
                    scope,
                    verbs: ["get", "list"].map(str::to_owned).to_vec(),
                    subresources: Vec::new(),
                },
                columns: vec![
                    column("Name", "string", "name"),
                    column("cpu", "string", ""),
                    column("memory", "string", ""),
                    column("Window", "string", ""),
                ],
            };
            Served { row: Box::leak(Box::new(row)), kind: None }
        };
        vec![row("nodes", "NodeMetrics", Scope::Cluster), row("pods", "PodMetrics", Scope::Namespaced)]
    })
}

fn unavailable() -> Status {
    Status::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
}

impl ApiServer {
    /// Whether an APIService hands a group and version on to another server, and whether that one answers.
    fn handed_on(&self, group: &str, version: &str) -> Option<bool> {
        let service = self.get(kinds::API_SERVICES, "", &format!("{version}.{group}"))?;
        let available = service["status"]["conditions"].find("type", "Available");
        (!service["spec"]["service"].is_null())
            .then(|| available.is_some_and(|condition| condition["status"] == "True"))
    }

    /// The versions of groups that are handed on to servers that do not answer, in the order of their names.
    pub(super) fn stale_versions(&self) -> Vec<(String, String)> {
        let all = self.objects(kinds::API_SERVICES, "").map(|service| &service["spec"]);
        let named = all.map(|spec| (spec["group"].str().to_owned(), spec["version"].str().to_owned()));
        named.filter(|(group, version)| self.handed_on(group, version) == Some(false)).collect()
    }

    /// The resources that extension servers answer for now.
    pub(crate) fn extension_served(&self) -> &'static [Served] {
        if self.handed_on(METRICS.0, METRICS.1) == Some(true) { table() } else { &[] }
    }

    /// Why a path that names nothing that is served is refused.
    pub(crate) fn no_such_resource(&self, group: &str, version: &str) -> Status {
        match self.handed_on(group, version) {
            Some(false) => unavailable(),
            _ => Status::no_such_path(),
        }
    }

    /// Takes what the metrics server tells now of `pods` or `nodes`, in the order of namespaces and names.
    pub fn publish(&mut self, resource: &'static str, objects: Vec<Value>) {
        let published = Arc::make_mut(&mut self.published);
        published.retain(|(known, _)| *known != resource);
        published.push((resource, objects));
    }

    /// What the metrics server tells of the pods of a namespace, as a client of it gets it.
    ///
    /// # Errors
    /// When there is no metrics server, or it does not answer.
    pub fn pod_metrics(&self, namespace: &str) -> Result<impl Iterator<Item = &Value>, Status> {
        let mut refused = match self.handed_on(METRICS.0, METRICS.1) {
            Some(true) => {
                return Ok(self.told("pods").iter().filter(move |pod| pod["metadata"]["namespace"] == *namespace));
            }
            Some(false) => unavailable(),
            None => Status::no_such_path(),
        };
        refused.message = format!("{} (get pods.{})", refused.message, METRICS.0);
        Err(refused)
    }

    fn told(&self, resource: &str) -> &[Value] {
        self.published.iter().find(|(known, _)| *known == resource).map_or(&[], |(_, objects)| objects)
    }

    /// Answers for what an extension server has told.
    pub(super) fn extension(
        &self,
        served: &'static Served,
        route: &Route,
        request: &Request,
    ) -> Result<Response, Status> {
        let options = params::ListOptions::of(request, false)?;
        let selection = Selection::parse(kinds::CONFIG_MAPS, served, &options.label_selector, &options.field_selector)?;
        let wanted = |object: &&Value| {
            let metadata = &object["metadata"];
            (route.namespace.is_empty() || metadata["namespace"] == *route.namespace)
                && (route.name.is_empty() || metadata["name"] == *route.name)
                && selection.matches(kinds::CONFIG_MAPS, object)
        };
        let found: Vec<&Value> = self.told(served.resource()).iter().filter(wanted).collect();
        let form = params::form(request, served, Some(route.name.is_empty()))?;
        if !route.name.is_empty() && found.is_empty() {
            let name = match served.namespaced() {
                true => format!("{}/{}", route.namespace, route.name),
                false => route.name.clone(),
            };
            return Err(Status::not_found(METRICS.0, &served.kind_name().to_lowercase(), &name));
        }
        Ok(Response::value(
            200,
            match form {
                Form::Table(include) => {
                    let rows = found.iter().map(|object| self.extension_row(served, object, include)).collect();
                    let columns = crate::printers::column_definitions(&served.row.columns);
                    crate::printers::table(Some(columns), rows, Map::new())
                }
                _ if !route.name.is_empty() => found.first().map(|object| (*object).clone()).unwrap_or_default(),
                _ => value!({
                    "kind": format!("{}List", served.kind_name()), "apiVersion": served.api_version(),
                    "metadata": {}, "items": found.into_iter().cloned().collect::<Value>()
                }),
            },
        ))
    }

    fn extension_row(&self, served: &Served, object: &Value, include: super::IncludeObject) -> Value {
        use drydock_schema::quantity::Quantity;
        let own = std::slice::from_ref(object);
        let parts = if object["usage"].is_null() { object["containers"].items() } else { own };
        let sum = |of: &str| {
            parts
                .iter()
                .filter_map(|part| Quantity::of(&part["usage"][of]).ok())
                .reduce(|sum, more| sum.add(&more))
                .map(|sum| sum.to_string())
                .unwrap_or_default()
        };
        let mut row = crate::printers::row(None, served.row, object, self.now, include);
        row.set("cells", value!([&object["metadata"]["name"], sum("cpu"), sum("memory"), &object["window"]]));
        row
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Bench;
    use super::*;

    #[test]
    fn measurements_are_served_while_their_api_service_is_available() {
        let mut bench = Bench::new();
        let path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
        let get = || Request::get(path);
        assert_eq!(bench.refused(get()).message, "the server could not find the requested resource");
        let service = value!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100,
                "versionPriority": 100, "insecureSkipTLSVerify": true,
                "service": {"name": "metrics-server", "namespace": "kube-system"}}
        });
        let mut service = bench.create("/apis/apiregistration.k8s.io/v1/apiservices", service).unwrap();
        assert_eq!(bench.refused(get()).message, "the server is currently unable to handle the request");
        assert_eq!(bench.refused(Request::get("/apis/metrics.k8s.io/v1beta1")).code, 503);
        // What should be told is known by name.
        let group = bench.ok(Request::get("/apis/metrics.k8s.io"));
        assert_eq!(group["preferredVersion"]["groupVersion"], "metrics.k8s.io/v1beta1");
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let all = bench.ok(Request::get("/apis").header("Accept", accept));
        let last = all["items"].items().last().unwrap();
        assert_eq!(last["versions"], value!([{"version": "v1beta1", "freshness": "Stale"}]));
        service.set("status", value!({"conditions": [{"type": "Available", "status": "True"}]}));
        bench.server.client("admin").update_status(kinds::API_SERVICES, "", service).unwrap();
        let pod = |namespace: &str, name: &str| {
            value!({"kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
                "containers": [{"name": "a", "usage": {"cpu": "5m", "memory": "3Mi"}}]})
        };
        bench.server.publish("pods", vec![pod("default", "a"), pod("default", "b"), pod("other", "c")]);
        let list = bench.ok(get());
        let names: Vec<&str> = list["items"].items().iter().map(|item| item["metadata"]["name"].str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(bench.ok(get().param("labelSelector", "app=b"))["items"].items().len(), 1);
        assert_eq!(bench.ok(Request::get(format!("{path}/b")))["containers"][0]["usage"]["cpu"], "5m");
        assert_eq!(
            bench.refused(Request::get(format!("{path}/x"))).message,
            "podmetrics.metrics.k8s.io \"default/x\" not found"
        );
        let listed = bench.ok(Request::get("/apis/metrics.k8s.io/v1beta1"));
        assert_eq!(listed["resources"].items().len(), 2);
        assert_eq!(bench.server.pod_metrics("other").unwrap().count(), 1);
    }
}
