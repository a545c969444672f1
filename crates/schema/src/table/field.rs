//! Fields of types.

use drydock_value::{Value, parse_json};

use super::{Shape, rows};

/// How server-side apply merges a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListType {
    /// As one piece.
    Atomic,
    /// As a set of scalars.
    Set,
    /// As a map of objects by their [`Field::list_map_keys`].
    Map,
}

/// A field of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in JSON.
    pub name: &'static str,
    /// What its values look like.
    pub shape: Shape,
    flags: u16,
    extra: u16,
}

/// The bits of [`Field::flags`]; `build.rs` has the same list.
mod flag {
    pub const REQUIRED: u16 = 1;
    pub const POINTER: u16 = 1 << 1;
    pub const OMIT_EMPTY: u16 = 1 << 2;
    pub const OMIT_ZERO: u16 = 1 << 3;
    pub const PATCH_MERGE: u16 = 1 << 4;
    pub const PATCH_RETAIN_KEYS: u16 = 1 << 5;
    pub const LIST_ATOMIC: u16 = 1 << 6;
    pub const LIST_SET: u16 = 1 << 7;
    pub const LIST_MAP: u16 = 1 << 8;
    pub const MAP_ATOMIC: u16 = 1 << 9;
}

impl Field {
    pub(super) fn at(row: u16) -> Field {
        let (name, shape, extra, flags) = rows::field_row(row);
        Field { name: rows::string(name), shape: Shape::at(shape), flags, extra }
    }

    fn is(self, bit: u16) -> bool {
        self.flags & bit != 0
    }

    fn extra(self) -> [u16; 7] {
        rows::extra_row(self.extra)
    }

    /// Whether the API demands it (in OpenAPI's sense; validation demands more).
    pub fn required(self) -> bool {
        self.is(flag::REQUIRED)
    }

    /// Whether Go holds it by pointer: then false, 0 and "" are values, and not the same as leaving it out.
    pub fn is_pointer(self) -> bool {
        self.is(flag::POINTER)
    }

    /// Whether an empty value is left out when the object is written.
    pub fn omits_empty(self) -> bool {
        self.is(flag::OMIT_EMPTY)
    }

    /// Whether an object or a time that has nothing in it is left out as well.
    pub fn omits_zero(self) -> bool {
        self.is(flag::OMIT_ZERO)
    }

    /// The only values allowed, when the API names them.
    pub fn enum_values(self) -> impl ExactSizeIterator<Item = &'static str> {
        let extra = self.extra();
        rows::list(extra[3], extra[4]).iter().map(|at| rows::string(*at))
    }

    /// The default that the API's description names. [`apply_defaults`](crate::apply_defaults) sets these and many more.
    pub fn default(self) -> Option<Value> {
        match rows::string(self.extra()[1]) {
            "" => None,
            json => parse_json(json).ok(),
        }
    }

    /// Whether a strategic merge patch merges the list (by [`Field::merge_key`], or as a set of scalars).
    pub fn patch_merges(self) -> bool {
        self.is(flag::PATCH_MERGE)
    }

    /// Whether a strategic merge patch made by `apply` names the keys to keep (`$retainKeys`).
    pub fn patch_retains_keys(self) -> bool {
        self.is(flag::PATCH_RETAIN_KEYS)
    }

    /// The key that a strategic merge patch tells a list's items apart by.
    pub fn merge_key(self) -> Option<&'static str> {
        Some(rows::string(self.extra()[2])).filter(|key| !key.is_empty())
    }

    /// How server-side apply merges the list, when it says.
    pub fn list_type(self) -> Option<ListType> {
        if self.is(flag::LIST_MAP) {
            Some(ListType::Map)
        } else if self.is(flag::LIST_SET) {
            Some(ListType::Set)
        } else {
            self.is(flag::LIST_ATOMIC).then_some(ListType::Atomic)
        }
    }

    /// The keys of a [`ListType::Map`].
    pub fn list_map_keys(self) -> impl ExactSizeIterator<Item = &'static str> {
        let extra = self.extra();
        rows::list(extra[5], extra[6]).iter().map(|at| rows::string(*at))
    }

    /// Whether server-side apply takes the object or map as one piece.
    pub fn is_atomic(self) -> bool {
        self.is(flag::MAP_ATOMIC) || matches!(self.shape, Shape::Object(inner) if inner.is_atomic())
    }

    /// The type as `kubectl explain` writes it between `<` and `>`.
    pub fn explain(self) -> String {
        match self.shape {
            // Types without fields of their own go by name.
            Shape::Any | Shape::Raw => self.go_name().rsplit('.').next().unwrap_or_default().into(),
            Shape::List(inner) | Shape::Map(inner) if matches!(inner.get(), Shape::Any | Shape::Raw) => {
                let name = self.go_name();
                match name.rsplit_once(['.', ']']) {
                    Some((_, item)) if matches!(self.shape, Shape::List(_)) => format!("[]{item}"),
                    Some((_, item)) => format!("map[string]{item}"),
                    None => name,
                }
            }
            shape => shape.explain(),
        }
    }

    /// The type as Go prints it in messages: `v1.PullPolicy`, `[]string`.
    pub fn go_name(self) -> String {
        match rows::string(self.extra()[0]) {
            "" => self.shape.go_name(),
            name => name.into(),
        }
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {:?}", self.name, self.shape)
    }
}
