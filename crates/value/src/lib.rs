//! The plain values that everything else is made of.
//!
//! - [`Value`]: an immutable JSON tree held by reference count. A clone costs a pointer; a change copies only the path
//!   from the root to what changed. Every Kubernetes object in Drydock is one of these.
//! - [`Map`], [`Str`]: its objects (keys sorted, as Go prints maps) and its strings.
//! - [`value!`]: writes one down, in JSON's own notation.
//! - [`from_value`], [`to_value`]: to and from typed views (serde), so that code that acts on objects declares only the
//!   fields that it needs.
//! - [`Time`]: a moment of simulated time; durations are [`std::time::Duration`].
//!
//! Nothing here knows Kubernetes. What comes in is text or Rust values; what goes out is the same.

mod compare;
mod de;
mod hash;
mod json;
mod macros;
mod map;
mod ser;
mod time;
mod value;
mod words;

pub use de::from_value;
pub use hash::Hash;
pub use json::{DEPTH_LIMIT, parse_json, to_json, to_json_pretty};
pub use map::{Key, Map, Pairs};
pub use ser::to_value;
pub use time::Time;
pub use value::{Str, Value};

/// What went wrong while a value was read as a Rust type, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
