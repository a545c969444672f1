//! Logs, exec, attach, port-forward and connections, as clients have them.

use std::net::IpAddr;

use drydock_api::{Method, StreamId, channel};
use drydock_shell::{NetError, Recv, SocketId};

use super::*;

fn request(method: Method, path: &str, query: &[(&str, &str)]) -> Request {
    let mut request = Request::new(method, format!("/api/v1/namespaces/default/pods/{path}"));
    for (name, text) in query {
        request = request.param(*name, *text);
    }
    Request { auth: drydock_api::Auth::Certificate { certificate: USER.into() }, ..request }
}

fn exec(world: &mut World, pod: &str, words: &[&str], more: &[(&str, &str)]) -> Result<StreamId, drydock_api::Status> {
    let mut query: Vec<(&str, &str)> = words.iter().map(|word| ("command", *word)).collect();
    query.extend([("stdout", "true"), ("stderr", "true")]);
    query.extend(more);
    world.cluster.open(request(Method::Post, &format!("{pod}/exec"), &query))
}

fn web(world: &mut World) {
    world.pod("web", value!({"image": "nginx:1.27", "ports": [{"containerPort": 80}]}));
    world.until("web", |pod| pod["status"]["phase"] == "Running");
}

#[test]
fn exec_runs_a_process_and_tells_how_it_ended() {
    let mut world = World::new();
    web(&mut world);
    for (words, out, err, code) in [
        (&["sh", "-c", "echo $HOSTNAME"][..], "web\n", "", None),
        (&["sh", "-c", "echo out; echo err >&2; exit 5"], "out\n", "err\n", Some("5")),
        (
            &["cat", "/usr/share/nginx/html/nope"],
            "",
            "cat: /usr/share/nginx/html/nope: No such file or directory\n",
            Some("1"),
        ),
        (&["sh", "-c", "kill -9 $$"], "", "", Some("137")),
    ] {
        let stream = exec(&mut world, "web", words, &[]).unwrap();
        let heard = listen(&mut world, stream, 10.0);
        let end = heard.end.expect("ended");
        assert_eq!((heard.out.as_str(), heard.err.as_str()), (out, err), "{words:?}");
        assert_eq!(end.as_ref().map(|status| status.causes[0].message.as_str()), code, "{words:?}");
        assert!(end.is_none_or(|status| status.reason == "NonZeroExitCode"));
    }
    let refused = exec(&mut world, "web", &["nosuchprogram"], &[]).unwrap_err();
    assert!(
        refused.message.starts_with("Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec \"")
            && refused.message.ends_with("\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"nosuchprogram\": executable file not found in $PATH"),
        "{}", refused.message
    );
}

#[test]
fn exec_takes_input() {
    let mut world = World::new();
    web(&mut world);
    let stream = exec(&mut world, "web", &["cat"], &[("stdin", "true")]).unwrap();
    world.cluster.write(stream, channel::STDIN, b"from stdin\n");
    world.cluster.write(stream, channel::STDIN, b"");
    let heard = listen(&mut world, stream, 10.0);
    assert_eq!((heard.out.as_str(), heard.end.is_some()), ("from stdin\n", true));
    // On a terminal, what is typed is echoed, and Ctrl-D ends it.
    let stream = exec(&mut world, "web", &["cat"], &[("stdin", "true"), ("tty", "true")]).unwrap();
    world.cluster.write(stream, channel::STDIN, b"hello\r");
    world.cluster.write(stream, channel::STDIN, b"\x04");
    let heard = listen(&mut world, stream, 10.0);
    assert_eq!(heard.out, "hello\r\nhello\r\n");
}

#[test]
fn logs_are_followed_to_the_end() {
    let mut world = World::new();
    world.pod_with(
        "talk",
        value!({"command": ["sh", "-c", "echo one; read x < /dev/tty; echo two"], "tty": true, "stdin": true}),
        value!({"restartPolicy": "Never"}),
    );
    world.until("talk", |pod| pod["status"]["phase"] == "Running");
    let follow = world.cluster.open(request(Method::Get, "talk/log", &[("follow", "true")])).unwrap();
    let heard = listen(&mut world, follow, 1.0);
    assert!(heard.out.starts_with("one") && heard.end.is_none(), "{}", heard.out);
    let attached =
        world.cluster.open(request(Method::Post, "talk/attach", &[("stdin", "true"), ("tty", "true")])).unwrap();
    world.cluster.write(attached, channel::STDIN, b"\r");
    let heard = listen(&mut world, attached, 5.0);
    assert!(heard.out.contains("two") && heard.end == Some(None), "{:?}", heard.out);
    let heard = listen(&mut world, follow, 5.0);
    assert!(heard.out.contains("two") && heard.end == Some(None), "{:?}", heard.out);
    assert_eq!(world.cluster.streams.count(), 0);
}

#[test]
fn whoever_types_no_more_is_taken_off_unless_the_input_is_theirs_alone() {
    let mut world = World::new();
    for (name, once, heard) in [("open", false, "one"), ("own", true, "one\nend")] {
        let container = value!({
            "command": ["sh", "-c", "while read x; do echo $x; done; echo end"], "stdin": true, "stdinOnce": once
        });
        world.pod_with(name, container, value!({"restartPolicy": "Never"}));
        world.until(name, |pod| pod["status"]["phase"] == "Running");
        let attached =
            world.cluster.open(request(Method::Post, &format!("{name}/attach"), &[("stdin", "true")])).unwrap();
        world.cluster.write(attached, channel::STDIN, b"one\n");
        world.cluster.write(attached, channel::STDIN, b"");
        let said = listen(&mut world, attached, 3.0);
        assert_eq!((said.out.trim_end(), said.end), (heard, Some(None)), "{name}");
        world.run(2.0);
        let wanted = if once { "Succeeded" } else { "Running" };
        world.until(name, |pod| pod["status"]["phase"] == wanted);
    }
}

#[test]
fn what_is_refused_is_refused_in_the_kubelets_words() {
    let mut world = World::new();
    world.create(
        kinds::PODS,
        value!({"metadata": {"name": "two"}, "spec": {
            "initContainers": [{"name": "setup", "image": "busybox:1.36", "command": ["sh", "-c", "echo setting up"]}],
            "containers": [{"name": "a", "image": "nginx:1.27"}, {"name": "b", "image": "registry.k8s.io/pause:3.10"}]
        }}),
    );
    world.run(0.2);
    let waiting = "container \"a\" in pod \"two\" is waiting to start: PodInitializing";
    assert_eq!(world.logs("two", &[("container", "a")]), waiting);
    world.until("two", |pod| pod["status"]["phase"] == "Running");
    for (query, expected) in [
        (
            &[][..],
            "a container name must be specified for pod two, choose one of: [a b] or one of the init containers: [setup]",
        ),
        (&[("container", "nope")], "container nope is not valid for pod two"),
        (&[("container", "setup")], "setting up\n"),
        (&[("container", "b"), ("previous", "true")], "previous terminated container \"b\" in pod \"two\" not found"),
        (
            &[("container", "b"), ("tailLines", "-5")],
            "PodLogOptions \"two\" is invalid: tailLines: Invalid value: -5: must be greater than or equal to 0",
        ),
        (
            &[("container", "b"), ("sinceSeconds", "0")],
            "PodLogOptions \"two\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0",
        ),
    ] {
        assert_eq!(world.logs("two", query), expected, "{query:?}");
    }
    let status = exec(&mut world, "two", &["true"], &[("container", "setup")]).unwrap_err();
    assert_eq!(
        (status.message.as_str(), status.reason.as_str()),
        ("unable to upgrade connection: container not found (\"setup\")", "")
    );
    let status = world.cluster.open(request(Method::Post, "two/attach", &[("container", "setup")])).unwrap_err();
    assert_eq!(status.message, "unable to upgrade connection: container setup not found in pod two_default");
    let (code, text) = world.ask(Request::get("/api/v1/namespaces/default/pods/nope/log"));
    assert_eq!((code, text.as_str()), (404, "pods \"nope\" not found"));
}

#[test]
fn a_port_is_forwarded() {
    let mut world = World::new();
    web(&mut world);
    let stream = world.cluster.open(request(Method::Post, "web/portforward", &[("ports", "80")])).unwrap();
    world.cluster.write(
        stream,
        channel::STDIN,
        b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nConnection: close\r\n\r\n",
    );
    let heard = listen(&mut world, stream, 5.0);
    assert!(heard.out.starts_with("HTTP/1.1 200 OK\r\nServer: nginx/1.27.5\r\n"), "{}", heard.out);
    assert!(heard.out.contains("<h1>Welcome to nginx!</h1>") && heard.end == Some(None));
    let log = world.logs("web", &[("tailLines", "1")]);
    assert!(log.contains("\"GET / HTTP/1.1\" 200 ") && log.ends_with(" \"-\" \"test\" \"-\"\n"), "{log}");
    let stream = world.cluster.open(request(Method::Post, "web/portforward", &[("ports", "81")])).unwrap();
    let heard = listen(&mut world, stream, 5.0);
    let why = heard.end.flatten().expect("refused").message;
    assert!(why.contains("dial tcp4 127.0.0.1:81: connect: connection refused"), "{why}");
}

#[test]
fn requests_are_proxied_while_the_clock_stands() {
    let mut world = World::new();
    web(&mut world);
    let now = world.cluster.now();
    let (code, text) = world.ask(Request::get("/api/v1/namespaces/default/pods/web/proxy/"));
    assert_eq!(code, 200);
    assert!(text.contains("Welcome to nginx!"), "{text}");
    let (code, text) = world.ask(Request::get("/api/v1/namespaces/default/pods/web/proxy/nope"));
    assert_eq!(code, 404, "{text}");
    let (code, text) = world.ask(Request::get("/api/v1/namespaces/default/pods/web:81/proxy/"));
    assert_eq!(code, 503, "{text}");
    assert_eq!(world.cluster.now(), now);
}

fn talk(world: &mut World, ip: &str, port: u16) -> Result<String, NetError> {
    let socket: SocketId = world.cluster.dial(crate::network::Protocol::Tcp, ip.parse::<IpAddr>().unwrap(), port)?;
    let mut text = String::new();
    let mut sent = false;
    for _ in 0..2000 {
        match world.cluster.connected(socket) {
            None => {}
            Some(Err(error)) => return Err(error),
            Some(Ok(())) if !sent => {
                sent = true;
                world.cluster.send_bytes(socket, b"GET / HTTP/1.0\r\n\r\n")?;
            }
            Some(Ok(())) => match world.cluster.receive(socket) {
                Recv::Data(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                Recv::Pending => {}
                Recv::Eof => {
                    world.cluster.hang_up(socket);
                    return Ok(text);
                }
                Recv::Failed(error) => return Err(error),
            },
        }
        world.run(0.1);
    }
    Err(NetError::TimedOut)
}

#[test]
fn a_node_port_leads_to_ready_pods() {
    let mut world = World::new();
    let service = world.create(
        kinds::SERVICES,
        value!({"metadata": {"name": "web"}, "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "nodePort": 30080}]}}),
    );
    world.run(1.0);
    assert_eq!(talk(&mut world, "192.168.49.2", 30080), Err(NetError::Refused));
    web(&mut world);
    world.run(2.0);
    for node in ["192.168.49.2", "192.168.49.3"] {
        let text = talk(&mut world, node, 30080).unwrap();
        assert!(text.contains("Welcome to nginx!"), "{text}");
    }
    // From outside, neither cluster addresses nor pods are reached.
    assert_eq!(talk(&mut world, service["spec"]["clusterIP"].str(), 80), Err(NetError::TimedOut));
    assert_eq!(talk(&mut world, "10.244.0.2", 80), Err(NetError::TimedOut));
    assert_eq!(talk(&mut world, "192.168.49.2", 1234), Err(NetError::Refused));
}

#[test]
fn kubelets_answer_through_the_api_server() {
    let mut world = World::new();
    world.pod("p", value!({"command": ["sh", "-c", "echo said; sleep 1000"]}));
    world.until("p", |pod| pod["status"]["phase"] == "Running");
    world.run(5.0);
    let node = world.get("p")["spec"]["nodeName"].str().to_owned();
    // Port and path, code, what the answer begins with or has in it.
    for (asked, code, part) in [
        ("/proxy/healthz", 200, "ok"),
        ("/proxy/pods", 200, "\"kind\":\"PodList\""),
        ("/proxy/runningpods/", 200, "\"name\":\"p\""),
        (":10250/proxy/configz", 200, "\"maxPods\":110"),
        ("/proxy/stats/summary", 200, "\"podRef\":{\"name\":\"p\",\"namespace\":\"default\""),
        ("/proxy/metrics/resource", 200, "\npod_memory_working_set_bytes{namespace=\"default\",pod=\"p\"} "),
        ("/proxy/metrics", 200, "\nkubelet_running_containers{container_state=\"running\"} 1\n"),
        (
            "/proxy/metrics/cadvisor",
            200,
            "\ncontainer_memory_usage_bytes{container=\"c\",namespace=\"default\",pod=\"p\"} ",
        ),
        ("/proxy/metrics/probes", 200, "# TYPE prober_probe_total counter\n"),
        ("/proxy/metrics/nope", 404, ""),
        ("/proxy/containerLogs/default/p/c", 200, "said\n"),
        ("/proxy/containerLogs/default/q/c", 404, "pod \"q\" does not exist"),
        ("/proxy/logs/", 200, "<a href=\"pods/\">pods/</a>"),
        ("/proxy/none", 404, "404 page not found"),
        (":81/proxy/x", 503, "connect: connection refused"),
    ] {
        let answer = world.ask(Request::get(format!("/api/v1/nodes/{node}{asked}")));
        assert_eq!(answer.0, code, "{asked}: {}", answer.1);
        assert!(answer.1.contains(part), "{asked}: {}", answer.1);
    }
}
