//! Going back: a clone of the state from before each command. A rewind is undone by going forth again.

use std::sync::Arc;

use crate::history::History;
use crate::log::Entry;
use crate::state::State;
use crate::{Session, TerminalId};

/// How many commands can be undone.
const SNAPSHOTS_MAX: usize = 50;

/// A moment to go back to.
#[derive(Clone)]
pub(crate) struct Snapshot {
    state: Arc<State>,
    /// How long the input log was then.
    log_length: usize,
    /// What else a rewind had left behind, if the moment is the one that it began at.
    ahead: Option<Arc<Ahead>>,
}

/// What a rewind leaves behind besides the state.
struct Ahead {
    log: Vec<Entry>,
    undo: Undo,
    history: History,
}

/// Moments to go back to, and the one that becomes one of them when a command is entered.
#[derive(Clone, Default)]
pub(crate) struct Undo {
    snapshots: Vec<Snapshot>,
    candidate: Option<(TerminalId, Snapshot)>,
}

impl Undo {
    /// Forgets the moments after so many inputs.
    pub fn forget_after(&mut self, log_length: usize) {
        self.snapshots.retain(|snapshot| snapshot.log_length <= log_length);
        self.candidate = None;
    }
}

impl Session {
    fn snapshot(&self) -> Snapshot {
        Snapshot { state: Arc::new(self.state.clone()), log_length: self.log.len(), ahead: None }
    }

    /// Before a key goes into a terminal: the first one at an empty prompt may begin a command.
    pub(crate) fn before_key(&mut self, terminal: TerminalId) {
        let at_prompt = self.state.workstation.at_empty_prompt(terminal);
        if at_prompt {
            self.undo.candidate = Some((terminal, self.snapshot()));
        }
    }

    /// After keys: if they entered a command, the moment before its first key is one to go back to.
    pub(crate) fn after_keys(&mut self, terminal: TerminalId, entered: bool) {
        if !entered {
            return;
        }
        if let Some((of, snapshot)) = self.undo.candidate.take().filter(|(of, _)| *of == terminal) {
            debug_assert_eq!(of, terminal);
            self.push_snapshot(snapshot);
        }
    }

    /// Before a script runs.
    pub(crate) fn before_run(&mut self) {
        let snapshot = self.snapshot();
        self.push_snapshot(snapshot);
    }

    fn push_snapshot(&mut self, snapshot: Snapshot) {
        if self.undo.snapshots.len() == SNAPSHOTS_MAX {
            self.undo.snapshots.remove(0);
        }
        self.undo.snapshots.push(snapshot);
    }

    /// Takes the moment before the command that is running, which asked to go back.
    pub(crate) fn take_snapshot(&mut self) -> Option<Snapshot> {
        self.undo.snapshots.pop()
    }

    /// After a rewind: what was left is a moment that can be undone to. `before` is the moment before the command that asked
    /// for it, if one did.
    pub(crate) fn keep_ahead(&mut self, present: Session, before: Option<Snapshot>) {
        let Session { state, mut log, mut undo, mut history, .. } = present;
        let state = match before {
            Some(before) => {
                log.truncate(before.log_length);
                history.forget_after(before.state.ticks);
                before.state
            }
            None => Arc::new(state),
        };
        // One rewind at a time goes forth again: else each would keep all that the earlier ones left.
        undo.snapshots.retain(|snapshot| snapshot.ahead.is_none());
        undo.candidate = None;
        let ahead = Some(Arc::new(Ahead { log, undo, history }));
        self.push_snapshot(Snapshot { state, log_length: self.log.len(), ahead });
    }

    /// Whether the next undo takes back a rewind, not a command.
    pub fn undoes_rewind(&self) -> bool {
        self.undo.snapshots.last().is_some_and(|snapshot| snapshot.ahead.is_some())
    }

    /// How many commands can be undone.
    pub fn undo_depth(&self) -> usize {
        self.undo.snapshots.len()
    }

    /// Goes back to the moment before the last command; its input is gone from the log as well. If that was a rewind, what
    /// it left is there again. False when there is none. The terminals' scrollback goes back too: hosts show [`Session::scrollback`] anew.
    pub fn undo(&mut self) -> bool {
        let Some(Snapshot { state, log_length, ahead }) = self.undo.snapshots.pop() else { return false };
        self.undo.candidate = None;
        let undone = std::mem::replace(&mut self.state, Arc::unwrap_or_clone(state));
        // They are no event of the session: what came in meanwhile stays.
        self.state.cluster.api().describe_as(undone.cluster.api_ref());
        match ahead {
            Some(ahead) => {
                self.log.clone_from(&ahead.log);
                (self.undo, self.history) = (ahead.undo.clone(), ahead.history.clone());
            }
            None => {
                self.log.truncate(log_length);
                self.history.forget_after(self.state.ticks);
            }
        }
        true
    }
}
