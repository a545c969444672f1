//! Requests and their answers, in the words of a real server.

mod access;
mod lists;
mod refused;
mod services;
mod workloads;

use drydock_api::{Auth, Body, Method, Request, Response, Status};
use drydock_value::{Time, Value, parse_json, value};

use super::Answer;
use crate::config::Config;
use crate::kinds;
use crate::server::ApiServer;

/// A server with what controllers would have made, and a clock.
pub(crate) struct Bench {
    pub(crate) server: ApiServer,
    now: Time,
    user: Option<&'static str>,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let config = Config::default();
        let now = config.start;
        let mut server = ApiServer::new(config);
        for namespace in ["default", "kube-system"] {
            server
                .client("system:serviceaccount:kube-system:service-account-controller")
                .create(kinds::SERVICE_ACCOUNTS, namespace, value!({"metadata": {"name": "default"}}))
                .unwrap();
        }
        Bench { server, now, user: None }
    }

    pub(crate) fn send(&mut self, mut request: Request) -> Response {
        request.auth = Auth::Certificate { certificate: "/home/learner/.minikube/client.crt".into() };
        if let Some(user) = self.user {
            request = request.header("Impersonate-User", user);
        }
        match self.server.handle(request, self.now) {
            Answer::Response(response) => response,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn ok(&mut self, request: Request) -> Value {
        self.send(request).into_result().unwrap()
    }

    pub(crate) fn refused(&mut self, request: Request) -> Status {
        self.send(request).into_result().unwrap_err()
    }

    pub(crate) fn create(&mut self, path: &str, object: Value) -> Result<Value, Status> {
        self.send(Request::new(Method::Post, path).with_value(object).param("fieldValidation", "Strict")).into_result()
    }

    pub(crate) fn patch(&mut self, path: &str, content: &str, patch: &str) -> Result<Value, Status> {
        let mut request = Request::new(Method::Patch, path).header("Content-Type", content);
        request.body = Body::Bytes(patch.as_bytes().to_vec());
        self.send(request).into_result()
    }
}

const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON: &str = "application/json-patch+json";

fn config_map(name: &str) -> Value {
    value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": "x"}},
            "data": {"k": "v"}})
}

fn deployment(name: &str) -> Value {
    value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}
            }
        }
    })
}

pub(super) const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

#[test]
fn a_new_cluster_has_its_objects() {
    let mut bench = Bench::new();
    let namespaces = bench.ok(Request::get("/api/v1/namespaces"));
    let names: Vec<&str> = namespaces["items"].items().iter().map(|n| n["metadata"]["name"].str()).collect();
    assert_eq!(names, ["default", "kube-node-lease", "kube-public", "kube-system"]);
    let service = bench.ok(Request::get("/api/v1/namespaces/default/services/kubernetes"));
    assert_eq!(
        service["spec"],
        parse_json(
            r#"{"clusterIP":"10.96.0.1","clusterIPs":["10.96.0.1"],"internalTrafficPolicy":"Cluster",
                "ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack",
                "ports":[{"name":"https","port":443,"protocol":"TCP","targetPort":8443}],
                "sessionAffinity":"None","type":"ClusterIP"}"#
        )
        .unwrap()
    );
    assert_eq!(service["status"], value!({"loadBalancer": {}}));
    let class = bench.ok(Request::get("/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical"));
    assert_eq!(class["preemptionPolicy"], "PreemptLowerPriority");
    let namespace = bench.ok(Request::get("/api/v1/namespaces/default"));
    assert_eq!(namespace["metadata"]["labels"], value!({"kubernetes.io/metadata.name": "default"}));
    assert_eq!(namespace["spec"], value!({"finalizers": ["kubernetes"]}));
}

#[test]
fn create_get_update_delete() {
    let mut bench = Bench::new();
    let created = bench.create(DEPLOYMENTS, deployment("web")).unwrap();
    assert_eq!(created["metadata"]["generation"].int(), 1);
    assert_eq!(created["spec"]["strategy"]["rollingUpdate"], value!({"maxSurge": "25%", "maxUnavailable": "25%"}));
    assert_eq!(
        bench.create(DEPLOYMENTS, deployment("web")).unwrap_err().message,
        "deployments.apps \"web\" already exists"
    );

    let path = format!("{DEPLOYMENTS}/web");
    let mut changed = created.clone();
    changed["spec"]["replicas"] = 3.into();
    let updated = bench.ok(Request::new(Method::Put, &path).with_value(changed.clone()));
    assert_eq!(updated["metadata"]["generation"].int(), 2);
    assert_ne!(updated["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);
    let stale = bench.refused(Request::new(Method::Put, &path).with_value(changed));
    assert_eq!(
        (stale.code, stale.message.as_str()),
        (
            409,
            "Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified; please apply your \
             changes to the latest version and try again"
        )
    );

    let same = bench.patch(&path, STRATEGIC, r#"{"spec":{"replicas":3}}"#).unwrap();
    assert_eq!(same, updated, "a patch that changes nothing writes nothing");
    let patched = bench
        .patch(&path, STRATEGIC, r#"{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"nginx:2"}]}}}}"#)
        .unwrap();
    assert_eq!(patched["spec"]["template"]["spec"]["containers"][0]["image"], "nginx:2");
    assert_eq!(patched["metadata"]["generation"].int(), 3);

    let gone = bench.ok(Request::new(Method::Delete, &path));
    assert_eq!((gone["status"].str(), gone["details"]["group"].str()), ("Success", "apps"));
    assert_eq!(bench.refused(Request::get(&path)).message, "deployments.apps \"web\" not found");
}

#[test]
fn scale_is_a_view_of_the_object() {
    let mut bench = Bench::new();
    bench.create(DEPLOYMENTS, deployment("web")).unwrap();
    let path = format!("{DEPLOYMENTS}/web/scale");
    let scale = bench.ok(Request::get(&path));
    assert_eq!((scale["spec"]["replicas"].int(), scale["status"]["selector"].str()), (2, "app=web"));
    bench.patch(&path, MERGE, r#"{"spec":{"replicas":5}}"#).unwrap();
    assert_eq!(bench.ok(Request::get(format!("{DEPLOYMENTS}/web")))["spec"]["replicas"].int(), 5);
    let wrong = bench.patch(&path, MERGE, r#"{"spec":{"replicas":-1}}"#).unwrap_err();
    assert_eq!(
        wrong.message,
        "Scale.autoscaling \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    );
    let many = bench.patch(&path, MERGE, r#"{"spec":{"replicas":100000}}"#).unwrap_err();
    assert!(many.message.contains("holds at most 20000 replicas"), "{many}");
    assert_eq!(bench.refused(Request::get(format!("{DEPLOYMENTS}/web/foo"))).code, 404);
}

#[test]
fn deletion_waits_for_finalizers() {
    let mut bench = Bench::new();
    let mut held = config_map("held");
    held["metadata"].set("finalizers", value!(["example.com/hold"]));
    bench.create(MAPS, held).unwrap();
    let path = format!("{MAPS}/held");
    let early = r#"{"metadata":{"deletionTimestamp":"2020-01-02T03:04:05Z","deletionGracePeriodSeconds":3}}"#;
    assert_eq!(
        bench.patch(&path, STRATEGIC, early).unwrap_err().message,
        "ConfigMap \"held\" is invalid: [metadata.deletionTimestamp: Invalid value: \"2020-01-02T03:04:05Z\": field \
         is immutable, metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable]"
    );
    let deleting = bench.ok(Request::new(Method::Delete, &path));
    assert_eq!(deleting["metadata"]["deletionGracePeriodSeconds"].int(), 0);
    let more = bench.patch(&path, STRATEGIC, r#"{"metadata":{"finalizers":["example.com/more"]}}"#).unwrap_err();
    assert_eq!(
        more.message,
        "ConfigMap \"held\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
         being deleted, found new finalizers []string{\"example.com/more\"}"
    );
    let kept = bench.patch(&path, STRATEGIC, r#"{"metadata":{"deletionTimestamp":null}}"#).unwrap();
    assert_eq!(kept["metadata"]["deletionTimestamp"], deleting["metadata"]["deletionTimestamp"]);
    bench.patch(&path, JSON, r#"[{"op":"remove","path":"/metadata/finalizers"}]"#).unwrap();
    assert_eq!(bench.refused(Request::get(&path)).code, 404);
}

#[test]
fn objects_are_made_in_collections_and_changed_by_name() {
    let mut bench = Bench::new();
    let maps = "/api/v1/namespaces/default/configmaps";
    for (method, path) in [
        (Method::Post, format!("{maps}/a")),
        (Method::Put, maps.to_owned()),
        (Method::Patch, maps.to_owned()),
        (Method::Put, "/api/v1/nodes".to_owned()),
    ] {
        let body = value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let status = bench.refused(Request::new(method, path).with_value(body));
        assert_eq!((status.code, status.reason.as_str()), (405, "MethodNotAllowed"));
    }
}

#[test]
fn bodies_come_in_the_formats_that_the_server_speaks() {
    let mut bench = Bench::new();
    let mut post = |media: &str, text: &str| {
        let mut request =
            Request::new(Method::Post, "/api/v1/namespaces/default/configmaps").header("Content-Type", media);
        request.body = Body::Bytes(text.as_bytes().to_vec());
        let response = bench.send(request);
        (response.code, response.body.value().unwrap())
    };
    let (code, made) = post("application/yaml", "metadata:\n  name: a\ndata: {k: v}\n");
    assert_eq!((code, made["data"]["k"].str()), (201, "v"));
    let (code, refused) = post("application/x-www-form-urlencoded", "{}");
    assert_eq!((code, refused["reason"].str()), (415, "UnsupportedMediaType"));
    let (code, _) = post("application/json; charset=utf-8", r#"{"metadata":{"name":"b"}}"#);
    assert_eq!(code, 201);
    let (code, _) = post("application/yaml", "metadata: [");
    assert_eq!(code, 400);
}

#[test]
fn discovery_comes_in_both_forms() {
    let mut bench = Bench::new();
    let list = bench.ok(Request::get("/apis/batch/v1"));
    assert_eq!(list["resources"][0]["name"], "cronjobs");
    assert_eq!(list["resources"][0]["storageVersionHash"], "sd5LIXh4Fjs=");
    assert_eq!(list["resources"][1]["name"], "cronjobs/status");
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let core = bench.ok(Request::get("/api").header("accept", accept));
    assert_eq!(core["kind"], "APIGroupDiscoveryList");
    let pods = core["items"][0]["versions"][0]["resources"].find("resource", "pods").unwrap();
    assert_eq!(pods["shortNames"], value!(["po"]));
    let apis = bench.ok(Request::get("/apis").header("accept", accept));
    assert_eq!(apis["items"][1]["metadata"]["name"], "apps");
    assert_eq!(bench.ok(Request::get("/version"))["gitVersion"], "v1.36.3");
    assert_eq!(bench.send(Request::get("/readyz")).body.text(), "ok");
}

#[test]
fn quotas_are_charged_before_anything_is_kept() {
    let mut bench = Bench::new();
    let quotas = "/api/v1/namespaces/default/resourcequotas";
    bench
        .create(
            quotas,
            value!({"metadata": {"name": "q"}, "spec": {"hard": {"configmaps": "1", "limits.memory": "1Gi"}}}),
        )
        .unwrap();
    bench.create(MAPS, config_map("before")).unwrap();
    // From when the controller has counted, the quota holds.
    bench
        .patch(
            &format!("{quotas}/q/status"),
            MERGE,
            r#"{"status":{"hard":{"configmaps":"2","limits.memory":"1Gi"},"used":{"configmaps":"1","limits.memory":"0"}}}"#,
        )
        .unwrap();
    bench.create(MAPS, config_map("a")).unwrap();
    assert_eq!(
        bench.create(MAPS, config_map("b")).unwrap_err().message,
        "configmaps \"b\" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: \
         configmaps=2"
    );
    let quota = bench.ok(Request::get(format!("{quotas}/q")));
    assert_eq!(quota["status"]["used"]["configmaps"], "2");
    let pod = value!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    assert_eq!(
        bench.create("/api/v1/namespaces/default/pods", pod).unwrap_err().message,
        "pods \"p\" is forbidden: failed quota: q: must specify limits.memory for: c"
    );
    // What nobody has counted is not given away.
    bench.patch(&format!("{quotas}/q/status"), MERGE, r#"{"status":{"used":null}}"#).unwrap();
    assert_eq!(
        bench.create(MAPS, config_map("c")).unwrap_err().message,
        "configmaps \"c\" is forbidden: status unknown for quota: q, resources: configmaps"
    );
}

#[test]
fn pods_are_charged_for_all_of_them() {
    // Of containers, init containers, the pod as a whole; overhead; what a quota counts.
    let ask = |cpu: &str| value!({"name": format!("c{cpu}"), "image": "nginx", "resources": {"requests": {"cpu": cpu, "example.com/x": "1"}}});
    let mut sidecar = ask("50m");
    sidecar.set("restartPolicy", "Always");
    let cases = [
        (value!([ask("100m"), ask("200m")]), value!([]), value!({}), "300m", "2"),
        (value!([ask("100m")]), value!([ask("1")]), value!({}), "1", "1"),
        (value!([ask("100m")]), value!([sidecar.clone(), ask("1")]), value!({}), "1050m", "2"),
        (value!([ask("100m")]), value!([]), value!({"resources": {"requests": {"cpu": "2"}}}), "2", "1"),
        (value!([ask("100m")]), value!([]), value!({"overhead": {"cpu": "5m"}}), "105m", "1"),
    ];
    let quota = value!({"spec": {"hard": {"requests.cpu": "9", "requests.example.com/x": "9", "count/pods": "9"}}});
    for (containers, init, mut spec, cpu, extended) in cases {
        spec.set("containers", containers);
        spec.set("initContainers", init);
        let mut pod = value!({"spec": spec});
        let used = |pod: &Value| crate::quota_used(&quota, kinds::PODS, &mut [pod].into_iter(), Time::default());
        let wanted = [("count/pods", "1"), ("requests.cpu", cpu), ("requests.example.com/x", extended)];
        assert_eq!(used(&pod), wanted.map(|(name, amount)| (name.to_owned(), amount.to_owned())), "{pod}");
        pod.set("status", value!({"phase": "Failed"}));
        assert_eq!(used(&pod), [("count/pods".to_owned(), "1".to_owned())]);
    }
}

#[test]
fn limit_ranges_fill_in_and_refuse() {
    let mut bench = Bench::new();
    bench
        .create(
            "/api/v1/namespaces/default/limitranges",
            value!({"metadata": {"name": "lr"}, "spec": {"limits": [
                {"type": "Container", "default": {"cpu": "500m", "memory": "256Mi"}, "defaultRequest": {"cpu": "100m"},
                 "min": {"cpu": "50m"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "10"}},
                {"type": "Pod", "max": {"memory": "512Mi"}}
            ]}}),
        )
        .unwrap();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = |name: &str, resources: Value| {
        value!({"metadata": {"name": name},
                "spec": {"containers": [{"name": "c", "image": "nginx", "resources": resources}]}})
    };
    let made = bench.create(pods, pod("defaulted", value!({}))).unwrap();
    assert_eq!(
        made["spec"]["containers"][0]["resources"],
        value!({"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}})
    );
    assert_eq!(
        made["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
    );
    for (resources, why) in [
        (value!({"limits": {"cpu": "2"}}), "maximum cpu usage per Container is 1, but limit is 2"),
        (
            value!({"requests": {"cpu": "10m"}}),
            "[minimum cpu usage per Container is 50m, but request is 10m, cpu max limit to request ratio per Container is \
             10, but provided ratio is 50.000000]",
        ),
        (value!({"limits": {"memory": "1Gi"}}), "maximum memory usage per Pod is 512Mi, but limit is 1Gi"),
    ] {
        let refused = bench.create(pods, pod("x", resources)).unwrap_err();
        assert_eq!(refused.message, format!("pods \"x\" is forbidden: {why}"));
    }
}
