//! NamespaceLifecycle: objects only go into namespaces that are there and not ending; three namespaces never end.

use drydock_api::{Cause, Status};
use drydock_value::Value;

use super::{Attributes, Operation};
use crate::kinds;
use crate::server::ApiServer;
use crate::verbs::{forbidden, not_found, told_name};

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) fn admit(server: &ApiServer, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
    if attributes.namespace.is_empty() || !attributes.kind.namespaced() {
        return Ok(());
    }
    let Some(namespace) = server.store.get(kinds::NAMESPACES, "", attributes.namespace) else {
        return Err(not_found(kinds::NAMESPACES, attributes.namespace));
    };
    if attributes.operation == Operation::Create
        && attributes.subresource.is_empty()
        && namespace["status"]["phase"] == "Terminating"
    {
        let name = told_name(object);
        let why = format!(
            "unable to create new content in namespace {} because it is being terminated",
            attributes.namespace
        );
        let mut status = forbidden(attributes.kind, name, &why);
        status.causes.push(Cause {
            reason: "NamespaceTerminating".into(),
            message: format!("namespace {} is being terminated", attributes.namespace),
            field: "metadata.namespace".into(),
        });
        return Err(status);
    }
    Ok(())
}

pub(super) fn delete(attributes: &Attributes<'_>, name: &str) -> Result<(), Status> {
    if attributes.kind == kinds::NAMESPACES && IMMORTAL.contains(&name) {
        return Err(forbidden(attributes.kind, name, "this namespace may not be deleted"));
    }
    Ok(())
}
