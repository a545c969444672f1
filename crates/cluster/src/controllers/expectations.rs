//! What a controller wrote and has not heard back of yet. As long as it waits it must not count what it sees: the
//! caches lag, and it would create or delete twice.

use drydock_sorted::{SortedMap, SortedSet};
use std::time::Duration;

use drydock_value::{Str, Time};

use crate::objects::Key;

/// After this long nothing is waited for any more.
const TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Default)]
struct Expected {
    creations: u32,
    deletions: SortedSet<Str>,
    since: Time,
}

/// What is expected, by the owner's key.
#[derive(Debug, Clone, Default)]
pub struct Expectations(SortedMap<Key, Expected>);

impl Expectations {
    /// Whether everything that was written has been heard of, or it took too long.
    pub fn satisfied(&self, owner: &Key, now: Time) -> bool {
        self.0.get(owner).is_none_or(|expected| {
            (expected.creations == 0 && expected.deletions.is_empty()) || now.since(expected.since) > TIMEOUT
        })
    }

    /// Expects that many objects to appear.
    pub fn expect_creations(&mut self, owner: &Key, count: u32, now: Time) {
        if count > 0 {
            let expected = self.0.entry(owner.clone()).or_default();
            *expected = Expected { creations: count, deletions: SortedSet::new(), since: now };
        }
    }

    /// Expects these objects, by UID, to disappear.
    pub fn expect_deletions(&mut self, owner: &Key, uids: impl IntoIterator<Item = Str>, now: Time) {
        let deletions: SortedSet<Str> = uids.into_iter().collect();
        if !deletions.is_empty() {
            self.0.insert(owner.clone(), Expected { creations: 0, deletions, since: now });
        }
    }

    /// Adds to what is expected already.
    pub fn raise(&mut self, owner: &Key, creations: u32, deletions: impl IntoIterator<Item = Str>, now: Time) {
        let expected = self.0.entry(owner.clone()).or_default();
        expected.creations += creations;
        expected.deletions.extend(deletions);
        expected.since = now;
    }

    /// An object appeared, or will not.
    pub fn created(&mut self, owner: &Key) {
        if let Some(expected) = self.0.get_mut(owner) {
            expected.creations = expected.creations.saturating_sub(1);
        }
    }

    /// An object disappeared, or will not.
    pub fn deleted(&mut self, owner: &Key, uid: &Str) {
        if let Some(expected) = self.0.get_mut(owner) {
            expected.deletions.remove(uid);
        }
    }

    /// Forgets an owner: it is gone.
    pub fn forget(&mut self, owner: &Key) {
        self.0.remove(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_everything_was_heard_of() {
        let (mut expectations, key, now) = (Expectations::default(), Key::new("n", "x"), Time::from_seconds(1));
        assert!(expectations.satisfied(&key, now));
        expectations.expect_creations(&key, 2, now);
        expectations.created(&key);
        assert!(!expectations.satisfied(&key, now));
        assert!(expectations.satisfied(&key, now + Duration::from_secs(301)));
        expectations.created(&key);
        assert!(expectations.satisfied(&key, now));
        expectations.expect_deletions(&key, ["a".into(), "b".into()], now);
        expectations.deleted(&key, &"a".into());
        expectations.deleted(&key, &"c".into());
        assert!(!expectations.satisfied(&key, now));
        expectations.deleted(&key, &"b".into());
        assert!(expectations.satisfied(&key, now));
    }
}
