//! What services have of families, addresses and ports, at creation and later.

use super::*;

const SERVICES: &str = "/api/v1/namespaces/default/services";

fn service(spec: &str) -> Value {
    let mut service = value!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}});
    service
        .set("spec", drydock_schema::patch::merge_patch(&service["spec"], &drydock_value::parse_json(spec).unwrap()));
    service
}

/// How a service is made, how it is changed, and the end of what is said of it.
const CASES: [(&str, &str, &str); 19] = [
    (r#"{"clusterIPs":["10.96.0.9"]}"#, "", "must be empty when `clusterIP` is not specified"),
    (r#"{"clusterIP":"None","clusterIPs":["None","::1"]}"#, "", "'None' must be the first and only value"),
    (
        r#"{"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9","10.96.0.8"]}"#,
        "",
        "may specify no more than one IP for each IP family",
    ),
    (
        r#"{"clusterIP":"fd00::1"}"#,
        "",
        r#"spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster"#,
    ),
    (
        r#"{"ipFamilies":["IPv4","IPv6"]}"#,
        "",
        "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ),
    (
        r#"{"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"PreferDualStack"}"#,
        "",
        r#"spec.ipFamilies[1]: Invalid value: "IPv6": not configured on this cluster"#,
    ),
    (r#"{"clusterIP":"None","selector":null,"ipFamilies":["IPv6"]}"#, "", ""),
    (
        r#"{"clusterIP":"10.96.0.9"}"#,
        r#"{"ipFamilies":["IPv6"]}"#,
        "\"10.96.0.9\": expected an IPv6 value as indicated by `ipFamilies[0]`",
    ),
    (r#"{"ipFamilyPolicy":"PreferDualStack"}"#, r#"{"ports":[{"port":81}]}"#, ""),
    (
        "{}",
        r#"{"clusterIP":"10.96.0.77"}"#,
        r#"spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set"#,
    ),
    ("{}", r#"{"type":"LoadBalancer","loadBalancerClass":"a/b"}"#, ""),
    (
        r#"{"type":"LoadBalancer"}"#,
        r#"{"loadBalancerClass":"a/b"}"#,
        r#"Invalid value: "a/b": may not change once set"#,
    ),
    (
        r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local"}"#,
        r#"{"healthCheckNodePort":30001}"#,
        "spec.healthCheckNodePort: Forbidden: field is immutable",
    ),
    (
        r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":5}"#,
        "",
        "failed to allocate requested HealthCheck NodePort 5: provided port is not in the valid range. The range of valid \
         ports is 30000-32767",
    ),
    (r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local"}"#, r#"{"externalTrafficPolicy":"Cluster"}"#, ""),
    (
        r#"{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30009},{"name":"b","port":80,"nodePort":30009,"protocol":"UDP"}]}"#,
        "",
        "",
    ),
    (
        r#"{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30009},{"name":"b","port":81,"nodePort":30009,"protocol":"UDP"}]}"#,
        "",
        "spec.ports[1].nodePort: Invalid value: 30009: provided port is already allocated",
    ),
    (
        r#"{"type":"NodePort"}"#,
        r#"{"ports":[{"name":"a","port":80,"nodePort":30009},{"name":"b","port":81,"nodePort":30009}]}"#,
        "duplicate nodePort: {TCP 30009}",
    ),
    (r#"{"type":"NodePort"}"#, r#"{"type":"ExternalName","externalName":"a.b"}"#, ""),
];

#[test]
fn families_addresses_and_ports() {
    for (made, changed, words) in CASES {
        let mut bench = Bench::new();
        let mut answer = bench.create(SERVICES, service(made));
        if !changed.is_empty() {
            answer.unwrap();
            answer = bench.patch(&format!("{SERVICES}/web"), MERGE, &format!(r#"{{"spec":{changed}}}"#));
        }
        let said = answer.map_or_else(|status| status.message, |_| String::new());
        assert_eq!(said.is_empty(), words.is_empty(), "{made} {changed}: {said}");
        assert!(said.ends_with(words), "{made} {changed}: {said}");
    }
}

#[test]
fn ports_stay_with_their_names_and_are_one_for_all_protocols() {
    let mut bench = Bench::new();
    let made = bench.create(SERVICES, service(r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local"}"#)).unwrap();
    let (port, health) = (made["spec"]["ports"][0]["nodePort"].int(), made["spec"]["healthCheckNodePort"].int());
    assert!(port >= 30086 && health >= 30086 && port != health, "{port} {health}");
    let changed = r#"{"spec":{"ports":[{"port":99}],"healthCheckNodePort":null}}"#;
    let changed = bench.patch(&format!("{SERVICES}/web"), MERGE, changed).unwrap();
    assert_eq!(changed["spec"]["ports"][0]["nodePort"].int(), port);
    assert_eq!(changed["spec"]["healthCheckNodePort"].int(), health);
    let other = format!(r#"{{"type":"NodePort","ports":[{{"port":80,"protocol":"UDP","nodePort":{port}}}]}}"#);
    let mut other = service(&other);
    other["metadata"].set("name", "other");
    let refused = bench.create(SERVICES, other.clone()).unwrap_err();
    assert!(refused.message.ends_with("provided port is already allocated"), "{}", refused.message);
    // Whoever needs it no longer gives it back.
    let away = r#"{"spec":{"externalTrafficPolicy":"Cluster","type":"ClusterIP"}}"#;
    let away = bench.patch(&format!("{SERVICES}/web"), MERGE, away);
    assert!(away.unwrap_err().message.ends_with("may only be set for externally-accessible services"));
    let away = bench.patch(&format!("{SERVICES}/web"), MERGE, r#"{"spec":{"type":"ClusterIP"}}"#).unwrap();
    assert!(away["spec"]["healthCheckNodePort"].is_null() && away["spec"]["externalTrafficPolicy"].is_null());
    bench.create(SERVICES, other).unwrap();
}
