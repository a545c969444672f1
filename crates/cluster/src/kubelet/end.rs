//! How containers and pods end: hooks, signals, grace, and the last report.

use std::time::Duration;

use drydock_shell::Signal;
use drydock_value::Time;

use super::Kubelet;
use super::probes::Check;
use super::worker::{Doing, Ending, Hook, Role, Stage, Told, Worker};
use crate::ctx::Ctx;
use crate::runtime::{State, Token};

/// No container gets less.
const LEAST_GRACE: u64 = 2;
/// Stopping the sandbox, once no container runs.
const SANDBOX_STOP: Duration = Duration::from_millis(100);

impl Kubelet {
    /// Begins to end a pod: it is being deleted, its containers are done, or it must not go on.
    pub(super) fn begin_end(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) {
        let grace = grace(worker);
        let busy = std::mem::replace(&mut worker.doing, Doing::Idle);
        // Containers that are told to end already go on ending.
        let mut told = if let Doing::Killing(told, _) = busy { told } else { Vec::new() };
        for told in &mut told {
            told.kill_at = None;
        }
        for slot in 0..worker.slots.len() {
            let Some(number) = worker.slots[slot].current else { continue };
            let Some(container) = self.runtime.container(number) else { continue };
            match container.state {
                State::Running if !told.iter().any(|known| known.slot == slot) => {
                    let message = format!("Stopping container {}", worker.slots[slot].name);
                    let mut one = self.tell_with(worker, slot, &message, grace > 0, ctx);
                    one.after_main = worker.slots[slot].role == Role::Sidecar;
                    told.push(one);
                }
                State::Created => {
                    // It was never started: it is as if it had not been made.
                    self.runtime.remove(number);
                    let place = &mut worker.slots[slot];
                    place.current = place.previous.take();
                    place.made = place.made.saturating_sub(1);
                }
                _ => {}
            }
        }
        worker.sync_at = None;
        worker.dirty = false;
        let kill_at = ctx.now + Duration::from_secs(grace.max(LEAST_GRACE));
        worker.stage = Stage::Ending(Ending { kill_at, grace, told, sandbox_gone_at: None });
        self.report(worker, ctx);
    }

    /// Tells one container to end, for a reason of its own.
    pub(super) fn tell(
        &mut self,
        worker: &mut Worker,
        slot: usize,
        message: &str,
        check: Option<Check>,
        ctx: &mut Ctx<'_>,
    ) -> Told {
        let mut told = self.tell_with(worker, slot, message, true, ctx);
        let spec = worker.spec(slot);
        let own = match check {
            Some(Check::Liveness) => spec["livenessProbe"]["terminationGracePeriodSeconds"].as_i64(),
            Some(Check::Startup) => spec["startupProbe"]["terminationGracePeriodSeconds"].as_i64(),
            _ => None,
        };
        let seconds = own.map_or_else(|| grace(worker), |seconds| seconds.max(0).unsigned_abs());
        told.kill_at = Some(ctx.now + Duration::from_secs(seconds.max(LEAST_GRACE)));
        told
    }

    fn tell_with(&mut self, worker: &mut Worker, slot: usize, message: &str, hooks: bool, ctx: &mut Ctx<'_>) -> Told {
        self.container_event(worker, slot, "Normal", "Killing", message, ctx);
        let mut told = Told::new(slot);
        let hook = worker.spec(slot)["lifecycle"]["preStop"].clone();
        if let Some(number) = worker.slots[slot].current.filter(|_| hooks && !hook.is_null()) {
            let token = Token::PreStop(worker.id, slot as u16);
            told.hook = Some(self.begin_hook(worker, slot, number, &hook, token, ctx));
        }
        told
    }

    fn runs(&self, worker: &Worker, slot: usize) -> bool {
        let number = worker.slots.get(slot).and_then(|slot| slot.current);
        number.and_then(|number| self.runtime.container(number)).is_some_and(|container| container.running())
    }

    /// Goes on with containers that are to end. Whether anything happened.
    fn press(&mut self, worker: &mut Worker, told: &mut [Told], kill_at: Time, ctx: &mut Ctx<'_>) -> bool {
        let mut moved = false;
        for index in (0..told.len()).rev() {
            let slot = told[index].slot;
            if !self.runs(worker, slot) {
                continue;
            }
            let Some(number) = worker.slots[slot].current else { continue };
            if told[index].kill_at.unwrap_or(kill_at) <= ctx.now {
                self.signal(worker, number, Signal::Kill, ctx);
                moved = true;
                continue;
            }
            if let Some(hook) = told[index].hook {
                let (hook, _) = self.watch_hook(hook, ctx);
                if let Hook::Done(good) = hook {
                    told[index].hook = None;
                    moved = true;
                    if !good {
                        self.container_event(worker, slot, "Warning", "FailedPreStopHook", "PreStopHook failed", ctx);
                    }
                } else {
                    told[index].hook = Some(hook);
                    continue;
                }
            }
            if told[index].signalled {
                continue;
            }
            // A sidecar waits for the regular containers, and for the sidecars that came after it.
            if told[index].after_main && told.iter().skip(index + 1).any(|other| self.runs(worker, other.slot)) {
                continue;
            }
            told[index].signalled = true;
            moved = true;
            let signal = self.runtime.container(number).map_or(Signal::Term, |container| container.config.stop_signal);
            self.signal(worker, number, signal, ctx);
        }
        moved
    }

    fn signal(&mut self, worker: &Worker, number: u64, signal: Signal, ctx: &mut Ctx<'_>) {
        if signal != Signal::Kill {
            self.awaken(worker, number, ctx);
        }
        let outcomes = self.runtime.signal(number, signal, ctx);
        self.outcomes.extend(outcomes.into_iter().map(|outcome| (number, outcome)));
    }

    /// Goes on with ending some of a pod's containers; then with starting others. Whether anything happened.
    pub(super) fn step_kill(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) -> bool {
        let Doing::Killing(mut told, starting) = std::mem::replace(&mut worker.doing, Doing::Idle) else {
            return false;
        };
        let moved = self.press(worker, &mut told, Time::NEVER, ctx);
        if told.iter().any(|told| self.runs(worker, told.slot)) {
            worker.doing = Doing::Killing(told, starting);
            return moved;
        }
        let mut starting = starting;
        starting.acted = true;
        worker.doing = Doing::Starting(starting);
        true
    }

    /// Goes on with ending a pod. Whether anything happened.
    pub(super) fn step_end(&mut self, worker: &mut Worker, ctx: &mut Ctx<'_>) -> bool {
        let Stage::Ending(mut ending) = std::mem::replace(&mut worker.stage, Stage::Over) else { return false };
        // A second deletion may leave less time, never more.
        let grace = grace(worker);
        if worker.pod.deleting.is_some() && grace < ending.grace {
            ending.grace = grace;
            ending.kill_at = ending.kill_at.min(ctx.now + Duration::from_secs(grace.max(LEAST_GRACE)));
        }
        if let Some(at) = ending.sandbox_gone_at {
            if at > ctx.now {
                worker.stage = Stage::Ending(ending);
                return false;
            }
            // The phase of a pod that ends follows from how its containers ended; then there is nothing left of it.
            worker.stage = Stage::Ending(ending);
            self.drop_sandbox(worker, ctx);
            self.report(worker, ctx);
            worker.stage = Stage::Over;
            self.runtime.remove_volumes(worker.id);
            return true;
        }
        let mut told = std::mem::take(&mut ending.told);
        let kill_at = ending.kill_at;
        let moved = self.press(worker, &mut told, kill_at, ctx);
        let runs = (0..worker.slots.len()).any(|slot| self.runs(worker, slot));
        ending.told = told;
        if !runs {
            ending.sandbox_gone_at = Some(ctx.now + SANDBOX_STOP + ctx.latencies.relist);
        }
        worker.stage = Stage::Ending(ending);
        if !runs && worker.pod.deleting.is_none() {
            self.report(worker, ctx);
        }
        moved || !runs
    }
}

/// The seconds that a pod's containers have to end.
fn grace(worker: &Worker) -> u64 {
    let deleting = worker.pod.deleting.and_then(|_| worker.pod["metadata"]["deletionGracePeriodSeconds"].as_i64());
    let own = worker.pod["spec"]["terminationGracePeriodSeconds"].as_i64();
    deleting.or(own).unwrap_or(30).max(0).unsigned_abs()
}
