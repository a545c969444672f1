//! The image that Kubernetes' own tests are made of.

use super::*;

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
    let env = value!([{"name": "SERVE_PORT_1080", "value": "bar"}]);
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
