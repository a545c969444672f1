//! How long a client waits for answers about 1,000 pods: `cargo run --release -p drydock-serve --example speed`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, clippy::expect_used, missing_docs)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use drydock_cluster::{Config, NodeConfig};
use drydock_serve::{Options, Server};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// One exchange on a connection; of a stream, the first piece.
fn ask(connection: &mut BufReader<TcpStream>, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let text =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}");
    connection.get_mut().write_all(text.as_bytes()).expect("to write");
    let (mut size, mut line) = (0, String::new());
    loop {
        line.clear();
        connection.read_line(&mut line).expect("a line");
        if line.trim().is_empty() {
            break;
        }
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            size = length.trim().parse().expect("a length");
        }
    }
    if size == 0 {
        line.clear();
        connection.read_line(&mut line).expect("the size of a chunk");
        size = usize::from_str_radix(line.trim(), 16).expect("a size");
    }
    let mut bytes = vec![0; size];
    connection.read_exact(&mut bytes).expect("the body");
    bytes
}

fn main() {
    let cluster = Config { nodes: NodeConfig::minikube(12), hollow: true, ..Config::default() };
    let options = Options { port: 0, cluster, speed: 20.0, files: None, save: None, trusting: true, tls: false };
    let server = Server::start(options).expect("the server starts");
    let connect = || BufReader::new(TcpStream::connect(server.address()).expect("a connection"));
    let mut connection = connect();
    let json = "content-type: application/json\r\n";
    let deployment = r#"{"metadata":{"name":"many"},"spec":{"replicas":1000,"selector":{"matchLabels":{"app":"many"}},
        "template":{"metadata":{"labels":{"app":"many"}},"spec":{"containers":[{"name":"c","image":"nginx"}]}}}}"#;
    ask(&mut connection, "POST", "/apis/apps/v1/namespaces/default/deployments", json, deployment);
    let running = loop {
        let query = format!("{PODS}?fieldSelector=status.phase%3DRunning");
        let found = String::from_utf8(ask(&mut connection, "GET", &query, "", "")).expect("text");
        let names: Vec<String> = found
            .split("\"name\":\"many-")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .filter(|name| name.matches('-').count() == 1)
            .map(|name| format!("many-{name}"))
            .collect();
        if names.len() >= 1000 {
            break names;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    let one = running.first().expect("a pod").clone();
    for name in running.iter().take(5) {
        let merge = "content-type: application/merge-patch+json\r\n";
        ask(&mut connection, "PATCH", &format!("{PODS}/{name}"), merge, r#"{"metadata":{"labels":{"tier":"x"}}}"#);
    }
    let table = "accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json\r\n";
    for (name, query, headers) in [
        ("list", String::new(), ""),
        ("list, compressed", String::new(), "accept-encoding: gzip\r\n"),
        ("get by name", format!("/{one}"), ""),
        ("label selection of 5", "?labelSelector=tier%3Dx".to_owned(), ""),
        ("table", String::new(), table),
        ("table of the first 500", "?limit=500".to_owned(), table),
        ("watch, first event", "?watch=true".to_owned(), ""),
        ("watch of one, first event", format!("?watch=true&fieldSelector=metadata.name%3D{one}"), ""),
    ] {
        let mut times: Vec<f64> = Vec::new();
        let mut size = 0;
        for _ in 0..15 {
            let mut own = if name.starts_with("watch") {
                connect()
            } else {
                BufReader::new(connection.get_ref().try_clone().expect("a socket"))
            };
            let start = Instant::now();
            size = ask(&mut own, "GET", &format!("{PODS}{query}"), headers, "").len();
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        println!("{name:<28} median {:>8.2} ms, best {:>8.2} ms, {size} bytes", times[7], times[0]);
    }
}
