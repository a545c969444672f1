//! Rules for the configurations of webhooks.

use drydock_schema::names;
use drydock_value::Value;

use super::admission::{FAILURE_POLICIES, MATCH_POLICIES, REINVOCATION, conditions, one_of, rule};
use super::common::label_selector;
use super::{Errors, Path};
use crate::admission::policy::env::Base;

const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// The configuration of webhooks, of either kind.
pub(crate) fn webhooks(object: &Value, errors: &mut Errors) {
    let path = Path::new("webhooks");
    let hooks = object["webhooks"].items();
    for (at, hook) in hooks.iter().enumerate() {
        let here = path.index(at);
        webhook(hook, object["kind"] == "MutatingWebhookConfiguration", &here, errors);
        let name = hook["name"].str();
        if !name.is_empty() && hooks[..at].iter().any(|other| other["name"] == *name) {
            errors.duplicate(&here.field("name"), name);
        }
    }
}

fn webhook(hook: &Value, mutating: bool, path: &Path<'_>, errors: &mut Errors) {
    let name = hook["name"].str();
    let place = path.field("name");
    if name.is_empty() {
        errors.required(&place, "");
    } else {
        let found = names::is_dns1123_subdomain(name);
        if !found.is_empty() {
            errors.all_invalid(&place, name, found);
        } else if name.split('.').count() < 3 {
            errors.invalid(&place, name, "should be a domain with at least three segments separated by dots");
        }
    }
    let rules = path.field("rules");
    for (at, given) in hook["rules"].items().iter().enumerate() {
        rule(given, &rules.index(at), errors);
    }
    let optional: [(&str, &[&str]); 3] =
        [("failurePolicy", &FAILURE_POLICIES), ("matchPolicy", &MATCH_POLICIES), ("reinvocationPolicy", &REINVOCATION)];
    for (key, allowed) in optional {
        if !hook[key].is_null() && (mutating || key != "reinvocationPolicy") {
            one_of(&hook[key], allowed, &path.field(key), errors);
        }
    }
    let allowed = ["None", "NoneOnDryRun"];
    match hook["sideEffects"].as_str() {
        None => errors.required(&path.field("sideEffects"), "must specify one of None, NoneOnDryRun"),
        Some(_) => one_of(&hook["sideEffects"], &allowed, &path.field("sideEffects"), errors),
    }
    if let Some(seconds) = hook["timeoutSeconds"].as_i64()
        && !(1..=30).contains(&seconds)
    {
        errors.invalid(&path.field("timeoutSeconds"), seconds, "the timeout value must be between 1 and 30 seconds");
    }
    for key in ["namespaceSelector", "objectSelector"] {
        if !hook[key].is_null() {
            label_selector(&hook[key], &path.field(key), errors);
        }
    }
    client_config(&hook["clientConfig"], &path.field("clientConfig"), errors);
    let base = Base { params: None, ..Base::of(&Value::Null) };
    conditions(&hook["matchConditions"], &base, &path.field("matchConditions"), errors);
    let versions = path.field("admissionReviewVersions");
    let given = hook["admissionReviewVersions"].items();
    if given.is_empty() {
        errors.required(&versions, "must specify one of v1, v1beta1");
        return;
    }
    for (at, version) in given.iter().enumerate() {
        if given[..at].contains(version) {
            errors.invalid(&versions.index(at), version, "duplicate version");
        } else {
            errors.all_invalid(&versions.index(at), version, names::is_dns1035_label(version.str()));
        }
    }
    if !given.iter().any(|version| REVIEW_VERSIONS.contains(&version.str())) {
        errors.invalid(&versions, &hook["admissionReviewVersions"], "must include at least one of v1, v1beta1");
    }
}

/// Where a webhook is called: a URL or a service.
pub(super) fn client_config(config: &Value, path: &Path<'_>, errors: &mut Errors) {
    let (url, service) = (&config["url"], &config["service"]);
    if url.is_null() == service.is_null() {
        return errors.required(path, "exactly one of url or service is required");
    }
    if let Some(text) = url.as_str() {
        let place = path.field("url");
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        let form = "; desired format: https://host[/path]";
        if scheme != "https" {
            errors.invalid(&place, scheme, format!("'https' is the only allowed URL scheme{form}"));
        }
        if host.is_empty() {
            errors.invalid(&place, host, format!("host must be specified{form}"));
        }
        let (_, fragment) = text.split_once('#').unwrap_or((text, ""));
        if !fragment.is_empty() {
            errors.invalid(&place, fragment, "fragments are not permitted in the URL");
        }
        let (before, _) = text.split_once('#').unwrap_or((text, ""));
        let (_, query) = before.split_once('?').unwrap_or((before, ""));
        if !query.is_empty() {
            errors.invalid(&place, query, "query parameters are not permitted in the URL");
        }
        return;
    }
    let place = path.field("service");
    // The real server takes the one for the other.
    for (key, told) in [("namespace", "name"), ("name", "namespace")] {
        if service[key].str().is_empty() {
            errors.required(&place.field(told), "");
        }
    }
    let port = service["port"].int();
    if !(1..=65535).contains(&port) {
        errors.invalid(&place.field("port"), port, "port is not valid: must be between 1 and 65535, inclusive");
    }
    service_path(service["path"].str(), &place.field("path"), errors);
}

/// The path of a service: names between slashes.
fn service_path(text: &str, path: &Path<'_>, errors: &mut Errors) {
    if matches!(text, "" | "/") {
        return;
    }
    if !text.starts_with('/') && text != "//" {
        errors.invalid(path, text, "must start with a '/'");
    }
    let mut rest = text.char_indices().nth(1).map_or("", |(at, _)| &text[at..]);
    rest = rest.strip_suffix('/').unwrap_or(rest);
    for (at, step) in rest.split('/').enumerate() {
        if step.is_empty() {
            errors.invalid(path, text, format!("segment[{at}] may not be empty"));
            continue;
        }
        for why in drydock_schema::names::is_dns1123_subdomain(step) {
            errors.invalid(path, text, format!("segment[{at}]: {why}"));
        }
    }
}
