//! What Kubernetes v1.36 knows about its types, and the algorithms that need nothing else.
//!
//! The types are tables, made at build time from `data/` (see `build.rs`): nothing is decoded when the program starts.
//!
//! - [`Schema`], [`TypeRef`], [`Field`], [`Shape`]: the types and their fields. [`resources`]: what the API serves.
//! - [`labels`], [`fields`]: selectors. [`quantity`], [`intstr`], [`duration`]: amounts, percentages, times.
//! - [`names`]: rules for names. [`go`]: values as Go prints them in messages.

pub mod duration;
pub mod fields;
pub mod go;
pub mod intstr;
pub mod labels;
pub mod names;
pub mod quantity;
mod resources;
mod table;

pub use resources::{Column, ResourceRow, resource, resource_of_kind, resources};
pub use table::{Field, Inner, ListType, Schema, Shape, TypeRef};
