//! What the types and fields of Kubernetes are for, in its own words: what `kubectl explain` shows.
//!
//! The words are not part of this repository. The build script takes them from the doc comments of the k8s-openapi crate,
//! which cargo fetches (and never compiles). Native programs carry them; the page loads them when its cluster runs, from
//! the file that the program of this crate writes.

#[cfg(test)]
#[allow(clippy::disallowed_methods, dead_code, reason = "the build script's part, whose tests run here")]
mod extract;

/// The blob that `drydock_schema::Descriptions` reads.
pub const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/descriptions.txt"));
