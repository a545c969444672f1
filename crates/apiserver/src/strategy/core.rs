//! Kinds of the core group.

use drydock_api::Status;
use drydock_value::Value;

use super::{PLAIN, Strategy, WITH_STATUS, spec_changed};
use crate::kinds;
use crate::server::ApiServer;

pub(super) fn rows() -> Vec<Strategy> {
    vec![
        Strategy { kind: kinds::NAMESPACES, prepare_create: Some(namespace), keeps_status: true, ..PLAIN },
        Strategy { kind: kinds::PODS, generation: Some(spec_changed), prepare_create: Some(pod), ..WITH_STATUS },
    ]
}

fn namespace(_: &mut ApiServer, object: &mut Value) -> Result<(), Status> {
    object["status"] = drydock_value::value!({"phase": "Active"});
    let finalizers = &mut object["spec"]["finalizers"];
    if !finalizers.items().iter().any(|finalizer| finalizer == "kubernetes") {
        finalizers.push("kubernetes");
    }
    Ok(())
}

fn pod(_: &mut ApiServer, object: &mut Value) -> Result<(), Status> {
    object["status"] = drydock_value::value!({"phase": "Pending", "qosClass": "BestEffort"});
    Ok(())
}
