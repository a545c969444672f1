//! Persistent volumes, claims, storage classes and what CSI drivers offer.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{
    annotations, format_labels, go_list, heading, labels, multiline, number, rfc1123, strings, text, title_bool,
};
use super::resources::canonical;
use super::volumes::{access_modes, node_affinity, selector_term, source};
use super::{Described, writer::Writer};
use crate::failure::Failure;

const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The storage class of a volume or a claim; the old annotation goes before the field.
pub fn class_of(object: &Value) -> &str {
    match object["metadata"]["annotations"].get(BETA_CLASS) {
        Some(class) => class.str(),
        None => object["spec"]["storageClassName"].str(),
    }
}

fn phase(object: &Value, ctx: &Context) -> String {
    match &object["metadata"]["deletionTimestamp"] {
        Value::Null => object["status"]["phase"].str().to_owned(),
        deleted => format!("Terminating (lasts {})", ctx.ago(deleted)),
    }
}

/// Describes a persistent volume.
pub fn persistent_volume(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let spec = &object["spec"];
    heading(w, object, false);
    w.field(0, "Finalizers", &go_list(&object["metadata"]["finalizers"]));
    w.field(0, "StorageClass", class_of(object));
    w.field(0, "Status", &phase(object, ctx));
    let claim = &spec["claimRef"];
    let claim =
        if claim.is_null() { String::new() } else { format!("{}/{}", claim["namespace"].str(), claim["name"].str()) };
    w.field(0, "Claim", &claim);
    w.field(0, "Reclaim Policy", spec["persistentVolumeReclaimPolicy"].str());
    w.field(0, "Access Modes", &access_modes(&spec["accessModes"]));
    if !spec["volumeMode"].is_null() {
        w.field(0, "VolumeMode", spec["volumeMode"].str());
    }
    let capacity = &spec["capacity"]["storage"];
    w.field(0, "Capacity", &if capacity.is_null() { "0".into() } else { canonical(capacity) });
    node_affinity(w, &spec["nodeAffinity"]);
    w.field(0, "Message", object["status"]["message"].str());
    w.line(0, "Source:");
    source(w, spec, true);
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes a persistent volume claim with the pods that use it.
pub fn persistent_volume_claim(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let users = users_of(object, ctx)?;
    claim(w, object, Some(ctx));
    multiline(w, "", "Used By", &users);
    let conditions = object["status"]["conditions"].items();
    if !conditions.is_empty() {
        w.line(0, "Conditions:");
        w.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage");
        w.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    }
    for condition in conditions {
        let times = (rfc1123(&condition["lastProbeTime"]), rfc1123(&condition["lastTransitionTime"]));
        let (kind, status) = (condition["type"].str(), condition["status"].str());
        let (reason, message) = (condition["reason"].str(), condition["message"].str());
        w.line(1, &format!("{kind} \t{status} \t{} \t{} \t{reason} \t{message}", times.0, times.1));
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// The names of the pods that mount a claim or own it.
fn users_of(claim: &Value, ctx: &mut Context) -> Result<Vec<String>, Failure> {
    let metadata = &claim["metadata"];
    let pods = ctx.pods(metadata["namespace"].str(), "")?;
    let uses = |pod: &Value| {
        let mounted = pod["spec"]["volumes"].items().iter();
        mounted.filter(|volume| volume["persistentVolumeClaim"]["claimName"] == metadata["name"]).count()
    };
    let owns = |pod: &Value| {
        let mut owners = metadata["ownerReferences"].items().iter().filter(|owner| owner["kind"] == "Pod");
        owners.any(|owner| owner["uid"] == pod["metadata"]["uid"])
    };
    let mut names = Vec::new();
    for pod in &pods {
        let times = uses(pod).max(usize::from(owns(pod)));
        names.extend(std::iter::repeat_n(pod["metadata"]["name"].str().to_owned(), times));
    }
    names.sort_compact();
    Ok(names)
}

/// A claim, or (without a context) a template of one.
pub fn claim(w: &mut Writer, object: &Value, full: Option<&Context>) {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    if full.is_some() {
        w.field(0, "Name", metadata["name"].str());
        w.field(0, "Namespace", metadata["namespace"].str());
    }
    w.field(0, "StorageClass", class_of(object));
    if let Some(ctx) = full {
        w.field(0, "Status", &phase(object, ctx));
    }
    w.field(0, "Volume", spec["volumeName"].str());
    labels(w, "Labels", &metadata["labels"]);
    annotations(w, "Annotations", &metadata["annotations"]);
    if full.is_some() {
        w.field(0, "Finalizers", &go_list(&metadata["finalizers"]));
    }
    let (mut capacity, mut modes) = (String::new(), String::new());
    if !spec["volumeName"].is_empty() {
        modes = access_modes(&status["accessModes"]);
        let size = &status["capacity"]["storage"];
        capacity = if size.is_null() { "0".into() } else { canonical(size) };
    }
    w.field(0, "Capacity", &capacity);
    w.field(0, "Access Modes", &modes);
    if !spec["volumeMode"].is_null() {
        w.field(0, "VolumeMode", spec["volumeMode"].str());
    }
    let data_source = &spec["dataSource"];
    if !data_source.is_null() {
        w.line(0, "DataSource:");
        reference(w, data_source);
    }
}

/// A typed reference: the group only where it is given.
pub fn reference(w: &mut Writer, reference: &Value) {
    if !reference["apiGroup"].is_null() {
        w.field(1, "APIGroup", reference["apiGroup"].str());
    }
    w.field(1, "Kind", reference["kind"].str());
    w.field(1, "Name", reference["name"].str());
}

/// Describes a storage class.
pub fn storage_class(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let metadata = &object["metadata"];
    w.field(0, "Name", metadata["name"].str());
    let is_default =
        ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"]
            .iter()
            .any(|key| metadata["annotations"][*key] == "true");
    w.field(0, "IsDefaultClass", if is_default { "Yes" } else { "No" });
    w.field(0, "Annotations", &format_labels(&metadata["annotations"]));
    w.field(0, "Provisioner", object["provisioner"].str());
    w.field(0, "Parameters", &format_labels(&object["parameters"]));
    let expansion = object["allowVolumeExpansion"].as_bool().map_or("<unset>", title_bool);
    w.field(0, "AllowVolumeExpansion", expansion);
    let options = strings(&object["mountOptions"]);
    if options.is_empty() {
        w.field(0, "MountOptions", "<none>");
    } else {
        w.line(0, "MountOptions:");
        options.iter().for_each(|option| w.line(1, option));
    }
    for (title, field) in [("ReclaimPolicy", "reclaimPolicy"), ("VolumeBindingMode", "volumeBindingMode")] {
        if !object[field].is_null() {
            w.field(0, title, object[field].str());
        }
    }
    let topologies = &object["allowedTopologies"];
    if !topologies.is_null() {
        w.put(0, "AllowedTopologies:\t");
        w.line(0, if topologies.items().is_empty() { "<none>" } else { "" });
        for (i, term) in topologies.items().iter().enumerate() {
            selector_term(w, 1, i, &term["matchLabelExpressions"], false);
        }
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes a volume attributes class.
pub fn volume_attributes_class(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    w.field(0, "Name", object["metadata"]["name"].str());
    w.field(0, "Annotations", &format_labels(&object["metadata"]["annotations"]));
    w.field(0, "DriverName", object["driverName"].str());
    w.field(0, "Parameters", &format_labels(&object["parameters"]));
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

/// Describes the CSI drivers of a node.
pub fn csi_node(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, false);
    w.field(0, "CreationTimestamp", &rfc1123(&object["metadata"]["creationTimestamp"]));
    w.line(0, "Spec:");
    let drivers = &object["spec"]["drivers"];
    if !drivers.is_null() {
        w.line(1, "Drivers:");
    }
    for driver in drivers.items() {
        w.line(2, &format!("{}:", text(&driver["name"])));
        w.field(3, "Node ID", driver["nodeID"].str());
        if !driver["allocatable"]["count"].is_null() {
            w.line(3, "Allocatables:");
            w.field(4, "Count", &number(&driver["allocatable"]["count"]));
        }
        if !driver["topologyKeys"].is_null() {
            w.field(3, "Topology Keys", &go_list(&driver["topologyKeys"]));
        }
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}
