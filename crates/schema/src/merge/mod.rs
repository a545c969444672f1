//! Who owns which field: what server-side apply and `metadata.managedFields` are computed with.
//!
//! - [`Type`]: how a value is taken apart: by the built-in tables, by a CRD's structural schema, or freely.
//! - [`sets`]: sets of fields. A set *is* its `fieldsV1` form (`{"f:spec": {"f:replicas": {}}}`), a [`Value`] like any
//!   other: it is shared, stored and shown without being converted.
//! - [`fields_of`], [`compare`], [`merge`], [`without`], [`check`]: from values to sets, and from sets to values.

mod path;
pub mod sets;
mod types;
mod walk;

pub use path::{Element, show};
pub use types::Type;
pub use walk::{Difference, check, compare, fields_of, merge, without};

#[cfg(test)]
mod tests;
