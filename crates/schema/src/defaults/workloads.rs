//! What makes pods.

use drydock_value::{Value, value};

use super::{Defaulter, Edit};

pub(super) const TABLE: &[(&str, Defaulter)] = &[
    ("api.core.v1.ReplicationController", replication_controller),
    ("api.apps.v1.DeploymentSpec", |spec| {
        spec.missing("replicas", 1);
        spec.within("strategy", |strategy| {
            strategy.unset("type", "RollingUpdate");
            if *strategy.get("type") == "RollingUpdate" {
                strategy.within("rollingUpdate", |update| {
                    update.missing("maxUnavailable", "25%");
                    update.missing("maxSurge", "25%");
                });
            }
        });
        spec.missing("revisionHistoryLimit", 10);
        spec.missing("progressDeadlineSeconds", 600);
    }),
    ("api.apps.v1.DaemonSetSpec", |spec| {
        spec.within("updateStrategy", |strategy| {
            strategy.unset("type", "RollingUpdate");
            if *strategy.get("type") == "RollingUpdate" {
                strategy.within("rollingUpdate", |update| {
                    update.missing("maxUnavailable", 1);
                    update.missing("maxSurge", 0);
                });
            }
        });
        spec.missing("revisionHistoryLimit", 10);
    }),
    ("api.apps.v1.StatefulSetSpec", stateful_set),
    ("api.apps.v1.ReplicaSetSpec", |spec| spec.missing("replicas", 1)),
    ("api.batch.v1.Job", job),
    ("api.batch.v1.PodFailurePolicyOnPodConditionsPattern", |pattern| pattern.unset("status", "True")),
    ("api.batch.v1.CronJobSpec", |spec| {
        spec.unset("concurrencyPolicy", "Allow");
        spec.missing("suspend", false);
        spec.missing("successfulJobsHistoryLimit", 3);
        spec.missing("failedJobsHistoryLimit", 1);
    }),
    ("api.autoscaling.v1.HorizontalPodAutoscalerSpec", |spec| spec.missing("minReplicas", 1)),
    ("api.autoscaling.v2.HorizontalPodAutoscalerSpec", autoscaler),
];

fn replication_controller(controller: &mut Edit) {
    let labels = controller.at(&["spec", "template", "metadata", "labels"]).clone();
    if labels.is_null() {
        return;
    }
    controller.within("spec", |spec| spec.unset("selector", &labels));
    if controller.at(&["metadata", "labels"]).is_empty() {
        controller.within("metadata", |metadata| metadata.set("labels", labels));
    }
}

fn stateful_set(spec: &mut Edit) {
    spec.unset("podManagementPolicy", "OrderedReady");
    spec.within("updateStrategy", |strategy| {
        if strategy.get("type").is_empty() {
            strategy.set("type", "RollingUpdate");
            strategy.missing("rollingUpdate", value!({}));
        }
        if *strategy.get("type") == "RollingUpdate" && !strategy.get("rollingUpdate").is_null() {
            strategy.within("rollingUpdate", |update| update.missing("partition", 0));
        }
    });
    spec.within("persistentVolumeClaimRetentionPolicy", |policy| {
        policy.unset("whenDeleted", "Retain");
        policy.unset("whenScaled", "Retain");
    });
    spec.missing("replicas", 1);
    spec.missing("revisionHistoryLimit", 10);
    super::pods::each(spec, "volumeClaimTemplates", |claim| {
        claim.unset("apiVersion", "v1");
        claim.unset("kind", "PersistentVolumeClaim");
    });
}

fn job(job: &mut Edit) {
    let labels = job.at(&["spec", "template", "metadata", "labels"]).clone();
    if !labels.is_empty() && job.at(&["metadata", "labels"]).is_empty() {
        job.within("metadata", |metadata| metadata.set("labels", labels));
    }
    job.within("spec", |spec| {
        if spec.get("completions").is_null() && spec.get("parallelism").is_null() {
            spec.set("completions", 1);
        }
        spec.missing("parallelism", 1);
        let limit = if spec.get("backoffLimitPerIndex").is_null() { 6 } else { i32::MAX };
        spec.missing("backoffLimit", limit);
        spec.missing("completionMode", "NonIndexed");
        spec.missing("suspend", false);
        let replacement = if spec.get("podFailurePolicy").is_null() { "TerminatingOrFailed" } else { "Failed" };
        spec.missing("podReplacementPolicy", replacement);
        spec.missing("manualSelector", false);
    });
}

fn autoscaler(spec: &mut Edit) {
    spec.missing("minReplicas", 1);
    spec.unset(
        "metrics",
        value!([{
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
        }]),
    );
    if spec.get("behavior").is_null() {
        return;
    }
    let policy = |kind: &str, value: i32| value!({"type": kind, "value": value, "periodSeconds": 15});
    let rules = |rules: &mut Edit, policies: Vec<Value>| {
        rules.missing("selectPolicy", "Max");
        rules.missing("policies", policies);
    };
    spec.within("behavior", |behavior| {
        behavior.within("scaleUp", |up| {
            up.missing("stabilizationWindowSeconds", 0);
            rules(up, vec![policy("Pods", 4), policy("Percent", 100)]);
        });
        behavior.within("scaleDown", |down| rules(down, vec![policy("Percent", 100)]));
    });
}
