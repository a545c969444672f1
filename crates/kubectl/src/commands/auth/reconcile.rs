//! `kubectl auth reconcile`: makes roles and bindings grant what files say, and says what was missing.
//!
//! Unlike `apply`, it compares what is granted: a rule that another one covers already is not missing.

use drydock_api::{GroupVersionKind, Resource};
use drydock_value::{Value, value};

use crate::builder::{self, Query};
use crate::change::printing::Printing;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] =
    &[acts::PRINT, acts::FILES, &["dry-run", "remove-extra-permissions", "remove-extra-subjects"]];

const GROUP: &str = "rbac.authorization.k8s.io";

/// What has to happen to an object, and why.
#[derive(Debug, Default)]
struct Finding {
    operation: &'static str,
    object: Value,
    /// Headings with what belongs under them.
    lines: Vec<(&'static str, Vec<String>)>,
    protected: bool,
}

/// Runs it.
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let dry_run = inv.dry_run(io)?;
    if dry_run == DryRun::Server {
        return Err("--dry-run=server for kubectl auth reconcile is not supported yet".into());
    }
    if inv.flags.list("filename").is_empty() && inv.flags.str("kustomize").is_empty() {
        return Err("must specify one of -f and -k".into());
    }
    if !inv.args.is_empty() {
        return Err("no arguments are allowed".into());
    }
    let mut printing = Printing::new(inv, io, dry_run)?;
    // Objects are taken as the files have them: without a namespace of their own they have none.
    let query = Query { namespace: String::new(), local: true, validate: false, ..Query::new(inv, io, &[])? };
    let (infos, mut failures) = builder::find(&query, inv, io)?.split();
    for info in infos {
        let gvk = GroupVersionKind::of(&info.object);
        if gvk.group != GROUP || !gvk.kind.contains("Role") {
            continue;
        }
        if gvk.version != "v1" {
            // Go's name of the type.
            failures.push(format!("only {GROUP}/v1 is supported: not *{}.{}", gvk.version, gvk.kind).into());
            continue;
        }
        let outcome = one(inv, io, info.object, dry_run).and_then(|finding| {
            printing.print(io, &finding.object, "reconciled")?;
            if !finding.operation.is_empty() {
                let note = if finding.protected {
                    format!(", but object opted out ({GROUP}/autoupdate: false)")
                        .replace(GROUP, "rbac.authorization.kubernetes.io")
                } else {
                    String::new()
                };
                io.eprintln(format!("\treconciliation required {}{note}", finding.operation));
            }
            for (heading, lines) in finding.lines.iter().filter(|(_, lines)| !lines.is_empty()) {
                io.eprintln(format!("\t{heading}:"));
                lines.iter().for_each(|line| io.eprintln(format!("\t\t{line}")));
            }
            Ok(())
        });
        failures.extend(outcome.err());
    }
    Failure::all(failures)?;
    Ok(Outcome::Done)
}

fn one(inv: &mut Invocation, io: &mut Io<'_>, mut wanted: Value, dry_run: DryRun) -> Result<Finding, Failure> {
    for subject in wanted["subjects"].items().len().checked_sub(1).map(|last| 0..=last).into_iter().flatten() {
        let subject = &mut wanted["subjects"].items_mut()[subject];
        if subject["apiGroup"].is_null() && matches!(subject["kind"].str(), "User" | "Group") {
            subject.set("apiGroup", GROUP);
        }
    }
    let resource = inv.kind(io, &GroupVersionKind::of(&wanted))?;
    let (name, namespace) =
        (wanted["metadata"]["name"].str().to_owned(), wanted["metadata"]["namespace"].str().to_owned());
    let nowhere = resource.namespaced() && namespace.is_empty();
    let there = if nowhere {
        None
    } else {
        match inv.client(io)?.get(io, &resource, &namespace, &name) {
            Ok(object) => Some(object),
            Err(failure) if failure.is("NotFound") => None,
            Err(failure) => return Err(failure),
        }
    };
    let mut finding = match &there {
        None => Finding { operation: "create", object: wanted.clone(), ..Finding::default() },
        Some(there) => merged(there, &wanted),
    };
    let (kind, items) = if wanted["roleRef"].is_null() { ("rules", "permissions") } else { ("subjects", "subjects") };
    compare(&mut finding, there.as_ref(), &wanted, kind, inv.flags.bool(&format!("remove-extra-{items}")));
    if dry_run == DryRun::None && !finding.protected {
        finding.object = write(inv, io, &resource, &namespace, &name, &finding)?;
    }
    Ok(finding)
}

/// What is there, with the labels and annotations that are wanted too.
fn merged(there: &Value, wanted: &Value) -> Finding {
    let mut finding = Finding { object: there.clone(), ..Finding::default() };
    for field in ["labels", "annotations"] {
        for (key, text) in wanted["metadata"][field].entries() {
            if there["metadata"][field].get(key).is_none() {
                finding.object["metadata"][field].set(key, text);
                finding.operation = "update";
            }
        }
    }
    finding.protected =
        there["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"].str() == "false";
    if wanted["roleRef"] != there["roleRef"] && !wanted["roleRef"].is_null() {
        finding.operation = "recreate";
        finding.object.set("roleRef", &wanted["roleRef"]);
    }
    if !wanted["aggregationRule"].is_null() && wanted["aggregationRule"] != there["aggregationRule"] {
        finding.operation = "update";
        finding.object.set("aggregationRule", &wanted["aggregationRule"]);
    }
    finding
}

/// Compares rules or subjects and notes what is missing and what is too much.
fn compare(finding: &mut Finding, there: Option<&Value>, wanted: &Value, field: &'static str, remove: bool) {
    // The rules of a role that gathers others' are not its own.
    if field == "rules" && !wanted["aggregationRule"].is_null() {
        return;
    }
    let rules = field == "rules";
    let had = there.map(|object| object[field].items().to_vec()).unwrap_or_default();
    let absent = |from: &[Value], in_: &[Value]| -> Vec<Value> {
        let lacks = |item: &&Value| !if rules { covered(item, in_) } else { in_.contains(item) };
        from.iter().filter(lacks).cloned().collect()
    };
    let missing = absent(wanted[field].items(), &had);
    let extra = absent(&had, wanted[field].items());
    if !missing.is_empty() || (remove && !extra.is_empty()) {
        if there.is_some() && finding.operation.is_empty() {
            finding.operation = "update";
        }
        let mut all = had;
        all.extend(missing.iter().cloned());
        if remove {
            all.retain(|item| !extra.contains(item));
        }
        finding.object.set(field, all);
    }
    let texts = |items: &[Value]| items.iter().map(|item| if rules { rule(item) } else { subject(item) }).collect();
    finding.lines = vec![
        (if rules { "missing rules added" } else { "missing subjects added" }, texts(&missing)),
        (
            match (rules, remove) {
                (true, true) => "extra rules removed",
                (true, false) => "extra rules present",
                (false, true) => "extra subjects removed",
                (false, false) => "extra subjects present",
            },
            texts(&extra),
        ),
    ];
}

fn texts<'v>(rule: &'v Value, field: &str) -> Vec<&'v str> {
    rule[field].items().iter().map(Value::str).collect()
}

/// Whether rules grant together what one grants.
fn covered(rule: &Value, by: &[Value]) -> bool {
    let or_any = |field: &str| {
        let found = texts(rule, field);
        if found.is_empty() { vec![""] } else { found }
    };
    let has =
        |owner: &Value, field: &str, word: &str| texts(owner, field).iter().any(|have| *have == "*" || *have == word);
    let grants_resource = |owner: &Value, verb: &str, group: &str, resource: &str, name: &str| {
        let names = texts(owner, "resourceNames");
        let sub = resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
        has(owner, "verbs", verb)
            && has(owner, "apiGroups", group)
            && (has(owner, "resources", resource) || sub.is_some_and(|sub| has(owner, "resources", &sub)))
            && (names.is_empty() || (!name.is_empty() && names.contains(&name)))
    };
    let grants_url = |owner: &Value, verb: &str, url: &str| {
        has(owner, "verbs", verb)
            && texts(owner, "nonResourceURLs")
                .iter()
                .any(|have| *have == url || have.strip_suffix('*').is_some_and(|start| url.starts_with(start)))
    };
    texts(rule, "verbs").iter().all(|verb| {
        let resources = texts(rule, "apiGroups").iter().all(|group| {
            texts(rule, "resources").iter().all(|resource| {
                or_any("resourceNames")
                    .iter()
                    .all(|name| by.iter().any(|owner| grants_resource(owner, verb, group, resource, name)))
            })
        });
        resources
            && texts(rule, "nonResourceURLs").iter().all(|url| by.iter().any(|owner| grants_url(owner, verb, url)))
    })
}

/// A rule as Go prints it.
fn rule(rule: &Value) -> String {
    let list = |field: &str| format!("[{}]", texts(rule, field).join(" "));
    format!(
        "{{Verbs:{} APIGroups:{} Resources:{} ResourceNames:{} NonResourceURLs:{}}}",
        list("verbs"),
        list("apiGroups"),
        list("resources"),
        list("resourceNames"),
        list("nonResourceURLs")
    )
}

fn subject(subject: &Value) -> String {
    let text = |field: &str| subject[field].str();
    format!(
        "{{Kind:{} APIGroup:{} Name:{} Namespace:{}}}",
        text("kind"),
        text("apiGroup"),
        text("name"),
        text("namespace")
    )
}

fn write(
    inv: &mut Invocation,
    io: &mut Io<'_>,
    resource: &Resource,
    namespace: &str,
    name: &str,
    finding: &Finding,
) -> Result<Value, Failure> {
    if resource.namespaced() && namespace.is_empty() {
        return Err("an empty namespace may not be set during creation".into());
    }
    let object = finding.object.clone();
    match finding.operation {
        "create" => {
            if resource.namespaced() {
                ensure_namespace(inv, io, namespace)?;
            }
            inv.client(io)?.create(io, resource, namespace, object, &[])
        }
        "update" => inv.client(io)?.update(io, resource, namespace, name, object, &[]),
        "recreate" => {
            let uid = object["metadata"]["uid"].str().to_owned();
            let options = value!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}});
            inv.client(io)?.delete(io, resource, namespace, name, options)?;
            let mut object = object;
            for field in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
                object["metadata"].remove(field);
            }
            inv.client(io)?.create(io, resource, namespace, object, &[])
        }
        _ => Ok(object),
    }
}

/// Makes the namespace of a role that is about to be made, where nobody has.
fn ensure_namespace(inv: &mut Invocation, io: &mut Io<'_>, namespace: &str) -> Result<(), Failure> {
    let resource = inv.kind(io, &GroupVersionKind::new("", "v1", "Namespace"))?;
    match inv.client(io)?.get(io, &resource, "", namespace) {
        Err(failure) if failure.is("NotFound") => {
            let object = value!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            match inv.client(io)?.create(io, &resource, "", object, &[]) {
                // Someone else was faster, or whoever may not make one may still use it.
                Err(failure) if failure.is("AlreadyExists") || failure.is("Forbidden") => Ok(()),
                other => other.map(drop),
            }
        }
        Err(failure) if failure.is("Forbidden") => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_cover_rules() {
        let one = |verbs: &str, resources: &str, names: &[&str]| {
            value!({"apiGroups": [""], "verbs": verbs.split(' ').collect::<Vec<_>>(),
                "resources": resources.split(' ').collect::<Vec<_>>(), "resourceNames": names.to_vec()})
        };
        for (rule, by, want) in [
            (one("get", "pods", &[]), vec![one("get list", "pods", &[])], true),
            (one("get list", "pods", &[]), vec![one("get", "pods", &[]), one("list", "pods", &[])], true),
            (one("get", "pods", &["a"]), vec![one("*", "*", &[])], true),
            (one("get", "pods", &[]), vec![one("get", "pods", &["a"])], false),
            (one("get", "pods/log", &[]), vec![one("get", "*/log", &[])], true),
            (one("get", "pods/log", &[]), vec![one("get", "pods", &[])], false),
        ] {
            assert_eq!(covered(&rule, &by), want, "{} by {:?}", super::rule(&rule), by);
        }
    }
}
