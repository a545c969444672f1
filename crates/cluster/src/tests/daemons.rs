//! DaemonSets: rolling with and without surge, nodes that come and go, pods that are refused.

use super::*;
use crate::controllers::common::status_int;

fn daemon_set(rolling: Value) -> Value {
    value!({
        "metadata": {"name": "agent"},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {
                "metadata": {"labels": {"app": "agent"}},
                "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}
            }
        }
    })
}

fn ready(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
        && pod["status"]["conditions"].find("type", "Ready").is_some_and(|condition| condition["status"] == "True")
}

fn image(name: &str) -> Value {
    value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": name}]}}}})
}

#[test]
fn rolling_keeps_to_its_bounds() {
    // Surge, unavailability; the least pods that are ready and the most that there are, of four nodes.
    for (surge, unavailable, least, most) in [(0, 1, 3, 4), (0, 2, 2, 4), (1, 0, 4, 5), (2, 0, 4, 6)] {
        let mut world = World::new(4);
        world.create(kinds::DAEMON_SETS, daemon_set(value!({"maxSurge": surge, "maxUnavailable": unavailable})));
        world.run(6.0);
        world.patch(kinds::DAEMON_SETS, "agent", image("nginx:1.28"));
        let (mut fewest, mut highest) = (4, 0);
        world.watch(60.0, |cluster| {
            let pods: Vec<&Value> = cluster.api_ref().objects(kinds::PODS, "default").collect();
            fewest = fewest.min(pods.iter().filter(|pod| ready(pod)).count());
            let there = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
            highest = highest.max(there.count());
        });
        assert_eq!((fewest, highest), (least, most), "{surge} {unavailable}");
        let set = world.get(kinds::DAEMON_SETS, "agent");
        assert_eq!((status_int(&set, "updatedNumberScheduled"), status_int(&set, "numberAvailable")), (4, 4));
        assert_eq!(set["status"]["observedGeneration"], set["metadata"]["generation"]);
    }
}

#[test]
fn what_is_refused_for_one_node_is_not_tried_for_all() {
    let mut world = World::new(4);
    world.create(kinds::RESOURCE_QUOTAS, value!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}));
    world.run(1.0);
    world.create(kinds::DAEMON_SETS, daemon_set(value!({"maxUnavailable": 1})));
    world.run(0.2);
    let mut refused: Vec<Value> = world.list(kinds::EVENTS);
    refused.retain(|event| event["reason"] == "FailedCreate");
    // The first try and its repetitions, with one pod each.
    assert!((1..=7).contains(&refused.len()), "{}", refused.len());
    assert_eq!(world.list(kinds::PODS).len(), 0);
}

#[test]
fn pods_for_nodes_that_are_gone_go() {
    let mut world = World::new(2);
    let mut set = daemon_set(value!({"maxUnavailable": 1}));
    // Nowhere is that much: the pods wait.
    set["spec"]["template"]["spec"]["containers"][0].set("resources", value!({"requests": {"cpu": "500"}}));
    world.create(kinds::DAEMON_SETS, set);
    world.run(3.0);
    assert_eq!(world.list(kinds::PODS).len(), 2);
    world.delete(kinds::NODES, "minikube-m02", &DeleteOptions::default());
    world.run(3.0);
    assert_eq!(world.list(kinds::PODS).len(), 1);
    assert_eq!(status_int(&world.get(kinds::DAEMON_SETS, "agent"), "desiredNumberScheduled"), 1);
}

#[test]
fn orphans_are_taken_in() {
    let mut world = World::new(2);
    world.create(kinds::DAEMON_SETS, daemon_set(value!({"maxUnavailable": 1})));
    world.run(4.0);
    let pods = |world: &World| -> Vec<Value> {
        let mut uids: Vec<Value> = world.list(kinds::PODS).iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
        uids.sort_compact_by_key(|uid| uid.str().to_owned());
        uids
    };
    let before = pods(&world);
    let orphan = world.list(kinds::PODS)[0]["metadata"]["name"].str().to_owned();
    // Whoever takes a pod from its set sees it taken back.
    world.patch(kinds::PODS, &orphan, value!({"metadata": {"ownerReferences": null}}));
    world.run(3.0);
    assert_eq!(pods(&world), before);
    assert_eq!(world.get(kinds::PODS, &orphan)["metadata"]["ownerReferences"][0]["name"], "agent");
}
