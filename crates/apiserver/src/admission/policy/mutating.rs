//! MutatingAdmissionPolicy: objects that policies complete, by apply configurations and JSON patches.

use drydock_api::Status;
use drydock_schema::{merge, patch};
use drydock_value::Value;

use super::env::{Base, OUT_OF_BUDGET, Values};
use super::{Call, Denied, bound, is_exempt, matching, mutation_type, params, refused};
use crate::kinds;
use crate::registry::Served;
use crate::server::ApiServer;
use crate::{convert, types};

/// Lets every policy that is bound change the object. Policies that ask for it are asked once more when a later one has
/// changed something.
pub(in super::super) fn mutate(server: &ApiServer, call: &Call<'_>) -> Result<Option<Value>, Status> {
    if server.store.count_of(kinds::MUTATING_ADMISSION_POLICY_BINDINGS) == 0 || is_exempt(call.kind) {
        return Ok(None);
    }
    let all = bound(server, kinds::MUTATING_ADMISSION_POLICIES, kinds::MUTATING_ADMISSION_POLICY_BINDINGS);
    let mut object = call.object.clone();
    let mut last_change = None;
    for (at, (policy, bindings)) in all.iter().enumerate() {
        if one(server, call, policy, bindings, &mut object)? {
            last_change = Some(at);
        }
    }
    if let Some(last) = last_change {
        for (policy, bindings) in &all[..last] {
            if policy["spec"]["reinvocationPolicy"] == "IfNeeded" {
                one(server, call, policy, bindings, &mut object)?;
            }
        }
    }
    Ok((object != *call.object).then_some(object))
}

/// Asks one policy. Answers whether it changed something.
fn one(
    server: &ApiServer,
    call: &Call<'_>,
    policy: &Value,
    bindings: &[Value],
    object: &mut Value,
) -> Result<bool, Status> {
    let spec = &policy["spec"];
    let fails = spec["failurePolicy"] != "Ignore";
    let deny = |binding: &str, message: String| {
        let policy = policy["metadata"]["name"].str().to_owned();
        let denied = Denied { policy, binding: binding.to_owned(), message, reason: String::new() };
        if fails { Err(refused(call, "policy", &denied)) } else { Ok(()) }
    };
    let before = object.clone();
    let matched = matching::matches(server, &spec["matchConstraints"], call);
    let served = match matched.and_then(|served| params::checked(server, spec, served)) {
        Ok(Some(served)) => served,
        Ok(None) => return Ok(false),
        Err(why) => return deny("", format!("failed to configure policy: {why}")).map(|()| false),
    };
    for binding in bindings {
        let name = binding["metadata"]["name"].str();
        let all = match params::of_binding(server, spec, binding, call) {
            Ok(all) => all,
            Err(why) => {
                deny(name, format!("failed to configure binding: {why}"))?;
                continue;
            }
        };
        for params in all {
            for mutation in spec["mutations"].items() {
                let shown = call.in_version(served, object);
                let base = Base { patches: true, ..Base::of(spec) };
                let values = Values::new(server, call, spec, base, served, &shown, &params);
                match values.conditions_hold(&spec["matchConditions"]) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(why) => {
                        deny(name, why)?;
                        break;
                    }
                }
                match changed(&values, mutation, served, &shown) {
                    Ok(new) => *object = new,
                    Err(why) => deny(name, why)?,
                }
            }
        }
    }
    Ok(before != *object)
}

/// The object with one mutation, in its storage version.
fn changed(values: &Values<'_>, mutation: &Value, served: &'static Served, object: &Value) -> Result<Value, String> {
    let by_patch = mutation["patchType"] == "JSONPatch";
    let part = if by_patch { "jsonPatch" } else { "applyConfiguration" };
    let found = values.evaluate(mutation[part]["expression"].str().trim(), &[mutation_type(by_patch)]);
    let value = found.ok_or(OUT_OF_BUDGET)??;
    let mut json = value.to_json().ok_or("result is not an object of JSON")?;
    let new = if by_patch {
        patch::json_patch(object, &json).map_err(|why| format!("JSON Patch: {why}"))?
    } else {
        for key in ["apiVersion", "kind"] {
            json.set(key, &object[key]);
        }
        let of = match crate::custom::version(served) {
            Some(version) => merge::Type::Structural { schema: &version.schema, root: true },
            None => merge::Type::of_kind(&served.gvk()).ok_or("the type of the object is not known")?,
        };
        if let Some(why) = merge::check(of, &json).first() {
            return Err(format!("error applying patch: failed to convert patch object to typed object: {why}"));
        }
        merge::merge(of, object, &json)
    };
    let (mut new, _) = types::decode_served(served, &new, object)?;
    types::default_served(served, &mut new, object);
    Ok(convert::to_storage(served, new))
}
