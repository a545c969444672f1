//! Back-off as client-go's `flowcontrol.Backoff`: 10 seconds, doubling to 5 minutes, forgotten after 10 quiet minutes.

use std::time::Duration;

use drydock_value::Time;

/// The first wait.
pub const INITIAL: Duration = Duration::from_secs(10);
/// The longest.
pub const MOST: Duration = Duration::from_secs(300);

/// The back-off of one thing that may fail again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    /// The wait, and when it was set; none when nothing has failed lately.
    state: Option<(Duration, Time)>,
}

impl Backoff {
    fn fresh(&self, event: Time) -> Option<(Duration, Time)> {
        self.state.filter(|(_, updated)| event.since(*updated) <= MOST * 2)
    }

    /// Until when to wait after an event; none when there is nothing to wait for at `now`.
    pub fn wait_since(&self, event: Time, now: Time) -> Option<Time> {
        let (wait, _) = self.fresh(event)?;
        let until = event + wait;
        (now < until).then_some(until)
    }

    /// Until when to wait after the last failure; none when there is nothing to wait for at `now`.
    pub fn wait_since_update(&self, now: Time) -> Option<Time> {
        let (wait, updated) = self.fresh(now)?;
        let until = updated + wait;
        (now < until).then_some(until)
    }

    /// Notes one more try.
    pub fn next(&mut self, event: Time, now: Time) {
        let wait = self.fresh(event).map_or(INITIAL, |(wait, _)| (wait * 2).min(MOST));
        self.state = Some((wait, now));
    }

    /// The wait.
    pub fn delay(&self) -> Duration {
        self.state.map_or(Duration::ZERO, |(wait, _)| wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_five_minutes_and_forgets() {
        let mut backoff = Backoff::default();
        let mut now = Time::from_seconds(1000);
        assert_eq!(backoff.wait_since(now, now), None);
        let mut waits = Vec::new();
        for _ in 0..7 {
            backoff.next(now, now);
            waits.push(backoff.delay().as_secs());
            let until = backoff.wait_since(now, now).unwrap();
            now = until;
            assert_eq!(backoff.wait_since_update(now), None);
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300]);
        now = now + Duration::from_secs(601);
        backoff.next(now, now);
        assert_eq!(backoff.delay(), INITIAL);
    }
}
