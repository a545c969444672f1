//! What a server says of requests that are wrong.

use super::*;

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
        (
            Request::get("/api/v1/nodes").param("fieldSelector", "metadata.namespace=a"),
            "field label not supported: metadata.namespace",
        ),
        (
            Request::get("/apis/events.k8s.io/v1/events").param("fieldSelector", "involvedObject.kind=Pod"),
            "field label not supported: involvedObject.kind",
        ),
        (
            Request::get("/apis/resource.k8s.io/v1/resourceslices").param("fieldSelector", "spec.pool.name=a"),
            "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.pool.name",
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
            "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (1) does not match the UID in record (",
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
    assert!(test.to_value()["details"].as_object().is_some_and(|details| details.is_empty()));
    let web = format!("{DEPLOYMENTS}/web");
    for (patch, words) in [
        (r#"{"kind":"DaemonSet"}"#, "converting (v1.DaemonSet) to (apps.Deployment): unknown conversion"),
        (
            r#"{"apiVersion":"v2"}"#,
            "no kind \"Deployment\" is registered for version \"v2\" in scheme \
             \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
        ),
    ] {
        let refused = bench.patch(&web, MERGE, patch).unwrap_err();
        assert!(refused.code == 422 && refused.message.ends_with(words), "{patch}: {}", refused.message);
        assert_eq!(bench.patch(&web, STRATEGIC, patch).unwrap()["kind"], "Deployment");
    }
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
fn fields_that_stand_twice_are_complained_of() {
    let mut bench = Bench::new();
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"nope":1,"data":{"a":"1","a":"2"}}"#;
    let merge = r#"{"data":{"b":"1","b":"2"}}"#;
    let apply = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  k: a\n  k: b\n";
    let yaml = "\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\nnope: 1\ndata:\n  k: a\n  k: b\n  k: c\n";
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
        (
            Method::Post,
            MAPS,
            "application/yaml",
            yaml,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 9: key \"k\" already set in map\n  line 10: key \"k\" already set in map, unknown field \"nope\"",
            201,
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
fn ephemeral_containers_stay() {
    let mut bench = Bench::new();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = value!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    bench.create(pods, pod).unwrap();
    let path = format!("{pods}/a/ephemeralcontainers");
    let added = r#"{"spec":{"ephemeralContainers":[{"name":"d","image":"i"}]}}"#;
    let mut pod = bench.patch(&path, "application/strategic-merge-patch+json", added).unwrap();
    pod["spec"].remove("ephemeralContainers");
    let refused = bench.refused(Request::new(Method::Put, path).with_value(pod));
    assert!(refused.message.contains("existing ephemeral containers \"d\" may not be removed"), "{}", refused.message);
}

#[test]
fn bodies_of_deletes_are_read_as_go_reads_them() {
    // What the codecs of k8s.io/apimachinery v1.36.4 say of these bytes.
    const JSON: &str = "application/json";
    const YAML: &str = "application/yaml";
    const STRUCT: &str = r#"Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
    const SCHEME: &str = r#"in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27""#;
    let parse = |why: &str| format!("couldn't get version/kind; json parse error: {why}");
    let field = |what: &str, field: &str, of: &str| {
        format!("json: cannot unmarshal {what} into Go struct field DeleteOptions.{field} of type {of}")
    };
    for (media, body, expected) in [
        (JSON, "x", parse("invalid character 'x' looking for beginning of value")),
        (JSON, "[]", parse(&format!("json: cannot unmarshal array into {STRUCT}"))),
        (JSON, "{", parse("unexpected end of JSON input")),
        (JSON, "\"a\"", parse(&format!("json: cannot unmarshal string into {STRUCT}"))),
        (
            JSON,
            r#"{"kind":"Pod","apiVersion":"v1"}"#,
            format!(r#"no kind "Pod" is registered for version "v1" {SCHEME}"#),
        ),
        (JSON, r#"{"kind":"Foo"}"#, format!(r#"no kind "Foo" is registered for version "meta.k8s.io/v1" {SCHEME}"#)),
        (
            JSON,
            r#"{"kind":"ListOptions","apiVersion":"meta.k8s.io/v1"}"#,
            "converting (v1.ListOptions) to (v1.DeleteOptions): unknown conversion".into(),
        ),
        (JSON, r#"{"gracePeriodSeconds":"x"}"#, field("string", "gracePeriodSeconds", "int64")),
        (JSON, r#"{"gracePeriodSeconds":1.5}"#, field("number 1.5", "gracePeriodSeconds", "int64")),
        (JSON, r#"{"dryRun":"All"}"#, field("string", "dryRun", "[]string")),
        (JSON, r#"{"preconditions":[]}"#, field("array", "preconditions", "v1.Preconditions")),
        (YAML, "x", parse(&format!("json: cannot unmarshal string into {STRUCT}"))),
        (YAML, "a: [", "yaml: line 1: did not find expected node content".into()),
        (YAML, "- a", parse(&format!("json: cannot unmarshal array into {STRUCT}"))),
        (JSON, r#"{"kind":"DeleteOptions","apiVersion":"apps/v1"}"#, String::new()),
        (JSON, r#"{"apiVersion":"nope/v1"}"#, String::new()),
        (JSON, r#"{"nope":1}"#, String::new()),
        (JSON, "null", String::new()),
        (YAML, "propagationPolicy: Foreground\n", String::new()),
        (YAML, "kind: DeleteOptions\napiVersion: v1\n", String::new()),
    ] {
        let mut bench = Bench::new();
        bench.create(MAPS, config_map("c")).unwrap();
        let mut request = Request::new(Method::Delete, format!("{MAPS}/c")).header("content-type", media);
        request.body = Body::Bytes(body.as_bytes().to_vec());
        let refused = bench.send(request).into_result().err();
        assert_eq!(refused.as_ref().map(|status| status.message.as_str()).unwrap_or_default(), expected, "{body}");
        assert!(refused.is_none_or(|status| status.code == 400), "{body}");
    }
    let mut bench = Bench::new();
    let mut request = Request::new(Method::Delete, format!("{MAPS}/c")).header("content-type", "text/plain");
    request.body = Body::Bytes(b"x".to_vec());
    assert_eq!(bench.send(request).code, 415);
}
