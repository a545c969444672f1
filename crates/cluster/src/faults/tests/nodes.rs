//! What becomes of nodes that start again, fall silent together, are out of service, or short of memory.

use drydock_value::value;

use super::*;

#[test]
fn memory_that_is_short_is_taken_from_those_who_have_more_than_they_asked_for() {
    let mut world = World::new(1);
    let asking = |name: &str, memory: &str| {
        let mut pod = pod(name);
        pod["spec"].set("terminationGracePeriodSeconds", 0);
        pod["spec"]["containers"][0].set("resources", value!({"requests": {"memory": memory}}));
        pod
    };
    // By age the modest one would go first.
    world.create(kinds::PODS, asking("modest", "100Mi"));
    world.create(kinds::PODS, pod("greedy"));
    world.run(20);
    world.fault("node minikube fill-memory");
    world.run(12);
    assert_eq!(world.condition("minikube", "MemoryPressure"), "True KubeletHasInsufficientMemory");
    assert_eq!(world.taints("minikube"), ["memory-pressure:NoSchedule"]);
    let status = world.get(kinds::PODS, "greedy")["status"].clone();
    assert_eq!((status["phase"].str(), status["reason"].str()), ("Failed", "Evicted"));
    assert_eq!(
        status["message"],
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 67284Ki. Container c was using \
         4Mi, request is 0, has larger consumption of memory. "
    );
    assert_eq!(world.get(kinds::PODS, "modest")["status"]["phase"], "Running");
    // One that asks for nothing is refused, even where it needs no scheduler.
    for (name, pod) in [("late", pod("late")), ("careful", asking("careful", "1Mi"))] {
        let mut pod = pod;
        pod["spec"].set("nodeName", "minikube");
        world.create(kinds::PODS, pod);
        world.run(1);
        let status = world.get(kinds::PODS, name)["status"].clone();
        let refused = status["message"] == "Pod was rejected: The node had condition: [MemoryPressure]. ";
        assert_eq!(refused, name == "late", "{status}");
    }
    world.fault("node minikube free-memory");
    world.run(330);
    assert_eq!(world.condition("minikube", "MemoryPressure"), "False KubeletHasSufficientMemory");
    let told: Vec<String> = world.events("minikube").into_iter().filter(|e| e.contains("Memory")).collect();
    // The first of them is told twice.
    assert_eq!(told, ["NodeHasSufficientMemory", "NodeHasInsufficientMemory"]);
}

#[test]
fn a_kubelet_that_starts_again_is_not_ready_at_first() {
    let mut world = World::new(2);
    world.create(kinds::DEPLOYMENTS, deployment("web", 2, "nginx:1.27"));
    world.run(20);
    for (away, before) in [(5, "True KubeletReady"), (80, "Unknown NodeStatusUnknown")] {
        world.fault("node minikube-m02 stop-kubelet");
        world.run(away);
        assert_eq!(world.condition("minikube-m02", "Ready"), before);
        world.fault("node minikube-m02 start-kubelet");
        let until = world.cluster.now() + Duration::from_millis(500);
        assert!(world.cluster.advance(until, 2_000_000).reached);
        assert_eq!(world.condition("minikube-m02", "Ready"), "False KubeletNotReady");
        assert!(world.taints("minikube-m02").contains(&"not-ready:NoSchedule".to_owned()));
        if before.starts_with("True") {
            assert!(!world.taints("minikube-m02").contains(&"not-ready:NoExecute".to_owned()));
        }
        world.run(5);
        assert_eq!(world.condition("minikube-m02", "Ready"), "True KubeletReady");
        assert_eq!(world.condition("minikube-m02", "MemoryPressure"), "False KubeletHasSufficientMemory");
        assert!(world.taints("minikube-m02").is_empty());
    }
    assert!(world.events("minikube-m02").contains(&"NodeNotReady".to_owned()));
    assert!(world.pods().iter().all(|pod| pod.ends_with("Running true")), "{:?}", world.pods());
}

#[test]
fn when_most_nodes_fall_silent_no_more_are_emptied() {
    // Nodes that fall silent, of five in one zone, and how many of them are emptied: the first is before it is known
    // that most are gone.
    for (silent, expected) in [(2, 2), (3, 1)] {
        let mut world = World::new(5);
        for number in 2..2 + silent {
            world.fault(&format!("node minikube-m0{number} stop-kubelet"));
        }
        world.run(130);
        let names: Vec<String> = (2..2 + silent).map(|number| format!("minikube-m0{number}")).collect();
        let emptied = |name: &&String| world.taints(name).contains(&"unreachable:NoExecute".to_owned());
        assert_eq!(names.iter().filter(emptied).count(), expected, "{silent}");
        assert!(names.iter().all(|name| world.taints(name).contains(&"unreachable:NoSchedule".to_owned())));
    }
}

#[test]
fn pods_of_a_node_that_is_out_of_service_go() {
    let mut world = World::new(2);
    let mut pod = pod("web");
    pod["spec"].set("nodeName", "minikube-m02");
    world.create(kinds::PODS, pod);
    world.run(15);
    world.fault("node minikube-m02 power-off");
    world.run(70);
    let now = world.cluster.now();
    let mut client = crate::store::client(world.cluster.api(), "minikube-user", now);
    let taint = value!({
        "key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"
    });
    let mut node = client.get(kinds::NODES, "", "minikube-m02").expect("a node");
    node["spec"]["taints"].push(taint);
    client.update(kinds::NODES, "", node).expect("tainted");
    world.run(5);
    assert_eq!(world.pods(), ["minikube-m02 Running false ending"]);
    world.run(20);
    assert!(world.pods().is_empty());
}
