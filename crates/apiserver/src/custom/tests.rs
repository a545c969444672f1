use drydock_api::Request;
use drydock_value::{Time, Value, value};

use crate::http::tests::Bench;

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const BOATS: &str = "/apis/sea.example.com/v1/namespaces/default/boats";

fn crd() -> Value {
    value!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.sea.example.com"},
        "spec": {
            "group": "sea.example.com", "scope": "Namespaced",
            "names": {"plural": "boats", "singular": "boat", "kind": "Boat", "shortNames": ["bt"]},
            "versions": [
                {"name": "v1beta1", "served": true, "storage": false, "deprecated": true, "schema": {"openAPIV3Schema":
                    {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}},
                {"name": "v1", "served": true, "storage": true,
                 "subresources": {"status": {}, "scale": {
                    "specReplicasPath": ".spec.oars", "statusReplicasPath": ".status.oars"}},
                 "additionalPrinterColumns": [{"name": "Oars", "type": "integer", "jsonPath": ".spec.oars"}],
                 "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "required": ["hull"], "properties": {
                        "hull": {"type": "string"}, "oars": {"type": "integer", "default": 2}},
                        "x-kubernetes-validations": [{"rule": "self.oars % 2 == 0", "message": "in pairs"}]},
                    "status": {"type": "object", "properties": {"oars": {"type": "integer"}}}
                 }}}}
            ]
        }
    })
}

fn boat(spec: Value) -> Value {
    value!({"apiVersion": "sea.example.com/v1", "kind": "Boat", "metadata": {"name": "gull"}, "spec": spec})
}

fn step(bench: &mut Bench) {
    let now = bench.server.now();
    bench.server.set_now(Time(now.0 + 1_000_000));
}

#[test]
fn a_definition_is_established_served_and_cleaned_up() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused(Request::get(BOATS)).code, 404);
    let created = bench.create(CRDS, crd()).unwrap();
    assert_eq!(created["status"]["storedVersions"], value!(["v1"]));
    step(&mut bench);
    let found = bench.ok(Request::get(format!("{CRDS}/boats.sea.example.com")));
    let conditions = &found["status"]["conditions"];
    assert_eq!(conditions.find("type", "Established").unwrap()["status"], "True");
    assert_eq!(found["metadata"]["finalizers"], value!(["customresourcecleanup.apiextensions.k8s.io"]));
    let list = bench.ok(Request::get("/apis/sea.example.com/v1"));
    let names: Vec<&str> = list["resources"].items().iter().map(|row| row["name"].str()).collect();
    assert_eq!(names, ["boats", "boats/scale", "boats/status"]);
    let group = bench.ok(Request::get("/apis/sea.example.com"));
    assert_eq!(group["preferredVersion"]["version"], "v1");

    let made = bench.create(BOATS, boat(value!({"hull": "wood"}))).unwrap();
    assert_eq!(made["spec"], value!({"hull": "wood", "oars": 2}));
    let refused = bench.create(BOATS, boat(value!({"hull": "wood", "oars": 3}))).unwrap_err();
    assert_eq!(refused.message, "Boat.sea.example.com \"gull\" is invalid: spec: Invalid value: in pairs");
    let refused = bench.create(BOATS, boat(value!({"hull": "wood", "x": 3}))).unwrap_err();
    assert!(refused.message.ends_with("strict decoding error: unknown field \"spec.x\""));

    let table = bench.ok(Request::get(BOATS).header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"));
    assert_eq!(table["rows"][0]["cells"], value!(["gull", 2]));
    let scale = bench
        .patch(&format!("{BOATS}/gull/scale"), "application/merge-patch+json", "{\"spec\":{\"replicas\":4}}")
        .unwrap();
    assert_eq!(scale["spec"]["replicas"].int(), 4);
    let status = bench
        .patch(
            &format!("{BOATS}/gull/status"),
            "application/merge-patch+json",
            "{\"status\":{\"oars\":4},\"spec\":null}",
        )
        .unwrap();
    assert_eq!((status["spec"]["oars"].int(), status["metadata"]["generation"].int()), (4, 2));
    let old = bench.ok(Request::get("/apis/sea.example.com/v1beta1/namespaces/default/boats/gull"));
    assert_eq!(old["apiVersion"], "sea.example.com/v1beta1");

    // A copy of the session has what it had.
    let copy = bench.server.clone();
    bench.ok(Request::new(drydock_api::Method::Delete, format!("{CRDS}/boats.sea.example.com")));
    step(&mut bench);
    assert_eq!(bench.refused(Request::get(BOATS)).code, 404);
    assert_eq!(bench.refused(Request::get(format!("{CRDS}/boats.sea.example.com"))).code, 404);
    // Its objects went with it.
    bench.create(CRDS, crd()).unwrap();
    step(&mut bench);
    assert_eq!(bench.ok(Request::get(BOATS))["items"].items().len(), 0);
    bench.server = copy;
    assert_eq!(bench.ok(Request::get(BOATS))["items"].items().len(), 1);
}

#[test]
fn groups_of_definitions_are_in_the_order_of_their_names() {
    let mut bench = Bench::new();
    for group in ["sea.example.com", "air.example.com", "land.example.com"] {
        let mut crd = crd();
        crd["metadata"].set("name", format!("boats.{group}"));
        crd["spec"].set("group", group);
        bench.create(CRDS, crd).unwrap();
        step(&mut bench);
    }
    let list = bench.ok(Request::get("/apis"));
    let names: Vec<&str> = list["groups"].items().iter().map(|group| group["name"].str()).collect();
    assert_eq!(names[names.len() - 3..], ["air.example.com", "land.example.com", "sea.example.com"]);
    assert_eq!(names[0], "apiregistration.k8s.io");
}

#[test]
fn versions_have_their_order() {
    let mut names = ["v1beta1", "v10", "foo", "v2", "v1", "v11alpha2", "v3beta1", "bar", "v1beta2"];
    drydock_sorted::Sort::sort_compact_by_key(&mut names[..], |name| super::version_rank(name));
    assert_eq!(names, ["v10", "v2", "v1", "v3beta1", "v1beta2", "v1beta1", "v11alpha2", "bar", "foo"]);
}
