//! `kubectl create role`, and the rules that it shares with `create clusterrole`.

use drydock_value::{Value, value};

use crate::change::generate;
use crate::commands::Outcome;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;

const RESOURCE_VERBS: [&str; 14] = [
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
    "escalate",
    "impersonate",
    "approve",
    "sign",
];

/// Verbs that only some resources know, with these.
const SPECIAL: [(&str, &[(&str, &str)]); 6] = [
    ("use", &[("policy", "podsecuritypolicies"), ("extensions", "podsecuritypolicies")]),
    ("bind", &[("rbac.authorization.k8s.io", "roles"), ("rbac.authorization.k8s.io", "clusterroles")]),
    ("escalate", &[("rbac.authorization.k8s.io", "roles"), ("rbac.authorization.k8s.io", "clusterroles")]),
    ("impersonate", &[("", "users"), ("", "serviceaccounts"), ("", "groups"), ("authentication.k8s.io", "userextras")]),
    ("approve", &[("certificates.k8s.io", "signers")]),
    ("sign", &[("certificates.k8s.io", "signers")]),
];

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let name = generate::name(inv)?;
    let verbs = verbs(inv);
    if verbs.is_empty() {
        return Err("at least one verb must be specified".into());
    }
    let rules = resource_rules(inv, io, &verbs, &[])?;
    let mut object = value!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules
    });
    generate::in_namespace(inv, io, &mut object)?;
    generate::create(inv, io, object, "")?;
    Ok(Outcome::Done)
}

/// The verbs, each once; `*` is all of them.
pub(super) fn verbs(inv: &Invocation) -> Vec<String> {
    let mut verbs: Vec<String> = Vec::new();
    for verb in inv.flags.list("verb") {
        if verb == "*" {
            return vec![verb];
        }
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    verbs
}

/// One rule a group, with the resources of `--resource`. `also` are verbs that are fine without resources.
pub(super) fn resource_rules(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    verbs: &[String],
    also: &[&str],
) -> Result<Value, Failure> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let resources = inv.flags.list("resource");
    if resources.is_empty() {
        return Err("at least one resource must be specified".into());
    }
    for verb in verbs {
        if verb != "*" && !RESOURCE_VERBS.contains(&verb.as_str()) && !also.contains(&verb.as_str()) {
            io.eprintln(format!("Warning: '{verb}' is not a standard resource verb"));
        }
    }
    for spec in resources {
        let (spec, sub) = match spec.split_once('/') {
            Some((spec, sub)) => (spec.to_owned(), format!("/{sub}")),
            None => (spec, String::new()),
        };
        let (name, group) = spec.split_once('.').map_or((spec.as_str(), ""), |(name, group)| (name, group));
        // All resources, of one group or of the core, need no look-up.
        let (group, resource) = if name == "*" {
            (group.to_owned(), "*".to_owned())
        } else {
            // Who refuses here is the mapper itself, whose words have no `error:` before them.
            let found = inv.resource(io, &spec).map_err(|failure| match failure {
                Failure::Status(_) => failure,
                _ => Failure::NoResource { resource: name.to_owned(), group: group.to_owned(), version: String::new() },
            })?;
            (found.id.group, found.id.resource)
        };
        for verb in verbs {
            let special = SPECIAL.iter().find(|(special, _)| special == verb);
            let may = |(_, on): &(&str, &[(&str, &str)])| on.contains(&(group.as_str(), resource.as_str()));
            if special.is_some_and(|special| !may(special)) {
                return Err(format!("can not perform '{verb}' on '{resource}' in group '{group}'").into());
            }
        }
        let resource = format!("{resource}{sub}");
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, resources)) if !resources.contains(&resource) => resources.push(resource),
            Some(_) => {}
            None => groups.push((group, vec![resource])),
        }
    }
    let names = inv.flags.list("resource-name");
    Ok(groups
        .into_iter()
        .map(|(group, resources)| {
            let mut rule = value!({"apiGroups": [group], "resources": resources, "verbs": verbs.to_vec()});
            if !names.is_empty() {
                rule.set("resourceNames", names.clone());
            }
            rule
        })
        .collect())
}
