//! kube-scheduler.

use crate::ctx::Ctx;
use crate::informers::Change;

/// Why the scheduler is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulerWake {
    /// To take the next pod.
    Cycle,
    /// To bring pods back whose back-off is over, or that waited too long.
    Flush,
}

/// kube-scheduler.
#[derive(Debug, Clone, Default)]
pub struct Scheduler {}

impl Scheduler {
    /// Starts it.
    pub(crate) fn start(&mut self, _ctx: &mut Ctx<'_>) {}

    /// Tells it what changed.
    pub(crate) fn observe(&mut self, _changes: &[Change], _ctx: &mut Ctx<'_>) {}

    /// Goes on.
    pub(crate) fn handle(&mut self, _wake: SchedulerWake, _ctx: &mut Ctx<'_>) {}
}
