//! Scripts that are run to their end, with limits.

use drydock_value::Time;
use std::time::Duration;

use crate::state::State;
use crate::{Event, Output, RunId};

/// How long a script may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// Simulated time.
    time: Duration,
    /// Ticks, which bound the real time.
    ticks: u64,
}

impl Limit {
    /// For scripts that do something.
    pub const RUN: Limit = Limit { time: Duration::from_secs(86_400), ticks: 20_000_000 };
    /// For scripts that only look: they hold up the page.
    pub const CHECK: Limit = Limit { time: Duration::from_secs(60), ticks: 200_000 };
}

const SLICE: u32 = 64;

impl State {
    /// Lets time pass until a script has ended, and answers what it printed.
    pub(crate) fn finish_run(&mut self, id: RunId, limit: Limit) -> Output {
        let (last_time, last_tick) = (self.now() + limit.time, self.ticks + limit.ticks);
        loop {
            if let Some(output) = self.take_run(id) {
                return output;
            }
            // One tick at a time near the end would be exact; a slice may pass it by a little, which shows in nothing
            // but the clock, so the workstation is asked to stop as soon as the script ends.
            let advance = self.advance_until_run_ends(id, last_time, SLICE);
            if (advance.reached || advance.idle || self.ticks > last_tick) && !self.workstation.run_ended(id) {
                self.workstation.kill_run(id);
                self.collect();
            }
        }
    }

    fn take_run(&mut self, id: RunId) -> Option<Output> {
        let at = self.outbox.iter().position(|event| matches!(event, Event::Ran(of, _) if *of == id))?;
        match self.outbox.remove(at) {
            Some(Event::Ran(_, output)) => Some(output),
            _ => None,
        }
    }

    fn advance_until_run_ends(&mut self, id: RunId, until: Time, budget: u32) -> crate::Advance {
        let mut total = crate::Advance { reached: false, idle: false, ticks: 0 };
        while total.ticks < budget && !self.workstation.run_ended(id) {
            let step = self.advance(until, 1);
            total.ticks += step.ticks.max(1);
            total.reached = step.reached;
            total.idle = step.idle;
            if step.reached || step.idle {
                break;
            }
        }
        total
    }
}
