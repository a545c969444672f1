//! The newer recorder's way with repetition: the first repeat starts a series, later ones are kept until a flush.

use drydock_sorted::SortedMap;
use std::time::Duration;

use drydock_value::{Hash, Str, Time};

/// A series that has not grown for this long is over.
const FINISH: Duration = Duration::from_secs(360);
/// How often a growing series is written again.
const REFRESH: Duration = Duration::from_secs(1800);
/// How many are remembered.
const ENTRIES: usize = 8192;

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Make one.
    Create,
    /// Write the series' count.
    Extend { name: Str, count: u32 },
    /// Nothing now.
    Keep,
}

#[derive(Debug, Clone)]
struct Entry {
    name: Str,
    count: u32,
    last: Time,
    written: Time,
}

/// The series that are going on, by what makes two events the same; the message is not part of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Series(SortedMap<Hash, Entry>);

impl Series {
    /// What to do with an event.
    pub(super) fn judge(&mut self, now: Time, key: Hash) -> Verdict {
        let Some(entry) = self.0.get_mut(&key) else { return Verdict::Create };
        if now.since(entry.last) > FINISH {
            self.0.remove(&key);
            return Verdict::Create;
        }
        entry.count += 1;
        entry.last = now;
        if entry.count == 2 || now.since(entry.written) >= REFRESH {
            entry.written = now;
            Verdict::Extend { name: entry.name.clone(), count: entry.count }
        } else {
            Verdict::Keep
        }
    }

    /// Notes that an event was made under a name.
    pub(super) fn created(&mut self, now: Time, key: Hash, name: String) {
        if self.0.len() >= ENTRIES {
            self.0.retain(|_, entry| now.since(entry.last) <= FINISH);
        }
        if self.0.len() >= ENTRIES {
            self.0.clear();
        }
        self.0.insert(key, Entry { name: name.into(), count: 1, last: now, written: now });
    }

    /// Forgets an event: it is gone.
    pub(super) fn forget(&mut self, key: Hash) {
        self.0.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_repeat_is_written_and_the_next_ones_wait() {
        let key = Hash::of("FailedScheduling");
        let mut series = Series::default();
        let at = Time::from_seconds;
        assert_eq!(series.judge(at(1), key), Verdict::Create);
        series.created(at(1), key, "x".into());
        assert_eq!(series.judge(at(2), key), Verdict::Extend { name: "x".into(), count: 2 });
        assert_eq!(series.judge(at(3), key), Verdict::Keep);
        assert_eq!(series.judge(at(400), key), Verdict::Create);
    }
}
