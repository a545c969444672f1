//! What a cluster runs for itself in `kube-system`: the control plane's own pods, which the kubelet of the first node
//! starts by itself, and what minikube adds to them. The objects are data (`data/system.json`).

use std::sync::OnceLock;

use drydock_api::Status;
use drydock_value::{Time, Value, parse_json, value};

use crate::config::{NodeConfig, System};
use crate::runtime::images::digest;
use crate::store::{ApiServer, DeleteOptions, Kind, PatchType, client, kinds};

/// As whom they are made.
const ACTOR: &str = "minikube-user";

/// As whom kubeadm's own are made.
const KUBEADM: &str = "kubeadm";

/// Where they are.
const NAMESPACE: &str = "kube-system";

/// Who provisions volumes: the pod `storage-provisioner`.
pub const PROVISIONER: &str = "k8s.io/minikube-hostpath";

/// What a kubelet's own annotations begin with.
const CONFIG: &str = "kubernetes.io/config.";

/// Who provisions volumes in a kind cluster: the pods of a Deployment of its own.
pub const LOCAL_PATH: &str = "rancher.io/local-path";

/// What clusters start besides the static pods: the first two all, then minikube, then kind.
const PARTS: [&str; 5] = ["coredns", "kube-proxy", "storage-provisioner", "kindnet", "local-path"];

/// How what is written as minikube has it reads in a kind cluster.
const AS_KIND: [(&str, &str); 12] = [
    ("/var/lib/minikube/certs", "/etc/kubernetes/pki"),
    ("/var/lib/minikube/etcd", "/var/lib/etcd"),
    ("clusterName: mk", "clusterName: kind"),
    ("--cluster-name=mk", "--cluster-name=kind"),
    ("control-plane.minikube.internal:8443", "kind-control-plane:6443"),
    (
        "NamespaceLifecycle,LimitRanger,ServiceAccount,DefaultStorageClass,DefaultTolerationSeconds,NodeRestriction,\
      MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ResourceQuota\"",
        "NodeRestriction\"",
    ),
    ("\"--secure-port=8443\"", "\"--runtime-config=\",\"--secure-port=6443\""),
    (":8443", ":6443"),
    ("10.96.0.0/12", "10.96.0.0/16"),
    ("bootstrapsigner,tokencleaner\"", "bootstrapsigner,tokencleaner\",\"--enable-hostpath-provisioner=true\""),
    ("--leader-elect=false", "--leader-elect=true"),
    ("/var/lib/minikube", "/etc/kubernetes"),
];

/// A text as a cluster of that kind has it.
fn localized(text: &str, system: System) -> String {
    let pairs = AS_KIND.iter().filter(|_| system == System::Kubeadm);
    pairs.fold(text.to_owned(), |text, (minikube, kind)| text.replace(minikube, kind))
}

/// Whether a part of [`PARTS`] belongs to a cluster.
fn is_part_of(part: &str, system: System) -> bool {
    match part {
        "storage-provisioner" => system == System::Minikube,
        "kindnet" | "local-path" => system == System::Kubeadm,
        _ => system != System::None,
    }
}

fn data() -> &'static Value {
    static DATA: OnceLock<Value> = OnceLock::new();
    DATA.get_or_init(|| parse_json(include_str!("../data/system.json")).unwrap_or_default())
}

/// The objects of a part, or of an addon (`metrics-server`).
pub fn objects(part: &str) -> &'static [Value] {
    data()[part].items()
}

/// The pods that the kubelet of the control plane's node starts by itself.
pub fn static_pods(node: &NodeConfig, system: System) -> Vec<Value> {
    let text = localized(&drydock_value::to_json(&data()["static"]), system);
    let text = text.replace("$IP", &node.ip).replace("$NODE", &node.name);
    let mut pods = parse_json(&text).unwrap_or_default();
    for pod in pods.items_mut() {
        let own = pod["metadata"]["name"].str().to_owned();
        make_static(pod, &node.name, &format!("{own} {}", node.name));
    }
    pods.items().to_vec()
}

/// Makes the pod of a file what the kubelet makes of it on a node. The hash is told of `text`.
pub(crate) fn make_static(pod: &mut Value, node: &str, text: &str) {
    let hash = digest(text);
    let hash = hash.trim_start_matches("sha256:").get(..32).unwrap_or_default();
    let metadata = &mut pod["metadata"];
    if metadata["namespace"].str().is_empty() {
        metadata.set("namespace", "default");
    }
    let name = format!("{}-{node}", metadata["name"].str());
    metadata.set("name", name);
    for (name, value) in [("hash", hash), ("mirror", hash), ("source", "file")] {
        metadata["annotations"].set(format!("{CONFIG}{name}"), value);
    }
    let spec = &mut pod["spec"];
    spec.set("nodeName", node);
    spec.set("tolerations", value!([{"effect": "NoExecute", "operator": "Exists"}]));
}

/// The file of a static pod.
pub(crate) fn manifest_of(pod: &Value) -> Value {
    let mut file = pod.clone();
    let node = format!("-{}", pod["spec"]["nodeName"].str());
    let metadata = &mut file["metadata"];
    let name = metadata["name"].str().trim_end_matches(&node).to_owned();
    metadata.set("name", name);
    for name in ["hash", "mirror", "source"] {
        metadata["annotations"].remove(&format!("{CONFIG}{name}"));
    }
    if metadata["annotations"].is_empty() {
        metadata.remove("annotations");
    }
    file["spec"].remove("nodeName");
    file["spec"].remove("tolerations");
    file
}

/// The images that all of it runs from, and that its nodes have from the beginning, by who provisions volumes.
pub fn images(provisioner: &str) -> Vec<&'static str> {
    let system = if provisioner == LOCAL_PATH { System::Kubeadm } else { System::Minikube };
    let pods = objects("static").iter().map(|pod| &pod["spec"]);
    let parts = PARTS.iter().filter(|part| is_part_of(part, system));
    let others = parts.flat_map(|part| objects(part)).map(|object| match object["kind"].str() {
        "Pod" => &object["spec"],
        _ => &object["spec"]["template"]["spec"],
    });
    pods.chain(others).flat_map(|spec| spec["containers"].items()).map(|container| container["image"].str()).collect()
}

/// Makes the objects of a part; those that are there stay as they are.
///
/// # Errors
/// What the API server refuses.
pub fn install(api: &mut ApiServer, now: Time, part: &str) -> Result<(), Status> {
    for object in objects(part) {
        let Some(kind) = Kind::of_object(object) else { continue };
        let namespace = object["metadata"]["namespace"].str();
        match client(api, ACTOR, now).create(kind, namespace, object.clone()) {
            Err(status) if !status.is("AlreadyExists") => return Err(status),
            _ => {}
        }
    }
    Ok(())
}

/// A text of kubeadm's, which is written as minikube has it.
fn noted(text: &str, api: &ApiServer, system: System) -> String {
    const ALONE: &str = "\n  - name: leader-elect\n    value: \"false\"";
    let address = api.config().address.as_str();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let text = localized(text, system).replace("$IP", host).replace("$VERSION", &api.config().version);
    if system == System::Minikube {
        return text;
    }
    text.replace(&format!("scheduler:\n  extraArgs:{ALONE}\n"), "scheduler: {}\n").replace(ALONE, "")
}

/// Makes what lies in `kube-system` beside what runs there: what kubeadm noted, what the API server tells of itself, and the
/// accounts of the controllers. A kubeadm cluster of v1.35 showed which there are.
fn furnish(api: &mut ApiServer, now: Time, system: System) -> Result<(), Status> {
    let authority = api.config().ca_certificate.clone();
    for object in data()["kubeadm"].items() {
        let Some(kind) = Kind::of_object(object) else { continue };
        let mut object = object.clone();
        for (key, text) in object.clone()["data"].entries() {
            object["data"].set(key, noted(text.str(), api, system));
        }
        let namespace = object["metadata"]["namespace"].str().to_owned();
        client(api, KUBEADM, now).create(kind, &namespace, object)?;
    }
    let day = now.rfc3339();
    // Whoever stands before the API server is certified by the same authority: the cluster has only one.
    let own = [
        (
            "extension-apiserver-authentication",
            value!({
                "client-ca-file": authority.as_str(), "requestheader-allowed-names": "[\"front-proxy-client\"]",
                "requestheader-client-ca-file": authority.as_str(),
                "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
                "requestheader-group-headers": "[\"X-Remote-Group\"]",
                "requestheader-username-headers": "[\"X-Remote-User\"]"
            }),
        ),
        ("kube-apiserver-legacy-service-account-token-tracking", value!({"since": day.get(..10).unwrap_or_default()})),
    ];
    for (name, data) in own {
        let map = value!({"metadata": {"name": name, "namespace": NAMESPACE}, "data": data});
        client(api, "system:apiserver", now).create(kinds::CONFIG_MAPS, NAMESPACE, map)?;
    }
    for name in data()["accounts"].items() {
        let account = value!({"metadata": {"name": name, "namespace": NAMESPACE}});
        client(api, "system:kube-controller-manager", now).create(kinds::SERVICE_ACCOUNTS, NAMESPACE, account)?;
    }
    Ok(())
}

/// Makes what a new cluster runs for itself, besides the static pods.
///
/// # Errors
/// What the API server refuses.
pub(crate) fn begin(api: &mut ApiServer, now: Time, system: System) -> Result<(), Status> {
    if system == System::None {
        return Ok(());
    }
    for part in PARTS.iter().filter(|part| is_part_of(part, system)) {
        install(api, now, part)?;
    }
    furnish(api, now, system)?;
    if system == System::Kubeadm {
        let proxy = objects("kube-proxy").iter().find(|object| object["kind"] == "ConfigMap");
        let kubeconfig = proxy.map(|map| localized(map["data"]["kubeconfig.conf"].str(), system)).unwrap_or_default();
        let (twice, there) =
            (value!({"spec": {"replicas": 2}}), value!({"data": {"kubeconfig.conf": kubeconfig.as_str()}}));
        let mut client = client(api, ACTOR, now);
        client.patch(kinds::DEPLOYMENTS, NAMESPACE, "coredns", PatchType::Merge, &twice, "")?;
        client.patch(kinds::CONFIG_MAPS, NAMESPACE, "kube-proxy", PatchType::Merge, &there, "")?;
    }
    Ok(())
}

/// Deletes the objects of a part.
///
/// # Errors
/// What the API server refuses.
pub fn remove(api: &mut ApiServer, now: Time, part: &str) -> Result<(), Status> {
    for object in objects(part).iter().rev() {
        let Some(kind) = Kind::of_object(object) else { continue };
        let metadata = &object["metadata"];
        let deleted = client(api, ACTOR, now).delete(
            kind,
            metadata["namespace"].str(),
            metadata["name"].str(),
            &DeleteOptions::default(),
        );
        match deleted {
            Err(status) if !status.is("NotFound") => return Err(status),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
