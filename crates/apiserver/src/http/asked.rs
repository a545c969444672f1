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
