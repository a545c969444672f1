//! The cluster as the page draws it: what kubectl's tables say of nodes, pods, deployments, replica sets and services,
//! and who belongs to whom. It is read through the API, as any client would read it.

use drydock_api::Request;
use drydock_apiserver::Answer;
use drydock_cluster::Cluster;
use drydock_value::Value;
use serde::{Deserialize, Serialize};

/// How a pod is doing, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PodPhase {
    /// Not on a node yet.
    Pending,
    /// On a node, its containers are being made.
    Starting,
    /// Running, not all containers ready.
    Running,
    /// Running, all containers ready.
    Ready,
    /// Ended well.
    Succeeded,
    /// Something is wrong: it failed, or waits to be tried again.
    Failing,
    /// It is being deleted.
    Terminating,
}

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodView {
    /// Its UID, which stays.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The node, or "".
    pub node: String,
    /// For its colour.
    pub phase: PodPhase,
    /// The STATUS column: `Running`, `CrashLoopBackOff`.
    pub status: String,
    /// The READY column: `1/1`.
    pub ready: String,
    /// The RESTARTS column.
    pub restarts: String,
    /// Its address, or "".
    pub ip: String,
    /// The images of its containers.
    pub images: Vec<String>,
    /// Its controller as kind and name, or "".
    pub owner: (String, String),
    /// Its labels.
    pub labels: Vec<(String, String)>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// The STATUS column: `Ready`, `NotReady,SchedulingDisabled`.
    pub status: String,
    /// The ROLES column.
    pub roles: String,
    /// The VERSION column.
    pub version: String,
    /// Its address.
    pub ip: String,
}

/// A Deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentView {
    /// Its UID, which stays.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many pods are wanted.
    pub replicas: i64,
    /// How many are ready.
    pub ready: i64,
    /// How many are of the newest template.
    pub updated: i64,
    /// How many have been ready for long enough.
    pub available: i64,
    /// The images of its template.
    pub images: Vec<String>,
}

/// A ReplicaSet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaSetView {
    /// Its UID, which stays.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many pods are wanted.
    pub replicas: i64,
    /// How many are ready.
    pub ready: i64,
    /// Its Deployment's name, or "".
    pub deployment: String,
    /// Which revision of it, or "".
    pub revision: String,
    /// The images of its template.
    pub images: Vec<String>,
}

/// A Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Its UID, which stays.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `ClusterIP`, `NodePort` and so on.
    pub kind: String,
    /// Its address; `None` and "" as in the object.
    pub cluster_ip: String,
    /// The PORT(S) column.
    pub ports: String,
    /// The labels that it selects; empty when it selects nothing.
    pub selector: Vec<(String, String)>,
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct View {
    /// The store's revision that this shows.
    pub revision: u64,
    /// The nodes, by name.
    pub nodes: Vec<NodeView>,
    /// The pods, by namespace and name.
    pub pods: Vec<PodView>,
    /// The Deployments, by namespace and name.
    pub deployments: Vec<DeploymentView>,
    /// The ReplicaSets, by namespace and name.
    pub replica_sets: Vec<ReplicaSetView>,
    /// The Services, by namespace and name.
    pub services: Vec<ServiceView>,
    /// The names of the namespaces.
    pub namespaces: Vec<String>,
}

pub(crate) fn view(cluster: &mut Cluster) -> View {
    View {
        revision: cluster.api_ref().revision(),
        nodes: rows(cluster, "/api/v1/nodes").iter().map(node).collect(),
        pods: rows(cluster, "/api/v1/pods").iter().map(pod).collect(),
        deployments: rows(cluster, "/apis/apps/v1/deployments").iter().map(deployment).collect(),
        replica_sets: rows(cluster, "/apis/apps/v1/replicasets").iter().map(replica_set).collect(),
        services: rows(cluster, "/api/v1/services").iter().map(service).collect(),
        namespaces: rows(cluster, "/api/v1/namespaces")
            .iter()
            .map(|row| text(&row.object["metadata"]["name"]))
            .collect(),
    }
}

/// A row of a table: the cells and the object.
struct Row {
    cells: Value,
    object: Value,
}

impl Row {
    fn cell(&self, column: usize) -> String {
        match &self.cells[column] {
            Value::String(text) => text.to_string(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

fn rows(cluster: &mut Cluster, path: &str) -> Vec<Row> {
    let mut request = Request::get(path)
        .param("includeObject", "Object")
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    request.auth = crate::workstation::administrator();
    // The picture shows what there is, also while nobody else reaches the API server.
    let now = cluster.now();
    let table = match cluster.api().handle(request, now) {
        Answer::Response(response) => response.into_result().unwrap_or_default(),
        _ => Value::Null,
    };
    table["rows"].items().iter().map(|row| Row { cells: row["cells"].clone(), object: row["object"].clone() }).collect()
}

fn text(value: &Value) -> String {
    value.str().to_owned()
}

fn images(pod_spec: &Value) -> Vec<String> {
    pod_spec["containers"].items().iter().map(|container| text(&container["image"])).collect()
}

fn pairs(map: &Value) -> Vec<(String, String)> {
    map.entries().map(|(key, value)| (key.to_owned(), text(value))).collect()
}

fn controller(object: &Value) -> (String, String) {
    let owners = object["metadata"]["ownerReferences"].items();
    let owner = owners.iter().find(|owner| owner["controller"].is_true());
    owner.map(|owner| (text(&owner["kind"]), text(&owner["name"]))).unwrap_or_default()
}

fn node(row: &Row) -> NodeView {
    let object = &row.object;
    let address = object["status"]["addresses"].find("type", "InternalIP").map(|a| text(&a["address"]));
    NodeView {
        name: text(&object["metadata"]["name"]),
        status: row.cell(1),
        roles: row.cell(2),
        version: text(&object["status"]["nodeInfo"]["kubeletVersion"]),
        ip: address.unwrap_or_default(),
    }
}

fn pod(row: &Row) -> PodView {
    let object = &row.object;
    let (status, ready) = (row.cell(2), row.cell(1));
    PodView {
        uid: text(&object["metadata"]["uid"]),
        namespace: text(&object["metadata"]["namespace"]),
        name: text(&object["metadata"]["name"]),
        node: text(&object["spec"]["nodeName"]),
        phase: phase(object, &status, &ready),
        status,
        ready,
        restarts: row.cell(3),
        ip: text(&object["status"]["podIP"]),
        images: images(&object["spec"]),
        owner: controller(object),
        labels: pairs(&object["metadata"]["labels"]),
    }
}

fn phase(object: &Value, status: &str, ready: &str) -> PodPhase {
    let all_ready = ready.split_once('/').is_some_and(|(ready, all)| ready == all);
    match (status, object["status"]["phase"].str()) {
        _ if !object["metadata"]["deletionTimestamp"].is_null() => PodPhase::Terminating,
        (_, "Succeeded") => PodPhase::Succeeded,
        (_, "Failed") => PodPhase::Failing,
        ("Running", _) if all_ready => PodPhase::Ready,
        ("Running", _) => PodPhase::Running,
        ("ContainerCreating" | "PodInitializing", _) => PodPhase::Starting,
        (status, _) if status.starts_with("Init:") && !status.contains("rr") && !status.contains("BackOff") => {
            PodPhase::Starting
        }
        ("Pending", _) => PodPhase::Pending,
        _ => PodPhase::Failing,
    }
}

fn deployment(row: &Row) -> DeploymentView {
    let (spec, status) = (&row.object["spec"], &row.object["status"]);
    DeploymentView {
        uid: text(&row.object["metadata"]["uid"]),
        namespace: text(&row.object["metadata"]["namespace"]),
        name: text(&row.object["metadata"]["name"]),
        replicas: spec["replicas"].int(),
        ready: status["readyReplicas"].int(),
        updated: status["updatedReplicas"].int(),
        available: status["availableReplicas"].int(),
        images: images(&spec["template"]["spec"]),
    }
}

fn replica_set(row: &Row) -> ReplicaSetView {
    let (spec, metadata) = (&row.object["spec"], &row.object["metadata"]);
    let (kind, owner) = controller(&row.object);
    ReplicaSetView {
        uid: text(&metadata["uid"]),
        namespace: text(&metadata["namespace"]),
        name: text(&metadata["name"]),
        replicas: spec["replicas"].int(),
        ready: row.object["status"]["readyReplicas"].int(),
        deployment: if kind == "Deployment" { owner } else { String::new() },
        revision: text(&metadata["annotations"]["deployment.kubernetes.io/revision"]),
        images: images(&spec["template"]["spec"]),
    }
}

fn service(row: &Row) -> ServiceView {
    let (spec, metadata) = (&row.object["spec"], &row.object["metadata"]);
    ServiceView {
        uid: text(&metadata["uid"]),
        namespace: text(&metadata["namespace"]),
        name: text(&metadata["name"]),
        kind: text(&spec["type"]),
        cluster_ip: text(&spec["clusterIP"]),
        ports: row.cell(4),
        selector: pairs(&spec["selector"]),
    }
}
