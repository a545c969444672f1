//! Server-side apply: what an applier wants, laid over what is there, with conflicts where others want otherwise.

use drydock_api::{Cause, Status};
use drydock_schema::merge::{self, Type, sets};
use drydock_value::{Value, parse_json, to_json};

use super::{Writer, closed, own, sorted, stripped, take_from_others, within};
use crate::kinds::Kind;
use crate::verbs::Part;

/// The annotation of client-side apply.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manager that takes over from client-side apply without conflicts.
const KUBECTL: &str = "kubectl";

/// Who applies what.
pub(crate) struct Applied<'a> {
    pub(crate) kind: Kind,
    pub(crate) part: Part,
    /// The version of the document.
    pub(crate) api_version: &'a str,
    pub(crate) manager: &'a str,
    /// Whether to take over what others own.
    pub(crate) force: bool,
    /// The document.
    pub(crate) document: &'a Value,
    /// The time, as entries have it.
    pub(crate) now: &'a str,
}

/// The object with the document laid over it (`live` is null when there is none yet), and its entries.
///
/// # Errors
/// When the document does not fit the type, or others own what it changes.
pub(crate) fn apply(of: Type<'_>, live: &Value, applied: &Applied<'_>) -> Result<(Value, Value), Status> {
    let document = applied.document;
    check(of, applied)?;
    let writer =
        Writer { manager: applied.manager, operation: "Apply", api_version: applied.api_version, part: applied.part };
    let mut entries = closed(of, live);
    if entries.is_empty() && !live.is_null() {
        // Whoever wrote so far was not tracked; what is there counts as theirs.
        let set = within(applied.kind, Part::Main, &super::whole(of, live));
        let before = Writer { manager: "before-first-apply", operation: "Update", part: Part::Main, ..writer };
        own(&before, &mut entries, set, applied.now);
    }
    // The name and such count as owned for now, or what holds them could be left with nothing that anybody owns.
    let whole = merge::fields_of(of, document);
    let set = within(applied.kind, applied.part, &stripped(&whole));
    let last = entries.iter().find(|entry| writer.is(entry)).map(|entry| entry["fieldsV1"].clone());

    let mut merged = merge::merge(of, live, document);
    if let Some(last) = last.filter(|last| !last.is_empty()) {
        let others = entries.iter().filter(|entry| !writer.is(entry));
        let owned = others.fold(whole, |owned, entry| sets::union(&owned, &entry["fieldsV1"]));
        merged = merge::without(of, &merged, &last, &owned);
    }
    let found = merge::compare(of, live, &merged);
    let changed = stripped(&found.changed);
    if !applied.force {
        let mut conflicts = conflicts(&writer, &entries, &changed);
        if applied.manager == KUBECTL && conflicts.iter().any(|(_, set)| !set.is_empty()) {
            let allowed = by_client_side_apply(of, live);
            for (_, set) in &mut conflicts {
                *set = sets::difference(set, &allowed);
            }
        }
        refuse(&conflicts)?;
    }
    take_from_others(&writer, &mut entries, &sets::union(&changed, &stripped(&found.removed)));
    own(&writer, &mut entries, set, applied.now);
    if applied.manager == KUBECTL && live["metadata"]["annotations"].get(LAST_APPLIED).is_some() {
        merged["metadata"]["annotations"].set(LAST_APPLIED, last_applied(document));
    }
    Ok((merged, Value::from(sorted(entries))))
}

fn check(of: Type<'_>, applied: &Applied<'_>) -> Result<(), Status> {
    let document = applied.document;
    let errors = merge::check(of, document);
    if errors.is_empty() {
        return Ok(());
    }
    let (metadata, kind) = (&document["metadata"], document["kind"].str());
    let list = if errors.len() == 1 { errors[0].clone() } else { format!("errors:\n  {}", errors.join("\n  ")) };
    Err(Status::new(
        500,
        "",
        format!(
            "failed to create typed patch object ({}/{}; {}, Kind={kind}): {list}",
            metadata["namespace"].str(),
            metadata["name"].str(),
            applied.api_version
        ),
    ))
}

/// What others own of the changed fields, by their entries.
fn conflicts<'e>(writer: &Writer<'_>, entries: &'e [Value], changed: &Value) -> Vec<(&'e Value, Value)> {
    let others = entries.iter().filter(|entry| !writer.is(entry));
    others.map(|entry| (entry, sets::intersection(&entry["fieldsV1"], changed))).collect()
}

fn refuse(conflicts: &[(&Value, Value)]) -> Result<(), Status> {
    let name = |entry: &Value| {
        let mut name = drydock_schema::go::quote(entry["manager"].str());
        let subresource = entry["subresource"].str();
        if !subresource.is_empty() {
            name.push_str(&format!(" with subresource {}", drydock_schema::go::quote(subresource)));
        }
        if entry["operation"] == "Update" {
            name.push_str(&format!(" using {}", entry["apiVersion"].str()));
        }
        name
    };
    let mut causes = Vec::new();
    let mut parts = Vec::new();
    for (entry, set) in conflicts.iter().filter(|(_, set)| !set.is_empty()) {
        let (name, paths) = (name(entry), sets::paths(set));
        parts.push(format!("conflicts with {name}:\n- {}", paths.join("\n- ")));
        causes.extend(paths.into_iter().map(|field| Cause {
            reason: "FieldManagerConflict".into(),
            message: format!("conflict with {name}"),
            field,
        }));
    }
    let message = match causes.as_slice() {
        [] => return Ok(()),
        [only] => format!("Apply failed with 1 conflict: {}: {}", only.message, only.field),
        many => format!("Apply failed with {} conflicts: {}", many.len(), parts.join("\n")),
    };
    Err(Status { causes, ..Status::new(409, "Conflict", message) })
}

/// What client-side apply set and nobody has changed since: it may be taken over.
fn by_client_side_apply(of: Type<'_>, live: &Value) -> Value {
    let text = live["metadata"]["annotations"][LAST_APPLIED].str();
    let Ok(last) = parse_json(text) else { return Value::object() };
    let found = merge::compare(of, &last, live);
    let set = stripped(&merge::fields_of(of, &last));
    sets::difference(&set, &sets::union(&found.changed, &found.removed))
}

/// What the annotation of client-side apply says of a document: kubectl's server-side apply keeps it up to date where it
/// is there.
fn last_applied(document: &Value) -> String {
    let mut document = document.clone();
    if document["metadata"]["annotations"].get(LAST_APPLIED).is_some() {
        document["metadata"]["annotations"].remove(LAST_APPLIED);
    }
    format!("{}\n", to_json(&document))
}
