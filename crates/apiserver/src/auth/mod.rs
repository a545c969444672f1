//! Who asks, and whether they may.
//!
//! - [`authenticate`]: from a certificate or token to a user; impersonation comes after.
//! - [`rbac`]: roles and bindings, as stored, decide.
//! - [`rules`]: what a role grants, and whether one set of rules covers another (escalation).
//! - [`tokens`]: service account tokens. [`certificate`]: the subject of a client certificate.
//! - [`authority`]: the certificates that the cluster signs.
//! - [`reviews`]: the API of all that: access reviews, token reviews, token requests.

pub(crate) mod authenticate;
pub(crate) mod authority;
pub(crate) mod certificate;
mod ed25519;
pub(crate) mod escalation;
pub(crate) mod rbac;
pub(crate) mod reviews;
pub(crate) mod rs256;
pub(crate) mod rules;
mod sha512;
pub(crate) mod tokens;
