//! What a policy is parameterized with: objects of its `paramKind`, named or selected by a binding's `paramRef`.

use drydock_schema::labels::Selector;
use drydock_value::Value;

use super::Call;
use crate::kinds::Kind;
use crate::registry::Served;
use crate::server::ApiServer;

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

/// The parameters, one evaluation each; null when there are none to be had.
pub(super) fn collect(
    server: &ApiServer,
    kind: &Value,
    reference: &Value,
    call: &Call<'_>,
) -> Result<Vec<Value>, String> {
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

fn shown(served: &Served, object: &Value) -> Value {
    crate::convert::from_storage(served, object)
}
