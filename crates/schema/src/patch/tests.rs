use drydock_value::{Value, parse_json, value};
use proptest::prelude::*;

use super::*;
use crate::{Schema, TypeRef};

fn deployment() -> TypeRef {
    Schema::get().by_parts("apps", "v1", "Deployment").expect("the schema has deployments")
}

fn json(text: &str) -> Value {
    parse_json(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A deployment's pod template with these fields of its spec.
fn template(pod_spec: &str) -> Value {
    json(&format!(r#"{{"spec":{{"template":{{"spec":{pod_spec}}}}}}}"#))
}

#[test]
fn strategic_patches_follow_the_merge_keys() {
    let two = r#"{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]}"#;
    let cases = [
        (
            two,
            r#"{"containers":[{"name":"b","image":"b:2"}]}"#,
            r#"{"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:2"}]}"#,
        ),
        (two, r#"{"containers":[{"name":"a","$patch":"delete"}]}"#, r#"{"containers":[{"name":"b","image":"b:1"}]}"#),
        (two, r#"{"containers":[{"$patch":"replace"},{"name":"c"}]}"#, r#"{"containers":[{"name":"c"}]}"#),
        (
            two,
            r#"{"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"a"}],"containers":[{"name":"c"}]}"#,
            r#"{"containers":[{"name":"c"},{"name":"b","image":"b:1"},{"name":"a","image":"a:1"}]}"#,
        ),
        (r#"{"tolerations":[{"key":"x"}]}"#, r#"{"tolerations":[{"key":"y"}]}"#, r#"{"tolerations":[{"key":"y"}]}"#),
        (
            r#"{"nodeSelector":{"a":"1","b":"2"}}"#,
            r#"{"nodeSelector":{"a":null,"c":"3"}}"#,
            r#"{"nodeSelector":{"b":"2","c":"3"}}"#,
        ),
        (
            r#"{"nodeSelector":{"a":"1"}}"#,
            r#"{"nodeSelector":{"$patch":"replace","c":"3"}}"#,
            r#"{"nodeSelector":{"c":"3"}}"#,
        ),
        (
            r#"{"volumes":[{"name":"v","emptyDir":{}}]}"#,
            r#"{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}"#,
            r#"{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}"#,
        ),
        // Deletions are made in lists that are replaced otherwise, too.
        (
            r#"{"containers":[{"name":"a","args":["x","y"]}]}"#,
            r#"{"containers":[{"name":"a","$deleteFromPrimitiveList/args":["y"]}]}"#,
            r#"{"containers":[{"name":"a","args":["x"]}]}"#,
        ),
    ];
    for (original, patch, expected) in cases {
        let result = strategic_merge(deployment(), &template(original), &template(patch));
        assert_eq!(result, Ok(template(expected)), "{original} with {patch}");
    }
}

#[test]
fn strategic_patches_are_refused_in_apimachinerys_words() {
    let original = template(r#"{"containers":[{"name":"a"}]}"#);
    let cases = [
        (r#"{"containers":[{"image":"x"}]}"#, "map: map[image:x] does not contain declared merge key: name"),
        (r#"{"nodeSelector":{"$patch":"no"}}"#, "unknown patch type: no in map: map[$patch:no]"),
    ];
    for (patch, message) in cases {
        let original = strategic_merge(deployment(), &original, &template(r#"{"nodeSelector":{"a":"b"}}"#)).unwrap();
        assert_eq!(strategic_merge(deployment(), &original, &template(patch)), Err(message.into()));
    }
}

#[test]
fn a_two_way_patch_turns_one_into_the_other() {
    let versions = [
        r#"{"containers":[{"name":"a","image":"a:1","ports":[{"containerPort":80,"protocol":"TCP"}]}]}"#,
        r#"{"containers":[{"name":"b","image":"b:1"},{"name":"a","image":"a:2"}],"nodeSelector":{"x":"y"}}"#,
        r#"{"containers":[{"name":"a","env":[{"name":"A","value":"1"},{"name":"B"}]}],"volumes":[{"name":"v","emptyDir":{}}]}"#,
        r#"{"containers":[{"name":"a","env":[{"name":"B"}]}],"volumes":[{"name":"v","hostPath":{"path":"/"}}]}"#,
    ];
    for from in versions.map(template) {
        for to in versions.map(template) {
            let patch = two_way_strategic(deployment(), &from, &to).unwrap();
            assert_eq!(patch.is_empty(), from == to, "{patch}");
            assert_eq!(strategic_merge(deployment(), &from, &patch).unwrap(), to, "{patch}");
            let patch = create_merge_patch(&from, &to);
            assert_eq!(merge_patch(&from, &patch), to, "{patch}");
        }
    }
}

#[test]
fn apply_keeps_what_others_added_and_removes_what_it_applied_before() {
    let original = json(r#"{"metadata":{"labels":{"a":"1","gone":"x"}},"spec":{"replicas":3}}"#);
    let modified = json(r#"{"metadata":{"labels":{"a":"2"}},"spec":{"replicas":3}}"#);
    let current = json(
        r#"{"metadata":{"labels":{"a":"1","gone":"x","theirs":"y"}},"spec":{"replicas":3,"paused":true},"status":{}}"#,
    );
    let expected = json(r#"{"metadata":{"labels":{"a":"2","gone":null}}}"#);
    assert_eq!(three_way_strategic(deployment(), &original, &modified, &current, true), Ok(expected.clone()));
    assert_eq!(three_way_merge(&original, &modified, &current), expected);
}

#[test]
fn apply_removes_a_container_and_names_the_order() {
    let original = template(r#"{"containers":[{"name":"a","image":"a"},{"name":"b","image":"b"}]}"#);
    let modified = template(r#"{"containers":[{"name":"a","image":"a"}]}"#);
    let patch = three_way_strategic(deployment(), &original, &modified, &original, true).unwrap();
    let expected =
        template(r#"{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"$patch":"delete","name":"b"}]}"#);
    assert_eq!(patch, expected);
    assert_eq!(strategic_merge(deployment(), &original, &patch), Ok(modified));
}

#[test]
fn apply_without_overwriting_refuses_conflicts() {
    let original = json(r#"{"spec":{"replicas":3}}"#);
    let modified = json(r#"{"spec":{"replicas":4}}"#);
    let current = json(r#"{"spec":{"replicas":5}}"#);
    assert!(three_way_strategic(deployment(), &original, &modified, &current, true).is_ok());
    let error = three_way_strategic(deployment(), &original, &modified, &current, false).unwrap_err();
    assert!(error.contains("conflicts with changes made from original to current"), "{error}");
}

#[test]
fn json_patches_do_what_rfc_6902_says() {
    let document = r#"{"a":{"b":[1,2]},"c~d/e":1}"#;
    let cases = [
        (r#"[{"op":"add","path":"/a/b/1","value":9}]"#, r#"{"a":{"b":[1,9,2]},"c~d/e":1}"#),
        (r#"[{"op":"add","path":"/a/b/-","value":9}]"#, r#"{"a":{"b":[1,2,9]},"c~d/e":1}"#),
        (r#"[{"op":"remove","path":"/a/b/0"}]"#, r#"{"a":{"b":[2]},"c~d/e":1}"#),
        (r#"[{"op":"replace","path":"/c~0d~1e","value":{}}]"#, r#"{"a":{"b":[1,2]},"c~d/e":{}}"#),
        (r#"[{"op":"move","from":"/a/b","path":"/x"}]"#, r#"{"a":{},"c~d/e":1,"x":[1,2]}"#),
        (r#"[{"op":"copy","from":"/a/b/0","path":"/x"}]"#, r#"{"a":{"b":[1,2]},"c~d/e":1,"x":1}"#),
        (r#"[{"op":"test","path":"/a/b/1","value":2}]"#, document),
    ];
    for (patch, expected) in cases {
        assert_eq!(json_patch(&json(document), &json(patch)), Ok(json(expected)), "{patch}");
    }
    let failing = [
        r#"[{"op":"test","path":"/a/b/1","value":3}]"#,
        r#"[{"op":"remove","path":"/nope"}]"#,
        r#"[{"op":"add","path":"/no/pe","value":1}]"#,
        r#"[{"op":"add","path":"/a/b/7","value":1}]"#,
        r#"[{"op":"what","path":"/a"}]"#,
        "{}",
    ];
    for patch in failing {
        assert!(json_patch(&json(document), &json(patch)).is_err(), "{patch}");
    }
}

/// What `kubectl patch --local` made of random objects and patches.
#[test]
fn patches_do_what_they_do_in_kubectl() {
    for line in include_str!("../../testdata/patches.jsonl").lines() {
        let case = json(line);
        let (object, patch) = (&case["object"], &case["patch"]);
        let result = match case["type"].str() {
            "strategic" => strategic_merge(deployment(), object, patch),
            "merge" => Ok(merge_patch(object, patch)),
            _ => json_patch(object, patch).map_err(|error| error.to_string()),
        };
        match result {
            Ok(result) => assert_eq!(result, case["out"], "{line}"),
            Err(error) => assert_eq!(format!("error: {}", error.trim_end()), case["error"].str(), "{line}"),
        }
    }
}

/// What `kubectl apply` sent, given what was applied before and what the server had. It refused to overwrite where there
/// is no patch.
#[test]
fn apply_sends_what_kubectl_sends() {
    for line in include_str!("../../testdata/apply.jsonl").lines() {
        let case = json(line);
        let overwrite = case["overwrite"].is_true();
        let patch =
            three_way_strategic(deployment(), &case["original"], &case["modified"], &case["current"], overwrite);
        match case.get("patch") {
            Some(expected) => assert_eq!(patch.as_ref(), Ok(expected), "{line}"),
            None => assert!(patch.unwrap_err().contains("conflicts with changes"), "{line}"),
        }
    }
}

fn any_spec() -> impl Strategy<Value = Value> {
    let name = || prop::sample::select(vec!["a", "b", "c", "d"]);
    let env = prop::collection::btree_map(name(), "[12]", 0..4);
    let container =
        (prop::option::of("[xy]"), env, prop::collection::vec("[pq]", 0..3)).prop_map(|(image, env, args)| {
            let env: Value = env.into_iter().map(|(name, value)| value!({"name": name, "value": value})).collect();
            value!({"image": image, "env": env, "args": args})
        });
    let containers = prop::collection::btree_map(name(), container, 1..4);
    let labels = prop::collection::btree_map(name(), "[12]", 0..3);
    (containers, labels, any::<bool>()).prop_map(|(containers, labels, reversed)| {
        let mut list: Vec<Value> = containers
            .into_iter()
            .map(|(name, mut container)| {
                container.set("name", name);
                container
            })
            .collect();
        if reversed {
            list.reverse();
        }
        let labels: drydock_value::Map = labels.into_iter().collect();
        value!({"metadata": {"labels": labels}, "spec": {"template": {"spec": {"containers": list}}}})
    })
}

/// Without the fields that say nothing: a null and a missing field are the same to a patch.
fn settled(value: &Value) -> Value {
    crate::normalize(deployment(), value)
}

proptest! {
    #[test]
    fn a_patch_made_of_two_versions_leads_from_one_to_the_other(from in any_spec(), to in any_spec()) {
        let patch = two_way_strategic(deployment(), &from, &to).unwrap();
        let result = strategic_merge(deployment(), &from, &patch).unwrap();
        prop_assert_eq!(settled(&result), settled(&to), "strategic {}", patch);
        let patch = create_merge_patch(&from, &to);
        prop_assert_eq!(settled(&merge_patch(&from, &patch)), settled(&to), "merge {}", patch);
    }

    #[test]
    fn applying_twice_changes_nothing(original in any_spec(), modified in any_spec(), current in any_spec()) {
        let patch = three_way_strategic(deployment(), &original, &modified, &current, true).unwrap();
        let once = strategic_merge(deployment(), &current, &patch).unwrap();
        let again = three_way_strategic(deployment(), &modified, &modified, &once, true).unwrap();
        prop_assert_eq!(settled(&strategic_merge(deployment(), &once, &again).unwrap()), settled(&once));
    }
}
