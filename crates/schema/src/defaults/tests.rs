use drydock_value::{Value, value};

use super::apply_defaults;
use crate::{Schema, normalize};
use drydock_api::GroupVersionKind;

/// As the server makes it: read, normalized, defaulted.
fn defaulted(api_version: &str, kind: &str, mut object: Value) -> Value {
    object.set("apiVersion", api_version);
    object.set("kind", kind);
    let gvk = GroupVersionKind::of(&object);
    let mut object = normalize(Schema::get().by_kind(&gvk).unwrap(), &object);
    apply_defaults(&gvk, &mut object);
    let again = {
        let mut again = object.clone();
        apply_defaults(&gvk, &mut again);
        again
    };
    assert!(again.ptr_eq(&object), "defaults are set once: {object} {again}");
    object
}

#[test]
fn a_deployment_gets_its_and_its_pods() {
    let given = value!({
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{
                        "name": "web", "image": "nginx", "ports": [{"containerPort": 80}],
                        "resources": {"limits": {"cpu": "1"}},
                        "livenessProbe": {"httpGet": {"port": 80}},
                        "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
                    }],
                    "serviceAccountName": "robot",
                    "volumes": [{"name": "a"}, {"name": "b", "configMap": {"name": "c"}}, {"name": "h", "hostPath": {"path": "/x"}}]
                }
            }
        }
    });
    let expected = value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [{
                        "name": "web", "image": "nginx", "imagePullPolicy": "Always",
                        "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {"limits": {"cpu": "1"}},
                        "livenessProbe": {
                            "failureThreshold": 3, "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
                            "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1
                        },
                        "env": [{
                            "name": "N", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
                        }],
                        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
                    }],
                    "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                    "securityContext": {}, "serviceAccount": "robot", "serviceAccountName": "robot",
                    "terminationGracePeriodSeconds": 30,
                    "volumes": [
                        {"name": "a", "emptyDir": {}}, {"name": "b", "configMap": {"name": "c", "defaultMode": 420}},
                        {"name": "h", "hostPath": {"path": "/x", "type": ""}}
                    ]
                }
            }
        },
        "status": {}
    });
    assert_eq!(defaulted("apps/v1", "Deployment", given), expected);
}

/// One line a kind: what is given, where to look, what must be there.
#[test]
fn kinds_have_their_defaults() {
    let cases: Vec<(&str, &str, Value, &[&str], Value)> = vec![
        (
            "v1",
            "Pod",
            value!({"spec": {"containers": [{"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1m"}}}]}}),
            &["spec", "containers"],
            value!([{
               "name": "", "imagePullPolicy": "IfNotPresent",
               "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1m", "memory": "1Gi"}},
               "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
            }]),
        ),
        ("v1", "Pod", value!({}), &["spec", "enableServiceLinks"], value!(true)),
        (
            "v1",
            "Pod",
            value!({"spec": {"hostNetwork": true, "containers": [{"ports": [{"containerPort": 80}]}]}}),
            &["spec", "containers"],
            value!([{
               "name": "", "imagePullPolicy": "IfNotPresent", "resources": {},
               "ports": [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}],
               "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
            }]),
        ),
        (
            "v1",
            "Service",
            value!({"spec": {"ports": [{"port": 80}]}}),
            &["spec"],
            value!({
                "internalTrafficPolicy": "Cluster", "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
                "sessionAffinity": "None", "type": "ClusterIP"
            }),
        ),
        (
            "v1",
            "Service",
            value!({"spec": {"type": "LoadBalancer", "sessionAffinity": "ClientIP"}}),
            &["spec"],
            value!({
                "allocateLoadBalancerNodePorts": true, "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
                "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}},
                "type": "LoadBalancer"
            }),
        ),
        (
            "v1",
            "Namespace",
            value!({"metadata": {"name": "x"}}),
            &["metadata", "labels"],
            value!({"kubernetes.io/metadata.name": "x"}),
        ),
        ("v1", "Secret", value!({}), &["type"], value!("Opaque")),
        ("v1", "PersistentVolumeClaim", value!({}), &["spec", "volumeMode"], value!("Filesystem")),
        ("v1", "PersistentVolumeClaim", value!({}), &["status", "phase"], value!("Pending")),
        (
            "v1",
            "ReplicationController",
            value!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}}),
            &["spec", "selector"],
            value!({"a": "b"}),
        ),
        ("v1", "ReplicationController", value!({}), &["spec", "replicas"], value!(1)),
        (
            "v1",
            "LimitRange",
            value!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "1Mi"}}]}}),
            &["spec", "limits"],
            value!([{
               "type": "Container", "max": {"cpu": "1"}, "min": {"memory": "1Mi"}, "default": {"cpu": "1"},
               "defaultRequest": {"cpu": "1", "memory": "1Mi"}
            }]),
        ),
        (
            "apps/v1",
            "DaemonSet",
            value!({}),
            &["spec", "updateStrategy"],
            value!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
        ),
        (
            "apps/v1",
            "StatefulSet",
            value!({}),
            &["spec", "updateStrategy"],
            value!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
        ),
        (
            "apps/v1",
            "StatefulSet",
            value!({}),
            &["spec", "persistentVolumeClaimRetentionPolicy"],
            value!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
        ),
        (
            "apps/v1",
            "StatefulSet",
            value!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d"}}]}}),
            &["spec", "volumeClaimTemplates"],
            value!([{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"}, "spec": {"resources": {}, "volumeMode": "Filesystem"}, "status": {"phase": "Pending"}}]),
        ),
        ("apps/v1", "ReplicaSet", value!({}), &["spec", "replicas"], value!(1)),
        (
            "batch/v1",
            "Job",
            value!({}),
            &["spec"],
            value!({
                "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "manualSelector": false, "parallelism": 1,
                "podReplacementPolicy": "TerminatingOrFailed", "suspend": false,
                "template": {"metadata": {}, "spec": {
                    "containers": null, "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                    "securityContext": {}, "terminationGracePeriodSeconds": 30
                }}
            }),
        ),
        ("batch/v1", "Job", value!({"spec": {"parallelism": 3}}), &["spec", "completions"], Value::Null),
        (
            "batch/v1",
            "CronJob",
            value!({}),
            &["spec", "jobTemplate", "spec", "template", "spec", "dnsPolicy"],
            value!("ClusterFirst"),
        ),
        ("batch/v1", "CronJob", value!({}), &["spec", "concurrencyPolicy"], value!("Allow")),
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            value!({"spec": {"behavior": {}}}),
            &["spec", "behavior", "scaleDown"],
            value!({"policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}], "selectPolicy": "Max"}),
        ),
        (
            "networking.k8s.io/v1",
            "NetworkPolicy",
            value!({"spec": {"egress": [{"ports": [{"port": 53}]}]}}),
            &["spec"],
            value!({
                "egress": [{"ports": [{"port": 53, "protocol": "TCP"}]}], "podSelector": {}, "policyTypes": ["Ingress", "Egress"]
            }),
        ),
        (
            "discovery.k8s.io/v1",
            "EndpointSlice",
            value!({"ports": [{"port": 80}]}),
            &["ports"],
            value!([{"name": "", "port": 80, "protocol": "TCP"}]),
        ),
        ("storage.k8s.io/v1", "StorageClass", value!({}), &["volumeBindingMode"], value!("Immediate")),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            value!({"subjects": [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]}),
            &["subjects"],
            value!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s"}]),
        ),
        ("scheduling.k8s.io/v1", "PriorityClass", value!({}), &["preemptionPolicy"], value!("PreemptLowerPriority")),
        (
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            value!({"spec": {"names": {"kind": "Boat", "plural": "boats"}, "versions": [{"name": "v1", "storage": true}]}}),
            &["spec", "names"],
            value!({"kind": "Boat", "listKind": "BoatList", "plural": "boats", "singular": "boat"}),
        ),
    ];
    for (api_version, kind, given, path, expected) in cases {
        assert_eq!(*defaulted(api_version, kind, given).at(path), expected, "{kind} {path:?}");
    }
}

#[test]
fn amounts_are_rounded_up() {
    let pod = defaulted(
        "v1",
        "Pod",
        value!({"spec": {"containers": [{"resources": {"requests": {"cpu": "100u", "memory": "1.5"}}}]}}),
    );
    assert_eq!(pod["spec"]["containers"][0]["resources"]["requests"], value!({"cpu": "1m", "memory": "1500m"}));
}

#[test]
fn requests_for_devices_ask_for_one() {
    let given = value!({"spec": {"devices": {"requests": [
        {"name": "a", "exactly": {"deviceClassName": "c", "tolerations": [{"key": "k", "value": "v"}]}},
        {"name": "b", "firstAvailable": [{"name": "x", "deviceClassName": "c", "allocationMode": "All"}]}
    ]}}});
    let claim = defaulted("resource.k8s.io/v1", "ResourceClaim", given);
    let requests = claim.at(&["spec", "devices", "requests"]);
    let wanted = value!({
        "allocationMode": "ExactCount", "count": 1, "deviceClassName": "c",
        "tolerations": [{"key": "k", "operator": "Equal", "value": "v"}]
    });
    assert_eq!(requests[0]["exactly"], wanted);
    assert_eq!(requests[1]["firstAvailable"][0]["count"], Value::Null);
}
