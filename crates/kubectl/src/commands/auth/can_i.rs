//! `kubectl auth can-i`.

use drydock_api::{Method, Request};
use drydock_value::{Value, value};

use crate::commands::Outcome;
use crate::describe;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::tabs::Tabs;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[super::super::acts::EVERY];

const RESOURCE_VERBS: [&str; 15] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "impersonate",
    "*",
    "approve",
    "sign",
    "escalate",
];

const URL_VERBS: [&str; 8] = ["get", "put", "post", "head", "options", "delete", "patch", "*"];

/// What is asked about.
#[derive(Debug, Default)]
struct Question {
    verb: String,
    url: String,
    group: String,
    resource: String,
    name: String,
}

/// `kubectl auth can-i`
///
/// # Errors
/// kubectl's own; `no` ends with code 1.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let list = inv.flags.bool("list");
    if list {
        if !inv.args.is_empty() {
            return Err("list option must be specified with no arguments".into());
        }
        if inv.flags.bool("quiet") || inv.flags.bool("all-namespaces") || !inv.flags.str("subresource").is_empty() {
            return Err(
                "list option can't be specified with neither quiet, all-namespaces nor subresource options".into()
            );
        }
        return rules(inv, io);
    }
    let [verb, what] = inv.args.as_slice() else {
        return Err(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples."
                .into(),
        );
    };
    let mut question = Question { verb: verb.clone(), ..Question::default() };
    let what = what.clone();
    if what.starts_with('/') {
        if !inv.flags.str("subresource").is_empty() {
            return Err("--subresource can not be used with NonResourceURL".into());
        }
        question.url = what;
        if !URL_VERBS.contains(&question.verb.as_str()) {
            warn(io, &format!("verb '{}' is not a known verb", question.verb));
        }
    } else {
        let (resource, name) = what.split_once('/').map_or((what.as_str(), ""), |(resource, name)| (resource, name));
        name.clone_into(&mut question.name);
        resolve(inv, io, &mut question, resource)?;
        if !RESOURCE_VERBS.contains(&question.verb.as_str()) {
            warn(io, &format!("verb '{}' is not a known verb", question.verb));
        }
    }
    if inv.flags.bool("no-headers") {
        return Err("--no-headers cannot be set without --list specified".into());
    }
    ask(inv, io, &question)
}

fn warn(io: &mut Io<'_>, words: &str) {
    io.eprintln(format!("Warning: {words}\n"));
}

/// The resource that a word means; warns when there is none, or when it has no namespaces.
fn resolve(inv: &mut Invocation, io: &mut Io<'_>, question: &mut Question, word: &str) -> Result<(), Failure> {
    word.clone_into(&mut question.resource);
    if word == "*" {
        return Ok(());
    }
    if let Err(failure) = inv.mapper(io) {
        warn(io, &format!("the server doesn't have a resource type '{word}'"));
        return Err(failure);
    }
    let found = inv.lookup(io, &word.to_lowercase())?;
    match found {
        Some(resource) => {
            question.group.clone_from(&resource.id.group);
            question.resource.clone_from(&resource.id.resource);
            if !resource.namespaced() && !inv.flags.bool("all-namespaces") {
                let group = &resource.id.group;
                let suffix = if group.is_empty() { String::new() } else { format!(" in group '{group}'") };
                warn(io, &format!("resource '{}' is not namespace scoped{suffix}", resource.id.resource));
            }
        }
        None => {
            let lower = word.to_lowercase();
            let (name, group) = lower.split_once('.').unwrap_or((&lower, ""));
            if !matches!(lower.as_str(), "users" | "groups") {
                let suffix = if group.is_empty() { String::new() } else { format!(" in group '{group}'") };
                warn(io, &format!("the server doesn't have a resource type '{name}'{suffix}"));
            }
        }
    }
    Ok(())
}

fn ask(inv: &mut Invocation, io: &mut Io<'_>, question: &Question) -> Result<Outcome, Failure> {
    let namespace = if inv.flags.bool("all-namespaces") { String::new() } else { inv.namespace(io)? };
    let spec = if question.url.is_empty() {
        value!({"resourceAttributes": {
            "namespace": namespace, "verb": &question.verb, "group": &question.group, "resource": &question.resource,
            "subresource": inv.flags.str("subresource"), "name": &question.name
        }})
    } else {
        value!({"nonResourceAttributes": {"verb": &question.verb, "path": &question.url}})
    };
    let mut spec = spec;
    for part in ["resourceAttributes", "nonResourceAttributes"] {
        if let Some(attributes) = spec.get_mut(part).and_then(Value::as_object_mut) {
            attributes.retain(|_, value| !value.is_empty());
        }
    }
    let review = value!({
        "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": null}, "spec": spec, "status": {"allowed": false}
    });
    let request =
        Request::new(Method::Post, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews").with_value(review);
    let answer = inv.client(io)?.value(io, request)?;
    let status = &answer["status"];
    let allowed = status["allowed"].is_true();
    if !inv.flags.bool("quiet") {
        let mut text = if allowed { "yes" } else { "no" }.to_owned();
        if !allowed {
            for field in ["reason", "evaluationError"] {
                if !status[field].is_empty() {
                    text += &format!(" - {}", status[field].str());
                }
            }
        }
        io.println(text);
    }
    Ok(Outcome::Exit(i32::from(!allowed)))
}

fn rules(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let namespace = inv.namespace(io)?;
    let review = value!({
        "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1",
        "metadata": {"creationTimestamp": null}, "spec": {"namespace": namespace}
    });
    let request =
        Request::new(Method::Post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews").with_value(review);
    let answer = inv.client(io)?.value(io, request)?;
    let status = &answer["status"];
    if status["incomplete"].is_true() {
        io.eprintln(format!("Warning: the list may be incomplete: {}", status["evaluationError"].str()));
    }
    let mut all: Vec<Value> = status["resourceRules"].items().to_vec();
    all.extend(status["nonResourceRules"].items().iter().cloned());
    let mut tabs = Tabs::table();
    if !inv.flags.bool("no-headers") {
        tabs.row(&["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]);
    }
    for row in describe::rbac::rows(&Value::from(all)) {
        tabs.row(&row);
    }
    let text = tabs.flush();
    io.print(text);
    Ok(Outcome::Done)
}
