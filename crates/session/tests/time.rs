//! Faults, time and the story, as a person uses them.

use std::time::Duration;

use drydock_session::{Clock, Event, Fault, Input, Options, Profile, Session, TerminalId};

const TERMINAL: TerminalId = TerminalId(0);

fn open(profile: Profile) -> Session {
    let mut session = Session::new(Options { profile, ..Options::default() });
    session.input(Input::OpenTerminal { columns: 100, rows: 30 });
    pass(&mut session, 1);
    session
}

fn pass(session: &mut Session, seconds: u64) {
    let until = session.now() + Duration::from_secs(seconds);
    while !session.advance(until, 1 << 16).reached {}
}

fn type_line(session: &mut Session, line: &str, seconds: u64) {
    session.input(Input::Type(TERMINAL, format!("{line}\r").into_bytes()));
    pass(session, seconds);
}

fn out(session: &mut Session, script: &str) -> String {
    let output = session.run(script);
    format!("{}{}", output.stdout, output.stderr)
}

/// How many pods there are of the learner's own.
fn pods(session: &mut Session) -> usize {
    session.view().pods.iter().filter(|pod| pod.namespace == "default").count()
}

#[test]
fn faults_are_typed_told_and_played_again() {
    let mut session = open(Profile::TwoNodes);
    type_line(&mut session, "kubectl create deployment web --image=nginx --replicas=2", 20);
    assert_eq!(session.fail(&Fault::PoweredOff("minikube-m02".into())), Ok(()));
    assert!(session.fail(&Fault::PoweredOff("nowhere".into())).is_err());
    pass(&mut session, 90);
    assert!(out(&mut session, "kubectl get nodes").contains("NotReady"));
    type_line(&mut session, "fault registry stop; fault list", 2);
    let shown = String::from_utf8_lossy(&session.scrollback(TERMINAL)).into_owned();
    assert!(shown.contains("node minikube-m02 power-off") && shown.contains("registry stop"), "{shown}");
    assert_eq!(session.heal(&Fault::PoweredOff("minikube-m02".into())), Ok(()));
    assert!(session.heal(&Fault::PoweredOff("minikube-m02".into())).is_err());
    pass(&mut session, 60);
    assert!(!out(&mut session, "kubectl get nodes").contains("NotReady"));
    let restored = Session::restore(&session.save());
    assert_eq!(restored.digest(), session.digest());
}

#[test]
fn kubectl_says_so_when_nobody_answers() {
    let mut session = open(Profile::Minikube);
    let stopped = session.run("fault apiserver stop; kubectl get pods");
    assert_eq!(stopped.code, 1);
    let words = "The connection to the server 192.168.49.2:8443 was refused - did you specify the right host or port?";
    assert!(stopped.stderr.contains(words), "{}", stopped.stderr);
    assert!(!session.view().nodes.is_empty(), "the picture stays");
    assert_eq!(
        out(&mut session, "fault apiserver start; sleep 1; kubectl get pods"),
        "No resources found in default namespace.\n"
    );
    assert!(out(&mut session, "fault node x explode").contains("I don't understand"));
}

#[test]
fn snapshots_of_the_storage_are_files() {
    let mut session = open(Profile::Minikube);
    let script = "kubectl create configmap a && etcdctl snapshot save backup.db && kubectl delete configmap a && \
                  etcdctl snapshot status backup.db && fault etcd lose && etcdctl snapshot restore backup.db && sleep 5 && \
                  kubectl get configmap a -o name";
    let text = out(&mut session, script);
    assert!(text.contains("Snapshot saved at backup.db\n") && text.ends_with("configmap/a\n"), "{text}");
    assert!(out(&mut session, "etcdctl snapshot restore absent").starts_with("Error: open absent: no such file"));
}

#[test]
fn a_tunnel_gives_load_balancers_an_address_as_long_as_it_runs() {
    let mut session = open(Profile::Minikube);
    let ingress = "kubectl get service web -o jsonpath='{.status.loadBalancer.ingress[*].ip}'";
    let made = "kubectl create deployment web --image=nginx; kubectl expose deployment web --type=LoadBalancer --port=80; \
                kubectl wait --for=condition=available deployment/web --timeout=60s";
    out(&mut session, made);
    let address = out(&mut session, "kubectl get service web -o jsonpath='{.spec.clusterIP}'");
    assert_eq!(out(&mut session, ingress), "");
    assert_eq!(session.run(&format!("curl -s -m 2 http://{address}")).code, 28, "cluster addresses are inside");
    // In a terminal until it is interrupted, and in the background until it is killed.
    for (start, end) in [("minikube tunnel", "\u{3}"), ("minikube tunnel &", "kill %1")] {
        type_line(&mut session, start, 2);
        assert_eq!(out(&mut session, ingress), address, "{start}");
        let page = out(&mut session, &format!("curl -s -m 2 http://{address}"));
        assert!(page.contains("Welcome to nginx!"), "{start}: {page}");
        type_line(&mut session, end, 2);
        assert_eq!(out(&mut session, ingress), "", "{end}");
    }
    let shown = String::from_utf8_lossy(&session.scrollback(TERMINAL)).into_owned();
    assert!(shown.contains("services: [web]"), "{shown}");
}

#[test]
fn files_of_manifests_are_static_pods() {
    let mut session = open(Profile::Minikube);
    let folder = "/etc/kubernetes/manifests";
    assert_eq!(
        out(&mut session, &format!("minikube ssh ls {folder}")),
        "etcd.yaml\nkube-apiserver.yaml\nkube-controller-manager.yaml\nkube-scheduler.yaml\n"
    );
    let scheduler =
        "kubectl get pods -n kube-system -l component=kube-scheduler -o jsonpath='{.items[*].status.phase}'";
    assert_eq!(out(&mut session, scheduler), "Running");
    // The scheduler's file goes, and nobody schedules.
    out(&mut session, &format!("minikube ssh sudo mv {folder}/kube-scheduler.yaml /var/"));
    pass(&mut session, 40);
    assert_eq!(out(&mut session, scheduler), "");
    out(&mut session, "kubectl run web --image=nginx");
    pass(&mut session, 10);
    assert!(out(&mut session, "kubectl get pod web").contains("Pending"));
    out(&mut session, &format!("minikube ssh sudo mv /var/kube-scheduler.yaml {folder}/"));
    pass(&mut session, 30);
    assert_eq!(out(&mut session, scheduler), "Running");
    assert!(out(&mut session, "kubectl get pod web").contains("Running"));
    // The API server comes back without anybody who could show its pod.
    out(&mut session, &format!("minikube ssh sudo mv {folder}/kube-apiserver.yaml /var/"));
    pass(&mut session, 60);
    assert!(out(&mut session, "kubectl get pods").contains("was refused"));
    assert_eq!(session.run("minikube status").code, 2);
    out(&mut session, &format!("minikube ssh sudo mv /var/kube-apiserver.yaml {folder}/"));
    pass(&mut session, 60);
    assert!(out(&mut session, "kubectl get pod web").contains("Running"));
    let pods = out(&mut session, "kubectl get pods -n kube-system");
    assert!(pods.lines().any(|line| line.starts_with("kube-apiserver-minikube") && line.contains("1/1")), "{pods}");
    // One of one's own.
    let own = "apiVersion: v1\\nkind: Pod\\nmetadata:\\n  name: own\\nspec:\\n  containers:\\n  - name: c\\n    image: nginx\\n";
    out(&mut session, &format!("minikube ssh \"printf '{own}' > {folder}/own.yaml\""));
    pass(&mut session, 20);
    assert!(out(&mut session, "kubectl get pod own-minikube").contains("Running"));
    out(&mut session, &format!("minikube ssh rm {folder}/own.yaml"));
    pass(&mut session, 40);
    assert!(out(&mut session, "kubectl get pod own-minikube").contains("NotFound"));
}

#[test]
fn minikube_status_tells_what_does_not_run() {
    // what fails, the exit code, what is shown
    let cases = [
        ("true", 0, "kubelet: Running\napiserver: Running\nkubeconfig: Configured\n"),
        ("fault apiserver stop", 2, "kubelet: Running\napiserver: Stopped\nkubeconfig: Configured\n"),
        ("minikube ssh sudo systemctl stop kubelet; sleep 1", 2, "kubelet: Stopped\napiserver: Running\n"),
        (
            "fault node minikube power-off",
            7,
            "host: Stopped\nkubelet: Stopped\napiserver: Stopped\nkubeconfig: Stopped\n",
        ),
    ];
    for (fault, code, wanted) in cases {
        let mut session = open(Profile::Minikube);
        let output = session.run(&format!("{fault} > /dev/null; minikube status"));
        assert_eq!(output.code, code, "{fault}");
        assert!(output.stdout.contains(wanted), "{fault}: {}", output.stdout);
    }
    let mut session = open(Profile::Minikube);
    let shown = out(
        &mut session,
        "kubectl create service nodeport web --tcp=80 --node-port=30080; minikube service web; \
                                   minikube service web --url",
    );
    assert!(shown.contains("│ default   │ web  │ 80"), "{shown}");
    assert!(shown.ends_with("http://192.168.49.2:30080\n"), "{shown}");
}

#[test]
fn a_kubelet_is_stopped_from_its_own_machine() {
    let mut session = open(Profile::TwoNodes);
    assert_eq!(out(&mut session, "ssh minikube-m02 hostname"), "minikube-m02\n");
    assert_eq!(
        out(&mut session, "ssh minikube-m02 'sudo systemctl stop kubelet; sleep 1; systemctl is-active kubelet'"),
        "inactive\n"
    );
    assert!(out(&mut session, "fault list").contains("node minikube-m02 stop-kubelet"));
    assert!(out(&mut session, "sleep 70; kubectl get nodes").contains("NotReady"));
    assert_eq!(session.run("minikube ssh -n minikube-m02 -- sudo systemctl start kubelet").code, 0);
    assert!(!out(&mut session, "sleep 20; kubectl get nodes").contains("NotReady"));
    assert_eq!(session.run("minikube ssh 'exit 3'").code, 3);
    assert_eq!(out(&mut session, "minikube ssh 'echo kept > /data/file'; minikube ssh 'cat /data/file'"), "kept\n");
    assert_eq!(
        out(&mut session, "fault node minikube-m02 power-off; ssh minikube-m02 ls"),
        "ssh: connect to host minikube-m02 port 22: No route to host\n"
    );
    assert!(out(&mut session, "ssh nowhere ls").contains("Could not resolve hostname nowhere"));
    type_line(&mut session, "minikube ssh", 2);
    type_line(&mut session, "hostname; exit", 2);
    type_line(&mut session, "echo back", 2);
    let shown = String::from_utf8_lossy(&session.scrollback(TERMINAL)).into_owned();
    assert!(
        shown.contains("root@minikube:") && shown.contains("minikube\r\nexit\r\n") && shown.contains("back\r\n"),
        "{shown}"
    );
}

#[test]
fn time_goes_back_and_goes_on_from_there() {
    let mut session = open(Profile::Minikube);
    type_line(&mut session, "kubectl create deployment web --image=nginx", 30);
    let (moment, digest, screen) = (session.now(), session.digest(), session.scrollback(TERMINAL));
    type_line(&mut session, "kubectl delete deployment web", 30);
    pass(&mut session, 3000);
    assert_eq!(session.rewind(moment), Ok(()));
    assert_eq!((session.now(), session.digest(), session.scrollback(TERMINAL)), (moment, digest, screen));
    assert!(session.take_events().contains(&Event::Rewound));
    // It goes on as if nothing had been, and is saved so.
    type_line(&mut session, "kubectl scale deployment web --replicas=2", 30);
    assert_eq!(pods(&mut session), 2);
    let restored = Session::restore(&session.save());
    assert_eq!(restored.digest(), session.digest());
    assert!(session.rewind(moment + Duration::from_secs(999)).is_err());
    assert!(session.rewind(drydock_start(&session)).is_err());
    // From the terminal.
    type_line(&mut session, "kubectl delete deployment web", 60);
    type_line(&mut session, "clock rewind 65s", 1);
    assert_eq!(pods(&mut session), 2);
    // It can be undone, and undo reaches back beyond it.
    assert!(session.undoes_rewind());
    for left in [0, 2, 1] {
        assert!(session.undo());
        assert_eq!(pods(&mut session), left);
        assert_eq!(Session::restore(&session.save()).digest(), session.digest());
    }
    // What is done after going back is undone first.
    let (moment, digest) = (session.now(), session.digest());
    pass(&mut session, 10);
    type_line(&mut session, "kubectl delete deployment web", 30);
    let late = session.digest();
    assert_eq!(session.rewind(moment), Ok(()));
    assert_eq!(session.digest(), digest);
    type_line(&mut session, "kubectl create namespace other", 5);
    assert!(session.undo() && session.digest() == digest);
    assert!(session.undo() && session.digest() == late);
}

/// A moment before the session.
fn drydock_start(session: &Session) -> drydock_value::Time {
    drydock_value::Time(session.options().start.0 - 1)
}

#[test]
fn two_moments_are_compared() {
    let mut session = open(Profile::Minikube);
    type_line(&mut session, "kubectl create deployment web --image=nginx", 30);
    let from = session.now();
    type_line(&mut session, "kubectl scale deployment web --replicas=2", 30);
    let to = session.now();
    type_line(&mut session, "kubectl delete deployment web", 30);
    let found = session.compare(from, to).expect("compared");
    assert!(found.contains("~ deployment/web -n default") && found.contains("spec.replicas: 1 → 2"), "{found}");
    assert!(found.contains("+ pod/web-") && !found.contains("- "), "{found}");
    assert!(out(&mut session, "clock diff 40s").contains("- deployment/web -n default"));
}

#[test]
fn steps_and_conditions_let_time_pass() {
    let mut session = open(Profile::Minikube);
    let before = session.now();
    let text = out(&mut session, "kubectl create deployment web --image=nginx >/dev/null; clock step");
    assert!(text.contains("deployment-controller"), "{text}");
    assert!(session.now().since(before) < Duration::from_secs(1));
    assert!(out(&mut session, "clock step 1m").contains("pod/web-"));
    assert!(session.now().since(before) >= Duration::from_secs(60));
    assert!(session.take_events().iter().any(|event| matches!(event, Event::Clock(Clock::Leap(_)))));
    assert!(out(&mut session, "clock until deployment/web --for=condition=Available").contains("condition met"));
    assert!(session.run_until("deployment/web --for=condition=Available", Duration::from_secs(60)));
    assert!(!session.run_until("deployment/web --for=condition=Progressing=False", Duration::from_secs(5)));
    assert_eq!(session.run("clock speed 0").code, 1);
    session.run("clock pause; clock speed 10; clock speed max");
    let events = session.take_events();
    for wish in [Clock::Pause, Clock::Times(10), Clock::Max] {
        assert!(events.contains(&Event::Clock(wish)), "{wish:?}");
    }
}

#[test]
fn the_story_tells_what_an_apply_brings_about() {
    let mut session = open(Profile::Minikube);
    out(&mut session, "kubectl create deployment web --image=nginx; sleep 20");
    let story = out(&mut session, "story pods --verb binding");
    assert!(story.contains("scheduler") && story.contains("spec.nodeName: none → minikube"), "{story}");
    assert!(story.contains("because of replicaset-controller: create pod/web-"), "{story}");
    assert_eq!(out(&mut session, "story pods/absent"), "Nothing was written.\n");
    assert!(out(&mut session, "story nonsense").contains("there is no kind \"nonsense\""));
    for command in ["story", "clock", "why", "fault", "etcdctl"] {
        assert!(out(&mut session, &format!("{command} --help")).contains("Usage:"), "{command}");
    }
}

#[test]
fn a_pod_is_explained() {
    let mut session = open(Profile::TwoNodes);
    out(&mut session, "kubectl run web --image=nginx; sleep 10");
    let why = out(&mut session, "why web");
    assert!(why.contains("the best of 2 nodes") && why.contains("NodeResourcesFit (x1)"), "{why}");
    let large = r#"kubectl run large --image=nginx --overrides='{"spec":{"containers":[{"name":"large","image":"nginx","resources":{"requests":{"cpu":"64"}}}]}}'; sleep 5; why large"#;
    let why = out(&mut session, large);
    assert!(why.contains("NodeResourcesFit: Insufficient cpu"), "{why}");
    let why = out(&mut session, "fault scheduler stop; kubectl run later --image=nginx >/dev/null; sleep 5; why later");
    assert!(why.contains("the scheduler does not run"), "{why}");
    assert_eq!(session.run("why absent").code, 1);
}
