//! What holds at every step, whatever is asked for and whatever fails.

use std::time::Duration;

use drydock_api::{Auth, Method, Request, Transport};
use drydock_schema::quantity::Quantity;
use drydock_sorted::{SortedMap, SortedSet};
use drydock_value::{Value, value};
use proptest::prelude::*;

use super::{World, deployment};
use crate::kubelet::tests::USER as CERTIFICATE;
use crate::store::{DeleteOptions, Kind, kinds};
use crate::{Cluster, Config, NodeConfig};

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn objects(cluster: &Cluster, kind: Kind) -> Vec<Value> {
    cluster.api_ref().objects(kind, "default").cloned().collect()
}

fn alive(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null() && !matches!(pod["status"]["phase"].str(), "Failed" | "Succeeded")
}

fn ready(object: &Value) -> bool {
    object["status"]["conditions"].find("type", "Ready").is_some_and(|condition| condition["status"] == "True")
}

fn live(cluster: &Cluster) -> Vec<Value> {
    objects(cluster, kinds::PODS).into_iter().filter(alive).collect()
}

/// A workload's pod template.
fn template(name: &str) -> Value {
    value!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}
    })
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn no_node_is_given_more_than_it_has(
        pods in prop::collection::vec((100i64..3000, 100i64..5000), 5..25), removed in prop::collection::vec(0usize..25, 0..6),
    ) {
        let mut world = World::new(3);
        for (number, (cpu, memory)) in pods.iter().enumerate() {
            let requests = value!({"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")});
            world.create(kinds::PODS, value!({
                "metadata": {"name": format!("p{number}")},
                "spec": {"containers": [{"name": "c", "image": "nginx:1.27", "resources": {"requests": requests}}]}
            }));
        }
        let check = |cluster: &mut Cluster| {
            let mut used: SortedMap<String, (i64, i64)> = SortedMap::new();
            for pod in live(cluster).iter().filter(|pod| !pod["spec"]["nodeName"].is_empty()) {
                let requests = &pod["spec"]["containers"][0]["resources"]["requests"];
                let of = |name: &str| Quantity::of(&requests[name]).expect("a quantity").milli_value();
                let sum = used.entry(pod["spec"]["nodeName"].str().to_owned()).or_default();
                *sum = (sum.0 + of("cpu"), sum.1 + of("memory"));
            }
            for (node, (cpu, memory)) in used {
                let node = cluster.api_ref().get(kinds::NODES, "", &node).expect("a node");
                let of = |name: &str| Quantity::of(&node["status"]["allocatable"][name]).expect("a quantity").milli_value();
                assert!(cpu <= of("cpu") && memory <= of("memory"), "{cpu} {memory} on {node}");
            }
        };
        world.watch(5.0, check);
        for number in removed.into_iter().filter(|number| *number < pods.len()).collect::<SortedSet<usize>>() {
            world.delete(kinds::PODS, &format!("p{number}"), &DeleteOptions::default());
        }
        world.watch(40.0, check);
    }

    #[test]
    fn a_rollout_keeps_to_its_bounds(
        replicas in 1i64..8, surge in 0i64..4, unavailable in 0i64..4, waits in prop::collection::vec(0u32..40, 1..4),
    ) {
        let surge = if surge + unavailable == 0 { 1 } else { surge };
        let mut world = World::new(2);
        let mut web = deployment("web", replicas, "nginx:1.27");
        web["spec"].set("strategy", value!({
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}
        }));
        world.create(kinds::DEPLOYMENTS, web);
        world.run(20.0);
        let check = |cluster: &mut Cluster| {
            let pods = live(cluster);
            let available = pods.iter().filter(|pod| ready(pod)).count() as i64;
            assert!(pods.len() as i64 <= replicas + surge, "{} pods of {replicas}+{surge}", pods.len());
            assert!(available >= replicas - unavailable, "{available} of {replicas}-{unavailable}");
        };
        check(&mut world.cluster);
        for (number, tenths) in waits.iter().enumerate() {
            let image = format!("nginx:1.{}", 20 + number);
            world.patch(kinds::DEPLOYMENTS, "web", value!({
                "spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}
            }));
            world.watch(f64::from(*tenths) / 10.0, check);
        }
        world.watch(60.0, check);
        let status = world.get(kinds::DEPLOYMENTS, "web")["status"].clone();
        prop_assert_eq!(status["updatedReplicas"].int(), replicas);
        prop_assert_eq!(status["replicas"].int(), replicas);
    }

    #[test]
    fn evictions_keep_to_budgets(
        replicas in 1i64..7, bound in 0usize..4, tries in prop::collection::vec((0usize..7, 0u32..30), 1..25),
    ) {
        let mut world = World::new(3);
        world.create(kinds::DEPLOYMENTS, deployment("web", replicas, "nginx:1.27"));
        let (field, amount, least) = [
            ("minAvailable", value!(2), 2.min(replicas)),
            ("minAvailable", value!("50%"), (replicas + 1) / 2),
            ("maxUnavailable", value!(1), replicas - 1),
            ("maxUnavailable", value!("40%"), replicas - (replicas * 2 + 4) / 5),
        ][bound].clone();
        let mut spec = value!({"selector": {"matchLabels": {"app": "web"}}});
        spec.set(field, amount);
        world.create(kinds::POD_DISRUPTION_BUDGETS, value!({"metadata": {"name": "b"}, "spec": spec}));
        world.run(12.0);
        let check = |cluster: &mut Cluster| {
            let well = live(cluster).iter().filter(|pod| ready(pod)).count() as i64;
            assert!(well >= least, "{well} of {replicas}, {least} wanted");
        };
        check(&mut world.cluster);
        let mut evicted = 0;
        for (number, tenths) in tries {
            let pods = objects(&world.cluster, kinds::PODS);
            if let Some(pod) = pods.get(number % pods.len().max(1)) {
                let name = pod["metadata"]["name"].str();
                let path = format!("/api/v1/namespaces/default/pods/{name}/eviction");
                let mut request = Request::new(Method::Post, path)
                    .with_value(value!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}));
                request.auth = Auth::Certificate { certificate: CERTIFICATE.into() };
                match Transport::send(&mut world.cluster, request).into_result() {
                    Ok(_) => evicted += 1,
                    Err(status) => assert!(status.is("TooManyRequests"), "{status:?}"),
                }
            }
            check(&mut world.cluster);
            world.watch(f64::from(tenths) / 10.0, check);
        }
        world.watch(30.0, check);
        // A budget that leaves room for one lets one go.
        prop_assert!(least == replicas || evicted > 0);
        prop_assert_eq!(live(&world.cluster).iter().filter(|pod| ready(pod)).count() as i64, replicas);
    }

    #[test]
    fn those_who_push_others_aside_fit(
        pods in prop::collection::vec((200i64..3000, 0usize..3, 0u32..20), 5..30),
    ) {
        let mut world = World::new(2);
        for (name, number) in [("low", 1), ("high", 1000)] {
            world.create(kinds::PRIORITY_CLASSES, value!({"metadata": {"name": name}, "value": number}));
        }
        let check = |cluster: &mut Cluster| {
            let mut used: SortedMap<String, i64> = SortedMap::new();
            // Also what still ends takes its place.
            let there = objects(cluster, kinds::PODS);
            for pod in there.iter().filter(|pod| !matches!(pod["status"]["phase"].str(), "Failed" | "Succeeded")) {
                let cpu = Quantity::of(&pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]);
                *used.entry(pod["spec"]["nodeName"].str().to_owned()).or_default() += cpu.expect("a quantity").milli_value();
            }
            for (node, cpu) in used.iter().filter(|(node, _)| !node.is_empty()) {
                let node = cluster.api_ref().get(kinds::NODES, "", node).expect("a node");
                let has = Quantity::of(&node["status"]["allocatable"]["cpu"]).expect("a quantity").milli_value();
                assert!(*cpu <= has, "{cpu} of {has}");
            }
        };
        for (number, (cpu, class, tenths)) in pods.iter().enumerate() {
            let mut pod = value!({
                "metadata": {"name": format!("p{number}")},
                "spec": {"containers": [{
                    "name": "c", "image": "nginx:1.27", "resources": {"requests": {"cpu": format!("{cpu}m")}}
                }]}
            });
            if let Some(class) = ["low", "high"].get(*class) {
                pod["spec"].set("priorityClassName", *class);
            }
            world.create(kinds::PODS, pod);
            world.watch(f64::from(*tenths) / 10.0, check);
        }
        world.watch(90.0, check);
        // Nobody important waits while somebody less important has a place that would do.
        let pods = live(&world.cluster);
        let cpu = |pod: &Value| {
            Quantity::of(&pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]).map_or(0, |cpu| cpu.milli_value())
        };
        for waiting in pods.iter().filter(|pod| pod["spec"]["nodeName"].is_empty()) {
            let priority = waiting["spec"]["priority"].int();
            for placed in pods.iter().filter(|pod| !pod["spec"]["nodeName"].is_empty()) {
                prop_assert!(
                    placed["spec"]["priority"].int() >= priority || cpu(placed) < cpu(waiting),
                    "{} waits for {}", waiting["metadata"]["name"], placed["metadata"]["name"]
                );
            }
        }
    }

    #[test]
    fn stateful_pods_come_and_go_in_order(sizes in prop::collection::vec((0i64..5, 1u32..80), 1..5)) {
        let mut world = World::new(2);
        world.create(kinds::STATEFUL_SETS, value!({
            "metadata": {"name": "db"},
            "spec": {
                "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template("db")
            }
        }));
        let mut before: Vec<(usize, bool)> = Vec::new();
        let mut check = |cluster: &mut Cluster| {
            let number = |pod: &Value| pod["metadata"]["name"].str().rsplit('-').next().and_then(|n| n.parse().ok());
            let pods = objects(cluster, kinds::PODS);
            let now: Vec<(usize, bool)> = pods.iter().filter_map(|pod| Some((number(pod)?, alive(pod) && ready(pod)))).collect();
            for (new, _) in now.iter().filter(|(new, _)| !before.iter().any(|(old, _)| old == new)) {
                let lower = (0..*new).all(|below| now.iter().any(|(old, ready)| *old == below && *ready));
                assert!(lower, "db-{new} came before those below it were ready: {now:?}");
            }
            for (gone, _) in before.iter().filter(|(old, _)| !now.iter().any(|(new, _)| old == new)) {
                assert!(now.iter().all(|(left, _)| left < gone), "db-{gone} went before those above it: {now:?}");
            }
            before = now;
        };
        world.watch(3.0, &mut check);
        for (replicas, tenths) in sizes {
            world.patch(kinds::STATEFUL_SETS, "db", value!({"spec": {"replicas": replicas}}));
            world.watch(f64::from(tenths) / 10.0, &mut check);
        }
        world.watch(60.0, &mut check);
    }

    #[test]
    fn a_quota_is_never_exceeded(hard in 1i64..6, sizes in prop::collection::vec(0i64..9, 1..5)) {
        let mut world = World::new(1);
        world.create(kinds::RESOURCE_QUOTAS, value!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": hard.to_string()}}}));
        world.create(kinds::DEPLOYMENTS, deployment("web", 1, "nginx:1.27"));
        world.create(kinds::DEPLOYMENTS, deployment("api", 1, "nginx:1.27"));
        let check = |cluster: &mut Cluster| {
            let pods = objects(cluster, kinds::PODS);
            let counted = pods.iter().filter(|pod| !matches!(pod["status"]["phase"].str(), "Failed" | "Succeeded")).count();
            assert!(counted as i64 <= hard, "{counted} pods of {hard}");
        };
        for (at, replicas) in sizes.into_iter().enumerate() {
            let name = if at % 2 == 0 { "web" } else { "api" };
            world.patch(kinds::DEPLOYMENTS, name, value!({"spec": {"replicas": replicas}}));
            world.watch(8.0, check);
        }
    }

    #[test]
    fn what_has_lost_its_owner_goes(owners in prop::collection::vec((0usize..3, 1u32..60), 1..6)) {
        let mut world = World::new(2);
        let kind_of = |kind: usize| [kinds::DEPLOYMENTS, kinds::STATEFUL_SETS, kinds::JOBS][kind];
        for (number, (kind, _)) in owners.iter().enumerate() {
            let name = format!("o{number}");
            let mut object = deployment(&name, 2, "nginx:1.27");
            match kind {
                1 => object["spec"].set("serviceName", "db"),
                2 => {
                    let mut template = template(&name);
                    template["spec"].set("restartPolicy", "Never");
                    object.set("spec", value!({"parallelism": 2, "completions": 4, "template": template}));
                }
                _ => {}
            }
            world.create(kind_of(*kind), object);
        }
        for (number, (kind, tenths)) in owners.iter().enumerate() {
            world.run(f64::from(*tenths) / 10.0);
            let options = DeleteOptions { propagation: Some(crate::store::Propagation::Background), ..DeleteOptions::default() };
            world.delete(kind_of(*kind), &format!("o{number}"), &options);
        }
        world.run(90.0);
        let uids: SortedSet<String> = Kind::all()
            .flat_map(|kind| world.cluster.api_ref().objects(kind, ""))
            .map(|object| object["metadata"]["uid"].str().to_owned())
            .collect();
        for kind in Kind::all() {
            for object in world.cluster.api_ref().objects(kind, "") {
                for owner in object["metadata"]["ownerReferences"].items() {
                    prop_assert!(uids.contains(owner["uid"].str()), "an orphan: {}", object);
                }
            }
        }
        prop_assert_eq!(world.list(kinds::PODS).len(), 0);
    }

    #[test]
    fn faults_that_end_leave_nothing_behind(
        seed in 1u64..1000, faults in prop::collection::vec((0usize..FAULTS.len(), 0u64..120), 1..6),
    ) {
        let play = || {
            let config = Config { seed, nodes: NodeConfig::minikube(3), ..Config::default() };
            let mut world = World { cluster: Cluster::new(config) };
            world.create(kinds::DEPLOYMENTS, deployment("web", 4, "nginx:1.27"));
            world.run(15.0);
            for (fault, seconds) in &faults {
                let words: Vec<&str> = FAULTS[*fault].split(' ').collect();
                // One that holds already is no more.
                let _ = world.cluster.fault_command(&words);
                world.run(*seconds as f64);
            }
            world.cluster.fault_command(&["heal", "all"]).expect("healed");
            let limit = world.cluster.now() + Duration::from_secs(900);
            let calm = |cluster: &Cluster| {
                let pods = live(cluster);
                let nodes: Vec<&Value> = cluster.api_ref().objects(kinds::NODES, "").collect();
                pods.len() == 4
                    && pods.iter().all(ready)
                    && objects(cluster, kinds::PODS).iter().all(|pod| pod["metadata"]["deletionTimestamp"].is_null())
                    && nodes.len() == 3
                    && nodes.iter().all(|node| ready(node) && node["spec"]["taints"].is_empty())
            };
            while !calm(&world.cluster) && world.cluster.now() < limit {
                world.run(5.0);
            }
            assert!(calm(&world.cluster), "{faults:?}: {:?}", live(&world.cluster));
            world.cluster.log_digest()
        };
        prop_assert_eq!(play(), play());
    }
}

/// What may fail.
const FAULTS: [&str; 16] = [
    "node minikube power-off",
    "node minikube-m02 power-off",
    "node minikube-m02 stop-kubelet",
    "node minikube-m03 fill-disk",
    "node minikube-m02 fill-memory",
    "node minikube-m03 stop-kubelet",
    "node minikube-m03 cut",
    "node minikube cut",
    "link minikube-m02 minikube-m03 cut",
    "node minikube-m02 slow 500",
    "registry stop",
    "scheduler stop",
    "controller-manager stop",
    "apiserver stop",
    "etcd stop",
    "heal all",
];
