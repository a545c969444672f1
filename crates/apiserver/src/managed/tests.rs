use drydock_api::{Request, Status};
use drydock_value::{Value, value};

use crate::http::tests::Bench;
use crate::kinds;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// Applies a document under a name.
fn apply(bench: &mut Bench, path: &str, manager: &str, force: bool, document: &str) -> Result<Value, Status> {
    let mut request = Request::new(drydock_api::Method::Patch, path)
        .header("Content-Type", "application/apply-patch+yaml")
        .param("fieldManager", manager)
        .param("force", force.to_string());
    request.body = drydock_api::Body::Bytes(document.as_bytes().to_vec());
    bench.send(request).into_result()
}

fn owners(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].items().iter();
    entries
        .map(|entry| {
            let part = entry["subresource"].str();
            let slash = if part.is_empty() { "" } else { "/" };
            format!("{} {}{slash}{part} {}", entry["manager"].str(), entry["operation"].str(), entry["fieldsV1"])
        })
        .collect()
}

fn map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {data}\n")
}

#[test]
fn every_writer_has_an_entry() {
    let mut bench = Bench::new();
    let object = value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}});
    let post = Request::new(drydock_api::Method::Post, MAPS).header("user-agent", "curl/8.1").with_value(object);
    let created = bench.ok(post);
    assert_eq!(owners(&created), ["curl Update {\"f:data\":{\".\":{},\"f:a\":{}}}"]);
    let path = format!("{MAPS}/c?");
    let path = path.trim_end_matches('?');
    let merge = "application/merge-patch+json";
    let patched = bench.patch(path, merge, "{\"data\":{\"a\":null,\"b\":\"2\"}}").unwrap();
    assert_eq!(owners(&patched), ["curl Update {\"f:data\":{}}", "unknown Update {\"f:data\":{\"f:b\":{}}}"]);
    // Nothing changes: no new version.
    let again = bench.patch(path, merge, "{\"data\":{\"b\":\"2\"}}").unwrap();
    assert_eq!(again, patched);
    let reset = bench.patch(path, merge, "{\"metadata\":{\"managedFields\":[{}]}}").unwrap();
    assert!(reset["metadata"]["managedFields"].is_null());
}

#[test]
fn appliers_own_what_they_apply() {
    let mut bench = Bench::new();
    let path = format!("{MAPS}/c");
    let created = apply(&mut bench, &path, "x", false, &map("{a: '1', b: '1'}")).unwrap();
    assert_eq!(owners(&created), ["x Apply {\"f:data\":{\"f:a\":{},\"f:b\":{}}}"]);
    let refused = apply(&mut bench, &path, "y", false, &map("{a: '2'}")).unwrap_err();
    assert_eq!(refused.message, "Apply failed with 1 conflict: conflict with \"x\": .data.a");
    assert_eq!((refused.code, refused.causes[0].reason.as_str()), (409, "FieldManagerConflict"));
    let forced = apply(&mut bench, &path, "y", true, &map("{a: '2'}")).unwrap();
    assert_eq!(owners(&forced), ["x Apply {\"f:data\":{\"f:b\":{}}}", "y Apply {\"f:data\":{\"f:a\":{}}}"]);
    // What its only owner leaves out goes; the same again changes nothing.
    let less = apply(&mut bench, &path, "x", false, &map("{}")).unwrap();
    assert_eq!(less["data"], value!({"a": "2"}));
    let same = apply(&mut bench, &path, "y", false, &map("{a: '2'}")).unwrap();
    assert_eq!(same["metadata"]["resourceVersion"], less["metadata"]["resourceVersion"]);
    let patched = bench.patch(&path, "application/merge-patch+json", "{\"data\":{\"a\":\"3\",\"b\":\"3\"}}").unwrap();
    assert_eq!(patched["data"], value!({"a": "3", "b": "3"}));
    let two = apply(&mut bench, &path, "y", false, &map("{a: '4', b: '4'}")).unwrap_err();
    assert_eq!(
        two.message,
        "Apply failed with 2 conflicts: conflicts with \"unknown\" using v1:\n- .data.a\n- .data.b"
    );
}

#[test]
fn bad_documents_are_refused() {
    let mut bench = Bench::new();
    let path = format!("{MAPS}/c");
    let cases = [
        ("[", 400, "error decoding YAML: "),
        ("x", 400, "error decoding YAML: "),
        ("apiVersion: v2\nkind: ConfigMap\n", 400, "Incorrect version specified in apply patch."),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nnope: 1\n",
            500,
            "failed to create typed patch object (/c; v1, Kind=ConfigMap): .nope: field not declared in schema",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, managedFields: [{manager: z}]}\n",
            400,
            "metadata.managedFields must be nil",
        ),
    ];
    for (document, code, wanted) in cases {
        let refused = apply(&mut bench, &path, "m", false, document).unwrap_err();
        assert!(refused.code == code && refused.message.starts_with(wanted), "{document}: {}", refused.message);
    }
    let nobody = apply(&mut bench, &path, "", false, &map("{}")).unwrap_err();
    assert_eq!(
        nobody.message,
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
}

#[test]
fn parts_of_the_cluster_own_what_nobody_else_does() {
    let mut bench = Bench::new();
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    let pod = value!({"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    bench.server.client(controller).create(kinds::PODS, "default", pod).unwrap();
    for phase in ["Pending", "Running"] {
        let mut pod = bench.server.get(kinds::PODS, "default", "p").cloned().unwrap();
        pod["status"].set("phase", phase);
        bench.server.client("system:node:n").update_status(kinds::PODS, "default", pod).unwrap();
    }
    let stored = bench.server.get(kinds::PODS, "default", "p").unwrap();
    assert!(stored["metadata"]["managedFields"].items().iter().all(|entry| entry.get("fieldsV1").is_none()));
    let shown = bench.ok(Request::get(format!("{PODS}/p")));
    let entries = shown["metadata"]["managedFields"].items();
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0]["manager"].str(), entries[1]["manager"].str()), ("kube-controller-manager", "kubelet"));
    assert!(entries[0]["fieldsV1"].get("f:status").is_none());
    assert_eq!(entries[0]["fieldsV1"]["f:metadata"], value!({"f:labels": {".": {}, "f:a": {}}}));
    assert_eq!(entries[1]["subresource"], "status");
    assert!(entries[1]["fieldsV1"]["f:status"].get("f:phase").is_some());
    // A client takes a label over; the controller keeps the rest.
    let patched = bench
        .patch(&format!("{PODS}/p"), "application/merge-patch+json", "{\"metadata\":{\"labels\":{\"a\":\"c\"}}}")
        .unwrap();
    let entries = patched["metadata"]["managedFields"].items();
    assert_eq!(entries.len(), 3);
    let mine = entries.iter().find(|entry| entry["manager"] == "unknown").unwrap();
    assert_eq!(mine["fieldsV1"], value!({"f:metadata": {"f:labels": {"f:a": {}}}}));
}
