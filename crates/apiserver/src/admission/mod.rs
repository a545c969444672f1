//! Admission: what looks at, completes and refuses requests between authorization and storage, in the order of the real
//! server's plugins.
//!
//! [`mutate`] runs before validation, [`validate`] after it, [`charge`] last of all (quota). A plugin is one file with
//! functions for the phases that it takes part in, and a line in each of them here.

use drydock_api::Status;
use drydock_value::Value;

use crate::kinds::{self, Kind};
use crate::server::ApiServer;
use crate::verbs::Cx;

mod certificates;
mod classes;
mod limits;
mod namespace;
mod pod_security;
pub(crate) mod policy;
mod priority;
pub(crate) mod quota;
mod runtime_class;
mod service_account;
mod simulator;
mod tolerations;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// What plugins know of a request besides its object.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    pub(crate) operation: Operation,
    pub(crate) kind: Kind,
    pub(crate) namespace: &'a str,
    pub(crate) subresource: &'a str,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(operation: Operation, kind: Kind, namespace: &'a str, subresource: &'a str) -> Attributes<'a> {
        Attributes { operation, kind, namespace, subresource }
    }

    /// Whether an object of this kind is written itself, not one of its subresources.
    fn writes(&self, kind: Kind) -> bool {
        self.kind == kind && self.subresource.is_empty() && self.operation != Operation::Delete
    }

    fn creates(&self, kind: Kind) -> bool {
        self.writes(kind) && self.operation == Operation::Create
    }
}

/// The plugins that may change the object. What policies have added is completed like what was there before.
pub(crate) fn mutate(
    server: &mut ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    complete(server, cx, attributes, object, old)?;
    // A binding was looked at as such.
    if attributes.subresource == "binding" || !policy::any(server) {
        return Ok(());
    }
    if let Some(changed) = policy::mutate(server, &call(cx, attributes, object, old))? {
        *object = changed;
        complete(server, cx, attributes, object, old)?;
    }
    policy::call_webhooks(server, &call(cx, attributes, object, old), kinds::MUTATING_WEBHOOK_CONFIGURATIONS)
}

/// The plugins of the server's own that may change the object. Asked again, they leave what they have done.
fn complete(
    server: &mut ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    let on = |server: &ApiServer, plugin: &str| !server.config.admission_off.iter().any(|off| off == plugin);
    if on(server, "NamespaceLifecycle") {
        namespace::admit(server, attributes, object)?;
    }
    if attributes.creates(kinds::PODS) && on(server, "LimitRanger") {
        limits::admit(server, attributes, object);
    }
    if attributes.creates(kinds::PODS) && on(server, "ServiceAccount") {
        service_account::admit(server, attributes, object)?;
    }
    if attributes.writes(kinds::PODS) {
        priority::admit(server, object, old)?;
        if on(server, "DefaultTolerationSeconds") {
            tolerations::admit(object);
        }
    }
    if attributes.creates(kinds::PERSISTENT_VOLUME_CLAIMS) && on(server, "DefaultStorageClass") {
        classes::admit_claim(server, object);
    }
    if attributes.creates(kinds::PERSISTENT_VOLUME_CLAIMS) && on(server, "StorageObjectInUseProtection") {
        classes::protect(object, "kubernetes.io/pvc-protection");
    }
    if attributes.creates(kinds::PERSISTENT_VOLUMES) && on(server, "StorageObjectInUseProtection") {
        classes::protect(object, "kubernetes.io/pv-protection");
    }
    if attributes.creates(kinds::PODS) && on(server, "RuntimeClass") {
        runtime_class::admit(server, object)?;
    }
    // The kubelets of the simulation say that they are ready as they register.
    if attributes.creates(kinds::NODES) && !cx.is_component && on(server, "TaintNodesByCondition") {
        tolerations::admit_node(object);
    }
    if attributes.creates(kinds::INGRESSES) && on(server, "DefaultIngressClass") {
        classes::admit_ingress(server, object)?;
    }
    if attributes.subresource.is_empty() && !cx.is_component {
        server.check_escalation(&cx.user, attributes.kind, attributes.namespace, object, old)?;
        policy::authorize_params(server, &cx.user, attributes.kind, object, old)?;
    }
    Ok(())
}

/// The plugins that only look.
pub(crate) fn validate(
    server: &ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    simulator::validate(server, attributes, object)?;
    let on = |plugin: &str| !server.config.admission_off.iter().any(|off| off == plugin);
    if on("PodSecurity") {
        pod_security::validate(server, cx, attributes, object, old)?;
    }
    certificates::validate(server, cx, attributes, object, old)?;
    if attributes.writes(kinds::PRIORITY_CLASSES) {
        priority::validate_class(server, object)?;
    }
    if (attributes.creates(kinds::PODS) || attributes.writes(kinds::PERSISTENT_VOLUME_CLAIMS)) && on("LimitRanger") {
        limits::validate(server, attributes, object)?;
    }
    if attributes.writes(kinds::PERSISTENT_VOLUME_CLAIMS)
        && let Some(old) = old
    {
        classes::validate_resize(server, object, old)?;
    }
    judge(server, cx, attributes, object, old)
}

/// Whether there are policies or webhooks that may be about a request.
pub(crate) fn has_policies(server: &ApiServer) -> bool {
    policy::any(server)
}

/// The plugins that look at what is no change of an object itself: ways into pods, nodes and services, bindings, evictions.
/// `options` is what the client asks for.
pub(crate) fn connect(
    server: &ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    name: &str,
    options: &Value,
) -> Result<(), Status> {
    if !policy::any(server) {
        return Ok(());
    }
    let mut asked = call(cx, attributes, options, None);
    asked.name = name.to_owned();
    policy::call_webhooks(server, &asked, kinds::MUTATING_WEBHOOK_CONFIGURATIONS)?;
    let mut remarks = policy::Remarks::default();
    let said = policy::validate(server, &asked, &mut remarks)
        .and_then(|()| policy::call_webhooks(server, &asked, kinds::VALIDATING_WEBHOOK_CONFIGURATIONS));
    remark(cx, remarks, said)
}

/// Passes on what policies remarked: warnings to who is let in, notes to the audit log in any case.
fn remark(cx: &mut Cx, remarks: policy::Remarks, said: Result<(), Status>) -> Result<(), Status> {
    remarks.annotations.into_iter().for_each(|(key, text)| cx.annotate(key, text));
    said?;
    remarks.warnings.into_iter().for_each(|warning| cx.warn(warning));
    Ok(())
}

/// The last of the validating plugins: policies and webhooks.
fn judge(
    server: &ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    if attributes.subresource == "binding" || !policy::any(server) {
        return Ok(());
    }
    let asked = call(cx, attributes, object, old);
    let mut remarks = policy::Remarks::default();
    let said = policy::validate(server, &asked, &mut remarks)
        .and_then(|()| policy::call_webhooks(server, &asked, kinds::VALIDATING_WEBHOOK_CONFIGURATIONS));
    remark(cx, remarks, said)
}

/// The request as policies see it.
fn call<'a>(cx: &'a Cx, attributes: &Attributes<'a>, object: &'a Value, old: Option<&'a Value>) -> policy::Call<'a> {
    static NULL: Value = Value::Null;
    let old = old.unwrap_or(&NULL);
    let metadata = if object.is_null() { &old["metadata"] } else { &object["metadata"] };
    let namespace = if attributes.kind == kinds::NAMESPACES { metadata["name"].str() } else { attributes.namespace };
    policy::Call {
        cx,
        operation: attributes.operation,
        kind: attributes.kind,
        namespace,
        name: metadata["name"].str().to_owned(),
        subresource: attributes.subresource,
        object,
        old,
    }
}

/// The last word, when everything else has agreed: quota.
pub(crate) fn charge(
    server: &mut ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    if server.config.admission_off.iter().any(|off| off == "ResourceQuota") {
        return Ok(());
    }
    quota::charge(server, cx, attributes, object, old)
}

/// The plugins that look at deletions, before it is known whether there is such an object.
pub(crate) fn delete(_server: &ApiServer, _cx: &mut Cx, attributes: &Attributes<'_>, name: &str) -> Result<(), Status> {
    namespace::delete(attributes, name)
}

/// The plugins that look at what is to be deleted.
pub(crate) fn validate_delete(
    server: &ApiServer,
    cx: &mut Cx,
    attributes: &Attributes<'_>,
    old: &Value,
) -> Result<(), Status> {
    if policy::any(server) {
        let asked = call(cx, attributes, &Value::Null, Some(old));
        policy::call_webhooks(server, &asked, kinds::MUTATING_WEBHOOK_CONFIGURATIONS)?;
    }
    judge(server, cx, attributes, &Value::Null, Some(old))
}
