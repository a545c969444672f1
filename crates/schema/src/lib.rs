//! What Kubernetes v1.36 knows about its types, and the algorithms that need nothing else.
//!
//! The types are tables, made at build time from `data/` (see `build.rs`): nothing is decoded when the program starts.
//!
//! - [`Schema`], [`TypeRef`], [`Field`], [`Shape`]: the types and their fields. [`resources`]: what the API serves.
//! - [`decode`], [`normalize`]: objects as the API server reads and keeps them, with Go's words for what is wrong.
//! - [`apply_defaults`]: what the API server fills in.
//! - [`patch`]: JSON, merge and strategic patches, applied and made.
//! - [`merge`]: ownership of fields, for server-side apply.
//! - [`cel`]: expressions in CEL, for validation rules and admission policies.
//! - [`structural`]: the schemas of custom resources.
//! - [`labels`], [`fields`]: selectors. [`quantity`], [`intstr`], [`duration`]: amounts, percentages, times.
//! - [`Descriptions`]: what types and fields are for, loaded when somebody asks.
//! - [`names`]: rules for names. [`Zone`]: time zones. [`go`], [`base64`], [`time`]: values as Go prints and reads them.

pub mod base64;
pub mod cel;
mod decode;
mod defaults;
mod describe;
pub mod duration;
pub mod fields;
pub mod go;
pub mod intstr;
pub mod labels;
pub mod merge;
pub mod names;
pub mod patch;
pub mod pattern;
pub mod quantity;
mod resources;
pub mod structural;
mod table;
pub mod time;
mod zone;

pub use decode::{Decoded, decode, decode_update, normalize, unset, word as json_word};
pub use defaults::{apply_defaults, apply_defaults_update, default_type, image_tag};
pub use describe::Descriptions;
pub use resources::{Column, ResourceRow, resource, resource_of_kind, resources};
pub use table::{Field, Inner, ListType, Schema, Shape, TypeRef};
pub use zone::Zone;
