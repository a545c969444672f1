//! Rules for objects, one file for each group of kinds, with Kubernetes' paths and words.
//!
//! A rule gets the object (defaulted) and writes what is wrong into [`Errors`], at a [`Path`]. Rules are stated in the
//! order in which the real server states them, as clients print them in that order.

pub(crate) mod common;
mod field;
pub(crate) mod meta;
pub(crate) mod names;
pub(crate) mod pod;
pub(crate) mod resources;
pub(crate) mod storage;

pub(crate) use field::{Errors, Path};
