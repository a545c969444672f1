//! Events that did not reach the API server.
//!
//! A component writes its events one after the other. One that fails for want of a connection is tried twelve times, ten
//! seconds apart, and then dropped; those after it wait for their turn. So a long absence costs an event every two minutes,
//! and the rest arrives late, with the moments at which things happened.

use drydock_value::{Str, Time};

use super::{Reference, Source};

/// client-go's `maxTriesPerEvent`.
const TRIES: u32 = 12;
/// What a recorder holds; what comes on top is lost.
const HELD: usize = 1000;

/// An event as it was made.
#[derive(Debug, Clone)]
pub(super) struct Unsent {
    pub(super) made: Time,
    pub(super) about: Reference,
    pub(super) kind: Str,
    pub(super) reason: Str,
    pub(super) message: Str,
}

#[derive(Debug, Clone)]
struct Queue {
    source: Source,
    tries: u32,
    events: Vec<Unsent>,
}

/// What waits, by component. Empty as long as everybody reaches the API server.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Vec<Queue>);

impl Backlog {
    /// Whether something of this component waits: then what it makes now waits behind it.
    pub(super) fn waits(&self, source: &Source) -> bool {
        self.0.iter().any(|queue| queue.source == *source)
    }

    pub(super) fn push(&mut self, source: &Source, event: Unsent) {
        match self.0.iter_mut().find(|queue| queue.source == *source) {
            Some(queue) if queue.events.len() < HELD => queue.events.push(event),
            Some(_) => {}
            None => self.0.push(Queue { source: source.clone(), tries: 1, events: vec![event] }),
        }
    }

    /// The oldest was tried again, in vain.
    pub(super) fn failed(&mut self, source: &Source) {
        let Some(queue) = self.0.iter_mut().find(|queue| queue.source == *source) else { return };
        queue.tries += 1;
        if queue.tries >= TRIES {
            queue.tries = 0;
            queue.events.remove(0);
        }
        self.0.retain(|queue| !queue.events.is_empty());
    }

    /// Takes all that waits.
    pub(super) fn take(&mut self, source: &Source) -> Vec<Unsent> {
        let at = self.0.iter().position(|queue| queue.source == *source);
        at.map(|at| self.0.remove(at).events).unwrap_or_default()
    }
}
