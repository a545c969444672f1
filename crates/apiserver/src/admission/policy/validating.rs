//! ValidatingAdmissionPolicy: what is refused, what is warned of, and what is noted for the audit log.

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
/// How long the value of an audit annotation may be.
const ANNOTATION_CHARS: usize = 10 * 1024;
/// The audit annotation that tells of a failed validation.
const FAILURE: &str = "validation.policy.admission.k8s.io/validation_failure";

/// What policies say besides yes or no: warnings for the client, and notes for the audit log.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    pub(crate) warnings: Vec<String>,
    pub(crate) annotations: Vec<(String, String)>,
}

/// Asks every policy that is bound. Warnings are only for who is let in.
pub(in super::super) fn validate(server: &ApiServer, call: &Call<'_>, remarks: &mut Remarks) -> Result<(), Status> {
    if server.store.count_of(kinds::VALIDATING_ADMISSION_POLICY_BINDINGS) == 0 || is_exempt(call.kind) {
        return Ok(());
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
                for (message, reason, index) in decisions(&values, spec, fails) {
                    for action in bound["validationActions"].items() {
                        match action.str() {
                            "Deny" => deny(binding_name, message.clone(), &reason),
                            "Warn" => remarks.warnings.push(format!(
                                "Validation failed for {WHAT} '{name}' with binding '{binding_name}': {message}"
                            )),
                            "Audit" => remarks.annotations.push((FAILURE.into(), {
                                let failure = failure(name, binding_name, &message, index, &bound["validationActions"]);
                                format!("[{failure}]")
                            })),
                            _ => {}
                        }
                    }
                }
                match annotations(&values, spec) {
                    Err(why) if fails => deny(binding_name, why, ""),
                    Err(_) => {}
                    Ok(notes) => {
                        remarks.annotations.extend(notes.into_iter().map(|(key, text)| (format!("{name}/{key}"), text)))
                    }
                }
            }
        }
    }
    match denied {
        Some(denied) => {
            remarks.warnings.clear();
            Err(refused(call, WHAT, &denied))
        }
        None => Ok(()),
    }
}

/// What a policy finds wrong: messages with their reasons, and which validation it is.
fn decisions(values: &Values<'_>, spec: &Value, fails: bool) -> Vec<(String, String, usize)> {
    let error_at = |why: String, at: usize| if fails { vec![(why, String::new(), at)] } else { Vec::new() };
    let error = |why: String| error_at(why, 0);
    match values.conditions_hold(&spec["matchConditions"]) {
        Ok(true) => {}
        Ok(false) => return Vec::new(),
        Err(why) => return error(why),
    }
    let mut out = Vec::new();
    for (at, validation) in spec["validations"].items().iter().enumerate() {
        let expression = validation["expression"].str();
        match values.evaluate(expression, &[Type::Bool]) {
            Some(Ok(Val::Bool(true))) => {}
            Some(Ok(_)) => {
                let reason = match validation["reason"].str() {
                    "" => "Invalid",
                    reason => reason,
                };
                match message(values, validation) {
                    Ok(message) => out.push((message, reason.to_owned(), at)),
                    Err(why) => out.extend(error_at(format!("failed messageExpression: {why}"), at)),
                }
            }
            Some(Err(why)) => out.extend(error_at(why, at)),
            None => return error_at(OUT_OF_BUDGET.into(), at),
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

/// The audit annotations that a policy computes; those that come to nothing are left out.
fn annotations(values: &Values<'_>, spec: &Value) -> Result<Vec<(String, String)>, String> {
    let mut out = Vec::new();
    for annotation in spec["auditAnnotations"].items() {
        match values.evaluate(annotation["valueExpression"].str().trim(), &[]) {
            Some(Ok(Val::Str(text))) if !text.trim().is_empty() => {
                let text: String = text.trim().chars().take(ANNOTATION_CHARS).collect();
                out.push((annotation["key"].str().to_owned(), text));
            }
            Some(Ok(_)) => {}
            Some(Err(why)) => return Err(why),
            None => return Err(OUT_OF_BUDGET.to_owned()),
        }
    }
    Ok(out)
}

/// A failed validation as the audit log has it.
fn failure(policy: &str, binding: &str, message: &str, index: usize, actions: &Value) -> String {
    let text = |text: &str| drydock_value::to_json(&Value::from(text));
    format!(
        "{{\"message\":{},\"policy\":{},\"binding\":{},\"expressionIndex\":{index},\"validationActions\":{}}}",
        text(message),
        text(policy),
        text(binding),
        drydock_value::to_json(actions)
    )
}
