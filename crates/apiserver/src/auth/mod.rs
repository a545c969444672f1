//! Who asks, and whether they may.
//!
//! - [`authenticate`]: from a certificate or token to a user; impersonation comes after.
//! - [`rbac`]: roles and bindings, as stored, decide.
//! - [`rules`]: what a role grants, and whether one set of rules covers another (escalation).
//! - [`tokens`]: service account tokens.
//! - [`authority`]: the certificates that the cluster signs.
//! - [`reviews`]: the API of all that: access reviews, token reviews, token requests.

pub(crate) mod authenticate;
pub(crate) mod authority;
pub(crate) mod escalation;
pub(crate) mod rbac;
pub(crate) mod reviews;
pub(crate) mod rules;
pub(crate) mod tokens;
