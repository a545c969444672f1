//! The input log, and what is saved of a session.

use drydock_value::Time;
use serde::{Deserialize, Serialize};

use crate::{Input, Options, Session};

/// One input, and exactly when it came: after so many ticks, at that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub ticks: u64,
    pub time: Time,
    pub input: Input,
}

/// A session as it is saved: what it was made from and what was put in. Restoring plays it again, which takes as long as
/// the events take to compute, not as long as they took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// The form of this; another one cannot be read.
    version: u32,
    options: Options,
    log: Vec<Entry>,
    /// How far the session had come.
    ticks: u64,
    time: Time,
}

const VERSION: u32 = 1;
/// Ticks between two looks at whether a replay may go on.
const REPLAY_SLICE: u32 = 1 << 12;

impl Saved {
    /// Reads what [`Saved::to_json`] wrote.
    ///
    /// # Errors
    /// When the text is not a saved session, or one of another form.
    pub fn from_json(text: &str) -> Result<Saved, String> {
        let saved: Saved = serde_json::from_str(text).map_err(|error| format!("not a saved session: {error}"))?;
        if saved.version == VERSION {
            Ok(saved)
        } else {
            Err(format!("the session was saved in form {}, this is form {VERSION}", saved.version))
        }
    }

    /// As text.
    pub fn to_json(&self) -> String {
        // Nothing in here can fail to be written: plain structures with text keys.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Session {
    /// What restores this session.
    pub fn save(&self) -> Saved {
        Saved {
            version: VERSION,
            options: self.options,
            log: self.log.clone(),
            ticks: self.state.ticks,
            time: self.now(),
        }
    }

    /// The session that was saved, in the same state.
    pub fn restore(saved: &Saved) -> Session {
        let mut session = Session::new(saved.options);
        for entry in &saved.log {
            session.replay_until(entry.ticks, entry.time);
            session.input(entry.input.clone());
        }
        session.replay_until(saved.ticks, saved.time);
        // What was printed is on the screen already, or in the scrollback.
        session.state.outbox.clear();
        session
    }

    pub(crate) fn replay_until(&mut self, ticks: u64, time: Time) {
        while self.state.ticks < ticks {
            let left = u32::try_from(ticks - self.state.ticks).unwrap_or(REPLAY_SLICE).min(REPLAY_SLICE);
            let idle = self.state.advance(Time::NEVER, left).idle;
            self.keep_moment();
            if idle {
                break;
            }
        }
        self.state.set_clock(time);
    }
}
