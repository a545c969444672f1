//! Handles of what is stored: one small number a kind, whatever versions of the API speak it.
//!
//! `pods` is one kind; `autoscaling/v1` and `autoscaling/v2` horizontalpodautoscalers are one kind, and so are the
//! events of the core group and of `events.k8s.io`. Each constant names the version in which objects are stored. Code
//! inside the cluster passes these constants around; text is only looked at where a request comes in.

use std::fmt;

/// A kind that the store holds. Compares and copies like a number: the upper half is its place in the store, the lower one
/// tells what it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(u32);

/// What is known of a kind without looking at the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindInfo {
    /// The API group.
    pub group: &'static str,
    /// The version in which objects are stored.
    pub version: &'static str,
    /// The plural in lower case.
    pub resource: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

macro_rules! kinds {
    ($($constant:ident $group:literal $version:literal $resource:literal $kind:literal $namespaced:literal)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index { $($constant),* }

        $(
            #[doc = concat!("`", $resource, "` of group \"", $group, "\", stored as ", $version, ".")]
            pub const $constant: Kind = Kind::at(Index::$constant as u32);
        )*

        /// Every kind, in the order of its number.
        pub(crate) const TABLE: &[KindInfo] = &[$(KindInfo {
            group: $group, version: $version, resource: $resource, kind: $kind, namespaced: $namespaced,
        }),*];
    };
}

kinds! {
    CONFIG_MAPS "" "v1" "configmaps" "ConfigMap" true
    ENDPOINTS "" "v1" "endpoints" "Endpoints" true
    EVENTS "" "v1" "events" "Event" true
    LIMIT_RANGES "" "v1" "limitranges" "LimitRange" true
    NAMESPACES "" "v1" "namespaces" "Namespace" false
    NODES "" "v1" "nodes" "Node" false
    PERSISTENT_VOLUME_CLAIMS "" "v1" "persistentvolumeclaims" "PersistentVolumeClaim" true
    PERSISTENT_VOLUMES "" "v1" "persistentvolumes" "PersistentVolume" false
    PODS "" "v1" "pods" "Pod" true
    POD_TEMPLATES "" "v1" "podtemplates" "PodTemplate" true
    REPLICATION_CONTROLLERS "" "v1" "replicationcontrollers" "ReplicationController" true
    RESOURCE_QUOTAS "" "v1" "resourcequotas" "ResourceQuota" true
    SECRETS "" "v1" "secrets" "Secret" true
    SERVICE_ACCOUNTS "" "v1" "serviceaccounts" "ServiceAccount" true
    SERVICES "" "v1" "services" "Service" true
    API_SERVICES "apiregistration.k8s.io" "v1" "apiservices" "APIService" false
    CONTROLLER_REVISIONS "apps" "v1" "controllerrevisions" "ControllerRevision" true
    DAEMON_SETS "apps" "v1" "daemonsets" "DaemonSet" true
    DEPLOYMENTS "apps" "v1" "deployments" "Deployment" true
    REPLICA_SETS "apps" "v1" "replicasets" "ReplicaSet" true
    STATEFUL_SETS "apps" "v1" "statefulsets" "StatefulSet" true
    HORIZONTAL_POD_AUTOSCALERS "autoscaling" "v2" "horizontalpodautoscalers" "HorizontalPodAutoscaler" true
    CRON_JOBS "batch" "v1" "cronjobs" "CronJob" true
    JOBS "batch" "v1" "jobs" "Job" true
    CERTIFICATE_SIGNING_REQUESTS "certificates.k8s.io" "v1" "certificatesigningrequests" "CertificateSigningRequest" false
    INGRESS_CLASSES "networking.k8s.io" "v1" "ingressclasses" "IngressClass" false
    INGRESSES "networking.k8s.io" "v1" "ingresses" "Ingress" true
    IP_ADDRESSES "networking.k8s.io" "v1" "ipaddresses" "IPAddress" false
    NETWORK_POLICIES "networking.k8s.io" "v1" "networkpolicies" "NetworkPolicy" true
    SERVICE_CIDRS "networking.k8s.io" "v1" "servicecidrs" "ServiceCIDR" false
    POD_DISRUPTION_BUDGETS "policy" "v1" "poddisruptionbudgets" "PodDisruptionBudget" true
    CLUSTER_ROLE_BINDINGS "rbac.authorization.k8s.io" "v1" "clusterrolebindings" "ClusterRoleBinding" false
    CLUSTER_ROLES "rbac.authorization.k8s.io" "v1" "clusterroles" "ClusterRole" false
    ROLE_BINDINGS "rbac.authorization.k8s.io" "v1" "rolebindings" "RoleBinding" true
    ROLES "rbac.authorization.k8s.io" "v1" "roles" "Role" true
    CSI_DRIVERS "storage.k8s.io" "v1" "csidrivers" "CSIDriver" false
    CSI_NODES "storage.k8s.io" "v1" "csinodes" "CSINode" false
    CSI_STORAGE_CAPACITIES "storage.k8s.io" "v1" "csistoragecapacities" "CSIStorageCapacity" true
    STORAGE_CLASSES "storage.k8s.io" "v1" "storageclasses" "StorageClass" false
    VOLUME_ATTACHMENTS "storage.k8s.io" "v1" "volumeattachments" "VolumeAttachment" false
    VOLUME_ATTRIBUTES_CLASSES "storage.k8s.io" "v1" "volumeattributesclasses" "VolumeAttributesClass" false
    MUTATING_ADMISSION_POLICIES "admissionregistration.k8s.io" "v1" "mutatingadmissionpolicies" "MutatingAdmissionPolicy" false
    MUTATING_ADMISSION_POLICY_BINDINGS "admissionregistration.k8s.io" "v1" "mutatingadmissionpolicybindings" "MutatingAdmissionPolicyBinding" false
    MUTATING_WEBHOOK_CONFIGURATIONS "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" "MutatingWebhookConfiguration" false
    VALIDATING_ADMISSION_POLICIES "admissionregistration.k8s.io" "v1" "validatingadmissionpolicies" "ValidatingAdmissionPolicy" false
    VALIDATING_ADMISSION_POLICY_BINDINGS "admissionregistration.k8s.io" "v1" "validatingadmissionpolicybindings" "ValidatingAdmissionPolicyBinding" false
    VALIDATING_WEBHOOK_CONFIGURATIONS "admissionregistration.k8s.io" "v1" "validatingwebhookconfigurations" "ValidatingWebhookConfiguration" false
    CUSTOM_RESOURCE_DEFINITIONS "apiextensions.k8s.io" "v1" "customresourcedefinitions" "CustomResourceDefinition" false
    PRIORITY_CLASSES "scheduling.k8s.io" "v1" "priorityclasses" "PriorityClass" false
    LEASES "coordination.k8s.io" "v1" "leases" "Lease" true
    RUNTIME_CLASSES "node.k8s.io" "v1" "runtimeclasses" "RuntimeClass" false
    ENDPOINT_SLICES "discovery.k8s.io" "v1" "endpointslices" "EndpointSlice" true
    DEVICE_CLASSES "resource.k8s.io" "v1" "deviceclasses" "DeviceClass" false
    RESOURCE_CLAIMS "resource.k8s.io" "v1" "resourceclaims" "ResourceClaim" true
    RESOURCE_CLAIM_TEMPLATES "resource.k8s.io" "v1" "resourceclaimtemplates" "ResourceClaimTemplate" true
    RESOURCE_SLICES "resource.k8s.io" "v1" "resourceslices" "ResourceSlice" false
    FLOW_SCHEMAS "flowcontrol.apiserver.k8s.io" "v1" "flowschemas" "FlowSchema" false
    PRIORITY_LEVEL_CONFIGURATIONS "flowcontrol.apiserver.k8s.io" "v1" "prioritylevelconfigurations" "PriorityLevelConfiguration" false
}

impl Kind {
    const fn at(place: u32) -> Kind {
        Kind(place << 16 | place)
    }

    /// A kind that a CRD defines.
    pub(crate) fn custom(slot: u16, number: u16) -> Kind {
        Kind(u32::from(slot) << 16 | u32::from(number))
    }

    /// What tells the kind, besides its place.
    pub(crate) fn number(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    /// The place in whatever has one for each kind: from 0 on, without gaps for those of [`Kind::all`], custom ones after
    /// them.
    pub fn index(self) -> usize {
        (self.0 >> 16) as usize
    }

    /// Every built-in kind, in the order of its number.
    pub fn all() -> impl Iterator<Item = Kind> {
        (0..TABLE.len()).map(|number| Kind::at(number as u32))
    }

    /// The kind of a group and plural, such as `("apps", "deployments")`. The events of `events.k8s.io` are
    /// [`EVENTS`].
    pub fn of_resource(group: &str, resource: &str) -> Option<Kind> {
        let group = if group == "events.k8s.io" { "" } else { group };
        Kind::all().find(|kind| kind.info().resource == resource && kind.info().group == group)
    }

    /// The kind of a group and kind, such as `("apps", "Deployment")`.
    pub fn of(group: &str, kind: &str) -> Option<Kind> {
        let group = if group == "events.k8s.io" { "" } else { group };
        Kind::all().find(|candidate| candidate.info().kind == kind && candidate.info().group == group)
    }

    /// The kind of an object, by its `apiVersion` (group only) and `kind`: also of an owner reference.
    pub fn of_object(object: &drydock_value::Value) -> Option<Kind> {
        let group = object["apiVersion"].str().split_once('/').map_or("", |(group, _)| group);
        Kind::of(group, object["kind"].str())
    }

    /// Names and scope.
    pub fn info(self) -> &'static KindInfo {
        // Every handle comes from the table or from a definition, so the first row is never taken for another.
        TABLE.get(self.number()).or_else(|| crate::custom::info(self)).unwrap_or(&TABLE[0])
    }

    /// The plural with its group, as messages name it: `pods`, `deployments.apps`.
    pub fn group_resource(self) -> String {
        let info = self.info();
        if info.group.is_empty() { info.resource.into() } else { format!("{}.{}", info.resource, info.group) }
    }

    /// The `apiVersion` of stored objects: `v1`, `apps/v1`.
    pub fn api_version(self) -> String {
        let info = self.info();
        if info.group.is_empty() { info.version.into() } else { format!("{}/{}", info.group, info.version) }
    }

    /// Whether objects live in namespaces.
    pub fn namespaced(self) -> bool {
        self.info().namespaced
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.group_resource())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_found_by_any_name() {
        assert_eq!(Kind::of_resource("", "pods"), Some(PODS));
        assert_eq!(Kind::of("apps", "Deployment"), Some(DEPLOYMENTS));
        assert_eq!(Kind::of_resource("events.k8s.io", "events"), Some(EVENTS));
        assert_eq!(Kind::of("apps", "Pod"), None);
        assert_eq!(DEPLOYMENTS.group_resource(), "deployments.apps");
        assert_eq!(DEPLOYMENTS.api_version(), "apps/v1");
        for kind in Kind::all() {
            assert_eq!(Kind::of(kind.info().group, kind.info().kind), Some(kind));
        }
    }
}
