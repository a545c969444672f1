//! Pods whose volumes say where they can be.

use drydock_api::{Auth, Method, Request, Transport};

use super::*;

const BINDING: &str = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.";

fn class(name: &str, provisioner: &str, topologies: Value) -> Value {
    value!({"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": "WaitForFirstConsumer",
        "allowedTopologies": topologies})
}

fn claim(name: &str, class: &str, size: &str) -> Value {
    value!({
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": size}}}
    })
}

/// A volume on one node, or on any.
fn volume(name: &str, size: &str, node: &str) -> Value {
    let mut volume = value!({
        "metadata": {"name": name},
        "spec": {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
            "local": {"path": "/x"}}
    });
    let here = value!([{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]);
    let terms = value!({"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}});
    volume["spec"].set("nodeAffinity", terms);
    volume
}

fn user(name: &str, claims: &[&str]) -> Value {
    let volumes: Vec<Value> =
        claims.iter().map(|&claim| value!({"name": claim, "persistentVolumeClaim": {"claimName": claim}})).collect();
    value!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx"}], "volumes": volumes}})
}

#[test]
fn claims_that_wait_get_volumes_of_one_node() {
    let mut world = World::new(2);
    world.create(kinds::STORAGE_CLASSES, class("local", "kubernetes.io/no-provisioner", Value::Null));
    // The first node has one volume that is large enough, the second two.
    for (name, size, node) in
        [("a", "1Gi", "minikube"), ("b", "5Gi", "minikube-m02"), ("c", "2Gi", "minikube-m02"), ("d", "9Gi", "nowhere")]
    {
        world.create(kinds::PERSISTENT_VOLUMES, volume(name, size, node));
    }
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("large", "local", "3Gi"));
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("small", "local", "1Gi"));
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("none", "local", "1Gi"));
    world.run(1.0);
    world.create(kinds::PODS, user("two", &["large", "small"]));
    world.run(5.0);
    let two = world.get(kinds::PODS, "two");
    assert_eq!((two["spec"]["nodeName"].str(), two["status"]["phase"].str()), ("minikube-m02", "Running"));
    for (claim, volume) in [("large", "b"), ("small", "c")] {
        let claim = world.get(kinds::PERSISTENT_VOLUME_CLAIMS, claim);
        assert_eq!((claim["spec"]["volumeName"].str(), claim["status"]["phase"].str()), (volume, "Bound"));
    }
    // A pod that uses one of them has to be there too; nothing is left there for its other claim.
    world.create(kinds::PODS, user("three", &["small", "none"]));
    world.run(2.0);
    let message = world.events("three").last().cloned().unwrap_or_default();
    let conflict = "1 node(s) didn't match PersistentVolume's node affinity";
    assert!(message.contains(conflict) && message.contains("1 node(s) didn't find available"), "{message}");
}

#[test]
fn a_volume_that_comes_helps_and_one_that_is_gone_does_not() {
    let mut world = World::new(2);
    world.create(kinds::STORAGE_CLASSES, class("local", "kubernetes.io/no-provisioner", Value::Null));
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("data", "local", "1Gi"));
    world.create(kinds::PODS, user("u", &["data"]));
    world.run(2.0);
    assert!(world.events("u")[0].contains(BINDING), "{:?}", world.events("u"));
    world.create(kinds::PERSISTENT_VOLUMES, volume("v", "1Gi", "minikube-m02"));
    world.run(20.0);
    assert_eq!(world.get(kinds::PODS, "u")["spec"]["nodeName"], "minikube-m02");
    let mut zoned = world.get(kinds::PERSISTENT_VOLUMES, "v");
    zoned["metadata"].set("labels", value!({"topology.kubernetes.io/zone": "z1__z2"}));
    world.patch(kinds::PERSISTENT_VOLUMES, "v", value!({"metadata": {"labels": &zoned["metadata"]["labels"]}}));
    world.patch(kinds::NODES, "minikube-m02", value!({"metadata": {"labels": {"topology.kubernetes.io/zone": "z3"}}}));
    world.run(1.0);
    world.create(kinds::PODS, user("w", &["data"]));
    world.run(1.0);
    // Pods are told where they are.
    world.patch(kinds::NODES, "minikube", value!({"spec": {"unschedulable": true}}));
    world.create(kinds::PODS, user("y", &[]));
    world.run(2.0);
    assert_eq!(world.get(kinds::PODS, "y")["metadata"]["labels"]["topology.kubernetes.io/zone"], "z3");
    let words = "1 node(s) had no available volume zone";
    assert!(world.events("w").last().unwrap().contains(words), "{:?}", world.events("w"));
}

#[test]
fn volumes_are_made_where_their_class_may() {
    let mut world = World::new(2);
    let zone = |value: &str| value!([{"matchLabelExpressions": [{"key": "zone", "values": [value]}]}]);
    world.create(kinds::STORAGE_CLASSES, class("zonal", "example.com/disks", zone("b")));
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, claim("data", "zonal", "1Gi"));
    world.create(kinds::PODS, user("u", &["data"]));
    world.run(2.0);
    assert!(world.events("u")[0].contains(BINDING), "{:?}", world.events("u"));
    world.patch(kinds::NODES, "minikube-m02", value!({"metadata": {"labels": {"zone": "b"}}}));
    world.run(12.0);
    let selected = world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "data");
    assert_eq!(selected["metadata"]["annotations"]["volume.kubernetes.io/selected-node"], "minikube-m02");
    assert_eq!(world.get(kinds::PODS, "u")["status"]["nominatedNodeName"], "minikube-m02");
    // Nobody makes it.
    world.run(600.0);
    let words = "Warning FailedScheduling: running PreBind plugin \"VolumeBinding\": binding volumes: context deadline \
                 exceeded";
    assert!(world.events("u").iter().any(|event| event == words), "{:?}", world.events("u"));
    let condition = world.get(kinds::PODS, "u")["status"]["conditions"][0].clone();
    assert_eq!(condition["type"], "PodScheduled");
}

#[test]
fn pods_bring_claims_along_and_hold_them() {
    let mut world = World::new(1);
    let spec = value!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let own = |name: &str| {
        let template = value!({"metadata": {"labels": {"of": name}}, "spec": spec.clone()});
        let volumes = value!([{"name": "v", "ephemeral": {"volumeClaimTemplate": template}}]);
        value!({
            "metadata": {"name": name},
            "spec": {"containers": [{"name": "c", "image": "nginx"}], "volumes": volumes, "terminationGracePeriodSeconds": 1}
        })
    };
    // Somebody else's claim has the name that the second pod's would have.
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, value!({"metadata": {"name": "b-v"}, "spec": spec.clone()}));
    world.create(kinds::PODS, own("a"));
    world.create(kinds::PODS, own("b"));
    world.run(10.0);
    let (a, claim) = (world.get(kinds::PODS, "a"), world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "a-v"));
    assert_eq!((a["status"]["phase"].str(), claim["metadata"]["labels"]["of"].str()), ("Running", "a"));
    assert_eq!(claim["metadata"]["ownerReferences"][0]["uid"], a["metadata"]["uid"]);
    let why = "PVC default/b-v was not created for pod default/b (pod is not owner)";
    let events = world.events("b");
    assert!(events.contains(&format!("Warning FailedBinding: ephemeral volume v: {why}")), "{events:?}");
    assert!(events.iter().any(|event| event.contains("FailedScheduling") && event.contains(why)), "{events:?}");
    assert_eq!(world.get(kinds::PODS, "b")["spec"]["nodeName"], Value::Null);
    world.delete(kinds::PODS, "a", &DeleteOptions::default());
    world.run(10.0);
    assert!(world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "a-v").is_null());
    // A claim is used as long as there is a pod that names it, and be it one that has ended.
    world.create(kinds::PODS, user("c", &["b-v"]));
    world.run(5.0);
    let now = world.cluster.now();
    let mut ended = world.get(kinds::PODS, "c");
    ended["status"].set("phase", "Succeeded");
    crate::store::client(world.cluster.api(), USER, now).update_status(kinds::PODS, "default", ended).expect("ended");
    world.delete(kinds::PERSISTENT_VOLUME_CLAIMS, "b-v", &DeleteOptions::default());
    world.run(5.0);
    assert!(!world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "b-v")["metadata"]["deletionTimestamp"].is_null());
    world.delete(kinds::PODS, "c", &DeleteOptions::now());
    world.run(5.0);
    assert!(world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "b-v").is_null());
}

#[test]
fn secrets_with_tokens_are_filled_in_and_go_with_their_account() {
    let mut world = World::new(1);
    let secret = |name: &str, account: &str| {
        value!({
            "metadata": {"name": name, "annotations": {"kubernetes.io/service-account.name": account}},
            "type": "kubernetes.io/service-account-token"
        })
    };
    world.create(kinds::SERVICE_ACCOUNTS, value!({"metadata": {"name": "bot"}}));
    world.create(kinds::SECRETS, secret("t", "bot"));
    world.create(kinds::SECRETS, secret("stray", "nobody"));
    world.run(2.0);
    assert!(world.get(kinds::SECRETS, "stray").is_null());
    let filled = world.get(kinds::SECRETS, "t");
    let account = world.get(kinds::SERVICE_ACCOUNTS, "bot");
    let annotations = &filled["metadata"]["annotations"];
    assert_eq!(annotations["kubernetes.io/service-account.uid"], account["metadata"]["uid"]);
    let text = |field: &str| {
        let bytes = drydock_schema::base64::decode(filled["data"][field].str()).expect("base64");
        String::from_utf8(bytes).expect("text")
    };
    assert_eq!(text("namespace"), "default");
    assert!(text("ca.crt").starts_with("-----BEGIN CERTIFICATE-----"));
    let token = text("token");
    let who = |world: &mut World| {
        let review = value!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let mut request =
            Request::new(Method::Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews").with_value(review);
        request.auth = Auth::Token(token.clone());
        world
            .cluster
            .send(request)
            .into_result()
            .map(|answer| answer["status"]["userInfo"]["username"].str().to_owned())
    };
    assert_eq!(who(&mut world).expect("known"), "system:serviceaccount:default:bot");
    world.delete(kinds::SERVICE_ACCOUNTS, "bot", &DeleteOptions::default());
    world.run(2.0);
    assert!(world.get(kinds::SECRETS, "t").is_null());
    assert_eq!(who(&mut world).expect_err("unknown").code, 401);
}
