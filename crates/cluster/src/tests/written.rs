//! Whoever wrote an object: it is stored as Go would write it, with the zero values that Go shows.

use drydock_schema::Schema;
use drydock_value::value;

use super::World;
use crate::store::{Kind, kinds};
use crate::{Cluster, Config, NodeConfig};

#[test]
fn objects_are_as_go_writes_them() {
    let config = Config { nodes: NodeConfig::minikube(2), ..Config::default() };
    let mut world = World { cluster: Cluster::new(config) };
    let template = |restart: &str| {
        value!({"metadata": {"labels": {"a": "b"}}, "spec": {
            "restartPolicy": restart, "containers": [{"name": "c", "image": "nginx", "resources": {}}]}})
    };
    let selector = value!({"matchLabels": {"a": "b"}});
    let claim = value!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    for (kind, spec) in [
        (kinds::DEPLOYMENTS, value!({"replicas": 2, "selector": &selector, "template": template("Always")})),
        (
            kinds::STATEFUL_SETS,
            value!({"replicas": 1, "serviceName": "s", "selector": &selector, "template": template("Always"),
                    "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": &claim}]}),
        ),
        (kinds::DAEMON_SETS, value!({"selector": &selector, "template": template("Always")})),
        (kinds::JOBS, value!({"template": template("Never")})),
        (kinds::CRON_JOBS, value!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template("Never")}}})),
        (kinds::SERVICES, value!({"type": "LoadBalancer", "selector": {"a": "b"}, "ports": [{"port": 80}]})),
        (kinds::INGRESSES, value!({"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}})),
        (kinds::POD_DISRUPTION_BUDGETS, value!({"maxUnavailable": 1, "selector": &selector})),
        (kinds::PERSISTENT_VOLUME_CLAIMS, claim.clone()),
        (kinds::RESOURCE_QUOTAS, value!({"hard": {"pods": "100"}})),
        (
            kinds::HORIZONTAL_POD_AUTOSCALERS,
            value!({"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}}),
        ),
    ] {
        world.create(kind, value!({"metadata": {"name": "x"}, "spec": spec}));
    }
    let mut wrong = Vec::new();
    for seconds in [0.0, 1.0, 90.0] {
        world.run(seconds);
        for kind in Kind::all() {
            for object in world.cluster.api_ref().objects(kind, "") {
                let Some(of) = Schema::get().of(object) else { continue };
                let read = drydock_schema::decode(of, object).expect("it can be read");
                if read.value != *object || !read.unknown.is_empty() {
                    let keys = |value: &drydock_value::Value| -> Vec<String> {
                        ["metadata", "spec", "status"].map(|key| value[key].to_string()).to_vec()
                    };
                    let differ: Vec<(String, String)> =
                        keys(object).into_iter().zip(keys(&read.value)).filter(|(a, b)| a != b).collect();
                    wrong.push(format!(
                        "{} {} after {seconds} s: {:?} {differ:?}",
                        object["kind"].str(),
                        object["metadata"]["name"].str(),
                        read.unknown
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} objects:\n{}", wrong.len(), wrong.join("\n"));
}
