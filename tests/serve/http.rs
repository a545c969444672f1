//! HTTP, by hand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use drydock_cluster::store::{Authorization, User};
use drydock_serve::Server;
use drydock_value::{Value, parse_json};

use crate::start;

struct Client(BufReader<TcpStream>);

struct Answer {
    code: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    fn document(&self) -> Value {
        parse_json(std::str::from_utf8(&self.body).expect("text")).expect("JSON")
    }
}

impl Client {
    fn new(server: &Server) -> Client {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        Client(BufReader::new(stream))
    }

    fn send(&mut self, head: &str, body: &[u8]) {
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let text = format!("{}\r\nhost: localhost\r\n{length}\r\n", head.replace('\n', "\r\n"));
        self.0.get_mut().write_all(text.as_bytes()).expect("to write");
        // A server that refuses the body may stop reading it.
        let _ = self.0.get_mut().write_all(body);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn head(&mut self) -> Answer {
        let status = self.line();
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Answer { code, headers, body: Vec::new() }
    }

    fn chunk(&mut self) -> Vec<u8> {
        let size = usize::from_str_radix(&self.line(), 16).expect("the size of a chunk");
        let mut bytes = vec![0; size + 2];
        self.0.read_exact(&mut bytes).expect("a chunk");
        bytes.truncate(size);
        bytes
    }

    fn ask(&mut self, head: &str, body: &[u8]) -> Answer {
        self.send(head, body);
        let mut answer = self.head();
        if !head.starts_with("HEAD") {
            let length = answer.header("content-length").parse().unwrap_or(0);
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body).expect("the body");
        }
        answer
    }
}

#[test]
fn exchanges_go_over_one_connection() {
    let server = start(|_| {});
    let mut client = Client::new(&server);
    for (head, body, code, expected) in [
        ("GET /api/v1/namespaces/default HTTP/1.1", "", 200, "Namespace"),
        ("GET /api/v1/namespaces/absent HTTP/1.1", "", 404, r#"namespaces \"absent\" not found"#),
        ("GET /api/v1/nowhere HTTP/1.1", "", 404, "the server could not find the requested resource"),
        (
            "POST /api/v1/namespaces/default/configmaps HTTP/1.1\ncontent-type: application/json",
            r#"{"metadata":{"name":"c"},"data":{"k":"<v>"}}"#,
            201,
            r#""k":"\u003cv\u003e""#,
        ),
        (
            "POST /api/v1/namespaces/default/configmaps HTTP/1.1\ncontent-type: application/json",
            r#"{"metadata":{"name":"c"}}"#,
            409,
            "AlreadyExists",
        ),
        ("POST /api/v1/namespaces HTTP/1.1\ncontent-type: application/json", "{", 400, "BadRequest"),
        ("POST /api/v1/namespaces HTTP/1.1\ncontent-type: application/vnd.kubernetes.protobuf", "{", 400, "protobuf"),
        ("POST /api/v1/namespaces HTTP/1.1\ncontent-type: application/cbor", "{", 415, "UnsupportedMediaType"),
        (
            "PATCH /api/v1/namespaces/default/configmaps/c HTTP/1.1\ncontent-type: application/merge-patch+json",
            r#"{"data":{"k":"w"}}"#,
            200,
            r#""k":"w""#,
        ),
        ("GET /api/v1/configmaps?labelSelector=a%20in HTTP/1.1", "", 400, "BadRequest"),
        ("BREW /api/v1/configmaps HTTP/1.1", "", 405, "MethodNotAllowed"),
        ("GET /readyz HTTP/1.1", "", 200, "ok"),
    ] {
        let answer = client.ask(head, body.as_bytes());
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.code, code, "{head}: {text}");
        assert!(text.contains(expected), "{head}: {text}");
        if code >= 400 {
            assert_eq!(answer.document()["kind"].str(), "Status", "{head}");
        }
    }
    let nowhere = client.ask("GET /nowhere HTTP/1.1", b"");
    assert_eq!((nowhere.code, &nowhere.body[..]), (404, &b"404 page not found\n"[..]));
    let head = client.ask("HEAD /version HTTP/1.1", b"");
    assert_eq!(head.code, 200);
    // What each answer tells of itself, and the looks that clients ask for.
    let plain = client.ask("GET /api/v1/namespaces/default HTTP/1.1\naudit-id: mine", b"");
    assert_eq!(plain.header("audit-id"), "mine");
    assert_eq!(plain.header("x-kubernetes-pf-flowschema-uid").len(), 36);
    let person = client.ask("GET /api/v1/namespaces/default HTTP/1.1\nuser-agent: curl/8.0", b"");
    assert!(person.body.starts_with(b"{\n  \"kind\": \"Namespace\",\n"));
    assert_eq!(person.header("audit-id").len(), 36);
    let yaml = client.ask("GET /api/v1/namespaces/default HTTP/1.1\naccept: application/yaml", b"");
    assert_eq!(yaml.header("content-type"), "application/yaml");
    assert!(yaml.body.starts_with(b"apiVersion: v1\nkind: Namespace\n"));
    // Warnings travel in their own form.
    let body = br#"{"metadata":{"name":"w"},"dada":{}}"#;
    let answer =
        client.ask("POST /api/v1/namespaces/default/configmaps HTTP/1.1\ncontent-type: application/json", body);
    assert_eq!(answer.header("warning"), r#"299 - "unknown field \"dada\"""#);
}

#[test]
fn large_answers_are_compressed_and_large_bodies_refused() {
    let server = start(|_| {});
    let mut client = Client::new(&server);
    let value = "x".repeat(200 << 10);
    let body = format!(r#"{{"metadata":{{"name":"large"}},"data":{{"k":"{value}"}}}}"#);
    let post = "POST /api/v1/namespaces/default/configmaps HTTP/1.1\ncontent-type: application/json";
    assert_eq!(client.ask(post, body.as_bytes()).code, 201);
    let get = "GET /api/v1/namespaces/default/configmaps/large HTTP/1.1";
    let plain = client.ask(get, b"");
    assert!(plain.header("content-encoding").is_empty() && plain.body.len() > 200 << 10);
    let small = client.ask(&format!("{get}\naccept-encoding: gzip"), b"");
    assert_eq!(small.header("content-encoding"), "gzip");
    assert!(small.body.len() < 10 << 10);
    let answer = client.ask(post, &vec![b' '; (3 << 20) + 1]);
    assert_eq!(answer.code, 413);
    assert_eq!(answer.document()["message"].str(), "Request entity too large: limit is 3145728");
}

#[test]
fn watches_tell_events_as_they_come() {
    let server = start(|_| {});
    let mut watching = Client::new(&server);
    watching.send("GET /api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Dw HTTP/1.1", b"");
    let answer = watching.head();
    assert_eq!((answer.code, answer.header("transfer-encoding")), (200, "chunked"));
    let mut client = Client::new(&server);
    let path = "/api/v1/namespaces/default/configmaps";
    let json = "HTTP/1.1\ncontent-type: application/json";
    client.ask(&format!("POST {path} {json}"), br#"{"metadata":{"name":"w"}}"#);
    client.ask(&format!("DELETE {path}/w HTTP/1.1"), b"");
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let chunk = String::from_utf8(watching.chunk()).expect("text");
        seen.extend(chunk.lines().map(|line| parse_json(line).expect("JSON")["type"].str().to_owned()));
    }
    assert_eq!(seen, ["ADDED", "DELETED"]);
    // A watch ends when it is told to.
    let mut short = Client::new(&server);
    short.send(&format!("GET {path}?watch=true&timeoutSeconds=1&resourceVersion=0 HTTP/1.1"), b"");
    assert_eq!(short.head().code, 200);
    while !short.chunk().is_empty() {}
    // A refused one is a Status.
    let refused = Client::new(&server).ask("GET /api/v1/pods?watch=true&resourceVersion=x HTTP/1.1", b"");
    assert_eq!((refused.code, refused.document()["kind"].str().to_owned()), (400, "Status".into()));
}

#[test]
fn watches_come_as_messages_too() {
    let server = start(|_| {});
    let upgrade = "HTTP/1.1\nconnection: Upgrade\nupgrade: websocket\nsec-websocket-version: 13\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    let path = "/api/v1/namespaces/default/configmaps";
    let mut watching = Client::new(&server);
    watching.send(&format!("GET {path}?watch=true&fieldSelector=metadata.name%3Dw {upgrade}"), b"");
    let answer = watching.head();
    assert_eq!((answer.code, answer.header("sec-websocket-accept")), (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    let json = "HTTP/1.1\ncontent-type: application/json";
    Client::new(&server).ask(&format!("POST {path} {json}"), br#"{"metadata":{"name":"w"}}"#);
    let mut frame = [0; 4];
    watching.0.read_exact(&mut frame).expect("a message of text");
    let [0x81, 126, high, low] = frame else { panic!("{frame:?}") };
    let mut text = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    watching.0.read_exact(&mut text).expect("all of it");
    let event = parse_json(std::str::from_utf8(&text).expect("text")).expect("JSON");
    assert_eq!((event["type"].str(), event["object"]["metadata"]["name"].str()), ("ADDED", "w"));
    // What is refused is refused before it.
    let log = "/api/v1/namespaces/default/pods/none/log";
    for (protocol, code) in [("binary.k8s.io", 404), ("v4.channel.k8s.io", 400)] {
        let answer = Client::new(&server).ask(&format!("GET {log} {upgrade}\nsec-websocket-protocol: {protocol}"), b"");
        assert_eq!((answer.code, answer.document()["kind"].str().to_owned()), (code, "Status".into()));
    }
}

#[test]
fn users_are_told_apart() {
    let server = start(|options| {
        options.trusting = false;
        options.cluster.server.tokens = vec![(
            "secret".into(),
            User { name: "nina".into(), groups: vec!["system:masters".into()], ..User::default() },
        )];
    });
    let mut client = Client::new(&server);
    let mut ask = |headers: &str| client.ask(&format!("GET /api/v1/namespaces HTTP/1.1{headers}"), b"").code;
    assert_eq!(ask(""), 403);
    assert_eq!(ask("\nauthorization: Bearer wrong"), 401);
    assert_eq!(ask("\nauthorization: Bearer secret"), 200);
    let server = start(|options| {
        options.trusting = false;
        options.cluster.server.anonymous = false;
        options.cluster.server.authorization = Authorization::AlwaysAllow;
    });
    assert_eq!(Client::new(&server).ask("GET /api/v1/namespaces HTTP/1.1", b"").code, 401);
}

#[test]
fn a_saved_cluster_goes_on() {
    let file = std::env::temp_dir().join(format!("drydock-saved-{}.jsonl", std::process::id()));
    let path = "/api/v1/namespaces/default/configmaps";
    let server = start(|options| options.save = Some(file.clone()));
    let post = format!("POST {path} HTTP/1.1\ncontent-type: application/json");
    let made = Client::new(&server).ask(&post, br#"{"metadata":{"name":"kept"}}"#).document();
    drop(server);
    let server = start(|options| options.save = Some(file.clone()));
    let found = Client::new(&server).ask(&format!("GET {path}/kept HTTP/1.1"), b"").document();
    drop(server);
    std::fs::remove_file(&file).expect("the file is there");
    assert_eq!(found["metadata"]["uid"], made["metadata"]["uid"]);
    assert_eq!(found["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

#[test]
fn clients_that_vanish_cost_nothing() {
    let server = start(|_| {});
    for _ in 0..50 {
        let mut client = Client::new(&server);
        client.send("GET /api/v1/pods?watch=true HTTP/1.1", b"");
        assert_eq!(client.head().code, 200);
    }
    // Half a request, and nonsense.
    let _half = Client::new(&server).0.get_mut().write_all(b"GET /api HTTP/1.1\r\nhost:");
    let mut nonsense = Client::new(&server);
    nonsense.0.get_mut().write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n").expect("to write");
    assert_eq!(Client::new(&server).ask("GET /readyz HTTP/1.1", b"").code, 200);
}

#[test]
fn files_stand_beside_the_api() {
    let folder = std::env::temp_dir().join(format!("drydock-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("index.html"), "<p>page").expect("a file");
    let server = start(|options| options.files = Some(folder.clone()));
    let mut client = Client::new(&server);
    let page = client.ask("GET / HTTP/1.1\naccept: text/html", b"");
    assert_eq!((page.header("content-type"), page.body.as_slice()), ("text/html; charset=utf-8", &b"<p>page"[..]));
    assert_eq!(client.ask("GET / HTTP/1.1", b"").document()["paths"][0].str(), "/.well-known/openid-configuration");
    assert_eq!(client.ask("GET /../../etc/passwd HTTP/1.1", b"").code, 404);
    drop(server);
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}
