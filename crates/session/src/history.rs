//! Moments that a session can go back to.
//!
//! The input log alone would do: whatever was, a replay from the start makes again. So that a replay is short, clones of
//! the state are kept on the way, at most [`POINTS_MAX`], further and further apart the longer the session becomes.

use std::sync::Arc;

use drydock_cluster::Cluster;
use drydock_value::Time;

use crate::log::Entry;
use crate::state::State;
use crate::undo::Snapshot;
use crate::workstation::difference_row;
use crate::{Event, Input, Session};

/// How many clones are kept.
const POINTS_MAX: usize = 24;
/// Ticks between two of them, at first.
const TICKS_APART: u64 = 2000;

/// A moment that was kept.
#[derive(Clone)]
struct Point {
    state: Arc<State>,
    /// How long the input log was then.
    log_length: usize,
}

/// The moments that were kept, oldest first.
#[derive(Clone, Default)]
pub(crate) struct History {
    points: Vec<Point>,
    /// How far apart they are, as a power of two of [`TICKS_APART`].
    thinned: u32,
}

impl History {
    /// Forgets what came after so many ticks.
    pub fn forget_after(&mut self, ticks: u64) {
        self.points.retain(|point| point.state.ticks <= ticks);
    }
}

impl Session {
    /// Keeps this moment, if it is time for one.
    pub(crate) fn keep_moment(&mut self) {
        let apart = TICKS_APART << self.history.thinned;
        if self.history.points.last().is_some_and(|last| self.state.ticks < last.state.ticks + apart) {
            return;
        }
        let mut state = self.state.clone();
        state.outbox.clear();
        self.history.points.push(Point { state: Arc::new(state), log_length: self.log.len() });
        if self.history.points.len() > POINTS_MAX {
            // Every other one goes; the first stays.
            let mut at = 0;
            self.history.points.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.history.thinned = (self.history.thinned + 1).min(40);
        }
    }

    /// The session as it was at a moment: everything that was put in before is in, and nothing else.
    fn at(&self, moment: Time) -> Option<Session> {
        if moment < self.options.start {
            return None;
        }
        let point = self.history.points.iter().rev().find(|point| {
            let now = point.state.now();
            now < moment || now == moment && point.log_length == 0
        })?;
        let mut past = Session {
            options: self.options,
            state: State::clone(&point.state),
            log: self.log.get(..point.log_length)?.to_vec(),
            undo: self.undo.clone(),
            history: self.history.clone(),
        };
        past.undo.forget_after(point.log_length);
        past.history.forget_after(point.state.ticks);
        let rest: Vec<Entry> = self.log.get(point.log_length..)?.to_vec();
        // What was typed at that very moment is not in; terminals are, so that there is one to go on with.
        let stays = |input: &Input| matches!(input, Input::OpenTerminal { .. } | Input::Resize(..));
        let before = |entry: &Entry| entry.time < moment || entry.time == moment && stays(&entry.input);
        for entry in rest.into_iter().take_while(before) {
            past.replay_until(entry.ticks, entry.time);
            past.input(entry.input);
        }
        while !past.state.advance(moment, 1 << 12).reached {
            past.keep_moment();
        }
        past.state.workstation.take_rewind();
        past.state.outbox.clear();
        Some(past)
    }

    /// Goes back to a moment of this session, to go on from there. What was done since is forgotten, unless the next thing
    /// is an undo. Hosts hear of it by [`Event::Rewound`], and show [`Session::scrollback`] anew.
    ///
    /// # Errors
    /// When the moment was before the session, or has not come yet.
    pub fn rewind(&mut self, moment: Time) -> Result<(), String> {
        self.rewind_from(moment, None)
    }

    /// The same, for a command before which the session was so.
    pub(crate) fn rewind_from(&mut self, moment: Time, before: Option<Snapshot>) -> Result<(), String> {
        if moment > self.now() {
            return Err(format!("{} has not come yet", moment.rfc3339()));
        }
        let past = self.at(moment).ok_or_else(|| format!("the session began at {}", self.options.start.rfc3339()))?;
        let present = std::mem::replace(self, past);
        // They are no event of the session: what came in meanwhile stays.
        self.state.cluster.api().describe_as(present.state.cluster.api_ref());
        self.keep_ahead(present, before);
        self.state.outbox.push_back(Event::Rewound);
        Ok(())
    }

    /// The moment just before the last command was entered that came in up to a moment.
    pub fn before_command(&self, moment: Time) -> Option<Time> {
        let enters = |input: &Input| match input {
            Input::Type(_, bytes) => bytes.contains(&b'\r'),
            input => matches!(input, Input::Run(_)),
        };
        let entered = self.log.iter().rev().find(|entry| entry.time <= moment && enters(&entry.input))?;
        Some(Time(entered.time.0.saturating_sub(1)).max(self.options.start))
    }

    /// What became of the objects between two moments of this session, one a line: `+` created, `-` deleted, `~` changed,
    /// with the changed fields below.
    ///
    /// # Errors
    /// When one of them is no moment of this session.
    pub fn compare(&self, from: Time, to: Time) -> Result<String, String> {
        if let Some(rows) = rows(&self.state.cluster, from, to) {
            return Ok(rows);
        }
        // The change logs of now are too short; those of then are not.
        let then = if to < self.now() { self.at(to) } else { None };
        let found = then.and_then(|then| rows(&then.state.cluster, from, to));
        found.ok_or_else(|| "that is further back than what is remembered".to_owned())
    }
}

fn rows(cluster: &Cluster, from: Time, to: Time) -> Option<String> {
    Some(cluster.compare(from, to)?.iter().map(difference_row).collect())
}
