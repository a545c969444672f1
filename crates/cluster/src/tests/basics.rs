//! Boot, determinism, endpoints, namespaces, garbage, nodes.

use drydock_sorted::Sort;
use drydock_value::value;

use super::*;
use crate::store::Propagation;

#[test]
fn a_new_cluster_is_ready() {
    let world = World::new(2);
    let nodes = world.list(kinds::NODES);
    assert_eq!(nodes.len(), 2);
    for namespace in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let api = world.cluster.api_ref();
        assert!(api.get(kinds::SERVICE_ACCOUNTS, namespace, "default").is_some(), "{namespace}");
        assert!(api.get(kinds::CONFIG_MAPS, namespace, "kube-root-ca.crt").is_some(), "{namespace}");
    }
    assert_eq!(
        world.events("minikube"),
        ["Normal RegisteredNode: Node minikube event: Registered Node minikube in Controller"]
    );
}

#[test]
fn equal_seeds_have_equal_histories() {
    let play = |seed: u64, fork: bool| {
        let mut world = World::seeded(3, seed);
        world.create(kinds::DEPLOYMENTS, deployment("web", 5, "nginx:1.27"));
        world.run(1.0);
        if fork {
            world.cluster = world.cluster.clone();
        }
        world.patch(kinds::DEPLOYMENTS, "web", value!({"spec": {"replicas": 8}}));
        world.run(10.0);
        world.delete(kinds::DEPLOYMENTS, "web", &DeleteOptions::default());
        world.run(10.0);
        world.cluster.log_digest()
    };
    assert_eq!(play(7, false), play(7, false));
    assert_eq!(play(7, false), play(7, true));
    assert_ne!(play(7, false), play(8, false));
}

#[test]
fn steps_of_any_size_lead_to_the_same() {
    let play = |steps: &[f64], most: u32| {
        let mut world = World::new(2);
        world.create(kinds::DEPLOYMENTS, deployment("web", 4, "nginx:1.27"));
        for step in steps {
            let until = world.cluster.now() + Duration::from_secs_f64(*step);
            while !world.cluster.advance(until, most).reached {}
        }
        world.cluster.log_digest()
    };
    let whole = play(&[8.0], u32::MAX);
    assert_eq!(whole, play(&[1.0, 2.5, 0.25, 4.25], u32::MAX));
    assert_eq!(whole, play(&[8.0], 3));
}

#[test]
fn a_service_finds_its_pods() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 2, "nginx:1.27"));
    world.create(
        kinds::SERVICES,
        value!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}),
    );
    world.run(0.5);
    let slices = world.list(kinds::ENDPOINT_SLICES);
    let slice = slices.iter().find(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == "web").unwrap();
    assert!(slice["endpoints"].items().is_empty());
    world.run(5.0);
    let name = slice["metadata"]["name"].str().to_owned();
    let slice = world.get(kinds::ENDPOINT_SLICES, &name);
    assert_eq!(slice["endpoints"].items().len(), 2, "{slice}");
    assert!(slice["endpoints"].items().iter().all(|endpoint| endpoint["conditions"]["ready"].is_true()));
    assert_eq!(slice["ports"].to_string(), r#"[{"name":"","port":8080,"protocol":"TCP"}]"#);
    assert_eq!(
        slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"],
        "endpointslice-controller.k8s.io"
    );
    let endpoints = world.get(kinds::ENDPOINTS, "web");
    assert_eq!(endpoints["subsets"][0]["addresses"].items().len(), 2, "{endpoints}");
    assert_eq!(endpoints["subsets"][0]["ports"].to_string(), r#"[{"port":8080,"protocol":"TCP"}]"#);
    world.patch(kinds::DEPLOYMENTS, "web", value!({"spec": {"replicas": 0}}));
    world.run(5.0);
    let slice = world.get(kinds::ENDPOINT_SLICES, &name);
    assert!(slice["endpoints"].items().is_empty(), "{slice}");
    assert!(world.get(kinds::ENDPOINTS, "web")["subsets"].is_null());
    world.delete(kinds::SERVICES, "web", &DeleteOptions::default());
    world.run(1.0);
    assert!(world.get(kinds::ENDPOINT_SLICES, &name).is_null());
    assert!(world.get(kinds::ENDPOINTS, "web").is_null());
}

#[test]
fn a_large_service_has_slices_of_a_hundred() {
    let mut world = World::new(3);
    world.create(kinds::DEPLOYMENTS, deployment("web", 250, "nginx:1.27"));
    world.create(
        kinds::SERVICES,
        value!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    world.run(15.0);
    let sizes = |world: &World| {
        let slices = world.list(kinds::ENDPOINT_SLICES);
        let mine = slices.iter().filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == "web");
        let mut sizes: Vec<usize> = mine.map(|slice| slice["endpoints"].items().len()).collect();
        sizes.sort_compact();
        sizes
    };
    let before = sizes(&world);
    assert_eq!(before.iter().sum::<usize>(), 250, "{before:?}");
    assert!(before.iter().all(|size| *size <= 100), "{before:?}");
    world.patch(kinds::DEPLOYMENTS, "web", value!({"spec": {"replicas": 20}}));
    world.run(10.0);
    assert_eq!(sizes(&world).iter().sum::<usize>(), 20);
}

#[test]
fn a_namespace_takes_its_content_along() {
    let mut world = World::new(2);
    world.create(kinds::NAMESPACES, value!({"metadata": {"name": "staging"}}));
    world.run(1.0);
    let mut web = deployment("web", 2, "nginx:1.27");
    web["metadata"].set("namespace", "staging");
    world.create(kinds::DEPLOYMENTS, web);
    world.run(3.0);
    let pods = |world: &World| world.cluster.api_ref().objects(kinds::PODS, "staging").count();
    assert_eq!(pods(&world), 2);
    let start = world.cluster.now();
    world.delete(kinds::NAMESPACES, "staging", &DeleteOptions::default());
    world.run(4.0);
    assert_eq!(world.get(kinds::NAMESPACES, "staging")["status"]["phase"], "Terminating");
    assert_eq!(pods(&world), 2);
    let mut gone = None;
    world.watch(30.0, |cluster| {
        if cluster.api_ref().get(kinds::NAMESPACES, "", "staging").is_none() && gone.is_none() {
            gone = Some(cluster.now());
        }
    });
    let took = since(gone.expect("gone"), start);
    assert!((10.0..11.0).contains(&took), "{took}");
    for kind in Kind::all().filter(|kind| kind.namespaced()) {
        assert_eq!(world.cluster.api_ref().objects(kind, "staging").count(), 0, "{kind:?}");
    }
}

fn config_map(name: &str, owner: Option<(&str, &str)>) -> Value {
    let mut map = value!({"metadata": {"name": name}});
    if let Some((owner, uid)) = owner {
        map["metadata"].set(
            "ownerReferences",
            value!([{
                "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "blockOwnerDeletion": true
            }]),
        );
    }
    map
}

#[test]
fn what_nobody_owns_goes() {
    // policy, whether the owner is gone at once, whether the child stays
    let cases = [
        (Propagation::Background, true, false),
        (Propagation::Foreground, false, false),
        (Propagation::Orphan, false, true),
    ];
    for (policy, at_once, stays) in cases {
        let mut world = World::new(1);
        let owner = world.create(kinds::CONFIG_MAPS, config_map("owner", None));
        let uid = owner["metadata"]["uid"].str().to_owned();
        world.create(kinds::CONFIG_MAPS, config_map("child", Some(("owner", &uid))));
        world.run(1.0);
        assert!(!world.get(kinds::CONFIG_MAPS, "child").is_null());
        world.delete(kinds::CONFIG_MAPS, "owner", &DeleteOptions::with_propagation(policy));
        assert_eq!(world.get(kinds::CONFIG_MAPS, "owner").is_null(), at_once, "{policy:?}");
        world.run(1.0);
        assert!(world.get(kinds::CONFIG_MAPS, "owner").is_null(), "{policy:?}");
        let child = world.get(kinds::CONFIG_MAPS, "child");
        assert_eq!(!child.is_null(), stays, "{policy:?}");
        assert!(child["metadata"]["ownerReferences"].is_null(), "{policy:?}");
    }
}

#[test]
fn owners_in_a_circle_go_all_the_same() {
    for policy in [Propagation::Background, Propagation::Foreground] {
        let mut world = World::new(1);
        let names = ["one", "two", "three"];
        let uids = names
            .map(|name| world.create(kinds::CONFIG_MAPS, config_map(name, None))["metadata"]["uid"].str().to_owned());
        for (at, name) in names.iter().enumerate() {
            let owner = (at + 2) % 3;
            let references =
                config_map(name, Some((names[owner], &uids[owner])))["metadata"]["ownerReferences"].clone();
            world.patch(kinds::CONFIG_MAPS, name, value!({"metadata": {"ownerReferences": references}}));
        }
        world.run(1.0);
        world.delete(kinds::CONFIG_MAPS, "one", &DeleteOptions::with_propagation(policy));
        world.run(2.0);
        for name in names {
            assert!(world.get(kinds::CONFIG_MAPS, name).is_null(), "{policy:?} {name}");
        }
    }
}

#[test]
fn what_names_an_owner_that_never_was_goes() {
    let mut world = World::new(1);
    world.create(kinds::CONFIG_MAPS, config_map("astray", Some(("never", "11111111-2222-3333-4444-555555555555"))));
    world.run(1.0);
    assert!(world.get(kinds::CONFIG_MAPS, "astray").is_null());
}

#[test]
fn a_deployment_goes_with_all_that_is_its() {
    for policy in [Propagation::Background, Propagation::Foreground] {
        let mut world = World::new(2);
        world.create(kinds::DEPLOYMENTS, deployment("web", 3, "nginx:1.27"));
        world.run(3.0);
        world.delete(kinds::DEPLOYMENTS, "web", &DeleteOptions::with_propagation(policy));
        world.run(3.0);
        for kind in [kinds::DEPLOYMENTS, kinds::REPLICA_SETS, kinds::PODS] {
            assert!(world.list(kind).is_empty(), "{policy:?} {kind:?}");
        }
    }
}

#[test]
fn a_range_of_addresses_stays_while_services_have_some_of_it() {
    let mut world = World::new(1);
    world.run(1.0);
    let ready = |world: &World, name: &str| {
        let object = world.get(kinds::SERVICE_CIDRS, name);
        object["status"]["conditions"].find("type", "Ready").map(|condition| condition["status"].str().to_owned())
    };
    world.create(kinds::SERVICE_CIDRS, value!({"metadata": {"name": "more"}, "spec": {"cidrs": ["10.200.0.0/24"]}}));
    world.run(1.0);
    assert_eq!(ready(&world, "more").as_deref(), Some("True"));
    for name in ["more", "kubernetes"] {
        world.delete(kinds::SERVICE_CIDRS, name, &DeleteOptions::default());
    }
    world.run(1.0);
    assert_eq!(ready(&world, "more"), None);
    assert_eq!(ready(&world, "kubernetes").as_deref(), Some("False"));
}

#[test]
fn a_tainted_node_loses_its_pods() {
    let mut world = World::new(1);
    for (name, tolerations) in [
        ("stay", value!([{"key": "evict", "operator": "Exists"}])),
        ("later", value!([{"key": "evict", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20}])),
        ("leave", value!([])),
    ] {
        let mut pod = pod(name);
        pod["spec"].set("tolerations", tolerations);
        world.create(kinds::PODS, pod);
    }
    world.run(3.0);
    world.patch(kinds::NODES, "minikube", value!({"spec": {"taints": [{"key": "evict", "effect": "NoExecute", "timeAdded": world.cluster.now().rfc3339()}]}}));
    world.run(2.0);
    let names = |world: &World| {
        world.list(kinds::PODS).iter().map(|p| p["metadata"]["name"].str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&world), ["later", "stay"]);
    assert!(
        world
            .events("leave")
            .contains(&"Normal TaintManagerEviction: Marking for deletion Pod default/leave".to_owned())
    );
    world.run(20.0);
    assert_eq!(names(&world), ["stay"]);
}

#[test]
#[ignore = "a measurement: run it under time"]
fn ten_thousand_pods() {
    let mut world = World::new(1000);
    for number in 0..100 {
        world.create(kinds::DEPLOYMENTS, deployment(&format!("web-{number}"), 100, "nginx:1.27"));
    }
    world.run(60.0);
    let ready = world.list(kinds::DEPLOYMENTS).iter().filter(|d| d["status"]["availableReplicas"].int() == 100).count();
    assert_eq!(ready, 100);
}

#[test]
#[ignore = "a measurement: run it under time"]
fn three_hundred_replicas() {
    let mut world = World::new(3);
    for _ in 0..1 {
        world.create(kinds::DEPLOYMENTS, deployment("web", 300, "nginx:1.27"));
        world.run(10.0);
        assert_eq!(world.get(kinds::DEPLOYMENTS, "web")["status"]["availableReplicas"].int(), 300);
    }
}

#[test]
fn a_node_is_not_promised_to_more_than_fit() {
    let mut world = World::new(2);
    world.create(kinds::PRIORITY_CLASSES, value!({"metadata": {"name": "high"}, "value": 1000}));
    // The last two push others aside. Together they fit on a node that is empty, but not beside one that is there.
    let pods = [(1066, "", 1.5), (2442, "high", 0.5), (1886, "", 1.4), (1558, "", 1.1), (899, "", 1.7)];
    for (number, (cpu, class, seconds)) in
        pods.into_iter().chain([(2874, "high", 0.9), (960, "high", 90.0)]).enumerate()
    {
        let mut pod = pod(&format!("p{number}"));
        pod["spec"]["containers"][0].set("resources", value!({"requests": {"cpu": format!("{cpu}m")}}));
        pod["spec"].set("priorityClassName", class);
        world.create(kinds::PODS, pod);
        world.run(seconds);
    }
    for name in ["p1", "p5", "p6"] {
        let pod = world.get(kinds::PODS, name);
        assert!(!pod["spec"]["nodeName"].is_empty(), "{name}: {}", pod["status"]);
    }
}
