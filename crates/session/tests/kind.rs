//! A cluster like kind's: what is there after `kind create cluster`, and who leads.

use std::time::Duration;

use drydock_session::{Options, Profile, Session};

fn open(profile: Profile) -> Session {
    Session::new(Options { profile, ..Options::default() })
}

fn pass(session: &mut Session, seconds: u64) {
    let until = session.now() + Duration::from_secs(seconds);
    while !session.advance(until, 1 << 16).reached {}
}

fn out(session: &mut Session, script: &str) -> String {
    let output = session.run(script);
    format!("{}{}", output.stdout, output.stderr)
}

#[test]
fn a_new_cluster_is_as_kind_makes_it() {
    let mut session = open(Profile::Kind);
    let on_master = "ssh kind-control-plane";
    for (command, expected) in [
        ("kubectl config current-context", "kind-kind\n"),
        ("kubectl auth whoami -o jsonpath='{.status.userInfo.username}'", "kubernetes-admin"),
        ("kubectl get endpointslice kubernetes -o jsonpath='{.ports[0].port}'", "6443"),
        ("kubectl get servicecidr kubernetes -o jsonpath='{.spec.cidrs}'", "[\"10.96.0.0/16\"]"),
        (
            "kubectl get ds -A -o custom-columns=NAME:.metadata.name,READY:.status.numberReady --no-headers",
            "kindnet      3\nkube-proxy   3\n",
        ),
        ("kubectl get csinodes -o name | wc -l", "3\n"),
        (
            &format!("{on_master} ls /etc/kubernetes/pki /etc/cni/net.d"),
            "/etc/cni/net.d:\n10-kindnet.conflist\n\n/etc/kubernetes/pki:\nca.crt\netcd\n",
        ),
        (&format!("{on_master} grep -c minikube /etc/kubernetes/manifests/kube-apiserver.yaml"), "0\n"),
        (
            &format!("{on_master} grep leader-elect /etc/kubernetes/manifests/kube-scheduler.yaml"),
            "    - --leader-elect=true\n",
        ),
        (
            "kubectl get cm kube-proxy -n kube-system -o yaml | grep server:",
            "        server: https://kind-control-plane:6443\n",
        ),
        (
            "kubectl get leases -n kube-system -o name | grep -v apiserver",
            "lease.coordination.k8s.io/kube-controller-manager\nlease.coordination.k8s.io/kube-scheduler\n",
        ),
    ] {
        assert_eq!(out(&mut session, command), expected, "{command}");
    }
}

#[test]
fn whoever_is_new_waits_for_the_lease() {
    let mut session = open(Profile::Kind);
    let lease =
        "kubectl get lease kube-scheduler -n kube-system -o jsonpath='{.spec.leaseTransitions} {.spec.holderIdentity}'";
    let before = out(&mut session, lease);
    assert!(before.starts_with("0 kind-control-plane_"), "{before}");
    out(&mut session, "fault scheduler stop");
    out(&mut session, "fault scheduler start");
    out(&mut session, "kubectl run web --image=nginx");
    pass(&mut session, 8);
    // The process is there again, and waits until its predecessor's lease has run out.
    assert_eq!(out(&mut session, "kubectl get pod web -o jsonpath='{.status.phase}'"), "Pending");
    assert_eq!(out(&mut session, lease), before);
    pass(&mut session, 20);
    assert_eq!(out(&mut session, "kubectl get pod web -o jsonpath='{.status.phase}'"), "Running");
    let after = out(&mut session, lease);
    assert!(after.starts_with("1 kind-control-plane_") && after[1..] != before[1..], "{after}");
    let led = "kubectl get events -n kube-system --field-selector reason=LeaderElection -o name | wc -l";
    assert_eq!(out(&mut session, led), "3\n");
    // Who leads makes its lease anew, and goes on renewing it.
    out(&mut session, "kubectl delete lease kube-scheduler -n kube-system");
    pass(&mut session, 4);
    let renewed = "kubectl get lease kube-scheduler -n kube-system -o jsonpath='{.spec.renewTime}'";
    let moment = out(&mut session, renewed);
    pass(&mut session, 4);
    assert_ne!(out(&mut session, renewed), moment);
}
