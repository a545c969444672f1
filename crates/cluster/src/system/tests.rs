//! Clusters that run their own system.

use std::time::Duration;

use drydock_sorted::Sort;
use drydock_value::{Value, value};

use crate::store::{DeleteOptions, Kind, client, kinds};
use crate::{Cluster, Config, NodeConfig, System};

struct World {
    cluster: Cluster,
}

impl World {
    fn new(nodes: u32) -> World {
        let config = Config { nodes: NodeConfig::minikube(nodes), system: System::Minikube, ..Config::default() };
        World { cluster: Cluster::new(config) }
    }

    fn run(&mut self, seconds: u64) {
        let until = self.cluster.now() + Duration::from_secs(seconds);
        assert!(self.cluster.advance(until, 3_000_000).reached, "too many events");
    }

    fn get(&self, kind: Kind, namespace: &str, name: &str) -> Value {
        self.cluster.api_ref().get(kind, namespace, name).cloned().unwrap_or_default()
    }

    fn create(&mut self, kind: Kind, namespace: &str, object: Value) {
        let now = self.cluster.now();
        client(self.cluster.api(), "minikube-user", now).create(kind, namespace, object).expect("created");
    }

    fn system_pods(&self) -> Vec<Value> {
        self.cluster.api_ref().objects(kinds::PODS, "kube-system").cloned().collect()
    }

    fn delete(&mut self, name: &str) {
        let now = self.cluster.now();
        let options = DeleteOptions::default();
        client(self.cluster.api(), "minikube-user", now).delete(kinds::PODS, "kube-system", name, &options).unwrap();
    }
}

fn ready(pod: &Value) -> bool {
    pod["status"]["conditions"].find("type", "Ready").is_some_and(|condition| condition["status"] == "True")
}

#[test]
fn a_new_cluster_runs_its_own_system() {
    let mut world = World::new(2);
    world.run(40);
    let pods = world.system_pods();
    let mut names: Vec<String> = pods
        .iter()
        .map(|pod| {
            let name = pod["metadata"]["name"].str();
            let made = !pod["metadata"]["generateName"].is_null();
            let base = if made { pod["metadata"]["generateName"].str() } else { name };
            format!("{base} {} {}", pod["spec"]["nodeName"].str(), ready(pod))
        })
        .collect();
    names.sort_compact();
    let dns = names.iter().find(|name| name.starts_with("coredns-")).expect("a name server");
    assert!(dns.ends_with("true"), "{names:?}");
    let rest: Vec<&String> = names.iter().filter(|name| *name != dns && !name.starts_with("storage")).collect();
    assert_eq!(
        rest,
        [
            "etcd-minikube minikube true",
            "kube-apiserver-minikube minikube true",
            "kube-controller-manager-minikube minikube true",
            "kube-proxy- minikube true",
            "kube-proxy- minikube-m02 true",
            "kube-scheduler-minikube minikube true",
        ]
    );
    for pod in &pods {
        for status in pod["status"]["containerStatuses"].items() {
            assert_eq!(status["restartCount"].int(), 0, "{}", pod["metadata"]["name"]);
        }
    }
    world.run(300);
    let restarts: i64 =
        world.system_pods().iter().map(|pod| pod["status"]["containerStatuses"][0]["restartCount"].int()).sum();
    assert_eq!(restarts, 0);
}

/// What kubeadm and the control plane leave behind.
#[test]
fn what_lies_in_kube_system() {
    let mut world = World::new(1);
    world.run(10);
    let maps: Vec<(String, usize)> = world
        .cluster
        .api_ref()
        .objects(kinds::CONFIG_MAPS, "kube-system")
        .map(|map| (map["metadata"]["name"].str().to_owned(), map["data"].entries().count()))
        .collect();
    let maps: Vec<(&str, usize)> = maps.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        maps,
        [
            ("coredns", 1),
            ("extension-apiserver-authentication", 6),
            ("kube-apiserver-legacy-service-account-token-tracking", 1),
            ("kube-proxy", 2),
            ("kube-root-ca.crt", 1),
            ("kubeadm-config", 1),
            ("kubelet-config", 1)
        ]
    );
    let authority = world.get(kinds::CONFIG_MAPS, "kube-system", "kube-root-ca.crt")["data"]["ca.crt"].clone();
    let told = world.get(kinds::CONFIG_MAPS, "kube-system", "extension-apiserver-authentication");
    assert_eq!(told["data"]["client-ca-file"], authority);
    let noted = world.get(kinds::CONFIG_MAPS, "kube-system", "kubeadm-config");
    let text = noted["data"]["ClusterConfiguration"].str();
    assert!(
        text.contains("\n  - 192.168.49.2\n") && text.contains("\nkubernetesVersion: v1.36.") && !text.contains('$'),
        "{text}"
    );
    assert_eq!(world.cluster.api_ref().objects(kinds::SERVICE_ACCOUNTS, "kube-system").count(), 40);
}

#[test]
fn a_mirror_pod_that_is_deleted_comes_back_and_its_containers_stay() {
    let mut world = World::new(1);
    world.run(30);
    let old = world.get(kinds::PODS, "kube-system", "kube-scheduler-minikube");
    assert_eq!(old["metadata"]["ownerReferences"][0]["kind"], "Node");
    world.delete("kube-scheduler-minikube");
    world.run(10);
    let new = world.get(kinds::PODS, "kube-system", "kube-scheduler-minikube");
    assert!(ready(&new));
    assert_ne!(new["metadata"]["uid"], old["metadata"]["uid"]);
    let id = |pod: &Value| pod["status"]["containerStatuses"][0]["containerID"].clone();
    assert_eq!(id(&new), id(&old));
}

#[test]
fn names_resolve_while_a_name_server_is_ready() {
    let mut world = World::new(1);
    world.run(30);
    let script =
        "for i in $(seq 100); do nslookup kubernetes.default >/dev/null 2>&1 && echo yes || echo no; sleep 1; done";
    world.create(
        kinds::PODS,
        "default",
        value!({"metadata": {"name": "p"}, "spec": {"containers": [{
            "name": "c", "image": "busybox:1.36", "command": ["sh", "-c", script]}]}}),
    );
    world.run(10);
    let now = world.cluster.now();
    let none = value!({"spec": {"replicas": 0}});
    client(world.cluster.api(), "minikube-user", now)
        .patch(kinds::DEPLOYMENTS, "kube-system", "coredns", crate::store::PatchType::Merge, &none, "")
        .unwrap();
    world.run(40);
    let (mut ctx, kubelets) = world.cluster.parts();
    let key = crate::Key::new("default", "p");
    let uid = ctx.informers.get(kinds::PODS, &key).unwrap().uid.clone();
    let number = kubelets[0].log_of(&key, &uid, "c", false).unwrap();
    let log = kubelets[0].log(number, &mut ctx).show(&crate::runtime::LogOptions::default());
    let log = String::from_utf8_lossy(&log).replace('\n', " ");
    assert!(log.starts_with("yes yes"), "{log}");
    assert!(log.trim_end().ends_with("no no"), "{log}");
}

#[test]
fn the_metrics_server_measures_and_autoscalers_act_on_it() {
    let mut world = World::new(1);
    world.run(20);
    let now = world.cluster.now();
    world.create(
        kinds::DEPLOYMENTS,
        "default",
        value!({"metadata": {"name": "busy"}, "spec": {
            "selector": {"matchLabels": {"app": "busy"}},
            "template": {"metadata": {"labels": {"app": "busy"}}, "spec": {"containers": [{
                "name": "c", "image": "polinux/stress", "command": ["stress", "--cpu", "1"],
                "resources": {"requests": {"cpu": "200m"}, "limits": {"cpu": "400m"}}}]}}}}),
    );
    world.create(
        kinds::HORIZONTAL_POD_AUTOSCALERS,
        "default",
        value!({"metadata": {"name": "busy"}, "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "busy"}, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 50}}}]}}),
    );
    world.run(20);
    let condition = |world: &World, kind: &str| {
        let object = world.get(kinds::HORIZONTAL_POD_AUTOSCALERS, "default", "busy");
        let found = object["status"]["conditions"].find("type", kind).cloned().unwrap_or_default();
        format!("{} {}: {}", found["status"].str(), found["reason"].str(), found["message"].str())
    };
    assert_eq!(
        condition(&world, "ScalingActive"),
        "False FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: \
         unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not \
         find the requested resource (get pods.metrics.k8s.io)"
    );
    assert_eq!(
        condition(&world, "AbleToScale"),
        "True SucceededGetScale: the HPA controller was able to get the target's current scale"
    );
    super::install(world.cluster.api(), now, "metrics-server").unwrap();
    world.run(240);
    let service = world.get(kinds::API_SERVICES, "", "v1beta1.metrics.k8s.io");
    assert_eq!(service["status"]["conditions"][0]["reason"], "Passed", "{}", service["status"]);
    let pods = world.cluster.api_ref().pod_metrics("default").unwrap();
    let used: Vec<i64> = pods
        .map(|pod| {
            let amount = pod["containers"][0]["usage"]["cpu"].str();
            amount.trim_end_matches('n').parse::<i64>().unwrap() / 1_000_000
        })
        .collect();
    assert!(!used.is_empty() && used.iter().all(|milli| (390..=410).contains(milli)), "{used:?}");
    let scaler = world.get(kinds::HORIZONTAL_POD_AUTOSCALERS, "default", "busy");
    assert_eq!(scaler["status"]["desiredReplicas"].int(), 5, "{}", scaler["status"]);
    assert_eq!(world.get(kinds::DEPLOYMENTS, "default", "busy")["spec"]["replicas"].int(), 5);
    assert_eq!(
        condition(&world, "ScalingActive"),
        "True ValidMetricFound: the HPA was able to successfully calculate a replica count from cpu resource utilization \
         (percentage of request)"
    );
    assert!(condition(&world, "ScalingLimited").starts_with("True TooManyReplicas"));
}

#[test]
fn without_its_provisioner_no_volume_is_made() {
    let mut world = World::new(1);
    world.run(20);
    world.delete("storage-provisioner");
    world.run(40);
    let claim = value!({"metadata": {"name": "c"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    world.create(kinds::PERSISTENT_VOLUME_CLAIMS, "default", claim);
    world.run(20);
    let phase = |world: &World| {
        let claim = world.get(kinds::PERSISTENT_VOLUME_CLAIMS, "default", "c");
        claim["status"]["phase"].str().to_owned()
    };
    assert_eq!(phase(&world), "Pending");
    let now = world.cluster.now();
    super::install(world.cluster.api(), now, "storage-provisioner").unwrap();
    world.run(20);
    assert_eq!(phase(&world), "Bound");
}

#[test]
fn an_ingress_controller_takes_its_ingresses_while_it_runs() {
    let mut world = World::new(1);
    let node = value!({"metadata": {"labels": {"minikube.k8s.io/primary": "true"}}});
    world.run(20);
    let now = world.cluster.now();
    let mut admin = client(world.cluster.api(), "minikube-user", now);
    admin.patch(kinds::NODES, "", "minikube", crate::store::PatchType::Merge, &node, "").unwrap();
    let ingress = |name: &str, host: &str, spec: Value| {
        let backend = value!({"service": {"name": "web", "port": {"number": 80}}});
        let mut spec = spec;
        spec.set(
            "rules",
            value!([{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]),
        );
        value!({"metadata": {"name": name}, "spec": spec})
    };
    world.create(kinds::INGRESSES, "default", ingress("early", "early.test", value!({})));
    super::install(world.cluster.api(), now, "ingress").unwrap();
    world.create(kinds::INGRESSES, "default", ingress("late", "late.test", value!({})));
    world.create(kinds::INGRESSES, "default", ingress("other", "other.test", value!({"ingressClassName": "else"})));
    world.run(100);
    for (name, class, address) in
        [("early", "", "192.168.49.2"), ("late", "nginx", "192.168.49.2"), ("other", "else", "")]
    {
        let ingress = world.get(kinds::INGRESSES, "default", name);
        assert_eq!(ingress["spec"]["ingressClassName"].str(), class, "{name}");
        let given = ingress["status"]["loadBalancer"]["ingress"].items().first().map_or("", |entry| entry["ip"].str());
        assert_eq!(given, address, "{name}");
        let events = world.cluster.api_ref().objects(kinds::EVENTS, "default");
        let synced =
            events.filter(|event| event["involvedObject"]["name"] == *name && event["reason"] == "Sync").count();
        assert_eq!(synced > 0, !address.is_empty(), "{name}");
    }
    let jobs = world.cluster.api_ref().objects(kinds::JOBS, "ingress-nginx");
    assert_eq!(jobs.filter(|job| job["status"]["succeeded"].int() == 1).count(), 2);
}
