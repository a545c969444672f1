//! What becomes of a pod over time, and what is said about it: pairs of a pod and its story.

use super::*;
use crate::kubelet::worker::Worker;

/// A pod's container `c`, more of its spec, and what is seen over some seconds: its story, its events, its log.
struct Case {
    name: &'static str,
    container: Value,
    spec: Value,
    seconds: f64,
    story: &'static [&'static str],
    events: &'static [&'static str],
}

const PULLED: &str =
    "Pulled: Container image \"busybox:1.36\" already present on machine and can be accessed by the pod";

/// Runs the cases in one cluster, one after the other; busybox is there already.
fn check(cases: Vec<Case>) {
    let mut world = World::new();
    world.pod_with("warm-0", value!({"command": ["true"]}), value!({"nodeName": "minikube", "restartPolicy": "Never"}));
    world.pod_with(
        "warm-1",
        value!({"command": ["true"]}),
        value!({"nodeName": "minikube-m02", "restartPolicy": "Never"}),
    );
    world.run(3.0);
    for case in cases {
        world.pod_with(case.name, case.container, case.spec);
        let story = world.story(case.name, case.seconds);
        // Before the kubelet has seen it, a pod has no statuses.
        let story: Vec<&str> = story.iter().map(String::as_str).filter(|line| !line.contains(" 0/0 ")).collect();
        assert_eq!(story, case.story, "{}", case.name);
        let uid = world.get(case.name)["metadata"]["uid"].str().to_owned();
        let events: Vec<String> = world.events(case.name).iter().map(|event| event.replace(&uid, "UID")).collect();
        assert_eq!(events, case.events, "{}", case.name);
    }
}

#[test]
fn a_first_pull_takes_its_time() {
    let mut world = World::new();
    world.pod("web", value!({"image": "nginx:1.27"}));
    let seconds = world.until("web", |pod| pod["status"]["phase"] == "Running");
    assert!((1.5..3.5).contains(&seconds), "{seconds}");
    let events = world.events("web");
    assert_eq!(events.len(), 4);
    assert!(events[1].starts_with("Pulled: Successfully pulled image \"nginx:1.27\" in 1."), "{}", events[1]);
    assert!(events[1].ends_with(" including waiting). Image size: 59795293 bytes."), "{}", events[1]);
    let pod = world.get("web");
    let status = &pod["status"];
    assert_eq!((status["podIP"].str(), status["qosClass"].str()), ("10.244.0.2", "BestEffort"));
    let conditions: Vec<String> = status["conditions"]
        .items()
        .iter()
        .map(|condition| format!("{}={}", condition["type"].str(), condition["status"].str()))
        .collect();
    assert_eq!(
        conditions,
        [
            "PodReadyToStartContainers=True",
            "Initialized=True",
            "Ready=True",
            "ContainersReady=True",
            "PodScheduled=True"
        ]
    );
    let container = &status["containerStatuses"][0];
    assert_eq!(container["image"], "docker.io/library/nginx:1.27");
    assert!(container["imageID"].str().starts_with("docker.io/library/nginx@sha256:"));
    assert!(container["containerID"].str().starts_with("containerd://"));
    // The next pod on the node finds the image.
    world.pod_with(
        "again",
        value!({"image": "nginx:1.27"}),
        value!({"nodeName": status["nodeName"].clone(), "nodeSelector": {"kubernetes.io/hostname": "minikube"}}),
    );
    assert!(world.until("again", |pod| pod["status"]["phase"] == "Running") < 1.5);
}

#[test]
fn pods_that_run_or_end() {
    check(vec![
        Case {
            name: "done",
            container: value!({"command": ["sh", "-c", "echo done"]}),
            spec: value!({"restartPolicy": "Never"}),
            seconds: 5.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 Completed 0"],
            events: &[PULLED, "Created: Container created", "Started: Container started"],
        },
        Case {
            name: "failed",
            container: value!({"command": ["sh", "-c", "exit 42"]}),
            spec: value!({"restartPolicy": "Never"}),
            seconds: 5.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 Error 0"],
            events: &[PULLED, "Created: Container created", "Started: Container started"],
        },
        Case {
            name: "retried",
            container: value!({"command": ["sh", "-c", "exit 1"]}),
            spec: value!({"restartPolicy": "OnFailure"}),
            seconds: 8.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 Error 0", "2 0/1 Error 1", "2 0/1 CrashLoopBackOff 1"],
            events: &[
                "Pulled: Container image \"busybox:1.36\" already present on machine and can be accessed by the pod (x2)",
                "Created: Container created (x2)",
                "Started: Container started (x2)",
                "BackOff: Back-off restarting failed container c in pod retried_default(UID)",
            ],
        },
        Case {
            name: "deadline",
            container: value!({"image": "registry.k8s.io/pause:3.10"}),
            spec: value!({"activeDeadlineSeconds": 2}),
            seconds: 6.0,
            story: &["0 0/1 ContainerCreating 0", "1 1/1 Running 0", "2 0/1 Completed 0"],
            events: &[
                "Pulled: Container image \"registry.k8s.io/pause:3.10\" already present on machine and can be accessed by the pod",
                "Created: Container created",
                "Started: Container started",
                "DeadlineExceeded: Pod was active on the node longer than the specified deadline",
                "Killing: Stopping container c",
            ],
        },
        // It has not failed while its container still has time.
        Case {
            name: "deadline-slow",
            container: value!({"command": ["sleep", "100"]}),
            spec: value!({"activeDeadlineSeconds": 2, "terminationGracePeriodSeconds": 4}),
            seconds: 9.0,
            story: &["0 0/1 ContainerCreating 0", "1 1/1 Running 0", "6 0/1 Error 0"],
            events: &[
                "Pulled: Container image \"busybox:1.36\" already present on machine and can be accessed by the pod",
                "Created: Container created",
                "Started: Container started",
                "DeadlineExceeded: Pod was active on the node longer than the specified deadline",
                "Killing: Stopping container c",
            ],
        },
    ]);
}

#[test]
fn containers_that_cannot_start() {
    check(vec![
        Case {
            name: "never",
            container: value!({"image": "other:1.0", "imagePullPolicy": "Never"}),
            spec: value!({}),
            seconds: 4.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 ErrImageNeverPull 0"],
            events: &[
                "ErrImageNeverPull: Container image \"other:1.0\" is not present with pull policy of Never (x2)",
                "Failed: Error: ErrImageNeverPull (x2)",
            ],
        },
        Case {
            name: "name",
            container: value!({"image": "UPPER:x"}),
            spec: value!({}),
            seconds: 4.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 InvalidImageName 0"],
            events: &[
                "InspectFailed: Failed to apply default image tag \"UPPER:x\": couldn't parse image name \"UPPER:x\": invalid reference format: repository name (library/UPPER) must be lowercase (x2)",
                "Failed: Error: InvalidImageName (x2)",
            ],
        },
        Case {
            name: "unknown",
            container: value!({"image": "nope:bad"}),
            spec: value!({}),
            seconds: 9.0,
            story: &["0 0/1 ContainerCreating 0", "2 0/1 ErrImagePull 0", "2 0/1 ImagePullBackOff 0"],
            events: &[
                "Pulling: Pulling image \"nope:bad\"",
                "Failed: Failed to pull image \"nope:bad\": rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/library/nope:bad\": failed to resolve reference \"docker.io/library/nope:bad\": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
                "Failed: Error: ErrImagePull",
                "BackOff: Back-off pulling image \"nope:bad\"",
                "Failed: Error: ImagePullBackOff",
            ],
        },
        Case {
            name: "command",
            container: value!({"command": ["nosuchcommand"]}),
            spec: value!({"restartPolicy": "Never"}),
            seconds: 4.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 StartError 0"],
            events: &[
                PULLED,
                "Created: Container created",
                "Failed: Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: \"nosuchcommand\": executable file not found in $PATH",
            ],
        },
        Case {
            name: "config",
            container: value!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "k"}}}]}),
            spec: value!({}),
            seconds: 4.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 CreateContainerConfigError 0"],
            events: &[
                "Pulled: Container image \"busybox:1.36\" already present on machine and can be accessed by the pod (x2)",
                "Failed: Error: configmap \"gone\" not found (x2)",
            ],
        },
        Case {
            name: "root",
            container: value!({"command": ["sh"], "securityContext": {"runAsNonRoot": true}}),
            spec: value!({}),
            seconds: 4.0,
            story: &["0 0/1 ContainerCreating 0", "1 0/1 CreateContainerConfigError 0"],
            events: &[
                "Pulled: Container image \"busybox:1.36\" already present on machine and can be accessed by the pod (x2)",
                "Failed: Error: container has runAsNonRoot and image will run as root (pod: \"root_default(UID)\", container: c) (x2)",
            ],
        },
        Case {
            name: "volume",
            container: value!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}),
            spec: value!({"volumes": [{"name": "v", "configMap": {"name": "missing-cm"}}]}),
            seconds: 4.0,
            story: &["0 0/1 ContainerCreating 0"],
            events: &[
                "FailedMount: MountVolume.SetUp failed for volume \"v\" : configmap \"missing-cm\" not found (x4)",
            ],
        },
    ]);
}

#[test]
fn crashes_back_off_and_the_wait_doubles() {
    let mut world = World::new();
    world.pod("crash", value!({"command": ["sh", "-c", "echo run; exit 1"]}));
    let mut starts = vec![0.0];
    for count in 1..8 {
        let seconds = world.until("crash", |pod| pod["status"]["containerStatuses"][0]["restartCount"].int() >= count);
        starts.push(seconds);
    }
    // At once, then 10 s and more, doubling, with up to half of it by chance, looked at once a minute at least.
    for (seconds, least) in starts.iter().skip(2).zip([10.0, 20.0, 40.0, 80.0, 160.0, 300.0]) {
        assert!((least..least * 1.5 + 32.0).contains(seconds), "{starts:?}");
    }
    assert!(starts[2] < 3.0 || starts[2] >= 10.0, "{starts:?}");
    assert_eq!(world.logs("crash", &[]), "run\n");
    assert_eq!(world.logs("crash", &[("previous", "true")]), "run\n");
    let pod = world.get("crash");
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"].int(), 1);
    assert_eq!(pod["status"]["phase"], "Running");
}

#[test]
fn a_pod_waits_for_its_volume() {
    let mut world = World::new();
    world.pod_with(
        "late",
        value!({"command": ["sh", "-c", "cat /v/k"], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}),
        value!({"restartPolicy": "Never", "volumes": [{"name": "v", "configMap": {"name": "cm"}}]}),
    );
    world.run(5.0);
    assert_eq!(world.get("late")["status"]["phase"], "Pending");
    world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "cm"}, "data": {"k": "v\n"}}));
    world.until("late", |pod| pod["status"]["phase"] == "Succeeded");
    assert_eq!(world.logs("late", &[]), "v\n");
}

#[test]
fn addresses_go_round() {
    use std::net::Ipv4Addr;
    let mut addresses = crate::kubelet::Addresses::new("10.244.1.0/29");
    let ip = |last: u8| Some(Ipv4Addr::new(10, 244, 1, last));
    assert_eq!([addresses.take(), addresses.take()], [ip(2), ip(3)]);
    addresses.free(Ipv4Addr::new(10, 244, 1, 2));
    assert_eq!([addresses.take(), addresses.take(), addresses.take()], [ip(4), ip(5), ip(6)]);
    assert_eq!([addresses.take(), addresses.take()], [ip(2), None]);
}

#[test]
#[ignore = "prints sizes and times"]
fn sizes() {
    #[allow(clippy::disallowed_methods)]
    let memory = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
    };
    for (image, hosts) in [("registry.k8s.io/pause:3.10", 20), ("nginx:1.27", 20)] {
        let mut world = World::sized(hosts);
        world.run(1.0);
        let before = memory();
        for index in 0..hosts * 100 {
            let name = format!("p{index}");
            let spec = value!({"nodeName": world.cluster.config.nodes[index as usize % hosts as usize].name.as_str()});
            world.pod_with(&name, value!({"image": image}), spec);
        }
        let created = memory();
        let mut events = 0;
        let until = world.cluster.now() + Duration::from_secs(60);
        loop {
            let progress = world.cluster.advance(until, 1000);
            events += progress.events;
            if progress.reached {
                break;
            }
        }
        let pods = (hosts * 100) as usize;
        let running =
            world.cluster.api_ref().objects(kinds::PODS, "").filter(|pod| pod["status"]["phase"] == "Running").count();
        let workers: usize = world.cluster.kubelets.iter().map(|kubelet| kubelet.workers.len()).sum();
        let machines: usize = world.cluster.kubelets.iter().map(|kubelet| kubelet.runtime.machine_count()).sum();
        println!("{image}: {running} running, {workers} workers, {machines} machines, {events} events");
        println!("  objects at creation: {} bytes a pod", (created - before) / pods);
        let ran = memory();
        println!("  all after running: {} bytes a pod", (ran - before) / pods);
        for kubelet in &mut world.cluster.kubelets {
            kubelet.workers.clear();
            kubelet.by_key.clear();
            kubelet.runtime = crate::runtime::Runtime::new(kubelet.node, 0);
        }
        world.cluster.network = crate::network::Network::default();
        println!(
            "  sizes: worker {}, container {}, slot {}",
            size_of::<Worker>(),
            size_of::<crate::runtime::Container>(),
            size_of::<crate::kubelet::worker::Slot>()
        );
        let copy = world.cluster.clone();
        drop(copy);
        println!("  after dropping kubelets: {} bytes a pod", (memory() - before) / pods);
    }
}

#[test]
fn what_a_node_is_said_to_have_besides_can_be_given_to_pods() {
    let mut world = World::new();
    let mut said = |amount: Option<&str>| {
        let mut node = world.cluster.api_ref().get(kinds::NODES, "", "minikube").cloned().unwrap();
        match amount {
            Some(amount) => node["status"]["capacity"].set("example.com/dongle", amount),
            None => drop(node["status"]["capacity"].remove("example.com/dongle")),
        }
        let now = world.cluster.now();
        crate::store::client(world.cluster.api(), USER, now).update_status(kinds::NODES, "", node).unwrap();
        world.run(11.0);
        world.cluster.api_ref().get(kinds::NODES, "", "minikube").unwrap()["status"].clone()
    };
    for amount in [Some("3"), Some("5"), None] {
        let status = said(amount);
        assert_eq!(status["capacity"]["example.com/dongle"].as_str(), amount);
        assert_eq!(status["allocatable"], status["capacity"]);
    }
}

#[test]
fn a_kubelet_tells_that_no_pods_are_to_come() {
    let mut world = World::new();
    for (cordoned, reason) in [(true, "NodeNotSchedulable"), (false, "NodeSchedulable")] {
        let now = world.cluster.now();
        let patch = value!({"spec": {"unschedulable": cordoned}});
        crate::store::client(world.cluster.api(), USER, now)
            .patch(kinds::NODES, "", "minikube", crate::store::PatchType::Merge, &patch, "")
            .unwrap();
        world.run(11.0);
        let told = format!("{reason}: Node minikube status is now: {reason}");
        assert!(world.events("minikube").contains(&told), "{:?}", world.events("minikube"));
    }
}

#[test]
fn gates_are_waited_for() {
    let mut world = World::new();
    let gates = value!([{"conditionType": "example.com/gate"}]);
    world.pod_with("g", value!({"image": "nginx:1.27"}), value!({"readinessGates": gates}));
    world.until("g", |pod| {
        pod["status"]["conditions"].find("type", "ContainersReady").is_some_and(|c| c["status"] == "True")
    });
    let pod = world.get("g");
    let ready = pod["status"]["conditions"].find("type", "Ready").unwrap();
    assert_eq!(
        (ready["status"].str(), ready["reason"].str(), ready["message"].str()),
        (
            "False",
            "ReadinessGatesNotReady",
            "corresponding condition of pod readiness gate \"example.com/gate\" does not exist."
        )
    );
}
