//! Objects that no recording has, with what a server says of them: rules that were read in Kubernetes' sources.

use drydock_api::{Auth, Method, Request};
use drydock_apiserver::{Answer, ApiServer, Config};
use drydock_value::{parse_json, value};

/// A collection, an object for it, and what is wrong with it, as `field: message`, in order; equal complaints once.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
        r#"{"spec": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}, "ipBlock": {"cidr": "x"}}]}]}}"#,
        &[
            "spec.ingress[0].from[0].ipBlock.cidr: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer",
        ],
    ),
    (
        "/api/v1/namespaces/default/services",
        r#"{"spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 80}]}}"#,
        &[
            r#"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#,
        ],
    ),
    (
        "/api/v1/namespaces/default/resourcequotas",
        r#"{"spec": {"hard": {"cpu": 1, "pods": 1}, "scopes": ["BestEffort"]}}"#,
        &["spec.scopes: Invalid value: [\"BestEffort\"]: unsupported scope applied to resource"],
    ),
    (
        "/api/v1/namespaces/default/resourcequotas",
        r#"{"spec": {"hard": {"pods": 1}, "scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In"}, {"scopeName": "BestEffort", "operator": "In", "values": ["a"]},
            {"scopeName": "Foo", "operator": "Exists", "values": ["a"]}, {"scopeName": "NotBestEffort", "operator": "Is"}]}}}"#,
        &[
            "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
            "spec.scopeSelector.matchExpressions.operator: Invalid value: \"In\": must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            "spec.scopeSelector.matchExpressions.scopeName: Invalid value: \"Foo\": unsupported scope",
            "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
            "spec.scopeSelector.matchExpressions.operator: Invalid value: \"Is\": must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
            "spec.scopeSelector.matchExpressions.operator: Invalid value: \"Is\": not a valid selector operator",
            "spec.scopeSelector.matchExpressions: Invalid value: null: conflicting scopes",
        ],
    ),
    (
        "/api/v1/namespaces/default/resourcequotas",
        r#"{"spec": {"hard": {"services": 1}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}}"#,
        &[
            r#"spec.scopeSelector.matchExpressions: Invalid value: {"MatchExpressions":[{"ScopeName":"PriorityClass","Operator":"Exists","Values":null}]}: unsupported scope applied to resource"#,
        ],
    ),
    (
        "/apis/storage.k8s.io/v1/storageclasses",
        r#"{"provisioner": "foo bar", "allowedTopologies": [{"matchLabelExpressions": [
            {"key": "zone", "values": []}, {"key": "zone", "values": ["a", "a"]}]}]}"#,
        &[
            "provisioner: Invalid value: \"foo bar\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            "allowedTopologies[0].matchLabelExpressions[0].values: Required value",
            "allowedTopologies[0].matchLabelExpressions[1].values[1]: Duplicate value: \"a\"",
            "allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: \"zone\"",
        ],
    ),
];

#[test]
fn what_is_wrong_is_said() {
    for (collection, object, expected) in REFUSED {
        let mut server = ApiServer::new(Config::default());
        let mut object = parse_json(object).unwrap();
        object.set("metadata", value!({"name": "x"}));
        let mut request = Request::new(Method::Post, (*collection).to_owned()).with_value(object);
        request.auth = Auth::Certificate { certificate: "client.crt".into() };
        let now = server.now();
        let Answer::Response(response) = server.handle(request, now) else { panic!("{collection}") };
        let status = response.into_result().expect_err(collection);
        let mut causes: Vec<String> = Vec::new();
        for cause in &status.causes {
            let text = format!("{}: {}", cause.field, cause.message);
            if !causes.contains(&text) {
                causes.push(text);
            }
        }
        assert_eq!(&causes, expected, "{collection}");
    }
}
