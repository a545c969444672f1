//! What is said of objects that are wrong, at creation and later.

use super::*;

fn base(kind: &str) -> (&'static str, Value) {
    let template = value!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let apps = value!({"selector": {"matchLabels": {"a": "b"}}, "template": template});
    let job = value!({"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}});
    let (group, path, spec) = match kind {
        "Job" => ("batch/v1", "/apis/batch/v1/namespaces/default/jobs", job),
        "StatefulSet" => ("apps/v1", "/apis/apps/v1/namespaces/default/statefulsets", apps),
        "PersistentVolumeClaim" => (
            "v1",
            "/api/v1/namespaces/default/persistentvolumeclaims",
            value!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}),
        ),
        "ResourceQuota" => ("v1", "/api/v1/namespaces/default/resourcequotas", value!({"hard": {"pods": 1}})),
        "APIService" => (
            "apiregistration.k8s.io/v1",
            "/apis/apiregistration.k8s.io/v1/apiservices",
            value!({"group": "a.b", "version": "v1", "groupPriorityMinimum": 5, "versionPriority": 5,
                    "service": {"namespace": "c", "name": "d"}}),
        ),
        "FlowSchema" => (
            "flowcontrol.apiserver.k8s.io/v1",
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
            value!({"priorityLevelConfiguration": {"name": "a"}}),
        ),
        "PriorityLevelConfiguration" => (
            "flowcontrol.apiserver.k8s.io/v1",
            "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
            value!({"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {}}}}),
        ),
        "LimitRange" => ("v1", "/api/v1/namespaces/default/limitranges", value!({})),
        "RuntimeClass" => ("node.k8s.io/v1", "/apis/node.k8s.io/v1/runtimeclasses", Value::Null),
        "Ingress" => (
            "networking.k8s.io/v1",
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            value!({"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}),
        ),
        _ => ("apps/v1", DEPLOYMENTS, apps),
    };
    let mut object = value!({"apiVersion": group, "kind": kind, "metadata": {"name": "w"}});
    if !spec.is_null() {
        object.set("spec", spec);
    }
    (path, object)
}

/// A kind, what its object has besides, how it is changed, and the end of what is said of it.
const CASES: [(&str, &str, &str, &str); 35] = [
    ("StatefulSet", r#"{"metadata":{"name":"a.b"}}"#, "", "must not contain dots"),
    (
        "Deployment",
        r#"{"spec":{"template":{"spec":{"restartPolicy":"Foo"}}}}"#,
        "",
        r#"spec.template.spec.restartPolicy: Unsupported value: "Foo": supported values: "Always"]"#,
    ),
    (
        "Job",
        r#"{"spec":{"template":{"spec":{"restartPolicy":"Foo"}}}}"#,
        "",
        r#"spec.template.spec.restartPolicy: Unsupported value: "Foo": supported values: "OnFailure", "Never"]"#,
    ),
    (
        "Job",
        r#"{"spec":{"completionMode":"Indexed","completions":3,"parallelism":200000}}"#,
        "",
        "spec.parallelism: Invalid value: 200000: must be less than or equal to 100000 when completion mode is Indexed",
    ),
    (
        "Job",
        r#"{"spec":{"completionMode":"Indexed","completions":200000,"backoffLimitPerIndex":1,"parallelism":1}}"#,
        "",
        "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
    ),
    (
        "Job",
        r#"{"spec":{"completionMode":"Indexed","completions":3,"backoffLimitPerIndex":1,"maxFailedIndexes":4}}"#,
        "",
        "spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions",
    ),
    ("Job", r#"{"spec":{"managedBy":"a"}}"#, "", r#"must be a domain-prefixed path (such as "acme.io/foo")"#),
    ("Job", r#"{"spec":{"managedBy":"a.b/c"}}"#, "", ""),
    (
        "Job",
        r#"{"spec":{"podFailurePolicy":{"rules":[]},"podReplacementPolicy":"TerminatingOrFailed"}}"#,
        "",
        r#"spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed""#,
    ),
    (
        "Job",
        r#"{"spec":{"podFailurePolicy":{"rules":[{"action":"","onPodConditions":[{"type":"a","status":"True"}]}]}}}"#,
        "",
        r#"action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]"#,
    ),
    ("Job", "{}", r#"{"spec":{"completions":3}}"#, "spec.completions: Invalid value: 3: field is immutable"),
    (
        "Job",
        r#"{"spec":{"completionMode":"Indexed","completions":2,"parallelism":2}}"#,
        r#"{"spec":{"completions":3}}"#,
        "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism",
    ),
    (
        "Job",
        r#"{"spec":{"completionMode":"Indexed","completions":2,"parallelism":2}}"#,
        r#"{"spec":{"completions":3,"parallelism":3}}"#,
        "",
    ),
    ("PersistentVolumeClaim", r#"{"spec":{"dataSource":{"kind":"Foo","name":"a"}}}"#, "", ""),
    (
        "PersistentVolumeClaim",
        r#"{"spec":{"dataSourceRef":{"kind":"Pod","name":"a"}}}"#,
        "",
        r#"spec.dataSourceRef: Invalid value: "Pod": must be 'PersistentVolumeClaim' when referencing the default apiGroup]"#,
    ),
    (
        "PersistentVolumeClaim",
        r#"{"spec":{"dataSourceRef":{"kind":"A","apiGroup":"b","name":"a"},"dataSource":{"kind":"A","name":"b","apiGroup":"b"}}}"#,
        "",
        "spec: Invalid value: {}: must match dataSourceRef",
    ),
    (
        "PersistentVolumeClaim",
        r#"{"spec":{"volumeAttributesClassName":"a"}}"#,
        r#"{"spec":{"volumeAttributesClassName":null}}"#,
        "spec.volumeAttributesClassName: Forbidden: update from non-nil value to nil is forbidden]",
    ),
    (
        "Ingress",
        r#"{"metadata":{"annotations":{"kubernetes.io/ingress.class":"a"}},"spec":{"ingressClassName":"b"}}"#,
        "",
        r#"annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified"#,
    ),
    (
        "Ingress",
        r#"{"metadata":{"annotations":{"kubernetes.io/ingress.class":"a"}},"spec":{"ingressClassName":"a"}}"#,
        r#"{"spec":{"ingressClassName":"b"}}"#,
        "",
    ),
    (
        "APIService",
        r#"{"metadata":{"name":"v1.a.b"},"spec":{"versionPriority":0}}"#,
        "",
        "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
    ),
    (
        "APIService",
        r#"{"metadata":{"name":"v1.a.b"},"spec":{"insecureSkipTLSVerify":true,"caBundle":"aGk="}}"#,
        "",
        "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
    ),
    (
        "APIService",
        r#"{"metadata":{"name":"v1.a.b"},"spec":{"service":null,"caBundle":"aGk="}}"#,
        "",
        r#"spec.caBundle: Invalid value: "2 bytes": local APIServices may not have a caBundle"#,
    ),
    (
        "Deployment",
        r#"{"spec":{"template":{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"+5"}}}}}"#,
        "",
        "annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: \"+5\": must be a 32bit integer",
    ),
    (
        "Deployment",
        r#"{"spec":{"template":{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-5"}}}}}"#,
        "",
        "",
    ),
    ("FlowSchema", "{}", "", ""),
    (
        "FlowSchema",
        r#"{"spec":{"matchingPrecedence":1,"rules":[{"subjects":[{"kind":"User"}]}]}}"#,
        "",
        "[spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1, \
         spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User', spec.rules[0]: \
         Required value: at least one of resourceRules and nonResourceRules has to be non-empty]",
    ),
    ("PriorityLevelConfiguration", "{}", "", ""),
    (
        "PriorityLevelConfiguration",
        r#"{"spec":{"type":"Exempt"}}"#,
        "",
        "[spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt', spec.limited: \
         Forbidden: must be nil if the type is not Limited]",
    ),
    (
        "PriorityLevelConfiguration",
        "{}",
        r#"{"spec":{"limited":{"limitResponse":{"queuing":{"queues":4,"handSize":8}}}}}"#,
        "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)",
    ),
    (
        "ResourceQuota",
        "{}",
        r#"{"spec":{"scopes":["BestEffort"]}}"#,
        r#"spec.scopes: Invalid value: ["BestEffort"]: field is immutable"#,
    ),
    (
        "LimitRange",
        r#"{"spec":{"limits":[{"type":"Container","min":{"cpu":"1"},"max":{"cpu":"4"},"maxLimitRequestRatio":{"cpu":5}}]}}"#,
        "",
        "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"5\": ratio 5 is greater than max/min = 4.000000",
    ),
    ("RuntimeClass", r#"{"handler":"a","overhead":{"podFixed":{"cpu":"1"}}}"#, "", ""),
    (
        "RuntimeClass",
        r#"{"handler":"a","overhead":{"podFixed":{"cpu":"-1"}}}"#,
        "",
        "overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0",
    ),
    (
        "RuntimeClass",
        r#"{"handler":"a","scheduling":{"tolerations":[{"key":"a","operator":"Foo"}]}}"#,
        "",
        r#"scheduling.tolerations[0].operator: Unsupported value: "Foo": supported values: "Equal", "Exists""#,
    ),
    ("Job", r#"{"spec":{"suspend":true}}"#, r#"{"spec":{"template":{"spec":{"nodeSelector":{"a":"b"}}}}}"#, ""),
];

#[test]
fn what_is_wrong_with_workloads() {
    for (kind, besides, changed, words) in CASES {
        let (path, object) = base(kind);
        let object = drydock_schema::patch::merge_patch(&object, &drydock_value::parse_json(besides).unwrap());
        let mut bench = Bench::new();
        let mut answer = bench.create(path, object);
        if !changed.is_empty() {
            answer.unwrap();
            answer = bench.patch(&format!("{path}/w"), MERGE, changed);
        }
        let said = answer.map_or_else(|status| status.message, |_| String::new());
        assert!(said.ends_with(words) && said.is_empty() == words.is_empty(), "{kind} {besides} {changed}: {said}");
    }
}
