//! Streams that clients hold: watches, logs, exec, attach, port-forward.

/// The open streams.
#[derive(Debug, Clone, Default)]
pub struct Streams {}
