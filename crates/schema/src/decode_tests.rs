use drydock_value::{Value, value};

use super::{decode, decode_update, normalize};
use crate::Schema;

fn read(api_version: &str, kind: &str, mut object: Value) -> Result<super::Decoded, String> {
    object.set("apiVersion", api_version);
    object.set("kind", kind);
    decode(Schema::get().of(&object).unwrap(), &object)
}

/// As a real API server answered.
#[test]
fn type_errors_read_as_gos() {
    let cases = [
        (
            "v1",
            "Pod",
            value!({"spec": {"containers": {"name": "c"}}}),
            "object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "v1",
            "Pod",
            value!({"spec": {"containers": [{"ports": [{"containerPort": "eighty"}]}]}}),
            "string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (
            "v1",
            "Pod",
            value!({"spec": {"containers": [{"name": 5, "command": "sleep", "tty": "yes"}]}}),
            "string into Go struct field Container.spec.containers.command of type []string",
        ),
        (
            "v1",
            "Pod",
            value!({"spec": {"volumes": [{"name": false}]}}),
            "bool into Go struct field Volume.spec.volumes.name of type string",
        ),
        (
            "apps/v1",
            "Deployment",
            value!({"spec": {"replicas": "three"}}),
            "string into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "apps/v1",
            "Deployment",
            value!({"spec": {"template": {"metadata": {"labels": {"a": 1, "t": true}}}}}),
            "number into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
        ),
        (
            "v1",
            "ConfigMap",
            value!({"data": {"b": true, "l": ["a"], "n": 5}}),
            "bool into Go struct field ConfigMap.data of type string",
        ),
        (
            "apps/v1",
            "Deployment",
            value!({"spec": {"replicas": 1.5}}),
            "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
        ),
        (
            "v1",
            "Pod",
            value!({"spec": {"restartPolicy": 5}}),
            "number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            "v1",
            "PersistentVolumeClaim",
            value!({"spec": {"accessModes": [5]}}),
            "number into Go struct field PersistentVolumeClaimSpec.spec.accessModes of type v1.PersistentVolumeAccessMode",
        ),
        (
            "v1",
            "Service",
            value!({"spec": {"ports": [{"targetPort": true}]}}),
            "bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
        ),
        (
            "v1",
            "Pod",
            value!({"metadata": {"creationTimestamp": 5}}),
            "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
        (
            "v1",
            "Pod",
            value!({"spec": {"containers": [{"resources": {"limits": "x"}}]}}),
            "string into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList",
        ),
    ];
    for (api_version, kind, object, error) in cases {
        let found = read(api_version, kind, object).unwrap_err();
        assert_eq!(found, format!("json: cannot unmarshal {error}"));
    }
    let others = [
        ("ConfigMap", value!({"binaryData": {"x": "not base64!"}}), "illegal base64 data at input byte 3"),
        ("Secret", value!({"data": {"k": "###"}}), "illegal base64 data at input byte 0"),
        (
            "Pod",
            value!({"spec": {"containers": [{"resources": {"limits": {"cpu": 1, "memory": "1Gx"}}}]}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "Pod",
            value!({"metadata": {"creationTimestamp": "today"}}),
            "parsing time \"today\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"today\" as \"2006\"",
        ),
    ];
    for (kind, object, error) in others {
        assert_eq!(read("v1", kind, object).unwrap_err(), error);
    }
}

#[test]
fn unknown_fields_are_named_in_order() {
    let pod = value!({
        "spec": {
            "container": [{"name": "c"}],
            "containers": [{"name": "c", "enviroment": [], "image": "nginx", "ports": [{"port": 80}]}],
            "restartpolicy": "Never"
        }
    });
    let decoded = read("v1", "Pod", pod).unwrap();
    assert_eq!(
        decoded.unknown,
        [
            "unknown field \"spec.container\"",
            "unknown field \"spec.containers[0].enviroment\"",
            "unknown field \"spec.containers[0].ports[0].port\"",
            "unknown field \"spec.restartpolicy\""
        ]
    );
    assert!(decoded.value["spec"]["container"].is_null());
    let root = read("v1", "ConfigMap", value!({"dat": {}})).unwrap();
    assert_eq!(root.unknown, ["unknown field \"dat\""]);
}

#[test]
fn objects_are_kept_as_go_writes_them() {
    let deployment = value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "labels": {}, "creationTimestamp": null},
        "spec": {
            "replicas": 0, "paused": false,
            "template": {"spec": {"hostNetwork": false, "containers": [{"name": "c", "args": [], "image": ""}]}}
        }
    });
    let expected = value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
        "spec": {
            "replicas": 0, "selector": null, "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": [{"name": "c", "resources": {}}]}}
        },
        "status": {}
    });
    let of = Schema::get().of(&deployment).unwrap();
    assert_eq!(normalize(of, &deployment), expected);
    // What is in order stays the same tree.
    assert!(normalize(of, &expected).ptr_eq(&expected));
}

#[test]
fn amounts_and_times_become_canonical() {
    let pod = value!({
        "metadata": {"creationTimestamp": "2026-11-22T14:56:49.5+01:00"},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"cpu": 1, "memory": "1024Mi"}}}]}
    });
    let pod = read("v1", "Pod", pod).unwrap().value;
    assert_eq!(pod["metadata"]["creationTimestamp"], "2026-11-22T13:56:49Z");
    let limits = &pod["spec"]["containers"][0]["resources"]["limits"];
    assert_eq!(*limits, value!({"cpu": "1", "memory": "1Gi"}));
}

#[test]
fn what_is_shared_with_the_last_version_is_not_looked_at() {
    let pod = read("v1", "Pod", value!({"spec": {"containers": [{"name": "c"}]}})).unwrap().value;
    let mut next = pod.clone();
    next.set("status", value!({"phase": "Running", "nonsense": 1}));
    let of = Schema::get().of(&pod).unwrap();
    let decoded = decode_update(of, &next, &pod).unwrap();
    assert_eq!(decoded.unknown, ["unknown field \"status.nonsense\""]);
    assert_eq!(decoded.value["status"], value!({"phase": "Running"}));
    assert!(decoded.value["spec"].ptr_eq(&pod["spec"]));
    // What only looks alike is read.
    next.set("spec", value!({"containers": [{"name": 5}]}));
    assert!(decode_update(of, &next, &pod).is_err());
}
