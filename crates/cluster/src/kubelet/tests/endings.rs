//! Init containers and sidecars, hooks, and how pods end.

use super::*;

/// A container that waits for input that never comes, and does not listen to signals.
fn deaf(name: &str) -> Value {
    value!({"name": name, "image": "busybox:1.36", "command": ["sh", "-c", "read x"], "stdin": true})
}

fn create(world: &mut World, name: &str, spec: Value) {
    world.create(kinds::PODS, value!({"metadata": {"name": name}, "spec": spec}));
}

#[test]
fn init_containers_run_one_after_the_other() {
    let mut world = World::new();
    let init = |name: &str, script: &str| value!({"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script], "volumeMounts": [{"name": "work", "mountPath": "/work"}]});
    create(
        &mut world,
        "i",
        value!({
            "initContainers": [init("one", "echo 1 > /work/a"), init("two", "cat /work/a; echo 2 >> /work/a")],
            "containers": [{"name": "main", "image": "nginx:1.27", "command": ["cat", "/work/a"], "volumeMounts": [{"name": "work", "mountPath": "/work"}]}],
            "restartPolicy": "Never",
            "volumes": [{"name": "work", "emptyDir": {}}]
        }),
    );
    let story = world.story("i", 10.0);
    let words: Vec<&str> = story.iter().map(|line| line.split_once(' ').map_or("", |(_, rest)| rest)).collect();
    assert_eq!(
        words,
        ["0/0 Pending 0", "0/1 Init:0/2 0", "0/1 Init:1/2 0", "0/1 PodInitializing 0", "0/1 Completed 0"]
    );
    assert_eq!(world.logs("i", &[("container", "main")]), "1\n2\n");
    assert_eq!(world.logs("i", &[("container", "two")]), "1\n");
    let pod = world.get("i");
    let status = &pod["status"]["initContainerStatuses"][0];
    assert_eq!((status["ready"].is_true(), status["started"].is_true()), (true, false));
}

#[test]
fn a_failed_init_container_decides() {
    let mut world = World::new();
    let spec = |policy: &str| {
        value!({
            "initContainers": [{"name": "i", "image": "busybox:1.36", "command": ["sh", "-c", "echo no; exit 4"]}],
            "containers": [{"name": "c", "image": "nginx:1.27"}], "restartPolicy": policy
        })
    };
    create(&mut world, "never", spec("Never"));
    create(&mut world, "always", spec("Always"));
    world.run(6.0);
    assert_eq!(summary(&world.get("never")), "0/1 Init:Error 0");
    assert_eq!(world.get("never")["status"]["phase"], "Failed");
    assert_eq!(summary(&world.get("always")), "0/1 Init:CrashLoopBackOff 0");
    assert_eq!(world.get("always")["status"]["phase"], "Pending");
    let waiting = "container \"c\" in pod \"never\" is waiting to start: PodInitializing";
    assert_eq!(world.logs("never", &[("container", "c")]), waiting);
}

#[test]
fn a_sidecar_outlives_the_others() {
    let mut world = World::new();
    let mut side = deaf("side");
    side.set("restartPolicy", "Always");
    create(
        &mut world,
        "s",
        value!({
            "initContainers": [side, {"name": "setup", "image": "busybox:1.36", "command": ["true"]}],
            "containers": [{"name": "main", "image": "nginx:1.27"}], "terminationGracePeriodSeconds": 4
        }),
    );
    let seconds = world
        .until("s", |pod| pod["status"]["conditions"].find("type", "Ready").is_some_and(|c| c["status"] == "True"));
    assert!(seconds < 6.0);
    let pod = world.get("s");
    let status = &pod["status"]["initContainerStatuses"];
    assert_eq!((status[0]["ready"].is_true(), status[0]["started"].is_true()), (true, true));
    world.delete("s", &DeleteOptions::default());
    world.run(1.0);
    let pod = world.get("s");
    assert!(pod["status"]["containerStatuses"][0]["state"].get("terminated").is_none());
    // The sidecar is deaf: it is killed when the grace is over.
    let seconds = world.until("s", Value::is_null);
    assert!((2.5..5.0).contains(&seconds), "{seconds}");
    let killing: Vec<String> = world.events("s").into_iter().filter(|event| event.starts_with("Killing")).collect();
    assert_eq!(killing.len(), 2, "{killing:?}");
}

#[test]
fn a_sidecar_does_not_keep_a_pod_alive() {
    let mut world = World::new();
    let mut side = deaf("side");
    side.set("restartPolicy", "Always");
    create(
        &mut world,
        "s",
        value!({
            "initContainers": [side], "restartPolicy": "Never", "terminationGracePeriodSeconds": 3,
            "containers": [{"name": "main", "image": "busybox:1.36", "command": ["true"]}]
        }),
    );
    // `true` is a program where the image has it; here only how it ends counts.
    world.until("s", |pod| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed"));
}

#[test]
fn who_does_not_listen_is_killed_when_the_grace_is_over() {
    let mut world = World::new();
    for (name, grace, least, most) in [("short", 1, 2.0, 3.5), ("long", 10, 10.0, 11.5)] {
        create(&mut world, name, value!({"containers": [deaf("c")], "terminationGracePeriodSeconds": grace}));
        world.until(name, |pod| pod["status"]["phase"] == "Running");
        world.delete(name, &DeleteOptions::default());
        let seconds = world.until(name, Value::is_null);
        assert!((least..most).contains(&seconds), "{name} {seconds}");
    }
    // Who listens ends at once.
    world.pod("web", value!({"image": "nginx:1.27"}));
    world.until("web", |pod| pod["status"]["phase"] == "Running");
    world.delete("web", &DeleteOptions::default());
    let seconds = world.until("web", Value::is_null);
    assert!(seconds < 1.5, "{seconds}");
    assert_eq!(world.cluster.kubelets.iter().map(|kubelet| kubelet.workers.len()).sum::<usize>(), 0);
}

#[test]
fn a_second_deletion_may_leave_less_time() {
    let mut world = World::new();
    create(&mut world, "p", value!({"containers": [deaf("c")], "terminationGracePeriodSeconds": 100}));
    world.until("p", |pod| pod["status"]["phase"] == "Running");
    world.delete("p", &DeleteOptions::default());
    world.run(5.0);
    assert_eq!(summary(&world.get("p")), "1/1 Terminating 0");
    world.delete("p", &DeleteOptions { grace_period_seconds: Some(2), ..DeleteOptions::default() });
    assert!(world.until("p", Value::is_null) < 4.0);
    // Without any grace the object goes at once, and its containers soon after.
    create(&mut world, "q", value!({"containers": [deaf("c")]}));
    world.until("q", |pod| pod["status"]["phase"] == "Running");
    world.delete("q", &DeleteOptions::now());
    assert!(world.get("q").is_null());
    world.run(31.0);
    assert_eq!(world.cluster.kubelets.iter().map(|kubelet| kubelet.runtime.container_count()).sum::<usize>(), 0);
}

#[test]
fn hooks_run_at_both_ends() {
    let mut world = World::new();
    world.pod_with(
        "h",
        value!({
            "image": "nginx:1.27",
            "lifecycle": {
                "postStart": {"exec": {"command": ["sh", "-c", "echo started > /tmp/hook"]}},
                "preStop": {"sleep": {"seconds": 3}}
            }
        }),
        value!({}),
    );
    world.until("h", |pod| pod["status"]["phase"] == "Running");
    world.delete("h", &DeleteOptions::default());
    let seconds = world.until("h", Value::is_null);
    assert!((3.0..4.5).contains(&seconds), "{seconds}");
    // What fails is told, and a failed hook at the start ends the container.
    let failing = value!({"exec": {"command": ["sh", "-c", "exit 9"]}});
    world.pod_with(
        "post",
        value!({"image": "nginx:1.27", "lifecycle": {"postStart": failing.clone()}}),
        value!({"restartPolicy": "Never"}),
    );
    world.run(4.0);
    let events: Vec<String> = world.events("post").into_iter().filter(|event| !event.starts_with("Pull")).collect();
    assert_eq!(
        events,
        [
            "Created: Container created",
            "Started: Container started",
            "FailedPostStartHook: PostStartHook failed",
            "Killing: FailedPostStartHook",
        ]
    );
    assert!(matches!(world.get("post")["status"]["phase"].str(), "Succeeded" | "Failed"));
    world.pod("pre", value!({"image": "nginx:1.27", "lifecycle": {"preStop": failing}}));
    world.until("pre", |pod| pod["status"]["phase"] == "Running");
    world.delete("pre", &DeleteOptions::default());
    world.until("pre", Value::is_null);
    let events = world.events("pre");
    assert!(events.contains(&"FailedPreStopHook: PreStopHook failed".to_owned()), "{events:?}");
}

#[test]
fn a_changed_image_restarts_the_container() {
    let mut world = World::new();
    world.pod("p", value!({"image": "nginx:1.27"}));
    world.until("p", |pod| pod["status"]["phase"] == "Running");
    let mut pod = world.get("p");
    pod["spec"]["containers"][0].set("image", "nginx:1.28");
    let now = world.cluster.now();
    crate::store::client(world.cluster.api(), USER, now).update(kinds::PODS, "default", pod).expect("updated");
    world.until("p", |pod| pod["status"]["containerStatuses"][0]["restartCount"].int() == 1);
    let events = world.events("p");
    assert!(events.contains(&"Killing: Container c definition changed, will be restarted".to_owned()), "{events:?}");
    assert_eq!(world.get("p")["status"]["containerStatuses"][0]["image"], "docker.io/library/nginx:1.28");
}

#[test]
fn a_node_refuses_what_it_cannot_hold() {
    let mut world = World::new();
    world.pod_with(
        "big",
        value!({"image": "nginx:1.27", "resources": {"requests": {"cpu": "5"}}}),
        value!({"nodeName": "minikube"}),
    );
    world.run(1.0);
    let pod = world.get("big");
    assert_eq!((pod["status"]["phase"].str(), pod["status"]["reason"].str()), ("Failed", "OutOfcpu"));
    let message = "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000";
    assert_eq!(pod["status"]["message"], message);
    for absent in ["conditions", "containerStatuses", "hostIP"] {
        assert!(pod["status"].get(absent).is_none(), "{absent}");
    }
    assert_eq!(world.logs("big", &[("container", "c")]), "container \"c\" in pod \"big\" is not available");
    world.delete("big", &DeleteOptions::default());
    assert!(world.until("big", Value::is_null) < 2.0);
}

#[test]
fn pods_that_write_too_much_are_evicted() {
    let mut world = World::new();
    let sh = |script: &str| value!({"command": ["sh", "-c", (format!("{script}; sleep 3600"))]});
    let on = |mut container: Value| {
        container.set("volumeMounts", value!([{"name": "d", "mountPath": "/d"}]));
        container
    };
    let limited = |mut container: Value| {
        container.set("resources", value!({"limits": {"ephemeral-storage": "4Mi"}}));
        container
    };
    let folder = value!({"volumes": [{"name": "d", "emptyDir": {"sizeLimit": "5Mi"}}]});
    let write = "dd if=/dev/zero bs=1M count=8 2>/dev/null of=";
    for (name, container, spec, told) in [
        (
            "dir",
            on(sh(&format!("{write}/d/f"))),
            folder.clone(),
            "Usage of EmptyDir volume \"d\" exceeds the limit \"5Mi\". ",
        ),
        ("less", on(sh("echo > /d/f")), folder, ""),
        (
            "layer",
            limited(sh(&format!("{write}/f"))),
            value!({}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 4Mi. ",
        ),
        ("small", limited(sh("echo > /f")), value!({}), ""),
    ] {
        world.pod_with(name, container, spec);
        world.run(25.0);
        let (pod, events) = (world.get(name), world.events(name));
        let status = &pod["status"];
        if told.is_empty() {
            assert_eq!(status["phase"], "Running", "{name}: {events:?}");
            continue;
        }
        assert_eq!(
            (status["phase"].str(), status["reason"].str(), status["message"].str()),
            ("Failed", "Evicted", told)
        );
        assert!(events.iter().any(|event| *event == format!("Evicted: {told}")), "{events:?}");
        assert_eq!(status["conditions"].find("type", "DisruptionTarget").unwrap()["reason"], "TerminationByKubelet");
    }
}

#[test]
fn rules_of_a_container_go_before_its_pods_policy() {
    let mut world = World::new();
    let rules = value!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]);
    for (name, code, policy, phase, again) in [
        ("again", 42, "Never", "Running", true),
        ("over", 1, "Never", "Failed", false),
        ("own", 0, "Always", "Running", true),
    ] {
        let script = format!("exit {code}");
        let container = value!({
            "command": ["sh", "-c", script], "restartPolicy": policy, "restartPolicyRules": rules.clone()
        });
        world.pod_with(name, container, value!({"restartPolicy": "Never"}));
        world.run(8.0);
        let pod = world.get(name);
        let restarts = pod["status"]["containerStatuses"][0]["restartCount"].int();
        assert_eq!((pod["status"]["phase"].str(), restarts > 0), (phase, again), "{name}");
    }
    // Secrets for registries that are not there are told of, and the image is pulled.
    world.pod_with(
        "keys",
        value!({"image": "nginx:1.27"}),
        value!({"imagePullSecrets": [{"name": "one"}, {"name": "two"}]}),
    );
    world.until("keys", |pod| pod["status"]["phase"] == "Running");
    let told = "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (one, two); attempting to pull \
                the image may not succeed.";
    assert!(world.events("keys").iter().any(|event| event.starts_with(told)), "{:?}", world.events("keys"));
}

#[test]
fn pods_get_more_when_there_is_room() {
    let mut world = World::sized(1);
    let asking = |cpu: &str| value!({"requests": {"cpu": cpu}});
    for (name, cpu) in [("p", "100m"), ("other", "500m")] {
        world.pod(name, value!({"command": ["sleep", "3600"], "resources": asking(cpu)}));
        world.until(name, |pod| pod["status"]["phase"] == "Running");
    }
    let node = world.cluster.api_ref().get(kinds::NODES, "", "minikube").cloned().expect("a node");
    let capacity = node["status"]["capacity"]["cpu"].str().parse::<i64>().expect("processors") * 1000;
    let most = format!("{}m", capacity - 200);
    // What is asked for, what the pod has then, the condition's reason and message.
    let cases = [
        ("200m", "200m", "", String::new()),
        (
            "900",
            "200m",
            "Infeasible",
            format!("Node didn't have enough capacity: cpu, requested: 900000, capacity: {capacity}"),
        ),
        (
            most.as_str(),
            "200m",
            "Deferred",
            format!(
                "Node didn't have enough resource: cpu, requested: {}, used: 500, capacity: {capacity}",
                capacity - 200
            ),
        ),
        ("300m", "300m", "", String::new()),
    ];
    for (cpu, has, reason, message) in cases {
        let body = value!({"spec": {"containers": [{"name": "c", "resources": asking(cpu)}]}});
        let patch = drydock_api::Request::new(drydock_api::Method::Patch, "/api/v1/namespaces/default/pods/p/resize")
            .with_value(body)
            .header("Content-Type", "application/strategic-merge-patch+json");
        assert_eq!(world.ask(patch).0, 200);
        world.run(2.0);
        let status = world.get("p")["status"].clone();
        let pending = status["conditions"].find("type", "PodResizePending").cloned().unwrap_or_default();
        assert_eq!((pending["reason"].str(), pending["message"].str()), (reason, message.as_str()), "{cpu}");
        assert_eq!(status["containerStatuses"][0]["resources"]["requests"]["cpu"], has, "{cpu}");
    }
    let told: Vec<String> = world
        .events("p")
        .into_iter()
        .filter_map(|event| Some(event.strip_prefix("Resize")?.split(':').next()?.into()))
        .collect();
    assert_eq!(told, ["Started", "Completed", "Infeasible", "Deferred", "Started", "Completed"]);
    // What waits comes when somebody else goes.
    let body = value!({"spec": {"containers": [{"name": "c", "resources": asking(&most)}]}});
    let patch = drydock_api::Request::new(drydock_api::Method::Patch, "/api/v1/namespaces/default/pods/p/resize")
        .with_value(body)
        .header("Content-Type", "application/strategic-merge-patch+json");
    assert_eq!(world.ask(patch).0, 200);
    world.run(2.0);
    world.delete("other", &DeleteOptions::now());
    world.run(60.0);
    assert_eq!(world.get("p")["status"]["containerStatuses"][0]["resources"]["requests"]["cpu"], most.as_str());
}
