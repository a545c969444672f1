//! How long the work takes, for 10,000 pods or as many as said: `cargo run --release -p drydock-apiserver --example speed`.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, clippy::unwrap_used)]

use std::time::Instant;

use drydock_api::{Auth, Request};
use drydock_apiserver::{Answer, ApiServer, Config, DeleteOptions, PatchType, kinds};
use drydock_value::{Value, value};

/// A pod as a replica set makes it: its spec is the template's, which all pods share.
fn pod(number: u32, spec: &Value) -> Value {
    value!({
        "metadata": {
            "generateName": "web-5d78c9869d-",
            "labels": {"app": format!("app-{}", number % 100), "tier": "x"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d78c9869d",
                                 "uid": "1", "controller": true, "blockOwnerDeletion": true}]
        },
        "spec": spec
    })
}

fn template(server: &mut ApiServer) -> Value {
    let deployment = value!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{
                "name": "c", "image": "nginx:1.27", "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                "readinessProbe": {"httpGet": {"port": 80}}
            }]}
        }}
    });
    server.client("x").create(kinds::DEPLOYMENTS, "default", deployment).unwrap()["spec"]["template"]["spec"].clone()
}

fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0 / 1e6
}

fn time<T>(what: &str, times: u32, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = work();
    println!("{what}: {:.1} us each", start.elapsed().as_secs_f64() * 1e6 / f64::from(times));
    out
}

fn main() {
    let count: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let mut server = time("boot", 1, || ApiServer::new(Config::default()));
    server.client("x").create(kinds::SERVICE_ACCOUNTS, "default", value!({"metadata": {"name": "default"}})).unwrap();
    let spec = template(&mut server);
    let before = resident();
    let names: Vec<String> = time("create", count, || {
        (0..count)
            .map(|number| {
                let made = server.client("x").create(kinds::PODS, "default", pod(number, &spec)).unwrap();
                made["metadata"]["name"].str().to_owned()
            })
            .collect()
    });
    println!("memory: {:.1} MB for {count} new pods", resident() - before);
    time("bind", count, || {
        for (number, name) in names.iter().enumerate() {
            server.client("x").bind("default", name, &format!("node-{}", number % 50)).unwrap();
        }
    });
    let status = value!({"status": {"phase": "Running", "podIP": "10.244.0.5"}});
    time("patch status", count, || {
        for name in &names {
            server
                .client("system:node:n")
                .patch(kinds::PODS, "default", name, PatchType::Merge, &status, "status")
                .unwrap();
        }
    });
    println!("memory: {:.1} MB for {count} running pods and their history", resident() - before);
    let snapshot = time("clone", 1, || server.clone());
    let get = |server: &mut ApiServer, request: Request| {
        let mut request = request;
        request.auth = Auth::Certificate { certificate: "admin".into() };
        let now = server.now();
        match server.handle(request, now) {
            Answer::Response(response) => response,
            _ => panic!("no response"),
        }
    };
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    time("list by label (100), as a table", 1, || {
        get(&mut server, Request::get("/api/v1/pods").param("labelSelector", "app=app-7").header("accept", table))
    });
    time("list by node (200)", 1, || {
        get(&mut server, Request::get("/api/v1/pods").param("fieldSelector", "spec.nodeName=node-3"))
    });
    time("list all, as a table", 1, || get(&mut server, Request::get("/api/v1/pods").header("accept", table)));
    time("list all", 1, || get(&mut server, Request::get("/api/v1/pods")));
    time("get", 1, || {
        get(&mut server, Request::get(format!("/api/v1/namespaces/default/pods/{}", names[names.len() / 2])))
    });
    time("first write after a clone", 1, || {
        server.client("x").delete(kinds::PODS, "default", &names[0], &DeleteOptions::now()).unwrap()
    });
    time("delete", count - 1, || {
        for name in &names[1..] {
            server.client("x").delete(kinds::PODS, "default", name, &DeleteOptions::now()).unwrap();
        }
    });
    assert_eq!(snapshot.count_of(kinds::PODS), count as usize);
}
