//! Clients of the API server that run in pods.

use drydock_session::{Options, Session};

/// Each command, and what it prints on both outputs.
const LINES: &[(&str, &str)] = &[
    ("kubectl create serviceaccount reader", "serviceaccount/reader created\n"),
    (
        "kubectl create role reader --verb=get,list,watch --resource=pods,pods/log",
        "role.rbac.authorization.k8s.io/reader created\n",
    ),
    (
        "kubectl create rolebinding reader --role=reader --serviceaccount=default:reader",
        "rolebinding.rbac.authorization.k8s.io/reader created\n",
    ),
    (
        r#"kubectl run inside --image=bitnami/kubectl --overrides='{"spec":{"serviceAccountName":"reader"}}' --command -- sleep 9999"#,
        "pod/inside created\n",
    ),
    (
        r#"kubectl run curl --image=curlimages/curl --overrides='{"spec":{"serviceAccountName":"reader"}}' --command -- sleep 9999"#,
        "pod/curl created\n",
    ),
    (
        "kubectl run ticks --image=busybox -- sh -c 'for n in 1 2 3 4 5 6 7 8 9; do echo tick $n; sleep 2; done; sleep 9999'",
        "pod/ticks created\n",
    ),
    ("kubectl wait --for=condition=Ready pod/inside pod/curl pod/ticks -o name", "pod/inside\npod/curl\npod/ticks\n"),
    ("kubectl exec inside -- kubectl get pods -o name", "pod/curl\npod/inside\npod/ticks\n"),
    (
        "kubectl exec inside -- kubectl get nodes",
        "Error from server (Forbidden): nodes is forbidden: User \"system:serviceaccount:default:reader\" cannot list resource \
         \"nodes\" in API group \"\" at the cluster scope\ncommand terminated with exit code 1\n",
    ),
    ("kubectl exec inside -- kubectl auth can-i delete pods", "no\ncommand terminated with exit code 1\n"),
    ("sleep 20; kubectl exec inside -- kubectl logs ticks --tail=2", "tick 8\ntick 9\n"),
    (
        "kubectl exec inside -- kubectl logs nobody",
        "error: error from server (NotFound): pods \"nobody\" not found in namespace \"default\"\ncommand terminated with exit code 1\n",
    ),
    ("kubectl exec inside -- kubectl wait --for=condition=Ready pod/ticks --timeout=5s", "pod/ticks condition met\n"),
    (
        r#"kubectl exec curl -- sh -c 'curl -sk -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" "https://kubernetes.default.svc/api/v1/namespaces/default/pods/ticks/log?tailLines=1"'"#,
        "tick 9\n",
    ),
    (
        r#"kubectl exec curl -- sh -c 'timeout 2 curl -sNk -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" "https://kubernetes.default.svc/api/v1/namespaces/default/pods/ticks/log?follow=true&tailLines=2"; echo $?'"#,
        "tick 8\ntick 9\n143\nTerminated\n",
    ),
    (
        r#"kubectl exec curl -- sh -c 'timeout 2 curl -sNk -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" "https://kubernetes.default.svc/api/v1/namespaces/default/pods?watch=true" | grep -c ADDED'"#,
        "3\n",
    ),
    (
        r#"kubectl run mute --image=bitnami/kubectl --restart=Never --overrides='{"spec":{"automountServiceAccountToken":false}}' -- version --client=false"#,
        "pod/mute created\n",
    ),
    (
        "sleep 5; kubectl logs mute | tail -1",
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n",
    ),
];

#[test]
fn clients_in_pods_ask_as_their_accounts() {
    let mut session = Session::new(Options::default());
    for (line, expected) in LINES {
        let output = session.run(line);
        assert_eq!(format!("{}{}", output.stdout, output.stderr), *expected, "{line}");
    }
}
