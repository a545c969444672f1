//! What makes pods and keeps making them.

use drydock_value::Value;

use super::{Strategy, WITH_STATUS, spec_changed, warnings};
use crate::kinds;
use crate::validation::{autoscaling, names, workloads as rules};
use crate::verbs::Part;

/// What all workloads of the apps group do.
const APPS: Strategy = Strategy {
    generation: Some(spec_changed),
    status_keeps_labels: true,
    warnings: Some(warnings::workload),
    ..WITH_STATUS
};

/// Where a DaemonSet says how often its template has changed.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn note_template(set: &mut Value, generation: i64) {
    let generation = generation.to_string();
    if set["metadata"]["annotations"][TEMPLATE_GENERATION] != *generation {
        set["metadata"]["annotations"].set(TEMPLATE_GENERATION, generation);
    }
}

/// Leaves out how many pods of a StatefulSet may be missing during a rollout: the field is there, but 1.36 does not do it
/// unless it is told to (`MaxUnavailableStatefulSet`).
fn drop_max_unavailable(set: &mut Value) {
    if !set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"].is_null() {
        set["spec"]["updateStrategy"]["rollingUpdate"].remove("maxUnavailable");
    }
}

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
            // Its pods have their host names from it.
            name: names::label,
            prepare_create: Some(|_, _, set| {
                drop_max_unavailable(set);
                Ok(())
            }),
            prepare_update: Some(|_, _, set, _| {
                drop_max_unavailable(set);
                Ok(())
            }),
            validate: Some(rules::stateful_set),
            validate_update: Some(rules::stateful_set_update),
            warnings: Some(warnings::stateful_set),
            ..APPS
        },
        Strategy {
            kind: kinds::DAEMON_SETS,
            prepare_create: Some(|_, _, set| {
                let given = set["metadata"]["annotations"][TEMPLATE_GENERATION].str().parse().unwrap_or(1);
                note_template(set, i64::max(given, 1));
                Ok(())
            }),
            prepare_update: Some(|_, part, set, old| {
                let known = old["metadata"]["annotations"][TEMPLATE_GENERATION].str().parse().unwrap_or(1);
                let changed = part == Part::Main && set["spec"]["template"] != old["spec"]["template"];
                note_template(set, known + i64::from(changed));
                Ok(())
            }),
            validate: Some(rules::daemon_set),
            validate_update: Some(rules::daemon_set_update),
            warnings: Some(warnings::daemon_set),
            ..APPS
        },
        Strategy { kind: kinds::REPLICATION_CONTROLLERS, validate: Some(rules::replication_controller), ..APPS },
        Strategy { kind: kinds::HORIZONTAL_POD_AUTOSCALERS, validate: Some(autoscaling::autoscaler), ..WITH_STATUS },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn what_a_gate_keeps_out_is_left_out() {
        let mut set = value!({"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 2, "partition": 1}}}});
        drop_max_unavailable(&mut set);
        assert_eq!(set["spec"]["updateStrategy"], value!({"rollingUpdate": {"partition": 1}}));
        let mut plain = value!({"spec": {"replicas": 1}});
        drop_max_unavailable(&mut plain);
        assert_eq!(plain, value!({"spec": {"replicas": 1}}));
    }
}
