//! The pods that want a node: those to be tried now, those that back off, and those that wait for something to change.

use drydock_sorted::{SortedMap, SortedSet};
use std::sync::Arc;
use std::time::Duration;

use drydock_value::Time;

use super::pod::PodInfo;
use crate::objects::Key;

const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MOST_BACKOFF: Duration = Duration::from_secs(10);
/// After this long a pod is tried again even though nothing changed.
const MOST_WAIT: Duration = Duration::from_secs(300);

/// A pod in the queue.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The pod.
    pub pod: Arc<PodInfo>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was last put into the queue: its place among equals.
    pub since: Time,
    /// The plugins that refused it the last time.
    pub rejectors: SortedSet<&'static str>,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// To be tried: its key in the order.
    Active(Order),
    /// Until then.
    BackOff(Time, u64),
    /// Since then.
    Waiting,
    /// Held back by scheduling gates.
    Gated,
}

/// Higher priority first, then who came first.
type Order = (std::cmp::Reverse<i64>, Time, u64);

/// The queue.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    pods: SortedMap<Key, Queued>,
    active: SortedMap<Order, Key>,
    backing_off: SortedMap<(Time, u64), Key>,
    sequence: u64,
}

/// How long a pod backs off after that many attempts.
fn backoff(attempts: u32) -> Duration {
    let doubled = INITIAL_BACKOFF.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    doubled.min(MOST_BACKOFF)
}

impl Queue {
    /// A pod came, or its spec changed so that it may fit now.
    pub fn add(&mut self, pod: Arc<PodInfo>, now: Time) {
        let attempts = self.take(pod.key()).map_or(0, |queued| queued.attempts);
        let gated = !pod.spec()["schedulingGates"].items().is_empty();
        let mut queued = Queued { pod, attempts, since: now, rejectors: SortedSet::new(), place: Place::Waiting };
        if gated {
            queued.place = Place::Gated;
            self.pods.insert(queued.pod.key().clone(), queued);
        } else {
            self.activate(queued);
        }
    }

    /// A pod changed in a way that cannot matter: only what is known of it is renewed.
    pub fn renew(&mut self, pod: Arc<PodInfo>) {
        if let Some(queued) = self.pods.get_mut(pod.key()) {
            queued.pod = pod;
        }
    }

    /// A pod in the queue.
    pub fn get(&self, key: &Key) -> Option<&Queued> {
        self.pods.get(key)
    }

    /// A pod wants no node any more.
    pub fn remove(&mut self, key: &Key) {
        self.take(key);
    }

    fn take(&mut self, key: &Key) -> Option<Queued> {
        let queued = self.pods.remove(key)?;
        match queued.place {
            Place::Active(order) => {
                self.active.remove(&order);
            }
            Place::BackOff(until, sequence) => {
                self.backing_off.remove(&(until, sequence));
            }
            Place::Waiting | Place::Gated => {}
        }
        Some(queued)
    }

    fn activate(&mut self, mut queued: Queued) {
        self.sequence += 1;
        let order = (std::cmp::Reverse(queued.pod.priority()), queued.since, self.sequence);
        queued.place = Place::Active(order);
        self.active.insert(order, queued.pod.key().clone());
        self.pods.insert(queued.pod.key().clone(), queued);
    }

    /// Takes the next pod to try out of the queue, as one more attempt.
    pub fn pop(&mut self) -> Option<Queued> {
        let (_, key) = self.active.pop_first()?;
        let mut queued = self.pods.remove(&key)?;
        queued.attempts += 1;
        Some(queued)
    }

    /// Puts a pod back that found no node: it waits until something changes that its rejectors care for.
    pub fn wait(&mut self, mut queued: Queued, rejectors: SortedSet<&'static str>, now: Time) {
        queued.rejectors = rejectors;
        queued.since = now;
        queued.place = Place::Waiting;
        self.pods.insert(queued.pod.key().clone(), queued);
    }

    /// Puts a pod back that failed for a reason of the moment: it backs off.
    pub fn retry(&mut self, mut queued: Queued, now: Time) {
        queued.rejectors.clear();
        queued.since = now;
        self.back_off(queued, now);
    }

    fn back_off(&mut self, mut queued: Queued, now: Time) {
        let until = queued.since + backoff(queued.attempts);
        if until <= now {
            return self.activate(queued);
        }
        self.sequence += 1;
        queued.place = Place::BackOff(until, self.sequence);
        self.backing_off.insert((until, self.sequence), queued.pod.key().clone());
        self.pods.insert(queued.pod.key().clone(), queued);
    }

    /// Something changed: the waiting pods for which `helps` says so are tried again, after their back-off.
    pub fn wake(&mut self, now: Time, helps: impl Fn(&Queued) -> bool) {
        let keys: Vec<Key> = self
            .pods
            .values()
            .filter(|queued| queued.place == Place::Waiting && helps(queued))
            .map(|queued| queued.pod.key().clone())
            .collect();
        for key in keys {
            if let Some(queued) = self.take(&key) {
                self.back_off(queued, now);
            }
        }
    }

    /// Whether a pod waits for something to change.
    pub fn any_waiting(&self) -> bool {
        self.pods.len() > self.active.len() + self.backing_off.len()
    }

    /// Lets pods go whose back-off is over, and those that have waited for too long.
    pub fn flush(&mut self, now: Time) {
        while self.backing_off.first_key_value().is_some_and(|((until, _), _)| *until <= now) {
            let Some((_, key)) = self.backing_off.pop_first() else { break };
            if let Some(queued) = self.pods.remove(&key) {
                self.activate(queued);
            }
        }
        self.wake(now, |queued| queued.since + MOST_WAIT <= now);
    }

    /// Whether there is a pod to try.
    pub fn ready(&self) -> bool {
        !self.active.is_empty()
    }

    /// When [`Queue::flush`] has something to do.
    pub fn next_flush(&self) -> Option<Time> {
        let backing_off = self.backing_off.first_key_value().map(|((until, _), _)| *until);
        let waiting = if self.any_waiting() {
            self.pods.values().filter(|q| q.place == Place::Waiting).map(|q| q.since + MOST_WAIT).min()
        } else {
            None
        };
        [backing_off, waiting].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Object;
    use drydock_value::value;

    fn pod(name: &str, priority: i64) -> Arc<PodInfo> {
        let object = Object::read(value!({"metadata": {"name": name}, "spec": {"priority": priority}}), true);
        Arc::new(PodInfo::read(&object, &|_| Vec::new()))
    }

    #[test]
    fn priority_goes_first_then_age() {
        let mut queue = Queue::default();
        let at = Time::from_seconds;
        queue.add(pod("a", 0), at(1));
        queue.add(pod("b", 0), at(1));
        queue.add(pod("vip", 10), at(2));
        let order: Vec<String> =
            std::iter::from_fn(|| queue.pop()).map(|queued| queued.pod.key().name.to_string()).collect();
        assert_eq!(order, ["vip", "a", "b"]);
    }

    #[test]
    fn a_pod_that_found_no_node_waits_for_a_change_and_backs_off() {
        let mut queue = Queue::default();
        let at = Time::from_seconds;
        queue.add(pod("a", 0), at(1));
        let queued = queue.pop().unwrap();
        queue.wait(queued, ["NodeAffinity"].into(), at(1));
        queue.wake(at(1), |queued| queued.rejectors.contains("NodePorts"));
        assert_eq!(queue.next_flush(), Some(at(301)));
        queue.wake(at(1), |queued| queued.rejectors.contains("NodeAffinity"));
        assert_eq!((queue.ready(), queue.next_flush()), (false, Some(at(2))));
        queue.flush(at(2));
        assert!(queue.ready());
        let queued = queue.pop().unwrap();
        assert_eq!(queued.attempts, 2);
        queue.wait(queued, SortedSet::new(), at(2));
        queue.flush(at(302));
        assert!(queue.ready());
    }

    #[test]
    fn gated_pods_are_not_tried() {
        let mut queue = Queue::default();
        let object =
            Object::read(value!({"metadata": {"name": "g"}, "spec": {"schedulingGates": [{"name": "x"}]}}), true);
        queue.add(Arc::new(PodInfo::read(&object, &|_| Vec::new())), Time::from_seconds(1));
        queue.wake(Time::from_seconds(1), |_| true);
        assert!(!queue.ready() && queue.next_flush().is_none());
        queue.add(pod("g", 0), Time::from_seconds(2));
        assert!(queue.ready());
    }
}
