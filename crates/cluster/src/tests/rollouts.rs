//! Deployments and ReplicaSets, and the scheduler under them.

use drydock_value::value;
use proptest::prelude::*;

use super::*;
use crate::controllers::common::{spec_replicas, status_int};

fn conditions(object: &Value) -> Vec<String> {
    object["status"]["conditions"]
        .items()
        .iter()
        .map(|c| format!("{}={} {}: {}", c["type"].str(), c["status"].str(), c["reason"].str(), c["message"].str()))
        .collect()
}

#[test]
fn a_deployment_comes_up() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 3, "nginx:1.27"));
    world.run(4.0);
    let web = world.get(kinds::DEPLOYMENTS, "web");
    let sets = world.list(kinds::REPLICA_SETS);
    let name = sets[0]["metadata"]["name"].str().to_owned();
    assert_eq!(status_int(&web, "availableReplicas"), 3);
    assert_eq!(status_int(&web, "terminatingReplicas"), 0);
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(
        conditions(&web),
        [
            "Available=True MinimumReplicasAvailable: Deployment has minimum availability.".to_owned(),
            format!("Progressing=True NewReplicaSetAvailable: ReplicaSet \"{name}\" has successfully progressed."),
        ]
    );
    assert_eq!(world.events("web"), [format!("Normal ScalingReplicaSet: Scaled up replica set {name} from 0 to 3")]);
    let events = world.events(&name);
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event.starts_with("Normal SuccessfulCreate: Created pod: ")));
    let nodes: drydock_sorted::SortedSet<String> =
        world.list(kinds::PODS).iter().map(|pod| pod["spec"]["nodeName"].str().to_owned()).collect();
    assert_eq!(nodes.len(), 2, "spread over both nodes");
}

#[test]
fn a_rollout_replaces_pods_and_remembers() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 3, "nginx:1.27"));
    world.run(4.0);
    let old = world.list(kinds::REPLICA_SETS)[0]["metadata"]["name"].str().to_owned();
    world.patch(
        kinds::DEPLOYMENTS,
        "web",
        value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.28"}]}}}}),
    );
    world.run(8.0);
    let web = world.get(kinds::DEPLOYMENTS, "web");
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    assert_eq!(status_int(&web, "updatedReplicas"), 3);
    let sets = world.list(kinds::REPLICA_SETS);
    assert_eq!(sets.len(), 2);
    let new = sets.iter().map(|set| set["metadata"]["name"].str()).find(|name| *name != old).unwrap();
    let events: Vec<String> = world.events("web")[1..].to_vec();
    let words = |text: &str| format!("Normal ScalingReplicaSet: {}", text.replace("NEW", new).replace("OLD", &old));
    assert_eq!(
        events,
        [
            words("Scaled up replica set NEW from 0 to 1"),
            words("Scaled down replica set OLD from 3 to 2"),
            words("Scaled up replica set NEW from 1 to 2"),
            words("Scaled down replica set OLD from 2 to 1"),
            words("Scaled up replica set NEW from 2 to 3"),
            words("Scaled down replica set OLD from 1 to 0"),
        ]
    );
    // Back: the old set becomes revision 3 and knows that it was 1.
    world.patch(
        kinds::DEPLOYMENTS,
        "web",
        value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}}}}),
    );
    world.run(8.0);
    let set = world.get(kinds::REPLICA_SETS, &old);
    let annotations = &set["metadata"]["annotations"];
    assert_eq!(annotations["deployment.kubernetes.io/revision"], "3");
    assert_eq!(annotations["deployment.kubernetes.io/revision-history"], "1");
}

#[test]
fn recreate_never_mixes_versions() {
    let mut world = World::new(2);
    let mut web = deployment("web", 3, "nginx:1.27");
    web["spec"].set("strategy", value!({"type": "Recreate"}));
    world.create(kinds::DEPLOYMENTS, web);
    world.run(4.0);
    world.patch(
        kinds::DEPLOYMENTS,
        "web",
        value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.28"}]}}}}),
    );
    world.watch(8.0, |cluster| {
        let images: drydock_sorted::SortedSet<&str> = cluster
            .api_ref()
            .objects(kinds::PODS, "default")
            .map(|pod| pod["spec"]["containers"][0]["image"].str())
            .collect();
        assert!(images.len() <= 1, "{images:?}");
    });
    assert_eq!(status_int(&world.get(kinds::DEPLOYMENTS, "web"), "updatedReplicas"), 3);
    assert_eq!(status_int(&world.get(kinds::DEPLOYMENTS, "web"), "availableReplicas"), 3);
}

#[test]
fn a_rollout_that_gets_stuck_says_so() {
    let mut world = World::new(2);
    let mut web = deployment("web", 2, "nginx:1.27");
    web["spec"].set("progressDeadlineSeconds", 5);
    world.create(kinds::DEPLOYMENTS, web);
    world.run(4.0);
    world.patch(
        kinds::DEPLOYMENTS,
        "web",
        value!({"spec": {"template": {
            "metadata": {"annotations": {"hollow/ready": "false"}},
            "spec": {"containers": [{"name": "c", "image": "nginx:1.28"}]}
        }}}),
    );
    world.run(12.0);
    let web = world.get(kinds::DEPLOYMENTS, "web");
    let progressing = web["status"]["conditions"].find("type", "Progressing").unwrap();
    assert_eq!(progressing["reason"], "ProgressDeadlineExceeded");
    assert!(progressing["message"].str().ends_with("has timed out progressing."));
    assert_eq!(status_int(&web, "availableReplicas"), 2);
}

#[test]
fn paused_it_scales_but_does_not_roll() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 2, "nginx:1.27"));
    world.run(4.0);
    world.patch(kinds::DEPLOYMENTS, "web", value!({"spec": {"paused": true}}));
    world.run(1.0);
    world.patch(
        kinds::DEPLOYMENTS,
        "web",
        value!({"spec": {"replicas": 4, "template": {"spec": {"containers": [{"name": "c", "image": "nginx:1.28"}]}}}}),
    );
    world.run(4.0);
    let web = world.get(kinds::DEPLOYMENTS, "web");
    assert_eq!(status_int(&web, "replicas"), 4);
    assert_eq!(status_int(&web, "updatedReplicas"), 0);
    assert!(conditions(&web).contains(&"Progressing=Unknown DeploymentPaused: Deployment is paused".to_owned()));
    world.patch(kinds::DEPLOYMENTS, "web", value!({"spec": {"paused": false}}));
    world.run(8.0);
    assert_eq!(status_int(&world.get(kinds::DEPLOYMENTS, "web"), "updatedReplicas"), 4);
}

#[test]
fn old_revisions_are_forgotten() {
    let mut world = World::new(2);
    let mut web = deployment("web", 1, "nginx:0");
    web["spec"].set("revisionHistoryLimit", 2);
    world.create(kinds::DEPLOYMENTS, web);
    for version in 1..5 {
        world.run(5.0);
        let image = format!("nginx:{version}");
        world.patch(
            kinds::DEPLOYMENTS,
            "web",
            value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}),
        );
    }
    world.run(5.0);
    assert_eq!(world.list(kinds::REPLICA_SETS).len(), 3);
    // The next number follows the highest, however high that is.
    let set = world.list(kinds::REPLICA_SETS).last().unwrap()["metadata"]["name"].str().to_owned();
    let revision = |number: &str| value!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": number}}});
    world.patch(kinds::REPLICA_SETS, &set, revision("4000000000000000000"));
    let image = value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "nginx:9"}]}}}});
    world.patch(kinds::DEPLOYMENTS, "web", image);
    world.run(5.0);
    let web = world.get(kinds::DEPLOYMENTS, "web");
    assert_eq!(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "4000000000000000001");
}

#[test]
fn a_replica_set_adopts_and_releases() {
    let mut world = World::new(2);
    let mut orphan = pod("orphan");
    orphan["metadata"].set("labels", value!({"app": "web"}));
    world.create(kinds::PODS, orphan);
    world.run(2.0);
    let mut set = deployment("web", 2, "nginx:1.27");
    set["metadata"].set("name", "web");
    world.create(kinds::REPLICA_SETS, set);
    world.run(3.0);
    assert_eq!(world.list(kinds::PODS).len(), 2);
    assert_eq!(world.get(kinds::PODS, "orphan")["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    world.patch(kinds::PODS, "orphan", value!({"metadata": {"labels": {"app": "debug"}}}));
    world.run(3.0);
    assert_eq!(world.list(kinds::PODS).len(), 3);
    assert!(world.get(kinds::PODS, "orphan")["metadata"]["ownerReferences"].is_null());
}

#[test]
fn a_pod_that_fits_nowhere_says_why_and_waits() {
    let mut world = World::new(2);
    let mut picky = pod("picky");
    picky["spec"].set("nodeSelector", value!({"gpu": "yes"}));
    world.create(kinds::PODS, picky);
    world.run(1.0);
    let message = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to \
                   deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    assert_eq!(world.events("picky"), [format!("Warning FailedScheduling: {message}")]);
    let condition = world.get(kinds::PODS, "picky")["status"]["conditions"][0].clone();
    assert_eq!((condition["reason"].str(), condition["message"].str()), ("Unschedulable", message));
    let uid = world.get(kinds::PODS, "picky")["metadata"]["uid"].str().to_owned();
    assert_eq!(world.cluster.scheduler().attempt(&uid).unwrap().nodes.len(), 2);
    world.patch(kinds::NODES, "minikube-m02", value!({"metadata": {"labels": {"gpu": "yes"}}}));
    world.run(4.0);
    assert_eq!(world.get(kinds::PODS, "picky")["status"]["phase"], "Running");
    assert_eq!(
        world.events("picky").last().unwrap(),
        "Normal Scheduled: Successfully assigned default/picky to minikube-m02"
    );
}

#[test]
fn a_pod_of_higher_priority_takes_the_place_of_others() {
    let mut world = World::new(1);
    for (name, value) in [("low", 10), ("mid", 100), ("high", 1000)] {
        world.create(kinds::PRIORITY_CLASSES, value!({"metadata": {"name": name}, "value": value}));
    }
    let sized = |name: &str, class: &str| {
        let mut pod = pod(name);
        pod["spec"].set("priorityClassName", class);
        pod["spec"]["containers"][0].set("resources", value!({"requests": {"cpu": "3"}}));
        pod
    };
    world.create(kinds::PODS, sized("small", "low"));
    world.run(3.0);
    world.create(kinds::PODS, sized("same", "low"));
    world.run(1.0);
    assert!(
        world.events("same")[0].ends_with(
            "1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption \
             victims found for incoming pod."
        ),
        "{:?}",
        world.events("same")
    );
    // A node that was promised to one is taken back for another that is more important.
    let promised = |world: &World, name: &str| world.get(kinds::PODS, name)["status"]["nominatedNodeName"].clone();
    world.create(kinds::PODS, sized("mid", "mid"));
    world.run(0.2);
    assert_eq!(promised(&world, "mid"), "minikube");
    world.create(kinds::PODS, sized("vip", "high"));
    world.run(0.2);
    assert_eq!((promised(&world, "mid"), promised(&world, "vip")), (Value::Null, "minikube".into()));
    world.run(6.0);
    assert_eq!(world.get(kinds::PODS, "vip")["status"]["phase"], "Running", "{:?}", world.events("vip"));
    assert!(world.get(kinds::PODS, "small").is_null());
    let uid = world.get(kinds::PODS, "mid")["metadata"]["uid"].str().to_owned();
    let event = format!("Normal Preempted: Preempted by pod {uid} on node minikube");
    assert!(world.events("small").contains(&event), "{:?}", world.events("small"));
    assert!(world.get(kinds::PODS, "vip")["status"]["nominatedNodeName"].is_null());
}

/// Rolls a Deployment out and back, each version for some seconds: it never has more pods than surge allows, nor fewer
/// available than it promised, at any step.
fn bounds_hold(replicas: i64, surge: &Value, unavailable: &Value, changes: &[(f64, i64)], seed: u64) {
    let scaled = |value: &Value, up| drydock_schema::intstr::scaled(value, replicas, up).unwrap();
    let (most_surge, mut most_missing) = (scaled(surge, true), scaled(unavailable, false));
    if most_surge == 0 && most_missing == 0 {
        most_missing = 1;
    }
    let mut world = World::seeded(2, seed);
    let mut web = deployment("web", replicas, "nginx:0");
    web["spec"].set(
        "strategy",
        value!({
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}
        }),
    );
    world.create(kinds::DEPLOYMENTS, web);
    world.run(6.0);
    for &(seconds, version) in changes {
        let image = format!("nginx:{version}");
        world.patch(
            kinds::DEPLOYMENTS,
            "web",
            value!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}),
        );
        world.watch(seconds, |cluster| {
            let api = cluster.api_ref();
            let total: i64 = api.objects(kinds::REPLICA_SETS, "default").map(spec_replicas).sum();
            assert!(total <= replicas + most_surge, "{total} of {replicas} + {most_surge}");
            let ready = api.objects(kinds::PODS, "default").filter(|pod| {
                pod["metadata"]["deletionTimestamp"].is_null()
                    && pod["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True")
            });
            let ready = i64::try_from(ready.count()).unwrap();
            assert!(ready >= replicas - most_missing, "{ready} of {replicas} - {most_missing}");
        });
    }
    world.run(40.0);
    let web = world.get(kinds::DEPLOYMENTS, "web");
    for count in ["updatedReplicas", "availableReplicas", "replicas"] {
        assert_eq!(status_int(&web, count), replicas, "{count}");
    }
}

#[test]
fn bounds_hold_when_a_rollout_turns_around() {
    // The set that grows again had been made smaller a moment before, and still counts what has to go.
    bounds_hold(5, &"1%".into(), &0.into(), &[(2.78132871024719, 1), (1.0933791783447637, 0), (0.1, 1)], 110);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bounds_hold_at_every_step(
        replicas in 1i64..8,
        surge in prop_oneof![(0i64..4).prop_map(Value::from), (0i64..=100).prop_map(|p| Value::from(format!("{p}%")))],
        unavailable in prop_oneof![(0i64..4).prop_map(Value::from), (0i64..=100).prop_map(|p| Value::from(format!("{p}%")))],
        changes in prop::collection::vec((0.1f64..3.0, 0i64..3), 1..4),
        seed in 0u64..1000,
    ) {
        let none = |value: &Value| *value == Value::from(0) || value == "0%";
        prop_assume!(!none(&surge) || !none(&unavailable));
        bounds_hold(replicas, &surge, &unavailable, &changes, seed);
    }
}
