//! What makes pods and keeps making them.

use super::{Strategy, WITH_STATUS, spec_changed, warnings};
use crate::kinds;
use crate::validation::{autoscaling, workloads as rules};

/// What all workloads of the apps group do.
const APPS: Strategy = Strategy {
    generation: Some(spec_changed),
    status_keeps_labels: true,
    warnings: Some(warnings::workload),
    ..WITH_STATUS
};

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::DEPLOYMENTS,
            // Annotations count too: they are copied to the replica sets.
            generation: Some(|old, new| {
                spec_changed(old, new) || old["metadata"]["annotations"] != new["metadata"]["annotations"]
            }),
            validate: Some(rules::deployment),
            validate_update: Some(rules::deployment_update),
            ..APPS
        },
        Strategy {
            kind: kinds::REPLICA_SETS,
            validate: Some(rules::replica_set),
            validate_update: Some(rules::replica_set_update),
            ..APPS
        },
        Strategy {
            kind: kinds::STATEFUL_SETS,
            validate: Some(rules::stateful_set),
            validate_update: Some(rules::stateful_set_update),
            ..APPS
        },
        Strategy {
            kind: kinds::DAEMON_SETS,
            validate: Some(rules::daemon_set),
            validate_update: Some(rules::daemon_set_update),
            ..APPS
        },
        Strategy { kind: kinds::REPLICATION_CONTROLLERS, validate: Some(rules::replication_controller), ..APPS },
        Strategy { kind: kinds::HORIZONTAL_POD_AUTOSCALERS, validate: Some(autoscaling::autoscaler), ..WITH_STATUS },
    ]
}
