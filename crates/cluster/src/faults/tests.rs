//! What follows from faults, on nodes that run containers.

mod nodes;

use std::time::Duration;

use drydock_api::{Request, Transport};
use drydock_sorted::Sort;
use drydock_value::Value;

use crate::store::kinds;
use crate::tests::{deployment, pod};
use crate::{Cluster, Config, Key, NodeConfig};

struct World {
    cluster: Cluster,
}

impl World {
    fn new(nodes: u32) -> World {
        World { cluster: Cluster::new(Config { nodes: NodeConfig::minikube(nodes), ..Config::default() }) }
    }

    fn run(&mut self, seconds: u64) {
        let until = self.cluster.now() + Duration::from_secs(seconds);
        assert!(self.cluster.advance(until, 2_000_000).reached, "too many events");
    }

    fn create(&mut self, kind: crate::store::Kind, object: Value) {
        let now = self.cluster.now();
        crate::store::client(self.cluster.api(), "minikube-user", now)
            .create(kind, "default", object)
            .expect("created");
    }

    fn fault(&mut self, words: &str) {
        let split: Vec<&str> = words.split(' ').collect();
        assert_eq!(self.cluster.fault_command(&split), Ok(String::new()), "{words}");
    }

    fn get(&self, kind: crate::store::Kind, name: &str) -> Value {
        let namespace = if kind.namespaced() { "default" } else { "" };
        self.cluster.api_ref().get(kind, namespace, name).cloned().unwrap_or_default()
    }

    /// A condition of a node: status and reason.
    fn condition(&self, node: &str, kind: &str) -> String {
        let node = self.get(kinds::NODES, node);
        let condition = node["status"]["conditions"].find("type", kind).cloned().unwrap_or_default();
        format!("{} {}", condition["status"].str(), condition["reason"].str())
    }

    fn taints(&self, node: &str) -> Vec<String> {
        let node = self.get(kinds::NODES, node);
        let taints = node["spec"]["taints"].items().iter();
        taints.map(|t| format!("{}:{}", t["key"].str().replace("node.kubernetes.io/", ""), t["effect"].str())).collect()
    }

    /// The reasons of the events about an object, oldest first, each once.
    fn events(&self, name: &str) -> Vec<String> {
        let mut events: Vec<&Value> =
            self.cluster.api_ref().objects(kinds::EVENTS, "").filter(|e| e["involvedObject"]["name"] == name).collect();
        events.sort_compact_by_key(|event| event["metadata"]["creationTimestamp"].str().to_owned());
        events.iter().map(|event| event["reason"].str().to_owned()).collect()
    }

    fn pods(&self) -> Vec<String> {
        let pods = self.cluster.api_ref().objects(kinds::PODS, "default");
        pods.map(|pod| {
            let ready = pod["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True");
            let ending = if pod["metadata"]["deletionTimestamp"].is_null() { "" } else { " ending" };
            format!("{} {} {}{ending}", pod["spec"]["nodeName"].str(), pod["status"]["phase"].str(), ready)
        })
        .collect()
    }

    fn asked(&mut self) -> String {
        let response = Transport::send(&mut self.cluster, Request::get("/version"));
        response.into_result().err().map_or_else(|| "answered".to_owned(), |status| status.message)
    }
}

#[test]
fn a_crashed_container_is_started_again() {
    let mut world = World::new(1);
    world.create(kinds::PODS, pod("web"));
    world.run(20);
    world.fault("pod web crash");
    world.run(5);
    let status = world.get(kinds::PODS, "web")["status"]["containerStatuses"][0].clone();
    assert_eq!(status["restartCount"].int(), 1, "{status}");
    assert_eq!(status["lastState"]["terminated"]["exitCode"].int(), 137, "{status}");
    let missing = world.cluster.fault_command(&["pod", "absent", "crash"]);
    assert_eq!(missing, Err("pod \"default/absent\" not found".to_owned()));
}

#[test]
fn a_stopped_kubelet_is_noticed_after_its_grace_and_its_pods_leave_after_five_minutes() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 4, "nginx:1.27"));
    world.run(20);
    let before = world.pods();
    assert!(before.iter().all(|pod| pod.ends_with("Running true")), "{before:?}");
    world.fault("node minikube-m02 stop-kubelet");
    world.run(35);
    assert_eq!(world.condition("minikube-m02", "Ready"), "True KubeletReady");
    world.run(30);
    assert_eq!(world.condition("minikube-m02", "Ready"), "Unknown NodeStatusUnknown");
    assert_eq!(world.taints("minikube-m02"), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
    assert!(world.pods().iter().any(|pod| pod == "minikube-m02 Running false"), "{:?}", world.pods());
    world.run(300);
    let pods = world.pods();
    assert!(pods.iter().any(|pod| pod == "minikube-m02 Running false ending"), "{pods:?}");
    assert_eq!(pods.iter().filter(|pod| *pod == "minikube Running true").count(), 4, "{pods:?}");
    world.fault("node minikube-m02 start-kubelet");
    world.run(60);
    assert_eq!(world.condition("minikube-m02", "Ready"), "True KubeletReady");
    assert!(world.taints("minikube-m02").is_empty());
    assert_eq!(world.pods(), ["minikube Running true"; 4]);
}

#[test]
fn a_machine_that_comes_back_soon_keeps_its_pods_with_new_sandboxes() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 4, "nginx:1.27"));
    world.run(20);
    world.fault("node minikube-m02 power-off");
    world.run(100);
    assert_eq!(world.condition("minikube-m02", "Ready"), "Unknown NodeStatusUnknown");
    world.fault("node minikube-m02 power-on");
    world.run(60);
    assert_eq!(world.condition("minikube-m02", "Ready"), "True KubeletReady");
    assert!(world.events("minikube-m02").contains(&"Rebooted".to_owned()));
    let pods = world.pods();
    assert!(pods.iter().all(|pod| pod.ends_with("Running true")) && pods.len() == 4, "{pods:?}");
    let restarted =
        world.cluster.api_ref().objects(kinds::PODS, "default").find(|p| p["spec"]["nodeName"] == "minikube-m02");
    let status = restarted.expect("a pod there")["status"]["containerStatuses"][0].clone();
    assert_eq!(
        (status["restartCount"].int(), status["lastState"]["terminated"]["exitCode"].int()),
        (1, 255),
        "{status}"
    );
}

#[test]
fn init_containers_run_again_in_a_new_sandbox() {
    let mut world = World::new(1);
    let mut object = pod("web");
    let init = drydock_value::value!([{"name": "first", "image": "busybox", "command": ["sh", "-c", "sleep 5"]}]);
    object["spec"].set("initContainers", init);
    world.create(kinds::PODS, object);
    world.run(40);
    let restarts = |world: &World| {
        let status = world.get(kinds::PODS, "web")["status"].clone();
        let of = |list: &str| status[list][0]["restartCount"].int();
        (of("initContainerStatuses"), of("containerStatuses"), status["initContainerStatuses"][0]["ready"].is_true())
    };
    assert_eq!((world.pods(), restarts(&world)), (vec!["minikube Running true".to_owned()], (0, 0, true)));
    world.fault("node minikube power-off");
    world.run(30);
    world.fault("node minikube power-on");
    world.run(60);
    assert_eq!((world.pods(), restarts(&world)), (vec!["minikube Running true".to_owned()], (1, 1, true)));
}

#[test]
fn a_node_that_is_cut_off_runs_on_and_tells_afterwards() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 4, "nginx:1.27"));
    world.run(20);
    world.fault("node minikube-m02 cut");
    world.run(120);
    assert_eq!(world.condition("minikube-m02", "Ready"), "Unknown NodeStatusUnknown");
    world.fault("node minikube-m02 join");
    world.run(30);
    assert_eq!(world.condition("minikube-m02", "Ready"), "True KubeletReady");
    let pods = world.pods();
    assert!(pods.iter().all(|pod| pod.ends_with("Running true")) && pods.len() == 4, "{pods:?}");
    let restarts: i64 = world
        .cluster
        .api_ref()
        .objects(kinds::PODS, "default")
        .map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].int())
        .sum();
    assert_eq!(restarts, 0);
}

#[test]
fn what_a_kubelet_tells_while_it_is_cut_off_arrives_late_with_its_moments() {
    // How long it is cut off, and what is told of a container's restart: what failed for two minutes is lost.
    let cases = [
        (100, ["Created 2", "Pulled 1 late", "Started 2"].as_slice()),
        (125, &["Created 2", "Started 2"]),
        (245, &["Started 2"]),
    ];
    for (seconds, expected) in cases {
        let mut world = World::new(2);
        let mut web = pod("web");
        web["spec"].set("nodeName", "minikube-m02");
        world.create(kinds::PODS, web);
        world.run(20);
        world.fault("node minikube-m02 cut");
        let cut = world.cluster.now();
        world.fault("pod web crash");
        world.run(seconds);
        world.fault("node minikube-m02 join");
        world.run(30);
        let soon = (cut + Duration::from_secs(30)).rfc3339();
        let mut told: Vec<String> = world
            .cluster
            .api_ref()
            .objects(kinds::EVENTS, "default")
            .filter(|event| event["involvedObject"]["name"] == "web" && event["source"]["component"] == "kubelet")
            .filter(|event| event["lastTimestamp"].str() >= cut.rfc3339().as_str())
            .filter(|event| event["lastTimestamp"].str() < soon.as_str())
            .map(|event| {
                let created = event["metadata"]["creationTimestamp"].str();
                let late = if created > soon.as_str() { " late" } else { "" };
                format!("{} {}{late}", event["reason"].str(), event["count"].int())
            })
            .collect();
        told.sort_compact();
        assert_eq!(told, expected, "{seconds}");
    }
}

#[test]
fn a_full_disk_drives_pods_away_until_there_is_room() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 4, "nginx:1.27"));
    world.run(20);
    world.fault("node minikube-m02 fill-disk");
    world.run(60);
    assert_eq!(world.condition("minikube-m02", "DiskPressure"), "True KubeletHasDiskPressure");
    assert_eq!(world.taints("minikube-m02"), ["disk-pressure:NoSchedule"]);
    let pods = world.pods();
    assert!(pods.iter().any(|pod| pod == "minikube-m02 Failed false"), "{pods:?}");
    assert_eq!(pods.iter().filter(|pod| *pod == "minikube Running true").count(), 4, "{pods:?}");
    let evicted =
        world.cluster.api_ref().objects(kinds::PODS, "default").find(|pod| pod["status"]["reason"] == "Evicted");
    let status = evicted.expect("an evicted pod")["status"].clone();
    assert!(status["message"].str().starts_with("The node was low on resource: ephemeral-storage."), "{status}");
    assert_eq!(
        status["conditions"].find("type", "DisruptionTarget").map(|c| c["reason"].str()),
        Some("TerminationByKubelet")
    );
    world.fault("node minikube-m02 free-disk");
    world.run(200);
    assert_eq!(world.condition("minikube-m02", "DiskPressure"), "True KubeletHasDiskPressure");
    world.run(150);
    assert_eq!(world.condition("minikube-m02", "DiskPressure"), "False KubeletHasNoDiskPressure");
    assert!(world.taints("minikube-m02").is_empty());
}

#[test]
fn without_the_registry_pulls_back_off_until_it_is_there_again() {
    let mut world = World::new(1);
    world.fault("registry stop");
    world.create(kinds::PODS, pod("web"));
    world.run(20);
    let waiting = world.get(kinds::PODS, "web")["status"]["containerStatuses"][0]["state"]["waiting"].clone();
    assert!(matches!(waiting["reason"].str(), "ErrImagePull" | "ImagePullBackOff"), "{waiting}");
    world.fault("registry start");
    world.run(60);
    assert_eq!(world.pods(), ["minikube Running true"]);
}

#[test]
fn parts_of_the_control_plane_that_stop_leave_their_work_undone() {
    let mut world = World::new(1);
    world.fault("scheduler stop");
    world.create(kinds::DEPLOYMENTS, deployment("web", 1, "nginx:1.27"));
    world.run(20);
    assert_eq!(world.pods(), [" Pending false"]);
    world.fault("controller-manager stop");
    world.fault("scheduler start");
    world.create(kinds::DEPLOYMENTS, deployment("db", 1, "nginx:1.27"));
    world.run(20);
    assert_eq!(world.pods(), ["minikube Running true"], "only what existed is scheduled");
    world.fault("heal all");
    world.run(20);
    assert_eq!(world.pods(), ["minikube Running true"; 2]);
}

#[test]
fn the_control_plane_shows_in_its_own_pods() {
    let config = Config { nodes: NodeConfig::minikube(1), system: crate::System::Minikube, ..Config::default() };
    let mut world = World { cluster: Cluster::new(config) };
    world.run(30);
    let of = |world: &World, name: &str| {
        let pod = world.cluster.api_ref().get(kinds::PODS, "kube-system", name).cloned().unwrap_or_default();
        let restarts = pod["status"]["containerStatuses"][0]["restartCount"].int();
        format!("{} {restarts}", pod["status"]["phase"].str())
    };
    assert_eq!(of(&world, "kube-scheduler-minikube"), "Running 0");
    world.fault("scheduler stop");
    world.run(40);
    assert_eq!(of(&world, "kube-scheduler-minikube"), " 0");
    world.create(kinds::PODS, pod("web"));
    world.run(10);
    assert_eq!(world.pods(), [" Pending false"]);
    world.fault("scheduler start");
    world.run(20);
    assert_eq!(of(&world, "kube-scheduler-minikube"), "Running 0");
    assert_eq!(world.pods(), ["minikube Running true"]);
    world.fault("pod kube-apiserver-minikube -n kube-system crash");
    assert!(world.asked().ends_with("connection refused"));
    world.run(30);
    assert_eq!(world.asked(), "answered");
    assert_eq!(of(&world, "kube-apiserver-minikube"), "Running 1");
    world.fault("node minikube power-off");
    world.run(30);
    world.fault("node minikube power-on");
    world.run(90);
    assert_eq!(of(&world, "etcd-minikube"), "Running 1");
    assert_eq!(world.pods(), ["minikube Running true"]);
    let everybody = world.cluster.api_ref().objects(kinds::PODS, "kube-system");
    let unready: Vec<&str> = everybody
        .filter(|pod| pod["status"]["conditions"].find("type", "Ready").is_none_or(|c| c["status"] != "True"))
        .map(|pod| pod["metadata"]["name"].str())
        .collect();
    assert!(unready.is_empty(), "{unready:?}");
}

#[test]
fn a_part_works_while_its_container_runs() {
    let config = Config { nodes: NodeConfig::minikube(1), system: crate::System::Minikube, ..Config::default() };
    let mut world = World { cluster: Cluster::new(config) };
    world.run(60);
    // The second crash in a row makes the kubelet wait for ten seconds, and nobody schedules meanwhile.
    world.fault("pod kube-scheduler-minikube -n kube-system crash");
    world.run(4);
    world.fault("pod kube-scheduler-minikube -n kube-system crash");
    world.create(kinds::PODS, pod("web"));
    world.run(6);
    assert_eq!(world.pods(), [" Pending false"]);
    world.run(20);
    assert_eq!(world.pods(), ["minikube Running true"]);
    // Without a kubelet nobody starts it again.
    world.fault("node minikube stop-kubelet");
    world.fault("pod kube-apiserver-minikube -n kube-system crash");
    world.run(60);
    assert!(world.asked().ends_with("connection refused"), "{}", world.asked());
    world.fault("node minikube start-kubelet");
    world.run(30);
    assert_eq!(world.asked(), "answered");
}

#[test]
fn who_asks_is_told_why_nobody_answers() {
    for (words, told, healed) in [
        ("apiserver stop", "dial tcp 192.168.49.2:8443: connect: connection refused", "apiserver start"),
        ("node minikube power-off", "dial tcp 192.168.49.2:8443: connect: no route to host", "node minikube power-on"),
        ("node minikube cut", "dial tcp 192.168.49.2:8443: i/o timeout", "node minikube join"),
    ] {
        let mut world = World::new(2);
        world.create(kinds::PODS, pod("web"));
        world.run(20);
        world.fault(words);
        world.run(100);
        assert_eq!(world.asked(), told);
        world.fault(healed);
        world.run(60);
        assert_eq!(world.asked(), "answered", "{healed}");
        assert!(world.pods()[0].ends_with("Running true"), "{words}: {:?}", world.pods());
    }
    let mut world = World::new(1);
    world.fault("etcd stop");
    assert!(world.asked().starts_with("rpc error: code = Unavailable"), "{}", world.asked());
    world.run(100);
    assert!(world.asked().ends_with("connection refused"));
    world.fault("etcd start");
    world.run(20);
    assert_eq!(world.asked(), "answered");
}

#[test]
fn lost_storage_comes_back_from_a_snapshot() {
    let mut world = World::new(1);
    world.create(kinds::DEPLOYMENTS, deployment("web", 2, "nginx:1.27"));
    world.run(20);
    let file = world.cluster.save_snapshot().expect("saved");
    world.create(kinds::PODS, pod("later"));
    world.run(20);
    world.fault("etcd lose");
    world.run(100);
    assert!(world.asked().ends_with("connection refused"));
    assert!(world.cluster.save_snapshot().is_err());
    let info = world.cluster.restore_snapshot(&file).expect("restored");
    assert!(info.keys > 50, "{info:?}");
    world.run(60);
    assert_eq!(world.pods(), ["minikube Running true"; 2]);
    assert!(world.get(kinds::PODS, "later").is_null());
    // Without a snapshot there is nothing left but what every cluster begins with.
    world.fault("etcd lose");
    world.fault("etcd start");
    world.run(60);
    assert!(world.pods().is_empty());
    assert_eq!(world.condition("minikube", "Ready"), "True KubeletReady");
    assert!(world.cluster.restore_snapshot("nonsense").is_err());
}

#[test]
fn faults_are_listed_and_healed_by_number() {
    let mut world = World::new(1);
    let pod = Key::new("default", "web");
    world.fault("registry stop");
    world.run(65);
    world.fault("node minikube slow 200");
    let list = world.cluster.fault_command(&["list"]).expect("a list");
    assert_eq!(list, "NR  SINCE  FAULT\n1   65s    registry stop\n2   0s     node minikube slow 200\n");
    assert!(world.cluster.fault_command(&["registry", "stop"]).is_err());
    world.fault("heal 1");
    world.fault("node minikube fast");
    assert_eq!(world.cluster.fault_command(&["list"]), Ok("Nothing fails.\n".to_owned()));
    assert!(world.cluster.fault(super::Fault::Crash(pod, None)).is_err());
}
