use drydock_api::{Method, Request};
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
    assert!(found["metadata"]["finalizers"].is_null());
    let list = bench.ok(Request::get("/apis/sea.example.com/v1"));
    let names: Vec<&str> = list["resources"].items().iter().map(|row| row["name"].str()).collect();
    assert_eq!(names, ["boats", "boats/scale", "boats/status"]);
    // The same in every version: it is of the stored one.
    let older = bench.ok(Request::get("/apis/sea.example.com/v1beta1"));
    for list in [&list, &older] {
        assert_eq!(list["resources"][0]["storageVersionHash"], "eBfBLFf7gOA=");
    }
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
fn fields_are_selected_by_in_the_versions_that_say_so() {
    let mut bench = Bench::new();
    let mut crd = crd();
    crd["spec"]["versions"][1].set("selectableFields", value!([{"jsonPath": ".spec.hull"}]));
    bench.create(CRDS, crd).unwrap();
    step(&mut bench);
    bench.create(BOATS, boat(value!({"hull": "wood"}))).unwrap();
    let of = |version: &str| {
        Request::get(BOATS.replace("/v1/", &format!("/{version}/"))).param("fieldSelector", "spec.hull=wood")
    };
    assert_eq!(bench.ok(of("v1"))["items"].items().len(), 1);
    assert_eq!(bench.refused(of("v1beta1")).message, "field label not supported: spec.hull");
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

/// What readers see of an object is remembered, but not beyond a change of its schema.
#[test]
fn a_changed_schema_shows_in_who_owns_what() {
    let mut bench = Bench::new();
    let mut crd = crd();
    let items = value!({"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}});
    crd["spec"]["versions"].items_mut()[1]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        .set("crew", value!({"type": "array", "items": items}));
    bench.create(CRDS, crd.clone()).unwrap();
    step(&mut bench);
    // What a part of the cluster owns is found out when somebody looks.
    let kind = bench.server.kind_of("sea.example.com", "Boat").unwrap();
    let object = boat(value!({"hull": "wood", "crew": [{"name": "ann"}]}));
    bench.server.client("system:serviceaccount:kube-system:boat-controller").create(kind, "default", object).unwrap();
    let mut owned = || {
        let found = bench.ok(Request::get(format!("{BOATS}/gull")));
        found["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:crew"].clone()
    };
    assert_eq!(owned(), value!({}));
    let patch = "[{\"op\": \"add\", \"path\": \"/spec/versions/1/schema/openAPIV3Schema/properties/spec/properties/crew/x-kubernetes-list-type\", \"value\": \"map\"}, \
                  {\"op\": \"add\", \"path\": \"/spec/versions/1/schema/openAPIV3Schema/properties/spec/properties/crew/x-kubernetes-list-map-keys\", \"value\": [\"name\"]}]";
    bench.patch(&format!("{CRDS}/boats.sea.example.com"), "application/json-patch+json", patch).unwrap();
    let found = bench.ok(Request::get(format!("{BOATS}/gull")));
    let crew = &found["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:crew"];
    assert!(crew.entries().any(|(key, _)| key.starts_with("k:")), "{crew}");
}

/// What a definition says beside its schemas: what is put into its spec, or into its second version, and what is said.
#[test]
fn definitions_are_whole() {
    let group = |name: &str| value!({"group": name});
    let conversion = |conversion: Value| value!({"conversion": conversion});
    let rows = [
        (false, group("sea"), "spec.group: Invalid value: \"sea\": should be a domain with at least one dot"),
        (
            false,
            group("sea.k8s.io"),
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups",
        ),
        (
            false,
            value!({"versions": []}),
            "spec.versions: Invalid value: []: must have exactly one version marked as storage",
        ),
        (
            false,
            value!({"preserveUnknownFields": true}),
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields",
        ),
        (
            false,
            conversion(value!({"strategy": "Odd"})),
            "spec.conversion.strategy: Unsupported value: \"Odd\": supported values: \"None\", \"Webhook\"",
        ),
        (
            false,
            conversion(value!({"strategy": "Webhook"})),
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook, spec.conversion.conversionReviewVersions: Required value",
        ),
        (
            false,
            conversion(
                value!({"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v2"], "clientConfig": {
                    "service": {"name": "a", "namespace": "b", "path": "/x//y"}
                }}}),
            ),
            "spec.conversion.webhookClientConfig.service.path: Invalid value: \"/x//y\": segment[1] may not be empty, \
             spec.conversion.conversionReviewVersions: Invalid value: [\"v2\"]: must include at least one of v1, v1beta1",
        ),
        (
            true,
            value!({"deprecationWarning": "old"}),
            "spec.versions[1].deprecationWarning: Invalid value: \"old\": can only be set for deprecated versions",
        ),
        (
            true,
            value!({"subresources": {"scale": {"specReplicasPath": "spec.a", "statusReplicasPath": ".a"}}}),
            "[spec.versions[1].subresources.scale.specReplicasPath: Invalid value: \"spec.a\": must be a simple json path \
             starting with ., spec.versions[1].subresources.scale.statusReplicasPath: Invalid value: \".a\": should be a json \
             path under .status]",
        ),
        (
            true,
            value!({"additionalPrinterColumns": [{"name": "A", "type": "string", "format": "odd", "jsonPath": ".a"}]}),
            "spec.versions[1].additionalPrinterColumns[0].format: Invalid value: \"odd\": must be one of byte,date,date-time,double,float,int32,int64,password",
        ),
        (
            true,
            value!({"selectableFields": [{"jsonPath": ".spec.hull"}, {"jsonPath": ".spec.mast"}, {"jsonPath": ".spec"}]}),
            "[spec.versions[1].selectableFields[1].jsonPath: Invalid value: \".spec.mast\": is an invalid path: does not refer \
             to a valid field, spec.versions[1].selectableFields[2].jsonPath: Invalid value: \".spec\": must point to a field of",
        ),
    ];
    for (in_version, change, words) in rows {
        let mut crd = crd();
        let target = if in_version { &mut crd["spec"]["versions"].items_mut()[1] } else { &mut crd["spec"] };
        change.entries().for_each(|(key, value)| target.set(key, value));
        let name = format!("boats.{}", crd["spec"]["group"].str());
        crd["metadata"].set("name", name);
        let found = Bench::new().create(CRDS, crd).expect_err(&change.to_string());
        assert!(found.message.contains(words), "{change}: {}", found.message);
    }
    let mut protected = crd();
    protected["metadata"].set("name", "boats.sea.k8s.io");
    protected["metadata"].set("annotations", value!({"api-approved.kubernetes.io": "unapproved, a test"}));
    protected["spec"].set("group", "sea.k8s.io");
    let mut bench = Bench::new();
    bench.create(CRDS, protected).unwrap();
    let wrong = r#"{"metadata":{"annotations":{"api-approved.kubernetes.io":"me"}}}"#;
    let path = format!("{CRDS}/boats.sea.k8s.io");
    let found = bench.patch(&path, "application/merge-patch+json", wrong).unwrap_err();
    assert!(found.message.contains("Invalid value: \"me\": protected groups must have approval annotation"), "{found}");
}

/// Custom resources are written as they are, and say what they are.
#[test]
fn objects_say_what_they_are() {
    let mut bench = Bench::new();
    bench.create(CRDS, crd()).unwrap();
    step(&mut bench);
    let mut made = boat(value!({"hull": "wood", "oars": null}));
    made["metadata"].set("finalizers", value!(["mine"]));
    let answer = bench.send(Request::new(Method::Post, BOATS).with_value(made));
    let warning = "metadata.finalizers: \"mine\": prefer a domain-qualified finalizer name to avoid accidental conflicts with \
                   other finalizer writers";
    assert_eq!(answer.warnings().collect::<Vec<_>>(), [warning]);
    let list = bench.ok(Request::get(BOATS));
    assert_eq!((list["metadata"]["continue"].as_str(), list["items"][0]["kind"].str()), (Some(""), "Boat"));
    assert_eq!(list["items"][0]["spec"], value!({"hull": "wood", "oars": 2}));
    for (field, value, message) in [
        ("kind", "Ship", "Ship.sea.example.com \"gull\" is invalid: kind: Invalid value: \"Ship\": must be Boat"),
        (
            "apiVersion",
            "sea.example.com/v9",
            "the API version in the data (sea.example.com/v9) does not match the expected API version (sea.example.com/v1)",
        ),
    ] {
        let mut other = boat(value!({"hull": "wood"}));
        other.set(field, value);
        assert_eq!(bench.create(BOATS, other).unwrap_err().message, message);
    }
    for (patch, message) in [
        (
            r#"{"kind": "Ship"}"#,
            "Ship.sea.example.com \"gull\" is invalid: kind: Invalid value: \"Ship\": must be Boat",
        ),
        (
            r#"{"apiVersion": "v9"}"#,
            "Boat \"gull\" is invalid: apiVersion: Invalid value: \"v9\": must be sea.example.com/v1",
        ),
        ("[1]", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ] {
        let refused = bench.patch(&format!("{BOATS}/gull"), "application/merge-patch+json", patch).unwrap_err();
        assert_eq!(refused.message, message);
    }
    let gone = bench.ok(Request::new(Method::Delete, BOATS));
    assert_eq!((gone["kind"].str(), gone["items"][0]["kind"].str()), ("BoatList", "Boat"));
    let deleted = bench.ok(Request::new(Method::Delete, format!("{CRDS}/boats.sea.example.com")));
    assert_eq!(deleted["metadata"]["finalizers"], value!(["customresourcecleanup.apiextensions.k8s.io"]));
    assert_eq!(deleted["status"]["conditions"].find("type", "Terminating").unwrap()["status"], "True");
}

/// Schemas that are not structural, or say what Kubernetes has no use for: the schema of one field, and what is said.
#[test]
fn schemas_are_structural() {
    let keyed = |properties: Value, more: Value| {
        let mut list = value!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "properties": properties}
        });
        more.entries().for_each(|(key, value)| list.set(key, value));
        list
    };
    let text = || value!({"type": "string"});
    let rows = [
        (value!({"type": "array"}), ".items: Required value: must be specified"),
        (
            value!({"type": "array", "items": {}}),
            ".items.type: Required value: must not be empty for specified array items",
        ),
        (
            value!({"type": "array", "items": [text()]}),
            ".items: Forbidden: items must be a schema object and not an array",
        ),
        (value!({"$ref": "#/a"}), ".$ref: Forbidden: $ref is not supported"),
        (
            value!({"type": "array", "items": text(), "uniqueItems": true}),
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            value!({"type": "string", "anyOf": [{"title": "t", "nullable": true}]}),
            ".anyOf[0].title: Forbidden: must be empty to be structural",
        ),
        (
            value!({"type": "object", "not": {"properties": {"metadata": {}}}}),
            ".not.properties[metadata]: Forbidden: must not be specified in a nested context",
        ),
        (
            value!({"type": "object", "properties": {"b": text()}, "default": {"c": 1}}),
            ".default: Invalid value: {\"c\":1}: must not have unknown fields",
        ),
        (
            value!({"type": "integer", "default": "x"}),
            ".default: Invalid value: \"string\":  in body must be of type integer: \"string\"",
        ),
        (
            value!({"type": "string", "pattern": "a("}),
            ".pattern: Invalid value: \"a(\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): `a(`",
        ),
        (
            value!({"type": "object", "x-kubernetes-embedded-resource": true}),
            ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ),
        (
            value!({"type": "object", "x-kubernetes-list-type": "atomic"}),
            ".type: Invalid value: \"object\": must be array if x-kubernetes-list-type is specified",
        ),
        (
            value!({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "set"}),
            ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
        ),
        (
            keyed(value!({"k": text()}), value!({})),
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ),
        (
            keyed(value!({"j": text()}), value!({})),
            ".x-kubernetes-list-map-keys: Invalid value: [\"k\"]: entries must all be names of item properties",
        ),
    ];
    for (schema, words) in rows {
        let mut crd = crd();
        crd["spec"]["versions"].items_mut()[1]["schema"]["openAPIV3Schema"]["properties"].set("part", schema.clone());
        let found = Bench::new().create(CRDS, crd).expect_err(&schema.to_string());
        let wanted = format!("spec.versions[1].schema.openAPIV3Schema.properties[part]{words}");
        assert!(found.message.contains(&wanted), "{schema}: {}", found.message);
    }
    let mut unknown = crd();
    unknown["spec"]["versions"].items_mut()[1]["schema"]["openAPIV3Schema"]["properties"]
        .set("part", value!({"type": "string", "format": "color"}));
    assert_eq!(crate::validation::custom::warnings(&unknown, None), ["unrecognized format \"color\""]);
    assert_eq!(crate::validation::custom::warnings(&unknown, Some(&unknown)), [""; 0]);
}

/// Rules, what they may cost, and when they are looked at.
#[test]
fn rules_of_definitions_and_objects() {
    let define = |properties: Value, rule: Value| {
        let mut crd = crd();
        crd["spec"]["versions"].items_mut()[1]["schema"]["openAPIV3Schema"]["properties"]
            .set("spec", value!({"type": "object", "properties": properties, "x-kubernetes-validations": [rule]}));
        crd
    };
    let number = || value!({"a": {"type": "integer"}, "s": {"type": "string"}, "l": {"type": "array", "items": {"type": "string"}}});
    let refused = [
        (
            value!({"rule": "self.a > 'x'"}),
            "found no matching overload for '_>_' applied to '(int, string)'\n | self.a > 'x'\n | .......^",
        ),
        (value!({"rule": "self.a"}), "cel expression must evaluate to a bool"),
        (value!({"rule": "true", "message": " "}), "Invalid value: \" \": must be non-empty if specified"),
        (value!({"rule": "self.a > 1 &&\ntrue"}), "message must be specified if rule contains line breaks"),
        (
            value!({"rule": "true", "reason": "Odd"}),
            "Unsupported value: \"Odd\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
        ),
        (value!({"rule": "true", "fieldPath": ".nope"}), "must be a valid path"),
        (value!({"rule": "true", "optionalOldSelf": true}), "may not be set if oldSelf is not used in rule"),
        (value!({"rule": "true", "messageExpression": "1"}), "messageExpression must evaluate to a string"),
        (
            value!({"rule": "self.l.all(x, self.l.all(y, y == x))"}),
            "exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)]",
        ),
    ];
    for (rule, words) in refused {
        let found = Bench::new().create(CRDS, define(number(), rule.clone())).unwrap_err();
        assert!(found.message.ends_with(words), "{rule}: {}", found.message);
    }
    let mut bench = Bench::new();
    let within = value!({"l": {"type": "array", "maxItems": 3, "items": {
        "type": "object", "properties": {"b": {"type": "integer"}}, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]
    }}});
    let found = bench.create(CRDS, define(within, value!({"rule": "true"}))).unwrap_err();
    let words = "oldSelf cannot be used on the uncorrelatable portion of the schema within spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[l]";
    assert!(found.message.ends_with(words), "{}", found.message);

    let objects = [
        (
            value!({"rule": "self.a > 1"}),
            value!({"s": "x"}),
            "spec: Invalid value: \"object\": no such key: a evaluating rule: self.a > 1",
        ),
        (
            value!({"rule": "self.a > 1", "messageExpression": "'not ' + string(self.a)"}),
            value!({"a": 1}),
            "spec: Invalid value: not 1",
        ),
        (
            value!({"rule": "self.a > 1", "reason": "FieldValueRequired", "fieldPath": ".s"}),
            value!({"a": 1}),
            "spec.s: Required value: failed rule: self.a > 1",
        ),
        (
            value!({"rule": "oldSelf.hasValue() || self.a == 1", "optionalOldSelf": true}),
            value!({"a": 2}),
            "spec: Invalid value: failed rule: oldSelf.hasValue() || self.a == 1",
        ),
        (value!({"rule": "oldSelf.a == self.a"}), value!({"a": 2}), ""),
    ];
    for (rule, spec, words) in objects {
        let mut bench = Bench::new();
        bench.create(CRDS, define(number(), rule.clone())).unwrap();
        step(&mut bench);
        match bench.create(BOATS, boat(spec)) {
            Ok(_) => assert_eq!(words, "", "{rule}"),
            Err(found) => assert_eq!(found.message, format!("Boat.sea.example.com \"gull\" is invalid: {words}")),
        }
    }
}

/// Parts that have not changed are let be when the schema becomes stricter.
#[test]
fn stricter_schemas_let_be_what_has_not_changed() {
    let mut bench = Bench::new();
    bench.create(CRDS, crd()).unwrap();
    step(&mut bench);
    bench.create(BOATS, boat(value!({"hull": "wood"}))).unwrap();
    let patch = "[{\"op\": \"add\", \"path\": \"/spec/versions/1/schema/openAPIV3Schema/properties/spec/properties/hull/enum\", \"value\": [\"steel\"]}]";
    bench.patch(&format!("{CRDS}/boats.sea.example.com"), "application/json-patch+json", patch).unwrap();
    let merge = "application/merge-patch+json";
    bench.patch(&format!("{BOATS}/gull"), merge, "{\"spec\":{\"oars\":4}}").unwrap();
    let found = bench.patch(&format!("{BOATS}/gull"), merge, "{\"spec\":{\"hull\":\"paper\"}}").unwrap_err();
    assert!(found.message.contains("Unsupported value: \"paper\""), "{}", found.message);
}

#[test]
fn groups_have_an_api_service_as_long_as_they_are_served() {
    let mut bench = Bench::new();
    let services = "/apis/apiregistration.k8s.io/v1/apiservices";
    let names = |bench: &mut Bench| -> Vec<String> {
        let list = bench.ok(Request::get(services));
        list["items"].items().iter().map(|service| service["metadata"]["name"].str().to_owned()).collect()
    };
    let built_in = names(&mut bench);
    assert_eq!((built_in[0].as_str(), built_in.len()), ("v1.", 21));
    let apps = bench.ok(Request::get(format!("{services}/v1.apps")));
    assert_eq!(apps["status"]["conditions"].find("type", "Available").unwrap()["reason"], "Local");
    bench.create(CRDS, crd()).unwrap();
    step(&mut bench);
    let added: Vec<String> = names(&mut bench).into_iter().filter(|name| !built_in.contains(name)).collect();
    assert_eq!(added, ["v1.sea.example.com", "v1beta1.sea.example.com"]);
    bench.ok(Request::new(drydock_api::Method::Delete, format!("{CRDS}/boats.sea.example.com")));
    step(&mut bench);
    step(&mut bench);
    assert_eq!(names(&mut bench), built_in);
}
