//! Services, storage, policies, and all the rest.

use drydock_value::{Value, value};

use super::{Defaulter, Edit};

pub(super) const TABLE: &[(&str, Defaulter)] = &[
    ("api.core.v1.Service", service),
    ("api.core.v1.Secret", |secret| secret.unset("type", "Opaque")),
    ("api.core.v1.EndpointPort", |port| port.unset("protocol", "TCP")),
    ("api.core.v1.Namespace", |namespace| {
        let name = namespace.at(&["metadata", "name"]).clone();
        if !name.is_empty() && *namespace.at(&["metadata", "labels", "kubernetes.io/metadata.name"]) != name {
            namespace.within("metadata", |metadata| {
                metadata.within("labels", |labels| labels.set("kubernetes.io/metadata.name", name));
            });
        }
        namespace.within("status", |status| status.unset("phase", "Active"));
    }),
    ("api.core.v1.NodeStatus", |status| {
        let capacity = status.get("capacity").clone();
        if !capacity.is_null() {
            status.missing("allocatable", capacity);
        }
    }),
    ("api.core.v1.PersistentVolume", |volume| {
        volume.within("status", |status| status.unset("phase", "Pending"));
        volume.within("spec", |spec| {
            spec.unset("persistentVolumeReclaimPolicy", "Retain");
            spec.missing("volumeMode", "Filesystem");
        });
    }),
    ("api.core.v1.PersistentVolumeClaim", |claim| {
        claim.within("status", |status| status.unset("phase", "Pending"));
    }),
    ("api.core.v1.PersistentVolumeClaimSpec", |spec| spec.missing("volumeMode", "Filesystem")),
    ("api.core.v1.LimitRangeItem", limit_range_item),
    ("api.discovery.v1.EndpointPort", |port| {
        port.missing("name", "");
        port.missing("protocol", "TCP");
    }),
    ("api.networking.v1.NetworkPolicySpec", |spec| {
        let both = !spec.get("egress").is_empty();
        spec.unset("policyTypes", if both { value!(["Ingress", "Egress"]) } else { value!(["Ingress"]) });
    }),
    ("api.networking.v1.NetworkPolicyPort", |port| port.missing("protocol", "TCP")),
    ("api.networking.v1.IngressClassParametersReference", |reference| reference.missing("scope", "Cluster")),
    ("api.resource.v1.ExactDeviceRequest", device_request),
    ("api.resource.v1.DeviceSubRequest", device_request),
    ("api.resource.v1.DeviceToleration", |toleration| toleration.unset("operator", "Equal")),
    ("api.storage.v1.StorageClass", |class| {
        class.missing("reclaimPolicy", "Delete");
        class.missing("volumeBindingMode", "Immediate");
    }),
    ("api.storage.v1.CSIDriverSpec", |spec| {
        spec.missing("attachRequired", true);
        spec.missing("podInfoOnMount", false);
        spec.missing("storageCapacity", false);
        spec.missing("fsGroupPolicy", "ReadWriteOnceWithFSType");
        spec.unset("volumeLifecycleModes", value!(["Persistent"]));
        spec.missing("requiresRepublish", false);
        spec.missing("seLinuxMount", false);
    }),
    ("api.scheduling.v1.PriorityClass", |class| class.missing("preemptionPolicy", "PreemptLowerPriority")),
    ("api.rbac.v1.RoleRef", |reference| reference.unset("apiGroup", RBAC)),
    ("api.rbac.v1.Subject", |subject| {
        if matches!(subject.get("kind").str(), "User" | "Group") {
            subject.unset("apiGroup", RBAC);
        }
    }),
    ("api.flowcontrol.v1.FlowSchemaSpec", |spec| spec.unset("matchingPrecedence", 1000)),
    ("api.flowcontrol.v1.ExemptPriorityLevelConfiguration", |level| {
        level.missing("nominalConcurrencyShares", 0);
        level.missing("lendablePercent", 0);
    }),
    ("api.flowcontrol.v1.LimitedPriorityLevelConfiguration", |level| {
        level.missing("nominalConcurrencyShares", 30);
        level.missing("lendablePercent", 0);
    }),
    ("api.flowcontrol.v1.QueuingConfiguration", |queuing| {
        queuing.unset("handSize", 8);
        queuing.unset("queues", 64);
        queuing.unset("queueLengthLimit", 50);
    }),
    ("api.admissionregistration.v1.ValidatingWebhook", webhook),
    ("api.admissionregistration.v1.MutatingWebhook", |hook| {
        webhook(hook);
        hook.missing("reinvocationPolicy", "Never");
    }),
    ("api.admissionregistration.v1.RuleWithOperations", |rule| rule.missing("scope", "*")),
    ("api.admissionregistration.v1.NamedRuleWithOperations", |rule| rule.missing("scope", "*")),
    ("api.admissionregistration.v1.ServiceReference", |service| service.missing("port", 443)),
    ("api.admissionregistration.v1.ValidatingAdmissionPolicySpec", |spec| spec.missing("failurePolicy", "Fail")),
    ("api.admissionregistration.v1.MutatingAdmissionPolicySpec", |spec| spec.missing("failurePolicy", "Fail")),
    ("api.admissionregistration.v1.MatchResources", |resources| {
        resources.missing("matchPolicy", "Equivalent");
        resources.missing("namespaceSelector", value!({}));
        resources.missing("objectSelector", value!({}));
    }),
    ("kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference", |service| service.missing("port", 443)),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition", custom_resource),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference", |service| service.missing("port", 443)),
];

const RBAC: &str = "rbac.authorization.k8s.io";

/// How long a client sticks to an endpoint: three hours.
const CLIENT_IP_SECONDS: i32 = 10_800;

fn device_request(request: &mut Edit) {
    request.unset("allocationMode", "ExactCount");
    if request.get("allocationMode") == "ExactCount" {
        request.unset("count", 1);
    }
}

fn service(service: &mut Edit) {
    let vip = |ingress: &mut Edit| {
        if !ingress.get("ip").is_empty() {
            ingress.missing("ipMode", "VIP");
        }
    };
    service.within("spec", |spec| {
        spec.unset("sessionAffinity", "None");
        match spec.get("sessionAffinity").str() {
            "None" if !spec.get("sessionAffinityConfig").is_null() => {
                spec.value.remove("sessionAffinityConfig");
                spec.changed = true;
            }
            "ClientIP" if spec.at(&["sessionAffinityConfig", "clientIP", "timeoutSeconds"]).is_null() => {
                spec.set("sessionAffinityConfig", value!({"clientIP": {"timeoutSeconds": CLIENT_IP_SECONDS}}));
            }
            _ => {}
        }
        spec.unset("type", "ClusterIP");
        let kind = spec.get("type").str().to_owned();
        super::pods::each(spec, "ports", |port| {
            port.unset("protocol", "TCP");
            let number = port.get("port").clone();
            port.unset("targetPort", number);
        });
        let outside = kind == "LoadBalancer"
            || kind == "NodePort"
            || (kind == "ClusterIP" && !spec.get("externalIPs").is_empty());
        if outside {
            spec.unset("externalTrafficPolicy", "Cluster");
        }
        if kind != "ExternalName" {
            spec.missing("internalTrafficPolicy", "Cluster");
        }
        if kind == "LoadBalancer" {
            spec.missing("allocateLoadBalancerNodePorts", true);
        }
    });
    if service.at(&["status", "loadBalancer", "ingress"]).items().iter().any(|ingress| ingress["ipMode"].is_null()) {
        service.within("status", |status| {
            status.within("loadBalancer", |balancer| super::pods::each(balancer, "ingress", vip));
        });
    }
}

fn limit_range_item(item: &mut Edit) {
    if *item.get("type") != "Container" {
        return;
    }
    for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        let source = item.get(source).clone();
        let missing: Vec<(String, Value)> = source
            .entries()
            .filter(|(name, _)| item.get(target).get(name).is_none())
            .map(|(name, amount)| (name.to_owned(), amount.clone()))
            .collect();
        if !missing.is_empty() {
            item.within(target, |amounts| {
                for (name, amount) in &missing {
                    amounts.set(name, amount);
                }
            });
        }
    }
}

fn webhook(hook: &mut Edit) {
    hook.missing("failurePolicy", "Fail");
    hook.missing("matchPolicy", "Equivalent");
    hook.missing("namespaceSelector", value!({}));
    hook.missing("objectSelector", value!({}));
    hook.missing("timeoutSeconds", 10);
}

fn custom_resource(definition: &mut Edit) {
    definition.within("spec", |spec| {
        let kind = spec.at(&["names", "kind"]).str().to_owned();
        spec.within("names", |names| {
            names.unset("singular", kind.to_lowercase());
            if !kind.is_empty() {
                names.unset("listKind", format!("{kind}List"));
            }
        });
        spec.missing("conversion", value!({"strategy": "None"}));
    });
    if definition.at(&["status", "storedVersions"]).is_empty() {
        let versions = definition.at(&["spec", "versions"]);
        let stored: Vec<Value> =
            versions.items().iter().filter(|v| v["storage"].is_true()).take(1).map(|v| v["name"].clone()).collect();
        if !stored.is_empty() {
            definition.within("status", |status| status.set("storedVersions", stored));
        }
    }
}
