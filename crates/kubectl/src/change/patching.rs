//! Patches between versions of an object.

use drydock_api::GroupVersionKind;
use drydock_schema::patch;
use drydock_value::Value;

use crate::client::patch_type;

/// A patch and its content type.
pub type Patch = (&'static str, Value);

fn type_of(object: &Value) -> Option<drydock_schema::TypeRef> {
    drydock_schema::Schema::get().by_kind(&GroupVersionKind::of(object))
}

/// Whether kubectl knows the kind by itself: only then it makes strategic patches.
pub fn is_known(object: &Value) -> bool {
    type_of(object).is_some()
}

/// An object as a client writes it that has read it into a Go type: with the parts that such types always write.
pub fn as_go_writes(object: &Value) -> Value {
    type_of(object).map_or_else(|| object.clone(), |kind| drydock_schema::normalize(kind, object))
}

/// What turns one version of an object into another: a strategic patch for the kinds that kubectl knows, a merge patch
/// for all others.
///
/// # Errors
/// When lists cannot be merged.
pub fn two_way(from: &Value, to: &Value) -> Result<Patch, String> {
    match type_of(from) {
        Some(kind) => Ok((patch_type::STRATEGIC, patch::two_way_strategic(kind, from, to)?)),
        None => Ok((patch_type::MERGE, patch::create_merge_patch(from, to))),
    }
}

/// What `kubectl apply` sends: `original` is what was applied before, `modified` what is applied now, `current` what the
/// server has.
///
/// # Errors
/// When lists cannot be merged, or (without `overwrite`) when somebody else changed the same fields.
pub fn three_way(original: &Value, modified: &Value, current: &Value, overwrite: bool) -> Result<Patch, String> {
    match type_of(current) {
        Some(kind) => {
            let patch = patch::three_way_strategic(kind, original, modified, current, overwrite)?;
            Ok((patch_type::STRATEGIC, patch))
        }
        None => Ok((patch_type::MERGE, patch::three_way_merge(original, modified, current))),
    }
}

/// A merge patch.
pub fn merge(from: &Value, to: &Value) -> Value {
    patch::create_merge_patch(from, to)
}

/// Applies a patch here, as `--dry-run=client` and `--local` show it.
///
/// # Errors
/// When it does not fit the object.
pub fn apply(content_type: &str, object: &Value, change: &Value) -> Result<Value, String> {
    match content_type {
        patch_type::JSON => patch::json_patch(object, change).map_err(|error| error.to_string()),
        patch_type::MERGE => Ok(patch::merge_patch(object, change)),
        _ => match type_of(object) {
            Some(kind) => patch::strategic_merge(kind, object, change).map_err(|error| error.to_string()),
            None => {
                let gvk = GroupVersionKind::of(object);
                let what = format!("{}, Kind={}", gvk.group_version(), gvk.kind);
                Err(format!("strategic merge patch is not supported for {what} locally, try --type merge"))
            }
        },
    }
}
