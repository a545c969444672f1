//! client-go's event correlation: a spam filter, an aggregator of similar events, and a counter of equal ones.

use drydock_sorted::{SortedMap, SortedSet};
use std::time::Duration;

use drydock_value::{Hash, Str, Time};

use super::{Reference, Source};

/// How many events about one object a component may record at once, before it is held to one in five minutes.
const SPAM_BURST: u32 = 25;
const SPAM_REFILL: Duration = Duration::from_secs(300);
/// From this many different messages on, within the interval, similar events become one.
const AGGREGATE_FROM: usize = 10;
const AGGREGATE_INTERVAL: Duration = Duration::from_secs(600);
/// How many entries each table keeps; client-go's cache keeps as many a component.
const ENTRIES: usize = 8192;

/// What to do with an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing: there were too many.
    Drop,
    /// Make one.
    Create { message: Str, key: Hash },
    /// Count one that was made under this name, at `first`.
    Count { name: Str, count: u32, first: Time, message: Str },
}

#[derive(Debug, Clone)]
struct Bucket {
    tokens: u32,
    /// When the token after the present ones began to fill.
    filling: Time,
}

#[derive(Debug, Clone, Default)]
struct Similar {
    messages: SortedSet<Str>,
    last: Time,
}

#[derive(Debug, Clone)]
struct Counted {
    name: Str,
    count: u32,
    first: Time,
}

/// A map that lets go of whom it has not met for longest.
#[derive(Debug, Clone)]
struct Recent<V> {
    entries: SortedMap<Hash, (u64, V)>,
    order: SortedMap<u64, Hash>,
    clock: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Recent<V> {
        Recent { entries: SortedMap::new(), order: SortedMap::new(), clock: 0 }
    }
}

impl<V> Recent<V> {
    fn entry(&mut self, key: Hash, new: impl FnOnce() -> V) -> &mut V {
        self.clock += 1;
        let clock = self.clock;
        if let Some((used, _)) = self.entries.get(&key) {
            self.order.remove(used);
        } else if self.entries.len() >= ENTRIES
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.order.insert(clock, key);
        let (used, value) = self.entries.entry(key).or_insert_with(|| (clock, new()));
        *used = clock;
        value
    }
}

/// The state of the correlation.
#[derive(Debug, Clone, Default)]
pub(super) struct Correlator {
    /// By source and object.
    buckets: Recent<Bucket>,
    /// By what makes two events similar: that, type and reason.
    similar: Recent<Similar>,
    /// By what makes two events equal: that, the part of the object, and the message.
    counted: Recent<Option<Counted>>,
}

impl Correlator {
    /// What to do with an event.
    pub(super) fn judge(
        &mut self,
        now: Time,
        source: &Source,
        about: &Reference,
        kind: &str,
        reason: &str,
        message: &str,
    ) -> Verdict {
        let who = about.identity(source);
        let similar = who.text(kind).text(reason);
        let (message, aggregated) = self.aggregate(now, similar, message);
        // client-go observes, then filters: a dropped event still counts.
        let key = if aggregated { similar.text("").text("") } else { similar.text(&about.field_path).text(&message) };
        let counted = self.counted.entry(key, || None);
        let verdict = match counted {
            Some(counted) => {
                counted.count += 1;
                Verdict::Count { name: counted.name.clone(), count: counted.count, first: counted.first, message }
            }
            None => Verdict::Create { message, key },
        };
        if self.spam(now, who) { Verdict::Drop } else { verdict }
    }

    /// The message of the event, or, when there were too many similar ones, of their sum.
    fn aggregate(&mut self, now: Time, key: Hash, message: &str) -> (Str, bool) {
        let similar = self.similar.entry(key, Similar::default);
        if now.since(similar.last) > AGGREGATE_INTERVAL {
            similar.messages.clear();
        }
        similar.last = now;
        let message = Str::from(message);
        similar.messages.insert(message.clone());
        if similar.messages.len() < AGGREGATE_FROM {
            return (message, false);
        }
        // Only the number of messages matters from here on.
        while similar.messages.len() > AGGREGATE_FROM {
            similar.messages.pop_first();
        }
        (format!("(combined from similar events): {message}").into(), true)
    }

    fn spam(&mut self, now: Time, key: Hash) -> bool {
        let bucket = self.buckets.entry(key, || Bucket { tokens: SPAM_BURST, filling: now });
        while bucket.tokens < SPAM_BURST && bucket.filling + SPAM_REFILL <= now {
            bucket.tokens += 1;
            bucket.filling = bucket.filling + SPAM_REFILL;
        }
        if bucket.tokens == 0 {
            return true;
        }
        if bucket.tokens == SPAM_BURST {
            bucket.filling = now;
        }
        bucket.tokens -= 1;
        false
    }

    /// Notes that an event was made under a name.
    pub(super) fn created(&mut self, now: Time, key: Hash, name: &str) {
        *self.counted.entry(key, || None) = Some(Counted { name: name.into(), count: 1, first: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(correlator: &mut Correlator, second: u64, message: &str) -> String {
        let source = Source::kubelet("n");
        let about = Reference { name: "p".into(), ..Reference::default() };
        match correlator.judge(Time::from_seconds(second), &source, &about, "Warning", "BackOff", message) {
            Verdict::Drop => "drop".into(),
            Verdict::Create { message, key } => {
                correlator.created(Time::from_seconds(second), key, "x");
                format!("create {message}")
            }
            Verdict::Count { count, message, .. } => format!("count {count} {message}"),
        }
    }

    #[test]
    fn equal_events_are_counted_and_similar_ones_combined() {
        let mut correlator = Correlator::default();
        assert_eq!(judge(&mut correlator, 1, "a"), "create a");
        assert_eq!(judge(&mut correlator, 2, "a"), "count 2 a");
        for message in ["b", "c", "d", "e", "f", "g", "h", "i"] {
            assert_eq!(judge(&mut correlator, 3, message), format!("create {message}"));
        }
        assert_eq!(judge(&mut correlator, 4, "j"), "create (combined from similar events): j");
        assert_eq!(judge(&mut correlator, 5, "k"), "count 2 (combined from similar events): k");
        assert_eq!(judge(&mut correlator, 700, "a"), "count 3 a");
    }

    #[test]
    fn too_many_events_are_not_heard() {
        let mut correlator = Correlator::default();
        let heard = (0..40).filter(|_| judge(&mut correlator, 1, "a") != "drop").count();
        assert_eq!(heard, 25);
        assert_eq!(judge(&mut correlator, 300, "a"), "drop");
        assert_eq!(judge(&mut correlator, 301, "a"), "count 42 a");
        assert_eq!(judge(&mut correlator, 301, "a"), "drop");
    }
}
