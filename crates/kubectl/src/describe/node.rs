//! Nodes, with the pods on them and what those take.

use drydock_api::GroupVersionResource;
use drydock_schema::quantity::Quantity;
use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::{Context, core};
use super::events::events;
use super::format::{annotations, boolean, labels, multiline, or_none, rfc1123, strings, taint};
use super::resources::{Amounts, add, canonical, of_pod, quantity};
use super::{Described, writer::Writer};

/// Describes a node.
pub fn node(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let name = metadata["name"].str();
    let selector = format!("spec.nodeName={name},status.phase!=Succeeded,status.phase!=Failed");
    let pods = match ctx.list(&core("pods"), "", &[("fieldSelector", &selector)]) {
        Ok(pods) => Some(pods),
        Err(error) if error.is("Forbidden") => None,
        Err(error) => return Err(error),
    };
    w.field(0, "Name", name);
    w.field(0, "Roles", &or_none(roles(&metadata["labels"]).join(",")));
    labels(w, "Labels", &metadata["labels"]);
    annotations(w, "Annotations", &metadata["annotations"]);
    w.field(0, "CreationTimestamp", &rfc1123(&metadata["creationTimestamp"]));
    let mut taints: Vec<&Value> = spec["taints"].items().iter().collect();
    taints.sort_compact_by_key(|taint| format!("{},{}", taint["effect"].str(), taint["key"].str()));
    multiline(w, "", "Taints", &taints.into_iter().map(taint).collect::<Vec<_>>());
    w.field(0, "Unschedulable", boolean(&spec["unschedulable"]));
    lease(w, name, ctx);
    conditions(w, &status["conditions"]);
    w.line(0, "Addresses:");
    for address in status["addresses"].items() {
        w.field(1, address["type"].str(), address["address"].str());
    }
    for (title, field) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        if !status[field].is_empty() {
            w.line(0, &format!("{title}:"));
            for (resource, amount) in status[field].entries() {
                w.field(1, resource, &canonical(amount));
            }
        }
    }
    w.line(0, "System Info:");
    for (title, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        w.field(1, title, status["nodeInfo"][field].str());
    }
    if !spec["podCIDR"].is_empty() {
        w.field(0, "PodCIDR", spec["podCIDR"].str());
    }
    if !spec["podCIDRs"].is_empty() {
        w.field(0, "PodCIDRs", &strings(&spec["podCIDRs"]).join(","));
    }
    if !spec["providerID"].is_empty() {
        w.field(0, "ProviderID", spec["providerID"].str());
    }
    match pods {
        Some(pods) => pods_and_resources(w, object, &pods, ctx),
        None => w.field(0, "Pods", "not authorized"),
    }
    // Controllers refer to a node by its UID, kubelets by its name.
    let mut about = ctx.events_about("Node", "", name, metadata["uid"].str());
    if let Some(about) = &mut about {
        about.extend(ctx.events_about("Node", "", name, name).unwrap_or_default());
    }
    events(w, about, ctx);
    Ok(())
}

/// The roles that a node's labels give it.
pub fn roles(labels: &Value) -> Vec<String> {
    let mut roles: Vec<String> = labels
        .entries()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role.to_owned()),
            None => (key == "kubernetes.io/role").then(|| value.str().to_owned()),
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_compact();
    roles.dedup();
    roles
}

fn lease(w: &mut Writer, node: &str, ctx: &mut Context) {
    let resource = GroupVersionResource::new("coordination.k8s.io", "v1", "leases");
    match ctx.get(&resource, "kube-node-lease", node) {
        Err(error) => w.field(0, "Lease", &format!("Failed to get lease: {}", error.words())),
        Ok(lease) => {
            let spec = &lease["spec"];
            let moment = |time: &Value| if time.is_null() { "<unset>".into() } else { rfc1123(time) };
            w.line(0, "Lease:");
            w.field(1, "HolderIdentity", &super::format::text_or(&spec["holderIdentity"], "<unset>"));
            w.field(1, "AcquireTime", &moment(&spec["acquireTime"]));
            w.field(1, "RenewTime", &moment(&spec["renewTime"]));
        }
    }
}

fn conditions(w: &mut Writer, conditions: &Value) {
    if conditions.items().is_empty() {
        return;
    }
    w.line(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    w.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for condition in conditions.items() {
        let (kind, status) = (condition["type"].str(), condition["status"].str());
        let times = (rfc1123(&condition["lastHeartbeatTime"]), rfc1123(&condition["lastTransitionTime"]));
        let (reason, message) = (condition["reason"].str(), condition["message"].str());
        w.line(1, &format!("{kind} \t{status} \t{} \t{} \t{reason} \t{message}", times.0, times.1));
    }
}

/// What share of the whole an amount is, in whole percent.
fn percent(amount: &Quantity, whole: &Quantity, milli: bool) -> i64 {
    let (amount, whole) =
        if milli { (amount.milli_value(), whole.milli_value()) } else { (amount.value(), whole.value()) };
    if whole == 0 { 0 } else { (amount as f64 / whole as f64 * 100.0) as i64 }
}

fn pods_and_resources(w: &mut Writer, node: &Value, pods: &[Value], ctx: &Context) {
    let status = &node["status"];
    let allocatable = if status["allocatable"].is_empty() { &status["capacity"] } else { &status["allocatable"] };
    let share = |amounts: &Amounts, resource: &str| {
        let amount = amounts.get(resource).cloned().unwrap_or_default();
        format!("{amount} ({}%)", percent(&amount, &quantity(&allocatable[resource]), resource == "cpu"))
    };
    w.field(0, "Non-terminated Pods", &format!("({} in total)", pods.len()));
    w.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    w.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    for pod in pods {
        let (wanted, most) = (of_pod(pod, "requests"), of_pod(pod, "limits"));
        let metadata = &pod["metadata"];
        let cells = [
            metadata["namespace"].str().to_owned(),
            metadata["name"].str().to_owned(),
            String::new(),
            share(&wanted, "cpu"),
            share(&most, "cpu"),
            share(&wanted, "memory"),
            share(&most, "memory"),
            ctx.ago(&metadata["creationTimestamp"]),
        ];
        w.line(1, &cells.join("\t"));
        add(&mut requests, &wanted);
        add(&mut limits, &most);
    }
    w.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)");
    w.line(1, "Resource\tRequests\tLimits");
    w.line(1, "--------\t--------\t------");
    let huge = allocatable.entries().map(|(name, _)| name).filter(|name| name.starts_with("hugepages-"));
    for resource in ["cpu", "memory", "ephemeral-storage"].into_iter().chain(huge) {
        w.line(1, &format!("{resource}\t{}\t{}", share(&requests, resource), share(&limits, resource)));
    }
    let known =
        |name: &str| matches!(name, "cpu" | "memory" | "ephemeral-storage" | "pods") || name.starts_with("hugepages-");
    for (resource, _) in allocatable.entries().filter(|(name, _)| !known(name)) {
        let amount = |amounts: &Amounts| amounts.get(resource).cloned().unwrap_or_default().to_string();
        w.line(1, &format!("{resource}\t{}\t{}", amount(&requests), amount(&limits)));
    }
}
