//! `kubectl create rolebinding`, and the subjects that it shares with `create clusterrolebinding`.

use drydock_value::{Value, value};

use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let (role, cluster_role) = (inv.flags.str("role"), inv.flags.str("clusterrole"));
    let (kind, role) = match (role, cluster_role) {
        (role, "") if !role.is_empty() => ("Role", role),
        ("", role) if !role.is_empty() => ("ClusterRole", role),
        _ => return Err("exactly one of clusterrole or role must be specified".into()),
    };
    let mut object = binding("RoleBinding", &name, kind, role, inv)?;
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "failed to create rolebinding:")?;
    Ok(Outcome::Done)
}

/// A binding of users, groups and service accounts to a role.
pub(super) fn binding(kind: &str, name: &str, role_kind: &str, role: &str, inv: &Invocation) -> Result<Value, Failure> {
    let subjects = subjects(inv)?;
    let mut object = value!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": role_kind, "name": role}
    });
    if !subjects.is_empty() {
        object.set("subjects", subjects);
    }
    Ok(object)
}

/// The subjects of `--user`, `--group` and `--serviceaccount`.
pub(in crate::commands) fn subjects(inv: &Invocation) -> Result<Vec<Value>, Failure> {
    let mut subjects = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        for name in inv.flags.list(flag) {
            subjects.push(value!({"kind": kind, "apiGroup": GROUP, "name": name}));
        }
    }
    for account in inv.flags.list("serviceaccount") {
        let parts: Vec<&str> = account.split(':').collect();
        match parts.as_slice() {
            [namespace, name] if !namespace.is_empty() && !name.is_empty() => {
                subjects.push(value!({"kind": "ServiceAccount", "namespace": *namespace, "name": *name}));
            }
            _ => return Err("serviceaccount must be <namespace>:<name>".into()),
        }
    }
    Ok(subjects)
}
