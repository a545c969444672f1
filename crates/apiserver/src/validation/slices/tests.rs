use drydock_value::{Value, parse_json, value};

use super::Errors;

fn said(check: impl Fn(&mut Errors)) -> Vec<String> {
    let mut errors = Errors::default();
    check(&mut errors);
    errors.0.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
}

/// A slice of one node whose only device has these fields, with these of the spec.
fn slice(device: &str, spec: &str) -> Vec<String> {
    let (device, spec) = (comma(device), comma(spec));
    let slice = parse_json(&format!(
        r#"{{"spec": {{"driver": "d.example.com", "pool": {{"name": "p", "resourceSliceCount": 1}},
            "devices": [{{"name": "gpu-0"{device}}}]{spec}}}}}"#
    ));
    let slice: Value = slice.expect("a test's slice is JSON");
    said(|errors| super::slice(&slice, errors))
}

fn comma(fields: &str) -> String {
    if fields.is_empty() { String::new() } else { format!(", {fields}") }
}

#[test]
fn slices_are_refused_in_the_real_words() {
    const NODE: &str = r#""nodeName": "n""#;
    let cases: [(&str, &str, &[&str]); 13] = [
        ("", NODE, &[]),
        (
            "",
            "",
            &["spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` \
               is required"],
        ),
        (
            "",
            r#""nodeName": "n", "allNodes": true"#,
            &["spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of `nodeName`, `nodeSelector`, \
               `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are set"],
        ),
        (
            "",
            r#""nodeName": "n", "allNodes": false"#,
            &["spec.allNodes: Invalid value: false: must be either unset or set to true"],
        ),
        (
            r#""attributes": {"a": {}, "b": {"int": 1, "bool": true}, "/c": {"int": 1}}"#,
            NODE,
            &[
                "spec.devices[0].attributes[/c]: Invalid value: \"\": the domain must not be empty",
                "spec.devices[0].attributes[a]: Invalid value: \"\": exactly one value must be specified",
                "spec.devices[0].attributes[b]: Invalid value: {\"IntValue\":1,\"BoolValue\":true,\
                 \"StringValue\":null,\"VersionValue\":null}: exactly one value must be specified",
            ],
        ),
        (
            r#""attributes": {"v": {"version": "1.2"}, "w": {"version": "1.2.3-rc.1+b"}}"#,
            NODE,
            &["spec.devices[0].attributes[v].version: Invalid value: \"1.2\": must be a string compatible with \
               semver.org spec 2.0.0"],
        ),
        (
            r#""capacity": {"memory": {"value": "1Gi", "requestPolicy": {"default": "1Mi"}}}"#,
            NODE,
            &["spec.devices[0].capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true"],
        ),
        (
            r#""taints": [{"key": "a", "effect": "Never"}, {"key": "", "effect": ""}]"#,
            NODE,
            &[
                "spec.devices[0].taints[0].effect: Unsupported value: \"Never\": supported values: \"NoExecute\", \
                 \"NoSchedule\", \"None\"",
                "spec.devices[0].taints[1].key: Invalid value: \"\": name part must be non-empty",
                "spec.devices[0].taints[1].key: Invalid value: \"\": name part must consist of alphanumeric characters, \
                 '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  \
                 or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                "spec.devices[0].taints[1].effect: Required value",
            ],
        ),
        (
            r#""consumesCounters": [{"counterSet": "c"}]"#,
            NODE,
            &["spec.devices[0].consumesCounters[0].counters: Required value"],
        ),
        (
            r#""allNodes": true"#,
            NODE,
            &["spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if \
               `perDeviceNodeSelection` is set to true in the ResourceSlice spec"],
        ),
        (
            "",
            r#""perDeviceNodeSelection": true"#,
            &["spec.devices[0]: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required \
               when `perDeviceNodeSelection` is set to true in the ResourceSlice spec"],
        ),
        (
            r#""bindingConditions": ["a"], "bindingFailureConditions": ["a"]"#,
            NODE,
            &["spec.devices[0].bindingFailureConditions[0]: Invalid value: \"a\": bindingFailureConditions must not \
               overlap with bindingConditions"],
        ),
        (
            "",
            r#""nodeName": "n", "sharedCounters": [{"name": "c", "counters": {"m": {"value": "1"}}}]"#,
            &["spec: Invalid value: \"\": only one of `sharedCounters` or `devices` is allowed"],
        ),
    ];
    for (device, spec, words) in cases {
        assert_eq!(slice(device, spec), words, "{device} {spec}");
    }
}

#[test]
fn claims_are_refused_in_the_real_words() {
    let cases: [(&str, &[&str]); 9] = [
        (r#"{"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All"}}]}"#, &[]),
        (
            r#"{"requests": [{"name": "r"}, {"name": "r", "exactly": {"deviceClassName": "", "allocationMode": "Some"}}]}"#,
            &[
                "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
                "spec.devices.requests[1].exactly.deviceClassName: Required value",
                "spec.devices.requests[1].exactly.allocationMode: Unsupported value: \"Some\": supported values: \
                 \"All\", \"ExactCount\"",
                "spec.devices.requests[1]: Duplicate value: \"r\"",
            ],
        ),
        (
            r#"{"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All", "count": 2}}]}"#,
            &[
                "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is \
               'All'",
            ],
        ),
        (
            r#"{"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "ExactCount"}}]}"#,
            &["spec.devices.requests[0].exactly.count: Invalid value: 0: must be greater than zero"],
        ),
        (
            r#"{"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All",
                "tolerations": [{"operator": "Exists", "value": "x"}, {}]}}]}"#,
            &[
                "spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: \"x\": must be empty for operator \
                 `Exists`",
                "spec.devices.requests[0].exactly.tolerations[1].operator: Required value",
            ],
        ),
        (
            r#"{"constraints": [{"requests": ["x"], "matchAttribute": "numa"}]}"#,
            &[
                "spec.devices.constraints[0].requests[0]: Invalid value: \"x\": must be the name of a request in the \
                 claim or the name of a request and a subrequest separated by '/'",
                "spec.devices.constraints[0].matchAttribute: Invalid value: \"numa\": a fully qualified name must be a \
                 domain and a name separated by a slash",
            ],
        ),
        (
            r#"{"config": [{}, {"opaque": {"driver": "d.example.com", "parameters": [1]}}]}"#,
            &[
                "spec.devices.config[0].opaque: Required value",
                "spec.devices.config[1].opaque.parameters: Invalid value: \"<value omitted>\": must be a valid JSON object",
            ],
        ),
        (
            r#"{"requests": [{"name": "r", "firstAvailable": [{"name": "a", "deviceClassName": "c",
                "allocationMode": "All"}]}], "config": [{"requests": ["r/a", "r/b"],
                "opaque": {"driver": "", "parameters": {}}}]}"#,
            &[
                "spec.devices.config[0].requests[1]: Invalid value: \"r/b\": must be the name of a request in the claim \
                 or the name of a request and a subrequest separated by '/'",
                "spec.devices.config[0].opaque.driver: Required value",
                "spec.devices.config[0].opaque.driver: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist \
                 of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
                 character (e.g. 'example.com', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ],
        ),
        (r#"{"requests": []}"#, &[]),
    ];
    for (devices, words) in cases {
        let claim = value!({"spec": {"devices": parse_json(devices).expect("a test's devices are JSON")}});
        assert_eq!(said(|errors| super::super::devices::claim(&claim, errors)), words, "{devices}");
    }
}

#[test]
fn what_claims_were_given_is_looked_at() {
    let claim = |status: &str| {
        let status: Value = parse_json(status).expect("a test's status is JSON");
        value!({"spec": {"devices": {"requests": [{"name": "r"}]}}, "status": status})
    };
    const GIVEN: &str = r#"{"allocation": {"devices": {"results": [
        {"request": "r", "driver": "d.example.com", "pool": "p", "device": "g"}]}}}"#;
    let cases: [(&str, &str, &[&str]); 4] = [
        ("{}", GIVEN, &[]),
        (
            "{}",
            r#"{"reservedFor": [{"resource": "pods", "name": "a", "uid": "1"}]}"#,
            &["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
        ),
        (
            "{}",
            r#"{"devices": [{"driver": "d", "pool": "p", "device": "g"}]}"#,
            &["status.devices[0]: Invalid value: \"d/p/g\": must be an allocated device in the claim"],
        ),
        (
            "{}",
            r#"{"allocation": {"devices": {"results": [{"request": "q", "driver": "d", "pool": "", "device": "g"}],
                "config": [{"source": "Me", "opaque": {"driver": "d", "parameters": {}}}]}}}"#,
            &[
                "status.allocation.devices.results[0].request: Invalid value: \"q\": must be the name of a request in \
                 the claim or the name of a request and a subrequest separated by '/'",
                "status.allocation.devices.results[0].pool: Required value",
                "status.allocation.devices.config[0].source: Unsupported value: \"Me\": supported values: \
                 \"FromClaim\", \"FromClass\"",
            ],
        ),
    ];
    for (old, new, words) in cases {
        assert_eq!(said(|errors| super::claim_status(&claim(new), &claim(old), errors)), words, "{new}");
    }
}
