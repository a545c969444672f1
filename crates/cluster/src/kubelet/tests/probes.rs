//! Probes: their timing, their words, what follows.

use super::*;

fn ready(pod: &Value) -> bool {
    pod["status"]["containerStatuses"][0]["ready"].is_true()
}

/// Does something in the pod's container.
fn exec(world: &mut World, pod: &str, script: &str) {
    let mut request = Request::new(drydock_api::Method::Post, format!("/api/v1/namespaces/default/pods/{pod}/exec"));
    for word in ["sh", "-c", script] {
        request = request.param("command", word);
    }
    request.auth = drydock_api::Auth::Certificate { certificate: USER.into() };
    let stream = world.cluster.open(request).expect("runs");
    assert_eq!(listen(world, stream, 5.0).end, Some(None));
}

#[test]
fn readiness_comes_and_goes() {
    let mut world = World::new();
    let probe = value!({"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1});
    world.pod("r", value!({"image": "nginx:1.27", "readinessProbe": probe}));
    world.until("r", |pod| pod["status"]["phase"] == "Running");
    world.run(5.0);
    assert!(!ready(&world.get("r")));
    let events = world.events("r");
    let unhealthy = "Unhealthy: Readiness probe failed: cat: /tmp/ready: No such file or directory\n";
    assert!(events.last().is_some_and(|event| event.starts_with(unhealthy) && event.contains(" (x")), "{events:?}");
    exec(&mut world, "r", "echo > /tmp/ready");
    assert!(world.until("r", ready) < 1.5);
    exec(&mut world, "r", "mv /tmp/ready /tmp/gone 2>/dev/null || : > /dev/null; exit 0");
    let pod = world.get("r");
    let condition = pod["status"]["conditions"].find("type", "Ready").unwrap();
    assert_eq!(condition["status"], "True");
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"].int(), 0);
}

#[test]
fn liveness_restarts_after_its_threshold() {
    let mut world = World::new();
    let probe = value!({
        "httpGet": {"path": "/healthz", "port": "http"}, "initialDelaySeconds": 3, "periodSeconds": 2, "failureThreshold": 2
    });
    world.pod(
        "l",
        value!({"image": "nginx:1.27", "ports": [{"name": "http", "containerPort": 80}], "livenessProbe": probe}),
    );
    world.until("l", |pod| pod["status"]["phase"] == "Running");
    let seconds = world.until("l", |pod| pod["status"]["containerStatuses"][0]["restartCount"].int() == 1);
    // The first probe after three seconds, the second two later.
    assert!((4.0..9.0).contains(&seconds), "{seconds}");
    let events: Vec<String> = world.events("l").into_iter().filter(|event| !event.starts_with("Pull")).collect();
    assert_eq!(
        events,
        [
            "Created: Container created (x2)",
            "Started: Container started (x2)",
            "Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 404 (x2)",
            "Killing: Container c failed liveness probe, will be restarted",
        ]
    );
    let pod = world.get("l");
    let last = &pod["status"]["containerStatuses"][0]["lastState"]["terminated"];
    // nginx ends well when it is asked to.
    assert_eq!((last["exitCode"].int(), last["reason"].str()), (0, "Completed"));
}

#[test]
fn nothing_else_is_probed_before_the_start() {
    let mut world = World::new();
    world.pod(
        "s",
        value!({
            "image": "nginx:1.27",
            "startupProbe": {"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 30},
            "livenessProbe": {"exec": {"command": ["sh", "-c", "exit 1"]}, "periodSeconds": 1, "failureThreshold": 100},
            "readinessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1}
        }),
    );
    world.until("s", |pod| pod["status"]["phase"] == "Running");
    world.run(5.0);
    let pod = world.get("s");
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!((status["started"].is_true(), status["ready"].is_true()), (false, false));
    let failed = |world: &World, what: &str| world.events("s").iter().any(|event| event.contains(what));
    assert!(failed(&world, "Startup probe failed") && !failed(&world, "Liveness probe failed"));
    exec(&mut world, "s", "echo > /tmp/up");
    assert!(world.until("s", ready) < 2.5);
    world.run(3.0);
    assert!(failed(&world, "Liveness probe failed: "));
    assert!(world.get("s")["status"]["containerStatuses"][0]["started"].is_true());
}

#[test]
fn a_failed_startup_probe_ends_the_container() {
    let mut world = World::new();
    world.pod_with(
        "s",
        value!({"image": "nginx:1.27", "startupProbe": {"exec": {"command": ["sh", "-c", "exit 1"]}, "periodSeconds": 1, "failureThreshold": 2}}),
        value!({"restartPolicy": "Never"}),
    );
    world.until("s", |pod| pod["status"]["phase"] == "Succeeded");
    let events = world.events("s");
    assert!(events.contains(&"Unhealthy: Startup probe failed:  (x2)".to_owned()), "{events:?}");
    assert!(events.contains(&"Killing: Stopping container c".to_owned()), "{events:?}");
}

#[test]
fn what_does_not_answer_is_told_in_gos_words() {
    let mut world = World::new();
    for (name, image, probe, words) in [
        (
            "a",
            "nginx:1.27",
            value!({"httpGet": {"port": 81}}),
            "Readiness probe failed: Get \"http://IP:81/\": dial tcp IP:81: connect: connection refused",
        ),
        (
            "b",
            "nginx:1.27",
            value!({"tcpSocket": {"port": 6379}}),
            "Readiness probe failed: dial tcp IP:6379: connect: connection refused",
        ),
        (
            "c",
            "redis:7",
            value!({"httpGet": {"port": 6379, "path": "x"}}),
            "Readiness probe failed: Get \"http://IP:6379/x\": net/http: HTTP/1.x transport connection broken: malformed HTTP response \"$-1\"",
        ),
        (
            "d",
            "postgres:16",
            value!({"httpGet": {"port": 5432}}),
            "Readiness probe failed: Get \"http://IP:5432/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
        ),
        (
            "e",
            "nginx:1.27",
            value!({"exec": {"command": ["sh", "-c", "while :; do :; done"]}}),
            "Readiness probe failed: command timed out: \"sh -c while :; do :; done\" timed out after 1s",
        ),
        (
            "f",
            "nginx:1.27",
            value!({"exec": {"command": ["nope"]}}),
            "Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: failed to start exec",
        ),
    ] {
        world.pod(
            name,
            value!({"image": image, "readinessProbe": probe, "env": [{"name": "POSTGRES_PASSWORD", "value": "x"}]}),
        );
        world.until(name, |pod| pod["status"]["phase"] == "Running");
        world.run(3.0);
        let ip = world.get(name)["status"]["podIP"].str().to_owned();
        let events = world.events(name);
        let told = events.iter().find_map(|event| event.strip_prefix("Unhealthy: ")).unwrap_or("nothing");
        assert!(told.replace(&ip, "IP").starts_with(words), "{told}");
        assert!(!ready(&world.get(name)), "{name}");
    }
}

#[test]
fn what_cannot_be_asked_is_told() {
    let mut world = World::new();
    for (name, probe, told) in [
        (
            "named",
            value!({"httpGet": {"path": "/", "port": "web"}}),
            "Liveness probe errored and resulted in unknown state: strconv.Atoi: parsing \"web\": invalid syntax",
        ),
        (
            "host",
            value!({"tcpSocket": {"host": "db.example", "port": 5}, "failureThreshold": 99}),
            "Liveness probe failed: dial tcp: lookup db.example on 192.168.49.1:53: no such host",
        ),
        (
            "rpc",
            value!({"grpc": {"port": 9}, "failureThreshold": 99}),
            "Liveness probe failed: timeout: failed to connect service \"10.244.0.3:9\" within 1s: context deadline \
             exceeded",
        ),
    ] {
        let mut probe = probe;
        probe.set("periodSeconds", 2);
        let container = value!({"command": ["sleep", "60"], "livenessProbe": probe});
        world.pod_with(name, container, value!({"nodeName": "minikube"}));
        world.until(name, |pod| pod["status"]["phase"] == "Running");
        world.run(5.0);
        let events = world.events(name);
        let told = told.replace("10.244.0.3", world.get(name)["status"]["podIP"].str());
        assert!(events.iter().any(|event| event.starts_with(&format!("Unhealthy: {told}"))), "{events:?}");
        assert_eq!(world.get(name)["status"]["containerStatuses"][0]["restartCount"].int(), 0);
    }
}
