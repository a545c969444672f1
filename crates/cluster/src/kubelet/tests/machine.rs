//! What containers find of their machine, and what happens when they take too much of it.

use super::*;

/// A container that takes so much memory, with a limit and a request where they are not empty.
fn taking(megabytes: u32, request: &str, limit: &str) -> Value {
    let args = value!(["--vm", "1", "--vm-bytes", format!("{megabytes}M"), "--vm-hang", "0"]);
    let mut container = value!({"image": "polinux/stress", "command": ["stress"], "args": args});
    for (list, amount) in [("requests", request), ("limits", limit)] {
        if !amount.is_empty() {
            let mut resources = container["resources"].clone();
            resources.set(list, value!({"memory": amount}));
            container.set("resources", resources);
        }
    }
    container
}

fn busy(workers: u32, resources: Value) -> Value {
    let args = value!(["--cpu", workers.to_string()]);
    value!({"image": "polinux/stress", "command": ["stress"], "args": args, "resources": resources})
}

/// The lines that a shell script prints in a new container.
fn script(world: &mut World, name: &str, text: &str, mut container: Value, spec: Value) -> String {
    container.set("command", value!(["sh", "-c", text]));
    let mut spec = spec;
    spec.set("restartPolicy", "Never");
    world.pod_with(name, container, spec);
    world.until(name, |pod| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed"));
    world.logs(name, &[])
}

fn ended(world: &World, name: &str) -> (i64, String) {
    let pod = world.get(name);
    let state = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    (state["exitCode"].int(), state["reason"].str().to_owned())
}

#[test]
fn a_container_finds_its_limits_and_its_nodes_machine() {
    let mut world = World::new();
    let limits = value!({"resources": {"limits": {"memory": "64Mi", "cpu": "500m"}}});
    let text =
        "cd /sys/fs/cgroup; cat memory.max cpu.max memory.current; nproc; awk '/MemTotal/ {print $2}' /proc/meminfo";
    assert_eq!(
        script(&mut world, "limited", text, limits, value!({})),
        "67108864\n50000 100000\n1048576\n4\n8149968\n"
    );
    let text = "cat /sys/fs/cgroup/memory.max; df / | awk 'END {print $1}'; echo x > /sys/fs/cgroup/memory.max";
    let free = script(&mut world, "free", text, value!({}), value!({}));
    assert_eq!(free, "max\noverlay\nsh: can't create /sys/fs/cgroup/memory.max: Read-only file system\n");
}

#[test]
fn volumes_in_memory_are_small_and_count() {
    let mut world = World::new();
    let spec = value!({"volumes": [{"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}]});
    let mount = |limit: &str| {
        let resources = if limit.is_empty() { value!({}) } else { value!({"limits": {"memory": limit}}) };
        value!({"volumeMounts": [{"name": "v", "mountPath": "/v"}], "resources": resources})
    };
    let text = "df /v | awk 'END {print $1, $2}'; dd if=/dev/zero of=/v/x bs=1M count=20 2>&1 | head -1; wc -c < /v/x";
    let full = "dd: error writing: No space left on device";
    assert_eq!(script(&mut world, "full", text, mount(""), spec.clone()), format!("tmpfs 8192\n{full}\n8388608\n"));
    script(
        &mut world,
        "killed",
        text,
        mount("6Mi"),
        value!({"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]}),
    );
    assert_eq!(ended(&world, "killed"), (137, "OOMKilled".into()));
}

#[test]
fn a_node_short_of_memory_evicts_and_one_without_kills() {
    let mut world = World::sized(1);
    world.pod("first", taking(3000, "3000Mi", ""));
    world.pod("greedy", taking(3000, "100Mi", ""));
    world.until("greedy", |pod| pod["status"]["phase"] == "Running");
    world.pod("last", taking(1480, "", ""));
    // The one that is farthest above what it asked for goes.
    world.until("greedy", |pod| pod["status"]["reason"] == "Evicted");
    assert_eq!(world.get("last")["status"]["phase"], "Running");
    let events = world.events("greedy").join("\n");
    let told = "Evicted: The node was low on resource: memory. Threshold quantity: 100Mi, available: 67536Ki. Container c was \
                using 3001Mi, request is 100Mi, has larger consumption of memory. ";
    assert!(events.contains(told), "{events}");
    let node = world.cluster.api_ref().get(crate::store::kinds::NODES, "", "minikube").cloned().unwrap_or_default();
    let pressure = node["status"]["conditions"].find("type", "MemoryPressure").cloned().unwrap_or_default();
    assert_eq!((pressure["status"].str(), pressure["reason"].str()), ("True", "KubeletHasInsufficientMemory"));
    // What is more than there is goes at once, whoever the kubelet would have chosen later.
    world.run(330.0);
    world.pod_with("huge", taking(4000, "", ""), value!({"restartPolicy": "Never"}));
    world.until("huge", |pod| pod["status"]["phase"] == "Failed");
    assert_eq!(ended(&world, "huge"), (137, "OOMKilled".into()));
    assert!(
        world
            .events("minikube")
            .iter()
            .any(|event| event.starts_with("SystemOOM: System OOM encountered, victim process: stress"))
    );
    let alive = ["first", "last"].map(|name| world.get(name)["status"]["containerStatuses"][0]["restartCount"].int());
    assert_eq!(alive, [0, 0]);
}

#[test]
fn busy_containers_share_the_processors() {
    let mut world = World::sized(1);
    let requests = |cpu: &str| value!({"requests": {"cpu": cpu}});
    world.pod("limited", busy(2, value!({"limits": {"cpu": "500m"}})));
    world.pod("two", busy(2, value!({})));
    world.run(30.0);
    let used = |world: &World| -> Vec<u64> {
        let now = world.cluster.now();
        let pods = world.cluster.kubelets.iter().flat_map(|kubelet| kubelet.usage(now));
        let mut rows: Vec<(String, u64)> = pods
            .filter(|pod| pod.key.namespace == "default")
            .map(|pod| (pod.key.name.to_string(), pod.containers.iter().map(|(_, usage)| usage.cpu).sum()))
            .collect();
        rows.sort_compact_by(|a, b| a.0.cmp(&b.0));
        rows.into_iter().map(|(_, cpu)| cpu).collect()
    };
    let shares = |world: &mut World| -> Vec<u64> {
        let before = used(world);
        world.run(20.0);
        let after = used(world);
        // Tenths of a processor.
        after.iter().zip(&before).map(|(after, before)| (after - before + 1_000_000) / 2_000_000).collect()
    };
    // Pods by name: limited, two.
    assert_eq!(shares(&mut world), [5, 20]);
    world.pod("heavy", busy(4, requests("1500m")));
    world.pod("light", busy(4, requests("500m")));
    world.run(10.0);
    // heavy, light, limited, two: the first three have asked for 3:1:1 of 4 processors, the last for nothing.
    assert_eq!(shares(&mut world), [26, 9, 5, 0]);
}

#[test]
fn a_node_short_of_disk_evicts_who_wrote_most() {
    let mut world = World::sized(1);
    let writing = |size: &str| value!({"command": ["sh", "-c", format!("fallocate -l {size} /big; sleep 9999")]});
    world.pod("little", writing("1G"));
    world.pod("much", writing("30G"));
    world.until("much", |pod| pod["status"]["phase"] == "Running");
    world.run(30.0);
    assert_eq!(world.get("much")["status"]["phase"], "Running");
    world.pod_with(
        "last",
        value!({"command": ["sh", "-c", "fallocate -l 12G /v/big; sleep 9999"], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}),
        value!({"volumes": [{"name": "v", "emptyDir": {}}]}),
    );
    world.until("much", |pod| pod["status"]["reason"] == "Evicted");
    let events = world.events("much").join("\n");
    let told =
        "Evicted: The node was low on resource: ephemeral-storage. Threshold quantity: 6272562380, available: 148";
    let most = "Container c was using 31457280Ki, request is 0, has larger consumption of ephemeral-storage. ";
    assert!(events.contains(told) && events.contains(most), "{events}");
    world.run(30.0);
    let alive = ["little", "last"].map(|name| world.get(name)["status"]["phase"].str().to_owned());
    assert_eq!(alive, ["Running", "Running"]);
    let node = world.cluster.api_ref().get(crate::store::kinds::NODES, "", "minikube").cloned().unwrap_or_default();
    assert_eq!(
        node["status"]["conditions"].find("type", "DiskPressure").map(|c| c["status"].str().to_owned()).as_deref(),
        Some("True")
    );
}

#[test]
fn images_are_mounted_to_be_read() {
    let mut world = World::new();
    let image = "registry.k8s.io/e2e-test-images/kitten:1.8";
    let text = "cat /v/data.json; head -1 /v/etc/os-release; cat /data.json; touch /v/x";
    let container = value!({"command": ["sh", "-c", text], "volumeMounts": [
        {"name": "v", "mountPath": "/v"}, {"name": "v", "mountPath": "/data.json", "subPath": "data.json"}
    ]});
    let volume = |image: &str| value!([{"name": "v", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}]);
    world.pod_with("a", container.clone(), value!({"restartPolicy": "Never", "volumes": volume(image)}));
    world.until("a", |pod| pod["status"]["phase"] == "Failed");
    assert_eq!(
        world.logs("a", &[]),
        "{\"image\": \"kitten.jpg\"}\nNAME=\"Alpine Linux\"\n{\"image\": \"kitten.jpg\"}\ntouch: /v/x: Read-only file system\n"
    );
    let reasons = |world: &World, name: &str| -> Vec<String> {
        let events = world.events(name);
        events.iter().map(|event| event.split(':').next().unwrap_or("").to_owned()).collect()
    };
    assert_eq!(reasons(&world, "a"), ["Pulling", "Pulled", "Pulling", "Pulled", "Created", "Started"]);
    world.pod_with("b", container, value!({"restartPolicy": "Never", "volumes": volume("nope.example/none:1")}));
    let waits = |reason: &'static str| {
        move |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
    };
    world.until("b", waits("ErrImagePull"));
    world.until("b", waits("ImagePullBackOff"));
    assert_eq!(reasons(&world, "b")[..3], ["Pulling", "Failed", "BackOff"]);
}
