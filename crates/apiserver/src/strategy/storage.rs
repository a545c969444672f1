//! Volumes, claims and their classes.

use drydock_value::{Value, value};

use super::{PLAIN, Strategy, WITH_STATUS, warnings};
use crate::kinds;
use crate::validation::storage;
use crate::verbs::Part;

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::PERSISTENT_VOLUME_CLAIMS,
            prepare_create: Some(|_, _, claim| {
                claim.set("status", value!({"phase": "Pending"}));
                data_sources(&mut claim["spec"], &Value::Null);
                Ok(())
            }),
            prepare_update: Some(|_, part, new, old| {
                if part == Part::Main {
                    data_sources(&mut new["spec"], &old["spec"]);
                }
                Ok(())
            }),
            validate: Some(storage::claim),
            validate_update: Some(storage::claim_update),
            warnings: Some(warnings::claim),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::PERSISTENT_VOLUMES,
            prepare_create: Some(|server, _, volume| {
                volume.set("status", value!({"phase": "Pending", "lastPhaseTransitionTime": server.now.rfc3339()}));
                Ok(())
            }),
            prepare_update: Some(|server, _, new, old| {
                if new["status"]["phase"] != old["status"]["phase"] {
                    new["status"].set("lastPhaseTransitionTime", server.now.rfc3339());
                }
                Ok(())
            }),
            validate: Some(storage::volume),
            validate_update: Some(storage::volume_update),
            warnings: Some(warnings::volume),
            ..WITH_STATUS
        },
        Strategy {
            kind: kinds::STORAGE_CLASSES,
            validate: Some(storage::class),
            validate_update: Some(storage::class_update),
            ..PLAIN
        },
    ]
}

/// The older field for what a claim is filled from and the newer one say the same. What the older one does not know it
/// ignores, the newer one does not.
fn data_sources(spec: &mut Value, before: &Value) {
    let (old, new) = ("dataSource", "dataSourceRef");
    // Claims of other namespaces are for a feature that is off.
    if !spec[new]["namespace"].str().is_empty() && before[new].is_null() {
        spec.remove(new);
    }
    let source = &spec[old];
    let is_known = matches!(
        (source["kind"].str(), source["apiGroup"].str()),
        ("PersistentVolumeClaim", "") | ("VolumeSnapshot", "snapshot.storage.k8s.io")
    );
    if !source.is_null() && !is_known && spec[new].is_null() && before[old].is_null() {
        spec.remove(old);
    }
    let (from, to) = match (spec[old].is_null(), spec[new].is_null()) {
        (false, true) => (old, new),
        (true, false) => (new, old),
        _ => return,
    };
    let copy = spec[from].clone();
    spec.set(to, copy);
}
