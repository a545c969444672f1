//! What is asked for by queries, headers and methods, and what is not to be had.

use drydock_api::{Body, Method, Request};
use drydock_value::value;

use super::tests::{Bench, MAPS};

#[test]
fn lists_and_watches_are_asked_for_rightly() {
    let mut bench = Bench::new();
    for (query, code, words) in [
        ("timeout=abc", 400, "invalid timeout specified in the request URL - time: invalid duration \"abc\""),
        ("timeout=5", 400, "invalid timeout specified in the request URL - time: missing unit in duration \"5\""),
        ("timeout=5s", 200, ""),
        ("limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("resourceVersionMatch=Exact", 422, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        (
            "resourceVersionMatch=Exact&resourceVersion=0",
            422,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        (
            "resourceVersionMatch=x&resourceVersion=1",
            422,
            "Unsupported value: \"x\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
        ),
        (
            "resourceVersionMatch=x&sendInitialEvents=true",
            422,
            "[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, \
             resourceVersionMatch: Unsupported value: \"x\": supported values: \"Exact\", \"NotOlderThan\", \"\", \
             sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]",
        ),
        (
            "watch=1&sendInitialEvents=false",
            422,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            "watch=yes&resourceVersionMatch=Exact",
            422,
            "[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is \
             provided, resourceVersionMatch: Unsupported value: \"Exact\": supported values: \"NotOlderThan\"]",
        ),
        (
            "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhXHUwMDAwIn0",
            400,
            "continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)",
        ),
        ("continue=eyJ2IjoieCJ9", 400, "server does not recognize this encoded version \"x\""),
        (
            "resourceVersion=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhXHUwMDAwIn0",
            400,
            "specifying resource version is not allowed when using continue",
        ),
    ] {
        let mut request = Request::get(MAPS);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap();
            request = request.param(name, value);
        }
        let response = bench.send(request);
        let body = response.body.value().unwrap();
        assert_eq!(response.code, code, "{query}: {body}");
        assert!(code == 200 || body["message"].str().ends_with(words), "{query}: {body}");
    }
}

#[test]
fn answers_come_in_the_form_that_is_wanted() {
    const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    const MANY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const ONLY: &str = "only the following media types are accepted: application/json, application/yaml, \
                        application/vnd.kubernetes.protobuf";
    let mut bench = Bench::new();
    bench.create(MAPS, value!({"metadata": {"name": "a"}})).unwrap();
    let one = format!("{MAPS}/a");
    for (path, accept, include, code, expected) in [
        (&*one, "", "", 200, "ConfigMap"),
        (&*one, "*/*", "", 200, "ConfigMap"),
        (&*one, "application/*", "", 200, "ConfigMap"),
        (&*one, "text/html, application/json;q=0.9", "", 200, "ConfigMap"),
        (&*one, "text/html", "", 406, ONLY),
        (&*one, "application/cbor", "", 406, ONLY),
        (&*one, "application/json;as=Nope;g=meta.k8s.io;v=v1", "", 406, ONLY),
        (&*one, "application/json;as=Nope;g=meta.k8s.io;v=v1, application/json", "", 200, "ConfigMap"),
        (&*one, "application/json;q=0.1, application/json;as=Table;g=meta.k8s.io;v=v1", "", 200, "Table"),
        (&*one, ONE, "", 200, "PartialObjectMetadata"),
        (
            &*one,
            MANY,
            "",
            406,
            "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
        ),
        (MAPS, MANY, "", 200, "PartialObjectMetadataList"),
        (
            MAPS,
            ONE,
            "",
            406,
            "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)",
        ),
        (MAPS, TABLE, "Object", 200, "Table"),
        (MAPS, TABLE, "None", 200, "Table"),
        (
            MAPS,
            TABLE,
            "All",
            400,
            "Unable to convert to Table as requested: includeObject: Invalid value: \"All\": must be 'Metadata', \
             'Object', 'None', or empty",
        ),
    ] {
        let mut request = Request::get(path).header("accept", accept);
        if !include.is_empty() {
            request = request.param("includeObject", include);
        }
        let response = bench.send(request);
        let body = response.body.value().unwrap();
        assert_eq!(response.code, code, "{path} {accept}: {body}");
        let said = if code == 200 { &body["kind"] } else { &body["message"] };
        assert_eq!(said.str(), expected, "{path} {accept}");
        if body["kind"] == "Table" {
            let object = &body["rows"][0]["object"];
            let wanted = match include {
                "Object" => "ConfigMap",
                "None" => "",
                _ => "PartialObjectMetadata",
            };
            assert_eq!(object["kind"].str(), wanted, "{path} {include}");
        }
    }
}

#[test]
fn tables_and_metadata_have_a_first_version() {
    let mut bench = Bench::new();
    bench.create(MAPS, value!({"metadata": {"name": "a"}})).unwrap();
    let one = format!("{MAPS}/a");
    for (path, asked, inner) in [
        (&*one, "PartialObjectMetadata", &[] as &[&str]),
        (MAPS, "PartialObjectMetadataList", &["items"]),
        (MAPS, "Table", &["rows", "object"]),
    ] {
        for version in ["v1", "v1beta1"] {
            let accept = format!("application/json;as={asked};g=meta.k8s.io;v={version}");
            let body = bench.send(Request::get(path).header("accept", accept)).body.value().unwrap();
            assert_eq!(body["kind"], asked);
            let mut at = vec![&body];
            if let [list, rest @ ..] = inner {
                at.push(body[*list][0].at(rest));
            }
            for value in at {
                assert_eq!(value["apiVersion"].str(), format!("meta.k8s.io/{version}"), "{asked}: {body}");
            }
        }
    }
}

#[test]
fn methods_are_allowed_or_not() {
    let mut bench = Bench::new();
    let path = format!("{MAPS}/a");
    for (method, path) in [
        (Method::Put, MAPS),
        (Method::Patch, MAPS),
        (Method::Head, MAPS),
        (Method::Options, MAPS),
        (Method::Post, &path),
        (Method::Head, &path),
        (Method::Post, "/version"),
        (Method::Delete, "/apis/apps/v1"),
    ] {
        let mut request = Request::new(method, path);
        request.body = Body::Bytes(b"{}".to_vec());
        let response = bench.send(request);
        let body = response.body.value().unwrap();
        assert_eq!((response.code, body["reason"].str()), (405, "MethodNotAllowed"), "{method:?} {path}");
        assert_eq!(body["details"], value!({}));
    }
}

#[test]
fn addresses_of_services_are_objects() {
    let mut bench = Bench::new();
    let services = "/api/v1/namespaces/default/services";
    let addresses = "/apis/networking.k8s.io/v1/ipaddresses";
    let own = bench.ok(Request::get(format!("{addresses}/10.96.0.1")));
    assert_eq!(
        own["spec"],
        value!({"parentRef": {"resource": "services", "namespace": "default", "name": "kubernetes"}})
    );
    let made = bench.create(services, value!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})).unwrap();
    let address = format!("{addresses}/{}", made["spec"]["clusterIP"].str());
    assert_eq!(bench.ok(Request::get(address.clone()))["spec"]["parentRef"]["name"], "s");
    let merge = "application/merge-patch+json";
    let outside = r#"{"spec":{"type":"ExternalName","externalName":"example.com"}}"#;
    bench.patch(&format!("{services}/s"), merge, outside).unwrap();
    assert_eq!(bench.refused(Request::get(address.clone())).code, 404);
    let headless = value!({"metadata": {"name": "h"}, "spec": {"clusterIP": "None"}});
    bench.create(services, headless).unwrap();
    assert_eq!(bench.ok(Request::get(addresses))["items"].items().len(), 1);
}

#[test]
fn tokens_are_for_their_audiences() {
    let mut bench = Bench::new();
    let path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    let asked = value!({"spec": {"audiences": ["vault", "other"]}});
    let token = bench.create(path, asked).unwrap()["status"]["token"].str().to_owned();
    let reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    for (audiences, expected) in [
        (value!(["vault"]), value!({"authenticated": true, "audiences": ["vault"]})),
        (value!(["x", "other"]), value!({"authenticated": true, "audiences": ["other"]})),
        (
            value!([]),
            value!({"error": "[invalid bearer token, token audiences [\"vault\" \"other\"] is invalid for the target \
                              audiences [\"https://kubernetes.default.svc.cluster.local\"]]"}),
        ),
    ] {
        let review = value!({"spec": {"token": &token, "audiences": audiences}});
        let mut status = bench.create(reviews, review).unwrap()["status"].clone();
        status.remove("user");
        assert_eq!(status, expected);
    }
    let wrong = bench.create(reviews, value!({"spec": {"token": "x"}})).unwrap();
    assert_eq!(wrong["status"], value!({"user": {}, "error": "invalid bearer token"}));
    let none = bench.create(reviews, value!({"spec": {}})).unwrap_err();
    assert_eq!((none.code, none.message.as_str()), (400, "token is required for TokenReview in authentication"));
    let mut request = Request::get(MAPS);
    request.auth = drydock_api::Auth::Token(token);
    let answer = bench.server.handle(request, bench.server.now());
    assert!(matches!(answer, super::Answer::Response(response) if response.code == 401));
}

#[test]
fn what_is_too_big_is_not_stored() {
    let mut bench = Bench::new();
    let path = "/apis/apps/v1/namespaces/default/controllerrevisions";
    for (size, words) in [
        (1_500_000, ""),
        (1_600_000, "etcdserver: request is too large"),
        (2_200_000, "rpc error: code = ResourceExhausted desc = trying to send message larger than max"),
    ] {
        let revision =
            value!({"metadata": {"name": format!("r{size}")}, "revision": 1, "data": {"a": "x".repeat(size)}});
        match bench.create(path, revision) {
            Ok(_) => assert!(words.is_empty()),
            Err(status) => assert!(status.code == 500 && status.message.starts_with(words), "{status:?}"),
        }
    }
    assert_eq!(bench.ok(Request::get(path))["items"].items().len(), 1);
}

#[test]
fn requests_fall_under_flow_schemas() {
    let mut bench = Bench::new();
    let schemas = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas";
    let listed = bench.ok(Request::get(schemas));
    assert_eq!(listed["items"].items().len(), 13);
    let condition = |flow: &drydock_value::Value| flow["status"]["conditions"][0]["message"].str().to_owned();
    let about =
        |name: &str| format!("This FlowSchema references the PriorityLevelConfiguration object named \"{name}\"");
    for flow in listed["items"].items() {
        let level = flow["spec"]["priorityLevelConfiguration"]["name"].str();
        assert_eq!(condition(flow), format!("{} and it exists", about(level)));
    }
    let flow = value!({"metadata": {"name": "mine"}, "spec": {
        "priorityLevelConfiguration": {"name": "own"}, "matchingPrecedence": 3,
        "rules": [{"subjects": [{"kind": "User", "user": {"name": "nina"}}],
                   "resourceRules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["a"]}]}]
    }});
    bench.create(schemas, flow).unwrap();
    let mine = format!("{schemas}/mine");
    assert_eq!(
        condition(&bench.ok(Request::get(mine.clone()))),
        format!("{} but there is no such object", about("own"))
    );
    let level = value!({"metadata": {"name": "own"}, "spec": {"type": "Limited", "limited": {
        "nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}}});
    let levels = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
    bench.create(levels, level).unwrap();
    assert_eq!(condition(&bench.ok(Request::get(mine))), format!("{} and it exists", about("own")));
    for (user, groups, path, expected) in [
        ("nina", "system:authenticated", "/api/v1/namespaces/a/pods", "mine"),
        ("nina", "system:authenticated", "/api/v1/namespaces/b/pods", "global-default"),
        ("nina", "system:authenticated", "/healthz", "probes"),
        ("nina", "system:masters", "/api/v1/namespaces/a/pods", "exempt"),
        ("system:node:n", "system:nodes", "/api/v1/nodes/n", "system-node-high"),
        ("system:node:n", "system:nodes", "/api/v1/pods", "system-nodes"),
        (
            "system:kube-scheduler",
            "x",
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l",
            "system-leader-election",
        ),
        ("system:serviceaccount:kube-system:x", "y", "/api/v1/pods", "kube-system-service-accounts"),
        ("nobody", "x", "/api/v1/pods", ""),
    ] {
        let user = crate::User { name: user.into(), groups: vec![groups.into()], ..crate::User::default() };
        let found = bench.server.flow_of(&user, &super::Route::of(&Request::get(path)));
        let name = found.and_then(|[uid, _]| {
            let mut flows = bench.server.objects(crate::kinds::FLOW_SCHEMAS, "");
            flows
                .find(|flow| flow["metadata"]["uid"] == *uid.as_str())
                .map(|flow| flow["metadata"]["name"].str().to_owned())
        });
        assert_eq!(name.unwrap_or_default(), expected, "{} {path}", user.name);
    }
}

#[test]
fn certificates_are_decided_about_once() {
    let mut bench = Bench::new();
    let requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
    let pem = |kind: &str| {
        let text = format!("-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n");
        drydock_schema::base64::encode(text.as_bytes())
    };
    let request = value!({"metadata": {"name": "r"}, "spec": {
        "request": pem("CERTIFICATE REQUEST"), "signerName": "example.com/own", "usages": ["client auth"]}});
    bench.create(requests, request).unwrap();
    let conditions = |list: &str| format!(r#"{{"status":{{"conditions":{list}}}}}"#);
    let certificate = |text: String| format!(r#"{{"status":{{"certificate":"{text}"}}}}"#);
    for (part, patch, problem) in [
        (
            "approval",
            conditions(r#"[{"type":"Approved","status":"True"},{"type":"Denied","status":"True"}]"#),
            "status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive",
        ),
        (
            "approval",
            conditions(r#"[{"type":"Approved","status":"False"}]"#),
            "status.conditions[0].status: Unsupported value: \"False\": supported values: \"True\"",
        ),
        ("approval", conditions(r#"[{"status":"True"}]"#), "status.conditions[0].type: Required value"),
        (
            "status",
            conditions(r#"[{"type":"Approved","status":"True"}]"#),
            "status.conditions: Forbidden: updates may not add a condition of type \"Approved\"",
        ),
        ("approval", conditions(r#"[{"type":"Approved","status":"True","reason":"r"}]"#), ""),
        (
            "approval",
            conditions("[]"),
            "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"",
        ),
        (
            "status",
            certificate("eHg=".into()),
            "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block",
        ),
        ("status", certificate(pem("CERTIFICATE")), ""),
        (
            "status",
            certificate(String::new()),
            "status.certificate: Forbidden: updates may not modify existing certificate content",
        ),
    ] {
        let answer = bench.patch(&format!("{requests}/r/{part}"), "application/merge-patch+json", &patch);
        let words = answer.err().map(|status| status.message).unwrap_or_default();
        let head = "CertificateSigningRequest.certificates.k8s.io \"r\" is invalid: ";
        assert_eq!(words.strip_prefix(head).unwrap_or(&words), problem, "{part} {patch}");
    }
    // Whoever may change approvals needs leave of the signer besides.
    let rule = value!({"apiGroups": ["certificates.k8s.io"], "verbs": ["*"],
                       "resources": ["certificatesigningrequests/approval", "certificatesigningrequests/status"]});
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    bench.create(roles, value!({"metadata": {"name": "approver"}, "rules": [rule]})).unwrap();
    let binding = value!({"metadata": {"name": "b"}, "subjects": [{"kind": "User", "name": "nina"}],
                          "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "approver"}});
    bench.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding).unwrap();
    for (part, verb) in [("approval", "approve"), ("status", "sign")] {
        let failed = conditions(r#"[{"type":"Approved","status":"True"},{"type":"Failed","status":"True"}]"#);
        let mut request = Request::new(Method::Patch, format!("{requests}/r/{part}"))
            .header("content-type", "application/merge-patch+json")
            .header("Impersonate-User", "nina");
        request.body = Body::Bytes(failed.into_bytes());
        let words = format!("user not permitted to {verb} requests with signerName \"example.com/own\"");
        assert!(bench.refused(request).message.ends_with(&words));
    }
    let decided = bench.ok(Request::get(format!("{requests}/r")));
    let condition = &decided["status"]["conditions"][0];
    assert_eq!(condition["lastUpdateTime"], condition["lastTransitionTime"]);
    assert!(!condition["lastUpdateTime"].str().is_empty());
}

#[test]
fn a_path_without_an_api_is_no_page() {
    let mut bench = Bench::new();
    for (path, is_api) in [
        ("/nope", false),
        ("/apis/nope", false),
        ("/apis/batch/v9", false),
        ("/apis/nope/v1/things", false),
        ("/readyz/nope", false),
        ("/api/v1/nope", true),
        ("/apis/apps/v1/namespaces/default/nope/x", true),
    ] {
        let response = bench.send(Request::get(path));
        let text = response.body.text();
        assert_eq!(response.code, 404);
        assert_eq!(text == "404 page not found\n", !is_api, "{path}: {text}");
        let status = response.into_result().unwrap_err();
        assert!(status.is("NotFound") && status.message == "the server could not find the requested resource");
    }
}
