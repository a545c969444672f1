//! What `kubectl describe` says of an object, in kubectl's own layout.
//!
//! A describer is a function that writes one object, and what belongs to it, into a [`Writer`]; it asks the API server
//! for related objects and for events through a [`Context`]. The table below names the kinds that have one; the fields
//! of all others are shown as a tree. In come an object and a context, out goes text with columns.
//!
//! - [`writer`]: levels and columns; [`format`]: labels, selectors, times; [`context`]: related objects;
//!   [`events`]: the table at the end; [`resources`]: sums of requests and limits.
//! - [`pod`], [`template`], [`volumes`], [`workloads`], [`service`], [`storage`], [`node`], [`namespace`], [`config`],
//!   [`policy`], [`rbac`], [`autoscaling`], [`certificate`], [`generic`]: the kinds.

mod autoscaling;
mod certificate;
mod config;
mod context;
mod events;
pub(crate) mod format;
mod generic;
mod namespace;
mod node;
mod pod;
mod policy;
pub(crate) mod rbac;
mod resources;
mod service;
mod storage;
mod template;
#[cfg(test)]
mod tests;
mod volumes;
mod workloads;
mod writer;

use crate::failure::Failure;
use drydock_api::GroupVersionKind;
use drydock_value::Value;

pub use context::Context;
pub use workloads::without_hash;
pub use writer::Writer;

/// What a describer answers: nothing, or why it could not.
type Described = Result<(), Failure>;
type Describer = fn(&mut Writer, &Value, &mut Context) -> Described;

/// Group, kind, describer.
const DESCRIBERS: &[(&str, &str, Describer)] = &[
    ("", "ConfigMap", config::config_map),
    ("", "Endpoints", service::endpoints),
    ("", "LimitRange", namespace::limit_range),
    ("", "Namespace", namespace::namespace),
    ("", "Node", node::node),
    ("", "PersistentVolume", storage::persistent_volume),
    ("", "PersistentVolumeClaim", storage::persistent_volume_claim),
    ("", "Pod", pod::pod),
    ("", "ReplicationController", workloads::replication_controller),
    ("", "ResourceQuota", namespace::quota),
    ("", "Secret", config::secret),
    ("", "Service", service::service),
    ("", "ServiceAccount", config::service_account),
    ("apps", "DaemonSet", workloads::daemon_set),
    ("apps", "Deployment", workloads::deployment),
    ("apps", "ReplicaSet", workloads::replica_set),
    ("apps", "StatefulSet", workloads::stateful_set),
    ("autoscaling", "HorizontalPodAutoscaler", autoscaling::autoscaler),
    ("batch", "CronJob", workloads::cron_job),
    ("batch", "Job", workloads::job),
    ("certificates.k8s.io", "CertificateSigningRequest", certificate::signing_request),
    ("discovery.k8s.io", "EndpointSlice", service::endpoint_slice),
    ("networking.k8s.io", "IPAddress", generic::ip_address),
    ("networking.k8s.io", "Ingress", service::ingress),
    ("networking.k8s.io", "IngressClass", service::ingress_class),
    ("networking.k8s.io", "NetworkPolicy", policy::network_policy),
    ("networking.k8s.io", "ServiceCIDR", generic::service_cidr),
    ("policy", "PodDisruptionBudget", policy::disruption_budget),
    ("rbac.authorization.k8s.io", "ClusterRole", rbac::role),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", rbac::binding),
    ("rbac.authorization.k8s.io", "Role", rbac::role),
    ("rbac.authorization.k8s.io", "RoleBinding", rbac::binding),
    ("scheduling.k8s.io", "PriorityClass", policy::priority_class),
    ("storage.k8s.io", "CSINode", storage::csi_node),
    ("storage.k8s.io", "StorageClass", storage::storage_class),
    ("storage.k8s.io", "VolumeAttributesClass", storage::volume_attributes_class),
];

/// Describes an object that the API server sent.
///
/// # Errors
/// When something that belongs to the description cannot be had.
pub fn describe(object: &Value, ctx: &mut Context) -> Result<String, Failure> {
    let gvk = GroupVersionKind::of(object);
    let row = DESCRIBERS.iter().find(|(group, kind, _)| *group == gvk.group && *kind == gvk.kind);
    let describer = row.map_or(generic::anything as Describer, |(_, _, describer)| *describer);
    let mut w = Writer::new();
    describer(&mut w, object, ctx)?;
    Ok(w.aligned())
}

/// A pod template as `rollout history --revision` shows it: with tabs, not columns.
pub fn template_text(template: &Value) -> String {
    let mut w = Writer::new();
    template::pod_template(&mut w, template);
    w.plain()
}
