//! From the learner's time to simulated time.

use std::time::Duration;

use drydock_value::Time;

use crate::bridge::Speed;

/// At most so much of the learner's time is caught up with: a laptop that slept for an hour does not owe one.
const BEHIND_MAX_MS: f64 = 1000.0;
/// What a key may cost in simulated time while time stands still: the terminal answers all the same.
const PAUSED_CREDIT: Duration = Duration::from_millis(50);
/// At speed max time leaps for so long after something changed; a cluster at rest keeps the learner's time.
const LEAP_AFTER_CHANGE: Duration = Duration::from_secs(30);
/// While something is under way, time leaps for so long: what never ends must not run away with the clock.
const LEAP_WHILE_BUSY: Duration = Duration::from_secs(1800);

/// How far simulated time may go.
#[derive(Debug, Clone)]
pub struct Clock {
    speed: Speed,
    /// The learner's time when simulated time was last told, in milliseconds.
    wall: f64,
    /// Simulated time that is allowed.
    allowed: Time,
    /// When something last changed, in simulated time.
    changed: Time,
    /// How far it may go at once, because a command asked for it.
    leap: Time,
}

impl Clock {
    /// A clock that starts now.
    pub fn new(speed: Speed, wall: f64, now: Time) -> Clock {
        Clock { speed, wall, allowed: now, changed: now, leap: now }
    }

    /// The speed.
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// Another speed from now on. What was allowed and not used is given up.
    pub fn set_speed(&mut self, speed: Speed, wall: f64, now: Time) {
        (self.speed, self.wall, self.allowed, self.changed) = (speed, wall, now, now);
        self.leap = now;
    }

    /// Lets time go on to a moment at once, whatever the speed.
    pub fn leap(&mut self, to: Time) {
        self.leap = to;
        self.allowed = self.allowed.max(to);
    }

    /// Something was put in.
    pub fn touched(&mut self, now: Time) {
        self.changed = now;
        if self.speed == Speed::Paused {
            self.allowed = self.allowed.max(now) + PAUSED_CREDIT;
        }
    }

    /// Something changed in the cluster.
    pub fn changed(&mut self, now: Time) {
        self.changed = now;
    }

    /// How far simulated time may go by now. `busy`: something is under way; `next`: when something happens next.
    pub fn until(&mut self, wall: f64, now: Time, busy: bool, next: Option<Time>) -> Time {
        let passed = (wall - self.wall).clamp(0.0, BEHIND_MAX_MS);
        self.wall = wall;
        let times = match self.speed {
            Speed::Paused => return self.allowed,
            Speed::Times(times) => times,
            Speed::Max => 1,
        };
        self.allowed = self.allowed.max(now) + Duration::from_secs_f64(passed / 1000.0) * times;
        if self.speed == Speed::Max
            && let Some(next) = next
        {
            let patience = if busy { LEAP_WHILE_BUSY } else { LEAP_AFTER_CHANGE };
            if next <= self.changed + patience {
                self.allowed = self.allowed.max(next);
            }
        }
        // A cluster that cannot keep up stays behind; it doesn't owe the difference.
        let furthest = now + Duration::from_secs_f64(BEHIND_MAX_MS / 1000.0) * times;
        if self.speed != Speed::Max {
            self.allowed = self.allowed.min(furthest.max(self.leap));
        }
        self.allowed
    }

    /// In how many of the learner's milliseconds simulated time comes to `next`; nothing while it stands still.
    pub fn wait(&self, next: Time) -> Option<f64> {
        let times = match self.speed {
            Speed::Paused => return None,
            Speed::Times(times) => f64::from(times.max(1)),
            Speed::Max => 1.0,
        };
        let left = next.since(self.allowed).as_secs_f64();
        Some(left * 1000.0 / times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_seconds(seconds)
    }

    #[test]
    fn time_runs_at_its_speed() {
        for (speed, expected) in
            [(Speed::Times(1), 100), (Speed::Times(10), 1000), (Speed::Paused, 0), (Speed::Max, 100)]
        {
            let mut clock = Clock::new(speed, 5000.0, at(0));
            let until = clock.until(5100.0, at(0), false, None);
            assert_eq!(until, at(0) + Duration::from_millis(expected), "{speed:?}");
        }
    }

    #[test]
    fn a_sleep_is_not_caught_up_with() {
        let mut clock = Clock::new(Speed::Times(2), 0.0, at(0));
        assert_eq!(clock.until(3_600_000.0, at(0), false, None), at(2));
    }

    #[test]
    fn keys_work_while_time_stands_still() {
        let mut clock = Clock::new(Speed::Paused, 0.0, at(0));
        clock.touched(at(0));
        assert_eq!(clock.until(9000.0, at(0), true, Some(at(1))), at(0) + PAUSED_CREDIT);
        assert_eq!(clock.wait(at(1)), None);
    }

    #[test]
    fn max_leaps_while_something_is_under_way() {
        let mut clock = Clock::new(Speed::Max, 0.0, at(0));
        assert_eq!(clock.until(0.0, at(0), true, Some(at(1000))), at(1000));
        assert_eq!(clock.until(0.0, at(1000), true, Some(at(9999))), at(1000), "nothing has changed for too long");
        clock.changed(at(1000));
        assert_eq!(clock.until(0.0, at(1000), false, Some(at(1020))), at(1020));
        assert_eq!(clock.until(0.0, at(1020), false, Some(at(1040))), at(1020), "at rest");
    }

    #[test]
    fn tells_how_long_to_wait() {
        let clock = Clock::new(Speed::Times(5), 0.0, at(0));
        assert_eq!(clock.wait(at(10)), Some(2000.0));
        assert_eq!(clock.wait(at(0)), Some(0.0));
    }
}
