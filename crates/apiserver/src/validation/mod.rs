//! Rules for objects, one file for each group of kinds, with Kubernetes' paths and words.

mod field;
pub(crate) mod meta;
pub(crate) mod names;

pub(crate) use field::{Errors, Path};
