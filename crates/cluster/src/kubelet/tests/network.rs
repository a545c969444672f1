//! Pods among themselves: names, services, volumes.

use super::*;

/// Runs a script in a pod that ends, and answers what it printed.
fn script(world: &mut World, name: &str, container: Value, spec: Value) -> String {
    let mut spec = spec;
    spec.set("restartPolicy", "Never");
    world.pod_with(name, container, spec);
    world.until(name, |pod| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed"));
    world.logs(name, &[])
}

fn sh(text: &str) -> Value {
    value!({"image": "busybox:1.36", "command": ["sh", "-c", text]})
}

#[test]
fn redis_is_reached_by_its_services_name() {
    let mut world = World::new();
    world.pod("db", value!({"image": "redis:7", "ports": [{"containerPort": 6379}]}));
    world.create(
        kinds::SERVICES,
        value!({"metadata": {"name": "db"}, "spec": {"selector": {"app": "db"}, "ports": [{"port": 6379}]}}),
    );
    world.until("db", |pod| pod["status"]["phase"] == "Running");
    world.run(2.0);
    let client = |host: &str, words: &str| value!({"image": "redis:7", "command": ["sh", "-c", format!("redis-cli -h {host} {words}")]});
    for (name, host, words, expected) in [
        ("c1", "db", "ping", "PONG\n"),
        ("c2", "db.default", "set a b", "OK\n"),
        ("c3", "db.default.svc.cluster.local", "get a", "b\n"),
        ("c4", "nope", "ping", "Could not connect to Redis at nope:6379: Name or service not known\n"),
    ] {
        assert_eq!(script(&mut world, name, client(host, words), value!({})), expected, "{host}");
    }
    world.delete("db", &DeleteOptions::now());
    world.run(2.0);
    let refused = "Could not connect to Redis at db:6379: Connection refused\n";
    assert_eq!(script(&mut world, "c5", client("db", "ping"), value!({})), refused);
}

#[test]
fn files_come_from_objects() {
    let mut world = World::new();
    world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "cm"}, "data": {"a.conf": "A\n", "b": "B\n"}}));
    world.create(kinds::SECRETS, value!({"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}));
    let container = value!({
        "image": "busybox:1.36",
        "command": ["sh", "-c", "cat /etc/cm/b /etc/one.conf /run/token/namespace /info/labels; echo; cat /sec/password; echo; echo x 2>&1 > /etc/cm/b"],
        "volumeMounts": [
            {"name": "cm", "mountPath": "/etc/cm"}, {"name": "cm", "mountPath": "/etc/one.conf", "subPath": "a.conf"},
            {"name": "all", "mountPath": "/run/token"}, {"name": "s", "mountPath": "/sec", "readOnly": true},
            {"name": "info", "mountPath": "/info"}
        ]
    });
    let spec = value!({"volumes": [
        {"name": "cm", "configMap": {"name": "cm"}}, {"name": "s", "secret": {"secretName": "s"}},
        {"name": "all", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}}
        ]}},
        {"name": "info", "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}
    ]});
    let text = script(&mut world, "p", container, spec);
    assert!(text.starts_with("B\nA\ndefaultapp=\"p\"\nhunter2\n"), "{text}");
    assert!(text.contains("Read-only file system"), "{text}");
}

#[test]
fn the_environment_is_made_up_of_everything() {
    let mut world = World::new();
    world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "cm"}, "data": {"COLOR": "blue"}}));
    world.create(
        kinds::SERVICES,
        value!({"metadata": {"name": "my-db"}, "spec": {"clusterIP": "10.96.7.7", "ports": [{"port": 6379, "name": "redis"}]}}),
    );
    world.run(1.0);
    let container = value!({
        "image": "busybox:1.36",
        "command": ["sh", "-c", "echo $HOSTNAME $COLOR $FULL $IP $NODE $CPU $MY_DB_SERVICE_HOST:$MY_DB_SERVICE_PORT_REDIS $KUBERNETES_PORT_443_TCP_PORT $(WHO)"],
        "resources": {"limits": {"cpu": "500m"}},
        "envFrom": [{"configMapRef": {"name": "cm"}}],
        "env": [
            {"name": "WHO", "value": "me"}, {"name": "FULL", "value": "$(WHO)-$(COLOR)-$(NOPE)"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}
        ]
    });
    let text = script(&mut world, "p", container, value!({"nodeName": "minikube"}));
    assert_eq!(text, "p blue me-blue-$(NOPE) 10.244.0.2 minikube 500 10.96.7.7:6379 443 me\n");
}

#[test]
fn volumes_are_shared_and_last_as_long_as_they_should() {
    let mut world = World::new();
    let mount = value!([{"name": "v", "mountPath": "/v", "subPath": "sub"}]);
    let with = |container: Value| {
        let mut container = container;
        container.set("volumeMounts", mount.clone());
        container
    };
    let host = value!({"nodeName": "minikube", "volumes": [{"name": "v", "hostPath": {"path": "/data", "type": "DirectoryOrCreate"}}]});
    assert_eq!(script(&mut world, "w", with(sh("echo kept > /v/f; cat /v/f")), host.clone()), "kept\n");
    // The node's files outlive the pod.
    assert_eq!(script(&mut world, "r", with(sh("cat /v/f")), host), "kept\n");
    let empty = value!({"volumes": [{"name": "v", "emptyDir": {}}]});
    let text = script(&mut world, "e", with(sh("cat /v/f")), empty);
    assert_eq!(text, "cat: can't open '/v/f': No such file or directory\n");
    // One volume at two places of a container.
    let twice = value!({"image": "busybox:1.36", "command": ["sh", "-c", "echo x > /a/f; cat /b/f"],
        "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]});
    assert_eq!(script(&mut world, "t", twice, value!({"volumes": [{"name": "v", "emptyDir": {}}]})), "x\n");
}

#[test]
fn images_insist_on_what_they_need() {
    let mut world = World::new();
    let text = script(&mut world, "pg", value!({"image": "postgres:16"}), value!({}));
    assert!(text.starts_with("Error: Database is uninitialized and superuser password is not specified.\n"), "{text}");
    assert_eq!(world.get("pg")["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].int(), 1);
    let env = value!([{"name": "POSTGRES_PASSWORD", "value": "x"}]);
    world.pod("pg2", value!({"image": "postgres:16", "env": env}));
    world.until("pg2", |pod| pod["status"]["phase"] == "Running");
    assert!(world.logs("pg2", &[]).contains("database system is ready to accept connections"));
    let text = script(&mut world, "hello", value!({"image": "hello-world"}), value!({}));
    assert!(text.contains("Hello from Docker!"));
    let pi = value!({"image": "perl:5.34.0", "command": ["perl", "-Mbignum=bpi", "-wle", "print bpi(20)"]});
    assert_eq!(script(&mut world, "pi", pi, value!({})), "3.1415926535897932385\n");
    let stress = value!({"image": "polinux/stress", "command": ["stress"], "args": ["--vm", "1", "--vm-bytes", "250M", "--vm-hang", "1"],
        "resources": {"limits": {"memory": "100Mi"}}});
    script(&mut world, "oom", stress, value!({}));
    // All of a container's processes are killed at once, whichever of them took the memory.
    for (name, command) in [
        ("oom", ""),
        ("oom-tail", "tail /dev/zero; sleep 60"),
        ("oom-pipe", "head -c 90000000 /dev/zero | tail"),
        ("oom-dd", "dd if=/dev/zero of=/dev/null bs=21M"),
    ] {
        if !command.is_empty() {
            let resources = value!({"limits": {"memory": "20Mi"}});
            let command = value!({"image": "busybox:1.36", "command": ["sh", "-c", command], "resources": resources});
            script(&mut world, name, command, value!({}));
        }
        let pod = world.get(name);
        let ended = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
        assert_eq!((ended["exitCode"].int(), ended["reason"].str()), (137, "OOMKilled"), "{name}");
    }
}

#[test]
fn equal_clusters_stay_equal() {
    let run = || {
        let mut world = World::new();
        world.pod("a", sh("exit 1"));
        world.pod("b", value!({"image": "nginx", "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 1}}));
        world.run(20.0);
        world
    };
    let (mut one, two) = (run(), run());
    assert_eq!(one.cluster.log_digest(), two.cluster.log_digest());
    // A clone goes on as the original does.
    let mut copy = World { cluster: one.cluster.clone() };
    one.run(30.0);
    copy.run(30.0);
    assert_eq!(one.cluster.log_digest(), copy.cluster.log_digest());
}

#[test]
fn the_api_server_is_reached_from_a_pod_with_its_token() {
    let mut world = World::new();
    let ask = |path: &str| {
        let token = "$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)";
        let script = format!("curl -sk -H \"Authorization: Bearer {token}\" https://kubernetes.default.svc{path}");
        value!({"image": "nginx:1.27", "command": ["sh", "-c", script]})
    };
    let text = script(&mut world, "v", ask("/version"), value!({}));
    assert!(text.contains("\"gitVersion\": \"v1.36"), "{text}");
    let text = script(&mut world, "p", ask("/api/v1/namespaces/default/pods"), value!({}));
    let refused = "pods is forbidden: User \"system:serviceaccount:default:default\" cannot list resource \"pods\"";
    assert!(text.starts_with(refused), "{text}");
}

#[test]
fn the_nodes_files_must_be_what_pods_say() {
    let mut world = World::new();
    let mount = value!([{"name": "v", "mountPath": "/v"}]);
    for (path, kind, told) in [
        ("/no/such", "Directory", "hostPath type check failed: /no/such is not a directory"),
        ("/etc", "File", "hostPath type check failed: /etc is not a file"),
        ("/etc/passwd", "DirectoryOrCreate", "hostPath type check failed: /etc/passwd is not a directory"),
        ("/run/x.sock", "Socket", "hostPath type check failed: /run/x.sock is not a socket file"),
        ("/dev/sda", "BlockDevice", "hostPath type check failed: /dev/sda is not a block device"),
        ("/etc", "CharDevice", "hostPath type check failed: /etc is not a character device"),
        ("/data/none/f", "FileOrCreate", "open /data/none/f: no such file or directory"),
        ("/data/new", "FileOrCreate", ""),
        ("/etc/hostname", "File", ""),
        ("/dev/null", "CharDevice", ""),
        ("/no/such", "", ""),
    ] {
        let name = format!("p{}{}", kind.to_lowercase(), path.replace(['/', '.'], "-"));
        let volumes = value!([{"name": "v", "hostPath": {"path": path, "type": kind}}]);
        let container = value!({"command": ["sleep", "60"], "volumeMounts": mount.clone()});
        world.pod_with(&name, container, value!({"nodeName": "minikube", "volumes": volumes}));
        world.run(4.0);
        let events = world.events(&name);
        if told.is_empty() {
            assert_eq!(world.get(&name)["status"]["phase"], "Running", "{name}: {events:?}");
        } else {
            let told = format!("FailedMount: MountVolume.SetUp failed for volume \"v\" : {told}");
            assert!(events.iter().any(|event| event.starts_with(&told)), "{events:?}");
        }
    }
    // What no container mounts is not looked at.
    let spec = value!({"volumes": [{"name": "v", "secret": {"secretName": "gone"}}]});
    world.pod_with("unused", value!({"command": ["sleep", "60"]}), spec);
    world.until("unused", |pod| pod["status"]["phase"] == "Running");
    // A claim that is not there is told of at once, and looked for again after ten seconds or more.
    let claim = value!([{"name": "v", "persistentVolumeClaim": {"claimName": "gone"}}]);
    let container = value!({"command": ["sleep", "60"], "volumeMounts": mount});
    world.pod_with("claim", container, value!({"nodeName": "minikube", "volumes": claim}));
    world.run(5.0);
    assert_eq!(
        world.events("claim"),
        ["FailedMount: Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to \
          process volumes=[v]: error processing PVC default/gone: failed to fetch PVC from API server: \
          persistentvolumeclaims \"gone\" not found"]
    );
}

#[test]
fn machines_are_called_what_their_pods_say() {
    let mut world = World::new();
    let whole = "b.sub.default.svc.cluster.local";
    for (pod, spec, expected) in [
        ("a", value!({"subdomain": "sub"}), "a a.sub.default.svc.cluster.local"),
        ("b", value!({"subdomain": "sub", "setHostnameAsFQDN": true}), &format!("{whole} {whole}")),
        ("c", value!({"setHostnameAsFQDN": true}), "c c"),
        ("d", value!({"hostname": "e", "subdomain": "sub", "hostnameOverride": "f.example"}), "f.example f.example"),
    ] {
        let asks = value!({"image": "busybox", "command": ["sh", "-c", "echo $(hostname) $(hostname -f)"]});
        assert_eq!(script(&mut world, pod, asks, spec), format!("{expected}\n"));
    }
    let long = "x".repeat(40);
    let spec = value!({"subdomain": "sub", "setHostnameAsFQDN": true});
    world.pod_with(&long, value!({"image": "busybox"}), spec);
    world.run(3.0);
    assert_eq!(
        world.events(&long).last().unwrap(),
        &format!(
            "FailedCreatePodSandBox: Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster \
             domain, FQDN {long}.sub.default.svc.cluster.local is too long (64 characters is the max, 70 characters requested)"
        )
    );
}

#[test]
fn the_name_servers_records_are_shown() {
    let mut world = World::new();
    let ports = value!([{"name": "http", "port": 80}]);
    let service = |name: &str, spec: Value| value!({"metadata": {"name": name}, "spec": spec});
    let spec = value!({"clusterIP": "10.96.7.7", "selector": {"app": "peer"}, "ports": ports.clone()});
    world.create(kinds::SERVICES, service("web", spec));
    world.create(
        kinds::SERVICES,
        service("sub", value!({"clusterIP": "None", "selector": {"app": "peer"}, "ports": ports})),
    );
    let away = value!({"type": "ExternalName", "externalName": "foo.example.com"});
    world.create(kinds::SERVICES, service("away", away));
    world.pod_with("peer", value!({"image": "nginx"}), value!({"hostname": "one", "subdomain": "sub"}));
    world.until("peer", |pod| pod["status"]["containerStatuses"][0]["ready"].is_true());
    world.run(2.0);
    let ip = world.get("peer")["status"]["podIP"].str().to_owned();
    let text = [
        "dig +short web.default.svc.cluster.local",
        "dig +short +search web",
        "dig +short web",
        "dig +noall +answer +search away A",
        "dig +short _http._tcp.sub.default.svc.cluster.local SRV",
        "dig +short _http._tcp.web.default.svc.cluster.local SRV",
        "dig +short -x 10.96.7.7",
        &format!("dig +short -x {ip}"),
        "dig no.such | grep -c NXDOMAIN",
        "nslookup 10.96.7.7 | tail -2",
    ]
    .join("\n");
    let asks = value!({"image": "registry.k8s.io/e2e-test-images/agnhost:2.63.0", "command": ["sh", "-c", text]});
    let dashed = ip.replace('.', "-");
    assert_eq!(
        script(&mut world, "asks", asks, value!({})),
        format!(
            "10.96.7.7\n10.96.7.7\naway.default.svc.cluster.local.\t30\tIN\tCNAME\tfoo.example.com.\n\
         0 100 80 one.sub.default.svc.cluster.local.\n0 100 80 web.default.svc.cluster.local.\n\
         web.default.svc.cluster.local.\none.sub.default.svc.cluster.local.\n{dashed}.web.default.svc.cluster.local.\n1\n\
         7.7.96.10.in-addr.arpa\tname = web.default.svc.cluster.local\n\n"
        )
    );
}

#[test]
fn one_host_port_leads_elsewhere_at_each_address() {
    let mut world = World::new();
    for (name, address) in [("one", "127.0.0.1"), ("two", "192.168.49.2")] {
        let ports = value!([{"containerPort": 8080, "hostPort": 5432, "hostIP": address}]);
        let container =
            value!({"image": "registry.k8s.io/e2e-test-images/agnhost:2.63.0", "args": ["netexec"], "ports": ports});
        world.pod_with(name, container, value!({"nodeName": "minikube"}));
        world.until(name, |pod| pod["status"]["phase"] == "Running");
    }
    world.run(2.0);
    let ask = "for ip in 127.0.0.1 192.168.49.2; do wget -qO- http://$ip:5432/hostname; echo; done";
    let spec = value!({"hostNetwork": true, "nodeName": "minikube"});
    let text = script(&mut world, "asks", value!({"command": ["sh", "-c", ask]}), spec);
    assert_eq!(text, "one\ntwo\n");
}
