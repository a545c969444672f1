use drydock_api::{Method, Request, Status};
use drydock_value::{Value, value};

use crate::http::tests::Bench;

const GROUP: &str = "/apis/admissionregistration.k8s.io/v1";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

fn policy(spec: Value) -> Value {
    value!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "demo"}, "spec": spec})
}

fn rules(group: &str, resource: &str) -> Value {
    value!({"resourceRules": [{"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"],
                               "resources": [resource]}]})
}

fn binding(spec: Value) -> Value {
    let mut spec = spec;
    spec.set("policyName", "demo");
    value!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "bound"}, "spec": spec})
}

fn bench(spec: Value, bound: Value) -> Bench {
    let mut bench = Bench::new();
    bench.create(&format!("{GROUP}/validatingadmissionpolicies"), policy(spec)).unwrap();
    bench.create(&format!("{GROUP}/validatingadmissionpolicybindings"), binding(bound)).unwrap();
    bench
}

fn map(name: &str, data: Value) -> Value {
    value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn deployment(replicas: i64) -> Value {
    value!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1.27"}]}}
    }})
}

#[test]
fn a_policy_refuses_in_the_words_of_the_real_one() {
    let mut bench = bench(
        value!({"matchConstraints": rules("apps", "deployments"), "validations": [{"expression": "object.spec.replicas <= 5"}]}),
        value!({"validationActions": ["Deny"]}),
    );
    let refused = bench.create(DEPLOYMENTS, deployment(6)).unwrap_err();
    let why = "ValidatingAdmissionPolicy 'demo' with binding 'bound' denied request: failed expression: object.spec.replicas <= 5";
    assert_eq!(refused.message, format!("deployments.apps \"web\" is forbidden: {why}"));
    assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"));
    assert_eq!(refused.causes[0].message, why);
    bench.create(DEPLOYMENTS, deployment(5)).unwrap();
    // `oldObject` of what goes is an object, `object` is none.
    let refused = bench.refused(Request::new(Method::Delete, format!("{DEPLOYMENTS}/web")));
    assert!(refused.message.ends_with("resulted in error: no such key: spec"), "{}", refused.message);
    // Subresources are resources of their own.
    let status = "{\"status\":{\"replicas\":9}}";
    bench.patch(&format!("{DEPLOYMENTS}/web/status"), "application/merge-patch+json", status).unwrap();
}

fn refusal(spec: Value, bound: Value, data: Value) -> Result<(), Status> {
    bench(spec, bound).create(MAPS, map("m", data)).map(|_| ())
}

#[test]
fn expressions_see_what_they_may_see() {
    let deny = || value!({"validationActions": ["Deny"]});
    let cases = [
        ("object.data.a == 'x'", true),
        ("has(object.data.b)", false),
        ("oldObject == null && request.operation == 'CREATE'", true),
        ("request.name == 'm' && request.namespace == 'default' && request.resource.resource == 'configmaps'", true),
        ("request.kind.kind == 'ConfigMap' && request.userInfo.username == 'minikube-user' && !request.dryRun", true),
        ("namespaceObject.metadata.name == 'default' && namespaceObject.status.phase == 'Active'", true),
        ("authorizer.group('').resource('pods').namespace('default').check('create').allowed()", true),
        ("authorizer.requestResource.check('create').allowed()", true),
        (
            "authorizer.serviceAccount('default', 'default').group('').resource('secrets').check('list').allowed()",
            false,
        ),
        ("variables.double == 2 && variables.names.all(n, n == 'a')", true),
        ("object.metadata.?labels['app'].orValue('none') == 'none'", true),
        ("object.kind == 'ConfigMap' && object.apiVersion == 'v1'", true),
    ];
    for (expression, holds) in cases {
        let spec = value!({
            "matchConstraints": rules("", "configmaps"),
            "variables": [{"name": "one", "expression": "1"}, {"name": "double", "expression": "variables.one * 2"},
                          {"name": "names", "expression": "object.data.map(k, k)"}],
            "validations": [{"expression": expression}]
        });
        assert_eq!(refusal(spec, deny(), value!({"a": "x"})).is_ok(), holds, "{expression}");
    }
}

#[test]
fn messages_reasons_and_failures() {
    let spec = |validation: Value, more: Value| {
        let mut spec = value!({"matchConstraints": rules("", "configmaps"), "validations": [validation]});
        more.entries().for_each(|(key, value)| spec.set(key, value));
        spec
    };
    let none = || value!({});
    let cases = [
        (spec(value!({"expression": "false", "message": " no "}), none()), "Invalid", "denied request: no"),
        (
            spec(
                value!({"expression": "false", "message": "no", "messageExpression": "'not ' + object.metadata.name"}),
                none(),
            ),
            "Invalid",
            "denied request: not m",
        ),
        (
            spec(value!({"expression": "false", "message": "no", "messageExpression": "object.data.nope"}), none()),
            "",
            "must evaluate to string but got dyn",
        ),
        (
            spec(value!({"expression": "false", "reason": "Forbidden"}), none()),
            "Forbidden",
            "denied request: failed expression: false",
        ),
        (
            spec(value!({"expression": "object.data.nope == 'x'"}), none()),
            "Invalid",
            "denied request: expression 'object.data.nope == 'x'' resulted in error: no such key: nope",
        ),
        (spec(value!({"expression": "object.data.nope == 'x'"}), value!({"failurePolicy": "Ignore"})), "ok", ""),
        (
            spec(
                value!({"expression": "false"}),
                value!({"matchConditions": [{"name": "a", "expression": "object.metadata.name == 'other'"}]}),
            ),
            "ok",
            "",
        ),
        (
            spec(
                value!({"expression": "true"}),
                value!({"matchConditions": [{"name": "a", "expression": "object.nope"}]}),
            ),
            "",
            "must evaluate to bool but got dyn",
        ),
        (
            spec(
                value!({"expression": "params.data.x == 'y'"}),
                value!({"paramKind": {"apiVersion": "rules.example.com/v1", "kind": "Limit"}}),
            ),
            "Invalid",
            "ValidatingAdmissionPolicy 'demo' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Limit'",
        ),
    ];
    for (spec, reason, words) in cases {
        let mut bench = Bench::new();
        let made = bench.create(&format!("{GROUP}/validatingadmissionpolicies"), policy(spec.clone()));
        let found = made.and_then(|_| {
            bench.create(
                &format!("{GROUP}/validatingadmissionpolicybindings"),
                binding(value!({"validationActions": ["Deny"]})),
            )?;
            bench.create(MAPS, map("m", value!({"a": "x"})))
        });
        match found {
            Ok(_) => assert_eq!(reason, "ok", "{spec}"),
            Err(status) => {
                assert!(status.message.ends_with(words), "{spec}: {}", status.message);
                assert!(reason.is_empty() || status.reason == reason, "{spec}: {}", status.reason);
            }
        }
    }
}

#[test]
fn params_are_found_by_name_and_by_label() {
    let spec = value!({
        "matchConstraints": rules("apps", "deployments"), "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "validations": [{"expression": "object.spec.replicas <= int(params.data.most)",
                         "messageExpression": "'at most ' + params.data.most"}]
    });
    let reference = |reference: Value| value!({"validationActions": ["Deny"], "paramRef": reference});
    let deny = value!({"name": "limit", "parameterNotFoundAction": "Deny"});
    let mut named = bench(spec.clone(), reference(deny));
    let refused = named.create(DEPLOYMENTS, deployment(1)).unwrap_err();
    assert!(
        refused.message.ends_with(
            "denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
        ),
        "{}",
        refused.message
    );
    named.create(MAPS, map("limit", value!({"most": "3"}))).unwrap();
    named.create(DEPLOYMENTS, deployment(3)).unwrap();
    let patch = "{\"spec\":{\"replicas\":4}}";
    let refused = named.patch(&format!("{DEPLOYMENTS}/web"), "application/merge-patch+json", patch).unwrap_err();
    assert!(refused.message.ends_with("denied request: at most 3"), "{}", refused.message);

    let allow = value!({"selector": {"matchLabels": {"kind": "limit"}}, "parameterNotFoundAction": "Allow"});
    let mut selected = bench(spec, reference(allow));
    selected.create(DEPLOYMENTS, deployment(9)).unwrap();
    let mut limit = map("limit", value!({"most": "3"}));
    limit["metadata"].set("labels", value!({"kind": "limit"}));
    selected.create(MAPS, limit).unwrap();
    let patch = "{\"spec\":{\"replicas\":8}}";
    selected.patch(&format!("{DEPLOYMENTS}/web"), "application/merge-patch+json", patch).unwrap_err();
}

#[test]
fn warnings_and_matching() {
    let spec = value!({"matchConstraints": rules("", "configmaps"), "validations": [{"expression": "false", "message": "hm"}]});
    let mut warned = bench(spec.clone(), value!({"validationActions": ["Warn", "Audit"]}));
    let response = warned.send(Request::new(Method::Post, MAPS).with_value(map("m", value!({}))));
    let warnings: Vec<&str> =
        response.headers.iter().filter(|(name, _)| name == "warning").map(|(_, text)| text.as_str()).collect();
    assert_eq!(warnings, ["Validation failed for ValidatingAdmissionPolicy 'demo' with binding 'bound': hm"]);

    let within = |key: &str, resources: Value| {
        let mut bound = value!({"validationActions": ["Deny"]});
        bound.set(key, resources);
        bench(spec.clone(), bound).create(MAPS, map("m", value!({}))).is_err()
    };
    let selector = |value: &str| value!({"matchLabels": {"kubernetes.io/metadata.name": value}});
    assert!(within("matchResources", value!({"namespaceSelector": selector("default")})));
    assert!(!within("matchResources", value!({"namespaceSelector": selector("other")})));
    assert!(!within("matchResources", value!({"objectSelector": {"matchLabels": {"a": "b"}}})));
    let named = |name: &str| value!({"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "resourceNames": [name]}]});
    assert!(within("matchResources", named("m")));
    assert!(!within("matchResources", named("n")));
    let excluded = value!({"excludeResourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]}]});
    assert!(!within("matchResources", excluded));
}

#[test]
fn policies_are_validated_with_the_real_words() {
    let mut bench = Bench::new();
    let path = format!("{GROUP}/validatingadmissionpolicies");
    let mut refusal = |spec: Value| bench.create(&path, policy(spec)).unwrap_err().message;
    let found = refusal(
        value!({"matchConstraints": rules("apps", "deployments"), "validations": [{"expression": "object.x > y"}]}),
    );
    assert_eq!(
        found,
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io \"demo\" is invalid: spec.validations[0].expression: Invalid \
         value: \"object.x > y\": compilation failed: ERROR: <input>:1:12: undeclared reference to 'y' (in container '')\n \
         | object.x > y\n | ...........^"
    );
    let found =
        refusal(value!({"matchConstraints": rules("apps", "deployments"), "validations": [{"expression": "1"}]}));
    assert!(found.ends_with("Invalid value: \"1\": must evaluate to bool but got int"), "{found}");
    let found = refusal(value!({"matchConstraints": rules("apps", "deployments")}));
    assert!(
        found.contains(
            "spec.validations: Required value: validations or auditAnnotations must contain at least one item"
        )
    );
    let found = refusal(value!({"validations": [{"expression": "true"}]}));
    assert!(found.ends_with("spec.matchConstraints: Required value"), "{found}");
    let found = refusal(value!({"matchConstraints": rules("", "pods"), "validations": [{"expression": "params.a"}]}));
    assert!(found.contains("undeclared reference to 'params'"), "{found}");
    let found =
        refusal(value!({"matchConstraints": rules("", "pods"), "validations": [{"expression": "variables.x == 1"}]}));
    assert!(found.contains("undefined field 'x'"), "{found}");
    let path = format!("{GROUP}/validatingadmissionpolicybindings");
    let found = bench.create(&path, binding(value!({"validationActions": ["Deny", "Warn"]}))).unwrap_err().message;
    assert!(found.contains("must not contain both Deny and Warn"), "{found}");
}

#[test]
fn types_are_checked() {
    let bench = Bench::new();
    let check = |expression: &str, more: Value| {
        let mut spec =
            value!({"matchConstraints": rules("apps", "deployments"), "validations": [{"expression": expression}]});
        more.entries().for_each(|(key, value)| spec.set(key, value));
        bench.server.check_policy(&policy(spec))
    };
    assert_eq!(check("object.spec.replicas > 1", value!({})), value!({}));
    assert_eq!(check("object.spec.template.spec.containers.all(c, c.image.startsWith('x'))", value!({})), value!({}));
    let found = check("object.replicas > 1", value!({}));
    assert_eq!(
        found["expressionWarnings"][0],
        value!({"fieldRef": "spec.validations[0].expression", "warning":
            "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n"})
    );
    let variables = value!({"variables": [{"name": "n", "expression": "object.spec.replicas"}]});
    let found = check("variables.n == 'x'", variables);
    assert!(found["expressionWarnings"][0]["warning"].str().contains("'_==_' applied to '(int, string)'"));
}

fn mutating(mutation: Value, more: Value) -> Bench {
    let mut bench = Bench::new();
    let mut spec = value!({
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
        "reinvocationPolicy": "Never", "mutations": [mutation]
    });
    more.entries().for_each(|(key, value)| spec.set(key, value));
    let policy = value!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy",
                         "metadata": {"name": "demo"}, "spec": spec});
    bench.create(&format!("{GROUP}/mutatingadmissionpolicies"), policy).unwrap();
    let binding = value!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
                          "metadata": {"name": "bound"}, "spec": {"policyName": "demo"}});
    bench.create(&format!("{GROUP}/mutatingadmissionpolicybindings"), binding).unwrap();
    bench
}

#[test]
fn objects_are_changed_by_policies() {
    let apply = |expression: &str| value!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}});
    let mut bench = mutating(
        apply("Object{metadata: Object.metadata{labels: {'by': 'policy'}}, data: {'added': object.metadata.name}}"),
        value!({}),
    );
    let made = bench.create(MAPS, map("m", value!({"a": "x"}))).unwrap();
    assert_eq!(
        (&made["metadata"]["labels"], &made["data"]),
        (&value!({"by": "policy"}), &value!({"a": "x", "added": "m"}))
    );

    let patch = |expression: &str| value!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}});
    let add = "[JSONPatch{op: 'add', path: '/metadata/labels', value: {}}, JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: 'c'}]";
    let mut bench =
        mutating(patch(add), value!({"matchConditions": [{"name": "n", "expression": "object.metadata.name == 'm'"}]}));
    let made = bench.create(MAPS, map("m", value!({}))).unwrap();
    assert_eq!(made["metadata"]["labels"], value!({"a/b": "c"}));
    let other = bench.create(MAPS, map("other", value!({}))).unwrap();
    assert_eq!(other["metadata"].get("labels"), None);

    let mut bench = mutating(apply("Object{data: {'a': object.data.nope}}"), value!({}));
    let refused = bench.create(MAPS, map("m", value!({"a": "x"}))).unwrap_err();
    assert!(
        refused.message.contains("policy 'demo' with binding 'bound' denied request: expression"),
        "{}",
        refused.message
    );
}

#[test]
fn configurations_of_webhooks_are_validated() {
    let mut bench = Bench::new();
    let hook = |hook: Value| {
        let mut full = value!({"name": "a.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                               "clientConfig": {"service": {"name": "s", "namespace": "default"}}});
        hook.entries().for_each(|(key, value)| full.set(key, value));
        value!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "w"}, "webhooks": [full]})
    };
    let path = format!("{GROUP}/validatingwebhookconfigurations");
    let cases = [
        (
            value!({"name": "a"}),
            "webhooks[0].name: Invalid value: \"a\": should be a domain with at least three segments separated by dots",
        ),
        (
            value!({"sideEffects": "Some"}),
            "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", \"NoneOnDryRun\"",
        ),
        (value!({"timeoutSeconds": 31}), "the timeout value must be between 1 and 30 seconds"),
        (
            value!({"clientConfig": {}}),
            "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
        ),
        (
            value!({"matchConditions": [{"name": "x", "expression": "nope"}]}),
            "undeclared reference to 'nope' (in container '')\n | nope\n | ^",
        ),
        (
            value!({"admissionReviewVersions": []}),
            "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
        ),
    ];
    for (given, words) in cases {
        let refused = bench.create(&path, hook(given.clone())).unwrap_err();
        assert!(refused.message.ends_with(words), "{given}: {}", refused.message);
    }
    bench
        .create(&path, hook(value!({"matchConditions": [{"name": "x", "expression": "object.metadata.name != 'x'"}]})))
        .unwrap();
}

#[test]
fn webhooks_that_cannot_be_called_fail_the_request() {
    let hook = |more: Value| {
        let mut hook = value!({
            "name": "a.example.com", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {"name": "hook", "namespace": "default", "path": "/validate"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]
        });
        more.entries().for_each(|(key, value)| hook.set(key, value));
        value!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "w"}, "webhooks": [hook]})
    };
    let service = value!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "hook"},
                          "spec": {"clusterIP": "10.96.0.77", "ports": [{"port": 443}]}});
    let url = "Post \"https://hook.default.svc:443/validate?timeout=10s\"";
    let cases = [
        (value!({}), false, format!("{url}: service \"hook\" not found")),
        (value!({}), true, format!("{url}: dial tcp 10.96.0.77:443: connect: connection refused")),
        (
            value!({"clientConfig": {"url": "https://hook.test/x"}, "timeoutSeconds": 3}),
            false,
            "Post \"https://hook.test/x?timeout=3s\": dial tcp: lookup hook.test on 192.168.49.1:53: no such host"
                .to_owned(),
        ),
        (value!({"failurePolicy": "Ignore"}), false, String::new()),
        (
            value!({"matchConditions": [{"name": "c", "expression": "object.metadata.name != 'm'"}]}),
            false,
            String::new(),
        ),
        (value!({"objectSelector": {"matchLabels": {"a": "b"}}}), false, String::new()),
    ];
    for (more, with_service, words) in cases {
        let mut bench = Bench::new();
        if with_service {
            bench.create("/api/v1/namespaces/default/services", service.clone()).unwrap();
        }
        bench.create(&format!("{GROUP}/validatingwebhookconfigurations"), hook(more.clone())).unwrap();
        match bench.create(MAPS, map("m", value!({}))) {
            Ok(_) => assert_eq!(words, "", "{more}"),
            Err(found) => {
                let start =
                    "Internal error occurred: failed calling webhook \"a.example.com\": failed to call webhook: ";
                assert_eq!((found.code, found.message), (500, format!("{start}{words}")));
            }
        }
    }
}

#[test]
fn ways_into_pods_are_refused() {
    let rules = value!({"resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["pods/exec"]}
    ]});
    let mut bench = bench(
        value!({"matchConstraints": rules, "validations": [
            {"expression": "!('sh' in object.command) && object.kind == 'PodExecOptions'", "message": "no shells"}
        ]}),
        value!({"validationActions": ["Deny"]}),
    );
    let pod = value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                      "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    bench.create("/api/v1/namespaces/default/pods", pod).unwrap();
    let exec = |command: &str| {
        Request::new(Method::Post, "/api/v1/namespaces/default/pods/p/exec")
            .param("command", command)
            .param("stdout", "true")
    };
    let refused = bench.refused(exec("sh"));
    let with = "ValidatingAdmissionPolicy 'demo' with binding 'bound'";
    assert_eq!(refused.message, format!("pods \"p\" is forbidden: {with} denied request: no shells"));
    let now = bench.server.now();
    let mut request = exec("ls");
    request.auth = drydock_api::Auth::Certificate { certificate: "/home/learner/.minikube/client.crt".into() };
    assert!(matches!(bench.server.handle(request, now), crate::http::Answer::Connect(_)));
}

#[test]
fn who_names_parameters_must_be_allowed_to_read_them() {
    let mut bench = Bench::new();
    let group = "/apis/rbac.authorization.k8s.io/v1";
    let role = value!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [
        {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["*"]}]});
    bench.create(&format!("{group}/clusterroles"), role).unwrap();
    let bound = value!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}]});
    bench.create(&format!("{group}/clusterrolebindings"), bound).unwrap();
    let secrets = policy(value!({"matchConstraints": rules("", "configmaps"), "validations": [{"expression": "true"}],
                                 "paramKind": {"apiVersion": "v1", "kind": "Secret"}}));
    let ask = |object: Value| {
        let path = format!("{GROUP}/validatingadmissionpolicies");
        Request::new(Method::Post, path).with_value(object).header("Impersonate-User", "ann")
    };
    let refused = bench.refused(ask(secrets));
    assert_eq!(
        refused.message,
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io \"demo\" is invalid: spec.paramKind: Forbidden: user &{ann  \
         [system:authenticated] map[]} must have \"get\" permission on all objects of the referenced paramKind \
         (kind=Secret, apiVersion=v1)"
    );
    bench.ok(ask(policy(
        value!({"matchConstraints": rules("", "configmaps"), "validations": [{"expression": "true"}]}),
    )));
}

#[test]
fn what_policies_add_is_completed() {
    let pods = value!({"matchConstraints": {"resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    ]}});
    let add = "Object{spec: Object.spec{containers: [Object.spec.containers{name: 'mesh', image: 'busybox'}]}}";
    let mut bench =
        mutating(value!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": add}}), pods);
    let pod = value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                      "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    let made = bench.create("/api/v1/namespaces/default/pods", pod).unwrap();
    let containers = made["spec"]["containers"].items();
    let names: Vec<&str> = containers.iter().map(|container| container["name"].str()).collect();
    assert_eq!(names, ["c", "mesh"]);
    assert_eq!(containers[1]["imagePullPolicy"], "Always");
    assert_eq!(containers[0]["volumeMounts"], containers[1]["volumeMounts"]);
    assert_eq!(made["spec"]["volumes"].items().len(), 1);
}

#[test]
fn bindings_and_evictions_are_looked_at_as_such() {
    let pod = value!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
                      "spec": {"containers": [{"name": "c", "image": "nginx"}]}});
    let body = |version: &str, kind: &str| value!({"apiVersion": version, "kind": kind, "metadata": {"name": "p"}});
    let mut binding = body("v1", "Binding");
    binding.set("target", value!({"kind": "Node", "name": "n"}));
    for (subresource, object) in [("binding", binding), ("eviction", body("policy/v1", "Eviction"))] {
        let rules = value!({"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": [format!("pods/{subresource}")]}
        ]});
        let expression = "request.operation != 'CREATE' || object.kind in ['Pod']";
        let mut bench = bench(
            value!({"matchConstraints": rules, "validations": [{"expression": expression, "message": "no"}]}),
            value!({"validationActions": ["Deny"]}),
        );
        bench.create("/api/v1/namespaces/default/pods", pod.clone()).unwrap();
        let path = format!("/api/v1/namespaces/default/pods/p/{subresource}");
        let refused = bench.refused(Request::new(Method::Post, path).with_value(object));
        assert!(refused.message.ends_with("denied request: no"), "{}", refused.message);
    }
}
