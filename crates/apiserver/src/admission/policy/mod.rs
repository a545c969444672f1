//! Admission policies: ValidatingAdmissionPolicy and MutatingAdmissionPolicy with their bindings, in CEL.
//!
//! - [`matching`]: which requests a policy is about. [`params`]: what it is parameterized with.
//! - [`env`]: what its expressions may name, and their values.
//! - [`webhooks`]: what becomes of requests that somebody else should judge.
//! - [`validating`], [`mutating`]: what it says of a request. [`checking`]: what is wrong with it for the types that it names.

pub(crate) mod checking;
pub(crate) mod env;
mod matching;
mod mutating;
mod params;
#[cfg(test)]
mod tests;
mod validating;
mod webhooks;

use drydock_api::Status;
use drydock_schema::cel::Type;
use drydock_value::Value;

pub(super) use mutating::mutate;
pub(super) use params::authorize as authorize_params;
pub(super) use validating::{Remarks, validate};
pub(super) use webhooks::call_all as call_webhooks;

use super::Operation;
use crate::kinds::{self, Kind};
use crate::registry::{self, Served};
use crate::server::ApiServer;
use crate::verbs::Cx;

/// A request as policies see it.
pub(crate) struct Call<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) operation: Operation,
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    pub(crate) name: String,
    pub(crate) subresource: &'a str,
    /// The object as it is stored; null when it is deleted.
    pub(crate) object: &'a Value,
    /// The object before; null when it is new.
    pub(crate) old: &'a Value,
}

impl Call<'_> {
    /// The version in which the client speaks.
    fn served(&self) -> &'static Served {
        self.cx.served.filter(|served| served.kind == Some(self.kind)).unwrap_or_else(|| registry::storage(self.kind))
    }

    /// Every version of the resource.
    fn versions(&self, server: &ApiServer) -> Vec<&'static Served> {
        server.served().into_iter().filter(|served| served.kind == Some(self.kind)).collect()
    }

    /// Whether the object is of a kind that only the subresource knows.
    fn is_own_kind(&self) -> bool {
        self.operation == Operation::Connect || matches!(self.subresource, "eviction" | "binding")
    }

    fn operation(&self) -> &'static str {
        match self.operation {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
        }
    }

    /// An object in a version, or its `Scale`.
    fn in_version(&self, served: &Served, object: &Value) -> Value {
        if object.is_null() {
            return Value::Null;
        }
        match self.subresource {
            _ if self.is_own_kind() => object.clone(),
            "scale" => crate::http::scale_of(self.kind, object),
            _ => crate::convert::from_storage(served, object),
        }
    }

    /// Group, version and kind of the object in a version.
    fn gvk(&self, served: &Served) -> Value {
        let gvk = match self.subresource {
            _ if self.is_own_kind() => {
                let api_version = self.object["apiVersion"].str();
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                drydock_api::GroupVersionKind::new(group, version, self.object["kind"].str())
            }
            "scale" => drydock_api::GroupVersionKind::new("autoscaling", "v1", "Scale"),
            _ => served.gvk(),
        };
        drydock_value::value!({"group": &gvk.group, "version": &gvk.version, "kind": &gvk.kind})
    }
}

/// What the expression of a mutation must come to.
pub(crate) fn mutation_type(by_patch: bool) -> Type {
    if by_patch { Type::list(Type::of_fields("JSONPatch", Vec::new())) } else { Type::open("Object") }
}

/// Whether anybody is to be asked at all: most clusters have no policies.
pub(super) fn any(server: &ApiServer) -> bool {
    let bound = [
        kinds::VALIDATING_ADMISSION_POLICY_BINDINGS,
        kinds::MUTATING_ADMISSION_POLICY_BINDINGS,
        kinds::VALIDATING_WEBHOOK_CONFIGURATIONS,
        kinds::MUTATING_WEBHOOK_CONFIGURATIONS,
    ];
    bound.into_iter().any(|kind| server.store.count_of(kind) > 0)
}

/// Policies are about everything but themselves and their like.
fn is_exempt(kind: Kind) -> bool {
    matches!(
        kind,
        kinds::VALIDATING_ADMISSION_POLICIES
            | kinds::VALIDATING_ADMISSION_POLICY_BINDINGS
            | kinds::MUTATING_ADMISSION_POLICIES
            | kinds::MUTATING_ADMISSION_POLICY_BINDINGS
            | kinds::VALIDATING_WEBHOOK_CONFIGURATIONS
            | kinds::MUTATING_WEBHOOK_CONFIGURATIONS
    )
}

/// The policies that are bound, each with its bindings.
fn bound(server: &ApiServer, policies: Kind, bindings: Kind) -> Vec<(Value, Vec<Value>)> {
    let bound = |policy: &Value| -> Vec<Value> {
        let name = &policy["metadata"]["name"];
        server.store.all(bindings).filter(|binding| binding["spec"]["policyName"] == *name).cloned().collect()
    };
    let all = server.store.all(policies).map(|policy| (policy.clone(), bound(policy)));
    all.filter(|(_, bindings)| !bindings.is_empty()).collect()
}

/// What went wrong with a policy, or its answer.
struct Denied {
    policy: String,
    /// Empty when it is the policy itself that is wrong.
    binding: String,
    message: String,
    reason: String,
}

/// The refusal of a request.
fn refused(call: &Call<'_>, what: &str, denied: &Denied) -> Status {
    let Denied { policy, binding, message, reason } = denied;
    let with = if binding.is_empty() { String::new() } else { format!(" with binding '{binding}'") };
    let message = format!("{what} '{policy}'{with} denied request: {message}");
    let mut status = crate::verbs::forbidden(call.kind, &call.name, &message);
    status.reason = if reason.is_empty() { "Invalid".into() } else { reason.clone() };
    status.code = match reason.as_str() {
        "Forbidden" => 403,
        "Unauthorized" => 401,
        "RequestEntityTooLarge" => 413,
        _ => 422,
    };
    status.causes.push(drydock_api::Cause { reason: String::new(), message, field: String::new() });
    status
}
