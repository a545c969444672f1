//! What a policy is parameterized with: objects of its `paramKind`, named or selected by a binding's `paramRef`.

use drydock_api::{Cause, Status};
use drydock_schema::labels::Selector;
use drydock_value::Value;

use super::{Call, matching};
use crate::auth::rules::Ask;
use crate::kinds::{self, Kind};
use crate::registry::Served;
use crate::server::ApiServer;
use crate::user::User;

/// The kind of a policy's parameters, in the version that it names.
fn served(server: &ApiServer, kind: &Value) -> Option<(Kind, &'static Served)> {
    let api_version = kind["apiVersion"].str();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let served = server.served().into_iter().find(|served| {
        served.group() == group && served.version() == version && served.kind_name() == kind["kind"].str()
    })?;
    Some((served.kind?, served))
}

/// The version in which a policy is about a request, unless the policy's `paramKind` is not there.
pub(super) fn checked(
    server: &ApiServer,
    spec: &Value,
    matched: Option<&'static Served>,
) -> Result<Option<&'static Served>, String> {
    let kind = &spec["paramKind"];
    if matched.is_none() || kind.is_null() || served(server, kind).is_some() {
        return Ok(matched);
    }
    let (api_version, kind) = (kind["apiVersion"].str(), kind["kind"].str());
    Err(format!("failed to find resource referenced by paramKind: '{api_version}, Kind={kind}'"))
}

/// The parameters that a binding brings, one evaluation each; none where it does not match the call.
///
/// # Errors
/// Why it cannot be told, in the real server's words.
pub(super) fn of_binding(
    server: &ApiServer,
    spec: &Value,
    binding: &Value,
    call: &Call<'_>,
) -> Result<Vec<Value>, String> {
    let binding = &binding["spec"];
    match matching::matches(server, &binding["matchResources"], call)? {
        None => Ok(Vec::new()),
        Some(_) => collect(server, &spec["paramKind"], &binding["paramRef"], call),
    }
}

/// The parameters, one evaluation each; null when there are none to be had.
fn collect(server: &ApiServer, kind: &Value, reference: &Value, call: &Call<'_>) -> Result<Vec<Value>, String> {
    if kind.is_null() || reference.is_null() {
        return Ok(vec![Value::Null]);
    }
    let Some((kind, served)) = served(server, kind) else {
        return Err(format!("paramKind kind `{}` not known", kind["kind"].str()));
    };
    let mut namespace = "";
    if kind.namespaced() {
        namespace = match reference["namespace"].str() {
            "" => call.namespace,
            given => given,
        };
        if namespace.is_empty() {
            let why = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
            return Err(why.into());
        }
    } else if !reference["namespace"].str().is_empty() {
        return Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".into());
    }
    let name = reference["name"].str();
    let found: Vec<Value> = if name.is_empty() {
        let selector = Selector::from_label_selector(&reference["selector"])?;
        let all = server.objects(kind, namespace);
        all.filter(|object| selector.matches_object(object)).map(|object| shown(served, object)).collect()
    } else {
        server.store.get(kind, namespace, name).map(|object| shown(served, object)).into_iter().collect()
    };
    if found.is_empty() && reference["parameterNotFoundAction"] == "Deny" {
        return Err("no params found for policy binding with `Deny` parameterNotFoundAction".into());
    }
    Ok(found)
}

/// Who names parameters must be allowed to read them: a policy tells what is in them.
pub(in super::super) fn authorize(
    server: &ApiServer,
    user: &User,
    kind: Kind,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    let spec = &object["spec"];
    let before = old.map(|old| &old["spec"]);
    let is_policy = matches!(kind, kinds::VALIDATING_ADMISSION_POLICIES | kinds::MUTATING_ADMISSION_POLICIES);
    let (field, policies) = match kind {
        kinds::VALIDATING_ADMISSION_POLICIES | kinds::MUTATING_ADMISSION_POLICIES => ("paramKind", kind),
        kinds::VALIDATING_ADMISSION_POLICY_BINDINGS => ("paramRef", kinds::VALIDATING_ADMISSION_POLICIES),
        kinds::MUTATING_ADMISSION_POLICY_BINDINGS => ("paramRef", kinds::MUTATING_ADMISSION_POLICIES),
        _ => return Ok(()),
    };
    let same = before.is_some_and(|before| before[field] == spec[field] && before["policyName"] == spec["policyName"]);
    if spec[field].is_null() || same {
        return Ok(());
    }
    let policy = server.store.get(policies, "", spec["policyName"].str());
    let param_kind =
        if is_policy { Some(&spec["paramKind"]) } else { policy.map(|policy| &policy["spec"]["paramKind"]) };
    let param_kind = param_kind.filter(|kind| !kind.is_null());
    let api_version = param_kind.map_or("", |kind| kind["apiVersion"].str());
    let group = if param_kind.is_none() { "*" } else { api_version.split_once('/').map_or("", |(group, _)| group) };
    let resource = param_kind.and_then(|kind| served(server, kind)).map_or("*", |(_, served)| served.resource());
    let (namespace, name) = match is_policy {
        true => ("", "*"),
        false => (spec["paramRef"]["namespace"].str(), spec["paramRef"]["name"].str()),
    };
    let ask = Ask::Resource { verb: "get", group, resource, subresource: "", name };
    if server.authorize(user, namespace, &ask).allowed {
        return Ok(());
    }
    // As Go prints who asks.
    let extra: Vec<String> = user.extra.iter().map(|(key, values)| format!("{key}:[{}]", values.join(" "))).collect();
    let who = format!("&{{{} {} [{}] map[{}]}}", user.name, user.uid, user.groups.join(" "), extra.join(" "));
    let why = match is_policy {
        true => format!(
            "user {who} must have \"get\" permission on all objects of the referenced paramKind (kind={}, apiVersion={api_version})",
            spec["paramKind"]["kind"].str()
        ),
        false => format!("user {who} does not have \"get\" permission on the object referenced by paramRef"),
    };
    let cause = Cause {
        reason: "FieldValueForbidden".into(),
        message: format!("Forbidden: {why}"),
        field: format!("spec.{field}"),
    };
    let info = kind.info();
    Err(Status::invalid(info.group, info.kind, object["metadata"]["name"].str(), vec![cause]))
}

fn shown(served: &Served, object: &Value) -> Value {
    crate::convert::from_storage(served, object)
}
