//! Rules for admission policies and their bindings.

use drydock_schema::cel::Type;
use drydock_schema::names;
use drydock_value::{Value, to_json};

use super::common::label_selector;
use super::{Errors, Path};
use crate::admission::policy::env::{Base, compile};

pub(super) const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];
pub(super) const MATCH_POLICIES: [&str; 2] = ["Equivalent", "Exact"];
const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
pub(super) const REINVOCATION: [&str; 2] = ["IfNeeded", "Never"];
const REASONS: [&str; 4] = ["Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"];
/// How long the expression of an audit annotation may be, in bytes.
const ANNOTATION_BYTES: usize = 5 * 1024;

/// A value that must be one of some.
pub(super) fn one_of(value: &Value, allowed: &[&str], path: &Path<'_>, errors: &mut Errors) {
    match value.as_str() {
        None => errors.required(path, ""),
        Some(text) if !allowed.contains(&text) => errors.not_supported(path, text, allowed),
        Some(_) => {}
    }
}

/// Resources with groups, versions and operations.
pub(super) fn rule(rule: &Value, path: &Path<'_>, errors: &mut Errors) {
    let operations = path.field("operations");
    let given = rule["operations"].items();
    if given.is_empty() {
        errors.required(&operations, "");
    }
    let has_wildcard = |key: &str| rule[key].items().iter().any(|item| item == "*");
    if given.len() > 1 && has_wildcard("operations") {
        errors.invalid(&operations, &rule["operations"], "if '*' is present, must not specify other operations");
    }
    for (at, operation) in given.iter().enumerate() {
        if !OPERATIONS.contains(&operation.str()) {
            errors.not_supported(&operations.index(at), operation, &OPERATIONS);
        }
    }
    for (key, what) in [("apiGroups", "API groups"), ("apiVersions", "API versions")] {
        let (list, path) = (rule[key].items(), path.field(key));
        if list.is_empty() {
            errors.required(&path, "");
        }
        if list.len() > 1 && has_wildcard(key) {
            errors.invalid(&path, &rule[key], format!("if '*' is present, must not specify other {what}"));
        }
        if key == "apiVersions" {
            for (at, version) in list.iter().enumerate().filter(|(_, version)| version.str().is_empty()) {
                let _ = version;
                errors.required(&path.index(at), "");
            }
        }
    }
    resources(&rule["resources"], &path.field("resources"), errors);
    if let Some(scope) = rule["scope"].as_str()
        && !["*", "Cluster", "Namespaced"].contains(&scope)
    {
        errors.not_supported(&path.field("scope"), scope, &["*", "Cluster", "Namespaced"]);
    }
}

fn resources(list: &Value, path: &Path<'_>, errors: &mut Errors) {
    let items = list.items();
    if items.is_empty() {
        errors.required(path, "");
    }
    let (mut whole, mut subs): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for (at, item) in items.iter().enumerate() {
        let text = item.str();
        if text.is_empty() {
            errors.required(&path.index(at), "");
        }
        let Some((name, sub)) = text.split_once('/') else { continue };
        if whole.contains(&name) {
            errors.invalid(&path.index(at), text, format!("if '{name}/*' is present, must not specify {text}"));
        }
        if subs.contains(&sub) {
            errors.invalid(&path.index(at), text, format!("if '*/{sub}' is present, must not specify {text}"));
        }
        if sub == "*" {
            whole.push(name);
        }
        if name == "*" {
            subs.push(sub);
        }
    }
    let has = |wanted: &str| items.iter().any(|item| item == wanted);
    if items.len() > 1 && has("*/*") {
        errors.invalid(path, list, "if '*/*' is present, must not specify other resources");
    }
    if has("*") && items.iter().any(|item| item != "*" && !item.str().contains('/')) {
        errors.invalid(path, list, "if '*' is present, must not specify other resources without subresources");
    }
}

/// `matchConstraints` and `matchResources`. What changes objects has to do with new and changed ones only.
fn match_resources(resources: &Value, mutating: bool, path: &Path<'_>, errors: &mut Errors) {
    if resources.is_null() {
        return;
    }
    one_of(&resources["matchPolicy"], &MATCH_POLICIES, &path.field("matchPolicy"), errors);
    for key in ["namespaceSelector", "objectSelector"] {
        match &resources[key] {
            Value::Null => errors.required(&path.field(key), ""),
            selector => label_selector(selector, &path.field(key), errors),
        }
    }
    for key in ["resourceRules", "excludeResourceRules"] {
        let list = path.field(key);
        for (at, given) in resources[key].items().iter().enumerate() {
            let here = list.index(at);
            let named = here.field("resourceNames");
            let all = given["resourceNames"].items();
            for (at, name) in all.iter().enumerate() {
                errors.all_invalid(&named.index(at), name, names::is_path_segment_name(name.str()));
                if all[..at].contains(name) {
                    errors.duplicate(&named.index(at), name);
                }
            }
            rule(given, &here, errors);
        }
    }
    if mutating {
        let rules = path.field("resourceRules");
        let operations = resources["resourceRules"].items().iter().flat_map(|rule| rule["operations"].items());
        for operation in operations.filter(|operation| !["CREATE", "UPDATE"].contains(&operation.str())) {
            errors.not_supported(&rules.field("operations"), operation, &["CREATE", "UPDATE"]);
        }
    }
}

fn expression(
    text: &Value,
    base: &Base,
    variables: &[(String, Type)],
    wanted: &[Type],
    path: &Path<'_>,
    errors: &mut Errors,
) {
    if let Err(why) = compile(text.str(), &base.env(variables), wanted) {
        errors.invalid(path, text, why);
    }
}

pub(super) fn conditions(list: &Value, base: &Base, path: &Path<'_>, errors: &mut Errors) {
    let items = list.items();
    if items.len() > 64 {
        errors.too_many(path, items.len(), 64);
    }
    for (at, condition) in items.iter().enumerate() {
        let here = path.index(at);
        let text = condition["expression"].str().trim();
        if text.is_empty() {
            errors.required(&here.field("expression"), "");
        } else {
            expression(&text.into(), base, &[], &[Type::Bool], &here.field("expression"), errors);
        }
        let name = condition["name"].str();
        if name.is_empty() {
            errors.required(&here.field("name"), "");
        } else {
            errors.all_invalid(&here.field("name"), name, names::is_qualified_name(name));
            if items[..at].iter().any(|other| other["name"] == *name) {
                errors.duplicate(&here.field("name"), name);
            }
        }
    }
}

fn param_kind(kind: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (api_version, name) = (kind["apiVersion"].str(), kind["kind"].str());
    let place = path.field("apiVersion");
    if api_version.is_empty() {
        errors.required(&place, "");
    } else if api_version.matches('/').count() > 1 {
        errors.invalid(&place, api_version, format!("unexpected GroupVersion string: {api_version}"));
    } else {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let joined = |found: Vec<String>| found.join(",");
        let found = joined(names::is_dns1123_subdomain(group));
        if !group.is_empty() && !found.is_empty() {
            errors.invalid(&place, group, found);
        }
        let found = joined(names::is_dns1035_label(version));
        if version.is_empty() {
            errors.invalid(&place, api_version, "version must be specified");
        } else if !found.is_empty() {
            errors.invalid(&place, version, found);
        }
    }
    let place = path.field("kind");
    let found = names::is_dns1035_label(&name.to_ascii_lowercase());
    if name.is_empty() {
        errors.required(&place, "");
    } else if !found.is_empty() {
        let why = format!("may have mixed case, but should otherwise match: {}", found.join(","));
        errors.invalid(&place, name, why);
    }
}

/// What both kinds of policies have: answers the types of the variables.
fn policy(spec: &Value, base: &Base, mutating: bool, errors: &mut Errors) -> Vec<(String, Type)> {
    let path = Path::new("spec");
    one_of(&spec["failurePolicy"], &FAILURE_POLICIES, &path.field("failurePolicy"), errors);
    if !spec["paramKind"].is_null() {
        param_kind(&spec["paramKind"], &path.field("paramKind"), errors);
    }
    let constraints = path.field("matchConstraints");
    if spec["matchConstraints"].is_null() {
        errors.required(&constraints, "");
    } else {
        match_resources(&spec["matchConstraints"], mutating, &constraints, errors);
        if spec["matchConstraints"]["resourceRules"].items().is_empty() {
            errors.required(&constraints.field("resourceRules"), "");
        }
    }
    conditions(&spec["matchConditions"], base, &path.field("matchConditions"), errors);
    let mut variables: Vec<(String, Type)> = Vec::new();
    let list = path.field("variables");
    for (at, variable) in spec["variables"].items().iter().enumerate() {
        let here = list.index(at);
        let (name, text) = (variable["name"].str(), variable["expression"].str());
        let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
        if name.trim().is_empty() {
            errors.required(&here.field("name"), "name is not specified");
        } else if !name.chars().all(word)
            || name.starts_with(|c: char| c.is_ascii_digit())
            || drydock_schema::cel::escape(name)
                .is_some_and(|escaped| escaped.starts_with("__") && !name.starts_with("__"))
        {
            errors.invalid(&here.field("name"), name, "must be a valid CEL identifier");
        }
        if text.trim().is_empty() {
            errors.required(&here.field("expression"), "expression is not specified");
            continue;
        }
        match compile(text, &base.env(&variables), &[]) {
            Ok(program) => variables.push((name.to_owned(), program.result().clone())),
            Err(why) => errors.invalid(&here.field("expression"), text, why),
        }
    }
    variables
}

/// A ValidatingAdmissionPolicy.
pub(crate) fn validating_policy(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    let base = Base::of(spec);
    let variables = policy(spec, &base, false, errors);
    let path = Path::new("spec");
    let (validations, annotations) = (path.field("validations"), path.field("auditAnnotations"));
    if spec["validations"].items().is_empty() && spec["auditAnnotations"].items().is_empty() {
        let why = "validations or auditAnnotations must contain at least one item";
        errors.required(&validations, why);
        errors.required(&annotations, why);
    }
    for (at, validation) in spec["validations"].items().iter().enumerate() {
        let here = validations.index(at);
        if validation["expression"].str().trim().is_empty() {
            errors.required(&here.field("expression"), "expression is not specified");
        } else {
            expression(&validation["expression"], &base, &variables, &[Type::Bool], &here.field("expression"), errors);
        }
        let (message, computed) = (validation["message"].str(), validation["messageExpression"].str());
        if !computed.is_empty() && computed.trim().is_empty() {
            errors.invalid(&here.field("messageExpression"), computed, "must be non-empty if specified");
        } else if !computed.is_empty() {
            let base = Base { authorizer: false, ..Base::of(spec) };
            let place = here.field("messageExpression");
            expression(&validation["messageExpression"], &base, &variables, &[Type::String], &place, errors);
        }
        if !message.is_empty() && message.trim().is_empty() {
            errors.invalid(&here.field("message"), message, "must be non-empty if specified");
        } else if message.trim().contains(['\n', '\r']) {
            errors.invalid(&here.field("message"), message, "must not contain line breaks");
        }
        if let Some(reason) = validation["reason"].as_str()
            && !REASONS.contains(&reason)
        {
            errors.not_supported(&here.field("reason"), reason, &REASONS);
        }
    }
    let all = spec["auditAnnotations"].items();
    if all.len() > 20 {
        errors.invalid_text(
            &annotations,
            &to_json(&spec["auditAnnotations"]),
            "must not have more than 20 auditAnnotations",
        );
    }
    for (at, annotation) in all.iter().enumerate() {
        let here = annotations.index(at);
        let key = annotation["key"].str();
        let full = format!("{}/{key}", object["metadata"]["name"].str());
        errors.all_invalid(&here.field("key"), full.as_str(), names::is_qualified_name(&full));
        let text = annotation["valueExpression"].str().trim();
        let place = here.field("valueExpression");
        if text.is_empty() {
            errors.required(&place, "valueExpression is not specified");
        } else if text.len() > ANNOTATION_BYTES {
            errors.required(&place, "must not exceed 5120 bytes in length");
        } else {
            expression(&text.into(), &base, &variables, &[Type::String, Type::Null], &place, errors);
        }
        if all[..at].iter().any(|other| other["key"] == *key) {
            errors.duplicate(&here.field("key"), key);
        }
    }
}

/// A MutatingAdmissionPolicy.
pub(crate) fn mutating_policy(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    let base = Base::of(spec);
    let variables = policy(spec, &base, true, errors);
    let base = Base { patches: true, ..base };
    let path = Path::new("spec");
    let mutations = path.field("mutations");
    if spec["mutations"].items().is_empty() {
        errors.required(&mutations, "mutations must contain at least one item");
    }
    for (at, mutation) in spec["mutations"].items().iter().enumerate() {
        let here = mutations.index(at);
        let kind = mutation["patchType"].str();
        let (own, other) = match kind {
            "JSONPatch" => ("jsonPatch", "applyConfiguration"),
            "ApplyConfiguration" => ("applyConfiguration", "jsonPatch"),
            _ => {
                one_of(&mutation["patchType"], &["ApplyConfiguration", "JSONPatch"], &here.field("patchType"), errors);
                continue;
            }
        };
        let place = here.field(own);
        let text = mutation[own]["expression"].str().trim();
        if mutation[own].is_null() {
            errors.required(&place, &format!("must be specified when patchType is {kind}"));
        } else if text.is_empty() {
            errors.required(&place.field("expression"), "");
        } else {
            let wanted = crate::admission::policy::mutation_type(kind == "JSONPatch");
            expression(&text.into(), &base, &variables, &[wanted], &place.field("expression"), errors);
        }
        if !mutation[other].is_null() {
            let why = format!("must not be specified when patchType is {kind}");
            errors.invalid(&here.field(other), format!("{{{other}}}"), why);
        }
    }
    one_of(&spec["reinvocationPolicy"], &REINVOCATION, &path.field("reinvocationPolicy"), errors);
}

fn binding(spec: &Value, mutating: bool, errors: &mut Errors) {
    let path = Path::new("spec");
    let name = spec["policyName"].str();
    if name.is_empty() {
        errors.required(&path.field("policyName"), "");
    } else {
        errors.all_invalid(&path.field("policyName"), name, names::is_dns1123_subdomain(name));
    }
    let reference = &spec["paramRef"];
    if !reference.is_null() {
        let here = path.field("paramRef");
        let (name, selector) = (reference["name"].str(), &reference["selector"]);
        if !name.is_empty() {
            errors.all_invalid(&here.field("name"), name, names::is_path_segment_name(name));
            if !selector.is_null() {
                errors.forbidden(&here.field("name"), "name and selector are mutually exclusive");
            }
        }
        if !selector.is_null() {
            label_selector(selector, &here.field("selector"), errors);
            if !name.is_empty() {
                errors.forbidden(&here.field("selector"), "name and selector are mutually exclusive");
            }
        } else if name.is_empty() {
            errors.required(&here, "one of name or selector must be specified");
        }
        let action = &reference["parameterNotFoundAction"];
        one_of(action, &["Deny", "Allow"], &here.field("parameterNotFoundAction"), errors);
    }
    match_resources(&spec["matchResources"], mutating, &path.field("matchResources"), errors);
}

/// A ValidatingAdmissionPolicyBinding.
pub(crate) fn validating_binding(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    binding(spec, false, errors);
    let root = Path::new("spec");
    let path = root.field("validationActions");
    let actions = spec["validationActions"].items();
    for (at, action) in actions.iter().enumerate() {
        if !["Audit", "Deny", "Warn"].contains(&action.str()) {
            errors.not_supported(&path.index(at), action, &["Audit", "Deny", "Warn"]);
        }
        if actions[..at].contains(action) {
            errors.duplicate(&path.index(at), action);
        }
    }
    let has = |wanted: &str| actions.iter().any(|action| action == wanted);
    if has("Deny") && has("Warn") {
        errors.invalid(
            &path,
            &spec["validationActions"],
            "must not contain both Deny and Warn (repeating the same validation failure information in the API response \
             and headers serves no purpose)",
        );
    }
    if actions.is_empty() {
        errors.required(&path, "at least one validation action is required");
    }
}

/// A MutatingAdmissionPolicyBinding.
pub(crate) fn mutating_binding(object: &Value, errors: &mut Errors) {
    binding(&object["spec"], true, errors);
}
