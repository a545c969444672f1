//! [`Bell`]: what wakes the thread that steps the command.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Rung when anything has come. A ring that nobody waits for is not lost.
#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct State {
    rung: bool,
    interrupted: bool,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ring(&self) {
        self.state().rung = true;
        self.rung.notify_all();
    }

    /// Ctrl-C.
    pub(super) fn interrupt(&self) {
        let mut state = self.state();
        state.interrupted = true;
        state.rung = true;
        self.rung.notify_all();
    }

    pub(super) fn interrupted(&self) -> bool {
        self.state().interrupted
    }

    /// Waits for a ring, for so long at most.
    pub(super) fn wait(&self, patience: Option<Duration>) {
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut state = self.state();
        while !state.rung {
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.rung.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => self.rung.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
        state.rung = false;
    }
}
