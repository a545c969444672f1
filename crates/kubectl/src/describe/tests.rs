//! Whole objects through the table of describers, by what stands in their descriptions.

use drydock_value::{Time, Value, parse_json, value};

use super::{Context, describe};

/// A description by a server that has empty lists only, or the words of the failure.
fn described(object: &Value) -> String {
    let mut fetch = |_| Ok(value!({"items": (Vec::<Value>::new())}));
    let mut ctx = Context { fetch: &mut fetch, now: Time::from_seconds(0), show_events: false, chunk_size: 0 };
    describe(object, &mut ctx).unwrap_or_else(|error| error.words())
}

/// Objects, a part of their description (with runs of spaces as one), and whether it is there.
const CASES: &[(&str, &str, bool)] = &[
    // What is missing or empty.
    (r#"{"kind":"Service","spec":{"ports":[{"port":80,"protocol":"TCP"}]}}"#, "TargetPort: 0/TCP", true),
    (r#"{"kind":"Service","spec":{"clusterIPs":[""]}}"#, "IPs: \n", true),
    (r#"{"kind":"Service","spec":{"clusterIPs":[]}}"#, "IPs: <none>\n", true),
    (r#"{"kind":"Service","spec":{"internalTrafficPolicy":""}}"#, "Internal Traffic Policy: \n", true),
    (r#"{"kind":"Service","spec":{"externalTrafficPolicy":""}}"#, "External Traffic Policy", false),
    (r#"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"selector":{}}}"#, "Pod Template:\n Labels: <none>", true),
    (r#"{"kind":"ReplicationController","spec":{}}"#, "Pod Template:\n <unset>", true),
    (r#"{"kind":"PersistentVolumeClaim","spec":{"dataSource":{"name":"a"}}}"#, "Kind: \n Name: a", true),
    (
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","spec":{"parameters":{}}}"#,
        "Kind: \n Name: \n",
        true,
    ),
    (
        r#"{"kind":"Pod","spec":{"containers":[{"name":"a","livenessProbe":{"httpGet":{"path":"x","scheme":"HTTP"}},
            "readinessProbe":{"tcpSocket":{}}}]}}"#,
        "Liveness: http-get http://:0/x delay=0s timeout=0s period=0s #success=0 #failure=0\n Readiness: tcp-socket :0 ",
        true,
    ),
    // Sorted as texts, not by key; values of selectors stand as often as they are given.
    (r#"{"kind":"Service","spec":{"selector":{"app":"a","app.x/y":"b"}}}"#, "Selector: app.x/y=b,app=a\n", true),
    (
        r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"selector":{"matchExpressions":[
            {"key":"a","operator":"In","values":["y","x","y"]}]}}}"#,
        "Selector: a in (x,y,y)\n",
        true,
    ),
    // What cannot be read.
    (
        r#"{"apiVersion":"apps/v1","kind":"DaemonSet","spec":{"selector":{"matchExpressions":[{"operator":"x"}]}}}"#,
        "\"x\" is not a valid label selector operator",
        true,
    ),
    (
        r#"{"apiVersion":"batch/v1","kind":"Job","spec":{"selector":{"matchExpressions":[{"operator":"x"}]}}}"#,
        "Selector: Failed to get selector: \"x\" is not a valid label selector operator\n",
        true,
    ),
    // Of what excludes each other, the first counts.
    (
        r#"{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","spec":{"policyTypes":["Ingress"],
            "ingress":[{"from":[{"podSelector":{},"ipBlock":{"cidr":"10.0.0.0/8"}}]}]}}"#,
        "IPBlock",
        false,
    ),
    (
        r#"{"kind":"Pod","spec":{"containers":[{"name":"a"}]},"status":{"containerStatuses":[
            {"name":"a","state":{"waiting":{"reason":"A"},"terminated":{"reason":"B"}}}]}}"#,
        "State: Waiting\n Reason: A\n",
        true,
    ),
];

#[test]
fn descriptions_say_what_kubectl_says() {
    for (object, part, there) in CASES {
        let text = described(&parse_json(object).unwrap());
        let lines: Vec<String> = text
            .lines()
            .map(|line| {
                let mut shown = line.split_whitespace().collect::<Vec<_>>().join(" ");
                if line.starts_with(' ') {
                    shown.insert(0, ' ');
                }
                if line.ends_with(' ') {
                    shown.push(' ');
                }
                shown + "\n"
            })
            .collect();
        assert_eq!(lines.concat().contains(part), *there, "{object}\n{part:?}\n{text}");
    }
}
