//! What pods and containers say of users, groups, rights and settings of the kernel, as their processes see it.

use super::*;

const AGNHOST: &str = "registry.k8s.io/e2e-test-images/agnhost:2.63.0";

#[test]
fn processes_see_what_their_pod_may() {
    let mut world = World::new();
    let shell = |text: &str| value!(["sh", "-c", text]);
    for (name, pod, own, command, expected) in [
        (
            "groups",
            value!({"supplementalGroups": [1234, 5678], "fsGroup": 99}),
            value!({}),
            "id -G",
            "0 10 99 1234 5678\n",
        ),
        ("user", value!({"runAsUser": 1001}), value!({}), "id", "uid=1001 gid=0(root) groups=0(root)\n"),
        ("both", value!({"runAsUser": 1001, "runAsGroup": 7}), value!({}), "id", "uid=1001 gid=7 groups=7\n"),
        ("nobody", value!({}), value!({"runAsUser": 65534}), "id -g", "65534\n"),
        (
            "none",
            value!({}),
            value!({}),
            "grep -E 'Eff|NoNew|Seccomp:' /proc/self/status",
            "CapEff:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t0\n",
        ),
        (
            "filter",
            value!({"seccompProfile": {"type": "RuntimeDefault"}}),
            value!({"allowPrivilegeEscalation": false}),
            "grep -E 'NoNew|Seccomp:' /proc/self/status",
            "NoNewPrivs:\t1\nSeccomp:\t2\n",
        ),
        (
            "caps",
            value!({}),
            value!({"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}),
            "grep Eff /proc/1/status",
            "CapEff:\t0000000000001000\n",
        ),
        ("net", value!({}), value!({}), "ip link add d type dummy || true", ""),
        (
            "admin",
            value!({}),
            value!({"privileged": true}),
            "ip link add d type dummy && ip link show d | head -1",
            "3: d: <BROADCAST,NOARP> mtu 1500 qdisc noop\n",
        ),
        (
            "safe",
            value!({"sysctls": [{"name": "kernel/shm_rmid_forced", "value": "1"}, {"name": "net.ipv4.ping_group_range", "value": "0 200"}]}),
            value!({}),
            "sysctl kernel/shm_rmid_forced net.ipv4.ping_group_range",
            "kernel.shm_rmid_forced = 1\nnet.ipv4.ping_group_range = 0\t200\n",
        ),
        (
            "write",
            value!({}),
            value!({}),
            "sysctl -w vm.swappiness=1 2>&1; sysctl -n vm.swappiness no.such 2>&1",
            "sysctl: error setting key 'vm.swappiness': Read-only file system\n60\nsysctl: error: 'no.such' is an unknown key\n",
        ),
    ] {
        let container = value!({"command": shell(command), "securityContext": own});
        world.pod_with(name, container, value!({"restartPolicy": "Never", "securityContext": pod}));
        world.until(name, |pod| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed"));
        let logs = world.logs(name, &[]);
        if name == "net" {
            assert_eq!(logs, "ip: RTNETLINK answers: Operation not permitted\n");
        } else {
            assert_eq!(logs, expected, "{name}");
        }
    }
    assert_eq!(
        world.get("groups")["status"]["containerStatuses"][0]["user"],
        value!({"linux": {"uid": 0, "gid": 0, "supplementalGroups": [0, 10, 99, 1234, 5678]}})
    );
}

#[test]
fn groups_of_the_image_count_unless_only_the_pods_do() {
    let mut world = World::new();
    for (policy, expected) in [("Merge", "1000 50000 60000\n"), ("Strict", "1000 60000\n")] {
        let name = policy.to_lowercase();
        let security = value!({"runAsUser": 1000, "supplementalGroups": [60000], "supplementalGroupsPolicy": policy});
        let container = value!({"image": AGNHOST, "command": ["id", "-G"]});
        world.pod_with(&name, container, value!({"restartPolicy": "Never", "securityContext": security}));
        world.until(&name, |pod| pod["status"]["phase"] == "Succeeded");
        assert_eq!(world.logs(&name, &[]), expected);
    }
}

#[test]
fn a_file_that_lends_its_owners_rights_does_unless_nothing_may() {
    let mut world = World::new();
    for (name, own, uid) in [
        ("nil", value!({"runAsUser": 1000}), 0),
        ("no", value!({"runAsUser": 1000, "allowPrivilegeEscalation": false}), 1000),
        ("yes", value!({"runAsUser": 1000, "allowPrivilegeEscalation": true}), 0),
    ] {
        let image = "registry.k8s.io/e2e-test-images/nonewprivs:1.4";
        world.pod_with(name, value!({"image": image, "securityContext": own}), value!({"restartPolicy": "Never"}));
        world.until(name, |pod| pod["status"]["phase"] == "Succeeded");
        assert_eq!(world.logs(name, &[]), format!("Effective uid: {uid}\n"), "{name}");
    }
}

#[test]
fn volumes_are_the_pods_group() {
    let mut world = World::new();
    world.create(kinds::SECRETS, value!({"metadata": {"name": "s"}, "stringData": {"k": "v"}}));
    let volumes = value!([
        {"name": "e", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s", "defaultMode": 0o400}},
        {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}
    ]);
    let mounts = value!([
        {"name": "e", "mountPath": "/e"}, {"name": "s", "mountPath": "/s"}, {"name": "t", "mountPath": "/t"}
    ]);
    let command = "touch /e/f; mkdir /e/d; stat -L -c '%a %u %g' /e /e/f /e/d /s/k /t/t; cat /s/k";
    for (name, security, expected) in [
        (
            "grouped",
            value!({"runAsUser": 1000, "fsGroup": 2000}),
            "2777 0 2000\n644 1000 2000\n2755 1000 2000\n440 0 2000\n640 1000 2000\nv",
        ),
        ("own", value!({"runAsUser": 1000}), "777 0 0\n644 1000 0\n755 1000 0\n400 0 0\n600 1000 0\n"),
    ] {
        let container = value!({"command": ["sh", "-c", command], "volumeMounts": mounts.clone()});
        let spec = value!({"restartPolicy": "Never", "securityContext": security, "volumes": volumes.clone()});
        world.pod_with(name, container, spec);
        world.until(name, |pod| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed"));
        assert_eq!(world.logs(name, &[]).split("cat:").next(), Some(expected), "{name}");
    }
}

#[test]
fn what_the_node_does_not_allow_or_have() {
    let mut world = World::new();
    let security = value!({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]});
    world.pod_with("unsafe", value!({}), value!({"securityContext": security}));
    world.until("unsafe", |pod| pod["status"]["phase"] == "Failed");
    let status = world.get("unsafe")["status"].clone();
    let message = "forbidden sysctl: \"kernel.msgmax\" not allowlisted";
    assert_eq!(status["reason"], "SysctlForbidden");
    assert_eq!(status["message"].str(), format!("Pod was rejected: {message}"));
    assert_eq!(world.events("unsafe"), [format!("SysctlForbidden: {message}")]);

    world.pod_with("windows", value!({}), value!({"nodeName": "minikube", "os": {"name": "windows"}}));
    world.until("windows", |pod| pod["status"]["reason"] == "PodOSNotSupported");

    world.create(kinds::RUNTIME_CLASSES, value!({"metadata": {"name": "sand"}, "handler": "box"}));
    world.pod_with("sand", value!({"command": ["true"]}), value!({"runtimeClassName": "sand"}));
    world.run(5.0);
    assert_eq!(world.get("sand")["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "ContainerCreating");
    assert_eq!(
        world.events("sand"),
        [
            "FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox \
          runtime: no runtime for \"box\" is configured"
        ]
    );
}

#[test]
fn what_containers_may_use_changes_as_they_run() {
    let mut world = World::new();
    let resources = |cpu: &str, memory: &str| {
        value!({
            "requests": {"cpu": cpu, "memory": "32Mi"}, "limits": {"cpu": cpu, "memory": memory}
        })
    };
    let policy = value!([{"resourceName": "memory", "restartPolicy": "RestartContainer"}]);
    let command = "cd /sys/fs/cgroup; while true; do cat cpu.max cpu.weight memory.max | xargs echo; sleep 1; done";
    let container = value!({
        "command": ["sh", "-c", command], "resources": resources("100m", "64Mi"), "resizePolicy": policy
    });
    world.pod("p", container);
    world.until("p", |pod| pod["status"]["phase"] == "Running");
    world.run(3.0);
    assert!(world.logs("p", &[]).ends_with("10000 100000 4 67108864\n"));
    for (cpu, memory, restarts, last) in
        [("200m", "64Mi", 0, "20000 100000 8 67108864\n"), ("200m", "128Mi", 1, "20000 100000 8 134217728\n")]
    {
        let body = value!({"spec": {"containers": [{"name": "c", "resources": resources(cpu, memory)}]}});
        let patch = Request::new(drydock_api::Method::Patch, "/api/v1/namespaces/default/pods/p/resize")
            .with_value(body)
            .header("Content-Type", "application/strategic-merge-patch+json");
        assert_eq!(world.ask(patch).0, 200);
        world.run(40.0);
        assert_eq!(world.get("p")["status"]["containerStatuses"][0]["restartCount"].int(), restarts);
        let logs = world.logs("p", &[]);
        assert!(logs.ends_with(last), "{logs}");
    }
    assert!(
        world.events("p").iter().any(|event| *event == "Killing: Container c resize requires restart"),
        "{:?}",
        world.events("p")
    );
}
