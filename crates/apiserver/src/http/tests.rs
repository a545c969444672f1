//! Requests and their answers, in the words of a real server.

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
fn what_is_wrong_is_said_as_by_a_real_server() {
    let mut bench = Bench::new();
    bench.create(MAPS, config_map("a")).unwrap();
    bench.create(DEPLOYMENTS, deployment("web")).unwrap();
    let cases: Vec<(Request, &str)> = vec![
        (
            Request::new(Method::Post, MAPS).with_value(value!({"kind": "Pod", "apiVersion": "v1"})),
            "Pod in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown \
             conversion",
        ),
        (
            Request::new(Method::Post, MAPS).with_value(value!({"metadata": {"name": "x", "namespace": "other"}})),
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            Request::new(Method::Post, "/api/v1/namespaces/nope/configmaps").with_value(config_map("x")),
            "namespaces \"nope\" not found",
        ),
        (
            Request::new(Method::Post, MAPS)
                .with_value(value!({"metadata": {"name": "f"}, "dat": {}}))
                .param("fieldValidation", "Strict"),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dat\"",
        ),
        (
            Request::new(Method::Post, MAPS).with_value(value!({"metadata": {"name": "f"}, "data": {"n": true}})),
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal bool into Go struct field \
             ConfigMap.data of type string",
        ),
        (
            Request::new(Method::Post, MAPS).with_value(config_map("Bad_1")),
            "ConfigMap \"Bad_1\" is invalid: metadata.name: Invalid value: \"Bad_1\": a lowercase RFC 1123 subdomain must \
             consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
             character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ),
        (Request::get(format!("{MAPS}?")), "the server could not find the requested resource"),
        (Request::get(MAPS).param("limit", "x"), "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            Request::get(MAPS).param("continue", "rubbish"),
            "invalid continue token: continue key is not valid: invalid character '\u{ae}' looking for beginning of value",
        ),
        (
            Request::get(MAPS).param("fieldSelector", "spec.x=1"),
            "\"spec.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
        (
            Request::get("/api/v1/namespaces/default/pods").param("fieldSelector", "status.frob=Running"),
            "field label not supported: status.frob",
        ),
        (Request::get(MAPS).param("labelSelector", "a=b=c"), "found '=', expected: ',' or 'end of string'"),
        (Request::get("/api/v1/frobs"), "the server could not find the requested resource"),
        (Request::get("/apis/nope"), "the server could not find the requested resource"),
        (
            Request::get("/api/v1/namespaces/default/serviceaccounts/default/token"),
            "the server does not allow this method on the requested resource",
        ),
        (Request::new(Method::Delete, format!("{MAPS}/a/status")), "the server could not find the requested resource"),
        (
            Request::new(Method::Delete, "/api/v1/namespaces/default"),
            "namespaces \"default\" is forbidden: this namespace may not be deleted",
        ),
        (
            Request::new(Method::Put, format!("{MAPS}/other")).with_value(config_map("a")),
            "the name of the object (a) does not match the name on the URL (other)",
        ),
        (
            Request::new(Method::Delete, format!("{MAPS}/a"))
                .with_value(value!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "1"}})),
            "Operation cannot be fulfilled on configmaps \"a\": Precondition failed: UID in precondition: 1, UID in object \
             meta: ",
        ),
        (
            Request::new(Method::Post, "/api/v1/namespaces/default/serviceaccounts/default/token").with_value(value!({
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": 1}
            })),
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 1: may not specify \
             a duration less than 10 minutes",
        ),
    ];
    for (request, message) in cases {
        let shown = format!("{} {}", request.method.as_str(), request.path);
        let status = bench.refused(request);
        assert!(status.message.starts_with(message), "{shown}\n got: {}\nwant: {message}", status.message);
    }
    let mut broken = Request::new(Method::Post, MAPS);
    broken.body = Body::Bytes(b"{bad".to_vec());
    assert_eq!(
        bench.refused(broken).message,
        "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: \
         invalid character 'b' looking for beginning of object key string ({bad)"
    );
    let test =
        bench.patch(&format!("{MAPS}/a"), JSON, r#"[{"op":"test","path":"/data/k","value":"nope"}]"#).unwrap_err();
    assert_eq!(
        (test.code, test.message.as_str()),
        (422, "the server rejected our request due to an error in our request")
    );
    let renamed =
        bench.patch(&format!("{DEPLOYMENTS}/web"), STRATEGIC, r#"{"metadata":{"name":"renamed"}}"#).unwrap_err();
    assert_eq!(renamed.message, "the name of the object (renamed) does not match the name on the URL (web)");
    let unknown = bench.send({
        let mut request = Request::new(Method::Patch, format!("{DEPLOYMENTS}/web"))
            .header("content-type", STRATEGIC)
            .param("fieldValidation", "Strict");
        request.body = Body::Bytes(br#"{"spec":{"replica":2}}"#.to_vec());
        request
    });
    assert_eq!(
        unknown.into_result().unwrap_err().message,
        " \"\" is invalid: patch: Invalid value: \"map[spec:map[replica:2]]\": strict decoding error: unknown field \
         \"spec.replica\""
    );
}

#[test]
fn unknown_fields_warn_unless_ignored() {
    let mut bench = Bench::new();
    let object = value!({"metadata": {"name": "w"}, "dat": {}, "data": {"a": "b"}});
    let response = bench.send(Request::new(Method::Post, MAPS).with_value(object.clone()));
    assert_eq!(response.warnings().collect::<Vec<_>>(), ["unknown field \"dat\""]);
    let mut other = object;
    other["metadata"].set("name", "i");
    let response = bench.send(Request::new(Method::Post, MAPS).with_value(other).param("fieldValidation", "Ignore"));
    assert_eq!(response.warnings().count(), 0);
}

#[test]
fn lists_come_in_pages() {
    let mut bench = Bench::new();
    for number in 1..=5 {
        bench.create(MAPS, config_map(&format!("c{number}"))).unwrap();
    }
    let first = bench.ok(Request::get(MAPS).param("limit", "2"));
    let names = |list: &Value| -> Vec<String> {
        list["items"].items().iter().map(|item| item["metadata"]["name"].str().to_owned()).collect()
    };
    assert_eq!(names(&first), ["c1", "c2"]);
    assert_eq!(first["metadata"]["remainingItemCount"].int(), 3);
    assert!(first["items"][0]["kind"].is_null());
    let token = first["metadata"]["continue"].str().to_owned();
    let second = bench.ok(Request::get(MAPS).param("limit", "2").param("continue", token));
    assert_eq!(names(&second), ["c3", "c4"]);
    assert_eq!(second["metadata"]["remainingItemCount"].int(), 1);
    let token = second["metadata"]["continue"].str().to_owned();
    let last = bench.ok(Request::get(MAPS).param("labelSelector", "app=x").param("continue", token));
    assert_eq!(names(&last), ["c5"]);
    assert!(last["metadata"]["continue"].is_null());
    // All pages are of the first one's revision, until that is too old; then there is a token that leads on.
    bench.create(MAPS, config_map("c6")).unwrap();
    let token = first["metadata"]["continue"].str().to_owned();
    let again = bench.ok(Request::get(MAPS).param("limit", "2").param("continue", token.clone()));
    assert_eq!(again["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!((names(&again), again["metadata"]["remainingItemCount"].int()), (vec!["c3".into(), "c4".into()], 1));
    // Whatever has happened since, they show what there was.
    bench.send(Request::new(Method::Delete, format!("{MAPS}/c3")));
    bench.send(Request::new(Method::Delete, format!("{MAPS}/c5")));
    bench.create(MAPS, config_map("c2b")).unwrap();
    bench.patch(&format!("{MAPS}/c4"), MERGE, r#"{"data":{"k":"later"}}"#).unwrap();
    let again = bench.ok(Request::get(MAPS).param("continue", token.clone()));
    assert_eq!(names(&again), ["c3", "c4", "c5"]);
    assert_eq!(again["items"][1]["data"]["k"], "v");
    let then = first["metadata"]["resourceVersion"].str().to_owned();
    let exact = Request::get(MAPS).param("resourceVersion", then.clone()).param("resourceVersionMatch", "Exact");
    assert_eq!(names(&bench.ok(exact.clone())), ["c1", "c2", "c3", "c4", "c5"]);
    let legacy = Request::get(MAPS).param("resourceVersion", then.clone()).param("limit", "4");
    assert_eq!(names(&bench.ok(legacy)), ["c1", "c2", "c3", "c4"]);
    let newer = bench.ok(Request::get(MAPS).param("resourceVersion", then));
    assert_eq!(names(&newer), ["c1", "c2", "c2b", "c4", "c6"]);
    bench.now = bench.now + std::time::Duration::from_secs(300);
    let refused = bench.refused(exact);
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (410, "The resourceVersion for the provided list is too old.")
    );
    let response = bench.send(Request::get(MAPS).param("limit", "2").param("continue", token));
    let refused = response.body.value().unwrap();
    assert_eq!((response.code, refused["reason"].str()), (410, "Expired"));
    let token = refused["metadata"]["continue"].str().to_owned();
    let rest = bench.ok(Request::get(MAPS).param("limit", "2").param("continue", token));
    assert_eq!(names(&rest), ["c2b", "c4"]);
    assert_ne!(rest["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
}

#[test]
fn fields_that_stand_twice_are_complained_of() {
    let mut bench = Bench::new();
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"nope":1,"data":{"a":"1","a":"2"}}"#;
    let merge = r#"{"data":{"b":"1","b":"2"}}"#;
    let apply = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  k: a\n  k: b\n";
    let path = format!("{MAPS}/c");
    let cases = [
        (
            Method::Post,
            MAPS,
            "application/json",
            body,
            r#"ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nope", duplicate field "data.a""#,
            201,
        ),
        (Method::Patch, path.as_str(), MERGE, merge, r#": strict decoding error: duplicate field "data.b""#, 200),
        (
            Method::Patch,
            path.as_str(),
            "application/apply-patch+yaml",
            apply,
            "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key \"k\" already set in map",
            200,
        ),
    ];
    for (method, path, media, body, complaint, code) in cases {
        let request = |validation: &str| {
            let mut request = Request::new(method, path)
                .param("fieldValidation", validation)
                .param("fieldManager", "m")
                .header("content-type", media);
            if media.contains("apply") {
                request = request.param("force", "true");
            }
            request.body = Body::Bytes(body.as_bytes().to_vec());
            request
        };
        let refused = bench.send(request("Strict")).into_result().unwrap_err();
        assert!(refused.message.ends_with(complaint), "{}", refused.message);
        let response = bench.send(request("Warn"));
        assert_eq!(response.code, code);
        assert!(response.warnings().count() > 0, "{body}");
        assert_eq!(bench.send(request("Ignore")).warnings().count(), 0);
        if code == 201 {
            bench.send(Request::new(Method::Delete, format!("{MAPS}/c")));
            bench.create(MAPS, config_map("c")).unwrap();
        }
    }
}

#[test]
fn reviews_are_no_tables() {
    let mut bench = Bench::new();
    let review = value!({"spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}});
    for (accept, code) in [("application/json;as=Table;v=v1;g=meta.k8s.io", 406), ("application/json", 201), ("", 201)]
    {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let request = Request::new(Method::Post, path).with_value(review.clone()).header("accept", accept);
        assert_eq!(bench.send(request).code, code, "{accept}");
    }
}

#[test]
fn tables_have_the_columns_of_the_kind() {
    let mut bench = Bench::new();
    bench.create(DEPLOYMENTS, deployment("web")).unwrap();
    bench.now = bench.now + std::time::Duration::from_secs(75);
    let table = bench.ok(Request::get(DEPLOYMENTS).header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"));
    let titles: Vec<&str> = table["columnDefinitions"].items().iter().map(|c| c["name"].str()).collect();
    assert_eq!(titles, ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]);
    assert_eq!(table["rows"][0]["cells"], value!(["web", "0/2", 0, 0, "75s", "c", "nginx:1.27", "app=web"]));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

#[test]
fn watches_tell_every_change_of_what_is_selected() {
    let mut bench = Bench::new();
    let list = bench.ok(Request::get(MAPS));
    let revision = list["metadata"]["resourceVersion"].str().to_owned();
    let open = |bench: &mut Bench, request: Request| {
        let mut request = request.param("watch", "true");
        request.auth = Auth::Certificate { certificate: "/client.crt".into() };
        match bench.server.handle(request, bench.now) {
            Answer::Watch(watch) => watch,
            other => panic!("{other:?}"),
        }
    };
    let mut all = open(&mut bench, Request::get(MAPS).param("resourceVersion", &revision));
    let mut red =
        open(&mut bench, Request::get(MAPS).param("resourceVersion", &revision).param("labelSelector", "color=red"));
    bench.create(MAPS, config_map("a")).unwrap();
    bench.patch(&format!("{MAPS}/a"), MERGE, r#"{"metadata":{"labels":{"color":"red"}}}"#).unwrap();
    bench.patch(&format!("{MAPS}/a"), MERGE, r#"{"data":{"k":"w"}}"#).unwrap();
    bench.patch(&format!("{MAPS}/a"), MERGE, r#"{"metadata":{"labels":{"color":null}}}"#).unwrap();
    bench.ok(Request::new(Method::Delete, format!("{MAPS}/a")));
    let drain = |bench: &Bench, watch: &mut crate::Watch| {
        let mut seen = Vec::new();
        while let Some(event) = bench.server.poll_watch(watch, bench.now) {
            seen.push(event["type"].str().to_owned());
        }
        seen.join(" ")
    };
    assert_eq!(drain(&bench, &mut all), "ADDED MODIFIED MODIFIED MODIFIED DELETED");
    assert_eq!(drain(&bench, &mut red), "ADDED MODIFIED DELETED");
    assert!(!bench.server.watch_ready(&all));
    bench.create(MAPS, config_map("b")).unwrap();
    let mut fresh = open(
        &mut bench,
        Request::get(MAPS)
            .param("sendInitialEvents", "true")
            .param("resourceVersionMatch", "NotOlderThan")
            .param("allowWatchBookmarks", "true"),
    );
    assert_eq!(drain(&bench, &mut fresh), "ADDED BOOKMARK");
}

#[test]
fn roles_decide() {
    let mut bench = Bench::new();
    bench.create(MAPS, config_map("shown")).unwrap();
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    bench
        .create(
            &format!("{rbac}/roles"),
            value!({"metadata": {"name": "one"}, "rules": [
                {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["shown"], "verbs": ["get"]}]}),
        )
        .unwrap();
    bench
        .create(
            &format!("{rbac}/rolebindings"),
            value!({"metadata": {"name": "one"}, "subjects": [{"kind": "User", "name": "jane"}],
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "one"}}),
        )
        .unwrap();
    bench
        .create(
            &format!("{rbac}/rolebindings"),
            value!({"metadata": {"name": "adm"}, "subjects": [{"kind": "User", "name": "lee"}],
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}}),
        )
        .unwrap();
    bench.user = Some("jane");
    bench.ok(Request::get(format!("{MAPS}/shown")));
    let cases = [
        (
            Request::get(format!("{MAPS}/hidden")),
            "configmaps \"hidden\" is forbidden: User \"jane\" cannot get resource \"configmaps\" in API group \"\" in the \
             namespace \"default\"",
        ),
        (
            Request::get("/api/v1/nodes"),
            "nodes is forbidden: User \"jane\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        ),
        (
            Request::get("/api/v1/namespaces/default"),
            "namespaces \"default\" is forbidden: User \"jane\" cannot get resource \"namespaces\" in API group \"\" in the \
             namespace \"default\"",
        ),
        (Request::get("/metrics"), "forbidden: User \"jane\" cannot get path \"/metrics\""),
    ];
    for (request, message) in cases {
        assert_eq!(bench.refused(request).message, message);
    }
    bench.user = Some("lee");
    let role = |name: &str, resource: &str| value!({"metadata": {"name": name}, "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]});
    bench.create(&format!("{rbac}/roles"), role("ok", "pods")).unwrap();
    assert_eq!(
        bench.create(&format!("{rbac}/roles"), role("over", "nodes")).unwrap_err().message,
        "roles.rbac.authorization.k8s.io \"over\" is forbidden: user \"lee\" (groups=[\"system:authenticated\"]) is \
         attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], \
         Verbs:[\"get\"]}"
    );
}

#[test]
fn tokens_lead_back_to_their_account() {
    let mut bench = Bench::new();
    let answer = bench
        .create(
            "/api/v1/namespaces/default/serviceaccounts/default/token",
            value!({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {}}),
        )
        .unwrap();
    let token = answer["status"]["token"].str().to_owned();
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(token.rsplit('.').next().unwrap().len(), 342);
    let mut review = Request::new(Method::Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews")
        .with_value(value!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}));
    review.auth = Auth::Token(token.clone());
    let ask = |bench: &mut Bench, request: Request| match bench.server.handle(request, bench.now) {
        Answer::Response(response) => response.into_result(),
        other => panic!("{other:?}"),
    };
    let who = ask(&mut bench, review.clone()).unwrap();
    assert_eq!(who["status"]["userInfo"]["username"], "system:serviceaccount:default:default");
    bench.now = bench.now + std::time::Duration::from_secs(3601);
    assert_eq!(ask(&mut bench, review.clone()).unwrap_err().code, 401);
    review.auth = Auth::Token("rubbish".into());
    assert_eq!(ask(&mut bench, review).unwrap_err().message, "Unauthorized");
}

#[test]
fn deletion_waits_for_finalizers() {
    let mut bench = Bench::new();
    let mut held = config_map("held");
    held["metadata"].set("finalizers", value!(["example.com/hold"]));
    bench.create(MAPS, held).unwrap();
    let path = format!("{MAPS}/held");
    let deleting = bench.ok(Request::new(Method::Delete, &path));
    assert_eq!(deleting["metadata"]["deletionGracePeriodSeconds"].int(), 0);
    let more = bench.patch(&path, STRATEGIC, r#"{"metadata":{"finalizers":["example.com/more"]}}"#).unwrap_err();
    assert_eq!(
        more.message,
        "ConfigMap \"held\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is \
         being deleted, found new finalizers []string{\"example.com/more\"}"
    );
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
