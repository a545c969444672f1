//! `kubectl create clusterrole`

use drydock_value::{Value, value};

use super::role;
use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

const URL_VERBS: [&str; 8] = ["get", "put", "post", "head", "options", "delete", "patch", "*"];

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let verbs = role::verbs(inv);
    let urls = inv.flags.list("non-resource-url");
    let resources = inv.flags.list("resource");
    let aggregation = inv.flags.list("aggregation-rule");
    let mut object = value!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": null
    });
    if !aggregation.is_empty() {
        if !urls.is_empty() || !verbs.is_empty() || !resources.is_empty() || !inv.flags.list("resource-name").is_empty()
        {
            return Err(
                "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames".into(),
            );
        }
        let mut labels = Value::object();
        for pair in &aggregation {
            if let Some((key, value)) = pair.split_once('=') {
                labels.set(key, value);
            }
        }
        object.set("aggregationRule", value!({"clusterRoleSelectors": [{"matchLabels": labels}]}));
    } else {
        if verbs.is_empty() {
            return Err("at least one verb must be specified".into());
        }
        let mut rules = Value::from(Vec::<Value>::new());
        if resources.is_empty() && urls.is_empty() {
            return Err("one of resource or nonResourceURL must be specified".into());
        }
        if !resources.is_empty() {
            let also = if urls.is_empty() { &[][..] } else { &URL_VERBS[..] };
            rules = role::resource_rules(inv, io, &verbs, also)?;
        }
        if !urls.is_empty() {
            for verb in &verbs {
                if resources.is_empty() && !URL_VERBS.contains(&verb.as_str()) {
                    return Err(format!("invalid verb: '{verb}' for nonResourceURL").into());
                }
            }
            check_urls(&urls)?;
            rules.push(value!({"nonResourceURLs": urls, "verbs": verbs}));
        }
        object.set("rules", rules);
    }
    generate::create(inv, io, object, "")?;
    Ok(Outcome::Done)
}

fn check_urls(urls: &[String]) -> Result<(), Failure> {
    for url in urls {
        if url == "*" {
            continue;
        }
        if !url.starts_with('/') {
            return Err("nonResourceURL should start with /".into());
        }
        if url.contains('*') && url.find('*') != Some(url.len() - 1) {
            return Err("nonResourceURL only supports wildcard matches when '*' is at the end".into());
        }
    }
    Ok(())
}
