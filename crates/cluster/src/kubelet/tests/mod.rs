//! Tests of nodes that run their pods.

mod agnhost;
mod endings;
mod life;
mod machine;
mod network;
mod probes;
mod security;
mod streams;

use drydock_sorted::Sort;
use std::time::Duration;

use drydock_api::{Request, StreamItem, Transport};
use drydock_value::{Value, value};

use crate::store::{DeleteOptions, Kind, kinds};
use crate::{Cluster, Config, NodeConfig};

pub(crate) const USER: &str = "minikube-user";

/// A cluster whose nodes run what they are given, and a user.
pub(crate) struct World {
    pub cluster: Cluster,
}

impl World {
    pub fn new() -> World {
        World::sized(2)
    }

    pub fn sized(nodes: u32) -> World {
        World { cluster: Cluster::new(Config { nodes: NodeConfig::minikube(nodes), ..Config::default() }) }
    }

    /// Creates an object in `default`.
    pub fn create(&mut self, kind: Kind, object: Value) -> Value {
        let now = self.cluster.now();
        let namespace = if kind.namespaced() { "default" } else { "" };
        crate::store::client(self.cluster.api(), USER, now).create(kind, namespace, object).expect("created")
    }

    /// Creates a pod with one container `c`.
    pub fn pod(&mut self, name: &str, container: Value) {
        self.pod_with(name, container, value!({}));
    }

    /// Creates a pod with one container `c` and more in its spec.
    pub fn pod_with(&mut self, name: &str, mut container: Value, mut spec: Value) {
        if container["name"].is_null() {
            container.set("name", "c");
        }
        if container["image"].is_null() {
            container.set("image", "busybox:1.36");
        }
        spec.set("containers", value!([container]));
        self.create(kinds::PODS, value!({"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}));
    }

    pub fn delete(&mut self, name: &str, options: &DeleteOptions) {
        let now = self.cluster.now();
        crate::store::client(self.cluster.api(), USER, now)
            .delete(kinds::PODS, "default", name, options)
            .expect("deleted");
    }

    pub fn run(&mut self, seconds: f64) {
        let until = self.cluster.now() + Duration::from_secs_f64(seconds);
        assert!(self.cluster.advance(until, 2_000_000).reached, "too many events");
    }

    pub fn get(&self, name: &str) -> Value {
        self.cluster.api_ref().get(kinds::PODS, "default", name).cloned().unwrap_or_default()
    }

    /// Runs until something holds of a pod; how many seconds that took.
    pub fn until(&mut self, name: &str, what: impl Fn(&Value) -> bool) -> f64 {
        let start = self.cluster.now();
        for _ in 0..6000 {
            if what(&self.get(name)) {
                return self.cluster.now().since(start).as_secs_f64();
            }
            self.run(0.1);
        }
        panic!("{name} never got there: {}", self.get(name)["status"]);
    }

    /// What `kubectl get` would say of a pod over some time: seconds, ready containers, status, restarts; each change
    /// once.
    pub fn story(&mut self, name: &str, seconds: f64) -> Vec<String> {
        let start = self.cluster.now();
        let mut story: Vec<String> = Vec::new();
        let mut last = String::new();
        let end = start + Duration::from_secs_f64(seconds);
        while self.cluster.now() < end {
            let pod = self.get(name);
            let line = if pod.is_null() { "gone".to_owned() } else { summary(&pod) };
            if line != last {
                story.push(format!("{:.0} {line}", self.cluster.now().since(start).as_secs_f64()));
                last = line;
            }
            self.run(0.1);
        }
        story
    }

    /// The events about an object, as `reason: message`, oldest first, with their counts.
    pub fn events(&self, name: &str) -> Vec<String> {
        let mut events: Vec<Value> = self.cluster.api_ref().objects(kinds::EVENTS, "").cloned().collect();
        events.retain(|event| event["involvedObject"]["name"] == name && event["reason"] != "Scheduled");
        let order = |event: &Value| event["metadata"]["name"].str().rsplit('.').next().unwrap_or("").to_owned();
        events.sort_compact_by_key(order);
        let times = |event: &Value| match event["count"].int() {
            0 | 1 => String::new(),
            count => format!(" (x{count})"),
        };
        events.iter().map(|e| format!("{}: {}{}", e["reason"].str(), e["message"].str(), times(e))).collect()
    }

    /// A request's answer as text, with its code.
    pub fn ask(&mut self, request: Request) -> (u16, String) {
        let request = Request { auth: drydock_api::Auth::Certificate { certificate: USER.into() }, ..request };
        let response = self.cluster.send(request);
        let message = response
            .body
            .value()
            .ok()
            .filter(|body| body["kind"] == "Status")
            .map(|body| body["message"].str().to_owned());
        (response.code, message.unwrap_or_else(|| response.body.text()))
    }

    pub fn logs(&mut self, pod: &str, query: &[(&str, &str)]) -> String {
        let mut request = Request::get(format!("/api/v1/namespaces/default/pods/{pod}/log"));
        for (name, text) in query {
            request = request.param(*name, *text);
        }
        self.ask(request).1
    }
}

/// All that a stream gives, running the cluster in between; the bytes of each channel and how it ended.
pub(crate) struct Heard {
    pub out: String,
    pub err: String,
    pub end: Option<Option<drydock_api::Status>>,
}

pub(crate) fn listen(world: &mut World, stream: drydock_api::StreamId, seconds: f64) -> Heard {
    let mut heard = Heard { out: String::new(), err: String::new(), end: None };
    let until = world.cluster.now() + Duration::from_secs_f64(seconds);
    while heard.end.is_none() && world.cluster.now() < until {
        match world.cluster.poll(stream) {
            StreamItem::Data(2, bytes) => heard.err.push_str(&String::from_utf8_lossy(&bytes)),
            StreamItem::Data(_, bytes) => heard.out.push_str(&String::from_utf8_lossy(&bytes)),
            StreamItem::Closed(status) => heard.end = Some(status),
            StreamItem::Event(event) => heard.out.push_str(&event.to_string()),
            StreamItem::Pending => world.run(0.01),
        }
    }
    heard
}

/// `READY STATUS RESTARTS`, as the API server's table has them.
fn summary(pod: &Value) -> String {
    let status = &pod["status"];
    let main = status["containerStatuses"].items();
    let ready = main.iter().filter(|status| status["ready"].is_true()).count();
    let restarts: i64 = main.iter().map(|status| status["restartCount"].int()).sum();
    let mut what = status["reason"].as_str().unwrap_or(status["phase"].str()).to_owned();
    let init = status["initContainerStatuses"].items();
    let pending = init.iter().position(|status| {
        let state = &status["state"];
        !(state["terminated"]["reason"] == "Completed"
            || status["started"].is_true() && state.get("running").is_some() && status["ready"].is_true())
    });
    match pending {
        Some(at) => {
            let state = &init[at]["state"];
            let reason = ["waiting", "terminated"].iter().find_map(|kind| state[*kind]["reason"].as_str());
            what = match reason.filter(|reason| *reason != "PodInitializing") {
                Some(reason) => format!("Init:{reason}"),
                None => format!("Init:{at}/{}", init.len()),
            };
        }
        None => {
            for status in main.iter().rev() {
                let state = &status["state"];
                if let Some(reason) = ["waiting", "terminated"].iter().find_map(|kind| state[*kind]["reason"].as_str())
                {
                    what = reason.to_owned();
                }
            }
        }
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        what = "Terminating".into();
    }
    format!("{ready}/{} {what} {restarts}", main.len())
}
