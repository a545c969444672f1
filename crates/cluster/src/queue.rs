//! The clock's queue: what happens next, ordered by time and, within one moment, by who asked first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use drydock_value::Time;

use crate::digest::Digest;
use crate::faults::FaultWake;
use crate::kubelet::KubeletWake;
use crate::network::NetworkWake;
use crate::runtime::MachineWake;
use crate::scheduler::SchedulerWake;

/// A node's place in [`Config::nodes`](crate::Config), which its kubelet shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// Something that happens at a moment. A wake that has become pointless is ignored by whom it wakes; nothing is ever
/// taken out of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Changes of objects reach the informers, and those the components.
    Inform,
    /// A controller takes a key from its queue, if one is due. The number is its row in the table of controllers.
    Controller(u16),
    /// The scheduler.
    Scheduler(SchedulerWake),
    /// A node's kubelet.
    Kubelet {
        /// Whose.
        node: NodeId,
        /// Why.
        wake: KubeletWake,
    },
    /// Processes of a container go on.
    Machine(MachineWake),
    /// The network.
    Network(NetworkWake),
    /// The metrics server asks what is used.
    Measure,
    /// Something that failed comes back.
    Fault(FaultWake),
}

#[derive(Debug, Clone)]
struct Entry {
    at: Time,
    sequence: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// What is to happen, in order.
#[derive(Debug, Clone, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    now: Time,
}

impl EventQueue {
    /// Nothing to happen yet; the clock stands at `now`.
    pub fn new(now: Time) -> EventQueue {
        EventQueue { now, ..EventQueue::default() }
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets `event` happen at `at`, or now if that is past.
    pub fn at(&mut self, at: Time, event: Event) {
        self.sequence += 1;
        self.heap.push(Reverse(Entry { at: at.max(self.now), sequence: self.sequence, event }));
    }

    /// Lets `event` happen after `wait`.
    pub fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    /// Lets `event` happen at this moment, after what was asked for before.
    pub fn soon(&mut self, event: Event) {
        self.at(self.now, event);
    }

    /// When the next event is.
    pub fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// How many events are to come.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is to come.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Takes the next event that is due by `until`, and sets the clock to it.
    pub(crate) fn pop(&mut self, until: Time, digest: &mut Digest) -> Option<Event> {
        if self.next()? > until {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        digest.number(entry.at.0);
        digest.number(entry.sequence);
        Some(entry.event)
    }

    /// Sets the clock forward. What is due earlier must have been popped.
    pub(crate) fn set_now(&mut self, now: Time) {
        self.now = self.now.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_in_the_order_of_asking() {
        let mut queue = EventQueue::new(Time::from_seconds(10));
        queue.after(Duration::from_secs(2), Event::Controller(1));
        queue.after(Duration::from_secs(1), Event::Controller(2));
        queue.at(Time::from_seconds(3), Event::Controller(3));
        queue.after(Duration::from_secs(1), Event::Controller(4));
        let mut digest = Digest::default();
        let mut order = Vec::new();
        while let Some(event) = queue.pop(Time::from_seconds(11), &mut digest) {
            order.push(event);
        }
        assert_eq!(order, [Event::Controller(3), Event::Controller(2), Event::Controller(4)]);
        assert_eq!((queue.now(), queue.len()), (Time::from_seconds(11), 1));
    }
}
