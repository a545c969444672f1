//! JSON in the order of Go's structs.
//!
//! Objects that kubectl makes up, or gets through a typed client, are printed in the order in which Go declares their
//! fields. Values keep their keys sorted; the tables here put the fields of the kinds that kubectl makes up in order.

use drydock_sorted::Sort;
use drydock_value::{Map, Value};

/// What comes first in an object, and in the parts that the generators write. Fields that are not named follow sorted.
const ORDERS: &[(&str, &str)] = &[
    (
        "metadata",
        "name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp \
         deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields",
    ),
    ("containers", CONTAINER),
    ("initContainers", CONTAINER),
    ("env", "name value valueFrom"),
    ("ports", "name protocol appProtocol port targetPort nodePort"),
    ("Pod.ports", "name hostPort containerPort protocol hostIP"),
    (
        "Pod.spec",
        "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds \
         activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken \
         nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain \
         affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates \
         runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints",
    ),
    (
        "Deployment.spec",
        "replicas selector template strategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
    ),
    (
        "Job.spec",
        "parallelism completions activeDeadlineSeconds podFailurePolicy successPolicy backoffLimit backoffLimitPerIndex \
         maxFailedIndexes selector manualSelector template ttlSecondsAfterFinished completionMode suspend \
         podReplacementPolicy managedBy",
    ),
    (
        "CronJob.spec",
        "schedule timeZone startingDeadlineSeconds concurrencyPolicy suspend jobTemplate successfulJobsHistoryLimit \
         failedJobsHistoryLimit",
    ),
    (
        "Service.spec",
        "ports selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP loadBalancerSourceRanges \
         externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig \
         ipFamilies ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy",
    ),
    ("Ingress.spec", "ingressClassName defaultBackend tls rules"),
    ("paths", "path pathType backend"),
    ("rules", "verbs apiGroups resources resourceNames nonResourceURLs host http"),
    ("subjects", "kind apiGroup name namespace"),
    ("roleRef", "apiGroup kind name"),
    ("scaleTargetRef", "kind name apiVersion"),
    ("HorizontalPodAutoscaler.spec", "scaleTargetRef minReplicas maxReplicas metrics behavior"),
    ("PodDisruptionBudget.spec", "minAvailable selector maxUnavailable"),
    ("template", "metadata spec"),
    ("jobTemplate", "metadata spec"),
    ("selector", "matchLabels matchExpressions"),
    ("TokenRequest.spec", "audiences expirationSeconds boundObjectRef"),
    ("TokenRequest.status", "token expirationTimestamp"),
    ("boundObjectRef", "kind apiVersion name uid"),
    ("userInfo", "username uid groups extra"),
    ("conditions", "type status reason message lastUpdateTime lastTransitionTime"),
    ("CertificateSigningRequest.spec", "request signerName expirationSeconds usages username uid groups extra"),
    ("CertificateSigningRequest.status", "conditions certificate"),
    (
        "Event",
        "kind apiVersion metadata involvedObject reason message source firstTimestamp lastTimestamp count type \
         eventTime series action related reportingComponent reportingInstance",
    ),
    ("involvedObject", "kind namespace name uid apiVersion resourceVersion fieldPath"),
    ("rollingUpdate", "maxUnavailable maxSurge"),
    ("strategy", "type rollingUpdate"),
    ("ownerReferences", "apiVersion kind name uid controller blockOwnerDeletion"),
    ("ReplicaSet.spec", "replicas minReadySeconds selector template"),
    ("ReplicationController.spec", "replicas minReadySeconds selector template"),
    ("DaemonSet.spec", "selector template updateStrategy minReadySeconds revisionHistoryLimit"),
    (
        "StatefulSet.spec",
        "replicas selector template volumeClaimTemplates serviceName podManagementPolicy updateStrategy \
         revisionHistoryLimit minReadySeconds persistentVolumeClaimRetentionPolicy ordinals",
    ),
    (
        "StatefulSet.status",
        "observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision updateRevision \
         collisionCount conditions availableReplicas",
    ),
    ("updateStrategy", "type rollingUpdate"),
    (
        "Deployment.status",
        "observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas \
         terminatingReplicas conditions collisionCount",
    ),
    ("ReplicaSet.status", REPLICAS),
    ("ReplicationController.status", REPLICAS),
    (
        "DaemonSet.status",
        "currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration \
         updatedNumberScheduled numberAvailable numberUnavailable collisionCount conditions",
    ),
    (
        "Pod.status",
        "observedGeneration phase conditions message reason nominatedNodeName hostIP hostIPs podIP podIPs startTime \
         initContainerStatuses containerStatuses qosClass ephemeralContainerStatuses",
    ),
    ("Pod.conditions", "type observedGeneration status lastProbeTime lastTransitionTime reason message"),
    ("containerStatuses", STATUSES),
    ("initContainerStatuses", STATUSES),
    ("terminated", "exitCode signal reason message startedAt finishedAt containerID"),
    ("volumes", "name"),
    ("projected", "sources defaultMode"),
    ("volumeMounts", "name readOnly recursiveReadOnly mountPath subPath mountPropagation subPathExpr"),
    ("tolerations", "key operator value effect tolerationSeconds"),
    ("httpGet", "path port host scheme httpHeaders"),
    ("livenessProbe", PROBE),
    ("readinessProbe", PROBE),
    ("startupProbe", PROBE),
    ("Node.spec", "podCIDR podCIDRs providerID unschedulable taints"),
    ("Node.status", "capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images"),
    ("Node.conditions", "type status lastHeartbeatTime lastTransitionTime reason message"),
    ("Deployment.conditions", "type status lastUpdateTime lastTransitionTime reason message"),
    ("taints", "key value effect timeAdded"),
    ("addresses", "type address"),
    (
        "nodeInfo",
        "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion \
         operatingSystem architecture",
    ),
    ("images", "names sizeBytes"),
];

const REPLICAS: &str = "replicas fullyLabeledReplicas readyReplicas availableReplicas terminatingReplicas \
    observedGeneration conditions";

const STATUSES: &str = "name state lastState ready restartCount image imageID containerID started allocatedResources \
    resources volumeMounts user";

const PROBE: &str = "exec httpGet tcpSocket grpc initialDelaySeconds timeoutSeconds periodSeconds successThreshold \
    failureThreshold";

const CONTAINER: &str = "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy \
    volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath \
    terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty";

/// The top of an object: `kind` and `apiVersion` first, then what most kinds have, in the order that they have it.
const TOP: &str = "kind apiVersion metadata immutable data binaryData stringData spec type secrets imagePullSecrets rules \
    aggregationRule subjects roleRef value globalDefault description preemptionPolicy status";

/// Compact JSON.
pub fn to_json(object: &Value) -> String {
    let mut out = String::new();
    write(object, &Place::top(object), None, 0, &mut out);
    out
}

/// JSON indented by `indent` spaces a level.
pub fn to_json_pretty(object: &Value, indent: usize) -> String {
    let mut out = String::new();
    write(object, &Place::top(object), Some(indent), 0, &mut out);
    out
}

/// Where in an object a value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    kind: &'a str,
    key: &'a str,
    top: bool,
}

impl<'a> Place<'a> {
    /// Of an object itself.
    pub(crate) fn top(object: &'a Value) -> Place<'a> {
        Place { kind: object["kind"].str(), key: "", top: true }
    }

    /// The fields of what stands here, in order, each with its own place.
    pub(crate) fn fields(&self, map: &'a Map) -> Vec<(&'a str, &'a Value, Place<'a>)> {
        // What a list holds are objects themselves, which a typed list does not say of each.
        let place = match map.get("kind") {
            Some(kind) if self.top => Place { kind: kind.str(), ..*self },
            None if self.top => Place { kind: self.kind.trim_end_matches("List"), ..*self },
            _ => *self,
        };
        let order: Vec<&str> = place.order().split_whitespace().collect();
        let mut fields: Vec<(&str, &Value)> = map.iter().collect();
        fields.sort_compact_by_key(|(key, _)| order.iter().position(|known| known == key).unwrap_or(usize::MAX));
        let inner = |key: &'a str| {
            // A template inside holds a pod, a job template a job.
            let kind = match (place.kind, place.key, key) {
                ("CronJob", "jobTemplate", "spec") => "Job",
                (_, "template", "spec") => "Pod",
                (kind, ..) => kind,
            };
            // Only fields of objects, not entries of maps, have an order below them.
            let map = matches!(place.key, "labels" | "annotations" | "matchLabels" | "data");
            Place { kind, key: if map { "" } else { key }, top: place.top && key == "items" }
        };
        fields.into_iter().map(|(key, value)| (key, value, inner(key))).collect()
    }

    fn order(&self) -> &'static str {
        let find = |name: &str| ORDERS.iter().find(|(known, _)| *known == name).map(|(_, order)| *order);
        if self.top {
            return find(self.kind).unwrap_or(TOP);
        }
        let own = format!("{}.{}", self.kind, self.key);
        find(&own).or_else(|| find(self.key)).unwrap_or("")
    }
}

fn write(value: &Value, place: &Place, indent: Option<usize>, depth: usize, out: &mut String) {
    let newline = |depth: usize, out: &mut String| {
        if let Some(width) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
    };
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                newline(depth + 1, out);
                write(item, place, indent, depth + 1, out);
            }
            newline(depth, out);
            out.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            out.push('{');
            for (i, (key, item, place)) in place.fields(map).into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                newline(depth + 1, out);
                out.push_str(&drydock_value::to_json(&Value::from(key)));
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write(item, &place, indent, depth + 1, out);
            }
            newline(depth, out);
            out.push('}');
        }
        other => out.push_str(&drydock_value::to_json(other)),
    }
}

#[cfg(test)]
mod tests {
    use drydock_value::value;

    use super::*;

    #[test]
    fn fields_stand_as_go_declares_them() {
        let deployment = value!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": {"app": "x"}, "name": "x"}, "status": {},
            "spec": {"replicas": 1, "strategy": {}, "selector": {}, "template": {"spec": {"restartPolicy": "Always",
                "containers": [{"resources": {}, "name": "c", "image": "i"}]}, "metadata": {}}}
        });
        assert_eq!(
            to_json(&deployment),
            "{\"kind\":\"Deployment\",\"apiVersion\":\"apps/v1\",\"metadata\":{\"name\":\"x\",\"labels\":{\"app\":\"x\"}},\
             \"spec\":{\"replicas\":1,\"selector\":{},\"template\":{\"metadata\":{},\"spec\":{\"containers\":[{\"name\":\"c\",\
             \"image\":\"i\",\"resources\":{}}],\"restartPolicy\":\"Always\"}},\"strategy\":{}},\"status\":{}}"
        );
    }
    #[test]
    fn items_of_typed_lists_are_of_the_lists_kind() {
        let nodes = value!({"kind": "NodeList", "items": [
            {"status": {"addresses": [{"address": "x", "type": "InternalIP"}], "allocatable": {}, "capacity": {}}}
        ]});
        assert_eq!(
            to_json(&nodes),
            "{\"kind\":\"NodeList\",\"items\":[{\"status\":{\"capacity\":{},\"allocatable\":{},\
             \"addresses\":[{\"type\":\"InternalIP\",\"address\":\"x\"}]}}]}"
        );
    }
}
