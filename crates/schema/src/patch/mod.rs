//! Patches: applying them, and making them from versions of an object.
//!
//! - `json`: RFC 6902, a list of operations. `merge`: RFC 7386.
//! - `strategic`: Kubernetes' own, which merges lists by keys and knows directives such as `$patch: delete`.
//! - `diff`: strategic patches from two versions; `three_way`: what `kubectl apply` makes from three.
//!
//! The rules are those of k8s.io/apimachinery/pkg/util/strategicpatch and jsonmergepatch.

mod diff;
mod json;
mod merge;
mod strategic;
#[cfg(test)]
mod tests;
mod three_way;

pub use diff::two_way_strategic;
pub use json::{JsonPatchError, json_patch};
pub use merge::{create_merge_patch, merge_patch, three_way_merge};
pub use strategic::strategic_merge;
pub use three_way::three_way_strategic;

/// Key of a map or of a list's item that says what is done with it: `replace`, `delete` or `merge`.
const DIRECTIVE: &str = "$patch";
/// Key whose list names the keys of a map that stay.
const RETAIN_KEYS: &str = "$retainKeys";
/// Before a field's name: scalars that leave its list.
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList/";
/// Before a field's name: the order of its list.
const ELEMENT_ORDER: &str = "$setElementOrder/";

/// How a field of an object is patched, as the schema has it. Fields that it does not know merge as maps and replace as
/// lists.
#[derive(Clone, Copy, Default)]
struct Rule {
    /// The type of the object, or of the list's or map's items.
    inner: Option<crate::TypeRef>,
    /// Whether lists merge.
    merges: bool,
    /// What a list's items are told apart by; None for scalars.
    key: Option<&'static str>,
    /// Whether a patch made for it names the keys to keep.
    retains_keys: bool,
}

impl Rule {
    /// The rule of a field of `of`.
    fn of(of: Option<crate::TypeRef>, name: &str) -> Rule {
        let Some(field) = of.and_then(|of| of.field(name)) else { return Rule::default() };
        Rule {
            inner: field.shape.object(),
            merges: field.patch_merges(),
            key: field.merge_key(),
            retains_keys: field.patch_retains_keys(),
        }
    }
}

/// The place of an equal item (by `key`, or as a whole).
fn place(items: &[drydock_value::Value], wanted: &drydock_value::Value, key: Option<&str>) -> Option<usize> {
    match key {
        Some(key) => items.iter().position(|item| item[key] == wanted[key]),
        None => items.iter().position(|item| item == wanted),
    }
}
