use drydock_value::{Value, value};

use super::*;

fn schema() -> Value {
    value!({"type": "object", "required": ["spec"], "properties": {"spec": {
        "type": "object", "required": ["hull"], "properties": {
            "hull": {"type": "string", "enum": ["wood", "steel"]},
            "oars": {"type": "integer", "minimum": 0, "maximum": 40, "default": 2},
            "port": {"type": "string", "pattern": "^[A-Z]{3}$", "maxLength": 3},
            "crew": {"type": "array", "maxItems": 3, "x-kubernetes-list-type": "map",
                     "x-kubernetes-list-map-keys": ["name"],
                     "items": {"type": "object", "required": ["name"],
                               "properties": {"name": {"type": "string"}, "role": {"type": "string", "default": "sailor"}}}},
            "load": {"x-kubernetes-int-or-string": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "tags": {"type": "object", "additionalProperties": {"type": "string"}},
            "when": {"type": "string", "format": "date-time", "nullable": true}
        }
    }}})
}

#[test]
fn unknown_fields_go_and_defaults_come() {
    let boat = value!({"kind": "Boat", "metadata": {"name": "a", "junk": 1}, "spec": {
        "hull": "wood", "sails": 2, "crew": [{"name": "ann", "x": 1}, {"name": "bob", "role": "cook"}],
        "free": {"any": [1]}, "tags": {"k": "v"}, "oars": null, "when": null
    }});
    let (mut pruned, unknown) = prune(&schema(), &boat).unwrap();
    assert_eq!(
        unknown,
        ["unknown field \"metadata.junk\"", "unknown field \"spec.crew[0].x\"", "unknown field \"spec.sails\""]
    );
    default(&schema(), &mut pruned);
    assert_eq!(
        pruned["spec"],
        value!({"hull": "wood", "crew": [{"name": "ann", "role": "sailor"}, {"name": "bob", "role": "cook"}],
                "free": {"any": [1]}, "tags": {"k": "v"}, "oars": 2, "when": null})
    );
}

#[test]
fn faults_have_the_servers_words() {
    let cases = [
        (value!({}), "spec.hull: Required value"),
        (value!({"hull": "paper"}), "spec.hull: Unsupported value: \"paper\": supported values: \"wood\", \"steel\""),
        (
            value!({"hull": "wood", "oars": 41}),
            "spec.oars: Invalid value: 41: spec.oars in body should be less than or equal to 40",
        ),
        (value!({"hull": "wood", "port": "abcd"}), "spec.port: Too long: may not be more than 3 bytes"),
        (
            value!({"hull": "wood", "port": "ab1"}),
            "spec.port: Invalid value: \"ab1\": spec.port in body should match '^[A-Z]{3}$'",
        ),
        (
            value!({"hull": "wood", "oars": "two"}),
            "spec.oars: Invalid value: \"string\": spec.oars in body must be of type integer: \"string\"",
        ),
        (
            value!({"hull": "wood", "crew": [{"name": "a"}, {"name": "a"}]}),
            "spec.crew[1]: Duplicate value: {\"name\":\"a\"}",
        ),
        (value!({"hull": "wood", "crew": [{"role": "b"}]}), "spec.crew[0].name: Required value"),
        (
            value!({"hull": "wood", "tags": {"a": 1}}),
            "spec.tags.a: Invalid value: \"integer\": spec.tags.a in body must be of type string: \"integer\"",
        ),
        (
            value!({"hull": "wood", "load": ["x"]}),
            "spec.load: Invalid value: \"array\": spec.load in body must be of type integer,string: \"array\"",
        ),
        (
            value!({"hull": "wood", "when": "yesterday"}),
            "spec.when: Invalid value: \"yesterday\": spec.when in body must be of type date-time: \"yesterday\"",
        ),
    ];
    for (spec, wanted) in cases {
        let faults = validate(&schema(), &value!({"spec": &spec}));
        let first = faults.first().map(|fault| format!("{}: {}", fault.path, fault.message)).unwrap_or_default();
        assert!(first == wanted || faults.len() > 1, "{spec}: {first}");
        assert!(
            faults.iter().any(|fault| format!("{}: {}", fault.path, fault.message) == wanted),
            "{spec}: {faults:?}"
        );
    }
    assert!(validate(&schema(), &value!({"spec": {"hull": "wood", "when": null, "load": 5}})).is_empty());
}

#[test]
fn sets_and_keyed_lists_have_no_order_in_rules() {
    let list = |kind: &str, items: Value| value!({"type": "array", "items": items, "x-kubernetes-list-type": kind, "x-kubernetes-list-map-keys": ["k"]});
    let keyed = value!({"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer"}}});
    let pair = |kind: &str, items: Value| {
        value!({"type": "object", "properties": {
            "a": list(kind, items.clone()), "b": list(kind, items.clone()), "c": list("atomic", items)}})
    };
    let text = value!({"type": "string"});
    let old = value!({"a": [{"k": "y"}, {"k": "x", "v": 1}]});
    for (kind, items, object, rule, holds) in [
        ("atomic", &text, value!({"a": ["x", "y"], "b": ["y", "x"]}), "self.a == self.b", false),
        ("set", &text, value!({"a": ["x", "y"], "b": ["y", "x"]}), "self.a == self.b", true),
        ("set", &text, value!({"a": ["x", "y"], "b": ["y", "z"]}), "self.a == self.b", false),
        ("set", &text, value!({"a": ["x", "y"], "b": ["y", "z"]}), "self.a + self.b == ['x', 'y', 'z']", true),
        ("atomic", &text, value!({"a": ["x"], "b": ["x"]}), "self.a + self.b == ['x', 'x']", true),
        ("map", &keyed, value!({"a": [{"k": "x", "v": 1}, {"k": "y"}], "b": []}), "self.a == oldSelf.a", true),
        (
            "map",
            &keyed,
            value!({"a": [{"k": "z", "v": 4}, {"k": "x", "v": 3}], "b": []}),
            "(oldSelf.a + self.a).map(i, has(i.v) ? i.v : 0) == [0, 3, 4]",
            true,
        ),
    ] {
        let mut schema = pair(kind, items.clone());
        schema.set("x-kubernetes-validations", value!([{"rule": rule}]));
        let mut faults = Vec::new();
        check_rules(&schema, &object, Some(&old), &mut faults);
        assert_eq!(faults.is_empty(), holds, "{kind} {object} {rule}");
    }
}
