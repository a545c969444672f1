//! Rules for `metadata`.

use drydock_value::{Value, to_json};

use super::{Errors, Path, common};

const META: Path<'static> = Path::new("metadata");

/// What no other object may own.
const NEVER_OWNERS: [&str; 1] = ["Event"];

/// Rules for a new object's metadata. The rule for names gets the name and whether it is a prefix.
pub(crate) fn validate(
    object: &Value,
    namespaced: bool,
    name_rule: fn(&str, bool) -> Vec<String>,
    errors: &mut Errors,
) {
    let metadata = &object["metadata"];
    let prefix = metadata["generateName"].str();
    if !prefix.is_empty() {
        errors.all_invalid(&META.field("generateName"), prefix, name_rule(prefix, true));
    }
    let name = metadata["name"].str();
    if name.is_empty() {
        errors.required(&META.field("name"), "name or generateName is required");
    } else {
        errors.all_invalid(&META.field("name"), name, name_rule(name, false));
    }
    let namespace = metadata["namespace"].str();
    if namespaced {
        if namespace.is_empty() {
            errors.required(&META.field("namespace"), "");
        } else {
            common::dns_label(namespace, &META.field("namespace"), errors);
        }
    } else if !namespace.is_empty() {
        errors.forbidden(&META.field("namespace"), "not allowed on this type");
    }
    rest(object, errors);
}

fn rest(object: &Value, errors: &mut Errors) {
    let metadata = &object["metadata"];
    common::labels(&metadata["labels"], &META.field("labels"), errors);
    common::annotations(&metadata["annotations"], &META.field("annotations"), errors);
    owners(&metadata["ownerReferences"], errors);
    finalizers(&metadata["finalizers"], has_own_finalizers(object), errors);
}

/// Groups whose objects may have finalizers of any qualified name, as custom resources may. All others know a few words
/// and want a domain before everything else.
const OWN_FINALIZERS: [&str; 4] =
    ["admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "coordination.k8s.io"];

fn has_own_finalizers(object: &Value) -> bool {
    let group = object["apiVersion"].str().split_once('/').map_or("", |(group, _)| group);
    OWN_FINALIZERS.contains(&group) || crate::kinds::Kind::of_object(object).is_none()
}

fn owners(owners: &Value, errors: &mut Errors) {
    let path = META.field("ownerReferences");
    let mut controller: Option<String> = None;
    for owner in owners.items() {
        let api_version = owner["apiVersion"].str();
        let kind = owner["kind"].str();
        if api_version.rsplit('/').next().is_none_or(str::is_empty) {
            errors.invalid(&path.field("apiVersion"), api_version, "version must not be empty");
        }
        for key in ["kind", "name", "uid"] {
            if owner[key].str().is_empty() {
                errors.invalid(&path.field(key), "", "must not be empty");
            }
        }
        if api_version == "v1" && NEVER_OWNERS.contains(&kind) {
            let shown = to_json(owner);
            errors.invalid_text(&path, &shown, &format!("/v1, Kind={kind} is disallowed from being an owner"));
        }
        if owner["controller"].is_true() {
            let this = format!("{kind}/{}", owner["name"].str());
            if let Some(first) = &controller {
                errors.invalid_text(
                    &path,
                    &to_json(owners),
                    &format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} \
                         and {this}"
                    ),
                );
            } else {
                controller = Some(this);
            }
        }
    }
}

fn finalizers(finalizers: &Value, any: bool, errors: &mut Errors) {
    let path = META.field("finalizers");
    for (at, finalizer) in finalizers.items().iter().enumerate() {
        let name = finalizer.str();
        let path = path.index(at);
        let before = errors.len();
        errors.all_invalid(&path, name, super::names::qualified_name(name));
        if errors.len() == before
            && !any
            && !name.contains('/')
            && !matches!(name, "kubernetes" | "orphan" | "foregroundDeletion")
        {
            errors.invalid(&path, name, "name is neither a standard finalizer name nor is it fully qualified");
        }
    }
    let has = |name: &str| finalizers.items().iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        errors.invalid(&path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
    }
}

/// Rules for the step from old metadata to new.
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    let (object, new, old) = (new, &new["metadata"], &old["metadata"]);
    if new["labels"] == old["labels"]
        && new["annotations"] == old["annotations"]
        && new["ownerReferences"] == old["ownerReferences"]
        && new["finalizers"] == old["finalizers"]
        && new["deletionTimestamp"] == old["deletionTimestamp"]
        && new["deletionGracePeriodSeconds"] == old["deletionGracePeriodSeconds"]
    {
        return;
    }
    rest(object, errors);
    added_finalizers(new, old, errors);
    if new["deletionTimestamp"] != old["deletionTimestamp"] {
        errors.invalid(&META.field("deletionTimestamp"), &new["deletionTimestamp"], common::IMMUTABLE);
    }
    let grace = "deletionGracePeriodSeconds";
    common::immutable(&new[grace], &old[grace], &META.field(grace), errors);
}

/// An object that is going takes no more finalizers.
fn added_finalizers(new: &Value, old: &Value, errors: &mut Errors) {
    if !old["deletionTimestamp"].is_null() {
        let before = old["finalizers"].items();
        let added: Vec<String> = new["finalizers"]
            .items()
            .iter()
            .filter(|finalizer| !before.contains(finalizer))
            .map(|finalizer| format!("{:?}", finalizer.str()))
            .collect();
        if !added.is_empty() {
            errors.forbidden(
                &META.field("finalizers"),
                format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers \
                     []string{{{}}}",
                    added.join(", ")
                ),
            );
        }
    }
}
