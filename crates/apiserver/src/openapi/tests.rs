use drydock_api::{Body, Request};
use drydock_value::{Time, Value, value};

use crate::{Answer, ApiServer, Config};

fn get(server: &mut ApiServer, path: &str, header: (&str, &str)) -> (u16, Value, String) {
    let (path, hash) = path.split_once("?hash=").unwrap_or((path, ""));
    let mut request = Request::get(path).header(header.0, header.1);
    if !hash.is_empty() {
        request = request.param("hash", hash);
    }
    request.auth = drydock_api::Auth::Certificate {
        certificate: drydock_pki::certificate::issue(
            &drydock_pki::certificate::Subject {
                common_name: "admin".into(),
                organizations: vec!["system:masters".into()],
            },
            1,
        ),
    };
    match server.handle(request, Time::from_seconds(1_800_000_000)) {
        Answer::Response(response) => {
            let tag = response.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.clone());
            let body = match &response.body {
                Body::Empty => Value::Null,
                body => body.value().unwrap_or_default(),
            };
            (response.code, body, tag.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

/// Every reference leads somewhere.
fn check_references(document: &Value, at: &str, inside: &Value) {
    match inside {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                let name = reference.strip_prefix(at).unwrap_or_else(|| panic!("{reference}"));
                let holder =
                    if at.starts_with("#/d") { &document["definitions"] } else { &document["components"]["schemas"] };
                assert!(holder[name].as_object().is_some(), "{reference}");
            }
            map.values().for_each(|value| check_references(document, at, value));
        }
        Value::Array(items) => items.iter().for_each(|value| check_references(document, at, value)),
        _ => {}
    }
}

#[test]
fn every_version_has_a_whole_document() {
    let mut server = ApiServer::new(Config::default());
    let none = ("x", "");
    let (code, index, _) = get(&mut server, "/openapi/v3", none);
    assert_eq!(code, 200);
    let urls: Vec<String> =
        index["paths"].entries().map(|(_, entry)| entry["serverRelativeURL"].str().to_owned()).collect();
    assert!(urls.len() > 40);
    for url in &urls {
        let (code, document, tag) = get(&mut server, url, none);
        assert_eq!(code, 200, "{url}");
        check_references(&document, "#/components/schemas/", &document);
        let (code, body, _) = get(&mut server, url, ("if-none-match", &tag));
        assert_eq!((code, body), (304, Value::Null));
    }
    let (_, batch, _) = get(&mut server, "/openapi/v3/apis/batch/v1", none);
    let job = &batch["components"]["schemas"]["io.k8s.api.batch.v1.Job"];
    assert_eq!(job["x-kubernetes-group-version-kind"], value!([{"group": "batch", "version": "v1", "kind": "Job"}]));
    let patch = &batch["paths"]["/apis/batch/v1/namespaces/{namespace}/jobs/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-action"], "patch");
    assert!(patch["parameters"].items().iter().any(|parameter| parameter["name"] == "fieldValidation"));
    let container = &batch["components"]["schemas"]["io.k8s.api.core.v1.Container"]["properties"];
    assert_eq!(container["ports"]["x-kubernetes-list-map-keys"], value!(["containerPort", "protocol"]));
    assert_eq!(container["env"]["x-kubernetes-patch-merge-key"], "name");
    assert_eq!(get(&mut server, "/openapi/v3/apis/nope/v1", none).0, 404);
    assert_eq!(get(&mut server, "/openapi/v3/apis/batch/v1?hash=OLD", none).0, 301);
    let (code, all, _) = get(&mut server, "/openapi/v2", none);
    assert_eq!(code, 200);
    check_references(&all, "#/definitions/", &all);
    let list = &all["definitions"]["io.k8s.api.core.v1.ServiceList"]["properties"]["items"];
    assert_eq!(list["description"], "List of services");
    let parameters = &all["paths"]["/api/v1/pods"]["get"]["parameters"];
    let of = |name: &str| parameters.find("name", name).unwrap()["description"].str().to_owned();
    assert!(of("watch").starts_with("Watch for changes"));
    assert!(of("labelSelector").contains("list of returned objects"));
    assert_eq!(get(&mut server, "/openapi/v2", ("accept", "application/x+protobuf")).0, 406);
}
