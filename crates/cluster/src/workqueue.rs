//! A controller's queue of keys, as client-go's: a key waits in it once, whoever asks how often; what failed comes back
//! later and later; what must be looked at again at a moment waits until then.

use drydock_sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::time::Duration;

use drydock_value::Time;

/// The first wait after a failure, which doubles with every further one, and the longest one, where a controller has no
/// others of its own.
pub const WAITS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1000));

/// The queue.
#[derive(Debug, Clone)]
pub struct WorkQueue<K: Ord> {
    ready: VecDeque<K>,
    queued: SortedSet<K>,
    delayed: SortedSet<(Time, u64, K)>,
    delays: SortedMap<K, (Time, u64)>,
    failures: SortedMap<K, u32>,
    sequence: u64,
}

impl<K: Ord> Default for WorkQueue<K> {
    fn default() -> WorkQueue<K> {
        WorkQueue {
            ready: VecDeque::new(),
            queued: SortedSet::new(),
            delayed: SortedSet::new(),
            delays: SortedMap::new(),
            failures: SortedMap::new(),
            sequence: 0,
        }
    }
}

impl<K: Ord + Clone> WorkQueue<K> {
    /// Asks for a key to be looked at.
    pub fn add(&mut self, key: K) {
        if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Asks for a key to be looked at at a moment, or earlier if that was asked before.
    pub fn add_at(&mut self, key: K, at: Time) {
        if let Some((earlier, sequence)) = self.delays.get(&key).copied() {
            if earlier <= at {
                return;
            }
            self.delayed.remove(&(earlier, sequence, key.clone()));
        }
        self.sequence += 1;
        self.delays.insert(key.clone(), (at, self.sequence));
        self.delayed.insert((at, self.sequence, key));
    }

    /// Asks for a key to be looked at again after a failure, with the first and the longest of the waits.
    pub fn add_rate_limited(&mut self, key: K, now: Time, (first, most): (Duration, Duration)) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let wait = first.saturating_mul(1u32.checked_shl(*failures).unwrap_or(u32::MAX)).min(most);
        *failures = (*failures + 1).min(31);
        self.add_at(key, now + wait);
    }

    /// How often the key failed in a row.
    pub fn failures(&self, key: &K) -> u32 {
        self.failures.get(key).copied().unwrap_or(0)
    }

    /// Forgets a key's failures: it succeeded.
    pub fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes the next key that is due.
    pub fn pop(&mut self, now: Time) -> Option<K> {
        while self.delayed.first().is_some_and(|(at, _, _)| *at <= now) {
            if let Some((_, _, key)) = self.delayed.pop_first() {
                self.delays.remove(&key);
                self.add(key);
            }
        }
        let key = self.ready.pop_front()?;
        self.queued.remove(&key);
        Some(key)
    }

    /// When the next key is due: now, later, or never.
    pub fn next(&self, now: Time) -> Option<Time> {
        if self.ready.is_empty() { self.delayed.first().map(|(at, _, _)| *at) } else { Some(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_once_and_failures_back_off() {
        let mut queue = WorkQueue::default();
        let now = Time::from_seconds(1);
        for key in ["a", "b", "a"] {
            queue.add(key);
        }
        assert_eq!([queue.pop(now), queue.pop(now), queue.pop(now)], [Some("a"), Some("b"), None]);
        let mut waits = Vec::new();
        for _ in 0..40 {
            queue.add_rate_limited("a", now, WAITS);
            let at = queue.next(now).unwrap();
            waits.push(at.since(now).as_millis());
            assert_eq!(queue.pop(at), Some("a"));
        }
        assert_eq!(waits[..5], [5, 10, 20, 40, 80]);
        assert_eq!(waits[39], 1_000_000);
        queue.forget(&"a");
        queue.add_rate_limited("a", now, WAITS);
        assert_eq!(queue.next(now), Some(now + Duration::from_millis(5)));
    }

    #[test]
    fn the_earlier_of_two_moments_counts() {
        let mut queue = WorkQueue::default();
        let at = Time::from_seconds;
        queue.add_at("a", at(20));
        queue.add_at("a", at(10));
        queue.add_at("a", at(15));
        assert_eq!(queue.next(at(1)), Some(at(10)));
        assert_eq!(queue.pop(at(9)), None);
        assert_eq!(queue.pop(at(10)), Some("a"));
        assert_eq!(queue.next(at(10)), None);
    }
}
