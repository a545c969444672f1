//! Volumes, claims and their classes.

use drydock_value::value;

use super::{PLAIN, Strategy, WITH_STATUS, warnings};
use crate::kinds;
use crate::validation::storage;

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::PERSISTENT_VOLUME_CLAIMS,
            prepare_create: Some(|_, _, claim| {
                claim.set("status", value!({"phase": "Pending"}));
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
