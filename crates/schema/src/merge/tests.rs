use drydock_api::GroupVersionKind;
use drydock_value::{Value, value};

use super::*;

fn deployment() -> Type<'static> {
    Type::of_kind(&GroupVersionKind::new("apps", "v1", "Deployment")).unwrap()
}

fn container(fields: &Value) -> Value {
    value!({"spec": {"template": {"spec": {"containers": [fields]}}}})
}

#[test]
fn fields_are_leaves_items_and_keys() {
    let applied = value!({
        "metadata": {"labels": {"team": "a"}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": {"spec": {
            "containers": [{"name": "app", "ports": [{"containerPort": 80}]}], "tolerations": [{"key": "k"}]
        }}}
    });
    let set = value!({
        "f:metadata": {"f:labels": {"f:team": {}}},
        "f:spec": {"f:replicas": {}, "f:selector": {}, "f:template": {"f:spec": {
            "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:ports": {
                "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}
            }}},
            "f:tolerations": {}
        }}}
    });
    assert_eq!(fields_of(deployment(), &applied), set);
}

#[test]
fn sets_combine() {
    let a = value!({"f:a": {}, "f:b": {".": {}, "f:c": {}, "f:d": {}}});
    let b = value!({"f:b": {"f:c": {}, "f:e": {}}});
    assert_eq!(sets::union(&a, &b), value!({"f:a": {}, "f:b": {".": {}, "f:c": {}, "f:d": {}, "f:e": {}}}));
    assert_eq!(sets::difference(&a, &b), value!({"f:a": {}, "f:b": {".": {}, "f:d": {}}}));
    assert_eq!(sets::intersection(&a, &b), value!({"f:b": {"f:c": {}}}));
    assert_eq!(sets::difference(&a, &a), value!({}));
    assert_eq!(sets::union(&value!({}), &b), b);
    assert_eq!(sets::paths(&a), [".a", ".b", ".b.c", ".b.d"]);
    assert_eq!(show("k:{\"containerPort\":80,\"protocol\":\"TCP\"}"), "[containerPort=80,protocol=\"TCP\"]");
    assert_eq!(sets::without_tree(&a, &["f:b"]), value!({"f:a": {}}));
}

#[test]
fn a_change_names_what_is_new_and_what_is_gone() {
    let before = value!({"metadata": {}, "spec": {"replicas": 1, "paused": true}});
    let after = value!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 2}});
    let found = compare(deployment(), &before, &after);
    assert_eq!(found.changed, value!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {"f:replicas": {}}}));
    assert_eq!(found.removed, value!({"f:spec": {"f:paused": {}}}));
    assert_eq!(compare(deployment(), &after, &after.clone()).changed, value!({}));
}

#[test]
fn lists_merge_in_the_applied_order() {
    let names = |names: &[&str]| {
        container(&value!({
            "name": "c", "env": names.iter().map(|name| value!({"name": *name})).collect::<Value>()
        }))
    };
    let cases: [(&[&str], &[&str], &[&str]); 4] = [
        (&["a", "b"], &["c", "a"], &["c", "a", "b"]),
        (&["a", "b", "c"], &["c", "a"], &["b", "c", "a"]),
        (&["a"], &["b"], &["a", "b"]),
        (&["x", "a", "y", "b"], &["a", "n", "b"], &["x", "a", "y", "n", "b"]),
    ];
    for (live, applied, wanted) in cases {
        assert_eq!(merge(deployment(), &names(live), &names(applied)), names(wanted), "{live:?} {applied:?}");
    }
}

#[test]
fn what_nobody_owns_goes() {
    let live = container(&value!({"name": "c", "image": "i", "env": [{"name": "A"}, {"name": "B"}]}));
    let last = fields_of(deployment(), &live);
    let owned = fields_of(deployment(), &container(&value!({"name": "c", "env": [{"name": "A"}]})));
    let left = without(deployment(), &live, &last, &owned);
    assert_eq!(left, container(&value!({"name": "c", "env": [{"name": "A"}]})));
    assert_eq!(without(deployment(), &live, &last, &value!({})), Value::Null);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (value!({"spec": {"nope": 1}}), ".spec.nope: field not declared in schema"),
        (value!({"spec": {"replicas": "two"}}), ".spec.replicas: expected numeric (int or float), got string"),
        (
            container(&value!({"name": "a", "env": [{"name": "A"}, {"name": "A"}]})),
            ".spec.template.spec.containers[name=\"a\"].env: duplicate entries for key [name=\"A\"]",
        ),
        (
            container(&value!({"name": "a", "env": [{"name": "A", "value": 1}]})),
            ".spec.template.spec.containers[name=\"a\"].env[name=\"A\"].value: expected string, got \
             &value.valueUnstructured{Value:1}",
        ),
    ];
    for (value, wanted) in cases {
        assert_eq!(check(deployment(), &value), [wanted]);
    }
    assert!(check(deployment(), &container(&value!({"name": "a", "image": null}))).is_empty());
}

#[test]
fn structural_schemas_are_types_too() {
    let schema = value!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "crew": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                 "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        "boat": {"type": "object", "x-kubernetes-embedded-resource": true}
    }}}});
    let of = Type::Structural { schema: &schema, root: true };
    let boat = value!({"metadata": {"labels": {"a": "b"}}, "spec": {"crew": [{"name": "ann"}], "free": {"x": [1]}}});
    assert_eq!(
        fields_of(of, &boat),
        value!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {
            "f:crew": {"k:{\"name\":\"ann\"}": {".": {}, "f:name": {}}}, "f:free": {"f:x": {}}
        }})
    );
    assert_eq!(check(of, &value!({"spec": {"crew": [{"nam": "x"}]}})).len(), 2);
    let inner = value!({"spec": {"boat": {"apiVersion": "v1", "kind": "Boat", "metadata": {"name": "a", "nam": "b"}}}});
    assert_eq!(check(of, &inner), [".spec.boat.metadata.nam: field not declared in schema"]);
}
