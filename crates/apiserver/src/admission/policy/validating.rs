//! ValidatingAdmissionPolicy: what is refused, and what is warned of.

use drydock_api::Status;
use drydock_schema::cel::{Type, Val};
use drydock_value::Value;

use super::env::{Base, OUT_OF_BUDGET, Values};
use super::{Call, Denied, bound, is_exempt, matching, params, refused};
use crate::kinds;
use crate::server::ApiServer;

const WHAT: &str = "ValidatingAdmissionPolicy";
/// How long a computed message may be.
const MESSAGE_BYTES: usize = 5 * 1024;

/// Asks every policy that is bound. Answers the warnings.
pub(in super::super) fn validate(server: &ApiServer, call: &Call<'_>) -> Result<Vec<String>, Status> {
    let mut warnings = Vec::new();
    if server.store.count_of(kinds::VALIDATING_ADMISSION_POLICY_BINDINGS) == 0 || is_exempt(call.kind) {
        return Ok(warnings);
    }
    let mut denied: Option<Denied> = None;
    let kinds = (kinds::VALIDATING_ADMISSION_POLICIES, kinds::VALIDATING_ADMISSION_POLICY_BINDINGS);
    for (policy, bindings) in bound(server, kinds.0, kinds.1) {
        let spec = &policy["spec"];
        let fails = spec["failurePolicy"] != "Ignore";
        let name = policy["metadata"]["name"].str();
        let mut deny = |binding: &str, message: String, reason: &str| {
            let (policy, binding, reason) = (name.to_owned(), binding.to_owned(), reason.to_owned());
            denied.get_or_insert(Denied { policy, binding, message, reason });
        };
        let matched = matching::matches(server, &spec["matchConstraints"], call);
        let served = match matched.and_then(|served| params::checked(server, spec, served)) {
            Ok(Some(served)) => served,
            Ok(None) => continue,
            Err(why) => {
                if fails {
                    deny("", format!("failed to configure policy: {why}"), "");
                }
                continue;
            }
        };
        for binding in bindings {
            let bound = &binding["spec"];
            let binding_name = binding["metadata"]["name"].str();
            let all = match params::of_binding(server, spec, &binding, call) {
                Ok(all) => all,
                Err(why) => {
                    if fails {
                        deny(binding_name, format!("failed to configure binding: {why}"), "");
                    }
                    continue;
                }
            };
            let object = call.in_version(served, call.object);
            for params in all {
                let values = Values::new(server, call, spec, Base::of(spec), served, &object, &params);
                for (message, reason) in decisions(&values, spec, fails) {
                    for action in bound["validationActions"].items() {
                        match action.str() {
                            "Deny" => deny(binding_name, message.clone(), &reason),
                            "Warn" => warnings.push(format!(
                                "Validation failed for {WHAT} '{name}' with binding '{binding_name}': {message}"
                            )),
                            // There is no audit log.
                            _ => {}
                        }
                    }
                }
                if let Some(why) = annotations(&values, spec, fails) {
                    deny(binding_name, why, "");
                }
            }
        }
    }
    match denied {
        Some(denied) => Err(refused(call, WHAT, &denied)),
        None => Ok(warnings),
    }
}

/// What a policy finds wrong: messages with their reasons.
fn decisions(values: &Values<'_>, spec: &Value, fails: bool) -> Vec<(String, String)> {
    let error = |why: String| if fails { vec![(why, String::new())] } else { Vec::new() };
    match values.conditions_hold(&spec["matchConditions"]) {
        Ok(true) => {}
        Ok(false) => return Vec::new(),
        Err(why) => return error(why),
    }
    let mut out = Vec::new();
    for validation in spec["validations"].items() {
        let expression = validation["expression"].str();
        match values.evaluate(expression, &[Type::Bool]) {
            Some(Ok(Val::Bool(true))) => {}
            Some(Ok(_)) => {
                let reason = match validation["reason"].str() {
                    "" => "Invalid",
                    reason => reason,
                };
                match message(values, validation) {
                    Ok(message) => out.push((message, reason.to_owned())),
                    Err(why) => out.extend(error(format!("failed messageExpression: {why}"))),
                }
            }
            Some(Err(why)) => out.extend(error(why)),
            None => return error(OUT_OF_BUDGET.into()),
        }
    }
    out
}

fn message(values: &Values<'_>, validation: &Value) -> Result<String, &'static str> {
    let computed = validation["messageExpression"].str();
    if !computed.trim().is_empty() {
        let found = values.evaluate(computed, &[Type::String]).ok_or(OUT_OF_BUDGET)?;
        if let Ok(Val::Str(text)) = found {
            let text = text.trim();
            if !text.is_empty() && text.len() <= MESSAGE_BYTES && !text.contains('\n') {
                return Ok(text.to_owned());
            }
        }
    }
    Ok(match validation["message"].str().trim() {
        "" => format!("failed expression: {}", validation["expression"].str().trim()),
        message => message.to_owned(),
    })
}

/// Audit annotations go nowhere, as there is no audit log; one that fails is an error all the same.
fn annotations(values: &Values<'_>, spec: &Value, fails: bool) -> Option<String> {
    let mut annotations = spec["auditAnnotations"].items().iter();
    let failed = |annotation: &Value| match values.evaluate(annotation["valueExpression"].str().trim(), &[]) {
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(why),
        None => Some(OUT_OF_BUDGET.to_owned()),
    };
    if fails { annotations.find_map(failed) } else { None }
}
