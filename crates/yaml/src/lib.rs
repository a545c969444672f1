//! YAML text to and from [`Value`](drydock_value::Value), in kubectl's dialect and wording.
//!
//! kubectl reads manifests through a Go port of libyaml, as YAML 1.1, and turns them into JSON before anything looks at
//! them. Here the same happens, with the same liberties, limits and words: `scan` makes tokens, `compose` a tree, `load` a
//! value.
//!
//! - [`parse`], [`documents`]: a stream as `kubectl -f` reads it, YAML or JSON, one or several documents. [`parse_one`]:
//!   a single YAML document, as kubeconfig files and patches are read. Bare `y`, `no` and `on` are booleans, keys become
//!   strings, anchors, aliases and merge keys are resolved under a limit.
//! - [`Error`]: what is wrong, in the words that kubectl prints after `error parsing FILE: `.
//! - [`to_yaml`]: what `kubectl -o yaml` prints, byte for byte.
//! - [`spans`]: the tree with the place of every node, for an editor; also of a text that is broken further down.
//! - [`json`]: Go's words for malformed JSON.
//!
//! Nothing here knows Kubernetes' types.

mod compose;
mod document;
mod emit;
mod error;
pub mod json;
mod load;
mod order;
mod scalar;
mod scan;
mod tree;

pub use document::{Document, Documents, document, documents, documents_of_words, parse, parse_one, parse_one_strict};
pub use emit::to_yaml;
pub use error::Error;
pub use order::compare_keys;
pub use tree::{Kind, Node, NodeId, Place, Span, Tree, spans};

#[cfg(test)]
mod tests;
