//! The image that Kubernetes' own tests are made of.

use super::*;
use drydock_api::Method;

const IMAGE: &str = "registry.k8s.io/e2e-test-images/agnhost:2.59";

#[test]
fn commands_that_print_and_end() {
    let mut world = World::new();
    world.create(kinds::CONFIG_MAPS, value!({"metadata": {"name": "cm"}, "data": {"a": "A\n"}}));
    let volumes = value!([
        {"name": "cm", "configMap": {"name": "cm", "defaultMode": 0o400}}, {"name": "e", "emptyDir": {"medium": "Memory"}}
    ]);
    for (name, words, code, expected) in [
        ("a", "entrypoint-tester x y", 0, "[/agnhost entrypoint-tester x y]\n"),
        ("b", "dns-suffix", 0, "default.svc.cluster.local,svc.cluster.local,cluster.local\n"),
        (
            "c",
            "mounttest --file_content=/cm/a --file_mode=/cm/a",
            0,
            "mode of file \"/cm/a\": -r--------\ncontent of file \"/cm/a\": A\n\n",
        ),
        (
            "d",
            "mounttest --fs_type=/e --file_perm=/e",
            0,
            "mount type of \"/e\": tmpfs\nperms of file \"/e\": -rwxrwxrwx\n",
        ),
        (
            "e",
            "mounttest --new_file_0660=/e/f --file_perm=/e/f --file_owner=/e/f",
            0,
            "content of file \"/e/f\": mount-tester new file\n\nperms of file \"/e/f\": -rw-rw----\nowner UID of \"/e/f\": 0\n\
             owner GID of \"/e/f\": 0\n",
        ),
        (
            "f",
            "mounttest --file_content=/no",
            1,
            "error reading file content for \"/no\": open /no: no such file or directory\n",
        ),
        (
            "g",
            "mounttest --file_content_in_loop=/no --retry_time=3",
            1,
            "Error reading file /no: open /no: no such file or directory, retrying\n\
             Error reading file /no: open /no: no such file or directory, retrying\n",
        ),
        ("h", "connect --timeout=1s localhost:4", 1, "REFUSED\n"),
        ("i", "connect 1.2.3.4", 1, "UNKNOWN: address 1.2.3.4: missing port in address\n"),
        ("j", "nope", 1, "Error: unknown command \"nope\" for \"app\"\nRun 'app --help' for usage.\n"),
    ] {
        let container = value!({
            "image": IMAGE, "args": words.split(' ').collect::<Vec<_>>(),
            "volumeMounts": [{"name": "cm", "mountPath": "/cm"}, {"name": "e", "mountPath": "/e"}]
        });
        world.pod_with(name, container, value!({"restartPolicy": "Never", "volumes": volumes.clone()}));
        world.until(name, |pod| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed"));
        let ended = world.get(name)["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"].int();
        assert_eq!((world.logs(name, &[]).as_str(), ended), (expected, code), "{words}");
    }
}

#[test]
fn servers_are_asked() {
    let mut world = World::new();
    let env = value!([
        {"name": "SERVE_PORT_1080", "value": "bar"},
        {"name": "SERVE_PORT_81", "value": "<a href=\"/x\"></a><a href=\"//else/y\"></a>"}
    ]);
    for command in ["netexec", "porter", "nettest", "test-webserver"] {
        let name = command.to_owned();
        world.pod(&name, value!({"image": IMAGE, "args": [command], "env": env.clone()}));
        world.until(&name, |pod| pod["status"]["phase"] == "Running");
    }
    world.run(1.0);
    let address = |world: &World, name: &str| world.get(name)["status"]["podIP"].str().to_owned();
    for (path, code, expected) in [
        ("netexec:8080/proxy/echo?msg=hi&code=202", 202, "hi"),
        ("netexec:8080/proxy/hostname", 200, "netexec"),
        ("netexec:8080/proxy/echo?msg=a+%26", 200, "a %26"),
        ("netexec:8080/proxy/dial?host=x", 400, "request parameter not specified. <nil>\n"),
        ("porter:1080/proxy/any", 200, "bar"),
        ("porter:1080/proxy", 301, ""),
        (
            "porter:81/proxy/",
            200,
            "<a href=\"/api/v1/namespaces/default/pods/porter:81/proxy/x\"></a><a href=\"//else/y\"></a>",
        ),
        ("nettest:8080/proxy/status", 200, "pass"),
        ("test-webserver:80/proxy/etc/hostname", 200, "test-webserver\n"),
    ] {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = Request::get(format!("/api/v1/namespaces/default/pods/{path}"));
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            request = request.param(name, value.replace('+', " "));
        }
        let answer = world.ask(request);
        assert_eq!((answer.0, answer.1.as_str()), (code, expected), "{path}");
    }
    let (netexec, porter) = (address(&world, "netexec"), address(&world, "porter"));
    for (name, asked, expected) in [
        ("shell", "shell?cmd=echo%20out;exit%203".to_owned(), "{\"error\":\"exit status 3\",\"output\":\"out\\n\"}"),
        ("dial", format!("dial?host={porter}&port=1080&request=x&tries=2"), "{\"responses\":[\"bar\",\"bar\"]}"),
    ] {
        let command = format!("wget -qO- 'http://{netexec}:8080/{asked}'");
        world.pod_with(name, value!({"command": ["sh", "-c", command]}), value!({"restartPolicy": "Never"}));
        world.until(name, |pod| pod["status"]["phase"] == "Succeeded");
        assert_eq!(world.logs(name, &[]), expected, "{name}");
    }
    let hook = value!({"postStart": {"httpGet": {"host": netexec, "path": "/echo?msg=poststart", "port": 8080}}});
    world.pod("hook", value!({"image": IMAGE, "lifecycle": hook}));
    world.until("hook", |pod| pod["status"]["phase"] == "Running");
    world.run(1.0);
    let told = world.logs("netexec", &[]);
    assert!(told.contains("GET /echo?msg=poststart"), "{told}");
}

#[test]
fn anybody_leaves_a_message_of_the_end() {
    let mut world = World::new();
    let container = value!({
        "command": ["sh", "-c", "printf DONE > /dev/own-log"], "terminationMessagePath": "/dev/own-log",
        "securityContext": {"runAsUser": 1000}
    });
    world.pod_with("p", container, value!({"restartPolicy": "Never"}));
    world.until("p", |pod| pod["status"]["phase"] == "Succeeded");
    let state = world.get("p")["status"]["containerStatuses"][0]["state"]["terminated"].clone();
    assert_eq!(state["message"], "DONE");
}

#[test]
fn porter_tells_how_it_was_asked() {
    let mut world = World::new();
    let env = value!([{"name": "SERVE_PORT_80", "value": "foo"}]);
    world.pod("porter", value!({"image": IMAGE, "args": ["porter", "--json-response"], "env": env}));
    world.until("porter", |pod| pod["status"]["phase"] == "Running");
    world.run(1.0);
    for (path, method, code, expected) in [
        ("proxy/some/path", Method::Get, 200, "{\"Method\":\"GET\",\"Body\":\"foo\"}"),
        ("proxy/some/path", Method::Patch, 200, "{\"Method\":\"PATCH\",\"Body\":\"foo\"}"),
        ("proxy", Method::Delete, 200, "{\"Method\":\"DELETE\",\"Body\":\"foo\"}"),
        ("proxy", Method::Head, 301, ""),
    ] {
        let request = Request::get(format!("/api/v1/namespaces/default/pods/porter/{path}"));
        let answer = world.ask(Request { method, ..request });
        let alike = match drydock_value::parse_json(expected) {
            Ok(wanted) => drydock_value::parse_json(&answer.1).is_ok_and(|found| found == wanted),
            Err(_) => answer.1 == expected,
        };
        assert!(answer.0 == code && alike, "{method:?} {path}: {answer:?}");
    }
}

#[test]
fn a_part_of_a_volume_stays_in_it() {
    let mut world = World::new();
    for (name, value, expected) in [
        ("outside", "..", "unable to provision SubPath `..`: must not contain '..'"),
        ("absolute", "/tmp", "error SubPath `/tmp` must not be an absolute path"),
        ("plain", "a", ""),
    ] {
        let container = value!({
            "image": IMAGE, "env": [{"name": "WHERE", "value": value}],
            "volumeMounts": [{"name": "v", "mountPath": "/v", "subPathExpr": "$(WHERE)"}]
        });
        world.pod_with(name, container, value!({"volumes": [{"name": "v", "emptyDir": {}}]}));
        world.run(10.0);
        let state = world.get(name)["status"]["containerStatuses"][0]["state"].clone();
        assert_eq!(state["waiting"]["message"].str(), expected, "{name}");
        assert_eq!(state["waiting"].is_null(), expected.is_empty(), "{name}");
    }
}

#[test]
fn hosts_of_the_node_say_so() {
    let mut world = World::new();
    for (name, host, expected) in [
        ("own", false, "# Kubernetes-managed hosts file.\n127.0.0.1\t"),
        ("node", true, "# Kubernetes-managed hosts file (host network).\n127.0.0.1\t"),
    ] {
        let container = value!({"image": IMAGE, "args": ["etc-hosts"]});
        world.pod_with(name, container, value!({"hostNetwork": host, "restartPolicy": "Never"}));
        world.until(name, |pod| pod["status"]["phase"] == "Succeeded");
        let text = world.logs(name, &[]);
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_guestbook_asks_its_servers() {
    let mut world = World::new();
    for (name, args) in [
        ("agnhost-primary", value!(["guestbook", "--http-port", "6379"])),
        ("agnhost-replica", value!(["guestbook", "--replicaof", "agnhost-primary", "--http-port", "6379"])),
        ("front", value!(["guestbook", "--backend-port=6379"])),
    ] {
        let ports = value!([{"port": if name == "front" { 80 } else { 6379 }}]);
        let spec = value!({"selector": {"app": name}, "ports": ports});
        world.create(kinds::SERVICES, value!({"metadata": {"name": name}, "spec": spec}));
        world.pod(name, value!({"image": IMAGE, "args": args}));
    }
    world.run(10.0);
    let ask = |query: &str| format!("curl -s 'http://front/guestbook?{query}'; echo");
    let script = [
        ask("cmd=get&key=m"),
        ask("cmd=set&key=m&value=hello"),
        ask("cmd=get&key=m"),
        ask("cmd=set"),
        ask("cmd=drop&key=m"),
    ];
    let container = value!({"image": IMAGE, "command": ["sh", "-c", script.join("\n")]});
    world.pod_with("asks", container, value!({"restartPolicy": "Never"}));
    world.until("asks", |pod| pod["status"]["phase"] == "Succeeded");
    assert_eq!(
        world.logs("asks", &[]),
        "{\"data\":\"\"}\n{\"message\":\"Updated\"}\n{\"data\":\"hello\"}\ncannot set with empty key.\n\n\
         unsupported cmd: 'drop'\n\n"
    );
    assert!(world.logs("agnhost-replica", &[]).contains("Registered to node: agnhost-primary\n"));
    // Through the API server, too, though the server has to ask another one first.
    let path = "/api/v1/namespaces/default/services/front/proxy/guestbook";
    for (command, answer) in [("set", "{\"message\":\"Updated\"}"), ("get", "{\"data\":\"again\"}")] {
        let request = Request::get(path).param("cmd", command).param("key", "m").param("value", "again");
        assert_eq!(world.ask(request).1, answer, "{command}");
    }
}

#[test]
fn probes_ask_for_health_and_follow_what_stays_at_home() {
    let mut world = World::new();
    let probe = |mut action: Value| {
        action.set("periodSeconds", 1);
        action.set("failureThreshold", 1);
        action
    };
    let at = |place: &str| value!({"httpGet": {"path": format!("/redirect?loc={place}"), "port": 8080}});
    for (name, args, action, restarts, told) in [
        ("here", "liveness", at("%2Fhealthz"), true, "Liveness probe failed: HTTP probe failed with statuscode: 500"),
        (
            "away",
            "liveness",
            at("http%3A%2F%2F0.0.0.0%2F"),
            false,
            "Liveness probe warning: Probe terminated redirects, Response body: <a href=\"http://0.0.0.0/\">Found</a>.",
        ),
        ("well", "grpc-health-checking", value!({"grpc": {"port": 5000}}), false, ""),
        (
            "ill",
            "grpc-health-checking --delay-unhealthy-sec=5",
            value!({"grpc": {"port": 5000}}),
            true,
            "Liveness probe failed: service unhealthy (responded with \"NOT_SERVING\")",
        ),
        (
            "other",
            "grpc-health-checking",
            value!({"grpc": {"port": 5000, "service": "x"}}),
            true,
            "Liveness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = unknown service",
        ),
    ] {
        let args = args.split(' ').collect::<Vec<_>>();
        world.pod(name, value!({"image": IMAGE, "args": args, "livenessProbe": probe(action)}));
        world.until(name, |pod| pod["status"]["phase"] == "Running");
        world.run(20.0);
        let events = world.events(name);
        assert!(told.is_empty() || events.iter().any(|event| event.contains(told)), "{name}: {events:?}");
        let restarted = events.iter().any(|event| event.starts_with("Killing"));
        assert_eq!(restarted, restarts, "{name}: {events:?}");
    }
}

#[test]
fn a_line_that_is_no_request_is_answered_at_once() {
    let mut world = World::new();
    world.pod("server", value!({"image": IMAGE, "args": ["serve-hostname"]}));
    world.until("server", |pod| pod["status"]["phase"] == "Running");
    let ask = format!("echo hostName | nc -v -t -w 2 {} 9376", world.get("server")["status"]["podIP"].str());
    let container = value!({"image": IMAGE, "command": ["sh", "-c", format!("{ask} 2>/dev/null | head -1")]});
    world.pod_with("asks", container, value!({"restartPolicy": "Never"}));
    world.until("asks", |pod| pod["status"]["phase"] == "Succeeded");
    assert_eq!(world.logs("asks", &[]).trim_end(), "HTTP/1.1 400 Bad Request");
}

#[test]
fn datagrams_find_their_way_and_back() {
    let mut world = World::new();
    let ports = value!([
        {"containerPort": 8081, "hostPort": 30053, "protocol": "UDP"}, {"containerPort": 8080, "hostPort": 30053}
    ]);
    world.pod("server", value!({"image": IMAGE, "args": ["netexec"], "ports": ports}));
    for (name, app) in [("s", "server"), ("none", "nobody")] {
        let ports = value!([
            {"name": "t", "port": 80, "targetPort": 8080}, {"name": "u", "port": 80, "targetPort": 8081, "protocol": "UDP"}
        ]);
        let spec = value!({"selector": {"app": app}, "ports": ports});
        world.create(kinds::SERVICES, value!({"metadata": {"name": name}, "spec": spec}));
    }
    world.until("server", |pod| pod["status"]["phase"] == "Running");
    world.run(2.0);
    let server = world.get("server");
    let status = |field: &str| server["status"][field].str().to_owned();
    let (ip, node) = (status("podIP"), status("hostIP"));
    let dial = |port: u16| format!("curl -s 's:80/dial?host={ip}&port={port}&protocol=udp&request=hostname'");
    let connect = |place: &str| format!("/agnhost connect {place} --protocol=udp --timeout=2s 2>&1; echo $?");
    let cases = [
        ("echo hostname | nc -u -w1 s 80".to_owned(), "server"),
        (format!("echo ECHO Hi | nc -u -w1 {ip} 8081"), "hi"),
        (format!("echo hostname | nc -u -w1 {node} 30053"), "server"),
        (format!("curl -s {node}:30053/hostname"), "server"),
        (connect("s:80"), "0\n"),
        (connect("none:80"), "REFUSED: read udp: connection refused\n1\n"),
        (connect(&format!("{ip}:82")), "REFUSED: read udp: connection refused\n1\n"),
        (connect("10.244.77.7:82"), "TIMEOUT: read udp: i/o timeout\n1\n"),
        (dial(8081), "{\"responses\":[\"server\"]}"),
        (dial(82), "{\"errors\":[\"reading from udp connection failed. err:'read udp: connection refused'\"]}"),
        (format!("nc -uz -w1 {node} 30053; echo $?; nc -uz -w1 {ip} 82; echo $?"), "0\n1\n"),
        (
            "nc -u -l -p 9 > /tmp/got & sleep 1; printf one | nc -u -w1 localhost 9; cat /tmp/got; kill $!".to_owned(),
            "one",
        ),
    ];
    let script: Vec<&str> = cases.iter().map(|(command, _)| command.as_str()).collect();
    let container = value!({"image": IMAGE, "command": ["sh", "-c", script.join("\necho ---\n")]});
    world.pod_with("asks", container, value!({"restartPolicy": "Never"}));
    world.until("asks", |pod| pod["status"]["phase"] == "Succeeded");
    let told = world.logs("asks", &[]);
    for ((command, expected), told) in cases.iter().zip(told.split("---\n")) {
        assert_eq!(told.trim_end(), expected.trim_end(), "{command}");
    }
}

#[test]
fn tokens_verify_with_what_their_issuer_publishes() {
    let mut world = World::new();
    // What the token is for, what it should be for; how the pod ends, and the last word of it.
    for (name, wanted, phase, told) in [
        ("right", "mine", "Succeeded", "OK: Got valid claims from token!"),
        ("wrong", "yours", "Failed", "oidc: expected audience \"yours\" got [\"mine\"]"),
    ] {
        let token = value!({"serviceAccountToken": {"path": "token", "audience": "mine"}});
        let args = value!([
            "test-service-account-issuer-discovery",
            "--token-path=/tokens/token",
            format!("--audience={wanted}")
        ]);
        let container = value!({"image": IMAGE, "args": args, "volumeMounts": [{"name": "t", "mountPath": "/tokens"}]});
        let volumes = value!([{"name": "t", "projected": {"sources": [token]}}]);
        world.pod_with(name, container, value!({"restartPolicy": "Never", "volumes": volumes}));
        world.until(name, |pod| !matches!(pod["status"]["phase"].str(), "Pending" | "Running"));
        let log = world.logs(name, &[]);
        assert_eq!(world.get(name)["status"]["phase"], phase, "{log}");
        assert!(log.contains(told), "{log}");
    }
    world.pod("asks", value!({"image": IMAGE, "args": ["inclusterclient", "--poll-interval=5"]}));
    world.run(12.0);
    let log = world.logs("asks", &[]);
    let hashes: Vec<&str> =
        log.lines().filter_map(|line| line.split_once("authz_header=").map(|(_, hash)| hash)).collect();
    assert!(hashes.len() == 2 && hashes[0] == hashes[1] && hashes[0].len() == 43, "{log}");
    assert!(!log.contains("failed"), "{log}");
}
