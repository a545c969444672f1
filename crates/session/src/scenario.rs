//! Fixed courses of events: the one whose event log must be the same natively and in wasm, and the benchmarks.

use drydock_cluster::store::kinds;
use drydock_cluster::{Cluster, Config, System};
use drydock_value::{Time, value};
use std::time::Duration;

use crate::{Input, Options, Profile, Session, TerminalId};

/// What the digest's scenario types, and how many milliseconds pass after each line.
const TYPED: &[(&str, u64)] = &[
    ("kubectl create deployment web --image=nginx --replicas=3\r", 1500),
    ("kubectl get pods -w\r", 4000),
    ("\u{3}kubectl scale deployment web --replicas=5\r", 700),
    ("kubectl expose deployment web --port=80; kubectl get all -o wide\r", 1000),
    ("kubectl set image deployment/web nginx=nginx:1.27.3; kubectl rollout status deployment/web\r", 9000),
    ("for i in 1 2 3; do kubectl run job$i --image=busybox --restart=Never -- sh -c 'echo $RANDOM'; done\r", 3000),
    ("kubectl logs job2; kubectl delete pod job1 job3 --wait=false; kubectl get events | tail -n 5\r", 5000),
    ("kubectl delete deployment web; kubectl get pods\r", 40_000),
];

/// Plays the scenario and answers the session.
fn play(seed: u64) -> Session {
    let mut session = Session::new(Options { seed, profile: Profile::TwoNodes, ..Options::default() });
    session.input(Input::OpenTerminal { columns: 120, rows: 30 });
    advance(&mut session, 1000);
    for (line, milliseconds) in TYPED {
        session.input(Input::Type(TerminalId(0), line.as_bytes().to_vec()));
        advance(&mut session, *milliseconds);
    }
    session
}

fn advance(session: &mut Session, milliseconds: u64) {
    let until = session.now() + Duration::from_millis(milliseconds);
    while !session.advance(until, 1 << 16).reached {}
}

/// The digest of everything that happens in the scenario, and of everything that is printed.
pub fn digest(seed: u64) -> String {
    let session = play(seed);
    let printed = session.scrollback(TerminalId(0));
    let printed = printed
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{}-{printed:016x}", session.digest())
}

/// A figure of a benchmark.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: &'static str,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
}

/// The benchmarks. `clock` tells seconds of real time: the core has no clock of its own.
pub fn benchmarks(clock: &dyn Fn() -> f64, quick: bool) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut figure = |name, value, unit| figures.push(Figure { name, value, unit });
    figure("boot, minikube", fastest(clock, 5, || drop(Session::new(Options::default()))) * 1000.0, "ms");
    // An engine that compiles as it runs, as a browser does, needs a moment to become fast: both are told.
    figure("300 replicas from apply to Ready, the first time", replicas_ready(clock, 300, 3), "s");
    let again = (0..3).map(|_| replicas_ready(clock, 300, 3)).fold(f64::INFINITY, f64::min);
    figure("300 replicas from apply to Ready", again, "s");
    let (listing, clone) = thousand_pods(clock);
    figure("kubectl get pods, 1000 pods", listing * 1000.0, "ms");
    figure("clone of a session with 1000 pods", clone * 1000.0, "ms");
    figure("pods scheduled in a second, 100 nodes", scheduled(clock, 1000, 100), "1/s");
    figure("pods scheduled in a second, 5000 nodes", scheduled(clock, 1000, 5000), "1/s");
    if !quick {
        figure("1000 pods on 100 nodes from create to Ready", replicas_ready(clock, 1000, 100), "s");
        figure("10000 pods on 1000 nodes from create to Ready", replicas_ready(clock, 10_000, 1000), "s");
    }
    figures
}

fn fastest(clock: &dyn Fn() -> f64, times: u32, mut work: impl FnMut()) -> f64 {
    let once = |work: &mut dyn FnMut()| {
        let start = clock();
        work();
        clock() - start
    };
    (0..times).map(|_| once(&mut work)).fold(f64::INFINITY, f64::min)
}

/// Seconds from creating a Deployment until all its pods are ready, on so many nodes, as fast as it goes.
fn replicas_ready(clock: &dyn Fn() -> f64, replicas: u32, nodes: u32) -> f64 {
    let mut session = Session::new(Options { profile: Profile::Nodes(nodes), ..Options::default() });
    let start = clock();
    let script = format!(
        "kubectl create deployment load --image=nginx --replicas={replicas} && \
         kubectl wait deployment/load --for=jsonpath='{{.status.readyReplicas}}'={replicas} --timeout=3600s"
    );
    let output = session.run(&script);
    let seconds = clock() - start;
    // A benchmark of something that did not happen must not look like a good one.
    if output.code == 0 { seconds } else { f64::NAN }
}

/// How many pods the scheduler binds in a second, on nodes that are only objects: nobody works besides it.
fn scheduled(clock: &dyn Fn() -> f64, pods: u32, nodes: u32) -> f64 {
    let config = Config { nodes: Vec::new(), system: System::None, ..Config::default() };
    let mut cluster = Cluster::new(config);
    let now = cluster.now();
    let mut admin = cluster.api().client("kubernetes-admin");
    let resources = value!({"cpu": "16", "memory": "64Gi", "pods": "110"});
    let ready = value!([{"type": "Ready", "status": "True", "lastHeartbeatTime": now.rfc3339()}]);
    let made = (0..nodes).try_for_each(|number| {
        let node = value!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{number}")},
            "status": {"capacity": &resources, "allocatable": &resources, "conditions": &ready}
        });
        admin.create(kinds::NODES, "", node).map(drop)
    });
    let made = made.and_then(|()| {
        (0..pods).try_for_each(|number| {
            let container = value!({"name": "c", "image": "nginx", "resources": {"requests": {"cpu": "100m"}}});
            let pod = value!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("pod-{number}")},
                "spec": {"containers": [container]}
            });
            admin.create(kinds::PODS, "default", pod).map(drop)
        })
    });
    let limit = now + Duration::from_secs(40);
    let start = clock();
    let bound = |cluster: &Cluster| cluster.informers().all(kinds::PODS).all(|pod| !pod["spec"]["nodeName"].is_null());
    let mut done = made.is_err();
    while !done && cluster.now() < limit {
        cluster.advance(cluster.now() + Duration::from_millis(100), u32::MAX);
        done = cluster.informers().all(kinds::PODS).next().is_some() && bound(&cluster);
    }
    // As above: no figure for what did not happen.
    if done && made.is_ok() { f64::from(pods) / (clock() - start) } else { f64::NAN }
}

/// Seconds for listing 1000 pods with kubectl, and for a clone of that session.
fn thousand_pods(clock: &dyn Fn() -> f64) -> (f64, f64) {
    let mut session = Session::new(Options { profile: Profile::Nodes(10), ..Options::default() });
    session.run(
        "kubectl create deployment load --image=nginx --replicas=1000 && \
         kubectl wait deployment/load --for=jsonpath='{.status.readyReplicas}'=1000 --timeout=3600s",
    );
    let listing = fastest(clock, 5, || drop(session.run("kubectl get pods")));
    let clone = fastest(clock, 5, || drop(session.clone()));
    (listing, clone)
}

/// The moment that a session may be driven to at speed "max": its next event, or a little later when there is none.
pub fn next_moment(session: &Session) -> Time {
    session.next_event().unwrap_or(session.now() + Duration::from_millis(10))
}
