//! `kubectl auth`: who am I, and what may I do.

pub mod can_i;
pub mod reconcile;
pub mod whoami;
