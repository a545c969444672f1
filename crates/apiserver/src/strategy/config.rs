//! Namespaces, config maps, secrets, nodes and other plain kinds of the core group.

use drydock_api::Status;
use drydock_value::{Value, value};

use super::{PLAIN, Strategy, WITH_STATUS, warnings};
use crate::kinds;
use crate::server::ApiServer;
use crate::validation::{cluster, config, endpoints, names, policy};
use crate::verbs::{Cx, Part};

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy {
            kind: kinds::NAMESPACES,
            keeps_status: true,
            prepare_create: Some(namespace),
            prepare_update: Some(namespace_update),
            validate: Some(config::namespace),
            name: names::label,
            ..PLAIN
        },
        Strategy { kind: kinds::SERVICE_ACCOUNTS, warnings: Some(warnings::account), ..PLAIN },
        Strategy {
            kind: kinds::CONFIG_MAPS,
            validate: Some(config::config_map),
            validate_update: Some(config::config_map_update),
            ..PLAIN
        },
        Strategy {
            kind: kinds::SECRETS,
            validate: Some(config::secret),
            validate_update: Some(config::secret_update),
            ..PLAIN
        },
        Strategy {
            // A kubelet registers its node with a status.
            kind: kinds::NODES,
            keeps_status: true,
            validate: Some(cluster::node),
            validate_update: Some(cluster::node_update),
            ..PLAIN
        },
        Strategy {
            kind: kinds::EVENTS,
            create_on_update: true,
            validate: Some(cluster::event),
            validate_update: Some(|_, _, _| {}),
            ..PLAIN
        },
        Strategy { kind: kinds::ENDPOINTS, create_on_update: true, validate: Some(endpoints::endpoints), ..PLAIN },
        Strategy { kind: kinds::LIMIT_RANGES, create_on_update: true, validate: Some(policy::limit_range), ..PLAIN },
        Strategy {
            kind: kinds::RESOURCE_QUOTAS,
            validate: Some(policy::resource_quota),
            validate_update: Some(policy::resource_quota_update),
            ..WITH_STATUS
        },
    ]
}

fn namespace(_: &mut ApiServer, _: &Cx, object: &mut Value) -> Result<(), Status> {
    object.set("status", value!({"phase": "Active"}));
    let finalizers = &mut object["spec"]["finalizers"];
    if !finalizers.items().iter().any(|finalizer| finalizer == "kubernetes") {
        finalizers.push("kubernetes");
    }
    let name = object["metadata"]["name"].clone();
    object["metadata"]["labels"].set("kubernetes.io/metadata.name", name);
    Ok(())
}

fn namespace_update(_: &mut ApiServer, part: Part, new: &mut Value, old: &Value) -> Result<(), Status> {
    if part != Part::Finalize {
        new["spec"].set("finalizers", &old["spec"]["finalizers"]);
    }
    new["metadata"]["labels"].set("kubernetes.io/metadata.name", &old["metadata"]["name"]);
    Ok(())
}
