//! Whatever owns what, in whichever order it goes: what nothing owns any more goes too, and nothing else does.

use drydock_sorted::{SortedMap, SortedSet};
use drydock_value::{Value, value};
use proptest::prelude::*;

use super::{USER, World};
use crate::store::{DeleteOptions, Kind, Propagation, kinds};

/// An object of a random forest: its kind, the namespace it is in, its owners among those before it.
#[derive(Debug, Clone)]
struct Plan {
    kind: usize,
    namespace: usize,
    owners: Vec<(usize, bool)>,
}

const NAMESPACES: [&str; 2] = ["default", "kube-public"];

fn plan() -> impl Strategy<Value = Plan> {
    (0usize..4, 0usize..2, prop::collection::vec((0usize..12, any::<bool>()), 0..3))
        .prop_map(|(kind, namespace, owners)| Plan { kind, namespace, owners })
}

/// Serves `boats.example.com`.
fn boats(world: &mut World) -> Kind {
    let schema = value!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = value!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    let names = value!({"plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList"});
    let spec = value!({"group": "example.com", "scope": "Namespaced", "versions": [version], "names": names});
    let definition = value!({"metadata": {"name": "boats.example.com"}, "spec": spec});
    world.create(kinds::CUSTOM_RESOURCE_DEFINITIONS, definition);
    world.run(1.0);
    world.cluster.api_ref().kind_of("example.com", "Boat").expect("is served")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_nothing_owns_goes_and_nothing_else(
        plans in prop::collection::vec(plan(), 2..12),
        removed in prop::collection::vec((0usize..12, 0usize..3, 0u32..20), 1..6),
    ) {
        let mut world = World::new(1);
        let boats = boats(&mut world);
        let kind_of = |plan: &Plan| [kinds::CONFIG_MAPS, kinds::SECRETS, boats, kinds::CLUSTER_ROLES][plan.kind];
        let place = |plan: &Plan| if kind_of(plan).namespaced() { NAMESPACES[plan.namespace] } else { "" };
        let mut made: Vec<Value> = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            let kind = kind_of(plan);
            let versions = kind.info();
            let mut references = value!([]);
            let mut seen = SortedSet::new();
            // What is in no namespace cannot have owners that are in one: they could not be looked for.
            let possible = |owner: usize| owner < number && (kind.namespaced() || !kind_of(&plans[owner]).namespaced());
            for (owner, block) in plan.owners.iter().filter(|(owner, _)| possible(*owner) && seen.insert(*owner)) {
                let of = kind_of(&plans[*owner]).info();
                let version = if of.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", of.group) };
                references.push(value!({
                    "apiVersion": version, "kind": of.kind, "name": format!("o{owner}"),
                    "uid": &made[*owner]["metadata"]["uid"], "blockOwnerDeletion": *block
                }));
            }
            let version = if versions.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", versions.group) };
            let mut object = value!({
                "apiVersion": version, "kind": versions.kind,
                "metadata": {"name": format!("o{number}"), "ownerReferences": references}
            });
            if kind == kinds::CLUSTER_ROLES {
                object.set("rules", value!([]));
            }
            let now = world.cluster.now();
            let mut client = crate::store::client(world.cluster.api(), USER, now);
            made.push(client.create(kind, place(plan), object).expect("created"));
        }
        for (number, policy, tenths) in removed.iter().filter(|(number, ..)| *number < plans.len()) {
            let policy = [Propagation::Background, Propagation::Foreground, Propagation::Orphan][*policy];
            let (kind, place) = (kind_of(&plans[*number]), place(&plans[*number]));
            let now = world.cluster.now();
            let options = DeleteOptions::with_propagation(policy);
            // What has gone with its owners already is no more.
            let _ = crate::store::client(world.cluster.api(), USER, now)
                .delete(kind, place, &format!("o{number}"), &options);
            world.run(f64::from(*tenths) / 10.0);
        }
        world.run(60.0);
        let mut places: SortedMap<String, String> = SortedMap::new();
        let there: Vec<Option<Value>> = plans.iter().enumerate().map(|(number, plan)| {
            world.cluster.api_ref().get(kind_of(plan), place(plan), &format!("o{number}")).cloned()
        }).collect();
        for object in there.iter().flatten() {
            let metadata = &object["metadata"];
            prop_assert!(metadata["deletionTimestamp"].is_null(), "never went: {}", object);
            places.insert(metadata["uid"].str().to_owned(), metadata["namespace"].str().to_owned());
        }
        for object in there.iter().flatten() {
            let metadata = &object["metadata"];
            let owners = metadata["ownerReferences"].items();
            let near = |owner: &Value| places.get(owner["uid"].str())
                .is_some_and(|place| place.is_empty() || *place == metadata["namespace"].str());
            prop_assert!(owners.is_empty() || owners.iter().any(near), "an orphan: {}", object);
        }
        // What nobody deleted and what never had an owner is still there.
        for (number, plan) in plans.iter().enumerate() {
            let alone = made[number]["metadata"]["ownerReferences"].is_empty();
            let asked = removed.iter().any(|(removed, ..)| *removed == number);
            prop_assert!(there[number].is_some() || asked || !alone, "o{number} went by itself: {plan:?}");
        }
    }
}

#[test]
fn owners_in_other_namespaces_own_nothing() {
    let mut world = World::new(1);
    let mut owner = value!({"metadata": {"name": "owner", "namespace": "kube-public"}});
    owner = world.create(kinds::CONFIG_MAPS, owner);
    let reference =
        value!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": &owner["metadata"]["uid"]});
    world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "stray", "ownerReferences": [reference]}}));
    world.run(5.0);
    assert!(world.get(kinds::CONFIG_MAPS, "stray").is_null());
    let uid = owner["metadata"]["uid"].str();
    assert_eq!(
        world.events("stray"),
        [format!(
            "Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: {uid}] \
             does not exist in namespace \"default\""
        )]
    );
    assert!(world.cluster.api_ref().get(kinds::CONFIG_MAPS, "kube-public", "owner").is_some());
}

#[test]
fn owners_that_cannot_be_looked_for_keep_what_they_own() {
    let mut world = World::new(1);
    let owner = world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "owner"}}));
    let uid = &owner["metadata"]["uid"];
    // Kind and name of the owner as they are given, kind of what is owned, whether it stays, and its event.
    let invalid = |namespace: &str| {
        format!(
            "Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, {namespace}name: owner, uid: {}] does not exist \
             in namespace \"\"",
            uid.str()
        )
    };
    let cases = [
        ("v1", "ConfigMap", "owner", kinds::CONFIG_MAPS, true, None),
        ("v1", "ConfigMap", "other", kinds::CONFIG_MAPS, false, None),
        ("v1", "Secret", "owner", kinds::CONFIG_MAPS, false, None),
        ("example.com/v1", "Boat", "owner", kinds::CONFIG_MAPS, true, None),
        ("v1", "ConfigMap", "owner", kinds::CLUSTER_ROLES, true, Some(invalid("namespace: , "))),
    ];
    for (number, (version, kind, name, of, stays, event)) in cases.into_iter().enumerate() {
        let reference = value!({"apiVersion": version, "kind": kind, "name": name, "uid": uid});
        let own = format!("o{number}");
        let mut object = value!({"metadata": {"name": own.as_str(), "ownerReferences": [reference]}});
        if of == kinds::CLUSTER_ROLES {
            object.set("rules", value!([]));
        }
        let now = world.cluster.now();
        let namespace = if of.namespaced() { "default" } else { "" };
        crate::store::client(world.cluster.api(), USER, now).create(of, namespace, object).expect("created");
        world.run(5.0);
        let there = world.cluster.api_ref().get(of, namespace, &own).is_some();
        assert_eq!(there, stays, "{version} {kind} {name}");
        assert_eq!(world.events(&own), event.into_iter().collect::<Vec<_>>(), "{version} {kind} {name}");
    }
}

#[test]
fn nodes_that_are_deleted_are_said_to_go() {
    let mut world = World::new(2);
    world.run(3.0);
    world.delete(kinds::NODES, "minikube-m02", &DeleteOptions::default());
    world.run(1.0);
    let message = "Normal RemovingNode: Node minikube-m02 event: Removing Node minikube-m02 from Controller";
    assert!(world.events("minikube-m02").iter().any(|event| event == message));
}
